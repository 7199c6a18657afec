/*
 * The guest's side of an SMMUv3, for qtests
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tables and queues are built in guest memory, no guest kernel is needed.
 * Sections are those of Arm IHI0070, the SMMUv3 architecture.
 */

#ifndef TESTS_QTEST_VFIO_GUEST_SMMU_H
#define TESTS_QTEST_VFIO_GUEST_SMMU_H

#include "guest.h"

/* Where the first -device arm-smmuv3 of a virt machine has its registers */
#define VS_BASE 0x0c000000ull

/* Registers (6.2) */
enum {
    VS_IDR0 = 0x00,
    VS_IDR1 = 0x04,
    VS_IDR3 = 0x0c,
    VS_IDR5 = 0x14,
    VS_CR0 = 0x20,
    VS_CR0ACK = 0x24,
    VS_CR2 = 0x2c,
    VS_GBPA = 0x44,
    VS_IRQ_CTRL = 0x50,
    VS_GERROR = 0x60,
    VS_GERRORN = 0x64,
    VS_STRTAB_BASE = 0x80,
    VS_STRTAB_BASE_CFG = 0x88,
    VS_CMDQ_BASE = 0x90,
    VS_CMDQ_PROD = 0x98,
    VS_CMDQ_CONS = 0x9c,
    VS_EVENTQ_BASE = 0xa0,
    VS_EVENTQ_PROD = 0x100a8,
    VS_EVENTQ_CONS = 0x100ac,
};

#define VS_CR0_SMMUEN       (1u << 0)
#define VS_CR0_EVENTQEN     (1u << 2)
#define VS_CR0_CMDQEN       (1u << 3)
#define VS_CR2_RECINVSID    (1u << 1)
#define VS_GBPA_UPDATE      (1u << 31)
#define VS_GBPA_ABORT       (1u << 20)
#define VS_IRQ_CTRL_GERROR  (1u << 0)
#define VS_IRQ_CTRL_EVENTQ  (1u << 2)
#define VS_GERROR_CMDQ_ERR  (1u << 0)
#define VS_GERROR_EVENTQ_ABT_ERR (1u << 2)
#define VS_CONS_ERR(v)      (((v) >> 24) & 0x7f)
#define VS_CERROR_ILL       1
#define VS_CERROR_ABT       2
#define VS_EVENTQ_OVERFLOW  (1u << 31)

/* Commands (4.1.1) */
enum {
    VS_CMD_ILLEGAL = 0x00,
    VS_CMD_PREFETCH_CONFIG = 0x01,
    VS_CMD_CFGI_STE = 0x03,
    VS_CMD_CFGI_STE_RANGE = 0x04,
    VS_CMD_CFGI_CD = 0x05,
    VS_CMD_CFGI_CD_ALL = 0x06,
    VS_CMD_TLBI_NH_ALL = 0x10,
    VS_CMD_TLBI_NH_ASID = 0x11,
    VS_CMD_TLBI_NH_VA = 0x12,
    VS_CMD_TLBI_NH_VAA = 0x13,
    VS_CMD_TLBI_NSNH_ALL = 0x30,
    VS_CMD_ATC_INV = 0x40,
    VS_CMD_SYNC = 0x46,
};
#define VS_SYNC_IRQ (1ull << 12)
/* Word 1 of CFGI_STE_RANGE; 31 makes it CFGI_ALL */
#define VS_RANGE(n) ((uint64_t)(n))
/* Word 0 of TLBI commands (4.4), word 1 of theirs and of CFGI commands */
#define VS_ASID(n)  ((uint64_t)(n) << 48)
#define VS_LEAF     1ull

/* Invalidation number n of a series, see vs_queue_va() */
#define VS_VA0      (VS_CMD_TLBI_NH_VA | VS_ASID(1))
#define VS_VA1(n)   ((uint64_t)(n) << 12)

/* Events (7.3) */
enum {
    VS_EVT_F_UUT = 0x01,
    VS_EVT_C_BAD_STREAMID = 0x02,
    VS_EVT_F_STE_FETCH = 0x03,
    VS_EVT_C_BAD_STE = 0x04,
    VS_EVT_F_CD_FETCH = 0x09,
    VS_EVT_F_TRANSLATION = 0x10,
};

