/*
 * Events of the host SMMUv3 for the guest of an accelerated arm-smmuv3
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_ARM_SMMUV3_ACCEL_EVENT_H
#define HW_ARM_SMMUV3_ACCEL_EVENT_H

#include "hw/arm/smmuv3.h"
#include "system/iommufd.h"

typedef struct SMMUv3AccelEvents SMMUv3AccelEvents;

/**
 * smmuv3_accel_events_start: bring events of a vIOMMU into the guest's event
 * queue from now on
 *
 * A faulting stage-1 walk happens in the host SMMUv3. The kernel puts the
 * guest's StreamID into the record (iommufd.h struct iommu_vevent_arm_smmuv3),
 * which is then the guest's own record format (SMMUv3 IHI0070, 7.3).
 *
 * @s: the guest's SMMUv3.
 * @be: connected iommufd backend; stays connected until
 *      smmuv3_accel_events_stop().
 * @viommu_id: the vIOMMU whose devices are watched.
 * @events: on success the handle that smmuv3_accel_events_stop() takes, or
 *          NULL when the kernel has no such queue and the guest sees none of
 *          these events.
 * @errp: says why the queue could not be made.
 *
 * Returns: true on success and when the kernel has no such queue, false on any
 * other failure.
 */
bool smmuv3_accel_events_start(SMMUv3State *s, IOMMUFDBackend *be,
                               uint32_t viommu_id, SMMUv3AccelEvents **events,
                               Error **errp);

/**
 * smmuv3_accel_events_drain: give the guest what the host has reported so far
 *
 * At most as much as the kernel can hold, so this ends even if devices go on.
 *
 * @events: handle of smmuv3_accel_events_start(), or NULL.
 */
void smmuv3_accel_events_drain(SMMUv3AccelEvents *events);

/**
 * smmuv3_accel_events_reset: drop what the host has reported so far
 *
 * A guest that starts anew must not see what the one before it did. At most as
 * much is dropped as smmuv3_accel_events_drain() takes.
 *
 * @events: handle of smmuv3_accel_events_start(), or NULL; the registers of its
 *          SMMUv3 have been reset.
 */
void smmuv3_accel_events_reset(SMMUv3AccelEvents *events);

/**
 * smmuv3_accel_events_stop: stop watching, drop what was not read and free the
 * handle
 *
 * @events: handle of smmuv3_accel_events_start(), or NULL.
 */
void smmuv3_accel_events_stop(SMMUv3AccelEvents *events);

#endif /* HW_ARM_SMMUV3_ACCEL_EVENT_H */
