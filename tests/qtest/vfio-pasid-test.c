/*
 * QTest of the PASID capability of VFIO PCI devices
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each row is a device: the report of the host, the expected registers in the
 * guest, and the expected message for the user.
 */

#include "qemu/osdep.h"

#include <linux/iommufd.h>

#include "hw/pci/pci_regs.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "vfio-guest/guest.h"

#define ACCEL  "-device arm-smmuv3,primary-bus=pcie.0,accel=on,ssidsize=16 "
#define WIDE   "-device arm-smmuv3,primary-bus=pcie.0,accel=on,ssidsize=20 "
#define NARROW "-device arm-smmuv3,primary-bus=pcie.0,accel=on,ssidsize=5 "
#define NOSSID "-device arm-smmuv3,primary-bus=pcie.0,accel=on,ssidsize=0 "
#define BARE   "-device arm-smmuv3,primary-bus=pcie.0,accel=on "

/* Last place in config space, where the capability goes by default */
#define END_OFFSET  0xff8
#define PASID_SIZE  8
#define PASID_HEADER 0x0001001b

/* SSIDSIZE of SMMU_IDR1 (IHI0070, 6.3.2) */
#define IDR1_SSIDSIZE_SHIFT 6
#define IDR1_SSIDSIZE_MASK  (0x1fu << IDR1_SSIDSIZE_SHIFT)

#define WARNING "warning:"

typedef struct PasidTest {
    const char *name;
    const char *viommu;
    const char *options;
    void (*describe)(VfDevice *d);
    uint32_t width;             /* reported by the host; 0: 16 */
    uint64_t hw_caps;
    const VfExtCap *caps;       /* extended capabilities of the device */
    uint16_t offset;            /* where the guest sees one; 0: none */
    uint16_t cap_word;          /* register that the guest reads */
    const char *state;          /* fields of x-vpasid-state */
    const char *text;           /* and its sentence, in one row per reason */
} PasidTest;

static const VfExtCap caps_aer[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c }, { }
};
static const VfExtCap caps_aer_ats[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c },
    { 0x200, PCI_EXT_CAP_ID_ATS, 1, 8 }, { }
};
/* VFIO hides Secondary PCI Express and, as the first, leaves an anchor */
static const VfExtCap caps_hidden_first[] = {
    { 0x100, PCI_EXT_CAP_ID_SECPCI, 1, 0x20 }, { }
};
static const VfExtCap caps_anchor[] = {
    { 0x100, PCI_EXT_CAP_ID_SECPCI, 1, 0x20 },
    { 0x200, PCI_EXT_CAP_ID_ATS, 1, 8 }, { }
};

static void host_wide(VfDevice *d)
{
    d->idr[1] = (d->idr[1] & ~IDR1_SSIDSIZE_MASK) | 20 << IDR1_SSIDSIZE_SHIFT;
}

static void host_no_pasid(VfDevice *d)
{
    d->max_pasid_log2 = 0;
}

static void small_config(VfDevice *d)
{
    d->config_size = 256;
}

/* The device's own capability, which VFIO unlinks but leaves readable */
static void hidden_pasid(VfDevice *d)
{
    vf_image_physical_pasid(d->phys, 0x300, 16);
}

#define EXEC IOMMU_HW_CAP_PCI_PASID_EXEC
#define PRIV IOMMU_HW_CAP_PCI_PASID_PRIV

