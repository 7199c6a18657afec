/*
 * Unit tests of the layout of the extended configuration space
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/pci/pcie_ecap.h"

#define END             PCIE_ECAP_IMAGE_SIZE
#define PASID_ID        0x1b
#define PASID_SIZE      8
#define PASID_AT_END    0xff8

/* Where tests put the PCI Express capability */
#define PCIE_CAP        0x40

typedef struct Image {
    uint8_t bytes[PCIE_ECAP_IMAGE_SIZE];
    PCIEEcapLayout layout;
} Image;

static void put32(Image *im, uint32_t at, uint32_t value)
{
    for (unsigned i = 0; i < 4 && at + i < END; i++) {
        im->bytes[at + i] = value >> (8 * i);
    }
}

static uint32_t get32(const uint8_t *bytes, uint32_t at)
{
    return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 |
           (uint32_t)bytes[at + 3] << 24;
}

static void put_cap(Image *im, uint16_t at, uint16_t id, uint8_t version,
                    uint16_t next)
{
    put32(im, at, id | (uint32_t)version << 16 | (uint32_t)next << 20);
}

static Image *image_new(void)
{
    return g_new0(Image, 1);
}

static void parse(Image *im)
{
    pcie_ecap_parse(im->bytes, &im->layout);
}

/* A PCI Express capability as endpoints have it */
static void put_pcie(Image *im, unsigned type, unsigned lanes, bool prefix,
                     bool flit)
{
    im->bytes[0x06] = 1 << 4;
    im->bytes[0x34] = PCIE_CAP;
    put32(im, PCIE_CAP, 0x10 | 2 << 16 | type << 20 | (uint32_t)flit << 31);
    put32(im, PCIE_CAP + 0x0c, lanes << 4);
    put32(im, PCIE_CAP + 0x24, (uint32_t)prefix << 21);
}

/* The size that capability @id with these first registers has at 0x100 */
static unsigned size_of(Image *im, uint16_t id, uint8_t version,
                        uint32_t reg1, uint32_t reg2)
{
    put_cap(im, 0x100, id, version, 0);
    put32(im, 0x104, reg1);
    put32(im, 0x108, reg2);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 1);
    g_assert_cmphex(im->layout.extents[0].id, ==, id);
    g_assert_cmpuint(im->layout.extents[0].version, ==, version);
    return im->layout.extents[0].sized ? im->layout.extents[0].size : 0;
}

static void test_size_fixed(void)
{
    static const struct {
        uint16_t id;
        uint16_t size;
        uint8_t version;
    } known[] = {
        { 0x00, 0x04, 1 }, { 0x03, 0x0c, 1 }, { 0x04, 0x10, 1 },
        { 0x06, 0x0c, 1 }, { 0x0a, 0x14, 1 }, { 0x0e, 0x08, 1 },
        { 0x0f, 0x08, 1 }, { 0x10, 0x40, 1 }, { 0x13, 0x10, 1 },
        { 0x18, 0x08, 1 }, { 0x1b, 0x08, 1 }, { 0x1c, 0x08, 1 },
        { 0x1f, 0x0c, 1 }, { 0x21, 0x10, 1 }, { 0x22, 0x0c, 1 },
        { 0x25, 0x0c, 1 }, { 0x28, 0x20, 1 }, { 0x29, 0x10, 1 },
        { 0x2c, 0x14, 1 }, { 0x2e, 0x18, 1 }, { 0x2e, 0x18, 2 },
        { 0x2f, 0x10, 1 },
        /* Versions with a register more */
        { 0x07, 0x08, 1 }, { 0x07, 0x0c, 2 },
        { 0x1e, 0x10, 1 }, { 0x1e, 0x14, 2 },
    };
    g_autofree Image *im = image_new();

    for (unsigned i = 0; i < G_N_ELEMENTS(known); i++) {
        g_test_message("ID 0x%x", known[i].id);
        g_assert_cmphex(size_of(im, known[i].id, known[i].version, 0, 0), ==,
                        known[i].size);
    }
}

