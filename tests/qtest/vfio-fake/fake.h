/*
 * Model of VFIO and iommufd: private declarations
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each function that implements an ioctl returns 0 or a negative errno and runs
 * with VfShared.lock held. Nothing here uses GLib or osdep.h: the object can be
 * loaded into any program.
 */

#ifndef TESTS_QTEST_VFIO_FAKE_INTERNAL_H
#define TESTS_QTEST_VFIO_FAKE_INTERNAL_H

#include "vfio-fake.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#define VF_HIDDEN __attribute__((visibility("hidden")))
#define VF_PUBLIC __attribute__((visibility("default")))
#define vf_end_of(type, field) \
    (offsetof(type, field) + sizeof(((type *)0)->field))

extern VF_HIDDEN VfShared *vf;

/* Whether the PCI device's config space is read or written */
typedef enum VfDirection { VF_READ, VF_WRITE } VfDirection;

/* state.c */
VF_HIDDEN void vf_state_init(void);
VF_HIDDEN void vf_lock(void);
VF_HIDDEN void vf_unlock(void);

/**
 * vf_should_fail: count a call and ask whether a rule makes it fail
 *
 * @op: kind of call
 * @rule: set to the rule that applies, may be NULL
 *
 * Returns: 0, or the negative errno that the call has to fail with.
 */
VF_HIDDEN int vf_should_fail(VfOp op, VfRule **rule);
VF_HIDDEN VfLog *vf_log(VfOp op, uint32_t unit, uint32_t nr);

/**
 * vf_change_answer: apply the changes of the test to the answer of an ioctl
 *
 * @log: the call
 * @arg: its structure
 * @room: size of the structure
 * @behind: buffer that it points to, may be NULL
 * @behind_room: size of that buffer
 * @ret: return value of the call without change
 *
 * Returns: the return value of the call.
 */
VF_HIDDEN int vf_change_answer(const VfLog *log, void *arg, uint32_t room,
                               void *behind, uint32_t behind_room, int ret);

/**
 * vf_change_config: apply the changes of the test to a read of config space
 *
 * @offset: of the read
 * @buf: bytes that were read
 * @size: of the read
 */
VF_HIDDEN void vf_change_config(uint64_t offset, void *buf, size_t size);

/* object.c */
VF_HIDDEN VfObject *vf_object_new(uint32_t ctx, VfObjType type);
VF_HIDDEN VfObject *vf_object_find(uint32_t ctx, uint32_t id);
VF_HIDDEN VfObject *vf_object_find_type(uint32_t ctx, uint32_t id,
                                        VfObjType type);
VF_HIDDEN void vf_object_hold(uint32_t ctx, uint32_t id);
VF_HIDDEN void vf_object_put(uint32_t ctx, uint32_t id);
VF_HIDDEN int vf_object_destroy(uint32_t ctx, uint32_t id);
/* Destroy all objects of a context, whoever holds it */
VF_HIDDEN void vf_ctx_destroy(uint32_t ctx);
/* Destroy those that QEMU has closed, and nobody else holds any more */
VF_HIDDEN void vf_ctx_reap(void);

/* iommufd.c */
VF_HIDDEN int vf_iommufd_ioctl(uint32_t ctx, unsigned long nr, void *arg,
                               VfLog *log);
VF_HIDDEN VfOp vf_iommufd_op(unsigned long nr);

/* Is the kernel that the model is like older than this one? */
static inline bool vf_linux_before(VfLinux version)
{
    return vf->kernel > version;
}

/* ioas.c */
VF_HIDDEN int vf_ioas_alloc(uint32_t ctx, void *arg, VfLog *log);
VF_HIDDEN int vf_ioas_iova_ranges(uint32_t ctx, void *arg, VfLog *log);
VF_HIDDEN int vf_ioas_map(uint32_t ctx, void *arg, VfLog *log);
VF_HIDDEN int vf_ioas_map_file(uint32_t ctx, void *arg, VfLog *log);
VF_HIDDEN int vf_ioas_unmap(uint32_t ctx, void *arg, VfLog *log);
VF_HIDDEN int vf_map_add(uint32_t ctx, uint32_t ioas, uint64_t iova,
                         uint64_t length);
VF_HIDDEN int vf_map_del(uint32_t ctx, uint32_t ioas, uint64_t iova,
                         uint64_t length, uint64_t *unmapped);
VF_HIDDEN void vf_map_forget(uint32_t ctx, uint32_t ioas);

