/*
 * Model of VFIO and iommufd: memory that it shares with a test
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The model is a shared object that LD_PRELOAD puts into QEMU. It answers the
 * ioctls of Linux' VFIO and iommufd uAPI. It shares one memory file with the
 * test that starts QEMU: the test describes the devices and the calls that
 * fail, and the model writes the call log and the object table.
 * tests/qtest/vfio-guest/README.rst explains how to write a test.
 *
 * The model has, and has not:
 * - iommufd: object identifiers and reference counts, IOAS with its mappings,
 *   paging and nested HWPT, Arm vIOMMU, vDEVICE, vEVENTQ, batched
 *   invalidation, hardware information, fault queues with groups of one fault.
 *   No dirty bitmap contents, no HW queues, no PASID attach.
 * - VFIO: device file (cdev) and group with type1 container, PCI devices and
 *   mediated ones, regions, interrupts as far as they are configured, reset,
 *   hiding of capabilities and write masks of config space, migration of a
 *   device that can be stopped and copied, with a state that means nothing. No
 *   DMA, no interrupts raised by the device, no power management.
 * - The errno of each refusal is the one of Linux 7.3 on Arm. A test can ask
 *   for an older one, see VfLinux.
 */

#ifndef TESTS_QTEST_VFIO_FAKE_H
#define TESTS_QTEST_VFIO_FAKE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Environment variable: descriptor of the shared memory file in QEMU */
#define VF_ENV_SHM "VFIO_FAKE_SHM"

enum {
    VF_MAX_DEVICES = 64,
    VF_MAX_CTX = 4,
    VF_MAX_OBJECTS = 1024,
    VF_MAX_MAPS = 1024,
    VF_MAX_LOG = 1 << 16,
    VF_MAX_CMDS = 1 << 16,
    VF_MAX_EVENTS = 4096,
    VF_MAX_EVENTQ = 8,
    VF_MAX_FAULTS = 4096,
    VF_MAX_RULES = 16,
    VF_MAX_CHANGES = 16,
    VF_CONFIG_SIZE = 4096,
    VF_BARS = 6,
};

/*
 * Linux 7.3, flags of struct iommu_hw_info_arm_smmuv3: user space has to issue
 * TLBI and CFGI commands, with the SYNC behind them, twice
 */
#define VF_HW_REPEAT_TLBI_CFGI 1u

/*
 * Version of Linux that the model is like, newest first. Each release brought
 * what the one below it does not have:
 *   7.3   each field of an invalidation command is looked at;
 *         VF_HW_REPEAT_TLBI_CFGI
 *   7.0   IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED
 *   6.19  on Arm: a device is attached to nested abort or bypass without a
 *         vDEVICE
 *   6.17  IOMMU_HW_INFO_FLAG_INPUT_TYPE
 *   6.15  PASID in IOMMU_GET_HW_INFO; vEVENTQ
 *   6.13  on Arm: hardware information, nesting parent, vIOMMU, vDEVICE, and
 *         invalidation by it; IOAS from a file and for another process
 */
typedef enum VfLinux {
    VF_LINUX_7_3,
    VF_LINUX_7_2,
    VF_LINUX_6_18,
    VF_LINUX_6_15,
    VF_LINUX_6_12,
} VfLinux;

/* Offset of a region in a VFIO device file, as vfio-pci lays it out */
#define VF_REGION_SHIFT 40

