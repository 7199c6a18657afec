/*
 * Test library: describe host devices to the model, let calls fail
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include <linux/iommufd.h>
#include <linux/pci_regs.h>
#include <sys/mman.h>

#include "client.h"
#include "qemu/bswap.h"
#include "qemu/host-utils.h"
#include "qemu/units.h"

/* The device file reaches to the end of the last region, holes included */
#define VF_FILE_SIZE (16ull << VF_REGION_SHIFT)

#define VF_BAR0_SIZE (16 * KiB)
#define VF_MSIX_PBA  0x800

static int memory_file(const char *name, uint64_t size)
{
    /* Inherited on purpose: QEMU is a child */
    int fd = memfd_create(name, 0);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, size), ==, 0);
    return fd;
}

VfClient *vf_client_new(void)
{
    VfClient *c = g_new0(VfClient, 1);
    pthread_mutexattr_t attr;
    struct stat st;
    VfShared *s;

    c->shm_fd = memory_file("vfio-fake", sizeof(VfShared));
    s = mmap(NULL, sizeof(VfShared), PROT_READ | PROT_WRITE, MAP_SHARED,
             c->shm_fd, 0);
    g_assert(s != MAP_FAILED);
    c->shared = s;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&s->lock, &attr);
    s->size = sizeof(VfShared);
    s->magic = VF_MAGIC;

    c->iommufd = memory_file("iommufd", 0);
    g_assert_cmpint(fstat(c->iommufd, &st), ==, 0);
    s->ctx[0].used = 1;
    s->ctx[0].st_dev = st.st_dev;
    s->ctx[0].st_ino = st.st_ino;

    for (int i = 0; i < VF_MAX_EVENTQ; i++) {
        int ends[2];

        g_assert_cmpint(pipe(ends), ==, 0);
        g_assert(g_unix_set_fd_nonblocking(ends[0], true, NULL));
        s->eventq[i].read_fd = ends[0];
        c->event_fd[i] = ends[1];
    }
    return c;
}

void vf_client_free(VfClient *c)
{
    g_assert_cmpuint(c->shared->oops, ==, 0);
    for (uint32_t i = 0; i < c->shared->page_fault_len; i++) {
        g_assert_cmpint(c->shared->page_fault[i].state, !=, VF_FAULT_HANGS);
    }
    for (int i = 0; i < VF_MAX_EVENTQ; i++) {
        close(c->shared->eventq[i].read_fd);
        close(c->event_fd[i]);
    }
    for (int i = 0; i < c->devices; i++) {
        close(c->device_fd[i]);
    }
    close(c->iommufd);
    close(c->shm_fd);
    munmap(c->shared, sizeof(VfShared));
    g_free(c);
}

void vf_put16(uint8_t *p, uint16_t v)
{
    stw_le_p(p, v);
}

void vf_put32(uint8_t *p, uint32_t v)
{
    stl_le_p(p, v);
}

uint32_t vf_get32(const uint8_t *p)
{
    return ldl_le_p(p);
}

