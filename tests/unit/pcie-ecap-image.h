/*
 * Images of configuration space for tests
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_PCIE_ECAP_IMAGE_H
#define TESTS_PCIE_ECAP_IMAGE_H

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

static inline Image *image_new(void)
{
    return g_new0(Image, 1);
}

static inline void parse(Image *im)
{
    pcie_ecap_parse(im->bytes, &im->layout);
}

static inline uint32_t get32(const uint8_t *bytes, uint32_t at)
{
    return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 |
           (uint32_t)bytes[at + 3] << 24;
}

/* Bytes behind the end of the image are dropped */
static inline void put32(Image *im, uint32_t at, uint32_t value)
{
    for (unsigned i = 0; i < 4 && at + i < END; i++) {
        im->bytes[at + i] = value >> (8 * i);
    }
}

static inline void put_cap(Image *im, uint16_t at, uint16_t id,
                           uint8_t version, uint16_t next)
{
    put32(im, at, id | (uint32_t)version << 16 | (uint32_t)next << 20);
}

/* A PCI Express capability as endpoints have it */
static inline void put_pcie(Image *im, unsigned type, unsigned lanes,
                            bool prefix, bool flit)
{
    im->bytes[0x06] = 1 << 4;
    im->bytes[0x34] = PCIE_CAP;
    put32(im, PCIE_CAP, 0x10 | 2 << 16 | type << 20 | (uint32_t)flit << 31);
    put32(im, PCIE_CAP + 0x0c, lanes << 4);
    put32(im, PCIE_CAP + 0x24, (uint32_t)prefix << 21);
}

#endif /* TESTS_PCIE_ECAP_IMAGE_H */
