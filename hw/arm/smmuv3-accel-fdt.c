/*
 * Accelerated arm-smmuv3: nodes in the device tree of the guest
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*
 * The page of the host's message interrupts becomes a reserved-memory node. Its
 * iommu-addresses property (dt-schema, reserved-memory.yaml) lists the devices
 * for which the guest has to map the page to itself. Each of them needs a node,
 * and so do the bridges above and the empty slots of hot-plug ports. The guest
 * finds a node by slot and function, whatever number its bus has.
 */

#include "qemu/osdep.h"
#include "hw/arm/smmuv3-waits.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie_port.h"
#include "system/device_tree.h"
#include "smmuv3-accel.h"
#include "smmuv3-accel-fw.h"

/* PCI addresses (IEEE 1275 PCI bus binding): space in the first of 3 cells */
#define PCI_CELL_MEM32      0x02000000
#define PCI_CELL_DEVFN(fn)  ((fn) << 8)

#define RESERVED_MEMORY     "/reserved-memory"

/* Interrupt map: 4 slots, since the swizzle repeats, with 4 pins */
#define MAP_SLOTS           4
#define MAP_CELLS           9
#define MAP_PIN_MASK        7

typedef struct AccelFdt {
    void *fdt;
    uint32_t page;              /* phandle of the reserved page */
    GArray *addresses;          /* its iommu-addresses */
} AccelFdt;

static void cells_append(GArray *cells, const uint32_t *value, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t be = cpu_to_be32(value[i]);

        g_array_append_val(cells, be);
    }
}

static void cells_set(AccelFdt *f, const char *node, const char *property,
                      GArray *cells)
{
    qemu_fdt_setprop(f->fdt, node, property, cells->data,
                     cells->len * sizeof(uint32_t));
}

static char *fdt_add_function(AccelFdt *f, const char *parent, const char *type,
                              int devfn, uint32_t *phandle)
{
    char *node = PCI_FUNC(devfn) ?
                 g_strdup_printf("%s/%s@%x,%x", parent, type, PCI_SLOT(devfn),
                                 PCI_FUNC(devfn)) :
                 g_strdup_printf("%s/%s@%x", parent, type, PCI_SLOT(devfn));

    *phandle = qemu_fdt_alloc_phandle(f->fdt);
    qemu_fdt_add_subnode(f->fdt, node);
    qemu_fdt_setprop_cells(f->fdt, node, "reg", PCI_CELL_DEVFN(devfn), 0, 0, 0,
                           0);
    qemu_fdt_setprop_cell(f->fdt, node, "phandle", *phandle);
    return node;
}

static void fdt_add_endpoint(AccelFdt *f, const char *parent, PCIDevice *pdev,
                             int devfn)
{
    uint32_t phandle;
    g_autofree char *node = fdt_add_function(f, parent, "device", devfn,
                                             &phandle);
    const uint32_t address[] = {
        phandle, PCI_CELL_MEM32, 0, SMMUV3_ACCEL_MSI_BASE,
        0, SMMUV3_ACCEL_MSI_SIZE,
    };

    qemu_fdt_setprop_cell(f->fdt, node, "memory-region", f->page);
    /* Of devices with a node Linux does not know it by itself */
    if (pdev && smmuv3_accel_device_waits(pdev)) {
        qemu_fdt_setprop(f->fdt, node, SMMUV3_WAITS_PROPERTY, NULL, 0);
    }
    cells_append(f->addresses, address, ARRAY_SIZE(address));
}

/* A bridge that has a node needs an interrupt map (PCI bridge spec, 9.1) */
static void fdt_add_interrupt_map(AccelFdt *f, const char *node, int devfn,
                                  uint32_t parent)
{
    g_autoptr(GArray) map = g_array_new(false, false, sizeof(uint32_t));

    for (int slot = 0; slot < MAP_SLOTS; slot++) {
        for (int pin = 0; pin < PCI_NUM_PINS; pin++) {
            const uint32_t entry[MAP_CELLS] = {
                PCI_CELL_DEVFN(PCI_DEVFN(slot, 0)), 0, 0, pin + 1,
                parent, PCI_CELL_DEVFN(devfn), 0, 0,
                (slot + pin) % PCI_NUM_PINS + 1,
            };

            cells_append(map, entry, MAP_CELLS);
        }
    }
    qemu_fdt_setprop_cell(f->fdt, node, "#interrupt-cells", 1);
    qemu_fdt_setprop_cells(f->fdt, node, "interrupt-map-mask",
                           PCI_CELL_DEVFN(PCI_DEVFN(MAP_SLOTS - 1, 0)), 0, 0,
                           MAP_PIN_MASK);
    cells_set(f, node, "interrupt-map", map);
}

