/*
 * QTest of the accelerated SMMUv3: emulated devices behind it
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A pasid-testdev and a passed-through device are behind one SMMU. The host
 * translates for the one, QEMU for the other, and both by the guest's tables.
 */

#include "qemu/osdep.h"

#include "hw/misc/pasid-testdev.h"
#include "hw/pci/pci_regs.h"
#include "qobject/qdict.h"
#include "qobject/qjson.h"
#include "vfio-guest/fault.h"

#define SMMU(props) "-device arm-smmuv3,id=smmu,primary-bus=pcie.0,accel=on" \
                    ",ssidsize=16" props " "
#define TESTDEV     "-device pasid-testdev,id=t0,bus=pcie.0,addr=1e.0"
#define PASSED      "-device vfio-pci,iommufd=i0,fd=%d,id=d1,bus=rp1 "

#define ROOT_DEVFN  (0x1e << 3)
#define BAR         0x1f000000ull       /* at the end of the window */

/* Guest memory, apart from that of vs_setup() */
#define CD_TABLE    (VG_RAM + 0x500000)
#define TABLES(k)   (VG_RAM + 0x600000 + (k) * 0x4000)
#define LEAF(k)     (TABLES(k) + 0x2000)
#define PAGE(k, n)  (VG_RAM + 0x700000 + ((k) * 4 + (n)) * 0x1000)

#define IOVA        VG_RAM
#define MARK(k, n)  (0xe0000000 | (k) << 8 | (n))
#define PASID       5
#define SPACES      2                   /* without PASID, and with PASID */

typedef struct Place {
    const char *name;
    const char *options;                /* with one %d for the descriptor */
    bool plugged;                       /* later, into rp2 */
    bool stalls;                        /* the host stalls what faults */
} Place;

static const Place places[] = {
    { .name = "after-the-smmu",
      .options = SMMU("") VG_PORT(1) VG_PORT(2) PASSED TESTDEV },
    { .name = "ahead-of-the-smmu",
      .options = TESTDEV " " SMMU("") VG_PORT(1) VG_PORT(2) PASSED },
    { .name = "plugged",
      .options = SMMU("") VG_PORT(1) VG_PORT(2) PASSED, .plugged = true },
};

typedef struct TestDevice {
    VfGuest *g;
    uint8_t bus;
    uint8_t devfn;
} TestDevice;

static uint32_t sid_of(const TestDevice *d)
{
    return d->bus << 8 | d->devfn;
}

static void map(VfGuest *g, int k, int n)
{
    qtest_writel(g->qts, PAGE(k, n), MARK(k, n));
    qtest_writeq(g->qts, LEAF(k), PAGE(k, n) | VS_PTE_PAGE_S1);
}

/* Tables for both devices; the SMMU translates */
static void set_up(TestDevice *d, uint32_t eats)
{
    VfGuest *g = d->g;
    unsigned int model = VS_IDR0_STALL_MODEL(vs_readl(g, VS_IDR0));
    uint64_t stall = model == VS_STALL_MODEL_FORCED ? VS_CD0_S : 0;
    uint64_t ste = VS_STRTAB + sid_of(d) * VS_STE_SIZE;

    vs_setup(g, VS_LINEAR);
    for (int k = 0; k < SPACES; k++) {
        uint64_t cd = CD_TABLE + (k ? PASID : 0) * VS_CD_SIZE;

        qtest_writeq(g->qts, cd, VS_CD0(k + 1, VS_CD_IPS_44) | stall);
        qtest_writeq(g->qts, cd + 8, TABLES(k));
        qtest_writeq(g->qts, TABLES(k) + 8,
                     (TABLES(k) + 0x1000) | VS_PTE_TABLE);
        qtest_writeq(g->qts, TABLES(k) + 0x1000, LEAF(k) | VS_PTE_TABLE);
        map(g, k, 0);
    }
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    qtest_writeq(g->qts, ste, VS_STE0_V | VS_STE0_S1 | VS_STE0_S1CDMAX(8) |
                 CD_TABLE);
    qtest_writeq(g->qts, ste + 8, VS_STE1_S1DSS(VS_S1DSS_SSID0) |
                 VS_STE1_EATS(eats));
    vs_cfgi_ste(g, sid_of(d));

    vg_config_writel(g, d->bus, d->devfn, PCI_BASE_ADDRESS_0, BAR);
    vg_config_writel(g, d->bus, d->devfn, PCI_BASE_ADDRESS_1, 0);
    vg_config_writew(g, d->bus, d->devfn, PCI_COMMAND,
                     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    vg_config_writew(g, d->bus, d->devfn,
                     PASID_TESTDEV_PASID_OFFSET + PCI_PASID_CTRL,
                     PCI_PASID_CTRL_ENABLE);
    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, VF_ACCESS_S1);
    g->c->shared->cmd_len = 0;
}

