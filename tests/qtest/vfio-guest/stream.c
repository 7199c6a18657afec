/*
 * Migration of a guest by way of a file, for qtests
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "stream.h"

#define SCHEME "file:"

gchar *vg_stream_uri(void)
{
    g_autofree gchar *path = NULL;
    int fd = g_file_open_tmp("vfio-fake-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    return g_strdup_printf(SCHEME "%s", path);
}

const char *vg_stream_path(const char *uri)
{
    return uri + strlen(SCHEME);
}

void vg_stream_remove(const char *uri)
{
    unlink(vg_stream_path(uri));
}

/* Returns: a string of what query-migrate answers, for g_free() */
static gchar *migration_info(VfGuest *g, const char *key)
{
    QDict *response = qtest_qmp(g->qts, "{'execute': 'query-migrate'}");
    QDict *info = qdict_get_qdict(response, "return");
    gchar *text = g_strdup(qdict_get_try_str(info, key) ?: "none");

    qobject_unref(response);
    return text;
}

/* Returns: the status that the migration ended with, for g_free() */
static gchar *wait_for_end(VfGuest *g)
{
    for (;;) {
        g_autofree gchar *status = migration_info(g, "status");

        if (g_str_equal(status, "completed") || g_str_equal(status, "failed")) {
            return g_steal_pointer(&status);
        }
        g_usleep(10000);
    }
}

gchar *vg_migrate_error(VfGuest *g)
{
    return migration_info(g, "error-desc");
}

void vg_migrate_out(VfGuest *g, const char *uri)
{
    g_autofree gchar *status = NULL;

    qtest_qmp_assert_success(g->qts, "{'execute': 'migrate', 'arguments':"
                             " {'uri': %s}}", uri);
    status = wait_for_end(g);
    g_assert_cmpstr(status, ==, "completed");
    g_free(vg_end(g));
}

gchar *vg_migrate_in(VfGuest *g, const char *uri)
{
    qtest_qmp_assert_success(g->qts, "{'execute': 'migrate-incoming',"
                             " 'arguments': {'uri': %s,"
                             " 'exit-on-error': false}}", uri);
    return wait_for_end(g);
}
