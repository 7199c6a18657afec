/*
 * QTest of the accelerated SMMUv3: device tree
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The test reads the tree (Devicetree Specification 0.4, 5) at the start of
 * RAM, where QEMU puts it for firmware. iommu-addresses: dt-schema,
 * reserved-memory.yaml.
 */

#include "qemu/osdep.h"

#include "qemu/bswap.h"
#include "vfio-guest/fault.h"
#include "vfio-guest/smmu.h"

#define ACCEL(props) "-device arm-smmuv3,primary-bus=pcie.0,accel=on" props " "
#define PLAIN   "-device arm-smmuv3,primary-bus=pcie.0 "
#define SWITCH  "-device x3130-upstream,id=up,bus=rp1 " \
                "-device xio3130-downstream,id=dn0,bus=up,chassis=8,slot=1 " \
                "-device xio3130-downstream,id=dn1,bus=up,chassis=9,slot=2 "
#define DEVICE  "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus="

#define HOST    "/pcie@10000000"
#define PAGE    "/reserved-memory/msi@8000000"

#define FDT_MAGIC       0xd00dfeedu
#define FDT_MAX         (2 * 1024 * 1024)
#define FDT_BEGIN_NODE  1
#define FDT_END_NODE    2
#define FDT_PROP        3
#define FDT_NOP         4
#define FDT_END         9
#define HEADER_CELLS    4       /* magic, total size, structure, strings */

#define MEM32           0x02000000u
#define MSI_BASE        0x08000000u
#define MSI_SIZE        0x00100000u
#define ADDRESS_CELLS   6
#define MAP_CELLS       9
#define MAP_ENTRIES     16

/* Properties by "node path:name", as GBytes */
static GHashTable *read_tree(VfGuest *g)
{
    GHashTable *tree = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                             (GDestroyNotify)g_bytes_unref);
    g_autoptr(GString) path = g_string_new("");
    uint32_t header[HEADER_CELLS];
    g_autofree uint8_t *data = NULL;
    uint32_t pos, size;

    qtest_memread(g->qts, VG_RAM, header, sizeof(header));
    g_assert_cmphex(be32_to_cpu(header[0]), ==, FDT_MAGIC);
    size = be32_to_cpu(header[1]);
    g_assert_cmpuint(size, <=, FDT_MAX);
    data = g_malloc(size);
    qtest_memread(g->qts, VG_RAM, data, size);

    for (pos = be32_to_cpu(header[2]);;) {
        uint32_t token = ldl_be_p(data + pos);

        pos += 4;
        if (token == FDT_BEGIN_NODE) {
            const char *name = (const char *)data + pos;

            if (*name) {
                g_string_append_printf(path, "/%s", name);
            }
            pos += ROUND_UP(strlen(name) + 1, 4);
        } else if (token == FDT_END_NODE) {
            const char *slash = strrchr(path->str, '/');

            g_string_truncate(path, slash ? slash - path->str : 0);
        } else if (token == FDT_PROP) {
            uint32_t length = ldl_be_p(data + pos);
            uint32_t name = ldl_be_p(data + pos + 4);

            g_hash_table_insert(tree, g_strdup_printf("%s:%s", path->str, data +
                                be32_to_cpu(header[3]) + name),
                                g_bytes_new(data + pos + 8, length));
            pos += 8 + ROUND_UP(length, 4);
        } else if (token != FDT_NOP) {
            g_assert_cmpuint(token, ==, FDT_END);
            return tree;
        }
    }
}

static GBytes *property(GHashTable *tree, const char *node, const char *name)
{
    g_autofree gchar *key = g_strdup_printf("%s:%s", node, name);

    return g_hash_table_lookup(tree, key);
}

/* Asserts that there are @count cells, any number for 0 */
static const uint8_t *cells(GHashTable *tree, const char *node,
                            const char *name, size_t count)
{
    GBytes *bytes = property(tree, node, name);

    g_assert_nonnull(bytes);
    if (count) {
        g_assert_cmpuint(g_bytes_get_size(bytes), ==, 4 * count);
    }
    return g_bytes_get_data(bytes, NULL);
}

