/*
 * Benchmark of the accelerated SMMUv3 and of the PASID capability
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The host is the model of VFIO and iommufd, with a given time for each ioctl.
 * The output has one line for each figure. Times are those of a long command
 * queue: one register write starts it and returns when it is complete, since
 * slices have no limit except where the latency of QMP is measured. Ratios
 * compare two ways in the same run.
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "qemu/bswap.h"
#include "qemu/memfd.h"
#include "qemu/units.h"
#include "qobject/qdict.h"
#include "../vfio-fake-uapi.h"
#include "../vfio-guest/fault.h"

#define EMULATED "-device arm-smmuv3,primary-bus=pcie.0,id=smmu "
#define VIRTIO_IOMMU "-device virtio-iommu-pci,addr=1f "

/* The environment names the program to measure, and perhaps the base's */
#define OUR_PROGRAM  "PATCHED_QEMU_BINARY"
#define BASE_PROGRAM "BASE_QEMU_BINARY"

/* A stream table for all of these buses, and the longest queue there is */
#define TABLE_LOG2  12
#define QUEUE       (VG_RAM + 0x1000000)
#define QUEUE_LOG2  19
#define CMD_SIZE    16

/* Where messages of CMD_SYNCs go */
#define MESSAGE     (VG_RAM + 0x500000)
#define PROD_WRITES 10000u

/*
 * Commands of a measurement: of what takes some nanoseconds, of what goes
 * through the emulation, and with one ioctl for each. Each should be over
 * before the scheduler gives the processor to somebody else.
 */
#define COMMANDS            (1u << 18)
#define COMMANDS_EMULATED   (1u << 15)
#define COMMANDS_PLAIN      (1u << 12)
#define ROUNDS              15

/*
 * Limit of the time that the SMMU takes at a time: none, where a queue is to be
 * measured as a whole, and its own
 */
#define SLICE_US_NONE       0
#define SLICE_US_DEFAULT    1000

/* What nobody should have to wait longer than for the big QEMU lock */
#define LATENCY_GOAL_MS     50

/* Memory of the guest that others can write to while QEMU reads it */
#define RAM_SIZE            (128 * MiB)

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static uint64_t count_calls(const VfShared *s, VfOp end)
{
    uint64_t n = 0;

    for (int op = 0; op < end; op++) {
        n += s->calls[op];
    }
    return n;
}

static uint64_t all_calls(const VfShared *s)
{
    return count_calls(s, VF_OP_COUNT);
}

/* Without read, write, mmap, open and close, which come last */
static uint64_t all_ioctls(const VfShared *s)
{
    return count_calls(s, VF_OP_CONFIG_READ);
}

/*
 * Have vs_start_functions() use a program
 *
 * @variable: of the environment, which names it
 *
 * Returns: whether there is one
 */
static bool use_program(const char *variable)
{
    const char *path = g_getenv(variable);

    return path && g_setenv("QTEST_QEMU_BINARY", path, true);
}

/* Tables with each device in stage 1, and an empty queue */
static void set_up(VfGuest *g, unsigned int devices)
{
    vs_setup(g, VS_LINEAR);
    vs_writel(g, VS_CR0, 0);
    qtest_memset(g->qts, VS_STRTAB, 0, 64 << TABLE_LOG2);
    vs_writel(g, VS_STRTAB_BASE_CFG, TABLE_LOG2);
    qtest_writeq(g->qts, VS_BASE + VS_CMDQ_BASE, QUEUE | QUEUE_LOG2);
    for (int n = 0; n < devices; n++) {
        vs_write_ste(g, VS_LINEAR, VS_FUNCTION_SID(n), VS_STE0_DEFAULT,
                     VS_STE1_DEFAULT);
    }
    vs_enable(g, true);
}

/* Time that QEMU needs for the first @len entries of the queue */
static int64_t consume(VfGuest *g, unsigned int len)
{
    int64_t best = INT64_MAX;
    int64_t idle = INT64_MAX;

    for (int i = 0; i < ROUNDS; i++) {
        int64_t t;

        vs_writel(g, VS_CR0, VS_CR0_SMMUEN);
        vs_writel(g, VS_CMDQ_PROD, 0);
        vs_writel(g, VS_CMDQ_CONS, 0);
        vs_enable(g, true);
        /* Time of the register write without any command */
        t = now_ns();
        vs_writel(g, VS_CMDQ_PROD, 0);
        idle = MIN(idle, now_ns() - t);
        t = now_ns();
        vs_writel(g, VS_CMDQ_PROD, len);
        best = MIN(best, now_ns() - t);
        g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, len);
    }
    return MAX(best - idle, 1);
}

