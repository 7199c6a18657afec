/*
 * QTest of VFIO devices that fail, and of CPR after that
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A device that could not be plugged is nothing to the next QEMU: whichever
 * call to the host has failed, the guest runs on in it, its descriptor is not
 * there, and the device can be plugged then.
 */

#include "qemu/osdep.h"

#include <linux/pci_regs.h>
#include <sys/stat.h>

#include "qobject/qdict.h"
#include "qobject/qjson.h"
#include "vfio-guest/smmu.h"

#define TOKEN      "01234567-89ab-cdef-0123-456789abcdef"

/* How many descriptors of QEMU are of the same file as @fd */
static unsigned int held(VfGuest *g, int fd)
{
    g_autofree gchar *path = g_strdup_printf("/proc/%d/fd",
                                             qtest_pid(g->qts));
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    unsigned int n = 0;
    const gchar *name;
    struct stat want;

    g_assert_nonnull(dir);
    g_assert_cmpint(fstat(fd, &want), ==, 0);
    while ((name = g_dir_read_name(dir))) {
        g_autofree gchar *file = g_build_filename(path, name, NULL);
        struct stat is;

        n += !stat(file, &is) && is.st_dev == want.st_dev &&
             is.st_ino == want.st_ino;
    }
    return n;
}

/* Every call of realize fails once */

typedef struct SweepTest {
    const char *name;
    VfOp op;
    bool legacy;                /* device of a group, with a token */
} SweepTest;

static const SweepTest sweep_tests[] = {
    { .name = "bind", .op = VF_OP_BIND },
    { .name = "ioas-alloc", .op = VF_OP_IOAS_ALLOC },
    { .name = "iova-ranges", .op = VF_OP_IOAS_IOVA_RANGES },
    { .name = "ioas-map", .op = VF_OP_IOAS_MAP },
    { .name = "hw-info", .op = VF_OP_GET_HW_INFO },
    { .name = "hwpt-alloc", .op = VF_OP_HWPT_ALLOC },
    { .name = "attach", .op = VF_OP_ATTACH },
    { .name = "viommu-alloc", .op = VF_OP_VIOMMU_ALLOC },
    { .name = "vdevice-alloc", .op = VF_OP_VDEVICE_ALLOC },
    { .name = "veventq-alloc", .op = VF_OP_VEVENTQ_ALLOC },
    { .name = "info", .op = VF_OP_GET_INFO },
    { .name = "region-info", .op = VF_OP_GET_REGION_INFO },
    { .name = "irq-info", .op = VF_OP_GET_IRQ_INFO },
    { .name = "set-irqs", .op = VF_OP_SET_IRQS },
    { .name = "feature", .op = VF_OP_FEATURE },
    { .name = "config-read", .op = VF_OP_CONFIG_READ },
    { .name = "config-write", .op = VF_OP_CONFIG_WRITE },
    { .name = "mmap", .op = VF_OP_MMAP },
    { .name = "legacy-open", .op = VF_OP_OPEN, .legacy = true },
    { .name = "legacy-group", .op = VF_OP_GROUP, .legacy = true },
    { .name = "legacy-container", .op = VF_OP_CONTAINER, .legacy = true },
    { .name = "legacy-info", .op = VF_OP_GET_INFO, .legacy = true },
    { .name = "legacy-region", .op = VF_OP_GET_REGION_INFO, .legacy = true },
    { .name = "legacy-config", .op = VF_OP_CONFIG_READ, .legacy = true },
};

static VfGuest *start(const char *viommu)
{
    VfClient *c = vf_client_new();
    VfGuest *g;

    /* VFIO hands interrupts over by way of KVM only */
    vf_client_add_device(c)->phys[PCI_INTERRUPT_PIN] = 0;
    g = vg_start(c, VG_MACHINE VG_SHARED_RAM VG_IOMMUFD "%s" VG_PORT(1), "",
                 c->iommufd, viommu);
    vg_ports(g, 1);
    return g;
}

