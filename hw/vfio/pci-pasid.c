/*
 * PASID capability of VFIO PCI devices
 *
 * The kernel hides the PASID capability of a device from VFIO users, since
 * PASID is configured through iommufd. Guests need it to know that they may
 * use PASID, and how. What they get is emulated here; it follows what the
 * host reports and what the vIOMMU offers.
 *
 * Section numbers without a name are those of PCIe 6.2.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <linux/vfio.h>

#include "hw/iommu.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie_ecap.h"
#include "hw/vfio/vfio-device.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/range.h"
#include "system/host_iommu_device.h"
#include "pci.h"
#include "pci-pasid.h"
#include "trace.h"

/* The last place in configuration space that the capability fits in */
#define OFFSET_AT_END   (PCIE_CONFIG_SPACE_SIZE - PCI_EXT_CAP_PASID_SIZEOF)

/* Everything that is needed to find a place */
typedef struct Place {
    uint8_t image[PCIE_ECAP_IMAGE_SIZE];
    PCIEEcapLayout layout;
} Place;

static void G_GNUC_PRINTF(2, 3) set_state(VFIOPCIDevice *vdev,
                                          const char *fmt, ...)
{
    va_list ap;

    g_free(vdev->pasid.state);
    va_start(ap, fmt);
    vdev->pasid.state = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    trace_vfio_pci_pasid(vdev->vbasedev.name, vdev->pasid.state);
}

/*
 * There will be no capability, and @why says the reason. The user hears of it
 * if something is wrong (@warn), and it is an error to who insisted.
 */
static bool refuse(VFIOPCIDevice *vdev, bool warn, Error **errp,
                   const char *why)
{
    ERRP_GUARD();

    set_state(vdev, "disabled: %s", why);
    if (vdev->pasid.mode == ON_OFF_AUTO_ON) {
        error_setg(errp, "vpasid=on, but %s", why);
        error_append_hint(errp, "Use vpasid=auto to go on without PASID.\n");
        return false;
    }
    if (warn) {
        warn_report(VFIO_MSG_PREFIX "no PASID for the guest: %s",
                    vdev->vbasedev.name, why);
    }
    return true;
}

/* Why @offset was refused, in words; freed by the caller */
static char *describe(const Place *place, uint16_t offset,
                      PCIEEcapReason reason)
{
    const PCIEEcapLayout *layout = &place->layout;
    const PCIEEcapExtent *ext;

    if (reason == PCIE_ECAP_BAD_CHAIN) {
        return g_strdup_printf("the list of extended capabilities of the "
                               "device %s at 0x%x",
                               pcie_ecap_defect_name(layout->defects),
                               layout->bad_offset);
    }
    ext = pcie_ecap_overlap(layout, offset, PCI_EXT_CAP_PASID_SIZEOF);
    if (ext && (reason == PCIE_ECAP_HIT_HEADER ||
                reason == PCIE_ECAP_HIT_BODY)) {
        return g_strdup_printf("offset 0x%x %s (%s, ID 0x%x, 0x%x to 0x%x)",
                               offset, pcie_ecap_reason_name(reason),
                               pcie_ecap_name(ext->id), ext->id, ext->offset,
                               ext->offset + ext->size - 1);
    }
    return g_strdup_printf("offset 0x%x %s", offset,
                           pcie_ecap_reason_name(reason));
}

/* An offset the user could ask for instead, in words; freed by the caller */
static char *describe_way_out(const Place *place)
{
    uint16_t offset;

    switch (pcie_ecap_alloc(&place->layout, place->image,
                            PCI_EXT_CAP_PASID_SIZEOF, &offset)) {
    case PCIE_ECAP_OK:
        return g_strdup_printf("x-vpasid-cap-offset=0x%x is free", offset);
    case PCIE_ECAP_NO_ROOM:
        return g_strdup("no other offset is free; use vpasid=off");
    default:
        return g_strdup("use vpasid=off");
    }
}

/*
 * What counts is what the host shows, not what the guest will see: there may
 * be registers of capabilities that the guest does not get.
 */
