/*
 * QTest of the accelerated SMMUv3: CMD_ATC_INV
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * CMD_ATC_INV must reach the host for devices whose STE enables ATS, and for no
 * other device: the host would wait for an answer in vain. Sections are those
 * of Arm IHI0070.
 */

#include "qemu/osdep.h"

#include "vfio-guest/smmu.h"

#define ATS "-device arm-smmuv3,id=smmu,primary-bus=pcie.0,accel=on," \
            "ssidsize=%u,ats=%s "
#define DEVICE "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1 " \
               "-device vfio-pci,iommufd=i0,fd=%d,id=d1,bus=rp2 "

/* Device 0 does ATS, device 1 does not */
#define SID         VS_SID(1)
#define SID_OTHER   VS_SID(2)
#define HI(sid)     ((uint64_t)(sid) << 32)

/* IDR1.SSIDSIZE, of the host (6.3.2) */
#define IDR1_SSIDSIZE (0x1fu << 6)

/* STE.EATS (5.2) */
#define EATS_FULL   (1ull << 28)

/* Fields of CMD_ATC_INV (4.5.1) */
#define GLOBAL      (1ull << 9)
#define SSEC        (1ull << 10)
#define SSV         (1ull << 11)
#define SSID(n)     ((uint64_t)(n) << 12)
#define SIZE_ALL    52ull
#define RESERVED0   (1ull << 8)
#define RESERVED1   (1ull << 8)

static void write_ste(VfGuest *g, uint32_t sid, uint64_t eats)
{
    vs_write_ste(g, VS_LINEAR, sid, VS_STE0_DEFAULT, VS_STE1_DEFAULT | eats);
    vs_cfgi_ste(g, sid);
}

/*
 * @ssidsize: of the guest's SMMU; 0 if the host has no substreams either
 * @hw_flags: VF_HW_*
 */
static VfGuest *start_host(unsigned int ssidsize, const char *ats,
                           uint32_t hw_flags)
{
    VfClient *c = vf_client_new();
    VfGuest *g;

    for (int n = 0; n < 2; n++) {
        VfDevice *d = vf_client_add_device(c);

        d->hw_flags = hw_flags;
        if (!ssidsize) {
            d->idr[1] &= ~IDR1_SSIDSIZE;
            d->max_pasid_log2 = 0;
        }
    }
    g = vg_start(c, VG_MACHINE ATS VG_IOMMUFD VG_PORT(1) VG_PORT(2) DEVICE,
                 "", ssidsize, ats, c->iommufd, c->device_fd[0],
                 c->device_fd[1]);
    vg_ports(g, 2);
    vs_setup(g, VS_LINEAR);
    vs_enable(g, true);
    write_ste(g, SID, EATS_FULL);
    write_ste(g, SID_OTHER, 0);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    g_assert_cmpint(vf_client_access(c, 1, NULL), ==, VF_ACCESS_S1);
    c->shared->cmd_len = 0;
    return g;
}

static VfGuest *start_ssid(unsigned int ssidsize, const char *ats)
{
    return start_host(ssidsize, ats, 0);
}

static VfGuest *start(const char *ats)
{
    return start_ssid(16, ats);
}

static void command(VfGuest *g, uint64_t word0, uint64_t word1)
{
    vs_queue(g, word0, word1);
    vs_sync(g);
}

typedef struct AtcTest {
    const char *name;
    uint64_t word[2];
    bool forwarded;
    uint64_t host[2];           /* zeros: the same */
} AtcTest;

