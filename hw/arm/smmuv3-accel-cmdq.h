/*
 * Invalidations of an accelerated arm-smmuv3, gathered for the host
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
 * struct SMMUv3AccelCmdqInfo - what outlives a batch
 *
 * @batch: commands that one call takes at most; out of range means all that
 *         there is room for
 * @commands: commands handed to the host
 * @calls: IOMMU_HWPT_INVALIDATE calls that took them there
 * @recoveries: calls among them that took the place of a batch that failed
 */
typedef struct SMMUv3AccelCmdqInfo {
    uint32_t batch;
    uint64_t commands;
    uint64_t calls;
    uint64_t recoveries;
} SMMUv3AccelCmdqInfo;

/**
 * smmuv3_accel_cmdq_add_properties: show the counters, for measurements
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
 * @viommu_id: where the invalidations go.
 * @vsids: the StreamIDs that have a vDEVICE as GUINT_TO_POINTER keys, and as
 *         GINT_TO_POINTER values whether the installed STE lets the device do
 *         ATS. Borrowed, the caller keeps it up to date and submits before it
 *         takes a StreamID out or ATS away.
 * @info: limits and counters; lives as long as the batch.
 * @slice: what the calls are counted in; lives as long as the batch.
 *
 * Returns: the batch, freed with smmuv3_accel_cmdq_free().
 */
SMMUv3AccelCmdq *smmuv3_accel_cmdq_new(SMMUv3State *s, IOMMUFDBackend *be,
                                       uint32_t viommu_id, GHashTable *vsids,
                                       SMMUv3AccelCmdqInfo *info,
                                       SMMUv3AccelSlice *slice);

/**
 * smmuv3_accel_cmdq_free: free a batch and what was not submitted
 *
 * @q: the batch, or NULL.
 */
void smmuv3_accel_cmdq_free(SMMUv3AccelCmdq *q);

/**
 * smmuv3_accel_cmdq_add: take a guest command into the batch if the host has
 * to see it
 *
 * Commands that are not for the host, that the guest must not send or that
 * name a StreamID without vDEVICE are passed over: the kernel would refuse the
 * whole batch for them (iommufd.h struct iommu_viommu_arm_smmuv3_invalidate).
 * A full batch is submitted; smmuv3_accel_cmdq_submit() tells if that failed.
 *
 * @q: the batch.
 * @cmd: the command in host byte order (SMMUv3 IHI0070, 4).
 */
void smmuv3_accel_cmdq_add(SMMUv3AccelCmdq *q, const Cmd *cmd);

/**
 * smmuv3_accel_cmdq_submit: complete everything that was added
 *
 * One IOMMU_HWPT_INVALIDATE for the batch, none if it is empty. If it fails
 * then nobody knows which entries were issued, and one more call invalidates
 * all that any of them could have meant. If that fails too the host caches are
 * stale: the batch remembers it and the next call tries again.
 *
 * @q: the batch.
 * @errp: says why the host caches are stale.
 *
 * Returns: true if the host holds nothing that the guest has invalidated,
 * false if it may.
 */
bool smmuv3_accel_cmdq_submit(SMMUv3AccelCmdq *q, Error **errp);

/**
 * smmuv3_accel_cmdq_stale: ask for the outcome of the last submission
 *
 * @q: the batch.
 *
 * Returns: true if the host caches may hold what the guest has invalidated.
 */
bool smmuv3_accel_cmdq_stale(const SMMUv3AccelCmdq *q);

/**
 * smmuv3_accel_cmdq_recovered: ask whether host caches that were stale are so
 * no longer
 *
 * @q: the batch.
 *
 * Returns: true once after an attempt to recover has succeeded that was not the
 * first one.
 */
bool smmuv3_accel_cmdq_recovered(SMMUv3AccelCmdq *q);

/**
 * smmuv3_accel_cmdq_doubt: have the next submission invalidate everything
 *
 * For a batch that takes the place of one whose outcome is not known.
 *
 * @q: the batch.
 */
void smmuv3_accel_cmdq_doubt(SMMUv3AccelCmdq *q);

/**
 * smmuv3_accel_cmdq_run: take commands off the guest's queue that concern the
 * host and not the emulation, many at a time
 *
 * TLB and ATC invalidations go into the batch, a CMD_SYNC without interrupt
 * submits it. Stops at what the emulation has to do or to report, and when the
 * time of the slice is over.
 *
 * @q: the batch.
 *
 * Returns: true if the emulation has to look at the command at CONS, false if
 * the queue is empty or the rest of it has to wait.
 */
bool smmuv3_accel_cmdq_run(SMMUv3AccelCmdq *q);

/**
 * smmuv3_accel_cmdq_end_run: forget what was read ahead
 *
 * Due before the guest sees the new CONS: the entries are its own again then.
 *
 * @q: the batch.
 */
void smmuv3_accel_cmdq_end_run(SMMUv3AccelCmdq *q);

#endif /* HW_ARM_SMMUV3_ACCEL_CMDQ_H */
