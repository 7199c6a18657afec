/*
 * QTest of the accelerated SMMUv3: hot-plug and unplug
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A device that is plugged has to get the access of GBPA or of its STE at once,
 * in each state that the guest can have set up. An unplugged device must leave
 * no object in the host. This holds for the first and the last device as well.
 */

#include "qemu/osdep.h"

#include <linux/pci_regs.h>

#include "vfio-guest/smmu.h"

#define PORTS 3

static void assert_access(VfGuest *g, unsigned int port, VfAccess access)
{
    g_assert_cmpint(vf_client_access(g->c, port - 1, NULL), ==, access);
}

static void plug(VfGuest *g, unsigned int port)
{
    g_autofree gchar *id = g_strdup_printf("d%u", port);
    g_autofree gchar *err = vg_device_add(g, port - 1, id, port, "");

    g_assert_cmpstr(err, ==, NULL);
}

static void unplug(VfGuest *g, unsigned int port)
{
    g_autofree gchar *id = g_strdup_printf("d%u", port);

    vg_device_del(g, id, port);
    assert_access(g, port, VF_ACCESS_NONE);
}

static unsigned int events(VfGuest *g, uint64_t evt[4])
{
    unsigned int n = 0;

    while (vs_next_event(g, evt)) {
        n++;
    }
    return n;
}

/* The only device, into each state, three times over */
static void test_alone(const void *opaque)
{
    const VsState *state = opaque;
    VfGuest *g = vs_start(1, 0);
    uint64_t evt[4];

    vs_setup(g, VS_LINEAR);
    vs_set_state(g, state, 1);
    vf_client_assert_clean(g->c);
    for (int i = 0; i < 3; i++) {
        plug(g, 1);
        assert_access(g, 1, state->access);
        vg_settle(g);
        /* An STE that is not valid for this SMMU is told once per device */
        if (state == &vs_states[VS_BAD]) {
            g_assert_cmpuint(events(g, evt), ==, 1);
            g_assert_cmphex(evt[0], ==, VS_EVT_C_BAD_STE |
                            (uint64_t)VS_SID(1) << 32);
        } else {
            g_assert_cmpuint(events(g, evt), ==, 0);
        }
        unplug(g, 1);
        vf_client_assert_clean(g->c);
    }
    vg_end_silent(g);
}

/* A device arrives, then the guest goes through all states, then it leaves */
static void test_changes(const void *opaque)
{
    const VsState *state = opaque;
    VfGuest *g = vs_start(1, 0);

    vs_setup(g, VS_LINEAR);
    vs_set_state(g, state, 1);
    plug(g, 1);
    for (int to = 0; to < VS_STATES; to++) {
        vs_set_state(g, &vs_states[to], 1);
        assert_access(g, 1, vs_states[to].access);
        vs_set_state(g, state, 1);
        assert_access(g, 1, state->access);
    }
    unplug(g, 1);
    vf_client_assert_clean(g->c);
    vg_end_silent(g);
}

/*
 * Three devices, each with an STE of its own. All that they share is made for
 * the first and goes with the last, whichever these are.
 */
static const VsStateIndex own[PORTS] = { VS_TRANSLATE, VS_BYPASS, VS_ABORT };

static const unsigned int orders[][PORTS] = {
    { 1, 2, 3 }, { 1, 3, 2 }, { 2, 1, 3 }, { 2, 3, 1 }, { 3, 1, 2 },
    { 3, 2, 1 },
};

static void assert_own(VfGuest *g, const bool *there)
{
    unsigned int devices = 0;

    for (int port = 1; port <= PORTS; port++) {
        devices += there[port - 1];
        assert_access(g, port, there[port - 1] ?
                      vs_states[own[port - 1]].access : VF_ACCESS_NONE);
    }
    g_assert_cmpuint(vf_client_objects(g->c, VF_OBJ_DEVICE), ==, devices);
    g_assert_cmpuint(vf_client_objects(g->c, VF_OBJ_IOAS), ==, devices > 0);
    g_assert_cmpuint(vf_client_objects(g->c, VF_OBJ_HWPT_PAGING), ==,
                     devices > 0);
    g_assert_cmpuint(vf_client_objects(g->c, VF_OBJ_VIOMMU), ==, devices > 0);
    g_assert_cmpuint(vf_client_objects(g->c, VF_OBJ_VEVENTQ), ==,
                     devices > 0);
    g_assert_cmpuint(vf_client_objects(g->c, VF_OBJ_VDEVICE), ==, devices);
}

