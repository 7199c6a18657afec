/*
 * Fuzzing of VFIO devices: random inputs
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Random bytes would seldom make a valid list. So most mutations change lists,
 * sizes and identifiers, and most values are near a limit.
 */

#include "qemu/osdep.h"

#include <linux/vfio.h>

#include "hw/pci/pci_regs.h"
#include "hw/vfio-user/protocol.h"
#include "input.h"

uint64_t fz_random(uint64_t *state, uint64_t below)
{
    uint64_t x = *state;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return (x * 0x2545f4914f6cdd1dull >> 11) % below;
}

#define PICK(table) ((table)[fz_random(state, ARRAY_SIZE(table))])

static uint64_t any_value(uint64_t *state)
{
    static const uint64_t values[] = {
        0, 1, 2, 3, 4, 7, 8, 0x10, 0x20, 0x28, 0x30, 0x40, 0x80, 0xfc, 0xff,
        0x100, 0xff0, 0xff8, 0xffc, 0xfff, 0x1000, 0x7fff, 0x8000, 0xffff,
        0x10000, 0x100000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffff8,
        0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
        0xfffffffffffff000, 0xfffffffffffffff8, UINT64_MAX,
    };
    uint64_t value = PICK(values);

    switch (fz_random(state, 4)) {
    case 0:
        return fz_random(state, 1ull << 40);
    case 1:
        return value + fz_random(state, 5) - 2;
    case 2:
        return 1ull << fz_random(state, 64);
    default:
        return value;
    }
}

static uint64_t any_size(uint64_t *state)
{
    static const uint64_t sizes[] = {
        0, 0x10, 0x80, 0x100, 0x1000, 0x3000, 0x4000, 0x10000, 0x100000,
        0x10000000, 0x80000000, 0x100000000, 1ull << 36, 1ull << 40,
        1ull << 63,
    };

    return fz_random(state, 8) ? PICK(sizes) : any_value(state);
}

/* Random bytes at a random place */
static void mutate_bytes(FzInput *in, uint64_t *state)
{
    uint16_t most = fz_random(state, 2) ? VF_CONFIG_SIZE : PCI_CFG_SPACE_SIZE;
    uint16_t at = fz_random(state, most);
    unsigned int count = 1 << fz_random(state, fz_random(state, 20) ? 4 : 12);

    for (; count && at < VF_CONFIG_SIZE; count--, at++) {
        switch (fz_random(state, 3)) {
        case 0:
            in->device.phys[at] ^= 1 << fz_random(state, 8);
            break;
        case 1:
            in->device.phys[at] = fz_random(state, 256);
            break;
        default:
            in->device.phys[at] = any_value(state);
            break;
        }
    }
}

static void mutate_fill(FzInput *in, uint64_t *state)
{
    static const uint8_t bytes[] = { 0, 0xff, 0xff, 0x40, 0x10 };
    uint16_t at = fz_random(state, 3) ? fz_random(state, VF_CONFIG_SIZE) : 0;
    unsigned int count = fz_random(state, 2) ? 0x40 : VF_CONFIG_SIZE;

    memset(in->device.phys + at, PICK(bytes), MIN(count, VF_CONFIG_SIZE - at));
}

/* A standard capability of some kind, and something that leads to it */
static void mutate_cap(FzInput *in, uint64_t *state)
{
    static const uint8_t ids[] = {
        PCI_CAP_ID_PM, PCI_CAP_ID_VPD, PCI_CAP_ID_MSI, PCI_CAP_ID_VNDR,
        PCI_CAP_ID_EXP, PCI_CAP_ID_MSIX, PCI_CAP_ID_AF, PCI_CAP_ID_EA, 0, 0xff,
    };
    static const uint8_t links[] = {
        PCI_CAPABILITY_LIST, VF_IMAGE_PM_CAP + 1, VF_IMAGE_PCIE_CAP + 1,
        VF_IMAGE_MSIX_CAP + 1, VF_IMAGE_AF_CAP + 1,
    };
    uint8_t *config = in->device.phys;
    uint8_t at = fz_random(state, 256);

    if (fz_random(state, 8)) {
        at &= ~3;
    }
    if (fz_random(state, 3)) {
        config[at] = PICK(ids);
    }
    if (fz_random(state, 3)) {
        config[at + 1] = fz_random(state, 2) ? fz_random(state, 256) & ~3 :
                         config[PICK(links)];
    }
    if (fz_random(state, 2)) {
        vf_put16(config + at + 2, fz_random(state, 65536));
    }
    if (fz_random(state, 2)) {
        config[PICK(links)] = at;
    }
}

