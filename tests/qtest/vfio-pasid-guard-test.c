/*
 * QTest of VFIO PCI devices that must not get a virtual PASID capability
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The device cannot have the capability, has one already, or has no host IOMMU
 * device. The test checks that QEMU does not crash, that the guest finds no
 * capability, and the reason that the user can read.
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "vfio-guest/guest.h"
#include "vfio-guest/vfio-user.h"

#define ACCEL "-device arm-smmuv3,primary-bus=pcie.0,accel=on,ssidsize=16 "

/* Last place in config space, where the capability would go */
#define END_OFFSET 0xff8

static const VfExtCap caps_aer[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c }, { }
};

/* A device whose host has PASID for it */
static VfClient *describe(void)
{
    VfClient *c = vf_client_new();

    vf_image_ext_caps(vf_client_add_device(c)->phys, caps_aer);
    return c;
}

/* A kernel that does not hide the capability: that one, and no other */
static void test_passed_through(void)
{
    VfClient *c = describe();
    VfDevice *d = &c->shared->device[0];
    g_autofree gchar *state = NULL;
    g_autofree gchar *text = NULL;
    unsigned int count = 0;
    VfGuest *g;

    d->shows_pasid = 1;
    vf_image_physical_pasid(d->phys, 0x300, 16);
    g = vg_start(c, VG_MACHINE ACCEL VG_IOMMUFD VG_PORT(1)
                 "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1", "",
                 c->iommufd, c->device_fd[0]);
    vg_ports(g, 1);
    g_assert_cmphex(vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, &count), ==,
                    0x300);
    g_assert_cmpuint(count, ==, 1);
    g_assert_cmphex(vg_config_readl(g, 1, 0, END_OFFSET), ==, 0);
    state = vg_pasid_state(g, "d0", &text);
    g_assert_cmpstr(state, ==, "enabled=1 reason=none offset=0x300 width=16 "
                    "exec=0 priv=0 where=device");
    g_assert_cmpstr(text, ==, "passed through: the kernel exposes the "
                    "capability of the device at offset 0x300");
    vg_end_silent(g);
}

/* Behind a bridge to conventional PCI there is no extended config space */
static void test_conventional_bus(void)
{
    VfClient *c = describe();
    g_autofree gchar *state = NULL;
    g_autofree gchar *text = NULL;
    VfGuest *g;

    g = vg_start(c, VG_MACHINE VG_IOMMUFD VG_PORT(1)
                 "-device pcie-pci-bridge,id=b0,bus=rp1 "
                 "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=b0,addr=2", "",
                 c->iommufd, c->device_fd[0]);
    state = vg_pasid_state(g, "d0", &text);
    g_assert_cmpstr(state, ==, "enabled=0 reason=conventional-bus");
    g_assert_cmpstr(text, ==, "disabled: the device is on a conventional PCI "
                    "bus, which has no extended capabilities; put it behind a "
                    "pcie-root-port");
    vg_end_silent(g);
}

/* A group and a type1 container have no PASID information */
static void test_legacy(void)
{
    VfClient *c = describe();
    g_autofree gchar *dir = g_dir_make_tmp("vfio-fake-XXXXXX", NULL);
    g_autofree gchar *link = g_build_filename(dir, "iommu_group", NULL);
    g_autofree gchar *state = NULL;
    g_autofree gchar *text = NULL;
    VfGuest *g;

    g_assert_cmpint(symlink("/sys/kernel/iommu_groups/10", link), ==, 0);
    g = vg_start(c, VG_MACHINE VG_PORT(1)
                 "-device vfio-pci,sysfsdev=%s,id=d0,bus=rp1", "", dir);
    vg_ports(g, 1);
    g_assert_cmphex(vg_config_readl(g, 1, 0, PCI_VENDOR_ID), ==, 0x00fa1b36);
    g_assert_cmphex(vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, NULL), ==,
                    0);
    state = vg_pasid_state(g, "d0", &text);
    g_assert_cmpstr(state, ==, "enabled=0 reason=legacy-container");
    g_assert_cmpstr(text, ==, "disabled: there is no host IOMMU device that "
                    "knows of PASID: the device is in a legacy container; "
                    "assign it with iommufd=ID");
    vg_end_silent(g);
    unlink(link);
    rmdir(dir);
}

