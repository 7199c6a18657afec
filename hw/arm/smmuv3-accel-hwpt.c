/*
 * Accelerated arm-smmuv3: host objects and device attachment
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/error-report.h"
#include "system/iommufd_viommu.h"
#include "smmuv3-accel-stall.h"
#include "smmuv3-accel-vdevice.h"
#include "smmuv3-fields.h"
#include "trace.h"

/* Objects that the host does not free, beyond which no HWPT is made */
#define MOST_DOOMED 64

/* The vIOMMU and the objects that all devices share */

static bool smmuv3_accel_alloc_nested(SMMUv3AccelState *a, uint32_t dev_id,
                                      uint64_t dword0, uint64_t dword1,
                                      uint32_t faultq_id, uint32_t *hwpt_id,
                                      Error **errp)
{
    struct iommu_hwpt_arm_smmuv3 data = {
        .ste = { cpu_to_le64(dword0), cpu_to_le64(dword1) },
    };

    if (faultq_id != NO_ID) {
        return iommufd_backend_alloc_hwpt_faultq(a->be, dev_id, a->viommu_id,
                                                 faultq_id,
                                                 IOMMU_HWPT_DATA_ARM_SMMUV3,
                                                 sizeof(data), &data, hwpt_id,
                                                 errp);
    }
    return iommufd_backend_alloc_hwpt(a->be, dev_id, a->viommu_id, 0,
                                      IOMMU_HWPT_DATA_ARM_SMMUV3, sizeof(data),
                                      &data, hwpt_id, errp);
}

static void smmuv3_accel_free_id(SMMUv3AccelState *a, uint32_t *id)
{
    if (*id != NO_ID) {
        iommufd_backend_free_id(a->be, *id);
        *id = NO_ID;
    }
}

void smmuv3_accel_doom(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                       uint32_t *id)
{
    Error *err = NULL;

    if (*id != NO_ID && !iommufd_backend_try_free_id(a->be, *id, &err)) {
        if (!a->doomed->len) {
            error_reportf_err(err, "arm-smmuv3: an object of %s stays on the"
                              " host for now: ",
                              smmuv3_accel_dev_name(adev->pdev));
        } else {
            /* A guest can repeat this at will */
            error_free(err);
        }
        g_array_append_val(a->doomed, *id);
        smmuv3_accel_retry_start_timer(a);
    }
    *id = NO_ID;
}

/* A vDEVICE that was not freed keeps its StreamID, and its device, taken */
void smmuv3_accel_free_doomed(SMMUv3AccelState *a)
{
    for (guint i = a->doomed->len; i > 0; i--) {
        uint32_t id = g_array_index(a->doomed, uint32_t, i - 1);

        if (iommufd_backend_try_free_id(a->be, id, NULL)) {
            g_array_remove_index_fast(a->doomed, i - 1);
        }
    }
}

void smmuv3_accel_free_viommu(SMMUv3AccelState *a)
{
    smmuv3_accel_free_doomed(a);
    g_array_set_size(a->doomed, 0);
    smmuv3_accel_events_stop(a->events);
    a->events = NULL;
    smmuv3_accel_cmdq_free(a->cmdq);
    a->cmdq = NULL;
    smmuv3_accel_free_id(a, &a->bypass_hwpt_id);
    smmuv3_accel_free_id(a, &a->abort_hwpt_id);
    smmuv3_accel_free_id(a, &a->viommu_id);
    smmuv3_accel_faults_stop(a->faults);
    a->faults = NULL;
    a->faults_used = false;
    a->be = NULL;
    /* A pass that was under way ends with the last device that it was for */
    g_clear_pointer(&a->stopping, error_free);
    a->tlbi_waits = false;
    a->tlbi_again = false;
    a->retry.guest_told = false;
}

/* A stopped device has ATS disabled, and what is in its ATC reaches nothing */
static bool smmuv3_accel_atc_failed(void *opaque, uint32_t vsid, Error *err)
{
    SMMUv3AccelState *a = opaque;
    SMMUv3AccelDevice *adev = smmuv3_accel_vsid_owner(a, vsid);

    if (!adev) {
        error_free(err);
        return true;
    }
    smmuv3_accel_atc_backoff(a, adev);
    error_prepend(&err, "its ATC could not be invalidated; it goes on when the"
                  " guest changes its STE, or is reset: ");
    if (smmuv3_accel_stop(a, adev, STOP_ATC, err)) {
        return true;
    }
    /* The caller makes the host caches stale, and this ends with that */
    smmuv3_accel_set_stopped(a, adev, STOP_CACHES);
    return false;
}

