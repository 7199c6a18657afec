# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (c) qemu-vpasid contributors
# shellcheck shell=sh
# Functions of both the emulated host (L1) and its guest (L2).
export PATH=/bin HOME=/

start_system() {
    /bin/busybox --install -s /bin
    mount -t proc proc /proc
    mount -t sysfs sysfs /sys
    mount -t devtmpfs devtmpfs /dev
    mount -t tmpfs tmpfs /tmp
    # Messages of the kernel would cut lines of ours in two, on the console: also
    # questions, whose answers a guest then waits for.  Those of a panic do come.
    dmesg -n 1
}

# param NAME: the value of lab.NAME on the kernel's command line.
param() { tr ' ' '\n' </proc/cmdline | sed -n "s/^lab\.$1=//p"; }

# TAP lines without a number: the runner counts, over all cases and guests.
checks=0 failed=0
check() {
    what=$1
    shift
    checks=$((checks + 1))
    if "$@"; then
        echo "ok - $what"
    else
        failed=$((failed + 1))
        echo "not ok - $what"
    fi
}
fails() { ! "$@"; }
is() {
    [ "$1" = "$2" ] && return 0
    echo "$1" | sed '1s/^/# got:      /; 2,$s/^/#           /'
    echo "$2" | sed '1s/^/# expected: /; 2,$s/^/#           /'
    return 1
}
# has TEXT WORDS: is WORDS somewhere in TEXT?
has() {
    case $1 in *"$2"*) return 0 ;; esac
    echo "# got:      $1"
    echo "# expected: ... $2 ..."
    return 1
}

# wait_until SECONDS COMMAND...: try it until it succeeds.
wait_until() {
    tries=$(($1 * 10))
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.1
    done
}

# pci_address VENDOR:DEVICE: where the first such function is.
# busybox has an lspci of its own, which cannot tell: hence the path.
pci_address() { /bin/lspci -D -n -d "$1" | sed -n '1s/ .*//p'; }

# slot_of NAME: the slot of the port that NAME is behind.  The host puts the
# devices that lab.devices names into one slot after another, on whatever root
# complex.
first_slot=8
slot_of() {
    slot=$first_slot
    for name in $(param devices | tr , ' '); do
        if [ "$name" = "$1" ]; then
            printf '%02x' $slot
            return
        fi
        slot=$((slot + 1))
    done
}
# device NAME: the address of the function with that name, if it is there: behind
# its port, or behind a switch in that.
device() {
    set -- /sys/bus/pci/devices/0000:*:"$(slot_of "$1").0"
    for node in "$1"/0000:??:??.? "$1"/0000:??:??.?/0000:??:??.?/0000:??:??.?; do
        if [ -e "$node" ] && ! grep -q '^0x0604' "$node/class"; then
            echo "${node##*/}"
        fi
    done
}

# smmu_of ADDRESS: the SMMU that a function is behind.
smmu_of() { basename "$(readlink "/sys/bus/pci/devices/$1/iommu")"; }

# Fields of the PASID capability of a function, from its config space
# now: PCIe 6.2, 7.8.9.  `none` when no capability is listed.
pasid_state() {
    at=$(setpci -v -s "$1" ECAP_PASID.l 2>/dev/null | sed -n 's/.*ecap [0-9A-Fa-f]* @\([0-9a-f]*\).*/\1/p')
    if [ -z "$at" ]; then
        echo none
        return
    fi
    capability=0x$(setpci -s "$1" ECAP_PASID+4.w)
    control=0x$(setpci -s "$1" ECAP_PASID+6.w)
    echo "offset=0x$at width=$((capability >> 8 & 31))" \
        "exec=$((capability >> 1 & 1)) priv=$((capability >> 2 & 1))" \
        "enabled=$((control & 1))"
}

# smmu_events: the events that the guest's SMMUs reported, one a line.
smmu_events() { dmesg | sed -n 's/^.*arm-smmu-v3 \(.*\): event: \(.*\)/\2 at \1/p'; }
# reported TEXT: does one of them have TEXT in it, at last?
smmu_said() { smmu_events | grep -qF "$1"; }
reported() {
    wait_until 5 smmu_said "$1" || has "$(smmu_events)" "$1"
}

# kernel_complaints SKIP: what a kernel without trouble does not log, after
# the first SKIP lines.  A case that causes some sets $expected to a pattern.
expected=
kernel_complaints() {
    dmesg | tail -n "+$(($1 + 1))" | grep -vE "${expected:-^\$}" |
        grep -E 'BUG|Oops|WARNING|Call trace|Internal error|Unable to handle|SError|lockup|hung task|I/O error|completion polled|arm-smmu-v3 .*(event|error|timeout)'
}
kernel_log_is_clean() {
    complaints=$(kernel_complaints "$1") || return 0
    echo "$complaints" | sed 's/^/# /'
    return 1
}

interactive() {
    echo "A shell in $1; 'exit' powers off."
    setsid cttyhack sh
}
