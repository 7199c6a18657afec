/*
 * QTest of the accelerated SMMUv3: devices that do not answer, or cannot be
 * stopped
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each ATC invalidation of a dead device can take the host a second. However
 * many of them there are, one register write waits for few of these calls, no
 * CMD_SYNC completes before the ATC of every device is invalidated or the
 * device is stopped, and a device that answers goes on. A register says that
 * transactions take a new path when those of all devices do.
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "vfio-guest/smmu.h"

#define SID(n)      VS_SID(n)
#define HI(n)       ((uint64_t)SID(n) << 32)
#define EATS        VS_STE1_EATS(VS_EATS_FULL)

#define MS          1000000ll
#define SECOND      (1000 * MS)
#define QUIET       (60 * SECOND)

/* The longest time that devices which have not answered wait for */
#define LONGEST     (12800 * MS)

/* Devices; the last one answers, the others do not */
#define DEVICES     6
#define DEAD        (DEVICES - 1)

/* Longer than a slice, so that a slice ends behind each call */
#define SLOW_NS     (2 * MS)

/* The call with all of them, one that shows that the queue moves, one device */
#define CALLS       2

/* Have the tables translate for all devices: StreamIDs of more than 10 bits */
static void translate(VfGuest *g)
{
    vs_setup(g, VS_LINEAR);
    vs_writel(g, VS_STRTAB_BASE_CFG, VS_STRTAB_LOG2 + 1);
    vs_translate_all(g, DEVICES, EATS);
}

static VfGuest *start(void)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, DEVICES, DEVICES);
    VfGuest *g;

    for (unsigned int i = 0; i < DEVICES; i++) {
        /* For CPR: VFIO hands interrupts over by way of KVM only */
        c->shared->device[i].phys[PCI_INTERRUPT_PIN] = 0;
    }
    g = vg_start(c, "%s -global arm-smmuv3.ats=on " VG_SHARED_RAM, options);
    vg_ports(g, DEVICES);
    translate(g);
    return g;
}

/* As a driver that acknowledges the error of an outage, and goes on */
static void wait_past_error(VfGuest *g)
{
    vs_wait(g);
    if (vs_has_error(g)) {
        vs_acknowledge(g);
        vs_wait(g);
    }
    g_assert_true(vs_done(g));
}

static void set_dead(VfGuest *g, bool dead)
{
    for (unsigned int i = 0; i < DEAD; i++) {
        g->c->shared->device[i].atc_dead = dead;
    }
}

static void assert_access(VfGuest *g, unsigned int n, VfAccess access)
{
    g_assert_cmpint(vf_client_access(g->c, n - 1, NULL), ==, access);
}

static void assert_all_stopped(VfGuest *g)
{
    for (unsigned int n = 1; n <= DEAD; n++) {
        assert_access(g, n, VF_ACCESS_ABORT);
        vs_assert_listed(g, n, "abort", "atc-invalidation", "ATC");
    }
    assert_access(g, DEVICES, VF_ACCESS_S1);
    vs_assert_listed(g, DEVICES, "translate", "none", NULL);
}

static uint32_t refused(VfGuest *g, uint32_t since)
{
    return vf_client_refused(g->c, VF_OP_HWPT_INVALIDATE, since);
}

static void queue_atcs(VfGuest *g)
{
    for (unsigned int n = 1; n <= DEVICES; n++) {
        vs_queue(g, VS_CMD_ATC_INV | HI(n), VS_ATC_SIZE_ALL);
    }
}

/* Have the guest invalidate all ATCs, and let one slice of that run */
static void begin(VfGuest *g)
{
    uint32_t since = g->c->shared->log_len;

    set_dead(g, true);
    /* No other slice follows while the virtual machine stands still */
    qtest_qmp_assert_success(g->qts, "{'execute': 'stop'}");
    queue_atcs(g);
    vs_queue(g, VS_CMD_SYNC, 0);
    g->c->shared->ioctl_ns = SLOW_NS;
    vs_ring(g);
    g_assert_cmpuint(refused(g, since), >=, 1);
    g_assert_cmpuint(refused(g, since), <=, CALLS);
    g_assert_false(vs_done(g));
    g_assert_false(vs_has_error(g));
}

