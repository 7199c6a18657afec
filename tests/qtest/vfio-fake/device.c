/*
 * Model of VFIO and iommufd: ioctls of a VFIO device file
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Interrupts can be configured and are never raised. BARs are plain memory in
 * the device's file.
 */

#include "fake.h"

#include <linux/pci_regs.h>
#include <linux/vfio.h>

static const struct {
    unsigned long nr;
    VfOp op;
} ops[] = {
    { VFIO_DEVICE_BIND_IOMMUFD, VF_OP_BIND },
    { VFIO_DEVICE_ATTACH_IOMMUFD_PT, VF_OP_ATTACH },
    { VFIO_DEVICE_DETACH_IOMMUFD_PT, VF_OP_DETACH },
    { VFIO_DEVICE_GET_INFO, VF_OP_GET_INFO },
    { VFIO_DEVICE_GET_REGION_INFO, VF_OP_GET_REGION_INFO },
    { VFIO_DEVICE_GET_IRQ_INFO, VF_OP_GET_IRQ_INFO },
    { VFIO_DEVICE_SET_IRQS, VF_OP_SET_IRQS },
    { VFIO_DEVICE_RESET, VF_OP_RESET },
    { VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, VF_OP_HOT_RESET_INFO },
    { VFIO_DEVICE_PCI_HOT_RESET, VF_OP_HOT_RESET },
    { VFIO_DEVICE_FEATURE, VF_OP_FEATURE },
};

VfOp vf_device_op(unsigned long nr)
{
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (ops[i].nr == nr) {
            return ops[i].op;
        }
    }
    return VF_OP_DEVICE_OTHER;
}

static VfObject *device_object(VfDevice *d)
{
    return d->obj_id ? vf_object_find(d->bound_ctx, d->obj_id) : NULL;
}

static int bind_iommufd(uint32_t dev, struct vfio_device_bind_iommufd *bind)
{
    VfDevice *d = &vf->device[dev];
    VfObject *obj;
    int ctx;

    if (bind->argsz < vf_end_of(struct vfio_device_bind_iommufd, out_devid) ||
        bind->flags || bind->iommufd < 0 || d->obj_id) {
        return -EINVAL;
    }
    ctx = vf_ctx_of_fd(bind->iommufd);
    if (ctx < 0) {
        return -EBADFD;
    }
    obj = vf_object_new(ctx, d->mdev ? VF_OBJ_ACCESS : VF_OBJ_DEVICE);
    if (!obj) {
        return -ENOMEM;
    }
    obj->device = dev;
    obj->smmu = d->smmu;
    d->bound_ctx = ctx;
    d->obj_id = obj->id;
    vf_config_prepare(d);
    bind->out_devid = obj->id;
    return 0;
}

void vf_device_closed(uint32_t dev)
{
    VfDevice *d = &vf->device[dev];
    VfObject *obj = device_object(d);
    VfObject *vdevice;

    d->msix_enabled = d->msi_enabled = d->intx_enabled = 0;
    d->obj_id = 0;
    d->config_ready = 0;
    if (!obj) {
        return;
    }
    vf_detach(obj);
    vdevice = obj->vdevice ? vf_object_find(obj->ctx, obj->vdevice) : NULL;
    if (vdevice) {
        /* The kernel revokes it; its identifier stays taken until close */
        vf_object_put(obj->ctx, vdevice->parent);
        vdevice->type = VF_OBJ_TOMBSTONE;
    }
    obj->type = VF_OBJ_FREE;
}

static int get_info(VfDevice *d, struct vfio_device_info *info)
{
    if (info->argsz < vf_end_of(struct vfio_device_info, num_irqs)) {
        return -EINVAL;
    }
    info->flags = VFIO_DEVICE_FLAGS_PCI |
                  (d->reset_ok ? VFIO_DEVICE_FLAGS_RESET : 0);
    info->num_regions = VFIO_PCI_NUM_REGIONS;
    info->num_irqs = VFIO_PCI_NUM_IRQS;
    return 0;
}

