/*
 * PASID capability of VFIO PCI devices: what a guest knows that is taken over
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_VFIO_PCI_PASID_ADOPT_H
#define HW_VFIO_PCI_PASID_ADOPT_H

typedef struct VFIOPCIDevice VFIOPCIDevice;

/**
 * vfio_pci_pasid_adopt: give a device the PASID capability that a guest knows
 *
 * @vdev: the device, after vfio_pci_pasid_setup() during CPR: without virtual
 *        capability. A capability that the kernel exposes is taken from a guest
 *        that does not know it.
 *
 * @known: #PCIE_ECAP_IMAGE_SIZE bytes of configuration space, as the guest
 *         knows them.
 *
 * @errp: set if the guest has a capability that it cannot have here.
 *
 * Returns: true on success, false with @errp set.
 */
bool vfio_pci_pasid_adopt(VFIOPCIDevice *vdev, const uint8_t *known,
                          Error **errp);

#endif /* HW_VFIO_PCI_PASID_ADOPT_H */
