/*
 * ACPI: keep the PCI bus numbers of the firmware
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_PCI_HOST_GPEX_KEEP_CONFIG_H
#define HW_PCI_HOST_GPEX_KEEP_CONFIG_H

#include "hw/acpi/aml-build.h"
#include "hw/pci/pci.h"

/**
 * acpi_pci_must_keep_config: tell whether other tables name devices by bus
 * number
 *
 * @bus: the root bus of a host bridge, or NULL.
 *
 * Returns: true if a vIOMMU of @bus has #VIOMMU_FLAG_KEEP_BUS_NUMBERS.
 */
bool acpi_pci_must_keep_config(PCIBus *bus);

/**
 * acpi_pci_keep_config_dsm: make the _DSM method of a host bridge whose
 * configuration the operating system must keep (PCI Firmware Specification
 * 3.3, 4.6.5)
 *
 * Returns: the method; it belongs to the caller as any Aml does.
 */
Aml *acpi_pci_keep_config_dsm(void);

#endif /* HW_PCI_HOST_GPEX_KEEP_CONFIG_H */
