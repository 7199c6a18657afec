/*
 * QTest of the accelerated SMMUv3: long command queues
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The host is so slow that one register write cannot complete the whole queue.
 * QEMU has to answer QMP in between. Whatever the guest or the user does
 * meanwhile, each command must take effect once and in order. Sections are
 * those of Arm IHI0070.
 */

#include "qemu/osdep.h"

#include <linux/pci_regs.h>

#include "qemu/bswap.h"
#include "vfio-guest/smmu.h"

#define SID         VS_SID(1)
#define HI(sid)     ((uint64_t)(sid) << 32)

/*
 * Far longer than the SMMU may take at a time, and so many of them that the
 * queue is under way however late the test is to look
 */
#define SLOW_NS     10000000
#define PAIRS       64

/* Devices of a pass over all STEs */
#define DEVICES     8

/* The longest queue, and where there is room for it */
#define LONG        (VG_RAM + 0x1000000)
#define LONG_LOG2   19

/* From now on one call a command: a slice ends between any two of them */
static void slow(VfGuest *g, bool on)
{
    vs_set_batch(g, 1);
    g->c->shared->ioctl_ns = on ? SLOW_NS : 0;
}

/* Let the SMMU begin with invalidations @first and on, each with its SYNC */
static void begin(VfGuest *g, unsigned int first)
{
    for (unsigned int n = first; n < first + PAIRS; n++) {
        vs_queue_va(g, n);
        vs_queue(g, VS_CMD_SYNC, 0);
    }
    slow(g, true);
    vs_ring(g);
    g_assert_false(vs_done(g));
}

/* Wait for the end: invalidations 0 to @count - 1 were done, one a call */
static void end(VfGuest *g, unsigned int count, uint32_t since)
{
    VfShared *s = g->c->shared;

    vs_wait(g);
    slow(g, false);
    g_assert_true(vs_done(g));
    g_assert_cmpuint(s->cmd_len, ==, count);
    for (unsigned int n = 0; n < count; n++) {
        vs_assert_va(&s->cmd[n], n);
    }
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_HWPT_INVALIDATE, since), ==,
                     count);
}

/* The queue does not move, nor does the host hear of anything */
static void assert_still(VfGuest *g)
{
    uint32_t cons = vs_readl(g, VS_CMDQ_CONS);
    uint32_t calls = g->c->shared->log_len;

    vg_settle(g);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, cons);
    g_assert_cmpuint(g->c->shared->log_len, ==, calls);
}

static void test_answers(void)
{
    VfGuest *g = vs_start_s1();
    uint32_t since = g->c->shared->log_len;

    begin(g, 0);
    qtest_qmp_assert_success(g->qts, "{'execute': 'query-status'}");
    g_assert_false(vs_done(g));
    end(g, PAIRS, since);
    vg_end_silent(g);
}

static void test_append(void)
{
    VfGuest *g = vs_start_s1();
    uint32_t since = g->c->shared->log_len;

    begin(g, 0);
    begin(g, PAIRS);
    end(g, 2 * PAIRS, since);
    vg_end_silent(g);
}

/* CMDQEN cleared: nothing is taken any more (6.3.9) */
static void test_disable(void)
{
    VfGuest *g = vs_start_s1();
    uint32_t since = g->c->shared->log_len;

    begin(g, 0);
    vs_writel(g, VS_CR0, VS_CR0_SMMUEN | VS_CR0_EVENTQEN);
    g_assert_cmphex(vs_readl(g, VS_CR0ACK), ==,
                    VS_CR0_SMMUEN | VS_CR0_EVENTQEN);
    assert_still(g);
    g_assert_false(vs_done(g));
    vs_enable(g, true);
    end(g, PAIRS, since);
    vg_end_silent(g);
}

/* And then another queue takes the place of the first one */
static void test_other_queue(void)
{
    VfGuest *g = vs_start_s1();
    VfShared *s = g->c->shared;
    uint32_t done;

    begin(g, 0);
    vs_writel(g, VS_CR0, VS_CR0_SMMUEN | VS_CR0_EVENTQEN);
    done = s->cmd_len;
    g_assert_cmpuint(done, <, PAIRS);
    qtest_writeq(g->qts, VS_BASE + VS_CMDQ_BASE, LONG | VS_CMDQ_LOG2);
    qtest_writeq(g->qts, LONG, VS_VA0);
    qtest_writeq(g->qts, LONG + 8, VS_VA1(1000));
    qtest_writeq(g->qts, LONG + 16, VS_CMD_SYNC);
    vs_writel(g, VS_CMDQ_CONS, 0);
    vs_writel(g, VS_CMDQ_PROD, 2);
    vs_enable(g, true);
    vs_wait(g);
    slow(g, false);
    g_assert_true(vs_done(g));
    g_assert_cmpuint(s->cmd_len, ==, done + 1);
    vs_assert_va(&s->cmd[done], 1000);
    vg_end_silent(g);
}

