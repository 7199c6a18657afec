/*
 * QTest of the accelerated SMMUv3: page faults that end in another way
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * While a transaction waits, the guest's event queue may be full or off, the
 * device may leave its tables, be unplugged or be reset, the queue of the host
 * may break, and another QEMU may take over. The host gets one answer all the
 * same, and no device waits for ever.
 */

#include "qemu/osdep.h"

#include <linux/pci_regs.h>

#include "vfio-guest/fault.h"

#define SID VS_SID(1)

#define QUEUE_SIZE (1u << VS_EVENTQ_LOG2)

/* Faults that the guest is told of at a time: IDR5.STALL_MAX */
static unsigned int stall_max(VfGuest *g)
{
    return VS_IDR5_STALL_MAX(vs_readl(g, VS_IDR5));
}

static void stall_term(VfGuest *g)
{
    vs_queue(g, VS_CMD_STALL_TERM | (uint64_t)SID << 32, 0);
    vs_sync(g);
}

/* A fault that QEMU has not read: it stays in the queue of the kernel */
static uint32_t unread_fault(VfGuest *g, unsigned int dev, uint64_t addr)
{
    return vf_client_add_page_fault(g->c, dev, 5, addr, AF_READ);
}

static unsigned int faults_read(VfGuest *g)
{
    unsigned int n = 0;

    for (uint32_t i = 0; i < g->c->shared->page_fault_len; i++) {
        n += g->c->shared->page_fault[i].state == VF_FAULT_READ;
    }
    return n;
}

/* QEMU looks at the queue as if it had been told before */
static void wake(VfGuest *g)
{
    vf_client_wake(g->c, g->c->shared->page_fault[0].queue);
    vg_settle(g);
}

/* A fault that the guest has been told of */
static uint32_t told_fault(VfGuest *g, uint16_t *stag)
{
    uint32_t n = af_fault(g, 0, 5, 0x1000, AF_READ);

    *stag = af_stalled(g, SID, 5, 0x1000, AF_READ);
    return n;
}

/* An answer that comes too late has no effect, and the next fault works */
static void assert_works(VfGuest *g, uint16_t stag)
{
    uint32_t since = g->c->shared->log_len;
    uint32_t n;

    af_resume(g, SID, stag, VS_RESUME_RETRY);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_FAULT_WRITE, since), ==, 0);
    n = af_fault(g, 0, 6, 0x2000, AF_WRITE);
    af_resume(g, SID, stag, VS_RESUME_RETRY);
    af_waiting(g, n);
    stag = af_stalled(g, SID, 6, 0x2000, AF_WRITE);
    af_resume(g, SID, stag, VS_RESUME_RETRY);
    af_answered(g, n, true);
    af_no_event(g);
}

/* A record of a stall is not lost when the queue is full (7.2) */
static void test_full(void)
{
    VfGuest *g = af_start(1, "");
    uint64_t evt[4] = { VS_EVT_F_TRANSLATION | (uint64_t)SID << 32 };
    uint32_t n;

    for (unsigned int i = 0; i < QUEUE_SIZE; i++) {
        vf_client_push_event(g->c, 0, evt);
    }
    vg_settle(g);
    n = af_fault(g, 0, 5, 0x1000, AF_READ);
    af_listed(g, 1, "reported", 1);
    g_assert_cmphex((vs_readl(g, VS_EVENTQ_PROD) ^
                     vs_readl(g, VS_EVENTQ_CONS)) & VS_EVENTQ_OVERFLOW, ==, 0);
    for (unsigned int i = 0; i < QUEUE_SIZE; i++) {
        g_assert_true(vs_next_event(g, evt));
    }
    af_waiting(g, n);
    af_resume(g, SID, af_stalled(g, SID, 5, 0x1000, AF_READ),
              VS_RESUME_RETRY);
    af_answered(g, n, true);
    vg_end_silent(g);
}