static void put(uint64_t *queue, unsigned int at, uint64_t word0,
                uint64_t word1)
{
    queue[2 * at] = cpu_to_le64(word0);
    queue[2 * at + 1] = cpu_to_le64(word1);
}

/* Returns: number of entries */
static unsigned int fill_inval(VfGuest *g, unsigned int commands,
                               unsigned int per_sync)
{
    unsigned int len = commands + commands / per_sync;
    g_autofree uint64_t *queue = g_malloc_n(len, CMD_SIZE);
    unsigned int at = 0;

    g_assert_cmpuint(len, <=, 1u << QUEUE_LOG2);
    for (unsigned int i = 0; i < commands; i++) {
        put(queue, at++, VS_CMD_TLBI_NH_VA | 1ull << 48, (uint64_t)i << 12);
        if ((i + 1) % per_sync == 0) {
            put(queue, at++, VS_CMD_SYNC, 0);
        }
    }
    qtest_bufwrite(g->qts, QUEUE, queue, (size_t)len * CMD_SIZE);
    return len;
}

typedef struct Figure {
    unsigned int syncs;
    uint64_t ioctls;        /* of one round */
    double ns;              /* for each command */
} Figure;

static Figure measure_inval(VfGuest *g, unsigned int per_sync,
                            unsigned int commands)
{
    unsigned int len = fill_inval(g, commands, per_sync);
    uint64_t calls = g->c->shared->calls[VF_OP_HWPT_INVALIDATE];
    int64_t ns = consume(g, len);

    calls = g->c->shared->calls[VF_OP_HWPT_INVALIDATE] - calls;
    return (Figure) {
        .syncs = commands / per_sync,
        .ioctls = calls / ROUNDS,
        .ns = (double)ns / commands,
    };
}

/* Commands of an SMMUv3 that is emulated; returns ns for each */
static double measure_emulation(void)
{
    VfGuest *g = vs_start_functions(EMULATED, 0);
    double ns;

    set_up(g, 0);
    ns = measure_inval(g, 1024, COMMANDS_EMULATED).ns;
    vg_end_silent(g);
    return ns;
}

static void bench_inval(void)
{
    static const unsigned int per_sync[] = { 1, 16, 256, 1024 };
    static const unsigned int ioctl_us[] = { 0, 1, 5 };
    VfGuest *g = vs_start_functions(VS_SSID16, 1);
    double command_ns, emulation_ns, base_ns;

    set_up(g, 1);
    vs_set_slice(g, SLICE_US_NONE);
    /* One call for 1024 commands: the rest is the cost of a command itself */
    command_ns = measure_inval(g, 1024, COMMANDS).ns;
    command_ns = MIN(command_ns, measure_inval(g, 1024, COMMANDS).ns);
    for (int i = 0; i < ARRAY_SIZE(ioctl_us); i++) {
        g->c->shared->ioctl_ns = ioctl_us[i] * 1000;
        for (int k = 0; k < ARRAY_SIZE(per_sync); k++) {
            Figure plain, batch;
            double call_ns, limit, ratio;

            vs_set_batch(g, 1);
            plain = measure_inval(g, per_sync[k], COMMANDS_PLAIN);
            vs_set_batch(g, 0);
            batch = measure_inval(g, per_sync[k],
                                  MIN(COMMANDS, COMMANDS_PLAIN * per_sync[k]));
            ratio = plain.ns / batch.ns;
            /* (C + I) / (C + I / K), I as the plain way has found it */
            call_ns = plain.ns - command_ns;
            limit = plain.ns / (command_ns + call_ns / per_sync[k]);
            printf("inval ioctl_us=%u commands=%u syncs=%u ioctls=%" PRIu64
                   " plain_ioctls_per_sync=%.0f ns=%.1f plain_ns=%.1f"
                   " ratio=%.1f limit=%.1f of_limit=%.0f%%\n", ioctl_us[i],
                   per_sync[k], batch.syncs, batch.ioctls,
                   (double)plain.ioctls / plain.syncs, batch.ns, plain.ns,
                   ratio, limit, 100 * ratio / limit);
            fflush(stdout);
        }
    }
    vg_end_silent(g);

    /* The same commands in the emulation: one by one, and no host at all */
    emulation_ns = measure_emulation();
    printf("command ns=%.1f emulation_ns=%.1f ratio=%.1f\n", command_ns,
           emulation_ns, emulation_ns / command_ns);
    fflush(stdout);
    if (use_program(BASE_PROGRAM)) {
        base_ns = measure_emulation();
        printf("emulation ns=%.1f base_ns=%.1f ratio=%.2f\n", emulation_ns,
               base_ns, base_ns / emulation_ns);
        fflush(stdout);
        use_program(OUR_PROGRAM);
    }
}

