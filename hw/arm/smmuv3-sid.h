/*
 * Arm SMMUv3: cached configurations by StreamID
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The StreamID of a device contains its bus number, which a guest can change,
 * and can give to several buses. So a cached configuration is found by the
 * device, and compared with the StreamID that the device has now.
 */

#ifndef HW_ARM_SMMUV3_SID_H
#define HW_ARM_SMMUV3_SID_H

#include "smmuv3-internal.h"

/**
 * smmuv3_sid_realize - register the notifier for PCI bus number changes
 * @s: SMMUv3 with its mutex initialized
 *
 * When a bus number changes, cached configurations are dropped: they come from
 * the STE of the old StreamID. So are translations that vhost caches for a
 * device.
 */
void smmuv3_sid_realize(SMMUv3State *s);

/**
 * smmuv3_sid_flush - drop the cached configurations of a range of StreamIDs
 * @s: SMMUv3, its mutex held
 * @first: first StreamID
 * @last: last StreamID
 *
 * Covers all substreams, and all devices that share a StreamID. Called for
 * CFGI_STE, CFGI_STE_RANGE, CFGI_ALL, CFGI_CD and CFGI_CD_ALL (SMMUv3 IHI0070,
 * 4.3). For CFGI_CD this drops more than the command names, which is allowed.
 */
void smmuv3_sid_flush(SMMUv3State *s, uint32_t first, uint32_t last);

#endif /* HW_ARM_SMMUV3_SID_H */
