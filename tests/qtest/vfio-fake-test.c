/*
 * QTest of vfio-pci without an accelerated vIOMMU
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The series must not change the system calls of such a device, and unplugging
 * it must leave no object in the kernel.
 */

#include "qemu/osdep.h"

#include <linux/iommufd.h>

#include "hw/pci/pci_regs.h"
#include "vfio-guest/guest.h"

#define PLAIN VG_MACHINE VG_IOMMUFD VG_PORT(1)
#define PLAIN_ARGS(c) "", (c)->iommufd

/*
 * The calls of the base's vfio-pci on iommufd until it has config space. Two
 * are for hardware information: one chooses flags for the page table, one is
 * for the host IOMMU device.
 */
static const VfOp base_calls[] = {
    VF_OP_IOMMUFD_OTHER, VF_OP_BIND, VF_OP_IOAS_ALLOC, VF_OP_GET_HW_INFO,
    VF_OP_HWPT_ALLOC, VF_OP_ATTACH, VF_OP_IOAS_IOVA_RANGES,
    VF_OP_IOAS_IOVA_RANGES, VF_OP_GET_INFO, VF_OP_GET_HW_INFO,
};

static void assert_base_calls(VfClient *c)
{
    unsigned int n = 0;

    for (uint32_t i = 0; i < c->shared->log_len; i++) {
        const VfLog *log = &c->shared->log[i];
        VfOp op = log->op;

        /* How many windows are mapped at first is up to the vIOMMU */
        if (op == VF_OP_IOAS_MAP || op == VF_OP_IOAS_UNMAP) {
            continue;
        }
        if (n < ARRAY_SIZE(base_calls)) {
            g_assert_cmpstr(vf_op_name(op), ==, vf_op_name(base_calls[n]));
            n++;
        } else {
            /* Nothing for iommufd after that */
            g_assert_cmpuint(op, >, VF_OP_DETACH);
        }
    }
    g_assert_cmpuint(n, ==, ARRAY_SIZE(base_calls));
    g_assert_cmphex(vf_client_last(c, VF_OP_HWPT_ALLOC, 0)->arg[1], ==, 0);
}

typedef struct CallsTest {
    const char *name;
    const char *viommu;
} CallsTest;

static const CallsTest calls_tests[] = {
    { "no-viommu", "" },
    { "virtio-iommu", "-device virtio-iommu-pci,addr=0x1e " },
};

static void test_calls(const void *opaque)
{
    const CallsTest *test = opaque;
    VfClient *c = vf_client_new();
    VfGuest *g;

    vf_client_add_device(c);
    g = vg_start(c, PLAIN "%s"
                 "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1",
                 PLAIN_ARGS(c), test->viommu, c->device_fd[0]);
    vg_quit_silent(g);
    assert_base_calls(c);
    vf_client_free(c);
}

/* Without accel=on no device can be behind it, as in the base */
static void test_emulated(void)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *text = NULL;

    vf_client_add_device(c);
    text = vg_refused(c, PLAIN "-device arm-smmuv3,primary-bus=pcie.0 "
                      "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1",
                      PLAIN_ARGS(c), c->device_fd[0]);
    g_assert_nonnull(strstr(text, "requires iommu MAP notifier"));
    g_assert_cmpuint(vf_client_count(c, VF_OP_VIOMMU_ALLOC, 0), ==, 0);
    vf_client_free(c);
}

static void test_dirty_tracking(void)
{
    VfClient *c = vf_client_new();
    VfGuest *g;

    vf_client_add_device(c)->hw_caps = IOMMU_HW_CAP_DIRTY_TRACKING;
    g = vg_start(c, PLAIN "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1",
                 PLAIN_ARGS(c), c->device_fd[0]);
    g_assert_cmphex(vf_client_last(c, VF_OP_HWPT_ALLOC, 0)->arg[1], ==,
                    IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
    vg_end_silent(g);
}

static void test_hotplug(void)
{
    VfClient *c = vf_client_new();
    VfGuest *g;

    vf_client_add_device(c);
    g = vg_start(c, PLAIN, PLAIN_ARGS(c));
    vg_ports(g, 1);
    vf_client_assert_clean(c);
    for (int i = 0; i < 3; i++) {
        g_autofree gchar *err = vg_device_add(g, 0, "d0", 1, "");

        g_assert_cmpstr(err, ==, NULL);
        g_assert_cmphex(vg_config_readl(g, 1, 0, PCI_VENDOR_ID), ==,
                        0x00fa1b36);
        vg_device_del(g, "d0", 1);
        vf_client_assert_clean(c);
    }
    vg_end_silent(g);
}

/* The descriptors are QEMU's own: /dev/iommu and the device file by sysfs */
static void test_by_path(void)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *dir = g_dir_make_tmp("vfio-fake-XXXXXX", NULL);
    g_autofree gchar *entry = g_build_filename(dir, "vfio-dev", "vfio0", NULL);
    g_autofree gchar *file = g_build_filename(entry, "dev", NULL);
    g_autofree gchar *remove = g_strdup_printf("rm -r %s", dir);
    VfGuest *g;

    vf_client_add_device(c);
    g_assert_cmpint(g_mkdir_with_parents(entry, 0700), ==, 0);
    g_assert(g_file_set_contents(file, "511:0\n", -1, NULL));
    g = vg_start(c, VG_MACHINE VG_PORT(1) "-object iommufd,id=i0 "
                 "-device vfio-pci,iommufd=i0,sysfsdev=%s,id=d0,bus=rp1",
                 "", dir);
    vg_ports(g, 1);
    g_assert_cmphex(vg_config_readl(g, 1, 0, PCI_VENDOR_ID), ==, 0x00fa1b36);
    g_assert_cmpuint(vf_client_count(c, VF_OP_OPEN, 0), ==, 2);
    vg_device_del(g, "d0", 1);
    vf_client_assert_clean(c);
    vg_quit_silent(g);
    g_assert_cmpint(system(remove), ==, 0);
    vf_client_free(c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(calls_tests); i++) {
        vg_add_test("vfio-fake/plain/calls", calls_tests[i].name,
                    &calls_tests[i], test_calls);
    }
    qtest_add_func("vfio-fake/plain/behind-emulated-smmuv3", test_emulated);
    qtest_add_func("vfio-fake/plain/dirty-tracking", test_dirty_tracking);
    qtest_add_func("vfio-fake/plain/hotplug", test_hotplug);
    qtest_add_func("vfio-fake/plain/by-path", test_by_path);
    return g_test_run();
}
