/*
 * Registers of the PASID capability of a VFIO PCI device
 *
 * Only for the files hw/vfio/pci-pasid*.c.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_VFIO_PCI_PASID_REGS_H
#define HW_VFIO_PCI_PASID_REGS_H

#include "pci-pasid-place.h"

typedef struct VFIOPCIDevice VFIOPCIDevice;

/**
 * vfio_pasid_add: put the capability into what the guest sees
 *
 * The guest also reads that the device supports end-to-end TLP prefixes.
 *
 * @vdev: the device, after vfio_pasid_hide().
 *
 * @offset: of the capability in bytes. Registers of the device that no
 *          capability has are covered.
 *
 * @cap: what the capability says; the width is 1 to 20.
 *
 * @errp: set if the list that the guest sees cannot take it.
 *
 * Returns: true on success, false with @errp set and nothing changed.
 */
bool vfio_pasid_add(VFIOPCIDevice *vdev, uint16_t offset,
                    const VFIOPasidCap *cap, Error **errp);

/**
 * vfio_pasid_drop: take a capability that the kernel shows from the guest
 *
 * It is taken out of the list that the guest sees, and its registers are
 * hidden.
 *
 * @vdev: the device.
 *
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
 *
 * @offset: of the first register in bytes, a multiple of 4.
 *
 * @size: in bytes, a multiple of 4.
 */
void vfio_pasid_hide(VFIOPCIDevice *vdev, uint16_t offset, uint16_t size);

/**
 * vfio_pasid_do_not_compare: let streams differ in hidden registers
 *
 * A host that enables PASID for a device has other values in them than one
 * that does not, and the guest does not know of them. So QEMU's copy of what
 * looks like such registers is not compared when a stream is read, whatever
 * this host says of PASID.
 *
 * @vdev: the device, with extended configuration space that the guest sees.
 */
void vfio_pasid_do_not_compare(VFIOPCIDevice *vdev);

#endif /* HW_VFIO_PCI_PASID_REGS_H */
