/*
 * Unit tests of the place of a virtual PASID capability
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "vfio-pasid-place-properties.h"

#define AT_END      VFIO_PASID_AT_END
#define HEADER      0x0001001bu
/* Width 20, both permissions */
#define CAP         0x1406

static const VFIOPasidCap host = { .width = 20, .exec = true, .priv = true };

static VFIOPasidPlace choice;

/* A list of two: a serial number, and a vendor's up to the end */
static Image *list_new(void)
{
    Image *im = image_new();

    put32(im, 0x100, 0x03 | 1 << 16 | 0xf00u << 20);
    put32(im, 0xf00, 0x0b | 1 << 16);
    put32(im, 0xf04, 0x100u << 20);
    return im;
}

static bool place(Image *im)
{
    parse(im);
    return vfio_pasid_choose_place(&im->layout, im->bytes, &host, &choice);
}

static void check(Image *im, VFIOPasidStep step, uint16_t offset,
                  PCIEEcapReason end, unsigned hidden)
{
    g_assert_cmpint(place(im), ==, step != VFIO_PASID_STEP_NONE);
    g_assert_cmpint(choice.step, ==, step);
    g_assert_cmphex(choice.offset, ==, offset);
    g_assert_cmpint(choice.end, ==, end);
    g_assert_cmpuint(choice.hidden, ==, hidden);
}

static void test_read(void)
{
    g_autofree Image *im = list_new();
    VFIOPasidCap pasid = { .width = 99 };

    put32(im, 0x200, HEADER | 0xf00u << 20);
    put32(im, 0x204, 0x0802);
    g_assert_true(vfio_pasid_read(im->bytes, 0x200, &pasid));
    g_assert_cmpuint(pasid.width, ==, 8);
    g_assert_true(pasid.exec);
    g_assert_false(pasid.priv);
    put32(im, 0x204, 0x0004);
    g_assert_true(vfio_pasid_read(im->bytes, 0x200, &pasid));
    g_assert_false(pasid.exec);
    g_assert_true(pasid.priv);

    pasid.width = 99;
    put32(im, 0x300, HEADER + 0x10000);
    put32(im, 0x0fc, HEADER);
    put32(im, 0xffc, HEADER);
    g_assert_false(vfio_pasid_read(im->bytes, 0x300, &pasid));
    g_assert_false(vfio_pasid_read(im->bytes, 0x0fc, &pasid));
    g_assert_false(vfio_pasid_read(im->bytes, 0xffc, &pasid));
    g_assert_false(vfio_pasid_read(im->bytes, 0x201, &pasid));
    g_assert_false(vfio_pasid_read(im->bytes, 0xfffc, &pasid));
    g_assert_cmpuint(pasid.width, ==, 99);
}

static void test_end(void)
{
    g_autofree Image *im = list_new();

    put32(im, 0xf04, 0xf8u << 20);
    /* The own one may be there all the same */
    put32(im, 0x200, HEADER);
    put32(im, 0x204, CAP);
    check(im, VFIO_PASID_STEP_END, AT_END, PCIE_ECAP_OK, 0);
    put32(im, 0xffc, 1);
    check(im, VFIO_PASID_STEP_HOST, 0x200, PCIE_ECAP_NONZERO, 1);
}

static void test_host(void)
{
    static const struct {
        uint32_t header;
        uint32_t cap;
    } others[] = {
        { HEADER + 0x10000, CAP }, { HEADER + 1, CAP }, { HEADER, 0x1306 },
        { HEADER, 0x1402 }, { HEADER, 0x1404 }, { HEADER, 0 },
        /* Bits that mean nothing, and a pointer that leads nowhere */
        { HEADER, CAP | 1 }, { HEADER, CAP | 1u << 31 },
        { HEADER | 0x0f0u << 20, CAP },
    };
    g_autofree Image *im = list_new();

    check(im, VFIO_PASID_STEP_GAP, 0xef8, PCIE_ECAP_HIT_BODY, 0);
    put32(im, 0x200, HEADER | 0xabcu << 20);
    put32(im, 0x204, CAP | 7u << 16);
    check(im, VFIO_PASID_STEP_HOST, 0x200, PCIE_ECAP_HIT_BODY, 1);

    for (unsigned i = 0; i < G_N_ELEMENTS(others); i++) {
        put32(im, 0x200, others[i].header);
        put32(im, 0x204, others[i].cap);
        check(im, VFIO_PASID_STEP_GAP, 0xef8, PCIE_ECAP_HIT_BODY, 0);
    }
}

