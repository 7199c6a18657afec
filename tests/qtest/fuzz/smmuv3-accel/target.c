/*
 * Fuzzing of guest accesses to an accelerated SMMUv3: the target
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The machine has an accelerated SMMUv3 with three root ports on its root
 * complex, and an emulated one with a root port and a pasid-testdev, whose DMA
 * engine reaches what a CPU reaches, on a second. VFIO and iommufd are the
 * model of tests/qtest/vfio-fake, linked in: it takes over ioctl() and others.
 *
 * Failures that end the program, besides those of the sanitizers:
 * - an access of the guest that costs more than a second of CPU time;
 * - a device that is there at the end of an input and that the guest cannot
 *   have translated after a reset, with a host that is well;
 * - an object, mapping, event queue or page fault of the host, or a file
 *   descriptor, that is left when all devices are unplugged.
 * The last two do not count if the host once refused to take something back:
 * that stays in the way.
 *
 * With FUZZ_GUEST_TRACE in the environment each step is told on stderr.
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "qemu/rcu.h"
#include "hw/pci/pci_device.h"
#include "system/address-spaces.h"
#include "system/memory.h"
#include "system/runstate.h"
#include "system/system.h"
#include "tests/qtest/vfio-fake/fake.h"
#include "tests/qtest/vfio-guest/smmu.h"
#include <dirent.h>
#include <sys/mman.h>
#include "../fuzz.h"
#include "accel-fuzz.h"

/* Rounds of RCU and the main loop in which a device has to be gone */
#define ROUNDS 16

/* Turns of the main loop in which a short queue has to be worked off */
#define SYNC_TURNS 64

FuzzGuest fuzz_guest;

/* Descriptions of the devices */
static VfDevice pristine[FUZZ_DEVICES];
static int descriptors;

static G_NORETURN void too_slow(int sig)
{
    static const char text[] = "fuzz: one step took too much CPU time\n";

    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0) {
        _exit(1);
    }
    abort();
}

/* By abort(), which the fuzzer takes for a failure */
static G_NORETURN void G_GNUC_PRINTF(1, 2) fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("fuzz: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    abort();
}

static void start_fake(void)
{
    VfClient *c = vf_client_new();
    g_autofree char *shm = g_strdup_printf("%d", c->shm_fd);

    fuzz_guest.client = c;
    fuzz_guest.trace = g_getenv("FUZZ_GUEST_TRACE");
    fuzz_mutate_records = true;
    for (int i = 0; i < FUZZ_DEVICES; i++) {
        VfDevice *d = vf_client_add_device(c);
        static const VfExtCap caps[] = {
            { 0x100, PCI_EXT_CAP_ID_ERR, 2, 0x48 },
            { 0x148, PCI_EXT_CAP_ID_ATS, 1, 8 },
            { 0x150, PCI_EXT_CAP_ID_DSN, 1, 12 },
            { 0 },
        };

        vf_image_ext_caps(d->phys, caps);
        if (i < FUZZ_WAITING) {
            vf_device_waits(d);
        }
        pristine[i] = *d;
    }
    g_setenv(VF_ENV_SHM, shm, true);
    vf_state_init();
    if (!c->shared->loaded) {
        fail("the model of VFIO and iommufd was not found");
    }
    sigaction(SIGPROF, &(struct sigaction) { .sa_handler = too_slow }, NULL);
}