void smmuv3_accel_new_cmdq(SMMUv3AccelState *a)
{
    a->cmdq = smmuv3_accel_cmdq_new(a->smmu, a->be, a->viommu_id,
                                    a->repeat_tlbi, a->vsids, &a->inval,
                                    &a->slice, smmuv3_accel_atc_failed,
                                    smmuv3_accel_atc_answered, a);
    a->retry.failures = 0;
}

bool smmuv3_accel_alloc_viommu(SMMUv3State *s, HostIOMMUDeviceIOMMUFD *idev,
                               Error **errp)
{
    ERRP_GUARD();
    SMMUv3AccelState *a = s->accel_state;

    if (!iommufd_backend_alloc_viommu(a->be, idev->devid,
                                      IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
                                      a->parent_hwpt_id, &a->viommu_id, errp)) {
        error_append_hint(errp, "The host needs Linux 6.13 or later, and an"
                          " SMMUv3 with both stages and either forced"
                          " write-back or a fully coherent root complex.\n");
        goto fail;
    }
    if (!smmuv3_accel_alloc_nested(a, idev->devid,
                                   STE0_V | STE_CONFIG_ABORT << 1, 0, NO_ID,
                                   &a->abort_hwpt_id, errp) ||
        !smmuv3_accel_alloc_nested(a, idev->devid,
                                   STE0_V | STE_CONFIG_BYPASS << 1, 0, NO_ID,
                                   &a->bypass_hwpt_id, errp) ||
        !smmuv3_accel_events_start(s, a->be, a->viommu_id, &a->events, errp)) {
        goto fail;
    }
    smmuv3_accel_new_cmdq(a);
    return true;

fail:
    smmuv3_accel_free_viommu(a);
    return false;
}

/* The HWPT that a device is attached to */

static void smmuv3_accel_set_ste(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                                 const SMMUv3AccelSte *ste)
{
    adev->host.ste = *ste;
    smmuv3_accel_note_ats(a, adev);
    /* The device may have filled the TLB by its old STE until now */
    a->tlbi_again |= a->tlbi_waits;
}

void smmuv3_accel_adopt(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                        const SMMUv3AccelAttachment *host)
{
    adev->host = *host;
    smmuv3_accel_set_ste(a, adev, &host->ste);
}

/* The kernel has answered the page requests of a device that left its HWPT */
static void smmuv3_accel_left(SMMUv3AccelState *a, SMMUv3AccelDevice *adev)
{
    if (adev->host.faultq_id != NO_ID) {
        adev->host.faultq_id = NO_ID;
        smmuv3_accel_faults_left(a->faults, adev->idev->devid);
    }
}

/*
 * Linux 6.15 to 6.18 knows no nested HWPT, bypass or abort either, that does
 * without a vDEVICE, and a device without StreamID cannot have one.
 */
static void smmuv3_accel_explain_attach(const SMMUv3AccelDevice *adev, int err,
                                        Error **errp)
{
    if (err == ENOENT && adev->host.vdevice_id == NO_ID) {
        error_prepend(errp, "the host's Linux attaches %s to nested bypass only"
                      " once it has a StreamID, which a device behind a port"
                      " gets from the guest; Linux 7.2 is known to do without:"
                      " use Linux 7.2 or later on the host, or put the device"
                      " on the root bus: ", smmuv3_accel_dev_name(adev->pdev));
    }
}

static bool smmuv3_accel_attach(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                                const SMMUv3AccelSte *ste, uint32_t hwpt_id,
                                Error **errp)
{
    ERRP_GUARD();
    int err;

    smmuv3_accel_slice_spend(&a->slice, SLICE_WORK_CALL);
    smmuv3_accel_faults_flush(a->faults);
    if (!host_iommu_device_iommufd_attach_hwpt(adev->idev, hwpt_id, errp)) {
        err = errno;
        smmuv3_accel_explain_attach(adev, err, errp);
        errno = err;
        return false;
    }
    smmuv3_accel_left(a, adev);
    /* The old HWPT is freed last, so that the device always has one */
    smmuv3_accel_doom(a, adev, &adev->host.s1_hwpt_id);
    smmuv3_accel_set_ste(a, adev, ste);
    trace_smmuv3_accel_attach(smmuv3_accel_dev_name(adev->pdev), ste->mode,
                              hwpt_id);
    return true;
}

