/*
 * QTest of the accelerated SMMUv3: page faults that the guest answers
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The host stalls a transaction, QEMU asks the guest for the page, and the
 * guest says how it ends (Arm IHI0070, 3.12.2, 4.6 and 7.3). Whatever happens
 * meanwhile, the host gets one answer.
 */

#include "qemu/osdep.h"

#include "vfio-guest/fault.h"

#define SID VS_SID(1)

/* Faults that QEMU reads at a time */
#define AT_ONCE 64

/* Ways to answer, and what the host is told */
typedef struct AnswerTest {
    const char *name;
    uint32_t how;
    bool retry;
} AnswerTest;

static const AnswerTest answer_tests[] = {
    { .name = "retry", .how = VS_RESUME_RETRY, .retry = true },
    { .name = "abort", .how = VS_RESUME_ABORT },
    { .name = "terminate" },
    { .name = "retry-wins", .how = VS_RESUME_RETRY | VS_RESUME_ABORT,
      .retry = true },
};

static void test_answer(const void *opaque)
{
    const AnswerTest *t = opaque;
    VfGuest *g = af_start(1, "");
    uint32_t n = af_fault(g, 0, 5, 0x123456789000, AF_READ);
    uint16_t stag = af_stalled(g, SID, 5, 0x123456789000, AF_READ);

    af_no_event(g);
    af_waiting(g, n);
    af_listed(g, 1, "reported", 1);
    af_resume(g, SID, stag, t->how);
    af_answered(g, n, t->retry);
    af_listed(g, 1, "reported", 0);
    vg_end_silent(g);
}

/* Fields of the event */
typedef struct FieldsTest {
    const char *name;
    uint32_t pasid;
    uint64_t addr;
    uint32_t perm;
} FieldsTest;

static const FieldsTest fields_tests[] = {
    { .name = "no-pasid", .pasid = VF_NO_PASID, .addr = 0x1000,
      .perm = AF_READ },
    { .name = "pasid-0", .pasid = 0, .addr = 0x1000, .perm = AF_READ },
    { .name = "pasid-max", .pasid = 0xffff, .addr = 0x2000, .perm = AF_WRITE },
    { .name = "high-address", .pasid = 1, .addr = 0xffff800000001234,
      .perm = AF_WRITE },
    { .name = "execute", .pasid = 1, .addr = 0x4000,
      .perm = AF_READ | IOMMU_PGFAULT_PERM_EXEC },
    { .name = "privileged", .pasid = 1, .addr = 0x4000,
      .perm = AF_WRITE | IOMMU_PGFAULT_PERM_PRIV },
    { .name = "privileged-execute", .pasid = 1, .addr = 0x4000,
      .perm = AF_READ | IOMMU_PGFAULT_PERM_EXEC | IOMMU_PGFAULT_PERM_PRIV },
    { .name = "write-execute", .pasid = 1, .addr = 0x4000,
      .perm = AF_WRITE | IOMMU_PGFAULT_PERM_EXEC },
    { .name = "read-and-write", .pasid = 1, .addr = 0x4000,
      .perm = AF_READ | AF_WRITE },
};

static void test_fields(const void *opaque)
{
    const FieldsTest *t = opaque;
    VfGuest *g = af_start(1, "");
    uint32_t n = af_fault(g, 0, t->pasid, t->addr, t->perm);

    af_resume(g, SID, af_stalled(g, SID, t->pasid, t->addr, t->perm),
              VS_RESUME_RETRY);
    af_answered(g, n, true);
    vg_end_silent(g);
}

/* A PASID that the guest cannot have used */
static void test_pasid_too_large(void)
{
    VfGuest *g = af_start(1, "");
    uint32_t n = af_fault(g, 0, 0x10000, 0x1000, AF_READ);

    af_answered(g, n, false);
    af_no_event(g);
    vg_end_silent(g);
}

/* Faults of two devices, answered in another order */
static void test_two_devices(void)
{
    VfGuest *g = af_start(2, "");
    uint32_t n[3];
    uint16_t stag[3];

    n[0] = af_fault(g, 0, 5, 0x1000, AF_READ);
    n[1] = af_fault(g, 1, 5, 0x2000, AF_WRITE);
    n[2] = af_fault(g, 0, 6, 0x3000, AF_WRITE);
    stag[0] = af_stalled(g, VS_SID(1), 5, 0x1000, AF_READ);
    stag[1] = af_stalled(g, VS_SID(2), 5, 0x2000, AF_WRITE);
    stag[2] = af_stalled(g, VS_SID(1), 6, 0x3000, AF_WRITE);
    af_resume(g, VS_SID(1), stag[2], VS_RESUME_RETRY);
    af_answered(g, n[2], true);
    af_waiting(g, n[0]);
    af_waiting(g, n[1]);
    af_resume(g, VS_SID(2), stag[1], VS_RESUME_ABORT);
    af_answered(g, n[1], false);
    af_resume(g, VS_SID(1), stag[0], VS_RESUME_RETRY);
    af_answered(g, n[0], true);
    vg_end_silent(g);
}

