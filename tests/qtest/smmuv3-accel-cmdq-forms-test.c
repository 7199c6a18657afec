/*
 * QTest of the accelerated SMMUv3: every form of every invalidation
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A field may be set where it has no meaning, and some combinations of fields
 * are reserved (Arm IHI0070, 4.3 to 4.5). Linux 7.3 refuses a whole batch for
 * one such command, and so does the model. Whatever the guest writes, the host
 * must get commands that it takes, and that invalidate as much.
 */

#include "qemu/osdep.h"

#include "qemu/bitops.h"
#include "vfio-guest/smmu.h"

#define SID     VS_SID(1)
#define SID_HI  ((uint64_t)SID << 32)

/* Commands in one run of the queue, with room for its SYNC */
#define RUN     ((1u << VS_CMDQ_LOG2) - 2)

/* ID registers of the host (6.3) */
#define IDR0_ASID16     (1u << 12)
#define IDR1_SSIDSIZE   (0x1fu << 6)
#define IDR3_RIL        (1u << 10)

/* Fields of the commands (4.4.1, 4.5.1) */
#define NUM(n)      ((uint64_t)(n) << 12)
#define SCALE(n)    ((uint64_t)(n) << 20)
#define VMID(n)     ((uint64_t)(n) << 32)
#define TTL(n)      ((uint64_t)(n) << 8)
#define TG(n)       ((uint64_t)(n) << 10)
#define TG_16K      2

typedef struct FormsTest {
    const char *name;
    const char *props;      /* of the guest's SMMU */
    uint32_t no_idr[4];     /* bits that the host does not have */
    bool ril;
    bool asid16;
    bool substreams;
} FormsTest;

static const FormsTest forms_tests[] = {
    { .name = "all", .props = "ssidsize=16,ats=on,ril=on", .ril = true,
      .asid16 = true, .substreams = true },
    { .name = "not-offered", .props = "ssidsize=0,ats=on,ril=off",
      .asid16 = true },
    { .name = "no-range", .props = "ssidsize=16,ats=on",
      .no_idr = { [3] = IDR3_RIL }, .asid16 = true, .substreams = true },
    { .name = "asid8", .props = "ssidsize=16,ats=on,ril=on",
      .no_idr = { [0] = IDR0_ASID16 }, .ril = true, .substreams = true },
    { .name = "no-substreams", .props = "ssidsize=0,ats=on,ril=on",
      .no_idr = { [1] = IDR1_SSIDSIZE }, .ril = true, .asid16 = true },
};

/* The commands that the guest has sent and the host has not been seen to get */
typedef struct Run {
    VfGuest *g;
    const FormsTest *t;
    unsigned int len;
    uint64_t word[RUN][2];
} Run;

/* Commands that the host executes by ASID */
static uint64_t asid_of(const FormsTest *t, uint64_t word0)
{
    return extract64(word0, 48, t->asid16 ? 16 : 8);
}

static void assert_tlbi(const FormsTest *t, const uint64_t guest[2],
                        const uint64_t host[2])
{
    bool by_va = (guest[0] & 0xff) == VS_CMD_TLBI_NH_VA;
    unsigned int tg = extract64(guest[1], 10, 2);
    unsigned int ttl = extract64(guest[1], 8, 2);
    unsigned int num = extract64(guest[0], 12, 5);
    unsigned int scale = extract64(guest[0], 20, 5);

    if (by_va || (guest[0] & 0xff) == VS_CMD_TLBI_NH_ASID) {
        g_assert_cmphex(asid_of(t, host[0]), ==, asid_of(t, guest[0]));
    }
    if (!by_va && (guest[0] & 0xff) != VS_CMD_TLBI_NH_VAA) {
        return;
    }
    /* A hint of level 1 does not go with 16K; level 0 is no hint */
    if (tg == TG_16K && ttl == 1) {
        ttl = 0;
    }
    /* Not a range, but the address alone */
    if (!t->ril || !tg || (!num && !scale && !ttl)) {
        tg = ttl = num = scale = 0;
    }
    g_assert_cmpuint(extract64(host[1], 10, 2), ==, tg);
    g_assert_cmpuint(extract64(host[1], 8, 2), ==, ttl);
    g_assert_cmpuint(extract64(host[0], 12, 5), ==, num);
    g_assert_cmpuint(extract64(host[0], 20, 5), ==, scale);
    g_assert_cmphex(host[1] >> 12, ==, guest[1] >> 12);
    g_assert_cmphex(host[1] & VS_LEAF, ==, guest[1] & VS_LEAF);
}

static void assert_of_device(const FormsTest *t, const uint64_t guest[2],
                             const uint64_t host[2])
{
    uint64_t mask = t->substreams ? 0xffffffff : 0xff;

    g_assert_cmphex(host[0] >> 32, ==, SID);
    if ((guest[0] & 0xff) != VS_CMD_CFGI_CD_ALL) {
        g_assert_cmphex(host[0] & mask, ==, (uint32_t)guest[0] & mask);
    }
    if ((guest[0] & 0xff) == VS_CMD_ATC_INV) {
        g_assert_cmpuint(host[1] & 0x3f, ==,
                         MIN(guest[1] & 0x3f, VS_ATC_SIZE_ALL));
        g_assert_cmphex(host[1] >> 12, ==, guest[1] >> 12);
    }
}

