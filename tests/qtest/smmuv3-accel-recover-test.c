/*
 * QTest of the accelerated SMMUv3: the host can again
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A device that was stopped because the host failed goes on as soon as the host
 * can again. One that fails takes no other along, and neither guest nor host is
 * kept busy with what fails.
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "vfio-guest/smmu.h"

#define SID(n)      VS_SID(n)
#define HI(n)       ((uint64_t)SID(n) << 32)
#define EATS        VS_STE1_EATS(VS_EATS_FULL)

/* Longer than the first delay of the timer, far shorter than the last one */
#define TICK_NS     200000000ll

static void assert_access(VfGuest *g, unsigned int n, VfAccess access)
{
    g_assert_cmpint(vf_client_access(g->c, n - 1, NULL), ==, access);
}

static unsigned int refused(VfGuest *g, VfOp op, uint32_t since)
{
    return vf_client_refused(g->c, op, since);
}

/* A CMD_SYNC that completes; CONS may still tell of an error before it */
static void sync_done(VfGuest *g)
{
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    g_assert_true(vs_done(g));
    g_assert_false(vs_has_error(g));
}

/* Invalidate the ATCs of all devices */
static void inval_atcs(VfGuest *g, unsigned int devices)
{
    for (unsigned int n = 1; n <= devices; n++) {
        vs_queue(g, VS_CMD_ATC_INV | HI(n), VS_ATC_SIZE_ALL);
    }
    sync_done(g);
}

/*
 * A device does not answer an ATC invalidation: it is stopped, and no other. It
 * stays so until its driver does something about it.
 */
static void test_dead(void)
{
    VfGuest *g = vs_start_ats(3, EATS);
    VfShared *s = g->c->shared;
    g_autofree gchar *text = NULL;
    uint32_t since;

    s->device[1].atc_dead = true;
    vs_queue_va(g, 0);
    inval_atcs(g, 3);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, 0);
    assert_access(g, 1, VF_ACCESS_S1);
    assert_access(g, 2, VF_ACCESS_ABORT);
    assert_access(g, 3, VF_ACCESS_S1);

    /* The guest and time go on, and the host is not asked in vain any more */
    since = s->log_len;
    for (int i = 0; i < 10; i++) {
        vs_queue_va(g, i);
        inval_atcs(g, 3);
        qtest_clock_step(g->qts, TICK_NS);
    }
    g_assert_cmpuint(refused(g, VF_OP_HWPT_INVALIDATE, since), ==, 0);
    assert_access(g, 1, VF_ACCESS_S1);
    assert_access(g, 2, VF_ACCESS_ABORT);
    assert_access(g, 3, VF_ACCESS_S1);

    vs_assert_listed(g, 1, "translate", "none", NULL);
    vs_assert_listed(g, 2, "abort", "atc-invalidation",
                  "its ATC could not be invalidated; it goes on when the guest "
                  "changes its STE, or is reset: ");
    s->device[1].atc_dead = false;
    vs_cfgi_ste(g, SID(2));
    vs_assert_s1(g, 1, SID(2), VS_STE0_DEFAULT, VS_STE1_DEFAULT | EATS);
    vs_assert_listed(g, 2, "translate", "none", NULL);
    inval_atcs(g, 3);
    text = vg_end(g);
    vg_assert_has(text, "DMA of d2 is aborted");
    g_assert_null(strstr(text, "d1"));
    g_assert_null(strstr(text, "d3"));
    /* Said once */
    g_assert_null(strstr(strstr(text, "d2") + 1, "d2"));
}

/*
 * Have the guest go on as its driver does, until the host fails no more. It
 * invalidates the ATCs of all devices, which is what fails.
 */
