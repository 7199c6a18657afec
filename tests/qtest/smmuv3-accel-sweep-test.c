/*
 * QTest of the accelerated SMMUv3: every call to the host fails once
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The life of a device is: it is plugged, a driver sets it up, the SMMU
 * translates for it, it has a fault, the machine is reset, it is unplugged. The
 * test runs one life for each system call in it and each errno of that call in
 * the uAPI, and lets just that call fail. QEMU has to stay alive, no device may
 * ever have more access than its STE gives it, and no less one CMD_SYNC after
 * the failure, later steps have to work again, and no object may be left. A
 * QEMU that is started with the device may also end, with an error message.
 */

#include "qemu/osdep.h"

#include <linux/pci_regs.h>

#include "vfio-guest/smmu.h"

/* Window of root port 1, and where its device has its BAR */
#define WINDOW      0x10000000ull
#define BAR_DATA    (WINDOW + 0x2000)
#define MSIX_TABLE  WINDOW

/* Mapping tables of the guest, first and second choice */
#define OTHER_CDTAB (VS_STE0_DEFAULT + 0x10000)

typedef struct CallErrors {
    VfOp op;
    int err[7];
} CallErrors;

/* From linux/iommufd.h, linux/vfio.h and their implementation */
static const CallErrors call_errors[] = {
    /* Can hardly fail; an object that is refused stays, see assert_left_by() */
    { VF_OP_DESTROY, { EBUSY, ENOENT } },
    { VF_OP_BIND, { EINVAL, ENODEV, EBUSY, EBADF, ENOMEM } },
    { VF_OP_ATTACH, { EINVAL, ENOENT, EBUSY, EIO, ENOMEM, ENODEV } },
    { VF_OP_DETACH, { EINVAL, EFAULT } },
    { VF_OP_GET_INFO, { EINVAL, EFAULT, ENOMEM } },
    { VF_OP_GET_REGION_INFO, { EINVAL, ENOMEM, EFAULT } },
    { VF_OP_GET_IRQ_INFO, { EINVAL, EFAULT } },
    { VF_OP_SET_IRQS, { EINVAL, ENOSPC, ENOMEM, EBUSY } },
    { VF_OP_RESET, { EINVAL, EAGAIN, ENOTTY } },
    { VF_OP_FEATURE, { EINVAL, EFAULT } },
    { VF_OP_IOAS_ALLOC, { ENOMEM, EOPNOTSUPP } },
    { VF_OP_IOAS_IOVA_RANGES, { ENOENT, EFAULT, ENOMEM } },
    { VF_OP_IOAS_MAP, { EFAULT, ENOMEM, EEXIST, EINVAL, EOVERFLOW, ENOENT } },
    { VF_OP_IOAS_UNMAP, { ENOENT, EBUSY, EINVAL, EOVERFLOW } },
    { VF_OP_HWPT_ALLOC, { EOPNOTSUPP, EINVAL, ENOMEM, EIO, ENOENT, ENODEV } },
    { VF_OP_GET_HW_INFO, { EOPNOTSUPP, ENOENT, EFAULT, EIO, ENOMEM } },
    { VF_OP_HWPT_INVALIDATE, { EIO, ETIMEDOUT, ENOMEM, EFAULT, ENOENT } },
    { VF_OP_VIOMMU_ALLOC, { EOPNOTSUPP, ENOENT, EINVAL, ENOMEM } },
    { VF_OP_VDEVICE_ALLOC, { EEXIST, ENOENT, EINVAL, ENOMEM, EOPNOTSUPP } },
    { VF_OP_VEVENTQ_ALLOC, { EOPNOTSUPP, ENOTTY, EINVAL, EEXIST, EMFILE,
                             ENOMEM } },
    { VF_OP_CONFIG_READ, { EFAULT, EIO, EINVAL } },
    { VF_OP_CONFIG_WRITE, { EFAULT, EIO, ENOSPC } },
    { VF_OP_MMAP, { EINVAL, EAGAIN, ENOMEM, EPERM } },
    { VF_OP_EVENT_READ, { EFAULT, EIO, EINTR, EAGAIN } },
};

