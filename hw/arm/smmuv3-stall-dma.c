/*
 * Emulated arm-smmuv3: devices that wait for a stalled transaction
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A retried transaction is handled as if it had just arrived (IHI 0070,
 * 3.12.2): it is translated by the tables of then, and can stall again. This is
 * done from the main loop, not in the command: the device goes on from there,
 * and what it accesses can be any register, even one of the SMMU.
 */

#include "qemu/osdep.h"
#include "hw/pci/pci_bus.h"
#include "qemu/main-loop.h"
#include "system/runstate.h"
#include "smmuv3-stall.h"

/*
 * A transaction of a device that waits: in the list of stalls, or answered and
 * in the list of the bottom half
 */
typedef struct SMMUv3DmaStall {
    SMMUv3Stall stall;
    SMMUDevice *sdev;
    PCIStall *request;
    bool answered;
    bool retry;
    QTAILQ_ENTRY(SMMUv3DmaStall) next;
} SMMUv3DmaStall;

/* Translate; with PCI_STALL_WAITING the fault is in SMMUv3StallState::fault */
static PCIStallResult dma_translate(SMMUDevice *sdev, const PCIStall *request,
                                    IOMMUTLBEntry *entry)
{
    SMMUv3State *s = sdev->smmu;
    IOMMUMemoryRegionClass *imrc =
        memory_region_get_iommu_class_nocheck(&sdev->iommu);
    IOMMUAccessFlags need = request->write ? IOMMU_WO : IOMMU_RO;
    int index = SMMUV3_INDEX_STALL;

    if (s->ssidsize && request->pasid != PCI_NO_PASID) {
        index |= request->pasid;
    }
    s->stall_state->faulted = false;
    *entry = imrc->translate(&sdev->iommu, request->addr, need, index);
    if (s->stall_state->faulted) {
        return PCI_STALL_WAITING;
    }
    return entry->perm & need ? PCI_STALL_TRANSLATED : PCI_STALL_FAULT;
}

static void dma_answered(SMMUv3State *s, SMMUv3Stall *stall, bool retry)
{
    SMMUv3DmaStall *d = container_of(stall, SMMUv3DmaStall, stall);

    d->answered = true;
    d->retry = retry;
    QTAILQ_INSERT_TAIL(&s->stall_state->dma.answered, d, next);
    s->stall_state->dma.answered_num++;
    qemu_bh_schedule(s->stall_state->dma.bh);
}

static void dma_stall(SMMUv3State *s, SMMUv3DmaStall *d)
{
    d->answered = false;
    d->stall.answered = dma_answered;
    d->stall.event = s->stall_state->fault;
    smmuv3_stall_begin(s, &d->stall);
}

static void dma_remove_answered(SMMUv3State *s, SMMUv3DmaStall *d)
{
    QTAILQ_REMOVE(&s->stall_state->dma.answered, d, next);
    s->stall_state->dma.answered_num--;
}

/* A device does no DMA while the machine is stopped: it may be migrating */
static void dma_bh(void *opaque)
{
    SMMUv3State *s = opaque;
    SMMUv3StallState *state = s->stall_state;
    /* Devices add to the list by what they access: no longer than it is now */
    unsigned int n = runstate_is_running() ? state->dma.answered_num : 0;

    while (n-- && !QTAILQ_EMPTY(&state->dma.answered)) {
        SMMUv3DmaStall *d = QTAILQ_FIRST(&state->dma.answered);
        PCIStallResult result = PCI_STALL_FAULT;
        PCIStall *request = d->request;
        IOMMUTLBEntry entry = {};

        dma_remove_answered(s, d);
        if (d->retry) {
            result = dma_translate(d->sdev, request, &entry);
        }
        if (result == PCI_STALL_WAITING) {
            dma_stall(s, d);
        } else {
            g_free(d);
            pci_stall_end(request, result, &entry);
        }
    }
}

static void dma_vm_state_changed(void *opaque, bool running, RunState state)
{
    SMMUv3State *s = opaque;

    if (running) {
        qemu_bh_schedule(s->stall_state->dma.bh);
    }
}

void smmuv3_stall_dma_init(SMMUv3State *s)
{
    QTAILQ_INIT(&s->stall_state->dma.answered);
    s->stall_state->dma.bh = qemu_bh_new(dma_bh, s);
    qemu_add_vm_change_state_handler(dma_vm_state_changed, s);
}

PCIStallResult smmuv3_stall_dma_begin(IOMMUMemoryRegion *iommu,
                                      PCIStall *request, IOMMUTLBEntry *entry)
{
    SMMUDevice *sdev = container_of(iommu, SMMUDevice, iommu);
    SMMUv3State *s = sdev->smmu;
    PCIStallResult result;
    SMMUv3DmaStall *d;

    if (!s->stall_state) {
        return PCI_STALL_UNSUPPORTED;
    }
    result = dma_translate(sdev, request, entry);
    if (result == PCI_STALL_WAITING) {
        d = g_new0(SMMUv3DmaStall, 1);
        d->sdev = sdev;
        d->request = request;
        request->waiter = d;
        dma_stall(s, d);
    }
    return result;
}

void smmuv3_stall_dma_cancel(IOMMUMemoryRegion *iommu, PCIStall *request)
{
    SMMUv3State *s = container_of(iommu, SMMUDevice, iommu)->smmu;
    SMMUv3DmaStall *d = request->waiter;

    if (d->answered) {
        dma_remove_answered(s, d);
    } else {
        smmuv3_stall_end(s, &d->stall);
    }
    g_free(d);
}
