/*
 * Stub of the iommufd queries, for tests without a device
 *
 * The file of the VFIO device holds the answer in decimal numbers: an errno and
 * the name of the call that fails with it; or 0, width, exec, priv, ats,
 * nesting and, where nesting fails, the errno and the name of the call, or 0
 * and a dash; then STALL_MODEL, whether faults are reported, whether it is an
 * SMMUv3, COHACC, and bits of an output address and of an ASID.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "contrib/vpasid-plan/probe.h"

void probe_device(int iommufd, int cdev, Probe *probe)
{
    char text[256] = "";
    char name[32] = "";
    int exec = 0, priv = 0, ats = 0, nesting = 0, faults = 0;
    int smmuv3 = 1, coherent = 1;

    g_assert_cmpint(iommufd, >=, 0);
    g_assert_cmpint(pread(cdev, text, sizeof(text) - 1, 0), >, 0);
    probe->stall_model = STALL_MODEL_NONE;
    if (sscanf(text, "0 %u %d %d %d %d %d %31s %u %d %d %d %u %u",
               &probe->pasid_width, &exec, &priv, &ats, &nesting,
               &probe->error, name, &probe->stall_model, &faults, &smmuv3,
               &coherent, &probe->oas, &probe->asid_bits) >= 5) {
        probe->answered = true;
        probe->exec = exec;
        probe->priv = priv;
        probe->ats = ats;
        probe->is_smmuv3 = smmuv3;
        probe->coherent = coherent;
        probe->nesting = nesting;
        probe->faults = faults;
    } else {
        g_assert_cmpint(sscanf(text, "%d %31s", &probe->error, name), ==, 2);
    }
    if (probe->error) {
        probe->problem = g_strdup_printf("%s failed: %s", name,
                                         g_strerror(probe->error));
    }
}
