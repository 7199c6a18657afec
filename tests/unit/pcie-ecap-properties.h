/*
 * Invariants of the layout of configuration space
 *
 * Unit tests and fuzzers share these. Each property is stated here anew, from
 * the bytes of the image, so that it does not rest on the code under test.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_PCIE_ECAP_PROPERTIES_H
#define TESTS_PCIE_ECAP_PROPERTIES_H

#include "pcie-ecap-image.h"

#define CELLS   (END / PCIE_ECAP_ALIGN)
#define HEAD    (PCIE_ECAP_HEAD / PCIE_ECAP_ALIGN)

/* An ID that is not in use goes with any size */
#define UNSIZED_ID      0xfffe

/* The extents are the headers that the image's pointers lead to, in order */
static inline void property_list(const uint8_t *image,
                                 const PCIEEcapLayout *layout)
{
    const uint32_t walked = PCIE_ECAP_LOOP | PCIE_ECAP_OUTSIDE |
                            PCIE_ECAP_ONES | PCIE_ECAP_ZEROS |
                            PCIE_ECAP_BACKWARD;
    bool seen[CELLS] = { false };
    uint32_t defects = 0;
    uint16_t pos = PCIE_ECAP_HEAD;
    unsigned count = 0;

    while (get32(image, PCIE_ECAP_HEAD)) {
        const PCIEEcapExtent *ext = &layout->extents[count];
        uint32_t header = get32(image, pos);
        uint16_t next = header >> 20 & ~3;

        if (header == UINT32_MAX) {
            defects |= PCIE_ECAP_ONES;
            break;
        }
        g_assert_cmpuint(count, <, layout->count);
        g_assert_cmphex(ext->offset, ==, pos);
        g_assert_cmphex(ext->id, ==, header & 0xffff);
        g_assert_cmpuint(ext->version, ==, header >> 16 & 0xf);
        seen[pos / PCIE_ECAP_ALIGN] = true;
        count++;

        defects |= header ? 0 : PCIE_ECAP_ZEROS;
        if (!next) {
            break;
        }
        if (next < PCIE_ECAP_HEAD) {
            defects |= PCIE_ECAP_OUTSIDE;
            break;
        }
        if (seen[next / PCIE_ECAP_ALIGN]) {
            defects |= PCIE_ECAP_LOOP;
            break;
        }
        defects |= next < pos ? PCIE_ECAP_BACKWARD : 0;
        pos = next;
    }
    g_assert_cmpuint(layout->count, ==, count);
    g_assert_cmphex(layout->defects & walked, ==, defects);
    g_assert_true(!layout->defects == !layout->bad_offset);
}

static inline uint16_t extent_end(const PCIEEcapExtent *ext)
{
    return QEMU_ALIGN_UP(ext->offset + ext->size, PCIE_ECAP_ALIGN);
}

/* No capability of unknown size has more that it must have */
#define LARGEST_LEAST   0x21

/* Sizes stay inside, and what lies over what is what the defects say */
static inline void property_extents(const PCIEEcapLayout *layout)
{
    const uint32_t crossed = PCIE_ECAP_INTO_BODY | PCIE_ECAP_OVERLAP;
    uint32_t defects = 0;

    for (unsigned i = 0; i < layout->count; i++) {
        const PCIEEcapExtent *ext = &layout->extents[i];

        g_assert_cmpuint(ext->size, >=, PCIE_ECAP_HEADER_SIZE);
        g_assert_cmphex(ext->offset + ext->size, <=, END);
        for (unsigned j = 0; j < layout->count; j++) {
            uint16_t other = layout->extents[j].offset;

            if (other <= ext->offset || other >= extent_end(ext)) {
                continue;
            }
            /* An unknown size ends at the next header, or is the least one */
            g_assert_true(ext->sized || ext->size <= LARGEST_LEAST);
            defects |= j > i ? PCIE_ECAP_INTO_BODY : PCIE_ECAP_OVERLAP;
        }
    }
    g_assert_cmphex(layout->defects & crossed, ==, defects);
}

/* Same input, same answer, whatever the memory held before */
static inline void property_same(const uint8_t *image,
                                 const PCIEEcapLayout *layout)
{
    g_autofree PCIEEcapLayout *again = g_new(PCIEEcapLayout, 1);

    memset(again, 0xa5, sizeof(*again));
    pcie_ecap_parse(image, again);
    g_assert_true(!memcmp(again, layout, sizeof(*again)));
}

