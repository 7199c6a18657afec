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
#include <linux/vfio.h>

#include "hw/iommu.h"
#include "hw/pci/pci_bus.h"
#include "hw/vfio/vfio-device.h"
#include "migration/cpr.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "system/host_iommu_device.h"
#include "pci-pasid-internal.h"
#include "trace.h"

#define EXT_SIZE    (PCIE_CONFIG_SPACE_SIZE - PCI_CONFIG_SPACE_SIZE)

/* Extended configuration space as it was before the state was read (CPR) */
struct VFIOPCIPasidSaved {
    uint8_t config[EXT_SIZE];
    uint8_t cmask[EXT_SIZE];
};

/*
 * The configuration space of a device as the kernel shows it, with capabilities
 * that the guest does not get and with registers that belong to none. Bytes
 * behind the end of the device's own space, at @size, read zero. The layout
 * reserves these, and all that the guest sees.
 */
typedef struct VFIOPasidView {
    uint8_t image[PCIE_ECAP_IMAGE_SIZE];
    uint16_t size;
    PCIEEcapLayout layout;
} VFIOPasidView;

/*
 * Have the device go on without the capability, for @reason. With x-vpasid=on
 * it is an error. The user is warned if something is wrong, of which @text
 * tells. Reasons that need no @text are those of devices for which PASID was
 * never to be had.
 */
static bool vfio_pasid_go_without(VFIOPCIDevice *vdev, VfioPasidReason reason,
                                  const char *text, Error **errp)
{
    ERRP_GUARD();

    vfio_pasid_set_disabled(vdev, reason, text);
    if (vdev->pasid.mode == ON_OFF_AUTO_ON) {
        error_setg(errp, "x-vpasid=on, but %s",
                   text ?: vfio_pasid_reason_text(reason));
        error_append_hint(errp, "Use x-vpasid=auto to go on without PASID.\n");
        return false;
    }
    if (text && vdev->pasid.mode != ON_OFF_AUTO_OFF) {
        warn_report(VFIO_MSG_PREFIX "no PASID for the guest: %s "
                    "(x-vpasid=off silences this)", vdev->vbasedev.name, text);
    }
    return true;
}

/* The same where configuration space cannot be relied on; @why is freed */
static bool vfio_pasid_go_without_err(VFIOPCIDevice *vdev, Error *why,
                                      Error **errp)
{
    bool ret = vfio_pasid_go_without(vdev, VFIO_PASID_REASON_CONFIG_UNREADABLE,
                                     error_get_pretty(why), errp);

    error_free(why);
    return ret;
}

/*
 * The view of the host counts, not that of the guest: it has registers of
 * capabilities that the guest does not get.
 */
static VFIOPasidView *vfio_pasid_view(VFIOPCIDevice *vdev, Error **errp)
{
    VFIODevice *vbasedev = &vdev->vbasedev;
    g_autofree VFIOPasidView *view = g_new0(VFIOPasidView, 1);
    g_autofree PCIEEcapLayout *guest = g_new(PCIEEcapLayout, 1);
    int ret;

    view->size = vdev->config_size;
    ret = vbasedev->io_ops->region_read(vbasedev, VFIO_PCI_CONFIG_REGION_INDEX,
                                        0, view->size, view->image);
    if (ret != view->size) {
        error_setg(errp, "its configuration space cannot be read: %s",
                   strreaderror(ret));
        return NULL;
    }
    pcie_ecap_parse(view->image, &view->layout);
    pcie_ecap_parse(PCI_DEVICE(vdev)->config, guest);
    for (unsigned i = 0; i < guest->count; i++) {
        pcie_ecap_reserve(&view->layout, guest->extents[i].offset,
                          guest->extents[i].size);
    }
    pcie_ecap_reserve(&view->layout, view->size,
                      sizeof(view->image) - view->size);
    return g_steal_pointer(&view);
}

