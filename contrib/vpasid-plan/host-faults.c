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

/*
 * Linux attaches no virtual function to a fault queue if its physical function
 * has PRI, which both share (iommufd_hwpt_compatible_device() in 7.3).
 */
static bool shares_pri(const Device *dev)
{
    g_autofree PCIEEcapLayout *layout = NULL;

    if (!dev->physical) {
        return false;
    }
    layout = g_new0(PCIEEcapLayout, 1);
    pcie_ecap_parse(dev->physical->image, layout);
    return pcie_ecap_find(layout, PCI_EXT_CAP_ID_PRI);
}

/* Why the kernel does not report faults to a guest, or NULL if it may */
static const char *why_lost(const Probe *probe, CheckVerdict sva)
{
    if (sva == CHECK_BAD) {
        return "a Linux without CONFIG_ARM_SMMU_V3_SVA does not report them";
    }
    if (!probe->faults) {
        return "a Linux before 6.17 does not report them";
    }
    return probe->coherent ? NULL :
        "Linux has no SVA behind an SMMU that is not coherent (IDR0.COHACC)";
}

void host_faults_check(const char *dir, const Device *dev, const Probe *probe,
                       CheckVerdict sva, GPtrArray *checks)
{
    bool forced = probe->stall_model == STALL_MODEL_FORCED;
    g_autofree char *reason = shares_pri(dev) ?
        g_strdup("Linux reports none of a virtual function to a guest if the "
                 "physical one has PRI") : forced ? NULL : why_not(dir, dev);
    const char *lost = why_lost(probe, sva);

    if (!probe->is_smmuv3) {
        check_add(checks, NAME, CHECK_GOOD, NULL,
                  "none: the IOMMU is no Arm SMMUv3");
    } else if (!forced && probe->stall_model != STALL_MODEL_BOTH) {
        check_add(checks, NAME, CHECK_GOOD, NULL,
                  "none: the SMMU does not stall (IDR0.STALL_MODEL)");
    } else if (reason) {
        check_add(checks, NAME, CHECK_GOOD, NULL, "none: %s", reason);
    } else if (lost) {
        check_add(checks, NAME, forced ? CHECK_REFUSED : CHECK_GOOD,
                  "it takes Linux 6.17 or later, built with "
                  "CONFIG_ARM_SMMU_V3_SVA, and a coherent SMMU",
                  "none: %s%s", lost, forced ?
                  ", and the SMMU stalls each transaction that faults" : "");
    } else {
        /* Only KVM tells what the CPUs have, and Linux knows more of them */
        g_autofree char *remedy = g_strdup_printf(
            "%sstart QEMU, which compares them, and %s",
            sva == CHECK_GOOD ? "" : "look for CONFIG_ARM_SMMU_V3_SVA in the "
            "options of the kernel; ",
            forced ? "refuses the device if the SMMU has less" :
            "offers no stalls if the SMMU has less");

        check_add(checks, NAME, CHECK_UNKNOWN, remedy, "the guest is asked for "
                  "pages if %sthe SMMU has all that the CPUs have, which is "
                  "not known: it has addresses of %u bits (IDR5.OAS) and ASIDs "
                  "of %u", sva == CHECK_GOOD ? "" :
                  "the kernel has CONFIG_ARM_SMMU_V3_SVA and ",
                  probe->oas, probe->asid_bits);
    }
}
