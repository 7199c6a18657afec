/*
 * Extended capability list of VFIO PCI devices
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include "hw/pci/pci.h"
#include "hw/pci/pcie_ecap.h"
#include "hw/vfio/vfio-device.h"
#include "qemu/error-report.h"
#include "pci.h"
#include "pci-ecap.h"

/* What pcie_add_capability() takes: a header and one register */
#define SHORTEST    8

/* Is there a header of the list closer behind @ext than a capability needs? */
static bool is_too_short(const PCIEEcapLayout *layout,
                         const PCIEEcapExtent *ext)
{
    if (ext->id == PCIE_ECAP_ID_NULL) {
        return false;
    }
    if (ext->offset > PCIE_CONFIG_SPACE_SIZE - SHORTEST) {
        return true;
    }
    for (unsigned i = 0; i < layout->count; i++) {
        uint16_t other = layout->extents[i].offset;

        if (other > ext->offset && other < ext->offset + SHORTEST) {
            return true;
        }
    }
    return false;
}

/* How many elements of the list can be kept */
static unsigned count_sane(const PCIEEcapLayout *layout)
{
    for (unsigned i = 0; i < layout->count; i++) {
        if (is_too_short(layout, &layout->extents[i])) {
            return i;
        }
    }
    return layout->count;
}

static void end_list(VFIOPCIDevice *vdev, const PCIEEcapExtent *last)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);

    if (last) {
        pci_long_test_and_clear_mask(pdev->config + last->offset,
                                     PCI_EXT_CAP_NEXT_MASK);
        return;
    }
    /* Nobody else will see to it that the guest reads an empty list */
    pci_set_long(pdev->config + PCI_CONFIG_SPACE_SIZE, 0);
    pci_set_long(pdev->wmask + PCI_CONFIG_SPACE_SIZE, 0);
    pci_set_long(vdev->emulated_config_bits + PCI_CONFIG_SPACE_SIZE, ~0);
}

void vfio_pci_ecap_trim(VFIOPCIDevice *vdev)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    g_autofree PCIEEcapLayout *layout = NULL;
    unsigned keep;

    if (!pci_is_express(pdev) || vdev->config_size < PCIE_CONFIG_SPACE_SIZE) {
        return;
    }

    layout = g_new(PCIEEcapLayout, 1);
    pcie_ecap_parse(pdev->config, layout);
    keep = count_sane(layout);
    if (keep < layout->count) {
        warn_report(VFIO_MSG_PREFIX "the extended capability at 0x%x has less "
                    "than %u bytes; the guest does not see it and what "
                    "follows", vdev->vbasedev.name,
                    layout->extents[keep].offset, SHORTEST);
    } else if (layout->defects & PCIE_ECAP_BROKEN) {
        warn_report(VFIO_MSG_PREFIX "the list of extended capabilities %s at "
                    "0x%x; the guest sees what is before that",
                    vdev->vbasedev.name,
                    pcie_ecap_defect_name(layout->defects & PCIE_ECAP_BROKEN),
                    layout->broken_offset);
    } else {
        return;
    }
    end_list(vdev, keep ? &layout->extents[keep - 1] : NULL);
}
