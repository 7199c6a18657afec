/*
 * Accelerated arm-smmuv3: ID registers of the guest and of the host
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/arm/smmuv3-waits.h"
#include "smmuv3-accel-internal.h"
#include "smmuv3-fields.h"
#include "smmuv3-ssid.h"
#include "smmuv3-stall.h"

/* smmuv3-internal.h does not have this one */
FIELD(IDR5, DS, 7, 1)

/* IDR0.TTENDIAN */
#define TTENDIAN_MIXED  0

typedef enum IdrRule {
    IDR_AT_LEAST,   /* the host value is not below the guest's */
    IDR_LIMIT,      /* the same, and the guest can be offered less */
    IDR_ALL_BITS,   /* the host has each bit of the guest's value */
    IDR_ENDIAN,
    IDR_STALL,
} IdrRule;

typedef struct IdrField {
    const char *name;
    uint8_t reg;
    uint8_t shift;
    uint8_t length;
    IdrRule rule;
    uint32_t unknown;   /* limit of IDR_LIMIT while no host is known */
} IdrField;

#define IDR_FIELD(r, field, rule_, ...) {           \
    .name = "IDR" #r "." #field,                    \
    .reg = r,                                       \
    .shift = R_IDR##r##_##field##_SHIFT,            \
    .length = R_IDR##r##_##field##_LENGTH,          \
    .rule = rule_,                                  \
    __VA_ARGS__                                     \
}

/*
 * The kernel says which fields of the host's registers a VMM may read
 * (iommufd.h struct iommu_hw_info_arm_smmuv3). It may go by other values than
 * the rest says: firmware overrides COHACC, which is true wherever there is a
 * vIOMMU, as S1P is. Two fields are here all the same. OAS limits the addresses
 * that the guest may use, and nothing else tells it. ATS is a property of each
 * device, but the kernel refuses CMD_ATC_INV where the host SMMU has none. And
 * two fields that may be read are not here, STLEVEL and SIDSIZE: the guest's
 * stream table and StreamIDs do not reach the host SMMU.
 */
static const IdrField idr_fields[] = {
    IDR_FIELD(0, TTF, IDR_ALL_BITS),
    IDR_FIELD(0, ATS, IDR_AT_LEAST),
    IDR_FIELD(0, ASID16, IDR_LIMIT, .unknown = 1),
    IDR_FIELD(0, CD2L, IDR_LIMIT),
    IDR_FIELD(0, TTENDIAN, IDR_ENDIAN),
    IDR_FIELD(0, STALL_MODEL, IDR_STALL),
    IDR_FIELD(1, SSIDSIZE, IDR_AT_LEAST),
    IDR_FIELD(3, RIL, IDR_AT_LEAST),
    IDR_FIELD(3, BBML, IDR_LIMIT),
    IDR_FIELD(5, OAS, IDR_AT_LEAST),
    IDR_FIELD(5, GRAN4K, IDR_LIMIT, .unknown = 1),
    IDR_FIELD(5, GRAN16K, IDR_LIMIT),
    IDR_FIELD(5, GRAN64K, IDR_LIMIT, .unknown = 1),
    /* The emulation has neither, so far */
    IDR_FIELD(5, DS, IDR_LIMIT),
    IDR_FIELD(5, VAX, IDR_LIMIT),
};

static uint32_t idr_get(const uint32_t *idr, const IdrField *f)
{
    return extract32(idr[f->reg], f->shift, f->length);
}

static bool idr_matches(const IdrField *f, uint32_t host, uint32_t guest)
{
    switch (f->rule) {
    case IDR_ALL_BITS:
        return (host & guest) == guest;
    case IDR_ENDIAN:
        return host == TTENDIAN_MIXED || host == guest;
    case IDR_STALL:
        /* A guest without stalls does with a host that can do without */
        return host == guest ||
               (host == STALL_MODEL_BOTH && guest == STALL_MODEL_NONE);
    default:
        return host >= guest;
    }
}

void smmuv3_accel_caps_read(const struct iommu_hw_info_arm_smmuv3 *info,
                            SMMUv3AccelIdr *idr)
{
    QEMU_BUILD_BUG_ON(sizeof(info->idr) != sizeof(idr->reg));
    memcpy(idr->reg, info->idr, sizeof(idr->reg));
}

void smmuv3_accel_caps_resolve_ssidsize(SMMUv3State *s,
                                        const SMMUv3AccelIdr *host)
{
    if (s->props.ssidsize == SMMUV3_AUTO) {
        s->ssidsize = host ? MIN(FIELD_EX32(host->reg[1], IDR1, SSIDSIZE),
                                 SMMU_SSIDSIZE_MAX) : 0;
    }
}

static bool resolve_bool(OnOffAuto prop, bool host)
{
    return prop == ON_OFF_AUTO_AUTO ? host : prop == ON_OFF_AUTO_ON;
}

/* Value of IDR5.OAS for the guest */
static uint32_t resolve_oas(const SMMUv3Props *p, const SMMUv3AccelIdr *host)
{
    if (p->oas != SMMUV3_AUTO) {
        return smmuv3_props_oas_encode(p->oas);
    }
    if (!host) {
        return SMMU_IDR5_OAS;
    }
    /* A width that is not known here becomes the largest known one */
    return smmuv3_props_oas_encode(smmuv3_props_oas_bits(
               FIELD_EX32(host->reg[5], IDR5, OAS)));
}

