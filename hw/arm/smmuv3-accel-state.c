/*
 * Accelerated arm-smmuv3: state of its devices, for the user to ask
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/visitor.h"
#include "smmuv3-accel-internal.h"

static const char *const mode_names[] = {
    [ACCEL_PARENT] = "parent",
    [ACCEL_BLOCKED] = "nothing",
    [ACCEL_ABORT] = "abort",
    [ACCEL_BYPASS] = "bypass",
    [ACCEL_TRANSLATE] = "translate",
};

static const char *const stop_names[] = {
    [STOP_NONE] = "no",
    [STOP_CACHES] = "stale-caches",
    [STOP_REFUSED] = "ste-refused",
    [STOP_ATC] = "atc-invalidation",
};

/* A visitor that reads takes a char *, and does not change the string */
static bool smmuv3_accel_visit_str(Visitor *v, const char *name,
                                   const char *value, Error **errp)
{
    char *str = (char *)value;

    return visit_type_str(v, name, &str, errp);
}

static bool smmuv3_accel_visit_device(Visitor *v, SMMUv3AccelDevice *adev,
                                      Error **errp)
{
    uint32_t sid = smmuv3_accel_sid(adev);
    bool ok;

    if (!visit_start_struct(v, NULL, NULL, 0, errp)) {
        return false;
    }
    ok = smmuv3_accel_visit_str(v, "device", smmuv3_accel_dev_name(adev->pdev),
                                errp) &&
         (!smmuv3_accel_has_sid(adev) ||
          visit_type_uint32(v, "stream-id", &sid, errp)) &&
         smmuv3_accel_visit_str(v, "attached-to",
                                mode_names[adev->host.ste.mode], errp) &&
         smmuv3_accel_visit_str(v, "stopped", stop_names[adev->stopped],
                                errp) &&
         (!adev->failure ||
          smmuv3_accel_visit_str(v, "failure", adev->failure, errp));
    visit_end_struct(v, NULL);
    return ok;
}

static void smmuv3_accel_get_devices(Object *obj, Visitor *v, const char *name,
                                     void *opaque, Error **errp)
{
    SMMUv3AccelState *a = opaque;
    GHashTableIter iter;
    gpointer adev;

    if (!visit_start_list(v, name, NULL, 0, errp)) {
        return;
    }
    g_hash_table_iter_init(&iter, a->devices);
    while (g_hash_table_iter_next(&iter, NULL, &adev) &&
           smmuv3_accel_visit_device(v, adev, errp)) {
        continue;
    }
    visit_end_list(v, NULL);
}

void smmuv3_accel_add_state_property(SMMUv3AccelState *a)
{
    object_property_add(OBJECT(a->smmu), "x-accel-devices", "list",
                        smmuv3_accel_get_devices, NULL, NULL, a);
}
