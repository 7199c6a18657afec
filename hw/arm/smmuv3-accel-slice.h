/*
 * Accelerated arm-smmuv3: the guest's command queue is taken in slices
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
 * What a step costs, roughly, in units of the cheapest one. The clock is looked
 * at after SLICE_WORK_LOOK units: after each call to the host for sure.
 */
enum {
    SLICE_WORK_COMMAND = 1,     /* a command that is gathered for the host */
    SLICE_WORK_EMULATED = 16,   /* a command that goes through the emulation */
    SLICE_WORK_LOOK = 256,
    SLICE_WORK_CALL = SLICE_WORK_LOOK,
};

/**
 * struct SMMUv3AccelSlice - bound of the time that one register write takes
 *
 * A queue has up to 2^19 entries, and many of them can each need a system call.
 * All of this is done under the big QEMU lock, so it is done a slice at a time:
 * when the time of one is over the queue stays where it is, and the main loop
 * goes on with it as soon as others had their turn. As long as that is due a
 * register write starts nothing itself, which leaves one slice for each round
 * of the main loop however many vCPUs write.
 *
 * @smmu: the SMMUv3 whose queue it is
 * @timer: starts the next slice
 * @limit_us: how long a slice takes, 0 for no limit
 * @running: the virtual machine runs; the queue stands still while it does not
 * @waits: the next slice is due
 * @over: the time of this slice is over before all was done
 * @work: units of work since the clock was looked at
 * @end: when the time of this slice is over; 0 as long as nobody has looked
 */
typedef struct SMMUv3AccelSlice {
    SMMUv3State *smmu;
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
 */
void smmuv3_accel_slice_init(SMMUv3AccelSlice *slice, SMMUv3State *s);

/**
 * smmuv3_accel_slice_look: look at the clock, see smmuv3_accel_slice_over()
 *
 * @slice: the slice.
 *
 * Returns: true if the time is over.
 */
bool smmuv3_accel_slice_look(SMMUv3AccelSlice *slice);

/**
 * smmuv3_accel_slice_over: tell if the rest has to wait for another slice
 *
 * The first look at the clock in a slice only starts the time: each slice gets
 * something done.
 *
 * @slice: the slice.
 *
 * Returns: true if nothing may be started any more, until
 * smmuv3_accel_slice_end().
 */
static inline bool smmuv3_accel_slice_over(SMMUv3AccelSlice *slice)
{
    return slice->waits || slice->over ||
           (slice->work >= SLICE_WORK_LOOK && smmuv3_accel_slice_look(slice));
}

/**
 * smmuv3_accel_slice_spend: note what was done
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
 * smmuv3_accel_slice_end: end a slice, and have another one if it was over
 * before all was done
 *
 * @slice: the slice.
 */
void smmuv3_accel_slice_end(SMMUv3AccelSlice *slice);

/**
 * smmuv3_accel_slice_reset: drop the slice that is due
 *
 * @slice: the slice.
 */
void smmuv3_accel_slice_reset(SMMUv3AccelSlice *slice);

/**
 * smmuv3_accel_slice_run_state: stand still while the virtual machine does
 *
 * @slice: the slice.
 * @running: the virtual machine runs from now on. What is in the queue then
 *           was left there: a slice is due, in a new QEMU process, too.
 */
void smmuv3_accel_slice_run_state(SMMUv3AccelSlice *slice, bool running);

#endif /* HW_ARM_SMMUV3_ACCEL_SLICE_H */
