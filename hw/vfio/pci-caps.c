/*
 * Capability lists of VFIO PCI devices
 *
 * hw/vfio/pci.c follows both lists as far as they lead, the standard one by
 * recursion, and writes to QEMU's copy of what it finds. What these functions
 * leave of a list is finite, and each element of it has the room that is
 * written to.
 *
 * Section numbers without a name are those of PCIe 6.2.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include "hw/pci/msix.h"
#include "hw/pci/pci.h"
#include "hw/pci/pcie_ecap.h"
#include "hw/vfio/vfio-device.h"
#include "qemu/bitmap.h"
#include "qemu/error-report.h"
#include "pci.h"
#include "pci-caps.h"

/* The two low bits of a pointer are reserved, and to be masked (7.5.1.1.11) */
#define STD_POINTER_MASK    0xfcu
/* An element is aligned, so this much of it is always there */
#define STD_SHORTEST        4
/*
 * Registers up to Link Status, and up to Link Status 2 (7.5.3). Root Complex
 * Integrated Endpoints have no link: theirs go up to Device Status, and up to
 * Slot Status 2, since of version 2 on what is missing reads zero.
 */
#define EXP_V1_SIZE         0x14
#define EXP_V2_SIZE         0x34
#define EXP_V1_RC_END_SIZE  0xc
#define EXP_V2_RC_END_SIZE  0x2c
#define MSI_SIZE            10
#define MSI_64BIT_SIZE      4
#define MSI_MASKBIT_SIZE    10

/* The least size for pcie_add_capability(): a header and one register */
#define EXT_SHORTEST        8
/* A header; a capability and a control register for each BAR (7.8.6) */
#define REBAR_SIZE(nbar)    (4 + 8 * (nbar))

static unsigned vfio_caps_exp_size(uint16_t flags)
{
    bool v2 = (flags & PCI_EXP_FLAGS_VERS) >= 2;

    if ((flags & PCI_EXP_FLAGS_TYPE) >> 4 == PCI_EXP_TYPE_RC_END) {
        return v2 ? EXP_V2_RC_END_SIZE : EXP_V1_RC_END_SIZE;
    }
    return v2 ? EXP_V2_SIZE : EXP_V1_SIZE;
}

/* Bytes of the capability at @pos that QEMU keeps a copy of */
static unsigned vfio_caps_std_size(const uint8_t *config, uint8_t pos)
{
    uint16_t flags = pci_get_word(config + pos + PCI_CAP_FLAGS);

    switch (config[pos]) {
    case PCI_CAP_ID_PM:
        return PCI_PM_SIZEOF;
    case PCI_CAP_ID_MSI:
        return MSI_SIZE + (flags & PCI_MSI_FLAGS_64BIT ? MSI_64BIT_SIZE : 0) +
               (flags & PCI_MSI_FLAGS_MASKBIT ? MSI_MASKBIT_SIZE : 0);
    case PCI_CAP_ID_EXP:
        return vfio_caps_exp_size(flags);
    case PCI_CAP_ID_MSIX:
        return MSIX_CAP_LENGTH;
    case PCI_CAP_ID_AF:
        return PCI_CAP_AF_SIZEOF;
    default:
        return STD_SHORTEST;
    }
}

/* QEMU emulates these, and has one of each */
static bool vfio_caps_std_is_single(uint8_t id)
{
    return id == PCI_CAP_ID_PM || id == PCI_CAP_ID_MSI ||
           id == PCI_CAP_ID_EXP || id == PCI_CAP_ID_MSIX;
}

