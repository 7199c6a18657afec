/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm SMMUv3 substreams: lookup of context descriptors by SubstreamID
 *
 * Copyright (c) qemu-vpasid contributors
 */

#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qapi/error.h"
#include "hw/arm/smmuv3.h"
#include "system/dma.h"
#include "trace.h"
#include "smmuv3-fields.h"
#include "smmuv3-ssid.h"

/* MemTxAttrs.pid has 8 bits */
#define PID_INDEXES         256

/*
 * Limit of cached configurations of all devices. A device with ATS can name
 * 2^20 substreams, and a guest decides how many of them it uses. Each cached
 * translation needs one configuration, so more than that are of no use.
 */
#define SSID_CONFIGS_MAX    SMMU_IOTLB_MAX_SIZE

/* CDs in a leaf table, log2 (5.3) */
#define LEAF_4K_SPLIT       6
#define LEAF_64K_SPLIT      10

/* Level 1 Context Descriptor (5.3) */
#define L1CD_V(x)           extract32((x)->word[0], 0, 1)
#define L1CD_L2PTR_MASK     MAKE_64BIT_MASK(12, 40)

typedef struct SSIDConfigKey {
    SMMUDevice *sdev;
    uint32_t ssid;
} SSIDConfigKey;

typedef struct SIDRange {
    uint32_t start;
    uint32_t end;
} SIDRange;

static guint ssid_config_hash(gconstpointer v)
{
    const SSIDConfigKey *key = v;

    return g_direct_hash(key->sdev) + key->ssid;
}

static gboolean ssid_config_equal(gconstpointer v1, gconstpointer v2)
{
    const SSIDConfigKey *k1 = v1, *k2 = v2;

    return k1->sdev == k2->sdev && k1->ssid == k2->ssid;
}

bool smmuv3_ssid_realize(SMMUv3State *s, Error **errp)
{
    if (s->ssidsize > SMMU_SSIDSIZE_MAX) {
        error_setg(errp, TYPE_ARM_SMMUV3 ": ssidsize %u is above the limit of "
                   "%u; use 0 to %u", s->ssidsize, SMMU_SSIDSIZE_MAX,
                   SMMU_SSIDSIZE_MAX);
        return false;
    }
    if (s->ssidsize && s->stage && !strcmp(s->stage, "2")) {
        error_setg(errp, TYPE_ARM_SMMUV3 ": ssidsize %u needs stage 1, which "
                   "stage=2 does not have; use stage=1 or stage=nested, or "
                   "ssidsize=0", s->ssidsize);
        return false;
    }
    return true;
}

void smmuv3_ssid_reset(SMMUv3State *s)
{
    s->idr[0] = FIELD_DP32(s->idr[0], IDR0, CD2L, s->ssidsize != 0);
    s->idr[1] = FIELD_DP32(s->idr[1], IDR1, SSIDSIZE, s->ssidsize);

    qemu_mutex_lock(&s->mutex);
    g_clear_pointer(&s->ssid_configs, g_hash_table_unref);
    qemu_mutex_unlock(&s->mutex);
}

int smmuv3_ssid_num_indexes(SMMUv3State *s)
{
    return s->ssidsize ? PID_INDEXES : 1;
}

int smmuv3_ssid_index(SMMUv3State *s, MemTxAttrs attrs)
{
    return s->ssidsize && !attrs.unspecified ? attrs.pid : 0;
}

bool smmuv3_ssid_ste_valid(SMMUv3State *s, STE *ste)
{
    uint8_t cdmax = STE_S1CDMAX(ste);

    if (!cdmax) {
        return true;
    }
    /* Without substreams the field has always been refused in any stage */
    if (!s->ssidsize) {
        qemu_log_mask(LOG_GUEST_ERROR, "SMMUv3 S1CDMax = %d, but no "
                      "substreams are supported\n", cdmax);
        return false;
    }
    if (!STE_CFG_S1_ENABLED(STE_CONFIG(ste))) {
        return true;
    }
    if (cdmax > s->ssidsize) {
        qemu_log_mask(LOG_GUEST_ERROR, "SMMUv3 S1CDMax = %d is above "
                      "SSIDSIZE = %d\n", cdmax, s->ssidsize);
        return false;
    }
    if (STE_S1FMT(ste) == S1FMT_RESERVED) {
        qemu_log_mask(LOG_GUEST_ERROR, "SMMUv3 bad STE S1Fmt: %d\n",
                      S1FMT_RESERVED);
        return false;
    }
    if (STE_S1FMT(ste) != S1FMT_LINEAR &&
        !FIELD_EX32(s->idr[0], IDR0, CD2L)) {
        qemu_log_mask(LOG_GUEST_ERROR, "SMMUv3 STE S1Fmt %d has two levels, "
                      "which are not supported\n", STE_S1FMT(ste));
        return false;
    }
    if ((SMMU_DWORD(ste, 1) & STE1_S1DSS) == S1DSS_RESERVED) {
        qemu_log_mask(LOG_GUEST_ERROR, "SMMUv3 bad STE S1DSS: %d\n",
                      S1DSS_RESERVED);
        return false;
    }
    return true;
}

