/*
 * QTest of the accelerated SMMUv3: stream tables and StreamIDs
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Formats of stream tables, commands that name StreamIDs, and devices that get
 * another StreamID. For the contents of STEs see smmuv3-accel-ste-test.
 * Sections are those of Arm IHI0070.
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "vfio-guest/smmu.h"

#define SID     VS_SID(1)
#define SID_HI  ((uint64_t)SID << 32)

#define S1      VS_STE0_DEFAULT

static void assert_access(VfGuest *g, unsigned int dev, VfAccess access)
{
    g_assert_cmpint(vf_client_access(g->c, dev, NULL), ==, access);
}

static void write_ste(VfGuest *g, VsTable table, uint32_t sid, uint64_t word0)
{
    vs_write_ste(g, table, sid, word0, VS_STE1_DEFAULT);
}

/* Where the STE of a StreamID is, and whether there is a place for it */
typedef struct Shape {
    const char *name;
    uint32_t first_cfg;         /* STRTAB_BASE_CFG before, 0 for none */
    uint32_t cfg;
    uint64_t span;              /* of the level 1 descriptor, 0 for none */
    bool two_level;             /* where the STE is found */
    VfAccess access;
    unsigned int event;         /* with CR2.RECINVSID */
} Shape;

#define LOG2(n)     (n)
#define FMT(n)      ((uint32_t)(n) << 16)
#define SPLIT(n)    ((uint32_t)(n) << 6)

static const Shape shapes[] = {
    { .name = "linear", .cfg = LOG2(10), .access = VF_ACCESS_S1 },
    { .name = "linear-large", .cfg = LOG2(12), .access = VF_ACCESS_S1 },
    { .name = "linear-just", .cfg = LOG2(9), .access = VF_ACCESS_S1 },
    { .name = "linear-short", .cfg = LOG2(8), .access = VF_ACCESS_ABORT,
      .event = VS_EVT_C_BAD_STREAMID },
    { .name = "two-level-8", .cfg = LOG2(16) | FMT(1) | SPLIT(8), .span = 9,
      .two_level = true, .access = VF_ACCESS_S1 },
    { .name = "two-level-6", .cfg = LOG2(16) | FMT(1) | SPLIT(6), .span = 7,
      .two_level = true, .access = VF_ACCESS_S1 },
    { .name = "two-level-one", .cfg = LOG2(16) | FMT(1) | SPLIT(8), .span = 1,
      .two_level = true, .access = VF_ACCESS_S1 },
    { .name = "two-level-none", .cfg = LOG2(16) | FMT(1) | SPLIT(8),
      .two_level = true, .access = VF_ACCESS_ABORT,
      .event = VS_EVT_C_BAD_STREAMID },
    { .name = "two-level-short", .cfg = LOG2(8) | FMT(1) | SPLIT(6), .span = 7,
      .two_level = true, .access = VF_ACCESS_ABORT,
      .event = VS_EVT_C_BAD_STREAMID },
    { .name = "span-reserved", .cfg = LOG2(16) | FMT(1) | SPLIT(8), .span = 12,
      .two_level = true, .access = VF_ACCESS_ABORT,
      .event = VS_EVT_C_BAD_STREAMID },
    { .name = "span-reserved-max", .cfg = LOG2(16) | FMT(1) | SPLIT(8),
      .span = 31, .two_level = true, .access = VF_ACCESS_ABORT,
      .event = VS_EVT_C_BAD_STREAMID },
    { .name = "split-reserved-0", .cfg = LOG2(16) | FMT(1) | SPLIT(0),
      .span = 7, .two_level = true, .access = VF_ACCESS_S1 },
    { .name = "split-reserved-31", .cfg = LOG2(16) | FMT(1) | SPLIT(31),
      .span = 7, .two_level = true, .access = VF_ACCESS_S1 },
    { .name = "format-reserved-2", .cfg = LOG2(10) | FMT(2) | SPLIT(8),
      .access = VF_ACCESS_S1 },
    { .name = "format-reserved-3", .cfg = LOG2(10) | FMT(3) | SPLIT(8),
      .access = VF_ACCESS_S1 },
    { .name = "linear-after-two-level", .first_cfg = LOG2(16) | FMT(1) |
      SPLIT(8), .cfg = LOG2(10), .access = VF_ACCESS_S1 },
    { .name = "reserved-after-two-level", .first_cfg = LOG2(16) | FMT(1) |
      SPLIT(8), .cfg = LOG2(10) | FMT(2), .access = VF_ACCESS_S1 },
    { .name = "two-level-after-linear", .first_cfg = LOG2(10), .cfg = LOG2(16)
      | FMT(1) | SPLIT(8), .span = 9, .two_level = true,
      .access = VF_ACCESS_S1 },
};

