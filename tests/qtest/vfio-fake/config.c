/*
 * Model of VFIO and iommufd: config space as vfio-pci shows it
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VFIO copies the header and each capability that it shows, and lets QEMU write
 * known bits only. It unlinks the other capabilities; QEMU reads and writes
 * their bytes in the device itself. The first extended capability cannot be
 * unlinked: it stays as an anchor with ID and version zero. If the first header
 * of a 4 KiB space reads zero, there is no extended capability at all. Two
 * adjoining capabilities of the same ID count as one, so the header of the
 * second comes from the device. If VFIO shows no standard capability, the
 * status register does not announce a list.
 *
 * Before VFIO gets the device, the driver of its IOMMU has enabled PASID, with
 * all permissions that the capability supports, or has failed to.
 */

#include "fake.h"

#include <linux/pci_regs.h>

/* Lengths of shown capabilities; 0: hidden. ext_length() has variable ones */
static const uint8_t cap_length[] = {
    [PCI_CAP_ID_PM] = PCI_PM_SIZEOF,
    [PCI_CAP_ID_VPD] = 8,
    [PCI_CAP_ID_MSI] = 24,
    [PCI_CAP_ID_VNDR] = 3,
    [PCI_CAP_ID_EXP] = 0x3c,
    [PCI_CAP_ID_MSIX] = 12,
    [PCI_CAP_ID_AF] = 6,
};

enum { EXT_VARIABLE = 0xffff };

static const uint16_t ext_cap_length[] = {
    [PCI_EXT_CAP_ID_ERR] = 0x2c,
    [PCI_EXT_CAP_ID_VC] = 0x1c,
    [PCI_EXT_CAP_ID_DSN] = 12,
    [PCI_EXT_CAP_ID_PWR] = 16,
    [PCI_EXT_CAP_ID_VNDR] = EXT_VARIABLE,
    [PCI_EXT_CAP_ID_ACS] = 8,
    [PCI_EXT_CAP_ID_ARI] = 8,
    [PCI_EXT_CAP_ID_ATS] = 8,
    [PCI_EXT_CAP_ID_SRIOV] = 64,
    [PCI_EXT_CAP_ID_PRI] = 16,
    [PCI_EXT_CAP_ID_REBAR] = EXT_VARIABLE,
    [PCI_EXT_CAP_ID_TPH] = 12,
    [PCI_EXT_CAP_ID_LTR] = 8,
    [PCI_EXT_CAP_ID_DVSEC] = EXT_VARIABLE,
};

/* Header bits that can be written, besides the BARs */
static const struct {
    uint8_t offset;
    uint32_t mask;
} header_wmask[] = {
    { PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
                   PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
                   PCI_COMMAND_INTX_DISABLE },
    { PCI_CACHE_LINE_SIZE, 0xffff },
    { PCI_INTERRUPT_LINE, 0xff },
};

static uint32_t get32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) {
        p[i] = v >> (8 * i);
    }
}

static void put_pasid_control(VfDevice *d)
{
    unsigned int pos = PCI_CFG_SPACE_SIZE;

    for (int left = (VF_CONFIG_SIZE - PCI_CFG_SPACE_SIZE) / 4;
         pos >= PCI_CFG_SPACE_SIZE && pos + 8 <= VF_CONFIG_SIZE && left;
         left--) {
        uint32_t header = get32(d->phys + pos);

        if (PCI_EXT_CAP_ID(header) == PCI_EXT_CAP_ID_PASID) {
            uint32_t cap = get32(d->phys + pos + PCI_PASID_CAP) & 0xffff;
            uint32_t control = PCI_PASID_CTRL_ENABLE |
                (cap & (PCI_PASID_CAP_EXEC | PCI_PASID_CAP_PRIV));

            if (!d->max_pasid_log2) {
                /* One that reports none may have it on: a test says */
                return;
            }
            if (d->pasid_off) {
                control = 0;
            }
            put32(d->phys + pos + PCI_PASID_CAP, cap | control << 16);
            return;
        }
        pos = PCI_EXT_CAP_NEXT(header);
    }
}

static void own(VfDevice *d, unsigned int start, unsigned int len)
{
    for (unsigned int i = start; i < start + len && i < VF_CONFIG_SIZE; i++) {
        d->owned[i] = 1;
        d->virt[i] = d->phys[i];
    }
}

