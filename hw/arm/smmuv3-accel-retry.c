/*
 * Accelerated arm-smmuv3: stopped devices go on when the host can again
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*
 * A device is stopped because the host failed, and the host may fail for a
 * moment only: a device cannot be attached while it, or one in its group, is
 * being reset, and memory can be short. So each CMD_SYNC is an attempt to have
 * it go on, and so is a timer for a guest that sends none. A call can take a
 * second before it fails, so the same one is not made twice in an attempt, and
 * the timer waits longer each time.
 *
 * A call that times out leaves its commands in the host queue, and if that is
 * full, the next call does not return before it moves. So a guest that sends
 * one CMD_SYNC after the other makes no attempts to recover stale host caches
 * as fast as it can, but less and less often. The timer goes by the same time:
 * a guest may be able to make them stale again as soon as they are not.
 *
 * A device that does not answer ATC invalidations is left alone: an attempt
 * would enable its ATS, and the next invalidation would fail for all devices of
 * its batch again. When the guest has its STE read again, its ATS is enabled at
 * once the first time, and later the more often this was in vain. A guest can
 * have many such devices, so they wait together: what one of them fails by
 * counts for all, and at the end of a time they are tried one by one, until one
 * does not answer: first the one that has not answered longest ago.
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "smmuv3-accel-internal.h"

/* The first delay of the timer; each failure doubles it up to the last one */
#define RETRY_FIRST_MS  100
#define RETRY_LAST_MS   12800

static bool smmuv3_accel_retry_is_due(SMMUv3AccelState *a)
{
    return a->retry.waiting || a->doomed->len ||
           (a->cmdq && smmuv3_accel_cmdq_stale(a->cmdq));
}

void smmuv3_accel_retry_start_timer(SMMUv3AccelState *a)
{
    if (!timer_pending(&a->retry.timer)) {
        timer_mod(&a->retry.timer, qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) +
                                   a->retry.delay_ms);
    }
}

void smmuv3_accel_force_attempt(SMMUv3AccelState *a)
{
    a->retry.attempt++;
    if (a->cmdq) {
        smmuv3_accel_cmdq_allow_attempt(a->cmdq);
    }
}

/* With all failures over, the next one is not waited for as long as those */
static void smmuv3_accel_retry_settle(SMMUv3AccelState *a)
{
    if (!smmuv3_accel_retry_is_due(a)) {
        a->retry.delay_ms = RETRY_FIRST_MS;
        if (!a->retry.sync_waits &&
            smmu_enabled(a->smmu) == a->acknowledged) {
            timer_del(&a->retry.timer);
        }
    }
}

static bool smmuv3_accel_backoff_quiet(const SMMUv3AccelBackoff *b)
{
    return !b->failures || qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) >
                           b->not_before + RETRY_LAST_MS;
}

void smmuv3_accel_backoff(SMMUv3AccelBackoff *b)
{
    if (smmuv3_accel_backoff_quiet(b)) {
        b->failures = 0;
    }
    b->not_before = qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL);
    if (b->failures) {
        b->not_before += MIN(RETRY_FIRST_MS << MIN(b->failures - 1, 16),
                             RETRY_LAST_MS);
    }
    b->failures++;
}

bool smmuv3_accel_backoff_waits(const SMMUv3AccelBackoff *b)
{
    return qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) < b->not_before;
}

static bool smmuv3_accel_atc_failed_lately(const SMMUv3AccelDevice *adev)
{
    return adev->atc_failed && qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) <=
                               adev->atc_failed_at + RETRY_LAST_MS;
}

void smmuv3_accel_atc_backoff(SMMUv3AccelState *a, SMMUv3AccelDevice *adev)
{
    bool quiet = smmuv3_accel_backoff_quiet(&a->retry.atcs);

    if (quiet && smmuv3_accel_atc_failed_lately(adev)) {
        /* The failure before, which was not waited for */
        smmuv3_accel_backoff(&a->retry.atcs);
    }
    if (adev->atc_failed || !quiet) {
        smmuv3_accel_backoff(&a->retry.atcs);
    }
    a->retry.atcs_failed += !adev->atc_failed;
    adev->atc_failed = true;
    adev->atc_failed_at = qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL);
}