static const AtcTest atc_tests[] = {
    { .name = "all", .word = { VS_CMD_ATC_INV | HI(SID), SIZE_ALL },
      .forwarded = true },
    { .name = "range", .word = { VS_CMD_ATC_INV | HI(SID), 0xabc00000 | 9 },
      .forwarded = true },
    { .name = "substream",
      .word = { VS_CMD_ATC_INV | HI(SID) | SSV | SSID(0x1234), 0xabc00000 },
      .forwarded = true },
    { .name = "substreams",
      .word = { VS_CMD_ATC_INV | HI(SID) | SSV | GLOBAL, SIZE_ALL },
      .forwarded = true },
    { .name = "reserved",
      .word = { VS_CMD_ATC_INV | HI(SID) | RESERVED0, SIZE_ALL | RESERVED1 },
      .forwarded = true, .host = { VS_CMD_ATC_INV | HI(SID), SIZE_ALL } },
    { .name = "secure",
      .word = { VS_CMD_ATC_INV | HI(SID) | SSEC, SIZE_ALL } },
    { .name = "without-eats",
      .word = { VS_CMD_ATC_INV | HI(SID_OTHER), SIZE_ALL } },
    { .name = "nobody", .word = { VS_CMD_ATC_INV | HI(VS_SID(3)), SIZE_ALL } },
};

static void test_atc(const void *opaque)
{
    const AtcTest *t = opaque;
    VfGuest *g = start("on");
    const uint64_t *host = t->host[0] ? t->host : t->word;
    VfShared *s = g->c->shared;

    command(g, t->word[0], t->word[1]);
    g_assert_cmpuint(s->cmd_len, ==, t->forwarded);
    if (t->forwarded) {
        g_assert_cmphex(s->cmd[0].word[0], ==, host[0]);
        g_assert_cmphex(s->cmd[0].word[1], ==, host[1]);
        g_assert_cmpuint(s->cmd[0].issued, ==, 1);
    }
    vg_end_silent(g);
}

/* Without the property EATS is reserved, and no device does ATS */
static void test_off(void)
{
    VfGuest *g = start("off");

    command(g, VS_CMD_ATC_INV | HI(SID), SIZE_ALL);
    g_assert_cmpuint(g->c->shared->cmd_len, ==, 0);
    vg_end_silent(g);
}

/* The device answers as long as its STE lets it, and not any longer */
static void test_follows_ste(void)
{
    VfGuest *g = start("on");
    VfShared *s = g->c->shared;
    unsigned int want = 0;

    for (int i = 0; i < 4; i++) {
        bool on = i % 2;

        write_ste(g, SID, on ? EATS_FULL : 0);
        command(g, VS_CMD_ATC_INV | HI(SID), SIZE_ALL);
        want += on;
        g_assert_cmpuint(s->cmd_len, ==, want);
    }
    vs_write_ste(g, VS_LINEAR, SID, VS_STE0_V | VS_STE0_BYPASS, EATS_FULL);
    vs_cfgi_ste(g, SID);
    command(g, VS_CMD_ATC_INV | HI(SID), SIZE_ALL);
    g_assert_cmpuint(s->cmd_len, ==, want);
    vg_end_silent(g);
}

/* Commands ahead of a new STE are submitted before it is installed */
static void test_order(const void *opaque)
{
    const uint64_t *word0 = opaque;
    VfGuest *g = start("on");
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;

    vs_queue(g, VS_CMD_ATC_INV | HI(SID), SIZE_ALL);
    vs_write_ste(g, VS_LINEAR, SID, *word0, VS_STE1_DEFAULT);
    vs_queue(g, VS_CMD_CFGI_STE | HI(SID), 1);
    vs_queue(g, VS_CMD_ATC_INV | HI(SID), SIZE_ALL);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    g_assert_cmpuint(s->cmd_len, ==, 1);
    vf_client_assert_before(g->c, VF_OP_HWPT_INVALIDATE, VF_OP_ATTACH, since);
    vg_end_silent(g);
}

/*
 * Without substreams their fields are reserved: a host refuses a command in
 * which they say something, and with it all the rest of the batch.
 */
