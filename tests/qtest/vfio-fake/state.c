/*
 * Fake of VFIO and iommufd: shared state, call log, failing calls
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
