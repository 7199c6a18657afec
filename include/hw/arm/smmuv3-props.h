/*
 * Properties of arm-smmuv3, and values that follow the host
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_ARM_SMMUV3_PROPS_H
#define HW_ARM_SMMUV3_PROPS_H

#include "hw/qdev-properties.h"

typedef struct SMMUv3State SMMUv3State;

/* Value of a number property that is "auto" */
#define SMMUV3_AUTO UINT8_MAX

/**
 * SMMUv3Props: the properties before "auto" is resolved
 *
 * Names and defaults are those of QEMU 11.1.
 *
 * @ats: IDR0.ATS
 * @ril: IDR3.RIL
 * @oas: bits of IDR5.OAS, or SMMUV3_AUTO
 * @ssidsize: IDR1.SSIDSIZE, or SMMUV3_AUTO
 * @cmdqv: command queues of the host's hardware; there are none here
 * @identifier: of QEMU 11.1; only its default is accepted
 * @msi_gpa: the same
 */
typedef struct SMMUv3Props {
    OnOffAuto ats;
    OnOffAuto ril;
    uint8_t oas;
    uint8_t ssidsize;
    OnOffAuto cmdqv;
    uint8_t identifier;
    uint64_t msi_gpa;
} SMMUv3Props;

/* Type of a property that is a number or "auto", stored as SMMUV3_AUTO */
extern const PropertyInfo smmuv3_prop_number;

#define DEFINE_PROP_SMMUV3_NUMBER(name, state, field, default_)         \
    DEFINE_PROP_UNSIGNED(name, state, field, default_,                  \
                         smmuv3_prop_number, uint8_t)

/**
 * smmuv3_props_describe: add the descriptions of all properties for
 * "-device arm-smmuv3,help"
 *
 * @klass: class of arm-smmuv3, its properties added.
 */
void smmuv3_props_describe(ObjectClass *klass);

/**
 * smmuv3_props_realize: check the properties in SMMUv3Props, without a host
 *
 * Sets @s->ssidsize from the property; 0 for auto.
 *
 * @s: SMMUv3 with its properties set.
 * @errp: names the property, its value, and the values that are accepted.
 *
 * Returns: true on success; false if a value is illegal, needs accel=on or is
 * one of QEMU 11.1 that is not supported.
 * There is nothing to undo in either case.
 */
bool smmuv3_props_realize(SMMUv3State *s, Error **errp);

/**
 * smmuv3_props_oas_bits: decode IDR5.OAS
 *
 * @oas: value of the field; reserved ones count as the largest known.
 *
 * Returns: bits, 32 to 52.
 */
unsigned int smmuv3_props_oas_bits(uint32_t oas);

/**
 * smmuv3_props_oas_encode: encode IDR5.OAS
 *
 * @bits: 32, 36, 40, 42, 44, 48 or 52.
 *
 * Returns: the value of the field (SMMUv3 IHI0070, 6.3.6); -1 for any other
 * width.
 */
int smmuv3_props_oas_encode(unsigned int bits);

#endif /* HW_ARM_SMMUV3_PROPS_H */
