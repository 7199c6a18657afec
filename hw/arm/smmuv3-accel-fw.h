/*
 * Accelerated arm-smmuv3: what the firmware tables tell the guest
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_ARM_SMMUV3_ACCEL_FW_H
#define HW_ARM_SMMUV3_ACCEL_FW_H

#include "exec/hwaddr.h"
#include "hw/pci/pci.h"

/* Linux looks at RMR nodes from this table revision on (E.d) */
#define SMMUV3_ACCEL_IORT_REVISION 5

/*
 * Where Linux on the host has a passed-through device write its messages: an
 * address that it reserves, and maps to the doorbell in the second stage. Under
 * stage-1 translation the guest has to map it to itself.
 */
#define SMMUV3_ACCEL_MSI_BASE 0x8000000
#define SMMUV3_ACCEL_MSI_SIZE 0x100000

/**
 * smmuv3_accel_build_rmr: append an RMR node for the host's message page
 *
 * Every device of the range is told to map the page to itself (IO Remapping
 * Table, Arm DEN 0049E.d, 3.1.1.5).
 *
 * @table_data: an IORT.
 * @id: unique number of the node.
 * @smmu_offset: offset of the SMMUv3's node in the IORT.
 * @first_sid: first StreamID of the range.
 * @sids: how many there are, from 1.
 */
void smmuv3_accel_build_rmr(GArray *table_data, uint32_t id,
                            uint32_t smmu_offset, uint32_t first_sid,
                            uint32_t sids);

/**
 * smmuv3_accel_count: count the arm-smmuv3 devices with accel=on
 *
 * Returns: their number, which is that of the RMR nodes there have to be.
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
