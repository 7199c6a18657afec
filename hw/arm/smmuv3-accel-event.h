/*
 * Accelerated arm-smmuv3: events of the host SMMUv3 for the guest
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
 * smmuv3_accel_events_start: start to put events of a vIOMMU into the guest's
 * event queue
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
 * smmuv3_accel_events_drain: put all events that the host has reported into the
 * guest's event queue
 *
 * They are dropped if the queue is disabled. The number of events is limited to
 * what the kernel can hold, so this ends even if devices go on.
 *
 * @events: handle of smmuv3_accel_events_start(), or NULL.
 */
void smmuv3_accel_events_drain(SMMUv3AccelEvents *events);

/**
 * smmuv3_accel_events_stop: free the handle and drop the events that were not
 * read
 *
 * @events: handle of smmuv3_accel_events_start(), or NULL.
 */
void smmuv3_accel_events_stop(SMMUv3AccelEvents *events);

#endif /* HW_ARM_SMMUV3_ACCEL_EVENT_H */
