/*
 * Accelerated arm-smmuv3: what there is to be told to the guest
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/arm/smmuv3.h"
#include "smmuv3-internal.h"
#include "smmuv3-accel-fw.h"

typedef struct AccelSummary {
    PCIBus *bus;        /* looked for */
    bool on_bus;
    unsigned int count;
    bool ats;
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
