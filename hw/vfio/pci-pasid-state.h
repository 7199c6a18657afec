/*
 * State of the PASID capability of VFIO PCI devices
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_VFIO_PCI_PASID_STATE_H
#define HW_VFIO_PCI_PASID_STATE_H

#include "pci-pasid.h"
#include "qapi/qapi-types-vfio-pasid.h"

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
 *
 * @reason: why.
 *
 * @text: the reason in words, copied; NULL for vfio_pasid_reason_text().
 */
void vfio_pasid_set_disabled(VFIOPCIDevice *vdev, VfioPasidReason reason,
                             const char *text);

/**
 * vfio_pasid_set_enabled: note that the guest has a virtual PASID capability
 *
 * @vdev: the device, with what the host reports of it.
 *
 * @offset: of the capability in bytes.
 *
 * @cap: what it says.
 *
 * @where: the rule by which it is at @offset.
 */
void vfio_pasid_set_enabled(VFIOPCIDevice *vdev, uint16_t offset,
                            const VFIOPasidCap *cap, VfioPasidWhere where);

/**
 * vfio_pasid_set_passed_through: note that the guest has the PASID capability
 * of the device, which the kernel exposes
 *
 * @vdev: the device.
 *
 * @offset: of the capability in bytes.
 */
void vfio_pasid_set_passed_through(VFIOPCIDevice *vdev, uint16_t offset);

#endif /* HW_VFIO_PCI_PASID_STATE_H */
