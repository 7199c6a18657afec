/*
 * Model of the extended configuration space that VFIO shows
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/pci/pcie_ecap.h"
#include "hw/pci/pcie_ecap_size.h"
#include "hw/pci/pcie_regs.h"
#include "standard-headers/linux/pci_regs.h"
#include "vfio-model.h"

/* Next pointer in an extended capability header (PCIe 6.2, 7.6.3) */
#define HEADER_NEXT         (0xffcu << PCI_EXT_CAP_NEXT_SHIFT)

/* Offset and fields of the registers that say how long a capability is */
#define REG1                4
#define REG1_LENGTH_SHIFT   20
#define REG1_VC_COUNT       0x7
#define REG2                8
#define REG2_REBAR_SHIFT    5
#define REG2_REBAR_COUNT    0x7
#define REG2_VC_TABLES      0xe

/* Value of the driver's map of bytes where there is no capability */
#define NOBODY          0xff
/* And where only its own copy counts */
#define COPY_ONLY       0xfe

/* Lengths that the vfio-pci driver of Linux 6.x has for others than those */
static const uint8_t fixed_length[] = {
    [0x01] = 0x2c, [0x03] = 0x0c, [0x04] = 0x10, [0x0e] = 0x08, [0x0f] = 0x08,
    [0x10] = 0x40, [0x12] = 0x28, [0x13] = 0x10, [0x18] = 0x08,
};

/**
 * struct Model - the driver's state for a device
 *
 * @image: configuration space of the device.
 *
 * @copy: headers that are shown instead, of those in the list.
 *
 * @owner: for each byte the low byte of the ID of its capability, or #NOBODY.
 */
typedef struct Model {
    const uint8_t *image;
    uint8_t copy[PCIE_ECAP_IMAGE_SIZE];
    uint8_t owner[PCIE_ECAP_IMAGE_SIZE];
} Model;

static void put32(uint8_t *image, uint16_t offset, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        image[offset + i] = value >> (8 * i);
    }
}

/* Without the tables of ports and functions */
static uint32_t vc_length(const uint8_t *image, uint16_t offset)
{
    unsigned count = (pcie_ecap_get32(image, offset + REG1) & REG1_VC_COUNT) +
                     1;
    uint32_t schemes = pcie_ecap_get32(image, offset + REG2) & REG2_VC_TABLES;
    uint32_t length = 0x10 + count * 0x0c;

    if (schemes) {
        /* 4 bits for each of 32, 64 or 128 phases */
        length = QEMU_ALIGN_UP(length, 16) +
                 (schemes & 8 ? 64 : schemes & 4 ? 32 : 16);
    }
    return length;
}

/* Length of a capability, as the driver takes it; 0 hides it */
static uint32_t shown_length(const uint8_t *image, uint16_t offset)
{
    uint16_t id = PCI_EXT_CAP_ID(pcie_ecap_get32(image, offset));
    PCIEEcapFunction function = { .image = image };

    switch (id) {
    case PCI_EXT_CAP_ID_VC:
    case PCI_EXT_CAP_ID_MFVC:
    case PCI_EXT_CAP_ID_VC9:
        return vc_length(image, offset);
    case PCI_EXT_CAP_ID_VNDR:
    case PCI_EXT_CAP_ID_DVSEC:
        return pcie_ecap_get32(image, offset + REG1) >> REG1_LENGTH_SHIFT;
    case PCI_EXT_CAP_ID_REBAR:
        return 4 + 8 * (pcie_ecap_get32(image, offset + REG2) >>
                        REG2_REBAR_SHIFT & REG2_REBAR_COUNT);
    case PCI_EXT_CAP_ID_ACS:
    case PCI_EXT_CAP_ID_DPA:
    case PCI_EXT_CAP_ID_TPH:
        /* Known to have version 1, whatever they say */
        return pcie_ecap_size(&function, offset, id, 1);
    default:
        return id < G_N_ELEMENTS(fixed_length) ? fixed_length[id] : 0;
    }
}

/* A capability gets its bytes, even if they were another one's */
static void own(Model *model, uint16_t offset, uint32_t length)
{
    uint32_t room = MIN(length, PCIE_ECAP_IMAGE_SIZE - offset);

    memset(model->owner + offset, model->image[offset], room);
    memcpy(model->copy + offset, model->image + offset, room);
}

/* Walk the list as the driver does, which gives up on a loop after a while */
static void take_list(Model *model)
{
    uint16_t pos = PCIE_ECAP_HEAD;
    uint16_t last = 0;
    bool any = false;

    for (unsigned i = 0; i < PCIE_ECAP_MAX && pos >= PCIE_ECAP_HEAD; i++) {
        uint32_t next = pcie_ecap_get32(model->image, pos) & HEADER_NEXT;
        uint32_t length = shown_length(model->image, pos);

        if (length || !last) {
            own(model, pos, length ?: PCIE_ECAP_HEADER_SIZE);
            if (!length) {
                put32(model->copy, pos, next);
            }
            any |= length;
            last = pos;
        } else {
            uint32_t header = pcie_ecap_get32(model->copy, last);

            put32(model->copy, last, (header & ~HEADER_NEXT) | next);
        }
        pos = PCI_EXT_CAP_NEXT(next);
    }
    if (!any) {
        put32(model->copy, PCIE_ECAP_HEAD, 0);
    }
}

/*
 * The copy is shown of what the driver takes for a header: the first bytes
 * with the same owner. It does not see where one capability ends and another
 * one of the same ID begins right behind it.
 */
static bool shows_copy(const Model *model, uint16_t at)
{
    uint8_t owner = model->owner[at];
    uint16_t start = at;

    if (owner == NOBODY || owner == COPY_ONLY) {
        return owner == COPY_ONLY;
    }
    while (start > PCIE_ECAP_HEAD && model->owner[start - 1] == owner) {
        start--;
    }
    return at - start < PCIE_ECAP_HEADER_SIZE;
}

void vfio_model_show(const uint8_t *image, uint8_t *shown)
{
    g_autofree Model *model = g_new(Model, 1);

    memcpy(shown, image, PCIE_ECAP_IMAGE_SIZE);
    if (!pcie_ecap_get32(image, PCIE_ECAP_HEAD)) {
        return;
    }
    model->image = image;
    memcpy(model->copy, image, PCIE_ECAP_IMAGE_SIZE);
    memset(model->owner, NOBODY, PCIE_ECAP_IMAGE_SIZE);
    take_list(model);
    for (uint16_t at = PCIE_ECAP_HEAD; at < PCIE_ECAP_IMAGE_SIZE; at++) {
        if (shows_copy(model, at)) {
            shown[at] = model->copy[at];
        }
    }
}
