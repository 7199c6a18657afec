/*
 * QTest of the accelerated SMMUv3: invalidations and events
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Commands are put into the guest's queue, and what reached the fake host is
 * compared with them: which, in which order, in how many calls. Events go the
 * other way.
 */

#include "qemu/osdep.h"

#include "vfio-fake/smmu.h"

#define SID     VS_SID(1)
#define SID_HI  ((uint64_t)SID << 32)

/* Fields of TLBI commands (4.4) */
#define ASID(n) ((uint64_t)(n) << 48)
#define VMID(n) ((uint64_t)(n) << 32)
#define NUM(n)  ((uint64_t)(n) << 12)
#define LEAF    1ull
#define TG_4K   (1ull << 10)

static VfGuest *start(bool translate)
{
    VfGuest *g = vs_start(1, 1);
    VfClient *c = g->c;

    vs_setup(g, VS_LINEAR);
    vs_enable(g, true);
    if (translate) {
        vs_write_ste(g, VS_LINEAR, SID, VS_STE0_DEFAULT, VS_STE1_DEFAULT);
        vs_cfgi_ste(g, SID);
        g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    }
    c->shared->cmd_len = 0;
    return g;
}

static void end_with_text(VfGuest *g)
{
    g_autofree gchar *text = vg_end(g);

    g_assert_cmpstr(text, !=, "");
}

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
    { "nsnh-all", { VS_CMD_TLBI_NSNH_ALL }, true },
    { "nh-all", { VS_CMD_TLBI_NH_ALL }, true },
    { "nh-asid", { VS_CMD_TLBI_NH_ASID | ASID(0x1234) }, true },
    { "nh-va", { VS_CMD_TLBI_NH_VA | ASID(0x55), 0xabcde000 | LEAF }, true },
    { "nh-va-range", { VS_CMD_TLBI_NH_VA | ASID(0x55) | NUM(3),
      0xabcde000 | TG_4K }, true },
    { "nh-vaa", { VS_CMD_TLBI_NH_VAA, 0xabcde000 }, true },
    { "cfgi-cd", { VS_CMD_CFGI_CD | SID_HI | 7 << 12, LEAF }, true },
    { "cfgi-cd-all", { VS_CMD_CFGI_CD_ALL | SID_HI }, true },
    { "cfgi-cd-other-sid", { VS_CMD_CFGI_CD | SID_HI << 1, LEAF }, false },
    { "cfgi-cd-all-other-sid", { VS_CMD_CFGI_CD_ALL | SID_HI << 1 }, false },
};

static void test_cmd(const void *opaque)
{
    const CmdTest *t = opaque;
    VfGuest *g = start(true);
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;

    vs_queue(g, t->word[0], t->word[1]);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
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
    { "1x1", 1, 1, true },
    { "16x1", 16, 1, true },
    { "200x1", 200, 1, true },
    { "16x8", 16, 8, true },
    { "1x64", 1, 64, true },
    { "16-no-sync", 16, 1, false },
    { "0x4", 0, 4, true },
};

/* One call for each SYNC, and every command in order */
static void test_batch(const void *opaque)
{
    const BatchTest *t = opaque;
    VfGuest *g = start(true);
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;

    for (int sync = 0; sync < t->syncs; sync++) {
        for (int i = 0; i < t->commands; i++) {
            vs_queue(g, VS_CMD_TLBI_NH_VA | ASID(sync), (uint64_t)i << 12);
        }
        if (t->last_sync) {
            vs_queue(g, VS_CMD_SYNC, 0);
        }
    }
    vs_submit(g);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
    g_assert_cmpuint(calls(g, since), ==, t->commands ? t->syncs : 0);
    g_assert_cmpuint(s->cmd_len, ==, t->commands * t->syncs);
    for (int i = 0; i < s->cmd_len; i++) {
        g_assert_cmphex(s->cmd[i].word[0], ==, VS_CMD_TLBI_NH_VA |
                        ASID(i / t->commands));
        g_assert_cmphex(s->cmd[i].word[1], ==,
                        (uint64_t)(i % t->commands) << 12);
        g_assert_cmpuint(s->cmd[i].issued, ==, 1);
    }
    vg_end_silent(g);
}

