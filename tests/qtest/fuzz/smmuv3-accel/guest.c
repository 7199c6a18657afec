/*
 * Fuzzing of guest accesses to an accelerated SMMUv3: the guest
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/main-loop.h"
#include "qemu/units.h"
#include "hw/pci/pci_regs.h"
#include "system/address-spaces.h"
#include "system/memory.h"
#include "tests/qtest/vfio-guest/smmu.h"
#include "accel-fuzz.h"

/* Root port 4 is on the second root complex */
#define PXB_BUS         8

/* BAR 0 of root port @port, which has its table of messages */
#define PORT_BAR(port)  (FUZZ_PCI_MMIO + (8 + (port)) * MiB)

/* Message frame of the GIC, and the first interrupt that it raises */
#define MSI_DOORBELL    0x08020040
#define MSI_FIRST_SPI   80

#define SLTSTA_EVENTS   (PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PFD | \
                         PCI_EXP_SLTSTA_MRLSC | PCI_EXP_SLTSTA_PDC | \
                         PCI_EXP_SLTSTA_CC)

/* CPU time that one access may cost, with sanitizers */
#define ACCESS_SECONDS  1

/* Context descriptor: 39 bits of input, granule of 4 KiB, no TTB1 (5.4) */
#define CD0_STANDARD    (25ull | 1ull << 30 | 1ull << 31 | 5ull << 32 | \
                         1ull << 41 | 1ull << 45 | 1ull << 46)
/* Block of 1 GiB at level 1, accessed, for reads and writes */
#define PTE_BLOCK       0x441ull

uint8_t fuzz_port_bus(unsigned int port)
{
    return port == FUZZ_TESTDEV_PORT ? PXB_BUS : 0;
}

uint8_t fuzz_port_devfn(unsigned int port)
{
    return port == FUZZ_TESTDEV_PORT ? 0 : port << 3;
}

uint8_t fuzz_device_bus(unsigned int port)
{
    return port == FUZZ_TESTDEV_PORT ? PXB_BUS + 1 : port;
}

/*
 * The timer counts CPU time: how busy the machine is must not matter. It ends
 * the program where the time is spent.
 */
static void limit_time(time_t seconds)
{
    struct itimerval limit = { .it_value.tv_sec = seconds };

    setitimer(ITIMER_PROF, &limit, NULL);
}

void fuzz_write(uint64_t addr, unsigned int size, uint64_t value)
{
    uint8_t buf[8];

    if (fuzz_guest.trace) {
        fprintf(stderr, "    write%u 0x%" PRIx64 " = 0x%" PRIx64 "\n",
                8 * size, addr, value);
    }
    stq_le_p(buf, value);
    limit_time(ACCESS_SECONDS);
    address_space_write(&address_space_memory, addr, MEMTXATTRS_UNSPECIFIED,
                        buf, size);
    limit_time(0);
}

uint64_t fuzz_read(uint64_t addr, unsigned int size)
{
    uint8_t buf[8] = { 0 };

    limit_time(ACCESS_SECONDS);
    address_space_read(&address_space_memory, addr, MEMTXATTRS_UNSPECIFIED,
                       buf, size);
    limit_time(0);
    if (fuzz_guest.trace) {
        fprintf(stderr, "    read%u 0x%" PRIx64 " = 0x%" PRIx64 "\n", 8 * size,
                addr, ldq_le_p(buf));
    }
    return ldq_le_p(buf);
}

static uint64_t config_address(uint8_t bus, uint8_t devfn, uint16_t offset)
{
    return FUZZ_ECAM | (bus & 0xf) << 20 | devfn << 12 | (offset & 0xfff);
}

void fuzz_config_write(uint8_t bus, uint8_t devfn, uint16_t offset,
                       unsigned int size, uint32_t value)
{
    fuzz_write(config_address(bus, devfn, offset), size, value);
}

uint32_t fuzz_config_read(uint8_t bus, uint8_t devfn, uint16_t offset,
                          unsigned int size)
{
    return fuzz_read(config_address(bus, devfn, offset), size);
}

uint8_t fuzz_find_cap(uint8_t bus, uint8_t devfn, uint8_t id)
{
    static uint8_t known[16][256][PCI_CAP_ID_MAX + 1];
    uint8_t *found = &known[bus & 0xf][devfn][id % (PCI_CAP_ID_MAX + 1)];
    uint8_t pos;

    /* The same device is always the same */
    if (*found) {
        return *found;
    }
    pos = fuzz_config_read(bus, devfn, PCI_CAPABILITY_LIST, 1);

    for (int left = 48; pos && left; left--) {
        uint16_t header = fuzz_config_read(bus, devfn, pos, 2);

        if ((header & 0xff) == id) {
            *found = pos;
            return pos;
        }
        pos = header >> 8;
    }
    return 0;
}

