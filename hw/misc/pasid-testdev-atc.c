/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI Express test device: its address translation cache
 *
 * Copyright (c) qemu-vpasid contributors
 */

#include "qemu/osdep.h"
#include "hw/pci/pci_bus.h"
#include "system/address-spaces.h"
#include "pasid-testdev-atc.h"

/* The least that can be asked for; nothing answers in smaller pages */
#define ATC_PAGE_SIZE           (1ull << PCI_ATS_MIN_STU)
/* A guest has 2^20 PASIDs: keep what the host spends on them in bounds */
#define ATC_SPACES_MAX          256

/* An address space whose invalidations reach the device */
struct PasidTestAtcSpace {
    IOMMUNotifier notifier;
    PasidTestAtc *atc;
    uint32_t pasid;         /* or PCI_NO_PASID */
    QTAILQ_ENTRY(PasidTestAtcSpace) next;
};

void pasid_testdev_atc_init(PasidTestAtc *atc, PCIDevice *pdev)
{
    atc->pdev = pdev;
    QTAILQ_INIT(&atc->spaces);
}

/* Forget the translations of @pasid that overlap @first to @last */
static void atc_invalidate(PasidTestAtc *atc, uint32_t pasid, hwaddr first,
                           hwaddr last)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < atc->len; i++) {
        const IOMMUTLBEntry *e = &atc->entry[i];

        if (e->pasid != pasid || e->iova > last ||
            e->iova + e->addr_mask < first) {
            atc->entry[kept++] = *e;
        }
    }
    atc->len = kept;
}

static void atc_insert(PasidTestAtc *atc, uint32_t pasid,
                       const IOMMUTLBEntry *answer)
{
    IOMMUTLBEntry *e;

    /* No invalidation follows when such a page gets mapped: do not keep it */
    if (!(answer->perm & IOMMU_RW)) {
        return;
    }
    if (atc->len == PASID_TESTDEV_ATC_SIZE) {
        atc->len--;
        memmove(atc->entry, atc->entry + 1, atc->len * sizeof(atc->entry[0]));
    }
    e = &atc->entry[atc->len++];
    *e = *answer;
    e->iova &= ~e->addr_mask;
    e->translated_addr &= ~e->addr_mask;
    e->pasid = pasid;
    if (!e->target_as) {
        e->target_as = &address_space_memory;
    }
}

static bool atc_lookup(const PasidTestAtc *atc, uint32_t pasid, hwaddr addr,
                       IOMMUTLBEntry *entry)
{
    for (uint32_t i = 0; i < atc->len; i++) {
        const IOMMUTLBEntry *e = &atc->entry[i];

        if (e->pasid == pasid && (addr & ~e->addr_mask) == e->iova) {
            *entry = *e;
            return true;
        }
    }
    return false;
}

bool pasid_testdev_atc_translate(PasidTestAtc *atc, uint32_t pasid, hwaddr addr,
                                 IOMMUTLBEntry *entry)
{
    IOMMUTLBEntry answers[4];
    uint32_t untranslated = 0;
    ssize_t count;

    if (atc_lookup(atc, pasid, addr, entry)) {
        return true;
    }
    count = pci_ats_request_translation(atc->pdev, pasid, false, false,
                                        addr & ~(ATC_PAGE_SIZE - 1),
                                        ATC_PAGE_SIZE, false, answers,
                                        ARRAY_SIZE(answers), &untranslated);
    for (ssize_t i = 0; i < count; i++) {
        atc_insert(atc, pasid, &answers[i]);
    }
    return atc_lookup(atc, pasid, addr, entry);
}

static void atc_notify(IOMMUNotifier *n, IOMMUTLBEntry *entry)
{
    PasidTestAtcSpace *space = container_of(n, PasidTestAtcSpace, notifier);
    hwaddr last = entry->iova + entry->addr_mask;

    if (last < entry->iova) {
        last = HWADDR_MAX;
    }
    space->atc->invalidations++;
    atc_invalidate(space->atc, space->pasid, entry->iova, last);
}

static void atc_unwatch(PasidTestAtcSpace *space)
{
    PasidTestAtc *atc = space->atc;

    pci_iommu_unregister_iotlb_notifier(atc->pdev, space->pasid,
                                        &space->notifier);
    QTAILQ_REMOVE(&atc->spaces, space, next);
    atc->spaces_num--;
    /* what cannot be invalidated any more must not be used either */
    atc_invalidate(atc, space->pasid, 0, HWADDR_MAX);
    g_free(space);
}

void pasid_testdev_atc_watch(PasidTestAtc *atc, uint32_t pasid)
{
    PasidTestAtcSpace *space, *oldest = NULL;

    QTAILQ_FOREACH(space, &atc->spaces, next) {
        if (space->pasid == pasid) {
            return;
        }
        if (!oldest && space->pasid != PCI_NO_PASID) {
            oldest = space;
        }
    }
    if (oldest && atc->spaces_num == ATC_SPACES_MAX) {
        atc_unwatch(oldest);
    }

    space = g_new0(PasidTestAtcSpace, 1);
    space->atc = atc;
    space->pasid = pasid;
    iommu_notifier_init(&space->notifier, atc_notify,
                        IOMMU_NOTIFIER_DEVIOTLB_UNMAP, 0, HWADDR_MAX, 0);
    if (pci_iommu_register_iotlb_notifier(atc->pdev, pasid,
                                          &space->notifier) < 0) {
        g_free(space);
        return;
    }
    QTAILQ_INSERT_TAIL(&atc->spaces, space, next);
    atc->spaces_num++;
}

void pasid_testdev_atc_forget(PasidTestAtc *atc, bool pasids_only)
{
    PasidTestAtcSpace *space, *next;

    QTAILQ_FOREACH_SAFE(space, &atc->spaces, next, next) {
        if (!pasids_only || space->pasid != PCI_NO_PASID) {
            atc_unwatch(space);
        }
    }
    atc->len = 0;
}
