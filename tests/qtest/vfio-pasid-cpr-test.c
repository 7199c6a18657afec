/*
 * QTest of VFIO PCI devices: a new QEMU takes the guest over (CPR)
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The new QEMU may be newer or older, may have the series or not, and may have
 * other options than the old one. The guest's view of the device must not
 * change.
 */

#include "qemu/osdep.h"

#include <linux/iommufd.h>

#include "hw/pci/pci_regs.h"
#include "qobject/qdict.h"
#include "vfio-guest/smmu.h"

#define DEVICE "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1"

#define WIDTH           16
#define ENABLED         (PCI_PASID_CTRL_ENABLE << 16)
#define PASID_HEADER    0x0001001b
#define DEVCAP2         (VF_IMAGE_PCIE_CAP + PCI_EXP_DEVCAP2)

static const VfExtCap caps_aer[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c }, { }
};
static const VfExtCap caps_between[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c },
    { 0x200, PCI_EXT_CAP_ID_PASID, 1, 8 },
    { 0x300, PCI_EXT_CAP_ID_LTR, 1, 8 }, { }
};
static const VfExtCap caps_first[] = {
    { 0x100, PCI_EXT_CAP_ID_PASID, 1, 8 },
    { 0x200, PCI_EXT_CAP_ID_ERR, 2, 0x2c }, { }
};
static const VfExtCap caps_alone[] = {
    { 0x100, PCI_EXT_CAP_ID_PASID, 1, 8 }, { }
};

static void put_registers(VfDevice *d, uint16_t offset)
{
    vf_put32(d->phys + offset, vf_get32(d->phys + offset) | PASID_HEADER);
    vf_put32(d->phys + offset + PCI_PASID_CAP, WIDTH << 8 | ENABLED);
}

static void aer(VfDevice *d)
{
    vf_image_ext_caps(d->phys, caps_aer);
}

static void last(VfDevice *d)
{
    aer(d);
    put_registers(d, 0x300);
}

/* The device does not say that it supports end-to-end TLP prefixes */
static void no_prefix(VfDevice *d)
{
    last(d);
    vf_put32(d->phys + DEVCAP2, 0);
}

static void between(VfDevice *d)
{
    vf_image_ext_caps(d->phys, caps_between);
    put_registers(d, 0x200);
}

/* The kernel takes the first two for one, and fails to hide PASID */
static void adjoining(VfDevice *d)
{
    static const VfExtCap caps[] = {
        { 0x100, PCI_EXT_CAP_ID_DVSEC, 1, 0x10 },
        { 0x110, PCI_EXT_CAP_ID_DVSEC, 1, 0x10 },
        { 0x300, PCI_EXT_CAP_ID_PASID, 1, 8 },
        { 0x400, PCI_EXT_CAP_ID_LTR, 1, 8 }, { }
    };

    vf_image_ext_caps(d->phys, caps);
    put_registers(d, 0x300);
}

static void first(VfDevice *d)
{
    vf_image_ext_caps(d->phys, caps_first);
    put_registers(d, 0x100);
}

static void alone(VfDevice *d)
{
    vf_image_ext_caps(d->phys, caps_alone);
    put_registers(d, 0x100);
}

static void at_end(VfDevice *d)
{
    aer(d);
    put_registers(d, 0xff8);
}

static void shown(VfDevice *d)
{
    last(d);
    vf_put32(d->phys + 0x100, PCI_EXT_CAP_ID_ERR | 2 << 16 | 0x300u << 20);
    d->shows_pasid = 1;
}

/* The list of the device on @bus as the guest finds it; freed by the caller */
static gchar *list_of(VfGuest *g, uint8_t bus)
{
    GString *list = g_string_new(NULL);
    uint16_t pos = PCI_CFG_SPACE_SIZE;

    while (pos) {
        uint32_t header = vg_config_readl(g, bus, 0, pos);

        g_assert_cmphex(header, !=, UINT32_MAX);
        g_string_append_printf(list, "%x:%x ", pos, header);
        pos = PCI_EXT_CAP_NEXT(header);
    }
    return g_string_free(list, false);
}

