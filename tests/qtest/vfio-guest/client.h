/*
 * Test library: describe host devices to the model, let calls fail
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_QTEST_VFIO_GUEST_CLIENT_H
#define TESTS_QTEST_VFIO_GUEST_CLIENT_H

#include "../vfio-fake/vfio-fake.h"

/* Registers of the default host SMMU, for tests that change one field */
#define VF_HOST_IDR0 0x080d767bu
#define VF_HOST_IDR1 0x02730410u
#define VF_HOST_IDR3 0x00001504u
#define VF_HOST_IDR5 0x00000075u
#define VF_HOST_IIDR 0x0000043bu
#define VF_HOST_AIDR 0x00000003u

/* Where the default image has its capabilities */
#define VF_IMAGE_PM_CAP   0x40
#define VF_IMAGE_PCIE_CAP 0x50
#define VF_IMAGE_MSIX_CAP 0x90
#define VF_IMAGE_AF_CAP   0xa0
#define VF_MSIX_VECTORS   4

/* An extended capability that is put into an image; size 0 ends a list */
typedef struct VfExtCap {
    uint16_t offset;
    uint16_t id;
    uint8_t version;
    uint16_t size;
} VfExtCap;

/* State of the model in the process that starts QEMU */
typedef struct VfClient {
    VfShared *shared;
    int shm_fd;
    int iommufd;                    /* pass it as fd= of -object iommufd */
    int device_fd[VF_MAX_DEVICES];  /* pass it as fd= of -device vfio-pci */
    int event_fd[VF_MAX_EVENTQ];    /* write end of each event queue */
    unsigned int devices;
} VfClient;

/**
 * vf_client_new: make the memory that the test shares with the model in QEMU
 *
 * Children inherit all descriptors. Asserts when memory files cannot be made.
 *
 * Returns: the client; free it with vf_client_free().
 */
VfClient *vf_client_new(void);
void vf_client_free(VfClient *c);

/**
 * vf_client_add_device: describe one more host device
 *
 * @c: the client
 *
 * The device is a PCIe endpoint with PM, PCIe, MSI-X and AF capabilities, one
 * 64-bit memory BAR of 16 KiB, no extended capability, behind a host SMMU
 * (VF_HOST_*) that can nest, with PASIDs of 16 bits. Its members may be
 * changed until QEMU opens it.
 *
 * Returns: the device; its number is the number of devices so far.
 */
VfDevice *vf_client_add_device(VfClient *c);

/* Give all members of a device the values of vf_client_add_device() */
void vf_device_describe(VfDevice *d);

/*
 * Make a device one that Linux knows to wait for its pages, a zip accelerator:
 * it stalls behind a host SMMU that is told by the tables what stalls.
 */
void vf_device_waits(VfDevice *d);

/**
 * vf_image_ext_caps: put a list of extended capabilities into config space
 *
 * @image: 4096 bytes
 * @caps: in the order of the list, ended by one with size 0; bodies get nonzero
 *        bytes so that the test notices a write into one, except for the words
 *        that give a length and for PASID
 */
void vf_image_ext_caps(uint8_t *image, const VfExtCap *caps);

/**
 * vf_image_read_dump: read the configuration space of a device
 *
 * @image: VF_CONFIG_SIZE bytes, filled in whole; 0 for bytes that are missing
 * @path: a file with the output of "lspci -xxxx"
 * @nth: number of the device in the file, from 0
 *
 * Returns: number of bytes of the device in the file; 0 if it has no such
 * device.
 */
unsigned int vf_image_read_dump(uint8_t *image, const char *path,
                                unsigned int nth);

/**
 * vf_image_size_bars: set the sizes of the BARs that an image has
 *
 * An image has no sizes: memory BARs get 4 KiB, or the size that their MSI-X
 * structures need, and the ROM gets 64 KiB.
 *
 * @image: VF_CONFIG_SIZE bytes
 * @d: bar_size and rom_size are set
 */
void vf_image_size_bars(const uint8_t *image, VfDevice *d);

/**
 * vf_image_physical_pasid: put the device's own PASID capability into a list
 *
 * @image: 4096 bytes, extended capabilities are in place
 * @offset: of the capability; the last one of the list links to it
 * @width: bits, 1 to 20
 */
void vf_image_physical_pasid(uint8_t *image, uint16_t offset, uint8_t width);

void vf_put16(uint8_t *p, uint16_t v);
void vf_put32(uint8_t *p, uint32_t v);
uint32_t vf_get32(const uint8_t *p);

/**
 * vf_client_push_event: have the host report an event for the guest
 *
 * @c: the client
 * @queue: number of the event queue
 * @evt: four words, or NULL for the mark that events were lost
 */
void vf_client_push_event(VfClient *c, unsigned int queue,
                          const uint64_t *evt);

#define VF_NO_PASID UINT32_MAX

/**
 * vf_client_page_fault: have the host stall a transaction of a device
 *
 * Where no fault queue takes the fault, the kernel answers it.
 *
 * @c: the client
 * @dev: number of the device
 * @pasid: of the transaction, or VF_NO_PASID
 * @addr: that it has asked for
 * @perm: iommufd.h IOMMU_PGFAULT_PERM_*
 *
 * Returns: number of the fault in VfShared.page_fault.
 */