static void go_on(VfGuest *g, unsigned int devices)
{
    for (int i = 0; i < 20; i++) {
        if (vs_has_error(g)) {
            vs_acknowledge(g);
        }
        for (unsigned int n = 1; n <= devices; n++) {
            vs_queue(g, VS_CMD_ATC_INV | HI(n), VS_ATC_SIZE_ALL);
        }
        vs_queue(g, VS_CMD_SYNC, 0);
        vs_submit(g);
        qtest_clock_step(g->qts, 100 * TICK_NS);
    }
    g_assert_false(vs_has_error(g));
}

/*
 * Until the host SMMU gives up an ATC invalidation that a device does not
 * answer, any call times out behind it. Whichever that is, just the device is
 * stopped, and the others are translated in the end.
 */
static void test_blocked(void)
{
    for (unsigned int calls = 1; calls <= 8; calls++) {
        for (unsigned int dead = 1; dead <= 3; dead++) {
            VfGuest *g = vs_start_ats(3, EATS);
            VfShared *s = g->c->shared;
            uint32_t since;

            s->atc_blocks = calls;
            s->device[dead - 1].atc_dead = true;
            go_on(g, 3);
            for (unsigned int n = 1; n <= 3; n++) {
                assert_access(g, n, n == dead ? VF_ACCESS_ABORT : VF_ACCESS_S1);
                vs_assert_listed(g, n, n == dead ? "abort" : "translate",
                              n == dead ? "atc-invalidation" : "none",
                              "its ATC could not be invalidated");
            }
            /* It takes nobody along again */
            since = s->log_len;
            go_on(g, 3);
            g_assert_cmpuint(refused(g, VF_OP_HWPT_INVALIDATE, since), ==, 0);
            s->device[dead - 1].atc_dead = false;
            vs_cfgi_ste(g, SID(dead));
            assert_access(g, dead, VF_ACCESS_S1);
            g_free(vg_end(g));
        }
    }
}

/* A device of another guest blocks the queue: nobody here is to blame */
static void test_blocked_by_other(void)
{
    for (unsigned int calls = 1; calls <= 8; calls++) {
        VfGuest *g = vs_start_ats(3, EATS);

        g->c->shared->blocked = calls;
        go_on(g, 3);
        for (unsigned int n = 1; n <= 3; n++) {
            assert_access(g, n, VF_ACCESS_S1);
            vs_assert_listed(g, n, "translate", "none", NULL);
        }
        g_free(vg_end(g));
    }
}

/* The same call is not made twice for a SYNC, and the guest is told once */
static void test_storm(void)
{
    VfGuest *g = vs_start_ats(2, 0);
    VfShared *s = g->c->shared;
    unsigned int errors = 0;
    g_autofree gchar *text = NULL;
    uint32_t since = s->log_len;

    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 1000, ETIMEDOUT);
    /* The batch, and what is sent in its place */
    vs_submit_vas(g, 4);
    g_assert_cmpuint(refused(g, VF_OP_HWPT_INVALIDATE, since), ==, 2);
    assert_access(g, 1, VF_ACCESS_ABORT);
    assert_access(g, 2, VF_ACCESS_ABORT);
    g_assert_cmpuint(VS_CONS_ERR(vs_readl(g, VS_CMDQ_CONS)), ==,
                     VS_CERROR_ABT);
    for (int i = 0; i < 10; i++) {
        /* As a driver does, which never gives up */
        for (int again = 0; again < 10 && vs_has_error(g); again++) {
            errors++;
            vs_acknowledge(g);
        }
        g_assert_false(vs_has_error(g));
        since = s->log_len;
        vs_submit_vas(g, 4);
        g_assert_cmpuint(refused(g, VF_OP_HWPT_INVALIDATE, since), <=, 1);
        assert_access(g, 1, VF_ACCESS_ABORT);
        assert_access(g, 2, VF_ACCESS_ABORT);
    }
    g_assert_cmpuint(errors, ==, 1);
    g_assert_true(vs_done(g));
    vs_assert_listed(g, 1, "abort", "stale-caches",
                  "IOMMU_HWPT_INVALIDATE failed");

    vf_client_clear_rules(g->c);
    qtest_clock_step(g->qts, 100 * TICK_NS);
    sync_done(g);
    assert_access(g, 1, VF_ACCESS_S1);
    assert_access(g, 2, VF_ACCESS_S1);
    text = vg_end(g);
    vg_assert_has(text, "DMA of d1 is aborted");
}

