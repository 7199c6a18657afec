/*
 * QTest of the accelerated SMMUv3: properties and ID registers
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Registers and fields are those of Arm IHI0070, 6.3.1 to 6.3.6.
 */

#include "qemu/osdep.h"

#include "qemu/bitops.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "qobject/qjson.h"
#include "vfio-guest/smmu.h"

#define PLAIN(props) "-device arm-smmuv3,id=smmu0,primary-bus=pcie.0" props " "
#define ACCEL(props) PLAIN(",accel=on" props)
#define JSON(props) "-device '{\"driver\":\"arm-smmuv3\",\"id\":\"smmu0\"," \
                    "\"primary-bus\":\"pcie.0\",\"accel\":true," props "}' "
#define DEVICE "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1 "

/* IDR0 */
#define ATS         (1u << 10)
#define ASID16      (1u << 12)
#define MSI         (1u << 13)   /* of the queue in QEMU: with any host */
#define CD2L        (1u << 19)
#define STLEVEL_ALL (3u << 27)
/* IDR1 */
#define SIDSIZE(n)  (n)
#define SSIDSIZE(n) ((n) << 6)
/* IDR3 */
#define HAD         (1u << 2)
#define RIL         (1u << 10)
#define BBML(n)     ((n) << 11)
/* IDR5 */
#define OAS(n)      (n)
#define GRAN4K      (1u << 4)
#define GRAN16K     (1u << 5)
#define GRAN64K     (1u << 6)

/* Registers of the emulation, as they are without accel=on */
#define EMU_IDR0        0x0d44101au
#define EMU_IDR0_NESTED 0x0d44101bu
#define EMU_IDR1        0x02730010u
#define EMU_IDR3        0x00001404u
#define EMU_IDR3_NESTED 0x00001414u
#define EMU_IDR5        0x00000074u

/* Of these IDR3 differs: nothing is known of a host */
#define FLOOR_IDR3      0u
#define FLOOR_IDR5      (OAS(4) | GRAN4K | GRAN64K)

enum { IDR_COUNT = 6 };

/* Change of a host register against VF_HOST_IDR* */
typedef struct HostChange {
    unsigned int reg;
    uint32_t clear;
    uint32_t set;
} HostChange;

#define HOST_CHANGES 2
#define SAID 4

static void change_host(VfDevice *d, const HostChange change[HOST_CHANGES])
{
    for (int i = 0; i < HOST_CHANGES; i++) {
        uint32_t *idr = &d->idr[change[i].reg];

        *idr = (*idr & ~change[i].clear) | change[i].set;
    }
}

/* Refused at startup, without looking at a device */

static const VgRefused refused_tests[] = {
    { .name = "ssidsize-21", .options = ACCEL(",ssidsize=21"),
      .said = { "ssidsize", "21", "20" } },
    { .name = "ssidsize-wraps", .options = ACCEL(",ssidsize=272"),
      .said = { "ssidsize", "272", "auto" } },
    { .name = "ssidsize-negative", .options = ACCEL(",ssidsize=-1"),
      .said = { "ssidsize", "-1" } },
    { .name = "ssidsize-text", .options = ACCEL(",ssidsize=many"),
      .said = { "ssidsize", "many", "auto" } },
    { .name = "ssidsize-bool", .options = JSON("\"ssidsize\":true"),
      .said = { "ssidsize", "auto" } },
    { .name = "ssidsize-fraction", .options = JSON("\"ssidsize\":16.5"),
      .said = { "ssidsize", "16.5" } },
    { .name = "oas-31", .options = ACCEL(",oas=31"),
      .said = { "oas=31", "32", "52", "auto" } },
    { .name = "oas-46", .options = ACCEL(",oas=46"),
      .said = { "oas=46", "44", "48", "auto" } },
    { .name = "oas-56", .options = ACCEL(",oas=56"),
      .said = { "oas=56", "52", "auto" } },
    { .name = "oas-json", .options = JSON("\"oas\":46"),
      .said = { "oas=46", "44", "48", "auto" } },
    { .name = "oas-plain", .options = PLAIN(",oas=48"),
      .said = { "oas=48", "accel=on", "44" } },
    { .name = "ats-plain", .options = PLAIN(",ats=on"),
      .said = { "ats=on", "accel=on" } },
    { .name = "ats-value", .options = ACCEL(",ats=full"),
      .said = { "ats", "full" } },
    { .name = "x-ats", .options = ACCEL(",x-ats=on"),
      .said = { "x-ats=on", "accel=on", "ats=on" } },
    { .name = "ril-plain", .options = PLAIN(",ril=off"),
      .said = { "ril=off", "accel=on" } },
    { .name = "only-migratable", .options = "-only-migratable " ACCEL(""),
      .said = { "accel=on", "host SMMUv3" } },
    { .name = "ril-value", .options = ACCEL(",ril=2"),
      .said = { "ril", "2" } },
    { .name = "cmdqv", .options = ACCEL(",cmdqv=on"),
      .said = { "cmdqv=on", "cmdqv=auto", "cmdqv=off" } },
    { .name = "cmdqv-plain", .options = PLAIN(",cmdqv=on"),
      .said = { "cmdqv=on", "cmdqv=auto", "cmdqv=off" } },
    { .name = "identifier", .options = ACCEL(",identifier=7"),
      .said = { "identifier=7", "leave identifier out" } },
    { .name = "msi-gpa", .options = ACCEL(",msi-gpa=0x8090040"),
      .said = { "msi-gpa=0x8090040", "leave msi-gpa out" } },
};

