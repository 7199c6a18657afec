/*
 * Arm SMMUv3: the stall model
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A transaction that stalls has a tag, the STAG, by which the guest answers for
 * it. Tags, records and commands are the same for every source of stalled
 * transactions: devices of the emulation (smmuv3-stall-dma.c), and page
 * requests of the host for devices that are passed through. A source embeds
 * SMMUv3Stall in what it knows of a transaction, and is told the answer.
 *
 * Section numbers refer to Arm IHI 0070, SMMUv3. All functions are called with
 * the BQL held, but for smmuv3_stall_takes().
 */

#ifndef HW_ARM_SMMUV3_STALL_H
#define HW_ARM_SMMUV3_STALL_H

#include "hw/arm/smmuv3.h"
#include "hw/pci/pci_stall.h"
#include "smmuv3-internal.h"

/*
 * Flag in the IOMMU index of a transaction, beside its SubstreamID: the device
 * is able to wait. Compare SMMUV3_INDEX_ATS.
 */
#define SMMUV3_INDEX_STALL  (1 << 21)

/* IDR5.STALL_MAX: transactions that the guest is told of at a time (6.3.6) */
#define SMMUV3_STALL_MAX    64

/* Values of the property x-stall */
typedef enum SMMUv3StallMode {
    SMMUV3_STALL_AUTO,
    SMMUV3_STALL_OFF,
    SMMUV3_STALL_ON,
    SMMUV3_STALL_FORCE,
} SMMUv3StallMode;

extern const PropertyInfo smmuv3_prop_stall;

#define DEFINE_PROP_SMMUV3_STALL(name, state, field)                    \
    DEFINE_PROP_UNSIGNED(name, state, field, SMMUV3_STALL_AUTO,         \
                         smmuv3_prop_stall, uint8_t)

typedef struct SMMUv3Stall SMMUv3Stall;

/**
 * struct SMMUv3Stall: a transaction that the guest has to answer for
 *
 * @answered: called once, for CMD_RESUME and CMD_STALL_TERM, and when
 *     translation is switched off. The stall has ended and can be freed. Guest
 *     memory and registers must not be accessed in the call.
 * @event: the fault, with its type, StreamID, SubstreamID, and the fields of
 *     FullInfo other than stall and stag.
 * @stag: tag of the transaction, unique among those that are stalled.
 * @recorded: the guest has been told of it.
 */
struct SMMUv3Stall {
    void (*answered)(SMMUv3State *s, SMMUv3Stall *stall, bool retry);
    SMMUEventInfo event;
    uint16_t stag;
    bool recorded;
    QTAILQ_ENTRY(SMMUv3Stall) next;
};

/**
 * smmuv3_stall_mode: tell which stall model the guest is offered
 *
 * @s: the SMMUv3.
 *
 * Returns: SMMUV3_STALL_OFF, SMMUV3_STALL_ON or SMMUV3_STALL_FORCE.
 */
SMMUv3StallMode smmuv3_stall_mode(const SMMUv3State *s);

/**
 * smmuv3_stall_mode_name: name a value of the property x-stall
 *
 * @mode: the value.
 *
 * Returns: its name, a constant.
 */
const char *smmuv3_stall_mode_name(SMMUv3StallMode mode);

/**
 * smmuv3_stall_settle: fix which stall model the guest is offered, whatever the
 * property says
 *
 * The ID registers follow at the next smmuv3_stall_reset().
 *
 * @s: the SMMUv3.
 * @mode: SMMUV3_STALL_OFF, SMMUV3_STALL_ON or SMMUV3_STALL_FORCE.
 */
void smmuv3_stall_settle(SMMUv3State *s, SMMUv3StallMode mode);

/**
 * smmuv3_stall_reset: advertise the stall model, end all stalls
 *
 * Sets IDR0.STALL_MODEL (6.3.1) and IDR5.STALL_MAX (6.3.6), unless the guest is
 * offered no stalls. The first reset of a realized SMMUv3 prepares for stalls.
 *
 * @s: an SMMUv3 being reset, its other registers already set.
 */
void smmuv3_stall_reset(SMMUv3State *s);

/**
 * smmuv3_stall_ste_legal: check STE.S1STALLD (5.2)
 *
 * @s: the SMMUv3.
 * @cfg: (in/out) what was decoded of @ste; takes S1STALLD down for the CD.
 * @ste: a valid STE with translation in at least one stage.
 *
 * Returns: true if the field is legal, false for C_BAD_STE.
 */
bool smmuv3_stall_ste_legal(SMMUv3State *s, SMMUTransCfg *cfg, STE *ste);

/**
 * smmuv3_stall_s2_legal: check STE.S2S (5.2)
 *
 * @s: the SMMUv3.
 * @cfg: (in/out) gets SMMU_STAGE_2 in @stalls if stage 2 faults stall.
 * @ste: a valid STE with stage 2 enabled.
 *
 * Returns: true if the field is legal, false for C_BAD_STE.
 */