/* The PASID capability in @config; 0 if there is none */
static uint16_t vfio_pasid_find(const uint8_t *config)
{
    g_autofree PCIEEcapLayout *layout = g_new(PCIEEcapLayout, 1);
    const PCIEEcapExtent *ext;

    pcie_ecap_parse(config, layout);
    ext = pcie_ecap_find(layout, PCI_EXT_CAP_ID_PASID);
    return ext ? ext->offset : 0;
}

static void vfio_pasid_drop_all(VFIOPCIDevice *vdev)
{
    uint16_t at;

    while ((at = vfio_pasid_find(PCI_DEVICE(vdev)->config))) {
        vfio_pasid_drop(vdev, at);
    }
}

/* Wherever the virtual registers go: the guest does not get at those below */
static void vfio_pasid_hide_own(VFIOPCIDevice *vdev, const VFIOPasidView *view)
{
    uint16_t at = 0;
    uint16_t size;

    while ((size = vfio_pasid_next_registers(&view->layout, view->image,
                                             &vdev->pasid.host, &at))) {
        trace_vfio_pci_pasid_hide(vdev->vbasedev.name, at, size);
        vfio_pasid_hide(vdev, at, size);
        at += size;
    }
}

/*
 * A host that enables PASID for a device has other values in its registers than
 * one that does not, and the guest does not know of them. So QEMU's copy of
 * what looks like them is not compared when a stream is read, whatever this
 * host says of PASID.
 */
static void vfio_pasid_do_not_compare(PCIDevice *pdev)
{
    static const VFIOPasidCap any = { .width = 1 };
    g_autofree PCIEEcapLayout *layout = g_new(PCIEEcapLayout, 1);
    uint16_t at = 0;
    uint16_t size;

    pcie_ecap_parse(pdev->config, layout);
    while ((size = vfio_pasid_next_registers(layout, pdev->config, &any,
                                             &at))) {
        memset(pdev->cmask + at, 0, size);
        at += size;
    }
}

/* Is what can be read at @offset what the capability there stands for? */
static bool vfio_pasid_is_own(VFIOPCIDevice *vdev, const VFIOPasidView *view,
                              uint16_t offset)
{
    uint16_t own = 0;

    if (offset == PCI_CONFIG_SPACE_SIZE) {
        /* The kernel leaves an anchor for the first one, and its registers */
        return vfio_pci_pasid_hides(vdev, offset + PCI_PASID_CAP);
    }
    return vfio_pasid_find_own(&view->layout, view->image, &vdev->pasid.host,
                               &own) == 1 && own == offset;
}

/* Can the capability go where the user wants it? */
static bool vfio_pasid_check_wanted(VFIOPCIDevice *vdev,
                                    const VFIOPasidView *view, Error **errp)
{
    ERRP_GUARD();
    uint16_t wanted = vdev->pasid.wanted_offset;
    PCIEEcapReason reason = pcie_ecap_check(&view->layout, view->image, wanted,
                                            PCI_EXT_CAP_PASID_SIZEOF);
    g_autofree char *what = NULL;
    g_autofree char *other = NULL;
    VFIOPasidPlace place;

    if (!reason || (reason == PCIE_ECAP_NONZERO &&
                    vfio_pasid_is_own(vdev, view, wanted))) {
        return true;
    }
    what = vfio_pasid_describe(&view->layout, view->size, wanted, reason);
    vfio_pasid_choose_place(&view->layout, view->image, &vdev->pasid.host,
                            &place);
    other = place.offset ? g_strdup_printf("0x%x", place.offset) :
                           g_strdup("no other offset");
    error_setg(errp, "x-vpasid-cap-offset=0x%x is not possible: %s; %s would "
               "work", wanted, what, other);
    error_append_hint(errp, "Use x-vpasid=off to go on without PASID.\n");
    return false;
}