/*
 * One write to PROD after the other, each for one invalidation and a CMD_SYNC,
 * as a driver does that waits for each. scripts/bench has the instructions
 * counted that QEMU takes for it.
 *
 * @sync: the two words of CMD_SYNC
 */
static void bench_prod(const char *name, const char *smmu,
                       unsigned int devices, const uint64_t sync[2])
{
    VfGuest *g = vs_start_functions(smmu, devices);
    g_autofree uint64_t *queue = g_malloc_n(2 * PROD_WRITES, CMD_SIZE);
    const uint64_t *calls = &g->c->shared->calls[VF_OP_HWPT_INVALIDATE];
    uint64_t before;

    set_up(g, devices);
    for (unsigned int i = 0; i < PROD_WRITES; i++) {
        put(queue, 2 * i, VS_CMD_TLBI_NH_VA | VS_ASID(1), (uint64_t)i << 12);
        put(queue, 2 * i + 1, sync[0], sync[1]);
    }
    qtest_bufwrite(g->qts, QUEUE, queue, 2 * PROD_WRITES * CMD_SIZE);
    before = *calls;
    for (unsigned int i = 1; i <= PROD_WRITES; i++) {
        vs_writel(g, VS_CMDQ_PROD, 2 * i);
    }
    g_assert_cmphex(vs_readl(g, VS_CMDQ_CONS), ==, 2 * PROD_WRITES);
    printf("%s writes=%u ioctls=%" PRIu64 "\n", name, PROD_WRITES,
           *calls - before);
    fflush(stdout);
    vg_end_silent(g);
}

/* The CMD_SYNC ends with a message, as Linux has it where the SMMU can */
static void bench_prod_accel(void)
{
    bench_prod("prod", VS_SSID16, 1, (const uint64_t[]) {
        VS_CMD_SYNC | VS_SYNC_IRQ | VS_SYNC_DATA(1), MESSAGE
    });
}

/* No host, no message */
static void bench_prod_emulated(void)
{
    bench_prod("prod_emulated", EMULATED, 0,
               (const uint64_t[]) { VS_CMD_SYNC, 0 });
}

/* The same STE again, for one device after the other */
static void bench_cfgi_ste(void)
{
    double first = 0;

    for (unsigned int devices = 1; devices <= VF_MAX_DEVICES; devices *= 2) {
        g_autofree uint64_t *queue = g_malloc_n(COMMANDS_EMULATED, CMD_SIZE);
        VfGuest *g = vs_start_functions(VS_SSID16, devices);
        VfShared *s = g->c->shared;
        uint64_t calls;
        double ns;

        set_up(g, devices);
        vs_set_slice(g, SLICE_US_NONE);
        for (unsigned int i = 0; i < COMMANDS_EMULATED; i++) {
            put(queue, i, VS_CMD_CFGI_STE |
                (uint64_t)VS_FUNCTION_SID(i % devices) << 32, 1);
        }
        qtest_bufwrite(g->qts, QUEUE, queue,
                       (size_t)COMMANDS_EMULATED * CMD_SIZE);
        calls = all_ioctls(s);
        ns = (double)consume(g, COMMANDS_EMULATED) / COMMANDS_EMULATED;
        first = first ?: ns;
        printf("cfgi_ste devices=%u ns=%.1f ioctls=%" PRIu64 " ratio=%.2f\n",
               devices, ns, all_ioctls(s) - calls, ns / first);
        fflush(stdout);
        vg_end_silent(g);
    }
}

