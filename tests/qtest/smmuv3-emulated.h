/*
 * Access to the emulated SMMUv3 of -machine virt,iommu=smmuv3, for qtests
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_QTEST_SMMUV3_EMULATED_H
#define TESTS_QTEST_SMMUV3_EMULATED_H

#include "libqtest.h"
#include "smmuv3-regs.h"

static inline uint32_t smmu_readl(QTestState *qts, uint32_t reg)
{
    return qtest_readl(qts, VS_MACHINE_BASE + reg);
}

static inline void smmu_writel(QTestState *qts, uint32_t reg, uint32_t val)
{
    qtest_writel(qts, VS_MACHINE_BASE + reg, val);
}

static inline void smmu_writeq(QTestState *qts, uint32_t reg, uint64_t val)
{
    qtest_writeq(qts, VS_MACHINE_BASE + reg, val);
}

/**
 * smmu_command: put a command into the queue, and assert that it is executed
 *
 * @qts: test state
 * @cmdq: address of the command queue
 * @log2: log2 of its number of entries
 * @word0, @word1: the command
 */
static inline void smmu_command(QTestState *qts, uint64_t cmdq, unsigned log2,
                                uint64_t word0, uint64_t word1)
{
    uint32_t prod = smmu_readl(qts, VS_CMDQ_PROD);
    uint64_t entry = cmdq + (prod & ((1u << log2) - 1)) * VS_CMD_SIZE;

    qtest_writeq(qts, entry, word0);
    qtest_writeq(qts, entry + 8, word1);
    prod = (prod + 1) & ((2u << log2) - 1);
    smmu_writel(qts, VS_CMDQ_PROD, prod);
    g_assert_cmphex(smmu_readl(qts, VS_CMDQ_CONS), ==, prod);
}

#endif /* TESTS_QTEST_SMMUV3_EMULATED_H */
