/*
 * Capability lists of VFIO PCI devices
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_VFIO_PCI_CAPS_H
#define HW_VFIO_PCI_CAPS_H

typedef struct VFIOPCIDevice VFIOPCIDevice;

/**
 * vfio_pci_caps_trim: take out of both lists what cannot be followed
 *
 * In QEMU's copy of configuration space a list ends, with a warning, before
 * the place where it loops, leads out of its part of configuration space or,
 * if it is the extended one, reads all ones. A capability is taken out, with a
 * warning, if another one or the end of its part of configuration space is
 * closer than its registers need, and a standard one also if QEMU emulates it
 * and there was one of its kind before. Reserved bits of standard pointers
 * are masked. What is sound stays as it is.
 *
 * @vdev: the device, after its configuration space was read and before
 *        anything looks for a capability.
 */
void vfio_pci_caps_trim(VFIOPCIDevice *vdev);

#endif /* HW_VFIO_PCI_CAPS_H */