/* Before the STE of a device changes, what was sent for the old one is out */
static void test_order(void)
{
    VfGuest *g = start(true);
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;
    int inval = -1, attach = -1;

    vs_queue(g, VS_CMD_TLBI_NH_ASID | ASID(9), 0);
    vs_write_ste(g, VS_LINEAR, SID, VS_STE0_DEFAULT + 0x10000, VS_STE1_DEFAULT);
    vs_queue(g, VS_CMD_CFGI_STE | SID_HI, 1);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    for (uint32_t i = since; i < s->log_len; i++) {
        if (s->log[i].op == VF_OP_HWPT_INVALIDATE && inval < 0) {
            inval = i;
        } else if (s->log[i].op == VF_OP_ATTACH) {
            attach = i;
        }
    }
    g_assert_cmpint(inval, >=, 0);
    g_assert_cmpint(attach, >, inval);
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
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
    g_assert_cmpuint(c->shared->log_len, ==, 0);
    vg_end_silent(g);
}

static void queue_batch(VfGuest *g, unsigned int n)
{
    for (int i = 0; i < n; i++) {
        vs_queue(g, VS_CMD_TLBI_NH_VA | ASID(1), (uint64_t)i << 12);
    }
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
}

/* Where a batch may stop short, and what the kernel then reports as done */
typedef struct RecoverTest {
    const char *name;
    unsigned int commands;
    unsigned int done;
    int err;
} RecoverTest;

static const RecoverTest recover_tests[] = {
    { "refused-at-once", 16, 0, EIO },
    { "middle", 16, 7, EIO },
    { "after-a-block", 200, 100, EIO },
    { "hardware-timeout", 16, 3, ETIMEDOUT },
    { "no-memory", 16, 0, ENOMEM },
};

/*
 * The count of done entries is no place to resume from: everything that the
 * batch could have touched is invalidated instead, and the guest notices
 * nothing.
 */
static void test_recover(const void *opaque)
{
    const RecoverTest *t = opaque;
    VfGuest *g = start(true);
    VfShared *s = g->c->shared;
    bool all = false, cds = false;
    uint32_t since = s->log_len;
    const VfLog *last;

    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 1, t->err)->done = t->done;
    queue_batch(g, t->commands);
    g_assert_cmpuint(calls(g, since), ==, 2);
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
    VfGuest *g = start(true);
    VfAccess access;
    uint32_t gerror;

    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 100, EIO);
    queue_batch(g, 16);
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

    vf_client_clear_rules(g->c);
    vs_writel(g, VS_GERRORN, vs_readl(g, VS_GERROR));
    vs_submit(g);
    vs_cfgi_ste(g, SID);
    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, VF_ACCESS_S1);
    end_with_text(g);
}

/* Events */

#define EVT_TRANSLATION(n) \
    { VS_EVT_F_TRANSLATION | SID_HI, 1ull << 35, 0x1000ull * (n), 0 }

static void push(VfGuest *g, unsigned int n)
{
    const uint64_t evt[4] = EVT_TRANSLATION(n);

    vf_client_push_event(g->c, 0, evt);
}

static void assert_event(VfGuest *g, unsigned int n)
{
    const uint64_t want[4] = EVT_TRANSLATION(n);
    uint64_t evt[4];

    g_assert(vs_next_event(g, evt));
    for (int i = 0; i < 4; i++) {
        g_assert_cmphex(evt[i], ==, want[i]);
    }
}

static bool overflow(VfGuest *g)
{
    return (vs_readl(g, VS_EVENTQ_PROD) ^ vs_readl(g, VS_EVENTQ_CONS)) &
           VS_EVENTQ_OVERFLOW;
}

