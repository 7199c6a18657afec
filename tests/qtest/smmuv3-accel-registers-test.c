/*
 * QTest of the accelerated SMMUv3: registers that concern all devices
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * CR0.SMMUEN and GBPA give each device another path. The host is so slow that
 * one register write cannot do it for all of them: QEMU has to answer QMP in
 * between, and CR0ACK and GBPA.UPDATE tell the guest when the last device has
 * its path (Arm IHI0070, 6.3.10 and 6.3.14). Whatever happens meanwhile, they
 * must not tell it sooner, and no command of the guest is taken before that.
 */

#include "qemu/osdep.h"

#include <linux/pci_regs.h>

#include "vfio-guest/smmu.h"

/* Devices of a test: so many of them that the SMMU is not done for long */
#define DEVICES     32

/* Root ports of a test with hot-plug, or with a new QEMU */
#define PORTS       8

/* Far longer than the SMMU may take at a time */
#define SLOW_NS     5000000

/* After this time the SMMU tries again what has failed once */
#define RETRY_NS    100000000

/* Ends of all times that something waits which failed */
#define QUIET       40000000000ll

static void slow(VfGuest *g, bool on)
{
    g->c->shared->ioctl_ns = on ? SLOW_NS : 0;
}

/* Number of devices that @access is true of */
static unsigned int count_access(VfGuest *g, VfAccess access)
{
    unsigned int count = 0;

    for (unsigned int n = 0; n < g->c->devices; n++) {
        count += vf_client_access(g->c, n, NULL) == access;
    }
    return count;
}

static void write_stes(VfGuest *g, uint64_t word0, uint64_t word1)
{
    for (unsigned int n = 0; n < g->c->devices; n++) {
        vs_write_ste(g, VS_LINEAR, g->c->devices == DEVICES ?
                     VS_FUNCTION_SID(n) : VS_SID(n + 1), word0, word1);
    }
}

static VfGuest *set_up(VfGuest *g)
{
    vs_setup(g, VS_LINEAR);
    vs_writel(g, VS_STRTAB_BASE_CFG, VS_STRTAB_LOG2 + 2);
    write_stes(g, VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    return g;
}

/* With STEs for stage 1 */
static VfGuest *start(void)
{
    return set_up(vs_start_functions(VS_SSID16, DEVICES));
}

/* Devices that can be handed over to a new QEMU, or plugged */
static VfGuest *start_ports(unsigned int plugged)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, PORTS, plugged);
    VfGuest *g;

    for (unsigned int n = 0; n < PORTS; n++) {
        c->shared->device[n].phys[PCI_INTERRUPT_PIN] = 0;
    }
    g = vg_start(c, "%s " VG_SHARED_RAM, options);
    vg_ports(g, PORTS);
    return set_up(g);
}

/* Have the SMMU begin to translate; it is not done with that */
static void begin(VfGuest *g)
{
    slow(g, true);
    vs_begin_enable(g, true);
    g_assert_false(vs_acknowledged(g));
}

static VfGuest *start_begin(void)
{
    VfGuest *g = start();

    begin(g);
    return g;
}

/*
 * The same with one slice: that is all there is while the virtual machine
 * stands still
 */
static VfGuest *start_begin_stopped(unsigned int plugged)
{
    VfGuest *g = start_ports(plugged);

    qtest_qmp_assert_success(g->qts, "{'execute': 'stop'}");
    begin(g);
    slow(g, false);
    g_assert_cmpuint(count_access(g, VF_ACCESS_BYPASS), >, 0);
    return g;
}

/* Wait for the end: all devices have @access at the moment of the answer */
static void end(VfGuest *g, VfAccess access)
{
    vs_wait_acknowledged(g);
    g_assert_cmpuint(count_access(g, access), ==, g->c->devices);
    slow(g, false);
    vg_end_silent(g);
}

typedef struct RegisterTest {
    const char *name;
    uint32_t from[2];           /* CR0 and GBPA */
    uint32_t to[2];
    VfAccess before;
    VfAccess after;
} RegisterTest;

