/*
 * Fuzzing of configuration space, regions and ioctl answers of a VFIO device
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The test plugs devices with random errors in configuration space, regions
 * and answers, uses them a little and unplugs them. QEMU may refuse any of
 * them, and has to go on.
 *
 * Environment: VFIO_FUZZ_SECONDS (10) and VFIO_FUZZ_SEED (1) of the random
 * inputs; VFIO_FUZZ_INPUT, a file with inputs to be run instead; and
 * VFIO_FUZZ_SAVE, a file for the inputs of the QEMU that failed; the last one
 * is the most likely cause.
 */

#include "qemu/osdep.h"

#include "hw/pci/pci_regs.h"
#include "qobject/qdict.h"
#include "qobject/qjson.h"
#include "vfio-guest/guest.h"
#include "vfio-fuzz/input.h"

#define CORPUS  "tests/data/vfio-fuzz"
#define LAYOUTS "tests/data/ecap"
#define ACCEL   "-device arm-smmuv3,primary-bus=pcie.0,accel=on,ssidsize=16 "

/* The memory window of the port, which is the guest's to map BARs in */
#define WINDOW      0x10000000ull
#define WINDOW_SIZE 0x10000000ull

/* Time limit of a step; QEMU hangs if it takes longer */
#define PATIENCE_SECONDS    120
/* Milliseconds that QEMU waits for a server that does not reply */
#define TIMEOUT_MS          100

/* QEMU is restarted after some inputs: leaks are found when it ends */
#define ROUNDS_PER_QEMU     500
#define MOST_KEPT           4096

typedef struct Session {
    VfClient *c;
    VfGuest *g;
    GString *inputs;            /* since QEMU was started */
    unsigned int rounds;
    bool user;                  /* vfio-user devices can be plugged in */
    /* of all sessions */
    GPtrArray *kept;            /* inputs that said something new */
    GHashTable *said;
    uint64_t total, refused;
} Session;

static Session session;

static void save(void *opaque)
{
    const char *path = g_getenv("VFIO_FUZZ_SAVE");

    if (!session.inputs) {
        return;
    }
    if (path) {
        g_file_set_contents(path, session.inputs->str, -1, NULL);
    } else {
        fprintf(stderr, "# inputs of this QEMU, the last one at the end:\n%s",
                session.inputs->str);
    }
}

static void hangs(int signal)
{
    static const char text[] = "# an input hangs QEMU\n";

    if (write(STDERR_FILENO, text, strlen(text)) < 0) {
        _exit(1);
    }
    abort();
}

static void start(Session *s, bool accel)
{
    s->c = vf_client_new();
    vf_client_add_device(s->c);
    s->g = vg_start(s->c, VG_MACHINE "%s" VG_IOMMUFD VG_PORT(1), "",
                    accel ? ACCEL : "", s->c->iommufd);
    vg_ports(s->g, 1);
    s->inputs = g_string_new(accel ? "# accel\n" : "");
    s->rounds = 0;
    /* An SMMU with accel=on cannot translate for them */
    s->user = !accel && qtest_has_device("vfio-user-pci");
}

static void end(Session *s)
{
    if (s->g) {
        g_free(vg_end(s->g));
        g_string_free(s->inputs, TRUE);
        s->g = NULL;
        s->inputs = NULL;
    }
}

/* The part of a device that the test describes */
static void describe(Session *s, const FzInput *in)
{
    VfDevice *d = &s->c->shared->device[0];

    d->config_size = in->device.config_size;
    d->raw = in->device.raw;
    d->reset_ok = in->device.reset_ok;
    d->migration = in->device.migration;
    d->msi = in->device.msi;
    d->rom_size = in->device.rom_size;
    memcpy(d->bar_size, in->device.bar_size, sizeof(d->bar_size));
    memcpy(d->phys, in->device.phys, sizeof(d->phys));
    memcpy(s->c->shared->rule, in->rule, sizeof(in->rule));
    memcpy(s->c->shared->change, in->change, sizeof(in->change));
    s->c->shared->log_len = 0;
    s->c->shared->cmd_len = 0;
}