static gchar *plug(VfGuest *g, const char *legacy)
{
    if (!legacy) {
        return vg_device_add(g, 0, "d1", 1, "");
    }
    return vg_plug(g, 1, qdict_from_jsonf_nofail(
                       "{'driver': 'vfio-pci', 'id': 'd1', 'sysfsdev': %s,"
                       " 'vf-token': '" TOKEN "'}", legacy));
}

static void test_sweep(const void *opaque)
{
    const SweepTest *t = opaque;
    VfGuest *g = start(t->legacy ? "" : VS_SSID16);
    VfClient *c = g->c;
    g_autofree gchar *dir = g_dir_make_tmp("vfio-fake-XXXXXX", NULL);
    g_autofree gchar *link = g_build_filename(dir, "iommu_group", NULL);
    unsigned int before = held(g, c->device_fd[0]);
    unsigned int sites = 0;
    bool failed = true;

    g_assert_cmpint(symlink("/sys/kernel/iommu_groups/10", link), ==, 0);
    if (!t->legacy) {
        vs_setup(g, VS_LINEAR);
        vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    }
    while (failed) {
        VfRule *rule = vf_client_rule(c, t->op, sites + 1, 1, EIO);
        g_autofree gchar *err = plug(g, t->legacy ? dir : NULL);

        failed = rule->seen > sites;
        sites += failed;
        vf_client_clear_rules(c);
        if (!err) {
            vg_device_del(g, "d1", 1);
        } else {
            g_assert(failed);
            vg_settle(g);
        }
        g_assert_cmpuint(held(g, c->device_fd[0]), ==, before);
    }
    g_assert_cmpuint(sites, >, 0);
    g_test_message("%s: %u calls", t->name, sites);
    vg_exec(g, NULL);
    g_assert_cmpuint(held(g, c->device_fd[0]), ==, before);
    g_assert_cmpstr(plug(g, t->legacy ? dir : NULL), ==, NULL);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    g_free(vg_end(g));
    unlink(link);
    rmdir(dir);
}

/* It does not get as far as to a call */

static void assert_refused(VfGuest *g, gchar *err, const char *said)
{
    vg_assert_has(err, said);
    g_free(err);
    vg_settle(g);
}

/* Returns: the name that QEMU knows the descriptor by */
static const char *pass(VfGuest *g, int fd)
{
    qtest_qmp_fds_assert_success(g->qts, &fd, 1, "{'execute': 'getfd',"
                                 " 'arguments': {'fdname': 'passed'}}");
    return "passed";
}

static void no_iommufd(VfGuest *g)
{
    const char *fd = pass(g, g->c->device_fd[1]);

    assert_refused(g, vg_plug(g, 2, qdict_from_jsonf_nofail(
                                  "{'driver': 'vfio-pci', 'id': 'd2',"
                                  " 'fd': %s}", fd)),
                   "Use FD passing only with iommufd backend");
}

static void no_mdev(VfGuest *g)
{
    assert_refused(g, vg_device_add(g, 1, "d2", 2, ",x-balloon-allowed=true"),
                   "x-balloon-allowed only potentially compatible");
}

/* Realize of vfio-pci is not even called */
static void slot_in_use(VfGuest *g)
{
    assert_refused(g, vg_device_add(g, 1, "d2", 1, ""),
                   "already occupied by vfio-pci");
}

/* A descriptor that was passed by number can be passed again */
static void number(VfGuest *g)
{
    g_autofree gchar *fd = g_strdup_printf("%d", g->c->device_fd[1]);

    assert_refused(g, vg_plug(g, 2, qdict_from_jsonf_nofail(
                                  "{'driver': 'vfio-pci', 'id': 'd2',"
                                  " 'fd': %s, 'x-balloon-allowed': true,"
                                  " 'iommufd': 'i0'}", fd)),
                   "x-balloon-allowed only potentially compatible");
}

