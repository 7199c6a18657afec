/*
 * QTest of the accelerated SMMUv3: a new QEMU takes the guest over (CPR)
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * With CPR the devices go on while a new QEMU process replaces the old one. No
 * device may be attached anew, the new QEMU has to know all host objects, and
 * none may be left when the last device is unplugged.
 */

#include "qemu/osdep.h"

#include <linux/pci_regs.h>

#include "qobject/qdict.h"
#include "vfio-guest/smmu.h"

/* QEMUs that follow one after another */
#define UPDATES 3

static VfGuest *start_ports(unsigned int ports, unsigned int plugged)
{
    VfClient *c = vf_client_new();
    g_autofree gchar *options = vs_options(c, ports, plugged);
    VfGuest *g;

    for (int i = 0; i < ports; i++) {
        /* VFIO hands interrupts over by way of KVM only */
        c->shared->device[i].phys[PCI_INTERRUPT_PIN] = 0;
    }
    g = vg_start(c, "%s " VG_SHARED_RAM, options);
    vg_ports(g, ports);
    vs_setup(g, VS_LINEAR);
    return g;
}

static VfGuest *start(unsigned int plugged)
{
    return start_ports(1, plugged);
}

/* Returns: the object table as it is now, for g_free() */
static VfObject *objects_of(VfClient *c)
{
    return g_memdup2(c->shared->object, sizeof(c->shared->object));
}

/* A vEVENTQ belongs to a process, and is there while the guest runs */
static VfObjType type_of(const VfObject *object)
{
    return object->type == VF_OBJ_VEVENTQ ? VF_OBJ_FREE : object->type;
}

/* The same objects, with nothing added and nothing lost, but the vEVENTQ */
static void assert_same(VfClient *c, const VfObject *before)
{
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        const VfObject *now = &c->shared->object[i];

        g_assert_cmpuint(type_of(now), ==, type_of(&before[i]));
        if (type_of(now) != VF_OBJ_FREE) {
            g_assert_cmpmem(now, sizeof(*now), &before[i], sizeof(*now));
        }
    }
}

static void fault(VfGuest *g, uint64_t address)
{
    const uint64_t evt[4] = {
        VS_EVT_F_TRANSLATION | (uint64_t)VS_SID(1) << 32, 0, address, 0,
    };
    uint64_t got[4];

    vf_client_push_event(g->c, 0, evt);
    vg_settle(g);
    g_assert(vs_next_event(g, got));
    g_assert_cmphex(got[2], ==, address);
    g_assert(!vs_next_event(g, got));
}

/* Set up the guest's registers, tables and device for a state */
static void test_state(const void *opaque)
{
    const VsState *state = opaque;
    VfGuest *g = start(1);
    VfClient *c = g->c;
    uint16_t pasid = vg_find_ext_cap(g, 1, 0, PCI_EXT_CAP_ID_PASID, NULL);
    uint32_t idr0 = vs_readl(g, VS_IDR0);
    uint64_t ste[2] = { 0 };

    g_assert_cmphex(pasid, !=, 0);
    vg_config_writew(g, 1, 0, pasid + PCI_PASID_CTRL, PCI_PASID_CTRL_ENABLE);
    vs_set_state(g, state, 1);
    vs_drop_events(g);
    g_assert_cmpint(vf_client_access(c, 0, ste), ==, state->access);
    for (int i = 0; i < UPDATES; i++) {
        g_autofree VfObject *before = objects_of(c);
        uint32_t since = c->shared->log_len;
        uint32_t prod = vs_readl(g, VS_EVENTQ_PROD);
        uint64_t now[2] = { 0 };

        if (i % 2) {
            vg_exec(g, NULL);
        } else {
            vg_transfer(g);
        }
        g_assert_cmpint(vf_client_access(c, 0, now), ==, state->access);
        g_assert_cmphex(now[0], ==, ste[0]);
        g_assert_cmphex(now[1], ==, ste[1]);
        assert_same(c, before);
        /* The old vEVENTQ is freed at once, in any state of the main loop */
        g_assert_cmpuint(vf_client_refused(c, VF_OP_DESTROY, since), ==, 0);
        g_assert_cmpuint(vf_client_count(c, VF_OP_ATTACH, since), ==, 0);
        g_assert_cmpuint(vf_client_count(c, VF_OP_DETACH, since), ==, 0);
        g_assert_cmphex(vs_readl(g, VS_IDR0), ==, idr0);
        /* The event of the bad STE was recorded before */
        g_assert_cmphex(vs_readl(g, VS_EVENTQ_PROD), ==, prod);
        g_assert_cmphex(vg_config_readw(g, 1, 0, pasid + PCI_PASID_CTRL), ==,
                        PCI_PASID_CTRL_ENABLE);
        fault(g, 0x1000 * (i + 1));
    }
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    vg_end_silent(g);
}

