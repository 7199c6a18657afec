/*
 * QTest of vfio-user servers that fail or give wrong answers
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * QEMU has to refuse the device, to go on, and to undo everything that it set
 * up for the device.
 */

#include "qemu/osdep.h"

#include <linux/vfio.h>

#include "hw/pci/pci_regs.h"
#include "hw/vfio-user/protocol.h"
#include "qobject/qdict.h"
#include "qobject/qjson.h"
#include "vfio-guest/guest.h"
#include "vfio-guest/vfio-user.h"

#define ACCEL "-device arm-smmuv3,primary-bus=pcie.0,accel=on,ssidsize=16 "

/* Devices that are a process on the other end of a socket */
#define USER_BAR_SIZE 0x4000
#define USER_DEVICE "{'driver': 'vfio-user-pci', 'id': 'd0'," \
                    " 'x-msg-timeout': %u," \
                    " 'socket': {'type': 'unix', 'path': %s}}"

/* Milliseconds that QEMU waits for a reply: long, or not for long */
#define PATIENT     60000
#define IMPATIENT   200

#define AT(type, field) .offset = offsetof(type, field), \
                        .size = sizeof(((type *)0)->field)

typedef struct UserTest {
    const char *name;
    const char *viommu;         /* options of QEMU */
    void (*describe)(VfDevice *d);
    VuDevice device;            /* differences from a good device */
    bool noisy;                 /* QEMU has more to say than the error */
    const char *error;
} UserTest;

static const VfExtCap caps_aer[] = {
    { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x2c }, { }
};

static void table_in_absent(VfDevice *d)
{
    vf_put32(d->phys + VF_IMAGE_MSIX_CAP + PCI_MSIX_TABLE, 2);
}

static void pin_5(VfDevice *d)
{
    d->phys[PCI_INTERRUPT_PIN] = 5;
}

static void aer_leads_to_f00(VfDevice *d)
{
    vf_put32(d->phys + 0x100, PCI_EXT_CAP_ID_ERR | 2 << 16 | 0xf00u << 20);
}

/* A volume management device, whose BARs QEMU reads from the descriptor */
static void vmd(VfDevice *d)
{
    vf_put32(d->phys + PCI_VENDOR_ID, 0x201d8086);
}

/* A region with a descriptor, whose capabilities would be in its header */
#define REGION_WITHOUT_CAPS \
    .device.sends_fd = VFIO_USER_DEVICE_GET_REGION_INFO, \
    .device.change = { \
        { VFIO_USER_DEVICE_GET_REGION_INFO, AT(VFIOUserRegionInfo, flags), \
          .value = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_CAPS }, \
        { VFIO_USER_DEVICE_GET_REGION_INFO, \
          AT(VFIOUserRegionInfo, cap_offset), .value = 1 } }