static const PasidTest tests[] = {
    /* Registers follow the report of the host */
    { .name = "width-1", .viommu = ACCEL, .options = "", .width = 1,
      .caps = caps_aer, .offset = END_OFFSET, .cap_word = 0x0100,
      .state = "offset=0xff8 width=1 exec=0 priv=0 where=end limit=host" },
    { .name = "width-8-exec", .viommu = ACCEL, .options = "", .width = 8,
      .hw_caps = EXEC, .caps = caps_aer, .offset = END_OFFSET,
      .cap_word = 0x0802,
      .state = "offset=0xff8 width=8 exec=1 priv=0 where=end limit=host",
      .text = "enabled: offset 0xff8, width 8, exec 1, priv 0, placed at the "
              "end of configuration space" },
    { .name = "width-16-priv", .viommu = ACCEL, .options = "", .width = 16,
      .hw_caps = PRIV, .caps = caps_aer, .offset = END_OFFSET,
      .cap_word = 0x1004,
      .state = "offset=0xff8 width=16 exec=0 priv=1 where=end limit=host" },
    { .name = "width-20-exec-priv", .viommu = WIDE, .options = "",
      .describe = host_wide, .width = 20, .hw_caps = EXEC | PRIV,
      .caps = caps_aer, .offset = END_OFFSET, .cap_word = 0x1406,
      .state = "offset=0xff8 width=20 exec=1 priv=1 where=end limit=host" },

    /* The width is the least of host, vIOMMU and specification */
    { .name = "viommu-narrower", .viommu = NARROW, .options = "", .width = 16,
      .caps = caps_aer, .offset = END_OFFSET, .cap_word = 0x0500,
      .state = "width=5 exec=0 priv=0 where=end limit=viommu",
      .text = "enabled: offset 0xff8, width 5 of the 16 of the host, exec 0, "
              "priv 0, placed at the end of configuration space" },
    { .name = "host-narrower", .viommu = WIDE, .options = "",
      .describe = host_wide, .width = 7, .caps = caps_aer,
      .offset = END_OFFSET, .cap_word = 0x0700,
      .state = "width=7 exec=0 priv=0 where=end limit=host" },
    { .name = "width-21", .viommu = WIDE, .options = "", .describe = host_wide,
      .width = 21, .caps = caps_aer, .offset = END_OFFSET, .cap_word = 0x1400,
      .state = "width=20 exec=0 priv=0 where=end limit=specification" },
    { .name = "width-255", .viommu = WIDE, .options = "",
      .describe = host_wide, .width = 255, .hw_caps = EXEC, .caps = caps_aer,
      .offset = END_OFFSET, .cap_word = 0x1402,
      .state = "width=20 exec=1 priv=0 where=end limit=specification" },

    /* Other capabilities of the device */
    { .name = "two-caps", .viommu = ACCEL, .options = "", .caps = caps_aer_ats,
      .offset = END_OFFSET, .cap_word = 0x1000,
      .state = "offset=0xff8" },
    { .name = "empty-list", .viommu = ACCEL, .options = "",
      .offset = END_OFFSET, .cap_word = 0x1000,
      .state = "offset=0xff8" },
    { .name = "hidden-first", .viommu = ACCEL, .options = "",
      .caps = caps_hidden_first, .offset = END_OFFSET, .cap_word = 0x1000,
      .state = "offset=0xff8" },
    { .name = "anchor", .viommu = ACCEL, .options = "", .caps = caps_anchor,
      .offset = END_OFFSET, .cap_word = 0x1000,
      .state = "offset=0xff8" },
    { .name = "hidden-physical", .viommu = ACCEL, .options = "",
      .describe = hidden_pasid, .caps = caps_aer, .offset = END_OFFSET,
      .cap_word = 0x1000, .state = "offset=0xff8" },
    /* QEMU knows the host, since the device is there at startup */
    { .name = "accel-alone", .viommu = BARE, .options = "", .caps = caps_aer,
      .offset = END_OFFSET, .cap_word = 0x1000,
      .state = "offset=0xff8 width=16" },
    { .name = "offset-by-user", .viommu = ACCEL,
      .options = ",x-vpasid-cap-offset=0x400", .caps = caps_aer_ats,
      .offset = 0x400, .cap_word = 0x1000,
      .state = "offset=0x400 width=16 exec=0 priv=0 where=user" },

    /* Usual cases: no capability and no message */
    { .name = "no-viommu", .viommu = "", .options = "", .caps = caps_aer,
      .state = "reason=viommu-no-pasid", .text =
          "disabled: the vIOMMU in front of the device does not offer PASID, "
          "or there is none" },
    { .name = "virtio-iommu", .viommu = "-device virtio-iommu-pci,addr=0x1e ",
      .options = "", .caps = caps_aer, .state = "reason=viommu-no-pasid" },
    { .name = "accel-no-ssidsize", .viommu = NOSSID, .options = "",
      .caps = caps_aer, .state = "reason=viommu-no-pasid" },
    { .name = "host-none", .viommu = ACCEL, .options = "",
      .describe = host_no_pasid, .hw_caps = EXEC, .caps = caps_aer,
      .state = "reason=host-no-pasid", .text =
          "disabled: the host reports no PASID: its kernel is older than "
          "6.15, or PASID is not enabled for the device, or, with a virtual "
          "function, for its physical function" },
    { .name = "config-256", .viommu = ACCEL, .options = "",
      .describe = small_config, .state = "reason=short-config-space", .text =
          "disabled: the configuration space of the device has no more than "
          "256 bytes, which leaves no room for extended capabilities" },
    { .name = "vpasid-off", .viommu = ACCEL, .options = ",x-vpasid=off",
      .caps = caps_aer, .state = "reason=off",
      .text = "disabled: x-vpasid=off" },
};