/* Nothing is known about these: they reach to the next one, or to the end */
static void test_size_unknown(void)
{
    static const struct {
        uint16_t id;
        uint8_t version;
    } unknown[] = {
        { 0x0c, 1 }, { 0x11, 1 }, { 0x14, 1 }, { 0x20, 1 }, { 0x2d, 1 },
        { 0x32, 1 }, { 0x33, 1 }, { 0x34, 1 }, { 0x36, 1 }, { 0x37, 1 },
        { 0xffff, 1 },
        /* Known, but not in this version */
        { 0x01, 4 }, { 0x03, 2 }, { 0x1b, 2 },
    };
    g_autofree Image *im = image_new();

    for (unsigned i = 0; i < G_N_ELEMENTS(unknown); i++) {
        g_assert_cmphex(size_of(im, unknown[i].id, unknown[i].version, 0, 0),
                        ==, 0);
        g_assert_cmphex(im->layout.extents[0].size, ==, END - 0x100);

        put_cap(im, 0x100, unknown[i].id, unknown[i].version, 0x234);
        put_cap(im, 0x234, PASID_ID, 1, 0);
        parse(im);
        g_assert_cmphex(im->layout.extents[0].size, ==, 0x134);
        g_assert_false(im->layout.extents[0].sized);
        g_assert_true(im->layout.extents[1].sized);
        g_assert_cmphex(im->layout.defects, ==, 0);
        put_cap(im, 0x234, 0, 0, 0);
    }
}

static void test_size_aer(void)
{
    g_autofree Image *im = image_new();

    g_assert_cmphex(size_of(im, 0x01, 2, 0, 0), ==, 0x2c);
    put_pcie(im, 0, 4, false, false);
    g_assert_cmphex(size_of(im, 0x01, 2, 0, 0), ==, 0x2c);
    put_pcie(im, 0, 4, true, false);
    g_assert_cmphex(size_of(im, 0x01, 2, 0, 0), ==, 0x48);
    put_pcie(im, 0, 4, true, true);
    g_assert_cmphex(size_of(im, 0x01, 3, 0, 0), ==, 0x60);
    put_pcie(im, 4, 4, false, false);
    g_assert_cmphex(size_of(im, 0x01, 1, 0, 0), ==, 0x38);
    put_pcie(im, 10, 4, false, false);
    g_assert_cmphex(size_of(im, 0x01, 1, 0, 0), ==, 0x38);
}

static void test_size_vc(void)
{
    static const uint16_t ids[] = { 0x02, 0x08, 0x09 };

    for (unsigned i = 0; i < G_N_ELEMENTS(ids); i++) {
        g_autofree Image *im = image_new();
        uint16_t id = ids[i];

        g_assert_cmphex(size_of(im, id, 1, 0, 0), ==, 0x1c);
        g_assert_cmphex(size_of(im, id, 1, 7, 0), ==, 0x70);
        /* VC arbitration table at 0x80, 32, 64 and 128 phases of 4 bits */
        g_assert_cmphex(size_of(im, id, 1, 1, 8u << 24 | 0x3), ==, 0x90);
        g_assert_cmphex(size_of(im, id, 1, 1, 8u << 24 | 0x7), ==, 0xa0);
        g_assert_cmphex(size_of(im, id, 1, 1, 8u << 24 | 0xf), ==, 0xc0);
        /* A table with no place is no table */
        g_assert_cmphex(size_of(im, id, 1, 1, 0xf), ==, 0x28);
        /* Port arbitration table of the second VC: 256 phases of 8 bits */
        put32(im, 0x100 + 0x10 + 0x0c, 9u << 24 | 1 << 5);
        g_assert_cmphex(size_of(im, id, 1, 1 | 3 << 10, 0), ==, 0x190);
        /* 128 phases, time based, of 1 bit */
        put32(im, 0x100 + 0x10 + 0x0c, 9u << 24 | 1 << 4);
        g_assert_cmphex(size_of(im, id, 1, 1, 0), ==, 0xa0);
    }
}

