/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtest for the stall model of the emulated Arm SMMUv3: faults and answers
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * A pasid-testdev asks for pages that are not mapped. The test is the operating
 * system that is told of it, maps them or not, and answers.
 */

#include "qemu/osdep.h"
#include "smmuv3-stall.h"

#define READ                PASID_TESTDEV_CMD_READ
#define WRITE               PASID_TESTDEV_CMD_WRITE
#define ON                  ST_DEVICE(1) ST_SMMU "on"
#define TWO_DEVICES         ST_DEVICE(1) ST_DEVICE(2) ST_SMMU "on"
#define IOVA(n)             (ST_IOVA + (n) * ST_PAGE_SIZE)

static const StConfig usual;

/* Registers */

typedef struct IdrTest {
    const char *name;
    const char *property;
    uint32_t model;
    bool stalls;
} IdrTest;

static const IdrTest idr_tests[] = {
    { .name = "default", .property = "", .model = VS_STALL_MODEL_NONE },
    { .name = "auto", .property = " -global arm-smmuv3.x-stall=auto",
      .model = VS_STALL_MODEL_NONE },
    { .name = "off", .property = " -global arm-smmuv3.x-stall=off",
      .model = VS_STALL_MODEL_NONE },
    { .name = "on", .property = " -global arm-smmuv3.x-stall=on",
      .model = VS_STALL_MODEL_BOTH, .stalls = true },
    { .name = "force", .property = " -global arm-smmuv3.x-stall=force",
      .model = VS_STALL_MODEL_FORCED, .stalls = true },
};

/* The identification registers of this machine before stalls existed */
static const uint32_t base_idr[] = {
    0x0d44101b, 0x02730010, 0x00000000, 0x00001414, 0x00000000, 0x00000074,
};

static void test_idr(const void *opaque)
{
    const IdrTest *t = opaque;
    QTestState *qts = qtest_initf(PTD_MACHINE ",iommu=smmuv3%s", t->property);

    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < ARRAY_SIZE(base_idr); i++) {
            uint32_t mask = 0;

            if (t->stalls && i == 0) {
                mask = 3u << 24;
            } else if (t->stalls && i == 5) {
                mask = 0xffff0000;
            }
            g_assert_cmphex(smmu_readl(qts, i * 4) & ~mask, ==,
                            base_idr[i] & ~mask);
        }
        g_assert_cmpuint(VS_IDR0_STALL_MODEL(smmu_readl(qts, VS_IDR0)), ==,
                         t->model);
        g_assert_cmpint(VS_IDR5_STALL_MAX(smmu_readl(qts, VS_IDR5)) != 0, ==,
                        t->stalls);
        qtest_system_reset(qts);
    }
    qtest_quit(qts);
}

/* Legal and illegal configurations, with a device that is able to wait */

typedef struct LegalTest {
    const char *name;
    const char *mode;
    StConfig config;
    uint32_t event;         /* type of the event */
    bool stalls;
    bool s2;                /* it is a fault of stage 2 */
} LegalTest;

