/*
 * QTest of the emulated Arm SMMUv3: tables and queues at device addresses
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each thing that the SMMU reads or writes by itself is put, one at a time,
 * where the machine has a UART instead of memory. The UART reads as zero, and
 * a zero entry is an error of another kind than one that cannot be fetched, so
 * the recorded event tells whether the SMMU has read the device. Sections are
 * those of Arm IHI0070.
 */

#include "qemu/osdep.h"
#include "pasid-testdev.h"

/* The virt machine's memory map; the registers of the UART are one page */
#define SMMU_BASE           0x09050000ull
#define UART                0x09000000ull

/* Registers (6.3) */
enum {
    CR0 = 0x20,
    GERROR = 0x60,
    STRTAB_BASE = 0x80,
    STRTAB_BASE_CFG = 0x88,
    CMDQ_BASE = 0x90,
    CMDQ_PROD = 0x98,
    CMDQ_CONS = 0x9c,
    EVENTQ_BASE = 0xa0,
    EVENTQ_PROD = 0xa8,
};
#define CR0_SMMUEN          (1u << 0)
#define CR0_EVENTQEN        (1u << 2)
#define CR0_CMDQEN          (1u << 3)
#define GERROR_CMDQ_ERR     (1u << 0)
#define GERROR_EVENTQ_ABT   (1u << 2)
#define CONS_ERR(v)         extract32(v, 24, 7)
#define CERROR_ABT          2
#define STRTAB_LOG2         4
#define STRTAB_2LVL         (1u << 16 | 6 << 6)
#define QUEUE_LOG2          4

/* Events (7.3) */
#define F_STE_FETCH         0x03
#define F_CD_FETCH          0x09
#define F_WALK_EABT         0x0b

/* Stream table entry (5.2), words of 64 bits; a leaf of 64 entries (5.1) */
#define STE_SIZE            64
#define STE0_V              1ull
#define STE0_S1             (5ull << 1)
#define STE0_S2             (6ull << 1)
/* 39 bits of IPA, 4K granule, start at level 1, 44 bits out, record faults */
#define STE2_S2             ((25ull | 1 << 6 | 4 << 16 | 1 << 19 | 1 << 26) \
                             << 32)
#define L1STD_SPAN          7

/* Context descriptor (5.4): 39 bits of input, 4K granule, no TTB1 */
#define CD0                 (25u | 1u << 30 | 1u << 31 | \
                             (4ull | 1 << 9 | 1 << 13 | 1 << 14) << 32)
#define PTE_TABLE           3
#define PTE_BLOCK_S1        0x441   /* AF, read and write at EL0 */
#define PTE_BLOCK_S2        0x4c1   /* AF, read and write */

/* Guest memory; the tables map the second GiB to itself */
#define STRTAB              (PTD_RAM + 0x100000)
#define STRTAB_L2           (PTD_RAM + 0x110000)
#define CMDQ                (PTD_RAM + 0x120000)
#define EVENTQ              (PTD_RAM + 0x130000)
#define CD_TABLE            (PTD_RAM + 0x140000)
#define PAGE_TABLE          (PTD_RAM + 0x150000)
#define S2_TABLE            (PTD_RAM + 0x160000)
#define IOVA                (PTD_RAM + 0x200000)
#define MARK                0x600d600d

/* Where things are; what a row of the table leaves 0 is in guest memory */
typedef struct Place {
    const char *name;
    const char *stage;      /* of the SMMU, "1" without */
    uint64_t strtab;
    uint64_t strtab_l2;     /* makes the stream table one of two levels */
    uint64_t cd_table;
    uint64_t page_table;
    uint64_t next_table;    /* level 2 of the page table */
    uint64_t s2_table;      /* has the stream use stage 2 only */
    uint8_t event;          /* 0: the device reads what is there */
    uint64_t fetched;       /* address in the event, for F_STE_FETCH (7.3.4) */
} Place;

static const Place places[] = {
    { .name = "memory" },
    { .name = "memory-two-level", .strtab_l2 = STRTAB_L2 },
    { .name = "memory-stage-2", .stage = "2", .s2_table = S2_TABLE },
    { .name = "ste", .strtab = UART, .event = F_STE_FETCH,
      .fetched = UART + PTD_DEVFN * STE_SIZE },
    { .name = "l1std", .strtab = UART, .strtab_l2 = STRTAB_L2,
      .event = F_STE_FETCH, .fetched = UART },
    { .name = "l2-ste", .strtab_l2 = UART, .event = F_STE_FETCH,
      .fetched = UART + PTD_DEVFN * STE_SIZE },
    { .name = "cd", .cd_table = UART, .event = F_CD_FETCH },
    { .name = "l1-table", .page_table = UART, .event = F_WALK_EABT },
    { .name = "l2-table", .next_table = UART, .event = F_WALK_EABT },
    { .name = "stage-2-table", .stage = "2", .s2_table = UART,
      .event = F_WALK_EABT },
};

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
    qtest_writeq(qts, SMMU_BASE + reg, val);
}

static QTestState *start(const Place *p)
{
    g_autofree char *args =
        g_strdup_printf(PTD_MACHINE ",iommu=smmuv3 " PTD_DEVICE
                        " -global arm-smmuv3.stage=%s", p->stage ?: "1");

    return qtest_init(args);
}

