/*
 * QTest of the accelerated SMMUv3: invalidations
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Commands are put into the guest's queue, and what reached the fake host is
 * compared with them: which, in which order, in how many calls.
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "qemu/bswap.h"
#include "qemu/units.h"
#include "qobject/qdict.h"
#include "vfio-fake/smmu.h"

#define SID     VS_SID(1)
#define SID_HI  ((uint64_t)SID << 32)

/* Fields of TLBI commands (4.4) */
#define ASID(n) ((uint64_t)(n) << 48)
#define VMID(n) ((uint64_t)(n) << 32)
#define NUM(n)  ((uint64_t)(n) << 12)
#define LEAF    1ull
#define TG_4K   (1ull << 10)

static VfGuest *start(bool translate)
{
    VfGuest *g = vs_start(1, 1);
    VfClient *c = g->c;

    vs_setup(g, VS_LINEAR);
    vs_enable(g, true);
    if (translate) {
        vs_write_ste(g, VS_LINEAR, SID, VS_STE0_DEFAULT, VS_STE1_DEFAULT);
        vs_cfgi_ste(g, SID);
        g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    }
    c->shared->cmd_len = 0;
    return g;
}

static void end_with_text(VfGuest *g)
{
    g_autofree gchar *text = vg_end(g);

    g_assert_cmpstr(text, !=, "");
}

static unsigned int calls(VfGuest *g, uint32_t since)
{
    return vf_client_count(g->c, VF_OP_HWPT_INVALIDATE, since);
}

typedef struct CmdTest {
    const char *name;
    uint64_t word[2];
    bool forwarded;
} CmdTest;

static const CmdTest cmd_tests[] = {
    { "nsnh-all", { VS_CMD_TLBI_NSNH_ALL }, true },
    { "nh-all", { VS_CMD_TLBI_NH_ALL }, true },
    { "nh-asid", { VS_CMD_TLBI_NH_ASID | ASID(0x1234) }, true },
    { "nh-va", { VS_CMD_TLBI_NH_VA | ASID(0x55), 0xabcde000 | LEAF }, true },
    { "nh-va-range", { VS_CMD_TLBI_NH_VA | ASID(0x55) | NUM(3),
      0xabcde000 | TG_4K }, true },
    { "nh-vaa", { VS_CMD_TLBI_NH_VAA, 0xabcde000 }, true },
    { "cfgi-cd", { VS_CMD_CFGI_CD | SID_HI | 7 << 12, LEAF }, true },
    { "cfgi-cd-all", { VS_CMD_CFGI_CD_ALL | SID_HI }, true },
    { "cfgi-cd-other-sid", { VS_CMD_CFGI_CD | SID_HI << 1, LEAF }, false },
    { "cfgi-cd-all-other-sid", { VS_CMD_CFGI_CD_ALL | SID_HI << 1 }, false },
};

static void test_cmd(const void *opaque)
{
    const CmdTest *t = opaque;
    VfGuest *g = start(true);
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;

    vs_queue(g, t->word[0], t->word[1]);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
    g_assert_cmpuint(calls(g, since), ==, t->forwarded);
    g_assert_cmpuint(s->cmd_len, ==, t->forwarded);
    if (t->forwarded) {
        g_assert_cmphex(s->cmd[0].word[0], ==, t->word[0]);
        g_assert_cmphex(s->cmd[0].word[1], ==, t->word[1]);
        g_assert_cmpuint(s->cmd[0].issued, ==, 1);
    }
    vg_end_silent(g);
}

static void queue_batch(VfGuest *g, unsigned int n)
{
    for (int i = 0; i < n; i++) {
        vs_queue(g, VS_CMD_TLBI_NH_VA | ASID(1), (uint64_t)i << 12);
    }
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
}

typedef struct BatchTest {
    const char *name;
    unsigned int commands;      /* for each SYNC */
    unsigned int syncs;
    bool last_sync;             /* the run ends with one */
} BatchTest;

static const BatchTest batch_tests[] = {
    { "1x1", 1, 1, true },
    { "16x1", 16, 1, true },
    { "200x1", 200, 1, true },
    { "16x8", 16, 8, true },
    { "1x64", 1, 64, true },
    { "16-no-sync", 16, 1, false },
    { "0x4", 0, 4, true },
};

