/*
 * Registers of the PASID capability of a VFIO PCI device
 *
 * Accesses of the guest to them, and their resets. Section numbers without a
 * name are those of PCIe 6.2.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include "hw/vfio/vfio-device.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "qemu/range.h"
#include "pci-pasid-internal.h"

/* The power state that a function leaves through a reset (7.5.2.2) */
#define PM_STATE_D3HOT  3
/* Max End-End TLP Prefixes: one (7.5.3.15) */
#define EE_PREFIX_MAX_1 0x00400000u

/* The guest reads these bytes from QEMU's copy, and cannot write them */
static void vfio_pasid_emulate(VFIOPCIDevice *vdev, uint16_t offset,
                               unsigned size)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);

    memset(vdev->emulated_config_bits + offset, 0xff, size);
    memset(pdev->wmask + offset, 0, size);
    memset(pdev->w1cmask + offset, 0, size);
    memset(pdev->cmask + offset, 0xff, size);
}

/* The same, and no write reaches the host */
static void vfio_pasid_take_over(VFIOPCIDevice *vdev, uint16_t offset,
                                 unsigned size)
{
    vfio_pasid_emulate(vdev, offset, size);
    bitmap_set(vdev->pasid.owned, offset / PCIE_ECAP_ALIGN,
               size / PCIE_ECAP_ALIGN);
}

void vfio_pasid_hide(VFIOPCIDevice *vdev, uint16_t offset, uint16_t size)
{
    vfio_pasid_take_over(vdev, offset, size);
    bitmap_set(vdev->pasid.hidden, offset / PCIE_ECAP_ALIGN,
               size / PCIE_ECAP_ALIGN);
    /* A QEMU that does not know of PASID has there what the device has */
    memset(PCI_DEVICE(vdev)->cmask + offset, 0, size);
}

bool vfio_pci_pasid_hides(const VFIOPCIDevice *vdev, uint32_t addr)
{
    return test_bit(addr / PCIE_ECAP_ALIGN, vdev->pasid.hidden);
}

/* The header that leads to the one at @offset, or the head of the list */
static uint16_t vfio_pasid_header_before(VFIOPCIDevice *vdev, uint16_t offset)
{
    const uint8_t *config = PCI_DEVICE(vdev)->config;
    uint16_t pos = PCI_CONFIG_SPACE_SIZE;

    while (pos != offset &&
           PCI_EXT_CAP_NEXT(pci_get_long(config + pos)) != offset) {
        pos = PCI_EXT_CAP_NEXT(pci_get_long(config + pos));
    }
    return pos;
}

/*
 * A PASID travels in an end-to-end TLP prefix. A virtual function may leave it
 * to its physical function to say that it supports those (7.5.3.15), but to the
 * guest it is a function like any other. QEMU's copy already has the bit where
 * the guest was taken over.
 */
static void vfio_pasid_support_prefix(VFIOPCIDevice *vdev)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    const uint32_t bits = PCI_EXP_DEVCAP2_EE_PREFIX |
                          PCI_EXP_DEVCAP2_EE_PREFIX_MAX;
    uint16_t exp = pdev->exp.exp_cap;
    uint8_t *reg = pdev->config + exp + PCI_EXP_DEVCAP2;

    if (!exp || (pci_get_word(pdev->config + exp + PCI_EXP_FLAGS) &
                 PCI_EXP_FLAGS_VERS) < 2) {
        return;
    }
    if (!(pci_get_long(reg) & PCI_EXP_DEVCAP2_EE_PREFIX)) {
        pci_set_long(reg, (pci_get_long(reg) & ~bits) |
                          PCI_EXP_DEVCAP2_EE_PREFIX | EE_PREFIX_MAX_1);
    }
    pci_long_test_and_set_mask(vdev->emulated_config_bits + exp +
                               PCI_EXP_DEVCAP2, bits);
}

