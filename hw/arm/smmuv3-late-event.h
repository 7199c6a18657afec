/*
 * Arm SMMUv3: events of threads that do not hold the BQL
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A device with a thread of its own has its transactions translated there. What
 * such a transaction does wrong has to be recorded where the registers of the
 * event queue may be changed and an interrupt may be raised: under the BQL.
 */

#ifndef HW_ARM_SMMUV3_LATE_EVENT_H
#define HW_ARM_SMMUV3_LATE_EVENT_H

#include "hw/arm/smmuv3.h"
#include "smmuv3-internal.h"

/**
 * smmuv3_late_event: leave an event to the main loop where it cannot be
 * recorded at once
 *
 * The main loop calls smmuv3_record_event() for it. It is lost if the main loop
 * has many of them waiting, and the guest sees an overflow of its queue then
 * (SMMUv3 IHI0070, 7.4).
 *
 * @s: the SMMUv3.
 * @info: the event.
 *
 * Returns: true if nothing is left to do, false if the caller holds the BQL and
 * has to record the event itself.
 */
bool smmuv3_late_event(SMMUv3State *s, const SMMUEventInfo *info);

#endif /* HW_ARM_SMMUV3_LATE_EVENT_H */