static void fdt_add_bus(AccelFdt *f, PCIBus *bus, const char *parent,
                        uint32_t parent_phandle);

static void fdt_add_bridge(AccelFdt *f, PCIDevice *pdev, const char *parent,
                           uint32_t parent_phandle)
{
    uint32_t phandle;
    g_autofree char *node = fdt_add_function(f, parent, "pci", pdev->devfn,
                                             &phandle);

    qemu_fdt_setprop_string(f->fdt, node, "device_type", "pci");
    qemu_fdt_setprop_cell(f->fdt, node, "#address-cells", 3);
    qemu_fdt_setprop_cell(f->fdt, node, "#size-cells", 2);
    qemu_fdt_setprop(f->fdt, node, "ranges", NULL, 0);
    fdt_add_interrupt_map(f, node, pdev->devfn, parent_phandle);
    fdt_add_bus(f, pci_bridge_get_sec_bus(PCI_BRIDGE(pdev)), node, phandle);
}

static void fdt_add_bus(AccelFdt *f, PCIBus *bus, const char *parent,
                        uint32_t parent_phandle)
{
    bool slot = bus->parent_dev &&
                object_dynamic_cast(OBJECT(bus->parent_dev), TYPE_PCIE_SLOT);

    for (int devfn = 0; devfn < ARRAY_SIZE(bus->devices); devfn++) {
        PCIDevice *pdev = bus->devices[devfn];

        if (pdev && IS_PCI_BRIDGE(pdev)) {
            /* No passed-through device can be behind a conventional bus */
            if (pci_bus_is_express(pci_bridge_get_sec_bus(PCI_BRIDGE(pdev)))) {
                fdt_add_bridge(f, pdev, parent, parent_phandle);
            }
        } else if (pdev ? PCI_DEVICE_GET_CLASS(pdev)->class_id !=
                          PCI_CLASS_BRIDGE_HOST : slot && devfn == 0) {
            fdt_add_endpoint(f, parent, pdev, devfn);
        }
    }
}

void smmuv3_accel_fdt_add(void *fdt, PCIBus *bus, const char *host_node)
{
    g_autofree char *page = g_strdup_printf(RESERVED_MEMORY "/msi@%x",
                                            SMMUV3_ACCEL_MSI_BASE);
    AccelFdt f = { .fdt = fdt };
    uint32_t host;

    if (smmuv3_accel_any_ats()) {
        qemu_fdt_setprop(fdt, host_node, "ats-supported", NULL, 0);
    }
    if (!smmuv3_accel_on_bus(bus)) {
        return;
    }
    f.addresses = g_array_new(false, false, sizeof(uint32_t));
    f.page = qemu_fdt_alloc_phandle(fdt);
    host = qemu_fdt_alloc_phandle(fdt);
    qemu_fdt_setprop_cell(fdt, host_node, "phandle", host);
    fdt_add_bus(&f, bus, host_node, host);

    if (f.addresses->len) {
        qemu_fdt_add_subnode(fdt, RESERVED_MEMORY);
        qemu_fdt_setprop_cell(fdt, RESERVED_MEMORY, "#address-cells", 2);
        qemu_fdt_setprop_cell(fdt, RESERVED_MEMORY, "#size-cells", 2);
        qemu_fdt_setprop(fdt, RESERVED_MEMORY, "ranges", NULL, 0);
        qemu_fdt_add_subnode(fdt, page);
        qemu_fdt_setprop_sized_cells(fdt, page, "reg",
                                     2, (uint64_t)SMMUV3_ACCEL_MSI_BASE,
                                     2, (uint64_t)SMMUV3_ACCEL_MSI_SIZE);
        /* It is not memory */
        qemu_fdt_setprop(fdt, page, "no-map", NULL, 0);
        qemu_fdt_setprop_cell(fdt, page, "phandle", f.page);
        cells_set(&f, page, "iommu-addresses", f.addresses);
    }
    g_array_unref(f.addresses);
}
