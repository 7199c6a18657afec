/*
 * QTest of the accelerated SMMUv3: hosts that stall, and hosts that do not
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the guest is offered by x-stall, and what a stream table entry of the
 * guest becomes. A transaction must not stall that nobody answers for, and no
 * device is lost because its page faults cannot be reported.
 */

#include "qemu/osdep.h"

#include "qemu/bitops.h"
#include "hw/pci/pci_regs.h"
#include "vfio-guest/fault.h"

#define SID VS_SID(1)

#define BOTH    VS_STALL_MODEL_BOTH
#define NONE    VS_STALL_MODEL_NONE
#define FORCED  VS_STALL_MODEL_FORCED

#define IDR0_COHACC (1u << 4)

/* IDs of a device that waits */
#define PRETENDED   "-global vfio-pci.x-pci-vendor-id=0x19e5 " \
                    "-global vfio-pci.x-pci-device-id=0xa250"

/**
 * struct HostTest - a host, what the user wants, and what comes of it
 *
 * @model: of the host
 * @waits: the host knows the device as one that waits
 * @no_sva: the host's kernel has no CONFIG_ARM_SMMU_V3_SVA
 * @less_oas: its SMMU has less address bits than its CPUs
 * @no_coherency: its SMMU has no coherent table walks
 * @kernel: VF_LINUX_*, 0 for the newest
 * @late: the device is plugged when the guest has numbered its bus, and has a
 *        StreamID then
 * @revision: of the device, 0 for one that waits
 * @pretends: the guest sees the IDs of one that waits
 * @alloc_err: what IOMMU_FAULT_QUEUE_ALLOC fails with
 * @stall: value of x-stall
 * @offer: what the guest is offered
 * @faults: page-faults of x-accel-state
 * @stalld: S1STALLD in the host, for a guest that has it clear
 * @may_stalld: the guest can set it
 * @said: warning, or error of a QEMU that does not start if @offer is NULL
 */
typedef struct HostTest {
    const char *name;
    unsigned int model;
    bool waits;
    bool no_sva;
    bool less_oas;
    bool no_coherency;
    unsigned int kernel;
    bool late;
    uint8_t revision;
    bool pretends;
    int alloc_err;
    const char *stall;
    const char *offer;
    const char *faults;
    bool stalld;
    bool may_stalld;
    const char *said[3];
} HostTest;

