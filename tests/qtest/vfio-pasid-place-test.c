/*
 * QTest of the place of the PASID capability of VFIO PCI devices
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each row is a layout of a device's configuration space, with the expected
 * offset of the capability and the expected message for the user.
 */

#include "qemu/osdep.h"

#include <linux/iommufd.h>

#include "hw/pci/pci_regs.h"
#include "vfio-guest/guest.h"

#define ACCEL  "-device arm-smmuv3,primary-bus=pcie.0,accel=on,ssidsize=16 "

#define PASID_HEADER    0x0001001b
#define PASID_SIZE      8
/* Report of the host, and the same values in the device's capability */
#define HOST_WIDTH      16
#define HOST_CAP        (HOST_WIDTH << 8)
#define CTRL_ENABLED    (PCI_PASID_CTRL_ENABLE << 16)
/* Bytes in bodies that vf_image_ext_caps() makes */
#define BODY            0xa5a5

typedef struct PlaceTest {
    const char *name;
    const VfExtCap *caps;
    void (*describe)(VfDevice *d);
    const char *options;
    uint16_t offset;            /* where the guest sees one; 0: none */
    unsigned int warnings;
    const char *state;          /* where or reason in x-vpasid-state */
    const char *text;           /* in its sentence, or in the error */
} PlaceTest;

static const VfExtCap caps_aer[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c }, { }
};
static const VfExtCap caps_none[] = { { } };
/* The end is taken; the highest gap ends at 0xfbf */
static const VfExtCap caps_end_taken[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c },
    { 0xfc0, PCI_EXT_CAP_ID_VNDR, 1, 0x40 }, { }
};
static const VfExtCap caps_close[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c },
    { 0x1c0, PCI_EXT_CAP_ID_VNDR, 1, 0x40 },
    { 0x200, PCI_EXT_CAP_ID_ATS, 1, 8 },
    { 0xfc0, PCI_EXT_CAP_ID_VNDR, 1, 0x40 }, { }
};
/* The kernel leaves an anchor in place of the first header */
static const VfExtCap caps_pasid_first[] = {
    { 0x100, PCI_EXT_CAP_ID_PASID, 1, 4 },
    { 0x200, PCI_EXT_CAP_ID_ATS, 1, 8 }, { }
};
static const VfExtCap caps_other_first[] = {
    { 0x100, PCI_EXT_CAP_ID_SECPCI, 1, 4 },
    { 0x200, PCI_EXT_CAP_ID_ATS, 1, 8 }, { }
};
static const VfExtCap caps_pasid_alone[] = {
    { 0x100, PCI_EXT_CAP_ID_PASID, 1, 4 }, { }
};
static const VfExtCap caps_pasid_last[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c },
    { 0x300, PCI_EXT_CAP_ID_PASID, 1, 4 }, { }
};
/* A capability of a future version has an unknown length */
static const VfExtCap caps_unknown_last[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c },
    { 0x200, PCI_EXT_CAP_ID_LTR, 9, 8 }, { }
};
static const VfExtCap caps_unknown_alone[] = {
    { 0x100, PCI_EXT_CAP_ID_LTR, 9, 8 }, { }
};

static void put_pasid(VfDevice *d, uint16_t offset, uint32_t header,
                      uint32_t registers)
{
    vf_put32(d->phys + offset, header);
    vf_put32(d->phys + offset + PCI_PASID_CAP, registers);
}

/* As a device that hides its registers, and without a link to them */
static void hidden(VfDevice *d)
{
    put_pasid(d, 0x300, PASID_HEADER, HOST_CAP | CTRL_ENABLED);
}

/* As the kernel leaves it behind: in the device's list, not in the one shown */
static void hidden_in_list(VfDevice *d)
{
    vf_put32(d->phys + 0x100, PCI_EXT_CAP_ID_ERR | 2 << 16 | 0x300u << 20);
    put_pasid(d, 0x300, PASID_HEADER | 0xfc0u << 20, HOST_CAP | CTRL_ENABLED);
}

static void registers_first(VfDevice *d)
{
    vf_put32(d->phys + 0x104, HOST_CAP | CTRL_ENABLED);
}