/* The guest reads zero there, and writes nothing to the device */
static void check_hidden(VfGuest *g, uint8_t bus, uint16_t start, uint16_t end)
{
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;

    for (uint16_t at = start; at < end; at += 2) {
        g_assert_cmphex(vg_config_readw(g, bus, 0, at), ==, 0);
        vg_config_writew(g, bus, 0, at, 0xffff);
        g_assert_cmphex(vg_config_readw(g, bus, 0, at), ==, 0);
    }
    g_assert_cmpuint(s->log_len, ==, since);
    g_assert_cmpuint(s->raw_config_writes, ==, 0);
}

static void hand_over(VfGuest *g, bool transfer, const VgNext *next)
{
    if (transfer) {
        vg_transfer_to(g, next);
    } else {
        vg_exec_to(g, next);
    }
}

/* A QEMU without the series and one with it, and back */

static const struct {
    void (*describe)(VfDevice *d);
    uint16_t hidden;            /* first register that a guest may not see */
    uint16_t end;               /* behind the last one */
} update_devices[] = {
    { .describe = last, .hidden = 0x300, .end = 0x308 },
    { .describe = between, .hidden = 0x200, .end = 0x208 },
    { .describe = first, .hidden = 0x104, .end = 0x108 },
    { .describe = alone, .hidden = 0x104, .end = 0x108 },
    { .describe = at_end, .hidden = 0xff8, .end = 0x1000 },
    { .describe = shown },
    { .describe = adjoining },
    { .describe = aer },
};

typedef struct UpdateTest {
    const char *name;
    bool transfer;
    uint8_t width;              /* that the host reports */
} UpdateTest;

static const UpdateTest update_tests[] = {
    { .name = "exec", .transfer = false, .width = WIDTH },
    { .name = "exec-silent", .transfer = false, .width = 0 },
    { .name = "transfer", .transfer = true, .width = WIDTH },
    { .name = "transfer-silent", .transfer = true, .width = 0 },
};

static void test_update(const void *opaque)
{
    enum { DEVICES = ARRAY_SIZE(update_devices) };
    static const char *const programs[] = {
        VG_BASE, "QTEST_QEMU_BINARY", VG_BASE, "QTEST_QEMU_BINARY",
        "QTEST_QEMU_BINARY",
    };
    const UpdateTest *t = opaque;
    g_autoptr(GString) options = g_string_new(NULL);
    g_auto(GStrv) lists = g_new0(gchar *, DEVICES + 1);
    VfClient *c;
    VfGuest *g;

    if (!vg_has_base()) {
        return;
    }
    c = vf_client_new();
    for (int n = 0; n < DEVICES; n++) {
        VfDevice *d = vf_client_add_device(c);

        d->phys[PCI_INTERRUPT_PIN] = 0;
        d->max_pasid_log2 = t->width;
        update_devices[n].describe(d);
        g_string_append_printf(options, "-device pcie-root-port,id=rp%d,"
                               "chassis=%d,slot=%d,bus=pcie.0,addr=%d,"
                               "io-reserve=0 -device vfio-pci,iommufd=i0,fd=%d,"
                               "id=d%d,bus=rp%d ", n + 1, n + 1, n + 1, n + 1,
                               c->device_fd[n], n, n + 1);
    }
    g = vg_start_as(c, programs[0], VG_MACHINE VG_SHARED_RAM VG_IOMMUFD "%s",
                    "", c->iommufd, options->str);
    vg_ports(g, DEVICES);
    for (int n = 0; n < DEVICES; n++) {
        lists[n] = list_of(g, n + 1);
    }
    for (int i = 1; i < ARRAY_SIZE(programs); i++) {
        const VgNext next = { .var = programs[i] };

        hand_over(g, t->transfer, &next);
        for (int n = 0; n < DEVICES; n++) {
            g_autofree gchar *list = list_of(g, n + 1);

            g_assert_cmpstr(list, ==, lists[n]);
            if (t->width && !g_str_equal(programs[i], VG_BASE)) {
                check_hidden(g, n + 1, update_devices[n].hidden,
                             update_devices[n].end);
            }
        }
    }
    vg_end_silent(g);
}

