/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI Express test device with PASID, ATS and a small DMA engine
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * See docs/specs/pasid-testdev.rst for what a guest sees and what the
 * properties do.
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/module.h"
#include "hw/misc/pasid-testdev.h"
#include "hw/pci/msi.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pci_device.h"
#include "hw/pci/pcie.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "qom/object.h"
#include "system/dma.h"
#include "pasid-testdev-atc.h"
#include "pasid-testdev-channel.h"

#define PM_OFFSET               0x40
#define MSI_OFFSET              0x50
#define EXP_OFFSET              0x80

#define ECAP_START              PCI_CONFIG_SPACE_SIZE
#define ECAP_SIZE               (PCIE_CONFIG_SPACE_SIZE - ECAP_START)
#define PASID_LAST_OFFSET       (PCIE_CONFIG_SPACE_SIZE - \
                                 PCI_EXT_CAP_PASID_SIZEOF)
/* Value of an empty list, or behind a configuration space of 256 bytes */
#define ECAP_ABSENT             0xffffffffu

/* PCI_PASID_CTRL is the upper half of the register at PCI_PASID_CAP */
#define PASID_CAP_WIDTH(cap) \
    (((cap) & PCI_PASID_CAP_WIDTH) >> PCI_PASID_CAP_WIDTH_SHIFT)

/* Enable and Smallest Translation Unit, all that a guest can write */
#define ATS_CTRL_MASK           (PCI_ATS_CTRL_ENABLE | PCI_ATS_CTRL_STU(~0))

OBJECT_DECLARE_SIMPLE_TYPE(PasidTestDev, PASID_TESTDEV)

struct PasidTestDev {
    PCIDevice parent_obj;

    MemoryRegion bar;

    /* properties */
    uint16_t pasid_offset;
    uint8_t pasid_width;
    bool exec;
    bool priv;
    bool no_pasid;
    bool pm_reset;
    bool ats;
    char *ecap_image;

    /* DMA engine */
    uint32_t addr_lo;
    uint32_t addr_hi;
    uint32_t pasid;
    uint32_t length;
    uint32_t status;
    uint8_t data[PASID_TESTDEV_DATA_SIZE];

    PasidTestAtc atc;
    PasidTestChannels channels;
};

/* PCIe 6.2, 7.6.3: next capability offset, its two low bits reserved */
static uint16_t ecap_next(uint32_t header)
{
    return PCI_EXT_CAP_NEXT(header) & ~3;
}

/*
 * ecap_find - look for a capability in the extended config space
 * @config: the whole config space, PCIE_CONFIG_SPACE_SIZE bytes
 * @id: capability ID, or -1 to find only the end of the list
 * @found: (out) offset of the first capability with @id, 0 if there is none
 * @last: (out) offset of the last header of the list, 0 if it is empty
 * @errp: set when the list cannot be followed
 *
 * Follows PCIe 6.2, 7.6.3. A list that loops or points below 0x100 comes
 * from a damaged image: the guest would walk it for ever.
 *
 * Returns: true if the end of the list was reached, false with @errp set
 * otherwise.
 */
static bool ecap_find(const uint8_t *config, int id, uint16_t *found,
                      uint16_t *last, Error **errp)
{
    DECLARE_BITMAP(seen, ECAP_SIZE / 4) = { 0 };
    uint16_t pos = ECAP_START;
    uint32_t header = pci_get_long(config + pos);

    *found = 0;
    *last = 0;
    if (!header || header == ECAP_ABSENT) {
        return true;
    }

    while (pos) {
        if (pos < ECAP_START) {
            error_setg(errp, TYPE_PASID_TESTDEV ": ecap-image: the capability "
                       "at 0x%x points to 0x%x, the lowest valid offset is "
                       "0x%x", *last, pos, ECAP_START);
            return false;
        }
        if (test_and_set_bit((pos - ECAP_START) / 4, seen)) {
            error_setg(errp, TYPE_PASID_TESTDEV ": ecap-image: the capability "
                       "at 0x%x points back to 0x%x; end the list with a "
                       "next offset of 0", *last, pos);
            return false;
        }
        header = pci_get_long(config + pos);
        *last = pos;
        if (!*found && PCI_EXT_CAP_ID(header) == id) {
            *found = pos;
        }
        pos = ecap_next(header);
    }
    return true;
}