static void default_image(uint8_t *image)
{
    uint8_t *pcie = image + VF_IMAGE_PCIE_CAP;
    uint8_t *msix = image + VF_IMAGE_MSIX_CAP;

    vf_put16(image + PCI_VENDOR_ID, 0x1b36);
    vf_put16(image + PCI_DEVICE_ID, 0x00fa);
    vf_put16(image + PCI_STATUS, PCI_STATUS_CAP_LIST);
    vf_put16(image + PCI_CLASS_DEVICE, 0x0880);
    image[PCI_CAPABILITY_LIST] = VF_IMAGE_PM_CAP;
    image[PCI_INTERRUPT_PIN] = 1;
    image[PCI_BASE_ADDRESS_0] = PCI_BASE_ADDRESS_MEM_TYPE_64;

    image[VF_IMAGE_PM_CAP] = PCI_CAP_ID_PM;
    image[VF_IMAGE_PM_CAP + PCI_CAP_LIST_NEXT] = VF_IMAGE_PCIE_CAP;
    vf_put16(image + VF_IMAGE_PM_CAP + PCI_PM_PMC, 3);

    pcie[0] = PCI_CAP_ID_EXP;
    pcie[PCI_CAP_LIST_NEXT] = VF_IMAGE_MSIX_CAP;
    vf_put16(pcie + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_ENDPOINT << 4);
    vf_put32(pcie + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR | PCI_EXP_DEVCAP_RBER);
    vf_put32(pcie + PCI_EXP_LNKCAP, 0x11);
    vf_put16(pcie + PCI_EXP_LNKSTA, 0x11);
    vf_put32(pcie + PCI_EXP_DEVCAP2, PCI_EXP_DEVCAP2_EE_PREFIX);

    msix[0] = PCI_CAP_ID_MSIX;
    msix[PCI_CAP_LIST_NEXT] = VF_IMAGE_AF_CAP;
    vf_put16(msix + PCI_MSIX_FLAGS, VF_MSIX_VECTORS - 1);
    vf_put32(msix + PCI_MSIX_PBA, VF_MSIX_PBA);

    image[VF_IMAGE_AF_CAP] = PCI_CAP_ID_AF;
    image[VF_IMAGE_AF_CAP + PCI_AF_LENGTH] = PCI_CAP_AF_SIZEOF;
    image[VF_IMAGE_AF_CAP + PCI_AF_CAP] = PCI_AF_CAP_TP | PCI_AF_CAP_FLR;
}

void vf_device_describe(VfDevice *d)
{
    d->streams = 1;
    d->hw_type = IOMMU_HW_INFO_TYPE_ARM_SMMUV3;
    d->idr[0] = VF_HOST_IDR0;
    d->idr[1] = VF_HOST_IDR1;
    d->idr[3] = VF_HOST_IDR3;
    d->idr[5] = VF_HOST_IDR5;
    d->iidr = VF_HOST_IIDR;
    d->aidr = VF_HOST_AIDR;
    d->max_pasid_log2 = 16;
    d->config_size = VF_CONFIG_SIZE;
    d->reset_ok = 1;
    d->msix = VF_MSIX_VECTORS;
    d->bar_size[0] = VF_BAR0_SIZE;
    default_image(d->phys);
}

void vf_device_waits(VfDevice *d)
{
    vf_put16(d->phys + PCI_VENDOR_ID, 0x19e5);
    vf_put16(d->phys + PCI_DEVICE_ID, 0xa250);
    d->phys[PCI_REVISION_ID] = 0x21;
    d->stalls = 1;
}

VfDevice *vf_client_add_device(VfClient *c)
{
    unsigned int n = c->devices++;
    VfDevice *d = &c->shared->device[n];
    struct stat st;

    g_assert_cmpint(n, <, VF_MAX_DEVICES);
    c->device_fd[n] = memory_file("vfio-device", VF_FILE_SIZE);
    g_assert_cmpint(fstat(c->device_fd[n], &st), ==, 0);
    d->present = 1;
    d->file_fd = c->device_fd[n];
    d->st_dev = st.st_dev;
    d->st_ino = st.st_ino;
    d->group = 10 + n;
    d->minor = n;
    vf_device_describe(d);
    return d;
}

static uint16_t last_ext_cap(const uint8_t *image)
{
    uint16_t pos = PCI_CFG_SPACE_SIZE;

    while (PCI_EXT_CAP_NEXT(vf_get32(image + pos))) {
        pos = PCI_EXT_CAP_NEXT(vf_get32(image + pos));
    }
    return pos;
}

void vf_image_ext_caps(uint8_t *image, const VfExtCap *caps)
{
    for (; caps->size; caps++) {
        uint8_t *p = image + caps->offset;
        uint16_t next = caps[1].size ? caps[1].offset : 0;

        if (caps->id == PCI_EXT_CAP_ID_PASID) {
            memset(p, 0, caps->size);
        } else {
            memset(p, 0xa5, caps->size);
        }
        vf_put32(p, caps->id | caps->version << 16 | (uint32_t)next << 20);
        if (caps->id == PCI_EXT_CAP_ID_VNDR ||
            caps->id == PCI_EXT_CAP_ID_DVSEC) {
            vf_put32(p + 4, (uint32_t)caps->size << 20);
        }
    }
}