/* Ignored: an unknown tag, that of another StreamID, a second answer */
static void test_wrong_tag(void)
{
    VfGuest *g = af_start(2, "");
    uint32_t n = af_fault(g, 0, 5, 0x1000, AF_READ);
    uint16_t stag = af_stalled(g, SID, 5, 0x1000, AF_READ);
    uint32_t since = g->c->shared->log_len;
    uint32_t next;

    af_resume(g, SID, stag + 1, VS_RESUME_RETRY);
    af_resume(g, VS_SID(2), stag, VS_RESUME_RETRY);
    af_resume(g, VS_SID(7), stag, VS_RESUME_ABORT);
    af_waiting(g, n);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_FAULT_WRITE, since), ==, 0);
    af_queue_resume(g, SID, stag, VS_RESUME_RETRY);
    af_queue_resume(g, SID, stag, VS_RESUME_ABORT);
    vs_sync(g);
    af_answered(g, n, true);
    /* The host gives the same cookie to the next one */
    next = af_fault(g, 0, 5, 0x2000, AF_READ);
    af_resume(g, SID, stag, VS_RESUME_RETRY);
    af_waiting(g, next);
    af_resume(g, SID, af_stalled(g, SID, 5, 0x2000, AF_READ), 0);
    af_answered(g, next, false);
    vg_end_silent(g);
}

/* CMD_STALL_TERM ends all of a StreamID, and none of another one */
static void test_term(void)
{
    VfGuest *g = af_start(2, "");
    uint32_t n[3];
    uint16_t stag;

    n[0] = af_fault(g, 0, 5, 0x1000, AF_READ);
    n[1] = af_fault(g, 0, VF_NO_PASID, 0x2000, AF_WRITE);
    n[2] = af_fault(g, 1, 5, 0x3000, AF_READ);
    stag = af_stalled(g, SID, 5, 0x1000, AF_READ);
    vs_queue(g, VS_CMD_STALL_TERM | (uint64_t)SID << 32, 0);
    vs_sync(g);
    af_answered(g, n[0], false);
    af_answered(g, n[1], false);
    af_waiting(g, n[2]);
    af_resume(g, SID, stag, VS_RESUME_RETRY);
    af_stalled(g, SID, VF_NO_PASID, 0x2000, AF_WRITE);
    stag = af_stalled(g, VS_SID(2), 5, 0x3000, AF_READ);
    af_resume(g, VS_SID(2), stag, VS_RESUME_RETRY);
    af_answered(g, n[2], true);
    vg_end_silent(g);
}

/* QEMU does not look before all are there; returns the first one's number */
static uint32_t fault_at_once(VfGuest *g, unsigned int count)
{
    uint32_t n = 0;

    for (unsigned int i = 0; i < count; i++) {
        n = vf_client_add_page_fault(g->c, 0, 5, 0x1000ull * i, AF_READ);
    }
    vf_client_wake(g->c, g->c->shared->page_fault[n].queue);
    vg_settle(g);
    return n - (count - 1);
}

/* Many faults are one read, many answers one write, with CMD_SYNC or not */
static void test_at_once(const void *opaque)
{
    const bool *sync = opaque;
    VfGuest *g = af_start(1, "");
    uint32_t since = g->c->shared->log_len;
    uint16_t stag[AT_ONCE];
    uint32_t n;

    vs_set_slice(g, 0);
    n = fault_at_once(g, AT_ONCE);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_FAULT_READ, since), ==, 1);
    for (unsigned int i = 0; i < AT_ONCE; i++) {
        stag[i] = af_stalled(g, SID, 5, 0x1000ull * i, AF_READ);
    }
    since = g->c->shared->log_len;
    for (unsigned int i = 0; i < AT_ONCE - 1; i++) {
        af_queue_resume(g, SID, stag[i], VS_RESUME_RETRY);
        vs_queue_va(g, i);
    }
    if (*sync) {
        vs_queue(g, VS_CMD_SYNC, 0);
    }
    vs_submit(g);
    for (unsigned int i = 0; i < AT_ONCE - 1; i++) {
        af_answered(g, n + i, true);
    }
    af_waiting(g, n + AT_ONCE - 1);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_FAULT_WRITE, since), ==, 1);
    af_resume(g, SID, stag[AT_ONCE - 1], 0);
    af_answered(g, n + AT_ONCE - 1, false);
    vg_end_silent(g);
}

/* No CMD_SYNC is complete before the answers ahead of it are written */
static void test_two_runs(void)
{
    VfGuest *g = af_start(1, "");
    uint32_t n = fault_at_once(g, 2);
    uint16_t stag[2];
    uint32_t since;

    vs_set_slice(g, 0);
    for (int i = 0; i < 2; i++) {
        stag[i] = af_stalled(g, SID, 5, 0x1000ull * i, AF_READ);
    }
    since = g->c->shared->log_len;
    for (int i = 0; i < 2; i++) {
        af_queue_resume(g, SID, stag[i], VS_RESUME_RETRY);
        vs_queue(g, VS_CMD_SYNC, 0);
    }
    vs_submit(g);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_FAULT_WRITE, since), ==, 2);
    af_answered(g, n, true);
    af_answered(g, n + 1, true);
    vg_end_silent(g);
}

static const bool with_sync = true, without_sync;

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(answer_tests); i++) {
        vg_add_test("smmuv3-accel/fault/answer", answer_tests[i].name,
                    &answer_tests[i], test_answer);
    }
    for (int i = 0; i < ARRAY_SIZE(fields_tests); i++) {
        vg_add_test("smmuv3-accel/fault/fields", fields_tests[i].name,
                    &fields_tests[i], test_fields);
    }
    qtest_add_func("smmuv3-accel/fault/pasid-too-large", test_pasid_too_large);
    qtest_add_func("smmuv3-accel/fault/two-devices", test_two_devices);
    qtest_add_func("smmuv3-accel/fault/wrong-tag", test_wrong_tag);
    qtest_add_func("smmuv3-accel/fault/term", test_term);
    qtest_add_func("smmuv3-accel/fault/two-runs", test_two_runs);
    vg_add_test("smmuv3-accel/fault/at-once", "sync", &with_sync,
                test_at_once);
    vg_add_test("smmuv3-accel/fault/at-once", "no-sync", &without_sync,
                test_at_once);
    return g_test_run();
}