static unsigned int count_text(const char *text, const char *part)
{
    unsigned int n = 0;

    for (text = strstr(text, part); text; text = strstr(text + 1, part)) {
        n++;
    }
    return n;
}

static VfClient *describe(const PasidTest *t)
{
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);

    d->max_pasid_log2 = t->width ?: 16;
    d->hw_caps = t->hw_caps;
    if (t->caps) {
        vf_image_ext_caps(d->phys, t->caps);
    }
    if (t->describe) {
        t->describe(d);
    }
    return c;
}

static VfGuest *start(const PasidTest *t)
{
    VfClient *c = describe(t);
    VfGuest *g = vg_start(c, VG_MACHINE "%s" VG_IOMMUFD VG_PORT(1)
                          "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1%s",
                          "", t->viommu, c->iommufd, c->device_fd[0],
                          t->options);

    vg_ports(g, 1);
    return g;
}

static void check_registers(VfGuest *g, uint16_t offset, uint16_t cap_word)
{
    uint16_t allowed = PCI_PASID_CTRL_ENABLE |
                       (cap_word & (PCI_PASID_CAP_EXEC | PCI_PASID_CAP_PRIV));
    uint16_t control = offset + PCI_PASID_CTRL;
    uint32_t since = g->c->shared->log_len;

    /* None of this asks the host */
    g_assert_cmphex(vg_config_readl(g, 1, 0, offset) & 0xfffff, ==,
                    PASID_HEADER);
    g_assert_cmphex(vg_config_readw(g, 1, 0, offset + PCI_PASID_CAP), ==,
                    cap_word);
    g_assert_cmphex(vg_config_readw(g, 1, 0, control), ==, 0);
    vg_config_writew(g, 1, 0, control, 0xffff);
    g_assert_cmphex(vg_config_readw(g, 1, 0, control), ==, allowed);
    vg_config_writel(g, 1, 0, offset, UINT32_MAX);
    vg_config_writew(g, 1, 0, offset + PCI_PASID_CAP, 0xffff);
    g_assert_cmphex(vg_config_readl(g, 1, 0, offset) & 0xfffff, ==,
                    PASID_HEADER);
    g_assert_cmphex(vg_config_readw(g, 1, 0, offset + PCI_PASID_CAP), ==,
                    cap_word);
    vg_config_writel(g, 1, 0, offset + PCI_PASID_CAP, 0);
    g_assert_cmphex(vg_config_readw(g, 1, 0, control), ==, 0);
    g_assert_cmpuint(g->c->shared->log_len, ==, since);
    g_assert_cmpuint(g->c->shared->raw_config_writes, ==, 0);
}

static void test_row(const void *opaque)
{
    const PasidTest *t = opaque;
    VfGuest *g = start(t);
    VfClient *c = g->c;
    g_autofree gchar *text = NULL;
    g_autofree gchar *state = vg_pasid_state(g, "d0", &text);
    unsigned int count = 0;
    uint16_t offset = vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, &count);

    vg_assert_has(state, t->state);
    if (t->text) {
        g_assert_cmpstr(text, ==, t->text);
    }
    g_assert_cmphex(offset, ==, t->offset);
    g_assert_cmpuint(count, ==, t->offset ? 1 : 0);
    if (offset) {
        check_registers(g, offset, t->cap_word);
    }
    /* The capabilities of the device are where they were */
    for (const VfExtCap *cap = t->caps; cap && cap->size; cap++) {
        if (cap->id != PCI_EXT_CAP_ID_SECPCI) {
            g_assert_cmphex(vg_find_ext_cap(g, 1, 0, cap->id, NULL), ==,
                            cap->offset);
        }
    }
    g_assert_cmpuint(vf_client_count(c, VF_OP_GET_HW_INFO, 0), ==, 2);
    vg_end_silent(g);
}

/* x-vpasid=on, and its error, which does not propose what the user refused */
static const PasidTest on_tests[] = {
    { .name = "no-viommu", .viommu = "", .options = ",x-vpasid=on",
      .caps = caps_aer, .text = "does not offer PASID" },
    { .name = "host-none", .viommu = ACCEL, .options = ",x-vpasid=on",
      .describe = host_no_pasid, .caps = caps_aer,
      .text = "the host reports no PASID" },
    { .name = "config-256", .viommu = ACCEL, .options = ",x-vpasid=on",
      .describe = small_config, .text = "extended capabilities" },
};