/*
 * How long others wait while the SMMU takes a queue. The worst that a guest can
 * do: as many entries as there are, of which each costs as much as it can.
 */
typedef struct Queue {
    const char *name;
    unsigned int log2;          /* length */
    uint64_t word[2][2];        /* two entries, again and again */
    bool each_device;           /* the first one names one after the other */
    bool rewritten;             /* STEs change while QEMU looks */
    bool smmuen;                /* CR0.SMMUEN off and on, and no command */
    unsigned int ioctl_us;
} Queue;

static const Queue queues[] = {
    { .name = "cfgi_all", .log2 = 19,
      .word = { { VS_CMD_CFGI_STE_RANGE, VS_RANGE(31) },
                { VS_CMD_CFGI_STE_RANGE, VS_RANGE(31) } } },
    { .name = "cfgi_half", .log2 = 19,
      .word = { { VS_CMD_CFGI_STE_RANGE, VS_RANGE(9) },
                { VS_CMD_CFGI_STE_RANGE, VS_RANGE(9) } } },
    { .name = "tlbi_sync", .log2 = 19, .ioctl_us = 1,
      .word = { { VS_CMD_TLBI_NH_ASID | VS_ASID(1) }, { VS_CMD_SYNC } } },
    { .name = "tlbi_sync_irq", .log2 = 16, .ioctl_us = 5,
      .word = { { VS_CMD_TLBI_NH_ASID | VS_ASID(1) },
                { VS_CMD_SYNC | VS_SYNC_IRQ } } },
    { .name = "tlbi_sync_irq", .log2 = 15, .ioctl_us = 50,
      .word = { { VS_CMD_TLBI_NH_ASID | VS_ASID(1) },
                { VS_CMD_SYNC | VS_SYNC_IRQ } } },
    { .name = "tlbi_sync_irq", .log2 = 13, .ioctl_us = 500,
      .word = { { VS_CMD_TLBI_NH_ASID | VS_ASID(1) },
                { VS_CMD_SYNC | VS_SYNC_IRQ } } },
    { .name = "cfgi_all_sync", .log2 = 16,
      .word = { { VS_CMD_CFGI_STE_RANGE, VS_RANGE(31) }, { VS_CMD_SYNC } } },
    { .name = "cfgi_ste_rewritten", .log2 = 17, .ioctl_us = 1,
      .each_device = true, .rewritten = true,
      .word = { { VS_CMD_CFGI_STE, VS_LEAF }, { VS_CMD_SYNC } } },
    { .name = "cfgi_all_rewritten", .log2 = 11, .ioctl_us = 5,
      .rewritten = true,
      .word = { { VS_CMD_CFGI_STE_RANGE, VS_RANGE(31) }, { VS_CMD_SYNC } } },
    { .name = "cfgi_all_rewritten", .log2 = 8, .ioctl_us = 50,
      .rewritten = true,
      .word = { { VS_CMD_CFGI_STE_RANGE, VS_RANGE(31) }, { VS_CMD_SYNC } } },
    { .name = "cfgi_all_rewritten", .log2 = 5, .ioctl_us = 500,
      .rewritten = true,
      .word = { { VS_CMD_CFGI_STE_RANGE, VS_RANGE(31) }, { VS_CMD_SYNC } } },
    { .name = "smmuen", .smmuen = true, .ioctl_us = 5 },
    { .name = "smmuen", .smmuen = true, .ioctl_us = 50 },
    { .name = "smmuen", .smmuen = true, .ioctl_us = 500 },
};

typedef struct Work {
    VfGuest *g;
    unsigned int len;
    bool smmuen;
    bool done;
    bool rewriting;
    uint64_t *table;            /* stream table */
} Work;

static void *submit(void *opaque)
{
    Work *w = opaque;

    if (w->smmuen) {
        vs_enable(w->g, false);
        vs_enable(w->g, true);
    } else {
        vs_writel(w->g, VS_CMDQ_PROD, w->len);
        while (!vs_done(w->g)) {
            g_usleep(1000);
        }
    }
    qatomic_set(&w->done, true);
    return NULL;
}

