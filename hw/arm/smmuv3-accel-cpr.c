/*
 * Accelerated arm-smmuv3: a new QEMU process takes over (CPR)
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*
 * CPR hands the iommufd to the new process while the devices go on: neither
 * VFIO nor this file attaches a device anew. The new process gets the IDs of
 * the objects that the old one made, and adopts them when the guest is about
 * to run; until then the old process can take the guest back. Only the vEVENTQ
 * is made anew, since its file belongs to a process. The file of the fault
 * queue is handed over: what is in it has to be answered.
 */

#include "qemu/osdep.h"
#include "migration/blocker.h"
#include "migration/cpr.h"
#include "migration/vmstate.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "system/runstate.h"
#include "smmuv3-accel-stall.h"
#include "smmuv3-stall.h"

static const VMStateDescription vmstate_smmuv3_accel_device = {
    .name = "smmuv3-accel/device",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(devid, SMMUv3AccelCprDevice),
        VMSTATE_UINT32(host.ste.mode, SMMUv3AccelCprDevice),
        VMSTATE_UINT64_ARRAY(host.ste.dword, SMMUv3AccelCprDevice, 2),
        VMSTATE_UINT32(host.s1_hwpt_id, SMMUv3AccelCprDevice),
        VMSTATE_UINT32(host.vdevice_id, SMMUv3AccelCprDevice),
        VMSTATE_UINT32(host.vsid, SMMUv3AccelCprDevice),
        VMSTATE_END_OF_LIST(),
    },
};

static const VMStateDescription vmstate_smmuv3_accel_device_owed = {
    .name = "smmuv3-accel/device-owed",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(event_type, SMMUv3AccelCprDevice),
        VMSTATE_UINT32(event_sid, SMMUv3AccelCprDevice),
        VMSTATE_BOOL(named, SMMUv3AccelCprDevice),
        VMSTATE_END_OF_LIST(),
    },
};

static const VMStateDescription vmstate_smmuv3_accel_device_failed = {
    .name = "smmuv3-accel/device-failed",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(atc_stale, SMMUv3AccelCprDevice),
        VMSTATE_END_OF_LIST(),
    },
};

static const VMStateDescription vmstate_smmuv3_accel_device_stall = {
    .name = "smmuv3-accel/device-stall",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(faultq_id, SMMUv3AccelCprDevice),
        VMSTATE_BOOL(faults_end, SMMUv3AccelCprDevice),
        VMSTATE_END_OF_LIST(),
    },
};

/*
 * Would the next process offer the guest something else, since it goes by the
 * devices that are there when it starts?
 */
static bool smmuv3_accel_cpr_other_offer(const SMMUv3AccelState *a)
{
    if (!g_hash_table_size(a->devices)) {
        return a->limited;
    }
    return !a->limited || memcmp(&a->limit_idr, &a->host_idr,
                                 sizeof(a->limit_idr));
}

