/*
 * QTest of the registers that QEMU hides from the guest of a VFIO PCI device
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The kernel unlinks the device's PASID capability, but leaves its registers
 * readable and writable, and can leave the capability in a broken list. The
 * test also covers PASID Enable while ATS is enabled.
 */

#include "qemu/osdep.h"

#include <linux/iommufd.h>

#include "hw/pci/pci_regs.h"
#include "vfio-guest/guest.h"

#define ACCEL  "-device arm-smmuv3,primary-bus=pcie.0,accel=on,ssidsize=16 "

#define END_OFFSET      0xff8
#define PASID_HEADER    0x0001001b
#define HOST_WIDTH      16
#define HOST_CAP        (HOST_WIDTH << 8)
#define CTRL_ENABLED    (PCI_PASID_CTRL_ENABLE << 16)
/* Registers that are in no capability, and none of PASID */
#define OTHER           0x500
#define OTHER_VALUE     0x12345678

typedef struct ShadowTest {
    const char *name;
    const char *viommu;
    const char *options;
    void (*describe)(VfDevice *d);
    uint16_t offset;            /* where the guest sees the capability */
    uint16_t hidden;            /* registers of the device; 0: none */
    uint16_t size;              /* their size in bytes */
    uint16_t open;              /* registers that stay as they are */
} ShadowTest;

static const VfExtCap caps_aer[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c }, { }
};
static const VfExtCap caps_end_taken[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c },
    { 0xfc0, PCI_EXT_CAP_ID_VNDR, 1, 0x40 }, { }
};
static const VfExtCap caps_ats[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c },
    { 0x200, PCI_EXT_CAP_ID_ATS, 1, 8 }, { }
};
/* The kernel cannot take the first one out, and blanks its ID and version */
static const VfExtCap caps_pasid_first[] = {
    { 0x100, PCI_EXT_CAP_ID_PASID, 1, 8 },
    { 0x200, PCI_EXT_CAP_ID_ERR, 2, 0x2c }, { }
};
static const VfExtCap caps_other_first[] = {
    { 0x100, PCI_EXT_CAP_ID_SECPCI, 1, 0x20 },
    { 0x200, PCI_EXT_CAP_ID_ERR, 2, 0x2c }, { }
};

static void put_registers(VfDevice *d, uint16_t offset, uint32_t registers)
{
    vf_put32(d->phys + offset, PASID_HEADER);
    vf_put32(d->phys + offset + PCI_PASID_CAP, registers);
}

static void plain(VfDevice *d)
{
    vf_image_ext_caps(d->phys, caps_aer);
    put_registers(d, 0x300, HOST_CAP | CTRL_ENABLED);
}

/* The IOMMU has fewer PASIDs than the device, and EXEC is not enabled */
static void wider(VfDevice *d)
{
    vf_image_ext_caps(d->phys, caps_aer);
    put_registers(d, 0x300, 20 << 8 | PCI_PASID_CAP_EXEC | CTRL_ENABLED);
}

static void end_taken(VfDevice *d)
{
    plain(d);
    vf_image_ext_caps(d->phys, caps_end_taken);
}

static void first(VfDevice *d)
{
    vf_image_ext_caps(d->phys, caps_pasid_first);
    vf_put32(d->phys + 0x104, HOST_CAP | CTRL_ENABLED);
}

/* The host cannot report 16 bits for this width */
static void narrower(VfDevice *d)
{
    vf_image_ext_caps(d->phys, caps_aer);
    put_registers(d, 0x300, 12 << 8 | CTRL_ENABLED);
}

static void too_wide(VfDevice *d)
{
    vf_image_ext_caps(d->phys, caps_aer);
    put_registers(d, 0x300, 21 << 8 | CTRL_ENABLED);
}

static void no_exec(VfDevice *d)
{
    plain(d);
    d->hw_caps = IOMMU_HW_CAP_PCI_PASID_EXEC;
}

static void no_priv(VfDevice *d)
{
    plain(d);
    d->hw_caps = IOMMU_HW_CAP_PCI_PASID_PRIV;
}

static void reserved_bits(VfDevice *d)
{
    plain(d);
    put_registers(d, 0x300, HOST_CAP | 1 | CTRL_ENABLED);
}

static void end_taken_reserved_bits(VfDevice *d)
{
    end_taken(d);
    put_registers(d, 0x300, HOST_CAP | 1 | CTRL_ENABLED);
}

static void bad_next(VfDevice *d)
{
    plain(d);
    vf_put32(d->phys + 0x300, PASID_HEADER | 0x040u << 20);
}

