/*
 * QTest of the accelerated SMMUv3: invalidations
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The test puts commands into the guest's queue and compares them with the
 * commands that the host got: their fields, their order, the number of calls.
 */

#include "qemu/osdep.h"

#include "qemu/bswap.h"
#include "qobject/qdict.h"
#include "vfio-guest/smmu.h"

#define SID     VS_SID(1)
#define SID_HI  ((uint64_t)SID << 32)

/* Fields of TLBI commands (4.4) */
#define NUM(n)  ((uint64_t)(n) << 12)
#define TG_4K   (1ull << 10)

static unsigned int calls(VfGuest *g, uint32_t since)
{
    return vf_client_count(g->c, VF_OP_HWPT_INVALIDATE, since);
}

typedef struct CmdTest {
    const char *name;
    uint64_t word[2];
    bool forwarded;
} CmdTest;

static const CmdTest cmd_tests[] = {
    { .name = "nsnh-all", .word = { VS_CMD_TLBI_NSNH_ALL },
      .forwarded = true },
    { .name = "nh-all", .word = { VS_CMD_TLBI_NH_ALL }, .forwarded = true },
    { .name = "nh-asid", .word = { VS_CMD_TLBI_NH_ASID | VS_ASID(0x1234) },
      .forwarded = true },
    { .name = "nh-va",
      .word = { VS_CMD_TLBI_NH_VA | VS_ASID(0x55), 0xabcde000 | VS_LEAF },
      .forwarded = true },
    { .name = "nh-va-range", .word = { VS_CMD_TLBI_NH_VA | VS_ASID(0x55) |
        NUM(3), 0xabcde000 | TG_4K }, .forwarded = true },
    { .name = "nh-vaa", .word = { VS_CMD_TLBI_NH_VAA, 0xabcde000 },
      .forwarded = true },
    { .name = "cfgi-cd",
      .word = { VS_CMD_CFGI_CD | SID_HI | 7 << 12, VS_LEAF },
      .forwarded = true },
    { .name = "cfgi-cd-all", .word = { VS_CMD_CFGI_CD_ALL | SID_HI },
      .forwarded = true },
    { .name = "cfgi-cd-other-sid",
      .word = { VS_CMD_CFGI_CD | SID_HI << 1, VS_LEAF } },
    { .name = "cfgi-cd-all-other-sid",
      .word = { VS_CMD_CFGI_CD_ALL | SID_HI << 1 } },
};

static void test_cmd(const void *opaque)
{
    const CmdTest *t = opaque;
    VfGuest *g = vs_start_s1();
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;

    vs_queue(g, t->word[0], t->word[1]);
    vs_sync(g);
    g_assert_cmpuint(calls(g, since), ==, t->forwarded);
    g_assert_cmpuint(s->cmd_len, ==, t->forwarded);
    if (t->forwarded) {
        g_assert_cmphex(s->cmd[0].word[0], ==, t->word[0]);
        g_assert_cmphex(s->cmd[0].word[1], ==, t->word[1]);
        g_assert_cmpuint(s->cmd[0].issued, ==, 1);
    }
    vg_end_silent(g);
}

typedef struct BatchTest {
    const char *name;
    unsigned int commands;      /* for each SYNC */
    unsigned int syncs;
    bool last_sync;             /* the run ends with one */
} BatchTest;

static const BatchTest batch_tests[] = {
    { .name = "1x1", .commands = 1, .syncs = 1, .last_sync = true },
    { .name = "16x1", .commands = 16, .syncs = 1, .last_sync = true },
    { .name = "200x1", .commands = 200, .syncs = 1, .last_sync = true },
    { .name = "16x8", .commands = 16, .syncs = 8, .last_sync = true },
    { .name = "1x64", .commands = 1, .syncs = 64, .last_sync = true },
    { .name = "16-no-sync", .commands = 16, .syncs = 1 },
    { .name = "0x4", .syncs = 4, .last_sync = true },
};