static int get_region_info(VfDevice *d, struct vfio_region_info *info)
{
    if (info->argsz < vf_end_of(struct vfio_region_info, offset)) {
        return -EINVAL;
    }
    info->flags = 0;
    info->cap_offset = 0;
    info->size = 0;
    info->offset = (uint64_t)info->index << VF_REGION_SHIFT;
    if (info->index < VF_BARS) {
        info->size = d->bar_size[info->index];
        if (info->size) {
            info->flags = VFIO_REGION_INFO_FLAG_READ |
                          VFIO_REGION_INFO_FLAG_WRITE |
                          VFIO_REGION_INFO_FLAG_MMAP;
        }
    } else if (info->index == VFIO_PCI_CONFIG_REGION_INDEX) {
        info->size = d->config_size;
        info->flags = VFIO_REGION_INFO_FLAG_READ |
                      VFIO_REGION_INFO_FLAG_WRITE;
    } else if (info->index == VFIO_PCI_ROM_REGION_INDEX) {
        info->size = d->rom_size;
        info->flags = d->rom_size ? VFIO_REGION_INFO_FLAG_READ : 0;
    } else if (info->index == VFIO_PCI_VGA_REGION_INDEX && d->vga) {
        info->size = 0xc0000;
        info->flags = VFIO_REGION_INFO_FLAG_READ |
                      VFIO_REGION_INFO_FLAG_WRITE;
    } else {
        return -EINVAL;
    }
    return 0;
}

static uint32_t irq_count(VfDevice *d, uint32_t index)
{
    switch (index) {
    case VFIO_PCI_INTX_IRQ_INDEX:
        return d->phys[PCI_INTERRUPT_PIN] != 0;
    case VFIO_PCI_MSI_IRQ_INDEX:
        return d->msi;
    case VFIO_PCI_MSIX_IRQ_INDEX:
        return d->msix;
    case VFIO_PCI_ERR_IRQ_INDEX:
        return d->config_size > PCI_CFG_SPACE_SIZE;
    default:
        return 1;
    }
}

static int get_irq_info(VfDevice *d, struct vfio_irq_info *info)
{
    if (info->argsz < vf_end_of(struct vfio_irq_info, count) ||
        info->index >= VFIO_PCI_NUM_IRQS) {
        return -EINVAL;
    }
    if (info->index == VFIO_PCI_ERR_IRQ_INDEX &&
        !irq_count(d, info->index)) {
        return -EINVAL;
    }
    info->count = irq_count(d, info->index);
    info->flags = VFIO_IRQ_INFO_EVENTFD;
    if (info->index == VFIO_PCI_INTX_IRQ_INDEX) {
        info->flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
    } else if (info->index == VFIO_PCI_MSI_IRQ_INDEX) {
        info->flags |= VFIO_IRQ_INFO_NORESIZE;
    }
    return 0;
}

static int set_irqs(VfDevice *d, struct vfio_irq_set *set, VfLog *log)
{
    uint32_t kind = set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
    uint32_t action = set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
    uint32_t width = kind == VFIO_IRQ_SET_DATA_EVENTFD ? sizeof(int32_t) :
                     kind == VFIO_IRQ_SET_DATA_BOOL ? 1 : 0;
    uint32_t *enabled = NULL;
    uint32_t max;

    log->arg[0] = set->index;
    log->arg[1] = set->flags;
    log->arg[2] = set->start;
    log->arg[3] = set->count;
    if (set->argsz < sizeof(*set) || set->index >= VFIO_PCI_NUM_IRQS ||
        !action || (action & (action - 1)) || !kind || (kind & (kind - 1))) {
        return -EINVAL;
    }
    max = irq_count(d, set->index);
    if (set->start >= max && set->count) {
        return -EINVAL;
    }
    if (set->count > max - (set->count ? set->start : 0) ||
        set->argsz - sizeof(*set) < (uint64_t)set->count * width) {
        return -EINVAL;
    }
    if (set->index == VFIO_PCI_INTX_IRQ_INDEX) {
        enabled = &d->intx_enabled;
    } else if (set->index == VFIO_PCI_MSI_IRQ_INDEX) {
        enabled = &d->msi_enabled;
    } else if (set->index == VFIO_PCI_MSIX_IRQ_INDEX) {
        enabled = &d->msix_enabled;
    }
    if (enabled && action == VFIO_IRQ_SET_ACTION_TRIGGER) {
        if (kind == VFIO_IRQ_SET_DATA_NONE && !set->count) {
            *enabled = 0;
        } else if (kind == VFIO_IRQ_SET_DATA_EVENTFD &&
                   *enabled < set->start + set->count) {
            *enabled = set->start + set->count;
        }
    }
    return 0;
}

