/*
 * Fuzzing of the layout of the extended configuration space
 *
 * The first four bytes of the input say where and how much to insert, the
 * rest is the image.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/pci/pcie_ecap.h"

#define PARAMETERS  4
#define ID          0x1b

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insert(const uint8_t *image, const PCIEEcapLayout *layout,
                   uint16_t offset, uint16_t size)
{
    static uint8_t after[PCIE_ECAP_IMAGE_SIZE];
    static PCIEEcapLayout again;
    uint16_t link = 0;
    bool found = false;
    PCIEEcapReason want = pcie_ecap_check(layout, image, offset, size);

    memcpy(after, image, sizeof(after));
    g_assert_cmpint(pcie_ecap_insert(after, offset, ID, 1, size, &link), ==,
                    want);
    if (want) {
        g_assert_true(!memcmp(after, image, sizeof(after)));
        return;
    }

    for (unsigned i = 0; i < layout->count; i++) {
        const PCIEEcapExtent *ext = &layout->extents[i];

        g_assert_true(ext->offset + ext->size <= offset ||
                      ext->offset >= offset + size ||
                      (offset == PCIE_ECAP_HEAD && ext->offset == offset &&
                       ext->id == PCIE_ECAP_ID_NULL));
    }
    for (unsigned at = 0; at < sizeof(after); at++) {
        g_assert_true(after[at] == image[at] || at / 4 == offset / 4 ||
                      at == link + 2 || at == link + 3);
    }

    pcie_ecap_parse(after, &again);
    for (unsigned i = 0; i < again.count; i++) {
        found |= again.extents[i].offset == offset;
    }
    g_assert_true(found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t image[PCIE_ECAP_IMAGE_SIZE];
    static PCIEEcapLayout layout;
    uint16_t offset, bytes, at = 0, room;

    if (size < PARAMETERS) {
        return 0;
    }
    offset = data[0] | data[1] << 8;
    bytes = data[2] | data[3] << 8;

    /* Short inputs reach far: the rest of the first 256 bytes stays zero */
    memset(image, 0, sizeof(image));
    size = MIN(size - PARAMETERS, sizeof(image) - 0x40);
    memcpy(image + 0x100, data + PARAMETERS,
           MIN(size, sizeof(image) - 0x100));
    if (size > sizeof(image) - 0x100) {
        memcpy(image + 0x40, data + PARAMETERS + sizeof(image) - 0x100,
               size - (sizeof(image) - 0x100));
        image[0x06] = 0x10;
        image[0x34] = 0x40;
    }

    pcie_ecap_parse(image, &layout);
    for (unsigned i = 0; i < layout.count; i++) {
        g_assert_cmpuint(layout.extents[i].offset, >=, PCIE_ECAP_HEAD);
        g_assert_cmpuint(layout.extents[i].size, >=, 4);
        g_assert_cmpuint(layout.extents[i].offset + layout.extents[i].size,
                         <=, sizeof(image));
    }
    insert(image, &layout, offset, bytes);
    insert(image, &layout, offset & 0xffc, 8);
    if (!pcie_ecap_alloc(&layout, image, bytes, &offset)) {
        insert(image, &layout, offset, bytes);
    }
    while ((room = pcie_ecap_next_free(&layout, image, &at))) {
        g_assert_cmpint(pcie_ecap_check(&layout, image, at, room), ==,
                        PCIE_ECAP_OK);
        at += room;
    }
    return 0;
}
