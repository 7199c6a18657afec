# SPDX-License-Identifier: GPL-2.0-or-later
# Of the emulators those for Arm alone; see scripts/make-deb of qemu-vpasid.
system-packages := arm
override enable-system := y
override qemu-builds := qemu man html