/* Only bits that the capability offers can be set (PCIe 6.2, 7.8.9.3) */
static void pasid_testdev_own_control(PCIDevice *pdev, uint16_t offset)
{
    uint16_t cap = pci_get_word(pdev->config + offset + PCI_PASID_CAP);
    uint16_t mask = PCI_PASID_CTRL_ENABLE;

    /* a supported bit and the bit that enables it share their position */
    mask |= cap & (PCI_PASID_CAP_EXEC | PCI_PASID_CAP_PRIV);
    pci_set_word(pdev->config + offset + PCI_PASID_CTRL, 0);
    pci_set_word(pdev->wmask + offset + PCI_PASID_CTRL, mask);
    pdev->exp.pasid_cap = offset;
}

static bool pasid_testdev_check_props(PasidTestDev *s, Error **errp)
{
    if (s->pasid_width > PCI_EXT_CAP_PASID_MAX_WIDTH) {
        error_setg(errp, TYPE_PASID_TESTDEV ": pasid-width %u is above the "
                   "limit of %u; use 0 to %u", s->pasid_width,
                   PCI_EXT_CAP_PASID_MAX_WIDTH, PCI_EXT_CAP_PASID_MAX_WIDTH);
        return false;
    }
    if (s->pasid_offset && (s->pasid_offset < ECAP_START ||
                            s->pasid_offset > PASID_LAST_OFFSET ||
                            s->pasid_offset % 4)) {
        error_setg(errp, TYPE_PASID_TESTDEV ": pasid-offset 0x%x is not a "
                   "multiple of 4 from 0x%x to 0x%x; use one, or 0 for the "
                   "default place", s->pasid_offset, ECAP_START,
                   PASID_LAST_OFFSET);
        return false;
    }
    if (s->no_pasid && s->pasid_offset) {
        error_setg(errp, TYPE_PASID_TESTDEV ": pasid-offset 0x%x contradicts "
                   "no-pasid=on; drop one of the two", s->pasid_offset);
        return false;
    }
    if (s->ats && s->ecap_image) {
        error_setg(errp, TYPE_PASID_TESTDEV ": ats=on contradicts ecap-image "
                   "'%s', to which no ATS capability is added; drop one of the "
                   "two", s->ecap_image);
        return false;
    }
    return true;
}

/*
 * pasid_testdev_add_ats - add an ATS capability behind the others
 * @s: the device
 * @dsn: where the serial number is
 * @pasid: where the PASID capability is, 0 if there is none
 *
 * A PASID capability at the end of the config space leaves no room behind it,
 * and a gap behind the serial number.
 */
static void pasid_testdev_add_ats(PasidTestDev *s, uint16_t dsn, uint16_t pasid)
{
    PCIDevice *pdev = PCI_DEVICE(s);
    uint16_t offset = dsn + PCI_EXT_CAP_DSN_SIZEOF;

    if (pasid + PCI_EXT_CAP_PASID_SIZEOF <=
        PCIE_CONFIG_SPACE_SIZE - PCI_EXT_CAP_ATS_SIZEOF) {
        offset = MAX(offset, pasid + PCI_EXT_CAP_PASID_SIZEOF);
    }
    pcie_ats_init(pdev, offset, true);
    /* QEMU's own mask has only four of the five bits of STU */
    pci_set_word(pdev->wmask + offset + PCI_ATS_CTRL, ATS_CTRL_MASK);
}