/* One call for all SYNCs that the guest rings for, the commands in order */
static void test_batch(const void *opaque)
{
    const BatchTest *t = opaque;
    VfGuest *g = vs_start_s1();
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;

    vs_set_slice(g, 0);
    for (int sync = 0; sync < t->syncs; sync++) {
        for (int i = 0; i < t->commands; i++) {
            vs_queue(g, VS_CMD_TLBI_NH_VA | VS_ASID(sync), VS_VA1(i));
        }
        if (t->last_sync) {
            vs_queue(g, VS_CMD_SYNC, 0);
        }
    }
    vs_submit(g);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
    g_assert_cmpuint(calls(g, since), ==, t->commands ? 1 : 0);
    g_assert_cmpuint(s->cmd_len, ==, t->commands * t->syncs);
    for (int i = 0; i < s->cmd_len; i++) {
        g_assert_cmphex(s->cmd[i].word[0], ==, VS_CMD_TLBI_NH_VA |
                        VS_ASID(i / t->commands));
        g_assert_cmphex(s->cmd[i].word[1], ==, VS_VA1(i % t->commands));
        g_assert_cmpuint(s->cmd[i].issued, ==, 1);
    }
    vg_end_silent(g);
}

static uint64_t counter(VfGuest *g, const char *name)
{
    QDict *response = qtest_qmp(g->qts, "{'execute': 'qom-get', 'arguments':"
                                " {'path': '/machine/peripheral/smmu',"
                                " 'property': %s}}", name);
    uint64_t value = qdict_get_int(response, "return");

    qobject_unref(response);
    return value;
}

/* The counters that QEMU shows are those of the host */
static void test_counters(void)
{
    VfGuest *g = vs_start_s1();
    uint64_t commands = counter(g, "x-inval-commands");
    uint64_t submissions = counter(g, "x-inval-calls");

    vs_submit_vas(g, 16);
    g_assert_cmpuint(counter(g, "x-inval-commands") - commands, ==, 16);
    g_assert_cmpuint(counter(g, "x-inval-calls") - submissions, ==, 1);
    g_assert_cmpuint(counter(g, "x-inval-recoveries"), ==, 0);

    vs_set_batch(g, 1);
    vs_submit_vas(g, 16);
    g_assert_cmpuint(counter(g, "x-inval-commands") - commands, ==, 32);
    g_assert_cmpuint(counter(g, "x-inval-calls") - submissions, ==, 17);

    vs_set_batch(g, 0);
    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 1, EIO);
    vs_submit_vas(g, 16);
    g_assert_cmpuint(counter(g, "x-inval-calls") - submissions, ==, 19);
    g_assert_cmpuint(counter(g, "x-inval-recoveries"), ==, 1);
    vg_end_silent(g);
}

/* Runs that end where the ring does, and go on at its start */
static void test_wrap(void)
{
    const unsigned int size = 1 << VS_CMDQ_LOG2;
    VfGuest *g = vs_start_s1();
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;
    unsigned int n = 0;

    vs_set_slice(g, 0);
    /* The memory behind the queue looks like commands, too */
    for (int i = 0; i < size / 4; i++) {
        qtest_writeq(g->qts, VS_CMDQ + (size + i) * 16, VS_CMD_TLBI_NSNH_ALL);
    }
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < size * 3 / 4 - 1; i++) {
            vs_queue_va(g, n++);
        }
        vs_sync(g);
    }
    g_assert_cmpuint(calls(g, since), ==, 4);
    g_assert_cmpuint(s->cmd_len, ==, n);
    for (int i = 0; i < n; i++) {
        vs_assert_va(&s->cmd[i], i);
    }
    vg_end_silent(g);
}

