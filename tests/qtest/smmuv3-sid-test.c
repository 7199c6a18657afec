/*
 * QTest of the emulated Arm SMMUv3: StreamIDs and bus number changes
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Test devices behind root ports read memory, and their STEs allow or abort it.
 * The STE of an old StreamID must not be used for a new one. Sections are those
 * of Arm IHI0070.
 */

#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "pasid-testdev.h"
#include "smmuv3-emulated.h"

#define STE_ABORT           (VS_STE0_V | VS_STE0_ABORT)
#define STE_BYPASS          (VS_STE0_V | VS_STE0_BYPASS)

/* Guest memory */
#define STRTAB              (PTD_RAM + 0x100000)
#define STRTAB_LOG2         12
#define CMDQ                (PTD_RAM + 0x200000)
#define CMDQ_LOG2           4
#define TARGET              (PTD_RAM + 0x300000)
#define MARK                0x600d600d

/* One MiB of memory window for each bridge */
#define WINDOW              0x100000ull

#define SID(bus)            ((bus) << 8)
#define PORT(n)             "-device pcie-root-port,id=rp" #n ",bus=pcie.0," \
                            "addr=" #n ".0,chassis=" #n ",slot=" #n " "
#define DEVICE(bus)         "-device pasid-testdev,bus=" bus " "

/* A device, and the port of the root bus that it is behind */
typedef struct Device {
    unsigned int port;
    uint8_t bus;
    uint64_t bar;
} Device;

static uint64_t config(uint8_t bus, uint8_t devfn, uint16_t offset)
{
    return PTD_ECAM + ((uint32_t)bus << 20 | devfn << 12 | offset);
}

static void number(QTestState *qts, uint8_t bus, uint8_t devfn,
                   uint8_t secondary, uint8_t subordinate)
{
    qtest_writel(qts, config(bus, devfn, PCI_PRIMARY_BUS),
                 bus | secondary << 8 | subordinate << 16);
}