static bool pasid_testdev_add_default(PasidTestDev *s, Error **errp)
{
    PCIDevice *pdev = PCI_DEVICE(s);
    uint16_t dsn = PASID_TESTDEV_DSN_OFFSET;
    uint16_t pasid = s->pasid_offset ?: PASID_TESTDEV_PASID_OFFSET;

    if (s->no_pasid) {
        pasid = 0;
        pcie_dev_ser_num_init(pdev, dsn, PASID_TESTDEV_SERIAL);
    } else if (pasid == ECAP_START) {
        /* VFIO treats a hidden capability differently when it is first */
        pcie_pasid_init(pdev, pasid, s->pasid_width, s->exec, s->priv);
        dsn = PASID_TESTDEV_DSN_SECOND_OFFSET;
        pcie_dev_ser_num_init(pdev, dsn, PASID_TESTDEV_SERIAL);
    } else if (pasid < dsn + PCI_EXT_CAP_DSN_SIZEOF) {
        error_setg(errp, TYPE_PASID_TESTDEV ": pasid-offset 0x%x overlaps the "
                   "serial number capability at 0x%x to 0x%x; use 0x%x, or "
                   "0x%x and above", pasid, dsn,
                   dsn + PCI_EXT_CAP_DSN_SIZEOF - 1, ECAP_START,
                   dsn + PCI_EXT_CAP_DSN_SIZEOF);
        return false;
    } else {
        pcie_dev_ser_num_init(pdev, dsn, PASID_TESTDEV_SERIAL);
        pcie_pasid_init(pdev, pasid, s->pasid_width, s->exec, s->priv);
    }
    if (pasid) {
        pasid_testdev_own_control(pdev, pasid);
    }
    if (s->ats) {
        pasid_testdev_add_ats(s, dsn, pasid);
    }
    return true;
}

/* Add a PASID capability at the end of the list of an image without one */
static bool pasid_testdev_add_to_image(PasidTestDev *s, uint16_t last,
                                       Error **errp)
{
    PCIDevice *pdev = PCI_DEVICE(s);
    uint16_t offset = s->pasid_offset;
    uint32_t header;

    if (!buffer_is_zero(pdev->config + offset, PCI_EXT_CAP_PASID_SIZEOF)) {
        error_setg(errp, TYPE_PASID_TESTDEV ": pasid-offset 0x%x overlaps "
                   "contents of ecap-image '%s'; use an offset where the "
                   "image has %d zero bytes", offset, s->ecap_image,
                   PCI_EXT_CAP_PASID_SIZEOF);
        return false;
    }

    if (last) {
        header = pci_get_long(pdev->config + last);
        pci_set_long(pdev->config + last,
                     PCI_EXT_CAP(PCI_EXT_CAP_ID(header),
                                 PCI_EXT_CAP_VER(header), offset));
    } else if (offset != ECAP_START) {
        /* PCIe 6.2, 7.9.28: a null capability may head the list */
        pci_set_long(pdev->config + ECAP_START, PCI_EXT_CAP(0, 0, offset));
    }

    pci_set_long(pdev->config + offset,
                 PCI_EXT_CAP(PCI_EXT_CAP_ID_PASID, PCI_PASID_VER, 0));
    pci_set_word(pdev->config + offset + PCI_PASID_CAP,
                 s->pasid_width << PCI_PASID_CAP_WIDTH_SHIFT |
                 (s->exec ? PCI_PASID_CAP_EXEC : 0) |
                 (s->priv ? PCI_PASID_CAP_PRIV : 0));
    pasid_testdev_own_control(pdev, offset);
    return true;
}

