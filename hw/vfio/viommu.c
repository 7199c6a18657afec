/*
 * Requirements of a vIOMMU on the VFIO devices behind it
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <linux/iommufd.h>
#include <sys/sysmacros.h>

#include "hw/iommu.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pci_device.h"
#include "hw/vfio/vfio-device.h"
#include "migration/cpr.h"
#include "qapi/error.h"
#include "vfio-iommufd.h"
#include "viommu.h"

uint32_t vfio_viommu_hwpt_flags(VFIODevice *vbasedev)
{
    /* Not all of VFIO is PCI, and only PCI devices have a vIOMMU */
    Object *pdev = object_dynamic_cast(OBJECT(vbasedev->dev), TYPE_PCI_DEVICE);

    if (pdev && (pci_device_get_viommu_flags(PCI_DEVICE(pdev)) &
                 VIOMMU_FLAG_WANT_NESTING_PARENT)) {
        return IOMMU_HWPT_ALLOC_NEST_PARENT;
    }
    return 0;
}

const void *vfio_viommu_identity(VFIODevice *vbasedev)
{
    PCIBus *bus;

    if (!vfio_viommu_hwpt_flags(vbasedev)) {
        return NULL;
    }
    bus = pci_get_bus(PCI_DEVICE(vbasedev->dev));
    while (!bus->iommu_ops && bus->parent_dev) {
        bus = pci_get_bus(bus->parent_dev);
    }
    return bus->iommu_opaque;
}

bool vfio_viommu_hwpt_fits(VFIODevice *vbasedev, const VFIOIOASHwpt *hwpt)
{
    return (hwpt->hwpt_flags & IOMMU_HWPT_ALLOC_NEST_PARENT) ==
           vfio_viommu_hwpt_flags(vbasedev) &&
           hwpt->viommu == vfio_viommu_identity(vbasedev);
}

char *vfio_viommu_sysfs(VFIODevice *vbasedev)
{
    struct stat st;

    if (vbasedev->sysfsdev) {
        return g_strdup(vbasedev->sysfsdev);
    }
    if (!fstat(vbasedev->fd, &st) && S_ISCHR(st.st_mode)) {
        return g_strdup_printf("/sys/dev/char/%u:%u/device", major(st.st_rdev),
                               minor(st.st_rdev));
    }
    return NULL;
}

bool vfio_viommu_check_group(VFIODevice *vbasedev, Error **errp)
{
    ERRP_GUARD();
    g_autofree char *sysfs = vfio_viommu_sysfs(vbasedev);
    g_autofree char *group = NULL;
    g_autofree char *devices = NULL;
    g_autofree char *target = NULL;
    g_autofree char *number = NULL;
    g_autoptr(GString) names = g_string_new("");
    g_autoptr(GDir) dir = NULL;
    unsigned int count = 0;
    const char *name;

    if (!sysfs || !vfio_viommu_hwpt_flags(vbasedev) || cpr_is_incoming()) {
        return true;
    }
    group = g_build_filename(sysfs, "iommu_group", NULL);
    devices = g_build_filename(group, "devices", NULL);
    dir = g_dir_open(devices, 0, NULL);
    while (dir && (name = g_dir_read_name(dir))) {
        g_string_append_printf(names, "%s%s", count++ ? ", " : "", name);
    }
    if (count <= 1) {
        return true;
    }
    target = g_file_read_link(group, NULL);
    number = g_path_get_basename(target ?: group);
    error_setg(errp, "IOMMU group %s of %s has %u devices (%s): the host"
               " attaches them as one, and the vIOMMU in front of %s can"
               " translate only for a device that is alone in its group",
               number, vbasedev->name, count, names->str, vbasedev->name);
    error_append_hint(errp, "The slot has to be below a port with ACS;"
                      " otherwise put the device behind a root complex without"
                      " vIOMMU.\n");
    return false;
}

void vfio_viommu_hwpt_hint(VFIODevice *vbasedev, uint32_t flags, Error **errp)
{
    if (flags & IOMMU_HWPT_ALLOC_NEST_PARENT) {
        error_append_hint(errp, "The vIOMMU in front of %s needs a nesting "
                          "parent. The host IOMMU and its driver have to "
                          "support two stages of translation, with no erratum "
                          "that forbids to nest them, which for an Arm SMMUv3 "
                          "takes Linux 6.13; otherwise put the device behind "
                          "a root complex without vIOMMU.\n", vbasedev->name);
    }
}
