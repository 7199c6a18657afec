/*
 * QTest of the accelerated SMMUv3: stream table entries
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each row has an STE and registers, and the access that the architecture
 * gives to the device (Arm IHI0070). The test changes from every row to every
 * other one, by each command that makes the SMMU read the STE again, and
 * compares with the access that the host gives.
 */

#include "qemu/osdep.h"

#include "vfio-guest/smmu.h"

#define SID     VS_SID(1)
#define SID_HI  ((uint64_t)SID << 32)

#define S1      VS_STE0_DEFAULT
#define ATTRS   VS_STE1_DEFAULT

/* Fields of word 1 that no host gets to see (5.2) */
#define STE1_EATS(n)    ((uint64_t)(n) << 28)
#define STE1_STRW(n)    ((uint64_t)(n) << 30)
#define STE1_MEMATTR    (0xfull << 32)
#define STE1_MTCFG      (1ull << 36)
#define STE1_ALLOCCFG   (0xfull << 37)
#define STE1_SHCFG      (3ull << 44)
#define STE1_PRIVCFG    (3ull << 48)
#define STE1_INSTCFG    (3ull << 50)
#define STE1_BYPASS     (STE1_MEMATTR | STE1_MTCFG | STE1_ALLOCCFG | \
                         STE1_SHCFG | STE1_PRIVCFG | STE1_INSTCFG)

typedef struct Row {
    const char *name;
    uint64_t word[2];
    VfAccess access;
    uint64_t installed[2];      /* of VF_ACCESS_S1 */
    bool bad;                   /* the guest is told: C_BAD_STE */
} Row;

#define CONFIG(n) ((uint64_t)(n) << 1)

