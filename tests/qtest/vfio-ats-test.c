/*
 * QTest of vfio-pci: the property ats
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each row is a device and what the host says of it, with the place where the
 * guest must find the ATS capability, or with the error of ats=on.
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "vfio-guest/guest.h"

#define ACCEL "-device arm-smmuv3,primary-bus=pcie.0,accel=on "

/* iommufd.h IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED */
#define ATS_NOT_SUPPORTED (1ull << 3)

typedef struct AtsTest {
    const char *name;
    const char *viommu;
    const char *options;
    uint64_t hw_caps;
    const VfExtCap *caps;
    uint16_t offset;            /* where the guest sees ATS; 0: nowhere */
    const char *said;           /* the error; NULL: none */
} AtsTest;

static const VfExtCap none[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c }, { }
};
static const VfExtCap between[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c },
    { 0x200, PCI_EXT_CAP_ID_ATS, 1, 8 },
    { 0x300, PCI_EXT_CAP_ID_LTR, 1, 8 }, { }
};
static const VfExtCap alone[] = {
    { 0x100, PCI_EXT_CAP_ID_ATS, 1, 8 }, { }
};

static const AtsTest ats_tests[] = {
    { .name = "default", .viommu = ACCEL, .options = "", .caps = between,
      .offset = 0x200 },
    { .name = "default-host-none", .viommu = ACCEL, .options = "",
      .hw_caps = ATS_NOT_SUPPORTED, .caps = between },
    { .name = "auto", .viommu = ACCEL, .options = ",ats=auto",
      .caps = alone, .offset = 0x100 },
    { .name = "auto-host-none", .viommu = ACCEL, .options = ",ats=auto",
      .hw_caps = ATS_NOT_SUPPORTED, .caps = alone },
    { .name = "auto-device-none", .viommu = ACCEL, .options = ",ats=auto",
      .caps = none },
    /* As it was before the property was there */
    { .name = "auto-no-viommu", .viommu = "", .options = "",
      .hw_caps = ATS_NOT_SUPPORTED, .caps = between, .offset = 0x200 },
    { .name = "off", .viommu = ACCEL, .options = ",ats=off",
      .caps = between },
    { .name = "off-alone", .viommu = ACCEL, .options = ",ats=off",
      .caps = alone },
    { .name = "off-no-viommu", .viommu = "", .options = ",ats=off",
      .caps = between },
    { .name = "on", .viommu = ACCEL, .options = ",ats=on", .caps = between,
      .offset = 0x200 },
    { .name = "on-no-viommu", .viommu = "", .options = ",ats=on",
      .caps = alone, .offset = 0x100 },
    { .name = "on-host-none", .viommu = ACCEL, .options = ",ats=on",
      .hw_caps = ATS_NOT_SUPPORTED, .caps = between,
      .said = "ats=on, but the host's IOMMU" },
    { .name = "on-device-none", .viommu = ACCEL, .options = ",ats=on",
      .caps = none, .said = "ats=on, but the device has no ATS capability" },
    { .name = "on-no-list", .viommu = ACCEL, .options = ",ats=on",
      .said = "ats=on, but the device has no ATS capability" },
};

static void test_row(const void *opaque)
{
    const AtsTest *t = opaque;
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);
    g_autofree gchar *err = NULL;
    unsigned int count = 0;
    VfGuest *g;

    d->hw_caps |= t->hw_caps;
    if (t->caps) {
        vf_image_ext_caps(d->phys, t->caps);
    }
    g = vg_start(c, VG_MACHINE "%s" VG_IOMMUFD VG_PORT(1), "", t->viommu,
                 c->iommufd);
    vg_ports(g, 1);
    err = vg_device_add(g, 0, "d0", 1, t->options);
    if (t->said) {
        g_assert_nonnull(err);
        vg_assert_has(err, t->said);
        vg_assert_has(err, "d0");
        vg_assert_has(err, "ats=auto");
        vf_client_assert_clean(c);
        vg_end_silent(g);
        return;
    }
    g_assert_cmpstr(err, ==, NULL);
    g_assert_cmphex(vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_ATS, &count), ==,
                    t->offset);
    g_assert_cmpuint(count, ==, t->offset ? 1 : 0);
    /* The other capabilities are where they were */
    for (const VfExtCap *cap = t->caps; cap->size; cap++) {
        if (cap->id != PCI_EXT_CAP_ID_ATS) {
            g_assert_cmphex(vg_find_ext_cap(g, 1, 0, cap->id, NULL), ==,
                            cap->offset);
        }
    }
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(ats_tests); i++) {
        vg_add_test("vfio-ats", ats_tests[i].name, &ats_tests[i], test_row);
    }
    return g_test_run();
}