/*
 * Each call to a host whose queue stands still leaves commands in it, and with
 * a full queue a call does not return. A guest in a hurry must not fill it.
 */
static void test_hurry(void)
{
    VfGuest *g = vs_start_ats(2, 0);
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;

    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 100000, ETIMEDOUT);
    vs_submit_vas(g, 4);
    vs_acknowledge(g);
    for (int i = 0; i < 100; i++) {
        sync_done(g);
        vs_enable(g, i & 1);
        vs_cfgi_ste(g, SID(1));
    }
    /* The batch, what is sent in its place, and the next CMD_SYNC at once */
    g_assert_cmpuint(refused(g, VF_OP_HWPT_INVALIDATE, since), ==, 3);

    /* A minute: less and less often, by guest and timer together */
    since = s->log_len;
    for (int i = 0; i < 300; i++) {
        qtest_clock_step(g->qts, TICK_NS);
        sync_done(g);
    }
    g_assert_cmpuint(refused(g, VF_OP_HWPT_INVALIDATE, since), >, 4);
    g_assert_cmpuint(refused(g, VF_OP_HWPT_INVALIDATE, since), <, 24);

    vf_client_clear_rules(g->c);
    qtest_clock_step(g->qts, 100 * TICK_NS);
    assert_access(g, 1, VF_ACCESS_S1);
    assert_access(g, 2, VF_ACCESS_S1);
    /* The next failure is a first one again, and the guest is told of it */
    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 2, EIO);
    vs_submit_vas(g, 1);
    assert_access(g, 1, VF_ACCESS_ABORT);
    g_assert_true(vs_has_error(g));
    vs_acknowledge(g);
    assert_access(g, 1, VF_ACCESS_S1);
    g_free(vg_end(g));
}

/* A register write makes a failing call once, for however many devices */
static void test_registers(void)
{
    VfGuest *g = vs_start_ats(3, 0);
    VfShared *s = g->c->shared;
    uint32_t since;

    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 1000, ETIMEDOUT);
    vs_submit_vas(g, 1);
    since = s->log_len;
    vs_enable(g, false);
    g_assert_cmpuint(refused(g, VF_OP_HWPT_INVALIDATE, since), ==, 1);
    for (unsigned int n = 1; n <= 3; n++) {
        assert_access(g, n, VF_ACCESS_ABORT);
    }
    vf_client_clear_rules(g->c);
    qtest_clock_step(g->qts, TICK_NS);
    vs_enable(g, true);
    for (unsigned int n = 1; n <= 3; n++) {
        assert_access(g, n, VF_ACCESS_S1);
    }
    g_free(vg_end(g));
}

/*
 * A device that cannot be stopped: the SYNC must not complete, and the guest is
 * not told again and again either.
 */
static void test_unstoppable(void)
{
    VfGuest *g = vs_start_ats(1, 0);
    g_autofree gchar *text = NULL;

    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 1000, EIO);
    vf_client_rule(g->c, VF_OP_ATTACH, 1, 1000, EIO);
    vf_client_rule(g->c, VF_OP_DETACH, 1, 1000, EIO);
    vs_submit_vas(g, 1);
    g_assert_true(vs_has_error(g));
    for (int i = 0; i < 3; i++) {
        vs_acknowledge(g);
        g_assert_false(vs_has_error(g));
        g_assert_false(vs_done(g));
        vs_ring(g);
        qtest_clock_step(g->qts, TICK_NS);
    }
    g_assert_false(vs_done(g));

    vf_client_clear_rules(g->c);
    qtest_clock_step(g->qts, 10 * TICK_NS);
    g_assert_true(vs_done(g));
    assert_access(g, 1, VF_ACCESS_S1);
    text = vg_end(g);
    vg_assert_has(text, "DMA of d1 cannot be stopped");
}

