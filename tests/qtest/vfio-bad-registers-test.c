/*
 * QTest of VFIO PCI devices whose registers cannot be read or make no sense
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The device may be refused or come up with less. QEMU goes on in any case, and
 * what was set up for the device is gone when the device is.
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "hw/vfio-user/protocol.h"
#include "qobject/qdict.h"
#include "qobject/qjson.h"
#include "vfio-fake/guest.h"
#include "vfio-fake/vfio-user.h"

#define ACCEL "-device arm-smmuv3,primary-bus=pcie.0,accel=on,ssidsize=16 "

static const VfExtCap caps_aer[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c }, { }
};

static VfGuest *start(void (*describe)(VfDevice *d))
{
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);
    VfGuest *g;

    vf_image_ext_caps(d->phys, caps_aer);
    if (describe) {
        describe(d);
    }
    g = vg_start(c, VG_MACHINE ACCEL VG_IOMMUFD VG_PORT(1), "", c->iommufd);
    vg_ports(g, 1);
    return g;
}

/* Each read of config space that plugging makes fails once */
static void test_reads(void)
{
    VfGuest *g = start(NULL);
    VfClient *c = g->c;
    unsigned int refused = 0;
    unsigned int reads;

    g_assert_cmpstr(vg_device_add(g, 0, "d0", 1, ""), ==, NULL);
    reads = vf_client_count(c, VF_OP_CONFIG_READ, 0);
    vg_device_del(g, "d0", 1);
    g_assert_cmpuint(reads, >, 10);

    for (unsigned int nth = 1; nth <= reads; nth++) {
        g_autofree gchar *err = NULL;

        vf_client_rule(c, VF_OP_CONFIG_READ, nth, 1, EIO);
        err = vg_device_add(g, 0, "d0", 1, "");
        vf_client_clear_rules(c);
        if (err) {
            refused++;
            vg_assert_has(err, "vfio d0: ");
            vg_settle(g);
        } else {
            vg_device_del(g, "d0", 1);
        }
        vf_client_assert_clean(c);
    }
    g_assert_cmpuint(refused, >, 0);

    /* The next one has no trouble */
    g_assert_cmpstr(vg_device_add(g, 0, "d0", 1, ""), ==, NULL);
    g_assert_cmphex(vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, NULL), ==,
                    0xff8);
    g_free(vg_end(g));
}

/* MSI-X structures in a BAR of that number (PCIe 6.2, 7.7.2.3 and 7.7.2.4) */
static void table_in_absent(VfDevice *d)
{
    vf_put32(d->phys + VF_IMAGE_MSIX_CAP + PCI_MSIX_TABLE, 2);
}

static void table_in_6(VfDevice *d)
{
    vf_put32(d->phys + VF_IMAGE_MSIX_CAP + PCI_MSIX_TABLE, 6);
}

static void pba_in_absent(VfDevice *d)
{
    vf_put32(d->phys + VF_IMAGE_MSIX_CAP + PCI_MSIX_PBA, 0x800 | 2);
}

static void pba_in_7(VfDevice *d)
{
    vf_put32(d->phys + VF_IMAGE_MSIX_CAP + PCI_MSIX_PBA, 0x800 | 7);
}

static void pin_5(VfDevice *d)
{
    d->phys[PCI_INTERRUPT_PIN] = 5;
}

typedef struct RegisterTest {
    const char *name;
    void (*describe)(VfDevice *d);
    const char *error;
} RegisterTest;

static const RegisterTest tests[] = {
    { "msix-table-in-absent", table_in_absent,
      "vfio d0: the MSI-X table is in BAR 2, which the device does not have" },
    { "msix-table-in-6", table_in_6,
      "vfio d0: the MSI-X table is in BAR 6, which the device does not have" },
    { "msix-pba-in-absent", pba_in_absent,
      "vfio d0: the MSI-X PBA is in BAR 2, which the device does not have" },
    { "msix-pba-in-7", pba_in_7,
      "vfio d0: the MSI-X PBA is in BAR 7, which the device does not have" },
    { "pin-5", pin_5, "vfio d0: the device has an interrupt pin 5" },
};

static void test_register(const void *opaque)
{
    const RegisterTest *t = opaque;
    VfGuest *g = start(t->describe);
    g_autofree gchar *err = vg_device_add(g, 0, "d0", 1, "");

    vg_assert_has(err, t->error);
    vf_client_assert_clean(g->c);
    vg_end_silent(g);
}

