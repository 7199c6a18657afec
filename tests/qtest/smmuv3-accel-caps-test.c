/*
 * QTest of the accelerated SMMUv3: hosts that can and cannot stand in for it
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Registers and fields are those of Arm IHI0070, 6.3.1 to 6.3.6. Each row
 * changes fields of the host that the fake has, which can do everything.
 */

#include "qemu/osdep.h"

#include "qemu/bitops.h"
#include "vfio-guest/smmu.h"

#define ACCEL(props) "-device arm-smmuv3,primary-bus=pcie.0,accel=on" props " "
#define ALL     ACCEL(",ssidsize=16,ats=on,ril=on,oas=48")
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
} CapsTest;

static const CapsTest caps_tests[] = {
    { "ttf-both", ALL, false, { HOST(TTF, 3) } },
    { "ttf-aarch32", ALL, false, { HOST(TTF, 1) },
      { "IDR0.TTF host 1 guest 2" } },
    { "ttendian-mixed", ALL, false, { HOST(TTENDIAN, 0) } },
    { "ttendian-big", ALL, false, { HOST(TTENDIAN, 3) },
      { "IDR0.TTENDIAN host 3 guest 2" } },
    { "ttendian-reserved", ALL, false, { HOST(TTENDIAN, 1) },
      { "IDR0.TTENDIAN host 1 guest 2" } },
    { "cohacc", ALL, false, { HOST(COHACC, 0) },
      { "IDR0.COHACC host 0 guest 1" } },
    { "stall-both", ALL, false, { HOST(STALL_MODEL, 0) } },
    { "stall-none", ALL, false, { HOST(STALL_MODEL, 1) } },
    { "stall-forced", ALL, false, { HOST(STALL_MODEL, 2) },
      { "IDR0.STALL_MODEL host 2 guest 1" } },
    { "stlevel-cold", ALL, false, { HOST(STLEVEL, 0) } },
    { "stlevel-hot", ALL, true, { HOST(STLEVEL, 0) },
      { "IDR0.STLEVEL host 0 guest 1" } },
    { "asid16-cold", ALL, false, { HOST(ASID16, 0) } },
    { "asid16-hot", ALL, true, { HOST(ASID16, 0) },
      { "IDR0.ASID16 host 0 guest 1" } },
    { "cd2l", ALL, true, { HOST(CD2L, 0) } },
    { "had-bbml", ALL, true, { HOST(HAD, 0), HOST(BBML, 0) } },
    { "sidsize", ALL, false, { HOST(SIDSIZE, 15) },
      { "IDR1.SIDSIZE host 15 guest 16" } },
    { "sidsize-more", ALL, false, { HOST(SIDSIZE, 32) } },
    { "ssidsize", ALL, true, { HOST(SSIDSIZE, 15) },
      { "IDR1.SSIDSIZE host 15 guest 16", "at most 15" } },
    { "ssidsize-more", ALL, true, { HOST(SSIDSIZE, 20) } },
    { "ats", ALL, true, { HOST(ATS, 0) },
      { "IDR0.ATS host 0 guest 1", "ats=on" } },
    { "ats-off", ACCEL(",ats=off"), true, { HOST(ATS, 0) } },
    { "ril", ALL, true, { HOST(RIL, 0) },
      { "IDR3.RIL host 0 guest 1", "ril=on" } },
    { "ril-off", ACCEL(",ril=off"), true, { HOST(RIL, 0) } },
    { "oas", ALL, true, { HOST(OAS, 4) },
      { "IDR5.OAS host 4 guest 5", "oas 48", "at most 44" } },
    { "oas-more", ALL, true, { HOST(OAS, 6) } },
    { "gran4k-cold", ALL, false, { HOST(GRAN4K, 0) } },
    { "gran4k-hot", ALL, true, { HOST(GRAN4K, 0) },
      { "IDR5.GRAN4K host 0 guest 1" } },
    { "gran16k-hot", ALL, true, { HOST(GRAN16K, 0) } },
    { "gran64k-hot", ALL, true, { HOST(GRAN64K, 0) },
      { "IDR5.GRAN64K host 0 guest 1" } },
    { "gran-none", ALL, false, { HOST(GRAN4K, 0), HOST(GRAN16K, 0),
      HOST(GRAN64K, 0) }, { "no common granule" } },
    { "everything", ALL, false,
      { HOST(TTF, 1), HOST(COHACC, 0), HOST(ATS, 0), HOST(TTENDIAN, 3),
        HOST(STALL_MODEL, 2), HOST(SIDSIZE, 8), HOST(SSIDSIZE, 0),
        HOST(RIL, 0), HOST(OAS, 0) },
      { "IDR0.TTF host 1 guest 2", "IDR0.COHACC host 0 guest 1",
        "IDR0.ATS host 0 guest 1", "IDR0.TTENDIAN host 3 guest 2",
        "IDR0.STALL_MODEL host 2 guest 1", "IDR1.SIDSIZE host 8 guest 16",
        "IDR1.SSIDSIZE host 0 guest 16", "IDR3.RIL host 0 guest 1",
        "IDR5.OAS host 0 guest 5", "at most 32" } },
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
    vg_quit_silent(g);
    vf_client_free(c);
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
