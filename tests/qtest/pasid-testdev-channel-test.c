/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtest for the channels of pasid-testdev, with no IOMMU
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * Nothing has a transfer wait here: smmuv3-stall-test and smmuv3-stall-end-test
 * are about transfers that do.
 */

#include "qemu/osdep.h"
#include "pasid-testdev.h"

#define BUFFER              (PTD_RAM + 0x100000)
#define BEYOND              0xf0000000000ull
#define MARK                0xc4a11e15
#define LAST                (PASID_TESTDEV_CHANNELS - 1)
#define READ                PASID_TESTDEV_CMD_READ
#define WRITE               PASID_TESTDEV_CMD_WRITE

static uint32_t reg(int channel, uint32_t offset)
{
    return PASID_TESTDEV_CHANNEL(channel) + offset;
}

static QTestState *start(void)
{
    QTestState *qts = qtest_init(PTD_MACHINE " " PTD_DEVICE);

    ptd_enable(qts);
    ptd_cfg_writew(qts, PASID_TESTDEV_PASID_OFFSET + PCI_PASID_CTRL,
                   PCI_PASID_CTRL_ENABLE);
    return qts;
}

static uint32_t transfer(QTestState *qts, int channel, uint32_t op,
                         uint64_t addr, uint32_t pasid, uint32_t len)
{
    ptd_writel(qts, reg(channel, PASID_TESTDEV_REG_ADDR_LO), addr);
    ptd_writel(qts, reg(channel, PASID_TESTDEV_REG_ADDR_HI), addr >> 32);
    ptd_writel(qts, reg(channel, PASID_TESTDEV_REG_PASID), pasid);
    ptd_writel(qts, reg(channel, PASID_TESTDEV_REG_LENGTH), len);
    ptd_writel(qts, reg(channel, PASID_TESTDEV_REG_COMMAND), op);
    return ptd_readl(qts, reg(channel, PASID_TESTDEV_REG_STATUS));
}

typedef struct StatusTest {
    const char *name;
    uint32_t command;
    uint64_t addr;
    uint32_t pasid;
    uint32_t len;
    uint32_t status;
} StatusTest;

#define PASID(n) (PASID_TESTDEV_PASID_VALID | (n))

static const StatusTest status_tests[] = {
    { .name = "read", .command = READ, .addr = BUFFER, .len = 4,
      .status = PASID_TESTDEV_STATUS_OK },
    { .name = "longest", .command = WRITE, .addr = BUFFER,
      .len = PASID_TESTDEV_CHANNEL_DATA_SIZE,
      .status = PASID_TESTDEV_STATUS_OK },
    { .name = "pasid", .command = READ, .addr = BUFFER, .pasid = PASID(255),
      .len = 4, .status = PASID_TESTDEV_STATUS_OK },
    { .name = "pasid-0", .command = READ, .addr = BUFFER, .pasid = PASID(0),
      .len = 4, .status = PASID_TESTDEV_STATUS_UNSUPPORTED },
    { .name = "pasid-256", .command = READ, .addr = BUFFER, .pasid = PASID(256),
      .len = 4, .status = PASID_TESTDEV_STATUS_UNSUPPORTED },
    { .name = "pasid-range", .command = READ, .addr = BUFFER,
      .pasid = PASID(0x10000), .len = 4,
      .status = PASID_TESTDEV_STATUS_RANGE },
    { .name = "nothing-there", .command = READ, .addr = BEYOND, .len = 4,
      .status = PASID_TESTDEV_STATUS_FAULT },
    { .name = "too-long", .command = WRITE, .addr = BUFFER,
      .len = PASID_TESTDEV_CHANNEL_DATA_SIZE + 1,
      .status = PASID_TESTDEV_STATUS_BAD_CMD },
    { .name = "too-short", .command = WRITE, .addr = BUFFER, .len = 0,
      .status = PASID_TESTDEV_STATUS_BAD_CMD },
    { .name = "no-command", .command = 0, .addr = BUFFER, .len = 4,
      .status = PASID_TESTDEV_STATUS_BAD_CMD },
    { .name = "unknown", .command = 4, .addr = BUFFER, .len = 4,
      .status = PASID_TESTDEV_STATUS_BAD_CMD },
    { .name = "by-ats", .command = READ | PASID_TESTDEV_CMD_ATS,
      .addr = BUFFER, .len = 4, .status = PASID_TESTDEV_STATUS_BAD_CMD },
    { .name = "cancel-nothing", .command = PASID_TESTDEV_CMD_CANCEL,
      .addr = BUFFER, .len = 4, .status = PASID_TESTDEV_STATUS_IDLE },
};

