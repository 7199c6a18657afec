/*
 * Notifiers for changes of PCI bus numbers
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
 * pci_bus_number_add_notifier: have a function called when the bus below a
 * bridge has another number, or is about to go
 *
 * A bus gets its number by a write to its bridge, and loses it when the bridge
 * is reset: with the machine, or by a reset of the bus above. It goes when the
 * bridge is unplugged; what is remembered of it has to be forgotten then.
 * Loading the state of a machine numbers buses, too, and calls nobody: a reset
 * comes before, and the guest does not run until all is loaded.
 *
 * @n: called with the PCIDevice of the bridge, its registers already changed,
 *     under the BQL; in a reset the devices behind the bridge may not have been
 *     reset yet. Stays the caller's; end with notifier_remove().
 */
void pci_bus_number_add_notifier(Notifier *n);

/**
 * pci_bus_number_changed: tell that the bus below a bridge may have another
 * number, or is about to go
 *
 * @bridge: the bridge, with the new values in its config space.
 */
void pci_bus_number_changed(PCIDevice *bridge);

/**
 * pci_bus_number_written: tell that config space of a bridge was written
 *
 * @bridge: the bridge, with the new values in its config space.
 * @before: number that the bus below it had before the write; if it has that
 *          still then nobody is told.
 */
void pci_bus_number_written(PCIDevice *bridge, uint8_t before);

#endif /* HW_PCI_PCI_BUS_NUMBER_H */
