/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest with devices that wait for their pages, for qtests of stalls
 *
 * Copyright (c) qemu-vpasid contributors
 */

#include "qemu/osdep.h"
#include "smmuv3-stall.h"

const uint8_t st_ssids[ST_SPACES] = { 0, 5, 9 };

StDevice st_dev(unsigned int slot)
{
    return (StDevice) {
        .sid = ST_SID(slot),
        .bar = PTD_BAR + slot * PASID_TESTDEV_BAR_SIZE,
    };
}

uint64_t st_cfg(uint32_t sid, uint16_t offset)
{
    return PTD_ECAM + ((uint64_t)sid << 12 | offset);
}

uint8_t st_find_cap(QTestState *qts, uint32_t sid, uint8_t id)
{
    uint8_t pos = qtest_readb(qts, st_cfg(sid, PCI_CAPABILITY_LIST));

    for (int ttl = 48; pos && ttl; ttl--) {
        if (qtest_readb(qts, st_cfg(sid, pos)) == id) {
            return pos;
        }
        pos = qtest_readb(qts, st_cfg(sid, pos + 1));
    }
    g_assert_not_reached();
}

uint64_t st_flr(QTestState *qts, uint32_t sid)
{
    return st_cfg(sid, st_find_cap(qts, sid, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL);
}

void st_enable_device(QTestState *qts, StDevice d)
{
    qtest_writel(qts, st_cfg(d.sid, PCI_BASE_ADDRESS_0), d.bar);
    qtest_writel(qts, st_cfg(d.sid, PCI_BASE_ADDRESS_1), 0);
    qtest_writew(qts, st_cfg(d.sid, PCI_COMMAND),
                 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    qtest_writew(qts, st_cfg(d.sid, PASID_TESTDEV_PASID_OFFSET +
                             PCI_PASID_CTRL), PCI_PASID_CTRL_ENABLE);
}

StDevice st_enable_port(QTestState *qts)
{
    StDevice d = { .sid = ST_PORT_SID, .bar = PTD_BAR + 0x100000 };
    uint32_t port = ST_SID(ST_PORT_SLOT);

    qtest_writel(qts, st_cfg(port, PCI_PRIMARY_BUS), 1 << 8 | 1 << 16);
    qtest_writew(qts, st_cfg(port, PCI_MEMORY_BASE), d.bar >> 16);
    qtest_writew(qts, st_cfg(port, PCI_MEMORY_LIMIT), d.bar >> 16);
    qtest_writew(qts, st_cfg(port, PCI_COMMAND),
                 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    return d;
}

static void write_ste(QTestState *qts, const StConfig *c, uint32_t sid)
{
    uint64_t ste = ST_STRTAB + sid * VS_STE_SIZE;

    qtest_writeq(qts, ste, VS_STE0_V | (c->ste0 ?: VS_STE0_S1) |
                 VS_STE0_S1CDMAX(ST_SSIDSIZE) | ST_CD_TABLE);
    qtest_writeq(qts, ste + 8, VS_STE1_S1DSS(VS_S1DSS_SSID0) | c->ste1);
    qtest_writeq(qts, ste + 16, VS_STE2_S2_39 | VS_STE2_S2R | c->ste2);
    qtest_writeq(qts, ste + 24, ST_S2_TABLE);
}

void st_setup(QTestState *qts, const StConfig *c, const StDevice *devices,
              int n)
{
    for (int i = 0; i < n; i++) {
        st_enable_device(qts, devices[i]);
        write_ste(qts, c, devices[i].sid);
    }
    qtest_writeq(qts, ST_S2_TABLE + 8, PTD_RAM | VS_PTE_BLOCK_S2);
    for (int k = 0; k < ST_SPACES; k++) {
        uint64_t cd = ST_CD_TABLE + st_ssids[k] * VS_CD_SIZE;
        uint64_t cd0 = VS_CD0(k + 1, VS_CD_IPS_44) | VS_CD0_S;

        qtest_writeq(qts, cd, cd0 & ~c->cd0_off);
        qtest_writeq(qts, cd + 8, ST_TABLES(k));
        qtest_writeq(qts, ST_TABLES(k) + 8,
                     (ST_TABLES(k) + 0x1000) | VS_PTE_TABLE);
        qtest_writeq(qts, ST_TABLES(k) + 0x1000, ST_LEAVES(k) | VS_PTE_TABLE);
        qtest_memset(qts, ST_LEAVES(k), 0, 16 * 8);
    }
    smmu_writeq(qts, VS_STRTAB_BASE, ST_STRTAB);
    smmu_writel(qts, VS_STRTAB_BASE_CFG, ST_STRTAB_LOG2);
    smmu_writeq(qts, VS_CMDQ_BASE, ST_CMDQ | ST_QUEUE_LOG2);
    smmu_writeq(qts, VS_EVENTQ_BASE,
                ST_EVENTQ | (c->eventq_log2 ?: ST_QUEUE_LOG2));
    smmu_writel(qts, VS_CR0, VS_CR0_SMMUEN | VS_CR0_CMDQEN |
                (c->eventq_off ? 0 : VS_CR0_EVENTQEN));
}

QTestState *st_start(const char *args, const StConfig *c, int slots)
{
    g_autofree StDevice *devices = g_new(StDevice, slots);
    QTestState *qts = qtest_initf(PTD_MACHINE ",iommu=smmuv3%s", args);

    for (int i = 0; i < slots; i++) {
        devices[i] = st_dev(i + 1);
    }
    st_setup(qts, c, devices, slots);
    return qts;
}

void st_map(QTestState *qts, int k, int n)
{
    qtest_writel(qts, ST_PAGE(k, n), ST_MARK(k, n));
    qtest_writeq(qts, ST_LEAVES(k) + n * 8, ST_PAGE(k, n) | VS_PTE_PAGE_S1);
}

void st_command(QTestState *qts, uint32_t word0, uint32_t sid, uint64_t word1)
{
    smmu_command(qts, ST_CMDQ, ST_QUEUE_LOG2, word0 | (uint64_t)sid << 32,
                 word1);
}

void st_resume(QTestState *qts, uint32_t how, uint32_t sid, uint16_t stag)
{
    st_command(qts, VS_CMD_RESUME | how, sid, stag);
}

uint32_t st_events(QTestState *qts)
{
    return smmu_readl(qts, VS_EVENTQ_PROD);
}

uint32_t st_event(QTestState *qts, int n, int word)
{
    return qtest_readl(qts, ST_EVENTQ + n * VS_EVENT_SIZE + word * 4);
}

uint16_t st_stalled(QTestState *qts, int n, uint32_t sid, int k, uint64_t iova,
                    uint8_t type, uint32_t op)
{
    uint32_t word0 = type;
    uint32_t word2 = st_event(qts, n, 2);
    uint32_t word3 = VS_EVT3_CLASS_IN;

    if (st_ssids[k]) {
        word0 |= VS_EVT0_SSV | VS_EVT0_SSID(st_ssids[k]);
    }
    if (op == PASID_TESTDEV_CMD_READ) {
        word3 |= VS_EVT3_RNW;
    }
    g_assert_cmphex(st_event(qts, n, 0), ==, word0);
    g_assert_cmphex(st_event(qts, n, 1), ==, sid);
    g_assert_cmphex(word2 & ~VS_EVT2_STAG(~0u), ==, VS_EVT2_STALL);
    g_assert_cmphex(st_event(qts, n, 3), ==, word3);
    g_assert_cmphex(st_event(qts, n, 4), ==, (uint32_t)iova);
    g_assert_cmphex(st_event(qts, n, 5), ==, iova >> 32);
    return VS_EVT2_STAG(word2);
}

static uint64_t channel_reg(StDevice d, int channel, uint32_t reg)
{
    return d.bar + PASID_TESTDEV_CHANNEL(channel) + reg;
}

uint32_t st_channel(QTestState *qts, StDevice d, int channel, uint32_t reg)
{
    return qtest_readl(qts, channel_reg(d, channel, reg));
}

void st_go(QTestState *qts, StDevice d, int channel, uint32_t op, int k,
           uint64_t iova, uint32_t len)
{
    qtest_writel(qts, channel_reg(d, channel, PASID_TESTDEV_REG_ADDR_LO), iova);
    qtest_writel(qts, channel_reg(d, channel, PASID_TESTDEV_REG_ADDR_HI),
                 iova >> 32);
    qtest_writel(qts, channel_reg(d, channel, PASID_TESTDEV_REG_PASID),
                 st_ssids[k] ? PASID_TESTDEV_PASID_VALID | st_ssids[k] : 0);
    qtest_writel(qts, channel_reg(d, channel, PASID_TESTDEV_REG_LENGTH), len);
    qtest_writel(qts, channel_reg(d, channel, PASID_TESTDEV_REG_COMMAND), op);
}

void st_go_page(QTestState *qts, StDevice d, int channel, uint32_t op, int k,
                int n)
{
    st_go(qts, d, channel, op, k, ST_IOVA + n * ST_PAGE_SIZE, 4);
}

uint32_t st_status(QTestState *qts, StDevice d, int channel)
{
    return st_channel(qts, d, channel, PASID_TESTDEV_REG_STATUS);
}

void st_wait(QTestState *qts, StDevice d, int channel, uint32_t status)
{
    uint32_t now = PASID_TESTDEV_STATUS_BUSY;

    /* A driver would be called by the MSI */
    for (int i = 0; i < 30000 && now == PASID_TESTDEV_STATUS_BUSY; i++) {
        now = st_status(qts, d, channel);
        if (now == PASID_TESTDEV_STATUS_BUSY) {
            g_usleep(1000);
        }
    }
    g_assert_cmpint(now, ==, status);
}

void st_busy(QTestState *qts, StDevice d, int channel)
{
    /* Each access is a turn of the main loop, which does what is due */
    for (int i = 0; i < 20; i++) {
        g_assert_cmpint(st_status(qts, d, channel), ==,
                        PASID_TESTDEV_STATUS_BUSY);
    }
}

void st_read(QTestState *qts, StDevice d, int channel, int k, int n)
{
    st_wait(qts, d, channel, PASID_TESTDEV_STATUS_OK);
    g_assert_cmphex(st_channel(qts, d, channel, PASID_TESTDEV_CHANNEL_DATA),
                    ==, ST_MARK(k, n));
}
