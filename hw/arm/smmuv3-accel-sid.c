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

/* Nothing keeps a guest from giving two buses one number */
typedef QLIST_HEAD(, SMMUv3AccelDevice) SMMUv3AccelSharers;

uint32_t smmuv3_accel_sid(const SMMUv3AccelDevice *adev)
{
    return pci_get_bdf(adev->pdev);
}

bool smmuv3_accel_has_sid(const SMMUv3AccelDevice *adev)
{
    PCIBus *bus = pci_get_bus(adev->pdev);

    return pci_bus_is_root(bus) || pci_bus_num(bus);
}

void smmuv3_accel_sid_forget(SMMUv3AccelState *a, SMMUv3AccelDevice *adev)
{
    gpointer sid = GUINT_TO_POINTER(adev->found_by);
    SMMUv3AccelSharers *sharers;

    if (!QLIST_IS_INSERTED(adev, same_sid)) {
        return;
    }
    sharers = g_hash_table_lookup(a->by_sid, sid);
    QLIST_SAFE_REMOVE(adev, same_sid);
    if (QLIST_EMPTY(sharers)) {
        g_hash_table_remove(a->by_sid, sid);
    }
}

bool smmuv3_accel_sid_update(SMMUv3AccelState *a, SMMUv3AccelDevice *adev)
{
    bool found = QLIST_IS_INSERTED(adev, same_sid);
    bool has_sid = smmuv3_accel_has_sid(adev);
    uint32_t sid = smmuv3_accel_sid(adev);
    SMMUv3AccelSharers *sharers;

    if (found == has_sid && (!found || adev->found_by == sid)) {
        return false;
    }
    smmuv3_accel_sid_forget(a, adev);
    if (has_sid) {
        sharers = g_hash_table_lookup(a->by_sid, GUINT_TO_POINTER(sid));
        if (!sharers) {
            sharers = g_new0(SMMUv3AccelSharers, 1);
            g_hash_table_insert(a->by_sid, GUINT_TO_POINTER(sid), sharers);
        }
        adev->found_by = sid;
        QLIST_INSERT_HEAD(sharers, adev, same_sid);
    }
    return true;
}

GHashTable *smmuv3_accel_sids_new(void)
{
    return g_hash_table_new_full(NULL, NULL, NULL, g_free);
}

SMMUv3AccelDevice *smmuv3_accel_find(SMMUv3AccelState *a, uint32_t sid)
{
    SMMUv3AccelSharers *sharers = g_hash_table_lookup(a->by_sid,
                                                      GUINT_TO_POINTER(sid));

    return sharers ? QLIST_FIRST(sharers) : NULL;
}
