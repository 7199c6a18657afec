/*
 * Arm SMMUv3: the stall model
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/util.h"
#include "qapi/visitor.h"
#include "qemu/log.h"
#include "hw/arm/smmuv3-waits.h"
#include "hw/qdev-properties.h"
#include "smmuv3-fields.h"
#include "smmuv3-stall.h"
#include "trace.h"

/* The property type */

static const char *const stall_modes[] = {
    [SMMUV3_STALL_AUTO] = "auto",
    [SMMUV3_STALL_OFF] = "off",
    [SMMUV3_STALL_ON] = "on",
    [SMMUV3_STALL_FORCE] = "force",
};

static const QEnumLookup stall_lookup = {
    .array = stall_modes,
    .size = ARRAY_SIZE(stall_modes),
};

static void stall_get(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    int mode = *(uint8_t *)object_field_prop_ptr(obj, opaque);

    visit_type_enum(v, name, &mode, &stall_lookup, errp);
}

static void stall_set(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    uint8_t *field = object_field_prop_ptr(obj, opaque);
    int mode = 0;

    if (visit_type_enum(v, name, &mode, &stall_lookup, errp)) {
        *field = mode;
    }
}

static void stall_set_default(ObjectProperty *op, const Property *prop)
{
    object_property_set_default_str(op, stall_modes[prop->defval.u]);
}

const PropertyInfo smmuv3_prop_stall = {
    .type = "str",
    .description = "stall model: off, on (both models) or force; auto follows"
                   " the host with accel=on, else it is off",
    .get = stall_get,
    .set = stall_set,
    .set_default_value = stall_set_default,
};

SMMUv3StallMode smmuv3_stall_mode(const SMMUv3State *s)
{
    SMMUv3StallMode mode = s->stall_settled != SMMUV3_STALL_AUTO ?
                           s->stall_settled : s->x_stall;

    return mode == SMMUV3_STALL_AUTO ? SMMUV3_STALL_OFF : mode;
}

const char *smmuv3_stall_mode_name(SMMUv3StallMode mode)
{
    return stall_modes[mode];
}

void smmuv3_stall_settle(SMMUv3State *s, SMMUv3StallMode mode)
{
    s->stall_settled = mode;
}

/* Configuration: STE, CD */

static unsigned int stall_model(SMMUv3State *s)
{
    return FIELD_EX32(s->idr[0], IDR0, STALL_MODEL);
}

static bool has_stalls(SMMUv3State *s)
{
    return stall_model(s) != STALL_MODEL_NONE;
}

/* Check CD.S or STE.S2S, which is @stall, and take it down for @stage */
static bool stall_legal(SMMUv3State *s, SMMUTransCfg *cfg, SMMUStage stage,
                        bool stall)
{
    if (stall) {
        cfg->stalls |= stage;
    }
    return stall ? has_stalls(s) : stall_model(s) != STALL_MODEL_FORCED;
}

bool smmuv3_stall_ste_legal(SMMUv3State *s, SMMUTransCfg *cfg, STE *ste)
{
    /* Without stalls the field has always been refused in any stage */
    if (has_stalls(s) && !STE_CFG_S1_ENABLED(STE_CONFIG(ste))) {
        return true;
    }
    cfg->s1stalld = STE_S1STALLD(ste);
    if (cfg->s1stalld && stall_model(s) != STALL_MODEL_BOTH) {
        qemu_log_mask(LOG_GUEST_ERROR, "SMMUv3 STE S1STALLD with STALL_MODEL "
                      "%u\n", stall_model(s));
        return false;
    }
    return true;
}

bool smmuv3_stall_s2_legal(SMMUv3State *s, SMMUTransCfg *cfg, STE *ste)
{
    if (!stall_legal(s, cfg, SMMU_STAGE_2, STE_S2S(ste))) {
        qemu_log_mask(LOG_GUEST_ERROR, "SMMUv3 bad STE S2S: %u with "
                      "STALL_MODEL %u\n", STE_S2S(ste), stall_model(s));
        return false;
    }
    return true;
}

