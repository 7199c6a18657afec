/*
 * Accelerated arm-smmuv3: what ACPI tells the guest of it
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/acpi/aml-build.h"
#include "smmuv3-accel-fw.h"

/* Sizes and values of an RMR node (Arm DEN 0049E.d, 3.1.1.5) */
#define NODE_RMR            6
#define NODE_RMR_REVISION   3
#define RMR_HEADER_SIZE     28
#define ID_MAPPING_SIZE     20
#define RMR_RANGE_SIZE      20

/* Neither movable nor privileged; device memory that gathers nothing */
#define RMR_FLAGS           0

/* More than one StreamID */
#define ID_MAPPING_FLAGS    0

void smmuv3_accel_build_rmr(GArray *table_data, uint32_t id,
                            uint32_t smmu_offset, uint32_t first_sid,
                            uint32_t sids)
{
    build_append_int_noprefix(table_data, NODE_RMR, 1); /* Type */
    build_append_int_noprefix(table_data, RMR_HEADER_SIZE + ID_MAPPING_SIZE +
                              RMR_RANGE_SIZE, 2); /* Length */
    build_append_int_noprefix(table_data, NODE_RMR_REVISION, 1); /* Revision */
    build_append_int_noprefix(table_data, id, 4); /* Identifier */
    build_append_int_noprefix(table_data, 1, 4); /* Number of ID mappings */
    /* Reference to ID Array */
    build_append_int_noprefix(table_data, RMR_HEADER_SIZE, 4);
    build_append_int_noprefix(table_data, RMR_FLAGS, 4); /* Flags */
    /* Number of Memory Range Descriptors */
    build_append_int_noprefix(table_data, 1, 4);
    /* Reference to Memory Range Descriptors */
    build_append_int_noprefix(table_data, RMR_HEADER_SIZE + ID_MAPPING_SIZE, 4);

    /* ID mapping: here the output is what counts */
    build_append_int_noprefix(table_data, first_sid, 4); /* Input base */
    build_append_int_noprefix(table_data, sids - 1, 4); /* Number of IDs - 1 */
    build_append_int_noprefix(table_data, first_sid, 4); /* Output base */
    /* Output Reference */
    build_append_int_noprefix(table_data, smmu_offset, 4);
    build_append_int_noprefix(table_data, ID_MAPPING_FLAGS, 4); /* Flags */

    /* Memory Range Descriptor */
    build_append_int_noprefix(table_data, SMMUV3_ACCEL_MSI_BASE, 8);
    build_append_int_noprefix(table_data, SMMUV3_ACCEL_MSI_SIZE, 8);
    build_append_int_noprefix(table_data, 0, 4); /* Reserved */
}