static const Row rows[] = {
    { .name = "invalid", .word = { 0, 0 }, .access = VF_ACCESS_ABORT },
    { .name = "invalid-s1", .word = { S1 & ~VS_STE0_V, ATTRS },
      .access = VF_ACCESS_ABORT },
    { .name = "invalid-bypass", .word = { VS_STE0_BYPASS, 0 },
      .access = VF_ACCESS_ABORT },
    { .name = "abort", .word = { VS_STE0_V | CONFIG(0), 0 },
      .access = VF_ACCESS_ABORT },
    { .name = "abort-shcfg",
      .word = { VS_STE0_V | CONFIG(0), VS_STE1_SHCFG_IN },
      .access = VF_ACCESS_ABORT },
    /* Config 0b0xx is an abort for any value of the two bits */
    { .name = "abort-1", .word = { VS_STE0_V | CONFIG(1) | VS_CDTAB, ATTRS },
      .access = VF_ACCESS_ABORT },
    { .name = "abort-2", .word = { VS_STE0_V | CONFIG(2), 0 },
      .access = VF_ACCESS_ABORT },
    { .name = "abort-3", .word = { VS_STE0_V | CONFIG(3), 0 },
      .access = VF_ACCESS_ABORT },
    { .name = "bypass", .word = { VS_STE0_V | VS_STE0_BYPASS, 0 },
      .access = VF_ACCESS_BYPASS },
    { .name = "bypass-shcfg",
      .word = { VS_STE0_V | VS_STE0_BYPASS, VS_STE1_SHCFG_IN },
      .access = VF_ACCESS_BYPASS },
    /* IDR1.ATTR_TYPES_OVR and ATTR_PERMS_OVR are 0 */
    { .name = "bypass-attributes",
      .word = { VS_STE0_V | VS_STE0_BYPASS, STE1_BYPASS },
      .access = VF_ACCESS_BYPASS },
    { .name = "bypass-s1-fields", .word = { VS_STE0_V | VS_STE0_BYPASS |
        VS_STE0_S1FMT(3) | VS_STE0_S1CDMAX(31) | VS_CDTAB, VS_STE1_S1DSS(3) |
        STE1_EATS(1) }, .access = VF_ACCESS_BYPASS },
    { .name = "s1", .word = { S1, ATTRS }, .access = VF_ACCESS_S1,
      .installed = { S1, ATTRS } },
    { .name = "s1-other-table", .word = { S1 + 0x10000, ATTRS },
      .access = VF_ACCESS_S1, .installed = { S1 + 0x10000, ATTRS } },
    { .name = "s1-other-attributes", .word = { S1, VS_STE1_S1CSH(2) },
      .access = VF_ACCESS_S1, .installed = { S1, VS_STE1_S1CSH(2) } },
    /* IDR0.HYP is 0: one StreamWorld */
    { .name = "s1-strw", .word = { S1, ATTRS | STE1_STRW(2) },
      .access = VF_ACCESS_S1, .installed = { S1, ATTRS } },
    { .name = "s1-shcfg", .word = { S1, ATTRS | VS_STE1_SHCFG_IN },
      .access = VF_ACCESS_S1, .installed = { S1, ATTRS } },
    { .name = "s1-attributes", .word = { S1, ATTRS | STE1_BYPASS },
      .access = VF_ACCESS_S1, .installed = { S1, ATTRS } },
    /* IDR0.ATS is 0 */
    { .name = "s1-eats", .word = { S1, ATTRS | STE1_EATS(1) },
      .access = VF_ACCESS_S1, .installed = { S1, ATTRS } },
    { .name = "s1-eats-split", .word = { S1, ATTRS | STE1_EATS(2) },
      .access = VF_ACCESS_S1, .installed = { S1, ATTRS } },
    /* S1Fmt and S1DSS have no meaning with one CD */
    { .name = "s1-one-cd",
      .word = { S1 | VS_STE0_S1FMT(3), ATTRS | VS_STE1_S1DSS(3) },
      .access = VF_ACCESS_S1, .installed = { S1, ATTRS } },
    { .name = "cd-linear",
      .word = { S1 | VS_STE0_S1CDMAX(5), ATTRS | VS_STE1_S1DSS(2) },
      .access = VF_ACCESS_S1,
      .installed = { S1 | VS_STE0_S1CDMAX(5), ATTRS | VS_STE1_S1DSS(2) } },
    { .name = "cd-4k",
      .word = { S1 | VS_STE0_S1CDMAX(16) | VS_STE0_S1FMT(1), ATTRS },
      .access = VF_ACCESS_S1,
      .installed = { S1 | VS_STE0_S1CDMAX(16) | VS_STE0_S1FMT(1), ATTRS } },
    { .name = "cd-64k", .word = { S1 | VS_STE0_S1CDMAX(1) | VS_STE0_S1FMT(2),
        ATTRS | VS_STE1_S1DSS(1) }, .access = VF_ACCESS_S1, .installed = { S1 |
          VS_STE0_S1CDMAX(1) | VS_STE0_S1FMT(2), ATTRS | VS_STE1_S1DSS(1) } },
    { .name = "cd-64k-most", .word = { S1 | VS_STE0_S1CDMAX(16) |
        VS_STE0_S1FMT(2), ATTRS | VS_STE1_S1DSS(1) }, .access = VF_ACCESS_S1,
        .installed = { S1 | VS_STE0_S1CDMAX(16) | VS_STE0_S1FMT(2), ATTRS |
          VS_STE1_S1DSS(1) } },
    { .name = "cd-too-many", .word = { S1 | VS_STE0_S1CDMAX(17), ATTRS },
      .access = VF_ACCESS_ABORT, .bad = true },
    { .name = "cd-far-too-many", .word = { S1 | VS_STE0_S1CDMAX(31), ATTRS },
      .access = VF_ACCESS_ABORT, .bad = true },
    { .name = "cd-format",
      .word = { S1 | VS_STE0_S1CDMAX(5) | VS_STE0_S1FMT(3), ATTRS },
      .access = VF_ACCESS_ABORT, .bad = true },
    { .name = "cd-dss",
      .word = { S1 | VS_STE0_S1CDMAX(5), ATTRS | VS_STE1_S1DSS(3) },
      .access = VF_ACCESS_ABORT, .bad = true },
    /* IDR0.S2P is 0 */
    { .name = "s2", .word = { VS_STE0_V | VS_STE0_S2, 0 },
      .access = VF_ACCESS_ABORT, .bad = true },
    { .name = "s2-shcfg", .word = { VS_STE0_V | VS_STE0_S2, VS_STE1_SHCFG_IN },
      .access = VF_ACCESS_ABORT, .bad = true },
    { .name = "nested", .word = { S1 | VS_STE0_S2, ATTRS },
      .access = VF_ACCESS_ABORT, .bad = true },
    { .name = "nested-empty",
      .word = { VS_STE0_V | VS_STE0_S1 | VS_STE0_S2, 0 },
      .access = VF_ACCESS_ABORT, .bad = true },
};

/* One device, and IDR0.ATS is 0 */
static VfGuest *start(void)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, 1, 1);
    VfGuest *g = vg_start(c, "%s -global arm-smmuv3.ats=off", options);

    vg_ports(g, 1);
    return g;
}

