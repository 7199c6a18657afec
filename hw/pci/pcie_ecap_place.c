/*
 * Where a virtual PASID capability goes
 *
 * Section numbers without a name are those of PCIe 6.2.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/pci/pcie_ecap_place.h"
#include "pcie_ecap_size.h"

/* Header without the next pointer (7.6.3), and PASID Capability (7.8.8.2) */
#define HEADER_ID_VERSION       0x000fffffu
#define HEADER_PASID            \
    (PCIE_ECAP_PASID_ID | PCIE_ECAP_PASID_VERSION << 16)
#define HEADER_NEXT_SHIFT       20
#define PASID_CAP               4
#define PASID_CAP_EXEC          (1 << 1)
#define PASID_CAP_PRIV          (1 << 2)
#define PASID_CAP_WIDTH_SHIFT   8
#define PASID_CAP_WIDTH_MASK    0x1f
/* Both registers: PASID Control is the upper half (7.8.8.3) */
#define PASID_CTRL_ENABLE       (1u << 16)
#define PASID_RESERVED          0xfff0e0f1u

const char *pcie_ecap_step_name(PCIEEcapStep step)
{
    static const char *const names[] = {
        [PCIE_ECAP_STEP_NONE] = "none",
        [PCIE_ECAP_STEP_END] = "end",
        [PCIE_ECAP_STEP_HOST] = "host",
        [PCIE_ECAP_STEP_GAP] = "gap",
    };

    return step < G_N_ELEMENTS(names) ? names[step] : "none";
}

bool pcie_ecap_pasid_read(const uint8_t *image, uint16_t offset,
                          PCIEEcapPasid *pasid)
{
    uint32_t cap;

    if (offset % PCIE_ECAP_ALIGN || offset < PCIE_ECAP_HEAD ||
        offset > PCIE_ECAP_PASID_AT_END ||
        (pcie_ecap_get32(image, offset) & HEADER_ID_VERSION) != HEADER_PASID) {
        return false;
    }
    cap = pcie_ecap_get32(image, offset + PASID_CAP);
    *pasid = (PCIEEcapPasid) {
        .width = (cap >> PASID_CAP_WIDTH_SHIFT) & PASID_CAP_WIDTH_MASK,
        .exec = cap & PASID_CAP_EXEC,
        .priv = cap & PASID_CAP_PRIV,
    };
    return true;
}

unsigned pcie_ecap_pasid_hidden(const PCIEEcapLayout *layout,
                                const uint8_t *image,
                                const PCIEEcapPasid *host, uint16_t *offset)
{
    unsigned count = 0;

    for (uint16_t at = PCIE_ECAP_HEAD; at <= PCIE_ECAP_PASID_AT_END;
         at += PCIE_ECAP_ALIGN) {
        PCIEEcapPasid found;

        if (!pcie_ecap_pasid_read(image, at, &found) ||
            found.width != host->width || found.exec != host->exec ||
            found.priv != host->priv) {
            continue;
        }
        /* All that may be said against the place is what makes it a match */
        if (pcie_ecap_check(layout, image, at, PCIE_ECAP_PASID_SIZE) !=
            PCIE_ECAP_NONZERO) {
            continue;
        }
        if (!count++) {
            *offset = at;
        }
    }
    return count;
}

/* Can the registers at @at be what the host makes @host of? */
static bool is_source_of(const uint8_t *image, uint16_t at,
                         const PCIEEcapPasid *host)
{
    uint32_t regs = pcie_ecap_get32(image, at);
    uint8_t width = (regs >> PASID_CAP_WIDTH_SHIFT) & PASID_CAP_WIDTH_MASK;

    return !(regs & PASID_RESERVED) && host->width &&
           width >= MIN(host->width, PCIE_ECAP_PASID_MAX_WIDTH) &&
           width <= PCIE_ECAP_PASID_MAX_WIDTH &&
           (!host->exec || (regs & PASID_CAP_EXEC)) &&
           (!host->priv || (regs & PASID_CAP_PRIV));
}

/* The lowest hidden header from @at on with such registers, 0 if none */
static uint16_t next_source(const PCIEEcapLayout *layout, const uint8_t *image,
                            const PCIEEcapPasid *host, uint16_t at)
{
    for (; at <= PCIE_ECAP_PASID_AT_END; at += PCIE_ECAP_ALIGN) {
        uint32_t header = pcie_ecap_get32(image, at);
        uint16_t next = header >> HEADER_NEXT_SHIFT;

        if ((header & HEADER_ID_VERSION) == HEADER_PASID &&
            !(next % PCIE_ECAP_ALIGN) && (!next || next >= PCIE_ECAP_HEAD) &&
            is_source_of(image, at + PASID_CAP, host) &&
            pcie_ecap_check(layout, image, at, PCIE_ECAP_PASID_SIZE) ==
            PCIE_ECAP_NONZERO) {
            return at;
        }
    }
    return 0;
}

/* What is left of a hidden capability that was the first, or the only one */
static bool starts_with_anchor(const PCIEEcapLayout *layout,
                               const uint8_t *image)
{
    return layout->count ? layout->extents[0].id == PCIE_ECAP_ID_NULL :
           !pcie_ecap_get32(image, PCIE_ECAP_HEAD);
}

uint16_t pcie_ecap_pasid_registers(const PCIEEcapLayout *layout,
                                   const uint8_t *image,
                                   const PCIEEcapPasid *host,
                                   uint16_t *offset)
{
    const uint16_t anchored = PCIE_ECAP_HEAD + PASID_CAP;
    uint16_t at = next_source(layout, image, host,
                              MAX(*offset, PCIE_ECAP_HEAD));

    if (at) {
        *offset = at;
        return PCIE_ECAP_PASID_SIZE;
    }
    if (*offset > anchored || !starts_with_anchor(layout, image) ||
        !(pcie_ecap_get32(image, anchored) & PASID_CTRL_ENABLE) ||
        !is_source_of(image, anchored, host) ||
        pcie_ecap_check(layout, image, anchored, PCIE_ECAP_ALIGN) !=
        PCIE_ECAP_NONZERO) {
        return 0;
    }
    *offset = anchored;
    return PCIE_ECAP_PASID_SIZE - PASID_CAP;
}

bool pcie_ecap_pasid_place(const PCIEEcapLayout *layout, const uint8_t *image,
                           const PCIEEcapPasid *host, PCIEEcapChoice *choice)
{
    uint16_t offset = 0;

    *choice = (PCIEEcapChoice) {
        .end = pcie_ecap_check(layout, image, PCIE_ECAP_PASID_AT_END,
                               PCIE_ECAP_PASID_SIZE),
    };
    if (!choice->end) {
        choice->step = PCIE_ECAP_STEP_END;
        choice->offset = PCIE_ECAP_PASID_AT_END;
        return true;
    }

    choice->hidden = pcie_ecap_pasid_hidden(layout, image, host, &offset);
    if (choice->hidden == 1) {
        choice->step = PCIE_ECAP_STEP_HOST;
        choice->offset = offset;
        return true;
    }
    if (!pcie_ecap_alloc(layout, image, PCIE_ECAP_PASID_SIZE, &offset)) {
        choice->step = PCIE_ECAP_STEP_GAP;
        choice->offset = offset;
        return true;
    }
    return false;
}