bool smmuv3_stall_cd_legal(SMMUv3State *s, SMMUTransCfg *cfg, CD *cd)
{
    if (!stall_legal(s, cfg, SMMU_STAGE_1, CD_S(cd)) ||
        (CD_S(cd) && cfg->s1stalld)) {
        qemu_log_mask(LOG_GUEST_ERROR, "SMMUv3 bad CD S: %u with STALL_MODEL "
                      "%u, S1STALLD %d\n", CD_S(cd), stall_model(s),
                      cfg->s1stalld);
        return false;
    }
    return true;
}

bool smmuv3_stall_takes(SMMUv3State *s, const SMMUEventInfo *info)
{
    if (!info->can_wait || !info->stalls) {
        return false;
    }
    switch (info->type) {
    case SMMU_EVT_F_TRANSLATION:
    case SMMU_EVT_F_ADDR_SIZE:
    case SMMU_EVT_F_ACCESS:
    case SMMU_EVT_F_PERMISSION:
        s->stall_state->faulted = true;
        s->stall_state->fault = *info;
        return true;
    default:
        return false;
    }
}

/* Records */

/* Conditions under which the event queue is writable (7.2) */
static bool eventq_writable(SMMUv3State *s)
{
    return smmuv3_eventq_enabled(s) && !smmuv3_q_full(&s->eventq) &&
           !FIELD_EX32(s->gerror ^ s->gerrorn, GERROR, EVENTQ_ABT_ERR);
}

/* Write the record of a stalled transaction (7.3.13 to 7.3.16) */
static bool stall_record(SMMUv3State *s, const SMMUv3Stall *stall)
{
    const SMMUEventInfo *event = &stall->event;
    const struct FullInfo *info = &event->u.f_walk_eabt;
    Evt evt = {};

    EVT_SET_TYPE(&evt, event->type);
    EVT_SET_SSV(&evt, info->ssv);
    EVT_SET_SSID(&evt, info->ssid);
    EVT_SET_SID(&evt, event->sid);
    EVT_SET_STAG(&evt, stall->stag);
    EVT_SET_STALL(&evt, 1);
    EVT_SET_PNU(&evt, info->pnu);
    EVT_SET_IND(&evt, info->ind);
    EVT_SET_RNW(&evt, info->rnw);
    EVT_SET_S2(&evt, info->s2);
    EVT_SET_CLASS(&evt, info->class);
    EVT_SET_ADDR(&evt, info->addr);
    EVT_SET_ADDR2(&evt, info->addr2);

    trace_smmuv3_stall_record(event->sid, stall->stag, event->type,
                              info->addr);
    if (smmuv3_write_eventq(s, &evt) != MEMTX_OK) {
        smmuv3_trigger_irq(s, SMMU_IRQ_GERROR, R_GERROR_EVENTQ_ABT_ERR_MASK);
        return false;
    }
    return true;
}

/* Tell the guest of those it has not been told of yet, as far as possible */
static void stall_record_all(SMMUv3State *s)
{
    SMMUv3StallState *state = s->stall_state;
    SMMUv3Stall *stall;

    QTAILQ_FOREACH(stall, &state->stalls, next) {
        if (stall->recorded) {
            continue;
        }
        if (state->told == SMMUV3_STALL_MAX || !eventq_writable(s) ||
            !stall_record(s, stall)) {
            return;
        }
        stall->recorded = true;
        state->told++;
    }
}

/* Beginning and end */

static SMMUv3Stall *stall_find(SMMUv3State *s, uint16_t stag)
{
    SMMUv3Stall *stall;

    QTAILQ_FOREACH(stall, &s->stall_state->stalls, next) {
        if (stall->stag == stag) {
            return stall;
        }
    }
    return NULL;
}

