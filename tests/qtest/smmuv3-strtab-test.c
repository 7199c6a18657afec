/*
 * QTest of the emulated Arm SMMUv3: how it finds a stream table entry
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One place in memory is a linear stream table and a level 1 table, and leads
 * to a different entry as either: what becomes of a read by a pasid-testdev
 * tells which one was used. Sections are those of Arm IHI0070.
 */

#include "qemu/osdep.h"
#include "pasid-testdev.h"

/* Registers (6.3), in the virt machine's memory map */
#define SMMU_BASE           0x09050000ull
enum {
    CR0 = 0x20,
    STRTAB_BASE = 0x80,
    STRTAB_BASE_CFG = 0x88,
    CMDQ_BASE = 0x90,
    CMDQ_PROD = 0x98,
    CMDQ_CONS = 0x9c,
    EVENTQ_BASE = 0xa0,
    EVENTQ_PROD = 0xa8,
    EVENTQ_CONS = 0xac,
};
#define CR0_SMMUEN          (1u << 0)
#define CR0_EVENTQEN        (1u << 2)
#define CR0_CMDQEN          (1u << 3)

/* STRTAB_BASE_CFG (6.3.25) */
#define LOG2SIZE            8
#define FMT(n)              ((uint32_t)(n) << 16)
#define SPLIT(n)            ((uint32_t)(n) << 6)

/* Commands (4.3) */
#define CMD_CFGI_ALL        0x04
#define CFGI_ALL_RANGE      31
#define CMD_SIZE            16

/* Events (7.3) */
#define C_BAD_STREAMID      0x02
#define F_STE_FETCH         0x03
#define C_BAD_STE           0x04

/* Stream table entry (5.2), words of 64 bits */
#define STE_SIZE            64
#define STE0(config)        (1ull | (uint64_t)(config) << 1)
#define CONFIG_ABORT        0
#define CONFIG_BYPASS       4
#define CONFIG_S2           6
/* Bits of IPA, S2TG and S2SL0; 44 bits out */
#define STE2(ipa, tg, sl0)  (((64ull - (ipa)) | ((sl0) << 6) | ((tg) << 14) | \
                              (4ull << 16)) << 32)
#define TG_4K               0
#define TG_64K              1
#define TG_16K              2
/* 39 bits of IPA, 4K granule, start at level 1 */
#define STE2_S2             STE2(39, TG_4K, 1)
#define STE2_S2AA64         (1ull << 51)

/* Guest memory; S2_TABLES holds one block that maps RAM to itself */
#define STRTAB              (PTD_RAM + 0x100000)
#define L2TAB               (PTD_RAM + 0x200000)
#define CMDQ                (PTD_RAM + 0x280000)
#define CMDQ_LOG2           4
#define EVENTQ              (PTD_RAM + 0x300000)
#define EVENTQ_LOG2         4
#define EVENT_SIZE          32
#define S2_TABLES           (PTD_RAM + 0x400000)
#define PTE_BLOCK_S2        0x4c1
#define TARGET              (PTD_RAM + 0x500000)
#define MARK                0x600d600d

/* What becomes of the device's read */
typedef enum Outcome {
    PASSED,
    ABORTED,
    BAD_STREAMID,
    BAD_STE,
    FETCH,
} Outcome;

typedef struct FormatTest {
    const char *name;
    uint32_t cfg[2];        /* what is written, the second one last */
    uint32_t span;          /* of the level 1 descriptor (5.1) */
    Outcome outcome;
} FormatTest;

/* The linear entry is a bypass, the one of the second level an abort */
static const FormatTest format_tests[] = {
    { "linear", { FMT(0), FMT(0) }, 9, PASSED },
    { "two-level", { FMT(1) | SPLIT(8), FMT(1) | SPLIT(8) }, 9, ABORTED },
    { "two-level-then-linear", { FMT(1) | SPLIT(8), FMT(0) }, 9, PASSED },
    { "linear-then-two-level", { FMT(0), FMT(1) | SPLIT(8) }, 9, ABORTED },
    { "reserved-2", { FMT(0), FMT(2) | SPLIT(8) }, 9, PASSED },
    { "reserved-3", { FMT(0), FMT(3) | SPLIT(8) }, 9, PASSED },
    { "two-level-then-reserved", { FMT(1) | SPLIT(8), FMT(2) | SPLIT(8) }, 9,
      PASSED },
    /* Any other split is one of 6 */
    { "split-6", { 0, FMT(1) | SPLIT(6) }, 7, ABORTED },
    { "split-10", { 0, FMT(1) | SPLIT(10) }, 11, ABORTED },
    { "split-0", { 0, FMT(1) | SPLIT(0) }, 7, ABORTED },
    { "split-2", { 0, FMT(1) | SPLIT(2) }, 7, ABORTED },
    { "split-31", { 0, FMT(1) | SPLIT(31) }, 7, ABORTED },
    /* The second level has 2^(Span - 1) entries, the StreamID is 8 */
    { "span-0", { 0, FMT(1) | SPLIT(8) }, 0, BAD_STREAMID },
    { "span-4", { 0, FMT(1) | SPLIT(8) }, 4, BAD_STREAMID },
    { "span-5", { 0, FMT(1) | SPLIT(8) }, 5, ABORTED },
    { "span-11", { 0, FMT(1) | SPLIT(10) }, 11, ABORTED },
    { "span-12", { 0, FMT(1) | SPLIT(8) }, 12, BAD_STREAMID },
    { "span-31", { 0, FMT(1) | SPLIT(8) }, 31, BAD_STREAMID },
};