static void test_size_lanes(void)
{
    g_autofree Image *im = image_new();

    /* The width of the link is not known */
    g_assert_cmphex(size_of(im, 0x19, 1, 0, 0), ==, 0);
    put_pcie(im, 0, 16, false, false);
    g_assert_cmphex(size_of(im, 0x19, 1, 0, 0), ==, 0x0c + 32);
    g_assert_cmphex(size_of(im, 0x26, 1, 0, 0), ==, 0x20 + 16);
    g_assert_cmphex(size_of(im, 0x2a, 1, 0, 0), ==, 0x20 + 16);
    g_assert_cmphex(size_of(im, 0x31, 1, 0, 0), ==, 0x20 + 16);
    g_assert_cmphex(size_of(im, 0x27, 1, 0, 0), ==, 0x08 + 64);
    put_pcie(im, 0, 1, false, false);
    g_assert_cmphex(size_of(im, 0x26, 1, 0, 0), ==, 0x21);
}

/* A list in the first 256 bytes that cannot be trusted ends all the same */
static void test_size_bad_pcie(void)
{
    g_autofree Image *im = image_new();

    put_pcie(im, 0, 16, true, true);
    im->bytes[0x06] = 0;
    g_assert_cmphex(size_of(im, 0x26, 1, 0, 0), ==, 0);

    /* Behind another capability */
    im->bytes[0x06] = 1 << 4;
    im->bytes[0x34] = 0xf0;
    put32(im, 0xf0, 0x05 | PCIE_CAP << 8);
    g_assert_cmphex(size_of(im, 0x26, 1, 0, 0), ==, 0x30);

    /* A loop */
    put32(im, 0xf0, 0x05 | 0xf0 << 8);
    g_assert_cmphex(size_of(im, 0x26, 1, 0, 0), ==, 0);

    /* Below the header of configuration space */
    put32(im, 0xf0, 0x05 | 0x10 << 8);
    g_assert_cmphex(size_of(im, 0x26, 1, 0, 0), ==, 0);

    /* So high up that its registers would be extended capabilities */
    put32(im, 0xf8, 0x10 | 2 << 16);
    im->bytes[0x34] = 0xf8;
    g_assert_cmphex(size_of(im, 0x26, 1, 0, 0), ==, 0);

    /* Device Capabilities 2 is not there in version 1 */
    put_pcie(im, 0, 16, true, false);
    put32(im, PCIE_CAP, 0x10 | 1 << 16);
    g_assert_cmphex(size_of(im, 0x01, 2, 0, 0), ==, 0x2c);
}

