/*
 * QTest of the model of VFIO and iommufd: page faults
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The test calls the model itself, and compares its answers with those of the
 * kernel.
 */

#include "qemu/osdep.h"

#include <poll.h>

#include "vfio-fake-uapi.h"

#define STE0_V      1ull
#define STE0_S1     (5ull << 1)
#define STE1_S1STALLD   (1ull << 27)
#define IDR0_COHACC     (1u << 4)

static ssize_t respond(Uapi *u, int fd, uint32_t cookie, uint32_t code)
{
    struct iommu_hwpt_page_response response = {
        .cookie = cookie,
        .code = code,
    };

    return u->write(fd, &response, sizeof(response));
}

static const VfPageFault *fault(Uapi *u, uint32_t n)
{
    return &u->c->shared->page_fault[n];
}

static bool readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

static void assert_answered(Uapi *u, uint32_t n, uint32_t code, bool by_kernel)
{
    g_assert_cmpint(fault(u, n)->state, ==, VF_FAULT_ANSWERED);
    g_assert_cmpint(fault(u, n)->code, ==, code);
    g_assert_cmpint(fault(u, n)->by_kernel, ==, by_kernel);
}

static void check_fault_objects(Uapi *u)
{
    const uint64_t s1[2] = { STE0_V | STE0_S1 };
    uint32_t id = 0, hwpt, plain;
    int fd = -1;

    g_assert_cmpint(fault_alloc(u, 1, &id, &fd), ==, EOPNOTSUPP);
    g_assert_cmpint(fault_alloc(u, 0, &id, &fd), ==, 0);
    g_assert_false(readable(fd));
    g_assert_cmpint(hwpt_alloc_fault(u, u->ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
                                     id, &hwpt), ==, EOPNOTSUPP);
    g_assert_cmpint(hwpt_alloc_fault(u, u->viommu, 0, 4711, &hwpt), ==, ENOENT);
    g_assert_cmpint(hwpt_alloc_fault(u, u->viommu, 0, u->viommu, &hwpt), ==,
                    ENOENT);
    g_assert_cmpint(hwpt_alloc_fault(u, u->viommu, IOMMU_HWPT_ALLOC_PASID, id,
                                     &hwpt), ==, EOPNOTSUPP);
    g_assert_cmpint(hwpt_alloc_fault(u, u->viommu, 0, id, &hwpt), ==, 0);
    g_assert_cmpint(hwpt_alloc(u, u->dev_id, u->viommu, 0, s1, &plain), ==, 0);
    g_assert_cmpint(vdevice_alloc(u, u->dev_id, 0x100, NULL), ==, 0);
    /* Only a kernel with SVA attaches a device to it */
    u->c->shared->no_sva = 1;
    g_assert_cmpint(attach(u, 0, hwpt), ==, EOPNOTSUPP);
    g_assert_cmpint(attach(u, 0, plain), ==, 0);
    u->c->shared->no_sva = 0;
    g_assert_cmpint(attach(u, 0, hwpt), ==, 0);
    g_assert_cmpint(attach(u, 0, plain), ==, 0);
    /* One that stalls has to have one stream */
    u->c->shared->device[0].streams = 2;
    g_assert_cmpint(attach(u, 0, hwpt), ==, 0);
    g_assert_cmpint(attach(u, 0, plain), ==, 0);
    u->c->shared->device[0].stalls = 1;
    g_assert_cmpint(attach(u, 0, hwpt), ==, EOPNOTSUPP);
    u->c->shared->device[0].streams = 1;
    g_assert_cmpint(attach(u, 0, hwpt), ==, 0);

    /* Both the HWPT and the file hold it */
    g_assert_cmpint(destroy(u, id), ==, EBUSY);
    g_assert_cmpint(attach(u, 0, plain), ==, 0);
    g_assert_cmpint(destroy(u, hwpt), ==, 0);
    g_assert_cmpint(destroy(u, id), ==, EBUSY);
    g_assert_cmpint(hwpt_alloc_fault(u, u->viommu, 0, id, &hwpt), ==, 0);
    g_assert_cmpint(u->close(fd), ==, 0);
    g_assert_cmpint(destroy(u, id), ==, EBUSY);
    g_assert_cmpint(destroy(u, hwpt), ==, 0);
    g_assert_cmpint(destroy(u, id), ==, 0);
}

