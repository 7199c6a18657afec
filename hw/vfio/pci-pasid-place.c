/*
 * Where the PASID capability of a VFIO PCI device goes
 *
 * The rules are those of pcie_ecap_place.h. Here is what they are applied to,
 * and what the user is told about it.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <linux/vfio.h>

#include "hw/vfio/vfio-device.h"
#include "qapi/error.h"
#include "pci.h"
#include "pci-pasid-place.h"

/*
 * What counts is what the host shows, not what the guest will see: there may
 * be registers of capabilities that the guest does not get.
 */
VFIOPCIPasidView *vfio_pci_pasid_view(VFIOPCIDevice *vdev, Error **errp)
{
    VFIODevice *vbasedev = &vdev->vbasedev;
    g_autofree VFIOPCIPasidView *view = g_new0(VFIOPCIPasidView, 1);
    g_autofree PCIEEcapLayout *guest = g_new(PCIEEcapLayout, 1);
    int size = vdev->config_size;
    int ret = vbasedev->io_ops->region_read(vbasedev,
                                            VFIO_PCI_CONFIG_REGION_INDEX, 0,
                                            size, view->image);

    if (ret != size) {
        error_setg(errp, "its configuration space cannot be read: %s",
                   strreaderror(ret));
        return NULL;
    }
    pcie_ecap_parse(view->image, &view->layout);
    pcie_ecap_parse(PCI_DEVICE(vdev)->config, guest);
    for (unsigned i = 0; i < guest->count; i++) {
        pcie_ecap_reserve(&view->layout, guest->extents[i].offset,
                          guest->extents[i].size);
    }
    /* What the device does not have is no place either */
    pcie_ecap_reserve(&view->layout, size, PCIE_ECAP_IMAGE_SIZE - size);
    return g_steal_pointer(&view);
}

/* Why @offset was refused, in words; freed by the caller */
static char *describe(VFIOPCIDevice *vdev, const VFIOPCIPasidView *view,
                      uint16_t offset, PCIEEcapReason reason)
{
    const PCIEEcapLayout *layout = &view->layout;
    const PCIEEcapExtent *ext =
        pcie_ecap_in_the_way(layout, offset, PCIE_ECAP_PASID_SIZE, reason);

    if (reason == PCIE_ECAP_BAD_CHAIN) {
        return g_strdup_printf("the list of extended capabilities of the "
                               "device %s at 0x%x",
                               pcie_ecap_defect_name(layout->defects &
                                                     PCIE_ECAP_BROKEN),
                               layout->broken_offset);
    }
    if (vdev->config_size < PCIE_ECAP_IMAGE_SIZE &&
        offset + PCIE_ECAP_PASID_SIZE > vdev->config_size) {
        return g_strdup_printf("offset 0x%x is behind the 0x%x bytes of "
                               "configuration space that the device has, or "
                               "too close to their end", offset,
                               vdev->config_size);
    }
    if (!ext) {
        return g_strdup_printf("offset 0x%x %s", offset,
                               pcie_ecap_reason_name(reason));
    }
    return g_strdup_printf("offset 0x%x %s (%s, ID 0x%x, 0x%x to 0x%x%s)",
                           offset, pcie_ecap_reason_name(reason),
                           pcie_ecap_name(ext->id), ext->id, ext->offset,
                           ext->offset + ext->size - 1, ext->sized ? "" :
                           " since its size is not known");
}

/* Is what can be read at @offset what the capability there stands for? */
static bool is_own(const VFIOPCIPasidView *view, const PCIEEcapPasid *host,
                   uint16_t offset)
{
    uint16_t at = 0;

    if (pcie_ecap_pasid_hidden(&view->layout, view->image, host, &at) == 1 &&
        at == offset) {
        return true;
    }
    /* The kernel leaves an anchor for the first one, and its registers */
    at = 0;
    return offset == PCI_CONFIG_SPACE_SIZE &&
           pcie_ecap_pasid_registers(&view->layout, view->image, host, &at) <
           PCIE_ECAP_PASID_SIZE && at == offset + PCI_PASID_CAP;
}

