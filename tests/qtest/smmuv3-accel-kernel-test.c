/*
 * QTest of the accelerated SMMUv3: versions of Linux on the host
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The features of each version are listed at VfLinux, in
 * vfio-fake/vfio-fake.h. Each row is a version, with what a guest can have
 * of it: a device that is translated and has PASID, or the reason why not.
 */

#include "qemu/osdep.h"

#include <linux/iommufd.h>

#include "hw/pci/pci_regs.h"
#include "vfio-guest/smmu.h"

#define DEVICE  "-device vfio-pci,iommufd=i0,fd=%d,id=d1,bus=rp1 "
#define ON_ROOT "-device vfio-pci,iommufd=i0,fd=%d,id=d1,bus=pcie.0,addr=2 "
/* Where the capability goes in a device with nothing at the end */
#define OFFSET  0xff8
#define WIDTH   16

typedef struct KernelTest {
    const char *name;
    VfLinux version;
    const char *refused;        /* what QEMU says of a device at startup */
    bool named;                 /* it takes one that has a StreamID */
} KernelTest;

#define NAMED "attaches d1 to nested bypass only once it has a StreamID"

static const KernelTest kernel_tests[] = {
    { .name = "7.3", .version = VF_LINUX_7_3 },
    { .name = "7.2", .version = VF_LINUX_7_2 },
    { .name = "6.18", .version = VF_LINUX_6_18, .refused = NAMED,
      .named = true },
    { .name = "6.15", .version = VF_LINUX_6_15, .refused = NAMED,
      .named = true },
    { .name = "6.12", .version = VF_LINUX_6_12, .refused = "Linux 6.13" },
};

static VfClient *host_of(const KernelTest *t)
{
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);

    c->shared->kernel = t->version;
    d->max_pasid_log2 = WIDTH;
    d->hw_caps |= IOMMU_HW_CAP_PCI_PASID_EXEC;
    return c;
}

/* The device, the reason and the way out */
static void assert_reason(const KernelTest *t, const char *said)
{
    vg_assert_has(said, t->refused);
    vg_assert_has(said, "d1");
    if (t->named) {
        vg_assert_has(said, "use Linux 7.2 or later on the host");
    }
}

/* The guest's SMMUv3 translates for the device, and takes invalidations */
static void assert_translates(VfGuest *g, uint32_t sid)
{
    VfClient *c = g->c;

    vs_setup(g, VS_LINEAR);
    vs_enable(g, true);
    vs_write_ste(g, VS_LINEAR, sid, VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    vs_cfgi_ste(g, sid);
    vs_assert_s1(g, 0, sid, VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    c->shared->cmd_len = 0;
    vs_submit_vas(g, 5);
    g_assert_cmpuint(c->shared->cmd_len, ==, 5);
    g_assert_cmpuint(vf_client_refused(c, VF_OP_HWPT_INVALIDATE, 0), ==, 0);
}

/* A guest that translates by its own tables, invalidates and has PASID */
static void test_accelerated(const void *opaque)
{
    const KernelTest *t = opaque;
    VfClient *c = host_of(t);
    VfGuest *g;

    if (t->refused) {
        g_autofree gchar *said =
            vg_refused(c, VG_MACHINE VS_SSID16 VG_IOMMUFD VG_PORT(1) DEVICE,
                       "", c->iommufd, c->device_fd[0]);

        assert_reason(t, said);
        vf_client_free(c);
        return;
    }
    g = vg_start(c, VG_MACHINE VS_SSID16 VG_IOMMUFD VG_PORT(1) DEVICE, "",
                 c->iommufd, c->device_fd[0]);
    vg_ports(g, 1);
    g_assert_cmphex(vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, NULL), ==,
                    OFFSET);
    g_assert_cmphex(vg_config_readw(g, 1, 0, OFFSET + PCI_PASID_CAP), ==,
                    WIDTH << 8 | PCI_PASID_CAP_EXEC);
    assert_translates(g, VS_SID(1));
    vg_end_silent(g);
}

/* On the root bus it has a StreamID from the start, and keeps it */
static void test_root_bus(const void *opaque)
{
    const KernelTest *t = opaque;
    VfClient *c = host_of(t);
    VfGuest *g = vg_start(c, VG_MACHINE VS_SSID16 VG_IOMMUFD ON_ROOT, "",
                          c->iommufd, c->device_fd[0]);

    for (int i = 0; i < 2; i++) {
        g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_BYPASS);
        assert_translates(g, 2 << 3);
        vg_system_reset(g);
    }
    vg_end_silent(g);
}

/* Behind a port it has one once the port has its bus number */
static void test_hot(const void *opaque)
{
    const KernelTest *t = opaque;
    VfClient *c = host_of(t);
    VfGuest *g = vg_start(c, VG_MACHINE VS_SSID16 VG_IOMMUFD VG_PORT(1), "",
                          c->iommufd);
    g_autofree gchar *early = vg_device_add(g, 0, "d1", 1, "");
    g_autofree gchar *late = NULL;
    g_autofree gchar *text = NULL;

    if (t->named) {
        g_assert_nonnull(early);
        assert_reason(t, early);
        g_assert_null(strchr(early, '\n'));
    } else {
        g_assert_cmpstr(early, ==, NULL);
        vg_ports(g, 1);
        vg_device_del(g, "d1", 1);
    }
    vf_client_assert_clean(c);
    vg_ports(g, 1);
    late = vg_device_add(g, 0, "d1", 1, "");
    g_assert_cmpstr(late, ==, NULL);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_BYPASS);
    assert_translates(g, VS_SID(1));
    /* Without a StreamID its DMA is aborted, until the guest translates */
    vg_system_reset(g);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==,
                    t->named ? VF_ACCESS_ABORT : VF_ACCESS_BYPASS);
    vg_ports(g, 1);
    assert_translates(g, VS_SID(1));
    text = vg_end(g);
    if (t->named) {
        vg_assert_has(text, "DMA of d1 is aborted");
        assert_reason(t, text);
    } else {
        g_assert_cmpstr(text, ==, "");
    }
}

/* Without a vIOMMU every version gives the guest its device, without PASID */
static void test_plain(const void *opaque)
{
    VfClient *c = host_of(opaque);
    VfGuest *g = vg_start(c, VG_MACHINE VG_IOMMUFD VG_PORT(1) DEVICE, "",
                          c->iommufd, c->device_fd[0]);

    vg_ports(g, 1);
    g_assert_cmphex(vg_config_readl(g, 1, 0, PCI_VENDOR_ID), !=, UINT32_MAX);
    g_assert_cmphex(vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, NULL), ==,
                    0);
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(kernel_tests); i++) {
        const KernelTest *t = &kernel_tests[i];

        vg_add_test("smmuv3-accel-kernel/accelerated", t->name, t,
                    test_accelerated);
        if (!t->refused || t->named) {
            vg_add_test("smmuv3-accel-kernel/hot", t->name, t, test_hot);
            vg_add_test("smmuv3-accel-kernel/root-bus", t->name, t,
                        test_root_bus);
        }
        vg_add_test("smmuv3-accel-kernel/plain", t->name, t, test_plain);
    }
    return g_test_run();
}