/* Ordered by the step of realize that fails */
static const UserTest user_tests[] = {
    { .name = "viommu", .viommu = ACCEL,
      .error = "arm-smmuv3: accel=on cannot translate for d0" },
    { .name = "version", .viommu = "", .device.fails = VFIO_USER_VERSION,
      .error = "version reply" },
    { .name = "version-empty", .viommu = "",
      .device.change[0] = { VFIO_USER_VERSION, AT(VFIOUserHdr, size),
                            .value = sizeof(VFIOUserHdr) },
      .error = "corrupt version reply" },
    { .name = "no-page-sizes", .viommu = "",
      .device.capabilities = "{\"capabilities\": {\"pgsizes\": 0}}",
      .error = "pgsize 0x0 too small" },
    { .name = "migration-no-object", .viommu = "",
      .device.capabilities = "{\"capabilities\": {\"migration\": []}}",
      .error = "malformed migration" },
    { .name = "info", .viommu = "", .device.fails = VFIO_USER_DEVICE_GET_INFO,
      .error = "VFIO_USER_DEVICE_GET_INFO failed" },
    { .name = "info-by-halves", .viommu = "",
      .device.change[0] = { VFIO_USER_DEVICE_GET_INFO,
                            .half = sizeof(VFIOUserHdr) + 4 }, .noisy = true,
      .error = "timed out waiting for reply" },
    { .name = "bar", .viommu = "",
      .device.fails = VFIO_USER_DEVICE_GET_REGION_INFO,
      .error = "failed to get region 0 info" },
    { .name = "bar-endless", .viommu = "",
      .device.change[0] = { VFIO_USER_DEVICE_GET_REGION_INFO,
                            AT(VFIOUserRegionInfo, argsz),
                            .value = UINT32_MAX - 15 },
      .error = "failed to get region 0 info: Argument list too long" },
    { .name = "config", .viommu = "", .device.fails = VFIO_USER_REGION_READ,
      .error = "failed to read device config space" },
    { .name = "config-no-errno", .viommu = "",
      .device.change = {
          { VFIO_USER_REGION_READ, AT(VFIOUserHdr, flags),
            .value = VFIO_USER_REPLY | VFIO_USER_ERROR },
          { VFIO_USER_REGION_READ, AT(VFIOUserHdr, error_reply),
            .value = -VF_CONFIG_SIZE } },
      .error = "failed to read device config space: Input/output error" },
    /* An error that is none */
    { .name = "config-errno-0", .viommu = "",
      .device.change = {
          { VFIO_USER_REGION_READ, AT(VFIOUserHdr, flags),
            .value = VFIO_USER_REPLY | VFIO_USER_ERROR },
          { VFIO_USER_REGION_READ, AT(VFIOUserHdr, error_reply),
            .value = 0 } },
      .error = "failed to read device config space: Input/output error" },
    { .name = "bar-descriptor", .viommu = "", REGION_WITHOUT_CAPS,
      .error = "failed to get region 0 info: Invalid argument" },
    { .name = "config-size", .viommu = "", .describe = aer_leads_to_f00,
      .device.config_size = 386,
      .error = "the configuration space of the device has 0x182 bytes, which "
               "have to be 0x40 to 0x1000, and a multiple of 4 above 0x100" },
    { .name = "vmd", .viommu = "", .describe = vmd, .error = "VMD " },
    { .name = "msix-table", .viommu = "", .describe = table_in_absent,
      .error = "the MSI-X table is in BAR 2, which the device does not have" },
    { .name = "pin", .viommu = "", .describe = pin_5,
      .error = "the device has an interrupt pin 5" },
    { .name = "interrupt", .viommu = "",
      .device.fails = VFIO_USER_DEVICE_SET_IRQS,
      .error = "Failed to set up TRIGGER eventfd signaling for interrupt "
               "INTX-0" },
};

static const UserTest sound = { "sound", "" };

typedef struct User {
    gchar *dir, *path;
    VuServer *server;
    VuDevice device;
} User;

/* The device is one of @c, which the test does not pass through */
static void user_start(User *u, VfClient *c, const UserTest *t)
{
    VfDevice *d = vf_client_add_device(c);

    vf_image_ext_caps(d->phys, caps_aer);
    if (t->describe) {
        t->describe(d);
    }
    u->device = t->device;
    u->device.config = d->phys;
    u->device.bar0 = USER_BAR_SIZE;
    u->dir = g_dir_make_tmp("vfio-fake-XXXXXX", NULL);
    u->path = g_build_filename(u->dir, "socket", NULL);
    u->server = vu_server_start(u->path, &u->device);
}

/* A connection that QEMU keeps does not let this return */
static void user_end(User *u)
{
    vu_server_end(u->server);
    rmdir(u->dir);
    g_free(u->dir);
    g_free(u->path);
}

/* The second half of a reply comes too late */
static unsigned int user_patience(const User *u)
{
    return u->device.change[0].half ? IMPATIENT : PATIENT;
}

static gchar *user_plug(VfGuest *g, User *u)
{
    return vg_plug(g, 1, qdict_from_jsonf_nofail(USER_DEVICE, user_patience(u),
                                                 u->path));
}

static void assert_user_works(VfGuest *g)
{
    g_assert_cmphex(vg_config_readl(g, 1, 0, PCI_VENDOR_ID), ==, 0x00fa1b36);
    g_assert_cmphex(vg_find_cap(g, 1, 0, PCI_CAP_ID_MSIX), ==,
                    VF_IMAGE_MSIX_CAP);
}

