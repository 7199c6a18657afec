/*
 * Fuzzing of guest accesses to an accelerated SMMUv3: the grammar
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-misc.h"
#include "qapi/qapi-commands-qdev.h"
#include "qapi/qapi-commands-qom.h"
#include "qemu/bswap.h"
#include "qemu/rcu.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "hw/nvram/fw_cfg.h"
#include "standard-headers/linux/qemu_fw_cfg.h"
#include "hw/misc/pasid-testdev.h"
#include "hw/pci/pci_regs.h"
#include "monitor/qdev.h"
#include "qobject/qdict.h"
#include "qobject/qnum.h"
#include "system/address-spaces.h"
#include "system/memory.h"
#include "system/runstate.h"
#include "system/system.h"
#include "tests/qtest/vfio-fake/fake.h"
#include "tests/qtest/vfio-guest/smmu.h"
#include "accel-fuzz.h"

/* Registers and tables */

static const uint32_t regs32[] = {
    0x20, 0x28, 0x2c, 0x40, 0x44, 0x50, 0x60, 0x64, 0x70, 0x74, 0x88, 0x98,
    0x9c, 0xa8, 0xac, 0xb8, 0xbc, 0x100a8, 0x100ac, 0x80, 0x84, 0x90, 0x94,
    0xa0, 0xa4, 0x68, 0x6c, 0xb0, 0xb4, 0xc0, 0xc8, 0xcc, 0x100, 0x8000,
};

static const uint32_t regs64[] = { 0x80, 0x90, 0xa0, 0x68, 0xb0, 0xc0, 0xd0 };

static uint64_t smmu(uint8_t a)
{
    return FUZZ_SMMU(a & 1);
}

static void op_reg32(const FuzzRecord *r)
{
    uint32_t reg = r->a & 2 ? r->e & 0x1ffff : FUZZ_PICK(regs32, r->b);

    fuzz_write(smmu(r->a) + reg, 4, r->d);
}

static void op_reg64(const FuzzRecord *r)
{
    uint64_t value = r->a & 4 ? r->e :
                     fuzz_place(r->c, r->d) | (r->e & 0xc00000000000001full);

    fuzz_write(smmu(r->a) + FUZZ_PICK(regs64, r->b), 8, value);
}

static void op_reg_read(const FuzzRecord *r)
{
    uint32_t reg = r->a & 2 ? r->d & 0x1ffff : FUZZ_PICK(regs32, r->b);

    fuzz_read(smmu(r->a) + reg, r->a & 4 ? 8 : 4);
}

/* Address of the STE for @sid, as the registers say (5.1, 6.3.24, 6.3.25) */
static uint64_t ste_address(unsigned int n, uint32_t sid)
{
    uint64_t base = fuzz_read(FUZZ_SMMU(n) + VS_STRTAB_BASE, 8) &
                    MAKE_64BIT_MASK(6, 46);
    uint32_t cfg = fuzz_read(FUZZ_SMMU(n) + VS_STRTAB_BASE_CFG, 4);
    uint32_t split = (cfg >> 6) & 0x1f;

    if (((cfg >> 16) & 3) != 1) {
        return base + sid * 64ull;
    }
    base = fuzz_read(base + (sid >> split) * 8ull, 8) & MAKE_64BIT_MASK(6, 46);
    return base + (sid & MAKE_64BIT_MASK(0, split)) * 64ull;
}

static void op_ste(const FuzzRecord *r)
{
    uint64_t addr = ste_address(r->a & 1, fuzz_stream(r->b));
    uint64_t pointer = fuzz_place(r->e, extract64(r->e, 16, 16) << 6);

    fuzz_write(addr, 8, (r->c & 0x3f) | (pointer & MAKE_64BIT_MASK(6, 46)) |
                        extract64(r->e, 8, 5) << 59);
    fuzz_write(addr + 8, 8, extract64(r->e, 32, 32) | (uint64_t)r->d << 32);
}

static void op_ste_word(const FuzzRecord *r)
{
    uint64_t addr = ste_address(r->a & 1, fuzz_stream(r->b));

    fuzz_write(addr + (r->c & 7) * 8, 8,
               r->c & 8 ? fuzz_place(r->d, r->d >> 8) | (r->e & 0x3f) : r->e);
}

