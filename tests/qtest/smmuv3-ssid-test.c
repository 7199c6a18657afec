/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtest for substreams of the emulated Arm SMMUv3
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * Stream table, CD tables and page tables are built in guest memory, and a
 * pasid-testdev reads through them. All context descriptors translate the
 * same input address, each to memory of its own that holds a marker: what
 * the device reads says which descriptor was used.
 */

#include "qemu/osdep.h"
#include "pasid-testdev.h"

/* SMMUv3 registers (IHI 0070, 6.3) in the virt machine's memory map */
#define UART                    0x09000000ull
#define SMMU_BASE               0x09050000ull
#define CR0                     0x20
#define   CR0_SMMUEN            BIT(0)
#define   CR0_EVENTQEN          BIT(2)
#define   CR0_CMDQEN            BIT(3)
#define STRTAB_BASE             0x80
#define STRTAB_BASE_CFG         0x88
#define CMDQ_BASE               0x90
#define CMDQ_PROD               0x98
#define CMDQ_CONS               0x9c
#define EVENTQ_BASE             0xa0
#define EVENTQ_PROD             0xa8

/* Commands (4.) */
#define CMD_CFGI_STE            0x03
#define CMD_CFGI_STE_RANGE      0x04
#define CMD_CFGI_CD             0x05
#define CMD_CFGI_CD_ALL         0x06
#define CMD_SSV                 BIT(11)
#define CMD_SSID(ssid)          ((uint32_t)(ssid) << 12)

/* Events (7.3) */
#define EVT_C_BAD_STE           0x04
#define EVT_F_STREAM_DISABLED   0x06
#define EVT_C_BAD_SUBSTREAMID   0x08
#define EVT_F_CD_FETCH          0x09
#define EVT_C_BAD_CD            0x0a
#define EVT_F_TRANSLATION       0x10
#define EVT_TYPE(w0)            extract32(w0, 0, 8)
#define EVT_SSV(w0)             extract32(w0, 11, 1)
#define EVT_SSID(w0)            extract32(w0, 12, 20)
#define EVT_S2(w3)              extract32(w3, 7, 1)
#define EVT_CLASS(w3)           extract32(w3, 8, 2)
#define EVT_CLASS_CD            0

/* Stream table entry (5.2) */
#define STE_S1                  5
#define STE_S2                  6
#define STE_NESTED              7
#define STE_BYPASS              4
#define STE_S1FMT_LINEAR        0
#define STE_S1FMT_4K            1
#define STE_S1FMT_64K           2
#define STE_S1DSS_TERMINATE     0
#define STE_S1DSS_BYPASS        1
#define STE_S1DSS_SSID0         2
/* 39 bits of IPA, 4K granule, start at level 1, 44 bits out, record faults */
#define STE_WORD5               (25 | 1 << 6 | 4 << 16 | 1 << 19 | 1 << 26)

/* Context descriptor (5.4): 39 bits of input, 4K granule, no TTB1 */
#define CD_WORD0                (25u | 1u << 30 | 1u << 31)
#define CD_WORD1(asid, ips)     ((ips) | 1 << 9 | 1 << 13 | 1 << 14 | \
                                 (uint32_t)(asid) << 16)
#define CD_IPS_44               4
#define CD_IPS_MAX              7

/* Descriptors of VMSAv8-64 */
#define PTE_TABLE               3
#define PTE_BLOCK_S1            0x441 /* AF, read and write at EL0 */
#define PTE_BLOCK_S2            0x4c1 /* AF, read and write */

/* Guest memory */
#define STRTAB                  (PTD_RAM + 0x100000)
#define STRTAB_LOG2             8
#define CMDQ                    (PTD_RAM + 0x110000)
#define EVENTQ                  (PTD_RAM + 0x120000)
#define QUEUE_LOG2              6
#define CD_TABLE                (PTD_RAM + 0x200000)
#define CD_LEAVES               (PTD_RAM + 0x300000)
#define PAGE_TABLES(k)          (PTD_RAM + 0x400000 + (k) * 0x2000)
#define S2_TABLES               (PTD_RAM + 0x600000)
#define TARGET(k)               (PTD_RAM + 0x800000 + (k) * 0x200000)
#define NOWHERE                 0xf0000000000ull
#define NOWHERE_IPA             0x7000000000ull

