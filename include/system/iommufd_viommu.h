/*
 * vIOMMU, vDEVICE, vEVENTQ and fault queue objects of iommufd
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef SYSTEM_IOMMUFD_VIOMMU_H
#define SYSTEM_IOMMUFD_VIOMMU_H

#include "system/iommufd.h"

/*
 * Every object that these functions make belongs to the caller, who gives it
 * back with iommufd_backend_free_id(). A vDEVICE or vEVENTQ goes before its
 * vIOMMU, the vIOMMU before its nesting parent, and a fault queue after the
 * HWPTs that report to it.
 */

/**
 * iommufd_backend_alloc_viommu: make a vIOMMU (iommufd.h IOMMU_VIOMMU_ALLOC)
 *
 * @be: connected iommufd backend.
 * @dev_id: iommufd ID of a device; its host IOMMU backs the vIOMMU.
 * @viommu_type: one of enum iommu_viommu_type.
 * @hwpt_id: ID of a HWPT made with IOMMU_HWPT_ALLOC_NEST_PARENT.
 * @out_viommu_id: the ID of the vIOMMU on success, untouched otherwise.
 * @errp: says which call with which IDs failed. errno keeps its reason.
 *
 * Returns: true on success, false on failure.
 */
bool iommufd_backend_alloc_viommu(IOMMUFDBackend *be, uint32_t dev_id,
                                  uint32_t viommu_type, uint32_t hwpt_id,
                                  uint32_t *out_viommu_id, Error **errp);

/**
 * iommufd_backend_alloc_vdev: give a device a place in a vIOMMU (iommufd.h
 * IOMMU_VDEVICE_ALLOC)
 *
 * @be: connected iommufd backend.
 * @dev_id: iommufd ID of the device, behind the host IOMMU of @viommu_id.
 * @viommu_id: ID of the vIOMMU.
 * @virt_id: how the guest's IOMMU driver names the device, for an SMMUv3 the
 *           StreamID. Unique within @viommu_id.
 * @out_vdev_id: the ID of the vDEVICE on success, untouched otherwise.
 * @errp: says which call with which IDs failed. errno keeps its reason,
 *        EEXIST when the device has a vDEVICE or @virt_id is taken.
 *
 * Returns: true on success, false on failure.
 */
bool iommufd_backend_alloc_vdev(IOMMUFDBackend *be, uint32_t dev_id,
                                uint32_t viommu_id, uint64_t virt_id,
                                uint32_t *out_vdev_id, Error **errp);

/**
 * iommufd_backend_try_free_id: free an object that the kernel may still use
 * (iommufd.h IOMMU_DESTROY)
 *
 * As long as a vDEVICE is not freed its name and its device are taken.
 *
 * @be: connected iommufd backend.
 * @id: ID of the object. With a vDEVICE, its device is attached to nothing that
 *      needs the name.
 * @errp: says which call with which ID failed.
 *
 * Returns: true if there is no such object any more, false on failure.
 */
bool iommufd_backend_try_free_id(IOMMUFDBackend *be, uint32_t id, Error **errp);

/**
 * iommufd_backend_alloc_veventq: ask for the events of a vIOMMU (iommufd.h
 * IOMMU_VEVENTQ_ALLOC)
 *
 * @be: connected iommufd backend.
 * @viommu_id: ID of the vIOMMU.
 * @type: one of enum iommu_veventq_type; a vIOMMU has one queue of each type.
 * @depth: events that the kernel keeps before it loses some, 1 to 2^19.
 * @out_veventq_id: the ID of the queue on success, untouched otherwise.
 * @out_veventq_fd: file descriptor to read events from, untouched on failure.
 *                  Both are for iommufd_backend_free_eventq().
 * @errp: says which call with which IDs failed. errno keeps its reason, ENOTTY
 *        or EOPNOTSUPP when the kernel has no such queue.
 *
 * Returns: true on success, false on failure.
 */
