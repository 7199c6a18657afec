/*
 * Fuzzing of the layout of the extended configuration space
 *
 * Parameters: offset and size of what is inserted.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "fuzz.h"
#include "tests/unit/pcie-ecap-properties.h"

const FuzzInput fuzz_input = FUZZ_IMAGE;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t image[PCIE_ECAP_IMAGE_SIZE];

    if (size >= FUZZ_PARAMETERS) {
        fuzz_image(data + FUZZ_PARAMETERS, size - FUZZ_PARAMETERS, image);
        pcie_ecap_properties(image, fuzz_word(data, 0), fuzz_word(data, 1));
    }
    return 0;
}
