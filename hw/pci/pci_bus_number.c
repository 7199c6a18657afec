/*
 * Notifiers for changes of PCI bus numbers
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/pci/pci_bus_number.h"
#include "hw/pci/pci_device.h"

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

void pci_bus_number_written(PCIDevice *bridge, uint8_t before)
{
    if (bridge->config[PCI_SECONDARY_BUS] != before) {
        pci_bus_number_changed(bridge);
    }
}
