/*
 * Arm SMMUv3: cached configurations by StreamID
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/arm/smmuv3.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pci_bus_number.h"
#include "smmuv3-sid.h"
#include "smmuv3-ssid.h"

void smmuv3_sid_flush(SMMUv3State *s, uint32_t first, uint32_t last)
{
    SMMUSIDRange range = { .start = first, .end = last };

    smmu_configs_inv_sid_range(ARM_SMMU(s), range);
    smmuv3_ssid_config_flush(s, first, last);
}

/*
 * Notifier for PCI bus number changes. It drops all configurations: buses are
 * numbered rarely, and when many are, in a reset, the first call leaves nothing
 * for the others to do. Cached translations belong to an ASID and VMID and stay
 * valid, but vhost caches translations for a device: it is told to drop them.
 * That concerns devices on the bus itself; those further down have StreamIDs by
 * the numbers of their own buses.
 */
static void smmuv3_sid_renumbered(Notifier *n, void *bridge)
{
    SMMUv3State *s = container_of(n, SMMUv3State, bus_numbers);
    PCIBus *bus = pci_bridge_get_sec_bus(PCI_BRIDGE(bridge));
    SMMUPciBus *sbus;

    qemu_mutex_lock(&s->mutex);
    smmuv3_sid_flush(s, 0, UINT32_MAX);
    sbus = g_hash_table_lookup(ARM_SMMU(s)->smmu_pcibus_by_busptr, bus);
    for (int devfn = 0; sbus && devfn < SMMU_PCI_DEVFN_MAX; devfn++) {
        IOMMUNotifier *given;

        if (sbus->pbdev[devfn]) {
            IOMMU_NOTIFIER_FOREACH(given, &sbus->pbdev[devfn]->iommu) {
                memory_region_unmap_iommu_notifier_range(given);
            }
        }
    }
    qemu_mutex_unlock(&s->mutex);
}

void smmuv3_sid_realize(SMMUv3State *s)
{
    s->bus_numbers.notify = smmuv3_sid_renumbered;
    pci_bus_number_add_notifier(&s->bus_numbers);
}
