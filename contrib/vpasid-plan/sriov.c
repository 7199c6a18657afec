/*
 * Physical functions of virtual functions
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/pci/pcie_ecap.h"
#include "standard-headers/linux/pci_regs.h"
#include "device.h"
#include "sriov.h"

#define LOW(reg)        ((reg) & 0xffff)
#define HIGH(reg)       ((reg) >> 16)

/* Where a function is: a segment, and a Routing ID in it */
typedef struct Address {
    unsigned domain;
    uint16_t rid;
} Address;

static Address address_of(const Device *dev)
{
    unsigned domain = 0, bus = 0, slot = 0, fn = 0;

    /* The name is from device_parse_name() */
    sscanf(dev->name, "%x:%x:%x.%x", &domain, &bus, &slot, &fn);
    return (Address) { domain, bus << 8 | slot << 3 | fn };
}

/* Is @virt one of the virtual functions that @dev says it has? */
static bool is_physical_of(const Device *dev, const Device *virt)
{
    g_autofree PCIEEcapLayout *layout = NULL;
    const PCIEEcapExtent *ext;
    uint16_t count, first, stride, distance;
    uint32_t place;
    Address here = address_of(dev);
    Address there = address_of(virt);

    if (dev->is_virtual || here.domain != there.domain ||
        !device_is_extended(dev)) {
        return false;
    }
    layout = g_new(PCIEEcapLayout, 1);
    pcie_ecap_parse(dev->image, layout);
    ext = pcie_ecap_find(layout, PCI_EXT_CAP_ID_SRIOV);
    if (!ext || !(pcie_ecap_get32(dev->image, ext->offset + PCI_SRIOV_CTRL) &
                  PCI_SRIOV_CTRL_VFE)) {
        return false;
    }
    count = LOW(pcie_ecap_get32(dev->image, ext->offset + PCI_SRIOV_NUM_VF));
    place = pcie_ecap_get32(dev->image, ext->offset + PCI_SRIOV_VF_OFFSET);
    first = LOW(place);
    stride = HIGH(place);

    /* Routing IDs are added modulo their size */
    distance = there.rid - here.rid - first;
    if (!distance) {
        return count;
    }
    return stride && distance % stride == 0 && distance / stride < count;
}

static Device *copy(const Device *dev)
{
    Device *copied = device_new(dev->name, g_strdup(dev->source));

    copied->vendor = dev->vendor;
    copied->device = dev->device;
    copied->size = dev->size;
    copied->total = dev->total;
    memcpy(copied->image, dev->image, sizeof(copied->image));
    return copied;
}

void sriov_link(const GPtrArray *devices, unsigned first)
{
    for (unsigned i = first; i < devices->len; i++) {
        Device *virt = g_ptr_array_index(devices, i);

        for (unsigned j = first; virt->is_virtual && !virt->physical &&
             j < devices->len; j++) {
            const Device *dev = g_ptr_array_index(devices, j);

            if (is_physical_of(dev, virt)) {
                virt->physical = copy(dev);
            }
        }
    }
}
