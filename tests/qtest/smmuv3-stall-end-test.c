/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtest for the stall model of the emulated Arm SMMUv3: nobody waits for ever
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * The SMMU, the device or the machine is reset, the device is unplugged or
 * reconfigured, the guest is to migrate: while a transaction waits.
 */

#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "smmuv3-stall.h"

#define READ                PASID_TESTDEV_CMD_READ
#define WRITE               PASID_TESTDEV_CMD_WRITE
#define ON                  ST_DEVICE(1) ST_SMMU "on"
#define IN_PORT             " -device pcie-root-port,id=rp,bus=pcie.0," \
                            "addr=1e.0,chassis=1,slot=1" \
                            " -device pasid-testdev,id=d,bus=rp" ST_SMMU "on"
#define IOVA(n)             (ST_IOVA + (n) * ST_PAGE_SIZE)
#define RUNNING             (VS_CR0_SMMUEN | VS_CR0_CMDQEN | VS_CR0_EVENTQEN)

static const StConfig usual;

static uint16_t stalled(QTestState *qts, int n, uint32_t sid, int k, int page)
{
    return st_stalled(qts, n, sid, k, IOVA(page), VS_EVT_F_TRANSLATION, READ);
}

/* The SMMU */

static void test_smmuen(void)
{
    QTestState *qts = st_start(ON, &usual, 1);
    StDevice d = st_dev(1);
    uint16_t first, second;

    st_go_page(qts, d, 0, READ, 1, 0);
    first = stalled(qts, 0, d.sid, 1, 0);
    smmu_writel(qts, VS_CR0, VS_CR0_CMDQEN | VS_CR0_EVENTQEN);
    st_wait(qts, d, 0, PASID_TESTDEV_STATUS_FAULT);
    smmu_writel(qts, VS_CR0, RUNNING);
    st_resume(qts, VS_RESUME_RETRY, d.sid, first);
    g_assert_cmpint(st_status(qts, d, 0), ==, PASID_TESTDEV_STATUS_FAULT);
    st_go_page(qts, d, 0, READ, 1, 0);
    second = stalled(qts, 1, d.sid, 1, 0);
    st_map(qts, 1, 0);
    st_resume(qts, VS_RESUME_RETRY, d.sid, second);
    st_read(qts, d, 0, 1, 0);
    g_assert_cmpuint(st_events(qts), ==, 2);
    qtest_quit(qts);
}

/* The configuration that a retried transaction meets is that of then */
static void test_reconfigured(void)
{
    QTestState *qts = st_start(ON, &usual, 1);
    StDevice d = st_dev(1);
    uint16_t stag;

    st_go_page(qts, d, 0, READ, 1, 0);
    stag = stalled(qts, 0, d.sid, 1, 0);
    qtest_writeq(qts, ST_CD_TABLE + st_ssids[1] * VS_CD_SIZE,
                 VS_CD0(2, VS_CD_IPS_44));
    st_command(qts, VS_CMD_CFGI_CD_ALL, d.sid, 0);
    st_busy(qts, d, 0);
    st_resume(qts, VS_RESUME_RETRY, d.sid, stag);
    st_wait(qts, d, 0, PASID_TESTDEV_STATUS_FAULT);
    g_assert_cmpuint(st_events(qts), ==, 2);
    g_assert_cmphex(st_event(qts, 1, 0) & 0xff, ==, VS_EVT_F_TRANSLATION);
    g_assert_cmphex(st_event(qts, 1, 2), ==, 0);
    qtest_quit(qts);
}

