/*
 * vpasid-plan: tell where a guest's PASID capability would go, and whether
 * the host can give the device to such a guest
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "dump.h"
#include "host-output.h"
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
    gboolean host;
    gboolean args;
    gboolean xml;
    char *root;
} Options;

/* Is it about the host, not about places in configuration space? */
static bool asks_host(const Options *opts)
{
    return opts->host || opts->args || opts->xml;
}

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
        { "host", 0, 0, G_OPTION_ARG_NONE, &opts->host,
          "Check the host, and each device in it", NULL },
        { "args", 0, 0, G_OPTION_ARG_NONE, &opts->args,
          "Print QEMU's options for the devices", NULL },
        { "xml", 0, 0, G_OPTION_ARG_NONE, &opts->xml,
          "Print libvirt's elements for the devices", NULL },
        { "root", 0, 0, G_OPTION_ARG_FILENAME, &opts->root,
          "Where proc, sys, dev and boot of the host are (/)", "DIRECTORY" },
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
        "that gets the device. With --host, whether the host can do it, and "
        "what is\nmissing.");
    g_option_context_set_description(context, "Exit status: 0 if every device "
        "with PASID has a place, 1 if one has none or Linux\ndoes not enable "
        "its PASID, 2 if something could not be read. With --host: 0 if all\n"
        "is well, 1 if something is not, 2 if it could not be found out; so "
        "with --args\nand --xml, which say it on standard error, and print "
        "nothing for a device that\nno such guest can have. Reading the host's "
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
    if (!!opts->dump + !!opts->sysfs + !!opts->root > 1) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--file, --sysfs and --root exclude each other");
        return false;
    }
    if (opts->host + opts->args + opts->xml > 1) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--host, --args and --xml exclude each other");
        return false;
    }
    if (!asks_host(opts)) {
        return true;
    }
    if (opts->dump || opts->sysfs || opts->map ||
        (opts->json && !opts->host)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--host, --args and --xml look at the host: of the other "
                    "options, --root goes with them, and --json with --host");
        return false;
    }
    if (!opts->host && !opts->names) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--args and --xml need the addresses of the devices");
        return false;
    }
    return true;
}

/* Index of the device with this name, or -1 */
static int find_device(const GPtrArray *devices, const char *name)
{
    for (unsigned i = 0; i < devices->len; i++) {
        const Device *dev = g_ptr_array_index(devices, i);

        if (!strcmp(dev->name, name)) {
            return i;
        }
    }
    return -1;
}

static char *sysfs_folder(const Options *opts)
{
    return opts->sysfs ? g_strdup(opts->sysfs) :
        g_strconcat(opts->root ?: "", SYSFS_PCI_DEVICES, NULL);
}

static bool read_named(const Options *opts, GPtrArray *devices,
                       GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(device_free);
    g_autofree char *root = sysfs_folder(opts);

    if (opts->dump && !dump_read(opts->dump, all, error)) {
        return false;
    }
    for (char **arg = opts->names; *arg; arg++) {
        g_autofree char *name = device_parse_name(*arg);
        int at;

        if (!name) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "%s is not the address of a device; it has to be like "
                        "0000:01:00.0 or 01:00.0", *arg);
            return false;
        }
        if (find_device(devices, name) >= 0) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "%s is named twice", name);
            return false;
        }
        if (!opts->dump) {
            if (!sysfs_read_device(root, name, devices, error)) {
                return false;
            }
            continue;
        }
        at = find_device(all, name);
        if (at < 0) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "%s: there is no device %s in it", opts->dump, name);
            return false;
        }
        g_ptr_array_add(devices, g_ptr_array_steal_index(all, at));
    }
    return true;
}

