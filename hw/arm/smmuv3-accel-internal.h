/*
 * Accelerated arm-smmuv3: what its files share
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_ARM_SMMUV3_ACCEL_INTERNAL_H
#define HW_ARM_SMMUV3_ACCEL_INTERNAL_H

#include "hw/pci/pci_device.h"
#include "qemu/notify.h"
#include "system/iommufd.h"
#include "smmuv3-accel.h"
#include "smmuv3-accel-caps.h"
#include "smmuv3-accel-cmdq.h"
#include "smmuv3-accel-event.h"

/* iommufd numbers its objects from 1 */
#define NO_ID 0

/*
 * iommufd.h IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED, newer than the header here.
 * Kernels that do not know it never set it.
 */
#define HW_CAP_PCI_ATS_NOT_SUPPORTED    BIT_ULL(3)

/* STE.V, STE.Config and STE.EATS in two doublewords (SMMUv3 IHI0070, 5.2) */
#define STE0_V          MAKE_64BIT_MASK(0, 1)
#define STE0_CONFIG     MAKE_64BIT_MASK(1, 3)
#define STE1_EATS       MAKE_64BIT_MASK(28, 2)
#define STE_CONFIG_ABORT    0
#define STE_CONFIG_BYPASS   4

typedef enum SMMUv3AccelMode {
    ACCEL_PARENT,       /* as VFIO left it: second stage only */
    ACCEL_BLOCKED,      /* attached to nothing */
    ACCEL_ABORT,
    ACCEL_BYPASS,
    ACCEL_TRANSLATE,
} SMMUv3AccelMode;

/* First two doublewords of an STE as the host takes them, and what it means */
typedef struct SMMUv3AccelSte {
    SMMUv3AccelMode mode;
    uint64_t dword[2];
} SMMUv3AccelSte;

typedef struct SMMUv3AccelDevice {
    PCIDevice *pdev;
    HostIOMMUDeviceIOMMUFD *idev;
    bool no_ats;                /* the host will not enable it */
    SMMUv3AccelSte ste;         /* installed */
    uint32_t s1_hwpt_id;        /* made from @ste, for ACCEL_TRANSLATE */
    uint32_t vdevice_id;
    uint32_t vsid;              /* what @vdevice_id stands for */
    uint32_t found_by;          /* StreamID, valid while in a list of these: */
    QLIST_ENTRY(SMMUv3AccelDevice) same_sid;
    bool named;                 /* marked by its very StreamID */
    QTAILQ_ENTRY(SMMUv3AccelDevice) mark;
    SMMUEventInfo event;        /* last one told about the guest's STE */
    bool reported;              /* the host failed, and the user knows */
} SMMUv3AccelDevice;

/* What a process had for a device, see SMMUv3AccelDevice */
typedef struct SMMUv3AccelCprDevice {
    uint32_t devid;             /* of the device in the iommufd */
    uint32_t mode;
    uint64_t dword[2];
    uint32_t s1_hwpt_id;
    uint32_t vdevice_id;
    uint32_t vsid;
    uint32_t event_type;
    uint32_t event_sid;
    bool named;
} SMMUv3AccelCprDevice;

/* What one process tells the next, and how far that is */
typedef struct SMMUv3AccelCpr {
    Error *blocker;
    VMChangeStateEntry *state;
    bool adopting;              /* devices have what the one before has made */
    bool loaded;                /* ... and it is known what that is */
    bool handed_over;           /* another process may go on from here */
    bool stale;                 /* so were the caches of the host */
    bool owed;                  /* the subsection is needed, or was there */
    bool tlbi_again;            /* a TLBI came ahead of an STE that is due */
    uint32_t viommu_id;
    uint32_t abort_hwpt_id;
    uint32_t bypass_hwpt_id;
    int32_t len;
    SMMUv3AccelCprDevice *devices;
} SMMUv3AccelCpr;

struct SMMUv3AccelState {
    SMMUv3State *smmu;
    Notifier bus_numbers;
    SMMUv3AccelCpr cpr;
    GHashTable *devices;        /* PCIDevice * to SMMUv3AccelDevice * */
    GHashTable *by_sid;         /* StreamID to a list of SMMUv3AccelDevice */
    GHashTable *vsids;          /* StreamIDs with vDEVICE, true: ATS is on */
    GArray *doomed;             /* IDs of vDEVICEs that are still to be freed */

