/*
 * QTest of the accelerated SMMUv3: caches of the emulation
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The emulation translates the interrupts of bridges and caches translations.
 * An invalidation has to reach the host and these caches.
 */

#include "qemu/osdep.h"

#include "qemu/bitops.h"
#include "vfio-guest/smmu.h"

/* A table of 39 bits of input, with one block of 2 MiB (5.4; VMSAv8-64) */
#define CD0(ips)        (25ull | 1ull << 30 | 1ull << 31 | \
                         ((ips) | 1ull << 9 | 1ull << 13 | 1ull << 14) << 32)
#define IPS_44          4ull
#define PAGE_TABLE      (VG_RAM + 0x410000)
#define PTE_TABLE       3
#define PTE_BLOCK       0x441
#define IOVA            0x40000000ull
#define TARGET(n)       (VG_RAM + 0x800000 + (n) * 0x200000)

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

/* Returns: number of the target that an interrupt of the bridge arrives at */
static int bridge_interrupt(VfGuest *g)
{
    int found = -1;

    for (int n = 0; n < 2; n++) {
        qtest_writel(g->qts, TARGET(n), 0);
    }
    vs_bridge_signal(g, 1);
    for (int n = 0; n < 2; n++) {
        if (qtest_readl(g->qts, TARGET(n)) == VS_BRIDGE_DATA) {
            g_assert_cmpint(found, ==, -1);
            found = n;
        }
    }
    return found;
}

/* Translate interrupts of the bridge, to target 0 */
static void bridge_setup(VfGuest *g, uint64_t ips)
{
    qtest_writeq(g->qts, VS_CDTAB, CD0(ips));
    qtest_writeq(g->qts, VS_CDTAB + 8, PAGE_TABLE);
    qtest_writeq(g->qts, PAGE_TABLE + 8, (PAGE_TABLE + 0x1000) | PTE_TABLE);
    map_target(g, 0);
    vs_write_ste(g, VS_LINEAR, VS_BRIDGE_SID(1), VS_STE0_DEFAULT,
                 VS_STE1_DEFAULT);
    vs_cfgi_ste(g, VS_BRIDGE_SID(1));
    vs_bridge_open(g, 1, IOVA);
}

static void test_emulated(const void *opaque)
{
    const CmdTest *t = opaque;
    VfGuest *g = vs_start_s1();

    bridge_setup(g, IPS_44);
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

/* Each output size that the SMMU can be given, and each that a CD can have */
typedef struct SizeTest {
    const char *name;
    const char *oas;        /* property of the SMMU */
    uint32_t host_oas;      /* IDR5.OAS of the host (6.3.6) */
    uint64_t ips;           /* of the CD (5.4) */
} SizeTest;

static const SizeTest size_tests[] = {
    { .name = "oas-48", .oas = "48", .host_oas = 5, .ips = 5 },
    { .name = "oas-52", .oas = "52", .host_oas = 6, .ips = 6 },
    { .name = "auto-52", .oas = "auto", .host_oas = 6, .ips = 5 },
    { .name = "auto-newer", .oas = "auto", .host_oas = 7, .ips = 5 },
    { .name = "ips-6", .oas = "48", .host_oas = 5, .ips = 6 },
    { .name = "ips-7", .oas = "48", .host_oas = 5, .ips = 7 },
    { .name = "ips-7-oas-52", .oas = "52", .host_oas = 6, .ips = 7 },
};

static void test_size(const void *opaque)
{
    const SizeTest *t = opaque;
    VfClient *c = vf_client_new();
    VfDevice *device = vf_client_add_device(c);
    VfGuest *g;

    device->idr[5] = deposit32(VF_HOST_IDR5, 0, 3, t->host_oas);
    g = vg_start(c, VG_MACHINE VG_IOMMUFD
                 "-device arm-smmuv3,id=smmu,primary-bus=pcie.0,accel=on,oas=%s "
                 VG_PORT(1) "-device vfio-pci,iommufd=i0,fd=%d,id=d1,bus=rp1 ",
                 "", c->iommufd, t->oas, c->device_fd[0]);
    vg_ports(g, 1);
    vs_setup(g, VS_LINEAR);
    vs_enable(g, true);
    bridge_setup(g, t->ips);
    g_assert_cmpint(bridge_interrupt(g), ==, 0);
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(emulated_tests); i++) {
        vg_add_test("smmuv3-accel/emulated", emulated_tests[i].name,
                    &emulated_tests[i], test_emulated);
    }
    for (int i = 0; i < ARRAY_SIZE(size_tests); i++) {
        vg_add_test("smmuv3-accel/emulated", size_tests[i].name,
                    &size_tests[i], test_size);
    }
    return g_test_run();
}
