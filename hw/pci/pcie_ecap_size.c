/*
 * Sizes of PCI Express extended capabilities
 *
 * Section numbers without a name are those of PCIe 6.2. They stand beside the
 * rows of the table at the end.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/pci/pcie_ecap.h"
#include "pcie_ecap_size.h"

typedef uint32_t SizeFunction(const PCIEEcapFunction *function,
                              uint16_t offset);

/* Many a capability has its first register right behind the header */
#define REG1    0x04
#define REG2    0x08

/* The 256 bytes of PCI and the PCI Express capability in them (7.5.1, 7.5.3) */
enum {
    PCI_STATUS_REG = 0x06,
    PCI_STATUS_HAS_LIST = 1 << 4,
    PCI_LIST_HEAD = 0x34,
    PCI_FIRST_CAP = 0x40,
    PCI_SPACE_SIZE = 0x100,
    PCI_CAP_SHORTEST = 4,
    PCI_CAP_ID_PCIE = 0x10,
    PCIE_FLAGS = 0x02,
    PCIE_LINK_CAP = 0x0c,
    PCIE_DEVICE_CAP2 = 0x24,
};

enum {
    PORT_TYPE_ROOT_PORT = 0x4,
    PORT_TYPE_UPSTREAM = 0x5,
    PORT_TYPE_DOWNSTREAM = 0x6,
    PORT_TYPE_EVENT_COLLECTOR = 0xa,
};

static uint32_t bits(uint32_t value, unsigned high, unsigned low)
{
    return (value >> low) & ((1u << (high - low + 1)) - 1);
}

uint32_t pcie_ecap_get32(const uint8_t *image, uint32_t offset)
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < 4 && offset + i < PCIE_ECAP_IMAGE_SIZE; i++) {
        value |= (uint32_t)image[offset + i] << (8 * i);
    }
    return value;
}

static uint32_t reg32(const PCIEEcapFunction *function, uint32_t offset)
{
    return pcie_ecap_get32(function->image, offset);
}

void pcie_ecap_function(const uint8_t *image, PCIEEcapFunction *function)
{
    uint16_t pos = 0;

    memset(function, 0, sizeof(*function));
    function->image = image;

    if (image[PCI_STATUS_REG] & PCI_STATUS_HAS_LIST) {
        pos = image[PCI_LIST_HEAD] & ~3;
    }
    /* No list has more elements than there is room for: it ends */
    for (int i = 0; i < PCI_SPACE_SIZE / PCI_CAP_SHORTEST; i++) {
        if (pos < PCI_FIRST_CAP) {
            return;
        }
        if (image[pos] == PCI_CAP_ID_PCIE) {
            uint32_t flags = reg32(function, pos) >> (8 * PCIE_FLAGS);
            uint32_t link = reg32(function, pos + PCIE_LINK_CAP);
            uint32_t cap2 = reg32(function, pos + PCIE_DEVICE_CAP2);

            /* The registers of a whole capability end before 0x100 */
            if (pos + PCIE_LINK_CAP >= PCI_SPACE_SIZE) {
                return;
            }
            function->port_type = bits(flags, 7, 4);
            function->flit = bits(flags, 15, 15);
            function->lanes = bits(link, 9, 4);
            /* Device Capabilities 2 came with version 2 */
            function->ee_prefix = bits(flags, 3, 0) >= 2 &&
                                  pos + PCIE_DEVICE_CAP2 < PCI_SPACE_SIZE &&
                                  bits(cap2, 21, 21);
            return;
        }
        pos = image[pos + 1] & ~3;
    }
}

/* The last registers exist only where they have a use (7.8.4) */
static uint32_t size_aer(const PCIEEcapFunction *function, uint16_t offset)
{
    if (function->flit) {
        return 0x60;
    }
    if (function->ee_prefix) {
        return 0x48;
    }
    if (function->port_type == PORT_TYPE_ROOT_PORT ||
        function->port_type == PORT_TYPE_EVENT_COLLECTOR) {
        return 0x38;
    }
    return 0x2c;
}

/* Bytes of an arbitration table, from the schemes that are supported */
static uint32_t arbitration_bytes(uint32_t schemes, unsigned entry_bits)
{
    unsigned phases = 0;

    if (schemes & (1 << 1)) {
        phases = 32;
    }
    if (schemes & (1 << 2)) {
        phases = 64;
    }
    if (schemes & (1 << 3 | 1 << 4)) {
        phases = 128;
    }
    if (schemes & (1 << 5)) {
        phases = 256;
    }
    return phases * entry_bits / 8;
}

