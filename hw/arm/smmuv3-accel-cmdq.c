/*
 * Invalidations of an accelerated arm-smmuv3, gathered for the host
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
#include "trace.h"

/* 16 KiB of commands; the kernel copies a batch as a whole */
#define CMDQ_BATCH 1024

/* Entries of the guest's queue that are read at a time, 4 KiB */
#define CMDQ_RUN 256

typedef struct iommu_viommu_arm_smmuv3_invalidate HostCmd;
QEMU_BUILD_BUG_ON(sizeof(HostCmd) != sizeof(Cmd));

/*
 * Fields by the layout of the commands (SMMUv3 IHI0070, 4.3 to 4.5), as bits of
 * their two doublewords. What is not named is reserved and stays behind: the
 * hardware may see there what the guest cannot know of. The kernel puts in the
 * VMID and replaces the StreamID.
 */
#define CMD0_OPCODE     MAKE_64BIT_MASK(0, 8)
#define CMD0_NUM        MAKE_64BIT_MASK(12, 5)
#define CMD0_SCALE      MAKE_64BIT_MASK(20, 5)
#define CMD0_ASID       MAKE_64BIT_MASK(48, 16)
#define CMD0_SSV        MAKE_64BIT_MASK(11, 1)
#define CMD0_SSID       MAKE_64BIT_MASK(12, 20)
#define CMD0_SID        MAKE_64BIT_MASK(32, 32)
#define CMD0_GLOBAL     MAKE_64BIT_MASK(9, 1)
#define CMD1_LEAF       MAKE_64BIT_MASK(0, 1)
#define CMD1_TTL        MAKE_64BIT_MASK(8, 2)
#define CMD1_TG         MAKE_64BIT_MASK(10, 2)
#define CMD1_ADDR       MAKE_64BIT_MASK(12, 52)
#define CMD1_ATC_SIZE   MAKE_64BIT_MASK(0, 6)

/* CMD_ATC_INV.Size: the whole address space (4.5.1) */
#define ATC_SIZE_ALL    52

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
    uint32_t viommu_id;
    bool stale;
    bool recovered;         /* no longer stale, and nobody has asked */
    bool forget_emulated;   /* a TLBI was taken since the emulation saw one */
    uint32_t len;
    uint32_t run_start;     /* CONS of the first entry in @run */
    uint32_t run_len;       /* 0: nothing was read */
    HostCmd cmds[CMDQ_BATCH];
    Cmd run[CMDQ_RUN];
};

SMMUv3AccelCmdq *smmuv3_accel_cmdq_new(SMMUv3State *s, IOMMUFDBackend *be,
                                       uint32_t viommu_id, GHashTable *vsids,
                                       SMMUv3AccelCmdqInfo *info,
                                       SMMUv3AccelSlice *slice)
{
    SMMUv3AccelCmdq *q = g_new0(SMMUv3AccelCmdq, 1);

    q->smmu = s;
    q->be = be;
    q->vsids = vsids;
    q->info = info;
    q->slice = slice;
    q->viommu_id = viommu_id;
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
    g_free(q);
}

bool smmuv3_accel_cmdq_stale(const SMMUv3AccelCmdq *q)
{
    return q->stale;
}

bool smmuv3_accel_cmdq_recovered(SMMUv3AccelCmdq *q)
{
    bool recovered = q->recovered;

    q->recovered = false;
    return recovered;
}

void smmuv3_accel_cmdq_doubt(SMMUv3AccelCmdq *q)
{
    q->stale = true;
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
    return iommufd_backend_invalidate_cache(
        q->be, q->viommu_id, IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
        sizeof(*cmds), &done, cmds, errp);
}

/*
 * All that a batch can reach: the TLB of this guest, the CDs of its SIDs, and
 * what devices that do ATS have cached, with and without PASID. A host without
 * substreams refuses to hear of the former, and a guest of it has none either.
 */
static bool smmuv3_accel_cmdq_recover(SMMUv3AccelCmdq *q, Error **errp)
{
    bool substreams = FIELD_EX32(q->smmu->idr[1], IDR1, SSIDSIZE);
    g_autofree HostCmd *cmds = NULL;
    GHashTableIter iter;
    gpointer vsid, ats;
    uint32_t len = 0;

    q->info->recoveries++;
    cmds = g_new(HostCmd, 1 + 3 * g_hash_table_size(q->vsids));
    g_hash_table_iter_init(&iter, q->vsids);
    while (g_hash_table_iter_next(&iter, &vsid, NULL)) {
        uint64_t sid = GPOINTER_TO_UINT(vsid);

        cmds[len++] = smmuv3_accel_cmdq_pack(SMMU_CMD_CFGI_CD_ALL | sid << 32,
                                             0);
    }
    cmds[len++] = smmuv3_accel_cmdq_pack(SMMU_CMD_TLBI_NSNH_ALL, 0);
    /* The TLBs first: ATS requests are answered from them */
    g_hash_table_iter_init(&iter, q->vsids);
    while (g_hash_table_iter_next(&iter, &vsid, &ats)) {
        uint64_t sid = GPOINTER_TO_UINT(vsid);

        if (GPOINTER_TO_INT(ats)) {
            cmds[len++] = smmuv3_accel_cmdq_pack(SMMU_CMD_ATC_INV | sid << 32,
                                                 ATC_SIZE_ALL);
        }
        if (GPOINTER_TO_INT(ats) && substreams) {
            cmds[len++] = smmuv3_accel_cmdq_pack(SMMU_CMD_ATC_INV | sid << 32 |
                                                 CMD0_SSV | CMD0_GLOBAL,
                                                 ATC_SIZE_ALL);
        }
    }

    q->stale = !smmuv3_accel_cmdq_issue(q, cmds, len, errp);
    trace_smmuv3_accel_cmdq_recover(q->viommu_id, len, q->stale);
    return !q->stale;
}