static int smmuv3_accel_cpr_pre_save(void *opaque)
{
    SMMUv3AccelCpr *cpr = opaque;
    SMMUv3AccelState *a = container_of(cpr, SMMUv3AccelState, cpr);
    GHashTableIter iter;
    gpointer value;

    /* The guest has not run here: the next one gets what this one was given */
    if (cpr->adopting) {
        return 0;
    }

    cpr->viommu_id = a->viommu_id;
    cpr->abort_hwpt_id = a->abort_hwpt_id;
    cpr->bypass_hwpt_id = a->bypass_hwpt_id;
    cpr->stale = a->cmdq && (smmuv3_accel_cmdq_stale(a->cmdq) ||
                             smmuv3_accel_cmdq_unproved(a->cmdq));
    /* The next process looks at every STE before the guest runs */
    cpr->tlbi_again = a->tlbi_again || a->tlbi_waits;
    cpr->owed = cpr->tlbi_again;
    cpr->guest_told = a->retry.guest_told;
    cpr->failed = cpr->guest_told;
    cpr->other_offer = smmuv3_accel_cpr_other_offer(a);
    cpr->limited = a->limited;
    cpr->limit_idr = a->limit_idr;
    cpr->faultq_id = smmuv3_accel_faults_hand_over(a->faults);
    cpr->stall_mode = smmuv3_stall_mode(a->smmu);
    cpr->last_stag = a->smmu->stall_state ?
                     a->smmu->stall_state->last_stag : 0;
    g_free(cpr->devices);
    cpr->devices = g_new(SMMUv3AccelCprDevice,
                         g_hash_table_size(a->devices) + a->doomed->len);
    cpr->len = 0;
    g_hash_table_iter_init(&iter, a->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        SMMUv3AccelDevice *adev = value;
        /* One that waits, or is marked, has its STE read by the next process */
        bool atc_stale = adev->stopped == STOP_ATC &&
                         !QTAILQ_IN_USE(adev, mark);

        cpr->devices[cpr->len++] = (SMMUv3AccelCprDevice) {
            .devid = adev->idev->devid,
            .host = adev->host,
            .event_type = adev->event.type,
            .event_sid = adev->event.sid,
            .named = adev->named,
            .atc_stale = atc_stale,
            /* If it is broken, another HWPT is due in the next process */
            .faultq_id = smmuv3_accel_faults_broken(a->faults) ? NO_ID :
                         adev->host.faultq_id,
            .faults_end = smmuv3_accel_faults_end(a->faults,
                                                  adev->idev->devid),
        };
        cpr->owed |= adev->event.type || adev->named;
        cpr->failed |= atc_stale;
    }
    /* They are of no device now */
    for (guint i = 0; i < a->doomed->len; i++) {
        cpr->devices[cpr->len++] = (SMMUv3AccelCprDevice) {
            .devid = NO_ID,
            .host.ste.mode = ACCEL_BLOCKED,
            .host.vdevice_id = g_array_index(a->doomed, uint32_t, i),
        };
    }

    /* Events in the vEVENTQ reach the guest before the registers are saved */
    smmuv3_accel_events_drain(a->events);
    smmuv3_accel_events_stop(a->events);
    a->events = NULL;
    cpr->handed_over = true;
    return 0;
}

/* The subsections may be missing */
static int smmuv3_accel_cpr_pre_load(void *opaque)
{
    SMMUv3AccelCpr *cpr = opaque;

    cpr->owed = false;
    cpr->tlbi_again = false;
    cpr->other_offer = false;
    cpr->failed = false;
    cpr->guest_told = false;
    cpr->stall_mode = SMMUV3_STALL_OFF;
    cpr->faultq_id = NO_ID;
    cpr->last_stag = 0;
    return 0;
}

/* The guest goes on with the ID registers that it knows */
static void smmuv3_accel_cpr_take_offer(SMMUv3AccelState *a)
{
    SMMUv3AccelCpr *cpr = &a->cpr;

    a->limited = cpr->limited;
    a->limit_idr = cpr->limit_idr;
    g_clear_pointer(&a->limited_by, g_free);
    smmuv3_accel_caps_resolve_ssidsize(a->smmu, a->limited ? &a->limit_idr :
                                                NULL);
    /* The other registers are loaded after this */
    smmuv3_init_regs(a->smmu);
}

static bool smmuv3_accel_cpr_take_stall(SMMUv3AccelState *a)
{
    SMMUv3StallMode mode = a->cpr.stall_mode;
    bool other;

    if (mode < SMMUV3_STALL_OFF || mode > SMMUV3_STALL_FORCE) {
        error_report("arm-smmuv3: the incoming state has the unknown stall"
                     " model %u", mode);
        return false;
    }
    if (a->smmu->x_stall != SMMUV3_STALL_AUTO && a->smmu->x_stall != mode) {
        error_report("arm-smmuv3: the guest that comes was offered x-stall=%s,"
                     " and this QEMU has x-stall=%s; give both the same",
                     smmuv3_stall_mode_name(mode),
                     smmuv3_stall_mode_name(a->smmu->x_stall));
        return false;
    }
    other = mode != smmuv3_stall_mode(a->smmu);
    /* Devices that come later have no say in it */
    smmuv3_stall_settle(a->smmu, mode);
    if (other) {
        /* The other registers are loaded after this */
        smmuv3_init_regs(a->smmu);
    }
    return true;
}

