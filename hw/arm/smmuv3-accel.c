/*
 * Accelerated arm-smmuv3: stage 1 of the guest runs in the host SMMUv3
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*
 * A passed-through device reaches guest RAM through a second stage that VFIO
 * keeps, the nesting parent. On top of it the device is always attached to one
 * of three nested HWPTs: abort, bypass, or one made from its guest STE.
 * CR0.SMMUEN, GBPA and the stream table decide between them, and are read again
 * whenever the guest says that one of them has changed. If the host refuses the
 * HWPT, the device is attached to abort.
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/iommu.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pci_bus_number.h"
#include "system/runstate.h"
#include "smmuv3-accel-stall.h"
#include "smmuv3-accel-vdevice.h"
#include "smmuv3-msi.h"
#include "smmuv3-fields.h"
#include "smmuv3-ssid.h"

/* The STE that the guest asks for */

/*
 * Decode an STE (SMMUv3 IHI0070, 5.2 and 5.5).
 *
 * The emulation decides what is legal and what it means, since it translates
 * the interrupts of the same devices. The architecture records an event when a
 * transaction meets a bad STE. The host has an abort STE there and records
 * nothing, so the event is recorded here, when the STE is read. An STE with V
 * clear is the initial state of every device and makes no event.
 *
 * Returns: false if the STE is illegal.
 */
static bool smmuv3_accel_decode_ste(SMMUv3State *s,
                                    const SMMUv3AccelDevice *adev, STE *ste,
                                    SMMUv3AccelSte *out)
{
    uint64_t mask0 = STE0_V | STE0_CONFIG | STE0_S1CTXPTR;
    uint64_t mask1 = STE1_S1CIR | STE1_S1COR | STE1_S1CSH;
    SMMUEventInfo event = { .inval_ste_allowed = true };
    SMMUTransCfg cfg = { .aborted = false };

    *out = (SMMUv3AccelSte) { .mode = ACCEL_ABORT };
    if (!STE_VALID(ste)) {
        return true;
    }
    if (smmuv3_decode_ste(s, &cfg, ste, &event)) {
        return false;
    }
    if (cfg.aborted) {
        return true;
    }
    if (cfg.bypassed) {
        out->mode = ACCEL_BYPASS;
        return true;
    }
    if (STE_S1CDMAX(ste)) {
        mask0 |= STE0_S1FMT | STE0_S1CDMAX;
        mask1 |= STE1_S1DSS;
    }
    /* Without IDR0.ATS the field is reserved */
    if (FIELD_EX32(s->idr[0], IDR0, ATS)) {
        mask1 |= STE1_EATS;
    }

    out->mode = ACCEL_TRANSLATE;
    out->dword[0] = SMMU_DWORD(ste, 0) & mask0;
    out->dword[1] = SMMU_DWORD(ste, 1) & mask1;
    out->dword[1] |= smmuv3_accel_stall_bits(s->accel_state, adev,
                                             SMMU_DWORD(ste, 1));
    return true;
}

/*
 * Read the STE that the guest's registers and tables have for a device, and
 * find the event to record for it. @named: a CMD_CFGI_STE named the StreamID of
 * the device.
 */
static void smmuv3_accel_read_ste(SMMUv3State *s, SMMUv3AccelDevice *adev,
                                  bool named, SMMUv3AccelSte *wanted,
                                  SMMUEventInfo *event)
{
    uint32_t sid = smmuv3_accel_sid(adev);
    STE ste;

    *wanted = (SMMUv3AccelSte) { .mode = ACCEL_ABORT };
    *event = (SMMUEventInfo) { .sid = sid, .inval_ste_allowed = true };
    if (!smmu_enabled(s)) {
        if (!FIELD_EX32(s->gbpa, GBPA, ABORT)) {
            wanted->mode = ACCEL_BYPASS;
        }
    } else if (smmuv3_accel_has_sid(adev)) {
        if (smmu_find_ste(s, sid, &ste, event)) {
            /* A device whose StreamID is not in the table yet is no error */
            if (event->type == SMMU_EVT_C_BAD_STREAMID &&
                !(named && (s->cr[2] & CR2_RECINVSID))) {
                event->type = SMMU_EVT_NONE;
            }
        } else if (!smmuv3_accel_decode_ste(s, adev, &ste, wanted)) {
            event->type = SMMU_EVT_C_BAD_STE;
        } else if (adev->no_ats) {
            wanted->dword[1] &= ~STE1_EATS;
        }
    }
}