void fuzz_slot_control(unsigned int port, uint16_t value)
{
    uint8_t bus = fuzz_port_bus(port), devfn = fuzz_port_devfn(port);
    uint8_t cap = fuzz_find_cap(bus, devfn, PCI_CAP_ID_EXP);

    uint16_t status = fuzz_config_read(bus, devfn, cap + PCI_EXP_SLTSTA, 2);

    /* Ones clear; a port sends the next message when nothing is set */
    if (status & SLTSTA_EVENTS) {
        fuzz_config_write(bus, devfn, cap + PCI_EXP_SLTSTA, 2,
                          status & SLTSTA_EVENTS);
    }
    fuzz_config_write(bus, devfn, cap + PCI_EXP_SLTCTL, 2, value);
}

/* Returns: offset of an extended capability, or 0 */
static uint16_t find_ext_cap(uint8_t bus, uint8_t devfn, uint16_t id)
{
    uint16_t pos = PCI_CFG_SPACE_SIZE;

    for (int left = 32; pos && left; left--) {
        uint32_t header = fuzz_config_read(bus, devfn, pos, 4);

        if (header != UINT32_MAX && PCI_EXT_CAP_ID(header) == id) {
            return pos;
        }
        pos = PCI_EXT_CAP_NEXT(header);
    }
    return 0;
}

/* As a driver with shared virtual addressing does it */
static void setup_pasid(uint8_t bus)
{
    uint16_t pasid = find_ext_cap(bus, 0, PCI_EXT_CAP_ID_PASID);
    uint16_t ats = find_ext_cap(bus, 0, PCI_EXT_CAP_ID_ATS);

    if (pasid) {
        fuzz_config_write(bus, 0, pasid + PCI_PASID_CTRL, 2,
                          PCI_PASID_CTRL_ENABLE);
    }
    if (ats) {
        fuzz_config_write(bus, 0, ats + PCI_ATS_CTRL, 2, PCI_ATS_CTRL_ENABLE);
    }
}

/* As pciehp does it: a port tells of its slot by a message, to the v2m frame */
static void setup_port_interrupt(unsigned int port)
{
    uint8_t bus = fuzz_port_bus(port), devfn = fuzz_port_devfn(port);
    uint8_t cap = fuzz_find_cap(bus, devfn, PCI_CAP_ID_MSIX);
    uint64_t table = PORT_BAR(port);

    fuzz_config_write(bus, devfn, cap + PCI_MSIX_FLAGS, 2,
                      PCI_MSIX_FLAGS_ENABLE);
    fuzz_write(table + PCI_MSIX_ENTRY_LOWER_ADDR, 4, MSI_DOORBELL);
    fuzz_write(table + PCI_MSIX_ENTRY_UPPER_ADDR, 4, 0);
    fuzz_write(table + PCI_MSIX_ENTRY_DATA, 4, MSI_FIRST_SPI + port);
    fuzz_write(table + PCI_MSIX_ENTRY_VECTOR_CTRL, 4, 0);
    fuzz_slot_control(port, FUZZ_SLTCTL_EVENTS | PCI_EXP_SLTCTL_PWR_IND_ON |
                            PCI_EXP_SLTCTL_PWR_ON);
}

