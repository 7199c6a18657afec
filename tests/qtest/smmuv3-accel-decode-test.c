/*
 * QTest of the accelerated SMMUv3: host and emulation read the same STE
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The host translates the DMA of a passed-through device, and the emulation
 * translates its message interrupts. Both have to decode the STE in the same
 * way, or a device could do DMA while its interrupts are lost. The test watches
 * the interrupts of a root port. Each row has an STE and its meaning by the
 * architecture (Arm IHI0070, 5.2).
 */

#include "qemu/osdep.h"

#include "qemu/bitops.h"
#include "vfio-guest/smmu.h"

#define SID         VS_SID(1)
#define BRIDGE_SID  VS_BRIDGE_SID(1)

/* IDR0.CD2L, of the host */
#define IDR0_CD2L   (1u << 19)

/* A table of 39 bits of input, with one block of 2 MiB (5.4; VMSAv8-64) */
#define CD0         (25ull | 1ull << 30 | 1ull << 31 | \
                     (4ull | 1ull << 9 | 1ull << 13 | 1ull << 14) << 32)
#define PAGE_TABLE  (VG_RAM + 0x450000)
#define PTE_TABLE   3
#define PTE_BLOCK   0x441
/* The level 1 descriptor of a CD table of two levels (5.3) */
#define L1CD_TABLE  (VG_RAM + 0x460000)
#define L1CD_V      1
/* Target of the messages, before and after translation */
#define IOVA        VG_RAM
#define TARGET      (VG_RAM + 0x800000)

#define CONFIG(n)   (VS_STE0_V | (uint64_t)(n) << 1)
#define S1          VS_STE0_DEFAULT
#define L1          (VS_STE0_V | VS_STE0_S1 | L1CD_TABLE)
#define CDMAX(n)    VS_STE0_S1CDMAX(n)
#define FMT(n)      VS_STE0_S1FMT(n)
#define DSS(n)      VS_STE1_S1DSS(n)
#define STALLD      VS_STE1_S1STALLD
#define EATS(n)     ((uint64_t)(n) << 28)
#define STRW(n)     ((uint64_t)(n) << 30)

typedef enum Outcome {
    ABORTED,        /* without event */
    INVALID,        /* with the event C_BAD_STE */
    BAD,            /* the same, and the guest is told when it has it read */
    PASSED,
    TRANSLATED,
    NO_CD,          /* translated, and there is no CD: F_CD_FETCH */
} Outcome;

typedef struct Row {
    const char *name;
    uint64_t word[2];
    Outcome outcome;
    Outcome with_ats;       /* IDR0.ATS is 1; 0 if that makes no difference */
    Outcome without_cd2l;   /* IDR0.CD2L is 0, the same */
} Row;