/* The chances that the guest or time give to a device that was stopped */
typedef enum Chance { SYNC, OTHER_STE, TIMER, CHANCES } Chance;

static const char *const chance_names[] = { "sync", "other-ste", "timer" };

static void give_chance(VfGuest *g, Chance chance)
{
    switch (chance) {
    case SYNC:
        sync_done(g);
        break;
    case OTHER_STE:
        vs_cfgi_ste(g, SID(2));
        break;
    default:
        qtest_clock_step(g->qts, TICK_NS);
        break;
    }
}

static const VfOp refused_ops[] = {
    VF_OP_HWPT_ALLOC, VF_OP_VDEVICE_ALLOC, VF_OP_ATTACH,
};
/* Have the host refuse calls of kind @op while device 1 is to be translated */
static void refuse_s1(VfGuest *g, VfOp op, unsigned int count, int err)
{
    vs_write_ste(g, VS_LINEAR, SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    vf_client_rule(g->c, op, 1, count, err);
    vs_cfgi_ste(g, SID(1));
}

static const int refused_errors[] = { EBUSY, ENOMEM, EINVAL, EIO };

/* The host refuses an STE for a moment, and the guest names it no more */
static void test_refused(const void *opaque)
{
    Chance chance = *(const Chance *)opaque;

    for (int op = 0; op < ARRAY_SIZE(refused_ops); op++) {
        for (int e = 0; e < ARRAY_SIZE(refused_errors); e++) {
            VfGuest *g = vs_start(2, 2);
            VfClient *c = g->c;
            g_autofree gchar *text = NULL;
            uint32_t since;

            vs_setup(g, VS_LINEAR);
            vs_enable(g, true);
            since = c->shared->log_len;
            refuse_s1(g, refused_ops[op], 3, refused_errors[e]);
            assert_access(g, 1, VF_ACCESS_ABORT);
            g_assert_cmpuint(refused(g, refused_ops[op], since), ==, 1);
            vf_client_clear_rules(c);
            vs_assert_listed(g, 1, "abort", "ste-refused",
                          strerror(refused_errors[e]));
            vs_assert_listed(g, 2, "abort", "none", NULL);
            give_chance(g, chance);
            vs_assert_s1(g, 0, SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT);
            text = vg_end(g);
            vg_assert_has(text, "DMA of d1 is aborted");
        }
    }
}

/* It is refused for long: each SYNC tries once, and the timer less and less */
static void test_refused_long(void)
{
    VfGuest *g = vs_start(2, 2);
    VfClient *c = g->c;
    uint32_t since;

    vs_setup(g, VS_LINEAR);
    vs_enable(g, true);
    vs_write_ste(g, VS_LINEAR, SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    vf_client_rule(c, VF_OP_ATTACH, 1, 1000, EBUSY);
    vs_cfgi_ste(g, SID(1));
    since = c->shared->log_len;
    for (int i = 0; i < 10; i++) {
        vs_queue_va(g, i);
        sync_done(g);
    }
    g_assert_cmpuint(refused(g, VF_OP_ATTACH, since), ==, 10);
    since = c->shared->log_len;
    for (int i = 0; i < 100; i++) {
        qtest_clock_step(g->qts, TICK_NS);
    }
    g_assert_cmpuint(refused(g, VF_OP_ATTACH, since), >, 0);
    g_assert_cmpuint(refused(g, VF_OP_ATTACH, since), <, 20);
    vf_client_clear_rules(c);
    sync_done(g);
    assert_access(g, 1, VF_ACCESS_S1);
    g_free(vg_end(g));
}

/* All devices stop for stale host caches, and go on whatever ends that */
static void test_stale(const void *opaque)
{
    VfGuest *g = vs_start_ats(2, 0);

    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 2, EIO);
    vs_submit_vas(g, 1);
    assert_access(g, 1, VF_ACCESS_ABORT);
    assert_access(g, 2, VF_ACCESS_ABORT);
    if (*(const Chance *)opaque != TIMER) {
        vs_acknowledge(g);
    }
    give_chance(g, *(const Chance *)opaque);
    assert_access(g, 1, VF_ACCESS_S1);
    assert_access(g, 2, VF_ACCESS_S1);
    g_free(vg_end(g));
}

/* The host lacks memory for a moment: that is no fault of the device */
static void test_no_memory(void)
{
    VfGuest *g = vs_start_ats(2, EATS);

    /* The guest's commands, and after the proof that the queue moves, d1's */
    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 1, ENOMEM);
    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 3, 1, ENOMEM);
    vs_queue(g, VS_CMD_ATC_INV | HI(1), VS_ATC_SIZE_ALL);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    go_on(g, 2);
    for (unsigned int n = 1; n <= 2; n++) {
        assert_access(g, n, VF_ACCESS_S1);
        vs_assert_listed(g, n, "translate", "none", NULL);
    }
    g_free(vg_end(g));
}

