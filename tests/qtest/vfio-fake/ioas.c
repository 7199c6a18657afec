/*
 * Model of VFIO and iommufd: IOAS and their mappings
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The usable addresses are those of an Arm SMMU with 48 bits and the usual
 * window for MSIs. The model stores ranges and never accesses memory. It
 * accepts a mapping of a device's BAR, which a kernel may refuse.
 */

#include "fake.h"

#include <linux/iommufd.h>

#define VF_PAGE_SIZE 4096ull

static const struct iommu_iova_range usable[] = {
    { .start = 0, .last = 0x7ffffff },
    { .start = 0x8100000, .last = 0xffffffffffffull },
};

#define VF_USABLE (sizeof(usable) / sizeof(usable[0]))

int vf_map_add(uint32_t ctx, uint32_t ioas, uint64_t iova, uint64_t length)
{
    VfMap *slot = NULL;

    if (!length || iova + length - 1 < iova) {
        return -EOVERFLOW;
    }
    for (int i = 0; i < VF_MAX_MAPS; i++) {
        VfMap *map = &vf->map[i];

        if (!map->ioas) {
            slot = map;
        } else if (map->ctx == ctx && map->ioas == ioas &&
                   map->iova <= iova + length - 1 &&
                   iova <= map->iova + map->length - 1) {
            return -EEXIST;
        }
    }
    if (!slot) {
        return -ENOMEM;
    }
    slot->ctx = ctx;
    slot->ioas = ioas;
    slot->iova = iova;
    slot->length = length;
    return 0;
}

int vf_map_del(uint32_t ctx, uint32_t ioas, uint64_t iova, uint64_t length,
               uint64_t *unmapped)
{
    uint64_t last = length == UINT64_MAX ? UINT64_MAX : iova + length - 1;

    *unmapped = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < VF_MAX_MAPS; i++) {
            VfMap *map = &vf->map[i];
            uint64_t end = map->iova + map->length - 1;

            if (map->ioas != ioas || map->ctx != ctx || map->iova > last ||
                end < iova) {
                continue;
            }
            if (map->iova < iova || end > last) {
                /* A mapping goes as a whole or not at all */
                return -ENOENT;
            }
            if (pass) {
                *unmapped += map->length;
                map->ioas = 0;
            }
        }
    }
    return 0;
}

void vf_map_forget(uint32_t ctx, uint32_t ioas)
{
    for (int i = 0; i < VF_MAX_MAPS; i++) {
        if (vf->map[i].ctx == ctx && vf->map[i].ioas == ioas) {
            vf->map[i].ioas = 0;
        }
    }
}

int vf_ioas_alloc(uint32_t ctx, void *arg, VfLog *log)
{
    struct iommu_ioas_alloc *cmd = arg;
    VfObject *obj;

    if (cmd->flags) {
        return -EOPNOTSUPP;
    }
    obj = vf_object_new(ctx, VF_OBJ_IOAS);
    if (!obj) {
        return -ENOMEM;
    }
    cmd->out_ioas_id = obj->id;
    log->arg[0] = obj->id;
    return 0;
}

int vf_ioas_iova_ranges(uint32_t ctx, void *arg, VfLog *log)
{
    struct iommu_ioas_iova_ranges *cmd = arg;
    struct iommu_iova_range *out = (void *)(uintptr_t)cmd->allowed_iovas;
    uint32_t room = cmd->num_iovas;

    log->arg[0] = cmd->ioas_id;
    if (cmd->__reserved) {
        return -EOPNOTSUPP;
    }
    if (!vf_object_find_type(ctx, cmd->ioas_id, VF_OBJ_IOAS)) {
        return -ENOENT;
    }
    for (size_t i = 0; i < VF_USABLE && i < room; i++) {
        out[i] = usable[i];
    }
    cmd->num_iovas = VF_USABLE;
    cmd->out_iova_alignment = VF_PAGE_SIZE;
    return room < VF_USABLE ? -EMSGSIZE : 0;
}

static int map_common(uint32_t ctx, uint32_t ioas, uint32_t flags,
                      uint64_t iova, uint64_t length, uint64_t start,
                      VfLog *log)
{
    const uint32_t access = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE;
    bool inside = false;

    log->arg[0] = ioas;
    log->arg[1] = iova;
    log->arg[2] = length;
    if (flags & ~(access | IOMMU_IOAS_MAP_FIXED_IOVA)) {
        return -EOPNOTSUPP;
    }
    if (iova == UINT64_MAX || length == UINT64_MAX) {
        return -EOVERFLOW;
    }
    if (!(flags & access)) {
        return -EINVAL;
    }
    if (!vf_object_find_type(ctx, ioas, VF_OBJ_IOAS)) {
        return -ENOENT;
    }
    /* Nothing that is tested lets the kernel choose the address */
    if (!(flags & IOMMU_IOAS_MAP_FIXED_IOVA) || !length ||
        (iova | length | start) % VF_PAGE_SIZE) {
        return -EINVAL;
    }
    for (size_t i = 0; i < VF_USABLE; i++) {
        inside |= iova >= usable[i].start &&
                  length - 1 <= usable[i].last - iova &&
                  iova <= usable[i].last;
    }
    return inside ? vf_map_add(ctx, ioas, iova, length) : -EINVAL;
}

int vf_ioas_map(uint32_t ctx, void *arg, VfLog *log)
{
    struct iommu_ioas_map *cmd = arg;

    if (cmd->__reserved) {
        return -EOPNOTSUPP;
    }
    return map_common(ctx, cmd->ioas_id, cmd->flags, cmd->iova, cmd->length,
                      cmd->user_va, log);
}

int vf_ioas_map_file(uint32_t ctx, void *arg, VfLog *log)
{
    struct iommu_ioas_map_file *cmd = arg;

    return map_common(ctx, cmd->ioas_id, cmd->flags, cmd->iova, cmd->length,
                      cmd->start, log);
}

int vf_ioas_unmap(uint32_t ctx, void *arg, VfLog *log)
{
    struct iommu_ioas_unmap *cmd = arg;
    bool all = !cmd->iova && cmd->length == UINT64_MAX;
    uint64_t unmapped;
    int ret;

    log->arg[0] = cmd->ioas_id;
    log->arg[1] = cmd->iova;
    log->arg[2] = cmd->length;
    if (!vf_object_find_type(ctx, cmd->ioas_id, VF_OBJ_IOAS)) {
        return -ENOENT;
    }
    if (!all && (cmd->iova == UINT64_MAX || cmd->length == UINT64_MAX)) {
        return -EOVERFLOW;
    }
    if (!all && !cmd->length) {
        return -EINVAL;
    }
    ret = vf_map_del(ctx, cmd->ioas_id, cmd->iova, cmd->length, &unmapped);
    if (ret) {
        return ret;
    }
    if (!unmapped && !all) {
        return -ENOENT;
    }
    cmd->length = unmapped;
    return 0;
}
