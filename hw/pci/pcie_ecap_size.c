/*
 * Sizes of PCI Express extended capabilities
 *
 * Section numbers without a name are those of PCIe 6.2. They stand beside the
 * rows of the table at the end. Capabilities that are gone have the number of
 * an older specification.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/pci/pcie_ecap.h"
#include "standard-headers/linux/pci_regs.h"
#include "pcie_ecap_size.h"

typedef uint32_t SizeFunction(const PCIEEcapFunction *function,
                              uint16_t offset);

/* Many a capability has its first register right behind the header */
#define REG1    0x04
#define REG2    0x08
#define REG3    0x0c

/* The widest link there is (7.5.3.6) */
#define MAX_LANES   32

/* Flit Mode Supported, in the PCI Express Capabilities register (7.5.3.2) */
#define EXP_FLAGS_FLIT  (1 << 15)

static uint32_t bits(uint32_t value, unsigned high, unsigned low)
{
    return (value >> low) & ((1u << (high - low + 1)) - 1);
}

static uint32_t reg32(const PCIEEcapFunction *function, uint32_t offset)
{
    return pcie_ecap_get32(function->image, offset);
}

void pcie_ecap_function(const uint8_t *image, PCIEEcapFunction *function)
{
    uint16_t pos = 0;
    uint16_t flags, lanes;

    *function = (PCIEEcapFunction) { .image = image };
    if (image[PCI_STATUS] & PCI_STATUS_CAP_LIST) {
        pos = image[PCI_CAPABILITY_LIST] & ~3;
    }
    /* No list has more elements than there is room for: it ends */
    for (int i = 0; pos >= PCI_STD_HEADER_SIZEOF &&
         image[pos] != PCI_CAP_ID_EXP; i++) {
        if (i > PCI_CFG_SPACE_SIZE / 4) {
            return;
        }
        pos = image[pos + PCI_CAP_LIST_NEXT] & ~3;
    }
    /* The registers of a whole capability end before 0x100 */
    if (pos < PCI_STD_HEADER_SIZEOF ||
        pos + PCI_EXP_LNKCAP >= PCI_CFG_SPACE_SIZE) {
        return;
    }
    function->exp_cap = pos;
    flags = reg32(function, pos + PCI_EXP_FLAGS);
    lanes = bits(reg32(function, pos + PCI_EXP_LNKCAP), 9, 4);
    function->port_type = bits(flags, 7, 4);
    function->flit = flags & EXP_FLAGS_FLIT;
    function->lanes = lanes <= MAX_LANES ? lanes : 0;
    /* Device Capabilities 2 came with version 2 */
    function->ee_prefix = (flags & PCI_EXP_FLAGS_VERS) >= 2 &&
                          pos + PCI_EXP_DEVCAP2 < PCI_CFG_SPACE_SIZE &&
                          (reg32(function, pos + PCI_EXP_DEVCAP2) &
                           PCI_EXP_DEVCAP2_EE_PREFIX);
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
    if (function->port_type == PCI_EXP_TYPE_ROOT_PORT ||
        function->port_type == PCI_EXP_TYPE_RC_EC) {
        return 0x38;
    }
    return 0x2c;
}

/*
 * The two kinds of VC and MFVC have the same form (7.9.1, 7.9.2). Arbitration
 * tables are for ports, which are not passed through; with one the size is not
 * known.
 */
static uint32_t size_vc(const PCIEEcapFunction *function, uint16_t offset)
{
    enum {
        RESOURCE = 0x10,
        RESOURCE_SIZE = 0x0c,
    };
    unsigned count = bits(reg32(function, offset + REG1), 2, 0) + 1;
    uint32_t tables = bits(reg32(function, offset + REG2), 31, 24);

    for (unsigned i = 0; i < count; i++) {
        tables |= bits(reg32(function, offset + RESOURCE + i * RESOURCE_SIZE),
                       31, 24);
    }
    return tables ? 0 : RESOURCE + count * RESOURCE_SIZE;
}

/* A register was added together with bits beside System Allocated */
static uint32_t size_power(const PCIEEcapFunction *function, uint16_t offset)
{
    return bits(reg32(function, offset + REG3), 7, 1) ? 0x14 : 0x10;
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
    return function->port_type >= PCI_EXP_TYPE_ROOT_PORT &&
           function->port_type <= PCI_EXP_TYPE_DOWNSTREAM ? 0x30 : 0x28;
}

/* Functions have up to 6 BARs; the field for it can say 0 to 7 */
#define REBAR_SIZE(count)   (0x04 + (count) * 8)

