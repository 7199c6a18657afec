/*
 * ACPI: keep the PCI bus numbers of the firmware
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/pci-host/gpex-keep-config.h"
#include "hw/iommu.h"
#include "hw/pci/pci_bus.h"

/* _DSM of a host bridge (PCI Firmware Specification 3.3, 4.6) */
#define DSM_UUID                "E5C937D0-3553-4D7A-9117-EA4D19C3434D"
#define DSM_FUNCTIONS           0   /* bitmap of the functions there are */
#define DSM_BOOT_CONFIG         5
#define DSM_BOOT_CONFIG_KEEP    0

bool acpi_pci_must_keep_config(PCIBus *bus)
{
    return bus && bus->iommu_ops && bus->iommu_ops->get_viommu_flags &&
           (bus->iommu_ops->get_viommu_flags(bus->iommu_opaque) &
            VIOMMU_FLAG_KEEP_BUS_NUMBERS);
}

static void dsm_append_function(Aml *uuid, unsigned int function, Aml *result)
{
    Aml *ctx = aml_if(aml_equal(aml_arg(2), aml_int(function)));

    aml_append(ctx, aml_return(result));
    aml_append(uuid, ctx);
}

Aml *acpi_pci_keep_config_dsm(void)
{
    uint8_t functions = 1u << DSM_FUNCTIONS | 1u << DSM_BOOT_CONFIG;
    uint8_t none = 0;
    Aml *method = aml_method("_DSM", 4, AML_NOTSERIALIZED);
    Aml *uuid = aml_if(aml_equal(aml_arg(0), aml_touuid(DSM_UUID)));

    dsm_append_function(uuid, DSM_FUNCTIONS,
                        aml_buffer(sizeof(functions), &functions));
    dsm_append_function(uuid, DSM_BOOT_CONFIG, aml_int(DSM_BOOT_CONFIG_KEEP));
    aml_append(method, uuid);
    aml_append(method, aml_return(aml_buffer(sizeof(none), &none)));
    return method;
}