static TestDevice start(const Place *p)
{
    VfClient *c = vf_client_new();
    TestDevice d = { .devfn = ROOT_DEVFN };
    g_autofree char *options = g_strconcat(VG_MACHINE, VG_IOMMUFD, p->options,
                                           NULL);
    g_autofree char *filled = NULL;
    gchar *err;

    vf_client_add_device(c);
    if (p->stalls) {
        af_host(c, 0, VS_STALL_MODEL_FORCED);
    }
    /* The first %s of VG_MACHINE is for more options of the machine */
    filled = g_strdup_printf(options, "", c->iommufd, c->device_fd[0]);
    d.g = vg_start(c, "%s", filled);
    vg_ports(d.g, 2);
    if (p->plugged) {
        err = vg_plug(d.g, 2, qdict_from_jsonf_nofail(
                          "{'driver': 'pasid-testdev', 'id': 't0'}"));
        g_assert_null(err);
        d.bus = 2;
        d.devfn = 0;
    }
    return d;
}

static void bridge_window(TestDevice *d)
{
    if (d->bus) {
        /* The port forwards the BAR; other ports forward nothing */
        vg_config_writel(d->g, 0, d->bus << 3, PCI_MEMORY_BASE,
                         BAR >> 16 | (uint32_t)(BAR >> 16) << 16);
        vg_config_writew(d->g, 0, d->bus << 3, PCI_COMMAND,
                         PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    }
}

static uint32_t reg(TestDevice *d, uint32_t offset)
{
    return qtest_readl(d->g->qts, BAR + offset);
}

static uint32_t dma(TestDevice *d, uint32_t op, uint64_t addr, int k)
{
    static const uint32_t pasid[SPACES] = { 0, PASID_TESTDEV_PASID_VALID |
                                               PASID };
    QTestState *qts = d->g->qts;

    qtest_writel(qts, BAR + PASID_TESTDEV_REG_DATA, 0);
    qtest_writel(qts, BAR + PASID_TESTDEV_REG_ADDR_LO, addr);
    qtest_writel(qts, BAR + PASID_TESTDEV_REG_ADDR_HI, addr >> 32);
    qtest_writel(qts, BAR + PASID_TESTDEV_REG_PASID, pasid[k]);
    qtest_writel(qts, BAR + PASID_TESTDEV_REG_LENGTH, 4);
    qtest_writel(qts, BAR + PASID_TESTDEV_REG_COMMAND, op);
    return reg(d, PASID_TESTDEV_REG_STATUS);
}

static void assert_reads(TestDevice *d, uint32_t op, int k, uint32_t mark)
{
    g_assert_cmpint(dma(d, op | PASID_TESTDEV_CMD_READ, IOVA, k), ==,
                    PASID_TESTDEV_STATUS_OK);
    g_assert_cmphex(reg(d, PASID_TESTDEV_REG_DATA), ==, mark);
}

/* By its own tables, with and without PASID, wherever it was plugged */
static void test_translate(const void *opaque)
{
    const Place *p = opaque;
    TestDevice d = start(p);
    VfGuest *g = d.g;

    bridge_window(&d);
    set_up(&d, 0);
    for (int k = 0; k < SPACES; k++) {
        assert_reads(&d, 0, k, MARK(k, 0));
        /* QEMU and the host forget the entries that the guest invalidates */
        map(g, k, 1);
        vs_queue(g, VS_CMD_TLBI_NH_VA | VS_ASID(k + 1), IOVA);
        vs_sync(g);
        assert_reads(&d, 0, k, MARK(k, 1));
        g_assert_cmpint(g->c->shared->cmd_len, ==, k + 1);
    }

    /* A fault is the device's own, the other one goes on */
    g_assert_cmpint(dma(&d, PASID_TESTDEV_CMD_READ, IOVA + 0x1000, 0), ==,
                    PASID_TESTDEV_STATUS_FAULT);
    vs_assert_event(g, sid_of(&d), VS_EVT_F_TRANSLATION);
    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, VF_ACCESS_S1);

    /* Without the SMMU it reaches memory at the same address */
    qtest_writel(g->qts, IOVA, MARK(7, 7));
    vs_enable(g, false);
    assert_reads(&d, 0, 0, MARK(7, 7));
    vg_end_silent(g);
}