static bool smmuv3_accel_abort(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                               Error **errp)
{
    const SMMUv3AccelSte ste = { .mode = ACCEL_ABORT };

    return adev->host.ste.mode == ACCEL_ABORT ||
           smmuv3_accel_attach(a, adev, &ste, a->abort_hwpt_id, errp);
}

/* Attach to nothing at all: VFIO then blocks the device */
static bool smmuv3_accel_block(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                               Error **errp)
{
    const SMMUv3AccelSte ste = { .mode = ACCEL_BLOCKED };

    if (adev->host.ste.mode == ACCEL_BLOCKED) {
        return true;
    }
    smmuv3_accel_slice_spend(&a->slice, SLICE_WORK_CALL);
    smmuv3_accel_faults_flush(a->faults);
    if (!host_iommu_device_iommufd_detach_hwpt(adev->idev, errp)) {
        return false;
    }
    smmuv3_accel_left(a, adev);
    smmuv3_accel_doom(a, adev, &adev->host.s1_hwpt_id);
    smmuv3_accel_set_ste(a, adev, &ste);
    return true;
}

bool smmuv3_accel_halt(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                       Error **errp)
{
    return smmuv3_accel_abort(a, adev, NULL) ||
           smmuv3_accel_block(a, adev, errp);
}

bool smmuv3_accel_stop(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                       SMMUv3AccelStop why, Error *err)
{
    const char *name = smmuv3_accel_dev_name(adev->pdev);
    bool stopped = smmuv3_accel_halt(a, adev, NULL);

    smmuv3_accel_set_stopped(a, adev, why);
    g_free(adev->failure);
    adev->failure = g_strdup(error_get_pretty(err));
    /* A guest can repeat this at will: report it once */
    if (adev->reported) {
        error_free(err);
        return stopped;
    }
    adev->reported = true;
    error_reportf_err(err, stopped ? "arm-smmuv3: DMA of %s is aborted: " :
                      "arm-smmuv3: DMA of %s cannot be stopped, unplug the"
                      " device: ", name);
    return stopped;
}

/*
 * Attach a device to a nested HWPT of its own, with these words of an STE, that
 * reports page faults to a queue or, with NO_ID, to none
 */
static bool smmuv3_accel_attach_own(SMMUv3AccelState *a,
                                    SMMUv3AccelDevice *adev,
                                    const SMMUv3AccelSte *ste, uint64_t dword0,
                                    uint64_t dword1, uint32_t faultq_id,
                                    Error **errp)
{
    uint32_t hwpt_id;
    int err;

    if (a->doomed->len >= MOST_DOOMED) {
        smmuv3_accel_free_doomed(a);
        if (a->doomed->len >= MOST_DOOMED) {
            errno = EBUSY;
            error_setg(errp, "the host still has %u objects that it was to"
                       " free", a->doomed->len);
            return false;
        }
    }
    if (!smmuv3_accel_alloc_nested(a, adev->idev->devid, dword0, dword1,
                                   faultq_id, &hwpt_id, errp)) {
        return false;
    }
    if (!smmuv3_accel_attach(a, adev, ste, hwpt_id, errp)) {
        err = errno;
        smmuv3_accel_doom(a, adev, &hwpt_id);
        errno = err;
        return false;
    }
    adev->host.s1_hwpt_id = hwpt_id;
    adev->host.faultq_id = faultq_id;
    return true;
}

bool smmuv3_accel_try_faults(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                             Error **errp)
{
    /* What the guest asks for is still to be attached */
    const SMMUv3AccelSte ste = { .mode = ACCEL_PARENT };

    return smmuv3_accel_attach_own(a, adev, &ste,
                                   STE0_V | STE_CONFIG_ABORT << 1, 0,
                                   smmuv3_accel_faults_id(a->faults), errp);
}

/*
 * Attach a device to an HWPT made from an STE. If the host refuses to report
 * its page faults, they end its transactions: it is not lost for that.
 */
