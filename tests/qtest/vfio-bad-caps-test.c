/*
 * QTest of VFIO PCI devices with broken capability lists
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A list is cut where it cannot be followed, and a capability without room for
 * its registers is taken out, as is the second of a kind that QEMU emulates.
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "vfio-guest/guest.h"

/* Longest list of a row; 0 ends one */
#define MOST 8

typedef struct ListTest {
    const char *name;
    void (*describe)(VfDevice *d);
    uint16_t list[MOST];        /* that the guest reads */
    const char *warning;        /* NULL: none */
    uint16_t at;                /* register, 0: none */
    uint32_t value;             /* that the guest reads there */
} ListTest;

static VfGuest *start(void (*describe)(VfDevice *d))
{
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);
    VfGuest *g;

    describe(d);
    g = vg_start(c, VG_MACHINE VG_IOMMUFD VG_PORT(1), "", c->iommufd);
    vg_ports(g, 1);
    g_assert_cmpstr(vg_device_add(g, 0, "d0", 1, ",x-vpasid=off"), ==, NULL);
    return g;
}

static void end(VfGuest *g, const char *warning)
{
    g_autofree gchar *text = NULL;

    vg_device_del(g, "d0", 1);
    vf_client_assert_clean(g->c);
    text = vg_end(g);
    if (warning) {
        vg_assert_has(text, "vfio d0: ");
        vg_assert_has(text, warning);
        g_assert_null(strstr(strchr(text, '\n') + 1, "\n"));
    } else {
        g_assert_cmpstr(text, ==, "");
    }
}

/* Standard capabilities: PM at 0x40, PCIe at 0x50, MSI-X at 0x90, AF at 0xa0 */
static void std_sound(VfDevice *d)
{
}

static void std_loop(VfDevice *d)
{
    d->phys[VF_IMAGE_MSIX_CAP + PCI_CAP_LIST_NEXT] = VF_IMAGE_PM_CAP;
}

static void std_loop_raw(VfDevice *d)
{
    d->raw = 1;
    std_loop(d);
}

static void std_loop_to_itself(VfDevice *d)
{
    d->raw = 1;
    d->phys[VF_IMAGE_AF_CAP + PCI_CAP_LIST_NEXT] = VF_IMAGE_AF_CAP;
}

static void std_loop_at_head(VfDevice *d)
{
    d->raw = 1;
    d->phys[VF_IMAGE_PM_CAP + PCI_CAP_LIST_NEXT] = VF_IMAGE_PM_CAP;
}

static void std_loop_unaligned(VfDevice *d)
{
    d->raw = 1;
    d->phys[VF_IMAGE_AF_CAP + PCI_CAP_LIST_NEXT] = VF_IMAGE_PCIE_CAP + 3;
}

static void std_unaligned(VfDevice *d)
{
    d->raw = 1;
    d->phys[PCI_CAPABILITY_LIST] = VF_IMAGE_PM_CAP + 1;
    d->phys[VF_IMAGE_PM_CAP + PCI_CAP_LIST_NEXT] = VF_IMAGE_PCIE_CAP + 2;
    d->phys[VF_IMAGE_AF_CAP + PCI_CAP_LIST_NEXT] = 3;
}

static void std_into_header(VfDevice *d)
{
    d->raw = 1;
    d->phys[VF_IMAGE_MSIX_CAP + PCI_CAP_LIST_NEXT] = PCI_CAPABILITY_LIST;
}

static void std_head_in_header(VfDevice *d)
{
    d->raw = 1;
    d->phys[PCI_CAPABILITY_LIST] = 0x3c;
}

static void std_pm_at_end(VfDevice *d)
{
    d->raw = 1;
    d->phys[VF_IMAGE_AF_CAP + PCI_CAP_LIST_NEXT] = 0xfc;
    d->phys[0xfc] = PCI_CAP_ID_PM;
    d->phys[VF_IMAGE_PM_CAP] = PCI_CAP_ID_VPD;
}