int smmuv3_ssid_select(SMMUTransCfg *cfg, STE *ste, SMMUEventInfo *event)
{
    uint8_t cdmax = STE_S1CDMAX(ste);

    /* A transaction that bypasses stage 1 does not use its SubstreamID */
    if (cfg->aborted || cfg->bypassed || cfg->stage == SMMU_STAGE_2) {
        return 0;
    }

    if (event->ssid) {
        if (event->ssid >> cdmax) {
            qemu_log_mask(LOG_GUEST_ERROR, "SMMUv3 SSID %u does not fit "
                          "S1CDMax = %d\n", event->ssid, cdmax);
            event->type = SMMU_EVT_C_BAD_SUBSTREAMID;
            return -EINVAL;
        }
        return 0;
    }

    if (!cdmax) {
        return 0;
    }

    switch (SMMU_DWORD(ste, 1) & STE1_S1DSS) {
    case S1DSS_SSID0:
        return 0;
    case S1DSS_BYPASS:
        if (cfg->stage == SMMU_NESTED) {
            cfg->stage = SMMU_STAGE_2;
        } else {
            cfg->bypassed = true;
        }
        return 0;
    case S1DSS_TERMINATE:
    default:
        event->type = SMMU_EVT_F_STREAM_DISABLED;
        return -EINVAL;
    }
}

/* Read the level 1 descriptor at @addr, an IPA if @cfg is nested */
static int ssid_get_l1cd(SMMUv3State *s, SMMUTransCfg *cfg, dma_addr_t addr,
                         CDDesc *desc, SMMUEventInfo *event)
{
    SMMUTLBEntry *entry;

    if (cfg->stage == SMMU_NESTED) {
        if (smmuv3_do_translate(s, addr, cfg, event, IOMMU_RO, &entry,
                                SMMU_CLASS_CD) != SMMU_TRANS_SUCCESS) {
            return -EINVAL;
        }
        addr = CACHED_ENTRY_TO_ADDR(entry, addr);
    }

    if (dma_memory_read(&address_space_memory, addr, desc, sizeof(*desc),
                        SMMU_TABLE_ATTRS) != MEMTX_OK) {
        qemu_log_mask(LOG_GUEST_ERROR, "SMMUv3 cannot fetch L1CD at 0x%"
                      PRIx64 "\n", addr);
        event->type = SMMU_EVT_F_CD_FETCH;
        event->u.f_cd_fetch.addr = addr;
        return -EINVAL;
    }
    for (int i = 0; i < ARRAY_SIZE(desc->word); i++) {
        le32_to_cpus(&desc->word[i]);
    }
    return 0;
}

int smmuv3_ssid_find_cd(SMMUv3State *s, SMMUTransCfg *cfg, STE *ste,
                        uint32_t ssid, dma_addr_t *addr,
                        SMMUEventInfo *event)
{
    dma_addr_t base = STE_CTXPTR(ste);
    int split, ret;
    uint64_t l2ptr;
    CDDesc l1cd;

    /* With a single CD, S1Fmt is ignored */
    if (!STE_S1CDMAX(ste)) {
        *addr = base;
        return 0;
    }

    switch (STE_S1FMT(ste)) {
    case S1FMT_2LVL_4K:
        split = LEAF_4K_SPLIT;
        break;
    case S1FMT_2LVL_64K:
        split = LEAF_64K_SPLIT;
        break;
    case S1FMT_LINEAR:
    default:
        *addr = base + ssid * sizeof(CD);
        return 0;
    }

    ret = ssid_get_l1cd(s, cfg, base + (ssid >> split) * sizeof(l1cd), &l1cd,
                        event);
    if (ret) {
        return ret;
    }

    l2ptr = SMMU_DWORD(&l1cd, 0) & L1CD_L2PTR_MASK;
    trace_smmuv3_ssid_l1cd(event->sid, ssid, L1CD_V(&l1cd), l2ptr);
    if (!L1CD_V(&l1cd)) {
        event->type = SMMU_EVT_C_BAD_SUBSTREAMID;
        return -EINVAL;
    }

    l2ptr &= ~((sizeof(CD) << split) - 1);
    *addr = l2ptr + extract32(ssid, 0, split) * sizeof(CD);
    return 0;
}

