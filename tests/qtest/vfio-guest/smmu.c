/*
 * Test library: an SMMUv3 as the driver of a guest uses it
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "smmu.h"

#define CMD_SIZE        16
#define EVENT_SIZE      32
#define L1_DESC_SIZE    8

/* STRTAB_BASE_CFG (6.3.25) */
#define CFG_TWO_LEVEL   (1u << 16)
#define CFG_SPLIT(n)    ((n) << 6)

/* An index into a queue and its wrap bit (3.5.1) */
#define QUEUE_MASK(log2) ((2u << (log2)) - 1)
#define QUEUE_INDEX(p, log2) ((p) & ((1u << (log2)) - 1))

/* An index of the longest queue, with its wrap bit */
#define QUEUE_POSITION  0xfffff

/* How long a driver waits for the SMMU before it gives up */
#define TIMEOUT_US      (60 * G_USEC_PER_SEC)

/* Where a root port has its registers; one MiB each */
#define BRIDGE_BAR(port) (0x10000000ull + (port) * 0x100000ull)

/* Bus that a two-level table has a second level for */
#define L2_BUS 1

uint32_t vs_readl(VfGuest *g, uint32_t reg)
{
    return qtest_readl(g->qts, VS_BASE + reg);
}

void vs_writel(VfGuest *g, uint32_t reg, uint32_t value)
{
    qtest_writel(g->qts, VS_BASE + reg, value);
}

gchar *vs_options(VfClient *c, unsigned int ports, unsigned int plugged)
{
    GString *options = g_string_new(NULL);

    g_string_printf(options, VG_MACHINE VG_IOMMUFD VS_SSID16, "", c->iommufd);
    for (unsigned int n = 1; n <= ports; n++) {
        vf_client_add_device(c);
        g_string_append_printf(options, "-device pcie-root-port,id=rp%u,"
                               "chassis=%u,slot=%u,bus=pcie.0,addr=%u,"
                               "io-reserve=0 ", n, n, n, n);
    }
    for (unsigned int n = 1; n <= plugged; n++) {
        g_string_append_printf(options, "-device vfio-pci,iommufd=i0,fd=%d,"
                               "id=d%u,bus=rp%u ", c->device_fd[n - 1], n, n);
    }
    return g_string_free(options, false);
}

VfGuest *vs_start(unsigned int ports, unsigned int plugged)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, ports, plugged);
    VfGuest *g = vg_start(c, "%s", options);

    vg_ports(g, ports);
    return g;
}

/* Without ACS a guest would not enable PASID in one of several functions */
static void describe_function(VfDevice *d)
{
    static const VfExtCap caps[] = {
        { 0x100, PCI_EXT_CAP_ID_ACS, 1, 8 }, { }
    };

    vf_image_ext_caps(d->phys, caps);
}

VfGuest *vs_start_functions(const char *smmu, unsigned int devices)
{
    VfClient *c = vf_client_new();
    g_autoptr(GString) options = g_string_new(NULL);
    VfGuest *g;

    for (unsigned int n = 0; n < devices; n++) {
        unsigned int port = n / VS_FUNCTIONS + 1;

        describe_function(vf_client_add_device(c));
        if (n % VS_FUNCTIONS == 0) {
            g_string_append_printf(options, "-device pcie-root-port,id=rp%u,"
                                   "chassis=%u,slot=%u,bus=pcie.0,addr=%u,"
                                   "io-reserve=0 ", port, port, port, port);
        }
        g_string_append_printf(options, "-device vfio-pci,iommufd=i0,fd=%d,"
                               "id=d%u,bus=rp%u,addr=0.%u,multifunction=%s ",
                               c->device_fd[n], n, port, n % VS_FUNCTIONS,
                               n % VS_FUNCTIONS ? "off" : "on");
    }
    g = vg_start(c, VG_MACHINE "%s" VG_IOMMUFD "%s", "", smmu, c->iommufd,
                 options->str);
    vg_ports(g, DIV_ROUND_UP(devices, VS_FUNCTIONS));
    return g;
}

VfGuest *vs_start_s1(void)
{
    VfGuest *g = vs_start(1, 1);

    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, VF_ACCESS_S1);
    g->c->shared->cmd_len = 0;
    return g;
}

