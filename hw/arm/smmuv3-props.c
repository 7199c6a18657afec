/*
 * Properties of arm-smmuv3, and values that follow the host
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qapi/visitor-impl.h"
#include "qemu/cutils.h"
#include "qobject/qnum.h"
#include "qobject/qstring.h"
#include "hw/arm/smmuv3.h"
#include "hw/pci/pci_bus.h"
#include "smmuv3-internal.h"

/* Widths in the order of IDR5.OAS (SMMUv3 IHI0070, 6.3.6) */
static const uint8_t oas_widths[] = { 32, 36, 40, 42, 44, 48, 52 };

#define OAS_CHOICE "32, 36, 40, 42, 44, 48 or 52"

unsigned int smmuv3_props_oas_bits(uint32_t oas)
{
    return oas_widths[MIN(oas, ARRAY_SIZE(oas_widths) - 1)];
}

int smmuv3_props_oas_encode(unsigned int bits)
{
    for (int i = 0; i < ARRAY_SIZE(oas_widths); i++) {
        if (oas_widths[i] == bits) {
            return i;
        }
    }
    return -1;
}

/* The property type */

static bool number_parse(const char *text, uint8_t *value)
{
    uint64_t number;

    if (!strcmp(text, "auto")) {
        *value = SMMUV3_AUTO;
        return true;
    }
    if (qemu_strtou64(text, NULL, 0, &number) || number >= SMMUV3_AUTO) {
        return false;
    }
    *value = number;
    return true;
}

/*
 * Read the property as text. It is a number or a string in JSON, and a string
 * on the command line. The visitor of -global has no visit_type_any().
 */
static char *number_visit_text(Visitor *v, const char *name, Error **errp)
{
    QObject *any = NULL;
    char *text = NULL;

    if (!v->type_any) {
        return visit_type_str(v, name, &text, errp) ? text : NULL;
    }
    if (!visit_type_any(v, name, &any, errp)) {
        return NULL;
    }
    switch (qobject_type(any)) {
    case QTYPE_QNUM:
        text = qnum_to_string(qobject_to(QNum, any));
        break;
    case QTYPE_QSTRING:
        text = g_strdup(qstring_get_str(qobject_to(QString, any)));
        break;
    default:
        error_setg(errp, TYPE_ARM_SMMUV3 ": %s is neither a number nor auto",
                   name);
        break;
    }
    qobject_unref(any);
    return text;
}

static void number_get(Object *obj, Visitor *v, const char *name, void *opaque,
                       Error **errp)
{
    const uint8_t *value = object_field_prop_ptr(obj, opaque);
    g_autofree char *text = *value == SMMUV3_AUTO ? g_strdup("auto") :
                            g_strdup_printf("%u", *value);

    visit_type_str(v, name, &text, errp);
}

static void number_set(Object *obj, Visitor *v, const char *name, void *opaque,
                       Error **errp)
{
    uint8_t *value = object_field_prop_ptr(obj, opaque);
    g_autofree char *text = number_visit_text(v, name, errp);

    if (text && !number_parse(text, value)) {
        error_setg(errp, TYPE_ARM_SMMUV3 ": %s=%s is neither a number below %u"
                   " nor auto", name, text, SMMUV3_AUTO);
    }
}

static void number_set_default(ObjectProperty *op, const Property *prop)
{
    if (prop->defval.u == SMMUV3_AUTO) {
        object_property_set_default_str(op, "auto");
    } else {
        object_property_set_default_uint(op, prop->defval.u);
    }
}

const PropertyInfo smmuv3_prop_number = {
    .type = "str",
    .description = "a number, or auto for what the host has",
    .get = number_get,
    .set = number_set,
    .set_default_value = number_set_default,
};

/* Descriptions */

static const struct {
    const char *name;
    const char *text;
} descriptions[] = {
    { "accel", "run stage 1 of passed-through devices in the host SMMUv3" },
    { "ats", "with accel=on: offer address translation services (ATS);"
             " auto follows the host" },
    { "ril", "with accel=on: offer range invalidation; auto follows the host" },
    { "oas", "with accel=on: output address size, " OAS_CHOICE " bits;"
             " auto follows the host" },
    { "ssidsize", "SubstreamID (PASID) bits, 0 to 20; 0 offers no PASID; auto"
                  " follows the host with accel=on, else it is 0" },
    { "cmdqv", "auto or off: command queues in the host's hardware are not"
               " supported" },
    { "identifier", "0: other identifiers of the IORT node are not supported" },
    { "msi-gpa", "0: other addresses of the MSI doorbell are not supported" },
    { "stage", "stages of the emulation: 1, 2 or nested" },
    { "x-fwb", "emulate forced write-back of stage 2 (IDR3.FWB)" },
    { "primary-bus", "root bus whose devices are behind this SMMUv3" },
    { "bus_num", "no effect" },
    { "smmu_per_bus", "translate for the primary bus only, not for root buses"
                      " below it" },
};