static void check_faults(Uapi *u)
{
    const uint32_t read = IOMMU_PGFAULT_PERM_READ;
    const size_t one = sizeof(struct iommu_hwpt_pgfault);
    struct iommu_hwpt_page_response two[2] = { };
    struct iommu_hwpt_pgfault got[4];
    uint32_t id = 0, hwpt, n[6];
    int fd;

    g_assert_cmpint(fault_alloc(u, 0, &id, &fd), ==, 0);
    g_assert_cmpint(hwpt_alloc_fault(u, u->viommu, 0, id, &hwpt), ==, 0);
    g_assert_cmpint(vdevice_alloc(u, u->dev_id, 0x100, NULL), ==, 0);
    /* Nobody to ask: it is not attached */
    u->c->shared->device[0].stalls = 1;
    assert_answered(u, vf_client_page_fault(u->c, 0, 5, 0x1000, read),
                    IOMMUFD_PAGE_RESP_INVALID, true);
    g_assert_cmpint(attach(u, 0, hwpt), ==, 0);

    g_assert_cmpint(u->read(fd, got, one), ==, 0);
    n[0] = vf_client_page_fault(u->c, 0, 5, 0x12345678000,
                                IOMMU_PGFAULT_PERM_WRITE);
    n[1] = vf_client_page_fault(u->c, 0, VF_NO_PASID, 0x2000, read);
    n[2] = vf_client_page_fault(u->c, 0, 7, 0x3000, read);
    g_assert_true(readable(fd));
    g_assert_cmpint(u->read(fd, got, one - 1), ==, -1);
    g_assert_cmpint(errno, ==, ESPIPE);
    g_assert_cmpint(u->read(fd, got, 0), ==, -1);
    g_assert_cmpint(errno, ==, EINVAL);
    g_assert_cmpint(u->read(fd, got, 2 * one), ==, 2 * one);
    g_assert_cmphex(got[0].addr, ==, 0x12345678000);
    g_assert_cmpuint(got[0].dev_id, ==, u->dev_id);
    g_assert_cmphex(got[0].flags, ==, IOMMU_PGFAULT_FLAGS_PASID_VALID |
                    IOMMU_PGFAULT_FLAGS_LAST_PAGE);
    g_assert_cmpuint(got[0].pasid, ==, 5);
    g_assert_cmphex(got[0].perm, ==, IOMMU_PGFAULT_PERM_WRITE);
    g_assert_cmpuint(got[0].cookie, ==, 1);
    g_assert_cmphex(got[1].flags, ==, IOMMU_PGFAULT_FLAGS_LAST_PAGE);
    g_assert_cmpuint(got[1].cookie, ==, 2);
    g_assert_true(readable(fd));

    /* Each is answered once, and nothing else is accepted */
    g_assert_cmpint(respond(u, fd, 1, 2), ==, -1);
    g_assert_cmpint(errno, ==, EINVAL);
    g_assert_cmpint(respond(u, fd, 3, IOMMUFD_PAGE_RESP_SUCCESS), ==, -1);
    g_assert_cmpint(respond(u, fd, 0, IOMMUFD_PAGE_RESP_SUCCESS), ==, -1);
    g_assert_cmpint(respond(u, fd, 2, IOMMUFD_PAGE_RESP_SUCCESS), ==,
                    sizeof(two[0]));
    g_assert_cmpint(respond(u, fd, 2, IOMMUFD_PAGE_RESP_SUCCESS), ==, -1);
    g_assert_cmpint(errno, ==, EINVAL);
    assert_answered(u, n[1], IOMMUFD_PAGE_RESP_SUCCESS, false);
    g_assert_cmpint(u->write(fd, two, sizeof(two[0]) - 1), ==, -1);
    g_assert_cmpint(errno, ==, ESPIPE);

    /* The lowest free cookie is the next one; a write stops at a bad answer */
    g_assert_cmpint(u->read(fd, got, sizeof(got)), ==, one);
    g_assert_cmpuint(got[0].cookie, ==, 2);
    g_assert_false(readable(fd));
    two[0] = (struct iommu_hwpt_page_response) {
        .cookie = 1,
        .code = IOMMUFD_PAGE_RESP_INVALID,
    };
    two[1] = (struct iommu_hwpt_page_response) { .cookie = 9 };
    g_assert_cmpint(u->write(fd, two, sizeof(two)), ==, sizeof(two[0]));
    assert_answered(u, n[0], IOMMUFD_PAGE_RESP_INVALID, false);

    n[3] = vf_client_page_fault(u->c, 0, 7, 0x4000, read);
    n[4] = vf_client_page_fault(u->c, 0, 7, 0x5000, read);
    g_assert_cmpint(u->read(fd, got, sizeof(got)), ==, 2 * one);
    g_assert_cmpuint(got[0].cookie, ==, 1);
    g_assert_cmpuint(got[1].cookie, ==, 3);

    /* The kernel answers the requests that wait when the device leaves */
    n[5] = vf_client_page_fault(u->c, 0, 7, 0x6000, read);
    g_assert_cmpint(fault(u, n[2])->state, ==, VF_FAULT_READ);
    g_assert_cmpint(fault(u, n[5])->state, ==, VF_FAULT_WAITS);
    g_assert_cmpint(attach(u, 0, u->paging), ==, 0);
    for (int i = 2; i < ARRAY_SIZE(n); i++) {
        assert_answered(u, n[i], IOMMUFD_PAGE_RESP_INVALID, true);
    }
    g_assert_cmpint(respond(u, fd, 2, IOMMUFD_PAGE_RESP_SUCCESS), ==, -1);
    g_assert_cmpint(u->read(fd, got, one), ==, 0);
    g_assert_false(readable(fd));
}