/* Stage 2 gives the tables another address than the one they are at */
#define IPA_OFFSET              0x40000000ull

/* The address that the device reads: 1 GiB, which is also where RAM is */
#define MARK                    0x1000
#define IOVA                    (PTD_RAM + MARK)
#define IOVA_UNMAPPED           0x1000

/* What a transaction can come to, besides an event */
#define CD(k)                   (0xcd00 + (k))
#define PASSED                  0xb000   /* IOVA used as it is */
#define STAGE2_ONLY             0x5200   /* IOVA used as IPA */
#define EVENT(type)             (0xe000 + (type))
#define IS_EVENT(outcome)       ((outcome) >= EVENT(0))

/* Substreams that have a CD; CD(k) belongs to ssids[k] */
static const uint16_t ssids[] = { 0, 1, 3, 63, 64, 200 };
#define SPARE                   ARRAY_SIZE(ssids)
#define STAGE2_TARGET           (SPARE + 1)

typedef struct {
    uint32_t pasid;     /* 0: no PASID */
    uint32_t outcome;
} Access;

typedef struct {
    const char *name;
    uint8_t ssidsize;
    uint8_t config;
    uint8_t fmt;
    uint8_t cdmax;
    uint8_t dss;
    uint64_t table;     /* 0: CD_TABLE, or its IPA if nested */
    Access access[8];   /* the first with an outcome of 0 ends the list */
} Case;

