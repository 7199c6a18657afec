/*
 * QTest of the accelerated SMMUv3: devices, HWPTs and their order
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * After each step of the guest the test compares the access that the host gives
 * to the device with the access that the architecture gives (Arm IHI0070).
 */

#include "qemu/osdep.h"

#include <linux/iommufd.h>

#include "hw/pci/pci_regs.h"
#include "vfio-guest/smmu.h"

#define ACCEL  "-device arm-smmuv3,primary-bus=pcie.0,accel=on "
#define NO_SSID "-device arm-smmuv3,primary-bus=pcie.0,accel=on,ssidsize=0 "
#define DEVICE "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1 "

#define SID VS_SID(1)

/* Refused at startup */

static const VgRefused refused_tests[] = {
    { .name = "stage-2",
      .options = "-device arm-smmuv3,primary-bus=pcie.0,accel=on,stage=2 ",
      .said = { "accel=on", "stage=2" } },
    { .name = "stage-nested",
      .options = "-device arm-smmuv3,primary-bus=pcie.0,accel=on,stage=nested ",
      .said = { "accel=on", "stage=nested" } },
    { .name = "ssidsize-21",
      .options = "-device arm-smmuv3,primary-bus=pcie.0,accel=on,ssidsize=21 ",
      .said = { "ssidsize", "21", "20" } },
};

static void test_no_iommufd(void)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *dir = g_dir_make_tmp("vfio-fake-XXXXXX", NULL);
    g_autofree gchar *link = g_build_filename(dir, "iommu_group", NULL);
    g_autofree gchar *text = NULL;

    vf_client_add_device(c);
    g_assert_cmpint(symlink("/sys/kernel/iommu_groups/10", link), ==, 0);
    text = vg_refused(c, VG_MACHINE ACCEL VG_PORT(1)
                      "-device vfio-pci,sysfsdev=%s,id=d0,bus=rp1", "", dir);
    vg_assert_has(text, "accel=on");
    vg_assert_has(text, "iommufd");
    unlink(link);
    rmdir(dir);
    vf_client_free(c);
}

/* Hosts that lack a feature of the guest */

typedef struct HostTest {
    const char *name;
    unsigned int reg;
    uint32_t clear;
    uint32_t set;
    const char *said;       /* field, and both values */
} HostTest;

static const HostTest host_tests[] = {
    /* Without both stages there is no parent to nest on */
    { .name = "s1p", .clear = 1u << 1, .said = "allocate hwpt" },
    { .name = "s2p", .clear = 1u << 0, .said = "allocate hwpt" },
    { .name = "ttf", .clear = 3u << 2, .set = 1u << 2,
      .said = "IDR0.TTF host 1 guest 2" },
    { .name = "asid16", .clear = 1u << 12,
      .said = "IDR0.ASID16 host 0 guest 1" },
    { .name = "ttendian", .clear = 3u << 21, .set = 3u << 21,
      .said = "IDR0.TTENDIAN host 3 guest 2" },
    { .name = "stall-model", .clear = 3u << 24, .set = 2u << 24,
      .said = "IDR0.STALL_MODEL host 2 guest" },
    { .name = "ssidsize", .reg = 1, .clear = 0x1f << 6, .set = 4 << 6,
      .said = "IDR1.SSIDSIZE host 4 guest 16" },
    { .name = "oas", .reg = 5, .clear = 7, .set = 2,
      .said = "IDR5.OAS host 2 guest" },
    { .name = "gran4k", .reg = 5, .clear = 1 << 4,
      .said = "IDR5.GRAN4K host 0 guest 1" },
};

/* A device that arrives after the guest could look at the ID registers */
static gchar *plug_error(void (*describe)(VfDevice *, const void *),
                         const void *opaque)
{
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);
    gchar *err;
    VfGuest *g;

    describe(d, opaque);
    g = vg_start(c, VG_MACHINE VS_SSID16 VG_IOMMUFD VG_PORT(1), "", c->iommufd);
    vg_ports(g, 1);
    err = vg_device_add(g, 0, "d0", 1, "");
    g_assert_nonnull(err);
    vf_client_assert_clean(c);
    vg_end_silent(g);
    return err;
}

