/*
 * Arm SMMUv3: what is cached for a StreamID
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The StreamID of a device is made of its bus number, which a guest can change,
 * and can give to several buses. So nothing is looked up by a bus number: each
 * cached configuration is asked for the StreamID that its device has now.
 */

#ifndef HW_ARM_SMMUV3_SID_H
#define HW_ARM_SMMUV3_SID_H

#include "smmuv3-internal.h"

/**
 * smmuv3_sid_realize - follow the numbers of PCI buses
 * @s: SMMUv3 with its mutex initialized
 *
 * From here on, configurations are forgotten when a bus gets another number:
 * they come from the STE of a StreamID that the device does not have any more.
 * So are translations that vhost keeps for a device.
 */
void smmuv3_sid_realize(SMMUv3State *s);

/**
 * smmuv3_sid_flush - forget the configurations of a range of streams
 * @s: SMMUv3, its mutex held
 * @first: first StreamID
 * @last: last StreamID
 *
 * Covers all substreams, and all devices that share a StreamID. Called for
 * CFGI_STE, CFGI_STE_RANGE, CFGI_ALL, CFGI_CD and CFGI_CD_ALL (SMMUv3 IHI0070,
 * 4.3); for CFGI_CD that is more than was asked for, which is allowed.
 */
void smmuv3_sid_flush(SMMUv3State *s, uint32_t first, uint32_t last);

#endif /* HW_ARM_SMMUV3_SID_H */