/* The two kinds of VC and MFVC have the same form (7.9.1, 7.9.2) */
static uint32_t size_vc(const PCIEEcapFunction *function, uint16_t offset)
{
    enum {
        RESOURCE = 0x10,
        RESOURCE_SIZE = 0x0c,
        TABLE_UNIT = 16,
        VC_PHASE_BITS = 4,
    };
    uint32_t cap1 = reg32(function, offset + REG1);
    uint32_t cap2 = reg32(function, offset + REG2);
    unsigned count = bits(cap1, 2, 0) + 1;
    unsigned entry_bits = 1 << bits(cap1, 11, 10);
    uint32_t size = RESOURCE + count * RESOURCE_SIZE;
    uint32_t table = bits(cap2, 31, 24) * TABLE_UNIT;

    if (table) {
        /* 256 phases are not among what this table can have */
        size = MAX(size, table + arbitration_bytes(bits(cap2, 3, 0),
                                                   VC_PHASE_BITS));
    }
    for (unsigned i = 0; i < count; i++) {
        uint32_t cap = reg32(function, offset + RESOURCE + i * RESOURCE_SIZE);

        table = bits(cap, 31, 24) * TABLE_UNIT;
        if (table) {
            size = MAX(size, table + arbitration_bytes(bits(cap, 5, 0),
                                                       entry_bits));
        }
    }
    return size;
}

static uint32_t size_rc_link(const PCIEEcapFunction *function, uint16_t offset)
{
    return 0x10 + bits(reg32(function, offset + REG1), 15, 8) * 0x10;
}

/* The bus numbers came with version 2 */
static uint32_t size_rcec(const PCIEEcapFunction *function, uint16_t offset)
{
    return bits(reg32(function, offset), 19, 16) >= 2 ? 0x0c : 0x08;
}

/* A length that leaves no room for the capability's own header is nonsense */
static uint32_t size_vsec(const PCIEEcapFunction *function, uint16_t offset)
{
    uint32_t length = bits(reg32(function, offset + REG1), 31, 20);

    return length >= 0x08 ? length : 0;
}

static uint32_t size_dvsec(const PCIEEcapFunction *function, uint16_t offset)
{
    uint32_t length = bits(reg32(function, offset + REG1), 31, 20);

    return length >= 0x0a ? length : 0;
}

static uint32_t size_acs(const PCIEEcapFunction *function, uint16_t offset)
{
    uint32_t cap = reg32(function, offset + REG1);
    unsigned vector_bits = bits(cap, 15, 8);

    if (!(cap & (1 << 5))) {
        return 0x08;
    }
    return 0x08 + DIV_ROUND_UP(vector_bits ? vector_bits : 256, 32) * 4;
}

/* The overlay BAR is for ports */
static uint32_t size_multicast(const PCIEEcapFunction *function,
                               uint16_t offset)
{
    return function->port_type >= PORT_TYPE_ROOT_PORT &&
           function->port_type <= PORT_TYPE_DOWNSTREAM ? 0x30 : 0x28;
}

static uint32_t size_rebar(const PCIEEcapFunction *function, uint16_t offset)
{
    unsigned count = bits(reg32(function, offset + REG2), 7, 5);

    return count >= 1 && count <= 6 ? 0x04 + count * 8 : 0;
}

static uint32_t size_dpa(const PCIEEcapFunction *function, uint16_t offset)
{
    return 0x10 + bits(reg32(function, offset + REG1), 4, 0) + 1;
}

static uint32_t size_tph(const PCIEEcapFunction *function, uint16_t offset)
{
    enum { LOCATION_HERE = 1 };
    uint32_t cap = reg32(function, offset + REG1);

    if (bits(cap, 10, 9) != LOCATION_HERE) {
        return 0x0c;
    }
    return 0x0c + (bits(cap, 26, 16) + 1) * 2;
}

/* @per_lane bytes for each lane behind @base bytes of registers */
static uint32_t size_lanes(const PCIEEcapFunction *function, uint32_t base,
                           unsigned per_lane)
{
    return function->lanes ? base + function->lanes * per_lane : 0;
}

static uint32_t size_secondary(const PCIEEcapFunction *function,
                               uint16_t offset)
{
    return size_lanes(function, 0x0c, 2);
}

/* 16.0, 32.0 and 64.0 GT/s have the same form */
static uint32_t size_physical_layer(const PCIEEcapFunction *function,
                                    uint16_t offset)
{
    return size_lanes(function, 0x20, 1);
}

static uint32_t size_margining(const PCIEEcapFunction *function,
                               uint16_t offset)
{
    return size_lanes(function, 0x08, 4);
}

