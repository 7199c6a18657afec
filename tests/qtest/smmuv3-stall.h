/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest with devices that wait for their pages, for qtests of stalls
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * Devices behind the emulated SMMUv3 have three address spaces each: one
 * without PASID, and two with. All devices share the tables. No page is mapped
 * at first.
 */

#ifndef TESTS_QTEST_SMMUV3_STALL_H
#define TESTS_QTEST_SMMUV3_STALL_H

#include "pasid-testdev.h"
#include "smmuv3-emulated.h"

/* Guest memory */
#define ST_STRTAB           (PTD_RAM + 0x100000)
#define ST_STRTAB_LOG2      9
#define ST_CMDQ             (PTD_RAM + 0x110000)
#define ST_EVENTQ           (PTD_RAM + 0x120000)
#define ST_QUEUE_LOG2       7
#define ST_CD_TABLE         (PTD_RAM + 0x200000)
#define ST_S2_TABLE         (PTD_RAM + 0x300000)
/* Three levels for each address space, and its pages */
#define ST_TABLES(k)        (PTD_RAM + 0x400000 + (k) * 0x4000)
#define ST_LEAVES(k)        (ST_TABLES(k) + 0x2000)
#define ST_PAGE(k, n)       (PTD_RAM + 0x800000 + ((k) * 16 + (n)) * 0x1000)

#define ST_IOVA             PTD_RAM
#define ST_PAGE_SIZE        0x1000
#define ST_MARK(k, n)       (0x57a11000 | (k) << 8 | (n))

#define ST_SPACES           3
#define ST_SSIDSIZE         8

/* Devices are functions 0 of slots of bus 0, from 1 on, or in a port's bus 1 */
#define ST_SID(slot)        ((uint32_t)(slot) << 3)
#define ST_PORT_SLOT        30
#define ST_PORT_SID         0x100
#define ST_DEVICE(slot)     " -device pasid-testdev,bus=pcie.0,addr=" #slot ".0"
#define ST_SMMU             " -global arm-smmuv3.ssidsize=8" \
                            " -global arm-smmuv3.stage=nested" \
                            " -global arm-smmuv3.x-stall="

/* A device: its StreamID, and where its registers are */
typedef struct StDevice {
    uint32_t sid;
    uint64_t bar;
} StDevice;

extern const uint8_t st_ssids[ST_SPACES];

/* A configuration of the SMMU; what is 0 is what shared addressing needs */
typedef struct StConfig {
    uint64_t ste0;          /* of the STE: configuration, default VS_STE0_S1 */
    uint64_t ste1;          /* bits to add */
    uint64_t ste2;          /* bits to add */
    uint64_t cd0_off;       /* bits to leave out of VS_CD0() and VS_CD0_S */
    uint8_t eventq_log2;
    bool eventq_off;
} StConfig;

/* st_dev: the device in slot @slot of bus 0 */
StDevice st_dev(unsigned int slot);

/* st_cfg: address of @offset in the config space of device @sid */
uint64_t st_cfg(uint32_t sid, uint16_t offset);

/* st_find_cap: offset of a capability that is there */
uint8_t st_find_cap(QTestState *qts, uint32_t sid, uint8_t id);

/* st_flr: where PCI_EXP_DEVCTL_BCR_FLR resets the function */
uint64_t st_flr(QTestState *qts, uint32_t sid);

/* st_enable_device: map a device's BAR, let it be bus master and use PASIDs */
void st_enable_device(QTestState *qts, StDevice d);

/* st_enable_port: have the root port in ST_PORT_SLOT lead to bus 1 */
StDevice st_enable_port(QTestState *qts);

/* st_setup: write the tables, and switch the SMMU on, with @devices */
void st_setup(QTestState *qts, const StConfig *c, const StDevice *devices,
              int n);

/* st_start: start a QEMU with @args, st_setup() with devices 1 to @slots */
QTestState *st_start(const char *args, const StConfig *c, int slots);

/* st_map: map page @n of address space @k, with a mark in it */
void st_map(QTestState *qts, int k, int n);

/* st_command: have the SMMU execute a command */
void st_command(QTestState *qts, uint32_t word0, uint32_t sid, uint64_t word1);

/* st_resume: answer for a transaction; @how are bits of CMD_RESUME */
void st_resume(QTestState *qts, uint32_t how, uint32_t sid, uint16_t stag);

/* st_events: how many events there have been, at most 2^8 */
uint32_t st_events(QTestState *qts);

/* st_event: word @word, of 32 bits, of event @n */
uint32_t st_event(QTestState *qts, int n, int word);

/*
 * st_stalled: assert that event @n is that of a transaction that stalls
 *
 * Returns: its STAG.
 */
uint16_t st_stalled(QTestState *qts, int n, uint32_t sid, int k, uint64_t iova,
                    uint8_t type, uint32_t op);

/* st_channel: read a register of a channel */
uint32_t st_channel(QTestState *qts, StDevice d, int channel, uint32_t reg);

/* st_go: have a channel transfer @len bytes at @iova in address space @k */
void st_go(QTestState *qts, StDevice d, int channel, uint32_t op, int k,
           uint64_t iova, uint32_t len);

/* st_go_page: st_go() for 4 bytes of page @n */
void st_go_page(QTestState *qts, StDevice d, int channel, uint32_t op, int k,
                int n);

/* st_status: status of a channel now */
uint32_t st_status(QTestState *qts, StDevice d, int channel);

/* st_wait: assert that a channel ends, with @status */
void st_wait(QTestState *qts, StDevice d, int channel, uint32_t status);

/* st_busy: assert that a channel goes on waiting */
void st_busy(QTestState *qts, StDevice d, int channel);

/* st_read: assert that a channel has ended, and has read page @n */
void st_read(QTestState *qts, StDevice d, int channel, int k, int n);

#endif /* TESTS_QTEST_SMMUV3_STALL_H */
