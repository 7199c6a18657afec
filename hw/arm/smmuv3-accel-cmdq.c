/*
 * Accelerated arm-smmuv3: batches of invalidations for the host
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qom/object.h"
#include "system/dma.h"
#include "smmuv3-accel-cmdq.h"
#include "smmuv3-fields.h"
#include "smmuv3-msi.h"
#include "trace.h"

/* 16 KiB of commands; the kernel copies a batch as a whole */
#define CMDQ_BATCH 1024

/* Entries of the guest's queue that are read ahead at a time, 4 KiB */
#define CMDQ_READ_AHEAD 256

/* CMD_SYNCs with a message that one submission completes at most */
#define CMDQ_MESSAGES   256

typedef struct iommu_viommu_arm_smmuv3_invalidate HostCmd;
QEMU_BUILD_BUG_ON(sizeof(HostCmd) != sizeof(Cmd));

/* Meaningful with IDR1.SSIDSIZE only */
#define CMD0_SUBSTREAM  (CMD0_GLOBAL | CMD0_SSV | CMD0_SSID)

/* Meaningful with IDR3.RIL only */
#define CMD0_RANGE      (CMD0_NUM | CMD0_SCALE)
#define CMD1_RANGE      (CMD1_TTL | CMD1_TG)

struct SMMUv3AccelCmdq {
    SMMUv3State *smmu;
    IOMMUFDBackend *be;
    GHashTable *vsids;
    SMMUv3AccelCmdqInfo *info;
    SMMUv3AccelSlice *slice;
    SMMUv3AccelAtcFailed *atc_failed;
    SMMUv3AccelAtcAnswered *atc_answered;
    void *opaque;
    uint32_t viommu_id;
    bool repeat;            /* the host SMMU has the erratum */
    bool stale;
    bool tried;             /* recovery failed, and no attempt is due before */
                            /* smmuv3_accel_cmdq_allow_attempt() */
    uint32_t failures;      /* attempts that left it stale */
    Error *why_stale;       /* NULL while not stale */
    bool recovered;         /* stale no longer, the caller does not know yet */
    bool moves;             /* the last call of this submission succeeded */
    GHashTable *suspects;   /* StreamIDs whose ATC is still to be invalidated */
    bool forget_emulated;   /* the TLB of the emulation has to be emptied */
    uint32_t len;
    uint32_t atc_len;
    uint32_t syncs;         /* CMD_SYNCs passed that the host has yet to do */
    uint32_t first_sync;    /* CONS of the first of them */
    uint32_t messages_len;
    uint32_t ahead_start;   /* CONS of the first entry in @ahead */
    uint32_t ahead_len;     /* 0: nothing was read */
    HostCmd cmds[CMDQ_BATCH];       /* TLBI and CFGI */
    HostCmd atcs[CMDQ_BATCH];       /* ATC_INV */
    Cmd ahead[CMDQ_READ_AHEAD];
    Cmd messages[CMDQ_MESSAGES];    /* those of the CMD_SYNCs passed */
};

SMMUv3AccelCmdq *smmuv3_accel_cmdq_new(SMMUv3State *s, IOMMUFDBackend *be,
                                       uint32_t viommu_id, bool repeat,
                                       GHashTable *vsids,
                                       SMMUv3AccelCmdqInfo *info,
                                       SMMUv3AccelSlice *slice,
                                       SMMUv3AccelAtcFailed *atc_failed,
                                       SMMUv3AccelAtcAnswered *atc_answered,
                                       void *opaque)
{
    SMMUv3AccelCmdq *q = g_new0(SMMUv3AccelCmdq, 1);

    q->smmu = s;
    q->be = be;
    q->vsids = vsids;
    q->info = info;
    q->slice = slice;
    q->viommu_id = viommu_id;
    q->repeat = repeat;
    q->atc_failed = atc_failed;
    q->atc_answered = atc_answered;
    q->opaque = opaque;
    q->suspects = g_hash_table_new(NULL, NULL);
    return q;
}

