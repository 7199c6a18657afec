/*
 * Accelerated arm-smmuv3: properties that tell what it offers and how its
 * devices are
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Registers and fields are those of Arm IHI0070, 6.3.1 to 6.3.6.
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-visit-smmuv3-accel.h"
#include "smmuv3-accel-internal.h"
#include "smmuv3-stall.h"

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

static const SmmuAccelStall stalls[] = {
    [SMMUV3_STALL_OFF] = SMMU_ACCEL_STALL_OFF,
    [SMMUV3_STALL_ON] = SMMU_ACCEL_STALL_ON,
    [SMMUV3_STALL_FORCE] = SMMU_ACCEL_STALL_FORCE,
};

static SmmuAccelFaults smmuv3_accel_faults_of(const SMMUv3AccelState *a,
                                              const SMMUv3AccelDevice *adev)
{
    if (!adev->can_stall || smmuv3_stall_mode(a->smmu) == SMMUV3_STALL_OFF) {
        return SMMU_ACCEL_FAULTS_NONE;
    }
    if (adev->faults_refused || !a->faults) {
        return SMMU_ACCEL_FAULTS_REFUSED;
    }
    return smmuv3_accel_faults_broken(a->faults) ? SMMU_ACCEL_FAULTS_BROKEN :
           SMMU_ACCEL_FAULTS_REPORTED;
}

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
        .page_faults = smmuv3_accel_faults_of(a, adev),
        .waiting = smmuv3_accel_faults_waiting(a->faults, adev->idev->devid),
    };
    return state;
}

static SMMUv3AccelState *smmuv3_accel_of(Object *obj, const char *name,
                                         Error **errp)
{
    SMMUv3State *s = ARM_SMMUV3(obj);

    if (!s->accel_state) {
        error_setg(errp, "arm-smmuv3: %s is for an SMMUv3 with accel=on that"
                   " is realized", name);
    }
    return s->accel_state;
}

static void smmuv3_accel_get_state(Object *obj, Visitor *v, const char *name,
                                   void *opaque, Error **errp)
{
    SMMUv3AccelState *a = smmuv3_accel_of(obj, name, errp);
    g_autoptr(SmmuAccelState) state = NULL;
    GHashTableIter iter;
    gpointer adev;

    if (!a) {
        return;
    }
    state = g_new0(SmmuAccelState, 1);
    g_hash_table_iter_init(&iter, a->devices);
    while (g_hash_table_iter_next(&iter, NULL, &adev)) {
        QAPI_LIST_PREPEND(state->devices,
                          smmuv3_accel_device_state(a, adev));
    }
    state->has_sva_limits = a->smmu->ssidsize;
    state->sva_limits = smmuv3_accel_sva_limits(a);
    visit_type_SmmuAccelState(v, name, &state, errp);
}

static void smmuv3_accel_get_offer(Object *obj, Visitor *v, const char *name,
                                   void *opaque, Error **errp)
{
    SMMUv3AccelState *a = smmuv3_accel_of(obj, name, errp);
    const uint32_t *idr = ARM_SMMUV3(obj)->idr;
    SmmuAccelOffer offer, *value = &offer;

    if (!a) {
        return;
    }
    offer = (SmmuAccelOffer) {
        .q_auto = a->limited ? SMMU_ACCEL_AUTO_HOST : SMMU_ACCEL_AUTO_CAUTIOUS,
        .device = a->limited_by,
        .ssidsize = FIELD_EX32(idr[1], IDR1, SSIDSIZE),
        .ats = FIELD_EX32(idr[0], IDR0, ATS),
        .ril = FIELD_EX32(idr[3], IDR3, RIL),
        .oas = smmuv3_props_oas_bits(FIELD_EX32(idr[5], IDR5, OAS)),
        .stall = stalls[smmuv3_stall_mode(a->smmu)],
    };
    visit_type_SmmuAccelOffer(v, name, &value, errp);
}

void smmuv3_accel_class_init(ObjectClass *klass)
{
    object_class_property_add(klass, "x-accel-offer", "SmmuAccelOffer",
                              smmuv3_accel_get_offer, NULL, NULL, NULL);
    object_class_property_set_description(klass, "x-accel-offer",
        "with accel=on: what the guest is offered (read-only)");
    object_class_property_add(klass, "x-accel-state", "SmmuAccelState",
                              smmuv3_accel_get_state, NULL, NULL, NULL);
    object_class_property_set_description(klass, "x-accel-state",
        "with accel=on: the devices, and what stops them (read-only)");
}
