/*
 * Where the PASID capability of a VFIO PCI device goes
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_VFIO_PCI_PASID_PLACE_H
#define HW_VFIO_PCI_PASID_PLACE_H

#include "hw/pci/pcie_ecap_place.h"

typedef struct VFIOPCIDevice VFIOPCIDevice;

/**
 * struct VFIOPCIPasidView - what the kernel shows of a device
 *
 * @image: configuration space, with the capabilities that the guest does not
 *         get and with the registers that belong to none. What the device has
 *         not of 4096 bytes is zero.
 *
 * @layout: of @image, with what the guest has and what is behind the end of
 *          the device's configuration space reserved.
 */
typedef struct VFIOPCIPasidView {
    uint8_t image[PCIE_ECAP_IMAGE_SIZE];
    PCIEEcapLayout layout;
} VFIOPCIPasidView;

/**
 * vfio_pci_pasid_view: read configuration space as the kernel shows it
 *
 * @vdev: the device, with more than 256 bytes of configuration space, after
 *        its other capabilities were added.
 *
 * @errp: set if it cannot be read.
 *
 * Returns: the view, for g_free(); NULL with @errp set.
 */
VFIOPCIPasidView *vfio_pci_pasid_view(VFIOPCIDevice *vdev, Error **errp);

/**
 * vfio_pci_pasid_place: choose the place of the virtual capability
 *
 * Where the user wants it if that is possible, else by the rules of
 * pcie_ecap_pasid_place().
 *
 * @vdev: the device.
 *
 * @view: from vfio_pci_pasid_view().
 *
 * @host: what the host reports of the device.
 *
 * @offset: set on success, in bytes.
 *
 * @how: set on success to what chose the place, a constant string that
 *       completes "placed ...".
 *
 * @errp: says why there is no place: what is in the way, and an offset that
 *        would work if there is one.
 *
 * Returns: true on success, false with @errp set.
 */
bool vfio_pci_pasid_place(VFIOPCIDevice *vdev, const VFIOPCIPasidView *view,
                          const PCIEEcapPasid *host, uint16_t *offset,
                          const char **how, Error **errp);

/**
 * vfio_pci_pasid_check_known: tell whether the capability can be where a guest
 * knows it
 *
 * That place need not be one that vfio_pci_pasid_place() would choose, nor
 * read zero. It must not be that of anything known.
 *
 * @vdev: the device.
 *
 * @view: from vfio_pci_pasid_view().
 *
 * @offset: of the capability in bytes, any value.
 *
 * @errp: says what is in the way, and where the capability could be.
 *
 * Returns: true if it can be there, false with @errp set.
 */
bool vfio_pci_pasid_check_known(VFIOPCIDevice *vdev,
                                const VFIOPCIPasidView *view, uint16_t offset,
                                Error **errp);

#endif /* HW_VFIO_PCI_PASID_PLACE_H */