void smmuv3_accel_cmdq_add_properties(Object *obj, SMMUv3AccelCmdqInfo *info)
{
    info->batch = CMDQ_BATCH;
    object_property_add_uint32_ptr(obj, "x-inval-batch", &info->batch,
                                   OBJ_PROP_FLAG_READWRITE);
    object_property_add_uint64_ptr(obj, "x-inval-commands", &info->commands,
                                   OBJ_PROP_FLAG_READ);
    object_property_add_uint64_ptr(obj, "x-inval-calls", &info->calls,
                                   OBJ_PROP_FLAG_READ);
    object_property_add_uint64_ptr(obj, "x-inval-recoveries",
                                   &info->recoveries, OBJ_PROP_FLAG_READ);
}

void smmuv3_accel_cmdq_free(SMMUv3AccelCmdq *q)
{
    if (q) {
        error_free(q->why_stale);
        g_hash_table_unref(q->suspects);
    }
    g_free(q);
}

bool smmuv3_accel_cmdq_stale(const SMMUv3AccelCmdq *q)
{
    return q->stale;
}

uint32_t smmuv3_accel_cmdq_failures(const SMMUv3AccelCmdq *q)
{
    return q->failures;
}

bool smmuv3_accel_cmdq_unproved(const SMMUv3AccelCmdq *q)
{
    GHashTableIter iter;
    gpointer vsid;

    /* As after each CMD_SYNC but the few that follow a failure */
    if (!g_hash_table_size(q->suspects)) {
        return false;
    }
    g_hash_table_iter_init(&iter, q->suspects);
    while (g_hash_table_iter_next(&iter, &vsid, NULL)) {
        if (g_hash_table_lookup(q->vsids, vsid)) {
            return true;
        }
    }
    return false;
}

bool smmuv3_accel_cmdq_idle(const SMMUv3AccelCmdq *q)
{
    return !q->len && !q->atc_len && !q->stale && !q->recovered &&
           !g_hash_table_size(q->suspects);
}

bool smmuv3_accel_cmdq_take_recovered(SMMUv3AccelCmdq *q)
{
    bool recovered = q->recovered;

    q->recovered = false;
    return recovered;
}

static void smmuv3_accel_cmdq_become_stale(SMMUv3AccelCmdq *q, Error *why)
{
    error_free(q->why_stale);
    q->why_stale = why;
    q->stale = true;
}

void smmuv3_accel_cmdq_set_stale(SMMUv3AccelCmdq *q)
{
    Error *why = NULL;

    error_setg(&why, "invalidations of the QEMU that was here before failed");
    smmuv3_accel_cmdq_become_stale(q, why);
}

void smmuv3_accel_cmdq_allow_attempt(SMMUv3AccelCmdq *q)
{
    q->tried = false;
}

void smmuv3_accel_cmdq_suspect(SMMUv3AccelCmdq *q, uint32_t sid)
{
    g_hash_table_add(q->suspects, GUINT_TO_POINTER(sid));
}

static HostCmd smmuv3_accel_cmdq_pack(uint64_t dword0, uint64_t dword1)
{
    return (HostCmd) {
        .cmd = { cpu_to_le64(dword0), cpu_to_le64(dword1) },
    };
}

static bool smmuv3_accel_cmdq_issue(SMMUv3AccelCmdq *q, HostCmd *cmds,
                                    uint32_t len, Error **errp)
{
    uint32_t done = len;

    q->info->commands += len;
    q->info->calls++;
    smmuv3_accel_slice_spend(q->slice, SLICE_WORK_CALL);
    q->moves = iommufd_backend_invalidate_cache(
        q->be, q->viommu_id, IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
        sizeof(*cmds), &done, cmds, errp);
    return q->moves;
}

/*
 * Issue TLBI and CFGI commands. The kernel ends each call with a SYNC, which is
 * part of what the erratum wants repeated.
 */
