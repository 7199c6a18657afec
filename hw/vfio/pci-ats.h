/*
 * Visibility of the ATS capability of VFIO PCI devices
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_VFIO_PCI_ATS_H
#define HW_VFIO_PCI_ATS_H

#include "qemu/typedefs.h"

typedef struct VFIOPCIDevice VFIOPCIDevice;

/* Description of the property */
#define VFIO_PCI_ATS_TEXT \
    "ATS capability for the guest: auto shows it where the host supports it, " \
    "on fails where it does not, off hides it"

/**
 * vfio_pci_ats_is_visible: decide whether the guest sees the ATS capability of
 * a device (PCIe 6.2, 10.5.1)
 *
 * With ats=auto that depends on the host where an accelerated vIOMMU, which
 * could have the guest enable ATS, is in front of the device. Elsewhere the
 * guest sees what the device has, as it always did.
 *
 * @vdev: the device, its host IOMMU known.
 *
 * Returns: true if a capability that the kernel shows is to be added.
 */
bool vfio_pci_ats_is_visible(VFIOPCIDevice *vdev);

/**
 * vfio_pci_ats_check: have ats=on fail where it cannot be kept
 *
 * @vdev: the device, its capabilities added.
 * @errp: says what is missing, and names the way out.
 *
 * Returns: true on success; false with ats=on if the host has no ATS for the
 * device, or if the guest sees no such capability.
 */
bool vfio_pci_ats_check(VFIOPCIDevice *vdev, Error **errp);

#endif /* HW_VFIO_PCI_ATS_H */