static bool vfio_pasid_place_and_enable(VFIOPCIDevice *vdev,
                                        const VFIOPasidView *view,
                                        Error **errp)
{
    static const VfioPasidWhere steps[] = {
        [VFIO_PASID_STEP_END] = VFIO_PASID_WHERE_END,
        [VFIO_PASID_STEP_HOST] = VFIO_PASID_WHERE_HOST,
        [VFIO_PASID_STEP_GAP] = VFIO_PASID_WHERE_GAP,
    };
    uint16_t offset = vdev->pasid.wanted_offset;
    VfioPasidWhere where = VFIO_PASID_WHERE_USER;
    VFIOPasidCap cap = vdev->pasid.host;
    VFIOPasidPlace place;
    Error *err = NULL;

    if (offset) {
        /* With x-vpasid=auto, too: the user asked for what is not possible */
        if (!vfio_pasid_check_wanted(vdev, view, errp)) {
            return false;
        }
    } else if (vfio_pasid_choose_place(&view->layout, view->image,
                                       &vdev->pasid.host, &place)) {
        offset = place.offset;
        where = steps[place.step];
    } else {
        g_autofree char *why = vfio_pasid_describe_place(&view->layout,
                                                         view->size, &place);
        bool broken = place.end == PCIE_ECAP_BAD_CHAIN;
        g_autofree char *text = g_strconcat(broken ? "" : "there is no room: ",
                                            why, NULL);

        return vfio_pasid_go_without(vdev, broken ?
                                     VFIO_PASID_REASON_LIST_BROKEN :
                                     VFIO_PASID_REASON_NO_ROOM, text, errp);
    }
    cap.width = vdev->pasid.width;
    return vfio_pasid_add(vdev, offset, &cap, where, &err) ||
           vfio_pasid_go_without_err(vdev, err, errp);
}

/* Ask the host about PASID. Returns why nobody can be asked. */
static VfioPasidReason vfio_pasid_ask_host(VFIOPCIDevice *vdev)
{
    HostIOMMUDevice *hiod = vdev->vbasedev.hiod;
    HostIOMMUDevicePasidInfo info = { 0 };

    if (!hiod) {
        return VFIO_PASID_REASON_NO_HOST_IOMMU;
    }
    if (!HOST_IOMMU_DEVICE_GET_CLASS(hiod)->get_pasid_info) {
        return VFIO_PASID_REASON_LEGACY_CONTAINER;
    }
    if (HOST_IOMMU_DEVICE_GET_CLASS(hiod)->get_pasid_info(hiod, &info)) {
        vdev->pasid.host = (VFIOPasidCap) {
            .width = MIN(info.max_pasid_log2, UINT8_MAX),
            .exec = info.exec_perm,
            .priv = info.priv_mod,
        };
    }
    return VFIO_PASID_REASON_NONE;
}

/* Why the guest has no extended capabilities at all */
static VfioPasidReason vfio_pasid_no_space(VFIOPCIDevice *vdev)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);

    if (!pci_bus_is_express(pci_get_bus(pdev))) {
        return VFIO_PASID_REASON_CONVENTIONAL_BUS;
    }
    if (!pci_is_express(pdev) || vdev->config_size <= PCI_CONFIG_SPACE_SIZE) {
        return VFIO_PASID_REASON_SHORT_CONFIG_SPACE;
    }
    return VFIO_PASID_REASON_NONE;
}

/* Why nobody offers PASID to the guest */
static VfioPasidReason vfio_pasid_no_offer(VFIOPCIDevice *vdev)
{
    if (!(pci_device_get_viommu_flags(PCI_DEVICE(vdev)) &
          VIOMMU_FLAG_PASID_SUPPORTED)) {
        return VFIO_PASID_REASON_VIOMMU_NO_PASID;
    }
    return vdev->pasid.host.width ? VFIO_PASID_REASON_NONE :
                                    VFIO_PASID_REASON_HOST_NO_PASID;
}

