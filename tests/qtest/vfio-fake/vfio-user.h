/*
 * A vfio-user server for qtests
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_QTEST_VFIO_FAKE_VFIO_USER_H
#define TESTS_QTEST_VFIO_FAKE_VFIO_USER_H

#include <stdint.h>

typedef struct VuServer VuServer;

typedef struct VuDevice {
    uint8_t *config;            /* 4096 bytes of config space */
    uint64_t bar0;              /* size of its only BAR, 0 without */
    uint16_t fails;             /* command answered with EIO, 0 for none */
} VuDevice;

/**
 * vu_server_start: serve one PCI device on a UNIX socket, in a thread
 *
 * @path: of the socket, which must not exist
 * @device: used until the server ends
 *
 * It serves one client, and whatever that client maps or configures is accepted
 * and ignored, unless the device fails that command. A BAR reads zero.
 *
 * Returns: the server; vu_server_end() waits for the client to go and frees it.
 */
VuServer *vu_server_start(const char *path, const VuDevice *device);
void vu_server_end(VuServer *s);

#endif /* TESTS_QTEST_VFIO_FAKE_VFIO_USER_H */