/* It waits for the queue to be enabled */
static void test_off(void)
{
    VfGuest *g = af_start(1, "");
    uint32_t n;

    vs_writel(g, VS_CR0, VS_CR0_SMMUEN | VS_CR0_CMDQEN);
    n = af_fault(g, 0, 5, 0x1000, AF_READ);
    af_no_event(g);
    af_waiting(g, n);
    /* A tag that it could have */
    af_resume(g, SID, 1, VS_RESUME_RETRY);
    af_waiting(g, n);
    vs_enable(g, true);
    af_resume(g, SID, af_stalled(g, SID, 5, 0x1000, AF_READ),
              VS_RESUME_RETRY);
    af_answered(g, n, true);
    /* CMD_STALL_TERM ends what the guest was not told of, too */
    vs_writel(g, VS_CR0, VS_CR0_SMMUEN | VS_CR0_CMDQEN);
    n = af_fault(g, 0, 5, 0x2000, AF_READ);
    stall_term(g);
    af_answered(g, n, false);
    vs_enable(g, true);
    af_no_event(g);
    vg_end_silent(g);
}

/* CMD_STALL_TERM ends what has stalled, whoever knows of it so far */
static void test_term_unread(void)
{
    VfGuest *g = af_start(2, "");
    uint16_t stag, other;
    uint32_t n[3];

    n[0] = told_fault(g, &stag);
    n[1] = unread_fault(g, 0, 0x2000);
    n[2] = unread_fault(g, 1, 0x3000);
    stall_term(g);
    af_answered(g, n[0], false);
    af_answered(g, n[1], false);
    af_waiting(g, n[2]);
    wake(g);
    other = af_stalled(g, VS_SID(2), 5, 0x3000, AF_READ);
    af_no_event(g);
    af_resume(g, VS_SID(2), other, VS_RESUME_RETRY);
    af_answered(g, n[2], true);
    assert_works(g, stag);
    vg_end_silent(g);
}

/* The same behind more faults of another device than QEMU reads by itself */
static void test_term_behind(void)
{
    VfGuest *g = af_start(2, "");
    unsigned int max = stall_max(g);
    const unsigned int count = 8 * max;
    uint32_t first = unread_fault(g, 1, 0), n, since;
    uint16_t stag;

    for (unsigned int i = 1; i < count; i++) {
        unread_fault(g, 1, 0x1000ull * i);
    }
    n = unread_fault(g, 0, 0x5000);
    stall_term(g);
    af_answered(g, n, false);
    wake(g);
    stag = af_stalled(g, VS_SID(2), 5, 0, AF_READ);
    for (unsigned int i = 0; i < count; i++) {
        af_waiting(g, first + i);
        af_resume(g, VS_SID(2), stag, VS_RESUME_RETRY);
        vg_settle(g);
        af_answered(g, first + i, true);
        if (i + 1 < count) {
            stag = af_stalled(g, VS_SID(2), 5, 0x1000ull * (i + 1), AF_READ);
        }
    }
    /* However many there are, a command reads no more than a number of them */
    for (unsigned int i = 0; i < 40 * max; i++) {
        unread_fault(g, 1, 0x1000ull * i);
    }
    n = unread_fault(g, 0, 0x5000);
    since = g->c->shared->log_len;
    stall_term(g);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_FAULT_READ, since), <, 20);
    af_waiting(g, n);
    /* It ends when it is read */
    vs_queue(g, VS_CMD_STALL_TERM | (uint64_t)VS_SID(2) << 32, 0);
    vs_sync(g);
    wake(g);
    af_answered(g, n, false);
    g_assert_cmpuint(faults_read(g), ==, 0);
    vs_drop_events(g);
    vg_end_silent(g);
}

/* A read that brings less than it could does not mean that there is no more */
static void test_term_part(void)
{
    VfGuest *g = af_start(1, "");
    uint16_t stag;
    uint32_t n[3];

    n[0] = told_fault(g, &stag);
    n[1] = unread_fault(g, 0, 0x2000);
    n[2] = unread_fault(g, 0, 0x3000);
    vf_client_rule(g->c, VF_OP_FAULT_READ, 1, 1, 0)->done =
        sizeof(struct iommu_hwpt_pgfault);
    stall_term(g);
    for (int i = 0; i < ARRAY_SIZE(n); i++) {
        af_answered(g, n[i], false);
    }
    assert_works(g, stag);
    vg_end_silent(g);
}

