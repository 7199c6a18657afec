/*
 * Arm SMMUv3: record events of threads that do not hold the BQL
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The transactions of a device with an iothread are translated in that thread.
 * An event of such a transaction changes registers and raises an interrupt,
 * which needs the BQL: the main loop has to record it.
 */

#ifndef HW_ARM_SMMUV3_LATE_EVENT_H
#define HW_ARM_SMMUV3_LATE_EVENT_H

#include "hw/arm/smmuv3.h"
#include "smmuv3-internal.h"

/**
 * smmuv3_late_event_defer: have the main loop record an event if the caller
 * does not hold the BQL
 *
 * The main loop calls smmuv3_record_event() for it. If too many events wait, it
 * is lost and the guest sees an overflow of its queue (SMMUv3 IHI0070, 7.4).
 *
 * @s: the SMMUv3.
 * @info: the event.
 *
 * Returns: true if the main loop records it, false if the caller holds the BQL
 * and has to record it now.
 */
bool smmuv3_late_event_defer(SMMUv3State *s, const SMMUEventInfo *info);

#endif /* HW_ARM_SMMUV3_LATE_EVENT_H */
