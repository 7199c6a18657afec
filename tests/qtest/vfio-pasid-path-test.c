/*
 * QTest of the path from a VFIO PCI device to the root, for PASID
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Linux enables PASID in a guest only if the function has a PCI Express
 * capability, the function and each port above it support end-to-end TLP
 * prefixes, and each port above it and each function of a multifunction slot
 * has ACS. Each row is a topology, and what the guest finds and the user is
 * told.
 *
 * No row has the reason port-no-prefix: each PCI Express port of QEMU supports
 * the prefixes, and an accelerated SMMUv3 refuses a device behind a bridge that
 * is conventional PCI.
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "vfio-guest/guest.h"

#define ACCEL "-device arm-smmuv3,primary-bus=pcie.0,accel=on,ssidsize=16 "
#define DEVICE "-device vfio-pci,iommufd=i0,fd=%d,id=d0,"

/* Root port rp1 with @port, a switch with downstream port dn with @down */
#define SWITCH(port, up, down) \
    "-device pcie-root-port,id=rp1,chassis=1,slot=1,bus=pcie.0,addr=1," \
    "io-reserve=0" port " -device x3130-upstream,id=up,bus=rp1" up \
    " -device xio3130-downstream,id=dn,bus=up,chassis=9,slot=9" down " "
#define NO_ACS_PORT \
    "-device pcie-root-port,id=rp1,chassis=1,slot=1,bus=pcie.0,addr=1," \
    "io-reserve=0,disable-acs=on "

#define END_OFFSET  0xff8
#define SLOT_5      (5 << 3)
/* Fields of Device Capabilities 2 (PCIe 6.2, 7.5.3.15) */
#define OTHER_FIELDS    0x00000010u
#define PREFIX          0x00200000u
#define PREFIX_MAX_1    0x00400000u

typedef struct PathTest {
    const char *name;
    const char *ports;
    const char *where;          /* options of the device */
    void (*describe)(VfDevice *d);
    uint8_t bus;                /* of the device; root ports are on bus 0 */
    uint8_t devfn;
    const char *reason;         /* NULL: it works */
    const char *said[4];        /* in the sentence */
    const char *text;           /* all of it, in one row per reason */
} PathTest;

static const VfExtCap caps_aer[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c }, { }
};
static const VfExtCap caps_acs[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c },
    { 0x200, PCI_EXT_CAP_ID_ACS, 1, 8 }, { }
};

static void set_type(VfDevice *d, uint16_t type)
{
    vf_put16(d->phys + VF_IMAGE_PCIE_CAP + PCI_EXP_FLAGS, 2 | type << 4);
}

static void legacy(VfDevice *d)
{
    set_type(d, PCI_EXP_TYPE_LEG_END);
}

static void integrated(VfDevice *d)
{
    set_type(d, PCI_EXP_TYPE_RC_END);
}

/* Device Capabilities 2 came with version 2 */
static void version_1(VfDevice *d)
{
    vf_put16(d->phys + VF_IMAGE_PCIE_CAP + PCI_EXP_FLAGS,
             1 | PCI_EXP_TYPE_ENDPOINT << 4);
}

static void no_express(VfDevice *d)
{
    d->phys[VF_IMAGE_PM_CAP + PCI_CAP_LIST_NEXT] = VF_IMAGE_MSIX_CAP;
}

static void has_acs(VfDevice *d)
{
    vf_image_ext_caps(d->phys, caps_acs);
    vf_put32(d->phys + 0x204, PCI_ACS_RR | PCI_ACS_UF |
                              (PCI_ACS_RR | PCI_ACS_UF) << 16);
}

