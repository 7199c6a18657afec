/*
 * Arm SMMUv3: stalled transactions, and devices that are able to wait for them
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * PCI Express has a transaction time out, so that no device is expected to wait
 * for a page. Linux takes those to be able to that firmware says it of, or that
 * it knows itself, and answers for the stalled transactions of no others.
 */

#ifndef HW_ARM_SMMUV3_WAITS_H
#define HW_ARM_SMMUV3_WAITS_H

/* IDR0.STALL_MODEL (Arm IHI 0070, 6.3.1) */
#define STALL_MODEL_BOTH        0
#define STALL_MODEL_NONE        1
#define STALL_MODEL_FORCED      2

/* Node of a device in a device tree, in sysfs, and the property that says it */
#define SMMUV3_WAITS_NODE       "of_node"
#define SMMUV3_WAITS_PROPERTY   "dma-can-stall"

/**
 * smmuv3_waits_by_id: tell whether Linux knows a device to wait
 *
 * For a device that has no node in a device tree: one that has says it by
 * #SMMUV3_WAITS_PROPERTY.
 *
 * @vendor: Vendor ID.
 * @device: Device ID.
 * @revision: Revision ID.
 *
 * Returns: true for the zip, sec and hpre accelerators, physical and virtual
 * functions, in two revisions (drivers/pci/quirks.c of Linux 7.3). The same
 * quirk lets them have PASID without end-to-end TLP prefixes.
 */
static inline bool smmuv3_waits_by_id(uint16_t vendor, uint16_t device,
                                      uint8_t revision)
{
    if (vendor != 0x19e5 || (revision != 0x21 && revision != 0x30)) {
        return false;
    }
    switch (device) {
    case 0xa250:
    case 0xa251:
    case 0xa255:
    case 0xa256:
    case 0xa258:
    case 0xa259:
        return true;
    default:
        return false;
    }
}

#endif /* HW_ARM_SMMUV3_WAITS_H */
