/*
 * QTest of Arm SMMUv3 in a migration stream
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The emulated SMMUv3 is the same device with and without the series. A stream
 * may come from anybody, so what it says of the SMMUv3 ends no QEMU. And one
 * with accel=on has devices to take care of, which no stream knows of.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qobject/qdict.h"
#include "vfio-guest/smmu.h"
#include "vfio-guest/stream.h"

#define SMMU "-device arm-smmuv3,id=smmu,primary-bus=pcie.0%s "
#define MACHINE VG_MACHINE SMMU VG_PORT(1)
#define TARGET (VG_RAM + 0x500000)

/* Set up as a guest does, with translation on and a command taken */
static void set_up(VfGuest *g, VsTable table)
{
    vg_ports(g, 1);
    vs_setup(g, table);
    vs_enable(g, true);
    vs_cfgi_ste(g, VS_SID(1));
}

/* A QEMU without the series and one with it */

typedef struct Route {
    const char *name;
    const char *from;           /* VG_BASE, or NULL */
    const char *to;
} Route;

static const Route routes[] = {
    { .name = "to-patched", .from = VG_BASE },
    { .name = "to-base", .to = VG_BASE },
    { .name = "same" },
};

static void test_update(const void *opaque)
{
    static const uint32_t regs[] = {
        VS_IDR0, VS_IDR0 + 4, VS_IDR0 + 8, VS_IDR0 + 12, VS_IDR0 + 16,
        VS_IDR0 + 20, VS_CR0, VS_CR0ACK, VS_STRTAB_BASE, VS_STRTAB_BASE_CFG,
        VS_CMDQ_BASE, VS_CMDQ_PROD, VS_CMDQ_CONS, VS_EVENTQ_BASE,
        VS_EVENTQ_PROD,
    };
    const Route *route = opaque;
    g_autofree gchar *uri = NULL;
    g_autofree gchar *end = NULL;
    uint32_t before[ARRAY_SIZE(regs)];
    uint32_t prod;
    VfGuest *g;

    if ((route->from || route->to) && !vg_has_base()) {
        return;
    }
    uri = vg_stream_uri();
    g = vg_start_as(vf_client_new(), route->from, MACHINE, "", "");
    set_up(g, VS_TWO_LEVEL);
    for (int i = 0; i < ARRAY_SIZE(regs); i++) {
        before[i] = vs_readl(g, regs[i]);
    }
    g_assert_cmphex(before[0], !=, 0);
    prod = g->cmdq_prod;
    vg_migrate_out(g, uri);

    g = vg_start_as(vf_client_new(), route->to, MACHINE "-incoming defer", "",
                    "");
    end = vg_migrate_in(g, uri);
    g_assert_cmpstr(end, ==, "completed");
    for (int i = 0; i < ARRAY_SIZE(regs); i++) {
        g_assert_cmphex(vs_readl(g, regs[i]), ==, before[i]);
    }
    g->cmdq_prod = prod;
    vs_sync(g);
    vg_stream_remove(uri);
    vg_end_silent(g);
}

/* A stream that no QEMU has written */

/*
 * Where a field of the section "smmuv3" is, relative to STRTAB_BASE in it: the
 * format of a stream does not change
 */
typedef enum Field {
    FEATURES = -54,
    SID_SIZE = -50,
    SID_SPLIT = -49,
    CMDQ_LOG2SIZE = 44,
    EVENTQ_LOG2SIZE = 61,
} Field;

typedef struct ForgedTest {
    const char *name;
    VsTable table;
    Field field;
    uint8_t size;
    uint8_t value;              /* of each of its bytes */
} ForgedTest;

static const ForgedTest forged_tests[] = {
    { .name = "nothing", .table = VS_LINEAR },
    { .name = "cmdq-20", .field = CMDQ_LOG2SIZE, .size = 1, .value = 20 },
    { .name = "cmdq-31", .field = CMDQ_LOG2SIZE, .size = 1, .value = 31 },
    { .name = "cmdq-200", .field = CMDQ_LOG2SIZE, .size = 1, .value = 200 },
    { .name = "eventq-31", .field = EVENTQ_LOG2SIZE, .size = 1, .value = 31 },
    { .name = "eventq-200", .field = EVENTQ_LOG2SIZE, .size = 1, .value = 200 },
    { .name = "sid-size", .field = SID_SIZE, .size = 1, .value = 255 },
    { .name = "split-0", .table = VS_TWO_LEVEL,
      .field = SID_SPLIT, .size = 1, .value = 0 },
    { .name = "split-31", .table = VS_TWO_LEVEL,
      .field = SID_SPLIT, .size = 1, .value = 31 },
    { .name = "split-200", .table = VS_TWO_LEVEL,
      .field = SID_SPLIT, .size = 1, .value = 200 },
    { .name = "two-level-is-linear", .table = VS_TWO_LEVEL,
      .field = FEATURES, .size = 4, .value = 0 },
    { .name = "linear-is-two-level", .table = VS_LINEAR,
      .field = FEATURES, .size = 4, .value = 0xff },
};

