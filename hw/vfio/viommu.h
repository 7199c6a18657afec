/*
 * Requirements of a vIOMMU on the VFIO devices behind it
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_VFIO_VIOMMU_H
#define HW_VFIO_VIOMMU_H

typedef struct VFIODevice VFIODevice;
typedef struct VFIOIOASHwpt VFIOIOASHwpt;

/**
 * vfio_viommu_hwpt_flags: tell which HWPT the vIOMMU of a device needs
 *
 * The result is the same each time it is asked for one device. Two devices
 * may share an HWPT only if it is the same for both.
 *
 * @vbasedev: the device, plugged into its bus. It need not be a PCI device.
 *
 * Returns: IOMMU_HWPT_ALLOC_NEST_PARENT (iommufd.h IOMMU_HWPT_ALLOC) if the
 * vIOMMU wants to nest on the HWPT, 0 if it does not or if there is none.
 */
uint32_t vfio_viommu_hwpt_flags(VFIODevice *vbasedev);

/**
 * vfio_viommu_identity: tell the vIOMMUs apart that nest on an HWPT
 *
 * An HWPT keeps the result for as long as it exists. To ask a device that is
 * attached to it would not do: one that was unplugged stays attached until it
 * is finalized, and has no bus from which its vIOMMU could be found.
 *
 * @vbasedev: the device, plugged into its bus. It need not be a PCI device.
 *
 * Returns: a value that is the same for all devices of a vIOMMU and for no
 * other, only good for a comparison; NULL if vfio_viommu_hwpt_flags() is 0.
 */
const void *vfio_viommu_identity(VFIODevice *vbasedev);

/**
 * vfio_viommu_hwpt_fits: tell whether a device may share an HWPT
 *
 * A nesting parent carries the tag (Arm: VMID) that keeps the cached
 * translations of one vIOMMU apart from those of another. Therefore only
 * devices of one vIOMMU share it, even where the host IOMMU is the same.
 *
 * @vbasedev: the device, plugged into its bus. It need not be a PCI device.
 * @hwpt: an HWPT of the same IOAS that other devices are attached to, some of
 *        which may have been unplugged.
 *
 * Returns: true if the device may be attached to @hwpt, as far as its vIOMMU
 * is concerned; false if it needs another one.
 */
bool vfio_viommu_hwpt_fits(VFIODevice *vbasedev, const VFIOIOASHwpt *hwpt);

/**
 * vfio_viommu_check_group: check that a device which needs a nesting parent is
 * alone in its IOMMU group
 *
 * The host attaches a group as one, and the guest's tables name each device for
 * itself: one with siblings could be attached, and never be translated.
 *
 * @vbasedev: the device, with its sysfs folder or its descriptor.
 * @errp: names the group and the devices in it.
 *
 * Returns: true if it is, if it needs no nesting parent, if a running guest has
 * it already, or if sysfs does not tell; false if it is not.
 */
bool vfio_viommu_check_group(VFIODevice *vbasedev, Error **errp);

/**
 * vfio_viommu_sysfs: find the folder of a device in sysfs
 *
 * @vbasedev: the device, with its sysfs folder or its descriptor.
 *
 * Returns: the path, to be freed with g_free(); NULL for a group or a model.
 */
char *vfio_viommu_sysfs(VFIODevice *vbasedev);

/**
 * vfio_viommu_hwpt_hint: say why an HWPT was asked for that could not be had
 *
 * @vbasedev: the device whose allocation failed.
 * @flags: the flags of that allocation. Without IOMMU_HWPT_ALLOC_NEST_PARENT
 *         there is nothing to add.
 * @errp: holds the error of the allocation, which gains a hint. May be NULL.
 */
void vfio_viommu_hwpt_hint(VFIODevice *vbasedev, uint32_t flags, Error **errp);

#endif /* HW_VFIO_VIOMMU_H */
