/*
 * Accelerated arm-smmuv3: devices that wait for their pages
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_ARM_SMMUV3_ACCEL_STALL_H
#define HW_ARM_SMMUV3_ACCEL_STALL_H

#include "smmuv3-accel-internal.h"

/**
 * smmuv3_accel_stall_follow: have x-stall=auto follow a host that forces stalls
 *
 * @s: an SMMUv3 with accel=on.
 * @host: ID registers of the host of a device that comes.
 */
void smmuv3_accel_stall_follow(SMMUv3State *s, const SMMUv3AccelIdr *host);

/**
 * smmuv3_accel_stall_bind: find out whether a device can stall, and have the
 * host report its page faults
 *
 * If it can, x-stall=auto follows the host, as long as the machine is not
 * ready.
 *
 * @a: state with a vIOMMU.
 * @adev: a device that comes, attached to the second stage.
 * @errp: names the device, what it lacks and the way out.
 *
 * Returns: true on success and without stalls, false if the property wants what
 * the host cannot do, or if the host failed.
 */
bool smmuv3_accel_stall_bind(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                             Error **errp);

/**
 * smmuv3_accel_stall_bits: find the value of STE.S1STALLD for the host
 *
 * @a: state that @adev belongs to.
 * @adev: the device.
 * @dword1: second doubleword of the guest's STE, which is legal.
 *
 * Returns: STE1_S1STALLD or 0.
 */
uint64_t smmuv3_accel_stall_bits(SMMUv3AccelState *a,
                                 const SMMUv3AccelDevice *adev,
                                 uint64_t dword1);

/**
 * smmuv3_accel_stall_faultq: find the fault queue for the HWPT of a device
 *
 * @a: state that @adev belongs to.
 * @adev: the device.
 * @ste: what the HWPT is made from.
 *
 * Returns: ID of the queue, NO_ID if its faults are not reported.
 */
uint32_t smmuv3_accel_stall_faultq(const SMMUv3AccelState *a,
                                   const SMMUv3AccelDevice *adev,
                                   const SMMUv3AccelSte *ste);

/**
 * smmuv3_accel_stall_drain: end the page faults of a device that only the
 * kernel has so far, see smmuv3_accel_faults_drain()
 *
 * @a: the state.
 * @adev: a device, which may report none.
 */
void smmuv3_accel_stall_drain(SMMUv3AccelState *a,
                              const SMMUv3AccelDevice *adev);

/**
 * smmuv3_accel_stall_adopt: go on with the page faults of the old QEMU (CPR)
 *
 * @a: state that is being adopted.
 * @id: fault queue of the old QEMU, or NO_ID.
 * @last_stag: tag that the old QEMU gave last.
 */
void smmuv3_accel_stall_adopt(SMMUv3AccelState *a, uint32_t id,
                              uint16_t last_stag);

/**
 * smmuv3_accel_stall_resume: go on, as the other QEMU has not come up
 *
 * @a: the state.
 */
void smmuv3_accel_stall_resume(SMMUv3AccelState *a);

#endif /* HW_ARM_SMMUV3_ACCEL_STALL_H */
