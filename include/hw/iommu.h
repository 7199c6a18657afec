/*
 * What a vIOMMU tells the PCI devices behind it
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
 *     that a device behind it can offer a PASID capability (PCIe 6.2, 7.8.8).
 *     How many PASIDs it has is told by viommu_flags_pasid_width().
 *
 * @VIOMMU_FLAG_KEEP_BUS_NUMBERS: firmware tables name the devices behind the
 *     vIOMMU by bus number, so that the guest's operating system must not give
 *     the buses other numbers than the firmware did.
 */
enum VIOMMUFlags {
    VIOMMU_FLAG_WANT_NESTING_PARENT = BIT_ULL(0),
    VIOMMU_FLAG_PASID_SUPPORTED = BIT_ULL(1),
    VIOMMU_FLAG_KEEP_BUS_NUMBERS = BIT_ULL(2),
};

/* The top byte of the flags: PASID bits, 0 if the vIOMMU sets no limit */
#define VIOMMU_PASID_WIDTH_SHIFT    56
#define VIOMMU_PASID_WIDTH_BITS     8

/**
 * viommu_flags_set_pasid_width: add the width of PASIDs to the flags
 *
 * @flags: a bitmap of #VIOMMUFlags with no width in it.
 *
 * @width: bits of a PASID that the vIOMMU looks at, 1 to 20.
 *
 * Returns: @flags with the width.
 */
static inline uint64_t viommu_flags_set_pasid_width(uint64_t flags,
                                                    uint8_t width)
{
    return deposit64(flags, VIOMMU_PASID_WIDTH_SHIFT, VIOMMU_PASID_WIDTH_BITS,
                     width);
}

/**
 * viommu_flags_pasid_width: how wide PASIDs may be
 *
 * @flags: from pci_device_get_viommu_flags().
 *
 * Returns: bits of a PASID that the vIOMMU looks at; 0 if it does not say.
 */
static inline uint8_t viommu_flags_pasid_width(uint64_t flags)
{
    return extract64(flags, VIOMMU_PASID_WIDTH_SHIFT, VIOMMU_PASID_WIDTH_BITS);
}

#endif /* HW_IOMMU_H */