/* The guest goes on from there */
static void test_goes_on(void)
{
    VfGuest *g = start(1);
    VfClient *c = g->c;
    const VfObject *dev, *hwpt, *vdevice;
    const VfCmd *cmd;

    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    vg_exec(g, NULL);

    vs_queue(g, VS_CMD_TLBI_NH_VA, 0x5000);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    g_assert_cmpuint(c->shared->cmd_len, >, 0);
    cmd = &c->shared->cmd[c->shared->cmd_len - 1];
    g_assert(cmd->issued);
    g_assert_cmphex(cmd->word[1], ==, 0x5000);
    dev = vf_client_device_object(c, 0);
    hwpt = vf_client_object(c, dev, dev->attached);
    g_assert_cmpuint(hwpt->type, ==, VF_OBJ_HWPT_NESTED);
    g_assert_cmpuint(cmd->vsmmu, ==, hwpt->parent);
    vdevice = vf_client_object(c, dev, dev->vdevice);
    g_assert_cmpuint(vdevice->parent, ==, hwpt->parent);
    g_assert_cmphex(vdevice->virt_id, ==, VS_SID(1));

    for (int i = 0; i < VS_STATES; i++) {
        vs_set_state(g, &vs_states[i], 1);
        g_assert_cmpint(vf_client_access(c, 0, NULL), ==,
                        vs_states[i].access);
    }
    vg_system_reset(g);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_BYPASS);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    vg_end_silent(g);
}

/* The old QEMU delivers its pending events */
static void test_last_events(void)
{
    const uint64_t evt[1][4] = {
        { VS_EVT_F_TRANSLATION | (uint64_t)VS_SID(1) << 32, 0, 0x7000, 0 },
    };
    uint64_t got[4];
    VfGuest *g = start(1);

    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    vf_client_add_events(g->c, 0, evt, 1);
    vg_exec(g, NULL);
    g_assert(vs_next_event(g, got));
    g_assert_cmphex(got[2], ==, 0x7000);
    g_assert(!vs_next_event(g, got));
    vg_end_silent(g);
}

/* The new QEMU knows that the host caches are stale */
static void test_stale(void)
{
    VfGuest *g = start(1);
    VfClient *c = g->c;
    g_autofree gchar *text = NULL;
    uint32_t cmds;
    bool all = false;

    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    vf_client_rule(c, VF_OP_HWPT_INVALIDATE, 1, UINT32_MAX, EIO);
    vs_queue(g, VS_CMD_TLBI_NH_VA, 0x5000);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_submit(g);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_ABORT);
    vf_client_clear_rules(c);

    cmds = c->shared->cmd_len;
    vg_exec(g, NULL);
    for (uint32_t i = cmds; i < c->shared->cmd_len; i++) {
        all |= c->shared->cmd[i].issued &&
               (c->shared->cmd[i].word[0] & 0xff) == VS_CMD_TLBI_NSNH_ALL;
    }
    g_assert(all);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    text = vg_end(g);
    vg_assert_has(text, "DMA of d1 is aborted");
}

/* There is nothing to run: the old QEMU keeps the guest, and all it had */
static void test_no_program(void)
{
    VfGuest *g = start(1);
    VfClient *c = g->c;
    g_autofree VfObject *before = NULL;
    g_autofree gchar *text = NULL;
    uint32_t since;

    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    before = objects_of(c);
    since = c->shared->log_len;
    vg_exec(g, "/nowhere/qemu");
    assert_same(c, before);
    g_assert_cmpuint(vf_client_count(c, VF_OP_ATTACH, since), ==, 0);
    g_assert_cmpuint(vf_client_count(c, VF_OP_DETACH, since), ==, 0);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    fault(g, 0x3000);

    /* A second attempt finds one */
    vg_exec(g, NULL);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    fault(g, 0x4000);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    text = vg_end(g);
    vg_assert_has(text, "/nowhere/qemu");
}

