/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtest for substreams of the emulated Arm SMMUv3
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * Stream table, CD tables and page tables are built in guest memory, and a
 * pasid-testdev reads through them. All context descriptors translate the
 * same input address, each to memory of its own that holds a marker: the
 * value that the device reads tells which descriptor was used.
 */

#include "qemu/osdep.h"
#include "pasid-testdev.h"
#include "smmuv3-emulated.h"

#define UART                    0x09000000ull

/* Fields of event records (7.3) */
#define EVT_TYPE(w0)            extract32(w0, 0, 8)
#define EVT_SSV(w0)             extract32(w0, 11, 1)
#define EVT_SSID(w0)            extract32(w0, 12, 20)
#define EVT_S2(w3)              extract32(w3, 7, 1)
#define EVT_CLASS(w3)           extract32(w3, 8, 2)
#define EVT_CLASS_CD            0

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

/* Outcome of a transaction, besides an event */
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
    { .name = "linear", .ssidsize = 8, .config = VS_CONFIG_S1,
      .fmt = VS_S1FMT_LINEAR, .cdmax = 8, .dss = VS_S1DSS_SSID0, .access = {
        { 0, CD(0) }, { 1, CD(1) }, { 3, CD(2) }, { 63, CD(3) }, { 64, CD(4) },
        { 200, CD(5) }, { 2, EVENT(VS_EVT_C_BAD_CD) }, { 1, CD(1) } } },
    { .name = "two-level-4k", .ssidsize = 8, .config = VS_CONFIG_S1,
      .fmt = VS_S1FMT_4K, .cdmax = 8, .dss = VS_S1DSS_SSID0, .access = {
        { 0, CD(0) }, { 1, CD(1) }, { 63, CD(3) }, { 64, CD(4) },
        { 200, CD(5) }, { 65, EVENT(VS_EVT_C_BAD_CD) },
        /* the third leaf is missing */
        { 130, EVENT(VS_EVT_C_BAD_SUBSTREAMID) } } },
    { .name = "two-level-64k", .ssidsize = 20, .config = VS_CONFIG_S1,
      .fmt = VS_S1FMT_64K, .cdmax = 20, .dss = VS_S1DSS_SSID0, .access = {
        { 0, CD(0) }, { 1, CD(1) }, { 64, CD(4) }, { 200, CD(5) },
        { 199, EVENT(VS_EVT_C_BAD_CD) } } },
    { .name = "terminate", .ssidsize = 8, .config = VS_CONFIG_S1,
      .fmt = VS_S1FMT_LINEAR, .cdmax = 8, .dss = VS_S1DSS_TERMINATE,
      .access = { { 0, EVENT(VS_EVT_F_STREAM_DISABLED) }, { 1, CD(1) },
        { 0, EVENT(VS_EVT_F_STREAM_DISABLED) } } },
    { .name = "bypass", .ssidsize = 8, .config = VS_CONFIG_S1,
      .fmt = VS_S1FMT_LINEAR, .cdmax = 8, .dss = VS_S1DSS_BYPASS, .access = {
        { 0, PASSED }, { 1, CD(1) }, { 0, PASSED } } },
    { .name = "bypass-two-level", .ssidsize = 8, .config = VS_CONFIG_S1,
      .fmt = VS_S1FMT_4K, .cdmax = 8, .dss = VS_S1DSS_BYPASS, .access = {
        { 0, PASSED }, { 64, CD(4) } } },

    /* a limit of 2^S1CDMax */
    { .name = "range", .ssidsize = 8, .config = VS_CONFIG_S1,
      .fmt = VS_S1FMT_LINEAR, .cdmax = 6, .dss = VS_S1DSS_SSID0, .access = {
        { 63, CD(3) }, { 64, EVENT(VS_EVT_C_BAD_SUBSTREAMID) },
        { 200, EVENT(VS_EVT_C_BAD_SUBSTREAMID) } } },
    { .name = "range-one-bit", .ssidsize = 8, .config = VS_CONFIG_S1,
      .fmt = VS_S1FMT_4K, .cdmax = 1, .dss = VS_S1DSS_SSID0, .access = {
        { 1, CD(1) }, { 3, EVENT(VS_EVT_C_BAD_SUBSTREAMID) } } },
    { .name = "no-substreams", .ssidsize = 8, .config = VS_CONFIG_S1,
      .fmt = VS_S1FMT_LINEAR, .dss = VS_S1DSS_TERMINATE, .access = {
        { 0, CD(0) }, { 1, EVENT(VS_EVT_C_BAD_SUBSTREAMID) } } },
    /* S1Fmt and S1DSS mean nothing with a single CD */
    { .name = "no-substreams-ignored", .ssidsize = 8, .config = VS_CONFIG_S1,
      .fmt = 3, .dss = 3, .access = { { 0, CD(0) } } },
    { .name = "no-substreams-format", .ssidsize = 8, .config = VS_CONFIG_S1,
      .fmt = VS_S1FMT_4K, .dss = VS_S1DSS_BYPASS, .access = { { 0, CD(0) } } },

    /* a bad STE */
    { .name = "cdmax", .ssidsize = 8, .config = VS_CONFIG_S1,
      .fmt = VS_S1FMT_LINEAR, .cdmax = 9, .dss = VS_S1DSS_SSID0, .access = {
        { 0, EVENT(VS_EVT_C_BAD_STE) }, { 1, EVENT(VS_EVT_C_BAD_STE) } } },
    { .name = "fmt", .ssidsize = 8, .config = VS_CONFIG_S1, .fmt = 3,
      .cdmax = 8, .dss = VS_S1DSS_SSID0, .access = {
        { 0, EVENT(VS_EVT_C_BAD_STE) }, { 1, EVENT(VS_EVT_C_BAD_STE) } } },
    { .name = "dss", .ssidsize = 8, .config = VS_CONFIG_S1,
      .fmt = VS_S1FMT_LINEAR, .cdmax = 8, .dss = 3, .access = {
        { 0, EVENT(VS_EVT_C_BAD_STE) }, { 1, EVENT(VS_EVT_C_BAD_STE) } } },

    /* a table that is not there */
    { .name = "fetch-linear", .ssidsize = 8, .config = VS_CONFIG_S1,
      .fmt = VS_S1FMT_LINEAR, .cdmax = 8, .dss = VS_S1DSS_SSID0,
      .table = NOWHERE, .access = { { 0, EVENT(VS_EVT_F_CD_FETCH) },
        { 3, EVENT(VS_EVT_F_CD_FETCH) } } },
    { .name = "fetch-two-level", .ssidsize = 8, .config = VS_CONFIG_S1,
      .fmt = VS_S1FMT_4K, .cdmax = 8, .dss = VS_S1DSS_SSID0, .table = NOWHERE,
      .access = { { 0, EVENT(VS_EVT_F_CD_FETCH) },
        { 64, EVENT(VS_EVT_F_CD_FETCH) } } },
    /* registers of a device are no table */
    { .name = "device-linear", .ssidsize = 8, .config = VS_CONFIG_S1,
      .fmt = VS_S1FMT_LINEAR, .cdmax = 8, .dss = VS_S1DSS_SSID0, .table = UART,
      .access = { { 0, EVENT(VS_EVT_F_CD_FETCH) },
        { 3, EVENT(VS_EVT_F_CD_FETCH) } } },
    { .name = "device-two-level", .ssidsize = 8, .config = VS_CONFIG_S1,
      .fmt = VS_S1FMT_4K, .cdmax = 8, .dss = VS_S1DSS_SSID0, .table = UART,
      .access = { { 0, EVENT(VS_EVT_F_CD_FETCH) },
        { 64, EVENT(VS_EVT_F_CD_FETCH) } } },

    /* with stage 2, where CD tables have IPAs */
    { .name = "nested-linear", .ssidsize = 16, .config = VS_CONFIG_NESTED,
      .fmt = VS_S1FMT_LINEAR, .cdmax = 8, .dss = VS_S1DSS_SSID0, .access = {
        { 0, CD(0) }, { 1, CD(1) }, { 200, CD(5) },
        { 2, EVENT(VS_EVT_C_BAD_CD) } } },
    { .name = "nested-4k", .ssidsize = 16, .config = VS_CONFIG_NESTED,
      .fmt = VS_S1FMT_4K, .cdmax = 16, .dss = VS_S1DSS_SSID0, .access = {
        { 0, CD(0) }, { 1, CD(1) }, { 64, CD(4) }, { 200, CD(5) },
        { 130, EVENT(VS_EVT_C_BAD_SUBSTREAMID) } } },
    { .name = "nested-bypass", .ssidsize = 16, .config = VS_CONFIG_NESTED,
      .fmt = VS_S1FMT_4K, .cdmax = 16, .dss = VS_S1DSS_BYPASS, .access = {
        { 0, STAGE2_ONLY }, { 1, CD(1) }, { 0, STAGE2_ONLY } } },
    { .name = "nested-terminate", .ssidsize = 16, .config = VS_CONFIG_NESTED,
      .fmt = VS_S1FMT_4K, .cdmax = 16, .dss = VS_S1DSS_TERMINATE, .access = {
        { 0, EVENT(VS_EVT_F_STREAM_DISABLED) }, { 1, CD(1) } } },
    { .name = "nested-fault-linear", .ssidsize = 16,
      .config = VS_CONFIG_NESTED, .fmt = VS_S1FMT_LINEAR, .cdmax = 8,
      .dss = VS_S1DSS_SSID0, .table = NOWHERE_IPA, .access = {
        { 0, EVENT(VS_EVT_F_TRANSLATION) },
        { 1, EVENT(VS_EVT_F_TRANSLATION) } } },
    { .name = "nested-fault-4k", .ssidsize = 16, .config = VS_CONFIG_NESTED,
      .fmt = VS_S1FMT_4K, .cdmax = 8, .dss = VS_S1DSS_SSID0,
      .table = NOWHERE_IPA, .access = { { 0, EVENT(VS_EVT_F_TRANSLATION) },
        { 1, EVENT(VS_EVT_F_TRANSLATION) } } },

    /* no stage 1: neither the fields nor the PASID matter */
    { .name = "stage2", .ssidsize = 16, .config = VS_CONFIG_S2, .fmt = 3,
      .cdmax = 31, .dss = 3, .access = { { 0, STAGE2_ONLY },
        { 1, STAGE2_ONLY } } },
    { .name = "ste-bypass", .ssidsize = 16, .config = VS_CONFIG_BYPASS,
      .fmt = 3, .cdmax = 31, .dss = 3, .access = { { 0, PASSED },
        { 1, PASSED } } },

    /* without substreams: the behaviour of the base */
    { .name = "off", .config = VS_CONFIG_S1, .fmt = VS_S1FMT_LINEAR,
      .dss = VS_S1DSS_SSID0, .access = { { 0, CD(0) }, { 1, CD(0) },
        { 200, CD(0) } } },
    { .name = "off-cdmax", .config = VS_CONFIG_S1, .fmt = VS_S1FMT_LINEAR,
      .cdmax = 1, .dss = VS_S1DSS_SSID0, .access = {
        { 0, EVENT(VS_EVT_C_BAD_STE) }, { 1, EVENT(VS_EVT_C_BAD_STE) } } },
    { .name = "off-cdmax-stage2", .config = VS_CONFIG_S2,
      .fmt = VS_S1FMT_LINEAR, .cdmax = 1, .access = {
        { 0, EVENT(VS_EVT_C_BAD_STE) } } },
};