/* Its commands do not reach the host, which does not know its StreamID */
static void test_ats(void)
{
    static const Place place = {
        .options = SMMU(",ats=on") VG_PORT(1) VG_PORT(2) PASSED TESTDEV
                   ",ats=on"
    };
    TestDevice d = start(&place);
    VfGuest *g = d.g;

    set_up(&d, VS_EATS_FULL);
    vg_config_writew(g, d.bus, d.devfn, PASID_TESTDEV_ATS_OFFSET + PCI_ATS_CTRL,
                     PCI_ATS_CTRL_ENABLE);
    assert_reads(&d, PASID_TESTDEV_CMD_ATS, 0, MARK(0, 0));
    map(g, 0, 1);
    vs_queue(g, VS_CMD_TLBI_NH_VA | VS_ASID(1), IOVA);
    vs_sync(g);
    /* The translation is the device's own until it is told */
    assert_reads(&d, PASID_TESTDEV_CMD_ATS, 0, MARK(0, 0));
    vs_queue(g, VS_CMD_ATC_INV | (uint64_t)sid_of(&d) << 32,
             VS_ATC_SIZE_ALL);
    vs_queue(g, VS_CMD_CFGI_CD_ALL | (uint64_t)sid_of(&d) << 32, 0);
    vs_sync(g);
    assert_reads(&d, PASID_TESTDEV_CMD_ATS, 0, MARK(0, 1));
    g_assert_cmpint(g->c->shared->cmd_len, ==, 1);
    vg_end_silent(g);
}

static uint64_t channel(int n)
{
    return BAR + PASID_TESTDEV_CHANNEL(n);
}

/* A channel reads a page that is not there yet; returns the tag */
static uint16_t begin(TestDevice *d, int n, int page)
{
    QTestState *qts = d->g->qts;
    uint64_t addr = IOVA + page * 0x1000;

    qtest_writel(qts, channel(n) + PASID_TESTDEV_REG_ADDR_LO, addr);
    qtest_writel(qts, channel(n) + PASID_TESTDEV_REG_ADDR_HI, addr >> 32);
    qtest_writel(qts, channel(n) + PASID_TESTDEV_REG_PASID,
                 PASID_TESTDEV_PASID_VALID | PASID);
    qtest_writel(qts, channel(n) + PASID_TESTDEV_REG_LENGTH, 4);
    qtest_writel(qts, channel(n) + PASID_TESTDEV_REG_COMMAND,
                 PASID_TESTDEV_CMD_READ);
    return af_stalled(d->g, sid_of(d), PASID, addr, AF_READ);
}

static uint32_t status(TestDevice *d, int n)
{
    return qtest_readl(d->g->qts, channel(n) + PASID_TESTDEV_REG_STATUS);
}

