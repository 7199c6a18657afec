/*
 * Arm SMMUv3: messages in memory in place of wired interrupts
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "migration/vmstate.h"
#include "system/dma.h"
#include "smmuv3-fields.h"
#include "smmuv3-msi.h"

static bool has_msi(const SMMUv3State *s)
{
    return FIELD_EX32(s->idr[0], IDR0, MSI);
}

static void send_message(SMMUv3State *s, uint64_t addr, uint32_t data,
                         uint32_t failed)
{
    uint32_t message = cpu_to_le32(data);

    /* The guest goes on as soon as it sees this */
    smp_wmb();
    if (dma_memory_write(&address_space_memory, addr & MSI_ADDRESS, &message,
                         sizeof(message), SMMU_TABLE_ATTRS)) {
        smmuv3_trigger_irq(s, SMMU_IRQ_GERROR, failed);
    }
}

bool smmuv3_msi_irq(SMMUv3State *s, SMMUIrq irq)
{
    if (!has_msi(s)) {
        return false;
    }
    if (irq == SMMU_IRQ_EVTQ && (s->eventq_irq_cfg0 & MSI_ADDRESS)) {
        send_message(s, s->eventq_irq_cfg0, s->eventq_irq_cfg1,
                     R_GERROR_MSI_EVENTQ_ABT_ERR_MASK);
        return true;
    }
    if (irq == SMMU_IRQ_GERROR && (s->gerror_irq_cfg0 & MSI_ADDRESS)) {
        send_message(s, s->gerror_irq_cfg0, s->gerror_irq_cfg1,
                     R_GERROR_MSI_GERROR_ABT_ERR_MASK);
        return true;
    }
    return false;
}

bool smmuv3_msi_wanted(SMMUv3State *s, const Cmd *cmd)
{
    return has_msi(s) && (CMD_SYNC_CS(cmd) & CMD_SYNC_SIG_IRQ) &&
           (SMMU_DWORD(cmd, 1) & MSI_ADDRESS);
}

bool smmuv3_msi_sync(SMMUv3State *s, const Cmd *cmd)
{
    if (!smmuv3_msi_wanted(s, cmd)) {
        return false;
    }
    send_message(s, SMMU_DWORD(cmd, 1),
                 SMMU_DWORD(cmd, 0) >> CMD_SYNC_MSIDATA_SHIFT,
                 R_GERROR_MSI_CMDQ_ABT_ERR_MASK);
    return true;
}

void smmuv3_msi_reset(SMMUv3State *s)
{
    s->gerror_irq_cfg0 = 0;
    s->eventq_irq_cfg0 = 0;
}

static bool msi_needed(void *opaque)
{
    return has_msi(opaque);
}

/*
 * A guest that uses messages would wait for ever on an SMMU that sends none.
 * The subsection has no field. A QEMU that cannot send messages does not know
 * its name, and refuses the guest.
 */
const VMStateDescription vmstate_smmuv3_msi = {
    .name = "smmuv3/msi",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = msi_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_END_OF_LIST()
    },
};
