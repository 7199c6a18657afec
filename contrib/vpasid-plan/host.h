/*
 * Checks of a host and of its devices
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef VPASID_PLAN_HOST_H
#define VPASID_PLAN_HOST_H

#include "check.h"
#include "plan.h"
#include "probe.h"

/**
 * struct HostDevice - what the host says of a device, for QEMU's options
 *
 * @plan: of the device, not owned.
 *
 * @checks: of #Check: the device's.
 *
 * @smmu: name of the SMMUv3 in front of it, NULL if there is none.
 *
 * @probe: answers of iommufd.
 */
typedef struct HostDevice {
    const Plan *plan;
    GPtrArray *checks;
    char *smmu;
    Probe probe;
} HostDevice;

/**
 * host_check: check what all devices of the host depend on
 *
 * @root: directory that holds the host's proc, sys, dev and boot; "" for
 *        those of this system.
 *
 * Returns: an array of #Check, freed by the caller.
 */
GPtrArray *host_check(const char *root);

/**
 * host_device_new: check a device of the host
 *
 * No driver is bound or unbound. A device that has a VFIO driver and is free
 * is given an IOMMU context of its own for a moment.
 *
 * @root: as for host_check().
 *
 * @plan: of the device, which has to live as long as the result.
 *
 * @managed: libvirt binds the driver, so that none need be bound yet.
 *
 * Returns: the device, to be freed with host_device_free().
 */
HostDevice *host_device_new(const char *root, const Plan *plan, bool managed);

/**
 * host_device_free: free what host_device_new() made
 *
 * @data: a #HostDevice.
 */
void host_device_free(void *data);

#endif /* VPASID_PLAN_HOST_H */
