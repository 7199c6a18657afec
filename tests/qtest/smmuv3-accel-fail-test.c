/*
 * QTest of the accelerated SMMUv3: the host fails
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each call to the fake host that a working chain makes is made to fail once.
 * Whatever fails, QEMU stays alive, leaves nothing behind in the host, and no
 * device gets more access than its stream table entry gives it.
 */

#include "qemu/osdep.h"

#include "vfio-fake/smmu.h"

#define SSID16 "-device arm-smmuv3,primary-bus=pcie.0,accel=on,ssidsize=16 "
#define DEVICE(n) "-device vfio-pci,iommufd=i0,fd=%d,id=d" #n ",bus=rp" #n " "

#define SID(n)  VS_SID(n)

#define STE0_S1 (VS_STE0_V | VS_STE0_S1 | VS_CDTAB)
#define STE1_S1 (VS_STE1_S1CIR(1) | VS_STE1_S1COR(1) | VS_STE1_S1CSH(3))
#define STE0_BYPASS (VS_STE0_V | VS_STE0_BYPASS)

static void assert_nothing_left(VfClient *c)
{
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        g_assert_cmpuint(c->shared->object[i].type, ==, VF_OBJ_FREE);
    }
    for (int i = 0; i < VF_MAX_MAPS; i++) {
        g_assert_cmpuint(c->shared->map[i].ioas, ==, 0);
    }
    for (int i = 0; i < VF_MAX_EVENTQ; i++) {
        g_assert_cmpuint(c->shared->eventq[i].used, ==, 0);
    }
}

static VfGuest *start_empty(void)
{
    VfClient *c = vf_client_new();
    VfGuest *g;

    vf_client_add_device(c);
    vf_client_add_device(c);
    g = vg_start(c, VG_MACHINE SSID16 VG_IOMMUFD VG_PORT(1) VG_PORT(2), "",
                 c->iommufd);
    vg_ports(g, 2);
    vs_setup(g, VS_LINEAR);
    return g;
}

static void end(VfGuest *g)
{
    VfClient *c = g->c;
    g_autofree gchar *text = vg_quit(g);

    vf_client_free(c);
}

/* Plugging: kinds of calls, each of them failed one after the other */
static const VfOp plug_ops[] = {
    VF_OP_BIND, VF_OP_IOAS_ALLOC, VF_OP_GET_HW_INFO, VF_OP_HWPT_ALLOC,
    VF_OP_ATTACH, VF_OP_IOAS_MAP, VF_OP_GET_INFO, VF_OP_VIOMMU_ALLOC,
    VF_OP_VDEVICE_ALLOC, VF_OP_VEVENTQ_ALLOC, VF_OP_GET_REGION_INFO,
};

typedef struct Tables {
    const char *name;
    bool enabled;
    uint64_t word[2];
    VfAccess access;            /* what the device may have at most */
} Tables;

static const Tables tables[] = {
    { "off", false, { 0 }, VF_ACCESS_BYPASS },
    { "bypass", true, { STE0_BYPASS }, VF_ACCESS_BYPASS },
    { "s1", true, { STE0_S1, STE1_S1 }, VF_ACCESS_S1 },
    { "abort", true, { VS_STE0_V }, VF_ACCESS_ABORT },
};

/* None and abort are always right, the stage 2 itself never is */
static void assert_at_most(VfClient *c, unsigned int dev, VfAccess most)
{
    VfAccess access = vf_client_access(c, dev, NULL);

    g_assert(access == VF_ACCESS_NONE || access == VF_ACCESS_ABORT ||
             access == most);
}

static void set_tables(VfGuest *g, const Tables *t, unsigned int port)
{
    vs_write_ste(g, VS_LINEAR, SID(port), t->word[0], t->word[1]);
    vs_enable(g, t->enabled);
}