/* Of a device that can only be reset by way of its bus */
static const CallErrors bus_reset_errors[] = {
    { VF_OP_HOT_RESET_INFO, { EINVAL, ENODEV, ENOMEM } },
    { VF_OP_HOT_RESET, { EINVAL, EPERM, EAGAIN } },
};

/* Of a device whose BARs are not mapped */
static const CallErrors region_errors[] = {
    { VF_OP_REGION_READ, { EFAULT, EIO, ENOMEM } },
    { VF_OP_REGION_WRITE, { EFAULT, EIO, ENOMEM } },
};

/* Results of the calls that failed */
typedef struct Counts {
    unsigned int sites;     /* calls of a life that can fail */
    unsigned int runs;      /* lives with one that did */
    unsigned int refused;   /* the device did not come, or QEMU ended */
    unsigned int told;      /* the user was told */
    unsigned int silent;    /* without message */
    unsigned int late;      /* not back at its STE after one CMD_SYNC */
} Counts;

static unsigned int errors_of(const CallErrors *e)
{
    unsigned int n = 0;

    while (n < ARRAY_SIZE(e->err) && e->err[n]) {
        n++;
    }
    return n;
}

/* A guest that finds its tables as they were, or has lost its registers */
static void set_up(VfGuest *g)
{
    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
}

static void assert_within(VfGuest *g, VfAccess most, uint64_t word0)
{
    uint64_t ste[2] = { 0 };

    vf_client_assert_at_most(g->c, 0, most);
    if (vf_client_access(g->c, 0, ste) == VF_ACCESS_S1) {
        g_assert_cmphex(ste[0], ==, word0);
    }
}

/*
 * A CMD_SYNC that names no STE is enough for a device whose STE the host has
 * refused.
 *
 * Returns: whether the device has the access that its STE gives it.
 */
static bool is_back(VfGuest *g, VfAccess access, uint64_t word0)
{
    uint64_t ste[2] = { 0 };

    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    if (vf_client_access(g->c, 0, ste) != access ||
        (access == VF_ACCESS_S1 && ste[0] != word0)) {
        g_test_message("the device has access %d instead of %d",
                       vf_client_access(g->c, 0, ste), access);
        return false;
    }
    return true;
}