static void op_l1std(const FuzzRecord *r)
{
    uint64_t base = fuzz_read(smmu(r->a) + VS_STRTAB_BASE, 8) &
                    MAKE_64BIT_MASK(6, 46);

    fuzz_write(base + (r->b & 0x1f) * 8, 8,
               (fuzz_place(r->c, r->d) & ~0x3full) | (r->e & 0x1f));
}

static void op_cd(const FuzzRecord *r)
{
    uint64_t addr = r->a & 0x80 ? fuzz_place(r->a & 0x1f, r->e & 0xfc0) :
                    FUZZ_CDTAB + (r->a & 0x40 ? r->a & 0x3f : 0) * 64;
    uint64_t word0 = 1ull << 30 | 1ull << 41 | 1ull << 45 | 1ull << 46;

    /* T0SZ, TG0, IPS and V; then flags are toggled */
    word0 |= (r->c & 0x3f) | (r->d & 3) << 6;
    word0 |= (uint64_t)((r->d >> 2) & 7) << 32;
    word0 |= (uint64_t)!(r->d & 0x20) << 31;
    word0 ^= r->e & 0xffff7e0000004f00ull;
    fuzz_write(addr, 8, word0);
    fuzz_write(addr + 8, 8, fuzz_place(r->b, (uint64_t)(r->d >> 8) << 4));
}

static void op_l1cd(const FuzzRecord *r)
{
    fuzz_write(FUZZ_CDTAB + (r->a & 0x40 ? r->a & 0x3f : 0) * 8, 8,
               (fuzz_place(r->b, r->d) & ~0xfffull) | (r->e & 0xfff));
}

static void op_pte(const FuzzRecord *r)
{
    fuzz_write(FUZZ_PTAB + (r->a & (r->a & 0x40 ? 0x3f : 3)) * 8, 8,
               (fuzz_place(r->b, r->d) & ~0xfffull) |
               (r->e & 0xfff0000000000fffull));
}

/* Commands */

static const uint8_t opcodes[] = {
    VS_CMD_SYNC, VS_CMD_CFGI_STE, VS_CMD_CFGI_STE_RANGE, VS_CMD_CFGI_CD,
    VS_CMD_CFGI_CD_ALL, VS_CMD_TLBI_NH_ALL, VS_CMD_TLBI_NH_ASID,
    VS_CMD_TLBI_NH_VA, VS_CMD_TLBI_NH_VAA, VS_CMD_TLBI_NSNH_ALL,
    VS_CMD_ATC_INV, VS_CMD_PREFETCH_CONFIG, 0x02, 0x18, 0x1a, 0x20, 0x28, 0x2a,
    0x41, 0x44, 0x45, 0x50, 0x00,
};

static void op_cmd(const FuzzRecord *r)
{
    uint8_t opcode = r->b < 0xc0 ? FUZZ_PICK(opcodes, r->b) : r->e;

    fuzz_guest.command[0] = opcode | (r->d & ~0xffu) |
                            (uint64_t)fuzz_stream(r->c) << 32;
    fuzz_guest.command[1] = r->a & 2 ? fuzz_place(r->e, r->e >> 8) : r->e;
    fuzz_command(r->a & 1, fuzz_guest.command[0], fuzz_guest.command[1]);
    if (r->a & 4) {
        fuzz_command(r->a & 1, VS_CMD_SYNC, 0);
    }
    if (r->a & 8) {
        fuzz_ring(r->a & 1);
    }
}

/* A whole queue of the last command */
static void op_fill(const FuzzRecord *r)
{
    unsigned int log2 = r->b % 20;
    uint64_t base = FUZZ_RAM + 16 * MiB;
    uint64_t *words = g_new(uint64_t, 2ull << log2);

    for (uint32_t i = 0; i < 1u << log2; i++) {
        memcpy(words + 2 * i, fuzz_guest.command, 16);
        if (r->a & 2 && i % 2) {
            words[2 * i] = VS_CMD_SYNC;
        }
    }
    address_space_write(&address_space_memory, base, MEMTXATTRS_UNSPECIFIED,
                        words, 16ull << log2);
    g_free(words);
    fuzz_write(smmu(r->a) + VS_CR0, 4, 0);
    fuzz_write(smmu(r->a) + VS_CMDQ_BASE, 8, base | log2);
    fuzz_write(smmu(r->a) + VS_CMDQ_CONS, 4, 0);
    fuzz_write(smmu(r->a) + VS_CR0, 4, 0xd);
    fuzz_write(smmu(r->a) + VS_CMDQ_PROD, 4, 1u << log2);
}

