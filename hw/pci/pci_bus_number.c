/*
 * Notifiers for changes of PCI bus numbers
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/range.h"
#include "hw/pci/pci_bus_number.h"

/* Primary, secondary and subordinate bus number (PCI-to-PCI Bridge 1.2, 3.2) */
#define BUS_NUMBERS_SIZE (PCI_SEC_LATENCY_TIMER - PCI_PRIMARY_BUS)

static NotifierList bus_number_notifiers =
    NOTIFIER_LIST_INITIALIZER(bus_number_notifiers);

void pci_bus_number_add_notifier(Notifier *n)
{
    notifier_list_add(&bus_number_notifiers, n);
}

void pci_bus_number_changed(PCIDevice *bridge)
{
    notifier_list_notify(&bus_number_notifiers, bridge);
}

void pci_bus_number_written(PCIDevice *bridge, uint32_t address, int len)
{
    if (ranges_overlap(address, len, PCI_PRIMARY_BUS, BUS_NUMBERS_SIZE)) {
        pci_bus_number_changed(bridge);
    }
}