static void map_bars(VfGuest *g)
{
    uint64_t next = WINDOW;

    vg_config_writel(g, 0, 1 << 3, PCI_MEMORY_BASE,
                     WINDOW >> 16 | (WINDOW + WINDOW_SIZE - 1) >> 16 << 16);
    for (int bar = 0; bar <= VF_BARS; bar++) {
        uint16_t at = bar < VF_BARS ? PCI_BASE_ADDRESS_0 + 4 * bar :
                                      PCI_ROM_ADDRESS;
        uint32_t size;

        vg_config_writel(g, 1, 0, at, PCI_ROM_ADDRESS_MASK);
        size = -(vg_config_readl(g, 1, 0, at) & PCI_ROM_ADDRESS_MASK);
        if (!size || size > WINDOW_SIZE / 2) {
            continue;
        }
        next = ROUND_UP(next, size);
        if (next + size > WINDOW + WINDOW_SIZE) {
            continue;
        }
        vg_config_writel(g, 1, 0, at, next | (bar == VF_BARS));
        vg_config_writew(g, 1, 0, PCI_COMMAND,
                         PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
        qtest_readl(g->qts, next);
        qtest_readl(g->qts, next + size - 4);
        next += size;
    }
}

static void act(VfGuest *g, const FzAction *action)
{
    uint8_t *virt = g->c->shared->device[0].virt;
    uint8_t config[VF_CONFIG_SIZE];

    /* A busy machine may need long for all, but not for one */
    alarm(PATIENCE_SECONDS);
    switch (action->kind) {
    case FZ_READ:
        qtest_memread(g->qts, VG_ECAM | 1 << 20, config, sizeof(config));
        break;
    case FZ_WRITE:
        vg_config_writel(g, 1, 0, action->at & 0xffc, action->value);
        break;
    case FZ_MAP:
        map_bars(g);
        break;
    case FZ_POKE:
        qtest_writel(g->qts, WINDOW + (action->at & (WINDOW_SIZE / 4 - 4)),
                     action->value);
        break;
    case FZ_BECOME:
        vf_put32(virt + (action->at & 0xffc), action->value);
        break;
    case FZ_RESET:
        vg_system_reset(g);
        break;
    default:
        break;
    }
}

/* A new way of saying no is worth to be tried again with changes */
static void take_note(Session *s, const FzInput *in, const gchar *text)
{
    g_autofree gchar *shape = g_strdup(text ?: "up");

    for (gchar *p = shape; *p; p++) {
        if (g_ascii_isxdigit(*p)) {
            *p = '#';
        }
    }
    if (g_hash_table_add(s->said, g_steal_pointer(&shape)) &&
        s->kept->len < MOST_KEPT) {
        g_ptr_array_add(s->kept, g_memdup2(in, sizeof(*in)));
    }
}

/* Did a call fail that can leave objects behind? */
static bool is_clean(VfClient *c)
{
    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        if (c->shared->object[i].type != VF_OBJ_FREE) {
            return false;
        }
    }
    for (int i = 0; i < VF_MAX_MAPS; i++) {
        if (c->shared->map[i].ioas) {
            return false;
        }
    }
    return true;
}

/* Are all calls and answers of the host right? */
static bool is_honest(const FzInput *in)
{
    for (int i = 0; i < VF_MAX_RULES; i++) {
        if (in->rule[i].op) {
            return false;
        }
    }
    for (int i = 0; i < VF_MAX_CHANGES; i++) {
        if (in->change[i].op) {
            return false;
        }
    }
    return true;
}

static gchar *plug(Session *s, const FzInput *in, const char *path)
{
    if (in->user) {
        return vg_plug(s->g, 1, qdict_from_jsonf_nofail(
                           "{'driver': 'vfio-user-pci', 'id': 'd0',"
                           " 'x-msg-timeout': %d,"
                           " 'socket': {'type': 'unix', 'path': %s}}",
                           TIMEOUT_MS, path));
    }
    return vg_device_add(s->g, 0, "d0", 1, "");
}

static void run(Session *s, FzInput *in)
{
    g_autofree gchar *text = NULL;
    g_autofree gchar *dir = g_dir_make_tmp("vfio-fuzz-XXXXXX", NULL);
    g_autofree gchar *path = g_build_filename(dir, "socket", NULL);
    g_autofree gchar *err = NULL;
    VuDevice device = {
        .config = s->c->shared->device[0].phys,
        .config_size = in->device.config_size,
        .bar0 = in->device.bar_size[0],
        .capabilities = in->capabilities[0] ? in->capabilities : NULL,
    };
    VuServer *server = NULL;

    in->user &= s->user;
    text = fz_input_print(in);
    g_string_append(s->inputs, text);
    alarm(PATIENCE_SECONDS);
    describe(s, in);
    if (in->user) {
        memcpy(device.change, in->server, sizeof(device.change));
        server = vu_server_start(path, &device);
    }
    err = plug(s, in, path);
    take_note(s, in, err);
    s->total++;
    s->refused += !!err;
    if (!err) {
        for (int i = 0; i < FZ_MAX_ACTIONS && in->action[i].kind; i++) {
            act(s->g, &in->action[i]);
        }
        alarm(PATIENCE_SECONDS);
        vg_device_del(s->g, "d0", 1);
    }
    vg_settle(s->g);
    if (server) {
        vu_server_end(server);
    }
    rmdir(dir);
    vf_client_clear_rules(s->c);
    vf_client_clear_changes(s->c);
    if (is_honest(in)) {
        vf_client_assert_clean(s->c);
    }
    if (++s->rounds == ROUNDS_PER_QEMU || !is_clean(s->c)) {
        end(s);
    }
    alarm(0);
}