void fuzz_setup_pci(void)
{
    memory_region_transaction_begin();
    for (unsigned int port = 1; port <= FUZZ_PORTS; port++) {
        uint8_t bus = fuzz_port_bus(port), devfn = fuzz_port_devfn(port);
        uint8_t below = fuzz_device_bus(port);
        uint64_t window = FUZZ_PCI_MMIO + port * MiB;

        fuzz_config_write(bus, devfn, PCI_PRIMARY_BUS, 4,
                          bus | below << 8 | below << 16);
        fuzz_config_write(bus, devfn, PCI_MEMORY_BASE, 4,
                          window >> 16 | (window & ~0xffffull));
        fuzz_config_write(bus, devfn, PCI_BASE_ADDRESS_0, 4, PORT_BAR(port));
        fuzz_config_write(bus, devfn, PCI_COMMAND, 2,
                          PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
        fuzz_config_write(below, 0, PCI_BASE_ADDRESS_0, 4, window);
        fuzz_config_write(below, 0, PCI_BASE_ADDRESS_1, 4, 0);
        fuzz_config_write(below, 0, PCI_COMMAND, 2,
                          PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
        setup_pasid(below);
    }
    /* The tables of messages can be reached when the memory map is made anew */
    memory_region_transaction_commit();
    for (unsigned int port = 1; port <= FUZZ_PORTS; port++) {
        setup_port_interrupt(port);
    }
}

void fuzz_setup_smmu(unsigned int n)
{
    uint64_t base = FUZZ_SMMU(n);

    /* Addresses are translated to themselves */
    for (uint64_t gib = 0; gib < 4; gib++) {
        fuzz_write(FUZZ_PTAB + gib * 8, 8, gib << 30 | PTE_BLOCK);
    }
    fuzz_write(FUZZ_CDTAB, 8, CD0_STANDARD);
    fuzz_write(FUZZ_CDTAB + 8, 8, FUZZ_PTAB);

    fuzz_write(base + VS_STRTAB_BASE, 8, FUZZ_STRTAB(n));
    fuzz_write(base + VS_STRTAB_BASE_CFG, 4, FUZZ_STRTAB_LOG2);
    fuzz_write(base + VS_CMDQ_BASE, 8, FUZZ_CMDQ(n) | FUZZ_CMDQ_LOG2);
    fuzz_write(base + VS_CMDQ_PROD, 4, 0);
    fuzz_write(base + VS_CMDQ_CONS, 4, 0);
    fuzz_write(base + VS_EVENTQ_BASE, 8, FUZZ_EVENTQ(n) | FUZZ_EVENTQ_LOG2);
    fuzz_write(base + VS_EVENTQ_PROD, 4, 0);
    fuzz_write(base + VS_EVENTQ_CONS, 4, 0);
    fuzz_write(base + VS_IRQ_CTRL, 4,
               VS_IRQ_CTRL_GERROR | VS_IRQ_CTRL_EVENTQ);
    fuzz_write(base + VS_CR2, 4, VS_CR2_RECINVSID);
    fuzz_write(base + VS_CR0, 4, VS_CR0_SMMUEN | VS_CR0_EVENTQEN |
                                 VS_CR0_CMDQEN);
    fuzz_guest.pending[n] = 0;
}

static uint32_t queue_mask(uint64_t queue_base)
{
    return (2ull << (queue_base & 0x1f)) - 1;
}

/* As a driver would do it that has nothing but the registers */
void fuzz_command(unsigned int n, uint64_t word0, uint64_t word1)
{
    uint64_t queue = fuzz_read(FUZZ_SMMU(n) + VS_CMDQ_BASE, 8);
    uint32_t prod = fuzz_read(FUZZ_SMMU(n) + VS_CMDQ_PROD, 4);
    uint32_t index = (prod + fuzz_guest.pending[n]) & (queue_mask(queue) >> 1);
    uint64_t addr = (queue & MAKE_64BIT_MASK(5, 47)) + index * 16ull;

    fuzz_write(addr, 8, word0);
    fuzz_write(addr + 8, 8, word1);
    fuzz_guest.pending[n]++;
}

void fuzz_ring(unsigned int n)
{
    uint64_t queue = fuzz_read(FUZZ_SMMU(n) + VS_CMDQ_BASE, 8);
    uint32_t prod = fuzz_read(FUZZ_SMMU(n) + VS_CMDQ_PROD, 4);

    fuzz_write(FUZZ_SMMU(n) + VS_CMDQ_PROD, 4,
               (prod + fuzz_guest.pending[n]) & queue_mask(queue));
    fuzz_guest.pending[n] = 0;
}

void fuzz_standard_ste(uint64_t ste[2])
{
    ste[0] = VS_STE0_V | VS_STE0_S1 | FUZZ_CDTAB;
    ste[1] = VS_STE1_DEFAULT;
}

void fuzz_translate(unsigned int n, uint32_t sid)
{
    uint64_t addr = FUZZ_STRTAB(n) + (uint64_t)sid * VS_STE_SIZE;
    uint64_t ste[2];

    fuzz_standard_ste(ste);
    fuzz_write(addr, 8, ste[0]);
    fuzz_write(addr + 8, 8, ste[1]);
    fuzz_command(n, VS_CMD_CFGI_STE | (uint64_t)sid << 32, 1);
    fuzz_command(n, VS_CMD_SYNC, 0);
    fuzz_ring(n);
}

void fuzz_turns(unsigned int turns)
{
    limit_time(2 * ACCESS_SECONDS);
    while (turns--) {
        main_loop_wait(true);
    }
    limit_time(0);
}