/* These are of another capability */
static void registers_first_reserved(VfDevice *d)
{
    vf_put32(d->phys + 0x104, HOST_CAP | CTRL_ENABLED | 1u << 31);
}

/* Linux reports a width where it failed to enable PASID, too */
static void off(VfDevice *d)
{
    vf_put32(d->phys + 0x304, HOST_CAP);
    d->pasid_off = 1;
}

/* The device can do more than the host's IOMMU */
static void off_wider(VfDevice *d)
{
    vf_put32(d->phys + 0x304,
             20 << 8 | PCI_PASID_CAP_EXEC | PCI_PASID_CAP_PRIV);
    d->hw_caps = IOMMU_HW_CAP_PCI_PASID_EXEC | IOMMU_HW_CAP_PCI_PASID_PRIV;
    d->pasid_off = 1;
}

static void off_first(VfDevice *d)
{
    vf_put32(d->phys + 0x104, HOST_CAP);
    d->pasid_off = 1;
}

/* One of them is not the device's PASID, and nobody can tell which */
static void off_and_on(VfDevice *d)
{
    put_pasid(d, 0x300, PASID_HEADER, HOST_CAP);
    put_pasid(d, 0x700, PASID_HEADER, HOST_CAP | CTRL_ENABLED);
}

/* Devices that have less than 4096 bytes */
static void short_space(VfDevice *d)
{
    d->config_size = 0x600;
}

static void short_hidden(VfDevice *d)
{
    d->config_size = 0x600;
    hidden(d);
}

/* AER of a device that has PASID is 0x48 bytes long */
static void short_full(VfDevice *d)
{
    d->config_size = 0x148;
}

static void hidden_narrower(VfDevice *d)
{
    put_pasid(d, 0x300, PASID_HEADER, 12 << 8 | CTRL_ENABLED);
}

static void hidden_wider(VfDevice *d)
{
    put_pasid(d, 0x300, PASID_HEADER, 20 << 8 | CTRL_ENABLED);
}

static void hidden_exec(VfDevice *d)
{
    put_pasid(d, 0x300, PASID_HEADER,
              HOST_CAP | PCI_PASID_CAP_EXEC | CTRL_ENABLED);
}

static void hidden_without_priv(VfDevice *d)
{
    hidden(d);
    d->hw_caps = IOMMU_HW_CAP_PCI_PASID_PRIV;
}

static void hidden_version(VfDevice *d)
{
    put_pasid(d, 0x300, PASID_HEADER + (1 << 16), HOST_CAP | CTRL_ENABLED);
}

/* Bits that no PASID capability has: these are other registers */
static void hidden_reserved(VfDevice *d)
{
    put_pasid(d, 0x300, PASID_HEADER, HOST_CAP | CTRL_ENABLED | 1);
}

static void hidden_twice(VfDevice *d)
{
    hidden(d);
    put_pasid(d, 0x700, PASID_HEADER, HOST_CAP | CTRL_ENABLED);
}

static void hidden_in_body(VfDevice *d)
{
    put_pasid(d, 0xfd0, PASID_HEADER, HOST_CAP | CTRL_ENABLED);
}

static void data_in_gap(VfDevice *d)
{
    d->phys[0xfb9] = 1;
}

static void no_room(VfDevice *d)
{
    memset(d->phys + 0x12c, 0x11, 0xfc0 - 0x12c);
}

static void no_room_two_hidden(VfDevice *d)
{
    no_room(d);
    hidden_twice(d);
}

/* 0x100, 0x300, back to 0x200, and from there to 0x300 again */
static void backward_then_loop(VfDevice *d)
{
    vf_put32(d->phys + 0x100, PCI_EXT_CAP_ID_ERR | 2 << 16 | 0x300u << 20);
    vf_put32(d->phys + 0x300, PCI_EXT_CAP_ID_LTR | 1 << 16 | 0x200u << 20);
    vf_put32(d->phys + 0x200, PCI_EXT_CAP_ID_DSN | 1 << 16 | 0x300u << 20);
}

