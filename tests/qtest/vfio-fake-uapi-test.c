/*
 * QTest of the model of VFIO and iommufd
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The test calls the model itself, and compares its errors with those of the
 * kernel.
 */

#include "qemu/osdep.h"

#include "vfio-fake-uapi.h"

#define STE0_V      1ull
#define STE0_BYPASS (4ull << 1)
#define STE0_S1     (5ull << 1)
#define STE1_SHCFG  (1ull << 44)

#define CMD_NH_ALL      0x10
#define CMD_NSNH_ALL    0x30
#define CMD_CFGI_CD_ALL 0x06
#define CMD_CFGI_STE    0x03
#define CMD_ATC_INV     0x40
#define ATC_SIZE_ALL    52

static void check_sizes(Uapi *u)
{
    struct {
        struct iommu_ioas_alloc cmd;
        uint32_t more;
    } large = { .cmd.size = sizeof(large) };
    struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) - 1 };

    g_assert_cmpint(iommufd(u, IOMMU_IOAS_ALLOC, &cmd), ==, EINVAL);
    g_assert_cmpint(iommufd(u, IOMMU_IOAS_ALLOC, &large), ==, 0);
    large.more = 1;
    g_assert_cmpint(iommufd(u, IOMMU_IOAS_ALLOC, &large), ==, E2BIG);
    cmd.size = sizeof(cmd);
    cmd.flags = 1;
    g_assert_cmpint(iommufd(u, IOMMU_IOAS_ALLOC, &cmd), ==, EOPNOTSUPP);
    g_assert_cmpint(iommufd(u, _IO(IOMMUFD_TYPE, 0xfe), &cmd), ==, ENOTTY);
}

static void check_objects(Uapi *u)
{
    uint32_t id;

    g_assert_cmpint(destroy(u, 4711), ==, ENOENT);
    g_assert_cmpint(destroy(u, u->dev_id), ==, EBUSY);
    g_assert_cmpint(destroy(u, u->ioas), ==, EBUSY);
    g_assert_cmpint(destroy(u, u->parent), ==, EBUSY);
    g_assert_cmpint(attach(u, 0, u->paging), ==, 0);
    g_assert_cmpint(destroy(u, u->paging), ==, EBUSY);
    g_assert_cmpint(attach(u, 0, 4711), ==, ENOENT);
    g_assert_cmpint(attach(u, 0, u->viommu), ==, EINVAL);
    g_assert_cmpint(attach(u, 1, u->paging), ==, EINVAL);
    /* Attaching to an IOAS makes a page table by itself */
    g_assert_cmpint(attach(u, 0, u->ioas), ==, 0);
    g_assert_cmpint(destroy(u, u->paging), ==, 0);
    g_assert_cmpint(vf_client_objects(u->c, VF_OBJ_HWPT_PAGING), ==, 2);
    g_assert_cmpint(attach(u, 0, u->parent), ==, 0);
    g_assert_cmpint(vf_client_objects(u->c, VF_OBJ_HWPT_PAGING), ==, 1);
    /* The lowest free identifier is the next one */
    g_assert_cmpint(hwpt_alloc(u, u->dev_id, u->ioas, 0, NULL, &id), ==, 0);
    g_assert_cmpuint(id, ==, u->paging);
}

/* The third device is in the IOMMU group of the first */
static void check_group(Uapi *u)
{
    const uint64_t s1[2] = { STE0_V | STE0_S1 };
    uint32_t sibling = bind_device(u, 2);
    uint32_t hwpt;

    g_assert_cmpint(attach(u, 0, u->paging), ==, 0);
    g_assert_cmpint(attach(u, 2, u->parent), ==, EINVAL);
    g_assert_cmpint(attach(u, 2, u->ioas), ==, EINVAL);
    g_assert_cmpint(vf_client_objects(u->c, VF_OBJ_HWPT_PAGING), ==, 2);
    g_assert_cmpint(attach(u, 2, u->paging), ==, 0);
    /* One that moves takes the other along, which needs a name as well */
    g_assert_cmpint(attach(u, 0, u->parent), ==, 0);
    g_assert_cmpint(destroy(u, u->paging), ==, 0);
    g_assert_cmpint(hwpt_alloc(u, u->dev_id, u->viommu, 0, s1, &hwpt), ==, 0);
    g_assert_cmpint(vdevice_alloc(u, u->dev_id, 0x100, NULL), ==, 0);
    g_assert_cmpint(attach(u, 0, hwpt), ==, ENOENT);
    g_assert_cmpint(vdevice_alloc(u, sibling, 0x101, NULL), ==, 0);
    g_assert_cmpint(attach(u, 0, hwpt), ==, 0);
}