/* The reason to refuse each 4 bytes, if nothing is reserved */
static inline void judge_cells(const uint8_t *image,
                               const PCIEEcapLayout *layout,
                               PCIEEcapReason *cells)
{
    for (unsigned i = HEAD; i < CELLS; i++) {
        cells[i] = get32(image, i * PCIE_ECAP_ALIGN) ? PCIE_ECAP_NONZERO :
                                                       PCIE_ECAP_OK;
    }
    for (unsigned i = 0; i < layout->count; i++) {
        const PCIEEcapExtent *ext = &layout->extents[i];

        for (uint16_t at = ext->offset; at < extent_end(ext);
             at += PCIE_ECAP_ALIGN) {
            cells[at / PCIE_ECAP_ALIGN] = PCIE_ECAP_HIT_BODY;
        }
    }
    for (unsigned i = 0; i < layout->count; i++) {
        cells[layout->extents[i].offset / PCIE_ECAP_ALIGN] =
            PCIE_ECAP_HIT_HEADER;
    }
    if (layout->count && !layout->extents[0].id) {
        cells[HEAD] = PCIE_ECAP_OK;
    }
}

static inline PCIEEcapReason judge(const PCIEEcapReason *cells,
                                   const PCIEEcapLayout *layout,
                                   uint32_t offset, uint32_t size)
{
    PCIEEcapReason worst = PCIE_ECAP_NONZERO + 1;

    if (offset % PCIE_ECAP_ALIGN) {
        return PCIE_ECAP_MISALIGNED;
    }
    if (offset < PCIE_ECAP_HEAD || offset + size > END ||
        size < PCIE_ECAP_HEADER_SIZE) {
        return PCIE_ECAP_BAD_RANGE;
    }
    if (layout->defects & PCIE_ECAP_BROKEN) {
        return PCIE_ECAP_BAD_CHAIN;
    }
    for (uint32_t i = offset / PCIE_ECAP_ALIGN;
         i * PCIE_ECAP_ALIGN < offset + size; i++) {
        if (cells[i]) {
            worst = MIN(worst, cells[i]);
        }
    }
    return worst > PCIE_ECAP_NONZERO ? PCIE_ECAP_OK : worst;
}

/* A place that is refused for a capability names one that is there */
static inline void property_named(const PCIEEcapLayout *layout,
                                  uint16_t offset, uint16_t size,
                                  PCIEEcapReason reason)
{
    const PCIEEcapExtent *ext = pcie_ecap_in_the_way(layout, offset, size,
                                                     reason);

    g_assert_true(!ext == (reason != PCIE_ECAP_HIT_HEADER &&
                           reason != PCIE_ECAP_HIT_BODY));
    if (ext) {
        g_assert_cmphex(ext->offset, <, offset + size);
        g_assert_cmphex(extent_end(ext), >, offset);
        g_assert_true(ext->offset >= offset ||
                      reason == PCIE_ECAP_HIT_BODY);
    }
}

/* A place is free if nothing is known there and it reads zero */
static inline void property_places(const uint8_t *image,
                                   const PCIEEcapLayout *layout,
                                   uint16_t offset, uint16_t size)
{
    PCIEEcapReason cells[CELLS] = { PCIE_ECAP_OK };
    PCIEEcapReason reason;
    uint32_t at;

    judge_cells(image, layout, cells);
    reason = judge(cells, layout, offset, size);
    g_assert_cmpint(pcie_ecap_check(layout, image, offset, size), ==, reason);
    property_named(layout, offset, size, reason);

    /* The highest free place, or none is free */
    for (at = (END - MIN(size, END)) & ~3; at >= PCIE_ECAP_HEAD; at -= 4) {
        if (!judge(cells, layout, at, size)) {
            break;
        }
    }
    g_assert_cmphex(pcie_ecap_alloc(layout, image, size), ==,
                    at >= PCIE_ECAP_HEAD ? at : 0);
}

/* Is the only capability that may be in the way, an empty head, in the way? */
static inline bool is_replaced_head(const PCIEEcapExtent *ext, uint16_t offset)
{
    return offset == PCIE_ECAP_HEAD && ext->offset == offset && !ext->id;
}

/*
 * The new one is in the list, the others are as they were. Where capabilities
 * overlap, a header that changes can be a register of another one.
 */
