/*
 * Unit tests of lists of extended capabilities, sound and not
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "pcie-ecap-image.h"

static void test_chain_empty(void)
{
    g_autofree Image *im = image_new();

    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 0);
    g_assert_cmphex(im->layout.defects, ==, 0);
    g_assert_null(pcie_ecap_find(&im->layout, PASID_ID));

    /* Bytes behind a header of zero are nobody's */
    put32(im, 0x104, 0x12345678);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 0);
}

static void test_chain_ones(void)
{
    g_autofree Image *im = image_new();

    memset(im->bytes, 0xff, END);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 0);
    g_assert_cmphex(im->layout.defects, ==, PCIE_ECAP_ONES);
    g_assert_cmphex(im->layout.bad_offset, ==, 0x100);
    g_assert_cmphex(pcie_ecap_alloc(&im->layout, im->bytes, 8), ==, 0);

    memset(im->bytes, 0, END);
    put_cap(im, 0x100, 0x03, 1, 0x200);
    put32(im, 0x200, 0xffffffff);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 1);
    g_assert_cmphex(im->layout.defects, ==, PCIE_ECAP_ONES);
    g_assert_cmphex(im->layout.bad_offset, ==, 0x200);
}

static void test_chain_zeros(void)
{
    g_autofree Image *im = image_new();

    put_cap(im, 0x100, 0x03, 1, 0x200);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 2);
    g_assert_cmphex(im->layout.defects, ==, PCIE_ECAP_ZEROS);
    g_assert_cmphex(im->layout.bad_offset, ==, 0x200);
    /* Something is said to be there */
    g_assert_cmpint(pcie_ecap_check(&im->layout, im->bytes, 0x200, 8), ==,
                    PCIE_ECAP_HIT_HEADER);
}

static void test_chain_loop(void)
{
    g_autofree Image *im = image_new();

    put_cap(im, 0x100, 0x03, 1, 0x100);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 1);
    g_assert_cmphex(im->layout.defects, ==, PCIE_ECAP_LOOP);

    put_cap(im, 0x100, 0x03, 1, 0x200);
    put_cap(im, 0x200, 0x0f, 1, 0x300);
    put_cap(im, 0x300, 0x13, 1, 0x200);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 3);
    g_assert_cmphex(im->layout.defects, ==, PCIE_ECAP_LOOP);
    g_assert_cmphex(im->layout.bad_offset, ==, 0x300);
    g_assert_cmpint(pcie_ecap_check(&im->layout, im->bytes, 0xff8, 8), ==,
                    PCIE_ECAP_BAD_CHAIN);
}

static void test_chain_backward(void)
{
    g_autofree Image *im = image_new();

    put_cap(im, 0x100, 0x03, 1, 0x300);
    put_cap(im, 0x300, 0x0f, 1, 0x200);
    put_cap(im, 0x200, 0x13, 1, 0);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 3);
    g_assert_cmphex(im->layout.defects, ==, PCIE_ECAP_BACKWARD);
    g_assert_cmphex(im->layout.bad_offset, ==, 0x300);

    /* It is a list that works: what is put in makes it no worse */
    g_assert_cmpint(pcie_ecap_insert(im->bytes, PASID_AT_END, PASID_ID, 1, 8),
                    ==, PCIE_ECAP_OK);
    g_assert_cmphex(get32(im->bytes, 0x200), ==, 0xff810013);
    g_assert_cmpint(pcie_ecap_insert(im->bytes, 0x280, PASID_ID, 1, 8), ==,
                    PCIE_ECAP_OK);
    g_assert_cmphex(get32(im->bytes, 0x100), ==, 0x28010003);
    g_assert_cmphex(get32(im->bytes, 0x280), ==, 0x30010000 | PASID_ID);
}

