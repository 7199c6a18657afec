/*
 * QTest of the accelerated SMMUv3: several SMMUs on guest and host
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include <glib/gstdio.h>

#include "hw/pci/pci_regs.h"
#include "vfio-guest/smmu.h"

#define PXB(n)      "-device pxb-pcie,id=pxb" #n ",bus=pcie.0,bus_nr=" #n " "
#define PXB_PORT(n, id) "-device pcie-root-port,id=rp" #id ",chassis=" #id \
                    ",slot=" #id ",bus=pxb" #n ",io-reserve=0 "
#define SMMU(bus, props) "-device arm-smmuv3,primary-bus=" bus props " "
#define ACCEL(bus)  SMMU(bus, ",accel=on")
#define DEVICE(n)   "-device vfio-pci,iommufd=i0,fd=%d,id=d" #n ",bus=rp" #n " "

/* The registers of SMMU @n, in the order of the command line */
#define SMMU_BASE(n) (VS_BASE + (n) * 0x20000ull)

/* Refused at startup */

static const VgRefused refused_tests[] = {
    { .name = "accel-twice", .options = SMMU("pcie.0", ",accel=on,id=s0")
      SMMU("pcie.0", ",accel=on,id=s1"), .said = { "pcie.0", "s0", "s1" } },
    { .name = "plain-then-accel", .options = SMMU("pcie.0", ",id=s0")
      SMMU("pcie.0", ",accel=on,id=s1"),
      .said = { "pcie.0", "s1", "accel=on" } },
    { .name = "accel-then-plain", .options = SMMU("pcie.0", ",accel=on,id=s0")
      SMMU("pcie.0", ",id=s1"), .said = { "pcie.0", "s0", "s1", "accel=on" } },
    { .name = "pxb-twice", .options = PXB(8) SMMU("pxb8", ",accel=on,id=s0")
      SMMU("pxb8", ",accel=on,id=s1"),
      .said = { "pxb8", "s0", "s1", "pxb-pcie" } },
    { .name = "below-a-port", .options = VG_PORT(1) ACCEL("rp1"),
      .said = { "pcie.0", "pxb-pcie" } },
    { .name = "virtio-iommu-after", .options = ACCEL("pcie.0")
      "-device virtio-iommu-pci,id=v0,bus=pcie.0 ",
      .said = { "accel=on", "v0", "Leave one" } },
    { .name = "virtio-iommu-before",
      .options = "-device virtio-iommu-pci,id=v0,bus=pcie.0 " ACCEL("pcie.0"),
      .said = { "virtio-iommu" } },
};

/* Two devices on host SMMUs, behind the SMMUs of a guest */

typedef struct PlaceTest {
    const char *name;
    const char *options;        /* with devices d1 on rp1 and d2 on rp2 */
    uint32_t host[2];           /* host SMMU of each device */
    unsigned int viommus;
    unsigned int parents;
} PlaceTest;

#define ROOT_AND_PXB VG_PORT(1) PXB(8) PXB_PORT(8, 2)

static const PlaceTest place_tests[] = {
    { .name = "two-and-two", .options = ROOT_AND_PXB ACCEL("pcie.0")
      ACCEL("pxb8") VG_IOMMUFD DEVICE(1) DEVICE(2), .host = { 0, 1 },
      .viommus = 2, .parents = 2 },
    /* Each has a parent: with one VMID their TLB entries would mix */
    { .name = "two-on-one-host", .options = ROOT_AND_PXB ACCEL("pcie.0")
      ACCEL("pxb8") VG_IOMMUFD DEVICE(1) DEVICE(2), .host = { 0, 0 },
      .viommus = 2, .parents = 2 },
    { .name = "one-and-one", .options = VG_PORT(1) VG_PORT(2) ACCEL("pcie.0")
      VG_IOMMUFD DEVICE(1) DEVICE(2), .host = { 0, 0 }, .viommus = 1,
      .parents = 1 },
    /* Without an accelerated SMMUv3 the second stage is no nesting parent */
    { .name = "none-on-pxb", .options = ROOT_AND_PXB ACCEL("pcie.0") VG_IOMMUFD
      DEVICE(1) DEVICE(2), .host = { 0, 0 }, .viommus = 1, .parents = 1 },
};

static unsigned int count_parents(VfClient *c)
{
    unsigned int n = 0;

    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        const VfObject *obj = &c->shared->object[i];
        bool seen = false;

        for (int j = 0; j < i; j++) {
            const VfObject *other = &c->shared->object[j];

            seen |= other->type == VF_OBJ_VIOMMU && other->ctx == obj->ctx &&
                    other->parent == obj->parent;
        }
        n += obj->type == VF_OBJ_VIOMMU && !seen;
    }
    return n;
}

static VfGuest *start_place(const PlaceTest *t)
{
    VfClient *c = vf_client_new();

    for (int i = 0; i < ARRAY_SIZE(t->host); i++) {
        vf_client_add_device(c)->smmu = t->host[i];
    }
    /* The descriptors stand in @options, in this order */
    g_autofree gchar *options =
        g_strdup_printf(t->options, c->iommufd, c->device_fd[0],
                        c->device_fd[1]);

    return vg_start(c, VG_MACHINE "%s", "", options);
}