static void op_ring(const FuzzRecord *r)
{
    if (r->a & 2) {
        fuzz_write(smmu(r->a) + VS_CMDQ_PROD, 4, r->d);
    } else {
        fuzz_ring(r->a & 1);
    }
}

/* PCI */

static void op_config(const FuzzRecord *r)
{
    static const unsigned int sizes[] = { 4, 2, 1 };
    const FuzzFunction *f = fuzz_function(r->a);
    uint16_t at = r->b == 0xff ? r->e : fuzz_config_register(f, r->b, r->c);

    fuzz_config_write(f->bus, f->devfn, at, FUZZ_PICK(sizes, r->e >> 32), r->d);
}

static void op_slot(const FuzzRecord *r)
{
    static const uint16_t values[] = {
        PCI_EXP_SLTCTL_PWR_IND_OFF | PCI_EXP_SLTCTL_PWR_OFF,
        PCI_EXP_SLTCTL_PWR_IND_ON | PCI_EXP_SLTCTL_PWR_ON,
        PCI_EXP_SLTCTL_PWR_IND_BLINK,
        PCI_EXP_SLTCTL_ATTN_IND_BLINK | PCI_EXP_SLTCTL_PWR_IND_ON,
    };
    uint16_t value = FUZZ_PICK(values, r->b);

    if (!(r->b & 0x40)) {
        value |= FUZZ_SLTCTL_EVENTS;
    }
    fuzz_slot_control(1 + r->a % FUZZ_PORTS, r->b & 0x80 ? r->d : value);
}

static void op_mem(const FuzzRecord *r)
{
    unsigned int size = 1u << (r->a & 3);
    uint64_t addr = fuzz_place(r->b, r->d) & ~(uint64_t)(size - 1);

    if (r->a & 4) {
        fuzz_read(addr, size);
    } else {
        fuzz_write(addr, size, r->a & 8 ? fuzz_place(r->c, r->e) : r->e);
    }
}

/* The largest transfer: more is slow, and nothing of the SMMU's */
#define FW_DMA_MAX 64

static void op_fw_dma(const FuzzRecord *r)
{
    static const uint16_t keys[] = {
        FW_CFG_SIGNATURE, FW_CFG_ID, FW_CFG_FILE_DIR, FW_CFG_FILE_FIRST,
    };
    uint64_t desc = FUZZ_DMADESC + (r->a & 7) * 16;
    uint32_t control = (r->c & 0x1f) |
                       (FUZZ_PICK(keys, r->b) + (r->d & 0xf)) << 16;

    fuzz_write(desc, 4, bswap32(control));
    fuzz_write(desc + 4, 4, bswap32((r->e >> 32) % FW_DMA_MAX));
    fuzz_write(desc + 8, 8, bswap64(fuzz_place(r->e, r->e >> 8)));
    if (r->a & 0x80) {
        fuzz_write(FUZZ_FW_CFG + 0x10, 8, bswap64(desc));
    }
}

static void testdev_write(uint32_t reg, uint32_t value)
{
    fuzz_write(FUZZ_PCI_MMIO + FUZZ_TESTDEV_PORT * MiB + reg, 4, value);
}

static void op_testdev(const FuzzRecord *r)
{
    uint64_t addr = fuzz_place(r->b, r->d);

    testdev_write(PASID_TESTDEV_REG_ADDR_LO, addr);
    testdev_write(PASID_TESTDEV_REG_ADDR_HI, r->a & 1 ? r->a : addr >> 32);
    testdev_write(PASID_TESTDEV_REG_PASID, r->e);
    testdev_write(PASID_TESTDEV_REG_LENGTH,
                  (r->e >> 32) % (PASID_TESTDEV_DATA_SIZE + 1));
    testdev_write(PASID_TESTDEV_REG_COMMAND, (r->c & 3) |
                  (r->c & 0x30) << 4);
}

/* The host */

static void op_event(const FuzzRecord *r)
{
    VfClient *c = fuzz_guest.client;
    unsigned int queue = r->a % VF_MAX_EVENTQ;
    VfEventQueue *q = &c->shared->eventq[queue];
    uint64_t evt[4] = {
        r->b | (uint64_t)fuzz_stream(r->a >> 2) << 32,
        r->d,
        r->e,
        fuzz_place(r->b, r->e),
    };

    if (r->c & 4) {
        evt[2] = (uint64_t)bswap32(fuzz_place(r->b, r->d)) << 32;
    }
    if (r->c & 8) {
        evt[0] = r->d;
        evt[1] = r->e;
    }
    if (!q->used) {
        return;
    }
    for (int n = 1 + (r->c >> 4); n && q->tail - q->head < 1000; n--) {
        vf_client_add_events(c, queue, r->c & 1 ? NULL : &evt, 1);
    }
    if (!(r->c & 2)) {
        vf_client_wake(c, queue);
    }
}

