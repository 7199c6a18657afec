# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (c) qemu-vpasid contributors
# shellcheck shell=sh disable=SC2034,SC2154
# The steps of cases with libvirt, in the emulated host (L1).

libvirt_log=/var/log/libvirt/libvirtd.log

# driver_of ADDRESS: the driver that has a PCI function.
driver_of() {
    set -- "$(readlink "/sys/bus/pci/devices/$1/driver")"
    echo "${1##*/}" | sed 's/^$/none/'
}
driver_is() { [ "$(driver_of "$1")" = "$2" ]; }

# start_libvirt: run its daemons, as the host's service manager would.
start_libvirt() {
    mkdir -p /run /dev/pts /usr/share/AAVMF /var/log/libvirt /var/lib/libvirt/images
    mount -t devpts devpts /dev/pts
    # As Debian has them: the firmware, and nothing, filled up to the size of the flash
    cp /guest/QEMU_EFI.fd /usr/share/AAVMF/AAVMF_CODE.fd
    truncate -s 64M /usr/share/AAVMF/AAVMF_CODE.fd /usr/share/AAVMF/AAVMF_VARS.fd
    # The disks of both domains. Without them libvirt 12.8 waits for ever: it gives
    # up, and takes the device from VFIO while it has it open itself.
    truncate -s 16M /var/lib/libvirt/images/guest.img /var/lib/libvirt/images/two-smmus.img
    # Has to be known, or libvirt warns
    hostname lab
    virtlogd &
    virtlogd=$!
    libvirtd &
    libvirtd=$!
    check "libvirt $(cat /libvirt/version) answers" wait_until 60 libvirt_answers
}
# libvirt_complaints: its warnings and errors, but that the host has no dmidecode,
# and that guests run as root.
libvirt_complaints() {
    grep -E ' (warning|error) : ' $libvirt_log | grep -vE "'dmidecode'|tainted: high-privileges"
}
libvirt_answers() { virsh -q uri >/dev/null 2>&1; }
stop_libvirt() {
    kill "$libvirtd" "$virtlogd"
    wait "$libvirtd"
    check "libvirt's daemon ends" is $? 0
    wait "$virtlogd"
}

# bootable FILE: print a domain that boots the lab's kernel.
bootable() {
    sed "s|</os>|\
<kernel>/guest/Image</kernel>\
<initrd>/guest/l2.cpio</initrd>\
<cmdline>console=ttyAMA0 quiet panic=-1 pcie_ports=native lab.case=$case</cmdline>\
&|" "$1"
}
# define NAME FILE: have libvirt check and take a domain.
define() {
    bootable "$2" >/tmp/domain.xml
    check "libvirt's schema has nothing against $1" virsh -q define --validate /tmp/domain.xml
}

# run_domain NAME: start it, and follow its guest as boot_guest does.
run_domain() {
    : >"$log"
    rm -f /tmp/timed-out
    # Its console is open before the guest says something.
    check "libvirt starts $1" virsh -q start --paused "$1"
    console=$(virsh -q ttyconsole "$1") || return
    exec 6<>"$console"
    watch "$(cat "/run/libvirt/qemu/$1.pid")" 6<&- &
    watchdog=$!
    virsh -q resume "$1"
    attend "$console"
    exec 6<&-
    stop_watching
    timed_out
}
guest_powered_off() {
    check "libvirt sees that $1 has powered off" wait_until 20 domain_is_off "$1"
    check "the guest finished its checks" guest_finished
}
domain_is_off() { [ "$(virsh -q domstate "$1" --reason)" = "shut off (shutdown)" ]; }

# open_devices: the files of VFIO and iommufd that anyone has open.
open_devices() {
    # shellcheck disable=SC2010  # what links point to
    ls -l /proc/[0-9]*/fd 2>/dev/null | grep -oE '(/dev/(vfio/|iommu)|anon_inode:.*vfio).*'
}
# left_nothing ADDRESS DRIVER: is no guest there any more, and has the host its
# function back?
left_nothing() {
    check "$1 is with $2, as before" wait_until 20 driver_is "$1" "$2"
    check "no QEMU is left" is "$(pidof qemu-system-aarch64)" ""
    check "nobody has a device of VFIO or an iommufd" is "$(open_devices)" ""
}

# cannot_start WHAT SED WORDS: libvirt takes the first domain, changed, and then
# it is refused with WORDS.
cannot_start() {
    bootable "$domains/vfio-pasid-guest.xml" | sed "$2" >/tmp/domain.xml
    check "$1 libvirt takes the domain" virsh -q define --validate /tmp/domain.xml
    check "but it does not start" fails virsh -q start guest 2>/tmp/refusal
    check "and it is said why" has "$(cat /tmp/refusal)" "$3"
    check "libvirt forgets the domain" virsh -q undefine --nvram guest
}
