/*
 * QTest of the accelerated SMMUv3: with page faults, every call fails once
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The life of a device that waits for its pages: it is plugged, has faults that
 * the guest answers in every way, leaves its tables with one, sees a reset with
 * one, and is unplugged with one. The test runs one life for each call in it
 * and each errno of that call in the uAPI, and lets just that call fail. No
 * fault may stay without answer, no device may have more access than its STE
 * gives it, no object may be left, and the next life has to work.
 */

#include "qemu/osdep.h"

#include "vfio-guest/fault.h"

#define SID VS_SID(1)

#define OTHER_CDTAB (VS_STE0_DEFAULT + 0x10000)

typedef struct CallErrors {
    VfOp op;
    int err[6];
} CallErrors;

/* From linux/iommufd.h and its implementation */
static const CallErrors call_errors[] = {
    { VF_OP_FAULT_QUEUE_ALLOC, { EOPNOTSUPP, ENOTTY, ENOMEM, EMFILE } },
    { VF_OP_FAULT_READ, { EFAULT, ENOMEM, EIO, EINTR, EAGAIN } },
    { VF_OP_FAULT_WRITE, { EFAULT, EINVAL, EIO, EINTR } },
    { VF_OP_HWPT_ALLOC, { EOPNOTSUPP, EINVAL, ENOMEM, EIO, ENOENT } },
    { VF_OP_ATTACH, { EOPNOTSUPP, EINVAL, EBUSY, EIO, ENOMEM } },
    { VF_OP_DETACH, { EINVAL, EFAULT } },
    { VF_OP_VEVENTQ_ALLOC, { ENOTTY, ENOMEM } },
};

/* Answer for all that the guest is told of, in one way */
static void answer_all(VfGuest *g, uint32_t how)
{
    uint64_t evt[4];

    while (vs_next_event(g, evt)) {
        if ((evt[0] & 0xff) == VS_EVT_F_TRANSLATION) {
            af_queue_resume(g, evt[0] >> 32, VS_EVT2_STAG(evt[1]), how);
        }
    }
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
}

static void have_faults(VfGuest *g)
{
    for (int i = 0; i < 3; i++) {
        af_fault(g, 0, 5 + i, 0x1000 * i, i ? AF_READ : AF_WRITE);
    }
}

static void assert_within(VfGuest *g, VfAccess most, uint64_t word0)
{
    uint64_t ste[2] = { 0 };

    vf_client_assert_at_most(g->c, 0, most);
    if (vf_client_access(g->c, 0, ste) == VF_ACCESS_S1) {
        g_assert_cmphex(ste[0], ==, word0);
    }
}

/* Returns: NULL, or why the device could not be plugged */
static gchar *live(VfGuest *g)
{
    gchar *err = vg_device_add(g, 0, "d1", 1, "");

    if (err) {
        return err;
    }
    assert_within(g, VF_ACCESS_S1, VS_STE0_DEFAULT);
    have_faults(g);
    answer_all(g, VS_RESUME_RETRY);
    have_faults(g);
    answer_all(g, VS_RESUME_ABORT);
    have_faults(g);
    vs_queue(g, VS_CMD_STALL_TERM | (uint64_t)SID << 32, 0);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    have_faults(g);
    vs_write_ste(g, VS_LINEAR, SID, OTHER_CDTAB, VS_STE1_DEFAULT);
    vs_cfgi_ste(g, SID);
    assert_within(g, VF_ACCESS_S1, OTHER_CDTAB);
    have_faults(g);
    vs_set_state(g, &vs_states[VS_BYPASS], 1);
    assert_within(g, VF_ACCESS_BYPASS, 0);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    have_faults(g);
    vg_system_reset(g);
    assert_within(g, VF_ACCESS_BYPASS, 0);
    vg_ports(g, 1);
    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    have_faults(g);
    answer_all(g, VS_RESUME_RETRY);
    have_faults(g);
    /* What had no memory before is read now */
    qtest_clock_step(g->qts, 20000000);
    vg_settle(g);
    vg_device_del(g, "d1", 1);
    return NULL;
}

/* One life with one failure; returns whether the call was made at all */
static bool live_with(VfGuest *g, VfOp op, unsigned int nth, int err)
{
    VfClient *c = g->c;
    VfRule *rule = vf_client_rule(c, op, nth, 1, err);
    unsigned int files = vg_open_files(g);
    g_autofree gchar *refused = NULL;
    bool failed;

    c->shared->log_len = 0;
    c->shared->page_fault_len = 0;
    refused = live(g);
    failed = rule->seen >= nth;
    vf_client_clear_rules(c);
    if (!failed) {
        g_assert_cmpstr(refused, ==, NULL);
    }
    /* All faults have been answered, too */
    vf_client_assert_clean(c);
    g_assert_cmpuint(vg_open_files(g), ==, files);
    return failed;
}

static void test_sweep(const void *opaque)
{
    const CallErrors *e = opaque;
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, 1, 0);
    unsigned int sites = 0;
    bool more = true;
    VfGuest *g;

    af_host(c, 0, VS_STALL_MODEL_FORCED);
    g = vg_start(c, "%s -global arm-smmuv3.x-stall=force", options);
    vg_ports(g, 1);
    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    for (unsigned int nth = 1; more; nth++) {
        for (int i = 0; more && i < ARRAY_SIZE(e->err) && e->err[i]; i++) {
            more = live_with(g, e->op, nth, e->err[i]);
        }
        sites += more;
    }
    g_assert_cmpuint(sites, >, 0);
    g_test_message("%s: %u sites", vf_op_name(e->op), sites);
    g_free(vg_end(g));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(call_errors); i++) {
        vg_add_test("smmuv3-accel/fault-sweep",
                    vf_op_name(call_errors[i].op), &call_errors[i],
                    test_sweep);
    }
    return g_test_run();
}