static void forge(const char *uri, const ForgedTest *t)
{
    const uint64_t base = cpu_to_be64(VS_STRTAB);
    g_autofree gchar *data = NULL;
    gchar *at;
    gsize len;

    g_assert(g_file_get_contents(vg_stream_path(uri), &data, &len, NULL));
    at = memmem(data, len, &base, sizeof(base));
    g_assert(at && at - data > -FEATURES);
    at += t->field;
    memset(at, t->value, t->size);
    g_assert(g_file_set_contents(vg_stream_path(uri), data, len, NULL));
}

/* The registers are the guest's, and all that follows from them is right */
static void test_forged(const void *opaque)
{
    const ForgedTest *t = opaque;
    g_autofree gchar *uri = vg_stream_uri();
    g_autofree gchar *end = NULL;
    VfGuest *g = vg_start(vf_client_new(), MACHINE, "", "");
    uint32_t prod;

    set_up(g, t->table);
    prod = g->cmdq_prod;
    vg_migrate_out(g, uri);
    forge(uri, t);

    g = vg_start(vf_client_new(), MACHINE "-incoming defer", "", "");
    end = vg_migrate_in(g, uri);
    g_assert_cmpstr(end, ==, "completed");
    g->cmdq_prod = prod;
    vs_sync(g);
    vs_bridge_open(g, 1, TARGET);
    vs_bridge_signal(g, 1);
    /* The linear table has an STE that is not valid, the other one has none */
    vs_assert_event(g, VS_BRIDGE_SID(1), t->table == VS_LINEAR ?
                    VS_EVT_C_BAD_STE : VS_EVT_C_BAD_STREAMID);
    vg_stream_remove(uri);
    vg_end_silent(g);
}

/* No stream for one with accel=on, and none from it */

/* The stream knows neither the devices nor what this one offers */
static void test_to_accel(void)
{
    g_autofree gchar *uri = vg_stream_uri();
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, 1, 1);
    g_autofree gchar *end = NULL;
    g_autofree gchar *said = NULL;
    VfGuest *g = vg_start(vf_client_new(), MACHINE, "", ",ssidsize=16");

    set_up(g, VS_LINEAR);
    vg_migrate_out(g, uri);

    g = vg_start(c, "%s -incoming defer", options);
    end = vg_migrate_in(g, uri);
    /* The guest lets the device do nothing. It would not be the guest's. */
    g_assert_cmpstr(end, ==, "failed");
    g_assert_cmphex(vs_readl(g, VS_CR0), ==, 0);
    said = vg_migrate_error(g);
    vg_assert_has(said, "accel=on takes a guest over by mode cpr-transfer or"
                  " cpr-exec");
    vg_stream_remove(uri);
    vg_end_silent(g);
}

static void test_from_accel(void)
{
    VfGuest *g = vs_start(1, 0);
    QDict *answer = qtest_qmp(g->qts, "{'execute': 'migrate', 'arguments':"
                              " {'uri': 'file:/nowhere/file'}}");

    g_assert(qdict_haskey(answer, "error"));
    vg_assert_has(qdict_get_str(qdict_get_qdict(answer, "error"), "desc"),
                  "accel=on cannot be migrated");
    qobject_unref(answer);
    vg_end_silent(g);
}

typedef struct CprTest {
    const char *name;
    const char *from;           /* properties of the SMMUv3 */
    const char *to;
    const char *said;
} CprTest;

static const CprTest cpr_tests[] = {
    { .name = "to-accel", .from = "", .to = ",accel=on",
      .said = "from a QEMU whose SMMUv3 has accel=on" },
    { .name = "from-accel", .from = ",accel=on", .to = "",
      .said = "smmuv3-accel" },
};

/* The old QEMU goes on with a guest that the new one cannot take over */
static void test_cpr(const void *opaque)
{
    const CprTest *t = opaque;
    VfGuest *g = vg_start(vf_client_new(), MACHINE VG_SHARED_RAM, "", t->from);
    g_autofree gchar *options = g_strdup_printf(MACHINE VG_SHARED_RAM, "",
                                                t->to);
    g_autofree gchar *text = NULL;

    set_up(g, VS_LINEAR);
    vg_transfer_refused(g, options);
    vs_sync(g);
    text = vg_end(g);
    vg_assert_has(text, t->said);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(routes); i++) {
        vg_add_test("smmuv3/migrate/update", routes[i].name, &routes[i],
                    test_update);
    }
    for (int i = 0; i < ARRAY_SIZE(forged_tests); i++) {
        vg_add_test("smmuv3/migrate/forged", forged_tests[i].name,
                    &forged_tests[i], test_forged);
    }
    qtest_add_func("smmuv3/migrate/to-accel", test_to_accel);
    qtest_add_func("smmuv3/migrate/from-accel", test_from_accel);
    for (int i = 0; i < ARRAY_SIZE(cpr_tests); i++) {
        vg_add_test("smmuv3/migrate/cpr", cpr_tests[i].name, &cpr_tests[i],
                    test_cpr);
    }
    return g_test_run();
}
