/*
 * QTest of the accelerated SMMUv3: the host fails
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each ioctl of a working sequence fails once. Whichever fails, QEMU has to
 * stay alive and to leave no object in the host, and no device may get more
 * access than its STE gives it.
 */

#include "qemu/osdep.h"

#include "vfio-guest/smmu.h"

#define SID(n)  VS_SID(n)

static VfGuest *start_empty(void)
{
    VfGuest *g = vs_start(2, 0);

    vs_setup(g, VS_LINEAR);
    return g;
}

/* Plugging: kinds of calls, each of them failed one after the other */
static const VfOp plug_ops[] = {
    VF_OP_BIND, VF_OP_IOAS_ALLOC, VF_OP_GET_HW_INFO, VF_OP_HWPT_ALLOC,
    VF_OP_ATTACH, VF_OP_IOAS_MAP, VF_OP_GET_INFO, VF_OP_VIOMMU_ALLOC,
    VF_OP_VDEVICE_ALLOC, VF_OP_VEVENTQ_ALLOC, VF_OP_GET_REGION_INFO,
};

static void test_plug(const void *opaque)
{
    const VsState *t = opaque;
    VfGuest *g = start_empty();
    VfClient *c = g->c;
    unsigned int sites = 0;

    vs_set_state(g, t, 1);
    for (int op = 0; op < ARRAY_SIZE(plug_ops); op++) {
        for (unsigned int nth = 1; ; nth++) {
            VfRule *rule = vf_client_rule(c, plug_ops[op], nth, 1, ENOMEM);
            g_autofree gchar *err = vg_device_add(g, 0, "d1", 1, "");
            bool failed = rule->seen >= nth;

            vf_client_clear_rules(c);
            if (!err) {
                vf_client_assert_at_most(c, 0, t->access);
                vg_device_del(g, "d1", 1);
            }
            vf_client_assert_clean(c);
            if (!failed) {
                break;
            }
            sites++;
        }
    }
    g_assert_cmpuint(sites, >=, ARRAY_SIZE(plug_ops) - 1);
    g_test_message("%u calls failed once", sites);
    g_free(vg_end(g));
}

/* A second device: the first one must not notice */
static void test_plug_second(void)
{
    const VsState *t = &vs_states[VS_TRANSLATE];
    VfGuest *g = start_empty();
    VfClient *c = g->c;

    vs_set_state(g, t, 1);
    vs_set_state(g, t, 2);
    g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    for (int op = 0; op < ARRAY_SIZE(plug_ops); op++) {
        g_autofree gchar *err = NULL;

        vf_client_rule(c, plug_ops[op], 1, 1, ENOMEM);
        err = vg_device_add(g, 1, "d2", 2, "");
        vf_client_clear_rules(c);
        if (!err) {
            vf_client_assert_at_most(c, 1, VF_ACCESS_S1);
            vg_device_del(g, "d2", 2);
        }
        g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    }
    g_assert_cmpstr(vg_device_add(g, 1, "d2", 2, ""), ==, NULL);
    g_assert_cmpint(vf_client_access(c, 1, NULL), ==, VF_ACCESS_S1);
    /* First plugged, first unplugged */
    vg_device_del(g, "d1", 1);
    g_assert_cmpint(vf_client_access(c, 1, NULL), ==, VF_ACCESS_S1);
    vg_device_del(g, "d2", 2);
    vf_client_assert_clean(c);
    g_free(vg_end(g));
}

/* Changes of the guest's, from one access to another */
typedef struct Change {
    const char *name;
    VsStateIndex from;
    VsStateIndex to;
} Change;

static const Change changes[] = {
    { .name = "off-to-s1", .from = VS_OFF_BYPASS, .to = VS_TRANSLATE },
    { .name = "off-to-abort", .from = VS_OFF_BYPASS, .to = VS_INVALID },
    { .name = "bypass-to-s1", .from = VS_BYPASS, .to = VS_TRANSLATE },
    { .name = "s1-to-bypass", .from = VS_TRANSLATE, .to = VS_BYPASS },
    { .name = "s1-to-off", .from = VS_TRANSLATE, .to = VS_OFF_BYPASS },
    { .name = "bypass-to-abort", .from = VS_BYPASS, .to = VS_INVALID },
    { .name = "s1-to-abort", .from = VS_TRANSLATE, .to = VS_INVALID },
    { .name = "abort-to-s1", .from = VS_INVALID, .to = VS_TRANSLATE },
};

static const VfOp change_ops[] = {
    VF_OP_HWPT_ALLOC, VF_OP_VDEVICE_ALLOC, VF_OP_ATTACH, VF_OP_DESTROY,
};