void vs_setup(VfGuest *g, VsTable table)
{
    uint32_t cfg = VS_STRTAB_LOG2;

    qtest_memset(g->qts, VS_STRTAB, 0, VS_STE_SIZE << VS_STRTAB_LOG2);
    qtest_memset(g->qts, VS_L2TAB, 0, VS_STE_SIZE << VS_SPLIT);
    if (table == VS_TWO_LEVEL) {
        cfg |= CFG_TWO_LEVEL | CFG_SPLIT(VS_SPLIT);
        /* Span: the second level has 2^(span - 1) entries (5.1) */
        qtest_writeq(g->qts, VS_STRTAB + L2_BUS * L1_DESC_SIZE,
                     VS_L2TAB | (VS_SPLIT + 1));
    }
    qtest_writeq(g->qts, VS_BASE + VS_STRTAB_BASE, VS_STRTAB);
    vs_writel(g, VS_STRTAB_BASE_CFG, cfg);
    qtest_writeq(g->qts, VS_BASE + VS_CMDQ_BASE, VS_CMDQ | VS_CMDQ_LOG2);
    vs_writel(g, VS_CMDQ_PROD, 0);
    vs_writel(g, VS_CMDQ_CONS, 0);
    qtest_writeq(g->qts, VS_BASE + VS_EVENTQ_BASE,
                 VS_EVENTQ | VS_EVENTQ_LOG2);
    vs_writel(g, VS_EVENTQ_PROD, 0);
    vs_writel(g, VS_EVENTQ_CONS, 0);
    vs_writel(g, VS_CR0, VS_CR0_CMDQEN | VS_CR0_EVENTQEN);
    g->cmdq_prod = 0;
}

bool vs_acknowledged(VfGuest *g)
{
    uint32_t wrong = vs_readl(g, VS_CR0) ^ vs_readl(g, VS_CR0ACK);

    /* Other bits wait for nothing */
    g_assert_cmphex(wrong & ~VS_CR0_SMMUEN, ==, 0);
    return !wrong && !(vs_readl(g, VS_GBPA) & VS_GBPA_UPDATE);
}

void vs_wait_acknowledged(VfGuest *g)
{
    int64_t start = g_get_monotonic_time();

    while (!vs_acknowledged(g)) {
        g_assert_cmpint(g_get_monotonic_time() - start, <, TIMEOUT_US);
    }
}

void vs_begin_enable(VfGuest *g, bool on)
{
    vs_writel(g, VS_CR0, VS_CR0_CMDQEN | VS_CR0_EVENTQEN |
                         (on ? VS_CR0_SMMUEN : 0));
}

void vs_enable(VfGuest *g, bool on)
{
    vs_begin_enable(g, on);
    vs_wait_acknowledged(g);
}

void vs_begin_gbpa(VfGuest *g, bool abort)
{
    vs_writel(g, VS_GBPA, VS_GBPA_UPDATE | (abort ? VS_GBPA_ABORT : 0));
}

void vs_gbpa(VfGuest *g, bool abort)
{
    vs_begin_gbpa(g, abort);
    vs_wait_acknowledged(g);
}

const VsState vs_states[VS_STATES] = {
    [VS_OFF_BYPASS] = { "off-bypass", false, false, { 0 }, VF_ACCESS_BYPASS },
    [VS_OFF_ABORT] = { "off-abort", false, true, { 0 }, VF_ACCESS_ABORT },
    [VS_INVALID] = { "invalid", true, false, { 0 }, VF_ACCESS_ABORT },
    [VS_ABORT] = { "abort", true, false, { VS_STE0_V | VS_STE0_ABORT },
        VF_ACCESS_ABORT },
    [VS_BYPASS] = { "bypass", true, false,
        { VS_STE0_V | VS_STE0_BYPASS, VS_STE1_SHCFG_IN }, VF_ACCESS_BYPASS },
    [VS_TRANSLATE] = { "s1", true, false,
        { VS_STE0_DEFAULT, VS_STE1_DEFAULT }, VF_ACCESS_S1 },
    [VS_BAD] = { "s2", true, false, { VS_STE0_V | VS_STE0_S2 },
        VF_ACCESS_ABORT },
};

void vs_set_state(VfGuest *g, const VsState *state, unsigned int port)
{
    vs_gbpa(g, state->gbpa_abort);
    vs_write_ste(g, VS_LINEAR, VS_SID(port), state->word[0], state->word[1]);
    vs_enable(g, state->enabled);
    vs_cfgi_ste(g, VS_SID(port));
}

void vs_write_ste(VfGuest *g, VsTable table, uint32_t sid, uint64_t word0,
                  uint64_t word1)
{
    uint64_t addr = table == VS_LINEAR ? VS_STRTAB + sid * VS_STE_SIZE :
                    VS_L2TAB + QUEUE_INDEX(sid, VS_SPLIT) * VS_STE_SIZE;

    qtest_writeq(g->qts, addr, word0);
    qtest_writeq(g->qts, addr + 8, word1);
}

