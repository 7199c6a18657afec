/*
 * Accelerated arm-smmuv3: slices of time for what the guest asks for
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_ARM_SMMUV3_ACCEL_SLICE_H
#define HW_ARM_SMMUV3_ACCEL_SLICE_H

#include "hw/arm/smmuv3.h"
#include "qemu/timer.h"

/*
 * Rough cost of a step, in units of the cheapest one. The clock is read after
 * SLICE_WORK_CLOCK units, so after each call to the host.
 */
enum {
    SLICE_WORK_COMMAND = 1,     /* a command that is gathered for the host */
    SLICE_WORK_EMULATED = 16,   /* a command that goes through the emulation */
    SLICE_WORK_CLOCK = 256,
    SLICE_WORK_CALL = SLICE_WORK_CLOCK,
};

/**
 * SMMUv3AccelSliceRun: go on with what the last slice did not end
 *
 * @s: the SMMUv3, its registers guarded as in a register write.
 */
typedef void SMMUv3AccelSliceRun(SMMUv3State *s);

/**
 * struct SMMUv3AccelSlice - limit of the time that one register write takes
 *
 * A queue has up to 2^19 entries, and each may need a system call under the big
 * QEMU lock; CR0 and GBPA concern all devices, and each needs some. So both are
 * done in slices: when the time of a slice is over, CONS, or CR0ACK, stays as
 * it is, and a timer starts the next slice after the main loop has served
 * others. While a slice is due, a register write starts none, so that there is
 * one slice in each round of the main loop, however many vCPUs write.
 *
 * @smmu: the SMMUv3 that the queue belongs to
 * @run: what a slice does
 * @timer: starts the next slice
 * @limit_us: length of a slice in microseconds, 0 for no limit
 * @running: the virtual machine runs; no slice starts while it does not
 * @waits: the next slice is due
 * @over: the time of this slice ended before the end of the queue
 * @work: units of work since the clock was read
 * @end: end of this slice; 0 until the clock is read for the first time
 */
typedef struct SMMUv3AccelSlice {
    SMMUv3State *smmu;
    SMMUv3AccelSliceRun *run;
    QEMUTimer timer;
    uint32_t limit_us;
    bool running;
    bool waits;
    bool over;
    uint32_t work;
    int64_t end;
} SMMUv3AccelSlice;

/**
 * smmuv3_accel_slice_init: start with an idle queue
 *
 * Adds the property x-cmdq-slice-us to the SMMUv3, which sets the limit.
 *
 * @slice: zeroed; lives as long as @s.
 * @s: the SMMUv3.
 * @run: called for each slice that the timer starts; calls
 *       smmuv3_accel_slice_end().
 */
void smmuv3_accel_slice_init(SMMUv3AccelSlice *slice, SMMUv3State *s,
                             SMMUv3AccelSliceRun *run);

/**
 * smmuv3_accel_slice_check_clock: read the clock for smmuv3_accel_slice_over()
 *
 * @slice: the slice.
 *
 * Returns: true if the time of the slice is over.
 */
bool smmuv3_accel_slice_check_clock(SMMUv3AccelSlice *slice);

/**
 * smmuv3_accel_slice_over: tell whether the time of the slice is over
 *
 * The time starts when a slice reads the clock first, so that each slice makes
 * progress.
 *
 * @slice: the slice.
 *
 * Returns: true if no step may start before smmuv3_accel_slice_end().
 */
static inline bool smmuv3_accel_slice_over(SMMUv3AccelSlice *slice)
{
    return slice->waits || slice->over ||
           (slice->work >= SLICE_WORK_CLOCK &&
            smmuv3_accel_slice_check_clock(slice));
}

/**
 * smmuv3_accel_slice_spend: count work of this slice
 *
 * @slice: the slice.
 * @work: SLICE_WORK_*, or a sum of them.
 */
static inline void smmuv3_accel_slice_spend(SMMUv3AccelSlice *slice,
                                            uint32_t work)
{
    slice->work += work;
}

/**
 * smmuv3_accel_slice_cut: end the slice if something has taken as long as one
 *
 * For steps that can take the host seconds, in a slice or ahead of one. The
 * timer for the next slice is started.
 *
 * @slice: the slice.
 * @start_us: QEMU_CLOCK_REALTIME when the first step began, in microseconds.
 *
 * Returns: true if no further step may start before the next slice.
 */
bool smmuv3_accel_slice_cut(SMMUv3AccelSlice *slice, int64_t start_us);

/**
 * smmuv3_accel_slice_end: end a slice, and start the timer for the next one if
 * its time was over
 *
 * @slice: the slice.
 */
void smmuv3_accel_slice_end(SMMUv3AccelSlice *slice);

/**
 * smmuv3_accel_slice_reset: cancel the slice that is due
 *
 * @slice: the slice.
 */
void smmuv3_accel_slice_reset(SMMUv3AccelSlice *slice);

/**
 * smmuv3_accel_slice_run_state: start and stop slices with the virtual machine
 *
 * @slice: the slice.
 * @running: the virtual machine runs from now on. If the queue is not empty, a
 *           slice is due; in a new QEMU process (CPR), too.
 */
void smmuv3_accel_slice_run_state(SMMUv3AccelSlice *slice, bool running);

#endif /* HW_ARM_SMMUV3_ACCEL_SLICE_H */
