/*
 * Fuzzing of guest accesses to an accelerated SMMUv3: addresses
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "hw/pci/pci_regs.h"
#include "accel-fuzz.h"

typedef struct Place {
    uint64_t base;
    uint64_t size;
} Place;

/* Do not reorder: stored inputs have the numbers; append */
static const Place places[] = {
    { FUZZ_TABLES, FUZZ_TABLES_SIZE },
    { FUZZ_STRTAB(0), 0x40000 },
    { FUZZ_STRTAB(1), 0x40000 },
    { FUZZ_L2TAB, 0x10000 },
    { FUZZ_CMDQ(0), 0x1000 },
    { FUZZ_CMDQ(1), 0x1000 },
    { FUZZ_EVENTQ(0), 0x1000 },
    { FUZZ_EVENTQ(1), 0x1000 },
    { FUZZ_CDTAB, 0x1000 },
    { FUZZ_PTAB, 0x1000 },
    { FUZZ_DMADESC, 0x100 },
    { 0, 128 * MiB },                   /* flash */
    { 0, 0x1000 },
    { 0x08000000, 0x10000 },            /* GIC: distributor, CPU, v2m */
    { 0x08010000, 0x1000 },
    { 0x08020000, 0x1000 },
    { 0x09000000, 0x1000 },             /* UART, clock */
    { 0x09010000, 0x1000 },
    { FUZZ_FW_CFG, 0x18 },
    { FUZZ_FW_CFG, 1 },
    { FUZZ_SMMU(0), 0x100 },
    { FUZZ_SMMU(0), 0x20000 },
    { FUZZ_SMMU(1), 0x100 },
    { FUZZ_SMMU(1), 0x20000 },
    { FUZZ_ECAM, 16 * MiB },
    { FUZZ_PCI_MMIO, 16 * MiB },
    { FUZZ_PCI_MMIO + FUZZ_TESTDEV_PORT * MiB, 0x200 },
    { 0x3eff0000, 0x10000 },            /* PCI I/O ports */
    { FUZZ_RAM + FUZZ_RAM_MIB * MiB - 64, 128 },
    { FUZZ_RAM + 16 * MiB, 16 * MiB },
    { 0x0a000000, 0x4000 },             /* virtio-mmio */
    { 1ull << 40, 1 * MiB },
};

enum { PLACE_CONFIG = 0x80 };   /* a register of some function */

static const FuzzFunction functions[] = {
    { 0, 1 << 3 }, { 1, 0 }, { 0, 2 << 3 }, { 2, 0 }, { 0, 3 << 3 }, { 3, 0 },
    { 8, 0 }, { 9, 0 }, { 0, 0 }, { 0, 8 << 3 }, { 0, 5 << 3 }, { 1, 1 },
};

static const uint16_t header_regs[] = {
    PCI_COMMAND, PCI_STATUS, PCI_PRIMARY_BUS, PCI_SECONDARY_BUS,
    PCI_SUBORDINATE_BUS, PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_1,
    PCI_BASE_ADDRESS_2, PCI_BASE_ADDRESS_3, PCI_BASE_ADDRESS_4,
    PCI_BASE_ADDRESS_5, PCI_MEMORY_BASE, PCI_PREF_MEMORY_BASE, PCI_IO_BASE,
    PCI_ROM_ADDRESS, PCI_ROM_ADDRESS1, PCI_BRIDGE_CONTROL, PCI_INTERRUPT_LINE,
};

static const uint8_t cap_ids[] = {
    PCI_CAP_ID_EXP, PCI_CAP_ID_MSI, PCI_CAP_ID_MSIX, PCI_CAP_ID_PM,
    PCI_CAP_ID_AF, PCI_CAP_ID_SSVID,
};

/* Where extended capabilities are found on these devices, by looking */
static const uint16_t ext_regs[] = {
    0x100, 0x110, 0x114, 0x118, 0x11c, 0x148, 0x14c, 0x150, 0xff8, 0xffc,
};

uint16_t fuzz_config_register(const FuzzFunction *f, uint8_t what, uint8_t at)
{
    uint8_t cap;

    switch (what & 3) {
    case 0:
        return FUZZ_PICK(header_regs, what >> 2);
    case 1:
        return FUZZ_PICK(ext_regs, what >> 2);
    default:
        cap = fuzz_find_cap(f->bus, f->devfn, FUZZ_PICK(cap_ids, what >> 2));
        return cap + (at & 0x3f);
    }
}

const FuzzFunction *fuzz_function(uint8_t what)
{
    return &FUZZ_PICK(functions, what);
}

uint64_t fuzz_place(uint8_t kind, uint64_t at)
{
    const FuzzFunction *f = &FUZZ_PICK(functions, kind);
    const Place *p = &FUZZ_PICK(places, kind);

    if (kind & PLACE_CONFIG) {
        return FUZZ_ECAM | f->bus << 20 | f->devfn << 12 |
               fuzz_config_register(f, at, at >> 8);
    }
    return p->base + at % p->size;
}

/* StreamIDs: those of the devices and ports, a neighbour, any */
uint32_t fuzz_stream(uint8_t what)
{
    const FuzzFunction *f = &FUZZ_PICK(functions, what);

    if (what >= 0xf0) {
        return (uint32_t)what << 28 | what;
    }
    return f->bus << 8 | f->devfn;
}
