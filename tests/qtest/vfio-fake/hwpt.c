/*
 * Model of VFIO and iommufd: hardware information, page tables, attach
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The rules for paging HWPTs are those of the Arm SMMUv3 driver when the
 * device's host IOMMU is one, and generous otherwise.
 */

#include "fake.h"

#include <linux/iommufd.h>

/* IDR0 of the Arm SMMUv3: stage 2 and stage 1 are there (IHI0070, 6.3.1) */
#define SMMU_IDR0_S2P (1u << 0)
#define SMMU_IDR0_S1P (1u << 1)

/* iommufd.h IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED, newer than the header here */
#define HW_CAP_PCI_ATS_NOT_SUPPORTED (1ull << 3)

static VfDevice *host_device(VfObject *obj)
{
    return &vf->device[obj->device];
}

static bool is_arm(VfObject *dev)
{
    return host_device(dev)->hw_type == IOMMU_HW_INFO_TYPE_ARM_SMMUV3;
}

/* Bits of out_capabilities that the version does not know */
static uint64_t caps_not_told(const VfDevice *d)
{
    uint64_t caps = 0;

    if (vf_linux_before(VF_LINUX_7_2)) {
        caps |= HW_CAP_PCI_ATS_NOT_SUPPORTED;
    }
    /* These two are read from the control register of the device */
    if (vf_linux_before(VF_LINUX_6_15) || d->pasid_off) {
        caps |= IOMMU_HW_CAP_PCI_PASID_EXEC | IOMMU_HW_CAP_PCI_PASID_PRIV;
    }
    return caps;
}

int vf_hw_info(uint32_t ctx, void *arg, VfLog *log)
{
    struct iommu_hw_info *cmd = arg;
    VfObject *obj = vf_object_find_type(ctx, cmd->dev_id, VF_OBJ_DEVICE);
    struct iommu_hw_info_arm_smmuv3 info = { 0 };
    uint32_t len = 0;
    VfDevice *d;

    log->arg[0] = cmd->dev_id;
    if (cmd->flags & ~IOMMU_HW_INFO_FLAG_INPUT_TYPE ||
        (cmd->flags && vf_linux_before(VF_LINUX_6_18))) {
        return -EOPNOTSUPP;
    }
    if (cmd->__reserved[0] || cmd->__reserved[1] || cmd->__reserved[2]) {
        return -EOPNOTSUPP;
    }
    if (!obj) {
        return -ENOENT;
    }
    d = host_device(obj);
    if ((cmd->flags & IOMMU_HW_INFO_FLAG_INPUT_TYPE) && cmd->in_data_type &&
        cmd->in_data_type != d->hw_type) {
        return -EOPNOTSUPP;
    }
    if (is_arm(obj) && !vf_linux_before(VF_LINUX_6_15)) {
        info.flags = vf_linux_before(VF_LINUX_7_3) ? 0 : d->hw_flags;
        memcpy(info.idr, d->idr, sizeof(info.idr));
        info.iidr = d->iidr;
        info.aidr = d->aidr;
        len = sizeof(info);
    }
    if (cmd->data_len) {
        uint8_t *out = (void *)(uintptr_t)cmd->data_uptr;
        uint32_t copy = len < cmd->data_len ? len : cmd->data_len;

        if (!out) {
            return -EFAULT;
        }
        memset(out, 0, cmd->data_len);
        memcpy(out, &info, copy);
    }
    cmd->data_len = len;
    cmd->out_data_type = is_arm(obj) && vf_linux_before(VF_LINUX_6_15) ?
        IOMMU_HW_INFO_TYPE_NONE : d->hw_type;
    cmd->out_capabilities = d->hw_caps & ~caps_not_told(d);
    cmd->out_max_pasid_log2 = vf_linux_before(VF_LINUX_6_15) ?
        0 : d->max_pasid_log2;
    return 0;
}