void vf_image_physical_pasid(uint8_t *image, uint16_t offset, uint8_t width)
{
    uint16_t last = last_ext_cap(image);
    uint32_t header = vf_get32(image + last);

    if (header && offset != last) {
        vf_put32(image + last, header | (uint32_t)offset << 20);
    }
    vf_put32(image + offset, PCI_EXT_CAP_ID_PASID | 1 << 16);
    vf_put16(image + offset + PCI_PASID_CAP, width << 8);
    vf_put16(image + offset + PCI_PASID_CTRL, PCI_PASID_CTRL_ENABLE);
}

unsigned int vf_image_read_dump(uint8_t *image, const char *path,
                                unsigned int nth)
{
    g_autofree gchar *text = NULL;
    g_auto(GStrv) lines = NULL;
    unsigned int titles = 0;
    unsigned int bytes = 0;

    memset(image, 0, VF_CONFIG_SIZE);
    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        return 0;
    }
    lines = g_strsplit(text, "\n", -1);
    for (int i = 0; lines[i]; i++) {
        gchar *rest;
        uint64_t at = g_ascii_strtoull(lines[i], &rest, 16);

        if (rest == lines[i] || g_ascii_isspace(lines[i][0]) ||
            rest[0] != ':') {
            continue;
        }
        if (rest[1] != ' ') {
            /* Titles begin with a slot, as in 01:00.0 */
            titles++;
            continue;
        }
        for (rest++; titles == nth + 1 && at < VF_CONFIG_SIZE; at++, bytes++) {
            gchar *end;
            uint64_t byte = g_ascii_strtoull(rest, &end, 16);

            if (end == rest) {
                break;
            }
            image[at] = byte;
            rest = end;
        }
    }
    return bytes;
}

/* Where the MSI-X structures end that are in a BAR; 0 if there are none */
static uint64_t msix_end(const uint8_t *image, unsigned int bar)
{
    uint64_t size = 0;
    uint8_t pos = image[PCI_CAPABILITY_LIST];

    for (int left = 48; pos >= PCI_STD_HEADER_SIZEOF && left; left--) {
        const uint8_t *msix = image + pos;

        if (msix[0] == PCI_CAP_ID_MSIX && pos + PCI_MSIX_PBA <= 0xfc) {
            uint32_t entries = (lduw_le_p(msix + PCI_MSIX_FLAGS) &
                                PCI_MSIX_FLAGS_QSIZE) + 1;
            uint32_t table = vf_get32(msix + PCI_MSIX_TABLE);
            uint32_t pba = vf_get32(msix + PCI_MSIX_PBA);

            if ((table & PCI_MSIX_TABLE_BIR) == bar) {
                size = MAX(size, (table & PCI_MSIX_TABLE_OFFSET) +
                                 (uint64_t)entries * PCI_MSIX_ENTRY_SIZE);
            }
            if ((pba & PCI_MSIX_PBA_BIR) == bar) {
                size = MAX(size, (pba & PCI_MSIX_PBA_OFFSET) +
                                 (uint64_t)ROUND_UP(entries, 64) / 8);
            }
        }
        pos = msix[PCI_CAP_LIST_NEXT];
    }
    return size;
}

void vf_image_size_bars(const uint8_t *image, VfDevice *d)
{
    memset(d->bar_size, 0, sizeof(d->bar_size));
    d->rom_size = vf_get32(image + PCI_ROM_ADDRESS) & PCI_ROM_ADDRESS_MASK ?
                  64 * KiB : 0;
    for (unsigned int bar = 0; bar < VF_BARS; bar++) {
        uint32_t reg = vf_get32(image + PCI_BASE_ADDRESS_0 + 4 * bar);

        uint64_t msix = msix_end(image, bar);

        /* A BAR can be allocated by another register (PCIe 6.2, 7.8.5) */
        if (!reg && !msix) {
            continue;
        }
        d->bar_size[bar] = reg & PCI_BASE_ADDRESS_SPACE_IO ? 256 :
                           pow2ceil(MAX(4 * KiB, msix));
        if ((reg & (PCI_BASE_ADDRESS_SPACE_IO |
                    PCI_BASE_ADDRESS_MEM_TYPE_MASK)) ==
            PCI_BASE_ADDRESS_MEM_TYPE_64) {
            bar++;
        }
    }
}