static unsigned int effective_split(uint32_t cfg)
{
    unsigned int split = (cfg >> 6) & 0x1f;

    return split == 8 || split == 10 ? split : 6;
}

static void run_shape(const Shape *t, bool tell)
{
    VfGuest *g = vs_start(1, 1);

    vs_setup(g, VS_LINEAR);
    vs_writel(g, VS_CR2, tell ? VS_CR2_RECINVSID : 0);
    if (t->first_cfg) {
        vs_writel(g, VS_STRTAB_BASE_CFG, t->first_cfg);
    }
    vs_writel(g, VS_STRTAB_BASE_CFG, t->cfg);
    if (t->two_level) {
        /* The StreamID is the first one of its second level */
        qtest_writeq(g->qts, VS_STRTAB + (SID >> effective_split(t->cfg)) * 8,
                     VS_L2TAB | t->span);
    }
    /* Enabling tells nothing: there may be no device yet for the guest */
    vs_enable(g, true);
    vs_assert_event(g, SID, 0);
    write_ste(g, t->two_level ? VS_TWO_LEVEL : VS_LINEAR, SID, S1);
    vs_cfgi_ste(g, SID);
    assert_access(g, 0, t->access);
    if (t->access == VF_ACCESS_S1) {
        vs_assert_s1(g, 0, SID, S1, VS_STE1_DEFAULT);
        /* Abort and bypass have theirs */
        g_assert_cmpuint(vf_client_objects(g->c, VF_OBJ_HWPT_NESTED), ==, 3);
    }
    vs_assert_event(g, SID, tell ? t->event : 0);
    vg_end_silent(g);
}

static void test_shape(const void *opaque)
{
    run_shape(opaque, true);
}

static void test_shape_silent(const void *opaque)
{
    run_shape(opaque, false);
}

/* A table where there is no memory is no way to more access */
static void test_fetch(void)
{
    const uint64_t nowhere = 0xf0000000000ull;
    VfGuest *g = vs_start(1, 1);
    uint64_t evt[4];

    vs_setup(g, VS_LINEAR);
    qtest_writeq(g->qts, VS_BASE + VS_STRTAB_BASE, nowhere);
    vs_enable(g, true);
    assert_access(g, 0, VF_ACCESS_ABORT);
    g_assert(vs_next_event(g, evt));
    g_assert_cmphex(evt[0] & 0xff, ==, VS_EVT_F_STE_FETCH);
    g_assert_cmphex(evt[0] >> 32, ==, SID);
    g_assert_cmphex(evt[3], ==, nowhere + SID * VS_STE_SIZE);
    vg_end_silent(g);
}

/* Commands that name this StreamID, others, or that may not be sent at all */
typedef struct AimTest {
    const char *name;
    uint64_t word[2];
    VfAccess access;            /* S1 when the SMMU looks again */
    unsigned int error;
} AimTest;

#define SSEC (1ull << 10)

