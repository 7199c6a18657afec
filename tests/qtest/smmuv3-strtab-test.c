/*
 * QTest of the emulated Arm SMMUv3: formats of the stream table
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The same memory is used as a linear stream table and as a level 1 table,
 * which leads to different STEs: the outcome of a read by a pasid-testdev
 * tells which one was used. Sections are those of Arm IHI0070.
 */

#include "qemu/osdep.h"
#include "pasid-testdev.h"
#include "smmuv3-emulated.h"

#define LOG2SIZE            8
#define FMT(n)              VS_STRTAB_FMT(n)
#define SPLIT(n)            VS_STRTAB_SPLIT(n)
#define STE0(config)        (VS_STE0_V | VS_STE0_CONFIG(config))

/* Guest memory; S2_TABLES holds one block that maps RAM to itself */
#define STRTAB              (PTD_RAM + 0x100000)
#define L2TAB               (PTD_RAM + 0x200000)
#define CMDQ                (PTD_RAM + 0x280000)
#define CMDQ_LOG2           4
#define EVENTQ              (PTD_RAM + 0x300000)
#define EVENTQ_LOG2         4
#define S2_TABLES           (PTD_RAM + 0x400000)
#define TARGET              (PTD_RAM + 0x500000)
#define MARK                0x600d600d

/* Outcome of the device's read */
typedef enum Outcome {
    PASSED,
    ABORTED,
    BAD_STREAMID,
    BAD_STE,
    FETCH,
} Outcome;

typedef struct FormatTest {
    const char *name;
    uint32_t cfg[2];        /* values that are written in this order */
    uint32_t span;          /* of the level 1 descriptor (5.1) */
    Outcome outcome;
} FormatTest;

/* The linear entry is a bypass, the one of the second level an abort */
static const FormatTest format_tests[] = {
    { .name = "linear", .cfg = { FMT(0), FMT(0) }, .span = 9,
      .outcome = PASSED },
    { .name = "two-level", .cfg = { FMT(1) | SPLIT(8), FMT(1) | SPLIT(8) },
      .span = 9, .outcome = ABORTED },
    { .name = "two-level-then-linear", .cfg = { FMT(1) | SPLIT(8), FMT(0) },
      .span = 9, .outcome = PASSED },
    { .name = "linear-then-two-level", .cfg = { FMT(0), FMT(1) | SPLIT(8) },
      .span = 9, .outcome = ABORTED },
    { .name = "reserved-2", .cfg = { FMT(0), FMT(2) | SPLIT(8) }, .span = 9,
      .outcome = PASSED },
    { .name = "reserved-3", .cfg = { FMT(0), FMT(3) | SPLIT(8) }, .span = 9,
      .outcome = PASSED },
    { .name = "two-level-then-reserved",
      .cfg = { FMT(1) | SPLIT(8), FMT(2) | SPLIT(8) }, .span = 9,
      .outcome = PASSED },
    /* Any other split is one of 6 */
    { .name = "split-6", .cfg = { 0, FMT(1) | SPLIT(6) }, .span = 7,
      .outcome = ABORTED },
    { .name = "split-10", .cfg = { 0, FMT(1) | SPLIT(10) }, .span = 11,
      .outcome = ABORTED },
    { .name = "split-0", .cfg = { 0, FMT(1) | SPLIT(0) }, .span = 7,
      .outcome = ABORTED },
    { .name = "split-2", .cfg = { 0, FMT(1) | SPLIT(2) }, .span = 7,
      .outcome = ABORTED },
    { .name = "split-31", .cfg = { 0, FMT(1) | SPLIT(31) }, .span = 7,
      .outcome = ABORTED },
    /* The second level has 2^(Span - 1) entries, the StreamID is 8 */
    { .name = "span-0", .cfg = { 0, FMT(1) | SPLIT(8) },
      .outcome = BAD_STREAMID },
    { .name = "span-4", .cfg = { 0, FMT(1) | SPLIT(8) }, .span = 4,
      .outcome = BAD_STREAMID },
    { .name = "span-5", .cfg = { 0, FMT(1) | SPLIT(8) }, .span = 5,
      .outcome = ABORTED },
    { .name = "span-11", .cfg = { 0, FMT(1) | SPLIT(10) }, .span = 11,
      .outcome = ABORTED },
    { .name = "span-12", .cfg = { 0, FMT(1) | SPLIT(8) }, .span = 12,
      .outcome = BAD_STREAMID },
    { .name = "span-31", .cfg = { 0, FMT(1) | SPLIT(8) }, .span = 31,
      .outcome = BAD_STREAMID },
};

static QTestState *start(const char *stage)
{
    QTestState *qts = qtest_initf(PTD_MACHINE ",iommu=smmuv3 " PTD_DEVICE
                                  " -global arm-smmuv3.stage=%s", stage);

    ptd_enable(qts);
    qtest_writel(qts, TARGET, MARK);
    smmu_writeq(qts, VS_STRTAB_BASE, STRTAB);
    smmu_writel(qts, VS_STRTAB_BASE_CFG, LOG2SIZE);
    smmu_writeq(qts, VS_EVENTQ_BASE, EVENTQ | EVENTQ_LOG2);
    return qts;
}