/*
 * Record an event, once. This is the last step of each change: the guest may
 * see the event and act at once.
 */
static void smmuv3_accel_record_event(SMMUv3State *s, SMMUv3AccelDevice *adev,
                                      SMMUEventInfo *event)
{
    if (adev->event.type == event->type && adev->event.sid == event->sid) {
        return;
    }
    adev->event = *event;
    smmuv3_record_event(s, event);
}

/*
 * The event for an STE that the host has refused with @err: it says that the
 * STE is not one that it has, or it could not do what it asks for now, which
 * comes next to an STE that cannot be fetched.
 */
static void smmuv3_accel_refused(SMMUEventInfo *event, int err)
{
    if (err == EIO || err == EINVAL) {
        event->type = SMMU_EVT_C_BAD_STE;
    } else {
        event->type = SMMU_EVT_F_STE_FETCH;
        event->u.f_ste_fetch.addr = event->ste_addr;
    }
}

/* The STE is installed, as far as the device goes on with it */
static void smmuv3_accel_installed(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                                   const SMMUv3AccelSte *wanted)
{
    SMMUv3AccelStop why = STOP_NONE;

    adev->attempt = a->retry.attempt;
    if (adev->host.ste.mode != wanted->mode) {
        /* Its ATC could not be invalidated on the way */
        return;
    }
    /* Others may have its StreamID, and nothing but the guest ends that */
    if (adev->host.ste.mode == ACCEL_BYPASS && smmu_enabled(a->smmu) &&
        adev->host.vdevice_id == NO_ID &&
        smmuv3_accel_find(a, smmuv3_accel_sid(adev)) == adev &&
        !QLIST_NEXT(adev, same_sid)) {
        why = STOP_NO_VDEVICE;
    }
    smmuv3_accel_set_stopped(a, adev, why);
    if (adev->atc_failed && smmuv3_accel_does_ats(&adev->host.ste)) {
        /* Ahead of the next one that waits: one failure is enough for both */
        smmuv3_accel_cmdq_suspect(a->cmdq, adev->host.vsid);
    }
}

/*
 * Tell whether a device must not have ATS now. What was gathered comes first:
 * it may need the ATS that the device has, and shows whether that is in vain.
 */
static bool smmuv3_accel_must_wait(SMMUv3AccelState *a, SMMUv3AccelDevice *adev)
{
    bool had_ats = smmuv3_accel_does_ats(&adev->host.ste);

    smmuv3_accel_cmdq_submit(a->cmdq, NULL);
    return (had_ats && !smmuv3_accel_does_ats(&adev->host.ste)) ||
           smmuv3_accel_atc_waits(a, adev);
}

void smmuv3_accel_apply(SMMUv3State *s, SMMUv3AccelDevice *adev, bool named)
{
    SMMUv3AccelState *a = s->accel_state;
    SMMUv3AccelSte wanted;
    SMMUEventInfo event;
    Error *err = NULL;

    smmuv3_accel_read_ste(s, adev, named, &wanted, &event);
    if (smmuv3_accel_does_ats(&wanted) &&
        smmuv3_accel_must_wait(a, adev)) {
        error_setg(&err, "its ATC could not be invalidated again and again; it"
                   " goes on after a time");
        if (!smmuv3_accel_stop(a, adev, STOP_ATC_WAITS, err)) {
            /* To be tried again before the time is over */
            smmuv3_accel_set_stopped(a, adev, STOP_REFUSED);
        }
    } else if (smmuv3_accel_install(s, adev, &wanted, event.sid, &err)) {
        smmuv3_accel_installed(a, adev, &wanted);
    } else {
        int refused = errno;

        adev->attempt = a->retry.attempt;
        if (smmuv3_accel_cmdq_stale(a->cmdq)) {
            smmuv3_accel_stop(a, adev, STOP_CACHES, err);
        } else {
            smmuv3_accel_stop(a, adev, STOP_REFUSED, err);
            if (refused && smmu_enabled(s) && wanted.mode != ACCEL_ABORT) {
                smmuv3_accel_refused(&event, refused);
            }
        }
    }
    smmuv3_accel_record_event(s, adev, &event);
}