/*
 * The host SMMU has stalled it, and the host's kernel has not handled that
 * event before the command: it is told as one that has stalled later.
 */
static void test_term_late(void)
{
    VfGuest *g = af_start(1, "");
    uint16_t stag;
    uint32_t n[2];

    n[0] = told_fault(g, &stag);
    n[1] = vf_client_stall(g->c, 0, 5, 0x2000, AF_READ);
    stall_term(g);
    af_answered(g, n[0], false);
    af_waiting(g, n[1]);
    vf_client_handle_fault(g->c, 0, n[1]);
    vg_settle(g);
    af_waiting(g, n[1]);
    stag = af_stalled(g, SID, 5, 0x2000, AF_READ);
    af_resume(g, SID, stag, VS_RESUME_RETRY);
    af_answered(g, n[1], true);
    assert_works(g, stag);
    vg_end_silent(g);
}

/* With its SMMU disabled the device has left: the kernel tells nobody */
static void test_disabled_late(void)
{
    VfGuest *g = af_start(1, "");
    uint16_t stag;
    uint32_t n[2];

    n[0] = told_fault(g, &stag);
    n[1] = vf_client_stall(g->c, 0, 5, 0x2000, AF_READ);
    vs_enable(g, false);
    af_ended(g, n[0]);
    vf_client_handle_fault(g->c, 0, n[1]);
    af_ended(g, n[1]);
    vs_enable(g, true);
    vs_cfgi_ste(g, SID);
    assert_works(g, stag);
    vg_end_silent(g);
}

static const int no_memory = ENOMEM, again = EAGAIN, interrupted = EINTR;

/* The kernel has none at the time: they end when they can be read */
static void test_term_unread_later(const void *opaque)
{
    const int *err = opaque;
    VfGuest *g = af_start(2, "");
    uint16_t stag;
    uint32_t n[3];

    n[0] = told_fault(g, &stag);
    n[1] = unread_fault(g, 0, 0x2000);
    n[2] = unread_fault(g, 1, 0x3000);
    vf_client_rule(g->c, VF_OP_FAULT_READ, 1, 1, *err);
    stall_term(g);
    af_answered(g, n[0], false);
    af_waiting(g, n[1]);
    qtest_clock_step(g->qts, 20000000);
    wake(g);
    af_answered(g, n[1], false);
    af_resume(g, VS_SID(2), af_stalled(g, VS_SID(2), 5, 0x3000, AF_READ),
              VS_RESUME_RETRY);
    af_answered(g, n[2], true);
    assert_works(g, stag);
    vg_end_silent(g);
}

/*
 * What a command could not read ends by itself: the kernel ends it when the
 * device leaves. The next fault is a new one.
 */
static void test_term_left(void)
{
    VfGuest *g = af_start(2, "");
    uint16_t stag;
    uint32_t n[3];

    n[0] = told_fault(g, &stag);
    n[1] = unread_fault(g, 0, 0x2000);
    vf_client_rule(g->c, VF_OP_FAULT_READ, 1, 1, ENOMEM);
    stall_term(g);
    af_answered(g, n[0], false);
    af_waiting(g, n[1]);
    vs_set_state(g, &vs_states[VS_BYPASS], 1);
    af_ended(g, n[1]);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    n[2] = unread_fault(g, 0, 0x3000);
    qtest_clock_step(g->qts, 20000000);
    wake(g);
    stag = af_stalled(g, SID, 5, 0x3000, AF_READ);
    af_resume(g, SID, stag, VS_RESUME_RETRY);
    af_answered(g, n[2], true);
    assert_works(g, stag);
    vg_end_silent(g);
}

/* Same when the SMMU is disabled, and nothing could be read then */
static void test_disabled_left(void)
{
    VfGuest *g = af_start(1, "");
    uint16_t stag;
    uint32_t n;

    n = told_fault(g, &stag);
    vf_client_rule(g->c, VF_OP_FAULT_READ, 1, 1, ENOMEM);
    vs_enable(g, false);
    af_ended(g, n);
    vs_enable(g, true);
    vs_cfgi_ste(g, SID);
    qtest_clock_step(g->qts, 20000000);
    vg_settle(g);
    vf_client_clear_rules(g->c);
    assert_works(g, stag);
    vg_end_silent(g);
}

