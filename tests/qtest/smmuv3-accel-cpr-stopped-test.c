/*
 * QTest of the accelerated SMMUv3: devices that are stopped during CPR
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The host had failed when a new QEMU takes the guest over. What was stopped
 * stays so as long as it would have in the old one, the guest is told nothing
 * twice, and the user is told what is known.
 */

#include "qemu/osdep.h"

#include <linux/pci_regs.h>

#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "vfio-guest/smmu.h"

#define SID(n)      VS_SID(n)
#define HI(n)       ((uint64_t)SID(n) << 32)
#define EATS        VS_STE1_EATS(VS_EATS_FULL)

#define SECOND      1000000000ll

static VfGuest *start(unsigned int devices, uint64_t eats)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, devices, devices);
    VfGuest *g;

    for (unsigned int i = 0; i < devices; i++) {
        /* VFIO hands interrupts over by way of KVM only */
        c->shared->device[i].phys[PCI_INTERRUPT_PIN] = 0;
    }
    g = vg_start(c, "%s -global arm-smmuv3.ats=on " VG_SHARED_RAM, options);
    vg_ports(g, devices);
    vs_setup(g, VS_LINEAR);
    vs_translate_all(g, devices, eats);
    return g;
}

/* State of a new QEMU before it knows what it takes over */
static void look(VfGuest *g)
{
    QDict *state = vg_qom_get_struct(g, "/machine/peripheral/smmu",
                                     "x-accel-state");
    const QListEntry *entry;
    unsigned int found = 0;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(state, "devices"), entry) {
        const QDict *d = qobject_to(QDict, qlist_entry_obj(entry));

        g_assert_cmpstr(qdict_get_str(d, "attached-to"), ==, "unknown");
        g_assert_false(qdict_get_bool(d, "stopped"));
        g_assert_cmpstr(qdict_get_str(d, "reason"), ==, "none");
        found++;
    }
    g_assert_cmpuint(found, ==, 2);
    qobject_unref(state);
}

/* A device that answers no ATC invalidation, beside one that is translated */
static void test_atc(const void *opaque)
{
    const VgNext next = { .look = look };
    VfGuest *g = start(2, EATS);
    VfClient *c = g->c;
    uint32_t since;

    c->shared->device[0].atc_dead = true;
    vs_queue(g, VS_CMD_ATC_INV | HI(1), VS_ATC_SIZE_ALL);
    vs_sync(g);
    vs_assert_listed(g, 1, "abort", "atc-invalidation", "ATC");
    for (int i = 0; i < 2; i++) {
        since = c->shared->log_len;
        if (opaque) {
            vg_transfer_to(g, &next);
        } else {
            vg_exec(g, NULL);
        }
        g_assert_cmpuint(vf_client_count(c, VF_OP_ATTACH, since), ==, 0);
        vs_assert_listed(g, 1, "abort", "atc-invalidation",
                         "ATC");
        vs_assert_listed(g, 2, "translate", "none", NULL);
        /* It is in the way of nobody */
        vs_queue(g, VS_CMD_ATC_INV | HI(1), VS_ATC_SIZE_ALL);
        vs_queue(g, VS_CMD_ATC_INV | HI(2), VS_ATC_SIZE_ALL);
        vs_sync(g);
        g_assert_cmpuint(vf_client_refused(c, VF_OP_HWPT_INVALIDATE, since),
                         ==, 0);
    }
    c->shared->device[0].atc_dead = false;
    vs_cfgi_ste(g, SID(1));
    vs_assert_s1(g, 0, SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT | EATS);
    vs_assert_listed(g, 1, "translate", "none", NULL);
    vg_device_del(g, "d1", 1);
    vg_device_del(g, "d2", 2);
    vf_client_assert_clean(c);
    g_free(vg_end(g));
}

/* The guest has named all devices when a new QEMU takes over in the midst */
static void test_marked(void)
{
    VfGuest *g = start(2, EATS);
    VfClient *c = g->c;

    c->shared->device[0].atc_dead = true;
    vs_queue(g, VS_CMD_ATC_INV | HI(1), VS_ATC_SIZE_ALL);
    vs_sync(g);
    vs_assert_listed(g, 1, "abort", "atc-invalidation", "ATC");
    c->shared->device[0].atc_dead = false;
    /* The queue goes on in the new one: a slice ends behind CFGI_ALL */
    qtest_qmp_assert_success(g->qts, "{'execute': 'stop'}");
    vs_set_slice(g, 1);
    vs_queue(g, VS_CMD_CFGI_STE_RANGE, VS_RANGE_ALL);
    for (unsigned int n = 0; n < 300; n++) {
        vs_queue_va(g, n);
    }
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_ring(g);
    g_assert_false(vs_done(g));
    vg_transfer(g);
    qtest_qmp_assert_success(g->qts, "{'execute': 'cont'}");
    vs_wait(g);
    g_assert_true(vs_done(g));
    vs_assert_s1(g, 0, SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT | EATS);
    g_free(vg_end(g));
}

/* The guest gets one error for one outage, however many QEMUs that sees */
static void test_told(const void *opaque)
{
    bool unstoppable = *(const bool *)opaque;
    VfGuest *g = start(2, 0);
    VfClient *c = g->c;

    vf_client_rule(c, VF_OP_HWPT_INVALIDATE, 1, 100000, ETIMEDOUT);
    if (unstoppable) {
        vf_client_rule(c, VF_OP_ATTACH, 1, 100000, EBUSY);
        vf_client_rule(c, VF_OP_DETACH, 1, 100000, EBUSY);
    }
    vs_queue_va(g, 1);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    g_assert_true(vs_has_error(g));
    vs_acknowledge(g);
    vg_settle(g);
    g_assert_false(vs_has_error(g));
    g_assert_cmpint(vs_done(g), ==, !unstoppable);
    for (int i = 0; i < 2; i++) {
        if (i) {
            vg_transfer(g);
        } else {
            vg_exec(g, NULL);
        }
        if (!unstoppable) {
            vs_queue(g, VS_CMD_SYNC, 0);
            vs_ring(g);
        }
        vg_settle(g);
        g_assert_false(vs_has_error(g));
        vs_assert_listed(g, 1, unstoppable ? "translate" : "abort",
                         "stale-caches", "failed");
    }
    vf_client_clear_rules(c);
    for (int i = 0; i < 10; i++) {
        qtest_clock_step(g->qts, 10 * SECOND);
    }
    g_assert_false(vs_has_error(g));
    g_assert_true(vs_done(g));
    vs_assert_listed(g, 1, "translate", "none", NULL);
    vs_assert_listed(g, 2, "translate", "none", NULL);
    /* The next outage is another one */
    vf_client_rule(c, VF_OP_HWPT_INVALIDATE, 1, 100000, ETIMEDOUT);
    vs_queue_va(g, 1);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    g_assert_true(vs_has_error(g));
    g_free(vg_end(g));
}

int main(int argc, char **argv)
{
    static const bool unstoppable[] = { false, true };

    g_test_init(&argc, &argv, NULL);

    vg_add_test("smmuv3-accel/cpr-stopped/atc", "exec", NULL, test_atc);
    vg_add_test("smmuv3-accel/cpr-stopped/atc", "transfer", "", test_atc);
    vg_add_test("smmuv3-accel/cpr-stopped/told", "stopped", &unstoppable[0],
                test_told);
    vg_add_test("smmuv3-accel/cpr-stopped/told", "unstoppable",
                &unstoppable[1], test_told);
    qtest_add_func("smmuv3-accel/cpr-stopped/marked", test_marked);
    return g_test_run();
}