static void in_use(VfGuest *g)
{
    const char *fd = pass(g, g->c->device_fd[1]);
    QDict *answer = qtest_qmp(g->qts, "{'execute': 'qom-set', 'arguments':"
                              " {'path': '/machine/peripheral/d1',"
                              " 'property': 'fd', 'value': %s}}", fd);

    g_assert(qdict_haskey(answer, "error"));
    vg_assert_has(qdict_get_str(qdict_get_qdict(answer, "error"), "desc"),
                  "vfio d1: fd cannot be changed");
    qobject_unref(answer);
    qtest_qmp_assert_success(g->qts, "{'execute': 'closefd', 'arguments':"
                             " {'fdname': %s}}", fd);
}

static void iommufd_deleted(VfGuest *g)
{
    for (int i = 0; i < 2; i++) {
        const char *fd = pass(g, g->c->device_fd[1]);

        qtest_qmp_assert_success(g->qts, "{'execute': 'object-add',"
                                 " 'arguments': {'qom-type': 'iommufd',"
                                 " 'id': 'i1', 'fd': %s}}", fd);
        qtest_qmp_assert_success(g->qts, "{'execute': 'object-del',"
                                 " 'arguments': {'id': 'i1'}}");
    }
}

/* The one that is there is not forgotten in its place */
static void iommufd_twice(VfGuest *g)
{
    g_autofree gchar *fd = g_strdup_printf("%d", g->c->iommufd);
    QDict *answer = qtest_qmp(g->qts, "{'execute': 'object-add', 'arguments':"
                              " {'qom-type': 'iommufd', 'id': 'i0',"
                              " 'fd': %s}}", fd);

    g_assert(qdict_haskey(answer, "error"));
    qobject_unref(answer);
}

typedef struct EarlyTest {
    const char *name;
    void (*fail)(VfGuest *g);   /* device 1, while device 0 is there as d1 */
    bool kept;                  /* QEMU keeps the descriptor to its end */
} EarlyTest;

static const EarlyTest early_tests[] = {
    { .name = "no-iommufd", .fail = no_iommufd },
    { .name = "no-mdev", .fail = no_mdev },
    { .name = "slot-in-use", .fail = slot_in_use },
    { .name = "number", .fail = number },
    { .name = "in-use", .fail = in_use },
    { .name = "iommufd-deleted", .fail = iommufd_deleted,
      .kept = true },
    { .name = "iommufd-twice", .fail = iommufd_twice },
};

/* The device that is there is handed over, and nothing else */
static void test_early(const void *opaque)
{
    const EarlyTest *t = opaque;
    g_autofree gchar *text = NULL;
    VfClient *c = vf_client_new();
    unsigned int before;
    VfGuest *g;

    for (int i = 0; i < 2; i++) {
        vf_client_add_device(c)->phys[PCI_INTERRUPT_PIN] = 0;
    }
    g = vg_start(c, VG_MACHINE VG_SHARED_RAM VG_IOMMUFD VG_PORT(1) VG_PORT(2)
                 "-device vfio-pci,iommufd=i0,fd=%d,id=d1,bus=rp1", "",
                 c->iommufd, c->device_fd[0]);
    vg_ports(g, 2);
    before = held(g, c->device_fd[1]);
    t->fail(g);
    if (!t->kept) {
        g_assert_cmpuint(held(g, c->device_fd[1]), ==, before);
    }
    vg_exec(g, NULL);
    g_assert_cmpuint(held(g, c->device_fd[1]), ==, before);
    g_assert_cmphex(vg_config_readl(g, 1, 0, PCI_VENDOR_ID), ==, 0x00fa1b36);
    g_assert_cmpstr(vg_device_add(g, 1, "d2", 2, ""), ==, NULL);
    vg_device_del(g, "d2", 2);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    text = vg_end(g);
    g_assert_cmpstr(text, ==, "");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(sweep_tests); i++) {
        vg_add_test("vfio-bad-cpr/sweep", sweep_tests[i].name, &sweep_tests[i],
                    test_sweep);
    }
    for (int i = 0; i < ARRAY_SIZE(early_tests); i++) {
        vg_add_test("vfio-bad-cpr/early", early_tests[i].name, &early_tests[i],
                    test_early);
    }
    return g_test_run();
}