static void test_system_reset(void)
{
    const StDevice d = st_dev(1);
    QTestState *qts = st_start(ON, &usual, 1);
    uint16_t stag;

    st_go_page(qts, d, 0, READ, 1, 0);
    st_go_page(qts, d, 1, READ, 1, 1);
    stag = stalled(qts, 0, d.sid, 1, 0);
    qtest_system_reset(qts);
    st_setup(qts, &usual, &d, 1);
    g_assert_cmpuint(st_events(qts), ==, 0);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpint(st_status(qts, d, i), ==, PASID_TESTDEV_STATUS_IDLE);
        g_assert_cmphex(st_channel(qts, d, i, PASID_TESTDEV_REG_LENGTH), ==, 0);
    }
    st_resume(qts, VS_RESUME_RETRY, d.sid, stag);
    st_go_page(qts, d, 0, READ, 1, 0);
    stag = stalled(qts, 0, d.sid, 1, 0);
    st_map(qts, 1, 0);
    st_resume(qts, VS_RESUME_RETRY, d.sid, stag);
    st_read(qts, d, 0, 1, 0);
    qtest_quit(qts);
}

/* The device */

static void test_device_reset(void)
{
    const StDevice d = st_dev(1);
    QTestState *qts = st_start(ON, &usual, 1);
    uint16_t first, second;

    st_go_page(qts, d, 0, READ, 1, 0);
    first = stalled(qts, 0, d.sid, 1, 0);
    qtest_writew(qts, st_flr(qts, d.sid), PCI_EXP_DEVCTL_BCR_FLR);
    st_enable_device(qts, d);
    g_assert_cmpint(st_status(qts, d, 0), ==, PASID_TESTDEV_STATUS_IDLE);
    /* The answer comes late, and is for nobody */
    st_go_page(qts, d, 0, READ, 1, 0);
    second = stalled(qts, 1, d.sid, 1, 0);
    st_resume(qts, VS_RESUME_ABORT, d.sid, first);
    st_busy(qts, d, 0);
    st_map(qts, 1, 0);
    st_resume(qts, VS_RESUME_RETRY, d.sid, second);
    st_read(qts, d, 0, 1, 0);
    qtest_quit(qts);
}

/* A reset between the answer and what follows from it */
static void test_reset_answered(void)
{
    const StDevice d = st_dev(1);
    QTestState *qts = st_start(ON, &usual, 1);
    uint16_t stag;

    qtest_qmp_assert_success(qts, "{'execute': 'stop'}");
    st_go_page(qts, d, 0, READ, 1, 0);
    stag = stalled(qts, 0, d.sid, 1, 0);
    st_map(qts, 1, 0);
    st_resume(qts, VS_RESUME_RETRY, d.sid, stag);
    st_busy(qts, d, 0);
    qtest_writew(qts, st_flr(qts, d.sid), PCI_EXP_DEVCTL_BCR_FLR);
    st_enable_device(qts, d);
    qtest_qmp_assert_success(qts, "{'execute': 'cont'}");
    g_assert_cmpint(st_status(qts, d, 0), ==, PASID_TESTDEV_STATUS_IDLE);
    g_assert_cmphex(st_channel(qts, d, 0, PASID_TESTDEV_CHANNEL_DATA), ==, 0);
    qtest_quit(qts);
}

/* No DMA while the machine is stopped */
static void test_stopped(void)
{
    const StDevice d = st_dev(1);
    QTestState *qts = st_start(ON, &usual, 1);
    uint16_t stag;

    st_go_page(qts, d, 0, READ, 1, 0);
    stag = stalled(qts, 0, d.sid, 1, 0);
    st_map(qts, 1, 0);
    qtest_qmp_assert_success(qts, "{'execute': 'stop'}");
    st_resume(qts, VS_RESUME_RETRY, d.sid, stag);
    st_busy(qts, d, 0);
    qtest_qmp_assert_success(qts, "{'execute': 'cont'}");
    st_read(qts, d, 0, 1, 0);
    qtest_quit(qts);
}