static void go_on(VfGuest *g)
{
    qtest_qmp_assert_success(g->qts, "{'execute': 'cont'}");
    vs_wait(g);
    g->c->shared->ioctl_ns = 0;
    g_assert_true(vs_done(g));
    g_assert_false(vs_has_error(g));
}

/* One by one, and each dead device costs one call that fails */
static void test_each(void)
{
    VfGuest *g = start();
    uint32_t since = g->c->shared->log_len;

    begin(g);
    go_on(g);
    g_assert_cmpuint(refused(g, since), ==, 1 + DEAD);
    assert_all_stopped(g);

    /* Well again, all go on when the guest says so */
    set_dead(g, false);
    for (unsigned int n = 1; n <= DEVICES; n++) {
        vs_cfgi_ste(g, SID(n));
        vs_assert_s1(g, n - 1, SID(n), VS_STE0_DEFAULT,
                     VS_STE1_DEFAULT | EATS);
    }
    g_free(vg_end(g));
}

/* A guest that waits for nothing: what it left is done with, too */
static void test_no_sync(void)
{
    VfGuest *g = start();

    set_dead(g, true);
    queue_atcs(g);
    g->c->shared->ioctl_ns = SLOW_NS;
    vs_ring(g);
    for (int i = 0; i < 1000 && vf_client_access(g->c, 0, NULL) ==
                                VF_ACCESS_S1; i++) {
        vg_settle(g);
    }
    vs_sync(g);
    g->c->shared->ioctl_ns = 0;
    assert_all_stopped(g);
    g_free(vg_end(g));
}

/* A queue that fills a slice by itself does not keep the devices from proof */
static void test_long_queue(void)
{
    VfGuest *g = start();

    begin(g);
    for (unsigned int n = 0; n < 400; n++) {
        vs_queue_va(g, n);
        vs_queue(g, VS_CMD_SYNC, 0);
    }
    vs_set_slice(g, 1);
    vs_ring(g);
    go_on(g);
    assert_all_stopped(g);
    g_free(vg_end(g));
}

/* The machine is reset in the midst */
static void test_reset(void)
{
    VfGuest *g = start();

    begin(g);
    vg_system_reset(g);
    g->c->shared->ioctl_ns = 0;
    for (unsigned int n = 1; n <= DEVICES; n++) {
        assert_access(g, n, VF_ACCESS_BYPASS);
    }
    set_dead(g, false);
    qtest_qmp_assert_success(g->qts, "{'execute': 'cont'}");
    vg_ports(g, DEVICES);
    translate(g);
    queue_atcs(g);
    vs_sync(g);
    for (unsigned int n = 1; n <= DEVICES; n++) {
        assert_access(g, n, VF_ACCESS_S1);
    }
    g_free(vg_end(g));
}

/* Each device but one is unplugged in the midst */
static void test_unplug(void)
{
    VfGuest *g = start();

    begin(g);
    for (unsigned int n = 1; n <= DEAD; n++) {
        g_autofree gchar *id = g_strdup_printf("d%u", n);

        vg_device_del(g, id, n);
    }
    go_on(g);
    assert_access(g, DEVICES, VF_ACCESS_S1);
    g_free(vg_end(g));
}

/* Another QEMU takes over in the midst: it cannot know who was not asked */
static void test_transfer(void)
{
    VfGuest *g = start();

    begin(g);
    g->c->shared->ioctl_ns = 0;
    vg_transfer(g);
    qtest_qmp_assert_success(g->qts, "{'execute': 'cont'}");
    wait_past_error(g);
    assert_all_stopped(g);
    g_free(vg_end(g));
}

/* A guest enables ATS of dead devices again and again, of all in turn */
static void test_rearm(void)
{
    VfGuest *g = start();
    uint32_t since;

    set_dead(g, true);
    queue_atcs(g);
    vs_sync(g);
    since = g->c->shared->log_len;
    for (int i = 0; i < 600; i++) {
        vs_queue(g, VS_CMD_CFGI_STE_RANGE, VS_RANGE_ALL);
        queue_atcs(g);
        vs_sync(g);
        qtest_clock_step(g->qts, 100 * MS);
    }
    /*
     * In this minute each device fails once more without delay. Then they wait
     * together, so that the number of attempts is that of one device, but for
     * those that are due at the same time.
     */
    g_assert_cmpuint(refused(g, since), <=, 2 * (DEAD + 1) + 3 * 10);
    assert_access(g, DEVICES, VF_ACCESS_S1);

    set_dead(g, false);
    for (int i = 0; i < 10; i++) {
        qtest_clock_step(g->qts, 10 * SECOND);
    }
    for (unsigned int n = 1; n <= DEVICES; n++) {
        assert_access(g, n, VF_ACCESS_S1);
        vs_assert_listed(g, n, "translate", "none", NULL);
    }
    g_free(vg_end(g));
}

