/*
 * Placement of the PASID capability of VFIO PCI devices
 *
 * The kernel hides the PASID capability of a device from VFIO users, so a
 * guest gets a virtual one. These are the rules for its place, and what is
 * known of the registers that the kernel hides. All are pure functions over an
 * image of configuration space, like those of pcie_ecap.h.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_VFIO_PCI_PASID_PLACE_H
#define HW_VFIO_PCI_PASID_PLACE_H

#include "hw/pci/pcie_ecap.h"
#include "hw/pci/pcie_regs.h"
#include "standard-headers/linux/pci_regs.h"

/* The last place in configuration space that a PASID capability fits in */
#define VFIO_PASID_AT_END   (PCIE_ECAP_IMAGE_SIZE - PCI_EXT_CAP_PASID_SIZEOF)

/**
 * struct VFIOPasidCap - what a PASID capability says (PCIe 6.2, 7.8.9)
 *
 * @width: Max PASID Width in bits, 0 to 31. The specification allows 0 to 20.
 * @exec: Execute Permission is supported.
 * @priv: Privileged Mode is supported.
 */
typedef struct VFIOPasidCap {
    uint8_t width;
    bool exec;
    bool priv;
} VFIOPasidCap;

/**
 * enum VFIOPasidStep - which rule chose the place
 *
 * @VFIO_PASID_STEP_NONE: none did, there is no place.
 * @VFIO_PASID_STEP_END: the end of configuration space.
 * @VFIO_PASID_STEP_HOST: where the device keeps its own, hidden one.
 * @VFIO_PASID_STEP_GAP: the highest free place.
 */
typedef enum VFIOPasidStep {
    VFIO_PASID_STEP_NONE,
    VFIO_PASID_STEP_END,
    VFIO_PASID_STEP_HOST,
    VFIO_PASID_STEP_GAP,
} VFIOPasidStep;

/**
 * struct VFIOPasidPlace - a place, and how it was found
 *
 * @step: the rule that chose the place.
 * @offset: of the capability in bytes, 0 if there is no place.
 * @end: obstacle at the end of configuration space.
 * @hidden: how many places look like the device's own capability. Only a
 *          single one is trusted. Not counted, and 0, if the end is free or
 *          the list is broken.
 */
typedef struct VFIOPasidPlace {
    VFIOPasidStep step;
    uint16_t offset;
    PCIEEcapReason end;
    uint16_t hidden;
} VFIOPasidPlace;

/**
 * vfio_pasid_read: read what may be a PASID capability
 *
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of configuration space.
 * @offset: of the header in bytes, any value.
 * @cap: set on success, untouched otherwise.
 *
 * Returns: true if the header at @offset has ID and version of a PASID
 * capability, and @offset is aligned and leaves room for all of it.
 */
bool vfio_pasid_read(const uint8_t *image, uint16_t offset, VFIOPasidCap *cap);

/**
 * vfio_pasid_find_own: look for the PASID capability that the kernel hides
 *
 * It is not in the list any more, but its bytes can still be read unless it
 * was the first one. A place counts if vfio_pasid_next_registers() finds all
 * of a capability there, and its width and permissions are those of @host.
 *
 * @layout: from pcie_ecap_parse() of @image.
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of configuration space, as the kernel
 *         shows it.
 * @host: report of the kernel about the device.
 * @offset: set to the lowest of the places, untouched if there is none.
 *
 * Returns: how many places there are; 0 if the list is broken.
 */
unsigned vfio_pasid_find_own(const PCIEEcapLayout *layout,
                             const uint8_t *image, const VFIOPasidCap *host,
                             uint16_t *offset);

