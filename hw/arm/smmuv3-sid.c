/*
 * Arm SMMUv3: cached configurations by StreamID
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/arm/smmuv3.h"
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
 * Notifier for PCI bus number changes. It drops all configurations, since buses
 * are numbered rarely and no list of the devices behind the bridge exists.
 * Cached translations belong to an ASID and VMID and stay valid, but vhost
 * caches translations for a device: it is told to drop them.
 */
static void smmuv3_sid_renumbered(Notifier *n, void *bridge)
{
    SMMUv3State *s = container_of(n, SMMUv3State, bus_numbers);

    qemu_mutex_lock(&s->mutex);
    smmuv3_sid_flush(s, 0, UINT32_MAX);
    smmu_inv_notifiers_all(ARM_SMMU(s));
    qemu_mutex_unlock(&s->mutex);
}

void smmuv3_sid_realize(SMMUv3State *s)
{
    s->bus_numbers.notify = smmuv3_sid_renumbered;
    pci_bus_number_add_notifier(&s->bus_numbers);
}
