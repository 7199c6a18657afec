/*
 * Model of the extended configuration space that VFIO shows
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef VPASID_PLAN_VFIO_MODEL_H
#define VPASID_PLAN_VFIO_MODEL_H

/**
 * vfio_model_show: make the image that a user of VFIO reads
 *
 * Capabilities that VFIO does not know are taken out of the list. Their bytes
 * stay, but for the header of the first one: its ID and version read zero,
 * and the next pointer leads to the first one that is shown. Without any
 * other the whole header reads zero.
 *
 * In a list that leads to a capability twice, or where one lies over another,
 * links to hidden ones can come back. And if a capability lies right behind
 * another one with the same ID, VFIO does not change its header: what follows
 * it in the list of the device is then shown, whatever it is.
 *
 * Registers that VFIO virtualizes are not modelled, for no layout depends on
 * them; neither are the first 256 bytes.
 *
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes as the device has them.
 *
 * @shown: #PCIE_ECAP_IMAGE_SIZE bytes, filled in whole.
 */
void vfio_model_show(const uint8_t *image, uint8_t *shown);

#endif /* VPASID_PLAN_VFIO_MODEL_H */