static const LegalTest legal_tests[] = {
    { .name = "on-s1", .mode = "on", .event = VS_EVT_F_TRANSLATION,
      .stalls = true },
    { .name = "on-no-s", .mode = "on", .config.cd0_off = VS_CD0_S,
      .event = VS_EVT_F_TRANSLATION },
    /* A stall is recorded whatever R says: nobody could end it (5.5) */
    { .name = "on-no-r", .mode = "on", .config.cd0_off = VS_CD0_R,
      .event = VS_EVT_F_TRANSLATION, .stalls = true },
    { .name = "on-s1stalld", .mode = "on",
      .config = { .ste1 = VS_STE1_S1STALLD, .cd0_off = VS_CD0_S },
      .event = VS_EVT_F_TRANSLATION },
    { .name = "on-s1stalld-s", .mode = "on",
      .config.ste1 = VS_STE1_S1STALLD, .event = VS_EVT_C_BAD_CD },
    { .name = "force-s", .mode = "force", .config.ste2 = VS_STE2_S2S,
      .event = VS_EVT_F_TRANSLATION, .stalls = true },
    { .name = "force-no-s", .mode = "force", .config.cd0_off = VS_CD0_S,
      .event = VS_EVT_C_BAD_CD },
    { .name = "force-s1stalld", .mode = "force",
      .config.ste1 = VS_STE1_S1STALLD, .event = VS_EVT_C_BAD_STE },
    { .name = "off-s", .mode = "off", .event = VS_EVT_C_BAD_CD },
    { .name = "off-no-s", .mode = "off", .config.cd0_off = VS_CD0_S,
      .event = VS_EVT_F_TRANSLATION },
    { .name = "off-s1stalld", .mode = "off",
      .config = { .ste1 = VS_STE1_S1STALLD, .cd0_off = VS_CD0_S },
      .event = VS_EVT_C_BAD_STE },
    { .name = "on-nested", .mode = "on",
      .config = { .ste0 = VS_STE0_NESTED, .ste2 = VS_STE2_S2S },
      .event = VS_EVT_F_TRANSLATION, .stalls = true },
    { .name = "on-s2", .mode = "on",
      .config = { .ste0 = VS_STE0_S2, .ste2 = VS_STE2_S2S },
      .event = VS_EVT_F_TRANSLATION, .stalls = true, .s2 = true },
    { .name = "on-s2-no-s2s", .mode = "on", .config.ste0 = VS_STE0_S2,
      .event = VS_EVT_F_TRANSLATION, .s2 = true },
    /* Without stage 1 the field means nothing */
    { .name = "on-s2-s1stalld", .mode = "on",
      .config = { .ste0 = VS_STE0_S2, .ste1 = VS_STE1_S1STALLD },
      .event = VS_EVT_F_TRANSLATION, .s2 = true },
    { .name = "force-s2-s1stalld", .mode = "force",
      .config = { .ste0 = VS_STE0_S2, .ste1 = VS_STE1_S1STALLD,
                  .ste2 = VS_STE2_S2S },
      .event = VS_EVT_F_TRANSLATION, .stalls = true, .s2 = true },
    { .name = "force-s2-no-s2s", .mode = "force", .config.ste0 = VS_STE0_S2,
      .event = VS_EVT_C_BAD_STE },
    { .name = "off-s2-s2s", .mode = "off",
      .config = { .ste0 = VS_STE0_S2, .ste2 = VS_STE2_S2S },
      .event = VS_EVT_C_BAD_STE },
    { .name = "off-s2-s1stalld", .mode = "off",
      .config = { .ste0 = VS_STE0_S2, .ste1 = VS_STE1_S1STALLD },
      .event = VS_EVT_C_BAD_STE },
};

static void test_legal(const void *opaque)
{
    const LegalTest *t = opaque;
    g_autofree char *args = g_strdup_printf(ST_DEVICE(1) ST_SMMU "%s", t->mode);
    QTestState *qts = st_start(args, &t->config, 1);
    /* Nothing is mapped there in either stage */
    uint64_t nowhere = 0x3000;
    uint32_t stall;

    st_go(qts, st_dev(1), 0, READ, 0, nowhere, 4);
    g_assert_cmpuint(st_events(qts), ==, 1);
    g_assert_cmphex(st_event(qts, 0, 0), ==, t->event);
    stall = st_event(qts, 0, 2);
    g_assert_cmpint(!!(stall & VS_EVT2_STALL), ==, t->stalls);
    if (t->event == VS_EVT_F_TRANSLATION) {
        g_assert_cmpint(!!(st_event(qts, 0, 3) & VS_EVT3_S2), ==, t->s2);
    }
    if (t->stalls) {
        st_busy(qts, st_dev(1), 0);
        st_resume(qts, VS_RESUME_ABORT, ST_SID(1), VS_EVT2_STAG(stall));
    }
    st_wait(qts, st_dev(1), 0, PASID_TESTDEV_STATUS_FAULT);
    g_assert_cmpuint(st_events(qts), ==, 1);
    qtest_quit(qts);
}

/* A device that does not wait is refused at once, whatever CD.S says */
static void test_no_wait(void)
{
    QTestState *qts = st_start(ON, &usual, 1);

    qtest_writel(qts, st_dev(1).bar + PASID_TESTDEV_REG_ADDR_LO, ST_IOVA);
    qtest_writel(qts, st_dev(1).bar + PASID_TESTDEV_REG_LENGTH, 4);
    qtest_writel(qts, st_dev(1).bar + PASID_TESTDEV_REG_COMMAND, READ);
    g_assert_cmpint(qtest_readl(qts, st_dev(1).bar + PASID_TESTDEV_REG_STATUS),
                    ==, PASID_TESTDEV_STATUS_FAULT);
    g_assert_cmpuint(st_events(qts), ==, 1);
    g_assert_cmphex(st_event(qts, 0, 0), ==, VS_EVT_F_TRANSLATION);
    g_assert_cmphex(st_event(qts, 0, 2), ==, 0);
    qtest_quit(qts);
}

