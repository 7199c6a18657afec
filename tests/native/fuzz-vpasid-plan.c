/*
 * Fuzzing of vpasid-plan
 *
 * The first byte of the input says what the rest is: the text of a dump, or
 * configuration space from 0x100 on.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "contrib/vpasid-plan/dump.h"
#include "contrib/vpasid-plan/output.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What holds for every device */
static void check(const Device *dev)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(Plan) plan = plan_new(dev);
    uint16_t offset = plan->choice.offset;

    g_assert_nonnull(plan->reason);
    if (plan->choice.step) {
        g_assert_cmpint(plan->result, ==, PLAN_FINE);
        g_assert_true(offset == PCIE_ECAP_HEAD ||
                      !pcie_ecap_overlap(&plan->visible, offset,
                                         PCIE_ECAP_PASID_SIZE));
        if (plan->choice.step == PCIE_ECAP_STEP_HOST) {
            memset(plan->shown + offset, 0, PCIE_ECAP_PASID_SIZE);
        }
        g_assert_cmpint(pcie_ecap_insert(plan->shown, offset,
                                         PCIE_ECAP_PASID_ID,
                                         PCIE_ECAP_PASID_VERSION,
                                         PCIE_ECAP_PASID_SIZE, NULL), ==,
                        PCIE_ECAP_OK);
    }
    output_map(plan, out);
    output_json(plan, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(device_free);

    if (!size) {
        return 0;
    }
    size--;
    if (*data++ & 1) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = g_strndup((const char *)data, size);

        if (!dump_parse("fuzz", text, size, devices, &error)) {
            g_assert_nonnull(error);
            return 0;
        }
    } else {
        Device *dev = device_new("0000:00:00.0", g_strdup("fuzz"));

        size = MIN(size, PCIE_ECAP_IMAGE_SIZE - PCIE_ECAP_HEAD);
        memcpy(dev->image + PCIE_ECAP_HEAD, data, size);
        dev->size = PCIE_ECAP_IMAGE_SIZE;
        dev->complete = true;
        g_ptr_array_add(devices, dev);
    }
    for (unsigned i = 0; i < devices->len; i++) {
        check(g_ptr_array_index(devices, i));
    }
    return 0;
}