/* One value for each kind of call that is logged and that can fail */
typedef enum VfOp {
    VF_OP_NONE,
    /* iommufd */
    VF_OP_DESTROY,
    VF_OP_IOAS_ALLOC,
    VF_OP_IOAS_IOVA_RANGES,
    VF_OP_IOAS_MAP,
    VF_OP_IOAS_UNMAP,
    VF_OP_HWPT_ALLOC,
    VF_OP_GET_HW_INFO,
    VF_OP_HWPT_SET_DIRTY_TRACKING,
    VF_OP_HWPT_INVALIDATE,
    VF_OP_VIOMMU_ALLOC,
    VF_OP_VDEVICE_ALLOC,
    VF_OP_VEVENTQ_ALLOC,
    VF_OP_FAULT_QUEUE_ALLOC,
    VF_OP_IOMMUFD_OTHER,
    /* device file */
    VF_OP_BIND,
    VF_OP_ATTACH,
    VF_OP_DETACH,
    VF_OP_GET_INFO,
    VF_OP_GET_REGION_INFO,
    VF_OP_GET_IRQ_INFO,
    VF_OP_SET_IRQS,
    VF_OP_RESET,
    VF_OP_HOT_RESET_INFO,
    VF_OP_HOT_RESET,
    VF_OP_FEATURE,
    VF_OP_DEVICE_OTHER,
    /* group and container */
    VF_OP_GROUP,
    VF_OP_CONTAINER,
    /* system calls on a device file, a vEVENTQ or a fault queue */
    VF_OP_CONFIG_READ,
    VF_OP_CONFIG_WRITE,
    VF_OP_REGION_READ,
    VF_OP_REGION_WRITE,
    VF_OP_MMAP,
    VF_OP_EVENT_READ,
    VF_OP_FAULT_READ,
    VF_OP_FAULT_WRITE,
    VF_OP_OPEN,
    VF_OP_CLOSE,
    VF_OP_COUNT
} VfOp;

/* Types of an object in an iommufd table */
typedef enum VfObjType {
    VF_OBJ_FREE,
    VF_OBJ_TOMBSTONE,       /* vDEVICE whose device went first */
    VF_OBJ_DEVICE,
    VF_OBJ_ACCESS,          /* a bound mediated device */
    VF_OBJ_IOAS,
    VF_OBJ_HWPT_PAGING,
    VF_OBJ_HWPT_NESTED,
    VF_OBJ_VIOMMU,
    VF_OBJ_VDEVICE,
    VF_OBJ_VEVENTQ,
    VF_OBJ_FAULT,
} VfObjType;

/**
 * struct VfObject - one object of an iommufd
 *
 * @type: VF_OBJ_*; free slots have VF_OBJ_FREE
 * @ctx: number of the iommufd it belongs to
 * @id: its identifier
 * @users: references of other objects
 * @parent: identifier of the object that it holds a reference on, or 0
 * @device: number of the device that it belongs to, -1 without
 * @smmu: number of the host SMMU that it belongs to
 * @flags: flags given at allocation
 * @auto_hwpt: HWPT that the kernel made for an attach to an IOAS
 * @attached: for a device: identifier of its IOAS or HWPT, or 0
 * @vdevice: for a device: identifier of its vDEVICE, or 0
 * @virt_id: for a vDEVICE: guest StreamID
 * @reports: for a device: the host reports its events to the guest
 * @event_sid: for a device: StreamID that they have
 * @ste: for a nested HWPT: the two words of the guest's STE
 * @queue: for a vEVENTQ or FAULT: number of its queue
 * @fault: for an HWPT: identifier of its FAULT, or 0
 */
typedef struct VfObject {
    uint32_t type;
    uint32_t ctx;
    uint32_t id;
    uint32_t users;
    uint32_t parent;
    int32_t device;
    uint32_t smmu;
    uint32_t flags;
    uint32_t auto_hwpt;
    uint32_t attached;
    uint32_t vdevice;
    uint32_t queue;
    uint32_t fault;
    uint32_t reports;
    uint64_t virt_id;
    uint64_t event_sid;
    uint64_t ste[2];
} VfObject;

/* One mapping of an IOAS or of a type1 container */
typedef struct VfMap {
    uint32_t ctx;
    uint32_t ioas;          /* 0: slot is free; UINT32_MAX: container */
    uint64_t iova;
    uint64_t length;
} VfMap;

