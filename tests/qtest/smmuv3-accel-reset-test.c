/*
 * QTest of the accelerated SMMUv3: reset, reboot and kexec
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * After a reset of the machine, translation is off and a device has the access
 * of the reset value of GBPA, whatever the guest had set up before. A kernel
 * that starts another one by kexec resets nothing: the new kernel finds an
 * enabled SMMU with unknown tables and queues.
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "vfio-guest/smmu.h"

#define ROUNDS 5

/* Tables of the kernel that takes over */
#define NEW_STRTAB  (VG_RAM + 0x1000000)
#define NEW_STE0    (VS_STE0_DEFAULT + 0x10000)

#define DEVICE "-device vfio-pci,iommufd=i0,fd=%d,id=d1,bus=rp1 "
#define NO_PASID "-device arm-smmuv3,id=smmu,primary-bus=pcie.0,accel=on," \
                 "ssidsize=0 "

static void assert_access(VfGuest *g, VfAccess access)
{
    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, access);
}

static void assert_translated(VfGuest *g, uint64_t word0)
{
    uint64_t ste[2] = { 0 };

    g_assert_cmpint(vf_client_access(g->c, 0, ste), ==, VF_ACCESS_S1);
    g_assert_cmphex(ste[0], ==, word0);
}

/*
 * Objects after a reset: the shared ones. A device may have its vDEVICE since
 * it was plugged, as long as its bus has a number.
 */
static void assert_as_new(VfGuest *g)
{
    VfClient *c = g->c;
    unsigned int numbered =
        (vg_config_readl(g, 0, 1 << 3, PCI_PRIMARY_BUS) >> 8 & 0xff) != 0;

    assert_access(g, VF_ACCESS_BYPASS);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_DEVICE), ==, 1);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_IOAS), ==, 1);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_HWPT_PAGING), ==, 1);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_HWPT_NESTED), ==, 2);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_VIOMMU), ==, 1);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_VEVENTQ), ==, 1);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_VDEVICE), <=, numbered);
    g_assert_cmphex(vs_readl(g, VS_CR0), ==, 0);
    g_assert_cmphex(vs_readl(g, VS_CR0ACK), ==, 0);
    g_assert_cmphex(vs_readl(g, VS_GBPA) & VS_GBPA_ABORT, ==, 0);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, 0);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_PROD), ==, 0);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, 0);
    g_assert_cmphex(vs_readl(g, VS_EVENTQ_PROD), ==, 0);
    g_assert_cmphex(vs_readl(g, VS_EVENTQ_CONS), ==, 0);
}

static void reset_in(VfGuest *g, const VsState *state)
{
    uint32_t idr0 = vs_readl(g, VS_IDR0);
    uint32_t idr1 = vs_readl(g, VS_IDR1);
    uint32_t idr5 = vs_readl(g, VS_IDR5);

    assert_as_new(g);
    for (int i = 0; i < ROUNDS; i++) {
        vs_setup(g, VS_LINEAR);
        vs_set_state(g, state, 1);
        assert_access(g, state->access);
        /* Before anything else makes the SMMU look at its registers */
        qtest_system_reset(g->qts);
        assert_as_new(g);
        vg_ports(g, g->ports);
        assert_as_new(g);
        g_assert_cmphex(vs_readl(g, VS_IDR0), ==, idr0);
        g_assert_cmphex(vs_readl(g, VS_IDR1), ==, idr1);
        g_assert_cmphex(vs_readl(g, VS_IDR5), ==, idr5);
    }
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(g->c);
    vg_end_silent(g);
}

static void test_state(const void *opaque)
{
    reset_in(vs_start(1, 1), opaque);
}

static void test_state_no_pasid(const void *opaque)
{
    VfClient *c = vf_client_new();
    VfGuest *g;

    vf_client_add_device(c);
    g = vg_start(c, VG_MACHINE VG_IOMMUFD NO_PASID VG_PORT(1) DEVICE, "",
                 c->iommufd, c->device_fd[0]);
    vg_ports(g, 1);
    reset_in(g, opaque);
}

/* Without a device there is nothing that could be reset in the host */
static void test_no_device(void)
{
    VfGuest *g = vs_start(1, 0);

    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    vg_system_reset(g);
    g_assert_cmpuint(g->c->shared->log_len, ==, 0);
    g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    assert_as_new(g);
    vg_system_reset(g);
    assert_as_new(g);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(g->c);
    vg_end_silent(g);
}

