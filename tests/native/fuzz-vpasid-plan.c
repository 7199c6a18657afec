/*
 * Fuzzing of the plan for a device
 *
 * Parameters: how much of the device was read, whether it is a virtual
 * function, and whether its physical function is known.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "fuzz.h"
#include "contrib/vpasid-plan/output.h"
#include "tests/unit/pcie-ecap-properties.h"

const FuzzInput fuzz_input = FUZZ_IMAGE;

enum {
    CUT = 1 << 0,
    UNFINISHED = 1 << 1,
    VIRTUAL = 1 << 2,
    PHYSICAL = 1 << 3,
    CONVENTIONAL = 1 << 4,
};

/* Bytes of configuration space that a device may have, or that were read */
static const uint16_t sizes[] = { 64, PCI_IMAGE_SIZE, 0x1f4, 0x600 };

/* Without a PCI Express capability there is nothing to plan */
static void put_express(uint8_t *image)
{
    image[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
    image[PCI_CAPABILITY_LIST] = 0x40;
    image[0x40] = PCI_CAP_ID_EXP;
    image[0x41] = 0;
}

/* VFIO changes headers, and no other byte */
static void check_shown(const Plan *plan)
{
    const uint8_t *image = plan->dev->image;

    for (unsigned at = 0; at < END; at += 4) {
        uint32_t own = get32(image, at);
        uint32_t shown = get32(plan->shown, at);
        /* A header of all ones ends the list, but VFIO goes on behind it */
        bool header = plan->own.defects & PCIE_ECAP_ONES;

        if (own == shown) {
            continue;
        }
        g_assert_cmphex(at, >=, PCIE_ECAP_HEAD);
        for (unsigned i = 0; i < plan->own.count; i++) {
            header |= plan->own.extents[i].offset == at;
        }
        g_assert_true(header);
        if (at != PCIE_ECAP_HEAD) {
            g_assert_cmphex(own & 0x3fffff, ==, shown & 0x3fffff);
        }
    }
    pcie_ecap_properties(plan->shown, PASID_AT_END, PASID_SIZE);
}

/* The place is free in what VFIO shows, or has the device's own capability */
static void check_place(const Plan *plan)
{
    uint16_t offset = plan->choice.offset;
    uint8_t image[PCIE_ECAP_IMAGE_SIZE];

    g_assert_true(plan->result == PLAN_FINE ||
                  plan->result == PLAN_NOT_ENABLED);
    g_assert_true(plan->has_pasid);
    g_assert_cmpuint(offset + PCI_EXT_CAP_PASID_SIZEOF, <=, plan->dev->size);
    memcpy(image, plan->shown, sizeof(image));
    if (plan->choice.step == VFIO_PASID_STEP_HOST) {
        memset(image + offset, 0, PCI_EXT_CAP_PASID_SIZEOF);
    }
    g_assert_cmpint(pcie_ecap_insert(image, offset, PCI_EXT_CAP_ID_PASID,
                                     PCI_PASID_VER,
                                     PCI_EXT_CAP_PASID_SIZEOF), ==,
                    PCIE_ECAP_OK);
}

/* Strings end, brackets match, and nothing is outside of ASCII */
static void check_json(const char *text)
{
    bool string = false;
    int depth = 0;

    for (; *text; text++) {
        g_assert_true(*text >= ' ' && *text <= '~');
        if (string && *text == '\\') {
            text++;
            g_assert_nonnull(strchr("\"\\u", *text));
        } else if (*text == '"') {
            string = !string;
        } else if (!string) {
            depth += *text == '{' || *text == '[';
            depth -= *text == '}' || *text == ']';
            g_assert_cmpint(depth, >=, 0);
        }
    }
    g_assert_false(string);
    g_assert_cmpint(depth, ==, 0);
}

static void check(const Device *dev)
{
    g_autoptr(GString) line = g_string_new(NULL);
    g_autoptr(GString) map = g_string_new(NULL);
    g_autoptr(GString) json = g_string_new(NULL);
    g_autoptr(Plan) plan = plan_new(dev);

    g_assert_nonnull(plan->reason);
    if (plan->extended) {
        check_shown(plan);
    }
    if (plan->choice.step) {
        check_place(plan);
    }
    output_line(plan, line);
    output_map(plan, map);
    output_json(plan, json);
    g_assert_true(g_str_has_prefix(map->str, line->str));
    g_assert_true(strchr(line->str, '\n') == line->str + line->len - 1);
    check_json(json->str);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(Device) dev = NULL;

    if (size < FUZZ_PARAMETERS) {
        return 0;
    }
    dev = device_new("0000:00:00.0", g_strdup("fuzz"));
    fuzz_image(data + FUZZ_PARAMETERS, size - FUZZ_PARAMETERS, dev->image);
    if (!(data[0] & CONVENTIONAL)) {
        put_express(dev->image);
    }
    dev->vendor = fuzz_word(dev->image, 0);
    dev->device = fuzz_word(dev->image, 1);
    dev->size = PCIE_ECAP_IMAGE_SIZE;
    if (data[0] & CUT) {
        dev->size = sizes[data[1] % G_N_ELEMENTS(sizes)];
        memset(dev->image + dev->size, 0, PCIE_ECAP_IMAGE_SIZE - dev->size);
    }
    dev->total = data[0] & UNFINISHED ? 0 : dev->size;
    dev->is_virtual = data[0] & VIRTUAL;
    if (dev->is_virtual && (data[0] & PHYSICAL)) {
        dev->physical = device_new("0000:00:01.0", g_strdup("fuzz"));
        memcpy(dev->physical->image, dev->image, PCIE_ECAP_IMAGE_SIZE);
        dev->physical->size = data[0] & CUT ? data[2] + 1 :
                                              PCIE_ECAP_IMAGE_SIZE;
        dev->physical->total = data[3] & 1 ? dev->physical->size : 0;
        /* It has other capabilities than its virtual functions */
        dev->physical->image[PCIE_ECAP_HEAD] = data[4];
    }
    check(dev);
    return 0;
}
