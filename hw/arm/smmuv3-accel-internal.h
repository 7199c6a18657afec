/*
 * Accelerated arm-smmuv3: types and functions that its files share
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * docs/devel/vfio-pasid.rst has a picture of the states of a device ("States
 * of a device behind an accelerated SMMUv3") and says which lock protects what.
 */

#ifndef HW_ARM_SMMUV3_ACCEL_INTERNAL_H
#define HW_ARM_SMMUV3_ACCEL_INTERNAL_H

#include "hw/pci/pci_device.h"
#include "qapi/qapi-types-smmuv3-accel.h"
#include "qemu/notify.h"
#include "system/iommufd.h"
#include "smmuv3-accel.h"
#include "smmuv3-accel-caps.h"
#include "smmuv3-accel-cmdq.h"
#include "smmuv3-accel-event.h"
#include "smmuv3-accel-fault.h"
#include "smmuv3-fields.h"

/* iommufd numbers its objects from 1 */
#define NO_ID 0

/* No StreamID, which has 32 bits at most */
#define NO_SID (1ull << 32)

/*
 * Linux 7.3, iommufd.h struct iommu_hw_info_arm_smmuv3, flags: user space has
 * to issue TLBI and CFGI commands, with the SYNC behind them, twice. The kernel
 * repeats its own commands, not those that it is handed.
 */
#define HW_INFO_REPEAT_TLBI_CFGI        BIT(0)

/* The states that a device can be in on the host */
typedef enum SMMUv3AccelMode {
    ACCEL_PARENT,       /* attached to the second stage only, by VFIO */
    ACCEL_BLOCKED,      /* attached to nothing */
    ACCEL_ABORT,
    ACCEL_BYPASS,
    ACCEL_TRANSLATE,
} SMMUv3AccelMode;

/* Why a device is stopped, and what ends that */
typedef enum SMMUv3AccelStop {
    STOP_NONE,
    STOP_CACHES,        /* host caches are stale: their recovery */
    STOP_REFUSED,       /* the host refused the STE: an attempt that succeeds */
    STOP_ATC,           /* its ATC may be stale: what has the STE read again */
    STOP_ATC_WAITS,     /* same, and that happened: the end of a time */
    STOP_NO_VDEVICE,    /* not stopped, but its events do not reach the guest */
} SMMUv3AccelStop;

/**
 * struct SMMUv3AccelBackoff - what fails again and again is tried less often
 *
 * @failures: number of failures since a quiet time
 * @not_before: time until which it is not tried again, of QEMU_CLOCK_VIRTUAL
 *              in ms
 */
typedef struct SMMUv3AccelBackoff {
    uint32_t failures;
    int64_t not_before;
} SMMUv3AccelBackoff;

/**
 * struct SMMUv3AccelSte - an STE in the form that the host takes
 *
 * @mode: SMMUv3AccelMode that the STE asks for
 * @dword: its first two doublewords, for ACCEL_TRANSLATE
 */
typedef struct SMMUv3AccelSte {
    uint32_t mode;
    uint64_t dword[2];
} SMMUv3AccelSte;

/**
 * struct SMMUv3AccelAttachment - the objects that a device has on the host
 *
 * CPR hands this to the next process.
 *
 * @ste: the installed STE
 * @s1_hwpt_id: nested HWPT of its own, made from @ste, or NO_ID; always there
 *              for ACCEL_TRANSLATE
 * @vdevice_id: vDEVICE, or NO_ID: without StreamID, or if the host refused it
 * @vsid: StreamID of the vDEVICE
 * @faultq_id: fault queue that @s1_hwpt_id reports to, or NO_ID
 */
typedef struct SMMUv3AccelAttachment {
    SMMUv3AccelSte ste;
    uint32_t s1_hwpt_id;
    uint32_t vdevice_id;
    uint32_t vsid;
    uint32_t faultq_id;
} SMMUv3AccelAttachment;

