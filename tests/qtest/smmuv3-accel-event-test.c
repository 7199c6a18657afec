/*
 * QTest of the accelerated SMMUv3: events of the host
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The host reports events for the guest's devices. The test compares them with
 * the records in the guest's event queue, and checks the rules for a queue that
 * is full, disabled or at an address without memory (Arm IHI0070, 7).
 */

#include "qemu/osdep.h"

#include "qemu/host-utils.h"
#include "vfio-guest/smmu.h"

#define SID_HI ((uint64_t)VS_SID(1) << 32)

#define QUEUE_SIZE (1u << VS_EVENTQ_LOG2)

/* Bytes that the kernel hands out: header, record (linux/iommufd.h) */
#define HEADER 8
#define RECORD 32

/* How many records QEMU reads at a time */
#define AT_ONCE 64

/* Behind the guest's memory, VG_MACHINE has 128 MiB */
#define NOWHERE (VG_RAM + 0x8000000)

/* Distributor of the interrupt controller, one bit for each interrupt */
#define GICD            0x08000000ull
#define GICD_ISPENDR    0x200
#define GICD_ICPENDR    0x280
#define GICD_ICFGR      0xc00
#define GIC_INTERRUPTS  256

#define EVT_TRANSLATION(n) \
    { VS_EVT_F_TRANSLATION | SID_HI, 1ull << 35, 0x1000ull * (n), 0 }

static void push(VfGuest *g, unsigned int n)
{
    const uint64_t evt[4] = EVT_TRANSLATION(n);

    vf_client_push_event(g->c, 0, evt);
}

static void push_many(VfGuest *g, unsigned int first, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        push(g, first + i);
    }
    vg_settle(g);
}

/* QEMU does not look before it is woken up */
static void add_events(VfGuest *g, unsigned int first, unsigned int count)
{
    uint64_t evt[AT_ONCE][4];

    g_assert_cmpuint(count, <=, AT_ONCE);
    for (unsigned int i = 0; i < count; i++) {
        const uint64_t words[4] = EVT_TRANSLATION(first + i);

        memcpy(evt[i], words, sizeof(words));
    }
    vf_client_add_events(g->c, 0, evt, count);
}

static void push_at_once(VfGuest *g, unsigned int first, unsigned int count)
{
    add_events(g, first, count);
    vf_client_wake(g->c, 0);
    vg_settle(g);
}

static void lose(VfGuest *g)
{
    vf_client_push_event(g->c, 0, NULL);
}

static void assert_event(VfGuest *g, unsigned int n)
{
    const uint64_t want[4] = EVT_TRANSLATION(n);
    uint64_t evt[4];

    g_assert(vs_next_event(g, evt));
    for (int i = 0; i < 4; i++) {
        g_assert_cmphex(evt[i], ==, want[i]);
    }
}

static void assert_events(VfGuest *g, unsigned int first, unsigned int count)
{
    uint64_t evt[4];

    for (unsigned int i = 0; i < count; i++) {
        assert_event(g, first + i);
    }
    g_assert(!vs_next_event(g, evt));
}

static bool overflow(VfGuest *g)
{
    return (vs_readl(g, VS_EVENTQ_PROD) ^ vs_readl(g, VS_EVENTQ_CONS)) &
           VS_EVENTQ_OVERFLOW;
}

static void acknowledge(VfGuest *g)
{
    vs_writel(g, VS_EVENTQ_CONS, vs_readl(g, VS_EVENTQ_PROD));
    g_assert(!overflow(g));
}

static void test_delivered(void)
{
    VfGuest *g = vs_start_s1();

    push_many(g, 1, 1);
    assert_events(g, 1, 1);
    push_many(g, 2, 10);
    assert_events(g, 2, 10);
    g_assert(!overflow(g));
    vg_end_silent(g);
}

/* Many records cost few calls, and the queue wraps around */
static void test_many(void)
{
    VfGuest *g = vs_start_s1();
    const unsigned int count = QUEUE_SIZE - 1;

    for (int round = 0; round < 3; round++) {
        uint32_t since = g->c->shared->log_len;

        push_many(g, round * count, count);
        assert_events(g, round * count, count);
        /* The main loop may wake up while they arrive */
        g_assert_cmpuint(vf_client_count(g->c, VF_OP_EVENT_READ, since), <,
                         count / 4);
    }
    g_assert(!overflow(g));
    vg_end_silent(g);
}

