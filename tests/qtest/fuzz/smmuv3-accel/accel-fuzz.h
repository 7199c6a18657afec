/*
 * Fuzzing of guest accesses to an accelerated SMMUv3: shared parts
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An input is a list of records of 16 bytes. The first one says how the guest
 * starts, each other one is one thing that a guest, a device, the host or the
 * user does. Every sequence of bytes is a valid input.
 *
 * The grammar gives reach, and no more: it knows the registers and tables of
 * the architecture and the memory map of the machine, and nothing of what the
 * code under test expects.
 */

#ifndef TESTS_QTEST_FUZZ_ACCEL_FUZZ_H
#define TESTS_QTEST_FUZZ_ACCEL_FUZZ_H

#include "tests/qtest/vfio-guest/client.h"

enum {
    FUZZ_DEVICES = 3,           /* host devices, d1 to d3 */
    FUZZ_WAITING = 2,           /* how many of them wait for their pages */
    FUZZ_PORTS = 4,             /* root ports, rp1 to rp4 */
    FUZZ_TESTDEV_PORT = 4,      /* the one with the emulated device */
    FUZZ_SMMUS = 2,             /* accelerated, emulated */
};

/* Memory map of the virt machine with highmem-ecam=off */
#define FUZZ_SMMU(n)    (0x0c000000ull + (n) * 0x20000)
#define FUZZ_FW_CFG     0x09020000ull
#define FUZZ_PCI_MMIO   0x10000000ull
#define FUZZ_ECAM       0x3f000000ull
#define FUZZ_RAM        0x40000000ull
#define FUZZ_RAM_MIB    32

/* Addresses of the guest's tables; [n] belongs to SMMU n */
#define FUZZ_TABLES     (FUZZ_RAM + 0x200000)
#define FUZZ_TABLES_SIZE 0x100000
#define FUZZ_STRTAB(n)  (FUZZ_TABLES + (n) * 0x40000)
#define FUZZ_L2TAB      (FUZZ_RAM + 0x280000)
#define FUZZ_CMDQ(n)    (FUZZ_RAM + 0x290000 + (n) * 0x4000)
#define FUZZ_EVENTQ(n)  (FUZZ_RAM + 0x298000 + (n) * 0x4000)
#define FUZZ_CDTAB      (FUZZ_RAM + 0x2a0000)
#define FUZZ_PTAB       (FUZZ_RAM + 0x2b0000)
#define FUZZ_DMADESC    (FUZZ_RAM + 0x2c0000)
#define FUZZ_STRTAB_LOG2 12
#define FUZZ_CMDQ_LOG2   8
#define FUZZ_EVENTQ_LOG2 6

/**
 * struct FuzzRecord - one step of an input
 *
 * @op: the step; bits above FUZZ_OP_MASK are ignored
 * @a, @b, @c, @d, @e: operands, with a meaning for each @op
 */
typedef struct FuzzRecord {
    uint8_t op;
    uint8_t a;
    uint8_t b;
    uint8_t c;
    uint32_t d;
    uint64_t e;
} FuzzRecord;

/* The values are those in stored inputs: do not renumber */
typedef enum FuzzOpcode {
    FUZZ_OP_REG32 = 0,
    FUZZ_OP_REG64 = 1,
    FUZZ_OP_REG_READ = 2,
    FUZZ_OP_STE = 3,
    FUZZ_OP_STE_WORD = 4,
    FUZZ_OP_L1STD = 5,
    FUZZ_OP_CD = 6,
    FUZZ_OP_L1CD = 7,
    FUZZ_OP_PTE = 8,
    FUZZ_OP_CMD = 9,
    FUZZ_OP_FILL = 10,
    FUZZ_OP_RING = 11,
    FUZZ_OP_CONFIG = 12,
    FUZZ_OP_SLOT = 13,
    FUZZ_OP_MEM = 14,
    FUZZ_OP_FW_DMA = 15,
    FUZZ_OP_TESTDEV = 16,
    FUZZ_OP_EVENT = 17,
    FUZZ_OP_RULE = 18,
    FUZZ_OP_PLUG = 19,
    FUZZ_OP_UNPLUG = 20,
    FUZZ_OP_RESET = 21,
    FUZZ_OP_STOP = 22,
    FUZZ_OP_TURNS = 23,
    FUZZ_OP_CLOCK = 24,
    FUZZ_OP_RCU = 25,
    FUZZ_OP_QMP = 26,
    FUZZ_OP_HOST = 27,
    FUZZ_OP_SETUP = 28,
    FUZZ_OP_TRANSLATE = 29,
    FUZZ_OP_PAGE_FAULT = 30,
    FUZZ_OPS = 31,
    FUZZ_OP_MASK = 31,
} FuzzOpcode;