void smmuv3_props_describe(ObjectClass *klass)
{
    for (int i = 0; i < ARRAY_SIZE(descriptions); i++) {
        /* Some are properties of the parent class */
        ObjectProperty *op = object_class_property_find(klass,
                                                        descriptions[i].name);

        g_free(op->description);
        op->description = g_strdup(descriptions[i].text);
    }
}

/* Checks */

/* An accelerated SMMUv3 must be the only vIOMMU of its bus */
static bool smmuv3_props_bus_is_free(SMMUv3State *s, Error **errp)
{
    PCIBus *bus = ARM_SMMU(s)->primary_bus;
    const char *name = "another vIOMMU";

    if (!bus || !bus->iommu_ops) {
        return true;
    }
    if (bus->iommu_ops->get_viommu_flags) {
        name = DEVICE(bus->iommu_opaque)->id ?: "an accelerated SMMUv3";
    } else if (!s->accel) {
        return true;
    }
    error_setg(errp, TYPE_ARM_SMMUV3 ": bus %s has %s already, and %s cannot"
               " be there too with accel=on; give it a pxb-pcie as its"
               " primary-bus", bus->qbus.name, name,
               DEVICE(s)->id ?: "a second one");
    return false;
}

/* Properties that QEMU 11.1 has, with values that are not supported here */
static bool smmuv3_props_supported(const SMMUv3Props *p, Error **errp)
{
    if (p->cmdqv == ON_OFF_AUTO_ON) {
        error_setg(errp, TYPE_ARM_SMMUV3 ": cmdqv=on is not supported: the"
                   " guest gets no command queue of the host's hardware, its"
                   " commands reach the host through iommufd; use cmdqv=auto"
                   " or cmdqv=off");
        return false;
    }
    if (p->identifier) {
        error_setg(errp, TYPE_ARM_SMMUV3 ": identifier=%u is not supported:"
                   " the machine numbers the nodes of the IORT by itself;"
                   " leave identifier out", p->identifier);
        return false;
    }
    if (p->msi_gpa) {
        error_setg(errp, TYPE_ARM_SMMUV3 ": msi-gpa=0x%" PRIx64 " is not"
                   " supported: passed-through devices send their message"
                   " interrupts to a page that the host chose; leave msi-gpa"
                   " out", p->msi_gpa);
        return false;
    }
    return true;
}

bool smmuv3_props_realize(SMMUv3State *s, Error **errp)
{
    const SMMUv3Props *p = &s->props;
    unsigned int emulated_oas = smmuv3_props_oas_bits(SMMU_IDR5_OAS);

    if (!smmuv3_props_supported(p, errp)) {
        return false;
    }
    if (p->oas != SMMUV3_AUTO && smmuv3_props_oas_encode(p->oas) < 0) {
        error_setg(errp, TYPE_ARM_SMMUV3 ": oas=%u is no output address size;"
                   " use " OAS_CHOICE ", or auto", p->oas);
        return false;
    }
    if (!s->accel) {
        if (p->oas != SMMUV3_AUTO && p->oas != emulated_oas) {
            error_setg(errp, TYPE_ARM_SMMUV3 ": oas=%u needs accel=on; the"
                       " emulation has %u bits only", p->oas, emulated_oas);
            return false;
        }
        if (p->ats == ON_OFF_AUTO_ON) {
            error_setg(errp, TYPE_ARM_SMMUV3 ": ats=on needs accel=on; use"
                       " x-ats=on for address translation services of the"
                       " emulation");
            return false;
        }
        if (p->ril == ON_OFF_AUTO_OFF) {
            error_setg(errp, TYPE_ARM_SMMUV3 ": ril=off needs accel=on; the"
                       " emulation always has range invalidation");
            return false;
        }
    }
    if (!smmuv3_props_bus_is_free(s, errp)) {
        return false;
    }
    s->ssidsize = p->ssidsize == SMMUV3_AUTO ? 0 : p->ssidsize;
    return true;
}
