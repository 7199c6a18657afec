/*
 * Unit tests of finding places for extended capabilities and using them
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "pcie-ecap-image.h"

static void test_place_check(void)
{
    g_autofree Image *im = image_new();
    const PCIEEcapLayout *layout = &im->layout;
    const uint8_t *bytes = im->bytes;

    put_cap(im, 0x100, 0x03, 1, 0x200);
    put_cap(im, 0x200, 0x10, 1, 0);
    im->bytes[0xfff] = 1;
    im->bytes[0x240] = 1;
    parse(im);

    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0x300, 3), ==,
                    PCIE_ECAP_BAD_RANGE);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0x100, 3841), ==,
                    PCIE_ECAP_BAD_RANGE);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0x302, 8), ==,
                    PCIE_ECAP_MISALIGNED);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0x0fc, 8), ==,
                    PCIE_ECAP_BAD_RANGE);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0xffc, 8), ==,
                    PCIE_ECAP_BAD_RANGE);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0xfffc, 8), ==,
                    PCIE_ECAP_BAD_RANGE);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0x100, 8), ==,
                    PCIE_ECAP_HIT_HEADER);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0x108, 8), ==,
                    PCIE_ECAP_HIT_BODY);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0x10c, 8), ==,
                    PCIE_ECAP_OK);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0x1fc, 8), ==,
                    PCIE_ECAP_HIT_HEADER);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0x1f8, 8), ==,
                    PCIE_ECAP_OK);
    /* Both a body and bytes that are not zero */
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0x23c, 8), ==,
                    PCIE_ECAP_HIT_BODY);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0x240, 8), ==,
                    PCIE_ECAP_NONZERO);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, PASID_AT_END, 8), ==,
                    PCIE_ECAP_NONZERO);

    pcie_ecap_reserve(&im->layout, 0x303, 2);
    pcie_ecap_reserve(&im->layout, 0x400, 0);
    pcie_ecap_reserve(&im->layout, 0, 0x104);
    pcie_ecap_reserve(&im->layout, 0xffff, 0xffff);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0x2fc, 8), ==,
                    PCIE_ECAP_HIT_RESERVED);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0x304, 8), ==,
                    PCIE_ECAP_HIT_RESERVED);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0x308, 8), ==,
                    PCIE_ECAP_OK);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0x400, 8), ==,
                    PCIE_ECAP_OK);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0x100, 8), ==,
                    PCIE_ECAP_HIT_HEADER);
}

/* The lowest one is named, header or body as it was said */
static void test_place_named(void)
{
    static const struct {
        uint16_t offset;
        uint16_t size;
        PCIEEcapReason reason;
        uint16_t named;
    } places[] = {
        { .offset = 0x100, .size = 8, .reason = PCIE_ECAP_HIT_HEADER,
          .named = 0x100 },
        { .offset = 0x104, .size = 8, .reason = PCIE_ECAP_HIT_BODY,
          .named = 0x100 },
        { .offset = 0x1f8, .size = 0x40, .reason = PCIE_ECAP_HIT_HEADER,
          .named = 0x200 },
        { .offset = 0x104, .size = 0x200, .reason = PCIE_ECAP_HIT_HEADER,
          .named = 0x200 },
        { .offset = 0x104, .size = 0x200, .reason = PCIE_ECAP_HIT_BODY,
          .named = 0x100 },
        { .offset = 0x23c, .size = 8, .reason = PCIE_ECAP_HIT_BODY,
          .named = 0x200 },
        { .offset = 0x240, .size = 8, .reason = PCIE_ECAP_NONZERO },
        { .offset = 0x100, .size = 8, .reason = PCIE_ECAP_OK },
        { .offset = 0x10c, .size = 8, .reason = PCIE_ECAP_HIT_HEADER },
    };
    g_autofree Image *im = image_new();

    put_cap(im, 0x100, 0x03, 1, 0x200);
    put_cap(im, 0x200, 0x10, 1, 0);
    parse(im);
    for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
        const PCIEEcapExtent *ext =
            pcie_ecap_in_the_way(&im->layout, places[i].offset,
                                 places[i].size, places[i].reason);

        g_test_message("0x%x", places[i].offset);
        g_assert_cmphex(ext ? ext->offset : 0, ==, places[i].named);
    }

    /* A Null head is in nobody's way */
    put_cap(im, 0x100, PCIE_ECAP_ID_NULL, 0, 0x104);
    put_cap(im, 0x104, 0x0f, 1, 0);
    parse(im);
    g_assert_true(pcie_ecap_in_the_way(&im->layout, 0x100, 8,
                                       PCIE_ECAP_HIT_HEADER) ==
                  &im->layout.extents[1]);
}

static void test_place_alloc(void)
{
    g_autofree Image *im = image_new();

    put_cap(im, 0x100, 0x03, 1, 0xfe0);
    put_cap(im, 0xfe0, 0x04, 1, 0);
    parse(im);
    g_assert_cmphex(pcie_ecap_alloc(&im->layout, im->bytes, 2), ==, 0);
    g_assert_cmphex(pcie_ecap_alloc(&im->layout, im->bytes, 8), ==,
                    PASID_AT_END);
    g_assert_cmphex(pcie_ecap_alloc(&im->layout, im->bytes, 16), ==,
                    0xff0);
    g_assert_cmphex(pcie_ecap_alloc(&im->layout, im->bytes, 20), ==,
                    0xfe0 - 20);
    /* A size that is no multiple of 4 still ends inside */
    g_assert_cmphex(pcie_ecap_alloc(&im->layout, im->bytes, 6), ==,
                    PASID_AT_END);

    memset(im->bytes + 0x10c, 0x5a, 0xfe0 - 0x10c);
    im->bytes[0xffb] = 1;
    g_assert_cmphex(pcie_ecap_alloc(&im->layout, im->bytes, 8), ==,
                    0xff0);
    im->bytes[0xff3] = 1;
    g_assert_cmphex(pcie_ecap_alloc(&im->layout, im->bytes, 8), ==, 0);
}

