/*
 * Model of VFIO and iommufd: Arm vIOMMU, vDEVICE, nested HWPT, invalidation
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "fake.h"

#include <linux/iommufd.h>

/* SMMU_IDR0, _IDR1, _IDR3 and _IDR5 (IHI0070, 6.3.1, 6.3.2, 6.3.4, 6.3.6) */
#define SMMU_IDR0_NESTING 3u
#define SMMU_IDR0_COHACC  (1u << 4)
#define SMMU_IDR0_ATS     (1u << 10)
#define SMMU_IDR0_ASID16  (1u << 12)
#define SMMU_IDR1_SSIDSIZE(idr) (((idr) >> 6) & 0x1f)
#define SMMU_IDR3_FWB     (1u << 8)
#define SMMU_IDR3_RIL     (1u << 10)
#define SMMU_IDR5_DS      (1u << 7)
#define SMMU_IDR5_OAS(idr) ((idr) & 7)
/* Address bits of the host's CPUs, in that encoding: 48 */
enum { CPU_OAS = 5 };

/* Stream table entry (IHI0070, 5.2) */
#define STE0_V            1ull
#define STE0_CONFIG(w)    (((w) >> 1) & 7)
#define STE1_EATS(w)      (((w) >> 28) & 3)
#define STE1_EATS_MASK    (3ull << 28)
enum { STE_ABORT = 0, STE_BYPASS = 4, STE_S1 = 5 };
enum { EATS_NONE = 0, EATS_FULL = 1 };

/* V, Config, S1Fmt, S1ContextPtr, S1CDMax */
#define STE0_ALLOWED      (0xfull | 3ull << 4 | 0x3fffffffffffull << 6 | \
                           0x1full << 59)
/* S1DSS, S1CIR, S1COR, S1CSH, S1STALLD, EATS */
#define STE1_ALLOWED      (0xffull | 1ull << 27 | STE1_EATS_MASK)

/* Opcodes of commands (IHI0070, 4.1.1) */
enum {
    CMD_CFGI_CD = 0x05,
    CMD_CFGI_CD_ALL = 0x06,
    CMD_TLBI_NH_ALL = 0x10,
    CMD_TLBI_NH_ASID = 0x11,
    CMD_TLBI_NH_VA = 0x12,
    CMD_TLBI_NH_VAA = 0x13,
    CMD_TLBI_NSNH_ALL = 0x30,
    CMD_ATC_INV = 0x40,
};

/* Fields of commands (IHI0070, 4.3 to 4.5); the driver replaces VMID and SID */
#define CMD0_OPCODE       0xffull
#define CMD0_GLOBAL       (1ull << 9)
#define CMD0_SSV          (1ull << 11)
#define CMD0_SSID         (0xfffffull << 12)
#define CMD0_NUM          (0x1full << 12)
#define CMD0_SCALE        (0x3full << 20)
#define CMD0_SCALE_DS     (1ull << 25)
#define CMD0_VMID         (0xffffull << 32)
#define CMD0_SID          (0xffffffffull << 32)
#define CMD0_ASID         (0xffffull << 48)
#define CMD0_ASID_HIGH    (0xffull << 56)
#define CMD1_LEAF         1ull
#define CMD1_ATC_SIZE(w)  ((w) & 0x3f)
#define CMD1_TTL(w)       (((w) >> 8) & 3)
#define CMD1_TG(w)        (((w) >> 10) & 3)
#define CMD1_RANGE        (0xfull << 8)
#define CMD1_ADDR         (~0ull << 12)
enum { TG_NONE = 0, TG_16K = 2 };
enum { ATC_SIZE_MAX = 52 };

/* Bits that the driver lets a command have, by its opcode */
typedef struct CmdFields {
    uint8_t opcode;
    uint64_t mask[2];
} CmdFields;

