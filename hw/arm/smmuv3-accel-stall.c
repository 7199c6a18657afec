/*
 * Accelerated arm-smmuv3: devices that wait for their pages
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*
 * A transaction is stalled where the host SMMU can, and where the guest's CD
 * says so. The guest sets CD.S without QEMU, and a kernel does not answer for
 * each stalled transaction: Linux 7.3 lets one wait for ever whose device it
 * does not know to be able to stall, or if it is built without
 * CONFIG_ARM_SMMU_V3_SVA. So the guest is offered stalls only where faults of a
 * device can be reported to it, and STE.S1STALLD is set for all other devices.
 */

#include "qemu/osdep.h"
#include <linux/vfio.h>
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "hw/arm/smmuv3-waits.h"
#include "hw/vfio/vfio-device.h"
#include "hw/vfio/viommu.h"
#include "smmuv3-accel-stall.h"
#include "smmuv3-fields.h"
#include "smmuv3-stall.h"

static unsigned int host_model(const SMMUv3AccelIdr *host)
{
    return FIELD_EX32(host->reg[0], IDR0, STALL_MODEL);
}

/* By the IDs that the host sees: properties may give the guest others */
static bool host_waits_by_id(VFIODevice *vbasedev)
{
    uint8_t ids[PCI_REVISION_ID + 1];
    int ret = vbasedev->io_ops->region_read(vbasedev,
                                            VFIO_PCI_CONFIG_REGION_INDEX, 0,
                                            sizeof(ids), ids);

    return ret == sizeof(ids) &&
           smmuv3_waits_by_id(pci_get_word(ids + PCI_VENDOR_ID),
                              pci_get_word(ids + PCI_DEVICE_ID),
                              ids[PCI_REVISION_ID]);
}

/* Does the host's kernel know that the device is able to wait? */
static bool device_waits(PCIDevice *pdev)
{
    VFIODevice *vbasedev = vfio_get_vfio_device(OBJECT(pdev));
    g_autofree char *sysfs = vfio_viommu_sysfs(vbasedev);
    g_autofree char *node = sysfs ?
        g_build_filename(sysfs, SMMUV3_WAITS_NODE, NULL) : NULL;

    if (node && g_file_test(node, G_FILE_TEST_EXISTS)) {
        g_autofree char *path = g_build_filename(node, SMMUV3_WAITS_PROPERTY,
                                                 NULL);

        return g_file_test(path, G_FILE_TEST_EXISTS);
    }
    return host_waits_by_id(vbasedev);
}

/* Is it still open what x-stall=auto stands for? */
static bool is_open(const SMMUv3State *s)
{
    return s->x_stall == SMMUV3_STALL_AUTO &&
           s->stall_settled == SMMUV3_STALL_AUTO &&
           !phase_check(PHASE_MACHINE_READY);
}

static void settle(SMMUv3State *s, SMMUv3StallMode mode)
{
    smmuv3_stall_settle(s, mode);
    smmuv3_init_regs(s);
}

void smmuv3_accel_stall_follow(SMMUv3State *s, const SMMUv3AccelIdr *host)
{
    if (is_open(s) && host_model(host) == STALL_MODEL_FORCED &&
        smmuv3_accel_sva_of_host(host, NULL) == SVA_YES) {
        settle(s, SMMUV3_STALL_FORCE);
    }
}

/* Functions of the fault queue */

static bool stall_find_sid(void *opaque, uint32_t dev_id, uint32_t *sid)
{
    SMMUv3AccelState *a = opaque;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, a->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const SMMUv3AccelDevice *adev = value;

        if (adev->idev->devid == dev_id && adev->host.faultq_id != NO_ID &&
            adev->host.ste.mode == ACCEL_TRANSLATE) {
            *sid = adev->host.vsid;
            /* Another device may have that one by now */
            return smmuv3_accel_has_sid(adev) && smmuv3_accel_sid(adev) == *sid;
        }
    }
    return false;
}