/* An illegal command stops the queue, in a later slice as well */
static void test_illegal(void)
{
    VfGuest *g = vs_start_s1();
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;
    uint32_t at, cons;

    g->cmdq_prod = vs_readl(g, VS_CMDQ_CONS);
    for (unsigned int n = 0; n < PAIRS; n++) {
        vs_queue_va(g, n);
        vs_queue(g, VS_CMD_SYNC, 0);
    }
    at = g->cmdq_prod;
    vs_queue(g, VS_CMD_ILLEGAL, 0);
    vs_queue(g, VS_CMD_SYNC, 0);
    slow(g, true);
    vs_ring(g);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, 0);
    vs_wait(g);
    cons = vs_readl(g, VS_CMDQ_CONS);
    g_assert_cmpuint(VS_CONS_ERR(cons), ==, VS_CERROR_ILL);
    g_assert_cmphex(cons & 0xffff, ==, at);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, VS_GERROR_CMDQ_ERR);
    assert_still(g);

    qtest_writeq(g->qts, VS_CMDQ + at * 16, VS_VA0);
    qtest_writeq(g->qts, VS_CMDQ + at * 16 + 8, VS_VA1(PAIRS));
    vs_writel(g, VS_GERRORN, VS_GERROR_CMDQ_ERR);
    end(g, PAIRS + 1, since);
    vg_end_silent(g);
}

static void test_reset(void)
{
    VfGuest *g = vs_start_s1();
    VfShared *s = g->c->shared;
    uint32_t since;

    begin(g, 0);
    vg_system_reset(g);
    slow(g, false);
    g_assert_cmpuint(s->cmd_len, <, PAIRS);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, 0);
    assert_still(g);

    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, VF_ACCESS_S1);
    s->cmd_len = 0;
    since = s->log_len;
    begin(g, 0);
    end(g, PAIRS, since);
    vg_end_silent(g);
}

/* Without a device the rest concerns the emulation only */
static void test_unplug(void)
{
    VfGuest *g = vs_start_s1();

    begin(g, 0);
    vg_device_del(g, "d1", 1);
    g_assert_cmpuint(g->c->shared->cmd_len, <, PAIRS);
    vs_wait(g);
    slow(g, false);
    g_assert_true(vs_done(g));
    vf_client_assert_clean(g->c);
    vg_end_silent(g);
}

static void test_stop(void)
{
    VfGuest *g = vs_start_s1();
    uint32_t since = g->c->shared->log_len;

    begin(g, 0);
    qtest_qmp_assert_success(g->qts, "{'execute': 'stop'}");
    assert_still(g);
    g_assert_false(vs_done(g));
    qtest_qmp_assert_success(g->qts, "{'execute': 'cont'}");
    end(g, PAIRS, since);
    vg_end_silent(g);
}

typedef struct UpdateTest {
    const char *name;
    bool transfer;
} UpdateTest;

static const UpdateTest update_tests[] = {
    { .name = "exec", .transfer = false },
    { .name = "transfer", .transfer = true },
};

/* A guest that a new QEMU can take over */
static VfGuest *start_update(unsigned int devices)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, devices, devices);
    VfGuest *g;

    for (unsigned int n = 0; n < devices; n++) {
        /* VFIO hands interrupts over by way of KVM only */
        c->shared->device[n].phys[PCI_INTERRUPT_PIN] = 0;
    }
    g = vg_start(c, "%s " VG_SHARED_RAM, options);
    vg_ports(g, devices);
    vs_setup(g, VS_LINEAR);
    return g;
}

/* A new QEMU takes the guest over while the queue is under way */
static void update(VfGuest *g, const UpdateTest *t)
{
    qtest_qmp_assert_success(g->qts, "{'execute': 'stop'}");
    slow(g, false);
    if (t->transfer) {
        vg_transfer(g);
    } else {
        vg_exec(g, NULL);
    }
    g_assert_false(vs_done(g));
    vs_set_batch(g, 1);
    qtest_qmp_assert_success(g->qts, "{'execute': 'cont'}");
}

