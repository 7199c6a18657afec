/*
 * Migration of a guest by way of a file, for qtests
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_QTEST_VFIO_FAKE_STREAM_H
#define TESTS_QTEST_VFIO_FAKE_STREAM_H

#include "guest.h"

/* Returns: a name for a stream, for g_free(); the file is not there yet */
gchar *vg_stream_uri(void);

/* Delete the file of a stream */
void vg_stream_remove(const char *uri);

/* Returns: the path of the file that @uri names */
const char *vg_stream_path(const char *uri);

/**
 * vg_migrate_out: migrate a guest to a file
 *
 * @g: the guest; it is gone afterwards, and its client
 * @uri: of the stream
 *
 * Asserts that the migration completes.
 */
void vg_migrate_out(VfGuest *g, const char *uri);

/**
 * vg_migrate_in: have a QEMU take in a stream
 *
 * @g: a QEMU that was started with -incoming defer
 * @uri: of the stream
 *
 * Returns: how it ended, "completed" or "failed", for g_free().
 */
gchar *vg_migrate_in(VfGuest *g, const char *uri);

/* Returns: what a QEMU says of a migration that failed, for g_free() */
gchar *vg_migrate_error(VfGuest *g);

#endif /* TESTS_QTEST_VFIO_FAKE_STREAM_H */