/* Have the STEs point to one CD table and then to another one */
static void *rewrite(void *opaque)
{
    Work *w = opaque;

    for (uint64_t n = 0x10000; !qatomic_read(&w->done); n ^= 0x10000) {
        for (int i = 0; i < VF_MAX_DEVICES; i++) {
            uint64_t *ste = w->table + VS_FUNCTION_SID(i) * VS_STE_SIZE / 8;

            qatomic_set(ste, cpu_to_le64(VS_STE0_DEFAULT + n));
        }
        qatomic_set(&w->rewriting, true);
    }
    return NULL;
}

typedef struct Latency {
    double worst_ms;
    double total_ms;
    unsigned int queries;
    uint64_t ioctls;
} Latency;

static Latency measure_latency(const Queue *q, unsigned int slice_us)
{
    const unsigned int len = 1u << q->log2;
    g_autofree uint64_t *queue = g_malloc_n(len, CMD_SIZE);
    int fd = qemu_memfd_create("ram", RAM_SIZE, false, 0, 0, NULL);
    uint8_t *ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                        0);
    g_autofree gchar *options = g_strdup_printf(
        "-object memory-backend-file,id=m0,size=%" PRIu64 ",share=on,"
        "mem-path=/proc/%d/fd/%d -machine memory-backend=m0 " VS_SSID16,
        (uint64_t)RAM_SIZE, getpid(), fd);
    VfGuest *g = vs_start_functions(options, VF_MAX_DEVICES);
    Work w = { .g = g, .len = len, .smmuen = q->smmuen };
    GThread *submitter, *rewriter = NULL;
    Latency result = { 0 };
    int64_t begin;

    g_assert(ram != MAP_FAILED);
    set_up(g, VF_MAX_DEVICES);
    vs_set_slice(g, slice_us);
    for (unsigned int i = 0; i < len; i++) {
        uint64_t sid = q->each_device && i % 2 == 0 ?
                       VS_FUNCTION_SID(i / 2 % VF_MAX_DEVICES) : 0;

        put(queue, i, q->word[i % 2][0] | sid << 32, q->word[i % 2][1]);
    }
    memcpy(ram + QUEUE - VG_RAM, queue, (size_t)len * CMD_SIZE);
    g->c->shared->ioctl_ns = q->ioctl_us * 1000;
    if (q->rewritten) {
        w.table = (uint64_t *)(ram + VS_STRTAB - VG_RAM);
        rewriter = g_thread_new("rewrite", rewrite, &w);
        while (!qatomic_read(&w.rewriting)) {
            g_usleep(100);
        }
    }
    result.ioctls = all_ioctls(g->c->shared);
    begin = now_ns();
    submitter = g_thread_new("submit", submit, &w);
    while (!qatomic_read(&w.done)) {
        int64_t t = now_ns();

        qobject_unref(qtest_qmp(g->qts, "{'execute': 'query-status'}"));
        result.worst_ms = MAX(result.worst_ms, (now_ns() - t) / 1e6);
        result.queries++;
        g_usleep(500);
    }
    result.total_ms = (now_ns() - begin) / 1e6;
    result.ioctls = all_ioctls(g->c->shared) - result.ioctls;
    g_thread_join(submitter);
    if (rewriter) {
        g_thread_join(rewriter);
    }
    g->c->shared->ioctl_ns = 0;
    vg_end_silent(g);
    munmap(ram, RAM_SIZE);
    close(fd);
    return result;
}

static void bench_latency(void)
{
    double worst_ms = 0;

    for (int i = 0; i < ARRAY_SIZE(queues); i++) {
        const Queue *q = &queues[i];
        Latency whole = measure_latency(q, SLICE_US_NONE);
        Latency slices = measure_latency(q, SLICE_US_DEFAULT);

        printf("latency queue=%s devices=%d commands=%u ioctl_us=%u"
               " query_status_ms=%.1f whole_ms=%.1f queries=%u ioctls=%" PRIu64
               " total_ms=%.0f whole_total_ms=%.0f\n", q->name,
               VF_MAX_DEVICES, q->smmuen ? 0 : 1u << q->log2, q->ioctl_us,
               slices.worst_ms,
               whole.worst_ms, slices.queries, slices.ioctls, slices.total_ms,
               whole.total_ms);
        fflush(stdout);
        worst_ms = MAX(worst_ms, slices.worst_ms);
    }
    printf("latency_worst devices=%d query_status_ms=%.1f goal_ms=%d\n",
           VF_MAX_DEVICES, worst_ms, LATENCY_GOAL_MS);
    fflush(stdout);
}