/* Refused at startup because the host of the first device lacks something */

typedef struct LacksTest {
    const char *name;
    const char *options;
    HostChange change[HOST_CHANGES];
    const char *said[SAID];
} LacksTest;

static const LacksTest lacks_tests[] = {
    { .name = "ssidsize", .options = ACCEL(",ssidsize=16"), .change = {
        { 1, SSIDSIZE(31), SSIDSIZE(8) } }, .said = {
        "IDR1.SSIDSIZE host 8 guest 16", "ssidsize 16", "at most 8", "d0" } },
    { .name = "ats", .options = ACCEL(",ats=on"), .change = { { 0, ATS } },
      .said = { "IDR0.ATS host 0 guest 1", "ats=on", "ats=off" } },
    { .name = "ril", .options = ACCEL(",ril=on"), .change = { { 3, RIL } },
      .said = { "IDR3.RIL host 0 guest 1", "ril=on", "ril=off" } },
    { .name = "oas", .options = ACCEL(",oas=52"),
      .said = { "IDR5.OAS host 5 guest 6", "oas 52", "at most 48" } },
    { .name = "two-at-once", .options = ACCEL(",oas=48,ril=on"), .change = {
        { 5, OAS(7), OAS(2) }, { 3, RIL } }, .said = {
        "IDR5.OAS host 2 guest 5", "at most 40", "IDR3.RIL host 0 guest 1" } },
    { .name = "no-common-granule", .options = ACCEL(""), .change = {
        { 5, GRAN4K | GRAN16K | GRAN64K } }, .said = { "granule", "d0" } },
};

static void test_lacks(const void *opaque)
{
    const LacksTest *t = opaque;
    VfClient *c = vf_client_new();
    g_autofree gchar *text = NULL;

    change_host(vf_client_add_device(c), t->change);
    text = vg_refused(c, VG_MACHINE "%s" VG_IOMMUFD VG_PORT(1) DEVICE, "",
                      t->options, c->iommufd, c->device_fd[0]);
    for (int i = 0; i < SAID && t->said[i]; i++) {
        vg_assert_has(text, t->said[i]);
    }
    vf_client_free(c);
}

/* ID registers of the guest */

typedef struct OfferTest {
    const char *name;
    const char *options;
    HostChange change[HOST_CHANGES];
    uint32_t idr0, idr1, idr3, idr5;
} OfferTest;

/* All that the model's host and the emulation have, and that a VMM can know */
#define OFFER_IDR0 (EMU_IDR0 | ATS | CD2L)
#define OFFER_IDR1 (EMU_IDR1 | SSIDSIZE(16))
#define OFFER_IDR3 (EMU_IDR3 & ~HAD)
#define OFFER_IDR5 (OAS(5) | GRAN4K | GRAN16K | GRAN64K)