/* Whose faults a command reads: those of device d1, which ends, or of d2 */
typedef enum Whose { OWN, OTHERS } Whose;

static const Whose own = OWN, others = OTHERS;

/* A command reads all there is, without seeing that there is no more */
static void test_term_exact(const void *opaque)
{
    const Whose *whose = opaque;
    VfGuest *g = af_start(2, "");
    const unsigned int count = *whose == OTHERS ? 16 * stall_max(g) : 64;
    uint16_t stag;

    told_fault(g, &stag);
    if (*whose == OWN) {
        vf_client_rule(g->c, VF_OP_FAULT_READ, 1, count, 0)->done =
            sizeof(struct iommu_hwpt_pgfault);
    }
    for (unsigned int i = 0; i < count; i++) {
        unread_fault(g, *whose == OTHERS, 0x1000ull * i);
    }
    stall_term(g);
    vf_client_clear_rules(g->c);
    if (*whose == OTHERS) {
        g_assert_cmpuint(faults_read(g), ==, count);
        vs_queue(g, VS_CMD_STALL_TERM | (uint64_t)VS_SID(2) << 32, 0);
        vs_sync(g);
        vs_drop_events(g);
    }
    g_assert_cmpuint(faults_read(g), ==, 0);
    vg_settle(g);
    assert_works(g, stag);
    vg_end_silent(g);
}

/* The device leaves its tables: the kernel answers */

typedef struct StateTest {
    const char *name;
    VsStateIndex state;
} StateTest;

static const StateTest state_tests[] = {
    { .name = "off-bypass", .state = VS_OFF_BYPASS },
    { .name = "off-abort", .state = VS_OFF_ABORT },
    { .name = "invalid", .state = VS_INVALID },
    { .name = "abort", .state = VS_ABORT },
    { .name = "bypass", .state = VS_BYPASS },
    { .name = "bad", .state = VS_BAD },
};

static void test_state(const void *opaque)
{
    const StateTest *t = opaque;
    VfGuest *g = af_start(1, "");
    uint16_t stag;
    uint32_t n[2];

    n[0] = told_fault(g, &stag);
    n[1] = unread_fault(g, 0, 0x5000);
    vs_set_state(g, &vs_states[t->state], 1);
    af_ended(g, n[0]);
    af_ended(g, n[1]);
    af_listed(g, 1, "reported", 0);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    vs_drop_events(g);
    assert_works(g, stag);
    vg_end_silent(g);
}

/* An answer ahead of a new STE reaches the host before that does */
static void test_other_tables(void)
{
    VfGuest *g = af_start(1, "");
    uint16_t stag[2];
    uint32_t n[2];

    n[0] = told_fault(g, &stag[0]);
    n[1] = told_fault(g, &stag[1]);
    af_queue_resume(g, SID, stag[0], VS_RESUME_RETRY);
    vs_write_ste(g, VS_LINEAR, SID, VS_STE0_DEFAULT + 0x10000,
                 VS_STE1_DEFAULT);
    vs_queue(g, VS_CMD_CFGI_STE | (uint64_t)SID << 32, 1);
    /* The STE is installed for this one, ahead of the CMD_SYNC */
    vs_queue(g, VS_CMD_CFGI_CD | (uint64_t)SID << 32, 1);
    vs_sync(g);
    af_answered(g, n[0], true);
    af_ended(g, n[1]);
    assert_works(g, stag[1]);
    /* The same STE once more is no change */
    n[0] = told_fault(g, &stag[0]);
    vs_cfgi_ste(g, SID);
    af_waiting(g, n[0]);
    af_resume(g, SID, stag[0], VS_RESUME_RETRY);
    af_answered(g, n[0], true);
    vg_end_silent(g);
}

static void unstoppable(VfGuest *g)
{
    vf_client_rule(g->c, VF_OP_ATTACH, 1, 100000, EBUSY);
    vf_client_rule(g->c, VF_OP_DETACH, 1, 100000, EINVAL);
}