/* Use BAR, registers and vectors as a driver does */
static void drive(VfGuest *g)
{
    uint16_t msix = VF_IMAGE_MSIX_CAP + PCI_MSIX_FLAGS;

    vg_config_writel(g, 0, 1 << 3, PCI_MEMORY_BASE, WINDOW >> 16 | WINDOW);
    vg_config_writel(g, 1, 0, PCI_BASE_ADDRESS_0, WINDOW);
    vg_config_writel(g, 1, 0, PCI_BASE_ADDRESS_1, 0);
    vg_config_writew(g, 1, 0, PCI_COMMAND,
                     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    qtest_writel(g->qts, BAR_DATA, 0x600d600d);
    qtest_readl(g->qts, BAR_DATA);
    qtest_writel(g->qts, MSIX_TABLE + PCI_MSIX_ENTRY_LOWER_ADDR, VG_RAM);
    qtest_writel(g->qts, MSIX_TABLE + PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
    vg_config_writew(g, 1, 0, msix, PCI_MSIX_FLAGS_ENABLE);
    qtest_writel(g->qts, MSIX_TABLE + PCI_MSIX_ENTRY_SIZE +
                 PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
    vg_config_writew(g, 1, 0, msix, 0);
}

/* Returns: how often the device was not back */
static unsigned int translate(VfGuest *g)
{
    const VsState *bypass = &vs_states[VS_BYPASS];
    unsigned int late = 0;

    vs_set_state(g, bypass, 1);
    assert_within(g, VF_ACCESS_BYPASS, 0);
    late += !is_back(g, VF_ACCESS_BYPASS, 0);
    vs_write_ste(g, VS_LINEAR, VS_SID(1), OTHER_CDTAB, VS_STE1_DEFAULT);
    vs_cfgi_ste(g, VS_SID(1));
    assert_within(g, VF_ACCESS_S1, OTHER_CDTAB);
    late += !is_back(g, VF_ACCESS_S1, OTHER_CDTAB);
    vs_queue(g, VS_CMD_TLBI_NH_VA, 0x1000);
    vs_queue(g, VS_CMD_CFGI_CD_ALL | (uint64_t)VS_SID(1) << 32, 0);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    assert_within(g, VF_ACCESS_S1, OTHER_CDTAB);
    late += !is_back(g, VF_ACCESS_S1, OTHER_CDTAB);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    assert_within(g, VF_ACCESS_S1, VS_STE0_DEFAULT);
    late += !is_back(g, VF_ACCESS_S1, VS_STE0_DEFAULT);
    return late;
}

static void fault(VfGuest *g)
{
    const uint64_t evt[4] = {
        VS_EVT_F_TRANSLATION | (uint64_t)VS_SID(1) << 32, 0, 0x1000, 0,
    };

    vf_client_push_event(g->c, 0, evt);
    vg_settle(g);
}

/* Returns: NULL, or why the device could not be plugged */
static gchar *live(VfGuest *g, const char *options, unsigned int *late)
{
    gchar *err = vg_device_add(g, 0, "d1", 1, options);

    if (err) {
        return err;
    }
    assert_within(g, VF_ACCESS_S1, VS_STE0_DEFAULT);
    drive(g);
    assert_within(g, VF_ACCESS_S1, VS_STE0_DEFAULT);
    *late += translate(g);
    fault(g);
    assert_within(g, VF_ACCESS_S1, VS_STE0_DEFAULT);
    vg_system_reset(g);
    assert_within(g, VF_ACCESS_BYPASS, 0);
    set_up(g);
    assert_within(g, VF_ACCESS_S1, VS_STE0_DEFAULT);
    *late += !is_back(g, VF_ACCESS_S1, VS_STE0_DEFAULT);
    drive(g);
    vg_device_del(g, "d1", 1);
    return NULL;
}

/* Returns: parent of object @id, 0 for none; it may be a tombstone */
static uint32_t parent_of(VfClient *c, uint32_t id)
{
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        const VfObject *obj = &c->shared->object[i];

        if (obj->type != VF_OBJ_FREE && obj->id == id) {
            return obj->parent;
        }
    }
    return 0;
}

/* Only objects that the kernel refused to destroy and their parents are left */
static void assert_left_by(VfClient *c, uint32_t refused)
{
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        const VfObject *left = &c->shared->object[i];
        uint32_t id = refused;

        if (left->type == VF_OBJ_FREE) {
            continue;
        }
        while (id && id != left->id) {
            id = parent_of(c, id);
        }
        g_assert_cmpuint(id, ==, left->id);
    }
}

/* One life with one failure; returns whether the call was made at all */
static bool live_with(VfGuest *g, const char *options, VfOp op,
                      unsigned int nth, int err, Counts *counts)
{
    VfClient *c = g->c;
    unsigned int files = vg_open_files(g);
    g_autofree gchar *before = vg_stderr(g);
    g_autofree gchar *after = NULL;
    g_autofree gchar *refused = NULL;
    VfRule *rule = vf_client_rule(c, op, nth, 1, err);
    unsigned int late = 0;
    uint32_t left = 0;
    bool failed;

    c->shared->log_len = 0;
    refused = live(g, options, &late);
    failed = rule->seen >= nth;
    /*
     * A vDEVICE that is said to be gone, and is not, keeps its StreamID: no
     * other one can be made, and nothing frees it but the end of the device.
     */
    if (op != VF_OP_DESTROY || err != ENOENT) {
        counts->late += late;
    }
    vf_client_clear_rules(c);
    if (!failed) {
        g_assert_cmpstr(refused, ==, NULL);
    }
    for (uint32_t i = 0; op == VF_OP_DESTROY && !left &&
                         i < c->shared->log_len; i++) {
        if (c->shared->log[i].op == op && c->shared->log[i].err) {
            left = c->shared->log[i].arg[0];
        }
    }
    if (op != VF_OP_DESTROY) {
        vf_client_assert_clean(c);
        g_assert_cmpuint(vg_open_files(g), ==, files);
    } else {
        assert_left_by(c, left);
    }
    after = vg_stderr(g);
    if (failed) {
        counts->runs++;
        counts->refused += refused != NULL;
        counts->told += !refused && strlen(after) > strlen(before);
        counts->silent += !refused && strlen(after) == strlen(before);
    }
    return failed;
}

static VfGuest *start(bool reset_ok)
{
    VfGuest *g = vs_start(1, 0);

    g->c->shared->device[0].reset_ok = reset_ok;
    set_up(g);
    return g;
}

static void report(VfOp op, const Counts *counts)
{
    g_test_message("%s: %u sites, %u failures: %u refused, %u told, %u silent,"
                   " %u late", vf_op_name(op), counts->sites, counts->runs,
                   counts->refused, counts->told, counts->silent,
                   counts->late);
}

static void sweep(const CallErrors *e, bool reset_ok, const char *options)
{
    unsigned int errors = errors_of(e);
    VfGuest *g = start(reset_ok);
    Counts counts = { 0 };
    bool more = true;

    for (unsigned int nth = 1; more; nth++) {
        for (unsigned int i = 0; more && i < errors; i++) {
            more = live_with(g, options, e->op, nth, e->err[i], &counts);
            if (e->op == VF_OP_DESTROY) {
                g_free(vg_end(g));
                g = start(reset_ok);
            }
        }
        counts.sites += more;
    }
    g_free(vg_end(g));
    report(e->op, &counts);
    g_assert_cmpuint(counts.sites, >, 0);
    g_assert_cmpuint(counts.late, ==, 0);
}

/* Checks at start, while QEMU is up */
static VfOp start_op;
static unsigned int start_calls;

static void look(VfClient *c)
{
    start_calls = vf_client_count(c, start_op, 0);
    vf_client_assert_at_most(c, 0, VF_ACCESS_BYPASS);
}

/* Lines of QEMU's own that are not just warnings; hints come without a name */
static unsigned int errors_in(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    unsigned int n = 0;

    for (int i = 0; lines[i]; i++) {
        n += g_str_has_prefix(lines[i], "qemu-system") &&
             !strstr(lines[i], "warning:");
    }
    return n;
}

static void start_with(VfOp op, unsigned int nth, int err, Counts *counts)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, 1, 1);
    g_autofree gchar *text = NULL;
    bool up;

    start_op = op;
    if (nth) {
        vf_client_rule(c, op, nth, 1, err);
    }
    text = vg_try(c, look, options, &up);
    if (!up && errors_in(text) != 1) {
        g_test_message("%s %u fails with %s, and QEMU ends with: %s",
                       vf_op_name(op), nth, g_strerror(err), text);
        g_test_fail();
    }
    if (nth) {
        counts->runs++;
        counts->refused += !up;
        counts->told += up && *text;
        counts->silent += up && !*text;
    } else {
        g_assert_cmpstr(text, ==, "");
    }
    vf_client_free(c);
}