/* Called by smmuv3.c and for PCI bus number changes */

/*
 * Go on with the devices that CR0 and GBPA have yet to reach. The last one ends
 * it, whatever it was that reached it.
 */
static void smmuv3_accel_follow_registers(SMMUv3State *s, bool now)
{
    SMMUv3AccelState *a = s->accel_state;
    GHashTableIter iter;
    gpointer value;

    a->registers_due = !smmuv3_accel_apply_marked(s, now);
    if (!a->registers_due) {
        smmuv3_accel_new_attempt(a);
        if (!smmu_enabled(s)) {
            /* The kernel has ended those of devices that left their HWPTs */
            g_hash_table_iter_init(&iter, a->devices);
            while (g_hash_table_iter_next(&iter, NULL, &value)) {
                smmuv3_accel_stall_drain(a, value);
            }
        }
    }
    smmuv3_accel_slice_end(&a->slice);
    smmuv3_accel_acknowledge(a);
}

/*
 * The next slice. It takes no command before CR0 and GBPA have reached all
 * devices: the guest sent it for what they say now.
 */
static void smmuv3_accel_run_slice(SMMUv3State *s)
{
    if (s->accel_state->registers_due) {
        smmuv3_accel_follow_registers(s, false);
    }
    smmuv3_cmdq_consume(s);
    if (!smmuv3_cmdq_enabled(s)) {
        /* Nobody else goes on with what a timer began */
        smmuv3_accel_flush(s);
    }
}

static void smmuv3_accel_apply_registers(SMMUv3State *s, bool now)
{
    SMMUv3AccelState *a = s->accel_state;

    if (a->cpr.adopting) {
        return;
    }
    if (a->enabled != smmu_enabled(s)) {
        a->enabled = smmu_enabled(s);
        /* Also where the guest takes back what was not acknowledged yet */
        a->acknowledged = !a->enabled;
    }
    g_clear_pointer(&a->stopping, error_free);
    smmuv3_accel_new_attempt(a);
    smmuv3_accel_mark_all(a);
    smmuv3_accel_follow_registers(s, now);
}

void smmuv3_accel_registers_written(SMMUv3State *s)
{
    if (s->accel) {
        smmuv3_accel_apply_registers(s, false);
    }
}

/* A device that shares a StreamID may wait for another one to give it up */
static void smmuv3_accel_sid_given_up(SMMUv3State *s, uint32_t sid)
{
    SMMUv3AccelState *a = s->accel_state;
    SMMUv3AccelDevice *adev = smmuv3_accel_find(a, sid);

    if (adev && !g_hash_table_contains(a->vsids, GUINT_TO_POINTER(sid))) {
        smmuv3_accel_apply(s, adev, false);
    }
}

static void smmuv3_accel_renumber(PCIBus *bus, PCIDevice *pdev, void *opaque)
{
    SMMUv3AccelState *a = opaque;
    SMMUv3AccelDevice *adev = g_hash_table_lookup(a->devices, pdev);
    uint32_t vsid;

    if (adev && smmuv3_accel_sid_update(a, adev) && !a->cpr.adopting) {
        bool had_vsid = adev->host.vdevice_id != NO_ID;

        vsid = adev->host.vsid;
        smmuv3_accel_apply(a->smmu, adev, false);
        if (had_vsid) {
            smmuv3_accel_sid_given_up(a->smmu, vsid);
        }
    }
}

/* Devices further down have StreamIDs by the numbers of their own buses */
static void smmuv3_accel_renumbered(Notifier *n, void *bridge)
{
    SMMUv3AccelState *a = container_of(n, SMMUv3AccelState, bus_numbers);

    smmuv3_accel_new_attempt(a);
    pci_for_each_device_under_bus(pci_bridge_get_sec_bus(PCI_BRIDGE(bridge)),
                                  smmuv3_accel_renumber, a);
    smmuv3_accel_new_attempt(a);
    smmuv3_accel_acknowledge(a);
}

