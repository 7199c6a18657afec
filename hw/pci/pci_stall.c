/*
 * PCI transactions that wait for their translation
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/pci/pci_device.h"
#include "hw/pci/pci_stall.h"

static IOMMUStallClass *stall_class(IOMMUMemoryRegion *iommu)
{
    ObjectClass *class = object_get_class(OBJECT(iommu));

    class = object_class_dynamic_cast(class, TYPE_IOMMU_STALL);
    return class ? IOMMU_STALL_CLASS(class) : NULL;
}

PCIStallResult pci_stall_begin(PCIStall *stall, IOMMUTLBEntry *entry)
{
    AddressSpace *as = pci_device_iommu_address_space(stall->dev);
    IOMMUMemoryRegion *iommu = memory_region_get_iommu(as->root);
    IOMMUStallClass *class = iommu ? stall_class(iommu) : NULL;
    PCIStallResult result;

    if (!class) {
        return PCI_STALL_UNSUPPORTED;
    }
    result = class->begin(iommu, stall, entry);
    if (result == PCI_STALL_WAITING) {
        stall->iommu = iommu;
    }
    return result;
}

void pci_stall_cancel(PCIStall *stall)
{
    IOMMUMemoryRegion *iommu = stall->iommu;

    if (iommu) {
        stall->iommu = NULL;
        stall_class(iommu)->cancel(iommu, stall);
    }
}

void pci_stall_end(PCIStall *stall, PCIStallResult result,
                   const IOMMUTLBEntry *entry)
{
    PCIDevice *dev = stall->dev;

    stall->iommu = NULL;
    object_ref(OBJECT(dev));
    stall->done(stall, result, entry);
    object_unref(OBJECT(dev));
}

static const TypeInfo iommu_stall_info = {
    .name = TYPE_IOMMU_STALL,
    .parent = TYPE_INTERFACE,
    .class_size = sizeof(IOMMUStallClass),
};

static void iommu_stall_register_types(void)
{
    type_register_static(&iommu_stall_info);
}

type_init(iommu_stall_register_types)