/**
 * struct VfDevice - a host device; written by the test, read by the model
 *
 * @present: there is such a device
 * @file_fd: number of the device's memory file in QEMU;
 *           used when QEMU opens the device by path
 * @st_dev, @st_ino: identity of the device's memory file
 * @mdev: mediated device: it has no IOMMU of its own
 * @group: IOMMU group
 * @minor: minor number of the device file
 * @smmu: number of the host SMMU it sits behind
 * @streams: number of its StreamIDs on the host; several with DMA aliases
 * @stalls: the kernel knows the device to be able to wait: a quirk or the
 *          property dma-can-stall; see vf_stalls()
 * @hw_type: iommufd.h IOMMU_HW_INFO_TYPE_*
 * @hw_flags: flags of struct iommu_hw_info_arm_smmuv3, VF_HW_*
 * @idr: host SMMU registers IDR0 to IDR5
 * @iidr, @aidr: same
 * @hw_caps: iommufd.h IOMMU_HW_CAP_*
 * @max_pasid_log2: as IOMMU_GET_HW_INFO reports it; any value
 * @pasid_off: the IOMMU driver failed to enable PASID of the device, as where a
 *             port above it has no ACS; the width is reported all the same
 * @canwbs: the root complex is coherent, FWB is not needed
 * @config_size: size that QEMU is told, up to 4096
 * @atc_dead: the device does not answer ATC invalidations, as far as ATS is on
 * @reset_ok: the device can be reset
 * @shows_pasid: a kernel to come that does not hide the PASID capability
 * @raw: a kernel that shows configuration space as it is
 * @vga: the device has a region with the VGA ranges
 * @migration: the device can be stopped and its state copied
 * @msix: number of MSI-X vectors
 * @msi: number of MSI vectors
 * @bar_size: bytes of each BAR, 0 without
 * @rom_size: bytes of the expansion ROM, a power of two, 0 without
 * @phys: config space of the physical device
 * @virt: model only: the copy that VFIO keeps
 * @owned: model only: 1 where @virt rather than @phys is visible
 * @wmask: model only: bits of @virt that can be written
 * @config_ready: model only: the three before are filled in
 * @open_count, @bound_ctx, @obj_id: fake only
 * @fd, @pid: that the last ioctl came by
 * @other_fd, @other_pid: same for the last one of another process
 * @msix_enabled, @msi_enabled, @intx_enabled: eventfds configured, by kind
 */
typedef struct VfDevice {
    uint32_t present;
    int32_t file_fd;
    uint64_t st_dev;
    uint64_t st_ino;
    uint32_t mdev;
    uint32_t group;
    uint32_t minor;
    uint32_t smmu;
    uint32_t streams;
    uint32_t stalls;
    uint32_t hw_type;
    uint32_t hw_flags;
    uint32_t idr[6];
    uint32_t iidr;
    uint32_t aidr;
    uint64_t hw_caps;
    uint32_t max_pasid_log2;
    uint32_t pasid_off;
    uint32_t canwbs;
    uint32_t config_size;
    uint32_t atc_dead;
    uint32_t reset_ok;
    uint32_t shows_pasid;
    uint32_t raw;
    uint32_t vga;
    uint32_t migration;
    uint32_t msix;
    uint32_t msi;
    uint64_t bar_size[VF_BARS];
    uint32_t rom_size;
    uint8_t phys[VF_CONFIG_SIZE];
    uint8_t virt[VF_CONFIG_SIZE];
    uint8_t owned[VF_CONFIG_SIZE];
    uint8_t wmask[VF_CONFIG_SIZE];
    uint32_t config_ready;
    uint32_t open_count;
    int32_t bound_ctx;
    int32_t fd;
    int32_t pid;
    int32_t other_fd;
    int32_t other_pid;
    uint32_t obj_id;
    uint32_t msix_enabled;
    uint32_t msi_enabled;
    uint32_t intx_enabled;
} VfDevice;

/* An open iommufd */
typedef struct VfCtx {
    uint32_t used;
    uint32_t by_path;       /* opened as /dev/iommu by QEMU itself */
    uint32_t closed;        /* by QEMU: it lives as long as others hold it */
    uint64_t st_dev;
    uint64_t st_ino;
} VfCtx;

