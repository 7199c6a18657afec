/*
 * QTest of the accelerated SMMUv3: another QEMU takes over while devices wait
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * With CPR devices go on while another QEMU process takes the guest over. The
 * old one has every waiting transaction retried: it stalls again, as the device
 * of the test does here, and the new QEMU asks the guest for the page.
 */

#include "qemu/osdep.h"

#include "vfio-guest/fault.h"

#define SID VS_SID(1)

/* QEMUs that follow one after another */
#define UPDATES 3

/* The kernel had no memory for a read: the next one is after this time */
#define NO_MEMORY_NS 100000000

static void update(VfGuest *g, bool exec)
{
    if (exec) {
        vg_exec(g, NULL);
    } else {
        vg_transfer(g);
    }
    vg_settle(g);
}

static void assert_reported(VfGuest *g)
{
    uint32_t n = af_fault(g, 0, 7, 0x7000, AF_WRITE);

    af_resume(g, SID, af_stalled(g, SID, 7, 0x7000, AF_WRITE),
              VS_RESUME_RETRY);
    af_answered(g, n, true);
    af_no_event(g);
}

static void test_waits(const void *opaque)
{
    const bool *exec = opaque;
    VfGuest *g = af_start(1, VG_SHARED_RAM);
    VfClient *c = g->c;
    uint32_t idr0 = vs_readl(g, VS_IDR0);

    for (int i = 0; i < UPDATES; i++) {
        uint32_t n[3], since = c->shared->log_len;
        uint16_t stag[2];

        n[0] = af_fault(g, 0, 5, 0x1000, AF_READ);
        stag[0] = af_stalled(g, SID, 5, 0x1000, AF_READ);
        /* The old QEMU does not read this one any more */
        n[1] = vf_client_add_page_fault(c, 0, 6, 0x2000, AF_WRITE);
        update(g, *exec ^ (i == 1));
        af_answered(g, n[0], true);
        af_waiting(g, n[1]);
        g_assert_cmpuint(vf_client_count(c, VF_OP_ATTACH, since), ==, 0);
        g_assert_cmpuint(vf_client_count(c, VF_OP_DETACH, since), ==, 0);
        g_assert_cmpuint(vf_client_count(c, VF_OP_FAULT_QUEUE_ALLOC, since),
                         ==, 0);
        g_assert_cmpuint(vf_client_refused(c, VF_OP_DESTROY, since), ==, 0);
        g_assert_cmpuint(vf_client_objects(c, VF_OBJ_FAULT), ==, 1);
        g_assert_cmphex(vs_readl(g, VS_IDR0), ==, idr0);

        n[2] = af_fault(g, 0, 5, 0x1000, AF_READ);
        stag[1] = af_stalled(g, SID, 6, 0x2000, AF_WRITE);
        /* The guest answers for what the old QEMU has told it */
        g_assert_cmphex(stag[1], !=, stag[0]);
        af_resume(g, SID, stag[0], VS_RESUME_ABORT);
        af_waiting(g, n[1]);
        af_waiting(g, n[2]);
        af_resume(g, SID, stag[1], VS_RESUME_RETRY);
        af_answered(g, n[1], true);
        stag[1] = af_stalled(g, SID, 5, 0x1000, AF_READ);
        g_assert_cmphex(stag[1], !=, stag[0]);
        af_resume(g, SID, stag[1], VS_RESUME_RETRY);
        af_answered(g, n[2], true);
        assert_reported(g);
    }
    af_listed(g, 1, "reported", 0);
    af_offer(g, "force");
    vg_system_reset(g);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    vg_end_silent(g);
}

/* A guest that is paused is handed on before any QEMU has read the queue */
static void test_paused(void)
{
    VfGuest *g = af_start(1, VG_SHARED_RAM);
    VfClient *c = g->c;
    uint32_t n = af_fault(g, 0, 5, 0x1000, AF_READ);
    uint16_t stag = af_stalled(g, SID, 5, 0x1000, AF_READ);

    qtest_qmp_assert_success(g->qts, "{ 'execute': 'stop' }");
    update(g, true);
    af_answered(g, n, true);
    n = af_fault(g, 0, 5, 0x1000, AF_READ);
    update(g, false);
    af_no_event(g);
    af_waiting(g, n);
    qtest_qmp_assert_success(g->qts, "{ 'execute': 'cont' }");
    vg_settle(g);
    af_resume(g, SID, stag, VS_RESUME_ABORT);
    af_waiting(g, n);
    af_resume(g, SID, af_stalled(g, SID, 5, 0x1000, AF_READ),
              VS_RESUME_RETRY);
    af_answered(g, n, true);
    assert_reported(g);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    vg_end_silent(g);
}

/* The old QEMU keeps the guest, and asks it again */
static void test_stays(void)
{
    VfGuest *g = af_start(1, VG_SHARED_RAM);
    VfClient *c = g->c;
    g_autofree gchar *text = NULL;
    uint32_t n = af_fault(g, 0, 5, 0x1000, AF_READ);
    uint16_t stag = af_stalled(g, SID, 5, 0x1000, AF_READ);

    vg_exec(g, "/nowhere/qemu");
    af_answered(g, n, true);
    n = af_fault(g, 0, 5, 0x1000, AF_READ);
    af_resume(g, SID, stag, VS_RESUME_ABORT);
    af_waiting(g, n);
    stag = af_stalled(g, SID, 5, 0x1000, AF_READ);
    af_resume(g, SID, stag, VS_RESUME_RETRY);
    af_answered(g, n, true);
    assert_reported(g);
    /* A second attempt finds one */
    update(g, true);
    assert_reported(g);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    text = vg_end(g);
    vg_assert_has(text, "/nowhere/qemu");
}

