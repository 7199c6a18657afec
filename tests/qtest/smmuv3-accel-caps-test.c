/*
 * QTest of the accelerated SMMUv3: ID registers of the host
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Registers and fields are those of Arm IHI0070, 6.3.1 to 6.3.6. The host of
 * the model has every feature; each row changes some of its fields.
 */

#include "qemu/osdep.h"

#include "qemu/bitops.h"
#include "vfio-guest/smmu.h"

#define ACCEL(props) "-device arm-smmuv3,primary-bus=pcie.0,accel=on" props " "
#define ALL     ACCEL(",ssidsize=16,ats=on,ril=on,oas=48")
#define ALL_STALL(value)    ACCEL(",ssidsize=16,ats=on,ril=on,oas=48,x-stall=" \
                                  value)
#define DEVICE  "-device vfio-pci,iommufd=i0,fd=%d,id=d0,bus=rp1 "

/* Register, shift and width of a field */
#define TTF         { 0, 2, 2 }
#define COHACC      { 0, 4, 1 }
#define ATS         { 0, 10, 1 }
#define ASID16      { 0, 12, 1 }
#define CD2L        { 0, 19, 1 }
#define TTENDIAN    { 0, 21, 2 }
#define STALL_MODEL { 0, 24, 2 }
#define STLEVEL     { 0, 27, 2 }
#define SIDSIZE     { 1, 0, 6 }
#define SSIDSIZE    { 1, 6, 5 }
#define HAD         { 3, 2, 1 }
#define RIL         { 3, 10, 1 }
#define BBML        { 3, 11, 2 }
#define OAS         { 5, 0, 3 }
#define GRAN4K      { 5, 4, 1 }
#define GRAN16K     { 5, 5, 1 }
#define GRAN64K     { 5, 6, 1 }
#define DS          { 5, 7, 1 }
#define VAX         { 5, 10, 2 }

typedef struct HostField {
    struct {
        unsigned int reg, shift, width;
    } field;
    uint32_t value;
} HostField;

#define HOST(field, value) { field, value }
#define MOST 11

/* Of a row without @said the host is taken */
typedef struct CapsTest {
    const char *name;
    const char *options;
    bool hot;               /* the device comes after the guest could look */
    HostField host[MOST];   /* ends at the first of width 0 */
    const char *said[MOST];
    const char *warning;    /* of what the CPUs have and the SMMU has not */
} CapsTest;