/* It comes when the guest was offered no PASID already */
static void test_accel_alone_hot(void)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *state = NULL;
    g_autofree gchar *err = NULL;
    VfGuest *g;

    vf_client_add_device(c);
    g = vg_start(c, VG_MACHINE BARE VG_IOMMUFD VG_PORT(1), "", c->iommufd);
    vg_ports(g, 1);
    err = vg_device_add(g, 0, "d0", 1, "");
    g_assert_cmpstr(err, ==, NULL);
    state = vg_pasid_state(g, "d0", NULL);
    vg_assert_has(state, "reason=viommu-no-pasid");
    g_assert_cmphex(vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, NULL), ==,
                    0);
    vg_end_silent(g);
}

static void test_on(const void *opaque)
{
    const PasidTest *t = opaque;
    VfClient *c = describe(t);
    VfGuest *g = vg_start(c, VG_MACHINE "%s" VG_IOMMUFD VG_PORT(1), "",
                          t->viommu, c->iommufd);
    g_autofree gchar *err = NULL;
    g_autofree gchar *text = NULL;

    vg_ports(g, 1);
    err = vg_device_add(g, 0, "d0", 1, t->options);
    g_assert_nonnull(err);
    vg_assert_has(err, t->text);
    vg_assert_has(err, "d0: x-vpasid=on, but ");
    g_assert_null(strstr(err, "x-vpasid=off"));
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        g_assert_cmpuint(c->shared->object[i].type, ==, VF_OBJ_FREE);
    }
    text = vg_end(g);
    g_assert_cmpuint(count_text(text, WARNING), ==, 0);
}

/* On the command line the way out is a hint below the message */
static void test_hint(void)
{
    VfClient *c = describe(&on_tests[0]);
    g_autofree gchar *text =
        vg_refused(c, VG_MACHINE VG_IOMMUFD VG_PORT(1) "-device vfio-pci,"
                   "iommufd=i0,fd=%d,id=d0,bus=rp1,x-vpasid=on", "",
                   c->iommufd, c->device_fd[0]);

    vg_assert_has(text, "there is none\nUse x-vpasid=auto to go on without "
                  "PASID.\n");
    vf_client_free(c);
}

/* Properties of this series alone start with x-; no other name is accepted */
static void test_old_name(void)
{
    VfClient *c = describe(&on_tests[0]);
    g_autofree gchar *text =
        vg_refused(c, VG_MACHINE VG_IOMMUFD VG_PORT(1) "-device vfio-pci,"
                   "iommufd=i0,fd=%d,id=d0,bus=rp1,vpasid=on", "",
                   c->iommufd, c->device_fd[0]);

    vg_assert_has(text, "Property 'vfio-pci.vpasid' not found");
    vf_client_free(c);
}

static const PasidTest plain = {
    .name = "plain", .viommu = ACCEL, .options = "", .hw_caps = EXEC | PRIV,
    .caps = caps_aer,
};

static void set_control(VfGuest *g)
{
    vg_config_writew(g, 1, 0, END_OFFSET + PCI_PASID_CTRL,
                     PCI_PASID_CTRL_ENABLE | PCI_PASID_CTRL_EXEC);
    g_assert_cmphex(vg_config_readw(g, 1, 0, END_OFFSET + PCI_PASID_CTRL), ==,
                    PCI_PASID_CTRL_ENABLE | PCI_PASID_CTRL_EXEC);
}

static void reset_system(VfGuest *g)
{
    vg_system_reset(g);
}

static void reset_bus(VfGuest *g)
{
    vg_config_writew(g, 0, 1 << 3, PCI_BRIDGE_CONTROL,
                     PCI_BRIDGE_CTL_BUS_RESET);
    vg_config_writew(g, 0, 1 << 3, PCI_BRIDGE_CONTROL, 0);
}