static void std_msi_at_end(VfDevice *d)
{
    d->raw = 1;
    d->phys[VF_IMAGE_AF_CAP + PCI_CAP_LIST_NEXT] = 0xf0;
    d->phys[0xf0] = PCI_CAP_ID_MSI;
    vf_put16(d->phys + 0xf0 + PCI_MSI_FLAGS,
             PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT);
}

static void std_msi_at_end_of_256(VfDevice *d)
{
    d->config_size = PCI_CFG_SPACE_SIZE;
    std_msi_at_end(d);
}

static void std_msi_fits(VfDevice *d)
{
    std_msi_at_end_of_256(d);
    vf_put16(d->phys + 0xf0 + PCI_MSI_FLAGS, PCI_MSI_FLAGS_64BIT);
}

static void std_msix_at_end(VfDevice *d)
{
    d->raw = 1;
    d->config_size = PCI_CFG_SPACE_SIZE;
    d->phys[VF_IMAGE_PCIE_CAP + PCI_CAP_LIST_NEXT] = 0xf8;
    d->phys[0xf8] = PCI_CAP_ID_MSIX;
}

/* PCI Express, in place of the one at 0x50, between PM and MSI-X */
static void put_pcie(VfDevice *d, uint8_t pos, uint16_t flags)
{
    d->raw = 1;
    memset(d->phys + VF_IMAGE_PCIE_CAP, 0, 0x3c);
    d->phys[VF_IMAGE_PM_CAP + PCI_CAP_LIST_NEXT] = pos;
    d->phys[pos] = PCI_CAP_ID_EXP;
    d->phys[pos + PCI_CAP_LIST_NEXT] = VF_IMAGE_MSIX_CAP;
    vf_put16(d->phys + pos + PCI_EXP_FLAGS, flags);
}

/* Link Status of version 1 ends with 20 bytes */
static void std_pcie_at_end(VfDevice *d)
{
    put_pcie(d, 0xf0, 1 | PCI_EXP_TYPE_ENDPOINT << 4);
}

/*
 * A Root Complex Integrated Endpoint has no link (PCIe 6.2, 7.5.3): it has 12
 * bytes of version 1, and 44 of version 2.
 */
static void std_rc_end_v1(VfDevice *d)
{
    put_pcie(d, 0xf4, 1 | PCI_EXP_TYPE_RC_END << 4);
}

static void std_rc_end_v1_cut(VfDevice *d)
{
    put_pcie(d, 0xf8, 1 | PCI_EXP_TYPE_RC_END << 4);
}

/* The next capability begins where others have link registers */
static void std_rc_end_v1_close(VfDevice *d)
{
    put_pcie(d, 0x84, 1 | PCI_EXP_TYPE_RC_END << 4);
}

static void std_rc_end_v2(VfDevice *d)
{
    put_pcie(d, 0xd4, 2 | PCI_EXP_TYPE_RC_END << 4);
}

static void std_rc_end_v2_cut(VfDevice *d)
{
    put_pcie(d, 0xd8, 2 | PCI_EXP_TYPE_RC_END << 4);
}

static void std_msix_twice(VfDevice *d)
{
    d->raw = 1;
    d->phys[VF_IMAGE_AF_CAP + PCI_CAP_LIST_NEXT] = 0xb0;
    memcpy(d->phys + 0xb0, d->phys + VF_IMAGE_MSIX_CAP, 12);
    d->phys[0xb0 + PCI_CAP_LIST_NEXT] = 0;
}

static void std_vendor_twice(VfDevice *d)
{
    d->raw = 1;
    d->phys[VF_IMAGE_AF_CAP + PCI_CAP_LIST_NEXT] = 0xb0;
    memcpy(d->phys + 0xb0, (uint8_t[]) { PCI_CAP_ID_VNDR, 0xc0, 8 }, 3);
    memcpy(d->phys + 0xc0, (uint8_t[]) { PCI_CAP_ID_VNDR, 0, 8 }, 3);
}

