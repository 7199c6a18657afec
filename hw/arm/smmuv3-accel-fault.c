/*
 * Accelerated arm-smmuv3: page requests of the host for the guest
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*
 * The kernel gives each request a cookie when it is read, and takes one answer
 * for a cookie. It answers by itself when the device leaves its HWPT, and may
 * give the cookie away again. So what is known here of a device is forgotten
 * when it leaves, and answers that are gathered are written before it does.
 *
 * smmuv3-stall.c gives the tags, writes the records and executes the commands.
 * A record waits for room in the guest's event queue, and for the queue to be
 * enabled (7.2); the transaction stays stalled meanwhile.
 *
 * A cookie stands for one request. PCI Express has page requests that are
 * answered as a group, and the kernel has one cookie for the group then; but a
 * stalled transaction is a request of its own (arm_smmu_handle_event() of Linux
 * 7.3 flags each one as the last of its group), with a tag and an answer of its
 * own. Others would be a source that the guest was not told of, whose answers
 * are no CMD_RESUME: the queue is taken to be broken.
 *
 * The kernel does not say which fault it was. All that stall are handled in the
 * same way by a driver, and a page that is not there is the most common one, so
 * the guest is told of a translation fault. The stage is not told either: a
 * guest that maps an address without memory behind it is asked for a page that
 * it has mapped.
 */

#include "qemu/osdep.h"
#include "block/aio.h"
#include "migration/cpr.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "system/iommufd_viommu.h"
#include "smmuv3-accel-fault.h"
#include "smmuv3-stall.h"
#include "trace.h"

/* Requests in one read; the main loop calls again for more */
#define FAULTS_PER_READ 64

/* Answers in one write */
#define MOST_ANSWERS    64

/*
 * Requests that wait here, beyond which the kernel keeps the others: those that
 * the guest is told of at a time, and as many that are next.
 */
#define MOST_FAULTS     (2 * SMMUV3_STALL_MAX)

/* Same for a command that has to know what the kernel's queue has */
#define MOST_DRAINED    1024

/* Reads of such a command: a device may fault as fast as its faults end */
#define MOST_READS      64

/* The kernel had no memory for a read: time until the next one */
#define NO_MEMORY_MS    10

/* A request that was read and is not answered */
typedef struct SMMUv3AccelFault {
    SMMUv3Stall stall;
    SMMUv3AccelFaults *faults;
    uint32_t dev_id;
    uint32_t cookie;
    QTAILQ_ENTRY(SMMUv3AccelFault) next;
} SMMUv3AccelFault;

struct SMMUv3AccelFaults {
    SMMUv3State *smmu;
    IOMMUFDBackend *be;
    const SMMUv3AccelFaultOps *ops;
    void *opaque;
    char *cpr_name;
    uint32_t id;
    int fd;
    int watch_fd;               /* descriptor that the main loop watches */
    bool watched;
    bool handed_over;           /* another QEMU reads */
    bool broken;                /* the user was told */
    GHashTable *ended;          /* devices, see smmuv3_accel_faults_drain() */
    QEMUBH *end_bh;             /* looks for the end that they wait for */
    QEMUTimer no_memory;
    QEMUBH *bh;
    QTAILQ_HEAD(, SMMUv3AccelFault) waiting;    /* oldest first */
    uint32_t waiting_num;
    uint32_t answers_num;
    struct iommu_hwpt_page_response answers[MOST_ANSWERS];
};

/* The descriptor and the main loop */

static void faults_read(void *opaque);

/* With nothing in the queue the descriptor does not tell that it is empty */
static void faults_find_end(SMMUv3AccelFaults *f)
{
    if (f->watched && g_hash_table_size(f->ended)) {
        qemu_bh_schedule(f->end_bh);
    } else {
        qemu_bh_cancel(f->end_bh);
    }
}

static void faults_watch(SMMUv3AccelFaults *f)
{
    bool watch = !f->broken && !f->handed_over &&
                 f->waiting_num < MOST_FAULTS && !timer_pending(&f->no_memory);

    if (watch != f->watched) {
        f->watched = watch;
        qemu_set_fd_handler(f->watch_fd, watch ? faults_read : NULL, NULL, f);
        faults_find_end(f);
    }
}

static void faults_memory_again(void *opaque)
{
    faults_watch(opaque);
}

/*
 * The owner is told from the main loop: here it may be in the midst of a
 * command, or of taking a device out of its HWPT.
 */