/* Have the SMMU execute what was sent, and look at what the host got */
static void finish(Run *run)
{
    VfShared *s = run->g->c->shared;
    uint32_t since = s->log_len;

    s->cmd_len = 0;
    vs_sync(run->g);
    g_assert_cmpuint(vf_client_refused(run->g->c, VF_OP_HWPT_INVALIDATE,
                                       since), ==, 0);
    g_assert_cmpuint(s->cmd_len, ==, run->len);
    for (unsigned int i = 0; i < run->len; i++) {
        const uint64_t *host = s->cmd[i].word, *guest = run->word[i];

        g_assert_cmphex(host[0] & 0xff, ==, guest[0] & 0xff);
        if ((host[0] & 0xff) < VS_CMD_TLBI_NH_ALL ||
            (host[0] & 0xff) == VS_CMD_ATC_INV) {
            assert_of_device(run->t, guest, host);
        } else {
            assert_tlbi(run->t, guest, host);
        }
    }
    run->len = 0;
}

static void send_one(Run *run, uint64_t word0, uint64_t word1)
{
    if (run->len == RUN) {
        finish(run);
    }
    run->word[run->len][0] = word0;
    run->word[run->len][1] = word1;
    run->len++;
    vs_queue(run->g, word0, word1);
}

static void send_tlbis(Run *run)
{
    static const unsigned int opcodes[] = {
        VS_CMD_TLBI_NSNH_ALL, VS_CMD_TLBI_NH_ALL, VS_CMD_TLBI_NH_ASID,
        VS_CMD_TLBI_NH_VA, VS_CMD_TLBI_NH_VAA,
    };
    static const unsigned int nums[] = { 0, 1, 31 };
    /* More than 31 is for SMMUs with IDR5.DS */
    static const unsigned int scales[] = { 0, 3, 31, 39 };
    static const uint64_t asids[] = { 0, 0x12, 0xab34 };

    for (int op = 0; op < ARRAY_SIZE(opcodes); op++) {
        for (unsigned int i = 0; i < 3 * 4 * 3 * 4 * 4; i++) {
            unsigned int tg = i % 4, ttl = i / 4 % 4;
            unsigned int num = nums[i / 16 % 3], scale = scales[i / 48 % 4];
            uint64_t asid = asids[i / 192];

            send_one(run, opcodes[op] | NUM(num) | SCALE(scale) |
                          VMID(i % 2 ? 0xffff : 0) | VS_ASID(asid),
                     TTL(ttl) | TG(tg) | (i % 3 ? VS_LEAF : 0) |
                     (i % 5 ? 0x0000abcdef000000ull : ~0ull << 12));
        }
    }
    finish(run);
}

static void send_of_device(Run *run)
{
    static const unsigned int ssids[] = { 0, 5, 0xfffff };

    for (int i = 0; i < ARRAY_SIZE(ssids); i++) {
        send_one(run, VS_CMD_CFGI_CD | SID_HI | VS_CMD_SSID(ssids[i]), 0);
        send_one(run, VS_CMD_CFGI_CD | SID_HI | VS_CMD_SSID(ssids[i]), VS_LEAF);
        send_one(run, VS_CMD_CFGI_CD_ALL | SID_HI | VS_CMD_SSID(ssids[i]),
                 VS_LEAF);
    }
    finish(run);
    for (int i = 0; i < ARRAY_SIZE(ssids) * 4; i++) {
        for (unsigned int size = 0; size < 64; size++) {
            send_one(run, VS_CMD_ATC_INV | SID_HI | VS_CMD_SSID(ssids[i / 4]) |
                          (i & 1 ? VS_CMD_SSV : 0) |
                          (i & 2 ? VS_CMD_GLOBAL : 0),
                     0xabc000ull | size);
        }
    }
    finish(run);
}

static void test_forms(const void *opaque)
{
    const FormsTest *t = opaque;
    g_autofree Run *run = g_new0(Run, 1);
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);
    g_autofree gchar *text = NULL;
    VfGuest *g;

    for (int i = 0; i < ARRAY_SIZE(t->no_idr); i++) {
        d->idr[i] &= ~t->no_idr[i];
    }
    d->max_pasid_log2 = 0;
    g = vg_start(c, VG_MACHINE "-device arm-smmuv3,id=smmu,accel=on,"
                 "primary-bus=pcie.0,%s " VG_IOMMUFD VG_PORT(1)
                 "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1 ", "",
                 t->props, c->iommufd, c->device_fd[0]);
    vg_ports(g, 1);
    vs_setup(g, VS_LINEAR);
    vs_set_slice(g, 0);
    vs_enable(g, true);
    vs_write_ste(g, VS_LINEAR, SID, VS_STE0_DEFAULT,
                 VS_STE1_DEFAULT | VS_STE1_EATS(VS_EATS_FULL));
    vs_cfgi_ste(g, SID);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    run->g = g;
    run->t = t;
    send_tlbis(run);
    send_of_device(run);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, 0);
    text = vg_end(g);
    if (!t->asid16) {
        /* The CPUs have it */
        vg_assert_has(text, "IDR0.ASID16");
    } else {
        g_assert_cmpstr(text, ==, "");
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(forms_tests); i++) {
        vg_add_test("smmuv3-accel/forms", forms_tests[i].name,
                    &forms_tests[i], test_forms);
    }
    return g_test_run();
}
