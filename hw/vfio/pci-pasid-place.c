/*
 * Placement of the PASID capability of VFIO PCI devices
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "pci-pasid-place.h"

/* Header without the next pointer (PCIe 6.2, 7.6.3) */
#define HEADER_ID_VERSION   0x000fffffu
#define HEADER_PASID        (PCI_EXT_CAP_ID_PASID | PCI_PASID_VER << 16)
/* The control register is the upper half of the second dword (7.8.9.3) */
#define REGS_ENABLED        ((uint32_t)PCI_PASID_CTRL_ENABLE << 16)
#define REGS_RESERVED       0xfff0e0f1u

static VFIOPasidCap vfio_pasid_decode(const uint8_t *image, uint16_t regs)
{
    uint32_t cap = pcie_ecap_get32(image, regs);

    return (VFIOPasidCap) {
        .width = (cap & PCI_PASID_CAP_WIDTH) >> PCI_PASID_CAP_WIDTH_SHIFT,
        .exec = cap & PCI_PASID_CAP_EXEC,
        .priv = cap & PCI_PASID_CAP_PRIV,
    };
}

bool vfio_pasid_read(const uint8_t *image, uint16_t offset, VFIOPasidCap *cap)
{
    if (offset % PCIE_ECAP_ALIGN || offset < PCIE_ECAP_HEAD ||
        offset > VFIO_PASID_AT_END ||
        (pcie_ecap_get32(image, offset) & HEADER_ID_VERSION) != HEADER_PASID) {
        return false;
    }
    *cap = vfio_pasid_decode(image, offset + PCI_PASID_CAP);
    return true;
}

/* Can the host make @host of the registers at @regs? */
static bool vfio_pasid_is_source(const uint8_t *image, uint16_t regs,
                                 const VFIOPasidCap *host)
{
    VFIOPasidCap cap = vfio_pasid_decode(image, regs);

    return !(pcie_ecap_get32(image, regs) & REGS_RESERVED) && host->width &&
           cap.width >= MIN(host->width, PCI_EXT_CAP_PASID_MAX_WIDTH) &&
           cap.width <= PCI_EXT_CAP_PASID_MAX_WIDTH &&
           cap.exec >= host->exec && cap.priv >= host->priv;
}

/* The lowest hidden capability from @at on that fits @host, 0 if none does */
static uint16_t vfio_pasid_next_hidden(const PCIEEcapLayout *layout,
                                       const uint8_t *image,
                                       const VFIOPasidCap *host, uint16_t at)
{
    VFIOPasidCap cap;

    for (; at <= VFIO_PASID_AT_END; at += PCIE_ECAP_ALIGN) {
        uint16_t next = pcie_ecap_get32(image, at) >> PCI_EXT_CAP_NEXT_SHIFT;

        /* All that may be said against the place is what makes it a match */
        if (vfio_pasid_read(image, at, &cap) && !(next % PCIE_ECAP_ALIGN) &&
            (!next || next >= PCIE_ECAP_HEAD) &&
            vfio_pasid_is_source(image, at + PCI_PASID_CAP, host) &&
            pcie_ecap_check(layout, image, at, PCI_EXT_CAP_PASID_SIZEOF) ==
            PCIE_ECAP_NONZERO) {
            return at;
        }
    }
    return 0;
}

unsigned vfio_pasid_find_own(const PCIEEcapLayout *layout,
                             const uint8_t *image, const VFIOPasidCap *host,
                             uint16_t *offset)
{
    unsigned count = 0;
    uint16_t at = PCIE_ECAP_HEAD;

    while ((at = vfio_pasid_next_hidden(layout, image, host, at))) {
        VFIOPasidCap cap = vfio_pasid_decode(image, at + PCI_PASID_CAP);

        if (cap.width == host->width && cap.exec == host->exec &&
            cap.priv == host->priv && !count++) {
            *offset = at;
        }
        at += PCIE_ECAP_ALIGN;
    }
    return count;
}

/* The anchor that is left of a hidden capability that was the first */
static bool vfio_pasid_has_anchor(const PCIEEcapLayout *layout,
                                  const uint8_t *image)
{
    return layout->count ? layout->extents[0].id == PCIE_ECAP_ID_NULL :
           !pcie_ecap_get32(image, PCIE_ECAP_HEAD);
}

uint16_t vfio_pasid_next_registers(const PCIEEcapLayout *layout,
                                   const uint8_t *image,
                                   const VFIOPasidCap *host, uint16_t *offset)
{
    const uint16_t anchored = PCIE_ECAP_HEAD + PCI_PASID_CAP;
    uint16_t at;

    if (*offset <= anchored && vfio_pasid_has_anchor(layout, image) &&
        vfio_pasid_is_source(image, anchored, host) &&
        pcie_ecap_check(layout, image, anchored, PCIE_ECAP_ALIGN) ==
        PCIE_ECAP_NONZERO) {
        *offset = anchored;
        return PCI_EXT_CAP_PASID_SIZEOF - PCI_PASID_CAP;
    }
    at = vfio_pasid_next_hidden(layout, image, host,
                                MAX(*offset, PCIE_ECAP_HEAD));
    if (!at) {
        return 0;
    }
    *offset = at;
    return PCI_EXT_CAP_PASID_SIZEOF;
}