static bool smmuv3_accel_cmdq_issue_tlbi(SMMUv3AccelCmdq *q, HostCmd *cmds,
                                         uint32_t len, Error **errp)
{
    return smmuv3_accel_cmdq_issue(q, cmds, len, errp) &&
           (!q->repeat || smmuv3_accel_cmdq_issue(q, cmds, len, errp));
}

/* Invalidate the TLB of this guest and the CDs of its StreamIDs */
static bool smmuv3_accel_cmdq_recover_tlb(SMMUv3AccelCmdq *q, Error **errp)
{
    g_autofree HostCmd *cmds = g_new(HostCmd, 1 + g_hash_table_size(q->vsids));
    GHashTableIter iter;
    gpointer vsid;
    uint32_t len = 0;

    g_hash_table_iter_init(&iter, q->vsids);
    while (g_hash_table_iter_next(&iter, &vsid, NULL)) {
        uint64_t sid = GPOINTER_TO_UINT(vsid);

        cmds[len++] = smmuv3_accel_cmdq_pack(SMMU_CMD_CFGI_CD_ALL | sid << 32,
                                             0);
    }
    cmds[len++] = smmuv3_accel_cmdq_pack(SMMU_CMD_TLBI_NSNH_ALL, 0);
    return smmuv3_accel_cmdq_issue_tlbi(q, cmds, len, errp);
}

/*
 * Invalidate the ATC of one device, with and without PASID. A host without
 * substreams refuses commands with a PASID, and its guest can have used none.
 */
static bool smmuv3_accel_cmdq_recover_atc(SMMUv3AccelCmdq *q, uint64_t sid,
                                          Error **errp)
{
    bool substreams = FIELD_EX32(q->smmu->idr[1], IDR1, SSIDSIZE);
    HostCmd cmds[] = {
        smmuv3_accel_cmdq_pack(SMMU_CMD_ATC_INV | sid << 32, ATC_SIZE_ALL),
        smmuv3_accel_cmdq_pack(SMMU_CMD_ATC_INV | sid << 32 | CMD0_SSV |
                               CMD0_GLOBAL, ATC_SIZE_ALL),
    };

    return smmuv3_accel_cmdq_issue(q, cmds, substreams ? 2 : 1, errp);
}

/*
 * Tell whether the host's queue moves. It does not while an ATC invalidation
 * waits for its device, of this guest or of another one: until the host SMMU
 * gives up, every call times out, whatever it is about.
 */
static bool smmuv3_accel_cmdq_probe(SMMUv3AccelCmdq *q, Error **errp)
{
    HostCmd cmd = smmuv3_accel_cmdq_pack(SMMU_CMD_TLBI_NSNH_ALL, 0);

    return q->moves || smmuv3_accel_cmdq_issue(q, &cmd, 1, errp);
}

/*
 * Invalidate the ATCs of the suspects that have ATS, one by one: a device that
 * does not answer must not take the others along. It is stopped, and something
 * is stale only if that fails.
 *
 * A device is blamed only for a call that followed one that succeeded. If the
 * queue does not move, it is not known who blocks it: everything is stale, and
 * the suspects stay under suspicion until they have ATS again. So do they after
 * an error of the host alone, such as ENOMEM: the device was not asked.
 *
 * Each device can take the host a second, and more until it is stopped. So this
 * ends with the slice, and the next one goes on with the rest; see
 * smmuv3_accel_cmdq_unproved().
 */
