/*
 * Who wants to know when PCI buses are numbered
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_PCI_PCI_BUS_NUMBER_H
#define HW_PCI_PCI_BUS_NUMBER_H

#include "hw/pci/pci.h"
#include "qemu/notify.h"

/**
 * pci_bus_number_add_notifier: have a function called when the guest numbers
 * buses
 *
 * @n: called with the PCIDevice of the bridge, its registers already written,
 *     under the BQL. Not called by a reset, which takes numbers back without
 *     giving any. Stays the caller's; end with notifier_remove().
 */
void pci_bus_number_add_notifier(Notifier *n);

/**
 * pci_bus_number_written: tell that config space of a bridge was written
 *
 * @bridge: the bridge, with the new values in its config space.
 * @address: offset of the write in bytes.
 * @len: length in bytes; a write that touches no bus number is passed over.
 */
void pci_bus_number_written(PCIDevice *bridge, uint32_t address, int len);

#endif /* HW_PCI_PCI_BUS_NUMBER_H */
