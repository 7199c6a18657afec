# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (c) qemu-vpasid contributors
# shellcheck shell=sh disable=SC2034,SC2154,SC3045
# The cases' steps in the emulated host (L1).

testdev=1234:7061   # pasid-testdev
nvme=1b36:0010
mtty=4348:3253      # the kernel's sample of a mediated device

# bind_driver ADDRESS DRIVER: give a PCI function to a driver.
bind_driver() {
    node=/sys/bus/pci/devices/$1
    [ "$(basename "$(readlink "$node/driver")")" = "$2" ] && return
    if [ -e "$node/driver" ]; then echo "$1" >"$node/driver/unbind"; fi
    echo "$2" >"$node/driver_override"
    echo "$1" >/sys/bus/pci/drivers_probe
}
bind_vfio() { bind_driver "$1" vfio-pci; }

# vfio_cdev NODE: the character device of the VFIO device at a sysfs node.
vfio_cdev() {
    for name in "$1"/vfio-dev/vfio*; do echo "/dev/vfio/devices/${name##*/}"; done
}

# new_mtty: create a fresh mediated device and set mdev to its sysfs node.
new_mtty() {
    uuid=83b8f4f2-509f-4c5a-9f4c-000000000001
    mdev=/sys/bus/mdev/devices/$uuid
    if [ -e "$mdev" ]; then echo 1 >"$mdev/remove"; fi
    echo "$uuid" >/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create
}

# An accelerated SMMUv3 for everything behind the first root complex.
accel='-object iommufd,id=iommufd0 -device arm-smmuv3,primary-bus=pcie.0,id=smmu0,accel=on,ssidsize=16'
# Firmware, and with it ACPI in place of a device tree.
edk2='-bios /guest/QEMU_EFI.fd'

# port NAME: add an empty port for NAME, which the guest calls the same, to
# $devices, QEMU's arguments.
devices='' names=''
port() {
    names="$names${names:+,}$1"
    set -- "$1" "$(echo "$names" | tr , '\n' | wc -l)"
    devices="$devices -device pcie-root-port,id=port-$1,chassis=$2,addr=$(printf '%x' $((first_slot + $2 - 1)))"
}
# assign NAME [,PROPERTY=VALUE...]: add the host's device NAME, behind a port,
# and with $behind_switch set behind a switch in that port.
behind_switch=''
assign() {
    port "$1"
    bind_vfio "$(device "$1")"
    slot=port-$1
    if [ -n "$behind_switch" ]; then
        devices="$devices -device x3130-upstream,id=switch-$1,bus=port-$1"
        slot=down-$1
        devices="$devices -device xio3130-downstream,id=$slot,bus=switch-$1,chassis=100,x-disable-acs=off"
    fi
    devices="$devices -device vfio-pci,id=$1,host=$(device "$1"),iommufd=iommufd0,bus=$slot$2"
}

# For a QEMU with sanitizers: whatever they find ends it, by a signal.  Leaks
# are for the qtests to find: QEMU keeps much until it ends.
export ASAN_OPTIONS=abort_on_error=1:detect_leaks=0:quarantine_size_mb=64
export UBSAN_OPTIONS=abort_on_error=1:halt_on_error=1:print_stacktrace=1

# boot_guest WORDS QEMU-ARGUMENT...: run QEMU, with WORDS for the guest's init.
# $memory, $reboots and $kernel (words for the guest's kernel) may be set
# before, and $linux, the folder with another kernel than the lab's; or $loader,
# for a guest that finds its kernel and the words for that on a disk.
memory=256 reboots='' kernel='' linux=/guest loader=''
boot_guest() {
    words="console=ttyAMA0 quiet panic=-1 lab.case=$case ${names:+lab.devices=$names} $kernel $1"
    shift
    set -- qemu-system-aarch64 -M virt,gic-version=3 -accel kvm -cpu host \
        -m "$memory" -display none -nic none -monitor none "$@"
    if [ -z "$reboots" ]; then set -- "$@" -no-reboot; fi
    if [ -z "$loader" ]; then
        set -- "$@" -kernel $linux/Image -initrd $linux/l2.cpio \
            -append "$words ${shell_in:+lab.shell=1}"
    fi
    if [ -n "$shell_in" ]; then
        "$@" -serial stdio
        poweroff -f
    fi
    run_qemu "$@" -chardev pipe,id=qmp,path=/tmp/qmp -mon chardev=qmp,mode=control \
        -serial stdio
}