/*
 * Answer for the transaction that the @back-th last record of the event queue
 * tells of, by CMD_RESUME
 */
static void resume(unsigned int back, uint32_t how)
{
    uint64_t queue = fuzz_read(FUZZ_SMMU(0) + VS_EVENTQ_BASE, 8);
    uint32_t prod = fuzz_read(FUZZ_SMMU(0) + VS_EVENTQ_PROD, 4);
    uint64_t mask = (1ull << (queue & 0x1f)) - 1;
    uint64_t record = (queue & MAKE_64BIT_MASK(5, 47)) +
                      ((prod - 1 - back) & mask) * VS_EVENT_SIZE;

    fuzz_command(0, VS_CMD_RESUME | (how & 0x3000) |
                    (uint64_t)fuzz_read(record + 4, 4) << 32,
                 fuzz_read(record + 8, 4) & 0xffff);
}

static void op_page_fault(const FuzzRecord *r)
{
    VfClient *c = fuzz_guest.client;
    VfShared *s = c->shared;
    uint32_t pasid = r->d & 1 ? VF_NO_PASID : r->d >> 1 & 0x1ffff;

    if (r->c & 0x80) {
        resume(r->b & 0x3f, r->d);
        if (!(r->c & 1)) {
            fuzz_ring(0);
        }
        return;
    }
    for (int n = 1 + (r->b & 0x3f); n && s->page_fault_len < VF_MAX_FAULTS;
         n--) {
        uint32_t fault = vf_client_add_page_fault(c, r->a % FUZZ_DEVICES, pasid,
                                                  fuzz_place(r->a, r->e),
                                                  r->c >> 1 & 0xf);

        if (!(r->c & 1) && s->page_fault[fault].queue >= 0) {
            vf_client_wake(c, s->page_fault[fault].queue);
        }
    }
}

static const int errnos[] = {
    EIO, EINVAL, ENOMEM, ENOENT, EBUSY, EOPNOTSUPP, ENOTTY, EAGAIN, EFAULT,
    EEXIST, EINTR, EMFILE,
};

/* A host that has refused to take something back keeps it */
void fuzz_clear_rules(void)
{
    const VfRule *rule = fuzz_guest.client->shared->rule;

    for (int i = 0; i < VF_MAX_RULES; i++, rule++) {
        if ((rule->op == VF_OP_DESTROY || rule->op == VF_OP_DETACH ||
             rule->op == VF_OP_IOAS_UNMAP) && rule->seen >= rule->nth) {
            fuzz_guest.host_kept = true;
        }
    }
    vf_client_clear_rules(fuzz_guest.client);
}

/* Fewer than rules of the model, which insists on room */
#define MAX_RULES 8

static void op_rule(const FuzzRecord *r)
{
    VfClient *c = fuzz_guest.client;
    static const VfOp calls[] = {
        VF_OP_HWPT_INVALIDATE, VF_OP_HWPT_ALLOC, VF_OP_VIOMMU_ALLOC,
        VF_OP_VDEVICE_ALLOC, VF_OP_VEVENTQ_ALLOC, VF_OP_ATTACH, VF_OP_DETACH,
        VF_OP_DESTROY, VF_OP_EVENT_READ, VF_OP_GET_HW_INFO, VF_OP_IOAS_ALLOC,
        VF_OP_IOAS_MAP, VF_OP_IOAS_UNMAP, VF_OP_BIND, VF_OP_RESET,
        VF_OP_SET_IRQS, VF_OP_CONFIG_READ, VF_OP_CONFIG_WRITE,
        VF_OP_REGION_READ, VF_OP_REGION_WRITE, VF_OP_MMAP, VF_OP_GET_INFO,
        VF_OP_GET_REGION_INFO, VF_OP_GET_IRQ_INFO, VF_OP_HOT_RESET_INFO,
        VF_OP_FAULT_QUEUE_ALLOC, VF_OP_FAULT_READ, VF_OP_FAULT_WRITE,
    };
    VfRule *rule;

    if (r->a == 0xff || c->shared->rule[MAX_RULES - 1].op) {
        fuzz_clear_rules();
    }
    if (r->a != 0xff) {
        rule = vf_client_rule(c, FUZZ_PICK(calls, r->a), 1 + r->b % 16,
                              r->c == 0xff ? UINT32_MAX : 1 + r->c % 8,
                              FUZZ_PICK(errnos, r->d));
        if (rule->op == VF_OP_HWPT_INVALIDATE) {
            rule->done = r->d >> 8 & 0x3ff;
        } else if ((rule->op == VF_OP_EVENT_READ ||
                    rule->op == VF_OP_FAULT_READ) && r->d & 0x80) {
            rule->err = 0;
            rule->done = r->e & 0xff;
        }
    }
}