/* A folder of sysfs as a mediated device has it */
static gchar *make_mdev_folder(VfClient *c)
{
    gchar *dir = g_dir_make_tmp("vfio-fake-XXXXXX", NULL);
    g_autofree gchar *entry = g_build_filename(dir, "vfio-dev", "vfio0", NULL);
    g_autofree gchar *file = g_build_filename(entry, "dev", NULL);
    g_autofree gchar *link = g_build_filename(dir, "subsystem", NULL);

    g_assert_cmpint(g_mkdir_with_parents(entry, 0700), ==, 0);
    g_assert(g_file_set_contents(file, "511:0\n", -1, NULL));
    g_assert_cmpint(symlink("/sys/bus/mdev", link), ==, 0);
    g_strlcpy(c->shared->sysfs, dir, sizeof(c->shared->sysfs));
    c->shared->device[0].mdev = 1;
    return dir;
}

static void test_mdev_path(void)
{
    VfClient *c = describe();
    g_autofree gchar *dir = make_mdev_folder(c);
    g_autofree gchar *remove = g_strdup_printf("rm -r %s", dir);
    g_autofree gchar *state = NULL;
    g_autofree gchar *text = NULL;
    VfGuest *g;

    g = vg_start(c, VG_MACHINE VG_IOMMUFD VG_PORT(1)
                 "-device vfio-pci,iommufd=i0,sysfsdev=%s,id=d0,bus=rp1", "",
                 c->iommufd, dir);
    vg_ports(g, 1);
    g_assert_cmphex(vg_config_readl(g, 1, 0, PCI_VENDOR_ID), ==, 0x00fa1b36);
    g_assert_cmphex(vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, NULL), ==,
                    0);
    g_assert_cmpuint(vf_client_count(c, VF_OP_GET_HW_INFO, 0), ==, 0);
    state = vg_pasid_state(g, "d0", &text);
    g_assert_cmpstr(state, ==, "enabled=0 reason=no-host-iommu");
    vg_end_silent(g);
    g_assert_cmpint(system(remove), ==, 0);
}

/*
 * By descriptor QEMU cannot tell that it is one, and asks iommufd about a
 * device that iommufd does not have.
 */
static void test_mdev_fd(const void *viommu)
{
    VfClient *c = describe();
    g_autofree gchar *err = NULL;
    VfGuest *g;

    c->shared->device[0].mdev = 1;
    g = vg_start(c, VG_MACHINE "%s" VG_IOMMUFD VG_PORT(1), "",
                 (const char *)viommu, c->iommufd);
    vg_ports(g, 1);
    err = vg_device_add(g, 0, "d0", 1, "");
    g_assert_nonnull(err);
    vg_assert_has(err, "Failed to get hardware info");
    vg_end_silent(g);
}

/* Nothing to remember the descriptor by for a QEMU that takes over */
static void test_fd_without_id(void)
{
    VfClient *c = describe();
    VfGuest *g;

    g = vg_start(c, VG_MACHINE ACCEL VG_IOMMUFD VG_PORT(1)
                 "-device vfio-pci,iommufd=i0,fd=%d,bus=rp1", "",
                 c->iommufd, c->device_fd[0]);
    vg_ports(g, 1);
    g_assert_cmphex(vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, NULL), ==,
                    END_OFFSET);
    vg_end_silent(g);
}