/* Have the guest give ATS to a device, and use it. Both may be in vain. */
static void use_ats(VfGuest *g, unsigned int n)
{
    vs_cfgi_ste(g, SID(n));
    vs_queue(g, VS_CMD_ATC_INV | HI(n), VS_ATC_SIZE_ALL);
    vs_sync(g);
}

/* Have time pass until a device that waits has failed once more */
static void fail_again(VfGuest *g, unsigned int n)
{
    uint32_t since = g->c->shared->log_len;

    for (int i = 0; i < 300 && !refused(g, since); i++) {
        qtest_clock_step(g->qts, 100 * MS);
        use_ats(g, n);
    }
    g_assert_cmpuint(refused(g, since), >, 0);
    assert_access(g, n, VF_ACCESS_ABORT);
}

/*
 * A device that failed again and again a long time ago works, and another one
 * begins to fail: the first one goes on whenever its STE is read again.
 */
static void test_other(const void *opaque)
{
    bool used = *(const bool *)opaque;
    VfGuest *g = start();

    g->c->shared->device[0].atc_dead = true;
    for (int i = 0; i < 4; i++) {
        use_ats(g, 1);
    }
    assert_access(g, 1, VF_ACCESS_ABORT);
    g->c->shared->device[0].atc_dead = false;
    qtest_clock_step(g->qts, used ? SECOND : QUIET);
    vs_cfgi_ste(g, SID(1));
    if (used) {
        qtest_clock_step(g->qts, QUIET);
        vs_queue(g, VS_CMD_ATC_INV | HI(1), VS_ATC_SIZE_ALL);
        vs_sync(g);
    }
    assert_access(g, 1, VF_ACCESS_S1);

    g->c->shared->device[1].atc_dead = true;
    for (int i = 0; i < 5; i++) {
        fail_again(g, 2);
    }
    vs_queue(g, VS_CMD_CFGI_STE_RANGE, VS_RANGE_ALL);
    vs_sync(g);
    assert_access(g, 1, VF_ACCESS_S1);
    vs_cfgi_ste(g, SID(1));
    assert_access(g, 1, VF_ACCESS_S1);
    vs_assert_listed(g, 1, "translate", "none", NULL);
    g_free(vg_end(g));
}

/* Asserts that no ATC is invalidated after a device was attached anew */
static void assert_atcs_first(VfGuest *g, uint32_t since)
{
    VfShared *shared = g->c->shared;
    bool attached = false;

    for (uint32_t i = since; i < shared->log_len; i++) {
        const VfLog *log = &shared->log[i];

        attached |= log->op == VF_OP_ATTACH;
        for (uint32_t n = 0; log->op == VF_OP_HWPT_INVALIDATE &&
                             n < log->arg[1]; n++) {
            g_assert_true(!attached || (shared->cmd[log->arg[3] + n].word[0] &
                                        0xff) != VS_CMD_ATC_INV);
        }
    }
    g_assert_true(attached);
}

/*
 * An ATC invalidation and a command that has the STE of its device read again
 * are in one batch. The former needs ATS as it is, and what comes of it decides
 * about the latter.
 */