static void test_at_once(void)
{
    VfGuest *g = vs_start_s1();
    uint32_t since = g->c->shared->log_len;

    push_at_once(g, 0, AT_ONCE);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_EVENT_READ, since), ==, 1);
    assert_events(g, 0, AT_ONCE);
    vg_end_silent(g);
}

/* Lost events set the overflow flag once until the guest acknowledges it */
static void test_lost(void)
{
    VfGuest *g = vs_start_s1();
    uint32_t prod;

    push_many(g, 1, 1);
    lose(g);
    vg_settle(g);
    g_assert(overflow(g));
    push_many(g, 2, 1);
    lose(g);
    vg_settle(g);
    g_assert(overflow(g));
    assert_events(g, 1, 2);
    acknowledge(g);
    push_many(g, 3, 1);
    g_assert(!overflow(g));
    assert_events(g, 3, 1);
    prod = vs_readl(g, VS_EVENTQ_PROD);
    lose(g);
    vg_settle(g);
    /* The flag toggles, the index does not move */
    g_assert_cmphex(vs_readl(g, VS_EVENTQ_PROD), ==,
                    prod ^ VS_EVENTQ_OVERFLOW);
    vg_end_silent(g);
}

/* The mark of lost records is gone, only the sequence tells */
static void test_gap(void)
{
    VfGuest *g = vs_start_s1();

    push_many(g, 1, 1);
    g_assert(!overflow(g));
    g->c->shared->eventq[0].sequence++;
    push_many(g, 2, 1);
    g_assert(overflow(g));
    assert_events(g, 1, 2);
    vg_end_silent(g);
}

static void test_first_lost(void)
{
    VfGuest *g = vs_start_s1();

    g->c->shared->eventq[0].sequence++;
    push_many(g, 1, 1);
    g_assert(overflow(g));
    assert_events(g, 1, 1);
    vg_end_silent(g);
}

static void test_sequence_wraps(void)
{
    VfGuest *g = vs_start_s1();

    g->c->shared->eventq[0].sequence = INT_MAX - 1;
    push_many(g, 0, 1);
    assert_events(g, 0, 1);
    acknowledge(g);
    push_many(g, 1, 4);
    g_assert(!overflow(g));
    assert_events(g, 1, 4);
    vg_end_silent(g);
}

static void test_full(void)
{
    VfGuest *g = vs_start_s1();

    push_many(g, 0, QUEUE_SIZE);
    g_assert(!overflow(g));
    push_many(g, QUEUE_SIZE, 5);
    g_assert(overflow(g));
    assert_events(g, 0, QUEUE_SIZE);
    /* Acknowledged or not, there is room again */
    push_many(g, 7, 1);
    assert_events(g, 7, 1);
    acknowledge(g);
    push_many(g, 8, QUEUE_SIZE);
    g_assert(!overflow(g));
    assert_events(g, 8, QUEUE_SIZE);
    vg_end_silent(g);
}

/* Nothing is recorded while the queue is off, not even that some were lost */
static void test_off_and_on(void)
{
    VfGuest *g = vs_start_s1();
    uint64_t evt[4];

    for (int i = 0; i < 3; i++) {
        vs_writel(g, VS_CR0, VS_CR0_SMMUEN | VS_CR0_CMDQEN);
        push_many(g, 1, 3);
        lose(g);
        vg_settle(g);
        g_assert(!vs_next_event(g, evt));
        g_assert(!overflow(g));
        vs_writel(g, VS_EVENTQ_PROD, 0);
        vs_writel(g, VS_EVENTQ_CONS, 0);
        vs_enable(g, true);
        vg_settle(g);
        g_assert(!vs_next_event(g, evt));
        push_many(g, 10 * i, 2);
        assert_events(g, 10 * i, 2);
        g_assert(!overflow(g));
    }
    vg_end_silent(g);
}

/* A queue where there is no memory is an error of its own (7.2) */
static void test_no_memory(void)
{
    VfGuest *g = vs_start_s1();

    vs_writel(g, VS_CR0, VS_CR0_SMMUEN | VS_CR0_CMDQEN);
    qtest_writeq(g->qts, VS_BASE + VS_EVENTQ_BASE, NOWHERE | VS_EVENTQ_LOG2);
    vs_enable(g, true);
    push_many(g, 1, 2);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, VS_GERROR_EVENTQ_ABT_ERR);
    vs_writel(g, VS_GERRORN, vs_readl(g, VS_GERROR));
    qtest_writeq(g->qts, VS_BASE + VS_EVENTQ_BASE,
                 VS_EVENTQ | VS_EVENTQ_LOG2);
    push_many(g, 3, 1);
    assert_events(g, 3, 1);
    g_assert_cmphex(vs_readl(g, VS_GERROR), ==, vs_readl(g, VS_GERRORN));
    vg_end_silent(g);
}

