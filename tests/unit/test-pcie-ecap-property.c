/*
 * Properties of the layout of random configuration space
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "pcie-ecap-properties.h"

/* An image that is sometimes sane and sometimes not */
static void randomize(Image *im)
{
    int noise = g_test_rand_int_range(0, 200);
    int caps = g_test_rand_int_range(0, 24);
    uint16_t at = PCIE_ECAP_HEAD;

    memset(im->bytes, 0, END);
    put_pcie(im, g_test_rand_int_range(0, 16), g_test_rand_int_range(0, 33),
             g_test_rand_int_range(0, 2), g_test_rand_int_range(0, 2));
    if (g_test_rand_int_range(0, 4)) {
        noise = 0;
    }
    for (int i = 0; i < noise; i++) {
        im->bytes[g_test_rand_int_range(0, END)] = g_test_rand_int();
    }
    for (int i = 0; i < caps; i++) {
        uint16_t next = at + g_test_rand_int_range(1, 0x60) * 4;

        switch (g_test_rand_int_range(0, 120)) {
        case 0:
            next = g_test_rand_int();
            break;
        case 1:
            put_cap(im, at, 0x03, 1, PCIE_ECAP_HEAD);
            return;
        case 2:
            put32(im, at, UINT32_MAX);
            return;
        }
        next &= 0xfff;
        put_cap(im, at, g_test_rand_int_range(0, 0x3a),
                g_test_rand_int_range(0, 3), i == caps - 1 ? 0 : next);
        put32(im, at + 4, g_test_rand_int() & g_test_rand_int());
        if (next < PCIE_ECAP_HEAD) {
            break;
        }
        at = next & ~3;
    }
}

static uint16_t any_size(void)
{
    return g_test_rand_int_range(0, 5) ? PASID_SIZE :
           g_test_rand_int_range(0, 200);
}

/* The defects that came up, each at least once or the images are too tame */
static void test_random(void)
{
    g_autofree Image *im = image_new();
    uint32_t defects = 0;

    for (unsigned i = 0; i < 6000; i++) {
        randomize(im);
        parse(im);
        defects |= im->layout.defects;
        pcie_ecap_properties(im->bytes, g_test_rand_int_range(0, 0x400) * 4,
                             any_size());
    }
    g_assert_cmphex(defects, ==, PCIE_ECAP_CUT_SHORT * 2 - 1);
}

static void test_noise(void)
{
    g_autofree Image *im = image_new();

    for (unsigned i = 0; i < 300; i++) {
        for (unsigned at = 0; at < END; at += 4) {
            put32(im, at, g_test_rand_int());
        }
        pcie_ecap_properties(im->bytes, g_test_rand_int(), g_test_rand_int());
    }
}

/* All places and all sizes that one image has */
static void test_exhaustive(void)
{
    g_autofree Image *im = image_new();

    put_cap(im, 0x100, 0x03, 1, 0xf80);
    put_cap(im, 0xf80, 0x0f, 1, 0xfa0);
    put_cap(im, 0xfa0, 0x04, 1, 0);
    im->bytes[0xff0] = 1;
    parse(im);
    for (uint16_t offset = 0; offset <= END; offset++) {
        property_insert(im->bytes, &im->layout, offset, PASID_ID, PASID_SIZE);
    }
    for (uint16_t size = 0; size <= END; size++) {
        property_places(im->bytes, &im->layout, 0x10c, size);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pcie-ecap/property/random", test_random);
    g_test_add_func("/pcie-ecap/property/noise", test_noise);
    g_test_add_func("/pcie-ecap/property/exhaustive", test_exhaustive);
    return g_test_run();
}