static void test_place(const void *opaque)
{
    const PlaceTest *t = opaque;
    VfGuest *g = start_place(t);
    VfClient *c = g->c;

    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_VIOMMU), ==, t->viommus);
    g_assert_cmpuint(count_parents(c), ==, t->parents);
    vg_end_pxb(g);
}

/* Commands of one SMMU do not affect devices of the other */
static void test_apart(void)
{
    VfGuest *g = start_place(&place_tests[0]);
    VfClient *c = g->c;

    for (int n = 0; n < 2; n++) {
        g_assert_cmpint(vf_client_access(c, n, NULL), ==, VF_ACCESS_BYPASS);
    }
    qtest_writel(g->qts, SMMU_BASE(1) + VS_GBPA,
                 VS_GBPA_UPDATE | VS_GBPA_ABORT);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_BYPASS);
    g_assert_cmpint(vf_client_access(c, 1, NULL), ==, VF_ACCESS_ABORT);
    qtest_writel(g->qts, SMMU_BASE(0) + VS_CR0, VS_CR0_SMMUEN);
    qtest_writel(g->qts, SMMU_BASE(1) + VS_GBPA, VS_GBPA_UPDATE);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_ABORT);
    g_assert_cmpint(vf_client_access(c, 1, NULL), ==, VF_ACCESS_BYPASS);
    vg_end_pxb(g);
}

/* The StreamID of a device below a pxb-pcie, and the second SMMU's tables */
static void test_pxb_stream(void)
{
    const uint32_t sid = 9 << 8;
    VfGuest *g = start_place(&place_tests[1]);
    VfClient *c = g->c;

    /* Root port 00.0 of bus 8 gets secondary bus 9 */
    vg_config_writel(g, 8, 0, PCI_PRIMARY_BUS, 8 | 9 << 8 | 9 << 16);
    qtest_memset(g->qts, VS_STRTAB, 0, 64 * (sid + 1));
    qtest_writeq(g->qts, VS_STRTAB + 64 * sid, VS_STE0_DEFAULT);
    qtest_writeq(g->qts, SMMU_BASE(1) + VS_STRTAB_BASE, VS_STRTAB);
    qtest_writel(g->qts, SMMU_BASE(1) + VS_STRTAB_BASE_CFG, 12);
    qtest_writel(g->qts, SMMU_BASE(1) + VS_CR0, VS_CR0_SMMUEN);
    vs_assert_s1(g, 1, sid, VS_STE0_DEFAULT, 0);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_BYPASS);
    vg_end_pxb(g);
}

/* A device of another host SMMU */

static gchar *make_sysfs(const char *smmu)
{
    gchar *dir = g_dir_make_tmp("vfio-fake-XXXXXX", NULL);
    g_autofree gchar *link = g_build_filename(dir, "iommu", NULL);
    g_autofree gchar *target = g_build_filename("../devices", smmu, NULL);

    g_assert_cmpint(symlink(target, link), ==, 0);
    return dir;
}

static void remove_sysfs(const char *dir)
{
    g_autofree gchar *link = g_build_filename(dir, "iommu", NULL);

    unlink(link);
    rmdir(dir);
}

/*
 * Two devices that cannot share a second stage, behind host SMMUs of these
 * names: says why the SMMU of the guest refuses the second one
 */
static gchar *refuse_two(const char *host1, const char *host2)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *dir1 = make_sysfs(host1);
    g_autofree gchar *dir2 = make_sysfs(host2);
    gchar *text;

    vf_client_add_device(c)->smmu = 1;
    vf_client_add_device(c)->smmu = 2;
    text = vg_refused(c, VG_MACHINE SMMU("pcie.0", ",accel=on,id=s0") VG_IOMMUFD
                      VG_PORT(1) VG_PORT(2)
                      "-device vfio-pci,iommufd=i0,fd=%d,sysfsdev=%s,id=d1,"
                      "bus=rp1 "
                      "-device vfio-pci,iommufd=i0,fd=%d,sysfsdev=%s,id=d2,"
                      "bus=rp2 ", "", c->iommufd, c->device_fd[0], dir1,
                      c->device_fd[1], dir2);
    vg_assert_has(text, "d1");
    vg_assert_has(text, "d2");
    vg_assert_has(text, host1);
    vg_assert_has(text, host2);
    vg_assert_has(text, "pxb-pcie");
    remove_sysfs(dir1);
    remove_sysfs(dir2);
    vf_client_free(c);
    return text;
}

static void test_other_host(void)
{
    g_autofree gchar *text = refuse_two("smmu3.0x11", "smmu3.0x22");

    vg_assert_has(text, "s0");
}

/* On one host SMMU VFIO shares the second stage unless coherency forbids it */
static void test_other_coherency(void)
{
    g_autofree gchar *text = refuse_two("smmu3.0x11", "smmu3.0x11");

    vg_assert_has(text, "coherent");
    g_assert_null(strstr(text, "another host SMMUv3"));
}