typedef struct SMMUv3AccelDevice {
    PCIDevice *pdev;
    HostIOMMUDeviceIOMMUFD *idev;
    bool no_ats;                /* host or user want no ATS for it */
    bool can_stall;             /* the host knows it to wait for its pages */
    bool faults_refused;        /* but does not report its faults */
    SMMUv3AccelAttachment host;
    uint32_t found_by;          /* StreamID, valid while in a list of these: */
    QLIST_ENTRY(SMMUv3AccelDevice) same_sid;
    bool named;                 /* a command named its StreamID */
    QTAILQ_ENTRY(SMMUv3AccelDevice) mark;
    SMMUv3AccelStop stopped;
    char *failure;              /* what the host said then; NULL without */
    uint32_t attempt;           /* in which the host refused something */
    bool atc_failed;            /* did not answer, and does not for sure yet */
    int64_t atc_failed_at;      /* time of that, as in SMMUv3AccelBackoff */
    SMMUEventInfo event;        /* last event recorded for its STE */
    bool reported;              /* the user was told that the host failed */
} SMMUv3AccelDevice;

/**
 * struct SMMUv3AccelRetry - attempts to have stopped devices go on
 *
 * @attempt: number of the attempt; a call that fails is not made twice in one
 * @waiting: number of devices with a reason that may end without the guest
 * @timer: attempt without a CMD_SYNC of the guest
 * @delay_ms: time until then
 * @failures: smmuv3_accel_cmdq_failures() at the last one
 * @caches: of attempts that the guest can cause with stale caches
 * @atcs: of ATCs that could not be invalidated again, of all devices together
 * @atcs_failed: number of devices with @atc_failed
 * @guest_told: a CMD_SYNC ended with an error since the host caches are stale
 * @sync_waits: CONS stays at a CMD_SYNC until the next attempt
 */
typedef struct SMMUv3AccelRetry {
    uint32_t attempt;
    uint32_t waiting;
    QEMUTimer timer;
    uint32_t delay_ms;
    uint32_t failures;
    SMMUv3AccelBackoff caches;
    SMMUv3AccelBackoff atcs;
    uint32_t atcs_failed;
    bool guest_told;
    bool sync_waits;
} SMMUv3AccelRetry;

/* The state of one device in the migration stream */
typedef struct SMMUv3AccelCprDevice {
    uint32_t devid;             /* in the iommufd; NO_ID: a vDEVICE alone */
    SMMUv3AccelAttachment host;
    uint32_t event_type;
    uint32_t event_sid;
    bool named;
    bool atc_stale;             /* STOP_ATC */
    uint32_t faultq_id;
    bool faults_end;            /* those that the new process reads */
} SMMUv3AccelCprDevice;

/* CPR: the state that one process hands to the next, and its progress */
typedef struct SMMUv3AccelCpr {
    Error *blocker;
    VMChangeStateEntry *state;
    bool adopting;              /* devices keep the objects of the old QEMU */
    bool loaded;                /* the stream that names them has been read */
    bool handed_over;           /* the new process may go on from here */
    bool stale;                 /* the host caches were stale */
    bool owed;                  /* the subsection is needed, or was there */
    bool tlbi_again;            /* a TLBI came ahead of an STE that is due */
    bool failed;                /* its subsection is needed, or was there */
    bool guest_told;
    bool other_offer;           /* its subsection is needed, or was there */
    bool limited;
    SMMUv3AccelIdr limit_idr;
    uint8_t stall_mode;         /* the subsection is needed, or was there */
    uint32_t faultq_id;
    uint16_t last_stag;
    uint32_t viommu_id;
    uint32_t abort_hwpt_id;
    uint32_t bypass_hwpt_id;
    int32_t len;
    SMMUv3AccelCprDevice *devices;
} SMMUv3AccelCpr;

struct SMMUv3AccelState {
    SMMUv3State *smmu;
    PCIIOMMUOps iommu_ops;
    bool enabled;               /* CR0.SMMUEN when the guest wrote it last */
    bool acknowledged;          /* CR0ACK.SMMUEN */
    bool registers_due;         /* CR0 or GBPA has not reached all devices */
    bool emulates;              /* there was an emulated device that does DMA */
    Notifier bus_numbers;
    Notifier machine_done;
    SMMUv3AccelCpr cpr;
    GHashTable *devices;        /* PCIDevice * to SMMUv3AccelDevice * */
    GHashTable *by_sid;         /* StreamID to a list of SMMUv3AccelDevice */
    GHashTable *vsids;          /* StreamIDs with vDEVICE, true: ATS is on */
    GArray *doomed;             /* IDs of objects that are still to be freed */

