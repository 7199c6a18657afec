/*
 * Accelerated arm-smmuv3: batches of invalidations for the host
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_ARM_SMMUV3_ACCEL_CMDQ_H
#define HW_ARM_SMMUV3_ACCEL_CMDQ_H

#include "hw/arm/smmuv3.h"
#include "smmuv3-accel-slice.h"
#include "smmuv3-internal.h"
#include "system/iommufd.h"

typedef struct SMMUv3AccelCmdq SMMUv3AccelCmdq;

/**
 * struct SMMUv3AccelCmdqInfo - limit and counters, which outlive a vIOMMU
 *
 * @batch: maximum of commands in one call; 0 and values above the size of the
 *         batch mean the size of the batch
 * @commands: commands handed to the host
 * @calls: IOMMU_HWPT_INVALIDATE calls that took them there
 * @recoveries: batches that failed, and were replaced by the invalidation of
 *              everything
 */
typedef struct SMMUv3AccelCmdqInfo {
    uint32_t batch;
    uint64_t commands;
    uint64_t calls;
    uint64_t recoveries;
} SMMUv3AccelCmdqInfo;

/**
 * SMMUv3AccelAtcFailed: stop a device whose ATC could not be invalidated
 *
 * @opaque: as given to smmuv3_accel_cmdq_new().
 * @sid: StreamID of the device, which has a vDEVICE and ATS.
 * @err: says what the host answered. Consumed.
 *
 * Returns: true if the device can use its ATC no longer.
 */
typedef bool SMMUv3AccelAtcFailed(void *opaque, uint32_t sid, Error *err);

/**
 * SMMUv3AccelAtcAnswered: note that a device has answered an ATC invalidation
 *
 * @opaque: as given to smmuv3_accel_cmdq_new().
 * @sid: StreamID of the device; the same one for each of several commands.
 */
typedef void SMMUv3AccelAtcAnswered(void *opaque, uint32_t sid);

/**
 * smmuv3_accel_cmdq_add_properties: add the properties for measurements
 *
 * Adds x-inval-batch, which can be set, and x-inval-commands, x-inval-calls and
 * x-inval-recoveries, which cannot.
 *
 * @obj: the SMMUv3.
 * @info: zeroed, initialized here; lives as long as @obj.
 */
void smmuv3_accel_cmdq_add_properties(Object *obj, SMMUv3AccelCmdqInfo *info);

/**
 * smmuv3_accel_cmdq_new: make an empty batch for a vIOMMU
 *
 * @s: the guest's SMMUv3; its IDRs say which command fields have a meaning.
 * @be: connected iommufd backend; stays connected until
 *      smmuv3_accel_cmdq_free().
 * @viommu_id: vIOMMU that the invalidations are submitted to.
 * @repeat: the host SMMU has an erratum, and a TLBI or CFGI takes effect when
 *          it was issued again after its SYNC (HW_INFO_REPEAT_TLBI_CFGI).
 * @vsids: the StreamIDs that have a vDEVICE as GUINT_TO_POINTER keys, and as
 *         GINT_TO_POINTER values whether the installed STE lets the device do
 *         ATS. Borrowed, the caller keeps it up to date and submits before it
 *         takes a StreamID out or ATS away.
 * @info: limits and counters; lives as long as the batch.
 * @slice: slice that the calls are counted in; lives as long as the batch.
 * @atc_failed: called in smmuv3_accel_cmdq_submit().
 * @atc_answered: same.
 * @opaque: for both.
 *
 * Returns: the batch, freed with smmuv3_accel_cmdq_free().
 */
SMMUv3AccelCmdq *smmuv3_accel_cmdq_new(SMMUv3State *s, IOMMUFDBackend *be,
                                       uint32_t viommu_id, bool repeat,
                                       GHashTable *vsids,
                                       SMMUv3AccelCmdqInfo *info,
                                       SMMUv3AccelSlice *slice,
                                       SMMUv3AccelAtcFailed *atc_failed,
                                       SMMUv3AccelAtcAnswered *atc_answered,
                                       void *opaque);

/**
 * smmuv3_accel_cmdq_free: free a batch and its commands, submitted or not
 *
 * @q: the batch, or NULL.
 */
void smmuv3_accel_cmdq_free(SMMUv3AccelCmdq *q);

/**
 * smmuv3_accel_cmdq_add: add a guest command to the batch if it concerns the
 * host
 *
 * Ignores commands that are not for the host, that the guest must not send or
 * that name a StreamID without vDEVICE: the kernel would refuse the
 * whole batch for them (iommufd.h struct iommu_viommu_arm_smmuv3_invalidate).
 * For the same reason fields of the others go without what has no meaning for
 * the guest's SMMU, or is reserved.
 * A full batch is submitted; smmuv3_accel_cmdq_submit() tells if that failed.
 *
 * @q: the batch.
 * @cmd: the command in host byte order (SMMUv3 IHI0070, 4).
 */
void smmuv3_accel_cmdq_add(SMMUv3AccelCmdq *q, const Cmd *cmd);