static void op_host(const FuzzRecord *r)
{
    unsigned int dev = r->a % FUZZ_DEVICES;
    VfDevice *d = &fuzz_guest.client->shared->device[dev];

    /* A host does not change under a device in use */
    if (vf_client_device_object(fuzz_guest.client, dev)) {
        return;
    }
    switch (r->b % 8) {
    case 0:
        d->idr[0] ^= 1u << (r->c & 0x1f);
        break;
    case 1:
        d->idr[1] ^= 1u << (r->c & 0x1f);
        break;
    case 2:
        d->idr[3] ^= 1u << (r->c & 0x1f);
        break;
    case 3:
        d->idr[5] ^= 1u << (r->c & 0x1f);
        break;
    case 4:
        d->max_pasid_log2 = r->d;
        break;
    case 5:
        d->hw_caps = r->e;
        break;
    case 6:
        d->smmu = r->c & 1;
        break;
    case 7:
        d->reset_ok = r->c & 1;
        break;
    }
}

/* The user */

void fuzz_drain_rcu(void)
{
    rcu_read_unlock();
    drain_call_rcu();
    rcu_read_lock();
}

bool fuzz_plug(unsigned int dev, unsigned int port, unsigned int variant)
{
    g_autofree char *bus = g_strdup_printf("rp%u", port);
    g_autofree char *id = g_strdup_printf("d%u", dev);
    g_autofree char *fd_text = NULL;
    int source = fuzz_guest.client->device_fd[dev - 1];
    int fd = fcntl(source, F_DUPFD_CLOEXEC, 0);
    struct stat st, st_source;
    QDict *args = qdict_new();
    Error *err = NULL;

    fd_text = g_strdup_printf("%d", fd);
    qdict_put_str(args, "driver", "vfio-pci");
    qdict_put_str(args, "id", id);
    qdict_put_str(args, "bus", bus);
    qdict_put_str(args, "fd", fd_text);
    qdict_put_str(args, "iommufd", "i0");
    switch (variant & 7) {
    case 1:
        qdict_put_int(args, "x-vpasid-cap-offset", (variant >> 3) * 8);
        break;
    case 2:
        qdict_put_str(args, "rombar", "0");
        break;
    }
    /* As device_add, which ends with a wait for RCU if it fails */
    object_unref(qdev_device_add_from_qdict(args, true, &err));
    qobject_unref(args);
    if (!err) {
        return true;
    }
    fuzz_drain_rcu();
    if (fuzz_guest.trace) {
        fprintf(stderr, "    device_add: %s\n", error_get_pretty(err));
    }
    error_free(err);
    /*
     * Whose the descriptor is then depends on how far it came. The model would
     * take it for the last one of the device.
     */
    if (!fstat(fd, &st) && !fstat(source, &st_source) &&
        st.st_ino == st_source.st_ino) {
        vf_real_close(fd);
    }
    return false;
}

static void op_plug(const FuzzRecord *r)
{
    unsigned int port = 1 + r->b % FUZZ_PORTS;

    if (fuzz_plug(1 + r->a % FUZZ_DEVICES, port, r->c) && !(r->d & 1)) {
        fuzz_slot_control(port, PCI_EXP_SLTCTL_PWR_IND_ON |
                                PCI_EXP_SLTCTL_PWR_ON);
        if (!(r->d & 2)) {
            fuzz_setup_pci();
        }
    }
}

static void op_unplug(const FuzzRecord *r)
{
    g_autofree char *id = g_strdup_printf("d%u", 1 + r->a % FUZZ_DEVICES);
    Error *err = NULL;

    qmp_device_del(id, &err);
    error_free(err);
}

static void op_reset(const FuzzRecord *r)
{
    qemu_system_reset(SHUTDOWN_CAUSE_GUEST_RESET);
    if (r->a & 1) {
        fuzz_setup_pci();
    }
}