static void test_orders(void)
{
    VfGuest *g = vs_start(PORTS, 0);
    bool there[PORTS] = { false };

    vs_setup(g, VS_LINEAR);
    for (int port = 1; port <= PORTS; port++) {
        vs_set_state(g, &vs_states[own[port - 1]], port);
    }
    for (int order = 0; order < ARRAY_SIZE(orders); order++) {
        for (int i = 0; i < PORTS; i++) {
            plug(g, orders[order][i]);
            there[orders[order][i] - 1] = true;
            assert_own(g, there);
        }
        /* The other way round, so that the first is not always the last */
        for (int i = 0; i < PORTS; i++) {
            unplug(g, orders[ARRAY_SIZE(orders) - 1 - order][i]);
            there[orders[ARRAY_SIZE(orders) - 1 - order][i] - 1] = false;
            assert_own(g, there);
        }
        vf_client_assert_clean(g->c);
    }
    vg_end_silent(g);
}

/* Devices that were there from the start go, and come again */
static void test_cold(void)
{
    VfGuest *g = vs_start(2, 2);

    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    vs_set_state(g, &vs_states[VS_BYPASS], 2);
    assert_access(g, 1, VF_ACCESS_S1);
    unplug(g, 1);
    assert_access(g, 2, VF_ACCESS_BYPASS);
    unplug(g, 2);
    vf_client_assert_clean(g->c);
    plug(g, 2);
    assert_access(g, 2, VF_ACCESS_BYPASS);
    plug(g, 1);
    assert_access(g, 1, VF_ACCESS_S1);
    unplug(g, 2);
    unplug(g, 1);
    vf_client_assert_clean(g->c);
    vg_end_silent(g);
}

/*
 * An iommufd that QEMU has opened itself is closed with the last device. The
 * kernel keeps it, and all that is in it, as long as something else holds it.
 */
static void test_own_iommufd(void)
{
    VfClient *c = vf_client_new();
    VfGuest *g;

    for (int n = 0; n < 2; n++) {
        vf_client_add_device(c);
    }
    g = vg_start(c, VG_MACHINE "-object iommufd,id=i0 " VS_SSID16
                 VG_PORT(1) VG_PORT(2), "");
    vg_ports(g, 2);
    vs_setup(g, VS_LINEAR);
    for (int i = 0; i < 2; i++) {
        plug(g, 1);
        plug(g, 2);
        vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
        vs_set_state(g, &vs_states[VS_TRANSLATE], 2);
        assert_access(g, 1, VF_ACCESS_S1);
        g_assert_cmpuint(vf_client_objects(c, VF_OBJ_VEVENTQ), ==, 1);
        unplug(g, 1);
        assert_access(g, 2, VF_ACCESS_S1);
        unplug(g, 2);
        vf_client_assert_clean(c);
        for (int ctx = 1; ctx < VF_MAX_CTX; ctx++) {
            g_assert_cmpuint(c->shared->ctx[ctx].used, ==, 0);
        }
    }
    vg_end_silent(g);
}

/*
 * The events of the device behind @port reach the guest, under @sid. There are
 * none with SMMUEN clear and by an STE that aborts (IHI0070, 3.11 and 5.2).
 */
static void assert_reports(VfGuest *g, unsigned int port, uint32_t sid)
{
    const VfObject *device = vf_client_device_object(g->c, port - 1);

    if ((vs_readl(g, VS_CR0) & VS_CR0_SMMUEN) &&
        vf_client_access(g->c, port - 1, NULL) != VF_ACCESS_ABORT) {
        g_assert_cmpuint(device->reports, ==, 1);
        g_assert_cmphex(device->event_sid, ==, sid);
    }
}

static void number(VfGuest *g, unsigned int port, uint8_t bus)
{
    vg_config_writel(g, 0, port << 3, PCI_PRIMARY_BUS, bus << 8 | bus << 16);
}