void smmuv3_accel_atc_answered(void *opaque, uint32_t vsid)
{
    SMMUv3AccelState *a = opaque;
    SMMUv3AccelDevice *adev;

    /* As nearly always, and this is called for each command */
    if (!a->retry.atcs_failed) {
        return;
    }
    adev = smmuv3_accel_find(a, vsid);
    for (; adev; adev = QLIST_NEXT(adev, same_sid)) {
        if (adev->atc_failed && adev->host.vdevice_id != NO_ID &&
            adev->host.vsid == vsid && !smmuv3_accel_atc_failed_lately(adev)) {
            adev->atc_failed = false;
            a->retry.atcs_failed--;
        }
    }
}

bool smmuv3_accel_atc_waits(const SMMUv3AccelState *a,
                            const SMMUv3AccelDevice *adev)
{
    return adev->atc_failed && smmuv3_accel_backoff_waits(&a->retry.atcs);
}

static bool smmuv3_accel_retry_too_early(SMMUv3AccelState *a)
{
    uint32_t failures = a->cmdq ? smmuv3_accel_cmdq_failures(a->cmdq) : 0;

    if (failures != a->retry.failures) {
        a->retry.failures = failures;
        smmuv3_accel_backoff(&a->retry.caches);
    }
    return smmuv3_accel_backoff_waits(&a->retry.caches);
}

void smmuv3_accel_new_attempt(SMMUv3AccelState *a)
{
    if (smmuv3_accel_retry_too_early(a)) {
        a->retry.attempt++;
    } else {
        smmuv3_accel_force_attempt(a);
    }
}

/* Whether an attempt is made without the guest asking for it */
static bool smmuv3_accel_stop_may_end(SMMUv3AccelStop why)
{
    return why != STOP_NONE && why != STOP_ATC;
}

void smmuv3_accel_set_stopped(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                              SMMUv3AccelStop why)
{
    a->retry.waiting += smmuv3_accel_stop_may_end(why) -
                        smmuv3_accel_stop_may_end(adev->stopped);
    adev->stopped = why;
    if (why == STOP_NONE || why == STOP_NO_VDEVICE) {
        g_clear_pointer(&adev->failure, g_free);
    }
    if (smmuv3_accel_stop_may_end(why)) {
        smmuv3_accel_retry_start_timer(a);
    } else {
        smmuv3_accel_retry_settle(a);
    }
}

/* Whether to read the STE of a device again, see smmuv3_accel_mark_stopped() */
static bool smmuv3_accel_stop_ends(SMMUv3AccelState *a,
                                   const SMMUv3AccelDevice *adev,
                                   SMMUv3AccelStop why)
{
    switch (adev->stopped) {
    case STOP_CACHES:
        return why == STOP_CACHES;
    case STOP_REFUSED:
    case STOP_NO_VDEVICE:
        return why == STOP_REFUSED && adev->attempt != a->retry.attempt;
    case STOP_ATC_WAITS:
        return why == STOP_REFUSED && !smmuv3_accel_atc_waits(a, adev);
    default:
        return false;
    }
}

void smmuv3_accel_mark_stopped(SMMUv3AccelState *a, SMMUv3AccelStop why)
{
    GHashTableIter iter;
    gpointer value;

    if (!a->retry.waiting) {
        return;
    }
    g_hash_table_iter_init(&iter, a->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        SMMUv3AccelDevice *adev = value;

        if (smmuv3_accel_stop_ends(a, adev, why)) {
            smmuv3_accel_mark(a, adev, false);
        }
    }
}

/*
 * Tell whether a device does DMA that the guest has ended: any at all while the
 * host caches are stale, else by an STE that could neither be replaced nor
 * stopped, or by one that was to be stopped for such caches.
 */
