/*
 * Test library: QEMU with fake VFIO devices on the Arm virt machine
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include <linux/pci_regs.h>
#include <sys/wait.h>

#include "guest.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"

/* Enough for any hot-plug and for draining a full event queue */
#define VG_ROUNDS 20

#define VG_SLOT_OFF (PCI_EXP_SLTCTL_PWR_IND_OFF | PCI_EXP_SLTCTL_PWR_OFF)
#define VG_SLOT_ON  (PCI_EXP_SLTCTL_PWR_IND_ON | PCI_EXP_SLTCTL_PWR_ON)

static void environment_set(VfClient *c)
{
    g_autofree gchar *module = g_test_build_filename(G_TEST_BUILT, "vfio-fake",
                                                     "libvfio-fake.so", NULL);
    g_autofree gchar *shm = g_strdup_printf("%d", c->shm_fd);
    const char *asan = g_getenv("ASAN_OPTIONS");
    g_autofree gchar *options =
        g_strconcat(asan ?: "", asan ? ":" : "", "verify_asan_link_order=0",
                    NULL);

    if (!g_getenv(VF_ENV_SHM)) {
        g_setenv("ASAN_OPTIONS", options, true);
    }
    g_setenv("LD_PRELOAD", module, true);
    g_setenv(VF_ENV_SHM, shm, true);
}

static void environment_clear(void)
{
    g_unsetenv("LD_PRELOAD");
    g_unsetenv(VF_ENV_SHM);
}

static gchar *temporary_file(void)
{
    g_autoptr(GError) err = NULL;
    gchar *path = NULL;
    int fd = g_file_open_tmp("vfio-fake-XXXXXX", &path, &err);

    g_assert_no_error(err);
    close(fd);
    return path;
}

static gchar *take_file(gchar *path)
{
    gchar *text = NULL;

    g_assert(g_file_get_contents(path, &text, NULL, NULL));
    unlink(path);
    g_free(path);
    return text;
}

/* @options are taken over */
static VfGuest *start(VfClient *c, const char *var, gchar *options)
{
    VfGuest *g = g_new0(VfGuest, 1);
    g_autofree gchar *args = NULL;

    g->options = options;
    g->c = c;
    g->stderr_path = temporary_file();
    args = g_strdup_printf("%s 2>>%s", g->options, g->stderr_path);
    environment_set(c);
    g->qts = qtest_init_ext(var, args, NULL, true);
    environment_clear();
    g_assert_cmpuint(c->shared->loaded, >, 0);
    return g;
}

VfGuest *vg_start(VfClient *c, const char *fmt, ...)
{
    gchar *options;
    va_list ap;

    va_start(ap, fmt);
    options = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    return start(c, NULL, options);
}

VfGuest *vg_start_as(VfClient *c, const char *var, const char *fmt, ...)
{
    gchar *options;
    va_list ap;

    va_start(ap, fmt);
    options = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    return start(c, var, options);
}

bool vg_has_base(void)
{
    const char *program = g_getenv(VG_BASE);

    if (program && g_file_test(program, G_FILE_TEST_IS_EXECUTABLE)) {
        return true;
    }
    g_test_skip("there is no unpatched QEMU: " VG_BASE " does not name one");
    return false;
}

gchar *vg_stderr(VfGuest *g)
{
    gchar *text = NULL;

    g_assert(g_file_get_contents(g->stderr_path, &text, NULL, NULL));
    return text;
}

unsigned int vg_open_files(VfGuest *g)
{
    g_autofree gchar *path = g_strdup_printf("/proc/%d/fd",
                                             (int)qtest_pid(g->qts));
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    unsigned int n = 0;

    g_assert_nonnull(dir);
    while (g_dir_read_name(dir)) {
        n++;
    }
    return n;
}

static gchar *replace(const gchar *text, const VgNext *next)
{
    g_auto(GStrv) parts = NULL;

    if (!next || !next->from) {
        return g_strdup(text);
    }
    parts = g_strsplit(text, next->from, -1);
    return g_strjoinv(next->to, parts);
}

