/*
 * iommufd queries about a device
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef VPASID_PLAN_PROBE_H
#define VPASID_PLAN_PROBE_H

#include "hw/arm/smmuv3-waits.h"

/**
 * struct Probe - what iommufd said
 *
 * @answered: it said anything; the rest is filled in if so.
 *
 * @pasid_width: bits of a PASID that the host gives the device, 0 for none.
 *
 * @exec: the host has enabled Execute Permission.
 *
 * @priv: the host has enabled Privileged Mode.
 *
 * @ats: the host knows of no reason why the device has no ATS.
 *
 * @is_smmuv3: an Arm SMMUv3 is in front of the device.
 *
 * @nesting: a vIOMMU could be made on a nesting parent.
 *
 * @stall_model: STALL_MODEL of the SMMU's IDR0 (Arm IHI 0070, 6.3.1),
 *               #STALL_MODEL_NONE without one.
 *
 * @coherent: IDR0.COHACC: it walks tables coherently.
 *
 * @oas: bits of an output address (IDR5.OAS, 6.3.6), 0 without an SMMUv3 or for
 *       a value that is not known.
 *
 * @asid_bits: 8 or 16, as IDR0.ASID16 says; 0 without an SMMUv3.
 *
 * @faults: the kernel reports page faults of nested devices: Linux 6.17.
 *
 * @problem: which call failed and why, so that it did not answer or there is no
 *           nesting; NULL otherwise.
 *
 * @error: errno of that call, 0 if none failed.
 */
typedef struct Probe {
    bool answered;
    unsigned pasid_width;
    bool exec;
    bool priv;
    bool ats;
    bool is_smmuv3;
    bool nesting;
    unsigned stall_model;
    bool coherent;
    unsigned oas;
    unsigned asid_bits;
    bool faults;
    char *problem;
    int error;
} Probe;

/**
 * probe_device: bind a VFIO device to an iommufd and ask about it
 *
 * All that was made for this is gone when both files are closed.
 *
 * @iommufd: descriptor of the character device of iommufd.
 *
 * @cdev: descriptor of the character device of the VFIO device.
 *
 * @probe: filled in; @problem is freed by the caller.
 */
void probe_device(int iommufd, int cdev, Probe *probe);

#endif /* VPASID_PLAN_PROBE_H */