/* The same in extended configuration space */
static void mutate_ext_cap(FzInput *in, uint64_t *state)
{
    static const uint16_t ids[] = {
        0, PCI_EXT_CAP_ID_ERR, PCI_EXT_CAP_ID_VC, PCI_EXT_CAP_ID_DSN,
        PCI_EXT_CAP_ID_VNDR, PCI_EXT_CAP_ID_ACS, PCI_EXT_CAP_ID_ARI,
        PCI_EXT_CAP_ID_ATS, PCI_EXT_CAP_ID_SRIOV, PCI_EXT_CAP_ID_PRI,
        PCI_EXT_CAP_ID_REBAR, PCI_EXT_CAP_ID_REBAR, PCI_EXT_CAP_ID_TPH,
        PCI_EXT_CAP_ID_LTR, PCI_EXT_CAP_ID_PASID, PCI_EXT_CAP_ID_DVSEC, 0xffff,
    };
    static const uint16_t places[] = {
        0x100, 0x104, 0x108, 0x140, 0x200, 0x204, 0xf00, 0xff0, 0xff4, 0xff8,
        0xffc,
    };
    uint16_t at = fz_random(state, 2) ? PICK(places) :
                  0x100 + 4 * fz_random(state, 0x3c0);
    uint16_t next = fz_random(state, 2) ? PICK(places) :
                    fz_random(state, VF_CONFIG_SIZE);
    uint8_t *config = in->device.phys;

    if (!fz_random(state, 3)) {
        next = 0;
    }
    vf_put32(config + at, PICK(ids) | fz_random(state, 3) << 16 |
                          (uint32_t)next << 20);
    for (uint16_t i = at + 4; i < at + 4 + 4 * fz_random(state, 16) &&
                              i < VF_CONFIG_SIZE; i += 4) {
        vf_put32(config + i, fz_random(state, 2) ? any_value(state) :
                             fz_random(state, 1ull << 32));
    }
    if (fz_random(state, 2)) {
        uint16_t from = fz_random(state, 2) ? 0x100 : PICK(places);

        vf_put32(config + from, (vf_get32(config + from) & 0xfffff) |
                                (uint32_t)at << 20);
    }
}

/* Devices that QEMU knows, and kinds of device */
static void mutate_identity(FzInput *in, uint64_t *state)
{
    static const uint32_t devices[] = {
        0x1b3810de, 0x816810ec, 0x201d8086, 0x9a0b8086, 0x66491002, 0x168e14e4,
        0x58001425, 0x36221d22, 0xffffffff, 0x00001002,
    };

    vf_put32(in->device.phys + PCI_VENDOR_ID, PICK(devices));
    if (fz_random(state, 2)) {
        vf_put16(in->device.phys + PCI_CLASS_DEVICE, 0x0300);
    }
    if (!fz_random(state, 4)) {
        in->device.phys[PCI_HEADER_TYPE] = fz_random(state, 256);
    }
}

static void mutate_bars(FzInput *in, uint64_t *state)
{
    unsigned int bar = fz_random(state, VF_BARS + 1);
    uint8_t *config = in->device.phys;

    if (bar == VF_BARS) {
        /* The model takes a power of two, and any register if it is raw */
        in->device.rom_size = 1u << fz_random(state, 32);
        vf_put32(config + PCI_ROM_ADDRESS, fz_random(state, 1ull << 32));
        return;
    }
    in->device.bar_size[bar] = any_size(state);
    vf_put32(config + PCI_BASE_ADDRESS_0 + 4 * bar, fz_random(state, 16));
    if (fz_random(state, 2)) {
        uint32_t at = fz_random(state, 2) ? 0 : any_value(state);

        vf_put32(config + VF_IMAGE_MSIX_CAP + PCI_MSIX_TABLE, at | bar);
        vf_put32(config + VF_IMAGE_MSIX_CAP + PCI_MSIX_PBA,
                 (fz_random(state, 2) ? 0x800 : any_value(state)) | bar);
    }
}