static const ListTest std_tests[] = {
    { .name = "sound", .describe = std_sound,
      .list = { 0x40, 0x50, 0x90, 0xa0 } },
    { .name = "loop", .describe = std_loop, .list = { 0x40, 0x50, 0x90 },
      .warning =
          "the list of capabilities loops at 0x91; the guest sees what is "
          "before" },
    { .name = "loop-raw", .describe = std_loop_raw,
      .list = { 0x40, 0x50, 0x90 },
      .warning = "the list of capabilities loops at 0x91" },
    { .name = "loop-to-itself", .describe = std_loop_to_itself,
      .list = { 0x40, 0x50, 0x90, 0xa0 },
      .warning = "the list of capabilities loops at 0xa1" },
    { .name = "loop-at-head", .describe = std_loop_at_head, .list = { 0x40 },
      .warning = "the list of capabilities loops at 0x41" },
    { .name = "loop-unaligned", .describe = std_loop_unaligned,
      .list = { 0x40, 0x50, 0x90, 0xa0 },
      .warning = "the list of capabilities loops at 0xa1" },
    { .name = "unaligned", .describe = std_unaligned,
      .list = { 0x40, 0x50, 0x90, 0xa0 } },
    { .name = "into-header", .describe = std_into_header,
      .list = { 0x40, 0x50, 0x90 },
      .warning = "the list of capabilities leads into the header at 0x91" },
    { .name = "head-in-header", .describe = std_head_in_header,
      .warning = "the list of capabilities leads into the header at 0x34" },
    { .name = "pm-at-end", .describe = std_pm_at_end,
      .list = { 0x40, 0x50, 0x90, 0xa0 },
      .warning = "the capability 0x1 at 0xfc needs 8 bytes and has 4" },
    { .name = "msi-at-end", .describe = std_msi_at_end,
      .list = { 0x40, 0x50, 0x90, 0xa0 },
      .warning = "the capability 0x5 at 0xf0 needs 24 bytes and has 16" },
    { .name = "msi-at-end-of-256", .describe = std_msi_at_end_of_256,
      .list = { 0x40, 0x50, 0x90, 0xa0 },
      .warning = "the capability 0x5 at 0xf0 needs 24 bytes and has 16" },
    { .name = "msi-fits", .describe = std_msi_fits,
      .list = { 0x40, 0x50, 0x90, 0xa0, 0xf0 } },
    { .name = "msix-at-end", .describe = std_msix_at_end,
      .list = { 0x40, 0x50 },
      .warning = "the capability 0x11 at 0xf8 needs 12 bytes and has 8" },
    { .name = "pcie-at-end", .describe = std_pcie_at_end,
      .list = { 0x40, 0x90, 0xa0 },
      .warning = "the capability 0x10 at 0xf0 needs 20 bytes and has 16" },
    /* Without room for link registers it cannot become another endpoint */
    { .name = "rc-end-v1", .describe = std_rc_end_v1,
      .list = { 0x40, 0xf4, 0x90, 0xa0 }, .at = 0xf4, .value = 0x00919010 },
    { .name = "rc-end-v1-cut", .describe = std_rc_end_v1_cut,
      .list = { 0x40, 0x90, 0xa0 },
      .warning = "the capability 0x10 at 0xf8 needs 12 bytes and has 8" },
    { .name = "rc-end-v1-close", .describe = std_rc_end_v1_close,
      .list = { 0x40, 0x84, 0x90, 0xa0 }, .at = 0x84, .value = 0x00919010 },
    { .name = "rc-end-v2", .describe = std_rc_end_v2,
      .list = { 0x40, 0xd4, 0x90, 0xa0 }, .at = 0xd4, .value = 0x00029010 },
    { .name = "rc-end-v2-cut", .describe = std_rc_end_v2_cut,
      .list = { 0x40, 0x90, 0xa0 },
      .warning = "the capability 0x10 at 0xd8 needs 44 bytes and has 40" },
    { .name = "msix-twice", .describe = std_msix_twice,
      .list = { 0x40, 0x50, 0x90, 0xa0 },
      .warning = "the capability 0x11 at 0xb0 is the second of its kind" },
    { .name = "vendor-twice", .describe = std_vendor_twice,
      .list = { 0x40, 0x50, 0x90, 0xa0, 0xb0, 0xc0 } },
};