static bool read_devices(const Options *opts, GPtrArray *devices,
                         GError **error)
{
    g_autofree char *root = sysfs_folder(opts);

    if (opts->names) {
        return read_named(opts, devices, error);
    }
    if (opts->dump) {
        return dump_read(opts->dump, devices, error);
    }
    return sysfs_read_all(root, devices, error);
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

/* A device that nobody named is shown if it has PASID, or may have it */
static bool is_shown(const Options *opts, const Plan *plan)
{
    return opts->names || plan->has_pasid || plan->result == PLAN_UNKNOWN;
}

/*
 * Says on standard error what --host does not find good. Returns true if no
 * options can be printed.
 */
static bool tell_problems(const GPtrArray *host, const GPtrArray *all)
{
    g_autoptr(GString) text = g_string_new(NULL);
    bool refused = check_worst(host) == CHECK_REFUSED;

    host_output_problems("host", host, text);
    for (unsigned i = 0; i < all->len; i++) {
        const HostDevice *device = g_ptr_array_index(all, i);

        host_output_problems(device->plan->dev->name, device->checks, text);
        refused |= check_worst(device->checks) == CHECK_REFUSED;
    }
    refused = refused || !host_output_fits(all, text);
    fputs(text->str, stderr);
    return refused;
}

static int show_host(const Options *opts, const GPtrArray *devices,
                     const char *problem, GString *out)
{
    g_autoptr(GPtrArray) plans =
        g_ptr_array_new_with_free_func((GDestroyNotify)plan_free);
    g_autoptr(GPtrArray) all =
        g_ptr_array_new_with_free_func(host_device_free);
    g_autoptr(GPtrArray) host = host_check(opts->root ?: "");
    CheckVerdict worst;

    for (unsigned i = 0; i < devices->len; i++) {
        Plan *plan = plan_new(g_ptr_array_index(devices, i));

        g_ptr_array_add(plans, plan);
        if (is_shown(opts, plan)) {
            g_ptr_array_add(all, host_device_new(opts->root ?: "", plan,
                                                 opts->xml));
        }
    }
    if (problem) {
        check_add(host, "devices", CHECK_BAD, "mount sysfs on /sys", "%s",
                  problem);
    } else if (!all->len) {
        check_add(host, "devices", CHECK_BAD, "name a device to see why",
                  "none of %u has PASID", devices->len);
    }
    worst = check_worst(host);
    for (unsigned i = 0; i < all->len; i++) {
        const HostDevice *device = g_ptr_array_index(all, i);

        worst = MAX(worst, check_worst(device->checks));
    }

    if (!opts->host && tell_problems(host, all)) {
        return STATUS_NO_PLACE;
    }
    if (opts->args) {
        host_output_args(all, out);
    } else if (opts->xml) {
        host_output_xml(all, out);
    } else if (opts->json) {
        host_output_json(host, all, out);
    } else {
        host_output_table("host", host, out);
        for (unsigned i = 0; i < all->len; i++) {
            const HostDevice *device = g_ptr_array_index(all, i);

            host_output_table(device->plan->dev->name, device->checks, out);
        }
    }
    return worst == CHECK_GOOD ? STATUS_FINE :
        worst == CHECK_UNKNOWN ? STATUS_BAD_INPUT : STATUS_NO_PLACE;
}

int main(int argc, char **argv)
{
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(device_free);
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    Options opts = { 0 };
    int status = STATUS_BAD_INPUT;

    if (!parse_options(&argc, &argv, &opts, &error) ||
        (!read_devices(&opts, devices, &error) &&
         (opts.names || !opts.host))) {
        g_printerr("vpasid-plan: %s\n", error->message);
    } else {
        status = asks_host(&opts) ?
            show_host(&opts, devices, error ? error->message : NULL, out) :
            show(&opts, devices, out);
        if (fputs(out->str, stdout) < 0 || fflush(stdout)) {
            g_printerr("vpasid-plan: cannot write: %s\n", g_strerror(errno));
            status = STATUS_BAD_INPUT;
        }
    }
    g_free(opts.dump);
    g_free(opts.sysfs);
    g_free(opts.root);
    g_strfreev(opts.names);
    return status;
}
