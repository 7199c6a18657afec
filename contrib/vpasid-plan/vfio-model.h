/*
 * What VFIO shows of the extended configuration space of a device
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef VPASID_PLAN_VFIO_MODEL_H
#define VPASID_PLAN_VFIO_MODEL_H

/**
 * vfio_model_hides: tell whether VFIO keeps a capability from its users
 *
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes as the device has them.
 *
 * @offset: of the header of an extended capability, 0x100 to 0xffc.
 *
 * Returns: true if the capability is taken out of the list.
 */
bool vfio_model_hides(const uint8_t *image, uint16_t offset);

/**
 * vfio_model_show: make the image that a user of VFIO reads
 *
 * Capabilities that VFIO does not know are taken out of the list. Their bytes
 * stay, but for the header of the first one: its ID and version read zero,
 * and the next pointer leads to the first one that is shown. Without any
 * other the whole header reads zero.
 *
 * Capabilities that overlap can make VFIO mix up their headers; that is not
 * modelled. Neither are registers that VFIO virtualizes, none of which a
 * layout depends on, or the first 256 bytes.
 *
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes as the device has them.
 *
 * @shown: #PCIE_ECAP_IMAGE_SIZE bytes, filled in whole.
 */
void vfio_model_show(const uint8_t *image, uint8_t *shown);

#endif /* VPASID_PLAN_VFIO_MODEL_H */
