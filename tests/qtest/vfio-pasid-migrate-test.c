/*
 * QTest of VFIO PCI devices: migration with and without the series
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A device behind an accelerated SMMUv3 cannot be migrated, so no stream has a
 * virtual capability. But a stream has the registers that the kernel unlinks.
 * Migration has to work between a QEMU that hides these registers and one
 * without the series, and between hosts with and without PASID.
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "qobject/qdict.h"
#include "vfio-guest/smmu.h"
#include "vfio-guest/stream.h"

#define WIDTH           16
#define ENABLED         (PCI_PASID_CTRL_ENABLE << 16)
#define PASID_HEADER    0x0001001b

/* Warning of QEMU for each such device without dirty tracking */
#define NO_TRACKING "doesn't support device and IOMMU dirty tracking"

/* Offset of the device's capability, and its neighbours */
typedef struct Layout {
    const char *name;
    VfExtCap caps[4];
    uint16_t pasid;             /* 0: it has none */
    bool shown;                 /* the kernel does not hide it */
    uint16_t config_size;       /* 0: all of it */
    bool rc_end;                /* a Root Complex Integrated Endpoint */
    uint16_t hidden;            /* first register that a guest may not see */
    uint16_t end;               /* behind the last one */
} Layout;

enum { SHOWN = 3 };

static const Layout layouts[] = {
    { .name = "last", .pasid = 0x300, .hidden = 0x300, .end = 0x308,
      .caps = { { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c } } },
    { .name = "between", .pasid = 0x200, .hidden = 0x200, .end = 0x208,
      .caps = { { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c },
                { 0x200, PCI_EXT_CAP_ID_PASID, 1, 8 },
                { 0x300, PCI_EXT_CAP_ID_LTR, 1, 8 } } },
    /* The kernel leaves an anchor for it */
    { .name = "first", .pasid = 0x100, .hidden = 0x104, .end = 0x108,
      .caps = { { 0x100, PCI_EXT_CAP_ID_PASID, 1, 8 },
                { 0x200, PCI_EXT_CAP_ID_ERR, 2, 0x2c } } },
    [SHOWN] = { .name = "shown", .pasid = 0x300, .shown = true,
      .caps = { { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c } } },
    { .name = "none",
      .caps = { { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c },
                { 0x200, PCI_EXT_CAP_ID_LTR, 1, 8 } } },
    { .name = "small", .config_size = PCI_CFG_SPACE_SIZE },
    /* As of a Netronome NFP6000 */
    { .name = "short", .config_size = 0x600, .pasid = 0x300, .hidden = 0x300,
      .end = 0x308, .caps = { { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c } } },
    { .name = "rc-end", .rc_end = true,
      .caps = { { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c } } },
};

typedef struct Side {
    const char *var;            /* VG_BASE, or NULL */
    uint8_t width;              /* that the host reports */
    uint32_t control;           /* value that the host has written */
} Side;

typedef struct Route {
    const char *name;
    bool all;                   /* also with layouts that hide nothing */
    Side from;
    Side to;
} Route;

static const Route routes[] = {
    { .name = "same",
      .from = { .width = WIDTH, .control = ENABLED },
      .to = { .width = WIDTH, .control = ENABLED } },
    { .name = "to-patched", .all = true,
      .from = { .var = VG_BASE, .width = WIDTH, .control = ENABLED },
      .to = { .width = WIDTH, .control = ENABLED } },
    { .name = "to-base", .all = true,
      .from = { .width = WIDTH, .control = ENABLED },
      .to = { .var = VG_BASE, .width = WIDTH, .control = ENABLED } },
    /* The series changes nothing for these */
    { .name = "base",
      .from = { .var = VG_BASE, .width = WIDTH, .control = ENABLED },
      .to = { .var = VG_BASE, .width = WIDTH, .control = ENABLED } },
    /* A kernel that has PASID on and does not say so, older than 6.15 */
    { .name = "to-silent",
      .from = { .width = WIDTH, .control = ENABLED },
      .to = { .width = 0, .control = ENABLED } },
    { .name = "from-silent",
      .from = { .width = 0, .control = ENABLED },
      .to = { .width = WIDTH, .control = ENABLED } },
    { .name = "from-silent-base",
      .from = { .var = VG_BASE, .width = 0, .control = ENABLED },
      .to = { .width = WIDTH, .control = ENABLED } },
    { .name = "to-silent-base",
      .from = { .width = WIDTH, .control = ENABLED },
      .to = { .var = VG_BASE, .width = 0, .control = ENABLED } },
    /* A host without PASID */
    { .name = "to-off",
      .from = { .width = WIDTH, .control = ENABLED },
      .to = { .width = 0, .control = 0 } },
    { .name = "from-off",
      .from = { .width = 0, .control = 0 },
      .to = { .width = WIDTH, .control = ENABLED } },
    { .name = "from-off-base",
      .from = { .var = VG_BASE, .width = 0, .control = 0 },
      .to = { .width = WIDTH, .control = ENABLED } },
};

typedef struct MigrateTest {
    const Layout *layout;
    const Route *route;
} MigrateTest;

