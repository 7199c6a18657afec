/*
 * Parser of the output of "lspci -xxxx"
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef VPASID_PLAN_DUMP_H
#define VPASID_PLAN_DUMP_H

/**
 * dump_parse: read devices from the text of a dump
 *
 * A device starts with a line that has its address, and ends with an empty
 * line or the next device. Lines of "OFFSET: BYTE..." are its configuration
 * space, without gaps. Other lines are what lspci -v prints, and are ignored.
 * A virtual function gets its physical one if that is there too.
 *
 * @file: name of the dump, for messages.
 *
 * @text: the dump, @length bytes of it.
 *
 * @length: in bytes.
 *
 * @devices: of #Device, to which those of the dump are added in its order.
 *
 * @error: set on failure to a message with @file and the line. May be NULL.
 *
 * Returns: true if the whole dump could be read and has at least one device.
 */
bool dump_parse(const char *file, const char *text, size_t length,
                GPtrArray *devices, GError **error);

/**
 * dump_read: read devices from a file
 *
 * @file: name of the file.
 *
 * @devices: as for dump_parse().
 *
 * @error: as for dump_parse().
 *
 * Returns: true if the file could be read, and dump_parse() succeeded.
 */
bool dump_read(const char *file, GPtrArray *devices, GError **error);

#endif /* VPASID_PLAN_DUMP_H */