static int smmuv3_accel_cpr_post_load(void *opaque, int version_id)
{
    SMMUv3AccelCpr *cpr = opaque;
    SMMUv3AccelState *a = container_of(cpr, SMMUv3AccelState, cpr);

    if (!cpr->adopting) {
        error_report("arm-smmuv3: the incoming state is for a QEMU that takes"
                     " a guest over by CPR, which this one does not");
        return -EINVAL;
    }
    if ((cpr->viommu_id == NO_ID) != !a->be) {
        error_report("arm-smmuv3: the incoming state is that of an SMMUv3 with"
                     " %s, this one has %s; give both QEMUs the same devices in"
                     " the same order", a->be ? "no device" : "devices",
                     a->be ? "devices" : "none");
        return -EINVAL;
    }
    for (int i = 0; i < cpr->len; i++) {
        if (cpr->devices[i].host.ste.mode > ACCEL_TRANSLATE) {
            error_report("arm-smmuv3: a device has the unknown mode %u in the"
                         " incoming state", cpr->devices[i].host.ste.mode);
            return -EINVAL;
        }
    }
    if (!smmuv3_accel_cpr_take_stall(a)) {
        return -EINVAL;
    }
    if (cpr->other_offer) {
        smmuv3_accel_cpr_take_offer(a);
    }
    cpr->loaded = true;
    /* There was no device: the first one that comes has nothing to adopt */
    if (cpr->viommu_id == NO_ID) {
        cpr->adopting = false;
    }
    return 0;
}

/* A vIOMMU has as many devices as there are requester IDs at most */
static bool smmuv3_accel_cpr_len_valid(void *opaque, int version_id)
{
    SMMUv3AccelCpr *cpr = opaque;

    return cpr->len >= 0 && cpr->len <= UINT16_MAX + 1;
}

static bool smmuv3_accel_cpr_owed_needed(void *opaque)
{
    SMMUv3AccelCpr *cpr = opaque;

    return cpr->owed;
}

/*
 * Requests of the guest that are not fulfilled yet. There seldom are any. As
 * long as there are none, a QEMU that does not know this subsection can take
 * over from one that does, and the other way round.
 */
static const VMStateDescription vmstate_smmuv3_accel_owed = {
    .name = "smmuv3-accel/owed",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = smmuv3_accel_cpr_owed_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(owed, SMMUv3AccelCpr),
        VMSTATE_BOOL(tlbi_again, SMMUv3AccelCpr),
        VMSTATE_STRUCT_VARRAY_POINTER_INT32(devices, SMMUv3AccelCpr, len,
                                            vmstate_smmuv3_accel_device_owed,
                                            SMMUv3AccelCprDevice),
        VMSTATE_END_OF_LIST(),
    },
};

static bool smmuv3_accel_cpr_failed_needed(void *opaque)
{
    SMMUv3AccelCpr *cpr = opaque;

    return cpr->failed;
}

/* Failures that are not over; seldom any, as with the subsection above */
static const VMStateDescription vmstate_smmuv3_accel_failed = {
    .name = "smmuv3-accel/failed",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = smmuv3_accel_cpr_failed_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(failed, SMMUv3AccelCpr),
        VMSTATE_BOOL(guest_told, SMMUv3AccelCpr),
        VMSTATE_STRUCT_VARRAY_POINTER_INT32(devices, SMMUv3AccelCpr, len,
                                            vmstate_smmuv3_accel_device_failed,
                                            SMMUv3AccelCprDevice),
        VMSTATE_END_OF_LIST(),
    },
};

static bool smmuv3_accel_cpr_offer_needed(void *opaque)
{
    SMMUv3AccelCpr *cpr = opaque;

    return cpr->other_offer;
}

/* Limit of the ID registers, if the devices of the new QEMU do not show it */
static const VMStateDescription vmstate_smmuv3_accel_offer = {
    .name = "smmuv3-accel/offer",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = smmuv3_accel_cpr_offer_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(other_offer, SMMUv3AccelCpr),
        VMSTATE_BOOL(limited, SMMUv3AccelCpr),
        VMSTATE_UINT32_ARRAY(limit_idr.reg, SMMUv3AccelCpr, 6),
        VMSTATE_END_OF_LIST(),
    },
};

static bool smmuv3_accel_cpr_stall_needed(void *opaque)
{
    SMMUv3AccelCpr *cpr = opaque;

    return cpr->stall_mode != SMMUV3_STALL_OFF;
}

/*
 * The stall model that the guest knows. A QEMU that has none would never answer
 * for a device that waits: it does not know this subsection, and refuses.
 */
static const VMStateDescription vmstate_smmuv3_accel_stall = {
    .name = "smmuv3-accel/stall",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = smmuv3_accel_cpr_stall_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(stall_mode, SMMUv3AccelCpr),
        VMSTATE_UINT32(faultq_id, SMMUv3AccelCpr),
        VMSTATE_UINT16(last_stag, SMMUv3AccelCpr),
        VMSTATE_STRUCT_VARRAY_POINTER_INT32(devices, SMMUv3AccelCpr, len,
                                            vmstate_smmuv3_accel_device_stall,
                                            SMMUv3AccelCprDevice),
        VMSTATE_END_OF_LIST(),
    },
};