/* A list that is cut where it stops making sense */
static void short_first(VfDevice *d)
{
    vf_put32(d->phys + 0x100, PCI_EXT_CAP_ID_LTR | 1 << 16 | 0x104u << 20);
    vf_put32(d->phys + 0x104, PCI_EXT_CAP_ID_DSN | 1 << 16);
}

static void short_second(VfDevice *d)
{
    vf_put32(d->phys + 0x100, PCI_EXT_CAP_ID_ERR | 2 << 16 | 0x200u << 20);
    vf_put32(d->phys + 0x200, PCI_EXT_CAP_ID_LTR | 1 << 16 | 0x204u << 20);
    vf_put32(d->phys + 0x204, PCI_EXT_CAP_ID_DSN | 1 << 16);
}

static void at_end(VfDevice *d)
{
    vf_put32(d->phys + 0x100, PCI_EXT_CAP_ID_ERR | 2 << 16 | 0xffcu << 20);
    vf_put32(d->phys + 0xffc, PCI_EXT_CAP_ID_LTR | 1 << 16);
}

static void loop(VfDevice *d)
{
    vf_put32(d->phys + 0x100, PCI_EXT_CAP_ID_ERR | 2 << 16 | 0x200u << 20);
    vf_put32(d->phys + 0x200, PCI_EXT_CAP_ID_LTR | 1 << 16 | 0x100u << 20);
}

typedef struct ListTest {
    const char *name;
    void (*describe)(VfDevice *d);
    uint16_t last;              /* capability that the list ends with */
    const char *warning;
} ListTest;

static const ListTest list_tests[] = {
    { "short-first", short_first, 0,
      "the extended capability at 0x100 has less than 8 bytes" },
    { "short-second", short_second, 0x100,
      "the extended capability at 0x200 has less than 8 bytes" },
    { "at-end", at_end, 0x100,
      "the extended capability at 0xffc has less than 8 bytes" },
    { "loop", loop, 0x200,
      "the list of extended capabilities loops at 0x200; the guest sees what "
      "is before that" },
};

static void test_list(const void *opaque)
{
    const ListTest *t = opaque;
    VfGuest *g = start(t->describe);
    g_autofree gchar *text = NULL;
    uint16_t last = 0;

    g_assert_cmpstr(vg_device_add(g, 0, "d0", 1, ",vpasid=off"), ==, NULL);
    if (vg_config_readl(g, 1, 0, PCI_CFG_SPACE_SIZE)) {
        for (uint16_t pos = PCI_CFG_SPACE_SIZE; pos;
             pos = PCI_EXT_CAP_NEXT(vg_config_readl(g, 1, 0, pos))) {
            g_assert_cmphex(pos, >, last);
            last = pos;
        }
    }
    g_assert_cmphex(last, ==, t->last);
    text = vg_end(g);
    vg_assert_has(text, "vfio d0: ");
    vg_assert_has(text, t->warning);
}

/* Devices that are a process on the other end of a socket */
#define USER_BAR_SIZE 0x4000
#define USER_DEVICE "{'driver': 'vfio-user-pci', 'id': 'd0'," \
                    " 'socket': {'type': 'unix', 'path': %s}}"

typedef struct UserTest {
    const char *name;
    const char *viommu;         /* options of QEMU */
    void (*describe)(VfDevice *d);
    uint16_t fails;             /* command that the server fails */
    const char *error;
} UserTest;

/* From what is refused before realize to what is refused at the end of it */
static const UserTest user_tests[] = {
    { "viommu", ACCEL, NULL, 0,
      "arm-smmuv3: accel=on cannot translate for d0" },
    { "version", "", NULL, VFIO_USER_VERSION, "version reply" },
    { "info", "", NULL, VFIO_USER_DEVICE_GET_INFO,
      "VFIO_USER_DEVICE_GET_INFO failed" },
    { "bar", "", NULL, VFIO_USER_DEVICE_GET_REGION_INFO,
      "failed to get region 0 info" },
    { "config", "", NULL, VFIO_USER_REGION_READ,
      "failed to read device config space" },
    { "msix-table", "", table_in_absent, 0,
      "the MSI-X table is in BAR 2, which the device does not have" },
    { "pin", "", pin_5, 0, "the device has an interrupt pin 5" },
    { "interrupt", "", NULL, VFIO_USER_DEVICE_SET_IRQS,
      "Failed to set up TRIGGER eventfd signaling for interrupt INTX-0" },
};

typedef struct User {
    gchar *dir, *path;
    VuServer *server;
    VuDevice device;
} User;