static const Case cases[] = {
    { "linear", 8, STE_S1, STE_S1FMT_LINEAR, 8, STE_S1DSS_SSID0, 0, {
        { 0, CD(0) }, { 1, CD(1) }, { 3, CD(2) }, { 63, CD(3) },
        { 64, CD(4) }, { 200, CD(5) }, { 2, EVENT(EVT_C_BAD_CD) },
        { 1, CD(1) } } },
    { "two-level-4k", 8, STE_S1, STE_S1FMT_4K, 8, STE_S1DSS_SSID0, 0, {
        { 0, CD(0) }, { 1, CD(1) }, { 63, CD(3) }, { 64, CD(4) },
        { 200, CD(5) }, { 65, EVENT(EVT_C_BAD_CD) },
        /* the third leaf is missing */
        { 130, EVENT(EVT_C_BAD_SUBSTREAMID) } } },
    { "two-level-64k", 20, STE_S1, STE_S1FMT_64K, 20, STE_S1DSS_SSID0, 0, {
        { 0, CD(0) }, { 1, CD(1) }, { 64, CD(4) }, { 200, CD(5) },
        { 199, EVENT(EVT_C_BAD_CD) } } },
    { "terminate", 8, STE_S1, STE_S1FMT_LINEAR, 8, STE_S1DSS_TERMINATE, 0, {
        { 0, EVENT(EVT_F_STREAM_DISABLED) }, { 1, CD(1) },
        { 0, EVENT(EVT_F_STREAM_DISABLED) } } },
    { "bypass", 8, STE_S1, STE_S1FMT_LINEAR, 8, STE_S1DSS_BYPASS, 0, {
        { 0, PASSED }, { 1, CD(1) }, { 0, PASSED } } },
    { "bypass-two-level", 8, STE_S1, STE_S1FMT_4K, 8, STE_S1DSS_BYPASS, 0, {
        { 0, PASSED }, { 64, CD(4) } } },

    /* a limit of 2^S1CDMax */
    { "range", 8, STE_S1, STE_S1FMT_LINEAR, 6, STE_S1DSS_SSID0, 0, {
        { 63, CD(3) }, { 64, EVENT(EVT_C_BAD_SUBSTREAMID) },
        { 200, EVENT(EVT_C_BAD_SUBSTREAMID) } } },
    { "range-one-bit", 8, STE_S1, STE_S1FMT_4K, 1, STE_S1DSS_SSID0, 0, {
        { 1, CD(1) }, { 3, EVENT(EVT_C_BAD_SUBSTREAMID) } } },
    { "no-substreams", 8, STE_S1, STE_S1FMT_LINEAR, 0, STE_S1DSS_TERMINATE, 0,
        { { 0, CD(0) }, { 1, EVENT(EVT_C_BAD_SUBSTREAMID) } } },
    /* S1Fmt and S1DSS mean nothing with a single CD */
    { "no-substreams-ignored", 8, STE_S1, 3, 0, 3, 0, { { 0, CD(0) } } },
    { "no-substreams-format", 8, STE_S1, STE_S1FMT_4K, 0, STE_S1DSS_BYPASS, 0,
        { { 0, CD(0) } } },

    /* a bad STE */
    { "cdmax", 8, STE_S1, STE_S1FMT_LINEAR, 9, STE_S1DSS_SSID0, 0, {
        { 0, EVENT(EVT_C_BAD_STE) }, { 1, EVENT(EVT_C_BAD_STE) } } },
    { "fmt", 8, STE_S1, 3, 8, STE_S1DSS_SSID0, 0, {
        { 0, EVENT(EVT_C_BAD_STE) }, { 1, EVENT(EVT_C_BAD_STE) } } },
    { "dss", 8, STE_S1, STE_S1FMT_LINEAR, 8, 3, 0, {
        { 0, EVENT(EVT_C_BAD_STE) }, { 1, EVENT(EVT_C_BAD_STE) } } },

    /* a table that is not there */
    { "fetch-linear", 8, STE_S1, STE_S1FMT_LINEAR, 8, STE_S1DSS_SSID0, NOWHERE,
        { { 0, EVENT(EVT_F_CD_FETCH) }, { 3, EVENT(EVT_F_CD_FETCH) } } },
    { "fetch-two-level", 8, STE_S1, STE_S1FMT_4K, 8, STE_S1DSS_SSID0, NOWHERE,
        { { 0, EVENT(EVT_F_CD_FETCH) }, { 64, EVENT(EVT_F_CD_FETCH) } } },
    /* registers of a device are no table, whatever they read as */
    { "device-linear", 8, STE_S1, STE_S1FMT_LINEAR, 8, STE_S1DSS_SSID0, UART,
        { { 0, EVENT(EVT_F_CD_FETCH) }, { 3, EVENT(EVT_F_CD_FETCH) } } },
    { "device-two-level", 8, STE_S1, STE_S1FMT_4K, 8, STE_S1DSS_SSID0, UART,
        { { 0, EVENT(EVT_F_CD_FETCH) }, { 64, EVENT(EVT_F_CD_FETCH) } } },

    /* with stage 2, where CD tables have IPAs */
    { "nested-linear", 16, STE_NESTED, STE_S1FMT_LINEAR, 8, STE_S1DSS_SSID0, 0,
        { { 0, CD(0) }, { 1, CD(1) }, { 200, CD(5) },
          { 2, EVENT(EVT_C_BAD_CD) } } },
    { "nested-4k", 16, STE_NESTED, STE_S1FMT_4K, 16, STE_S1DSS_SSID0, 0, {
        { 0, CD(0) }, { 1, CD(1) }, { 64, CD(4) }, { 200, CD(5) },
        { 130, EVENT(EVT_C_BAD_SUBSTREAMID) } } },
    { "nested-bypass", 16, STE_NESTED, STE_S1FMT_4K, 16, STE_S1DSS_BYPASS, 0, {
        { 0, STAGE2_ONLY }, { 1, CD(1) }, { 0, STAGE2_ONLY } } },
    { "nested-terminate", 16, STE_NESTED, STE_S1FMT_4K, 16,
        STE_S1DSS_TERMINATE, 0, {
        { 0, EVENT(EVT_F_STREAM_DISABLED) }, { 1, CD(1) } } },
    { "nested-fault-linear", 16, STE_NESTED, STE_S1FMT_LINEAR, 8,
        STE_S1DSS_SSID0, NOWHERE_IPA, {
        { 0, EVENT(EVT_F_TRANSLATION) }, { 1, EVENT(EVT_F_TRANSLATION) } } },
    { "nested-fault-4k", 16, STE_NESTED, STE_S1FMT_4K, 8,
        STE_S1DSS_SSID0, NOWHERE_IPA, {
        { 0, EVENT(EVT_F_TRANSLATION) }, { 1, EVENT(EVT_F_TRANSLATION) } } },

    /* no stage 1: neither the fields nor the PASID matter */
    { "stage2", 16, STE_S2, 3, 31, 3, 0, {
        { 0, STAGE2_ONLY }, { 1, STAGE2_ONLY } } },
    { "ste-bypass", 16, STE_BYPASS, 3, 31, 3, 0, {
        { 0, PASSED }, { 1, PASSED } } },

    /* without substreams: what it has always been */
    { "off", 0, STE_S1, STE_S1FMT_LINEAR, 0, STE_S1DSS_SSID0, 0, {
        { 0, CD(0) }, { 1, CD(0) }, { 200, CD(0) } } },
    { "off-cdmax", 0, STE_S1, STE_S1FMT_LINEAR, 1, STE_S1DSS_SSID0, 0, {
        { 0, EVENT(EVT_C_BAD_STE) }, { 1, EVENT(EVT_C_BAD_STE) } } },
    { "off-cdmax-stage2", 0, STE_S2, STE_S1FMT_LINEAR, 1, 0, 0, {
        { 0, EVENT(EVT_C_BAD_STE) } } },
};