static const VMStateDescription vmstate_smmuv3_accel = {
    .name = "smmuv3-accel",
    .version_id = 1,
    .minimum_version_id = 1,
    .priority = MIG_PRI_IOMMU,
    .needed = cpr_incoming_needed,
    .pre_save = smmuv3_accel_cpr_pre_save,
    .pre_load = smmuv3_accel_cpr_pre_load,
    .post_load = smmuv3_accel_cpr_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(viommu_id, SMMUv3AccelCpr),
        VMSTATE_UINT32(abort_hwpt_id, SMMUv3AccelCpr),
        VMSTATE_UINT32(bypass_hwpt_id, SMMUv3AccelCpr),
        VMSTATE_BOOL(stale, SMMUv3AccelCpr),
        VMSTATE_INT32(len, SMMUv3AccelCpr),
        VMSTATE_VALIDATE("number of devices", smmuv3_accel_cpr_len_valid),
        VMSTATE_STRUCT_VARRAY_ALLOC(devices, SMMUv3AccelCpr, len, 1,
                                    vmstate_smmuv3_accel_device,
                                    SMMUv3AccelCprDevice),
        VMSTATE_END_OF_LIST(),
    },
    .subsections = (const VMStateDescription *const []) {
        &vmstate_smmuv3_accel_owed,
        &vmstate_smmuv3_accel_offer,
        &vmstate_smmuv3_accel_failed,
        &vmstate_smmuv3_accel_stall,
        NULL
    },
};

static SMMUv3AccelCprDevice *find_device(const SMMUv3AccelCpr *cpr,
                                         uint32_t devid)
{
    for (int i = 0; i < cpr->len; i++) {
        if (cpr->devices[i].devid == devid) {
            return &cpr->devices[i];
        }
    }
    return NULL;
}

static void smmuv3_accel_cpr_start_events(SMMUv3AccelState *a)
{
    Error *err = NULL;

    if (!smmuv3_accel_events_start(a->smmu, a->be, a->viommu_id, &a->events,
                                   &err)) {
        error_reportf_err(err, "arm-smmuv3: the guest sees no events of the"
                          " host SMMUv3 from now on: ");
    }
}

/* Take over a device from its state @d, or NULL if there is none */
static void smmuv3_accel_cpr_adopt_device(SMMUv3AccelState *a,
                                          SMMUv3AccelDevice *adev,
                                          SMMUv3AccelCprDevice *d)
{
    /* The numbers of the buses were loaded after the devices came */
    smmuv3_accel_sid_update(a, adev);
    if (d) {
        d->host.faultq_id = a->cpr.stall_mode != SMMUV3_STALL_OFF ?
                            d->faultq_id : NO_ID;
        smmuv3_accel_adopt(a, adev, &d->host);
        d->host.vdevice_id = NO_ID;
        if (a->cpr.owed) {
            adev->event.type = d->event_type;
            adev->event.sid = d->event_sid;
        }
    }
    if (d && a->cpr.failed && d->atc_stale) {
        adev->failure = g_strdup("its ATC could not be invalidated by the QEMU"
                                 " that was here before");
        smmuv3_accel_set_stopped(a, adev, STOP_ATC);
    }
}

/* A device whose ATC could not be invalidated waits for its guest to name it */
static void smmuv3_accel_cpr_mark(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                                  const SMMUv3AccelCprDevice *d)
{
    bool named = d && a->cpr.owed && d->named;

    if (named || adev->stopped != STOP_ATC) {
        smmuv3_accel_mark(a, adev, named);
    }
}

