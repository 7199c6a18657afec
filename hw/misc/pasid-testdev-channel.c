/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI Express test device: channels, whose transfers wait for their pages
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * A transfer goes page by page. What it writes to can be any register, even
 * one that resets the device: after each access the serial number tells whether
 * the transfer is still the one that made it.
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "hw/pci/msi.h"
#include "hw/pci/pci_bus.h"
#include "system/dma.h"
#include "pasid-testdev-channel.h"

static void channel_end(PasidTestChannel *c, uint32_t status)
{
    PCIDevice *pdev = c->stall.dev;

    c->serial++;
    c->status = status;
    if ((c->command & PASID_TESTDEV_CMD_MSI) && msi_enabled(pdev)) {
        msi_notify(pdev, 0);
    }
}

static bool channel_has_pasid(const PasidTestChannel *c)
{
    return c->pasid & PASID_TESTDEV_PASID_VALID;
}

/* The device may have been reconfigured while the transfer waited */
static uint32_t channel_check(PasidTestChannel *c, uint32_t max)
{
    PCIDevice *pdev = c->stall.dev;

    if (!DEVICE(pdev)->realized || !pdev->is_master) {
        return PASID_TESTDEV_STATUS_FAULT;
    }
    return channel_has_pasid(c) ?
           pasid_testdev_check_pasid(pdev, c->pasid & PASID_TESTDEV_PASID_MASK,
                                     max) : PASID_TESTDEV_STATUS_OK;
}

/*
 * channel_access - transfer bytes, and account for them
 * @as: where
 * @addr: address there
 * @len: bytes, up to the end of the transfer
 * @attrs: attributes of the transaction
 *
 * Returns: true if the transfer can go on, false if it has ended.
 */
static bool channel_access(PasidTestChannel *c, AddressSpace *as,
                           dma_addr_t addr, uint32_t len, MemTxAttrs attrs)
{
    DMADirection dir = c->stall.write ? DMA_DIRECTION_FROM_DEVICE
                                      : DMA_DIRECTION_TO_DEVICE;
    uint32_t serial = c->serial;
    MemTxResult result = dma_memory_rw(as, addr, c->data + c->moved, len, dir,
                                       attrs);

    if (c->serial != serial) {
        return false;
    }
    if (result != MEMTX_OK) {
        channel_end(c, PASID_TESTDEV_STATUS_FAULT);
        return false;
    }
    c->moved += len;
    return true;
}

/* Transfer what is left by untranslated addresses, as any device does */
static bool channel_access_plain(PasidTestChannel *c)
{
    PCIDevice *pdev = c->stall.dev;
    MemTxAttrs attrs = { .requester_id = pci_requester_id(pdev) };
    uint32_t status = channel_check(c, PASID_TESTDEV_MEMTXATTRS_PID_MAX);

    if (status != PASID_TESTDEV_STATUS_OK) {
        channel_end(c, status);
        return false;
    }
    if (channel_has_pasid(c)) {
        attrs.pid = c->pasid & PASID_TESTDEV_PASID_MASK;
    }
    return channel_access(c, pci_get_address_space(pdev), c->stall.addr,
                          c->length - c->moved, attrs);
}

/* Transfer what one translation covers */
static bool channel_access_translated(PasidTestChannel *c,
                                      const IOMMUTLBEntry *entry)
{
    MemTxAttrs attrs = { .requester_id = pci_requester_id(c->stall.dev) };
    hwaddr offset = c->stall.addr & entry->addr_mask;
    hwaddr addr = (entry->translated_addr & ~entry->addr_mask) + offset;
    /* less one, for an entry that covers all 64 bits */
    uint32_t len = MIN(c->length - c->moved - 1, entry->addr_mask - offset) + 1;

    return channel_access(c, entry->target_as, addr, len, attrs);
}

static void channel_run(PasidTestChannel *c)
{
    bool go_on = true;

    while (go_on && c->moved < c->length) {
        uint32_t status = channel_check(c, PASID_TESTDEV_PASID_MASK);
        IOMMUTLBEntry entry;

        if (status != PASID_TESTDEV_STATUS_OK) {
            channel_end(c, status);
            return;
        }
        c->stall.pasid = channel_has_pasid(c) ?
                         c->pasid & PASID_TESTDEV_PASID_MASK : PCI_NO_PASID;
        c->stall.addr = ((uint64_t)c->addr_hi << 32 | c->addr_lo) + c->moved;
        switch (pci_stall_begin(&c->stall, &entry)) {
        case PCI_STALL_WAITING:
            return;
        case PCI_STALL_FAULT:
            channel_end(c, PASID_TESTDEV_STATUS_FAULT);
            return;
        case PCI_STALL_UNSUPPORTED:
            go_on = channel_access_plain(c);
            break;
        case PCI_STALL_TRANSLATED:
            go_on = channel_access_translated(c, &entry);
            break;
        }
    }
    if (go_on) {
        channel_end(c, PASID_TESTDEV_STATUS_OK);
    }
}

