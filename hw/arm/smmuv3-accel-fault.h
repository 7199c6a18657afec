/*
 * Accelerated arm-smmuv3: page requests of the host for the guest
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A device that waits for a page has a request in the fault queue of its HWPT.
 * A request has one of two sources in the host SMMUv3:
 * - stall: the SMMU has stalled a transaction. The guest sees a stall event,
 *   and CMD_RESUME or CMD_STALL_TERM is the answer.
 * - PRI: the device has sent a PCIe Page Request. The guest would see it in its
 *   PRI queue, and CMD_PRI_RESP would be the answer. Linux 7.3 does not enable
 *   PRI for a nested domain, so that there are none.
 *
 * Section numbers refer to Arm IHI 0070, SMMUv3. All functions run under the
 * BQL.
 */

#ifndef HW_ARM_SMMUV3_ACCEL_FAULT_H
#define HW_ARM_SMMUV3_ACCEL_FAULT_H

#include "hw/arm/smmuv3.h"
#include "system/iommufd.h"

typedef struct SMMUv3AccelFaults SMMUv3AccelFaults;

/**
 * struct SMMUv3AccelFaultOps - what a fault queue asks of its owner
 *
 * @find_sid: find the StreamID of a device by its ID in the iommufd. Returns
 *            false if no such device reports faults to the queue.
 * @broken: called once, from the main loop, when the queue cannot be used any
 *          more. No device may report to it any longer: the kernel answers what
 *          waits when a device leaves its HWPT.
 */
typedef struct SMMUv3AccelFaultOps {
    bool (*find_sid)(void *opaque, uint32_t dev_id, uint32_t *sid);
    void (*broken)(void *opaque);
} SMMUv3AccelFaultOps;

/**
 * smmuv3_accel_faults_start: make a fault queue, and start to hand the requests
 * in it to the guest
 *
 * The descriptor of the queue is in the CPR state from now on.
 *
 * @s: the guest's SMMUv3.
 * @be: connected iommufd backend; stays connected until
 *      smmuv3_accel_faults_stop().
 * @ops: the owner's functions, a constant.
 * @opaque: for @ops.
 * @errp: says why the queue could not be made. errno keeps its reason, ENOTTY
 *        or EOPNOTSUPP when the kernel has no such queue.
 *
 * Returns: the handle for smmuv3_accel_faults_stop(), or NULL.
 */
SMMUv3AccelFaults *smmuv3_accel_faults_start(SMMUv3State *s,
                                             IOMMUFDBackend *be,
                                             const SMMUv3AccelFaultOps *ops,
                                             void *opaque, Error **errp);

/**
 * smmuv3_accel_faults_adopt: go on with the fault queue of the old QEMU (CPR)
 *
 * @s, @be, @ops, @opaque, @errp: as for smmuv3_accel_faults_start().
 * @id: iommufd ID of the queue.
 *
 * Returns: the handle for smmuv3_accel_faults_stop(), or NULL if the old QEMU
 * has not handed the queue over.
 */
SMMUv3AccelFaults *smmuv3_accel_faults_adopt(SMMUv3State *s,
                                             IOMMUFDBackend *be, uint32_t id,
                                             const SMMUv3AccelFaultOps *ops,
                                             void *opaque, Error **errp);

/**
 * smmuv3_accel_faults_stop: free the queue
 *
 * What waits is answered as invalid. No HWPT may report to the queue any more.
 *
 * @faults: a fault queue, or NULL.
 */
void smmuv3_accel_faults_stop(SMMUv3AccelFaults *faults);

/**
 * smmuv3_accel_faults_id: tell which queue an HWPT has to report to
 *
 * @faults: a fault queue, or NULL.
 *
 * Returns: the iommufd ID of the queue; 0 without a queue, or if it is broken.
 */
uint32_t smmuv3_accel_faults_id(const SMMUv3AccelFaults *faults);