static void test_events(void)
{
    VfGuest *g = start(true);
    uint64_t evt[4];

    push(g, 1);
    vg_settle(g);
    assert_event(g, 1);
    g_assert(!vs_next_event(g, evt));
    for (int i = 0; i < 10; i++) {
        push(g, i);
    }
    vg_settle(g);
    for (int i = 0; i < 10; i++) {
        assert_event(g, i);
    }
    g_assert(!vs_next_event(g, evt));
    g_assert(!overflow(g));
    vg_end_silent(g);
}

static void test_events_lost(void)
{
    VfGuest *g = start(true);

    push(g, 1);
    vf_client_push_event(g->c, 0, NULL);
    push(g, 2);
    vg_settle(g);
    g_assert(overflow(g));
    assert_event(g, 1);
    assert_event(g, 2);
    /* Acknowledged, and lost again */
    vs_writel(g, VS_EVENTQ_CONS, vs_readl(g, VS_EVENTQ_PROD));
    g_assert(!overflow(g));
    vf_client_push_event(g->c, 0, NULL);
    vg_settle(g);
    g_assert(overflow(g));
    vg_end_silent(g);
}

static void test_events_full(void)
{
    VfGuest *g = start(true);
    const unsigned int size = 1 << VS_EVENTQ_LOG2;
    uint64_t evt[4];

    for (int i = 0; i < size + 5; i++) {
        push(g, i);
    }
    vg_settle(g);
    g_assert(overflow(g));
    for (int i = 0; i < size; i++) {
        assert_event(g, i);
    }
    g_assert(!vs_next_event(g, evt));
    vg_end_silent(g);
}

/* More than QEMU reads at once, into a queue that the guest keeps emptying */
static void test_events_many(void)
{
    VfGuest *g = start(true);
    uint64_t evt[4];
    int got = 0;

    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 12; i++) {
            push(g, round * 12 + i);
        }
        vg_settle(g);
        for (int i = 0; i < 12; i++) {
            assert_event(g, got++);
        }
        g_assert(!vs_next_event(g, evt));
    }
    g_assert(!overflow(g));
    vg_end_silent(g);
}

static void test_events_off_and_on(void)
{
    VfGuest *g = start(true);
    uint64_t evt[4];

    vs_writel(g, VS_CR0, VS_CR0_SMMUEN | VS_CR0_CMDQEN);
    push(g, 1);
    vg_settle(g);
    g_assert(!vs_next_event(g, evt));
    vs_enable(g, true);
    push(g, 2);
    vg_settle(g);
    assert_event(g, 2);
    g_assert(!vs_next_event(g, evt));
    vg_end_silent(g);
}

/* The descriptor breaks: said once, and the rest of the machine goes on */
static void test_events_read_fails(void)
{
    VfGuest *g = start(true);
    g_autofree gchar *text = NULL;
    VfClient *c = g->c;

    vf_client_rule(c, VF_OP_EVENT_READ, 1, 1000, EIO);
    push(g, 1);
    vg_settle(g);
    g_assert_cmpuint(vf_client_count(c, VF_OP_EVENT_READ, 0), ==, 1);
    queue_batch(g, 1);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
    text = vg_end(g);
    g_assert_nonnull(strstr(text, "event"));
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
    qtest_add_func("smmuv3-accel/order", test_order);
    qtest_add_func("smmuv3-accel/no-device", test_no_device);
    for (int i = 0; i < ARRAY_SIZE(recover_tests); i++) {
        vg_add_test("smmuv3-accel/recover", recover_tests[i].name,
                    &recover_tests[i], test_recover);
    }
    qtest_add_func("smmuv3-accel/stale", test_stale);
    qtest_add_func("smmuv3-accel/events/delivered", test_events);
    qtest_add_func("smmuv3-accel/events/lost", test_events_lost);
    qtest_add_func("smmuv3-accel/events/full", test_events_full);
    qtest_add_func("smmuv3-accel/events/many", test_events_many);
    qtest_add_func("smmuv3-accel/events/off-and-on", test_events_off_and_on);
    qtest_add_func("smmuv3-accel/events/read-fails", test_events_read_fails);
    return g_test_run();
}