static void check_hwpt(Uapi *u)
{
    static const struct {
        uint64_t ste[2];
        int err;
    } rows[] = {
        { { 0, 0 }, 0 },
        { { 0xfff0, 0xffff }, 0 },      /* not valid: nothing else counts */
        { { STE0_V, 0 }, 0 },
        { { STE0_V | STE0_BYPASS, 0 }, 0 },
        { { STE0_V | STE0_S1 | 0x40000000, 0 }, 0 },
        { { STE0_V | STE0_BYPASS, STE1_SHCFG }, EIO },
        { { STE0_V | 6ull << 1, 0 }, EIO },
        { { STE0_V | STE0_S1 | 1ull << 52, 0 }, EIO },
        { { STE0_V | STE0_S1, 1ull << 28 }, 0 },
        { { STE0_V | STE0_S1, 2ull << 28 }, EIO },
    };
    const uint32_t nest = IOMMU_HWPT_ALLOC_NEST_PARENT;
    const uint64_t *bypass = rows[3].ste;
    /* Longer than the kernel knows it */
    struct iommu_hwpt_alloc large = {
        .size = sizeof(large),
        .dev_id = u->dev_id,
        .pt_id = u->viommu,
        .data_type = IOMMU_HWPT_DATA_ARM_SMMUV3,
        .data_len = 2 * sizeof(struct iommu_hwpt_arm_smmuv3),
    };

    for (int i = 0; i < ARRAY_SIZE(rows); i++) {
        g_assert_cmpint(hwpt_alloc(u, u->dev_id, u->viommu, 0, rows[i].ste,
                                   NULL), ==, rows[i].err);
    }
    g_assert_cmpint(hwpt_alloc(u, u->dev_id, u->ioas, 1 << 9, NULL, NULL),
                    ==, EOPNOTSUPP);
    g_assert_cmpint(hwpt_alloc(u, u->dev_id, u->ioas,
                               IOMMU_HWPT_ALLOC_DIRTY_TRACKING, NULL, NULL),
                    ==, EOPNOTSUPP);
    u->c->shared->device[0].hw_caps = IOMMU_HW_CAP_DIRTY_TRACKING;
    g_assert_cmpint(hwpt_alloc(u, u->dev_id, u->ioas,
                               IOMMU_HWPT_ALLOC_DIRTY_TRACKING, NULL, NULL),
                    ==, 0);
    g_assert_cmpint(hwpt_alloc(u, u->dev_id, u->ioas,
                               nest | IOMMU_HWPT_ALLOC_DIRTY_TRACKING, NULL,
                               NULL), ==, EOPNOTSUPP);
    g_assert_cmpint(hwpt_alloc(u, u->dev_id, u->viommu, 0, NULL, NULL), ==,
                    EOPNOTSUPP);
    g_assert_cmpint(hwpt_alloc(u, u->dev_id, u->viommu, nest, bypass, NULL),
                    ==, EOPNOTSUPP);
    g_assert_cmpint(hwpt_alloc(u, u->other_dev_id, u->viommu, 0, bypass, NULL),
                    ==, EINVAL);
    large.data_uptr = (uintptr_t)bypass;
    g_assert_cmpint(iommufd(u, IOMMU_HWPT_ALLOC, &large), ==, EINVAL);
    g_assert_cmpint(hwpt_alloc(u, 4711, u->ioas, 0, NULL, NULL), ==, ENOENT);
    g_assert_cmpint(hwpt_alloc(u, u->dev_id, 4711, 0, NULL, NULL), ==, EINVAL);
}