static const CapsTest caps_tests[] = {
    { .name = "ttf-both", .options = ALL, .host = { HOST(TTF, 3) } },
    { .name = "ttf-aarch32", .options = ALL, .host = { HOST(TTF, 1) },
      .said = { "IDR0.TTF host 1 guest 2" } },
    { .name = "ttendian-mixed", .options = ALL,
      .host = { HOST(TTENDIAN, 0) } },
    { .name = "ttendian-big", .options = ALL, .host = { HOST(TTENDIAN, 3) },
      .said = { "IDR0.TTENDIAN host 3 guest 2" } },
    { .name = "ttendian-reserved", .options = ALL,
      .host = { HOST(TTENDIAN, 1) },
      .said = { "IDR0.TTENDIAN host 1 guest 2" } },
    /* Firmware overrides it, and the kernel goes by that */
    { .name = "cohacc", .options = ALL, .host = { HOST(COHACC, 0) } },
    { .name = "cohacc-hot", .options = ALL, .hot = true,
      .host = { HOST(COHACC, 0) } },
    { .name = "stall-both", .options = ALL, .host = { HOST(STALL_MODEL, 0) } },
    { .name = "stall-none", .options = ALL, .host = { HOST(STALL_MODEL, 1) } },
    { .name = "stall-forced", .options = ALL,
      .host = { HOST(STALL_MODEL, 2) } },
    { .name = "stall-forced-hot", .options = ALL, .hot = true,
      .host = { HOST(STALL_MODEL, 2) },
      .said = { "IDR0.STALL_MODEL host 2 guest 1",
        "x-stall=auto, settled at startup, the host needs x-stall=force" } },
    { .name = "stall-off-both", .options = ALL_STALL("off"),
      .host = { HOST(STALL_MODEL, 0) } },
    { .name = "stall-off-none", .options = ALL_STALL("off"),
      .host = { HOST(STALL_MODEL, 1) } },
    { .name = "stall-off-forced", .options = ALL_STALL("off"),
      .host = { HOST(STALL_MODEL, 2) },
      .said = { "IDR0.STALL_MODEL host 2 guest 1",
        "x-stall=off, the host needs x-stall=force" } },
    { .name = "stall-on-both", .options = ALL_STALL("on"),
      .host = { HOST(STALL_MODEL, 0) } },
    { .name = "stall-on-none", .options = ALL_STALL("on"),
      .host = { HOST(STALL_MODEL, 1) },
      .said = { "IDR0.STALL_MODEL host 1 guest 0",
        "x-stall=on, the host needs x-stall=off" } },
    { .name = "stall-on-forced", .options = ALL_STALL("on"),
      .host = { HOST(STALL_MODEL, 2) },
      .said = { "IDR0.STALL_MODEL host 2 guest 0",
        "x-stall=on, the host needs x-stall=force" } },
    { .name = "stall-force-both", .options = ALL_STALL("force"),
      .host = { HOST(STALL_MODEL, 0) },
      .said = { "IDR0.STALL_MODEL host 0 guest 2",
        "x-stall=force, the host needs x-stall=on or off" } },
    { .name = "stall-force-none", .options = ALL_STALL("force"),
      .host = { HOST(STALL_MODEL, 1) },
      .said = { "IDR0.STALL_MODEL host 1 guest 2",
        "x-stall=force, the host needs x-stall=off" } },
    { .name = "stall-force-forced", .options = ALL_STALL("force"),
      .host = { HOST(STALL_MODEL, 2) } },
    { .name = "stall-force-forced-hot", .options = ALL_STALL("force"),
      .hot = true, .host = { HOST(STALL_MODEL, 2) } },
    /* The guest's stream table and StreamIDs stay with the guest */
    { .name = "stlevel-cold", .options = ALL, .host = { HOST(STLEVEL, 0) } },
    { .name = "stlevel-hot", .options = ALL, .hot = true,
      .host = { HOST(STLEVEL, 0) } },
    { .name = "asid16-cold", .options = ALL, .host = { HOST(ASID16, 0) },
      .warning = "IDR0.ASID16" },
    { .name = "asid16-hot", .options = ALL, .hot = true,
      .host = { HOST(ASID16, 0) }, .said = { "IDR0.ASID16 host 0 guest 1" } },
    { .name = "cd2l", .options = ALL, .hot = true, .host = { HOST(CD2L, 0) } },
    { .name = "had-bbml", .options = ALL, .hot = true,
      .host = { HOST(HAD, 0), HOST(BBML, 0) } },
    { .name = "sidsize", .options = ALL, .host = { HOST(SIDSIZE, 8) } },
    { .name = "sidsize-hot", .options = ALL, .hot = true,
      .host = { HOST(SIDSIZE, 8) } },
    { .name = "sidsize-more", .options = ALL, .host = { HOST(SIDSIZE, 32) } },
    { .name = "ssidsize", .options = ALL, .hot = true,
      .host = { HOST(SSIDSIZE, 15) },
      .said = { "IDR1.SSIDSIZE host 15 guest 16", "at most 15" } },
    { .name = "ssidsize-more", .options = ALL, .hot = true,
      .host = { HOST(SSIDSIZE, 20) } },
    { .name = "ats", .options = ALL, .hot = true, .host = { HOST(ATS, 0) },
      .said = { "IDR0.ATS host 0 guest 1", "ats=on" } },
    { .name = "ats-off", .options = ACCEL(",ats=off"), .hot = true,
      .host = { HOST(ATS, 0) } },
    { .name = "ril", .options = ALL, .hot = true, .host = { HOST(RIL, 0) },
      .said = { "IDR3.RIL host 0 guest 1", "ril=on" } },
    { .name = "ril-off", .options = ACCEL(",ril=off"), .hot = true,
      .host = { HOST(RIL, 0) } },
    { .name = "oas", .options = ALL, .hot = true, .host = { HOST(OAS, 4) },
      .said = { "IDR5.OAS host 4 guest 5", "oas 48", "at most 44" } },
    { .name = "oas-more", .options = ALL, .hot = true,
      .host = { HOST(OAS, 6) } },
    { .name = "gran4k-cold", .options = ALL, .host = { HOST(GRAN4K, 0) } },
    { .name = "gran4k-hot", .options = ALL, .hot = true,
      .host = { HOST(GRAN4K, 0) }, .said = { "IDR5.GRAN4K host 0 guest 1" } },
    { .name = "gran16k-hot", .options = ALL, .hot = true,
      .host = { HOST(GRAN16K, 0) } },
    { .name = "gran64k-hot", .options = ALL, .hot = true,
      .host = { HOST(GRAN64K, 0) },
      .said = { "IDR5.GRAN64K host 0 guest 1" } },
    /* The guest is offered neither of them */
    { .name = "ds-vax", .options = ALL, .hot = true,
      .host = { HOST(DS, 1), HOST(VAX, 1) } },
    { .name = "no-ds-vax", .options = ALL, .hot = true,
      .host = { HOST(DS, 0), HOST(VAX, 0) } },
    { .name = "gran-none", .options = ALL,
      .host = { HOST(GRAN4K, 0), HOST(GRAN16K, 0), HOST(GRAN64K, 0) },
      .said = { "no common granule" } },
    { .name = "everything", .options = ALL_STALL("off"), .host = { HOST(TTF, 1),
        HOST(COHACC, 0), HOST(ATS, 0), HOST(TTENDIAN, 3), HOST(STALL_MODEL, 2),
        HOST(SIDSIZE, 8), HOST(SSIDSIZE, 0), HOST(RIL, 0), HOST(OAS, 0) },
        .said = { "IDR0.TTF host 1 guest 2", "IDR0.ATS host 0 guest 1",
          "IDR0.TTENDIAN host 3 guest 2", "IDR0.STALL_MODEL host 2 guest 1",
          "IDR1.SSIDSIZE host 0 guest 16",
          "IDR3.RIL host 0 guest 1", "IDR5.OAS host 0 guest 5",
          "at most 32" } },
};

