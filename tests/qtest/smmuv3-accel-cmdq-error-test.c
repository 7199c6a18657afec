/*
 * QTest of the accelerated SMMUv3: failing invalidations
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The queue has an illegal command, or the host fails. The guest must get the
 * error of the architecture (Arm IHI0070), or no error if QEMU has invalidated
 * the stale entries by other means.
 */

#include "qemu/osdep.h"

#include "qemu/units.h"
#include "vfio-guest/smmu.h"

#define SID     VS_SID(1)
#define SID_HI  ((uint64_t)SID << 32)

static void assert_stopped(VfGuest *g, unsigned int at, unsigned int cerror)
{
    uint32_t cons = vs_readl(g, VS_CMDQ_CONS);

    g_assert_cmpuint(VS_CONS_ERR(cons), ==, cerror);
    g_assert_cmpuint(cons & ((1u << VS_CMDQ_LOG2) - 1), ==, at);
    g_assert_cmphex(vs_readl(g, VS_GERROR) & VS_GERROR_CMDQ_ERR, ==,
                    VS_GERROR_CMDQ_ERR);
}

/* The queue stops at an illegal command, and goes on when the guest asks */
static void test_illegal(void)
{
    VfGuest *g = vs_start_s1();
    VfShared *s = g->c->shared;
    uint32_t at;

    g->cmdq_prod = vs_readl(g, VS_CMDQ_CONS);
    vs_queue_va(g, 0);
    vs_queue_va(g, 1);
    at = g->cmdq_prod;
    vs_queue(g, VS_CMD_ILLEGAL, 0);
    vs_queue_va(g, 2);
    vs_queue(g, VS_CMD_SYNC, 0);
    /* While the error is pending nothing is taken, wherever the queue stands */
    for (int i = 0; i < 2; i++) {
        vs_submit(g);
        assert_stopped(g, at, VS_CERROR_ILL);
        vs_writel(g, VS_CMDQ_CONS, VS_CERROR_ILL << 24 | (at + 1));
        vs_submit(g);
        assert_stopped(g, at + 1, VS_CERROR_ILL);
        g_assert_cmpuint(s->cmd_len, ==, 2);
        vs_writel(g, VS_CMDQ_CONS, VS_CERROR_ILL << 24 | at);
    }

    /* The guest replaces the command, even though it had been read before */
    qtest_writeq(g->qts, VS_CMDQ + at * 16, VS_VA0);
    qtest_writeq(g->qts, VS_CMDQ + at * 16 + 8, VS_VA1(7));
    vs_writel(g, VS_GERRORN, vs_readl(g, VS_GERROR));
    vs_wait(g);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS) & 0xffff, ==, g->cmdq_prod);
    g_assert_cmpuint(s->cmd_len, ==, 4);
    vs_assert_va(&s->cmd[2], 7);
    vs_assert_va(&s->cmd[3], 2);
    vg_end_silent(g);
}

/* A queue that leaves memory is read as far as it goes */
static void test_unreadable(void)
{
    const unsigned int readable = 32;
    const uint64_t base = VG_RAM + 128 * MiB - readable * 16;
    VfGuest *g = vs_start_s1();
    VfShared *s = g->c->shared;

    vs_writel(g, VS_CR0, VS_CR0_SMMUEN);
    qtest_writeq(g->qts, VS_BASE + VS_CMDQ_BASE, base | VS_CMDQ_LOG2);
    for (int i = 0; i < readable; i++) {
        qtest_writeq(g->qts, base + i * 16, VS_VA0);
        qtest_writeq(g->qts, base + i * 16 + 8, VS_VA1(i));
    }
    vs_writel(g, VS_CMDQ_PROD, 0);
    vs_writel(g, VS_CMDQ_CONS, 0);
    vs_enable(g, true);
    vs_writel(g, VS_CMDQ_PROD, readable + 8);
    vs_wait(g);
    assert_stopped(g, readable, VS_CERROR_ABT);
    g_assert_cmpuint(s->cmd_len, ==, readable);
    for (int i = 0; i < readable; i++) {
        vs_assert_va(&s->cmd[i], i);
    }
    vg_end_silent(g);
}