/* Another QEMU than the one that was asked for: the guest stays where it is */
static void test_other(void)
{
    VfGuest *g = start(1);
    VfClient *c = g->c;
    g_autofree gchar *options = g_strdup_printf(VG_MACHINE VG_IOMMUFD VS_SSID16
                                                VG_PORT(1) VG_SHARED_RAM, "",
                                                c->iommufd);
    g_autofree VfObject *before = NULL;
    g_autofree gchar *text = NULL;

    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    before = objects_of(c);
    vg_transfer_refused(g, options);
    assert_same(c, before);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    fault(g, 0x3000);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    text = vg_end(g);
    vg_assert_has(text, "that of an SMMUv3 with devices, this one has none");
}

/* A QEMU that comes up no further than this: the devices are not its own */

typedef struct RefusedTest {
    const char *name;
    const char *from;           /* text in the options that is replaced */
    const char *to;
    const char *said;
} RefusedTest;

static const RefusedTest refused_tests[] = {
    { .name = "no-substreams", .from = "ssidsize=16",
      .to = "ssidsize=0 -global vfio-pci.x-vpasid=on",
      .said = "x-vpasid=on" },
    { .name = "first", .from = "id=d1,", .to = "id=d1,xres=640,",
      .said = "xres" },
    /* The first one is there by then */
    { .name = "second", .from = "id=d2,", .to = "id=d2,xres=640,",
      .said = "xres" },
};

static void test_refused(const void *opaque)
{
    static const VfOp not_made[] = {
        VF_OP_ATTACH, VF_OP_DETACH, VF_OP_DESTROY, VF_OP_IOAS_UNMAP,
        VF_OP_HWPT_INVALIDATE, VF_OP_SET_IRQS, VF_OP_RESET, VF_OP_HOT_RESET,
    };
    const RefusedTest *t = opaque;
    VfGuest *g = start_ports(2, 2);
    VfClient *c = g->c;
    g_auto(GStrv) parts = g_strsplit(g->options, t->from, -1);
    g_autofree gchar *options = g_strjoinv(t->to, parts);
    g_autofree VfObject *before = NULL;
    g_autofree gchar *text = NULL;
    uint32_t since;

    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 2);
    before = objects_of(c);
    since = c->shared->log_len;
    vg_transfer_refused(g, options);
    for (int i = 0; i < ARRAY_SIZE(not_made); i++) {
        g_assert_cmpuint(vf_client_count(c, not_made[i], since), ==, 0);
    }
    assert_same(c, before);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    g_assert_cmpint(vf_client_access(c, 1, NULL), ==, VF_ACCESS_S1);
    fault(g, 0x3000);
    vg_device_del(g, "d1", 1);
    vg_device_del(g, "d2", 2);
    vf_client_assert_clean(c);
    text = vg_end(g);
    vg_assert_has(text, t->said);
}

/* Without a new vEVENTQ the guest misses events, and nothing else */
static void test_no_events(void)
{
    VfGuest *g = start(1);
    VfClient *c = g->c;
    g_autofree gchar *text = NULL;

    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    vf_client_rule(c, VF_OP_VEVENTQ_ALLOC, 1, 1, ENOMEM);
    vg_exec(g, NULL);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    text = vg_end(g);
    vg_assert_has(text, "the guest sees no events");
}

/* No device, no vIOMMU; and the first one can still come */
static void test_no_device(void)
{
    VfGuest *g = start(0);
    VfClient *c = g->c;

    vg_exec(g, NULL);
    vf_client_assert_clean(c);
    g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_BYPASS);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    vg_end_silent(g);
}

/*
 * With auto the ID registers follow the devices at startup. What the guest was
 * offered by them stays, whatever devices the new QEMU is started with.
 */

#define D1 "-device vfio-pci,iommufd=i0,fd=%d,id=d1,bus=rp1 "

typedef struct OfferTest {
    const char *name;
    bool plugged;               /* the device is there at startup */
    bool there;                 /* and when the guest is taken over */
    const char *auto_;
} OfferTest;