static const AimTest aim_tests[] = {
    { .name = "all", .word = { VS_CMD_CFGI_STE_RANGE, VS_RANGE(31) },
      .access = VF_ACCESS_S1 },
    { .name = "range", .word = { VS_CMD_CFGI_STE_RANGE | SID_HI, VS_RANGE(3) },
      .access = VF_ACCESS_S1 },
    { .name = "range-first-ignored", .word = { VS_CMD_CFGI_STE_RANGE | (SID_HI
        + (7ull << 32)), VS_RANGE(3) }, .access = VF_ACCESS_S1 },
    { .name = "range-before", .word = { VS_CMD_CFGI_STE_RANGE | (SID_HI - (8ull
        << 32)), VS_RANGE(2) }, .access = VF_ACCESS_ABORT },
    { .name = "range-after", .word = { VS_CMD_CFGI_STE_RANGE | (SID_HI + (16ull
        << 32)), VS_RANGE(3) }, .access = VF_ACCESS_ABORT },
    { .name = "other-function",
      .word = { VS_CMD_CFGI_STE | (SID_HI + (1ull << 32)), 1 },
      .access = VF_ACCESS_ABORT },
    { .name = "other-slot",
      .word = { VS_CMD_CFGI_STE | (SID_HI + (8ull << 32)), 1 },
      .access = VF_ACCESS_ABORT },
    { .name = "other-bus", .word = { VS_CMD_CFGI_STE | SID_HI << 1, 1 },
      .access = VF_ACCESS_ABORT },
    { .name = "beyond-sidsize",
      .word = { VS_CMD_CFGI_STE | SID_HI | 1ull << 48, 1 },
      .access = VF_ACCESS_ABORT },
    { .name = "secure-ste", .word = { VS_CMD_CFGI_STE | SSEC | SID_HI, 1 },
      .access = VF_ACCESS_ABORT, .error = VS_CERROR_ILL },
    { .name = "secure-range",
      .word = { VS_CMD_CFGI_STE_RANGE | SSEC | SID_HI, VS_RANGE(31) },
      .access = VF_ACCESS_ABORT, .error = VS_CERROR_ILL },
};

static void test_aim(const void *opaque)
{
    const AimTest *t = opaque;
    VfGuest *g = vs_start(1, 1);

    vs_setup(g, VS_LINEAR);
    vs_enable(g, true);
    write_ste(g, VS_LINEAR, SID, S1);
    vs_queue(g, t->word[0], t->word[1]);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    assert_access(g, 0, t->access);
    g_assert_cmpuint(VS_CONS_ERR(vs_readl(g, VS_CMDQ_CONS)), ==, t->error);
    vg_end_silent(g);
}

/* Buses get other numbers while translation is on: other StreamIDs */

static void number(VfGuest *g, unsigned int port, uint8_t bus)
{
    vg_config_writel(g, 0, port << 3, PCI_PRIMARY_BUS, bus << 8 | bus << 16);
}

static void test_renumber(void)
{
    VfGuest *g = vs_start(2, 2);

    vs_setup(g, VS_LINEAR);
    vs_write_ste(g, VS_LINEAR, VS_SID(1), VS_STE0_V | VS_STE0_BYPASS, 0);
    write_ste(g, VS_LINEAR, VS_SID(3), S1);
    vs_enable(g, true);
    assert_access(g, 0, VF_ACCESS_BYPASS);
    assert_access(g, 1, VF_ACCESS_ABORT);

    number(g, 1, 3);
    vs_assert_s1(g, 0, VS_SID(3), S1, VS_STE1_DEFAULT);

    /* Its old StreamID is free, and later belongs to another device */
    write_ste(g, VS_LINEAR, VS_SID(1), S1 + 0x10000);
    vs_cfgi_ste(g, VS_SID(1));
    assert_access(g, 0, VF_ACCESS_S1);
    assert_access(g, 1, VF_ACCESS_ABORT);
    number(g, 2, 1);
    assert_access(g, 1, VF_ACCESS_S1);
    vs_write_ste(g, VS_LINEAR, VS_SID(1), VS_STE0_V | VS_STE0_ABORT, 0);
    vs_cfgi_ste(g, VS_SID(1));
    assert_access(g, 0, VF_ACCESS_S1);
    assert_access(g, 1, VF_ACCESS_ABORT);
    vs_write_ste(g, VS_LINEAR, VS_SID(3), VS_STE0_V | VS_STE0_BYPASS, 0);
    vs_cfgi_ste(g, VS_SID(3));
    assert_access(g, 0, VF_ACCESS_BYPASS);

    /* Back to no number at all: no STE is its own any more */
    number(g, 1, 0);
    assert_access(g, 0, VF_ACCESS_ABORT);
    vg_end_silent(g);
}

