/*
 * QTest of VFIO PCI devices with registers that are wrong or unreadable
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * QEMU may refuse the device, or leave out a feature. It has to go on in any
 * case, and to undo everything when the device is gone.
 */

#include "qemu/osdep.h"

#include <linux/vfio.h>

#include "hw/pci/pci_regs.h"
#include "qemu/units.h"
#include "vfio-guest/guest.h"

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

static void table_ends_behind_bar(VfDevice *d)
{
    vf_put32(d->phys + VF_IMAGE_MSIX_CAP + PCI_MSIX_TABLE, 0x3fc8);
}

/* The sum of offset and size is 0x38 in 32 bits */
static void table_wraps(VfDevice *d)
{
    vf_put32(d->phys + VF_IMAGE_MSIX_CAP + PCI_MSIX_TABLE, 0xfffffff8);
}

/* The larger of the two values that are reserved (PCIe 6.2, 7.7.1.2) */
static void msi_128(VfDevice *d)
{
    d->phys[VF_IMAGE_AF_CAP + PCI_CAP_LIST_NEXT] = 0xb0;
    d->phys[0xb0] = PCI_CAP_ID_MSI;
    vf_put16(d->phys + 0xb0 + PCI_MSI_FLAGS, 7 << 1);
}

static void all_ones(VfDevice *d)
{
    memset(d->phys, 0xff, sizeof(d->phys));
}