static void check_viommu(Uapi *u)
{
    const uint32_t arm = IOMMU_VIOMMU_TYPE_ARM_SMMUV3;
    const uint64_t s1[2] = { STE0_V | STE0_S1 };
    const uint64_t bypass[2] = { STE0_V | STE0_BYPASS };
    VfDevice *d = &u->c->shared->device[0];
    uint32_t vdev, hwpt_s1, hwpt_bypass;

    g_assert_cmpint(viommu_alloc(u, u->dev_id, u->parent,
                                 IOMMU_VIOMMU_TYPE_DEFAULT, NULL), ==,
                    EOPNOTSUPP);
    g_assert_cmpint(viommu_alloc(u, u->dev_id, u->paging, arm, NULL), ==,
                    EINVAL);
    g_assert_cmpint(viommu_alloc(u, u->dev_id, 4711, arm, NULL), ==, ENOENT);
    d->idr[3] = 0;
    g_assert_cmpint(viommu_alloc(u, u->dev_id, u->parent, arm, NULL), ==,
                    EOPNOTSUPP);
    d->canwbs = 1;
    g_assert_cmpint(viommu_alloc(u, u->dev_id, u->parent, arm, NULL), ==, 0);

    g_assert_cmpint(hwpt_alloc(u, u->dev_id, u->viommu, 0, s1, &hwpt_s1), ==,
                    0);
    g_assert_cmpint(hwpt_alloc(u, u->dev_id, u->viommu, 0, bypass,
                               &hwpt_bypass), ==, 0);
    g_assert_cmpint(attach(u, 0, hwpt_bypass), ==, 0);
    g_assert_cmpint(attach(u, 0, hwpt_s1), ==, ENOENT);
    g_assert_cmpint(vdevice_alloc(u, u->other_dev_id, 0x100, NULL), ==,
                    EINVAL);
    d->streams = 2;
    g_assert_cmpint(vdevice_alloc(u, u->dev_id, 0x100, NULL), ==, EOPNOTSUPP);
    d->streams = 1;
    g_assert_cmpint(vdevice_alloc(u, u->dev_id, 0x100, &vdev), ==, 0);
    g_assert_cmpint(vdevice_alloc(u, u->dev_id, 0x200, NULL), ==, EEXIST);
    g_assert_cmpint(attach(u, 0, hwpt_s1), ==, 0);
    g_assert_cmpint(attach(u, 1, hwpt_s1), ==, EINVAL);
    g_assert_cmpint(destroy(u, u->viommu), ==, EBUSY);
    g_assert_cmpint(attach(u, 0, u->paging), ==, 0);
    g_assert_cmpint(destroy(u, vdev), ==, 0);
    g_assert_cmpint(destroy(u, vdev), ==, ENOENT);
}

