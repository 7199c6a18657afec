/*
 * PASID capability of VFIO PCI devices in a migration stream
 *
 * A stream has the configuration space that the guest saw, so nothing need be
 * added to tell where the capability was. It has to be at the same place here:
 * the guest knows the offset. The check that a PCI device makes of its bytes
 * would find that out too, but it names a byte, and not what is different.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include "hw/pci/pcie_ecap.h"
#include "hw/vfio/vfio-device.h"
#include "qapi/error.h"
#include "pci.h"

/* What was there before the stream was read */
struct VFIOPCIPasidSaved {
    uint8_t config[PCIE_ECAP_IMAGE_SIZE];
    uint8_t cmask[PCIE_ECAP_IMAGE_SIZE];
};

static uint16_t find_pasid(const uint8_t *config)
{
    g_autofree PCIEEcapLayout *layout = g_new(PCIEEcapLayout, 1);
    const PCIEEcapExtent *ext;

    pcie_ecap_parse(config, layout);
    ext = pcie_ecap_find(layout, PCI_EXT_CAP_ID_PASID);
    return ext ? ext->offset : 0;
}

/* "at offset 0xff8", or "missing"; freed by the caller */
static char *describe(uint16_t offset)
{
    return offset ? g_strdup_printf("at offset 0x%x", offset) :
           g_strdup("missing");
}

bool vfio_pci_pasid_pre_load(void *opaque, Error **errp)
{
    VFIOPCIDevice *vdev = opaque;
    PCIDevice *pdev = PCI_DEVICE(vdev);
    VFIOPCIPasidSaved *saved;

    /* One left over is from a stream that failed for another reason */
    g_clear_pointer(&vdev->pasid.saved, g_free);
    if (pci_config_size(pdev) < PCIE_ECAP_IMAGE_SIZE) {
        return true;
    }
    saved = g_new(VFIOPCIPasidSaved, 1);
    memcpy(saved->config, pdev->config, sizeof(saved->config));
    memcpy(saved->cmask, pdev->cmask, sizeof(saved->cmask));
    vdev->pasid.saved = saved;

    /* vfio_pci_pasid_post_load() compares it, and knows what to say */
    memset(pdev->cmask + PCIE_ECAP_HEAD, 0,
           PCIE_ECAP_IMAGE_SIZE - PCIE_ECAP_HEAD);
    return true;
}

bool vfio_pci_pasid_post_load(void *opaque, int version_id, Error **errp)
{
    VFIOPCIDevice *vdev = opaque;
    PCIDevice *pdev = PCI_DEVICE(vdev);
    g_autofree VFIOPCIPasidSaved *saved = g_steal_pointer(&vdev->pasid.saved);
    g_autofree char *there = NULL;
    g_autofree char *here = NULL;
    uint16_t stream, own;
    unsigned i;

    if (!saved) {
        return true;
    }
    memcpy(pdev->cmask, saved->cmask, sizeof(saved->cmask));
    stream = find_pasid(pdev->config);
    own = find_pasid(saved->config);
    if (stream != own) {
        there = describe(stream);
        here = describe(own);
        error_setg(errp, VFIO_MSG_PREFIX "the PASID capability is %s in the "
                   "stream, and %s here; give both sides the same vpasid and "
                   "x-vpasid-cap-offset", vdev->vbasedev.name, there, here);
        goto refused;
    }
    for (i = PCIE_ECAP_HEAD; i < sizeof(saved->config); i++) {
        if ((pdev->config[i] ^ saved->config[i]) & saved->cmask[i] &
            ~pdev->wmask[i] & ~pdev->w1cmask[i]) {
            error_setg(errp, VFIO_MSG_PREFIX "configuration space is not the "
                       "same in the stream and here: 0x%x and 0x%x at offset "
                       "0x%x", vdev->vbasedev.name, pdev->config[i],
                       saved->config[i], i);
            goto refused;
        }
    }
    return true;

refused:
    memcpy(pdev->config, saved->config, sizeof(saved->config));
    return false;
}
