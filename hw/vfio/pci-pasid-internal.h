/*
 * PASID capability of VFIO PCI devices: functions that its files share
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_VFIO_PCI_PASID_INTERNAL_H
#define HW_VFIO_PCI_PASID_INTERNAL_H

#include "pci.h"
#include "qapi/qapi-types-vfio-pasid.h"

/* pci-pasid-path.c */

/**
 * vfio_pasid_path_problem: tell why a guest would not enable PASID
 *
 * A guest looks at the function and at each port above it. A PASID travels in
 * an end-to-end TLP prefix (PCIe 6.2, 6.20), which each port has to forward. An
 * address that is untranslated must reach the IOMMU and no other function, for
 * which ports and functions of a multifunction slot have access control
 * services (ACS; 7.7.11) with P2P Request Redirect and Upstream Forwarding.
 *
 * @pdev: the device, with the capabilities that the guest sees. It is assumed
 *        to support end-to-end TLP prefixes if it has the register that says
 *        so: vfio_pasid_add() sets the bit.
 * @reason: set to the reason, or to VFIO_PASID_REASON_NONE.
 *
 * Returns: the reason in words, with the name of the port and the way out, to
 * be freed by the caller; NULL if the guest has no reason.
 */
char *vfio_pasid_path_problem(PCIDevice *pdev, VfioPasidReason *reason);

/* pci-pasid-regs.c */

/**
 * vfio_pasid_add: put the capability into what the guest sees
 *
 * The guest also reads that the device supports end-to-end TLP prefixes.
 *
 * @vdev: the device, after vfio_pasid_hide().
 * @offset: of the capability in bytes. No other capability is there, neither
 *          of the guest nor of the device; registers of the device are covered.
 * @cap: fields of the capability; the width is 1 to 20.
 * @where: the rule by which it is at @offset.
 * @errp: set if the list that the guest sees cannot take it.
 *
 * Returns: true with the state set, false with @errp set.
 */
bool vfio_pasid_add(VFIOPCIDevice *vdev, uint16_t offset,
                    const VFIOPasidCap *cap, VfioPasidWhere where,
                    Error **errp);

/**
 * vfio_pasid_drop: take a capability that the kernel shows from the guest
 *
 * It is taken out of the list that the guest sees, and its registers are
 * hidden.
 *
 * @vdev: the device.
 * @offset: of the capability in bytes. It is in the list.
 */
void vfio_pasid_drop(VFIOPCIDevice *vdev, uint16_t offset);

/**
 * vfio_pasid_hide: keep registers of the device from the guest
 *
 * They read zero and ignore writes; neither reaches the host. QEMU's copy goes
 * on to hold what the device had there, and is not compared when a stream is
 * read: so a QEMU that hides nothing can be at the other end of a migration.
 *
 * @vdev: the device.
 * @offset: of the first register in bytes, a multiple of 4.
 * @size: in bytes, a multiple of 4.
 */
void vfio_pasid_hide(VFIOPCIDevice *vdev, uint16_t offset, uint16_t size);

/* pci-pasid-state.c */

/**
 * vfio_pasid_reason_text: put a reason in words
 *
 * @reason: one that needs no detail.
 *
 * Returns: the words; NULL for any other reason.
 */
const char *vfio_pasid_reason_text(VfioPasidReason reason);

/**
 * vfio_pasid_set_disabled: note that the guest has no PASID capability
 *
 * @vdev: the device.
 * @reason: why.
 * @text: the reason in words, copied; NULL for vfio_pasid_reason_text().
 */
void vfio_pasid_set_disabled(VFIOPCIDevice *vdev, VfioPasidReason reason,
                             const char *text);

/**
 * vfio_pasid_set_enabled: note that the guest has a virtual PASID capability
 *
 * @vdev: the device, with what the host reports of it.
 * @offset: of the capability in bytes.
 * @cap: fields of the capability.
 * @where: the rule by which it is at @offset.
 */
void vfio_pasid_set_enabled(VFIOPCIDevice *vdev, uint16_t offset,
                            const VFIOPasidCap *cap, VfioPasidWhere where);

/**
 * vfio_pasid_set_passed_through: note that the guest has the PASID capability
 * of the device, which the kernel exposes
 *
 * @vdev: the device.
 * @offset: of the capability in bytes.
 */
void vfio_pasid_set_passed_through(VFIOPCIDevice *vdev, uint16_t offset);

#endif /* HW_VFIO_PCI_PASID_INTERNAL_H */