static const CmdFields cmd_fields[] = {
    { .opcode = CMD_CFGI_CD,
      .mask = { CMD0_OPCODE | CMD0_SSID | CMD0_SID, CMD1_LEAF } },
    { .opcode = CMD_CFGI_CD_ALL, .mask = { CMD0_OPCODE | CMD0_SID } },
    { .opcode = CMD_TLBI_NH_ALL, .mask = { CMD0_OPCODE | CMD0_VMID } },
    { .opcode = CMD_TLBI_NH_ASID,
      .mask = { CMD0_OPCODE | CMD0_VMID | CMD0_ASID } },
    { .opcode = CMD_TLBI_NH_VA,
      .mask = { CMD0_OPCODE | CMD0_NUM | CMD0_SCALE | CMD0_VMID | CMD0_ASID,
                CMD1_LEAF | CMD1_RANGE | CMD1_ADDR } },
    { .opcode = CMD_TLBI_NH_VAA,
      .mask = { CMD0_OPCODE | CMD0_NUM | CMD0_SCALE | CMD0_VMID,
                CMD1_LEAF | CMD1_RANGE | CMD1_ADDR } },
    /* Has no VMID: the driver makes it a CMD_TLBI_NH_ALL of the guest's */
    { .opcode = CMD_TLBI_NSNH_ALL, .mask = { CMD0_OPCODE } },
    { .opcode = CMD_ATC_INV,
      .mask = { CMD0_OPCODE | CMD0_GLOBAL | CMD0_SSV | CMD0_SSID | CMD0_SID,
                0x3f | CMD1_ADDR } },
};

/* The driver hands this many commands to the hardware at a time */
#define BATCH_ENTRIES 63

/* Limits of one IOMMU_HWPT_INVALIDATE; pages of the kernel may be larger */
#define INVALIDATE_ENTRIES_MAX  (1u << 19)
#define INVALIDATE_LEN_MAX      4096u

int vf_viommu_alloc(uint32_t ctx, void *arg, VfLog *log)
{
    struct iommu_viommu_alloc *cmd = arg;
    VfObject *dev = vf_object_find_type(ctx, cmd->dev_id, VF_OBJ_DEVICE);
    VfObject *hwpt = vf_object_find_type(ctx, cmd->hwpt_id,
                                         VF_OBJ_HWPT_PAGING);
    VfObject *obj;
    VfDevice *d;

    log->arg[0] = cmd->dev_id;
    log->arg[1] = cmd->hwpt_id;
    log->arg[2] = cmd->type;
    if (cmd->flags || cmd->type == IOMMU_VIOMMU_TYPE_DEFAULT) {
        return -EOPNOTSUPP;
    }
    if (!dev) {
        return -ENOENT;
    }
    d = &vf->device[dev->device];
    if (d->hw_type != IOMMU_HW_INFO_TYPE_ARM_SMMUV3 ||
        cmd->type != IOMMU_VIOMMU_TYPE_ARM_SMMUV3 ||
        (~d->idr[0] & SMMU_IDR0_NESTING) ||
        (!d->canwbs && !(d->idr[3] & SMMU_IDR3_FWB))) {
        return -EOPNOTSUPP;
    }
    if (!hwpt) {
        return -ENOENT;
    }
    if (!(hwpt->flags & IOMMU_HWPT_ALLOC_NEST_PARENT) ||
        hwpt->smmu != d->smmu) {
        return -EINVAL;
    }
    obj = vf_object_new(ctx, VF_OBJ_VIOMMU);
    if (!obj) {
        return -ENOMEM;
    }
    obj->smmu = d->smmu;
    obj->parent = hwpt->id;
    vf_object_hold(ctx, hwpt->id);
    cmd->out_viommu_id = obj->id;
    log->arg[4] = obj->id;
    return 0;
}

static VfObject *find_vdevice(VfObject *viommu, uint64_t virt_id)
{
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        VfObject *obj = &vf->object[i];

        if (obj->type == VF_OBJ_VDEVICE && obj->ctx == viommu->ctx &&
            obj->parent == viommu->id && obj->virt_id == virt_id) {
            return obj;
        }
    }
    return NULL;
}