/* A guest may give two buses one number; neither device may escape its STE */
static void test_clash(void)
{
    VfGuest *g = vs_start(2, 2);

    vs_setup(g, VS_LINEAR);
    number(g, 1, 2);
    vs_write_ste(g, VS_LINEAR, VS_SID(2), VS_STE0_V | VS_STE0_BYPASS, 0);
    vs_enable(g, true);
    assert_access(g, 0, VF_ACCESS_BYPASS);
    assert_access(g, 1, VF_ACCESS_BYPASS);
    vs_write_ste(g, VS_LINEAR, VS_SID(2), VS_STE0_V | VS_STE0_ABORT, 0);
    vs_cfgi_ste(g, VS_SID(2));
    assert_access(g, 0, VF_ACCESS_ABORT);
    assert_access(g, 1, VF_ACCESS_ABORT);
    vg_end_silent(g);
}

/* STEs that a device may have under its StreamID when it gets another one */
static const VsStateIndex kept_states[] = {
    VS_TRANSLATE, VS_ABORT, VS_INVALID, VS_BYPASS,
};

/* Two devices; the guest's tables have translated the first one on bus 1 */
static VfGuest *start_kept(const VsState *state)
{
    VfGuest *g = vs_start(2, 2);

    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    vs_assert_s1(g, 0, VS_SID(1), S1, VS_STE1_DEFAULT);
    vs_set_state(g, state, 1);
    assert_access(g, 0, state->access);
    return g;
}

/* The StreamID of a device that got another one is free, whatever it did */
static void test_kept(const void *opaque)
{
    VfGuest *g = start_kept(opaque);

    number(g, 1, 3);
    number(g, 2, 1);
    write_ste(g, VS_LINEAR, VS_SID(1), S1);
    vs_cfgi_ste(g, VS_SID(1));
    vs_assert_s1(g, 1, VS_SID(1), S1, VS_STE1_DEFAULT);
    write_ste(g, VS_LINEAR, VS_SID(3), S1 + 0x10000);
    vs_cfgi_ste(g, VS_SID(3));
    vs_assert_s1(g, 0, VS_SID(3), S1 + 0x10000, VS_STE1_DEFAULT);
    vg_end_silent(g);
}

/* Also when the host does not take it back at the first attempt */
static void test_kept_destroy(void)
{
    VfGuest *g = start_kept(&vs_states[VS_INVALID]);
    VfClient *c = g->c;
    VfRule *rule;

    /* Nothing but the vDEVICE is left to be destroyed */
    rule = vf_client_rule(c, VF_OP_DESTROY, 1, 1, EBUSY);
    number(g, 1, 3);
    /* In vain; it is tried once more ahead of the next vDEVICE */
    g_assert_cmpuint(rule->seen, ==, 1);
    vf_client_clear_rules(c);
    number(g, 2, 1);
    write_ste(g, VS_LINEAR, VS_SID(1), S1);
    vs_cfgi_ste(g, VS_SID(1));
    vs_assert_s1(g, 1, VS_SID(1), S1, VS_STE1_DEFAULT);
    write_ste(g, VS_LINEAR, VS_SID(3), S1);
    vs_cfgi_ste(g, VS_SID(3));
    vs_assert_s1(g, 0, VS_SID(3), S1, VS_STE1_DEFAULT);
    vg_device_del(g, "d1", 1);
    vg_device_del(g, "d2", 2);
    vf_client_assert_clean(c);
    g_free(vg_end(g));
}

/* ... which the kernel does by itself once the device has gone */
static void test_kept_unplug(void)
{
    VfGuest *g = start_kept(&vs_states[VS_INVALID]);
    VfClient *c = g->c;
    uint32_t since = c->shared->log_len;

    vf_client_rule(c, VF_OP_DESTROY, 1, 1, EBUSY);
    vg_device_del(g, "d1", 1);
    vf_client_clear_rules(c);
    write_ste(g, VS_LINEAR, VS_SID(1), S1);
    write_ste(g, VS_LINEAR, VS_SID(3), S1);
    for (int i = 0; i < 3; i++) {
        number(g, 2, 1);
        vs_assert_s1(g, 1, VS_SID(1), S1, VS_STE1_DEFAULT);
        number(g, 2, 3);
        vs_assert_s1(g, 1, VS_SID(3), S1, VS_STE1_DEFAULT);
    }
    /* Once by the rule, and once since nothing is left to be freed */
    g_assert_cmpuint(vf_client_refused(c, VF_OP_DESTROY, since), ==, 2);
    g_free(vg_end(g));
}

