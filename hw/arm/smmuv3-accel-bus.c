/*
 * Accelerated arm-smmuv3: the PCI devices behind it and their StreamIDs
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pci_bus.h"
#include "hw/vfio/vfio-device.h"
#include "hw/vfio/viommu.h"
#include "hw/virtio/virtio-iommu.h"
#include "hw/iommu.h"
#include "system/address-spaces.h"
#include "smmuv3-accel-internal.h"

/* hw/vfio keeps the types' names to itself: by the kernel, and by anything */
#define TYPE_PASSTHROUGH    "vfio-pci"
#define TYPE_ANY_VFIO_PCI   "vfio-pci-device"

/* Link in a device's folder of sysfs to the IOMMU in front of it */
#define SYSFS_IOMMU         "iommu"

static bool smmuv3_accel_is_passthrough(PCIDevice *pdev)
{
    VFIODevice *vbasedev;

    if (!object_dynamic_cast(OBJECT(pdev), TYPE_PASSTHROUGH)) {
        return false;
    }
    vbasedev = vfio_get_vfio_device(OBJECT(pdev));
    return vbasedev->iommufd && !vbasedev->mdev;
}

/*
 * The emulation translates for all devices but those of hw/vfio. A bridge sends
 * interrupts only, for which the TLB may be emptied more often than the guest
 * asks for; the other devices have their commands executed one by one.
 */
static bool smmuv3_accel_is_emulated(PCIDevice *pdev)
{
    return !object_dynamic_cast(OBJECT(pdev), TYPE_ANY_VFIO_PCI);
}

static bool smmuv3_accel_does_no_dma(PCIDevice *pdev)
{
    return IS_PCI_BRIDGE(pdev) ||
           PCI_DEVICE_GET_CLASS(pdev)->class_id == PCI_CLASS_BRIDGE_HOST;
}

static bool smmuv3_accel_is_aliased(PCIDevice *pdev)
{
    PCIBus *bus = pci_get_bus(pdev);

    while (pci_bus_is_express(bus) && !pci_bus_is_root(bus)) {
        bus = pci_get_bus(bus->parent_dev);
    }
    return !pci_bus_is_express(bus);
}

static bool smmuv3_accel_supports_address_space(PCIBus *bus, void *opaque,
                                                int devfn, Error **errp)
{
    ERRP_GUARD();
    static const char other_complex[] =
        "Plug it into a pxb-pcie root complex without accelerated SMMUv3.\n";
    SMMUv3State *s = ARM_SMMUV3(opaque);
    PCIDevice *pdev = bus->devices[devfn];
    VFIODevice *vbasedev;

    if (object_dynamic_cast(OBJECT(pdev), TYPE_VIRTIO_IOMMU_PCI)) {
        error_setg(errp, "arm-smmuv3: accel=on: %s cannot be a second vIOMMU"
                   " of its bus", pdev->qdev.id ?: TYPE_VIRTIO_IOMMU_PCI);
        error_append_hint(errp, "Leave one of the two out.\n");
        return false;
    }
    if (smmuv3_accel_is_emulated(pdev)) {
        s->accel_state->emulates |= !smmuv3_accel_does_no_dma(pdev);
        return true;
    }
    if (!object_dynamic_cast(OBJECT(pdev), TYPE_PASSTHROUGH)) {
        error_setg(errp, "arm-smmuv3: accel=on cannot translate for %s: a %s"
                   " is not behind a host SMMUv3", pdev->qdev.id ?:
                   object_get_typename(OBJECT(pdev)),
                   object_get_typename(OBJECT(pdev)));
        error_append_hint(errp, "%s", other_complex);
        return false;
    }
    vbasedev = vfio_get_vfio_device(OBJECT(pdev));
    if (!vbasedev->iommufd) {
        error_setg(errp, "arm-smmuv3: accel=on cannot translate for %s, which"
                   " has no iommufd", pdev->qdev.id ?: TYPE_PASSTHROUGH);
        error_append_hint(errp, "Add -object iommufd,id=iommufd0 and give the"
                          " device iommufd=iommufd0.\n");
        return false;
    }
    if (vbasedev->sysfsdev && vfio_device_is_mdev(vbasedev)) {
        error_setg(errp, "arm-smmuv3: accel=on cannot translate for %s, which"
                   " is a mediated device: it has no StreamID on the host",
                   vbasedev->sysfsdev);
        error_append_hint(errp, "%s", other_complex);
        return false;
    }
    if (smmuv3_accel_is_aliased(pdev)) {
        error_setg(errp, "arm-smmuv3: accel=on cannot translate for %s, which"
                   " has no StreamID of its own behind a conventional PCI bus",
                   pdev->qdev.id ?: TYPE_PASSTHROUGH);
        error_append_hint(errp, "Plug it into a pcie-root-port.\n");
        return false;
    }
    return true;
}

/*
 * Devices that were plugged first: one of VFIO has its address space already,
 * the others get theirs when the machine is complete.
 */