static void smmuv3_accel_cmdq_prove_atcs(SMMUv3AccelCmdq *q)
{
    g_autoptr(GList) keys = g_hash_table_get_keys(q->suspects);
    int64_t start = qemu_clock_get_us(QEMU_CLOCK_REALTIME);

    for (GList *key = keys; key; key = key->next) {
        uint32_t sid = GPOINTER_TO_UINT(key->data);
        Error *err = NULL;

        if (!g_hash_table_contains(q->vsids, key->data)) {
            g_hash_table_remove(q->suspects, key->data);
            continue;
        }
        if (!g_hash_table_lookup(q->vsids, key->data)) {
            continue;
        }
        if (smmuv3_accel_slice_cut(q->slice, start)) {
            return;
        }
        if (!smmuv3_accel_cmdq_probe(q, &err)) {
            smmuv3_accel_cmdq_become_stale(q, err);
            return;
        }
        errno = 0;
        if (smmuv3_accel_cmdq_recover_atc(q, sid, &err)) {
            g_hash_table_remove(q->suspects, key->data);
            q->atc_answered(q->opaque, sid);
            continue;
        }
        if (errno != ETIMEDOUT && errno != EIO) {
            smmuv3_accel_cmdq_become_stale(q, err);
            return;
        }
        g_hash_table_remove(q->suspects, key->data);
        trace_smmuv3_accel_cmdq_atc_failed(q->viommu_id, sid);
        if (q->atc_failed(q->opaque, sid, error_copy(err))) {
            error_free(err);
        } else {
            error_prepend(&err, "ATC of StreamID 0x%x: ", sid);
            smmuv3_accel_cmdq_become_stale(q, err);
        }
    }
}

/* Issue TLBI and CFGI commands, and if that fails everything in their place */
static void smmuv3_accel_cmdq_submit_tlbi(SMMUv3AccelCmdq *q, uint32_t len)
{
    Error *err = NULL;

    if (!len || smmuv3_accel_cmdq_issue_tlbi(q, q->cmds, len, NULL)) {
        return;
    }
    q->info->recoveries++;
    if (!smmuv3_accel_cmdq_recover_tlb(q, &err)) {
        smmuv3_accel_cmdq_become_stale(q, err);
    }
    trace_smmuv3_accel_cmdq_recover(q->viommu_id, q->stale);
}

/*
 * Invalidate the ATCs of suspects ahead of other commands for them: as long as
 * the queue moves it is known whose fault it is if that fails. Then the guest's
 * commands for it are void.
 *
 * Returns: number of ATC invalidations that are left of @len.
 */
static uint32_t smmuv3_accel_cmdq_prove_first(SMMUv3AccelCmdq *q, uint32_t len)
{
    uint32_t left = 0;

    if (!g_hash_table_size(q->suspects)) {
        return len;
    }
    smmuv3_accel_cmdq_prove_atcs(q);
    for (uint32_t i = 0; i < len; i++) {
        uint64_t sid = le64_to_cpu(q->atcs[i].cmd[0]) >> 32;

        if (g_hash_table_lookup(q->vsids, GUINT_TO_POINTER(sid))) {
            q->atcs[left++] = q->atcs[i];
        }
    }
    return left;
}

/* Issue ATC invalidations, and if that fails all of each device in them */
static void smmuv3_accel_cmdq_submit_atcs(SMMUv3AccelCmdq *q, uint32_t len)
{
    bool good;

    if (!len) {
        return;
    }
    good = smmuv3_accel_cmdq_issue(q, q->atcs, len, NULL);
    for (uint32_t i = 0; i < len; i++) {
        uint32_t sid = le64_to_cpu(q->atcs[i].cmd[0]) >> 32;

        if (good) {
            q->atc_answered(q->opaque, sid);
        } else {
            smmuv3_accel_cmdq_suspect(q, sid);
        }
    }
    if (good) {
        return;
    }
    q->info->recoveries++;
    smmuv3_accel_cmdq_prove_atcs(q);
    trace_smmuv3_accel_cmdq_recover(q->viommu_id, q->stale);
}

/* Invalidate everything, since any command may have been lost */
static void smmuv3_accel_cmdq_recover(SMMUv3AccelCmdq *q)
{
    GHashTableIter iter;
    gpointer vsid, ats;
    Error *err = NULL;

    q->info->recoveries++;
    if (smmuv3_accel_cmdq_recover_tlb(q, &err)) {
        q->stale = false;
        g_clear_pointer(&q->why_stale, error_free);
        g_hash_table_iter_init(&iter, q->vsids);
        while (g_hash_table_iter_next(&iter, &vsid, &ats)) {
            if (ats) {
                g_hash_table_add(q->suspects, vsid);
            }
        }
        smmuv3_accel_cmdq_prove_atcs(q);
        q->recovered = !q->stale;
    } else {
        smmuv3_accel_cmdq_become_stale(q, err);
    }
    trace_smmuv3_accel_cmdq_recover(q->viommu_id, q->stale);
}