    /* The host SMMUv3 of the first device limits the guest's ID registers */
    bool limited;
    SMMUv3AccelIdr limit_idr;
    char *limited_by;           /* name of that device, if it is known */

    SMMUv3AccelCmdqInfo inval;
    SMMUv3AccelSlice slice;

    /* Devices whose STE has to be read before the next CMD_SYNC completes */
    QTAILQ_HEAD(, SMMUv3AccelDevice) marked;
    uint32_t marks;             /* length of @marked */
    bool tlbi_waits;            /* a TLBI followed the command that marked */
    bool tlbi_again;            /* ... and then an STE did change */
    Error *stopping;            /* reason to stop the marked devices */

    SMMUv3AccelRetry retry;

    /* Valid while there is a device */
    IOMMUFDBackend *be;
    SMMUv3AccelIdr host_idr;
    bool repeat_tlbi;           /* HW_INFO_REPEAT_TLBI_CFGI */
    uint32_t parent_hwpt_id;
    uint32_t viommu_id;
    uint32_t abort_hwpt_id;
    uint32_t bypass_hwpt_id;
    SMMUv3AccelCmdq *cmdq;
    SMMUv3AccelEvents *events;
    SMMUv3AccelFaults *faults;  /* NULL as long as no device can stall */
    bool faults_used;           /* the host reports to it */
};

/* Tell whether the host lets a device do DMA */
static inline bool smmuv3_accel_does_dma(const SMMUv3AccelDevice *adev)
{
    return adev->host.ste.mode != ACCEL_ABORT &&
           adev->host.ste.mode != ACCEL_BLOCKED;
}

static inline const char *smmuv3_accel_dev_name(PCIDevice *pdev)
{
    return DEVICE(pdev)->id ?: pdev->name;
}

/* Whether a device with this STE answers ATC invalidations, or should */
static inline bool smmuv3_accel_does_ats(const SMMUv3AccelSte *ste)
{
    return ste->mode == ACCEL_TRANSLATE && (ste->dword[1] & STE1_EATS);
}

/* smmuv3-accel-bus.c */

/**
 * smmuv3_accel_sid: return the StreamID of a device
 *
 * @adev: the device.
 *
 * Returns: its bus, device and function number as they are now; meaningless
 * without smmuv3_accel_has_sid().
 */
uint32_t smmuv3_accel_sid(const SMMUv3AccelDevice *adev);

/**
 * smmuv3_accel_has_sid: tell whether the guest has numbered the bus of a device
 *
 * @adev: the device.
 *
 * Returns: false as long as its transactions have no StreamID.
 */
bool smmuv3_accel_has_sid(const SMMUv3AccelDevice *adev);

/**
 * smmuv3_accel_sids_new: make the table for SMMUv3AccelState.by_sid
 *
 * Returns: the table, empty; end it with g_hash_table_unref().
 */
GHashTable *smmuv3_accel_sids_new(void);

/**
 * smmuv3_accel_sid_update: have a device found by the StreamID that it has now;
 * due when it came and when its bus was numbered
 *
 * @a: state that @adev belongs to.
 * @adev: the device.
 *
 * Returns: true if that is another one than before, or none any more.
 */
bool smmuv3_accel_sid_update(SMMUv3AccelState *a, SMMUv3AccelDevice *adev);

/**
 * smmuv3_accel_sid_forget: have a device found no longer
 *
 * @a: state that @adev belongs to.
 * @adev: the device.
 */
void smmuv3_accel_sid_forget(SMMUv3AccelState *a, SMMUv3AccelDevice *adev);

/**
 * smmuv3_accel_find: find a device by its StreamID, in constant time
 *
 * @a: state with the devices.
 * @sid: any number.
 *
 * Returns: the device, or NULL. If buses share a number there may be several of
 * them, and QLIST_NEXT(device, same_sid) is another one.
 */
SMMUv3AccelDevice *smmuv3_accel_find(SMMUv3AccelState *a, uint32_t sid);

