/*
 * QTest of the accelerated SMMUv3: plugging while a device is freed
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An unplugged device has no bus any more, but VFIO keeps it attached until the
 * last reader of its memory regions has gone, which takes some tens of
 * milliseconds while a CPU runs. A management program may plug the next device
 * or replace QEMU in that time, so the tests do not wait for its end.
 */

#include "qemu/osdep.h"

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "vfio-guest/smmu.h"

/* The CPU finds nothing to run, and takes one exception after another */
#define RUNNING "-accel tcg "

#define PORTS   3
#define ROUNDS  3
/* No host device comes twice: the kernel has it bound for as long */
#define DEVICES (PORTS * (ROUNDS + 1))

typedef struct WindowTest {
    const char *name;
    unsigned int count;         /* of devices that make room in a round */
    bool event;                 /* wait for DEVICE_DELETED, as libvirt does */
} WindowTest;

static const WindowTest window_tests[] = {
    { .name = "one", .count = 1, .event = false },
    { .name = "one-event", .count = 1, .event = true },
    { .name = "two", .count = 2, .event = false },
    { .name = "two-event", .count = 2, .event = true },
    { .name = "all", .count = PORTS, .event = false },
    { .name = "all-event", .count = PORTS, .event = true },
};

static void plug(VfGuest *g, unsigned int dev, unsigned int port)
{
    g_autofree gchar *id = g_strdup_printf("d%u", dev);
    g_autofree gchar *err = vg_device_add(g, dev, id, port, "");

    g_assert_cmpstr(err, ==, NULL);
    g_assert_cmpint(vf_client_access(g->c, dev, NULL), ==, VF_ACCESS_S1);
}

static void unplug(VfGuest *g, unsigned int dev, unsigned int port, bool event)
{
    g_autofree gchar *id = g_strdup_printf("d%u", dev);

    vg_device_del_at_once(g, id, 0, port << 3);
    if (event) {
        qtest_qmp_eventwait(g->qts, "DEVICE_DELETED");
    }
    g_assert_cmpint(vf_client_access(g->c, dev, NULL), ==, VF_ACCESS_NONE);
}

/* It cannot be told from outside when all that went was freed */
static void wait_objects(VfGuest *g, VfObjType type, unsigned int count)
{
    while (vf_client_objects(g->c, type) != count) {
        vg_settle(g);
    }
}

static void test_window(const void *opaque)
{
    const WindowTest *t = opaque;
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, PORTS, 0);
    unsigned int there[PORTS];
    unsigned int next = 0;
    VfGuest *g;

    for (unsigned int n = PORTS; n < DEVICES; n++) {
        vf_client_add_device(c);
    }
    g = vg_start(c, RUNNING "%s", options);
    vg_ports(g, PORTS);
    vs_setup(g, VS_LINEAR);
    for (unsigned int n = 0; n < PORTS; n++) {
        vs_set_state(g, &vs_states[VS_TRANSLATE], n + 1);
        there[n] = next++;
        plug(g, there[n], n + 1);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned int n = 0; n < t->count; n++) {
            unplug(g, there[n], n + 1, t->event);
        }
        for (unsigned int n = 0; n < t->count; n++) {
            there[n] = next++;
            plug(g, there[n], n + 1);
        }
        /* Later commands still reach the remaining devices */
        vs_cfgi_ste(g, VS_SID(1));
        for (unsigned int n = 0; n < PORTS; n++) {
            g_assert_cmpint(vf_client_access(c, there[n], NULL), ==,
                            VF_ACCESS_S1);
        }
    }
    wait_objects(g, VF_OBJ_DEVICE, PORTS);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_HWPT_PAGING), ==, 1);
    for (unsigned int n = 0; n < PORTS; n++) {
        unplug(g, there[n], n + 1, t->event);
    }
    wait_objects(g, VF_OBJ_IOAS, 0);
    vf_client_assert_clean(c);
    vg_end_silent(g);
}

/*
 * A device behind each of two SMMUs, which have a second stage each: that is
 * still so with a device that goes, and without a bus is behind neither.
 */
static void test_two_smmus(void)
{
    static const struct {
        uint8_t bus;
        uint8_t devfn;
    } port[] = { { 0, 1 << 3 }, { 8, 0 } };
    VfClient *c = vf_client_new();
    unsigned int next = ARRAY_SIZE(port);
    VfGuest *g;

    for (unsigned int n = 0; n < DEVICES; n++) {
        vf_client_add_device(c);
    }
    g = vg_start(c, VG_MACHINE RUNNING VG_IOMMUFD VS_SSID16 VG_PORT(1)
                 "-device pxb-pcie,id=pxb8,bus=pcie.0,bus_nr=8 "
                 "-device arm-smmuv3,primary-bus=pxb8,accel=on,ssidsize=16 "
                 "-device pcie-root-port,id=rp2,chassis=2,slot=2,"
                 "bus=pxb8,io-reserve=0 "
                 "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1 "
                 "-device vfio-pci,iommufd=i0,fd=%d,id=d1,bus=rp2 ", "",
                 c->iommufd, c->device_fd[0], c->device_fd[1]);
    vg_ports(g, 1);
    vg_config_writel(g, 8, 0, PCI_PRIMARY_BUS, 8 | 9 << 8 | 9 << 16);
    for (int round = 0; round < ROUNDS; round++) {
        const unsigned int old = next - ARRAY_SIZE(port);

        for (unsigned int n = 0; n < ARRAY_SIZE(port); n++) {
            g_autofree gchar *id = g_strdup_printf("d%u", old + n);

            vg_device_del_at_once(g, id, port[n].bus, port[n].devfn);
        }
        for (unsigned int n = 0; n < ARRAY_SIZE(port); n++) {
            g_autofree gchar *id = g_strdup_printf("d%u", next + n);
            g_autofree gchar *err = NULL;

            err = vg_device_add_at(g, next + n, id, n + 1, port[n].bus,
                                   port[n].devfn, "");
            g_assert_cmpstr(err, ==, NULL);
            g_assert_cmpint(vf_client_access(c, next + n, NULL), ==,
                            VF_ACCESS_BYPASS);
        }
        next += ARRAY_SIZE(port);
        wait_objects(g, VF_OBJ_DEVICE, ARRAY_SIZE(port));
        g_assert_cmpuint(vf_client_objects(c, VF_OBJ_VIOMMU), ==, 2);
        g_assert_cmpuint(vf_client_objects(c, VF_OBJ_HWPT_PAGING), ==, 2);
    }
    vg_end_pxb(g);
}