/* A new QEMU goes on where the old one was */
static void test_update(const void *opaque)
{
    VfGuest *g = start_update(1);
    VfShared *s = g->c->shared;
    uint32_t since;

    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    s->cmd_len = 0;

    since = s->log_len;
    begin(g, 0);
    update(g, opaque);
    end(g, PAIRS, since);
    vg_end_silent(g);
}

/* Have the guest's tables translate for many devices */
static void translate_many(VfGuest *g)
{
    vs_writel(g, VS_STRTAB_BASE_CFG, VS_STRTAB_LOG2 + 2);
    vs_translate_all(g, DEVICES, 0);
}

/* Many devices in stage 1 */
static VfGuest *start_many(void)
{
    VfGuest *g = vs_start(DEVICES, DEVICES);

    vs_setup(g, VS_LINEAR);
    translate_many(g);
    return g;
}

/* Number of devices that @access is true of */
static unsigned int count_access(VfGuest *g, VfAccess access)
{
    unsigned int count = 0;

    for (unsigned int n = 0; n < DEVICES; n++) {
        count += vf_client_access(g->c, n, NULL) == access;
    }
    return count;
}

/* Wait for commands without a SYNC that would tell when they are done */
static void wait_access(VfGuest *g, VfAccess access)
{
    int64_t start = g_get_monotonic_time();

    while (count_access(g, access) < DEVICES) {
        vg_settle(g);
        g_assert_cmpint(g_get_monotonic_time() - start, <,
                        60 * G_USEC_PER_SEC);
    }
}

/* One command that concerns all devices takes long, too */
static void test_pass(void)
{
    const uint64_t word0 = VS_STE0_DEFAULT + 0x10000;
    VfGuest *g = start_many();
    uint32_t since = g->c->shared->log_len;
    uint32_t start;

    g_assert_cmpuint(count_access(g, VF_ACCESS_S1), ==, DEVICES);
    for (unsigned int n = 1; n <= DEVICES; n++) {
        vs_write_ste(g, VS_LINEAR, VS_SID(n), word0, VS_STE1_DEFAULT);
    }
    start = g->cmdq_prod;
    vs_queue(g, VS_CMD_CFGI_STE_RANGE, VS_RANGE(31));
    vs_queue(g, VS_CMD_SYNC, 0);
    slow(g, true);
    vs_ring(g);
    /* Not past the SYNC as long as there is a device with its old STE */
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, start + 1);
    vg_settle(g);
    vs_wait(g);
    for (unsigned int n = 1; n <= DEVICES; n++) {
        vs_assert_s1(g, n - 1, VS_SID(n), word0, VS_STE1_DEFAULT);
    }
    slow(g, false);
    g_assert_true(vs_done(g));
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_HWPT_ALLOC, since), ==,
                     DEVICES);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_ATTACH, since), ==, DEVICES);
    vg_end_silent(g);
}

/* A queue may end without a SYNC */
static void test_pass_no_sync(void)
{
    VfGuest *g = start_many();

    for (unsigned int n = 1; n <= DEVICES; n++) {
        vs_write_ste(g, VS_LINEAR, VS_SID(n), VS_STE0_V | VS_STE0_ABORT, 0);
    }
    vs_queue(g, VS_CMD_CFGI_STE_RANGE, VS_RANGE(31));
    slow(g, true);
    vs_ring(g);
    g_assert_cmpuint(count_access(g, VF_ACCESS_ABORT), <, DEVICES);
    wait_access(g, VF_ACCESS_ABORT);
    slow(g, false);
    vg_end_silent(g);
}

