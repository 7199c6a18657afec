/*
 * QTest of the accelerated SMMUv3: tables and queues at device addresses
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A guest chooses the addresses of tables and queues. If the event queue is at
 * the registers of fw_cfg, an event record could start a DMA transfer, which
 * could power off the slot of the device that the SMMU is handling. Such an
 * access has to be an external abort instead (Arm IHI0070, 3.22).
 */

#include "qemu/osdep.h"

#include <linux/pci_regs.h>

#include "qemu/bswap.h"
#include "standard-headers/linux/qemu_fw_cfg.h"
#include "vfio-guest/smmu.h"

/* The virt machine's memory map */
#define FLASH       0x00000000ull
#define UART        0x09000000ull
#define FW_CFG      0x09020000ull
#define FW_CFG_DATA (FW_CFG + 0)
#define FW_CFG_CTL  (FW_CFG + 8)

/* Commands of its flash: program one word, read the array */
#define FLASH_PROGRAM   0x40
#define FLASH_READ      0xff

/* A transfer that the guest has prepared in memory */
#define TRANSFER    (VG_RAM + 0x500000)

#define GERROR_EVENTQ_ABT VS_GERROR_EVENTQ_ABT_ERR

static uint8_t fw_cfg_next(VfGuest *g)
{
    return qtest_readb(g->qts, FW_CFG_DATA);
}

/*
 * Returns: how many bytes into the list of files there are two that power a
 * slot off when they are written to its control register.
 */
static unsigned int find_power_off(VfGuest *g)
{
    const uint8_t off = (PCI_EXP_SLTCTL_PWR_OFF |
                         PCI_EXP_SLTCTL_PWR_IND_OFF) >> 8;
    unsigned int at;

    qtest_writew(g->qts, FW_CFG_CTL, bswap16(FW_CFG_FILE_DIR));
    for (at = 0; at < 0x40; at += 2) {
        fw_cfg_next(g);
        if ((fw_cfg_next(g) & off) == off) {
            return at;
        }
    }
    g_assert_not_reached();
}

/* Returns: the transfer that powers off the slot of port 1, big-endian */
static struct fw_cfg_dma_access transfer_power_off(VfGuest *g)
{
    const uint8_t port = 1 << 3;
    unsigned int at = find_power_off(g);
    uint64_t slot = VG_ECAM + (port << 12) + PCI_EXP_SLTCTL +
                    vg_find_cap(g, 0, port, PCI_CAP_ID_EXP);

    return (struct fw_cfg_dma_access) {
        .control = cpu_to_be32(FW_CFG_FILE_DIR << 16 | FW_CFG_DMA_CTL_SELECT |
                               FW_CFG_DMA_CTL_READ),
        .length = cpu_to_be32(at + 2),
        .address = cpu_to_be64(slot - at),
    };
}

static void eventq_at(VfGuest *g, uint64_t base)
{
    uint32_t cr0 = vs_readl(g, VS_CR0);

    vs_writel(g, VS_CR0, cr0 & ~VS_CR0_EVENTQEN);
    qtest_writeq(g->qts, VS_BASE + VS_EVENTQ_BASE, base | VS_EVENTQ_LOG2);
    vs_writel(g, VS_CR0, cr0);
}

static void assert_plugged(VfGuest *g, unsigned int count)
{
    for (unsigned int n = 0; n < count; n++) {
        g_assert_nonnull(vf_client_device_object(g->c, n));
    }
}

/* The device chooses an address that starts the transfer, two times at once */
static void test_host_events(void)
{
    VfGuest *g = vs_start_s1();
    const struct fw_cfg_dma_access transfer = transfer_power_off(g);
    const uint64_t word[4] = {
        VS_EVT_F_TRANSLATION | (uint64_t)VS_SID(1) << 32, 0, bswap64(TRANSFER)
    };
    uint64_t evt[2][4];
    uint32_t left;

    qtest_memwrite(g->qts, TRANSFER, &transfer, sizeof(transfer));
    eventq_at(g, FW_CFG);
    memcpy(evt[0], word, sizeof(word));
    memcpy(evt[1], word, sizeof(word));
    vf_client_add_events(g->c, 0, evt, ARRAY_SIZE(evt));
    vf_client_wake(g->c, 0);
    vg_settle(g);

    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, GERROR_EVENTQ_ABT);
    /* fw_cfg clears it when it is done */
    qtest_memread(g->qts, TRANSFER, &left, sizeof(left));
    g_assert_cmphex(left, ==, transfer.control);
    assert_plugged(g, 1);
    vg_end_silent(g);
}