static void add_event(VfEventQueue *q, const uint64_t *evt)
{
    VfEvent *event;

    g_assert_cmpuint(q->tail - q->head, <, VF_MAX_EVENTS);
    if (q->tail != q->head && q->event[(q->tail - 1) % VF_MAX_EVENTS].lost) {
        q->tail--;
    }
    event = &q->event[q->tail % VF_MAX_EVENTS];
    event->lost = !evt;
    event->sequence = q->sequence;
    q->sequence = (q->sequence + 1) & INT_MAX;
    if (evt) {
        memcpy(event->evt, evt, sizeof(event->evt));
    }
    q->tail++;
}

void vf_client_add_events(VfClient *c, unsigned int queue,
                          const uint64_t (*evt)[4], unsigned int count)
{
    pthread_mutex_lock(&c->shared->lock);
    while (count--) {
        add_event(&c->shared->eventq[queue], *evt++);
    }
    pthread_mutex_unlock(&c->shared->lock);
}

void vf_client_wake(VfClient *c, unsigned int queue)
{
    g_assert_cmpint(write(c->event_fd[queue], "", 1), ==, 1);
}

void vf_client_push_event(VfClient *c, unsigned int queue,
                          const uint64_t *evt)
{
    pthread_mutex_lock(&c->shared->lock);
    add_event(&c->shared->eventq[queue], evt);
    pthread_mutex_unlock(&c->shared->lock);
    vf_client_wake(c, queue);
}

/* The fault queue that takes the faults of a device, NULL without */
static const VfObject *fault_queue(VfClient *c, const VfObject *dev)
{
    const VfObject *hwpt = dev && dev->attached ?
                           vf_client_object(c, dev, dev->attached) : NULL;

    return hwpt && hwpt->fault ? vf_client_object(c, hwpt, hwpt->fault) : NULL;
}

/* SMMU_STE.S1STALLD, in the second word (IHI0070, 5.2) */
#define STE1_S1STALLD (1ull << 27)

/*
 * Does the host SMMU stall a transaction that faults in stage 1? Its CD is the
 * guest's, which may say so.
 */
static bool hardware_stalls(VfClient *c, unsigned int dev)
{
    unsigned int model = VF_IDR0_STALL_MODEL(c->shared->device[dev].idr[0]);
    uint64_t ste[2];

    return vf_client_access(c, dev, ste) == VF_ACCESS_S1 &&
           (model == VF_STALL_FORCED ||
            (model == VF_STALL_BOTH && !(ste[1] & STE1_S1STALLD)));
}

/* What becomes of a fault, as in iommu_report_device_fault() of Linux */
static VfFaultState fault_begins(VfClient *c, unsigned int dev)
{
    VfShared *s = c->shared;

    if (!hardware_stalls(c, dev)) {
        return VF_FAULT_ANSWERED;
    }
    /* Without SVA nobody takes the report; else the driver does not answer */
    if (s->no_sva || !vf_stalls(&s->device[dev])) {
        return VF_FAULT_HANGS;
    }
    return s->kernel <= VF_LINUX_6_18 ? VF_FAULT_WAITS : VF_FAULT_ANSWERED;
}

/* The kernel looks at a fault that the SMMU has reported */
static void report_fault(VfClient *c, unsigned int dev, VfPageFault *f,
                         VfFaultState state)
{
    const VfObject *obj = vf_client_device_object(c, dev);
    const VfObject *queue = fault_queue(c, obj);

    if (state == VF_FAULT_WAITS && !queue) {
        state = VF_FAULT_ANSWERED;
    }
    f->queue = state == VF_FAULT_WAITS ? queue->queue : -1;
    f->ctx = obj ? obj->ctx : 0;
    f->dev_id = obj ? obj->id : 0;
    f->hwpt_id = obj ? obj->attached : 0;
    f->state = state;
    if (state == VF_FAULT_ANSWERED) {
        f->code = IOMMUFD_PAGE_RESP_INVALID;
        f->by_kernel = 1;
    }
}