/**
 * smmuv3_accel_take_bus: become the vIOMMU of the primary bus
 *
 * @s: an SMMUv3 with accel=on, its base class realized.
 * @errp: names a device that the host SMMUv3 could not translate for.
 *
 * Returns: true on success, false with nothing changed on failure.
 */
bool smmuv3_accel_take_bus(SMMUv3State *s, Error **errp);

/**
 * smmuv3_accel_check_host: check that a device is behind the host SMMUv3 of the
 * devices that are bound already
 *
 * @s: an SMMUv3 with accel=on.
 * @pdev: a device that is not bound yet.
 * @idev: its host side.
 * @errp: names both devices and, where sysfs tells them, both host SMMUs.
 *
 * Returns: true if it is, or if it is the first device; false if it is not.
 */
bool smmuv3_accel_check_host(SMMUv3State *s, PCIDevice *pdev,
                             HostIOMMUDeviceIOMMUFD *idev, Error **errp);

/* smmuv3-accel.c */

/**
 * smmuv3_accel_bind: put a device behind the SMMUv3
 *
 * @s: an SMMUv3 with accel=on.
 * @pdev: the device, attached by VFIO to a nesting parent.
 * @hiod: its host side; a reference is kept until smmuv3_accel_unbind().
 * @errp: says why the host SMMUv3 cannot translate for it.
 *
 * Returns: true with the device in the state that the guest's registers and
 * tables ask for, false with nothing left behind on failure.
 */
bool smmuv3_accel_bind(SMMUv3State *s, PCIDevice *pdev, HostIOMMUDevice *hiod,
                       Error **errp);

/**
 * smmuv3_accel_unbind: undo smmuv3_accel_bind() and leave the device attached
 * to nothing
 *
 * @s: an SMMUv3 with accel=on.
 * @pdev: the device; ignored if it is not bound.
 */
void smmuv3_accel_unbind(SMMUv3State *s, PCIDevice *pdev);

/**
 * smmuv3_accel_apply: read the registers and the STE of a device, and install
 * the STE on the host
 *
 * If the host fails, the device is stopped, the user is told, and so is the
 * guest if it is the STE that the host refuses. Recording an event is the last
 * step: the guest may see the event at once.
 *
 * @s: an SMMUv3 with accel=on.
 * @adev: the device.
 * @named: a CMD_CFGI_STE named the StreamID of the device.
 */
void smmuv3_accel_apply(SMMUv3State *s, SMMUv3AccelDevice *adev, bool named);

/* smmuv3-accel-command.c */

/**
 * smmuv3_accel_mark: have the STE of a device read before a CMD_SYNC completes
 *
 * @a: state that @adev belongs to.
 * @adev: the device.
 * @named: a CMD_CFGI_STE named the StreamID of the device.
 */
void smmuv3_accel_mark(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                       bool named);

/**
 * smmuv3_accel_unmark: drop the mark that the STE of a device has to be read
 *
 * @a: state that @adev belongs to.
 * @adev: the device; ignored if it is not marked.
 */
void smmuv3_accel_unmark(SMMUv3AccelState *a, SMMUv3AccelDevice *adev);

/**
 * smmuv3_accel_mark_all: smmuv3_accel_mark() for every device
 *
 * @a: the state.
 */
void smmuv3_accel_mark_all(SMMUv3AccelState *a);

/**
 * smmuv3_accel_apply_marked: apply the STEs of marked devices
 *
 * @s: an SMMUv3 with accel=on.
 * @now: not limited by a slice.
 *
 * Returns: true if no device is marked any more, false if the slice is over.
 */
bool smmuv3_accel_apply_marked(SMMUv3State *s, bool now);

/**
 * smmuv3_accel_complete: apply the STEs of marked devices and submit all
 * invalidations
 *
 * If the host fails, all devices are stopped. They go on as soon as a later
 * attempt succeeds.
 *
 * @s: an SMMUv3 with accel=on.
 * @now: not limited by a slice.
 *
 * Returns: true if that is done, and smmuv3_accel_cmdq_stale() tells how it
 * went; false if the slice is over and the rest has to wait.
 */
bool smmuv3_accel_complete(SMMUv3State *s, bool now);

