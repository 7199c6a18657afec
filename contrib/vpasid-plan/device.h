/*
 * PCI functions and their configuration space
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef VPASID_PLAN_DEVICE_H
#define VPASID_PLAN_DEVICE_H

#include "hw/pci/pcie_ecap.h"

/* Vendor and Device ID of a virtual function (PCIe 6.2, 9.3.4.1.1) */
#define PCI_ID_OF_VIRTUAL   0xffff
/* Bytes of the configuration space of a conventional PCI function */
#define PCI_IMAGE_SIZE  256

/**
 * struct Device - one PCI function
 *
 * @name: domain, bus, device and function, as in "0000:01:00.0".
 *
 * @source: where it was read from, for messages.
 *
 * @vendor: vendor ID.
 *
 * @device: device ID.
 *
 * @size: how many bytes of @image were read, from the start; 1 to
 *        #PCIE_ECAP_IMAGE_SIZE, or 0 with @problem.
 *
 * @total: bytes of configuration space that the function has, 0 if not known.
 *
 * @problem: why nothing of it could be read, NULL if something was.
 *
 * @is_virtual: it is known to be a virtual function. It has no PASID
 *              capability of its own and uses that of @physical.
 *
 * @image: the configuration space. What was not read is zero.
 *
 * @physical: the physical function of a virtual one, owned by this; NULL if
 *            there is none.
 */
typedef struct Device {
    char *name;
    char *source;
    uint16_t vendor;
    uint16_t device;
    uint16_t size;
    uint16_t total;
    bool is_virtual;
    uint8_t image[PCIE_ECAP_IMAGE_SIZE];
    char *problem;
    struct Device *physical;
} Device;

/**
 * device_new: make a device with an empty image
 *
 * @name: as in #Device, copied.
 *
 * @source: as in #Device, taken over.
 *
 * Returns: the device, to be freed with device_free().
 */
Device *device_new(const char *name, char *source);

/**
 * device_free: free a device and what it owns
 *
 * @data: a #Device, or NULL.
 */
void device_free(void *data);

/**
 * device_parse_name: make a full name of a device address
 *
 * @text: "[DOMAIN:]BUS:DEVICE.FUNCTION" in hexadecimal digits, followed by
 *        white space or by the end of the string.
 *
 * Returns: "DDDD:BB:DD.F" in lower case, freed by the caller; NULL if @text
 * is something else.
 */
char *device_parse_name(const char *text);

/**
 * device_is_express: tell whether a function has a PCI Express capability
 *
 * Without one it has no extended configuration space.
 *
 * @dev: the function, of which the first 256 bytes were read.
 *
 * Returns: true if it has.
 */
bool device_is_express(const Device *dev);

/**
 * device_is_extended: tell whether all of a function's extended configuration
 * space is known
 *
 * @dev: the function.
 *
 * Returns: true if it has some, and all of it was read.
 */
bool device_is_extended(const Device *dev);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Device, device_free)

#endif /* VPASID_PLAN_DEVICE_H */
