/*
 * Fuzzing of the place of a PASID capability
 *
 * Parameters: a reserved range, what the host reports, and where the device's
 * own capability is written, if anywhere.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "fuzz.h"
#include "tests/unit/vfio-pasid-place-properties.h"

const FuzzInput fuzz_input = FUZZ_IMAGE;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree Image *im = image_new();
    VFIOPasidCap host;
    uint16_t cap, own;

    if (size < FUZZ_PARAMETERS) {
        return 0;
    }
    fuzz_image(data + FUZZ_PARAMETERS, size - FUZZ_PARAMETERS, im->bytes);
    cap = fuzz_word(data, 2);
    own = fuzz_word(data, 3) & 0xffc;
    host = (VFIOPasidCap) {
        .width = cap >> 8 & 0x1f,
        .exec = cap & 2,
        .priv = cap & 4,
    };
    /* Header and capability are too much to hope for */
    if (own >= PCIE_ECAP_HEAD) {
        put_cap(im, own, PASID_ID, 1, fuzz_word(data, 3) >> 12);
        put32(im, own + 4, cap);
    }
    vfio_pasid_place_properties(im->bytes, &host, fuzz_word(data, 0),
                               fuzz_word(data, 1));
    return 0;
}
