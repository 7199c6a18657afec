/*
 * QTest of the accelerated SMMUv3: what keeps a Linux guest from SVA
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Linux 7.3 has shared virtual addressing where the SMMU has what the CPUs have
 * (arm_smmu_sva_supported()). What these CPUs have is in their reference
 * manuals, ID_AA64MMFR0_EL1.PARange and .ASIDBits. None that a QTest can have
 * has one of the other features.
 */

#include "qemu/osdep.h"

#include "qemu/bitops.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "vfio-guest/smmu.h"

/* 44 bits of physical address, and 16 of ASID */
#define A57     ""
/* 40 and 16 */
#define A53     "-cpu cortex-a53 "

#define IDR0_ASID16_SHIFT   12
#define IDR3_BBML_SHIFT     11

typedef struct Limit {
    const char *field;
    unsigned int offered, needed;
    bool always;
} Limit;

typedef struct SvaTest {
    const char *name;
    const char *cpu;
    const char *props;
    bool no_asid16;         /* in the host SMMU */
    unsigned int bbml;      /* same */
    bool no_substreams;     /* nothing is listed */
    Limit limit[2];         /* ends at the first without field */
    const char *warning;
} SvaTest;

static const SvaTest sva_tests[] = {
    { .name = "same", .cpu = A57, .props = ",ssidsize=16,oas=44" },
    { .name = "more", .cpu = A57, .props = ",ssidsize=16,oas=48" },
    { .name = "auto", .cpu = A57, .props = "" },
    { .name = "other-cpu", .cpu = A53, .props = ",ssidsize=16,oas=40" },
    { .name = "oas", .cpu = A57, .props = ",ssidsize=16,oas=40",
      .limit = { { "IDR5.OAS", 40, 44, true } },
      .warning = "IDR5.OAS is 40, its CPUs need 44" },
    { .name = "oas-other-cpu", .cpu = A53, .props = ",ssidsize=16,oas=36",
      .limit = { { "IDR5.OAS", 36, 40, true } },
      .warning = "IDR5.OAS is 36, its CPUs need 40" },
    /* Nobody asked for substreams, or wants them */
    { .name = "oas-auto", .cpu = A57, .props = ",oas=40",
      .limit = { { "IDR5.OAS", 40, 44, true } } },
    { .name = "oas-none", .cpu = A57, .props = ",ssidsize=0,oas=40",
      .no_substreams = true },
    { .name = "asid", .cpu = A57, .props = ",ssidsize=16", .no_asid16 = true,
      .limit = { { "IDR0.ASID16", 0, 1, true } },
      .warning = "IDR0.ASID16 is 0, its CPUs need 1" },
    /* CPUs that Linux knows by their number: Neoverse V3 r0p2, C1-Ultra r1p1 */
    { .name = "bbm", .cpu = "-cpu cortex-a57,midr=0x410fd842 ",
      .props = ",ssidsize=16",
      .limit = { { "IDR3.BBML", 0, 2, true } },
      .warning = "IDR3.BBML is 0, its CPUs need 2" },
    { .name = "bbm-revision", .cpu = "-cpu cortex-a57,midr=0x411fd8c1 ",
      .props = ",ssidsize=16",
      .limit = { { "IDR3.BBML", 0, 2, true } },
      .warning = "IDR3.BBML is 0, its CPUs need 2" },
    { .name = "bbm-later", .cpu = "-cpu cortex-a57,midr=0x411fd842 ",
      .props = ",ssidsize=16" },
    { .name = "bbm-earlier", .cpu = "-cpu cortex-a57,midr=0x411fd8c0 ",
      .props = ",ssidsize=16" },
    { .name = "bbm-before", .cpu = "-cpu cortex-a57,midr=0x410fd841 ",
      .props = ",ssidsize=16" },
    { .name = "bbm-other", .cpu = "-cpu cortex-a57,midr=0x4e0fd842 ",
      .props = ",ssidsize=16" },
    { .name = "bbm-same", .cpu = "-cpu cortex-a57,midr=0x410fd842 ",
      .props = ",ssidsize=16", .bbml = 2 },
    /* The user is told of one, and can ask for the rest */
    { .name = "oas-asid", .cpu = A57, .props = ",ssidsize=16,oas=40",
      .no_asid16 = true,
      .limit = { { "IDR5.OAS", 40, 44, true }, { "IDR0.ASID16", 0, 1, true } },
      .warning = "IDR5.OAS is 40, its CPUs need 44" },
};

static void assert_limits(VfGuest *g, const SvaTest *t)
{
    QDict *state = vg_qom_get_struct(g, "/machine/peripheral/smmu",
                                     "x-accel-state");
    const QListEntry *entry;
    int i = 0;

    g_assert_cmpint(qdict_haskey(state, "sva-limits"), ==, !t->no_substreams);
    if (!t->no_substreams) {
        QLIST_FOREACH_ENTRY(qdict_get_qlist(state, "sva-limits"), entry) {
            const QDict *d = qobject_to(QDict, qlist_entry_obj(entry));

            g_assert_cmpint(i, <, ARRAY_SIZE(t->limit));
            g_assert_cmpstr(qdict_get_str(d, "field"), ==, t->limit[i].field);
            g_assert_cmpint(qdict_get_int(d, "offered"), ==,
                            t->limit[i].offered);
            g_assert_cmpint(qdict_get_int(d, "needed"), ==,
                            t->limit[i].needed);
            g_assert_cmpint(qdict_get_bool(d, "always"), ==,
                            t->limit[i].always);
            i++;
        }
    }
    g_assert_true(i == ARRAY_SIZE(t->limit) || !t->limit[i].field);
    qobject_unref(state);
}

static void test_sva(const void *opaque)
{
    const SvaTest *t = opaque;
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);
    g_autofree gchar *text = NULL;
    VfGuest *g;

    if (t->no_asid16) {
        d->idr[0] = deposit32(d->idr[0], IDR0_ASID16_SHIFT, 1, 0);
    }
    d->idr[3] = deposit32(d->idr[3], IDR3_BBML_SHIFT, 2, t->bbml);
    g = vg_start(c, VG_MACHINE "%s" VG_IOMMUFD
                 "-device arm-smmuv3,id=smmu,primary-bus=pcie.0,accel=on%s "
                 VG_PORT(1) "-device vfio-pci,iommufd=i0,fd=%d,id=d1,bus=rp1 ",
                 "", t->cpu, c->iommufd, t->props, c->device_fd[0]);
    assert_limits(g, t);
    vg_system_reset(g);
    text = vg_end(g);
    if (t->warning) {
        const char *first = strstr(text, "SVA");

        vg_assert_has(text, t->warning);
        g_assert_null(strstr(first + 1, "SVA"));
    } else {
        g_assert_cmpstr(text, ==, "");
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(sva_tests); i++) {
        vg_add_test("smmuv3-accel/sva", sva_tests[i].name, &sva_tests[i],
                    test_sva);
    }
    return g_test_run();
}
