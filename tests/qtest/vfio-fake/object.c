/*
 * Model of VFIO and iommufd: the object table of an iommufd
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Identifiers start at 1 and the lowest free one is taken, so that a stale
 * one soon names another object, as in the kernel.
 */

#include "fake.h"

VfObject *vf_object_find(uint32_t ctx, uint32_t id)
{
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        VfObject *obj = &vf->object[i];

        if (obj->type > VF_OBJ_TOMBSTONE && obj->ctx == ctx && obj->id == id) {
            return obj;
        }
    }
    return NULL;
}

VfObject *vf_object_find_type(uint32_t ctx, uint32_t id, VfObjType type)
{
    VfObject *obj = vf_object_find(ctx, id);

    return obj && obj->type == type ? obj : NULL;
}

static bool id_is_taken(uint32_t ctx, uint32_t id)
{
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        VfObject *obj = &vf->object[i];

        if (obj->type != VF_OBJ_FREE && obj->ctx == ctx && obj->id == id) {
            return true;
        }
    }
    return false;
}

VfObject *vf_object_new(uint32_t ctx, VfObjType type)
{
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        VfObject *obj = &vf->object[i];
        uint32_t id = 1;

        if (obj->type != VF_OBJ_FREE) {
            continue;
        }
        while (id_is_taken(ctx, id)) {
            id++;
        }
        memset(obj, 0, sizeof(*obj));
        obj->type = type;
        obj->ctx = ctx;
        obj->id = id;
        obj->device = -1;
        return obj;
    }
    return NULL;
}

void vf_object_hold(uint32_t ctx, uint32_t id)
{
    VfObject *obj = vf_object_find(ctx, id);

    if (obj) {
        obj->users++;
    }
}

void vf_object_put(uint32_t ctx, uint32_t id)
{
    VfObject *obj = vf_object_find(ctx, id);

    if (obj && obj->users) {
        obj->users--;
    }
}

static bool has_queue(const VfObject *obj)
{
    return obj->type == VF_OBJ_VEVENTQ || obj->type == VF_OBJ_FAULT;
}

int vf_object_destroy(uint32_t ctx, uint32_t id)
{
    VfObject *obj = vf_object_find(ctx, id);

    if (!obj) {
        return -ENOENT;
    }
    if (obj->users ||
        (has_queue(obj) && vf_queue_is_open(obj->queue))) {
        return -EBUSY;
    }
    switch (obj->type) {
    case VF_OBJ_IOAS:
        vf_map_forget(ctx, id);
        break;
    case VF_OBJ_VDEVICE:
        for (int i = 0; i < VF_MAX_OBJECTS; i++) {
            VfObject *dev = &vf->object[i];

            if (dev->type == VF_OBJ_DEVICE && dev->ctx == ctx &&
                dev->vdevice == id) {
                dev->vdevice = 0;
            }
        }
        break;
    case VF_OBJ_VEVENTQ:
    case VF_OBJ_FAULT:
        vf->eventq[obj->queue].used = 0;
        break;
    }
    if (obj->fault) {
        vf_object_put(ctx, obj->fault);
    }
    if (obj->parent) {
        vf_object_put(ctx, obj->parent);
    }
    obj->type = VF_OBJ_FREE;
    return 0;
}

/*
 * A bound device, and the file of a queue, have a reference on the context,
 * which goes with the last of them and not with QEMU's descriptor.
 */
static bool ctx_is_held(uint32_t ctx)
{
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        VfObject *obj = &vf->object[i];

        if (obj->ctx == ctx &&
            (obj->type == VF_OBJ_DEVICE || obj->type == VF_OBJ_ACCESS ||
             (has_queue(obj) && vf_queue_is_open(obj->queue)))) {
            return true;
        }
    }
    return false;
}

void vf_ctx_destroy(uint32_t ctx)
{
    vf_fault_answer_all(ctx, 0, 0);
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        VfObject *obj = &vf->object[i];

        if (obj->ctx == ctx) {
            if (has_queue(obj)) {
                vf->eventq[obj->queue].used = 0;
            }
            obj->type = VF_OBJ_FREE;
        }
    }
    for (int i = 0; i < VF_MAX_MAPS; i++) {
        if (vf->map[i].ctx == ctx && vf->map[i].ioas != UINT32_MAX) {
            vf->map[i].ioas = 0;
        }
    }
    vf->ctx[ctx].used = 0;
}

void vf_ctx_reap(void)
{
    for (uint32_t i = 0; i < VF_MAX_CTX; i++) {
        if (vf->ctx[i].used && vf->ctx[i].closed && !ctx_is_held(i)) {
            vf_ctx_destroy(i);
        }
    }
}