/* Entries that the host executes of a failing batch, and those it reports */
typedef struct RecoverTest {
    const char *name;
    unsigned int commands;
    unsigned int done;
    int err;
} RecoverTest;

static const RecoverTest recover_tests[] = {
    { .name = "refused-at-once", .commands = 16, .err = EIO },
    { .name = "middle", .commands = 16, .done = 7, .err = EIO },
    { .name = "after-a-block", .commands = 200, .done = 100, .err = EIO },
    { .name = "hardware-timeout", .commands = 16, .done = 3,
      .err = ETIMEDOUT },
    { .name = "no-memory", .commands = 16, .err = ENOMEM },
};

/*
 * The count of done entries is no place to resume from: everything that the
 * batch could have touched is invalidated instead, and the guest notices
 * nothing.
 */
static void test_recover(const void *opaque)
{
    const RecoverTest *t = opaque;
    VfGuest *g = vs_start_s1();
    VfShared *s = g->c->shared;
    bool all = false, cds = false;
    uint32_t since = s->log_len;
    const VfLog *last;

    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 1, t->err)->done = t->done;
    vs_submit_vas(g, t->commands);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_HWPT_INVALIDATE, since), ==,
                     2);
    last = vf_client_last(g->c, VF_OP_HWPT_INVALIDATE, since);
    g_assert_cmpint(last->err, ==, 0);
    for (uint32_t i = last->arg[3]; i < s->cmd_len; i++) {
        g_assert_cmpuint(s->cmd[i].issued, ==, 1);
        all |= (s->cmd[i].word[0] & 0xff) == VS_CMD_TLBI_NSNH_ALL;
        cds |= s->cmd[i].word[0] == (VS_CMD_CFGI_CD_ALL | SID_HI);
    }
    g_assert(all && cds);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, 0);
    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, VF_ACCESS_S1);
    vg_end_silent(g);
}

/*
 * Nothing helps: stale translations may be in use, so the device stops, and
 * the queue does with the error that the guest can handle. When the host can
 * again, the device goes on.
 */
static void test_stale(void)
{
    VfGuest *g = vs_start_s1();
    g_autofree gchar *text = NULL;
    VfAccess access;
    uint32_t gerror;

    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 100, EIO);
    vs_submit_vas(g, 16);
    gerror = vs_readl(g, VS_GERROR);
    g_assert_cmphex(gerror & VS_GERROR_CMDQ_ERR, ==, VS_GERROR_CMDQ_ERR);
    g_assert_cmpuint(VS_CONS_ERR(vs_readl(g, VS_CMDQ_CONS)), ==,
                     VS_CERROR_ABT);
    access = vf_client_access(g->c, 0, NULL);
    g_assert(access == VF_ACCESS_ABORT || access == VF_ACCESS_NONE);

    /* Not even a new STE brings it back while the host has stale entries */
    vs_writel(g, VS_GERRORN, gerror);
    vs_cfgi_ste(g, SID);
    access = vf_client_access(g->c, 0, NULL);
    g_assert(access == VF_ACCESS_ABORT || access == VF_ACCESS_NONE);

    /* A host that fails again and again is left alone for up to 13 seconds */
    vf_client_clear_rules(g->c);
    qtest_clock_step(g->qts, 13000000000ll);
    vs_writel(g, VS_GERRORN, vs_readl(g, VS_GERROR));
    vs_submit(g);
    vs_cfgi_ste(g, SID);
    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, VF_ACCESS_S1);
    text = vg_end(g);
    g_assert_cmpstr(text, !=, "");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("smmuv3-accel/queue/illegal", test_illegal);
    qtest_add_func("smmuv3-accel/queue/unreadable", test_unreadable);
    for (int i = 0; i < ARRAY_SIZE(recover_tests); i++) {
        vg_add_test("smmuv3-accel/recover", recover_tests[i].name,
                    &recover_tests[i], test_recover);
    }
    qtest_add_func("smmuv3-accel/stale", test_stale);
    return g_test_run();
}
