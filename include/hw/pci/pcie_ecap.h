/*
 * Layout of the PCI Express extended configuration space
 *
 * Pure functions over a copy of a function's 4096-byte configuration space
 * (PCIe 6.2, 7.2 and 7.6.3). Nothing here touches a device, allocates or
 * asserts: whatever bytes are given, every function ends and stays inside
 * the image.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_PCI_PCIE_ECAP_H
#define HW_PCI_PCIE_ECAP_H

/* Bytes of an image: the whole configuration space of a function */
#define PCIE_ECAP_IMAGE_SIZE    4096
/* The extended capability list, if there is one, is headed here */
#define PCIE_ECAP_HEAD          0x100
/* Capabilities start at a multiple of this (PCIe 6.2, 7.6.3) */
#define PCIE_ECAP_ALIGN         4
/* An extended capability header */
#define PCIE_ECAP_HEADER_SIZE   4
/* No list is longer than this: each element needs a header of its own */
#define PCIE_ECAP_MAX           \
    ((PCIE_ECAP_IMAGE_SIZE - PCIE_ECAP_HEAD) / PCIE_ECAP_ALIGN)
/* ID of the Null capability, also left behind where a capability was hidden */
#define PCIE_ECAP_ID_NULL       0x0000

/**
 * enum PCIEEcapDefect - what is wrong with an extended capability list
 *
 * The first group stops the walk, so what lies behind is unknown. With the
 * second group the walk goes on.
 *
 * @PCIE_ECAP_LOOP: a next pointer leads to an element met before.
 * @PCIE_ECAP_OUTSIDE: a next pointer leads below 0x100.
 * @PCIE_ECAP_ONES: a header reads all ones.
 * @PCIE_ECAP_ZEROS: a next pointer leads to a header that reads all zeros.
 * @PCIE_ECAP_BACKWARD: a next pointer leads to a lower offset. The
 *     specification does not forbid it.
 * @PCIE_ECAP_INTO_BODY: a next pointer leads into the body of an element met
 *     before.
 * @PCIE_ECAP_OVERLAP: the body of an element runs over one met before.
 * @PCIE_ECAP_CUT_SHORT: the body of an element would not end inside
 *     configuration space.
 */
typedef enum PCIEEcapDefect {
    PCIE_ECAP_LOOP      = 1 << 0,
    PCIE_ECAP_OUTSIDE   = 1 << 1,
    PCIE_ECAP_ONES      = 1 << 2,

    PCIE_ECAP_ZEROS     = 1 << 3,
    PCIE_ECAP_BACKWARD  = 1 << 4,
    PCIE_ECAP_INTO_BODY = 1 << 5,
    PCIE_ECAP_OVERLAP   = 1 << 6,
    PCIE_ECAP_CUT_SHORT = 1 << 7,
} PCIEEcapDefect;

/* With one of these the list does not tell all that is there */
#define PCIE_ECAP_BROKEN (PCIE_ECAP_LOOP | PCIE_ECAP_OUTSIDE | PCIE_ECAP_ONES)

/**
 * enum PCIEEcapReason - why a place for a capability is refused
 *
 * @PCIE_ECAP_OK: it is not refused.
 * @PCIE_ECAP_MISALIGNED: the offset is not a multiple of 4.
 * @PCIE_ECAP_BAD_RANGE: the place is not inside 0x100 to 0xfff, or has no room
 *     for a header.
 * @PCIE_ECAP_BAD_CHAIN: the list has one of the defects #PCIE_ECAP_BROKEN.
 * @PCIE_ECAP_HIT_HEADER: the place overlaps the header of a capability.
 * @PCIE_ECAP_HIT_BODY: the place overlaps the body of a capability.
 * @PCIE_ECAP_HIT_RESERVED: the place overlaps a range that
 *     pcie_ecap_reserve() took.
 * @PCIE_ECAP_NONZERO: no capability is known there, but something is, for it
 *     does not read zero.
 */
typedef enum PCIEEcapReason {
    PCIE_ECAP_OK,
    PCIE_ECAP_MISALIGNED,
    PCIE_ECAP_BAD_RANGE,
    PCIE_ECAP_BAD_CHAIN,
    PCIE_ECAP_HIT_HEADER,
    PCIE_ECAP_HIT_BODY,
    PCIE_ECAP_HIT_RESERVED,
    PCIE_ECAP_NONZERO,
} PCIEEcapReason;

/**
 * struct PCIEEcapExtent - where one extended capability lies
 *
 * @id: capability ID, 16 bits.
 * @offset: of its header in bytes, 0x100 to 0xffc.
 * @size: in bytes with the header, at least 4. It ends inside configuration
 *        space.
 * @version: capability version, 0 to 15.
 * @sized: false if nothing is known about the size of this ID and version, or
 *         if its own size field is nonsense. @size is then as much as it may
 *         be: up to the next known capability or the end of configuration
 *         space, within the limits of all of its ID and version. Zeros at the
 *         end do not make it shorter, since registers may read zero.
 * @cut: true if it would end behind configuration space. @size is then what is
 *       left of configuration space.
 */
typedef struct PCIEEcapExtent {
    uint16_t id;
    uint16_t offset;
    uint16_t size;
    uint8_t version;
    bool sized;
    bool cut;
} PCIEEcapExtent;

/**
 * struct PCIEEcapLayout - what an image holds
 *
 * @defects: a bitmap of #PCIEEcapDefect.
 * @bad_offset: offset in bytes of the header that showed the first defect of
 *              the list, 0 without defect.
 * @broken_offset: offset in bytes of the header that the walk ended at because
 *                 of one of #PCIE_ECAP_BROKEN, 0 without.
 * @count: number of elements of @extents in use, 0 for an empty list.
 * @extents: the capabilities in the order of the list.
 * @used: for each 4 bytes of configuration space, what is known to be there.
 */