static void prepare_header(VfDevice *d)
{
    own(d, 0, PCI_STD_HEADER_SIZEOF);
    for (size_t i = 0; i < sizeof(header_wmask) / sizeof(header_wmask[0]);
         i++) {
        uint8_t *p = d->wmask + header_wmask[i].offset;

        put32(p, get32(p) | header_wmask[i].mask);
    }
    if (d->rom_size) {
        uint8_t *mask = d->wmask + PCI_ROM_ADDRESS;
        uint8_t *rom = d->virt + PCI_ROM_ADDRESS;

        put32(mask, ~(d->rom_size - 1) | PCI_ROM_ADDRESS_ENABLE);
        put32(rom, get32(rom) & get32(mask));
    } else {
        put32(d->virt + PCI_ROM_ADDRESS, 0);
    }
    for (int bar = 0; bar < VF_BARS; bar++) {
        unsigned int at = PCI_BASE_ADDRESS_0 + 4 * bar;

        if (d->bar_size[bar]) {
            put32(d->wmask + at, ~(uint32_t)(d->bar_size[bar] - 1));
            if ((d->phys[at] & PCI_BASE_ADDRESS_MEM_TYPE_MASK) ==
                PCI_BASE_ADDRESS_MEM_TYPE_64) {
                put32(d->wmask + at + 4, UINT32_MAX);
            }
        }
    }
}