static bool pasid_testdev_load_image(PasidTestDev *s, Error **errp)
{
    PCIDevice *pdev = PCI_DEVICE(s);
    g_autoptr(GError) gerr = NULL;
    g_autofree char *contents = NULL;
    const char *ecaps;
    uint16_t pasid, last, cap;
    gsize size;

    if (!g_file_get_contents(s->ecap_image, &contents, &size, &gerr)) {
        error_setg(errp, TYPE_PASID_TESTDEV ": ecap-image: %s", gerr->message);
        return false;
    }

    ecaps = contents;
    if (size == PCIE_CONFIG_SPACE_SIZE) {
        ecaps += ECAP_START;
        size = ECAP_SIZE;
    } else if (size < 4 || size > ECAP_SIZE) {
        error_setg(errp, TYPE_PASID_TESTDEV ": ecap-image '%s' has %zu bytes; "
                   "give 4 to %d bytes that start at offset 0x%x, or a whole "
                   "config space of %d", s->ecap_image, size, ECAP_SIZE,
                   ECAP_START, PCIE_CONFIG_SPACE_SIZE);
        return false;
    }

    memcpy(pdev->config + ECAP_START, ecaps, size);
    memset(pdev->cmask + ECAP_START, 0xff, ECAP_SIZE);

    if (!ecap_find(pdev->config, PCI_EXT_CAP_ID_PASID, &pasid, &last, errp)) {
        return false;
    }
    if (!pasid) {
        return s->pasid_offset ? pasid_testdev_add_to_image(s, last, errp)
                               : true;
    }

    if (s->pasid_offset || s->no_pasid) {
        error_setg(errp, TYPE_PASID_TESTDEV ": ecap-image '%s' has a PASID "
                   "capability at 0x%x already; drop %s, or use another image",
                   s->ecap_image, pasid,
                   s->no_pasid ? "no-pasid" : "pasid-offset");
        return false;
    }
    if (pasid > PASID_LAST_OFFSET) {
        error_setg(errp, TYPE_PASID_TESTDEV ": ecap-image '%s' has a PASID "
                   "capability at 0x%x, its %d bytes do not fit; the last "
                   "possible offset is 0x%x", s->ecap_image, pasid,
                   PCI_EXT_CAP_PASID_SIZEOF, PASID_LAST_OFFSET);
        return false;
    }
    cap = pci_get_word(pdev->config + pasid + PCI_PASID_CAP);
    if (PASID_CAP_WIDTH(cap) > PCI_EXT_CAP_PASID_MAX_WIDTH) {
        error_setg(errp, TYPE_PASID_TESTDEV ": ecap-image '%s' has a PASID "
                   "width of %u at 0x%x, the limit is %u; correct the image",
                   s->ecap_image, PASID_CAP_WIDTH(cap), pasid + PCI_PASID_CAP,
                   PCI_EXT_CAP_PASID_MAX_WIDTH);
        return false;
    }
    pasid_testdev_own_control(pdev, pasid);
    return true;
}

uint32_t pasid_testdev_check_pasid(PCIDevice *pdev, uint32_t pasid,
                                   uint32_t max)
{
    uint16_t cap;

    /* PCIe 6.2, 7.8.9.3: without PASID Enable no request has a prefix */
    if (!pcie_pasid_enabled(pdev)) {
        return PASID_TESTDEV_STATUS_DISABLED;
    }
    cap = pci_get_word(pdev->config + pdev->exp.pasid_cap + PCI_PASID_CAP);
    if (pasid >> PASID_CAP_WIDTH(cap)) {
        return PASID_TESTDEV_STATUS_RANGE;
    }
    /* A PASID that is cut to fewer bits would reach somebody else's pages */
    if (!pasid || pasid > max) {
        return PASID_TESTDEV_STATUS_UNSUPPORTED;
    }
    return PASID_TESTDEV_STATUS_OK;
}

/* Transfer by addresses that the IOMMU, or the cache, has translated */
static uint32_t pasid_testdev_dma_by_ats(PasidTestDev *s, uint32_t pasid,
                                         dma_addr_t addr, DMADirection dir)
{
    PCIDevice *pdev = PCI_DEVICE(s);
    /* The PASID has had its effect, and may not fit here */
    MemTxAttrs attrs = {
        .requester_id = pci_requester_id(pdev),
        .address_type = PCI_AT_TRANSLATED,
    };
    IOMMUAccessFlags need = dir == DMA_DIRECTION_TO_DEVICE ? IOMMU_RO
                                                           : IOMMU_WO;
    /* A transfer can reach registers, even those that reset the device */
    uint32_t len = s->length;
    uint32_t done = 0;

    pasid_testdev_atc_watch(&s->atc, pasid);
    while (done < len) {
        IOMMUTLBEntry entry;
        hwaddr offset;
        uint32_t chunk;

        /*
         * Translated requests pass by the region that stands for this bit. What
         * has been written may have been the power control of the slot.
         */
        if (!DEVICE(pdev)->realized || !pdev->is_master ||
            !pasid_testdev_atc_translate(&s->atc, pasid, addr, &entry) ||
            !(entry.perm & need)) {
            return PASID_TESTDEV_STATUS_FAULT;
        }
        offset = addr & entry.addr_mask;
        /* less one, for an entry that covers all 64 bits */
        chunk = MIN(len - done - 1, entry.addr_mask - offset) + 1;
        if (dma_memory_rw(entry.target_as, entry.translated_addr + offset,
                          s->data + done, chunk, dir, attrs) != MEMTX_OK) {
            return PASID_TESTDEV_STATUS_FAULT;
        }
        done += chunk;
        addr += chunk;
    }
    return PASID_TESTDEV_STATUS_OK;
}