/* QEMU's own command line, but for where a state comes from */
static void append_command(QList *words, VfGuest *g, const VgNext *next,
                           const char *const *leave_out)
{
    g_autofree gchar *path = g_strdup_printf("/proc/%d/cmdline",
                                             qtest_pid(g->qts));
    g_autofree gchar *text = NULL;
    gsize len;

    g_assert(g_file_get_contents(path, &text, &len, NULL));
    for (gsize at = 0; at < len; at += strlen(text + at) + 1) {
        if (g_strv_contains(leave_out, text + at)) {
            at += strlen(text + at) + 1;
        } else if (!at && next && next->var) {
            qlist_append_str(words, g_getenv(next->var));
        } else {
            g_autofree gchar *word = replace(text + at, next);

            qlist_append_str(words, word);
        }
    }
}

/*
 * The test must listen before the new QEMU connects: libqtest takes
 * the second of its sockets away when QEMU has connected, and makes it anew
 * for the next one.
 */
static QList *command_of(VfGuest *g, const VgNext *next)
{
    static const char *const leave_out[] = { "-incoming", NULL };
    static const char wait[] = "until [ -S \"$0\" ]; do sleep 0.01; done;"
                               " exec \"$@\"";
    g_autofree gchar *socket = g_strdup_printf("%s/qtest-%d.qmp",
                                               g_get_tmp_dir(), getpid());
    QList *words = qlist_new();

    qlist_append_str(words, "/bin/sh");
    qlist_append_str(words, "-c");
    qlist_append_str(words, wait);
    qlist_append_str(words, socket);
    append_command(words, g, next, leave_out);
    return words;
}

/* The same for a QEMU that no test talks to */
static QList *command_of_lost(VfGuest *g, const VgNext *next)
{
    static const char *const leave_out[] = { "-incoming", "-qtest",
                                             "-qtest-log", "-chardev", "-mon",
                                             NULL };
    QList *words = qlist_new();

    append_command(words, g, next, leave_out);
    return words;
}

/* Returns: the status in the answer to a query, for g_free() */
static gchar *status_of(VfGuest *g, const char *query)
{
    QDict *answer = qtest_qmp_assert_success_ref(g->qts, "{ 'execute': %s }",
                                                 query);
    gchar *status = g_strdup(qdict_get_try_str(answer, "status") ?: "");

    qobject_unref(answer);
    return status;
}

/* Poll: an event may be sent before the test listens */
static void wait_for(VfGuest *g, const char *query, const char *status)
{
    g_autofree gchar *now = status_of(g, query);

    while (!g_str_equal(now, status)) {
        g_usleep(1000);
        g_free(now);
        now = status_of(g, query);
    }
}

/* Ask QEMU to make way for a command, which gets its state from a file */
static QDict *send_exec(VfGuest *g, QList *words, const char *uri)
{
    qlist_append_str(words, "-incoming");
    qlist_append_str(words, uri);
    qtest_qmp_assert_success(g->qts, "{ 'execute': 'migrate-set-parameters',"
                             " 'arguments': { 'mode': 'cpr-exec',"
                             " 'cpr-exec-command': %p } }", words);
    return qtest_qmp(g->qts, "{ 'execute': 'migrate', 'arguments':"
                     " { 'uri': %s } }", uri);
}

void vg_exec(VfGuest *g, const char *program)
{
    g_autofree gchar *status = NULL;
    g_autofree gchar *uri = NULL;
    gchar *state;
    QList *words;
    QDict *answer;

    if (!program) {
        vg_exec_to(g, NULL);
        return;
    }
    status = status_of(g, "query-status");
    state = temporary_file();
    uri = g_strdup_printf("file:%s", state);
    words = qlist_new();
    qlist_append_str(words, program);
    answer = send_exec(g, words, uri);
    g_assert(qdict_haskey(answer, "return"));
    qobject_unref(answer);
    wait_for(g, "query-migrate", "failed");
    wait_for(g, "query-status", g_str_equal(status, "running") ? status :
                                "postmigrate");
    g_free(take_file(state));
}

void vg_exec_to(VfGuest *g, const VgNext *next)
{
    gchar *state = temporary_file();
    g_autofree gchar *uri = g_strdup_printf("file:%s", state);
    g_autofree gchar *status = status_of(g, "query-status");
    g_autofree gchar *options = g->options;
    QDict *answer = send_exec(g, command_of(g, next), uri);
    QTestState *old = g->qts;

    g_assert(qdict_haskey(answer, "return"));
    qobject_unref(answer);
    g->qts = qtest_init_after_exec(old);
    g->options = replace(options, next);
    qtest_quit(old);
    wait_for(g, "query-status", status);
    g_free(take_file(state));
}

