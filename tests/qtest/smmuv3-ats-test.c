/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtest for Address Translation Services of the emulated Arm SMMUv3
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * A pasid-testdev requests translations and caches them. The test then changes
 * the page tables: the value that the device reads shows whether it used its
 * cache.
 */

#include "qemu/osdep.h"
#include "pasid-testdev.h"
#include "smmuv3-emulated.h"

/* Guest memory */
#define STRTAB                  (PTD_RAM + 0x100000)
#define STRTAB_LOG2             8
#define CMDQ                    (PTD_RAM + 0x110000)
#define EVENTQ                  (PTD_RAM + 0x120000)
#define QUEUE_LOG2              6
#define CD_TABLE                (PTD_RAM + 0x200000)
#define S2_TABLE                (PTD_RAM + 0x300000)
#define S2_LEVEL2               (S2_TABLE + 0x1000)
/* Three levels for each address space, and the pages: now, and afterwards */
#define TABLES(k)               (PTD_RAM + 0x400000 + (k) * 0x4000)
#define LEAVES(k)               (TABLES(k) + 0x2000)
#define PAGE(k, n, time)        (PTD_RAM + 0x800000 + \
                                 ((k) * 16 + (n) * 2 + (time)) * 0x1000)

#define IOVA                    PTD_RAM
#define PAGES                   4
#define READ_ONLY               3
#define PAGE_SIZE               0x1000
#define BEFORE                  0
#define AFTER                   1
#define MARK(k, n, time)        (0xa7500000 | (k) << 8 | (n) << 4 | (time))

/* Address spaces: without PASID, and two with */
static const uint8_t ssids[] = { 0, 5, 9 };
#define SPACES                  ARRAY_SIZE(ssids)

static void command(QTestState *qts, uint32_t word0, uint32_t sid,
                    uint64_t word1)
{
    smmu_command(qts, CMDQ, QUEUE_LOG2, word0 | (uint64_t)sid << 32, word1);
}

static void map(QTestState *qts, int time)
{
    for (int k = 0; k < SPACES; k++) {
        for (int n = 0; n < PAGES; n++) {
            uint64_t page = PAGE(k, n, time);

            qtest_writel(qts, page, MARK(k, n, time));
            qtest_writeq(qts, LEAVES(k) + n * 8, page |
                         (n == READ_ONLY ? VS_PTE_PAGE_S1_RO : VS_PTE_PAGE_S1));
        }
    }
    /* The SMMU forgets, which says nothing about the device */
    command(qts, VS_CMD_TLBI_NSNH_ALL, 0, 0);
}

static void write_cd(QTestState *qts, uint32_t ssid, uint32_t asid, int k)
{
    uint64_t cd = CD_TABLE + ssid * VS_CD_SIZE;

    qtest_writeq(qts, cd, VS_CD0(asid, VS_CD_IPS_44));
    qtest_writeq(qts, cd + 8, TABLES(k));
}

/* @word0: of the STE, but for the address of the CDs */
static QTestState *start_ste(uint32_t word0, uint32_t ssidsize, uint32_t eats)
{
    QTestState *qts = qtest_initf(PTD_MACHINE ",iommu=smmuv3 " PTD_DEVICE
                                  ",ats=on -global arm-smmuv3.ssidsize=%u"
                                  " -global arm-smmuv3.stage=nested"
                                  " -global arm-smmuv3.x-ats=on", ssidsize);
    uint64_t ste = STRTAB + PTD_DEVFN * VS_STE_SIZE;

    qtest_writeq(qts, ste, CD_TABLE | word0 | VS_STE0_S1CDMAX(ssidsize));
    qtest_writeq(qts, ste + 8, VS_STE1_S1DSS(VS_S1DSS_SSID0) |
                 VS_STE1_EATS(eats));
    qtest_writeq(qts, ste + 16, VS_STE2_S2_39 | VS_STE2_S2R);
    qtest_writeq(qts, ste + 24, S2_TABLE);
    qtest_writeq(qts, S2_TABLE + 8, PTD_RAM | VS_PTE_BLOCK_S2_RO);
    for (int k = 0; k < SPACES; k++) {
        write_cd(qts, ssids[k], k + 1, k);
        qtest_writeq(qts, TABLES(k) + 8, (TABLES(k) + 0x1000) | VS_PTE_TABLE);
        qtest_writeq(qts, TABLES(k) + 0x1000, LEAVES(k) | VS_PTE_TABLE);
    }
    ptd_enable(qts);
    ptd_cfg_writew(qts, PASID_TESTDEV_PASID_OFFSET + PCI_PASID_CTRL,
                   PCI_PASID_CTRL_ENABLE);
    ptd_cfg_writew(qts, PASID_TESTDEV_ATS_OFFSET + PCI_ATS_CTRL,
                   PCI_ATS_CTRL_ENABLE);
    smmu_writeq(qts, VS_STRTAB_BASE, STRTAB);
    smmu_writel(qts, VS_STRTAB_BASE_CFG, STRTAB_LOG2);
    smmu_writeq(qts, VS_CMDQ_BASE, CMDQ | QUEUE_LOG2);
    smmu_writeq(qts, VS_EVENTQ_BASE, EVENTQ | QUEUE_LOG2);
    smmu_writel(qts, VS_CR0, VS_CR0_SMMUEN | VS_CR0_EVENTQEN | VS_CR0_CMDQEN);
    map(qts, BEFORE);
    return qts;
}