static bool read_place(VFIOPCIDevice *vdev, Place *place, Error **errp)
{
    VFIODevice *vbasedev = &vdev->vbasedev;
    int ret = vbasedev->io_ops->region_read(vbasedev,
                                            VFIO_PCI_CONFIG_REGION_INDEX, 0,
                                            sizeof(place->image),
                                            place->image);

    if (ret != sizeof(place->image)) {
        error_setg(errp, "its configuration space cannot be read: %s",
                   strreaderror(ret));
        return false;
    }
    pcie_ecap_parse(place->image, &place->layout);
    return true;
}

/* Can the capability go to @offset, for the host and in the guest's list? */
static PCIEEcapReason check_place(VFIOPCIDevice *vdev, const Place *place,
                                  uint16_t offset)
{
    const uint8_t *config = PCI_DEVICE(vdev)->config;
    g_autofree PCIEEcapLayout *guest = NULL;
    PCIEEcapReason reason = pcie_ecap_check(&place->layout, place->image,
                                            offset, PCI_EXT_CAP_PASID_SIZEOF);

    if (reason) {
        return reason;
    }
    guest = g_new(PCIEEcapLayout, 1);
    pcie_ecap_parse(config, guest);
    return pcie_ecap_check(guest, config, offset, PCI_EXT_CAP_PASID_SIZEOF);
}

/* The guest sees all of these bytes as QEMU keeps them, read-only */
static void emulate(VFIOPCIDevice *vdev, uint16_t offset, unsigned size)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);

    memset(vdev->emulated_config_bits + offset, 0xff, size);
    memset(pdev->wmask + offset, 0, size);
    memset(pdev->w1cmask + offset, 0, size);
    memset(pdev->cmask + offset, 0xff, size);
}

static void add_capability(VFIOPCIDevice *vdev, uint16_t offset,
                           const HostIOMMUDevicePasidInfo *info)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    uint16_t control = PCI_PASID_CTRL_ENABLE;
    uint16_t cap = info->max_pasid_log2 << PCI_PASID_CAP_WIDTH_SHIFT;
    uint16_t link;

    /* check_place() made sure that this goes well */
    pcie_ecap_insert(pdev->config, offset, PCI_EXT_CAP_ID_PASID,
                     PCI_PASID_VER, PCI_EXT_CAP_PASID_SIZEOF, &link);

    if (info->exec_perm) {
        cap |= PCI_PASID_CAP_EXEC;
        control |= PCI_PASID_CTRL_EXEC;
    }
    if (info->priv_mod) {
        cap |= PCI_PASID_CAP_PRIV;
        control |= PCI_PASID_CTRL_PRIV;
    }

    if (link == PCI_CONFIG_SPACE_SIZE) {
        /* The head may be of our making */
        emulate(vdev, link, PCIE_ECAP_HEADER_SIZE);
    } else {
        pci_long_test_and_set_mask(vdev->emulated_config_bits + link,
                                   PCI_EXT_CAP_NEXT_MASK);
    }
    emulate(vdev, offset, PCI_EXT_CAP_PASID_SIZEOF);
    pci_set_word(pdev->config + offset + PCI_PASID_CAP, cap);
    pci_set_word(pdev->config + offset + PCI_PASID_CTRL, 0);
    pci_set_word(pdev->wmask + offset + PCI_PASID_CTRL, control);

    pdev->exp.pasid_cap = offset;
    vdev->pasid.offset = offset;
}

/* What the guest sees before anything is added; 0 if it has no PASID */
static uint16_t find_in_guest(VFIOPCIDevice *vdev)
{
    g_autofree PCIEEcapLayout *layout = g_new(PCIEEcapLayout, 1);
    const PCIEEcapExtent *ext;

    pcie_ecap_parse(PCI_DEVICE(vdev)->config, layout);
    ext = pcie_ecap_find(layout, PCI_EXT_CAP_ID_PASID);
    return ext ? ext->offset : 0;
}