static GString *command_line(FuzzTarget *t)
{
    GString *s = g_string_new(NULL);

    g_string_printf(s, TARGET_NAME " -display none -accel qtest -nodefaults"
                    " -M virt,highmem-ecam=off -cpu cortex-a57 -m %d"
                    " -object iommufd,id=i0,fd=%d"
                    " -device pxb-pcie,id=pxb8,bus=pcie.0,addr=8,bus_nr=8"
                    " -device arm-smmuv3,id=smmu0,primary-bus=pcie.0,"
                    "accel=on,ssidsize=16,x-stall=on"
                    " -device arm-smmuv3,id=smmu1,primary-bus=pxb8,ssidsize=8,"
                    "stage=nested,x-fwb=on,x-ats=on",
                    FUZZ_RAM_MIB, fuzz_guest.client->iommufd);
    for (int n = 1; n <= FUZZ_PORTS; n++) {
        g_string_append_printf(s, " -device pcie-root-port,id=rp%d,chassis=%d,"
                               "slot=%d,bus=%s,addr=%d,io-reserve=0", n, n, n,
                               fuzz_port_bus(n) ? "pxb8" : "pcie.0",
                               fuzz_port_devfn(n) >> 3);
    }
    g_string_append_printf(s, " -device pasid-testdev,id=t,ats=on,bus=rp%d",
                           FUZZ_TESTDEV_PORT);
    return s;
}

static uint8_t *host_memory(hwaddr addr)
{
    MemoryRegionSection section =
        memory_region_find(get_system_memory(), addr, 1);
    uint8_t *p = memory_region_get_ram_ptr(section.mr);

    /* It is there for as long as the machine is */
    memory_region_unref(section.mr);
    return p;
}

/*
 * RAM and flash as they were at first, so that an input fails alone, too. The
 * machine writes its device tree to the start of RAM at each reset.
 */
static void forget_memory(void)
{
    static uint8_t *ram, *flash;
    uint64_t tables = FUZZ_TABLES - FUZZ_RAM;
    uint64_t rest = tables + FUZZ_TABLES_SIZE;

    if (!ram) {
        ram = host_memory(FUZZ_RAM);
        flash = host_memory(0);
    }
    memset(ram + tables, 0, FUZZ_TABLES_SIZE);
    madvise(ram + rest, FUZZ_RAM_MIB * MiB - rest, MADV_DONTNEED);
    madvise(flash, 64 * MiB, MADV_DONTNEED);
}

static void reset_machine(void)
{
    forget_memory();
    qemu_system_reset(SHUTDOWN_CAUSE_GUEST_RESET);
    memset(fuzz_guest.pending, 0, sizeof(fuzz_guest.pending));
    memset(fuzz_guest.command, 0, sizeof(fuzz_guest.command));
}

static Object *device(unsigned int dev)
{
    g_autofree char *path = g_strdup_printf("/machine/peripheral/d%u", dev);

    return object_resolve_path(path, NULL);
}

/* Returns: the root port that a device is behind, 0 if it is not there */
static unsigned int port_of(unsigned int dev)
{
    Object *obj = device(dev);
    BusState *bus = obj ? qdev_get_parent_bus(DEVICE(obj)) : NULL;

    return bus ? bus->name[2] - '0' : 0;
}

static bool wait_for_queue(unsigned int n)
{
    for (int turn = 0; turn < SYNC_TURNS; turn++) {
        uint32_t prod = fuzz_read(FUZZ_SMMU(n) + VS_CMDQ_PROD, 4);

        if (fuzz_read(FUZZ_SMMU(n) + VS_CMDQ_CONS, 4) == prod) {
            return true;
        }
        fuzz_turns(1);
    }
    return false;
}

static void check_translates(unsigned int dev, unsigned int port)
{
    uint64_t ste[2] = { 0 }, expected[2];

    fuzz_translate(0, fuzz_device_bus(port) << 8);
    if (!wait_for_queue(0)) {
        fail("d%u: the queue stands at 0x%" PRIx64 ", 0x%" PRIx64, dev,
                fuzz_read(FUZZ_SMMU(0) + VS_CMDQ_PROD, 4),
                fuzz_read(FUZZ_SMMU(0) + VS_CMDQ_CONS, 4));
    }
    fuzz_standard_ste(expected);
    if (vf_client_access(fuzz_guest.client, dev - 1, ste) != VF_ACCESS_S1 ||
        ste[0] != expected[0] ||
        ((ste[1] ^ expected[1]) & ~VS_STE1_S1STALLD)) {
        fail("d%u: access %d, STE 0x%" PRIx64 ", 0x%" PRIx64, dev,
                vf_client_access(fuzz_guest.client, dev - 1, NULL), ste[0],
                ste[1]);
    }
}