static void faults_break(SMMUv3AccelFaults *f, const char *what)
{
    if (f->broken) {
        return;
    }
    error_report("arm-smmuv3: the queue of page faults of the host SMMUv3 is"
                 " broken: %s; a page fault ends the device's transaction from"
                 " now on, unplug all devices and plug them again to have their"
                 " faults reported", what);
    f->broken = true;
    f->answers_num = 0;
    faults_watch(f);
    qemu_bh_schedule(f->bh);
}

/* Answers */

void smmuv3_accel_faults_flush(SMMUv3AccelFaults *f)
{
    const char *from;
    size_t left;

    if (!smmuv3_accel_faults_due(f)) {
        return;
    }
    from = (const char *)f->answers;
    left = f->answers_num * sizeof(f->answers[0]);
    f->answers_num = 0;
    while (left) {
        ssize_t len = RETRY_ON_EINTR(write(f->fd, from, left));

        trace_smmuv3_accel_faults_answered(f->id, left, len);
        /* A refused one says that a cookie is not what it was taken for */
        if (len <= 0 || len > left || len % sizeof(f->answers[0])) {
            g_autofree char *what =
                g_strdup_printf("it takes no answer: %s",
                                len < 0 ? strerror(errno) : "bad length");

            faults_break(f, what);
            return;
        }
        from += len;
        left -= len;
    }
}

static void faults_answer(SMMUv3AccelFaults *f, uint32_t cookie, bool retry)
{
    if (f->broken) {
        /* It ends when its device leaves the HWPT */
        return;
    }
    f->answers[f->answers_num++] = (struct iommu_hwpt_page_response) {
        .cookie = cookie,
        .code = retry ? IOMMUFD_PAGE_RESP_SUCCESS : IOMMUFD_PAGE_RESP_INVALID,
    };
    if (f->answers_num == MOST_ANSWERS) {
        smmuv3_accel_faults_flush(f);
    } else {
        qemu_bh_schedule(f->bh);
    }
}

static void faults_bh(void *opaque)
{
    SMMUv3AccelFaults *f = opaque;

    smmuv3_accel_faults_flush(f);
    if (f->broken) {
        f->ops->broken(f->opaque);
    }
}

/* Requests */

static void fault_free(SMMUv3AccelFault *fault)
{
    SMMUv3AccelFaults *f = fault->faults;

    QTAILQ_REMOVE(&f->waiting, fault, next);
    f->waiting_num--;
    g_free(fault);
    faults_watch(f);
}

static void fault_answered(SMMUv3State *s, SMMUv3Stall *stall, bool retry)
{
    SMMUv3AccelFault *fault = container_of(stall, SMMUv3AccelFault, stall);

    faults_answer(fault->faults, fault->cookie, retry);
    fault_free(fault);
}

static void fault_end(SMMUv3AccelFault *fault)
{
    smmuv3_stall_end(fault->faults->smmu, &fault->stall);
    fault_free(fault);
}

static bool faults_has_cookie(SMMUv3AccelFaults *f, uint32_t cookie)
{
    SMMUv3AccelFault *fault;

    QTAILQ_FOREACH(fault, &f->waiting, next) {
        if (fault->cookie == cookie) {
            return true;
        }
    }
    return false;
}

static void fault_begin(SMMUv3AccelFaults *f,
                        const struct iommu_hwpt_pgfault *request)
{
    bool ssv = request->flags & IOMMU_PGFAULT_FLAGS_PASID_VALID;
    bool write = request->perm & IOMMU_PGFAULT_PERM_WRITE;
    SMMUv3AccelFault *fault;
    uint32_t sid;

    if (!f->smmu->stall_state || !smmu_enabled(f->smmu) ||
        smmuv3_accel_faults_end(f, request->dev_id) ||
        !f->ops->find_sid(f->opaque, request->dev_id, &sid) ||
        (ssv && request->pasid >> f->smmu->ssidsize)) {
        /* The guest has ended it, or could not be asked for anybody */
        faults_answer(f, request->cookie, false);
        return;
    }
    fault = g_new0(SMMUv3AccelFault, 1);
    fault->faults = f;
    fault->dev_id = request->dev_id;
    fault->cookie = request->cookie;
    fault->stall.answered = fault_answered;
    fault->stall.event = (SMMUEventInfo) {
        .type = SMMU_EVT_F_TRANSLATION,
        .sid = sid,
        .u.f_walk_eabt = {
            .ssv = ssv,
            .ssid = ssv ? request->pasid : 0,
            .rnw = !write,
            /* Meaningful for a read only (7.3.13) */
            .ind = !write && (request->perm & IOMMU_PGFAULT_PERM_EXEC),
            .pnu = request->perm & IOMMU_PGFAULT_PERM_PRIV,
            .class = SMMU_CLASS_IN,
            .addr = request->addr,
        },
    };
    QTAILQ_INSERT_TAIL(&f->waiting, fault, next);
    f->waiting_num++;
    /* The guest may see the record at once */
    smmuv3_stall_begin(f->smmu, &fault->stall);
}