static bool place_capability(VFIOPCIDevice *vdev,
                             const HostIOMMUDevicePasidInfo *info,
                             Error **errp)
{
    bool asked = vdev->pasid.wanted_offset;
    uint16_t offset = asked ? vdev->pasid.wanted_offset : OFFSET_AT_END;
    g_autofree Place *place = g_new(Place, 1);
    g_autofree char *what = NULL;
    g_autofree char *way_out = NULL;
    g_autofree char *why = NULL;
    PCIEEcapReason reason;
    Error *err = NULL;

    if (!read_place(vdev, place, &err)) {
        bool ret = refuse(vdev, true, errp, error_get_pretty(err));

        error_free(err);
        return ret;
    }

    reason = check_place(vdev, place, offset);
    if (reason) {
        what = describe(place, offset, reason);
        way_out = describe_way_out(place);
        why = g_strdup_printf("%s; %s", what, way_out);
        if (asked) {
            set_state(vdev, "disabled: %s", why);
            error_setg(errp, "x-vpasid-cap-offset=0x%x is not possible: %s",
                       offset, why);
            return false;
        }
        return refuse(vdev, true, errp, why);
    }

    add_capability(vdev, offset, info);
    set_state(vdev, "enabled: offset 0x%x, width %u, exec %d, priv %d, "
              "placed %s", offset, info->max_pasid_log2, info->exec_perm,
              info->priv_mod, asked ? "by the user" :
              "at the end of configuration space");
    return true;
}

bool vfio_pci_pasid_setup(VFIOPCIDevice *vdev, Error **errp)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    HostIOMMUDevice *hiod = vdev->vbasedev.hiod;
    HostIOMMUDevicePasidInfo info = { 0 };
    HostIOMMUDeviceClass *hioc;
    bool express = pci_bus_is_express(pci_get_bus(pdev));
    bool big = pci_is_express(pdev) &&
               vdev->config_size >= PCIE_CONFIG_SPACE_SIZE;
    g_autofree char *why = NULL;
    uint16_t own;

    own = express && big ? find_in_guest(vdev) : 0;
    if (own) {
        set_state(vdev, "passed through: the kernel exposes the capability "
                  "of the device at offset 0x%x", own);
        return true;
    }
    if (vdev->pasid.mode == ON_OFF_AUTO_OFF) {
        return refuse(vdev, false, errp, "vpasid=off");
    }
    if (!express) {
        return refuse(vdev, false, errp, "the device is on a conventional PCI "
                      "bus, which has no extended capabilities");
    }
    if (!big) {
        return refuse(vdev, false, errp, "the configuration space of the "
                      "device has 256 bytes, which leaves no room for "
                      "extended capabilities");
    }
    if (!hiod) {
        return refuse(vdev, false, errp, "there is no host IOMMU device (a "
                      "mediated or vfio-user device, or no iommufd)");
    }
    if (!(pci_device_get_viommu_flags(pdev) & VIOMMU_FLAG_PASID_SUPPORTED)) {
        return refuse(vdev, false, errp, "the vIOMMU in front of the device "
                      "does not offer PASID");
    }
    hioc = HOST_IOMMU_DEVICE_GET_CLASS(hiod);
    if (!hioc->get_pasid_info || !hioc->get_pasid_info(hiod, &info)) {
        return refuse(vdev, false, errp, "the host reports no PASID (kernel "
                      "before 6.15, not enabled for the device or its "
                      "physical function, or no iommufd)");
    }
    if (info.max_pasid_log2 < 1 ||
        info.max_pasid_log2 > PCI_EXT_CAP_PASID_MAX_WIDTH) {
        why = g_strdup_printf("the host reports a PASID width of %u bits, "
                              "which has to be 1 to %u; check the host "
                              "kernel, or use vpasid=off",
                              info.max_pasid_log2,
                              PCI_EXT_CAP_PASID_MAX_WIDTH);
        return refuse(vdev, true, errp, why);
    }
    return place_capability(vdev, &info, errp);
}