static const OfferTest cold_tests[] = {
    { .name = "default", .options = ACCEL(""), .idr0 = OFFER_IDR0,
      .idr1 = OFFER_IDR1, .idr3 = OFFER_IDR3, .idr5 = OFFER_IDR5 },
    { .name = "auto",
      .options = ACCEL(",ats=auto,ril=auto,oas=auto,ssidsize=auto,cmdqv=auto"),
      .idr0 = OFFER_IDR0, .idr1 = OFFER_IDR1, .idr3 = OFFER_IDR3,
      .idr5 = OFFER_IDR5 },
    { .name = "default-little-host", .options = ACCEL(""),
      .change = { { 0, ATS | ASID16 | STLEVEL_ALL }, { 1, SSIDSIZE(31) } },
      .idr0 = EMU_IDR0 & ~ASID16, .idr1 = EMU_IDR1,
      .idr3 = OFFER_IDR3, .idr5 = OFFER_IDR5 },
    { .name = "default-poor-host", .options = ACCEL(""),
      .change = { { 3, HAD | RIL | BBML(3) }, { 5, OAS(7), OAS(2) } },
      .idr0 = OFFER_IDR0, .idr1 = OFFER_IDR1,
      .idr5 = (OFFER_IDR5 & ~OAS(7)) | OAS(2) },
    { .name = "all-off", .options =
      ACCEL(",ats=off,ril=off,oas=44,ssidsize=0,cmdqv=off,identifier=0"
            ",msi-gpa=0"),
      .idr0 = EMU_IDR0, .idr1 = EMU_IDR1, .idr3 = OFFER_IDR3 & ~RIL,
      .idr5 = (OFFER_IDR5 & ~OAS(7)) | OAS(4) },
    { .name = "ssidsize-0", .options = ACCEL(",ssidsize=0"),
      .idr0 = EMU_IDR0 | ATS, .idr1 = EMU_IDR1, .idr3 = OFFER_IDR3,
      .idr5 = OFFER_IDR5 },
    { .name = "ssidsize-20", .options = ACCEL(",ssidsize=20"), .change = {
        { 1, SSIDSIZE(31), SSIDSIZE(20) } }, .idr0 = OFFER_IDR0,
      .idr1 = EMU_IDR1 | SSIDSIZE(20), .idr3 = OFFER_IDR3,
      .idr5 = OFFER_IDR5 },
    { .name = "ssidsize-auto-reserved", .options = ACCEL(""),
      .change = { { 1, SSIDSIZE(31), SSIDSIZE(31) } }, .idr0 = OFFER_IDR0,
      .idr1 = EMU_IDR1 | SSIDSIZE(20), .idr3 = OFFER_IDR3,
      .idr5 = OFFER_IDR5 },
    { .name = "ssidsize-5-no-cd2l", .options = ACCEL(",ssidsize=5"),
      .change = { { 0, CD2L } }, .idr0 = EMU_IDR0 | ATS, .idr1 = EMU_IDR1 |
      SSIDSIZE(5), .idr3 = OFFER_IDR3, .idr5 = OFFER_IDR5 },
    { .name = "ats-on", .options = ACCEL(",ats=on"), .idr0 = OFFER_IDR0,
      .idr1 = OFFER_IDR1, .idr3 = OFFER_IDR3, .idr5 = OFFER_IDR5 },
    { .name = "ats-off", .options = ACCEL(",ats=off"),
      .idr0 = EMU_IDR0 | CD2L, .idr1 = OFFER_IDR1, .idr3 = OFFER_IDR3,
      .idr5 = OFFER_IDR5 },
    { .name = "ril-off", .options = ACCEL(",ril=off"), .idr0 = OFFER_IDR0,
      .idr1 = OFFER_IDR1, .idr3 = OFFER_IDR3 & ~RIL, .idr5 = OFFER_IDR5 },
    { .name = "ril-on", .options = ACCEL(",ril=on"), .idr0 = OFFER_IDR0,
      .idr1 = OFFER_IDR1, .idr3 = OFFER_IDR3, .idr5 = OFFER_IDR5 },
    { .name = "oas-32", .options = ACCEL(",oas=32"), .idr0 = OFFER_IDR0,
      .idr1 = OFFER_IDR1, .idr3 = OFFER_IDR3, .idr5 = OFFER_IDR5 & ~OAS(7) },
    { .name = "oas-44", .options = ACCEL(",oas=44"), .idr0 = OFFER_IDR0,
      .idr1 = OFFER_IDR1, .idr3 = OFFER_IDR3,
      .idr5 = (OFFER_IDR5 & ~OAS(7)) | OAS(4) },
    { .name = "oas-52", .options = ACCEL(",oas=52"), .change = {
        { 5, OAS(7), OAS(6) } }, .idr0 = OFFER_IDR0, .idr1 = OFFER_IDR1,
      .idr3 = OFFER_IDR3, .idr5 = (OFFER_IDR5 & ~OAS(7)) | OAS(6) },
    { .name = "oas-auto-newer-host", .options = ACCEL(""), .change = {
        { 5, OAS(7), OAS(7) } }, .idr0 = OFFER_IDR0, .idr1 = OFFER_IDR1,
      .idr3 = OFFER_IDR3, .idr5 = (OFFER_IDR5 & ~OAS(7)) | OAS(6) },
    { .name = "granules", .options = ACCEL(""), .change = {
        { 5, GRAN4K | GRAN16K } }, .idr0 = OFFER_IDR0, .idr1 = OFFER_IDR1,
      .idr3 = OFFER_IDR3, .idr5 = OAS(5) | GRAN64K },
    { .name = "global",
      .options = "-global arm-smmuv3.oas=44 -global arm-smmuv3.ssidsize=8 "
      "-global arm-smmuv3.cmdqv=auto " ACCEL(""), .idr0 = OFFER_IDR0,
      .idr1 = EMU_IDR1 | SSIDSIZE(8), .idr3 = OFFER_IDR3,
      .idr5 = (OFFER_IDR5 & ~OAS(7)) | OAS(4) },
};

