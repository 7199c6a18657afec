/*
 * PASID capability of VFIO PCI devices: a new QEMU process takes over (CPR)
 *
 * The guest goes on with what it has found, so the capability has to be where
 * the guest knows it, whatever x-vpasid-cap-offset or the rules of the new QEMU
 * say. The state that comes in has the configuration space that the guest saw,
 * and with it the offset. Therefore nothing is added when the device is
 * realized, but when its state has been read.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie_ecap_place.h"
#include "hw/vfio/vfio-device.h"
#include "qapi/error.h"
#include "pci.h"
#include "pci-pasid-adopt.h"

#define EXT_SIZE    (PCIE_ECAP_IMAGE_SIZE - PCIE_ECAP_HEAD)

/* Extended configuration space as it was before the state was read */
struct VFIOPCIPasidSaved {
    uint8_t config[EXT_SIZE];
    uint8_t cmask[EXT_SIZE];
};

void vfio_pci_pasid_cpr_pre_load(VFIOPCIDevice *vdev)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    VFIOPCIPasidSaved *saved;

    /* One left over is from a stream that failed for another reason */
    g_clear_pointer(&vdev->pasid.saved, g_free);
    if (!pci_bus_is_express(pci_get_bus(pdev)) ||
        pci_config_size(pdev) < PCIE_ECAP_IMAGE_SIZE) {
        return;
    }
    saved = g_new(VFIOPCIPasidSaved, 1);
    memcpy(saved->config, pdev->config + PCIE_ECAP_HEAD, EXT_SIZE);
    memcpy(saved->cmask, pdev->cmask + PCIE_ECAP_HEAD, EXT_SIZE);
    vdev->pasid.saved = saved;

    /* Compared by vfio_pci_pasid_cpr_post_load(), with what it adds */
    memset(pdev->cmask + PCIE_ECAP_HEAD, 0, EXT_SIZE);
}

static bool compare(VFIOPCIDevice *vdev, const uint8_t *known, Error **errp)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);

    for (unsigned i = PCIE_ECAP_HEAD; i < PCIE_ECAP_IMAGE_SIZE; i++) {
        if ((known[i] ^ pdev->config[i]) & pdev->cmask[i] &
            ~pdev->wmask[i] & ~pdev->w1cmask[i]) {
            error_setg(errp, VFIO_MSG_PREFIX "configuration space is not what "
                       "the guest knows: 0x%x instead of 0x%x at offset 0x%x; "
                       "unplug the device before QEMU is replaced",
                       vdev->vbasedev.name, pdev->config[i], known[i], i);
            return false;
        }
    }
    return true;
}

bool vfio_pci_pasid_cpr_post_load(VFIOPCIDevice *vdev, Error **errp)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    g_autofree VFIOPCIPasidSaved *saved = g_steal_pointer(&vdev->pasid.saved);
    g_autofree uint8_t *known = NULL;

    if (!saved) {
        return true;
    }
    known = g_memdup2(pdev->config, PCIE_ECAP_IMAGE_SIZE);
    memcpy(pdev->config + PCIE_ECAP_HEAD, saved->config, EXT_SIZE);
    memcpy(pdev->cmask + PCIE_ECAP_HEAD, saved->cmask, EXT_SIZE);
    if (!vfio_pci_pasid_adopt(vdev, known, errp) ||
        !compare(vdev, known, errp)) {
        return false;
    }
    memcpy(pdev->config + PCIE_ECAP_HEAD, known + PCIE_ECAP_HEAD, EXT_SIZE);
    return true;
}
