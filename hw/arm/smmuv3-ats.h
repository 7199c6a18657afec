/*
 * Emulated arm-smmuv3: Address Translation Services
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ATS is for emulated devices that cache translations. An accelerated SMMUv3
 * leaves ATS to the host SMMUv3; this can emulate such a host.
 */

#ifndef HW_ARM_SMMUV3_ATS_H
#define HW_ARM_SMMUV3_ATS_H

#include "hw/arm/smmuv3.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_bus.h"
#include "smmuv3-internal.h"

/*
 * Flag in the IOMMU index of a transaction, beside its SubstreamID: it is a
 * Translation Request. The flag is in the index because several threads can
 * translate at the same time.
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
 * smmuv3_ats_suppresses: tell whether an event must not be recorded
 *
 * The answer to a Translation Request without translation is "no access", and
 * no event is recorded for it (3.9.1).
 *
 * @info: the event.
 *
 * Returns: true if @info must not be recorded.
 */
bool smmuv3_ats_suppresses(const SMMUEventInfo *info);

/**
 * smmuv3_ats_invalidate: forward CMD_ATC_INV to devices (4.5.1)
 *
 * @s: the SMMUv3.
 * @cmd: the command in host byte order.
 */
void smmuv3_ats_invalidate(SMMUv3State *s, const Cmd *cmd);

/**
 * smmuv3_ats_request: answer a Translation Request, see
 * PCIIOMMUOps::ats_request_translation
 *
 * @bus: the bus of the device.
 * @opaque: the SMMUv3.
 * @devfn: device and function number on @bus.
 * @pasid: 0 to 0xfffff, or PCI_NO_PASID.
 * @priv_req: ignored, as for other transactions of the emulation.
 * @exec_req: ignored.
 * @addr: first address.
 * @length: bytes, at least 1.
 * @no_write: the request is for read access only.
 * @result: (out) the translations, one for each page or block.
 * @result_length: number of elements of @result.
 * @err_count: (out) number of pages without translation.
 *
 * Returns: the number of translations, or -ENOMEM if @result is too small.
 */
ssize_t smmuv3_ats_request(PCIBus *bus, void *opaque, int devfn,
                           uint32_t pasid, bool priv_req, bool exec_req,
                           hwaddr addr, size_t length, bool no_write,
                           IOMMUTLBEntry *result, size_t result_length,
                           uint32_t *err_count);

/**
 * smmuv3_ats_watch: register a notifier of a device for ATC invalidations, see
 * PCIIOMMUOps::register_iotlb_notifier
 *
 * @bus: the bus of the device.
 * @opaque: the SMMUv3.
 * @devfn: device and function number on @bus.
 * @pasid: 0 to 0xfffff, or PCI_NO_PASID.
 * @n: called with the invalidated range; the device owns it.
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
