/*
 * QTest of the accelerated SMMUv3: a host that fails again and again
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * smmuv3-accel-recover-test has single failures. Here a guest makes the host
 * fail as often as it can, an outage begins where another one just ended, and
 * what is left behind is made up for. The guest is told by an event, and the
 * user by a state that is true.
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "vfio-guest/smmu.h"

#define SID(n)      VS_SID(n)
#define HI(n)       ((uint64_t)SID(n) << 32)
#define EATS        VS_STE1_EATS(VS_EATS_FULL)
#define OTHER_STE0  (VS_STE0_DEFAULT + 0x10000)

#define MS          1000000ll
#define SECOND      (1000 * MS)

/* Longer than a retry is ever put off, and than a failure is remembered */
#define QUIET       (60 * SECOND)

static void assert_access(VfGuest *g, unsigned int n, VfAccess access)
{
    g_assert_cmpint(vf_client_access(g->c, n - 1, NULL), ==, access);
}

/* A CMD_SYNC of a driver that acknowledges errors and tries again */
static void sync_again(VfGuest *g)
{
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_ring(g);
    for (int i = 0; i < 20 && !vs_done(g); i++) {
        vg_settle(g);
        if (vs_has_error(g)) {
            vs_acknowledge(g);
        }
    }
    g_assert_true(vs_done(g));
}

/* Have device @n do ATS again, and invalidate its ATC */
static void rearm(VfGuest *g, unsigned int n)
{
    vs_queue(g, VS_CMD_CFGI_STE | HI(n), 1);
    vs_queue(g, VS_CMD_ATC_INV | HI(n), VS_ATC_SIZE_ALL);
    sync_again(g);
}

/*
 * A device answers no ATC invalidation, and each may take the host a second.
 * The guest enables its ATS again as fast as it can.
 */
static void test_rearm(void)
{
    for (unsigned int blocks = 0; blocks < 4; blocks++) {
        VfGuest *g = vs_start_ats(2, EATS);
        VfClient *c = g->c;
        uint32_t since = c->shared->log_len;

        c->shared->device[0].atc_dead = true;
        c->shared->atc_blocks = blocks;
        for (int i = 0; i < 50; i++) {
            rearm(g, 1);
        }
        /*
         * Twice, as a first failure may be over at once. Each time the batch
         * fails, what proves the device, and all that is blocked behind both.
         */
        g_assert_cmpuint(vf_client_refused(c, VF_OP_HWPT_INVALIDATE, since),
                         <=, 2 * (2 + 2 * blocks));
        assert_access(g, 1, VF_ACCESS_ABORT);
        if (!blocks) {
            vs_assert_listed(g, 1, "abort", "atc-invalidation", "ATC");
            assert_access(g, 2, VF_ACCESS_S1);
        }

        /* A minute, with five tries of the guest a second */
        since = c->shared->log_len;
        for (int i = 0; i < 300; i++) {
            qtest_clock_step(g->qts, 200 * MS);
            rearm(g, 1);
        }
        g_assert_cmpuint(vf_client_refused(c, VF_OP_HWPT_INVALIDATE, since),
                         <=, 12 * (2 + 2 * blocks));

        /* Well again, it goes on by itself, as the guest wanted last */
        c->shared->device[0].atc_dead = false;
        rearm(g, 1);
        for (int i = 0; i < 10; i++) {
            qtest_clock_step(g->qts, 10 * SECOND);
        }
        assert_access(g, 1, VF_ACCESS_S1);
        assert_access(g, 2, VF_ACCESS_S1);
        vs_assert_listed(g, 1, "translate", "none", NULL);

        /* After a quiet time a failure is a first one again */
        qtest_clock_step(g->qts, QUIET);
        c->shared->device[0].atc_dead = true;
        c->shared->atc_blocks = 0;
        rearm(g, 1);
        assert_access(g, 1, VF_ACCESS_ABORT);
        c->shared->device[0].atc_dead = false;
        rearm(g, 1);
        assert_access(g, 1, VF_ACCESS_S1);
        g_free(vg_end(g));
    }
}