/* One call for each SYNC, and every command in order */
static void test_batch(const void *opaque)
{
    const BatchTest *t = opaque;
    VfGuest *g = start(true);
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;

    for (int sync = 0; sync < t->syncs; sync++) {
        for (int i = 0; i < t->commands; i++) {
            vs_queue(g, VS_CMD_TLBI_NH_VA | ASID(sync), (uint64_t)i << 12);
        }
        if (t->last_sync) {
            vs_queue(g, VS_CMD_SYNC, 0);
        }
    }
    vs_submit(g);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
    g_assert_cmpuint(calls(g, since), ==, t->commands ? t->syncs : 0);
    g_assert_cmpuint(s->cmd_len, ==, t->commands * t->syncs);
    for (int i = 0; i < s->cmd_len; i++) {
        g_assert_cmphex(s->cmd[i].word[0], ==, VS_CMD_TLBI_NH_VA |
                        ASID(i / t->commands));
        g_assert_cmphex(s->cmd[i].word[1], ==,
                        (uint64_t)(i % t->commands) << 12);
        g_assert_cmpuint(s->cmd[i].issued, ==, 1);
    }
    vg_end_silent(g);
}

static uint64_t counter(VfGuest *g, const char *name)
{
    QDict *response = qtest_qmp(g->qts, "{'execute': 'qom-get', 'arguments':"
                                " {'path': '/machine/peripheral/smmu',"
                                " 'property': %s}}", name);
    uint64_t value = qdict_get_int(response, "return");

    qobject_unref(response);
    return value;
}

static void set_batch(VfGuest *g, unsigned int batch)
{
    qtest_qmp_assert_success(g->qts, "{'execute': 'qom-set', 'arguments':"
                             " {'path': '/machine/peripheral/smmu',"
                             " 'property': 'x-inval-batch', 'value': %u}}",
                             batch);
}

/* The counters that QEMU shows are those of the host */
static void test_counters(void)
{
    VfGuest *g = start(true);
    uint64_t commands = counter(g, "x-inval-commands");
    uint64_t submissions = counter(g, "x-inval-calls");

    queue_batch(g, 16);
    g_assert_cmpuint(counter(g, "x-inval-commands") - commands, ==, 16);
    g_assert_cmpuint(counter(g, "x-inval-calls") - submissions, ==, 1);
    g_assert_cmpuint(counter(g, "x-inval-recoveries"), ==, 0);

    set_batch(g, 1);
    queue_batch(g, 16);
    g_assert_cmpuint(counter(g, "x-inval-commands") - commands, ==, 32);
    g_assert_cmpuint(counter(g, "x-inval-calls") - submissions, ==, 17);

    set_batch(g, 0);
    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 1, EIO);
    queue_batch(g, 16);
    g_assert_cmpuint(counter(g, "x-inval-calls") - submissions, ==, 19);
    g_assert_cmpuint(counter(g, "x-inval-recoveries"), ==, 1);
    vg_end_silent(g);
}

/* One command for the host at a place of the queue, as the fake must see it */
static void assert_va(const VfCmd *cmd, unsigned int n)
{
    g_assert_cmphex(cmd->word[0], ==, VS_CMD_TLBI_NH_VA | ASID(1));
    g_assert_cmphex(cmd->word[1], ==, (uint64_t)n << 12);
    g_assert_cmpuint(cmd->issued, ==, 1);
}

static void queue_va(VfGuest *g, unsigned int n)
{
    vs_queue(g, VS_CMD_TLBI_NH_VA | ASID(1), (uint64_t)n << 12);
}

/* Runs that end where the ring does, and go on at its start */
static void test_wrap(void)
{
    const unsigned int size = 1 << VS_CMDQ_LOG2;
    VfGuest *g = start(true);
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;
    unsigned int n = 0;

    /* What follows the ring in memory looks like commands, too */
    for (int i = 0; i < size / 4; i++) {
        qtest_writeq(g->qts, VS_CMDQ + (size + i) * 16, VS_CMD_TLBI_NSNH_ALL);
    }
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < size * 3 / 4 - 1; i++) {
            queue_va(g, n++);
        }
        vs_queue(g, VS_CMD_SYNC, 0);
        vs_submit(g);
        g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
    }
    g_assert_cmpuint(calls(g, since), ==, 4);
    g_assert_cmpuint(s->cmd_len, ==, n);
    for (int i = 0; i < n; i++) {
        assert_va(&s->cmd[i], i);
    }
    vg_end_silent(g);
}

