/*
 * Layout of the PCI Express extended configuration space
 *
 * Section numbers without a name are those of PCIe 6.2.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/pci/pcie_ecap.h"
#include "hw/pci/pcie_regs.h"
#include "standard-headers/linux/pci_regs.h"
#include "pcie_ecap_size.h"

/* Values of @used, for each 4 bytes of configuration space */
enum {
    USED_NOT,
    USED_BODY,
    USED_HEADER,
    USED_RESERVED,
};

#define HEADER_ONES 0xffffffffu

/* Write a header; the two low bits of its next pointer are reserved (7.6.3) */
static void put_header(uint8_t *image, uint16_t offset, uint32_t header,
                       uint16_t next)
{
    header = (header & ~(0xffcu << PCI_EXT_CAP_NEXT_SHIFT)) |
             (uint32_t)next << PCI_EXT_CAP_NEXT_SHIFT;
    for (int i = 0; i < PCIE_ECAP_HEADER_SIZE; i++) {
        image[offset + i] = header >> (8 * i);
    }
}

uint32_t pcie_ecap_get32(const uint8_t *image, uint32_t offset)
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < 4 && offset + i < PCIE_ECAP_IMAGE_SIZE; i++) {
        value |= (uint32_t)image[offset + i] << (8 * i);
    }
    return value;
}

static void add_defect(PCIEEcapLayout *layout, PCIEEcapDefect defect,
                       uint16_t offset)
{
    if (!layout->defects) {
        layout->bad_offset = offset;
    }
    if (defect & PCIE_ECAP_BROKEN) {
        layout->broken_offset = offset;
    }
    layout->defects |= defect;
}

const char *pcie_ecap_defect_name(uint32_t defect)
{
    static const char *const names[] = {
        "loops",
        "leads below 0x100",
        "reads all ones",
        "leads to nothing",
        "goes backward",
        "leads into the body of a capability",
        "has capabilities that overlap",
        "has a capability that is cut short",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if (defect & (1u << i)) {
            return names[i];
        }
    }
    return "is sound";
}

const char *pcie_ecap_reason_name(PCIEEcapReason reason)
{
    static const char *const names[] = {
        [PCIE_ECAP_OK] = "is free",
        [PCIE_ECAP_MISALIGNED] = "is not a multiple of 4",
        [PCIE_ECAP_BAD_RANGE] = "is not inside 0x100 to 0xfff",
        [PCIE_ECAP_BAD_CHAIN] = "cannot be judged, the list is broken",
        [PCIE_ECAP_HIT_HEADER] = "overlaps the header of a capability",
        [PCIE_ECAP_HIT_BODY] = "overlaps the body of a capability",
        [PCIE_ECAP_HIT_RESERVED] = "is reserved",
        [PCIE_ECAP_NONZERO] = "does not read zero",
    };

    return reason < G_N_ELEMENTS(names) ? names[reason] : "is unknown";
}

/* Follow the list; fills in everything of the extents but the sizes */
static void walk(const uint8_t *image, PCIEEcapLayout *layout)
{
    uint16_t pos = PCIE_ECAP_HEAD;

    while (pos) {
        uint32_t header = pcie_ecap_get32(image, pos);
        uint16_t next = PCI_EXT_CAP_NEXT(header);

        if (header == HEADER_ONES) {
            add_defect(layout, PCIE_ECAP_ONES, pos);
            return;
        }
        if (!header) {
            if (pos == PCIE_ECAP_HEAD) {
                /* This is how an empty list looks (7.6.1) */
                return;
            }
            add_defect(layout, PCIE_ECAP_ZEROS, pos);
        }

        layout->used[pos / PCIE_ECAP_ALIGN] = USED_HEADER;
        layout->extents[layout->count++] = (PCIEEcapExtent) {
            .id = PCI_EXT_CAP_ID(header),
            .offset = pos,
            .version = PCI_EXT_CAP_VER(header),
        };

        if (next && next < PCIE_ECAP_HEAD) {
            add_defect(layout, PCIE_ECAP_OUTSIDE, pos);
            return;
        }
        if (next && layout->used[next / PCIE_ECAP_ALIGN]) {
            add_defect(layout, PCIE_ECAP_LOOP, pos);
            return;
        }
        if (next && next < pos) {
            add_defect(layout, PCIE_ECAP_BACKWARD, pos);
        }
        pos = next;
    }
}