static void assert_busy(TestDevice *d, int n)
{
    vg_settle(d->g);
    g_assert_cmpint(status(d, n), ==, PASID_TESTDEV_STATUS_BUSY);
}

static void assert_ends(TestDevice *d, int n, uint32_t how)
{
    /* The main loop has the device go on */
    for (int i = 0; i < 1000 && status(d, n) == PASID_TESTDEV_STATUS_BUSY;
         i++) {
        vg_settle(d->g);
    }
    g_assert_cmpint(status(d, n), ==, how);
}

/* Both wait at a time: each answer is for one of them */
static void test_stalls(void)
{
    static const Place place = {
        .options = SMMU("") VG_PORT(1) VG_PORT(2) PASSED TESTDEV,
        .stalls = true,
    };
    TestDevice d = start(&place);
    const uint32_t passed = VS_SID(1);
    VfGuest *g = d.g;
    uint16_t tag[5];
    uint32_t n[2];

    set_up(&d, 0);
    n[0] = af_fault(g, 0, 6, 0x1000, AF_READ);
    tag[0] = af_stalled(g, passed, 6, 0x1000, AF_READ);
    tag[1] = begin(&d, 0, 1);
    n[1] = af_fault(g, 0, PASID, IOVA + 0x2000, AF_READ);
    tag[2] = af_stalled(g, passed, PASID, IOVA + 0x2000, AF_READ);
    tag[3] = begin(&d, 1, 2);
    tag[4] = begin(&d, 2, 3);
    for (int i = 0; i < ARRAY_SIZE(tag); i++) {
        for (int k = 0; k < i; k++) {
            g_assert_cmphex(tag[i], !=, tag[k]);
        }
    }

    /* The tag of the other one has no effect */
    af_resume(g, sid_of(&d), tag[0], VS_RESUME_RETRY);
    af_resume(g, passed, tag[1], VS_RESUME_RETRY);
    af_waiting(g, n[0]);
    assert_busy(&d, 0);

    qtest_writel(g->qts, PAGE(1, 1), MARK(1, 1));
    qtest_writeq(g->qts, LEAF(1) + 8, PAGE(1, 1) | VS_PTE_PAGE_S1);
    af_resume(g, sid_of(&d), tag[1], VS_RESUME_RETRY);
    assert_ends(&d, 0, PASID_TESTDEV_STATUS_OK);
    g_assert_cmphex(qtest_readl(g->qts, channel(0) +
                                PASID_TESTDEV_CHANNEL_DATA), ==, MARK(1, 1));
    af_waiting(g, n[0]);
    af_resume(g, passed, tag[0], VS_RESUME_RETRY);
    af_answered(g, n[0], true);
    af_waiting(g, n[1]);
    assert_busy(&d, 1);

    vs_queue(g, VS_CMD_STALL_TERM | (uint64_t)passed << 32, 0);
    vs_sync(g);
    af_answered(g, n[1], false);
    assert_busy(&d, 1);
    /* One goes away, and the other one waits on */
    n[0] = af_fault(g, 0, 6, 0x1000, AF_READ);
    af_stalled(g, passed, 6, 0x1000, AF_READ);
    vg_device_del(g, "d1", 1);
    af_ended(g, n[0]);
    assert_busy(&d, 2);
    af_resume(g, sid_of(&d), tag[3], VS_RESUME_ABORT);
    assert_ends(&d, 1, PASID_TESTDEV_STATUS_FAULT);
    vs_queue(g, VS_CMD_STALL_TERM | (uint64_t)sid_of(&d) << 32, 0);
    vs_sync(g);
    assert_ends(&d, 2, PASID_TESTDEV_STATUS_FAULT);
    af_no_event(g);
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(places); i++) {
        vg_add_test("smmuv3-accel-emulated/translate", places[i].name,
                    &places[i], test_translate);
    }
    qtest_add_func("smmuv3-accel-emulated/ats", test_ats);
    qtest_add_func("smmuv3-accel-emulated/stalls", test_stalls);
    return g_test_run();
}