/* The capability stays where the guest knows it */

typedef struct AdoptTest {
    const char *name;
    void (*describe)(VfDevice *d);
    const char *from;           /* options of the QEMU that starts */
    const char *to;             /* and of the next one */
    uint16_t offset;            /* of the capability; 0: none */
    const char *state;          /* in x-vpasid-state of the next one */
    const char *said;           /* expected message, NULL for none */
    uint16_t hidden;            /* register of the device; 0: none */
} AdoptTest;

static const AdoptTest adopt_tests[] = {
    { .name = "same", .describe = last, .from = "", .to = "",
      .offset = 0xff8, .state = "where=guest",
      .hidden = 0x300 },
    { .name = "no-prefix", .describe = no_prefix, .from = "", .to = "",
      .offset = 0xff8, .state = "where=guest",
      .hidden = 0x300 },
    { .name = "no-prefix-off", .describe = no_prefix, .from = ",x-vpasid=off",
      .to = "", .offset = 0, .state = "reason=guest-without",
      .hidden = 0x300 },
    { .name = "to-default", .describe = last,
      .from = ",x-vpasid-cap-offset=0x400", .to = "", .offset = 0x400,
      .state = "offset=0x400 width=16 exec=0 priv=0 where=guest limit=host",
      .hidden = 0x300 },
    { .name = "to-user", .describe = last, .from = "",
      .to = ",x-vpasid-cap-offset=0x400", .offset = 0xff8,
      .state = "offset=0xff8 width=16", .hidden = 0x300 },
    { .name = "user-to-user", .describe = last,
      .from = ",x-vpasid-cap-offset=0x500",
      .to = ",x-vpasid-cap-offset=0x400", .offset = 0x500,
      .state = "offset=0x500 width=16", .hidden = 0x300 },
    /* The new place would be in the body of AER: it is not looked at */
    { .name = "to-impossible", .describe = last, .from = "",
      .to = ",x-vpasid-cap-offset=0x110", .offset = 0xff8,
      .state = "offset=0xff8 width=16", .hidden = 0x300 },
    { .name = "from-own", .describe = last,
      .from = ",x-vpasid-cap-offset=0x300", .to = "", .offset = 0x300,
      .state = "offset=0x300 width=16" },
    { .name = "between", .describe = between,
      .from = ",x-vpasid-cap-offset=0x280", .to = "", .offset = 0x280,
      .state = "offset=0x280 width=16", .hidden = 0x200 },
    { .name = "head", .describe = first,
      .from = ",x-vpasid-cap-offset=0x100", .to = "", .offset = 0x100,
      .state = "offset=0x100 width=16" },
    { .name = "alone-head", .describe = alone,
      .from = ",x-vpasid-cap-offset=0x100", .to = "", .offset = 0x100,
      .state = "offset=0x100 width=16" },
    { .name = "alone-end", .describe = alone, .from = "",
      .to = ",x-vpasid-cap-offset=0x100", .offset = 0xff8,
      .state = "offset=0xff8 width=16", .hidden = 0x104 },
    { .name = "adjoining", .describe = adjoining, .from = "", .to = "",
      .offset = 0xff8, .state = "offset=0xff8 width=16", .hidden = 0x300 },
    { .name = "adjoining-off", .describe = adjoining, .from = ",x-vpasid=off",
      .to = "", .offset = 0, .state = "reason=guest-without",
      .hidden = 0x300 },
    /* The properties come too late */
    { .name = "to-off", .describe = last, .from = "", .to = ",x-vpasid=off",
      .offset = 0xff8, .state = "offset=0xff8 width=16",
      .said = "vfio d0: x-vpasid=off is too late", .hidden = 0x300 },
    { .name = "from-off", .describe = last, .from = ",x-vpasid=off", .to = "",
      .offset = 0, .state = "reason=guest-without",
      .hidden = 0x300 },
    { .name = "off-to-on", .describe = last, .from = ",x-vpasid=off",
      .to = ",x-vpasid=on", .offset = 0,
      .state = "reason=guest-without",
      .said = "vfio d0: x-vpasid=on is too late", .hidden = 0x300 },
    { .name = "shown", .describe = shown, .from = "", .to = ",x-vpasid=off",
      .offset = 0x300, .state = "where=device",
      .said = "vfio d0: x-vpasid=off is too late" },
    { .name = "not-shown", .describe = shown, .from = ",x-vpasid=off", .to = "",
      .offset = 0, .state = "reason=guest-without",
      .hidden = 0x300 },
};

