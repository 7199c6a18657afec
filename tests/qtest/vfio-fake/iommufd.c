/*
 * Model of VFIO and iommufd: entry of the iommufd ioctls
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The sizes of all structures are checked here: a structure shorter than its
 * first version is EINVAL, a longer one with nonzero surplus is E2BIG, and an
 * unknown ioctl is ENOTTY.
 */

#include "fake.h"

#include <linux/iommufd.h>

typedef struct VfIommufdOp {
    unsigned long nr;
    VfOp op;
    size_t size;
    size_t min_size;
    int (*run)(uint32_t ctx, void *arg, VfLog *log);
    VfLinux oldest;         /* version that has it */
} VfIommufdOp;

/* The largest of all structures, so that one buffer serves every ioctl */
#define VF_ARG_MAX 128

static int destroy(uint32_t ctx, void *arg, VfLog *log)
{
    struct iommu_destroy *cmd = arg;
    VfObject *obj = vf_object_find(ctx, cmd->id);

    log->arg[0] = cmd->id;
    log->arg[1] = obj ? obj->type : VF_OBJ_FREE;
    /* A bound device has its driver as user */
    if (obj && (obj->type == VF_OBJ_DEVICE || obj->type == VF_OBJ_ACCESS)) {
        return -EBUSY;
    }
    return vf_object_destroy(ctx, cmd->id);
}

/* Known to the kernel, not needed by anything that is tested */
static int not_modelled(uint32_t ctx, void *arg, VfLog *log)
{
    return -EOPNOTSUPP;
}

static int change_process(uint32_t ctx, void *arg, VfLog *log)
{
    struct iommu_ioas_change_process *cmd = arg;

    return cmd->__reserved ? -EOPNOTSUPP : 0;
}

#define ROW_SINCE(version, ioctl_nr, op_, type, last, func)     \
    { .nr = ioctl_nr, .op = op_, .size = sizeof(type),          \
      .min_size = vf_end_of(type, last), .run = func,           \
      .oldest = version }
#define ROW(...) ROW_SINCE(VF_LINUX_6_12, __VA_ARGS__)

static const VfIommufdOp ops[] = {
    ROW(IOMMU_DESTROY, VF_OP_DESTROY, struct iommu_destroy, id, destroy),
    ROW(IOMMU_IOAS_ALLOC, VF_OP_IOAS_ALLOC, struct iommu_ioas_alloc,
        out_ioas_id, vf_ioas_alloc),
    ROW(IOMMU_IOAS_IOVA_RANGES, VF_OP_IOAS_IOVA_RANGES,
        struct iommu_ioas_iova_ranges, out_iova_alignment,
        vf_ioas_iova_ranges),
    ROW(IOMMU_IOAS_MAP, VF_OP_IOAS_MAP, struct iommu_ioas_map, iova,
        vf_ioas_map),
    ROW_SINCE(VF_LINUX_6_15, IOMMU_IOAS_MAP_FILE, VF_OP_IOAS_MAP,
              struct iommu_ioas_map_file, iova, vf_ioas_map_file),
    ROW(IOMMU_IOAS_UNMAP, VF_OP_IOAS_UNMAP, struct iommu_ioas_unmap, length,
        vf_ioas_unmap),
    ROW(IOMMU_HWPT_ALLOC, VF_OP_HWPT_ALLOC, struct iommu_hwpt_alloc,
        __reserved, vf_hwpt_alloc),
    ROW(IOMMU_GET_HW_INFO, VF_OP_GET_HW_INFO, struct iommu_hw_info,
        __reserved, vf_hw_info),
    ROW(IOMMU_HWPT_SET_DIRTY_TRACKING, VF_OP_HWPT_SET_DIRTY_TRACKING,
        struct iommu_hwpt_set_dirty_tracking, __reserved, vf_hwpt_set_dirty),
    ROW(IOMMU_HWPT_INVALIDATE, VF_OP_HWPT_INVALIDATE,
        struct iommu_hwpt_invalidate, __reserved, NULL),
    ROW_SINCE(VF_LINUX_6_15, IOMMU_VIOMMU_ALLOC, VF_OP_VIOMMU_ALLOC,
              struct iommu_viommu_alloc, out_viommu_id, vf_viommu_alloc),
    ROW_SINCE(VF_LINUX_6_15, IOMMU_VDEVICE_ALLOC, VF_OP_VDEVICE_ALLOC,
              struct iommu_vdevice_alloc, virt_id, vf_vdevice_alloc),
    ROW_SINCE(VF_LINUX_6_15, IOMMU_VEVENTQ_ALLOC, VF_OP_VEVENTQ_ALLOC,
              struct iommu_veventq_alloc, out_veventq_fd, vf_veventq_alloc),
    ROW(IOMMU_FAULT_QUEUE_ALLOC, VF_OP_FAULT_QUEUE_ALLOC,
        struct iommu_fault_alloc, out_fault_fd, vf_fault_alloc),
    ROW_SINCE(VF_LINUX_6_15, IOMMU_IOAS_CHANGE_PROCESS, VF_OP_IOMMUFD_OTHER,
              struct iommu_ioas_change_process, __reserved, change_process),
    /* Since 6.17 */
    ROW_SINCE(VF_LINUX_6_18, IOMMU_HW_QUEUE_ALLOC, VF_OP_IOMMUFD_OTHER,
              struct iommu_hw_queue_alloc, length, not_modelled),
    ROW(IOMMU_HWPT_GET_DIRTY_BITMAP, VF_OP_IOMMUFD_OTHER,
        struct iommu_hwpt_get_dirty_bitmap, data, not_modelled),
    ROW(IOMMU_OPTION, VF_OP_IOMMUFD_OTHER, struct iommu_option, val64,
        not_modelled),
};