static void test_start(const void *opaque)
{
    const CallErrors *e = opaque;
    unsigned int errors = errors_of(e);
    Counts counts = { 0 };

    start_with(e->op, 0, 0, NULL);
    counts.sites = start_calls;
    for (unsigned int nth = 1; nth <= counts.sites; nth++) {
        for (unsigned int i = 0; i < errors; i++) {
            start_with(e->op, nth, e->err[i], &counts);
        }
    }
    report(e->op, &counts);
}

static void test_life(const void *opaque)
{
    sweep(opaque, true, "");
}

static void test_bus_reset(const void *opaque)
{
    sweep(opaque, false, "");
}

static void test_region(const void *opaque)
{
    sweep(opaque, true, ",x-no-mmap=true");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(call_errors); i++) {
        vg_add_test("smmuv3-accel/sweep/start", vf_op_name(call_errors[i].op),
                    &call_errors[i], test_start);
        vg_add_test("smmuv3-accel/sweep", vf_op_name(call_errors[i].op),
                    &call_errors[i], test_life);
    }
    for (int i = 0; i < ARRAY_SIZE(bus_reset_errors); i++) {
        vg_add_test("smmuv3-accel/sweep", vf_op_name(bus_reset_errors[i].op),
                    &bus_reset_errors[i], test_bus_reset);
    }
    for (int i = 0; i < ARRAY_SIZE(region_errors); i++) {
        vg_add_test("smmuv3-accel/sweep", vf_op_name(region_errors[i].op),
                    &region_errors[i], test_region);
    }
    return g_test_run();
}
