/*
 * Checks of the PCI path between a VFIO device and the root, for PASID
 *
 * Section numbers without a name are those of PCIe 6.2.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_bridge.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie.h"
#include "pci-pasid-internal.h"

/* Linux enables PASID only if each port above the function has ACS */
#define NO_ACS  "has no access control services (ACS), without which a guest " \
                "does not enable PASID"

/* Has the register that tells of TLP prefixes; it came with version 2 */
static bool vfio_pasid_has_devcap2(const PCIDevice *dev)
{
    return (pci_get_word(dev->config + dev->exp.exp_cap + PCI_EXP_FLAGS) &
            PCI_EXP_FLAGS_VERS) >= 2;
}

static bool vfio_pasid_forwards_prefix(const PCIDevice *port)
{
    return port->exp.exp_cap && vfio_pasid_has_devcap2(port) &&
           (pci_get_long(port->config + port->exp.exp_cap + PCI_EXP_DEVCAP2) &
            PCI_EXP_DEVCAP2_EE_PREFIX);
}

static bool vfio_pasid_is_multifunction(const PCIDevice *dev)
{
    return (dev->cap_present & QEMU_PCI_CAP_MULTIFUNCTION) ||
           PCI_FUNC(dev->devfn);
}

/*
 * Of a downstream port ACS has to have both bits. A function of a multifunction
 * slot needs none for what it cannot do (7.7.11.2), and has ACS to say so.
 */
static bool vfio_pasid_has_acs(PCIDevice *dev)
{
    uint16_t need = pci_is_express_downstream_port(dev) ?
                    PCI_ACS_RR | PCI_ACS_UF : 0;
    uint16_t acs = pcie_find_capability(dev, PCI_EXT_CAP_ID_ACS);

    return acs && (pci_get_word(dev->config + acs + PCI_ACS_CAP) & need) ==
                  need;
}

static char *vfio_pasid_port_problem(PCIDevice *port, VfioPasidReason *reason)
{
    g_autofree char *name = qdev_get_human_name(DEVICE(port));
    const char *type = object_get_typename(OBJECT(port));

    if (!vfio_pasid_forwards_prefix(port)) {
        *reason = VFIO_PASID_REASON_PORT_NO_PREFIX;
        return g_strdup_printf("the port %s (%s) does not support end-to-end "
                               "TLP prefixes, which carry the PASID; use a "
                               "pcie-root-port instead", name, type);
    }
    if (vfio_pasid_has_acs(port)) {
        return NULL;
    }
    if (pci_is_express_downstream_port(port)) {
        *reason = VFIO_PASID_REASON_PORT_NO_ACS;
        return g_strdup_printf("the port %s (%s) " NO_ACS "; give it "
                               "disable-acs=off, an xio3130-downstream "
                               "x-disable-acs=off, or use a pcie-root-port "
                               "instead", name, type);
    }
    if (vfio_pasid_is_multifunction(port)) {
        *reason = VFIO_PASID_REASON_PORT_NO_ACS;
        return g_strdup_printf("the port %s (%s) is in a multifunction slot "
                               "and " NO_ACS "; give it a slot of its own, "
                               "without multifunction=on", name, type);
    }
    return NULL;
}

char *vfio_pasid_path_problem(PCIDevice *pdev, VfioPasidReason *reason)
{
    char *problem = NULL;

    *reason = VFIO_PASID_REASON_NONE;
    if (!pdev->exp.exp_cap) {
        *reason = VFIO_PASID_REASON_DEVICE_NO_EXPRESS;
        return g_strdup("the guest sees no PCI Express capability of the "
                        "device, and thus no extended configuration space; a "
                        "Legacy Endpoint needs a pcie-root-port for it, a root "
                        "bus will not do");
    }
    if (!vfio_pasid_has_devcap2(pdev)) {
        *reason = VFIO_PASID_REASON_DEVICE_NO_PREFIX;
        return g_strdup("the PCI Express capability of the device has version "
                        "1, which cannot tell that the device supports "
                        "end-to-end TLP prefixes");
    }
    if (vfio_pasid_is_multifunction(pdev) && !vfio_pasid_has_acs(pdev)) {
        *reason = VFIO_PASID_REASON_DEVICE_NO_ACS;
        return g_strdup("the device is in a multifunction slot and " NO_ACS
                        "; give it a pcie-root-port of its own, without "
                        "multifunction=on");
    }
    for (PCIBus *bus = pci_get_bus(pdev); !problem && !pci_bus_is_root(bus);
         bus = pci_get_bus(pci_bridge_get_device(bus))) {
        problem = vfio_pasid_port_problem(pci_bridge_get_device(bus), reason);
    }
    return problem;
}