static uint32_t size_pmux(const PCIEEcapFunction *function, uint16_t offset)
{
    return 0x10 + bits(reg32(function, offset + REG1), 5, 0) * 4;
}

static uint32_t size_dpc(const PCIEEcapFunction *function, uint16_t offset)
{
    uint32_t cap = reg32(function, offset + REG1);

    if (!(cap & (1 << 5))) {
        return 0x0c;
    }
    /* Bit 13 came later and extends the log size to 5 bits */
    return 0x20 + (bits(cap, 11, 8) | bits(cap, 13, 13) << 4) * 4;
}

static uint32_t size_l1ss(const PCIEEcapFunction *function, uint16_t offset)
{
    return bits(reg32(function, offset), 19, 16) >= 2 ? 0x14 : 0x10;
}

static uint32_t size_alternate(const PCIEEcapFunction *function,
                               uint16_t offset)
{
    return reg32(function, offset + REG1) & (1 << 8) ? 0x18 : 0x14;
}

static uint32_t size_ide(const PCIEEcapFunction *function, uint16_t offset)
{
    enum {
        HAS_LINK = 1 << 0,
        HAS_SELECTIVE = 1 << 1,
        LINK_BLOCK = 8,
        SELECTIVE_BLOCK = 20,
        ADDRESS_BLOCK = 12,
    };
    uint32_t cap = reg32(function, offset + REG1);
    uint32_t size = 0x0c;

    if (cap & HAS_LINK) {
        size += (bits(cap, 15, 13) + 1) * LINK_BLOCK;
    }
    if (cap & HAS_SELECTIVE) {
        for (unsigned i = 0; i <= bits(cap, 23, 16); i++) {
            uint32_t stream = reg32(function, offset + size);

            size += SELECTIVE_BLOCK + bits(stream, 3, 0) * ADDRESS_BLOCK;
        }
    }
    return size;
}

static uint32_t size_svc(const PCIEEcapFunction *function, uint16_t offset)
{
    return 0x10 + (bits(reg32(function, offset + REG1), 2, 0) + 1) * 0x0c;
}

/*
 * One row for each ID: the highest version known, the size if it is fixed,
 * else the function that computes it. With neither the size is not known,
 * and neither is that of a version above the one known: such a capability
 * counts as reaching to the next one.
 */