/* Only the head is free: the rest is neither a list nor a gap */
static void empty_but_head(VfDevice *d)
{
    memset(d->phys + 0x108, 0x11, VF_CONFIG_SIZE - 0x108);
}

/* The kernel blanks the first capability, and nothing else is free */
static void anchor_only(VfDevice *d)
{
    empty_but_head(d);
    vf_put32(d->phys + 0x100, PCI_EXT_CAP_ID_SECPCI | 1 << 16 | 0x108u << 20);
    vf_put32(d->phys + 0x108, PCI_EXT_CAP_ID_LTR | 1 << 16);
}

static const PlaceTest tests[] = {
    /* The rules, one after the other */
    { .name = "end", .caps = caps_aer, .options = "", .offset = 0xff8,
      .state = "where=end" },
    { .name = "end-before-host", .caps = caps_aer, .describe = hidden,
      .options = "", .offset = 0xff8,
      .state = "where=end" },
    { .name = "host", .caps = caps_end_taken, .describe = hidden,
      .options = "", .offset = 0x300,
      .state = "where=host" },
    { .name = "host-in-list", .caps = caps_end_taken,
      .describe = hidden_in_list, .options = "", .offset = 0x300,
      .state = "where=host" },
    { .name = "gap", .caps = caps_end_taken, .options = "", .offset = 0xfb8,
      .state = "where=gap" },
    { .name = "gap-data", .caps = caps_end_taken, .describe = data_in_gap,
      .options = "", .offset = 0xfb0, .state = "where=gap" },
    { .name = "head", .caps = caps_none, .describe = empty_but_head,
      .options = "", .offset = 0x100, .state = "where=gap" },
    { .name = "anchor", .caps = caps_none, .describe = anchor_only,
      .options = "", .offset = 0x100, .state = "where=gap" },
    { .name = "none", .caps = caps_end_taken, .describe = no_room,
      .options = "", .warnings = 1,
      .state = "reason=no-room", .text =
          "disabled: there is no room: 0xff8 overlaps the body of a capability "
          "(Vendor-Specific, ID 0xb, 0xfc0 to 0xfff); the device's own "
          "capability was not found; no other place is free" },

    { .name = "short", .caps = caps_aer, .describe = short_space, .options = "",
      .offset = 0x5f8, .state = "where=gap" },
    { .name = "short-host", .caps = caps_aer, .describe = short_hidden,
      .options = "", .offset = 0x300,
      .state = "where=host" },
    { .name = "short-none", .caps = caps_aer, .describe = short_full,
      .options = "", .warnings = 1,
      .state = "reason=no-room", .text =
          "disabled: there is no room: 0xff8 does not fit into the 0x148 bytes "
          "of configuration space; the device's own capability was not found; "
          "no other place is free" },

    /* Registers that may not be the device's PASID are not used */
    { .name = "host-narrower", .caps = caps_end_taken,
      .describe = hidden_narrower, .options = "", .offset = 0xfb8,
      .state = "where=gap" },
    { .name = "host-wider", .caps = caps_end_taken, .describe = hidden_wider,
      .options = "", .offset = 0xfb8, .state = "where=gap" },
    { .name = "host-exec", .caps = caps_end_taken, .describe = hidden_exec,
      .options = "", .offset = 0xfb8, .state = "where=gap" },
    { .name = "host-priv", .caps = caps_end_taken,
      .describe = hidden_without_priv, .options = "", .offset = 0xfb8,
      .state = "where=gap" },
    { .name = "host-version", .caps = caps_end_taken,
      .describe = hidden_version, .options = "", .offset = 0xfb8,
      .state = "where=gap" },
    { .name = "host-reserved", .caps = caps_end_taken,
      .describe = hidden_reserved, .options = "", .offset = 0xfb8,
      .state = "where=gap" },
    { .name = "host-twice", .caps = caps_end_taken, .describe = hidden_twice,
      .options = "", .offset = 0xfb8, .state = "where=gap" },
    { .name = "host-in-body", .caps = caps_end_taken,
      .describe = hidden_in_body, .options = "", .offset = 0xfb8,
      .state = "where=gap" },
    { .name = "none-two-hosts", .caps = caps_end_taken,
      .describe = no_room_two_hidden, .options = "", .warnings = 1,
      .state = "reason=no-room", .text =
          "2 places look like the device's own capability" },

    /* The device's own control register says whether PASID is on */
    { .name = "off", .caps = caps_pasid_last, .describe = off, .options = "",
      .warnings = 1, .state = "reason=device-pasid-off", .text =
          "disabled: PASID is off in the device, although the host reports 16 "
          "bits of it: the host failed to enable it, as its log says; the "
          "device and the ports above it in the host need end-to-end TLP "
          "prefixes, and each port access control services (ACS), which "
          "another slot may have" },
    { .name = "off-wider", .caps = caps_pasid_last, .describe = off_wider,
      .options = "", .warnings = 1, .state = "reason=device-pasid-off" },
    { .name = "off-first", .caps = caps_pasid_first, .describe = off_first,
      .options = "", .warnings = 1, .state = "reason=device-pasid-off" },
    { .name = "off-alone", .caps = caps_pasid_alone, .describe = off_first,
      .options = "", .warnings = 1, .state = "reason=device-pasid-off" },
    { .name = "off-and-on", .caps = caps_aer, .describe = off_and_on,
      .options = "", .offset = 0xff8, .state = "where=end" },

    /* A capability of unknown size counts as reaching to the next one */
    { .name = "unknown-last", .caps = caps_unknown_last, .options = "",
      .offset = 0x1f8, .state = "where=gap" },
    { .name = "unknown-alone", .caps = caps_unknown_alone, .options = "",
      .warnings = 1,
      .state = "reason=no-room", .text =
          "(Latency Tolerance Reporting, ID 0x18, 0x100 to 0xfff since its "
          "size "
      "is not known)" },

    /* One warning for the list, one for PASID */
    { .name = "loop", .caps = caps_aer, .describe = backward_then_loop,
      .options = "", .warnings = 2,
      .state = "reason=list-broken", .text =
          "disabled: the list of extended capabilities loops at 0x200, so the "
          "free places are not known" },

    /* By the user */
    { .name = "user", .caps = caps_end_taken,
      .options = ",x-vpasid-cap-offset=0x200", .offset = 0x200,
      .state = "where=user", .text =
          "enabled: offset 0x200, width 16, exec 0, priv 0, placed by the "
          "user" },
    { .name = "user-host", .caps = caps_end_taken, .describe = hidden,
      .options = ",x-vpasid-cap-offset=0x300", .offset = 0x300,
      .state = "where=user" },
    { .name = "user-first", .caps = caps_pasid_first,
      .describe = registers_first, .options = ",x-vpasid-cap-offset=0x100",
      .offset = 0x100, .state = "where=user" },
    { .name = "user-alone", .caps = caps_pasid_alone,
      .describe = registers_first, .options = ",x-vpasid-cap-offset=0x100",
      .offset = 0x100, .state = "where=user" },
};