static uint64_t table_address(const Case *c, uint64_t addr)
{
    return c->config == VS_CONFIG_NESTED ? addr + IPA_OFFSET : addr;
}

static uint64_t cd_address(const Case *c, int ssid)
{
    if (!c->cdmax) {
        return CD_TABLE;
    }
    switch (c->fmt) {
    case VS_S1FMT_4K:
    case VS_S1FMT_64K:
        /* leaves follow each other: the same place for both sizes */
        return CD_LEAVES + ssid * VS_CD_SIZE;
    default:
        return CD_TABLE + ssid * VS_CD_SIZE;
    }
}

static void write_cd_ips(QTestState *qts, const Case *c, int ssid, int k,
                         int ips)
{
    uint64_t cd = cd_address(c, ssid);

    qtest_writeq(qts, cd, VS_CD0(k + 1, ips));
    qtest_writeq(qts, cd + 8, table_address(c, PAGE_TABLES(k)));
}

/* Have CD(@k)'s page tables used by @ssid; the ASID goes with the tables */
static void write_cd(QTestState *qts, const Case *c, int ssid, int k)
{
    write_cd_ips(qts, c, ssid, k, VS_CD_IPS_44);
}

static void write_l1cd(QTestState *qts, const Case *c)
{
    int leaf_size = c->fmt == VS_S1FMT_4K ? 0x1000 : 0x10000;

    for (int i = 0; i < 4; i++) {
        uint64_t leaf = table_address(c, CD_LEAVES + i * leaf_size);
        bool valid = i != 2;

        qtest_writeq(qts, CD_TABLE + i * 8, leaf | valid);
    }
}

