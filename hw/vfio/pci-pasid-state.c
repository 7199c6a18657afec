/*
 * State of the PASID capability of VFIO PCI devices
 *
 * A property and a trace event report the decision about the capability and its
 * reason. Programs compare the fields, people read the text.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include "qapi/error.h"
#include "qapi/qapi-visit-vfio-pasid.h"
#include "pci-pasid-internal.h"
#include "trace.h"

const char *vfio_pasid_reason_text(VfioPasidReason reason)
{
    static const char *const texts[VFIO_PASID_REASON__MAX] = {
        [VFIO_PASID_REASON_GUEST_NOT_LOADED] =
            "the state of the guest was not loaded",
        [VFIO_PASID_REASON_OFF] = "x-vpasid=off",
        [VFIO_PASID_REASON_CONVENTIONAL_BUS] =
            "the device is on a conventional PCI bus, which has no extended "
            "capabilities; put it behind a pcie-root-port",
        [VFIO_PASID_REASON_SHORT_CONFIG_SPACE] =
            "the configuration space of the device has no more than 256 "
            "bytes, which leaves no room for extended capabilities",
        [VFIO_PASID_REASON_NO_HOST_IOMMU] =
            "there is no host IOMMU device: a mediated or vfio-user device "
            "has none",
        [VFIO_PASID_REASON_LEGACY_CONTAINER] =
            "there is no host IOMMU device that knows of PASID: the device is "
            "in a legacy container; assign it with iommufd=ID",
        [VFIO_PASID_REASON_VIOMMU_NO_PASID] =
            "the vIOMMU in front of the device does not offer PASID, or there "
            "is none",
        [VFIO_PASID_REASON_HOST_NO_PASID] =
            "the host reports no PASID: its kernel is older than 6.15, or "
            "PASID is not enabled for the device, or, with a virtual "
            "function, for its physical function",
        [VFIO_PASID_REASON_GUEST_WITHOUT] =
            "the guest was started without the capability",
    };

    return texts[reason];
}

static void vfio_pasid_set_state(VFIOPCIDevice *vdev,
                                 const VfioPasidState *state)
{
    qapi_free_VfioPasidState(vdev->pasid.state);
    vdev->pasid.state = g_memdup2(state, sizeof(*state));
    trace_vfio_pci_pasid(vdev->vbasedev.name, state->text);
}

void vfio_pasid_set_disabled(VFIOPCIDevice *vdev, VfioPasidReason reason,
                             const char *text)
{
    bool undecided = reason == VFIO_PASID_REASON_GUEST_NOT_LOADED;

    vfio_pasid_set_state(vdev, &(VfioPasidState) {
        .reason = reason,
        .text = g_strdup_printf("%s: %s", undecided ? "not decided" :
                                                      "disabled",
                                text ?: vfio_pasid_reason_text(reason)),
    });
}

/* The limit that gave the capability @width bits */
static VfioPasidLimit vfio_pasid_limit(const VFIOPCIPasid *pasid,
                                       uint8_t width)
{
    if (width == pasid->host.width) {
        return VFIO_PASID_LIMIT_HOST;
    }
    if (width < pasid->width) {
        return VFIO_PASID_LIMIT_GUEST;
    }
    return width == PCI_EXT_CAP_PASID_MAX_WIDTH ?
           VFIO_PASID_LIMIT_SPECIFICATION : VFIO_PASID_LIMIT_VIOMMU;
}

void vfio_pasid_set_enabled(VFIOPCIDevice *vdev, uint16_t offset,
                            const VFIOPasidCap *cap, VfioPasidWhere where)
{
    static const char *const places[VFIO_PASID_WHERE__MAX] = {
        [VFIO_PASID_WHERE_USER] = "by the user",
        [VFIO_PASID_WHERE_END] = "at the end of configuration space",
        [VFIO_PASID_WHERE_HOST] = "where the device has its own",
        [VFIO_PASID_WHERE_GAP] = "in the highest gap",
        [VFIO_PASID_WHERE_GUEST] = "where the guest knows it",
    };
    VfioPasidLimit limit = vfio_pasid_limit(&vdev->pasid, cap->width);
    g_autofree char *narrower = limit == VFIO_PASID_LIMIT_HOST ? g_strdup("") :
        g_strdup_printf(" of the %u of the host", vdev->pasid.host.width);

    vfio_pasid_set_state(vdev, &(VfioPasidState) {
        .enabled = true,
        .reason = VFIO_PASID_REASON_NONE,
        .text = g_strdup_printf("enabled: offset 0x%x, width %u%s, exec %d, "
                                "priv %d, placed %s", offset, cap->width,
                                narrower, cap->exec, cap->priv,
                                places[where]),
        .has_offset = true,
        .offset = offset,
        .has_width = true,
        .width = cap->width,
        .has_exec = true,
        .exec = cap->exec,
        .has_priv = true,
        .priv = cap->priv,
        .has_where = true,
        .where = where,
        .has_limit = true,
        .limit = limit,
    });
}

void vfio_pasid_set_passed_through(VFIOPCIDevice *vdev, uint16_t offset)
{
    VFIOPasidCap cap = { 0 };
    bool known = vfio_pasid_read(PCI_DEVICE(vdev)->config, offset, &cap);

    vfio_pasid_set_state(vdev, &(VfioPasidState) {
        .enabled = true,
        .reason = VFIO_PASID_REASON_NONE,
        .text = g_strdup_printf("passed through: the kernel exposes the "
                                "capability of the device at offset 0x%x",
                                offset),
        .has_offset = true,
        .offset = offset,
        .has_width = known,
        .width = cap.width,
        .has_exec = known,
        .exec = cap.exec,
        .has_priv = known,
        .priv = cap.priv,
        .has_where = true,
        .where = VFIO_PASID_WHERE_DEVICE,
    });
}

static void vfio_pasid_get_state(Object *obj, Visitor *v, const char *name,
                                 void *opaque, Error **errp)
{
    VFIOPCIDevice *vdev = VFIO_PCI_DEVICE(obj);

    if (!vdev->pasid.state) {
        error_setg(errp, VFIO_MSG_PREFIX "%s: nothing is decided before the "
                   "device is realized", vdev->vbasedev.name ?: "", name);
        return;
    }
    visit_type_VfioPasidState(v, name, &vdev->pasid.state, errp);
}

void vfio_pci_pasid_class_init(ObjectClass *klass)
{
    object_class_property_add(klass, "x-vpasid-state", "VfioPasidState",
                              vfio_pasid_get_state, NULL, NULL, NULL);
    object_class_property_set_description(klass, "x-vpasid-state",
        "Whether the guest has a PASID capability, and why (read-only)");
}

void vfio_pci_pasid_describe(ObjectClass *klass)
{
    object_class_property_set_description(klass, "x-vpasid",
        "PASID capability for the guest: auto adds it where it can be used, on "
        "fails where it cannot, off never adds it");
    object_class_property_set_description(klass, "x-vpasid-cap-offset",
        "Offset of the PASID capability, 0x100 to 0xff8; 0 chooses");
}

void vfio_pci_pasid_finalize(VFIOPCIDevice *vdev)
{
    g_clear_pointer(&vdev->pasid.state, qapi_free_VfioPasidState);
    g_clear_pointer(&vdev->pasid.saved, g_free);
}
