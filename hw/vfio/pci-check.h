/*
 * Registers of VFIO PCI devices that must not be believed
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_VFIO_PCI_CHECK_H
#define HW_VFIO_PCI_CHECK_H

typedef struct VFIOPCIDevice VFIOPCIDevice;
typedef struct VFIOMSIXInfo VFIOMSIXInfo;

/**
 * vfio_pci_check_msix: is there a BAR for the MSI-X table and for the PBA?
 *
 * The BIR fields (PCIe 6.2, 7.7.2.3 and 7.7.2.4) come from the device and can
 * name BARs that no device has. A BAR that could not be read counts as one
 * that is not there. With x-msix-relocation the BARs need not exist, since
 * others are used.
 *
 * @vdev: the device, after its BARs were prepared.
 *
 * @msix: what the capability says.
 *
 * @errp: set if a BAR is missing; names it.
 *
 * Returns: true if both BARs can be used, false with @errp set.
 */
bool vfio_pci_check_msix(VFIOPCIDevice *vdev, const VFIOMSIXInfo *msix,
                         Error **errp);

/**
 * vfio_pci_get_pin: read the interrupt pin, if there can be one like it
 *
 * The register is that of PCIe 6.2, 7.5.1.1.13.
 *
 * @vdev: the device.
 *
 * @pin: set to 0 for a device without legacy interrupts, 1 to 4 for one with.
 *
 * @errp: set if the register cannot be read or has another value.
 *
 * Returns: true if @pin can be used, false with @errp set.
 */
bool vfio_pci_get_pin(VFIOPCIDevice *vdev, uint8_t *pin, Error **errp);

#endif /* HW_VFIO_PCI_CHECK_H */
