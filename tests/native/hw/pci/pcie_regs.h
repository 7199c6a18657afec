/*
 * The part of QEMU's pcie_regs.h that the layout engine needs
 *
 * It stands in for that header when the engine is built without QEMU.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef QEMU_PCIE_REGS_H
#define QEMU_PCIE_REGS_H

#include "standard-headers/linux/pci_regs.h"

#define PCI_EXT_CAP_NEXT_SHIFT      20
#define PCI_PASID_VER               1
#define PCI_PASID_CAP_WIDTH_SHIFT   8
#define PCI_EXT_CAP_PASID_MAX_WIDTH 20

/* The system's header may be older */
#ifndef PCI_PASID_CAP_WIDTH
#define PCI_PASID_CAP_WIDTH         0x1f00
#endif

#endif /* QEMU_PCIE_REGS_H */