static QTestState *start(uint32_t eats)
{
    return start_ste(VS_STE0_V | VS_STE0_S1, 8, eats);
}

static uint32_t pasid_of(int k)
{
    return ssids[k] ? PASID_TESTDEV_PASID_VALID | ssids[k] : 0;
}

static uint32_t by_ats(QTestState *qts, uint32_t op, int k, int n)
{
    ptd_writel(qts, PASID_TESTDEV_REG_DATA, 0);
    return ptd_dma(qts, op | PASID_TESTDEV_CMD_ATS, IOVA + n * PAGE_SIZE,
                   pasid_of(k), 4);
}

static void assert_read(QTestState *qts, int k, int n, int time)
{
    g_assert_cmpint(by_ats(qts, PASID_TESTDEV_CMD_READ, k, n), ==,
                    PASID_TESTDEV_STATUS_OK);
    g_assert_cmphex(ptd_readl(qts, PASID_TESTDEV_REG_DATA), ==,
                    MARK(k, n, time));
}

static uint32_t events(QTestState *qts)
{
    return smmu_readl(qts, VS_EVENTQ_PROD);
}

static void test_idr(const void *opaque)
{
    const char *prop = opaque;
    QTestState *qts = qtest_initf(PTD_MACHINE ",iommu=smmuv3%s", prop);
    uint32_t ats = strstr(prop, "on") ? VS_IDR0_ATS : 0;

    g_assert_cmphex(smmu_readl(qts, VS_IDR0) & VS_IDR0_ATS, ==, ats);
    qtest_system_reset(qts);
    g_assert_cmphex(smmu_readl(qts, VS_IDR0) & VS_IDR0_ATS, ==, ats);
    qtest_quit(qts);
}

/* Each address space has its own, and an answer is kept */
static void test_kept(void)
{
    QTestState *qts = start(VS_EATS_FULL);

    for (int k = 0; k < SPACES; k++) {
        assert_read(qts, k, 0, BEFORE);
    }
    g_assert_cmpuint(ptd_readl(qts, PASID_TESTDEV_REG_ATC_ENTRIES), ==,
                     SPACES);
    map(qts, AFTER);
    for (int k = 0; k < SPACES; k++) {
        assert_read(qts, k, 0, BEFORE);
        assert_read(qts, k, 1, AFTER);
    }
    g_assert_cmpuint(events(qts), ==, 0);
    qtest_quit(qts);
}

typedef struct InvTest {
    const char *name;
    uint32_t word0;
    uint32_t sid;
    uint64_t dword1;
    uint8_t gone[3];        /* pages of each address space, as bits */
} InvTest;