static void test_no_substreams(void)
{
    VfGuest *g = start_ssid(0, "on");
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;

    vs_queue(g, VS_CMD_ATC_INV | HI(SID) | GLOBAL | SSV | SSID(5), SIZE_ALL);
    vs_queue(g, VS_CMD_CFGI_CD | HI(SID) | SSID(5), VS_LEAF);
    vs_sync(g);
    g_assert_cmpuint(s->cmd_len, ==, 2);
    g_assert_cmphex(s->cmd[0].word[0], ==, VS_CMD_CFGI_CD | HI(SID));
    g_assert_cmphex(s->cmd[0].word[1], ==, VS_LEAF);
    g_assert_cmphex(s->cmd[1].word[0], ==, VS_CMD_ATC_INV | HI(SID));
    g_assert_cmphex(s->cmd[1].word[1], ==, SIZE_ALL);
    g_assert_cmpuint(vf_client_refused(g->c, VF_OP_HWPT_INVALIDATE, since),
                     ==, 0);
    vg_end_silent(g);
}

typedef struct RecoverTest {
    const char *name;
    unsigned int ssidsize;
    unsigned int nth;           /* call that fails, of TLB, then of ATC */
} RecoverTest;

static const RecoverTest recover_tests[] = {
    { .name = "tlb", .ssidsize = 16, .nth = 1 },
    { .name = "atc", .ssidsize = 16, .nth = 2 },
    { .name = "atc-no-substreams", .nth = 2 },
};

/*
 * A call that failed may have had any command of its kind in it. Ahead of ATC
 * invalidations a call with a TLBI finds out whether the host answers at all.
 */
static void test_recover(const void *opaque)
{
    const RecoverTest *t = opaque;
    VfGuest *g = start_ssid(t->ssidsize, "on");
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;
    unsigned int tlb = 0, cds = 0, plain = 0, substreams = 0;

    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, t->nth, 1, EIO);
    vs_queue(g, VS_CMD_TLBI_NH_ASID | VS_ASID(1), 0);
    vs_queue(g, VS_CMD_ATC_INV | HI(SID), SIZE_ALL);
    vs_sync(g);
    g_assert_cmpuint(vf_client_refused(g->c, VF_OP_HWPT_INVALIDATE, since),
                     ==, 1);
    for (uint32_t i = 0; i < s->cmd_len; i++) {
        const uint64_t *word = s->cmd[i].word;

        if (!s->cmd[i].issued) {
            continue;
        }
        switch (word[0] & 0xff) {
        case VS_CMD_TLBI_NSNH_ALL:
        case VS_CMD_TLBI_NH_ASID:
            tlb++;
            g_assert_cmpuint(word[0] & 0xff, ==, tlb == t->nth ?
                             VS_CMD_TLBI_NSNH_ALL : VS_CMD_TLBI_NH_ASID);
            break;
        case VS_CMD_CFGI_CD_ALL:
            cds++;
            break;
        default:
            /* An ATS request is answered from the TLB: that one goes first */
            g_assert_cmpuint(tlb, ==, t->nth);
            g_assert_cmphex(word[1], ==, SIZE_ALL);
            plain += word[0] == (VS_CMD_ATC_INV | HI(SID));
            substreams += word[0] == (VS_CMD_ATC_INV | HI(SID) | SSV | GLOBAL);
        }
    }
    g_assert_cmpuint(tlb, ==, t->nth);
    g_assert_cmpuint(cds, ==, t->nth == 1 ? 2 : 0);
    g_assert_cmpuint(plain, ==, 1);
    g_assert_cmpuint(substreams, ==, t->nth == 2 && t->ssidsize ? 1 : 0);
    vg_end_silent(g);
}

typedef struct RepeatTest {
    const char *name;
    uint32_t hw_flags;
    bool fails;                 /* the first call of all does */
    unsigned int times;         /* that each TLBI and CFGI takes effect */
} RepeatTest;