/**
 * smmuv3_accel_faults_broken: tell whether a queue is broken
 *
 * @faults: a fault queue, or NULL.
 *
 * Returns: true if it is there, and cannot be used any more.
 */
bool smmuv3_accel_faults_broken(const SMMUv3AccelFaults *faults);

/**
 * smmuv3_accel_faults_waiting: count the requests of a device that the guest
 * has not answered
 *
 * @faults: a fault queue, or NULL.
 * @dev_id: ID of the device in the iommufd.
 *
 * Returns: their number, without those that only the kernel has so far.
 */
uint32_t smmuv3_accel_faults_waiting(const SMMUv3AccelFaults *faults,
                                     uint32_t dev_id);

/**
 * smmuv3_accel_faults_due: tell whether answers of the guest are still to be
 * written
 *
 * @faults: a fault queue, or NULL.
 *
 * Returns: true if smmuv3_accel_faults_flush() has something to do.
 */
bool smmuv3_accel_faults_due(const SMMUv3AccelFaults *faults);

/**
 * smmuv3_accel_faults_flush: write the answers that the guest has given
 *
 * Due ahead of the end of a CMD_SYNC, and before a device leaves its HWPT. The
 * main loop does it when nobody else has.
 *
 * @faults: a fault queue, or NULL.
 */
void smmuv3_accel_faults_flush(SMMUv3AccelFaults *faults);

/**
 * smmuv3_accel_faults_drain: end the requests that only the kernel has so far
 *
 * CMD_STALL_TERM ends all that has stalled before (4.6.2), and so does
 * CR0.SMMUEN when it becomes 0 (6.3.9): a request must not come up as a new one
 * after that. What was read before is left to smmuv3_stall_command() and
 * smmuv3_stall_registers_written(). Requests of other devices are read, too.
 * A transaction that the host SMMU has stalled, and whose event the kernel has
 * not handled yet, is not among them: it is told later.
 *
 * @faults: a fault queue, or NULL.
 * @dev_id: ID in the iommufd of a device that reports to it.
 *
 * Returns: how many calls to the host it took, but for those of the answers,
 * which are as many at most.
 */
unsigned int smmuv3_accel_faults_drain(SMMUv3AccelFaults *faults,
                                       uint32_t dev_id);

/**
 * smmuv3_accel_faults_end: tell whether requests of a device that only the
 * kernel has end when they are read
 *
 * @faults: a fault queue, or NULL.
 * @dev_id: ID of the device in the iommufd.
 *
 * Returns: true after an smmuv3_accel_faults_drain() that could not read the
 * queue to its end, until that was seen.
 */
bool smmuv3_accel_faults_end(const SMMUv3AccelFaults *faults, uint32_t dev_id);

/**
 * smmuv3_accel_faults_left: forget the requests of a device that has left its
 * HWPT
 *
 * The kernel has answered them. Answers that the guest has yet to give have no
 * effect.
 *
 * @faults: a fault queue, or NULL.
 * @dev_id: ID of the device in the iommufd.
 */
void smmuv3_accel_faults_left(SMMUv3AccelFaults *faults, uint32_t dev_id);

/**
 * smmuv3_accel_faults_hand_over: leave the queue to another QEMU (CPR)
 *
 * Every transaction that waits is retried. It stalls again, and is then in the
 * queue for the other QEMU to read: the device does not notice, and a guest
 * that answers what it was told here has that answer ignored.
 *
 * @faults: a fault queue, or NULL.
 *
 * Returns: the iommufd ID of the queue, 0 without. If it breaks here, or is
 * broken, its devices have to leave their HWPTs there.
 */
uint32_t smmuv3_accel_faults_hand_over(SMMUv3AccelFaults *faults);

/**
 * smmuv3_accel_faults_resume: undo smmuv3_accel_faults_hand_over(), as the
 * other QEMU has not come up
 *
 * @faults: a fault queue, or NULL.
 */
void smmuv3_accel_faults_resume(SMMUv3AccelFaults *faults);

#endif /* HW_ARM_SMMUV3_ACCEL_FAULT_H */
