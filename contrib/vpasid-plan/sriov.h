/*
 * Physical functions of virtual functions
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef VPASID_PLAN_SRIOV_H
#define VPASID_PLAN_SRIOV_H

/**
 * sriov_link: give virtual functions a copy of their physical function
 *
 * The SR-IOV capability of a physical function tells at which addresses its
 * virtual functions are (PCIe 6.2, 9.2.1.2).
 *
 * @devices: of #Device.
 *
 * @first: index of the first one that is looked at.
 */
void sriov_link(const GPtrArray *devices, unsigned first);

#endif /* VPASID_PLAN_SRIOV_H */