/**
 * struct FuzzGuest - state of the harness as the guest
 *
 * @client: the model of VFIO and iommufd
 * @pending: commands written to each queue and not yet announced
 * @command: the last command, for FUZZ_OP_FILL
 * @host_kept: the host has refused to destroy, detach or unmap something
 * @trace: print each step
 */
typedef struct FuzzGuest {
    VfClient *client;
    uint32_t pending[FUZZ_SMMUS];
    uint64_t command[2];
    bool host_kept;
    bool trace;
} FuzzGuest;

extern FuzzGuest fuzz_guest;

/* guest.c: accesses and tables of the guest */

void fuzz_write(uint64_t addr, unsigned int size, uint64_t value);
uint64_t fuzz_read(uint64_t addr, unsigned int size);
/* Bus and devfn of root port @port, from 1, and of the device behind it */
uint8_t fuzz_port_bus(unsigned int port);
uint8_t fuzz_port_devfn(unsigned int port);
uint8_t fuzz_device_bus(unsigned int port);
void fuzz_config_write(uint8_t bus, uint8_t devfn, uint16_t offset,
                       unsigned int size, uint32_t value);
uint32_t fuzz_config_read(uint8_t bus, uint8_t devfn, uint16_t offset,
                          unsigned int size);
/* Returns: offset of a capability, or 0 */
uint8_t fuzz_find_cap(uint8_t bus, uint8_t devfn, uint8_t id);
#define FUZZ_SLTCTL_EVENTS (PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_PDCE | \
                            PCI_EXP_SLTCTL_CCIE | PCI_EXP_SLTCTL_HPIE)
void fuzz_slot_control(unsigned int port, uint16_t value);
/* Number the buses, give the bridges windows and the devices BARs */
void fuzz_setup_pci(void);
/* Give SMMU @n tables and queues, and enable it */
void fuzz_setup_smmu(unsigned int n);
/* Put a command into the queue of SMMU @n; fuzz_ring() announces it */
void fuzz_command(unsigned int n, uint64_t word0, uint64_t word1);
void fuzz_ring(unsigned int n);
/* Have SMMU @n translate for @sid by the standard CD, and sync */
void fuzz_translate(unsigned int n, uint32_t sid);
/* The two words of the STE that fuzz_translate() writes */
void fuzz_standard_ste(uint64_t ste[2]);
/* Turns of the main loop, while there is something to do */
void fuzz_turns(unsigned int turns);

/* places.c */

#define FUZZ_PICK(table, n) ((table)[(n) % ARRAY_SIZE(table)])

typedef struct FuzzFunction {
    uint8_t bus;
    uint8_t devfn;
} FuzzFunction;

/* Returns: a function of some PCI device, there or not */
const FuzzFunction *fuzz_function(uint8_t what);
/* Returns: offset of a register: of the header, or @at in a capability */
uint16_t fuzz_config_register(const FuzzFunction *f, uint8_t what, uint8_t at);
/* Returns: an address in some place of the machine */
uint64_t fuzz_place(uint8_t kind, uint64_t at);
/* Returns: a StreamID: of a device or port, of one that is not there, any */
uint32_t fuzz_stream(uint8_t what);

/* ops.c */

/* Run one record */
void fuzz_run(const FuzzRecord *r);
/* Run pending RCU callbacks; they cannot run while the caller is a reader */
void fuzz_drain_rcu(void);
/* End all refusals of the host */
void fuzz_clear_rules(void);
/* device_add of host device @dev, from 1, to @port; Returns: success */
bool fuzz_plug(unsigned int dev, unsigned int port, unsigned int variant);

/* mutate.c */

/* Mutation works on records if set */
extern bool fuzz_mutate_records;
/* For FuzzTarget: the same for crossover */
size_t fuzz_crossover(const uint8_t *data1, size_t size1,
                      const uint8_t *data2, size_t size2,
                      uint8_t *out, size_t max, unsigned int seed);

/* libFuzzer calls the one, and offers the other */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
                               unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

#endif /* TESTS_QTEST_FUZZ_ACCEL_FUZZ_H */
