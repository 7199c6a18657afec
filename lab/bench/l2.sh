# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (c) qemu-vpasid contributors
# shellcheck shell=sh disable=SC2034,SC2086,SC2154
# What the cases that count do in the guest (L2).

# unmaps KIB COUNT [PROCESSES]: have the disk's driver map and unmap KIB at a
# time, COUNT times in all, and the host count what that takes.
unmaps() {
    each=$(($2 / ${3:-1}))
    # What is kept from the first time on, such as page tables, is not counted.
    dd if=$disk of=/dev/null bs="$1k" count=8 iflag=direct 2>/dev/null
    host count
    process=0
    while [ $process -lt "${3:-1}" ]; do
        dd if=$disk of=/dev/null bs="$1k" count=$each skip=$((process * each)) \
            iflag=direct 2>/dev/null &
        process=$((process + 1))
    done
    wait
    host counted size="$1"
}