# run_qemu COMMAND...: run a QEMU with the guest's console on its standard input
# and output; what both say goes to $log, how QEMU ended to $status.  It may
# take $limit seconds, which a case can raise.
log=/tmp/guest.log
run_qemu() {
    : >"$log"
    rm -f /tmp/qmp.* /tmp/serial.* /tmp/timed-out
    mkfifo /tmp/qmp.in /tmp/qmp.out /tmp/serial.in /tmp/serial.out
    exec 6<>/tmp/serial.in 7<>/tmp/qmp.in 8<>/tmp/qmp.out
    qmp_ready=
    "$@" </tmp/serial.in >/tmp/serial.out 2>/tmp/qemu.err 6<&- 7<&- 8<&- &
    qemu=$!
    # Not with what QEMU was passed open, which its sleep would keep so
    watch $qemu 3<&- 4<&- 6<&- 7<&- 8<&- 9<&- &
    watchdog=$!
    attend /tmp/serial.out
    wait $qemu
    status=$?
    stop_watching
    exec 6<&- 7<&- 8<&-
    # Apart till now, for it would cut lines of the guest in two
    tee -a "$log" </tmp/qemu.err
    if grep -qE 'ERROR: [A-Za-z]*Sanitizer|runtime error: ' /tmp/qemu.err; then
        sed 's/^/# /' /tmp/qemu.err
        check "no sanitizer has a report on QEMU" false
    fi
    timed_out
}
cr=$(printf '\r')

# attend FILE: pass on what the guest says there, and answer it, until it ends.
attend() {
    while read -r line; do
        line=${line%"$cr"}
        echo "$line"
        echo "$line" >>"$log"
        case $line in "lab-ask: "*) answer_guest "${line#lab-ask: }" ;; esac
    done <"$1"
}

# watch PID: end it after $limit seconds, and say on the way that it runs.
watch() {
    ran=0
    while [ $ran -lt "$limit" ]; do
        sleep 30
        ran=$((ran + 30))
        # With io_uring the main loop of QEMU 10.2.2 may sleep though the guest
        # has asked a virtio disk to read, and goes on when anything else comes.
        # QEMU reads this signal there, and has nothing to do for it.
        kill -IO "$1" 2>/dev/null
        echo "lab-host: the guest has run for $ran s"
    done
    touch /tmp/timed-out
    kill -9 "$1"
}
stop_watching() { { kill "$watchdog"; wait "$watchdog"; } 2>/dev/null; }
# timed_out: was the guest ended by that?  Then a check has failed.
timed_out() {
    if [ -e /tmp/timed-out ]; then
        echo "# timed out: the guest was not done after $limit s and was ended; it last said:"
        tail -n 3 "$log" | sed 's/^/#   /'
        check "the guest is done within $limit s" false
    fi
}

# answer_guest QUESTION: run the case's function for it, which may set answer.
# The function runs where the case does: it can use check, and keep variables.
answer_guest() {
    answer=
    # shellcheck disable=SC2086  # words
    set -- $1
    question=on_$1
    shift
    "$question" "$@"
    echo "lab-answer: $answer" >&6
}

# A guest that boots from a disk asks which case it is in.
on_case() { answer=$case; }

# linux_has VERSION: is the host's Linux that, or a later one?
linux_has() {
    uname -r | awk -F '[.-]' -v asked="$1" '{
        split(asked, least, ".")
        exit !($1 > least[1] || $1 == least[1] && $2 >= least[2])
    }'
}