/* hwpt.c */
VF_HIDDEN int vf_hwpt_alloc(uint32_t ctx, void *arg, VfLog *log);
VF_HIDDEN int vf_hwpt_set_dirty(uint32_t ctx, void *arg, VfLog *log);
VF_HIDDEN int vf_hw_info(uint32_t ctx, void *arg, VfLog *log);
VF_HIDDEN int vf_attach(VfObject *dev, uint32_t *pt_id);
VF_HIDDEN void vf_detach(VfObject *dev);

/* viommu.c */
VF_HIDDEN int vf_viommu_alloc(uint32_t ctx, void *arg, VfLog *log);
VF_HIDDEN int vf_vdevice_alloc(uint32_t ctx, void *arg, VfLog *log);
VF_HIDDEN int vf_nested_check(VfObject *viommu, uint32_t flags, uint32_t type,
                              const void *data, uint32_t len,
                              uint64_t ste[2]);
VF_HIDDEN int vf_nested_may_attach(VfObject *hwpt, VfObject *dev);
VF_HIDDEN int vf_invalidate(uint32_t ctx, void *arg, VfLog *log,
                            VfRule *rule);

/* eventq.c */
VF_HIDDEN int vf_veventq_alloc(uint32_t ctx, void *arg, VfLog *log);
VF_HIDDEN long vf_veventq_read(int queue, void *buf, size_t size);
/* Make an object with a queue; returns QEMU's descriptor, or -errno */
VF_HIDDEN int vf_queue_new(uint32_t ctx, VfObjType type, VfObject **out);
VF_HIDDEN int vf_queue_of_fd(int fd);
/* Whether anyone has the file open, be it in the kernel */
VF_HIDDEN bool vf_queue_is_open(int queue);
VF_HIDDEN void vf_queue_drain(int queue);
VF_HIDDEN void vf_queue_closed(int fd);

/* fault.c */
VF_HIDDEN int vf_fault_alloc(uint32_t ctx, void *arg, VfLog *log);
/* The kernel has no memory beyond @most bytes, but for one request */
VF_HIDDEN long vf_fault_read(int queue, void *buf, size_t size, size_t most);
VF_HIDDEN long vf_fault_write(int queue, const void *buf, size_t size,
                              VfLog *log);
/* Answer what a device has met in an HWPT; 0 stands for any of them */
VF_HIDDEN void vf_fault_answer_all(uint32_t ctx, uint32_t dev_id,
                                   uint32_t hwpt_id);

/* device.c */
VF_HIDDEN int vf_device_ioctl(uint32_t dev, int fd, unsigned long nr,
                              void *arg, VfLog *log);
VF_HIDDEN VfOp vf_device_op(unsigned long nr);
VF_HIDDEN void vf_device_closed(uint32_t dev);

/* config.c */
VF_HIDDEN long vf_config_access(uint32_t dev, VfDirection direction,
                                uint64_t offset, void *buf, size_t size);
VF_HIDDEN void vf_config_prepare(VfDevice *d);

/* migration.c */
struct vfio_device_feature;
VF_HIDDEN int vf_device_feature(VfDevice *d,
                                struct vfio_device_feature *feature);

/* group.c */
VF_HIDDEN int vf_group_open(unsigned int group);
VF_HIDDEN int vf_container_open(void);
VF_HIDDEN bool vf_is_group_fd(int fd);
VF_HIDDEN int vf_group_ioctl(int fd, unsigned long nr, unsigned long arg);
VF_HIDDEN void vf_group_closed(int fd);
VF_HIDDEN VfOp vf_group_op(int fd);

/* preload.c */
VF_HIDDEN int vf_ctx_of_fd(int fd);
VF_HIDDEN int vf_real_close(int fd);
VF_HIDDEN long vf_real_read(int fd, void *buf, size_t size);
VF_HIDDEN int vf_real_fstat(int fd, struct stat *st);
VF_HIDDEN int vf_dup_device(uint32_t dev);

/* Names of the C library that no header declares, or not with these types */
VF_PUBLIC int ioctl(int fd, unsigned long nr, ...);
VF_PUBLIC int __open_2(const char *path, int flags);
VF_PUBLIC int __open64_2(const char *path, int flags);
VF_PUBLIC ssize_t __read_chk(int fd, void *buf, size_t size, size_t room);
VF_PUBLIC ssize_t __pread64_chk(int fd, void *buf, size_t size, off64_t offset,
                                size_t room);

#endif /* TESTS_QTEST_VFIO_FAKE_INTERNAL_H */