static const RepeatTest repeat_tests[] = {
    { .name = "sound", .times = 1 },
    { .name = "erratum", .hw_flags = VF_HW_REPEAT_TLBI_CFGI, .times = 2 },
    { .name = "erratum-recover", .hw_flags = VF_HW_REPEAT_TLBI_CFGI,
      .fails = true, .times = 2 },
};

/*
 * An SMMU with the erratum has done a TLBI or CFGI for certain when the same
 * has been issued once more after a SYNC, and a SYNC is what ends each call. An
 * ATC invalidation before that could be undone from the TLB.
 */
static void test_repeat(const void *opaque)
{
    const RepeatTest *t = opaque;
    VfGuest *g = start_host(16, "on", t->hw_flags);
    VfShared *s = g->c->shared;
    uint32_t since = s->log_len;
    unsigned int tlb = 0, cd = 0, atc = 0;

    if (t->fails) {
        vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 1, EIO);
    }
    vs_queue(g, VS_CMD_TLBI_NH_ASID | VS_ASID(1), 0);
    vs_queue(g, VS_CMD_ATC_INV | HI(SID), SIZE_ALL);
    vs_queue(g, VS_CMD_CFGI_CD | HI(SID), VS_LEAF);
    vs_sync(g);
    for (uint32_t n = since; n < s->log_len; n++) {
        const VfLog *call = &s->log[n];
        unsigned int tlb_before = tlb, cd_before = cd;

        if (call->op != VF_OP_HWPT_INVALIDATE || call->err) {
            continue;
        }
        for (uint32_t i = call->arg[3]; i < call->arg[3] + call->arg[1]; i++) {
            const uint64_t word0 = s->cmd[i].word[0];

            tlb += word0 == (VS_CMD_TLBI_NH_ASID | VS_ASID(1)) ||
                   word0 == VS_CMD_TLBI_NSNH_ALL;
            cd += word0 == (VS_CMD_CFGI_CD | HI(SID)) ||
                  word0 == (VS_CMD_CFGI_CD_ALL | HI(SID));
            if ((word0 & 0xff) == VS_CMD_ATC_INV) {
                atc++;
                g_assert_cmpuint(t->hw_flags ? tlb_before : tlb, ==,
                                 t->times);
            }
        }
        g_assert_cmpuint(tlb - tlb_before, <=, 1);
        g_assert_cmpuint(cd - cd_before, <=, 1);
    }
    g_assert_cmpuint(tlb, ==, t->times);
    g_assert_cmpuint(cd, ==, t->times);
    g_assert_cmpuint(atc, >=, 1);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, 0);
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    static const uint64_t abort = VS_STE0_V | VS_STE0_ABORT;
    static const uint64_t bypass = VS_STE0_V | VS_STE0_BYPASS;
    static const uint64_t translate = VS_STE0_DEFAULT;

    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(atc_tests); i++) {
        vg_add_test("smmuv3-accel-ats/command", atc_tests[i].name,
                    &atc_tests[i], test_atc);
    }
    qtest_add_func("smmuv3-accel-ats/off", test_off);
    qtest_add_func("smmuv3-accel-ats/follows-ste", test_follows_ste);
    vg_add_test("smmuv3-accel-ats/order", "abort", &abort, test_order);
    vg_add_test("smmuv3-accel-ats/order", "bypass", &bypass, test_order);
    vg_add_test("smmuv3-accel-ats/order", "translate", &translate,
                test_order);
    qtest_add_func("smmuv3-accel-ats/no-substreams", test_no_substreams);
    for (int i = 0; i < ARRAY_SIZE(recover_tests); i++) {
        vg_add_test("smmuv3-accel-ats/recover", recover_tests[i].name,
                    &recover_tests[i], test_recover);
    }
    for (int i = 0; i < ARRAY_SIZE(repeat_tests); i++) {
        vg_add_test("smmuv3-accel-ats/repeat", repeat_tests[i].name,
                    &repeat_tests[i], test_repeat);
    }
    return g_test_run();
}
