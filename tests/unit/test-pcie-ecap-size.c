/*
 * Unit tests of the sizes of extended capabilities
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "standard-headers/linux/pci_regs.h"
#include "pcie-ecap-image.h"

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

/* Each capability that Linux knows is known here, with the same size */
static void test_size_linux(void)
{
    static const struct {
        uint16_t id;
        uint16_t size;
    } known[] = {
        { PCI_EXT_CAP_ID_ERR, PCI_ERR_ROOT_COMMAND },
        { PCI_EXT_CAP_ID_DSN, PCI_EXT_CAP_DSN_SIZEOF },
        { PCI_EXT_CAP_ID_PWR, PCI_EXT_CAP_PWR_SIZEOF },
        { PCI_EXT_CAP_ID_ARI, PCI_EXT_CAP_ARI_SIZEOF },
        { PCI_EXT_CAP_ID_ATS, PCI_EXT_CAP_ATS_SIZEOF },
        { PCI_EXT_CAP_ID_SRIOV, PCI_EXT_CAP_SRIOV_SIZEOF },
        { PCI_EXT_CAP_ID_MCAST, PCI_EXT_CAP_MCAST_ENDPOINT_SIZEOF },
        { PCI_EXT_CAP_ID_PRI, PCI_EXT_CAP_PRI_SIZEOF },
        { PCI_EXT_CAP_ID_LTR, PCI_EXT_CAP_LTR_SIZEOF },
        { PCI_EXT_CAP_ID_PASID, PCI_EXT_CAP_PASID_SIZEOF },
        { PCI_EXT_CAP_ID_TPH, PCI_TPH_BASE_SIZEOF },
        { PCI_EXT_CAP_ID_PTM, PCI_PTM_CTRL + 4 },
        { PCI_EXT_CAP_ID_L1SS, PCI_L1SS_CTL2 + 4 },
        { PCI_EXT_CAP_ID_VC, PCI_CAP_VC_BASE_SIZEOF +
                             PCI_CAP_VC_PER_VC_SIZEOF },
        { PCI_EXT_CAP_ID_DPA, PCI_DPA_BASE_SIZEOF + 1 },
    };
    g_autofree Image *im = image_new();

    for (unsigned i = 0; i < G_N_ELEMENTS(known); i++) {
        g_test_message("ID 0x%x", known[i].id);
        g_assert_cmphex(size_of(im, known[i].id, 1, 0, 0), ==, known[i].size);
    }
    for (unsigned id = 0; id <= PCI_EXT_CAP_ID_MAX; id++) {
        g_assert_cmpstr(pcie_ecap_name(id), !=, "unknown");
    }
}

