/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtest access to a pasid-testdev on the root complex of arm virt
 *
 * Copyright (c) qemu-vpasid contributors
 */

#ifndef TESTS_QTEST_PASID_TESTDEV_H
#define TESTS_QTEST_PASID_TESTDEV_H

#include "libqtest.h"
#include "hw/misc/pasid-testdev.h"
#include "hw/pci/pci_regs.h"

/* The virt machine's memory map, with highmem-ecam=off */
#define PTD_ECAM            0x3f000000ull
#define PTD_BAR             0x10000000ull
#define PTD_RAM             0x40000000ull

/* Device 1, function 0 of bus 0: also the stream ID at an SMMU */
#define PTD_SLOT            "1.0"
#define PTD_DEVFN           (1 << 3)
#define PTD_MACHINE         "-nodefaults -machine virt,highmem-ecam=off"
#define PTD_DEVICE          "-device pasid-testdev,bus=pcie.0,addr=" PTD_SLOT

#define PTD_CONFIG(offset)  (PTD_ECAM + (PTD_DEVFN << 12) + (offset))

static inline uint32_t ptd_cfg_readl(QTestState *qts, uint16_t offset)
{
    return qtest_readl(qts, PTD_CONFIG(offset));
}

static inline uint16_t ptd_cfg_readw(QTestState *qts, uint16_t offset)
{
    return qtest_readw(qts, PTD_CONFIG(offset));
}

static inline void ptd_cfg_writew(QTestState *qts, uint16_t offset,
                                  uint16_t val)
{
    qtest_writew(qts, PTD_CONFIG(offset), val);
}

static inline void ptd_cfg_writel(QTestState *qts, uint16_t offset,
                                  uint32_t val)
{
    qtest_writel(qts, PTD_CONFIG(offset), val);
}

static inline uint32_t ptd_readl(QTestState *qts, uint32_t reg)
{
    return qtest_readl(qts, PTD_BAR + reg);
}

static inline void ptd_writel(QTestState *qts, uint32_t reg, uint32_t val)
{
    qtest_writel(qts, PTD_BAR + reg, val);
}

/* Map BAR 0 and let the device be a bus master */
static inline void ptd_enable(QTestState *qts)
{
    ptd_cfg_writel(qts, PCI_BASE_ADDRESS_0, PTD_BAR);
    ptd_cfg_writel(qts, PCI_BASE_ADDRESS_1, 0);
    ptd_cfg_writew(qts, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

/*
 * ptd_dma - have the device transfer its data words
 * @qts: test state
 * @op: PASID_TESTDEV_CMD_*
 * @addr: bus address
 * @pasid: value of the PASID register, 0 for a request without PASID
 * @len: bytes
 *
 * Returns: the device's status afterwards, PASID_TESTDEV_STATUS_*.
 */
static inline uint32_t ptd_dma(QTestState *qts, uint32_t op, uint64_t addr,
                               uint32_t pasid, uint32_t len)
{
    ptd_writel(qts, PASID_TESTDEV_REG_ADDR_LO, addr);
    ptd_writel(qts, PASID_TESTDEV_REG_ADDR_HI, addr >> 32);
    ptd_writel(qts, PASID_TESTDEV_REG_PASID, pasid);
    ptd_writel(qts, PASID_TESTDEV_REG_LENGTH, len);
    ptd_writel(qts, PASID_TESTDEV_REG_COMMAND, op);
    return ptd_readl(qts, PASID_TESTDEV_REG_STATUS);
}

#endif /* TESTS_QTEST_PASID_TESTDEV_H */