/* The host keeps the device where it was: QEMU has to answer itself */
static void test_stays_attached(void)
{
    VfGuest *g = af_start(1, "");
    g_autofree gchar *text = NULL;
    uint32_t n[4];
    uint16_t stag;

    n[0] = told_fault(g, &stag);
    n[1] = unread_fault(g, 0, 0x5000);
    unstoppable(g);
    vs_begin_enable(g, false);
    vg_settle(g);
    af_answered(g, n[0], false);
    af_answered(g, n[1], false);
    /* It is attached yet, and goes on to fault */
    n[2] = af_fault(g, 0, 5, 0x6000, AF_READ);
    af_answered(g, n[2], false);
    /* What cannot be read now has ended all the same */
    n[3] = unread_fault(g, 0, 0x7000);
    vf_client_rule(g->c, VF_OP_FAULT_READ, 1, 1, ENOMEM);
    vs_begin_enable(g, false);
    vs_enable(g, true);
    qtest_clock_step(g->qts, 20000000);
    wake(g);
    af_answered(g, n[3], false);
    af_no_event(g);
    vf_client_clear_rules(g->c);
    vs_enable(g, true);
    vs_sync(g);
    vs_drop_events(g);
    assert_works(g, stag);
    text = vg_end(g);
    vg_assert_has(text, "d1");
}

static void test_system_reset(void)
{
    VfGuest *g = af_start(1, "");
    uint16_t stag;
    uint32_t n = told_fault(g, &stag);

    vg_system_reset(g);
    af_ended(g, n);
    vg_ports(g, 1);
    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    assert_works(g, stag);
    vg_end_silent(g);
}

static void test_reset_stays_attached(void)
{
    VfGuest *g = af_start(1, "");
    g_autofree gchar *text = NULL;
    uint16_t stag;
    uint32_t n[2];

    n[0] = told_fault(g, &stag);
    n[1] = unread_fault(g, 0, 0x5000);
    unstoppable(g);
    vg_system_reset(g);
    af_answered(g, n[0], false);
    af_answered(g, n[1], false);
    vf_client_clear_rules(g->c);
    text = vg_end(g);
    vg_assert_has(text, "d1");
}

/* A reset of the device leaves its transactions to the guest */
static void test_device_reset(void)
{
    VfGuest *g = af_start(1, "");
    uint8_t pcie = vg_find_cap(g, 1, 0, PCI_CAP_ID_EXP);
    uint32_t since = g->c->shared->log_len;
    uint16_t stag;
    uint32_t n = told_fault(g, &stag);

    vg_config_writew(g, 1, 0, pcie + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
    vg_settle(g);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_CONFIG_WRITE, since), >, 0);
    af_waiting(g, n);
    af_resume(g, SID, stag, VS_RESUME_ABORT);
    af_answered(g, n, false);
    assert_works(g, stag);
    vg_end_silent(g);
}

static void test_unplug(void)
{
    VfGuest *g = af_start(2, "");
    uint16_t stag[2];
    uint32_t n[2];

    for (int i = 0; i < 3; i++) {
        uint32_t since = g->c->shared->log_len;

        n[0] = told_fault(g, &stag[0]);
        n[1] = af_fault(g, 1, 7, 0x7000, AF_WRITE);
        stag[1] = af_stalled(g, VS_SID(2), 7, 0x7000, AF_WRITE);
        vg_device_del(g, "d1", 1);
        af_ended(g, n[0]);
        af_waiting(g, n[1]);
        g_assert_cmpuint(vf_client_refused(g->c, VF_OP_DESTROY, since), ==, 0);
        af_resume(g, SID, stag[0], VS_RESUME_RETRY);
        af_resume(g, VS_SID(2), stag[1], VS_RESUME_RETRY);
        af_answered(g, n[1], true);
        g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
        g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, VF_ACCESS_S1);
    }
    assert_works(g, stag[0]);
    vg_device_del(g, "d2", 2);
    n[0] = told_fault(g, &stag[0]);
    /* With the last one the queue goes, at the first attempt */
    vg_device_del(g, "d1", 1);
    af_ended(g, n[0]);
    vf_client_assert_clean(g->c);
    g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    assert_works(g, stag[0]);
    vg_end_silent(g);
}