static const InvTest inv_tests[] = {
    { .name = "page", .sid = PTD_DEVFN, .dword1 = IOVA, .gone = { 1, 0, 0 } },
    { .name = "other-page", .sid = PTD_DEVFN, .dword1 = IOVA + 2 * PAGE_SIZE,
      .gone = { 4, 0, 0 } },
    { .name = "two-pages", .sid = PTD_DEVFN, .dword1 = IOVA | 1,
      .gone = { 3, 0, 0 } },
    { .name = "four-pages", .sid = PTD_DEVFN, .dword1 = IOVA | 2,
      .gone = { 15, 0, 0 } },
    { .name = "everything", .sid = PTD_DEVFN, .dword1 = VS_ATC_SIZE_ALL,
      .gone = { 15, 0, 0 } },
    { .name = "beyond", .sid = PTD_DEVFN, .dword1 = IOVA + PAGES * PAGE_SIZE,
      .gone = { 0, 0, 0 } },
    { .name = "pasid", .word0 = VS_CMD_SSV | VS_CMD_SSID(5), .sid = PTD_DEVFN,
      .dword1 = IOVA + PAGE_SIZE, .gone = { 0, 2, 0 } },
    { .name = "pasid-everything", .word0 = VS_CMD_SSV | VS_CMD_SSID(9),
      .sid = PTD_DEVFN, .dword1 = VS_ATC_SIZE_ALL, .gone = { 0, 0, 15 } },
    { .name = "global", .word0 = VS_CMD_SSV | VS_CMD_GLOBAL, .sid = PTD_DEVFN,
      .dword1 = VS_ATC_SIZE_ALL, .gone = { 15, 15, 15 } },
    /* Without a PASID the bit means nothing (4.5.1) */
    { .name = "global-ignored", .word0 = VS_CMD_GLOBAL, .sid = PTD_DEVFN,
      .dword1 = IOVA, .gone = { 1, 0, 0 } },
    { .name = "other-device", .sid = PTD_DEVFN + 1, .dword1 = VS_ATC_SIZE_ALL,
      .gone = { 0, 0, 0 } },
};

static void test_invalidate(const void *opaque)
{
    const InvTest *t = opaque;
    QTestState *qts = start(VS_EATS_FULL);

    for (int k = 0; k < SPACES; k++) {
        for (int n = 0; n < PAGES; n++) {
            assert_read(qts, k, n, BEFORE);
        }
    }
    map(qts, AFTER);
    command(qts, VS_CMD_ATC_INV | t->word0, t->sid, t->dword1);
    for (int k = 0; k < SPACES; k++) {
        for (int n = 0; n < PAGES; n++) {
            assert_read(qts, k, n, t->gone[k] & BIT(n) ? AFTER : BEFORE);
        }
    }
    qtest_quit(qts);
}

static void test_permission(void)
{
    QTestState *qts = start(VS_EATS_FULL);

    assert_read(qts, 1, READ_ONLY, BEFORE);
    g_assert_cmpint(by_ats(qts, PASID_TESTDEV_CMD_WRITE, 1, READ_ONLY), ==,
                    PASID_TESTDEV_STATUS_FAULT);
    g_assert_cmpint(by_ats(qts, PASID_TESTDEV_CMD_WRITE, 1, 0), ==,
                    PASID_TESTDEV_STATUS_OK);
    g_assert_cmphex(qtest_readl(qts, PAGE(1, 0, BEFORE)), ==, 0);
    g_assert_cmphex(qtest_readl(qts, PAGE(1, READ_ONLY, BEFORE)), ==,
                    MARK(1, READ_ONLY, BEFORE));
    g_assert_cmpuint(events(qts), ==, 0);
    qtest_quit(qts);
}

/* A translation has no permission that stage 2 does not give */
static void test_permission_nested(void)
{
    QTestState *qts = start_ste(VS_STE0_V | VS_STE0_NESTED, 8, VS_EATS_FULL);

    for (int k = 0; k < SPACES; k++) {
        assert_read(qts, k, 0, BEFORE);
        g_assert_cmpint(by_ats(qts, PASID_TESTDEV_CMD_WRITE, k, 0), ==,
                        PASID_TESTDEV_STATUS_FAULT);
        g_assert_cmphex(qtest_readl(qts, PAGE(k, 0, BEFORE)), ==,
                        MARK(k, 0, BEFORE));
    }
    qtest_quit(qts);
}

/* A transaction without ATS that stage 2 does not permit */
typedef struct FaultTest {
    const char *name;
    uint32_t ste_word0;
    uint32_t s2ap;          /* of the pages alone, not of stage 1's tables */
    uint32_t permitted;
    uint32_t refused;
    bool kept;              /* the SMMU has the translation in its TLB */
} FaultTest;

