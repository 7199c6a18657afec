/*
 * QTest of the accelerated SMMUv3: ACPI tables
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * IORT: Arm DEN 0049E.d. _DSM: PCI Firmware Specification 3.3, 4.6.5. The test
 * reads the tables from fw_cfg, before firmware fixes up their addresses.
 */

#include "qemu/osdep.h"

#include "libqos/fw_cfg.h"
#include "qemu/bswap.h"
#include "vfio-guest/smmu.h"

/* fw_cfg of the virt machine; its selector is big-endian */
#define FW_CFG_DATA     0x09020000ull
#define FW_CFG_SELECT   0x09020008ull
#define TABLES_FILE     "etc/acpi/tables"
#define TABLES_MAX      (512 * 1024)

/* A table's header */
#define SIGNATURE_SIZE  4
#define LENGTH_OFFSET   4
#define REVISION_OFFSET 8
#define HEADER_SIZE     36

/* IORT */
#define IORT_NODES      36
#define IORT_FIRST      40
#define IORT_REV_E_B    3
#define IORT_REV_E_D    5
#define NODE_LENGTH     1
#define NODE_ID         4
#define NODE_MAPPINGS   8
#define NODE_MAPPING    12
#define NODE_RC         2
#define NODE_SMMUV3     4
#define NODE_RMR        6
#define NODE_REVISION   3
#define RC_ATS          24
#define RC_PASID_WIDTH  33
#define RC_FLAGS        36
#define RC_REV_E_D      4
#define RC_SIZE_E_D     40
#define ATS_SUPPORTED   1u
#define PASID_FORWARDED 4u
#define FLAG_PASID      1u
#define RMR_FLAGS       16
#define RMR_RANGES      20
#define RMR_RANGE       24
#define MAP_COUNT       4
#define MAP_OUTPUT      8
#define MAP_REFERENCE   12
#define MAP_SIZE        20

#define MSI_BASE        0x08000000ull
#define MSI_SIZE        0x00100000ull

#define PLAIN(bus)      "-device arm-smmuv3,primary-bus=" bus " "
#define ACCEL(bus)      "-device arm-smmuv3,accel=on,primary-bus=" bus " "
#define ACCEL_ATS(bus)  "-device arm-smmuv3,accel=on,ats=on,primary-bus=" \
                        bus " "
#define ACCEL_SSID(bus, n) "-device arm-smmuv3,accel=on,ssidsize=" #n \
                           ",primary-bus=" bus " "
#define DEVICE          "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1 "
#define PXB(n)          "-device pxb-pcie,id=pxb" #n ",bus=pcie.0,bus_nr=" #n \
                        " "

typedef struct Tables {
    uint8_t *data;
    size_t size;
} Tables;

static uint32_t get(const uint8_t *p, unsigned int bytes)
{
    uint64_t v = 0;

    for (unsigned int i = 0; i < bytes; i++) {
        v |= (uint64_t)p[i] << (8 * i);
    }
    return v;
}

static uint64_t get64(const uint8_t *p)
{
    return get(p, 4) | (uint64_t)get(p + 4, 4) << 32;
}

static void fw_cfg_select(QFWCFG *fw_cfg, uint16_t key)
{
    qtest_writew(fw_cfg->qts, FW_CFG_SELECT, bswap16(key));
}

static void fw_cfg_read(QFWCFG *fw_cfg, void *data, size_t len)
{
    uint8_t *p = data;

    for (; len >= sizeof(uint64_t); len -= sizeof(uint64_t)) {
        stq_le_p(p, qtest_readq(fw_cfg->qts, FW_CFG_DATA));
        p += sizeof(uint64_t);
    }
    while (len--) {
        *p++ = qtest_readb(fw_cfg->qts, FW_CFG_DATA);
    }
}

static Tables read_tables(VfGuest *g)
{
    QFWCFG fw_cfg = {
        .qts = g->qts,
        .select = fw_cfg_select,
        .read = fw_cfg_read,
    };
    Tables t = { .data = g_malloc0(TABLES_MAX) };

    t.size = qfw_cfg_get_file(&fw_cfg, TABLES_FILE, t.data, TABLES_MAX);
    g_assert_cmpuint(t.size, >, HEADER_SIZE);
    g_assert_cmpuint(t.size, <=, TABLES_MAX);
    return t;
}