static void misaligned_next(VfDevice *d)
{
    plain(d);
    vf_put32(d->phys + 0x300, PASID_HEADER | 0x202u << 20);
}

static void host_reports_none(VfDevice *d)
{
    plain(d);
    d->max_pasid_log2 = 0;
}

/* The registers behind the anchor belong to another capability */
static void other_first(VfDevice *d)
{
    vf_image_ext_caps(d->phys, caps_other_first);
    vf_put32(d->phys + 0x104, HOST_CAP | CTRL_ENABLED | 1u << 31);
}

static void other_first_hidden(VfDevice *d)
{
    vf_image_ext_caps(d->phys, caps_other_first);
    vf_put32(d->phys + 0x104, HOST_CAP | CTRL_ENABLED);
    put_registers(d, 0x300, HOST_CAP | CTRL_ENABLED);
}

/* Bytes that are in no list look like a capability that is off */
static void first_and_alike(VfDevice *d)
{
    first(d);
    put_registers(d, 0x300, HOST_CAP);
}

static const ShadowTest tests[] = {
    { .name = "plain", .viommu = ACCEL, .options = "", .describe = plain,
      .offset = END_OFFSET, .hidden = 0x300, .size = 8 },
    { .name = "by-user", .viommu = ACCEL,
      .options = ",x-vpasid-cap-offset=0x400", .describe = plain,
      .offset = 0x400, .hidden = 0x300, .size = 8 },
    { .name = "by-user-there", .viommu = ACCEL,
      .options = ",x-vpasid-cap-offset=0x300", .describe = plain,
      .offset = 0x300 },
    { .name = "wider", .viommu = ACCEL, .options = "", .describe = wider,
      .offset = END_OFFSET, .hidden = 0x300, .size = 8 },
    { .name = "end-taken", .viommu = ACCEL,
      .options = ",x-vpasid-cap-offset=0xfb8", .describe = end_taken,
      .offset = 0xfb8, .hidden = 0x300, .size = 8 },
    { .name = "end-taken-there", .viommu = ACCEL, .options = "",
      .describe = end_taken, .offset = 0x300 },
    { .name = "first", .viommu = ACCEL, .options = "", .describe = first,
      .offset = END_OFFSET, .hidden = 0x104, .size = 4 },
    { .name = "other-first", .viommu = ACCEL, .options = "",
      .describe = other_first_hidden, .offset = END_OFFSET, .hidden = 0x300,
      .size = 8 },
    /* It cannot be told which of both are those of the device */
    { .name = "other-first-alike", .viommu = ACCEL, .options = "",
      .describe = other_first_hidden, .offset = END_OFFSET, .hidden = 0x104,
      .size = 4 },
    { .name = "first-and-alike", .viommu = ACCEL, .options = "",
      .describe = first_and_alike, .offset = END_OFFSET, .hidden = 0x104,
      .size = 4 },

    /* Also where there is nothing to put in their place */
    { .name = "off", .viommu = ACCEL, .options = ",x-vpasid=off",
      .describe = plain, .hidden = 0x300, .size = 8 },
    { .name = "no-viommu", .viommu = "", .options = "", .describe = plain,
      .hidden = 0x300, .size = 8 },

    /* Registers that may not be PASID are not hidden, like other gaps */
    { .name = "narrower", .viommu = ACCEL, .options = "", .describe = narrower,
      .offset = END_OFFSET, .open = 0x304 },
    { .name = "too-wide", .viommu = ACCEL, .options = "", .describe = too_wide,
      .offset = END_OFFSET, .open = 0x304 },
    { .name = "no-exec", .viommu = ACCEL, .options = "", .describe = no_exec,
      .offset = END_OFFSET, .open = 0x304 },
    { .name = "no-priv", .viommu = ACCEL, .options = "", .describe = no_priv,
      .offset = END_OFFSET, .open = 0x304 },
    { .name = "reserved-bits", .viommu = ACCEL, .options = "",
      .describe = reserved_bits, .offset = END_OFFSET, .open = 0x304 },
    { .name = "end-taken-reserved-bits", .viommu = ACCEL, .options = "",
      .describe = end_taken_reserved_bits, .offset = 0xfb8, .open = 0x304 },
    { .name = "bad-next", .viommu = ACCEL, .options = "", .describe = bad_next,
      .offset = END_OFFSET, .open = 0x304 },
    { .name = "misaligned-next", .viommu = ACCEL, .options = "",
      .describe = misaligned_next, .offset = END_OFFSET, .open = 0x304 },
    { .name = "host-none", .viommu = ACCEL, .options = "",
      .describe = host_reports_none, .open = 0x304 },
    { .name = "anchor-of-other", .viommu = ACCEL, .options = "",
      .describe = other_first, .offset = END_OFFSET, .open = 0x104 },
};