static VfGuest *start(void (*describe)(VfDevice *d), const char *options)
{
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);
    VfGuest *g;

    d->phys[PCI_INTERRUPT_PIN] = 0;
    d->max_pasid_log2 = WIDTH;
    describe(d);
    g = vg_start(c, VG_MACHINE VG_SHARED_RAM VG_IOMMUFD VS_SSID16 VG_PORT(1)
                 DEVICE "%s ", "", c->iommufd, c->device_fd[0], options);
    vg_ports(g, 1);
    return g;
}

/* To the one, back to the other and to the one again, in both ways */
static void test_adopt(const void *opaque)
{
    const AdoptTest *t = opaque;
    g_autofree gchar *from = g_strconcat("bus=rp1", t->from, NULL);
    g_autofree gchar *to = g_strconcat("bus=rp1", t->to, NULL);
    const VgNext there = { .from = from, .to = to };
    const VgNext back = { .from = to, .to = from };
    VfGuest *g = start(t->describe, t->from);
    bool own = g->c->shared->device[0].shows_pasid;
    g_autofree gchar *before = list_of(g, 1);
    uint32_t devcap2 = vg_config_readl(g, 1, 0, DEVCAP2);
    g_autofree gchar *state = NULL;
    g_autofree gchar *text = NULL;

    g_assert_cmphex(vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, NULL), ==,
                    t->offset);
    if (t->offset && !own) {
        vg_config_writew(g, 1, 0, t->offset + PCI_PASID_CTRL,
                         PCI_PASID_CTRL_ENABLE);
    }
    for (int i = 0; i < 3; i++) {
        g_autofree gchar *after = NULL;

        hand_over(g, i % 2, i % 2 ? &back : &there);
        after = list_of(g, 1);
        g_assert_cmpstr(after, ==, before);
        g_assert_cmphex(vg_config_readl(g, 1, 0, DEVCAP2), ==, devcap2);
        if (t->hidden) {
            check_hidden(g, 1, t->hidden, t->hidden + 4);
        }
        if (!t->offset || own) {
            continue;
        }
        /* It works there, and nowhere else */
        g_assert_cmphex(vg_config_readl(g, 1, 0, t->offset + PCI_PASID_CAP),
                        ==, WIDTH << 8 | ENABLED);
        vg_config_writew(g, 1, 0, t->offset + PCI_PASID_CTRL, 0);
        g_assert_cmphex(vg_config_readl(g, 1, 0, t->offset + PCI_PASID_CAP),
                        ==, WIDTH << 8);
        vg_config_writew(g, 1, 0, t->offset + PCI_PASID_CTRL,
                         PCI_PASID_CTRL_ENABLE);
        g_assert_cmpuint(g->c->shared->raw_config_writes, ==, 0);
    }
    state = vg_pasid_state(g, "d0", NULL);
    vg_assert_has(state, t->state);
    if (t->offset && !own) {
        vg_system_reset(g);
        g_assert_cmphex(vg_config_readl(g, 1, 0, t->offset + PCI_PASID_CAP),
                        ==, WIDTH << 8);
    }
    text = vg_end(g);
    if (t->said) {
        vg_assert_has(text, t->said);
    } else {
        g_assert_cmpstr(text, ==, "");
    }
}

/* Messages to the user while a guest is taken over, and after that */

typedef struct TextTest {
    const char *name;
    void (*describe)(VfDevice *d);
    const char *from;           /* options of the QEMU that starts */
    const char *state;          /* in the next one, without options */
    const char *text;
} TextTest;