/* Offset of the next header behind @offset, or the end of the image */
static uint16_t next_header(const PCIEEcapLayout *layout, uint16_t offset)
{
    uint16_t pos = offset + PCIE_ECAP_ALIGN;

    while (pos < PCIE_ECAP_IMAGE_SIZE &&
           layout->used[pos / PCIE_ECAP_ALIGN] != USED_HEADER) {
        pos += PCIE_ECAP_ALIGN;
    }
    return pos;
}

static void measure(const PCIEEcapFunction *function, PCIEEcapLayout *layout,
                    PCIEEcapExtent *ext)
{
    uint16_t room = PCIE_ECAP_IMAGE_SIZE - ext->offset;
    uint32_t size = pcie_ecap_size(function, ext->offset, ext->id,
                                   ext->version);

    ext->sized = size;
    if (!size) {
        uint16_t least, most;

        pcie_ecap_size_limits(ext->id, ext->version, &least, &most);
        size = next_header(layout, ext->offset) - ext->offset;
        size = MAX(MIN(size, most), least);
    }
    ext->cut = size > room;
    if (ext->cut) {
        add_defect(layout, PCIE_ECAP_CUT_SHORT, ext->offset);
        size = room;
    }
    ext->size = size;
}

void pcie_ecap_parse(const uint8_t *image, PCIEEcapLayout *layout)
{
    /* Index into the list of the element whose body is at these 4 bytes */
    uint16_t owner[PCIE_ECAP_IMAGE_SIZE / PCIE_ECAP_ALIGN] = { 0 };
    PCIEEcapFunction function;

    memset(layout, 0, sizeof(*layout));
    walk(image, layout);

    pcie_ecap_function(image, &function);
    for (uint16_t i = 0; i < layout->count; i++) {
        PCIEEcapExtent *ext = &layout->extents[i];
        uint16_t end;

        measure(&function, layout, ext);
        end = DIV_ROUND_UP(ext->offset + ext->size, PCIE_ECAP_ALIGN);
        if (owner[ext->offset / PCIE_ECAP_ALIGN]) {
            add_defect(layout, PCIE_ECAP_INTO_BODY, ext->offset);
        }
        for (uint16_t at = ext->offset / PCIE_ECAP_ALIGN + 1; at < end; at++) {
            if (layout->used[at] == USED_NOT) {
                layout->used[at] = USED_BODY;
            }
            owner[at] = i + 1;
        }
    }

    /* A header that was met first but has a later one's body over it */
    for (uint16_t i = 0; i < layout->count; i++) {
        const PCIEEcapExtent *ext = &layout->extents[i];

        if (owner[ext->offset / PCIE_ECAP_ALIGN] > i + 1) {
            add_defect(layout, PCIE_ECAP_OVERLAP,
                       layout->extents[owner[ext->offset /
                                             PCIE_ECAP_ALIGN] - 1].offset);
        }
    }
}

const PCIEEcapExtent *pcie_ecap_find(const PCIEEcapLayout *layout, uint16_t id)
{
    for (uint16_t i = 0; i < layout->count; i++) {
        if (layout->extents[i].id == id) {
            return &layout->extents[i];
        }
    }
    return NULL;
}

/* A Null capability at the head can be replaced by any other header */
static bool is_null_head(const PCIEEcapLayout *layout, uint32_t at)
{
    return at == PCIE_ECAP_HEAD && layout->count &&
           layout->extents[0].id == PCIE_ECAP_ID_NULL;
}

const PCIEEcapExtent *pcie_ecap_in_the_way(const PCIEEcapLayout *layout,
                                           uint16_t offset, uint16_t size,
                                           PCIEEcapReason reason)
{
    const PCIEEcapExtent *lowest = NULL;

    if (reason != PCIE_ECAP_HIT_HEADER && reason != PCIE_ECAP_HIT_BODY) {
        return NULL;
    }
    for (uint16_t i = 0; i < layout->count; i++) {
        const PCIEEcapExtent *ext = &layout->extents[i];
        uint16_t start = ext->offset;
        uint16_t end = start + PCIE_ECAP_HEADER_SIZE;

        if (reason == PCIE_ECAP_HIT_BODY) {
            start = end;
            end = ext->offset + ext->size;
        } else if (is_null_head(layout, start)) {
            continue;
        }
        if (start < offset + size && offset < end &&
            (!lowest || ext->offset < lowest->offset)) {
            lowest = ext;
        }
    }
    return lowest;
}