static void test_cancel(void)
{
    const StDevice d = st_dev(1);
    QTestState *qts = st_start(ON, &usual, 1);
    uint64_t command = d.bar + PASID_TESTDEV_CHANNEL(0) +
                       PASID_TESTDEV_REG_COMMAND;
    uint16_t stag;

    st_go_page(qts, d, 0, READ, 1, 0);
    stag = stalled(qts, 0, d.sid, 1, 0);
    /* While it waits, neither its registers nor another command count */
    st_go_page(qts, d, 0, WRITE, 2, 1);
    g_assert_cmphex(st_channel(qts, d, 0, PASID_TESTDEV_REG_ADDR_LO), ==,
                    (uint32_t)IOVA(0));
    st_busy(qts, d, 0);
    g_assert_cmpuint(st_events(qts), ==, 1);
    qtest_writel(qts, command, PASID_TESTDEV_CMD_CANCEL);
    g_assert_cmpint(st_status(qts, d, 0), ==, PASID_TESTDEV_STATUS_CANCELLED);
    st_map(qts, 1, 0);
    st_resume(qts, VS_RESUME_RETRY, d.sid, stag);
    for (int i = 0; i < 20; i++) {
        g_assert_cmpint(st_status(qts, d, 0), ==,
                        PASID_TESTDEV_STATUS_CANCELLED);
    }
    g_assert_cmphex(st_channel(qts, d, 0, PASID_TESTDEV_CHANNEL_DATA), ==, 0);
    st_go_page(qts, d, 0, READ, 1, 0);
    st_read(qts, d, 0, 1, 0);
    qtest_quit(qts);
}

/* The device may no longer do what it waited for */
typedef struct ForbiddenTest {
    const char *name;
    uint16_t offset;
    uint16_t value;
    uint32_t status;
} ForbiddenTest;

static const ForbiddenTest forbidden_tests[] = {
    { .name = "bus-master", .offset = PCI_COMMAND, .value = PCI_COMMAND_MEMORY,
      .status = PASID_TESTDEV_STATUS_FAULT },
    { .name = "pasid", .offset = PASID_TESTDEV_PASID_OFFSET + PCI_PASID_CTRL,
      .status = PASID_TESTDEV_STATUS_DISABLED },
};

static void test_forbidden(const void *opaque)
{
    const ForbiddenTest *t = opaque;
    const StDevice d = st_dev(1);
    QTestState *qts = st_start(ON, &usual, 1);
    uint16_t stag;

    st_map(qts, 1, 0);
    st_go_page(qts, d, 0, WRITE, 1, 1);
    stag = st_stalled(qts, 0, d.sid, 1, IOVA(1), VS_EVT_F_TRANSLATION, WRITE);
    qtest_writew(qts, st_cfg(d.sid, t->offset), t->value);
    st_map(qts, 1, 1);
    st_resume(qts, VS_RESUME_RETRY, d.sid, stag);
    st_wait(qts, d, 0, t->status);
    g_assert_cmphex(qtest_readl(qts, ST_PAGE(1, 1)), ==, ST_MARK(1, 1));
    qtest_quit(qts);
}

static void test_msi(void)
{
    const StDevice d = st_dev(1);
    QTestState *qts = st_start(ON, &usual, 1);
    uint8_t cap = st_find_cap(qts, d.sid, PCI_CAP_ID_MSI);
    uint64_t msi = st_cfg(d.sid, cap);
    uint16_t stag;

    /* It is translated, without a PASID */
    st_map(qts, 0, 8);
    qtest_writel(qts, msi + PCI_MSI_ADDRESS_LO, IOVA(8));
    qtest_writel(qts, msi + PCI_MSI_ADDRESS_HI, 0);
    qtest_writew(qts, msi + PCI_MSI_DATA_64, 0x1234);
    qtest_writew(qts, msi + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE);
    st_go_page(qts, d, 0, READ | PASID_TESTDEV_CMD_MSI, 1, 0);
    stag = stalled(qts, 0, d.sid, 1, 0);
    st_busy(qts, d, 0);
    g_assert_cmphex(qtest_readl(qts, ST_PAGE(0, 8)), ==, ST_MARK(0, 8));
    st_map(qts, 1, 0);
    st_resume(qts, VS_RESUME_RETRY, d.sid, stag);
    st_read(qts, d, 0, 1, 0);
    g_assert_cmphex(qtest_readl(qts, ST_PAGE(0, 8)), ==, 0x1234);
    qtest_quit(qts);
}