/* smmuv3-accel-cpr.c */

/**
 * smmuv3_accel_cpr_init: allow migration by the modes cpr-transfer and cpr-exec
 * only
 *
 * While @a->cpr.adopting is set there is no vIOMMU, and the devices stay
 * attached to the HWPTs of the old QEMU.
 *
 * @a: state with @a->smmu set.
 * @errp: says why migration cannot be blocked (--only-migratable).
 *
 * Returns: true on success, false with nothing changed on failure.
 */
bool smmuv3_accel_cpr_init(SMMUv3AccelState *a, Error **errp);

/**
 * smmuv3_accel_cpr_adopt: take over the host objects of the old QEMU
 *
 * Has to be called before the guest runs, and before a device comes or goes.
 * Does nothing without an incoming state, and before that was loaded.
 *
 * @a: the state.
 */
void smmuv3_accel_cpr_adopt(SMMUv3AccelState *a);

/**
 * smmuv3_accel_cpr_exit: undo smmuv3_accel_cpr_init()
 *
 * @a: state that no device belongs to.
 */
void smmuv3_accel_cpr_exit(SMMUv3AccelState *a);

/* smmuv3-accel-hwpt.c */

/**
 * smmuv3_accel_adopt: take over the host objects of a device
 *
 * @a: state that @adev belongs to, with the vIOMMU that the objects are of.
 * @adev: the device, which has no host objects yet.
 * @host: objects that the old QEMU made for it.
 */
void smmuv3_accel_adopt(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                        const SMMUv3AccelAttachment *host);

/**
 * smmuv3_accel_new_cmdq: start to gather invalidations for the vIOMMU
 *
 * @a: state with a vIOMMU.
 */
void smmuv3_accel_new_cmdq(SMMUv3AccelState *a);

/**
 * smmuv3_accel_alloc_viommu: make the vIOMMU and the objects that all devices
 * share
 *
 * @s: an SMMUv3 with accel=on and no vIOMMU, its nesting parent known.
 * @idev: the first device.
 * @errp: says which object could not be made.
 *
 * Returns: true on success, false with nothing left behind on failure.
 */
bool smmuv3_accel_alloc_viommu(SMMUv3State *s, HostIOMMUDeviceIOMMUFD *idev,
                               Error **errp);

/**
 * smmuv3_accel_free_viommu: undo smmuv3_accel_alloc_viommu()
 *
 * @a: state with no device left.
 */
void smmuv3_accel_free_viommu(SMMUv3AccelState *a);

/**
 * smmuv3_accel_install: attach a device to the HWPT that an STE asks for
 *
 * Does not attach the device if it is attached to such an HWPT already, which
 * is a failure with stale host caches, unless it aborts. A new
 * HWPT is attached before the old one is freed. If the host knows the device by
 * a StreamID that it no longer has, the device is stopped first, and the
 * StreamID is free for another one. A StreamID that the host does not know yet
 * is told before; a device that is not translated can do without.
 *
 * @s: an SMMUv3 with accel=on.
 * @adev: the device.
 * @ste: the entry to install.
 * @sid: StreamID of the device.
 * @errp: says what the host refused.
 *
 * Returns: true on success; false with the device still attached to the old
 * HWPT or to abort on failure, see smmuv3_accel_stop(). errno is then that of
 * the host, or 0 if another device has the StreamID.
 */
bool smmuv3_accel_install(SMMUv3State *s, SMMUv3AccelDevice *adev,
                          const SMMUv3AccelSte *ste, uint32_t sid,
                          Error **errp);

/**
 * smmuv3_accel_halt: attach a device to abort, or if the host refuses that to
 * nothing
 *
 * @a: state that @adev belongs to.
 * @adev: the device.
 * @errp: says why the host does neither.
 *
 * Returns: true if the device can do no DMA, false if it may go on with it.
 */
bool smmuv3_accel_halt(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                       Error **errp);

/**
 * smmuv3_accel_stop: stop the DMA of a device for which the host failed
 *
 * @a: state that @adev belongs to.
 * @adev: the device.
 * @why: kind of failure, which decides when the device goes on.
 * @err: the failure, told to the user once until the next reset. Consumed.
 *
 * Returns: true if the device can do no DMA, false if it may go on with it.
 */