static const Row *named_row(const char *name)
{
    const Row *row = rows;

    while (strcmp(row->name, name)) {
        row++;
    }
    return row;
}

/* Commands that make the SMMU look at the STE again */
typedef struct Look {
    const char *name;
    uint64_t word[2];
} Look;

static const Look looks[] = {
    { "cfgi-ste", { VS_CMD_CFGI_STE | SID_HI, 1 } },
    { "cfgi-ste-range", { VS_CMD_CFGI_STE_RANGE | (SID_HI + (9ull << 32)),
      VS_RANGE(3) } },
    { "cfgi-all", { VS_CMD_CFGI_STE_RANGE, VS_RANGE(31) } },
};

static void look(VfGuest *g, const Look *l)
{
    vs_queue(g, l->word[0], l->word[1]);
    vs_sync(g);
}

static bool same_effect(const Row *a, const Row *b)
{
    return a->access == b->access &&
           (a->access != VF_ACCESS_S1 ||
            !memcmp(a->installed, b->installed, sizeof(a->installed)));
}

static void assert_installed(VfGuest *g, const Row *row)
{
    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, row->access);
    /* One nested HWPT for each of abort and bypass stays */
    g_assert_cmpuint(vf_client_objects(g->c, VF_OBJ_HWPT_NESTED), ==,
                     2 + (row->access == VF_ACCESS_S1));
    if (row->access == VF_ACCESS_S1) {
        vs_assert_s1(g, 0, SID, row->installed[0], row->installed[1]);
    }
}

/*
 * At no time more than the one or the other: a new HWPT is attached while the
 * old one is, which goes last, and nothing happens for what is there already.
 */
static void assert_steps(VfGuest *g, uint32_t since, const Row *from,
                         const Row *to)
{
    VfShared *s = g->c->shared;
    unsigned int attached = 0;

    if (same_effect(from, to)) {
        g_assert_cmpuint(s->log_len, ==, since);
        return;
    }
    for (uint32_t i = since; i < s->log_len; i++) {
        g_assert_cmpint(s->log[i].err, ==, 0);
        switch (s->log[i].op) {
        case VF_OP_ATTACH:
            attached++;
            break;
        case VF_OP_DESTROY:
            g_assert_cmpuint(attached, ==, 1);
            break;
        default:
            g_assert_cmpuint(s->log[i].op, !=, VF_OP_DETACH);
            break;
        }
    }
    g_assert_cmpuint(attached, ==, 1);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_DESTROY, since), ==,
                     from->access == VF_ACCESS_S1);
}

static void write_ste(VfGuest *g, VsTable table, const Row *row)
{
    vs_write_ste(g, table, SID, row->word[0], row->word[1]);
}

/* The other six words belong to a stage 2 that there is not */
static void set_up(VfGuest *g, VsTable table)
{
    uint64_t at = table == VS_LINEAR ? VS_STRTAB + SID * VS_STE_SIZE :
                                       VS_L2TAB;

    vs_setup(g, table);
    for (int i = 2; i < VS_STE_SIZE / 8; i++) {
        qtest_writeq(g->qts, at + 8 * i, UINT64_MAX);
    }
}

static void step(VfGuest *g, VsTable table, const Look *l, const Row *from,
                 const Row *to)
{
    uint32_t *log_len = &g->c->shared->log_len;
    uint32_t since;

    g_test_message("%s to %s by %s", from->name, to->name, l->name);
    *log_len = 0;
    write_ste(g, table, from);
    look(g, l);
    assert_installed(g, from);
    /* The row before may have made the same event */
    vs_drop_events(g);

    since = *log_len;
    write_ste(g, table, to);
    /* The table alone changes nothing: the command does */
    g_assert_cmpuint(*log_len, ==, since);
    look(g, l);
    assert_installed(g, to);
    assert_steps(g, since, from, to);
    vs_assert_event(g, SID, to->bad && !from->bad ? VS_EVT_C_BAD_STE : 0);
}

/* From each row to each row, and back */
static void test_rows(VsTable table, const Look *l)
{
    VfGuest *g = start();

    set_up(g, table);
    vs_enable(g, true);
    for (int i = 0; i < ARRAY_SIZE(rows); i++) {
        for (int j = 0; j < ARRAY_SIZE(rows); j++) {
            step(g, table, l, &rows[i], &rows[j]);
        }
    }
    vg_end_silent(g);
}

static void test_rows_linear(const void *l)
{
    test_rows(VS_LINEAR, l);
}

static void test_rows_two_level(const void *l)
{
    test_rows(VS_TWO_LEVEL, l);
}