/* While ATS has to wait, and a reset does not end that, other STEs have not */
static void test_rearm_other(void)
{
    VfGuest *g = vs_start_ats(1, EATS);
    VfShared *s = g->c->shared;

    s->device[0].atc_dead = true;
    for (int i = 0; i < 10; i++) {
        rearm(g, 1);
    }
    assert_access(g, 1, VF_ACCESS_ABORT);
    vs_write_ste(g, VS_LINEAR, SID(1), VS_STE0_V | VS_STE0_BYPASS, 0);
    vs_cfgi_ste(g, SID(1));
    assert_access(g, 1, VF_ACCESS_BYPASS);
    vs_write_ste(g, VS_LINEAR, SID(1), VS_STE0_DEFAULT,
                 VS_STE1_DEFAULT | EATS);
    vs_cfgi_ste(g, SID(1));
    assert_access(g, 1, VF_ACCESS_ABORT);
    vs_write_ste(g, VS_LINEAR, SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    vs_cfgi_ste(g, SID(1));
    vs_assert_s1(g, 0, SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT);

    vg_system_reset(g);
    assert_access(g, 1, VF_ACCESS_BYPASS);
    s->device[0].atc_dead = false;
    vg_ports(g, 1);
    vs_setup(g, VS_LINEAR);
    vs_write_ste(g, VS_LINEAR, SID(1), VS_STE0_DEFAULT,
                 VS_STE1_DEFAULT | EATS);
    vs_enable(g, true);
    assert_access(g, 1, VF_ACCESS_ABORT);
    qtest_clock_step(g->qts, SECOND);
    vs_assert_s1(g, 0, SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT | EATS);
    g_free(vg_end(g));
}

/* The guest names a device without ATS meanwhile: it is not left for dead */
static void test_rearm_stale(void)
{
    VfGuest *g = vs_start_ats(2, EATS);
    VfClient *c = g->c;

    c->shared->device[0].atc_dead = true;
    rearm(g, 1);
    vs_assert_listed(g, 1, "abort", "atc-invalidation", "ATC");
    c->shared->device[0].atc_dead = false;
    vf_client_rule(c, VF_OP_HWPT_INVALIDATE, 1, 1000, EIO);
    vs_queue_va(g, 1);
    sync_again(g);
    vs_assert_listed(g, 1, "abort", "atc-invalidation", "ATC");
    vs_cfgi_ste(g, SID(1));
    vf_client_clear_rules(c);
    qtest_clock_step(g->qts, QUIET);
    assert_access(g, 1, VF_ACCESS_S1);
    assert_access(g, 2, VF_ACCESS_S1);
    vs_assert_listed(g, 1, "translate", "none", NULL);
    g_free(vg_end(g));
}

/* A device can be neither invalidated for nor stopped: so says its state */
static void test_state_stale(void)
{
    VfGuest *g = vs_start_ats(1, 0);

    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 100000, ETIMEDOUT);
    vf_client_rule(g->c, VF_OP_ATTACH, 1, 1000, EBUSY);
    vf_client_rule(g->c, VF_OP_DETACH, 1, 1000, EBUSY);
    vs_submit_vas(g, 2);
    vs_acknowledge(g);
    for (int i = 0; i < 4; i++) {
        vs_assert_listed(g, 1, "translate", "stale-caches",
                         "IOMMU_HWPT_INVALIDATE failed");
        vs_gbpa(g, !(i & 1));
    }
    /* As soon as it can be stopped, it is */
    vf_client_clear_rules(g->c);
    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 100000, ETIMEDOUT);
    vs_gbpa(g, false);
    vs_assert_listed(g, 1, "abort", "stale-caches",
                     "IOMMU_HWPT_INVALIDATE failed");
    vf_client_clear_rules(g->c);
    qtest_clock_step(g->qts, QUIET);
    vs_assert_listed(g, 1, "translate", "none", NULL);
    g_free(vg_end(g));
}

/* Same, for a device that does not answer, until it does */
static void test_state_atc(void)
{
    VfGuest *g = vs_start_ats(1, EATS);

    g->c->shared->device[0].atc_dead = true;
    vf_client_rule(g->c, VF_OP_ATTACH, 1, 1000, EBUSY);
    vf_client_rule(g->c, VF_OP_DETACH, 1, 1000, EBUSY);
    vs_queue(g, VS_CMD_ATC_INV | HI(1), VS_ATC_SIZE_ALL);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    vs_acknowledge(g);
    vs_assert_listed(g, 1, "translate", "stale-caches",
                     "ATC of StreamID 0x100");
    g->c->shared->device[0].atc_dead = false;
    vf_client_clear_rules(g->c);
    for (int i = 0; i < 10; i++) {
        qtest_clock_step(g->qts, 10 * SECOND);
    }
    assert_access(g, 1, VF_ACCESS_S1);
    vs_assert_listed(g, 1, "translate", "none", NULL);
    g_free(vg_end(g));
}

