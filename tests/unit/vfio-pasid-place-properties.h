/*
 * Invariants of the placement of a PASID capability
 *
 * Unit tests and fuzzers share these.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_VFIO_PASID_PLACE_PROPERTIES_H
#define TESTS_VFIO_PASID_PLACE_PROPERTIES_H

#include "hw/vfio/pci-pasid-place.h"
#include "pcie-ecap-properties.h"

/* How many places look like the device's own capability, and the first one */
static inline unsigned count_own(const uint8_t *image,
                                 const PCIEEcapLayout *layout,
                                 const VFIOPasidCap *host, uint16_t *first)
{
    uint16_t cap = host->width << 8 | host->exec << 1 | host->priv << 2;
    unsigned count = 0;

    for (uint16_t at = PCIE_ECAP_HEAD; at < END; at += PCIE_ECAP_ALIGN) {
        uint32_t next = get32(image, at) >> 20;

        if (!pcie_ecap_check(layout, image, at, PASID_SIZE) ||
            pcie_ecap_check(layout, image, at, PASID_SIZE) !=
            PCIE_ECAP_NONZERO ||
            (get32(image, at) & 0xfffff) != 0x1001b ||
            (get32(image, at + 4) & 0x1f06) != cap) {
            continue;
        }
        /* Nor are there widths that no device has, or bits that none sets */
        if (!host->width || host->width > 20 || next % 4 ||
            (next && next < PCIE_ECAP_HEAD) ||
            (get32(image, at + 4) & 0xfff0e0f1)) {
            continue;
        }
        *first = count++ ? *first : at;
    }
    return count;
}

/* The first rule that gives a place is the one that counts */
static inline void property_step(const uint8_t *image,
                                 const PCIEEcapLayout *layout,
                                 const VFIOPasidCap *host,
                                 const VFIOPasidPlace *choice)
{
    uint16_t offset = 0;
    unsigned own;

    g_assert_cmpint(choice->end, ==,
                    pcie_ecap_check(layout, image, PASID_AT_END, PASID_SIZE));
    if (!choice->end) {
        g_assert_cmpint(choice->step, ==, VFIO_PASID_STEP_END);
        g_assert_cmphex(choice->offset, ==, PASID_AT_END);
        return;
    }
    own = count_own(image, layout, host, &offset);
    g_assert_cmpuint(choice->hidden, ==, own);
    if (own == 1) {
        uint16_t at = offset;

        g_assert_cmpint(choice->step, ==, VFIO_PASID_STEP_HOST);
        g_assert_cmphex(choice->offset, ==, offset);
        /* It is one of the places that are kept from the guest */
        g_assert_cmphex(vfio_pasid_next_registers(layout, image, host, &at),
                        ==, PASID_SIZE);
        g_assert_cmphex(at, ==, offset);
    } else if (pcie_ecap_alloc(layout, image, PASID_SIZE)) {
        g_assert_cmpint(choice->step, ==, VFIO_PASID_STEP_GAP);
        g_assert_cmphex(choice->offset, ==,
                        pcie_ecap_alloc(layout, image, PASID_SIZE));
    } else {
        g_assert_cmpint(choice->step, ==, VFIO_PASID_STEP_NONE);
        g_assert_cmphex(choice->offset, ==, 0);
    }
}

/* Registers kept from the guest are in no capability, and come in order */
static inline void property_registers(const uint8_t *image,
                                      const PCIEEcapLayout *layout,
                                      const VFIOPasidCap *host)
{
    uint16_t at = 0, end = PCIE_ECAP_HEAD, size;

    while ((size = vfio_pasid_next_registers(layout, image, host, &at))) {
        g_assert_cmphex(at, >=, end);
        g_assert_cmphex(at % PCIE_ECAP_ALIGN, ==, 0);
        g_assert_true(size == PASID_SIZE || at == PCIE_ECAP_HEAD + 4);
        end = at + size;
        g_assert_cmphex(end, <=, END);
        for (unsigned i = 0; i < layout->count; i++) {
            const PCIEEcapExtent *ext = &layout->extents[i];

            g_assert_true(ext->offset + ext->size <= at ||
                          ext->offset >= end || is_replaced_head(ext, at));
        }
        at = end;
    }
}

/**
 * vfio_pasid_place_properties: check all of them
 *
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of anything.
 *
 * @host: report of the host, anything.
 *
 * @reserved: start of a range that is not to be used, any value.
 *
 * @bytes: size of that range, any value.
 *
 * Returns: the step that chose the place.
 */
static inline VFIOPasidStep
vfio_pasid_place_properties(const uint8_t *image, const VFIOPasidCap *host,
                           uint16_t reserved, uint16_t bytes)
{
    g_autofree PCIEEcapLayout *layout = g_new(PCIEEcapLayout, 1);
    g_autofree Image *guest = image_new();
    VFIOPasidPlace choice, again;
    VFIOPasidCap found;

    pcie_ecap_parse(image, layout);
    pcie_ecap_reserve(layout, reserved, bytes);
    memset(&choice, 0, sizeof(choice));
    memset(&again, 0xa5, sizeof(again));
    g_assert_cmpint(vfio_pasid_choose_place(layout, image, host, &choice), ==,
                    choice.step != VFIO_PASID_STEP_NONE);
    vfio_pasid_choose_place(layout, image, host, &again);
    g_assert_cmpint(again.step, ==, choice.step);
    g_assert_cmphex(again.offset, ==, choice.offset);
    property_step(image, layout, host, &choice);
    property_registers(image, layout, host);
    if (!choice.step) {
        return choice.step;
    }

    /* It is nobody's; that a Null head is reserved does not count */
    for (uint16_t i = 0; i < PASID_SIZE; i++) {
        uint16_t at = choice.offset + i;

        g_assert_true(at < reserved || at >= reserved + bytes ||
                      (at < PCIE_ECAP_HEAD + PCIE_ECAP_HEADER_SIZE &&
                       layout->count && !layout->extents[0].id));
    }
    for (unsigned i = 0; i < layout->count; i++) {
        const PCIEEcapExtent *ext = &layout->extents[i];

        g_assert_true(ext->offset + ext->size <= choice.offset ||
                      ext->offset >= choice.offset + PASID_SIZE ||
                      is_replaced_head(ext, choice.offset));
    }
    /* The place has nothing, or the device's own capability */
    g_assert_cmpint(vfio_pasid_read(image, choice.offset, &found) &&
                    found.width == host->width && found.exec == host->exec &&
                    found.priv == host->priv, ==,
                    choice.step == VFIO_PASID_STEP_HOST);

    memcpy(guest->bytes, image, END);
    if (choice.step == VFIO_PASID_STEP_HOST) {
        memset(guest->bytes + choice.offset, 0, PASID_SIZE);
        parse(guest);
        property_insert(guest->bytes, &guest->layout, choice.offset, PASID_ID,
                        PASID_SIZE);
    }
    g_assert_cmpint(pcie_ecap_insert(guest->bytes, choice.offset, PASID_ID, 1,
                                     PASID_SIZE), ==, PCIE_ECAP_OK);
    g_assert_true(vfio_pasid_read(guest->bytes, choice.offset, &found));
    return choice.step;
}

#endif /* TESTS_VFIO_PASID_PLACE_PROPERTIES_H */