bool smmuv3_accel_cmdq_submit(SMMUv3AccelCmdq *q, Error **errp)
{
    uint32_t len = q->len, atc_len = q->atc_len;

    q->len = 0;
    q->atc_len = 0;
    q->moves = false;
    if (len || atc_len) {
        trace_smmuv3_accel_cmdq_submit(q->viommu_id, len + atc_len);
    }
    if (q->stale) {
        if (!q->tried) {
            smmuv3_accel_cmdq_recover(q);
        }
    } else {
        smmuv3_accel_cmdq_submit_tlbi(q, len);
        /* After a SYNC of the former: ATS requests are answered from the TLB */
        if (!q->stale) {
            atc_len = smmuv3_accel_cmdq_prove_first(q, atc_len);
        }
        if (!q->stale) {
            smmuv3_accel_cmdq_submit_atcs(q, atc_len);
        }
    }
    if (q->stale) {
        q->failures += !q->tried;
        q->tried = true;
        error_propagate(errp, error_copy(q->why_stale));
    }
    return !q->stale;
}

/*
 * Drop range fields that have no meaning in their combination (4.4.1.1): the
 * kernel refuses the reserved ones, and with them the rest of the batch. What
 * is left is the address alone, which is what such a command has to invalidate.
 */
static void smmuv3_accel_cmdq_normalize_range(uint64_t *dword0,
                                              uint64_t *dword1)
{
    /* The guest has no IDR5.DS, and so no blocks of level 1 with 16K */
    if ((*dword1 & (CMD1_TG | CMD1_TTL)) == (TG_16K | TTL_LEVEL_1)) {
        *dword1 &= ~CMD1_TTL;
    }
    if (!(*dword1 & CMD1_TG) ||
        !((*dword0 & CMD0_RANGE) || (*dword1 & CMD1_TTL))) {
        *dword0 &= ~CMD0_RANGE;
        *dword1 &= ~CMD1_RANGE;
    }
}