/* Returns: how many interrupts came since the last call */
static unsigned int interrupts(VfGuest *g)
{
    unsigned int n = 0;

    for (int i = 0; i < GIC_INTERRUPTS / 8; i += 4) {
        n += ctpop32(qtest_readl(g->qts, GICD + GICD_ISPENDR + i));
        qtest_writel(g->qts, GICD + GICD_ICPENDR + i, UINT32_MAX);
    }
    return n;
}

static void test_interrupts(void)
{
    VfGuest *g = vs_start_s1();

    /* Two bits for each interrupt: edge-triggered, so that a pulse stays */
    for (int i = 0; i < GIC_INTERRUPTS / 4; i += 4) {
        qtest_writel(g->qts, GICD + GICD_ICFGR + i, 0xaaaaaaaa);
    }
    interrupts(g);
    push_many(g, 0, 1);
    g_assert_cmpuint(interrupts(g), ==, 0);
    vs_writel(g, VS_IRQ_CTRL, VS_IRQ_CTRL_GERROR);
    push_many(g, 1, 1);
    g_assert_cmpuint(interrupts(g), ==, 0);
    vs_writel(g, VS_IRQ_CTRL, VS_IRQ_CTRL_EVENTQ);
    push_many(g, 2, 3);
    g_assert_cmpuint(interrupts(g), ==, 1);
    g_assert_cmpuint(interrupts(g), ==, 0);
    assert_events(g, 0, 5);
    vg_end_silent(g);
}

/* Wake-ups with nothing to read, and reads that have to be made again */
static void test_nothing_to_read(const void *opaque)
{
    const int *err = opaque;
    VfGuest *g = vs_start_s1();
    uint32_t since = g->c->shared->log_len;

    if (*err) {
        vf_client_rule(g->c, VF_OP_EVENT_READ, 1, 1, *err);
        push_many(g, 1, 1);
        vf_client_clear_rules(g->c);
    } else {
        vf_client_wake(g->c, 0);
        vg_settle(g);
        g_assert_cmpuint(vf_client_count(g->c, VF_OP_EVENT_READ, since), >,
                         0);
        push_many(g, 1, 1);
    }
    assert_events(g, 1, 1);
    push_many(g, 2, 2);
    assert_events(g, 2, 2);
    g_assert(!overflow(g));
    vg_end_silent(g);
}

/* The kernel may have no memory for a moment: no event is lost, and no time */
static void test_read_no_memory(void)
{
    VfGuest *g = vs_start_s1();
    uint32_t since = g->c->shared->log_len;

    vf_client_rule(g->c, VF_OP_EVENT_READ, 1, 3, ENOMEM);
    push_many(g, 1, 2);
    vg_settle(g);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_EVENT_READ, since), ==, 1);
    for (int i = 0; i < 3; i++) {
        qtest_clock_step(g->qts, 20000000);
        vg_settle(g);
    }
    assert_events(g, 1, 2);
    push_many(g, 3, 2);
    assert_events(g, 3, 2);
    g_assert(!overflow(g));
    vg_end_silent(g);
}

static const int nothing, again = EAGAIN, interrupted = EINTR;

/* A read that ends within a record: whole ones count, the rest is overflow */
typedef struct ShortTest {
    const char *name;
    unsigned int bytes;
    unsigned int whole;
} ShortTest;

static const ShortTest short_tests[] = {
    { .name = "half-header", .bytes = HEADER / 2 },
    { .name = "header", .bytes = HEADER },
    { .name = "half-record", .bytes = HEADER + RECORD / 2 },
    { .name = "no-byte-of-next", .bytes = HEADER + RECORD, .whole = 1 },
    { .name = "half-header-of-next", .bytes = HEADER + RECORD + HEADER / 2,
      .whole = 1 },
    { .name = "half-of-next", .bytes = 2 * HEADER + RECORD + RECORD / 2,
      .whole = 1 },
};

static void test_short(const void *opaque)
{
    const ShortTest *t = opaque;
    VfGuest *g = vs_start_s1();

    vf_client_rule(g->c, VF_OP_EVENT_READ, 1, 1, 0)->done = t->bytes;
    push_at_once(g, 0, 2);
    vf_client_clear_rules(g->c);
    assert_events(g, 0, t->whole);
    push_many(g, 5, 2);
    g_assert(overflow(g));
    assert_events(g, 5, 2);
    vg_end_silent(g);
}