/* A page that is there needs no answer */
static void test_mapped(void)
{
    QTestState *qts = st_start(ON, &usual, 1);

    for (int k = 0; k < ST_SPACES; k++) {
        st_map(qts, k, 1);
        st_go_page(qts, st_dev(1), k, READ, k, 1);
        g_assert_cmpint(st_status(qts, st_dev(1), k), ==,
                        PASID_TESTDEV_STATUS_OK);
        st_read(qts, st_dev(1), k, k, 1);
    }
    g_assert_cmpuint(st_events(qts), ==, 0);
    qtest_quit(qts);
}

/* Retry */

/* What a page is at first, which is a fault, and what is told of it */
typedef struct FaultTest {
    const char *name;
    uint64_t pte;
    uint32_t op;
    uint8_t event;
    bool nested;
} FaultTest;

static const FaultTest fault_tests[] = {
    { .name = "read", .op = READ, .event = VS_EVT_F_TRANSLATION },
    { .name = "write", .op = WRITE, .event = VS_EVT_F_TRANSLATION },
    { .name = "nested", .op = READ, .event = VS_EVT_F_TRANSLATION,
      .nested = true },
    { .name = "read-only", .pte = VS_PTE_PAGE_S1_RO, .op = WRITE,
      .event = VS_EVT_F_PERMISSION },
    { .name = "access-flag", .pte = VS_PTE_PAGE_S1 & ~VS_PTE_AF, .op = READ,
      .event = VS_EVT_F_ACCESS },
};

static void test_retry(const void *opaque)
{
    const FaultTest *t = opaque;
    StConfig config = {
        .ste0 = t->nested ? VS_STE0_NESTED : VS_STE0_S1,
    };
    QTestState *qts = st_start(ON, &config, 1);
    StDevice d = st_dev(1);

    for (int k = 0; k < ST_SPACES; k++) {
        uint16_t stag;

        if (t->pte) {
            qtest_writeq(qts, ST_LEAVES(k) + 8, ST_PAGE(k, 1) | t->pte);
        }
        qtest_writel(qts, d.bar + PASID_TESTDEV_CHANNEL(k) +
                     PASID_TESTDEV_CHANNEL_DATA, 0xda7a0000 + k);
        st_go_page(qts, d, k, t->op, k, 1);
        st_busy(qts, d, k);
        g_assert_cmpuint(st_events(qts), ==, k + 1);
        stag = st_stalled(qts, k, d.sid, k, IOVA(1), t->event, t->op);

        st_map(qts, k, 1);
        st_command(qts, VS_CMD_TLBI_NSNH_ALL, 0, 0);
        st_busy(qts, d, k);
        st_resume(qts, VS_RESUME_RETRY, d.sid, stag);
        if (t->op == READ) {
            st_read(qts, d, k, k, 1);
        } else {
            st_wait(qts, d, k, PASID_TESTDEV_STATUS_OK);
            g_assert_cmphex(qtest_readl(qts, ST_PAGE(k, 1)), ==,
                            0xda7a0000 + k);
        }
    }
    g_assert_cmpuint(st_events(qts), ==, ST_SPACES);
    qtest_quit(qts);
}

/* What is retried in vain stalls again, as another transaction */
static void test_retry_again(void)
{
    QTestState *qts = st_start(ON, &usual, 1);
    StDevice d = st_dev(1);
    uint16_t first, second;

    st_go_page(qts, d, 0, READ, 1, 1);
    first = st_stalled(qts, 0, d.sid, 1, IOVA(1), VS_EVT_F_TRANSLATION, READ);
    st_resume(qts, VS_RESUME_RETRY, d.sid, first);
    st_busy(qts, d, 0);
    g_assert_cmpuint(st_events(qts), ==, 2);
    second = st_stalled(qts, 1, d.sid, 1, IOVA(1), VS_EVT_F_TRANSLATION, READ);
    st_map(qts, 1, 1);
    if (second != first) {
        st_resume(qts, VS_RESUME_RETRY, d.sid, first);
        st_busy(qts, d, 0);
    }
    st_resume(qts, VS_RESUME_RETRY, d.sid, second);
    st_read(qts, d, 0, 1, 1);
    g_assert_cmpuint(st_events(qts), ==, 2);
    qtest_quit(qts);
}

