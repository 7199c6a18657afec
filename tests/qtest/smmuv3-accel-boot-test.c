/*
 * QTest of the accelerated SMMUv3: calls to the host for the boot of a guest
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A guest writes each STE several times, and firmware numbers each bus more
 * than once. The host needs one nested HWPT and one attachment for each STE
 * that differs from the one before, and one vDEVICE for a StreamID that has
 * events. All numbers here are exact.
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "vfio-guest/smmu.h"

#define DEVICES     VF_MAX_DEVICES
#define PORTS       (DEVICES / VS_FUNCTIONS)

/* A stream table for all of these buses */
#define TABLE_LOG2  12

typedef struct Calls {
    unsigned int vdevice;
    unsigned int hwpt;
    unsigned int attach;
    unsigned int detach;
    unsigned int destroy;
    unsigned int invalidate;
} Calls;

static const Calls no_calls;

/* Asserts how many calls there were since a point of the log */
static void assert_calls(VfGuest *g, uint32_t since, Calls calls)
{
    VfClient *c = g->c;

    g_assert_cmpuint(c->shared->log_len, <, VF_MAX_LOG);
    g_assert_cmpuint(vf_client_count(c, VF_OP_VDEVICE_ALLOC, since), ==,
                     calls.vdevice);
    g_assert_cmpuint(vf_client_count(c, VF_OP_HWPT_ALLOC, since), ==,
                     calls.hwpt);
    g_assert_cmpuint(vf_client_count(c, VF_OP_ATTACH, since), ==,
                     calls.attach);
    g_assert_cmpuint(vf_client_count(c, VF_OP_DETACH, since), ==,
                     calls.detach);
    g_assert_cmpuint(vf_client_count(c, VF_OP_DESTROY, since), ==,
                     calls.destroy);
    g_assert_cmpuint(vf_client_count(c, VF_OP_HWPT_INVALIDATE, since), ==,
                     calls.invalidate);
}

/* Give the bus of each port the number @first and the next ones, or none */
static void number_buses(VfGuest *g, unsigned int first)
{
    for (unsigned int port = 1; port <= PORTS; port++) {
        unsigned int bus = first ? first + port - 1 : 0;

        vg_config_writel(g, 0, port << 3, PCI_PRIMARY_BUS,
                         bus << 8 | bus << 16);
    }
}

static void command(VfGuest *g, uint64_t word0, uint64_t word1)
{
    vs_queue(g, word0, word1);
    vs_sync(g);
}

/* Tables and queues, and each STE with this first word */
static void set_up(VfGuest *g, uint64_t ste0)
{
    vs_setup(g, VS_LINEAR);
    qtest_memset(g->qts, VS_STRTAB, 0, VS_STE_SIZE << TABLE_LOG2);
    vs_writel(g, VS_STRTAB_BASE_CFG, TABLE_LOG2);
    for (unsigned int n = 0; n < DEVICES; n++) {
        vs_write_ste(g, VS_LINEAR, VS_FUNCTION_SID(n), ste0, 0);
    }
    command(g, VS_CMD_CFGI_STE_RANGE, VS_RANGE(31));
    vs_enable(g, true);
}

/*
 * Have a device translated, as Linux does: CD, then the words of the STE that
 * are not looked at yet, then the one that counts, and the same once more
 */
static void translate(VfGuest *g, unsigned int n)
{
    uint32_t sid = VS_FUNCTION_SID(n);
    uint64_t ste0 = VS_STE0_DEFAULT + n * 0x10000ull;

    command(g, VS_CMD_CFGI_CD | (uint64_t)sid << 32, VS_LEAF);
    vs_write_ste(g, VS_LINEAR, sid, VS_STE0_V, VS_STE1_DEFAULT);
    vs_cfgi_ste(g, sid);
    vs_write_ste(g, VS_LINEAR, sid, ste0, VS_STE1_DEFAULT);
    vs_cfgi_ste(g, sid);
    vs_cfgi_ste(g, sid);
    vs_assert_s1(g, n, sid, ste0, VS_STE1_DEFAULT);
}

