/*
 * Fuzzing of guest accesses to an accelerated SMMUv3: changing inputs
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * libFuzzer shifts bytes, which makes another record of each that follows.
 * Here records are inserted, removed, doubled and changed as a whole.
 */

#include "qemu/osdep.h"

#include "accel-fuzz.h"

bool fuzz_mutate_records;

static uint32_t state;

/* A generator of our own, so that a seed of the fuzzer says it all */
static uint32_t any(uint32_t below)
{
    state = state * 1664525u + 1013904223u;
    return below ? (state >> 8) % below : 0;
}

static void random_record(FuzzRecord *r)
{
    *r = (FuzzRecord) {
        .op = any(FUZZ_OPS),
        .a = any(256),
        .b = any(256),
        .c = any(256),
        .d = any(2) ? any(256) : any(1 << 16) << 16 | any(1 << 16),
    };
    r->e = any(256) | (uint64_t)any(1 << 16) << 8;
    if (any(2)) {
        r->e |= (uint64_t)any(1 << 20) << 32;
    }
}

/* Returns: how many records there are now */
static size_t change(FuzzRecord *list, size_t count, size_t max)
{
    size_t at = any(count), n;
    FuzzRecord other;

    switch (any(8)) {
    case 0:
    case 1:
    case 2:
        if (count < max) {
            at = any(count + 1);
            memmove(list + at + 1, list + at, (count - at) * sizeof(*list));
            random_record(list + at);
            return count + 1;
        }
        random_record(list + at);
        return count;
    case 3:
        n = MIN(1 + any(4), count - at);
        memmove(list + at, list + at + n, (count - at - n) * sizeof(*list));
        return count - n;
    case 4:
        n = MIN(1 + any(4), MIN(count - at, max - count));
        memmove(list + at + n, list + at, (count - at) * sizeof(*list));
        return count + n;
    case 5:
        n = any(count);
        other = list[n];
        list[n] = list[at];
        list[at] = other;
        return count;
    case 6:
        /* Another operation on the same things, or the same on others */
        if (any(2)) {
            list[at].op = any(FUZZ_OPS);
        } else {
            list[at].a = any(256);
        }
        return count;
    default:
        /* Keep the operation; a shorter record leaves the end unchanged */
        LLVMFuzzerMutate((uint8_t *)&list[at] + 1, sizeof(*list) - 1,
                         sizeof(*list) - 1);
        return count;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
                               unsigned int seed)
{
    FuzzRecord *list = (FuzzRecord *)data;
    size_t count = size / sizeof(*list);

    if (!fuzz_mutate_records) {
        return LLVMFuzzerMutate(data, size, max);
    }
    state = seed;
    max /= sizeof(*list);
    if (!max) {
        return size;
    }
    if (!count) {
        random_record(list);
        count = 1;
    }
    for (int n = 1 + any(3); n && count; n--) {
        count = change(list, count, max);
    }
    return MAX(count, 1) * sizeof(*list);
}

size_t fuzz_crossover(const uint8_t *data1, size_t size1,
                      const uint8_t *data2, size_t size2,
                      uint8_t *out, size_t max, unsigned int seed)
{
    const size_t unit = sizeof(FuzzRecord);
    size_t head, tail, from;

    state = seed;
    head = any(size1 / unit + 1) * unit;
    from = any(size2 / unit + 1) * unit;
    head = MIN(head, max / unit * unit);
    tail = MIN((size2 - from) / unit * unit, (max - head) / unit * unit);
    memcpy(out, data1, head);
    memcpy(out + head, data2 + from, tail);
    return head + tail;
}
