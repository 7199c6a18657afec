/*
 * In place of iommufd, which a test has no device for
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "contrib/vpasid-plan/probe.h"

void probe_device(const char *iommufd, const char *cdev, Probe *probe)
{
    probe->problem = g_strdup_printf("%s is not asked about %s in a test",
                                     iommufd, cdev);
}