static void test_other_host_plugged(void)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *err = NULL;
    unsigned int parents;
    VfGuest *g;

    vf_client_add_device(c)->smmu = 1;
    vf_client_add_device(c)->smmu = 2;
    g = vg_start(c, VG_MACHINE ACCEL("pcie.0") VG_IOMMUFD VG_PORT(1) VG_PORT(2)
                 DEVICE(1), "", c->iommufd, c->device_fd[0]);
    vg_ports(g, 2);
    parents = vf_client_objects(c, VF_OBJ_HWPT_PAGING);
    err = vg_device_add(g, 1, "d2", 2, "");
    vg_assert_has(err, "another host SMMUv3");
    vg_assert_has(err, "d1");
    vg_assert_has(err, "d2");
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_HWPT_PAGING), ==, parents);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_DEVICE), ==, 1);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_BYPASS);

    /* Once the first has gone the SMMU is free for another host's */
    vg_device_del(g, "d1", 1);
    g_free(err);
    err = vg_device_add(g, 1, "d2", 2, "");
    g_assert_cmpstr(err, ==, NULL);
    g_assert_cmpint(vf_client_access(c, 1, NULL), ==, VF_ACCESS_BYPASS);
    vg_end_pxb(g);
}

/* Devices that the host cannot tell apart */

typedef struct GroupTest {
    const char *name;
    const char *members[3];     /* the first one is plugged */
} GroupTest;

static const GroupTest group_tests[] = {
    { .name = "alone", .members = { "0000:05:00.0" } },
    { .name = "functions", .members = { "0000:05:00.0", "0000:05:00.1" } },
    { .name = "below-a-bridge",
      .members = { "0000:05:00.0", "0000:04:00.0", "0000:03:01.0" } },
};

/*
 * A group is attached as one, and each of its devices needs a vDEVICE: one with
 * siblings, even bridges, could never be translated.
 */
static void test_group(const void *opaque)
{
    const GroupTest *t = opaque;
    bool alone = !t->members[1];
    VfClient *c = vf_client_new();
    g_autofree gchar *dir = g_dir_make_tmp("vfio-fake-XXXXXX", NULL);
    g_autofree gchar *group = g_build_filename(dir, "groups", "26", NULL);
    g_autofree gchar *devices = g_build_filename(group, "devices", NULL);
    g_autofree gchar *dev = g_build_filename(dir, t->members[0], NULL);
    g_autofree gchar *link = g_build_filename(dev, "iommu_group", NULL);
    g_autofree gchar *options = NULL;
    g_autofree gchar *rm = g_strdup_printf("rm -r '%s'", dir);
    g_autofree gchar *text = NULL;

    g_assert_cmpint(g_mkdir_with_parents(devices, 0755), ==, 0);
    g_assert_cmpint(g_mkdir(dev, 0755), ==, 0);
    g_assert_cmpint(symlink(group, link), ==, 0);
    for (int i = 0; i < ARRAY_SIZE(t->members) && t->members[i]; i++) {
        g_autofree gchar *member = g_build_filename(devices, t->members[i],
                                                    NULL);

        g_assert_cmpint(g_mkdir(member, 0755), ==, 0);
    }
    vf_client_add_device(c);
    options = g_strdup_printf(VG_MACHINE ACCEL("pcie.0") VG_IOMMUFD VG_PORT(1)
                              "-device vfio-pci,iommufd=i0,fd=%d,sysfsdev=%s,"
                              "id=d1,bus=rp1 ", "", c->iommufd,
                              c->device_fd[0], dev);
    if (alone) {
        VfGuest *g = vg_start(c, "%s", options);

        g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_BYPASS);
        vg_quit_silent(g);
    } else {
        text = vg_refused(c, "%s", options);
        vg_assert_has(text, "group 26");
        vg_assert_has(text, "root complex without vIOMMU");
        for (int i = 0; i < ARRAY_SIZE(t->members) && t->members[i]; i++) {
            vg_assert_has(text, t->members[i]);
        }
        g_assert_cmpuint(vf_client_count(c, VF_OP_ATTACH, 0), ==, 0);
    }
    g_assert_cmpint(system(rm), ==, 0);
    vf_client_free(c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(refused_tests); i++) {
        vg_add_test("smmuv3-accel-topology/refused", refused_tests[i].name,
                    &refused_tests[i], vg_test_refused);
    }
    for (int i = 0; i < ARRAY_SIZE(place_tests); i++) {
        vg_add_test("smmuv3-accel-topology/place", place_tests[i].name,
                    &place_tests[i], test_place);
    }
    for (int i = 0; i < ARRAY_SIZE(group_tests); i++) {
        vg_add_test("smmuv3-accel-topology/group", group_tests[i].name,
                    &group_tests[i], test_group);
    }
    qtest_add_func("smmuv3-accel-topology/apart", test_apart);
    qtest_add_func("smmuv3-accel-topology/pxb-stream", test_pxb_stream);
    qtest_add_func("smmuv3-accel-topology/other-host", test_other_host);
    qtest_add_func("smmuv3-accel-topology/other-coherency",
                   test_other_coherency);
    qtest_add_func("smmuv3-accel-topology/other-host-plugged",
                   test_other_host_plugged);
    return g_test_run();
}
