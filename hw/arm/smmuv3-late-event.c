/*
 * Arm SMMUv3: record events of threads that do not hold the BQL
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "block/aio.h"
#include "qemu/atomic.h"
#include "qemu/main-loop.h"
#include "smmuv3-late-event.h"

/* Limit of events that wait: a device can be faster than the main loop */
#define LATE_EVENTS_MAX 64

typedef struct SMMUv3LateEvent {
    SMMUv3State *smmu;
    SMMUEventInfo info;
} SMMUv3LateEvent;

static void smmuv3_late_event_record(void *opaque)
{
    g_autofree SMMUv3LateEvent *event = opaque;
    SMMUv3State *s = event->smmu;
    SMMUQueue *q = &s->eventq;

    qatomic_dec(&s->late_events);
    smmuv3_record_event(s, &event->info);
    if (qatomic_xchg(&s->late_events_lost, false) &&
        smmuv3_eventq_enabled(s) && !((q->prod ^ q->cons) & EVT_Q_OVERFLOW)) {
        q->prod ^= EVT_Q_OVERFLOW;
    }
}

bool smmuv3_late_event_defer(SMMUv3State *s, const SMMUEventInfo *info)
{
    SMMUv3LateEvent *event;

    if (bql_locked()) {
        return false;
    }
    if (info->type == SMMU_EVT_NONE) {
        return true;
    }
    if (qatomic_fetch_inc(&s->late_events) >= LATE_EVENTS_MAX) {
        qatomic_dec(&s->late_events);
        qatomic_set(&s->late_events_lost, true);
        return true;
    }
    event = g_new(SMMUv3LateEvent, 1);
    *event = (SMMUv3LateEvent) { .smmu = s, .info = *info };
    aio_bh_schedule_oneshot(qemu_get_aio_context(), smmuv3_late_event_record,
                            event);
    return true;
}