void smmuv3_accel_reset(SMMUv3State *s)
{
    SMMUv3AccelState *a = s->accel_state;
    GHashTableIter iter;
    gpointer value;

    if (!s->accel) {
        return;
    }
    smmuv3_accel_slice_reset(&a->slice);
    smmuv3_accel_force_attempt(a);
    /* All at once: what resets the machine goes by that */
    smmuv3_accel_apply_registers(s, true);
    /*
     * The guest starts anew and must not see older events. They are dropped
     * here because the reset registers have the event queue disabled.
     */
    smmuv3_accel_events_drain(a->events);
    g_hash_table_iter_init(&iter, a->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        SMMUv3AccelDevice *adev = value;

        adev->event = (SMMUEventInfo) { .type = SMMU_EVT_NONE };
        adev->reported = false;
    }
}

void smmuv3_accel_init_regs(SMMUv3State *s)
{
    if (!s->accel) {
        return;
    }
    smmuv3_accel_caps_set_idr(s, s->accel_state->limited ?
                               &s->accel_state->limit_idr : NULL);
    smmuv3_msi_reset(s);
}

void smmuv3_accel_unbind(SMMUv3State *s, PCIDevice *pdev)
{
    SMMUv3AccelState *a = s->accel_state;
    SMMUv3AccelDevice *adev = g_hash_table_lookup(a->devices, pdev);
    uint32_t vsid;
    bool had_vsid;

    if (!adev) {
        return;
    }
    smmuv3_accel_cpr_adopt(a);
    had_vsid = adev->host.vdevice_id != NO_ID;
    vsid = adev->host.vsid;
    smmuv3_accel_unmark(a, adev);
    smmuv3_accel_set_stopped(a, adev, STOP_NONE);
    a->retry.atcs_failed -= adev->atc_failed;
    /* Until then it is another process that has the device attached */
    if (!a->cpr.adopting) {
        smmuv3_accel_release(a, adev);
    }
    g_hash_table_remove(a->devices, pdev);
    smmuv3_accel_sid_forget(a, adev);
    object_unref(adev->idev);
    g_free(adev);
    if (!g_hash_table_size(a->devices)) {
        smmuv3_accel_free_viommu(a);
    } else if (had_vsid) {
        smmuv3_accel_sid_given_up(s, vsid);
        smmuv3_accel_new_attempt(a);
    }
    if (runstate_is_running()) {
        smmuv3_accel_acknowledge(a);
    }
}