/* A device that cannot be stopped keeps its StreamID until it can be */
static void test_kept_stuck(void)
{
    VfGuest *g = start_kept(&vs_states[VS_TRANSLATE]);
    VfClient *c = g->c;
    g_autofree gchar *text = NULL;

    vf_client_rule(c, VF_OP_ATTACH, 1, UINT32_MAX, EIO);
    vf_client_rule(c, VF_OP_DETACH, 1, UINT32_MAX, EIO);
    number(g, 1, 3);
    number(g, 2, 1);
    assert_access(g, 1, VF_ACCESS_ABORT);
    vf_client_clear_rules(c);
    vs_cfgi_ste(g, VS_SID(1));
    vs_assert_s1(g, 1, VS_SID(1), S1, VS_STE1_DEFAULT);
    assert_access(g, 0, VF_ACCESS_ABORT);
    text = vg_end(g);
    vg_assert_has(text, "DMA of d1 cannot be stopped");
}

/* Two devices change places, by way of one number for both */
static void test_swap(const void *opaque)
{
    const unsigned int first = GPOINTER_TO_UINT(opaque), second = 3 - first;
    VfGuest *g = vs_start(2, 2);
    g_autofree gchar *text = NULL;

    vs_setup(g, VS_LINEAR);
    write_ste(g, VS_LINEAR, VS_SID(1), S1);
    write_ste(g, VS_LINEAR, VS_SID(2), S1 + 0x10000);
    vs_enable(g, true);
    number(g, first, second);
    /* The host has one device for a StreamID, and none without it moves */
    vs_assert_s1(g, second - 1, VS_SID(second),
                 second == 1 ? S1 : S1 + 0x10000, VS_STE1_DEFAULT);
    assert_access(g, first - 1, VF_ACCESS_ABORT);
    number(g, second, first);
    vs_assert_s1(g, 0, VS_SID(2), S1 + 0x10000, VS_STE1_DEFAULT);
    vs_assert_s1(g, 1, VS_SID(1), S1, VS_STE1_DEFAULT);
    text = vg_end(g);
    vg_assert_has(text, first == 1 ? "DMA of d1 is aborted" :
                  "DMA of d2 is aborted");
    vg_assert_has(text, second == 1 ? "StreamID 0x100" : "StreamID 0x200");
    vg_assert_has(text, first == 1 ? "d2 has" : "d1 has");
}

/* A device that waits for a StreamID gets it when the other is unplugged */
static void test_clash_unplug(void)
{
    VfGuest *g = vs_start(3, 3);

    vs_setup(g, VS_LINEAR);
    write_ste(g, VS_LINEAR, VS_SID(1), S1);
    vs_enable(g, true);
    number(g, 2, 1);
    number(g, 3, 1);
    vs_assert_s1(g, 0, VS_SID(1), S1, VS_STE1_DEFAULT);
    assert_access(g, 1, VF_ACCESS_ABORT);
    assert_access(g, 2, VF_ACCESS_ABORT);
    vg_device_del(g, "d1", 1);
    g_assert_cmpint((vf_client_access(g->c, 1, NULL) == VF_ACCESS_S1) +
                    (vf_client_access(g->c, 2, NULL) == VF_ACCESS_S1), ==, 1);
    g_free(vg_end(g));
}

/* A device with the same StreamID as before is not looked at */
static void test_same(void)
{
    VfGuest *g = vs_start(2, 2);
    uint32_t since;

    vs_setup(g, VS_LINEAR);
    write_ste(g, VS_LINEAR, VS_SID(1), S1);
    vs_enable(g, true);
    assert_access(g, 0, VF_ACCESS_S1);
    /* A look at it would be seen */
    write_ste(g, VS_LINEAR, VS_SID(1), S1 + 0x10000);
    since = g->c->shared->log_len;
    number(g, 1, 1);
    vg_config_writel(g, 0, 1 << 3, PCI_PRIMARY_BUS, 1 << 8 | 9 << 16);
    g_assert_cmpuint(g->c->shared->log_len, ==, since);
    number(g, 1, 4);
    number(g, 1, 1);
    vs_assert_s1(g, 0, VS_SID(1), S1 + 0x10000, VS_STE1_DEFAULT);
    vg_end_silent(g);
}