void smmuv3_accel_cpr_adopt(SMMUv3AccelState *a)
{
    SMMUv3AccelCpr *cpr = &a->cpr;
    GHashTableIter iter;
    gpointer value;

    if (!cpr->adopting || cpr->viommu_id == NO_ID) {
        return;
    }
    a->acknowledged = FIELD_EX32(a->smmu->cr0ack, CR0, SMMU_ENABLE);
    a->viommu_id = cpr->viommu_id;
    a->abort_hwpt_id = cpr->abort_hwpt_id;
    a->bypass_hwpt_id = cpr->bypass_hwpt_id;
    smmuv3_accel_new_cmdq(a);
    if (cpr->stale) {
        smmuv3_accel_cmdq_set_stale(a->cmdq);
    }
    g_hash_table_iter_init(&iter, a->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        SMMUv3AccelDevice *adev = value;

        smmuv3_accel_cpr_adopt_device(a, adev,
                                      find_device(cpr, adev->idev->devid));
    }
    if (cpr->stale) {
        smmuv3_accel_cmdq_submit(a->cmdq, NULL);
    }
    g_hash_table_iter_init(&iter, a->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        SMMUv3AccelDevice *adev = value;

        smmuv3_accel_cpr_mark(a, adev, find_device(cpr, adev->idev->devid));
    }
    for (int i = 0; i < cpr->len; i++) {
        if (cpr->devices[i].host.vdevice_id != NO_ID) {
            g_array_append_val(a->doomed, cpr->devices[i].host.vdevice_id);
            smmuv3_accel_retry_start_timer(a);
        }
    }
    a->tlbi_again = cpr->tlbi_again;
    a->retry.guest_told = cpr->guest_told;
    smmuv3_accel_cpr_start_events(a);
    smmuv3_accel_stall_adopt(a, cpr->faultq_id, cpr->last_stag);
    for (int i = 0; i < cpr->len; i++) {
        if (cpr->stall_mode != SMMUV3_STALL_OFF && cpr->devices[i].faults_end) {
            smmuv3_accel_faults_drain(a->faults, cpr->devices[i].devid);
        }
    }
    smmuv3_accel_apply_marked(a->smmu, true);
    smmuv3_accel_new_attempt(a);
    smmuv3_accel_acknowledge(a);
    g_clear_pointer(&cpr->devices, g_free);
    cpr->len = 0;
    cpr->viommu_id = NO_ID;
    cpr->adopting = false;
}

static void smmuv3_accel_cpr_vm_state(void *opaque, bool running,
                                      RunState state)
{
    SMMUv3AccelState *a = opaque;

    /* They may have been loaded, and are as before if not */
    a->enabled = smmu_enabled(a->smmu);
    a->acknowledged = FIELD_EX32(a->smmu->cr0ack, CR0, SMMU_ENABLE);
    smmuv3_accel_slice_run_state(&a->slice, running);
    if (!running) {
        return;
    }
    if (a->cpr.handed_over) {
        a->cpr.handed_over = false;
        /* A vIOMMU made since then has a vEVENTQ already */
        if (a->be && !a->events) {
            smmuv3_accel_cpr_start_events(a);
        }
        smmuv3_accel_stall_resume(a);
    }
    smmuv3_accel_cpr_adopt(a);
    if (a->cpr.adopting && g_hash_table_size(a->devices)) {
        error_report("arm-smmuv3: the incoming state does not say what the"
                     " host has for the devices behind accel=on");
        exit(EXIT_FAILURE);
    }
    a->cpr.adopting = false;
    /* What the guest waits for may have been unplugged in the meantime */
    smmuv3_accel_acknowledge(a);
}

bool smmuv3_accel_pre_load(void *opaque, Error **errp)
{
    SMMUv3State *s = opaque;

    /* MIG_PRI_IOMMU goes by realize: what is ours comes ahead of the device */
    if (!s->accel || (cpr_is_incoming() && s->accel_state->cpr.loaded)) {
        return true;
    }
    error_setg(errp, "arm-smmuv3: accel=on takes a guest over by mode"
               " cpr-transfer or cpr-exec only, and from a QEMU whose SMMUv3"
               " has accel=on: a stream does not say what its devices may do;"
               " use accel=off, or start the guest anew");
    return false;
}

bool smmuv3_accel_cpr_init(SMMUv3AccelState *a, Error **errp)
{
    SMMUv3AccelCpr *cpr = &a->cpr;

    error_setg(&cpr->blocker, "arm-smmuv3 with accel=on cannot be migrated: its"
               " translations live in the host SMMUv3");
    if (migrate_add_blocker_modes(&cpr->blocker, BIT(MIG_MODE_NORMAL) |
                                  BIT(MIG_MODE_CPR_REBOOT), errp) < 0) {
        return false;
    }
    cpr->adopting = cpr_is_incoming();
    vmstate_register_any(VMSTATE_IF(a->smmu), &vmstate_smmuv3_accel, cpr);
    cpr->state = qemu_add_vm_change_state_handler(smmuv3_accel_cpr_vm_state, a);
    return true;
}

void smmuv3_accel_cpr_exit(SMMUv3AccelState *a)
{
    qemu_del_vm_change_state_handler(a->cpr.state);
    vmstate_unregister(VMSTATE_IF(a->smmu), &vmstate_smmuv3_accel, &a->cpr);
    migrate_del_blocker(&a->cpr.blocker);
}
