/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtest for the property ssidsize of the emulated Arm SMMUv3
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * The ID registers for each value, and the values that are refused. Without the
 * property the registers are those of the base.
 */

#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "libqtest.h"
#include "smmuv3-regs.h"

#define IDR(n)                  ((n) * 4)
#define IDR0_CD2L               BIT(19)
#define IDR1_SSIDSIZE_SHIFT     6

/* The identification registers of this machine before substreams existed */
static const uint32_t base_idr[] = {
    0x0d44101b, 0x02730010, 0x00000000, 0x00001414, 0x00000000, 0x00000074,
};

static void test_idr(const void *data)
{
    int ssidsize = GPOINTER_TO_INT(data);
    g_autofree char *args = NULL;
    QTestState *qts;

    args = ssidsize < 0 ? g_strdup("-nodefaults -machine virt,iommu=smmuv3") :
           g_strdup_printf("-nodefaults -machine virt,iommu=smmuv3 "
                           "-global arm-smmuv3.ssidsize=%d", ssidsize);
    qts = qtest_init(args);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < ARRAY_SIZE(base_idr); i++) {
            uint32_t expected = base_idr[i];

            if (ssidsize > 0 && i == 0) {
                expected |= IDR0_CD2L;
            } else if (ssidsize > 0 && i == 1) {
                expected |= ssidsize << IDR1_SSIDSIZE_SHIFT;
            }
            g_assert_cmphex(qtest_readl(qts, VS_MACHINE_BASE + IDR(i)), ==,
                            expected);
        }
        qtest_system_reset(qts);
    }
    qtest_quit(qts);
}

typedef struct {
    const char *name;
    const char *args;
    const char *words;
} RefusalCase;

static const RefusalCase refusal_cases[] = {
    { .name = "range", .args = "-nodefaults -machine virt,iommu=smmuv3 "
      "-global arm-smmuv3.ssidsize=21",
      .words = "arm-smmuv3|ssidsize 21|limit of 20|use 0 to 20" },
    { .name = "stage2", .args = "-nodefaults -machine virt "
      "-device arm-smmuv3,primary-bus=pcie.0,stage=2,ssidsize=8",
      .words = "arm-smmuv3|ssidsize 8|stage=2|stage=nested" },
};

/*
 * Such a machine is not created at all, so QEMU cannot be asked by QMP. One
 * that is created after all leaves when it has written its device tree.
 */
static void test_refusal(const void *data)
{
    const RefusalCase *c = data;
    g_autofree char *cmd = NULL, *err = NULL, *dtb = NULL;
    g_auto(GStrv) words = g_strsplit(c->words, "|", -1);
    int fd = g_file_open_tmp("smmuv3-ssid-XXXXXX", &dtb, NULL);
    int status = 0;

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    cmd = g_strdup_printf("%s -accel qtest -display none -machine dumpdtb=%s "
                          "%s", g_getenv("QTEST_QEMU_BINARY"), dtb, c->args);
    g_assert_true(g_spawn_command_line_sync(cmd, NULL, &err, &status, NULL));
    unlink(dtb);
    g_test_message("%s", err);
    g_assert_cmpint(status, !=, 0);
    for (int i = 0; words[i]; i++) {
        g_assert_nonnull(strstr(err, words[i]));
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        int ssidsize;
    } idr_tests[] = {
        { "/smmuv3-ssid/idr/default", -1 },
        { "/smmuv3-ssid/idr/0", 0 },
        { "/smmuv3-ssid/idr/1", 1 },
        { "/smmuv3-ssid/idr/20", 20 },
    };

    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(idr_tests); i++) {
        qtest_add_data_func(idr_tests[i].path,
                            GINT_TO_POINTER(idr_tests[i].ssidsize), test_idr);
    }
    for (int i = 0; i < ARRAY_SIZE(refusal_cases); i++) {
        g_autofree char *path = g_strdup_printf("/smmuv3-ssid/refusal/%s",
                                                refusal_cases[i].name);

        qtest_add_data_func(path, &refusal_cases[i], test_refusal);
    }
    return g_test_run();
}