int vf_vdevice_alloc(uint32_t ctx, void *arg, VfLog *log)
{
    struct iommu_vdevice_alloc *cmd = arg;
    VfObject *viommu = vf_object_find_type(ctx, cmd->viommu_id,
                                           VF_OBJ_VIOMMU);
    VfObject *dev = vf_object_find_type(ctx, cmd->dev_id, VF_OBJ_DEVICE);
    VfObject *obj;

    log->arg[0] = cmd->viommu_id;
    log->arg[1] = cmd->dev_id;
    log->arg[2] = cmd->virt_id;
    if (!viommu || !dev) {
        return -ENOENT;
    }
    if (viommu->smmu != dev->smmu) {
        return -EINVAL;
    }
    if (dev->vdevice || find_vdevice(viommu, cmd->virt_id)) {
        return -EEXIST;
    }
    /* The driver has room for one in its tables of a guest's StreamIDs */
    if (vf->device[dev->device].streams != 1) {
        return -EOPNOTSUPP;
    }
    obj = vf_object_new(ctx, VF_OBJ_VDEVICE);
    if (!obj) {
        return -ENOMEM;
    }
    obj->device = dev->device;
    obj->smmu = dev->smmu;
    obj->virt_id = cmd->virt_id;
    obj->parent = viommu->id;
    vf_object_hold(ctx, viommu->id);
    dev->vdevice = obj->id;
    cmd->out_vdevice_id = obj->id;
    log->arg[4] = obj->id;
    return 0;
}

int vf_nested_check(VfObject *viommu, uint32_t flags, uint32_t type,
                    const void *data, uint32_t len, uint64_t ste[2])
{
    unsigned int config;

    if (flags & ~(IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_PASID) ||
        !len) {
        return -EOPNOTSUPP;
    }
    /* The driver is shown the second one alone, and knows no flag at all */
    if (flags & ~IOMMU_HWPT_FAULT_ID_VALID) {
        return -EOPNOTSUPP;
    }
    /* A longer structure is refused whatever is in it */
    if (type != IOMMU_HWPT_DATA_ARM_SMMUV3 ||
        len != sizeof(struct iommu_hwpt_arm_smmuv3)) {
        return -EINVAL;
    }
    if (!data) {
        return -EFAULT;
    }
    memcpy(ste, data, sizeof(struct iommu_hwpt_arm_smmuv3));
    if (!(ste[0] & STE0_V)) {
        ste[0] = ste[1] = 0;
        return 0;
    }
    if ((ste[0] & ~STE0_ALLOWED) || (ste[1] & ~STE1_ALLOWED)) {
        return -EIO;
    }
    config = STE0_CONFIG(ste[0]);
    if (config != STE_ABORT && config != STE_BYPASS && config != STE_S1) {
        return -EIO;
    }
    if (STE1_EATS(ste[1]) != EATS_NONE && STE1_EATS(ste[1]) != EATS_FULL) {
        return -EIO;
    }
    return 0;
}

/*
 * The driver makes a device known to the source of its page faults, which an
 * SMMU has only if its tables can be those of a process.
 */
static int enable_faults(const VfDevice *d)
{
    if (vf->no_sva) {
        return -EOPNOTSUPP;
    }
    if (!vf_stalls(d)) {
        return 0;
    }
    if (d->streams != 1) {
        return -EOPNOTSUPP;
    }
    if (!(d->idr[0] & SMMU_IDR0_COHACC) ||
        SMMU_IDR5_OAS(d->idr[5]) < CPU_OAS) {
        vf->oops++;
        return -EFAULT;
    }
    return 0;
}