static void power_off(unsigned int port)
{
    fuzz_slot_control(port, PCI_EXP_SLTCTL_PWR_IND_ON | PCI_EXP_SLTCTL_PWR_ON);
    fuzz_slot_control(port, PCI_EXP_SLTCTL_PWR_IND_OFF |
                            PCI_EXP_SLTCTL_PWR_OFF);
}

/*
 * Without pipes: the fuzzer's symbolizer has some, and of its own the model
 * knows whether they are open. Returns: how many descriptors are open.
 */
static int count_descriptors(bool tell)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;
    int n = 0;

    while ((entry = readdir(dir))) {
        char target[PATH_MAX];
        ssize_t len = readlinkat(dirfd(dir), entry->d_name, target,
                                 sizeof(target));

        if (len < 5 || !memcmp(target, "pipe:", 5)) {
            continue;
        }
        if (tell) {
            fprintf(stderr, "open: %s %.*s\n", entry->d_name, (int)len,
                    target);
        }
        n++;
    }
    closedir(dir);
    return n;
}

static bool host_is_clean(void)
{
    VfShared *s = fuzz_guest.client->shared;

    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        if (s->object[i].type != VF_OBJ_FREE) {
            return false;
        }
    }
    for (int i = 0; i < VF_MAX_MAPS; i++) {
        if (s->map[i].ioas) {
            return false;
        }
    }
    for (uint32_t i = 0; i < s->page_fault_len; i++) {
        if (s->page_fault[i].state != VF_FAULT_ANSWERED) {
            return false;
        }
    }
    for (int i = 0; i < FUZZ_DEVICES; i++) {
        if (device(i + 1)) {
            return false;
        }
    }
    return !descriptors || count_descriptors(false) <= descriptors;
}

static void tell_what_is_left(void)
{
    VfShared *s = fuzz_guest.client->shared;

    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        if (s->object[i].type != VF_OBJ_FREE) {
            fprintf(stderr, "left: object %u of type %u, users %u, device %d\n",
                    s->object[i].id, s->object[i].type, s->object[i].users,
                    s->object[i].device);
        }
    }
    for (uint32_t i = 0; i < s->page_fault_len; i++) {
        if (s->page_fault[i].state != VF_FAULT_ANSWERED) {
            fprintf(stderr, "left: page fault %u in state %u\n", i,
                    s->page_fault[i].state);
        }
    }
    for (int i = 0; i < FUZZ_DEVICES; i++) {
        fprintf(stderr, "d%d: %s\n", i + 1,
                device(i + 1) ? "plugged" : "gone");
    }
    fprintf(stderr, "open: %d, %d at first\n", count_descriptors(true),
            descriptors);
}

/* A guest that does everything right, on a host that is well */
static void check_well(void)
{
    unsigned int port;

    fuzz_clear_rules();
    vm_start();
    fuzz_turns(2);
    reset_machine();
    fuzz_setup_pci();
    fuzz_turns(2);
    fuzz_setup_smmu(0);
    for (unsigned int dev = 1; dev <= FUZZ_DEVICES; dev++) {
        port = port_of(dev);
        if (port && port != FUZZ_TESTDEV_PORT && !fuzz_guest.host_kept) {
            check_translates(dev, port);
        }
    }
}

static void clean_host(void)
{
    VfShared *s = fuzz_guest.client->shared;

    vf_ctx_destroy(0);
    s->ctx[0].used = 1;
    for (int i = 0; i < VF_MAX_EVENTQ; i++) {
        s->eventq[i].used = 0;
    }
    s->page_fault_len = 0;
}