bool vfio_pci_pasid_setup(VFIOPCIDevice *vdev, Error **errp)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    VFIOPCIPasid *pasid = &vdev->pasid;
    VfioPasidReason no_host = vfio_pasid_ask_host(vdev);
    VfioPasidReason reason = vfio_pasid_no_space(vdev);
    g_autofree VFIOPasidView *view = NULL;
    g_autofree char *problem = NULL;
    uint16_t own = 0;
    Error *err = NULL;

    if (!reason) {
        vfio_pasid_do_not_compare(pdev);
        own = vfio_pasid_find(pdev->config);
    }
    if (!reason && (own || pasid->host.width)) {
        view = vfio_pasid_view(vdev, &err);
        if (!view) {
            return vfio_pasid_go_without_err(vdev, err, errp);
        }
        if (own && pasid->mode != ON_OFF_AUTO_OFF &&
            !vfio_pasid_shown_by_mistake(&view->layout, own)) {
            vfio_pasid_set_passed_through(vdev, own);
            return true;
        }
        /* A guest that is taken over (CPR) may know it: vfio_pasid_adopt() */
        if (!cpr_is_incoming()) {
            vfio_pasid_drop_all(vdev);
        }
        vfio_pasid_hide_own(vdev, view);
    }

    reason = reason ?: no_host ?: vfio_pasid_no_offer(vdev);
    if (!reason) {
        pasid->width = MIN_NON_ZERO(MIN(pasid->host.width,
                                        PCI_EXT_CAP_PASID_MAX_WIDTH),
                                    pci_device_get_viommu_pasid_width(pdev));
    }
    if (pasid->mode == ON_OFF_AUTO_OFF) {
        reason = VFIO_PASID_REASON_OFF;
    }
    if (reason) {
        return vfio_pasid_go_without(vdev, reason, NULL, errp);
    }
    if (cpr_is_incoming()) {
        /* The guest knows where it is */
        vfio_pasid_set_disabled(vdev, VFIO_PASID_REASON_GUEST_NOT_LOADED,
                                NULL);
        return true;
    }
    if (vfio_pasid_is_off(&view->layout, view->image, &pasid->host)) {
        reason = VFIO_PASID_REASON_DEVICE_PASID_OFF;
        problem = g_strdup_printf("PASID is off in the device, although the "
            "host reports %u bits of it: the host failed to enable it, as its "
            "log says; the device and the ports above it in the host need "
            "end-to-end TLP prefixes, and each port access control services "
            "(ACS), which another slot may have", pasid->host.width);
    } else {
        problem = vfio_pasid_path_problem(pdev, &reason);
    }
    if (problem) {
        return vfio_pasid_go_without(vdev, reason, problem, errp);
    }
    return vfio_pasid_place_and_enable(vdev, view, errp);
}

/*
 * Where a new QEMU process takes a guest over (CPR), the capability has to be
 * where the guest knows it, whatever x-vpasid-cap-offset or the rules of the
 * new QEMU say. The state that comes in has the configuration space that the
 * guest saw, and with it the offset. Therefore nothing is added when the device
 * is realized, but when its state has been read.
 */

