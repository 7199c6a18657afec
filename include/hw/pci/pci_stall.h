/*
 * PCI transactions that wait for their translation
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A memory access ends at once in QEMU: an IOMMU translates it, or refuses it.
 * An IOMMU with a stall model can do better for a device that is able to wait:
 * it holds the transaction back, tells the guest, and goes on when the guest
 * says so. The device asks for such a translation here, before the access, and
 * then uses the translated address.
 *
 * All functions are called with the BQL held.
 */

#ifndef HW_PCI_PCI_STALL_H
#define HW_PCI_PCI_STALL_H

#include "hw/pci/pci.h"
#include "system/memory.h"

#define TYPE_IOMMU_STALL "iommu-stall"
typedef struct IOMMUStallClass IOMMUStallClass;
DECLARE_CLASS_CHECKERS(IOMMUStallClass, IOMMU_STALL, TYPE_IOMMU_STALL)

typedef struct PCIStall PCIStall;

/**
 * PCIStallResult: outcome of a transaction
 *
 * @PCI_STALL_UNSUPPORTED: the IOMMU has no stalls for this device, or there is
 *     no IOMMU. The device makes the access as any other device does.
 * @PCI_STALL_TRANSLATED: the address is translated, and the access permitted.
 * @PCI_STALL_FAULT: the IOMMU ended the transaction.
 * @PCI_STALL_WAITING: the transaction waits. PCIStall::done is called, once.
 */
typedef enum PCIStallResult {
    PCI_STALL_UNSUPPORTED,
    PCI_STALL_TRANSLATED,
    PCI_STALL_FAULT,
    PCI_STALL_WAITING,
} PCIStallResult;

/**
 * struct PCIStall: a transaction of a device that is able to wait
 *
 * The device owns it, and leaves it alone while it waits.
 *
 * @dev: the device, with Bus Master Enable set.
 * @pasid: 0 to 0xfffff, or PCI_NO_PASID.
 * @addr: untranslated address.
 * @write: the device writes to memory.
 * @done: called when the wait is over, from the main loop and while the machine
 *     runs. @result is PCI_STALL_TRANSLATED, with a valid @entry, or
 *     PCI_STALL_FAULT. The transaction no longer waits then and can be used for
 *     another one. @dev stays allocated for the time of the call, even if what
 *     it does unplugs it.
 * @iommu: the IOMMU that the transaction waits for, NULL if it does not wait.
 * @waiter: belongs to that IOMMU.
 */
struct PCIStall {
    PCIDevice *dev;
    uint32_t pasid;
    hwaddr addr;
    bool write;
    void (*done)(PCIStall *stall, PCIStallResult result,
                 const IOMMUTLBEntry *entry);
    IOMMUMemoryRegion *iommu;
    void *waiter;
};

/**
 * struct IOMMUStallClass: interface of IOMMU memory regions that stall
 *
 * @begin: see pci_stall_begin(). An implementation that returns
 *     PCI_STALL_WAITING calls pci_stall_end() later, unless @cancel comes
 *     first.
 * @cancel: forget a transaction that waits, and tell nobody.
 */
struct IOMMUStallClass {
    InterfaceClass parent_class;

    PCIStallResult (*begin)(IOMMUMemoryRegion *iommu, PCIStall *stall,
                            IOMMUTLBEntry *entry);
    void (*cancel)(IOMMUMemoryRegion *iommu, PCIStall *stall);
};

/**
 * pci_stall_begin: ask for a translation, and accept to wait for it
 *
 * @stall: the transaction, which does not wait yet.
 * @entry: (out) the translation, valid with PCI_STALL_TRANSLATED only.
 *
 * Returns: any PCIStallResult.
 */
PCIStallResult pci_stall_begin(PCIStall *stall, IOMMUTLBEntry *entry);

/**
 * pci_stall_cancel: give a transaction up
 *
 * A device calls it when it is reset or unplugged. PCIStall::done is not called
 * any more.
 *
 * @stall: a transaction; nothing happens if it does not wait.
 */
void pci_stall_cancel(PCIStall *stall);

/**
 * pci_stall_end: tell a device that its transaction no longer waits
 *
 * Called by an IOMMU, outside of any access by the guest: the device goes on
 * with the access, which can reach registers of any device.
 *
 * @stall: a transaction that waits.
 * @result: PCI_STALL_TRANSLATED or PCI_STALL_FAULT.
 * @entry: the translation; not used with PCI_STALL_FAULT.
 */
void pci_stall_end(PCIStall *stall, PCIStallResult result,
                   const IOMMUTLBEntry *entry);

#endif /* HW_PCI_PCI_STALL_H */