static const TextTest text_tests[] = {
    { .name = "same", .describe = last, .from = "",
      .state = "enabled=1 reason=none offset=0xff8 width=16 exec=0 priv=0 "
               "where=guest limit=host",
      .text = "enabled: offset 0xff8, width 16, exec 0, priv 0, placed where "
              "the guest knows it" },
    { .name = "without", .describe = last, .from = ",x-vpasid=off",
      .state = "enabled=0 reason=guest-without",
      .text = "disabled: the guest was started without the capability" },
};

static void look_not_loaded(VfGuest *g)
{
    g_autofree gchar *text = NULL;
    g_autofree gchar *state = vg_pasid_state(g, "d0", &text);

    g_assert_cmpstr(state, ==, "enabled=0 reason=guest-not-loaded");
    g_assert_cmpstr(text, ==, "not decided: the state of the guest was not "
                    "loaded");
}

static void test_text(const void *opaque)
{
    const TextTest *t = opaque;
    g_autofree gchar *from = g_strconcat("bus=rp1", t->from, NULL);
    const VgNext next = {
        .from = from, .to = "bus=rp1", .look = look_not_loaded,
    };
    VfGuest *g = start(t->describe, t->from);
    g_autofree gchar *text = NULL;
    g_autofree gchar *state = NULL;

    vg_transfer_to(g, &next);
    state = vg_pasid_state(g, "d0", &text);
    g_assert_cmpstr(state, ==, t->state);
    g_assert_cmpstr(text, ==, t->text);
    vg_end_silent(g);
}

/* Where it cannot stay the guest does */

typedef struct RefuseTest {
    const char *name;
    const char *from;           /* options of the QEMU that starts */
    void (*change)(VfDevice *d); /* meanwhile */
    const char *said[4];
} RefuseTest;

static void grown(VfDevice *d)
{
    static const VfExtCap caps[] = {
        { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c },
        { 0x3f0, PCI_EXT_CAP_ID_VNDR, 1, 0x40 }, { }
    };

    vf_image_ext_caps(d->phys, caps);
    d->config_ready = 0;
}

static void grown_elsewhere(VfDevice *d)
{
    static const VfExtCap caps[] = {
        { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c },
        { 0x500, PCI_EXT_CAP_ID_VNDR, 1, 0x40 }, { }
    };

    vf_image_ext_caps(d->phys, caps);
    d->config_ready = 0;
}

static void narrower(VfDevice *d)
{
    d->max_pasid_log2 = 8;
}

static void without(VfDevice *d)
{
    d->max_pasid_log2 = 0;
}

static const RefuseTest refuse_tests[] = {
    { .name = "in-the-way", .from = ",x-vpasid-cap-offset=0x400",
      .change = grown,
      .said = { "vfio d0: the guest has its PASID capability at offset 0x400",
                "where it cannot be here: 0x400 overlaps the body",
                "unplug the device before QEMU is replaced" } },
    { .name = "other-list", .from = "", .change = grown_elsewhere,
      .said = { "vfio d0: configuration space is not what the guest knows",
                "at offset 0x102", "unplug the device" } },
    { .name = "narrower", .from = "", .change = narrower,
      .said = { "vfio d0: the PASID capability of the guest at offset 0xff8 "
                "says width 16", "only say width 8", "unplug the device" } },
    { .name = "without", .from = "", .change = without,
      .said = { "vfio d0: the guest has a PASID capability at offset 0xff8",
                "the host reports no PASID", "the options that it had" } },
};

static void test_refuse(const void *opaque)
{
    const RefuseTest *t = opaque;
    VfGuest *g = start(last, t->from);
    g_autofree gchar *before = list_of(g, 1);
    g_autofree gchar *after = NULL;
    g_autofree gchar *text = NULL;
    g_autofree gchar *options = g_strdup(g->options);

    t->change(&g->c->shared->device[0]);
    vg_transfer_refused(g, options);
    after = list_of(g, 1);
    g_assert_cmpstr(after, ==, before);
    text = vg_end(g);
    for (int i = 0; i < ARRAY_SIZE(t->said) && t->said[i]; i++) {
        vg_assert_has(text, t->said[i]);
    }
}