/* The tables are adjacent, and the rest is zero */
static const uint8_t *find_table(const Tables *t, const char *signature)
{
    size_t pos = 0;

    while (pos + HEADER_SIZE <= t->size && t->data[pos]) {
        uint32_t length = get(t->data + pos + LENGTH_OFFSET, 4);

        g_assert_cmpuint(length, >=, HEADER_SIZE);
        g_assert_cmpuint(pos + length, <=, t->size);
        if (!memcmp(t->data + pos, signature, SIGNATURE_SIZE)) {
            return t->data + pos;
        }
        pos += length;
    }
    g_assert_not_reached();
}

static gchar *table_sum(const Tables *t, const char *signature)
{
    const uint8_t *table = find_table(t, signature);

    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, table,
                                       get(table + LENGTH_OFFSET, 4));
}

/*
 * The same tables as fwts and iasl see them. VPASID_ACPI_TOOLS names the folder
 * of both programs, see scripts/acpi-tools.
 */

#define CHECKSUM_OFFSET 9

/* fwts 26.09 takes the first ID mapping of a node of revision 3 for flags */
#define FWTS_NO_FLAGS   "IORTPCIRootComplexNodeFlagsInvalid"

static const char *tools;

/* Write each table to a file of its own, with a valid checksum */
static void write_tables(const Tables *t, const char *folder)
{
    size_t pos = 0;

    while (pos + HEADER_SIZE <= t->size && t->data[pos]) {
        uint32_t length = get(t->data + pos + LENGTH_OFFSET, 4);
        g_autofree uint8_t *table = g_memdup2(t->data + pos, length);
        g_autofree gchar *path = g_strdup_printf("%s/%.4s.dat", folder, table);
        uint8_t sum = 0;

        table[CHECKSUM_OFFSET] = 0;
        for (uint32_t i = 0; i < length; i++) {
            sum += table[i];
        }
        table[CHECKSUM_OFFSET] = -sum;
        g_assert_true(g_file_set_contents(path, (gchar *)table, length, NULL));
        pos += length;
    }
}

/* Run a command of the shell in @folder. Returns: what it printed. */
static gchar *run_in(const char *folder, const char *command)
{
    g_autofree gchar *line = g_strdup_printf("cd %s && { %s; } 2>&1", folder,
                                             command);
    const gchar *argv[] = { "sh", "-c", line, NULL };
    gchar *text = NULL;

    g_assert_true(g_spawn_sync(NULL, (gchar **)argv, NULL, G_SPAWN_SEARCH_PATH,
                               NULL, NULL, &text, NULL, NULL, NULL));
    return text;
}

static void assert_fwts(const char *folder, const char *known)
{
    g_autofree gchar *command = g_strdup_printf(
        "%s/fwts --table-path=%s --results-output=stdout iort", tools, folder);
    g_autofree gchar *text = run_in(folder, command);
    const char *failed = strstr(text, "FAILED");

    g_test_message("%s", text);
    if (!known) {
        vg_assert_has(text, "1 passed, 0 failed, 0 warning, 0 aborted");
        return;
    }
    g_assert_nonnull(failed);
    vg_assert_has(failed, known);
    vg_assert_has(text, "0 passed, 1 failed, 0 warning, 0 aborted");
}

static void assert_iasl(const char *folder)
{
    g_autofree gchar *command = g_strdup_printf(
        "%s/iasl -d DSDT.dat && %s/iasl -vi DSDT.dsl", tools, tools);
    g_autofree gchar *text = run_in(folder, command);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    g_test_message("%s", text);
    vg_assert_has(text, "Compilation successful. 0 Errors");
    for (int i = 0; lines[i]; i++) {
        /* That one is of the base */
        if (strstr(lines[i], "Warning") && !strstr(lines[i], "Warnings") &&
            !strstr(lines[i], "EDSM")) {
            g_error("%s", lines[i]);
        }
    }
}

/* @known: complaint of fwts that is known, or NULL */
static void assert_tools(const Tables *t, const char *known)
{
    g_autofree gchar *folder = NULL;
    g_autofree gchar *rm = NULL;

    if (!tools) {
        return;
    }
    folder = g_dir_make_tmp("smmuv3-acpi-XXXXXX", NULL);
    g_assert_nonnull(folder);
    write_tables(t, folder);
    assert_fwts(folder, known);
    assert_iasl(folder);
    rm = g_strdup_printf("rm -r %s", folder);
    g_free(run_in("/", rm));
}

static void test_tools(void)
{
    if (!tools) {
        g_test_skip("VPASID_ACPI_TOOLS names no folder with fwts and iasl");
    }
}

/* Without accel=on the tables are those of QEMU without this series */

typedef struct PlainTest {
    const char *name;
    const char *machine;
    const char *options;
    const char *dsdt;
    const char *iort;
    const char *fwts;           /* what fwts says; NULL: nothing */
} PlainTest;