/* The guest that is taken over knows a virtual capability @known at @offset */
static bool vfio_pasid_adopt_virtual(VFIOPCIDevice *vdev, uint16_t offset,
                                     const VFIOPasidCap *known, Error **errp)
{
    const VFIOPasidCap *host = &vdev->pasid.host;
    g_autofree VFIOPasidView *view = NULL;
    g_autofree char *what = NULL;
    PCIEEcapReason reason;

    if (!vdev->pasid.width) {
        error_setg(errp, VFIO_MSG_PREFIX "the guest has a PASID capability at "
                   "offset 0x%x, which it cannot have here (%s); give QEMU "
                   "the options that it had before",
                   vdev->vbasedev.name, offset, vdev->pasid.state->text);
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
    view = vfio_pasid_view(vdev, errp);
    if (!view) {
        return false;
    }
    reason = pcie_ecap_check(&view->layout, view->image, offset,
                             PCI_EXT_CAP_PASID_SIZEOF);
    /* The guest has not seen the registers below since it started */
    if (!reason || reason == PCIE_ECAP_NONZERO) {
        return vfio_pasid_add(vdev, offset, known, VFIO_PASID_WHERE_GUEST,
                              errp);
    }
    what = vfio_pasid_describe(&view->layout, view->size, offset, reason);
    error_setg(errp, VFIO_MSG_PREFIX "the guest has its PASID capability at "
               "offset 0x%x, where it cannot be here: %s; unplug the device "
               "before QEMU is replaced", vdev->vbasedev.name, offset, what);
    return false;
}

/* Give the guest that is taken over what it knows of PASID, from @known */
static bool vfio_pasid_adopt(VFIOPCIDevice *vdev, const uint8_t *known,
                             Error **errp)
{
    uint16_t own = vfio_pasid_find(PCI_DEVICE(vdev)->config);
    uint16_t offset = vfio_pasid_find(known);
    VFIOPasidCap cap = { 0 };

    if (!offset) {
        vfio_pasid_drop_all(vdev);
        if (own || vdev->pasid.width) {
            vfio_pasid_set_disabled(vdev, VFIO_PASID_REASON_GUEST_WITHOUT,
                                    NULL);
        }
        if (vdev->pasid.mode == ON_OFF_AUTO_ON) {
            warn_report(VFIO_MSG_PREFIX "x-vpasid=on is too late: the guest "
                        "was started without the capability",
                        vdev->vbasedev.name);
        }
        return true;
    }
    if (vdev->pasid.mode == ON_OFF_AUTO_OFF) {
        warn_report(VFIO_MSG_PREFIX "x-vpasid=off is too late: the guest was "
                    "started with the capability", vdev->vbasedev.name);
    }
    if (own == offset) {
        /* It is the same one, or will be found to differ */
        vfio_pasid_set_passed_through(vdev, own);
        return true;
    }
    vfio_pasid_drop_all(vdev);
    vfio_pasid_read(known, offset, &cap);
    return vfio_pasid_adopt_virtual(vdev, offset, &cap, errp);
}

void vfio_pci_pasid_cpr_pre_load(VFIOPCIDevice *vdev)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    VFIOPCIPasidSaved *saved;

    /* One left over is from a stream that failed for another reason */
    g_clear_pointer(&vdev->pasid.saved, g_free);
    if (!pci_bus_is_express(pci_get_bus(pdev)) ||
        pci_config_size(pdev) < PCIE_CONFIG_SPACE_SIZE) {
        return;
    }
    saved = g_new(VFIOPCIPasidSaved, 1);
    memcpy(saved->config, pdev->config + PCI_CONFIG_SPACE_SIZE, EXT_SIZE);
    memcpy(saved->cmask, pdev->cmask + PCI_CONFIG_SPACE_SIZE, EXT_SIZE);
    vdev->pasid.saved = saved;

    /* Compared by vfio_pci_pasid_cpr_post_load(), with what it adds */
    memset(pdev->cmask + PCI_CONFIG_SPACE_SIZE, 0, EXT_SIZE);
}

bool vfio_pci_pasid_cpr_post_load(VFIOPCIDevice *vdev, Error **errp)
{
    PCIDevice *pdev = PCI_DEVICE(vdev);
    uint8_t *ext = pdev->config + PCI_CONFIG_SPACE_SIZE;
    g_autofree VFIOPCIPasidSaved *saved = g_steal_pointer(&vdev->pasid.saved);
    g_autofree uint8_t *known = NULL;

    if (!saved) {
        return true;
    }
    known = g_memdup2(pdev->config, PCIE_CONFIG_SPACE_SIZE);
    memcpy(ext, saved->config, EXT_SIZE);
    memcpy(pdev->cmask + PCI_CONFIG_SPACE_SIZE, saved->cmask, EXT_SIZE);
    if (!vfio_pasid_adopt(vdev, known, errp)) {
        return false;
    }
    for (unsigned i = PCI_CONFIG_SPACE_SIZE; i < PCIE_CONFIG_SPACE_SIZE; i++) {
        if ((known[i] ^ pdev->config[i]) & pdev->cmask[i] &
            ~pdev->wmask[i] & ~pdev->w1cmask[i]) {
            error_setg(errp, VFIO_MSG_PREFIX "configuration space is not what "
                       "the guest knows: 0x%x instead of 0x%x at offset 0x%x; "
                       "unplug the device before QEMU is replaced",
                       vdev->vbasedev.name, pdev->config[i], known[i], i);
            return false;
        }
    }
    memcpy(ext, known + PCI_CONFIG_SPACE_SIZE, EXT_SIZE);
    return true;
}