static const OfferTest offer_tests[] = {
    { .name = "came", .there = true, .auto_ = "cautious" },
    { .name = "gone", .plugged = true, .auto_ = "host" },
    { .name = "stays", .plugged = true, .there = true, .auto_ = "host" },
    { .name = "never", .auto_ = "cautious" },
};

static void assert_offer(VfGuest *g, const char *auto_)
{
    QDict *response = qtest_qmp(g->qts, "{'execute': 'qom-get', 'arguments':"
                                " {'path': '/machine/peripheral/smmu',"
                                " 'property': 'x-accel-offer'}}");

    g_assert_cmpstr(qdict_get_str(qdict_get_qdict(response, "return"), "auto"),
                    ==, auto_);
    qobject_unref(response);
}

static void test_offer(const void *opaque)
{
    const OfferTest *t = opaque;
    VfClient *c = vf_client_new();
    g_autofree gchar *device = NULL;
    g_autofree gchar *added = NULL;
    uint32_t idr[6];
    VgNext next;
    VfGuest *g;

    /* VFIO hands interrupts over by way of KVM only */
    vf_client_add_device(c)->phys[PCI_INTERRUPT_PIN] = 0;
    device = g_strdup_printf(D1, c->device_fd[0]);
    g = vg_start(c, VG_MACHINE VG_IOMMUFD "-device arm-smmuv3,id=smmu,"
                 "primary-bus=pcie.0,accel=on " VG_PORT(1) "%s"
                 VG_SHARED_RAM, "",
                 c->iommufd, t->plugged ? device : " ");
    vg_ports(g, 1);
    if (t->there && !t->plugged) {
        g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    } else if (t->plugged && !t->there) {
        vg_device_del(g, "d1", 1);
    }
    assert_offer(g, t->auto_);
    for (int i = 0; i < ARRAY_SIZE(idr); i++) {
        idr[i] = vs_readl(g, VS_IDR0 + 4 * i);
    }
    added = g_strconcat(device, "-machine aux", NULL);
    next = (VgNext) {
        .from = t->plugged ? device : "-machine aux",
        .to = !t->there ? (t->plugged ? "" : "-machine aux") :
              t->plugged ? device : added,
    };
    vg_transfer_to(g, &next);
    for (int i = 0; i < ARRAY_SIZE(idr); i++) {
        g_assert_cmphex(vs_readl(g, VS_IDR0 + 4 * i), ==, idr[i]);
    }
    assert_offer(g, t->auto_);
    vg_system_reset(g);
    for (int i = 0; i < ARRAY_SIZE(idr); i++) {
        g_assert_cmphex(vs_readl(g, VS_IDR0 + 4 * i), ==, idr[i]);
    }
    vg_end_silent(g);
}

/* The new QEMU has taken over nothing yet when a device comes or goes */
static void test_paused_plug(void)
{
    VfGuest *g = start(0);
    VfClient *c = g->c;

    qtest_qmp_assert_success(g->qts, "{ 'execute': 'stop' }");
    vg_exec(g, NULL);
    g_assert_cmpstr(vg_device_add(g, 0, "d1", 1, ""), ==, NULL);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_BYPASS);
    qtest_qmp_assert_success(g->qts, "{ 'execute': 'cont' }");
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_BYPASS);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    vg_end_silent(g);
}

/* A debugger may write registers, too: the queue waits until the guest runs */
static void test_paused_ring(void)
{
    VfGuest *g = start(1);
    VfShared *s = g->c->shared;

    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    qtest_qmp_assert_success(g->qts, "{ 'execute': 'stop' }");
    vg_exec(g, NULL);
    s->cmd_len = 0;
    vs_queue_va(g, 0);
    vs_queue(g, VS_CMD_SYNC, 0);
    vs_ring(g);
    g_assert_false(vs_done(g));
    qtest_qmp_assert_success(g->qts, "{ 'execute': 'cont' }");
    vs_wait(g);
    g_assert_true(vs_done(g));
    g_assert_cmpuint(s->cmd_len, ==, 1);
    vs_assert_va(&s->cmd[0], 0);
    vg_end_silent(g);
}

static void test_paused_unplug(void)
{
    VfGuest *g = start(1);
    VfClient *c = g->c;

    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    qtest_qmp_assert_success(g->qts, "{ 'execute': 'stop' }");
    vg_exec(g, NULL);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    qtest_qmp_assert_success(g->qts, "{ 'execute': 'cont' }");
    vf_client_assert_clean(c);
    vg_end_silent(g);
}