static uint32_t pasid_testdev_dma(PasidTestDev *s, uint32_t command)
{
    uint32_t op = command & PASID_TESTDEV_CMD_OP_MASK;
    bool by_ats = command & PASID_TESTDEV_CMD_ATS;
    PCIDevice *pdev = PCI_DEVICE(s);
    MemTxAttrs attrs = { .requester_id = pci_requester_id(pdev) };
    dma_addr_t addr = (uint64_t)s->addr_hi << 32 | s->addr_lo;
    uint32_t pasid = PCI_NO_PASID;
    DMADirection dir;
    uint32_t status;

    if (op == PASID_TESTDEV_CMD_READ) {
        dir = DMA_DIRECTION_TO_DEVICE;
    } else if (op == PASID_TESTDEV_CMD_WRITE) {
        dir = DMA_DIRECTION_FROM_DEVICE;
    } else {
        return PASID_TESTDEV_STATUS_BAD_CMD;
    }
    if (!s->length || s->length > PASID_TESTDEV_DATA_SIZE) {
        return PASID_TESTDEV_STATUS_BAD_CMD;
    }
    if (by_ats && !pcie_ats_enabled(pdev)) {
        return PASID_TESTDEV_STATUS_DISABLED;
    }
    if (s->pasid & PASID_TESTDEV_PASID_VALID) {
        pasid = s->pasid & PASID_TESTDEV_PASID_MASK;
        /* A request for a translation has the PASID as a number of its own */
        status = pasid_testdev_check_pasid(pdev, pasid, by_ats ?
                                           PASID_TESTDEV_PASID_MASK :
                                           PASID_TESTDEV_MEMTXATTRS_PID_MAX);
        if (status != PASID_TESTDEV_STATUS_OK) {
            return status;
        }
        attrs.pid = pasid;
    }
    if (by_ats) {
        return pasid_testdev_dma_by_ats(s, pasid, addr, dir);
    }

    if (pci_dma_rw(pdev, addr, s->data, s->length, dir, attrs) != MEMTX_OK) {
        return PASID_TESTDEV_STATUS_FAULT;
    }
    return PASID_TESTDEV_STATUS_OK;
}

static uint64_t pasid_testdev_read(void *opaque, hwaddr addr, unsigned size)
{
    PasidTestDev *s = opaque;

    switch (addr) {
    case PASID_TESTDEV_REG_ID:
        return PASID_TESTDEV_ID_VALUE;
    case PASID_TESTDEV_REG_ADDR_LO:
        return s->addr_lo;
    case PASID_TESTDEV_REG_ADDR_HI:
        return s->addr_hi;
    case PASID_TESTDEV_REG_PASID:
        return s->pasid;
    case PASID_TESTDEV_REG_LENGTH:
        return s->length;
    case PASID_TESTDEV_REG_STATUS:
        return s->status;
    case PASID_TESTDEV_REG_ATC_ENTRIES:
        return s->atc.len;
    case PASID_TESTDEV_REG_ATC_INVALIDATIONS:
        return s->atc.invalidations;
    case PASID_TESTDEV_REG_CHANNELS:
        return PASID_TESTDEV_CHANNELS;
    case PASID_TESTDEV_REG_DATA ...
         PASID_TESTDEV_REG_DATA + PASID_TESTDEV_DATA_SIZE - 4:
        return ldl_le_p(s->data + addr - PASID_TESTDEV_REG_DATA);
    default:
        return 0;
    }
}

