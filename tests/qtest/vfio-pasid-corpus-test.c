/*
 * QTest of the PASID capability on the layouts of tests/data/ecap
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * expected.txt has the place that vpasid-plan predicts for the capability of
 * each layout. The device model has to choose the same place. Devices of other
 * dumps, in the folder that VPASID_PLAN_DUMPS names, have to come up.
 */

#include "qemu/osdep.h"

#include <linux/iommufd.h>

#include "hw/pci/pci_regs.h"
#include "vfio-guest/guest.h"

#define FOLDER "tests/data/ecap"
#define ACCEL "-device arm-smmuv3,primary-bus=pcie.0,accel=on,ssidsize=20 "

/* SSIDSIZE of SMMU_IDR1 (IHI0070, 6.3.2) */
#define IDR1_SSIDSIZE_SHIFT 6
#define IDR1_SSIDSIZE_MASK  (0x1fu << IDR1_SSIDSIZE_SHIFT)

/* Find the line of expected.txt for the first device of a file */
typedef struct Expected {
    gchar *file;
    unsigned int width;
    unsigned int exec;
    unsigned int priv;
    unsigned int offset;        /* 0: none */
    char step[8];               /* the rule that chose it */
} Expected;

/* As many bits of PASID as the guest is offered */
static void offer_pasids(VfDevice *d)
{
    d->idr[1] = (d->idr[1] & ~IDR1_SSIDSIZE_MASK) | 20 << IDR1_SSIDSIZE_SHIFT;
}

/* For lists that need not ascend */
static uint16_t find_pasid(VfGuest *g)
{
    uint16_t pos = PCI_CFG_SPACE_SIZE;

    for (unsigned int left = VF_CONFIG_SIZE / 4; pos; left--) {
        uint32_t header = vg_config_readl(g, 1, 0, pos);

        if (PCI_EXT_CAP_ID(header) == PCI_EXT_CAP_ID_PASID) {
            return pos;
        }
        g_assert_cmpuint(left, >, 0);
        pos = PCI_EXT_CAP_NEXT(header);
    }
    return 0;
}

static void test_layout(const void *opaque)
{
    const Expected *e = opaque;
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);
    g_autofree gchar *path = g_strdup_printf(FOLDER "/%s.txt", e->file);
    g_autofree gchar *state = NULL;
    VfGuest *g;

    g_assert_cmpuint(vf_image_read_dump(d->phys, path, 0), ==, VF_CONFIG_SIZE);
    d->bar_size[0] = 0;
    d->max_pasid_log2 = e->width;
    d->hw_caps = (e->exec ? IOMMU_HW_CAP_PCI_PASID_EXEC : 0) |
                 (e->priv ? IOMMU_HW_CAP_PCI_PASID_PRIV : 0);
    offer_pasids(d);
    g = vg_start(c, VG_MACHINE ACCEL VG_IOMMUFD VG_PORT(1)
                 "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1", "",
                 c->iommufd, c->device_fd[0]);
    vg_ports(g, 1);
    state = vg_pasid_state(g, "d0", NULL);
    g_test_message("%s", state);
    g_assert_cmphex(find_pasid(g), ==, e->offset);
    if (e->offset) {
        g_assert_cmphex(vg_config_readw(g, 1, 0, e->offset + PCI_PASID_CAP),
                        ==, e->width << 8 | e->exec << 1 | e->priv << 2);
    }
    if (e->offset) {
        g_autofree gchar *expected =
            g_strdup_printf("enabled=1 reason=none offset=0x%x width=%u "
                            "exec=%u priv=%u where=%s limit=host", e->offset,
                            e->width, e->exec, e->priv, e->step);

        g_assert_cmpstr(state, ==, expected);
    } else {
        vg_assert_has(state, "enabled=0 ");
    }
    g_free(vg_end(g));
}

/* The guest sees a valid list, and PASID is at an offset that was free */
static void check_lists(VfGuest *g, const VfDevice *d)
{
    uint8_t pos = vg_config_readw(g, 1, 0, PCI_CAPABILITY_LIST) & 0xff;
    uint16_t pasid = 0;

    for (unsigned int left = 48; pos; left--) {
        g_assert_cmpuint(left, >, 0);
        g_assert_cmphex(pos, >=, PCI_STD_HEADER_SIZEOF);
        pos = vg_config_readw(g, 1, 0, pos) >> 8;
    }
    if (d->config_size == VF_CONFIG_SIZE) {
        pasid = find_pasid(g);
    }
    if (pasid && vf_get32(d->phys + pasid)) {
        g_assert_cmphex(PCI_EXT_CAP_ID(vf_get32(d->phys + pasid)), ==,
                        PCI_EXT_CAP_ID_PASID);
    }
}