/* A device that goes while its STE is still to be looked at is forgotten */
static void test_pass_unplug(void)
{
    VfGuest *g = start_many();
    g_autofree gchar *id = NULL;
    unsigned int n;

    for (n = 1; n <= DEVICES; n++) {
        vs_write_ste(g, VS_LINEAR, VS_SID(n), VS_STE0_V | VS_STE0_ABORT, 0);
    }
    /* One slice is all there is while the virtual machine stands still */
    qtest_qmp_assert_success(g->qts, "{'execute': 'stop'}");
    vs_queue(g, VS_CMD_CFGI_STE_RANGE, VS_RANGE(31));
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_set_slice(g, 1);
    slow(g, true);
    vs_ring(g);
    slow(g, false);
    g_assert_false(vs_done(g));
    g_assert_cmpuint(count_access(g, VF_ACCESS_S1), >, 1);
    n = 1;
    while (vf_client_access(g->c, n - 1, NULL) != VF_ACCESS_S1) {
        n++;
    }
    id = g_strdup_printf("d%u", n);
    vg_device_del(g, id, n);
    g_assert_cmpint(vf_client_access(g->c, n - 1, NULL), ==, VF_ACCESS_NONE);

    qtest_qmp_assert_success(g->qts, "{'execute': 'cont'}");
    vs_wait(g);
    g_assert_true(vs_done(g));
    g_assert_cmpuint(count_access(g, VF_ACCESS_ABORT), ==, DEVICES - 1);
    vg_end_silent(g);
}

/* However often the guest says so, each STE is looked at once for a SYNC */
static void test_one_look(void)
{
    VfGuest *g = vs_start(1, 1);

    vs_setup(g, VS_LINEAR);
    /* Not in the table: said each time that the guest asks for it (6.3.12) */
    vs_writel(g, VS_STRTAB_BASE_CFG, 4);
    vs_writel(g, VS_CR2, VS_CR2_RECINVSID);
    vs_enable(g, true);
    vs_drop_events(g);
    for (int sync = 0; sync < 3; sync++) {
        for (int i = 0; i < 10; i++) {
            vs_queue(g, VS_CMD_CFGI_STE | HI(SID), 1);
            vs_queue(g, VS_CMD_CFGI_STE_RANGE, VS_RANGE(31));
        }
        vs_sync(g);
        vs_assert_event(g, SID, sync ? 0 : VS_EVT_C_BAD_STREAMID);
    }
    vg_end_silent(g);
}

/* The last that the host has seen since then is an invalidation of ASID 3 */
static void assert_ends_with_tlbi(VfGuest *g, uint32_t since)
{
    const VfLog *last = vf_client_last(g->c, VF_OP_HWPT_INVALIDATE, since);
    VfShared *s = g->c->shared;
    bool found = false;

    g_assert(last > vf_client_last(g->c, VF_OP_ATTACH, since));
    for (uint32_t i = last->arg[3]; i < s->cmd_len; i++) {
        g_assert_cmpuint(s->cmd[i].issued, ==, 1);
        found |= s->cmd[i].word[0] == VS_CMD_TLBI_NSNH_ALL ||
                 s->cmd[i].word[0] == (VS_CMD_TLBI_NH_ASID | VS_ASID(3));
    }
    g_assert_true(found);
}

/* Entries that the old STE brought into the TLB are invalidated after it */
static void test_order_tlbi(void)
{
    const uint64_t word0 = VS_STE0_DEFAULT + 0x10000;
    VfGuest *g = vs_start_s1();
    uint32_t since = g->c->shared->log_len;

    vs_write_ste(g, VS_LINEAR, SID, word0, VS_STE1_DEFAULT);
    vs_queue(g, VS_CMD_CFGI_STE | HI(SID), 1);
    vs_queue(g, VS_CMD_TLBI_NH_ASID | VS_ASID(3), 0);
    vs_sync(g);
    vs_assert_s1(g, 0, SID, word0, VS_STE1_DEFAULT);
    assert_ends_with_tlbi(g, since);
    vg_end_silent(g);
}

/* Also when a new QEMU is the one that attaches to the new STEs */
static void test_update_tlbi(const void *opaque)
{
    const uint64_t word0 = VS_STE0_DEFAULT + 0x10000;
    VfGuest *g = start_update(DEVICES);
    uint32_t since = g->c->shared->log_len;

    translate_many(g);
    for (unsigned int n = 1; n <= DEVICES; n++) {
        vs_write_ste(g, VS_LINEAR, VS_SID(n), word0, VS_STE1_DEFAULT);
        vs_queue(g, VS_CMD_CFGI_STE | HI(VS_SID(n)), 1);
    }
    vs_queue(g, VS_CMD_TLBI_NH_ASID | VS_ASID(3), 0);
    vs_queue(g, VS_CMD_SYNC, 0);
    slow(g, true);
    vs_ring(g);
    update(g, opaque);
    vs_wait(g);
    g_assert_true(vs_done(g));
    for (unsigned int n = 1; n <= DEVICES; n++) {
        vs_assert_s1(g, n - 1, VS_SID(n), word0, VS_STE1_DEFAULT);
    }
    assert_ends_with_tlbi(g, since);
    vg_end_silent(g);
}