static void host_lacks(VfDevice *d, const void *opaque)
{
    const HostTest *t = opaque;

    d->idr[t->reg] = (d->idr[t->reg] & ~t->clear) | t->set;
}

static void test_host(const void *opaque)
{
    const HostTest *t = opaque;
    g_autofree gchar *err = plug_error(host_lacks, t);

    vg_assert_has(err, t->said);
    vg_assert_has(err, "d0");
}

static void host_lacks_two(VfDevice *d, const void *opaque)
{
    host_lacks(d, &host_tests[3]);
    host_lacks(d, &host_tests[7]);
}

static void test_host_two(void)
{
    g_autofree gchar *err = plug_error(host_lacks_two, NULL);

    vg_assert_has(err, host_tests[3].said);
    vg_assert_has(err, host_tests[7].said);
}

static void host_other_iommu(VfDevice *d, const void *opaque)
{
    d->hw_type = IOMMU_HW_INFO_TYPE_INTEL_VTD;
}

static void test_host_other_iommu(void)
{
    g_autofree gchar *err = plug_error(host_other_iommu, NULL);

    vg_assert_has(err, "SMMUv3");
    vg_assert_has(err, "d0");
}

static void host_no_fwb(VfDevice *d, const void *opaque)
{
    d->idr[3] &= ~(1u << 8);
}

static void test_host_no_fwb(void)
{
    g_autofree gchar *err = plug_error(host_no_fwb, NULL);

    vg_assert_has(err, "VIOMMU");
}

/* Guest-visible ID registers follow ssidsize */
static void test_idrs(void)
{
    VfClient *c = vf_client_new();
    uint32_t idr1;
    VfGuest *g;

    vf_client_add_device(c);
    g = vg_start(c, VG_MACHINE VS_SSID16 VG_IOMMUFD VG_PORT(1) DEVICE, "",
                 c->iommufd, c->device_fd[0]);
    idr1 = vs_readl(g, VS_IDR1);
    g_assert_cmpuint((idr1 >> 6) & 0x1f, ==, 16);
    vg_end_silent(g);

    c = vf_client_new();
    vf_client_add_device(c);
    g = vg_start(c, VG_MACHINE NO_SSID VG_IOMMUFD VG_PORT(1) DEVICE, "",
                 c->iommufd, c->device_fd[0]);
    g_assert_cmphex(vs_readl(g, VS_IDR1), ==, idr1 & ~(0x1fu << 6));
    vg_end_silent(g);
}

/* Installed STEs */

static void assert_access(VfGuest *g, VfAccess access)
{
    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, access);
}

static void test_boot(void)
{
    VfGuest *g = vs_start(1, 1);
    VfClient *c = g->c;
    const VfLog *log = NULL;

    /* One second stage, able to be a parent, asked for with this flag alone */
    for (uint32_t i = 0; i < c->shared->log_len && !log; i++) {
        if (c->shared->log[i].op == VF_OP_HWPT_ALLOC) {
            log = &c->shared->log[i];
        }
    }
    g_assert_nonnull(log);
    g_assert_cmphex(log->arg[1], ==, IOMMU_HWPT_ALLOC_NEST_PARENT);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_HWPT_PAGING), ==, 1);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_VIOMMU), ==, 1);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_VEVENTQ), ==, 1);
    /* Out of reset translation is off and GBPA lets transactions through */
    assert_access(g, VF_ACCESS_BYPASS);
    vg_end_silent(g);
}

static void test_registers(void)
{
    VfGuest *g = vs_start(1, 1);

    vs_setup(g, VS_LINEAR);
    assert_access(g, VF_ACCESS_BYPASS);
    vs_gbpa(g, true);
    assert_access(g, VF_ACCESS_ABORT);
    vs_gbpa(g, false);
    assert_access(g, VF_ACCESS_BYPASS);
    vs_enable(g, true);
    assert_access(g, VF_ACCESS_ABORT);
    vs_gbpa(g, true);
    vs_gbpa(g, false);
    assert_access(g, VF_ACCESS_ABORT);
    vs_enable(g, false);
    assert_access(g, VF_ACCESS_BYPASS);
    vs_gbpa(g, true);
    vs_enable(g, true);
    vg_system_reset(g);
    assert_access(g, VF_ACCESS_BYPASS);
    vg_end_silent(g);
}

