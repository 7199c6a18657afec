/*
 * QTest of the emulated Arm SMMUv3: a device with an iothread
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A virtio-blk device reads its queue in an iothread, where its transactions
 * are translated while the main loop does something else, or nothing at all.
 * Guest memory is a file that the test has mapped, too: it can be looked at
 * whatever QEMU does. Sections are those of Arm IHI0070.
 */

#include "qemu/osdep.h"

#include <sys/mman.h>

#include "libqtest.h"
#include "qemu/bswap.h"
#include "qemu/units.h"
#include "smmuv3-emulated.h"
#include "hw/pci/pci_regs.h"
#include "standard-headers/linux/virtio_blk.h"
#include "standard-headers/linux/virtio_config.h"
#include "standard-headers/linux/virtio_pci.h"
#include "standard-headers/linux/virtio_ring.h"

#define RAM                 0x40000000ull
#define RAM_SIZE            (128 * MiB)
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
#define EVENTQ_LOG2         10
#define EVENTQ_POSITION     ((2u << EVENTQ_LOG2) - 1)

/* A stage 1 with one CD, and one GiB in a table of 39 bits (5.2, 5.4) */
#define STE0_S1             (VS_STE0_V | VS_STE0_S1 | CD_TABLE)
#define CD_TABLE            (RAM + 0x110000)
#define PAGE_TABLE          (RAM + 0x120000)

/* Commands (4.4) that forget all translations, as many as one write may tell */
#define CMDQ                (RAM + 0x1000000)
#define CMDQ_LOG2           16
#define CMDQ_SIZE           (1u << CMDQ_LOG2)

/* The device's queue; what is behind the GiB is not mapped */
#define QUEUE               (RAM + 0x300000)
#define AVAIL               (QUEUE + 0x1000)
#define USED                (QUEUE + 0x2000)
#define USED_UNMAPPED       (RAM + 1 * GiB)
#define QUEUE_SIZE          256

/* Requests that are in the queue at once, each of three descriptors */
#define REQUESTS            (QUEUE_SIZE / 3)
#define HEADER              (RAM + 0x310000)
#define DATA                (RAM + 0x311000)
#define STATUS(n)           (RAM + 0x312000 + (n))
#define NO_STATUS           0xff

/* How long anything may take at most */
#define TIMEOUT_US          (60 * G_USEC_PER_SEC)

typedef struct Guest {
    QTestState *qts;
    char *dir;
    char *file;
    uint8_t *ram;
    uint64_t notify;
    uint16_t avail;         /* requests that the device was given */
} Guest;

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

/* Returns: where the device is told of something in its queue */
static uint64_t start_device(QTestState *qts, uint64_t used)
{
    uint64_t common;
    uint8_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

    qtest_writel(qts, CONFIG(PCI_BASE_ADDRESS_4), BAR);
    qtest_writel(qts, CONFIG(PCI_BASE_ADDRESS_5), 0);
    qtest_writew(qts, CONFIG(PCI_COMMAND),
                 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    common = find_structure(qts, VIRTIO_PCI_CAP_COMMON_CFG);

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
    qtest_writel(qts, common + VIRTIO_PCI_COMMON_Q_AVAILLO, AVAIL);
    qtest_writel(qts, common + VIRTIO_PCI_COMMON_Q_USEDLO, used);
    qtest_writew(qts, common + VIRTIO_PCI_COMMON_Q_ENABLE, 1);
    status |= VIRTIO_CONFIG_S_DRIVER_OK;
    qtest_writeb(qts, common + VIRTIO_PCI_COMMON_STATUS, status);
    return find_structure(qts, VIRTIO_PCI_CAP_NOTIFY_CFG);
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

static void *ram(Guest *g, uint64_t addr)
{
    return g->ram + (addr - RAM);
}

/* @ste0: the device's, all of which is zero otherwise; @drive: options of it */
static Guest *start(uint64_t ste0, const char *drive, uint64_t used)
{
    Guest *g = g_new0(Guest, 1);
    int fd;

    g->dir = g_dir_make_tmp("smmuv3-iothread-XXXXXX", NULL);
    g->file = g_build_filename(g->dir, "ram", NULL);
    fd = open(g->file, O_RDWR | O_CREAT, 0600);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, RAM_SIZE), ==, 0);
    g->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    g_assert(g->ram != MAP_FAILED);
    close(fd);
    g->qts = qtest_initf("-nodefaults -machine virt,gic-version=2,"
                         "highmem-ecam=off,iommu=smmuv3,memory-backend=m0"
                         " -m 128M -object memory-backend-file,id=m0,size=128M,"
                         "share=on,mem-path=%s"
                         " -object iothread,id=io0"
                         " -blockdev null-co,node-name=d0%s"
                         " -device virtio-blk-pci,drive=d0,iothread=io0"
                         ",iommu_platform=on,disable-legacy=on"
                         ",bus=pcie.0,addr=1.0", g->file, drive);
    stq_le_p(ram(g, STRTAB + DEVFN * VS_STE_SIZE), ste0);
    stq_le_p(ram(g, CD_TABLE), VS_CD0(0, VS_CD_IPS_44));
    stq_le_p(ram(g, CD_TABLE + 8), PAGE_TABLE);
    stq_le_p(ram(g, PAGE_TABLE + 8), RAM | VS_PTE_BLOCK_S1);
    open_gic(g->qts);
    smmu_writeq(g->qts, VS_STRTAB_BASE, STRTAB);
    smmu_writel(g->qts, VS_STRTAB_BASE_CFG, STRTAB_LOG2);
    smmu_writeq(g->qts, VS_CMDQ_BASE, CMDQ | CMDQ_LOG2);
    smmu_writeq(g->qts, VS_EVENTQ_BASE, EVENTQ | EVENTQ_LOG2);
    smmu_writel(g->qts, VS_IRQ_CTRL, VS_IRQ_CTRL_EVENTQ);
    smmu_writel(g->qts, VS_CR0,
                VS_CR0_SMMUEN | VS_CR0_CMDQEN | VS_CR0_EVENTQEN);
    g->notify = start_device(g->qts, used);
    return g;
}

