/*
 * Accelerated arm-smmuv3: stage 1 of the guest runs in the host SMMUv3
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_ARM_SMMUV3_ACCEL_H
#define HW_ARM_SMMUV3_ACCEL_H

#include "hw/arm/smmuv3.h"
#include "smmuv3-internal.h"

/*
 * The interface for smmuv3.c. Without accel=on each of these functions does
 * nothing, and a build without iommufd has stubs for them. All run under the
 * BQL.
 */

/**
 * smmuv3_accel_class_init: add x-accel-offer and x-accel-state
 *
 * @klass: class of arm-smmuv3.
 */
void smmuv3_accel_class_init(ObjectClass *klass);

/**
 * smmuv3_accel_realize: check the configuration and take over the primary bus
 *
 * @s: an SMMUv3 whose base class is realized.
 * @errp: names the property or device that does not go with accel=on.
 *
 * Returns: true on success and without accel=on, false on failure.
 */
bool smmuv3_accel_realize(SMMUv3State *s, Error **errp);

/**
 * smmuv3_accel_init_regs: adapt the ID registers to the host SMMUv3
 *
 * Called whenever they were set to the values of the emulation. They only
 * change until the machine is ready: a guest never sees them move.
 *
 * @s: the SMMUv3.
 */
void smmuv3_accel_init_regs(SMMUv3State *s);

/**
 * smmuv3_accel_reset: put every device into the state that follows from the
 * reset registers
 *
 * @s: the SMMUv3, its registers already reset.
 */
void smmuv3_accel_reset(SMMUv3State *s);

/**
 * smmuv3_accel_pre_load: refuse a stream that comes by anything but CPR
 *
 * Nothing but the registers of an SMMUv3 is in such a stream. The devices here
 * are attached to what a reset guest has for them, which may be more than the
 * guest that comes has given to them, and the ID registers are others.
 *
 * @opaque: the SMMUv3, its registers not loaded yet.
 * @errp: says what accel=on can take in.
 *
 * Returns: true if the registers may be loaded, always so without accel=on.
 */
bool smmuv3_accel_pre_load(void *opaque, Error **errp);

/**
 * smmuv3_accel_registers_written: apply CR0.SMMUEN, GBPA and the stream table
 * to every device
 *
 * If there are many of them, or the host is slow, slices of time go on with it.
 * CR0ACK and GBPA.UPDATE tell the guest when that is done, and its commands
 * wait as long.
 *
 * @s: the SMMUv3, after CR0 or GBPA was written.
 */
void smmuv3_accel_registers_written(SMMUv3State *s);

/**
 * smmuv3_accel_next_emulated: go to the next command that the emulation has to
 * execute
 *
 * Commands ahead of it that concern the host alone are executed and CONS moves
 * past them.
 *
 * @s: an SMMUv3 with accel=on, its command queue enabled and not empty.
 *
 * Returns: true if the emulation has to execute the command at CONS; false if
 * the queue is empty or has to wait for the next slice.
 */
bool smmuv3_accel_next_emulated(SMMUv3State *s);

/**
 * smmuv3_accel_execute: execute a command for the devices behind the host
 * SMMUv3
 *
 * Called ahead of the emulation, so that a CMD_SYNC signals nothing before the
 * host is done.
 *
 * @s: the SMMUv3.
 * @cmd: the command in host byte order (SMMUv3 IHI0070, 4).
 * @cmd_error: reason why the queue stops at @cmd; SMMU_CERROR_ABT when the host
 *             may still hold entries that the guest has invalidated. Untouched
 *             on success.
 *
 * Returns: true if the queue goes on, false if it stops at @cmd.
 */
bool smmuv3_accel_execute(SMMUv3State *s, const Cmd *cmd,
                          SMMUCmdError *cmd_error);

/**
 * smmuv3_accel_flush: submit the commands that no CMD_SYNC has submitted
 *
 * Called when the emulation leaves the command queue.
 *
 * @s: the SMMUv3, which is accelerated.
 */
void smmuv3_accel_flush(SMMUv3State *s);

/**
 * smmuv3_accel_device_waits: tell whether the host answers for transactions of
 * a device that wait for a page
 *
 * Firmware has to say it of a device that has a node in a device tree.
 *
 * @pdev: any device.
 *
 * Returns: true for a passed-through device behind an accelerated SMMUv3 that
 * the host's Linux knows to wait, or whose host forces stalls.
 */
bool smmuv3_accel_device_waits(PCIDevice *pdev);

#endif /* HW_ARM_SMMUV3_ACCEL_H */
