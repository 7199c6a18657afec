/*
 * Model of VFIO and iommufd: VFIO groups and the type1 container
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One device for each group; a group is viable and can be in one container.
 */

#include "fake.h"

#include <linux/vfio.h>
#include <sys/mman.h>

enum { MAX_FILES = 16 };

typedef enum FileKind {
    FILE_FREE,
    FILE_CONTAINER,
    FILE_GROUP,
    FILE_GROUP_DEVICE,
} FileKind;

/* Files that QEMU opened through the group interface, in this process */
static struct {
    FileKind kind;
    int fd;
    unsigned int group;
    bool in_container;
    bool iommu_set;
} files[MAX_FILES];

/* Mappings of containers share the table of the IOAS ones under this number */
#define CONTAINER_IOAS UINT32_MAX

static int find(int fd)
{
    for (int i = 0; i < MAX_FILES; i++) {
        if (files[i].kind != FILE_FREE && files[i].fd == fd) {
            return i;
        }
    }
    return -1;
}

static int add(FileKind kind, int fd, unsigned int group)
{
    for (int i = 0; i < MAX_FILES && fd >= 0; i++) {
        if (files[i].kind == FILE_FREE) {
            files[i].kind = kind;
            files[i].fd = fd;
            files[i].group = group;
            files[i].in_container = false;
            files[i].iommu_set = false;
            return fd;
        }
    }
    return -EMFILE;
}

static int device_of_group(unsigned int group)
{
    for (int i = 0; i < VF_MAX_DEVICES; i++) {
        if (vf->device[i].present && vf->device[i].group == group) {
            return i;
        }
    }
    return -1;
}

int vf_group_open(unsigned int group)
{
    if (device_of_group(group) < 0) {
        return -ENOENT;
    }
    return add(FILE_GROUP, memfd_create("vfio-group", MFD_CLOEXEC), group);
}

int vf_container_open(void)
{
    return add(FILE_CONTAINER, memfd_create("vfio", MFD_CLOEXEC), 0);
}

bool vf_is_group_fd(int fd)
{
    return find(fd) >= 0;
}

VfOp vf_group_op(int fd)
{
    int i = find(fd);

    return i < 0 || files[i].kind == FILE_GROUP_DEVICE ? VF_OP_NONE :
           files[i].kind == FILE_GROUP ? VF_OP_GROUP : VF_OP_CONTAINER;
}

void vf_group_closed(int fd)
{
    int i = find(fd);

    if (i < 0) {
        return;
    }
    if (files[i].kind == FILE_CONTAINER) {
        vf_map_forget(0, CONTAINER_IOAS);
    }
    files[i].kind = FILE_FREE;
}

static int group_ioctl(int i, unsigned long nr, unsigned long arg)
{
    struct vfio_group_status *status;
    int container;
    int dev;

    switch (nr) {
    case VFIO_GROUP_GET_STATUS:
        status = (void *)arg;
        if (status->argsz < sizeof(*status)) {
            return -EINVAL;
        }
        status->flags = VFIO_GROUP_FLAGS_VIABLE |
            (files[i].in_container ? VFIO_GROUP_FLAGS_CONTAINER_SET : 0);
        return 0;
    case VFIO_GROUP_SET_CONTAINER:
        container = find(*(int *)arg);
        if (container < 0 || files[container].kind != FILE_CONTAINER ||
            files[i].in_container) {
            return -EINVAL;
        }
        files[i].in_container = true;
        return 0;
    case VFIO_GROUP_UNSET_CONTAINER:
        if (!files[i].in_container) {
            return -EINVAL;
        }
        files[i].in_container = false;
        return 0;
    case VFIO_GROUP_GET_DEVICE_FD:
        dev = device_of_group(files[i].group);
        if (!files[i].in_container || dev < 0) {
            return -EINVAL;
        }
        vf_config_prepare(&vf->device[dev]);
        return add(FILE_GROUP_DEVICE, vf_dup_device(dev), files[i].group);
    default:
        return -ENOTTY;
    }
}

static int container_ioctl(int i, unsigned long nr, unsigned long arg)
{
    struct vfio_iommu_type1_dma_unmap *unmap;
    struct vfio_iommu_type1_dma_map *map;
    struct vfio_iommu_type1_info *info;
    uint64_t unmapped;
    int ret;

    switch (nr) {
    case VFIO_GET_API_VERSION:
        return VFIO_API_VERSION;
    case VFIO_CHECK_EXTENSION:
        return arg == VFIO_TYPE1_IOMMU || arg == VFIO_TYPE1v2_IOMMU ||
               arg == VFIO_UNMAP_ALL;
    case VFIO_SET_IOMMU:
        if (arg != VFIO_TYPE1_IOMMU && arg != VFIO_TYPE1v2_IOMMU) {
            return -EINVAL;
        }
        files[i].iommu_set = true;
        return 0;
    default:
        break;
    }
    if (!files[i].iommu_set) {
        return -EINVAL;
    }
    switch (nr) {
    case VFIO_IOMMU_GET_INFO:
        info = (void *)arg;
        if (info->argsz < vf_end_of(struct vfio_iommu_type1_info,
                                    iova_pgsizes)) {
            return -EINVAL;
        }
        info->flags = VFIO_IOMMU_INFO_PGSIZES;
        info->iova_pgsizes = ~0xfffull;
        return 0;
    case VFIO_IOMMU_MAP_DMA:
        map = (void *)arg;
        if (map->argsz < vf_end_of(struct vfio_iommu_type1_dma_map, size)) {
            return -EINVAL;
        }
        return vf_map_add(0, CONTAINER_IOAS, map->iova, map->size);
    case VFIO_IOMMU_UNMAP_DMA:
        unmap = (void *)arg;
        if (unmap->argsz < vf_end_of(struct vfio_iommu_type1_dma_unmap,
                                     size)) {
            return -EINVAL;
        }
        ret = vf_map_del(0, CONTAINER_IOAS, unmap->iova,
                         unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL ?
                         UINT64_MAX : unmap->size, &unmapped);
        unmap->size = unmapped;
        return ret;
    default:
        return -ENOTTY;
    }
}

int vf_group_ioctl(int fd, unsigned long nr, unsigned long arg)
{
    int i = find(fd);
    int ret = vf_should_fail(vf_group_op(fd), NULL);

    if (ret) {
        return ret;
    }
    return files[i].kind == FILE_GROUP ? group_ioctl(i, nr, arg)
                                       : container_ioctl(i, nr, arg);
}