static void test_size_variable(void)
{
    g_autofree Image *im = image_new();

    /* Root Complex Link Declaration: a block for each link */
    g_assert_cmphex(size_of(im, 0x05, 1, 3 << 8, 0), ==, 0x40);
    /* VSEC and DVSEC say it themselves, in any version */
    g_assert_cmphex(size_of(im, 0x0b, 1, 0x123u << 20, 0), ==, 0x123);
    g_assert_cmphex(size_of(im, 0x0b, 15, 8u << 20, 0), ==, 8);
    g_assert_cmphex(size_of(im, 0x0b, 1, 7u << 20, 0), ==, 0);
    g_assert_cmphex(size_of(im, 0x23, 1, 0x38u << 20 | 0x1e98, 0), ==, 0x38);
    g_assert_cmphex(size_of(im, 0x23, 1, 9u << 20, 0), ==, 0);
    /* ACS: egress control vector */
    g_assert_cmphex(size_of(im, 0x0d, 1, 0x1f, 0), ==, 0x08);
    g_assert_cmphex(size_of(im, 0x0d, 1, 0x20 | 33 << 8, 0), ==, 0x10);
    g_assert_cmphex(size_of(im, 0x0d, 1, 0x20 | 32 << 8, 0), ==, 0x0c);
    g_assert_cmphex(size_of(im, 0x0d, 1, 0x20, 0), ==, 0x28);
    /* Resizable BAR, of functions and of VFs */
    g_assert_cmphex(size_of(im, 0x15, 1, 0, 1 << 5), ==, 0x0c);
    g_assert_cmphex(size_of(im, 0x24, 1, 0, 6 << 5), ==, 0x34);
    g_assert_cmphex(size_of(im, 0x15, 1, 0, 0), ==, 0);
    g_assert_cmphex(size_of(im, 0x15, 1, 0, 7 << 5), ==, 0);
    /* DPA: a byte for each substate */
    g_assert_cmphex(size_of(im, 0x16, 1, 0, 0), ==, 0x11);
    g_assert_cmphex(size_of(im, 0x16, 1, 31, 0), ==, 0x30);
    /* TPH: table in the capability, in MSI-X, or none */
    g_assert_cmphex(size_of(im, 0x17, 1, 1 << 9 | 63 << 16, 0), ==, 0x8c);
    g_assert_cmphex(size_of(im, 0x17, 1, 2 << 9 | 63 << 16, 0), ==, 0x0c);
    g_assert_cmphex(size_of(im, 0x17, 1, 63 << 16, 0), ==, 0x0c);
    /* PMUX */
    g_assert_cmphex(size_of(im, 0x1a, 1, 3, 0), ==, 0x1c);
    /* DPC: without and with the root port's log */
    g_assert_cmphex(size_of(im, 0x1d, 1, 4 << 8, 0), ==, 0x0c);
    g_assert_cmphex(size_of(im, 0x1d, 1, 1 << 5 | 5 << 8, 0), ==, 0x34);
    g_assert_cmphex(size_of(im, 0x1d, 1, 1 << 5 | 1 << 13, 0), ==, 0x60);
    /* Alternate Protocol: with the selective enable mask */
    g_assert_cmphex(size_of(im, 0x2b, 1, 0, 0), ==, 0x14);
    g_assert_cmphex(size_of(im, 0x2b, 1, 1 << 8, 0), ==, 0x18);
    /* SVC */
    g_assert_cmphex(size_of(im, 0x35, 1, 2, 0), ==, 0x34);
    /* Multicast: ports have one register more */
    g_assert_cmphex(size_of(im, 0x12, 1, 0, 0), ==, 0x28);
    put_pcie(im, 5, 1, false, false);
    g_assert_cmphex(size_of(im, 0x12, 1, 0, 0), ==, 0x30);
    put_pcie(im, 9, 1, false, false);
    g_assert_cmphex(size_of(im, 0x12, 1, 0, 0), ==, 0x28);
}

static void test_size_ide(void)
{
    g_autofree Image *im = image_new();

    g_assert_cmphex(size_of(im, 0x30, 1, 0, 0), ==, 0x0c);
    /* Link streams of 8 traffic classes */
    g_assert_cmphex(size_of(im, 0x30, 1, 1 | 7 << 13, 0), ==, 0x4c);
    /* Two selective streams, with 3 and 1 address associations */
    put32(im, 0x10c, 3);
    put32(im, 0x10c + 20 + 36, 1);
    g_assert_cmphex(size_of(im, 0x30, 1, 2 | 1 << 16, 0), ==,
                    0x0c + 20 + 36 + 20 + 12);
    /* As many as can be said: it does not end inside configuration space */
    memset(im->bytes + 0x10c, 0xff, END - 0x10c);
    size_of(im, 0x30, 1, 2 | 255 << 16, 0xffffffff);
    g_assert_cmphex(im->layout.defects, ==, PCIE_ECAP_CUT_SHORT);
    g_assert_cmphex(im->layout.extents[0].size, ==, END - 0x100);
}

static void test_chain_empty(void)
{
    g_autofree Image *im = image_new();

    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 0);
    g_assert_cmphex(im->layout.defects, ==, 0);
    g_assert_null(pcie_ecap_find(&im->layout, PASID_ID));
    g_assert_null(pcie_ecap_overlap(&im->layout, 0, 0xffff));

    /* Bytes behind a header of zero are nobody's */
    put32(im, 0x104, 0x12345678);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 0);
}

