/*
 * Checks of a host: page faults of a device
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef VPASID_PLAN_HOST_FAULTS_H
#define VPASID_PLAN_HOST_FAULTS_H

#include "check.h"
#include "device.h"
#include "probe.h"

/**
 * host_faults_check: tell whether a guest can be asked for pages that a device
 * waits for
 *
 * A device can do without: then it is good, too. Where it waits, the result is
 * #CHECK_UNKNOWN at best: Linux reports faults only of an SMMU that has what
 * the CPUs have, which is not compared here.
 *
 * @dir: folder of the device in sysfs.
 *
 * @dev: the device.
 *
 * @probe: what iommufd has answered.
 *
 * @sva: whether CONFIG_ARM_SMMU_V3_SVA is on: #CHECK_GOOD, #CHECK_BAD or
 *       #CHECK_UNKNOWN.
 *
 * @checks: of #Check, to which one is added. The device is refused where the
 *          SMMU stalls each transaction and nobody would answer.
 */
void host_faults_check(const char *dir, const Device *dev, const Probe *probe,
                       CheckVerdict sva, GPtrArray *checks);

#endif /* VPASID_PLAN_HOST_FAULTS_H */