static void check_invalidate(Uapi *u)
{
    uint64_t cmds[130][2];
    struct iommu_hwpt_invalidate cmd = {
        .size = sizeof(cmd),
        .hwpt_id = u->viommu,
        .data_uptr = (uintptr_t)cmds,
        .data_type = IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
        .entry_len = sizeof(cmds[0]),
        .entry_num = ARRAY_SIZE(cmds),
    };
    VfShared *s = u->c->shared;
    VfRule *rule;

    for (int i = 0; i < ARRAY_SIZE(cmds); i++) {
        cmds[i][0] = CMD_NSNH_ALL;
        cmds[i][1] = 0;
    }
    g_assert_cmpint(iommufd(u, IOMMU_HWPT_INVALIDATE, &cmd), ==, 0);
    g_assert_cmpuint(cmd.entry_num, ==, ARRAY_SIZE(cmds));
    g_assert_cmpuint(s->cmd_len, ==, ARRAY_SIZE(cmds));
    g_assert_cmpuint(s->cmd[ARRAY_SIZE(cmds) - 1].issued, ==, 1);

    /* A StreamID without vDEVICE: more are counted than were executed */
    s->cmd_len = 0;
    cmds[100][0] = CMD_CFGI_CD_ALL | 0x300ull << 32;
    g_assert_cmpint(iommufd(u, IOMMU_HWPT_INVALIDATE, &cmd), ==, EIO);
    g_assert_cmpuint(cmd.entry_num, ==, 100);
    g_assert_cmpuint(s->cmd[62].issued, ==, 1);
    g_assert_cmpuint(s->cmd[63].issued, ==, 0);

    /* A VMID is replaced where the command has one, and NSNH_ALL has none */
    cmds[0][0] = CMD_NH_ALL | 7ull << 32;
    cmd.entry_num = 1;
    g_assert_cmpint(iommufd(u, IOMMU_HWPT_INVALIDATE, &cmd), ==, 0);
    cmds[0][0] = CMD_NSNH_ALL | 7ull << 32;
    g_assert_cmpint(iommufd(u, IOMMU_HWPT_INVALIDATE, &cmd), ==, EIO);

    /* The guest's stream table is no business of the kernel's */
    cmds[0][0] = CMD_CFGI_STE;
    cmd.entry_num = 1;
    g_assert_cmpint(iommufd(u, IOMMU_HWPT_INVALIDATE, &cmd), ==, EIO);
    g_assert_cmpuint(cmd.entry_num, ==, 0);

    cmd.entry_num = 1;
    cmd.hwpt_id = u->parent;
    g_assert_cmpint(iommufd(u, IOMMU_HWPT_INVALIDATE, &cmd), ==, EINVAL);
    cmd.hwpt_id = 4711;
    cmd.entry_num = 1;
    g_assert_cmpint(iommufd(u, IOMMU_HWPT_INVALIDATE, &cmd), ==, ENOENT);

    /* A call without commands does not tell that the type is known */
    cmd.hwpt_id = u->viommu;
    cmd.entry_num = 0;
    g_assert_cmpint(iommufd(u, IOMMU_HWPT_INVALIDATE, &cmd), ==, EINVAL);
    cmd.entry_num = (1u << 19) + 1;
    g_assert_cmpint(iommufd(u, IOMMU_HWPT_INVALIDATE, &cmd), ==, EINVAL);
    g_assert_cmpuint(cmd.entry_num, ==, 0);
    /* Longer entries have to end with zeros; the next command is none */
    cmds[0][0] = cmds[1][0] = CMD_NSNH_ALL;
    cmds[0][1] = 0;
    cmd.entry_len = sizeof(cmds[0]) + 8;
    cmd.entry_num = 1;
    g_assert_cmpint(iommufd(u, IOMMU_HWPT_INVALIDATE, &cmd), ==, E2BIG);
    cmds[1][0] = 0;
    cmd.entry_num = 1;
    g_assert_cmpint(iommufd(u, IOMMU_HWPT_INVALIDATE, &cmd), ==, 0);
    cmd.entry_len = sizeof(cmds[0]);

    /* The SYNC of a block times out: all but one command count */
    g_assert_cmpint(vdevice_alloc(u, u->dev_id, 0x100, NULL), ==, 0);
    s->device[0].atc_dead = 1;
    cmds[0][0] = CMD_ATC_INV | 0x100ull << 32;
    cmds[0][1] = ATC_SIZE_ALL;
    cmds[1][0] = cmds[2][0] = CMD_NSNH_ALL;
    cmd.entry_num = 3;
    g_assert_cmpint(iommufd(u, IOMMU_HWPT_INVALIDATE, &cmd), ==, ETIMEDOUT);
    g_assert_cmpuint(cmd.entry_num, ==, 2);
    cmds[0][1] = 0;

    /* A call that has to fail does so once, with the asked errno */
    rule = vf_client_rule(u->c, VF_OP_HWPT_INVALIDATE, 2, 1, ENXIO);
    cmds[0][0] = CMD_NSNH_ALL;
    cmd.hwpt_id = u->viommu;
    cmd.entry_num = 1;
    g_assert_cmpint(iommufd(u, IOMMU_HWPT_INVALIDATE, &cmd), ==, 0);
    g_assert_cmpint(iommufd(u, IOMMU_HWPT_INVALIDATE, &cmd), ==, ENXIO);
    cmd.entry_num = 1;
    g_assert_cmpint(iommufd(u, IOMMU_HWPT_INVALIDATE, &cmd), ==, 0);
    g_assert_cmpuint(rule->seen, ==, 3);
}