static inline void property_inserted(const PCIEEcapLayout *before,
                                     const PCIEEcapLayout *after,
                                     uint16_t offset, uint16_t id)
{
    bool crossed = before->defects & (PCIE_ECAP_INTO_BODY | PCIE_ECAP_OVERLAP);
    /* A header of zeros gets a pointer if it is what leads to the new one */
    uint32_t lost = before->defects & ~after->defects;
    unsigned at = 0, found = 0;

    g_assert_true(crossed || !(lost & ~PCIE_ECAP_ZEROS));
    g_assert_true(crossed || !(after->defects & ~before->defects));
    for (unsigned i = 0; i < after->count; i++) {
        const PCIEEcapExtent *ext = &after->extents[i];

        if (ext->offset == offset) {
            g_assert_cmphex(ext->id, ==, id);
            found++;
            at += at < before->count &&
                  is_replaced_head(&before->extents[at], offset);
        } else if (at == before->count) {
            /* The head that a list needs to begin at all */
            g_assert_cmpuint(before->count, ==, 0);
            g_assert_cmphex(ext->offset, ==, PCIE_ECAP_HEAD);
            g_assert_cmphex(ext->id, ==, PCIE_ECAP_ID_NULL);
        } else {
            g_assert_cmphex(ext->offset, ==, before->extents[at].offset);
            g_assert_true(crossed || !memcmp(ext, &before->extents[at],
                                             sizeof(*ext)));
            at++;
        }
    }
    g_assert_cmpuint(found, ==, 1);
    g_assert_cmpuint(at, ==, before->count);
}

/* Inserting changes a header, and the pointer to it, and nothing else */
static inline void property_insert(const uint8_t *image,
                                   const PCIEEcapLayout *layout,
                                   uint16_t offset, uint16_t id, uint16_t size)
{
    g_autofree Image *after = image_new();
    unsigned links = 0;
    PCIEEcapReason want = pcie_ecap_check(layout, image, offset, size);

    memcpy(after->bytes, image, END);
    g_assert_cmpint(pcie_ecap_insert(after->bytes, offset, id, 1, size), ==,
                    want);
    if (want) {
        g_assert_true(!memcmp(after->bytes, image, END));
        return;
    }

    for (unsigned i = 0; i < layout->count; i++) {
        const PCIEEcapExtent *ext = &layout->extents[i];

        g_assert_true(ext->offset + ext->size <= offset ||
                      ext->offset >= offset + size ||
                      is_replaced_head(ext, offset));
    }
    for (uint16_t at = 0; at < END; at += PCIE_ECAP_ALIGN) {
        uint32_t old = get32(image, at);
        uint32_t new = get32(after->bytes, at);

        if (at == offset) {
            g_assert_cmphex(new & 0xfffff, ==, id | 1 << 16);
        } else if (new != old) {
            /* Not even the reserved bits of the pointer */
            g_assert_cmphex(new & 0x3fffff, ==, old & 0x3fffff);
            g_assert_cmphex(new >> 20 & ~3, ==, offset);
            links++;
        }
    }
    g_assert_cmpuint(links, ==, offset != PCIE_ECAP_HEAD);
    parse(after);
    property_inserted(layout, &after->layout, offset, id);
}

/**
 * pcie_ecap_properties: check all of them
 *
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of anything.
 *
 * @offset: a place to try, any value.
 *
 * @size: a size to try, any value.
 */
static inline void pcie_ecap_properties(const uint8_t *image, uint16_t offset,
                                        uint16_t size)
{
    g_autofree PCIEEcapLayout *layout = g_new(PCIEEcapLayout, 1);
    uint16_t found;

    pcie_ecap_parse(image, layout);
    property_list(image, layout);
    property_extents(layout);
    property_same(image, layout);
    property_places(image, layout, offset, size);
    property_insert(image, layout, offset, UNSIZED_ID, size);
    property_insert(image, layout, offset & 0xffc, PASID_ID, PASID_SIZE);
    property_insert(image, layout, PCIE_ECAP_HEAD, PASID_ID, PASID_SIZE);
    found = pcie_ecap_alloc(layout, image, size);
    if (found) {
        property_insert(image, layout, found, UNSIZED_ID, size);
    }
}

#endif /* TESTS_PCIE_ECAP_PROPERTIES_H */