/* The answers of the old QEMU are refused: the kernel gives them */
static void test_broken(const void *opaque)
{
    const bool *exec = opaque;
    VfGuest *g = af_start(2, VG_SHARED_RAM);
    VfClient *c = g->c;
    g_autofree gchar *text = NULL;
    uint32_t n[2];

    n[0] = af_fault(g, 0, 5, 0x1000, AF_READ);
    n[1] = af_fault(g, 1, 5, 0x1000, AF_READ);
    vf_client_rule(c, VF_OP_FAULT_WRITE, 1, 1, EIO);
    vs_drop_events(g);
    update(g, *exec);
    af_ended(g, n[0]);
    af_ended(g, n[1]);
    for (unsigned int dev = 0; dev < 2; dev++) {
        g_assert_cmpint(vf_client_access(c, dev, NULL), ==, VF_ACCESS_S1);
    }
    assert_reported(g);
    vg_device_del(g, "d1", 1);
    vg_device_del(g, "d2", 2);
    vf_client_assert_clean(c);
    text = vg_end(g);
    vg_assert_has(text, "page faults of the host SMMUv3 is broken");
}

/*
 * The guest ends what has stalled while the kernel has no memory for a read:
 * it ends when it is read, whichever QEMU does that, and what comes later is
 * the guest's again.
 */
static void test_terminated(const void *opaque)
{
    const bool *exec = opaque;
    VfGuest *g = af_start(2, VG_SHARED_RAM);
    VfClient *c = g->c;
    g_autofree gchar *text = NULL;
    uint32_t n[2];

    vf_client_rule(c, VF_OP_FAULT_READ, 1, UINT32_MAX, ENOMEM);
    n[0] = vf_client_add_page_fault(c, 0, 5, 0x1000, AF_READ);
    n[1] = vf_client_add_page_fault(c, 1, 5, 0x1000, AF_READ);
    vs_queue(g, VS_CMD_STALL_TERM | (uint64_t)SID << 32, 0);
    vs_sync(g);
    af_waiting(g, n[0]);
    qtest_qmp_assert_success(g->qts, "{ 'execute': 'stop' }");
    vf_client_clear_rules(c);
    if (exec) {
        update(g, *exec);
    } else {
        vg_exec(g, "/nowhere/qemu");
    }
    qtest_qmp_assert_success(g->qts, "{ 'execute': 'cont' }");
    qtest_clock_step(g->qts, NO_MEMORY_NS);
    vg_settle(g);
    af_answered(g, n[0], false);
    af_resume(g, VS_SID(2), af_stalled(g, VS_SID(2), 5, 0x1000, AF_READ),
              VS_RESUME_RETRY);
    af_answered(g, n[1], true);
    assert_reported(g);
    if (!exec) {
        /* A second attempt finds one */
        update(g, true);
        assert_reported(g);
    }
    vg_device_del(g, "d1", 1);
    vg_device_del(g, "d2", 2);
    vf_client_assert_clean(c);
    text = vg_end(g);
    g_assert_true(!exec == !!strstr(text, "/nowhere/qemu"));
}

/* No device is there: the offer is handed over alone */
static void test_offer_alone(void)
{
    VfGuest *g = af_start(1, VG_SHARED_RAM);
    VfClient *c = g->c;
    VgNext next = { .to = "" };
    g_autofree gchar *device = NULL;
    const char *start = strstr(g->options, "-device vfio-pci");
    const char *end = strchr(strchr(start, ' ') + 1, ' ');

    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    device = g_strndup(start, end - start);
    next.from = device;
    vg_transfer_to(g, &next);
    af_offer(g, "force");
    g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    assert_reported(g);
    vg_end_silent(g);
}

/* A QEMU that is to offer something else */
static void test_other_offer(void)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *common = vs_options(c, 1, 1);
    const VgNext next = { .from = "x-stall=on", .to = "x-stall=off" };
    g_autofree gchar *text = NULL;
    VfGuest *g;

    af_host(c, 0, VS_STALL_MODEL_BOTH);
    vf_device_waits(&c->shared->device[0]);
    c->shared->device[0].phys[0x3d] = 0;
    g = vg_start(c, "%s %s -global arm-smmuv3.x-stall=on", common,
                 VG_SHARED_RAM);
    vg_exec_lost(g, &next);
    text = vg_quit(g);
    vg_assert_has(text, "x-stall=on");
    vg_assert_has(text, "x-stall=off");
    vf_client_free(c);
}

static const bool by_exec = true, by_transfer;

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    vg_add_test("smmuv3-accel/fault-cpr/waits", "exec", &by_exec, test_waits);
    vg_add_test("smmuv3-accel/fault-cpr/waits", "transfer", &by_transfer,
                test_waits);
    qtest_add_func("smmuv3-accel/fault-cpr/paused", test_paused);
    qtest_add_func("smmuv3-accel/fault-cpr/stays", test_stays);
    vg_add_test("smmuv3-accel/fault-cpr/broken", "exec", &by_exec,
                test_broken);
    vg_add_test("smmuv3-accel/fault-cpr/broken", "transfer", &by_transfer,
                test_broken);
    vg_add_test("smmuv3-accel/fault-cpr/terminated", "exec", &by_exec,
                test_terminated);
    vg_add_test("smmuv3-accel/fault-cpr/terminated", "transfer", &by_transfer,
                test_terminated);
    vg_add_test("smmuv3-accel/fault-cpr/terminated", "stays", NULL,
                test_terminated);
    qtest_add_func("smmuv3-accel/fault-cpr/offer-alone", test_offer_alone);
    qtest_add_func("smmuv3-accel/fault-cpr/other-offer", test_other_offer);
    return g_test_run();
}