static const PlaceTest refused_tests[] = {
    { .name = "header", .caps = caps_close,
      .options = ",x-vpasid-cap-offset=0x200", .text =
          "0x200 is not possible: 0x200 overlaps the header of a "
          "capability "
      "(Address Translation Services, ID 0xf, 0x200 to 0x207); "
      "0xfb8 would work" },
    { .name = "body", .caps = caps_close,
      .options = ",x-vpasid-cap-offset=0x110", .text =
          "overlaps the body of a capability (Advanced Error Reporting, ID "
          "0x1, "
      "0x100 to 0x147)" },
    /* The end of one body, and the header of the next capability */
    { .name = "body-and-header", .caps = caps_close,
      .options = ",x-vpasid-cap-offset=0x1fc", .text =
          "0x1fc overlaps the header of a capability (Address "
          "Translation "
      "Services, ID 0xf, 0x200 to 0x207)" },
    { .name = "next-header", .caps = caps_close,
      .options = ",x-vpasid-cap-offset=0x1bc", .text =
          "0x1bc overlaps the header of a capability (Vendor-Specific, "
          "ID "
      "0xb, 0x1c0 to 0x1ff)" },
    { .name = "data", .caps = caps_end_taken, .describe = data_in_gap,
      .options = ",x-vpasid-cap-offset=0xfb8", .text =
          "0xfb8 does not read zero; 0xfb0 would work" },
    { .name = "other-host", .caps = caps_end_taken, .describe = hidden_twice,
      .options = ",x-vpasid-cap-offset=0x300",
      .text = "0x300 does not read zero" },
    { .name = "beside-host", .caps = caps_end_taken, .describe = hidden,
      .options = ",x-vpasid-cap-offset=0x304", .text =
          "0x304 does not read zero; 0x300 would work" },
    { .name = "first-not-own", .caps = caps_other_first,
      .describe = registers_first_reserved,
      .options = ",x-vpasid-cap-offset=0x100",
      .text = "0x100 does not read zero" },
    { .name = "unaligned", .caps = caps_aer,
      .options = ",x-vpasid-cap-offset=0x202", .text =
          "0x202 is not a multiple of 4; 0xff8 would work" },
    { .name = "standard", .caps = caps_aer,
      .options = ",x-vpasid-cap-offset=0x80",
      .text = "0x80 is not inside 0x100 to 0xfff" },
    { .name = "too-high", .caps = caps_aer,
      .options = ",x-vpasid-cap-offset=0xffc",
      .text = "0xffc is not inside 0x100 to 0xfff" },
    { .name = "way-out", .caps = caps_aer,
      .options = ",x-vpasid-cap-offset=0xfffc",
      .text = "0xfffc is not inside 0x100 to 0xfff" },
    { .name = "short", .caps = caps_aer, .describe = short_space,
      .options = ",x-vpasid-cap-offset=0x5fc", .text =
          "0x5fc does not fit into the 0x600 bytes of configuration space; "
          "0x5f8 would work" },
    { .name = "no-other", .caps = caps_end_taken, .describe = no_room,
      .options = ",x-vpasid-cap-offset=0x200",
      .text = "0x200 does not read zero; no other offset would work" },
    { .name = "loop", .caps = caps_aer, .describe = backward_then_loop,
      .options = ",x-vpasid-cap-offset=0x400", .warnings = 1, .text =
          "the list of extended capabilities loops at 0x200; no other offset "
          "would work" },
    { .name = "unknown", .caps = caps_unknown_alone,
      .options = ",x-vpasid-cap-offset=0x400",
      .text = "since its size is not known); no other offset would work" },
    { .name = "on-off", .caps = caps_pasid_last, .describe = off,
      .options = ",x-vpasid=on",
      .text = "x-vpasid=on, but PASID is off in the device" },
    /* x-vpasid=on fails for the same reasons that auto warns about */
    { .name = "on-none", .caps = caps_end_taken, .describe = no_room,
      .options = ",x-vpasid=on", .text = "x-vpasid=on, but there is no room" },
    { .name = "on-unknown", .caps = caps_unknown_alone,
      .options = ",x-vpasid=on", .text = "x-vpasid=on, but there is no room" },
    { .name = "on-loop", .caps = caps_aer, .describe = backward_then_loop,
      .options = ",x-vpasid=on", .warnings = 1, .text =
          "x-vpasid=on, but the list of extended capabilities "
          "loops" },
};

