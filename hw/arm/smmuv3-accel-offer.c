/*
 * Accelerated arm-smmuv3: what the guest is offered, for the user to ask
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Registers and fields are those of Arm IHI0070, 6.3.1 to 6.3.6.
 */

#include "qemu/osdep.h"
#include "qapi/visitor.h"
#include "smmuv3-accel-internal.h"

static bool smmuv3_accel_visit_offer(SMMUv3AccelState *a, Visitor *v,
                                     Error **errp)
{
    const uint32_t *idr = a->smmu->idr;
    /* A visitor that reads takes a char *, and does not change the string */
    char *values = (char *)(a->limited ? "host" : "cautious");
    uint8_t ssidsize = FIELD_EX32(idr[1], IDR1, SSIDSIZE);
    uint8_t oas = smmuv3_props_oas_bits(FIELD_EX32(idr[5], IDR5, OAS));
    bool ats = FIELD_EX32(idr[0], IDR0, ATS);
    bool ril = FIELD_EX32(idr[3], IDR3, RIL);

    return visit_type_str(v, "auto", &values, errp) &&
           (!a->limited_by ||
            visit_type_str(v, "device", &a->limited_by, errp)) &&
           visit_type_uint8(v, "ssidsize", &ssidsize, errp) &&
           visit_type_bool(v, "ats", &ats, errp) &&
           visit_type_bool(v, "ril", &ril, errp) &&
           visit_type_uint8(v, "oas", &oas, errp);
}

static void smmuv3_accel_get_offer(Object *obj, Visitor *v, const char *name,
                                   void *opaque, Error **errp)
{
    if (visit_start_struct(v, name, NULL, 0, errp)) {
        smmuv3_accel_visit_offer(opaque, v, errp);
        visit_end_struct(v, NULL);
    }
}

void smmuv3_accel_add_offer_property(SMMUv3AccelState *a)
{
    object_property_add(OBJECT(a->smmu), "x-accel-offer", "struct",
                        smmuv3_accel_get_offer, NULL, NULL, a);
}