static void test_chain_ones(void)
{
    g_autofree Image *im = image_new();
    uint16_t offset = 1;

    memset(im->bytes, 0xff, END);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 0);
    g_assert_cmphex(im->layout.defects, ==, PCIE_ECAP_ONES);
    g_assert_cmphex(im->layout.bad_offset, ==, 0x100);
    g_assert_cmpint(pcie_ecap_alloc(&im->layout, im->bytes, 8, &offset), ==,
                    PCIE_ECAP_BAD_CHAIN);
    g_assert_cmphex(offset, ==, 1);

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
    uint16_t link;

    put_cap(im, 0x100, 0x03, 1, 0x300);
    put_cap(im, 0x300, 0x0f, 1, 0x200);
    put_cap(im, 0x200, 0x13, 1, 0);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 3);
    g_assert_cmphex(im->layout.defects, ==, PCIE_ECAP_BACKWARD);
    g_assert_cmphex(im->layout.bad_offset, ==, 0x300);

    /* It is a list that works: what is put in makes it no worse */
    g_assert_cmpint(pcie_ecap_insert(im->bytes, PASID_AT_END, PASID_ID, 1, 8,
                                     &link), ==, PCIE_ECAP_OK);
    g_assert_cmphex(link, ==, 0x200);
    g_assert_cmpint(pcie_ecap_insert(im->bytes, 0x280, PASID_ID, 1, 8,
                                     &link), ==, PCIE_ECAP_OK);
    g_assert_cmphex(link, ==, 0x100);
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
    g_assert_true(pcie_ecap_overlap(&im->layout, 0x124, 4) ==
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
    uint16_t offset = 1;

    for (unsigned at = 0x100; at < END; at += 4) {
        put_cap(im, at, PCIE_ECAP_ID_NULL, 1, at + 4 < END ? at + 4 : 0);
    }
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, PCIE_ECAP_MAX);
    g_assert_cmphex(im->layout.defects, ==, 0);
    g_assert_cmpint(pcie_ecap_alloc(&im->layout, im->bytes, 8, &offset), ==,
                    PCIE_ECAP_NO_ROOM);
    g_assert_cmphex(offset, ==, 1);
}

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
                    PCIE_ECAP_BAD_SIZE);
    g_assert_cmpint(pcie_ecap_check(layout, bytes, 0x100, 3841), ==,
                    PCIE_ECAP_BAD_SIZE);
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

static void test_place_alloc(void)
{
    g_autofree Image *im = image_new();
    uint16_t offset = 1;

    put_cap(im, 0x100, 0x03, 1, 0xfe0);
    put_cap(im, 0xfe0, 0x04, 1, 0);
    parse(im);
    g_assert_cmpint(pcie_ecap_alloc(&im->layout, im->bytes, 2, &offset), ==,
                    PCIE_ECAP_BAD_SIZE);
    g_assert_cmpint(pcie_ecap_alloc(&im->layout, im->bytes, 8, &offset), ==,
                    PCIE_ECAP_OK);
    g_assert_cmphex(offset, ==, PASID_AT_END);
    g_assert_cmpint(pcie_ecap_alloc(&im->layout, im->bytes, 16, &offset), ==,
                    PCIE_ECAP_OK);
    g_assert_cmphex(offset, ==, 0xff0);
    g_assert_cmpint(pcie_ecap_alloc(&im->layout, im->bytes, 20, &offset), ==,
                    PCIE_ECAP_OK);
    g_assert_cmphex(offset, ==, 0xfe0 - 20);
    /* A size that is no multiple of 4 still ends inside */
    g_assert_cmpint(pcie_ecap_alloc(&im->layout, im->bytes, 6, &offset), ==,
                    PCIE_ECAP_OK);
    g_assert_cmphex(offset, ==, PASID_AT_END);

    memset(im->bytes + 0x10c, 0x5a, 0xfe0 - 0x10c);
    im->bytes[0xffb] = 1;
    g_assert_cmpint(pcie_ecap_alloc(&im->layout, im->bytes, 8, &offset), ==,
                    PCIE_ECAP_OK);
    g_assert_cmphex(offset, ==, 0xff0);
    im->bytes[0xff3] = 1;
    g_assert_cmpint(pcie_ecap_alloc(&im->layout, im->bytes, 8, &offset), ==,
                    PCIE_ECAP_NO_ROOM);
}