static unsigned int count_lines(const char *text)
{
    unsigned int n = 0;

    for (; *text; text++) {
        n += *text == '\n';
    }
    return n;
}

static VfClient *describe(const PlaceTest *t)
{
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);

    d->max_pasid_log2 = HOST_WIDTH;
    vf_image_ext_caps(d->phys, t->caps);
    if (t->describe) {
        t->describe(d);
    }
    return c;
}

static void check_capability(VfGuest *g, const PlaceTest *t)
{
    unsigned int count = 0;
    uint16_t control = t->offset + PCI_PASID_CTRL;
    uint32_t since;

    g_assert_cmphex(vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, &count), ==,
                    t->offset);
    g_assert_cmpuint(count, ==, 1);

    /* All of its registers are QEMU's, also where the device has its own */
    since = g->c->shared->log_len;
    g_assert_cmphex(vg_config_readw(g, 1, 0, t->offset + PCI_PASID_CAP) >> 8,
                    ==, HOST_WIDTH);
    g_assert_cmphex(vg_config_readw(g, 1, 0, control), ==, 0);
    vg_config_writew(g, 1, 0, control, 0xffff);
    g_assert_cmphex(vg_config_readw(g, 1, 0, control) & PCI_PASID_CTRL_ENABLE,
                    ==, PCI_PASID_CTRL_ENABLE);
    vg_config_writel(g, 1, 0, t->offset, 0);
    g_assert_cmphex(vg_config_readl(g, 1, 0, t->offset) & 0xfffff, ==,
                    PASID_HEADER);
    g_assert_cmpuint(g->c->shared->log_len, ==, since);
    g_assert_cmpuint(g->c->shared->raw_config_writes, ==, 0);

    /* The capabilities of the device are where they were */
    for (const VfExtCap *cap = t->caps; cap->size; cap++) {
        g_assert_cmphex(vg_config_readw(g, 1, 0, cap->offset), ==, cap->id);
        if (cap->offset == t->offset) {
            continue;
        }
        g_assert_cmphex(vg_config_readw(g, 1, 0, cap->offset + cap->size - 2),
                        ==, BODY);
    }
}