static const char *faults_bad(SMMUv3AccelFaults *f,
                              const struct iommu_hwpt_pgfault *request)
{
    if (!(request->flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE)) {
        return "a request is a part of another one, as with PRI";
    }
    return faults_has_cookie(f, request->cookie) ?
           "two requests have the same cookie" : NULL;
}

/* Returns: true if there may be more */
static bool faults_read_some(SMMUv3AccelFaults *f)
{
    struct iommu_hwpt_pgfault buf[FAULTS_PER_READ];
    ssize_t len = RETRY_ON_EINTR(read(f->fd, buf, sizeof(buf)));

    trace_smmuv3_accel_faults_read(f->id, len);
    if (len < 0 && errno == EAGAIN) {
        return false;
    }
    if (len < 0 && errno == ENOMEM) {
        /* For a moment, in which the main loop would spin as well */
        timer_mod(&f->no_memory,
                  qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) + NO_MEMORY_MS);
        faults_watch(f);
        return false;
    }
    if (len < 0 || len % sizeof(buf[0])) {
        faults_break(f, len < 0 ? strerror(errno) : "half a request was read");
        return false;
    }
    for (int i = 0; i < len / sizeof(buf[0]) && !f->broken; i++) {
        const char *what = faults_bad(f, &buf[i]);

        if (what) {
            faults_break(f, what);
        } else {
            fault_begin(f, &buf[i]);
        }
    }
    faults_watch(f);
    if (len) {
        /* Less than was asked for can mean that memory was short, too */
        return !f->broken;
    }
    /* What comes from now on has come after the commands */
    g_hash_table_remove_all(f->ended);
    return false;
}

/* Returns: how often the kernel was asked */
static unsigned int faults_read_on(SMMUv3AccelFaults *f)
{
    unsigned int reads = 0;

    do {
        reads++;
    } while (faults_read_some(f) && reads < MOST_READS &&
             f->waiting_num < MOST_DRAINED && g_hash_table_size(f->ended));
    if (reads == MOST_READS) {
        faults_find_end(f);
    }
    return reads;
}

static void faults_read(void *opaque)
{
    faults_read_on(opaque);
}

/* Used by the accelerated SMMUv3 */

bool smmuv3_accel_faults_due(const SMMUv3AccelFaults *f)
{
    return f && f->answers_num;
}

uint32_t smmuv3_accel_faults_id(const SMMUv3AccelFaults *f)
{
    return f && !f->broken ? f->id : 0;
}

bool smmuv3_accel_faults_broken(const SMMUv3AccelFaults *f)
{
    return f && f->broken;
}

uint32_t smmuv3_accel_faults_waiting(const SMMUv3AccelFaults *f,
                                     uint32_t dev_id)
{
    const SMMUv3AccelFault *fault;
    uint32_t n = 0;

    if (f) {
        QTAILQ_FOREACH(fault, &f->waiting, next) {
            n += fault->dev_id == dev_id;
        }
    }
    return n;
}

/*
 * The kernel's queue is in order: of the events that it has handled, those of
 * what has stalled before are ahead of the others. It is read to its end here.
 * Where that cannot be done, what is read ends until the end was seen, which
 * may be more than is asked for. An event that the kernel has yet to handle is
 * in no queue that can be read, and cannot be told from a later one.
 */
unsigned int smmuv3_accel_faults_drain(SMMUv3AccelFaults *f, uint32_t dev_id)
{
    if (!f || f->broken || f->handed_over) {
        return 0;
    }
    g_hash_table_add(f->ended, GUINT_TO_POINTER(dev_id));
    return f->waiting_num < MOST_DRAINED ? faults_read_on(f) : 0;
}

bool smmuv3_accel_faults_end(const SMMUv3AccelFaults *f, uint32_t dev_id)
{
    return f && g_hash_table_contains(f->ended, GUINT_TO_POINTER(dev_id));
}

void smmuv3_accel_faults_left(SMMUv3AccelFaults *f, uint32_t dev_id)
{
    SMMUv3AccelFault *fault, *prev;

    if (!f) {
        return;
    }
    /* The kernel has ended those that were not read, too */
    g_hash_table_remove(f->ended, GUINT_TO_POINTER(dev_id));
    /* The newest first: the end of an older one lets it be recorded */
    QTAILQ_FOREACH_REVERSE_SAFE(fault, &f->waiting, next, prev) {
        if (fault->dev_id == dev_id) {
            fault_end(fault);
        }
    }
}