/* Attach the devices to HWPTs that report no faults */
static void stall_broken(void *opaque)
{
    SMMUv3AccelState *a = opaque;
    MemReentrancyGuard *guard = &DEVICE(a->smmu)->mem_reentrancy_guard;
    GHashTableIter iter;
    gpointer value;

    if (a->cpr.handed_over) {
        /* The next QEMU sees to it, or smmuv3_accel_stall_resume() */
        return;
    }
    g_hash_table_iter_init(&iter, a->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        SMMUv3AccelDevice *adev = value;

        if (adev->host.faultq_id != NO_ID) {
            smmuv3_accel_mark(a, adev, false);
        }
    }
    /* As in a register write: the tables must not access these registers */
    guard->engaged_in_io = true;
    smmuv3_accel_apply_marked(a->smmu, true);
    guard->engaged_in_io = false;
}

static const SMMUv3AccelFaultOps stall_ops = {
    .find_sid = stall_find_sid,
    .broken = stall_broken,
};

/* A device comes */

/* Make the queue, and try whether the host reports faults of a device to it */
static bool start_faults(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                         Error **errp)
{
    int err;

    if (!a->faults) {
        a->faults = smmuv3_accel_faults_start(a->smmu, a->be, &stall_ops, a,
                                              errp);
    }
    if (!a->faults) {
        return false;
    }
    if (smmuv3_accel_try_faults(a, adev, errp)) {
        return true;
    }
    err = errno;
    /* Those of other devices would have been tried, too */
    if (!a->faults_used) {
        smmuv3_accel_faults_stop(a->faults);
        a->faults = NULL;
    }
    errno = err;
    return false;
}

bool smmuv3_accel_stall_bind(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                             Error **errp)
{
    ERRP_GUARD();
    SMMUv3State *s = a->smmu;
    const char *name = smmuv3_accel_dev_name(adev->pdev);
    unsigned int model = host_model(&a->host_idr);
    bool open = is_open(s);
    SMMUv3AccelSva sva;
    bool unsupported;
    Error *err = NULL;

    adev->can_stall = model == STALL_MODEL_FORCED ||
                      (model == STALL_MODEL_BOTH && device_waits(adev->pdev));
    if (a->cpr.adopting || !adev->can_stall ||
        (!open && smmuv3_stall_mode(s) == SMMUV3_STALL_OFF)) {
        return true;
    }
    /* Linux up to 7.3 crashes when it is to report faults where it has none */
    sva = smmuv3_accel_sva_of_host(&a->host_idr, &err);
    if (open && sva != SVA_YES) {
        error_free(err);
        adev->can_stall = false;
        return true;
    }
    if (sva == SVA_NO) {
        error_propagate_prepend(errp, err, "arm-smmuv3: page faults of %s"
                                " cannot be reported: ", name);
        if (model == STALL_MODEL_BOTH) {
            error_append_hint(errp, "Use x-stall=off with this host.\n");
        }
        return false;
    }
    error_free(err);
    err = NULL;
    if (start_faults(a, adev, &err)) {
        a->faults_used = true;
        if (open) {
            settle(s, SMMUV3_STALL_ON);
        }
        return true;
    }
    unsupported = errno == ENOTTY || errno == EOPNOTSUPP;
    if ((unsupported && model == STALL_MODEL_FORCED) ||
        (!unsupported && errno != EINVAL)) {
        /* With forced stalls nobody would answer: they would wait for ever */
        error_propagate_prepend(errp, err, "arm-smmuv3: page faults of %s"
                                " cannot be reported: ", name);
        return false;
    }
    if (unsupported && s->x_stall == SMMUV3_STALL_ON) {
        error_propagate_prepend(errp, err, "arm-smmuv3: x-stall=on needs a host"
                                " kernel that reports page faults of %s; use"
                                " x-stall=auto or x-stall=off with this one: ",
                                name);
        error_append_hint(errp, "It needs Linux 6.17 or later with"
                          " CONFIG_ARM_SMMU_V3_SVA.\n");
        return false;
    }
    adev->faults_refused = true;
    adev->can_stall = !unsupported;
    if (open && model == STALL_MODEL_BOTH) {
        /* It is not offered to the guest */
        error_free(err);
        return true;
    }
    warn_reportf_err(err, "arm-smmuv3: the host does not report page faults of"
                     " %s: ", name);
    return true;
}