static void write_words(QTestState *qts, uint64_t addr, const uint32_t *words,
                        int n)
{
    for (int i = 0; i < n; i++) {
        qtest_writel(qts, addr + i * 4, words[i]);
    }
}

static void smmu_writel(QTestState *qts, uint32_t reg, uint32_t val)
{
    qtest_writel(qts, SMMU_BASE + reg, val);
}

static uint32_t smmu_readl(QTestState *qts, uint32_t reg)
{
    return qtest_readl(qts, SMMU_BASE + reg);
}

static void smmu_writeq(QTestState *qts, uint32_t reg, uint64_t val)
{
    smmu_writel(qts, reg, val);
    smmu_writel(qts, reg + 4, val >> 32);
}

static uint64_t table_address(const Case *c, uint64_t addr)
{
    return c->config == STE_NESTED ? addr + IPA_OFFSET : addr;
}

static uint64_t cd_address(const Case *c, int ssid)
{
    if (!c->cdmax) {
        return CD_TABLE;
    }
    switch (c->fmt) {
    case STE_S1FMT_4K:
    case STE_S1FMT_64K:
        /* leaves follow each other: the same place for both sizes */
        return CD_LEAVES + ssid * 64;
    default:
        return CD_TABLE + ssid * 64;
    }
}

static void write_cd_ips(QTestState *qts, const Case *c, int ssid, int k,
                         int ips)
{
    uint64_t ttb = table_address(c, PAGE_TABLES(k));
    uint32_t cd[16] = { CD_WORD0, CD_WORD1(k + 1, ips), ttb, ttb >> 32 };

    write_words(qts, cd_address(c, ssid), cd, 16);
}

/* Have CD(@k)'s page tables used by @ssid; the ASID goes with the tables */
static void write_cd(QTestState *qts, const Case *c, int ssid, int k)
{
    write_cd_ips(qts, c, ssid, k, CD_IPS_44);
}

static void write_l1cd(QTestState *qts, const Case *c)
{
    int leaf_size = c->fmt == STE_S1FMT_4K ? 0x1000 : 0x10000;

    for (int i = 0; i < 4; i++) {
        uint64_t leaf = table_address(c, CD_LEAVES + i * leaf_size);
        bool valid = i != 2;
        uint32_t l1cd[2] = { leaf | valid, leaf >> 32 };

        write_words(qts, CD_TABLE + i * 8, l1cd, 2);
    }
}

