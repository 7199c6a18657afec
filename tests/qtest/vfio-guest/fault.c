/*
 * Test library: a guest whose devices wait for their pages
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include <linux/pci_regs.h>

#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "fault.h"

void af_host(VfClient *c, unsigned int dev, unsigned int model)
{
    c->shared->device[dev].idr[0] = AF_HOST_IDR0(model);
    c->shared->device[dev].stalls = model == VS_STALL_MODEL_FORCED;
}

VfGuest *af_start(unsigned int devices, const char *options)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *common = vs_options(c, devices, devices);
    VfGuest *g;

    for (unsigned int i = 0; i < devices; i++) {
        af_host(c, i, VS_STALL_MODEL_FORCED);
        /* VFIO hands interrupts over by way of KVM only */
        c->shared->device[i].phys[PCI_INTERRUPT_PIN] = 0;
    }
    g = vg_start(c, "%s %s", common, options);
    vg_ports(g, devices);
    vs_setup(g, VS_LINEAR);
    vs_translate_all(g, devices, 0);
    for (unsigned int i = 0; i < devices; i++) {
        g_assert_cmpint(vf_client_access(c, i, NULL), ==, VF_ACCESS_S1);
    }
    return g;
}

uint32_t af_fault(VfGuest *g, unsigned int dev, uint32_t pasid, uint64_t addr,
                  uint32_t perm)
{
    uint32_t n = vf_client_page_fault(g->c, dev, pasid, addr, perm);

    vg_settle(g);
    return n;
}

uint16_t af_stalled(VfGuest *g, uint32_t sid, uint32_t pasid, uint64_t addr,
                    uint32_t perm)
{
    uint32_t word0 = VS_EVT_F_TRANSLATION;
    uint32_t word3 = VS_EVT3_CLASS_IN;
    uint64_t evt[4];

    if (pasid != VF_NO_PASID) {
        word0 |= VS_EVT0_SSV | VS_EVT0_SSID(pasid);
    }
    if (!(perm & IOMMU_PGFAULT_PERM_WRITE)) {
        word3 |= VS_EVT3_RNW;
        word3 |= perm & IOMMU_PGFAULT_PERM_EXEC ? VS_EVT3_IND : 0;
    }
    word3 |= perm & IOMMU_PGFAULT_PERM_PRIV ? VS_EVT3_PNU : 0;
    g_assert_true(vs_next_event(g, evt));
    g_assert_cmphex(evt[0], ==, word0 | (uint64_t)sid << 32);
    g_assert_cmphex(evt[1] & ~0xffffull, ==,
                    VS_EVT2_STALL | (uint64_t)word3 << 32);
    g_assert_cmphex(evt[2], ==, addr);
    g_assert_cmphex(evt[3], ==, 0);
    return VS_EVT2_STAG(evt[1]);
}

void af_no_event(VfGuest *g)
{
    uint64_t evt[4];

    g_assert_false(vs_next_event(g, evt));
}

void af_queue_resume(VfGuest *g, uint32_t sid, uint16_t stag, uint32_t how)
{
    vs_queue(g, VS_CMD_RESUME | how | (uint64_t)sid << 32, stag);
}

void af_resume(VfGuest *g, uint32_t sid, uint16_t stag, uint32_t how)
{
    af_queue_resume(g, sid, stag, how);
    vs_submit(g);
    g_assert_false(vs_has_error(g));
}

static const VfPageFault *fault(VfGuest *g, uint32_t n)
{
    return &g->c->shared->page_fault[n];
}

void af_waiting(VfGuest *g, uint32_t n)
{
    g_assert_cmpint(fault(g, n)->state, !=, VF_FAULT_NONE);
    g_assert_cmpint(fault(g, n)->state, !=, VF_FAULT_ANSWERED);
}

void af_answered(VfGuest *g, uint32_t n, bool retry)
{
    g_assert_cmpint(fault(g, n)->state, ==, VF_FAULT_ANSWERED);
    g_assert_cmpint(fault(g, n)->code, ==, retry ? IOMMUFD_PAGE_RESP_SUCCESS :
                                           IOMMUFD_PAGE_RESP_INVALID);
    g_assert_cmpint(fault(g, n)->by_kernel, ==, 0);
}

void af_ended(VfGuest *g, uint32_t n)
{
    g_assert_cmpint(fault(g, n)->state, ==, VF_FAULT_ANSWERED);
    g_assert_cmpint(fault(g, n)->code, ==, IOMMUFD_PAGE_RESP_INVALID);
    g_assert_cmpint(fault(g, n)->by_kernel, ==, 1);
}

void af_listed(VfGuest *g, unsigned int n, const char *faults,
               unsigned int waiting)
{
    g_autofree gchar *id = g_strdup_printf("d%u", n);
    QDict *state = vg_qom_get_struct(g, "/machine/peripheral/smmu",
                                     "x-accel-state");
    const QListEntry *entry;
    bool found = false;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(state, "devices"), entry) {
        QDict *dev = qobject_to(QDict, qlist_entry_obj(entry));

        if (!strcmp(qdict_get_str(dev, "device"), id)) {
            found = true;
            g_assert_cmpstr(qdict_get_str(dev, "page-faults"), ==, faults);
            g_assert_cmpint(qdict_get_int(dev, "waiting"), ==, waiting);
        }
    }
    g_assert_true(found);
    qobject_unref(state);
}

void af_offer(VfGuest *g, const char *stall)
{
    QDict *offer = vg_qom_get_struct(g, "/machine/peripheral/smmu",
                                     "x-accel-offer");
    unsigned int model = VS_IDR0_STALL_MODEL(vs_readl(g, VS_IDR0));
    unsigned int max = VS_IDR5_STALL_MAX(vs_readl(g, VS_IDR5));

    g_assert_cmpstr(qdict_get_str(offer, "stall"), ==, stall);
    qobject_unref(offer);
    if (!strcmp(stall, "off")) {
        g_assert_cmpuint(model, ==, VS_STALL_MODEL_NONE);
        g_assert_cmpuint(max, ==, 0);
    } else {
        g_assert_cmpuint(model, ==, !strcmp(stall, "on") ?
                         VS_STALL_MODEL_BOTH : VS_STALL_MODEL_FORCED);
        g_assert_cmpuint(max, >, 0);
    }
}