static void pasid_testdev_write(void *opaque, hwaddr addr, uint64_t val,
                                unsigned size)
{
    PasidTestDev *s = opaque;

    switch (addr) {
    case PASID_TESTDEV_REG_ADDR_LO:
        s->addr_lo = val;
        break;
    case PASID_TESTDEV_REG_ADDR_HI:
        s->addr_hi = val;
        break;
    case PASID_TESTDEV_REG_PASID:
        s->pasid = val & (PASID_TESTDEV_PASID_VALID | PASID_TESTDEV_PASID_MASK);
        break;
    case PASID_TESTDEV_REG_LENGTH:
        s->length = val;
        break;
    case PASID_TESTDEV_REG_COMMAND:
        s->status = pasid_testdev_dma(s, val);
        if ((val & PASID_TESTDEV_CMD_MSI) && msi_enabled(PCI_DEVICE(s))) {
            msi_notify(PCI_DEVICE(s), 0);
        }
        break;
    case PASID_TESTDEV_REG_DATA ...
         PASID_TESTDEV_REG_DATA + PASID_TESTDEV_DATA_SIZE - 4:
        stl_le_p(s->data + addr - PASID_TESTDEV_REG_DATA, val);
        break;
    default:
        break;
    }
}

static const MemoryRegionOps pasid_testdev_ops = {
    .read = pasid_testdev_read,
    .write = pasid_testdev_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
    .impl = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
};

static unsigned pasid_testdev_power_state(const PCIDevice *pdev)
{
    return pci_get_word(pdev->config + PM_OFFSET + PCI_PM_CTRL) &
           PCI_PM_CTRL_STATE_MASK;
}

static bool pasid_testdev_clears_pasid(PCIDevice *pdev, uint32_t addr,
                                       uint32_t val, int len)
{
    uint32_t ctrl = pdev->exp.pasid_cap + PCI_PASID_CTRL;

    return pcie_pasid_enabled(pdev) && addr <= ctrl && ctrl < addr + len &&
           !(val >> 8 * (ctrl - addr) & PCI_PASID_CTRL_ENABLE);
}

static void pasid_testdev_config_write(PCIDevice *pdev, uint32_t addr,
                                       uint32_t val, int len)
{
    PasidTestDev *s = PASID_TESTDEV(pdev);
    bool was_in_d3hot = pasid_testdev_power_state(pdev) == 3;
    bool had_ats = pcie_ats_enabled(pdev);

    if (pasid_testdev_clears_pasid(pdev, addr, val, len)) {
        pasid_testdev_atc_forget(&s->atc, true);
    }
    pci_default_write_config(pdev, addr, val, len);
    if (had_ats && !pcie_ats_enabled(pdev)) {
        pasid_testdev_atc_forget(&s->atc, false);
    } else if (!had_ats && pcie_ats_enabled(pdev)) {
        pasid_testdev_atc_watch(&s->atc, PCI_NO_PASID);
    }
    pcie_cap_flr_write_config(pdev, addr, val, len);
    /* PCIe 6.2, 5.3.1.4: without No_Soft_Reset the way to D0 is a reset */
    if (s->pm_reset && was_in_d3hot &&
        pasid_testdev_power_state(pdev) == 0) {
        pci_device_reset(pdev);
    }
}

static void pasid_testdev_exit(PCIDevice *pdev)
{
    PasidTestDev *s = PASID_TESTDEV(pdev);

    pasid_testdev_channels_reset(&s->channels);
    pasid_testdev_atc_forget(&s->atc, false);
    pcie_cap_exit(pdev);
    msi_uninit(pdev);
}