static const HostTest host_tests[] = {
    { .name = "both", .model = BOTH, .stall = "auto", .offer = "off",
      .faults = "none", .stalld = true },
    { .name = "both-waits", .model = BOTH, .waits = true, .stall = "auto",
      .offer = "on", .faults = "reported", .may_stalld = true },
    { .name = "both-on", .model = BOTH, .stall = "on", .offer = "on",
      .faults = "none", .stalld = true, .may_stalld = true },
    { .name = "both-waits-on", .model = BOTH, .waits = true, .stall = "on",
      .offer = "on", .faults = "reported", .may_stalld = true },
    { .name = "both-waits-off", .model = BOTH, .waits = true, .stall = "off",
      .offer = "off", .faults = "none", .stalld = true },
    { .name = "none", .model = NONE, .waits = true, .stall = "auto",
      .offer = "off", .faults = "none" },
    { .name = "none-off", .model = NONE, .stall = "off", .offer = "off",
      .faults = "none" },
    { .name = "forced", .model = FORCED, .stall = "auto", .offer = "force",
      .faults = "reported" },
    { .name = "forced-force", .model = FORCED, .stall = "force",
      .offer = "force", .faults = "reported" },
    { .name = "both-waits-no-sva", .model = BOTH, .waits = true,
      .no_sva = true, .stall = "auto", .offer = "off", .faults = "none",
      .stalld = true },
    { .name = "both-waits-on-no-sva", .model = BOTH, .waits = true,
      .no_sva = true, .stall = "on",
      .said = { "x-stall=on", "d1", "use x-stall=auto or x-stall=off" } },
    /* Nobody would answer, and a fault would wait for ever */
    { .name = "forced-no-sva", .model = FORCED, .no_sva = true,
      .stall = "auto", .said = { "page faults of d1 cannot be reported" } },
    { .name = "forced-force-no-sva", .model = FORCED, .no_sva = true,
      .stall = "force", .said = { "page faults of d1 cannot be reported" } },
    { .name = "both-waits-old", .model = BOTH, .waits = true,
      .alloc_err = ENOTTY, .stall = "auto", .offer = "off", .faults = "none",
      .stalld = true },
    { .name = "both-waits-on-old", .model = BOTH, .waits = true,
      .alloc_err = ENOTTY, .stall = "on",
      .said = { "IOMMU_FAULT_QUEUE_ALLOC", "d1", "x-stall=off" } },
    { .name = "forced-old", .model = FORCED, .alloc_err = EOPNOTSUPP,
      .stall = "auto", .said = { "page faults of d1 cannot be reported" } },
    /* Linux would crash if it were asked to report faults there */
    { .name = "both-waits-oas", .model = BOTH, .waits = true, .less_oas = true,
      .stall = "auto", .offer = "off", .faults = "none", .stalld = true,
      .said = { "IDR5.OAS is 40" } },
    { .name = "both-waits-on-oas", .model = BOTH, .waits = true,
      .less_oas = true, .stall = "on",
      .said = { "page faults of d1", "IDR5.OAS is 40", "x-stall=off" } },
    { .name = "forced-oas", .model = FORCED, .less_oas = true, .stall = "auto",
      .said = { "d1", "x-stall=auto, settled at startup, no x-stall goes with"
      " this host", "IDR5.OAS is 40" } },
    { .name = "forced-off-oas", .model = FORCED, .less_oas = true,
      .stall = "off", .said = { "d1", "x-stall=off, no x-stall goes with this"
      " host", "IDR5.OAS is 40" } },
    { .name = "forced-force-oas", .model = FORCED, .less_oas = true,
      .stall = "force", .said = { "page faults of d1", "IDR5.OAS is 40" } },
    { .name = "both-waits-no-coherency", .model = BOTH, .waits = true,
      .no_coherency = true, .stall = "auto", .offer = "off", .faults = "none",
      .stalld = true },
    /* It takes a fault queue, and reports nothing to it */
    { .name = "both-waits-on-6.15", .model = BOTH, .waits = true,
      .kernel = VF_LINUX_6_15, .late = true, .stall = "on",
      .said = { "IOMMU_FAULT_QUEUE_ALLOC", "d1", "x-stall=off" } },
    { .name = "both-waits-off-6.15", .model = BOTH, .waits = true,
      .kernel = VF_LINUX_6_15, .late = true, .stall = "off", .offer = "off",
      .faults = "none", .stalld = true },
    { .name = "both-waits-on-6.18", .model = BOTH, .waits = true,
      .kernel = VF_LINUX_6_18, .late = true, .stall = "on", .offer = "on",
      .faults = "reported", .may_stalld = true },
    { .name = "both-waits-6.18", .model = BOTH, .waits = true,
      .kernel = VF_LINUX_6_18, .stall = "auto",
      .said = { "d1 to nested bypass only once it has a StreamID" } },
    /* Linux knows two revisions of these devices */
    { .name = "both-revision", .model = BOTH, .waits = true, .revision = 0x20,
      .stall = "on", .offer = "on", .faults = "none", .stalld = true,
      .may_stalld = true },
    { .name = "both-other-revision", .model = BOTH, .waits = true,
      .revision = 0x30, .stall = "on", .offer = "on", .faults = "reported",
      .may_stalld = true },
    /* Linux goes by the IDs of the device, not by those that the guest sees */
    { .name = "both-pretends", .model = BOTH, .pretends = true,
      .stall = "auto", .offer = "off", .faults = "none", .stalld = true },
    { .name = "both-pretends-on", .model = BOTH, .pretends = true,
      .stall = "on", .offer = "on", .faults = "none", .stalld = true,
      .may_stalld = true },
    { .name = "forced-failed", .model = FORCED, .alloc_err = ENOMEM,
      .stall = "auto", .said = { "d1", "IOMMU_FAULT_QUEUE_ALLOC",
      "Cannot allocate memory" } },
};

