/*
 * Checks of the answers of VFIO and iommufd
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_VFIO_ANSWER_CHECK_H
#define HW_VFIO_ANSWER_CHECK_H

struct vfio_info_cap_header;
struct vfio_pci_hot_reset_info;

/* How many items of any kind there is room for */
#define VFIO_ANSWER_MOST_ITEMS  4096

/**
 * enum VFIOAnswer - structures with capabilities, which have numbers of their
 * own in each
 *
 * @VFIO_ANSWER_REGION: struct vfio_region_info.
 * @VFIO_ANSWER_DEVICE: struct vfio_device_info.
 * @VFIO_ANSWER_IOMMU: struct vfio_iommu_type1_info.
 */
typedef enum VFIOAnswer {
    VFIO_ANSWER_REGION,
    VFIO_ANSWER_DEVICE,
    VFIO_ANSWER_IOMMU,
} VFIOAnswer;

/**
 * vfio_answer_check_size: can an answer be taken, or asked for once more?
 *
 * The second time it has to fit into the room that the first answer asked for.
 *
 * @room: bytes that there were for it.
 * @bare: bytes that are asked for the first time.
 * @argsz: bytes that it says it needs.
 *
 * Returns: true if it fits, or if it is the first one and can be asked for
 * again with more room; false with errno set.
 */
bool vfio_answer_check_size(size_t room, size_t bare, uint32_t argsz);

/**
 * vfio_answer_find_cap: look for a capability in an answer
 *
 * @answer: kind of structure that @info is.
 * @info: the structure.
 * @argsz: bytes that there are of it.
 * @offset: of the first capability, any value.
 * @id: of the one to look for.
 *
 * Returns: the capability, all of which is in @info, also the items that it
 * says it has; NULL if there is none, with a warning if the list or the
 * capability leaves @info or the list does not end.
 */
struct vfio_info_cap_header *vfio_answer_find_cap(VFIOAnswer answer, void *info,
                                                  uint32_t argsz,
                                                  uint32_t offset, uint16_t id);

/**
 * vfio_answer_check_count: is there room for so many?
 *
 * @count: items that an answer has.
 * @room: items that there is room for.
 *
 * Returns: true if there is, false with errno set.
 */
bool vfio_answer_check_count(uint32_t count, uint32_t room);

/**
 * vfio_answer_check_range: is a range of I/O addresses one?
 *
 * @start: first address, any value.
 * @last: last address, any value.
 *
 * Returns: true if it is, false with a warning.
 */
bool vfio_answer_check_range(uint64_t start, uint64_t last);

/**
 * vfio_answer_pgsizes: sizes that can be mapped
 *
 * @pgsizes: bitmap of them, as the host says.
 *
 * Returns: the same; the host's page size if it is empty.
 */
uint64_t vfio_answer_pgsizes(uint64_t pgsizes);

/**
 * vfio_answer_regions: regions whose information is kept
 *
 * @regions: how many the device has, as the host says.
 *
 * Returns: how many to keep; those behind are asked for each time.
 */
uint32_t vfio_answer_regions(uint32_t regions);

/**
 * vfio_answer_can_mmap: tell whether a region can be mapped for a guest
 *
 * A guest reads and writes what is mapped with nothing in between, so both have
 * to be allowed. Where they are not, accesses go through calls, which can fail.
 *
 * @flags: VFIO_REGION_INFO_FLAG_* of struct vfio_region_info.
 *
 * Returns: true if it can be mapped, read and written.
 */
bool vfio_answer_can_mmap(uint32_t flags);

/**
 * vfio_answer_errno: return value for a call that has not returned 0
 *
 * A positive number from a call that has none sets no errno, and 0 would be
 * success.
 *
 * Returns: -errno, or -EIO if errno is 0.
 */
int vfio_answer_errno(void);

/**
 * vfio_answer_vectors: check the result of enabling vectors
 *
 * @ret: 0, a negative errno, or the number of those that could be enabled.
 * @vectors: how many there were to enable.
 *
 * Returns: the same, but a negative errno if there cannot be so many.
 */
int vfio_answer_vectors(int ret, int vectors);

/**
 * vfio_answer_check_reset: does a hot reset tell of its devices by iommufd?
 *
 * @info: with as many devices as it says.
 *
 * Returns: true if it does, and no device contradicts what it says of all.
 */
bool vfio_answer_check_reset(const struct vfio_pci_hot_reset_info *info);

#endif /* HW_VFIO_ANSWER_CHECK_H */