/* A refused device is gone, and the next one is not the worse for it */
static void test_user_plugged(const void *opaque)
{
    const UserTest *t = opaque;
    VfClient *c = vf_client_new();
    g_autofree gchar *err = NULL;
    User bad, good;
    VfGuest *g;

    user_start(&bad, c, t);
    user_start(&good, c, &sound);
    g = vg_start(c, VG_MACHINE "%s" VG_PORT(1), "", t->viommu);
    vg_ports(g, 1);

    err = user_plug(g, &bad);
    vg_assert_has(err, t->error);
    vg_settle(g);
    user_end(&bad);

    if (!*t->viommu) {
        g_assert_cmpstr(user_plug(g, &good), ==, NULL);
        assert_user_works(g);
        vg_device_del(g, "d0", 1);
    }
    user_end(&good);
    if (t->noisy) {
        g_free(vg_end(g));
    } else {
        vg_end_silent(g);
    }
}

static void test_user_at_start(const void *opaque)
{
    const UserTest *t = opaque;
    VfClient *c = vf_client_new();
    g_autofree gchar *text = NULL;
    User bad;

    user_start(&bad, c, t);
    text = vg_refused(c, VG_MACHINE "%s" VG_PORT(1) "-device "
                      "'{\"driver\": \"vfio-user-pci\", \"id\": \"d0\","
                      " \"bus\": \"rp1\", \"x-msg-timeout\": %u,"
                      " \"socket\":"
                      " {\"type\": \"unix\", \"path\": \"%s\"}}'", "",
                      t->viommu, user_patience(&bad), bad.path);
    vg_assert_has(text, t->error);
    user_end(&bad);
    vf_client_free(c);
}

/* Nor is the same slot after a device that came and went in peace */
static void test_user_replugged(void)
{
    VfClient *c = vf_client_new();
    VfGuest *g;
    User u[2];

    user_start(&u[0], c, &sound);
    user_start(&u[1], c, &sound);
    g = vg_start(c, VG_MACHINE VG_PORT(1), "");
    vg_ports(g, 1);
    for (int i = 0; i < ARRAY_SIZE(u); i++) {
        g_assert_cmpstr(user_plug(g, &u[i]), ==, NULL);
        assert_user_works(g);
        vg_device_del(g, "d0", 1);
        user_end(&u[i]);
    }
    vg_end_silent(g);
}

/* A server that sends requests without end */

/*
 * Limits of QEMU, from hw/vfio-user/flow.h: requests that are done
 * together, that wait for the main loop, and that QEMU bears while it waits
 * for a reply
 */
#define BATCH       64
#define ROOM        4096
#define LIMIT       65536
/* More small messages than a socket has room for */
#define SOCKET      8192

typedef struct Flood {
    VfGuest *g;
    VuServer *server;           /* that floods, NULL for the one asked */
    unsigned int count;         /* of requests */
    int patience;
    void (*then)(VfGuest *g);   /* called before the reply, or NULL */
    bool armed;
    unsigned int taken;         /* by QEMU */
} Flood;

/* Once, while QEMU waits for the reply with the BQL */
static void flood(VuServer *s, uint16_t command, void *opaque)
{
    Flood *f = opaque;

    if (f->armed && command == VFIO_USER_REGION_READ) {
        f->armed = false;
        f->taken = vu_server_request(f->server ?: s, f->count, f->patience);
        if (f->then) {
            f->then(f->g);
        }
    }
}

static void flood_start(User *u, VfClient *c, Flood *f)
{
    UserTest t = sound;

    t.device.before = flood;
    t.device.opaque = f;
    user_start(u, c, &t);
}

/* All that came before the reply is read, and the reply is */
static void test_flood_reply(void)
{
    VfClient *c = vf_client_new();
    Flood f = { .count = 2 * ROOM, .patience = PATIENT };
    VfGuest *g = vg_start(c, VG_MACHINE VG_PORT(1), "");
    User u;

    vg_ports(g, 1);
    flood_start(&u, c, &f);
    g_assert_cmpstr(user_plug(g, &u), ==, NULL);
    f.armed = true;
    assert_user_works(g);
    g_assert_cmpuint(f.taken, ==, f.count);
    vg_device_del(g, "d0", 1);
    user_end(&u);
    vg_end_silent(g);
}

