/*
 * QTest of the accelerated SMMUv3: the caches of the emulation
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The emulation goes on to translate the interrupts of bridges, and caches what
 * it has found: what goes to the host has to reach these caches, too.
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "vfio-fake/smmu.h"

/* A table of 39 bits of input, with one block of 2 MiB (5.4; VMSAv8-64) */
#define BRIDGE_SID      (1 << 3)
#define CD0             (25ull | 1ull << 30 | 1ull << 31 | \
                         (4ull | 1ull << 9 | 1ull << 13 | 1ull << 14) << 32)
#define PAGE_TABLE      (VG_RAM + 0x410000)
#define PTE_TABLE       3
#define PTE_BLOCK       0x441
#define IOVA            0x40000000ull
#define TARGET(n)       (VG_RAM + 0x800000 + (n) * 0x200000)
#define BRIDGE_BAR      0x10000000ull
#define MSI_DATA        0x600d

typedef struct CmdTest {
    const char *name;
    uint64_t word[2];
} CmdTest;

static const CmdTest emulated_tests[] = {
    { "nsnh-all", { VS_CMD_TLBI_NSNH_ALL } },
    { "nh-all", { VS_CMD_TLBI_NH_ALL } },
    { "nh-asid", { VS_CMD_TLBI_NH_ASID } },
    { "nh-va", { VS_CMD_TLBI_NH_VA, IOVA | VS_LEAF } },
    { "nh-vaa", { VS_CMD_TLBI_NH_VAA, IOVA | VS_LEAF } },
};

static void map_target(VfGuest *g, unsigned int n)
{
    qtest_writeq(g->qts, PAGE_TABLE + 0x1000, TARGET(n) | PTE_BLOCK);
}

static void bridge_msix(VfGuest *g)
{
    uint8_t cap = vg_find_cap(g, 0, BRIDGE_SID, PCI_CAP_ID_MSIX);
    uint32_t table = vg_config_readl(g, 0, BRIDGE_SID, cap + PCI_MSIX_TABLE);
    uint64_t entry = BRIDGE_BAR + (table & PCI_MSIX_TABLE_OFFSET);

    g_assert_cmpuint(table & PCI_MSIX_TABLE_BIR, ==, 0);
    vg_config_writel(g, 0, BRIDGE_SID, PCI_BASE_ADDRESS_0, BRIDGE_BAR);
    qtest_writeq(g->qts, entry + PCI_MSIX_ENTRY_LOWER_ADDR, IOVA);
    qtest_writel(g->qts, entry + PCI_MSIX_ENTRY_DATA, MSI_DATA);
    qtest_writel(g->qts, entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
    vg_config_writew(g, 0, BRIDGE_SID, cap + PCI_MSIX_FLAGS,
                     PCI_MSIX_FLAGS_ENABLE);
}

/* Returns: number of the target that an interrupt of the bridge arrives at */
static int bridge_interrupt(VfGuest *g)
{
    uint8_t cap = vg_find_cap(g, 0, BRIDGE_SID, PCI_CAP_ID_EXP);
    int found = -1;

    for (int n = 0; n < 2; n++) {
        qtest_writel(g->qts, TARGET(n), 0);
    }
    /* Off and on again, which completes a command */
    vg_config_writew(g, 0, BRIDGE_SID, cap + PCI_EXP_SLTCTL, 0);
    vg_config_writew(g, 0, BRIDGE_SID, cap + PCI_EXP_SLTSTA,
                     PCI_EXP_SLTSTA_CC);
    vg_config_writew(g, 0, BRIDGE_SID, cap + PCI_EXP_SLTCTL,
                     PCI_EXP_SLTCTL_HPIE | PCI_EXP_SLTCTL_CCIE);
    for (int n = 0; n < 2; n++) {
        if (qtest_readl(g->qts, TARGET(n)) == MSI_DATA) {
            g_assert_cmpint(found, ==, -1);
            found = n;
        }
    }
    return found;
}

static void test_emulated(const void *opaque)
{
    const CmdTest *t = opaque;
    VfGuest *g = vs_start_s1();

    qtest_writeq(g->qts, VS_CDTAB, CD0);
    qtest_writeq(g->qts, VS_CDTAB + 8, PAGE_TABLE);
    qtest_writeq(g->qts, PAGE_TABLE + 8, (PAGE_TABLE + 0x1000) | PTE_TABLE);
    map_target(g, 0);
    vs_write_ste(g, VS_LINEAR, BRIDGE_SID, VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    vs_cfgi_ste(g, BRIDGE_SID);
    bridge_msix(g);
    g_assert_cmpint(bridge_interrupt(g), ==, 0);

    /* The guest may not rely on a cache, but without one this tests nothing */
    map_target(g, 1);
    g_assert_cmpint(bridge_interrupt(g), ==, 0);
    vs_queue(g, t->word[0], t->word[1]);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    g_assert_cmpint(bridge_interrupt(g), ==, 1);
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(emulated_tests); i++) {
        vg_add_test("smmuv3-accel/emulated", emulated_tests[i].name,
                    &emulated_tests[i], test_emulated);
    }
    return g_test_run();
}