static void describe(VfClient *c, const HostTest *t)
{
    VfDevice *d = &c->shared->device[0];

    af_host(c, 0, t->model);
    if (t->waits) {
        vf_device_waits(d);
    }
    c->shared->kernel = t->kernel;
    c->shared->no_sva = t->no_sva;
    if (t->less_oas) {
        d->idr[5] = deposit32(d->idr[5], 0, 3, 2);
    }
    if (t->no_coherency) {
        d->idr[0] &= ~IDR0_COHACC;
    }
    if (t->pretends) {
        d->phys[PCI_REVISION_ID] = 0x21;
    }
    if (t->revision) {
        d->phys[PCI_REVISION_ID] = t->revision;
        d->stalls = t->revision == 0x30;
    }
    if (t->alloc_err) {
        vf_client_rule(c, VF_OP_FAULT_QUEUE_ALLOC, 1, 1000, t->alloc_err);
    }
}

/* Returns: the fault queue of the HWPT that device 0 is attached to, or 0 */
static uint32_t fault_queue(VfGuest *g)
{
    const VfObject *dev = vf_client_device_object(g->c, 0);

    return vf_client_object(g->c, dev, dev->attached)->fault;
}

static void assert_reported(VfGuest *g, bool reported)
{
    uint32_t n;

    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, VF_ACCESS_S1);
    g_assert_cmpint(fault_queue(g) != 0, ==, reported);
    n = af_fault(g, 0, 5, 0x1000, AF_READ);
    if (!reported) {
        af_ended(g, n);
        af_no_event(g);
        return;
    }
    af_resume(g, SID, af_stalled(g, SID, 5, 0x1000, AF_READ),
              VS_RESUME_RETRY);
    af_answered(g, n, true);
}

static void assert_said(const HostTest *t, const char *text)
{
    for (int i = 0; i < ARRAY_SIZE(t->said) && t->said[i]; i++) {
        vg_assert_has(text, t->said[i]);
    }
}

static void test_host(const void *opaque)
{
    const HostTest *t = opaque;
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, 1, !t->late);
    g_autofree gchar *text = NULL;
    bool reported = t->faults && !strcmp(t->faults, "reported");
    uint64_t ste[2];
    VfGuest *g;

    describe(c, t);
    if (!t->offer && !t->late) {
        text = vg_refused(c, "%s -global arm-smmuv3.x-stall=%s", options,
                          t->stall);
        assert_said(t, text);
        vf_client_free(c);
        return;
    }
    g = vg_start(c, "%s %s -global arm-smmuv3.x-stall=%s", options,
                 t->pretends ? PRETENDED : "", t->stall);
    vg_ports(g, 1);
    if (t->late) {
        text = vg_device_add(g, 0, "d1", 1, "");
    }
    if (!t->offer) {
        g_assert_nonnull(text);
        assert_said(t, text);
        vf_client_assert_clean(c);
        vg_end_silent(g);
        return;
    }
    g_assert_cmpstr(text, ==, NULL);
    vs_setup(g, VS_LINEAR);
    for (int i = 0; i < 2; i++) {
        af_offer(g, t->offer);
        af_listed(g, 1, t->faults, 0);
        vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
        vf_client_access(c, 0, ste);
        g_assert_cmphex(ste[1], ==, VS_STE1_DEFAULT |
                        (t->stalld ? VS_STE1_S1STALLD : 0));
        assert_reported(g, reported);

        vs_write_ste(g, VS_LINEAR, SID, VS_STE0_DEFAULT,
                     VS_STE1_DEFAULT | VS_STE1_S1STALLD);
        vs_cfgi_ste(g, SID);
        if (t->may_stalld) {
            vf_client_access(c, 0, ste);
            g_assert_cmphex(ste[1], ==, VS_STE1_DEFAULT | VS_STE1_S1STALLD);
            assert_reported(g, false);
        } else {
            g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_ABORT);
            vs_assert_event(g, SID, VS_EVT_C_BAD_STE);
        }
        /* The offer stays when the device goes and comes */
        vs_set_state(g, &vs_states[VS_BYPASS], 1);
        vs_drop_events(g);
        vg_device_del(g, "d1", 1);
        vf_client_assert_clean(c);
        g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    }
    af_offer(g, t->offer);
    text = vg_end(g);
    if (t->said[0]) {
        vg_assert_has(text, t->said[0]);
    } else {
        g_assert_cmpstr(text, ==, "");
    }
}