/* QEMU reports a device that waits once, be it the old QEMU or the new */
static void test_update_event(const void *opaque)
{
    VfGuest *g = start_update(DEVICES);
    const VsState *bad = &vs_states[VS_BAD];
    unsigned int seen[DEVICES + 1] = { 0 };
    uint64_t evt[4];

    translate_many(g);
    /* The last one is not in the table: due since its CFGI_STE (6.3.12) */
    vs_writel(g, VS_CR0, VS_CR0_CMDQEN | VS_CR0_EVENTQEN);
    vs_writel(g, VS_STRTAB_BASE_CFG, VS_STRTAB_LOG2 + 1);
    vs_writel(g, VS_CR2, VS_CR2_RECINVSID);
    vs_enable(g, true);
    vs_drop_events(g);
    for (unsigned int n = 1; n <= DEVICES; n++) {
        if (n < DEVICES) {
            vs_write_ste(g, VS_LINEAR, VS_SID(n), bad->word[0], bad->word[1]);
        }
        vs_queue(g, VS_CMD_CFGI_STE | HI(VS_SID(n)), 1);
    }
    vs_queue(g, VS_CMD_SYNC, 0);
    slow(g, true);
    vs_ring(g);
    update(g, opaque);
    vs_wait(g);
    g_assert_true(vs_done(g));
    while (vs_next_event(g, evt)) {
        unsigned int n = evt[0] >> 40;

        g_assert_cmpuint(n, >=, 1);
        g_assert_cmpuint(n, <=, DEVICES);
        g_assert_cmphex(evt[0] & 0xff, ==, n < DEVICES ? VS_EVT_C_BAD_STE :
                                           VS_EVT_C_BAD_STREAMID);
        seen[n]++;
    }
    for (unsigned int n = 1; n <= DEVICES; n++) {
        g_assert_cmpuint(seen[n], ==, 1);
    }
    vg_end_silent(g);
}

/* A command for a device that is only now one of stage 1 reaches the host */
static void test_order_cd(void)
{
    VfGuest *g = vs_start(1, 1);
    VfShared *s = g->c->shared;

    vs_setup(g, VS_LINEAR);
    vs_enable(g, true);
    vs_write_ste(g, VS_LINEAR, SID, VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    vs_queue(g, VS_CMD_CFGI_STE | HI(SID), 1);
    vs_queue(g, VS_CMD_CFGI_CD | HI(SID), VS_LEAF);
    vs_sync(g);
    vs_assert_s1(g, 0, SID, VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    g_assert_cmpuint(s->cmd_len, ==, 1);
    g_assert_cmphex(s->cmd[0].word[0], ==, VS_CMD_CFGI_CD | HI(SID));
    vg_end_silent(g);
}

/* When the host fails for good, all devices stop before the guest is told */
static void test_fail(void)
{
    VfGuest *g = start_many();
    g_autofree gchar *text = NULL;

    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 1000, EIO);
    vs_queue_va(g, 0);
    vs_queue(g, VS_CMD_SYNC, 0);
    slow(g, true);
    vs_ring(g);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, 0);
    vs_wait(g);
    g_assert_cmpuint(count_access(g, VF_ACCESS_ABORT), ==, DEVICES);
    slow(g, false);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, VS_GERROR_CMDQ_ERR);
    g_assert_cmpuint(VS_CONS_ERR(vs_readl(g, VS_CMDQ_CONS)), ==,
                     VS_CERROR_ABT);

    vf_client_clear_rules(g->c);
    vs_writel(g, VS_GERRORN, VS_GERROR_CMDQ_ERR);
    vs_wait(g);
    g_assert_true(vs_done(g));
    g_assert_cmpuint(count_access(g, VF_ACCESS_S1), ==, DEVICES);
    text = vg_end(g);
    vg_assert_has(text, "DMA of d1 is aborted");
}