static void smmu_writel(QTestState *qts, uint32_t reg, uint32_t value)
{
    qtest_writel(qts, SMMU_BASE + reg, value);
}

static QTestState *start(const char *stage)
{
    QTestState *qts = qtest_initf(PTD_MACHINE ",iommu=smmuv3 " PTD_DEVICE
                                  " -global arm-smmuv3.stage=%s", stage);

    ptd_enable(qts);
    qtest_writel(qts, TARGET, MARK);
    qtest_writeq(qts, SMMU_BASE + STRTAB_BASE, STRTAB);
    smmu_writel(qts, STRTAB_BASE_CFG, LOG2SIZE);
    qtest_writeq(qts, SMMU_BASE + EVENTQ_BASE, EVENTQ | EVENTQ_LOG2);
    return qts;
}

static void write_ste(QTestState *qts, uint64_t table, uint64_t word0)
{
    qtest_writeq(qts, table + PTD_DEVFN * STE_SIZE, word0);
}

/* CMD_CFGI_ALL (4.3.3) */
static void forget(QTestState *qts)
{
    uint32_t prod = qtest_readl(qts, SMMU_BASE + CMDQ_PROD);
    uint64_t entry = CMDQ + (prod & ((1 << CMDQ_LOG2) - 1)) * CMD_SIZE;

    qtest_writeq(qts, entry, CMD_CFGI_ALL);
    qtest_writeq(qts, entry + 8, CFGI_ALL_RANGE);
    prod = (prod + 1) & ((2 << CMDQ_LOG2) - 1);
    qtest_writeq(qts, SMMU_BASE + CMDQ_BASE, CMDQ | CMDQ_LOG2);
    smmu_writel(qts, CR0, CR0_CMDQEN);
    smmu_writel(qts, CMDQ_PROD, prod);
    g_assert_cmphex(qtest_readl(qts, SMMU_BASE + CMDQ_CONS), ==, prod);
}

static Outcome outcome(QTestState *qts)
{
    uint32_t prod = qtest_readl(qts, SMMU_BASE + EVENTQ_PROD);
    uint32_t status, next;

    smmu_writel(qts, CR0, CR0_SMMUEN | CR0_EVENTQEN);
    ptd_writel(qts, PASID_TESTDEV_REG_DATA, 0);
    status = ptd_dma(qts, PASID_TESTDEV_CMD_READ, TARGET, 0, 4);
    if (status == PASID_TESTDEV_STATUS_OK) {
        g_assert_cmphex(ptd_readl(qts, PASID_TESTDEV_REG_DATA), ==, MARK);
        return PASSED;
    }
    g_assert_cmpuint(status, ==, PASID_TESTDEV_STATUS_FAULT);
    next = qtest_readl(qts, SMMU_BASE + EVENTQ_PROD);
    if (next == prod) {
        return ABORTED;
    }
    smmu_writel(qts, EVENTQ_CONS, next);
    prod &= (1 << EVENTQ_LOG2) - 1;
    switch (qtest_readl(qts, EVENTQ + prod * EVENT_SIZE) & 0xff) {
    case C_BAD_STREAMID:
        return BAD_STREAMID;
    case C_BAD_STE:
        return BAD_STE;
    case F_STE_FETCH:
        return FETCH;
    default:
        g_assert_not_reached();
    }
}