static void quit(Guest *g)
{
    qtest_quit(g->qts);
    munmap(g->ram, RAM_SIZE);
    g_assert_cmpint(unlink(g->file), ==, 0);
    g_assert_cmpint(rmdir(g->dir), ==, 0);
    g_free(g->file);
    g_free(g->dir);
    g_free(g);
}

static void describe(Guest *g, unsigned int i, uint64_t addr, uint32_t len,
                     uint16_t flags)
{
    struct vring_desc *desc = (struct vring_desc *)ram(g, QUEUE) + i;

    stq_le_p(&desc->addr, addr);
    stl_le_p(&desc->len, len);
    stw_le_p(&desc->flags, flags);
    stw_le_p(&desc->next, i + 1);
}

/* Have the device read REQUESTS times */
static void submit(Guest *g)
{
    struct vring_avail *avail = ram(g, AVAIL);
    struct virtio_blk_outhdr *header = ram(g, HEADER);

    stl_le_p(&header->type, VIRTIO_BLK_T_IN);
    memset(ram(g, STATUS(0)), NO_STATUS, REQUESTS);
    for (unsigned int n = 0; n < REQUESTS; n++) {
        describe(g, 3 * n, HEADER, sizeof(*header), VRING_DESC_F_NEXT);
        describe(g, 3 * n + 1, DATA, 512,
                 VRING_DESC_F_WRITE | VRING_DESC_F_NEXT);
        describe(g, 3 * n + 2, STATUS(n), 1, VRING_DESC_F_WRITE);
        stw_le_p(&avail->ring[g->avail++ % QUEUE_SIZE], 3 * n);
    }
    /* The device may look at its queue already: the ring before its index */
    smp_wmb();
    stw_le_p(&avail->idx, g->avail);
    qtest_writew(g->qts, g->notify, 0);
}

/* Wait until all of them are done, without a word to QEMU */
static void wait_for_status(Guest *g)
{
    int64_t start_us = g_get_monotonic_time();

    for (unsigned int n = 0; n < REQUESTS; n++) {
        while (qatomic_read((uint8_t *)ram(g, STATUS(n))) == NO_STATUS) {
            g_assert_true(qtest_probe_child(g->qts));
            g_assert_cmpint(g_get_monotonic_time() - start_us, <, TIMEOUT_US);
            g_usleep(100);
        }
        g_assert_cmpuint(*(uint8_t *)ram(g, STATUS(n)), ==, VIRTIO_BLK_S_OK);
    }
}

