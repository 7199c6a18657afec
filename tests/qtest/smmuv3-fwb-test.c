/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtest for forced write-back of the emulated Arm SMMUv3
 *
 * Copyright (c) qemu-vpasid contributors
 */

#include "qemu/osdep.h"
#include "pasid-testdev.h"
#include "smmuv3-emulated.h"

#define IDR3_BASE               0x1414u

/* MemAttr of a stage 2 block is in bits 5:2 */
#define MEMATTR(n)              ((n) << 2)
#define MEMATTR_VALUES          16

#define STRTAB                  (PTD_RAM + 0x100000)
#define STRTAB_LOG2             8
#define S2_TABLE                (PTD_RAM + 0x110000)
#define MARK                    0x1000
#define GIB                     0x40000000ull

static void test_idr(const void *data)
{
    const char *prop = data;
    QTestState *qts = qtest_initf(PTD_MACHINE ",iommu=smmuv3%s", prop);
    uint32_t fwb = strstr(prop, "on") ? VS_IDR3_FWB : 0;

    g_assert_cmphex(smmu_readl(qts, VS_IDR3), ==, IDR3_BASE | fwb);
    qtest_system_reset(qts);
    g_assert_cmphex(smmu_readl(qts, VS_IDR3), ==, IDR3_BASE | fwb);
    qtest_quit(qts);
}

/* With S2FWB MemAttr means something else, none of it changes an address */
static void test_translate(void)
{
    QTestState *qts = qtest_init(PTD_MACHINE ",iommu=smmuv3 " PTD_DEVICE
                                 " -global arm-smmuv3.x-fwb=on");
    uint64_t ste = STRTAB + PTD_DEVFN * VS_STE_SIZE;

    for (int i = 0; i < MEMATTR_VALUES; i++) {
        qtest_writeq(qts, S2_TABLE + i * 8,
                     PTD_RAM | VS_PTE_BLOCK_S2 | MEMATTR(i));
    }
    qtest_writel(qts, PTD_RAM + MARK, 0x5afe);
    qtest_writeq(qts, ste, VS_STE0_V | VS_STE0_S2);
    qtest_writeq(qts, ste + 8, VS_STE1_S2FWB);
    qtest_writeq(qts, ste + 16, VS_STE2_S2_39);
    qtest_writeq(qts, ste + 24, S2_TABLE);

    ptd_enable(qts);
    smmu_writeq(qts, VS_STRTAB_BASE, STRTAB);
    smmu_writel(qts, VS_STRTAB_BASE_CFG, STRTAB_LOG2);
    smmu_writel(qts, VS_CR0, VS_CR0_SMMUEN);

    for (int i = 0; i < MEMATTR_VALUES; i++) {
        ptd_writel(qts, PASID_TESTDEV_REG_DATA, 0);
        g_assert_cmpint(ptd_dma(qts, PASID_TESTDEV_CMD_READ, i * GIB + MARK,
                                0, 4), ==, PASID_TESTDEV_STATUS_OK);
        g_assert_cmphex(ptd_readl(qts, PASID_TESTDEV_REG_DATA), ==, 0x5afe);
    }
    /* the table ends there */
    g_assert_cmpint(ptd_dma(qts, PASID_TESTDEV_CMD_READ,
                            MEMATTR_VALUES * GIB + MARK, 0, 4), ==,
                    PASID_TESTDEV_STATUS_FAULT);
    qtest_quit(qts);
}

/*
 * Such a machine is not created at all, so QEMU cannot be asked by QMP. One
 * that is created after all leaves when it has written its device tree.
 */
static void test_refusal(const void *data)
{
    const char *stage = data;
    g_autofree char *cmd = NULL, *err = NULL, *dtb = NULL;
    int fd = g_file_open_tmp("smmuv3-fwb-XXXXXX", &dtb, NULL);
    int status = 0;

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    cmd = g_strdup_printf("%s -accel qtest -display none " PTD_MACHINE
                          ",dumpdtb=%s "
                          "-device arm-smmuv3,primary-bus=pcie.0,x-fwb=on%s",
                          g_getenv("QTEST_QEMU_BINARY"), dtb, stage);
    g_assert_true(g_spawn_command_line_sync(cmd, NULL, &err, &status, NULL));
    unlink(dtb);
    g_test_message("%s", err);
    g_assert_cmpint(status, !=, 0);
    g_assert_nonnull(strstr(err, "arm-smmuv3: x-fwb=on needs stage 2"));
    g_assert_nonnull(strstr(err, "stage=1 does not"));
    g_assert_nonnull(strstr(err, "stage=nested"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_data_func("/smmuv3-fwb/idr/default", "", test_idr);
    qtest_add_data_func("/smmuv3-fwb/idr/off",
                        " -global arm-smmuv3.x-fwb=off", test_idr);
    qtest_add_data_func("/smmuv3-fwb/idr/on",
                        " -global arm-smmuv3.x-fwb=on", test_idr);
    qtest_add_func("/smmuv3-fwb/translate", test_translate);
    qtest_add_data_func("/smmuv3-fwb/refusal/default", "", test_refusal);
    qtest_add_data_func("/smmuv3-fwb/refusal/stage1", ",stage=1",
                        test_refusal);

    return g_test_run();
}
