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
 * struct SMMUv3AccelIort - what the IORT says because of ATS, PASID and accel
 *
 * With neither, all of it is what it was before there was any of them.
 *
 * @revision: revision of the table. Linux reads RMR nodes from E.d on.
 * @rmr_nodes: number of RMR nodes, one for each SMMUv3 with accel=on
 * @rc_revision: revision of the node of the root complexes
 * @rc_size: size of that node without its ID mappings
 * @rc_ats: its ATS Attribute
 * @pasid_width: its maximum PASID width; 0 without PASID
 */
typedef struct SMMUv3AccelIort {
    uint8_t revision;
    unsigned int rmr_nodes;
    uint8_t rc_revision;
    uint16_t rc_size;
    uint32_t rc_ats;
    uint8_t pasid_width;
} SMMUv3AccelIort;

/**
 * smmuv3_accel_iort: tell what the IORT has to say
 *
 * One node stands for all root complexes, since Linux looks it up by PCI
 * segment. It has what any SMMUv3 has, and the widest PASIDs. The registers of
 * the SMMUv3 in front of a device limit both.
 *
 * Returns: values that are final once the machine is ready.
 */
SMMUv3AccelIort smmuv3_accel_iort(void);

/**
 * smmuv3_accel_build_rc_end: append what follows the Memory address size limit
 * in a root complex node (IO Remapping Table, Arm DEN 0049E.d, 3.1.1.2)
 *
 * @table_data: an IORT.
 * @iort: from smmuv3_accel_iort().
 */
void smmuv3_accel_build_rc_end(GArray *table_data, const SMMUv3AccelIort *iort);

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
