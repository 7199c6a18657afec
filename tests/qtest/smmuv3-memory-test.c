/*
 * QTest of the emulated Arm SMMUv3: tables and queues at device addresses
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each row puts one table or queue at the address of a UART. The UART reads as
 * zero, and the event for a zero entry differs from the event for a failed
 * fetch: so the event shows whether the SMMU has read the device. Sections are
 * those of Arm IHI0070.
 */

#include "qemu/osdep.h"
#include "pasid-testdev.h"
#include "smmuv3-emulated.h"

/* The virt machine's memory map; the registers of the UART are one page */
#define UART                0x09000000ull

#define STRTAB_LOG2         4
#define STRTAB_2LVL         (VS_STRTAB_FMT(1) | VS_STRTAB_SPLIT(6))
#define QUEUE_LOG2          4

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

/* Addresses of tables; 0 stands for the usual place in guest memory */
typedef struct Place {
    const char *name;
    const char *stage;      /* of the SMMU, "1" without */
    uint64_t strtab;
    uint64_t strtab_l2;     /* makes the stream table one of two levels */
    uint64_t cd_table;
    uint64_t page_table;
    uint64_t next_table;    /* level 2 of the page table */
    uint64_t s2_table;      /* has the stream use stage 2 only */
    uint8_t event;          /* 0: the read of the device succeeds */
    uint64_t fetched;       /* address in the event F_STE_FETCH (7.3.4) */
} Place;

static const Place places[] = {
    { .name = "memory" },
    { .name = "memory-two-level", .strtab_l2 = STRTAB_L2 },
    { .name = "memory-stage-2", .stage = "2", .s2_table = S2_TABLE },
    { .name = "ste", .strtab = UART, .event = VS_EVT_F_STE_FETCH,
      .fetched = UART + PTD_DEVFN * VS_STE_SIZE },
    { .name = "l1std", .strtab = UART, .strtab_l2 = STRTAB_L2,
      .event = VS_EVT_F_STE_FETCH, .fetched = UART },
    { .name = "l2-ste", .strtab_l2 = UART, .event = VS_EVT_F_STE_FETCH,
      .fetched = UART + PTD_DEVFN * VS_STE_SIZE },
    { .name = "cd", .cd_table = UART, .event = VS_EVT_F_CD_FETCH },
    { .name = "l1-table", .page_table = UART, .event = VS_EVT_F_WALK_EABT },
    { .name = "l2-table", .next_table = UART, .event = VS_EVT_F_WALK_EABT },
    { .name = "stage-2-table", .stage = "2", .s2_table = UART,
      .event = VS_EVT_F_WALK_EABT },
};

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
    uint64_t ste = (p->strtab_l2 ? STRTAB_L2 : STRTAB) +
                   PTD_DEVFN * VS_STE_SIZE;

    if (p->s2_table) {
        qtest_writeq(qts, ste, VS_STE0_V | VS_STE0_S2);
        qtest_writeq(qts, ste + 16, VS_STE2_S2_39 | VS_STE2_S2R);
        qtest_writeq(qts, ste + 24, p->s2_table);
    } else {
        qtest_writeq(qts, ste, VS_STE0_V | VS_STE0_S1 | cd_table);
    }
    if (p->strtab_l2) {
        qtest_writeq(qts, STRTAB, p->strtab_l2 | VS_L1STD_SPAN(7));
    }
    qtest_writeq(qts, CD_TABLE, VS_CD0(0, VS_CD_IPS_44));
    qtest_writeq(qts, CD_TABLE + 8, page_table);
    qtest_writeq(qts, PAGE_TABLE + 8, next_table | VS_PTE_TABLE);
    qtest_writeq(qts, PAGE_TABLE + 0x1000 + 8, IOVA | VS_PTE_BLOCK_S1);
    qtest_writeq(qts, S2_TABLE + 8, PTD_RAM | VS_PTE_BLOCK_S2);
    qtest_writel(qts, IOVA, MARK);
}

static void enable(QTestState *qts, const Place *p)
{
    ptd_enable(qts);
    smmu_writeq(qts, VS_STRTAB_BASE, p->strtab ?: STRTAB);
    smmu_writel(qts, VS_STRTAB_BASE_CFG, STRTAB_LOG2 |
                (p->strtab_l2 ? STRTAB_2LVL : 0));
    smmu_writeq(qts, VS_CMDQ_BASE, CMDQ | QUEUE_LOG2);
    smmu_writeq(qts, VS_EVENTQ_BASE, EVENTQ | QUEUE_LOG2);
    smmu_writel(qts, VS_CR0, VS_CR0_SMMUEN | VS_CR0_EVENTQEN | VS_CR0_CMDQEN);
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
    g_assert_cmphex(smmu_readl(qts, VS_EVENTQ_PROD), ==, p->event ? 1 : 0);
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
    smmu_writel(qts, VS_CR0, 0);
    smmu_writeq(qts, VS_CMDQ_BASE, UART | QUEUE_LOG2);
    smmu_writel(qts, VS_CR0, VS_CR0_CMDQEN);
    smmu_writel(qts, VS_CMDQ_PROD, 1);
    g_assert_cmphex(smmu_readl(qts, VS_GERROR), ==, VS_GERROR_CMDQ_ERR);
    g_assert_cmpint(VS_CONS_ERR(smmu_readl(qts, VS_CMDQ_CONS)), ==,
                    VS_CERROR_ABT);
    qtest_quit(qts);
}

/* A record that cannot be written is an error of its own (7.2) */
static void test_event_queue(void)
{
    QTestState *qts = start(&places[0]);

    enable(qts, &places[0]);
    smmu_writel(qts, VS_CR0, 0);
    smmu_writeq(qts, VS_EVENTQ_BASE, UART | QUEUE_LOG2);
    smmu_writel(qts, VS_CR0, VS_CR0_SMMUEN | VS_CR0_EVENTQEN);
    /* The stream table is empty */
    g_assert_cmpint(ptd_dma(qts, PASID_TESTDEV_CMD_READ, IOVA, 0, 4), ==,
                    PASID_TESTDEV_STATUS_FAULT);
    g_assert_cmphex(smmu_readl(qts, VS_GERROR), ==, VS_GERROR_EVENTQ_ABT_ERR);
    g_assert_cmphex(smmu_readl(qts, VS_EVENTQ_PROD), ==, 0);
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
