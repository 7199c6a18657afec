/*
 * Fuzzing of layout and place with lists that could be real
 *
 * Each record of the input is a capability: its ID, its version, how far the
 * next one is, and its first registers. So every input is a list, most of them
 * sound, and what is mutated are its elements.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "fuzz.h"
#include "tests/unit/vfio-pasid-place-properties.h"

const FuzzInput fuzz_input = FUZZ_BYTES;

#define RECORD  16

/* Bits of the second byte of a record besides the version */
#define JUMPS   0x10
#define ENDS    0x20
#define NOISE   0x40

/* Where the list goes on behind the record; 0 if it does not */
static uint16_t next_offset(const uint8_t *record, uint16_t at)
{
    uint16_t next = at + 4 + record[2] * 4;

    if (record[1] & ENDS) {
        return 0;
    }
    if (record[1] & JUMPS) {
        return fuzz_word(record, 1) & 0xfff;
    }
    return next < END ? next : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree Image *im = image_new();
    VFIOPasidCap host = { 0 };
    uint16_t at = PCIE_ECAP_HEAD;
    const uint8_t *first = data;

    if (size < RECORD) {
        return 0;
    }
    put_pcie(im, first[0] & 0xf, first[1] & 0x3f, first[2] & 1, first[2] & 2);
    host.width = first[3] & 0x1f;
    host.exec = first[3] & 0x20;
    host.priv = first[3] & 0x40;
    data += RECORD;
    size -= RECORD;

    for (; size >= RECORD && at >= PCIE_ECAP_HEAD; size -= RECORD) {
        uint16_t next = next_offset(data, at);

        put_cap(im, at, data[0] & 0x3f, data[1] & 0xf, next);
        put32(im, at + 4, get32(data, 4));
        put32(im, at + 8, get32(data, 8));
        put32(im, at + 12, fuzz_word(data, 6));
        if (data[1] & NOISE) {
            put32(im, fuzz_word(data, 7) & 0xffc, fuzz_word(data, 6));
        }
        at = next & ~3;
        data += RECORD;
    }
    pcie_ecap_properties(im->bytes, fuzz_word(first, 2), fuzz_word(first, 3));
    vfio_pasid_place_properties(im->bytes, &host, fuzz_word(first, 4),
                               fuzz_word(first, 5));
    return 0;
}
