/*
 * Interface of the fuzz targets
 *
 * A target is one file with LLVMFuzzerTestOneInput() and fuzz_input. It is
 * linked twice: with libFuzzer, and with replay.c, which runs given inputs.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef NATIVE_FUZZ_H
#define NATIVE_FUZZ_H

#include "hw/pci/pcie_ecap.h"

/* Bytes in front of an image that say what to do with it */
#define FUZZ_PARAMETERS     8

/**
 * enum FuzzInput - what a target takes
 *
 * @FUZZ_BYTES: any bytes.
 *
 * @FUZZ_TEXT: what "lspci -xxxx" prints.
 *
 * @FUZZ_IMAGE: #FUZZ_PARAMETERS bytes, then an image as fuzz_image() reads it.
 */
typedef enum FuzzInput {
    FUZZ_BYTES,
    FUZZ_TEXT,
    FUZZ_IMAGE,
} FuzzInput;

/* Kind of input of this target */
extern const FuzzInput fuzz_input;

/**
 * LLVMFuzzerTestOneInput: try one input; it aborts if something is wrong
 *
 * @data: @size bytes.
 *
 * @size: in bytes, any value.
 *
 * Returns: 0.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/**
 * fuzz_image: make an image out of an input
 *
 * Extended configuration space comes first, so that short inputs reach far.
 * Where the input ends the image is zero.
 *
 * @data: @size bytes, without the parameters.
 *
 * @size: in bytes, any value.
 *
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes, filled in whole.
 */
static inline void fuzz_image(const uint8_t *data, size_t size, uint8_t *image)
{
    size_t extended = PCIE_ECAP_IMAGE_SIZE - PCIE_ECAP_HEAD;

    memset(image, 0, PCIE_ECAP_IMAGE_SIZE);
    memcpy(image + PCIE_ECAP_HEAD, data, MIN(size, extended));
    if (size > extended) {
        memcpy(image, data + extended, MIN(size - extended, PCIE_ECAP_HEAD));
    }
}

/**
 * fuzz_image_input: make an input out of an image, the other way round
 *
 * @image: #PCIE_ECAP_IMAGE_SIZE bytes.
 *
 * @data: #FUZZ_PARAMETERS plus #PCIE_ECAP_IMAGE_SIZE bytes, filled in whole.
 *        The parameters are zero.
 */
static inline void fuzz_image_input(const uint8_t *image, uint8_t *data)
{
    memset(data, 0, FUZZ_PARAMETERS);
    data += FUZZ_PARAMETERS;
    memcpy(data, image + PCIE_ECAP_HEAD, PCIE_ECAP_IMAGE_SIZE - PCIE_ECAP_HEAD);
    data += PCIE_ECAP_IMAGE_SIZE - PCIE_ECAP_HEAD;
    memcpy(data, image, PCIE_ECAP_HEAD);
}

/* Two bytes of the parameters */
static inline uint16_t fuzz_word(const uint8_t *data, unsigned index)
{
    return data[2 * index] | data[2 * index + 1] << 8;
}

#endif /* NATIVE_FUZZ_H */