static VfGuest *start(const ShadowTest *t)
{
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);
    VfGuest *g;

    d->max_pasid_log2 = HOST_WIDTH;
    t->describe(d);
    vf_put32(d->phys + OTHER, OTHER_VALUE);
    g = vg_start(c, VG_MACHINE "%s" VG_IOMMUFD VG_PORT(1)
                 "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1%s", "",
                 t->viommu, c->iommufd, c->device_fd[0], t->options);
    vg_ports(g, 1);
    return g;
}

/* The guest reads and writes the registers of the device */
static void check_open(VfGuest *g, uint16_t offset)
{
    const VfDevice *d = &g->c->shared->device[0];

    g_assert_cmphex(vg_config_readl(g, 1, 0, offset), ==,
                    vf_get32(d->phys + offset));
    vg_config_writel(g, 1, 0, offset, 0x0badcafe);
    g_assert_cmphex(vf_get32(d->phys + offset), ==, 0x0badcafe);
    g_assert_cmphex(vg_config_readl(g, 1, 0, offset), ==, 0x0badcafe);
}

static void test_shadow(const void *opaque)
{
    const ShadowTest *t = opaque;
    VfGuest *g = start(t);
    VfShared *s = g->c->shared;
    g_autofree uint8_t *before = g_memdup2(s->device[0].phys, VF_CONFIG_SIZE);

    g_assert_cmphex(vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, NULL), ==,
                    t->offset);
    if (t->hidden) {
        uint32_t since = s->log_len;

        for (uint16_t at = t->hidden; at < t->hidden + t->size; at += 2) {
            g_assert_cmphex(vg_config_readw(g, 1, 0, at), ==, 0);
            vg_config_writew(g, 1, 0, at, 0xffff);
            g_assert_cmphex(vg_config_readw(g, 1, 0, at), ==, 0);
        }
        vg_config_writel(g, 1, 0, t->hidden, UINT32_MAX);
        qtest_writeb(g->qts, VG_ECAM | 1 << 20 | (t->hidden + t->size - 1),
                     0xff);
        g_assert_cmphex(vg_config_readl(g, 1, 0, t->hidden), ==, 0);
        g_assert_cmpuint(s->log_len, ==, since);
    }
    if (t->offset) {
        vg_config_writew(g, 1, 0, t->offset + PCI_PASID_CTRL, 0xffff);
        g_assert_true(vg_config_readw(g, 1, 0, t->offset + PCI_PASID_CTRL) &
                      PCI_PASID_CTRL_ENABLE);
    }
    g_assert_cmpuint(s->raw_config_writes, ==, 0);
    g_assert_cmpmem(s->device[0].phys, VF_CONFIG_SIZE, before, VF_CONFIG_SIZE);

    if (t->open) {
        check_open(g, t->open);
    }
    check_open(g, OTHER);
    vg_end_silent(g);
}

/*
 * The list is such that the kernel comes by an element twice. It then copies
 * the element's header again, and with it the link to the capability that it
 * had taken out.
 */
static void linked_by_loop(VfDevice *d)
{
    static const VfExtCap caps[] = {
        { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c },
        { 0x140, PCI_EXT_CAP_ID_LTR, 1, 8 },
        { 0x200, PCI_EXT_CAP_ID_ATS, 1, 8 },
        { 0x300, PCI_EXT_CAP_ID_PASID, 1, 8 },
        { 0x400, PCI_EXT_CAP_ID_DSN, 1, 12 }, { }
    };

    vf_image_ext_caps(d->phys, caps);
    vf_put32(d->phys + 0x304, HOST_CAP | CTRL_ENABLED);
    vf_put32(d->phys + 0x400, PCI_EXT_CAP_ID_DSN | 1 << 16 | 0x200u << 20);
}

static void linked_by_overlap(VfDevice *d)
{
    vf_image_ext_caps(d->phys, caps_ats);
    vf_put32(d->phys + 0x200, PCI_EXT_CAP_ID_ATS | 1 << 16 | 0x300u << 20);
    put_registers(d, 0x300, HOST_CAP | CTRL_ENABLED);
    vf_put32(d->phys + 0x300, PASID_HEADER | 0x1f0u << 20);
    vf_put32(d->phys + 0x1f0, PCI_EXT_CAP_ID_VNDR | 1 << 16);
    vf_put32(d->phys + 0x1f4, 0x18u << 20);
}