static void test_std(const void *opaque)
{
    const ListTest *t = opaque;
    VfGuest *g = start(t->describe);
    uint8_t pos = vg_config_readw(g, 1, 0, PCI_CAPABILITY_LIST) & 0xff;
    uint16_t status = vg_config_readw(g, 1, 0, PCI_STATUS);

    g_assert_cmphex(status & PCI_STATUS_CAP_LIST, ==,
                    t->list[0] ? PCI_STATUS_CAP_LIST : 0);
    for (int i = 0; t->list[i]; i++) {
        g_assert_cmphex(pos, ==, t->list[i]);
        pos = vg_config_readw(g, 1, 0, pos) >> 8;
    }
    g_assert_cmphex(pos, ==, 0);
    if (t->at) {
        g_assert_cmphex(vg_config_readl(g, 1, 0, t->at), ==, t->value);
    }
    end(g, t->warning);
}

/* On a root bus the link goes away, and what follows at its end stays */
static void test_root_bus(void)
{
    VfClient *c = vf_client_new();
    VfGuest *g;

    put_pcie(vf_client_add_device(c), 0x60, 2 | PCI_EXP_TYPE_ENDPOINT << 4);
    g = vg_start(c, VG_MACHINE VG_IOMMUFD "-device vfio-pci,iommufd=i0,fd=%d,"
                 "id=d0,bus=pcie.0,addr=2", "", c->iommufd, c->device_fd[0]);
    g_assert_cmphex(vg_config_readl(g, 0, 2 << 3, 0x60), ==, 0x00929010);
    g_assert_cmphex(vg_config_readw(g, 0, 2 << 3, VF_IMAGE_MSIX_CAP), ==,
                    PCI_CAP_ID_MSIX | VF_IMAGE_AF_CAP << 8);
    vg_end_silent(g);
}

/* Extended capabilities */
static void put_ext(VfDevice *d, uint16_t offset, uint16_t id, uint8_t version,
                    uint16_t next)
{
    vf_put32(d->phys + offset, id | version << 16 | (uint32_t)next << 20);
}

static void ext_short_first(VfDevice *d)
{
    put_ext(d, 0x100, PCI_EXT_CAP_ID_LTR, 1, 0x104);
    put_ext(d, 0x104, PCI_EXT_CAP_ID_DSN, 1, 0);
}

static void ext_short_second(VfDevice *d)
{
    put_ext(d, 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x200);
    put_ext(d, 0x200, PCI_EXT_CAP_ID_LTR, 1, 0x204);
    put_ext(d, 0x204, PCI_EXT_CAP_ID_DSN, 1, 0);
}

static void ext_at_end(VfDevice *d)
{
    put_ext(d, 0x100, PCI_EXT_CAP_ID_ERR, 2, 0xffc);
    put_ext(d, 0xffc, PCI_EXT_CAP_ID_LTR, 1, 0);
}

static void ext_only_at_end(VfDevice *d)
{
    put_ext(d, 0x100, 0, 0, 0xffc);
    put_ext(d, 0xffc, PCI_EXT_CAP_ID_LTR, 1, 0);
    d->raw = 1;
}

/* Without standard capabilities QEMU takes the extended list as it is */
static void no_std(VfDevice *d)
{
    d->raw = 1;
    d->phys[PCI_STATUS] &= ~PCI_STATUS_CAP_LIST;
}

static void ext_at_end_no_std(VfDevice *d)
{
    no_std(d);
    ext_at_end(d);
}

static void ext_loop_at_end_no_std(VfDevice *d)
{
    no_std(d);
    put_ext(d, 0x100, PCI_EXT_CAP_ID_ERR, 2, 0xffc);
    put_ext(d, 0xffc, PCI_EXT_CAP_ID_LTR, 1, 0xffc);
}