static void write_ste(QTestState *qts, const Case *c)
{
    uint64_t table = c->table ?: table_address(c, CD_TABLE);
    uint64_t ste = STRTAB + PTD_DEVFN * VS_STE_SIZE;

    qtest_writeq(qts, ste, VS_STE0_V | VS_STE0_CONFIG(c->config) |
                 VS_STE0_S1FMT(c->fmt) | VS_STE0_S1CDMAX(c->cdmax) | table);
    qtest_writeq(qts, ste + 8, VS_STE1_S1DSS(c->dss));
    if (c->config == VS_CONFIG_S2 || c->config == VS_CONFIG_NESTED) {
        qtest_writeq(qts, ste + 16, VS_STE2_S2_39 | VS_STE2_S2R);
        qtest_writeq(qts, ste + 24, S2_TABLES);
    }
}

static void write_page_tables(QTestState *qts, const Case *c)
{
    for (int k = 0; k <= SPARE; k++) {
        uint64_t l1 = PAGE_TABLES(k), l2 = l1 + 0x1000;

        qtest_writeq(qts, l1 + 8, table_address(c, l2) | VS_PTE_TABLE);
        qtest_writeq(qts, l2, table_address(c, TARGET(k)) | VS_PTE_BLOCK_S1);
        qtest_writel(qts, TARGET(k) + MARK, CD(k));
    }

    /* the second GiB of IPAs is RAM, the first only what a bypass reaches */
    qtest_writeq(qts, S2_TABLES + 8, (S2_TABLES + 0x1000) | VS_PTE_TABLE);
    qtest_writeq(qts, S2_TABLES + 0x1000,
                 TARGET(STAGE2_TARGET) | VS_PTE_BLOCK_S2);
    qtest_writeq(qts, S2_TABLES + 16, PTD_RAM | VS_PTE_BLOCK_S2);
    qtest_writel(qts, TARGET(STAGE2_TARGET) + MARK, STAGE2_ONLY);
    qtest_writel(qts, PTD_RAM + MARK, PASSED);
}