static uint64_t realize_ioctls(const char *viommu, unsigned int devices)
{
    VfGuest *g = vs_start_functions(viommu, devices);
    uint64_t ioctls = all_ioctls(g->c->shared);

    vg_end_silent(g);
    return ioctls;
}

/* Behind the accelerated SMMUv3; then without it, where the base can, too */
static void bench_realize(void)
{
    static const struct {
        const char *name;
        const char *option;
    } others[] = {
        { "no_viommu", "" },
        { "virtio_iommu", VIRTIO_IOMMU },
    };

    for (unsigned int devices = 1; devices <= VF_MAX_DEVICES; devices *= 2) {
        uint64_t ioctls = realize_ioctls(VS_SSID16, devices);
        /* In one piece: libqtest says something at each start */
        g_autoptr(GString) line = g_string_new(NULL);

        for (int i = 0; i < ARRAY_SIZE(others); i++) {
            g_string_append_printf(line, " %s=%" PRIu64, others[i].name,
                                   realize_ioctls(others[i].option, devices));
            if (use_program(BASE_PROGRAM)) {
                g_string_append_printf(line, " %s_base=%" PRIu64,
                                       others[i].name,
                                       realize_ioctls(others[i].option,
                                                      devices));
                use_program(OUR_PROGRAM);
            }
        }
        printf("realize devices=%u ioctls=%" PRIu64 "%s\n", devices, ioctls,
               line->str);
        fflush(stdout);
    }
}

static void bench_pasid_read(void)
{
    VfGuest *g = vs_start_functions(VS_SSID16, 1);
    uint16_t pos = vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, NULL);
    uint64_t calls = all_calls(g->c->shared);

    g_assert_cmphex(pos, !=, 0);
    for (int i = 0; i < 1000; i++) {
        g_assert_cmpuint(vg_config_readw(g, 1, 0, pos + PCI_PASID_CAP), !=, 0);
    }
    printf("pasid_read reads=1000 host_syscalls=%" PRIu64 "\n",
           all_calls(g->c->shared) - calls);
    vg_end_silent(g);
}

/*
 * Page faults: reads and writes of the host's queue, and the time from when the
 * host wakes QEMU up to when the guest sees all of a run, and from the guest's
 * answers to when the host has them. One register access is part of each time.
 */
static const unsigned int fault_runs[] = { 1, 16, 64 };

static void bench_fault(void)
{
    VfGuest *g = af_start(1, "");
    VfShared *s = g->c->shared;
    int64_t idle = INT64_MAX;

    vs_set_slice(g, SLICE_US_NONE);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t t = now_ns();

        vs_readl(g, VS_EVENTQ_PROD);
        idle = MIN(idle, now_ns() - t);
    }
    for (int i = 0; i < ARRAY_SIZE(fault_runs); i++) {
        unsigned int run = fault_runs[i];
        int64_t told = INT64_MAX, answered = INT64_MAX;
        uint64_t reads = s->calls[VF_OP_FAULT_READ];
        uint64_t writes = s->calls[VF_OP_FAULT_WRITE];
        unsigned int faults = run * ROUNDS;

        for (int round = 0; round < ROUNDS; round++) {
            uint32_t n = 0;
            int64_t t;

            for (unsigned int k = 0; k < run; k++) {
                n = vf_client_add_page_fault(g->c, 0, 5, k << 12, AF_READ);
            }
            t = now_ns();
            vf_client_wake(g->c, s->page_fault[n].queue);
            while (s->page_fault[n].state != VF_FAULT_READ) {
                vs_readl(g, VS_EVENTQ_PROD);
            }
            /* Now the main loop has done what it does for them */
            vs_readl(g, VS_EVENTQ_PROD);
            told = MIN(told, now_ns() - t);
            for (unsigned int k = 0; k < run; k++) {
                af_queue_resume(g, VS_SID(1),
                                af_stalled(g, VS_SID(1), 5, k << 12, AF_READ),
                                VS_RESUME_RETRY);
            }
            t = now_ns();
            vs_ring(g);
            answered = MIN(answered, now_ns() - t);
            af_answered(g, n, true);
        }
        reads = s->calls[VF_OP_FAULT_READ] - reads;
        writes = s->calls[VF_OP_FAULT_WRITE] - writes;
        printf("fault run=%u faults=%u reads=%" PRIu64 " writes=%" PRIu64
               " reads_per_run=%.2f writes_per_run=%.2f told_ns=%.0f"
               " answered_ns=%.0f access_ns=%" PRId64 "\n", run, faults,
               reads, writes, (double)reads / ROUNDS, (double)writes / ROUNDS,
               (double)told / run, (double)answered / run, idle);
        fflush(stdout);
    }
    vg_end_silent(g);
}

