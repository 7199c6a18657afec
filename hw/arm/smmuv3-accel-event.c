/*
 * Accelerated arm-smmuv3: events of the host SMMUv3 for the guest
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "system/iommufd_viommu.h"
#include "smmuv3-accel-event.h"
#include "smmuv3-internal.h"
#include "trace.h"

/* Records that the kernel keeps for a guest, each up to 100 bytes */
#define VEVENTQ_DEPTH 1024

/* The kernel had no memory for a read: time until the next one */
#define NO_MEMORY_MS    10

/* Records in one read; the main loop calls again for more */
#define EVENTS_PER_READ 64

typedef struct SMMUv3AccelEvent {
    struct iommufd_vevent_header header;
    struct iommu_vevent_arm_smmuv3 record;
} SMMUv3AccelEvent;

struct SMMUv3AccelEvents {
    SMMUv3State *smmu;
    IOMMUFDBackend *be;
    uint32_t id;
    int fd;
    int watch_fd;               /* descriptor that the main loop watches */
    QEMUTimer no_memory;
    bool broken;                /* reading failed, and the user was told */
    uint32_t next_sequence;     /* a new queue starts at 0 */
};

/* SMMUv3 IHI0070, 7.4: one toggle until the guest acknowledges it */
static void smmuv3_accel_events_overflow(SMMUv3AccelEvents *events)
{
    SMMUQueue *q = &events->smmu->eventq;

    trace_smmuv3_accel_events_overflow(q->prod, q->cons);
    if (smmuv3_eventq_enabled(events->smmu) &&
        !((q->prod ^ q->cons) & EVT_Q_OVERFLOW)) {
        q->prod ^= EVT_Q_OVERFLOW;
    }
}

static void smmuv3_accel_events_deliver(SMMUv3AccelEvents *events,
                                        const struct iommu_vevent_arm_smmuv3 *r)
{
    SMMUv3State *s = events->smmu;
    Evt evt;

    for (int i = 0; i < ARRAY_SIZE(r->evt); i++) {
        uint64_t dword = le64_to_cpu(r->evt[i]);

        evt.word[2 * i] = extract64(dword, 0, 32);
        evt.word[2 * i + 1] = extract64(dword, 32, 32);
    }

    trace_smmuv3_accel_events_deliver(evt.word[1], evt.word[0],
                                      smmuv3_eventq_enabled(s));
    if (!smmuv3_eventq_enabled(s)) {
        return;
    }
    if (smmuv3_q_full(&s->eventq)) {
        smmuv3_accel_events_overflow(events);
        return;
    }
    if (smmuv3_write_eventq(s, &evt) != MEMTX_OK) {
        smmuv3_trigger_irq(s, SMMU_IRQ_GERROR, R_GERROR_EVENTQ_ABT_ERR_MASK);
    }
}

static void
smmuv3_accel_events_check_sequence(SMMUv3AccelEvents *events,
                                   const struct iommufd_vevent_header *h)
{
    /* A later record replaces the mark of lost events, but leaves a gap */
    if ((h->flags & IOMMU_VEVENTQ_FLAG_LOST_EVENTS) ||
        h->sequence != events->next_sequence) {
        smmuv3_accel_events_overflow(events);
    }
    events->next_sequence = h->sequence == INT_MAX ? 0 : h->sequence + 1;
}