/* The device is one of @c, which the test does not pass through */
static void user_start(User *u, VfClient *c, void (*describe)(VfDevice *d),
                       uint16_t fails)
{
    VfDevice *d = vf_client_add_device(c);

    vf_image_ext_caps(d->phys, caps_aer);
    if (describe) {
        describe(d);
    }
    u->device.config = d->phys;
    u->device.bar0 = USER_BAR_SIZE;
    u->device.fails = fails;
    u->dir = g_dir_make_tmp("vfio-fake-XXXXXX", NULL);
    u->path = g_build_filename(u->dir, "socket", NULL);
    u->server = vu_server_start(u->path, &u->device);
}

/* A connection that QEMU keeps does not let this return */
static void user_end(User *u)
{
    vu_server_end(u->server);
    rmdir(u->dir);
    g_free(u->dir);
    g_free(u->path);
}

static gchar *user_plug(VfGuest *g, User *u)
{
    return vg_plug(g, 1, qdict_from_jsonf_nofail(USER_DEVICE, u->path));
}

static void assert_user_works(VfGuest *g)
{
    g_assert_cmphex(vg_config_readl(g, 1, 0, PCI_VENDOR_ID), ==, 0x00fa1b36);
    g_assert_cmphex(vg_find_cap(g, 1, 0, PCI_CAP_ID_MSIX), ==,
                    VF_IMAGE_MSIX_CAP);
}

/* A refused device is gone, and the next one is not the worse for it */
static void test_user_plugged(const void *opaque)
{
    const UserTest *t = opaque;
    VfClient *c = vf_client_new();
    g_autofree gchar *err = NULL;
    User bad, good;
    VfGuest *g;

    user_start(&bad, c, t->describe, t->fails);
    user_start(&good, c, NULL, 0);
    g = vg_start(c, VG_MACHINE "%s" VG_PORT(1), "", t->viommu);
    vg_ports(g, 1);

    err = user_plug(g, &bad);
    vg_assert_has(err, t->error);
    vg_settle(g);
    user_end(&bad);

    if (!*t->viommu) {
        g_assert_cmpstr(user_plug(g, &good), ==, NULL);
        assert_user_works(g);
        vg_device_del(g, "d0", 1);
    }
    user_end(&good);
    vg_end_silent(g);
}

static void test_user_at_start(const void *opaque)
{
    const UserTest *t = opaque;
    VfClient *c = vf_client_new();
    g_autofree gchar *text = NULL;
    User bad;

    user_start(&bad, c, t->describe, t->fails);
    text = vg_refused(c, VG_MACHINE "%s" VG_PORT(1) "-device "
                      "'{\"driver\": \"vfio-user-pci\", \"id\": \"d0\","
                      " \"bus\": \"rp1\", \"socket\":"
                      " {\"type\": \"unix\", \"path\": \"%s\"}}'", "",
                      t->viommu, bad.path);
    vg_assert_has(text, t->error);
    user_end(&bad);
    vf_client_free(c);
}

/* Nor is the same slot after a device that came and went in peace */
static void test_user_replugged(void)
{
    VfClient *c = vf_client_new();
    VfGuest *g;
    User u[2];

    user_start(&u[0], c, NULL, 0);
    user_start(&u[1], c, NULL, 0);
    g = vg_start(c, VG_MACHINE VG_PORT(1), "");
    vg_ports(g, 1);
    for (int i = 0; i < ARRAY_SIZE(u); i++) {
        g_assert_cmpstr(user_plug(g, &u[i]), ==, NULL);
        assert_user_works(g);
        vg_device_del(g, "d0", 1);
        user_end(&u[i]);
    }
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("vfio-bad-registers/reads", test_reads);
    for (int i = 0; i < ARRAY_SIZE(tests); i++) {
        vg_add_test("vfio-bad-registers", tests[i].name, &tests[i],
                    test_register);
    }
    for (int i = 0; i < ARRAY_SIZE(list_tests); i++) {
        vg_add_test("vfio-bad-registers/list", list_tests[i].name,
                    &list_tests[i], test_list);
    }
    if (qtest_has_device("vfio-user-pci")) {
        for (int i = 0; i < ARRAY_SIZE(user_tests); i++) {
            vg_add_test("vfio-bad-registers/user-plugged", user_tests[i].name,
                        &user_tests[i], test_user_plugged);
            vg_add_test("vfio-bad-registers/user-at-start", user_tests[i].name,
                        &user_tests[i], test_user_at_start);
        }
        qtest_add_func("vfio-bad-registers/user-replugged",
                       test_user_replugged);
    }
    return g_test_run();
}
