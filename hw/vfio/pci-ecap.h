/*
 * Extended capability list of VFIO PCI devices
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_VFIO_PCI_ECAP_H
#define HW_VFIO_PCI_ECAP_H

typedef struct VFIOPCIDevice VFIOPCIDevice;

/**
 * vfio_pci_ecap_trim: end the extended capability list where it stops making
 * sense
 *
 * A list that loops, leaves extended configuration space, reads all ones or
 * has capabilities shorter than any can be (PCIe 6.2, 7.6.3) is cut before
 * the place in QEMU's copy of configuration space, with a warning. A list
 * that is sound stays as it is.
 *
 * @vdev: the device, after its configuration space was read and before
 *        capabilities are added.
 */
void vfio_pci_ecap_trim(VFIOPCIDevice *vdev);

#endif /* HW_VFIO_PCI_ECAP_H */