static void test_boot(void)
{
    VfGuest *g = vs_start_functions(VS_SSID16, DEVICES);
    uint32_t since = g->c->shared->log_len;

    /*
     * Up to now: the parent, abort, bypass; one vDEVICE each to see whether
     * the host can have it, since no bus had a number; parent, then bypass
     */
    assert_calls(g, 0, (Calls) {
        .vdevice = DEVICES, .hwpt = 3, .attach = 2 * DEVICES,
        .destroy = DEVICES,
    });

    /* Firmware: as long as the SMMU is disabled no device has an event */
    number_buses(g, 0);
    number_buses(g, 2);
    number_buses(g, 0);
    number_buses(g, 1);
    assert_calls(g, since, no_calls);

    /* Linux starts with STEs that abort */
    set_up(g, VS_STE0_V);
    assert_calls(g, since, (Calls) { .attach = DEVICES });

    since = g->c->shared->log_len;
    for (unsigned int n = 0; n < DEVICES; n++) {
        translate(g, n);
    }
    assert_calls(g, since, (Calls) {
        .vdevice = DEVICES, .hwpt = DEVICES, .attach = DEVICES,
    });

    /* The same STEs once more, named by each command there is */
    since = g->c->shared->log_len;
    command(g, VS_CMD_CFGI_STE_RANGE, VS_RANGE(31));
    command(g, VS_CMD_CFGI_STE_RANGE | (uint64_t)VS_SID(1) << 32, VS_RANGE(7));
    for (unsigned int n = 0; n < DEVICES; n++) {
        vs_cfgi_ste(g, VS_FUNCTION_SID(n));
    }
    vs_enable(g, true);
    assert_calls(g, since, no_calls);
    vg_end_silent(g);
}

/* A device on bypass has events once the SMMU is enabled */
static void test_passthrough(void)
{
    VfGuest *g = vs_start_functions(VS_SSID16, DEVICES);
    uint32_t since;

    set_up(g, VS_STE0_V);
    since = g->c->shared->log_len;
    for (unsigned int n = 0; n < DEVICES; n++) {
        uint32_t sid = VS_FUNCTION_SID(n);

        vs_write_ste(g, VS_LINEAR, sid, VS_STE0_V | VS_STE0_BYPASS, 0);
        vs_cfgi_ste(g, sid);
        g_assert_cmpint(vf_client_access(g->c, n, NULL), ==, VF_ACCESS_BYPASS);
        g_assert_true(vf_client_device_object(g->c, n)->reports);
        g_assert_cmphex(vf_client_device_object(g->c, n)->event_sid, ==, sid);
    }
    assert_calls(g, since, (Calls) { .vdevice = DEVICES, .attach = DEVICES });
    vg_end_silent(g);
}

/*
 * With ACPI Linux starts with STEs that bypass, for the devices of an RMR node.
 * They are on bypass already, and go on meanwhile: the host takes the vDEVICE
 * into account with another HWPT.
 */
static void test_reserved(void)
{
    VfGuest *g = vs_start_functions(VS_SSID16, DEVICES);
    uint32_t since = g->c->shared->log_len;

    set_up(g, VS_STE0_V | VS_STE0_BYPASS);
    assert_calls(g, since, (Calls) {
        .vdevice = DEVICES, .hwpt = DEVICES, .attach = DEVICES,
    });
    since = g->c->shared->log_len;
    for (unsigned int n = 0; n < DEVICES; n++) {
        uint32_t sid = VS_FUNCTION_SID(n);

        vs_write_ste(g, VS_LINEAR, sid, VS_STE0_DEFAULT, VS_STE1_DEFAULT);
        vs_cfgi_ste(g, sid);
        vs_assert_s1(g, n, sid, VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    }
    assert_calls(g, since, (Calls) {
        .hwpt = DEVICES, .attach = DEVICES, .destroy = DEVICES,
    });
    vg_end_silent(g);
}

/* A device that is plugged has a StreamID: it is tried, and kept */
static void test_plugged(void)
{
    VfGuest *g = vs_start(2, 1);
    g_autofree gchar *err = NULL;
    uint32_t since;

    vs_setup(g, VS_LINEAR);
    vs_enable(g, true);
    since = g->c->shared->log_len;
    err = vg_device_add(g, 1, "d2", 2, "");
    g_assert_cmpstr(err, ==, NULL);
    vs_write_ste(g, VS_LINEAR, VS_SID(2), VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    vs_cfgi_ste(g, VS_SID(2));
    vs_assert_s1(g, 1, VS_SID(2), VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    /* Parent, abort, its own */
    assert_calls(g, since, (Calls) { .vdevice = 1, .hwpt = 1, .attach = 3 });
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("smmuv3-accel-boot/translated", test_boot);
    qtest_add_func("smmuv3-accel-boot/passthrough", test_passthrough);
    qtest_add_func("smmuv3-accel-boot/reserved", test_reserved);
    qtest_add_func("smmuv3-accel-boot/plugged", test_plugged);
    return g_test_run();
}