void smmuv3_accel_cmdq_add(SMMUv3AccelCmdq *q, const Cmd *cmd)
{
    SMMUv3State *s = q->smmu;
    uint64_t dword0 = SMMU_DWORD(cmd, 0);
    uint64_t dword1 = SMMU_DWORD(cmd, 1);
    uint64_t mask0, mask1 = 0;
    uint32_t gathered;
    bool has_sid = false;

    if (q->stale) {
        /* The recovery covers it */
        return;
    }

    switch (CMD_TYPE(cmd)) {
    case SMMU_CMD_TLBI_NSNH_ALL:
    case SMMU_CMD_TLBI_NH_ALL:
        mask0 = CMD0_OPCODE;
        break;
    case SMMU_CMD_TLBI_NH_ASID:
        mask0 = CMD0_OPCODE | CMD0_ASID;
        break;
    case SMMU_CMD_TLBI_NH_VA:
        mask0 = CMD0_OPCODE | CMD0_RANGE | CMD0_ASID;
        mask1 = CMD1_LEAF | CMD1_RANGE | CMD1_ADDR;
        break;
    case SMMU_CMD_TLBI_NH_VAA:
        mask0 = CMD0_OPCODE | CMD0_RANGE;
        mask1 = CMD1_LEAF | CMD1_RANGE | CMD1_ADDR;
        break;
    case SMMU_CMD_CFGI_CD:
        mask0 = CMD0_OPCODE | CMD0_SSID | CMD0_SID;
        mask1 = CMD1_LEAF;
        has_sid = true;
        break;
    case SMMU_CMD_CFGI_CD_ALL:
        mask0 = CMD0_OPCODE | CMD0_SID;
        has_sid = true;
        break;
    case SMMU_CMD_ATC_INV:
        /*
         * A device with ATS disabled caches nothing, and does not answer: the
         * host would have to wait for its timeout.
         */
        if (!g_hash_table_lookup(q->vsids, GUINT_TO_POINTER(CMD_SID(cmd)))) {
            return;
        }
        mask0 = CMD0_OPCODE | CMD0_GLOBAL | CMD0_SSV | CMD0_SSID | CMD0_SID;
        mask1 = CMD1_ATC_SIZE | CMD1_ADDR;
        has_sid = true;
        break;
    default:
        return;
    }

    if (has_sid && (CMD_SSEC(cmd) ||
                    !g_hash_table_contains(q->vsids,
                                           GUINT_TO_POINTER(CMD_SID(cmd))))) {
        return;
    }
    if (has_sid && !FIELD_EX32(s->idr[1], IDR1, SSIDSIZE)) {
        mask0 &= ~CMD0_SUBSTREAM;
    }
    if (!has_sid && !FIELD_EX32(s->idr[3], IDR3, RIL)) {
        mask0 &= ~CMD0_RANGE;
        mask1 &= ~CMD1_RANGE;
    }

    if (!has_sid && !FIELD_EX32(s->idr[0], IDR0, ASID16)) {
        mask0 &= ~CMD0_ASID_HIGH;
    }

    dword0 &= mask0;
    dword1 &= mask1;
    if (CMD_TYPE(cmd) == SMMU_CMD_ATC_INV) {
        if ((dword1 & CMD1_ATC_SIZE) > ATC_SIZE_ALL) {
            dword1 = (dword1 & ~CMD1_ATC_SIZE) | ATC_SIZE_ALL;
        }
        q->atcs[q->atc_len++] = smmuv3_accel_cmdq_pack(dword0, dword1);
    } else {
        if (!has_sid) {
            smmuv3_accel_cmdq_normalize_range(&dword0, &dword1);
        }
        q->cmds[q->len++] = smmuv3_accel_cmdq_pack(dword0, dword1);
    }
    gathered = q->len + q->atc_len;
    if (gathered == CMDQ_BATCH || gathered == q->info->batch) {
        smmuv3_accel_cmdq_submit(q, NULL);
    }
}

/* The guest's queue */

/*
 * Return the command at CONS of a queue that is not empty. Reading ahead stops
 * at PROD. The guest must not change an entry until CONS has passed it, so the
 * copy stays valid.
 */
static const Cmd *smmuv3_accel_cmdq_peek(SMMUv3AccelCmdq *q)
{
    SMMUQueue *cmdq = &q->smmu->cmdq;
    uint32_t at = (cmdq->cons - q->ahead_start) & WRAP_INDEX_MASK(cmdq);
    uint32_t len;

    if (at < q->ahead_len) {
        return &q->ahead[at];
    }
    /* Up to PROD or to the end of the queue, whatever comes first */
    len = (cmdq->prod - cmdq->cons) & WRAP_INDEX_MASK(cmdq);
    len = MIN(len, INDEX_MASK(cmdq) + 1 - Q_CONS(cmdq));
    len = MIN(len, CMDQ_READ_AHEAD);
    q->ahead_len = 0;
    if (dma_memory_read(&address_space_memory, Q_CONS_ENTRY(cmdq), q->ahead,
                        len * sizeof(q->ahead[0]), SMMU_TABLE_ATTRS)) {
        return NULL;
    }
    for (uint32_t i = 0; i < len; i++) {
        for (int word = 0; word < ARRAY_SIZE(q->ahead[i].word); word++) {
            le32_to_cpus(&q->ahead[i].word[word]);
        }
    }
    q->ahead_start = cmdq->cons;
    q->ahead_len = len;
    trace_smmuv3_accel_cmdq_read(q->viommu_id, Q_CONS(cmdq), len);
    return &q->ahead[0];
}

/*
 * Empty the TLB of the emulation, which translates interrupts of bridges only.
 * Its lock orders this after translations under way.
 */
