/*
 * PASID capability of VFIO PCI devices
 *
 * The kernel hides the PASID capability of a device from VFIO users, since
 * PASID is configured through iommufd. Guests need it to know that they may
 * use PASID, and how. What they get is emulated; whether they get it follows
 * what the host reports and what the vIOMMU offers, and is decided here.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include "hw/iommu.h"
#include "hw/pci/pci_bus.h"
#include "hw/vfio/vfio-device.h"
#include "migration/cpr.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "system/host_iommu_device.h"
#include "pci.h"
#include "pci-pasid.h"
#include "pci-pasid-adopt.h"
#include "pci-pasid-place.h"
#include "pci-pasid-regs.h"
#include "trace.h"

/*
 * With one of these the kernel may come by an element of the list twice. It
 * then puts back the link to a capability that it has hidden.
 */
#define LIST_NOT_TRUSTED    \
    (PCIE_ECAP_BROKEN | PCIE_ECAP_INTO_BODY | PCIE_ECAP_OVERLAP)

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
    if (warn && vdev->pasid.mode != ON_OFF_AUTO_OFF) {
        warn_report(VFIO_MSG_PREFIX "no PASID for the guest: %s",
                    vdev->vbasedev.name, why);
    }
    return true;
}

/* The same with the reason in an error, which is freed */
static bool refuse_err(VFIOPCIDevice *vdev, Error **errp, Error *err)
{
    bool ret = refuse(vdev, true, errp, error_get_pretty(err));

    error_free(err);
    return ret;
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

/*
 * Why the kernel may show a PASID capability at @own by mistake; NULL if it
 * does not look so. What is there then are the registers of the device.
 */
static const char *shown_by_mistake(const PCIEEcapLayout *layout, uint16_t own)
{
    uint32_t bad = layout->defects & LIST_NOT_TRUSTED;
    const PCIEEcapExtent *link = NULL;

    if (bad) {
        return pcie_ecap_defect_name(bad);
    }
    for (unsigned i = 0; i + 1 < layout->count; i++) {
        if (layout->extents[i + 1].offset == own) {
            link = &layout->extents[i];
        }
    }
    /*
     * The kernel takes two of an ID that adjoin for one. What it changed in
     * the header of the second does not show.
     */
    for (unsigned i = 0; link && i < layout->count; i++) {
        const PCIEEcapExtent *ext = &layout->extents[i];

        if (ext->id == link->id && ext->offset + ext->size == link->offset) {
            return "has two capabilities of a kind that adjoin";
        }
    }
    return NULL;
}

static void set_passed_through(VFIOPCIDevice *vdev, uint16_t own)
{
    set_state(vdev, "passed through: the kernel exposes the capability of the "
              "device at offset 0x%x", own);
}

static void drop_own(VFIOPCIDevice *vdev)
{
    uint16_t at;

    while ((at = find_in_guest(vdev))) {
        vfio_pci_pasid_drop(vdev, at);
    }
}

/* The kernel shows a PASID capability at @own, and it is not QEMU's to add */
static bool setup_own(VFIOPCIDevice *vdev, const VFIOPCIPasidView *view,
                      uint16_t own, Error **errp)
{
    const char *mistake = shown_by_mistake(&view->layout, own);
    g_autofree char *why = NULL;

    if (cpr_is_incoming() ||
        (!mistake && vdev->pasid.mode != ON_OFF_AUTO_OFF)) {
        set_passed_through(vdev, own);
        return true;
    }

    drop_own(vdev);
    if (vdev->pasid.mode == ON_OFF_AUTO_OFF) {
        return refuse(vdev, false, errp, "vpasid=off");
    }
    why = g_strdup_printf("the list of extended capabilities of the device "
                          "%s, so the PASID capability in it at offset 0x%x "
                          "may be one that the kernel means to hide",
                          mistake, own);
    return refuse(vdev, true, errp, why);
}

/* Wherever the virtual registers go: the guest does not get at those below */
static void shadow_hidden(VFIOPCIDevice *vdev, const VFIOPCIPasidView *view)
{
    uint16_t at = 0;
    uint16_t size;

    while ((size = pcie_ecap_pasid_registers(&view->layout, view->image,
                                             &vdev->pasid.host, &at))) {
        trace_vfio_pci_pasid_shadow(vdev->vbasedev.name, at, size);
        vfio_pci_pasid_shadow(vdev, at, size);
        at += size;
    }
}

/* Put @pasid, which the host and the vIOMMU allow, to @offset */
static bool add_capability(VFIOPCIDevice *vdev, uint16_t offset,
                           const PCIEEcapPasid *pasid, const char *how,
                           Error **errp)
{
    const PCIEEcapPasid *host = &vdev->pasid.host;
    g_autofree char *limit = NULL;

    if (!vfio_pci_pasid_add(vdev, offset, pasid, errp)) {
        return false;
    }
    limit = pasid->width == host->width ? g_strdup("") :
            g_strdup_printf(" of the %u of the host", host->width);
    set_state(vdev, "enabled: offset 0x%x, width %u%s, exec %d, priv %d, "
              "placed %s", offset, pasid->width, limit, pasid->exec,
              pasid->priv, how);
    return true;
}

static bool place_and_add(VFIOPCIDevice *vdev, const VFIOPCIPasidView *view,
                          Error **errp)
{
    PCIEEcapPasid pasid = vdev->pasid.host;
    const char *how = NULL;
    uint16_t offset = 0;
    Error *err = NULL;

    if (!vfio_pci_pasid_place(vdev, view, &vdev->pasid.host, &offset, &how,
                              &err)) {
        if (vdev->pasid.wanted_offset) {
            /* The user asked for what is not possible, so auto is no excuse */
            set_state(vdev, "disabled: %s", error_get_pretty(err));
            error_propagate(errp, err);
            return false;
        }
        return refuse_err(vdev, errp, err);
    }

    pasid.width = vdev->pasid.width;
    return add_capability(vdev, offset, &pasid, how, &err) ||
           refuse_err(vdev, errp, err);
}

/* Why nobody can be asked about PASID; NULL if somebody can */
static const char *no_host(VFIOPCIDevice *vdev)
{
    HostIOMMUDevice *hiod = vdev->vbasedev.hiod;

    if (!hiod) {
        return "there is no host IOMMU device: a mediated or vfio-user device "
               "has none";
    }
    if (!HOST_IOMMU_DEVICE_GET_CLASS(hiod)->get_pasid_info) {
        return "there is no host IOMMU device that knows of PASID: the device "
               "is in a legacy container; assign it with iommufd=ID";
    }
    return NULL;
}

/* What the host says of the device; a width of 0 is no PASID */
static void ask_host(VFIOPCIDevice *vdev, PCIEEcapPasid *host)
{
    HostIOMMUDevice *hiod = vdev->vbasedev.hiod;
    HostIOMMUDevicePasidInfo info = { 0 };

    *host = (PCIEEcapPasid) { 0 };
    if (HOST_IOMMU_DEVICE_GET_CLASS(hiod)->get_pasid_info(hiod, &info)) {
        host->width = info.max_pasid_log2;
        host->exec = info.exec_perm;
        host->priv = info.priv_mod;
    }
}

/* Why the guest cannot have the capability; NULL if it can */
static const char *no_offer(VFIOPCIDevice *vdev, bool express, bool big)
{
    const char *nobody = no_host(vdev);

    if (!express) {
        return "the device is on a conventional PCI bus, which has no "
               "extended capabilities";
    }
    if (!big) {
        return "the configuration space of the device has no more than 256 "
               "bytes, which leaves no room for extended capabilities";
    }
    if (nobody) {
        return nobody;
    }
    if (!(pci_device_get_viommu_flags(PCI_DEVICE(vdev)) &
          VIOMMU_FLAG_PASID_SUPPORTED)) {
        return "the vIOMMU in front of the device does not offer PASID, or "
               "there is none";
    }
    if (!vdev->pasid.host.width) {
        return "the host reports no PASID: its kernel is older than 6.15, or "
               "PASID is not enabled for the device, or, with a virtual "
               "function, for its physical function";
    }
    return NULL;
}

/* How wide the capability can be, where no_offer() has nothing to say */
static uint8_t width_of_offer(VFIOPCIDevice *vdev)
{
    uint64_t flags = pci_device_get_viommu_flags(PCI_DEVICE(vdev));
    uint8_t width = MIN(vdev->pasid.host.width, PCIE_ECAP_PASID_MAX_WIDTH);
    uint8_t limit = viommu_flags_pasid_width(flags);

    return limit ? MIN(width, limit) : width;
}

bool vfio_pci_pasid_setup(VFIOPCIDevice *vdev, Error **errp)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    bool express = pci_bus_is_express(pci_get_bus(pdev));
    bool big = pci_is_express(pdev) &&
               vdev->config_size > PCI_CONFIG_SPACE_SIZE;
    g_autofree VFIOPCIPasidView *view = NULL;
    const char *why;
    uint16_t own = 0;
    Error *err = NULL;

    if (!no_host(vdev)) {
        ask_host(vdev, &vdev->pasid.host);
    }
    if (express && big) {
        vfio_pci_pasid_do_not_compare(vdev);
        own = find_in_guest(vdev);
    }
    if (express && big && (own || vdev->pasid.host.width)) {
        view = vfio_pci_pasid_view(vdev, &err);
        if (!view) {
            return refuse_err(vdev, errp, err);
        }
        if (own) {
            return setup_own(vdev, view, own, errp);
        }
        shadow_hidden(vdev, view);
    }

    why = no_offer(vdev, express, big);
    if (!why) {
        vdev->pasid.width = width_of_offer(vdev);
    }
    if (vdev->pasid.mode == ON_OFF_AUTO_OFF) {
        return refuse(vdev, false, errp, "vpasid=off");
    }
    if (why) {
        return refuse(vdev, false, errp, why);
    }
    if (cpr_is_incoming()) {
        /* The guest knows where it is */
        set_state(vdev, "not decided: the state of the guest was not loaded");
        return true;
    }
    return place_and_add(vdev, view, errp);
}