static void assert_offer(VfGuest *g, const OfferTest *t)
{
    g_assert_cmphex(vs_readl(g, VS_IDR0), ==, t->idr0 | MSI);
    g_assert_cmphex(vs_readl(g, VS_IDR1), ==, t->idr1);
    g_assert_cmphex(vs_readl(g, VS_IDR3), ==, t->idr3);
    g_assert_cmphex(vs_readl(g, VS_IDR5), ==, t->idr5);
}

/* The same by x-accel-offer, and whether auto stands for what a host has */
static void assert_told(VfGuest *g, const OfferTest *t, const char *auto_,
                        const char *device)
{
    static const unsigned int oas[] = { 32, 36, 40, 42, 44, 48, 52 };
    QDict *response = qtest_qmp(g->qts, "{'execute': 'qom-get', 'arguments':"
                                " {'path': '/machine/peripheral/smmu0',"
                                " 'property': 'x-accel-offer'}}");
    const QDict *offer = qdict_get_qdict(response, "return");

    g_assert_nonnull(offer);
    g_assert_cmpstr(qdict_get_str(offer, "auto"), ==, auto_);
    g_assert_cmpstr(qdict_get_try_str(offer, "device"), ==, device);
    g_assert_cmpuint(qdict_get_int(offer, "ssidsize"), ==,
                     extract32(t->idr1, 6, 5));
    g_assert(qdict_get_bool(offer, "ats") == !!(t->idr0 & ATS));
    g_assert(qdict_get_bool(offer, "ril") == !!(t->idr3 & RIL));
    g_assert_cmpuint(qdict_get_int(offer, "oas"), ==, oas[t->idr5 & OAS(7)]);
    qobject_unref(response);
}

static void test_cold(const void *opaque)
{
    const OfferTest *t = opaque;
    VfClient *c = vf_client_new();
    VfGuest *g;

    change_host(vf_client_add_device(c), t->change);
    g = vg_start(c, VG_MACHINE "%s" VG_IOMMUFD VG_PORT(1) DEVICE, "",
                 t->options, c->iommufd, c->device_fd[0]);
    vg_ports(g, 1);
    assert_offer(g, t);
    assert_told(g, t, "host", "d0");
    vg_system_reset(g);
    assert_offer(g, t);
    /* It stays when the device goes */
    vg_device_del(g, "d0", 1);
    assert_offer(g, t);
    assert_told(g, t, "host", "d0");
    vg_quit_silent(g);
    vf_client_free(c);
}