void vg_exec_lost(VfGuest *g, const VgNext *next)
{
    gchar *state = temporary_file();
    g_autofree gchar *uri = g_strdup_printf("file:%s", state);
    QDict *answer = send_exec(g, command_of_lost(g, next), uri);

    g_assert(qdict_haskey(answer, "return"));
    qobject_unref(answer);
    qtest_set_expected_status(g->qts, EXIT_FAILURE);
    qtest_wait_qemu(g->qts);
    g_free(take_file(state));
}

/* Start a QEMU with @options, and have the old one hand the guest over to it */
static QTestState *transfer_to(VfGuest *g, const char *var,
                               const char *options, bool defer,
                               gchar **main_path)
{
    gchar *cpr_path = temporary_file();
    g_autofree gchar *args = NULL;
    QTestState *new;
    int fd;

    *main_path = temporary_file();
    unlink(*main_path);
    unlink(cpr_path);
    /* Listen before the new QEMU can connect */
    fd = qtest_socket_server(cpr_path);
    g_assert_cmpint(fd, >=, 0);
    args = g_strdup_printf("%s -incoming cpr,addr.transport=socket,"
                           "addr.type=fd,addr.str=%d -incoming %s%s 2>>%s",
                           options, fd, defer ? "defer" : "unix:",
                           defer ? "" : *main_path, g->stderr_path);
    environment_set(g->c);
    new = qtest_init_ext(var, args, NULL, false);
    environment_clear();
    qtest_qmp_assert_success(g->qts, "{ 'execute': 'migrate-set-parameters',"
                             " 'arguments': { 'mode': 'cpr-transfer' } }");
    qtest_qmp_assert_success(g->qts, "{ 'execute': 'migrate', 'arguments':"
                             " { 'channels': [ { 'channel-type': 'main',"
                             " 'addr': { 'transport': 'socket',"
                             " 'type': 'unix', 'path': %s } },"
                             " { 'channel-type': 'cpr',"
                             " 'addr': { 'transport': 'socket',"
                             " 'type': 'unix', 'path': %s } } ] } }",
                             *main_path, cpr_path);
    close(fd);
    unlink(cpr_path);
    g_free(cpr_path);
    return new;
}

void vg_transfer(VfGuest *g)
{
    vg_transfer_to(g, NULL);
}

void vg_transfer_to(VfGuest *g, const VgNext *next)
{
    gchar *options = replace(g->options, next);
    g_autofree gchar *main_path = NULL;
    g_autofree gchar *status = status_of(g, "query-status");
    QTestState *old = g->qts;
    QTestState *new;

    new = transfer_to(g, next ? next->var : NULL, options, next && next->look,
                      &main_path);
    qtest_connect(new);
    qtest_qmp_handshake(new, NULL);
    if (next && next->look) {
        g->qts = new;
        next->look(g);
        g->qts = old;
        qtest_qmp_assert_success(new, "{ 'execute': 'migrate-incoming',"
                                 " 'arguments': { 'channels': ["
                                 " { 'channel-type': 'main',"
                                 " 'addr': { 'transport': 'socket',"
                                 " 'type': 'unix', 'path': %s } } ] } }",
                                 main_path);
    }
    /* One that is told to end earlier takes the guest back before it does */
    wait_for(g, "query-migrate", "completed");
    g->qts = new;
    g_free(g->options);
    g->options = options;
    wait_for(g, "query-status", status);
    qtest_quit(old);
    unlink(main_path);
}

void vg_transfer_refused(VfGuest *g, const char *options)
{
    g_autofree gchar *main_path = NULL;
    QTestState *new = transfer_to(g, NULL, options, false, &main_path);
    bool ended = false;

    qtest_set_expected_status(new, EXIT_FAILURE);
    qtest_wait_qemu(new);
    qtest_quit(new);
    /* It may have gone before all was written, or just after */
    while (!ended) {
        g_autofree gchar *status = status_of(g, "query-migrate");

        ended = g_str_equal(status, "completed") ||
                g_str_equal(status, "failed");
        g_usleep(1000);
    }
    qtest_qmp_assert_success(g->qts, "{ 'execute': 'cont' }");
    wait_for(g, "query-status", "running");
    unlink(main_path);
}