/* Bytes like a PASID capability are a capability's own if they are in it */
static void test_host_in_body(void)
{
    g_autofree Image *im = list_new();

    put32(im, 0xf40, HEADER);
    put32(im, 0xf44, CAP);
    check(im, VFIO_PASID_STEP_GAP, 0xef8, PCIE_ECAP_HIT_BODY, 0);
    /* Half in it */
    put32(im, 0x108, HEADER);
    put32(im, 0x10c, CAP);
    check(im, VFIO_PASID_STEP_GAP, 0xef8, PCIE_ECAP_HIT_BODY, 0);
    /* Right behind it */
    put32(im, 0x108, 0);
    put32(im, 0x10c, HEADER);
    put32(im, 0x110, CAP);
    check(im, VFIO_PASID_STEP_HOST, 0x10c, PCIE_ECAP_HIT_BODY, 1);
}

static void test_host_reserved(void)
{
    g_autofree Image *im = list_new();
    uint16_t offset = 0;

    put32(im, 0x200, HEADER);
    put32(im, 0x204, CAP);
    pcie_ecap_parse(im->bytes, &im->layout);
    pcie_ecap_reserve(&im->layout, 0x204, 4);
    g_assert_cmpuint(vfio_pasid_find_own(&im->layout, im->bytes, &host,
                                            &offset), ==, 0);
    g_assert_cmphex(offset, ==, 0);
}

/* A Null head can be replaced, even if it is reserved with all the rest */
static void test_reserved_head(void)
{
    g_autofree Image *im = list_new();

    put32(im, 0x100, 0xf00u << 20);
    memset(im->bytes + 0x108, 0xa5, 0xf00 - 0x108);
    check(im, VFIO_PASID_STEP_GAP, 0x100, PCIE_ECAP_HIT_BODY, 0);
    parse(im);
    pcie_ecap_reserve(&im->layout, 0x104, 0);
    pcie_ecap_reserve(&im->layout, 0x100, 4);
    g_assert_true(vfio_pasid_choose_place(&im->layout, im->bytes, &host,
                                        &choice));
    g_assert_cmphex(choice.offset, ==, 0x100);
    pcie_ecap_reserve(&im->layout, 0x107, 1);
    g_assert_false(vfio_pasid_choose_place(&im->layout, im->bytes, &host,
                                         &choice));
}

static void test_host_twice(void)
{
    g_autofree Image *im = list_new();

    put32(im, 0x200, HEADER);
    put32(im, 0x204, CAP);
    put32(im, 0xef8, HEADER);
    put32(im, 0xefc, CAP);
    check(im, VFIO_PASID_STEP_GAP, 0xef0, PCIE_ECAP_HIT_BODY, 2);
}

static uint16_t registers(Image *im, const VFIOPasidCap *of, uint16_t *at)
{
    parse(im);
    return vfio_pasid_next_registers(&im->layout, im->bytes, of, at);
}