/* Stream table entry, words 0 and 1 (5.2) */
#define VS_STE_SIZE         64
#define VS_STE0_V           1ull
#define VS_STE0_ABORT       0ull
#define VS_STE0_BYPASS      (4ull << 1)
#define VS_STE0_S1          (5ull << 1)
#define VS_STE0_S2          (6ull << 1)
#define VS_STE0_S1FMT(f)    ((uint64_t)(f) << 4)
#define VS_STE0_S1CDMAX(n)  ((uint64_t)(n) << 59)
#define VS_STE1_S1DSS(n)    ((uint64_t)(n))
#define VS_STE1_S1CIR(n)    ((uint64_t)(n) << 2)
#define VS_STE1_S1COR(n)    ((uint64_t)(n) << 4)
#define VS_STE1_S1CSH(n)    ((uint64_t)(n) << 6)
#define VS_STE1_S1STALLD    (1ull << 27)
#define VS_STE1_SHCFG_IN    (1ull << 44)

/* Guest memory that is used */
#define VS_STRTAB   (VG_RAM + 0x100000)     /* linear, or first level */
#define VS_L2TAB    (VG_RAM + 0x180000)     /* second level for bus 1 */
#define VS_CMDQ     (VG_RAM + 0x200000)
#define VS_EVENTQ   (VG_RAM + 0x300000)
#define VS_CDTAB    (VG_RAM + 0x400000)

#define VS_STRTAB_LOG2  10
#define VS_SPLIT        8
#define VS_CMDQ_LOG2    10
#define VS_EVENTQ_LOG2  7

/* StreamID of the function behind root port n, counted from 1 */
#define VS_SID(port)    ((port) << 8)

/* Options of an accelerated SMMUv3 with substreams on the root bus */
#define VS_SSID16 \
    "-device arm-smmuv3,id=smmu,primary-bus=pcie.0,accel=on,ssidsize=16 "

/* Stream table entry that has the device translated by the CDs at VS_CDTAB */
#define VS_STE0_DEFAULT (VS_STE0_V | VS_STE0_S1 | VS_CDTAB)
#define VS_STE1_DEFAULT (VS_STE1_S1CIR(1) | VS_STE1_S1COR(1) | VS_STE1_S1CSH(3))

typedef enum VsTable { VS_LINEAR, VS_TWO_LEVEL } VsTable;

/**
 * vs_options: describe devices, and name them behind a VS_SSID16 SMMUv3
 *
 * @c: a client without devices
 * @ports: number of host devices to describe, and of root ports, up to 9
 * @plugged: how many of the devices are there from the start: device n, from
 *           1, is called d<n>, is behind port n and is device n - 1 of @c
 *
 * Returns: options for QEMU; the caller frees them.
 */
gchar *vs_options(VfClient *c, unsigned int ports, unsigned int plugged);

/**
 * vs_start: start QEMU with vs_options()
 *
 * @ports, @plugged: same
 *
 * Returns: the guest with a client of its own and its root ports numbered;
 * vs_setup() is still to come.
 */
VfGuest *vs_start(unsigned int ports, unsigned int plugged);

/**
 * vs_start_s1: start QEMU with one device, which the guest's tables translate
 *
 * Its state is VS_TRANSLATE, in a linear table. What the host was told to
 * invalidate until then is forgotten.
 *
 * Returns: the guest.
 */
VfGuest *vs_start_s1(void);

uint32_t vs_readl(VfGuest *g, uint32_t reg);
void vs_writel(VfGuest *g, uint32_t reg, uint32_t value);

/**
 * vs_setup: give the SMMU tables and queues, and enable the queues
 *
 * @g: the guest
 * @table: format of the stream table; two-level ones reach bus 1 only
 *
 * Every STE is zero after it. Translation itself stays off, see vs_enable().
 */
void vs_setup(VfGuest *g, VsTable table);

/* Set or clear CR0.SMMUEN, the queues stay enabled */
void vs_enable(VfGuest *g, bool on);

/* Write GBPA with abort or bypass */
void vs_gbpa(VfGuest *g, bool abort);

/* What a guest may have set up when a device comes, goes or is reset */
typedef enum VsStateIndex {
    VS_OFF_BYPASS,          /* disabled, GBPA lets transactions through */
    VS_OFF_ABORT,           /* disabled, GBPA aborts them */
    VS_INVALID,             /* enabled, STE.V is 0 */
    VS_ABORT,
    VS_BYPASS,
    VS_TRANSLATE,           /* VS_STE0_DEFAULT */
    VS_BAD,                 /* enabled, STE.Config is not one that IDR0 has */
    VS_STATES
} VsStateIndex;