static void channel_done(PCIStall *stall, PCIStallResult result,
                         const IOMMUTLBEntry *entry)
{
    PasidTestChannel *c = container_of(stall, PasidTestChannel, stall);
    uint32_t status = channel_check(c, PASID_TESTDEV_PASID_MASK);

    if (status == PASID_TESTDEV_STATUS_OK && result == PCI_STALL_FAULT) {
        status = PASID_TESTDEV_STATUS_FAULT;
    }
    if (status != PASID_TESTDEV_STATUS_OK) {
        channel_end(c, status);
    } else if (channel_access_translated(c, entry)) {
        channel_run(c);
    }
}

static void channel_command(PasidTestChannel *c, uint32_t command)
{
    uint32_t op = command & PASID_TESTDEV_CMD_OP_MASK;

    if (c->status == PASID_TESTDEV_STATUS_BUSY) {
        if (op == PASID_TESTDEV_CMD_CANCEL) {
            pci_stall_cancel(&c->stall);
            channel_end(c, PASID_TESTDEV_STATUS_CANCELLED);
        }
        return;
    }
    if (op == PASID_TESTDEV_CMD_CANCEL) {
        return;
    }
    c->command = command;
    if ((op != PASID_TESTDEV_CMD_READ && op != PASID_TESTDEV_CMD_WRITE) ||
        (command & PASID_TESTDEV_CMD_ATS) ||
        !c->length || c->length > PASID_TESTDEV_CHANNEL_DATA_SIZE) {
        channel_end(c, PASID_TESTDEV_STATUS_BAD_CMD);
        return;
    }
    c->stall.write = op == PASID_TESTDEV_CMD_WRITE;
    c->moved = 0;
    c->status = PASID_TESTDEV_STATUS_BUSY;
    channel_run(c);
}

static uint64_t channels_read(void *opaque, hwaddr addr, unsigned size)
{
    PasidTestChannels *channels = opaque;
    PasidTestChannel *c = &channels->channel[addr / PASID_TESTDEV_CHANNEL_SIZE];
    hwaddr offset = addr % PASID_TESTDEV_CHANNEL_SIZE;

    switch (offset) {
    case PASID_TESTDEV_REG_ADDR_LO:
        return c->addr_lo;
    case PASID_TESTDEV_REG_ADDR_HI:
        return c->addr_hi;
    case PASID_TESTDEV_REG_PASID:
        return c->pasid;
    case PASID_TESTDEV_REG_LENGTH:
        return c->length;
    case PASID_TESTDEV_REG_STATUS:
        return c->status;
    case PASID_TESTDEV_CHANNEL_DATA ...
         PASID_TESTDEV_CHANNEL_DATA + PASID_TESTDEV_CHANNEL_DATA_SIZE - 4:
        return ldl_le_p(c->data + offset - PASID_TESTDEV_CHANNEL_DATA);
    default:
        return 0;
    }
}

static void channels_write(void *opaque, hwaddr addr, uint64_t val,
                           unsigned size)
{
    PasidTestChannels *channels = opaque;
    PasidTestChannel *c = &channels->channel[addr / PASID_TESTDEV_CHANNEL_SIZE];
    hwaddr offset = addr % PASID_TESTDEV_CHANNEL_SIZE;

    if (offset == PASID_TESTDEV_REG_COMMAND) {
        channel_command(c, val);
        return;
    }
    if (c->status == PASID_TESTDEV_STATUS_BUSY) {
        return;
    }
    switch (offset) {
    case PASID_TESTDEV_REG_ADDR_LO:
        c->addr_lo = val;
        break;
    case PASID_TESTDEV_REG_ADDR_HI:
        c->addr_hi = val;
        break;
    case PASID_TESTDEV_REG_PASID:
        c->pasid = val & (PASID_TESTDEV_PASID_VALID | PASID_TESTDEV_PASID_MASK);
        break;
    case PASID_TESTDEV_REG_LENGTH:
        c->length = val;
        break;
    case PASID_TESTDEV_CHANNEL_DATA ...
         PASID_TESTDEV_CHANNEL_DATA + PASID_TESTDEV_CHANNEL_DATA_SIZE - 4:
        stl_le_p(c->data + offset - PASID_TESTDEV_CHANNEL_DATA, val);
        break;
    default:
        break;
    }
}

