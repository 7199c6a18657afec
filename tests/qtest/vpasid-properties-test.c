/*
 * Properties that the series adds: each has a description for -device ...,help
 * and a line in the documentation
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "libqtest.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"

/* tests/data is a link into the source tree */
#define DOCS    "tests/data/../../docs/"

/* Properties of QEMU 10.2 without the series */
#define PCI_PROPERTIES \
    "acpi-index addr busnr failover_pair_id multifunction rombar romfile " \
    "romsize sriov-pf x-max-bounce-buffer-size x-pcie-ari-nextfn-1 " \
    "x-pcie-err-unc-mask x-pcie-ext-tag x-pcie-extcap-init x-pcie-lnksta-dllla "

typedef struct PropertyTest {
    const char *type;
    const char *of_base;        /* names, each with a space behind it */
    const char *added;
    const char *page;
} PropertyTest;

static const PropertyTest tests[] = {
    { .type = "arm-smmuv3",
      .of_base = "bus_num primary-bus smmu_per_bus stage ",
      .added = "accel ats cmdqv identifier msi-gpa oas ril ssidsize "
               "x-accel-offer x-accel-state x-ats x-fwb x-stall ",
      .page = "system/devices/vfio-pasid.rst" },
    { .type = "vfio-pci",
      .of_base = PCI_PROPERTIES
          "bootindex display enable-migration fd host iommufd migration-events "
          "skip-vsc-check sysfsdev vf-token x-balloon-allowed "
          "x-device-dirty-page-tracking x-igd-gms x-igd-legacy-mode x-igd-lpc "
          "x-igd-opregion x-intx-mmap-timeout-ms "
          "x-migration-load-config-after-iter "
          "x-migration-max-queued-buffers-size x-migration-multifd-transfer "
          "x-msix-relocation x-no-geforce-quirks x-no-kvm-intx "
          "x-no-kvm-ioeventfd x-no-kvm-msi x-no-kvm-msix x-no-mmap "
          "x-no-vfio-ioeventfd x-nv-gpudirect-clique x-pci-class-code "
          "x-pci-device-id x-pci-sub-device-id x-pci-sub-vendor-id "
          "x-pci-vendor-id x-pre-copy-dirty-page-tracking x-req x-vga xres "
          "yres ",
      .added = "ats x-vpasid x-vpasid-cap-offset x-vpasid-state ",
      .page = "system/devices/vfio-pasid.rst" },
    { .type = "xio3130-downstream",
      .of_base = PCI_PROPERTIES
          "aer_log_max chassis hotplug port power_controller_present slot "
          "x-do-not-expose-native-hotplug-cap x-pci-express-writeable-slt-bug ",
      .added = "x-disable-acs ",
      .page = "system/devices/vfio-pasid.rst" },
    { .type = "pasid-testdev",
      .of_base = PCI_PROPERTIES,
      .added = "ats ecap-image exec no-pasid pasid-offset pasid-width pm-reset "
               "priv ",
      .page = "specs/pasid-testdev.rst" },
};

static bool has_word(const char *words, const char *word)
{
    g_auto(GStrv) list = g_strsplit(words, " ", -1);

    return g_strv_contains((const char *const *)list, word);
}

/* A definition of the property: its name at the start of a line */
static void assert_documented(const char *page, const char *name)
{
    g_autofree char *path = g_strconcat(DOCS, page, NULL);
    g_autofree char *pattern = g_strdup_printf("^(``|.*, ``)%s(=|``)", name);
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    if (!g_regex_match_simple(pattern, text, G_REGEX_MULTILINE, 0)) {
        g_error("%s is not in docs/%s", name, page);
    }
}

static void test_properties(const void *opaque)
{
    const PropertyTest *test = opaque;
    QTestState *qts = qtest_init("-M none");
    g_autoptr(GString) added = g_string_new(NULL);
    QDict *response = qtest_qmp(qts, "{'execute': 'device-list-properties',"
                                " 'arguments': {'typename': %s}}", test->type);
    const QListEntry *entry;
    g_auto(GStrv) names = NULL;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(response, "return"), entry) {
        const QDict *property = qobject_to(QDict, qlist_entry_obj(entry));
        const char *name = qdict_get_str(property, "name");
        const char *text = qdict_get_try_str(property, "description");

        if (has_word(test->of_base, name)) {
            continue;
        }
        /* The names of a type's values describe no property */
        if (!text || !strcmp(text, "on/off") || !strcmp(text, "on/off/auto")) {
            g_error("%s of %s has no description", name, test->type);
        }
        g_string_append_printf(added, "%s ", name);
        assert_documented(test->page, name);
    }
    names = g_strsplit(test->added, " ", -1);
    for (char **name = names; **name; name++) {
        g_assert_true(has_word(added->str, *name));
    }
    g_assert_cmpuint(added->len, ==, strlen(test->added));
    qobject_unref(response);
    qtest_quit(qts);
}

/* Further properties of an accelerated SMMUv3, for developers */
static void test_instance(void)
{
    QTestState *qts = qtest_init("-M virt,gic-version=3 -nic none -device "
                                 "arm-smmuv3,id=s,primary-bus=pcie.0,accel=on");
    QDict *response = qtest_qmp(qts, "{'execute': 'qom-list', 'arguments':"
                                " {'path': '/machine/peripheral/s'}}");
    g_autofree char *text = NULL;
    const QListEntry *entry;
    unsigned int count = 0;

    g_assert_true(g_file_get_contents(DOCS "devel/vfio-pasid.rst", &text, NULL,
                                      NULL));
    QLIST_FOREACH_ENTRY(qdict_get_qlist(response, "return"), entry) {
        const char *name = qdict_get_str(qobject_to(QDict,
                                                    qlist_entry_obj(entry)),
                                         "name");
        g_autofree char *quoted = g_strdup_printf("``%s``", name);

        if (g_str_has_prefix(name, "x-") &&
            !has_word(tests[0].added, name)) {
            count++;
            if (!strstr(text, quoted)) {
                g_error("%s is not in docs/devel/vfio-pasid.rst", name);
            }
        }
    }
    g_assert_cmpuint(count, >, 0);
    qobject_unref(response);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (int i = 0; i < ARRAY_SIZE(tests); i++) {
        g_autofree char *path = g_strdup_printf("/vpasid/properties/%s",
                                                tests[i].type);

        qtest_add_data_func(path, &tests[i], test_properties);
    }
    qtest_add_func("/vpasid/properties/instance", test_instance);
    return g_test_run();
}