static const FaultTest fault_tests[] = {
    { .name = "nested-read-walk", .ste_word0 = VS_STE0_NESTED,
      .s2ap = VS_S2AP_WO, .permitted = PASID_TESTDEV_CMD_WRITE,
      .refused = PASID_TESTDEV_CMD_READ, .kept = false },
    { .name = "nested-read-tlb", .ste_word0 = VS_STE0_NESTED,
      .s2ap = VS_S2AP_WO, .permitted = PASID_TESTDEV_CMD_WRITE,
      .refused = PASID_TESTDEV_CMD_READ, .kept = true },
    { .name = "nested-write-walk", .ste_word0 = VS_STE0_NESTED,
      .s2ap = VS_S2AP_RO, .permitted = PASID_TESTDEV_CMD_READ,
      .refused = PASID_TESTDEV_CMD_WRITE, .kept = false },
    { .name = "nested-write-tlb", .ste_word0 = VS_STE0_NESTED,
      .s2ap = VS_S2AP_RO, .permitted = PASID_TESTDEV_CMD_READ,
      .refused = PASID_TESTDEV_CMD_WRITE, .kept = true },
    { .name = "s2-read-walk", .ste_word0 = VS_STE0_S2,
      .s2ap = VS_S2AP_WO, .permitted = PASID_TESTDEV_CMD_WRITE,
      .refused = PASID_TESTDEV_CMD_READ, .kept = false },
    { .name = "s2-read-tlb", .ste_word0 = VS_STE0_S2,
      .s2ap = VS_S2AP_WO, .permitted = PASID_TESTDEV_CMD_WRITE,
      .refused = PASID_TESTDEV_CMD_READ, .kept = true },
    { .name = "s2-write-walk", .ste_word0 = VS_STE0_S2,
      .s2ap = VS_S2AP_RO, .permitted = PASID_TESTDEV_CMD_READ,
      .refused = PASID_TESTDEV_CMD_WRITE, .kept = false },
    { .name = "s2-write-tlb", .ste_word0 = VS_STE0_S2,
      .s2ap = VS_S2AP_RO, .permitted = PASID_TESTDEV_CMD_READ,
      .refused = PASID_TESTDEV_CMD_WRITE, .kept = true },
};

/* The guest is told the same, whether the SMMU had the translation or not */
static void test_fault(const void *opaque)
{
    const FaultTest *t = opaque;
    const uint64_t ipa = PAGE(0, 0, BEFORE);
    const uint64_t iova = t->ste_word0 == VS_STE0_S2 ? ipa : IOVA;
    QTestState *qts = start_ste(VS_STE0_V | t->ste_word0, 8, 0);
    uint32_t word3;

    for (int n = 0; n < 512; n++) {
        uint64_t block = PTD_RAM + n * 0x200000ull;
        bool pages = block == (ipa & ~0x1fffffull);

        qtest_writeq(qts, S2_LEVEL2 + n * 8,
                     block | VS_PTE_BLOCK_S2AP(pages ? t->s2ap : VS_S2AP_RW));
    }
    qtest_writeq(qts, S2_TABLE + 8, S2_LEVEL2 | VS_PTE_TABLE);
    if (t->kept) {
        g_assert_cmpint(ptd_dma(qts, t->permitted, iova, 0, 4), ==,
                        PASID_TESTDEV_STATUS_OK);
    }
    g_assert_cmpuint(events(qts), ==, 0);
    g_assert_cmpint(ptd_dma(qts, t->refused, iova, 0, 4), ==,
                    PASID_TESTDEV_STATUS_FAULT);
    g_assert_cmpuint(events(qts), ==, 1);
    g_assert_cmphex(qtest_readl(qts, EVENTQ), ==, VS_EVT_F_PERMISSION);
    g_assert_cmphex(qtest_readl(qts, EVENTQ + 4), ==, PTD_DEVFN);
    word3 = VS_EVT3_S2 | VS_EVT3_CLASS_IN;
    if (t->refused == PASID_TESTDEV_CMD_READ) {
        word3 |= VS_EVT3_RNW;
    }
    g_assert_cmphex(qtest_readl(qts, EVENTQ + 12), ==, word3);
    g_assert_cmphex(qtest_readq(qts, EVENTQ + 16), ==, iova);
    g_assert_cmphex(qtest_readq(qts, EVENTQ + 24), ==, ipa);
    /* A permitted access goes on */
    g_assert_cmpint(ptd_dma(qts, t->permitted, iova, 0, 4), ==,
                    PASID_TESTDEV_STATUS_OK);
    g_assert_cmpuint(events(qts), ==, 1);
    qtest_quit(qts);
}

/*
 * A guest has up to 2^20 substreams, and QEMU caches the configuration of some
 * of them: with so many in use the first one has been forgotten. The guest
 * could not know, and has to say when it changes a CD.
 */