static void test_batch(void)
{
    VfGuest *g = start();
    uint32_t since;

    /* It failed a moment ago, and then another one did again and again */
    g->c->shared->device[0].atc_dead = true;
    use_ats(g, 1);
    use_ats(g, 1);
    g->c->shared->device[0].atc_dead = false;
    qtest_clock_step(g->qts, SECOND);
    use_ats(g, 1);
    g->c->shared->device[1].atc_dead = true;
    for (int i = 0; i < 3; i++) {
        fail_again(g, 2);
    }
    assert_access(g, 1, VF_ACCESS_S1);

    /* The same STE, as it is to wait */
    since = g->c->shared->log_len;
    vs_queue(g, VS_CMD_ATC_INV | HI(1), VS_ATC_SIZE_ALL);
    vs_cfgi_ste(g, SID(1));
    assert_atcs_first(g, since);

    /* Others, of a device that fails by this very batch */
    qtest_clock_step(g->qts, QUIET);
    assert_access(g, 1, VF_ACCESS_S1);
    g->c->shared->device[0].atc_dead = true;
    since = g->c->shared->log_len;
    vs_queue(g, VS_CMD_ATC_INV | HI(1), VS_ATC_SIZE_ALL);
    for (unsigned int i = 0; i < 4; i++) {
        vs_write_ste(g, VS_LINEAR, SID(1), VS_STE0_DEFAULT + (i << 16),
                     VS_STE1_DEFAULT | EATS);
        vs_cfgi_ste(g, SID(1));
        vs_queue(g, VS_CMD_ATC_INV | HI(1), VS_ATC_SIZE_ALL);
    }
    vs_sync(g);
    /* Twice, and once more that tells whose fault it was */
    g_assert_cmpuint(refused(g, since), <=, 3);
    assert_access(g, 1, VF_ACCESS_ABORT);
    g_free(vg_end(g));
}

/*
 * All wait for the same time, and its end lets one of them try: the others go
 * on when that one has answered.
 */
static void test_together(void)
{
    VfGuest *g = start();
    uint32_t since = g->c->shared->log_len, first;

    set_dead(g, true);
    queue_atcs(g);
    vs_sync(g);
    g_assert_cmpuint(refused(g, since), ==, 1 + DEAD);
    first = refused(g, since);
    for (int i = 0; i < 120; i++) {
        vs_queue(g, VS_CMD_CFGI_STE_RANGE, VS_RANGE_ALL);
        vs_sync(g);
        queue_atcs(g);
        vs_sync(g);
        qtest_clock_step(g->qts, SECOND);
    }
    /* Once more; after 0.1 s to 12.8 s, and each 12.8 s of what is left */
    g_assert_cmpuint(refused(g, since), <=, first + 1 + 8 + 8);
    assert_access(g, DEVICES, VF_ACCESS_S1);

    set_dead(g, false);
    qtest_clock_step(g->qts, QUIET);
    for (unsigned int n = 1; n <= DEVICES; n++) {
        vs_cfgi_ste(g, SID(n));
        assert_access(g, n, VF_ACCESS_S1);
    }
    g_free(vg_end(g));
}

/* While others fail, even a first failure is not tried again at once */
static void test_first(void)
{
    VfGuest *g = start();
    uint32_t since;

    g->c->shared->device[0].atc_dead = true;
    for (int i = 0; i < 3; i++) {
        fail_again(g, 1);
    }
    qtest_clock_step(g->qts, SECOND);
    g->c->shared->device[1].atc_dead = true;
    since = g->c->shared->log_len;
    use_ats(g, 2);
    g_assert_cmpuint(refused(g, since), ==, 2);
    use_ats(g, 2);
    g_assert_cmpuint(refused(g, since), ==, 2);
    assert_access(g, 2, VF_ACCESS_ABORT);
    g_free(vg_end(g));
}

/* A reset of the machine, which a guest can cause at will, is no quiet time */
static void test_reset_again(void)
{
    VfGuest *g = vs_start_ats(1, EATS);
    uint32_t since = g->c->shared->log_len;

    g->c->shared->device[0].atc_dead = true;
    for (int i = 0; i < 20; i++) {
        vs_queue(g, VS_CMD_ATC_INV | HI(1), VS_ATC_SIZE_ALL);
        vs_sync(g);
        vg_system_reset(g);
        vg_ports(g, 1);
        vs_setup(g, VS_LINEAR);
        vs_translate_all(g, 1, EATS);
    }
    /* The guest's own, the one that tells whose fault it was, and one again */
    g_assert_cmpuint(refused(g, since), <=, 3);
    g->c->shared->device[0].atc_dead = false;
    qtest_clock_step(g->qts, SECOND);
    vs_sync(g);
    assert_access(g, 1, VF_ACCESS_S1);
    g_free(vg_end(g));
}