int vf_nested_may_attach(VfObject *hwpt, VfObject *dev)
{
    unsigned int config = STE0_CONFIG(hwpt->ste[0]);
    VfObject *vdevice = dev->vdevice ? vf_object_find(dev->ctx, dev->vdevice)
                                     : NULL;
    bool nameless = !vf_linux_before(VF_LINUX_7_2) &&
                    (config == STE_ABORT || config == STE_BYPASS);

    if (hwpt->smmu != dev->smmu) {
        return -EINVAL;
    }
    /* Only abort and bypass do without the guest's name for the device */
    if ((!vdevice || vdevice->parent != hwpt->parent) && !nameless) {
        return -ENOENT;
    }
    /* Older ones take the queue, and report nothing to it */
    return hwpt->fault && !vf_linux_before(VF_LINUX_6_18) ?
        enable_faults(&vf->device[dev->device]) : 0;
}

/* ID registers of the host SMMU, which all devices behind it report */
static const uint32_t *host_idr(const VfObject *viommu)
{
    for (int i = 0; i < VF_MAX_DEVICES; i++) {
        if (vf->device[i].present && vf->device[i].smmu == viommu->smmu) {
            return vf->device[i].idr;
        }
    }
    return NULL;
}

static bool asid_is_valid(const uint32_t *idr, const uint64_t word[2])
{
    return !(word[0] & CMD0_ASID_HIGH) || (idr[0] & SMMU_IDR0_ASID16);
}

/* Fields of range invalidation in combinations that the architecture has */
static bool range_is_valid(const uint32_t *idr, const uint64_t word[2])
{
    bool ds = idr[5] & SMMU_IDR5_DS;
    bool none = !(word[0] & (CMD0_NUM | CMD0_SCALE)) && !CMD1_TTL(word[1]);

    if (!(idr[3] & SMMU_IDR3_RIL)) {
        return none && CMD1_TG(word[1]) == TG_NONE;
    }
    /* Without a granule there is no range, and with one there has to be one */
    if (none != (CMD1_TG(word[1]) == TG_NONE)) {
        return false;
    }
    return ds || (!(word[0] & CMD0_SCALE_DS) &&
                  !(CMD1_TG(word[1]) == TG_16K && CMD1_TTL(word[1]) == 1));
}

static bool fields_are_valid(const uint32_t *idr, const uint64_t word[2])
{
    const CmdFields *f = cmd_fields;
    uint64_t substreams = 0;

    while (f < cmd_fields + sizeof(cmd_fields) / sizeof(*f) &&
           f->opcode != (word[0] & CMD0_OPCODE)) {
        f++;
    }
    if (f == cmd_fields + sizeof(cmd_fields) / sizeof(*f)) {
        return false;
    }
    /* They hand over what the fields hold */
    if (vf_linux_before(VF_LINUX_7_3)) {
        return true;
    }
    if ((word[0] & ~f->mask[0]) || (word[1] & ~f->mask[1])) {
        return false;
    }
    switch (f->opcode) {
    case CMD_TLBI_NH_ASID:
        return asid_is_valid(idr, word);
    case CMD_TLBI_NH_VA:
        return asid_is_valid(idr, word) && range_is_valid(idr, word);
    case CMD_TLBI_NH_VAA:
        return range_is_valid(idr, word);
    case CMD_ATC_INV:
        if (!(idr[0] & SMMU_IDR0_ATS) ||
            CMD1_ATC_SIZE(word[1]) > ATC_SIZE_MAX) {
            return false;
        }
        substreams = CMD0_GLOBAL | CMD0_SSV | CMD0_SSID;
        break;
    case CMD_CFGI_CD:
        substreams = CMD0_SSID;
        break;
    }
    return !(word[0] & substreams) || SMMU_IDR1_SSIDSIZE(idr[1]);
}

/*
 * Convert one command as the driver does before the hardware sees it, and note
 * in @dead whether the hardware will never complete it
 */
static int convert(VfObject *viommu, const uint64_t word[2], bool *dead)
{
    VfObject *vdevice;

    if (!fields_are_valid(host_idr(viommu), word)) {
        return -EIO;
    }
    switch (word[0] & CMD0_OPCODE) {
    case CMD_CFGI_CD:
    case CMD_CFGI_CD_ALL:
        return find_vdevice(viommu, word[0] >> 32) ? 0 : -EIO;
    case CMD_ATC_INV:
        vdevice = find_vdevice(viommu, word[0] >> 32);
        if (!vdevice) {
            return -EIO;
        }
        *dead |= vf->device[vdevice->device].atc_dead;
        return 0;
    default:
        return 0;
    }
}

