/*
 * Model of VFIO and iommufd: queues with a descriptor, events for the guest
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Records are in shared memory. QEMU's descriptor is a pipe, to which the test
 * writes a byte for each record, so that QEMU can poll it; read() returns the
 * records, whole ones only, as the kernel does.
 *
 * The kernel keeps a queue until the last reference to its file is gone; a poll
 * or an io_uring may hold one after QEMU has closed the descriptor. So each
 * queue opens the pipe anew and locks that file: the lock is gone with the last
 * reference. A fault queue is made in the same way, see fault.c.
 */

#include "fake.h"

#include <fcntl.h>
#include <linux/iommufd.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define VEVENTQ_MAX_DEPTH (1u << 19)

/* Descriptor in this process for each queue, -1 without */
static int queue_fd[VF_MAX_EVENTQ] = { -1, -1, -1, -1, -1, -1, -1, -1 };

/* Is this the file of a queue that another process has opened (CPR)? */
static bool is_handed_over(int fd, int queue)
{
    struct stat st, pipe;

    return vf->eventq[queue].used && queue_fd[queue] < 0 &&
           fd != vf->eventq[queue].read_fd &&
           !vf_real_fstat(fd, &st) && S_ISFIFO(st.st_mode) &&
           !vf_real_fstat(vf->eventq[queue].read_fd, &pipe) &&
           st.st_ino == pipe.st_ino;
}

int vf_queue_of_fd(int fd)
{
    for (int i = 0; i < VF_MAX_EVENTQ; i++) {
        if (fd >= 0 && queue_fd[i] == fd) {
            return i;
        }
    }
    for (int i = 0; i < VF_MAX_EVENTQ; i++) {
        if (fd >= 0 && is_handed_over(fd, i)) {
            queue_fd[i] = fd;
            return i;
        }
    }
    return -1;
}

/* Returns: a descriptor of a file of its own, or a negative errno */
static int open_queue(int queue)
{
    char path[32];
    int fd;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", vf->eventq[queue].read_fd);
    fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        int err = errno;

        vf_real_close(fd);
        return -err;
    }
    return fd;
}

bool vf_queue_is_open(int queue)
{
    int fd = vf->eventq[queue].read_fd;

    if (flock(fd, LOCK_EX | LOCK_NB)) {
        return true;
    }
    flock(fd, LOCK_UN);
    return false;
}

int vf_queue_new(uint32_t ctx, VfObjType type, VfObject **out)
{
    VfObject *obj;
    int queue, fd;

    for (queue = 0; queue < VF_MAX_EVENTQ; queue++) {
        if (!vf->eventq[queue].used && queue_fd[queue] < 0) {
            break;
        }
    }
    if (queue == VF_MAX_EVENTQ) {
        return -EMFILE;
    }
    fd = open_queue(queue);
    if (fd < 0) {
        return fd;
    }
    obj = vf_object_new(ctx, type);
    if (!obj) {
        vf_real_close(fd);
        return -ENOMEM;
    }
    queue_fd[queue] = fd;
    obj->queue = queue;
    vf->eventq[queue].used = 1;
    vf->eventq[queue].faults = type == VF_OBJ_FAULT;
    vf->eventq[queue].head = vf->eventq[queue].tail;
    vf->eventq[queue].sequence = 0;
    vf->eventq[queue].obj_id = obj->id;
    *out = obj;
    return fd;
}

/* Nothing waits: the (non-blocking) pipe must not poll as readable */
void vf_queue_drain(int queue)
{
    char drain[64];

    while (vf_real_read(queue_fd[queue], drain, sizeof(drain)) > 0) {
        continue;
    }
}

int vf_veventq_alloc(uint32_t ctx, void *arg, VfLog *log)
{
    struct iommu_veventq_alloc *cmd = arg;
    VfObject *viommu = vf_object_find_type(ctx, cmd->viommu_id,
                                           VF_OBJ_VIOMMU);
    VfObject *obj;
    int fd;

    log->arg[0] = cmd->viommu_id;
    log->arg[1] = cmd->type;
    log->arg[2] = cmd->veventq_depth;
    if (cmd->flags || cmd->__reserved ||
        cmd->type == IOMMU_VEVENTQ_TYPE_DEFAULT) {
        return -EOPNOTSUPP;
    }
    if (!cmd->veventq_depth || cmd->veventq_depth > VEVENTQ_MAX_DEPTH) {
        return -EINVAL;
    }
    if (!viommu) {
        return -ENOENT;
    }
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        obj = &vf->object[i];
        if (obj->type == VF_OBJ_VEVENTQ && obj->ctx == ctx &&
            obj->parent == viommu->id && obj->flags == cmd->type) {
            return -EEXIST;
        }
    }
    fd = vf_queue_new(ctx, VF_OBJ_VEVENTQ, &obj);
    if (fd < 0) {
        return fd;
    }
    obj->flags = cmd->type;
    obj->parent = viommu->id;
    vf_object_hold(ctx, viommu->id);
    cmd->out_veventq_id = obj->id;
    cmd->out_veventq_fd = fd;
    log->arg[4] = obj->id;
    return 0;
}

void vf_queue_closed(int fd)
{
    int queue = vf_queue_of_fd(fd);

    if (queue >= 0) {
        queue_fd[queue] = -1;
    }
}

long vf_veventq_read(int queue, void *buf, size_t size)
{
    VfEventQueue *q = &vf->eventq[queue];
    uint8_t *out = buf;
    size_t done = 0;

    if (size < sizeof(struct iommufd_vevent_header)) {
        return -EINVAL;
    }
    while (q->head != q->tail) {
        VfEvent *event = &q->event[q->head % VF_MAX_EVENTS];
        struct iommufd_vevent_header header = {
            .flags = event->lost ? IOMMU_VEVENTQ_FLAG_LOST_EVENTS : 0,
            .sequence = event->sequence,
        };
        size_t need = sizeof(header) + (event->lost ? 0 : sizeof(event->evt));

        if (need > size - done) {
            if (!done) {
                return -EINVAL;
            }
            break;
        }
        memcpy(out + done, &header, sizeof(header));
        memcpy(out + done + sizeof(header), event->evt,
               need - sizeof(header));
        done += need;
        q->head++;
    }
    if (q->head == q->tail) {
        vf_queue_drain(queue);
    }
    return done;
}