static void write_ste(QTestState *qts, const Case *c)
{
    uint64_t table = c->table ?: table_address(c, CD_TABLE);
    uint32_t ste[16] = {
        1 | c->config << 1 | c->fmt << 4 | (uint32_t)table,
        table >> 32 | (uint32_t)c->cdmax << 27,
        c->dss,
    };

    if (c->config == STE_S2 || c->config == STE_NESTED) {
        ste[5] = STE_WORD5;
        ste[6] = (uint32_t)S2_TABLES;
        ste[7] = S2_TABLES >> 32;
    }
    write_words(qts, STRTAB + PTD_DEVFN * 64, ste, 16);
}

static void write_page_tables(QTestState *qts, const Case *c)
{
    for (int k = 0; k <= SPARE; k++) {
        uint64_t l1 = PAGE_TABLES(k), l2 = l1 + 0x1000;

        qtest_writeq(qts, l1 + 8, table_address(c, l2) | PTE_TABLE);
        qtest_writeq(qts, l2, table_address(c, TARGET(k)) | PTE_BLOCK_S1);
        qtest_writel(qts, TARGET(k) + MARK, CD(k));
    }

    /* the second GiB of IPAs is RAM, the first only what a bypass reaches */
    qtest_writeq(qts, S2_TABLES + 8, (S2_TABLES + 0x1000) | PTE_TABLE);
    qtest_writeq(qts, S2_TABLES + 0x1000, TARGET(STAGE2_TARGET) | PTE_BLOCK_S2);
    qtest_writeq(qts, S2_TABLES + 16, PTD_RAM | PTE_BLOCK_S2);
    qtest_writel(qts, TARGET(STAGE2_TARGET) + MARK, STAGE2_ONLY);
    qtest_writel(qts, PTD_RAM + MARK, PASSED);
}

static void enable(QTestState *qts)
{
    ptd_enable(qts);
    ptd_cfg_writew(qts, PASID_TESTDEV_PASID_OFFSET + PCI_PASID_CTRL,
                   PCI_PASID_CTRL_ENABLE);

    smmu_writeq(qts, STRTAB_BASE, STRTAB);
    smmu_writel(qts, STRTAB_BASE_CFG, STRTAB_LOG2);
    smmu_writeq(qts, CMDQ_BASE, CMDQ | QUEUE_LOG2);
    smmu_writeq(qts, EVENTQ_BASE, EVENTQ | QUEUE_LOG2);
    smmu_writel(qts, CR0, CR0_SMMUEN | CR0_EVENTQEN | CR0_CMDQEN);
}

static QTestState *start(const Case *c)
{
    g_autofree char *args = NULL;
    g_autofree char *prop = NULL;
    QTestState *qts;

    /* "off" says nothing about substreams, as any machine of today */
    prop = c->ssidsize ? g_strdup_printf(" -global arm-smmuv3.ssidsize=%d",
                                         c->ssidsize) : g_strdup("");
    args = g_strdup_printf(PTD_MACHINE ",iommu=smmuv3 " PTD_DEVICE "%s", prop);
    qts = qtest_init(args);

    write_page_tables(qts, c);
    for (int k = 0; k < SPARE; k++) {
        write_cd(qts, c, ssids[k], k);
        if (!c->cdmax) {
            break;
        }
    }
    if (c->cdmax && c->fmt != STE_S1FMT_LINEAR) {
        write_l1cd(qts, c);
    }
    write_ste(qts, c);
    enable(qts);
    return qts;
}

/* Read @addr as the device; the outcome is what was read, or the event */
static uint32_t access_at(QTestState *qts, uint32_t pasid, uint64_t addr,
                          uint32_t *event)
{
    uint32_t prod = smmu_readl(qts, EVENTQ_PROD);
    uint32_t status;

    ptd_writel(qts, PASID_TESTDEV_REG_DATA, 0);
    status = ptd_dma(qts, PASID_TESTDEV_CMD_READ, addr,
                     pasid ? pasid | PASID_TESTDEV_PASID_VALID : 0, 4);
    if (status == PASID_TESTDEV_STATUS_OK) {
        g_assert_cmphex(smmu_readl(qts, EVENTQ_PROD), ==, prod);
        return ptd_readl(qts, PASID_TESTDEV_REG_DATA);
    }

    g_assert_cmpint(status, ==, PASID_TESTDEV_STATUS_FAULT);
    g_assert_cmphex(smmu_readl(qts, EVENTQ_PROD), ==, prod + 1);
    for (int i = 0; i < 8; i++) {
        event[i] = qtest_readl(qts, EVENTQ + prod * 32 + i * 4);
    }
    return EVENT(EVT_TYPE(event[0]));
}