/**
 * struct AnswerTest - who answers for a transaction that faults
 *
 * @model: SMMU_IDR0.STALL_MODEL
 * @stalls, @no_sva, @kernel: see VfDevice, VfShared
 * @stalld: STE.S1STALLD
 * @queue: the HWPT has a fault queue
 * @state: that the fault is in
 */
typedef struct AnswerTest {
    unsigned int model;
    bool stalls;
    bool no_sva;
    unsigned int kernel;
    bool stalld;
    bool queue;
    VfFaultState state;
} AnswerTest;

static const AnswerTest answer_tests[] = {
    { .model = VF_STALL_NONE, .stalls = true, .queue = true,
      .state = VF_FAULT_ANSWERED },
    { .model = VF_STALL_BOTH, .stalls = true, .queue = true,
      .state = VF_FAULT_WAITS },
    { .model = VF_STALL_BOTH, .stalls = true, .state = VF_FAULT_ANSWERED },
    { .model = VF_STALL_BOTH, .stalls = true, .stalld = true, .queue = true,
      .state = VF_FAULT_ANSWERED },
    { .model = VF_STALL_BOTH, .stalls = true, .queue = true,
      .kernel = VF_LINUX_6_15, .state = VF_FAULT_ANSWERED },
    /* The driver attaches it, and answers for nothing */
    { .model = VF_STALL_BOTH, .queue = true, .state = VF_FAULT_HANGS },
    { .model = VF_STALL_BOTH, .state = VF_FAULT_HANGS },
    { .model = VF_STALL_BOTH, .stalld = true, .state = VF_FAULT_ANSWERED },
    { .model = VF_STALL_BOTH, .stalls = true, .no_sva = true,
      .state = VF_FAULT_HANGS },
    { .model = VF_STALL_FORCED, .queue = true, .state = VF_FAULT_WAITS },
    { .model = VF_STALL_FORCED, .stalld = true, .queue = true,
      .state = VF_FAULT_WAITS },
    { .model = VF_STALL_FORCED, .state = VF_FAULT_ANSWERED },
    { .model = VF_STALL_FORCED, .no_sva = true, .state = VF_FAULT_HANGS },
};