static uint32_t new_fault(VfClient *c, uint32_t pasid, uint64_t addr,
                          uint32_t perm)
{
    VfShared *s = c->shared;
    uint32_t n = s->page_fault_len++;

    g_assert_cmpuint(n, <, VF_MAX_FAULTS);
    s->page_fault[n] = (VfPageFault) {
        .state = VF_FAULT_STALLED,
        .queue = -1,
        .flags = IOMMU_PGFAULT_FLAGS_LAST_PAGE |
                 (pasid == VF_NO_PASID ? 0 : IOMMU_PGFAULT_FLAGS_PASID_VALID),
        .pasid = pasid == VF_NO_PASID ? 0 : pasid,
        /* The host's tag of the transaction, which says nothing to QEMU */
        .grpid = (n * 7 + 3) & 0xffff,
        .perm = perm,
        .addr = addr,
    };
    return n;
}

uint32_t vf_client_add_page_fault(VfClient *c, unsigned int dev, uint32_t pasid,
                                  uint64_t addr, uint32_t perm)
{
    VfShared *s = c->shared;
    uint32_t n;

    pthread_mutex_lock(&s->lock);
    n = new_fault(c, pasid, addr, perm);
    report_fault(c, dev, &s->page_fault[n], fault_begins(c, dev));
    pthread_mutex_unlock(&s->lock);
    return n;
}

uint32_t vf_client_stall(VfClient *c, unsigned int dev, uint32_t pasid,
                         uint64_t addr, uint32_t perm)
{
    uint32_t n;

    pthread_mutex_lock(&c->shared->lock);
    g_assert_cmpint(fault_begins(c, dev), ==, VF_FAULT_WAITS);
    n = new_fault(c, pasid, addr, perm);
    pthread_mutex_unlock(&c->shared->lock);
    return n;
}

static void wake_for_fault(VfClient *c, uint32_t n)
{
    int queue = c->shared->page_fault[n].queue;

    if (queue >= 0) {
        vf_client_wake(c, queue);
    }
}

void vf_client_handle_fault(VfClient *c, unsigned int dev, uint32_t n)
{
    VfPageFault *f = &c->shared->page_fault[n];

    pthread_mutex_lock(&c->shared->lock);
    g_assert_cmpint(f->state, ==, VF_FAULT_STALLED);
    report_fault(c, dev, f, VF_FAULT_WAITS);
    pthread_mutex_unlock(&c->shared->lock);
    wake_for_fault(c, n);
}

uint32_t vf_client_page_fault(VfClient *c, unsigned int dev, uint32_t pasid,
                              uint64_t addr, uint32_t perm)
{
    uint32_t n = vf_client_add_page_fault(c, dev, pasid, addr, perm);

    wake_for_fault(c, n);
    return n;
}

VfRule *vf_client_rule(VfClient *c, VfOp op, uint32_t nth, uint32_t count,
                       int err)
{
    VfRule *rule = c->shared->rule;

    while (rule->op != VF_OP_NONE) {
        rule++;
        g_assert(rule < c->shared->rule + VF_MAX_RULES);
    }
    rule->nth = nth;
    rule->count = count;
    rule->err = err;
    rule->op = op;
    return rule;
}

VfChange *vf_client_change(VfClient *c, VfOp op, uint64_t which,
                           uint32_t offset, uint32_t size, uint64_t value)
{
    VfChange *change = c->shared->change;

    while (change->op != VF_OP_NONE) {
        change++;
        g_assert(change < c->shared->change + VF_MAX_CHANGES);
    }
    change->which = which;
    change->offset = offset;
    change->size = size;
    change->value = value;
    change->op = op;
    return change;
}

void vf_client_clear_changes(VfClient *c)
{
    memset(c->shared->change, 0, sizeof(c->shared->change));
}