/* More than one batch holds, without a SYNC in between */
static void test_full(void)
{
    const unsigned int log2 = 12, commands = 2500, batch = 1024;
    VfGuest *g = start(true);
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;
    g_autofree uint64_t *queue = g_new0(uint64_t, 2 * (commands + 1));

    for (int i = 0; i < commands; i++) {
        queue[2 * i] = cpu_to_le64(VS_CMD_TLBI_NH_VA | ASID(1));
        queue[2 * i + 1] = cpu_to_le64((uint64_t)i << 12);
    }
    queue[2 * commands] = cpu_to_le64(VS_CMD_SYNC);
    vs_writel(g, VS_CR0, VS_CR0_SMMUEN);
    qtest_memwrite(g->qts, VS_CMDQ, queue, 16 * (commands + 1));
    qtest_writeq(g->qts, VS_BASE + VS_CMDQ_BASE, VS_CMDQ | log2);
    vs_writel(g, VS_CMDQ_PROD, 0);
    vs_writel(g, VS_CMDQ_CONS, 0);
    vs_enable(g, true);
    vs_writel(g, VS_CMDQ_PROD, commands + 1);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, commands + 1);
    g_assert_cmpuint(calls(g, since), ==, DIV_ROUND_UP(commands, batch));
    g_assert_cmpuint(s->cmd_len, ==, commands);
    for (int i = 0; i < commands; i++) {
        assert_va(&s->cmd[i], i);
    }
    vg_end_silent(g);
}

/* What the emulation does stays in its place among what the host does */
static void test_mixed(void)
{
    VfGuest *g = start(true);
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;

    for (int i = 0; i < 30; i += 3) {
        queue_va(g, i);
        vs_queue(g, VS_CMD_PREFETCH_CONFIG | SID_HI, 0);
        vs_queue(g, VS_CMD_CFGI_CD | SID_HI, LEAF);
        vs_queue(g, VS_CMD_CFGI_STE | SID_HI, LEAF);
        queue_va(g, i + 2);
    }
    vs_queue(g, VS_CMD_SYNC | VS_SYNC_IRQ, 0);
    queue_va(g, 30);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
    g_assert_cmpuint(calls(g, since), ==, 2);
    g_assert_cmpuint(s->cmd_len, ==, 31);
    for (int i = 0; i < 30; i += 3) {
        assert_va(&s->cmd[i], i);
        g_assert_cmphex(s->cmd[i + 1].word[0], ==, VS_CMD_CFGI_CD | SID_HI);
        assert_va(&s->cmd[i + 2], i + 2);
    }
    assert_va(&s->cmd[30], 30);
    vg_end_silent(g);
}

static void assert_stopped(VfGuest *g, unsigned int at, unsigned int cerror)
{
    uint32_t cons = vs_readl(g, VS_CMDQ_CONS);

    g_assert_cmpuint(VS_CONS_ERR(cons), ==, cerror);
    g_assert_cmpuint(cons & ((1u << VS_CMDQ_LOG2) - 1), ==, at);
    g_assert_cmphex(vs_readl(g, VS_GERROR) & VS_GERROR_CMDQ_ERR, ==,
                    VS_GERROR_CMDQ_ERR);
}