static uint32_t cell(GHashTable *tree, const char *node, const char *name,
                     unsigned int index)
{
    return ldl_be_p(cells(tree, node, name, 0) + 4 * index);
}

typedef struct TreeTest {
    const char *name;
    const char *options;        /* may use the iommufd and a device */
    bool has_device;
    bool ats;
    bool waits;                 /* the first endpoint, for its pages */
    const char *endpoint[3];    /* below HOST */
    const char *bridge[4];
} TreeTest;

static const TreeTest tree_tests[] = {
    { .name = "no-smmu", .options = VG_PORT(1) VG_PORT(2) },
    { .name = "plain", .options = PLAIN VG_PORT(1) VG_PORT(2) },
    { .name = "nothing-below", .options = ACCEL("") },
    { .name = "elsewhere",
      .options = "-device pxb-pcie,id=pxb8,bus=pcie.0,bus_nr=8,addr=16 "
      "-device arm-smmuv3,primary-bus=pxb8,accel=on " VG_PORT(1) },
    { .name = "slots", .options = ACCEL("") VG_PORT(1) VG_PORT(2),
      .endpoint = { "/pci@1/device@0", "/pci@2/device@0" },
      .bridge = { "/pci@1", "/pci@2" } },
    { .name = "ats", .options = ACCEL(",ats=on") VG_PORT(1), .ats = true,
      .endpoint = { "/pci@1/device@0" }, .bridge = { "/pci@1" } },
    { .name = "device", .options = ACCEL("") VG_IOMMUFD VG_PORT(1) DEVICE
      "rp1 ", .has_device = true, .ats = true,
      .endpoint = { "/pci@1/device@0" }, .bridge = { "/pci@1" } },
    { .name = "function", .options = ACCEL(",ssidsize=0") VG_IOMMUFD
      VG_PORT(1) DEVICE "rp1,addr=0.3 ", .has_device = true, .ats = true,
      .endpoint = { "/pci@1/device@0", "/pci@1/device@0,3" },
      .bridge = { "/pci@1" } },
    { .name = "root-complex", .options = ACCEL(",ats=off") VG_IOMMUFD DEVICE
      "pcie.0,addr=5 ", .has_device = true, .endpoint = { "/device@5" } },
    { .name = "waits", .options = ACCEL(",x-stall=on") VG_IOMMUFD VG_PORT(1)
      DEVICE "rp1 ", .has_device = true, .ats = true, .waits = true,
      .endpoint = { "/pci@1/device@0" }, .bridge = { "/pci@1" } },
    { .name = "switch", .options = ACCEL("") VG_PORT(1) SWITCH,
      .endpoint = { "/pci@1/pci@0/pci@0/device@0",
        "/pci@1/pci@0/pci@1/device@0" },
      .bridge = { "/pci@1", "/pci@1/pci@0", "/pci@1/pci@0/pci@0",
        "/pci@1/pci@0/pci@1" } },
};

static void assert_page(GHashTable *tree, const TreeTest *t)
{
    unsigned int n = 0;

    while (n < ARRAY_SIZE(t->endpoint) && t->endpoint[n]) {
        n++;
    }
    if (!n) {
        g_assert_null(property(tree, PAGE, "reg"));
        return;
    }
    cells(tree, PAGE, "iommu-addresses", n * ADDRESS_CELLS);
    g_assert_nonnull(property(tree, PAGE, "no-map"));
    g_assert_nonnull(property(tree, "/reserved-memory", "ranges"));
    g_assert_cmphex(cell(tree, PAGE, "reg", 1), ==, MSI_BASE);
    g_assert_cmphex(cell(tree, PAGE, "reg", 3), ==, MSI_SIZE);
    for (unsigned int i = 0; i < n; i++) {
        g_autofree gchar *node = g_strconcat(HOST, t->endpoint[i], NULL);
        const uint8_t *address = cells(tree, PAGE, "iommu-addresses", 0) +
                                 4 * ADDRESS_CELLS * i;

        g_assert_cmphex(cell(tree, node, "memory-region", 0), ==,
                        cell(tree, PAGE, "phandle", 0));
        g_assert_cmphex(ldl_be_p(address), ==,
                        cell(tree, node, "phandle", 0));
        g_assert_cmphex(ldl_be_p(address + 4), ==, MEM32);
        g_assert_cmphex(ldl_be_p(address + 12), ==, MSI_BASE);
        g_assert_cmphex(ldl_be_p(address + 20), ==, MSI_SIZE);
        g_assert_cmpint(!!property(tree, node, "dma-can-stall"), ==,
                        t->waits && i == 0);
    }
}