static void ext_null_at_end_no_std(VfDevice *d)
{
    no_std(d);
    put_ext(d, 0x100, PCI_EXT_CAP_ID_ERR, 2, 0xffc);
    put_ext(d, 0xffc, 0, 1, 0);
}

static void ext_middle_no_std(VfDevice *d)
{
    no_std(d);
    put_ext(d, 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x200);
    put_ext(d, 0x200, PCI_EXT_CAP_ID_LTR, 1, 0x204);
    put_ext(d, 0x204, PCI_EXT_CAP_ID_DSN, 1, 0);
}

static void ext_loop(VfDevice *d)
{
    put_ext(d, 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x200);
    put_ext(d, 0x200, PCI_EXT_CAP_ID_LTR, 1, 0x100);
}

static void ext_cut_short(VfDevice *d)
{
    put_ext(d, 0x100, PCI_EXT_CAP_ID_LTR, 1, 0xff0);
    put_ext(d, 0xff0, PCI_EXT_CAP_ID_ERR, 2, 0x200);
    put_ext(d, 0x200, PCI_EXT_CAP_ID_DSN, 1, 0);
}

/* Seven BARs are no number that there can be; QEMU writes to as many */
static void put_rebar(VfDevice *d, uint16_t offset, uint16_t next)
{
    put_ext(d, offset, PCI_EXT_CAP_ID_REBAR, 1, next);
    for (int i = 0; i < 7 && offset + 12 + 8 * i <= VF_CONFIG_SIZE; i++) {
        vf_put32(d->phys + offset + 8 + 8 * i, 7 << 5);
    }
}

static void ext_rebar_at_end(VfDevice *d)
{
    put_ext(d, 0x100, PCI_EXT_CAP_ID_LTR, 1, 0xff4);
    put_rebar(d, 0xff4, 0);
}

/* A write of QEMU to the second BAR would link the other one to 0x004 */
static void ext_rebar_over_header(VfDevice *d)
{
    d->raw = 1;
    put_ext(d, 0x100, PCI_EXT_CAP_ID_LTR, 1, 0x20c);
    put_rebar(d, 0x200, 0);
    put_ext(d, 0x20c, PCI_EXT_CAP_ID_DSN, 1, 0x200);
    vf_put32(d->phys + 0x210, 18 << 8);
}

/* A device that has less than 4096 bytes */
static void ext_behind(VfDevice *d)
{
    d->config_size = 0x600;
    put_ext(d, 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x200);
    put_ext(d, 0x200, PCI_EXT_CAP_ID_LTR, 1, 0x600);
    put_ext(d, 0x600, PCI_EXT_CAP_ID_DSN, 1, 0);
}

static void ext_across(VfDevice *d)
{
    d->config_size = 0x600;
    put_ext(d, 0x100, PCI_EXT_CAP_ID_LTR, 1, 0x5f0);
    put_ext(d, 0x5f0, PCI_EXT_CAP_ID_ERR, 2, 0);
}

static void ext_last(VfDevice *d)
{
    d->config_size = 0x600;
    put_ext(d, 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x5f8);
    put_ext(d, 0x5f8, PCI_EXT_CAP_ID_LTR, 1, 0);
}