static void enable(QTestState *qts)
{
    ptd_enable(qts);
    ptd_cfg_writew(qts, PASID_TESTDEV_PASID_OFFSET + PCI_PASID_CTRL,
                   PCI_PASID_CTRL_ENABLE);

    smmu_writeq(qts, VS_STRTAB_BASE, STRTAB);
    smmu_writel(qts, VS_STRTAB_BASE_CFG, STRTAB_LOG2);
    smmu_writeq(qts, VS_CMDQ_BASE, CMDQ | QUEUE_LOG2);
    smmu_writeq(qts, VS_EVENTQ_BASE, EVENTQ | QUEUE_LOG2);
    smmu_writel(qts, VS_CR0, VS_CR0_SMMUEN | VS_CR0_EVENTQEN | VS_CR0_CMDQEN);
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
    if (c->cdmax && c->fmt != VS_S1FMT_LINEAR) {
        write_l1cd(qts, c);
    }
    write_ste(qts, c);
    enable(qts);
    return qts;
}

/* Read @addr as the device; the outcome is the value or the event */
static uint32_t access_at(QTestState *qts, uint32_t pasid, uint64_t addr,
                          uint32_t *event)
{
    uint32_t prod = smmu_readl(qts, VS_EVENTQ_PROD);
    uint32_t status;

    ptd_writel(qts, PASID_TESTDEV_REG_DATA, 0);
    status = ptd_dma(qts, PASID_TESTDEV_CMD_READ, addr,
                     pasid ? pasid | PASID_TESTDEV_PASID_VALID : 0, 4);
    if (status == PASID_TESTDEV_STATUS_OK) {
        g_assert_cmphex(smmu_readl(qts, VS_EVENTQ_PROD), ==, prod);
        return ptd_readl(qts, PASID_TESTDEV_REG_DATA);
    }

    g_assert_cmpint(status, ==, PASID_TESTDEV_STATUS_FAULT);
    g_assert_cmphex(smmu_readl(qts, VS_EVENTQ_PROD), ==, prod + 1);
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
    if (type == VS_EVT_F_STREAM_DISABLED) {
        g_assert_cmphex(event[0], ==, type);
        return;
    }
    g_assert_cmphex(EVT_SSID(event[0]), ==, ssv ? a->pasid : 0);
    /* 7.3.9: C_BAD_SUBSTREAMID has no SSV */
    if (type != VS_EVT_C_BAD_SUBSTREAMID) {
        g_assert_cmpint(EVT_SSV(event[0]), ==, ssv);
    }
    if (type == VS_EVT_F_CD_FETCH) {
        uint64_t addr = (uint64_t)event[5] << 32 | event[4];

        g_assert_cmphex(addr, ==, c->table + (c->fmt == VS_S1FMT_LINEAR ?
                                              a->pasid * 64 :
                                              (a->pasid >> 6) * 8));
    }
    if (type == VS_EVT_F_TRANSLATION && c->config == VS_CONFIG_NESTED) {
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
                    EVENT(VS_EVT_F_TRANSLATION));
    g_assert_cmpint(EVT_SSV(event[0]), ==, 1);
    g_assert_cmpint(EVT_SSID(event[0]), ==, 3);
    g_assert_cmphex(event[1], ==, PTD_DEVFN);
    g_assert_cmphex(event[4], ==, IOVA_UNMAPPED);

    g_assert_cmphex(access_at(qts, 0, IOVA_UNMAPPED, event), ==,
                    EVENT(VS_EVT_F_TRANSLATION));
    g_assert_cmpint(EVT_SSV(event[0]), ==, 0);
    g_assert_cmpint(EVT_SSID(event[0]), ==, 0);
    qtest_quit(qts);
}