static void record(VfObject *viommu, const uint64_t word[2])
{
    if (vf->cmd_len < VF_MAX_CMDS) {
        VfCmd *cmd = &vf->cmd[vf->cmd_len];

        memcpy(cmd->word, word, sizeof(cmd->word));
        cmd->issued = 0;
        cmd->vsmmu = viommu->id;
    }
    vf->cmd_len++;
}

static void mark_issued(uint32_t first, uint32_t last)
{
    for (uint32_t i = first; i < last && i < VF_MAX_CMDS; i++) {
        vf->cmd[i].issued = 1;
    }
}

/*
 * Check what is copied from the caller before the first command is looked at. A
 * short entry gets zeros behind it, and a long one must have zeros there.
 */
static int check_entries(const uint8_t *data, uint32_t len, uint32_t total)
{
    const uint32_t known = sizeof(struct iommu_viommu_arm_smmuv3_invalidate);

    if (!total) {
        return -EINVAL;
    }
    for (uint32_t i = 0; i < total; i++) {
        for (uint32_t at = known; at < len; at++) {
            if (data[(size_t)i * len + at]) {
                return -E2BIG;
            }
        }
    }
    return 0;
}

int vf_invalidate(uint32_t ctx, void *arg, VfLog *log, VfRule *rule)
{
    struct iommu_hwpt_invalidate *cmd = arg;
    const uint8_t *data = (void *)(uintptr_t)cmd->data_uptr;
    VfObject *viommu = vf_object_find(ctx, cmd->hwpt_id);
    uint32_t total = cmd->entry_num;
    uint32_t first = vf->cmd_len;
    uint32_t issued = 0;
    uint32_t i;
    bool blocked = vf->blocked > 0;
    bool dead = false;
    int ret = 0;

    log->arg[0] = cmd->hwpt_id;
    log->arg[1] = total;
    log->arg[3] = first;
    cmd->entry_num = 0;
    if (cmd->__reserved) {
        return -EOPNOTSUPP;
    }
    if (total && (!data || !cmd->entry_len ||
                  cmd->entry_len > INVALIDATE_LEN_MAX ||
                  total > INVALIDATE_ENTRIES_MAX)) {
        return -EINVAL;
    }
    if (!viommu) {
        return -ENOENT;
    }
    if (viommu->type == VF_OBJ_HWPT_NESTED) {
        return -EOPNOTSUPP;
    }
    if (viommu->type != VF_OBJ_VIOMMU ||
        cmd->data_type != IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3) {
        return -EINVAL;
    }
    ret = check_entries(data, cmd->entry_len, total);
    if (ret) {
        return ret;
    }
    for (i = 0; i < total; i++) {
        uint64_t word[2] = { 0 };

        memcpy(word, data + (size_t)i * cmd->entry_len,
               cmd->entry_len < sizeof(word) ? cmd->entry_len : sizeof(word));
        record(viommu, word);
        ret = rule && i == rule->done ? -rule->err
                                      : convert(viommu, word, &dead);
        if (ret) {
            break;
        }
        if (i + 1 == total || i + 1 - issued == BATCH_ENTRIES) {
            /* It is the SYNC of the block that is waited for in vain */
            if (dead || blocked) {
                vf->blocked = dead ? vf->atc_blocks : vf->blocked - 1;
                ret = -ETIMEDOUT;
                break;
            }
            issued = i + 1;
        }
    }
    /*
     * On a command that cannot be converted the count includes those that
     * were converted but never handed over: it is no place to resume from.
     * After a timeout it includes all of the block but the last command.
     */
    mark_issued(first, first + issued);
    cmd->entry_num = i;
    log->arg[2] = i;
    return ret;
}