/* Events reach the guest in each state, as soon as there is a StreamID */
static void test_reports(const void *opaque)
{
    const VsState *state = opaque;
    VfGuest *g = vs_start(2, 1);
    uint32_t since;

    assert_reports(g, 1, VS_SID(1));
    vs_setup(g, VS_LINEAR);
    for (unsigned int port = 1; port <= 3; port++) {
        vs_set_state(g, state, port);
    }
    plug(g, 2);
    assert_reports(g, 1, VS_SID(1));
    assert_reports(g, 2, VS_SID(2));
    for (int to = 0; to < VS_STATES; to++) {
        vs_set_state(g, &vs_states[to], 1);
        assert_reports(g, 1, VS_SID(1));
        vs_set_state(g, state, 1);
        assert_reports(g, 1, VS_SID(1));
        assert_access(g, 1, state->access);
    }
    number(g, 1, 3);
    assert_reports(g, 1, VS_SID(3));
    assert_access(g, 1, state->access);

    /* Devices that share a StreamID have it in turn */
    number(g, 2, 3);
    assert_reports(g, 1, VS_SID(3));
    number(g, 1, 1);
    assert_reports(g, 1, VS_SID(1));
    assert_reports(g, 2, VS_SID(3));
    assert_access(g, 2, state->access);
    unplug(g, 1);
    number(g, 2, 1);
    assert_reports(g, 2, VS_SID(1));

    vg_system_reset(g);
    assert_access(g, 2, VF_ACCESS_BYPASS);
    number(g, 2, 0);
    assert_access(g, 2, VF_ACCESS_BYPASS);
    since = g->c->shared->log_len;
    number(g, 2, 2);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_ATTACH, since), ==, 0);
    vs_setup(g, VS_LINEAR);
    vs_write_ste(g, VS_LINEAR, VS_SID(2), VS_STE0_V | VS_STE0_BYPASS, 0);
    vs_enable(g, true);
    assert_reports(g, 2, VS_SID(2));
    /* It is not stopped for that */
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_ATTACH, since), ==, 1);
    unplug(g, 2);
    vf_client_assert_clean(g->c);
    g_free(vg_end(g));
}

/* The host has no memory for the vDEVICE of a device on bypass: it goes on */
static void test_reports_later(void)
{
    static const VfOp ops[] = { VF_OP_VDEVICE_ALLOC, VF_OP_HWPT_ALLOC,
                                VF_OP_ATTACH };
    VfGuest *g = vs_start(1, 1);

    vs_setup(g, VS_LINEAR);
    vs_write_ste(g, VS_LINEAR, VS_SID(1), VS_STE0_V | VS_STE0_BYPASS, 0);
    for (int i = 0; i < ARRAY_SIZE(ops); i++) {
        number(g, 1, 0);
        number(g, 1, 1);
        assert_access(g, 1, VF_ACCESS_BYPASS);
        vf_client_rule(g->c, ops[i], 1, 1, ENOMEM);
        vs_enable(g, true);
        vf_client_clear_rules(g->c);
        assert_access(g, 1, VF_ACCESS_BYPASS);
        g_assert_false(vf_client_device_object(g->c, 0)->reports);
        vs_gbpa(g, false);
        assert_reports(g, 1, VS_SID(1));
        vs_enable(g, false);
    }
    unplug(g, 1);
    vf_client_assert_clean(g->c);
    vg_end_silent(g);
}

/* The host can have no vDEVICE for a device with several StreamIDs */
static void test_streams(void)
{
    VfGuest *g = vs_start(1, 0);
    VfDevice *d = &g->c->shared->device[0];
    const uint32_t streams[] = { 0, 2 };

    vs_setup(g, VS_LINEAR);
    for (int numbered = 0; numbered < 2; numbered++) {
        for (int i = 0; i < ARRAY_SIZE(streams); i++) {
            g_autofree gchar *err = NULL;

            number(g, 1, numbered);
            d->streams = streams[i];
            err = vg_device_add(g, 0, "d1", 1, "");
            g_assert_nonnull(err);
            vg_assert_has(err, "d1");
            vg_assert_has(err, strerror(EOPNOTSUPP));
            vf_client_assert_clean(g->c);
        }
    }
    d->streams = 1;
    number(g, 1, 1);
    plug(g, 1);
    unplug(g, 1);
    vg_end_silent(g);
}

static void test_streams_cold(void)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, 1, 1);
    g_autofree gchar *text = NULL;

    c->shared->device[0].streams = 2;
    text = vg_refused(c, "%s", options);
    vg_assert_has(text, "d1");
    vg_assert_has(text, "PCIe-to-PCI bridge");
    vg_assert_has(text, "root complex without vIOMMU");
    vf_client_free(c);
}