uint32_t vf_client_page_fault(VfClient *c, unsigned int dev, uint32_t pasid,
                              uint64_t addr, uint32_t perm);

/* vf_client_page_fault() that does not wake up QEMU */
uint32_t vf_client_add_page_fault(VfClient *c, unsigned int dev, uint32_t pasid,
                                  uint64_t addr, uint32_t perm);

/*
 * vf_client_page_fault() whose event the kernel does not handle before
 * vf_client_handle_fault()
 */
uint32_t vf_client_stall(VfClient *c, unsigned int dev, uint32_t pasid,
                         uint64_t addr, uint32_t perm);

/**
 * vf_client_handle_fault: have the kernel handle the event of a transaction
 * that has stalled
 *
 * It is for the HWPT that the device is attached to by now.
 *
 * @c: the client
 * @dev: number of the device
 * @n: what vf_client_stall() has returned
 */
void vf_client_handle_fault(VfClient *c, unsigned int dev, uint32_t n);

/**
 * vf_client_add_events: report events without waking up QEMU
 *
 * @c: the client
 * @queue: number of the event queue
 * @evt: four words for each
 * @count: how many
 */
void vf_client_add_events(VfClient *c, unsigned int queue,
                          const uint64_t (*evt)[4], unsigned int count);

/* Make the descriptor of event queue @queue readable, with an event or not */
void vf_client_wake(VfClient *c, unsigned int queue);

/**
 * vf_client_rule: let a call fail
 *
 * @c: the client
 * @op: kind of call
 * @nth: first call from now that fails, from 1
 * @count: how many fail
 * @err: errno
 *
 * Returns: the rule, to set more of it.
 */
VfRule *vf_client_rule(VfClient *c, VfOp op, uint32_t nth, uint32_t count,
                       int err);
void vf_client_clear_rules(VfClient *c);

/**
 * vf_client_change: change an answer
 *
 * @c: the client
 * @op: kind of call
 * @which: see VfChange
 * @offset: in the answer, see VfChange
 * @size: 0 to 8 bytes
 * @value: the new bytes
 *
 * Returns: the change, for the fields that are not given here.
 */
VfChange *vf_client_change(VfClient *c, VfOp op, uint64_t which,
                           uint32_t offset, uint32_t size, uint64_t value);

/* Stop changing answers */
void vf_client_clear_changes(VfClient *c);

/**
 * vf_client_count: count calls of a kind since a point of the log
 *
 * @c: the client
 * @op: kind of call
 * @since: length of the log at that point, 0 for all
 *
 * Returns: their number.
 */
unsigned int vf_client_count(VfClient *c, VfOp op, uint32_t since);

/* Returns: how many calls of kind @op after point @since the kernel refused */
unsigned int vf_client_refused(VfClient *c, VfOp op, uint32_t since);

/* Returns: the last call of kind @op after point @since, or NULL */
const VfLog *vf_client_last(VfClient *c, VfOp op, uint32_t since);

/**
 * vf_client_assert_before: assert that all calls of one kind precede those of
 * another one
 *
 * @c: the client
 * @first: kind of call
 * @then: kind of call that no call of kind @first may follow
 * @since: length of the log where to start
 *
 * Asserts that there are calls of both kinds, too.
 */
void vf_client_assert_before(VfClient *c, VfOp first, VfOp then,
                             uint32_t since);

/* Returns: how many objects of type @type exist now */
unsigned int vf_client_objects(VfClient *c, VfObjType type);

/* Asserts that no object, no mapping and no event queue exists */
void vf_client_assert_clean(VfClient *c);

/* Returns: the object that device @dev is bound as, or NULL */
const VfObject *vf_client_device_object(VfClient *c, unsigned int dev);

/* Returns: the object with identifier @id of the same iommufd as @of */
const VfObject *vf_client_object(VfClient *c, const VfObject *of, uint32_t id);

/* The access that the host gives to a device */
typedef enum VfAccess {
    VF_ACCESS_NONE,         /* not attached: the kernel blocks DMA */
    VF_ACCESS_ABORT,        /* nested, abort */
    VF_ACCESS_BYPASS,       /* nested, stage 2 only */
    VF_ACCESS_S1,           /* nested, through the guest's tables */
    VF_ACCESS_PAGING,       /* attached to the stage 2 itself */
} VfAccess;

/* Returns: the access of device @dev; @ste gets its nested STE, may be NULL */
VfAccess vf_client_access(VfClient *c, unsigned int dev, uint64_t ste[2]);

/**
 * vf_client_assert_at_most: assert that device @dev has at most access @most
 *
 * No access is always allowed. VF_ACCESS_PAGING is never allowed, since the
 * guest's tables do not limit it.
 */
void vf_client_assert_at_most(VfClient *c, unsigned int dev, VfAccess most);

const char *vf_op_name(VfOp op);
void vf_client_print_log(VfClient *c, uint32_t since);

#endif /* TESTS_QTEST_VFIO_GUEST_CLIENT_H */