/*
 * SHA256 of the tables of QEMU 10.2.2 as released; for another base print them
 * with: smmuv3-accel-acpi-test --sums
 */
static const PlainTest plain_tests[] = {
    { .name = "none", .machine = "", .options = "", .dsdt =
          "096707b8f08d4aa4b039d4bd98cf4b4433926d6d427c1f6a74b5483b42f39d83",
      .iort =
          "8595680bc57d1e0b2e8e229774fe2a5ca55eba59f247a950cf1cfdbc1f47df7d" },
    { .name = "machine", .machine = ",iommu=smmuv3", .options = PXB(16),
      .dsdt =
          "bd3fa419e17d5fe80e043cadd2fa16adfe6974189f5052691dc6dbe2763f95e1",
      .iort =
          "4c3d60e5877ae25209479803c9f1f2f0e850ecb98bddf833db06d73356949339" },
    { .name = "device", .machine = "", .options = PLAIN("pcie.0"), .dsdt =
          "096707b8f08d4aa4b039d4bd98cf4b4433926d6d427c1f6a74b5483b42f39d83",
      .iort =
          "95faa77e6e7900a555b8748ad982faf2f44cb5ccfb7d184f55bcefe7f98e4026" },
    { .name = "devices", .machine = "", .options = PXB(16) PXB(32)
      PLAIN("pcie.0") PLAIN("pxb16") PLAIN("pxb32"), .dsdt =
          "be515b7483402fe2a25d2ff9d5a422b7ec40313023c3469f766a6295e26c6d8e",
      .iort =
          "fa6641cf1db88eefeb33bb47e6ee2b5d9a63b2bc6ca0d2dc18067de15db5269c" },
    /* Its first ID mapping does not begin with 0 */
    { .name = "pxbs", .machine = "", .options = PXB(16) PXB(32) PLAIN("pxb16")
      PLAIN("pxb32"), .dsdt =
          "be515b7483402fe2a25d2ff9d5a422b7ec40313023c3469f766a6295e26c6d8e",
      .iort =
          "9693f03250cf946521ff0c32cea6c0349f1518323b5208a6c448da0578c50930",
      .fwts = FWTS_NO_FLAGS },
};

static bool print_sums;

static void test_plain(const void *opaque)
{
    const PlainTest *t = opaque;
    VfClient *c = vf_client_new();
    VfGuest *g = vg_start(c, VG_MACHINE VG_PORT(1) VG_PORT(2) "%s", t->machine,
                          t->options);
    g_autofree gchar *dsdt = NULL;
    g_autofree gchar *iort = NULL;
    Tables tables;

    vg_ports(g, 2);
    tables = read_tables(g);
    dsdt = table_sum(&tables, "DSDT");
    iort = table_sum(&tables, "IORT");
    if (print_sums) {
        g_test_message("%s DSDT %s IORT %s", t->name, dsdt, iort);
    } else {
        g_assert_cmpstr(dsdt, ==, t->dsdt);
        g_assert_cmpstr(iort, ==, t->iort);
        assert_tools(&tables, t->fwts);
    }
    g_free(tables.data);
    vg_end_pxb(g);
}

/* With accel=on */

typedef struct AccelTest {
    const char *name;
    const char *options;
    unsigned int ports;
    bool device;                /* there is one at startup */
    bool ats;
    unsigned int pasid;         /* width */
    /* Of each SMMU, in the order of bus numbers: */
    struct {
        uint32_t first_sid;
        uint32_t sids;          /* 0 ends the list */
        bool accel;
    } smmu[4];
    /* Of the host bridges, in the order of the DSDT: */
    const char *keep[3];
} AccelTest;

#define BUSES(n) ((n) << 8)