static void bridge(VfDevice *d)
{
    d->phys[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE |
                               PCI_HEADER_TYPE_MFD;
    d->bar_size[2] = 0x1000;
}

static void config_386(VfDevice *d)
{
    vf_put32(d->phys + 0x100, PCI_EXT_CAP_ID_ERR | 2 << 16 | 0xf00u << 20);
    d->config_size = 386;
}

static void config_60(VfDevice *d)
{
    d->config_size = 60;
}

static void config_0(VfDevice *d)
{
    d->config_size = 0;
}

static void config_8192(VfDevice *d)
{
    d->config_size = 8192;
}

static void bar_12k(VfDevice *d)
{
    d->bar_size[2] = 0x3000;
}

static void bar_4g_of_32_bits(VfDevice *d)
{
    d->bar_size[2] = 0x100000000;
}

static void put_bar64(VfDevice *d, unsigned int bar)
{
    vf_put32(d->phys + PCI_BASE_ADDRESS_0 + 4 * bar,
             PCI_BASE_ADDRESS_MEM_TYPE_64);
    d->bar_size[bar] = 0x1000;
}

static void bar5_of_64_bits(VfDevice *d)
{
    put_bar64(d, 5);
}

static void bar_in_upper_half(VfDevice *d)
{
    put_bar64(d, 2);
    d->bar_size[3] = 0x1000;
}

typedef struct RegisterTest {
    const char *name;
    void (*describe)(VfDevice *d);
    const char *error;
} RegisterTest;

static const RegisterTest tests[] = {
    { .name = "msix-table-in-absent", .describe = table_in_absent, .error =
          "vfio d0: the MSI-X table is in BAR 2, which the device does not "
          "have" },
    { .name = "msix-table-in-6", .describe = table_in_6, .error =
          "vfio d0: the MSI-X table is in BAR 6, which the device does not "
          "have" },
    { .name = "msix-pba-in-absent", .describe = pba_in_absent, .error =
          "vfio d0: the MSI-X PBA is in BAR 2, which the device does not "
          "have" },
    { .name = "msix-pba-in-7", .describe = pba_in_7, .error =
          "vfio d0: the MSI-X PBA is in BAR 7, which the device does not "
          "have" },
    { .name = "msix-table-ends-behind-bar", .describe = table_ends_behind_bar,
      .error =
          "vfio d0: the MSI-X table ends at 0x4008 in BAR 0, which has 0x4000 "
      "bytes" },
    { .name = "msix-table-wraps", .describe = table_wraps,
      .error = "vfio d0: the MSI-X table ends at 0x100000038 in BAR 0" },
    { .name = "msi-128", .describe = msi_128,
      .error = "the device has 128 MSI vectors" },
    { .name = "pin-5", .describe = pin_5,
      .error = "vfio d0: the device has an interrupt pin 5" },
    { .name = "all-ones", .describe = all_ones,
      .error = "vfio d0: the device does not answer" },
    { .name = "bridge", .describe = bridge,
      .error = "vfio d0: the device has a header of type 1" },
    { .name = "config-386", .describe = config_386, .error =
          "vfio d0: the configuration space of the device has 0x182 bytes, "
          "which have to be 0x40 to 0x1000, and a multiple of 4 above 0x100" },
    { .name = "config-60", .describe = config_60, .error =
          "vfio d0: the configuration space of the device has 0x3c bytes" },
    { .name = "config-0", .describe = config_0,
      .error = "vfio d0: the configuration space of the device has 0x0 bytes" },
    { .name = "config-8192", .describe = config_8192, .error =
          "vfio d0: the configuration space of the device has 0x2000 bytes" },
    { .name = "bar-12k", .describe = bar_12k, .error =
          "vfio d0: BAR 2 of the device has 0x3000 bytes, which is no power "
          "of" },
    { .name = "bar-4g-of-32-bits", .describe = bar_4g_of_32_bits, .error =
          "vfio d0: BAR 2 of the device has 0x100000000 bytes, and a BAR of "
          "32" },
    { .name = "bar5-of-64-bits", .describe = bar5_of_64_bits, .error =
          "vfio d0: BAR 5 of the device has 64 bits, and there is no room "
          "for" },
    { .name = "bar-in-upper-half", .describe = bar_in_upper_half, .error =
          "vfio d0: BAR 2 of the device has 64 bits, and there is no room "
          "for" },
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

/* Devices that come up, with less than they say they have */
static void rom_odd(VfDevice *d)
{
    d->raw = 1;
    vf_put32(d->phys + PCI_ROM_ADDRESS, 0xfb300000);
}

static void rom_32m(VfDevice *d)
{
    d->rom_size = 32 * MiB;
}

/* QEMU has quirks for a BAR of these devices */
static void quirk_nvidia(VfDevice *d)
{
    vf_put32(d->phys + PCI_VENDOR_ID, 0x1b3810de);
    vf_put16(d->phys + PCI_CLASS_DEVICE, 0x0300);
    d->phys[VF_IMAGE_PCIE_CAP + PCI_CAP_LIST_NEXT] = 0;
    d->bar_size[0] = 0;
}

static void quirk_rtl8168(VfDevice *d)
{
    vf_put32(d->phys + PCI_VENDOR_ID, 0x816810ec);
}

static const RegisterTest less_tests[] = {
    { .name = "rom-odd", .describe = rom_odd,
      .error = "the expansion ROM of the device has 0x4d00000" },
    { .name = "rom-32m", .describe = rom_32m,
      .error = "the expansion ROM of the device has 0x2000000" },
    { .name = "quirk-nvidia-without-bar", .describe = quirk_nvidia },
    { .name = "quirk-rtl8168-without-bar", .describe = quirk_rtl8168 },
};

static void test_less(const void *opaque)
{
    const RegisterTest *t = opaque;
    VfGuest *g = start(t->describe);
    g_autofree gchar *text = NULL;

    g_assert_cmpstr(vg_device_add(g, 0, "d0", 1, ""), ==, NULL);
    g_assert_cmphex(vg_config_readl(g, 1, 0, PCI_ROM_ADDRESS), ==, 0);
    vg_device_del(g, "d0", 1);
    vf_client_assert_clean(g->c);
    text = vg_end(g);
    if (t->error) {
        vg_assert_has(text, t->error);
    } else {
        g_assert_cmpstr(text, ==, "");
    }
}

/* The expansion ROM is read when the guest reads it first */
#define WINDOW 0x10000000u

static void rom_64k(VfDevice *d)
{
    d->rom_size = 64 * KiB;
}

static VfGuest *start_with_rom(void)
{
    VfGuest *g = start(rom_64k);

    g_assert_cmpstr(vg_device_add(g, 0, "d0", 1, ""), ==, NULL);
    vg_config_writel(g, 0, 1 << 3, PCI_MEMORY_BASE, WINDOW >> 16 | WINDOW);
    vg_config_writel(g, 1, 0, PCI_ROM_ADDRESS, WINDOW | PCI_ROM_ADDRESS_ENABLE);
    vg_config_writew(g, 1, 0, PCI_COMMAND, PCI_COMMAND_MEMORY);
    return g;
}

/* The signature of a ROM, so that QEMU reads the structures behind it */
static void put_rom(VfClient *c)
{
    static const uint8_t rom[] = { 0x55, 0xaa, 1, 2 };
    off_t at = (off_t)VFIO_PCI_ROM_REGION_INDEX << VF_REGION_SHIFT;

    g_assert_cmpint(pwrite(c->device_fd[0], rom, sizeof(rom), at), ==,
                    sizeof(rom));
}

static void test_rom(void)
{
    VfGuest *g = start_with_rom();

    put_rom(g->c);
    g_assert_cmphex(qtest_readl(g->qts, WINDOW), ==, 0x0201aa55);
    vg_end_silent(g);
}

/* A region of @opaque bytes; 0: as many as 64 bits can say */
static void test_rom_size(const void *opaque)
{
    VfGuest *g = start_with_rom();
    uint64_t size = GPOINTER_TO_SIZE(opaque) ?: UINT64_MAX;
    g_autofree gchar *text = NULL;

    vf_client_change(g->c, VF_OP_GET_REGION_INFO, VFIO_PCI_ROM_REGION_INDEX,
                     offsetof(struct vfio_region_info, size), sizeof(size),
                     size);
    put_rom(g->c);
    for (int i = 0; i < 2; i++) {
        g_assert_cmphex(qtest_readl(g->qts, WINDOW), ==,
                        size < 64 ? 0 : 0x0201aa55);
    }
    text = vg_end(g);
    if (size < 64) {
        vg_assert_has(text, "Cannot read device rom at d0");
    } else {
        g_assert_cmpstr(text, ==, "");
    }
}

/*
 * Bytes behind its end read zero, whatever was read before. Eight bytes are
 * read in two halves, the second one right after the first.
 */
static void test_rom_behind(void)
{
    VfGuest *g = start_with_rom();
    off_t at = (off_t)VFIO_PCI_ROM_REGION_INDEX << VF_REGION_SHIFT;
    uint8_t rom[0x42] = { };

    memset(rom + 0x20, 0xa5, sizeof(rom) - 0x20);
    vf_client_change(g->c, VF_OP_GET_REGION_INFO, VFIO_PCI_ROM_REGION_INDEX,
                     offsetof(struct vfio_region_info, size), sizeof(uint64_t),
                     sizeof(rom));
    g_assert_cmpint(pwrite(g->c->device_fd[0], rom, sizeof(rom), at), ==,
                    sizeof(rom));
    put_rom(g->c);
    g_assert_cmphex(qtest_readq(g->qts, WINDOW + 0x3c), ==, 0xa5a5a5a5a5a5);
    g_assert_cmphex(qtest_readl(g->qts, WINDOW + 0x44), ==, 0);
    g_assert_cmphex(qtest_readl(g->qts, WINDOW + 0xfffc), ==, 0);
    vg_end_silent(g);
}

static void test_rom_put_off(void)
{
    VfGuest *g = start_with_rom();
    g_autofree gchar *text = NULL;

    vf_client_rule(g->c, VF_OP_REGION_READ, 1, UINT32_MAX, EAGAIN);
    g_assert_cmphex(qtest_readl(g->qts, WINDOW), ==, UINT32_MAX);
    text = vg_end(g);
    vg_assert_has(text, "Error reading device ROM: Resource temporarily");
}

/* A device has legacy interrupts from the start, or it has none */
static void no_pin(VfDevice *d)
{
    d->phys[PCI_INTERRUPT_PIN] = 0;
}

static void test_pin_later(void)
{
    VfGuest *g = start(no_pin);
    g_autofree gchar *text = NULL;

    g_assert_cmpstr(vg_device_add(g, 0, "d0", 1, ""), ==, NULL);
    g->c->shared->device[0].virt[PCI_INTERRUPT_PIN] = 1;
    g->c->shared->device[0].phys[PCI_INTERRUPT_PIN] = 1;
    vg_system_reset(g);
    vg_device_del(g, "d0", 1);
    vf_client_assert_clean(g->c);
    text = vg_end(g);
    vg_assert_has(text, "vfio d0: the device has an interrupt pin 1, and had "
                  "none when it was plugged in");
}

/* The sample mediated device of Linux, mtty, lacks the last byte */
static void test_config_size_255(void)
{
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);
    uint32_t id = vf_get32(d->phys + PCI_VENDOR_ID);
    VfGuest *g;

    d->config_size = PCI_CFG_SPACE_SIZE - 1;
    g = vg_start(c, VG_MACHINE VG_IOMMUFD VG_PORT(1)
                 "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1", "",
                 c->iommufd, c->device_fd[0]);
    vg_ports(g, 1);
    g_assert_cmphex(vg_config_readl(g, 1, 0, PCI_VENDOR_ID), ==, id);
    vg_config_readl(g, 1, 0, PCI_CFG_SPACE_SIZE - 4);
    vg_config_writel(g, 1, 0, PCI_CFG_SPACE_SIZE - 4, UINT32_MAX);
    g_free(vg_end(g));
}

/* A Netronome NFP6000 has less than 4096 bytes, and a guest looks for all */
static void test_config_size_1536(void)
{
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);
    uint32_t since;
    VfGuest *g;

    d->config_size = 0x600;
    vf_image_ext_caps(d->phys, caps_aer);
    vf_put32(d->phys + 0x5fc, 0x12345678);
    vf_put32(d->phys + 0x600, 0x9abcdef0);
    g = vg_start(c, VG_MACHINE VG_IOMMUFD VG_PORT(1)
                 "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1", "",
                 c->iommufd, c->device_fd[0]);
    vg_ports(g, 1);
    g_assert_cmphex(vg_config_readl(g, 1, 0, 0x100), ==, 0x00020001);
    g_assert_cmphex(vg_config_readl(g, 1, 0, 0x5fc), ==, 0x12345678);
    since = c->shared->log_len;
    for (uint16_t at = 0x600; at < VF_CONFIG_SIZE; at += 4) {
        g_assert_cmphex(vg_config_readl(g, 1, 0, at), ==, UINT32_MAX);
        vg_config_writel(g, 1, 0, at, 0);
    }
    g_assert_cmpuint(c->shared->log_len, ==, since);
    vg_end_silent(g);
}

