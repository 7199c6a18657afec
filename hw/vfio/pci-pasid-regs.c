/*
 * Registers of the PASID capability of a VFIO PCI device
 *
 * What the guest reads and writes of it, and what resets it. Section numbers
 * without a name are those of PCIe 6.2.
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
#include "pci.h"
#include "pci-pasid-regs.h"

/* The power state that a function leaves through a reset (7.5.2.2) */
#define PM_STATE_D0     0
#define PM_STATE_D3HOT  3

/* The guest sees all of these bytes as QEMU keeps them, read-only */
static void emulate(VFIOPCIDevice *vdev, uint16_t offset, unsigned size)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);

    memset(vdev->emulated_config_bits + offset, 0xff, size);
    memset(pdev->wmask + offset, 0, size);
    memset(pdev->w1cmask + offset, 0, size);
    memset(pdev->cmask + offset, 0xff, size);
}

/* The same, and no access reaches the host */
static void take_over(VFIOPCIDevice *vdev, uint16_t offset, unsigned size)
{
    emulate(vdev, offset, size);
    bitmap_set(vdev->pasid.owned, offset / VFIO_PCI_PASID_UNIT,
               size / VFIO_PCI_PASID_UNIT);
}

void vfio_pci_pasid_shadow(VFIOPCIDevice *vdev, uint16_t offset, uint16_t size)
{
    take_over(vdev, offset, size);
    bitmap_set(vdev->pasid.hidden, offset / VFIO_PCI_PASID_UNIT,
               size / VFIO_PCI_PASID_UNIT);
    /* A QEMU that does not know of PASID has there what the device has */
    memset(PCI_DEVICE(vdev)->cmask + offset, 0, size);
}

bool vfio_pci_pasid_hides(const VFIOPCIDevice *vdev, uint32_t addr)
{
    return test_bit(addr / VFIO_PCI_PASID_UNIT, vdev->pasid.hidden);
}

void vfio_pci_pasid_do_not_compare(VFIOPCIDevice *vdev)
{
    static const PCIEEcapPasid any = { .width = 1 };
    PCIDevice *pdev = PCI_DEVICE(vdev);
    g_autofree PCIEEcapLayout *layout = g_new(PCIEEcapLayout, 1);
    uint16_t at = 0;
    uint16_t size;

    pcie_ecap_parse(pdev->config, layout);
    while ((size = pcie_ecap_pasid_registers(layout, pdev->config, &any,
                                             &at))) {
        memset(pdev->cmask + at, 0, size);
        at += size;
    }
}

/* Header of a list that the guest sees: only QEMU changes what it links to */
static void emulate_link(VFIOPCIDevice *vdev, uint16_t offset)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);

    if (offset == PCI_CONFIG_SPACE_SIZE) {
        /* The head may be of our making */
        emulate(vdev, offset, PCIE_ECAP_HEADER_SIZE);
        return;
    }
    pci_long_test_and_set_mask(vdev->emulated_config_bits + offset,
                               PCI_EXT_CAP_NEXT_MASK);
    pci_set_long(pdev->wmask + offset, 0);
}

/*
 * What QEMU's copy has at a place that was chosen are registers of the device
 * that the virtual ones are put over. @layout is that of the copy.
 */
static void make_room(VFIOPCIDevice *vdev, const PCIEEcapLayout *layout,
                      uint16_t offset)
{
    uint8_t *config = PCI_DEVICE(vdev)->config;

    for (uint16_t at = offset; at < offset + PCI_EXT_CAP_PASID_SIZEOF;
         at += PCIE_ECAP_ALIGN) {
        if (pcie_ecap_check(layout, config, at, PCIE_ECAP_ALIGN) ==
            PCIE_ECAP_NONZERO) {
            pci_set_long(config + at, 0);
        }
        clear_bit(at / VFIO_PCI_PASID_UNIT, vdev->pasid.hidden);
    }
}

bool vfio_pci_pasid_add(VFIOPCIDevice *vdev, uint16_t offset,
                        const PCIEEcapPasid *pasid, Error **errp)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    g_autofree PCIEEcapLayout *layout = g_new(PCIEEcapLayout, 1);
    uint16_t control = PCI_PASID_CTRL_ENABLE;
    uint16_t cap = pasid->width << PCI_PASID_CAP_WIDTH_SHIFT;
    PCIEEcapReason reason;
    uint16_t link;

    pcie_ecap_parse(pdev->config, layout);
    reason = pcie_ecap_check(layout, pdev->config, offset,
                             PCI_EXT_CAP_PASID_SIZEOF);
    if (reason == PCIE_ECAP_NONZERO || !reason) {
        make_room(vdev, layout, offset);
        reason = pcie_ecap_insert(pdev->config, offset, PCI_EXT_CAP_ID_PASID,
                                  PCI_PASID_VER, PCI_EXT_CAP_PASID_SIZEOF,
                                  &link);
    }
    if (reason) {
        error_setg(errp, "the device shows different things in turn: offset "
                   "0x%x %s; use vpasid=off", offset,
                   pcie_ecap_reason_name(reason));
        return false;
    }

    if (pasid->exec) {
        cap |= PCI_PASID_CAP_EXEC;
        control |= PCI_PASID_CTRL_EXEC;
    }
    if (pasid->priv) {
        cap |= PCI_PASID_CAP_PRIV;
        control |= PCI_PASID_CTRL_PRIV;
    }
    emulate_link(vdev, link);
    take_over(vdev, offset, PCI_EXT_CAP_PASID_SIZEOF);
    pci_set_word(pdev->config + offset + PCI_PASID_CAP, cap);
    pci_set_word(pdev->wmask + offset + PCI_PASID_CTRL, control);

    pdev->exp.pasid_cap = offset;
    vdev->pasid.offset = offset;
    return true;
}