void pcie_ecap_reserve(PCIEEcapLayout *layout, uint16_t offset, uint16_t size)
{
    uint32_t end = MIN((uint32_t)offset + size, PCIE_ECAP_IMAGE_SIZE);
    uint32_t at = MAX(offset, PCIE_ECAP_HEAD) & ~(PCIE_ECAP_ALIGN - 1u);

    for (; size && at < end; at += PCIE_ECAP_ALIGN) {
        if (layout->used[at / PCIE_ECAP_ALIGN] == USED_NOT) {
            layout->used[at / PCIE_ECAP_ALIGN] = USED_RESERVED;
        }
    }
}

/* Judge the 4 bytes at @at alone */
static PCIEEcapReason check_dword(const PCIEEcapLayout *layout,
                                  const uint8_t *image, uint32_t at)
{
    if (is_null_head(layout, at)) {
        return PCIE_ECAP_OK;
    }
    switch (layout->used[at / PCIE_ECAP_ALIGN]) {
    case USED_HEADER:
        return PCIE_ECAP_HIT_HEADER;
    case USED_BODY:
        return PCIE_ECAP_HIT_BODY;
    case USED_RESERVED:
        return PCIE_ECAP_HIT_RESERVED;
    default:
        return pcie_ecap_get32(image, at) ? PCIE_ECAP_NONZERO : PCIE_ECAP_OK;
    }
}

PCIEEcapReason pcie_ecap_check(const PCIEEcapLayout *layout,
                               const uint8_t *image,
                               uint16_t offset, uint16_t size)
{
    PCIEEcapReason worst = PCIE_ECAP_OK;

    if (offset % PCIE_ECAP_ALIGN) {
        return PCIE_ECAP_MISALIGNED;
    }
    if (size < PCIE_ECAP_HEADER_SIZE || offset < PCIE_ECAP_HEAD ||
        offset > PCIE_ECAP_IMAGE_SIZE - size) {
        return PCIE_ECAP_BAD_RANGE;
    }
    if (layout->defects & PCIE_ECAP_BROKEN) {
        return PCIE_ECAP_BAD_CHAIN;
    }
    for (uint32_t at = offset; at < offset + size; at += PCIE_ECAP_ALIGN) {
        PCIEEcapReason reason = check_dword(layout, image, at);

        /* A capability in the way says more than bytes that are not zero */
        if (reason && (!worst || reason < worst)) {
            worst = reason;
        }
    }
    return worst;
}

uint16_t pcie_ecap_alloc(const PCIEEcapLayout *layout, const uint8_t *image,
                         uint16_t size)
{
    int at = QEMU_ALIGN_DOWN(PCIE_ECAP_IMAGE_SIZE - size, PCIE_ECAP_ALIGN);

    for (; at >= PCIE_ECAP_HEAD; at -= PCIE_ECAP_ALIGN) {
        if (!pcie_ecap_check(layout, image, at, size)) {
            return at;
        }
    }
    return 0;
}

/*
 * The element to put @offset behind: the first one below it that ends the
 * list or leads above it. A list that is not broken starts at 0x100 and ends,
 * so there is one for every offset above 0x100.
 */
static uint16_t find_link(const PCIEEcapLayout *layout, const uint8_t *image,
                          uint16_t offset)
{
    for (uint16_t i = 0; i < layout->count; i++) {
        uint16_t pos = layout->extents[i].offset;
        uint16_t next = PCI_EXT_CAP_NEXT(pcie_ecap_get32(image, pos));

        if (pos < offset && (!next || next > offset)) {
            return pos;
        }
    }
    return PCIE_ECAP_HEAD;
}

PCIEEcapReason pcie_ecap_insert(uint8_t *image, uint16_t offset, uint16_t id,
                                uint8_t version, uint16_t size)
{
    PCIEEcapLayout layout;
    PCIEEcapReason reason;
    uint32_t before;
    uint16_t at;

    pcie_ecap_parse(image, &layout);
    reason = pcie_ecap_check(&layout, image, offset, size);
    if (reason) {
        return reason;
    }

    /*
     * An empty list has no header at 0x100. What is written there then has
     * ID 0 and version 0, which makes it a Null capability.
     */
    at = find_link(&layout, image, offset);
    before = pcie_ecap_get32(image, at);
    put_header(image, offset, id | (version & 0xfu) << 16,
               PCI_EXT_CAP_NEXT(before));
    if (at != offset) {
        put_header(image, at, before, offset);
    }
    return PCIE_ECAP_OK;
}
