/*
 * iommufd queries about a device
 *
 * The names are those of linux/iommufd.h and linux/vfio.h.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <sys/ioctl.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "probe.h"

/* IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED of Linux 7.0, newer than the header */
#define HW_CAP_PCI_ATS_NOT_SUPPORTED    (1 << 3)

/* ID registers of an SMMUv3 (Arm IHI 0070, 6.3.1 and 6.3.6) */
#define IDR0_COHACC(idr0)       (((idr0) >> 4) & 1)
#define IDR0_ASID16(idr0)       (((idr0) >> 12) & 1)
#define IDR0_STALL_MODEL(idr0)  (((idr0) >> 24) & 3)
#define IDR5_OAS(idr5)          ((idr5) & 7)

/* Bits of an address by IDR5.OAS */
static const unsigned oas_bits[8] = { 32, 36, 40, 42, 44, 48, 52 };

static bool call(int fd, unsigned long request, const char *name, void *arg,
                 Probe *probe)
{
    int ret;

    do {
        ret = ioctl(fd, request, arg);
    } while (ret < 0 && errno == EINTR);
    if (ret < 0) {
        probe->error = errno;
        probe->problem = g_strdup_printf("%s failed: %s", name,
                                         g_strerror(errno));
        return false;
    }
    return true;
}
#define CALL(fd, request, arg, probe) call(fd, request, #request, arg, probe)

/* The objects that QEMU makes for the first device of an accelerated SMMUv3 */
static bool try_nesting(int fd, uint32_t dev_id, Probe *probe)
{
    struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
    struct iommu_hwpt_alloc parent = {
        .size = sizeof(parent),
        .flags = IOMMU_HWPT_ALLOC_NEST_PARENT,
        .dev_id = dev_id,
    };
    struct iommu_viommu_alloc viommu = {
        .size = sizeof(viommu),
        .type = IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
        .dev_id = dev_id,
    };

    if (!CALL(fd, IOMMU_IOAS_ALLOC, &ioas, probe)) {
        return false;
    }
    parent.pt_id = ioas.out_ioas_id;
    if (!CALL(fd, IOMMU_HWPT_ALLOC, &parent, probe)) {
        return false;
    }
    viommu.hwpt_id = parent.out_hwpt_id;
    return CALL(fd, IOMMU_VIOMMU_ALLOC, &viommu, probe);
}

/*
 * Older ones attach a device to a fault queue as well, and report nothing to
 * it. They lack a call that came after that; without an argument it fails.
 */
static bool reports_faults(int fd)
{
    return ioctl(fd, IOMMU_HW_QUEUE_ALLOC, NULL) && errno != ENOTTY;
}

void probe_device(int iommufd, int cdev, Probe *probe)
{
    struct vfio_device_bind_iommufd bind = {
        .argsz = sizeof(bind),
        .iommufd = iommufd,
    };
    struct iommu_hw_info_arm_smmuv3 smmu = { };
    struct iommu_hw_info info = {
        .size = sizeof(info),
        .data_len = sizeof(smmu),
        .data_uptr = (uintptr_t)&smmu,
    };

    if (!CALL(cdev, VFIO_DEVICE_BIND_IOMMUFD, &bind, probe)) {
        return;
    }
    info.dev_id = bind.out_devid;
    if (!CALL(iommufd, IOMMU_GET_HW_INFO, &info, probe)) {
        return;
    }
    probe->answered = true;
    probe->pasid_width = info.out_max_pasid_log2;
    probe->exec = info.out_capabilities & IOMMU_HW_CAP_PCI_PASID_EXEC;
    probe->priv = info.out_capabilities & IOMMU_HW_CAP_PCI_PASID_PRIV;
    probe->ats = !(info.out_capabilities & HW_CAP_PCI_ATS_NOT_SUPPORTED);
    probe->is_smmuv3 = info.out_data_type == IOMMU_HW_INFO_TYPE_ARM_SMMUV3;
    probe->stall_model = STALL_MODEL_NONE;
    if (probe->is_smmuv3) {
        probe->stall_model = IDR0_STALL_MODEL(smmu.idr[0]);
        probe->coherent = IDR0_COHACC(smmu.idr[0]);
        probe->oas = oas_bits[IDR5_OAS(smmu.idr[5])];
        probe->asid_bits = IDR0_ASID16(smmu.idr[0]) ? 16 : 8;
    }
    probe->faults = reports_faults(iommufd);
    probe->nesting = probe->is_smmuv3 &&
        try_nesting(iommufd, bind.out_devid, probe);
}