static const MemoryRegionOps channels_ops = {
    .read = channels_read,
    .write = channels_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
    .impl = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
};

void pasid_testdev_channels_init(PasidTestChannels *channels, PCIDevice *pdev,
                                 MemoryRegion *bar)
{
    for (int i = 0; i < PASID_TESTDEV_CHANNELS; i++) {
        channels->channel[i].stall.dev = pdev;
        channels->channel[i].stall.done = channel_done;
    }
    memory_region_init_io(&channels->mr, OBJECT(pdev), &channels_ops, channels,
                          TYPE_PASID_TESTDEV "-channels",
                          PASID_TESTDEV_CHANNELS * PASID_TESTDEV_CHANNEL_SIZE);
    memory_region_add_subregion(bar, PASID_TESTDEV_CHANNEL(0), &channels->mr);
}

void pasid_testdev_channels_reset(PasidTestChannels *channels)
{
    for (int i = 0; i < PASID_TESTDEV_CHANNELS; i++) {
        PasidTestChannel *c = &channels->channel[i];

        pci_stall_cancel(&c->stall);
        c->serial++;
        c->addr_lo = 0;
        c->addr_hi = 0;
        c->pasid = 0;
        c->length = 0;
        c->status = PASID_TESTDEV_STATUS_IDLE;
        memset(c->data, 0, sizeof(c->data));
    }
}

bool pasid_testdev_channels_used(const PasidTestChannels *channels)
{
    for (int i = 0; i < PASID_TESTDEV_CHANNELS; i++) {
        const PasidTestChannel *c = &channels->channel[i];

        if (c->addr_lo || c->addr_hi || c->pasid || c->length || c->status ||
            !buffer_is_zero(c->data, sizeof(c->data))) {
            return true;
        }
    }
    return false;
}

static int channels_find_busy(const PasidTestChannels *channels)
{
    for (int i = 0; i < PASID_TESTDEV_CHANNELS; i++) {
        if (channels->channel[i].status == PASID_TESTDEV_STATUS_BUSY) {
            return i;
        }
    }
    return -1;
}

bool pasid_testdev_channels_pre_save(const PasidTestChannels *channels,
                                     Error **errp)
{
    int busy = channels_find_busy(channels);
    const PCIStall *stall = &channels->channel[MAX(busy, 0)].stall;
    const char *id = DEVICE(stall->dev)->id;

    if (busy >= 0) {
        error_setg(errp, TYPE_PASID_TESTDEV "%s%s: the transfer of channel %d "
                   "waits for the page at 0x%" PRIx64 " and cannot be saved; "
                   "try again when it has ended, or have the guest cancel it",
                   id ? " " : "", id ?: "", busy, stall->addr);
    }
    return busy < 0;
}

/* No QEMU saves a transfer that waits, but a stream can say anything */
static int channels_post_load(void *opaque, int version_id)
{
    return channels_find_busy(opaque) < 0 ? 0 : -EINVAL;
}

static const VMStateDescription vmstate_channel = {
    .name = TYPE_PASID_TESTDEV "/channel",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(addr_lo, PasidTestChannel),
        VMSTATE_UINT32(addr_hi, PasidTestChannel),
        VMSTATE_UINT32(pasid, PasidTestChannel),
        VMSTATE_UINT32(length, PasidTestChannel),
        VMSTATE_UINT32(status, PasidTestChannel),
        VMSTATE_UINT8_ARRAY(data, PasidTestChannel,
                            PASID_TESTDEV_CHANNEL_DATA_SIZE),
        VMSTATE_END_OF_LIST()
    }
};

const VMStateDescription vmstate_pasid_testdev_channels = {
    .name = TYPE_PASID_TESTDEV "/all-channels",
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = channels_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT_ARRAY(channel, PasidTestChannels, PASID_TESTDEV_CHANNELS,
                             1, vmstate_channel, PasidTestChannel),
        VMSTATE_END_OF_LIST()
    }
};