/* No device at startup: the ID registers do not depend on a host */
static const OfferTest hot_tests[] = {
    { .name = "default", .options = ACCEL(""), .idr0 = EMU_IDR0,
      .idr1 = EMU_IDR1, .idr3 = FLOOR_IDR3, .idr5 = FLOOR_IDR5 },
    { .name = "auto",
      .options = ACCEL(",ats=auto,ril=auto,oas=auto,ssidsize=auto"),
      .idr0 = EMU_IDR0, .idr1 = EMU_IDR1, .idr3 = FLOOR_IDR3,
      .idr5 = FLOOR_IDR5 },
    { .name = "auto-poor-host",
      .options = ACCEL(",ats=auto,ril=auto,oas=auto,ssidsize=auto"),
      .change = { { 3, HAD | RIL | BBML(3) }, { 0, ATS | CD2L } },
      .idr0 = EMU_IDR0, .idr1 = EMU_IDR1, .idr3 = FLOOR_IDR3,
      .idr5 = FLOOR_IDR5 },
    { .name = "auto-44-bit-host", .options = ACCEL(""), .change = {
        { 5, OAS(7), OAS(4) }, { 1, SSIDSIZE(31) } }, .idr0 = EMU_IDR0,
      .idr1 = EMU_IDR1, .idr3 = FLOOR_IDR3, .idr5 = FLOOR_IDR5 },
    { .name = "given", .options = ACCEL(",ats=on,ril=on,oas=48,ssidsize=16"),
      .idr0 = EMU_IDR0 | ATS, .idr1 = EMU_IDR1 | SSIDSIZE(16), .idr3 = RIL,
      .idr5 = (FLOOR_IDR5 & ~OAS(7)) | OAS(5) },
    /* All that is JSON comes after all that is not: no device at startup */
    { .name = "json-numbers", .options = JSON("\"oas\":48,\"ssidsize\":8"),
      .idr0 = EMU_IDR0, .idr1 = EMU_IDR1 | SSIDSIZE(8), .idr3 = FLOOR_IDR3,
      .idr5 = (FLOOR_IDR5 & ~OAS(7)) | OAS(5) },
    { .name = "json-text",
      .options = JSON("\"oas\":\"48\",\"ssidsize\":\"8\",\"ats\":\"on\""),
      .idr0 = EMU_IDR0 | ATS, .idr1 = EMU_IDR1 | SSIDSIZE(8),
      .idr3 = FLOOR_IDR3, .idr5 = (FLOOR_IDR5 & ~OAS(7)) | OAS(5) },
    { .name = "json-auto",
      .options = JSON("\"oas\":\"auto\",\"ssidsize\":\"auto\""),
      .idr0 = EMU_IDR0, .idr1 = EMU_IDR1, .idr3 = FLOOR_IDR3,
      .idr5 = FLOOR_IDR5 },
    { .name = "oas-40", .options = ACCEL(",oas=40"), .change = {
        { 5, OAS(7), OAS(2) } }, .idr0 = EMU_IDR0, .idr1 = EMU_IDR1,
      .idr3 = FLOOR_IDR3, .idr5 = (FLOOR_IDR5 & ~OAS(7)) | OAS(2) },
};

static void test_hot(const void *opaque)
{
    const OfferTest *t = opaque;
    VfClient *c = vf_client_new();
    g_autofree gchar *err = NULL;
    VfGuest *g;

    change_host(vf_client_add_device(c), t->change);
    g = vg_start(c, VG_MACHINE "%s" VG_IOMMUFD VG_PORT(1), "", t->options,
                 c->iommufd);
    vg_ports(g, 1);
    assert_offer(g, t);
    assert_told(g, t, "cautious", NULL);
    err = vg_device_add(g, 0, "d0", 1, "");
    g_assert_cmpstr(err, ==, NULL);
    assert_offer(g, t);
    assert_told(g, t, "cautious", NULL);
    vg_system_reset(g);
    assert_offer(g, t);
    vg_quit_silent(g);
    vf_client_free(c);
}

/* Without accel=on nothing of this shows, see the emulation's registers */
typedef struct PlainTest {
    const char *name;
    const char *machine;
    const char *options;
    uint64_t base;
    uint32_t idr[IDR_COUNT];
} PlainTest;