/* All devices of a dump, one after the other in the same slot */
static unsigned int plug_dump(VfGuest *g, const char *path)
{
    VfDevice *d = &g->c->shared->device[0];
    unsigned int devices = 0;
    unsigned int bytes;

    for (; (bytes = vf_image_read_dump(d->phys, path, devices)); devices++) {
        g_autofree gchar *err = NULL;

        d->config_size = bytes == VF_CONFIG_SIZE ? bytes : PCI_CFG_SPACE_SIZE;
        vf_image_size_bars(d->phys, d);
        err = vg_device_add(g, 0, "d0", 1, "");
        if (err) {
            g_test_message("%s: device %u: %s", path, devices, err);
            vg_assert_has(err, "vfio d0: ");
            /* No endpoint, or one whose MSI-X table and PBA are the same */
            g_assert_true(strstr(err, "has a header of type") ||
                          strstr(err, "assignment of PCIe type") ||
                          strstr(err, "table & pba overlap"));
            vg_settle(g);
        } else {
            check_lists(g, d);
            vg_device_del(g, "d0", 1);
        }
        vf_client_assert_clean(g->c);
    }
    return devices;
}

/* Dumps of real devices, which are not ours to keep */
static void test_dumps(void)
{
    const char *folder = g_getenv("VPASID_PLAN_DUMPS");
    VfClient *c = vf_client_new();
    unsigned int devices = 0;
    const gchar *name;
    VfGuest *g;
    GDir *dir;

    dir = folder ? g_dir_open(folder, 0, NULL) : NULL;
    if (!dir) {
        g_test_skip("VPASID_PLAN_DUMPS names no folder of dumps");
        vf_client_free(c);
        return;
    }
    offer_pasids(vf_client_add_device(c));
    g = vg_start(c, VG_MACHINE ACCEL VG_IOMMUFD VG_PORT(1), "", c->iommufd);
    vg_ports(g, 1);
    while ((name = g_dir_read_name(dir))) {
        g_autofree gchar *path = g_build_filename(folder, name, NULL);

        devices += plug_dump(g, path);
    }
    g_dir_close(dir);
    g_test_message("%u devices", devices);
    g_assert_cmpuint(devices, >, 0);
    g_free(vg_end(g));
}

/* Returns: the outcome in a line, or NULL if it has none for PASID */
static Expected *parse(const char *file, const char *line)
{
    g_autofree Expected *e = g_new0(Expected, 1);
    const char *at = strstr(line, " pasid=yes ");
    char offset[8];

    if (!at || sscanf(at, " pasid=yes width=%u exec=%u priv=%u offset=%7s "
                      "step=%7s", &e->width, &e->exec, &e->priv, offset,
                      e->step) != 5 ||
        !e->width) {
        return NULL;
    }
    e->offset = g_ascii_strtoull(offset, NULL, 16);
    e->file = g_strdup(file);
    return g_steal_pointer(&e);
}

int main(int argc, char **argv)
{
    g_autofree gchar *text = NULL;
    g_auto(GStrv) lines = NULL;
    unsigned int layouts = 0;

    g_test_init(&argc, &argv, NULL);

    g_assert_true(g_file_get_contents(FOLDER "/expected.txt", &text, NULL,
                                      NULL));
    lines = g_strsplit(text, "\n", -1);
    for (int i = 0; lines[i] && lines[i + 1]; i++) {
        g_autofree gchar *file = g_strndup(lines[i], strcspn(lines[i], ":"));
        Expected *e = NULL;

        /* A name and a status; the next line is the first device */
        if (strlen(lines[i]) == strlen(file) + strlen(": 0")) {
            e = parse(file, lines[i + 1]);
        }
        if (e) {
            layouts++;
            vg_add_test("vfio-pasid/corpus", e->file, e, test_layout);
        }
    }
    g_assert_cmpuint(layouts, >, 20);
    qtest_add_func("vfio-pasid/dumps", test_dumps);
    return g_test_run();
}