static void test_insert_end(void)
{
    g_autofree Image *im = image_new();
    const PCIEEcapExtent *ext;

    put_cap(im, 0x100, 0x03, 1, 0x203);
    put_cap(im, 0x200, 0x10, 1, 0);
    g_assert_cmpint(pcie_ecap_insert(im->bytes, PASID_AT_END, PASID_ID, 1,
                                     PASID_SIZE), ==, PCIE_ECAP_OK);
    g_assert_cmphex(get32(im->bytes, 0x100), ==, 0x20310003);
    g_assert_cmphex(get32(im->bytes, 0x200), ==, 0xff810010);
    g_assert_cmphex(get32(im->bytes, PASID_AT_END), ==, 0x0001001b);
    parse(im);
    ext = pcie_ecap_find(&im->layout, PASID_ID);
    g_assert_nonnull(ext);
    g_assert_cmphex(ext->offset, ==, PASID_AT_END);
    g_assert_cmphex(ext->size, ==, PASID_SIZE);

    /* There is no room for another */
    g_assert_cmpint(pcie_ecap_insert(im->bytes, PASID_AT_END, PASID_ID, 1,
                                     PASID_SIZE), ==,
                    PCIE_ECAP_HIT_HEADER);
}

static void test_insert_middle(void)
{
    g_autofree Image *im = image_new();

    put_cap(im, 0x100, 0x03, 1, 0x200);
    put_cap(im, 0x200, 0x10, 1, 0);
    g_assert_cmpint(pcie_ecap_insert(im->bytes, 0x110, PASID_ID, 1,
                                     PASID_SIZE), ==, PCIE_ECAP_OK);
    g_assert_cmphex(get32(im->bytes, 0x100), ==, 0x11010003);
    g_assert_cmphex(get32(im->bytes, 0x110), ==, 0x2001001b);
    g_assert_cmphex(get32(im->bytes, 0x200), ==, 0x00010010);
}

static void test_insert_empty(void)
{
    g_autofree Image *im = image_new();

    /* The head is what is inserted */
    g_assert_cmpint(pcie_ecap_insert(im->bytes, 0x100, PASID_ID, 1,
                                     PASID_SIZE), ==, PCIE_ECAP_OK);
    g_assert_cmphex(get32(im->bytes, 0x100), ==, 0x0001001b);

    /* The head is a Null capability that leads there */
    memset(im->bytes, 0, END);
    g_assert_cmpint(pcie_ecap_insert(im->bytes, PASID_AT_END, PASID_ID, 1,
                                     PASID_SIZE), ==, PCIE_ECAP_OK);
    g_assert_cmphex(get32(im->bytes, 0x100), ==, 0xff800000);
    g_assert_cmphex(get32(im->bytes, PASID_AT_END), ==, 0x0001001b);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 2);

    /* The bytes behind 0x100 count */
    memset(im->bytes, 0, END);
    im->bytes[0x104] = 1;
    g_assert_cmpint(pcie_ecap_insert(im->bytes, 0x100, PASID_ID, 1,
                                     PASID_SIZE), ==,
                    PCIE_ECAP_NONZERO);
}

static void test_insert_null_head(void)
{
    g_autofree Image *im = image_new();

    /* A capability was hidden here: the new one takes over its pointer */
    put_cap(im, 0x100, PCIE_ECAP_ID_NULL, 0, 0x140);
    put_cap(im, 0x140, 0x03, 1, 0);
    g_assert_cmpint(pcie_ecap_insert(im->bytes, 0x100, PASID_ID, 1,
                                     PASID_SIZE), ==, PCIE_ECAP_OK);
    g_assert_cmphex(get32(im->bytes, 0x100), ==, 0x1401001b);

    /* Not if the next capability is too near */
    memset(im->bytes, 0, END);
    put_cap(im, 0x100, PCIE_ECAP_ID_NULL, 0, 0x104);
    put_cap(im, 0x104, 0x03, 1, 0);
    g_assert_cmpint(pcie_ecap_insert(im->bytes, 0x100, PASID_ID, 1,
                                     PASID_SIZE), ==,
                    PCIE_ECAP_HIT_HEADER);

    /* And elsewhere it is left alone */
    g_assert_cmpint(pcie_ecap_insert(im->bytes, 0x200, PASID_ID, 1,
                                     PASID_SIZE), ==, PCIE_ECAP_OK);
    g_assert_cmphex(get32(im->bytes, 0x100), ==, 0x10400000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pcie-ecap/place/check", test_place_check);
    g_test_add_func("/pcie-ecap/place/named", test_place_named);
    g_test_add_func("/pcie-ecap/place/alloc", test_place_alloc);
    g_test_add_func("/pcie-ecap/insert/end", test_insert_end);
    g_test_add_func("/pcie-ecap/insert/middle", test_insert_middle);
    g_test_add_func("/pcie-ecap/insert/empty", test_insert_empty);
    g_test_add_func("/pcie-ecap/insert/null-head", test_insert_null_head);
    return g_test_run();
}