static const AccelTest accel_tests[] = {
    { .name = "root", .options = VG_PORT(1) VG_PORT(2) ACCEL("pcie.0"),
      .ports = 2, .smmu = { { 0, BUSES(3), true } }, .keep = { "PCI0" } },
    { .name = "root-no-ports", .options = ACCEL("pcie.0"), .smmu = {
        { 0, BUSES(1), true } }, .keep = { "PCI0" } },
    { .name = "ats", .options = ACCEL_ATS("pcie.0"), .ats = true, .smmu = {
        { 0, BUSES(1), true } }, .keep = { "PCI0" } },
    { .name = "pxb", .options = PXB(16) ACCEL("pxb16"), .smmu = {
        { BUSES(16), BUSES(1), true } }, .keep = { "PC10" } },
    { .name = "two", .options = PXB(16) PXB(32) ACCEL("pxb32")
      ACCEL_ATS("pxb16"), .ats = true, .smmu = { { BUSES(16), BUSES(1), true },
        { BUSES(32), BUSES(1), true } }, .keep = { "PC20", "PC10" } },
    { .name = "one-of-two", .options = VG_PORT(1) PXB(16) PLAIN("pcie.0")
      ACCEL("pxb16"), .ports = 1, .smmu = { { 0, BUSES(2), false },
        { BUSES(16), BUSES(1), true } }, .keep = { "PC10" } },
    { .name = "root-of-two", .options = VG_PORT(1) PXB(16) PLAIN("pxb16")
      ACCEL("pcie.0"), .ports = 1, .smmu = { { 0, BUSES(2), true },
        { BUSES(16), BUSES(1), false } }, .keep = { "PCI0" } },

    /* PASID: one node stands for all root complexes, with the widest ones */
    { .name = "pasid", .options = ACCEL_SSID("pcie.0", 16), .pasid = 16,
      .smmu = { { 0, BUSES(1), true } }, .keep = { "PCI0" } },
    { .name = "pasid-of-host", .options = ACCEL("pcie.0") VG_PORT(1),
      .ports = 1, .device = true, .ats = true, .pasid = 16,
      .smmu = { { 0, BUSES(2), true } }, .keep = { "PCI0" } },
    { .name = "pasid-two", .options = PXB(16) PXB(32) ACCEL_SSID("pxb16", 8)
      ACCEL_SSID("pxb32", 20), .pasid = 20, .smmu = {
        { BUSES(16), BUSES(1), true }, { BUSES(32), BUSES(1), true } },
      .keep = { "PC20", "PC10" } },
    { .name = "pasid-one-of-two", .options = PXB(16) PXB(32)
      ACCEL_SSID("pxb16", 5) ACCEL_SSID("pxb32", 0), .pasid = 5, .smmu = {
        { BUSES(16), BUSES(1), true }, { BUSES(32), BUSES(1), true } },
      .keep = { "PC20", "PC10" } },
    { .name = "pasid-emulated", .options =
      "-device arm-smmuv3,primary-bus=pcie.0,ssidsize=12 ", .pasid = 12,
      .smmu = { { 0, BUSES(1), false } } },
};

static void assert_rmr(const uint8_t *iort, const uint8_t *node,
                       uint32_t first_sid, uint32_t sids, uint32_t smmu)
{
    const uint8_t *map = node + get(node + NODE_MAPPING, 4);
    const uint8_t *range = node + get(node + RMR_RANGE, 4);

    g_assert_cmpuint(get(node + NODE_MAPPINGS, 4), ==, 1);
    g_assert_cmphex(get(node + RMR_FLAGS, 4), ==, 0);
    g_assert_cmpuint(get(node + RMR_RANGES, 4), ==, 1);
    g_assert_cmphex(get(map + MAP_OUTPUT, 4), ==, first_sid);
    g_assert_cmphex(get(map + MAP_COUNT, 4), ==, sids - 1);
    g_assert_cmphex(get(map + MAP_REFERENCE, 4), ==, smmu);
    g_assert_cmpuint(iort[smmu], ==, NODE_SMMUV3);
    g_assert_cmphex(get64(range), ==, MSI_BASE);
    g_assert_cmphex(get64(range + 8), ==, MSI_SIZE);
    /* Both lie in the node */
    g_assert_cmpuint(map + MAP_SIZE - node, <=, get(node + NODE_LENGTH, 2));
    g_assert_cmpuint(range + MAP_SIZE - node, <=, get(node + NODE_LENGTH, 2));
}

static void assert_rc(const uint8_t *node, const AccelTest *t)
{
    g_assert_cmpuint(node[NODE_REVISION], ==, RC_REV_E_D);
    g_assert_cmpuint(get(node + NODE_MAPPING, 4), ==, RC_SIZE_E_D);
    g_assert_cmphex(get(node + RC_ATS, 4), ==, (t->ats ? ATS_SUPPORTED : 0) |
                    (t->pasid ? PASID_FORWARDED : 0));
    g_assert_cmpuint(get(node + RC_PASID_WIDTH, 2), ==, t->pasid);
    g_assert_cmphex(get(node + RC_FLAGS, 4), ==, t->pasid ? FLAG_PASID : 0);
}

