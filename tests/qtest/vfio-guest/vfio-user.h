/*
 * Test library: a vfio-user server
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_QTEST_VFIO_GUEST_VFIO_USER_H
#define TESTS_QTEST_VFIO_GUEST_VFIO_USER_H

#include <stdint.h>

typedef struct VuServer VuServer;

enum { VU_MAX_CHANGES = 8 };

/**
 * struct VuChange - a reply that is changed
 *
 * @command: command of the reply, 0 for an unused change
 * @nth: number of the reply to that command, from 1; 0 for each reply
 * @offset: in the message, its header included
 * @size: 0 to 8 bytes
 * @value: the new bytes
 * @half: bytes of the message that are sent at once; the rest follows the next
 *        message of the client. 0 to send all at once
 */
typedef struct VuChange {
    uint16_t command;
    uint16_t nth;
    uint32_t offset;
    uint32_t size;
    uint64_t value;
    uint32_t half;
} VuChange;

/**
 * struct VuDevice - the device of a server
 *
 * @config: 4096 bytes of config space
 * @config_size: size that the client is told, 0 for 4096
 * @bar0: size of its only BAR, 0 without
 * @fails: command answered with EIO, 0 for none
 * @sends_fd: command answered with a descriptor besides, 0 for none
 * @capabilities: JSON that the version is answered with, NULL for none
 * @claims: bytes that a request of its own says to have, without having any
 * @change: changes that all apply
 * @before: called in the thread of the server before it answers @command, NULL
 *          for nothing
 * @opaque: for it
 */
typedef struct VuDevice {
    uint8_t *config;
    uint64_t config_size;
    uint64_t bar0;
    uint16_t fails;
    uint16_t sends_fd;
    const char *capabilities;
    uint64_t claims;
    VuChange change[VU_MAX_CHANGES];
    void (*before)(VuServer *s, uint16_t command, void *opaque);
    void *opaque;
} VuDevice;

/**
 * vu_server_start: serve one PCI device on a UNIX socket, in a thread
 *
 * @path: of the socket, which must not exist
 * @device: used until the server ends
 *
 * It serves one client. It accepts and ignores all mappings and settings,
 * unless
 * @device fails the command. A BAR reads zero.
 *
 * Returns: the server; vu_server_end() waits until the client has disconnected
 * and frees it.
 */
VuServer *vu_server_start(const char *path, const VuDevice *device);
void vu_server_end(VuServer *s);

/**
 * vu_server_request: ask the client to write to memory, and for no reply
 *
 * Nothing is written, as the requests are for 0 bytes. One that the client has
 * taken in part is completed by the next call.
 *
 * @s: the server, whose thread must not send at this time
 * @count: how many of these requests
 * @patience: milliseconds that the client may take nothing
 *
 * Returns: how many the client has taken, which is less than @count when it
 * takes no more or has gone.
 */
unsigned int vu_server_request(VuServer *s, unsigned int count, int patience);

#endif /* TESTS_QTEST_VFIO_GUEST_VFIO_USER_H */
