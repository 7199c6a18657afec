/*
 * Plan for the PASID capability of a device
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/arm/smmuv3-waits.h"
#include "hw/pci/pcie_ecap.h"
#include "hw/pci/pcie_ecap_size.h"
#include "plan.h"
#include "vfio-model.h"

#define ALL_ONES            0xffffffffu
/* Header Type (PCIe 6.2, 7.5.1.1.9): functions other than type 0 are bridges */
#define HEADER_TYPE_LAYOUT  0x7f
#define HEADER_TYPE_MULTI   0x80

/* Of a virtual function the IDs alone read all ones */
static bool is_gone(const Device *dev)
{
    return pcie_ecap_get32(dev->image, PCI_VENDOR_ID) == ALL_ONES &&
           pcie_ecap_get32(dev->image, PCI_CLASS_REVISION) == ALL_ONES;
}

static bool is_bridge(const Device *dev)
{
    return !dev->is_virtual &&
           (dev->image[PCI_HEADER_TYPE] & HEADER_TYPE_LAYOUT);
}

/* Ends the plan with a result and a reason. Returns false for the caller. */
static bool G_GNUC_PRINTF(3, 4) end_plan(Plan *plan, PlanResult result,
                                         const char *format, ...)
{
    va_list args;

    va_start(args, format);
    plan->reason = g_strdup_vprintf(format, args);
    va_end(args);
    plan->result = result;
    return false;
}

/* Can PASID be looked for in @dev at all? */
static bool is_readable(Plan *plan, const Device *dev)
{
    const char *name = dev == plan->dev ? "the device" :
                                          "its physical function";

    if (dev->is_virtual && !dev->physical) {
        return end_plan(plan, PLAN_UNKNOWN, "a virtual function, which has the "
                        "PASID of its physical function; that is not in the "
                        "dump");
    }
    if (is_gone(dev)) {
        plan->remedy = "power it on, or remove it and rescan its bus";
        return end_plan(plan, PLAN_UNKNOWN, "%s does not answer: the "
                        "configuration space reads all ones", name);
    }
    plan->remedy = "run as root";
    if (dev->problem) {
        return end_plan(plan, PLAN_UNKNOWN, "%s", dev->problem);
    }
    if (dev->total && dev->total <= PCI_IMAGE_SIZE) {
        return end_plan(plan, PLAN_FINE, "no extended capabilities: the "
                        "configuration space of %s has %u bytes", name,
                        dev->total);
    }
    if (dev->size >= PCI_IMAGE_SIZE && !device_is_express(dev)) {
        /* A guest does not look at what is read there */
        return end_plan(plan, PLAN_FINE, "no extended capabilities: %s has no "
                        "PCI Express capability", name);
    }
    if (!device_is_extended(dev)) {
        return end_plan(plan, PLAN_UNKNOWN, "only %u bytes of the "
                        "configuration space of %s are known; root can read "
                        "all of it", dev->size, name);
    }
    return true;
}

/* The capability of @dev, which is the physical function of a virtual one */
static bool find_pasid(Plan *plan, const Device *dev)
{
    g_autofree PCIEEcapLayout *list = g_new(PCIEEcapLayout, 1);
    const PCIEEcapExtent *ext;

    pcie_ecap_parse(dev->image, list);
    ext = pcie_ecap_find(list, PCI_EXT_CAP_ID_PASID);
    plan->has_pasid = ext;
    if (!ext && (list->defects & PCIE_ECAP_BROKEN)) {
        g_autofree char *broken = vfio_pasid_describe(list, 0, 0,
                                                      PCIE_ECAP_BAD_CHAIN);

        return end_plan(plan, PLAN_FINE, "no PASID capability before %s",
                        broken);
    }
    if (!ext) {
        return end_plan(plan, PLAN_FINE, "the device has no PASID capability");
    }
    if (ext->version != PCI_PASID_VER) {
        return end_plan(plan, PLAN_NO_PLACE, "the PASID capability at 0x%x has "
                        "version %u; only %u is known", ext->offset,
                        ext->version, PCI_PASID_VER);
    }
    if (!vfio_pasid_read(dev->image, ext->offset, &plan->pasid)) {
        return end_plan(plan, PLAN_NO_PLACE, "the PASID capability at 0x%x is "
                        "cut short", ext->offset);
    }
    plan->is_on = pcie_ecap_get32(dev->image, ext->offset + PCI_PASID_CTRL) &
                  PCI_PASID_CTRL_ENABLE;
    if (!plan->pasid.width) {
        return end_plan(plan, PLAN_FINE, "the PASID capability at 0x%x has a "
                        "width of 0 bits, which gives the host no PASID to "
                        "report", ext->offset);
    }
    if (plan->pasid.width > PCI_EXT_CAP_PASID_MAX_WIDTH) {
        return end_plan(plan, PLAN_NO_PLACE, "the PASID capability at 0x%x has "
                        "a width of %u bits, which has to be 0 to %u",
                        ext->offset, plan->pasid.width,
                        PCI_EXT_CAP_PASID_MAX_WIDTH);
    }
    return true;
}

