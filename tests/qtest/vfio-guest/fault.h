/*
 * Test library: a guest whose devices wait for their pages
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_QTEST_VFIO_GUEST_FAULT_H
#define TESTS_QTEST_VFIO_GUEST_FAULT_H

#include <linux/iommufd.h>

#include "smmu.h"

#define AF_READ     IOMMU_PGFAULT_PERM_READ
#define AF_WRITE    IOMMU_PGFAULT_PERM_WRITE

/* IDR0 of the default host with another stall model, see VF_HOST_IDR0 */
#define AF_HOST_IDR0(model) ((VF_HOST_IDR0 & ~(3u << 24)) | (model) << 24)

/* af_host: give device @dev of @c, not opened yet, a host with @model */
void af_host(VfClient *c, unsigned int dev, unsigned int model);

/*
 * af_start: start a guest with devices d1 to d<n>, translated by its tables, on
 * a host that forces stalls
 *
 * @options: more options of QEMU, or ""
 */
VfGuest *af_start(unsigned int devices, const char *options);

/* af_fault: the device has a fault; returns the number for af_answered() */
uint32_t af_fault(VfGuest *g, unsigned int dev, uint32_t pasid, uint64_t addr,
                  uint32_t perm);

/*
 * af_stalled: take the event of a stalled transaction out of the queue
 *
 * Asserts that each of its fields is right.
 *
 * Returns: its STAG.
 */
uint16_t af_stalled(VfGuest *g, uint32_t sid, uint32_t pasid, uint64_t addr,
                    uint32_t perm);

/* af_no_event: assert that no event is in the queue */
void af_no_event(VfGuest *g);

/* af_queue_resume: put CMD_RESUME into the queue; @how has VS_RESUME_* */
void af_queue_resume(VfGuest *g, uint32_t sid, uint16_t stag, uint32_t how);

/* af_resume: have it executed, without a CMD_SYNC */
void af_resume(VfGuest *g, uint32_t sid, uint16_t stag, uint32_t how);

/* af_waiting: assert that the host has fault @n, and no answer */
void af_waiting(VfGuest *g, uint32_t n);

/* af_answered: assert that QEMU has answered fault @n */
void af_answered(VfGuest *g, uint32_t n, bool retry);

/* af_ended: assert that the kernel has answered, as the device left its HWPT */
void af_ended(VfGuest *g, uint32_t n);

/* af_listed: assert what x-accel-state says of page faults of d<n> */
void af_listed(VfGuest *g, unsigned int n, const char *faults,
               unsigned int waiting);

/* af_offer: assert what x-accel-offer and IDR0 say */
void af_offer(VfGuest *g, const char *stall);

#endif /* TESTS_QTEST_VFIO_GUEST_FAULT_H */
