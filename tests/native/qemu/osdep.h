/*
 * The part of QEMU's osdep.h that the layout engine needs
 *
 * It stands in for that header when the engine is built without QEMU.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef QEMU_OSDEP_H
#define QEMU_OSDEP_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

/* GLib has MIN() and MAX() too */
#define DIV_ROUND_UP(n, d)      (((n) + (d) - 1) / (d))
#define QEMU_ALIGN_DOWN(n, m)   ((n) / (m) * (m))
#define QEMU_ALIGN_UP(n, m)     (DIV_ROUND_UP(n, m) * (m))

#endif /* QEMU_OSDEP_H */
