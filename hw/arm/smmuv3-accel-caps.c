/*
 * ID registers of an accelerated arm-smmuv3 against those of the host
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "smmuv3-accel-caps.h"
#include "smmuv3-internal.h"

/* IDR0.TTENDIAN */
#define TTENDIAN_MIXED  0

/* IDR0.STALL_MODEL */
#define STALL_MODEL_BOTH    0
#define STALL_MODEL_FORCED  2

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
} IdrField;

#define IDR_FIELD(r, field, rule_) {                \
    .name = "IDR" #r "." #field,                    \
    .reg = r,                                       \
    .shift = R_IDR##r##_##field##_SHIFT,            \
    .length = R_IDR##r##_##field##_LENGTH,          \
    .rule = rule_,                                  \
}

static const IdrField idr_fields[] = {
    IDR_FIELD(0, S1P, IDR_AT_LEAST),
    IDR_FIELD(0, TTF, IDR_ALL_BITS),
    IDR_FIELD(0, COHACC, IDR_AT_LEAST),
    IDR_FIELD(0, ATS, IDR_AT_LEAST),
    IDR_FIELD(0, ASID16, IDR_AT_LEAST),
    IDR_FIELD(0, CD2L, IDR_LIMIT),
    IDR_FIELD(0, TTENDIAN, IDR_ENDIAN),
    IDR_FIELD(0, STALL_MODEL, IDR_STALL),
    IDR_FIELD(0, STLEVEL, IDR_AT_LEAST),
    IDR_FIELD(1, SIDSIZE, IDR_AT_LEAST),
    IDR_FIELD(1, SSIDSIZE, IDR_AT_LEAST),
    IDR_FIELD(3, HAD, IDR_LIMIT),
    IDR_FIELD(3, RIL, IDR_LIMIT),
    IDR_FIELD(3, BBML, IDR_LIMIT),
    IDR_FIELD(5, OAS, IDR_LIMIT),
    IDR_FIELD(5, GRAN4K, IDR_LIMIT),
    IDR_FIELD(5, GRAN16K, IDR_LIMIT),
    IDR_FIELD(5, GRAN64K, IDR_LIMIT),
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
        /* The emulation offers a guest none, and never a host that must */
        return host != STALL_MODEL_FORCED;
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

void smmuv3_accel_caps_limit(SMMUv3State *s, const SMMUv3AccelIdr *host)
{
    if (!host) {
        /* Linear tables are always there */
        s->idr[0] = FIELD_DP32(s->idr[0], IDR0, CD2L, 0);
        return;
    }
    for (int i = 0; i < ARRAY_SIZE(idr_fields); i++) {
        const IdrField *f = &idr_fields[i];

        if (f->rule == IDR_LIMIT) {
            uint32_t *reg = &s->idr[f->reg];

            *reg = deposit32(*reg, f->shift, f->length,
                             MIN(idr_get(s->idr, f), idr_get(host->reg, f)));
        }
    }
}

bool smmuv3_accel_caps_check(SMMUv3State *s,
                             const struct iommu_hw_info_arm_smmuv3 *info,
                             const char *name, Error **errp)
{
    ERRP_GUARD();
    g_autoptr(GString) list = g_string_new("");

    for (int i = 0; i < ARRAY_SIZE(idr_fields); i++) {
        const IdrField *f = &idr_fields[i];
        uint32_t host = idr_get(info->idr, f);
        uint32_t guest = idr_get(s->idr, f);

        if (!idr_matches(f, host, guest)) {
            g_string_append_printf(list, "%s %s host %u guest %u",
                                   list->len ? "," : "", f->name, host, guest);
        }
    }
    if (!FIELD_EX32(s->idr[5], IDR5, GRAN4K) &&
        !FIELD_EX32(s->idr[5], IDR5, GRAN16K) &&
        !FIELD_EX32(s->idr[5], IDR5, GRAN64K)) {
        g_string_append_printf(list, "%s no common granule in IDR5 host 0x%x",
                               list->len ? "," : "", info->idr[5]);
    }
    if (!list->len) {
        return true;
    }

    error_setg(errp, "arm-smmuv3: the host SMMUv3 of %s cannot do what the"
               " guest is offered:%s", name, list->str);
    if (FIELD_EX32(info->idr[1], IDR1, SSIDSIZE) < s->ssidsize) {
        error_append_hint(errp, "The largest ssidsize for this host is %u.\n",
                          FIELD_EX32(info->idr[1], IDR1, SSIDSIZE));
    }
    return false;
}

bool smmuv3_accel_host_stalls(const SMMUv3AccelIdr *host)
{
    return FIELD_EX32(host->reg[0], IDR0, STALL_MODEL) == STALL_MODEL_BOTH;
}
