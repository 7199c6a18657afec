/*
 * vfio-fake-run: run a program with fake VFIO devices
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * vfio-fake-run [OPTION...] -- COMMAND ARG...
 *
 * @iommufd@ in an argument becomes the number of the descriptor of the fake
 * iommufd, @dev0@ the one of the first device. When the command has ended, the
 * call log and the remaining objects are printed to standard error.
 */

#include "qemu/osdep.h"

#include <linux/iommufd.h>
#include <sys/wait.h>

#include "../vfio-guest/client.h"

/* Built beside this program, see meson.build */
#define VF_MODULE "libvfio-fake.so"

static int devices = 1;
static int pasid = 16;
static gboolean exec_perm;
static gboolean priv_mode;
static gboolean mdev;
static gboolean conventional;
static gboolean quiet;
static int physical_pasid;
static gchar *config_file;
static gchar *dump_file;
static int rom;

static const GOptionEntry options[] = {
    { "devices", 'n', 0, G_OPTION_ARG_INT, &devices,
      "number of devices (1)", "N" },
    { "pasid", 'p', 0, G_OPTION_ARG_INT, &pasid,
      "PASID width that the host reports (16), 0 for none", "BITS" },
    { "exec", 0, 0, G_OPTION_ARG_NONE, &exec_perm,
      "the host reports execute permission", NULL },
    { "priv", 0, 0, G_OPTION_ARG_NONE, &priv_mode,
      "the host reports privileged mode", NULL },
    { "mdev", 0, 0, G_OPTION_ARG_NONE, &mdev, "mediated devices", NULL },
    { "conventional", 0, 0, G_OPTION_ARG_NONE, &conventional,
      "256 bytes of config space", NULL },
    { "physical-pasid", 0, 0, G_OPTION_ARG_INT, &physical_pasid,
      "offset of the device's own, hidden PASID capability", "OFFSET" },
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &config_file,
      "4096 bytes of the physical config space", "FILE" },
    { "dump", 0, 0, G_OPTION_ARG_FILENAME, &dump_file,
      "output of \"lspci -xxxx\" for a device; BARs are sized to fit",
      "FILE" },
    { "rom", 0, 0, G_OPTION_ARG_INT, &rom,
      "size of the expansion ROM (0: none), a power of two", "BYTES" },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "print no log", NULL },
    { NULL }
};

static void describe(VfClient *c)
{
    for (int i = 0; i < devices; i++) {
        VfDevice *d = vf_client_add_device(c);
        g_autofree gchar *image = NULL;
        gsize len;

        d->max_pasid_log2 = pasid;
        d->hw_caps = (exec_perm ? IOMMU_HW_CAP_PCI_PASID_EXEC : 0) |
                     (priv_mode ? IOMMU_HW_CAP_PCI_PASID_PRIV : 0);
        d->mdev = mdev;
        if (conventional) {
            d->config_size = 256;
        }
        if (config_file &&
            g_file_get_contents(config_file, &image, &len, NULL)) {
            memcpy(d->phys, image, MIN(len, sizeof(d->phys)));
        }
        if (dump_file && vf_image_read_dump(d->phys, dump_file, 0)) {
            vf_image_size_bars(d->phys, d);
        }
        if (rom) {
            d->rom_size = rom;
        }
        if (physical_pasid) {
            vf_image_physical_pasid(d->phys, physical_pasid, pasid);
        }
    }
}

static gchar *replace(gchar *text, const gchar *from, int number)
{
    g_auto(GStrv) parts = g_strsplit(text, from, -1);
    g_autofree gchar *to = g_strdup_printf("%d", number);

    g_free(text);
    return g_strjoinv(to, parts);
}

static gchar *substitute(VfClient *c, const gchar *arg)
{
    gchar *text = replace(g_strdup(arg), "@iommufd@", c->iommufd);

    for (int i = 0; i < c->devices; i++) {
        g_autofree gchar *name = g_strdup_printf("@dev%d@", i);

        text = replace(text, name, c->device_fd[i]);
    }
    return text;
}

static void print_objects(VfClient *c)
{
    static const char *const names[] = {
        "free", "tombstone", "device", "access", "IOAS", "paging HWPT",
        "nested HWPT", "vIOMMU", "vDEVICE", "vEVENTQ", "FAULT",
    };

    for (int i = 0; i < VF_MAX_OBJECTS; i++) {
        VfObject *obj = &c->shared->object[i];

        if (obj->type) {
            fprintf(stderr, "left: %s id=%u users=%u parent=%u attached=%u "
                    "ste=0x%" PRIx64 ",0x%" PRIx64 "\n", names[obj->type],
                    obj->id, obj->users, obj->parent, obj->attached,
                    obj->ste[0], obj->ste[1]);
        }
    }
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context =
        g_option_context_new("-- COMMAND ARG... - run with fake devices");
    g_autoptr(GError) err = NULL;
    g_autofree gchar *dir = g_path_get_dirname(argv[0]);
    g_autofree gchar *module = g_build_filename(dir, VF_MODULE, NULL);
    g_autofree gchar *shm = NULL;
    VfClient *c;
    pid_t pid;
    int status;
    int first = 1;

    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &err)) {
        fprintf(stderr, "%s\n", err->message);
        return 2;
    }
    if (first < argc && !strcmp(argv[first], "--")) {
        first++;
    }
    if (first == argc) {
        fprintf(stderr, "no command given\n");
        return 2;
    }
    c = vf_client_new();
    describe(c);
    for (int i = first; i < argc; i++) {
        argv[i] = substitute(c, argv[i]);
    }
    shm = g_strdup_printf("%d", c->shm_fd);
    pid = fork();
    if (!pid) {
        g_setenv("LD_PRELOAD", module, true);
        g_setenv(VF_ENV_SHM, shm, true);
        execvp(argv[first], argv + first);
        perror(argv[first]);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    if (!quiet) {
        vf_client_print_log(c, 0);
        print_objects(c);
    }
    vf_client_free(c);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
