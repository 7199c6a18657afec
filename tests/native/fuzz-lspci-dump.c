/*
 * Fuzzing of the reader of "lspci -xxxx" dumps
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "fuzz.h"
#include "contrib/vpasid-plan/device.h"
#include "contrib/vpasid-plan/dump.h"

const FuzzInput fuzz_input = FUZZ_TEXT;

/* Writing the devices down and reading that gives the same devices */
static void check_again(const GPtrArray *devices)
{
    g_autoptr(GPtrArray) again = g_ptr_array_new_with_free_func(device_free);
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < devices->len; i++) {
        const Device *dev = g_ptr_array_index(devices, i);

        g_string_append_printf(text, "%s\n", dev->name);
        for (unsigned at = 0; at < dev->size; at++) {
            if (at % 16 == 0) {
                g_string_append_printf(text, "%s%02x:", at ? "\n" : "", at);
            }
            g_string_append_printf(text, " %02x", dev->image[at]);
        }
        g_string_append(text, "\n\n");
    }
    g_assert_true(dump_parse("again", text->str, text->len, again, NULL));
    g_assert_cmpuint(again->len, ==, devices->len);
    for (unsigned i = 0; i < devices->len; i++) {
        const Device *a = g_ptr_array_index(devices, i);
        const Device *b = g_ptr_array_index(again, i);

        g_assert_cmpstr(a->name, ==, b->name);
        g_assert_cmpuint(a->size, ==, b->size);
        g_assert_true(!memcmp(a->image, b->image, sizeof(a->image)));
        g_assert_cmpuint(a->total, ==, b->total);
        g_assert_cmpstr(a->physical ? a->physical->name : NULL, ==,
                        b->physical ? b->physical->name : NULL);
        g_assert_true(a->is_virtual == b->is_virtual);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(device_free);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strndup((const char *)data, size);

    if (dump_parse("fuzz", text, size, devices, &error)) {
        g_assert_no_error(error);
        g_assert_cmpuint(devices->len, >, 0);
        check_again(devices);
    } else {
        g_assert_nonnull(error);
        g_assert_true(g_str_has_prefix(error->message, "fuzz:"));
    }
    return 0;
}
