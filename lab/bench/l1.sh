# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (c) qemu-vpasid contributors
# shellcheck shell=sh disable=SC2034,SC2154
# What the cases that count do in the emulated host (L1): QEMU runs with
# counter.so before its ioctl() and mmap(), and the guest says from when to when
# it counts.

# The figures, in the order of counter.c
figures='prod cons other commands syncs ioctls entries iommufd vfio lost prod_ticks ioctl_ticks ticks_per_s'

# with_counter COMMAND...: have the QEMUs that it starts count.
with_counter() {
    export COUNTER_FILE=/tmp/figures LD_PRELOAD=/bench/counter.so
    "$@"
    unset COUNTER_FILE LD_PRELOAD
}

# counts: the figures as they are now
counts() { od -An -v -t u8 /tmp/figures | xargs; }
# counted BEFORE AFTER: by how much each has grown, as NAME=NUMBER
counted() {
    echo "$1 $2" | awk -v names="$figures" '{
        count = split(names, name)
        $count = 0      # ticks_per_s does not grow
        for (i = 1; i <= count; i++) printf(" %s=%d", name[i], $(count + i) - $i)
    }'
}

# instructions: in the host that counts them, those of QEMU and the kernel for
# one write to PROD in $result
instructions() {
    echo "$result" | tr ' ' '\n' | awk -F = '
        { figure[$1] = $2 }
        END { print int(figure["prod_ticks"] * 1e9 / figure["ticks_per_s"] / figure["prod"]) }'
}

# known SETTING: what lab/bench/counts has of it
known() { grep "^$1:" /bench/counts; }
# known_for WHAT: does that hold for it?
known_for() {
    if grep -qxF "# For $1" /bench/counts; then return; fi
    echo "# lab/bench/counts is not for $1: not compared"
    return 1
}

# What the guest asks: count from now on, or stop, after what; and what there was
# since QEMU was started.  Each sets $result, and says it for lab/run, which
# $setting is to tell from what was counted elsewhere.
on_count() { before=$(counts); }
on_counted() {
    result="$setting $*:$(counted "$before" "$(counts)")"
    echo "lab-count: $result"
}
on_booted() {
    before=$(echo "$figures" | sed 's/[a-z_]*/0/g')
    on_counted boot
}