static void vfio_caps_trim_std(VFIOPCIDevice *vdev)
{
    uint8_t *config = PCI_DEVICE(vdev)->config;
    DECLARE_BITMAP(met, PCI_CONFIG_SPACE_SIZE) = { 0 };
    DECLARE_BITMAP(ids, UINT8_MAX + 1) = { 0 };
    uint8_t link = PCI_CAPABILITY_LIST;
    uint8_t pos;

    if (!(config[PCI_STATUS] & PCI_STATUS_CAP_LIST)) {
        return;
    }
    for (pos = config[link] & STD_POINTER_MASK; pos;
         pos = config[pos + PCI_CAP_LIST_NEXT] & STD_POINTER_MASK) {
        uint8_t id = config[pos];
        unsigned size;

        if (pos < PCI_STD_HEADER_SIZEOF || test_and_set_bit(pos, met)) {
            warn_report(VFIO_MSG_PREFIX "the list of capabilities %s at 0x%x; "
                        "the guest sees what is before that",
                        vdev->vbasedev.name,
                        pos < PCI_STD_HEADER_SIZEOF ? "leads into the header" :
                                                      "loops", link);
            break;
        }
        size = vfio_caps_std_size(config, pos);
        if (pos + size > PCI_CONFIG_SPACE_SIZE) {
            warn_report(VFIO_MSG_PREFIX "the capability 0x%x at 0x%x needs %u "
                        "bytes and has %u; the guest does not see it",
                        vdev->vbasedev.name, id, pos, size,
                        PCI_CONFIG_SPACE_SIZE - pos);
            continue;
        }
        if (vfio_caps_std_is_single(id) && test_and_set_bit(id, ids)) {
            warn_report(VFIO_MSG_PREFIX "the capability 0x%x at 0x%x is the "
                        "second of its kind; the guest does not see it",
                        vdev->vbasedev.name, id, pos);
            continue;
        }
        config[link] = pos;
        link = pos + PCI_CAP_LIST_NEXT;
    }
    config[link] = 0;

    if (!config[PCI_CAPABILITY_LIST]) {
        /* Nobody else will see to it that the guest reads an empty list */
        config[PCI_STATUS] &= ~PCI_STATUS_CAP_LIST;
        vdev->emulated_config_bits[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
        vdev->emulated_config_bits[PCI_CAPABILITY_LIST] = 0xff;
    }
}

/* Bytes of the capability that QEMU writes to, or takes as its own */
static unsigned vfio_caps_ext_size(const uint8_t *config,
                                   const PCIEEcapExtent *ext)
{
    if (ext->id == PCI_EXT_CAP_ID_REBAR &&
        ext->offset + EXT_SHORTEST + 4 <= PCIE_CONFIG_SPACE_SIZE) {
        uint32_t control = pci_get_long(config + ext->offset + PCI_REBAR_CTRL);

        return MAX(EXT_SHORTEST,
                   REBAR_SIZE((control & PCI_REBAR_CTRL_NBAR_MASK) >>
                              PCI_REBAR_CTRL_NBAR_SHIFT));
    }
    return EXT_SHORTEST;
}

/* Does @ext, as far as its size is known, reach behind @end? */
static bool vfio_caps_ext_is_cut(const PCIEEcapExtent *ext, unsigned end)
{
    return ext->cut || (ext->sized && ext->offset + ext->size > end);
}

/* Bytes between the header of @ext and the next header or @end */
static unsigned vfio_caps_ext_room(const PCIEEcapLayout *layout,
                                   const PCIEEcapExtent *ext, unsigned end)
{
    if (ext->offset >= end) {
        return 0;
    }

    for (unsigned i = 0; i < layout->count; i++) {
        unsigned other = layout->extents[i].offset;

        if (other > ext->offset && other < end) {
            end = other;
        }
    }
    return end - ext->offset;
}

/*
 * Have @last followed by the capability at @next, where 0 ends the list. At the
 * head, where @last is NULL, a Null capability stays, or nothing.
 */
static void vfio_caps_link_ext(VFIOPCIDevice *vdev, const PCIEEcapExtent *last,
                               uint16_t next)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    uint16_t at = last ? last->offset : PCI_CONFIG_SPACE_SIZE;
    uint32_t header = pci_get_long(pdev->config + at);

    pci_set_long(pdev->config + at, deposit32(last ? header : 0,
                                              PCI_EXT_CAP_NEXT_SHIFT, 12,
                                              next));
    pci_set_long(pdev->wmask + at, 0);
    pci_set_long(vdev->emulated_config_bits + at, ~0);
}

/* Tell the user what is taken out, unless it is nothing: a Null capability */
static void vfio_caps_warn_ext(VFIOPCIDevice *vdev, const PCIEEcapExtent *ext,
                               unsigned size, unsigned room)
{
    if (!room) {
        warn_report(VFIO_MSG_PREFIX "an extended capability at 0x%x is behind "
                    "the 0x%x bytes of configuration space; the guest does "
                    "not see it", vdev->vbasedev.name, ext->offset,
                    vdev->config_size);
    } else if (ext->id == PCIE_ECAP_ID_NULL) {
        return;
    } else if (size <= room) {
        warn_report(VFIO_MSG_PREFIX "the extended capability %s at 0x%x "
                    "does not end inside configuration space; the guest "
                    "does not see it", vdev->vbasedev.name,
                    pcie_ecap_name(ext->id), ext->offset);
    } else {
        warn_report(VFIO_MSG_PREFIX "the extended capability %s at 0x%x "
                    "needs %u bytes and has %u; the guest does not see it",
                    vdev->vbasedev.name, pcie_ecap_name(ext->id),
                    ext->offset, size, room);
    }
}

/*
 * A trimmed element has to be out of the list at once: a device without
 * standard capabilities keeps the list that is here, and QEMU asserts that each
 * element of it has room for a header and a register.
 */
static void vfio_caps_trim_ext(VFIOPCIDevice *vdev)
{
    uint8_t *config = PCI_DEVICE(vdev)->config;
    g_autofree PCIEEcapLayout *layout = g_new(PCIEEcapLayout, 1);
    const PCIEEcapExtent *last = NULL;

    pcie_ecap_parse(config, layout);
    for (unsigned i = 0; i < layout->count; i++) {
        const PCIEEcapExtent *ext = &layout->extents[i];
        unsigned size = vfio_caps_ext_size(config, ext);
        unsigned room = vfio_caps_ext_room(layout, ext, vdev->config_size);

        if (size > room || vfio_caps_ext_is_cut(ext, vdev->config_size)) {
            /* A Null capability at the head is an anchor, and needs no room */
            if (ext->id != PCIE_ECAP_ID_NULL || last) {
                vfio_caps_warn_ext(vdev, ext, size, room);
                vfio_caps_link_ext(vdev, last, i + 1 < layout->count ?
                                   layout->extents[i + 1].offset : 0);
            }
            if (last) {
                continue;
            }
        }
        last = ext;
    }
    if (layout->defects & PCIE_ECAP_BROKEN) {
        warn_report(VFIO_MSG_PREFIX "the list of extended capabilities %s at "
                    "0x%x; the guest sees what is before that",
                    vdev->vbasedev.name,
                    pcie_ecap_defect_name(layout->defects & PCIE_ECAP_BROKEN),
                    layout->broken_offset);
        vfio_caps_link_ext(vdev, last, 0);
    }
}

void vfio_pci_caps_trim(VFIOPCIDevice *vdev)
{
    vfio_caps_trim_std(vdev);
    if (vdev->config_size > PCI_CONFIG_SPACE_SIZE) {
        vfio_caps_trim_ext(vdev);
    }
}