/* The kernel answers when it closes the files of a process that has ended */
static void test_quit(void)
{
    VfGuest *g = af_start(1, "");
    uint16_t stag;

    told_fault(g, &stag);
    vf_client_add_page_fault(g->c, 0, 5, 0x2000, AF_READ);
    vg_end_silent(g);
}

/* A guest that answers nothing costs a number of entries */
static void test_bounded(void)
{
    VfGuest *g = af_start(1, "");
    unsigned int max = stall_max(g);
    const unsigned int count = 8 * max;
    uint32_t since = g->c->shared->log_len;
    uint16_t stag;
    uint32_t n;

    for (unsigned int i = 0; i < count; i++) {
        n = vf_client_page_fault(g->c, 0, 5, 0x1000ull * i, AF_READ);
        g_assert_cmpuint(n, ==, i);
    }
    vg_settle(g);
    g_assert_cmpuint(faults_read(g), <, 4 * max);
    g_assert_cmpuint(faults_read(g), >=, max);
    /* The main loop does not spin for those that the kernel keeps */
    for (int i = 0; i < 20; i++) {
        vg_settle(g);
    }
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_FAULT_READ, since), <,
                     4 * max);
    stag = af_stalled(g, SID, 5, 0, AF_READ);
    for (unsigned int i = 1; i < max; i++) {
        af_stalled(g, SID, 5, 0x1000ull * i, AF_READ);
    }
    af_no_event(g);
    /* Each answer makes room for one more, until all are told and answered */
    for (unsigned int i = 0; i < count; i++) {
        af_resume(g, SID, stag + i, VS_RESUME_RETRY);
        vg_settle(g);
        af_answered(g, i, true);
        if (i + max < count) {
            g_assert_cmphex(af_stalled(g, SID, 5, 0x1000ull * (i + max),
                                       AF_READ), ==, stag + i + max);
        }
        af_no_event(g);
    }
    g_assert_cmpuint(faults_read(g), ==, 0);
    vg_end_silent(g);
}

/* The kernel may have no memory for a moment */
static void test_no_memory(void)
{
    VfGuest *g = af_start(1, "");
    uint32_t since = g->c->shared->log_len;
    uint32_t n;

    vf_client_rule(g->c, VF_OP_FAULT_READ, 1, 2, ENOMEM);
    n = af_fault(g, 0, 5, 0x1000, AF_READ);
    vg_settle(g);
    af_no_event(g);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_FAULT_READ, since), ==, 1);
    for (int i = 0; i < 2; i++) {
        qtest_clock_step(g->qts, 20000000);
        vg_settle(g);
    }
    af_resume(g, SID, af_stalled(g, SID, 5, 0x1000, AF_READ),
              VS_RESUME_RETRY);
    af_answered(g, n, true);
    /* Unplugged meanwhile */
    vf_client_clear_rules(g->c);
    vf_client_rule(g->c, VF_OP_FAULT_READ, 1, 1, ENOMEM);
    n = af_fault(g, 0, 5, 0x1000, AF_READ);
    vg_device_del(g, "d1", 1);
    af_ended(g, n);
    qtest_clock_step(g->qts, 20000000);
    vg_settle(g);
    vf_client_assert_clean(g->c);
    vg_end_silent(g);
}

static void test_read_again(const void *opaque)
{
    const int *err = opaque;
    VfGuest *g = af_start(1, "");
    uint32_t n;

    vf_client_rule(g->c, VF_OP_FAULT_READ, 1, 1, *err);
    n = af_fault(g, 0, 5, 0x1000, AF_READ);
    af_resume(g, SID, af_stalled(g, SID, 5, 0x1000, AF_READ),
              VS_RESUME_RETRY);
    af_answered(g, n, true);
    vg_end_silent(g);
}

/* The queue breaks: said once, and devices go on without stalls */