static const Row rows[] = {
    { .name = "v-0", .word = { 0, 0 }, .outcome = INVALID },
    { .name = "v-0-s1", .word = { S1 & ~VS_STE0_V }, .outcome = INVALID },
    { .name = "v-0-bypass", .word = { VS_STE0_BYPASS }, .outcome = INVALID },
    { .name = "v-0-s2", .word = { VS_STE0_S2 }, .outcome = INVALID },
    { .name = "config-0", .word = { CONFIG(0) }, .outcome = ABORTED },
    { .name = "config-1", .word = { CONFIG(1) | VS_CDTAB },
      .outcome = ABORTED },
    { .name = "config-2", .word = { CONFIG(2) }, .outcome = ABORTED },
    { .name = "config-3", .word = { CONFIG(3) | VS_CDTAB },
      .outcome = ABORTED },
    { .name = "config-4", .word = { CONFIG(4) }, .outcome = PASSED },
    { .name = "config-5", .word = { CONFIG(5) | VS_CDTAB },
      .outcome = TRANSLATED },
    { .name = "config-6", .word = { CONFIG(6) }, .outcome = BAD },
    { .name = "config-7", .word = { CONFIG(7) | VS_CDTAB }, .outcome = BAD },
    /* Fields of stage 1 without it */
    { .name = "abort-fields", .word = { CONFIG(0) | FMT(3) | CDMAX(31),
      DSS(3) | STALLD | EATS(3) }, .outcome = ABORTED },
    { .name = "bypass-fields", .word = { CONFIG(4) | FMT(3) | CDMAX(31),
      DSS(3) | STALLD | EATS(3) }, .outcome = PASSED },
    { .name = "bypass-stalld", .word = { CONFIG(4), STALLD },
      .outcome = PASSED },
    /* IDR0.STALL_MODEL says that nothing stalls */
    { .name = "stalld", .word = { S1, STALLD }, .outcome = BAD },
    { .name = "stalld-cds", .word = { S1 | CDMAX(5), DSS(2) | STALLD },
      .outcome = BAD },
    /* With one CD neither S1Fmt nor S1DSS means anything */
    { .name = "one-cd-fmt-1", .word = { S1 | FMT(1) }, .outcome = TRANSLATED },
    { .name = "one-cd-fmt-2", .word = { S1 | FMT(2) }, .outcome = TRANSLATED },
    { .name = "one-cd-fmt-3", .word = { S1 | FMT(3) }, .outcome = TRANSLATED },
    { .name = "one-cd-dss-1", .word = { S1, DSS(1) }, .outcome = TRANSLATED },
    { .name = "one-cd-dss-2", .word = { S1, DSS(2) }, .outcome = TRANSLATED },
    { .name = "one-cd-dss-3", .word = { S1, DSS(3) }, .outcome = TRANSLATED },
    { .name = "cds-fmt-0", .word = { S1 | CDMAX(5), DSS(2) },
      .outcome = TRANSLATED },
    { .name = "cds-fmt-1", .word = { L1 | CDMAX(5) | FMT(1), DSS(2) },
      .outcome = TRANSLATED, .without_cd2l = BAD },
    { .name = "cds-fmt-2", .word = { L1 | CDMAX(5) | FMT(2), DSS(2) },
      .outcome = TRANSLATED, .without_cd2l = BAD },
    { .name = "cds-fmt-3", .word = { L1 | CDMAX(5) | FMT(3), DSS(2) },
      .outcome = BAD },
    { .name = "cds-dss-3", .word = { S1 | CDMAX(5), DSS(3) }, .outcome = BAD },
    { .name = "cds-1", .word = { S1 | CDMAX(1), DSS(2) },
      .outcome = TRANSLATED },
    { .name = "cds-16", .word = { S1 | CDMAX(16), DSS(2) },
      .outcome = TRANSLATED },
    { .name = "cds-17", .word = { S1 | CDMAX(17), DSS(2) }, .outcome = BAD },
    { .name = "cds-31", .word = { S1 | CDMAX(31), DSS(2) }, .outcome = BAD },
    /* Without IDR0.ATS the field is reserved, and there is no stage 2 */
    { .name = "eats-1", .word = { S1, EATS(1) }, .outcome = TRANSLATED },
    { .name = "eats-2", .word = { S1, EATS(2) }, .outcome = TRANSLATED,
      .with_ats = BAD },
    { .name = "eats-3", .word = { S1, EATS(3) }, .outcome = TRANSLATED,
      .with_ats = BAD },
    { .name = "bypass-eats", .word = { CONFIG(4), EATS(2) },
      .outcome = PASSED },
    /* IDR0.HYP is 0: one StreamWorld */
    { .name = "strw-1", .word = { S1, STRW(1) }, .outcome = TRANSLATED },
    { .name = "strw-2", .word = { S1, STRW(2) }, .outcome = TRANSLATED },
    { .name = "strw-3", .word = { S1, STRW(3) }, .outcome = TRANSLATED },
    { .name = "attributes", .word = { S1, VS_STE1_DEFAULT },
      .outcome = TRANSLATED },
    /* S1ContextPtr has 52 bits, and nothing is up there */
    { .name = "ctxptr-47", .word = { S1 | 1ull << 47 }, .outcome = NO_CD },
    { .name = "ctxptr-48", .word = { S1 | 1ull << 48 }, .outcome = NO_CD },
    { .name = "ctxptr-51", .word = { S1 | 1ull << 51 }, .outcome = NO_CD },
};

typedef struct Host {
    const char *name;
    const char *ats;
    bool cd2l;
} Host;

static const Host hosts[] = {
    { .name = "plain", .ats = "off", .cd2l = true },
    { .name = "ats", .ats = "on", .cd2l = true },
    { .name = "no-cd2l", .ats = "off", .cd2l = false },
};

static Outcome expected(const Host *host, const Row *row)
{
    if (row->with_ats && strcmp(host->ats, "on") == 0) {
        return row->with_ats;
    }
    if (row->without_cd2l && !host->cd2l) {
        return row->without_cd2l;
    }
    return row->outcome;
}