/* Unplug */

static QTestState *start_in_port(StDevice *d)
{
    QTestState *qts = qtest_initf(PTD_MACHINE ",iommu=smmuv3" IN_PORT);

    *d = st_enable_port(qts);
    st_setup(qts, &usual, d, 1);
    return qts;
}

/* Where the power of the port's slot is controlled */
static uint64_t slot_control(QTestState *qts)
{
    uint32_t port = ST_SID(ST_PORT_SLOT);

    return st_cfg(port, st_find_cap(qts, port, PCI_CAP_ID_EXP) +
                  PCI_EXP_SLTCTL);
}

#define POWER_OFF   (PCI_EXP_SLTCTL_PCC | PCI_EXP_SLTCTL_PWR_IND_OFF)

static void test_unplug(void)
{
    StDevice d;
    QTestState *qts = start_in_port(&d);
    uint16_t stag;

    st_go_page(qts, d, 0, READ, 1, 0);
    st_go_page(qts, d, 1, READ, 2, 1);
    stag = stalled(qts, 0, d.sid, 1, 0);
    qtest_qmp_assert_success(qts, "{'execute': 'device_del',"
                             " 'arguments': {'id': 'd'}}");
    qtest_writew(qts, slot_control(qts), POWER_OFF);
    qtest_qmp_eventwait(qts, "DEVICE_DELETED");
    g_assert_cmphex(qtest_readl(qts, st_cfg(d.sid, 0)), ==, 0xffffffff);
    st_resume(qts, VS_RESUME_RETRY, d.sid, stag);
    st_command(qts, VS_CMD_STALL_TERM, d.sid, 0);
    g_assert_cmpuint(st_events(qts), ==, 2);

    /* The next one starts afresh */
    qtest_writew(qts, slot_control(qts), 0);
    qtest_qmp_assert_success(qts, "{'execute': 'device_add', 'arguments':"
                             " {'driver': 'pasid-testdev', 'id': 'd2',"
                             " 'bus': 'rp'}}");
    st_enable_device(qts, d);
    st_go_page(qts, d, 0, READ, 1, 0);
    stag = stalled(qts, 2, d.sid, 1, 0);
    st_map(qts, 1, 0);
    st_resume(qts, VS_RESUME_RETRY, d.sid, stag);
    st_read(qts, d, 0, 1, 0);
    qtest_quit(qts);
}

/*
 * A device can write to any register when its wait is over: one that
 * resets the device, unplugs it, starts or cancels a transfer of its own, or
 * switches the SMMU off.
 */
typedef enum Target {
    TARGET_FLR,
    TARGET_POWER,
    TARGET_CANCEL,
    TARGET_RESTART,
    TARGET_CR0,
} Target;

typedef struct SelfTest {
    const char *name;
    Target target;
    uint32_t value;
} SelfTest;

static const SelfTest self_tests[] = {
    { .name = "reset", .target = TARGET_FLR, .value = PCI_EXP_DEVCTL_BCR_FLR },
    { .name = "unplug", .target = TARGET_POWER, .value = POWER_OFF },
    { .name = "cancel", .target = TARGET_CANCEL,
      .value = PASID_TESTDEV_CMD_CANCEL },
    { .name = "restart", .target = TARGET_RESTART, .value = READ },
    { .name = "smmu-off", .target = TARGET_CR0,
      .value = VS_CR0_CMDQEN | VS_CR0_EVENTQEN },
};