/* The tables of stage 1 are themselves behind a stage 2 that stalls */
static void test_nested_cd(void)
{
    const StConfig config = { .ste0 = VS_STE0_NESTED, .ste2 = VS_STE2_S2S };
    QTestState *qts = st_start(ON, &config, 1);
    StDevice d = st_dev(1);
    uint32_t cd = ST_CD_TABLE + st_ssids[1] * VS_CD_SIZE;
    uint64_t s2 = qtest_readq(qts, ST_S2_TABLE + 8);

    qtest_writeq(qts, ST_S2_TABLE + 8, 0);
    st_map(qts, 1, 1);
    st_go_page(qts, d, 0, READ, 1, 1);
    st_busy(qts, d, 0);
    g_assert_cmpuint(st_events(qts), ==, 1);
    g_assert_cmphex(st_event(qts, 0, 0) & 0xff, ==, VS_EVT_F_TRANSLATION);
    /* The class, in bits 9:8, is 0: a CD was fetched */
    g_assert_cmphex(st_event(qts, 0, 3), ==, VS_EVT3_S2 | VS_EVT3_RNW);
    g_assert_cmphex(st_event(qts, 0, 6), ==, cd);
    qtest_writeq(qts, ST_S2_TABLE + 8, s2);
    st_resume(qts, VS_RESUME_RETRY, d.sid, VS_EVT2_STAG(st_event(qts, 0, 2)));
    st_read(qts, d, 0, 1, 1);
    g_assert_cmpuint(st_events(qts), ==, 1);
    qtest_quit(qts);
}

/* A transfer that crosses a page waits for each of the two */
static void test_two_pages(void)
{
    QTestState *qts = st_start(ON, &usual, 1);
    StDevice d = st_dev(1);
    uint16_t stag;

    st_go(qts, d, 0, READ, 2, IOVA(2) - 4, 8);
    stag = st_stalled(qts, 0, d.sid, 2, IOVA(2) - 4, VS_EVT_F_TRANSLATION,
                      READ);
    st_map(qts, 2, 1);
    qtest_writel(qts, ST_PAGE(2, 1) + ST_PAGE_SIZE - 4, 0x0dd);
    st_resume(qts, VS_RESUME_RETRY, d.sid, stag);
    st_busy(qts, d, 0);
    g_assert_cmpuint(st_events(qts), ==, 2);
    stag = st_stalled(qts, 1, d.sid, 2, IOVA(2), VS_EVT_F_TRANSLATION, READ);
    st_map(qts, 2, 2);
    st_resume(qts, VS_RESUME_RETRY, d.sid, stag);
    st_wait(qts, d, 0, PASID_TESTDEV_STATUS_OK);
    g_assert_cmphex(st_channel(qts, d, 0, PASID_TESTDEV_CHANNEL_DATA), ==,
                    0x0dd);
    g_assert_cmphex(st_channel(qts, d, 0, PASID_TESTDEV_CHANNEL_DATA + 4), ==,
                    ST_MARK(2, 2));
    qtest_quit(qts);
}

/* Many wait at a time, and are answered in any order */
static void test_many(void)
{
    QTestState *qts = st_start(ON, &usual, 1);
    StDevice d = st_dev(1);
    uint16_t stag[PASID_TESTDEV_CHANNELS];

    for (int i = 0; i < PASID_TESTDEV_CHANNELS; i++) {
        st_go_page(qts, d, i, READ, 1 + i % 2, i);
        stag[i] = st_stalled(qts, i, d.sid, 1 + i % 2, IOVA(i),
                             VS_EVT_F_TRANSLATION, READ);
        for (int j = 0; j < i; j++) {
            g_assert_cmphex(stag[j], !=, stag[i]);
        }
    }
    for (int i = PASID_TESTDEV_CHANNELS - 1; i >= 0; i--) {
        st_busy(qts, d, i);
        if (i == 3) {
            st_resume(qts, VS_RESUME_ABORT, d.sid, stag[i]);
            st_wait(qts, d, i, PASID_TESTDEV_STATUS_FAULT);
            continue;
        }
        st_map(qts, 1 + i % 2, i);
        st_resume(qts, VS_RESUME_RETRY, d.sid, stag[i]);
        st_read(qts, d, i, 1 + i % 2, i);
    }
    g_assert_cmpuint(st_events(qts), ==, PASID_TESTDEV_CHANNELS);
    qtest_quit(qts);
}