/**
 * struct VfRule - let calls fail
 *
 * @op: kind of call, VF_OP_NONE for an unused rule
 * @nth: first call of that kind to fail, from 1, counted from when @seen was
 *       cleared by the test
 * @count: how many calls in a row fail
 * @err: errno; the call then does nothing
 * @done: for VF_OP_HWPT_INVALIDATE: entry_num to report, while as many
 *        commands as the kernel would have issued by then take effect;
 *        for VF_OP_EVENT_READ with @err 0: bytes that the read is cut to;
 *        for VF_OP_FAULT_READ same, and whole requests behind them stay
 * @seen: calls of that kind so far
 */
typedef struct VfRule {
    uint32_t op;
    uint32_t nth;
    uint32_t count;
    int32_t err;
    uint32_t done;
    uint32_t seen;
} VfRule;

/**
 * struct VfChange - change an answer
 *
 * @op: kind of call, VF_OP_NONE for an unused change; an ioctl that takes a
 *      structure, or VF_OP_CONFIG_READ
 * @which: arg[0] of the log of the calls that are meant, UINT64_MAX for all;
 *         not for VF_OP_CONFIG_READ
 * @nth: which of these calls, from 1; 0 for each of them
 * @offset: in the structure; an offset beyond its end is in the buffer that it
 *          points to; for VF_OP_CONFIG_READ in configuration space
 * @size: 0 to 8 bytes, of which those are changed that QEMU has room for
 * @value: the new bytes
 * @ret: for an ioctl: its return value on success
 * @seen: calls that were meant so far
 */
typedef struct VfChange {
    uint32_t op;
    uint32_t nth;
    uint64_t which;
    uint32_t offset;
    uint32_t size;
    uint64_t value;
    int32_t ret;
    uint32_t seen;
} VfChange;

/**
 * struct VfLog - one call
 *
 * @op: kind
 * @unit: number of the iommufd or device
 * @err: errno, 0 on success
 * @nr: ioctl number, 0 for other system calls
 * @arg: by kind:
 *   DESTROY id; IOAS_ALLOC out id; IOAS_MAP and _UNMAP ioas, iova, length;
 *   HWPT_ALLOC pt_id, flags | data_type << 32, STE word 0, word 1, out id;
 *   GET_HW_INFO dev_id; HWPT_INVALIDATE object, entries given, entries
 *   reported done, number of its first command in @cmd; VIOMMU_ALLOC dev_id,
 *   hwpt_id, type, 0, out id; VDEVICE_ALLOC viommu, dev_id, virt_id, 0, out id;
 *   VEVENTQ_ALLOC viommu, type, depth, 0, out id; FAULT_QUEUE_ALLOC 0, 0, 0, 0,
 *   out id; FAULT_WRITE answers taken; ATTACH id; CONFIG_*
 *   offset, size, value; REGION_* and MMAP offset in the device file, size;
 *   GET_REGION_INFO and _IRQ_INFO index; SET_IRQS index, flags, start, count;
 *   FEATURE flags; OPEN 0
 */
typedef struct VfLog {
    uint32_t op;
    uint32_t unit;
    int32_t err;
    uint32_t nr;
    uint64_t arg[5];
} VfLog;

/*
 * One record of a vEVENTQ, or the mark that some were lost: as in the kernel
 * there is none but at the end, for a later record replaces it and leaves
 * nothing but a gap in the sequence.
 */
typedef struct VfEvent {
    uint32_t lost;
    uint32_t sequence;
    uint64_t evt[4];
} VfEvent;

/* Where a page fault is on its way */
typedef enum VfFaultState {
    VF_FAULT_NONE,
    VF_FAULT_STALLED,       /* for the kernel to handle the SMMU's event */
    VF_FAULT_WAITS,         /* for QEMU to read it */
    VF_FAULT_READ,          /* for QEMU's answer */
    VF_FAULT_ANSWERED,
    VF_FAULT_HANGS,         /* stalled, and the kernel never answers */
} VfFaultState;

