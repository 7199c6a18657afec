/*
 * ID registers of an accelerated arm-smmuv3 against those of the host
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
 * smmuv3_accel_caps_read: take the ID registers out of what the kernel said
 *
 * @info: answer to IOMMU_GET_HW_INFO (iommufd.h struct
 *        iommu_hw_info_arm_smmuv3).
 * @idr: filled in.
 */
void smmuv3_accel_caps_read(const struct iommu_hw_info_arm_smmuv3 *info,
                            SMMUv3AccelIdr *idr);

/**
 * smmuv3_accel_caps_resolve: settle @s->ssidsize, when it is auto
 *
 * The ID registers are not touched, see smmuv3_accel_caps_limit().
 *
 * @s: the SMMUv3.
 * @host: ID registers of the host; NULL while no device told them, which
 *        stands for a host without substreams.
 */
void smmuv3_accel_caps_resolve(SMMUv3State *s, const SMMUv3AccelIdr *host);

/**
 * smmuv3_accel_caps_limit: offer the guest what its user asked for, and where
 * that was not said no more than the host has
 *
 * ATS, RIL and OAS follow their properties, and auto the host. Of CD2L, ASID16,
 * STLEVEL, HAD, BBML and the granules the guest is offered what both the
 * emulation and the host have. Whatever a guest cannot do without stays, for
 * smmuv3_accel_caps_check() to find.
 *
 * @s: the SMMUv3, its ID registers at the values of the emulation.
 * @host: ID registers of the host; NULL while no device told them. The guest is
 *        then offered what about any host that can nest has: granules of 4K
 *        and 64K, an OAS of 44 bits, none of ATS, RIL, CD2L, HAD and BBML.
 */
void smmuv3_accel_caps_limit(SMMUv3State *s, const SMMUv3AccelIdr *host);

/**
 * smmuv3_accel_caps_check: tell whether the host can do what the guest is
 * offered
 *
 * @s: the SMMUv3, its ID registers as the guest sees them.
 * @info: answer to IOMMU_GET_HW_INFO for the device.
 * @name: what the user calls the device.
 * @errp: lists every field that does not match, with both values.
 *
 * Returns: true if the host SMMUv3 of the device can stand in for @s, false if
 * not.
 */
bool smmuv3_accel_caps_check(SMMUv3State *s,
                             const struct iommu_hw_info_arm_smmuv3 *info,
                             const char *name, Error **errp);

/**
 * smmuv3_accel_host_stalls: tell whether the host can stall a faulting
 * transaction
 *
 * @host: ID registers of the host.
 *
 * Returns: true if it can be asked to (IDR0.STALL_MODEL 0), false if not.
 */
bool smmuv3_accel_host_stalls(const SMMUv3AccelIdr *host);

#endif /* HW_ARM_SMMUV3_ACCEL_CAPS_H */