static void test_change(const void *opaque)
{
    const Change *t = opaque;
    const VsState *from = &vs_states[t->from];
    const VsState *to = &vs_states[t->to];

    for (int op = 0; op < ARRAY_SIZE(change_ops); op++) {
        /* Once, and from then on always: fallbacks have to fail, too */
        for (int count = 1; count <= 1000; count += 999) {
            VfGuest *g = start_empty();
            VfClient *c = g->c;
            VfAccess access;
            VfRule *rule;
            bool failed;

            vs_set_state(g, from, 1);
            g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
            g_assert_cmpint(vf_client_access(c, 0, NULL), ==, from->access);
            rule = vf_client_rule(c, change_ops[op], 1, count, ENOMEM);
            vs_set_state(g, to, 1);
            failed = rule->seen;
            vf_client_clear_rules(c);
            access = vf_client_access(c, 0, NULL);
            if (change_ops[op] == VF_OP_DESTROY || !failed) {
                g_assert_cmpint(access, ==, to->access);
            } else {
                vf_client_assert_at_most(c, 0, to->access);
            }

            /* When the host works again, the device gets its access */
            vs_set_state(g, to, 1);
            g_assert_cmpint(vf_client_access(c, 0, NULL), ==, to->access);
            vg_device_del(g, "d1", 1);
            if (change_ops[op] != VF_OP_DESTROY) {
                vf_client_assert_clean(c);
            }
            g_free(vg_end(g));
        }
    }
}

/* An access that is taken away fails to go: then nothing else is left */
static void test_detach_is_last(void)
{
    VfGuest *g = start_empty();
    VfClient *c = g->c;
    VfAccess access;

    vs_set_state(g, &vs_states[VS_BYPASS], 1);
    g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    vf_client_rule(c, VF_OP_ATTACH, 1, 1000, EIO);
    vs_write_ste(g, VS_LINEAR, SID(1), VS_STE0_V, 0);
    vs_cfgi_ste(g, SID(1));
    access = vf_client_access(c, 0, NULL);
    g_assert_cmpint(access, ==, VF_ACCESS_NONE);
    vf_client_clear_rules(c);
    g_free(vg_end(g));
}

/* A host without queues for events: the device works, the guest sees none */
static void test_no_veventq(void)
{
    VfGuest *g = start_empty();
    VfClient *c = g->c;
    g_autofree gchar *err = NULL;

    vf_client_rule(c, VF_OP_VEVENTQ_ALLOC, 1, 1, ENOTTY);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    err = vg_device_add(g, 0, "d1", 1, "");
    vf_client_clear_rules(c);
    g_assert_cmpstr(err, ==, NULL);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    g_free(vg_end(g));
}

/* Reset of the machine with a host that does not attach */
static void test_reset(void)
{
    VfGuest *g = start_empty();
    VfClient *c = g->c;

    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    vf_client_rule(c, VF_OP_ATTACH, 1, 1, EIO);
    vg_system_reset(g);
    vf_client_clear_rules(c);
    vf_client_assert_at_most(c, 0, VF_ACCESS_BYPASS);
    vg_system_reset(g);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_BYPASS);
    g_free(vg_end(g));
}

static void test_cold_unplug(void)
{
    VfGuest *g = vs_start(2, 2);
    VfClient *c = g->c;

    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 2);
    /* One set of shared objects, and the objects of each device */
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_IOAS), ==, 1);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_HWPT_PAGING), ==, 1);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_VIOMMU), ==, 1);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_VDEVICE), ==, 2);
    vg_device_del(g, "d1", 1);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_VDEVICE), ==, 1);
    vg_device_del(g, "d2", 2);
    vf_client_assert_clean(c);
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < VS_STATES; i++) {
        /* smmuv3-accel-sweep-test plugs into that one, with every errno */
        if (i != VS_TRANSLATE) {
            vg_add_test("smmuv3-accel/fail/plug", vs_states[i].name,
                        &vs_states[i], test_plug);
        }
    }
    qtest_add_func("smmuv3-accel/fail/plug-second", test_plug_second);
    for (int i = 0; i < ARRAY_SIZE(changes); i++) {
        vg_add_test("smmuv3-accel/fail/change", changes[i].name, &changes[i],
                    test_change);
    }
    qtest_add_func("smmuv3-accel/fail/detach-is-last", test_detach_is_last);
    qtest_add_func("smmuv3-accel/fail/no-veventq", test_no_veventq);
    qtest_add_func("smmuv3-accel/fail/reset", test_reset);
    qtest_add_func("smmuv3-accel/unplug", test_cold_unplug);
    return g_test_run();
}
