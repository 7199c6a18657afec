/*
 * PCI functions and their configuration space
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/pci/pcie_ecap_size.h"
#include "device.h"

#define MAX_BUS     0xff
#define MAX_SLOT    0x1f
#define MAX_FN      7

Device *device_new(const char *name, char *source)
{
    Device *dev = g_new0(Device, 1);

    dev->name = g_strdup(name);
    dev->source = source;
    return dev;
}

void device_free(void *data)
{
    Device *dev = data;

    if (dev) {
        device_free(dev->physical);
        g_free(dev->problem);
        g_free(dev->source);
        g_free(dev->name);
        g_free(dev);
    }
}

/* One to @digits hexadecimal digits at *@text, which moves behind them */
static bool take_hex(const char **text, unsigned digits, uint32_t *value)
{
    const char *start = *text;

    *value = 0;
    while (*text - start < digits && g_ascii_isxdigit(**text)) {
        *value = *value << 4 | g_ascii_xdigit_value(**text);
        (*text)++;
    }
    return *text != start;
}

static bool take_char(const char **text, char c)
{
    if (**text != c) {
        return false;
    }
    (*text)++;
    return true;
}

char *device_parse_name(const char *text)
{
    uint32_t domain = 0;
    uint32_t bus, slot, fn;

    if (!take_hex(&text, 8, &bus) || !take_char(&text, ':') ||
        !take_hex(&text, 2, &slot)) {
        return NULL;
    }
    if (take_char(&text, ':')) {
        domain = bus;
        bus = slot;
        if (!take_hex(&text, 2, &slot)) {
            return NULL;
        }
    }
    if (!take_char(&text, '.') || !take_hex(&text, 1, &fn) ||
        (*text && !g_ascii_isspace(*text)) ||
        bus > MAX_BUS || slot > MAX_SLOT || fn > MAX_FN) {
        return NULL;
    }
    return g_strdup_printf("%04x:%02x:%02x.%x", domain, bus, slot, fn);
}

bool device_is_express(const Device *dev)
{
    PCIEEcapFunction function;

    pcie_ecap_function(dev->image, &function);
    return function.exp_cap;
}

bool device_is_extended(const Device *dev)
{
    return dev->total > PCI_IMAGE_SIZE && dev->size >= dev->total &&
           device_is_express(dev);
}