static void pasid_testdev_realize(PCIDevice *pdev, Error **errp)
{
    PasidTestDev *s = PASID_TESTDEV(pdev);

    pasid_testdev_atc_init(&s->atc, pdev);
    if (!pasid_testdev_check_props(s, errp)) {
        return;
    }
    if (!pci_bus_is_express(pci_get_bus(pdev))) {
        error_setg(errp, TYPE_PASID_TESTDEV ": bus '%s' is not PCI Express "
                   "and has no extended config space; use a pcie-root-port or "
                   "the root complex", BUS(pci_get_bus(pdev))->name);
        return;
    }

    /* As in real devices, what is not a register ignores writes */
    memset(pdev->wmask + ECAP_START, 0, ECAP_SIZE);
    if (s->ecap_image ? !pasid_testdev_load_image(s, errp)
                      : !pasid_testdev_add_default(s, errp)) {
        return;
    }

    if (pci_pm_init(pdev, PM_OFFSET, errp) < 0 ||
        msi_init(pdev, MSI_OFFSET, 1, true, false, errp) < 0) {
        return;
    }
    if (pcie_endpoint_cap_init(pdev, EXP_OFFSET) < 0) {
        error_setg(errp, TYPE_PASID_TESTDEV ": no room for the PCI Express "
                   "capability at 0x%x", EXP_OFFSET);
        msi_uninit(pdev);
        return;
    }
    pcie_cap_flr_init(pdev);
    pcie_cap_deverr_init(pdev);

    /* A driver may suspend the device, which keeps its registers or not */
    pci_set_word(pdev->config + PM_OFFSET + PCI_PM_PMC, PCI_PM_CAP_VER_1_2);
    pci_set_word(pdev->config + PM_OFFSET + PCI_PM_CTRL,
                 s->pm_reset ? 0 : PCI_PM_CTRL_NO_SOFT_RESET);
    pci_set_word(pdev->wmask + PM_OFFSET + PCI_PM_CTRL,
                 PCI_PM_CTRL_STATE_MASK);

    memory_region_init_io(&s->bar, OBJECT(s), &pasid_testdev_ops, s,
                          TYPE_PASID_TESTDEV, PASID_TESTDEV_BAR_SIZE);
    pasid_testdev_channels_init(&s->channels, pdev, &s->bar);
    pci_register_bar(pdev, 0, PCI_BASE_ADDRESS_SPACE_MEMORY |
                     PCI_BASE_ADDRESS_MEM_TYPE_64, &s->bar);
}

static void pasid_testdev_reset_hold(Object *obj, ResetType type)
{
    PasidTestDev *s = PASID_TESTDEV(obj);
    PCIDevice *pdev = PCI_DEVICE(s);

    s->addr_lo = 0;
    s->addr_hi = 0;
    s->pasid = 0;
    s->length = 0;
    s->status = PASID_TESTDEV_STATUS_IDLE;
    memset(s->data, 0, sizeof(s->data));
    pasid_testdev_channels_reset(&s->channels);

    pasid_testdev_atc_forget(&s->atc, false);
    s->atc.invalidations = 0;

    pcie_cap_deverr_reset(pdev);
    if (pdev->exp.pasid_cap) {
        /* PCIe 6.2, 7.8.9.3: the control register defaults to zero */
        pci_set_word(pdev->config + pdev->exp.pasid_cap + PCI_PASID_CTRL, 0);
    }
    if (pdev->exp.ats_cap) {
        /* PCIe 6.2, 10.5.1.3: so do Enable and STU */
        pci_set_word(pdev->config + pdev->exp.ats_cap + PCI_ATS_CTRL, 0);
    }
}

/* Loading overwrites the control registers without a config write */
static int pasid_testdev_pre_load(void *opaque)
{
    PasidTestDev *s = opaque;

    pasid_testdev_channels_reset(&s->channels);
    pasid_testdev_atc_forget(&s->atc, false);
    return 0;
}

/* The cache starts empty: PASIDs are watched again when they are used */
static int pasid_testdev_post_load(void *opaque, int version_id)
{
    if (pcie_ats_enabled(PCI_DEVICE(opaque))) {
        pasid_testdev_atc_watch(&PASID_TESTDEV(opaque)->atc, PCI_NO_PASID);
    }
    return 0;
}

static bool pasid_testdev_ats_needed(void *opaque)
{
    PasidTestDev *s = opaque;

    return s->ats;
}

static const VMStateDescription vmstate_pasid_testdev_ats = {
    .name = TYPE_PASID_TESTDEV "/ats",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = pasid_testdev_ats_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(atc.invalidations, PasidTestDev),
        VMSTATE_END_OF_LIST()
    }
};

static bool pasid_testdev_channels_needed(void *opaque)
{
    PasidTestDev *s = opaque;

    return pasid_testdev_channels_used(&s->channels);
}