static void test_place_next_free(void)
{
    g_autofree Image *im = image_new();
    uint16_t at = 0;

    put_cap(im, 0x100, 0x03, 1, 0x200);
    put_cap(im, 0x200, 0x10, 1, 0);
    im->bytes[0x180] = 1;
    im->bytes[0xffe] = 1;
    parse(im);

    g_assert_cmphex(pcie_ecap_next_free(&im->layout, im->bytes, &at), ==,
                    0x180 - 0x10c);
    g_assert_cmphex(at, ==, 0x10c);
    at += 0x180 - 0x10c;
    g_assert_cmphex(pcie_ecap_next_free(&im->layout, im->bytes, &at), ==,
                    0x200 - 0x184);
    g_assert_cmphex(at, ==, 0x184);
    at = 0x201;
    g_assert_cmphex(pcie_ecap_next_free(&im->layout, im->bytes, &at), ==,
                    0xffc - 0x240);
    g_assert_cmphex(at, ==, 0x240);
    at = 0xffc;
    g_assert_cmphex(pcie_ecap_next_free(&im->layout, im->bytes, &at), ==, 0);
    g_assert_cmphex(at, ==, 0xffc);
    at = 0xffff;
    g_assert_cmphex(pcie_ecap_next_free(&im->layout, im->bytes, &at), ==, 0);

    im->bytes[0xffe] = 0;
    at = 0x800;
    g_assert_cmphex(pcie_ecap_next_free(&im->layout, im->bytes, &at), ==,
                    0x800);
}

static void test_insert_end(void)
{
    g_autofree Image *im = image_new();
    const PCIEEcapExtent *ext;
    uint16_t link;

    put_cap(im, 0x100, 0x03, 1, 0x203);
    put_cap(im, 0x200, 0x10, 1, 0);
    g_assert_cmpint(pcie_ecap_insert(im->bytes, PASID_AT_END, PASID_ID, 1,
                                     PASID_SIZE, &link), ==, PCIE_ECAP_OK);
    g_assert_cmphex(link, ==, 0x200);
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
                                     PASID_SIZE, NULL), ==,
                    PCIE_ECAP_HIT_HEADER);
}

static void test_insert_middle(void)
{
    g_autofree Image *im = image_new();

    put_cap(im, 0x100, 0x03, 1, 0x200);
    put_cap(im, 0x200, 0x10, 1, 0);
    g_assert_cmpint(pcie_ecap_insert(im->bytes, 0x110, PASID_ID, 1,
                                     PASID_SIZE, NULL), ==, PCIE_ECAP_OK);
    g_assert_cmphex(get32(im->bytes, 0x100), ==, 0x11010003);
    g_assert_cmphex(get32(im->bytes, 0x110), ==, 0x2001001b);
    g_assert_cmphex(get32(im->bytes, 0x200), ==, 0x00010010);
}

static void test_insert_empty(void)
{
    g_autofree Image *im = image_new();
    uint16_t link;

    /* The head is what is inserted */
    g_assert_cmpint(pcie_ecap_insert(im->bytes, 0x100, PASID_ID, 1,
                                     PASID_SIZE, &link), ==, PCIE_ECAP_OK);
    g_assert_cmphex(link, ==, 0x100);
    g_assert_cmphex(get32(im->bytes, 0x100), ==, 0x0001001b);

    /* The head is a Null capability that leads there */
    memset(im->bytes, 0, END);
    g_assert_cmpint(pcie_ecap_insert(im->bytes, PASID_AT_END, PASID_ID, 1,
                                     PASID_SIZE, &link), ==, PCIE_ECAP_OK);
    g_assert_cmphex(link, ==, 0x100);
    g_assert_cmphex(get32(im->bytes, 0x100), ==, 0xff800000);
    g_assert_cmphex(get32(im->bytes, PASID_AT_END), ==, 0x0001001b);
    parse(im);
    g_assert_cmpuint(im->layout.count, ==, 2);

    /* What is behind 0x100 counts */
    memset(im->bytes, 0, END);
    im->bytes[0x104] = 1;
    g_assert_cmpint(pcie_ecap_insert(im->bytes, 0x100, PASID_ID, 1,
                                     PASID_SIZE, &link), ==,
                    PCIE_ECAP_NONZERO);
}