/* Commands that were not taken before are not taken after */
static void test_commands(void)
{
    VfGuest *g = vs_start(1, 1);
    uint32_t since;

    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    vs_writel(g, VS_CR0, VS_CR0_SMMUEN | VS_CR0_EVENTQEN);
    for (int i = 0; i < 16; i++) {
        vs_queue(g, VS_CMD_TLBI_NH_VA, (uint64_t)i << 12);
    }
    vs_submit(g);
    since = g->c->shared->log_len;
    vg_system_reset(g);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_HWPT_INVALIDATE, since), ==,
                     0);
    assert_as_new(g);

    /* And an error that stopped the queue stops the next one not */
    vs_setup(g, VS_LINEAR);
    vs_queue(g, VS_CMD_ILLEGAL, 0);
    vs_submit(g);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, VS_GERROR_CMDQ_ERR);
    vg_system_reset(g);
    assert_as_new(g);
    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    assert_access(g, VF_ACCESS_S1);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
    vg_end_silent(g);
}

/*
 * The host could not invalidate: its caches may hold entries that the old
 * guest took back, so the device of the new one waits until it can.
 */
static void test_stale(void)
{
    VfGuest *g = vs_start(1, 1);
    g_autofree gchar *text = NULL;

    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    vf_client_rule(g->c, VF_OP_HWPT_INVALIDATE, 1, 1000, EIO);
    vs_queue(g, VS_CMD_TLBI_NSNH_ALL, 0);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    vg_system_reset(g);
    vf_client_assert_at_most(g->c, 0, VF_ACCESS_ABORT);
    vf_client_clear_rules(g->c);
    vg_system_reset(g);
    assert_as_new(g);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(g->c);
    text = vg_end(g);
    vg_assert_has(text, "d1");
}

/*
 * The host could not stop the device: what the next guest sets up may be what
 * the host has still, and what it invalidates has to reach the host.
 */