/* Returns: how many times @part is in @text */
static unsigned int count(const char *text, const char *part)
{
    unsigned int n = 0;

    for (; (text = strstr(text, part)); text++) {
        n++;
    }
    return n;
}

static void toggle(VfGuest *g, unsigned int times)
{
    for (unsigned int i = 1; i <= times; i++) {
        vs_write_ste(g, VS_LINEAR, SID(1),
                     i & 1 ? OTHER_STE0 : VS_STE0_DEFAULT, VS_STE1_DEFAULT);
        vs_cfgi_ste(g, SID(1));
    }
}

/* The host frees no HWPT for a while: none is left in the end */
static void test_hwpts(void)
{
    VfGuest *g = vs_start_ats(1, 0);
    VfClient *c = g->c;
    unsigned int before = vf_client_objects(c, VF_OBJ_HWPT_NESTED);
    g_autofree gchar *text = NULL;

    vf_client_rule(c, VF_OP_DESTROY, 1, 1, EBUSY);
    toggle(g, 1);
    vs_assert_s1(g, 0, SID(1), OTHER_STE0, VS_STE1_DEFAULT);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_HWPT_NESTED), ==, before + 1);
    vf_client_clear_rules(c);
    qtest_clock_step(g->qts, QUIET);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_HWPT_NESTED), ==, before);

    /* As many as a guest can have made meanwhile, which has a limit */
    vf_client_rule(c, VF_OP_DESTROY, 1, UINT32_MAX, EBUSY);
    toggle(g, 200);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_HWPT_NESTED), <, before + 100);
    vf_client_clear_rules(c);
    qtest_clock_step(g->qts, QUIET);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_HWPT_NESTED), ==, before);
    vs_assert_s1(g, 0, SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT);

    /* One that could not be attached is not left either */
    vf_client_rule(c, VF_OP_ATTACH, 1, 2, ENOMEM);
    vf_client_rule(c, VF_OP_DESTROY, 1, 1, EBUSY);
    toggle(g, 1);
    vf_client_clear_rules(c);
    qtest_clock_step(g->qts, QUIET);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_HWPT_NESTED), ==, before);

    vf_client_rule(c, VF_OP_DESTROY, 1, 1, EBUSY);
    vg_device_del(g, "d1", 1);
    vf_client_clear_rules(c);
    vf_client_assert_clean(c);
    text = vg_end(g);
    /* Said once for each time that it happened, and with the device */
    g_assert_cmpuint(count(text, "IOMMU_DESTROY"), ==, 4);
    g_assert_cmpuint(count(text, "d1"), >=, 4);
}

typedef enum Chance { SYNC, TIMER, CHANCES } Chance;

static const char *const chance_names[] = { "sync", "timer" };

static void give_chance(VfGuest *g, Chance chance)
{
    if (chance == SYNC) {
        sync_again(g);
    } else {
        qtest_clock_step(g->qts, 200 * MS);
    }
}

/*
 * A device on bypass whose StreamID the host could not be told: its events
 * would reach nobody. It gets it without a further word of the guest's.
 */
typedef struct NoVdevice {
    VfOp op;                /* what the host refuses */
    bool numbered_last;     /* the bus is, else the SMMU is enabled last */
} NoVdevice;

static const NoVdevice no_vdevice[] = {
    { .op = VF_OP_VDEVICE_ALLOC },
    { .op = VF_OP_VDEVICE_ALLOC, .numbered_last = true },
    /* On bypass already: it is to be attached anew */
    { .op = VF_OP_HWPT_ALLOC },
};

static void number_bus(VfGuest *g)
{
    vg_config_writel(g, 0, 1 << 3, PCI_PRIMARY_BUS, 1 << 8 | 1 << 16);
}

