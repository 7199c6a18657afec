/*
 * Results of checks of a host
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "check.h"

static void check_free(void *data)
{
    Check *check = data;

    g_free(check->found);
    g_free(check->remedy);
    g_free(check);
}

GPtrArray *check_list_new(void)
{
    return g_ptr_array_new_with_free_func(check_free);
}

void check_add(GPtrArray *checks, const char *name, CheckVerdict verdict,
               const char *remedy, const char *format, ...)
{
    Check *check = g_new0(Check, 1);
    va_list args;

    check->name = name;
    check->verdict = verdict;
    check->remedy = g_strdup(remedy);
    va_start(args, format);
    check->found = g_strdup_vprintf(format, args);
    va_end(args);
    g_ptr_array_add(checks, check);
}

CheckVerdict check_worst(const GPtrArray *checks)
{
    CheckVerdict worst = CHECK_GOOD;

    for (unsigned i = 0; i < checks->len; i++) {
        const Check *check = g_ptr_array_index(checks, i);

        worst = MAX(worst, check->verdict);
    }
    return worst;
}