#define QUEUES (VS_CR0_CMDQEN | VS_CR0_EVENTQEN)

static const RegisterTest register_tests[] = {
    { "enable", { QUEUES }, { QUEUES | VS_CR0_SMMUEN },
      VF_ACCESS_BYPASS, VF_ACCESS_S1 },
    { "disable", { QUEUES | VS_CR0_SMMUEN }, { QUEUES },
      VF_ACCESS_S1, VF_ACCESS_BYPASS },
    { "gbpa", { QUEUES }, { QUEUES, VS_GBPA_ABORT },
      VF_ACCESS_BYPASS, VF_ACCESS_ABORT },
    /* It is not the command queue that this needs */
    { "no-queue/enable", { 0 }, { VS_CR0_SMMUEN },
      VF_ACCESS_BYPASS, VF_ACCESS_S1 },
    { "no-queue/disable", { VS_CR0_SMMUEN, VS_GBPA_ABORT },
      { 0, VS_GBPA_ABORT }, VF_ACCESS_S1, VF_ACCESS_ABORT },
    { "no-queue/gbpa", { 0 }, { 0, VS_GBPA_ABORT },
      VF_ACCESS_BYPASS, VF_ACCESS_ABORT },
};

static void write_registers(VfGuest *g, const uint32_t value[2])
{
    if (vs_readl(g, VS_GBPA) != value[1]) {
        vs_writel(g, VS_GBPA, VS_GBPA_UPDATE | value[1]);
    }
    if (vs_readl(g, VS_CR0) != value[0]) {
        vs_writel(g, VS_CR0, value[0]);
    }
}

static void test_answers(const void *opaque)
{
    const RegisterTest *t = opaque;
    VfGuest *g = start();
    uint32_t since;

    write_registers(g, t->from);
    vs_wait_acknowledged(g);
    g_assert_cmpuint(count_access(g, t->before), ==, DEVICES);
    since = g->c->shared->log_len;
    slow(g, true);
    write_registers(g, t->to);
    g_assert_false(vs_acknowledged(g));
    g_assert_cmpuint(count_access(g, t->before), >, 0);
    qtest_qmp_assert_success(g->qts, "{'execute': 'query-status'}");
    g_assert_false(vs_acknowledged(g));
    while (!vs_acknowledged(g)) {
        /* Nobody has a third path; one may move while they are counted */
        g_assert_cmpuint(count_access(g, t->before) +
                         count_access(g, t->after), >=, DEVICES);
    }
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_ATTACH, since), ==, DEVICES);
    end(g, t->after);
}

/* A command that is sent meanwhile, and the CMD_SYNC behind it */
static void test_command(void)
{
    VfGuest *g = start();
    uint32_t since = g->c->shared->log_len;

    vs_queue_va(g, 0);
    vs_queue(g, VS_CMD_SYNC, 0);
    begin(g);
    vs_ring(g);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, 0);
    while (!vs_done(g)) {
        g_assert(g->c->shared->cmd_len == 0 || vs_acknowledged(g));
    }
    g_assert(vf_client_last(g->c, VF_OP_HWPT_INVALIDATE, since) >
             vf_client_last(g->c, VF_OP_ATTACH, since));
    g_assert_cmpuint(g->c->shared->cmd_len, ==, 1);
    end(g, VF_ACCESS_S1);
}