/*
 * A guest asks for a dead device again and again. Another one that has not
 * answered either is well meanwhile: it has its turn, whatever their order is.
 */
static void test_turns(const void *opaque)
{
    const unsigned int dead = *(const unsigned int *)opaque, well = !dead;
    const int64_t period = SECOND / 2;
    VfGuest *g = vs_start_ats(2, EATS);
    int64_t waited = 0;

    for (unsigned int i = 0; i < 2; i++) {
        g->c->shared->device[i].atc_dead = true;
    }
    for (unsigned int turn = 0; turn < 3; turn++) {
        for (unsigned int n = 1; n <= 2; n++) {
            vs_queue(g, VS_CMD_ATC_INV | HI(n), VS_ATC_SIZE_ALL);
        }
        vs_queue(g, VS_CMD_SYNC, 0);
        vs_submit(g);
        for (unsigned int n = 1; n <= 2; n++) {
            vs_cfgi_ste(g, SID(n));
        }
    }
    g_assert_cmpint(vf_client_access(g->c, well, NULL), !=, VF_ACCESS_S1);
    g->c->shared->device[well].atc_dead = false;
    while (vf_client_access(g->c, well, NULL) != VF_ACCESS_S1) {
        g_assert_cmpint(waited, <=, LONGEST);
        vs_cfgi_ste(g, SID(dead + 1));
        qtest_clock_step(g->qts, period);
        waited += period;
    }
    g_free(vg_end(g));
}

/*
 * The guest names a stopped device while QEMU is in the midst of stopping all
 * of them for another reason: when that is over, the device goes on, too.
 */
static void test_named(const void *opaque)
{
    uint64_t cfgi = *(const uint64_t *)opaque;
    VfGuest *g = start();
    unsigned int translated = 0;

    g->c->shared->device[0].atc_dead = true;
    queue_atcs(g);
    vs_sync(g);
    vs_assert_listed(g, 1, "abort", "atc-invalidation", "ATC");
    g->c->shared->device[0].atc_dead = false;

    qtest_qmp_assert_success(g->qts, "{'execute': 'stop'}");
    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 1000, EIO);
    g->c->shared->ioctl_ns = SLOW_NS;
    vs_queue_va(g, 1);
    vs_ring(g);
    for (unsigned int n = 1; n <= DEVICES; n++) {
        translated += vf_client_access(g->c, n - 1, NULL) == VF_ACCESS_S1;
    }
    g_assert_cmpuint(translated, >, 0);
    g_assert_cmpuint(translated, <, DEVICES - 1);
    vs_queue(g, cfgi, cfgi == VS_CMD_CFGI_STE_RANGE ? VS_RANGE_ALL : 1);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_ring(g);
    vf_client_clear_rules(g->c);
    g->c->shared->ioctl_ns = 0;
    qtest_qmp_assert_success(g->qts, "{'execute': 'cont'}");
    wait_past_error(g);
    qtest_clock_step(g->qts, QUIET);
    for (unsigned int n = 1; n <= DEVICES; n++) {
        vs_assert_s1(g, n - 1, SID(n), VS_STE0_DEFAULT,
                     VS_STE1_DEFAULT | EATS);
    }
    g_free(vg_end(g));
}

static void unstoppable(VfGuest *g)
{
    vf_client_rule(g->c, VF_OP_ATTACH, 1, 1000, EBUSY);
    vf_client_rule(g->c, VF_OP_DETACH, 1, 1000, EBUSY);
}

/*
 * The caches are stale, and the devices could not be stopped for it. When the
 * host is well again, the ATC of one of them is the one thing that fails.
 */
static void test_recovered(const void *opaque)
{
    bool by_register = *(const bool *)opaque;
    VfGuest *g = by_register ? vs_start_ats(1, EATS) : start();

    unstoppable(g);
    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, by_register ? 2 : 1000, EIO);
    vs_queue_va(g, 1);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    g_assert_true(vs_has_error(g));
    vs_assert_listed(g, 1, "translate", "stale-caches", "failed");
    if (!by_register) {
        vs_acknowledge(g);
    }
    g->c->shared->device[0].atc_dead = true;
    vf_client_clear_rules(g->c);
    if (by_register) {
        vs_gbpa(g, false);
        vs_assert_listed(g, 1, "abort", "atc-invalidation", "ATC");
        vs_acknowledge(g);
    }
    qtest_clock_step(g->qts, QUIET);
    g_assert_true(vs_done(g));
    vs_assert_listed(g, 1, "abort", "atc-invalidation", "ATC");
    for (unsigned int n = 2; !by_register && n <= DEVICES; n++) {
        vs_assert_listed(g, n, "translate", "none", NULL);
    }
    g_free(vg_end(g));
}