static void assert_bridge(GHashTable *tree, const char *node)
{
    g_autofree gchar *parent = g_path_get_dirname(node);
    const uint8_t *map = cells(tree, node, "interrupt-map",
                               MAP_ENTRIES * MAP_CELLS);

    g_assert_cmpstr(g_bytes_get_data(property(tree, node, "device_type"),
                                     NULL), ==, "pci");
    g_assert_cmpuint(cell(tree, node, "#address-cells", 0), ==, 3);
    g_assert_cmpuint(cell(tree, node, "#interrupt-cells", 0), ==, 1);
    for (unsigned int i = 0; i < MAP_ENTRIES; i++) {
        const uint8_t *entry = map + 4 * MAP_CELLS * i;
        unsigned int slot = ldl_be_p(entry) >> 11;
        unsigned int pin = ldl_be_p(entry + 12);

        g_assert_cmpuint(slot * 4 + pin - 1, ==, i);
        g_assert_cmphex(ldl_be_p(entry + 16), ==,
                        cell(tree, parent, "phandle", 0));
        g_assert_cmphex(ldl_be_p(entry + 20), ==, cell(tree, node, "reg", 0));
        /* The swizzle of a bridge */
        g_assert_cmpuint(ldl_be_p(entry + 32), ==, (slot + pin - 1) % 4 + 1);
    }
}

/* Functions below the host bridge that have nodes */
static unsigned int count_functions(GHashTable *tree)
{
    GHashTableIter iter;
    gpointer key;
    unsigned int n = 0;

    g_hash_table_iter_init(&iter, tree);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        n += g_str_has_prefix(key, HOST "/") && g_str_has_suffix(key, ":reg");
    }
    return n;
}

static void test_tree(const void *opaque)
{
    const TreeTest *t = opaque;
    VfClient *c = vf_client_new();
    g_autofree gchar *options = NULL;
    g_autofree gchar *text = NULL;
    unsigned int functions = 0;
    GHashTable *tree;
    VfDevice *d;
    VfGuest *g;

    d = vf_client_add_device(c);
    if (t->waits) {
        af_host(c, 0, VS_STALL_MODEL_BOTH);
        vf_device_waits(d);
    }
    options = t->has_device ? g_strdup_printf(t->options, c->iommufd,
                                              c->device_fd[0]) :
              g_strdup(t->options);
    g = vg_start(c, VG_MACHINE "%s", "", options);
    tree = read_tree(g);
    assert_page(tree, t);
    for (int i = 0; i < ARRAY_SIZE(t->bridge) && t->bridge[i]; i++) {
        g_autofree gchar *node = g_strconcat(HOST, t->bridge[i], NULL);

        assert_bridge(tree, node);
        functions++;
    }
    for (int i = 0; i < ARRAY_SIZE(t->endpoint) && t->endpoint[i]; i++) {
        functions++;
    }
    g_assert_cmpuint(count_functions(tree), ==, functions);
    g_assert_cmpint(!property(tree, HOST, "ats-supported"), ==, !t->ats);
    g_hash_table_unref(tree);
    text = vg_quit(g);
    if (!strstr(t->options, "pxb-pcie")) {
        g_assert_cmpstr(text, ==, "");
    }
    vf_client_free(c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(tree_tests); i++) {
        vg_add_test("smmuv3-accel-fdt", tree_tests[i].name, &tree_tests[i],
                    test_tree);
    }
    return g_test_run();
}