    /* The host SMMUv3 of the first device bounds what the guest is offered */
    bool limited;
    SMMUv3AccelIdr limit_idr;

    SMMUv3AccelCmdqInfo inval;
    SMMUv3AccelSlice slice;

    /* Devices whose STE is to be looked at before a CMD_SYNC completes */
    QTAILQ_HEAD(, SMMUv3AccelDevice) marked;
    uint32_t marks;             /* how many these are */
    bool tlbi_waits;            /* a TLBI came after them, or some of them */
    bool tlbi_again;            /* ... and then an STE was another one */
    Error *stopping;            /* why they are to be stopped instead */

    /* Valid while there is a device */
    IOMMUFDBackend *be;
    SMMUv3AccelIdr host_idr;
    uint32_t parent_hwpt_id;
    uint32_t viommu_id;
    uint32_t abort_hwpt_id;
    uint32_t bypass_hwpt_id;
    SMMUv3AccelCmdq *cmdq;
    SMMUv3AccelEvents *events;
};

static inline const char *smmuv3_accel_dev_name(PCIDevice *pdev)
{
    return DEVICE(pdev)->id ?: pdev->name;
}

/**
 * smmuv3_accel_sid: the StreamID of a device
 *
 * @adev: the device.
 *
 * Returns: its bus, device and function number as they are now; meaningless
 * without smmuv3_accel_has_sid().
 */
uint32_t smmuv3_accel_sid(const SMMUv3AccelDevice *adev);

/**
 * smmuv3_accel_has_sid: tell if the guest has numbered the bus of a device
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
 * smmuv3_accel_check_host: tell whether a device shares the host SMMUv3 of the
 * devices that are there
 *
 * @s: an SMMUv3 with accel=on.
 * @pdev: a device that is not yet one of them.
 * @idev: its host side.
 * @errp: names both devices and, where they can be told, both host SMMUs.
 *
 * Returns: true if it does or is the first, false if it does not.
 */
bool smmuv3_accel_check_host(SMMUv3State *s, PCIDevice *pdev,
                             HostIOMMUDeviceIOMMUFD *idev, Error **errp);

/**
 * smmuv3_accel_bind: put a device behind the SMMUv3
 *
 * @s: an SMMUv3 with accel=on.
 * @pdev: the device, attached by VFIO to a nesting parent.
 * @hiod: its host side; a reference is kept until smmuv3_accel_unbind().
 * @errp: says why the host SMMUv3 cannot translate for it.
 *
 * Returns: true with the device attached to what the guest wants for it, false
 * with nothing left behind on failure.
 */
bool smmuv3_accel_bind(SMMUv3State *s, PCIDevice *pdev, HostIOMMUDevice *hiod,
                       Error **errp);

/**
 * smmuv3_accel_unbind: undo smmuv3_accel_bind() and leave the device attached
 * to nothing
 *
 * @s: an SMMUv3 with accel=on.
 * @pdev: the device; one that was not bound is passed over.
 */
void smmuv3_accel_unbind(SMMUv3State *s, PCIDevice *pdev);

/**
 * smmuv3_accel_update_device: bring a device in line with the registers and
 * the stream table, and stop it and tell the user where that fails
 *
 * The last thing that it does is to record an event.
 *
 * @s: an SMMUv3 with accel=on.
 * @adev: the device.
 * @named: the guest has asked to look at the STE of this very StreamID.
 */
void smmuv3_accel_update_device(SMMUv3State *s, SMMUv3AccelDevice *adev,
                                bool named);

/**
 * smmuv3_accel_mark: have the STE of a device looked at before a CMD_SYNC
 * completes
 *
 * @a: state that @adev belongs to.
 * @adev: the device.
 * @named: the guest has asked to look at the STE of this very StreamID.
 */
void smmuv3_accel_mark(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                       bool named);

/**
 * smmuv3_accel_unmark: forget that the STE of a device is to be looked at
 *
 * @a: state that @adev belongs to.
 * @adev: the device; one that is not marked is passed over.
 */
void smmuv3_accel_unmark(SMMUv3AccelState *a, SMMUv3AccelDevice *adev);

