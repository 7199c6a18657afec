/*
 * Calls to the model of VFIO and iommufd by a test itself
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_QTEST_VFIO_FAKE_UAPI_H
#define TESTS_QTEST_VFIO_FAKE_UAPI_H

#include <dlfcn.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "vfio-guest/guest.h"

/* Objects of one test */
typedef struct Uapi {
    VfClient *c;
    int (*call)(int fd, unsigned long nr, ...);
    ssize_t (*read)(int fd, void *buf, size_t size);
    ssize_t (*write)(int fd, const void *buf, size_t size);
    int (*close)(int fd);
    uint32_t dev_id;
    uint32_t other_dev_id;      /* behind another host SMMU */
    uint32_t ioas;
    uint32_t parent;            /* HWPT, nesting parent */
    uint32_t paging;            /* HWPT, not a nesting parent */
    uint32_t viommu;
} Uapi;

static inline int iommufd(Uapi *u, unsigned long nr, void *arg)
{
    return u->call(u->c->iommufd, nr, arg) ? errno : 0;
}

static inline int device(Uapi *u, unsigned int dev, unsigned long nr, void *arg)
{
    return u->call(u->c->device_fd[dev], nr, arg) ? errno : 0;
}

static inline int hwpt_alloc(Uapi *u, uint32_t dev_id, uint32_t pt_id,
                             uint32_t flags, const uint64_t *ste,
                             uint32_t *out)
{
    struct iommu_hwpt_alloc cmd = {
        .size = sizeof(cmd),
        .flags = flags,
        .dev_id = dev_id,
        .pt_id = pt_id,
        .data_type = ste ? IOMMU_HWPT_DATA_ARM_SMMUV3
                         : IOMMU_HWPT_DATA_NONE,
        .data_len = ste ? sizeof(struct iommu_hwpt_arm_smmuv3) : 0,
        .data_uptr = (uintptr_t)ste,
    };
    int err = iommufd(u, IOMMU_HWPT_ALLOC, &cmd);

    if (!err && out) {
        *out = cmd.out_hwpt_id;
    }
    return err;
}

static inline int fault_alloc(Uapi *u, uint32_t flags, uint32_t *id, int *fd)
{
    struct iommu_fault_alloc cmd = { .size = sizeof(cmd), .flags = flags };
    int err = iommufd(u, IOMMU_FAULT_QUEUE_ALLOC, &cmd);

    if (!err) {
        *id = cmd.out_fault_id;
        *fd = cmd.out_fault_fd;
    }
    return err;
}

/* With a fault queue, or 0; a nested HWPT takes an STE */
static inline int hwpt_alloc_ste(Uapi *u, uint32_t pt_id, uint32_t flags,
                                 uint32_t fault, const uint64_t ste[2],
                                 uint32_t *out)
{
    bool nested = pt_id == u->viommu;
    struct iommu_hwpt_alloc cmd = {
        .size = sizeof(cmd),
        .flags = flags | (fault ? IOMMU_HWPT_FAULT_ID_VALID : 0),
        .dev_id = u->dev_id,
        .pt_id = pt_id,
        .data_type = nested ? IOMMU_HWPT_DATA_ARM_SMMUV3
                            : IOMMU_HWPT_DATA_NONE,
        .data_len = nested ? 2 * sizeof(ste[0]) : 0,
        .data_uptr = nested ? (uintptr_t)ste : 0,
        .fault_id = fault,
    };
    int err = iommufd(u, IOMMU_HWPT_ALLOC, &cmd);

    *out = cmd.out_hwpt_id;
    return err;
}

/* For a nested HWPT, with an STE that translates stage 1 */
static inline int hwpt_alloc_fault(Uapi *u, uint32_t pt_id, uint32_t flags,
                                   uint32_t fault, uint32_t *out)
{
    static const uint64_t s1[2] = { 1 | 5 << 1 };

    return hwpt_alloc_ste(u, pt_id, flags, fault, s1, out);
}