/* The kernel takes both for one, and shows the header of the second */
static void linked_by_adjoining(VfDevice *d)
{
    static const VfExtCap caps[] = {
        { 0x100, PCI_EXT_CAP_ID_VNDR, 1, 0x10 },
        { 0x110, PCI_EXT_CAP_ID_VNDR, 1, 0x10 },
        { 0x300, PCI_EXT_CAP_ID_PASID, 1, 8 },
        { 0x400, PCI_EXT_CAP_ID_LTR, 1, 8 }, { }
    };

    vf_image_ext_caps(d->phys, caps);
    vf_put32(d->phys + 0x304, HOST_CAP | CTRL_ENABLED);
}

/* Another one in between that the kernel hides, and fails to */
static void linked_by_hidden(VfDevice *d)
{
    static const VfExtCap caps[] = {
        { 0x100, PCI_EXT_CAP_ID_DVSEC, 1, 0x10 },
        { 0x110, PCI_EXT_CAP_ID_DVSEC, 1, 0x10 },
        { 0x200, PCI_EXT_CAP_ID_SECPCI, 1, 0x20 },
        { 0x300, PCI_EXT_CAP_ID_PASID, 1, 8 },
        { 0x400, PCI_EXT_CAP_ID_LTR, 1, 8 }, { }
    };

    vf_image_ext_caps(d->phys, caps);
    vf_put32(d->phys + 0x304, HOST_CAP | CTRL_ENABLED);
}

static void shown(VfDevice *d)
{
    plain(d);
    vf_put32(d->phys + 0x100, PCI_EXT_CAP_ID_ERR | 2 << 16 | 0x300u << 20);
    d->shows_pasid = 1;
}

static void shown_first(VfDevice *d)
{
    first(d);
    d->shows_pasid = 1;
}

static void shown_alone(VfDevice *d)
{
    static const VfExtCap caps[] = {
        { 0x100, PCI_EXT_CAP_ID_PASID, 1, 8 }, { }
    };

    vf_image_ext_caps(d->phys, caps);
    vf_put32(d->phys + 0x104, HOST_CAP | CTRL_ENABLED);
    d->shows_pasid = 1;
}

typedef struct DropTest {
    const char *name;
    const char *options;
    void (*describe)(VfDevice *d);
    uint16_t offset;            /* of the capability that must not be seen */
    uint16_t link;              /* of the header that led to it */
    uint16_t next;              /* where that one has to lead now */
    uint16_t added;             /* where the guest sees ours; 0: it does not */
    unsigned int warnings;
    const char *state;          /* in the fields of x-vpasid-state */
    const char *text;           /* its sentence, if given */
} DropTest;

static const DropTest drop_tests[] = {
    { .name = "loop", .options = "", .describe = linked_by_loop,
      .offset = 0x300, .link = 0x200, .next = 0x400, .warnings = 2,
      .state = "reason=list-broken", .text =
          "disabled: the list of extended capabilities loops at 0x400, so the "
          "free places are not known" },
    /* The rest of the list can be relied on, and ours goes there */
    { .name = "overlap", .options = "", .describe = linked_by_overlap,
      .offset = 0x300, .link = 0x200, .next = 0x1f0, .added = END_OFFSET,
      .state = "offset=0xff8 width=16" },
    { .name = "adjoining", .options = "", .describe = linked_by_adjoining,
      .offset = 0x300, .link = 0x110, .next = 0x400, .added = END_OFFSET,
      .state = "offset=0xff8 width=16" },
    { .name = "adjoining-on", .options = ",x-vpasid=on",
      .describe = linked_by_adjoining, .offset = 0x300, .link = 0x110,
      .next = 0x400, .added = END_OFFSET, .state = "offset=0xff8 width=16" },
    { .name = "adjoining-by-user", .options = ",x-vpasid-cap-offset=0x500",
      .describe = linked_by_adjoining, .offset = 0x300, .link = 0x110,
      .next = 0x400, .added = 0x500, .state = "offset=0x500 width=16" },
    { .name = "adjoining-hidden", .options = "", .describe = linked_by_hidden,
      .offset = 0x300, .link = 0x200, .next = 0x400, .added = END_OFFSET,
      .state = "offset=0xff8 width=16" },
    { .name = "adjoining-off", .options = ",x-vpasid=off",
      .describe = linked_by_adjoining, .offset = 0x300, .link = 0x110,
      .next = 0x400, .state = "reason=off" },
    { .name = "loop-off", .options = ",x-vpasid=off",
      .describe = linked_by_loop, .offset = 0x300, .link = 0x200,
      .next = 0x400, .warnings = 1,
      .state = "reason=off" },
    { .name = "shown-off", .options = ",x-vpasid=off", .describe = shown,
      .offset = 0x300, .link = 0x100, .state = "reason=off" },
    { .name = "first-off", .options = ",x-vpasid=off", .describe = shown_first,
      .offset = 0x100, .link = 0x100, .next = 0x200,
      .state = "reason=off" },
    { .name = "alone-off", .options = ",x-vpasid=off", .describe = shown_alone,
      .offset = 0x100, .link = 0x100, .state = "reason=off" },
};

