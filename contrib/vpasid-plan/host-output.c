/*
 * Output of host checks, QEMU's options and libvirt's elements
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "host-output.h"
#include "output.h"

/* Bus numbers of a machine, and the most that a root complex can use */
#define BUSES           256
#define BUSES_OF_COMPLEX    32
/*
 * The platform bus of the virt machine has 64 interrupt lines, of which an
 * arm-smmuv3 takes 4: QEMU refuses the next one ("Can not fit IRQ line").
 */
#define MAX_SMMUS       16

static const char *const signs[] = {
    [CHECK_GOOD] = "\u2714",
    [CHECK_BAD] = "\u2718",
    [CHECK_REFUSED] = "\u2718",
    [CHECK_UNKNOWN] = "?",
};

static const char *const words[] = {
    [CHECK_GOOD] = "yes",
    [CHECK_BAD] = "no",
    [CHECK_REFUSED] = "no",
    [CHECK_UNKNOWN] = "unknown",
};

void host_output_table(const char *title, const GPtrArray *checks,
                       GString *out)
{
    g_string_append_printf(out, "%s\n", title);
    for (unsigned i = 0; i < checks->len; i++) {
        const Check *check = g_ptr_array_index(checks, i);

        g_string_append_printf(out, "  %s %-17s ", signs[check->verdict],
                               check->name);
        output_text(check->found, out);
        g_string_append_c(out, '\n');
        if (check->remedy && check->verdict != CHECK_GOOD) {
            g_string_append_printf(out, "    %-17s -> %s\n", "",
                                   check->remedy);
        }
    }
}

void host_output_problems(const char *title, const GPtrArray *checks,
                          GString *out)
{
    for (unsigned i = 0; i < checks->len; i++) {
        const Check *check = g_ptr_array_index(checks, i);

        if (check->verdict != CHECK_GOOD) {
            g_string_append_printf(out, "vpasid-plan: %s: %s: ", title,
                                   check->name);
            output_text(check->found, out);
            g_string_append_printf(out, "%s%s\n", check->remedy ? "; " : "",
                                   check->remedy ?: "");
        }
    }
}

static void add_checks(const GPtrArray *checks, GString *out)
{
    g_string_append(out, "\"result\": ");
    output_json_string(words[check_worst(checks)], out);
    g_string_append(out, ", \"checks\": [");
    for (unsigned i = 0; i < checks->len; i++) {
        const Check *check = g_ptr_array_index(checks, i);

        g_string_append(out, i ? ", {\"name\": " : "{\"name\": ");
        output_json_string(check->name, out);
        g_string_append(out, ", \"result\": ");
        output_json_string(words[check->verdict], out);
        g_string_append(out, ", \"found\": ");
        output_json_string(check->found, out);
        g_string_append(out, ", \"remedy\": ");
        if (check->remedy) {
            output_json_string(check->remedy, out);
        } else {
            g_string_append(out, "null");
        }
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, ']');
}

void host_output_json(const GPtrArray *host, const GPtrArray *devices,
                      GString *out)
{
    g_string_append(out, "{\"host\": {");
    add_checks(host, out);
    g_string_append(out, "},\n \"devices\": [");
    for (unsigned i = 0; i < devices->len; i++) {
        const HostDevice *device = g_ptr_array_index(devices, i);

        g_string_append(out, i ? ",\n  {\"device\": " : "\n  {\"device\": ");
        output_json_string(device->plan->dev->name, out);
        g_string_append(out, ", ");
        add_checks(device->checks, out);
        g_string_append_c(out, '}');
    }
    g_string_append(out, "]}\n");
}

/* A host SMMU with devices behind it */
typedef struct Smmu {
    GPtrArray *devices;
    unsigned width;         /* widest PASID of a device, 0 if not known */
} Smmu;

static void smmu_free(void *data)
{
    Smmu *smmu = data;

    g_ptr_array_unref(smmu->devices);
    g_free(smmu);
}

/* The host SMMUs, in the order of their first devices */
static GPtrArray *smmus_of(const GPtrArray *devices)
{
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *smmus = g_ptr_array_new_with_free_func(smmu_free);

    for (unsigned i = 0; i < devices->len; i++) {
        HostDevice *device = g_ptr_array_index(devices, i);
        Smmu *smmu = g_hash_table_lookup(known, device->smmu);

        if (!smmu) {
            smmu = g_new0(Smmu, 1);
            smmu->devices = g_ptr_array_new();
            g_ptr_array_add(smmus, smmu);
            g_hash_table_insert(known, device->smmu, smmu);
        }
        g_ptr_array_add(smmu->devices, device);
        smmu->width = MAX(smmu->width, device->probe.pasid_width);
    }
    return smmus;
}

/* The first bus number of the root complex of an SMMU */
static unsigned first_bus(const GPtrArray *smmus, unsigned index)
{
    return (index + 1) * MIN(BUSES_OF_COMPLEX, BUSES / (smmus->len + 1));
}