static void run_one(FzInput *in, void *opaque)
{
    Session *s = opaque;

    if (!s->g) {
        start(s, true);
    }
    run(s, in);
}

static void run_file(Session *s, const char *path)
{
    g_autofree gchar *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    start(s, g_str_has_prefix(text, "# accel\n"));
    fz_input_parse(text, run_one, s);
    end(s);
}

static void test_input(void)
{
    run_file(&session, g_getenv("VFIO_FUZZ_INPUT"));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char **)a, *(const char **)b);
}

/* The text files of a folder, in order */
static GPtrArray *list_files(const char *folder)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(folder, 0, NULL);
    const gchar *name;

    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir))) {
        if (g_str_has_suffix(name, ".txt")) {
            g_ptr_array_add(names, g_build_filename(folder, name, NULL));
        }
    }
    g_dir_close(dir);
    g_ptr_array_sort(names, compare_names);
    return names;
}

static void test_corpus(void)
{
    g_autoptr(GPtrArray) names = list_files(CORPUS);

    g_assert_cmpuint(names->len, >, 0);
    for (unsigned int i = 0; i < names->len; i++) {
        g_test_message("%s", (char *)names->pdata[i]);
        run_file(&session, names->pdata[i]);
    }
}

/* Inputs to start from: a device that is well, and one of each layout */
static void keep_layouts(Session *s)
{
    g_autoptr(GPtrArray) names = list_files(LAYOUTS);
    FzInput in;

    fz_input_init(&in);
    g_ptr_array_add(s->kept, g_memdup2(&in, sizeof(in)));
    for (unsigned int i = 0; i < names->len; i++) {
        fz_input_init(&in);
        if (vf_image_read_dump(in.device.phys, names->pdata[i], 0)) {
            vf_image_size_bars(in.device.phys, &in.device);
            g_ptr_array_add(s->kept, g_memdup2(&in, sizeof(in)));
        }
    }
}

static void test_random(void)
{
    const char *seconds = g_getenv("VFIO_FUZZ_SECONDS") ?: "10";
    const char *seed = g_getenv("VFIO_FUZZ_SEED") ?: "1";
    gint64 until = g_get_monotonic_time() +
                   g_ascii_strtoull(seconds, NULL, 0) * G_USEC_PER_SEC;
    uint64_t state = g_ascii_strtoull(seed, NULL, 0) * 2 + 1;
    Session *s = &session;

    keep_layouts(s);
    while (g_get_monotonic_time() < until) {
        FzInput in = *(FzInput *)g_ptr_array_index(
            s->kept, fz_random(&state, s->kept->len));

        fz_input_mutate(&in, &state);
        if (!s->g) {
            start(s, fz_random(&state, 2));
        }
        run(s, &in);
    }
    end(s);
    g_test_message("%" PRIu64 " devices, %" PRIu64 " of them refused, in %u "
                   "ways", s->total, s->refused,
                   g_hash_table_size(s->said));
    /* Some inputs must succeed */
    g_assert_cmpuint(s->refused, <, s->total);
}

int main(int argc, char **argv)
{
    const struct sigaction alarmed = { .sa_handler = hangs };

    g_test_init(&argc, &argv, NULL);

    session.kept = g_ptr_array_new_with_free_func(g_free);
    session.said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    qtest_add_abrt_handler(save, NULL);
    sigaction(SIGALRM, &alarmed, NULL);
    if (g_getenv("VFIO_FUZZ_INPUT")) {
        qtest_add_func("vfio-fuzz-device/input", test_input);
    } else {
        qtest_add_func("vfio-fuzz-device/corpus", test_corpus);
        qtest_add_func("vfio-fuzz-device/random", test_random);
    }
    return g_test_run();
}