static bool smmuv3_accel_check_bus(SMMUv3State *s, PCIBus *bus, Error **errp)
{
    ERRP_GUARD();
    PCIBus *child;

    for (int devfn = 0; devfn < ARRAY_SIZE(bus->devices); devfn++) {
        PCIDevice *pdev = bus->devices[devfn];

        if (!pdev) {
            continue;
        }
        if (!smmuv3_accel_supports_address_space(bus, s, devfn, errp)) {
            return false;
        }
        if (smmuv3_accel_is_emulated(pdev)) {
            continue;
        }
        error_setg(errp, "arm-smmuv3: accel=on cannot take over %s, which was"
                   " plugged first", smmuv3_accel_dev_name(pdev));
        error_append_hint(errp, "Put -device arm-smmuv3 ahead of the devices"
                          " behind it.\n");
        return false;
    }
    QLIST_FOREACH(child, &bus->child, sibling) {
        /* A root complex of its own has a vIOMMU of its own, or none */
        if (!pci_bus_is_root(child) &&
            !smmuv3_accel_check_bus(s, child, errp)) {
            return false;
        }
    }
    return true;
}

static AddressSpace *smmuv3_accel_get_address_space(PCIBus *bus, void *opaque,
                                                    int devfn)
{
    PCIDevice *pdev = bus->devices[devfn];

    /*
     * VFIO asks while it realizes the device, and maps the answer into the
     * second stage: the guest's whole address space. All other devices, and
     * later look-ups of the target of an interrupt of this device, go by the
     * guest's tables: they get the emulation.
     */
    if (pdev && !pdev->qdev.realized && smmuv3_accel_is_passthrough(pdev)) {
        return &address_space_memory;
    }
    return smmu_find_add_as(bus, opaque, devfn);
}

static uint64_t smmuv3_accel_get_viommu_flags(void *opaque)
{
    SMMUv3State *s = ARM_SMMUV3(opaque);
    uint64_t flags = VIOMMU_FLAG_WANT_NESTING_PARENT |
                     VIOMMU_FLAG_KEEP_BUS_NUMBERS;

    if (s->ssidsize) {
        flags |= VIOMMU_FLAG_PASID_SUPPORTED;
    }
    return flags;
}

static uint8_t smmuv3_accel_get_pasid_width(void *opaque)
{
    return ARM_SMMUV3(opaque)->ssidsize;
}

static bool smmuv3_accel_set_iommu_device(PCIBus *bus, void *opaque, int devfn,
                                          HostIOMMUDevice *hiod, Error **errp)
{
    return smmuv3_accel_bind(ARM_SMMUV3(opaque), bus->devices[devfn], hiod,
                             errp);
}

static void smmuv3_accel_unset_iommu_device(PCIBus *bus, void *opaque,
                                            int devfn)
{
    smmuv3_accel_unbind(ARM_SMMUV3(opaque), bus->devices[devfn]);
}

bool smmuv3_accel_take_bus(SMMUv3State *s, Error **errp)
{
    SMMUState *sys = ARM_SMMU(s);
    PCIIOMMUOps *ops = &s->accel_state->iommu_ops;

    if (!smmuv3_accel_check_bus(s, sys->primary_bus, errp)) {
        return false;
    }
    /* Keep the other hooks of the emulation, such as those for ATS */
    *ops = *sys->primary_bus->iommu_ops;
    ops->get_address_space = smmuv3_accel_get_address_space;
    ops->supports_address_space = smmuv3_accel_supports_address_space;
    ops->get_viommu_flags = smmuv3_accel_get_viommu_flags;
    ops->get_pasid_width = smmuv3_accel_get_pasid_width;
    ops->set_iommu_device = smmuv3_accel_set_iommu_device;
    ops->unset_iommu_device = smmuv3_accel_unset_iommu_device;
    if (sys->smmu_per_bus) {
        pci_setup_iommu_per_bus(sys->primary_bus, ops, s);
    } else {
        pci_setup_iommu(sys->primary_bus, ops, s);
    }
    return true;
}

/* One host SMMUv3 for all devices */

/* Name of the host SMMUv3 of a device in sysfs; empty if there is none */
static char *smmuv3_accel_host_name(PCIDevice *pdev)
{
    g_autofree char *sysfs =
        vfio_viommu_sysfs(vfio_get_vfio_device(OBJECT(pdev)));
    g_autofree char *link = sysfs ? g_build_filename(sysfs, SYSFS_IOMMU, NULL) :
                                    NULL;
    g_autofree char *target = link ? g_file_read_link(link, NULL) : NULL;

    return target ? g_path_get_basename(target) : g_strdup("");
}

