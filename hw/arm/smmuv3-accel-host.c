/*
 * Accelerated arm-smmuv3: the host SMMUv3 that it is bound to
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/vfio/vfio-device.h"
#include "smmuv3-accel-internal.h"

/* Link in a device's folder of sysfs to the IOMMU in front of it */
#define SYSFS_IOMMU         "iommu"
#define SYSFS_PCI_DEVICES   "/sys/bus/pci/devices"

/* What the host calls the SMMUv3 of a device; empty if it cannot be told */
static char *smmuv3_accel_host_name(PCIDevice *pdev)
{
    VFIODevice *vbasedev = vfio_get_vfio_device(OBJECT(pdev));
    g_autofree char *link = NULL;
    g_autofree char *target = NULL;

    link = vbasedev->sysfsdev ?
           g_build_filename(vbasedev->sysfsdev, SYSFS_IOMMU, NULL) :
           g_build_filename(SYSFS_PCI_DEVICES, vbasedev->name, SYSFS_IOMMU,
                            NULL);
    target = g_file_read_link(link, NULL);
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
    error_setg(errp, "arm-smmuv3: accel=on: %s is behind another host SMMUv3"
               "%s%s (HWPT %u) than %s%s%s (HWPT %u), and both are behind %s",
               smmuv3_accel_dev_name(pdev), *host ? " " : "", host,
               idev->hwpt_id, smmuv3_accel_dev_name(first->pdev),
               *first_host ? ", " : "", first_host, a->parent_hwpt_id, smmu);
    error_append_hint(errp, "Give the devices of each host SMMUv3 an arm-smmuv3"
                      " of their own on a pxb-pcie.\n");
    return false;
}