static const PathTest tests[] = {
    { .name = "root-port", .ports = VG_PORT(1), .where = "bus=rp1", .bus = 1 },
    { .name = "root-bus", .ports = "", .where = "bus=pcie.0,addr=5",
      .devfn = SLOT_5 },
    { .name = "integrated", .ports = "", .where = "bus=pcie.0,addr=5",
      .describe = integrated, .devfn = SLOT_5 },

    /* The guest sees conventional PCI of these */
    { .name = "legacy-root-bus", .ports = "", .where = "bus=pcie.0,addr=5",
      .describe = legacy, .devfn = SLOT_5,
      .reason = "device-no-express",
      .said = { "no PCI Express capability", "pcie-root-port" } },
    { .name = "legacy-root-port", .ports = VG_PORT(1), .where = "bus=rp1",
      .describe = legacy, .bus = 1 },
    { .name = "no-express", .ports = VG_PORT(1), .where = "bus=rp1",
      .describe = no_express, .bus = 1,
      .reason = "device-no-express",
      .said = { "no PCI Express capability" }, .text =
          "disabled: the guest sees no PCI Express capability of the device, "
          "and thus no extended configuration space; a Legacy Endpoint needs a "
          "pcie-root-port for it, a root bus will not do" },
    { .name = "version-1", .ports = VG_PORT(1), .where = "bus=rp1",
      .describe = version_1, .bus = 1,
      .reason = "device-no-prefix",
      .said = { "version 1", "TLP prefixes" }, .text =
          "disabled: the PCI Express capability of the device has version 1, "
          "which cannot tell that the device supports end-to-end TLP "
          "prefixes" },

    /* Access control services */
    { .name = "port-without-acs", .ports = NO_ACS_PORT, .where = "bus=rp1",
      .bus = 1, .reason = "port-no-acs",
      .said = { "port rp1", "ACS", "disable-acs=off" }, .text =
          "disabled: the port rp1 (pcie-root-port) has no access control "
          "services (ACS), without which a guest does not enable PASID; give "
          "it disable-acs=off, an xio3130-downstream x-disable-acs=off, or use "
          "a pcie-root-port instead" },
    { .name = "switch", .ports = SWITCH("", "", ""), .where = "bus=dn",
      .bus = 3,
      .reason = "port-no-acs",
      .said = { "port dn", "xio3130-downstream", "x-disable-acs=off" } },
    { .name = "switch-with-acs",
      .ports = SWITCH("", "", ",x-disable-acs=off"), .where = "bus=dn",
      .bus = 3 },
    { .name = "switch-root-port-without-acs",
      .ports = SWITCH(",disable-acs=on", "", ",x-disable-acs=off"),
      .where = "bus=dn", .bus = 3,
      .reason = "port-no-acs",
      .said = { "port rp1", "pcie-root-port", "disable-acs=off" } },
    { .name = "switch-in-multifunction-slot",
      .ports = SWITCH("", ",multifunction=on", ",x-disable-acs=off"),
      .where = "bus=dn", .bus = 3,
      .reason = "port-no-acs",
      .said = { "up", "x3130-upstream", "ACS", "multifunction" } },
    { .name = "multifunction", .ports = VG_PORT(1),
      .where = "bus=rp1,multifunction=on", .bus = 1,
      .reason = "device-no-acs",
      .said = { "ACS", "multifunction=on" }, .text =
          "disabled: the device is in a multifunction slot and has no access "
          "control services (ACS), without which a guest does not enable "
          "PASID; give it a pcie-root-port of its own, without "
          "multifunction=on" },
    { .name = "multifunction-with-acs", .ports = VG_PORT(1),
      .where = "bus=rp1,multifunction=on", .describe = has_acs, .bus = 1 },
    { .name = "multifunction-root-bus", .ports = "",
      .where = "bus=pcie.0,addr=5,multifunction=on", .devfn = SLOT_5,
      .reason = "device-no-acs",
      .said = { "ACS", "pcie-root-port" } },
};

static VfClient *describe(const PathTest *t)
{
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);

    vf_image_ext_caps(d->phys, caps_aer);
    if (t->describe) {
        t->describe(d);
    }
    return c;
}

/* Give the buses below port rp1 the numbers 1, 2 and 3 */
static void number_buses(VfGuest *g, unsigned int last)
{
    const uint8_t devfn[] = { 1 << 3, 0, 0 };

    for (uint8_t bus = 0; bus < last; bus++) {
        vg_config_writel(g, bus, devfn[bus], PCI_PRIMARY_BUS,
                         bus | (bus + 1) << 8 | last << 16);
    }
}

