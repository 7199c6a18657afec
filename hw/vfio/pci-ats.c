/*
 * Visibility of the ATS capability of VFIO PCI devices
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include "hw/iommu.h"
#include "hw/pci/pci_bus.h"
#include "qapi/error.h"
#include "system/host_iommu_device.h"
#include "pci.h"
#include "pci-ats.h"

/* A kernel that does not know the flag never sets it */
static bool vfio_pci_ats_host_has_none(VFIOPCIDevice *vdev)
{
    HostIOMMUDevice *hiod = vdev->vbasedev.hiod;

    return hiod && (hiod->caps.hw_caps & HOST_IOMMU_ATS_NOT_SUPPORTED);
}

bool vfio_pci_ats_is_visible(VFIOPCIDevice *vdev)
{
    switch (vdev->ats) {
    case ON_OFF_AUTO_OFF:
        return false;
    case ON_OFF_AUTO_ON:
        return true;
    default:
        return !(pci_device_get_viommu_flags(PCI_DEVICE(vdev)) &
                 VIOMMU_FLAG_WANT_NESTING_PARENT) ||
               !vfio_pci_ats_host_has_none(vdev);
    }
}

bool vfio_pci_ats_check(VFIOPCIDevice *vdev, Error **errp)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);

    if (vdev->ats != ON_OFF_AUTO_ON) {
        return true;
    }
    if (vfio_pci_ats_host_has_none(vdev)) {
        error_setg(errp, "ats=on, but the host's IOMMU does not serve the"
                   " device with ATS; use ats=auto or ats=off");
        return false;
    }
    if (!pci_is_express(pdev) || !pci_bus_is_express(pci_get_bus(pdev)) ||
        !pcie_find_capability(pdev, PCI_EXT_CAP_ID_ATS)) {
        error_setg(errp, "ats=on, but the device has no ATS capability that a"
                   " guest could see; use ats=auto or ats=off");
        return false;
    }
    return true;
}
