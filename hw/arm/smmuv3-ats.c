/*
 * Emulated arm-smmuv3: Address Translation Services
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "smmuv3-ats.h"
#include "smmuv3-fields.h"

/* Translations are of 4 KiB at least (SMMUv3 IHI0070, 4.5.1) */
#define ATC_PAGE_BITS       12

struct SMMUv3AtsWatch {
    SMMUDevice *sdev;
    uint32_t pasid;
    IOMMUNotifier *n;
    QLIST_ENTRY(SMMUv3AtsWatch) next;
};

static SMMUDevice *find_device(SMMUv3State *s, PCIBus *bus, int devfn)
{
    AddressSpace *as = smmu_find_add_as(bus, s, devfn);

    return container_of(as, SMMUDevice, as);
}

bool smmuv3_ats_realize(SMMUv3State *s, Error **errp)
{
    if (s->x_ats && s->accel) {
        error_setg(errp, TYPE_ARM_SMMUV3 ": x-ats=on is for the emulation, and"
                   " does not go with accel=on; use ats=on there");
        return false;
    }
    return true;
}

void smmuv3_ats_reset(SMMUv3State *s)
{
    if (s->x_ats) {
        s->idr[0] = FIELD_DP32(s->idr[0], IDR0, ATS, 1);
        /* NS1ATS: no split-stage ATS, which both stages would allow */
        s->idr[0] = FIELD_DP32(s->idr[0], IDR0, NS1ATS,
                               STAGE1_SUPPORTED(s) && STAGE2_SUPPORTED(s));
    }
}

bool smmuv3_ats_suppresses(const SMMUEventInfo *info)
{
    if (!info->ats) {
        return false;
    }
    switch (info->type) {
    case SMMU_EVT_F_TRANSLATION:
    case SMMU_EVT_F_ADDR_SIZE:
    case SMMU_EVT_F_ACCESS:
    case SMMU_EVT_F_PERMISSION:
        return true;
    default:
        return false;
    }
}

/* Tell whether the STE of a device lets it use ATS */
static bool allowed(SMMUv3State *s, SMMUDevice *sdev)
{
    SMMUEventInfo event = { .inval_ste_allowed = true };
    STE ste;

    return FIELD_EX32(s->idr[0], IDR0, ATS) && smmu_enabled(s) &&
           !smmu_find_ste(s, smmu_get_sid(sdev), &ste, &event) &&
           STE_VALID(&ste) && STE_EATS(&ste) == EATS_FULL;
}

ssize_t smmuv3_ats_request(PCIBus *bus, void *opaque, int devfn,
                           uint32_t pasid, bool priv_req, bool exec_req,
                           hwaddr addr, size_t length, bool no_write,
                           IOMMUTLBEntry *result, size_t result_length,
                           uint32_t *err_count)
{
    SMMUv3State *s = ARM_SMMUV3(opaque);
    SMMUDevice *sdev = find_device(s, bus, devfn);
    IOMMUMemoryRegionClass *imrc =
        memory_region_get_iommu_class_nocheck(&sdev->iommu);
    int index = SMMUV3_INDEX_ATS | (pasid == PCI_NO_PASID ? 0 : pasid);
    hwaddr last = addr + length - 1;
    ssize_t n = 0;

    *err_count = 0;
    if (!allowed(s, sdev)) {
        *err_count = 1;
        return 0;
    }
    while (true) {
        IOMMUTLBEntry entry = imrc->translate(&sdev->iommu, addr, IOMMU_RO,
                                              index);
        hwaddr mask = entry.perm == IOMMU_NONE ?
                      MAKE_64BIT_MASK(0, ATC_PAGE_BITS) : entry.addr_mask;

        if (entry.perm == IOMMU_NONE) {
            (*err_count)++;
        } else if (n == result_length) {
            n = -ENOMEM;
            break;
        } else {
            entry.iova = addr & ~mask;
            entry.translated_addr &= ~mask;
            entry.pasid = pasid;
            if (no_write) {
                entry.perm &= IOMMU_RO;
            }
            result[n++] = entry;
        }
        addr = (addr | mask) + 1;
        if (!addr || addr > last) {
            break;
        }
    }
    return n;
}

void smmuv3_ats_watch(PCIBus *bus, void *opaque, int devfn, uint32_t pasid,
                      IOMMUNotifier *n)
{
    SMMUv3State *s = ARM_SMMUV3(opaque);
    SMMUv3AtsWatch *watch = g_new(SMMUv3AtsWatch, 1);

    *watch = (SMMUv3AtsWatch) {
        .sdev = find_device(s, bus, devfn),
        .pasid = pasid,
        .n = n,
    };
    QLIST_INSERT_HEAD(&s->ats_watches, watch, next);
}

void smmuv3_ats_unwatch(PCIBus *bus, void *opaque, int devfn, uint32_t pasid,
                        IOMMUNotifier *n)
{
    SMMUv3State *s = ARM_SMMUV3(opaque);
    SMMUv3AtsWatch *watch, *other;

    QLIST_FOREACH_SAFE(watch, &s->ats_watches, next, other) {
        if (watch->n == n && watch->pasid == pasid) {
            QLIST_REMOVE(watch, next);
            g_free(watch);
        }
    }
}

void smmuv3_ats_invalidate(SMMUv3State *s, const Cmd *cmd)
{
    uint64_t dword1 = SMMU_DWORD(cmd, 1);
    uint32_t pasid = CMD_SSV(cmd) ? CMD_SSID(cmd) : PCI_NO_PASID;
    bool all = CMD_SSV(cmd) && (SMMU_DWORD(cmd, 0) & CMD0_GLOBAL);
    /* The largest size is all of the address space */
    uint64_t mask = MAKE_64BIT_MASK(0, MIN(ATC_PAGE_BITS +
                                           (dword1 & CMD1_ATC_SIZE), 64));
    IOMMUTLBEntry entry = {
        .target_as = &address_space_memory,
        .iova = dword1 & ~mask,
        .addr_mask = mask,
        .perm = IOMMU_NONE,
    };
    SMMUv3AtsWatch *watch, *other;

    QLIST_FOREACH_SAFE(watch, &s->ats_watches, next, other) {
        if (smmu_get_sid(watch->sdev) == CMD_SID(cmd) &&
            (all || watch->pasid == pasid)) {
            entry.pasid = watch->pasid;
            watch->n->notify(watch->n, &entry);
        }
    }
}
