/*
 * Output of host checks, QEMU's options and libvirt's elements
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef VPASID_PLAN_HOST_OUTPUT_H
#define VPASID_PLAN_HOST_OUTPUT_H

#include "host.h"

/**
 * host_output_table: show checks as a table
 *
 * @title: name of the part that was checked.
 *
 * @checks: of #Check.
 *
 * @out: lines are added to it.
 */
void host_output_table(const char *title, const GPtrArray *checks,
                       GString *out);

/**
 * host_output_problems: say what is not as it should be, for standard error
 *
 * @title: name of the part that was checked.
 *
 * @checks: of #Check.
 *
 * @out: a line is added to it for each check that is not good.
 */
void host_output_problems(const char *title, const GPtrArray *checks,
                          GString *out);

/**
 * host_output_fits: check that a machine has room for devices
 *
 * Each SMMU of the host takes an arm-smmuv3, and each device a port and a bus
 * number behind it.
 *
 * @devices: of #HostDevice, each with an SMMUv3.
 *
 * @problem: a line that names the limit is added to it if it has not.
 *
 * Returns: true if it has.
 */
bool host_output_fits(const GPtrArray *devices, GString *problem);

/**
 * host_output_json: show all checks as a JSON object (RFC 8259)
 *
 * @host: of #Check: what all devices depend on.
 *
 * @devices: of #HostDevice.
 *
 * @out: the object is added to it, with a line end.
 */
void host_output_json(const GPtrArray *host, const GPtrArray *devices,
                      GString *out);

/**
 * host_output_args: show QEMU's options for devices
 *
 * @devices: of #HostDevice that host_output_fits().
 *
 * @out: an option with its value is added for each line.
 */
void host_output_args(const GPtrArray *devices, GString *out);

/**
 * host_output_xml: show libvirt's elements for devices
 *
 * @devices: as for host_output_args().
 *
 * @out: the content of libvirt's element "devices" is added to it.
 */
void host_output_xml(const GPtrArray *devices, GString *out);

#endif /* VPASID_PLAN_HOST_OUTPUT_H */
