/*
 * What VFIO shows of the extended configuration space of a device
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/pci/pcie_ecap.h"
#include "hw/pci/pcie_ecap_size.h"
#include "vfio-model.h"

/* Extended capability header (PCIe 6.2, 7.6.3) */
#define HEADER_ID(h)        ((h) & 0xffff)
#define HEADER_NEXT_SHIFT   20
#define HEADER_NEXT         (0xffcu << HEADER_NEXT_SHIFT)

/* Vendor-specific ones have their length here (PCIe 6.2, 7.9.5 and 7.9.6) */
#define ID_VSEC             0x0b
#define ID_DVSEC            0x23
#define REG1                4
#define REG1_LENGTH_SHIFT   20

/* What the vfio-pci driver of Linux 6.x has a length for, by capability ID */
static const uint8_t shown_ids[] = {
    0x01, 0x02, 0x03, 0x04, 0x08, 0x09, ID_VSEC, 0x0d, 0x0e, 0x0f, 0x10, 0x12,
    0x13, 0x15, 0x16, 0x17, 0x18, ID_DVSEC,
};

bool vfio_model_hides(const uint8_t *image, uint16_t offset)
{
    uint16_t id = HEADER_ID(pcie_ecap_get32(image, offset));

    /* A length of zero looks to VFIO like one that it does not know */
    if ((id == ID_VSEC || id == ID_DVSEC) &&
        !(pcie_ecap_get32(image, offset + REG1) >> REG1_LENGTH_SHIFT)) {
        return true;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(shown_ids); i++) {
        if (shown_ids[i] == id) {
            return false;
        }
    }
    return true;
}

static void put32(uint8_t *image, uint16_t offset, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        image[offset + i] = value >> (8 * i);
    }
}

void vfio_model_show(const uint8_t *image, uint8_t *shown)
{
    uint16_t pos = PCIE_ECAP_HEAD;
    uint16_t last = 0;
    bool any = false;

    memcpy(shown, image, PCIE_ECAP_IMAGE_SIZE);
    if (!pcie_ecap_get32(image, PCIE_ECAP_HEAD)) {
        return;
    }
    /* Like VFIO, give up on a loop only after so many steps */
    for (unsigned i = 0; i < PCIE_ECAP_MAX && pos >= PCIE_ECAP_HEAD; i++) {
        uint32_t header = pcie_ecap_get32(image, pos);
        uint32_t next = header & HEADER_NEXT;

        if (!vfio_model_hides(image, pos)) {
            put32(shown, pos, header);
            last = pos;
            any = true;
        } else if (last) {
            put32(shown, last, (pcie_ecap_get32(shown, last) & ~HEADER_NEXT) |
                  next);
        } else {
            put32(shown, pos, next);
            last = pos;
        }
        pos = next >> HEADER_NEXT_SHIFT;
    }
    if (!any) {
        put32(shown, PCIE_ECAP_HEAD, 0);
    }
}
