/*
 * Accelerated arm-smmuv3: firmware tables for the guest
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_ARM_SMMUV3_ACCEL_FW_H
#define HW_ARM_SMMUV3_ACCEL_FW_H

#include "exec/hwaddr.h"
#include "hw/pci/pci.h"

/* First table revision (E.d) that Linux reads RMR nodes of */
#define SMMUV3_ACCEL_IORT_REVISION 5

/*
 * Address range that Linux on the host reserves for the message interrupts of
 * passed-through devices, and maps to the doorbell in the second stage. A guest
 * that translates for a device has to map the range to itself.
 */
#define SMMUV3_ACCEL_MSI_BASE 0x8000000
#define SMMUV3_ACCEL_MSI_SIZE 0x100000

/**
 * smmuv3_accel_build_rmr: append an RMR node for the host's message page
 *
 * The node tells the guest to map the page to itself for every StreamID of the
 * range (IO Remapping Table, Arm DEN 0049E.d, 3.1.1.5).
 *
 * @table_data: an IORT.
 * @id: unique number of the node.
 * @smmu_offset: offset of the SMMUv3's node in the IORT.
 * @first_sid: first StreamID of the range.
 * @sids: number of StreamIDs, at least 1.
 */
void smmuv3_accel_build_rmr(GArray *table_data, uint32_t id,
                            uint32_t smmu_offset, uint32_t first_sid,
                            uint32_t sids);

/**
 * smmuv3_accel_count: count the arm-smmuv3 devices with accel=on
 *
 * Returns: their number; the IORT has an RMR node for each.
 */
unsigned int smmuv3_accel_count(void);

/**
 * smmuv3_accel_any_ats: tell whether a device may use ATS
 *
 * Returns: true if an arm-smmuv3 offers it (IDR0.ATS). That is final once the
 * machine is ready.
 */
bool smmuv3_accel_any_ats(void);

/**
 * smmuv3_accel_on_bus: tell whether a root bus has an accelerated SMMUv3
 *
 * @bus: a root bus.
 *
 * Returns: true if an arm-smmuv3 with accel=on has it as its primary-bus.
 */
bool smmuv3_accel_on_bus(PCIBus *bus);

/**
 * smmuv3_accel_fdt_add: describe the host's message page to guests that boot
 * with a device tree
 *
 * Adds nodes for the bridges and endpoints below @bus, unless there is no
 * accelerated SMMUv3 on it, and ats-supported where devices may use ATS.
 *
 * @fdt: the tree, with all devices of the command line plugged.
 * @bus: the root bus that has a node.
 * @host_node: path of that node.
 */
void smmuv3_accel_fdt_add(void *fdt, PCIBus *bus, const char *host_node);

#endif /* HW_ARM_SMMUV3_ACCEL_FW_H */