static void test_format(const void *opaque)
{
    const FormatTest *t = opaque;
    QTestState *qts = start("1");

    write_ste(qts, STRTAB, STE0(CONFIG_BYPASS));
    write_ste(qts, L2TAB, STE0(CONFIG_ABORT));
    qtest_writeq(qts, STRTAB, L2TAB | t->span);
    for (int i = 0; i < ARRAY_SIZE(t->cfg); i++) {
        smmu_writel(qts, STRTAB_BASE_CFG, LOG2SIZE | t->cfg[i]);
    }
    g_assert_cmpint(outcome(qts), ==, t->outcome);
    qtest_quit(qts);
}

/*
 * A table is aligned to its size (6.3.24): with more entries it is at the
 * start of RAM, where all is zero, and then at address 0, where a guest
 * without firmware has flash, which is a device.
 */
typedef struct SizeTest {
    const char *name;
    uint32_t log2size;
    Outcome outcome;
} SizeTest;

static const SizeTest size_tests[] = {
    { .name = "8", .log2size = 8, .outcome = PASSED },
    { .name = "20", .log2size = 20, .outcome = BAD_STE },
    { .name = "32", .log2size = 32, .outcome = FETCH },
    { .name = "58", .log2size = 58, .outcome = FETCH },
    { .name = "59", .log2size = 59, .outcome = FETCH },
    { .name = "60", .log2size = 60, .outcome = FETCH },
    { .name = "63", .log2size = 63, .outcome = FETCH },
};

static void test_size(const void *opaque)
{
    const SizeTest *t = opaque;
    QTestState *qts = start("1");

    write_ste(qts, STRTAB, STE0(CONFIG_BYPASS));
    smmu_writel(qts, STRTAB_BASE_CFG, t->log2size);
    g_assert_cmpint(outcome(qts), ==, t->outcome);
    qtest_quit(qts);
}

typedef struct S2Test {
    const char *name;
    uint64_t word2;
    Outcome outcome;
} S2Test;

static const S2Test s2_tests[] = {
    { "aarch64", STE2_S2 | STE2_S2AA64, PASSED },
    /* IDR0.TTF offers no AArch32 tables */
    { "aarch32", STE2_S2, BAD_STE },
};

static void test_s2(const void *opaque)
{
    const S2Test *t = opaque;
    QTestState *qts = start("nested");
    uint64_t ste = STRTAB + PTD_DEVFN * STE_SIZE;

    qtest_writeq(qts, S2_TABLES + 8, PTD_RAM | PTE_BLOCK_S2);
    write_ste(qts, STRTAB, STE0(CONFIG_S2));
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
    { .name = "4k-2", .tg = TG_4K, .sl0 = 0, .shift = 21, .index = 9 },
    { .name = "4k-1", .tg = TG_4K, .sl0 = 1, .shift = 30, .index = 9 },
    { .name = "4k-0", .tg = TG_4K, .sl0 = 2, .shift = 39, .index = 9 },
    { .name = "16k-3", .tg = TG_16K, .sl0 = 0, .shift = 14, .index = 11 },
    { .name = "16k-2", .tg = TG_16K, .sl0 = 1, .shift = 25, .index = 11 },
    { .name = "16k-1", .tg = TG_16K, .sl0 = 2, .shift = 36, .index = 11 },
    { .name = "64k-3", .tg = TG_64K, .sl0 = 0, .shift = 16, .index = 13 },
    { .name = "64k-2", .tg = TG_64K, .sl0 = 1, .shift = 29, .index = 13 },
    { .name = "64k-1", .tg = TG_64K, .sl0 = 2, .shift = 42, .index = 13 },
};

/* All input sizes from the least, T0SZ 39, to IDR5.OAS, and one beyond both */
#define IPA_LEAST       25
#define IPA_MOST        44

/*
 * One descriptor of the start level is no table, and not more than 16 tables
 * can stand side by side: such an STE is illegal. With any other, the walk
 * finds what there is, or nothing.
 */
static void test_level(const void *opaque)
{
    const LevelTest *t = opaque;
    QTestState *qts = start("nested");
    uint64_t ste = STRTAB + PTD_DEVFN * STE_SIZE;

    write_ste(qts, STRTAB, STE0(CONFIG_S2));
    qtest_writeq(qts, ste + 24, S2_TABLES);
    for (int ipa = IPA_LEAST - 1; ipa <= IPA_MOST + 1; ipa++) {
        bool legal = ipa >= IPA_LEAST && ipa <= IPA_MOST && ipa > t->shift &&
                     ipa <= t->shift + t->index + 4;

        g_test_message("%d bits of IPA", ipa);
        qtest_writeq(qts, ste + 16, STE2(ipa, t->tg, t->sl0) | STE2_S2AA64);
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
