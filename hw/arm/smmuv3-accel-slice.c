/*
 * Accelerated arm-smmuv3: slices of time for what the guest asks for
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qom/object.h"
#include "smmuv3-accel-slice.h"
#include "smmuv3-internal.h"
#include "trace.h"

/* Time for many CMD_SYNCs, each with a call to the host */
#define SLICE_US    1000

/* Long enough for a vCPU that waits for the lock to wake up and take it */
#define GAP_NS      (50 * SCALE_US)

static void smmuv3_accel_slice_start(SMMUv3AccelSlice *slice)
{
    timer_mod_ns(&slice->timer, qemu_clock_get_ns(QEMU_CLOCK_REALTIME) +
                                GAP_NS);
}

/*
 * A timer rather than a bottom half: the main loop handles everything else
 * before it comes back to this, and sleeps without the BQL in between.
 */
static void smmuv3_accel_slice_timer(void *opaque)
{
    SMMUv3AccelSlice *slice = opaque;
    MemReentrancyGuard *guard = &DEVICE(slice->smmu)->mem_reentrancy_guard;

    /* As in a register write: the queue must not access these registers */
    guard->engaged_in_io = true;
    slice->waits = false;
    slice->over = false;
    slice->run(slice->smmu);
    guard->engaged_in_io = false;
}

void smmuv3_accel_slice_init(SMMUv3AccelSlice *slice, SMMUv3State *s,
                             SMMUv3AccelSliceRun *run)
{
    slice->smmu = s;
    slice->run = run;
    slice->limit_us = SLICE_US;
    timer_init_ns(&slice->timer, QEMU_CLOCK_REALTIME, smmuv3_accel_slice_timer,
                  slice);
    object_property_add_uint32_ptr(OBJECT(s), "x-cmdq-slice-us",
                                   &slice->limit_us, OBJ_PROP_FLAG_READWRITE);
}

bool smmuv3_accel_slice_check_clock(SMMUv3AccelSlice *slice)
{
    int64_t now;

    slice->work = 0;
    if (!slice->limit_us) {
        return false;
    }
    now = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    if (!slice->end) {
        slice->end = now + slice->limit_us * (int64_t)SCALE_US;
    } else {
        slice->over = now >= slice->end;
    }
    return slice->over;
}

bool smmuv3_accel_slice_cut(SMMUv3AccelSlice *slice, int64_t start_us)
{
    int64_t now = qemu_clock_get_us(QEMU_CLOCK_REALTIME);

    if (slice->over) {
        return true;
    }
    if (!slice->limit_us || now - start_us < slice->limit_us) {
        return false;
    }
    slice->over = true;
    if (slice->running) {
        smmuv3_accel_slice_start(slice);
    }
    return true;
}

void smmuv3_accel_slice_end(SMMUv3AccelSlice *slice)
{
    if (slice->over) {
        trace_smmuv3_accel_slice_over(slice->smmu->cmdq.prod,
                                      slice->smmu->cmdq.cons);
        slice->waits = true;
        if (slice->running) {
            smmuv3_accel_slice_start(slice);
        }
    }
    slice->over = false;
    slice->work = 0;
    slice->end = 0;
}

void smmuv3_accel_slice_reset(SMMUv3AccelSlice *slice)
{
    timer_del(&slice->timer);
    slice->waits = false;
    slice->over = false;
}

void smmuv3_accel_slice_run_state(SMMUv3AccelSlice *slice, bool running)
{
    slice->running = running;
    if (!running) {
        timer_del(&slice->timer);
        return;
    }
    slice->waits |= slice->over || !smmuv3_q_empty(&slice->smmu->cmdq);
    if (slice->waits) {
        smmuv3_accel_slice_start(slice);
    }
}