void smmuv3_ssid_fixup_event(SMMUEventInfo *event)
{
    uint32_t ssid = event->ssid;

    if (!ssid) {
        return;
    }

    switch (event->type) {
    case SMMU_EVT_C_BAD_STREAMID:
        event->u.c_bad_streamid.ssid = ssid;
        event->u.c_bad_streamid.ssv = true;
        break;
    case SMMU_EVT_F_STE_FETCH:
        event->u.f_ste_fetch.ssid = ssid;
        event->u.f_ste_fetch.ssv = true;
        break;
    case SMMU_EVT_C_BAD_STE:
        event->u.c_bad_ste.ssid = ssid;
        event->u.c_bad_ste.ssv = true;
        break;
    case SMMU_EVT_C_BAD_SUBSTREAMID:
        /* 7.3.9: the record has no SSV, there is always an SSID */
        event->u.c_bad_substream.ssid = ssid;
        break;
    case SMMU_EVT_F_CD_FETCH:
        event->u.f_cd_fetch.ssid = ssid;
        event->u.f_cd_fetch.ssv = true;
        break;
    case SMMU_EVT_C_BAD_CD:
        event->u.c_bad_cd.ssid = ssid;
        event->u.c_bad_cd.ssv = true;
        break;
    case SMMU_EVT_F_WALK_EABT:
    case SMMU_EVT_F_TRANSLATION:
    case SMMU_EVT_F_ADDR_SIZE:
    case SMMU_EVT_F_ACCESS:
    case SMMU_EVT_F_PERMISSION:
        event->u.f_walk_eabt.ssid = ssid;
        event->u.f_walk_eabt.ssv = true;
        break;
    default:
        break;
    }
}

SMMUTransCfg *smmuv3_ssid_config_lookup(SMMUDevice *sdev, uint32_t ssid)
{
    SMMUv3State *s = sdev->smmu;
    SSIDConfigKey key = { .sdev = sdev, .ssid = ssid };

    if (!ssid) {
        return g_hash_table_lookup(ARM_SMMU(s)->configs, sdev);
    }
    return s->ssid_configs ? g_hash_table_lookup(s->ssid_configs, &key) : NULL;
}

void smmuv3_ssid_config_insert(SMMUDevice *sdev, uint32_t ssid,
                               SMMUTransCfg *cfg)
{
    SMMUv3State *s = sdev->smmu;
    SSIDConfigKey *key;

    if (!ssid) {
        g_hash_table_insert(ARM_SMMU(s)->configs, sdev, cfg);
        return;
    }

    if (!s->ssid_configs) {
        s->ssid_configs = g_hash_table_new_full(ssid_config_hash,
                                                ssid_config_equal,
                                                g_free, g_free);
    }
    if (g_hash_table_size(s->ssid_configs) == SSID_CONFIGS_MAX) {
        g_hash_table_remove_all(s->ssid_configs);
    }
    key = g_new(SSIDConfigKey, 1);
    *key = (SSIDConfigKey) { .sdev = sdev, .ssid = ssid };
    g_hash_table_insert(s->ssid_configs, key, cfg);
}

static gboolean ssid_config_in_range(gpointer k, gpointer value, gpointer data)
{
    SSIDConfigKey *key = k;
    SIDRange *range = data;
    uint32_t sid = smmu_get_sid(key->sdev);

    return sid >= range->start && sid <= range->end;
}

void smmuv3_ssid_config_flush(SMMUv3State *s, uint32_t start, uint32_t end)
{
    SIDRange range = { .start = start, .end = end };

    if (s->ssid_configs) {
        g_hash_table_foreach_remove(s->ssid_configs, ssid_config_in_range,
                                    &range);
    }
}