/* The queue stops at what it cannot do, and goes on when told to */
static void test_illegal(void)
{
    VfGuest *g = start(true);
    VfShared *s = g->c->shared;
    uint32_t at;

    g->cmdq_prod = vs_readl(g, VS_CMDQ_CONS);
    queue_va(g, 0);
    queue_va(g, 1);
    at = g->cmdq_prod;
    vs_queue(g, VS_CMD_ILLEGAL, 0);
    queue_va(g, 2);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    assert_stopped(g, at, VS_CERROR_ILL);
    vs_writel(g, VS_CMDQ_CONS, VS_CERROR_ILL << 24 | (at + 1));
    vs_submit(g);
    assert_stopped(g, at + 1, VS_CERROR_ILL);
    g_assert_cmpuint(s->cmd_len, ==, 2);
    vs_writel(g, VS_CMDQ_CONS, VS_CERROR_ILL << 24 | at);

    /* While the error is pending nothing is taken */
    vs_submit(g);
    assert_stopped(g, at, VS_CERROR_ILL);
    vs_writel(g, VS_CMDQ_CONS, VS_CERROR_ILL << 24 | (at + 1));
    vs_submit(g);
    assert_stopped(g, at + 1, VS_CERROR_ILL);
    g_assert_cmpuint(s->cmd_len, ==, 2);
    vs_writel(g, VS_CMDQ_CONS, VS_CERROR_ILL << 24 | at);

    /* The guest replaces the command, even though it had been read before */
    qtest_writeq(g->qts, VS_CMDQ + at * 16, VS_CMD_TLBI_NH_VA | ASID(1));
    qtest_writeq(g->qts, VS_CMDQ + at * 16 + 8, 7ull << 12);
    vs_writel(g, VS_GERRORN, vs_readl(g, VS_GERROR));
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS) & 0xffff, ==, g->cmdq_prod);
    g_assert_cmpuint(s->cmd_len, ==, 4);
    assert_va(&s->cmd[2], 7);
    assert_va(&s->cmd[3], 2);
    vg_end_silent(g);
}

/* A queue that leaves memory is read as far as it goes */
static void test_unreadable(void)
{
    const unsigned int readable = 32;
    const uint64_t base = VG_RAM + 128 * MiB - readable * 16;
    VfGuest *g = start(true);
    VfShared *s = g->c->shared;

    vs_writel(g, VS_CR0, VS_CR0_SMMUEN);
    qtest_writeq(g->qts, VS_BASE + VS_CMDQ_BASE, base | VS_CMDQ_LOG2);
    for (int i = 0; i < readable; i++) {
        qtest_writeq(g->qts, base + i * 16, VS_CMD_TLBI_NH_VA | ASID(1));
        qtest_writeq(g->qts, base + i * 16 + 8, (uint64_t)i << 12);
    }
    vs_writel(g, VS_CMDQ_PROD, 0);
    vs_writel(g, VS_CMDQ_CONS, 0);
    vs_enable(g, true);
    vs_writel(g, VS_CMDQ_PROD, readable + 8);
    assert_stopped(g, readable, VS_CERROR_ABT);
    g_assert_cmpuint(s->cmd_len, ==, readable);
    for (int i = 0; i < readable; i++) {
        assert_va(&s->cmd[i], i);
    }
    vg_end_silent(g);
}

/*
 * The emulation translates the interrupts of bridges, and caches what it has
 * found. Their table of 39 bits of input, with one block of 2 MiB, starts at
 * IOVA (5.4; VMSAv8-64).
 */
#define BRIDGE_SID      (1 << 3)
#define CD0             (25ull | 1ull << 30 | 1ull << 31 | \
                         (4ull | 1ull << 9 | 1ull << 13 | 1ull << 14) << 32)
#define PAGE_TABLE      (VG_RAM + 0x410000)
#define PTE_TABLE       3
#define PTE_BLOCK       0x441
#define IOVA            0x40000000ull
#define TARGET(n)       (VG_RAM + 0x800000 + (n) * 0x200000)
#define BRIDGE_BAR      0x10000000ull
#define MSI_DATA        0x600d

static const CmdTest emulated_tests[] = {
    { "nsnh-all", { VS_CMD_TLBI_NSNH_ALL } },
    { "nh-all", { VS_CMD_TLBI_NH_ALL } },
    { "nh-asid", { VS_CMD_TLBI_NH_ASID } },
    { "nh-va", { VS_CMD_TLBI_NH_VA, IOVA | LEAF } },
    { "nh-vaa", { VS_CMD_TLBI_NH_VAA, IOVA | LEAF } },
};

static void map_target(VfGuest *g, unsigned int n)
{
    qtest_writeq(g->qts, PAGE_TABLE + 0x1000, TARGET(n) | PTE_BLOCK);
}