static int paging_check(VfObject *dev, uint32_t flags, uint32_t data_len)
{
    const uint32_t valid = IOMMU_HWPT_ALLOC_NEST_PARENT |
                           IOMMU_HWPT_ALLOC_DIRTY_TRACKING |
                           IOMMU_HWPT_FAULT_ID_VALID |
                           IOMMU_HWPT_ALLOC_PASID;
    uint32_t idr0 = host_device(dev)->idr[0];

    if ((flags & ~valid) ||
        ((flags & IOMMU_HWPT_FAULT_ID_VALID) &&
         (flags & IOMMU_HWPT_ALLOC_NEST_PARENT))) {
        return -EOPNOTSUPP;
    }
    /* It is not handed on to the driver */
    flags &= ~IOMMU_HWPT_FAULT_ID_VALID;
    if ((flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING) &&
        !(host_device(dev)->hw_caps & IOMMU_HW_CAP_DIRTY_TRACKING)) {
        return -EOPNOTSUPP;
    }
    if (!is_arm(dev)) {
        return data_len ? -EOPNOTSUPP : 0;
    }
    if (data_len) {
        return -EOPNOTSUPP;
    }
    if (flags & IOMMU_HWPT_ALLOC_NEST_PARENT) {
        /* The driver takes this flag only alone, and nests only with both */
        if (flags != IOMMU_HWPT_ALLOC_NEST_PARENT ||
            vf_linux_before(VF_LINUX_6_15) ||
            (~idr0 & (SMMU_IDR0_S1P | SMMU_IDR0_S2P))) {
            return -EOPNOTSUPP;
        }
    } else if (flags && !(idr0 & SMMU_IDR0_S1P)) {
        return -EOPNOTSUPP;
    }
    return 0;
}

int vf_hwpt_alloc(uint32_t ctx, void *arg, VfLog *log)
{
    struct iommu_hwpt_alloc *cmd = arg;
    const void *data = (void *)(uintptr_t)cmd->data_uptr;
    VfObject *dev = vf_object_find_type(ctx, cmd->dev_id, VF_OBJ_DEVICE);
    VfObject *pt = vf_object_find(ctx, cmd->pt_id);
    VfObject *fault = NULL;
    VfObject *obj;
    VfObjType type;
    uint64_t ste[2] = { 0 };
    int ret;

    log->arg[0] = cmd->pt_id;
    log->arg[1] = cmd->flags | (uint64_t)cmd->data_type << 32;
    if (data && cmd->data_type == IOMMU_HWPT_DATA_ARM_SMMUV3 &&
        cmd->data_len >= sizeof(ste)) {
        memcpy(&log->arg[2], data, sizeof(ste));
    }
    if (cmd->__reserved) {
        return -EOPNOTSUPP;
    }
    if (!cmd->data_type != !cmd->data_len) {
        return -EINVAL;
    }
    if (!dev) {
        return -ENOENT;
    }
    if (!pt) {
        return -EINVAL;
    }
    switch (pt->type) {
    case VF_OBJ_IOAS:
        type = VF_OBJ_HWPT_PAGING;
        ret = paging_check(dev, cmd->flags, cmd->data_len);
        break;
    case VF_OBJ_HWPT_PAGING:
        /* Arm nests below a vIOMMU, never directly below a parent */
        ret = is_arm(dev) ? -EOPNOTSUPP : -EINVAL;
        type = VF_OBJ_HWPT_NESTED;
        break;
    case VF_OBJ_VIOMMU:
        type = VF_OBJ_HWPT_NESTED;
        ret = pt->smmu != host_device(dev)->smmu ? -EINVAL :
              vf_nested_check(pt, cmd->flags, cmd->data_type, data,
                              cmd->data_len, ste);
        break;
    default:
        return -EINVAL;
    }
    if (ret) {
        return ret;
    }
    if (cmd->flags & IOMMU_HWPT_FAULT_ID_VALID) {
        fault = vf_object_find_type(ctx, cmd->fault_id, VF_OBJ_FAULT);
        if (!fault) {
            return -ENOENT;
        }
    }
    obj = vf_object_new(ctx, type);
    if (!obj) {
        return -ENOMEM;
    }
    obj->parent = pt->id;
    obj->smmu = host_device(dev)->smmu;
    obj->flags = cmd->flags;
    memcpy(obj->ste, ste, sizeof(ste));
    vf_object_hold(ctx, pt->id);
    if (fault) {
        obj->fault = fault->id;
        vf_object_hold(ctx, fault->id);
    }
    cmd->out_hwpt_id = obj->id;
    log->arg[4] = obj->id;
    return 0;
}

int vf_hwpt_set_dirty(uint32_t ctx, void *arg, VfLog *log)
{
    struct iommu_hwpt_set_dirty_tracking *cmd = arg;
    VfObject *obj = vf_object_find_type(ctx, cmd->hwpt_id, VF_OBJ_HWPT_PAGING);

    log->arg[0] = cmd->hwpt_id;
    if ((cmd->flags & ~IOMMU_HWPT_DIRTY_TRACKING_ENABLE) || cmd->__reserved) {
        return -EOPNOTSUPP;
    }
    if (!obj) {
        return -ENOENT;
    }
    return obj->flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING ? 0 : -EOPNOTSUPP;
}