/* As most guests do it: with zeros in the other words, and time in between */
static void test_from_bypass(const void *opaque)
{
    VsTable table = *(const VsTable *)opaque;
    const Row *bypass = named_row("bypass-shcfg");
    VfGuest *g = start();

    vs_setup(g, table);
    vs_enable(g, true);
    for (int i = 0; i < ARRAY_SIZE(rows); i++) {
        step(g, table, &looks[0], bypass, &rows[i]);
        /* The guest is told at once or not at all */
        vg_settle(g);
        vs_assert_event(g, SID, 0);
        step(g, table, &looks[0], &rows[i], bypass);
    }
    vg_end_silent(g);
}

/* Registers, while translation is off or the STE is not valid */
static VfAccess expected(bool enabled, bool abort, const Row *row)
{
    if (enabled) {
        return row->access;
    }
    return abort ? VF_ACCESS_ABORT : VF_ACCESS_BYPASS;
}

/* Each change of CR0.SMMUEN and GBPA.ABORT, with each STE */
static void test_registers(void)
{
    enum { ON, OFF, ABORT, PASS };
    static const uint8_t walk[] = {
        ON, ABORT, OFF, ON, PASS, OFF, ABORT, ON, OFF, PASS, PASS, ON, ON,
        ABORT, ABORT, OFF, OFF, PASS,
    };
    VfGuest *g = start();

    set_up(g, VS_LINEAR);
    for (int i = 0; i < ARRAY_SIZE(rows); i++) {
        const Row *row = &rows[i];
        bool enabled = false, abort = false;

        write_ste(g, VS_LINEAR, row);
        for (int step = 0; step < ARRAY_SIZE(walk); step++) {
            const VfObject *device = vf_client_device_object(g->c, 0);
            VfAccess was = vf_client_access(g->c, 0, NULL);
            bool known = device->vdevice;
            uint32_t since = g->c->shared->log_len;

            g_test_message("%s, step %d", row->name, step);
            switch (walk[step]) {
            case ON:
            case OFF:
                enabled = walk[step] == ON;
                vs_enable(g, enabled);
                break;
            default:
                abort = walk[step] == ABORT;
                vs_gbpa(g, abort);
                break;
            }
            g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==,
                            expected(enabled, abort, row));
            /* On bypass it has events once the SMMU is enabled, not before */
            if (was == expected(enabled, abort, row) &&
                (known || was != VF_ACCESS_BYPASS || !enabled)) {
                g_assert_cmpuint(g->c->shared->log_len, ==, since);
            }
            vs_drop_events(g);
        }
        g->c->shared->log_len = 0;
    }

    /* A write to GBPA without UPDATE is none */
    vs_writel(g, VS_GBPA, VS_GBPA_ABORT);
    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, VF_ACCESS_BYPASS);
    g_assert_cmphex(vs_readl(g, VS_GBPA) & VS_GBPA_ABORT, ==, 0);
    vg_end_silent(g);
}

/* Enabling and a reset apply the tables of the previous owner */
static void test_reset(void)
{
    const Row *row = named_row("s1");
    VfGuest *g = start();

    for (int i = 0; i < 3; i++) {
        vs_setup(g, VS_LINEAR);
        vs_gbpa(g, true);
        write_ste(g, VS_LINEAR, row);
        vs_enable(g, true);
        assert_installed(g, row);
        vg_system_reset(g);
        g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==,
                        VF_ACCESS_BYPASS);
        /* With the SMMU disabled it has no event */
        g_assert_cmpuint(vf_client_objects(g->c, VF_OBJ_HWPT_NESTED), ==, 2);
        g_assert_cmpuint(vf_client_objects(g->c, VF_OBJ_VDEVICE), ==, 0);
    }
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    static const VsTable linear = VS_LINEAR, two_level = VS_TWO_LEVEL;

    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(looks); i++) {
        vg_add_test("smmuv3-accel-ste/linear", looks[i].name, &looks[i],
                    test_rows_linear);
        vg_add_test("smmuv3-accel-ste/two-level", looks[i].name, &looks[i],
                    test_rows_two_level);
    }
    vg_add_test("smmuv3-accel-ste/from-bypass", "linear", &linear,
                test_from_bypass);
    vg_add_test("smmuv3-accel-ste/from-bypass", "two-level", &two_level,
                test_from_bypass);
    qtest_add_func("smmuv3-accel-ste/registers", test_registers);
    qtest_add_func("smmuv3-accel-ste/reset", test_reset);
    return g_test_run();
}
