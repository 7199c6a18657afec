/*
 * Model of VFIO and iommufd: shared state, call log, failing calls
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "fake.h"

#include <stdlib.h>
#include <sys/mman.h>

VfShared *vf;

void vf_state_init(void)
{
    const char *shm = getenv(VF_ENV_SHM);
    VfShared *p;

    if (!shm) {
        return;
    }
    p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_SHARED,
             atoi(shm), 0);
    if (p == MAP_FAILED) {
        return;
    }
    if (p->magic != VF_MAGIC || p->size != sizeof(*p)) {
        munmap(p, sizeof(*p));
        return;
    }
    p->loaded++;
    vf = p;
}

void vf_lock(void)
{
    pthread_mutex_lock(&vf->lock);
}

void vf_unlock(void)
{
    pthread_mutex_unlock(&vf->lock);
}

int vf_should_fail(VfOp op, VfRule **which)
{
    int err = 0;

    vf->calls[op]++;
    for (int i = 0; i < VF_MAX_RULES; i++) {
        VfRule *rule = &vf->rule[i];

        if (rule->op != op) {
            continue;
        }
        rule->seen++;
        if (!err && rule->seen >= rule->nth &&
            rule->seen - rule->nth < rule->count) {
            err = -rule->err;
            if (which) {
                *which = rule;
            }
        }
    }
    return err;
}

VfLog *vf_log(VfOp op, uint32_t unit, uint32_t nr)
{
    static VfLog overflow;
    VfLog *log = &overflow;

    if (vf->log_len < VF_MAX_LOG) {
        log = &vf->log[vf->log_len];
    }
    vf->log_len++;
    memset(log, 0, sizeof(*log));
    log->op = op;
    log->unit = unit;
    log->nr = nr;
    return log;
}

/* Put a value to where it belongs in @to, which starts at @start */
static void put(const VfChange *change, uint64_t start, uint8_t *to,
                uint64_t room)
{
    for (uint32_t i = 0; i < change->size && i < sizeof(change->value); i++) {
        uint64_t at = (uint64_t)change->offset + i;

        if (at >= start && at - start < room) {
            to[at - start] = change->value >> (8 * i);
        }
    }
}

static bool is_due(VfChange *change)
{
    change->seen++;
    return !change->nth || change->seen == change->nth;
}

int vf_change_answer(const VfLog *log, void *arg, uint32_t room, void *behind,
                     uint32_t behind_room, int ret)
{
    for (int i = 0; i < VF_MAX_CHANGES; i++) {
        VfChange *change = &vf->change[i];

        if (change->op != log->op ||
            (change->which != UINT64_MAX && change->which != log->arg[0]) ||
            !is_due(change)) {
            continue;
        }
        put(change, 0, arg, room);
        if (behind) {
            put(change, room, behind, behind_room);
        }
        if (change->ret && ret >= 0) {
            ret = change->ret;
            /* An error of long ago would hide that there is none now */
            errno = 0;
        }
    }
    return ret;
}

void vf_change_config(uint64_t offset, void *buf, size_t size)
{
    for (int i = 0; i < VF_MAX_CHANGES; i++) {
        VfChange *change = &vf->change[i];

        if (change->op == VF_OP_CONFIG_READ &&
            change->offset < offset + size &&
            offset < (uint64_t)change->offset + change->size &&
            is_due(change)) {
            put(change, offset, buf, size);
        }
    }
}
