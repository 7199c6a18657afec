/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pasid-testdev in the memory of a process: what the module and the program
 * sva-fault share
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * The registers are those of docs/specs/pasid-testdev.rst.
 */

#ifndef PASID_SVA_H
#define PASID_SVA_H

#define TESTDEV_ADDR_LO			0x08
#define TESTDEV_ADDR_HI			0x0c
#define TESTDEV_PASID			0x10
#define TESTDEV_PASID_SEND		(1u << 31)
#define TESTDEV_LENGTH			0x14
#define TESTDEV_COMMAND			0x18
#define TESTDEV_COMMAND_READ		1
#define TESTDEV_COMMAND_WRITE		2
#define TESTDEV_COMMAND_CANCEL		3
#define TESTDEV_COMMAND_ATS		(1u << 9)
#define TESTDEV_STATUS			0x1c
#define TESTDEV_STATUS_OK		1
#define TESTDEV_STATUS_FAULT		2
#define TESTDEV_STATUS_BUSY		7
#define TESTDEV_STATUS_CANCELLED	8
#define TESTDEV_ATC_ENTRIES		0x20
#define TESTDEV_DATA			0x100
#define TESTDEV_CHANNELS		8
#define TESTDEV_CHANNEL(n)		(0x400 + (n) * 0x100)
#define TESTDEV_CHANNEL_DATA		0x80

/*
 * A process that opens /dev/sva-ADDRESS shares its memory with the device until
 * it closes the file. It can map a page at one of these offsets of the file.
 */
/* The device's registers */
#define SVA_OFFSET_REGISTERS		0x0000
/* A page, of up to 64K, that is there only when somebody writes to `late` */
#define SVA_OFFSET_LATE			0x10000

/* Get the PASID, as a uint32_t */
#define SVA_GET_PASID			_IOR('p', 0, unsigned int)

#endif