/* Updates of a guest that does not run, one after another */

typedef enum Update { NO_MORE, EXEC, TRANSFER, NO_PROGRAM } Update;

typedef struct PausedTest {
    const char *name;
    Update update[UPDATES + 1];
    bool reset;                 /* after the first of them */
} PausedTest;

static const PausedTest paused_tests[] = {
    { .name = "exec-exec", .update = { EXEC, EXEC } },
    { .name = "exec-transfer", .update = { EXEC, TRANSFER } },
    { .name = "transfer-exec", .update = { TRANSFER, EXEC } },
    { .name = "transfers", .update = { TRANSFER, TRANSFER, TRANSFER } },
    { .name = "no-program", .update = { EXEC, NO_PROGRAM } },
    { .name = "reset", .update = { EXEC, EXEC }, .reset = true },
};

static void test_paused(const void *opaque)
{
    const PausedTest *t = opaque;
    VfGuest *g = start(1);
    VfClient *c = g->c;
    g_autofree VfObject *before = NULL;
    g_autofree gchar *text = NULL;
    bool failed = false;

    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    qtest_qmp_assert_success(g->qts, "{ 'execute': 'stop' }");
    for (const Update *u = t->update; *u; u++) {
        if (*u == TRANSFER) {
            vg_transfer(g);
        } else if (*u == EXEC) {
            vg_exec(g, NULL);
        } else {
            vg_exec(g, "/nowhere/qemu");
            failed = true;
        }
        if (t->reset && u == t->update) {
            qtest_system_reset(g->qts);
            vg_settle(g);
        }
        /* The first one takes the vEVENTQ away until the guest runs */
        if (u == t->update) {
            before = objects_of(c);
        }
        assert_same(c, before);
        g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    }
    qtest_qmp_assert_success(g->qts, "{ 'execute': 'cont' }");
    vg_settle(g);
    if (t->reset) {
        vg_ports(g, 1);
        vs_setup(g, VS_LINEAR);
        g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_BYPASS);
        vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    }
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    fault(g, 0x3000);
    if (failed) {
        /* The leak of QEMU itself when there is no program ends with it */
        vg_exec(g, NULL);
    }
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    text = vg_end(g);
    if (failed) {
        vg_assert_has(text, "/nowhere/qemu");
    } else {
        g_assert_cmpstr(text, ==, "");
    }
}

/* A QEMU that refuses a guest which the one before has not run */
static void test_paused_refused(void)
{
    VfGuest *g = start(1);
    VfClient *c = g->c;
    g_autofree VfObject *before = NULL;
    g_autofree gchar *options = NULL;
    g_autofree gchar *text = NULL;

    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    before = objects_of(c);
    qtest_qmp_assert_success(g->qts, "{ 'execute': 'stop' }");
    vg_exec(g, NULL);
    options = g_strconcat(g->options, "-global vfio-pci.xres=640", NULL);
    vg_transfer_refused(g, options);
    assert_same(c, before);
    g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
    fault(g, 0x3000);
    vg_device_del(g, "d1", 1);
    vf_client_assert_clean(c);
    text = vg_end(g);
    vg_assert_has(text, "xres");
}

