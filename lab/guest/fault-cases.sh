# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (c) qemu-vpasid contributors
# shellcheck shell=sh disable=SC2034,SC2154,SC2317
# Page faults of pasid-testdev in memory of processes, for whoever has the
# device: the guest (L2), or the host (L1).

# sva_fault ADDRESS WHAT [ARGUMENT]: let a process do that with the device, and
# print what came of it: sva/sva-fault.c.
sva_fault() {
    file=/dev/sva-$1
    shift
    sva-fault "$file" "$@"
}
# load_sva ADDRESS: load the driver, if need be; the device must have it then.
has_sva() { [ -c "/dev/sva-$1" ]; }
load_sva() {
    [ -e /sys/bus/pci/drivers/pasid-sva ] || insmod /lab/pasid-sva.ko
    wait_until 10 has_sva "$1"
}
# faults ADDRESS WHAT EXPECTED [ARGUMENT]: does that come of it?
faults() {
    is "$(sva_fault "$1" "$2" ${4:+"$4"} 2>&1)" "$3"
}

wrote="the device wrote this"
# check_faults ADDRESS: pages that the kernel can come up with at once.
check_faults() {
    check "never touched: the device reads zeros and writes, the process reads what it wrote" \
        faults "$1" fresh "never touched: the device reads: zeros
read before: the device writes: ok
read before: the process reads: $wrote
never touched: the device writes: ok
never touched: the process reads: $wrote
across pages: the device writes: ok
across pages: the process reads: $wrote"
    check "copy on write: what the device writes is the parent's alone" \
        faults "$1" cow "shared with a child: the device writes: ok
shared with a child: the process reads: $wrote
shared with a child: the child reads: before the fork"
    check "MADV_DONTNEED: the device finds zeros, and a page to write to" \
        faults "$1" dontneed "there: the device reads: a process wrote this
given back: the device reads: zeros
given back: the device writes: ok
given back: the process reads: $wrote
given back again: the device writes: ok
given back again: the process reads: $wrote"
    check "an address that is not mapped: the device is told, the rest goes on" \
        faults "$1" unmapped "beside it: the device writes: ok
beside it: the process reads: $wrote
not mapped: the device reads: fault
read-only: the device reads: zeros
read-only: the device writes: fault
after it: the device reads: $wrote"
}

# check_paging ADDRESS DISK: pages that come from a disk, which has a page of
# text at its start, and from swap on it.
check_paging() {
    # Two pages, of whatever size
    { printf "a page of a disk"; head -c 128k /dev/zero; } |
        dd of="$2" bs=128k count=1 iflag=fullblock oflag=direct 2>/dev/null
    echo 3 >/proc/sys/vm/drop_caches
    check "a file mapping: the device reads what is on the disk, and writes" \
        faults "$1" file "page of a file: the device reads: a page of a disk
page of a file: the device writes: ok
page of a file: the process reads: $wrote" "$2"
    check "what it wrote is on the disk" has \
        "$(dd if="$2" bs=128k count=1 iflag=direct 2>/dev/null | tail -c +4097 | tr -d '\0')" "$wrote"
    mkswap "$2" >/dev/null
    swapon "$2"
    check "MADV_PAGEOUT: the device reads what was in swap, and writes" \
        faults "$1" pageout "swapped out: 8 pages
swapped out: the device reads: page 0 was in swap
swapped out: the device reads: page 7 was in swap
swapped out: the device writes: ok
swapped out: the process reads: $wrote"
    swapoff "$2"
}

# check_random ADDRESS: 500 pages each of two processes at once, at random, by
# four channels each.
check_random() {
    sva_fault "$1" random 0 >/tmp/random0 2>&1 &
    sva_fault "$1" random 1 >/tmp/random1 2>&1
    wait $!
    check "1000 pages at random, of two processes at once" \
        is "$(cat /tmp/random0 /tmp/random1)" "500 pages at random: 0 wrong
500 pages at random: 0 wrong"
}