/* @known is a virtual capability of the guest at @offset */
static bool adopt_virtual(VFIOPCIDevice *vdev, uint16_t offset,
                          const PCIEEcapPasid *known, Error **errp)
{
    const PCIEEcapPasid *host = &vdev->pasid.host;
    g_autofree VFIOPCIPasidView *view = NULL;

    if (!vdev->pasid.width) {
        error_setg(errp, VFIO_MSG_PREFIX "the guest has a PASID capability at "
                   "offset 0x%x, which it cannot have here (%s); give QEMU "
                   "the options that it had before",
                   vdev->vbasedev.name, offset, vdev->pasid.state);
        return false;
    }
    if (!known->width || known->width > vdev->pasid.width ||
        known->exec > host->exec || known->priv > host->priv) {
        error_setg(errp, VFIO_MSG_PREFIX "the PASID capability of the guest at "
                   "offset 0x%x says width %u, exec %d, priv %d, and here it "
                   "could only say width %u, exec %d, priv %d; unplug the "
                   "device before QEMU is replaced", vdev->vbasedev.name,
                   offset, known->width, known->exec, known->priv,
                   vdev->pasid.width, host->exec, host->priv);
        return false;
    }
    view = vfio_pci_pasid_view(vdev, errp);
    return view && vfio_pci_pasid_check_known(vdev, view, offset, errp) &&
           add_capability(vdev, offset, known, "where the guest knows it",
                          errp);
}

