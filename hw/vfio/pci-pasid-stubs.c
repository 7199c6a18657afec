/*
 * VFIO PCI devices in a build without PASID (CONFIG_VFIO_PCI_PASID)
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include "qapi/error.h"
#include "pci.h"

void vfio_pci_pasid_class_init(ObjectClass *klass)
{
}

void vfio_pci_pasid_describe(ObjectClass *klass)
{
}

bool vfio_pci_pasid_setup(VFIOPCIDevice *vdev, Error **errp)
{
    if (vdev->pasid.mode == ON_OFF_AUTO_ON) {
        error_setg(errp, "x-vpasid=on, but QEMU was built without "
                   "CONFIG_VFIO_PCI_PASID");
        return false;
    }
    return true;
}

void vfio_pci_pasid_reset(VFIOPCIDevice *vdev)
{
}

bool vfio_pci_pasid_hides(const VFIOPCIDevice *vdev, uint32_t addr)
{
    return false;
}

bool vfio_pci_pasid_write_config(VFIOPCIDevice *vdev, uint32_t addr,
                                 uint32_t val, int len)
{
    return false;
}

void vfio_pci_pasid_cpr_pre_load(VFIOPCIDevice *vdev)
{
}

bool vfio_pci_pasid_cpr_post_load(VFIOPCIDevice *vdev, Error **errp)
{
    return true;
}

void vfio_pci_pasid_finalize(VFIOPCIDevice *vdev)
{
}