/* The device that comes after it has nothing to do with that */
static void test_fail_replug(void)
{
    const uint64_t word0 = VS_STE0_DEFAULT + 0x10000;
    VfGuest *g = vs_start_s1();

    /* Or else it would be over before the device is unplugged */
    qtest_qmp_assert_success(g->qts, "{'execute': 'stop'}");
    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 1000, EIO);
    vs_queue_va(g, 0);
    vs_queue(g, VS_CMD_SYNC, 0);
    slow(g, true);
    vs_ring(g);
    slow(g, false);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, VS_GERROR_CMDQ_ERR);
    vg_device_del(g, "d1", 1);
    vf_client_clear_rules(g->c);
    qtest_qmp_assert_success(g->qts, "{'execute': 'cont'}");
    vs_writel(g, VS_GERRORN, VS_GERROR_CMDQ_ERR);
    vs_wait(g);
    g_assert_true(vs_done(g));

    g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    vs_write_ste(g, VS_LINEAR, SID, word0, VS_STE1_DEFAULT);
    vs_cfgi_ste(g, SID);
    vs_assert_s1(g, 0, SID, word0, VS_STE1_DEFAULT);
    g_free(vg_end(g));
}

/* A new STE of one device finds the host well again: all devices go on */
static void test_recover_all(void)
{
    VfGuest *g = start_many();
    g_autofree gchar *text = NULL;

    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 1000, EIO);
    vs_queue_va(g, 0);
    vs_submit(g);
    wait_access(g, VF_ACCESS_ABORT);
    vf_client_clear_rules(g->c);
    vs_cfgi_ste(g, SID);
    g_assert_cmpuint(count_access(g, VF_ACCESS_S1), ==, DEVICES);
    text = vg_end(g);
    vg_assert_has(text, "DMA of d1 is aborted");
}

/* Nothing but the number of commands makes it long */
static void test_emulated(void)
{
    const uint32_t len = 1u << (LONG_LOG2 - 1);
    g_autofree uint64_t *queue = g_new0(uint64_t, 2 * len);
    VfGuest *g = vs_start(1, 0);

    for (uint32_t i = 0; i < len; i++) {
        queue[2 * i] = cpu_to_le64(VS_CMD_CFGI_STE_RANGE);
        queue[2 * i + 1] = cpu_to_le64(VS_RANGE(31));
    }
    vs_setup(g, VS_LINEAR);
    vs_writel(g, VS_CR0, 0);
    qtest_bufwrite(g->qts, LONG, queue, len * 16);
    qtest_writeq(g->qts, VS_BASE + VS_CMDQ_BASE, LONG | LONG_LOG2);
    vs_enable(g, true);
    vs_writel(g, VS_CMDQ_PROD, len);
    g_assert_false(vs_done(g));
    vg_settle(g);
    vs_wait(g);
    g_assert_true(vs_done(g));
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("smmuv3-accel/bound/answers", test_answers);
    qtest_add_func("smmuv3-accel/bound/append", test_append);
    qtest_add_func("smmuv3-accel/bound/disable", test_disable);
    qtest_add_func("smmuv3-accel/bound/other-queue", test_other_queue);
    qtest_add_func("smmuv3-accel/bound/illegal", test_illegal);
    qtest_add_func("smmuv3-accel/bound/reset", test_reset);
    qtest_add_func("smmuv3-accel/bound/unplug", test_unplug);
    qtest_add_func("smmuv3-accel/bound/stop", test_stop);
    for (int i = 0; i < ARRAY_SIZE(update_tests); i++) {
        vg_add_test("smmuv3-accel/bound", update_tests[i].name,
                    &update_tests[i], test_update);
    }
    qtest_add_func("smmuv3-accel/bound/pass", test_pass);
    qtest_add_func("smmuv3-accel/bound/pass-no-sync", test_pass_no_sync);
    qtest_add_func("smmuv3-accel/bound/pass-unplug", test_pass_unplug);
    qtest_add_func("smmuv3-accel/bound/one-look", test_one_look);
    qtest_add_func("smmuv3-accel/bound/order-tlbi", test_order_tlbi);
    for (int i = 0; i < ARRAY_SIZE(update_tests); i++) {
        vg_add_test("smmuv3-accel/bound/update-tlbi", update_tests[i].name,
                    &update_tests[i], test_update_tlbi);
        vg_add_test("smmuv3-accel/bound/update-event", update_tests[i].name,
                    &update_tests[i], test_update_event);
    }
    qtest_add_func("smmuv3-accel/bound/order-cd", test_order_cd);
    qtest_add_func("smmuv3-accel/bound/fail", test_fail);
    qtest_add_func("smmuv3-accel/bound/fail-replug", test_fail_replug);
    qtest_add_func("smmuv3-accel/bound/recover-all", test_recover_all);
    qtest_add_func("smmuv3-accel/bound/emulated", test_emulated);
    return g_test_run();
}