gchar *vg_quit(VfGuest *g)
{
    gchar *text;

    qtest_quit(g->qts);
    text = take_file(g->stderr_path);
    g_free(g->options);
    g_free(g);
    return text;
}

void vg_quit_silent(VfGuest *g)
{
    g_autofree gchar *text = vg_quit(g);

    g_assert_cmpstr(text, ==, "");
}

gchar *vg_end(VfGuest *g)
{
    VfClient *c = g->c;
    gchar *text = vg_quit(g);

    vf_client_free(c);
    return text;
}

void vg_end_silent(VfGuest *g)
{
    g_autofree gchar *text = vg_end(g);

    g_assert_cmpstr(text, ==, "");
}

void vg_end_pxb(VfGuest *g)
{
    g_autofree gchar *text = vg_end(g);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (int i = 0; lines[i]; i++) {
        if (*lines[i]) {
            vg_assert_has(lines[i], "only supported with pcie.0 for DT");
        }
    }
}

/* Returns: whether QMP has answered @answers times before its end */
static bool wait_answers(FILE *qmp, unsigned int answers)
{
    char line[1024];

    while (answers && fgets(line, sizeof(line), qmp)) {
        answers -= g_str_has_prefix(line, "{\"return\"");
    }
    return !answers;
}

gchar *vg_try(VfClient *c, void (*look)(VfClient *), const char *options,
              bool *up)
{
    gchar *path = temporary_file();
    g_autofree gchar *command =
        g_strdup_printf("exec %s -qmp stdio -display none -accel qtest %s "
                        "2>%s", g_getenv("QTEST_QEMU_BINARY"), options, path);
    gchar *argv[] = { (gchar *)"/bin/sh", (gchar *)"-c", command, NULL };
    g_autoptr(GError) err = NULL;
    FILE *to, *from;
    int in, out, status;
    GPid pid;

    /* QEMU may be gone before it is told anything */
    signal(SIGPIPE, SIG_IGN);
    environment_set(c);
    g_spawn_async_with_pipes(NULL, argv, NULL,
                             G_SPAWN_DO_NOT_REAP_CHILD |
                             G_SPAWN_LEAVE_DESCRIPTORS_OPEN, NULL, NULL, &pid,
                             &in, &out, NULL, &err);
    g_assert_no_error(err);
    environment_clear();
    to = fdopen(in, "w");
    from = fdopen(out, "r");
    g_assert(to && from);

    fputs("{ \"execute\": \"qmp_capabilities\" }"
          "{ \"execute\": \"query-status\" }", to);
    fflush(to);
    *up = wait_answers(from, 2);
    if (*up) {
        look(c);
    }
    fputs("{ \"execute\": \"quit\" }", to);
    fclose(to);
    wait_answers(from, UINT_MAX);
    fclose(from);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, *up ? 0 : 1);
    return take_file(path);
}

static void assert_refused(VfClient *c)
{
    g_error("QEMU came up");
}

gchar *vg_refused(VfClient *c, const char *fmt, ...)
{
    g_autofree gchar *options = NULL;
    va_list ap;
    bool up;

    va_start(ap, fmt);
    options = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    return vg_try(c, assert_refused, options, &up);
}

void vg_test_refused(const void *row)
{
    const VgRefused *t = row;
    VfClient *c = vf_client_new();
    g_autofree gchar *text = vg_refused(c, VG_MACHINE "%s", "", t->options);

    for (int i = 0; i < ARRAY_SIZE(t->said) && t->said[i]; i++) {
        vg_assert_has(text, t->said[i]);
    }
    vf_client_free(c);
}

static uint64_t ecam(uint8_t bus, uint8_t devfn, uint16_t offset)
{
    return VG_ECAM | bus << 20 | devfn << 12 | offset;
}

uint32_t vg_config_readl(VfGuest *g, uint8_t bus, uint8_t devfn,
                         uint16_t offset)
{
    return qtest_readl(g->qts, ecam(bus, devfn, offset));
}

uint16_t vg_config_readw(VfGuest *g, uint8_t bus, uint8_t devfn,
                         uint16_t offset)
{
    return qtest_readw(g->qts, ecam(bus, devfn, offset));
}