void vs_queue(VfGuest *g, uint64_t word0, uint64_t word1)
{
    uint64_t addr = VS_CMDQ +
                    QUEUE_INDEX(g->cmdq_prod, VS_CMDQ_LOG2) * CMD_SIZE;

    qtest_writeq(g->qts, addr, word0);
    qtest_writeq(g->qts, addr + 8, word1);
    g->cmdq_prod = (g->cmdq_prod + 1) & QUEUE_MASK(VS_CMDQ_LOG2);
}

void vs_ring(VfGuest *g)
{
    vs_writel(g, VS_CMDQ_PROD, g->cmdq_prod);
}

bool vs_done(VfGuest *g)
{
    return !((vs_readl(g, VS_CMDQ_PROD) ^ vs_readl(g, VS_CMDQ_CONS)) &
             QUEUE_POSITION);
}

void vs_wait(VfGuest *g)
{
    int64_t start = g_get_monotonic_time();

    while (!vs_done(g) && (vs_readl(g, VS_CR0) & VS_CR0_CMDQEN) &&
           !((vs_readl(g, VS_GERROR) ^ vs_readl(g, VS_GERRORN)) &
             VS_GERROR_CMDQ_ERR)) {
        g_assert_cmpint(g_get_monotonic_time() - start, <, TIMEOUT_US);
    }
}

void vs_submit(VfGuest *g)
{
    vs_ring(g);
    vs_wait(g);
}

void vs_sync(VfGuest *g)
{
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
}

void vs_translate_all(VfGuest *g, unsigned int devices, uint64_t eats)
{
    for (unsigned int n = 1; n <= devices; n++) {
        vs_write_ste(g, VS_LINEAR, VS_SID(n), VS_STE0_DEFAULT,
                     VS_STE1_DEFAULT | eats);
    }
    vs_enable(g, true);
}

VfGuest *vs_start_ats(unsigned int devices, uint64_t eats)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, devices, devices);
    VfGuest *g = vg_start(c, "%s -global arm-smmuv3.ats=on", options);

    vg_ports(g, devices);
    vs_setup(g, VS_LINEAR);
    vs_translate_all(g, devices, eats);
    return g;
}

void vs_queue_va(VfGuest *g, unsigned int n)
{
    vs_queue(g, VS_VA0, VS_VA1(n));
}

void vs_submit_vas(VfGuest *g, unsigned int count)
{
    for (unsigned int n = 0; n < count; n++) {
        vs_queue_va(g, n);
    }
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
}

void vs_assert_va(const VfCmd *cmd, unsigned int n)
{
    g_assert_cmphex(cmd->word[0], ==, VS_VA0);
    g_assert_cmphex(cmd->word[1], ==, VS_VA1(n));
    g_assert_cmpuint(cmd->issued, ==, 1);
}

static void set_property(VfGuest *g, const char *name, unsigned int value)
{
    qtest_qmp_assert_success(g->qts, "{'execute': 'qom-set', 'arguments':"
                             " {'path': '/machine/peripheral/smmu',"
                             " 'property': %s, 'value': %u}}", name, value);
}

void vs_set_batch(VfGuest *g, unsigned int batch)
{
    set_property(g, "x-inval-batch", batch);
}

void vs_set_slice(VfGuest *g, unsigned int us)
{
    set_property(g, "x-cmdq-slice-us", us);
}

void vs_cfgi_ste(VfGuest *g, uint32_t sid)
{
    vs_queue(g, VS_CMD_CFGI_STE | (uint64_t)sid << 32, 1);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
}

void vs_assert_s1(VfGuest *g, unsigned int dev, uint32_t sid, uint64_t word0,
                  uint64_t word1)
{
    const VfObject *device, *vdevice;
    uint64_t ste[2] = { 0 };

    g_assert_cmpint(vf_client_access(g->c, dev, ste), ==, VF_ACCESS_S1);
    g_assert_cmphex(ste[0], ==, word0);
    g_assert_cmphex(ste[1] & ~VS_STE1_S1STALLD, ==, word1);
    device = vf_client_device_object(g->c, dev);
    vdevice = vf_client_object(g->c, device, device->vdevice);
    g_assert_nonnull(vdevice);
    g_assert_cmphex(vdevice->virt_id, ==, sid);
}

bool vs_has_error(VfGuest *g)
{
    return (vs_readl(g, VS_GERROR) ^ vs_readl(g, VS_GERRORN)) &
           VS_GERROR_CMDQ_ERR;
}