static void test_chain_into_body(void)
{
    g_autofree Image *im = image_new();

    put_cap(im, 0x100, 0x10, 1, 0x120);
    put_cap(im, 0x120, 0x0f, 1, 0);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 2);
    g_assert_cmphex(im->layout.defects, ==, PCIE_ECAP_INTO_BODY);
    g_assert_cmphex(im->layout.bad_offset, ==, 0x120);
    g_assert_cmpint(pcie_ecap_check(&im->layout, im->bytes, 0x128, 8), ==,
                    PCIE_ECAP_HIT_BODY);
    g_assert_cmpint(pcie_ecap_check(&im->layout, im->bytes, 0x140, 8), ==,
                    PCIE_ECAP_OK);
    g_assert_true(pcie_ecap_in_the_way(&im->layout, 0x124, 4,
                                       PCIE_ECAP_HIT_BODY) ==
                  &im->layout.extents[0]);
}

static void test_chain_overlap(void)
{
    g_autofree Image *im = image_new();

    put_cap(im, 0x100, 0x03, 1, 0x220);
    put_cap(im, 0x220, 0x0f, 1, 0x200);
    put_cap(im, 0x200, 0x10, 1, 0);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 3);
    g_assert_cmphex(im->layout.defects, ==,
                    PCIE_ECAP_BACKWARD | PCIE_ECAP_OVERLAP);
    g_assert_cmpint(pcie_ecap_check(&im->layout, im->bytes, 0x220, 4), ==,
                    PCIE_ECAP_HIT_HEADER);
}

static void test_chain_outside(void)
{
    g_autofree Image *im = image_new();

    put_cap(im, 0x100, 0x03, 1, 0x0fc);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 1);
    g_assert_cmphex(im->layout.defects, ==, PCIE_ECAP_OUTSIDE);
    g_assert_cmphex(im->layout.bad_offset, ==, 0x100);

    /* The two low bits of a pointer are reserved */
    put_cap(im, 0x100, 0x03, 1, 0x203);
    put_cap(im, 0x200, PASID_ID, 1, 0x003);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 2);
    g_assert_cmphex(im->layout.defects, ==, 0);
}

static void test_chain_cut_short(void)
{
    g_autofree Image *im = image_new();

    put_cap(im, 0x100, 0x03, 1, 0xffc);
    put_cap(im, 0xffc, 0x0f, 1, 0);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 2);
    g_assert_cmphex(im->layout.defects, ==, PCIE_ECAP_CUT_SHORT);
    g_assert_cmphex(im->layout.bad_offset, ==, 0xffc);
    g_assert_cmphex(im->layout.extents[1].size, ==, 4);
}

static void test_chain_longest(void)
{
    g_autofree Image *im = image_new();

    for (unsigned at = 0x100; at < END; at += 4) {
        put_cap(im, at, PCIE_ECAP_ID_NULL, 1, at + 4 < END ? at + 4 : 0);
    }
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, PCIE_ECAP_MAX);
    g_assert_cmphex(im->layout.defects, ==, 0);
    g_assert_cmphex(pcie_ecap_alloc(&im->layout, im->bytes, 8), ==, 0);
}

static void test_names(void)
{
    g_assert_cmpstr(pcie_ecap_name(PASID_ID), ==, "PASID");
    g_assert_cmpstr(pcie_ecap_name(0x36), !=, "unknown");
    g_assert_cmpstr(pcie_ecap_name(0x37), ==, "unknown");
    g_assert_cmpstr(pcie_ecap_name(0xffff), ==, "unknown");
    g_assert_cmpstr(pcie_ecap_defect_name(0), ==, "is sound");
    g_assert_cmpstr(pcie_ecap_defect_name(PCIE_ECAP_BACKWARD), ==,
                    "goes backward");
    g_assert_cmpstr(pcie_ecap_defect_name(PCIE_ECAP_LOOP |
                                          PCIE_ECAP_BACKWARD), ==, "loops");
    g_assert_cmpstr(pcie_ecap_defect_name(1u << 31), ==, "is sound");
    g_assert_cmpstr(pcie_ecap_reason_name(PCIE_ECAP_OK), ==, "is free");
    g_assert_cmpstr(pcie_ecap_reason_name(PCIE_ECAP_NONZERO + 1), ==,
                    "is unknown");
}