void vfio_pci_pasid_reset(VFIOPCIDevice *vdev)
{
    if (vdev->pasid.offset) {
        pci_set_word(PCI_DEVICE(vdev)->config + vdev->pasid.offset +
                     PCI_PASID_CTRL, 0);
    }
}

/* The byte that a write puts to @at, or -1 if it does not reach there */
static int written_byte(uint32_t addr, uint32_t val, int len, uint32_t at)
{
    return range_covers_byte(addr, len, at) ?
           (val >> (8 * (at - addr))) & 0xff : -1;
}

/* Will the host reset the function when it gets this write? */
static bool write_resets(VFIOPCIDevice *vdev, uint32_t addr, uint32_t val,
                         int len)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    const uint8_t *config = pdev->config;
    uint32_t at;
    int byte;

    /* Initiate Function Level Reset (7.5.3.4) */
    at = pdev->exp.exp_cap + PCI_EXP_DEVCTL + 1;
    byte = written_byte(addr, val, len, at);
    if (pdev->exp.exp_cap && byte >= 0 &&
        (byte & (PCI_EXP_DEVCTL_BCR_FLR >> 8)) &&
        (pci_get_long(config + pdev->exp.exp_cap + PCI_EXP_DEVCAP) &
         PCI_EXP_DEVCAP_FLR)) {
        return true;
    }

    /* The same for functions that are not PCI Express in all (7.9.21) */
    at = pci_find_capability(pdev, PCI_CAP_ID_AF);
    byte = written_byte(addr, val, len, at + PCI_AF_CTRL);
    if (at && byte >= 0 && (byte & PCI_AF_CTRL_FLR) &&
        (config[at + PCI_AF_CAP] & PCI_AF_CAP_FLR)) {
        return true;
    }

    /* D3hot to D0 without No_Soft_Reset (5.3.1.4) */
    byte = written_byte(addr, val, len, pdev->pm_cap + PCI_PM_CTRL);
    return pdev->pm_cap && vdev->has_pm_reset && byte >= 0 &&
           (config[pdev->pm_cap + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK) == 3 &&
           !(byte & PCI_PM_CTRL_STATE_MASK);
}

bool vfio_pci_pasid_write_config(VFIOPCIDevice *vdev, uint32_t addr,
                                 uint32_t val, int len)
{
    uint16_t offset = vdev->pasid.offset;
    PCIDevice *pdev = PCI_DEVICE(vdev);

    if (!offset) {
        return false;
    }
    if (!ranges_overlap(addr, len, offset, PCI_EXT_CAP_PASID_SIZEOF)) {
        if (write_resets(vdev, addr, val, len)) {
            vfio_pci_pasid_reset(vdev);
        }
        return false;
    }
    if (addr >= offset && addr + len <= offset + PCI_EXT_CAP_PASID_SIZEOF) {
        pci_default_write_config(pdev, addr, val, len);
        return true;
    }
    /* Half here, half on the host */
    for (int i = 0; i < len; i++) {
        vfio_pci_write_config(pdev, addr + i, (val >> (8 * i)) & 0xff, 1);
    }
    return true;
}

static char *get_state(Object *obj, Error **errp)
{
    const VFIOPCIDevice *vdev = VFIO_PCI_DEVICE(obj);

    return g_strdup(vdev->pasid.state ?: "not decided: not realized");
}

void vfio_pci_pasid_class_init(ObjectClass *klass)
{
    object_class_property_add_str(klass, "vpasid-state", get_state, NULL);
    object_class_property_set_description(klass, "vpasid-state",
        "Whether the guest has a PASID capability, and why (read-only)");
    object_class_property_set_description(klass, "vpasid",
        "PASID capability for the guest: on fails without, off never has it");
    object_class_property_set_description(klass, "x-vpasid-cap-offset",
        "Offset of the PASID capability, 0x100 to 0xff8; 0 chooses");
}

void vfio_pci_pasid_finalize(VFIOPCIDevice *vdev)
{
    g_clear_pointer(&vdev->pasid.state, g_free);
}