static void check_who_answers(Uapi *u)
{
    VfShared *s = u->c->shared;
    VfDevice *d = &s->device[0];
    const uint32_t idr0 = d->idr[0], idr5 = d->idr[5];
    uint64_t ste[2] = { STE0_V | STE0_S1 };
    uint32_t queue = 0, hwpt, n;
    int fd;

    g_assert_cmpint(fault_alloc(u, 0, &queue, &fd), ==, 0);
    g_assert_cmpint(vdevice_alloc(u, u->dev_id, 0x100, NULL), ==, 0);
    for (int i = 0; i < ARRAY_SIZE(answer_tests); i++) {
        const AnswerTest *t = &answer_tests[i];

        d->idr[0] = (idr0 & ~(3u << 24)) | t->model << 24;
        d->stalls = t->stalls;
        s->no_sva = t->no_sva;
        s->kernel = t->kernel;
        ste[1] = t->stalld ? STE1_S1STALLD : 0;
        g_assert_cmpint(hwpt_alloc_ste(u, u->viommu, 0, t->queue ? queue : 0,
                                       ste, &hwpt), ==, 0);
        g_assert_cmpint(attach(u, 0, hwpt), ==, 0);
        n = vf_client_page_fault(u->c, 0, 5, 0x1000, IOMMU_PGFAULT_PERM_READ);
        g_assert_cmpint(fault(u, n)->state, ==, t->state);
        if (t->state == VF_FAULT_ANSWERED) {
            assert_answered(u, n, IOMMUFD_PAGE_RESP_INVALID, true);
        }
        /* Whoever waits for the kernel's answer has it when the device goes */
        g_assert_cmpint(attach(u, 0, u->paging), ==, 0);
        g_assert_cmpint(fault(u, n)->state, ==, t->state == VF_FAULT_HANGS ?
                        VF_FAULT_HANGS : VF_FAULT_ANSWERED);
        s->page_fault[n].state = VF_FAULT_ANSWERED;
        g_assert_cmpint(destroy(u, hwpt), ==, 0);
    }
    /* Without SVA of the SMMU it has no source of faults: Linux crashes */
    s->no_sva = 0;
    ste[1] = 0;
    g_assert_cmpint(hwpt_alloc_ste(u, u->viommu, 0, queue, ste, &hwpt), ==,
                    0);
    d->idr[5] = (idr5 & ~7u) | 4;
    g_assert_cmpint(attach(u, 0, hwpt), ==, EFAULT);
    d->idr[5] = idr5;
    d->idr[0] &= ~IDR0_COHACC;
    g_assert_cmpint(attach(u, 0, hwpt), ==, EFAULT);
    g_assert_cmpuint(s->oops, ==, 2);
    s->oops = 0;
    d->idr[0] = idr0;
    d->stalls = 0;
    g_assert_cmpint(attach(u, 0, hwpt), ==, 0);
}

static const UapiTest uapi_tests[] = {
    { .name = "objects", .run = check_fault_objects },
    { .name = "answers", .run = check_faults },
    { .name = "who-answers", .run = check_who_answers },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(uapi_tests); i++) {
        g_autofree gchar *path = g_strdup_printf("vfio-fake/fault/%s",
                                                 uapi_tests[i].name);

        qtest_add_data_func(path, &uapi_tests[i], test_uapi);
    }
    return g_test_run();
}
