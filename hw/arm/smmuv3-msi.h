/*
 * Arm SMMUv3: messages in memory in place of wired interrupts
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_ARM_SMMUV3_MSI_H
#define HW_ARM_SMMUV3_MSI_H

#include "hw/arm/smmuv3.h"
#include "smmuv3-internal.h"

extern const VMStateDescription vmstate_smmuv3_msi;

/**
 * smmuv3_msi_irq: send the message that the guest has set up for an interrupt
 * (SMMUv3 IHI0070, 6.3.16, 6.3.27)
 *
 * It is written to memory only: where there is none, GERROR tells so. A message
 * to an interrupt controller would need a DeviceID, which the SMMU has not.
 *
 * @s: the SMMUv3.
 * @irq: SMMU_IRQ_EVTQ or SMMU_IRQ_GERROR, enabled; others have no message.
 *
 * Returns: true if there was a message to send, false if the interrupt is
 * wired, which it always is without IDR0.MSI.
 */
bool smmuv3_msi_irq(SMMUv3State *s, SMMUIrq irq);

/**
 * smmuv3_msi_wanted: tell whether a CMD_SYNC asks for a message (4.7.3)
 *
 * @s: the SMMUv3.
 * @cmd: a CMD_SYNC in host byte order.
 *
 * Returns: true if it does, false for a wired interrupt or none.
 */
bool smmuv3_msi_wanted(SMMUv3State *s, const Cmd *cmd);

/**
 * smmuv3_msi_sync: send the message of a CMD_SYNC that is complete
 *
 * @s: the SMMUv3.
 * @cmd: the command, in host byte order.
 *
 * Returns: true if it asked for a message, false for a wired interrupt or
 * none.
 */
bool smmuv3_msi_sync(SMMUv3State *s, const Cmd *cmd);

/**
 * smmuv3_msi_reset: forget the addresses that the guest has set up
 *
 * An operating system that does not clear them would lose its interrupts.
 *
 * @s: the SMMUv3.
 */
void smmuv3_msi_reset(SMMUv3State *s);

#endif /* HW_ARM_SMMUV3_MSI_H */