static void mutate_shape(FzInput *in, uint64_t *state)
{
    VfDevice *d = &in->device;

    switch (fz_random(state, 6)) {
    case 0:
        d->config_size = fz_random(state, 3) ? PCI_CFG_SPACE_SIZE :
                         any_value(state);
        break;
    case 1:
        d->raw = !d->raw;
        break;
    case 2:
        d->reset_ok = !d->reset_ok;
        break;
    case 3:
        d->msi = fz_random(state, 64);
        break;
    case 4:
        d->migration = !d->migration;
        break;
    default:
        in->user = !in->user;
        break;
    }
}

/* Calls that plugging a device makes */
static const VfOp ops[] = {
    VF_OP_IOAS_ALLOC, VF_OP_IOAS_IOVA_RANGES, VF_OP_IOAS_MAP, VF_OP_HWPT_ALLOC,
    VF_OP_GET_HW_INFO, VF_OP_VIOMMU_ALLOC, VF_OP_VDEVICE_ALLOC,
    VF_OP_VEVENTQ_ALLOC, VF_OP_BIND, VF_OP_ATTACH, VF_OP_GET_INFO,
    VF_OP_GET_REGION_INFO, VF_OP_GET_REGION_INFO, VF_OP_GET_REGION_INFO,
    VF_OP_GET_IRQ_INFO, VF_OP_SET_IRQS, VF_OP_RESET, VF_OP_HOT_RESET_INFO,
    VF_OP_HOT_RESET, VF_OP_FEATURE, VF_OP_CONFIG_READ,
};
static const VfOp more_ops[] = {
    VF_OP_CONFIG_WRITE, VF_OP_REGION_READ, VF_OP_REGION_WRITE, VF_OP_MMAP,
    VF_OP_DESTROY, VF_OP_IOAS_UNMAP, VF_OP_DETACH,
};

static void mutate_rule(FzInput *in, uint64_t *state)
{
    static const int errors[] = {
        EINVAL, ENOTTY, ENOMEM, EAGAIN, EINTR, ENOSPC, EMSGSIZE, EBUSY, EIO,
        ENODEV, EPERM, E2BIG, EOPNOTSUPP,
    };
    VfRule *rule = &in->rule[fz_random(state, 4)];

    *rule = (VfRule) {
        .op = fz_random(state, 4) ? PICK(ops) : PICK(more_ops),
        .nth = 1 + fz_random(state, fz_random(state, 3) ? 4 : 64),
        .count = fz_random(state, 4) ? 1 : UINT32_MAX,
        .err = PICK(errors),
    };
}

static void mutate_change(FzInput *in, uint64_t *state)
{
    VfChange *change = &in->change[fz_random(state, 8)];

    *change = (VfChange) {
        .op = PICK(ops),
        .which = fz_random(state, 2) ? UINT64_MAX : fz_random(state, 10),
        .nth = fz_random(state, 2) ? 0 : fz_random(state, 8),
        .offset = 4 * fz_random(state, 20),
        .size = fz_random(state, 3) ? 4 : fz_random(state, 9),
        .value = any_value(state),
    };
    if (change->op == VF_OP_CONFIG_READ) {
        change->offset = fz_random(state, 2) ? fz_random(state, 0x100) :
                         fz_random(state, VF_CONFIG_SIZE);
    }
    if (!fz_random(state, 16)) {
        change->ret = 1 + fz_random(state, 64);
    }
}

/* A list of capabilities behind an answer, with everything that it needs */
static void mutate_answer_caps(FzInput *in, uint64_t *state)
{
    const uint32_t bare = sizeof(struct vfio_region_info);
    uint64_t region = fz_random(state, 9);
    const struct {
        uint32_t offset;
        uint64_t value;
    } parts[] = {
        { offsetof(struct vfio_region_info, argsz),
          bare + 8 * fz_random(state, 32) },
        { offsetof(struct vfio_region_info, flags),
          fz_random(state, 16) | VFIO_REGION_INFO_FLAG_CAPS },
        { offsetof(struct vfio_region_info, cap_offset),
          fz_random(state, 4) ? bare : any_value(state) },
        { bare, 1 + fz_random(state, 3) },
        { bare + 4, fz_random(state, 2) ? 0 : any_value(state) },
        { bare + 8, fz_random(state, 2) ? fz_random(state, 8) :
                                          any_value(state) },
        { bare + 16, fz_random(state, 3) * 0x1000 },
        { bare + 24, any_size(state) },
    };

    for (int i = 0; i < ARRAY_SIZE(parts); i++) {
        in->change[i] = (VfChange) {
            .op = VF_OP_GET_REGION_INFO,
            .which = region,
            .offset = parts[i].offset,
            .size = parts[i].offset >= bare + 16 ? 8 : 4,
            .value = parts[i].value,
        };
    }
}

