/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtest for the stall model of the emulated Arm SMMUv3: no record is lost
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * The event queue has no room, is off, or is where no memory is; or more
 * transactions wait than the guest can be told of at a time.
 */

#include "qemu/osdep.h"
#include "smmuv3-stall.h"

#define READ                PASID_TESTDEV_CMD_READ
#define ON                  ST_DEVICE(1) ST_SMMU "on"
#define IOVA(n)             (ST_IOVA + (n) * ST_PAGE_SIZE)
#define NOWHERE             0xf0000000000ull

static const StConfig usual;

static uint16_t stalled(QTestState *qts, int n, uint32_t sid, int k, int page)
{
    return st_stalled(qts, n, sid, k, IOVA(page), VS_EVT_F_TRANSLATION, READ);
}

/* A record that finds no room waits for it, and nothing is lost (7.2) */
static void test_queue_full(void)
{
    const StConfig two = { .eventq_log2 = 1 };
    QTestState *qts = st_start(ON, &two, 1);
    StDevice d = st_dev(1);
    uint16_t stag[5];

    for (int i = 0; i < 5; i++) {
        st_go_page(qts, d, i, READ, 1, i);
    }
    /* Index 0 with the wrap bit set: full. Neither overflow nor an error */
    g_assert_cmphex(st_events(qts), ==, 2);
    g_assert_cmphex(smmu_readl(qts, VS_GERROR), ==, 0);
    stag[0] = stalled(qts, 0, d.sid, 1, 0);
    stag[1] = stalled(qts, 1, d.sid, 1, 1);
    /* An answer makes no room in the queue */
    st_map(qts, 1, 0);
    st_resume(qts, VS_RESUME_RETRY, d.sid, stag[0]);
    st_read(qts, d, 0, 1, 0);
    g_assert_cmphex(st_events(qts), ==, 2);

    smmu_writel(qts, VS_EVENTQ_CONS, 1);
    g_assert_cmphex(st_events(qts), ==, 3);
    stag[2] = stalled(qts, 0, d.sid, 1, 2);
    smmu_writel(qts, VS_EVENTQ_CONS, 3);
    g_assert_cmphex(st_events(qts), ==, 1);
    stag[3] = stalled(qts, 1, d.sid, 1, 3);
    stag[4] = stalled(qts, 0, d.sid, 1, 4);
    for (int i = 1; i < 5; i++) {
        st_busy(qts, d, i);
        st_map(qts, 1, i);
        st_resume(qts, VS_RESUME_RETRY, d.sid, stag[i]);
        st_read(qts, d, i, 1, i);
    }
    g_assert_cmphex(smmu_readl(qts, VS_GERROR), ==, 0);
    qtest_quit(qts);
}

/* The guest cannot answer a stall that it has no event of, but terminate it */
static void test_queue_full_end(void)
{
    const StConfig two = { .eventq_log2 = 1 };
    QTestState *qts = st_start(ON, &two, 1);
    StDevice d = st_dev(1);
    uint16_t last;

    for (int i = 0; i < 3; i++) {
        st_go_page(qts, d, i, READ, 1, i);
    }
    last = stalled(qts, 1, d.sid, 1, 1);
    for (int i = 1; i < 4; i++) {
        st_resume(qts, VS_RESUME_ABORT, d.sid, last + i);
    }
    st_busy(qts, d, 2);
    st_command(qts, VS_CMD_STALL_TERM, d.sid, 0);
    for (int i = 0; i < 3; i++) {
        st_wait(qts, d, i, PASID_TESTDEV_STATUS_FAULT);
    }
    smmu_writel(qts, VS_EVENTQ_CONS, 2);
    g_assert_cmphex(st_events(qts), ==, 2);
    qtest_quit(qts);
}

static void test_queue_off(void)
{
    const StConfig off = { .eventq_off = true };
    QTestState *qts = st_start(ON, &off, 1);
    StDevice d = st_dev(1);

    st_go_page(qts, d, 0, READ, 1, 0);
    st_go_page(qts, d, 1, READ, 2, 1);
    st_busy(qts, d, 0);
    g_assert_cmphex(st_events(qts), ==, 0);
    smmu_writel(qts, VS_CR0,
                VS_CR0_SMMUEN | VS_CR0_CMDQEN | VS_CR0_EVENTQEN);
    g_assert_cmphex(st_events(qts), ==, 2);
    st_map(qts, 1, 0);
    st_map(qts, 2, 1);
    st_resume(qts, VS_RESUME_RETRY, d.sid, stalled(qts, 0, d.sid, 1, 0));
    st_resume(qts, VS_RESUME_RETRY, d.sid, stalled(qts, 1, d.sid, 2, 1));
    st_read(qts, d, 0, 1, 0);
    st_read(qts, d, 1, 2, 1);
    qtest_quit(qts);
}

