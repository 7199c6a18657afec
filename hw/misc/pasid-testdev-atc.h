/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI Express test device: its address translation cache
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * Section numbers refer to PCIe 6.2.
 */

#ifndef HW_MISC_PASID_TESTDEV_ATC_H
#define HW_MISC_PASID_TESTDEV_ATC_H

#include "hw/misc/pasid-testdev.h"
#include "hw/pci/pci_device.h"
#include "system/memory.h"

typedef struct PasidTestAtcSpace PasidTestAtcSpace;

/**
 * struct PasidTestAtc - translations that a device has been given (10.1)
 * @pdev: the device
 * @entry: the translations, oldest first
 * @len: how many there are
 * @invalidations: requests to drop some, since the device was reset
 * @spaces: address spaces whose invalidations arrive
 * @spaces_num: how many these are
 */
typedef struct PasidTestAtc {
    PCIDevice *pdev;
    IOMMUTLBEntry entry[PASID_TESTDEV_ATC_SIZE];
    uint32_t len;
    uint32_t invalidations;
    QTAILQ_HEAD(, PasidTestAtcSpace) spaces;
    uint32_t spaces_num;
} PasidTestAtc;

/**
 * pasid_testdev_atc_init - start with an empty cache
 * @atc: the cache, zeroed
 * @pdev: the device that it belongs to, and with which it ends
 */
void pasid_testdev_atc_init(PasidTestAtc *atc, PCIDevice *pdev);

/**
 * pasid_testdev_atc_translate - look into the cache, and ask the IOMMU if it
 *                               has nothing (10.2)
 * @atc: the cache
 * @pasid: the address space, 1 to 0xfffff or PCI_NO_PASID
 * @addr: untranslated address
 * @entry: (out) the translation
 *
 * The device has to have ATS enabled.
 *
 * Returns: true if there is a translation, which may lack a permission, false
 * with @entry untouched if there is none.
 */
bool pasid_testdev_atc_translate(PasidTestAtc *atc, uint32_t pasid, hwaddr addr,
                                 IOMMUTLBEntry *entry);

/**
 * pasid_testdev_atc_watch - have invalidations of an address space arrive
 * @atc: the cache
 * @pasid: the address space, 1 to 0xfffff or PCI_NO_PASID
 *
 * Without an IOMMU that takes notifiers nothing is there to be invalidated.
 */
void pasid_testdev_atc_watch(PasidTestAtc *atc, uint32_t pasid);

/**
 * pasid_testdev_atc_forget - empty the cache and end what keeps it up to date
 * @atc: the cache
 * @pasids_only: requests without PASID stay watched
 *
 * Has to come before PASID Enable is cleared: QEMU does not take back the
 * notifier of a PASID afterwards.
 */
void pasid_testdev_atc_forget(PasidTestAtc *atc, bool pasids_only);

#endif /* HW_MISC_PASID_TESTDEV_ATC_H */