/**
 * struct VfPageFault - a transaction that the host has stalled
 *
 * @state: VfFaultState
 * @queue: number of the queue
 * @ctx, @dev_id, @hwpt_id: device, and the HWPT that it was attached to when
 *                          the kernel handled the event
 * @flags, @pasid, @grpid, @perm, @addr: of struct iommu_hwpt_pgfault
 * @cookie: same, from when QEMU has read it
 * @code: of struct iommu_hwpt_page_response, when it is answered
 * @by_kernel: it was not QEMU that answered: the kernel, or the SMMU, which
 *             had not stalled it
 */
typedef struct VfPageFault {
    uint32_t state;
    int32_t queue;
    uint32_t ctx;
    uint32_t dev_id;
    uint32_t hwpt_id;
    uint32_t flags;
    uint32_t pasid;
    uint32_t grpid;
    uint32_t perm;
    uint32_t cookie;
    uint32_t code;
    uint32_t by_kernel;
    uint64_t addr;
} VfPageFault;

/*
 * A vEVENTQ or a fault queue: @read_fd is readable when something waits; the
 * test holds the other end
 */
typedef struct VfEventQueue {
    int32_t read_fd;        /* in QEMU */
    uint32_t used;          /* set by the model when QEMU has allocated it */
    uint32_t faults;        /* it is a fault queue: see VfPageFault */
    uint32_t obj_id;
    uint32_t head;          /* next record that QEMU reads */
    uint32_t tail;          /* where the test puts the next one */
    uint32_t sequence;
    VfEvent event[VF_MAX_EVENTS];
} VfEventQueue;

/* One command that the host SMMU was given */
typedef struct VfCmd {
    uint64_t word[2];       /* as the guest wrote it */
    uint32_t issued;        /* 0: converted at most, never executed */
    uint32_t vsmmu;
} VfCmd;

typedef struct VfShared {
    uint32_t magic;
    uint32_t size;
    pthread_mutex_t lock;

    /* written by the test */
    VfDevice device[VF_MAX_DEVICES];
    VfRule rule[VF_MAX_RULES];
    VfChange change[VF_MAX_CHANGES];
    uint32_t ioctl_ns;      /* how long each ioctl takes at least */
    uint32_t atc_blocks;    /* calls that time out behind a dead ATC_INV */
    uint32_t no_cdev;       /* kernel without VFIO device files */
    uint32_t no_sva;        /* kernel without CONFIG_ARM_SMMU_V3_SVA */
    uint32_t kernel;        /* VF_LINUX_* */
    char sysfs[256];        /* folder that stands for /sys; "" without */

    /* written by the model */
    uint32_t loaded;        /* the model is loaded */
    uint32_t log_len;       /* may pass VF_MAX_LOG: the rest is not kept */
    uint32_t cmd_len;
    uint32_t blocked;       /* calls that are still to time out behind one */
    uint32_t oops;          /* calls that have crashed the kernel */
    uint64_t calls[VF_OP_COUNT];
    VfCtx ctx[VF_MAX_CTX];
    VfObject object[VF_MAX_OBJECTS];
    VfMap map[VF_MAX_MAPS];
    VfEventQueue eventq[VF_MAX_EVENTQ];
    VfPageFault page_fault[VF_MAX_FAULTS];  /* written by the test, too */
    uint32_t page_fault_len;
    uint64_t raw_config_writes;     /* that reached hidden or unknown bytes */
    VfLog log[VF_MAX_LOG];
    VfCmd cmd[VF_MAX_CMDS];
} VfShared;

#define VF_MAGIC 0x56464b31u

/* SMMU_IDR0.STALL_MODEL (IHI0070, 6.3.1) */
#define VF_IDR0_STALL_MODEL(idr0) (((idr0) >> 24) & 3)
enum { VF_STALL_BOTH, VF_STALL_NONE, VF_STALL_FORCED };

/* Returns: true if Linux has stall_enabled for a device: it answers stalls */
static inline bool vf_stalls(const VfDevice *d)
{
    unsigned int model = VF_IDR0_STALL_MODEL(d->idr[0]);

    return model == VF_STALL_FORCED || (model == VF_STALL_BOTH && d->stalls);
}

#endif /* TESTS_QTEST_VFIO_FAKE_H */