void smmuv3_accel_caps_set_idr(SMMUv3State *s, const SMMUv3AccelIdr *host)
{
    const SMMUv3Props *p = &s->props;

    for (int i = 0; i < ARRAY_SIZE(idr_fields); i++) {
        const IdrField *f = &idr_fields[i];

        if (f->rule == IDR_LIMIT) {
            uint32_t limit = host ? idr_get(host->reg, f) : f->unknown;
            uint32_t *reg = &s->idr[f->reg];

            *reg = deposit32(*reg, f->shift, f->length,
                             MIN(idr_get(s->idr, f), limit));
        }
    }
    s->idr[0] = FIELD_DP32(s->idr[0], IDR0, ATS,
                           resolve_bool(p->ats, host &&
                                        FIELD_EX32(host->reg[0], IDR0, ATS)));
    /* CMD_SYNC by message: not of the host, which sees none of the guest's */
    s->idr[0] = FIELD_DP32(s->idr[0], IDR0, MSI, 1);
    /* No VMM can know whether the host has it */
    s->idr[3] = FIELD_DP32(s->idr[3], IDR3, HAD, 0);
    s->idr[3] = FIELD_DP32(s->idr[3], IDR3, RIL,
                           resolve_bool(p->ril, host &&
                                        FIELD_EX32(host->reg[3], IDR3, RIL)));
    s->idr[5] = FIELD_DP32(s->idr[5], IDR5, OAS, resolve_oas(p, host));
}

static void append_on_off(GString *list, const char *name, OnOffAuto value)
{
    g_string_append_printf(list, " (%s=%s, the host needs %s=off)", name,
                           value == ON_OFF_AUTO_ON ? "on" :
                           "auto, settled at startup", name);
}

static void append_stall(SMMUv3State *s, uint32_t model,
                         const SMMUv3AccelIdr *host, GString *list)
{
    Error *err = NULL;

    g_string_append_printf(list, " (x-stall=%s%s, ",
                           smmuv3_stall_mode_name(s->x_stall),
                           s->x_stall == SMMUV3_STALL_AUTO ?
                           ", settled at startup" : "");
    if (model == STALL_MODEL_FORCED &&
        smmuv3_accel_sva_of_host(host, &err) == SVA_NO) {
        g_string_append_printf(list, "no x-stall goes with this host: it stalls"
                               " each transaction that faults, and %s)",
                               error_get_pretty(err));
    } else {
        g_string_append_printf(list, "the host needs x-stall=%s)",
                               model == STALL_MODEL_FORCED ? "force" :
                               model == STALL_MODEL_BOTH ? "on or off" : "off");
    }
    error_free(err);
}

/* Append the property that the user can change when a field does not match */
static void append_property(SMMUv3State *s, const IdrField *f,
                            const SMMUv3AccelIdr *host, GString *list)
{
    const SMMUv3Props *p = &s->props;
    uint32_t value = idr_get(host->reg, f);

    switch (f->reg * 32 + f->shift) {
    case 0 * 32 + R_IDR0_ATS_SHIFT:
        append_on_off(list, "ats", p->ats);
        break;
    case 0 * 32 + R_IDR0_STALL_MODEL_SHIFT:
        append_stall(s, value, host, list);
        break;
    case 1 * 32 + R_IDR1_SSIDSIZE_SHIFT:
        g_string_append_printf(list, " (ssidsize %u, the host has at most %u)",
                               s->ssidsize, value);
        break;
    case 3 * 32 + R_IDR3_RIL_SHIFT:
        append_on_off(list, "ril", p->ril);
        break;
    case 5 * 32 + R_IDR5_OAS_SHIFT:
        g_string_append_printf(list, " (oas %u, the host has at most %u)",
                               smmuv3_props_oas_bits(idr_get(s->idr, f)),
                               smmuv3_props_oas_bits(value));
        break;
    }
}

bool smmuv3_accel_caps_check(SMMUv3State *s, const SMMUv3AccelIdr *host_idr,
                             const char *name, Error **errp)
{
    g_autoptr(GString) list = g_string_new("");

    for (int i = 0; i < ARRAY_SIZE(idr_fields); i++) {
        const IdrField *f = &idr_fields[i];
        uint32_t host = idr_get(host_idr->reg, f);
        uint32_t guest = idr_get(s->idr, f);

        if (!idr_matches(f, host, guest)) {
            g_string_append_printf(list, "%s %s host %u guest %u",
                                   list->len ? "," : "", f->name, host, guest);
            append_property(s, f, host_idr, list);
        }
    }
    if (!FIELD_EX32(s->idr[5], IDR5, GRAN4K) &&
        !FIELD_EX32(s->idr[5], IDR5, GRAN16K) &&
        !FIELD_EX32(s->idr[5], IDR5, GRAN64K)) {
        g_string_append_printf(list, "%s no common granule in IDR5 host 0x%x",
                               list->len ? "," : "", host_idr->reg[5]);
    }
    if (!list->len) {
        return true;
    }

    error_setg(errp, "arm-smmuv3: the host SMMUv3 of %s cannot do what the"
               " guest is offered:%s", name, list->str);
    return false;
}