static inline int viommu_alloc(Uapi *u, uint32_t dev_id, uint32_t hwpt,
                               uint32_t type, uint32_t *out)
{
    struct iommu_viommu_alloc cmd = {
        .size = sizeof(cmd),
        .type = type,
        .dev_id = dev_id,
        .hwpt_id = hwpt,
    };
    int err = iommufd(u, IOMMU_VIOMMU_ALLOC, &cmd);

    if (!err && out) {
        *out = cmd.out_viommu_id;
    }
    return err;
}

static inline int vdevice_alloc(Uapi *u, uint32_t dev_id, uint64_t virt_id,
                                uint32_t *out)
{
    struct iommu_vdevice_alloc cmd = {
        .size = sizeof(cmd),
        .viommu_id = u->viommu,
        .dev_id = dev_id,
        .virt_id = virt_id,
    };
    int err = iommufd(u, IOMMU_VDEVICE_ALLOC, &cmd);

    if (!err && out) {
        *out = cmd.out_vdevice_id;
    }
    return err;
}

static inline int destroy(Uapi *u, uint32_t id)
{
    struct iommu_destroy cmd = { .size = sizeof(cmd), .id = id };

    return iommufd(u, IOMMU_DESTROY, &cmd);
}

static inline int attach(Uapi *u, unsigned int dev, uint32_t pt_id)
{
    struct vfio_device_attach_iommufd_pt cmd = {
        .argsz = sizeof(cmd),
        .pt_id = pt_id,
    };

    return device(u, dev, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);
}

static inline uint32_t bind_device(Uapi *u, unsigned int dev)
{
    struct vfio_device_bind_iommufd cmd = {
        .argsz = sizeof(cmd),
        .iommufd = u->c->iommufd,
    };

    g_assert_cmpint(device(u, dev, VFIO_DEVICE_BIND_IOMMUFD, &cmd), ==, 0);
    return cmd.out_devid;
}

/*
 * One process has one copy of the fake, and a copy one state: each of these
 * tests runs in a process of its own.
 */
static inline void uapi_start(Uapi *u)
{
    g_autofree gchar *module = g_test_build_filename(G_TEST_BUILT, "vfio-fake",
                                                     "libvfio-fake.so", NULL);
    struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
    g_autofree gchar *shm = NULL;
    void *handle;

    u->c = vf_client_new();
    vf_client_add_device(u->c);
    vf_client_add_device(u->c)->smmu = 1;
    vf_client_add_device(u->c)->group = u->c->shared->device[0].group;
    shm = g_strdup_printf("%d", u->c->shm_fd);
    g_setenv(VF_ENV_SHM, shm, true);
    handle = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    g_unsetenv(VF_ENV_SHM);
    g_assert_nonnull(handle);
    u->call = dlsym(handle, "ioctl");
    g_assert_nonnull(u->call);
    u->read = dlsym(handle, "read");
    u->write = dlsym(handle, "write");
    u->close = dlsym(handle, "close");

    u->dev_id = bind_device(u, 0);
    u->other_dev_id = bind_device(u, 1);
    g_assert_cmpint(iommufd(u, IOMMU_IOAS_ALLOC, &ioas), ==, 0);
    u->ioas = ioas.out_ioas_id;
    g_assert_cmpint(hwpt_alloc(u, u->dev_id, u->ioas,
                               IOMMU_HWPT_ALLOC_NEST_PARENT, NULL,
                               &u->parent), ==, 0);
    g_assert_cmpint(hwpt_alloc(u, u->dev_id, u->ioas, 0, NULL, &u->paging),
                    ==, 0);
    g_assert_cmpint(viommu_alloc(u, u->dev_id, u->parent,
                                 IOMMU_VIOMMU_TYPE_ARM_SMMUV3, &u->viommu),
                    ==, 0);
}

typedef struct UapiTest {
    const char *name;
    void (*run)(Uapi *u);
} UapiTest;

static inline void test_uapi(const void *opaque)
{
    const UapiTest *test = opaque;
    Uapi u = { 0 };

    if (!g_test_subprocess()) {
        g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
        g_test_trap_assert_passed();
        return;
    }
    uapi_start(&u);
    test->run(&u);
    vf_client_free(u.c);
}

#endif /* TESTS_QTEST_VFIO_FAKE_UAPI_H */
