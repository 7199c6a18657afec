/*
 * Accelerated arm-smmuv3: ID registers of the guest and of the host
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_ARM_SMMUV3_ACCEL_CAPS_H
#define HW_ARM_SMMUV3_ACCEL_CAPS_H

#include "hw/arm/smmuv3.h"
#include "linux/iommufd.h"

/* SMMU_IDR0 to SMMU_IDR5 */
typedef struct SMMUv3AccelIdr {
    uint32_t reg[6];
} SMMUv3AccelIdr;

/**
 * smmuv3_accel_caps_read: copy the ID registers out of the kernel's answer
 *
 * @info: answer to IOMMU_GET_HW_INFO (iommufd.h struct
 *        iommu_hw_info_arm_smmuv3).
 * @idr: filled in.
 */
void smmuv3_accel_caps_read(const struct iommu_hw_info_arm_smmuv3 *info,
                            SMMUv3AccelIdr *idr);

/**
 * smmuv3_accel_caps_resolve_ssidsize: set @s->ssidsize if the property is auto
 *
 * The ID registers are not touched, see smmuv3_accel_caps_set_idr().
 *
 * @s: the SMMUv3.
 * @host: ID registers of the host; NULL while no device is bound, which stands
 *        for a host without substreams.
 */
void smmuv3_accel_caps_resolve_ssidsize(SMMUv3State *s,
                                        const SMMUv3AccelIdr *host);

/**
 * smmuv3_accel_caps_set_idr: set the ID registers that depend on properties or
 * on the host
 *
 * ATS, RIL and OAS follow their properties; with auto they follow the host.
 * CD2L, ASID16, BBML, DS, VAX and the granules become the minimum of the
 * emulation and the host, and HAD is not offered. Features that no guest can do
 * without stay: if the host lacks one, smmuv3_accel_caps_check() refuses it.
 *
 * @s: the SMMUv3, its ID registers at the values of the emulation.
 * @host: ID registers of the host; NULL while no device is bound. The guest is
 *        then offered the features of nearly any host that can nest: granules
 *        of 4K and 64K, an OAS of 44 bits, none of ATS, RIL, CD2L and BBML.
 */
void smmuv3_accel_caps_set_idr(SMMUv3State *s, const SMMUv3AccelIdr *host);

/**
 * smmuv3_accel_caps_check: check that the host has every feature that the guest
 * is offered
 *
 * @s: the SMMUv3, its ID registers as the guest sees them.
 * @host_idr: ID registers of the host SMMUv3 of the device.
 * @name: name of the device for the message.
 * @errp: lists every field that does not match, with both values.
 *
 * Returns: true if it has, false if not.
 */
bool smmuv3_accel_caps_check(SMMUv3State *s, const SMMUv3AccelIdr *host_idr,
                             const char *name, Error **errp);

#endif /* HW_ARM_SMMUV3_ACCEL_CAPS_H */
