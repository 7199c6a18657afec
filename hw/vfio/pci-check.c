/*
 * Registers of VFIO PCI devices that must not be believed
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include "hw/vfio/vfio-device.h"
#include "qapi/error.h"
#include "pci.h"
#include "pci-check.h"

static bool check_bar(VFIOPCIDevice *vdev, const char *what, uint8_t bar,
                      Error **errp)
{
    if (bar >= ARRAY_SIZE(vdev->bars) ||
        (!vdev->bars[bar].size && vdev->msix_relo == OFF_AUTO_PCIBAR_OFF)) {
        error_setg(errp, "the MSI-X %s is in BAR %u, which the device does "
                   "not have or which cannot be read", what, bar);
        return false;
    }
    return true;
}

bool vfio_pci_check_msix(VFIOPCIDevice *vdev, const VFIOMSIXInfo *msix,
                         Error **errp)
{
    return check_bar(vdev, "table", msix->table_bar, errp) &&
           check_bar(vdev, "PBA", msix->pba_bar, errp);
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
    return true;
}