static const PlainTest plain_tests[] = {
    { .name = "device", .machine = "", .options = PLAIN(""), .base = VS_BASE,
      .idr = { EMU_IDR0, EMU_IDR1, 0, EMU_IDR3, 0, EMU_IDR5 } },
    { .name = "device-said", .machine = "",
      .options = PLAIN(",ats=off,ril=on,oas=44,ssidsize=0,cmdqv=off"
                       ",identifier=0,msi-gpa=0"), .base = VS_BASE,
      .idr = { EMU_IDR0, EMU_IDR1, 0, EMU_IDR3, 0, EMU_IDR5 } },
    { .name = "device-auto", .machine = "",
      .options = PLAIN(",ats=auto,ril=auto,oas=auto,ssidsize=auto,cmdqv=auto"),
      .base = VS_BASE,
      .idr = { EMU_IDR0, EMU_IDR1, 0, EMU_IDR3, 0, EMU_IDR5 } },
    { .name = "machine", .machine = ",iommu=smmuv3", .options = "",
      .base = VS_MACHINE_BASE,
      .idr = { EMU_IDR0_NESTED, EMU_IDR1, 0, EMU_IDR3_NESTED, 0, EMU_IDR5 } },
};

static void test_plain(const void *opaque)
{
    const PlainTest *t = opaque;
    VfClient *c = vf_client_new();
    VfGuest *g = vg_start(c, VG_MACHINE "%s", t->machine, t->options);

    for (int i = 0; i < IDR_COUNT; i++) {
        g_assert_cmphex(qtest_readl(g->qts, t->base + 4 * i), ==, t->idr[i]);
    }
    vg_quit_silent(g);
    vf_client_free(c);
}

/* As management software reads them back */

static void assert_property(VfGuest *g, const char *property, const char *value)
{
    g_autofree gchar *text = vg_qom_get_str(g, "/machine/peripheral/smmu0",
                                            property);

    g_assert_cmpstr(text, ==, value);
}

static void test_read_back(void)
{
    VfClient *c = vf_client_new();
    VfGuest *g = vg_start(c, VG_MACHINE ACCEL(",oas=48,ssidsize=8"), "");

    assert_property(g, "oas", "48");
    assert_property(g, "ssidsize", "8");
    vg_quit_silent(g);

    g = vg_start(c, VG_MACHINE ACCEL(""), "");
    assert_property(g, "oas", "auto");
    assert_property(g, "ssidsize", "auto");
    assert_property(g, "ats", "auto");
    assert_property(g, "ril", "auto");
    assert_property(g, "cmdqv", "auto");
    vg_quit_silent(g);
    vf_client_free(c);
}

/* A QEMU on another host, or after this one restarted, finds no translations */

static const char *const migration_modes[] = { "normal", "cpr-reboot" };

/* No process listens on this channel: QEMU must not use it */
static QDict *nowhere(void)
{
    return qdict_from_jsonf_nofail("{ 'transport': 'socket', 'type': 'unix',"
                                   " 'path': '/nowhere' }");
}

static void test_migration(const void *mode)
{
    VfClient *c = vf_client_new();
    VfGuest *g = vg_start(c, VG_MACHINE ACCEL(""), "");
    QDict *response, *error;

    qtest_qmp_assert_success(g->qts, "{ 'execute': 'migrate-set-parameters',"
                             " 'arguments': { 'mode': %s } }",
                             (const char *)mode);
    response = qtest_qmp(g->qts, "{ 'execute': 'migrate', 'arguments':"
                         " { 'channels': [ { 'channel-type': 'main',"
                         " 'addr': %p } ] } }", nowhere());
    error = qdict_get_qdict(response, "error");
    g_assert_nonnull(error);
    vg_assert_has(qdict_get_str(error, "desc"), "accel=on");
    vg_assert_has(qdict_get_str(error, "desc"), "host SMMUv3");
    qobject_unref(response);
    vg_quit_silent(g);
    vf_client_free(c);
}

/* STE.EATS (5.2) means something only with ATS */

#define S1          (VS_STE0_V | VS_STE0_S1 | VS_CDTAB)
#define EATS(n)     ((uint64_t)(n) << 28)
#define EATS_FULL   1
#define EATS_SPLIT  2

/* iommufd.h IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED */
#define ATS_NOT_SUPPORTED (1ull << 3)

typedef struct EatsTest {
    const char *name;
    const char *options;
    uint64_t hw_caps;
    uint64_t eats;
    VfAccess access;
    uint64_t installed;
} EatsTest;