/* The STE of a device, and the queue for it */

uint64_t smmuv3_accel_stall_bits(SMMUv3AccelState *a,
                                 const SMMUv3AccelDevice *adev, uint64_t dword1)
{
    if (host_model(&a->host_idr) != STALL_MODEL_BOTH) {
        return 0;
    }
    if (!adev->can_stall || smmuv3_stall_mode(a->smmu) == SMMUV3_STALL_OFF) {
        return STE1_S1STALLD;
    }
    return dword1 & STE1_S1STALLD;
}

uint32_t smmuv3_accel_stall_faultq(const SMMUv3AccelState *a,
                                   const SMMUv3AccelDevice *adev,
                                   const SMMUv3AccelSte *ste)
{
    if (!adev->can_stall || adev->faults_refused ||
        smmuv3_stall_mode(a->smmu) == SMMUV3_STALL_OFF ||
        ste->mode != ACCEL_TRANSLATE || (ste->dword[1] & STE1_S1STALLD)) {
        return NO_ID;
    }
    return smmuv3_accel_faults_id(a->faults);
}

void smmuv3_accel_stall_drain(SMMUv3AccelState *a,
                              const SMMUv3AccelDevice *adev)
{
    if (adev->host.faultq_id != NO_ID) {
        smmuv3_accel_slice_spend(&a->slice, SLICE_WORK_CALL *
                                 smmuv3_accel_faults_drain(a->faults,
                                                           adev->idev->devid));
    }
}

static int find_waiting(Object *obj, void *opaque)
{
    SMMUv3State *s = (SMMUv3State *)object_dynamic_cast(obj, TYPE_ARM_SMMUV3);
    SMMUv3AccelDevice *adev = s && s->accel ?
        g_hash_table_lookup(s->accel_state->devices, opaque) : NULL;

    return adev && adev->can_stall;
}

bool smmuv3_accel_device_waits(PCIDevice *pdev)
{
    return object_child_foreach_recursive(object_get_root(), find_waiting,
                                          pdev);
}

/* A new QEMU takes over */

static bool any_can_stall(SMMUv3AccelState *a)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, a->devices);
    while (smmuv3_stall_mode(a->smmu) != SMMUV3_STALL_OFF &&
           g_hash_table_iter_next(&iter, NULL, &value)) {
        if (((SMMUv3AccelDevice *)value)->can_stall) {
            return true;
        }
    }
    return false;
}

void smmuv3_accel_stall_adopt(SMMUv3AccelState *a, uint32_t id,
                              uint16_t last_stag)
{
    Error *err = NULL;

    if (a->smmu->stall_state) {
        a->smmu->stall_state->last_stag = last_stag;
    }
    if (id != NO_ID) {
        a->faults = smmuv3_accel_faults_adopt(a->smmu, a->be, id, &stall_ops, a,
                                              &err);
        if (!a->faults) {
            /* To be freed when no HWPT reports to it any more */
            g_array_append_val(a->doomed, id);
            smmuv3_accel_retry_start_timer(a);
            warn_reportf_err(err, "arm-smmuv3: page faults of this moment end"
                             " the transactions of their devices: ");
            err = NULL;
        }
    }
    if (!a->faults && any_can_stall(a)) {
        a->faults = smmuv3_accel_faults_start(a->smmu, a->be, &stall_ops, a,
                                              &err);
        if (!a->faults) {
            warn_reportf_err(err, "arm-smmuv3: the host reports no page faults"
                             " from now on: ");
        }
    }
    a->faults_used = a->faults;
}

void smmuv3_accel_stall_resume(SMMUv3AccelState *a)
{
    smmuv3_accel_faults_resume(a->faults);
    if (smmuv3_accel_faults_broken(a->faults)) {
        stall_broken(a);
    }
}