/* Events of a guest are dropped at reset */
static void test_reset(void)
{
    VfGuest *g = vs_start_s1();
    uint64_t evt[4];

    push_many(g, 1, 1);
    add_events(g, 2, 2);
    vg_system_reset(g);
    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    vg_settle(g);
    g_assert(!vs_next_event(g, evt));
    g_assert(!overflow(g));
    push_many(g, 4, 2);
    assert_events(g, 4, 2);
    g_assert(!overflow(g));
    vg_end_silent(g);
}

/*
 * The kernel keeps a queue for as long as its file is open to anyone: it goes
 * at the first attempt, and the next device has a queue that works.
 */
static void test_replug(void)
{
    VfGuest *g = vs_start_s1();

    for (int i = 0; i < 3; i++) {
        uint32_t since = g->c->shared->log_len;

        push_many(g, i, 1);
        assert_events(g, i, 1);
        vg_device_del(g, "d1", 1);
        g_assert_cmpuint(vf_client_refused(g->c, VF_OP_DESTROY, since), ==, 0);
        vf_client_assert_clean(g->c);
        g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    }
    push_many(g, 3, 1);
    assert_events(g, 3, 1);
    vg_end_silent(g);
}

/* The descriptor breaks: said once, and the rest of the machine goes on */
static void test_read_fails(const void *opaque)
{
    const int *err = opaque;
    VfGuest *g = vs_start_s1();
    uint32_t since = g->c->shared->log_len;
    g_autofree gchar *text = NULL;

    vf_client_rule(g->c, VF_OP_EVENT_READ, 1, 1000, *err);
    push_many(g, 1, 3);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_EVENT_READ, since), ==, 1);
    g_assert(overflow(g));
    vs_set_state(g, &vs_states[VS_BYPASS], 1);
    g_assert_cmpint(vf_client_access(g->c, 0, NULL), ==, VF_ACCESS_BYPASS);
    vg_system_reset(g);
    g_assert_cmpuint(vf_client_count(g->c, VF_OP_EVENT_READ, since), ==, 1);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(g->c);
    text = vg_end(g);
    vg_assert_has(text, "cannot read events of the host SMMUv3");
    vg_assert_has(text, strerror(*err));
    g_assert(strchr(text, '\n') == text + strlen(text) - 1);
}

static const int io_error = EIO, bad_address = EFAULT;

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("smmuv3-accel/events/delivered", test_delivered);
    qtest_add_func("smmuv3-accel/events/many", test_many);
    qtest_add_func("smmuv3-accel/events/at-once", test_at_once);
    qtest_add_func("smmuv3-accel/events/lost", test_lost);
    qtest_add_func("smmuv3-accel/events/gap", test_gap);
    qtest_add_func("smmuv3-accel/events/first-lost", test_first_lost);
    qtest_add_func("smmuv3-accel/events/sequence-wraps", test_sequence_wraps);
    qtest_add_func("smmuv3-accel/events/full", test_full);
    qtest_add_func("smmuv3-accel/events/off-and-on", test_off_and_on);
    qtest_add_func("smmuv3-accel/events/no-memory", test_no_memory);
    qtest_add_func("smmuv3-accel/events/interrupts", test_interrupts);
    vg_add_test("smmuv3-accel/events/read", "nothing", &nothing,
                test_nothing_to_read);
    vg_add_test("smmuv3-accel/events/read", "again", &again,
                test_nothing_to_read);
    vg_add_test("smmuv3-accel/events/read", "interrupted", &interrupted,
                test_nothing_to_read);
    qtest_add_func("smmuv3-accel/events/read/no-memory", test_read_no_memory);
    for (int i = 0; i < ARRAY_SIZE(short_tests); i++) {
        vg_add_test("smmuv3-accel/events/short", short_tests[i].name,
                    &short_tests[i], test_short);
    }
    qtest_add_func("smmuv3-accel/events/reset", test_reset);
    qtest_add_func("smmuv3-accel/events/replug", test_replug);
    vg_add_test("smmuv3-accel/events/read-fails", "io", &io_error,
                test_read_fails);
    vg_add_test("smmuv3-accel/events/read-fails", "address", &bad_address,
                test_read_fails);
    return g_test_run();
}