/* Lesser defects before it do not hide where a list breaks off */
static void test_chain_broken(void)
{
    g_autofree Image *im = image_new();

    put_cap(im, 0x100, 0x03, 1, 0x300);
    put_cap(im, 0x300, 0x18, 1, 0x200);
    put_cap(im, 0x200, 0x18, 1, 0);
    parse(im);
    g_assert_cmphex(im->layout.defects, ==, PCIE_ECAP_BACKWARD);
    g_assert_cmphex(im->layout.broken_offset, ==, 0);

    put_cap(im, 0x200, 0x18, 1, 0x300);
    parse(im);
    g_assert_cmphex(im->layout.defects, ==,
                    PCIE_ECAP_BACKWARD | PCIE_ECAP_LOOP);
    g_assert_cmphex(im->layout.bad_offset, ==, 0x300);
    g_assert_cmphex(im->layout.broken_offset, ==, 0x200);

    put_cap(im, 0x200, 0x18, 1, 0x400);
    put32(im, 0x400, 0xffffffff);
    parse(im);
    g_assert_cmphex(im->layout.broken_offset, ==, 0x400);
}

static void check_in_the_way(Image *im, uint16_t offset, PCIEEcapReason reason,
                             uint16_t expected)
{
    const PCIEEcapExtent *ext;

    parse(im);
    g_assert_cmpint(pcie_ecap_check(&im->layout, im->bytes, offset, 8), ==,
                    reason);
    ext = pcie_ecap_in_the_way(&im->layout, offset, 8, reason);
    g_assert_cmphex(ext ? ext->offset : 0, ==, expected);
}

/* The capability that a place is refused for, not just any that is near */
static void test_in_the_way(void)
{
    g_autofree Image *im = image_new();

    put_cap(im, 0x100, 0x03, 1, 0x1f8);
    put_cap(im, 0x1f8, 0x18, 1, 0x200);
    put_cap(im, 0x200, 0x18, 1, 0x204);
    put_cap(im, 0x204, 0x18, 1, 0);
    check_in_the_way(im, 0x104, PCIE_ECAP_HIT_BODY, 0x100);
    check_in_the_way(im, 0x1fc, PCIE_ECAP_HIT_HEADER, 0x200);
    check_in_the_way(im, 0x200, PCIE_ECAP_HIT_HEADER, 0x200);
    check_in_the_way(im, 0x208, PCIE_ECAP_HIT_BODY, 0x204);
    check_in_the_way(im, 0x300, PCIE_ECAP_OK, 0);
    put32(im, 0x304, 1);
    check_in_the_way(im, 0x300, PCIE_ECAP_NONZERO, 0);

    /* A Null capability at the head is not in the way, what follows is */
    put32(im, 0x100, 0x104u << 20);
    put_cap(im, 0x104, 0x18, 1, 0);
    check_in_the_way(im, 0x100, PCIE_ECAP_HIT_HEADER, 0x104);

    /* The lowest of several, wherever they are in the list */
    put_cap(im, 0x100, 0x03, 1, 0x404);
    put_cap(im, 0x404, 0x18, 1, 0x400);
    put_cap(im, 0x400, 0x18, 1, 0);
    check_in_the_way(im, 0x400, PCIE_ECAP_HIT_HEADER, 0x400);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pcie-ecap/chain/empty", test_chain_empty);
    g_test_add_func("/pcie-ecap/chain/ones", test_chain_ones);
    g_test_add_func("/pcie-ecap/chain/zeros", test_chain_zeros);
    g_test_add_func("/pcie-ecap/chain/loop", test_chain_loop);
    g_test_add_func("/pcie-ecap/chain/backward", test_chain_backward);
    g_test_add_func("/pcie-ecap/chain/into-body", test_chain_into_body);
    g_test_add_func("/pcie-ecap/chain/overlap", test_chain_overlap);
    g_test_add_func("/pcie-ecap/chain/outside", test_chain_outside);
    g_test_add_func("/pcie-ecap/chain/cut-short", test_chain_cut_short);
    g_test_add_func("/pcie-ecap/chain/longest", test_chain_longest);
    g_test_add_func("/pcie-ecap/names", test_names);
    g_test_add_func("/pcie-ecap/chain/broken-offset", test_chain_broken);
    g_test_add_func("/pcie-ecap/in-the-way", test_in_the_way);
    return g_test_run();
}