static void check_clean(void)
{
    memory_region_transaction_begin();
    for (unsigned int dev = 1; dev <= FUZZ_DEVICES; dev++) {
        unsigned int port = port_of(dev);

        if (port) {
            power_off(port);
        }
    }
    memory_region_transaction_commit();
    for (int round = 0; round < ROUNDS && !host_is_clean(); round++) {
        fuzz_drain_rcu();
        fuzz_turns(1);
        if (round == ROUNDS / 2 && fuzz_guest.host_kept) {
            clean_host();
        }
    }
    if (!host_is_clean()) {
        tell_what_is_left();
        fail("something is left of devices that were unplugged");
    }
    if (!descriptors) {
        descriptors = count_descriptors(fuzz_guest.trace);
    }
}

static void start_host(void)
{
    VfShared *s = fuzz_guest.client->shared;
    char drain[256];

    memcpy(s->device, pristine, sizeof(pristine));
    fuzz_guest.host_kept = false;
    s->log_len = 0;
    s->cmd_len = 0;
    s->page_fault_len = 0;
    for (int i = 0; i < VF_MAX_EVENTQ; i++) {
        while (read(s->eventq[i].read_fd, drain, sizeof(drain)) > 0) {
            continue;
        }
    }
}

/* Apply the first record: devices and initial state of the guest */
static void start_guest(const FuzzRecord *r)
{
    start_host();
    /* To build the memory map anew is slow: once for all of this */
    memory_region_transaction_begin();
    if (r->b) {
        /* Not as check_well() leaves it, where the guest has set all up */
        reset_machine();
    } else {
        forget_memory();
    }
    for (unsigned int dev = 1; dev <= FUZZ_DEVICES; dev++) {
        if (!(r->a & 1u << dev) && fuzz_plug(dev, dev, 0)) {
            fuzz_slot_control(dev, PCI_EXP_SLTCTL_PWR_IND_ON |
                                   PCI_EXP_SLTCTL_PWR_ON);
        }
    }
    memory_region_transaction_commit();
    if (!(r->b & 1)) {
        fuzz_setup_pci();
    }
    for (unsigned int n = 0; n < FUZZ_SMMUS; n++) {
        if (!(r->b & 2u << n)) {
            fuzz_setup_smmu(n);
        }
    }
    for (unsigned int port = 1; port <= FUZZ_PORTS; port++) {
        if (r->c & 1u << port) {
            fuzz_translate(port == FUZZ_TESTDEV_PORT,
                           fuzz_device_bus(port) << 8);
            fuzz_translate(port == FUZZ_TESTDEV_PORT,
                           fuzz_port_bus(port) << 8 | fuzz_port_devfn(port));
        }
    }
}

/* The first input, too, starts where another one ended */
static void first_run(QTestState *qts)
{
    FuzzRecord r = { .b = 1 };

    rcu_read_lock();
    start_guest(&r);
    check_well();
    check_clean();
    rcu_read_unlock();
}

static void fuzz(QTestState *qts, const unsigned char *data, size_t size)
{
    FuzzRecord r;

    if (size < sizeof(r)) {
        return;
    }
    memcpy(&r, data, sizeof(r));
    /* The RCU thread must not decide when removed objects are freed */
    rcu_read_lock();
    start_guest(&r);
    for (size_t at = sizeof(r); at + sizeof(r) <= size; at += sizeof(r)) {
        memcpy(&r, data + at, sizeof(r));
        fuzz_run(&r);
    }
    check_well();
    check_clean();
    rcu_read_unlock();
}

static void register_target(void)
{
    fuzz_add_target(&(FuzzTarget) {
        .name = "smmuv3-accel",
        .description = "Guest accesses to an accelerated SMMUv3",
        .get_init_cmdline = command_line,
        .pre_vm_init = start_fake,
        .pre_fuzz = first_run,
        .fuzz = fuzz,
        .crossover = fuzz_crossover,
    });
}

fuzz_target_init(register_target);