# first_assigned QEMU-ARGUMENT...: the sysfs node of the first physical device
# that they assign, or nothing.
first_assigned() {
    for word; do
        case $word in
        vfio-pci*,host=*)
            word=${word#*,host=}
            echo "/sys/bus/pci/devices/${word%%,*}"
            return ;;
        vfio-pci*,fd=*)
            word=${word#*,fd=}
            name=$(readlink "/proc/self/fd/${word%%,*}")
            realpath "/sys/class/vfio-dev/${name##*/}/device"
            return ;;
        esac
    done
}

# old_reason NODE: why QEMU, on Linux before 6.13, cannot translate for the
# device at a sysfs node; a pattern.  There are no vIOMMUs; but if the device is
# not alone in its group, that comes first.  With a device tree it is not, as a
# rule: before 6.15, Linux asks a port for ACS when a driver takes the port, and
# that is too late, for it enables ACS when it finds a port.
no_viommu='takes Linux 6.13;'
old_reason() {
    group=$(realpath "$1/iommu_group")
    set -- "$group"/devices/*
    if [ $# -gt 1 ]; then
        echo "IOMMU group ${group##*/} of [^ ]* has $# devices "
    else
        echo "$no_viommu"
    fi
}

# says_reason NODE: is that what QEMU said?
says_reason() {
    why=$(old_reason "$1")
    grep -q "$why" "$log" || is "$(tail -n 1 "$log")" "... $why ..."
}

# lacks_viommu QEMU-ARGUMENT...: does the guest need an SMMUv3 that the host's
# Linux cannot accelerate?  Whether a mediated device can be translated for is no
# question to the host's IOMMU.
lacks_viommu() {
    case $* in *accel=on*) ;; *) return 1 ;; esac
    case $* in *sysfsdev=*) return 1 ;; esac
    if linux_has 6.13; then return 1; fi
    echo "# Linux $(uname -r) has no vIOMMU: accel=on has to be refused"
    reboots=
}
# was_too_old NODE: QEMU has said so in place of starting.
was_too_old() {
    check "QEMU ends with an error, not with a signal" is "$status" 1
    check "QEMU says what the host lacks: $(old_reason "$1")" says_reason "$1"
    check "the host's kernel log is clean" host_log_is_clean
}

# too_old QEMU-ARGUMENT...: is the host's Linux too old for the guest?  QEMU then
# has to say so in place of starting, or when the first device of $names is
# plugged; the case is over with that.
too_old() {
    lacks_viommu "$@" || return 1
    node=$(first_assigned "$@")
    if [ -n "$node" ]; then
        boot_guest "" "$@"
        was_too_old "$node"
    else
        boot_guest lab.ask=plug_too_old "$@"
        guest_was_good
        check "the host's kernel log is clean" host_log_is_clean
    fi
}
on_plug_too_old() {
    name=${names%%,*}
    no_viommu='Failed to allocate hwpt: '    # QMP leaves hints out
    check "QEMU refuses the plugged device" fails plug "$name"
    echo "$reply" >>"$log"
    node=/sys/bus/pci/devices/$(device "$name")
    check "QEMU says what the host lacks: $(old_reason "$node")" says_reason "$node"
}