static void assert_said(const CapsTest *t, const char *text)
{
    vg_assert_has(text, "d0");
    for (int i = 0; i < MOST && t->said[i]; i++) {
        vg_assert_has(text, t->said[i]);
    }
    /* And of no other field */
    for (const char *p = text; (p = strstr(p, " guest ")); p++) {
        bool known = !g_ascii_isdigit(p[strlen(" guest ")]);

        for (int i = 0; i < MOST && t->said[i]; i++) {
            const char *field = strstr(text, t->said[i]);

            known |= p >= field && p < field + strlen(t->said[i]);
        }
        g_assert(known);
    }
}

static void test_caps(const void *opaque)
{
    const CapsTest *t = opaque;
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);
    g_autofree gchar *text = NULL;
    VfGuest *g;

    for (const HostField *f = t->host; f < t->host + MOST && f->field.width;
         f++) {
        uint32_t *reg = &d->idr[f->field.reg];

        *reg = deposit32(*reg, f->field.shift, f->field.width, f->value);
    }
    if (t->said[0] && !t->hot) {
        text = vg_refused(c, VG_MACHINE "%s" VG_IOMMUFD VG_PORT(1) DEVICE, "",
                          t->options, c->iommufd, c->device_fd[0]);
        assert_said(t, text);
        vf_client_free(c);
        return;
    }
    if (t->hot) {
        g = vg_start(c, VG_MACHINE "%s" VG_IOMMUFD VG_PORT(1), "", t->options,
                     c->iommufd);
        vg_ports(g, 1);
        text = vg_device_add(g, 0, "d0", 1, "");
    } else {
        g = vg_start(c, VG_MACHINE "%s" VG_IOMMUFD VG_PORT(1) DEVICE, "",
                     t->options, c->iommufd, c->device_fd[0]);
    }
    if (t->said[0]) {
        assert_said(t, text);
        g_assert_cmpuint(vf_client_objects(c, VF_OBJ_DEVICE), ==, 0);
    } else {
        g_assert_cmpstr(text, ==, NULL);
        g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_BYPASS);
    }
    g_free(text);
    text = vg_end(g);
    if (t->warning) {
        vg_assert_has(text, t->warning);
    } else {
        g_assert_cmpstr(text, ==, "");
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(caps_tests); i++) {
        vg_add_test("smmuv3-accel-caps", caps_tests[i].name, &caps_tests[i],
                    test_caps);
    }
    return g_test_run();
}