/* Returns: true if there were records to read */
static bool smmuv3_accel_events_read_some(SMMUv3AccelEvents *events)
{
    SMMUv3AccelEvent buf[EVENTS_PER_READ];
    size_t offset = 0;
    ssize_t len;

    len = RETRY_ON_EINTR(read(events->fd, buf, sizeof(buf)));
    if (len <= 0) {
        if (len < 0 && errno == ENOMEM) {
            /* For a moment, in which the main loop would spin as well */
            qemu_set_fd_handler(events->watch_fd, NULL, NULL, NULL);
            timer_mod(&events->no_memory,
                      qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) + NO_MEMORY_MS);
        } else if (len < 0 && errno != EAGAIN) {
            /* The main loop would spin if it still watched the descriptor */
            error_report("arm-smmuv3: cannot read events of the host SMMUv3:"
                         " %s; the guest sees none from now on",
                         strerror(errno));
            qemu_set_fd_handler(events->watch_fd, NULL, NULL, NULL);
            events->broken = true;
            smmuv3_accel_events_overflow(events);
        }
        return false;
    }

    /* A header that tells of lost events has no record behind it */
    while (len - offset >= sizeof(struct iommufd_vevent_header)) {
        SMMUv3AccelEvent event;

        memcpy(&event.header, (char *)buf + offset, sizeof(event.header));
        offset += sizeof(event.header);
        smmuv3_accel_events_check_sequence(events, &event.header);
        if (event.header.flags & IOMMU_VEVENTQ_FLAG_LOST_EVENTS) {
            continue;
        }
        if (len - offset < sizeof(event.record)) {
            smmuv3_accel_events_overflow(events);
            break;
        }
        memcpy(&event.record, (char *)buf + offset, sizeof(event.record));
        offset += sizeof(event.record);
        smmuv3_accel_events_deliver(events, &event.record);
    }
    return true;
}

static void smmuv3_accel_events_read(void *opaque)
{
    smmuv3_accel_events_read_some(opaque);
}

static void smmuv3_accel_events_watch(void *opaque)
{
    SMMUv3AccelEvents *events = opaque;

    qemu_set_fd_handler(events->watch_fd, smmuv3_accel_events_read, NULL,
                        events);
}

void smmuv3_accel_events_drain(SMMUv3AccelEvents *events)
{
    for (int i = 0; i < VEVENTQ_DEPTH / EVENTS_PER_READ; i++) {
        if (!events || events->broken ||
            !smmuv3_accel_events_read_some(events)) {
            break;
        }
    }
}

bool smmuv3_accel_events_start(SMMUv3State *s, IOMMUFDBackend *be,
                               uint32_t viommu_id, SMMUv3AccelEvents **events,
                               Error **errp)
{
    SMMUv3AccelEvents *e;
    Error *local_err = NULL;
    uint32_t id;
    int fd, watch_fd;

    *events = NULL;
    if (!iommufd_backend_alloc_veventq(be, viommu_id,
                                       IOMMU_VEVENTQ_TYPE_ARM_SMMUV3,
                                       VEVENTQ_DEPTH, &id, &fd, &local_err)) {
        if (errno == ENOTTY || errno == EOPNOTSUPP) {
            error_free(local_err);
            return true;
        }
        error_propagate(errp, local_err);
        return false;
    }
    watch_fd = iommufd_eventq_watch(fd, errp);
    if (watch_fd < 0) {
        iommufd_backend_free_eventq(be, id, fd);
        return false;
    }

    e = g_new(SMMUv3AccelEvents, 1);
    *e = (SMMUv3AccelEvents) {
        .smmu = s,
        .be = be,
        .id = id,
        .fd = fd,
        .watch_fd = watch_fd,
    };
    timer_init_ms(&e->no_memory, QEMU_CLOCK_VIRTUAL, smmuv3_accel_events_watch,
                  e);
    smmuv3_accel_events_watch(e);
    *events = e;
    return true;
}

void smmuv3_accel_events_stop(SMMUv3AccelEvents *events)
{
    if (!events) {
        return;
    }
    if (timer_pending(&events->no_memory)) {
        smmuv3_accel_events_overflow(events);
        timer_del(&events->no_memory);
    }
    qemu_set_fd_handler(events->watch_fd, NULL, NULL, NULL);
    iommufd_eventq_unwatch(events->watch_fd, events->fd);
    iommufd_backend_free_eventq(events->be, events->id, events->fd);
    g_free(events);
}