/* As vg_find_ext_cap(), for lists that need not ascend */
static void check_no_capability(VfGuest *g)
{
    uint16_t pos = PCI_CFG_SPACE_SIZE;

    for (unsigned int left = VF_CONFIG_SIZE / 4; pos; left--) {
        uint32_t header = vg_config_readl(g, 1, 0, pos);

        g_assert_cmphex(PCI_EXT_CAP_ID(header), !=, PCI_EXT_CAP_ID_PASID);
        g_assert_cmpuint(left, >, 0);
        pos = PCI_EXT_CAP_NEXT(header);
    }
}

static void test_place(const void *opaque)
{
    const PlaceTest *t = opaque;
    VfClient *c = describe(t);
    VfGuest *g = vg_start(c, VG_MACHINE ACCEL VG_IOMMUFD VG_PORT(1)
                          "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1%s",
                          "", c->iommufd, c->device_fd[0], t->options);
    g_autofree gchar *state = NULL;
    g_autofree gchar *sentence = NULL;
    g_autofree gchar *text = NULL;

    vg_ports(g, 1);
    state = vg_pasid_state(g, "d0", &sentence);
    vg_assert_has(state, t->state);
    if (t->text) {
        vg_assert_has(sentence, t->text);
    }
    if (t->offset) {
        check_capability(g, t);
    } else {
        check_no_capability(g);
    }
    text = vg_end(g);
    g_assert_cmpuint(count_lines(text), ==, t->warnings);
    if (t->warnings) {
        vg_assert_has(text, "d0: no PASID for the guest: ");
        vg_assert_has(text, sentence + strlen("disabled: "));
    }
}

static void test_refused(const void *opaque)
{
    const PlaceTest *t = opaque;
    VfClient *c = describe(t);
    VfGuest *g = vg_start(c, VG_MACHINE ACCEL VG_IOMMUFD VG_PORT(1), "",
                          c->iommufd);
    g_autofree gchar *err = NULL;
    g_autofree gchar *text = NULL;

    vg_ports(g, 1);
    err = vg_device_add(g, 0, "d0", 1, t->options);
    vg_assert_has(err, t->text);
    vg_assert_has(err, "vfio d0: ");
    /* Another way out is a hint, which QMP does not have */
    g_assert_null(strstr(err, "x-vpasid=off"));
    vf_client_assert_clean(c);
    text = vg_end(g);
    g_assert_cmpuint(count_lines(text), ==, t->warnings);
}

static void add_rows(const char *group, const PlaceTest *rows, size_t n,
                     void (*run)(const void *))
{
    for (size_t i = 0; i < n; i++) {
        vg_add_test(group, rows[i].name, &rows[i], run);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    add_rows("vfio-pasid/place", tests, ARRAY_SIZE(tests), test_place);
    add_rows("vfio-pasid/place-refused", refused_tests,
             ARRAY_SIZE(refused_tests), test_refused);
    return g_test_run();
}