static void reset_flr(VfGuest *g)
{
    uint8_t cap = vg_find_cap(g, 1, 0, PCI_CAP_ID_EXP);

    vg_config_writew(g, 1, 0, cap + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
}

static void reset_af(VfGuest *g)
{
    uint8_t cap = vg_find_cap(g, 1, 0, PCI_CAP_ID_AF);

    vg_config_writew(g, 1, 0, cap + PCI_AF_CTRL, PCI_AF_CTRL_FLR);
}

static void reset_d3hot(VfGuest *g)
{
    uint8_t cap = vg_find_cap(g, 1, 0, PCI_CAP_ID_PM);

    vg_config_writew(g, 1, 0, cap + PCI_PM_CTRL, 3);
    vg_config_writew(g, 1, 0, cap + PCI_PM_CTRL, 0);
}

static void reset_flr_long(VfGuest *g)
{
    uint8_t cap = vg_find_cap(g, 1, 0, PCI_CAP_ID_EXP);

    vg_config_writel(g, 1, 0, cap + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
}

static void reset_af_byte(VfGuest *g)
{
    uint8_t cap = vg_find_cap(g, 1, 0, PCI_CAP_ID_AF);

    qtest_writeb(g->qts, VG_ECAM | 1 << 20 | (cap + PCI_AF_CTRL),
                 PCI_AF_CTRL_FLR);
}

/* Writes that are almost a reset */
static void no_flr(VfGuest *g)
{
    uint8_t cap = vg_find_cap(g, 1, 0, PCI_CAP_ID_EXP);

    vg_config_writew(g, 1, 0, cap + PCI_EXP_DEVCTL,
                     (uint16_t)~PCI_EXP_DEVCTL_BCR_FLR);
    qtest_writeb(g->qts, VG_ECAM | 1 << 20 | (cap + PCI_EXP_DEVCTL), 0x80);
    vg_config_writew(g, 1, 0, cap + PCI_EXP_DEVSTA, PCI_EXP_DEVCTL_BCR_FLR);
}

static void d3hot_and_stay(VfGuest *g)
{
    uint8_t cap = vg_find_cap(g, 1, 0, PCI_CAP_ID_PM);

    vg_config_writew(g, 1, 0, cap + PCI_PM_CTRL, 3);
    vg_config_writew(g, 1, 0, cap + PCI_PM_CTRL, 3);
}

static void d0_again(VfGuest *g)
{
    uint8_t cap = vg_find_cap(g, 1, 0, PCI_CAP_ID_PM);

    vg_config_writew(g, 1, 0, cap + PCI_PM_CTRL, 0);
}

static void cannot_flr(VfDevice *d)
{
    uint8_t *devcap = d->phys + VF_IMAGE_PCIE_CAP + PCI_EXP_DEVCAP;

    vf_put32(devcap, vf_get32(devcap) & ~PCI_EXP_DEVCAP_FLR);
    d->phys[VF_IMAGE_AF_CAP + PCI_AF_CAP] = PCI_AF_CAP_TP;
}

static void no_soft_reset(VfDevice *d)
{
    vf_put16(d->phys + VF_IMAGE_PM_CAP + PCI_PM_CTRL,
             PCI_PM_CTRL_NO_SOFT_RESET);
}

typedef struct ResetTest {
    const char *name;
    void (*reset)(VfGuest *g);
    void (*describe)(VfDevice *d);
    bool kept;                  /* it is no reset */
} ResetTest;

static const ResetTest reset_tests[] = {
    { .name = "system", .reset = reset_system },
    { .name = "bus", .reset = reset_bus },
    { .name = "flr", .reset = reset_flr },
    { .name = "flr-long", .reset = reset_flr_long },
    { .name = "af-flr", .reset = reset_af },
    { .name = "af-flr-byte", .reset = reset_af_byte },
    { .name = "d3hot", .reset = reset_d3hot },
    { .name = "not-flr", .reset = no_flr, .kept = true },
    { .name = "not-d3hot", .reset = d3hot_and_stay, .kept = true },
    { .name = "not-d0", .reset = d0_again, .kept = true },
    { .name = "no-flr", .reset = reset_flr, .describe = cannot_flr,
      .kept = true },
    { .name = "no-af-flr", .reset = reset_af, .describe = cannot_flr,
      .kept = true },
    { .name = "no-soft-reset", .reset = reset_d3hot, .describe = no_soft_reset,
      .kept = true },
};

static void test_reset(const void *opaque)
{
    const ResetTest *t = opaque;
    const PasidTest device = {
        .name = "reset", .viommu = ACCEL, .options = "",
        .describe = t->describe, .hw_caps = EXEC | PRIV, .caps = caps_aer,
    };
    VfGuest *g = start(&device);

    set_control(g);
    t->reset(g);
    g_assert_cmphex(vg_config_readl(g, 1, 0, END_OFFSET), ==, PASID_HEADER);
    g_assert_cmphex(vg_config_readw(g, 1, 0, END_OFFSET + PCI_PASID_CAP), ==,
                    0x1006);
    g_assert_cmphex(vg_config_readw(g, 1, 0, END_OFFSET + PCI_PASID_CTRL), ==,
                    t->kept ? PCI_PASID_CTRL_ENABLE | PCI_PASID_CTRL_EXEC : 0);
    g_free(vg_end(g));
}

static void test_hotplug(void)
{
    VfClient *c = describe(&plain);
    VfGuest *g = vg_start(c, VG_MACHINE ACCEL VG_IOMMUFD VG_PORT(1), "",
                          c->iommufd);

    vg_ports(g, 1);
    for (int i = 0; i < 3; i++) {
        g_autofree gchar *err = vg_device_add(g, 0, "d0", 1, "");

        g_assert_cmpstr(err, ==, NULL);
        g_assert_cmphex(vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, NULL),
                        ==, END_OFFSET);
        g_assert_cmphex(vg_config_readw(g, 1, 0, END_OFFSET + PCI_PASID_CTRL),
                        ==, 0);
        set_control(g);
        vg_device_del(g, "d0", 1);
        for (int k = 0; k < VF_MAX_OBJECTS; k++) {
            g_assert_cmpuint(c->shared->object[k].type, ==, VF_OBJ_FREE);
        }
    }
    vg_end_silent(g);
}

/* The trace event has the text of x-vpasid-state */
static void test_trace(void)
{
    VfClient *c = describe(&plain);
    VfGuest *g = vg_start(c, VG_MACHINE ACCEL VG_IOMMUFD VG_PORT(1)
                          "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1 "
                          "-trace vfio_pci_pasid", "",
                          c->iommufd, c->device_fd[0]);
    g_autofree gchar *text = vg_end(g);

    vg_assert_has(text, "vfio_pci_pasid  (d0) enabled: offset 0xff8, width 16, "
                  "exec 1, priv 1, placed at the end of configuration space\n");
}

/* -device vfio-pci,help */
static void test_help(void)
{
    static const char *const properties[] = {
        "x-vpasid", "x-vpasid-state", "x-vpasid-cap-offset",
    };
    VfClient *c = describe(&plain);
    VfGuest *g = vg_start(c, VG_MACHINE, "");
    QDict *response = qtest_qmp(g->qts,
                                "{'execute': 'device-list-properties',"
                                " 'arguments': {'typename': 'vfio-pci'}}");
    QListEntry *entry;
    unsigned int found = 0;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(response, "return"), entry) {
        QDict *property = qobject_to(QDict, qlist_entry_obj(entry));

        for (int i = 0; i < ARRAY_SIZE(properties); i++) {
            if (g_str_equal(qdict_get_str(property, "name"), properties[i])) {
                vg_assert_has(qdict_get_try_str(property, "description"),
                              "PASID capability");
                found++;
            }
        }
    }
    g_assert_cmpuint(found, ==, ARRAY_SIZE(properties));
    qobject_unref(response);
    vg_end_silent(g);
}