void smmuv3_stall_begin(SMMUv3State *s, SMMUv3Stall *stall)
{
    SMMUv3StallState *state = s->stall_state;

    /* In order, so that a late answer does not meet the next transaction */
    do {
        state->last_stag++;
    } while (stall_find(s, state->last_stag));
    stall->stag = state->last_stag;
    stall->recorded = false;
    QTAILQ_INSERT_TAIL(&state->stalls, stall, next);
    stall_record_all(s);
}

static void stall_remove(SMMUv3State *s, SMMUv3Stall *stall)
{
    QTAILQ_REMOVE(&s->stall_state->stalls, stall, next);
    s->stall_state->told -= stall->recorded;
}

void smmuv3_stall_end(SMMUv3State *s, SMMUv3Stall *stall)
{
    stall_remove(s, stall);
    stall_record_all(s);
}

static void stall_answer(SMMUv3State *s, SMMUv3Stall *stall, bool retry)
{
    trace_smmuv3_stall_answer(stall->event.sid, stall->stag, retry);
    stall_remove(s, stall);
    stall->answered(s, stall, retry);
}

/* Abort the transactions of @sid, or all of them */
static void stall_abort(SMMUv3State *s, const uint32_t *sid)
{
    SMMUv3Stall *stall, *next;

    QTAILQ_FOREACH_SAFE(stall, &s->stall_state->stalls, next, next) {
        if (!sid || stall->event.sid == *sid) {
            stall_answer(s, stall, false);
        }
    }
}

SMMUCmdError smmuv3_stall_command(SMMUv3State *s, Cmd *cmd)
{
    uint32_t sid = CMD_SID(cmd);
    SMMUv3Stall *stall;

    if (!s->stall_state) {
        trace_smmuv3_unhandled_cmd(CMD_TYPE(cmd));
        return SMMU_CERROR_NONE;
    }
    if (CMD_SSEC(cmd)) {
        return SMMU_CERROR_ILL;
    }
    if (CMD_TYPE(cmd) == SMMU_CMD_STALL_TERM) {
        stall_abort(s, &sid);
    } else {
        stall = stall_find(s, CMD_RESUME_STAG(cmd));
        if (!stall || !stall->recorded || stall->event.sid != sid) {
            qemu_log_mask(LOG_GUEST_ERROR, "SMMUv3 CMD_RESUME: STAG 0x%x of "
                          "StreamID 0x%x does not wait\n",
                          CMD_RESUME_STAG(cmd), sid);
            return SMMU_CERROR_NONE;
        }
        stall_answer(s, stall, CMD_RESUME_AC(cmd));
    }
    stall_record_all(s);
    return SMMU_CERROR_NONE;
}

void smmuv3_stall_registers_written(SMMUv3State *s)
{
    if (!s->stall_state) {
        return;
    }
    if (smmu_enabled(s)) {
        stall_record_all(s);
    } else {
        stall_abort(s, NULL);
    }
}

void smmuv3_stall_reset(SMMUv3State *s)
{
    SMMUv3StallMode mode = smmuv3_stall_mode(s);

    if (s->stall_state) {
        stall_abort(s, NULL);
    }
    s->idr[5] = FIELD_DP32(s->idr[5], IDR5, STALL_MAX,
                           mode == SMMUV3_STALL_OFF ? 0 : SMMUV3_STALL_MAX);
    if (mode == SMMUV3_STALL_OFF) {
        return;
    }
    s->idr[0] = FIELD_DP32(s->idr[0], IDR0, STALL_MODEL,
                           mode == SMMUV3_STALL_FORCE ?
                           STALL_MODEL_FORCED : STALL_MODEL_BOTH);
    /* Only when nothing can go wrong with the SMMU any more */
    if (!s->stall_state && DEVICE(s)->realized) {
        s->stall_state = g_new0(SMMUv3StallState, 1);
        QTAILQ_INIT(&s->stall_state->stalls);
        smmuv3_stall_dma_init(s);
    }
}