bool vfio_pci_pasid_adopt(VFIOPCIDevice *vdev, const uint8_t *known,
                          Error **errp)
{
    g_autofree PCIEEcapLayout *layout = g_new(PCIEEcapLayout, 1);
    uint16_t own = find_in_guest(vdev);
    const PCIEEcapExtent *ext;
    PCIEEcapPasid pasid = { 0 };

    pcie_ecap_parse(known, layout);
    ext = pcie_ecap_find(layout, PCI_EXT_CAP_ID_PASID);
    if (!ext) {
        drop_own(vdev);
        if (own || vdev->pasid.width) {
            set_state(vdev, "disabled: the guest was started without the "
                      "capability");
        }
        if (vdev->pasid.mode == ON_OFF_AUTO_ON) {
            warn_report(VFIO_MSG_PREFIX "vpasid=on is too late: the guest was "
                        "started without the capability",
                        vdev->vbasedev.name);
        }
        return true;
    }
    if (vdev->pasid.mode == ON_OFF_AUTO_OFF) {
        warn_report(VFIO_MSG_PREFIX "vpasid=off is too late: the guest was "
                    "started with the capability", vdev->vbasedev.name);
    }
    if (own) {
        /* It is the same one, or will be found to differ */
        return true;
    }
    pcie_ecap_pasid_read(known, ext->offset, &pasid);
    return adopt_virtual(vdev, ext->offset, &pasid, errp);
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
}

void vfio_pci_pasid_describe(ObjectClass *klass)
{
    object_class_property_set_description(klass, "vpasid",
        "PASID capability for the guest: on fails without, off never has it");
    object_class_property_set_description(klass, "x-vpasid-cap-offset",
        "Offset of the PASID capability, 0x100 to 0xff8; 0 chooses");
}

void vfio_pci_pasid_finalize(VFIOPCIDevice *vdev)
{
    g_clear_pointer(&vdev->pasid.state, g_free);
    g_clear_pointer(&vdev->pasid.saved, g_free);
}
