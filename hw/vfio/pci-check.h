/*
 * Checks of the registers of VFIO PCI devices
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
 * vfio_pci_check_config_size: can configuration space be as big as that?
 *
 * @size: of the region, in bytes.
 *
 * A PCI function has 256 bytes, a PCI Express function 4096 (PCIe 6.2, 7.2).
 * The kernel reports less than 4096 of devices that hang where more is read,
 * such as 0x600 of the Netronome NFP6000. Mediated devices may have less than
 * 256, such as the 255 of mtty, the sample of Linux.
 *
 * @errp: set if it is less than the header or more than 4096, or above 256 and
 *        no multiple of 4.
 *
 * Returns: true if it can, false with @errp set.
 */
bool vfio_pci_check_config_size(uint64_t size, Error **errp);

/**
 * vfio_pci_check_config: is there a device of a kind that can be passed
 * through?
 *
 * @vdev: the device, after its configuration space was read and before
 *        anything was taken from it.
 * @errp: set if the device does not answer or has no header of type 0.
 *
 * Returns: true if there is, false with @errp set.
 */
bool vfio_pci_check_config(VFIOPCIDevice *vdev, Error **errp);

/**
 * vfio_pci_in_config: is an access inside configuration space?
 *
 * Windows and mirrors in BARs, which quirks emulate, can be bigger than the
 * configuration space that is behind them, and a device can have less of it
 * than the 4096 bytes that a guest looks for.
 *
 * @pdev: the device.
 * @addr: of the first byte, any value.
 * @len: of the access in bytes, 1 to 4.
 *
 * Returns: true if all of it is inside.
 */
bool vfio_pci_in_config(PCIDevice *pdev, uint32_t addr, int len);

/**
 * vfio_pci_check_bars: can there be BARs like these?
 *
 * The PCI core takes powers of two alone (PCIe 6.2, 7.5.1.2.1).
 *
 * @vdev: the device, after its BARs were prepared and before they are
 *        registered.
 * @errp: set if a BAR has an impossible size, no room for its upper half, or
 *        could not be read; names it.
 *
 * Returns: true if there can, false with @errp set.
 */
bool vfio_pci_check_bars(VFIOPCIDevice *vdev, Error **errp);

/**
 * vfio_pci_check_rom: can there be an expansion ROM of that size?
 *
 * @vdev: the device; it does well without one, so there is a warning if there
 *        cannot.
 * @size: in bytes, as the register says.
 *
 * Returns: true if there can, false after a warning.
 */
bool vfio_pci_check_rom(VFIOPCIDevice *vdev, uint32_t size);

/**
 * vfio_pci_rom_size: how much of the ROM region is of use?
 *
 * @vdev: the device, with its ROM BAR registered.
 * @size: of the region in bytes, any value.
 *
 * Returns: at most the size of the BAR; 0 for a region without room for the
 * registers that are looked at.
 */
uint64_t vfio_pci_rom_size(VFIOPCIDevice *vdev, uint64_t size);

/**
 * vfio_pci_rom_try_again: has a read of the ROM to be made once more?
 *
 * @ret: return value of the read.
 * @tries: how often this was so; 0 at first.
 *
 * Returns: true if the read was put off, and that not too often.
 */
bool vfio_pci_rom_try_again(int64_t ret, unsigned *tries);

/**
 * vfio_pci_check_msi: can there be so many MSI vectors?
 *
 * Two values of the register are reserved (PCIe 6.2, 7.7.1.2).
 *
 * @vectors: as the register says.
 * @errp: set if there are too many.
 *
 * Returns: true if there can, false with @errp set.
 */
bool vfio_pci_check_msi(unsigned vectors, Error **errp);

/**
 * vfio_pci_check_msix: is there room for the MSI-X table and a BAR for the PBA?
 *
 * The fields (PCIe 6.2, 7.7.2.3 and 7.7.2.4) come from the device and can name
 * BARs that no device has. With x-msix-relocation the BARs need not exist,
 * since others are used.
 *
 * @vdev: the device, after vfio_pci_check_bars().
 * @msix: fields of the capability.
 * @errp: set if a BAR is missing or too small; names it.
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
 * @pin: set to 0 for a device without legacy interrupts, 1 to 4 for one with.
 * @errp: set if the register cannot be read, has another value, or is not 0
 *        any more and the device was set up without legacy interrupts.
 *
 * Returns: true if @pin can be used, false with @errp set.
 */
bool vfio_pci_get_pin(VFIOPCIDevice *vdev, uint8_t *pin, Error **errp);

#endif /* HW_VFIO_PCI_CHECK_H */
