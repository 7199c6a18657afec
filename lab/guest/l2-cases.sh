# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (c) qemu-vpasid contributors
# shellcheck shell=sh disable=SC2034,SC2154
# The cases' steps in the guest (L2).

# host WORD...: have the host (L1) run the case's function on_WORD, and set
# answer to what it answered.
host() {
    echo "lab-ask: $*"
    while read -r mark answer; do
        if [ "$mark" = lab-answer: ]; then return 0; fi
    done
    return 1
}

# check_pasid ADDRESS STATE: what does the capability say?
check_pasid() { check "PASID capability of $1: $2" is "$(pasid_state "$1")" "$2"; }

# leave poweroff|reboot: report, and go.
leave() {
    check "the guest's kernel log is clean" kernel_log_is_clean 0
    if [ "$failed" -gt 0 ]; then
        # For the console of the run; the report has the failed checks alone.
        echo "lab-guest: its functions, and its kernel's last words:"
        /bin/lspci -n
        dmesg | tail -n 60
    fi
    echo "lab-guest: done $checks"
    "$1" -f
}

# port_of ADDRESS: the port that a function is behind.
port_of() { basename "$(dirname "$(realpath "/sys/bus/pci/devices/$1")")"; }
# slot_node ADDRESS: what the kernel has for the slot that a function is in.
slot_node() {
    for node in /sys/bus/pci/slots/*; do
        if [ "$(cat "$node/address")" = "${1%.*}" ]; then echo "$node"; fi
    done
}

# function_reset ADDRESS: a function-level reset that the kernel knows nothing
# of, so that it restores nothing: PCIe 6.2, 7.5.3.4 and 6.6.2.
function_reset() {
    setpci -s "$1" CAP_EXP+8.w=8000:8000
    sleep 0.2
}

# ecap_list ADDRESS: where the extended capabilities are, as the list has them.
ecap_list() {
    /bin/lspci -vv -s "$1" 2>/dev/null |
        sed -n 's/.*Capabilities: \[\([0-9a-f]\{3\}\)[] ].*/\1/p' | xargs
}

# use_dma ADDRESS: let a function without a driver answer and send requests.
use_dma() { setpci -s "$1" COMMAND=6:6; }

# dma ADDRESS read|write IOVA [PASID]: have pasid-testdev send a request, and
# print what came of it: docs/specs/pasid-testdev.rst.
dma() {
    bar=$(sed -n '1s/ .*//p' "/sys/bus/pci/devices/$1/resource")
    register() { devmem $((bar + $1)) 32 "$2"; }
    register 0x08 $(($3 & 0xffffffff))
    register 0x0c $(($3 >> 32))
    register 0x10 $((${4:+0x80000000} + ${4:-0}))
    register 0x14 4
    if [ "$2" = read ]; then register 0x18 1; else register 0x18 2; fi
    case $(devmem $((bar + 0x1c)) 32) in
    0x00000001) echo ok ;;
    0x00000002) echo fault ;;
    *) echo "status $(devmem $((bar + 0x1c)) 32)" ;;
    esac
}
# share_memory ADDRESS: let pasid-testdev use the memory of a process, and print
# what came of it: sva/pasid-sva.c.
share_memory() {
    [ -e /sys/bus/pci/drivers/pasid-sva ] || insmod /lab/pasid-sva.ko
    cat "/sys/bus/pci/devices/$1/sva"
}
# stream_id ADDRESS: the StreamID of function 0 of slot 0 on a bus.
stream_id() { echo "$1" | awk -F : '{ sub(/^0/, "", $2); print "0x" $2 "00" }'; }
uptime_now() { cut -d ' ' -f 1 /proc/uptime; }
seconds_since() { awk -v then="$1" '{ printf "%.1f", $1 - then }' /proc/uptime; }

# disk_io MIB: fill the start of the NVMe disk with random data, past the page
# cache, read it back, and compare; sum is then the checksum.
disk=/dev/nvme0n1
disk_io() {
    mkfifo /tmp/copy
    md5sum </tmp/copy >/tmp/written &
    started=$(uptime_now)
    dd if=/dev/urandom bs=1M count="$1" 2>/dev/null | tee /tmp/copy |
        dd of=$disk bs=1M iflag=fullblock oflag=direct conv=fsync 2>/dev/null
    wait
    rm /tmp/copy
    echo "lab-guest: $1 MiB written in $(seconds_since "$started") s"
    sum=$(cut -d ' ' -f 1 /tmp/written)
    started=$(uptime_now)
    dd if=$disk bs=1M count="$1" iflag=direct 2>/dev/null | md5sum | cut -d ' ' -f 1 >/tmp/read
    echo "lab-guest: $1 MiB read in $(seconds_since "$started") s"
    [ -n "$sum" ] && is "$(cat /tmp/read)" "$sum"
}
# network_io MIB: send random data from eth0 to eth1, which has network
# interfaces of its own, and compare.
network_io() {
    unshare -n sh -c 'touch /tmp/apart; sleep 60' &
    other=$!
    wait_until 5 [ -e /tmp/apart ] || return 1
    ip link set eth1 netns $other
    ip addr add 10.0.0.1/24 dev eth0
    ip link set eth0 up
    apart() { nsenter -t $other -n "$@"; }
    apart ip addr add 10.0.0.2/24 dev eth1
    apart ip link set eth1 up
    # With its input at an end it would end the connection.
    mkfifo /tmp/open
    apart nc -l -p 5000 <>/tmp/open >/tmp/received &
    listener=$!
    dd if=/dev/urandom of=/tmp/sent bs=1M count="$1" 2>/dev/null
    wait_until 10 nc -w 20 10.0.0.2 5000 </tmp/sent || return 1
    wait $listener
    kill $other
    is "$(md5sum </tmp/received)" "$(md5sum </tmp/sent)"
}
# interrupts WORD: how many the lines of /proc/interrupts with WORD count.
interrupts() {
    awk -v word="$1" '$0 ~ word { for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i } END { print n + 0 }' /proc/interrupts
}
# translated ADDRESS: has it a domain that is mapped and unmapped strictly?  With
# iommu.passthrough=1 the kernel was asked for another one.
translated() {
    domain=DMA
    if grep -q iommu.passthrough=1 /proc/cmdline; then domain=identity; fi
    is "$(cat "/sys/bus/pci/devices/$1/iommu_group/type")" $domain
}