/* A request that is wrong is not answered either, if it wants no reply */
static void test_flood_wrong(void)
{
    VfClient *c = vf_client_new();
    Flood f = { .count = ROOM, .patience = PATIENT };
    VfGuest *g = vg_start(c, VG_MACHINE VG_PORT(1), "");
    User u;

    vg_ports(g, 1);
    flood_start(&u, c, &f);
    u.device.claims = 1;
    g_assert_cmpstr(user_plug(g, &u), ==, NULL);
    f.armed = true;
    assert_user_works(g);
    vg_settle(g);
    assert_user_works(g);
    vg_device_del(g, "d0", 1);
    user_end(&u);
    vg_end_silent(g);
}

/* There is an end to what QEMU reads in place of a reply */
static void test_flood_cut(void)
{
    VfClient *c = vf_client_new();
    Flood f = { .count = 4 * LIMIT, .patience = PATIENT };
    VfGuest *g = vg_start(c, VG_MACHINE VG_PORT(1), "");
    g_autofree gchar *text = NULL;
    User bad, good;

    vg_ports(g, 1);
    flood_start(&bad, c, &f);
    user_start(&good, c, &sound);
    g_assert_cmpstr(user_plug(g, &bad), ==, NULL);
    f.armed = true;
    g_assert_cmphex(vg_config_readl(g, 1, 0, PCI_VENDOR_ID), ==, UINT32_MAX);
    vg_device_del(g, "d0", 1);
    user_end(&bad);
    g_assert_cmpuint(f.taken, >=, LIMIT);
    g_assert_cmpuint(f.taken, <=, LIMIT + SOCKET);

    g_assert_cmpstr(user_plug(g, &good), ==, NULL);
    assert_user_works(g);
    vg_device_del(g, "d0", 1);
    user_end(&good);
    text = vg_end(g);
    vg_assert_has(text, "the server has sent requests for 0x10000000 bytes "
                  "instead of a reply");
}

/* Requests beyond QEMU's limit stay in the socket while it is busy elsewhere */
static void test_flood_room(void)
{
    VfClient *c = vf_client_new();
    Flood f = { .count = 4 * (ROOM + SOCKET), .patience = 1000 };
    VfGuest *g = vg_start(c, VG_MACHINE VG_PORT(1) VG_PORT(2), "");
    User busy, u;

    vg_ports(g, 2);
    flood_start(&busy, c, &f);
    user_start(&u, c, &sound);
    g_assert_cmpstr(user_plug(g, &busy), ==, NULL);
    g_assert_cmpstr(vg_plug(g, 2, qdict_from_jsonf_nofail(
                                "{'driver': 'vfio-user-pci', 'id': 'd1',"
                                " 'x-msg-timeout': %u, 'socket':"
                                " {'type': 'unix', 'path': %s}}", PATIENT,
                                u.path)), ==, NULL);
    f.server = u.server;
    f.armed = true;
    assert_user_works(g);
    g_assert_cmpuint(f.taken, <=, ROOM + BATCH + SOCKET);

    /* It reads on when it is not busy any more */
    g_assert_cmpuint(vu_server_request(u.server, f.count - f.taken, PATIENT),
                     ==, f.count - f.taken);
    g_assert_cmphex(vg_config_readl(g, 2, 0, PCI_VENDOR_ID), ==, 0x00fa1b36);
    vg_device_del(g, "d1", 2);
    vg_device_del(g, "d0", 1);
    user_end(&u);
    user_end(&busy);
    vg_end_silent(g);
}

/* A question of the user that QEMU has got, and can answer after the reply */
static void ask(VfGuest *g)
{
    bool there = false;

    qtest_qmp_send(g->qts, "{'execute': 'query-status', 'id': 'asked'}");
    while (!there) {
        g_autofree gchar *text = vg_stderr(g);

        there = strstr(text, "asked");
        g_usleep(1000);
    }
}

