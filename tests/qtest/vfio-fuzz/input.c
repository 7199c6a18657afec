/*
 * Fuzzing of VFIO devices: inputs as text
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The lines are, with numbers as in C:
 *
 *   user
 *   size BYTES                      of configuration space
 *   raw, no-reset, migration
 *   msi VECTORS
 *   bar NUMBER BYTES
 *   rom BYTES
 *   config OFFSET HEX...            bytes of configuration space
 *   rule OP NTH COUNT ERRNO
 *   change OP WHICH NTH OFFSET SIZE VALUE RETURN
 *   server COMMAND NTH OFFSET SIZE VALUE HALF
 *   capabilities JSON
 *   read, map, reset
 *   write OFFSET VALUE
 *   poke OFFSET VALUE
 *   become OFFSET VALUE
 *   run
 */

#include "qemu/osdep.h"

#include "input.h"

/* Bytes of a line "config" */
#define PER_LINE 32

void fz_input_init(FzInput *in)
{
    memset(in, 0, sizeof(*in));
    vf_device_describe(&in->device);
}

/* The next word of a line as a number; a line that has no more reads 0 */
static uint64_t number(gchar ***words)
{
    gchar *end;
    uint64_t value;

    if (!**words) {
        return 0;
    }
    value = g_ascii_strtoull(**words, &end, 0);
    if (*end) {
        g_error("'%s' is no number", **words);
    }
    (*words)++;
    return value;
}

/* The next word as a kind of call, by the name that the log has for it */
static VfOp op(gchar ***words)
{
    VfOp op = VF_OP_NONE + 1;

    while (op < VF_OP_COUNT && !g_str_equal(**words, vf_op_name(op))) {
        op++;
    }
    if (op == VF_OP_COUNT) {
        g_error("'%s' is no kind of call", **words);
    }
    (*words)++;
    return op;
}

static void parse_config(FzInput *in, gchar **words)
{
    uint64_t at = number(&words);

    for (; *words; words++, at++) {
        g_assert_cmpuint(at, <, VF_CONFIG_SIZE);
        in->device.phys[at] = g_ascii_strtoull(*words, NULL, 16);
    }
}

static void parse_rule(FzInput *in, gchar **words)
{
    for (int i = 0; i < VF_MAX_RULES; i++) {
        VfRule *rule = &in->rule[i];

        if (!rule->op) {
            rule->op = op(&words);
            rule->nth = number(&words);
            rule->count = number(&words);
            rule->err = number(&words);
            return;
        }
    }
}

static void parse_change(FzInput *in, gchar **words)
{
    for (int i = 0; i < VF_MAX_CHANGES; i++) {
        VfChange *change = &in->change[i];

        if (!change->op) {
            change->op = op(&words);
            change->which = number(&words);
            change->nth = number(&words);
            change->offset = number(&words);
            change->size = number(&words);
            change->value = number(&words);
            change->ret = number(&words);
            return;
        }
    }
}

static void parse_server(FzInput *in, gchar **words)
{
    for (int i = 0; i < VU_MAX_CHANGES; i++) {
        VuChange *change = &in->server[i];

        if (!change->command) {
            change->command = number(&words);
            change->nth = number(&words);
            change->offset = number(&words);
            change->size = number(&words);
            change->value = number(&words);
            change->half = number(&words);
            return;
        }
    }
}

static const char *const kind_names[FZ_KINDS] = {
    [FZ_READ] = "read",
    [FZ_WRITE] = "write",
    [FZ_MAP] = "map",
    [FZ_POKE] = "poke",
    [FZ_BECOME] = "become",
    [FZ_RESET] = "reset",
};

/* Returns: whether it is an action */
static bool parse_action(FzInput *in, gchar **words)
{
    FzAction *action = in->action;
    FzKind kind = FZ_READ;

    while (kind < FZ_KINDS && !g_str_equal(words[0], kind_names[kind])) {
        kind++;
    }
    if (kind == FZ_KINDS) {
        return false;
    }
    while (action->kind) {
        action++;
        if (action == in->action + FZ_MAX_ACTIONS) {
            return true;
        }
    }
    action->kind = kind;
    words++;
    action->at = number(&words);
    action->value = number(&words);
    return true;
}

