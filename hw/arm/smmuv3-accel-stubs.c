/*
 * Accelerated arm-smmuv3 in a build without iommufd
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "smmuv3-accel.h"

void smmuv3_accel_class_init(ObjectClass *klass)
{
}

bool smmuv3_accel_realize(SMMUv3State *s, Error **errp)
{
    if (s->accel) {
        error_setg(errp, "arm-smmuv3: accel=on needs a QEMU built with"
                   " CONFIG_ARM_SMMUV3_ACCEL, which vfio-pci and iommufd are"
                   " needed for");
        return false;
    }
    return true;
}

void smmuv3_accel_init_regs(SMMUv3State *s)
{
}

bool smmuv3_accel_pre_load(void *opaque, Error **errp)
{
    return true;
}

void smmuv3_accel_reset(SMMUv3State *s)
{
}

void smmuv3_accel_registers_written(SMMUv3State *s)
{
}

bool smmuv3_accel_next_emulated(SMMUv3State *s)
{
    return true;
}

bool smmuv3_accel_execute(SMMUv3State *s, const Cmd *cmd,
                          SMMUCmdError *cmd_error)
{
    return true;
}

void smmuv3_accel_flush(SMMUv3State *s)
{
}

bool smmuv3_accel_device_waits(PCIDevice *pdev)
{
    return false;
}