static void assert_iort(const uint8_t *iort, const AccelTest *t)
{
    uint32_t pos = get(iort + IORT_FIRST, 4);
    uint32_t length = get(iort + LENGTH_OFFSET, 4);
    uint32_t nodes = get(iort + IORT_NODES, 4);
    uint32_t smmu[ARRAY_SIZE(t->smmu)] = { 0 };
    unsigned int smmus = 0, rmrs = 0;
    uint32_t ids = 0;

    g_assert_cmpuint(iort[REVISION_OFFSET], ==, IORT_REV_E_D);
    while (nodes--) {
        const uint8_t *node = iort + pos;
        uint32_t id;

        g_assert_cmpuint(pos, <, length);
        id = get(node + NODE_ID, 4);
        g_assert_cmpuint(ids & (1u << id), ==, 0);
        ids |= 1u << id;
        switch (node[0]) {
        case NODE_SMMUV3:
            g_assert_cmpuint(smmus, <, ARRAY_SIZE(smmu));
            smmu[smmus++] = pos;
            break;
        case NODE_RC:
            assert_rc(node, t);
            break;
        case NODE_RMR:
            while (t->smmu[rmrs].sids && !t->smmu[rmrs].accel) {
                rmrs++;
            }
            assert_rmr(iort, node, t->smmu[rmrs].first_sid,
                       t->smmu[rmrs].sids, smmu[rmrs]);
            rmrs++;
            break;
        }
        pos += get(node + NODE_LENGTH, 2);
    }
    g_assert_cmpuint(pos, ==, length);
    for (; t->smmu[rmrs].sids; rmrs++) {
        g_assert(!t->smmu[rmrs].accel);
    }
    g_assert_cmpuint(rmrs, ==, smmus);
}

/* If (Arg2 == 5) { Return (0) }, as AML */
static const uint8_t keep_aml[] = { 0x93, 0x6a, 0x0a, 0x05, 0xa4, 0x00 };

/* Device (PC..), between opcode and name there is a length of 2 bytes */
static const uint8_t device_aml[] = { 0x5b, 0x82 };
#define DEVICE_NAME 4

static void assert_dsdt(const uint8_t *dsdt, const AccelTest *t)
{
    uint32_t length = get(dsdt + LENGTH_OFFSET, 4);
    char bridge[SIGNATURE_SIZE + 1] = "";
    unsigned int found = 0;

    for (uint32_t i = HEADER_SIZE; i + sizeof(keep_aml) <= length; i++) {
        if (!memcmp(dsdt + i, device_aml, sizeof(device_aml)) &&
            !memcmp(dsdt + i + DEVICE_NAME, "PC", 2)) {
            memcpy(bridge, dsdt + i + DEVICE_NAME, SIGNATURE_SIZE);
        }
        if (!memcmp(dsdt + i, keep_aml, sizeof(keep_aml))) {
            g_assert_cmpuint(found, <, ARRAY_SIZE(t->keep));
            g_assert_cmpstr(bridge, ==, t->keep[found]);
            found++;
        }
    }
    g_assert(found == ARRAY_SIZE(t->keep) || !t->keep[found]);
}

static VfGuest *start(const AccelTest *t)
{
    VfClient *c = vf_client_new();
    VfGuest *g;

    if (t->device) {
        vf_client_add_device(c);
        g = vg_start(c, VG_MACHINE VG_IOMMUFD "%s" DEVICE, "", c->iommufd,
                     t->options, c->device_fd[0]);
    } else {
        g = vg_start(c, VG_MACHINE "%s", "", t->options);
    }
    vg_ports(g, t->ports);
    return g;
}

static void test_accel(const void *opaque)
{
    const AccelTest *t = opaque;
    VfGuest *g = start(t);
    Tables tables;

    tables = read_tables(g);
    assert_iort(find_table(&tables, "IORT"), t);
    assert_dsdt(find_table(&tables, "DSDT"), t);
    assert_tools(&tables, NULL);
    g_free(tables.data);
    vg_end_pxb(g);
}

int main(int argc, char **argv)
{
    print_sums = argc > 1 && !strcmp(argv[argc - 1], "--sums");
    argc -= print_sums;
    g_test_init(&argc, &argv, NULL);
    tools = g_getenv("VPASID_ACPI_TOOLS");
    tools = tools && *tools ? tools : NULL;

    qtest_add_func("smmuv3-accel-acpi/tools", test_tools);
    for (int i = 0; i < ARRAY_SIZE(plain_tests); i++) {
        vg_add_test("smmuv3-accel-acpi/plain", plain_tests[i].name,
                    &plain_tests[i], test_plain);
    }
    for (int i = 0; i < ARRAY_SIZE(accel_tests); i++) {
        vg_add_test("smmuv3-accel-acpi/accel", accel_tests[i].name,
                    &accel_tests[i], test_accel);
    }
    return g_test_run();
}
