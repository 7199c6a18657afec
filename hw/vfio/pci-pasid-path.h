/*
 * Checks of the PCI path between a VFIO device and the root, for PASID
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_VFIO_PCI_PASID_PATH_H
#define HW_VFIO_PCI_PASID_PATH_H

#include "hw/pci/pci.h"
#include "qapi/qapi-types-vfio-pasid.h"

/**
 * vfio_pasid_path_problem: tell why a guest would not enable PASID
 *
 * A guest looks at the function and at each port above it. A PASID travels in
 * an end-to-end TLP prefix (PCIe 6.2, 6.20), which each port has to forward. An
 * address that is untranslated must reach the IOMMU and no other function, for
 * which ports and functions of a multifunction slot have access control
 * services (ACS; 7.7.11) with P2P Request Redirect and Upstream Forwarding.
 *
 * @pdev: the device, with the capabilities that the guest sees. It is assumed
 *        to support end-to-end TLP prefixes if it has the register that says
 *        so: vfio_pasid_add() sets the bit.
 *
 * @reason: set to the reason, or to VFIO_PASID_REASON_NONE.
 *
 * Returns: the reason in words, with the name of the port and the way out, to
 * be freed by the caller; NULL if the guest has no reason.
 */
char *vfio_pasid_path_problem(PCIDevice *pdev, VfioPasidReason *reason);

#endif /* HW_VFIO_PCI_PASID_PATH_H */
