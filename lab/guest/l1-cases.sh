# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (c) qemu-vpasid contributors
# shellcheck shell=sh disable=SC2034,SC2154
# What the cases do in the emulated host (L1).

testdev=1234:7061   # pasid-testdev
nvme=1b36:0010
mtty=4348:3253      # the kernel's sample of a mediated device

# bind_vfio ADDRESS: give a PCI function to vfio-pci.
bind_vfio() {
    node=/sys/bus/pci/devices/$1
    [ "$(basename "$(readlink "$node/driver")")" = vfio-pci ] && return
    if [ -e "$node/driver" ]; then echo "$1" >"$node/driver/unbind"; fi
    echo vfio-pci >"$node/driver_override"
    echo "$1" >/sys/bus/pci/drivers_probe
}

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

# boot_guest WORDS QEMU-ARGUMENT...: run QEMU, with WORDS for the guest's init;
# what both say goes to $log, how QEMU ended to $status.
log=/tmp/guest.log
boot_guest() {
    words="console=ttyAMA0 quiet panic=-1 $1"
    shift
    set -- qemu-system-aarch64 -M virt,gic-version=3 -accel kvm -cpu host \
        -m 256 -display none -nic none -monitor none -no-reboot \
        -kernel /guest/Image -initrd /guest/l2.cpio "$@"
    if [ -n "$shell_in" ]; then
        "$@" -serial stdio -append "$words lab.shell=1"
        poweroff -f
    fi
    : >"$log"
    if [ -n "$plug" ]; then
        rm -f /tmp/qmp.*
        mkfifo /tmp/qmp.in /tmp/qmp.out
        set -- "$@" -chardev pipe,id=qmp,path=/tmp/qmp -mon chardev=qmp,mode=control
        when_ready "$plug" &
    fi
    {
        timeout 60 "$@" -serial stdio -append "$words" </dev/null 2>&1
        echo $? >/tmp/guest.status
    } | tee "$log"
    status=$(cat /tmp/guest.status)
}

# guest DEVICE STATE QEMU-ARGUMENT...: boot the guest; it looks for DEVICE
# (vendor:device) and checks its PASID capability against STATE.
#
# Before it, set plug=command to hot-plug the device: the command runs when
# the guest waits.
guest() {
    words="lab.device=$1 lab.vpasid=$2 ${show:+lab.show=1} ${plug:+lab.wait=hotplug}"
    shift 2
    boot_guest "$words" "$@"
    check "QEMU ends without an error" is "$status" 0
    check "the guest finished its checks" guest_finished
}

# refused TEXT QEMU-ARGUMENT...: QEMU must end with an error that has TEXT in
# it, and neither crash nor start.
refused() {
    text=$1
    shift
    boot_guest "" "$@"
    check "QEMU ends with an error, not with a signal" is "$status" 1
    check "QEMU says: $text" grep -qF "$text" "$log"
}

guest_finished() {
    said=$(tr -d '\r' <"$log" | sed -n 's/^lab-guest: done //p')
    is "${said:-nothing}" "$(grep -cE '^(not )?ok - ' "$log")"
}

# when_ready COMMAND: run it once the guest waits for its device.
when_ready() {
    tries=300
    until grep -q '^lab-guest: ready' "$log"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.1
    done
    "$1"
}

# qmp COMMAND: say it to the guest's QEMU; the reply goes to /tmp/qmp.reply.
qmp() {
    echo "{'execute': 'qmp_capabilities'}" >/tmp/qmp.in
    echo "$1" | tr -d '\n' >/tmp/qmp.in
    # The greeting, the answer to qmp_capabilities, and ours.
    timeout 10 head -n 3 </tmp/qmp.out | tail -n 1 >/tmp/qmp.reply
}
