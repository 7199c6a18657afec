/*
 * Checks of a host: page faults of a device
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/arm/smmuv3-waits.h"
#include "host-faults.h"
#include "standard-headers/linux/pci_regs.h"

#define NAME    "page faults"

/* Why Linux does not take a device to be able to wait, or NULL if it does */
static char *why_not(const char *dir, const Device *dev)
{
    g_autofree char *node = g_build_filename(dir, SMMUV3_WAITS_NODE, NULL);
    g_autofree char *property = g_build_filename(node, SMMUV3_WAITS_PROPERTY,
                                                 NULL);
    uint8_t revision = dev->image[PCI_REVISION_ID];

    if (g_file_test(node, G_FILE_TEST_EXISTS)) {
        return g_file_test(property, G_FILE_TEST_EXISTS) ? NULL :
            g_strdup("no " SMMUV3_WAITS_PROPERTY " in its " SMMUV3_WAITS_NODE);
    }
    return smmuv3_waits_by_id(dev->vendor, dev->device, revision) ? NULL :
        g_strdup_printf("Linux does not know %04x:%04x, revision 0x%02x, to "
                        "wait for its pages", dev->vendor, dev->device,
                        revision);
}

void host_faults_check(const char *dir, const Device *dev, const Probe *probe,
                       CheckVerdict sva, GPtrArray *checks)
{
    bool forced = probe->stall_model == STALL_MODEL_FORCED;
    g_autofree char *reason = forced ? NULL : why_not(dir, dev);
    const char *lacks = sva == CHECK_BAD ? "without CONFIG_ARM_SMMU_V3_SVA" :
                        probe->faults ? NULL : "before 6.17";

    if (!forced && probe->stall_model != STALL_MODEL_BOTH) {
        check_add(checks, NAME, CHECK_GOOD, NULL,
                  "none: the SMMU does not stall (IDR0.STALL_MODEL)");
    } else if (reason) {
        check_add(checks, NAME, CHECK_GOOD, NULL, "none: %s", reason);
    } else if (lacks) {
        check_add(checks, NAME, forced ? CHECK_REFUSED : CHECK_GOOD,
                  "use Linux 6.17 or later, built with "
                  "CONFIG_ARM_SMMU_V3_SVA",
                  "none: a Linux %s does not report them%s", lacks,
                  forced ? ", and the SMMU stalls each transaction that faults"
                  : "");
    } else {
        check_add(checks, NAME, sva, "look for CONFIG_ARM_SMMU_V3_SVA in the "
                  "options of the kernel", "the guest is asked for pages%s",
                  sva == CHECK_GOOD ? "" :
                  " if the kernel has CONFIG_ARM_SMMU_V3_SVA");
    }
}
