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

/* Revisions of the table (Arm DEN 0049E.b and E.d) */
#define IORT_E_B            3
#define IORT_E_D            5

/* Root complex node: values that QEMU has without PASID, and those of E.d */
#define RC_E_B_REVISION     3
#define RC_E_B_SIZE         36
#define RC_E_D_REVISION     4
#define RC_E_D_SIZE         40
#define RC_ATS              BIT(0)
#define RC_PASID_FORWARDING BIT(2)
#define RC_FLAG_PASID       BIT(0)

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
    uint8_t ssidsize;   /* widest PASIDs that an SMMUv3 offers */
} AccelSummary;

static int smmuv3_accel_summarize(Object *obj, void *opaque)
{
    SMMUv3State *s = (SMMUv3State *)object_dynamic_cast(obj, TYPE_ARM_SMMUV3);
    AccelSummary *summary = opaque;

    if (s) {
        /* The emulation has no ID registers before its first reset */
        summary->ats |= s->x_ats || FIELD_EX32(s->idr[0], IDR0, ATS);
        summary->ssidsize = MAX(summary->ssidsize, s->ssidsize);
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

bool smmuv3_accel_any_ats(void)
{
    return smmuv3_accel_summary(NULL).ats;
}

bool smmuv3_accel_on_bus(PCIBus *bus)
{
    return smmuv3_accel_summary(bus).on_bus;
}

/* ACPI */

SMMUv3AccelIort smmuv3_accel_iort(void)
{
    AccelSummary summary = smmuv3_accel_summary(NULL);
    SMMUv3AccelIort iort = {
        .revision = IORT_E_B,
        .rmr_nodes = summary.count,
        .rc_revision = RC_E_B_REVISION,
        .rc_size = RC_E_B_SIZE,
        .rc_ats = summary.ats ? RC_ATS : 0,
        .pasid_width = summary.ssidsize,
    };

    if (summary.count || summary.ssidsize) {
        iort.revision = IORT_E_D;
        iort.rc_revision = RC_E_D_REVISION;
        iort.rc_size = RC_E_D_SIZE;
    }
    if (summary.ssidsize) {
        iort.rc_ats |= RC_PASID_FORWARDING;
    }
    return iort;
}

void smmuv3_accel_build_rc_end(GArray *table_data, const SMMUv3AccelIort *iort)
{
    /* PASID Capabilities: the maximum width */
    build_append_int_noprefix(table_data, iort->pasid_width, 2);
    build_append_int_noprefix(table_data, 0, 1); /* Reserved */
    if (iort->rc_revision == RC_E_D_REVISION) {
        build_append_int_noprefix(table_data, iort->pasid_width ?
                                  RC_FLAG_PASID : 0, 4); /* Flags */
    }
}

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