/* A window of an ATI device to its configuration space: address and data */
#define VIRT_PIO    0x3eff0000u
#define ATI_IO_BAR  0x1000
#define ATI_WINDOW  0x4000

static void test_quirk_window(void)
{
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);
    const uint64_t io = VIRT_PIO + ATI_IO_BAR;
    const uint8_t devfn = 2 << 3;
    VfGuest *g;

    d->vga = 1;
    vf_put32(d->phys + PCI_VENDOR_ID, 0x67df1002);
    vf_put16(d->phys + PCI_CLASS_DEVICE, 0x0300);
    d->phys[PCI_BASE_ADDRESS_4] = PCI_BASE_ADDRESS_SPACE_IO;
    d->bar_size[4] = 256;
    g = vg_start(c, VG_MACHINE VG_IOMMUFD "-device vfio-pci,iommufd=i0,fd=%d,"
                 "id=d0,bus=pcie.0,addr=2,x-vga=on", "", c->iommufd,
                 c->device_fd[0]);
    vg_config_writel(g, 0, devfn, PCI_BASE_ADDRESS_4, ATI_IO_BAR);
    vg_config_writew(g, 0, devfn, PCI_COMMAND, PCI_COMMAND_IO);

    qtest_writel(g->qts, io, ATI_WINDOW | PCI_VENDOR_ID);
    g_assert_cmphex(qtest_readl(g->qts, io + 4), ==, 0x67df1002);
    /* Four bytes, of which one is the last */
    qtest_writel(g->qts, io, ATI_WINDOW | (VF_CONFIG_SIZE - 1));
    g_assert_cmphex(qtest_readl(g->qts, io + 4), ==, UINT32_MAX);
    qtest_writel(g->qts, io + 4, 0);
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
    for (int i = 0; i < ARRAY_SIZE(less_tests); i++) {
        vg_add_test("vfio-bad-registers/less", less_tests[i].name,
                    &less_tests[i], test_less);
    }
    qtest_add_func("vfio-bad-registers/rom/sound", test_rom);
    qtest_add_data_func("vfio-bad-registers/rom/8-bytes", GSIZE_TO_POINTER(8),
                        test_rom_size);
    qtest_add_data_func("vfio-bad-registers/rom/endless", NULL, test_rom_size);
    qtest_add_func("vfio-bad-registers/rom/behind", test_rom_behind);
    qtest_add_func("vfio-bad-registers/rom/put-off", test_rom_put_off);
    qtest_add_func("vfio-bad-registers/pin-later", test_pin_later);
    qtest_add_func("vfio-bad-registers/config-size-255", test_config_size_255);
    qtest_add_func("vfio-bad-registers/config-size-1536",
                   test_config_size_1536);
    qtest_add_func("vfio-bad-registers/quirk-window", test_quirk_window);
    return g_test_run();
}