# known_warning: is there one warning in the host's kernel log since it started,
# that which this Linux is known for?  Before 6.15 a port has no ACS, see
# old_reason, hence PASID cannot be enabled for a device behind it; the width is
# reported nevertheless, and iommufd_get_hw_info() warns of that, once.
known_warning() {
    if linux_has 6.15; then return 1; fi
    [ "$(dmesg | sed -n 's/^WARNING.* at \([^+]*\).*/\1/p; s/^Call trace/&/p')" = \
        "iommufd_get_hw_info
Call trace:" ]
}
# host_log_is_clean: has the host's kernel nothing else to complain of?
host_log_is_clean() {
    if known_warning; then
        expected="${expected:+$expected|}^WARNING.* at iommufd_get_hw_info|^Call trace:"
    fi
    kernel_log_is_clean "$logged"
}

# guest DEVICE STATE QEMU-ARGUMENT...: boot the guest; it looks for DEVICE
# (vendor:device) and checks its PASID capability against STATE.
guest() {
    words="lab.device=$1 lab.vpasid=$2 ${show:+lab.show=1}"
    shift 2
    if too_old "$@"; then exit; fi
    boot_guest "$words" "$@"
    guest_was_good
}

# run_guest QEMU-ARGUMENT...: boot the guest; it does what NAME.guest says.
run_guest() {
    if too_old "$@"; then exit; fi
    boot_guest "${show:+lab.show=1}" "$@"
    guest_was_good
}

guest_was_good() {
    check "QEMU ends without an error" is "$status" 0
    check "the guest finished its checks" guest_finished
}

# refused TEXT QEMU-ARGUMENT...: QEMU must end with an error that has TEXT in
# it, and neither crash nor start.
refused() {
    text=$1
    shift
    if too_old "$@"; then exit; fi
    boot_guest "" "$@"
    check "QEMU ends with an error, not with a signal" is "$status" 1
    check "QEMU says: $text" grep -qF "$text" "$log"
}

# Each boot of the guest says how many checks it made.
guest_finished() {
    said=$(sed -n 's/^lab-guest: done //p' "$log" | awk '{ n += $1 } END { print NR, n + 0 }')
    is "$said" "$((${reboots:-0} + 1)) $(grep -cE '^(not )?ok - ' "$log")"
}

# qmp COMMAND: say it to the guest's QEMU, and set reply to what it says.
# Events on the way go to /tmp/qmp.events.
qmp() {
    if [ -z "$qmp_ready" ]; then
        qmp_ready=1
        qmp '{"execute": "qmp_capabilities"}'
    fi
    echo "$1" >&7
    while read -r -t 60 reply <&8; do
        case $reply in
        '{"return"'*) return 0 ;;
        '{"error"'*) return 1 ;;
        *) echo "$reply" >>/tmp/qmp.events ;;
        esac
    done
    reply="no answer from QEMU within 60 s"
    return 1
}
# qmp_event NAME WORDS: wait for an event of that name with WORDS in it.
qmp_event() {
    touch /tmp/qmp.events
    until grep "\"event\": \"$1\"" /tmp/qmp.events | grep -qF "$2"; do
        read -r -t 60 reply <&8 || return 1
        echo "$reply" >>/tmp/qmp.events
    done
    rm /tmp/qmp.events
}

# qmp_greeting: wait for a QEMU that has taken the place of the one before.
qmp_greeting() {
    qmp_ready=
    while read -r -t 60 reply <&8; do
        case $reply in '{"QMP"'*) qmp '{"execute": "query-status"}'; return ;; esac
    done
    return 1
}

# cpr_update NAME: have a new QEMU take the place of the one that runs.
command=
cpr_update() {
    [ -n "$command" ] ||
        command=$(tr '\0' '\n' <"/proc/$qemu/cmdline" | sed 's/.*/"&",/')
    check "$1: QEMU knows what to run" \
        qmp "{'execute': 'migrate-set-parameters', 'arguments': {'mode': 'cpr-exec', 'cpr-exec-command': [$(echo "$command" | tr -d '\n') '-incoming', 'file:/tmp/state']}}"
    check "$1: QEMU makes way" \
        qmp "{'execute': 'migrate', 'arguments': {'uri': 'file:/tmp/state'}}"
    check "$1: the new QEMU is there" qmp_greeting
    check "$1: the guest runs on" qmp_event RESUME ''
}

# plug NAME: hot-plug the host's device NAME into its port.
plug() {
    bind_vfio "$(device "$1")"
    qmp "{'execute': 'device_add', 'arguments': {'driver': 'vfio-pci', 'id': '$1', 'host': '$(device "$1")', 'iommufd': 'iommufd0', 'bus': 'port-$1'}}"
}
# vpasid_state NAME: set reply to what QEMU says about it.
vpasid_state() {
    qmp "{'execute': 'qom-get', 'arguments': {'path': '/machine/peripheral/$1', 'property': 'x-vpasid-state'}}"
}