static void prepare_caps(VfDevice *d)
{
    uint8_t *link = &d->virt[PCI_CAPABILITY_LIST];
    uint8_t pos = d->phys[PCI_CAPABILITY_LIST];
    bool any = false;

    if (!(d->phys[PCI_STATUS] & PCI_STATUS_CAP_LIST)) {
        return;
    }
    for (int left = 48; pos >= PCI_STD_HEADER_SIZEOF && left; left--) {
        uint8_t id = d->phys[pos];
        uint8_t next = d->phys[pos + PCI_CAP_LIST_NEXT];
        uint8_t len = id < sizeof(cap_length) ? cap_length[id] : 0;

        if (!len) {
            *link = next;
            pos = next;
            continue;
        }
        if (id == PCI_CAP_ID_VNDR) {
            len = d->phys[pos + 2];
        }
        own(d, pos, len);
        any = true;
        switch (id) {
        case PCI_CAP_ID_PM:
            d->wmask[pos + PCI_PM_CTRL] = PCI_PM_CTRL_STATE_MASK;
            break;
        case PCI_CAP_ID_EXP:
            put32(d->wmask + pos + PCI_EXP_DEVCTL, 0x7fff);
            break;
        case PCI_CAP_ID_MSI:
            d->wmask[pos + PCI_MSI_FLAGS] = PCI_MSI_FLAGS_ENABLE |
                                            PCI_MSI_FLAGS_QSIZE;
            memset(d->wmask + pos + PCI_MSI_ADDRESS_LO, 0xff, 10);
            break;
        case PCI_CAP_ID_MSIX:
            d->wmask[pos + PCI_MSIX_FLAGS + 1] =
                (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8;
            break;
        }
        link = &d->virt[pos + PCI_CAP_LIST_NEXT];
        pos = next;
    }
    if (!any) {
        d->virt[PCI_STATUS] &= ~PCI_STATUS_CAP_LIST;
    }
}

static unsigned int ext_length(VfDevice *d, unsigned int pos, uint16_t id)
{
    unsigned int len;

    if (id == PCI_EXT_CAP_ID_PASID && d->shows_pasid) {
        return 8;
    }
    if (id >= sizeof(ext_cap_length) / sizeof(ext_cap_length[0])) {
        return 0;
    }
    len = ext_cap_length[id];
    if (len != EXT_VARIABLE) {
        return len;
    }
    if (pos + 12 > VF_CONFIG_SIZE) {
        return 0;
    }
    if (id == PCI_EXT_CAP_ID_REBAR) {
        return 4 + 8 * ((d->phys[pos + PCI_REBAR_CTRL] &
                         PCI_REBAR_CTRL_NBAR_MASK) >> 5);
    }
    /* VSEC and DVSEC have their length in bits 31:20 of the next register */
    return get32(d->phys + pos + 4) >> 20;
}

static void prepare_ext_caps(VfDevice *d)
{
    unsigned int pos = PCI_CFG_SPACE_SIZE;
    uint8_t owner[VF_CONFIG_SIZE] = { 0 };
    uint8_t adjoins[VF_CONFIG_SIZE] = { 0 };
    unsigned int link = 0;
    bool any = false;

    if (d->config_size <= PCI_CFG_SPACE_SIZE ||
        !get32(d->phys + PCI_CFG_SPACE_SIZE)) {
        return;
    }
    for (int left = (VF_CONFIG_SIZE - PCI_CFG_SPACE_SIZE) / 4;
         pos >= PCI_CFG_SPACE_SIZE && pos + 4 <= VF_CONFIG_SIZE && left;
         left--) {
        uint32_t header = get32(d->phys + pos);
        unsigned int next = PCI_EXT_CAP_NEXT(header);
        unsigned int len = ext_length(d, pos, PCI_EXT_CAP_ID(header));

        if (!len && link) {
            uint32_t before = get32(d->virt + link);

            put32(d->virt + link, (before & 0xfffff) | next << 20);
            pos = next;
            continue;
        }
        own(d, pos, len ? len : 4);
        if (!len) {
            put32(d->virt + pos, header & 0xffc00000u);
        }
        adjoins[pos] = len && owner[pos - 1] == PCI_EXT_CAP_ID(header);
        for (unsigned int i = pos; i < pos + len && i < VF_CONFIG_SIZE; i++) {
            owner[i] = PCI_EXT_CAP_ID(header);
        }
        any |= len != 0;
        link = pos;
        pos = next;
    }
    for (pos = PCI_CFG_SPACE_SIZE; pos < VF_CONFIG_SIZE; pos += 4) {
        if (adjoins[pos]) {
            put32(d->virt + pos, get32(d->phys + pos));
        }
    }
    if (!any) {
        put32(d->virt + PCI_CFG_SPACE_SIZE, 0);
    }
}

void vf_config_prepare(VfDevice *d)
{
    if (d->config_ready) {
        return;
    }
    memset(d->owned, 0, sizeof(d->owned));
    memset(d->wmask, 0, sizeof(d->wmask));
    if (!d->mdev) {
        put_pasid_control(d);
    }
    if (d->raw) {
        own(d, 0, VF_CONFIG_SIZE);
    } else {
        prepare_header(d);
        prepare_caps(d);
        prepare_ext_caps(d);
    }
    d->config_ready = 1;
}

long vf_config_access(uint32_t dev, VfDirection direction, uint64_t offset,
                      void *buf, size_t size)
{
    VfDevice *d = &vf->device[dev];
    VfOp op = direction == VF_READ ? VF_OP_CONFIG_READ : VF_OP_CONFIG_WRITE;
    VfLog *log = vf_log(op, dev, 0);
    uint32_t shown = d->config_size < VF_CONFIG_SIZE ? d->config_size :
                                                       VF_CONFIG_SIZE;
    uint8_t *p = buf;
    int ret;

    log->arg[0] = offset;
    log->arg[1] = size;
    if (direction == VF_WRITE && size <= sizeof(log->arg[2])) {
        memcpy(&log->arg[2], buf, size);
    }
    ret = vf_should_fail(op, NULL);
    if (!ret && offset >= shown) {
        ret = -EINVAL;
    }
    if (ret) {
        log->err = -ret;
        return ret;
    }
    vf_config_prepare(d);
    if (size > shown - offset) {
        size = shown - offset;
    }
    for (size_t i = 0; i < size; i++, offset++) {
        uint8_t mask = d->wmask[offset];

        if (direction == VF_READ) {
            p[i] = d->owned[offset] ? d->virt[offset] : d->phys[offset];
        } else if (d->owned[offset]) {
            d->virt[offset] = (d->virt[offset] & ~mask) | (p[i] & mask);
        } else {
            d->phys[offset] = p[i];
            vf->raw_config_writes++;
        }
    }
    if (direction == VF_READ) {
        vf_change_config(offset - size, buf, size);
    }
    if (direction == VF_READ && size <= sizeof(log->arg[2])) {
        memcpy(&log->arg[2], buf, size);
    }
    return size;
}