static int hot_reset_info(VfDevice *d, struct vfio_pci_hot_reset_info *info)
{
    struct vfio_pci_dependent_device *dep = info->devices;

    if (info->argsz < sizeof(*info)) {
        return -EINVAL;
    }
    info->count = 1;
    info->flags = d->obj_id ? VFIO_PCI_HOT_RESET_FLAG_DEV_ID |
                              VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED : 0;
    if (info->argsz < sizeof(*info) + sizeof(*dep)) {
        return -ENOSPC;
    }
    memset(dep, 0, sizeof(*dep));
    if (d->obj_id) {
        dep->devid = d->obj_id;
    } else {
        dep->group_id = d->group;
    }
    dep->bus = d->minor + 1;
    return 0;
}

int vf_device_ioctl(uint32_t dev, int fd, unsigned long nr, void *arg,
                    VfLog *log)
{
    VfDevice *d = &vf->device[dev];
    VfObject *obj = device_object(d);
    int ret = vf_should_fail(log->op, NULL);

    if (ret) {
        return ret;
    }
    /* A device file of its own is dead until it is bound */
    if (!obj && !vf_is_group_fd(fd) && nr != VFIO_DEVICE_BIND_IOMMUFD) {
        return -EINVAL;
    }
    switch (nr) {
    case VFIO_DEVICE_BIND_IOMMUFD:
        ret = bind_iommufd(dev, arg);
        log->arg[0] = ret ? 0 : d->obj_id;
        return ret;
    case VFIO_DEVICE_ATTACH_IOMMUFD_PT: {
        struct vfio_device_attach_iommufd_pt *attach = arg;

        log->arg[0] = attach->pt_id;
        if (attach->argsz <
            vf_end_of(struct vfio_device_attach_iommufd_pt, pt_id) ||
            attach->flags || !obj) {
            return -EINVAL;
        }
        return vf_attach(obj, &attach->pt_id);
    }
    case VFIO_DEVICE_DETACH_IOMMUFD_PT: {
        struct vfio_device_detach_iommufd_pt *detach = arg;

        if (detach->argsz < sizeof(*detach) || detach->flags || !obj) {
            return -EINVAL;
        }
        vf_detach(obj);
        return 0;
    }
    case VFIO_DEVICE_GET_INFO:
        return get_info(d, arg);
    case VFIO_DEVICE_GET_REGION_INFO:
        log->arg[0] = ((struct vfio_region_info *)arg)->index;
        return get_region_info(d, arg);
    case VFIO_DEVICE_GET_IRQ_INFO:
        log->arg[0] = ((struct vfio_irq_info *)arg)->index;
        return get_irq_info(d, arg);
    case VFIO_DEVICE_SET_IRQS:
        return set_irqs(d, arg, log);
    case VFIO_DEVICE_RESET:
        return d->reset_ok ? 0 : -EINVAL;
    case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
        return hot_reset_info(d, arg);
    case VFIO_DEVICE_PCI_HOT_RESET:
        return 0;
    case VFIO_DEVICE_FEATURE:
        log->arg[0] = ((struct vfio_device_feature *)arg)->flags;
        return vf_device_feature(d, arg);
    default:
        return -ENOTTY;
    }
}