bool smmuv3_accel_check_host(SMMUv3State *s, PCIDevice *pdev,
                             HostIOMMUDeviceIOMMUFD *idev, Error **errp)
{
    ERRP_GUARD();
    SMMUv3AccelState *a = s->accel_state;
    const char *smmu = DEVICE(s)->id ?: TYPE_ARM_SMMUV3;
    SMMUv3AccelDevice *first;
    g_autofree char *first_host = NULL;
    g_autofree char *host = NULL;
    GHashTableIter iter;

    g_hash_table_iter_init(&iter, a->devices);
    if (!g_hash_table_iter_next(&iter, NULL, (gpointer *)&first)) {
        return true;
    }
    if (idev->iommufd != a->be) {
        error_setg(errp, "arm-smmuv3: accel=on: %s has another iommufd than %s,"
                   " and both are behind %s",
                   smmuv3_accel_dev_name(pdev),
                   smmuv3_accel_dev_name(first->pdev), smmu);
        error_append_hint(errp, "Give both the same iommufd=, or the one an"
                          " arm-smmuv3 of its own on a pxb-pcie.\n");
        return false;
    }
    if (idev->hwpt_id == a->parent_hwpt_id) {
        return true;
    }
    /* VFIO shares the second stage wherever the host can */
    host = smmuv3_accel_host_name(pdev);
    first_host = smmuv3_accel_host_name(first->pdev);
    if (*host && !strcmp(host, first_host)) {
        error_setg(errp, "arm-smmuv3: accel=on: %s (HWPT %u) and %s (HWPT %u)"
                   " are behind one host SMMUv3, %s, and cannot share a second"
                   " stage: the root complex of one is not as coherent as that"
                   " of the other", smmuv3_accel_dev_name(pdev), idev->hwpt_id,
                   smmuv3_accel_dev_name(first->pdev), a->parent_hwpt_id, host);
        error_append_hint(errp, "Give the one an arm-smmuv3 of its own on a"
                          " pxb-pcie.\n");
        return false;
    }
    error_setg(errp, "arm-smmuv3: accel=on: %s is behind another host SMMUv3"
               "%s%s (HWPT %u) than %s%s%s (HWPT %u), and both are behind %s",
               smmuv3_accel_dev_name(pdev), *host ? " " : "", host,
               idev->hwpt_id, smmuv3_accel_dev_name(first->pdev),
               *first_host ? ", " : "", first_host, a->parent_hwpt_id, smmu);
    error_append_hint(errp, "Give the devices of each host SMMUv3 an arm-smmuv3"
                      " of their own on a pxb-pcie.\n");
    return false;
}

/* StreamIDs */

/* Devices of one StreamID: a guest can give two buses the same number */
typedef QLIST_HEAD(, SMMUv3AccelDevice) SMMUv3AccelSharers;

uint32_t smmuv3_accel_sid(const SMMUv3AccelDevice *adev)
{
    return pci_get_bdf(adev->pdev);
}

bool smmuv3_accel_has_sid(const SMMUv3AccelDevice *adev)
{
    PCIBus *bus = pci_get_bus(adev->pdev);

    return pci_bus_is_root(bus) || pci_bus_num(bus);
}

void smmuv3_accel_sid_forget(SMMUv3AccelState *a, SMMUv3AccelDevice *adev)
{
    gpointer sid = GUINT_TO_POINTER(adev->found_by);
    SMMUv3AccelSharers *sharers;

    if (!QLIST_IS_INSERTED(adev, same_sid)) {
        return;
    }
    sharers = g_hash_table_lookup(a->by_sid, sid);
    QLIST_SAFE_REMOVE(adev, same_sid);
    if (QLIST_EMPTY(sharers)) {
        g_hash_table_remove(a->by_sid, sid);
    }
}

bool smmuv3_accel_sid_update(SMMUv3AccelState *a, SMMUv3AccelDevice *adev)
{
    bool found = QLIST_IS_INSERTED(adev, same_sid);
    bool has_sid = smmuv3_accel_has_sid(adev);
    uint32_t sid = smmuv3_accel_sid(adev);
    SMMUv3AccelSharers *sharers;

    if (found == has_sid && (!found || adev->found_by == sid)) {
        return false;
    }
    smmuv3_accel_sid_forget(a, adev);
    if (has_sid) {
        sharers = g_hash_table_lookup(a->by_sid, GUINT_TO_POINTER(sid));
        if (!sharers) {
            sharers = g_new0(SMMUv3AccelSharers, 1);
            g_hash_table_insert(a->by_sid, GUINT_TO_POINTER(sid), sharers);
        }
        adev->found_by = sid;
        QLIST_INSERT_HEAD(sharers, adev, same_sid);
    }
    return true;
}

GHashTable *smmuv3_accel_sids_new(void)
{
    return g_hash_table_new_full(NULL, NULL, NULL, g_free);
}

SMMUv3AccelDevice *smmuv3_accel_find(SMMUv3AccelState *a, uint32_t sid)
{
    SMMUv3AccelSharers *sharers = g_hash_table_lookup(a->by_sid,
                                                      GUINT_TO_POINTER(sid));

    return sharers ? QLIST_FIRST(sharers) : NULL;
}
