/*
 * Accelerated arm-smmuv3: state of its devices, for the user to ask
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/qapi-visit-smmuv3-accel.h"
#include "smmuv3-accel-internal.h"

/* The values of SMMUv3AccelMode are in streams, those of QAPI may move */
static const SmmuAccelAttachment attachments[] = {
    [ACCEL_PARENT] = SMMU_ACCEL_ATTACHMENT_PARENT,
    [ACCEL_BLOCKED] = SMMU_ACCEL_ATTACHMENT_BLOCKED,
    [ACCEL_ABORT] = SMMU_ACCEL_ATTACHMENT_ABORT,
    [ACCEL_BYPASS] = SMMU_ACCEL_ATTACHMENT_BYPASS,
    [ACCEL_TRANSLATE] = SMMU_ACCEL_ATTACHMENT_TRANSLATE,
};

static const SmmuAccelReason reasons[] = {
    [STOP_NONE] = SMMU_ACCEL_REASON_NONE,
    [STOP_CACHES] = SMMU_ACCEL_REASON_STALE_CACHES,
    [STOP_REFUSED] = SMMU_ACCEL_REASON_STE_REFUSED,
    [STOP_ATC] = SMMU_ACCEL_REASON_ATC_INVALIDATION,
    [STOP_ATC_WAITS] = SMMU_ACCEL_REASON_ATC_INVALIDATION,
    [STOP_NO_VDEVICE] = SMMU_ACCEL_REASON_NO_VDEVICE,
};

static SmmuAccelDevice *smmuv3_accel_device_state(const SMMUv3AccelState *a,
                                                  const SMMUv3AccelDevice *adev)
{
    SmmuAccelDevice *state = g_new(SmmuAccelDevice, 1);

    *state = (SmmuAccelDevice) {
        .device = g_strdup(smmuv3_accel_dev_name(adev->pdev)),
        .has_stream_id = smmuv3_accel_has_sid(adev),
        .stream_id = smmuv3_accel_sid(adev),
        /* Until it is adopted, another process knows */
        .attached_to = a->cpr.adopting ? SMMU_ACCEL_ATTACHMENT_UNKNOWN :
                       attachments[adev->host.ste.mode],
        .stopped = adev->stopped != STOP_NONE &&
                   adev->stopped != STOP_NO_VDEVICE,
        .reason = reasons[adev->stopped],
        .text = g_strdup(adev->failure),
    };
    return state;
}

static void smmuv3_accel_get_state(Object *obj, Visitor *v, const char *name,
                                   void *opaque, Error **errp)
{
    SMMUv3AccelState *a = opaque;
    g_autoptr(SmmuAccelState) state = g_new0(SmmuAccelState, 1);
    GHashTableIter iter;
    gpointer adev;

    g_hash_table_iter_init(&iter, a->devices);
    while (g_hash_table_iter_next(&iter, NULL, &adev)) {
        QAPI_LIST_PREPEND(state->devices,
                          smmuv3_accel_device_state(a, adev));
    }
    state->has_sva_limits = a->smmu->ssidsize;
    state->sva_limits = smmuv3_accel_sva_limits(a);
    visit_type_SmmuAccelState(v, name, &state, errp);
}

void smmuv3_accel_add_state_property(SMMUv3AccelState *a)
{
    object_property_add(OBJECT(a->smmu), "x-accel-state", "SmmuAccelState",
                        smmuv3_accel_get_state, NULL, NULL, a);
}