static void write_tables(QTestState *qts, const Place *p)
{
    uint64_t cd_table = p->cd_table ?: CD_TABLE;
    uint64_t page_table = p->page_table ?: PAGE_TABLE;
    uint64_t next_table = p->next_table ?: PAGE_TABLE + 0x1000;
    uint64_t ste = (p->strtab_l2 ? STRTAB_L2 : STRTAB) + PTD_DEVFN * STE_SIZE;

    if (p->s2_table) {
        qtest_writeq(qts, ste, STE0_V | STE0_S2);
        qtest_writeq(qts, ste + 16, STE2_S2);
        qtest_writeq(qts, ste + 24, p->s2_table);
    } else {
        qtest_writeq(qts, ste, STE0_V | STE0_S1 | cd_table);
    }
    if (p->strtab_l2) {
        qtest_writeq(qts, STRTAB, p->strtab_l2 | L1STD_SPAN);
    }
    qtest_writeq(qts, CD_TABLE, CD0);
    qtest_writeq(qts, CD_TABLE + 8, page_table);
    qtest_writeq(qts, PAGE_TABLE + 8, next_table | PTE_TABLE);
    qtest_writeq(qts, PAGE_TABLE + 0x1000 + 8, IOVA | PTE_BLOCK_S1);
    qtest_writeq(qts, S2_TABLE + 8, PTD_RAM | PTE_BLOCK_S2);
    qtest_writel(qts, IOVA, MARK);
}

static void enable(QTestState *qts, const Place *p)
{
    ptd_enable(qts);
    smmu_writeq(qts, STRTAB_BASE, p->strtab ?: STRTAB);
    smmu_writel(qts, STRTAB_BASE_CFG, STRTAB_LOG2 |
                (p->strtab_l2 ? STRTAB_2LVL : 0));
    smmu_writeq(qts, CMDQ_BASE, CMDQ | QUEUE_LOG2);
    smmu_writeq(qts, EVENTQ_BASE, EVENTQ | QUEUE_LOG2);
    smmu_writel(qts, CR0, CR0_SMMUEN | CR0_EVENTQEN | CR0_CMDQEN);
}

static void test_table(const void *opaque)
{
    const Place *p = opaque;
    QTestState *qts = start(p);
    uint32_t status;

    write_tables(qts, p);
    enable(qts, p);
    status = ptd_dma(qts, PASID_TESTDEV_CMD_READ, IOVA, 0, 4);
    g_assert_cmpint(status, ==, p->event ? PASID_TESTDEV_STATUS_FAULT :
                    PASID_TESTDEV_STATUS_OK);
    g_assert_cmphex(smmu_readl(qts, EVENTQ_PROD), ==, p->event ? 1 : 0);
    if (p->event) {
        g_assert_cmphex(qtest_readb(qts, EVENTQ), ==, p->event);
        g_assert_cmphex(qtest_readl(qts, EVENTQ + 4), ==, PTD_DEVFN);
    } else {
        g_assert_cmphex(ptd_readl(qts, PASID_TESTDEV_REG_DATA), ==, MARK);
    }
    if (p->fetched) {
        g_assert_cmphex(qtest_readq(qts, EVENTQ + 24), ==, p->fetched);
    }
    qtest_quit(qts);
}

/* A command that cannot be fetched ends the queue with an abort (7.1) */
static void test_command_queue(void)
{
    QTestState *qts = start(&places[0]);

    enable(qts, &places[0]);
    smmu_writel(qts, CR0, 0);
    smmu_writeq(qts, CMDQ_BASE, UART | QUEUE_LOG2);
    smmu_writel(qts, CR0, CR0_CMDQEN);
    smmu_writel(qts, CMDQ_PROD, 1);
    g_assert_cmphex(smmu_readl(qts, GERROR), ==, GERROR_CMDQ_ERR);
    g_assert_cmpint(CONS_ERR(smmu_readl(qts, CMDQ_CONS)), ==, CERROR_ABT);
    qtest_quit(qts);
}

/* A record that cannot be written is an error of its own (7.2) */
static void test_event_queue(void)
{
    QTestState *qts = start(&places[0]);

    enable(qts, &places[0]);
    smmu_writel(qts, CR0, 0);
    smmu_writeq(qts, EVENTQ_BASE, UART | QUEUE_LOG2);
    smmu_writel(qts, CR0, CR0_SMMUEN | CR0_EVENTQEN);
    /* The stream table is empty */
    g_assert_cmpint(ptd_dma(qts, PASID_TESTDEV_CMD_READ, IOVA, 0, 4), ==,
                    PASID_TESTDEV_STATUS_FAULT);
    g_assert_cmphex(smmu_readl(qts, GERROR), ==, GERROR_EVENTQ_ABT);
    g_assert_cmphex(smmu_readl(qts, EVENTQ_PROD), ==, 0);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(places); i++) {
        g_autofree char *path = g_strdup_printf("/smmuv3-memory/table/%s",
                                                places[i].name);

        qtest_add_data_func(path, &places[i], test_table);
    }
    qtest_add_func("/smmuv3-memory/command-queue", test_command_queue);
    qtest_add_func("/smmuv3-memory/event-queue", test_event_queue);
    return g_test_run();
}