void vf_client_clear_rules(VfClient *c)
{
    memset(c->shared->rule, 0, sizeof(c->shared->rule));
}

unsigned int vf_client_count(VfClient *c, VfOp op, uint32_t since)
{
    unsigned int n = 0;

    g_assert_cmpuint(c->shared->log_len, <=, VF_MAX_LOG);
    for (uint32_t i = since; i < c->shared->log_len; i++) {
        n += c->shared->log[i].op == op;
    }
    return n;
}

unsigned int vf_client_refused(VfClient *c, VfOp op, uint32_t since)
{
    unsigned int n = 0;

    g_assert_cmpuint(c->shared->log_len, <=, VF_MAX_LOG);
    for (uint32_t i = since; i < c->shared->log_len; i++) {
        n += c->shared->log[i].op == op && c->shared->log[i].err;
    }
    return n;
}

const VfLog *vf_client_last(VfClient *c, VfOp op, uint32_t since)
{
    g_assert_cmpuint(c->shared->log_len, <=, VF_MAX_LOG);
    for (uint32_t i = c->shared->log_len; i > since; i--) {
        if (c->shared->log[i - 1].op == op) {
            return &c->shared->log[i - 1];
        }
    }
    return NULL;
}

void vf_client_assert_before(VfClient *c, VfOp first, VfOp then,
                             uint32_t since)
{
    const VfLog *last = vf_client_last(c, first, since);
    const VfLog *next = &c->shared->log[since];

    g_assert_nonnull(last);
    g_assert_nonnull(vf_client_last(c, then, since));
    while (next->op != then) {
        next++;
    }
    g_assert_cmpint(last - c->shared->log, <, next - c->shared->log);
}

unsigned int vf_client_objects(VfClient *c, VfObjType type)
{
    unsigned int n = 0;

    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        n += c->shared->object[i].type == type;
    }
    return n;
}

void vf_client_assert_clean(VfClient *c)
{
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        g_assert_cmpuint(c->shared->object[i].type, ==, VF_OBJ_FREE);
    }
    for (int i = 0; i < VF_MAX_MAPS; i++) {
        g_assert_cmpuint(c->shared->map[i].ioas, ==, 0);
    }
    for (int i = 0; i < VF_MAX_EVENTQ; i++) {
        g_assert_cmpuint(c->shared->eventq[i].used, ==, 0);
    }
    for (int i = 0; i < c->shared->page_fault_len; i++) {
        g_assert_cmpint(c->shared->page_fault[i].state, ==, VF_FAULT_ANSWERED);
    }
}

const VfObject *vf_client_object(VfClient *c, const VfObject *of, uint32_t id)
{
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        const VfObject *obj = &c->shared->object[i];

        if (obj->type > VF_OBJ_TOMBSTONE && obj->ctx == of->ctx &&
            obj->id == id) {
            return obj;
        }
    }
    return NULL;
}

const VfObject *vf_client_device_object(VfClient *c, unsigned int dev)
{
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        const VfObject *obj = &c->shared->object[i];

        if ((obj->type == VF_OBJ_DEVICE || obj->type == VF_OBJ_ACCESS) &&
            obj->device == dev) {
            return obj;
        }
    }
    return NULL;
}

VfAccess vf_client_access(VfClient *c, unsigned int dev, uint64_t ste[2])
{
    const VfObject *obj = vf_client_device_object(c, dev);
    const VfObject *pt;

    if (!obj || !obj->attached) {
        return VF_ACCESS_NONE;
    }
    pt = vf_client_object(c, obj, obj->attached);
    g_assert(pt);
    if (pt->type != VF_OBJ_HWPT_NESTED) {
        return VF_ACCESS_PAGING;
    }
    if (ste) {
        memcpy(ste, pt->ste, sizeof(pt->ste));
    }
    /* Valid, then Config of a stream table entry (IHI0070, 5.2) */
    switch (pt->ste[0] & 0xf) {
    case 0x9:
        return VF_ACCESS_BYPASS;
    case 0xb:
        return VF_ACCESS_S1;
    default:
        return VF_ACCESS_ABORT;
    }
}

