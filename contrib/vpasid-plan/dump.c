/*
 * Parser of the output of "lspci -xxxx"
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "device.h"
#include "dump.h"
#include "sriov.h"

/* lspci prints offsets with as many digits as they need, but at least two */
#define MIN_OFFSET_DIGITS   2
#define MAX_OFFSET_DIGITS   3
#define BYTES_PER_LINE      16
/* The header of configuration space */
#define MIN_SIZE            64

/* Configuration space of every function (PCIe 6.2, 7.5.1) */
#define CLASS_CODE          0x08
#define HEADER_TYPE         0x0e

#define DUMP_ERROR          g_quark_from_static_string("vpasid-plan-dump")

typedef struct Dump {
    const char *file;
    unsigned line;
    GPtrArray *devices;
    /* The one that the bytes belong to; NULL between devices */
    Device *dev;
} Dump;

static bool G_GNUC_PRINTF(3, 4) fail(const Dump *dump, GError **error,
                                     const char *fmt, ...)
{
    g_autofree char *what = NULL;
    va_list ap;

    va_start(ap, fmt);
    what = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    g_set_error(error, DUMP_ERROR, 0, "%s:%u: %s", dump->file, dump->line,
                what);
    return false;
}

/* Does the line begin like one of bytes do? Then it has to be a good one. */
static bool looks_like_bytes(const char *line)
{
    unsigned digits = 0;

    while (g_ascii_isxdigit(line[digits])) {
        digits++;
    }
    return digits >= MIN_OFFSET_DIGITS && line[digits] == ':' &&
           (!line[digits + 1] || g_ascii_isspace(line[digits + 1]));
}

static bool parse_bytes(Dump *dump, const char *line, GError **error)
{
    Device *dev = dump->dev;
    const char *colon = strchr(line, ':');
    const char *pos = colon + 1;
    uint32_t offset;
    unsigned count = 0;

    if (!dev) {
        return fail(dump, error, "bytes without a device; a line like "
                    "\"00:01.0 ...\" has to come before them");
    }
    if (colon - line > MAX_OFFSET_DIGITS) {
        return fail(dump, error, "offset %.*s is above 0x%x",
                    (int)MIN(colon - line, 16), line,
                    PCIE_ECAP_IMAGE_SIZE - 1);
    }
    offset = g_ascii_strtoull(line, NULL, 16);
    if (offset != dev->size) {
        return fail(dump, error, "offset 0x%x, but the bytes at 0x%x of %s "
                    "come next", offset, dev->size, dev->name);
    }

    while (true) {
        while (g_ascii_isspace(*pos)) {
            pos++;
        }
        if (!*pos) {
            break;
        }
        if (!g_ascii_isxdigit(pos[0]) || !g_ascii_isxdigit(pos[1]) ||
            (pos[2] && !g_ascii_isspace(pos[2]))) {
            return fail(dump, error, "byte %u of the line is not two "
                        "hexadecimal digits", count + 1);
        }
        if (count == BYTES_PER_LINE || offset + count ==
            PCIE_ECAP_IMAGE_SIZE) {
            return fail(dump, error, "more than %u bytes", count);
        }
        dev->image[offset + count] = g_ascii_xdigit_value(pos[0]) << 4 |
                                     g_ascii_xdigit_value(pos[1]);
        count++;
        pos += 2;
    }
    if (!count) {
        return fail(dump, error, "an offset without bytes");
    }
    dev->size += count;
    return true;
}

static bool end_device(Dump *dump, GError **error)
{
    Device *dev = dump->dev;

    dump->dev = NULL;
    if (!dev) {
        return true;
    }
    /* Sizes that QEMU takes; lspci -x, -xxx, -xxxx print 64, 256, 4096 */
    if (dev->size < MIN_SIZE || (dev->size > PCI_IMAGE_SIZE &&
                                 dev->size % PCIE_ECAP_ALIGN)) {
        return fail(dump, error, "%s ends here with %u bytes of configuration "
                    "space, which has to be 64 to 4096, and a multiple of 4 "
                    "above 256", dev->name, dev->size);
    }
    dev->vendor = dev->image[0] | dev->image[1] << 8;
    dev->device = dev->image[2] | dev->image[3] << 8;
    /* Of a function that is gone everything reads all ones */
    dev->is_virtual = dev->vendor == PCI_ID_OF_VIRTUAL &&
                      dev->device == PCI_ID_OF_VIRTUAL &&
                      !(dev->image[CLASS_CODE] == 0xff &&
                        dev->image[HEADER_TYPE] == 0xff);
    return true;
}

/*
 * lspci shows no more than it was asked for, or allowed to. What it shows is
 * all there is if it showed more of another device.
 */
static void find_totals(const GPtrArray *devices, unsigned first)
{
    uint16_t most = 0;

    for (unsigned i = first; i < devices->len; i++) {
        const Device *dev = g_ptr_array_index(devices, i);

        most = MAX(most, dev->size);
    }
    for (unsigned i = first; i < devices->len; i++) {
        Device *dev = g_ptr_array_index(devices, i);

        if (dev->size >= PCI_IMAGE_SIZE &&
            (most > PCI_IMAGE_SIZE || !device_is_express(dev))) {
            dev->total = dev->size;
        }
    }
}

static bool start_device(Dump *dump, const char *name, GError **error)
{
    for (unsigned i = 0; i < dump->devices->len; i++) {
        const Device *dev = g_ptr_array_index(dump->devices, i);

        if (!strcmp(dev->name, name)) {
            return fail(dump, error, "%s was there before, at %s", name,
                        dev->source);
        }
    }
    dump->dev = device_new(name, g_strdup_printf("%s:%u", dump->file,
                                                 dump->line));
    g_ptr_array_add(dump->devices, dump->dev);
    return true;
}

static bool parse_line(Dump *dump, const char *line, GError **error)
{
    g_autofree char *name = device_parse_name(line);

    if (name) {
        return end_device(dump, error) && start_device(dump, name, error);
    }
    if (looks_like_bytes(line)) {
        return parse_bytes(dump, line, error);
    }
    if (!*line) {
        return end_device(dump, error);
    }
    return true;
}

bool dump_parse(const char *file, const char *text, size_t length,
                GPtrArray *devices, GError **error)
{
    Dump dump = { .file = file, .line = 1, .devices = devices };
    unsigned before = devices->len;
    g_auto(GStrv) lines = NULL;

    if (memchr(text, 0, length)) {
        return fail(&dump, error, "not a text file");
    }
    lines = g_strsplit(text, "\n", -1);
    for (; lines[dump.line - 1]; dump.line++) {
        char *line = g_strchomp(lines[dump.line - 1]);

        if (!parse_line(&dump, line, error)) {
            return false;
        }
    }
    dump.line--;
    if (!end_device(&dump, error)) {
        return false;
    }
    if (devices->len == before) {
        dump.line = 1;
        return fail(&dump, error, "no device in it; it has to be what "
                    "\"lspci -xxxx\" prints");
    }
    find_totals(devices, before);
    sriov_link(devices, before);
    return true;
}

bool dump_read(const char *file, GPtrArray *devices, GError **error)
{
    g_autofree char *text = NULL;
    size_t length;

    return g_file_get_contents(file, &text, &length, error) &&
           dump_parse(file, text, length, devices, error);
}