/* A new QEMU takes over, by which a device keeps its name */

static VfGuest *start_shared(unsigned int plugged)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, 2, plugged);
    VfGuest *g;

    for (int i = 0; i < ROUNDS; i++) {
        vf_client_add_device(c);
    }
    for (int i = 0; i < ROUNDS + 2; i++) {
        /* VFIO hands interrupts over by way of KVM only */
        c->shared->device[i].phys[PCI_INTERRUPT_PIN] = 0;
    }
    /*
     * A BAR that is not mapped: with TCG, QEMU 10.2 may wait for ever where a
     * migration starts while memory of a device is freed, since the one has
     * the lock of the list of RAM blocks and drops the BQL to wait for a CPU.
     */
    vf_client_change(c, VF_OP_GET_REGION_INFO, VFIO_PCI_BAR0_REGION_INDEX,
                     offsetof(struct vfio_region_info, flags),
                     sizeof(((struct vfio_region_info *)0)->flags),
                     VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE);
    g = vg_start(c, RUNNING VG_SHARED_RAM "%s", options);
    vg_ports(g, 2);
    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_BYPASS], 1);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 2);
    return g;
}

/* Another device has the name by then, or just got it */
static void test_same_name(const void *opaque)
{
    const bool *at_once = opaque;
    VfGuest *g = start_shared(2);
    VfClient *c = g->c;

    for (int i = 0; i < ROUNDS; i++) {
        unsigned int dev = i + 2;
        g_autofree gchar *err = NULL;

        vg_device_del_at_once(g, "d2", 0, 2 << 3);
        err = vg_device_add(g, dev, "d2", 2, "");
        g_assert_cmpstr(err, ==, NULL);
        if (!*at_once) {
            wait_objects(g, VF_OBJ_DEVICE, 2);
        }
        if (i % 2) {
            vg_transfer(g);
        } else {
            vg_exec(g, NULL);
        }
        wait_objects(g, VF_OBJ_DEVICE, 2);
        g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_BYPASS);
        g_assert_cmpint(vf_client_access(c, dev, NULL), ==, VF_ACCESS_S1);
    }
    vg_end_silent(g);
}

typedef struct GoneTest {
    const char *name;
    bool transfer;
    bool inherited;     /* the descriptor is a number of the command line's */
} GoneTest;

static const GoneTest gone_tests[] = {
    { .name = "exec", .transfer = false, .inherited = false },
    { .name = "exec-inherited", .transfer = false, .inherited = true },
    { .name = "transfer", .transfer = true, .inherited = false },
    { .name = "transfer-inherited", .transfer = true, .inherited = true },
};

/* It is not handed over any more, and the host gets it back at once */
static void test_gone(const void *opaque)
{
    const GoneTest *t = opaque;
    VfGuest *g = start_shared(t->inherited ? 2 : 1);
    VfClient *c = g->c;
    g_autofree gchar *from = g_strdup_printf("vfio-pci,iommufd=i0,fd=%d,id=d2",
                                             c->device_fd[1]);
    /* The next command line has a bridge in its place */
    const VgNext next = { .from = t->inherited ? from : NULL,
                          .to = "x3130-upstream" };

    if (!t->inherited) {
        g_autofree gchar *err = vg_device_add(g, 1, "d2", 2, "");

        g_assert_cmpstr(err, ==, NULL);
    }
    g_assert_cmpint(vf_client_access(c, 1, NULL), ==, VF_ACCESS_S1);
    vg_device_del_at_once(g, "d2", 0, 2 << 3);
    if (t->transfer) {
        vg_transfer_to(g, &next);
    } else {
        vg_exec_to(g, &next);
    }
    g_assert_cmpint(vf_client_access(c, 1, NULL), ==, VF_ACCESS_NONE);
    g_assert_cmpuint(vf_client_objects(c, VF_OBJ_DEVICE), ==, 1);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_BYPASS);
    vg_end_silent(g);
}

static const bool no, yes = true;

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(window_tests); i++) {
        vg_add_test("smmuv3-accel/window", window_tests[i].name,
                    &window_tests[i], test_window);
    }
    qtest_add_func("smmuv3-accel/window/two-smmus", test_two_smmus);
    vg_add_test("smmuv3-accel/window/same-name", "later", &no, test_same_name);
    vg_add_test("smmuv3-accel/window/same-name", "at-once", &yes,
                test_same_name);
    for (int i = 0; i < ARRAY_SIZE(gone_tests); i++) {
        vg_add_test("smmuv3-accel/window/gone", gone_tests[i].name,
                    &gone_tests[i], test_gone);
    }
    return g_test_run();
}
