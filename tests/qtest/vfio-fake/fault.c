/*
 * Model of VFIO and iommufd: page faults of devices that the host stalls
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The test puts faults into VfShared, as the hardware would. QEMU reads them
 * from a fault queue and writes its answers there. Each fault is answered
 * once: by QEMU, or by the kernel when the device leaves the HWPT.
 */

#include "fake.h"

#include <linux/iommufd.h>

int vf_fault_alloc(uint32_t ctx, void *arg, VfLog *log)
{
    struct iommu_fault_alloc *cmd = arg;
    VfObject *obj;
    int fd;

    if (cmd->flags) {
        return -EOPNOTSUPP;
    }
    fd = vf_queue_new(ctx, VF_OBJ_FAULT, &obj);
    if (fd < 0) {
        return fd;
    }
    cmd->out_fault_id = obj->id;
    cmd->out_fault_fd = fd;
    log->arg[4] = obj->id;
    return 0;
}

static uint32_t faults_num(void)
{
    return vf->page_fault_len < VF_MAX_FAULTS ? vf->page_fault_len
                                              : VF_MAX_FAULTS;
}

static bool is_open(const VfPageFault *f)
{
    return f->state == VF_FAULT_WAITS || f->state == VF_FAULT_READ;
}

void vf_fault_answer_all(uint32_t ctx, uint32_t dev_id, uint32_t hwpt_id)
{
    for (uint32_t i = 0; i < faults_num(); i++) {
        VfPageFault *f = &vf->page_fault[i];

        if (is_open(f) && f->ctx == ctx && (!dev_id || f->dev_id == dev_id) &&
            (!hwpt_id || f->hwpt_id == hwpt_id)) {
            f->state = VF_FAULT_ANSWERED;
            f->code = IOMMUFD_PAGE_RESP_INVALID;
            f->by_kernel = 1;
        }
    }
}

/* The lowest cookie that no fault of the queue has, as in the kernel */
static uint32_t new_cookie(int queue)
{
    bool used[VF_MAX_FAULTS + 2] = { };
    uint32_t cookie = 1;

    for (uint32_t i = 0; i < faults_num(); i++) {
        const VfPageFault *f = &vf->page_fault[i];

        if (f->state == VF_FAULT_READ && f->queue == queue) {
            used[f->cookie] = true;
        }
    }
    while (used[cookie]) {
        cookie++;
    }
    return cookie;
}

static VfPageFault *find_fault(int queue, VfFaultState state, uint32_t cookie)
{
    for (uint32_t i = 0; i < faults_num(); i++) {
        VfPageFault *f = &vf->page_fault[i];

        if (f->state == state && f->queue == queue &&
            (!cookie || f->cookie == cookie)) {
            return f;
        }
    }
    return NULL;
}

long vf_fault_read(int queue, void *buf, size_t size, size_t most)
{
    const size_t one = sizeof(struct iommu_hwpt_pgfault);
    VfPageFault *f;
    size_t done = 0;

    if (size % one) {
        return -ESPIPE;
    }
    while ((f = find_fault(queue, VF_FAULT_WAITS, 0))) {
        struct iommu_hwpt_pgfault out = {
            .flags = f->flags,
            .dev_id = f->dev_id,
            .pasid = f->pasid,
            .grpid = f->grpid,
            .perm = f->perm,
            .addr = f->addr,
        };

        if (size - done < one) {
            return done ? (long)done : -EINVAL;
        }
        if (done && most - done < one) {
            return done;
        }
        out.cookie = f->cookie = new_cookie(queue);
        f->state = VF_FAULT_READ;
        memcpy((uint8_t *)buf + done, &out, one);
        done += one;
    }
    vf_queue_drain(queue);
    return done;
}

long vf_fault_write(int queue, const void *buf, size_t size, VfLog *log)
{
    const size_t one = sizeof(struct iommu_hwpt_page_response);
    size_t done = 0;

    if (size % one) {
        return -ESPIPE;
    }
    while (done < size) {
        struct iommu_hwpt_page_response response;
        VfPageFault *f;

        memcpy(&response, (const uint8_t *)buf + done, one);
        f = response.cookie ? find_fault(queue, VF_FAULT_READ, response.cookie)
                            : NULL;
        if (!f || (response.code != IOMMUFD_PAGE_RESP_SUCCESS &&
                   response.code != IOMMUFD_PAGE_RESP_INVALID)) {
            return done ? (long)done : -EINVAL;
        }
        f->state = VF_FAULT_ANSWERED;
        f->code = response.code;
        log->arg[0]++;
        done += one;
    }
    return done;
}