static void write_ste(QTestState *qts, uint64_t table, uint64_t word0)
{
    qtest_writeq(qts, table + PTD_DEVFN * VS_STE_SIZE, word0);
}

/* CMD_CFGI_ALL (4.3.3) */
static void forget(QTestState *qts)
{
    smmu_writeq(qts, VS_CMDQ_BASE, CMDQ | CMDQ_LOG2);
    smmu_writel(qts, VS_CR0, VS_CR0_CMDQEN);
    smmu_command(qts, CMDQ, CMDQ_LOG2, VS_CMD_CFGI_STE_RANGE, VS_RANGE_ALL);
}

static Outcome outcome(QTestState *qts)
{
    uint32_t prod = smmu_readl(qts, VS_EVENTQ_PROD);
    uint32_t status, next;

    smmu_writel(qts, VS_CR0, VS_CR0_SMMUEN | VS_CR0_EVENTQEN);
    ptd_writel(qts, PASID_TESTDEV_REG_DATA, 0);
    status = ptd_dma(qts, PASID_TESTDEV_CMD_READ, TARGET, 0, 4);
    if (status == PASID_TESTDEV_STATUS_OK) {
        g_assert_cmphex(ptd_readl(qts, PASID_TESTDEV_REG_DATA), ==, MARK);
        return PASSED;
    }
    g_assert_cmpuint(status, ==, PASID_TESTDEV_STATUS_FAULT);
    next = smmu_readl(qts, VS_EVENTQ_PROD);
    if (next == prod) {
        return ABORTED;
    }
    smmu_writel(qts, VS_EVENTQ_CONS, next);
    prod &= (1 << EVENTQ_LOG2) - 1;
    switch (qtest_readl(qts, EVENTQ + prod * VS_EVENT_SIZE) & 0xff) {
    case VS_EVT_C_BAD_STREAMID:
        return BAD_STREAMID;
    case VS_EVT_C_BAD_STE:
        return BAD_STE;
    case VS_EVT_F_STE_FETCH:
        return FETCH;
    default:
        g_assert_not_reached();
    }
}

static void test_format(const void *opaque)
{
    const FormatTest *t = opaque;
    QTestState *qts = start("1");

    write_ste(qts, STRTAB, STE0(VS_CONFIG_BYPASS));
    write_ste(qts, L2TAB, STE0(VS_CONFIG_ABORT));
    qtest_writeq(qts, STRTAB, L2TAB | t->span);
    for (int i = 0; i < ARRAY_SIZE(t->cfg); i++) {
        smmu_writel(qts, VS_STRTAB_BASE_CFG, LOG2SIZE | t->cfg[i]);
    }
    g_assert_cmpint(outcome(qts), ==, t->outcome);
    qtest_quit(qts);
}

/*
 * A table is aligned to its size (6.3.24): with more entries it is at the
 * start of RAM, where all is zero, and then at address 0, where a guest
 * without firmware has flash, which is a device. Of a table of two levels it is
 * the size of the first that counts, eight bytes for 2^SPLIT entries.
 */
typedef struct SizeTest {
    const char *name;
    uint32_t log2size;
    uint32_t cfg;
    Outcome outcome;
} SizeTest;

static const SizeTest size_tests[] = {
    { .name = "8", .log2size = 8, .outcome = PASSED },
    /* STRTAB is aligned to 1 MiB, and to no more */
    { .name = "14", .log2size = 14, .outcome = PASSED },
    { .name = "15", .log2size = 15, .outcome = BAD_STE },
    { .name = "20", .log2size = 20, .outcome = BAD_STE },
    { .name = "32", .log2size = 32, .outcome = FETCH },
    { .name = "58", .log2size = 58, .outcome = FETCH },
    { .name = "59", .log2size = 59, .outcome = FETCH },
    { .name = "60", .log2size = 60, .outcome = FETCH },
    { .name = "63", .log2size = 63, .outcome = FETCH },
    { .name = "two-level-25", .log2size = 25, .cfg = FMT(1) | SPLIT(8),
      .outcome = PASSED },
    { .name = "two-level-26", .log2size = 26, .cfg = FMT(1) | SPLIT(8),
      .outcome = BAD_STREAMID },
};

static void test_size(const void *opaque)
{
    const SizeTest *t = opaque;
    QTestState *qts = start("1");

    write_ste(qts, STRTAB, STE0(VS_CONFIG_BYPASS));
    write_ste(qts, L2TAB, STE0(VS_CONFIG_BYPASS));
    qtest_writeq(qts, STRTAB, L2TAB | VS_L1STD_SPAN(9));
    smmu_writel(qts, VS_STRTAB_BASE_CFG, t->log2size | t->cfg);
    g_assert_cmpint(outcome(qts), ==, t->outcome);
    qtest_quit(qts);
}

