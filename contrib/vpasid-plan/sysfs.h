/*
 * Configuration space of the host's devices, from sysfs
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef VPASID_PLAN_SYSFS_H
#define VPASID_PLAN_SYSFS_H

/* Where Linux has a directory for each PCI function */
#define SYSFS_PCI_DEVICES   "/sys/bus/pci/devices"

/**
 * sysfs_read_device: read one device of the host
 *
 * Of a virtual function the physical one is read too.
 *
 * @root: #SYSFS_PCI_DEVICES or a directory like it.
 *
 * @name: as in #Device.
 *
 * @devices: of #Device, to which it is added.
 *
 * @error: set on failure. May be NULL.
 *
 * Returns: true if there is such a device. The kernel gives a part of its
 * configuration space to root only; what cannot be read is no failure.
 */
bool sysfs_read_device(const char *root, const char *name, GPtrArray *devices,
                       GError **error);

/**
 * sysfs_read_all: read all devices of the host
 *
 * @root: as for sysfs_read_device().
 *
 * @devices: of #Device, to which they are added, in the order of their names.
 *
 * @error: set on failure. May be NULL.
 *
 * Returns: true if the directory could be read, even if it is empty. A device
 * that is gone meanwhile is left out, and what is not named like one.
 */
bool sysfs_read_all(const char *root, GPtrArray *devices, GError **error);

#endif /* VPASID_PLAN_SYSFS_H */
