/*
 * vIOMMU, vDEVICE, vEVENTQ and fault queue objects of iommufd
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <linux/iommufd.h>

#include "qapi/error.h"
#include "system/iommufd_viommu.h"
#include "trace.h"

bool iommufd_backend_alloc_viommu(IOMMUFDBackend *be, uint32_t dev_id,
                                  uint32_t viommu_type, uint32_t hwpt_id,
                                  uint32_t *out_viommu_id, Error **errp)
{
    struct iommu_viommu_alloc alloc = {
        .size = sizeof(alloc),
        .type = viommu_type,
        .dev_id = dev_id,
        .hwpt_id = hwpt_id,
    };
    int err = ioctl(be->fd, IOMMU_VIOMMU_ALLOC, &alloc) ? errno : 0;

    trace_iommufd_backend_alloc_viommu(be->fd, dev_id, viommu_type, hwpt_id,
                                       alloc.out_viommu_id, err);
    if (err) {
        error_setg_errno(errp, err, "IOMMU_VIOMMU_ALLOC(dev_id %u, type %u,"
                         " hwpt_id %u) failed", dev_id, viommu_type, hwpt_id);
        errno = err;
        return false;
    }

    *out_viommu_id = alloc.out_viommu_id;
    return true;
}

bool iommufd_backend_alloc_vdev(IOMMUFDBackend *be, uint32_t dev_id,
                                uint32_t viommu_id, uint64_t virt_id,
                                uint32_t *out_vdev_id, Error **errp)
{
    struct iommu_vdevice_alloc alloc = {
        .size = sizeof(alloc),
        .viommu_id = viommu_id,
        .dev_id = dev_id,
        .virt_id = virt_id,
    };
    int err = ioctl(be->fd, IOMMU_VDEVICE_ALLOC, &alloc) ? errno : 0;

    trace_iommufd_backend_alloc_vdev(be->fd, dev_id, viommu_id, virt_id,
                                     alloc.out_vdevice_id, err);
    if (err) {
        error_setg_errno(errp, err, "IOMMU_VDEVICE_ALLOC(viommu_id %u,"
                         " dev_id %u, virt_id 0x%" PRIx64 ") failed",
                         viommu_id, dev_id, virt_id);
        errno = err;
        return false;
    }

    *out_vdev_id = alloc.out_vdevice_id;
    return true;
}

bool iommufd_backend_try_free_id(IOMMUFDBackend *be, uint32_t id, Error **errp)
{
    struct iommu_destroy destroy = {
        .size = sizeof(destroy),
        .id = id,
    };
    int err = ioctl(be->fd, IOMMU_DESTROY, &destroy) ? errno : 0;

    trace_iommufd_backend_free_id(be->fd, id, -err);
    /* A kernel may free a vDEVICE together with its device */
    if (err && err != ENOENT) {
        error_setg_errno(errp, err, "IOMMU_DESTROY(id %u) failed", id);
        return false;
    }
    return true;
}

bool iommufd_backend_alloc_veventq(IOMMUFDBackend *be, uint32_t viommu_id,
                                   uint32_t type, uint32_t depth,
                                   uint32_t *out_veventq_id,
                                   int *out_veventq_fd, Error **errp)
{
    struct iommu_veventq_alloc alloc = {
        .size = sizeof(alloc),
        .viommu_id = viommu_id,
        .type = type,
        .veventq_depth = depth,
    };
    int err = ioctl(be->fd, IOMMU_VEVENTQ_ALLOC, &alloc) ? errno : 0;

    trace_iommufd_backend_alloc_veventq(be->fd, viommu_id, type, depth,
                                        alloc.out_veventq_id,
                                        alloc.out_veventq_fd, err);
    if (err) {
        error_setg_errno(errp, err, "IOMMU_VEVENTQ_ALLOC(viommu_id %u,"
                         " type %u, depth %u) failed", viommu_id, type, depth);
        errno = err;
        return false;
    }

    *out_veventq_id = alloc.out_veventq_id;
    *out_veventq_fd = alloc.out_veventq_fd;
    return true;
}