/**
 * vfio_pasid_next_registers: walk the registers of the PASID capability that
 * the kernel hides
 *
 * The IOMMU may have fewer PASIDs than the device, and the kernel need not
 * enable all of the permissions. So a place counts if it has ID and version of
 * a PASID capability, @host can be had from its registers, the bits that mean
 * nothing are zero, and no byte of it belongs to something known. Where the
 * kernel left an anchor at the head of the list, the registers behind it count,
 * too.
 *
 * @layout: from pcie_ecap_parse() of @image.
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of configuration space, as the kernel
 *         shows it.
 * @host: report of the kernel about the device. With a width of 0 there is
 *        nothing to find.
 * @offset: where to start in bytes, 0 for the first place. Set to the start of
 *          the place found, untouched if there is none.
 *
 * Returns: size of the place found in bytes: PCI_EXT_CAP_PASID_SIZEOF, or 4
 * behind an anchor; 0 if there is none from @offset on or the list is broken.
 */
uint16_t vfio_pasid_next_registers(const PCIEEcapLayout *layout,
                                   const uint8_t *image,
                                   const VFIOPasidCap *host, uint16_t *offset);

/**
 * vfio_pasid_is_off: tell whether the kernel left PASID off in the device
 *
 * Linux reports a width where it failed to enable PASID, too, and only warns.
 *
 * @layout: from pcie_ecap_parse() of @image.
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of configuration space, as the kernel
 *         shows it.
 * @host: report of the kernel about the device.
 *
 * Returns: true if there are registers that the kernel hides, and PASID Enable
 * is clear in all places that look like them; false also for a virtual
 * function, which has none.
 */
bool vfio_pasid_is_off(const PCIEEcapLayout *layout, const uint8_t *image,
                       const VFIOPasidCap *host);

/**
 * vfio_pasid_choose_place: choose the place of a virtual PASID capability
 *
 * The end of configuration space if it is free, else where the device keeps
 * its own if that is certain, else the highest free place. What the guest has
 * and the kernel does not show is kept out with pcie_ecap_reserve().
 *
 * With #VFIO_PASID_STEP_HOST the place does not read zero, and
 * pcie_ecap_insert() takes it only after the caller zeroed it in its image.
 *
 * @layout: from pcie_ecap_parse() of @image.
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of configuration space, as the kernel
 *         shows it.
 * @host: report of the kernel about the device.
 * @place: filled in whole.
 *
 * Returns: true if there is a place.
 */
bool vfio_pasid_choose_place(const PCIEEcapLayout *layout,
                             const uint8_t *image, const VFIOPasidCap *host,
                             VFIOPasidPlace *place);

/**
 * vfio_pasid_describe: say why a place for the capability is refused
 *
 * @layout: from pcie_ecap_parse().
 * @size: bytes of configuration space that the device has.
 * @offset: of the capability in bytes, as given to pcie_ecap_check().
 * @reason: answer of pcie_ecap_check() for @offset.
 *
 * Returns: the offset, the reason, and the capability in the way if there is
 * one, in words; freed by the caller.
 */
char *vfio_pasid_describe(const PCIEEcapLayout *layout, uint16_t size,
                          uint16_t offset, PCIEEcapReason reason);

/**
 * vfio_pasid_describe_place: say why a place was chosen, or why there is none
 *
 * @layout: from pcie_ecap_parse().
 * @size: bytes of configuration space that the device has.
 * @place: from vfio_pasid_choose_place() with @layout.
 *
 * Returns: the reason in words, freed by the caller.
 */
char *vfio_pasid_describe_place(const PCIEEcapLayout *layout, uint16_t size,
                                const VFIOPasidPlace *place);

/**
 * vfio_pasid_shown_by_mistake: tell whether the kernel may show a PASID
 * capability that it means to hide
 *
 * The kernel puts back the link to a capability that it has hidden where it
 * comes by an element of the list twice. It takes two capabilities of an ID
 * that adjoin for one, and shows the header of the second as the device has it:
 * behind that the list of the device goes on, with what is hidden, up to the
 * next capability that the kernel knows.
 *
 * @layout: from pcie_ecap_parse() of what the kernel shows.
 * @offset: of the PASID capability in the list, in bytes.
 *
 * Returns: true if the list loops or has elements that overlap, or such a pair
 * ahead of the capability.
 */
bool vfio_pasid_shown_by_mistake(const PCIEEcapLayout *layout, uint16_t offset);

#endif /* HW_VFIO_PCI_PASID_PLACE_H */
