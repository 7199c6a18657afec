/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI Express test device with PASID: guest-visible interface
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * Shared by the device model and its tests; docs/specs/pasid-testdev.rst is
 * the description for people.
 */

#ifndef HW_MISC_PASID_TESTDEV_H
#define HW_MISC_PASID_TESTDEV_H

#include "qemu/bitops.h"

#define TYPE_PASID_TESTDEV              "pasid-testdev"

/* The vendor ID is PCI_VENDOR_ID_QEMU */
#define PASID_TESTDEV_DEVICE_ID         0x7061

/* Where the device puts its own extended capabilities */
#define PASID_TESTDEV_DSN_OFFSET        0x100
#define PASID_TESTDEV_PASID_OFFSET      0x110
#define PASID_TESTDEV_ATS_OFFSET        0x118
/* The serial number makes room for a PASID capability at 0x100 */
#define PASID_TESTDEV_DSN_SECOND_OFFSET 0x108
#define PASID_TESTDEV_SERIAL            0x5041534944746573ULL

/* BAR 0: 32-bit little-endian registers */
#define PASID_TESTDEV_BAR_SIZE          0x1000
#define PASID_TESTDEV_REG_ID            0x00
#define   PASID_TESTDEV_ID_VALUE        0x44495350 /* "PSID" */
#define PASID_TESTDEV_REG_ADDR_LO       0x08
#define PASID_TESTDEV_REG_ADDR_HI       0x0c
#define PASID_TESTDEV_REG_PASID         0x10
#define   PASID_TESTDEV_PASID_MASK      MAKE_64BIT_MASK(0, 20)
#define   PASID_TESTDEV_PASID_VALID     BIT(31)
#define PASID_TESTDEV_REG_LENGTH        0x14
#define PASID_TESTDEV_REG_COMMAND       0x18
#define   PASID_TESTDEV_CMD_READ        1 /* guest memory to DATA */
#define   PASID_TESTDEV_CMD_WRITE       2 /* DATA to guest memory */
#define   PASID_TESTDEV_CMD_CANCEL      3 /* channels only */
#define   PASID_TESTDEV_CMD_OP_MASK     0xff
#define   PASID_TESTDEV_CMD_MSI         BIT(8) /* signal when done */
#define   PASID_TESTDEV_CMD_ATS         BIT(9) /* translated addresses */
#define PASID_TESTDEV_REG_STATUS        0x1c
#define   PASID_TESTDEV_STATUS_IDLE     0 /* nothing done since reset */
#define   PASID_TESTDEV_STATUS_OK       1
#define   PASID_TESTDEV_STATUS_FAULT    2 /* the bus or an IOMMU refused */
#define   PASID_TESTDEV_STATUS_DISABLED 3 /* PASID or ATS Enable is clear */
#define   PASID_TESTDEV_STATUS_RANGE    4 /* does not fit Max PASID Width */
#define   PASID_TESTDEV_STATUS_UNSUPPORTED 5 /* cannot be put on the bus */
#define   PASID_TESTDEV_STATUS_BAD_CMD  6 /* unknown command or length */
#define   PASID_TESTDEV_STATUS_BUSY     7 /* channels only: not ended yet */
#define   PASID_TESTDEV_STATUS_CANCELLED 8 /* channels only: by the command */
#define PASID_TESTDEV_REG_ATC_ENTRIES   0x20 /* translations now cached */
#define PASID_TESTDEV_REG_ATC_INVALIDATIONS 0x24 /* since reset */
#define PASID_TESTDEV_REG_CHANNELS      0x28 /* number of channels */
#define PASID_TESTDEV_REG_DATA          0x100
#define PASID_TESTDEV_DATA_SIZE         0x100

/*
 * Channel n has registers from ADDR_LO to STATUS of its own, at the offsets
 * above from here on
 */
#define PASID_TESTDEV_CHANNELS          8
#define PASID_TESTDEV_CHANNEL_SIZE      0x100
#define PASID_TESTDEV_CHANNEL(n) (0x400 + (n) * PASID_TESTDEV_CHANNEL_SIZE)
#define   PASID_TESTDEV_CHANNEL_DATA    0x80
#define   PASID_TESTDEV_CHANNEL_DATA_SIZE 0x80

/* MemTxAttrs.pid has this many bits, and zero there means no PASID */
#define PASID_TESTDEV_MEMTXATTRS_PID_MAX 0xff

/* Translations that the address translation cache holds */
#define PASID_TESTDEV_ATC_SIZE          16

#endif /* HW_MISC_PASID_TESTDEV_H */