/* Later changes of the device at this offset are hidden */
static void test_covered(void)
{
    VfGuest *g = start(last, ",x-vpasid-cap-offset=0x400");

    vf_put32(g->c->shared->device[0].phys + 0x404, 0x12345678);
    vg_transfer(g);
    g_assert_cmphex(vg_config_readl(g, 1, 0, 0x404), ==, WIDTH << 8);
    vg_exec(g, NULL);
    g_assert_cmphex(vg_config_readl(g, 1, 0, 0x404), ==, WIDTH << 8);
    vg_end_silent(g);
}

/* A descriptor is found again by the id of the device */

static VfGuest *start_plain(const char *device)
{
    VfClient *c = vf_client_new();

    vf_client_add_device(c)->phys[PCI_INTERRUPT_PIN] = 0;
    return vg_start(c, VG_MACHINE VG_SHARED_RAM VG_IOMMUFD VG_PORT(1)
                    "-device vfio-pci,iommufd=i0,fd=%d,bus=rp1%s", "",
                    c->iommufd, c->device_fd[0], device);
}

/* @answer is that to migrate, and is freed */
static void assert_blocked(QDict *answer, const char *said)
{
    QDict *error;

    g_assert(qdict_haskey(answer, "error"));
    error = qdict_get_qdict(answer, "error");
    vg_assert_has(qdict_get_str(error, "desc"), said);
    qobject_unref(answer);
}

static void assert_both_blocked(VfGuest *g, const char *said)
{
    qtest_qmp_assert_success(g->qts, "{ 'execute': 'migrate-set-parameters',"
                             " 'arguments': { 'mode': 'cpr-transfer' } }");
    assert_blocked(qtest_qmp(g->qts, "{ 'execute': 'migrate', 'arguments':"
                             " { 'channels': [ { 'channel-type': 'main',"
                             " 'addr': { 'transport': 'socket',"
                             " 'type': 'unix', 'path': '/nowhere/main' } },"
                             " { 'channel-type': 'cpr',"
                             " 'addr': { 'transport': 'socket',"
                             " 'type': 'unix', 'path': '/nowhere/cpr' } } ]"
                             " } }"), said);
    qtest_qmp_assert_success(g->qts, "{ 'execute': 'migrate-set-parameters',"
                             " 'arguments': { 'mode': 'cpr-exec' } }");
    assert_blocked(qtest_qmp(g->qts, "{ 'execute': 'migrate', 'arguments':"
                             " { 'uri': 'file:/nowhere/file' } }"), said);
}

static void test_no_id(void)
{
    VfGuest *g = start_plain("");

    assert_both_blocked(g, "needs an id");
    vg_end_silent(g);
}

/* A QEMU that comes up no further than this: the device is not its own */

typedef struct LeaveTest {
    const char *name;
    VfOp op;                    /* that fails in the new QEMU, or 0 */
    const char *options;        /* more of them for the new QEMU */
    const char *said;
} LeaveTest;

static const LeaveTest leave_tests[] = {
    { .name = "info", .op = VF_OP_GET_INFO, .options = "",
      .said = "error getting device info" },
    { .name = "hw-info", .op = VF_OP_GET_HW_INFO, .options = "",
      .said = "Failed to get hardware info" },
    { .name = "options", .options = " -global vfio-pci.xres=640",
      .said = "xres" },
};