/* CR0ACK (IHI0070, 6.3.10) */

/*
 * The SMMU is disabled or enabled while the host can give a device neither the
 * new path nor stop it: the guest must not take the old one for ended.
 */
static void test_acknowledge(const void *opaque)
{
    bool on = *(const bool *)opaque;
    VfGuest *g = vs_start_ats(2, 0);

    vs_gbpa(g, on);
    if (on) {
        vs_enable(g, false);
        vs_gbpa(g, false);
    }
    assert_access(g, 1, on ? VF_ACCESS_BYPASS : VF_ACCESS_S1);
    g_assert_true(vs_acknowledged(g));
    unstoppable(g);
    vs_begin_enable(g, on);
    assert_access(g, 1, on ? VF_ACCESS_BYPASS : VF_ACCESS_S1);
    g_assert_false(vs_acknowledged(g));
    /* Neither time nor other registers nor the same value make it true */
    vs_begin_enable(g, on);
    vs_begin_gbpa(g, false);
    qtest_clock_step(g->qts, SECOND);
    g_assert_false(vs_acknowledged(g));
    vf_client_clear_rules(g->c);
    qtest_clock_step(g->qts, QUIET);
    g_assert_true(vs_acknowledged(g));
    assert_access(g, 1, on ? VF_ACCESS_S1 : VF_ACCESS_BYPASS);
    assert_access(g, 2, on ? VF_ACCESS_S1 : VF_ACCESS_BYPASS);
    g_free(vg_end(g));
}

/* The guest takes its wish back, or the device is unplugged */
static void test_acknowledge_back(void)
{
    VfGuest *g = vs_start_ats(2, 0);

    unstoppable(g);
    vs_begin_enable(g, false);
    g_assert_false(vs_acknowledged(g));
    vs_enable(g, true);
    g_assert_true(vs_acknowledged(g));
    vs_begin_enable(g, false);
    g_assert_false(vs_acknowledged(g));
    vf_client_clear_rules(g->c);
    vg_system_reset(g);
    g_assert_true(vs_acknowledged(g));
    g_free(vg_end(g));
}

/* What ends the wait */
typedef enum Ending { BY_SYNC, BY_NUMBER, BY_QEMU } Ending;

/*
 * The device takes the new path in another way than by the timer or a register
 * write: the guest is told all the same, at once or when the timer is due.
 */
static void test_acknowledge_end(const void *opaque)
{
    Ending ending = *(const Ending *)opaque;
    VfGuest *g = start();

    unstoppable(g);
    vs_begin_enable(g, false);
    g_assert_false(vs_acknowledged(g));
    vf_client_clear_rules(g->c);
    switch (ending) {
    case BY_SYNC:
        vs_sync(g);
        break;
    case BY_NUMBER:
        vg_config_writel(g, 0, 1 << 3, PCI_PRIMARY_BUS, 20 << 8 | 20 << 16);
        break;
    case BY_QEMU:
        vg_exec(g, NULL);
        break;
    }
    qtest_clock_step(g->qts, QUIET);
    g_assert_true(vs_acknowledged(g));
    for (unsigned int n = 1; n <= DEVICES; n++) {
        assert_access(g, n, VF_ACCESS_BYPASS);
    }
    g_free(vg_end(g));
}

/* A guest that another QEMU can take over, and that translates for a device */
static VfGuest *start_empty(void)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, 1, 0);
    VfGuest *g;

    c->shared->device[0].phys[PCI_INTERRUPT_PIN] = 0;
    g = vg_start(c, "%s " VG_SHARED_RAM, options);
    vg_ports(g, 1);
    vs_setup(g, VS_LINEAR);
    vs_write_ste(g, VS_LINEAR, SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    vs_enable(g, true);
    return g;
}

