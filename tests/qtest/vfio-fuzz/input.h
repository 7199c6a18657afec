/*
 * Fuzzing of VFIO devices: inputs
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_QTEST_VFIO_FUZZ_INPUT_H
#define TESTS_QTEST_VFIO_FUZZ_INPUT_H

#include "../vfio-guest/client.h"
#include "../vfio-guest/vfio-user.h"

enum {
    FZ_MAX_ACTIONS = 16,
    FZ_MAX_CAPS = 128,
};

/**
 * enum FzKind - step after the device is plugged
 *
 * @FZ_NONE: end of the list.
 * @FZ_READ: the guest reads all of configuration space.
 * @FZ_WRITE: the guest writes @value to offset @at of configuration space.
 * @FZ_MAP: the guest maps all BARs and the ROM, and reads at their ends.
 * @FZ_POKE: the guest writes @value to offset @at of its mapping.
 * @FZ_BECOME: the 4 bytes at offset @at of the device become @value.
 * @FZ_RESET: the machine is reset.
 */
typedef enum FzKind {
    FZ_NONE,
    FZ_READ,
    FZ_WRITE,
    FZ_MAP,
    FZ_POKE,
    FZ_BECOME,
    FZ_RESET,
    FZ_KINDS
} FzKind;

typedef struct FzAction {
    FzKind kind;
    uint32_t at;
    uint32_t value;
} FzAction;

/**
 * struct FzInput - a device that is plugged and unplugged, and its errors
 *
 * @user: it is a vfio-user server's, not the kernel's.
 * @device: as much of it as is described: config_size, raw, reset_ok, msi,
 *          bar_size, rom_size, phys, migration.
 * @rule: calls that fail.
 * @change: answers that are changed.
 * @server: replies of the server that are changed.
 * @capabilities: JSON of the server, "" for none.
 * @action: steps after it is plugged.
 */
typedef struct FzInput {
    bool user;
    VfDevice device;
    VfRule rule[VF_MAX_RULES];
    VfChange change[VF_MAX_CHANGES];
    VuChange server[VU_MAX_CHANGES];
    char capabilities[FZ_MAX_CAPS];
    FzAction action[FZ_MAX_ACTIONS];
} FzInput;

/* A device that is well, with no action */
void fz_input_init(FzInput *in);

/**
 * fz_input_parse: read inputs
 *
 * @text: lines of words. Each "run" ends an input and begins the next with a
 *        device that is well; '#' begins a comment
 * @each: called with each input
 * @opaque: for @each
 *
 * Asserts that the text can be understood.
 */
void fz_input_parse(const char *text, void (*each)(FzInput *, void *),
                    void *opaque);

/* Returns: the input as text that fz_input_parse() takes; for g_free() */
gchar *fz_input_print(const FzInput *in);

/**
 * fz_input_mutate: make another input of one
 *
 * @in: changed in some places
 * @state: of the random numbers, not 0
 */
void fz_input_mutate(FzInput *in, uint64_t *state);

/* Returns: the next random number below @below, which is not 0 */
uint64_t fz_random(uint64_t *state, uint64_t below);

#endif /* TESTS_QTEST_VFIO_FUZZ_INPUT_H */