static void test_row(const void *opaque)
{
    const PathTest *t = opaque;
    VfClient *c = describe(t);
    VfGuest *g = vg_start(c, VG_MACHINE ACCEL VG_IOMMUFD "%s" DEVICE "%s", "",
                          c->iommufd, t->ports, c->device_fd[0], t->where);
    g_autofree gchar *sentence = NULL;
    g_autofree gchar *state = vg_pasid_state(g, "d0", &sentence);
    g_autofree gchar *expected = g_strdup_printf("enabled=0 reason=%s",
                                                 t->reason ?: "none");
    g_autofree gchar *text = NULL;

    number_buses(g, t->bus);
    g_assert_cmphex(vg_config_readl(g, t->bus, t->devfn, PCI_VENDOR_ID), ==,
                    0x00fa1b36);
    if (!t->reason) {
        vg_assert_has(state, "enabled=1 reason=none offset=0xff8");
        g_assert_cmphex(vg_find_ext_cap(g, t->bus, t->devfn,
                                        PCI_EXT_CAP_ID_PASID, NULL), ==,
                        END_OFFSET);
        vg_end_silent(g);
        return;
    }
    g_assert_cmpstr(state, ==, expected);
    for (int i = 0; i < ARRAY_SIZE(t->said) && t->said[i]; i++) {
        vg_assert_has(sentence, t->said[i]);
    }
    if (t->text) {
        g_assert_cmpstr(sentence, ==, t->text);
    }
    g_assert_cmphex(vg_config_readl(g, t->bus, t->devfn, END_OFFSET), ==, 0);
    text = vg_end(g);
    vg_assert_has(text, "warning:");
    vg_assert_has(text, sentence + strlen("disabled: "));
    vg_assert_has(text, " (x-vpasid=off silences this)\n");
}

/* The same is an error with x-vpasid=on, which names the device */
static void test_on(const void *opaque)
{
    const PathTest *t = opaque;
    VfClient *c = describe(t);
    g_autofree gchar *text =
        vg_refused(c, VG_MACHINE ACCEL VG_IOMMUFD "%s" DEVICE "%s,x-vpasid=on",
                   "", c->iommufd, t->ports, c->device_fd[0], t->where);

    vg_assert_has(text, "d0: x-vpasid=on, but ");
    for (int i = 0; i < ARRAY_SIZE(t->said) && t->said[i]; i++) {
        vg_assert_has(text, t->said[i]);
    }
    vf_client_free(c);
}

/* The second function of a slot is plugged before the first one */
static void test_second_function(void)
{
    const PathTest t = { .name = "" };
    VfClient *c = describe(&t);
    VfGuest *g = vg_start(c, VG_MACHINE ACCEL VG_IOMMUFD VG_PORT(1) DEVICE
                          "bus=rp1,addr=0.1", "", c->iommufd,
                          c->device_fd[0]);
    g_autofree gchar *state = vg_pasid_state(g, "d0", NULL);

    g_assert_cmpstr(state, ==, "enabled=0 reason=device-no-acs");
    g_free(vg_end(g));
}

/*
 * A virtual function leaves it to its physical function to say that it supports
 * end-to-end TLP prefixes. To the guest it is a function like any other.
 */
typedef struct PrefixTest {
    const char *name;
    const char *options;
    uint32_t has;
    uint32_t seen;
} PrefixTest;

static const PrefixTest prefix_tests[] = {
    { .name = "none", .options = "", .has = OTHER_FIELDS,
      .seen = OTHER_FIELDS | PREFIX | PREFIX_MAX_1 },
    { .name = "none-but-limit", .options = "",
      .has = OTHER_FIELDS | 3 * PREFIX_MAX_1,
      .seen = OTHER_FIELDS | PREFIX | PREFIX_MAX_1 },
    { .name = "four", .options = "", .has = OTHER_FIELDS | PREFIX,
      .seen = OTHER_FIELDS | PREFIX },
    { .name = "three", .options = "",
      .has = OTHER_FIELDS | PREFIX | 3 * PREFIX_MAX_1,
      .seen = OTHER_FIELDS | PREFIX | 3 * PREFIX_MAX_1 },
    /* Without the capability the guest sees the register of the device */
    { .name = "off", .options = ",x-vpasid=off", .has = OTHER_FIELDS,
      .seen = OTHER_FIELDS },
};

static void test_prefix(const void *opaque)
{
    const PrefixTest *t = opaque;
    const PathTest row = { .name = t->name };
    const uint16_t at = VF_IMAGE_PCIE_CAP + PCI_EXP_DEVCAP2;
    VfClient *c = describe(&row);
    VfGuest *g;

    vf_put32(c->shared->device[0].phys + at, t->has);
    g = vg_start(c, VG_MACHINE ACCEL VG_IOMMUFD VG_PORT(1) DEVICE "bus=rp1%s",
                 "", c->iommufd, c->device_fd[0], t->options);
    vg_ports(g, 1);
    g_assert_cmphex(vg_config_readl(g, 1, 0, at), ==, t->seen);
    vg_config_writel(g, 1, 0, at, ~t->seen);
    g_assert_cmphex(vg_config_readl(g, 1, 0, at), ==, t->seen);
    vg_system_reset(g);
    vg_ports(g, 1);
    g_assert_cmphex(vg_config_readl(g, 1, 0, at), ==, t->seen);
    g_assert_cmphex(vf_get32(c->shared->device[0].phys + at), ==, t->has);
    vg_end_silent(g);
}