static unsigned int count_lines(const char *text)
{
    unsigned int n = 0;

    for (; *text; text++) {
        n += *text == '\n';
    }
    return n;
}

static void test_drop(const void *opaque)
{
    const DropTest *t = opaque;
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);
    VfGuest *g;
    g_autofree gchar *state = NULL;
    g_autofree gchar *sentence = NULL;
    g_autofree gchar *text = NULL;
    uint32_t since;

    t->describe(d);
    g = vg_start(c, VG_MACHINE ACCEL VG_IOMMUFD VG_PORT(1)
                 "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1%s", "",
                 c->iommufd, c->device_fd[0], t->options);
    vg_ports(g, 1);
    state = vg_pasid_state(g, "d0", &sentence);
    vg_assert_has(state, t->state);
    if (t->text) {
        g_assert_cmpstr(sentence, ==, t->text);
    }

    g_assert_cmphex(PCI_EXT_CAP_NEXT(vg_config_readl(g, 1, 0, t->link)), ==,
                    t->next);
    since = c->shared->log_len;
    g_assert_cmphex(vg_config_readl(g, 1, 0, t->offset) & 0xfffff, ==, 0);
    g_assert_cmphex(vg_config_readl(g, 1, 0, t->offset + PCI_PASID_CAP), ==,
                    0);
    vg_config_writel(g, 1, 0, t->offset, UINT32_MAX);
    vg_config_writel(g, 1, 0, t->offset + PCI_PASID_CAP, UINT32_MAX);
    g_assert_cmphex(vg_config_readl(g, 1, 0, t->offset + PCI_PASID_CAP), ==,
                    0);
    g_assert_cmpuint(c->shared->log_len, ==, since);
    g_assert_cmpuint(c->shared->raw_config_writes, ==, 0);

    if (t->added) {
        /* vg_find_ext_cap() wants a list that ascends, as not all of these */
        if (t->next > t->link) {
            g_assert_cmphex(vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID,
                                            NULL), ==, t->added);
        } else {
            g_assert_cmphex(vg_config_readl(g, 1, 0, t->next) >> 20, ==,
                            t->added);
        }
        g_assert_cmphex(vg_config_readl(g, 1, 0, t->added) & 0xfffff, ==,
                        PASID_HEADER);
        vg_config_writew(g, 1, 0, t->added + PCI_PASID_CTRL,
                         PCI_PASID_CTRL_ENABLE);
        g_assert_cmphex(vg_config_readl(g, 1, 0, t->added + PCI_PASID_CAP), ==,
                        HOST_CAP | CTRL_ENABLED);
        g_assert_cmpuint(c->shared->raw_config_writes, ==, 0);
    }

    text = vg_end(g);
    g_assert_cmpuint(count_lines(text), ==, t->warnings);
}

static void test_drop_on(void)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *err = NULL;
    VfGuest *g;

    linked_by_loop(vf_client_add_device(c));
    g = vg_start(c, VG_MACHINE ACCEL VG_IOMMUFD VG_PORT(1), "", c->iommufd);
    vg_ports(g, 1);
    err = vg_device_add(g, 0, "d0", 1, ",x-vpasid=on");
    vg_assert_has(err, "x-vpasid=on, but the list of extended capabilities");
    g_free(vg_end(g));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(tests); i++) {
        vg_add_test("vfio-pasid/shadow", tests[i].name, &tests[i],
                    test_shadow);
    }
    for (int i = 0; i < ARRAY_SIZE(drop_tests); i++) {
        vg_add_test("vfio-pasid/drop", drop_tests[i].name, &drop_tests[i],
                    test_drop);
    }
    qtest_add_func("vfio-pasid/drop/on", test_drop_on);
    return g_test_run();
}