static void test_leave(const void *opaque)
{
    static const VfOp not_made[] = {
        VF_OP_ATTACH, VF_OP_DETACH, VF_OP_DESTROY, VF_OP_IOAS_UNMAP,
        VF_OP_SET_IRQS, VF_OP_RESET, VF_OP_HOT_RESET,
    };
    const LeaveTest *t = opaque;
    VfGuest *g = start_plain(",id=d0");
    VfShared *s = g->c->shared;
    g_autofree gchar *options = g_strconcat(g->options, t->options, NULL);
    g_autofree VfObject *before = g_memdup2(s->object, sizeof(s->object));
    g_autofree gchar *text = NULL;
    uint32_t since = s->log_len;

    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, VF_ACCESS_PAGING);
    if (t->op) {
        vf_client_rule(g->c, t->op, 1, UINT32_MAX, EIO);
    }
    vg_transfer_refused(g, options);
    vf_client_clear_rules(g->c);
    for (int i = 0; i < ARRAY_SIZE(not_made); i++) {
        g_assert_cmpuint(vf_client_count(g->c, not_made[i], since), ==, 0);
    }
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        g_assert_cmpuint(s->object[i].type, ==, before[i].type);
        if (before[i].type != VF_OBJ_FREE) {
            g_assert_cmpmem(&s->object[i], sizeof(s->object[i]), &before[i],
                            sizeof(before[i]));
        }
    }
    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, VF_ACCESS_PAGING);
    vg_exec(g, NULL);
    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, VF_ACCESS_PAGING);
    text = vg_end(g);
    vg_assert_has(text, t->said);
}

/* The new QEMU names the missing option */
static void test_id_lost(void)
{
    const VgNext next = { .from = ",id=d0", .to = "" };
    g_autofree gchar *text = NULL;
    VfGuest *g = start_plain(",id=d0");

    vg_exec_lost(g, &next);
    text = vg_end(g);
    vg_assert_has(text, "was passed without an id");
}

static void test_id_refused(void)
{
    VfGuest *g = start_plain(",id=d0");
    g_auto(GStrv) parts = g_strsplit(g->options, ",id=d0", -1);
    g_autofree gchar *options = g_strjoinv("", parts);
    g_autofree gchar *text = NULL;

    vg_transfer_refused(g, options);
    vg_exec(g, NULL);
    text = vg_end(g);
    vg_assert_has(text, "was passed without an id");
}

/* A host that cannot hand mappings over */
static void test_no_change_process(void)
{
    VfGuest *g;
    VfClient *c = vf_client_new();

    vf_client_add_device(c)->phys[PCI_INTERRUPT_PIN] = 0;
    vf_client_rule(c, VF_OP_IOMMUFD_OTHER, 1, UINT32_MAX, ENOTTY);
    g = vg_start(c, VG_MACHINE VG_SHARED_RAM VG_IOMMUFD VG_PORT(1) DEVICE, "",
                 c->iommufd, c->device_fd[0]);
    assert_both_blocked(g, "IOMMU_IOAS_CHANGE_PROCESS");
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(update_tests); i++) {
        vg_add_test("vfio-pasid/cpr/update", update_tests[i].name,
                    &update_tests[i], test_update);
    }
    for (int i = 0; i < ARRAY_SIZE(adopt_tests); i++) {
        vg_add_test("vfio-pasid/cpr/adopt", adopt_tests[i].name,
                    &adopt_tests[i], test_adopt);
    }
    for (int i = 0; i < ARRAY_SIZE(text_tests); i++) {
        vg_add_test("vfio-pasid/cpr/text", text_tests[i].name, &text_tests[i],
                    test_text);
    }
    for (int i = 0; i < ARRAY_SIZE(refuse_tests); i++) {
        vg_add_test("vfio-pasid/cpr/refuse", refuse_tests[i].name,
                    &refuse_tests[i], test_refuse);
    }
    qtest_add_func("vfio-pasid/cpr/covered", test_covered);
    qtest_add_func("vfio-pasid/cpr/no-id", test_no_id);
    qtest_add_func("vfio-pasid/cpr/id-lost", test_id_lost);
    qtest_add_func("vfio-pasid/cpr/id-refused", test_id_refused);
    for (int i = 0; i < ARRAY_SIZE(leave_tests); i++) {
        vg_add_test("vfio-pasid/cpr/leave", leave_tests[i].name,
                    &leave_tests[i], test_leave);
    }
    qtest_add_func("vfio-pasid/cpr/no-change-process",
                   test_no_change_process);
    return g_test_run();
}