/* No kernel at all: the device is a process on the other end of a socket */
static void test_vfio_user(const void *viommu)
{
    VfClient *c = describe();
    g_autofree uint8_t *config = g_memdup2(c->shared->device[0].phys,
                                           VF_CONFIG_SIZE);
    g_autofree gchar *dir = g_dir_make_tmp("vfio-fake-XXXXXX", NULL);
    g_autofree gchar *path = g_build_filename(dir, "socket", NULL);
    g_autofree gchar *state = NULL;
    g_autofree gchar *text = NULL;
    VuDevice device = { .config = config };
    VuServer *server;
    VfGuest *g;

    /* Without MSI-X, for which it would need a BAR */
    config[VF_IMAGE_PCIE_CAP + PCI_CAP_LIST_NEXT] = VF_IMAGE_AF_CAP;
    config[PCI_INTERRUPT_PIN] = 0;
    server = vu_server_start(path, &device);
    g = vg_start(c, VG_MACHINE "%s" VG_PORT(1) "-device "
                 "'{\"driver\": \"vfio-user-pci\", \"id\": \"d0\","
                 " \"bus\": \"rp1\", \"socket\":"
                 " {\"type\": \"unix\", \"path\": \"%s\"}}'", "",
                 (const char *)viommu, path);
    vg_ports(g, 1);
    g_assert_cmphex(vg_config_readl(g, 1, 0, PCI_VENDOR_ID), ==, 0x00fa1b36);
    g_assert_cmphex(vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_ERR, NULL), ==,
                    0x100);
    g_assert_cmphex(vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, NULL), ==,
                    0);
    state = vg_pasid_state(g, "d0", &text);
    g_assert_cmpstr(state, ==, "enabled=0 reason=no-host-iommu");
    g_assert_cmpstr(text, ==, "disabled: there is no host IOMMU device: a "
                    "mediated or vfio-user device has none");
    vg_system_reset(g);
    vg_end_silent(g);
    vu_server_end(server);
    rmdir(dir);
}

/*
 * Which read of config space is made for the capability: the last one of the
 * whole of it. Others are the base's, which does not survive every failure.
 */
static unsigned int capability_read(VfClient *c)
{
    unsigned int reads = 0, whole = 0;

    for (uint32_t i = 0; i < c->shared->log_len; i++) {
        const VfLog *log = &c->shared->log[i];

        if (log->op == VF_OP_CONFIG_READ) {
            reads++;
            whole = log->arg[1] == VF_CONFIG_SIZE ? reads : whole;
        }
    }
    return whole;
}

static void test_read_fails(void)
{
    VfClient *c = describe();
    VfGuest *g = vg_start(c, VG_MACHINE ACCEL VG_IOMMUFD VG_PORT(1), "",
                          c->iommufd);
    g_autofree gchar *state = NULL;
    g_autofree gchar *said = NULL;
    g_autofree gchar *text = NULL;
    unsigned int nth;

    vg_ports(g, 1);
    g_assert_cmpstr(vg_device_add(g, 0, "d0", 1, ""), ==, NULL);
    nth = capability_read(c);
    g_assert_cmpuint(nth, >, 1);
    vg_device_del(g, "d0", 1);
    vf_client_rule(c, VF_OP_CONFIG_READ, nth, 1, EIO);
    g_assert_cmpstr(vg_device_add(g, 0, "d0", 1, ""), ==, NULL);
    vf_client_clear_rules(c);
    g_assert_cmphex(vg_config_readl(g, 1, 0, PCI_VENDOR_ID), ==, 0x00fa1b36);
    g_assert_cmphex(vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, NULL), ==,
                    0);
    state = vg_pasid_state(g, "d0", &text);
    g_assert_cmpstr(state, ==, "enabled=0 reason=config-unreadable");
    g_assert_cmpstr(text, ==, "disabled: its configuration space cannot be "
                    "read: Input/output error");
    said = vg_end(g);
    vg_assert_has(said, "warning:");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("vfio-pasid/passed-through", test_passed_through);
    qtest_add_func("vfio-pasid/conventional-bus", test_conventional_bus);
    qtest_add_func("vfio-pasid/legacy-container", test_legacy);
    qtest_add_func("vfio-pasid/mdev/sysfsdev", test_mdev_path);
    qtest_add_data_func("vfio-pasid/mdev/fd", "", test_mdev_fd);
    qtest_add_data_func("vfio-pasid/mdev/fd-accel", ACCEL, test_mdev_fd);
    qtest_add_func("vfio-pasid/fd-without-id", test_fd_without_id);
    if (qtest_has_device("vfio-user-pci")) {
        qtest_add_data_func("vfio-pasid/vfio-user", "", test_vfio_user);
        qtest_add_data_func("vfio-pasid/vfio-user-virtio-iommu",
                            "-device virtio-iommu-pci,addr=0x1e ",
                            test_vfio_user);
    }
    qtest_add_func("vfio-pasid/config-read-fails", test_read_fails);
    return g_test_run();
}
