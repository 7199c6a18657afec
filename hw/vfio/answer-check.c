/*
 * Checks of the answers of VFIO and iommufd
 *
 * The answers of the kernel and of vfio-user servers have sizes, counts and
 * lists. These functions compare them with the size of the buffer.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <linux/vfio.h>

#include "qemu/error-report.h"
#include "answer-check.h"

/* Answers of today are far from all of these */
#define MOST_BYTES      (64 * 1024)
#define MOST_REGIONS    1024

/* An array of items has their number behind its header */
typedef struct CapWithItems {
    struct vfio_info_cap_header header;
    uint32_t count;
    uint32_t reserved;
} CapWithItems;

typedef struct CapLayout {
    VFIOAnswer answer;
    uint16_t id;
    size_t size;                /* without items */
    size_t item;                /* 0: it has none */
} CapLayout;

static const CapLayout layouts[] = {
    { VFIO_ANSWER_REGION, VFIO_REGION_INFO_CAP_SPARSE_MMAP,
      sizeof(struct vfio_region_info_cap_sparse_mmap),
      sizeof(struct vfio_region_sparse_mmap_area) },
    { VFIO_ANSWER_REGION, VFIO_REGION_INFO_CAP_TYPE,
      sizeof(struct vfio_region_info_cap_type), 0 },
    { VFIO_ANSWER_DEVICE, VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP,
      sizeof(struct vfio_device_info_cap_pci_atomic_comp), 0 },
    { VFIO_ANSWER_IOMMU, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
      sizeof(struct vfio_iommu_type1_info_cap_iova_range),
      sizeof(struct vfio_iova_range) },
    { VFIO_ANSWER_IOMMU, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
      sizeof(struct vfio_iommu_type1_info_cap_migration), 0 },
    { VFIO_ANSWER_IOMMU, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
      sizeof(struct vfio_iommu_type1_info_dma_avail), 0 },
};

bool vfio_answer_check_size(size_t room, size_t bare, uint32_t argsz)
{
    if (argsz <= room) {
        return true;
    }
    errno = E2BIG;
    return room == bare && argsz <= MOST_BYTES;
}

/* Does all of a capability lie in the answer? */
static bool vfio_answer_cap_fits(VFIOAnswer answer, const void *cap,
                                 uint16_t id, size_t room)
{
    for (unsigned i = 0; i < ARRAY_SIZE(layouts); i++) {
        const CapLayout *layout = &layouts[i];
        const CapWithItems *items = cap;

        if (layout->answer != answer || layout->id != id) {
            continue;
        }
        if (room < layout->size ||
            !QEMU_PTR_IS_ALIGNED(cap, sizeof(uint64_t))) {
            return false;
        }
        return !layout->item ||
               items->count <= (room - layout->size) / layout->item;
    }
    return true;
}

struct vfio_info_cap_header *vfio_answer_find_cap(VFIOAnswer answer, void *info,
                                                  uint32_t argsz,
                                                  uint32_t offset, uint16_t id)
{
    struct vfio_info_cap_header header;
    uint32_t left = argsz / sizeof(header);

    while (offset) {
        if (!left-- || offset > argsz || argsz - offset < sizeof(header)) {
            break;
        }
        memcpy(&header, info + offset, sizeof(header));
        if (header.id == id) {
            if (!vfio_answer_cap_fits(answer, info + offset, id,
                                      argsz - offset)) {
                break;
            }
            return info + offset;
        }
        offset = header.next;
    }
    if (offset) {
        warn_report_once("vfio: the host tells of capabilities that are not in "
                         "its answer; what is not there is ignored");
    }
    return NULL;
}

bool vfio_answer_check_count(uint32_t count, uint32_t room)
{
    if (count > room) {
        errno = E2BIG;
        return false;
    }
    return true;
}

bool vfio_answer_check_range(uint64_t start, uint64_t last)
{
    if (start > last) {
        warn_report("vfio: the host tells of I/O addresses from 0x%" PRIx64
                    " to 0x%" PRIx64 ", which are none", start, last);
        return false;
    }
    return true;
}

uint64_t vfio_answer_pgsizes(uint64_t pgsizes)
{
    return pgsizes ?: qemu_real_host_page_size();
}

uint32_t vfio_answer_regions(uint32_t regions)
{
    return MIN(regions, MOST_REGIONS);
}

bool vfio_answer_can_mmap(uint32_t flags)
{
    const uint32_t all = VFIO_REGION_INFO_FLAG_READ |
                         VFIO_REGION_INFO_FLAG_WRITE |
                         VFIO_REGION_INFO_FLAG_MMAP;

    return (flags & all) == all;
}

int vfio_answer_errno(void)
{
    return errno ? -errno : -EIO;
}

int vfio_answer_vectors(int ret, int vectors)
{
    return ret <= 0 || ret < vectors ? ret : -EINVAL;
}

bool vfio_answer_check_reset(const struct vfio_pci_hot_reset_info *info)
{
    if (!(info->flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID)) {
        return false;
    }
    if (!(info->flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED)) {
        return true;
    }
    for (uint32_t i = 0; i < info->count; i++) {
        if (info->devices[i].devid == VFIO_PCI_DEVID_NOT_OWNED) {
            return false;
        }
    }
    return true;
}