/* More than one batch holds, without a SYNC in between */
static void test_full(void)
{
    const unsigned int log2 = 12, commands = 2500, batch = 1024;
    VfGuest *g = vs_start_s1();
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;
    g_autofree uint64_t *queue = g_new0(uint64_t, 2 * (commands + 1));

    vs_set_slice(g, 0);
    for (int i = 0; i < commands; i++) {
        queue[2 * i] = cpu_to_le64(VS_VA0);
        queue[2 * i + 1] = cpu_to_le64(VS_VA1(i));
    }
    queue[2 * commands] = cpu_to_le64(VS_CMD_SYNC);
    vs_writel(g, VS_CR0, VS_CR0_SMMUEN);
    qtest_memwrite(g->qts, VS_CMDQ, queue, 16 * (commands + 1));
    qtest_writeq(g->qts, VS_BASE + VS_CMDQ_BASE, VS_CMDQ | log2);
    vs_writel(g, VS_CMDQ_PROD, 0);
    vs_writel(g, VS_CMDQ_CONS, 0);
    vs_enable(g, true);
    vs_writel(g, VS_CMDQ_PROD, commands + 1);
    vs_wait(g);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, commands + 1);
    g_assert_cmpuint(calls(g, since), ==, DIV_ROUND_UP(commands, batch));
    g_assert_cmpuint(s->cmd_len, ==, commands);
    for (int i = 0; i < commands; i++) {
        vs_assert_va(&s->cmd[i], i);
    }
    vg_end_silent(g);
}

/* Emulated commands keep their order among those of the host */
static void test_mixed(void)
{
    VfGuest *g = vs_start_s1();
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;

    for (int i = 0; i < 30; i += 3) {
        vs_queue_va(g, i);
        vs_queue(g, VS_CMD_PREFETCH_CONFIG | SID_HI, 0);
        vs_queue(g, VS_CMD_CFGI_CD | SID_HI, VS_LEAF);
        vs_queue(g, VS_CMD_CFGI_STE | SID_HI, VS_LEAF);
        vs_queue_va(g, i + 2);
    }
    vs_queue(g, VS_CMD_SYNC | VS_SYNC_IRQ, 0);
    vs_queue_va(g, 30);
    vs_sync(g);
    g_assert_cmpuint(calls(g, since), ==, 2);
    g_assert_cmpuint(s->cmd_len, ==, 31);
    for (int i = 0; i < 30; i += 3) {
        vs_assert_va(&s->cmd[i], i);
        g_assert_cmphex(s->cmd[i + 1].word[0], ==, VS_CMD_CFGI_CD | SID_HI);
        vs_assert_va(&s->cmd[i + 2], i + 2);
    }
    vs_assert_va(&s->cmd[30], 30);
    vg_end_silent(g);
}

/* Commands for the old STE are submitted before the new one is installed */
static void test_order(void)
{
    VfGuest *g = vs_start_s1();
    uint32_t since = g->c->shared->log_len;

    vs_queue(g, VS_CMD_TLBI_NH_ASID | VS_ASID(9), 0);
    vs_write_ste(g, VS_LINEAR, SID, VS_STE0_DEFAULT + 0x10000, VS_STE1_DEFAULT);
    vs_queue(g, VS_CMD_CFGI_STE | SID_HI, 1);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    vf_client_assert_before(g->c, VF_OP_HWPT_INVALIDATE, VF_OP_ATTACH, since);
    vg_end_silent(g);
}

static void test_no_device(void)
{
    VfGuest *g = vs_start(1, 0);
    VfClient *c = g->c;

    vs_setup(g, VS_LINEAR);
    vs_enable(g, true);
    vs_queue(g, VS_CMD_TLBI_NSNH_ALL, 0);
    vs_queue(g, VS_CMD_CFGI_CD_ALL | SID_HI, 0);
    vs_queue(g, VS_CMD_CFGI_STE | SID_HI, 1);
    vs_sync(g);
    g_assert_cmpuint(c->shared->log_len, ==, 0);
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(cmd_tests); i++) {
        vg_add_test("smmuv3-accel/command", cmd_tests[i].name, &cmd_tests[i],
                    test_cmd);
    }
    for (int i = 0; i < ARRAY_SIZE(batch_tests); i++) {
        vg_add_test("smmuv3-accel/batch", batch_tests[i].name, &batch_tests[i],
                    test_batch);
    }
    qtest_add_func("smmuv3-accel/counters", test_counters);
    qtest_add_func("smmuv3-accel/queue/wrap", test_wrap);
    qtest_add_func("smmuv3-accel/queue/full-batch", test_full);
    qtest_add_func("smmuv3-accel/queue/mixed", test_mixed);
    qtest_add_func("smmuv3-accel/order", test_order);
    qtest_add_func("smmuv3-accel/no-device", test_no_device);
    return g_test_run();
}
