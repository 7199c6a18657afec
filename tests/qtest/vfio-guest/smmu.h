/*
 * Test library: an SMMUv3 as the driver of a guest uses it
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

#include "../smmuv3-regs.h"
#include "guest.h"

/* Invalidation number n of a series, see vs_queue_va() */
#define VS_VA0      (VS_CMD_TLBI_NH_VA | VS_ASID(1))
#define VS_VA1(n)   ((uint64_t)(n) << 12)

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

/* Functions of a device, so that few buses are needed */
#define VS_FUNCTIONS    8
#define VS_FUNCTION_SID(n) \
    (VS_SID((n) / VS_FUNCTIONS + 1) + (n) % VS_FUNCTIONS)

/**
 * vs_start_functions: start QEMU with many devices, VS_FUNCTIONS of them behind
 * each root port
 *
 * @smmu: option for the vIOMMU, such as VS_SSID16, or an empty one
 * @devices: their number, up to VF_MAX_DEVICES: device n, from 0, is called
 *           d<n> and has StreamID VS_FUNCTION_SID(n)
 *
 * Returns: the guest, its root ports numbered; vs_setup() is still to come.
 */
VfGuest *vs_start_functions(const char *smmu, unsigned int devices);

/**
 * vs_start_s1: start QEMU with one device, which the guest's tables translate
 *
 * Its state is VS_TRANSLATE, in a linear table. The log of commands that
 * reached the host is empty.
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

/*
 * Returns: whether all devices have what CR0 and GBPA say, as CR0ACK (6.3.10)
 * and GBPA.UPDATE (6.3.14) tell
 */
bool vs_acknowledged(VfGuest *g);

/* Wait as a driver does until vs_acknowledged() */
void vs_wait_acknowledged(VfGuest *g);

/*
 * Set or clear CR0.SMMUEN, the queues stay enabled; the SMMU may take some time
 * to do it for all devices
 */
void vs_begin_enable(VfGuest *g, bool on);

/* vs_begin_enable(), and wait */
void vs_enable(VfGuest *g, bool on);

/* Write GBPA with abort or bypass; the SMMU may take some time as well */
void vs_begin_gbpa(VfGuest *g, bool abort);

/* vs_begin_gbpa(), and wait */
void vs_gbpa(VfGuest *g, bool abort);

/* States of the SMMU when a device is plugged, unplugged or reset */
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
 * @access: access that the architecture gives to the device
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

/* Write PROD; the SMMU may take some time to execute the queue */
void vs_ring(VfGuest *g);

/* Returns: whether the SMMU has executed all commands up to PROD */
bool vs_done(VfGuest *g);

/* Wait as a driver does until vs_done(), or until the queue stands still */
void vs_wait(VfGuest *g);

/* Have the SMMU execute all queued commands: vs_ring() and vs_wait() */
void vs_submit(VfGuest *g);

/* Queue SYNC, submit it, and assert that the SMMU executed all commands */
void vs_sync(VfGuest *g);

/**
 * vs_translate_all: have the guest's tables translate for all devices
 *
 * @g: the guest, set up with a linear table; no command is sent
 * @devices: those behind ports 1 to @devices
 * @eats: 0, or VS_STE1_EATS() to let them use ATS
 */
void vs_translate_all(VfGuest *g, unsigned int devices, uint64_t eats);

/**
 * vs_start_ats: start QEMU with devices that the guest's tables translate, and
 * offer ATS
 *
 * @devices, @eats: as for vs_translate_all()
 *
 * Returns: the guest.
 */
VfGuest *vs_start_ats(unsigned int devices, uint64_t eats);

/* Queue the invalidation of page @n */
void vs_queue_va(VfGuest *g, unsigned int n);

/* Queue the invalidations of pages 0 to @count - 1 and SYNC, and submit them */
void vs_submit_vas(VfGuest *g, unsigned int count);

/* Asserts that @cmd, as the host took it, is vs_queue_va() of @n */
void vs_assert_va(const VfCmd *cmd, unsigned int n);

/* Limit the number of commands in one call to the host, 0 for no limit */
void vs_set_batch(VfGuest *g, unsigned int batch);

/*
 * Limit the length of a slice, 0 for no limit. Each slice submits its commands:
 * without a limit the number of calls does not depend on time.
 */
void vs_set_slice(VfGuest *g, unsigned int us);

/* Queue CFGI_STE for @sid and SYNC, and submit them */
void vs_cfgi_ste(VfGuest *g, uint32_t sid);

/**
 * vs_assert_s1: assert that the tables of an STE translate for a device
 *
 * @g: the guest
 * @dev: number of the host device
 * @sid: StreamID that the host has to know it by
 * @word0, @word1: the STE that the host must have; S1STALLD may be set in it
 */
void vs_assert_s1(VfGuest *g, unsigned int dev, uint32_t sid, uint64_t word0,
                  uint64_t word1);

/* Returns: whether the command queue stands still for an error */
bool vs_has_error(VfGuest *g);

/* Acknowledge all global errors: the command queue goes on */
void vs_acknowledge(VfGuest *g);

/**
 * vs_assert_listed: assert how x-accel-state lists a device
 *
 * @g: the guest
 * @n: number of the device, which is d<n> with StreamID VS_SID(@n)
 * @to: the HWPT or state that it is attached to
 * @why: the reason; with "none" and "no-vdevice" it is not stopped
 * @text: part of the text of a stopped device
 */
void vs_assert_listed(VfGuest *g, unsigned int n, const char *to,
                      const char *why, const char *text);

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
 * vs_bridge_open: enable the message interrupts of a root port
 *
 * @g: the guest
 * @port: number of the port, from 1
 * @address: target of the messages, as the port sees it
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