static void smmuv3_accel_cmdq_forget_emulated(SMMUv3AccelCmdq *q)
{
    SMMUv3State *s = q->smmu;

    if (!q->forget_emulated) {
        return;
    }
    q->forget_emulated = false;
    qemu_mutex_lock(&s->mutex);
    if (g_hash_table_size(s->smmu_state.iotlb)) {
        smmu_iotlb_inv_all(&s->smmu_state);
    }
    qemu_mutex_unlock(&s->mutex);
}

/*
 * Submit the batch for all CMD_SYNCs that were passed. The guest does not see
 * CONS meanwhile, so one call serves for all of them.
 *
 * Returns: true with the CMD_SYNCs complete; false with CONS at the first of
 * them, for the emulation to report, or for the next slice.
 */
static bool smmuv3_accel_cmdq_end_run(SMMUv3AccelCmdq *q)
{
    bool good = !q->syncs || (!q->stale && smmuv3_accel_cmdq_submit(q, NULL) &&
                              !smmuv3_accel_cmdq_unproved(q));

    if (!good) {
        q->smmu->cmdq.cons = q->first_sync;
    }
    for (uint32_t i = 0; good && i < q->messages_len; i++) {
        smmuv3_msi_sync(q->smmu, &q->messages[i]);
    }
    q->syncs = 0;
    q->messages_len = 0;
    return good;
}

bool smmuv3_accel_cmdq_next_emulated(SMMUv3AccelCmdq *q)
{
    SMMUv3State *s = q->smmu;
    const Cmd *cmd;

    if (FIELD_EX32(s->gerror ^ s->gerrorn, GERROR, CMDQ_ERR) ||
        !QLIST_EMPTY(&s->smmu_state.devices_with_notifiers)) {
        return true;
    }

    if (smmuv3_accel_cmdq_unproved(q)) {
        /* Ahead of gathering, which may take the whole slice */
        smmuv3_accel_cmdq_submit(q, NULL);
    }
    while (!smmuv3_q_empty(&s->cmdq) && !smmuv3_accel_slice_over(q->slice)) {
        cmd = smmuv3_accel_cmdq_peek(q);
        if (!cmd) {
            break;
        }
        smmuv3_accel_slice_spend(q->slice, SLICE_WORK_COMMAND);
        switch (CMD_TYPE(cmd)) {
        case SMMU_CMD_TLBI_NH_ALL:
        case SMMU_CMD_TLBI_NH_ASID:
        case SMMU_CMD_TLBI_NH_VA:
        case SMMU_CMD_TLBI_NH_VAA:
        case SMMU_CMD_TLBI_NSNH_ALL:
            q->forget_emulated = true;
            smmuv3_accel_cmdq_add(q, cmd);
            break;
        case SMMU_CMD_ATC_INV:
            smmuv3_accel_cmdq_add(q, cmd);
            break;
        case SMMU_CMD_SYNC:
            smmuv3_accel_cmdq_forget_emulated(q);
            if (smmuv3_msi_wanted(s, cmd)) {
                q->messages[q->messages_len++] = *cmd;
            } else if (CMD_SYNC_CS(cmd) & CMD_SYNC_SIG_IRQ) {
                smmuv3_accel_cmdq_end_run(q);
                return true;
            }
            if (!q->syncs++) {
                q->first_sync = s->cmdq.cons;
            }
            break;
        default:
            smmuv3_accel_cmdq_forget_emulated(q);
            smmuv3_accel_cmdq_end_run(q);
            return true;
        }
        queue_cons_incr(&s->cmdq);
        if ((q->stale || q->messages_len == ARRAY_SIZE(q->messages)) &&
            !smmuv3_accel_cmdq_end_run(q)) {
            return true;
        }
    }
    smmuv3_accel_cmdq_forget_emulated(q);
    return !smmuv3_accel_cmdq_end_run(q) ||
           (!smmuv3_q_empty(&s->cmdq) && !smmuv3_accel_slice_over(q->slice));
}

void smmuv3_accel_cmdq_drop_read_ahead(SMMUv3AccelCmdq *q)
{
    q->ahead_len = 0;
}
