/*
 * vpasid-plan: tell where a guest's PASID capability would go
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "dump.h"
#include "output.h"
#include "sysfs.h"

/* Exit statuses; the worst one counts */
enum {
    STATUS_FINE = 0,
    STATUS_NO_PLACE = 1,
    STATUS_BAD_INPUT = 2,
};

typedef struct Options {
    char *dump;
    char *sysfs;
    char **names;
    gboolean map;
    gboolean json;
} Options;

static bool parse_options(int *argc, char ***argv, Options *opts,
                          GError **error)
{
    const GOptionEntry entries[] = {
        { "file", 'F', 0, G_OPTION_ARG_FILENAME, &opts->dump,
          "Read what \"lspci -xxxx\" printed, not the host", "DUMP" },
        { "map", 'm', 0, G_OPTION_ARG_NONE, &opts->map,
          "Draw configuration space", NULL },
        { "json", 'j', 0, G_OPTION_ARG_NONE, &opts->json,
          "Print a JSON array", NULL },
        { "sysfs", 0, 0, G_OPTION_ARG_FILENAME, &opts->sysfs,
          "Where the devices of the host are (" SYSFS_PCI_DEVICES ")",
          "DIRECTORY" },
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &opts->names,
          NULL, "[BDF...]" },
        { NULL }
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_option_context_set_summary(context, "Tells for each device whether it "
        "has PASID, and where QEMU would put\nthe PASID capability of a guest "
        "that gets the device.");
    g_option_context_set_description(context, "Exit status: 0 if every device "
        "with PASID has a place, 1 if one has none or Linux\ndoes not enable "
        "its PASID, 2 if something could not be read. Reading the host's\n"
        "devices needs root.\n");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, error)) {
        return false;
    }
    if (opts->map && opts->json) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--map and --json exclude each other");
        return false;
    }
    if (opts->dump && opts->sysfs) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--file and --sysfs exclude each other");
        return false;
    }
    return true;
}

/* Puts the device with this name, out of @all, at the end of @chosen */
static bool choose(const char *name, GPtrArray *all, GPtrArray *chosen)
{
    for (unsigned i = 0; i < all->len; i++) {
        Device *dev = g_ptr_array_index(all, i);

        if (!strcmp(dev->name, name)) {
            g_ptr_array_add(chosen, g_ptr_array_steal_index(all, i));
            return true;
        }
    }
    return false;
}

static bool read_named(const Options *opts, GPtrArray *devices,
                       GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(device_free);
    const char *root = opts->sysfs ?: SYSFS_PCI_DEVICES;

    if (opts->dump && !dump_read(opts->dump, all, error)) {
        return false;
    }
    for (char **arg = opts->names; *arg; arg++) {
        g_autofree char *name = device_parse_name(*arg);

        if (!name) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "%s is not the address of a device; it has to be like "
                        "0000:01:00.0 or 01:00.0", *arg);
            return false;
        }
        if (!opts->dump) {
            if (!sysfs_read_device(root, name, devices, error)) {
                return false;
            }
        } else if (!choose(name, all, devices)) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "%s: there is no device %s in it", opts->dump, name);
            return false;
        }
    }
    return true;
}

static bool read_devices(const Options *opts, GPtrArray *devices,
                         GError **error)
{
    if (opts->names) {
        return read_named(opts, devices, error);
    }
    if (opts->dump) {
        return dump_read(opts->dump, devices, error);
    }
    return sysfs_read_all(opts->sysfs ?: SYSFS_PCI_DEVICES, devices, error);
}

static int show(const Options *opts, const GPtrArray *devices, GString *out)
{
    int status = STATUS_FINE;

    if (opts->json) {
        g_string_append_c(out, '[');
    }
    for (unsigned i = 0; i < devices->len; i++) {
        const Device *dev = g_ptr_array_index(devices, i);
        g_autoptr(Plan) plan = plan_new(dev);

        if (opts->json) {
            g_string_append(out, i ? ",\n " : "");
            output_json(plan, out);
        } else if (opts->map) {
            g_string_append(out, i ? "\n" : "");
            output_map(plan, out);
        } else {
            output_line(plan, out);
        }
        if (plan->result == PLAN_UNKNOWN) {
            g_printerr("vpasid-plan: %s: %s: %s\n", dev->source, dev->name,
                       plan->reason);
            status = STATUS_BAD_INPUT;
        } else if (plan->result != PLAN_FINE) {
            status = MAX(status, STATUS_NO_PLACE);
        }
    }
    if (opts->json) {
        g_string_append(out, "]\n");
    }
    return status;
}

int main(int argc, char **argv)
{
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(device_free);
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    Options opts = { 0 };
    int status = STATUS_BAD_INPUT;

    if (!parse_options(&argc, &argv, &opts, &error) ||
        !read_devices(&opts, devices, &error)) {
        g_printerr("vpasid-plan: %s\n", error->message);
    } else {
        status = show(&opts, devices, out);
        if (fputs(out->str, stdout) < 0 || fflush(stdout)) {
            g_printerr("vpasid-plan: cannot write: %s\n", g_strerror(errno));
            status = STATUS_BAD_INPUT;
        }
    }
    g_free(opts.dump);
    g_free(opts.sysfs);
    g_strfreev(opts.names);
    return status;
}
