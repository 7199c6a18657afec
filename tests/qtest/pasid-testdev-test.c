/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtest for pasid-testdev: configuration space, image, refusals, DMA, ATS
 *
 * Copyright (c) qemu-vpasid contributors
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/cutils.h"
#include "qobject/qdict.h"
#include "pasid-testdev.h"

#define ECAP_SIZE           (4096 - 256)
#define PASID_HEADER(next)  ((uint32_t)(next) << 20 | 1 << 16 | \
                             PCI_EXT_CAP_ID_PASID)
#define PASID_WIDTH(cap)    (((cap) & PCI_PASID_CAP_WIDTH) >> 8)
#define BUFFER              (PTD_RAM + 0x100000)
#define MSI_TARGET          (PTD_RAM + 0x200000)
#define ATS_READ            (PASID_TESTDEV_CMD_READ | PASID_TESTDEV_CMD_ATS)
#define ATS_WRITE           (PASID_TESTDEV_CMD_WRITE | PASID_TESTDEV_CMD_ATS)

static QTestState *start(const char *props)
{
    return qtest_initf(PTD_MACHINE " " PTD_DEVICE "%s%s", *props ? "," : "",
                       props);
}

static uint8_t find_cap(QTestState *qts, uint8_t id)
{
    uint8_t pos = ptd_cfg_readl(qts, PCI_CAPABILITY_LIST);
    int ttl = 48;

    while (pos && ttl--) {
        uint16_t header = ptd_cfg_readw(qts, pos);

        if ((header & 0xff) == id) {
            return pos;
        }
        pos = header >> 8;
    }
    g_assert_not_reached();
}

/* Walk the extended list; 0 if @id is not in it */
static uint16_t find_ecap(QTestState *qts, uint16_t id)
{
    uint16_t pos = 0x100;
    int ttl = ECAP_SIZE / 4;

    while (pos && ttl--) {
        uint32_t header = ptd_cfg_readl(qts, pos);

        if (PCI_EXT_CAP_ID(header) == id) {
            return pos;
        }
        pos = PCI_EXT_CAP_NEXT(header);
    }
    g_assert_cmpint(ttl, >=, 0);
    return 0;
}

static void test_defaults(void)
{
    QTestState *qts = start("");
    uint8_t exp = find_cap(qts, PCI_CAP_ID_EXP);
    uint16_t cap;

    g_assert_cmphex(ptd_cfg_readl(qts, 0), ==,
                    PASID_TESTDEV_DEVICE_ID << 16 | 0x1234);
    g_assert_cmpint(ptd_cfg_readw(qts, exp + PCI_EXP_FLAGS) &
                    PCI_EXP_FLAGS_VERS, ==, 2);
    g_assert_true(ptd_cfg_readl(qts, exp + PCI_EXP_DEVCAP) &
                  PCI_EXP_DEVCAP_FLR);
    g_assert_true(ptd_cfg_readl(qts, exp + PCI_EXP_DEVCAP2) &
                  PCI_EXP_DEVCAP2_EE_PREFIX);
    find_cap(qts, PCI_CAP_ID_PM);
    find_cap(qts, PCI_CAP_ID_MSI);

    g_assert_cmphex(ptd_cfg_readl(qts, PASID_TESTDEV_DSN_OFFSET), ==,
                    PASID_TESTDEV_PASID_OFFSET << 20 | 1 << 16 |
                    PCI_EXT_CAP_ID_DSN);
    g_assert_cmphex(ptd_cfg_readl(qts, PASID_TESTDEV_PASID_OFFSET), ==,
                    PASID_HEADER(0));
    cap = ptd_cfg_readw(qts, PASID_TESTDEV_PASID_OFFSET + PCI_PASID_CAP);
    g_assert_cmphex(cap, ==, 16 << 8 | PCI_PASID_CAP_EXEC);
    qtest_quit(qts);
}

typedef struct {
    const char *name;
    const char *props;
    uint16_t offset;    /* 0: no PASID capability */
    uint16_t cap;       /* PCI_PASID_CAP */
} LayoutCase;

static const LayoutCase layout_cases[] = {
    { .name = "first", .props = "pasid-offset=0x100", .offset = 0x100,
      .cap = 16 << 8 | 2 },
    { .name = "after-dsn", .props = "pasid-offset=0x10c", .offset = 0x10c,
      .cap = 16 << 8 | 2 },
    { .name = "last", .props = "pasid-offset=0xff8,pasid-width=20",
      .offset = 0xff8, .cap = 20 << 8 | 2 },
    { .name = "width0", .props = "pasid-width=0,exec=off", .offset = 0x110 },
    { .name = "priv", .props = "pasid-width=8,exec=off,priv=on",
      .offset = 0x110, .cap = 8 << 8 | 4 },
    { .name = "both", .props = "pasid-width=1,priv=on", .offset = 0x110,
      .cap = 1 << 8 | 6 },
    { .name = "none", .props = "no-pasid=on" },
};