/* Function 0 has a bit for it, and the others are what it stands for */
static bool is_multifunction(const Device *dev)
{
    return dev->image[PCI_HEADER_TYPE] & HEADER_TYPE_MULTI ||
           (strchr(dev->name, '.') && !g_str_has_suffix(dev->name, ".0"));
}

/*
 * Why Linux does not enable the PASID of @dev on the host, as far as the device
 * itself tells; the ports above it have to agree, too. NULL if it enables it.
 */
static const char *why_not_enabled(const Device *dev)
{
    g_autofree PCIEEcapLayout *list = g_new(PCIEEcapLayout, 1);
    PCIEEcapFunction function;

    pcie_ecap_function(dev->image, &function);
    /* Linux has a quirk for the same devices: they send PASIDs without */
    if (!function.ee_prefix &&
        !smmuv3_waits_by_id(dev->vendor, dev->device,
                            dev->image[PCI_REVISION_ID])) {
        return "it has no end-to-end TLP prefixes in Device Capabilities 2";
    }
    pcie_ecap_parse(dev->image, list);
    if (is_multifunction(dev) && !pcie_ecap_find(list, PCI_EXT_CAP_ID_ACS)) {
        return "it is one of several functions and has no ACS";
    }
    return NULL;
}

static void add_not_enabled(Plan *plan, const Device *dev)
{
    const char *why = why_not_enabled(dev);
    g_autofree char *place = plan->reason;

    if (why) {
        end_plan(plan, PLAN_NOT_ENABLED, "%s; Linux does not enable it without "
                 "a quirk for the device: %s", place, why);
    } else {
        plan->reason = g_steal_pointer(&place);
    }
}

Plan *plan_new(const Device *dev)
{
    Plan *plan = g_new0(Plan, 1);
    const Device *owner = dev->physical ?: dev;

    plan->dev = dev;
    plan->extended = device_is_extended(dev);
    if (plan->extended) {
        pcie_ecap_parse(dev->image, &plan->own);
        vfio_model_show(dev->image, plan->shown);
        pcie_ecap_parse(plan->shown, &plan->visible);
        pcie_ecap_reserve(&plan->visible, dev->size,
                          PCIE_ECAP_IMAGE_SIZE - dev->size);
    }

    plan->is_bridge = !is_gone(dev) && is_bridge(dev);
    if (plan->is_bridge) {
        end_plan(plan, PLAN_FINE, "VFIO passes no bridges through");
        return plan;
    }
    if (!is_readable(plan, dev) ||
        (owner != dev && !is_readable(plan, owner)) ||
        !find_pasid(plan, owner)) {
        return plan;
    }
    if (!vfio_pasid_choose_place(&plan->visible, plan->shown, &plan->pasid,
                                 &plan->choice)) {
        plan->result = PLAN_NO_PLACE;
    }
    plan->reason = vfio_pasid_describe_place(&plan->visible, dev->size,
                                             &plan->choice);
    if (!plan->result) {
        add_not_enabled(plan, owner);
    }
    return plan;
}

bool plan_hides(const Plan *plan, const PCIEEcapExtent *ext)
{
    for (unsigned i = 0; i < plan->visible.count; i++) {
        const PCIEEcapExtent *shown = &plan->visible.extents[i];

        if (shown->offset == ext->offset && shown->id == ext->id) {
            return false;
        }
    }
    return true;
}

const char *plan_step_name(VFIOPasidStep step)
{
    static const char *const names[] = {
        [VFIO_PASID_STEP_NONE] = "none",
        [VFIO_PASID_STEP_END] = "end",
        [VFIO_PASID_STEP_HOST] = "host",
        [VFIO_PASID_STEP_GAP] = "gap",
    };

    return step < G_N_ELEMENTS(names) ? names[step] : "none";
}

void plan_free(Plan *plan)
{
    if (plan) {
        g_free(plan->reason);
        g_free(plan);
    }
}