static void check_hw_info(Uapi *u)
{
    struct iommu_hw_info_arm_smmuv3 arm;
    uint8_t buf[sizeof(arm) + 4];
    struct iommu_hw_info cmd = {
        .size = sizeof(cmd),
        .dev_id = u->dev_id,
        .data_len = sizeof(buf),
        .data_uptr = (uintptr_t)buf,
    };

    memset(buf, 0xff, sizeof(buf));
    g_assert_cmpint(iommufd(u, IOMMU_GET_HW_INFO, &cmd), ==, 0);
    memcpy(&arm, buf, sizeof(arm));
    g_assert_cmphex(arm.idr[1], ==, VF_HOST_IDR1);
    g_assert_cmphex(vf_get32(buf + sizeof(arm)), ==, 0);
    g_assert_cmpuint(cmd.data_len, ==, sizeof(arm));
    g_assert_cmpuint(cmd.out_data_type, ==, IOMMU_HW_INFO_TYPE_ARM_SMMUV3);
    g_assert_cmpuint(cmd.out_max_pasid_log2, ==, 16);
    cmd.__reserved[1] = 1;
    g_assert_cmpint(iommufd(u, IOMMU_GET_HW_INFO, &cmd), ==, EOPNOTSUPP);
    cmd.__reserved[1] = 0;
    cmd.dev_id = u->ioas;
    g_assert_cmpint(iommufd(u, IOMMU_GET_HW_INFO, &cmd), ==, ENOENT);
}

/* Each version lacks what the release notes of VfLinux give to a later one */
static void check_versions(Uapi *u)
{
    static const struct {
        VfLinux version;
        uint32_t type;          /* of hardware information */
        uint32_t pasid;         /* bits that it reports */
        uint64_t caps;
        int input_type;         /* errno of naming the type */
        int parent;             /* of a nesting parent */
        int stray;              /* of a command with a bit too many */
    } rows[] = {
        { .version = VF_LINUX_7_3, .type = IOMMU_HW_INFO_TYPE_ARM_SMMUV3,
          .pasid = 16, .caps = 0xa, .stray = EIO },
        { .version = VF_LINUX_7_2, .type = IOMMU_HW_INFO_TYPE_ARM_SMMUV3,
          .pasid = 16, .caps = 0xa },
        { .version = VF_LINUX_6_18, .type = IOMMU_HW_INFO_TYPE_ARM_SMMUV3,
          .pasid = 16, .caps = 0x2 },
        { .version = VF_LINUX_6_15, .type = IOMMU_HW_INFO_TYPE_ARM_SMMUV3,
          .pasid = 16, .caps = 0x2, .input_type = EOPNOTSUPP },
        { .version = VF_LINUX_6_12, .type = IOMMU_HW_INFO_TYPE_NONE,
          .input_type = EOPNOTSUPP, .parent = EOPNOTSUPP },
    };
    uint64_t stray[2] = { CMD_NSNH_ALL | 1 << 20 };

    /* Execute Permission, and no ATS */
    u->c->shared->device[0].hw_caps = 0xa;
    for (int i = 0; i < ARRAY_SIZE(rows); i++) {
        struct iommu_hw_info info = {
            .size = sizeof(info),
            .dev_id = u->dev_id,
        };
        struct iommu_viommu_alloc viommu = {
            .size = sizeof(viommu),
            .type = IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
            .dev_id = u->dev_id,
            .hwpt_id = u->parent,
        };
        struct iommu_hwpt_invalidate inv = {
            .size = sizeof(inv),
            .hwpt_id = u->viommu,
            .data_uptr = (uintptr_t)stray,
            .data_type = IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
            .entry_len = sizeof(stray),
            .entry_num = 1,
        };
        bool old = rows[i].version == VF_LINUX_6_12;

        u->c->shared->kernel = rows[i].version;
        g_assert_cmpint(iommufd(u, IOMMU_GET_HW_INFO, &info), ==, 0);
        g_assert_cmpuint(info.out_data_type, ==, rows[i].type);
        g_assert_cmpuint(info.out_max_pasid_log2, ==, rows[i].pasid);
        g_assert_cmphex(info.out_capabilities, ==, rows[i].caps);
        info.data_len = 0;
        info.flags = IOMMU_HW_INFO_FLAG_INPUT_TYPE;
        info.in_data_type = IOMMU_HW_INFO_TYPE_ARM_SMMUV3;
        g_assert_cmpint(iommufd(u, IOMMU_GET_HW_INFO, &info), ==,
                        rows[i].input_type);
        g_assert_cmpint(hwpt_alloc(u, u->dev_id, u->ioas,
                                   IOMMU_HWPT_ALLOC_NEST_PARENT, NULL, NULL),
                        ==, rows[i].parent);
        g_assert_cmpint(iommufd(u, IOMMU_VIOMMU_ALLOC, &viommu), ==,
                        old ? ENOTTY : 0);
        /* 6.12 knows the ioctl, but no vIOMMU to invalidate by */
        if (!old) {
            g_assert_cmpint(iommufd(u, IOMMU_HWPT_INVALIDATE, &inv), ==,
                            rows[i].stray);
        }
    }
}