# Pages that the kernel takes long to come up with: it waits until page_comes.
late_waits() { [ "$(cat "/sys/bus/pci/devices/$1/late")" = 1 ]; }
page_comes() { echo 1 >"/sys/bus/pci/devices/$1/late"; }
# begin_late ADDRESS: start a process that the device waits for, and wait until
# the kernel knows; process is its PID.
begin_late() {
    # shellcheck disable=SC2094  # a device, not the file that is written
    sva-fault "/dev/sva-$1" late >/tmp/late &
    process=$!
    beside() { grep -q 'process reads' /tmp/late; }
    check "a request waits for a page, and others go on" \
        wait_until 30 eval "late_waits $1 && beside"
}
# late_is RESULT: what came of it; the process is done then.
late_done() { ! kill -0 "$process" 2>/dev/null; }
late_is() {
    wait_until 60 late_done || echo "# the process still waits"
    is "$(tail -n 1 /tmp/late)" "$1"
}
# channel ADDRESS OFFSET [VALUE]: a register of the channel that does this,
# channel 1: docs/specs/pasid-testdev.rst.
channel() {
    bar=$(sed -n '1s/ .*//p' "/sys/bus/pci/devices/$1/resource")
    devmem $((bar + 0x500 + $2)) 32 ${3:+"$3"}
}
# channel_state ADDRESS: what the device says of the request.
channel_state() {
    state=$(channel "$1" 0x1c)
    case $state in
    0x00000001) echo ok ;;
    0x00000002) echo fault ;;
    0x00000007) echo busy ;;
    0x00000008) echo cancelled ;;
    *) echo "$state" ;;
    esac
}
channel_ended() { [ "$(channel_state "$1")" != busy ]; }

check_late() {
    begin_late "$1"
    check "the page comes: the device has written" eval \
        "page_comes $1; late_is 'late: the device writes: ok'"
}
nobody_waits() { [ "$(cat "/sys/bus/pci/devices/$1/late")" = 0 ]; }
# check_cancelled ADDRESS: the device gives up, and the answer comes later.
check_cancelled() {
    begin_late "$1"
    channel "$1" 0x18 3
    check "the device gives up" late_is "late: the device writes: cancelled"
    page_comes "$1"
    check "the kernel answers nevertheless" wait_until 30 nobody_waits "$1"
    sva_fault "$1" fresh >/tmp/fresh
    check "that has no effect on the device" is "$(channel_state "$1")" cancelled
}
# check_killed ADDRESS: the process is killed while its request waits.
check_killed() {
    begin_late "$1"
    kill -9 "$process"
    check "the process is killed: it is gone" wait_until 30 late_done
    check "its request still waits" is "$(channel_state "$1")" busy
    page_comes "$1"
    check "its request ends with the page" wait_until 60 channel_ended "$1"
}
# check_with_ats ADDRESS: a device that asks for translations is told of a page
# that is missing in the answer (IHI 0070, 3.9.1): nothing stalls and there is no
# event.  What it sends untranslated stalls like that of any other.
events_of() { smmu_events | grep -c "client: $1 "; }
check_with_ats() {
    events=$(events_of "$1")
    check "by ATS: the device is told in the answer, and nothing waits" \
        faults "$1" ats "never touched: the device reads by ATS: fault
never touched: the device has cached: 0
never touched: the device writes: ok
never touched: the process reads: $wrote
written to: the device reads by ATS: ok
written to: the device has cached: 1"
    check "by ATS: that is no event" is "$(events_of "$1")" "$events"
    check_faults "$1"
}
# check_nobody ADDRESS: a request without PASID that the kernel has no use for.
check_nobody() {
    check "an address of nobody: the device is told" faults "$1" nobody \
        "without PASID: the device reads: fault" 0x123456000
    check "the kernel logs it" reported "F_TRANSLATION client: $1 "
}