static const VfIommufdOp *find_op(unsigned long nr)
{
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (ops[i].nr == nr) {
            return &ops[i];
        }
    }
    return NULL;
}

VfOp vf_iommufd_op(unsigned long nr)
{
    const VfIommufdOp *op = find_op(nr);

    return op ? op->op : VF_OP_IOMMUFD_OTHER;
}

static bool is_zero(const uint8_t *p, size_t size)
{
    while (size--) {
        if (*p++) {
            return false;
        }
    }
    return true;
}

int vf_iommufd_ioctl(uint32_t ctx, unsigned long nr, void *arg, VfLog *log)
{
    const VfIommufdOp *op = find_op(nr);
    /* Aligned for the widest member */
    uint64_t buf[VF_ARG_MAX / sizeof(uint64_t)] = { 0 };
    VfRule *rule = NULL;
    uint32_t user_size;
    size_t copy;
    int ret = vf_should_fail(log->op, &rule);

    if (ret && (!rule->done || log->op != VF_OP_HWPT_INVALIDATE)) {
        if (log->op == VF_OP_HWPT_INVALIDATE) {
            struct iommu_hwpt_invalidate *inv = arg;

            log->arg[0] = inv->hwpt_id;
            log->arg[1] = inv->entry_num;
            /* Without memory the kernel leaves the count as it was given */
            if (ret != -ENOMEM) {
                inv->entry_num = 0;
            }
        } else if (log->op == VF_OP_DESTROY) {
            log->arg[0] = ((struct iommu_destroy *)arg)->id;
        }
        return ret;
    }
    if (!op || vf_linux_before(op->oldest)) {
        return -ENOTTY;
    }
    if (!arg) {
        return -EFAULT;
    }
    memcpy(&user_size, arg, sizeof(user_size));
    if (user_size < op->min_size) {
        return -EINVAL;
    }
    if (user_size > op->size &&
        !is_zero((uint8_t *)arg + op->size, user_size - op->size)) {
        return -E2BIG;
    }
    copy = user_size < op->size ? user_size : op->size;
    memcpy(buf, arg, copy);
    ret = op->run ? op->run(ctx, buf, log)
                  : vf_invalidate(ctx, buf, log, ret ? rule : NULL);
    /* The count of done entries and of needed ranges is told on error, too */
    if (!ret || nr == IOMMU_HWPT_INVALIDATE || ret == -EMSGSIZE) {
        memcpy(arg, buf, copy);
    }
    return ret;
}