bool vfio_pasid_is_off(const PCIEEcapLayout *layout, const uint8_t *image,
                       const VFIOPasidCap *host)
{
    bool found = false;
    uint16_t at = 0;
    uint16_t size;

    while ((size = vfio_pasid_next_registers(layout, image, host, &at))) {
        at += size;
        if (pcie_ecap_get32(image, at - 4) & REGS_ENABLED) {
            return false;
        }
        found = true;
    }
    return found;
}

bool vfio_pasid_choose_place(const PCIEEcapLayout *layout,
                             const uint8_t *image, const VFIOPasidCap *host,
                             VFIOPasidPlace *place)
{
    *place = (VFIOPasidPlace) {
        .end = pcie_ecap_check(layout, image, VFIO_PASID_AT_END,
                               PCI_EXT_CAP_PASID_SIZEOF),
    };
    if (!place->end) {
        place->step = VFIO_PASID_STEP_END;
        place->offset = VFIO_PASID_AT_END;
        return true;
    }

    place->hidden = vfio_pasid_find_own(layout, image, host, &place->offset);
    if (place->hidden == 1) {
        place->step = VFIO_PASID_STEP_HOST;
        return true;
    }
    place->offset = pcie_ecap_alloc(layout, image, PCI_EXT_CAP_PASID_SIZEOF);
    place->step = place->offset ? VFIO_PASID_STEP_GAP : VFIO_PASID_STEP_NONE;
    return place->offset;
}

char *vfio_pasid_describe(const PCIEEcapLayout *layout, uint16_t size,
                          uint16_t offset, PCIEEcapReason reason)
{
    const char *name = pcie_ecap_reason_name(reason);
    const PCIEEcapExtent *ext =
        pcie_ecap_in_the_way(layout, offset, PCI_EXT_CAP_PASID_SIZEOF, reason);

    if (reason == PCIE_ECAP_BAD_CHAIN) {
        return g_strdup_printf("the list of extended capabilities %s at 0x%x",
                               pcie_ecap_defect_name(layout->defects &
                                                     PCIE_ECAP_BROKEN),
                               layout->broken_offset);
    }
    if (size < PCIE_ECAP_IMAGE_SIZE &&
        offset + PCI_EXT_CAP_PASID_SIZEOF > size) {
        return g_strdup_printf("0x%x does not fit into the 0x%x bytes of "
                               "configuration space", offset, size);
    }
    if (!ext) {
        return g_strdup_printf("0x%x %s", offset, name);
    }
    return g_strdup_printf("0x%x %s (%s, ID 0x%x, 0x%x to 0x%x%s)", offset,
                           name, pcie_ecap_name(ext->id), ext->id, ext->offset,
                           ext->offset + ext->size - 1, ext->sized ? "" :
                           " since its size is not known");
}

char *vfio_pasid_describe_place(const PCIEEcapLayout *layout, uint16_t size,
                                const VFIOPasidPlace *place)
{
    g_autofree char *end = vfio_pasid_describe(layout, size, VFIO_PASID_AT_END,
                                               place->end);
    g_autofree char *own = place->hidden ?
        g_strdup_printf("%u places look like the device's own capability",
                        place->hidden) :
        g_strdup("the device's own capability was not found");

    if (place->end == PCIE_ECAP_BAD_CHAIN) {
        return g_strdup_printf("%s, so the free places are not known", end);
    }
    switch (place->step) {
    case VFIO_PASID_STEP_END:
        return g_steal_pointer(&end);
    case VFIO_PASID_STEP_HOST:
        return g_strdup_printf("%s; the device's own capability is at 0x%x",
                               end, place->offset);
    case VFIO_PASID_STEP_GAP:
        return g_strdup_printf("%s; %s; 0x%x is the highest free place", end,
                               own, place->offset);
    default:
        return g_strdup_printf("%s; %s; no other place is free", end, own);
    }
}

bool vfio_pasid_shown_by_mistake(const PCIEEcapLayout *layout, uint16_t offset)
{
    const PCIEEcapExtent *ext = layout->extents;

    if (layout->defects & (PCIE_ECAP_BROKEN | PCIE_ECAP_INTO_BODY |
                           PCIE_ECAP_OVERLAP)) {
        return true;
    }
    for (unsigned i = 0; i < layout->count && ext[i].offset != offset; i++) {
        for (unsigned j = 0; j < layout->count; j++) {
            if (ext[j].id == ext[i].id &&
                ext[j].offset + ext[j].size == ext[i].offset) {
                return true;
            }
        }
    }
    return false;
}
