/*
 * What a vIOMMU asks of the VFIO devices behind it
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <linux/iommufd.h>

#include "hw/iommu.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pci_device.h"
#include "hw/vfio/vfio-device.h"
#include "qapi/error.h"
#include "vfio-iommufd.h"
#include "viommu.h"

uint32_t vfio_viommu_hwpt_flags(VFIODevice *vbasedev)
{
    /* Not all of VFIO is PCI, and only PCI devices have a vIOMMU */
    Object *pdev = object_dynamic_cast(OBJECT(vbasedev->dev), TYPE_PCI_DEVICE);

    if (pdev && (pci_device_get_viommu_flags(PCI_DEVICE(pdev)) &
                 VIOMMU_FLAG_WANT_NESTING_PARENT)) {
        return IOMMU_HWPT_ALLOC_NEST_PARENT;
    }
    return 0;
}

const void *vfio_viommu_identity(VFIODevice *vbasedev)
{
    PCIBus *bus;

    if (!vfio_viommu_hwpt_flags(vbasedev)) {
        return NULL;
    }
    bus = pci_get_bus(PCI_DEVICE(vbasedev->dev));
    while (!bus->iommu_ops && bus->parent_dev) {
        bus = pci_get_bus(bus->parent_dev);
    }
    return bus->iommu_opaque;
}

bool vfio_viommu_hwpt_fits(VFIODevice *vbasedev, const VFIOIOASHwpt *hwpt)
{
    return (hwpt->hwpt_flags & IOMMU_HWPT_ALLOC_NEST_PARENT) ==
           vfio_viommu_hwpt_flags(vbasedev) &&
           hwpt->viommu == vfio_viommu_identity(vbasedev);
}

void vfio_viommu_hwpt_hint(VFIODevice *vbasedev, uint32_t flags, Error **errp)
{
    if (flags & IOMMU_HWPT_ALLOC_NEST_PARENT) {
        error_append_hint(errp, "The vIOMMU in front of %s needs a nesting "
                          "parent. The host IOMMU and its driver have to "
                          "support two stages of translation, which for an "
                          "Arm SMMUv3 takes Linux 6.13; otherwise use a "
                          "vIOMMU without acceleration.\n", vbasedev->name);
    }
}
