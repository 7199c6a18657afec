/*
 * PASID capability of VFIO PCI devices
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_VFIO_PCI_PASID_H
#define HW_VFIO_PCI_PASID_H

#include "pci-pasid-place.h"
#include "qapi/qapi-types-common.h"
#include "qemu/bitmap.h"
#include "qom/object.h"

typedef struct VFIOPCIDevice VFIOPCIDevice;
typedef struct VFIOPCIPasidSaved VFIOPCIPasidSaved;
typedef struct VfioPasidState VfioPasidState;

/**
 * struct VFIOPCIPasid - the virtual PASID capability of a device
 *
 * @mode: property x-vpasid. ON_OFF_AUTO_ON makes it an error if the guest
 *        cannot get the capability, ON_OFF_AUTO_OFF never adds it.
 * @wanted_offset: property x-vpasid-cap-offset, in bytes; 0 chooses one.
 * @host: report of the host; a width of 0 is no PASID.
 * @width: of the capability that the guest can have, in bits; 0 if it cannot
 *         have one, with @state saying why, or if the kernel exposes one.
 * @owned: a bit for each 4 bytes of configuration space that no write of the
 *         guest leaves QEMU for: the virtual capability, and the registers of
 *         the device that are hidden.
 * @hidden: a bit for each 4 bytes of those that the guest reads zero from: the
 *          registers of the device.
 * @saved: configuration space before the state of a guest is read that is taken
 *         over (CPR). Owned; NULL at any other time.
 * @state: property x-vpasid-state: the decision and its reason. Owned; NULL
 *         before vfio_pci_pasid_setup().
 */
typedef struct VFIOPCIPasid {
    OnOffAuto mode;
    uint16_t wanted_offset;
    VFIOPasidCap host;
    uint8_t width;
    DECLARE_BITMAP(owned, PCIE_ECAP_IMAGE_SIZE / PCIE_ECAP_ALIGN);
    DECLARE_BITMAP(hidden, PCIE_ECAP_IMAGE_SIZE / PCIE_ECAP_ALIGN);
    VFIOPCIPasidSaved *saved;
    VfioPasidState *state;
} VFIOPCIPasid;

/**
 * vfio_pci_pasid_class_init: add the property x-vpasid-state
 *
 * @klass: the base class of #VFIOPCIDevice.
 */
void vfio_pci_pasid_class_init(ObjectClass *klass);

/**
 * vfio_pci_pasid_describe: describe the properties that a user can set
 *
 * @klass: a class of #VFIOPCIDevice whose property list has x-vpasid and
 *         x-vpasid-cap-offset.
 */
void vfio_pci_pasid_describe(ObjectClass *klass);

/**
 * vfio_pci_pasid_setup: give the guest a PASID capability where that is right
 *
 * The capability (PCIe 6.2, 7.8.9) is emulated as a whole. It is added if the
 * vIOMMU translates requests with PASID, the host reports PASID for the
 * device (iommufd.h IOMMU_GET_HW_INFO), the kernel exposes no such
 * capability itself and vfio_pasid_path_problem() finds none. If it should be
 * added but cannot be, one warning says why and the device goes on without.
 *
 * The registers of the device that the capability stands for are hidden if
 * they can be found by what the host reports, also where nothing is added.
 *
 * When a new QEMU takes a guest over (CPR), the capability is added later, by
 * vfio_pci_pasid_cpr_post_load().
 *
 * @vdev: the device, after its other capabilities were added and before the
 *        guest runs. It need have neither a host IOMMU device nor extended
 *        configuration space, nor any capability.
 * @errp: set if the user asked for what cannot be: x-vpasid=on without PASID,
 *        or an x-vpasid-cap-offset that is not free.
 *
 * Returns: true if the device can be realized, with the capability or without;
 * false with @errp set.
 */
bool vfio_pci_pasid_setup(VFIOPCIDevice *vdev, Error **errp);

/**
 * vfio_pci_pasid_reset: bring the capability back to its state after reset
 *
 * @vdev: the device. Without virtual capability nothing happens.
 */
void vfio_pci_pasid_reset(VFIOPCIDevice *vdev);

/**
 * vfio_pci_pasid_hides: tell whether the guest reads zero from a register
 *
 * @vdev: the device.
 * @addr: of the read in configuration space, in bytes. No access reaches over
 *        the end of 4 aligned bytes.
 *
 * Returns: true if it does; the host is not to be asked then.
 */
bool vfio_pci_pasid_hides(const VFIOPCIDevice *vdev, uint32_t addr);

/**
 * vfio_pci_pasid_write_config: look at a write of the guest before the host
 * sees it
 *
 * A write to the virtual capability or to registers that are hidden ends
 * here. A write that makes the host reset the function resets the capability
 * and goes on.
 *
 * @vdev: the device. Without either nothing happens.
 * @addr: of the write in configuration space, in bytes.
 * @val: value that is written, in the low @len bytes.
 * @len: of the write in bytes: 1, 2 or 4, with @addr a multiple of it.
 *
 * Returns: true if the write was taken care of, false if the caller has to go
 * on with it.
 */
bool vfio_pci_pasid_write_config(VFIOPCIDevice *vdev, uint32_t addr,
                                 uint32_t val, int len);

/**
 * vfio_pci_pasid_cpr_pre_load: get ready to take a guest over
 *
 * For VMStateDescription.pre_load of the device with CPR.
 *
 * @vdev: the device.
 */
void vfio_pci_pasid_cpr_pre_load(VFIOPCIDevice *vdev);

/**
 * vfio_pci_pasid_cpr_post_load: take over the capability that the guest knows
 *
 * For VMStateDescription.post_load of the device with CPR. The capability goes
 * where the guest has it, or nowhere if it has none, whatever the properties
 * say. The rest of extended configuration space has to be the same.
 *
 * @vdev: the device, after vfio_pci_pasid_cpr_pre_load().
 * @errp: set if this cannot be done; names device and offset.
 *
 * Returns: true on success, false with @errp set. The state must not be used
 * then: the guest stays with the QEMU that had it.
 */
bool vfio_pci_pasid_cpr_post_load(VFIOPCIDevice *vdev, Error **errp);

/**
 * vfio_pci_pasid_finalize: free what vfio_pci_pasid_setup() allocated
 *
 * @vdev: the device, which may never have been realized.
 */
void vfio_pci_pasid_finalize(VFIOPCIDevice *vdev);

#endif /* HW_VFIO_PCI_PASID_H */