bool host_output_fits(const GPtrArray *devices, GString *problem)
{
    g_autoptr(GPtrArray) smmus = smmus_of(devices);
    /* A complex has a bus itself, and one behind the port of each device */
    unsigned room = first_bus(smmus, 0) - 1;

    if (smmus->len > MAX_SMMUS) {
        g_string_append_printf(problem, "vpasid-plan: the devices are behind "
                               "%u SMMUs of the host, and QEMU's virt machine "
                               "has interrupts for %u; leave some to another "
                               "guest\n", smmus->len, MAX_SMMUS);
        return false;
    }
    for (unsigned i = 0; i < smmus->len; i++) {
        const Smmu *smmu = g_ptr_array_index(smmus, i);
        const HostDevice *device = g_ptr_array_index(smmu->devices, 0);

        if (smmu->devices->len > room) {
            g_string_append_printf(problem, "vpasid-plan: %u devices are "
                                   "behind %s, and with %u SMMUs a root "
                                   "complex of the guest has room for %u; "
                                   "leave some to another guest\n",
                                   smmu->devices->len, device->smmu,
                                   smmus->len, room);
            return false;
        }
    }
    return true;
}

void host_output_args(const GPtrArray *devices, GString *out)
{
    g_autoptr(GPtrArray) smmus = smmus_of(devices);
    unsigned port = 0;

    /* The device that QEMU adds by itself would be behind the SMMU */
    g_string_append(out, smmus->len == 1 ? "-nic none\n" : "");
    g_string_append(out, "-object iommufd,id=iommufd0\n");
    for (unsigned i = 0; i < smmus->len; i++) {
        const Smmu *smmu = g_ptr_array_index(smmus, i);
        g_autofree char *bus = smmus->len == 1 ? g_strdup("pcie.0") :
            g_strdup_printf("complex%u", i);

        if (smmus->len > 1) {
            g_string_append_printf(out, "-device pxb-pcie,id=%s,bus=pcie.0,"
                                   "bus_nr=%u\n", bus,
                                   first_bus(smmus, i));
        }
        g_string_append_printf(out, "-device arm-smmuv3,id=smmu%u,"
                               "primary-bus=%s,accel=on", i, bus);
        if (smmu->width) {
            g_string_append_printf(out, ",ssidsize=%u", smmu->width);
        } else {
            g_string_append(out, ",ssidsize=auto");
        }
        g_string_append_c(out, '\n');
        for (unsigned j = 0; j < smmu->devices->len; j++) {
            const HostDevice *device = g_ptr_array_index(smmu->devices, j);

            g_string_append_printf(out, "-device pcie-root-port,id=port%u,"
                                   "bus=%s,chassis=%u\n", port, bus,
                                   port + 1);
            g_string_append_printf(out, "-device vfio-pci,id=hostdev%u,"
                                   "host=%s,iommufd=iommufd0,bus=port%u\n",
                                   port, device->plan->dev->name, port);
            port++;
        }
    }
}

/* One device, behind the port with an index */
static void add_hostdev(const Device *dev, unsigned port, GString *out)
{
    unsigned domain, bus, slot, function;

    if (sscanf(dev->name, "%x:%x:%x.%x", &domain, &bus, &slot,
               &function) != 4) {
        return;
    }
    g_string_append_printf(out,
        "  <hostdev mode='subsystem' type='pci' managed='yes'>\n"
        "    <source>\n"
        "      <address domain='0x%04x' bus='0x%02x' slot='0x%02x' "
        "function='0x%x'/>\n"
        "    </source>\n"
        "    <address type='pci' domain='0x0000' bus='0x%02x' slot='0x00' "
        "function='0x0'/>\n"
        "  </hostdev>\n", domain, bus, slot, function, port);
}

/*
 * libvirt puts its own controllers on the first root complex. Behind an
 * accelerated SMMUv3 they work, but slow its invalidations down: each SMMU gets
 * a complex of its own.
 */
void host_output_xml(const GPtrArray *devices, GString *out)
{
    g_autoptr(GPtrArray) smmus = smmus_of(devices);
    unsigned index = 1;

    g_string_append(out, "<iommufd enabled='yes'/>\n<devices>\n");
    for (unsigned i = 0; i < smmus->len; i++) {
        const Smmu *smmu = g_ptr_array_index(smmus, i);
        unsigned complex = index++, slot = 0;

        g_string_append_printf(out,
            "  <controller type='pci' index='%u' model='pcie-expander-bus'>\n"
            "    <target busNr='%u'/>\n"
            "  </controller>\n"
            "  <iommu model='smmuv3'>\n"
            "    <driver pciBus='%u' accel='on'", complex,
            first_bus(smmus, i), complex);
        if (smmu->width) {
            g_string_append_printf(out, " ssidsize='%u'", smmu->width);
        }
        g_string_append(out, "/>\n  </iommu>\n");
        for (unsigned j = 0; j < smmu->devices->len; j++) {
            const HostDevice *device = g_ptr_array_index(smmu->devices, j);

            g_string_append_printf(out,
                "  <controller type='pci' index='%u' model='pcie-root-port'>\n"
                "    <address type='pci' domain='0x0000' bus='0x%02x' "
                "slot='0x%02x' function='0x0'/>\n"
                "  </controller>\n", index, complex, slot++);
            add_hostdev(device->plan->dev, index++, out);
        }
    }
    g_string_append(out, "</devices>\n");
}
