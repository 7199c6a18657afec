/*
 * Plan for the PASID capability of a device
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef VPASID_PLAN_PLAN_H
#define VPASID_PLAN_PLAN_H

#include "hw/vfio/pci-pasid-place.h"
#include "device.h"

/**
 * enum PlanResult - outcome of a plan for the administrator
 *
 * @PLAN_FINE: a guest can have the capability, or there is none to have.
 *
 * @PLAN_NO_PLACE: the device has PASID, but the guest cannot.
 *
 * @PLAN_NOT_ENABLED: there would be a place, but the device lacks what Linux
 *                    wants of it before it enables PASID on the host.
 *
 * @PLAN_UNKNOWN: too little of the configuration space could be read.
 */
typedef enum PlanResult {
    PLAN_FINE,
    PLAN_NO_PLACE,
    PLAN_NOT_ENABLED,
    PLAN_UNKNOWN,
} PlanResult;

/**
 * struct Plan - what was found out about a device
 *
 * @dev: the device, not owned.
 *
 * @result: outcome for the administrator.
 *
 * @has_pasid: the device has a PASID capability, or its physical function.
 *
 * @pasid: fields of that capability; zero without one.
 *
 * @is_on: PASID is enabled in that capability.
 *
 * @choice: where the virtual capability goes.
 *
 * @reason: why there, or why not, in words.
 *
 * @remedy: way out if it could not be found out, a constant string; NULL
 *          where there is nothing to do.
 *
 * @is_bridge: VFIO passes it to nobody.
 *
 * @extended: the device has extended configuration space, all of it was read,
 *            and the rest of this is filled in.
 *
 * @own: the list of capabilities that the device has.
 *
 * @shown: configuration space as VFIO shows it.
 *
 * @visible: the list of capabilities in @shown.
 */
typedef struct Plan {
    const Device *dev;
    PlanResult result;
    bool has_pasid;
    VFIOPasidCap pasid;
    bool is_on;
    VFIOPasidPlace choice;
    char *reason;
    const char *remedy;
    bool is_bridge;
    bool extended;
    PCIEEcapLayout own;
    uint8_t shown[PCIE_ECAP_IMAGE_SIZE];
    PCIEEcapLayout visible;
} Plan;

/**
 * plan_new: find out where the capability goes
 *
 * @dev: the device, which has to live as long as the plan.
 *
 * Returns: the plan, to be freed with plan_free().
 */
Plan *plan_new(const Device *dev);

/**
 * plan_hides: tell whether VFIO keeps a capability from its users
 *
 * @plan: the plan, with @extended.
 *
 * @ext: an element of its @own list.
 *
 * Returns: true if @visible does not have it.
 */
bool plan_hides(const Plan *plan, const PCIEEcapExtent *ext);

/**
 * plan_step_name: name a step
 *
 * @step: any #VFIOPasidStep.
 *
 * Returns: "none", "end", "host" or "gap". The string is constant.
 */
const char *plan_step_name(VFIOPasidStep step);

/**
 * plan_free: free a plan
 *
 * @plan: the plan, or NULL.
 */
void plan_free(Plan *plan);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Plan, plan_free)

#endif /* VPASID_PLAN_PLAN_H */