void vs_acknowledge(VfGuest *g)
{
    vs_writel(g, VS_GERRORN, vs_readl(g, VS_GERROR));
}

void vs_assert_listed(VfGuest *g, unsigned int n, const char *to,
                      const char *why, const char *text)
{
    QDict *state = vg_qom_get_struct(g, "/machine/peripheral/smmu",
                                     "x-accel-state");
    g_autofree gchar *name = g_strdup_printf("d%u", n);
    bool stopped = strcmp(why, "none") && strcmp(why, "no-vdevice");
    const QListEntry *entry;
    unsigned int found = 0;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(state, "devices"), entry) {
        const QDict *d = qobject_to(QDict, qlist_entry_obj(entry));

        if (!strcmp(qdict_get_str(d, "device"), name)) {
            found++;
            g_assert_cmpuint(qdict_get_int(d, "stream-id"), ==, VS_SID(n));
            g_assert_cmpstr(qdict_get_str(d, "attached-to"), ==, to);
            g_assert_cmpint(qdict_get_bool(d, "stopped"), ==, stopped);
            g_assert_cmpstr(qdict_get_str(d, "reason"), ==, why);
            g_assert_cmpint(qdict_haskey(d, "text"), ==, stopped);
            if (stopped) {
                vg_assert_has(qdict_get_str(d, "text"), text);
            }
        }
    }
    g_assert_cmpuint(found, ==, 1);
    qobject_unref(state);
}

bool vs_next_event(VfGuest *g, uint64_t evt[4])
{
    uint32_t prod = vs_readl(g, VS_EVENTQ_PROD);
    uint32_t cons = vs_readl(g, VS_EVENTQ_CONS);
    uint64_t addr = VS_EVENTQ + QUEUE_INDEX(cons, VS_EVENTQ_LOG2) * EVENT_SIZE;

    if (!((prod ^ cons) & QUEUE_MASK(VS_EVENTQ_LOG2))) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        evt[i] = qtest_readq(g->qts, addr + 8 * i);
    }
    vs_writel(g, VS_EVENTQ_CONS, (cons & VS_EVENTQ_OVERFLOW) |
              ((cons + 1) & QUEUE_MASK(VS_EVENTQ_LOG2)));
    return true;
}

void vs_assert_event(VfGuest *g, uint32_t sid, unsigned int type)
{
    uint64_t evt[4];

    if (type) {
        g_assert(vs_next_event(g, evt));
        g_assert_cmphex(evt[0] & 0xff, ==, type);
        g_assert_cmphex(evt[0] >> 32, ==, sid);
    }
    g_assert(!vs_next_event(g, evt));
}

void vs_drop_events(VfGuest *g)
{
    vs_writel(g, VS_EVENTQ_CONS, vs_readl(g, VS_EVENTQ_PROD));
}

void vs_bridge_open(VfGuest *g, unsigned int port, uint64_t address)
{
    uint8_t devfn = VS_BRIDGE_SID(port);
    uint8_t cap = vg_find_cap(g, 0, devfn, PCI_CAP_ID_MSIX);
    uint32_t table = vg_config_readl(g, 0, devfn, cap + PCI_MSIX_TABLE);
    uint64_t entry = BRIDGE_BAR(port) + (table & PCI_MSIX_TABLE_OFFSET);

    g_assert_cmpuint(table & PCI_MSIX_TABLE_BIR, ==, 0);
    vg_config_writel(g, 0, devfn, PCI_BASE_ADDRESS_0, BRIDGE_BAR(port));
    qtest_writeq(g->qts, entry + PCI_MSIX_ENTRY_LOWER_ADDR, address);
    qtest_writel(g->qts, entry + PCI_MSIX_ENTRY_DATA, VS_BRIDGE_DATA);
    qtest_writel(g->qts, entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
    vg_config_writew(g, 0, devfn, cap + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE);
}

void vs_bridge_signal(VfGuest *g, unsigned int port)
{
    uint8_t devfn = VS_BRIDGE_SID(port);
    uint8_t cap = vg_find_cap(g, 0, devfn, PCI_CAP_ID_EXP);

    /* Off and on again, which completes a command each time: tell of one */
    vg_config_writew(g, 0, devfn, cap + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_CC);
    vg_config_writew(g, 0, devfn, cap + PCI_EXP_SLTCTL, 0);
    vg_config_writew(g, 0, devfn, cap + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_CC);
    vg_config_writew(g, 0, devfn, cap + PCI_EXP_SLTCTL,
                     PCI_EXP_SLTCTL_HPIE | PCI_EXP_SLTCTL_CCIE);
}