static void open_bridge(QTestState *qts, uint8_t bus, uint8_t devfn,
                        uint8_t secondary, uint8_t subordinate, uint64_t base)
{
    number(qts, bus, devfn, secondary, subordinate);
    qtest_writew(qts, config(bus, devfn, PCI_MEMORY_BASE), base >> 16);
    qtest_writew(qts, config(bus, devfn, PCI_MEMORY_LIMIT), base >> 16);
    qtest_writew(qts, config(bus, devfn, PCI_COMMAND),
                 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void open_device(QTestState *qts, const Device *d)
{
    qtest_writel(qts, config(d->bus, 0, PCI_BASE_ADDRESS_0), d->bar);
    qtest_writel(qts, config(d->bus, 0, PCI_BASE_ADDRESS_1), 0);
    qtest_writew(qts, config(d->bus, 0, PCI_COMMAND),
                 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    qtest_writew(qts, config(d->bus, 0, PASID_TESTDEV_PASID_OFFSET +
                                        PCI_PASID_CTRL),
                 PCI_PASID_CTRL_ENABLE);
}

/* The device behind root port @port, with bus number @port */
static Device open_port(QTestState *qts, unsigned int port)
{
    Device d = {
        .port = port,
        .bus = port,
        .bar = PTD_BAR + port * WINDOW,
    };

    open_bridge(qts, 0, port << 3, d.bus, d.bus, d.bar);
    open_device(qts, &d);
    return d;
}

static void renumber(QTestState *qts, Device *d, uint8_t bus)
{
    number(qts, 0, d->port << 3, bus, bus);
    d->bus = bus;
}

static void write_ste(QTestState *qts, uint32_t sid, uint32_t word0)
{
    qtest_writel(qts, STRTAB + sid * VS_STE_SIZE, word0);
}

static void command(QTestState *qts, uint32_t word0, uint32_t sid,
                    uint64_t word1)
{
    smmu_command(qts, CMDQ, CMDQ_LOG2, word0 | (uint64_t)sid << 32, word1);
}

static QTestState *start(const char *devices)
{
    QTestState *qts = qtest_initf(PTD_MACHINE ",iommu=smmuv3 %s"
                                  "-global arm-smmuv3.ssidsize=8", devices);

    qtest_writel(qts, TARGET, MARK);
    smmu_writeq(qts, VS_STRTAB_BASE, STRTAB);
    smmu_writel(qts, VS_STRTAB_BASE_CFG, STRTAB_LOG2);
    smmu_writeq(qts, VS_CMDQ_BASE, CMDQ | CMDQ_LOG2);
    smmu_writel(qts, VS_CR0, VS_CR0_SMMUEN | VS_CR0_CMDQEN);
    return qts;
}

/* Whether a read by the device reaches memory */
static bool reads(QTestState *qts, const Device *d, uint32_t pasid)
{
    uint32_t status;

    qtest_writel(qts, d->bar + PASID_TESTDEV_REG_DATA, 0);
    qtest_writel(qts, d->bar + PASID_TESTDEV_REG_ADDR_LO, (uint32_t)TARGET);
    qtest_writel(qts, d->bar + PASID_TESTDEV_REG_ADDR_HI, TARGET >> 32);
    qtest_writel(qts, d->bar + PASID_TESTDEV_REG_PASID,
                 pasid ? PASID_TESTDEV_PASID_VALID | pasid : 0);
    qtest_writel(qts, d->bar + PASID_TESTDEV_REG_LENGTH, 4);
    qtest_writel(qts, d->bar + PASID_TESTDEV_REG_COMMAND,
                 PASID_TESTDEV_CMD_READ);
    status = qtest_readl(qts, d->bar + PASID_TESTDEV_REG_STATUS);
    if (status == PASID_TESTDEV_STATUS_OK) {
        g_assert_cmphex(qtest_readl(qts, d->bar + PASID_TESTDEV_REG_DATA), ==,
                        MARK);
        return true;
    }
    g_assert_cmpuint(status, ==, PASID_TESTDEV_STATUS_FAULT);
    return false;
}

/* A new StreamID needs no command to drop what was cached for the old one */
static void test_renumber(const void *opaque)
{
    const uint32_t pasid = GPOINTER_TO_UINT(opaque);
    QTestState *qts = start(PORT(1) DEVICE("rp1"));
    Device d = open_port(qts, 1);

    write_ste(qts, SID(1), STE_BYPASS);
    write_ste(qts, SID(3), STE_ABORT);
    g_assert_true(reads(qts, &d, pasid));
    renumber(qts, &d, 3);
    g_assert_false(reads(qts, &d, pasid));
    renumber(qts, &d, 1);
    g_assert_true(reads(qts, &d, pasid));
    qtest_quit(qts);
}

/* A command is for the current owner of the StreamID, not for the first one */
static void test_command(const void *opaque)
{
    const uint32_t pasid = GPOINTER_TO_UINT(opaque);
    QTestState *qts = start(PORT(1) PORT(2) DEVICE("rp1") DEVICE("rp2"));
    Device d1 = open_port(qts, 1), d2 = open_port(qts, 2);

    write_ste(qts, SID(1), STE_BYPASS);
    write_ste(qts, SID(2), STE_BYPASS);
    write_ste(qts, SID(3), STE_BYPASS);
    g_assert_true(reads(qts, &d1, pasid));
    g_assert_true(reads(qts, &d2, pasid));
    command(qts, VS_CMD_CFGI_STE, SID(1), 1);
    command(qts, VS_CMD_CFGI_STE, SID(2), 1);

    renumber(qts, &d1, 3);
    renumber(qts, &d2, 1);
    g_assert_true(reads(qts, &d1, pasid));
    g_assert_true(reads(qts, &d2, pasid));
    write_ste(qts, SID(1), STE_ABORT);
    command(qts, VS_CMD_CFGI_STE, SID(1), 1);
    g_assert_true(reads(qts, &d1, pasid));
    g_assert_false(reads(qts, &d2, pasid));
    qtest_quit(qts);
}

/* Nothing keeps a guest from giving two buses one number */
static void test_clash(const void *opaque)
{
    const uint32_t pasid = GPOINTER_TO_UINT(opaque);
    QTestState *qts = start(PORT(1) PORT(2) DEVICE("rp1") DEVICE("rp2"));
    Device d1 = open_port(qts, 1), d2 = open_port(qts, 2);

    write_ste(qts, SID(1), STE_BYPASS);
    renumber(qts, &d2, 1);
    g_assert_true(reads(qts, &d1, pasid));
    g_assert_true(reads(qts, &d2, pasid));
    write_ste(qts, SID(1), STE_ABORT);
    command(qts, VS_CMD_CFGI_STE, SID(1), 1);
    g_assert_false(reads(qts, &d1, pasid));
    g_assert_false(reads(qts, &d2, pasid));
    qtest_quit(qts);
}

static void slot_power(QTestState *qts, uint8_t devfn, bool on)
{
    uint8_t pos = qtest_readb(qts, config(0, devfn, PCI_CAPABILITY_LIST));

    while (qtest_readb(qts, config(0, devfn, pos)) != PCI_CAP_ID_EXP) {
        pos = qtest_readb(qts, config(0, devfn, pos + PCI_CAP_LIST_NEXT));
        g_assert_cmphex(pos, !=, 0);
    }
    qtest_writew(qts, config(0, devfn, pos + PCI_EXP_SLTCTL), on ?
                 PCI_EXP_SLTCTL_PWR_IND_ON | PCI_EXP_SLTCTL_PWR_ON :
                 PCI_EXP_SLTCTL_PWR_IND_OFF | PCI_EXP_SLTCTL_PWR_OFF);
}

/* Unplugging a bridge drops the cached configurations of devices behind it */
static void test_unplug(const void *opaque)
{
    const uint32_t pasid = GPOINTER_TO_UINT(opaque);
    const uint8_t rp1 = 1 << 3;
    QTestState *qts = start(PORT(1)
                            "-device x3130-upstream,id=up,bus=rp1 "
                            "-device xio3130-downstream,id=down,bus=up,"
                            "chassis=9,slot=9 "
                            DEVICE("down"));
    Device d = { .port = 1, .bus = 3, .bar = PTD_BAR + WINDOW };

    open_bridge(qts, 0, rp1, 1, 3, d.bar);
    open_bridge(qts, 1, 0, 2, 3, d.bar);
    open_bridge(qts, 2, 0, 3, 3, d.bar);
    open_device(qts, &d);
    write_ste(qts, SID(3), STE_BYPASS);
    g_assert_true(reads(qts, &d, pasid));
    command(qts, VS_CMD_CFGI_STE, SID(3) + 1, 1);

    slot_power(qts, rp1, true);
    qtest_qmp_device_del_send(qts, "up");
    slot_power(qts, rp1, false);
    qtest_qmp_eventwait(qts, "DEVICE_DELETED");
    /* Memory of the devices is freed when the main loop has been around */
    for (int i = 0; i < 10; i++) {
        qobject_unref(qtest_qmp(qts, "{'execute': 'query-status'}"));
    }
    /* Neither looks at a bus that has gone */
    command(qts, VS_CMD_CFGI_STE, SID(15), 1);
    command(qts, VS_CMD_CFGI_STE, SID(3), 1);
    command(qts, VS_CMD_CFGI_STE_RANGE, 0, VS_RANGE_ALL);
    number(qts, 0, rp1, 4, 4);
    qtest_system_reset(qts);
    qtest_quit(qts);
}

static void add(const char *name, void (*run)(const void *))
{
    static const uint32_t pasids[] = { 0, 5 };

    for (int i = 0; i < ARRAY_SIZE(pasids); i++) {
        g_autofree char *path = g_strdup_printf("smmuv3-sid/%s/pasid-%u", name,
                                                pasids[i]);

        qtest_add_data_func(path, GUINT_TO_POINTER(pasids[i]), run);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    add("renumber", test_renumber);
    add("command", test_command);
    add("clash", test_clash);
    add("unplug", test_unplug);
    return g_test_run();
}
