/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm SMMUv3 substreams: lookup of context descriptors by SubstreamID
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * Section numbers refer to Arm IHI 0070, SMMUv3.
 *
 * Everywhere below an @ssid of 0 stands for a transaction without a
 * SubstreamID, as it does in MemTxAttrs.pid: substream 0 itself is reached
 * only through STE.S1DSS.
 */

#ifndef HW_ARM_SMMUV3_SSID_H
#define HW_ARM_SMMUV3_SSID_H

#include "smmuv3-internal.h"

/* IDR1.SSIDSIZE goes this far (6.3.2) */
#define SMMU_SSIDSIZE_MAX 20

/**
 * smmuv3_ssid_realize - check the ssidsize property and prepare for it
 * @s: SMMUv3 with its properties set
 * @errp: names the value, the limit and the way out
 *
 * Returns: true, or false with @errp set if @s cannot have substreams of
 * that size. There is nothing to undo in either case.
 */
bool smmuv3_ssid_realize(SMMUv3State *s, Error **errp);

/**
 * smmuv3_ssid_reset - advertise substreams, drop cached configurations
 * @s: SMMUv3 being reset, its other ID registers already set
 *
 * Sets IDR1.SSIDSIZE and IDR0.CD2L (6.3.1, 6.3.2).
 */
void smmuv3_ssid_reset(SMMUv3State *s);

/**
 * smmuv3_ssid_num_indexes - how many IOMMU indexes a device's region has
 * @s: SMMUv3 that the region belongs to
 *
 * Returns: 1 without substreams, otherwise one more than the highest PASID
 * that a transaction can carry.
 */
int smmuv3_ssid_num_indexes(SMMUv3State *s);

/**
 * smmuv3_ssid_index - IOMMU index of a transaction, which is its @ssid
 * @s: SMMUv3 that the transaction passes
 * @attrs: attributes of the transaction
 *
 * Returns: 0 for a transaction without PASID and for any transaction if @s
 * has no substreams, otherwise the PASID.
 */
int smmuv3_ssid_index(SMMUv3State *s, MemTxAttrs attrs);

/**
 * smmuv3_ssid_ste_valid - are the substream fields of an STE legal?
 * @s: SMMUv3
 * @ste: valid STE with translation in at least one stage
 *
 * Follows the validity rules of S1CDMax, S1Fmt and S1DSS (5.2).
 *
 * Returns: true if they are, false if the STE has to be reported as
 * C_BAD_STE.
 */
bool smmuv3_ssid_ste_valid(SMMUv3State *s, STE *ste);

/**
 * smmuv3_ssid_select - apply S1CDMax and S1DSS to a transaction
 * @cfg: configuration decoded from @ste; its stage, or its bypass, changes
 *       where S1DSS sends the transaction past stage 1
 * @ste: STE that smmuv3_ssid_ste_valid() accepted
 * @event: holds the SSID, receives the event type on failure
 *
 * Follows S1CDMax and S1DSS (5.2).
 *
 * Returns: 0 if the transaction may go on as @cfg says, -EINVAL if it is
 * terminated with C_BAD_SUBSTREAMID or F_STREAM_DISABLED in @event.
 */
int smmuv3_ssid_select(SMMUTransCfg *cfg, STE *ste, SMMUEventInfo *event);

/**
 * smmuv3_ssid_find_cd - address of the CD of a substream
 * @s: SMMUv3
 * @cfg: configuration decoded from @ste, stage 1 enabled
 * @ste: STE that smmuv3_ssid_select() accepted
 * @ssid: SubstreamID, below 2^S1CDMax
 * @addr: (out) address of the CD, an IPA if @cfg is nested
 * @event: receives the event on failure
 *
 * Follows 5.2 (S1Fmt) and 5.3; a leaf table of 64KB is taken to be aligned.
 *
 * Returns: 0 with @addr set, -EINVAL with C_BAD_SUBSTREAMID, F_CD_FETCH or a
 * stage 2 fault in @event otherwise.
 */
int smmuv3_ssid_find_cd(SMMUv3State *s, SMMUTransCfg *cfg, STE *ste,
                        uint32_t ssid, dma_addr_t *addr,
                        SMMUEventInfo *event);

/**
 * smmuv3_ssid_fixup_event - put the SSID into the record of an event
 * @event: event with its type and its SSID set
 *
 * Follows the record layouts of 7.3. Does nothing without an SSID.
 */
void smmuv3_ssid_fixup_event(SMMUEventInfo *event);

/**
 * smmuv3_ssid_config_lookup - cached configuration of one substream
 * @sdev: device; the mutex of its SMMUv3 is held
 * @ssid: SubstreamID, or 0
 *
 * Returns: the configuration, or NULL if it is not cached. The cache owns it
 * and may free it as soon as the mutex is released or another one is inserted.
 */
SMMUTransCfg *smmuv3_ssid_config_lookup(SMMUDevice *sdev, uint32_t ssid);

/**
 * smmuv3_ssid_config_insert - cache the configuration of one substream
 * @sdev: device; the mutex of its SMMUv3 is held
 * @ssid: SubstreamID, or 0
 * @cfg: configuration, which the cache owns from here on
 *
 * When the cache is full, all substreams are dropped first. It has room for as
 * many substreams as there are cached translations.
 */
void smmuv3_ssid_config_insert(SMMUDevice *sdev, uint32_t ssid,
                               SMMUTransCfg *cfg);

/**
 * smmuv3_ssid_config_flush - drop all cached substreams of a range of StreamIDs
 * @s: SMMUv3, its mutex held
 * @start: first StreamID
 * @end: last StreamID
 *
 * Transactions without SubstreamID are cached in SMMUState.configs and not
 * affected.
 */
void smmuv3_ssid_config_flush(SMMUv3State *s, uint32_t start, uint32_t end);

#endif /* HW_ARM_SMMUV3_SSID_H */