uint32_t smmuv3_accel_faults_hand_over(SMMUv3AccelFaults *f)
{
    SMMUv3AccelFault *fault, *prev;

    if (!f) {
        return 0;
    }
    f->handed_over = true;
    faults_watch(f);
    QTAILQ_FOREACH_REVERSE_SAFE(fault, &f->waiting, next, prev) {
        faults_answer(f, fault->cookie, true);
        fault_end(fault);
    }
    smmuv3_accel_faults_flush(f);
    return f->id;
}

void smmuv3_accel_faults_resume(SMMUv3AccelFaults *f)
{
    if (f) {
        f->handed_over = false;
        faults_watch(f);
    }
}

static char *faults_cpr_name(SMMUv3State *s)
{
    g_autofree char *path = object_get_canonical_path(OBJECT(s));

    return g_strdup_printf("%s/page-faults", path);
}

static SMMUv3AccelFaults *faults_new(SMMUv3State *s, IOMMUFDBackend *be,
                                     uint32_t id, int fd, int watch_fd,
                                     const SMMUv3AccelFaultOps *ops,
                                     void *opaque)
{
    SMMUv3AccelFaults *f = g_new0(SMMUv3AccelFaults, 1);

    f->smmu = s;
    f->be = be;
    f->ops = ops;
    f->opaque = opaque;
    f->cpr_name = faults_cpr_name(s);
    f->id = id;
    f->fd = fd;
    f->watch_fd = watch_fd;
    f->ended = g_hash_table_new(NULL, NULL);
    QTAILQ_INIT(&f->waiting);
    f->bh = qemu_bh_new(faults_bh, f);
    f->end_bh = qemu_bh_new(faults_read, f);
    timer_init_ms(&f->no_memory, QEMU_CLOCK_VIRTUAL, faults_memory_again, f);
    faults_watch(f);
    return f;
}

SMMUv3AccelFaults *smmuv3_accel_faults_start(SMMUv3State *s,
                                             IOMMUFDBackend *be,
                                             const SMMUv3AccelFaultOps *ops,
                                             void *opaque, Error **errp)
{
    SMMUv3AccelFaults *f;
    int fd, watch_fd;
    uint32_t id;

    if (!iommufd_backend_alloc_faultq(be, &id, &fd, errp)) {
        return NULL;
    }
    watch_fd = iommufd_eventq_watch(fd, errp);
    if (watch_fd < 0) {
        iommufd_backend_free_eventq(be, id, fd);
        errno = EMFILE;
        return NULL;
    }
    f = faults_new(s, be, id, fd, watch_fd, ops, opaque);
    cpr_save_fd(f->cpr_name, 0, fd);
    return f;
}

SMMUv3AccelFaults *smmuv3_accel_faults_adopt(SMMUv3State *s,
                                             IOMMUFDBackend *be, uint32_t id,
                                             const SMMUv3AccelFaultOps *ops,
                                             void *opaque, Error **errp)
{
    g_autofree char *name = faults_cpr_name(s);
    int fd = cpr_find_fd(name, 0);
    int watch_fd;

    if (fd < 0) {
        error_setg(errp, "the QEMU that was here before has not handed its"
                   " queue of page faults over");
        return NULL;
    }
    watch_fd = iommufd_eventq_watch(fd, errp);
    if (watch_fd < 0) {
        cpr_delete_fd(name, 0);
        close(fd);
        return NULL;
    }
    return faults_new(s, be, id, fd, watch_fd, ops, opaque);
}

void smmuv3_accel_faults_stop(SMMUv3AccelFaults *f)
{
    SMMUv3AccelFault *fault, *prev;

    if (!f) {
        return;
    }
    f->handed_over = true;
    faults_watch(f);
    QTAILQ_FOREACH_REVERSE_SAFE(fault, &f->waiting, next, prev) {
        faults_answer(f, fault->cookie, false);
        fault_end(fault);
    }
    smmuv3_accel_faults_flush(f);
    timer_del(&f->no_memory);
    qemu_bh_delete(f->bh);
    qemu_bh_delete(f->end_bh);
    iommufd_eventq_unwatch(f->watch_fd, f->fd);
    cpr_delete_fd(f->cpr_name, 0);
    iommufd_backend_free_eventq(f->be, f->id, f->fd);
    g_hash_table_unref(f->ended);
    g_free(f->cpr_name);
    g_free(f);
}