/* Capability, write mask and both kinds of reset */
static void test_layout(const void *data)
{
    const LayoutCase *c = data;
    QTestState *qts = start(c->props);
    uint16_t mask = PCI_PASID_CTRL_ENABLE | (c->cap & 6);
    uint16_t ctrl = c->offset + PCI_PASID_CTRL;
    uint8_t exp = find_cap(qts, PCI_CAP_ID_EXP);

    g_assert_cmphex(find_ecap(qts, PCI_EXT_CAP_ID_PASID), ==, c->offset);
    g_assert_cmphex(find_ecap(qts, PCI_EXT_CAP_ID_DSN), !=, 0);
    if (!c->offset) {
        qtest_quit(qts);
        return;
    }

    g_assert_cmphex(ptd_cfg_readw(qts, c->offset + PCI_PASID_CAP), ==, c->cap);
    g_assert_cmphex(ptd_cfg_readw(qts, ctrl), ==, 0);

    /* where no capability is there is nothing to write to either */
    ptd_cfg_writel(qts, 0x800, ~0);
    g_assert_cmphex(ptd_cfg_readl(qts, 0x800), ==, 0);

    ptd_cfg_writel(qts, c->offset, ~0);
    ptd_cfg_writew(qts, c->offset + PCI_PASID_CAP, ~0);
    ptd_cfg_writew(qts, ctrl, ~0);
    g_assert_cmphex(find_ecap(qts, PCI_EXT_CAP_ID_PASID), ==, c->offset);
    g_assert_cmphex(ptd_cfg_readw(qts, c->offset + PCI_PASID_CAP), ==, c->cap);
    g_assert_cmphex(ptd_cfg_readw(qts, ctrl), ==, mask);

    ptd_cfg_writew(qts, exp + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
    g_assert_cmphex(ptd_cfg_readw(qts, ctrl), ==, 0);
    g_assert_cmphex(ptd_cfg_readw(qts, c->offset + PCI_PASID_CAP), ==, c->cap);

    ptd_cfg_writew(qts, ctrl, ~0);
    g_assert_cmphex(ptd_cfg_readw(qts, ctrl), ==, mask);
    qtest_system_reset(qts);
    g_assert_cmphex(ptd_cfg_readw(qts, ctrl), ==, 0);
    qtest_quit(qts);
}

static void test_ats_absent(void)
{
    QTestState *qts = start("");

    g_assert_cmphex(find_ecap(qts, PCI_EXT_CAP_ID_ATS), ==, 0);
    ptd_cfg_writel(qts, PASID_TESTDEV_ATS_OFFSET + PCI_ATS_CAP, ~0);
    g_assert_cmphex(ptd_cfg_readl(qts, PASID_TESTDEV_ATS_OFFSET), ==, 0);
    g_assert_cmphex(ptd_cfg_readl(qts, PASID_TESTDEV_ATS_OFFSET + PCI_ATS_CAP),
                    ==, 0);
    ptd_enable(qts);
    g_assert_cmpint(ptd_dma(qts, ATS_WRITE, BUFFER, 0, 4), ==,
                    PASID_TESTDEV_STATUS_DISABLED);
    qtest_quit(qts);
}

typedef struct {
    const char *name;
    const char *props;
    uint16_t list[3];   /* capability IDs, as the guest comes across them */
    uint16_t offset;    /* of the last one, which is ATS */
} AtsLayoutCase;

static const AtsLayoutCase ats_layout_cases[] = {
    { .name = "default", .props = "ats=on", .list = { PCI_EXT_CAP_ID_DSN,
        PCI_EXT_CAP_ID_PASID, PCI_EXT_CAP_ID_ATS },
        .offset = PASID_TESTDEV_ATS_OFFSET },
    { .name = "first", .props = "ats=on,pasid-offset=0x100", .list = {
        PCI_EXT_CAP_ID_PASID, PCI_EXT_CAP_ID_DSN, PCI_EXT_CAP_ID_ATS },
        .offset = 0x114 },
    { .name = "after-dsn", .props = "ats=on,pasid-offset=0x10c", .list = {
        PCI_EXT_CAP_ID_DSN, PCI_EXT_CAP_ID_PASID, PCI_EXT_CAP_ID_ATS },
        .offset = 0x114 },
    { .name = "fits", .props = "ats=on,pasid-offset=0xff0", .list = {
        PCI_EXT_CAP_ID_DSN, PCI_EXT_CAP_ID_PASID, PCI_EXT_CAP_ID_ATS },
        .offset = 0xff8 },
    { .name = "fits-not", .props = "ats=on,pasid-offset=0xff4", .list = {
        PCI_EXT_CAP_ID_DSN, PCI_EXT_CAP_ID_PASID, PCI_EXT_CAP_ID_ATS },
        .offset = 0x10c },
    { .name = "last", .props = "ats=on,pasid-offset=0xff8", .list = {
        PCI_EXT_CAP_ID_DSN, PCI_EXT_CAP_ID_PASID, PCI_EXT_CAP_ID_ATS },
        .offset = 0x10c },
    { .name = "no-pasid", .props = "ats=on,no-pasid=on",
      .list = { PCI_EXT_CAP_ID_DSN, PCI_EXT_CAP_ID_ATS }, .offset = 0x10c },
};

/* Order of the list, write mask and both kinds of reset */
static void test_ats_layout(const void *data)
{
    const AtsLayoutCase *c = data;
    QTestState *qts = start(c->props);
    uint16_t cap = c->offset + PCI_ATS_CAP, ctrl = c->offset + PCI_ATS_CTRL;
    uint16_t mask = PCI_ATS_CTRL_ENABLE | 0x1f;
    uint8_t exp = find_cap(qts, PCI_CAP_ID_EXP);
    uint16_t pos = 0x100, last = 0;

    for (int i = 0; i < ARRAY_SIZE(c->list) && c->list[i]; i++) {
        uint32_t header = ptd_cfg_readl(qts, pos);

        g_assert_cmphex(PCI_EXT_CAP_ID(header), ==, c->list[i]);
        last = pos;
        pos = PCI_EXT_CAP_NEXT(header);
    }
    g_assert_cmphex(pos, ==, 0);
    g_assert_cmphex(last, ==, c->offset);

    g_assert_cmphex(ptd_cfg_readw(qts, cap), ==, PCI_ATS_CAP_PAGE_ALIGNED);
    g_assert_cmphex(ptd_cfg_readw(qts, ctrl), ==, 0);
    ptd_cfg_writel(qts, c->offset, ~0);
    ptd_cfg_writel(qts, cap, ~0);
    g_assert_cmphex(ptd_cfg_readl(qts, c->offset), ==,
                    1 << 16 | PCI_EXT_CAP_ID_ATS);
    g_assert_cmphex(ptd_cfg_readw(qts, cap), ==, PCI_ATS_CAP_PAGE_ALIGNED);
    g_assert_cmphex(ptd_cfg_readw(qts, ctrl), ==, mask);

    ptd_cfg_writew(qts, exp + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
    g_assert_cmphex(ptd_cfg_readw(qts, ctrl), ==, 0);

    ptd_cfg_writew(qts, ctrl, ~0);
    g_assert_cmphex(ptd_cfg_readw(qts, ctrl), ==, mask);
    qtest_system_reset(qts);
    g_assert_cmphex(ptd_cfg_readw(qts, ctrl), ==, 0);
    qtest_quit(qts);
}

/* Write @size bytes of @image to a file that the caller frees and removes */
static char *image_file(const void *image, size_t size)
{
    char *path = NULL;
    int fd = g_file_open_tmp("pasid-testdev-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, image, size), ==, size);
    close(fd);
    return path;
}

static QTestState *start_image(const void *image, size_t size,
                               const char *props)
{
    g_autofree char *path = image_file(image, size);
    g_autofree char *all = g_strdup_printf("ecap-image=%s%s", path, props);
    QTestState *qts = start(all);

    unlink(path);
    return qts;
}

/* Vendor-specific at 0x100, PASID at 0x400, vendor-specific at 0xff0 */
static void make_image(uint8_t *image)
{
    memset(image, 0, ECAP_SIZE);
    stl_le_p(image, 0x400u << 20 | 1 << 16 | PCI_EXT_CAP_ID_VNDR);
    stl_le_p(image + 4, 0x01000042);
    stl_le_p(image + 0x300, PASID_HEADER(0xff0));
    stw_le_p(image + 0x304, 5 << 8 | PCI_PASID_CAP_PRIV);
    stw_le_p(image + 0x306, 0xffff);
    stl_le_p(image + 0xef0, 1 << 16 | PCI_EXT_CAP_ID_VNDR);
    stl_le_p(image + 0xefc, 0xdeadbeef);
}

static void test_image(const void *data)
{
    bool whole = GPOINTER_TO_INT(data);
    uint8_t image[4096];
    QTestState *qts;

    memset(image, 0xa5, 256);
    make_image(image + 256);
    qts = whole ? start_image(image, sizeof(image), "")
                : start_image(image + 256, ECAP_SIZE, "");

    g_assert_cmphex(ptd_cfg_readl(qts, 0), ==,
                    PASID_TESTDEV_DEVICE_ID << 16 | 0x1234);
    g_assert_cmphex(find_ecap(qts, PCI_EXT_CAP_ID_DSN), ==, 0);
    g_assert_cmphex(find_ecap(qts, PCI_EXT_CAP_ID_PASID), ==, 0x400);
    g_assert_cmphex(ptd_cfg_readw(qts, 0x404), ==, 5 << 8 | 4);
    g_assert_cmphex(ptd_cfg_readw(qts, 0x406), ==, 0);
    g_assert_cmphex(ptd_cfg_readl(qts, 0xffc), ==, 0xdeadbeef);

    ptd_cfg_writel(qts, 0x104, 0);
    ptd_cfg_writel(qts, 0xffc, 0);
    ptd_cfg_writew(qts, 0x406, 0xffff);
    g_assert_cmphex(ptd_cfg_readl(qts, 0x104), ==, 0x01000042);
    g_assert_cmphex(ptd_cfg_readl(qts, 0xffc), ==, 0xdeadbeef);
    g_assert_cmphex(ptd_cfg_readw(qts, 0x406), ==, 5);
    qtest_system_reset(qts);
    g_assert_cmphex(ptd_cfg_readw(qts, 0x406), ==, 0);
    g_assert_cmphex(ptd_cfg_readl(qts, 0xffc), ==, 0xdeadbeef);
    qtest_quit(qts);
}

static void test_image_add(void)
{
    uint8_t image[16] = { 0 };
    QTestState *qts;

    /* behind the capability of the image */
    stl_le_p(image, 1 << 16 | PCI_EXT_CAP_ID_VNDR);
    qts = start_image(image, sizeof(image), ",pasid-offset=0x200");
    g_assert_cmphex(ptd_cfg_readl(qts, 0x100), ==,
                    0x200u << 20 | 1 << 16 | PCI_EXT_CAP_ID_VNDR);
    g_assert_cmphex(ptd_cfg_readl(qts, 0x200), ==, PASID_HEADER(0));
    qtest_quit(qts);

    /* an image without PASID stays without one */
    qts = start_image(image, sizeof(image), "");
    g_assert_cmphex(find_ecap(qts, PCI_EXT_CAP_ID_PASID), ==, 0);
    g_assert_cmphex(ptd_cfg_readl(qts, 0x100), ==,
                    1 << 16 | PCI_EXT_CAP_ID_VNDR);
    qtest_quit(qts);

    /* an empty list gets a head */
    memset(image, 0, sizeof(image));
    qts = start_image(image, sizeof(image), ",pasid-offset=0x200");
    g_assert_cmphex(ptd_cfg_readl(qts, 0x100), ==, 0x200u << 20);
    g_assert_cmphex(find_ecap(qts, PCI_EXT_CAP_ID_PASID), ==, 0x200);
    qtest_quit(qts);

    qts = start_image(image, sizeof(image), ",pasid-offset=0x100");
    g_assert_cmphex(ptd_cfg_readl(qts, 0x100), ==, PASID_HEADER(0));
    qtest_quit(qts);
}

/*
 * device_add on a hot-pluggable port: a refusal has to come back as an
 * error, and leave the machine as it was.
 */
static char *refusal(QTestState *qts, const char *props)
{
    QDict *args = qdict_new(), *resp;
    g_auto(GStrv) list = g_strsplit(props, ",", -1);
    char *desc;

    qdict_put_str(args, "driver", TYPE_PASID_TESTDEV);
    qdict_put_str(args, "bus", "rp");
    for (int i = 0; list[i]; i++) {
        g_auto(GStrv) kv = g_strsplit(list[i], "=", 2);

        uint64_t number;

        if (!strcmp(kv[1], "on")) {
            qdict_put_bool(args, kv[0], true);
        } else if (strcmp(kv[0], "addr") &&
                   !qemu_strtou64(kv[1], NULL, 0, &number)) {
            qdict_put_int(args, kv[0], number);
        } else {
            qdict_put_str(args, kv[0], kv[1]);
        }
    }
    resp = qtest_qmp(qts, "{'execute': 'device_add', 'arguments': %p}", args);
    g_assert_true(qdict_haskey(resp, "error"));
    desc = g_strdup(qdict_get_str(qdict_get_qdict(resp, "error"), "desc"));
    qobject_unref(resp);
    return desc;
}

typedef struct {
    const char *name;
    const char *props;
    const char *words;  /* all of them are in the error, split at '|' */
} RefusalCase;

static const RefusalCase refusal_cases[] = {
    { .name = "width", .props = "pasid-width=21",
      .words = "pasid-width|21|limit of 20|use 0 to 20" },
    { .name = "width-max", .props = "pasid-width=255",
      .words = "pasid-width|255|limit of 20" },
    { .name = "low", .props = "pasid-offset=0xfc",
      .words = "0xfc|0x100|0xff8|multiple of 4" },
    { .name = "high", .props = "pasid-offset=0xffc", .words = "0xffc|0xff8" },
    { .name = "huge", .props = "pasid-offset=0x1000",
      .words = "0x1000|0xff8" },
    { .name = "unaligned", .props = "pasid-offset=0x202",
      .words = "0x202|multiple of 4" },
    { .name = "overlap", .props = "pasid-offset=0x108",
      .words = "0x108|serial number|0x10c" },
    { .name = "contradiction", .props = "pasid-offset=0x200,no-pasid=on",
      .words = "no-pasid|drop" },
    { .name = "no-file", .props = "ecap-image=/nonexistent/image",
      .words = "/nonexistent/image" },
    { .name = "directory", .props = "ecap-image=/", .words = "ecap-image" },
    { .name = "ats-image", .props = "ats=on,ecap-image=/nonexistent/image",
      .words = "ats=on|ecap-image|drop one" },
};

static void check_words(const char *desc, const char *words)
{
    g_auto(GStrv) list = g_strsplit(words, "|", -1);

    for (int i = 0; list[i]; i++) {
        if (!strstr(desc, list[i])) {
            g_test_message("'%s' is not in: %s", list[i], desc);
            g_test_fail();
        }
    }
}

static void test_refusal(const void *data)
{
    const RefusalCase *c = data;
    QTestState *qts = qtest_init(PTD_MACHINE " -device pcie-root-port,id=rp");
    g_autofree char *desc = refusal(qts, c->props);

    check_words(desc, "pasid-testdev");
    check_words(desc, c->words);
    qtest_quit(qts);
}

static void test_refusal_bus(void)
{
    QTestState *qts = qtest_init(PTD_MACHINE " -device pcie-root-port,id=p0 "
                                 "-device pcie-pci-bridge,bus=p0,id=rp");
    g_autofree char *desc = NULL;

    /* bridge buses have a standard hot-plug controller with slots from 1 */
    desc = refusal(qts, "addr=2");
    check_words(desc, "pasid-testdev|rp|not PCI Express|pcie-root-port");
    qtest_quit(qts);
}

typedef struct {
    const char *name;
    size_t size;
    uint32_t at100;     /* first word of the image */
    uint16_t second;    /* offset of a second header, from 0x100 */
    uint32_t header;    /* expected */
    uint16_t body;      /* PCI_PASID_CAP behind it */
    const char *props;
    const char *words;
} BadImageCase;

#define VNDR(next) ((uint32_t)(next) << 20 | 1 << 16 | PCI_EXT_CAP_ID_VNDR)

static const BadImageCase bad_image_cases[] = {
    { .name = "tiny", .size = 3, .words = "3 bytes|3840|4096" },
    { .name = "between", .size = 3841, .words = "3841 bytes|3840|4096" },
    { .name = "long", .size = 4097, .words = "4097 bytes" },
    { .name = "loop-self", .size = 16, .at100 = VNDR(0x100),
      .words = "points back to 0x100" },
    { .name = "loop", .size = 512, .at100 = VNDR(0x180), .second = 0x80,
      .header = VNDR(0x100), .words = "0x180|points back to 0x100" },
    { .name = "below", .size = 16, .at100 = VNDR(0x80),
      .words = "0x100|points to 0x80" },
    { .name = "width", .size = 512, .at100 = VNDR(0x180), .second = 0x80,
      .header = PASID_HEADER(0), .body = 21 << 8, .words = "21|0x184|20" },
    { .name = "end", .size = 3840, .at100 = VNDR(0xffc), .second = 0xefc,
      .header = PASID_HEADER(0), .words = "0xffc|0xff8" },
    { .name = "two", .size = 512, .at100 = PASID_HEADER(0),
      .props = ",pasid-offset=0x200", .words = "0x100|drop pasid-offset" },
    { .name = "no-pasid", .size = 512, .at100 = PASID_HEADER(0),
      .props = ",no-pasid=on", .words = "0x100|drop no-pasid" },
    { .name = "overlap", .size = 512, .at100 = VNDR(0), .second = 0x84,
      .header = 1, .props = ",pasid-offset=0x180", .words = "0x180|overlaps" },
};

static void test_bad_image(const void *data)
{
    const BadImageCase *c = data;
    QTestState *qts = qtest_init(PTD_MACHINE " -device pcie-root-port,id=rp");
    g_autofree uint8_t *image = g_malloc0(MAX(c->size, 16));
    g_autofree char *path = NULL, *props = NULL, *desc = NULL;

    stl_le_p(image, c->at100);
    if (c->second) {
        stl_le_p(image + c->second, c->header);
    }
    if (c->body) {
        stw_le_p(image + c->second + PCI_PASID_CAP, c->body);
    }
    path = image_file(image, c->size);
    props = g_strdup_printf("ecap-image=%s%s", path, c->props ?: "");
    desc = refusal(qts, props);
    unlink(path);
    check_words(desc, "pasid-testdev");
    check_words(desc, c->words);
    qtest_quit(qts);
}

static void test_dma(void)
{
    QTestState *qts = start("pasid-width=10");
    uint32_t pasid = PASID_TESTDEV_PASID_VALID;
    uint16_t ctrl = PASID_TESTDEV_PASID_OFFSET + PCI_PASID_CTRL;
    const uint32_t rd = PASID_TESTDEV_CMD_READ, wr = PASID_TESTDEV_CMD_WRITE;
    uint32_t last = PASID_TESTDEV_REG_DATA + PASID_TESTDEV_DATA_SIZE - 4;

    ptd_enable(qts);
    g_assert_cmphex(ptd_readl(qts, PASID_TESTDEV_REG_ID), ==,
                    PASID_TESTDEV_ID_VALUE);
    g_assert_cmpint(ptd_readl(qts, PASID_TESTDEV_REG_STATUS), ==,
                    PASID_TESTDEV_STATUS_IDLE);

    /* without PASID, both ways, the whole buffer */
    ptd_writel(qts, PASID_TESTDEV_REG_DATA, 0x12345678);
    ptd_writel(qts, last, 0x9abcdef0);
    g_assert_cmpint(ptd_dma(qts, wr, BUFFER, 0, 256), ==,
                    PASID_TESTDEV_STATUS_OK);
    g_assert_cmphex(qtest_readl(qts, BUFFER), ==, 0x12345678);
    g_assert_cmphex(qtest_readl(qts, BUFFER + 252), ==, 0x9abcdef0);
    qtest_writel(qts, BUFFER, 0x0badcafe);
    g_assert_cmpint(ptd_dma(qts, rd, BUFFER, 0, 4), ==,
                    PASID_TESTDEV_STATUS_OK);
    g_assert_cmphex(ptd_readl(qts, PASID_TESTDEV_REG_DATA), ==, 0x0badcafe);
    g_assert_cmphex(ptd_readl(qts, last), ==, 0x9abcdef0);

    /* refusals leave memory alone */
    qtest_writel(qts, BUFFER, 0x55555555);
    g_assert_cmpint(ptd_dma(qts, wr, BUFFER, pasid | 1, 4), ==,
                    PASID_TESTDEV_STATUS_DISABLED);
    ptd_cfg_writew(qts, ctrl, PCI_PASID_CTRL_ENABLE);
    g_assert_cmpint(ptd_dma(qts, wr, BUFFER, pasid | 1024, 4), ==,
                    PASID_TESTDEV_STATUS_RANGE);
    g_assert_cmpint(ptd_dma(qts, wr, BUFFER, pasid | 256, 4), ==,
                    PASID_TESTDEV_STATUS_UNSUPPORTED);
    g_assert_cmpint(ptd_dma(qts, wr, BUFFER, pasid, 4), ==,
                    PASID_TESTDEV_STATUS_UNSUPPORTED);
    g_assert_cmpint(ptd_dma(qts, wr, BUFFER, 0, 0), ==,
                    PASID_TESTDEV_STATUS_BAD_CMD);
    g_assert_cmpint(ptd_dma(qts, wr, BUFFER, 0, 257), ==,
                    PASID_TESTDEV_STATUS_BAD_CMD);
    g_assert_cmpint(ptd_dma(qts, 3, BUFFER, 0, 4), ==,
                    PASID_TESTDEV_STATUS_BAD_CMD);
    g_assert_cmphex(qtest_readl(qts, BUFFER), ==, 0x55555555);

    /* with no IOMMU to look at it a PASID makes no difference */
    g_assert_cmpint(ptd_dma(qts, wr, BUFFER, pasid | 255, 4), ==,
                    PASID_TESTDEV_STATUS_OK);
    g_assert_cmphex(qtest_readl(qts, BUFFER), ==, 0x0badcafe);

    /* nothing answers there */
    g_assert_cmpint(ptd_dma(qts, wr, 0xf000000000000000ull, 0, 4), ==,
                    PASID_TESTDEV_STATUS_FAULT);
    ptd_cfg_writew(qts, PCI_COMMAND, PCI_COMMAND_MEMORY);
    g_assert_cmpint(ptd_dma(qts, wr, BUFFER, 0, 4), ==,
                    PASID_TESTDEV_STATUS_FAULT);

    ptd_cfg_writew(qts, find_cap(qts, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL,
                   PCI_EXP_DEVCTL_BCR_FLR);
    ptd_enable(qts);
    for (uint32_t reg = PASID_TESTDEV_REG_ADDR_LO;
         reg < PASID_TESTDEV_REG_DATA + PASID_TESTDEV_DATA_SIZE; reg += 4) {
        g_assert_cmphex(ptd_readl(qts, reg), ==,
                        reg == PASID_TESTDEV_REG_CHANNELS ?
                        PASID_TESTDEV_CHANNELS : 0);
    }
    qtest_quit(qts);
}

static void test_no_pasid_dma(void)
{
    QTestState *qts = start("no-pasid=on");

    ptd_enable(qts);
    g_assert_cmpint(ptd_dma(qts, PASID_TESTDEV_CMD_WRITE, BUFFER,
                            PASID_TESTDEV_PASID_VALID | 1, 4), ==,
                    PASID_TESTDEV_STATUS_DISABLED);
    qtest_quit(qts);
}

/* There is no IOMMU to answer Translation Requests */
static void test_ats_dma(void)
{
    QTestState *qts = start("ats=on,pasid-width=10");
    uint32_t pasid = PASID_TESTDEV_PASID_VALID;
    uint16_t ats_ctrl = PASID_TESTDEV_ATS_OFFSET + PCI_ATS_CTRL;
    uint16_t pasid_ctrl = PASID_TESTDEV_PASID_OFFSET + PCI_PASID_CTRL;
    uint8_t exp = find_cap(qts, PCI_CAP_ID_EXP);

    ptd_enable(qts);
    qtest_writel(qts, BUFFER, 0x55555555);
    ptd_cfg_writew(qts, pasid_ctrl, PCI_PASID_CTRL_ENABLE);
    ptd_cfg_writew(qts, ats_ctrl, 0x1f);
    g_assert_cmpint(ptd_dma(qts, ATS_WRITE, BUFFER, 0, 4), ==,
                    PASID_TESTDEV_STATUS_DISABLED);
    g_assert_cmpint(ptd_dma(qts, ATS_READ, BUFFER, pasid | 1, 4), ==,
                    PASID_TESTDEV_STATUS_DISABLED);

    ptd_cfg_writew(qts, ats_ctrl, PCI_ATS_CTRL_ENABLE);
    g_assert_cmpint(ptd_dma(qts, ATS_WRITE, BUFFER, 0, 4), ==,
                    PASID_TESTDEV_STATUS_FAULT);
    g_assert_cmpint(ptd_dma(qts, ATS_READ, BUFFER, 0, 4), ==,
                    PASID_TESTDEV_STATUS_FAULT);
    g_assert_cmpint(ptd_dma(qts, ATS_WRITE, BUFFER, pasid | 1, 4), ==,
                    PASID_TESTDEV_STATUS_FAULT);

    /* the rules for PASIDs, but for those of more than 8 bits */
    g_assert_cmpint(ptd_dma(qts, ATS_WRITE, BUFFER, pasid | 256, 4), ==,
                    PASID_TESTDEV_STATUS_FAULT);
    g_assert_cmpint(ptd_dma(qts, ATS_WRITE, BUFFER, pasid | 1023, 4), ==,
                    PASID_TESTDEV_STATUS_FAULT);
    g_assert_cmpint(ptd_dma(qts, ATS_WRITE, BUFFER, pasid | 1024, 4), ==,
                    PASID_TESTDEV_STATUS_RANGE);
    g_assert_cmpint(ptd_dma(qts, ATS_WRITE, BUFFER, pasid, 4), ==,
                    PASID_TESTDEV_STATUS_UNSUPPORTED);
    g_assert_cmpint(ptd_dma(qts, ATS_WRITE, BUFFER, 0, 257), ==,
                    PASID_TESTDEV_STATUS_BAD_CMD);
    g_assert_cmpint(ptd_dma(qts, 3 | PASID_TESTDEV_CMD_ATS, BUFFER, 0, 4), ==,
                    PASID_TESTDEV_STATUS_BAD_CMD);
    ptd_cfg_writew(qts, pasid_ctrl, 0);
    g_assert_cmpint(ptd_dma(qts, ATS_WRITE, BUFFER, pasid | 1, 4), ==,
                    PASID_TESTDEV_STATUS_DISABLED);
    g_assert_cmphex(qtest_readl(qts, BUFFER), ==, 0x55555555);

    /* both registers are read-only, and have nothing to count */
    ptd_writel(qts, PASID_TESTDEV_REG_ATC_ENTRIES, ~0);
    ptd_writel(qts, PASID_TESTDEV_REG_ATC_INVALIDATIONS, ~0);
    g_assert_cmpint(ptd_readl(qts, PASID_TESTDEV_REG_ATC_ENTRIES), ==, 0);
    g_assert_cmpint(ptd_readl(qts, PASID_TESTDEV_REG_ATC_INVALIDATIONS), ==, 0);

    /* other transfers do not care whether ATS is enabled */
    ptd_writel(qts, PASID_TESTDEV_REG_DATA, 0x12345678);
    g_assert_cmpint(ptd_dma(qts, PASID_TESTDEV_CMD_WRITE, BUFFER, 0, 4), ==,
                    PASID_TESTDEV_STATUS_OK);
    g_assert_cmphex(qtest_readl(qts, BUFFER), ==, 0x12345678);

    ptd_cfg_writew(qts, exp + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
    ptd_enable(qts);
    g_assert_cmpint(ptd_dma(qts, ATS_WRITE, BUFFER, 0, 4), ==,
                    PASID_TESTDEV_STATUS_DISABLED);
    qtest_quit(qts);
}

/* D3hot takes the BAR away and leaves the control register alone */
static void test_power(void)
{
    QTestState *qts = start("");
    uint8_t pm = find_cap(qts, PCI_CAP_ID_PM);
    uint16_t ctrl = PASID_TESTDEV_PASID_OFFSET + PCI_PASID_CTRL;

    ptd_enable(qts);
    ptd_cfg_writew(qts, ctrl, PCI_PASID_CTRL_ENABLE);
    g_assert_cmphex(ptd_cfg_readw(qts, pm + PCI_PM_PMC) & PCI_PM_CAP_VER_MASK,
                    ==, 3);
    ptd_cfg_writew(qts, pm + PCI_PM_CTRL, 3);
    g_assert_cmphex(ptd_cfg_readw(qts, pm + PCI_PM_CTRL), ==,
                    3 | PCI_PM_CTRL_NO_SOFT_RESET);
    g_assert_cmphex(ptd_readl(qts, PASID_TESTDEV_REG_ID), !=,
                    PASID_TESTDEV_ID_VALUE);
    ptd_cfg_writew(qts, pm + PCI_PM_CTRL, 0);
    g_assert_cmphex(ptd_readl(qts, PASID_TESTDEV_REG_ID), ==,
                    PASID_TESTDEV_ID_VALUE);
    g_assert_cmphex(ptd_cfg_readw(qts, ctrl), ==, PCI_PASID_CTRL_ENABLE);
    qtest_quit(qts);
}

/* Without No_Soft_Reset the way from D3hot to D0, and only that, resets */
static void test_power_reset(void)
{
    QTestState *qts = start("pm-reset=on");
    uint16_t pmcsr = find_cap(qts, PCI_CAP_ID_PM) + PCI_PM_CTRL;
    uint16_t ctrl = PASID_TESTDEV_PASID_OFFSET + PCI_PASID_CTRL;

    ptd_cfg_writew(qts, ctrl, PCI_PASID_CTRL_ENABLE);
    g_assert_cmphex(ptd_cfg_readw(qts, pmcsr), ==, 0);
    ptd_cfg_writew(qts, pmcsr, 0);
    ptd_cfg_writew(qts, pmcsr, 3);
    g_assert_cmphex(ptd_cfg_readw(qts, pmcsr), ==, 3);
    g_assert_cmphex(ptd_cfg_readw(qts, ctrl), ==, PCI_PASID_CTRL_ENABLE);
    ptd_cfg_writew(qts, pmcsr, 0);
    g_assert_cmphex(ptd_cfg_readw(qts, pmcsr), ==, 0);
    g_assert_cmphex(ptd_cfg_readw(qts, ctrl), ==, 0);
    qtest_quit(qts);
}

/* An MSI is a write: without an interrupt controller RAM takes it as well */
static void test_msi(void)
{
    QTestState *qts = start("");
    uint8_t msi = find_cap(qts, PCI_CAP_ID_MSI);

    ptd_enable(qts);
    ptd_cfg_writel(qts, msi + PCI_MSI_ADDRESS_LO, MSI_TARGET);
    ptd_cfg_writel(qts, msi + PCI_MSI_ADDRESS_HI, 0);
    ptd_cfg_writew(qts, msi + PCI_MSI_DATA_64, 0x4711);

    ptd_dma(qts, PASID_TESTDEV_CMD_READ | PASID_TESTDEV_CMD_MSI, BUFFER, 0, 4);
    g_assert_cmphex(qtest_readl(qts, MSI_TARGET), ==, 0);

    ptd_cfg_writew(qts, msi + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE);
    ptd_dma(qts, PASID_TESTDEV_CMD_READ, BUFFER, 0, 4);
    g_assert_cmphex(qtest_readl(qts, MSI_TARGET), ==, 0);
    ptd_dma(qts, PASID_TESTDEV_CMD_READ | PASID_TESTDEV_CMD_MSI, BUFFER, 0, 4);
    g_assert_cmphex(qtest_readl(qts, MSI_TARGET), ==, 0x4711);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    if (!qtest_has_device(TYPE_PASID_TESTDEV)) {
        g_test_message("pasid-testdev is not in this build");
        return 0;
    }

    qtest_add_func("/pasid-testdev/defaults", test_defaults);
    for (int i = 0; i < ARRAY_SIZE(layout_cases); i++) {
        g_autofree char *path = g_strdup_printf("/pasid-testdev/layout/%s",
                                                layout_cases[i].name);

        qtest_add_data_func(path, &layout_cases[i], test_layout);
    }
    qtest_add_func("/pasid-testdev/ats/absent", test_ats_absent);
    for (int i = 0; i < ARRAY_SIZE(ats_layout_cases); i++) {
        g_autofree char *path = g_strdup_printf("/pasid-testdev/ats/layout/%s",
                                                ats_layout_cases[i].name);

        qtest_add_data_func(path, &ats_layout_cases[i], test_ats_layout);
    }
    qtest_add_func("/pasid-testdev/ats/dma", test_ats_dma);
    qtest_add_data_func("/pasid-testdev/image/ecaps", GINT_TO_POINTER(false),
                        test_image);
    qtest_add_data_func("/pasid-testdev/image/whole", GINT_TO_POINTER(true),
                        test_image);
    qtest_add_func("/pasid-testdev/image/add", test_image_add);
    for (int i = 0; i < ARRAY_SIZE(refusal_cases); i++) {
        g_autofree char *path = g_strdup_printf("/pasid-testdev/refusal/%s",
                                                refusal_cases[i].name);

        qtest_add_data_func(path, &refusal_cases[i], test_refusal);
    }
    if (qtest_has_device("pcie-pci-bridge")) {
        qtest_add_func("/pasid-testdev/refusal/bus", test_refusal_bus);
    }
    for (int i = 0; i < ARRAY_SIZE(bad_image_cases); i++) {
        g_autofree char *path = g_strdup_printf("/pasid-testdev/bad-image/%s",
                                                bad_image_cases[i].name);

        qtest_add_data_func(path, &bad_image_cases[i], test_bad_image);
    }
    qtest_add_func("/pasid-testdev/dma", test_dma);
    qtest_add_func("/pasid-testdev/dma/no-pasid", test_no_pasid_dma);
    qtest_add_func("/pasid-testdev/power", test_power);
    qtest_add_func("/pasid-testdev/power/reset", test_power_reset);
    qtest_add_func("/pasid-testdev/msi", test_msi);

    return g_test_run();
}
