/*
 * Accelerated arm-smmuv3: commands of the guest that concern devices
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*
 * A command that says that an STE may have changed marks the devices that it
 * concerns. The STEs of all marked devices are applied when the guest waits for
 * them with a CMD_SYNC, and at the end of the queue; one STE is applied alone
 * ahead of a command whose meaning depends on it. So an STE is read once,
 * however often commands named it. If a slice ends before all marked devices
 * are done, the next slice goes on with the rest, and CONS stays at the command
 * meanwhile.
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "smmuv3-accel-stall.h"

/* Devices whose STE may have changed */

/*
 * Of devices that have not answered the one that this is longest ago for comes
 * first. It may be well, while one that fails each time has others wait again.
 */
static SMMUv3AccelDevice *smmuv3_accel_failed_later(SMMUv3AccelState *a,
                                                    SMMUv3AccelDevice *adev)
{
    SMMUv3AccelDevice *other = NULL;

    if (adev->atc_failed) {
        QTAILQ_FOREACH(other, &a->marked, mark) {
            if (other->atc_failed &&
                other->atc_failed_at > adev->atc_failed_at) {
                break;
            }
        }
    }
    return other;
}

void smmuv3_accel_mark(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                       bool named)
{
    SMMUv3AccelDevice *later;

    if (!QTAILQ_IN_USE(adev, mark)) {
        later = smmuv3_accel_failed_later(a, adev);
        if (later) {
            QTAILQ_INSERT_BEFORE(later, adev, mark);
        } else {
            QTAILQ_INSERT_TAIL(&a->marked, adev, mark);
        }
        a->marks++;
    }
    adev->named |= named;
}

void smmuv3_accel_unmark(SMMUv3AccelState *a, SMMUv3AccelDevice *adev)
{
    if (QTAILQ_IN_USE(adev, mark)) {
        QTAILQ_REMOVE(&a->marked, adev, mark);
        a->marks--;
        adev->named = false;
    }
}

static void smmuv3_accel_mark_range(SMMUv3AccelState *a, uint32_t first,
                                    uint32_t last, bool named)
{
    GHashTableIter iter;
    gpointer adev;

    if (!named && a->marks == g_hash_table_size(a->devices)) {
        return;
    }
    smmuv3_accel_slice_spend(&a->slice, g_hash_table_size(a->devices));
    g_hash_table_iter_init(&iter, a->devices);
    while (g_hash_table_iter_next(&iter, NULL, &adev)) {
        uint32_t sid = smmuv3_accel_sid(adev);

        if (sid >= first && sid <= last) {
            smmuv3_accel_mark(a, adev, named);
        }
    }
}

void smmuv3_accel_mark_all(SMMUv3AccelState *a)
{
    smmuv3_accel_mark_range(a, 0, UINT32_MAX, false);
}

static void smmuv3_accel_apply_marked_device(SMMUv3State *s,
                                             SMMUv3AccelDevice *adev)
{
    SMMUv3AccelState *a = s->accel_state;
    bool named = adev->named;

    smmuv3_accel_slice_spend(&a->slice, SLICE_WORK_EMULATED);
    smmuv3_accel_unmark(a, adev);
    if (!a->stopping) {
        smmuv3_accel_apply(s, adev, named);
    } else if (named || smmuv3_accel_does_dma(adev) ||
               (adev->stopped != STOP_ATC && adev->stopped != STOP_ATC_WAITS)) {
        smmuv3_accel_stop(a, adev, STOP_CACHES, error_copy(a->stopping));
    }
}

bool smmuv3_accel_apply_marked(SMMUv3State *s, bool now)
{
    SMMUv3AccelState *a = s->accel_state;

    while (!QTAILQ_EMPTY(&a->marked)) {
        if (!now && smmuv3_accel_slice_over(&a->slice)) {
            return false;
        }
        smmuv3_accel_apply_marked_device(s, QTAILQ_FIRST(&a->marked));
    }
    return true;
}

bool smmuv3_accel_complete(SMMUv3State *s, bool now)
{
    static const Cmd tlbi_all = { .word = { SMMU_CMD_TLBI_NSNH_ALL } };
    SMMUv3AccelState *a = s->accel_state;

    do {
        if (!smmuv3_accel_apply_marked(s, now)) {
            return false;
        }
        a->tlbi_waits = false;
        if (a->stopping) {
            error_free(a->stopping);
            a->stopping = NULL;
            if (smmuv3_accel_cmdq_stale(a->cmdq)) {
                return true;
            }
        }
        if (a->tlbi_again) {
            smmuv3_accel_cmdq_add(a->cmdq, &tlbi_all);
            a->tlbi_again = false;
        }
        if (!smmuv3_accel_cmdq_submit(a->cmdq, &a->stopping)) {
            smmuv3_accel_mark_all(a);
        } else if (smmuv3_accel_cmdq_take_recovered(a->cmdq)) {
            a->retry.guest_told = false;
            smmuv3_accel_mark_stopped(a, STOP_CACHES);
        }
    } while (a->marks);
    return true;
}