static void test_no_vdevice(const void *opaque)
{
    for (int i = 0; i < ARRAY_SIZE(no_vdevice); i++) {
        const NoVdevice *t = &no_vdevice[i];
        VfGuest *g = vs_start(1, 1);
        const VfObject *device = vf_client_device_object(g->c, 0);

        vs_setup(g, VS_LINEAR);
        vg_config_writel(g, 0, 1 << 3, PCI_PRIMARY_BUS, 0);
        vs_write_ste(g, VS_LINEAR, SID(1), VS_STE0_V | VS_STE0_BYPASS, 0);
        if (t->numbered_last) {
            vs_enable(g, true);
        } else {
            number_bus(g);
            /* A disabled SMMU records no event */
            vs_assert_listed(g, 1, "bypass", "none", NULL);
        }
        vf_client_rule(g->c, t->op, 1, 1, ENOMEM);
        if (t->numbered_last) {
            number_bus(g);
        } else {
            vs_enable(g, true);
        }
        vf_client_clear_rules(g->c);
        assert_access(g, 1, VF_ACCESS_BYPASS);
        g_assert_false(device->reports);
        vs_assert_listed(g, 1, "bypass", "no-vdevice", NULL);
        give_chance(g, *(const Chance *)opaque);
        assert_access(g, 1, VF_ACCESS_BYPASS);
        g_assert_true(device->reports);
        g_assert_cmphex(device->event_sid, ==, SID(1));
        vs_assert_listed(g, 1, "bypass", "none", NULL);
        vg_device_del(g, "d1", 1);
        vf_client_assert_clean(g->c);
        vg_end_silent(g);
    }
}

/* Two devices with one StreamID: no reason to ask the host again and again */
static void test_no_vdevice_shared(void)
{
    VfGuest *g = vs_start(2, 2);
    uint32_t since;

    vs_setup(g, VS_LINEAR);
    vs_write_ste(g, VS_LINEAR, SID(1), VS_STE0_V | VS_STE0_BYPASS, 0);
    vs_enable(g, true);
    vg_config_writel(g, 0, 2 << 3, PCI_PRIMARY_BUS, 1 << 8 | 1 << 16);
    assert_access(g, 1, VF_ACCESS_BYPASS);
    assert_access(g, 2, VF_ACCESS_BYPASS);
    since = g->c->shared->log_len;
    for (int i = 0; i < 10; i++) {
        sync_again(g);
        qtest_clock_step(g->qts, QUIET);
    }
    g_assert_cmpuint(g->c->shared->log_len, ==, since);
    g_free(vg_end(g));
}

