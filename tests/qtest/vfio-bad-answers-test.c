/*
 * QTest of wrong answers of VFIO and iommufd
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * QEMU must not read beyond an answer because of its sizes, counts and lists,
 * and must not assert that an answer is correct.
 */

#include "qemu/osdep.h"

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "hw/pci/pci_regs.h"
#include "vfio-guest/guest.h"

#define MOST 10
/* Where the guest maps a BAR, and a page of it without MSI-X registers */
#define WINDOW 0x10000000u
#define IN_BAR (WINDOW + 0x2000)

/* One change of the answer of a call; of region information, that of BAR 0 */
typedef struct Change {
    VfOp op;
    uint32_t offset;
    uint32_t size;
    uint64_t value;
} Change;

typedef struct AnswerTest {
    const char *name;
    void (*describe)(VfDevice *d);
    unsigned int caps;          /* bytes of capabilities behind the answer */
    Change change[MOST];
    const char *error;          /* NULL: the device comes up */
    const char *warning;        /* NULL: none */
} AnswerTest;

#define AT(type, field) .offset = offsetof(struct type, field), \
                        .size = sizeof(((struct type *)0)->field)

/* Region information of BAR 0, and the capabilities behind it */
#define BAR0(field)     .op = VF_OP_GET_REGION_INFO, \
                        AT(vfio_region_info, field)
#define BEHIND_BAR0(at) .op = VF_OP_GET_REGION_INFO, .size = 4, \
                        .offset = sizeof(struct vfio_region_info) + (at)

/* A region that can be mapped is one that can be read and written */
#define MAPPED (VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE | \
                VFIO_REGION_INFO_FLAG_MMAP)

#define NOT_THERE "the host tells of capabilities that are not in its answer"

/* Without a reset of its own the device is reset with its bus */
static void bus_reset(VfDevice *d)
{
    d->reset_ok = 0;
    d->phys[VF_IMAGE_MSIX_CAP + PCI_CAP_LIST_NEXT] = 0;
    vf_put32(d->phys + VF_IMAGE_PCIE_CAP + PCI_EXP_DEVCAP, 0);
    vf_put16(d->phys + VF_IMAGE_PM_CAP + PCI_PM_CTRL,
             PCI_PM_CTRL_NO_SOFT_RESET);
}