/* Called by smmuv3.c */

bool smmuv3_accel_next_emulated(SMMUv3State *s)
{
    SMMUv3AccelState *a = s->accel_state;

    /* Ahead of a guest that runs, it is another process that has the devices */
    if (a->cpr.adopting || smmuv3_accel_slice_over(&a->slice)) {
        return false;
    }
    if (g_hash_table_size(a->devices) && !a->emulates && !a->marks &&
        !a->tlbi_again && !a->retry.waiting &&
        !smmuv3_accel_faults_due(a->faults) &&
        !smmuv3_accel_cmdq_next_emulated(a->cmdq)) {
        return false;
    }
    smmuv3_accel_slice_spend(&a->slice, SLICE_WORK_EMULATED);
    return true;
}

bool smmuv3_accel_execute(SMMUv3State *s, const Cmd *cmd,
                          SMMUCmdError *cmd_error)
{
    SMMUv3AccelState *a = s->accel_state;
    SMMUv3AccelDevice *adev;

    if (!g_hash_table_size(a->devices)) {
        return true;
    }

    switch (CMD_TYPE(cmd)) {
    case SMMU_CMD_SYNC:
        smmuv3_accel_faults_flush(a->faults);
        smmuv3_accel_mark_stopped(a, STOP_REFUSED);
        return smmuv3_accel_complete(s, false) &&
               smmuv3_accel_end_sync(a, cmd_error);
    case SMMU_CMD_CFGI_STE:
        if (CMD_SSEC(cmd)) {
            break;
        }
        adev = smmuv3_accel_find(a, CMD_SID(cmd));
        for (; adev; adev = QLIST_NEXT(adev, same_sid)) {
            smmuv3_accel_slice_spend(&a->slice, 1);
            smmuv3_accel_mark(a, adev, true);
        }
        break;
    case SMMU_CMD_CFGI_STE_RANGE:
        if (!CMD_SSEC(cmd)) {
            /* CMD_CFGI_ALL is the same command with the widest range */
            uint64_t mask = MAKE_64BIT_MASK(0, CMD_STE_RANGE(cmd) + 1);
            uint32_t first = CMD_SID(cmd) & ~mask;

            /* In the midst of stopping devices the guest's wish is noted */
            smmuv3_accel_mark_range(a, first, first + mask, a->stopping);
        }
        break;
    case SMMU_CMD_CFGI_CD:
    case SMMU_CMD_CFGI_CD_ALL:
    case SMMU_CMD_ATC_INV:
        /* The host needs a vDEVICE for these, and ATS for the last one */
        adev = smmuv3_accel_find(a, CMD_SID(cmd));
        if (adev && QLIST_NEXT(adev, same_sid)) {
            if (!smmuv3_accel_apply_marked(s, false)) {
                return false;
            }
        } else if (adev && QTAILQ_IN_USE(adev, mark)) {
            smmuv3_accel_apply_marked_device(s, adev);
        }
        smmuv3_accel_cmdq_add(a->cmdq, cmd);
        break;
    case SMMU_CMD_STALL_TERM:
        if (CMD_SSEC(cmd)) {
            break;
        }
        adev = smmuv3_accel_find(a, CMD_SID(cmd));
        for (; adev; adev = QLIST_NEXT(adev, same_sid)) {
            smmuv3_accel_slice_spend(&a->slice, 1);
            smmuv3_accel_stall_drain(a, adev);
        }
        break;
    case SMMU_CMD_RESUME:
        /* For the emulation, which knows what waits */
        break;
    default:
        a->tlbi_waits |= a->marks > 0;
        smmuv3_accel_cmdq_add(a->cmdq, cmd);
        break;
    }
    return true;
}

void smmuv3_accel_flush(SMMUv3State *s)
{
    SMMUv3AccelState *a = s->accel_state;

    if (a->cpr.adopting) {
        return;
    }
    smmuv3_accel_faults_flush(a->faults);
    if (a->slice.waits) {
        return;
    }
    if (g_hash_table_size(a->devices)) {
        smmuv3_accel_cmdq_drop_read_ahead(a->cmdq);
        /*
         * Mostly a CMD_SYNC was the last command, and all is done. Stale host
         * caches are looked after by the next attempt.
         */
        if ((a->stopping || !smmuv3_accel_cmdq_stale(a->cmdq)) &&
            (a->marks || a->tlbi_waits || a->tlbi_again || a->stopping ||
             !smmuv3_accel_cmdq_idle(a->cmdq)) &&
            !smmuv3_accel_complete(s, false)) {
            smmuv3_accel_cmdq_submit(a->cmdq, NULL);
        }
    }
    smmuv3_accel_slice_end(&a->slice);
    if (!a->slice.waits) {
        smmuv3_accel_new_attempt(a);
    }
    smmuv3_accel_acknowledge(a);
}