/**
 * smmuv3_accel_cmdq_suspect: have the next submission invalidate all of the ATC
 * of a device, alone
 *
 * For a device that did not answer the last time. No CMD_SYNC may complete
 * before it was asked, see smmuv3_accel_cmdq_unproved().
 *
 * @q: the batch.
 * @sid: StreamID of the device; ignored then if it has no vDEVICE or no ATS.
 */
void smmuv3_accel_cmdq_suspect(SMMUv3AccelCmdq *q, uint32_t sid);

/**
 * smmuv3_accel_cmdq_submit: have the host complete the batch
 *
 * Makes one IOMMU_HWPT_INVALIDATE for TLBI and CFGI commands, which is repeated
 * where the host SMMU has the erratum, and then one for ATC invalidations; none
 * for what the batch does not have. If a call fails, it is unknown which
 * commands were issued. Instead of TLBI and CFGI commands everything is
 * invalidated that they could name; if that fails too, the host caches are
 * stale. Instead of ATC invalidations all of the ATC of each device is
 * invalidated, and a device for which that fails is stopped. If the host
 * answers nothing meanwhile, no device is to blame: the host caches are stale,
 * and the ATCs are invalidated when the devices have ATS again. If this takes
 * longer than a slice, the rest waits, see smmuv3_accel_cmdq_unproved().
 *
 * While the host caches are stale a call invalidates everything, once for each
 * smmuv3_accel_cmdq_allow_attempt().
 *
 * @q: the batch.
 * @errp: says why the host caches are stale.
 *
 * Returns: true on success, false if the host caches may hold entries that the
 * guest has invalidated.
 */
bool smmuv3_accel_cmdq_submit(SMMUv3AccelCmdq *q, Error **errp);

/**
 * smmuv3_accel_cmdq_allow_attempt: let the next submission try to invalidate
 * everything if the host caches are stale
 *
 * Without it a submission fails at once: a host that does not answer can take
 * seconds for each call.
 *
 * @q: the batch.
 */
void smmuv3_accel_cmdq_allow_attempt(SMMUv3AccelCmdq *q);

/**
 * smmuv3_accel_cmdq_stale: tell whether the last submission failed
 *
 * @q: the batch.
 *
 * Returns: true if the host caches may hold entries that the guest has
 * invalidated.
 */
bool smmuv3_accel_cmdq_stale(const SMMUv3AccelCmdq *q);

/**
 * smmuv3_accel_cmdq_failures: tell how often the host has failed
 *
 * @q: the batch.
 *
 * Returns: number of attempts that left the host caches stale.
 */
uint32_t smmuv3_accel_cmdq_failures(const SMMUv3AccelCmdq *q);

/**
 * smmuv3_accel_cmdq_unproved: tell whether ATCs are still to be invalidated
 *
 * The host failed, and the time of the slice ended before all of the devices
 * were asked one by one. No CMD_SYNC may complete. The next slice goes on.
 *
 * @q: the batch.
 *
 * Returns: true if the ATC of a device that does ATS may hold entries that the
 * guest has invalidated.
 */
bool smmuv3_accel_cmdq_unproved(const SMMUv3AccelCmdq *q);

/**
 * smmuv3_accel_cmdq_idle: tell whether there is nothing to submit
 *
 * @q: the batch.
 *
 * Returns: true if the host has done all that was gathered, no ATC is under
 * suspicion, and the caller knows what came of it.
 */
bool smmuv3_accel_cmdq_idle(const SMMUv3AccelCmdq *q);

/**
 * smmuv3_accel_cmdq_take_recovered: tell once that stale host caches were
 * mended
 *
 * @q: the batch.
 *
 * Returns: true in the first call after a submission that ended the stale
 * state, otherwise false.
 */
bool smmuv3_accel_cmdq_take_recovered(SMMUv3AccelCmdq *q);

/**
 * smmuv3_accel_cmdq_set_stale: have the next submission invalidate everything
 *
 * For a batch that replaces another one whose outcome is not known.
 *
 * @q: the batch.
 */
void smmuv3_accel_cmdq_set_stale(SMMUv3AccelCmdq *q);

/**
 * smmuv3_accel_cmdq_next_emulated: go to the next command of the guest's queue
 * that the emulation has to execute
 *
 * On the way TLB and ATC invalidations go into the batch, which is submitted
 * once for all CMD_SYNCs without wired interrupt. CONS moves past them, and
 * their messages are sent, when the host is done. An error is left to the
 * emulation to report.
 *
 * @q: the batch.
 *
 * Returns: true if the emulation has to execute the command at CONS, false if
 * the queue is empty or the slice is over.
 */
bool smmuv3_accel_cmdq_next_emulated(SMMUv3AccelCmdq *q);

/**
 * smmuv3_accel_cmdq_drop_read_ahead: drop the entries that were read ahead
 *
 * Has to be called before the guest sees the new CONS: from then on it may
 * change the entries.
 *
 * @q: the batch.
 */
void smmuv3_accel_cmdq_drop_read_ahead(SMMUv3AccelCmdq *q);

#endif /* HW_ARM_SMMUV3_ACCEL_CMDQ_H */