static void test_insert_null_head(void)
{
    g_autofree Image *im = image_new();
    uint16_t link;

    /* A capability was hidden here: the new one takes over its pointer */
    put_cap(im, 0x100, PCIE_ECAP_ID_NULL, 0, 0x140);
    put_cap(im, 0x140, 0x03, 1, 0);
    g_assert_cmpint(pcie_ecap_insert(im->bytes, 0x100, PASID_ID, 1,
                                     PASID_SIZE, &link), ==, PCIE_ECAP_OK);
    g_assert_cmphex(link, ==, 0x100);
    g_assert_cmphex(get32(im->bytes, 0x100), ==, 0x1401001b);

    /* Not if the next capability is too near */
    memset(im->bytes, 0, END);
    put_cap(im, 0x100, PCIE_ECAP_ID_NULL, 0, 0x104);
    put_cap(im, 0x104, 0x03, 1, 0);
    g_assert_cmpint(pcie_ecap_insert(im->bytes, 0x100, PASID_ID, 1,
                                     PASID_SIZE, &link), ==,
                    PCIE_ECAP_HIT_HEADER);

    /* And elsewhere it is left alone */
    g_assert_cmpint(pcie_ecap_insert(im->bytes, 0x200, PASID_ID, 1,
                                     PASID_SIZE, &link), ==, PCIE_ECAP_OK);
    g_assert_cmphex(link, ==, 0x104);
    g_assert_cmphex(get32(im->bytes, 0x100), ==, 0x10400000);
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
    g_assert_cmpstr(pcie_ecap_reason_name(PCIE_ECAP_NO_ROOM + 1), ==,
                    "is unknown");
}

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

        if (!g_test_rand_int_range(0, 60)) {
            next = g_test_rand_int();
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

static void check_extents(const PCIEEcapLayout *layout)
{
    g_assert_cmpuint(layout->count, <=, PCIE_ECAP_MAX);
    g_assert_true(!layout->defects == !layout->bad_offset);
    for (unsigned i = 0; i < layout->count; i++) {
        const PCIEEcapExtent *ext = &layout->extents[i];

        g_assert_cmphex(ext->offset, >=, PCIE_ECAP_HEAD);
        g_assert_cmphex(ext->offset % 4, ==, 0);
        g_assert_cmphex(ext->size, >=, 4);
        g_assert_cmphex(ext->offset + ext->size, <=, END);
    }
}

/* Put a capability somewhere, and see that nothing else changed */
static void check_insert(Image *im, uint16_t offset, uint16_t size)
{
    g_autofree Image *after = g_memdup2(im, sizeof(*im));
    uint16_t link = 0;
    PCIEEcapReason want = pcie_ecap_check(&im->layout, im->bytes, offset,
                                          size);
    PCIEEcapReason got = pcie_ecap_insert(after->bytes, offset, PASID_ID, 1,
                                          size, &link);
    bool found = false;

    g_assert_cmpint(got, ==, want);
    if (got) {
        g_assert_cmpmem(im->bytes, END, after->bytes, END);
        return;
    }

    for (unsigned i = 0; i < im->layout.count; i++) {
        const PCIEEcapExtent *ext = &im->layout.extents[i];

        g_assert_true(ext->offset + ext->size <= offset ||
                      ext->offset >= offset + size ||
                      (ext->offset == PCIE_ECAP_HEAD && offset == ext->offset
                       && ext->id == PCIE_ECAP_ID_NULL));
    }
    for (unsigned at = 0; at < END; at++) {
        if (at / 4 == offset / 4) {
            continue;
        }
        if (at == link + 2) {
            g_assert_cmphex(im->bytes[at] & 0x0f, ==, after->bytes[at] & 0x0f);
        } else if (at != link + 3) {
            g_assert_cmphex(im->bytes[at], ==, after->bytes[at]);
        }
    }

    parse(after);
    for (unsigned i = 0; i < after->layout.count; i++) {
        found |= after->layout.extents[i].offset == offset &&
                 after->layout.extents[i].id == PASID_ID;
    }
    g_assert_true(found);
    g_assert_cmphex(after->layout.defects & PCIE_ECAP_BROKEN, ==, 0);
    if (!(im->layout.defects & PCIE_ECAP_BACKWARD)) {
        g_assert_cmphex(after->layout.defects & PCIE_ECAP_BACKWARD, ==, 0);
    }
}

static void test_property_random(void)
{
    g_autofree Image *im = image_new();
    g_autofree Image *again = image_new();

    for (int i = 0; i < 20000; i++) {
        uint16_t offset = 0;
        uint16_t size = g_test_rand_int_range(0, 5) ? PASID_SIZE :
                        g_test_rand_int_range(0, 200);
        PCIEEcapReason reason;

        randomize(im);
        parse(im);
        check_extents(&im->layout);

        /* Same input, same answer, whatever the memory held before */
        memcpy(again->bytes, im->bytes, END);
        memset(&again->layout, 0xa5, sizeof(again->layout));
        parse(again);
        g_assert_cmpmem(&im->layout, sizeof(im->layout),
                        &again->layout, sizeof(again->layout));

        reason = pcie_ecap_alloc(&im->layout, im->bytes, size, &offset);
        if (reason) {
            g_assert_cmphex(offset, ==, 0);
        } else {
            check_insert(im, offset, size);
        }
        check_insert(im, g_test_rand_int_range(0, 0x400) * 4, size);
        check_insert(im, g_test_rand_int(), size);
        check_insert(im, PCIE_ECAP_HEAD, size);
    }
}

static void test_property_noise(void)
{
    g_autofree Image *im = image_new();

    for (int i = 0; i < 2000; i++) {
        for (unsigned at = 0; at < END; at += 4) {
            put32(im, at, g_test_rand_int());
        }
        parse(im);
        check_extents(&im->layout);
        check_insert(im, PASID_AT_END, PASID_SIZE);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/pcie-ecap/size/fixed", test_size_fixed);
    g_test_add_func("/pcie-ecap/size/unknown", test_size_unknown);
    g_test_add_func("/pcie-ecap/size/aer", test_size_aer);
    g_test_add_func("/pcie-ecap/size/vc", test_size_vc);
    g_test_add_func("/pcie-ecap/size/lanes", test_size_lanes);
    g_test_add_func("/pcie-ecap/size/bad-pcie", test_size_bad_pcie);
    g_test_add_func("/pcie-ecap/size/variable", test_size_variable);
    g_test_add_func("/pcie-ecap/size/ide", test_size_ide);
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
    g_test_add_func("/pcie-ecap/place/check", test_place_check);
    g_test_add_func("/pcie-ecap/place/alloc", test_place_alloc);
    g_test_add_func("/pcie-ecap/place/next-free", test_place_next_free);
    g_test_add_func("/pcie-ecap/insert/end", test_insert_end);
    g_test_add_func("/pcie-ecap/insert/middle", test_insert_middle);
    g_test_add_func("/pcie-ecap/insert/empty", test_insert_empty);
    g_test_add_func("/pcie-ecap/insert/null-head", test_insert_null_head);
    g_test_add_func("/pcie-ecap/names", test_names);
    g_test_add_func("/pcie-ecap/property/random", test_property_random);
    g_test_add_func("/pcie-ecap/property/noise", test_property_noise);

    return g_test_run();
}
