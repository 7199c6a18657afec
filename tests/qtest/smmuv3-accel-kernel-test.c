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
/* Where the capability goes in a device with nothing at the end */
#define OFFSET  0xff8
#define WIDTH   16

typedef struct KernelTest {
    const char *name;
    VfLinux version;
    const char *refused;        /* what QEMU says where it cannot */
    const char *missing;        /* what is not there, first */
} KernelTest;

static const KernelTest kernel_tests[] = {
    { .name = "7.3", .version = VF_LINUX_7_3 },
    { .name = "7.2", .version = VF_LINUX_7_2 },
    { .name = "6.18", .version = VF_LINUX_6_18 },
    { .name = "6.15", .version = VF_LINUX_6_15 },
    { .name = "6.12", .version = VF_LINUX_6_12,
      .refused = "Linux 6.13", .missing = "d1" },
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

        vg_assert_has(said, t->refused);
        vg_assert_has(said, t->missing);
        vf_client_assert_clean(c);
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
    vs_setup(g, VS_LINEAR);
    vs_enable(g, true);
    vs_write_ste(g, VS_LINEAR, VS_SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    vs_cfgi_ste(g, VS_SID(1));
    vs_assert_s1(g, 0, VS_SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    c->shared->cmd_len = 0;
    vs_submit_vas(g, 5);
    g_assert_cmpuint(c->shared->cmd_len, ==, 5);
    g_assert_cmpuint(vf_client_refused(c, VF_OP_HWPT_INVALIDATE, 0), ==, 0);
    vg_end_silent(g);
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
        vg_add_test("smmuv3-accel-kernel/plain", t->name, t, test_plain);
    }
    return g_test_run();
}