static const ListTest ext_tests[] = {
    { .name = "short-first", .describe = ext_short_first, .list = { 0x104 },
      .warning = "the extended capability Latency Tolerance "
      "Reporting at 0x100 needs 8 bytes and has 4" },
    { .name = "short-second", .describe = ext_short_second,
      .list = { 0x100, 0x204 },
      .warning = "the extended capability Latency Tolerance "
      "Reporting at 0x200 needs 8 bytes and has 4" },
    { .name = "at-end", .describe = ext_at_end, .list = { 0x100 },
      .warning = "the extended capability Latency Tolerance "
      "Reporting at 0xffc needs 8 bytes and has 4" },
    { .name = "only-at-end", .describe = ext_only_at_end,
      .warning = "the extended capability Latency Tolerance "
      "Reporting at 0xffc needs 8 bytes and has 4" },
    { .name = "loop", .describe = ext_loop, .list = { 0x100, 0x200 },
      .warning =
          "the list of extended capabilities loops at 0x200; the guest sees "
          "what "
      "is before that" },
    { .name = "no-standard/at-end", .describe = ext_at_end_no_std,
      .list = { 0x100 },
      .warning = "the extended capability Latency Tolerance "
      "Reporting at 0xffc needs 8 bytes and has 4" },
    { .name = "no-standard/null-at-end", .describe = ext_null_at_end_no_std,
      .list = { 0x100 } },
    { .name = "no-standard/middle", .describe = ext_middle_no_std,
      .list = { 0x100, 0x204 },
      .warning = "the extended capability Latency Tolerance "
      "Reporting at 0x200 needs 8 bytes and has 4" },
    { .name = "cut-short", .describe = ext_cut_short, .list = { 0x100, 0x200 },
      .warning =
          "the extended capability Advanced Error Reporting at 0xff0 does not "
          "end "
      "inside configuration space; the guest does not see it" },
    { .name = "rebar-at-end", .describe = ext_rebar_at_end, .list = { 0x100 },
      .warning =
          "the extended capability Resizable BAR at 0xff4 needs 60 bytes and "
          "has "
      "12; the guest does not see it" },
    { .name = "short/behind", .describe = ext_behind, .list = { 0x100, 0x200 },
      .warning = "an extended capability at 0x600 is behind the 0x600 bytes of "
                 "configuration space; the guest does not see it" },
    { .name = "short/across", .describe = ext_across, .list = { 0x100 },
      .warning = "the extended capability Advanced Error Reporting at 0x5f0 "
                 "does not end inside configuration space; the guest does not "
                 "see it" },
    { .name = "short/last", .describe = ext_last, .list = { 0x100, 0x5f8 } },
    { .name = "rebar-over-header", .describe = ext_rebar_over_header,
      .list = { 0x100, 0x20c }, .warning =
          "the extended capability Resizable BAR at 0x200 needs 60 bytes and "
          "has "
      "12; the guest does not see it" },
};

static void test_ext(const void *opaque)
{
    const ListTest *t = opaque;
    VfGuest *g = start(t->describe);
    uint32_t header = vg_config_readl(g, 1, 0, PCI_CFG_SPACE_SIZE);
    uint16_t pos = header ? PCI_CFG_SPACE_SIZE : 0;

    if (header && !PCI_EXT_CAP_ID(header)) {
        pos = PCI_EXT_CAP_NEXT(header);
    }
    for (int i = 0; t->list[i]; i++) {
        g_assert_cmphex(pos, ==, t->list[i]);
        pos = PCI_EXT_CAP_NEXT(vg_config_readl(g, 1, 0, pos));
    }
    g_assert_cmphex(pos, ==, 0);
    end(g, t->warning);
}

/* Two things are wrong here, and each is told of */
static void test_ext_loop_at_end(void)
{
    VfGuest *g = start(ext_loop_at_end_no_std);
    g_autofree gchar *text = NULL;

    g_assert_cmphex(PCI_EXT_CAP_NEXT(vg_config_readl(g, 1, 0, 0x100)), ==, 0);
    vg_device_del(g, "d0", 1);
    vf_client_assert_clean(g->c);
    text = vg_end(g);
    vg_assert_has(text, "at 0xffc needs 8 bytes and has 4");
    vg_assert_has(text, "the list of extended capabilities loops at 0xffc");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(std_tests); i++) {
        vg_add_test("vfio-bad-caps/standard", std_tests[i].name, &std_tests[i],
                    test_std);
    }
    qtest_add_func("vfio-bad-caps/standard/root-bus", test_root_bus);
    for (int i = 0; i < ARRAY_SIZE(ext_tests); i++) {
        vg_add_test("vfio-bad-caps/extended", ext_tests[i].name, &ext_tests[i],
                    test_ext);
    }
    qtest_add_func("vfio-bad-caps/extended/no-standard/loop-at-end",
                   test_ext_loop_at_end);
    return g_test_run();
}