/* It is settled by any device that is there at startup, and by no later one */
static void test_second_device(void)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, 2, 2);
    VfGuest *g;

    af_host(c, 0, BOTH);
    af_host(c, 1, BOTH);
    vf_device_waits(&c->shared->device[1]);
    g = vg_start(c, "%s", options);
    af_offer(g, "on");
    af_listed(g, 1, "none", 0);
    af_listed(g, 2, "reported", 0);
    vg_end_silent(g);
}

static void test_hot(void)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, 1, 0);
    VfGuest *g;

    af_host(c, 0, BOTH);
    vf_device_waits(&c->shared->device[0]);
    g = vg_start(c, "%s", options);
    vg_ports(g, 1);
    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    af_offer(g, "off");
    assert_reported(g, false);
    vg_end_silent(g);
}

/* The host refuses an HWPT or device for its faults alone */
static void test_refused(const void *opaque)
{
    const int *err = opaque;
    VfGuest *g = af_start(1, "");
    VfClient *c = g->c;
    g_autofree gchar *text = NULL;
    uint32_t n = af_fault(g, 0, 5, 0x2000, AF_READ);

    af_stalled(g, SID, 5, 0x2000, AF_READ);
    vf_client_rule(c, VF_OP_ATTACH, 1, 1, *err);
    vs_write_ste(g, VS_LINEAR, SID, VS_STE0_DEFAULT + 0x10000,
                 VS_STE1_DEFAULT);
    vs_cfgi_ste(g, SID);
    af_ended(g, n);
    af_listed(g, 1, "refused", 0);
    assert_reported(g, false);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    assert_reported(g, false);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    assert_reported(g, true);
    text = vg_end(g);
    vg_assert_has(text, "does not report page faults of d1");
    vg_assert_has(text, strerror(*err));
    g_assert(strchr(text, '\n') == text + strlen(text) - 1);
}

static const int unsupported = EOPNOTSUPP, invalid = EINVAL;

/* A function with PRI that is a virtual one: the kernel says EINVAL */
static void test_refused_at_once(void)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, 1, 1);
    g_autofree gchar *text = NULL;
    VfGuest *g;

    af_host(c, 0, FORCED);
    /* VFIO attaches it first */
    vf_client_rule(c, VF_OP_ATTACH, 2, 1, EINVAL);
    g = vg_start(c, "%s", options);
    vg_ports(g, 1);
    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    af_offer(g, "force");
    af_listed(g, 1, "refused", 0);
    assert_reported(g, false);
    text = vg_end(g);
    vg_assert_has(text, "does not report page faults of d1");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(host_tests); i++) {
        vg_add_test("smmuv3-accel/fault-host", host_tests[i].name,
                    &host_tests[i], test_host);
    }
    qtest_add_func("smmuv3-accel/fault-host/second-device",
                   test_second_device);
    qtest_add_func("smmuv3-accel/fault-host/hot", test_hot);
    vg_add_test("smmuv3-accel/fault-host/refused", "unsupported", &unsupported,
                test_refused);
    vg_add_test("smmuv3-accel/fault-host/refused", "invalid", &invalid,
                test_refused);
    qtest_add_func("smmuv3-accel/fault-host/refused-at-once",
                   test_refused_at_once);
    return g_test_run();
}