static bool smmuv3_accel_wrong_dma(SMMUv3AccelState *a)
{
    bool stale = smmuv3_accel_cmdq_stale(a->cmdq);
    GHashTableIter iter;
    gpointer value;

    if (!stale && !a->retry.waiting) {
        return false;
    }
    g_hash_table_iter_init(&iter, a->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        SMMUv3AccelDevice *adev = value;

        if (smmuv3_accel_does_dma(adev) &&
            (stale || adev->stopped == STOP_REFUSED ||
             adev->stopped == STOP_CACHES)) {
            return true;
        }
    }
    return false;
}

bool smmuv3_accel_end_sync(SMMUv3AccelState *a, SMMUCmdError *cmd_error)
{
    bool stale = smmuv3_accel_cmdq_stale(a->cmdq);

    if (!stale && smmuv3_accel_cmdq_unproved(a->cmdq)) {
        return false;
    }
    smmuv3_accel_new_attempt(a);
    /* An outage that is over was the last one, whatever else has ended it */
    a->retry.guest_told &= stale && !smmuv3_accel_cmdq_take_recovered(a->cmdq);
    if (!stale) {
        smmuv3_accel_retry_settle(a);
    } else if (!a->retry.guest_told) {
        a->retry.guest_told = true;
        *cmd_error = SMMU_CERROR_ABT;
        return false;
    }
    a->retry.sync_waits = smmuv3_accel_wrong_dma(a);
    if (a->retry.sync_waits) {
        /* The guest does not ring again: it waits for this SYNC */
        smmuv3_accel_retry_start_timer(a);
    }
    return !a->retry.sync_waits;
}

void smmuv3_accel_acknowledge(SMMUv3AccelState *a)
{
    SMMUv3State *s = a->smmu;
    bool wrong = a->cmdq && smmuv3_accel_wrong_dma(a);

    if (wrong) {
        smmuv3_accel_retry_start_timer(a);
    }
    wrong |= a->registers_due;
    if (!wrong) {
        a->acknowledged = smmu_enabled(s);
    }
    s->cr0ack = FIELD_DP32(s->cr0ack, CR0, SMMU_ENABLE, a->acknowledged);
    s->gbpa = FIELD_DP32(s->gbpa, GBPA, UPDATE, wrong && !smmu_enabled(s));
}

static void smmuv3_accel_retry(SMMUv3AccelState *a)
{
    if (a->slice.waits) {
        /* An attempt that takes longer than the delay is not begun again */
        smmuv3_accel_retry_start_timer(a);
        return;
    }
    smmuv3_accel_new_attempt(a);
    smmuv3_accel_free_doomed(a);
    /* Not in the midst of all devices, which a slice will end */
    if (!a->stopping && !a->registers_due) {
        smmuv3_accel_mark_stopped(a, STOP_REFUSED);
        smmuv3_accel_complete(a->smmu, false);
        smmuv3_accel_slice_end(&a->slice);
        a->retry.guest_told &= smmuv3_accel_cmdq_stale(a->cmdq);
    }
    smmuv3_accel_new_attempt(a);
    if (smmuv3_accel_retry_is_due(a)) {
        a->retry.delay_ms = MIN(2 * a->retry.delay_ms, RETRY_LAST_MS);
        smmuv3_accel_retry_start_timer(a);
    }
}

static void smmuv3_accel_retry_timer(void *opaque)
{
    SMMUv3AccelState *a = opaque;
    MemReentrancyGuard *guard = &DEVICE(a->smmu)->mem_reentrancy_guard;

    /* As in a register write: the tables must not access these registers */
    guard->engaged_in_io = true;
    if (smmuv3_accel_retry_is_due(a)) {
        smmuv3_accel_retry(a);
    }
    smmuv3_accel_retry_settle(a);
    smmuv3_accel_acknowledge(a);
    if (a->retry.sync_waits) {
        a->retry.sync_waits = false;
        smmuv3_cmdq_consume(a->smmu);
    }
    guard->engaged_in_io = false;
}

void smmuv3_accel_retry_init(SMMUv3AccelState *a)
{
    a->retry.delay_ms = RETRY_FIRST_MS;
    /* This clock, and the timer with it, stands still with the machine */
    timer_init_ms(&a->retry.timer, QEMU_CLOCK_VIRTUAL,
                  smmuv3_accel_retry_timer, a);
}