static bool smmuv3_accel_attach_ste(SMMUv3AccelState *a,
                                    SMMUv3AccelDevice *adev,
                                    const SMMUv3AccelSte *ste, Error **errp)
{
    uint32_t faultq_id = smmuv3_accel_stall_faultq(a, adev, ste);
    Error *err = NULL;

    if (smmuv3_accel_attach_own(a, adev, ste, ste->dword[0], ste->dword[1],
                                faultq_id, &err)) {
        return true;
    }
    if (faultq_id == NO_ID || (errno != EOPNOTSUPP && errno != EINVAL)) {
        error_propagate(errp, err);
        return false;
    }
    if (!smmuv3_accel_attach_own(a, adev, ste, ste->dword[0], ste->dword[1],
                                 NO_ID, errp)) {
        error_free(err);
        return false;
    }
    adev->faults_refused = true;
    warn_reportf_err(err, "arm-smmuv3: the host does not report page faults of"
                     " %s: ", smmuv3_accel_dev_name(adev->pdev));
    return true;
}

/*
 * Have the events of a device on bypass tell the StreamID that it got just now.
 * The kernel looks it up when it attaches, and not if the HWPT is the same.
 * This is another one with the same STE: the device can go on meanwhile.
 */
static void smmuv3_accel_bypass_anew(SMMUv3AccelState *a,
                                     SMMUv3AccelDevice *adev)
{
    const SMMUv3AccelSte ste = { .mode = ACCEL_BYPASS };

    if (!smmuv3_accel_attach_own(a, adev, &ste,
                                 STE0_V | STE_CONFIG_BYPASS << 1, 0, NO_ID,
                                 NULL)) {
        /* Without a vDEVICE this is made up for at the next chance */
        smmuv3_accel_free_vdevice(a, adev);
    }
}

bool smmuv3_accel_install(SMMUv3State *s, SMMUv3AccelDevice *adev,
                          const SMMUv3AccelSte *ste, uint32_t sid,
                          Error **errp)
{
    SMMUv3AccelState *a = s->accel_state;
    bool late;

    if (!smmuv3_accel_give_up_sid(a, adev, errp)) {
        return false;
    }
    late = smmuv3_accel_alloc_late(a, adev, ste, sid);
    if (adev->host.ste.mode == ste->mode &&
        (ste->mode != ACCEL_TRANSLATE ||
         (!memcmp(adev->host.ste.dword, ste->dword, sizeof(ste->dword)) &&
          adev->host.faultq_id == smmuv3_accel_stall_faultq(a, adev, ste)))) {
        if (late) {
            smmuv3_accel_bypass_anew(a, adev);
        }
        return ste->mode == ACCEL_ABORT || !smmuv3_accel_cmdq_stale(a->cmdq) ||
               smmuv3_accel_cmdq_submit(a->cmdq, errp);
    }
    smmuv3_accel_slice_spend(&a->slice, SLICE_WORK_CALL);
    if (ste->mode == ACCEL_ABORT) {
        /* Invalidations sent before may need an answer of the device */
        smmuv3_accel_cmdq_submit(a->cmdq, NULL);
        return smmuv3_accel_abort(a, adev, errp);
    }
    /*
     * Anything but abort gives access: the host caches must not hold entries
     * that the guest has invalidated, and commands keep their order.
     */
    if (!smmuv3_accel_cmdq_submit(a->cmdq, errp)) {
        return false;
    }
    if (ste->mode == ACCEL_BYPASS) {
        return smmuv3_accel_attach(a, adev, ste, a->bypass_hwpt_id, errp);
    }
    return smmuv3_accel_alloc_vdevice(a, adev, sid, errp) &&
           smmuv3_accel_attach_ste(a, adev, ste, errp);
}

void smmuv3_accel_release(SMMUv3AccelState *a, SMMUv3AccelDevice *adev)
{
    Error *err = NULL;

    /* Not back to the nesting parent: that would be a bypass */
    if (!smmuv3_accel_block(a, adev, &err)) {
        /* A device left attached could do DMA and would keep the HWPT in use */
        if (smmuv3_accel_abort(a, adev, NULL) &&
            smmuv3_accel_block(a, adev, NULL)) {
            error_free(err);
        } else {
            error_report_err(err);
        }
    }
    /* If it could not be detached, the kernel answers when VFIO closes it */
    smmuv3_accel_left(a, adev);
    smmuv3_accel_doom(a, adev, &adev->host.s1_hwpt_id);
    smmuv3_accel_free_vdevice(a, adev);
}