static void is_bridge(VfDevice *d)
{
    d->phys[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE;
}

static const AnswerTest tests[] = {
    { .name = "region-caps-outside", .change = {
          { BAR0(flags), .value = MAPPED | VFIO_REGION_INFO_FLAG_CAPS },
          { BAR0(cap_offset), .value = UINT32_MAX - 7 } },
      .warning = NOT_THERE },
    { .name = "region-caps-cut", .change = {
          { BAR0(flags), .value = MAPPED | VFIO_REGION_INFO_FLAG_CAPS },
          { BAR0(cap_offset), .value = sizeof(struct vfio_region_info) - 4 } },
      .warning = NOT_THERE },
    { .name = "region-caps-loop", .caps = 8, .change = {
          { BEHIND_BAR0(0), .value = 0xbad },
          { BEHIND_BAR0(4), .value = sizeof(struct vfio_region_info) } },
      .warning = NOT_THERE },
    { .name = "region-areas", .caps = 32, .change = {
          { BEHIND_BAR0(0), .value = VFIO_REGION_INFO_CAP_SPARSE_MMAP },
          { BEHIND_BAR0(4), .value = 0 },
          { BEHIND_BAR0(8), .value = UINT32_MAX } },
      .warning = NOT_THERE },
    { .name = "region-endless",
      .change = { { BAR0(argsz), .value = UINT32_MAX } },
      .error = "failed to get region 0 info: Argument list too long" },
    { .name = "region-mapped-unreadable", .change = {
          { BAR0(flags), .value = VFIO_REGION_INFO_FLAG_MMAP } } },
    { .name = "region-mapped-read-only", .change = {
          { BAR0(flags), .value = VFIO_REGION_INFO_FLAG_MMAP |
                                  VFIO_REGION_INFO_FLAG_READ } } },
    { .name = "region-mapped-write-only", .change = {
          { BAR0(flags), .value = VFIO_REGION_INFO_FLAG_MMAP |
                                  VFIO_REGION_INFO_FLAG_WRITE } } },
    { .name = "regions", .change = {
          { VF_OP_GET_INFO, AT(vfio_device_info, num_regions),
            .value = UINT32_MAX } } },
    { .name = "iova-count", .change = {
          { VF_OP_IOAS_IOVA_RANGES, AT(iommu_ioas_iova_ranges, num_iovas),
            .value = 0x10000001 } },
      .warning = "Cannot get IOVA ranges: Argument list too long" },
    { .name = "iova-empty", .change = {
          { VF_OP_IOAS_IOVA_RANGES, sizeof(struct iommu_ioas_iova_ranges), 8,
            .value = UINT64_MAX } },
      .warning = "the host tells of I/O addresses from 0xffffffffffffffff" },
    { .name = "iova-alignment", .change = {
          { VF_OP_IOAS_IOVA_RANGES,
            AT(iommu_ioas_iova_ranges, out_iova_alignment) } } },
    { .name = "reset-by-group", .describe = bus_reset, .change = {
          { VF_OP_HOT_RESET_INFO, AT(vfio_pci_hot_reset_info, flags) } } },
    { .name = "reset-not-owned", .describe = bus_reset, .change = {
          { VF_OP_HOT_RESET_INFO, sizeof(struct vfio_pci_hot_reset_info), 4,
            .value = UINT32_MAX } } },
    { .name = "reset-count", .describe = bus_reset, .change = {
          { VF_OP_HOT_RESET_INFO, AT(vfio_pci_hot_reset_info, count),
            .value = INT32_MAX } },
      .warning = "Cannot reset device d0" },
};

/* An answer that asks for more room says that capabilities are there */
static void add_caps(VfClient *c, unsigned int caps, VfOp op)
{
    const bool region = op == VF_OP_GET_REGION_INFO;
    const uint32_t bare = region ? sizeof(struct vfio_region_info) :
                                   sizeof(struct vfio_iommu_type1_info);

    vf_client_change(c, op, region ? 0 : UINT64_MAX,
                     region ? offsetof(struct vfio_region_info, argsz) :
                              offsetof(struct vfio_iommu_type1_info, argsz),
                     4, bare + caps);
    vf_client_change(c, op, region ? 0 : UINT64_MAX,
                     region ? offsetof(struct vfio_region_info, flags) :
                              offsetof(struct vfio_iommu_type1_info, flags),
                     4, region ? MAPPED | VFIO_REGION_INFO_FLAG_CAPS :
                                 VFIO_IOMMU_INFO_PGSIZES |
                                 VFIO_IOMMU_INFO_CAPS);
    vf_client_change(c, op, region ? 0 : UINT64_MAX,
                     region ?
                     offsetof(struct vfio_region_info, cap_offset) :
                     offsetof(struct vfio_iommu_type1_info, cap_offset),
                     4, bare);
}

static VfClient *describe(const AnswerTest *t)
{
    VfClient *c = vf_client_new();
    VfDevice *d = vf_client_add_device(c);

    if (t->describe) {
        t->describe(d);
    }
    if (t->caps) {
        add_caps(c, t->caps, t->change[0].op);
    }
    for (int i = 0; i < MOST && t->change[i].op; i++) {
        const Change *change = &t->change[i];

        vf_client_change(c, change->op,
                         change->op == VF_OP_GET_REGION_INFO ? 0 : UINT64_MAX,
                         change->offset, change->size, change->value);
    }
    return c;
}

static void test_answer(const void *opaque)
{
    const AnswerTest *t = opaque;
    VfClient *c = describe(t);
    VfGuest *g = vg_start(c, VG_MACHINE VG_IOMMUFD VG_PORT(1), "", c->iommufd);
    g_autofree gchar *text = NULL;
    g_autofree gchar *err = NULL;

    vg_ports(g, 1);
    err = vg_device_add(g, 0, "d0", 1, "");
    if (t->error) {
        vg_assert_has(err, t->error);
        vg_settle(g);
    } else {
        g_assert_cmpstr(err, ==, NULL);
        g_assert_cmphex(vg_config_readl(g, 1, 0, PCI_VENDOR_ID), ==,
                        0x00fa1b36);
        /* Mapped by the guest, the BAR is mapped for DMA, too */
        vg_config_writel(g, 0, 1 << 3, PCI_MEMORY_BASE, WINDOW >> 16 | WINDOW);
        vg_config_writew(g, 0, 1 << 3, PCI_COMMAND,
                         PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
        vg_config_writel(g, 1, 0, PCI_BASE_ADDRESS_0, WINDOW);
        vg_config_writew(g, 1, 0, PCI_COMMAND, PCI_COMMAND_MEMORY);
        qtest_writel(g->qts, IN_BAR, qtest_readl(g->qts, IN_BAR));
        vg_device_del(g, "d0", 1);
    }
    vf_client_assert_clean(c);
    text = vg_end(g);
    if (t->warning) {
        vg_assert_has(text, t->warning);
    } else {
        g_assert_cmpstr(text, ==, "");
    }
}

/* The same of a device in a type1 container */
#define TYPE1(field)        .op = VF_OP_CONTAINER, \
                            AT(vfio_iommu_type1_info, field)
#define BEHIND_TYPE1(at)    .op = VF_OP_CONTAINER, .size = 4, \
                            .offset = sizeof(struct vfio_iommu_type1_info) + \
                                      (at)

static const AnswerTest legacy_tests[] = {
    { .name = "caps-outside", .change = {
          { TYPE1(flags), .value = VFIO_IOMMU_INFO_PGSIZES |
                                   VFIO_IOMMU_INFO_CAPS },
          { TYPE1(cap_offset), .value = UINT32_MAX - 7 } },
      .warning = NOT_THERE },
    { .name = "caps-loop", .caps = 8, .change = {
          { BEHIND_TYPE1(0), .value = 0xbad },
          { BEHIND_TYPE1(4), .value = sizeof(struct vfio_iommu_type1_info) } },
      .warning = NOT_THERE },
    { .name = "iova-count", .caps = 32, .change = {
          { BEHIND_TYPE1(0), .value = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE },
          { BEHIND_TYPE1(4), .value = 0 },
          { BEHIND_TYPE1(8), .value = UINT32_MAX } },
      .warning = NOT_THERE },
    { .name = "iova-empty", .caps = 32, .change = {
          { BEHIND_TYPE1(0), .value = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE },
          { BEHIND_TYPE1(4), .value = 0 },
          { BEHIND_TYPE1(8), .value = 1 },
          { BEHIND_TYPE1(16), .value = 1 },
          { BEHIND_TYPE1(20), .value = 0 },
          { BEHIND_TYPE1(24), .value = 0 },
          { BEHIND_TYPE1(28), .value = 0 } },
      .warning = "the host tells of I/O addresses from 0x1 to 0x0" },
    { .name = "endless", .change = { { TYPE1(argsz), .value = UINT32_MAX } },
      .error = "Failed to get VFIO IOMMU info: Argument list too long" },
    { .name = "page-sizes", .change = { { TYPE1(iova_pgsizes) } } },
};

static void look(VfClient *c)
{
}

static void test_legacy(const void *opaque)
{
    const AnswerTest *t = opaque;
    VfClient *c = describe(t);
    g_autofree gchar *dir = g_dir_make_tmp("vfio-fake-XXXXXX", NULL);
    g_autofree gchar *link = g_build_filename(dir, "iommu_group", NULL);
    g_autofree gchar *options =
        g_strdup_printf("-M virt -cpu cortex-a57 -nodefaults " VG_PORT(1)
                        "-device vfio-pci,sysfsdev=%s,id=d0,bus=rp1", dir);
    g_autofree gchar *text = NULL;
    bool up;

    g_assert_cmpint(symlink("/sys/kernel/iommu_groups/10", link), ==, 0);
    text = vg_try(c, look, options, &up);
    g_assert_cmpint(up, ==, !t->error);
    if (t->error || t->warning) {
        vg_assert_has(text, t->error ?: t->warning);
    } else {
        g_assert_cmpstr(text, ==, "");
    }
    vf_client_free(c);
    unlink(link);
    rmdir(dir);
}

/* As many vectors as there were to enable: trying that again is no use */
static void test_vectors(void)
{
    static const uint8_t msi = 0xb0;
    static const AnswerTest sound = { "sound" };
    VfClient *c = describe(&sound);
    VfDevice *d = &c->shared->device[0];
    g_autofree gchar *text = NULL;
    VfGuest *g;

    d->phys[VF_IMAGE_AF_CAP + PCI_CAP_LIST_NEXT] = msi;
    d->phys[msi] = PCI_CAP_ID_MSI;
    vf_put16(d->phys + msi + PCI_MSI_FLAGS, 2 << 1);
    d->msi = 4;
    g = vg_start(c, VG_MACHINE VG_IOMMUFD VG_PORT(1), "", c->iommufd);
    vg_ports(g, 1);
    g_assert_cmpstr(vg_device_add(g, 0, "d0", 1, ""), ==, NULL);
    vf_client_change(c, VF_OP_SET_IRQS, VFIO_PCI_MSI_IRQ_INDEX, 0, 0, 0)->ret =
        4;
    vg_config_writew(g, 1, 0, msi + PCI_MSI_FLAGS,
                     2 << 4 | PCI_MSI_FLAGS_ENABLE);
    vf_client_clear_changes(c);
    vg_device_del(g, "d0", 1);
    vf_client_assert_clean(c);
    text = vg_end(g);
    vg_assert_has(text, "Failed to setup MSI fds: Invalid argument");
}

/*
 * Neither a success nor an error, so it counts as an error, and is the one that
 * is told: that the device is a bridge would come later.
 */
static void test_attach(void)
{
    static const AnswerTest bridge = { "bridge", is_bridge };
    VfClient *c = describe(&bridge);
    g_autofree gchar *err = NULL;
    VfGuest *g = vg_start(c, VG_MACHINE VG_IOMMUFD VG_PORT(1), "", c->iommufd);

    vg_ports(g, 1);
    vf_client_change(c, VF_OP_ATTACH, UINT64_MAX, 0, 0, 0)->ret = 1;
    err = vg_device_add(g, 0, "d0", 1, "");
    vf_client_clear_changes(c);
    vg_assert_has(err, "error attach d0");
    vg_settle(g);
    g_assert_null(vf_client_device_object(c, 0));
    g_free(vg_end(g));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(tests); i++) {
        vg_add_test("vfio-bad-answers", tests[i].name, &tests[i], test_answer);
    }
    for (int i = 0; i < ARRAY_SIZE(legacy_tests); i++) {
        vg_add_test("vfio-bad-answers/legacy", legacy_tests[i].name,
                    &legacy_tests[i], test_legacy);
    }
    qtest_add_func("vfio-bad-answers/vectors", test_vectors);
    qtest_add_func("vfio-bad-answers/attach", test_attach);
    return g_test_run();
}