bool smmuv3_accel_stop(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                       SMMUv3AccelStop why, Error *err);

/**
 * smmuv3_accel_doom: free an HWPT or vDEVICE, later if the host is busy now
 *
 * @a: state that @adev belongs to.
 * @adev: the device that had it.
 * @id: its ID, or NO_ID; afterwards NO_ID.
 */
void smmuv3_accel_doom(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                       uint32_t *id);

/**
 * smmuv3_accel_free_doomed: free what the host did not free before
 *
 * An HWPT or vDEVICE of which the host says that it is busy is freed when the
 * timer fires, at the latest with the vIOMMU.
 *
 * @a: state with a vIOMMU, or without any such object.
 */
void smmuv3_accel_free_doomed(SMMUv3AccelState *a);

/**
 * smmuv3_accel_release: detach a device from all HWPTs and free its objects
 *
 * @a: state that @adev belongs to.
 * @adev: the device.
 */
void smmuv3_accel_release(SMMUv3AccelState *a, SMMUv3AccelDevice *adev);

/**
 * smmuv3_accel_try_faults: try whether the host reports page faults of a device
 *
 * @a: state with a vIOMMU and a fault queue.
 * @adev: a device that is attached to the second stage; afterwards to an HWPT
 *        that aborts.
 * @errp: says what the host refused. errno is that of the host, EOPNOTSUPP if
 *        it reports none.
 *
 * Returns: true if it does, false if not.
 */
bool smmuv3_accel_try_faults(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                             Error **errp);

/* smmuv3-accel-sva.c */

/**
 * smmuv3_accel_sva_limits: list what keeps a Linux guest from SVA
 *
 * @a: state with @a->smmu set, the CPUs of the machine realized.
 *
 * Returns: one element for each field of an ID register that offers less than
 * the CPUs have, for qapi_free_SmmuAccelSvaLimitList(); NULL without any, or
 * without substreams.
 */
SmmuAccelSvaLimitList *smmuv3_accel_sva_limits(const SMMUv3AccelState *a);

typedef enum SMMUv3AccelSva { SVA_NO, SVA_UNKNOWN, SVA_YES } SMMUv3AccelSva;

/**
 * smmuv3_accel_sva_of_host: tell whether the host's Linux has SVA on its SMMU
 *
 * It has where the SMMU does not offer less than the CPUs have
 * (arm_smmu_sva_supported() of Linux 7.3). The CPUs of the host are known with
 * KVM only.
 *
 * @host: ID registers of the host SMMU.
 * @errp: says what is missing, or not known. May be NULL.
 *
 * Returns: SVA_YES if a kernel with CONFIG_ARM_SMMU_V3_SVA has it, SVA_NO if
 * not, SVA_UNKNOWN if that cannot be told.
 */
SMMUv3AccelSva smmuv3_accel_sva_of_host(const SMMUv3AccelIdr *host,
                                        Error **errp);

/**
 * smmuv3_accel_sva_init: warn of these limits once the machine is there, if the
 * user gave a number of substreams
 *
 * @a: state with @a->smmu set; lives as long as the machine.
 */
void smmuv3_accel_sva_init(SMMUv3AccelState *a);

/* smmuv3-accel-retry.c */

/**
 * smmuv3_accel_retry_init: start with no device stopped
 *
 * @a: state with @a->smmu set.
 */
void smmuv3_accel_retry_init(SMMUv3AccelState *a);

/**
 * smmuv3_accel_new_attempt: let calls to the host be made again that failed
 * before
 *
 * Due when the guest has done anything that can be answered by it. If the host
 * caches were still stale after two attempts, they are left alone for a time.
 *
 * @a: the state.
 */
void smmuv3_accel_new_attempt(SMMUv3AccelState *a);

/**
 * smmuv3_accel_acknowledge: have CR0ACK.SMMUEN follow CR0.SMMUEN, and end an
 * update of GBPA
 *
 * Both say that transactions take the new path (SMMUv3 IHI0070, 6.3.10 and
 * 6.3.14), so they wait for the last device that gets it, and for one that the
 * host can neither give it to nor stop. What the host calls done is done for
 * them: Linux 7.3 does not tell when the CMD_CFGI_STE for a new STE has timed
 * out.
 *
 * @a: the state.
 */