static bool pasid_testdev_channels_save(void *opaque, Error **errp)
{
    PasidTestDev *s = opaque;

    return pasid_testdev_channels_pre_save(&s->channels, errp);
}

static const VMStateDescription vmstate_pasid_testdev_all_channels = {
    .name = TYPE_PASID_TESTDEV "/channels",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = pasid_testdev_channels_needed,
    .pre_save_errp = pasid_testdev_channels_save,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT(channels, PasidTestDev, 1,
                       vmstate_pasid_testdev_channels, PasidTestChannels),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_pasid_testdev = {
    .name = TYPE_PASID_TESTDEV,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_load = pasid_testdev_pre_load,
    .post_load = pasid_testdev_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_PCI_DEVICE(parent_obj, PasidTestDev),
        VMSTATE_UINT32(addr_lo, PasidTestDev),
        VMSTATE_UINT32(addr_hi, PasidTestDev),
        VMSTATE_UINT32(pasid, PasidTestDev),
        VMSTATE_UINT32(length, PasidTestDev),
        VMSTATE_UINT32(status, PasidTestDev),
        VMSTATE_UINT8_ARRAY(data, PasidTestDev, PASID_TESTDEV_DATA_SIZE),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription * const []) {
        &vmstate_pasid_testdev_ats,
        &vmstate_pasid_testdev_all_channels,
        NULL
    }
};

static const Property pasid_testdev_properties[] = {
    DEFINE_PROP_UINT16("pasid-offset", PasidTestDev, pasid_offset, 0),
    DEFINE_PROP_UINT8("pasid-width", PasidTestDev, pasid_width, 16),
    DEFINE_PROP_BOOL("exec", PasidTestDev, exec, true),
    DEFINE_PROP_BOOL("priv", PasidTestDev, priv, false),
    DEFINE_PROP_BOOL("no-pasid", PasidTestDev, no_pasid, false),
    DEFINE_PROP_BOOL("pm-reset", PasidTestDev, pm_reset, false),
    DEFINE_PROP_BOOL("ats", PasidTestDev, ats, false),
    DEFINE_PROP_STRING("ecap-image", PasidTestDev, ecap_image),
};

/* In the order of the properties */
static const char *const pasid_testdev_descriptions[] = {
    "Offset of the PASID capability, 0x100 to 0xff8; 0 chooses",
    "Max PASID Width of the capability, 0 to 20 bits",
    "Execute Permission Supported in the PASID capability",
    "Privileged Mode Supported in the PASID capability",
    "Have no PASID capability",
    "Reset the function on its way from D3hot to D0",
    "Have an ATS capability, and ask the IOMMU for translations",
    "File with the extended capabilities, as of a real device",
};

QEMU_BUILD_BUG_ON(ARRAY_SIZE(pasid_testdev_descriptions) !=
                  ARRAY_SIZE(pasid_testdev_properties));

static void pasid_testdev_class_init(ObjectClass *klass, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    pc->realize = pasid_testdev_realize;
    pc->exit = pasid_testdev_exit;
    pc->config_write = pasid_testdev_config_write;
    pc->vendor_id = PCI_VENDOR_ID_QEMU;
    pc->device_id = PASID_TESTDEV_DEVICE_ID;
    pc->revision = 0;
    pc->class_id = PCI_CLASS_OTHERS;

    rc->phases.hold = pasid_testdev_reset_hold;

    dc->desc = "PCI Express test device with PASID";
    dc->vmsd = &vmstate_pasid_testdev;
    device_class_set_props(dc, pasid_testdev_properties);
    for (int i = 0; i < ARRAY_SIZE(pasid_testdev_descriptions); i++) {
        object_class_property_set_description(klass,
            pasid_testdev_properties[i].name, pasid_testdev_descriptions[i]);
    }
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo pasid_testdev_info = {
    .name = TYPE_PASID_TESTDEV,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(PasidTestDev),
    .class_init = pasid_testdev_class_init,
    .interfaces = (const InterfaceInfo[]) {
        { INTERFACE_PCIE_DEVICE },
        { }
    },
};

static void pasid_testdev_register_types(void)
{
    type_register_static(&pasid_testdev_info);
}

type_init(pasid_testdev_register_types)
