/*
 * Configuration space of the host's devices, from sysfs
 *
 * The files are those of Linux's Documentation/ABI/testing/sysfs-bus-pci.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <glib/gstdio.h>

#include "device.h"
#include "sysfs.h"

static bool fail_errno(const char *path, GError **error)
{
    int saved = errno;

    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(saved),
                "%s: %s", path, g_strerror(saved));
    return false;
}

static bool read_config(const char *path, Device *dev, GError **error)
{
    GStatBuf info;
    FILE *file = fopen(path, "rb");
    bool failed;

    if (!file) {
        return fail_errno(path, error);
    }
    /* Read nothing twice: some devices do not like it */
    dev->size = fread(dev->image, 1, sizeof(dev->image), file);
    failed = ferror(file) || g_stat(path, &info);
    if (failed) {
        fail_errno(path, error);
    }
    fclose(file);
    if (failed) {
        return false;
    }
    if (!dev->size) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                    "%s: it is empty", path);
        return false;
    }
    /* The size of the file is that of the configuration space */
    if (info.st_size >= PCI_IMAGE_SIZE) {
        dev->total = MIN(info.st_size, PCIE_ECAP_IMAGE_SIZE);
    }
    return true;
}

/* Virtual functions have their IDs only here */
static uint16_t read_id(const char *dir, const char *file, uint16_t otherwise)
{
    g_autofree char *path = g_build_filename(dir, file, NULL);
    g_autofree char *text = NULL;
    char *end;
    uint64_t id;

    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        return otherwise;
    }
    id = g_ascii_strtoull(text, &end, 16);
    return end == text || id > UINT16_MAX ? otherwise : id;
}

/* A device that cannot be read is one that nothing is known about */
static void read_or_note(const char *path, Device *dev)
{
    g_autoptr(GError) error = NULL;

    if (!read_config(path, dev, &error)) {
        dev->size = 0;
        dev->problem = g_strdup(error->message);
    }
}

static Device *read_directory(const char *dir, const char *name,
                              GError **error)
{
    g_autofree char *config = g_build_filename(dir, "config", NULL);
    g_autofree char *physfn = g_build_filename(dir, "physfn", NULL);
    Device *dev;

    if (!g_file_test(dir, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                    "%s: there is no such device", dir);
        return NULL;
    }
    dev = device_new(name, g_strdup(config));
    read_or_note(config, dev);
    dev->vendor = read_id(dir, "vendor", dev->image[0] | dev->image[1] << 8);
    dev->device = read_id(dir, "device", dev->image[2] | dev->image[3] << 8);
    dev->is_virtual = g_file_test(physfn, G_FILE_TEST_IS_DIR);
    if (dev->is_virtual) {
        g_autofree char *path = g_build_filename(physfn, "config", NULL);

        dev->physical = device_new("physical function", g_strdup(path));
        read_or_note(path, dev->physical);
    }
    return dev;
}

bool sysfs_read_device(const char *root, const char *name, GPtrArray *devices,
                       GError **error)
{
    g_autofree char *dir = g_build_filename(root, name, NULL);
    Device *dev = read_directory(dir, name, error);

    if (!dev) {
        return false;
    }
    g_ptr_array_add(devices, dev);
    return true;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool sysfs_read_all(const char *root, GPtrArray *devices, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(root, 0, error);
    const char *entry;

    if (!dir) {
        return false;
    }
    while ((entry = g_dir_read_name(dir))) {
        g_autofree char *name = device_parse_name(entry);

        if (name && !strcmp(name, entry)) {
            g_ptr_array_add(names, g_steal_pointer(&name));
        }
    }
    g_ptr_array_sort(names, compare);
    for (unsigned i = 0; i < names->len; i++) {
        sysfs_read_device(root, g_ptr_array_index(names, i), devices, NULL);
    }
    return true;
}