/* A new QEMU that has no device yet knows what was acknowledged */
static void test_acknowledge_later(void)
{
    VfGuest *g = start_empty();

    vg_transfer(g);
    g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    assert_access(g, 1, VF_ACCESS_S1);
    unstoppable(g);
    vs_begin_enable(g, false);
    assert_access(g, 1, VF_ACCESS_S1);
    g_assert_false(vs_acknowledged(g));
    vf_client_clear_rules(g->c);
    qtest_clock_step(g->qts, QUIET);
    g_assert_true(vs_acknowledged(g));
    g_free(vg_end(g));
}

/*
 * Stale caches are mended by the way, when another device comes. The first one
 * does DMA by its old STE still.
 */
static void test_acknowledge_stale(void)
{
    VfGuest *g = vs_start(2, 1);

    vs_setup(g, VS_LINEAR);
    vs_translate_all(g, 2, 0);
    vs_gbpa(g, true);
    unstoppable(g);
    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 100000, EIO);
    vs_queue_va(g, 1);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_ring(g);
    vg_settle(g);
    vs_acknowledge(g);
    vs_begin_enable(g, false);
    vs_assert_listed(g, 1, "translate", "stale-caches", "");
    vf_client_clear_rules(g->c);
    g_assert_cmpstr(vg_device_add(g, 1, "d2", 2, ""), ==, NULL);
    vg_device_del(g, "d2", 2);
    g_assert_true(vs_acknowledged(g) ==
                  (vf_client_access(g->c, 0, NULL) == VF_ACCESS_ABORT));
    qtest_clock_step(g->qts, QUIET);
    g_assert_true(vs_acknowledged(g));
    assert_access(g, 1, VF_ACCESS_ABORT);
    g_free(vg_end(g));
}

/* GBPA.UPDATE stays set as long (IHI0070, 6.3.14) */
static void test_update(void)
{
    VfGuest *g = vs_start(1, 1);

    vs_setup(g, VS_LINEAR);
    assert_access(g, 1, VF_ACCESS_BYPASS);
    unstoppable(g);
    vs_begin_gbpa(g, true);
    g_assert_cmphex(vs_readl(g, VS_GBPA) & VS_GBPA_UPDATE, ==, VS_GBPA_UPDATE);
    qtest_clock_step(g->qts, SECOND);
    g_assert_cmphex(vs_readl(g, VS_GBPA) & VS_GBPA_UPDATE, ==, VS_GBPA_UPDATE);
    vf_client_clear_rules(g->c);
    qtest_clock_step(g->qts, QUIET);
    g_assert_cmphex(vs_readl(g, VS_GBPA), ==, VS_GBPA_ABORT |
                    (vs_readl(g, VS_GBPA) & ~(VS_GBPA_UPDATE | VS_GBPA_ABORT)));
    g_assert_cmphex(vs_readl(g, VS_GBPA) & VS_GBPA_UPDATE, ==, 0);
    assert_access(g, 1, VF_ACCESS_ABORT);
    g_free(vg_end(g));
}

/*
 * The device that the guest waits for is unplugged while the virtual machine
 * stands still, and another QEMU may take over then.
 */
static void test_acknowledge_unplug(const void *opaque)
{
    bool transfer = *(const bool *)opaque;
    VfGuest *g = start_empty();

    g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    assert_access(g, 1, VF_ACCESS_S1);
    unstoppable(g);
    vs_begin_enable(g, false);
    g_assert_false(vs_acknowledged(g));
    qtest_qmp_assert_success(g->qts, "{'execute': 'stop'}");
    vf_client_clear_rules(g->c);
    vg_device_del(g, "d1", 1);
    g_assert_false(vs_acknowledged(g));
    if (transfer) {
        vg_transfer(g);
    }
    qtest_qmp_assert_success(g->qts, "{'execute': 'cont'}");
    qtest_clock_step(g->qts, QUIET);
    g_assert_true(vs_acknowledged(g));
    g_assert_cmphex(vs_readl(g, VS_GBPA) & VS_GBPA_UPDATE, ==, 0);
    g_free(vg_end(g));
}