static void flash_write(VfGuest *g, uint32_t offset, uint32_t value)
{
    qtest_writel(g->qts, FLASH + offset, FLASH_PROGRAM);
    qtest_writel(g->qts, FLASH + offset, value);
    qtest_writel(g->qts, FLASH + offset, FLASH_READ);
}

/*
 * No device does anything: the record of a bad STE has no address, so the
 * transfer is the one at address 0, which is flash that the guest can program.
 */
static void test_own_events(const void *opaque)
{
    const unsigned int *devices = opaque;
    VfGuest *g = vs_start(*devices, *devices);
    const struct fw_cfg_dma_access transfer = transfer_power_off(g);
    const VsState *bad = &vs_states[VS_BAD];
    uint32_t words[sizeof(transfer) / sizeof(uint32_t)];

    memcpy(words, &transfer, sizeof(transfer));
    for (int i = 0; i < ARRAY_SIZE(words); i++) {
        flash_write(g, i * sizeof(words[0]), le32_to_cpu(words[i]));
    }
    g_assert_cmphex(qtest_readl(g->qts, FLASH), ==, le32_to_cpu(words[0]));

    vs_setup(g, VS_LINEAR);
    vs_enable(g, true);
    eventq_at(g, FW_CFG);
    for (unsigned int port = 1; port <= *devices; port++) {
        vs_write_ste(g, VS_LINEAR, VS_SID(port), bad->word[0], bad->word[1]);
    }
    vs_queue(g, VS_CMD_CFGI_STE_RANGE, VS_RANGE(31));
    vs_sync(g);

    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, GERROR_EVENTQ_ABT);
    assert_plugged(g, *devices);
    vg_end_silent(g);
}

static const unsigned int one = 1, two = 2;

static void test_command_queue(void)
{
    VfGuest *g = vs_start_s1();

    vs_writel(g, VS_CR0, VS_CR0_SMMUEN);
    qtest_writeq(g->qts, VS_BASE + VS_CMDQ_BASE, UART | VS_CMDQ_LOG2);
    vs_writel(g, VS_CR0, VS_CR0_SMMUEN | VS_CR0_CMDQEN);
    vs_writel(g, VS_CMDQ_PROD, vs_readl(g, VS_CMDQ_CONS) + 1);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, VS_GERROR_CMDQ_ERR);
    g_assert_cmphex(VS_CONS_ERR(vs_readl(g, VS_CMDQ_CONS)), ==, VS_CERROR_ABT);
    vg_end_silent(g);
}

static void test_stream_table(void)
{
    VfGuest *g = vs_start(1, 1);

    vs_setup(g, VS_TWO_LEVEL);
    vs_enable(g, true);
    /* The descriptor of the second level is one of its first registers */
    qtest_writeq(g->qts, VS_BASE + VS_STRTAB_BASE, UART);
    vs_cfgi_ste(g, VS_SID(1));
    vs_assert_event(g, VS_SID(1), VS_EVT_F_STE_FETCH);
    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, VF_ACCESS_ABORT);
    vg_end_silent(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("smmuv3-accel/mmio/host-events", test_host_events);
    vg_add_test("smmuv3-accel/mmio/own-events", "one-device", &one,
                test_own_events);
    vg_add_test("smmuv3-accel/mmio/own-events", "two-devices", &two,
                test_own_events);
    qtest_add_func("smmuv3-accel/mmio/command-queue", test_command_queue);
    qtest_add_func("smmuv3-accel/mmio/stream-table", test_stream_table);
    return g_test_run();
}
