/*
 * Accelerated arm-smmuv3: firmware tables for the guest
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/acpi/aml-build.h"
#include "hw/arm/smmuv3.h"
#include "smmuv3-internal.h"
#include "smmuv3-accel-fw.h"

/* Sizes and values of an RMR node (Arm DEN 0049E.d, 3.1.1.5) */
#define NODE_RMR            6
#define NODE_RMR_REVISION   3
#define RMR_HEADER_SIZE     28
#define ID_MAPPING_SIZE     20
#define RMR_RANGE_SIZE      20

/* Not remappable, not privileged, Device-nGnRnE */
#define RMR_FLAGS           0

/* The mapping is a range, no single StreamID */
#define ID_MAPPING_FLAGS    0

typedef struct AccelSummary {
    PCIBus *bus;        /* root bus to look for */
    bool on_bus;        /* an accelerated SMMUv3 has it as primary-bus */
    unsigned int count; /* of accelerated SMMUv3s */
    bool ats;           /* some SMMUv3 offers ATS */
} AccelSummary;

static int smmuv3_accel_summarize(Object *obj, void *opaque)
{
    SMMUv3State *s = (SMMUv3State *)object_dynamic_cast(obj, TYPE_ARM_SMMUV3);
    AccelSummary *summary = opaque;

    if (s) {
        /* The emulation has no ID registers before its first reset */
        summary->ats |= s->x_ats || FIELD_EX32(s->idr[0], IDR0, ATS);
    }
    if (s && s->accel) {
        summary->count++;
        summary->on_bus |= ARM_SMMU(s)->primary_bus == summary->bus;
    }
    return 0;
}

static AccelSummary smmuv3_accel_summary(PCIBus *bus)
{
    AccelSummary summary = { .bus = bus };

    object_child_foreach_recursive(object_get_root(), smmuv3_accel_summarize,
                                   &summary);
    return summary;
}

unsigned int smmuv3_accel_count(void)
{
    return smmuv3_accel_summary(NULL).count;
}

bool smmuv3_accel_any_ats(void)
{
    return smmuv3_accel_summary(NULL).ats;
}

bool smmuv3_accel_on_bus(PCIBus *bus)
{
    return smmuv3_accel_summary(bus).on_bus;
}

/* ACPI */

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

    /* ID mapping: only the output base has a meaning here */
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
