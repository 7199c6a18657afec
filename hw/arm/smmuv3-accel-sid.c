/*
 * Accelerated arm-smmuv3: which device has a StreamID
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/pci/pci_bus.h"
#include "smmuv3-accel-internal.h"

uint32_t smmuv3_accel_sid(const SMMUv3AccelDevice *adev)
{
    return pci_get_bdf(adev->pdev);
}

bool smmuv3_accel_has_sid(const SMMUv3AccelDevice *adev)
{
    PCIBus *bus = pci_get_bus(adev->pdev);

    return pci_bus_is_root(bus) || pci_bus_num(bus);
}

void smmuv3_accel_sids_update(SMMUv3AccelState *a)
{
    SMMUv3AccelDevice *adev;
    GHashTableIter iter;

    g_hash_table_remove_all(a->by_sid);
    a->sids_clash = false;
    g_hash_table_iter_init(&iter, a->devices);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&adev)) {
        if (smmuv3_accel_has_sid(adev)) {
            gpointer sid = GUINT_TO_POINTER(smmuv3_accel_sid(adev));

            /* Nothing keeps a guest from giving two buses one number */
            a->sids_clash |= !g_hash_table_insert(a->by_sid, sid, adev);
        }
    }
}

SMMUv3AccelDevice *smmuv3_accel_find(SMMUv3AccelState *a, uint32_t sid)
{
    return g_hash_table_lookup(a->by_sid, GUINT_TO_POINTER(sid));
}
