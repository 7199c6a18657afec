/*
 * Runner of a fuzz target without libFuzzer
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "fuzz.h"
#include "contrib/vpasid-plan/device.h"
#include "contrib/vpasid-plan/dump.h"

/*
 * usage: replay-TARGET [--write DIRECTORY] PATH...
 *
 * PATH is a file, or a directory of files; what the environment variable
 * VPASID_PLAN_DUMPS names comes behind the last one. A target that takes images
 * gets one for each device if the file is a dump; any other file is an input
 * as libFuzzer saves it. Each input is run as it is, and in variants that are
 * the same each time. Prints TAP.
 *
 * With --write the inputs are written to a directory, for libFuzzer to start
 * from, and not run.
 */

#define VARIANTS    40
#define CHANGES     8

static const char *out_dir;
static unsigned count;

/* Inputs that the target takes as they are, or cut short, or with changes */
static void run_variants(const uint8_t *data, size_t size)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(size);

    LLVMFuzzerTestOneInput(data, size);
    for (unsigned i = 0; size && i < VARIANTS; i++) {
        g_autofree uint8_t *variant = g_memdup2(data, size);
        size_t length = i % 2 ? size : g_rand_int_range(rand, 0, size + 1);

        for (unsigned j = 0; length && j < CHANGES; j++) {
            variant[g_rand_int_range(rand, 0, length)] = g_rand_int(rand);
        }
        LLVMFuzzerTestOneInput(variant, length);
    }
}

static void take(const char *name, const uint8_t *data, size_t size)
{
    count++;
    if (out_dir) {
        g_autofree char *path = g_build_filename(out_dir, name, NULL);

        if (!g_file_set_contents(path, (const char *)data, size, NULL)) {
            g_error("cannot write %s", path);
        }
        return;
    }
    /* If it aborts, this tells for which */
    printf("# %s\n", name);
    fflush(stdout);
    run_variants(data, size);
}

/* Returns false if the text is no dump */
static bool take_images(const char *name, const char *text, size_t size)
{
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(device_free);

    if (!dump_parse(name, text, size, devices, NULL)) {
        return false;
    }
    for (unsigned i = 0; i < devices->len; i++) {
        const Device *dev = g_ptr_array_index(devices, i);
        g_autofree char *title = g_strdup_printf("%s.%u", name, i);
        uint8_t data[FUZZ_PARAMETERS + PCIE_ECAP_IMAGE_SIZE];

        fuzz_image_input(dev->image, data);
        take(title, data, sizeof(data));
    }
    return true;
}

static void take_file(const char *path)
{
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    size_t size;

    if (!g_file_get_contents(path, &text, &size, &error)) {
        g_error("%s", error->message);
    }
    if (fuzz_input != FUZZ_IMAGE || !take_images(name, text, size)) {
        take(name, (uint8_t *)text, size);
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void take_directory(const char *path)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *entry;

    while (dir && (entry = g_dir_read_name(dir))) {
        g_ptr_array_add(names, g_build_filename(path, entry, NULL));
    }
    g_ptr_array_sort(names, compare);
    for (unsigned i = 0; i < names->len; i++) {
        if (g_file_test(g_ptr_array_index(names, i), G_FILE_TEST_IS_REGULAR)) {
            take_file(g_ptr_array_index(names, i));
        }
    }
}

static void take_path(const char *path)
{
    if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
        take_directory(path);
    } else {
        take_file(path);
    }
}

int main(int argc, char **argv)
{
    const char *more = g_getenv("VPASID_PLAN_DUMPS");
    int first = 1;

    if (argc > 2 && !strcmp(argv[1], "--write")) {
        out_dir = argv[2];
        first = 3;
    }
    for (int i = first; i < argc; i++) {
        take_path(argv[i]);
    }
    if (more && *more) {
        take_path(more);
    }
    if (!count) {
        fprintf(stderr, "%s: no input\n", argv[0]);
        return 1;
    }
    if (!out_dir) {
        printf("1..1\nok 1 - %u inputs with %u variants each\n", count,
               VARIANTS);
    }
    return 0;
}