/* An outage that follows another one is not waited for as long as that was */
static void test_next_outage(const void *opaque)
{
    Chance chance = *(const Chance *)opaque;
    VfGuest *g = vs_start_ats(1, 0);

    vf_client_rule(g->c, VF_OP_ATTACH, 1, 100000, EBUSY);
    vs_write_ste(g, VS_LINEAR, SID(1), OTHER_STE0, VS_STE1_DEFAULT);
    vs_cfgi_ste(g, SID(1));
    for (int i = 0; i < 40; i++) {
        qtest_clock_step(g->qts, SECOND);
    }
    vf_client_clear_rules(g->c);
    if (chance == SYNC) {
        sync_again(g);
    } else {
        qtest_clock_step(g->qts, QUIET);
    }
    assert_access(g, 1, VF_ACCESS_S1);

    vf_client_rule(g->c, VF_OP_HWPT_ALLOC, 1, 1, EBUSY);
    toggle(g, 2);
    assert_access(g, 1, VF_ACCESS_ABORT);
    vf_client_clear_rules(g->c);
    qtest_clock_step(g->qts, 200 * MS);
    vs_assert_s1(g, 0, SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    g_free(vg_end(g));
}

/* Events for an STE that the host refuses (IHI0070, 7.3.5 and 7.3.4) */

typedef struct Refusal {
    const char *name;
    VfOp op;
    int err;
    unsigned int event;
} Refusal;

static const Refusal refusals[] = {
    { .name = "invalid", .op = VF_OP_HWPT_ALLOC, .err = EIO,
      .event = VS_EVT_C_BAD_STE },
    { .name = "invalid-argument", .op = VF_OP_HWPT_ALLOC, .err = EINVAL,
      .event = VS_EVT_C_BAD_STE },
    { .name = "no-memory", .op = VF_OP_HWPT_ALLOC, .err = ENOMEM,
      .event = VS_EVT_F_STE_FETCH },
    { .name = "reset", .op = VF_OP_ATTACH, .err = EBUSY,
      .event = VS_EVT_F_STE_FETCH },
    { .name = "no-memory-to-attach", .op = VF_OP_ATTACH, .err = ENOMEM,
      .event = VS_EVT_F_STE_FETCH },
};

/* There is one record, as the architecture has it for the STE at @address */
static void assert_refused(VfGuest *g, const Refusal *t, uint64_t address)
{
    uint64_t evt[4];

    g_assert_true(vs_next_event(g, evt));
    g_assert_cmphex(evt[0], ==, t->event | HI(1));
    g_assert_cmphex(evt[1], ==, 0);
    g_assert_cmphex(evt[2], ==, 0);
    g_assert_cmphex(evt[3], ==, t->event == VS_EVT_F_STE_FETCH ? address : 0);
    g_assert_false(vs_next_event(g, evt));
}

static void test_event(const void *opaque)
{
    static const VsTable tables[] = { VS_LINEAR, VS_TWO_LEVEL };
    const Refusal *t = opaque;

    for (int i = 0; i < ARRAY_SIZE(tables); i++) {
        VfGuest *g = vs_start(1, 1);
        uint64_t address = tables[i] == VS_LINEAR ?
                           VS_STRTAB + SID(1) * VS_STE_SIZE : VS_L2TAB;

        vs_setup(g, tables[i]);
        vs_enable(g, true);
        vs_drop_events(g);
        vf_client_rule(g->c, t->op, 1, 1000, t->err);
        vs_write_ste(g, tables[i], SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT);
        vs_cfgi_ste(g, SID(1));
        assert_refused(g, t, address);

        /* The same refusal is no news, whoever tries again */
        for (int again = 0; again < 5; again++) {
            sync_again(g);
            qtest_clock_step(g->qts, SECOND);
            vs_assert_event(g, SID(1), 0);
        }
        vf_client_clear_rules(g->c);
        sync_again(g);
        vs_assert_s1(g, 0, SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT);
        vs_assert_event(g, SID(1), 0);

        /* The next one is */
        vf_client_rule(g->c, t->op, 1, 1, t->err);
        vs_write_ste(g, tables[i], SID(1), OTHER_STE0, VS_STE1_DEFAULT);
        vs_cfgi_ste(g, SID(1));
        assert_refused(g, t, address);
        vf_client_clear_rules(g->c);

        /* An STE that aborts asks for nothing that could be refused */
        qtest_clock_step(g->qts, QUIET);
        vf_client_rule(g->c, VF_OP_ATTACH, 1, 1, t->err);
        vs_write_ste(g, tables[i], SID(1), VS_STE0_V | VS_STE0_ABORT, 0);
        vs_cfgi_ste(g, SID(1));
        vf_client_clear_rules(g->c);
        vs_assert_event(g, SID(1), 0);

        /* Nor is there an STE while the SMMU is disabled */
        vf_client_rule(g->c, VF_OP_ATTACH, 1, 1, t->err);
        vs_enable(g, false);
        vf_client_clear_rules(g->c);
        vs_assert_event(g, SID(1), 0);
        g_free(vg_end(g));
    }
}

/* Stale host caches are no refusal of an STE: the CMD_SYNC has the error */
static void test_event_stale(void)
{
    VfGuest *g = vs_start_ats(1, 0);

    vs_drop_events(g);
    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 1000, EIO);
    vs_submit_vas(g, 1);
    g_assert_true(vs_has_error(g));
    vs_acknowledge(g);
    toggle(g, 1);
    vs_assert_event(g, SID(1), 0);
    g_free(vg_end(g));
}

/* Nor is it, what the guest has to solve: buses may share a number meanwhile */
static void test_event_shared(void)
{
    VfGuest *g = vs_start_ats(2, 0);

    vs_drop_events(g);
    vg_config_writel(g, 0, 2 << 3, PCI_PRIMARY_BUS, 1 << 8 | 1 << 16);
    sync_again(g);
    assert_access(g, 1, VF_ACCESS_S1);
    assert_access(g, 2, VF_ACCESS_ABORT);
    vs_assert_event(g, SID(1), 0);
    vg_config_writel(g, 0, 2 << 3, PCI_PRIMARY_BUS, 2 << 8 | 2 << 16);
    assert_access(g, 2, VF_ACCESS_S1);
    vs_assert_event(g, SID(2), 0);
    g_free(vg_end(g));
}

/*
 * The guest ends the DMA of a device that the host can neither give another STE
 * nor stop: its CMD_SYNC is complete when that is over, and not before.
 */
static void test_unstoppable(void)
{
    VfGuest *g = vs_start_ats(2, 0);

    vf_client_rule(g->c, VF_OP_ATTACH, 1, 1000, EBUSY);
    vf_client_rule(g->c, VF_OP_DETACH, 1, 1000, EBUSY);
    vs_write_ste(g, VS_LINEAR, SID(1), 0, 0);
    vs_queue(g, VS_CMD_CFGI_STE | HI(1), 1);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_ring(g);
    vg_settle(g);
    assert_access(g, 1, VF_ACCESS_S1);
    g_assert_false(vs_done(g));
    g_assert_false(vs_has_error(g));
    vf_client_clear_rules(g->c);
    qtest_clock_step(g->qts, QUIET);
    g_assert_true(vs_done(g));
    assert_access(g, 1, VF_ACCESS_ABORT);
    assert_access(g, 2, VF_ACCESS_S1);
    g_free(vg_end(g));
}