bool smmuv3_accel_cmdq_submit(SMMUv3AccelCmdq *q, Error **errp)
{
    uint32_t len = q->len;
    bool was_stale = q->stale;

    q->len = 0;
    if (!was_stale) {
        if (!len) {
            return true;
        }
        trace_smmuv3_accel_cmdq_submit(q->viommu_id, len);
        if (smmuv3_accel_cmdq_issue(q, q->cmds, len, NULL)) {
            return true;
        }
    }
    if (!smmuv3_accel_cmdq_recover(q, errp)) {
        return false;
    }
    q->recovered |= was_stale;
    return true;
}

void smmuv3_accel_cmdq_add(SMMUv3AccelCmdq *q, const Cmd *cmd)
{
    SMMUv3State *s = q->smmu;
    uint64_t dword0 = cmd->word[0] | (uint64_t)cmd->word[1] << 32;
    uint64_t dword1 = cmd->word[2] | (uint64_t)cmd->word[3] << 32;
    uint64_t mask0, mask1 = 0;
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
         * A device that does not do ATS never answers, which the host would
         * have to time out. Nothing is cached in it either.
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

    q->cmds[q->len++] = smmuv3_accel_cmdq_pack(dword0 & mask0, dword1 & mask1);
    if (q->len == CMDQ_BATCH || q->len == q->info->batch) {
        smmuv3_accel_cmdq_submit(q, NULL);
    }
}

/* The guest's queue */

/*
 * The command at CONS of a queue that is not empty. Reading many entries at a
 * time takes no more than the guest has handed over: it may change none of
 * them until CONS has passed.
 */
static const Cmd *smmuv3_accel_cmdq_peek(SMMUv3AccelCmdq *q)
{
    SMMUQueue *cmdq = &q->smmu->cmdq;
    uint32_t at = (cmdq->cons - q->run_start) & WRAP_INDEX_MASK(cmdq);
    uint32_t len;

    if (at < q->run_len) {
        return &q->run[at];
    }
    /* As far as it is contiguous: neither past PROD nor past the end */
    len = (cmdq->prod - cmdq->cons) & WRAP_INDEX_MASK(cmdq);
    len = MIN(len, INDEX_MASK(cmdq) + 1 - Q_CONS(cmdq));
    len = MIN(len, CMDQ_RUN);
    q->run_len = 0;
    if (dma_memory_read(&address_space_memory, Q_CONS_ENTRY(cmdq), q->run,
                        len * sizeof(q->run[0]), SMMU_TABLE_ATTRS)) {
        return NULL;
    }
    for (uint32_t i = 0; i < len; i++) {
        for (int word = 0; word < ARRAY_SIZE(q->run[i].word); word++) {
            le32_to_cpus(&q->run[i].word[word]);
        }
    }
    q->run_start = cmdq->cons;
    q->run_len = len;
    trace_smmuv3_accel_cmdq_run(q->viommu_id, Q_CONS(cmdq), len);
    return &q->run[0];
}

/*
 * The emulation translates interrupts of bridges, rarely, and may drop what it
 * has cached at any time. Its lock orders this after translations under way.
 */
static void smmuv3_accel_cmdq_forget_emulated(SMMUv3AccelCmdq *q)
{
    SMMUv3State *s = q->smmu;

    if (!q->forget_emulated) {
        return;
    }
    q->forget_emulated = false;
    qemu_mutex_lock(&s->mutex);
    if (g_hash_table_size(ARM_SMMU(s)->iotlb)) {
        smmu_iotlb_inv_all(ARM_SMMU(s));
    }
    qemu_mutex_unlock(&s->mutex);
}

bool smmuv3_accel_cmdq_run(SMMUv3AccelCmdq *q)
{
    SMMUv3State *s = q->smmu;
    const Cmd *cmd;

    if (FIELD_EX32(s->gerror ^ s->gerrorn, GERROR, CMDQ_ERR) ||
        !QLIST_EMPTY(&ARM_SMMU(s)->devices_with_notifiers)) {
        return true;
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
            if ((CMD_SYNC_CS(cmd) & CMD_SYNC_SIG_IRQ) || q->stale ||
                !smmuv3_accel_cmdq_submit(q, NULL)) {
                return true;
            }
            break;
        default:
            smmuv3_accel_cmdq_forget_emulated(q);
            return true;
        }
        queue_cons_incr(&s->cmdq);
    }
    smmuv3_accel_cmdq_forget_emulated(q);
    return !smmuv3_q_empty(&s->cmdq) && !smmuv3_accel_slice_over(q->slice);
}

void smmuv3_accel_cmdq_end_run(SMMUv3AccelCmdq *q)
{
    q->run_len = 0;
}
