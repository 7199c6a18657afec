# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (c) qemu-vpasid contributors
# shellcheck shell=sh disable=SC2034,SC2154
# Settings and helpers of the lab's build scripts; each sources this file.
#
# LAB_OUT          where everything built for the lab goes (build/lab)
# LAB_QEMU_SOURCE  the patched QEMU tree to build for the emulated host
# LAB_SUITE        Debian suite of the guests' userland; must match the
#                  cross compiler's C library, so the machine's own by default
# LAB_SANITIZE     1: the emulated host's QEMU has sanitizers
set -eu
export LC_ALL=C
top=$(cd "$lab/.." && pwd)
out=${LAB_OUT:-$top/build/lab}
qemu_source=${LAB_QEMU_SOURCE:-$top/build/${BASE:-10.2}/qemu}
"$lab/own-folder" "$out"
case ${LAB_SANITIZE:-} in
''|0) variant='' ;;
*) variant=-sanitizers ;;
esac
out=$(cd "$out" && pwd)
sysroot=$out/sysroot
cache=$("$top/scripts/cache-folder")

say() { printf 'lab: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# Exit status 77: not a failure, but the lab cannot be had on this machine, for
# a reason that was found true just now.  What could not be fetched is a failure.
skip() { say "skipped: $*"; printf '%s\n' "$*" >"$out/skipped"; exit 77; }

step() { "$top/scripts/step" "$@"; }

# On an arm64 machine its own compiler is the right one.
if [ "$(uname -m)" = aarch64 ]; then
    cross=
else
    cross=aarch64-linux-gnu-
fi
compiler=${cross}gcc
command -v "$compiler" >/dev/null ||
    skip "no $compiler; install it with scripts/install-deps lab"
if command -v ccache >/dev/null; then
    compiler="ccache $compiler"
fi

# up_to_date NAME VALUE: was NAME finished with these very inputs?
up_to_date() { [ "$(cat "$out/$1.stamp" 2>/dev/null)" = "$2" ]; }
finished() { printf '%s\n' "$2" >"$out/$1.stamp"; }

# libraries DIR:... FILE...: the shared libraries that the files need, and those
# these need, as paths in the directories.
libraries() (
    dirs=$1 seen=
    shift
    while [ $# -gt 0 ]; do
        for name in $("${cross}readelf" -d "$1" 2>/dev/null |
                      sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
            case " $seen " in *" $name "*) continue ;; esac
            seen="$seen $name"
            path=$(IFS=:
                   for dir in $dirs; do
                       if [ -e "$dir/$name" ]; then echo "$dir/$name"; break; fi
                   done)
            [ -n "$path" ] || die "$1 needs $name, which is not in $dirs"
            echo "$path"
            set -- "$@" "$path"
        done
        shift
    done
)

# pack DIR FILE: make an initial RAM disk.  Same bytes for same files: sorted
# names, no dates, owned by root.
pack() {
    find "$1" -exec touch -h -d @0 {} +
    (cd "$1" && find . | sort | cpio --quiet -o -H newc --reproducible -R 0:0) >"$2.new"
    mv "$2.new" "$2"
}