/* Nothing is known about these: they reach to the next one, or to the end */
static void test_size_unknown(void)
{
    static const struct {
        uint16_t id;
        uint8_t version;
    } unknown[] = {
        { 0x0c, 1 }, { 0x11, 1 }, { 0x14, 1 }, { 0x1d, 1 }, { 0x20, 1 },
        { 0x2d, 1 }, { 0x32, 1 }, { 0x33, 1 }, { 0x34, 1 }, { 0x36, 1 },
        { 0x37, 1 }, { 0xffff, 1 },
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
        /* A table with no place is no table */
        g_assert_cmphex(size_of(im, id, 1, 1, 0xf), ==, 0x28);
        /* With a VC or a port arbitration table it is not known */
        g_assert_cmphex(size_of(im, id, 1, 1, 8u << 24 | 0x3), ==, 0);
        put32(im, 0x100 + 0x10 + 0x0c, 9u << 24 | 1 << 5);
        g_assert_cmphex(size_of(im, id, 1, 1, 0), ==, 0);
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
    put_pcie(im, 0, 32, false, false);
    g_assert_cmphex(size_of(im, 0x27, 1, 0, 0), ==, 0x08 + 128);
    put_pcie(im, 0, 1, false, false);
    g_assert_cmphex(size_of(im, 0x26, 1, 0, 0), ==, 0x21);
    /* No link is that wide */
    put_pcie(im, 0, 33, false, false);
    g_assert_cmphex(size_of(im, 0x26, 1, 0, 0), ==, 0);
}

/* A size that cannot be told has limits, and ends where another begins */
static void test_size_limits(void)
{
    static const struct {
        uint16_t id;
        uint16_t least;
        uint16_t most;
        uint8_t version;
    } limits[] = {
        { .id = 0x0b, .version = 1, .least = 0x08, .most = END - 0x100 },
        { .id = 0x23, .version = 1, .least = 0x0c, .most = END - 0x100 },
        { .id = 0x15, .version = 1, .least = 0x0c, .most = 0x3c },
        { .id = 0x24, .version = 1, .least = 0x0c, .most = 0x3c },
        { .id = 0x19, .version = 1, .least = 0x10, .most = 0x4c },
        { .id = 0x26, .version = 1, .least = 0x24, .most = 0x40 },
        { .id = 0x2a, .version = 1, .least = 0x24, .most = 0x40 },
        { .id = 0x31, .version = 1, .least = 0x24, .most = 0x40 },
        { .id = 0x27, .version = 1, .least = 0x0c, .most = 0x88 },
        /* Not for what is not known at all */
        { .id = 0x15, .version = 2, .least = 0x04, .most = END - 0x100 },
        { .id = 0x32, .version = 1, .least = 0x04, .most = END - 0x100 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(limits); i++) {
        g_autofree Image *im = image_new();
        uint16_t least = limits[i].least;

        g_assert_cmphex(size_of(im, limits[i].id, limits[i].version, 0, 0), ==,
                        0);
        g_assert_cmphex(im->layout.extents[0].size, ==, limits[i].most);
        g_assert_cmphex(im->layout.defects, ==, 0);

        /* The next one is right behind */
        put_cap(im, 0x100, limits[i].id, limits[i].version, 0x100 + least);
        put_cap(im, 0x100 + least, PASID_ID, 1, 0);
        parse(im);
        g_assert_cmphex(im->layout.defects, ==, 0);
        g_assert_cmphex(QEMU_ALIGN_UP(im->layout.extents[0].size, 4), ==,
                        least);
        if (least == PCIE_ECAP_HEADER_SIZE) {
            continue;
        }

        /* The next one is too near */
        put_cap(im, 0x100 + least, 0, 0, 0);
        put_cap(im, 0x100, limits[i].id, limits[i].version, 0x104);
        put_cap(im, 0x104, PCIE_ECAP_ID_NULL, 1, 0);
        parse(im);
        g_assert_cmphex(im->layout.defects, ==, PCIE_ECAP_INTO_BODY);

        /* The end is too near */
        put_cap(im, 0x100, PCIE_ECAP_ID_NULL, 1, 0xffc);
        put_cap(im, 0xffc, limits[i].id, limits[i].version, 0);
        parse(im);
        g_assert_cmphex(im->layout.defects, ==, PCIE_ECAP_CUT_SHORT);
        g_assert_cmphex(im->layout.extents[1].size, ==, 4);
    }
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

    /* Power Budgeting: later ones have a register more */
    put32(im, 0x10c, 1);
    g_assert_cmphex(size_of(im, 0x04, 1, 0, 0), ==, 0x10);
    put32(im, 0x10c, 2);
    g_assert_cmphex(size_of(im, 0x04, 1, 0, 0), ==, 0x14);
    put32(im, 0x10c, 0);
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
    /* Alternate Protocol: with the selective enable mask */
    g_assert_cmphex(size_of(im, 0x2b, 1, 0, 0), ==, 0x14);
    g_assert_cmphex(size_of(im, 0x2b, 1, 1 << 8, 0), ==, 0x18);
    /* SVC: resources of 0xc bytes from 0x14 on, one at least */
    g_assert_cmphex(size_of(im, 0x35, 1, 0, 0), ==, 0x20);
    g_assert_cmphex(size_of(im, 0x35, 1, 2, 0), ==, 0x38);
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
    /* A selective stream with as many address associations as there can be */
    put32(im, 0x10c, 0xfffffff0 | 15);
    g_assert_cmphex(size_of(im, 0x30, 1, 2, 0), ==, 0x0c + 20 + 15 * 12);
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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pcie-ecap/size/fixed", test_size_fixed);
    g_test_add_func("/pcie-ecap/size/linux", test_size_linux);
    g_test_add_func("/pcie-ecap/size/unknown", test_size_unknown);
    g_test_add_func("/pcie-ecap/size/aer", test_size_aer);
    g_test_add_func("/pcie-ecap/size/vc", test_size_vc);
    g_test_add_func("/pcie-ecap/size/lanes", test_size_lanes);
    g_test_add_func("/pcie-ecap/size/limits", test_size_limits);
    g_test_add_func("/pcie-ecap/size/bad-pcie", test_size_bad_pcie);
    g_test_add_func("/pcie-ecap/size/variable", test_size_variable);
    g_test_add_func("/pcie-ecap/size/ide", test_size_ide);
    return g_test_run();
}