/* The device's own may say more than the host makes of it */
static void test_registers(void)
{
    static const struct {
        uint32_t header;
        uint32_t regs;
        bool found;
    } places[] = {
        { HEADER, CAP, true }, { HEADER | 0xf00u << 20, CAP, true },
        { HEADER, CAP | 1 << 16, true },
        { HEADER, CAP | 1, false }, { HEADER, CAP | 1u << 31, false },
        { HEADER, 0x1306, false }, { HEADER, 0x1506, false },
        { HEADER, 0x1402, false }, { HEADER, 0x1404, false },
        { HEADER + 0x10000, CAP, false }, { HEADER + 1, CAP, false },
        { HEADER | 0x0f0u << 20, CAP, false },
        { HEADER | 0xf01u << 20, CAP, false },
    };
    const VFIOPasidCap less = { .width = 8 };
    const VFIOPasidCap none = { .width = 0 };
    const VFIOPasidCap more = { .width = 31 };
    g_autofree Image *im = list_new();
    uint16_t at = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
        g_test_message("%u", i);
        at = 0;
        put32(im, 0x200, places[i].header);
        put32(im, 0x204, places[i].regs);
        g_assert_cmpuint(registers(im, &host, &at), ==,
                         places[i].found ? 8 : 0);
        g_assert_cmphex(at, ==, places[i].found ? 0x200 : 0);
    }

    put32(im, 0x200, HEADER);
    put32(im, 0x204, CAP);
    put32(im, 0x300, HEADER);
    put32(im, 0x304, 0x0800);
    at = 0;
    g_assert_cmpuint(registers(im, &less, &at), ==, 8);
    g_assert_cmphex(at, ==, 0x200);
    at += 8;
    g_assert_cmpuint(registers(im, &less, &at), ==, 8);
    g_assert_cmphex(at, ==, 0x300);
    at += 8;
    g_assert_cmpuint(registers(im, &less, &at), ==, 0);
    at = 0;
    g_assert_cmpuint(registers(im, &none, &at), ==, 0);
    g_assert_cmpuint(registers(im, &more, &at), ==, 8);
}

/* Behind the anchor, whatever else is there */
static void test_registers_anchor(void)
{
    g_autofree Image *im = list_new();
    uint16_t at = 0;

    put32(im, 0x100, 0xf00u << 20);
    put32(im, 0x104, CAP | 1u << 31);
    g_assert_cmpuint(registers(im, &host, &at), ==, 0);
    put32(im, 0x104, 0x1306);
    g_assert_cmpuint(registers(im, &host, &at), ==, 0);
    put32(im, 0x104, CAP);
    g_assert_cmpuint(registers(im, &host, &at), ==, 4);
    at = 0;
    put32(im, 0x104, CAP | 1 << 16);
    g_assert_cmpuint(registers(im, &host, &at), ==, 4);
    g_assert_cmphex(at, ==, 0x104);
    at += 4;
    g_assert_cmpuint(registers(im, &host, &at), ==, 0);

    at = 0;
    put32(im, 0x200, HEADER);
    put32(im, 0x204, CAP);
    g_assert_cmpuint(registers(im, &host, &at), ==, 4);
    g_assert_cmphex(at, ==, 0x104);
    at += 4;
    g_assert_cmpuint(registers(im, &host, &at), ==, 8);
    g_assert_cmphex(at, ==, 0x200);
    at += 8;
    g_assert_cmpuint(registers(im, &host, &at), ==, 0);
    at = 0;
    put32(im, 0x200, 0);
    put32(im, 0x100, 0x03 | 1 << 16 | 0xf00u << 20);
    g_assert_cmpuint(registers(im, &host, &at), ==, 0);

    /* Of an only one not even a link is left */
    put32(im, 0x100, 0);
    g_assert_cmpuint(registers(im, &host, &at), ==, 4);
    g_assert_cmphex(at, ==, 0x104);
    at = 0;
    put32(im, 0x100, 0xffffffff);
    g_assert_cmpuint(registers(im, &host, &at), ==, 0);
}

static bool is_off(Image *im, const VFIOPasidCap *of)
{
    parse(im);
    return vfio_pasid_is_off(&im->layout, im->bytes, of);
}

/* All registers that can be the device's say that PASID is off */
static void test_off(void)
{
    const VFIOPasidCap less = { .width = 8 };
    g_autofree Image *im = list_new();

    g_assert_false(is_off(im, &less));
    put32(im, 0x200, HEADER);
    put32(im, 0x204, CAP);
    g_assert_true(is_off(im, &less));
    put32(im, 0x300, HEADER);
    put32(im, 0x304, CAP);
    g_assert_true(is_off(im, &less));
    put32(im, 0x304, CAP | 1 << 16);
    g_assert_false(is_off(im, &less));
    put32(im, 0x300, 0);
    put32(im, 0x204, CAP | 6 << 16);
    g_assert_true(is_off(im, &less));
    put32(im, 0x204, CAP | 7 << 16);
    g_assert_false(is_off(im, &less));
    /* Registers that the host cannot have what it reports from */
    put32(im, 0x204, 0x0700);
    g_assert_false(is_off(im, &less));

    put32(im, 0x200, 0);
    put32(im, 0x100, 0xf00u << 20);
    put32(im, 0x104, CAP);
    g_assert_true(is_off(im, &host));
    put32(im, 0x104, CAP | 1 << 16);
    g_assert_false(is_off(im, &host));
}