/* Commands that are under way when the guest writes CR0 go on after that */
static void test_under_way(void)
{
    VfGuest *g = start();

    write_stes(g, VS_STE0_V | VS_STE0_ABORT, 0);
    vs_enable(g, true);
    g_assert_cmpuint(count_access(g, VF_ACCESS_ABORT), ==, DEVICES);
    write_stes(g, VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    vs_queue(g, VS_CMD_CFGI_STE_RANGE, VS_RANGE(31));
    vs_queue(g, VS_CMD_SYNC, 0);
    slow(g, true);
    vs_ring(g);
    g_assert_false(vs_done(g));
    vs_begin_enable(g, false);
    g_assert_false(vs_acknowledged(g));
    vs_wait_acknowledged(g);
    g_assert_cmpuint(count_access(g, VF_ACCESS_BYPASS), ==, DEVICES);
    vs_wait(g);
    g_assert_true(vs_done(g));
    end(g, VF_ACCESS_BYPASS);
}

/* The guest changes its mind: the answer is to what it wrote last */
static void test_back(const void *opaque)
{
    unsigned int times = *(const unsigned int *)opaque;
    VfGuest *g = start_begin();

    for (unsigned int i = 1; i <= times; i++) {
        vs_begin_enable(g, i % 2 == 0);
        g_assert_cmphex(vs_readl(g, VS_CR0ACK) & VS_CR0_SMMUEN, ==,
                        i % 2 ? VS_CR0_SMMUEN : 0);
        g_assert_false(vs_acknowledged(g));
    }
    end(g, times % 2 ? VF_ACCESS_BYPASS : VF_ACCESS_S1);
}

/* The same value again, and other bits of the register, are no new wish */
static void test_same(void)
{
    VfGuest *g = start_begin();

    vs_begin_enable(g, true);
    vs_writel(g, VS_CR0, VS_CR0_SMMUEN);
    g_assert_cmphex(vs_readl(g, VS_CR0ACK), ==, 0);
    end(g, VF_ACCESS_S1);
}

/* A driver need not wait with a write that leaves SMMUEN alone */
static void test_other_bits(void)
{
    VfGuest *g = start();

    vs_enable(g, true);
    write_stes(g, VS_STE0_V | VS_STE0_ABORT, 0);
    slow(g, true);
    vs_writel(g, VS_CR0, VS_CR0_SMMUEN);
    g_assert_cmpuint(count_access(g, VF_ACCESS_S1), >, 0);
    g_assert_cmphex(vs_readl(g, VS_CR0ACK), ==, VS_CR0_SMMUEN);
    slow(g, false);
    /* This command is for what CR0 said when it was sent */
    vs_begin_enable(g, true);
    vs_sync(g);
    end(g, VF_ACCESS_ABORT);
}

/* A reset does not wait */
static void test_reset(void)
{
    VfGuest *g = start_begin();
    uint32_t calls;

    qtest_qmp_assert_success(g->qts, "{'execute': 'stop'}");
    vg_system_reset(g);
    g_assert_true(vs_acknowledged(g));
    g_assert_cmphex(vs_readl(g, VS_CR0ACK), ==, 0);
    g_assert_cmpuint(count_access(g, VF_ACCESS_BYPASS), ==, DEVICES);
    calls = g->c->shared->log_len;
    qtest_qmp_assert_success(g->qts, "{'execute': 'cont'}");
    vg_settle(g);
    g_assert_cmpuint(g->c->shared->log_len, ==, calls);
    end(g, VF_ACCESS_BYPASS);
}

/* The host is left alone while the virtual machine stands still */
static void test_stop(void)
{
    VfGuest *g = start_begin();
    uint32_t calls;

    qtest_qmp_assert_success(g->qts, "{'execute': 'stop'}");
    calls = g->c->shared->log_len;
    vg_settle(g);
    g_assert_cmpuint(g->c->shared->log_len, ==, calls);
    g_assert_false(vs_acknowledged(g));
    qtest_qmp_assert_success(g->qts, "{'execute': 'cont'}");
    end(g, VF_ACCESS_S1);
}

/* A new QEMU does the rest before the guest runs */
static void test_update(const void *opaque)
{
    bool transfer = *(const bool *)opaque;
    VfGuest *g = start_begin_stopped(PORTS);

    if (transfer) {
        vg_transfer(g);
    } else {
        vg_exec(g, NULL);
    }
    g_assert_false(vs_acknowledged(g));
    qtest_qmp_assert_success(g->qts, "{'execute': 'cont'}");
    g_assert_true(vs_acknowledged(g));
    g_assert_cmpuint(count_access(g, VF_ACCESS_S1), ==, PORTS);
    /* The new one knows what the guest wrote, and what was acknowledged */
    qtest_qmp_assert_success(g->qts, "{'execute': 'stop'}");
    write_stes(g, VS_STE0_V | VS_STE0_ABORT, 0);
    slow(g, true);
    vs_begin_enable(g, true);
    g_assert_cmpuint(count_access(g, VF_ACCESS_S1), >, 0);
    g_assert_true(vs_acknowledged(g));
    vs_begin_enable(g, false);
    g_assert_false(vs_acknowledged(g));
    qtest_qmp_assert_success(g->qts, "{'execute': 'cont'}");
    end(g, VF_ACCESS_BYPASS);
}

/* Nobody waits for a device that is gone */
static void test_unplug(const void *opaque)
{
    unsigned int count = *(const unsigned int *)opaque;
    VfGuest *g = start_begin_stopped(count);

    for (unsigned int n = 1; n <= count; n++) {
        g_autofree gchar *id = g_strdup_printf("d%u", n);

        if (count < PORTS ||
            vf_client_access(g->c, n - 1, NULL) != VF_ACCESS_S1) {
            vg_device_del(g, id, n);
            g_assert_cmpint(vf_client_access(g->c, n - 1, NULL), ==,
                            VF_ACCESS_NONE);
        }
        g_assert_false(vs_acknowledged(g));
    }
    qtest_qmp_assert_success(g->qts, "{'execute': 'cont'}");
    vs_wait_acknowledged(g);
    g_assert_cmpuint(count_access(g, VF_ACCESS_BYPASS), ==, 0);
    vg_end_silent(g);
}

/* A device that comes has what CR0 says from the start */
static void test_plug(void)
{
    VfGuest *g = start_begin_stopped(PORTS - 1);

    g_assert_cmpstr(vg_device_add(g, PORTS - 1, "new", PORTS, ""), ==, NULL);
    g_assert_cmpint(vf_client_access(g->c, PORTS - 1, NULL), ==,
                    VF_ACCESS_S1);
    g_assert_false(vs_acknowledged(g));
    qtest_qmp_assert_success(g->qts, "{'execute': 'cont'}");
    end(g, VF_ACCESS_S1);
}

/*
 * The host can neither attach a device nor stop it. The others do not wait for
 * it, the guest does.
 */
static void test_fail(void)
{
    VfGuest *g = start();
    g_autofree gchar *text = NULL;

    vf_client_rule(g->c, VF_OP_ATTACH, 2, 2, EBUSY);
    vf_client_rule(g->c, VF_OP_DETACH, 1, 1, EBUSY);
    begin(g);
    while (count_access(g, VF_ACCESS_S1) < DEVICES - 1) {
        g_assert_false(vs_acknowledged(g));
    }
    slow(g, false);
    vg_settle(g);
    g_assert_cmpuint(count_access(g, VF_ACCESS_BYPASS), ==, 1);
    g_assert_false(vs_acknowledged(g));
    qtest_clock_step(g->qts, QUIET);
    vs_wait_acknowledged(g);
    g_assert_cmpuint(count_access(g, VF_ACCESS_S1), ==, DEVICES);
    text = vg_end(g);
    vg_assert_has(text, "cannot be stopped");
}

/* The timer of a device that was stopped does not do it all at once */
static void test_timer(void)
{
    VfGuest *g = start();
    g_autofree gchar *text = NULL;

    vf_client_rule(g->c, VF_OP_ATTACH, 1, 1, EBUSY);
    begin(g);
    qtest_clock_step(g->qts, QUIET);
    g_assert_false(vs_acknowledged(g));
    vs_wait_acknowledged(g);
    slow(g, false);
    qtest_clock_step(g->qts, QUIET);
    vs_wait_acknowledged(g);
    g_assert_cmpuint(count_access(g, VF_ACCESS_S1), ==, DEVICES);
    text = vg_end(g);
    vg_assert_has(text, "is aborted");
}

/*
 * Nor when it is all devices that were stopped. They go on without the guest,
 * and without its command queue.
 */
static void test_stopped(const void *opaque)
{
    const uint32_t *queues = opaque;
    VfGuest *g = start();
    g_autofree gchar *text = NULL;

    vf_client_rule(g->c, VF_OP_HWPT_ALLOC, 1, DEVICES, ENOMEM);
    vs_writel(g, VS_CR0, *queues | VS_CR0_SMMUEN);
    vs_wait_acknowledged(g);
    g_assert_cmpuint(count_access(g, VF_ACCESS_ABORT), ==, DEVICES);
    slow(g, true);
    qtest_clock_step(g->qts, RETRY_NS);
    g_assert_cmpuint(count_access(g, VF_ACCESS_ABORT), >, 0);
    while (count_access(g, VF_ACCESS_S1) < DEVICES) {
        qtest_qmp_assert_success(g->qts, "{'execute': 'query-status'}");
    }
    slow(g, false);
    text = vg_end(g);
    vg_assert_has(text, "is aborted");
}

/*
 * All devices fail for ever, and to try them takes longer than the timer waits:
 * a CMD_SYNC ends when each was tried.
 */
static void test_sync(void)
{
    VfGuest *g = start();
    g_autofree gchar *text = NULL;
    uint32_t since;

    vf_client_rule(g->c, VF_OP_HWPT_ALLOC, 1, UINT32_MAX, ENOMEM);
    vs_enable(g, true);
    since = g->c->shared->log_len;
    slow(g, true);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_ring(g);
    while (!vs_done(g)) {
        qtest_clock_step(g->qts, QUIET);
        g_assert_cmpuint(vf_client_count(g->c, VF_OP_HWPT_ALLOC, since), <,
                         3 * DEVICES);
    }
    slow(g, false);
    text = vg_end(g);
    vg_assert_has(text, "is aborted");
}

int main(int argc, char **argv)
{
    static const uint32_t queues = QUEUES, no_queue;
    static const unsigned int counts[] = { 1, 2, 3 };
    static const unsigned int some = PORTS, few = 3;
    static const bool exec = false, transfer = true;

    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(register_tests); i++) {
        vg_add_test("smmuv3-accel/registers/answers", register_tests[i].name,
                    &register_tests[i], test_answers);
    }
    qtest_add_func("smmuv3-accel/registers/command", test_command);
    qtest_add_func("smmuv3-accel/registers/under-way", test_under_way);
    vg_add_test("smmuv3-accel/registers/back", "once", &counts[0], test_back);
    vg_add_test("smmuv3-accel/registers/back", "twice", &counts[1], test_back);
    vg_add_test("smmuv3-accel/registers/back", "thrice", &counts[2],
                test_back);
    qtest_add_func("smmuv3-accel/registers/same", test_same);
    qtest_add_func("smmuv3-accel/registers/other-bits", test_other_bits);
    qtest_add_func("smmuv3-accel/registers/reset", test_reset);
    qtest_add_func("smmuv3-accel/registers/stop", test_stop);
    vg_add_test("smmuv3-accel/registers/update", "exec", &exec, test_update);
    vg_add_test("smmuv3-accel/registers/update", "transfer", &transfer,
                test_update);
    vg_add_test("smmuv3-accel/registers/unplug", "some", &some, test_unplug);
    vg_add_test("smmuv3-accel/registers/unplug", "all", &few, test_unplug);
    qtest_add_func("smmuv3-accel/registers/plug", test_plug);
    qtest_add_func("smmuv3-accel/registers/fail", test_fail);
    qtest_add_func("smmuv3-accel/registers/timer", test_timer);
    qtest_add_func("smmuv3-accel/registers/sync", test_sync);
    vg_add_test("smmuv3-accel/registers/stopped", "queue", &queues,
                test_stopped);
    vg_add_test("smmuv3-accel/registers/stopped", "no-queue", &no_queue,
                test_stopped);
    return g_test_run();
}