bool iommufd_backend_alloc_veventq(IOMMUFDBackend *be, uint32_t viommu_id,
                                   uint32_t type, uint32_t depth,
                                   uint32_t *out_veventq_id,
                                   int *out_veventq_fd, Error **errp);

/**
 * iommufd_backend_alloc_faultq: make a queue of page faults (iommufd.h
 * IOMMU_FAULT_QUEUE_ALLOC)
 *
 * @be: connected iommufd backend.
 * @out_faultq_id: the ID of the queue on success, untouched otherwise.
 * @out_faultq_fd: file descriptor to read struct iommu_hwpt_pgfault from, and
 *                 to write struct iommu_hwpt_page_response to; untouched on
 *                 failure. Both are for iommufd_backend_free_eventq().
 * @errp: says which call failed. errno keeps its reason, ENOTTY or EOPNOTSUPP
 *        when the kernel has no such queue.
 *
 * Returns: true on success, false on failure.
 */
bool iommufd_backend_alloc_faultq(IOMMUFDBackend *be, uint32_t *out_faultq_id,
                                  int *out_faultq_fd, Error **errp);

/**
 * iommufd_backend_alloc_hwpt_faultq: make a nested HWPT whose page faults go to
 * a queue (iommufd.h IOMMU_HWPT_FAULT_ID_VALID)
 *
 * What waits for an answer when a device leaves the HWPT is answered by the
 * kernel, as invalid.
 *
 * @be: connected iommufd backend.
 * @dev_id: iommufd ID of a device.
 * @viommu_id: ID of the vIOMMU.
 * @faultq_id: ID of the queue.
 * @data_type: one of enum iommu_hwpt_data_type.
 * @data_len: length of @data_ptr in bytes.
 * @data_ptr: structure that @data_type names.
 * @out_hwpt_id: the ID of the HWPT on success, untouched otherwise.
 * @errp: says which call with which IDs failed. errno keeps its reason.
 *
 * Returns: true on success, false on failure.
 */
bool iommufd_backend_alloc_hwpt_faultq(IOMMUFDBackend *be, uint32_t dev_id,
                                       uint32_t viommu_id, uint32_t faultq_id,
                                       uint32_t data_type, uint32_t data_len,
                                       void *data_ptr, uint32_t *out_hwpt_id,
                                       Error **errp);

/**
 * iommufd_backend_free_eventq: give a vEVENTQ or a fault queue back (iommufd.h
 * IOMMU_DESTROY)
 *
 * A queue that cannot be freed is reported, and goes with the iommufd. So does
 * one whose file is still open: see iommufd_eventq_watch().
 *
 * @be: connected iommufd backend.
 * @eventq_id: ID of the queue.
 * @eventq_fd: its file descriptor, which nobody watches. It is closed.
 */
void iommufd_backend_free_eventq(IOMMUFDBackend *be, uint32_t eventq_id,
                                 int eventq_fd);

/**
 * iommufd_eventq_watch: get a descriptor that the main loop can watch in place
 * of that of a queue
 *
 * The kernel has a queue in use until the last reference to its file is gone.
 * Each poller of a file has such a reference: a thread until it runs again, an
 * io_uring until the main loop has withdrawn the request and been told so. Only
 * an epoll instance has none, so the main loop watches one, and the queue can
 * be freed at once.
 *
 * @eventq_fd: file descriptor of the queue.
 * @errp: says why there is no such descriptor.
 *
 * Returns: a descriptor that is readable when the queue is, for
 * iommufd_eventq_unwatch(), or -1.
 */
int iommufd_eventq_watch(int eventq_fd, Error **errp);

/**
 * iommufd_eventq_unwatch: undo iommufd_eventq_watch()
 *
 * @watch_fd: what iommufd_eventq_watch() has returned, without a handler in the
 *            main loop. It is closed; others may be in a poll of it.
 * @eventq_fd: file descriptor of the queue; it stays open.
 */
void iommufd_eventq_unwatch(int watch_fd, int eventq_fd);

#endif /* SYSTEM_IOMMUFD_VIOMMU_H */