static void test_event(void)
{
    Guest *g = start(0, "", USED);
    QTestState *qts = g->qts;

    qtest_writew(qts, g->notify, 0);
    wait_for_event(qts, 0);
    g_assert_cmphex(qtest_readl(qts, EVENTQ) & 0xff, ==, VS_EVT_C_BAD_STE);
    g_assert_cmphex(qtest_readl(qts, EVENTQ + 4), ==, DEVFN);
    g_assert_cmphex(qtest_readl(qts, GICD + GICD_ISPENDR(INTID_EVENTQ / 32)) &
                    1u << INTID_EVENTQ % 32, !=, 0);
    quit(g);
}

/*
 * Keep the main loop busy until the device has done all it was told to: QEMU
 * opens a pipe that nobody reads as yet
 */
static void wait_without_main_loop(Guest *g)
{
    g_autofree char *pipe = g_build_filename(g->dir, "pipe", NULL);
    char buf[64];
    int fd;

    g_assert_cmpint(mkfifo(pipe, 0600), ==, 0);
    qtest_qmp_send(g->qts, "{'execute': 'pmemsave', 'arguments': {'val': %u,"
                   " 'size': 1, 'filename': %s}}", (unsigned int)RAM, pipe);
    wait_for_status(g);
    fd = open(pipe, O_RDONLY);
    g_assert_cmpint(fd, >=, 0);
    while (read(fd, buf, sizeof(buf)) > 0) {
        continue;
    }
    close(fd);
    qobject_unref(qtest_qmp_receive(g->qts));
    g_assert_cmpint(unlink(pipe), ==, 0);
}

/*
 * Events that the main loop cannot keep up with are an overflow (7.4). When the
 * device begins is up to the drive: if the main loop was not yet busy by then,
 * it could keep up. Try again.
 */
static void test_overflow(void)
{
    Guest *g = start(STE0_S1, ",latency-ns=50000000", USED_UNMAPPED);
    uint32_t prod, cons = 0;

    for (int i = 0; ; i++) {
        submit(g);
        wait_without_main_loop(g);
        prod = smmu_readl(g->qts, VS_EVENTQ_PROD);
        if (prod & VS_EVENTQ_OVERFLOW) {
            break;
        }
        g_assert_cmpint(i, <, 100);
        cons = prod;
        smmu_writel(g->qts, VS_EVENTQ_CONS, cons);
    }
    /* It is not that the queue was too small */
    g_assert_cmpuint((prod - cons) & EVENTQ_POSITION, >, 0);
    g_assert_cmpuint((prod - cons) & EVENTQ_POSITION, <, 1u << EVENTQ_LOG2);
    g_assert_cmphex(qtest_readl(g->qts, EVENTQ) & 0xff, ==,
                    VS_EVT_F_TRANSLATION);
    /* One that the guest has not seen as yet stands for the next one, too */
    for (int i = 0; i < 3; i++) {
        submit(g);
        wait_without_main_loop(g);
        prod = smmu_readl(g->qts, VS_EVENTQ_PROD);
        g_assert_cmphex(prod & VS_EVENTQ_OVERFLOW, ==, VS_EVENTQ_OVERFLOW);
        smmu_writel(g->qts, VS_EVENTQ_CONS, prod & EVENTQ_POSITION);
    }
    quit(g);
}

/*
 * The guest has translations forgotten while the device makes use of them. This
 * is a race: it takes a QEMU with sanitizers to see what comes too late, and
 * many rounds to make it likely.
 */
static void test_invalidate(void)
{
    Guest *g = start(STE0_S1, "", USED);
    const int64_t start_us = g_get_monotonic_time();
    uint32_t prod = 0;

    for (unsigned int n = 0; n < CMDQ_SIZE; n++) {
        stq_le_p(ram(g, CMDQ + VS_CMD_SIZE * n), VS_CMD_TLBI_NSNH_ALL);
    }
    for (int i = 0; i < 100; i++) {
        submit(g);
        prod = (prod + CMDQ_SIZE / 4) % (2 * CMDQ_SIZE);
        smmu_writel(g->qts, VS_CMDQ_PROD, prod);
        g_assert_cmphex(smmu_readl(g->qts, VS_CMDQ_CONS), ==, prod);
        wait_for_status(g);
        if (g_get_monotonic_time() - start_us > TIMEOUT_US / 10) {
            break;
        }
    }
    g_assert_cmpuint(smmu_readl(g->qts, VS_EVENTQ_PROD), ==, 0);
    quit(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("smmuv3-iothread/event", test_event);
    qtest_add_func("smmuv3-iothread/overflow", test_overflow);
    qtest_add_func("smmuv3-iothread/invalidate", test_invalidate);
    return g_test_run();
}