void vg_config_writel(VfGuest *g, uint8_t bus, uint8_t devfn, uint16_t offset,
                      uint32_t value)
{
    qtest_writel(g->qts, ecam(bus, devfn, offset), value);
}

void vg_config_writew(VfGuest *g, uint8_t bus, uint8_t devfn, uint16_t offset,
                      uint16_t value)
{
    qtest_writew(g->qts, ecam(bus, devfn, offset), value);
}

void vg_ports(VfGuest *g, unsigned int count)
{
    g->ports = count;
    for (unsigned int n = 1; n <= count; n++) {
        /* Primary 0, secondary and subordinate n */
        vg_config_writel(g, 0, n << 3, PCI_PRIMARY_BUS, n << 8 | n << 16);
        vg_config_writew(g, 0, n << 3, PCI_COMMAND,
                         PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    }
}

uint8_t vg_find_cap(VfGuest *g, uint8_t bus, uint8_t devfn, uint8_t id)
{
    uint8_t pos = vg_config_readw(g, bus, devfn, PCI_CAPABILITY_LIST);

    for (int left = 48; pos && left; left--) {
        uint16_t header = vg_config_readw(g, bus, devfn, pos);

        if ((header & 0xff) == id) {
            return pos;
        }
        pos = header >> 8;
    }
    return 0;
}

uint16_t vg_find_ext_cap(VfGuest *g, uint8_t bus, uint8_t devfn, uint16_t id,
                         unsigned int *count)
{
    uint16_t pos = PCI_CFG_SPACE_SIZE;
    unsigned int found = 0;
    uint16_t first = 0;

    while (pos) {
        uint32_t header = vg_config_readl(g, bus, devfn, pos);
        uint16_t next = PCI_EXT_CAP_NEXT(header);

        /* Config space that is not there reads as all ones */
        if (header == UINT32_MAX) {
            break;
        }
        if (PCI_EXT_CAP_ID(header) == id) {
            first = found++ ? first : pos;
        }
        g_assert(!next || next > pos);
        pos = next;
    }
    if (count) {
        *count = found;
    }
    return first;
}

static gchar *error_text(QDict *response)
{
    gchar *text = NULL;

    if (qdict_haskey(response, "error")) {
        QDict *error = qdict_get_qdict(response, "error");

        text = g_strdup(qdict_get_str(error, "desc"));
    }
    qobject_unref(response);
    return text;
}

static void slot_control(VfGuest *g, uint8_t bus, uint8_t devfn,
                         uint16_t value)
{
    uint8_t cap = vg_find_cap(g, bus, devfn, PCI_CAP_ID_EXP);

    vg_config_writew(g, bus, devfn, cap + PCI_EXP_SLTCTL, value);
}

static gchar *plug_at(VfGuest *g, unsigned int port, uint8_t bus,
                      uint8_t devfn, QDict *args)
{
    g_autofree gchar *name = g_strdup_printf("rp%u", port);
    gchar *err;

    qdict_put_str(args, "bus", name);
    err = error_text(qtest_qmp(g->qts, "{'execute': 'device_add',"
                               " 'arguments': %p}", args));
    if (!err) {
        slot_control(g, bus, devfn, VG_SLOT_ON);
    }
    return err;
}

gchar *vg_plug(VfGuest *g, unsigned int port, QDict *args)
{
    return plug_at(g, port, 0, port << 3, args);
}

gchar *vg_device_add(VfGuest *g, unsigned int dev, const char *id,
                     unsigned int port, const char *options)
{
    return vg_device_add_at(g, dev, id, port, 0, port << 3, options);
}

gchar *vg_device_add_at(VfGuest *g, unsigned int dev, const char *id,
                        unsigned int port, uint8_t bus, uint8_t devfn,
                        const char *options)
{
    g_autofree gchar *fdname = g_strdup_printf("fd-%s", id);
    g_auto(GStrv) extra = g_strsplit(options, ",", -1);
    QDict *args = qdict_new();

    qtest_qmp_fds_assert_success(g->qts, &g->c->device_fd[dev], 1,
                                 "{'execute': 'getfd',"
                                 " 'arguments': {'fdname': %s}}", fdname);
    qdict_put_str(args, "driver", "vfio-pci");
    qdict_put_str(args, "id", id);
    qdict_put_str(args, "iommufd", "i0");
    qdict_put_str(args, "fd", fdname);
    for (int i = 0; extra[i]; i++) {
        gchar *value = strchr(extra[i], '=');

        if (value) {
            *value++ = '\0';
            if (g_ascii_isdigit(*value)) {
                qdict_put_int(args, extra[i],
                              g_ascii_strtoll(value, NULL, 0));
            } else if (g_str_equal(value, "true")) {
                qdict_put_bool(args, extra[i], true);
            } else {
                qdict_put_str(args, extra[i], value);
            }
        }
    }
    return plug_at(g, port, bus, devfn, args);
}

void vg_device_del_at_once(VfGuest *g, const char *id, uint8_t bus,
                           uint8_t devfn)
{
    slot_control(g, bus, devfn, VG_SLOT_ON);
    qtest_qmp_device_del_send(g->qts, id);
    slot_control(g, bus, devfn, VG_SLOT_OFF);
}

void vg_device_del(VfGuest *g, const char *id, unsigned int port)
{
    vg_device_del_at_once(g, id, 0, port << 3);
    qtest_qmp_eventwait(g->qts, "DEVICE_DELETED");
    vg_settle(g);
}

gchar *vg_qom_get_str(VfGuest *g, const char *path, const char *property)
{
    QDict *response = qtest_qmp(g->qts, "{'execute': 'qom-get', 'arguments':"
                                " {'path': %s, 'property': %s}}", path,
                                property);
    gchar *text;

    g_assert(qdict_haskey(response, "return"));
    text = g_strdup(qdict_get_str(response, "return"));
    qobject_unref(response);
    return text;
}

QDict *vg_qom_get_struct(VfGuest *g, const char *path, const char *property)
{
    QDict *response = qtest_qmp(g->qts, "{'execute': 'qom-get', 'arguments':"
                                " {'path': %s, 'property': %s}}", path,
                                property);
    QDict *value = qobject_ref(qdict_get_qdict(response, "return"));

    g_assert_nonnull(value);
    qobject_unref(response);
    return value;
}

gchar *vg_pasid_state(VfGuest *g, const char *id, gchar **text)
{
    static const char *const names[] = {
        "enabled", "reason", "offset", "width", "exec", "priv", "where",
        "limit",
    };
    g_autofree gchar *path = g_strdup_printf("/machine/peripheral/%s", id);
    QDict *state = vg_qom_get_struct(g, path, "x-vpasid-state");
    g_autoptr(GString) line = g_string_new(NULL);
    unsigned int known = 1;

    if (text) {
        *text = g_strdup(qdict_get_str(state, "text"));
    }
    for (int i = 0; i < ARRAY_SIZE(names); i++) {
        const QObject *value = qdict_get(state, names[i]);

        if (!value) {
            continue;
        }
        known++;
        g_string_append_printf(line, "%s%s=", line->len ? " " : "", names[i]);
        if (qobject_type(value) == QTYPE_QSTRING) {
            g_string_append(line, qdict_get_str(state, names[i]));
        } else if (qobject_type(value) == QTYPE_QBOOL) {
            g_string_append_printf(line, "%d", qdict_get_bool(state, names[i]));
        } else {
            g_string_append_printf(line, i == 2 ? "0x%x" : "%u",
                                   (unsigned)qdict_get_int(state, names[i]));
        }
    }
    g_assert_cmpuint(qdict_size(state), ==, known);
    g_assert_cmpint(qdict_get_bool(state, "enabled"), ==,
                    g_str_equal(qdict_get_str(state, "reason"), "none"));
    qobject_unref(state);
    return g_strdup(line->str);
}

void vg_system_reset(VfGuest *g)
{
    qtest_system_reset(g->qts);
    vg_settle(g);
    vg_ports(g, g->ports);
}

void vg_settle(VfGuest *g)
{
    for (int i = 0; i < VG_ROUNDS; i++) {
        qobject_unref(qtest_qmp(g->qts, "{'execute': 'query-status'}"));
    }
}

void vg_add_test(const char *group, const char *name, const void *row,
                 void (*run)(const void *))
{
    g_autofree gchar *path = g_strdup_printf("%s/%s", group, name);

    qtest_add_data_func(path, row, run);
}

void vg_assert_has(const char *text, const char *part)
{
    g_assert_nonnull(text);
    if (!strstr(text, part)) {
        g_error("'%s' is not in '%s'", part, text);
    }
}