/* The user does not wait for all of what the server asks for */
static void test_flood_turns(void)
{
    /* Rounds of the main loop that an answer may take */
    enum { ROUNDS = 16 };
    VfClient *c = vf_client_new();
    Flood f = { .count = 2 * ROOM, .patience = PATIENT, .then = ask };
    VfGuest *g = vg_start(c, "-trace vfio_user_recv_request "
                          "-trace handle_qmp_command "
                          "-trace monitor_qmp_respond "
                          VG_MACHINE VG_PORT(1), "");
    g_autofree gchar *text = NULL;
    unsigned int done = 0;
    gchar *answer;
    User u;

    f.g = g;
    vg_ports(g, 1);
    flood_start(&u, c, &f);
    g_assert_cmpstr(user_plug(g, &u), ==, NULL);
    f.armed = true;
    assert_user_works(g);
    qobject_unref(qtest_qmp_receive(g->qts));
    vg_device_del(g, "d0", 1);
    user_end(&u);

    text = vg_end(g);
    answer = strstr(strstr(text, "asked") + 1, "asked");
    g_assert_nonnull(answer);
    for (const gchar *at = text;
         (at = strstr(at, "vfio_user_recv_request")) && at < answer; at++) {
        done++;
    }
    g_test_message("%u requests were done before the answer", done);
    g_assert_cmpuint(done, <=, ROUNDS * BATCH);
}

static void *flood_on(void *opaque)
{
    while (vu_server_request(opaque, LIMIT, PATIENT) == LIMIT) {
        ;
    }
    return NULL;
}

/* And the device can be unplugged meanwhile */
static void test_flood_unplug(void)
{
    VfClient *c = vf_client_new();
    VfGuest *g = vg_start(c, VG_MACHINE VG_PORT(1), "");
    GThread *thread;
    User u;

    vg_ports(g, 1);
    user_start(&u, c, &sound);
    g_assert_cmpstr(user_plug(g, &u), ==, NULL);
    assert_user_works(g);
    thread = g_thread_new("flood", flood_on, u.server);
    vg_device_del(g, "d0", 1);
    g_thread_join(thread);
    user_end(&u);
    g_free(vg_end(g));
}

/* A descriptor that came with a region is closed with a region refused */
static void test_user_fds(void)
{
    static const UserTest refused = { "refused", "", REGION_WITHOUT_CAPS };
    VfClient *c = vf_client_new();
    g_autofree gchar *err = NULL;
    unsigned int before;
    User good, bad;
    VfGuest *g;

    user_start(&good, c, &sound);
    user_start(&bad, c, &refused);
    g = vg_start(c, VG_MACHINE VG_PORT(1), "");
    vg_ports(g, 1);
    /* The first one of all leaves a thread behind, which has descriptors */
    g_assert_cmpstr(user_plug(g, &good), ==, NULL);
    vg_device_del(g, "d0", 1);
    user_end(&good);
    before = vg_open_files(g);

    err = user_plug(g, &bad);
    vg_assert_has(err, "failed to get region 0 info: Invalid argument");
    vg_settle(g);
    user_end(&bad);
    g_assert_cmpuint(vg_open_files(g), ==, before);
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    if (!qtest_has_device("vfio-user-pci")) {
        g_test_skip("this QEMU has no vfio-user-pci");
        return g_test_run();
    }
    for (int i = 0; i < ARRAY_SIZE(user_tests); i++) {
        vg_add_test("vfio-bad-server/plugged", user_tests[i].name,
                    &user_tests[i], test_user_plugged);
        vg_add_test("vfio-bad-server/at-start", user_tests[i].name,
                    &user_tests[i], test_user_at_start);
    }
    qtest_add_func("vfio-bad-server/descriptors", test_user_fds);
    qtest_add_func("vfio-bad-server/replugged", test_user_replugged);
    qtest_add_func("vfio-bad-server/flood/reply", test_flood_reply);
    qtest_add_func("vfio-bad-server/flood/wrong", test_flood_wrong);
    qtest_add_func("vfio-bad-server/flood/cut", test_flood_cut);
    qtest_add_func("vfio-bad-server/flood/room", test_flood_room);
    qtest_add_func("vfio-bad-server/flood/turns", test_flood_turns);
    qtest_add_func("vfio-bad-server/flood/unplug", test_flood_unplug);
    return g_test_run();
}
