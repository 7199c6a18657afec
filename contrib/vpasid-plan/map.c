/*
 * Map of configuration space as text
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/pci/pcie_ecap.h"
#include "output.h"

/* A character stands for 4 bytes */
#define CELLS           (PCIE_ECAP_IMAGE_SIZE / PCIE_ECAP_ALIGN)
#define CELLS_PER_ROW   64
#define CELLS_PER_GROUP 16

/* Everything that is not a letter of a capability */
#define CELL_PCI        '-'
#define CELL_FREE       '.'
#define CELL_UNKNOWN    '?'
#define CELL_CHOSEN     '#'

/* Lists with more capabilities start over */
static char letter(unsigned index)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz";

    return letters[index % (sizeof(letters) - 1)];
}

static void fill(char *cells, uint32_t offset, uint32_t size, char c)
{
    uint32_t end = DIV_ROUND_UP(offset + size, PCIE_ECAP_ALIGN);

    for (uint32_t i = offset / PCIE_ECAP_ALIGN; i < end && i < CELLS; i++) {
        cells[i] = c;
    }
}

static void draw(const Plan *plan, char *cells)
{
    for (uint32_t i = 0; i < CELLS; i++) {
        uint32_t at = i * PCIE_ECAP_ALIGN;

        cells[i] = at < PCI_IMAGE_SIZE ? CELL_PCI :
                   pcie_ecap_get32(plan->shown, at) ? CELL_UNKNOWN : CELL_FREE;
    }
    for (unsigned i = 0; i < plan->own.count; i++) {
        const PCIEEcapExtent *ext = &plan->own.extents[i];

        fill(cells, ext->offset, ext->size, letter(i));
    }
    if (plan->choice.step) {
        fill(cells, plan->choice.offset, PCI_EXT_CAP_PASID_SIZEOF, CELL_CHOSEN);
    }
}

static void add_legend(const Plan *plan, GString *out)
{
    for (unsigned i = 0; i < plan->own.count; i++) {
        const PCIEEcapExtent *ext = &plan->own.extents[i];
        bool hidden = plan_hides(plan, ext);

        g_string_append_printf(out, "  %c  0x%03x-0x%03x  %s, ID 0x%x, "
                               "version %u%s%s\n", letter(i), ext->offset,
                               ext->offset + ext->size - 1,
                               pcie_ecap_name(ext->id), ext->id, ext->version,
                               ext->sized ? "" : ", size not known",
                               hidden ? ", hidden by VFIO" : "");
    }
    if (plan->choice.step) {
        g_string_append_printf(out, "  %c  0x%03x-0x%03x  the guest's PASID "
                               "(%s)\n", CELL_CHOSEN, plan->choice.offset,
                               plan->choice.offset +
                               PCI_EXT_CAP_PASID_SIZEOF - 1,
                               plan_step_name(plan->choice.step));
    }
    g_string_append_printf(out, "  %c  the first 256 bytes   %c  free   "
                           "%c  not zero, and in no capability\n",
                           CELL_PCI, CELL_FREE, CELL_UNKNOWN);
    if (plan->own.defects) {
        g_string_append(out, "  The list of the device");
        for (unsigned bit = 0; bit < 32; bit++) {
            uint32_t defect = plan->own.defects & (1u << bit);

            if (defect) {
                g_string_append_printf(out, " %s,",
                                       pcie_ecap_defect_name(defect));
            }
        }
        g_string_append_printf(out, " first at 0x%x\n", plan->own.bad_offset);
    }
}

void output_map(const Plan *plan, GString *out)
{
    char cells[CELLS];

    output_line(plan, out);
    if (!plan->extended) {
        return;
    }
    draw(plan, cells);
    for (unsigned i = 0; i < CELLS; i++) {
        if (i % CELLS_PER_ROW == 0) {
            g_string_append_printf(out, "  0x%03x ", i * PCIE_ECAP_ALIGN);
        }
        if (i % CELLS_PER_GROUP == 0) {
            g_string_append_c(out, ' ');
        }
        g_string_append_c(out, cells[i]);
        if (i % CELLS_PER_ROW == CELLS_PER_ROW - 1) {
            g_string_append_c(out, '\n');
        }
    }
    add_legend(plan, out);
}
