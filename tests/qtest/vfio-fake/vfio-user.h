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

/**
 * vu_server_start: serve one PCI device on a UNIX socket, in a thread
 *
 * @path: of the socket, which must not exist
 * @config: 4096 bytes of config space, used until the server ends
 *
 * The device has its config space and no BAR or interrupt. It serves one
 * client, and whatever that client maps or configures is accepted and ignored.
 *
 * Returns: the server; vu_server_end() waits for the client to go and frees it.
 */
VuServer *vu_server_start(const char *path, uint8_t *config);
void vu_server_end(VuServer *s);

#endif /* TESTS_QTEST_VFIO_FAKE_VFIO_USER_H */
