/*
 * QTest of the accelerated SMMUv3: CMD_SYNC completed by a message
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest polls memory for the end of a CMD_SYNC (Arm IHI0070, 4.7.3). A
 * message must be there when the host is done, and not before.
 */

#include "qemu/osdep.h"

#include "vfio-guest/smmu.h"

/* Where messages go, one word each, and what they say */
#define MESSAGE(n)  (VG_RAM + 0x500000 + (n) * 4)
#define DATA(n)     (0x51000000u + (n))

#define NOWHERE     0x3f00000000ull
#define UART        0x09000000ull       /* of the virt machine */

/* All ioctls of a kind */
#define ALWAYS      UINT32_MAX

static void queue_sync(VfGuest *g, uint64_t address, uint32_t data)
{
    vs_queue(g, VS_CMD_SYNC | VS_SYNC_IRQ | VS_SYNC_DATA(data), address);
}

static void queue_pairs(VfGuest *g, unsigned int count)
{
    for (unsigned int n = 0; n < count; n++) {
        vs_queue_va(g, n);
        queue_sync(g, MESSAGE(n), DATA(n));
    }
}

static void assert_messages(VfGuest *g, unsigned int count)
{
    for (unsigned int n = 0; n < count; n++) {
        g_assert_cmphex(qtest_readl(g->qts, MESSAGE(n)), ==, DATA(n));
    }
    g_assert_cmphex(qtest_readl(g->qts, MESSAGE(count)), ==, 0);
}

typedef struct RunTest {
    const char *name;
    unsigned int pairs;
    unsigned int calls;         /* IOMMU_HWPT_INVALIDATE */
} RunTest;

static const RunTest run_tests[] = {
    { .name = "1", .pairs = 1, .calls = 1 },
    { .name = "64", .pairs = 64, .calls = 1 },
    /* More than are remembered at a time */
    { .name = "256", .pairs = 256, .calls = 1 },
    { .name = "257", .pairs = 257, .calls = 2 },
    { .name = "500", .pairs = 500, .calls = 2 },
};

/* One call for all that the guest rings for, and each message after it */
static void test_run(const void *opaque)
{
    const RunTest *t = opaque;
    VfGuest *g = vs_start_s1();
    uint32_t since = g->c->shared->log_len;

    vs_set_slice(g, 0);
    queue_pairs(g, t->pairs);
    vs_submit(g);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_HWPT_INVALIDATE, since), ==,
                     t->calls);
    g_assert_cmpuint(g->c->shared->cmd_len, ==, t->pairs);
    assert_messages(g, t->pairs);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, 0);
    vg_end_silent(g);
}

/* Linux has the message written over the command itself */
static void test_over_the_command(void)
{
    VfGuest *g = vs_start_s1();
    uint64_t entry = VS_CMDQ + (g->cmdq_prod + 1) * VS_CMD_SIZE;

    vs_queue_va(g, 0);
    queue_sync(g, entry, 0);
    vs_submit(g);
    g_assert_cmphex(qtest_readl(g->qts, entry), ==, 0);
    g_assert_cmpuint(g->c->shared->cmd_len, ==, 1);
    vg_end_silent(g);
}

/* A wired CMD_SYNC and one without signal are between two with messages */
static void test_mixed(void)
{
    VfGuest *g = vs_start_s1();

    queue_pairs(g, 1);
    vs_queue(g, VS_CMD_SYNC | VS_SYNC_IRQ, 0);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_queue_va(g, 1);
    queue_sync(g, MESSAGE(1), DATA(1));
    vs_submit(g);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
    assert_messages(g, 2);
    vg_end_silent(g);
}

/*
 * While the host caches are stale no message is sent, and CONS is at the first
 * CMD_SYNC that is not complete; each is sent when the host is well again.
 */
static void test_failed(void)
{
    VfGuest *g = vs_start_s1();
    uint32_t first = g->cmdq_prod + 1;
    uint32_t cons;

    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, ALWAYS, EIO);
    queue_pairs(g, 3);
    vs_submit(g);
    cons = vs_readl(g, VS_CMDQ_CONS);
    g_assert_cmphex(VS_CONS_ERR(cons), ==, VS_CERROR_ABT);
    g_assert_cmphex(cons & 0xffff, ==, first);
    assert_messages(g, 0);

    vf_client_clear_rules(g->c);
    vs_writel(g, VS_GERRORN, vs_readl(g, VS_GERROR));
    vs_wait(g);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS) & 0xffff, ==, g->cmdq_prod);
    assert_messages(g, 3);
    g_free(vg_end(g));
}

/* A message that memory does not take is an error of its own (6.3.18) */
static void test_abort(const void *opaque)
{
    const uint64_t *address = opaque;
    VfGuest *g = vs_start_s1();

    vs_queue_va(g, 0);
    queue_sync(g, *address, DATA(0));
    vs_sync(g);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, VS_GERROR_MSI_CMDQ_ABT_ERR);
    vg_end_silent(g);
}

/* The interrupts of errors and events, where the guest has given an address */
static void test_irq(void)
{
    VfGuest *g = vs_start_s1();

    vs_writel(g, VS_IRQ_CTRL, VS_IRQ_CTRL_GERROR | VS_IRQ_CTRL_EVENTQ);
    qtest_writeq(g->qts, VS_BASE + VS_GERROR_IRQ_CFG0, MESSAGE(0));
    vs_writel(g, VS_GERROR_IRQ_CFG1, DATA(0));
    qtest_writeq(g->qts, VS_BASE + VS_EVENTQ_IRQ_CFG0, MESSAGE(1));
    vs_writel(g, VS_EVENTQ_IRQ_CFG1, DATA(1));
    assert_messages(g, 0);

    vs_set_state(g, &vs_states[VS_BAD], 1);
    g_assert_cmphex(qtest_readl(g->qts, MESSAGE(0)), ==, 0);
    g_assert_cmphex(qtest_readl(g->qts, MESSAGE(1)), ==, DATA(1));
    vs_queue(g, VS_CMD_ILLEGAL, 0);
    vs_submit(g);
    assert_messages(g, 2);

    /* The driver after a reset may want wired interrupts, and clear nothing */
    qtest_memset(g->qts, MESSAGE(0), 0, 8);
    vg_system_reset(g);
    vs_setup(g, VS_LINEAR);
    vs_writel(g, VS_IRQ_CTRL, VS_IRQ_CTRL_GERROR | VS_IRQ_CTRL_EVENTQ);
    vs_set_state(g, &vs_states[VS_BAD], 1);
    vs_queue(g, VS_CMD_ILLEGAL, 0);
    vs_submit(g);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, VS_GERROR_CMDQ_ERR);
    assert_messages(g, 0);
    g_assert_cmphex(qtest_readl(g->qts, MESSAGE(1)), ==, 0);
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    static const uint64_t nowhere = NOWHERE, uart = UART;

    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(run_tests); i++) {
        vg_add_test("smmuv3-accel-sync/run", run_tests[i].name, &run_tests[i],
                    test_run);
    }
    qtest_add_func("smmuv3-accel-sync/over-the-command", test_over_the_command);
    qtest_add_func("smmuv3-accel-sync/mixed", test_mixed);
    qtest_add_func("smmuv3-accel-sync/failed", test_failed);
    vg_add_test("smmuv3-accel-sync/abort", "nowhere", &nowhere, test_abort);
    vg_add_test("smmuv3-accel-sync/abort", "device", &uart, test_abort);
    qtest_add_func("smmuv3-accel-sync/irq", test_irq);
    return g_test_run();
}