typedef struct BrokenTest {
    const char *name;
    VfOp op;
    int err;
    unsigned int bytes;
    bool cookie;
    bool group;
    const char *said;
} BrokenTest;

static const BrokenTest broken_tests[] = {
    { .name = "read-io", .op = VF_OP_FAULT_READ, .err = EIO,
      .said = "Input/output error" },
    { .name = "read-address", .op = VF_OP_FAULT_READ, .err = EFAULT,
      .said = "Bad address" },
    { .name = "short-read", .op = VF_OP_FAULT_READ, .bytes = 20,
      .said = "half a request" },
    { .name = "write-invalid", .op = VF_OP_FAULT_WRITE, .err = EINVAL,
      .said = "Invalid argument" },
    { .name = "write-io", .op = VF_OP_FAULT_WRITE, .err = EIO,
      .said = "Input/output error" },
    { .name = "cookie", .cookie = true, .said = "same cookie" },
    { .name = "group", .group = true,
      .said = "part of another one, as with PRI" },
};

static void test_broken(const void *opaque)
{
    const BrokenTest *t = opaque;
    VfGuest *g = af_start(2, "");
    VfClient *c = g->c;
    g_autofree gchar *text = NULL;
    uint16_t stag[2];
    uint32_t n[3], since;

    n[0] = told_fault(g, &stag[0]);
    n[1] = af_fault(g, 1, 7, 0x7000, AF_WRITE);
    stag[1] = af_stalled(g, VS_SID(2), 7, 0x7000, AF_WRITE);
    if (t->cookie) {
        /* The kernel forgets one, and gives its cookie to the next */
        c->shared->page_fault[n[0]].state = VF_FAULT_NONE;
        n[2] = af_fault(g, 0, 5, 0x3000, AF_READ);
        c->shared->page_fault[n[0]].state = VF_FAULT_ANSWERED;
    } else if (t->group) {
        n[2] = unread_fault(g, 0, 0x3000);
        c->shared->page_fault[n[2]].flags &= ~IOMMU_PGFAULT_FLAGS_LAST_PAGE;
        wake(g);
        af_ended(g, n[0]);
    } else {
        vf_client_rule(c, t->op, 1, 1000, t->err)->done = t->bytes;
        n[2] = af_fault(g, 0, 5, 0x3000, AF_READ);
        if (t->op == VF_OP_FAULT_WRITE) {
            af_stalled(g, SID, 5, 0x3000, AF_READ);
            af_resume(g, SID, stag[0], VS_RESUME_RETRY);
            vg_settle(g);
        }
        af_ended(g, n[0]);
    }
    af_ended(g, n[1]);
    af_ended(g, n[2]);
    af_no_event(g);
    for (unsigned int dev = 0; dev < 2; dev++) {
        g_assert_cmpint(vf_client_access(c, dev, NULL), ==, VF_ACCESS_S1);
        /* The kernel ends what would have been told */
        af_ended(g, af_fault(g, dev, 5, 0x4000, AF_READ));
        af_listed(g, dev + 1, "broken", 0);
    }
    since = c->shared->log_len;
    af_resume(g, VS_SID(2), stag[1], VS_RESUME_RETRY);
    vs_set_state(g, &vs_states[VS_BYPASS], 1);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    af_ended(g, af_fault(g, 0, 5, 0x4000, AF_READ));
    g_assert_cmpuint(vf_client_count(c, VF_OP_FAULT_READ, since), ==, 0);
    g_assert_cmpuint(vf_client_count(c, VF_OP_FAULT_WRITE, since), ==, 0);
    vf_client_clear_rules(c);
    /* The way out that the message tells */
    vg_device_del(g, "d1", 1);
    vg_device_del(g, "d2", 2);
    vf_client_assert_clean(c);
    g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    assert_works(g, stag[0]);
    text = vg_end(g);
    vg_assert_has(text, "page faults of the host SMMUv3 is broken");
    vg_assert_has(text, t->said);
    g_assert(strchr(text, '\n') == text + strlen(text) - 1);
}