/* Same, for a device that has to wait before it gets ATS back */
static void test_unstoppable_atc(void)
{
    VfGuest *g = vs_start_ats(2, EATS);

    g->c->shared->device[0].atc_dead = true;
    for (int i = 0; i < 4; i++) {
        rearm(g, 1);
    }
    vs_assert_listed(g, 1, "abort", "atc-invalidation", "ATC");
    vs_write_ste(g, VS_LINEAR, SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    vs_cfgi_ste(g, SID(1));
    assert_access(g, 1, VF_ACCESS_S1);

    vf_client_rule(g->c, VF_OP_ATTACH, 1, 1000, EBUSY);
    vf_client_rule(g->c, VF_OP_DETACH, 1, 1000, EBUSY);
    vs_write_ste(g, VS_LINEAR, SID(1), OTHER_STE0, VS_STE1_DEFAULT | EATS);
    vs_queue(g, VS_CMD_CFGI_STE | HI(1), 1);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_ring(g);
    vg_settle(g);
    g_assert_false(vs_done(g));
    vf_client_clear_rules(g->c);
    /* When it gets ATS, it is asked at once */
    g->c->shared->device[0].atc_dead = false;
    qtest_clock_step(g->qts, QUIET);
    g_assert_true(vs_done(g));
    vs_assert_s1(g, 0, SID(1), OTHER_STE0, VS_STE1_DEFAULT | EATS);
    g_free(vg_end(g));
}

/* Each outage is told to the guest, however the one before it ended */
static void test_told_each(void)
{
    VfGuest *g = vs_start_ats(2, 0);

    for (unsigned int round = 0; round < 3; round++) {
        vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 100000, EIO);
        vs_queue_va(g, 1);
        vs_queue(g, VS_CMD_SYNC, 0);
        vs_ring(g);
        vg_settle(g);
        g_assert_true(vs_has_error(g));
        vf_client_clear_rules(g->c);
        vs_gbpa(g, round & 1);
        vs_acknowledge(g);
        vs_wait(g);
        g_assert_true(vs_done(g));
        assert_access(g, 1, VF_ACCESS_S1);
        qtest_clock_step(g->qts, QUIET);
    }
    g_free(vg_end(g));
}

int main(int argc, char **argv)
{
    static const Chance chances[] = { SYNC, TIMER };

    g_test_init(&argc, &argv, NULL);

    qtest_add_func("smmuv3-accel/outage/rearm", test_rearm);
    qtest_add_func("smmuv3-accel/outage/rearm-other", test_rearm_other);
    qtest_add_func("smmuv3-accel/outage/rearm-stale", test_rearm_stale);
    qtest_add_func("smmuv3-accel/outage/state-stale", test_state_stale);
    qtest_add_func("smmuv3-accel/outage/state-atc", test_state_atc);
    qtest_add_func("smmuv3-accel/outage/unstoppable", test_unstoppable);
    qtest_add_func("smmuv3-accel/outage/unstoppable-atc",
                   test_unstoppable_atc);
    qtest_add_func("smmuv3-accel/outage/told-each", test_told_each);
    qtest_add_func("smmuv3-accel/outage/hwpts", test_hwpts);
    for (int i = 0; i < CHANCES; i++) {
        vg_add_test("smmuv3-accel/outage/no-vdevice", chance_names[i],
                    &chances[i], test_no_vdevice);
        vg_add_test("smmuv3-accel/outage/next", chance_names[i], &chances[i],
                    test_next_outage);
    }
    qtest_add_func("smmuv3-accel/outage/no-vdevice/shared",
                   test_no_vdevice_shared);
    for (int i = 0; i < ARRAY_SIZE(refusals); i++) {
        vg_add_test("smmuv3-accel/outage/event", refusals[i].name,
                    &refusals[i], test_event);
    }
    qtest_add_func("smmuv3-accel/outage/event-stale", test_event_stale);
    qtest_add_func("smmuv3-accel/outage/event-shared", test_event_shared);
    return g_test_run();
}
