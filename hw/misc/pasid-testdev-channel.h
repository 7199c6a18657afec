/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI Express test device: channels, whose transfers wait for their pages
 *
 * Copyright (c) qemu-vpasid contributors
 */

#ifndef HW_MISC_PASID_TESTDEV_CHANNEL_H
#define HW_MISC_PASID_TESTDEV_CHANNEL_H

#include "hw/misc/pasid-testdev.h"
#include "hw/pci/pci_device.h"
#include "hw/pci/pci_stall.h"
#include "migration/vmstate.h"

/**
 * struct PasidTestChannel - one of several transfers at a time
 * @stall: the transfer, while the IOMMU has it wait
 * @addr_lo: register, as the following ones
 * @addr_hi: register
 * @pasid: register
 * @length: register
 * @command: the last command that started a transfer
 * @status: register
 * @moved: bytes of the transfer that have been transferred
 * @serial: changes when a transfer ends: what a transfer does can end it
 * @data: register
 */
typedef struct PasidTestChannel {
    PCIStall stall;
    uint32_t addr_lo;
    uint32_t addr_hi;
    uint32_t pasid;
    uint32_t length;
    uint32_t command;
    uint32_t status;
    uint32_t moved;
    uint32_t serial;
    uint8_t data[PASID_TESTDEV_CHANNEL_DATA_SIZE];
} PasidTestChannel;

/**
 * struct PasidTestChannels - the channels of a device
 * @channel: each of them
 * @mr: their registers
 */
typedef struct PasidTestChannels {
    PasidTestChannel channel[PASID_TESTDEV_CHANNELS];
    MemoryRegion mr;
} PasidTestChannels;

extern const VMStateDescription vmstate_pasid_testdev_channels;

/**
 * pasid_testdev_channels_init - prepare the channels, and add their registers
 * @channels: the channels, zeroed
 * @pdev: the device that they belong to, and with which they end
 * @bar: the BAR with the registers of the device
 */
void pasid_testdev_channels_init(PasidTestChannels *channels, PCIDevice *pdev,
                                 MemoryRegion *bar);

/**
 * pasid_testdev_channels_reset - end all transfers silently, clear registers
 * @channels: the channels
 */
void pasid_testdev_channels_reset(PasidTestChannels *channels);

/**
 * pasid_testdev_channels_used - have the channels been used since the reset?
 * @channels: the channels
 *
 * Returns: true if a register is not zero. A guest that uses no channel can
 * migrate to a device that has none.
 */
bool pasid_testdev_channels_used(const PasidTestChannels *channels);

/**
 * pasid_testdev_channels_pre_save - refuse to save a transfer that waits
 * @channels: the channels
 * @errp: names the channel, the address and the way out
 *
 * The IOMMU that a transfer waits for does not save what waits: the guest would
 * answer for a transfer that nobody knows.
 *
 * Returns: true if no transfer waits, false with @errp set otherwise.
 */
bool pasid_testdev_channels_pre_save(const PasidTestChannels *channels,
                                     Error **errp);

/**
 * pasid_testdev_check_pasid - may a transaction carry a PASID?
 * @pdev: the device
 * @pasid: the PASID
 * @max: the highest PASID that the kind of transaction can carry
 *
 * Returns: PASID_TESTDEV_STATUS_OK, or the status that says why not.
 */
uint32_t pasid_testdev_check_pasid(PCIDevice *pdev, uint32_t pasid,
                                   uint32_t max);

#endif /* HW_MISC_PASID_TESTDEV_CHANNEL_H */