void vfio_pci_pasid_drop(VFIOPCIDevice *vdev, uint16_t offset)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    uint32_t next = PCI_EXT_CAP_NEXT(pci_get_long(pdev->config + offset));
    uint16_t pos = PCI_CONFIG_SPACE_SIZE;

    if (offset == PCI_CONFIG_SPACE_SIZE) {
        /* The head stays as a Null capability, or as an empty list */
        take_over(vdev, offset, PCIE_ECAP_HEADER_SIZE);
        pci_set_long(pdev->config + offset, PCI_EXT_CAP(0, 0, next));
        vfio_pci_pasid_shadow(vdev, offset + PCIE_ECAP_HEADER_SIZE,
                              PCI_EXT_CAP_PASID_SIZEOF -
                              PCIE_ECAP_HEADER_SIZE);
        return;
    }
    while (PCI_EXT_CAP_NEXT(pci_get_long(pdev->config + pos)) != offset) {
        pos = PCI_EXT_CAP_NEXT(pci_get_long(pdev->config + pos));
    }
    pci_long_test_and_clear_mask(pdev->config + pos, PCI_EXT_CAP_NEXT_MASK);
    pci_long_test_and_set_mask(pdev->config + pos, PCI_EXT_CAP(0, 0, next));
    emulate_link(vdev, pos);
    vfio_pci_pasid_shadow(vdev, offset, PCI_EXT_CAP_PASID_SIZEOF);
}

void vfio_pci_pasid_reset(VFIOPCIDevice *vdev)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);

    if (vdev->pasid.offset) {
        pci_set_word(pdev->config + vdev->pasid.offset + PCI_PASID_CTRL, 0);
    }
}

/* The byte that a write puts to @at, or -1 if it does not reach there */
static int written_byte(uint32_t addr, uint32_t val, int len, uint32_t at)
{
    return range_covers_byte(addr, len, at) ?
           (val >> (8 * (at - addr))) & 0xff : -1;
}

/* Will the host reset the function when it gets this write? */
static bool write_resets(VFIOPCIDevice *vdev, uint32_t addr, uint32_t val,
                         int len)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    const uint8_t *config = pdev->config;
    uint32_t at;
    int byte;

    /* Initiate Function Level Reset (7.5.3.4) */
    at = pdev->exp.exp_cap + PCI_EXP_DEVCTL + 1;
    byte = written_byte(addr, val, len, at);
    if (pdev->exp.exp_cap && byte >= 0 &&
        (byte & (PCI_EXP_DEVCTL_BCR_FLR >> 8)) &&
        (pci_get_long(config + pdev->exp.exp_cap + PCI_EXP_DEVCAP) &
         PCI_EXP_DEVCAP_FLR)) {
        return true;
    }

    /* The same for functions that are not PCI Express in all (7.9.21) */
    at = pci_find_capability(pdev, PCI_CAP_ID_AF);
    byte = written_byte(addr, val, len, at + PCI_AF_CTRL);
    if (at && byte >= 0 && (byte & PCI_AF_CTRL_FLR) &&
        (config[at + PCI_AF_CAP] & PCI_AF_CAP_FLR)) {
        return true;
    }

    /* D3hot to D0 without No_Soft_Reset (5.3.1.4) */
    byte = written_byte(addr, val, len, pdev->pm_cap + PCI_PM_CTRL);
    return pdev->pm_cap && vdev->has_pm_reset && byte >= 0 &&
           (config[pdev->pm_cap + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK) ==
           PM_STATE_D3HOT &&
           (byte & PCI_PM_CTRL_STATE_MASK) == PM_STATE_D0;
}

bool vfio_pci_pasid_write_config(VFIOPCIDevice *vdev, uint32_t addr,
                                 uint32_t val, int len)
{
    /* An access is aligned to its length, so it is in one unit as a whole */
    if (test_bit(addr / VFIO_PCI_PASID_UNIT, vdev->pasid.owned)) {
        pci_default_write_config(PCI_DEVICE(vdev), addr, val, len);
        return true;
    }
    if (vdev->pasid.offset && write_resets(vdev, addr, val, len)) {
        vfio_pci_pasid_reset(vdev);
    }
    return false;
}