bool smmuv3_accel_bind(SMMUv3State *s, PCIDevice *pdev, HostIOMMUDevice *hiod,
                       Error **errp)
{
    ERRP_GUARD();
    SMMUv3AccelState *a = s->accel_state;
    HostIOMMUDeviceIOMMUFD *idev = (HostIOMMUDeviceIOMMUFD *)
        object_dynamic_cast(OBJECT(hiod), TYPE_HOST_IOMMU_DEVICE_IOMMUFD);
    SMMUv3AccelDevice *adev;
    SMMUv3AccelSte wanted;
    SMMUv3AccelIdr host;
    SMMUEventInfo event;
    bool first = !g_hash_table_size(a->devices);
    g_autofree char *ats = NULL;

    smmuv3_accel_cpr_adopt(a);
    if (!idev) {
        error_setg(errp, "arm-smmuv3: accel=on needs a device with an iommufd,"
                   " %s has none", hiod->name);
        return false;
    }
    if (hiod->caps.type != IOMMU_HW_INFO_TYPE_ARM_SMMUV3) {
        error_setg(errp, "arm-smmuv3: accel=on needs %s behind an SMMUv3 on the"
                   " host (type %d), its IOMMU has type %u", hiod->name,
                   IOMMU_HW_INFO_TYPE_ARM_SMMUV3, hiod->caps.type);
        error_append_hint(errp, "Use accel=off on this host.\n");
        return false;
    }
    if (!smmuv3_accel_check_host(s, pdev, idev, errp)) {
        return false;
    }

    smmuv3_accel_caps_read(&hiod->caps.vendor_caps.smmuv3, &host);
    if (!a->limited && !phase_check(PHASE_MACHINE_READY)) {
        a->limit_idr = host;
        a->limited = true;
        a->limited_by = g_strdup(smmuv3_accel_dev_name(pdev));
        smmuv3_accel_caps_resolve_ssidsize(s, &a->limit_idr);
        /* From the start: they are less than the host has, so far */
        smmuv3_init_regs(s);
    }
    smmuv3_accel_stall_follow(s, &host);
    if (!smmuv3_accel_caps_check(s, &host, hiod->name, errp)) {
        return false;
    }
    if (first) {
        a->host_idr = host;
        a->repeat_tlbi = hiod->caps.vendor_caps.smmuv3.flags &
                         HW_INFO_REPEAT_TLBI_CFGI;
        a->be = idev->iommufd;
        a->parent_hwpt_id = idev->hwpt_id;
        if (!a->cpr.adopting && !smmuv3_accel_alloc_viommu(s, idev, errp)) {
            return false;
        }
    }

    adev = g_new0(SMMUv3AccelDevice, 1);
    adev->pdev = pdev;
    adev->idev = idev;
    /* A guest can write EATS for a device whose ATS is hidden from it */
    ats = object_property_get_str(OBJECT(pdev), "ats", NULL);
    adev->no_ats = (hiod->caps.hw_caps & HOST_IOMMU_ATS_NOT_SUPPORTED) ||
                   !g_strcmp0(ats, "off");
    object_ref(idev);
    g_hash_table_insert(a->devices, pdev, adev);
    smmuv3_accel_sid_update(a, adev);
    /* With a StreamID, since some hosts attach no device without */
    if ((!a->cpr.adopting && !smmuv3_accel_check_vdevice(a, adev, errp)) ||
        !smmuv3_accel_stall_bind(a, adev, errp)) {
        smmuv3_accel_unbind(s, pdev);
        return false;
    }
    if (a->cpr.adopting) {
        return true;
    }
    smmuv3_accel_force_attempt(a);
    smmuv3_accel_read_ste(s, adev, false, &wanted, &event);
    if (!smmuv3_accel_install(s, adev, &wanted, event.sid, errp)) {
        smmuv3_accel_unbind(s, pdev);
        return false;
    }
    smmuv3_accel_installed(a, adev, &wanted);
    smmuv3_accel_record_event(s, adev, &event);
    return true;
}

bool smmuv3_accel_realize(SMMUv3State *s, Error **errp)
{
    SMMUv3AccelState *a;

    if (!s->accel) {
        return true;
    }
    if (s->stage && strcmp(s->stage, "1")) {
        error_setg(errp, "arm-smmuv3: accel=on offers stage 1 only, stage=%s"
                   " does not go with it: leave out stage", s->stage);
        return false;
    }
    a = g_new0(SMMUv3AccelState, 1);
    a->smmu = s;
    if (!smmuv3_accel_cpr_init(a, errp)) {
        g_free(a);
        return false;
    }
    a->devices = g_hash_table_new(NULL, NULL);
    a->by_sid = smmuv3_accel_sids_new();
    a->vsids = g_hash_table_new(NULL, NULL);
    a->doomed = g_array_new(false, false, sizeof(uint32_t));
    QTAILQ_INIT(&a->marked);
    s->accel_state = a;

    /* A device is checked against the ID registers before the first reset */
    smmuv3_init_regs(s);
    if (!smmuv3_accel_take_bus(s, errp)) {
        s->accel_state = NULL;
        smmuv3_accel_cpr_exit(a);
        g_hash_table_unref(a->devices);
        g_hash_table_unref(a->by_sid);
        g_hash_table_unref(a->vsids);
        g_array_unref(a->doomed);
        g_free(a);
        return false;
    }
    smmuv3_accel_cmdq_add_properties(OBJECT(s), &a->inval);
    smmuv3_accel_slice_init(&a->slice, s, smmuv3_accel_run_slice);
    smmuv3_accel_retry_init(a);
    smmuv3_accel_sva_init(a);
    a->bus_numbers.notify = smmuv3_accel_renumbered;
    pci_bus_number_add_notifier(&a->bus_numbers);
    return true;
}