static void test_plug(const void *opaque)
{
    const Tables *t = opaque;
    VfGuest *g = start_empty();
    VfClient *c = g->c;
    unsigned int sites = 0;

    set_tables(g, t, 1);
    for (int op = 0; op < ARRAY_SIZE(plug_ops); op++) {
        for (unsigned int nth = 1; ; nth++) {
            VfRule *rule = vf_client_rule(c, plug_ops[op], nth, 1, ENOMEM);
            g_autofree gchar *err = vg_device_add(g, 0, "d1", 1, "");
            bool failed = rule->seen >= nth;

            vf_client_clear_rules(c);
            if (!err) {
                assert_at_most(c, 0, t->access);
                vg_device_del(g, "d1", 1);
            }
            assert_nothing_left(c);
            if (!failed) {
                break;
            }
            sites++;
        }
    }
    g_assert_cmpuint(sites, >=, ARRAY_SIZE(plug_ops) - 1);
    g_test_message("%u calls failed once", sites);
    end(g);
}

/* A second device: the first one must not notice */
static void test_plug_second(void)
{
    const Tables *t = &tables[2];
    VfGuest *g = start_empty();
    VfClient *c = g->c;

    set_tables(g, t, 1);
    set_tables(g, t, 2);
    g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    for (int op = 0; op < ARRAY_SIZE(plug_ops); op++) {
        g_autofree gchar *err = NULL;

        vf_client_rule(c, plug_ops[op], 1, 1, ENOMEM);
        err = vg_device_add(g, 1, "d2", 2, "");
        vf_client_clear_rules(c);
        if (!err) {
            assert_at_most(c, 1, VF_ACCESS_S1);
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
    assert_nothing_left(c);
    end(g);
}

/* Changes of the guest's, from one access to another */
typedef struct Change {
    const char *name;
    const Tables *from;
    const Tables *to;
} Change;

static const Change changes[] = {
    { "off-to-s1", &tables[0], &tables[2] },
    { "off-to-abort", &tables[0], &tables[3] },
    { "bypass-to-s1", &tables[1], &tables[2] },
    { "s1-to-bypass", &tables[2], &tables[1] },
    { "s1-to-off", &tables[2], &tables[0] },
    { "bypass-to-abort", &tables[1], &tables[3] },
    { "s1-to-abort", &tables[2], &tables[3] },
    { "abort-to-s1", &tables[3], &tables[2] },
};

static const VfOp change_ops[] = {
    VF_OP_HWPT_ALLOC, VF_OP_VDEVICE_ALLOC, VF_OP_ATTACH, VF_OP_DESTROY,
};

static void test_change(const void *opaque)
{
    const Change *t = opaque;

    for (int op = 0; op < ARRAY_SIZE(change_ops); op++) {
        /* Once, and from then on always: fallbacks have to fail, too */
        for (int count = 1; count <= 1000; count += 999) {
            VfGuest *g = start_empty();
            VfClient *c = g->c;
            VfAccess access;
            VfRule *rule;
            bool failed;

            set_tables(g, t->from, 1);
            g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
            g_assert_cmpint(vf_client_access(c, 0, NULL), ==,
                            t->from->access);
            rule = vf_client_rule(c, change_ops[op], 1, count, ENOMEM);
            set_tables(g, t->to, 1);
            vs_cfgi_ste(g, SID(1));
            failed = rule->seen;
            vf_client_clear_rules(c);
            access = vf_client_access(c, 0, NULL);
            if (change_ops[op] == VF_OP_DESTROY || !failed) {
                g_assert_cmpint(access, ==, t->to->access);
            } else {
                assert_at_most(c, 0, t->to->access);
            }

            /* When the host can again, the guest gets what it asks for */
            vs_cfgi_ste(g, SID(1));
            set_tables(g, t->to, 1);
            g_assert_cmpint(vf_client_access(c, 0, NULL), ==, t->to->access);
            vg_device_del(g, "d1", 1);
            if (change_ops[op] != VF_OP_DESTROY) {
                assert_nothing_left(c);
            }
            end(g);
        }
    }
}

/* An access that is taken away fails to go: then nothing else is left */
static void test_detach_is_last(void)
{
    VfGuest *g = start_empty();
    VfClient *c = g->c;
    VfAccess access;

    set_tables(g, &tables[1], 1);
    g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    vf_client_rule(c, VF_OP_ATTACH, 1, 1000, EIO);
    vs_write_ste(g, VS_LINEAR, SID(1), VS_STE0_V, 0);
    vs_cfgi_ste(g, SID(1));
    access = vf_client_access(c, 0, NULL);
    g_assert_cmpint(access, ==, VF_ACCESS_NONE);
    vf_client_clear_rules(c);
    end(g);
}

/* A host without queues for events: the device works, the guest sees none */
static void test_no_veventq(void)
{
    VfGuest *g = start_empty();
    VfClient *c = g->c;
    g_autofree gchar *err = NULL;

    vf_client_rule(c, VF_OP_VEVENTQ_ALLOC, 1, 1, ENOTTY);
    set_tables(g, &tables[2], 1);
    err = vg_device_add(g, 0, "d1", 1, "");
    vf_client_clear_rules(c);
    g_assert_cmpstr(err, ==, NULL);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    vg_device_del(g, "d1", 1);
    assert_nothing_left(c);
    end(g);
}

/* Reset of the machine with a host that does not attach */
static void test_reset(void)
{
    VfGuest *g = start_empty();
    VfClient *c = g->c;

    set_tables(g, &tables[2], 1);
    g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    vf_client_rule(c, VF_OP_ATTACH, 1, 1, EIO);
    vg_system_reset(g);
    vf_client_clear_rules(c);
    assert_at_most(c, 0, VF_ACCESS_BYPASS);
    vg_system_reset(g);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_BYPASS);
    end(g);
}

static void test_cold_unplug(void)
{
    VfClient *c = vf_client_new();
    VfGuest *g;

    vf_client_add_device(c);
    vf_client_add_device(c);
    g = vg_start(c, VG_MACHINE SSID16 VG_IOMMUFD VG_PORT(1) VG_PORT(2)
                 DEVICE(1) DEVICE(2), "", c->iommufd, c->device_fd[0],
                 c->device_fd[1]);
    vg_ports(g, 2);
    vs_setup(g, VS_LINEAR);
    set_tables(g, &tables[2], 1);
    set_tables(g, &tables[2], 2);
    /* One of everything is shared, what names a device is its own */
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_IOAS), ==, 1);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_HWPT_PAGING), ==, 1);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_VIOMMU), ==, 1);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_VDEVICE), ==, 2);
    vg_device_del(g, "d1", 1);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_VDEVICE), ==, 1);
    vg_device_del(g, "d2", 2);
    assert_nothing_left(c);
    vg_quit_silent(g);
    vf_client_free(c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(tables); i++) {
        g_autofree gchar *path = g_strdup_printf("smmuv3-accel/fail/plug/%s",
                                                 tables[i].name);

        qtest_add_data_func(path, &tables[i], test_plug);
    }
    qtest_add_func("smmuv3-accel/fail/plug-second", test_plug_second);
    for (int i = 0; i < ARRAY_SIZE(changes); i++) {
        g_autofree gchar *path = g_strdup_printf("smmuv3-accel/fail/change/%s",
                                                 changes[i].name);

        qtest_add_data_func(path, &changes[i], test_change);
    }
    qtest_add_func("smmuv3-accel/fail/detach-is-last", test_detach_is_last);
    qtest_add_func("smmuv3-accel/fail/no-veventq", test_no_veventq);
    qtest_add_func("smmuv3-accel/fail/reset", test_reset);
    qtest_add_func("smmuv3-accel/unplug", test_cold_unplug);
    return g_test_run();
}