static bool place_by_user(VFIOPCIDevice *vdev, const VFIOPCIPasidView *view,
                          const PCIEEcapPasid *host, Error **errp)
{
    uint16_t wanted = vdev->pasid.wanted_offset;
    PCIEEcapReason reason = pcie_ecap_check(&view->layout, view->image, wanted,
                                            PCIE_ECAP_PASID_SIZE);
    g_autofree char *what = NULL;
    PCIEEcapChoice choice;

    if (!reason ||
        (reason == PCIE_ECAP_NONZERO && is_own(view, host, wanted))) {
        return true;
    }

    what = describe(vdev, view, wanted, reason);
    if (pcie_ecap_pasid_place(&view->layout, view->image, host, &choice)) {
        error_setg(errp, "x-vpasid-cap-offset=0x%x is not possible: %s; "
                   "x-vpasid-cap-offset=0x%x would work", wanted, what,
                   choice.offset);
    } else {
        error_setg(errp, "x-vpasid-cap-offset=0x%x is not possible: %s; no "
                   "other offset would work, use vpasid=off", wanted, what);
    }
    return false;
}

bool vfio_pci_pasid_place(VFIOPCIDevice *vdev, const VFIOPCIPasidView *view,
                          const PCIEEcapPasid *host, uint16_t *offset,
                          const char **how, Error **errp)
{
    static const char *const steps[] = {
        [PCIE_ECAP_STEP_END] = "at the end of configuration space",
        [PCIE_ECAP_STEP_HOST] = "where the device has its own",
        [PCIE_ECAP_STEP_GAP] = "in the highest gap",
    };
    g_autofree char *what = NULL;
    PCIEEcapChoice choice;

    if (vdev->pasid.wanted_offset) {
        *offset = vdev->pasid.wanted_offset;
        *how = "by the user";
        return place_by_user(vdev, view, host, errp);
    }
    if (pcie_ecap_pasid_place(&view->layout, view->image, host, &choice)) {
        *offset = choice.offset;
        *how = steps[choice.step];
        return true;
    }

    what = describe(vdev, view, PCIE_ECAP_PASID_AT_END,
                    choice.end);
    if (choice.end == PCIE_ECAP_BAD_CHAIN) {
        error_setg(errp, "%s, so it is not known what is free; use "
                   "vpasid=off", what);
    } else if (choice.hidden) {
        error_setg(errp, "there is no room: %s, %u places look like the "
                   "device's own capability, and no other %u bytes are free "
                   "and read zero; use vpasid=off", what, choice.hidden,
                   PCIE_ECAP_PASID_SIZE);
    } else {
        error_setg(errp, "there is no room: %s, and no other %u bytes are "
                   "free and read zero; use vpasid=off", what,
                   PCIE_ECAP_PASID_SIZE);
    }
    return false;
}

bool vfio_pci_pasid_check_known(VFIOPCIDevice *vdev,
                                const VFIOPCIPasidView *view, uint16_t offset,
                                Error **errp)
{
    PCIEEcapReason reason = pcie_ecap_check(&view->layout, view->image, offset,
                                            PCIE_ECAP_PASID_SIZE);
    g_autofree char *here = NULL;
    g_autofree char *what = NULL;
    PCIEEcapChoice choice;

    /* The guest has not seen what is below since it started */
    if (!reason || reason == PCIE_ECAP_NONZERO) {
        return true;
    }
    what = describe(vdev, view, offset, reason);
    if (pcie_ecap_pasid_place(&view->layout, view->image, &vdev->pasid.host,
                              &choice)) {
        here = g_strdup_printf("it could only be at offset 0x%x",
                               choice.offset);
    } else {
        here = g_strdup("there is no place for it");
    }
    error_setg(errp, VFIO_MSG_PREFIX "the guest has its PASID capability at "
               "offset 0x%x, and here %s: %s; unplug the device before QEMU "
               "is replaced", vdev->vbasedev.name, offset, here, what);
    return false;
}