static void write_s1(VfGuest *g)
{
    vs_write_ste(g, VS_LINEAR, SID, VS_STE0_DEFAULT, VS_STE1_DEFAULT);
}

static void assert_s1(VfGuest *g)
{
    vs_assert_s1(g, 0, SID, VS_STE0_DEFAULT, VS_STE1_DEFAULT);
}

/* Enabling looks at the table, too: a guest may build it first */
static void test_enable(void)
{
    VfGuest *g = vs_start(1, 1);

    vs_setup(g, VS_LINEAR);
    write_s1(g);
    vs_enable(g, true);
    assert_s1(g);
    vs_enable(g, false);
    assert_access(g, VF_ACCESS_BYPASS);
    vg_end_silent(g);
}

/* Exchange of one stage 1 for another, and for itself */
static void test_replace(void)
{
    VfGuest *g = vs_start(1, 1);
    VfClient *c = g->c;
    uint32_t since;

    vs_setup(g, VS_LINEAR);
    vs_enable(g, true);
    write_s1(g);
    vs_cfgi_ste(g, SID);
    assert_s1(g);

    since = c->shared->log_len;
    vs_cfgi_ste(g, SID);
    g_assert_cmpuint(c->shared->log_len, ==, since);

    vs_write_ste(g, VS_LINEAR, SID, VS_STE0_DEFAULT + 0x10000,
                 VS_STE1_DEFAULT);
    vs_cfgi_ste(g, SID);
    vs_assert_s1(g, 0, SID, VS_STE0_DEFAULT + 0x10000, VS_STE1_DEFAULT);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_HWPT_NESTED), ==, 3);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_VDEVICE), ==, 1);
    /* The new one is attached before the old one goes */
    vf_client_assert_before(c, VF_OP_HWPT_ALLOC, VF_OP_ATTACH, since);
    vf_client_assert_before(c, VF_OP_ATTACH, VF_OP_DESTROY, since);
    g_assert_cmpuint(vf_client_count(c, VF_OP_DETACH, since), ==, 0);
    vg_end_silent(g);
}

/* A plugged device gets the access of its STE at once */
static void test_arrival(void)
{
    VfGuest *g = vs_start(1, 0);

    vs_setup(g, VS_LINEAR);
    write_s1(g);
    vs_enable(g, true);
    for (int i = 0; i < 3; i++) {
        g_autofree gchar *err = vg_device_add(g, 0, "d0", 1, "");

        g_assert_cmpstr(err, ==, NULL);
        assert_s1(g);
        vg_device_del(g, "d0", 1);
        vf_client_assert_clean(g->c);
    }
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(refused_tests); i++) {
        vg_add_test("smmuv3-accel/refused", refused_tests[i].name,
                    &refused_tests[i], vg_test_refused);
    }
    qtest_add_func("smmuv3-accel/refused/no-iommufd", test_no_iommufd);
    for (int i = 0; i < ARRAY_SIZE(host_tests); i++) {
        vg_add_test("smmuv3-accel/host", host_tests[i].name, &host_tests[i],
                    test_host);
    }
    qtest_add_func("smmuv3-accel/host/all-at-once", test_host_two);
    qtest_add_func("smmuv3-accel/host/other-iommu", test_host_other_iommu);
    qtest_add_func("smmuv3-accel/host/no-fwb", test_host_no_fwb);
    qtest_add_func("smmuv3-accel/idrs", test_idrs);
    qtest_add_func("smmuv3-accel/boot", test_boot);
    qtest_add_func("smmuv3-accel/registers", test_registers);
    qtest_add_func("smmuv3-accel/enable", test_enable);
    qtest_add_func("smmuv3-accel/replace", test_replace);
    qtest_add_func("smmuv3-accel/arrival", test_arrival);
    return g_test_run();
}