void smmuv3_accel_acknowledge(SMMUv3AccelState *a);

/**
 * smmuv3_accel_force_attempt: smmuv3_accel_new_attempt() without that time
 *
 * For what a guest cannot cause as often as it likes.
 *
 * @a: the state.
 */
void smmuv3_accel_force_attempt(SMMUv3AccelState *a);

/**
 * smmuv3_accel_backoff: have something that has failed wait
 *
 * It does not after a first failure, as that may be over at once. The time is
 * twice as long after each further one, up to 13 seconds. It starts anew when
 * there was no failure for as long after the end of a time.
 *
 * @b: the history of failures, zeroed ahead of the first one.
 */
void smmuv3_accel_backoff(SMMUv3AccelBackoff *b);

/**
 * smmuv3_accel_backoff_waits: tell whether something is not to be tried yet
 *
 * @b: the history of failures.
 *
 * Returns: true before the end of the time.
 */
bool smmuv3_accel_backoff_waits(const SMMUv3AccelBackoff *b);

/**
 * smmuv3_accel_atc_backoff: have a device wait whose ATC could not be
 * invalidated
 *
 * The first failure is not waited for, unless another device waits or did so a
 * moment ago: with many dead devices the host must not wait for one of them all
 * the time. So all wait for the same time, which a reset of the machine does
 * not end, and a device does until smmuv3_accel_atc_answered().
 *
 * @a: state that @adev belongs to.
 * @adev: the device.
 */
void smmuv3_accel_atc_backoff(SMMUv3AccelState *a, SMMUv3AccelDevice *adev);

/**
 * smmuv3_accel_atc_answered: let a device whose ATC was invalidated wait no
 * longer, a SMMUv3AccelAtcAnswered
 *
 * Its last failure has to be as long ago as the longest time. Otherwise a guest
 * with a device that answers when the guest likes would never wait.
 *
 * @opaque: the SMMUv3AccelState.
 * @vsid: StreamID by which the host knows the device.
 */
void smmuv3_accel_atc_answered(void *opaque, uint32_t vsid);

/**
 * smmuv3_accel_atc_waits: tell whether a device must not do ATS yet
 *
 * @a: state that @adev belongs to.
 * @adev: the device.
 *
 * Returns: true before the end of the time.
 */
bool smmuv3_accel_atc_waits(const SMMUv3AccelState *a,
                            const SMMUv3AccelDevice *adev);

/**
 * smmuv3_accel_retry_start_timer: have an attempt made without a CMD_SYNC
 *
 * @a: the state.
 */
void smmuv3_accel_retry_start_timer(SMMUv3AccelState *a);

/**
 * smmuv3_accel_set_stopped: note why a device is stopped, and start the timer
 * for what ends by itself
 *
 * @a: state that @adev belongs to.
 * @adev: the device.
 * @why: the reason, or STOP_NONE for a device that is not stopped.
 */
void smmuv3_accel_set_stopped(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                              SMMUv3AccelStop why);

/**
 * smmuv3_accel_mark_stopped: mark the devices that are stopped for a reason
 *
 * @a: the state.
 * @why: STOP_CACHES, or STOP_REFUSED for all other reasons that may end by now.
 *       A device that the host refused in this attempt is left out.
 */
void smmuv3_accel_mark_stopped(SMMUv3AccelState *a, SMMUv3AccelStop why);

/**
 * smmuv3_accel_end_sync: decide whether a CMD_SYNC is complete after all that
 * could be done for it
 *
 * With stale host caches it is, as long as no device does DMA. The guest is
 * told of them by one error: it may try again at once and for ever. It is not
 * as long as a device does DMA by an STE that the host can neither replace nor
 * stop.
 *
 * @a: the state.
 * @cmd_error: set to the error that the guest gets, if any.
 *
 * Returns: true if CONS moves past the command.
 */
bool smmuv3_accel_end_sync(SMMUv3AccelState *a, SMMUCmdError *cmd_error);

#endif /* HW_ARM_SMMUV3_ACCEL_INTERNAL_H */
