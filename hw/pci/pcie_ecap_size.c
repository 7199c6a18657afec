/*
 * Sizes of PCI Express extended capabilities
 *
 * Section numbers without a name are those of PCIe 6.2. They stand above the
 * rows of the table at the end. Capabilities that moved since, or are gone,
 * have the number of an older specification.
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
#define REG3    0x0c

/* The widest link there is (7.5.3.6) */
#define MAX_LANES   32

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
            if (bits(link, 9, 4) <= MAX_LANES) {
                function->lanes = bits(link, 9, 4);
            }
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

/* A register was added together with bits beside System Allocated */
static uint32_t size_power(const PCIEEcapFunction *function, uint16_t offset)
{
    return bits(reg32(function, offset + REG3), 7, 1) ? 0x14 : 0x10;
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
#define VSEC_LEAST  0x08
#define DVSEC_LEAST 0x0a

static uint32_t size_vsec(const PCIEEcapFunction *function, uint16_t offset)
{
    uint32_t length = bits(reg32(function, offset + REG1), 31, 20);

    return length >= VSEC_LEAST ? length : 0;
}

static uint32_t size_dvsec(const PCIEEcapFunction *function, uint16_t offset)
{
    uint32_t length = bits(reg32(function, offset + REG1), 31, 20);

    return length >= DVSEC_LEAST ? length : 0;
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

/* Functions have up to 6 BARs; the field for it can say 0 to 7 */
#define REBAR_SIZE(count)   (0x04 + (count) * 8)

static uint32_t size_rebar(const PCIEEcapFunction *function, uint16_t offset)
{
    unsigned count = bits(reg32(function, offset + REG2), 7, 5);

    return count >= 1 && count <= 6 ? REBAR_SIZE(count) : 0;
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

/* These have some bytes for each lane, behind other registers */
#define SECONDARY_SIZE(lanes)       (0x0c + (lanes) * 2)
#define PHYSICAL_LAYER_SIZE(lanes)  (0x20 + (lanes))
#define MARGINING_SIZE(lanes)       (0x08 + (lanes) * 4)

static uint32_t size_secondary(const PCIEEcapFunction *function,
                               uint16_t offset)
{
    return function->lanes ? SECONDARY_SIZE(function->lanes) : 0;
}

/* 16.0, 32.0 and 64.0 GT/s have the same form */
static uint32_t size_physical_layer(const PCIEEcapFunction *function,
                                    uint16_t offset)
{
    return function->lanes ? PHYSICAL_LAYER_SIZE(function->lanes) : 0;
}

static uint32_t size_margining(const PCIEEcapFunction *function,
                               uint16_t offset)
{
    return function->lanes ? MARGINING_SIZE(function->lanes) : 0;
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
 * One row for each ID. A fixed size, a function that computes it, or neither:
 * then the size is not known. It is not known either for a version above the
 * highest one known, which may have more registers.
 */
#define FIXED(highest, bytes, text) \
    { .name = text, .version = highest, .fixed = bytes }
#define COMPUTED(highest, function, text) \
    { .name = text, .version = highest, .compute = function }
/* Where the function may fail, there are limits */
#define LIMITED(highest, function, lower, upper, text) \
    { .name = text, .version = highest, .compute = function, \
      .least = lower, .most = upper }
#define UNSIZED(text) \
    { .name = text }

/* For those that have a size field of their own */
#define ANY_VERSION 15

static const struct {
    const char *name;
    SizeFunction *compute;
    uint8_t version;
    uint8_t fixed;
    uint8_t least;
    uint8_t most;
} table[] = {
    /* 7.9.28 */
    [0x00] = FIXED(ANY_VERSION, 0x04, "Null"),
    /* 7.8.4 */
    [0x01] = COMPUTED(3, size_aer, "Advanced Error Reporting"),
    /* 7.9.1 */
    [0x02] = COMPUTED(1, size_vc, "Virtual Channel"),
    /* 7.9.3 */
    [0x03] = FIXED(1, 0x0c, "Device Serial Number"),
    /* 7.8.1 */
    [0x04] = COMPUTED(1, size_power, "Power Budgeting"),
    /* 7.9.8 */
    [0x05] = COMPUTED(1, size_rc_link, "Root Complex Link Declaration"),
    /* 7.9.9 */
    [0x06] = FIXED(1, 0x0c, "Root Complex Internal Link Control"),
    /* 7.9.10 */
    [0x07] = COMPUTED(2, size_rcec, "Root Complex Event Collector"),
    /* 7.9.2 */
    [0x08] = COMPUTED(1, size_vc, "Multi-Function Virtual Channel"),
    /* 7.9.1; the ID of functions that have MFVC too */
    [0x09] = COMPUTED(1, size_vc, "Virtual Channel with MFVC"),
    /* 7.9.7 */
    [0x0a] = FIXED(1, 0x14, "RCRB Header"),
    /* 7.9.5 */
    [0x0b] = LIMITED(ANY_VERSION, size_vsec, VSEC_LEAST, 0, "Vendor-Specific"),
    /* Of the PCI-SIG's Trusted Configuration Space; obsolete */
    [0x0c] = UNSIZED("Configuration Access Correlation"),
    /* 7.7.11 */
    [0x0d] = COMPUTED(1, size_acs, "Access Control Services"),
    /* PCIe 5.0, 7.8.7 */
    [0x0e] = FIXED(1, 0x08, "Alternative Routing-ID"),
    /* 10.5.1 */
    [0x0f] = FIXED(1, 0x08, "Address Translation Services"),
    /* 9.3.3 */
    [0x10] = FIXED(1, 0x40, "SR-IOV"),
    /* Multi-Root I/O Virtualization, a specification of its own */
    [0x11] = UNSIZED("MR-IOV"),
    /* 7.9.11 */
    [0x12] = COMPUTED(1, size_multicast, "Multicast"),
    /* 10.5.2 */
    [0x13] = FIXED(1, 0x10, "Page Request Interface"),
    /* Never given a meaning in a public specification */
    [0x14] = UNSIZED("reserved for AMD"),
    /* 7.8.6 */
    [0x15] = LIMITED(1, size_rebar, REBAR_SIZE(1), REBAR_SIZE(7),
                     "Resizable BAR"),
    /* 7.9.12 */
    [0x16] = COMPUTED(1, size_dpa, "Dynamic Power Allocation"),
    /* 7.9.13 */
    [0x17] = COMPUTED(1, size_tph, "TPH Requester"),
    /* 7.8.2 */
    [0x18] = FIXED(1, 0x08, "Latency Tolerance Reporting"),
    /* 7.7.3 */
    [0x19] = LIMITED(1, size_secondary, SECONDARY_SIZE(1),
                     SECONDARY_SIZE(MAX_LANES), "Secondary PCI Express"),
    /* PCIe 5.0, appendix G */
    [0x1a] = COMPUTED(1, size_pmux, "Protocol Multiplexing"),
    /* PCIe 5.0, 7.8.8 */
    [0x1b] = FIXED(1, 0x08, "PASID"),
    /* PCIe 5.0, 7.9.14; gone since */
    [0x1c] = FIXED(1, 0x08, "LN Requester"),
    /* 7.9.14 */
    [0x1d] = COMPUTED(1, size_dpc, "Downstream Port Containment"),
    /* 7.8.3 */
    [0x1e] = COMPUTED(2, size_l1ss, "L1 PM Substates"),
    /* 7.9.15 */
    [0x1f] = FIXED(1, 0x0c, "Precision Time Measurement"),
    /* PCIe 4.0, chapter 8; gone since */
    [0x20] = UNSIZED("PCI Express over M-PHY"),
    /* PCIe 5.0, 7.8.9 */
    [0x21] = FIXED(1, 0x10, "FRS Queueing"),
    /* 7.9.16 */
    [0x22] = FIXED(1, 0x0c, "Readiness Time Reporting"),
    /* 7.9.6; CXL structures are of this kind */
    [0x23] = LIMITED(ANY_VERSION, size_dvsec, DVSEC_LEAST, 0,
                     "Designated Vendor-Specific"),
    /* PCIe 5.0, 9.3.7 */
    [0x24] = LIMITED(1, size_rebar, REBAR_SIZE(1), REBAR_SIZE(7),
                     "VF Resizable BAR"),
    /* 7.7.4 */
    [0x25] = FIXED(1, 0x0c, "Data Link Feature"),
    /* 7.7.5 */
    [0x26] = LIMITED(1, size_physical_layer, PHYSICAL_LAYER_SIZE(1),
                     PHYSICAL_LAYER_SIZE(MAX_LANES),
                     "Physical Layer 16.0 GT/s"),
    /* 7.7.10 */
    [0x27] = LIMITED(1, size_margining, MARGINING_SIZE(1),
                     MARGINING_SIZE(MAX_LANES), "Lane Margining"),
    /* 7.9.17 */
    [0x28] = FIXED(1, 0x20, "Hierarchy ID"),
    /* 7.9.19 */
    [0x29] = FIXED(1, 0x10, "Native PCIe Enclosure Management"),
    /* 7.7.6 */
    [0x2a] = LIMITED(1, size_physical_layer, PHYSICAL_LAYER_SIZE(1),
                     PHYSICAL_LAYER_SIZE(MAX_LANES),
                     "Physical Layer 32.0 GT/s"),
    /* 7.9.20 */
    [0x2b] = COMPUTED(1, size_alternate, "Alternate Protocol"),
    /* 7.9.22 */
    [0x2c] = FIXED(1, 0x14, "System Firmware Intermediary"),
    /* 7.9.25 */
    [0x2d] = UNSIZED("Shadow Functions"),
    /* 7.9.24 */
    [0x2e] = FIXED(3, 0x18, "Data Object Exchange"),
    /* 7.7.9 */
    [0x2f] = FIXED(1, 0x10, "Device 3"),
    /* 7.9.26 */
    [0x30] = COMPUTED(1, size_ide, "Integrity and Data Encryption"),
    /* 7.7.7 */
    [0x31] = LIMITED(1, size_physical_layer, PHYSICAL_LAYER_SIZE(1),
                     PHYSICAL_LAYER_SIZE(MAX_LANES),
                     "Physical Layer 64.0 GT/s"),
    /* 7.7.8 */
    [0x32] = UNSIZED("Flit Logging"),
    /* New in PCIe 6.0, in 7.8 */
    [0x33] = UNSIZED("Flit Performance Measurement"),
    [0x34] = UNSIZED("Flit Error Injection"),
    /* 7.9.29 */
    [0x35] = COMPUTED(1, size_svc, "Streamlined Virtual Channel"),
    /* 7.9.30 */
    [0x36] = UNSIZED("MMIO Register Block Locator"),
};

const char *pcie_ecap_name(uint16_t id)
{
    return id < G_N_ELEMENTS(table) ? table[id].name : "unknown";
}

static bool is_known(uint16_t id, uint8_t version)
{
    return id < G_N_ELEMENTS(table) && version <= table[id].version;
}

uint32_t pcie_ecap_size(const PCIEEcapFunction *function, uint16_t offset,
                        uint16_t id, uint8_t version)
{
    if (!is_known(id, version)) {
        return 0;
    }
    if (table[id].compute) {
        return table[id].compute(function, offset);
    }
    return table[id].fixed;
}

void pcie_ecap_size_limits(uint16_t id, uint8_t version, uint16_t *least,
                           uint16_t *most)
{
    *least = PCIE_ECAP_HEADER_SIZE;
    *most = PCIE_ECAP_IMAGE_SIZE - PCIE_ECAP_HEAD;
    if (is_known(id, version)) {
        *least = table[id].least ?: *least;
        *most = table[id].most ?: *most;
    }
}