static uint32_t size_rebar(const PCIEEcapFunction *function, uint16_t offset)
{
    unsigned count = bits(reg32(function, offset + REG2), 7, 5);

    return count >= 1 && count <= 6 ? REBAR_SIZE(count) : 0;
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

/**
 * struct Row - what is known of an ID
 *
 * @name: name in the specification.
 * @compute: tells the size where the other fields cannot. It returns 0 if it
 *           cannot tell either.
 * @version: the highest one known. A later one may have more registers, so that
 *           its size is not known.
 * @bytes: the size without what is counted; 0 if the size is not known.
 * @per_lane: bytes for each lane of the link.
 * @unit: bytes for each of what the field has counted that is in bits @low to
 *        @high of the register at @reg.
 * @least: a smaller size is nonsense.
 * @most: no size is bigger, 0 if there is no limit.
 */
typedef struct Row {
    const char *name;
    SizeFunction *compute;
    uint8_t version;
    uint8_t bytes;
    uint8_t per_lane;
    uint8_t unit;
    uint8_t reg;
    uint8_t high;
    uint8_t low;
    uint8_t least;
    uint8_t most;
} Row;

#define UNSIZED(text) \
    .name = text
#define FIXED(highest, size, text) \
    .name = text, .version = highest, .bytes = size
#define PER_LANE(highest, size, lane, text) \
    .name = text, .version = highest, .bytes = size, .per_lane = lane, \
    .least = (size) + (lane), .most = (size) + (lane) * MAX_LANES
#define COUNTED(highest, size, each, at, top, bottom, text) \
    .name = text, .version = highest, .bytes = size, .unit = each, \
    .reg = at, .high = top, .low = bottom
#define COMPUTED(highest, function, text) \
    .name = text, .version = highest, .compute = function
/* Of functions, and of virtual functions */
#define REBAR(text) \
    COMPUTED(1, size_rebar, text), .least = REBAR_SIZE(1), \
    .most = REBAR_SIZE(7)
/* The header says itself how long it is, in any version */
#define LENGTH(shortest, text) \
    COUNTED(ANY_VERSION, 0, 1, REG1, 31, 20, text), .least = shortest

#define ANY_VERSION 15

static const Row table[] = {
    [0x00] = { FIXED(ANY_VERSION, 0x04, "Null") },                 /* 7.9.28 */
    [0x01] = { COMPUTED(3, size_aer, "Advanced Error Reporting") }, /* 7.8.4 */
    [0x02] = { COMPUTED(1, size_vc, "Virtual Channel") },          /* 7.9.1 */
    [0x03] = { FIXED(1, 0x0c, "Device Serial Number") },           /* 7.9.3 */
    [0x04] = { COMPUTED(1, size_power, "Power Budgeting") },       /* 7.8.1 */
    [0x05] = { COUNTED(1, 0x10, 0x10, REG1, 15, 8,
                       "Root Complex Link Declaration") },         /* 7.9.8 */
    /* 7.9.9 */
    [0x06] = { FIXED(1, 0x0c, "Root Complex Internal Link Control") },
    /* 7.9.10 */
    [0x07] = { COUNTED(2, 0x04, 0x04, 0, 19, 16,
                       "Root Complex Event Collector"), .least = 0x08 },
    /* 7.9.2 */
    [0x08] = { COMPUTED(1, size_vc, "Multi-Function Virtual Channel") },
    /* 7.9.1; the ID of functions that have MFVC too */
    [0x09] = { COMPUTED(1, size_vc, "Virtual Channel with MFVC") },
    [0x0a] = { FIXED(1, 0x14, "RCRB Header") },                    /* 7.9.7 */
    [0x0b] = { LENGTH(0x08, "Vendor-Specific") },                  /* 7.9.5 */
    /* Of the PCI-SIG's Trusted Configuration Space; obsolete */
    [0x0c] = { UNSIZED("Configuration Access Correlation") },
    [0x0d] = { COMPUTED(1, size_acs, "Access Control Services") }, /* 7.7.11 */
    [0x0e] = { FIXED(1, 0x08, "Alternative Routing-ID") },         /* 7.8.8 */
    [0x0f] = { FIXED(1, 0x08, "Address Translation Services") },   /* 10.5.1 */
    [0x10] = { FIXED(1, 0x40, "SR-IOV") },                         /* 9.3.3 */
    /* Multi-Root I/O Virtualization, a specification of its own */
    [0x11] = { UNSIZED("MR-IOV") },
    [0x12] = { COMPUTED(1, size_multicast, "Multicast") },         /* 7.9.11 */
    [0x13] = { FIXED(1, 0x10, "Page Request Interface") },         /* 10.5.2 */
    /* Never given a meaning in a public specification */
    [0x14] = { UNSIZED("reserved for AMD") },
    [0x15] = { REBAR("Resizable BAR") },                           /* 7.8.6 */
    /* 7.9.12 */
    [0x16] = { COUNTED(1, 0x11, 0x01, REG1, 4, 0, "Dynamic Power Allocation") },
    [0x17] = { COMPUTED(1, size_tph, "TPH Requester") },           /* 7.9.13 */
    [0x18] = { FIXED(1, 0x08, "Latency Tolerance Reporting") },    /* 7.8.2 */
    [0x19] = { PER_LANE(1, 0x0c, 0x02, "Secondary PCI Express") }, /* 7.7.3 */
    /* PCIe 5.0, appendix G */
    [0x1a] = { COUNTED(1, 0x10, 0x04, REG1, 5, 0, "Protocol Multiplexing") },
    [0x1b] = { FIXED(1, 0x08, "PASID") },                          /* 7.8.9 */
    /* PCIe 5.0, 7.9.14; gone since */
    [0x1c] = { FIXED(1, 0x08, "LN Requester") },
    /* 7.9.14; of ports, which are not passed through */
    [0x1d] = { UNSIZED("Downstream Port Containment") },
    [0x1e] = { COUNTED(2, 0x0c, 0x04, 0, 19, 16, "L1 PM Substates"),
               .least = 0x10 },                                    /* 7.8.3 */
    [0x1f] = { FIXED(1, 0x0c, "Precision Time Measurement") },     /* 7.9.15 */
    /* PCIe 4.0, chapter 8; gone since */
    [0x20] = { UNSIZED("PCI Express over M-PHY") },
    [0x21] = { FIXED(1, 0x10, "FRS Queueing") },                   /* 7.8.10 */
    [0x22] = { FIXED(1, 0x0c, "Readiness Time Reporting") },       /* 7.9.16 */
    /* 7.9.6; CXL structures are of this kind */
    [0x23] = { LENGTH(0x0a, "Designated Vendor-Specific") },
    [0x24] = { REBAR("VF Resizable BAR") },                        /* 7.8.7 */
    [0x25] = { FIXED(1, 0x0c, "Data Link Feature") },              /* 7.7.4 */
    /* 7.7.5 */
    [0x26] = { PER_LANE(1, 0x20, 0x01, "Physical Layer 16.0 GT/s") },
    [0x27] = { PER_LANE(1, 0x08, 0x04, "Lane Margining") },        /* 7.7.10 */
    [0x28] = { FIXED(1, 0x20, "Hierarchy ID") },                   /* 7.9.17 */
    /* 7.9.19 */
    [0x29] = { FIXED(1, 0x10, "Native PCIe Enclosure Management") },
    /* 7.7.6 */
    [0x2a] = { PER_LANE(1, 0x20, 0x01, "Physical Layer 32.0 GT/s") },
    /* 7.9.20 */
    [0x2b] = { COUNTED(1, 0x14, 0x04, REG1, 8, 8, "Alternate Protocol") },
    [0x2c] = { FIXED(1, 0x14, "System Firmware Intermediary") },   /* 7.9.22 */
    [0x2d] = { UNSIZED("Shadow Functions") },                      /* 7.9.25 */
    [0x2e] = { FIXED(3, 0x18, "Data Object Exchange") },           /* 7.9.24 */
    [0x2f] = { FIXED(1, 0x10, "Device 3") },                       /* 7.7.9 */
    /* 7.9.26 */
    [0x30] = { COMPUTED(1, size_ide, "Integrity and Data Encryption") },
    /* 7.7.7 */
    [0x31] = { PER_LANE(1, 0x20, 0x01, "Physical Layer 64.0 GT/s") },
    [0x32] = { UNSIZED("Flit Logging") },                          /* 7.7.8 */
    /* New in PCIe 6.0, in 7.8 */
    [0x33] = { UNSIZED("Flit Performance Measurement") },
    [0x34] = { UNSIZED("Flit Error Injection") },
    [0x35] = { COUNTED(1, 0x20, 0x0c, REG1, 2, 0,
                       "Streamlined Virtual Channel") },           /* 7.9.29 */
    [0x36] = { UNSIZED("MMIO Register Block Locator") },           /* 7.9.30 */
};

const char *pcie_ecap_name(uint16_t id)
{
    return id < G_N_ELEMENTS(table) ? table[id].name : "unknown";
}

static const Row *find_row(uint16_t id, uint8_t version)
{
    return id < G_N_ELEMENTS(table) && version <= table[id].version ?
           &table[id] : NULL;
}

uint32_t pcie_ecap_size(const PCIEEcapFunction *function, uint16_t offset,
                        uint16_t id, uint8_t version)
{
    const Row *row = find_row(id, version);
    uint32_t size;

    if (!row) {
        return 0;
    }
    if (row->compute) {
        return row->compute(function, offset);
    }
    size = row->bytes + row->per_lane * function->lanes +
           row->unit * bits(reg32(function, offset + row->reg), row->high,
                            row->low);
    return size >= row->least ? size : 0;
}

void pcie_ecap_size_limits(uint16_t id, uint8_t version, uint16_t *least,
                           uint16_t *most)
{
    const Row *row = find_row(id, version);

    *least = row && row->least ? row->least : PCIE_ECAP_HEADER_SIZE;
    *most = row && row->most ? row->most :
            PCIE_ECAP_IMAGE_SIZE - PCIE_ECAP_HEAD;
}