bool vfio_pasid_add(VFIOPCIDevice *vdev, uint16_t offset,
                    const VFIOPasidCap *cap, VfioPasidWhere where, Error **errp)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    /* The header of a Null capability at the head has the list behind it */
    uint16_t kept = offset == PCI_CONFIG_SPACE_SIZE ? PCIE_ECAP_HEADER_SIZE : 0;

    /* The rest of QEMU's copy there are registers of the device */
    memset(pdev->config + offset + kept, 0, PCI_EXT_CAP_PASID_SIZEOF - kept);
    bitmap_clear(vdev->pasid.hidden, offset / PCIE_ECAP_ALIGN,
                 PCI_EXT_CAP_PASID_SIZEOF / PCIE_ECAP_ALIGN);
    if (!pcie_insert_capability(pdev, PCI_EXT_CAP_ID_PASID, PCI_PASID_VER,
                                offset, PCI_EXT_CAP_PASID_SIZEOF)) {
        error_setg(errp, "the configuration space changed between two reads: "
                   "offset 0x%x is taken", offset);
        return false;
    }
    pcie_pasid_common_init(pdev, offset, cap->width, cap->exec, cap->priv);

    vfio_pasid_emulate(vdev, vfio_pasid_header_before(vdev, offset),
                       PCIE_ECAP_HEADER_SIZE);
    vfio_pasid_take_over(vdev, offset, PCI_EXT_CAP_PASID_SIZEOF);
    pci_set_word(pdev->wmask + offset + PCI_PASID_CTRL, PCI_PASID_CTRL_ENABLE |
                 (cap->exec ? PCI_PASID_CTRL_EXEC : 0) |
                 (cap->priv ? PCI_PASID_CTRL_PRIV : 0));
    vfio_pasid_support_prefix(vdev);
    vfio_pasid_set_enabled(vdev, offset, cap, where);
    return true;
}

void vfio_pasid_drop(VFIOPCIDevice *vdev, uint16_t offset)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    uint32_t next = PCI_EXT_CAP_NEXT(pci_get_long(pdev->config + offset));
    uint16_t before = vfio_pasid_header_before(vdev, offset);
    uint32_t header = pci_get_long(pdev->config + before);

    vfio_pasid_hide(vdev, offset, PCI_EXT_CAP_PASID_SIZEOF);
    if (before == offset) {
        /* The head stays as a Null capability, or as an empty list */
        header = 0;
        clear_bit(offset / PCIE_ECAP_ALIGN, vdev->pasid.hidden);
    }
    vfio_pasid_emulate(vdev, before, PCIE_ECAP_HEADER_SIZE);
    pci_set_long(pdev->config + before, (header & ~PCI_EXT_CAP_NEXT_MASK) |
                                        PCI_EXT_CAP(0, 0, next));
}

void vfio_pci_pasid_reset(VFIOPCIDevice *vdev)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);

    if (pdev->exp.pasid_cap) {
        pci_set_word(pdev->config + pdev->exp.pasid_cap + PCI_PASID_CTRL, 0);
    }
}

/* Does a write set one of @bits in the byte at @at? */
static bool vfio_pasid_write_sets(uint32_t addr, uint32_t val, int len,
                                  uint32_t at, uint8_t bits)
{
    return range_covers_byte(addr, len, at) &&
           (val >> (8 * (at - addr)) & bits);
}

/* Will the host reset the function when it gets this write? */
static bool vfio_pasid_write_resets(VFIOPCIDevice *vdev, uint32_t addr,
                                    uint32_t val, int len)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    const uint8_t *config = pdev->config;
    uint32_t exp = pdev->exp.exp_cap;
    uint32_t af = pci_find_capability(pdev, PCI_CAP_ID_AF);
    uint32_t pm = pdev->pm_cap + PCI_PM_CTRL;

    /* Initiate Function Level Reset (7.5.3.4) */
    if (exp && (pci_get_long(config + exp + PCI_EXP_DEVCAP) &
                PCI_EXP_DEVCAP_FLR) &&
        vfio_pasid_write_sets(addr, val, len, exp + PCI_EXP_DEVCTL + 1,
                              PCI_EXP_DEVCTL_BCR_FLR >> 8)) {
        return true;
    }
    /* The same for functions that are not PCI Express in all (7.9.21) */
    if (af && (config[af + PCI_AF_CAP] & PCI_AF_CAP_FLR) &&
        vfio_pasid_write_sets(addr, val, len, af + PCI_AF_CTRL,
                              PCI_AF_CTRL_FLR)) {
        return true;
    }
    /* D3hot to D0 without No_Soft_Reset (5.3.1.4) */
    return pdev->pm_cap && vdev->has_pm_reset &&
           range_covers_byte(addr, len, pm) &&
           (config[pm] & PCI_PM_CTRL_STATE_MASK) == PM_STATE_D3HOT &&
           !vfio_pasid_write_sets(addr, val, len, pm, PCI_PM_CTRL_STATE_MASK);
}

bool vfio_pci_pasid_write_config(VFIOPCIDevice *vdev, uint32_t addr,
                                 uint32_t val, int len)
{
    /* An access is aligned to its length, so 4 aligned bytes have all of it */
    if (test_bit(addr / PCIE_ECAP_ALIGN, vdev->pasid.owned)) {
        pci_default_write_config(PCI_DEVICE(vdev), addr, val, len);
        return true;
    }
    if (PCI_DEVICE(vdev)->exp.pasid_cap &&
        vfio_pasid_write_resets(vdev, addr, val, len)) {
        vfio_pci_pasid_reset(vdev);
    }
    return false;
}