/* The first one of the list has no ID any more */
static void test_anchor(void)
{
    g_autofree Image *im = list_new();

    put32(im, 0x100, 0xf00u << 20);
    put32(im, 0x104, CAP);
    check(im, VFIO_PASID_STEP_GAP, 0xef8, PCIE_ECAP_HIT_BODY, 0);
}

static void test_none(void)
{
    g_autofree Image *im = list_new();

    memset(im->bytes + 0x10c, 0xa5, 0xf00 - 0x10c);
    check(im, VFIO_PASID_STEP_NONE, 0, PCIE_ECAP_HIT_BODY, 0);
    /* Not all of a broken list is known */
    memset(im->bytes + 0x10c, 0, 0xf00 - 0x10c);
    put32(im, 0xf00, 0x0b | 1 << 16 | 0x100u << 20);
    put32(im, 0x200, HEADER);
    put32(im, 0x204, CAP);
    check(im, VFIO_PASID_STEP_NONE, 0, PCIE_ECAP_BAD_CHAIN, 0);
}

/* In any image the place is nobody's, and can be put into the list */
static void test_random(void)
{
    g_autofree Image *im = image_new();
    unsigned steps[4] = { 0 };

    for (unsigned round = 0; round < 2000; round++) {
        uint16_t pos = PCIE_ECAP_HEAD;

        memset(im->bytes, 0, sizeof(im->bytes));
        while (pos < 0xf00) {
            uint16_t next = pos + 4 * g_test_rand_int_range(1, 200);
            static const uint8_t ids[] = { 0, 1, 3, 0xb, 0xf, 0x1b, 0x77 };

            next = MIN(next, 0xffc);
            put32(im, pos, ids[g_test_rand_int_range(0, sizeof(ids))] |
                  1 << 16 | (uint32_t)next << 20);
            pos = next;
        }
        for (unsigned i = g_test_rand_int_range(0, 3); i; i--) {
            uint16_t at = g_test_rand_int_range(0x100 / 4, AT_END / 4) * 4;

            put32(im, at, HEADER);
            put32(im, at + 4, CAP);
        }
        if (g_test_rand_bit()) {
            put32(im, 0xffc, 1);
        }

        steps[vfio_pasid_place_properties(im->bytes, &host, g_test_rand_int(),
                                         g_test_rand_int_range(0, 64))]++;
    }
    for (unsigned i = VFIO_PASID_STEP_END; i < G_N_ELEMENTS(steps); i++) {
        g_assert_cmpuint(steps[i], >, 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vfio-pasid-place/read", test_read);
    g_test_add_func("/vfio-pasid-place/end", test_end);
    g_test_add_func("/vfio-pasid-place/host", test_host);
    g_test_add_func("/vfio-pasid-place/host/in-body", test_host_in_body);
    g_test_add_func("/vfio-pasid-place/host/reserved", test_host_reserved);
    g_test_add_func("/vfio-pasid-place/reserved-head", test_reserved_head);
    g_test_add_func("/vfio-pasid-place/host/twice", test_host_twice);
    g_test_add_func("/vfio-pasid-place/registers", test_registers);
    g_test_add_func("/vfio-pasid-place/registers/anchor",
                    test_registers_anchor);
    g_test_add_func("/vfio-pasid-place/off", test_off);
    g_test_add_func("/vfio-pasid-place/anchor", test_anchor);
    g_test_add_func("/vfio-pasid-place/none", test_none);
    g_test_add_func("/vfio-pasid-place/random", test_random);
    return g_test_run();
}
