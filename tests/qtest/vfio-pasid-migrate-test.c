/*
 * QTest of the PASID capability of VFIO PCI devices in a migration stream
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * QEMU migrates no VFIO device behind a vIOMMU, so the capability of the source
 * is one that its kernel shows. The destination may have a virtual one: only
 * where it is counts.
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "qobject/qdict.h"
#include "vfio-fake/guest.h"

#define ACCEL   "-device arm-smmuv3,primary-bus=pcie.0,accel=on,ssidsize=16 "
#define HOST_CAP (16 << 8)

/* What QEMU says of each such device that has no dirty tracking */
#define NO_TRACKING "doesn't support device and IOMMU dirty tracking"

typedef struct Side {
    uint16_t shown;         /* where the kernel shows a capability; 0: none */
    const char *viommu;
    const char *options;
    uint16_t cap;           /* what it says */
    bool small;             /* 256 bytes of configuration space */
} Side;

typedef struct MigrateTest {
    const char *name;
    Side from;
    Side to;
    const char *error;      /* NULL: the stream is taken */
} MigrateTest;

#define NONE    { 0, "", "", HOST_CAP }
#define SMALL   { 0, "", "", HOST_CAP, true }
#define SHOWN(offset)   { offset, "", "", HOST_CAP }
#define VIRTUAL(options) { 0, ACCEL, options, HOST_CAP }

static const MigrateTest tests[] = {
    { "none", NONE, NONE, NULL },
    { "small", SMALL, SMALL, NULL },
    { "same", SHOWN(0x300), SHOWN(0x300), NULL },
    { "same-virtual", SHOWN(0xff8), VIRTUAL(""), NULL },
    { "other", SHOWN(0x300), SHOWN(0x400),
      "the PASID capability is at offset 0x300 in the stream, and at offset "
      "0x400 here" },
    { "other-virtual", SHOWN(0x300), VIRTUAL(""),
      "the PASID capability is at offset 0x300 in the stream, and at offset "
      "0xff8 here; give both sides the same vpasid and x-vpasid-cap-offset" },
    { "to-user", SHOWN(0xff8), VIRTUAL(",x-vpasid-cap-offset=0x400"),
      "the PASID capability is at offset 0xff8 in the stream, and at offset "
      "0x400 here" },
    { "gone", SHOWN(0x300), NONE,
      "the PASID capability is at offset 0x300 in the stream, and missing "
      "here" },
    { "new", NONE, SHOWN(0x300),
      "the PASID capability is missing in the stream, and at offset 0x300 "
      "here" },
    { "new-virtual", NONE, VIRTUAL(""),
      "the PASID capability is missing in the stream, and at offset 0xff8 "
      "here" },
    { "width", SHOWN(0xff8), { 0, ACCEL, "", 8 << 8 },
      "configuration space is not the same in the stream and here: 0x10 and "
      "0x8 at offset 0xffd" },
};

static VfGuest *start(const Side *side, const char *more)
{
    static const VfExtCap caps[] = {
        { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c },
        { 0x200, PCI_EXT_CAP_ID_LTR, 1, 8 }, { }
    };
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);
    VfGuest *g;

    d->migration = 1;
    if (side->small) {
        d->config_size = PCI_CFG_SPACE_SIZE;
    }
    d->max_pasid_log2 = side->cap >> 8;
    vf_image_ext_caps(d->phys, caps);
    if (side->shown) {
        d->shows_pasid = 1;
        vf_image_physical_pasid(d->phys, side->shown, side->cap >> 8);
        /* As it is when nobody uses it */
        vf_put16(d->phys + side->shown + PCI_PASID_CTRL, 0);
    }
    g = vg_start(c, VG_MACHINE "%s" VG_IOMMUFD VG_PORT(1)
                 "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1,"
                 "enable-migration=on%s %s", "", side->viommu, c->iommufd,
                 c->device_fd[0], side->options, more);
    vg_ports(g, 1);
    return g;
}

/* Returns: the status that the migration ended with, for g_free() */
static gchar *wait_for_end(VfGuest *g)
{
    for (;;) {
        QDict *response = qtest_qmp(g->qts, "{'execute': 'query-migrate'}");
        QDict *info = qdict_get_qdict(response, "return");
        g_autofree gchar *status =
            g_strdup(qdict_get_try_str(info, "status") ?: "none");

        qobject_unref(response);
        if (g_str_equal(status, "completed") || g_str_equal(status, "failed")) {
            return g_steal_pointer(&status);
        }
        g_usleep(10000);
    }
}

static void test_migrate(const void *opaque)
{
    const MigrateTest *t = opaque;
    g_autofree gchar *dir = g_dir_make_tmp("vfio-fake-XXXXXX", NULL);
    g_autofree gchar *path = g_build_filename(dir, "stream", NULL);
    g_autofree gchar *uri = g_strdup_printf("file:%s", path);
    g_autofree gchar *status = NULL;
    g_autofree gchar *end = NULL;
    g_autofree gchar *text = NULL;
    uint16_t seen, still;
    VfGuest *g;

    g = start(&t->from, "");
    seen = vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, NULL);
    g_assert_cmphex(seen, ==, t->from.shown);
    qtest_qmp_assert_success(g->qts, "{'execute': 'migrate', 'arguments':"
                             " {'uri': %s}}", uri);
    status = wait_for_end(g);
    g_assert_cmpstr(status, ==, "completed");
    g_free(vg_end(g));

    g = start(&t->to, "-incoming defer");
    seen = vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, NULL);
    qtest_qmp_assert_success(g->qts, "{'execute': 'migrate-incoming',"
                             " 'arguments': {'uri': %s,"
                             " 'exit-on-error': false}}", uri);
    end = wait_for_end(g);
    g_assert_cmpstr(end, ==, t->error ? "failed" : "completed");
    still = vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, NULL);
    g_assert_cmphex(still, ==, seen);
    text = vg_end(g);
    if (t->error) {
        vg_assert_has(text, "vfio d0: ");
        vg_assert_has(text, t->error);
    } else {
        g_assert_null(strstr(text, "PASID"));
    }
    vg_assert_has(text, NO_TRACKING);
    unlink(path);
    rmdir(dir);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(tests); i++) {
        vg_add_test("vfio-pasid/migrate", tests[i].name, &tests[i],
                    test_migrate);
    }
    return g_test_run();
}