static void mutate_server(FzInput *in, uint64_t *state)
{
    static const uint16_t commands[] = {
        VFIO_USER_VERSION, VFIO_USER_DMA_MAP, VFIO_USER_DEVICE_GET_INFO,
        VFIO_USER_DEVICE_GET_REGION_INFO, VFIO_USER_DEVICE_GET_IRQ_INFO,
        VFIO_USER_DEVICE_SET_IRQS, VFIO_USER_REGION_READ,
        VFIO_USER_REGION_WRITE, VFIO_USER_DEVICE_RESET,
    };
    VuChange *change = &in->server[fz_random(state, 4)];

    in->user = true;
    *change = (VuChange) {
        .command = PICK(commands),
        .nth = fz_random(state, 8),
        .offset = 4 * fz_random(state, 14),
        .size = fz_random(state, 3) ? 4 : fz_random(state, 9),
        .value = any_value(state),
        .half = fz_random(state, 16) ? 0 : fz_random(state, 64),
    };
}

static void mutate_capabilities(FzInput *in, uint64_t *state)
{
    static const char *const names[] = {
        "max_msg_fds", "max_data_xfer_size", "pgsizes", "max_dma_maps",
        "write_multiple", "migration",
    };
    static const char *const values[] = {
        "0", "1", "4096", "65536", "18446744073709551615", "-1", "true", "{}",
        "[]", "null", "\"x\"", "1.5", "{\"pgsize\": 0}",
    };

    in->user = true;
    if (!fz_random(state, 8)) {
        g_strlcpy(in->capabilities, PICK(values), sizeof(in->capabilities));
        return;
    }
    g_snprintf(in->capabilities, sizeof(in->capabilities),
               "{\"capabilities\": {\"%s\": %s}}", PICK(names), PICK(values));
}

static void mutate_actions(FzInput *in, uint64_t *state)
{
    static const uint32_t registers[] = {
        PCI_COMMAND, PCI_BASE_ADDRESS_0, PCI_ROM_ADDRESS,
        VF_IMAGE_MSIX_CAP + PCI_MSIX_FLAGS, VF_IMAGE_PM_CAP + PCI_PM_CTRL,
        VF_IMAGE_PCIE_CAP + PCI_EXP_DEVCTL, VF_IMAGE_AF_CAP + PCI_AF_CTRL,
    };
    FzAction *action = &in->action[fz_random(state, 6)];

    *action = (FzAction) {
        .kind = FZ_READ + fz_random(state, FZ_KINDS - FZ_READ),
        .at = fz_random(state, 2) ? PICK(registers) :
              fz_random(state, VF_CONFIG_SIZE) & ~3,
        .value = any_value(state),
    };
    if (action->kind == FZ_POKE) {
        action->at = fz_random(state, 2) ? fz_random(state, 0x100) & ~3 :
                     fz_random(state, 0x100000) & ~3;
    }
    if (action->kind == FZ_RESET && fz_random(state, 4)) {
        action->kind = FZ_MAP;
    }
    /* A list ends with the first that is none */
    for (FzAction *a = in->action; a < action; a++) {
        if (!a->kind) {
            a->kind = FZ_READ;
        }
    }
}

void fz_input_mutate(FzInput *in, uint64_t *state)
{
    static void (*const mutations[])(FzInput *, uint64_t *) = {
        mutate_bytes, mutate_bytes, mutate_fill, mutate_cap, mutate_cap,
        mutate_cap, mutate_ext_cap, mutate_ext_cap, mutate_ext_cap,
        mutate_identity, mutate_bars, mutate_bars, mutate_shape, mutate_rule,
        mutate_change, mutate_change, mutate_answer_caps, mutate_server,
        mutate_capabilities, mutate_actions, mutate_actions,
    };

    for (unsigned int count = 1 + fz_random(state, 6); count; count--) {
        PICK(mutations)(in, state);
    }
}