/* The same without QEMU: what the model itself takes for each of them */
static void bench_fault_model(void)
{
    struct iommu_hwpt_page_response answers[64];
    struct iommu_hwpt_pgfault got[64];
    Uapi u = { 0 };
    uint32_t id, hwpt;
    int fd;

    uapi_start(&u);
    u.c->shared->device[0].stalls = 1;
    g_assert_cmpint(fault_alloc(&u, 0, &id, &fd), ==, 0);
    g_assert_cmpint(hwpt_alloc_fault(&u, u.viommu, 0, id, &hwpt), ==, 0);
    g_assert_cmpint(vdevice_alloc(&u, u.dev_id, VS_SID(1), NULL), ==, 0);
    g_assert_cmpint(attach(&u, 0, hwpt), ==, 0);
    for (int i = 0; i < ARRAY_SIZE(fault_runs); i++) {
        unsigned int run = fault_runs[i];
        int64_t told = INT64_MAX, answered = INT64_MAX;

        for (int round = 0; round < ROUNDS; round++) {
            int64_t t;

            for (unsigned int k = 0; k < run; k++) {
                vf_client_page_fault(u.c, 0, 5, k << 12,
                                     IOMMU_PGFAULT_PERM_READ);
            }
            t = now_ns();
            g_assert_cmpint(u.read(fd, got, sizeof(got)), ==,
                            run * sizeof(got[0]));
            told = MIN(told, now_ns() - t);
            for (unsigned int k = 0; k < run; k++) {
                answers[k] = (struct iommu_hwpt_page_response) {
                    .cookie = got[k].cookie,
                    .code = IOMMUFD_PAGE_RESP_SUCCESS,
                };
            }
            t = now_ns();
            g_assert_cmpint(u.write(fd, answers, run * sizeof(answers[0])), ==,
                            run * sizeof(answers[0]));
            answered = MIN(answered, now_ns() - t);
        }
        printf("fault_model run=%u told_ns=%.0f answered_ns=%.0f\n", run,
               (double)told / run, (double)answered / run);
        fflush(stdout);
    }
    vf_client_free(u.c);
}

static const struct {
    const char *name;
    void (*run)(void);
} benches[] = {
    { .name = "inval", .run = bench_inval },
    { .name = "prod", .run = bench_prod_accel },
    { .name = "prod_emulated", .run = bench_prod_emulated },
    { .name = "cfgi_ste", .run = bench_cfgi_ste },
    { .name = "latency", .run = bench_latency },
    { .name = "realize", .run = bench_realize },
    { .name = "pasid_read", .run = bench_pasid_read },
    { .name = "fault", .run = bench_fault },
    { .name = "fault_model", .run = bench_fault_model },
};

/* Arguments name the measurements, none means all */
int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (!use_program(OUR_PROGRAM)) {
        fprintf(stderr, "vpasid-bench: " OUR_PROGRAM " names no QEMU; run"
                " `make bench`\n");
        return 2;
    }
    for (int i = 0; i < ARRAY_SIZE(benches); i++) {
        if (argc < 2 || g_strv_contains((const char **)argv + 1,
                                        benches[i].name)) {
            benches[i].run();
        }
    }
    return 0;
}
