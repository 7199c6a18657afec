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
#include "vfio-fake/guest.h"

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
    return g_test_run();
}