static void test_status(const void *opaque)
{
    const StatusTest *t = opaque;
    QTestState *qts = start();

    g_assert_cmpuint(ptd_readl(qts, PASID_TESTDEV_REG_CHANNELS), ==,
                     PASID_TESTDEV_CHANNELS);
    g_assert_cmpint(transfer(qts, LAST, t->command, t->addr, t->pasid, t->len),
                    ==, t->status);
    /* The others have nothing to do with it */
    for (int i = 0; i < LAST; i++) {
        g_assert_cmpint(ptd_readl(qts, reg(i, PASID_TESTDEV_REG_STATUS)), ==,
                        PASID_TESTDEV_STATUS_IDLE);
    }
    g_assert_cmpint(ptd_readl(qts, PASID_TESTDEV_REG_STATUS), ==,
                    PASID_TESTDEV_STATUS_IDLE);
    qtest_quit(qts);
}

/* Each channel has registers and data of its own */
static void test_data(void)
{
    QTestState *qts = start();
    uint32_t last = PASID_TESTDEV_CHANNEL_DATA +
                    PASID_TESTDEV_CHANNEL_DATA_SIZE - 4;

    for (int i = 0; i < PASID_TESTDEV_CHANNELS; i++) {
        qtest_writel(qts, BUFFER + i * 4, MARK + i);
        g_assert_cmpint(transfer(qts, i, READ, BUFFER + i * 4, 0, 4), ==,
                        PASID_TESTDEV_STATUS_OK);
        ptd_writel(qts, reg(i, last), ~(MARK + i));
    }
    for (int i = 0; i < PASID_TESTDEV_CHANNELS; i++) {
        g_assert_cmphex(ptd_readl(qts, reg(i, PASID_TESTDEV_CHANNEL_DATA)), ==,
                        MARK + i);
        g_assert_cmphex(ptd_readl(qts, reg(i, PASID_TESTDEV_REG_ADDR_LO)), ==,
                        BUFFER + i * 4);
        g_assert_cmpint(transfer(qts, i, WRITE, BUFFER + 0x1000, PASID(i + 1),
                                 PASID_TESTDEV_CHANNEL_DATA_SIZE), ==,
                        PASID_TESTDEV_STATUS_OK);
        g_assert_cmphex(qtest_readl(qts, BUFFER + 0x1000), ==, MARK + i);
        g_assert_cmphex(qtest_readl(qts, BUFFER + 0x1000 +
                                    PASID_TESTDEV_CHANNEL_DATA_SIZE - 4), ==,
                        ~(MARK + i));
        g_assert_cmphex(qtest_readl(qts, BUFFER + 0x1000 +
                                    PASID_TESTDEV_CHANNEL_DATA_SIZE), ==, 0);
    }
    for (int i = 0; i < 2; i++) {
        g_assert_cmphex(ptd_readl(qts, i ? PASID_TESTDEV_CHANNEL(0) - 4 :
                                  PASID_TESTDEV_CHANNEL(LAST + 1)), ==, 0);
    }
    qtest_quit(qts);
}

static void test_reset(void)
{
    QTestState *qts = start();

    ptd_writel(qts, reg(0, PASID_TESTDEV_CHANNEL_DATA), MARK);
    transfer(qts, 0, WRITE, BUFFER, PASID(1), 4);
    qtest_system_reset(qts);
    ptd_enable(qts);
    for (uint32_t offset = 0; offset < PASID_TESTDEV_CHANNEL_SIZE;
         offset += 4) {
        g_assert_cmphex(ptd_readl(qts, reg(0, offset)), ==, 0);
    }
    qtest_quit(qts);
}

/* Requests that are not allowed when the command comes */
static void test_not_allowed(void)
{
    QTestState *qts = start();

    ptd_cfg_writew(qts, PASID_TESTDEV_PASID_OFFSET + PCI_PASID_CTRL, 0);
    g_assert_cmpint(transfer(qts, 0, READ, BUFFER, PASID(1), 4), ==,
                    PASID_TESTDEV_STATUS_DISABLED);
    g_assert_cmpint(transfer(qts, 0, READ, BUFFER, 0, 4), ==,
                    PASID_TESTDEV_STATUS_OK);
    ptd_cfg_writew(qts, PCI_COMMAND, PCI_COMMAND_MEMORY);
    g_assert_cmpint(transfer(qts, 0, READ, BUFFER, 0, 4), ==,
                    PASID_TESTDEV_STATUS_FAULT);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    if (!qtest_has_device(TYPE_PASID_TESTDEV)) {
        g_test_message("pasid-testdev is not in this build");
        return 0;
    }
    for (int i = 0; i < ARRAY_SIZE(status_tests); i++) {
        g_autofree char *path = g_strdup_printf(
            "/pasid-testdev/channel/status/%s", status_tests[i].name);

        qtest_add_data_func(path, &status_tests[i], test_status);
    }
    qtest_add_func("/pasid-testdev/channel/data", test_data);
    qtest_add_func("/pasid-testdev/channel/reset", test_reset);
    qtest_add_func("/pasid-testdev/channel/not-allowed", test_not_allowed);
    return g_test_run();
}