static uint64_t self_address(QTestState *qts, StDevice d, Target target)
{
    switch (target) {
    case TARGET_FLR:
        return st_flr(qts, d.sid);
    case TARGET_POWER:
        return slot_control(qts);
    case TARGET_CANCEL:
        return d.bar + PASID_TESTDEV_CHANNEL(0) + PASID_TESTDEV_REG_COMMAND;
    case TARGET_RESTART:
        return d.bar + PASID_TESTDEV_CHANNEL(2) + PASID_TESTDEV_REG_COMMAND;
    case TARGET_CR0:
        return VS_MACHINE_BASE + VS_CR0;
    }
    g_assert_not_reached();
}

static void test_self(const void *opaque)
{
    const SelfTest *t = opaque;
    StDevice d;
    QTestState *qts = start_in_port(&d);
    uint64_t target = self_address(qts, d, t->target);
    uint16_t stag[2];

    if (t->target == TARGET_POWER) {
        qtest_qmp_assert_success(qts, "{'execute': 'device_del',"
                                 " 'arguments': {'id': 'd'}}");
    }
    qtest_writel(qts, d.bar + PASID_TESTDEV_CHANNEL(0) +
                 PASID_TESTDEV_CHANNEL_DATA, t->value);
    st_go(qts, d, 0, WRITE, 1, IOVA(1) + (target & 0xfff), 4);
    stag[0] = st_stalled(qts, 0, d.sid, 1, IOVA(1) + (target & 0xfff),
                         VS_EVT_F_TRANSLATION, WRITE);
    st_go_page(qts, d, 1, READ, 2, 0);
    stag[1] = stalled(qts, 1, d.sid, 2, 0);
    qtest_writeq(qts, ST_LEAVES(1) + 8, (target & ~0xfffull) | VS_PTE_PAGE_S1);
    if (t->target == TARGET_POWER) {
        /* Without its BAR the memory map has no reference to the device */
        qtest_writew(qts, st_cfg(d.sid, PCI_COMMAND), PCI_COMMAND_MASTER);
    }
    st_resume(qts, VS_RESUME_RETRY, d.sid, stag[0]);

    switch (t->target) {
    case TARGET_FLR:
        /* The BAR is gone until then */
        while (qtest_readl(qts, st_cfg(d.sid, PCI_BASE_ADDRESS_0)) & ~0xf) {
            g_usleep(1000);
        }
        st_enable_device(qts, d);
        g_assert_cmpint(st_status(qts, d, 0), ==, PASID_TESTDEV_STATUS_IDLE);
        g_assert_cmpint(st_status(qts, d, 1), ==, PASID_TESTDEV_STATUS_IDLE);
        break;
    case TARGET_POWER:
        qtest_qmp_eventwait(qts, "DEVICE_DELETED");
        st_resume(qts, VS_RESUME_RETRY, d.sid, stag[1]);
        break;
    case TARGET_CANCEL:
        st_wait(qts, d, 0, PASID_TESTDEV_STATUS_CANCELLED);
        st_busy(qts, d, 1);
        break;
    case TARGET_RESTART:
        /* Its length is 0 */
        st_wait(qts, d, 0, PASID_TESTDEV_STATUS_OK);
        st_wait(qts, d, 2, PASID_TESTDEV_STATUS_BAD_CMD);
        st_busy(qts, d, 1);
        break;
    case TARGET_CR0:
        st_wait(qts, d, 0, PASID_TESTDEV_STATUS_OK);
        st_wait(qts, d, 1, PASID_TESTDEV_STATUS_FAULT);
        break;
    }
    qtest_quit(qts);
}

/* Migration */

static char *migration_info(QTestState *qts, const char *key)
{
    QDict *response = qtest_qmp(qts, "{'execute': 'query-migrate'}");
    QDict *info = qdict_get_qdict(response, "return");
    char *text = g_strdup(qdict_get_try_str(info, key) ?: "none");

    qobject_unref(response);
    return text;
}