static const EatsTest eats_tests[] = {
    { .name = "off", .options = ACCEL(",ats=off"), .eats = EATS_FULL,
      .access = VF_ACCESS_S1 },
    { .name = "full", .options = ACCEL(",ats=on"), .eats = EATS_FULL,
      .access = VF_ACCESS_S1, .installed = EATS_FULL },
    { .name = "auto", .options = ACCEL(""), .eats = EATS_FULL,
      .access = VF_ACCESS_S1, .installed = EATS_FULL },
    { .name = "none", .options = ACCEL(",ats=on"), .access = VF_ACCESS_S1 },
    { .name = "not-this-device", .options = ACCEL(",ats=on"),
      .hw_caps = ATS_NOT_SUPPORTED, .eats = EATS_FULL,
      .access = VF_ACCESS_S1 },
    /* The guest cannot see that the device has it, and can guess */
    { .name = "hidden",
      .options = ACCEL(",ats=on") "-global vfio-pci.ats=off ",
      .eats = EATS_FULL, .access = VF_ACCESS_S1 },
    { .name = "split", .options = ACCEL(",ats=on"), .eats = EATS_SPLIT,
      .access = VF_ACCESS_ABORT },
};

static void test_eats(const void *opaque)
{
    const EatsTest *t = opaque;
    VfClient *c = vf_client_new();
    uint64_t ste[2] = { 0 };
    VfGuest *g;

    vf_client_add_device(c)->hw_caps |= t->hw_caps;
    g = vg_start(c, VG_MACHINE "%s" VG_IOMMUFD VG_PORT(1) DEVICE, "",
                 t->options, c->iommufd, c->device_fd[0]);
    vg_ports(g, 1);
    vs_setup(g, VS_LINEAR);
    vs_enable(g, true);
    vs_write_ste(g, VS_LINEAR, VS_SID(1), S1, EATS(t->eats));
    vs_cfgi_ste(g, VS_SID(1));
    g_assert_cmpint(vf_client_access(c, 0, ste), ==, t->access);
    if (t->access == VF_ACCESS_S1) {
        g_assert_cmphex(ste[1] & EATS(3), ==, EATS(t->installed));
    } else {
        uint64_t evt[4];

        vg_settle(g);
        g_assert(vs_next_event(g, evt));
        g_assert_cmphex(evt[0] & 0xff, ==, VS_EVT_C_BAD_STE);
    }
    vg_quit_silent(g);
    vf_client_free(c);
}

/* "-device arm-smmuv3,help" describes each property by more than its type */
static void test_descriptions(void)
{
    QTestState *qts = qtest_init("-M none");
    QDict *reply = qtest_qmp(qts, "{'execute': 'device-list-properties',"
                             " 'arguments': {'typename': 'arm-smmuv3'}}");
    QListEntry *e;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(reply, "return"), e) {
        const QDict *property = qobject_to(QDict, qlist_entry_obj(e));
        const char *text = qdict_get_try_str(property, "description");

        g_test_message("%s: %s", qdict_get_str(property, "name"),
                       text ?: "no description");
        g_assert_nonnull(text);
        g_assert_nonnull(strchr(text, ' '));
    }
    qobject_unref(reply);
    qtest_quit(qts);
}

#define ADD(group, rows, run) do {                                           \
    for (int i_ = 0; i_ < ARRAY_SIZE(rows); i_++) {                          \
        g_autofree gchar *path_ =                                            \
            g_strdup_printf("smmuv3-accel-props/" group "/%s", rows[i_].name); \
                                                                             \
        qtest_add_data_func(path_, &rows[i_], run);                          \
    }                                                                        \
} while (0)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    ADD("refused", refused_tests, vg_test_refused);
    ADD("lacks", lacks_tests, test_lacks);
    ADD("cold", cold_tests, test_cold);
    ADD("hot", hot_tests, test_hot);
    ADD("plain", plain_tests, test_plain);
    ADD("eats", eats_tests, test_eats);
    qtest_add_func("smmuv3-accel-props/read-back", test_read_back);
    qtest_add_func("smmuv3-accel-props/descriptions", test_descriptions);
    for (int i = 0; i < ARRAY_SIZE(migration_modes); i++) {
        vg_add_test("smmuv3-accel-props/migration", migration_modes[i],
                    migration_modes[i], test_migration);
    }
    return g_test_run();
}