/* An administrator can read why, and cannot say so */
static void test_state_read_only(void)
{
    VfGuest *g = start(&plain);
    QDict *response = qtest_qmp(g->qts, "{'execute': 'qom-set', 'arguments':"
                                " {'path': '/machine/peripheral/d0',"
                                " 'property': 'x-vpasid-state',"
                                " 'value': 'enabled'}}");

    g_assert_true(qdict_haskey(response, "error"));
    qobject_unref(response);
    vg_end_silent(g);
}

static void add_rows(const char *group, const PasidTest *rows, size_t n,
                     void (*run)(const void *))
{
    for (size_t i = 0; i < n; i++) {
        vg_add_test(group, rows[i].name, &rows[i], run);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    add_rows("vfio-pasid/capability", tests, ARRAY_SIZE(tests), test_row);
    add_rows("vfio-pasid/refused", on_tests, ARRAY_SIZE(on_tests), test_on);
    for (int i = 0; i < ARRAY_SIZE(reset_tests); i++) {
        vg_add_test("vfio-pasid/reset", reset_tests[i].name, &reset_tests[i],
                    test_reset);
    }
    qtest_add_func("vfio-pasid/hint", test_hint);
    qtest_add_func("vfio-pasid/old-name", test_old_name);
    qtest_add_func("vfio-pasid/hotplug", test_hotplug);
    qtest_add_func("vfio-pasid/accel-alone-hot", test_accel_alone_hot);
    qtest_add_func("vfio-pasid/trace", test_trace);
    qtest_add_func("vfio-pasid/help", test_help);
    qtest_add_func("vfio-pasid/state-read-only", test_state_read_only);
    return g_test_run();
}