static void migrate_wait(QTestState *qts, const char *status)
{
    g_autofree char *now = NULL;

    do {
        g_free(now);
        g_usleep(1000);
        now = migration_info(qts, "status");
    } while (!g_str_equal(now, "completed") && !g_str_equal(now, "failed"));
    g_assert_cmpstr(now, ==, status);
}

static void migrate(QTestState *qts, const char *uri, const char *status)
{
    qtest_qmp_assert_success(qts, "{'execute': 'migrate', 'arguments':"
                             " {'uri': %s}}", uri);
    migrate_wait(qts, status);
}

/* Refused while a transaction waits, with what to do; saved afterwards */
static void test_migrate(void)
{
    const char *command = PTD_MACHINE ",iommu=smmuv3" ON;
    const StDevice d = st_dev(1);
    QTestState *qts = st_start(ON, &usual, 1);
    g_autofree char *path = NULL;
    g_autofree char *uri = NULL;
    g_autofree char *error = NULL;
    int fd = g_file_open_tmp("smmuv3-stall-XXXXXX", &path, NULL);
    uint16_t stag;

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    uri = g_strdup_printf("file:%s", path);
    st_go_page(qts, d, 3, READ, 1, 0);
    stag = stalled(qts, 0, d.sid, 1, 0);
    migrate(qts, "exec:cat >/dev/null", "failed");
    error = migration_info(qts, "error-desc");
    g_test_message("%s", error);
    g_assert_nonnull(strstr(error, "pasid-testdev"));
    g_assert_nonnull(strstr(error, "channel 3"));
    g_assert_nonnull(strstr(error, "0x40000000"));
    g_assert_nonnull(strstr(error, "try again"));

    /* The guest goes on as if nothing had been */
    st_map(qts, 1, 0);
    st_resume(qts, VS_RESUME_RETRY, d.sid, stag);
    st_read(qts, d, 3, 1, 0);
    migrate(qts, uri, "completed");
    qtest_quit(qts);

    qts = qtest_initf("%s -incoming defer", command);
    qtest_qmp_assert_success(qts, "{'execute': 'migrate-incoming',"
                             " 'arguments': {'uri': %s}}", uri);
    migrate_wait(qts, "completed");
    st_read(qts, d, 3, 1, 0);
    st_go_page(qts, d, 0, READ, 2, 1);
    stag = stalled(qts, 1, d.sid, 2, 1);
    st_map(qts, 2, 1);
    st_resume(qts, VS_RESUME_RETRY, d.sid, stag);
    st_read(qts, d, 0, 2, 1);
    unlink(path);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("smmuv3-stall/smmuen", test_smmuen);
    qtest_add_func("smmuv3-stall/reconfigured", test_reconfigured);
    qtest_add_func("smmuv3-stall/system-reset", test_system_reset);
    qtest_add_func("smmuv3-stall/device-reset/one", test_device_reset);
    qtest_add_func("smmuv3-stall/device-reset/answered", test_reset_answered);
    qtest_add_func("smmuv3-stall/stopped", test_stopped);
    qtest_add_func("smmuv3-stall/cancel", test_cancel);
    for (int i = 0; i < ARRAY_SIZE(forbidden_tests); i++) {
        g_autofree char *path = g_strdup_printf("smmuv3-stall/forbidden/%s",
                                                forbidden_tests[i].name);

        qtest_add_data_func(path, &forbidden_tests[i], test_forbidden);
    }
    qtest_add_func("smmuv3-stall/msi", test_msi);
    if (qtest_has_device("pcie-root-port")) {
        qtest_add_func("smmuv3-stall/unplug", test_unplug);
        for (int i = 0; i < ARRAY_SIZE(self_tests); i++) {
            g_autofree char *path = g_strdup_printf("smmuv3-stall/self/%s",
                                                    self_tests[i].name);

            qtest_add_data_func(path, &self_tests[i], test_self);
        }
    }
    qtest_add_func("smmuv3-stall/migrate", test_migrate);
    return g_test_run();
}