static void test_stuck(void)
{
    const uint64_t sid = VS_SID(1);
    VfGuest *g = vs_start(1, 1);
    VfShared *s = g->c->shared;
    g_autofree gchar *text = NULL;

    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    vf_client_rule(g->c, VF_OP_ATTACH, 1, UINT32_MAX, EIO);
    vf_client_rule(g->c, VF_OP_DETACH, 1, UINT32_MAX, EIO);
    vg_system_reset(g);
    vg_ports(g, 1);
    vs_setup(g, VS_LINEAR);
    vs_write_ste(g, VS_LINEAR, sid, VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    vf_client_clear_rules(g->c);
    vs_enable(g, true);
    vs_assert_s1(g, 0, sid, VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    s->cmd_len = 0;
    vs_queue(g, VS_CMD_CFGI_CD | sid << 32, VS_LEAF);
    vs_sync(g);
    g_assert_cmpuint(s->cmd_len, ==, 1);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(g->c);
    text = vg_end(g);
    vg_assert_has(text, "DMA of d1 cannot be stopped");
}

/* Devices that come and go between resets */
static void test_hotplug(void)
{
    VfGuest *g = vs_start(2, 1);

    for (int i = 0; i < ROUNDS; i++) {
        vs_setup(g, VS_LINEAR);
        vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
        vs_set_state(g, &vs_states[VS_TRANSLATE], 2);
        g_assert_cmpstr(vg_device_add(g, 1, "d2", 2, ""), ==, NULL);
        g_assert_cmpint(vf_client_access(g->c, 1, NULL), ==, VF_ACCESS_S1);
        vg_system_reset(g);
        assert_access(g, VF_ACCESS_BYPASS);
        g_assert_cmpint(vf_client_access(g->c, 1, NULL), ==,
                        VF_ACCESS_BYPASS);
        vg_device_del(g, "d2", 2);
        assert_as_new(g);
    }
    vg_end_silent(g);
}

/* The kernel that takes over writes its own table, of zeroes for now */
static void write_table(VfGuest *g, uint64_t word0, uint64_t word1)
{
    qtest_memset(g->qts, NEW_STRTAB, 0, VS_STE_SIZE << VS_STRTAB_LOG2);
    qtest_writeq(g->qts, NEW_STRTAB + VS_SID(1) * VS_STE_SIZE, word0);
    qtest_writeq(g->qts, NEW_STRTAB + VS_SID(1) * VS_STE_SIZE + 8, word1);
    qtest_writeq(g->qts, VS_BASE + VS_STRTAB_BASE, NEW_STRTAB);
    vs_writel(g, VS_STRTAB_BASE_CFG, VS_STRTAB_LOG2);
}

static void invalidate_all(VfGuest *g)
{
    vs_queue(g, VS_CMD_CFGI_STE_RANGE, VS_RANGE(31));
    vs_queue(g, VS_CMD_TLBI_NSNH_ALL, 0);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
}

/* As an operating system does it: stop all, then start from nothing */
static void test_restart(const void *opaque)
{
    const VsTable *table = opaque;
    const uint64_t evt[4] = {
        VS_EVT_F_TRANSLATION | (uint64_t)VS_SID(1) << 32, 0, 0x1000, 0,
    };
    VfGuest *g = vs_start(1, 1);
    uint64_t got[4];

    vs_setup(g, *table);
    vs_write_ste(g, *table, VS_SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    vs_enable(g, true);
    assert_translated(g, VS_STE0_DEFAULT);

    /* Two commands that the old kernel did not get to send are lost */
    vs_queue(g, VS_CMD_TLBI_NH_ALL, 0);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_gbpa(g, true);
    assert_translated(g, VS_STE0_DEFAULT);
    vs_writel(g, VS_CR0, 0);
    assert_access(g, VF_ACCESS_ABORT);
    vf_client_push_event(g->c, 0, evt);
    vg_settle(g);

    write_table(g, 0, 0);
    vs_writel(g, VS_CMDQ_PROD, 0);
    vs_writel(g, VS_CMDQ_CONS, 0);
    vs_writel(g, VS_EVENTQ_PROD, 0);
    vs_writel(g, VS_EVENTQ_CONS, 0);
    g->cmdq_prod = 0;
    vs_writel(g, VS_CR0, VS_CR0_CMDQEN);
    invalidate_all(g);
    vs_writel(g, VS_CR0, VS_CR0_CMDQEN | VS_CR0_EVENTQEN);
    assert_access(g, VF_ACCESS_ABORT);
    vs_enable(g, true);
    assert_access(g, VF_ACCESS_ABORT);
    vg_settle(g);
    g_assert(!vs_next_event(g, got));

    write_table(g, NEW_STE0, VS_STE1_DEFAULT);
    assert_access(g, VF_ACCESS_ABORT);
    vs_cfgi_ste(g, VS_SID(1));
    assert_translated(g, NEW_STE0);
    vf_client_push_event(g->c, 0, evt);
    vg_settle(g);
    g_assert(vs_next_event(g, got));
    g_assert_cmphex(got[0], ==, evt[0]);
    g_assert_cmpuint(vf_client_objects(g->c, VF_OBJ_HWPT_NESTED), ==, 3);
    g_assert_cmpuint(vf_client_objects(g->c, VF_OBJ_VDEVICE), ==, 1);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(g->c);
    vg_end_silent(g);
}

static const VsTable linear = VS_LINEAR, two_level = VS_TWO_LEVEL;

/* CR0 is never cleared: the new table counts from when it is looked at */
static void test_restart_on(void)
{
    VfGuest *g = vs_start(1, 1);

    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    write_table(g, 0, 0);
    assert_translated(g, VS_STE0_DEFAULT);
    invalidate_all(g);
    assert_access(g, VF_ACCESS_ABORT);
    write_table(g, NEW_STE0, VS_STE1_DEFAULT);
    invalidate_all(g);
    assert_translated(g, NEW_STE0);

    /* SMMUEN written once more, as set as it was, is a look, too */
    write_table(g, VS_STE0_V | VS_STE0_BYPASS, VS_STE1_SHCFG_IN);
    vs_enable(g, true);
    assert_access(g, VF_ACCESS_BYPASS);
    g_assert_cmpuint(vf_client_objects(g->c, VF_OBJ_HWPT_NESTED), ==, 2);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(g->c);
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < VS_STATES; i++) {
        vg_add_test("smmuv3-accel/reset/pasid", vs_states[i].name,
                    &vs_states[i], test_state);
        vg_add_test("smmuv3-accel/reset/no-pasid", vs_states[i].name,
                    &vs_states[i], test_state_no_pasid);
    }
    qtest_add_func("smmuv3-accel/reset/no-device", test_no_device);
    qtest_add_func("smmuv3-accel/reset/commands", test_commands);
    qtest_add_func("smmuv3-accel/reset/stale", test_stale);
    qtest_add_func("smmuv3-accel/reset/stuck", test_stuck);
    qtest_add_func("smmuv3-accel/reset/hotplug", test_hotplug);
    vg_add_test("smmuv3-accel/restart", "linear", &linear, test_restart);
    vg_add_test("smmuv3-accel/restart", "two-level", &two_level,
                test_restart);
    qtest_add_func("smmuv3-accel/restart/on", test_restart_on);
    return g_test_run();
}
