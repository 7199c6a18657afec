/*
 * Accelerated arm-smmuv3: StreamIDs by which the host knows devices
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "system/iommufd_viommu.h"
#include "smmuv3-accel-vdevice.h"

SMMUv3AccelDevice *smmuv3_accel_vsid_owner(SMMUv3AccelState *a, uint32_t vsid)
{
    SMMUv3AccelDevice *adev;
    GHashTableIter iter;

    if (!g_hash_table_contains(a->vsids, GUINT_TO_POINTER(vsid))) {
        return NULL;
    }
    smmuv3_accel_slice_spend(&a->slice, g_hash_table_size(a->devices));
    g_hash_table_iter_init(&iter, a->devices);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&adev)) {
        if (adev->host.vdevice_id != NO_ID && adev->host.vsid == vsid) {
            return adev;
        }
    }
    return NULL;
}

void smmuv3_accel_note_ats(SMMUv3AccelState *a, SMMUv3AccelDevice *adev)
{
    if (adev->host.vdevice_id != NO_ID) {
        g_hash_table_insert(a->vsids, GUINT_TO_POINTER(adev->host.vsid),
                            GINT_TO_POINTER(
                                smmuv3_accel_does_ats(&adev->host.ste)));
    }
}

void smmuv3_accel_free_vdevice(SMMUv3AccelState *a, SMMUv3AccelDevice *adev)
{
    if (adev->host.vdevice_id != NO_ID) {
        g_hash_table_remove(a->vsids, GUINT_TO_POINTER(adev->host.vsid));
        smmuv3_accel_doom(a, adev, &adev->host.vdevice_id);
    }
}

bool smmuv3_accel_give_up_sid(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                              Error **errp)
{
    if (adev->host.vdevice_id == NO_ID ||
        (smmuv3_accel_has_sid(adev) &&
         adev->host.vsid == smmuv3_accel_sid(adev))) {
        return true;
    }
    /* Commands that are gathered already may name the StreamID */
    smmuv3_accel_cmdq_submit(a->cmdq, NULL);
    /* The kernel reads the StreamID when it attaches */
    if (!smmuv3_accel_halt(a, adev, errp)) {
        return false;
    }
    smmuv3_accel_free_vdevice(a, adev);
    return true;
}

/* The host has one device for a StreamID: see that it is no other one */
static bool smmuv3_accel_claim_sid(SMMUv3AccelState *a, uint32_t sid,
                                   Error **errp)
{
    SMMUv3AccelDevice *owner = smmuv3_accel_vsid_owner(a, sid);

    smmuv3_accel_free_doomed(a);
    if (!owner) {
        return true;
    }
    if (!smmuv3_accel_give_up_sid(a, owner, errp)) {
        return false;
    }
    if (owner->host.vdevice_id != NO_ID) {
        errno = 0;
        error_setg(errp, "%s has StreamID 0x%x, too, and the host takes one of"
                   " them; the guest has to give their buses different numbers",
                   smmuv3_accel_dev_name(owner->pdev), sid);
        return false;
    }
    /* It could not be stopped before, and what it may do now is yet to see */
    smmuv3_accel_mark(a, owner, false);
    return true;
}

static void smmuv3_accel_take_vdevice(SMMUv3AccelState *a,
                                      SMMUv3AccelDevice *adev, uint32_t sid,
                                      uint32_t id)
{
    adev->host.vdevice_id = id;
    adev->host.vsid = sid;
    smmuv3_accel_note_ats(a, adev);
}

bool smmuv3_accel_alloc_vdevice(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                                uint32_t sid, Error **errp)
{
    uint32_t id;

    if (adev->host.vdevice_id != NO_ID) {
        return true;
    }
    smmuv3_accel_slice_spend(&a->slice, SLICE_WORK_CALL);
    if (!smmuv3_accel_claim_sid(a, sid, errp) ||
        !iommufd_backend_alloc_vdev(a->be, adev->idev->devid, a->viommu_id, sid,
                                    &id, errp)) {
        return false;
    }
    smmuv3_accel_take_vdevice(a, adev, sid, id);
    return true;
}

/*
 * Tell whether a device that is not translated has events all the same. There
 * are none without SMMUEN, nor by an STE that aborts (IHI0070, 3.11 and 5.2).
 *
 * The uAPI header of Linux 7.3, at struct iommu_hwpt_arm_smmuv3, says that
 * without a vDEVICE events are not reported, "E.g. F_TRANSLATION when guest
 * STE.Cfg=abort". There is no such event: where the guest's STE aborts, so does
 * the host's (arm_smmu_make_abort_ste()), and the SMMU records nothing (5.2).
 */
static bool smmuv3_accel_has_events(SMMUv3AccelState *a,
                                    const SMMUv3AccelSte *ste)
{
    return ste->mode == ACCEL_BYPASS && smmu_enabled(a->smmu);
}

bool smmuv3_accel_alloc_late(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                             const SMMUv3AccelSte *ste, uint32_t sid)
{
    return smmuv3_accel_has_events(a, ste) &&
           adev->host.vdevice_id == NO_ID &&
           smmuv3_accel_alloc_vdevice(a, adev, sid, NULL);
}

bool smmuv3_accel_check_vdevice(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                                Error **errp)
{
    ERRP_GUARD();
    uint32_t sid = smmuv3_accel_sid(adev);
    uint32_t id;

    /* One that was made for the check of another device may still be there */
    smmuv3_accel_free_doomed(a);
    /* If the StreamID is another device's, that is no fault of this one */
    if (smmuv3_accel_has_sid(adev) &&
        iommufd_backend_alloc_vdev(a->be, adev->idev->devid, a->viommu_id, sid,
                                   &id, NULL)) {
        smmuv3_accel_take_vdevice(a, adev, sid, id);
        return true;
    }
    if (!iommufd_backend_alloc_vdev(a->be, adev->idev->devid, a->viommu_id,
                                    NO_SID, &id, errp)) {
        if (errno == EOPNOTSUPP) {
            error_append_hint(errp, "The host SMMUv3 has to know the device by"
                              " one StreamID. A device behind a PCIe-to-PCI"
                              " bridge, or with DMA aliases, has several; put"
                              " it behind a root complex without vIOMMU.\n");
        }
        error_prepend(errp, "arm-smmuv3: accel=on cannot translate for %s: ",
                      smmuv3_accel_dev_name(adev->pdev));
        return false;
    }
    if (!iommufd_backend_try_free_id(a->be, id, NULL)) {
        g_array_append_val(a->doomed, id);
        smmuv3_accel_retry_start_timer(a);
    }
    return true;
}