/* A reset of the bus above takes the numbers of bridges away */
static void test_bus_reset(void)
{
    const uint8_t port = 1 << 3;
    VfClient *c = vf_client_new();
    VfGuest *g;

    vf_client_add_device(c);
    g = vg_start(c, VG_MACHINE VG_IOMMUFD VS_SSID16 VG_PORT(1)
                 "-device x3130-upstream,id=up,bus=rp1 "
                 "-device xio3130-downstream,id=down,bus=up,chassis=9,slot=9,"
                 "x-disable-acs=off "
                 "-device vfio-pci,iommufd=i0,fd=%d,id=d1,bus=down ", "",
                 c->iommufd, c->device_fd[0]);
    vs_setup(g, VS_LINEAR);
    write_ste(g, VS_LINEAR, VS_SID(3), S1);
    /* Were its number 0, this would be the STE of the device, and is not */
    write_ste(g, VS_LINEAR, VS_SID(0), S1 + 0x10000);
    vs_enable(g, true);
    for (int i = 0; i < 2; i++) {
        assert_access(g, 0, VF_ACCESS_ABORT);
        vg_config_writel(g, 0, port, PCI_PRIMARY_BUS, 1 << 8 | 3 << 16);
        vg_config_writel(g, 1, 0, PCI_PRIMARY_BUS, 1 | 2 << 8 | 3 << 16);
        vg_config_writel(g, 2, 0, PCI_PRIMARY_BUS, 2 | 3 << 8 | 3 << 16);
        vs_assert_s1(g, 0, VS_SID(3), S1, VS_STE1_DEFAULT);
        vg_config_writew(g, 0, port, PCI_BRIDGE_CONTROL,
                         PCI_BRIDGE_CTL_BUS_RESET);
        vg_config_writew(g, 0, port, PCI_BRIDGE_CONTROL, 0);
    }
    assert_access(g, 0, VF_ACCESS_ABORT);
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(shapes); i++) {
        vg_add_test("smmuv3-accel-strtab/shape", shapes[i].name, &shapes[i],
                    test_shape);
        if (shapes[i].event) {
            vg_add_test("smmuv3-accel-strtab/shape-silent", shapes[i].name,
                        &shapes[i], test_shape_silent);
        }
    }
    qtest_add_func("smmuv3-accel-strtab/fetch", test_fetch);
    for (int i = 0; i < ARRAY_SIZE(aim_tests); i++) {
        vg_add_test("smmuv3-accel-strtab/aim", aim_tests[i].name,
                    &aim_tests[i], test_aim);
    }
    qtest_add_func("smmuv3-accel-strtab/renumber", test_renumber);
    qtest_add_func("smmuv3-accel-strtab/clash", test_clash);
    for (int i = 0; i < ARRAY_SIZE(kept_states); i++) {
        const VsState *state = &vs_states[kept_states[i]];

        vg_add_test("smmuv3-accel-strtab/kept", state->name, state, test_kept);
    }
    qtest_add_func("smmuv3-accel-strtab/kept-destroy", test_kept_destroy);
    qtest_add_func("smmuv3-accel-strtab/kept-unplug", test_kept_unplug);
    qtest_add_func("smmuv3-accel-strtab/kept-stuck", test_kept_stuck);
    vg_add_test("smmuv3-accel-strtab/swap", "1", GUINT_TO_POINTER(1),
                test_swap);
    vg_add_test("smmuv3-accel-strtab/swap", "2", GUINT_TO_POINTER(2),
                test_swap);
    qtest_add_func("smmuv3-accel-strtab/clash-unplug", test_clash_unplug);
    qtest_add_func("smmuv3-accel-strtab/same", test_same);
    qtest_add_func("smmuv3-accel-strtab/bus-reset", test_bus_reset);
    return g_test_run();
}