/* A vDEVICE that the host does not free at once is not in the way of others */
static void test_kept_vdevice(void)
{
    VfGuest *g = vs_start(2, 0);

    vs_setup(g, VS_LINEAR);
    for (unsigned int n = 1; n <= 2; n++) {
        number(g, n, 0);
    }
    vf_client_rule(g->c, VF_OP_DESTROY, 1, 1, EBUSY);
    plug(g, 1);
    vf_client_clear_rules(g->c);
    plug(g, 2);
    unplug(g, 1);
    unplug(g, 2);
    vf_client_assert_clean(g->c);
    g_free(vg_end(g));
}

/* A port whose bus the guest has not numbered: its device has no StreamID */
static void test_no_bus_number(void)
{
    VfGuest *g = vs_start(1, 0);

    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_BYPASS], 1);
    vs_set_state(g, &vs_states[VS_BYPASS], 0);
    vg_config_writel(g, 0, 1 << 3, PCI_PRIMARY_BUS, 0);
    plug(g, 1);
    assert_access(g, 1, VF_ACCESS_ABORT);
    vg_ports(g, 1);
    vs_cfgi_ste(g, VS_SID(1));
    assert_access(g, 1, VF_ACCESS_BYPASS);
    unplug(g, 1);
    vf_client_assert_clean(g->c);
    vg_end_silent(g);
}

/* Commands for a device that was just unplugged do nothing */
static void test_late_commands(void)
{
    VfGuest *g = vs_start(2, 0);
    uint32_t since;

    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 2);
    plug(g, 1);
    plug(g, 2);
    unplug(g, 1);
    since = g->c->shared->log_len;
    vs_queue(g, VS_CMD_CFGI_CD_ALL | (uint64_t)VS_SID(1) << 32, 0);
    vs_cfgi_ste(g, VS_SID(1));
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
    g_assert_cmpuint(g->c->shared->log_len, ==, since);
    assert_access(g, 2, VF_ACCESS_S1);
    unplug(g, 2);
    vs_queue(g, VS_CMD_TLBI_NSNH_ALL, 0);
    vs_cfgi_ste(g, VS_SID(2));
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, g->cmdq_prod);
    vf_client_assert_clean(g->c);
    vg_end_silent(g);
}

/* Pending events of a device are dropped when it is unplugged */
static void test_late_events(void)
{
    const uint64_t evt[4] = {
        VS_EVT_F_TRANSLATION | (uint64_t)VS_SID(1) << 32, 0, 0x1000, 0,
    };
    VfGuest *g = vs_start(1, 0);
    uint64_t got[4];

    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    plug(g, 1);
    unplug(g, 1);
    vf_client_push_event(g->c, 0, evt);
    vg_settle(g);
    plug(g, 1);
    vg_settle(g);
    g_assert_cmpuint(events(g, got), ==, 0);
    vf_client_push_event(g->c, 0, evt);
    vg_settle(g);
    g_assert_cmpuint(events(g, got), ==, 1);
    unplug(g, 1);
    vf_client_assert_clean(g->c);
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < VS_STATES; i++) {
        vg_add_test("smmuv3-accel/hotplug/alone", vs_states[i].name,
                    &vs_states[i], test_alone);
        vg_add_test("smmuv3-accel/hotplug/changes", vs_states[i].name,
                    &vs_states[i], test_changes);
        vg_add_test("smmuv3-accel/hotplug/reports", vs_states[i].name,
                    &vs_states[i], test_reports);
    }
    qtest_add_func("smmuv3-accel/hotplug/orders", test_orders);
    qtest_add_func("smmuv3-accel/hotplug/cold", test_cold);
    qtest_add_func("smmuv3-accel/hotplug/own-iommufd", test_own_iommufd);
    qtest_add_func("smmuv3-accel/hotplug/reports-later", test_reports_later);
    qtest_add_func("smmuv3-accel/hotplug/streams", test_streams);
    qtest_add_func("smmuv3-accel/hotplug/streams-cold", test_streams_cold);
    qtest_add_func("smmuv3-accel/hotplug/kept-vdevice", test_kept_vdevice);
    qtest_add_func("smmuv3-accel/hotplug/no-bus-number", test_no_bus_number);
    qtest_add_func("smmuv3-accel/hotplug/late-commands", test_late_commands);
    qtest_add_func("smmuv3-accel/hotplug/late-events", test_late_events);
    return g_test_run();
}