/* The same for GBPA alone */
static void test_update_unplug(void)
{
    VfGuest *g = vs_start(1, 1);

    vs_setup(g, VS_LINEAR);
    unstoppable(g);
    vs_begin_gbpa(g, true);
    qtest_qmp_assert_success(g->qts, "{'execute': 'stop'}");
    vf_client_clear_rules(g->c);
    vg_device_del(g, "d1", 1);
    g_assert_cmphex(vs_readl(g, VS_GBPA) & VS_GBPA_UPDATE, ==, VS_GBPA_UPDATE);
    qtest_qmp_assert_success(g->qts, "{'execute': 'cont'}");
    qtest_clock_step(g->qts, QUIET);
    g_assert_cmphex(vs_readl(g, VS_GBPA) & VS_GBPA_UPDATE, ==, 0);
    g_free(vg_end(g));
}

int main(int argc, char **argv)
{
    static const Ending by_sync = BY_SYNC, by_number = BY_NUMBER,
                        by_qemu = BY_QEMU;
    static const bool on[] = { false, true };
    static const unsigned int turns[] = { 0, 1 };
    static const uint64_t one = VS_CMD_CFGI_STE | HI(1);
    static const uint64_t all = VS_CMD_CFGI_STE_RANGE;

    g_test_init(&argc, &argv, NULL);

    qtest_add_func("smmuv3-accel/dead/each", test_each);
    qtest_add_func("smmuv3-accel/dead/no-sync", test_no_sync);
    qtest_add_func("smmuv3-accel/dead/long-queue", test_long_queue);
    qtest_add_func("smmuv3-accel/dead/reset", test_reset);
    qtest_add_func("smmuv3-accel/dead/unplug", test_unplug);
    qtest_add_func("smmuv3-accel/dead/transfer", test_transfer);
    qtest_add_func("smmuv3-accel/dead/rearm", test_rearm);
    vg_add_test("smmuv3-accel/dead/other", "idle", &on[0], test_other);
    vg_add_test("smmuv3-accel/dead/other", "used", &on[1], test_other);
    qtest_add_func("smmuv3-accel/dead/batch", test_batch);
    qtest_add_func("smmuv3-accel/dead/together", test_together);
    qtest_add_func("smmuv3-accel/dead/first", test_first);
    qtest_add_func("smmuv3-accel/dead/reset/again", test_reset_again);
    vg_add_test("smmuv3-accel/dead/recovered", "timer", &on[0],
                test_recovered);
    vg_add_test("smmuv3-accel/dead/recovered", "register", &on[1],
                test_recovered);
    vg_add_test("smmuv3-accel/dead/turns", "first", &turns[0], test_turns);
    vg_add_test("smmuv3-accel/dead/turns", "second", &turns[1], test_turns);
    vg_add_test("smmuv3-accel/dead/named", "one", &one, test_named);
    vg_add_test("smmuv3-accel/dead/named", "all", &all, test_named);
    vg_add_test("smmuv3-accel/dead/acknowledge", "disable", &on[0],
                test_acknowledge);
    vg_add_test("smmuv3-accel/dead/acknowledge", "enable", &on[1],
                test_acknowledge);
    qtest_add_func("smmuv3-accel/dead/acknowledge/back",
                   test_acknowledge_back);
    vg_add_test("smmuv3-accel/dead/acknowledge", "sync", &by_sync,
                test_acknowledge_end);
    vg_add_test("smmuv3-accel/dead/acknowledge", "number", &by_number,
                test_acknowledge_end);
    vg_add_test("smmuv3-accel/dead/acknowledge", "cpr", &by_qemu,
                test_acknowledge_end);
    qtest_add_func("smmuv3-accel/dead/acknowledge/later",
                   test_acknowledge_later);
    qtest_add_func("smmuv3-accel/dead/acknowledge/stale",
                   test_acknowledge_stale);
    qtest_add_func("smmuv3-accel/dead/update", test_update);
    qtest_add_func("smmuv3-accel/dead/update/unplug", test_update_unplug);
    vg_add_test("smmuv3-accel/dead/acknowledge/unplug", "stopped", &on[0],
                test_acknowledge_unplug);
    vg_add_test("smmuv3-accel/dead/acknowledge/unplug", "transfer", &on[1],
                test_acknowledge_unplug);
    return g_test_run();
}
