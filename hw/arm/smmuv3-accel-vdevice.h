/*
 * Accelerated arm-smmuv3: StreamIDs by which the host knows devices
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A vDEVICE tells the host the StreamID that a device has in the guest. There
 * is one device for a StreamID on the host, and one StreamID for a device.
 */

#ifndef HW_ARM_SMMUV3_ACCEL_VDEVICE_H
#define HW_ARM_SMMUV3_ACCEL_VDEVICE_H

#include "smmuv3-accel-internal.h"

/**
 * smmuv3_accel_vsid_owner: find the device that the host knows by a StreamID
 *
 * @a: state with the devices.
 * @vsid: any number.
 *
 * Returns: the device, or NULL. It may have another StreamID by now.
 */
SMMUv3AccelDevice *smmuv3_accel_vsid_owner(SMMUv3AccelState *a, uint32_t vsid);

/**
 * smmuv3_accel_note_ats: note whether a device has ATS enabled, since only such
 * a one answers an ATC invalidation
 *
 * @a: state that @adev belongs to.
 * @adev: the device, its installed STE noted; ignored without vDEVICE.
 */
void smmuv3_accel_note_ats(SMMUv3AccelState *a, SMMUv3AccelDevice *adev);

/**
 * smmuv3_accel_check_vdevice: check that the host can have a vDEVICE for a
 * device
 *
 * The device may have no StreamID yet, and then it is too late to refuse it.
 *
 * @a: state with a vIOMMU.
 * @adev: a device without vDEVICE.
 * @errp: says why it cannot.
 *
 * Returns: true if it can, false if not.
 */
bool smmuv3_accel_check_vdevice(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                                Error **errp);

/**
 * smmuv3_accel_alloc_vdevice: have the host know a device by its StreamID,
 * without which it cannot be translated
 *
 * @a: state that @adev belongs to.
 * @adev: the device; ignored if it has a vDEVICE.
 * @sid: its StreamID, which is taken from a device that has it no longer.
 * @errp: says what the host refused, or who has the StreamID, too.
 *
 * Returns: true on success, false on failure. errno is then that of the host,
 * or 0 if another device has the StreamID.
 */
bool smmuv3_accel_alloc_vdevice(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                                uint32_t sid, Error **errp);

/**
 * smmuv3_accel_alloc_late: smmuv3_accel_alloc_vdevice() for a device that is
 * not translated, but has events, which do not reach the guest without
 *
 * @a: state that @adev belongs to.
 * @adev: the device.
 * @ste: the STE that it is to have.
 * @sid: its StreamID.
 *
 * Returns: true if it got a vDEVICE just now.
 */
bool smmuv3_accel_alloc_late(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                             const SMMUv3AccelSte *ste, uint32_t sid);

/**
 * smmuv3_accel_free_vdevice: free the vDEVICE of a device that is not attached
 * to a stage-1 HWPT
 *
 * With one it has to stay: when a reset of the device is over, the kernel
 * attaches that HWPT anew.
 *
 * @a: state that @adev belongs to.
 * @adev: the device; ignored without vDEVICE.
 */
void smmuv3_accel_free_vdevice(SMMUv3AccelState *a, SMMUv3AccelDevice *adev);

/**
 * smmuv3_accel_give_up_sid: free the vDEVICE of a device with a StreamID that
 * it has no longer: another one may have that now
 *
 * @a: state that @adev belongs to.
 * @adev: the device; stopped then.
 * @errp: says why it could not be stopped.
 *
 * Returns: true if that is done, and if there was nothing to do.
 */
bool smmuv3_accel_give_up_sid(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                              Error **errp);

#endif /* HW_ARM_SMMUV3_ACCEL_VDEVICE_H */