static void check_event(const Case *c, const Access *a, const uint32_t *event)
{
    uint8_t type = EVT_TYPE(event[0]);
    bool ssv = a->pasid && c->ssidsize;

    g_assert_cmphex(event[1], ==, PTD_DEVFN);
    if (type == EVT_F_STREAM_DISABLED) {
        g_assert_cmphex(event[0], ==, type);
        return;
    }
    g_assert_cmphex(EVT_SSID(event[0]), ==, ssv ? a->pasid : 0);
    /* 7.3.9: C_BAD_SUBSTREAMID has no SSV */
    if (type != EVT_C_BAD_SUBSTREAMID) {
        g_assert_cmpint(EVT_SSV(event[0]), ==, ssv);
    }
    if (type == EVT_F_CD_FETCH) {
        uint64_t addr = (uint64_t)event[5] << 32 | event[4];

        g_assert_cmphex(addr, ==, c->table + (c->fmt == STE_S1FMT_LINEAR ?
                                              a->pasid * 64 :
                                              (a->pasid >> 6) * 8));
    }
    if (type == EVT_F_TRANSLATION && c->config == STE_NESTED) {
        g_assert_cmpint(EVT_S2(event[3]), ==, 1);
        g_assert_cmpint(EVT_CLASS(event[3]), ==, EVT_CLASS_CD);
    }
}

static void test_case(const void *data)
{
    const Case *c = data;
    QTestState *qts = start(c);
    uint32_t event[8];

    for (const Access *a = c->access;
         a < c->access + ARRAY_SIZE(c->access) && a->outcome; a++) {
        uint32_t outcome = access_at(qts, a->pasid, IOVA, event);

        g_test_message("PASID %u: 0x%x", a->pasid, outcome);
        g_assert_cmphex(outcome, ==, a->outcome);
        if (IS_EVENT(outcome)) {
            check_event(c, a, event);
        }
    }
    qtest_quit(qts);
}

/* A fault in a page table walk names the substream */
static void test_fault(void)
{
    const Case *c = &cases[0];
    QTestState *qts = start(c);
    uint32_t event[8];

    g_assert_cmphex(access_at(qts, 3, IOVA_UNMAPPED, event), ==,
                    EVENT(EVT_F_TRANSLATION));
    g_assert_cmpint(EVT_SSV(event[0]), ==, 1);
    g_assert_cmpint(EVT_SSID(event[0]), ==, 3);
    g_assert_cmphex(event[1], ==, PTD_DEVFN);
    g_assert_cmphex(event[4], ==, IOVA_UNMAPPED);

    g_assert_cmphex(access_at(qts, 0, IOVA_UNMAPPED, event), ==,
                    EVENT(EVT_F_TRANSLATION));
    g_assert_cmpint(EVT_SSV(event[0]), ==, 0);
    g_assert_cmpint(EVT_SSID(event[0]), ==, 0);
    qtest_quit(qts);
}

static void command(QTestState *qts, uint32_t w0, uint32_t w1, uint32_t w2)
{
    uint32_t prod = smmu_readl(qts, CMDQ_PROD);
    uint32_t cmd[4] = { w0, w1, w2 };

    write_words(qts, CMDQ + prod * 16, cmd, 4);
    smmu_writel(qts, CMDQ_PROD, prod + 1);
    g_assert_cmphex(smmu_readl(qts, CMDQ_CONS), ==, prod + 1);
}

/*
 * CD.IPS has a size for 6 since SMMUv3.1, and none for 7 (5.4); what is above
 * IDR5.OAS counts as that. All pages here have addresses of 32 bits.
 */
