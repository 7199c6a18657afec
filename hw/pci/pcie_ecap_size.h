/*
 * Sizes of PCI Express extended capabilities
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_PCI_PCIE_ECAP_SIZE_H
#define HW_PCI_PCIE_ECAP_SIZE_H

/**
 * struct PCIEEcapFunction - registers that sizes of capabilities depend on
 *
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of configuration space.
 * @exp_cap: offset of the PCI Express capability, 0 if there is none.
 * @port_type: Device/Port Type (PCIe 6.2, 7.5.3.2), 0 if not known, which is
 *             an endpoint.
 * @lanes: maximum link width, 1 to 32; 0 if not known or nonsense.
 * @ee_prefix: end-to-end TLP prefixes are supported.
 * @flit: Flit Mode is supported.
 */
typedef struct PCIEEcapFunction {
    const uint8_t *image;
    uint8_t exp_cap;
    uint8_t port_type;
    uint8_t lanes;
    bool ee_prefix;
    bool flit;
} PCIEEcapFunction;

/**
 * pcie_ecap_function: read the registers that sizes depend on
 *
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes of configuration space.
 * @function: filled in whole.
 */
void pcie_ecap_function(const uint8_t *image, PCIEEcapFunction *function);

/**
 * pcie_ecap_size: tell how big a capability is
 *
 * @function: from pcie_ecap_function().
 * @offset: of the capability in bytes, 0x100 to 0xffc.
 * @id: capability ID, any value.
 * @version: capability version, 0 to 15.
 *
 * Returns: size in bytes with the header, which may end behind configuration
 * space; 0 if it is not known.
 */
uint32_t pcie_ecap_size(const PCIEEcapFunction *function, uint16_t offset,
                        uint16_t id, uint8_t version);

/**
 * pcie_ecap_size_limits: tell how small and how big a capability can be
 *
 * They serve where pcie_ecap_size() has no answer, since a register that it
 * needs is not there or reads nonsense.
 *
 * @id: capability ID, any value.
 * @version: capability version, 0 to 15.
 * @least: set to the bytes with the header that it has at least; 4 if nothing
 *         is known.
 * @most: set to the bytes with the header that it has at most; all of extended
 *        configuration space if nothing is known.
 */
void pcie_ecap_size_limits(uint16_t id, uint8_t version, uint16_t *least,
                           uint16_t *most);

#endif /* HW_PCI_PCIE_ECAP_SIZE_H */