static void op_stop(const FuzzRecord *r)
{
    if (r->a & 1) {
        vm_stop(RUN_STATE_PAUSED);
    } else {
        vm_start();
    }
}

static void op_turns(const FuzzRecord *r)
{
    fuzz_turns(1 + r->a % 16);
}

static void op_clock(const FuzzRecord *r)
{
    qemu_clock_advance_virtual_time(qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                                    r->d);
}

static void op_rcu(const FuzzRecord *r)
{
    fuzz_drain_rcu();
}

static void op_qmp(const FuzzRecord *r)
{
    g_autofree char *path = g_strdup_printf("/machine/peripheral/d%u",
                                            1 + r->a % FUZZ_DEVICES);

    if (r->b & 1) {
        qobject_unref(qmp_qom_get(path, "x-vpasid-state", NULL));
        qobject_unref(qmp_qom_get("/machine/peripheral/smmu0", "x-accel-state",
                                  NULL));
    } else {
        QNum *batch = qnum_from_uint(r->d & 0x7ff);

        qmp_qom_set("/machine/peripheral/smmu0", "x-inval-batch",
                    QOBJECT(batch), NULL);
        qobject_unref(batch);
    }
}

static void op_setup(const FuzzRecord *r)
{
    if (r->a & 2) {
        fuzz_setup_pci();
    } else {
        fuzz_setup_smmu(r->a & 1);
    }
}

static void op_translate(const FuzzRecord *r)
{
    fuzz_translate(r->a & 1, fuzz_stream(r->b));
}

static const struct {
    const char *name;
    void (*run)(const FuzzRecord *r);
} ops[FUZZ_OPS] = {
    [FUZZ_OP_REG32] = { "reg32", op_reg32 },
    [FUZZ_OP_REG64] = { "reg64", op_reg64 },
    [FUZZ_OP_REG_READ] = { "reg-read", op_reg_read },
    [FUZZ_OP_STE] = { "ste", op_ste },
    [FUZZ_OP_STE_WORD] = { "ste-word", op_ste_word },
    [FUZZ_OP_L1STD] = { "l1std", op_l1std },
    [FUZZ_OP_CD] = { "cd", op_cd },
    [FUZZ_OP_L1CD] = { "l1cd", op_l1cd },
    [FUZZ_OP_PTE] = { "pte", op_pte },
    [FUZZ_OP_CMD] = { "cmd", op_cmd },
    [FUZZ_OP_FILL] = { "fill", op_fill },
    [FUZZ_OP_RING] = { "ring", op_ring },
    [FUZZ_OP_CONFIG] = { "config", op_config },
    [FUZZ_OP_SLOT] = { "slot", op_slot },
    [FUZZ_OP_MEM] = { "mem", op_mem },
    [FUZZ_OP_FW_DMA] = { "fw-dma", op_fw_dma },
    [FUZZ_OP_TESTDEV] = { "testdev", op_testdev },
    [FUZZ_OP_EVENT] = { "event", op_event },
    [FUZZ_OP_RULE] = { "rule", op_rule },
    [FUZZ_OP_PLUG] = { "plug", op_plug },
    [FUZZ_OP_UNPLUG] = { "unplug", op_unplug },
    [FUZZ_OP_RESET] = { "reset", op_reset },
    [FUZZ_OP_STOP] = { "stop", op_stop },
    [FUZZ_OP_TURNS] = { "turns", op_turns },
    [FUZZ_OP_CLOCK] = { "clock", op_clock },
    [FUZZ_OP_RCU] = { "rcu", op_rcu },
    [FUZZ_OP_QMP] = { "qmp", op_qmp },
    [FUZZ_OP_HOST] = { "host", op_host },
    [FUZZ_OP_SETUP] = { "setup", op_setup },
    [FUZZ_OP_TRANSLATE] = { "translate", op_translate },
    [FUZZ_OP_PAGE_FAULT] = { "page-fault", op_page_fault },
};

void fuzz_run(const FuzzRecord *r)
{
    unsigned int op = r->op & FUZZ_OP_MASK;

    if (op >= FUZZ_OPS) {
        return;
    }
    if (fuzz_guest.trace) {
        fprintf(stderr, "%s %02x %02x %02x %08x %016" PRIx64 "\n",
                ops[op].name, r->a, r->b, r->c, r->d, r->e);
    }
    ops[op].run(r);
}