static void command(QTestState *qts, uint32_t word0, uint32_t sid,
                    uint64_t word1)
{
    smmu_command(qts, CMDQ, QUEUE_LOG2, word0 | (uint64_t)sid << 32, word1);
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

    for (int ips = 0; ips <= VS_CD_IPS_MAX; ips++) {
        write_cd_ips(qts, c, 1, 1, ips);
        command(qts, VS_CMD_CFGI_CD | VS_CMD_SSV | VS_CMD_SSID(1), PTD_DEVFN,
                1);
        g_assert_cmphex(access_at(qts, 1, IOVA, event), ==, CD(1));
    }
    qtest_quit(qts);
}

typedef struct {
    const char *name;
    uint32_t word0;
    uint32_t sid;
    uint64_t word1;
} Invalidation;

static const Invalidation invalidations[] = {
    { .name = "cd", .word0 = VS_CMD_CFGI_CD | VS_CMD_SSV | VS_CMD_SSID(1),
      .sid = PTD_DEVFN, .word1 = 1 },
    { .name = "cd-all", .word0 = VS_CMD_CFGI_CD_ALL, .sid = PTD_DEVFN },
    { .name = "ste", .word0 = VS_CMD_CFGI_STE, .sid = PTD_DEVFN, .word1 = 1 },
    { .name = "ste-range", .word0 = VS_CMD_CFGI_STE_RANGE, .word1 = 3 },
    { .name = "all", .word0 = VS_CMD_CFGI_STE_RANGE, .word1 = VS_RANGE_ALL },
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
    command(qts, inv->word0, inv->sid, inv->word1);
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
    command(qts, VS_CMD_CFGI_STE_RANGE, 16, 3);
    g_assert_cmphex(access_at(qts, 1, IOVA, event), ==, CD(1));
    qtest_quit(qts);
}

/* Reset empties the caches */
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