static void test_ips(void)
{
    const Case *c = &cases[0];
    QTestState *qts = start(c);
    uint32_t event[8];

    for (int ips = 0; ips <= CD_IPS_MAX; ips++) {
        write_cd_ips(qts, c, 1, 1, ips);
        command(qts, CMD_CFGI_CD | CMD_SSV | CMD_SSID(1), PTD_DEVFN, 1);
        g_assert_cmphex(access_at(qts, 1, IOVA, event), ==, CD(1));
    }
    qtest_quit(qts);
}

typedef struct {
    const char *name;
    uint32_t word[3];
} Invalidation;

static const Invalidation invalidations[] = {
    { "cd", { CMD_CFGI_CD | CMD_SSV | CMD_SSID(1), PTD_DEVFN, 1 } },
    { "cd-all", { CMD_CFGI_CD_ALL, PTD_DEVFN } },
    { "ste", { CMD_CFGI_STE, PTD_DEVFN, 1 } },
    { "ste-range", { CMD_CFGI_STE_RANGE, 0, 3 } },
    { "all", { CMD_CFGI_STE_RANGE, 0, 31 } },
};

/*
 * A changed CD counts after its invalidation. It brings its own ASID, so
 * that no translation has to be invalidated as well.
 */
static void test_invalidation(const void *data)
{
    const Invalidation *inv = data;
    const Case *c = &cases[1];
    QTestState *qts = start(c);
    uint32_t event[8];

    g_assert_cmphex(access_at(qts, 1, IOVA, event), ==, CD(1));
    g_assert_cmphex(access_at(qts, 64, IOVA, event), ==, CD(4));
    g_assert_cmphex(access_at(qts, 0, IOVA, event), ==, CD(0));

    write_cd(qts, c, 1, SPARE);
    command(qts, inv->word[0], inv->word[1], inv->word[2]);
    g_assert_cmphex(access_at(qts, 1, IOVA, event), ==, CD(SPARE));
    g_assert_cmphex(access_at(qts, 64, IOVA, event), ==, CD(4));
    g_assert_cmphex(access_at(qts, 0, IOVA, event), ==, CD(0));
    qtest_quit(qts);
}

/* Another stream's invalidation touches nothing: the old CD stays in use */
static void test_invalidation_other(void)
{
    const Case *c = &cases[1];
    QTestState *qts = start(c);
    uint32_t event[8];

    g_assert_cmphex(access_at(qts, 1, IOVA, event), ==, CD(1));
    write_cd(qts, c, 1, SPARE);
    command(qts, CMD_CFGI_STE_RANGE, 16, 3);
    g_assert_cmphex(access_at(qts, 1, IOVA, event), ==, CD(1));
    qtest_quit(qts);
}

/* Reset leaves nothing of what was cached */
static void test_reset(void)
{
    const Case *c = &cases[0];
    QTestState *qts = start(c);
    uint32_t event[8];

    g_assert_cmphex(access_at(qts, 1, IOVA, event), ==, CD(1));
    qtest_system_reset(qts);
    write_cd(qts, c, 1, SPARE);
    enable(qts);
    g_assert_cmphex(access_at(qts, 1, IOVA, event), ==, CD(SPARE));
    qtest_quit(qts);
}

static void add(const char *kind, const char *name, const void *data,
                void (*fn)(const void *))
{
    g_autofree char *path = g_strdup_printf("/smmuv3-ssid/%s/%s", kind, name);

    qtest_add_data_func(path, data, fn);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        add("translate", cases[i].name, &cases[i], test_case);
    }
    qtest_add_func("/smmuv3-ssid/fault", test_fault);
    qtest_add_func("/smmuv3-ssid/ips", test_ips);
    for (int i = 0; i < ARRAY_SIZE(invalidations); i++) {
        add("invalidate", invalidations[i].name, &invalidations[i],
            test_invalidation);
    }
    qtest_add_func("/smmuv3-ssid/invalidate/other", test_invalidation_other);
    qtest_add_func("/smmuv3-ssid/reset", test_reset);

    return g_test_run();
}