static void parse_line(FzInput *in, const char *line, gchar **words)
{
    const char *word = words[0];
    unsigned int bar;

    words++;
    if (g_str_equal(word, "user")) {
        in->user = true;
    } else if (g_str_equal(word, "size")) {
        in->device.config_size = number(&words);
    } else if (g_str_equal(word, "raw")) {
        in->device.raw = 1;
    } else if (g_str_equal(word, "no-reset")) {
        in->device.reset_ok = 0;
    } else if (g_str_equal(word, "migration")) {
        in->device.migration = 1;
    } else if (g_str_equal(word, "msi")) {
        in->device.msi = number(&words);
    } else if (g_str_equal(word, "bar")) {
        bar = number(&words) % VF_BARS;
        in->device.bar_size[bar] = number(&words);
    } else if (g_str_equal(word, "rom")) {
        in->device.rom_size = number(&words);
    } else if (g_str_equal(word, "config")) {
        parse_config(in, words);
    } else if (g_str_equal(word, "rule")) {
        parse_rule(in, words);
    } else if (g_str_equal(word, "change")) {
        parse_change(in, words);
    } else if (g_str_equal(word, "server")) {
        parse_server(in, words);
    } else if (g_str_equal(word, "capabilities")) {
        g_strlcpy(in->capabilities, line + strlen("capabilities "),
                  sizeof(in->capabilities));
    } else if (!parse_action(in, words - 1)) {
        g_error("'%s' is not understood", line);
    }
}

void fz_input_parse(const char *text, void (*each)(FzInput *, void *),
                    void *opaque)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autofree FzInput *in = g_new(FzInput, 1);

    fz_input_init(in);
    for (int i = 0; lines[i]; i++) {
        g_auto(GStrv) words = g_strsplit(lines[i], " ", -1);

        if (!words[0] || !words[0][0] || words[0][0] == '#') {
            continue;
        }
        if (g_str_equal(words[0], "run")) {
            each(in, opaque);
            fz_input_init(in);
        } else {
            parse_line(in, lines[i], words);
        }
    }
}

static void print_config(GString *out, const VfDevice *d, const VfDevice *well)
{
    for (unsigned int at = 0; at < VF_CONFIG_SIZE; at += PER_LINE) {
        unsigned int first = at;
        unsigned int last = at + PER_LINE - 1;

        if (!memcmp(d->phys + at, well->phys + at, PER_LINE)) {
            continue;
        }
        while (d->phys[first] == well->phys[first]) {
            first++;
        }
        while (d->phys[last] == well->phys[last]) {
            last--;
        }
        g_string_append_printf(out, "config 0x%x", first);
        for (unsigned int i = first; i <= last; i++) {
            g_string_append_printf(out, " %02x", d->phys[i]);
        }
        g_string_append(out, "\n");
    }
}

static void print_device(GString *out, const VfDevice *d)
{
    g_autofree FzInput *well = g_new(FzInput, 1);

    fz_input_init(well);
    if (d->config_size != well->device.config_size) {
        g_string_append_printf(out, "size 0x%x\n", d->config_size);
    }
    g_string_append(out, d->raw ? "raw\n" : "");
    g_string_append(out, d->reset_ok ? "" : "no-reset\n");
    g_string_append(out, d->migration ? "migration\n" : "");
    if (d->msi) {
        g_string_append_printf(out, "msi %u\n", d->msi);
    }
    for (int i = 0; i < VF_BARS; i++) {
        if (d->bar_size[i] != well->device.bar_size[i]) {
            g_string_append_printf(out, "bar %d 0x%" PRIx64 "\n", i,
                                   d->bar_size[i]);
        }
    }
    if (d->rom_size) {
        g_string_append_printf(out, "rom 0x%x\n", d->rom_size);
    }
    print_config(out, d, &well->device);
}

gchar *fz_input_print(const FzInput *in)
{
    GString *out = g_string_new(in->user ? "user\n" : "");

    print_device(out, &in->device);
    for (int i = 0; i < VF_MAX_RULES; i++) {
        const VfRule *r = &in->rule[i];

        if (r->op) {
            g_string_append_printf(out, "rule %s %u %u %d\n",
                                   vf_op_name(r->op), r->nth, r->count,
                                   r->err);
        }
    }
    for (int i = 0; i < VF_MAX_CHANGES; i++) {
        const VfChange *c = &in->change[i];

        if (c->op) {
            g_string_append_printf(out, "change %s 0x%" PRIx64 " %u 0x%x %u 0x%"
                                   PRIx64 " 0x%x\n", vf_op_name(c->op),
                                   c->which, c->nth, c->offset, c->size,
                                   c->value, c->ret);
        }
    }
    for (int i = 0; i < VU_MAX_CHANGES; i++) {
        const VuChange *c = &in->server[i];

        if (c->command) {
            g_string_append_printf(out, "server %u %u 0x%x %u 0x%" PRIx64
                                   " %u\n", c->command, c->nth, c->offset,
                                   c->size, c->value, c->half);
        }
    }
    if (in->capabilities[0]) {
        g_string_append_printf(out, "capabilities %s\n", in->capabilities);
    }
    for (int i = 0; i < FZ_MAX_ACTIONS && in->action[i].kind; i++) {
        const FzAction *a = &in->action[i];

        g_string_append(out, kind_names[a->kind]);
        if (a->kind == FZ_WRITE || a->kind == FZ_POKE ||
            a->kind == FZ_BECOME) {
            g_string_append_printf(out, " 0x%x 0x%x", a->at, a->value);
        }
        g_string_append(out, "\n");
    }
    g_string_append(out, "run\n");
    return g_string_free(out, FALSE);
}