static VfGuest *start(const Host *host)
{
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);
    VfGuest *g;

    if (!host->cd2l) {
        d->idr[0] &= ~IDR0_CD2L;
    }
    g = vg_start(c, VG_MACHINE VG_IOMMUFD "-device arm-smmuv3,id=smmu,"
                 "primary-bus=pcie.0,accel=on,ssidsize=16,ats=%s " VG_PORT(1)
                 "-device vfio-pci,iommufd=i0,fd=%d,id=d1,bus=rp1 ", "",
                 c->iommufd, host->ats, c->device_fd[0]);
    vg_ports(g, 1);
    vs_setup(g, VS_LINEAR);
    qtest_writeq(g->qts, VS_CDTAB, CD0);
    qtest_writeq(g->qts, VS_CDTAB + 8, PAGE_TABLE);
    qtest_writeq(g->qts, L1CD_TABLE, VS_CDTAB | L1CD_V);
    qtest_writeq(g->qts, PAGE_TABLE + 8, (PAGE_TABLE + 0x1000) | PTE_TABLE);
    qtest_writeq(g->qts, PAGE_TABLE + 0x1000, TARGET | PTE_BLOCK);
    vs_bridge_open(g, 1, IOVA);
    vs_enable(g, true);
    return g;
}

static void write_stes(VfGuest *g, uint64_t word0, uint64_t word1)
{
    vs_write_ste(g, VS_LINEAR, SID, word0, word1);
    vs_write_ste(g, VS_LINEAR, BRIDGE_SID, word0, word1);
    vs_cfgi_ste(g, SID);
    vs_cfgi_ste(g, BRIDGE_SID);
}

/* Check the access that the host gives, and the event for the guest */
static void check_device(VfGuest *g, const Row *row, Outcome outcome)
{
    static const VfAccess access[] = {
        [ABORTED] = VF_ACCESS_ABORT,
        [INVALID] = VF_ACCESS_ABORT,
        [BAD] = VF_ACCESS_ABORT,
        [PASSED] = VF_ACCESS_BYPASS,
        [TRANSLATED] = VF_ACCESS_S1,
        [NO_CD] = VF_ACCESS_S1,
    };
    uint64_t ste[2] = { 0 };

    g_assert_cmpint(vf_client_access(g->c, 0, ste), ==, access[outcome]);
    vs_assert_event(g, SID, outcome == BAD ? VS_EVT_C_BAD_STE : 0);
    /* The host looks for the CD where the emulation does */
    if (outcome == NO_CD) {
        g_assert_cmphex(ste[0], ==, row->word[0]);
    }
}

static void check_message(VfGuest *g, const Row *row, Outcome outcome)
{
    const uint64_t ctxptr = row->word[0] & MAKE_64BIT_MASK(6, 46);
    uint64_t evt[4];

    qtest_writel(g->qts, IOVA, 0);
    qtest_writel(g->qts, TARGET, 0);
    vs_bridge_signal(g, 1);
    g_assert_cmphex(qtest_readl(g->qts, IOVA), ==,
                    outcome == PASSED ? VS_BRIDGE_DATA : 0);
    g_assert_cmphex(qtest_readl(g->qts, TARGET), ==,
                    outcome == TRANSLATED ? VS_BRIDGE_DATA : 0);
    switch (outcome) {
    case INVALID:
    case BAD:
        vs_assert_event(g, BRIDGE_SID, VS_EVT_C_BAD_STE);
        break;
    case NO_CD:
        g_assert_true(vs_next_event(g, evt));
        g_assert_cmphex(evt[0] & 0xff, ==, VS_EVT_F_CD_FETCH);
        g_assert_cmphex(evt[0] >> 32, ==, BRIDGE_SID);
        g_assert_cmphex(evt[2], ==, ctxptr);
        g_assert_false(vs_next_event(g, evt));
        break;
    default:
        vs_assert_event(g, BRIDGE_SID, 0);
        break;
    }
}

static void test_host(const void *opaque)
{
    const Host *host = opaque;
    VfGuest *g = start(host);

    for (int i = 0; i < ARRAY_SIZE(rows); i++) {
        Outcome outcome = expected(host, &rows[i]);

        g_test_message("%s: %d", rows[i].name, outcome);
        write_stes(g, rows[i].word[0], rows[i].word[1]);
        check_device(g, &rows[i], outcome);
        check_message(g, &rows[i], outcome);
        /* A message may be told of every time, an STE only once */
        write_stes(g, CONFIG(0), 0);
    }
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(hosts); i++) {
        vg_add_test("smmuv3-accel-decode", hosts[i].name, &hosts[i],
                    test_host);
    }
    return g_test_run();
}