static VfGuest *start(const Layout *l, const Side *side, const char *more)
{
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);
    VfGuest *g;

    d->migration = 1;
    d->shows_pasid = l->shown;
    if (l->config_size) {
        d->config_size = l->config_size;
    }
    if (l->rc_end) {
        /* Version 2 has 44 bytes of it, up to the end */
        d->raw = 1;
        d->phys[VF_IMAGE_PM_CAP + PCI_CAP_LIST_NEXT] = VF_IMAGE_MSIX_CAP;
        d->phys[VF_IMAGE_AF_CAP + PCI_CAP_LIST_NEXT] = 0xd4;
        memset(d->phys + VF_IMAGE_PCIE_CAP, 0, 0x3c);
        d->phys[0xd4] = PCI_CAP_ID_EXP;
        vf_put16(d->phys + 0xd6, 2 | PCI_EXP_TYPE_RC_END << 4);
    }
    d->max_pasid_log2 = side->width;
    vf_image_ext_caps(d->phys, l->caps);
    if (l->shown) {
        vf_put32(d->phys + 0x100, vf_get32(d->phys + 0x100) |
                                  (uint32_t)l->pasid << 20);
    }
    if (l->pasid) {
        vf_put32(d->phys + l->pasid, vf_get32(d->phys + l->pasid) |
                                     PASID_HEADER);
        /* The kernel shows the registers of an unused device */
        vf_put32(d->phys + l->pasid + PCI_PASID_CAP,
                 WIDTH << 8 | (l->shown ? 0 : side->control));
    }
    g = vg_start_as(c, side->var, VG_MACHINE VG_IOMMUFD VG_PORT(1)
                    "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1,"
                    "enable-migration=on %s", "", c->iommufd,
                    c->device_fd[0], more);
    vg_ports(g, 1);
    return g;
}

/* The list as the guest finds it; freed by the caller */
static gchar *list_of(VfGuest *g)
{
    GString *list = g_string_new(NULL);
    uint16_t pos = PCI_CFG_SPACE_SIZE;

    while (pos) {
        uint32_t header = vg_config_readl(g, 1, 0, pos);

        g_string_append_printf(list, "%x:%x ", pos, header);
        pos = header == UINT32_MAX ? 0 : PCI_EXT_CAP_NEXT(header);
    }
    return g_string_free(list, false);
}

/* The guest reads zero there, and writes nothing to the device */
static void check_hidden(VfGuest *g, const Layout *l)
{
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;

    for (uint16_t at = l->hidden; at < l->end; at += 2) {
        g_assert_cmphex(vg_config_readw(g, 1, 0, at), ==, 0);
        vg_config_writew(g, 1, 0, at, 0xffff);
        g_assert_cmphex(vg_config_readw(g, 1, 0, at), ==, 0);
    }
    g_assert_cmpuint(s->log_len, ==, since);
    g_assert_cmpuint(s->raw_config_writes, ==, 0);
}

/*
 * Returns: the messages of the destination of a migration; @end is set to how
 * it ended there. Both are for g_free().
 */
static gchar *migrate(VfGuest *from, const Layout *l, const Side *to,
                      gchar **end)
{
    g_autofree gchar *uri = vg_stream_uri();
    g_autofree gchar *before = list_of(from);
    g_autofree gchar *after = NULL;
    VfGuest *g;

    vg_migrate_out(from, uri);
    g = start(l, to, "-incoming defer");
    *end = vg_migrate_in(g, uri);
    if (g_str_equal(*end, "completed")) {
        after = list_of(g);
        g_assert_cmpstr(after, ==, before);
        if (!to->var && to->width) {
            check_hidden(g, l);
        }
    }
    vg_stream_remove(uri);
    return vg_end(g);
}

static void test_migrate(const void *opaque)
{
    const MigrateTest *t = opaque;
    g_autofree gchar *text = NULL;
    g_autofree gchar *end = NULL;

    if ((t->route->from.var || t->route->to.var) && !vg_has_base()) {
        return;
    }
    text = migrate(start(t->layout, &t->route->from, ""), t->layout,
                   &t->route->to, &end);
    g_assert_null(strstr(text, "Bad config data"));
    g_assert_cmpstr(end, ==, "completed");
    vg_assert_has(text, NO_TRACKING);
}

/* The guest's list must not change */
static void test_other(void)
{
    const Side side = { .width = WIDTH, .control = ENABLED };
    Layout here = layouts[SHOWN];
    g_autofree gchar *text = NULL;
    g_autofree gchar *end = NULL;

    g_assert(here.shown);
    here.pasid = 0x400;
    text = migrate(start(&layouts[SHOWN], &side, ""), &here, &side, &end);
    g_assert_cmpstr(end, ==, "failed");
    vg_assert_has(text, "Bad config data");
}

int main(int argc, char **argv)
{
    static MigrateTest tests[ARRAY_SIZE(layouts) * ARRAY_SIZE(routes)];
    unsigned int n = 0;

    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(routes); i++) {
        g_autofree gchar *group = g_strdup_printf("vfio-pasid/migrate/%s",
                                                  routes[i].name);

        for (int j = 0; j < ARRAY_SIZE(layouts); j++) {
            if (layouts[j].hidden || routes[i].all) {
                tests[n] = (MigrateTest) { &layouts[j], &routes[i] };
                vg_add_test(group, layouts[j].name, &tests[n++],
                            test_migrate);
            }
        }
    }
    qtest_add_func("vfio-pasid/migrate/other", test_other);
    return g_test_run();
}