typedef struct PCIEEcapLayout {
    uint32_t defects;
    uint16_t bad_offset;
    uint16_t broken_offset;
    uint16_t count;
    PCIEEcapExtent extents[PCIE_ECAP_MAX];
    uint8_t used[PCIE_ECAP_IMAGE_SIZE / PCIE_ECAP_ALIGN];
} PCIEEcapLayout;

/**
 * pcie_ecap_get32: read 4 little-endian bytes of an image
 *
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of configuration space.
 * @offset: where to read, any value.
 *
 * Returns: the value, with 0 for bytes behind the end of the image.
 */
uint32_t pcie_ecap_get32(const uint8_t *image, uint32_t offset);

/**
 * pcie_ecap_name: name a capability
 *
 * @id: an extended capability ID, any value.
 *
 * Returns: the name the specification gives it, "unknown" if it gives none.
 * The string is constant.
 */
const char *pcie_ecap_name(uint16_t id);

/**
 * pcie_ecap_defect_name: name a defect
 *
 * @defect: one #PCIEEcapDefect, or several, of which the lowest is named.
 *
 * Returns: a few words, "sound" for 0. The string is constant.
 */
const char *pcie_ecap_defect_name(uint32_t defect);

/**
 * pcie_ecap_reason_name: name a reason
 *
 * @reason: any #PCIEEcapReason.
 *
 * Returns: a few words. The string is constant.
 */
const char *pcie_ecap_reason_name(PCIEEcapReason reason);

/**
 * pcie_ecap_parse: find the extended capabilities of a function
 *
 * The PCI Express capability in the first 256 bytes of the image is taken
 * into account: some sizes depend on it.
 *
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of configuration space.
 * @layout: filled in whole. A list that is empty (the header at 0x100 reads
 *          zero) has no defect and no extent.
 */
void pcie_ecap_parse(const uint8_t *image, PCIEEcapLayout *layout);

/**
 * pcie_ecap_find: look for a capability by ID
 *
 * @layout: from pcie_ecap_parse().
 * @id: the ID to look for.
 *
 * Returns: the first one of the list, a part of @layout; NULL if there is
 * none.
 */
const PCIEEcapExtent *pcie_ecap_find(const PCIEEcapLayout *layout, uint16_t id);

/**
 * pcie_ecap_in_the_way: tell which capability a place was refused for
 *
 * @layout: from pcie_ecap_parse().
 * @offset: first byte of the place, as given to pcie_ecap_check().
 * @size: of the place in bytes, as given to pcie_ecap_check().
 * @reason: answer of pcie_ecap_check().
 *
 * Returns: for PCIE_ECAP_HIT_HEADER and PCIE_ECAP_HIT_BODY the capability with
 * the lowest offset whose header or body is in the place, a part of @layout.
 * NULL for any other reason.
 */
const PCIEEcapExtent *pcie_ecap_in_the_way(const PCIEEcapLayout *layout,
                                           uint16_t offset, uint16_t size,
                                           PCIEEcapReason reason);

/**
 * pcie_ecap_reserve: keep a range from being handed out
 *
 * Extents of capabilities stay as they are: a Null capability at 0x100 can
 * be replaced even then.
 *
 * @layout: from pcie_ecap_parse().
 * @offset: first byte of the range, any value.
 * @size: of the range in bytes, any value. What is not in extended
 *        configuration space is ignored.
 */
void pcie_ecap_reserve(PCIEEcapLayout *layout, uint16_t offset, uint16_t size);

/**
 * pcie_ecap_check: tell whether a capability can go to an offset
 *
 * It can if the place is aligned, inside extended configuration space, shares
 * no byte with anything known, and reads zero. At 0x100 a Null capability
 * makes room, since it can be replaced by another header.
 *
 * @layout: from pcie_ecap_parse() of @image.
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of configuration space.
 * @offset: of the new capability's header in bytes, any value.
 * @size: of the new capability with its header in bytes, any value.
 *
 * Returns: PCIE_ECAP_OK, or why not.
 */
PCIEEcapReason pcie_ecap_check(const PCIEEcapLayout *layout,
                               const uint8_t *image,
                               uint16_t offset, uint16_t size);

/**
 * pcie_ecap_alloc: find a place for a capability
 *
 * The highest place that pcie_ecap_check() accepts. Devices hide registers
 * behind their capabilities more often than at the end.
 *
 * @layout: from pcie_ecap_parse() of @image.
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of configuration space.
 * @size: of the new capability with its header in bytes, any value.
 *
 * Returns: the offset of the place in bytes; 0 if there is none.
 */
uint16_t pcie_ecap_alloc(const PCIEEcapLayout *layout, const uint8_t *image,
                         uint16_t size);

/**
 * pcie_ecap_insert: put a capability into the list of an image
 *
 * Writes the header of the new capability and one next pointer. The list
 * stays in ascending order if it was. An empty list gets its head at 0x100:
 * the capability itself if it goes there, a Null capability otherwise.
 *
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of configuration space.
 * @offset: of the new capability's header in bytes, any value.
 * @id: capability ID.
 * @version: capability version, 0 to 15.
 * @size: of the new capability with its header in bytes, any value.
 *
 * Returns: answer of pcie_ecap_check(). Unless it is PCIE_ECAP_OK, @image is
 * untouched.
 */
PCIEEcapReason pcie_ecap_insert(uint8_t *image, uint16_t offset, uint16_t id,
                                uint8_t version, uint16_t size);

#endif /* HW_PCI_PCIE_ECAP_H */