/**
 * struct VsState - one of these
 *
 * @name: for the path of a test
 * @enabled: CR0.SMMUEN
 * @gbpa_abort: GBPA.ABORT
 * @word: first two words of the STE
 * @access: what the architecture then gives to the device
 */
typedef struct VsState {
    const char *name;
    bool enabled;
    bool gbpa_abort;
    uint64_t word[2];
    VfAccess access;
} VsState;

extern const VsState vs_states[VS_STATES];

/* Write @state for the device behind @port to registers, table and queue */
void vs_set_state(VfGuest *g, const VsState *state, unsigned int port);

/* Write the first two words of an STE; no command is sent */
void vs_write_ste(VfGuest *g, VsTable table, uint32_t sid, uint64_t word0,
                  uint64_t word1);

/* Put a command into the queue; the SMMU sees it with vs_submit() */
void vs_queue(VfGuest *g, uint64_t word0, uint64_t word1);

/* Tell the SMMU of all queued commands, which it may take some time for */
void vs_ring(VfGuest *g);

/* Returns: whether the SMMU took all that it was told of */
bool vs_done(VfGuest *g);

/* Wait as a driver does until vs_done(), or until the queue stands still */
void vs_wait(VfGuest *g);

/* Let the SMMU take all queued commands: vs_ring() and vs_wait() */
void vs_submit(VfGuest *g);

/* Queue SYNC, submit it, and assert that the SMMU took all there was */
void vs_sync(VfGuest *g);

/* Queue an invalidation that can be told from others by @n: that of page @n */
void vs_queue_va(VfGuest *g, unsigned int n);

/* Queue the invalidations of pages 0 to @count - 1 and SYNC, and submit them */
void vs_submit_vas(VfGuest *g, unsigned int count);

/* Asserts that @cmd, as the host took it, is vs_queue_va() of @n */
void vs_assert_va(const VfCmd *cmd, unsigned int n);

/* Limit how many commands the SMMU gives to the host at once, 0 for no limit */
void vs_set_batch(VfGuest *g, unsigned int batch);

/*
 * Limit how long the SMMU takes commands at a time, 0 for no limit. Each time
 * it submits what it has: without a limit the number of calls is a given one.
 */
void vs_set_slice(VfGuest *g, unsigned int us);

/* Queue CFGI_STE for @sid and SYNC, and submit them */
void vs_cfgi_ste(VfGuest *g, uint32_t sid);

/**
 * vs_assert_s1: the device is translated, by the tables of an STE
 *
 * @g: the guest
 * @dev: number of the host device
 * @sid: StreamID that the host has to know it by
 * @word0, @word1: what the host has to have of the STE; that nothing stalls may
 *                 have been added
 */
void vs_assert_s1(VfGuest *g, unsigned int dev, uint32_t sid, uint64_t word0,
                  uint64_t word1);

/**
 * vs_next_event: take one record out of the event queue
 *
 * @g: the guest
 * @evt: four words of the record
 *
 * Returns: true, or false when the queue is empty.
 */
bool vs_next_event(VfGuest *g, uint64_t evt[4]);

/* Asserts that there is one record, of @type for @sid, or none if @type is 0 */
void vs_assert_event(VfGuest *g, uint32_t sid, unsigned int type);

/* Take all records out of the event queue, and acknowledge an overflow */
void vs_drop_events(VfGuest *g);

/**
 * vs_bridge_open: have a root port send messages
 *
 * @g: the guest
 * @port: number of the port, from 1
 * @address: what the messages are written to, as the port sees it
 *
 * They come from VS_BRIDGE_SID(@port), and the emulation translates them.
 */
void vs_bridge_open(VfGuest *g, unsigned int port, uint64_t address);

/* Have a root port send a message, VS_BRIDGE_DATA */
void vs_bridge_signal(VfGuest *g, unsigned int port);

/* StreamID of root port n, counted from 1 */
#define VS_BRIDGE_SID(port) ((port) << 3)
#define VS_BRIDGE_DATA      0x600d

#endif /* TESTS_QTEST_VFIO_GUEST_SMMU_H */