/* Switches of guests that are there already stay as they are */
static void test_switch_is_optional(void)
{
    const PathTest t = { .name = "" };
    VfClient *c = describe(&t);
    VfGuest *g = vg_start(c, VG_MACHINE SWITCH("", "", ""), "");
    unsigned int count;

    number_buses(g, 3);
    vg_find_ext_cap(g, 2, 0, PCI_EXT_CAP_ID_ACS, &count);
    g_assert_cmpuint(count, ==, 0);
    vg_end_silent(g);
}

/* -device xio3130-downstream,help */
static void test_switch_help(void)
{
    VfClient *c = vf_client_new();
    VfGuest *g = vg_start(c, VG_MACHINE, "");
    QDict *response = qtest_qmp(g->qts, "{'execute': 'device-list-properties',"
                                " 'arguments':"
                                " {'typename': 'xio3130-downstream'}}");
    QListEntry *entry;
    bool found = false;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(response, "return"), entry) {
        QDict *property = qobject_to(QDict, qlist_entry_obj(entry));

        if (g_str_equal(qdict_get_str(property, "name"), "x-disable-acs")) {
            vg_assert_has(qdict_get_try_str(property, "description"), "ACS");
            g_assert_true(qdict_get_bool(property, "default-value"));
            found = true;
        }
    }
    g_assert_true(found);
    qobject_unref(response);
    vg_end_silent(g);
}

/* The registers of a downstream port (PCIe 6.2, 7.7.11) */
static void test_switch_acs(void)
{
    const uint16_t bits = PCI_ACS_RR | PCI_ACS_UF;
    const PathTest t = { .name = "" };
    VfClient *c = describe(&t);
    VfGuest *g = vg_start(c, VG_MACHINE SWITCH("", "", ",x-disable-acs=off"),
                          "");
    uint16_t acs;

    number_buses(g, 3);
    acs = vg_find_ext_cap(g, 2, 0, PCI_EXT_CAP_ID_ACS, NULL);
    g_assert_cmphex(acs, !=, 0);
    g_assert_cmphex(vg_config_readw(g, 2, 0, acs + PCI_ACS_CAP) & bits, ==,
                    bits);
    g_assert_cmphex(vg_config_readw(g, 2, 0, acs + PCI_ACS_CTRL), ==, 0);
    vg_config_writew(g, 2, 0, acs + PCI_ACS_CTRL, bits);
    g_assert_cmphex(vg_config_readw(g, 2, 0, acs + PCI_ACS_CTRL), ==, bits);
    vg_system_reset(g);
    number_buses(g, 3);
    g_assert_cmphex(vg_config_readw(g, 2, 0, acs + PCI_ACS_CTRL), ==, 0);
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    bool has_switch;

    g_test_init(&argc, &argv, NULL);

    has_switch = qtest_has_device("xio3130-downstream");
    for (int i = 0; i < ARRAY_SIZE(tests); i++) {
        if (strstr(tests[i].ports, "xio3130") && !has_switch) {
            continue;
        }
        vg_add_test("vfio-pasid/path", tests[i].name, &tests[i], test_row);
        if (tests[i].reason) {
            vg_add_test("vfio-pasid/path/on", tests[i].name, &tests[i],
                        test_on);
        }
    }
    for (int i = 0; i < ARRAY_SIZE(prefix_tests); i++) {
        vg_add_test("vfio-pasid/path/prefix", prefix_tests[i].name,
                    &prefix_tests[i], test_prefix);
    }
    qtest_add_func("vfio-pasid/path/second-function", test_second_function);
    if (has_switch) {
        qtest_add_func("vfio-pasid/path/switch-is-optional",
                       test_switch_is_optional);
        qtest_add_func("vfio-pasid/path/switch-acs", test_switch_acs);
        qtest_add_func("vfio-pasid/path/switch-help", test_switch_help);
    }
    return g_test_run();
}
