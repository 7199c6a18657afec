/*
 * Checks of the registers of VFIO PCI devices
 *
 * Section numbers without a name are those of PCIe 6.2.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include "hw/vfio/vfio-device.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/units.h"
#include "pci.h"
#include "pci-check.h"

/* Vendor ID of a device that is not there (2.3.2) */
#define VENDOR_NONE         0xffff
/* An expansion ROM has at most this much (7.5.1.2.4) */
#define ROM_MOST            (16 * MiB)
/* QEMU looks at the first bytes of an expansion ROM, up to its data pointer */
#define ROM_LEAST           0x1c
/* A BAR of 32 bits has at most this much (7.5.1.2.1) */
#define BAR32_MOST          (2 * GiB)
/* How often reading the ROM may be put off in a row */
#define ROM_TRIES           100
/* Two of the values of Multiple Message Capable are reserved (7.7.1.2) */
#define MSI_MOST            32

bool vfio_pci_check_config_size(uint64_t size, Error **errp)
{
    if (size < PCI_STD_HEADER_SIZEOF || size > PCIE_CONFIG_SPACE_SIZE ||
        (size > PCI_CONFIG_SPACE_SIZE && size % PCI_CAP_SIZEOF)) {
        error_setg(errp, "the configuration space of the device has 0x%"
                   PRIx64 " bytes, which have to be 0x%x to 0x%x, and a "
                   "multiple of %u above 0x%x", size, PCI_STD_HEADER_SIZEOF,
                   PCIE_CONFIG_SPACE_SIZE, PCI_CAP_SIZEOF,
                   PCI_CONFIG_SPACE_SIZE);
        return false;
    }
    return true;
}

bool vfio_pci_check_config(VFIOPCIDevice *vdev, Error **errp)
{
    const uint8_t *config = PCI_DEVICE(vdev)->config;
    uint8_t type = config[PCI_HEADER_TYPE] & ~PCI_HEADER_TYPE_MULTI_FUNCTION;

    if (pci_get_word(config + PCI_VENDOR_ID) == VENDOR_NONE) {
        error_setg(errp, "the device does not answer: its configuration space "
                   "reads all ones; it may be powered down or gone");
        return false;
    }
    if (type != PCI_HEADER_TYPE_NORMAL) {
        error_setg(errp, "the device has a header of type %u, and only type "
                   "0 can be passed through: that of an endpoint", type);
        return false;
    }
    return true;
}

bool vfio_pci_in_config(PCIDevice *pdev, uint32_t addr, int len)
{
    uint32_t own = VFIO_PCI_DEVICE(pdev)->config_size;
    /* A mediated device may have less than 256 bytes: the rest is its own */
    uint32_t size = MIN(MAX(own, PCI_CONFIG_SPACE_SIZE),
                        pci_config_size(pdev));

    return addr < size && len <= size - addr;
}

bool vfio_pci_check_bars(VFIOPCIDevice *vdev, Error **errp)
{
    for (unsigned i = 0; i < ARRAY_SIZE(vdev->bars); i++) {
        const VFIOBAR *bar = &vdev->bars[i];

        if (!bar->region.size) {
            continue;
        }
        if (!bar->size) {
            error_setg(errp, "BAR %u of the device cannot be read", i);
            return false;
        }
        if (!is_power_of_2(bar->size)) {
            error_setg(errp, "BAR %u of the device has 0x%zx bytes, which is "
                       "no power of two", i, bar->size);
            return false;
        }
        if (!bar->mem64 && bar->size > BAR32_MOST) {
            error_setg(errp, "BAR %u of the device has 0x%zx bytes, and a BAR "
                       "of 32 bits has at most 0x%" PRIx64, i, bar->size,
                       (uint64_t)BAR32_MOST);
            return false;
        }
        if (bar->mem64 && (i + 1 == ARRAY_SIZE(vdev->bars) ||
                           vdev->bars[i + 1].region.size)) {
            error_setg(errp, "BAR %u of the device has 64 bits, and there is "
                       "no room for the upper half", i);
            return false;
        }
    }
    return true;
}

bool vfio_pci_check_rom(VFIOPCIDevice *vdev, uint32_t size)
{
    if (!is_power_of_2(size) || size > ROM_MOST) {
        warn_report(VFIO_MSG_PREFIX "the expansion ROM of the device has 0x%x "
                    "bytes, which have to be a power of two up to 0x%" PRIx64
                    "; the guest does not see it", vdev->vbasedev.name, size,
                    (uint64_t)ROM_MOST);
        return false;
    }
    return true;
}

uint64_t vfio_pci_rom_size(VFIOPCIDevice *vdev, uint64_t size)
{
    size = MIN(size, memory_region_size(&PCI_DEVICE(vdev)->rom));
    return size < ROM_LEAST ? 0 : size;
}

bool vfio_pci_rom_try_again(int64_t ret, unsigned *tries)
{
    if (ret != -EINTR && ret != -EAGAIN) {
        return false;
    }
    return ++*tries < ROM_TRIES;
}

bool vfio_pci_check_msi(unsigned vectors, Error **errp)
{
    if (vectors > MSI_MOST) {
        error_setg(errp, "the device has %u MSI vectors, and %u are the most "
                   "that there can be", vectors, MSI_MOST);
        return false;
    }
    return true;
}

static bool vfio_check_msix_bar(VFIOPCIDevice *vdev, const char *what,
                                uint8_t bar, Error **errp)
{
    if (bar >= ARRAY_SIZE(vdev->bars) ||
        (!vdev->bars[bar].size && vdev->msix_relo == OFF_AUTO_PCIBAR_OFF)) {
        error_setg(errp, "the MSI-X %s is in BAR %u, which the device does "
                   "not have", what, bar);
        return false;
    }
    return true;
}

bool vfio_pci_check_msix(VFIOPCIDevice *vdev, const VFIOMSIXInfo *msix,
                         Error **errp)
{
    uint64_t end = (uint64_t)msix->table_offset +
                   msix->entries * PCI_MSIX_ENTRY_SIZE;

    if (!vfio_check_msix_bar(vdev, "table", msix->table_bar, errp) ||
        !vfio_check_msix_bar(vdev, "PBA", msix->pba_bar, errp)) {
        return false;
    }
    if (vdev->bars[msix->table_bar].size &&
        end > vdev->bars[msix->table_bar].size) {
        error_setg(errp, "the MSI-X table ends at 0x%" PRIx64 " in BAR %u, "
                   "which has 0x%zx bytes", end, msix->table_bar,
                   vdev->bars[msix->table_bar].size);
        return false;
    }
    return true;
}

bool vfio_pci_get_pin(VFIOPCIDevice *vdev, uint8_t *pin, Error **errp)
{
    VFIODevice *vbasedev = &vdev->vbasedev;
    int ret = vbasedev->io_ops->region_read(vbasedev,
                                            VFIO_PCI_CONFIG_REGION_INDEX,
                                            PCI_INTERRUPT_PIN, sizeof(*pin),
                                            pin);

    if (ret != sizeof(*pin)) {
        error_setg(errp, "the device's interrupt pin cannot be read: %s",
                   strreaderror(ret));
        return false;
    }
    if (*pin > PCI_NUM_PINS) {
        error_setg(errp, "the device has an interrupt pin %u, which has to be "
                   "0 to %u", *pin, PCI_NUM_PINS);
        return false;
    }
    if (*pin && !vdev->intx.mmap_timer) {
        error_setg(errp, "the device has an interrupt pin %u, and had none "
                   "when it was plugged in", *pin);
        return false;
    }
    return true;
}