static void bridge_msix(VfGuest *g)
{
    uint8_t cap = vg_find_cap(g, 0, BRIDGE_SID, PCI_CAP_ID_MSIX);
    uint32_t table = vg_config_readl(g, 0, BRIDGE_SID, cap + PCI_MSIX_TABLE);
    uint64_t entry = BRIDGE_BAR + (table & PCI_MSIX_TABLE_OFFSET);

    g_assert_cmpuint(table & PCI_MSIX_TABLE_BIR, ==, 0);
    vg_config_writel(g, 0, BRIDGE_SID, PCI_BASE_ADDRESS_0, BRIDGE_BAR);
    qtest_writeq(g->qts, entry + PCI_MSIX_ENTRY_LOWER_ADDR, IOVA);
    qtest_writel(g->qts, entry + PCI_MSIX_ENTRY_DATA, MSI_DATA);
    qtest_writel(g->qts, entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
    vg_config_writew(g, 0, BRIDGE_SID, cap + PCI_MSIX_FLAGS,
                     PCI_MSIX_FLAGS_ENABLE);
}

/* Returns: number of the target that an interrupt of the bridge arrives at */
static int bridge_interrupt(VfGuest *g)
{
    uint8_t cap = vg_find_cap(g, 0, BRIDGE_SID, PCI_CAP_ID_EXP);
    int found = -1;

    for (int n = 0; n < 2; n++) {
        qtest_writel(g->qts, TARGET(n), 0);
    }
    /* Off and on again, which completes a command */
    vg_config_writew(g, 0, BRIDGE_SID, cap + PCI_EXP_SLTCTL, 0);
    vg_config_writew(g, 0, BRIDGE_SID, cap + PCI_EXP_SLTSTA,
                     PCI_EXP_SLTSTA_CC);
    vg_config_writew(g, 0, BRIDGE_SID, cap + PCI_EXP_SLTCTL,
                     PCI_EXP_SLTCTL_HPIE | PCI_EXP_SLTCTL_CCIE);
    for (int n = 0; n < 2; n++) {
        if (qtest_readl(g->qts, TARGET(n)) == MSI_DATA) {
            g_assert_cmpint(found, ==, -1);
            found = n;
        }
    }
    return found;
}

static void test_emulated(const void *opaque)
{
    const CmdTest *t = opaque;
    VfGuest *g = start(true);

    qtest_writeq(g->qts, VS_CDTAB, CD0);
    qtest_writeq(g->qts, VS_CDTAB + 8, PAGE_TABLE);
    qtest_writeq(g->qts, PAGE_TABLE + 8, (PAGE_TABLE + 0x1000) | PTE_TABLE);
    map_target(g, 0);
    vs_write_ste(g, VS_LINEAR, BRIDGE_SID, VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    vs_cfgi_ste(g, BRIDGE_SID);
    bridge_msix(g);
    g_assert_cmpint(bridge_interrupt(g), ==, 0);

    /* The guest may not rely on a cache, but without one this tests nothing */
    map_target(g, 1);
    g_assert_cmpint(bridge_interrupt(g), ==, 0);
    vs_queue(g, t->word[0], t->word[1]);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    g_assert_cmpint(bridge_interrupt(g), ==, 1);
    vg_end_silent(g);
}

/* Before the STE of a device changes, what was sent for the old one is out */
static void test_order(void)
{
    VfGuest *g = start(true);
    uint32_t since = g->c->shared->log_len;

    vs_queue(g, VS_CMD_TLBI_NH_ASID | ASID(9), 0);
    vs_write_ste(g, VS_LINEAR, SID, VS_STE0_DEFAULT + 0x10000, VS_STE1_DEFAULT);
    vs_queue(g, VS_CMD_CFGI_STE | SID_HI, 1);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    vf_client_assert_before(g->c, VF_OP_HWPT_INVALIDATE, VF_OP_ATTACH, since);
    vg_end_silent(g);
}

static void test_no_device(void)
{
    VfGuest *g = vs_start(1, 0);
    VfClient *c = g->c;

    vs_setup(g, VS_LINEAR);
    vs_enable(g, true);
    vs_queue(g, VS_CMD_TLBI_NSNH_ALL, 0);
    vs_queue(g, VS_CMD_CFGI_CD_ALL | SID_HI, 0);
    vs_queue(g, VS_CMD_CFGI_STE | SID_HI, 1);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
    g_assert_cmpuint(c->shared->log_len, ==, 0);
    vg_end_silent(g);
}

/* Where a batch may stop short, and what the kernel then reports as done */
typedef struct RecoverTest {
    const char *name;
    unsigned int commands;
    unsigned int done;
    int err;
} RecoverTest;

static const RecoverTest recover_tests[] = {
    { "refused-at-once", 16, 0, EIO },
    { "middle", 16, 7, EIO },
    { "after-a-block", 200, 100, EIO },
    { "hardware-timeout", 16, 3, ETIMEDOUT },
    { "no-memory", 16, 0, ENOMEM },
};

/*
 * The count of done entries is no place to resume from: everything that the
 * batch could have touched is invalidated instead, and the guest notices
 * nothing.
 */
static void test_recover(const void *opaque)
{
    const RecoverTest *t = opaque;
    VfGuest *g = start(true);
    VfShared *s = g->c->shared;
    bool all = false, cds = false;
    uint32_t since = s->log_len;
    const VfLog *last;

    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 1, t->err)->done = t->done;
    queue_batch(g, t->commands);
    g_assert_cmpuint(calls(g, since), ==, 2);
    last = vf_client_last(g->c, VF_OP_HWPT_INVALIDATE, since);
    g_assert_cmpint(last->err, ==, 0);
    for (uint32_t i = last->arg[3]; i < s->cmd_len; i++) {
        g_assert_cmpuint(s->cmd[i].issued, ==, 1);
        all |= (s->cmd[i].word[0] & 0xff) == VS_CMD_TLBI_NSNH_ALL;
        cds |= s->cmd[i].word[0] == (VS_CMD_CFGI_CD_ALL | SID_HI);
    }
    g_assert(all && cds);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, 0);
    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, VF_ACCESS_S1);
    vg_end_silent(g);
}