/* A StreamID that the old one could not free is freed by the new one */
static void test_kept(const void *opaque)
{
    const VsState *translate = &vs_states[VS_TRANSLATE];
    VfGuest *g = start_ports(2, 2);
    VfClient *c = g->c;

    vs_set_state(g, translate, 1);
    vs_set_state(g, &vs_states[VS_INVALID], 1);
    /* Nothing but the vDEVICE is left to be destroyed */
    vf_client_rule(c, VF_OP_DESTROY, 1, 1, EBUSY);
    vg_config_writel(g, 0, 1 << 3, PCI_PRIMARY_BUS, 3 << 8 | 3 << 16);
    vf_client_clear_rules(c);
    for (int i = 0; i < UPDATES; i++) {
        if (opaque) {
            vg_transfer(g);
        } else {
            vg_exec(g, NULL);
        }
    }
    vg_config_writel(g, 0, 2 << 3, PCI_PRIMARY_BUS, 1 << 8 | 1 << 16);
    vs_set_state(g, translate, 1);
    vs_assert_s1(g, 1, VS_SID(1), VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    vs_set_state(g, translate, 3);
    vs_assert_s1(g, 0, VS_SID(3), VS_STE0_DEFAULT, VS_STE1_DEFAULT);
    vg_device_del(g, "d1", 1);
    vg_device_del(g, "d2", 2);
    vf_client_assert_clean(c);
    g_free(vg_end(g));
}

/* Each SMMU has its own from the one before, and nothing of the other's */
static void test_two(void)
{
    VfClient *c = vf_client_new();
    g_autofree VfObject *before = NULL;
    g_autofree gchar *text = NULL;
    VfGuest *g;

    for (int i = 0; i < 2; i++) {
        VfDevice *d = vf_client_add_device(c);

        d->smmu = i;
        d->phys[PCI_INTERRUPT_PIN] = 0;
    }
    g = vg_start(c, VG_MACHINE VG_SHARED_RAM VG_IOMMUFD VS_SSID16 VG_PORT(1)
                 "-device pxb-pcie,id=pxb8,bus=pcie.0,bus_nr=8 "
                 "-device arm-smmuv3,primary-bus=pxb8,accel=on,ssidsize=16 "
                 "-device pcie-root-port,id=rp2,chassis=2,slot=2,"
                 "bus=pxb8,io-reserve=0 "
                 "-device vfio-pci,iommufd=i0,fd=%d,id=d1,bus=rp1 "
                 "-device vfio-pci,iommufd=i0,fd=%d,id=d2,bus=rp2 ", "",
                 c->iommufd, c->device_fd[0], c->device_fd[1]);
    vg_ports(g, 1);
    vs_setup(g, VS_LINEAR);
    vs_set_state(g, &vs_states[VS_TRANSLATE], 1);
    for (int i = 0; i < UPDATES; i++) {
        g_clear_pointer(&before, g_free);
        before = objects_of(c);
        vg_exec(g, NULL);
        g_assert_cmpint(vf_client_access(c, 0, NULL), ==, VF_ACCESS_S1);
        g_assert_cmpint(vf_client_access(c, 1, NULL), ==, VF_ACCESS_BYPASS);
        assert_same(c, before);
    }
    text = vg_end(g);
    g_assert_null(strstr(text, "arm-smmuv3:"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < VS_STATES; i++) {
        vg_add_test("smmuv3-accel/cpr", vs_states[i].name, &vs_states[i],
                    test_state);
    }
    qtest_add_func("smmuv3-accel/cpr/goes-on", test_goes_on);
    qtest_add_func("smmuv3-accel/cpr/last-events", test_last_events);
    qtest_add_func("smmuv3-accel/cpr/stale", test_stale);
    qtest_add_func("smmuv3-accel/cpr/no-program", test_no_program);
    qtest_add_func("smmuv3-accel/cpr/other", test_other);
    for (int i = 0; i < ARRAY_SIZE(refused_tests); i++) {
        vg_add_test("smmuv3-accel/cpr/refused", refused_tests[i].name,
                    &refused_tests[i], test_refused);
    }
    qtest_add_func("smmuv3-accel/cpr/no-events", test_no_events);
    qtest_add_func("smmuv3-accel/cpr/no-device", test_no_device);
    for (int i = 0; i < ARRAY_SIZE(offer_tests); i++) {
        vg_add_test("smmuv3-accel/cpr/offer", offer_tests[i].name,
                    &offer_tests[i], test_offer);
    }
    qtest_add_func("smmuv3-accel/cpr/paused/plug", test_paused_plug);
    qtest_add_func("smmuv3-accel/cpr/paused/unplug", test_paused_unplug);
    qtest_add_func("smmuv3-accel/cpr/paused/ring", test_paused_ring);
    for (int i = 0; i < ARRAY_SIZE(paused_tests); i++) {
        vg_add_test("smmuv3-accel/cpr/paused", paused_tests[i].name,
                    &paused_tests[i], test_paused);
    }
    qtest_add_func("smmuv3-accel/cpr/paused/refused", test_paused_refused);
    vg_add_test("smmuv3-accel/cpr/kept", "exec", NULL, test_kept);
    vg_add_test("smmuv3-accel/cpr/kept", "transfer", "", test_kept);
    qtest_add_func("smmuv3-accel/cpr/two-smmus", test_two);
    return g_test_run();
}
