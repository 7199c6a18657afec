/*
 * Output of plans as lines and as JSON
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "output.h"

void output_line(const Plan *plan, GString *out)
{
    const Device *dev = plan->dev;

    g_string_append_printf(out, "%s %04x:%04x pasid=%s width=%u exec=%d "
                           "priv=%d ", dev->name, dev->vendor, dev->device,
                           plan->result == PLAN_UNKNOWN ? "unknown" :
                           plan->has_pasid ? "yes" : "no",
                           plan->pasid.width, plan->pasid.exec,
                           plan->pasid.priv);
    if (plan->choice.step) {
        g_string_append_printf(out, "offset=0x%x", plan->choice.offset);
    } else {
        g_string_append(out, "offset=-");
    }
    g_string_append_printf(out, " step=%s reason=%s\n",
                           plan_step_name(plan->choice.step),
                           plan->reason);
}

void output_text(const char *text, GString *out)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);

    for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        if (g_unichar_isprint(c)) {
            g_string_append_unichar(out, c);
        } else {
            g_string_append_printf(out, c > 0xff ? "\\u%04x" : "\\x%02x", c);
        }
    }
}

void output_json_string(const char *text, GString *out)
{
    /* Names in sysfs may have any bytes */
    g_autofree char *valid = g_utf8_make_valid(text, -1);

    g_string_append_c(out, '"');
    for (const char *p = valid; *p; p++) {
        if (*p == '"' || *p == '\\') {
            g_string_append_c(out, '\\');
            g_string_append_c(out, *p);
        } else if (g_ascii_iscntrl(*p)) {
            g_string_append_printf(out, "\\u%04x", *p);
        } else {
            g_string_append_c(out, *p);
        }
    }
    g_string_append_c(out, '"');
}

static void add_string(GString *out, const char *name, const char *value)
{
    g_string_append_printf(out, "\"%s\": ", name);
    output_json_string(value, out);
}

static void add_bool(GString *out, const char *name, bool value)
{
    g_string_append_printf(out, "\"%s\": %s", name, value ? "true" : "false");
}

static void add_number(GString *out, const char *name, unsigned value)
{
    g_string_append_printf(out, "\"%s\": %u", name, value);
}

static void separate(GString *out)
{
    g_string_append(out, ", ");
}

static void add_extent(const Plan *plan, const PCIEEcapExtent *ext,
                       GString *out)
{
    g_string_append_c(out, '{');
    add_number(out, "id", ext->id);
    separate(out);
    add_string(out, "name", pcie_ecap_name(ext->id));
    separate(out);
    add_number(out, "version", ext->version);
    separate(out);
    add_number(out, "offset", ext->offset);
    separate(out);
    add_number(out, "size", ext->size);
    separate(out);
    add_bool(out, "size-known", ext->sized);
    separate(out);
    add_bool(out, "hidden", plan_hides(plan, ext));
    g_string_append_c(out, '}');
}

void output_json(const Plan *plan, GString *out)
{
    const Device *dev = plan->dev;
    g_autofree char *id = g_strdup_printf("%04x:%04x", dev->vendor,
                                          dev->device);

    g_string_append_c(out, '{');
    add_string(out, "device", dev->name);
    separate(out);
    add_string(out, "id", id);
    separate(out);
    if (plan->result == PLAN_UNKNOWN) {
        g_string_append(out, "\"pasid\": null");
    } else {
        add_bool(out, "pasid", plan->has_pasid);
    }
    separate(out);
    add_number(out, "width", plan->pasid.width);
    separate(out);
    add_bool(out, "exec", plan->pasid.exec);
    separate(out);
    add_bool(out, "priv", plan->pasid.priv);
    separate(out);
    if (plan->choice.step) {
        add_number(out, "offset", plan->choice.offset);
    } else {
        g_string_append(out, "\"offset\": null");
    }
    separate(out);
    add_string(out, "step", plan_step_name(plan->choice.step));
    separate(out);
    add_string(out, "reason", plan->reason);
    separate(out);
    g_string_append(out, "\"capabilities\": [");
    for (unsigned i = 0; i < plan->own.count; i++) {
        if (i) {
            separate(out);
        }
        add_extent(plan, &plan->own.extents[i], out);
    }
    g_string_append(out, "]}");
}