/*
 * A kernel of the first versions with fault queues attaches a device to an HWPT
 * that has one, and reports none of its faults. Nothing tells such a version
 * but what it lacks, the call that came after the change. Without an argument
 * that fails in any case.
 */
static bool faultq_is_old(IOMMUFDBackend *be)
{
    return ioctl(be->fd, IOMMU_HW_QUEUE_ALLOC, NULL) && errno == ENOTTY;
}

bool iommufd_backend_alloc_faultq(IOMMUFDBackend *be, uint32_t *out_faultq_id,
                                  int *out_faultq_fd, Error **errp)
{
    struct iommu_fault_alloc alloc = {
        .size = sizeof(alloc),
    };
    int err = faultq_is_old(be) ? EOPNOTSUPP :
              ioctl(be->fd, IOMMU_FAULT_QUEUE_ALLOC, &alloc) ? errno : 0;

    trace_iommufd_backend_alloc_faultq(be->fd, alloc.out_fault_id,
                                       alloc.out_fault_fd, err);
    if (err) {
        error_setg_errno(errp, err, "IOMMU_FAULT_QUEUE_ALLOC failed");
        errno = err;
        return false;
    }

    *out_faultq_id = alloc.out_fault_id;
    *out_faultq_fd = alloc.out_fault_fd;
    return true;
}

bool iommufd_backend_alloc_hwpt_faultq(IOMMUFDBackend *be, uint32_t dev_id,
                                       uint32_t viommu_id, uint32_t faultq_id,
                                       uint32_t data_type, uint32_t data_len,
                                       void *data_ptr, uint32_t *out_hwpt_id,
                                       Error **errp)
{
    struct iommu_hwpt_alloc alloc = {
        .size = sizeof(alloc),
        .flags = IOMMU_HWPT_FAULT_ID_VALID,
        .dev_id = dev_id,
        .pt_id = viommu_id,
        .data_type = data_type,
        .data_len = data_len,
        .data_uptr = (uintptr_t)data_ptr,
        .fault_id = faultq_id,
    };
    int err = ioctl(be->fd, IOMMU_HWPT_ALLOC, &alloc) ? errno : 0;

    trace_iommufd_backend_alloc_hwpt_faultq(be->fd, dev_id, viommu_id,
                                            faultq_id, alloc.out_hwpt_id, err);
    if (err) {
        error_setg_errno(errp, err, "IOMMU_HWPT_ALLOC(dev_id %u, pt_id %u,"
                         " fault_id %u) failed", dev_id, viommu_id, faultq_id);
        errno = err;
        return false;
    }

    *out_hwpt_id = alloc.out_hwpt_id;
    return true;
}

void iommufd_backend_free_eventq(IOMMUFDBackend *be, uint32_t eventq_id,
                                 int eventq_fd)
{
    close(eventq_fd);
    iommufd_backend_free_id(be, eventq_id);
}

int iommufd_eventq_watch(int eventq_fd, Error **errp)
{
    struct epoll_event readable = { .events = EPOLLIN };
    int watch_fd = epoll_create1(EPOLL_CLOEXEC);

    if (watch_fd < 0) {
        error_setg_errno(errp, errno, "cannot make an epoll instance to watch"
                         " a queue of events of iommufd");
        return -1;
    }
    if (epoll_ctl(watch_fd, EPOLL_CTL_ADD, eventq_fd, &readable)) {
        error_setg_errno(errp, errno, "cannot watch a queue of events of"
                         " iommufd by epoll");
        close(watch_fd);
        return -1;
    }
    return watch_fd;
}

void iommufd_eventq_unwatch(int watch_fd, int eventq_fd)
{
    /* This waits for a thread that looks at the queue by way of the instance */
    epoll_ctl(watch_fd, EPOLL_CTL_DEL, eventq_fd, NULL);
    close(watch_fd);
}