void vf_client_assert_at_most(VfClient *c, unsigned int dev, VfAccess most)
{
    VfAccess access = vf_client_access(c, dev, NULL);

    if (access != VF_ACCESS_NONE && access != VF_ACCESS_ABORT) {
        g_assert_cmpint(access, ==, most);
    }
}

const char *vf_op_name(VfOp op)
{
    static const char *const names[VF_OP_COUNT] = {
        [VF_OP_DESTROY] = "DESTROY",
        [VF_OP_IOAS_ALLOC] = "IOAS_ALLOC",
        [VF_OP_IOAS_IOVA_RANGES] = "IOAS_IOVA_RANGES",
        [VF_OP_IOAS_MAP] = "IOAS_MAP",
        [VF_OP_IOAS_UNMAP] = "IOAS_UNMAP",
        [VF_OP_HWPT_ALLOC] = "HWPT_ALLOC",
        [VF_OP_GET_HW_INFO] = "GET_HW_INFO",
        [VF_OP_HWPT_SET_DIRTY_TRACKING] = "HWPT_SET_DIRTY_TRACKING",
        [VF_OP_HWPT_INVALIDATE] = "HWPT_INVALIDATE",
        [VF_OP_VIOMMU_ALLOC] = "VIOMMU_ALLOC",
        [VF_OP_VDEVICE_ALLOC] = "VDEVICE_ALLOC",
        [VF_OP_VEVENTQ_ALLOC] = "VEVENTQ_ALLOC",
        [VF_OP_FAULT_QUEUE_ALLOC] = "FAULT_QUEUE_ALLOC",
        [VF_OP_IOMMUFD_OTHER] = "iommufd-other",
        [VF_OP_BIND] = "BIND_IOMMUFD",
        [VF_OP_ATTACH] = "ATTACH_IOMMUFD_PT",
        [VF_OP_DETACH] = "DETACH_IOMMUFD_PT",
        [VF_OP_GET_INFO] = "GET_INFO",
        [VF_OP_GET_REGION_INFO] = "GET_REGION_INFO",
        [VF_OP_GET_IRQ_INFO] = "GET_IRQ_INFO",
        [VF_OP_SET_IRQS] = "SET_IRQS",
        [VF_OP_RESET] = "RESET",
        [VF_OP_HOT_RESET_INFO] = "GET_PCI_HOT_RESET_INFO",
        [VF_OP_HOT_RESET] = "PCI_HOT_RESET",
        [VF_OP_FEATURE] = "FEATURE",
        [VF_OP_DEVICE_OTHER] = "device-other",
        [VF_OP_GROUP] = "group",
        [VF_OP_CONTAINER] = "container",
        [VF_OP_CONFIG_READ] = "config-read",
        [VF_OP_CONFIG_WRITE] = "config-write",
        [VF_OP_REGION_READ] = "region-read",
        [VF_OP_REGION_WRITE] = "region-write",
        [VF_OP_MMAP] = "mmap",
        [VF_OP_EVENT_READ] = "event-read",
        [VF_OP_FAULT_READ] = "fault-read",
        [VF_OP_FAULT_WRITE] = "fault-write",
        [VF_OP_OPEN] = "open",
        [VF_OP_CLOSE] = "close",
    };

    return op < VF_OP_COUNT && names[op] ? names[op] : "?";
}

void vf_client_print_log(VfClient *c, uint32_t since)
{
    uint32_t len = MIN(c->shared->log_len, VF_MAX_LOG);

    for (uint32_t i = since; i < len; i++) {
        VfLog *log = &c->shared->log[i];

        fprintf(stderr, "%5u %-24s unit=%u", i, vf_op_name(log->op),
                log->unit);
        for (int arg = 0; arg < ARRAY_SIZE(log->arg); arg++) {
            fprintf(stderr, " 0x%" PRIx64, log->arg[arg]);
        }
        fprintf(stderr, " -> %s\n", log->err ? strerror(log->err) : "ok");
    }
}