/* The queue is where no memory is: an error, until the guest has mended it */
static void test_queue_aborted(void)
{
    QTestState *qts = st_start(ON, &usual, 1);
    StDevice d = st_dev(1);

    smmu_writeq(qts, VS_EVENTQ_BASE, NOWHERE | ST_QUEUE_LOG2);
    st_go_page(qts, d, 0, READ, 1, 0);
    g_assert_cmphex(smmu_readl(qts, VS_GERROR), ==, VS_GERROR_EVENTQ_ABT_ERR);
    g_assert_cmphex(st_events(qts), ==, 0);
    smmu_writeq(qts, VS_EVENTQ_BASE, ST_EVENTQ | ST_QUEUE_LOG2);
    g_assert_cmphex(st_events(qts), ==, 0);
    smmu_writel(qts, VS_GERRORN, VS_GERROR_EVENTQ_ABT_ERR);
    g_assert_cmphex(st_events(qts), ==, 1);
    st_map(qts, 1, 0);
    st_resume(qts, VS_RESUME_RETRY, d.sid, stalled(qts, 0, d.sid, 1, 0));
    st_read(qts, d, 0, 1, 0);
    qtest_quit(qts);
}

#define MANY                (9 * PASID_TESTDEV_CHANNELS)

static StDevice owner(int i)
{
    return st_dev(1 + i / PASID_TESTDEV_CHANNELS);
}

static QTestState *start_many(uint32_t *max)
{
    QTestState *qts = st_start(ST_DEVICE(1) ST_DEVICE(2) ST_DEVICE(3)
                               ST_DEVICE(4) ST_DEVICE(5) ST_DEVICE(6)
                               ST_DEVICE(7) ST_DEVICE(8) ST_DEVICE(9)
                               ST_SMMU "on", &usual, 9);

    *max = VS_IDR5_STALL_MAX(smmu_readl(qts, VS_IDR5));
    g_assert_cmpuint(*max, <, MANY);
    for (int i = 0; i < MANY; i++) {
        st_go_page(qts, owner(i), i % PASID_TESTDEV_CHANNELS, READ, 1, 1);
    }
    g_assert_cmpuint(st_events(qts), ==, *max);
    return qts;
}

/* More wait than IDR5.STALL_MAX says: they are told as others end */
static void test_max(void)
{
    uint32_t max;
    QTestState *qts = start_many(&max);

    st_map(qts, 1, 1);
    for (int i = 0; i < MANY; i++) {
        StDevice d = owner(i);

        g_assert_cmpuint(st_events(qts), ==, MIN(max + i, MANY));
        st_resume(qts, VS_RESUME_RETRY, d.sid, stalled(qts, i, d.sid, 1, 1));
        st_read(qts, d, i % PASID_TESTDEV_CHANNELS, 1, 1);
    }
    g_assert_cmphex(smmu_readl(qts, VS_GERROR), ==, 0);
    qtest_quit(qts);
}

/* Those of a device that is reset make room for others */
static void test_max_reset(void)
{
    uint32_t max;
    QTestState *qts = start_many(&max);

    qtest_writew(qts, st_flr(qts, ST_SID(1)), PCI_EXP_DEVCTL_BCR_FLR);
    g_assert_cmpuint(st_events(qts), ==, max + PASID_TESTDEV_CHANNELS);
    st_map(qts, 1, 1);
    for (int i = PASID_TESTDEV_CHANNELS; i < MANY; i++) {
        StDevice d = owner(i);

        st_resume(qts, VS_RESUME_RETRY, d.sid, stalled(qts, i, d.sid, 1, 1));
        st_read(qts, d, i % PASID_TESTDEV_CHANNELS, 1, 1);
    }
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("smmuv3-stall/queue/full", test_queue_full);
    qtest_add_func("smmuv3-stall/queue/full-end", test_queue_full_end);
    qtest_add_func("smmuv3-stall/queue/off", test_queue_off);
    qtest_add_func("smmuv3-stall/queue/aborted", test_queue_aborted);
    qtest_add_func("smmuv3-stall/max/answered", test_max);
    qtest_add_func("smmuv3-stall/max/reset", test_max_reset);
    return g_test_run();
}
