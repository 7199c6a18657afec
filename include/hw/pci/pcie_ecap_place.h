/*
 * Where a virtual PASID capability goes
 *
 * The kernel hides the PASID capability of a device from VFIO users, so a
 * guest gets a virtual one. These are the rules for its place. They are pure
 * functions, like those of pcie_ecap.h.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_PCI_PCIE_ECAP_PLACE_H
#define HW_PCI_PCIE_ECAP_PLACE_H

#include "hw/pci/pcie_ecap.h"

/* The PASID capability (PCIe 6.2, 7.8.8) */
#define PCIE_ECAP_PASID_ID          0x001b
#define PCIE_ECAP_PASID_VERSION     1
#define PCIE_ECAP_PASID_SIZE        8
#define PCIE_ECAP_PASID_MAX_WIDTH   20
/* The last place in configuration space that it fits in */
#define PCIE_ECAP_PASID_AT_END      \
    (PCIE_ECAP_IMAGE_SIZE - PCIE_ECAP_PASID_SIZE)

/**
 * struct PCIEEcapPasid - what a PASID capability says
 *
 * @width: Max PASID Width in bits, 0 to 31. The specification allows 0 to 20.
 *
 * @exec: Execute Permission is supported.
 *
 * @priv: Privileged Mode is supported.
 */
typedef struct PCIEEcapPasid {
    uint8_t width;
    bool exec;
    bool priv;
} PCIEEcapPasid;

/**
 * enum PCIEEcapStep - which rule chose the place
 *
 * @PCIE_ECAP_STEP_NONE: none did, there is no place.
 *
 * @PCIE_ECAP_STEP_END: the end of configuration space.
 *
 * @PCIE_ECAP_STEP_HOST: where the device keeps its own, hidden one.
 *
 * @PCIE_ECAP_STEP_GAP: the highest free place.
 */
typedef enum PCIEEcapStep {
    PCIE_ECAP_STEP_NONE,
    PCIE_ECAP_STEP_END,
    PCIE_ECAP_STEP_HOST,
    PCIE_ECAP_STEP_GAP,
} PCIEEcapStep;

/**
 * struct PCIEEcapChoice - a place, and how it was found
 *
 * @step: the rule that chose the place.
 *
 * @offset: of the capability in bytes, 0 if there is no place.
 *
 * @end: what is in the way at the end of configuration space.
 *
 * @hidden: how many places look like the device's own capability. Only a
 *          single one is trusted. Not counted, and 0, if the end is free or
 *          the list is broken.
 */
typedef struct PCIEEcapChoice {
    PCIEEcapStep step;
    uint16_t offset;
    PCIEEcapReason end;
    uint16_t hidden;
} PCIEEcapChoice;

/**
 * pcie_ecap_step_name: name a step
 *
 * @step: any #PCIEEcapStep.
 *
 * Returns: "none", "end", "host" or "gap". The string is constant.
 */
const char *pcie_ecap_step_name(PCIEEcapStep step);

/**
 * pcie_ecap_pasid_read: read what may be a PASID capability
 *
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of configuration space.
 *
 * @offset: of the header in bytes, any value.
 *
 * @pasid: set on success, untouched otherwise.
 *
 * Returns: true if the header at @offset has ID and version of a PASID
 * capability, and @offset is aligned and leaves room for all of it.
 */
bool pcie_ecap_pasid_read(const uint8_t *image, uint16_t offset,
                          PCIEEcapPasid *pasid);

/**
 * pcie_ecap_pasid_hidden: look for the PASID capability that the kernel hides
 *
 * It is not in the list any more, but its bytes can still be read unless it
 * was the first one. A place counts if ID, version, width and permissions are
 * those of @host, and no byte of it belongs to something known.
 *
 * @layout: from pcie_ecap_parse() of @image.
 *
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of configuration space, as the kernel
 *         shows it.
 *
 * @host: what the kernel reports of the device's capability.
 *
 * @offset: set to the lowest of the places, untouched if there is none.
 *
 * Returns: how many places there are; 0 if the list is broken.
 */
unsigned pcie_ecap_pasid_hidden(const PCIEEcapLayout *layout,
                                const uint8_t *image,
                                const PCIEEcapPasid *host, uint16_t *offset);

/**
 * pcie_ecap_pasid_registers: walk the registers of the PASID capability that
 * the kernel hides
 *
 * Who wants to keep them from a guest must not be as strict as
 * pcie_ecap_pasid_hidden(): the IOMMU may have fewer PASIDs than the device,
 * and the kernel need not enable all of the permissions. So a place counts if
 * @host can be had from it and the bits that mean nothing are zero. Where the
 * kernel left an anchor at the head of the list, the registers behind it are
 * the ones if nothing else is and PASID is enabled in them.
 *
 * @layout: from pcie_ecap_parse() of @image.
 *
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of configuration space, as the kernel
 *         shows it.
 *
 * @host: what the kernel reports of the device. With a width of 0 there is
 *        nothing to find.
 *
 * @offset: where to start in bytes, 0 for the first place. Set to the start of
 *          the place found, untouched if there is none.
 *
 * Returns: size of the place found in bytes: #PCIE_ECAP_PASID_SIZE, or 4 behind
 * an anchor; 0 if there is none from @offset on or the list is broken.
 */
uint16_t pcie_ecap_pasid_registers(const PCIEEcapLayout *layout,
                                   const uint8_t *image,
                                   const PCIEEcapPasid *host,
                                   uint16_t *offset);

/**
 * pcie_ecap_pasid_place: choose the place of a virtual PASID capability
 *
 * The end of configuration space if it is free, else where the device keeps
 * its own if that is certain, else the highest free place. What the guest has
 * and the kernel does not show is kept out with pcie_ecap_reserve().
 *
 * With #PCIE_ECAP_STEP_HOST the place does not read zero, and
 * pcie_ecap_insert() takes it only after the caller zeroed it in its image.
 *
 * @layout: from pcie_ecap_parse() of @image.
 *
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of configuration space, as the kernel
 *         shows it.
 *
 * @host: what the kernel reports of the device's capability.
 *
 * @choice: filled in whole.
 *
 * Returns: true if there is a place.
 */
bool pcie_ecap_pasid_place(const PCIEEcapLayout *layout, const uint8_t *image,
                           const PCIEEcapPasid *host, PCIEEcapChoice *choice);

#endif /* HW_PCI_PCIE_ECAP_PLACE_H */