/* A device is unplugged that cannot be detached: the others work as before */
static void test_unplug_unstoppable(void)
{
    VfGuest *g = af_start(2, "");
    uint16_t stag;
    uint32_t n;

    told_fault(g, &stag);
    unstoppable(g);
    vg_device_del(g, "d1", 1);
    vf_client_clear_rules(g->c);
    n = af_fault(g, 1, 5, 0x2000, AF_READ);
    af_resume(g, VS_SID(2), af_stalled(g, VS_SID(2), 5, 0x2000, AF_READ),
              VS_RESUME_RETRY);
    af_answered(g, n, true);
    g_free(vg_end(g));
}

/* A device that cannot be stopped loses its StreamID to another one */
static void test_moves_unstoppable(void)
{
    VfGuest *g = af_start(2, "");
    uint32_t n;

    unstoppable(g);
    vg_config_writel(g, 0, 1 << 3, PCI_PRIMARY_BUS, 7 << 8 | 7 << 16);
    vg_config_writel(g, 0, 2 << 3, PCI_PRIMARY_BUS, 1 << 8 | 1 << 16);
    vg_settle(g);
    vs_drop_events(g);
    n = af_fault(g, 0, 5, 0x1000, AF_READ);
    af_answered(g, n, false);
    af_no_event(g);
    g_free(vg_end(g));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("smmuv3-accel/fault-end/full", test_full);
    qtest_add_func("smmuv3-accel/fault-end/off", test_off);
    qtest_add_func("smmuv3-accel/fault-end/term-unread", test_term_unread);
    qtest_add_func("smmuv3-accel/fault-end/term-behind", test_term_behind);
    qtest_add_func("smmuv3-accel/fault-end/term-part", test_term_part);
    vg_add_test("smmuv3-accel/fault-end/term", "no-memory", &no_memory,
                test_term_unread_later);
    vg_add_test("smmuv3-accel/fault-end/term", "again", &again,
                test_term_unread_later);
    qtest_add_func("smmuv3-accel/fault-end/term-late", test_term_late);
    qtest_add_func("smmuv3-accel/fault-end/disabled-late", test_disabled_late);
    qtest_add_func("smmuv3-accel/fault-end/term-left", test_term_left);
    qtest_add_func("smmuv3-accel/fault-end/disabled-left", test_disabled_left);
    vg_add_test("smmuv3-accel/fault-end/term-exact", "others", &others,
                test_term_exact);
    vg_add_test("smmuv3-accel/fault-end/term-exact", "own", &own,
                test_term_exact);
    for (int i = 0; i < ARRAY_SIZE(state_tests); i++) {
        vg_add_test("smmuv3-accel/fault-end/state", state_tests[i].name,
                    &state_tests[i], test_state);
    }
    qtest_add_func("smmuv3-accel/fault-end/other-tables", test_other_tables);
    qtest_add_func("smmuv3-accel/fault-end/stays-attached",
                   test_stays_attached);
    qtest_add_func("smmuv3-accel/fault-end/system-reset", test_system_reset);
    qtest_add_func("smmuv3-accel/fault-end/reset-stays-attached",
                   test_reset_stays_attached);
    qtest_add_func("smmuv3-accel/fault-end/device-reset", test_device_reset);
    qtest_add_func("smmuv3-accel/fault-end/unplug", test_unplug);
    qtest_add_func("smmuv3-accel/fault-end/unplug-unstoppable",
                   test_unplug_unstoppable);
    qtest_add_func("smmuv3-accel/fault-end/moves-unstoppable",
                   test_moves_unstoppable);
    qtest_add_func("smmuv3-accel/fault-end/quit", test_quit);
    qtest_add_func("smmuv3-accel/fault-end/bounded", test_bounded);
    qtest_add_func("smmuv3-accel/fault-end/no-memory", test_no_memory);
    vg_add_test("smmuv3-accel/fault-end/read", "again", &again,
                test_read_again);
    vg_add_test("smmuv3-accel/fault-end/read", "interrupted", &interrupted,
                test_read_again);
    for (int i = 0; i < ARRAY_SIZE(broken_tests); i++) {
        vg_add_test("smmuv3-accel/fault-end/broken", broken_tests[i].name,
                    &broken_tests[i], test_broken);
    }
    return g_test_run();
}