/* Ends, and answers that are none */

/* Of two devices with two transactions each, the command is about the first */
typedef struct AnswerTest {
    const char *name;
    uint32_t word0;
    uint32_t sid;
    bool wrong_stag;
    bool other_stag;        /* that of the other device */
    uint8_t error;
    uint8_t ended;          /* channels of the first device, as bits */
} AnswerTest;

static const AnswerTest answer_tests[] = {
    { .name = "abort", .word0 = VS_CMD_RESUME | VS_RESUME_ABORT,
      .sid = ST_SID(1), .ended = 1 },
    /* IDR0.TERM_MODEL is 1 (6.3.1) */
    { .name = "terminate", .word0 = VS_CMD_RESUME, .sid = ST_SID(1),
      .ended = 1 },
    { .name = "stall-term", .word0 = VS_CMD_STALL_TERM, .sid = ST_SID(1),
      .ended = 3 },
    { .name = "stall-term-other", .word0 = VS_CMD_STALL_TERM,
      .sid = ST_SID(3) },
    { .name = "stall-term-secure", .word0 = VS_CMD_STALL_TERM | VS_CMD_SSEC,
      .sid = ST_SID(1), .error = VS_CERROR_ILL },
    { .name = "wrong-stag", .word0 = VS_CMD_RESUME | VS_RESUME_ABORT,
      .sid = ST_SID(1), .wrong_stag = true },
    { .name = "wrong-sid", .word0 = VS_CMD_RESUME | VS_RESUME_ABORT,
      .sid = ST_SID(2) },
    { .name = "no-such-sid", .word0 = VS_CMD_RESUME | VS_RESUME_ABORT,
      .sid = 0xffffffff },
    { .name = "stag-of-other", .word0 = VS_CMD_RESUME | VS_RESUME_ABORT,
      .sid = ST_SID(1), .other_stag = true },
    { .name = "secure", .word0 = VS_CMD_RESUME | VS_CMD_SSEC,
      .sid = ST_SID(1), .error = VS_CERROR_ILL },
};

static void test_answer(const void *opaque)
{
    const AnswerTest *t = opaque;
    QTestState *qts = st_start(TWO_DEVICES, &usual, 2);
    uint16_t stag[2][2], given;
    uint32_t prod;

    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            st_go_page(qts, st_dev(1 + i), j, READ, 1, j);
            stag[i][j] = st_stalled(qts, i * 2 + j, ST_SID(1 + i), 1, IOVA(j),
                                    VS_EVT_F_TRANSLATION, READ);
        }
    }
    st_map(qts, 1, 0);
    st_map(qts, 1, 1);
    given = t->other_stag ? stag[1][0] : stag[0][0];
    if (t->wrong_stag) {
        given += 0x1000;
    }
    prod = smmu_readl(qts, VS_CMDQ_PROD);
    qtest_writeq(qts, ST_CMDQ + prod * VS_CMD_SIZE,
                 t->word0 | (uint64_t)t->sid << 32);
    qtest_writeq(qts, ST_CMDQ + prod * VS_CMD_SIZE + 8, given);
    smmu_writel(qts, VS_CMDQ_PROD, prod + 1);
    g_assert_cmpint(VS_CONS_ERR(smmu_readl(qts, VS_CMDQ_CONS)), ==, t->error);

    for (int j = 0; j < 2; j++) {
        if (t->ended & BIT(j)) {
            st_wait(qts, st_dev(1), j, PASID_TESTDEV_STATUS_FAULT);
        } else {
            st_busy(qts, st_dev(1), j);
        }
        st_busy(qts, st_dev(2), j);
    }
    g_assert_cmpuint(st_events(qts), ==, 4);
    if (t->error) {
        qtest_quit(qts);
        return;
    }

    /* Those that go on waiting can still be answered; the others never again */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            bool ended = !i && (t->ended & BIT(j));

            st_resume(qts, VS_RESUME_RETRY, ST_SID(1 + i), stag[i][j]);
            if (ended) {
                g_assert_cmpint(st_status(qts, st_dev(1 + i), j), ==,
                                PASID_TESTDEV_STATUS_FAULT);
            } else {
                st_read(qts, st_dev(1 + i), j, 1, j);
            }
        }
    }
    g_assert_cmpuint(st_events(qts), ==, 4);
    qtest_quit(qts);
}

