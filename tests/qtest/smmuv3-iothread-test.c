/*
 * QTest of the emulated Arm SMMUv3: a device with an iothread
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A virtio-blk device reads its queue in an iothread. Its STE has V clear, so
 * that each read of the queue makes an event for the guest, with an interrupt.
 * Sections are those of Arm IHI0070.
 */

#include "qemu/osdep.h"
#include "libqtest.h"
#include "smmuv3-emulated.h"
#include "hw/pci/pci_regs.h"
#include "standard-headers/linux/virtio_config.h"
#include "standard-headers/linux/virtio_pci.h"

#define RAM                 0x40000000ull
#define ECAM                0x3f000000ull
#define BAR                 0x10000000ull
#define BAR_SIZE            0x4000

/* Device 1 of bus 0, which is its StreamID, too */
#define DEVFN               (1 << 3)
#define CONFIG(offset)      (ECAM + (DEVFN << 12) + (offset))

/* GICv2: INTID 106 is the event queue's */
#define GICD                0x08000000ull
#define GICD_CTLR           0x000
#define GICD_ISENABLER(n)   (0x100 + 4 * (n))
#define GICD_ISPENDR(n)     (0x200 + 4 * (n))
#define GICD_ITARGETSR(n)   (0x800 + (n))
#define GICD_ICFGR(n)       (0xc00 + 4 * (n))
#define GICC                0x08010000ull
#define GICC_CTLR           0x000
#define GICC_PMR            0x004
#define INTID_EVENTQ        106

#define STRTAB              (RAM + 0x100000)
#define STRTAB_LOG2         8
#define EVENTQ              (RAM + 0x200000)
#define EVENTQ_LOG2         4

/* Where the device believes its queue to be */
#define QUEUE               (RAM + 0x300000)

/* Offset in the BAR of a structure of the device (virtio 1.2, 4.1.4) */
static uint64_t find_structure(QTestState *qts, uint8_t type)
{
    uint8_t pos = qtest_readb(qts, CONFIG(PCI_CAPABILITY_LIST));

    while (pos) {
        if (qtest_readb(qts, CONFIG(pos)) == PCI_CAP_ID_VNDR &&
            qtest_readb(qts, CONFIG(pos + VIRTIO_PCI_CAP_CFG_TYPE)) == type) {
            g_assert_cmpint(qtest_readb(qts,
                                        CONFIG(pos + VIRTIO_PCI_CAP_BAR)), ==,
                            4);
            return BAR + qtest_readl(qts, CONFIG(pos + VIRTIO_PCI_CAP_OFFSET));
        }
        pos = qtest_readb(qts, CONFIG(pos + PCI_CAP_LIST_NEXT));
    }
    g_assert_not_reached();
}

static void start_device(QTestState *qts)
{
    uint64_t common, notify;
    uint8_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

    qtest_writel(qts, CONFIG(PCI_BASE_ADDRESS_4), BAR);
    qtest_writel(qts, CONFIG(PCI_BASE_ADDRESS_5), 0);
    qtest_writew(qts, CONFIG(PCI_COMMAND),
                 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    common = find_structure(qts, VIRTIO_PCI_CAP_COMMON_CFG);
    notify = find_structure(qts, VIRTIO_PCI_CAP_NOTIFY_CFG);

    qtest_writeb(qts, common + VIRTIO_PCI_COMMON_STATUS, status);
    qtest_writel(qts, common + VIRTIO_PCI_COMMON_GFSELECT, 1);
    qtest_writel(qts, common + VIRTIO_PCI_COMMON_GF,
                 1u << (VIRTIO_F_VERSION_1 - 32) |
                 1u << (VIRTIO_F_ACCESS_PLATFORM - 32));
    status |= VIRTIO_CONFIG_S_FEATURES_OK;
    qtest_writeb(qts, common + VIRTIO_PCI_COMMON_STATUS, status);
    g_assert_cmphex(qtest_readb(qts, common + VIRTIO_PCI_COMMON_STATUS), ==,
                    status);
    qtest_writew(qts, common + VIRTIO_PCI_COMMON_Q_SELECT, 0);
    qtest_writel(qts, common + VIRTIO_PCI_COMMON_Q_DESCLO, QUEUE);
    qtest_writel(qts, common + VIRTIO_PCI_COMMON_Q_AVAILLO, QUEUE + 0x1000);
    qtest_writel(qts, common + VIRTIO_PCI_COMMON_Q_USEDLO, QUEUE + 0x2000);
    qtest_writew(qts, common + VIRTIO_PCI_COMMON_Q_ENABLE, 1);
    status |= VIRTIO_CONFIG_S_DRIVER_OK;
    qtest_writeb(qts, common + VIRTIO_PCI_COMMON_STATUS, status);
    qtest_writew(qts, notify, 0);
}

static void open_gic(QTestState *qts)
{
    qtest_writeb(qts, GICD + GICD_ITARGETSR(INTID_EVENTQ), 1);
    /* By edges */
    qtest_writel(qts, GICD + GICD_ICFGR(INTID_EVENTQ / 16),
                 2u << INTID_EVENTQ % 16 * 2);
    qtest_writel(qts, GICD + GICD_ISENABLER(INTID_EVENTQ / 32),
                 1u << INTID_EVENTQ % 32);
    qtest_writel(qts, GICD + GICD_CTLR, 1);
    qtest_writel(qts, GICC + GICC_PMR, 0xf0);
    qtest_writel(qts, GICC + GICC_CTLR, 1);
}

/* The iothread makes the event: wait for it */
static void wait_for_event(QTestState *qts, uint32_t prod)
{
    for (int i = 0; smmu_readl(qts, VS_EVENTQ_PROD) == prod; i++) {
        g_assert_cmpint(i, <, 30000);
        g_usleep(1000);
    }
}

static void test_event(void)
{
    QTestState *qts = qtest_init("-nodefaults -machine virt,gic-version=2,"
                                 "highmem-ecam=off,iommu=smmuv3"
                                 " -object iothread,id=io0"
                                 " -blockdev null-co,node-name=d0"
                                 " -device virtio-blk-pci,drive=d0,iothread=io0"
                                 ",iommu_platform=on,disable-legacy=on"
                                 ",bus=pcie.0,addr=1.0");

    open_gic(qts);
    smmu_writeq(qts, VS_STRTAB_BASE, STRTAB);
    smmu_writel(qts, VS_STRTAB_BASE_CFG, STRTAB_LOG2);
    smmu_writeq(qts, VS_EVENTQ_BASE, EVENTQ | EVENTQ_LOG2);
    smmu_writel(qts, VS_IRQ_CTRL, VS_IRQ_CTRL_EVENTQ);
    smmu_writel(qts, VS_CR0, VS_CR0_SMMUEN | VS_CR0_EVENTQEN);
    start_device(qts);
    wait_for_event(qts, 0);
    g_assert_cmphex(qtest_readl(qts, EVENTQ) & 0xff, ==, VS_EVT_C_BAD_STE);
    g_assert_cmphex(qtest_readl(qts, EVENTQ + 4), ==, DEVFN);
    g_assert_cmphex(qtest_readl(qts, GICD + GICD_ISPENDR(INTID_EVENTQ / 32)) &
                    1u << INTID_EVENTQ % 32, !=, 0);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("smmuv3-iothread/event", test_event);
    return g_test_run();
}