static const struct {
    uint16_t id;
    uint8_t version;
    uint8_t fixed;
    SizeFunction *compute;
    const char *name;
} table[] = {
    { 0x00, 15, 0x04, NULL, "Null" },                              /* 7.9.28 */
    { 0x01, 3, 0, size_aer, "Advanced Error Reporting" },           /* 7.8.4 */
    { 0x02, 1, 0, size_vc, "Virtual Channel" },                     /* 7.9.1 */
    { 0x03, 1, 0x0c, NULL, "Device Serial Number" },                /* 7.9.3 */
    { 0x04, 1, 0x10, NULL, "Power Budgeting" },                     /* 7.8.1 */
    { 0x05, 1, 0, size_rc_link, "Root Complex Link Declaration" },  /* 7.9.8 */
    { 0x06, 1, 0x0c, NULL, "Root Complex Internal Link Control" },  /* 7.9.9 */
    { 0x07, 2, 0, size_rcec, "Root Complex Event Collector" },     /* 7.9.10 */
    { 0x08, 1, 0, size_vc, "Multi-Function Virtual Channel" },      /* 7.9.2 */
    { 0x09, 1, 0, size_vc, "Virtual Channel with MFVC" },           /* 7.9.1 */
    { 0x0a, 1, 0x14, NULL, "RCRB Header" },                         /* 7.9.7 */
    { 0x0b, 15, 0, size_vsec, "Vendor-Specific" },                  /* 7.9.5 */
    /* Obsolete; was in the PCI-SIG's Trusted Configuration Space */
    { 0x0c, 0, 0, NULL, "Configuration Access Correlation" },
    { 0x0d, 1, 0, size_acs, "Access Control Services" },           /* 7.7.11 */
    { 0x0e, 1, 0x08, NULL, "Alternative Routing-ID" },              /* 7.8.7 */
    { 0x0f, 1, 0x08, NULL, "Address Translation Services" },       /* 10.5.1 */
    { 0x10, 1, 0x40, NULL, "SR-IOV" },                              /* 9.3.3 */
    /* In a specification of its own */
    { 0x11, 0, 0, NULL, "MR-IOV" },
    { 0x12, 1, 0, size_multicast, "Multicast" },                   /* 7.9.11 */
    { 0x13, 1, 0x10, NULL, "Page Request Interface" },             /* 10.5.2 */
    /* Never given a meaning in a public specification */
    { 0x14, 0, 0, NULL, "reserved for AMD" },
    { 0x15, 1, 0, size_rebar, "Resizable BAR" },                    /* 7.8.6 */
    { 0x16, 1, 0, size_dpa, "Dynamic Power Allocation" },          /* 7.9.12 */
    { 0x17, 1, 0, size_tph, "TPH Requester" },                     /* 7.9.13 */
    { 0x18, 1, 0x08, NULL, "Latency Tolerance Reporting" },         /* 7.8.2 */
    { 0x19, 1, 0, size_secondary, "Secondary PCI Express" },        /* 7.7.3 */
    /* PCIe 5.0, appendix G */
    { 0x1a, 1, 0, size_pmux, "Protocol Multiplexing" },
    { 0x1b, 1, 0x08, NULL, "PASID" },                               /* 7.8.8 */
    /* PCIe 5.0, 7.9.14 */
    { 0x1c, 1, 0x08, NULL, "LN Requester" },
    { 0x1d, 1, 0, size_dpc, "Downstream Port Containment" },       /* 7.9.14 */
    { 0x1e, 2, 0, size_l1ss, "L1 PM Substates" },                   /* 7.8.3 */
    { 0x1f, 1, 0x0c, NULL, "Precision Time Measurement" },         /* 7.9.15 */
    /* PCIe 4.0, chapter 8; gone since */
    { 0x20, 0, 0, NULL, "PCI Express over M-PHY" },
    { 0x21, 1, 0x10, NULL, "FRS Queueing" },                        /* 7.8.9 */
    { 0x22, 1, 0x0c, NULL, "Readiness Time Reporting" },           /* 7.9.16 */
    { 0x23, 15, 0, size_dvsec, "Designated Vendor-Specific" },      /* 7.9.6 */
    { 0x24, 1, 0, size_rebar, "VF Resizable BAR" },                 /* 9.3.7 */
    { 0x25, 1, 0x0c, NULL, "Data Link Feature" },                   /* 7.7.4 */
    { 0x26, 1, 0, size_physical_layer, "Physical Layer 16.0 GT/s" },/* 7.7.5 */
    { 0x27, 1, 0, size_margining, "Lane Margining" },              /* 7.7.10 */
    { 0x28, 1, 0x20, NULL, "Hierarchy ID" },                       /* 7.9.17 */
    { 0x29, 1, 0x10, NULL, "Native PCIe Enclosure Management" },   /* 7.9.19 */
    { 0x2a, 1, 0, size_physical_layer, "Physical Layer 32.0 GT/s" },/* 7.7.6 */
    { 0x2b, 1, 0, size_alternate, "Alternate Protocol" },          /* 7.9.20 */
    { 0x2c, 1, 0x14, NULL, "System Firmware Intermediary" },       /* 7.9.22 */
    { 0x2d, 0, 0, NULL, "Shadow Functions" },                      /* 7.9.25 */
    { 0x2e, 3, 0x18, NULL, "Data Object Exchange" },               /* 7.9.24 */
    { 0x2f, 1, 0x10, NULL, "Device 3" },                            /* 7.7.9 */
    { 0x30, 1, 0, size_ide, "Integrity and Data Encryption" },     /* 7.9.26 */
    { 0x31, 1, 0, size_physical_layer, "Physical Layer 64.0 GT/s" },/* 7.7.7 */
    { 0x32, 0, 0, NULL, "Flit Logging" },                           /* 7.7.8 */
    { 0x33, 0, 0, NULL, "Flit Performance Measurement" },          /* 7.8.11 */
    { 0x34, 0, 0, NULL, "Flit Error Injection" },                  /* 7.8.12 */
    { 0x35, 1, 0, size_svc, "Streamlined Virtual Channel" },       /* 7.9.29 */
    { 0x36, 0, 0, NULL, "MMIO Register Block Locator" },           /* 7.9.30 */
};

/* IDs are dense, so a row is found by its index */
const char *pcie_ecap_name(uint16_t id)
{
    return id < G_N_ELEMENTS(table) ? table[id].name : "unknown";
}

uint32_t pcie_ecap_size(const PCIEEcapFunction *function, uint16_t offset,
                        uint16_t id, uint8_t version)
{
    if (id >= G_N_ELEMENTS(table) || version > table[id].version) {
        return 0;
    }
    if (table[id].compute) {
        return table[id].compute(function, offset);
    }
    return table[id].fixed;
}
