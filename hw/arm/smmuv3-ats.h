/*
 * Emulated arm-smmuv3: Address Translation Services
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the emulation answers to devices that cache translations. An accelerated
 * SMMUv3 leaves all of that to the host; this makes such a host.
 */

#ifndef HW_ARM_SMMUV3_ATS_H
#define HW_ARM_SMMUV3_ATS_H

#include "hw/arm/smmuv3.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_bus.h"
#include "smmuv3-internal.h"

/*
 * Added to the IOMMU index of a transaction, which is its SubstreamID: it is a
 * Translation Request. Other threads translate at the same time, so nothing but
 * the call itself can say so.
 */
#define SMMUV3_INDEX_ATS    (1 << 20)

/**
 * smmuv3_ats_realize: check the x-ats property
 *
 * @s: an SMMUv3 with its properties set.
 * @errp: names the property, what it does not go with and the way out.
 *
 * Returns: true if it can be honoured, false with @errp set.
 */
bool smmuv3_ats_realize(SMMUv3State *s, Error **errp);

/**
 * smmuv3_ats_reset: advertise ATS, SMMUv3 IHI0070, 6.3.1
 *
 * @s: an SMMUv3 being reset, its other ID registers already set.
 */
void smmuv3_ats_reset(SMMUv3State *s);

/**
 * smmuv3_ats_hides: tell whether an event is one that only the device is told
 *
 * A Translation Request that meets no translation is answered with no access,
 * and recorded nowhere (3.9.1).
 *
 * @info: the event.
 *
 * Returns: true if @info must not be recorded.
 */
bool smmuv3_ats_hides(const SMMUEventInfo *info);

/**
 * smmuv3_ats_command: tell devices what CMD_ATC_INV says (4.5.1)
 *
 * @s: the SMMUv3.
 * @cmd: any command in host byte order; others are passed over.
 */
void smmuv3_ats_command(SMMUv3State *s, const Cmd *cmd);

/**
 * smmuv3_ats_request: answer a Translation Request, see
 * PCIIOMMUOps::ats_request_translation
 *
 * @bus: the bus of the device.
 * @opaque: the SMMUv3.
 * @devfn: device and function number on @bus.
 * @pasid: 0 to 0xfffff, or PCI_NO_PASID.
 * @priv_req: not looked at, as for other transactions of the emulation.
 * @exec_req: the same.
 * @addr: first address.
 * @length: bytes, at least 1.
 * @no_write: the device only wants to read.
 * @result: where the translations go, one for each page or block.
 * @result_length: how many there is room for.
 * @err_count: how many pages have none.
 *
 * Returns: the number of translations, or -ENOMEM if there is no room for them.
 */
ssize_t smmuv3_ats_request(PCIBus *bus, void *opaque, int devfn,
                           uint32_t pasid, bool priv_req, bool exec_req,
                           hwaddr addr, size_t length, bool no_write,
                           IOMMUTLBEntry *result, size_t result_length,
                           uint32_t *err_count);

/**
 * smmuv3_ats_watch: tell a device of invalidations from now on, see
 * PCIIOMMUOps::register_iotlb_notifier
 *
 * @bus: the bus of the device.
 * @opaque: the SMMUv3.
 * @devfn: device and function number on @bus.
 * @pasid: 0 to 0xfffff, or PCI_NO_PASID.
 * @n: called with what is not valid any more; stays the device's own.
 */
void smmuv3_ats_watch(PCIBus *bus, void *opaque, int devfn, uint32_t pasid,
                      IOMMUNotifier *n);

/**
 * smmuv3_ats_unwatch: undo smmuv3_ats_watch()
 *
 * @bus, @opaque, @devfn, @pasid, @n: as they were there.
 */
void smmuv3_ats_unwatch(PCIBus *bus, void *opaque, int devfn, uint32_t pasid,
                        IOMMUNotifier *n);

#endif /* HW_ARM_SMMUV3_ATS_H */