/*
 * A device answers no ATC invalidation and cannot be stopped: a SYNC waits for
 * the host, and goes on when that is well or the device is gone, without a
 * further word of the guest.
 */
static void test_waiting_sync(const void *opaque)
{
    bool unplugs = *(const bool *)opaque;
    VfGuest *g = vs_start_ats(1, EATS);

    g->c->shared->device[0].atc_dead = true;
    vf_client_rule(g->c, VF_OP_ATTACH, 1, 1000, EBUSY);
    vf_client_rule(g->c, VF_OP_DETACH, 1, 1000, EBUSY);
    vs_queue(g, VS_CMD_ATC_INV | HI(1), VS_ATC_SIZE_ALL);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    g_assert_true(vs_has_error(g));
    vs_acknowledge(g);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_ring(g);
    vg_settle(g);
    g_assert_false(vs_done(g));
    g->c->shared->device[0].atc_dead = false;
    vf_client_clear_rules(g->c);
    if (unplugs) {
        vg_device_del(g, "d1", 1);
    }
    for (int i = 0; i < 20 && !vs_done(g); i++) {
        qtest_clock_step(g->qts, 100 * TICK_NS);
        vg_settle(g);
    }
    g_assert_true(vs_done(g));
    g_assert_false(vs_has_error(g));
    g_free(vg_end(g));
}

int main(int argc, char **argv)
{
    static const bool unplugs[] = { false, true };
    static const Chance chances[] = { SYNC, OTHER_STE, TIMER };

    g_test_init(&argc, &argv, NULL);

    qtest_add_func("smmuv3-accel/recover/dead", test_dead);
    qtest_add_func("smmuv3-accel/recover/blocked", test_blocked);
    qtest_add_func("smmuv3-accel/recover/blocked-by-other",
                   test_blocked_by_other);
    qtest_add_func("smmuv3-accel/recover/no-memory", test_no_memory);
    vg_add_test("smmuv3-accel/recover/waiting-sync", "well", &unplugs[0],
                test_waiting_sync);
    vg_add_test("smmuv3-accel/recover/waiting-sync", "unplugged",
                &unplugs[1], test_waiting_sync);
    qtest_add_func("smmuv3-accel/recover/storm", test_storm);
    qtest_add_func("smmuv3-accel/recover/hurry", test_hurry);
    qtest_add_func("smmuv3-accel/recover/registers", test_registers);
    qtest_add_func("smmuv3-accel/recover/unstoppable", test_unstoppable);
    for (int i = 0; i < CHANCES; i++) {
        vg_add_test("smmuv3-accel/recover/refused", chance_names[i],
                    &chances[i], test_refused);
        vg_add_test("smmuv3-accel/recover/stale", chance_names[i],
                    &chances[i], test_stale);
    }
    qtest_add_func("smmuv3-accel/recover/refused-long", test_refused_long);
    return g_test_run();
}