static void check_map(Uapi *u)
{
    static const struct {
        uint64_t iova;
        uint64_t length;
        int err;
    } rows[] = {
        { 0x40000000, 0x10000, 0 },
        { 0x40008000, 0x10000, EEXIST },
        { 0x08000000, 0x1000, EINVAL },     /* MSI window */
        { 1ull << 48, 0x1000, EINVAL },
        { 0x50000000, 0, EINVAL },
        { 0x50000800, 0x1000, EINVAL },
    };
    struct iommu_ioas_unmap unmap = {
        .size = sizeof(unmap),
        .ioas_id = u->ioas,
        .iova = 0x40000000,
        .length = 0x8000,
    };

    for (int i = 0; i < ARRAY_SIZE(rows); i++) {
        struct iommu_ioas_map map = {
            .size = sizeof(map),
            .flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
            .ioas_id = u->ioas,
            .length = rows[i].length,
            .iova = rows[i].iova,
        };

        g_assert_cmpint(iommufd(u, IOMMU_IOAS_MAP, &map), ==, rows[i].err);
    }
    g_assert_cmpint(iommufd(u, IOMMU_IOAS_UNMAP, &unmap), ==, ENOENT);
    unmap.length = 0x10000;
    g_assert_cmpint(iommufd(u, IOMMU_IOAS_UNMAP, &unmap), ==, 0);
    unmap.length = 0x10000;
    g_assert_cmpint(iommufd(u, IOMMU_IOAS_UNMAP, &unmap), ==, ENOENT);
}

static const UapiTest uapi_tests[] = {
    { "sizes", check_sizes },
    { "objects", check_objects },
    { "group", check_group },
    { "hwpt", check_hwpt },
    { "viommu", check_viommu },
    { "invalidate", check_invalidate },
    { "hw-info", check_hw_info },
    { "versions", check_versions },
    { "map", check_map },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(uapi_tests); i++) {
        g_autofree gchar *path = g_strdup_printf("vfio-fake/uapi/%s",
                                                 uapi_tests[i].name);

        qtest_add_data_func(path, &uapi_tests[i], test_uapi);
    }
    return g_test_run();
}