static void test_many(void)
{
    const uint32_t first = 10, last = first + 300;
    QTestState *qts = start_ste(VS_STE0_V | VS_STE0_S1, 12, VS_EATS_FULL);

    for (uint32_t ssid = first; ssid <= last; ssid++) {
        write_cd(qts, ssid, ssid, 1);
        ptd_writel(qts, PASID_TESTDEV_REG_DATA, 0);
        g_assert_cmpint(ptd_dma(qts, PASID_TESTDEV_CMD_READ |
                                PASID_TESTDEV_CMD_ATS, IOVA,
                                PASID_TESTDEV_PASID_VALID | ssid, 4), ==,
                        PASID_TESTDEV_STATUS_OK);
        g_assert_cmphex(ptd_readl(qts, PASID_TESTDEV_REG_DATA), ==,
                        MARK(1, 0, BEFORE));
    }
    write_cd(qts, first, last + 1, 2);
    g_assert_cmpint(ptd_dma(qts, PASID_TESTDEV_CMD_READ | PASID_TESTDEV_CMD_ATS,
                            IOVA, PASID_TESTDEV_PASID_VALID | first, 4), ==,
                    PASID_TESTDEV_STATUS_OK);
    g_assert_cmphex(ptd_readl(qts, PASID_TESTDEV_REG_DATA), ==,
                    MARK(2, 0, BEFORE));
    qtest_quit(qts);
}

/* Only the device is told: a failed Translation Request makes no event */
static void test_unmapped(void)
{
    QTestState *qts = start(VS_EATS_FULL);

    for (int k = 0; k < SPACES; k++) {
        g_assert_cmpint(by_ats(qts, PASID_TESTDEV_CMD_READ, k, PAGES), ==,
                        PASID_TESTDEV_STATUS_FAULT);
    }
    g_assert_cmpuint(ptd_readl(qts, PASID_TESTDEV_REG_ATC_ENTRIES), ==, 0);
    g_assert_cmpuint(events(qts), ==, 0);
    g_assert_cmpint(ptd_dma(qts, PASID_TESTDEV_CMD_READ,
                            IOVA + PAGES * PAGE_SIZE, 0, 4), ==,
                    PASID_TESTDEV_STATUS_FAULT);
    g_assert_cmpuint(events(qts), ==, 1);
    qtest_quit(qts);
}

/* The stream table entry does not let the device ask, or nothing translates */
static void test_not_allowed(const void *opaque)
{
    const uint32_t eats = GPOINTER_TO_UINT(opaque);
    QTestState *qts = start(eats);

    if (eats == VS_EATS_FULL) {
        smmu_writel(qts, VS_CR0, VS_CR0_EVENTQEN | VS_CR0_CMDQEN);
    }
    g_assert_cmpint(by_ats(qts, PASID_TESTDEV_CMD_READ, 0, 0), ==,
                    PASID_TESTDEV_STATUS_FAULT);
    g_assert_cmpint(by_ats(qts, PASID_TESTDEV_CMD_READ, 1, 0), ==,
                    PASID_TESTDEV_STATUS_FAULT);
    g_assert_cmpuint(ptd_readl(qts, PASID_TESTDEV_REG_ATC_ENTRIES), ==, 0);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_data_func("smmuv3-ats/idr/default", "", test_idr);
    qtest_add_data_func("smmuv3-ats/idr/off",
                        " -global arm-smmuv3.x-ats=off", test_idr);
    qtest_add_data_func("smmuv3-ats/idr/on",
                        " -global arm-smmuv3.x-ats=on", test_idr);
    qtest_add_func("smmuv3-ats/kept", test_kept);
    for (int i = 0; i < ARRAY_SIZE(inv_tests); i++) {
        g_autofree char *path = g_strdup_printf("smmuv3-ats/invalidate/%s",
                                                inv_tests[i].name);

        qtest_add_data_func(path, &inv_tests[i], test_invalidate);
    }
    qtest_add_func("smmuv3-ats/permission", test_permission);
    qtest_add_func("smmuv3-ats/permission-nested", test_permission_nested);
    for (int i = 0; i < ARRAY_SIZE(fault_tests); i++) {
        g_autofree char *path = g_strdup_printf("smmuv3-ats/fault/%s",
                                                fault_tests[i].name);

        qtest_add_data_func(path, &fault_tests[i], test_fault);
    }
    qtest_add_func("smmuv3-ats/many", test_many);
    qtest_add_func("smmuv3-ats/unmapped", test_unmapped);
    qtest_add_data_func("smmuv3-ats/not-allowed/eats", GUINT_TO_POINTER(0),
                        test_not_allowed);
    qtest_add_data_func("smmuv3-ats/not-allowed/smmuen",
                        GUINT_TO_POINTER(VS_EATS_FULL), test_not_allowed);
    return g_test_run();
}