typedef struct S2Test {
    const char *name;
    uint64_t word2;
    Outcome outcome;
} S2Test;

static const S2Test s2_tests[] = {
    { .name = "aarch64", .word2 = VS_STE2_S2_39, .outcome = PASSED },
    /* VS_IDR0.TTF offers no AArch32 tables */
    { .name = "aarch32", .word2 = VS_STE2_S2_39 & ~VS_STE2_S2AA64,
      .outcome = BAD_STE },
};

static void test_s2(const void *opaque)
{
    const S2Test *t = opaque;
    QTestState *qts = start("nested");
    uint64_t ste = STRTAB + PTD_DEVFN * VS_STE_SIZE;

    qtest_writeq(qts, S2_TABLES + 8, PTD_RAM | VS_PTE_BLOCK_S2);
    write_ste(qts, STRTAB, STE0(VS_CONFIG_S2));
    qtest_writeq(qts, ste + 16, t->word2);
    qtest_writeq(qts, ste + 24, S2_TABLES);
    g_assert_cmpint(outcome(qts), ==, t->outcome);
    qtest_quit(qts);
}

/* Start levels of stage 2 (5.2, S2SL0; VMSAv8-64) */
typedef struct LevelTest {
    const char *name;
    uint8_t tg;
    uint8_t sl0;
    uint8_t shift;          /* a descriptor stands for 2^shift bytes */
    uint8_t index;          /* a table has 2^index descriptors */
} LevelTest;

static const LevelTest level_tests[] = {
    { .name = "4k-2", .tg = VS_S2TG_4K, .sl0 = 0, .shift = 21, .index = 9 },
    { .name = "4k-1", .tg = VS_S2TG_4K, .sl0 = 1, .shift = 30, .index = 9 },
    { .name = "4k-0", .tg = VS_S2TG_4K, .sl0 = 2, .shift = 39, .index = 9 },
    { .name = "16k-3", .tg = VS_S2TG_16K, .sl0 = 0, .shift = 14, .index = 11 },
    { .name = "16k-2", .tg = VS_S2TG_16K, .sl0 = 1, .shift = 25, .index = 11 },
    { .name = "16k-1", .tg = VS_S2TG_16K, .sl0 = 2, .shift = 36, .index = 11 },
    { .name = "64k-3", .tg = VS_S2TG_64K, .sl0 = 0, .shift = 16, .index = 13 },
    { .name = "64k-2", .tg = VS_S2TG_64K, .sl0 = 1, .shift = 29, .index = 13 },
    { .name = "64k-1", .tg = VS_S2TG_64K, .sl0 = 2, .shift = 42, .index = 13 },
};

/* All input sizes from the least, T0SZ 39, to IDR5.OAS, and one beyond both */
#define IPA_LEAST       25
#define IPA_MOST        44

/*
 * One descriptor of the start level is no table, and not more than 16 tables
 * can stand side by side: such an STE is illegal. With any other, the walk
 * finds a descriptor or none.
 */
static void test_level(const void *opaque)
{
    const LevelTest *t = opaque;
    QTestState *qts = start("nested");
    uint64_t ste = STRTAB + PTD_DEVFN * VS_STE_SIZE;

    write_ste(qts, STRTAB, STE0(VS_CONFIG_S2));
    qtest_writeq(qts, ste + 24, S2_TABLES);
    for (int ipa = IPA_LEAST - 1; ipa <= IPA_MOST + 1; ipa++) {
        bool legal = ipa >= IPA_LEAST && ipa <= IPA_MOST && ipa > t->shift &&
                     ipa <= t->shift + t->index + 4;

        g_test_message("%d bits of IPA", ipa);
        qtest_writeq(qts, ste + 16,
                     VS_STE2_S2(ipa, t->tg, t->sl0) | VS_STE2_S2AA64);
        forget(qts);
        g_assert_cmpint(outcome(qts) == BAD_STE, ==, !legal);
    }
    qtest_quit(qts);
}

static void add(const char *group, const char *name, const void *row,
                void (*run)(const void *))
{
    g_autofree char *path = g_strdup_printf("smmuv3-strtab/%s/%s", group,
                                            name);

    qtest_add_data_func(path, row, run);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(format_tests); i++) {
        add("format", format_tests[i].name, &format_tests[i], test_format);
    }
    for (int i = 0; i < ARRAY_SIZE(size_tests); i++) {
        add("size", size_tests[i].name, &size_tests[i], test_size);
    }
    for (int i = 0; i < ARRAY_SIZE(s2_tests); i++) {
        add("stage2", s2_tests[i].name, &s2_tests[i], test_s2);
    }
    for (int i = 0; i < ARRAY_SIZE(level_tests); i++) {
        add("level", level_tests[i].name, &level_tests[i], test_level);
    }
    return g_test_run();
}