/*
 * Nothing helps: stale translations may be in use, so the device stops, and
 * the queue does with the error that the guest can handle. When the host can
 * again, the device goes on.
 */
static void test_stale(void)
{
    VfGuest *g = start(true);
    VfAccess access;
    uint32_t gerror;

    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 100, EIO);
    queue_batch(g, 16);
    gerror = vs_readl(g, VS_GERROR);
    g_assert_cmphex(gerror & VS_GERROR_CMDQ_ERR, ==, VS_GERROR_CMDQ_ERR);
    g_assert_cmpuint(VS_CONS_ERR(vs_readl(g, VS_CMDQ_CONS)), ==,
                     VS_CERROR_ABT);
    access = vf_client_access(g->c, 0, NULL);
    g_assert(access == VF_ACCESS_ABORT || access == VF_ACCESS_NONE);

    /* Not even a new STE brings it back while the host has stale entries */
    vs_writel(g, VS_GERRORN, gerror);
    vs_cfgi_ste(g, SID);
    access = vf_client_access(g->c, 0, NULL);
    g_assert(access == VF_ACCESS_ABORT || access == VF_ACCESS_NONE);

    vf_client_clear_rules(g->c);
    vs_writel(g, VS_GERRORN, vs_readl(g, VS_GERROR));
    vs_submit(g);
    vs_cfgi_ste(g, SID);
    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, VF_ACCESS_S1);
    end_with_text(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(cmd_tests); i++) {
        vg_add_test("smmuv3-accel/command", cmd_tests[i].name, &cmd_tests[i],
                    test_cmd);
    }
    for (int i = 0; i < ARRAY_SIZE(batch_tests); i++) {
        vg_add_test("smmuv3-accel/batch", batch_tests[i].name, &batch_tests[i],
                    test_batch);
    }
    for (int i = 0; i < ARRAY_SIZE(emulated_tests); i++) {
        vg_add_test("smmuv3-accel/emulated", emulated_tests[i].name,
                    &emulated_tests[i], test_emulated);
    }
    qtest_add_func("smmuv3-accel/counters", test_counters);
    qtest_add_func("smmuv3-accel/queue/wrap", test_wrap);
    qtest_add_func("smmuv3-accel/queue/full-batch", test_full);
    qtest_add_func("smmuv3-accel/queue/mixed", test_mixed);
    qtest_add_func("smmuv3-accel/queue/illegal", test_illegal);
    qtest_add_func("smmuv3-accel/queue/unreadable", test_unreadable);
    qtest_add_func("smmuv3-accel/order", test_order);
    qtest_add_func("smmuv3-accel/no-device", test_no_device);
    for (int i = 0; i < ARRAY_SIZE(recover_tests); i++) {
        vg_add_test("smmuv3-accel/recover", recover_tests[i].name,
                    &recover_tests[i], test_recover);
    }
    qtest_add_func("smmuv3-accel/stale", test_stale);
    return g_test_run();
}