/**
 * smmuv3_accel_update_all: bring every device in line with the registers and
 * the stream table, and tell the user of those where that fails
 *
 * @s: an SMMUv3 with accel=on.
 */
void smmuv3_accel_update_all(SMMUv3State *s);

/**
 * smmuv3_accel_cpr_init: let a new QEMU process take over, by modes
 * cpr-transfer and cpr-exec, and refuse the other modes of migration
 *
 * As long as @a->cpr.adopting is set there is no vIOMMU, and the devices stay
 * attached to what they are.
 *
 * @a: state with @a->smmu set.
 * @errp: says why migration cannot be refused (--only-migratable).
 *
 * Returns: true on success, false with nothing changed on failure.
 */
bool smmuv3_accel_cpr_init(SMMUv3AccelState *a, Error **errp);

/**
 * smmuv3_accel_cpr_adopt: take over what the process before had for the devices
 *
 * Due before the guest runs, and before a device comes or goes. Nothing happens
 * where there is nothing to take over, and as long as it has not been loaded.
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

/**
 * smmuv3_accel_adopt: take as a device's own what another process has made
 *
 * @a: state that @adev belongs to, with the vIOMMU that the objects are of.
 * @adev: the device, of which nothing is known.
 * @ste: what is installed.
 * @s1_hwpt_id: HWPT made from @ste, or NO_ID.
 * @vdevice_id: vDEVICE, or NO_ID.
 * @vsid: the StreamID that @vdevice_id stands for.
 */
void smmuv3_accel_adopt(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                        const SMMUv3AccelSte *ste, uint32_t s1_hwpt_id,
                        uint32_t vdevice_id, uint32_t vsid);

/**
 * smmuv3_accel_new_cmdq: start to gather invalidations for the vIOMMU
 *
 * @a: state with a vIOMMU.
 */
void smmuv3_accel_new_cmdq(SMMUv3AccelState *a);

/**
 * smmuv3_accel_alloc_viommu: make the vIOMMU and what all devices share
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
 * smmuv3_accel_free_viommu: free what smmuv3_accel_alloc_viommu() has made
 *
 * @a: state with no device left.
 */
void smmuv3_accel_free_viommu(SMMUv3AccelState *a);

/**
 * smmuv3_accel_install: attach a device to what an STE asks for
 *
 * Makes no ioctl if that is what the device is attached to. A new HWPT is
 * attached before the old one is freed. If the host knows the device by a
 * StreamID that it has no longer then the device is stopped first, and the
 * StreamID is free for another one.
 *
 * @s: an SMMUv3 with accel=on.
 * @adev: the device.
 * @ste: what to install.
 * @sid: the StreamID that it belongs to.
 * @errp: says what the host refused.
 *
 * Returns: true on success; false with the device still attached to the old
 * HWPT or to abort on failure, see smmuv3_accel_fail_closed().
 */
bool smmuv3_accel_install(SMMUv3State *s, SMMUv3AccelDevice *adev,
                          const SMMUv3AccelSte *ste, uint32_t sid,
                          Error **errp);

/**
 * smmuv3_accel_fail_closed: stop the DMA of a device for which the host did
 * not do what the guest asked for
 *
 * @a: state that @adev belongs to.
 * @adev: the device.
 * @err: why, told to the user once until the next reset. Consumed.
 */
void smmuv3_accel_fail_closed(SMMUv3AccelState *a, SMMUv3AccelDevice *adev,
                              Error *err);

/**
 * smmuv3_accel_free_vdevice: take the StreamID away from a device that is not
 * attached to a stage-1 HWPT
 *
 * A vDEVICE that the host does not free is reported, and freed before another
 * one is made.
 *
 * @a: state that @adev belongs to.
 * @adev: the device; one without vDEVICE is passed over.
 */
void smmuv3_accel_free_vdevice(SMMUv3AccelState *a, SMMUv3AccelDevice *adev);

/**
 * smmuv3_accel_release: attach a device to nothing and free what it has
 *
 * @a: state that @adev belongs to.
 * @adev: the device.
 */
void smmuv3_accel_release(SMMUv3AccelState *a, SMMUv3AccelDevice *adev);

#endif /* HW_ARM_SMMUV3_ACCEL_INTERNAL_H */