/* The second answer does not meet what the channel does next */
static void test_twice(void)
{
    QTestState *qts = st_start(ON, &usual, 1);
    StDevice d = st_dev(1);
    uint16_t first, second;

    st_go_page(qts, d, 0, READ, 1, 1);
    first = st_stalled(qts, 0, d.sid, 1, IOVA(1), VS_EVT_F_TRANSLATION, READ);
    st_map(qts, 1, 1);
    st_resume(qts, VS_RESUME_RETRY, d.sid, first);
    st_read(qts, d, 0, 1, 1);
    st_go_page(qts, d, 0, READ, 1, 2);
    second = st_stalled(qts, 1, d.sid, 1, IOVA(2), VS_EVT_F_TRANSLATION, READ);
    st_resume(qts, VS_RESUME_ABORT, d.sid, first);
    st_busy(qts, d, 0);
    st_map(qts, 1, 2);
    st_resume(qts, VS_RESUME_RETRY, d.sid, second);
    st_resume(qts, VS_RESUME_ABORT, d.sid, second);
    st_read(qts, d, 0, 1, 2);
    qtest_quit(qts);
}

/* With the property off the commands do what they always did: nothing */
static void test_off(void)
{
    StConfig config = { .cd0_off = VS_CD0_S };
    QTestState *qts = st_start(ST_DEVICE(1) ST_SMMU "off", &config, 1);

    for (int op = VS_CMD_RESUME; op <= VS_CMD_STALL_TERM; op++) {
        st_command(qts, op, ST_SID(1), 1);
        st_command(qts, op | VS_CMD_SSEC, ST_SID(1), 1);
    }
    st_go_page(qts, st_dev(1), 0, READ, 1, 1);
    g_assert_cmpint(st_status(qts, st_dev(1), 0), ==,
                    PASID_TESTDEV_STATUS_FAULT);
    st_map(qts, 1, 1);
    st_go_page(qts, st_dev(1), 0, READ, 1, 1);
    st_read(qts, st_dev(1), 0, 1, 1);
    g_assert_cmpuint(st_events(qts), ==, 1);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(idr_tests); i++) {
        g_autofree char *path = g_strdup_printf("smmuv3-stall/idr/%s",
                                                idr_tests[i].name);

        qtest_add_data_func(path, &idr_tests[i], test_idr);
    }
    for (int i = 0; i < ARRAY_SIZE(legal_tests); i++) {
        g_autofree char *path = g_strdup_printf("smmuv3-stall/legal/%s",
                                                legal_tests[i].name);

        qtest_add_data_func(path, &legal_tests[i], test_legal);
    }
    qtest_add_func("smmuv3-stall/no-wait", test_no_wait);
    qtest_add_func("smmuv3-stall/mapped", test_mapped);
    for (int i = 0; i < ARRAY_SIZE(fault_tests); i++) {
        g_autofree char *path = g_strdup_printf("smmuv3-stall/retry/%s",
                                                fault_tests[i].name);

        qtest_add_data_func(path, &fault_tests[i], test_retry);
    }
    qtest_add_func("smmuv3-stall/retry/again", test_retry_again);
    qtest_add_func("smmuv3-stall/retry/nested-cd", test_nested_cd);
    qtest_add_func("smmuv3-stall/retry/two-pages", test_two_pages);
    qtest_add_func("smmuv3-stall/many", test_many);
    for (int i = 0; i < ARRAY_SIZE(answer_tests); i++) {
        g_autofree char *path = g_strdup_printf("smmuv3-stall/answer/%s",
                                                answer_tests[i].name);

        qtest_add_data_func(path, &answer_tests[i], test_answer);
    }
    qtest_add_func("smmuv3-stall/answer/twice", test_twice);
    qtest_add_func("smmuv3-stall/off", test_off);
    return g_test_run();
}