static VfObject *auto_hwpt_get(VfObject *dev, VfObject *ioas)
{
    VfObject *obj;

    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        obj = &vf->object[i];
        if (obj->type == VF_OBJ_HWPT_PAGING && obj->ctx == dev->ctx &&
            obj->parent == ioas->id && obj->auto_hwpt &&
            obj->smmu == dev->smmu) {
            return obj;
        }
    }
    obj = vf_object_new(dev->ctx, VF_OBJ_HWPT_PAGING);
    if (obj) {
        obj->parent = ioas->id;
        obj->smmu = dev->smmu;
        obj->auto_hwpt = 1;
        vf_object_hold(dev->ctx, ioas->id);
    }
    return obj;
}

void vf_detach(VfObject *dev)
{
    VfObject *old = dev->attached ? vf_object_find(dev->ctx, dev->attached)
                                  : NULL;

    dev->attached = 0;
    dev->reports = 0;
    if (!old) {
        return;
    }
    vf_fault_answer_all(dev->ctx, dev->id, old->id);
    vf_object_put(dev->ctx, old->id);
    if (old->auto_hwpt && !old->users) {
        vf_object_destroy(dev->ctx, old->id);
    }
}

static bool in_group_of(const VfObject *dev, const VfObject *obj)
{
    return obj->type == VF_OBJ_DEVICE && obj->ctx == dev->ctx &&
           vf->device[obj->device].group == vf->device[dev->device].group;
}

/*
 * A group is attached as one. The first of its devices brings the group to an
 * HWPT, and the others can only follow it there; one that is attached already
 * takes all of them along to another.
 */
static int may_attach(VfObject *pt, VfObject *dev)
{
    if (dev->attached == pt->id) {
        return 0;
    }
    for (int i = 0; i < VF_MAX_OBJECTS && !dev->attached; i++) {
        VfObject *obj = &vf->object[i];

        if (in_group_of(dev, obj) && obj->attached) {
            return obj->attached == pt->id ? 0 : -EINVAL;
        }
    }
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        VfObject *obj = &vf->object[i];
        int ret;

        if (!in_group_of(dev, obj)) {
            continue;
        }
        ret = pt->type == VF_OBJ_HWPT_NESTED ? vf_nested_may_attach(pt, obj) :
              pt->smmu != obj->smmu ? -EINVAL : 0;
        if (ret) {
            return ret;
        }
    }
    return 0;
}

/* The driver looks the StreamID up once, when it attaches */
static void attach_one(VfObject *dev, VfObject *pt)
{
    VfObject *vdevice = dev->vdevice ? vf_object_find(dev->ctx, dev->vdevice)
                                     : NULL;

    if (dev->attached == pt->id) {
        return;
    }
    vf_object_hold(dev->ctx, pt->id);
    vf_detach(dev);
    dev->attached = pt->id;
    if (pt->type == VF_OBJ_HWPT_NESTED && vdevice &&
        vdevice->parent == pt->parent) {
        dev->reports = 1;
        dev->event_sid = vdevice->virt_id;
    }
}

int vf_attach(VfObject *dev, uint32_t *pt_id)
{
    VfObject *pt = vf_object_find(dev->ctx, *pt_id);
    int ret;

    if (dev->type == VF_OBJ_ACCESS) {
        if (!pt || pt->type != VF_OBJ_IOAS) {
            return -ENOENT;
        }
    } else if (!pt) {
        return -ENOENT;
    } else if (pt->type == VF_OBJ_IOAS) {
        pt = auto_hwpt_get(dev, pt);
        if (!pt) {
            return -ENOMEM;
        }
    } else if (pt->type != VF_OBJ_HWPT_NESTED &&
               pt->type != VF_OBJ_HWPT_PAGING) {
        return -EINVAL;
    }
    if (dev->type == VF_OBJ_DEVICE) {
        ret = may_attach(pt, dev);
        if (ret) {
            if (pt->auto_hwpt && !pt->users) {
                vf_object_destroy(dev->ctx, pt->id);
            }
            return ret;
        }
        for (int i = 0; i < VF_MAX_OBJECTS && dev->attached; i++) {
            VfObject *obj = &vf->object[i];

            if (obj != dev && in_group_of(dev, obj) && obj->attached) {
                attach_one(obj, pt);
            }
        }
    }
    attach_one(dev, pt);
    *pt_id = pt->id;
    return 0;
}
