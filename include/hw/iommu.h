/*
 * Flags of vIOMMUs and of host IOMMUs for PCI devices
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_IOMMU_H
#define HW_IOMMU_H

#include "qemu/bitops.h"

/**
 * enum VIOMMUFlags - properties of a vIOMMU that a device needs to know
 *
 * The flags are constant while a device is plugged: they follow from how the
 * vIOMMU was configured, not from what the guest programs into it.
 *
 * @VIOMMU_FLAG_WANT_NESTING_PARENT: the vIOMMU runs the guest's stage-1
 *     tables in hardware. The second stage of a passed-through device has to
 *     be able to act as nesting parent (iommufd.h
 *     IOMMU_HWPT_ALLOC_NEST_PARENT).
 *
 * @VIOMMU_FLAG_PASID_SUPPORTED: the vIOMMU translates requests with PASID, so
 *     that a device behind it can offer a PASID capability (PCIe 6.2, 7.8.9).
 *
 * @VIOMMU_FLAG_KEEP_BUS_NUMBERS: firmware tables name the devices behind the
 *     vIOMMU by bus number, so that the guest's operating system must not give
 *     the buses other numbers than the firmware did.
 */
enum VIOMMUFlags {
    VIOMMU_FLAG_WANT_NESTING_PARENT = BIT_ULL(0),
    VIOMMU_FLAG_PASID_SUPPORTED = BIT_ULL(1),
    /* Counted from the top: QEMU 11 has flags of its own from the bottom on */
    VIOMMU_FLAG_KEEP_BUS_NUMBERS = BIT_ULL(63),
};

/*
 * Flag in HostIOMMUDeviceCaps.hw_caps: the host does not enable ATS for the
 * device. It is IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED in iommufd.h, newer than the
 * header here. Kernels that do not know it never set it.
 */
#define HOST_IOMMU_ATS_NOT_SUPPORTED BIT_ULL(3)

#endif /* HW_IOMMU_H */