bool smmuv3_stall_s2_legal(SMMUv3State *s, SMMUTransCfg *cfg, STE *ste);

/**
 * smmuv3_stall_cd_legal: check CD.S (5.4)
 *
 * @s: the SMMUv3.
 * @cfg: (in/out) gets SMMU_STAGE_1 in @stalls if stage 1 faults stall.
 * @cd: a valid CD.
 *
 * Returns: true if the field is legal, false for C_BAD_CD.
 */
bool smmuv3_stall_cd_legal(SMMUv3State *s, SMMUTransCfg *cfg, CD *cd);

/**
 * smmuv3_stall_takes: tell whether an event is not recorded because its
 * transaction stalls
 *
 * Only translation, address size, access flag and permission faults stall
 * (3.12.2), and only if the device is able to wait. What the transaction met is
 * kept for the caller of the translation, see SMMUv3StallState::fault.
 *
 * @s: the SMMUv3.
 * @info: the event.
 *
 * Returns: true if @info must not be recorded.
 */
bool smmuv3_stall_takes(SMMUv3State *s, const SMMUEventInfo *info);

/**
 * smmuv3_stall_command: execute CMD_RESUME or CMD_STALL_TERM (4.6)
 *
 * A CMD_RESUME whose tag and StreamID are not those of a stalled transaction
 * has no effect. IDR0.TERM_MODEL is 1, so what is not retried is aborted,
 * whatever the command's Abort field says.
 *
 * @s: the SMMUv3, its mutex held.
 * @cmd: the command in host byte order.
 *
 * Returns: SMMU_CERROR_NONE, or SMMU_CERROR_ILL for a secure StreamID.
 */
SMMUCmdError smmuv3_stall_command(SMMUv3State *s, Cmd *cmd);

/**
 * smmuv3_stall_registers_written: follow the guest's registers
 *
 * All stalls end when CR0.SMMUEN is 0 (6.3.9). When the event queue can be
 * written again, the records that wait for it are written (7.2).
 *
 * @s: the SMMUv3, a register written.
 */
void smmuv3_stall_registers_written(SMMUv3State *s);

/**
 * smmuv3_stall_begin: tell the guest of a transaction, and await its answer
 *
 * The record is written now, or as soon as the event queue has room and fewer
 * than IDR5.STALL_MAX others are told: a record of a stall is never lost (7.2).
 *
 * @s: an SMMUv3 with stalls.
 * @stall: the source's, with @answered and @event set. It stays where it is
 *     until @answered is called or smmuv3_stall_end() returns.
 */
void smmuv3_stall_begin(SMMUv3State *s, SMMUv3Stall *stall);

/**
 * smmuv3_stall_end: forget a transaction that has gone
 *
 * SMMUv3Stall::answered is not called. An answer that the guest has yet to give
 * has no effect.
 *
 * @s: the SMMUv3.
 * @stall: a transaction that is stalled.
 */
void smmuv3_stall_end(SMMUv3State *s, SMMUv3Stall *stall);

/**
 * struct SMMUv3StallState: the stalls of an SMMUv3
 *
 * @stalls: transactions that are stalled, oldest first.
 * @told: how many of them the guest has been told of.
 * @last_stag: the tag that was given last.
 * @faulted: the translation that was asked for last has stalled.
 * @fault: what it has met then.
 * @dma: what smmuv3-stall-dma.c has of its own.
 */
struct SMMUv3StallState {
    QTAILQ_HEAD(, SMMUv3Stall) stalls;
    unsigned int told;
    uint16_t last_stag;
    bool faulted;
    SMMUEventInfo fault;
    struct {
        QTAILQ_HEAD(, SMMUv3DmaStall) answered;
        unsigned int answered_num;
        QEMUBH *bh;
    } dma;
};

/**
 * smmuv3_stall_dma_init: prepare for devices of the emulation that wait
 *
 * @s: an SMMUv3 with stalls, its SMMUv3StallState allocated.
 */
void smmuv3_stall_dma_init(SMMUv3State *s);

/**
 * smmuv3_stall_dma_begin: IOMMUStallClass::begin, see pci_stall_begin()
 *
 * @iommu: region of a device behind an SMMUv3.
 * @request: the transaction.
 * @entry: (out) the translation.
 *
 * Returns: any PCIStallResult.
 */
PCIStallResult smmuv3_stall_dma_begin(IOMMUMemoryRegion *iommu,
                                      PCIStall *request, IOMMUTLBEntry *entry);

/**
 * smmuv3_stall_dma_cancel: IOMMUStallClass::cancel, see pci_stall_cancel()
 *
 * @iommu: region of a device behind an SMMUv3.
 * @request: a transaction that waits.
 */
void smmuv3_stall_dma_cancel(IOMMUMemoryRegion *iommu, PCIStall *request);

#endif /* HW_ARM_SMMUV3_STALL_H */
