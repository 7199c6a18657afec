# SPDX-License-Identifier: GPL-2.0-or-later
# What a person calls; `make help` lists it. The work is in scripts/ and lab/.

.NOTPARALLEL:
.DEFAULT_GOAL := all
SHELL = /bin/sh
# With these, `cd` and Python look elsewhere than here.
unexport CDPATH PYTHONSAFEPATH
TOP := $(CURDIR)

# Everything but these needs a configured build; without one, `make` runs
# ./configure with its defaults, and again, as before, when it changed; but not
# with -n, -q or -t, nor for a target that there is not.
UNCONFIGURED := help clean distclean check check-unit check-scripts check-builds \
    fuzz uninstall-deps
GOALS := $(or $(MAKECMDGOALS),all)
TARGETS := $(shell sed -n 's/^\([a-z0-9-]*\):.*/\1/p' $(firstword $(MAKEFILE_LIST)))
UNKNOWN := $(filter-out $(TARGETS),$(GOALS))
DRY := $(strip $(foreach flag,n q t,$(findstring \
    $(flag),$(filter-out --%,$(firstword -$(MAKEFLAGS))))))
# A failed ./configure has said why, and ends make by the target `config`.
-include build/config.mk
ifneq ($(filter-out $(UNCONFIGURED),$(GOALS)),)
ifeq ($(DRY)$(UNKNOWN),)
build/config.mk: configure
	@./configure $(CONFIGURE_ARGS)
endif
endif

# The groups of scripts/deps that a target needs, if not only `build`: all are
# installed, or named to those who cannot install, at its start.
DEPS_check := build unit series lab builds
DEPS_check-unit := unit
DEPS_fuzz := unit
DEPS_check-fuzz-guest := build unit
DEPS_fuzz-guest := build unit
DEPS_check-series := build series
DEPS_check-objects := build builds
DEPS_check-linux := build builds
DEPS_check-windows := build windows
DEPS_check-builds := build builds windows
DEPS_check-lab := build lab
DEPS_check-lab-rest := build lab
DEPS_check-lab-sanitizers := build lab
DEPS_check-lab-kernels := build lab
DEPS_check-lab-guests := build lab
DEPS_check-lab-64k := build lab
DEPS_check-lab-peer := build lab
DEPS_bench-lab := build lab
DEPS_soak := build lab
DEPS_bench := build bench
DEPS_demo := build lab
export VPASID_GROUPS := $(sort $(VPASID_GROUPS) $(foreach \
    goal,$(GOALS),$(or $(DEPS_$(goal)),build)))
# All that is called from here is one run; see scripts/seriestool/session.py.
ifndef VPASID_RUN
export VPASID_RUN := $(shell echo $$PPID)
endif

BASE ?= 10.2
TARGET_LIST ?= aarch64-softmmu
KERNEL_SOURCE ?=
# How long `make fuzz`, `make fuzz-guest` and `make fuzz-device` take.
SECONDS ?= 600
# What `make soak` does.
CYCLES ?= 1000
REBOOTS ?= 100
# The hosts of `make check-lab-kernels`.
LAB_KERNELS ?= 7.3 7.2 6.12
comma := ,
empty :=
space := $(empty) $(empty)

TREE := build/$(BASE)/qemu
QEMU_BUILD := build/$(BASE)/qemu-build
SERIES := scripts/series.py --base=$(BASE) $(if $(FORCE),--force)
# The QEMU programs of the target list.
PROGRAMS := $(patsubst %,qemu-%,$(patsubst %-linux-user,%,$(patsubst \
    %-softmmu,system-%,$(subst $(comma),$(space),$(TARGET_LIST)))))
# Tests of the base that the series must not break.
BASE_QTESTS ?= cxl-test numa-test qos-test

# What the lab is told; see lab/README.md.
export BASE
ifneq ($(KERNEL_SOURCE),)
export LAB_KERNEL_SOURCE = $(KERNEL_SOURCE)
endif
# The unpatched base, for tests that hand a guest over to it; they are skipped
# where it was not built.
export BASE_QEMU_BINARY = $(TOP)/build/$(BASE)/base/qemu-build/qemu-system-aarch64
# One compiler cache serves every build directory, wherever the clone is.
export CCACHE_BASEDIR = $(TOP)
export CCACHE_NOHASHDIR = 1
export CCACHE_SLOPPINESS = time_macros,include_file_ctime,include_file_mtime
ifneq ($(shell test -w "$$HOME" && echo yes),yes)
export CCACHE_DIR ?= $(TOP)/build/ccache
endif

.PHONY: config aarch64 check-scripts fuzz fuzz-device uninstall-deps
.PHONY: all install demo bench bench-lab coverage check check-unit check-qtest check-lab check-series \
    check-lab-rest check-lab-kernels check-lab-guests check-lab-64k check-lab-peer check-lab-sanitizers check-sanitizers check-fuzz-guest fuzz-guest check-objects check-builds check-linux check-windows \
    series deb deb-patches refresh soak tree clean distclean help

config:
	@$(if $(UNKNOWN),echo 'make: nothing is done since there is no' \
	    'target $(UNKNOWN); `make help` lists those that there are' >&2; exit 2)
	@[ -f build/config.mk ] && [ ! configure -nt build/config.mk ]

# What runs the QEMU for Arm machines: said before anything is built.
aarch64:
	@case ,$(TARGET_LIST), in *,aarch64-softmmu,*) ;; *) \
	    echo 'This needs qemu-system-aarch64, and the build is configured for' \
	        '$(TARGET_LIST) alone.' >&2; \
	    echo 'What you can do: ./configure' \
	        '--target-list=$(TARGET_LIST),aarch64-softmmu' >&2; exit 1 ;; esac

all: tree
	@scripts/step build "Building $(PROGRAMS)" -- \
	    ninja -C $(QEMU_BUILD) $(PROGRAMS) contrib/vpasid-plan/vpasid-plan

install: tree
	@scripts/step build-all "Building QEMU" -- ninja -C $(QEMU_BUILD)
	@scripts/step install "Installing QEMU" -- ninja -C $(QEMU_BUILD) install

# Without a QEMU that is built already the lab builds one with what it needs.
demo: aarch64 $(if $(wildcard $(QEMU_BUILD)/qemu-system-aarch64),all,tree)
	@scripts/install-deps lab
	@lab/run demo
	@scripts/step --times

check:
	@MAKE="$(MAKE)" scripts/check unit qtest series objects lab-rest \
	    sanitizers lab-sanitizers fuzz-guest

check-unit:
	@scripts/install-deps unit
	@scripts/tap-sum unit -- scripts/run-unit

fuzz:
	@scripts/install-deps unit
	@$(SERIES) claim
	@scripts/fuzz $(SECONDS)

fuzz-device: tree
	@scripts/fuzz-device $(TREE) build/$(BASE)/qemu-sanitizers $(SECONDS)

# Dumps of real devices, for the tests that read them
DUMPS = VPASID_PLAN_DUMPS="$${VPASID_PLAN_DUMPS:-$$(scripts/real-dumps || :)}"

# fwts and iasl, for the test that has them judge ACPI tables
ACPI_TOOLS = VPASID_ACPI_TOOLS="$${VPASID_ACPI_TOOLS:-$$(scripts/acpi-tools || :)}"

check-qtest: aarch64 tree
	@scripts/build-base $(BASE) qemu-system-aarch64
	@$(DUMPS) $(ACPI_TOOLS) scripts/tap-sum qtest -- scripts/meson-tap qtest \
	    $(QEMU_BUILD)/pyvenv/bin/meson $(QEMU_BUILD) \
	    $$($(SERIES) tests) $(addprefix qtest-aarch64/,$(BASE_QTESTS))

# A second QEMU, with what these tests need and no more
check-sanitizers: tree
	@$(DUMPS) $(ACPI_TOOLS) scripts/tap-sum sanitizers -- scripts/run-sanitizers $(TREE) \
	    build/$(BASE)/qemu-sanitizers $$($(SERIES) tests)

# A third one, with clang and libFuzzer
FUZZ_GUEST := scripts/fuzz-guest $(TREE) build/$(BASE)/qemu-fuzz

check-fuzz-guest: aarch64 tree
	@scripts/install-deps unit
	@scripts/tap-sum fuzz-guest -- $(FUZZ_GUEST) $${FUZZ_SECONDS:-30}

fuzz-guest: aarch64 tree
	@scripts/install-deps unit
	@$(FUZZ_GUEST) $(SECONDS) $$(nproc)
	@$(FUZZ_GUEST) --coverage

coverage: aarch64 all
	@scripts/coverage $(QEMU_BUILD) build/$(BASE)/coverage

check-series: aarch64 tree
	@scripts/install-deps series
	@scripts/tap-sum series -- $(SERIES) check

# The scripts, in small clones of their own; part of check-series
check-scripts:
	@scripts/install-deps build
	@scripts/tap-sum scripts -- scripts/check-scripts

# What is measured runs on the fake kernel, on Arm machines
bench: aarch64 all
	@scripts/install-deps bench
	@scripts/step build-bench "Building the measurements" -- \
	    ninja -C $(QEMU_BUILD) qemu-system-aarch64 \
	    tests/qtest/vpasid-bench/vpasid-bench \
	    tests/qtest/vfio-fake/libvfio-fake.so
	@scripts/build-base $(BASE) qemu-system-aarch64
	@scripts/bench $(QEMU_BUILD) build/$(BASE)/base/qemu-build aarch64 \
	    $(wildcard backends/*.c hw/*/*.c)

# What is counted is on the emulated host; LAB_PEER=1 counts with QEMU 11.1, too
bench-lab: aarch64 all
	@scripts/install-deps lab
	@lab/run bench

check-lab: aarch64 all
	@scripts/install-deps lab
	@scripts/tap-sum lab -- lab/run check

# Those that `make check` does not run with sanitizers
check-lab-rest: aarch64 all
	@scripts/install-deps lab
	@scripts/tap-sum lab-rest -- lab/run rest

# The same cases on each Linux that Debian offers a source of, as the host
check-lab-kernels: aarch64 all
	@scripts/install-deps lab
	@for version in $(LAB_KERNELS); do \
	    LAB_HOST_KERNEL=$$version \
	    scripts/tap-sum lab-$$version -- lab/run check || status=1; \
	done; exit $${status:-0}

# Guests with the kernels of a distribution
check-lab-guests: aarch64 all
	@scripts/install-deps lab
	@scripts/tap-sum lab-guests -- lab/run guests

# Host and guest with pages of 64K
check-lab-64k: export LAB_PAGES = 64k
check-lab-64k: aarch64 all
	@scripts/install-deps lab
	@scripts/tap-sum lab-64k -- lab/run check accel nvme sva sva-ats sva-fault \
	    sva-fault-host dma-fault hotplug reboot cpr two-smmus

# What comes of the cases with QEMU 11.1 in the emulated host
check-lab-peer: export LAB_PEER = 1
check-lab-peer: aarch64 all
	@scripts/install-deps lab
	@scripts/tap-sum lab-peer -- lab/run peer

# The QEMU in the emulated host once more, and all cases on it
check-lab-sanitizers: export LAB_SANITIZE = 1
check-lab-sanitizers: aarch64 all
	@scripts/install-deps lab
	@scripts/tap-sum lab-sanitizers -- lab/run check

soak: aarch64 all
	@scripts/install-deps lab
	@scripts/tap-sum soak -- lab/run soak $(CYCLES) $(REBOOTS)

check-objects: tree
	@scripts/install-deps builds
	@scripts/tap-sum objects -- scripts/check-builds --short $(BASE)

# Too long for each change: every build that the series promises.
check-builds:
	@MAKE="$(MAKE)" scripts/check linux windows

check-linux: tree
	@scripts/install-deps builds
	@scripts/tap-sum linux -- scripts/check-builds $(BASE)

check-windows: tree
	@scripts/install-deps windows
	@scripts/tap-sum windows -- scripts/check-windows $(BASE)

series: tree
	@$(SERIES) series

deb: tree
	@scripts/make-deb $(BASE)

deb-patches: tree
	@$(SERIES) deb

refresh: config
	@$(SERIES) refresh

tree: config
	@scripts/obtain-base $(BASE)
	@$(SERIES) apply

uninstall-deps:
	@scripts/install-deps --undo

clean:
	@[ ! -e build/lock ] || $(SERIES) claim
	rm -rf build/unit build/fuzz build/check build/log build/lab \
	    build/*/qemu-build build/*/qemu-configure build/*/check \
	    build/*/series build/*/deb-patches build/*/builds \
	    build/*/qemu-sanitizers* build/*/qemu-fuzz build/fuzz-guest build/*/base \
	    build/*/windows/[!s]* build/config.mk

distclean:
	@[ ! -d build ] || $(SERIES) unsaved
	rm -rf build

# A line of the text that `make help` prints starts with "#|".
help:
	@sed -n 's/^#| \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

#| The times are for two idle cores and an empty build/, the compiler cache is warm.
#|
#| Use
#|   make                      the patched QEMU (./configure --help for choices)     3 min
#|   make install              install it; DESTDIR is honoured
#|   make demo                 boot the emulated host and a guest, and show PASID
#|                             enabled in it; the first time 3 min, or 30 min of CPU
#|                             time with a cold compiler cache; then                 12 s
#|
#| Check
#|   make check                all that CI runs: the eight tiers below               35 min
#|   make check-unit           functions that need no QEMU, with ASan and UBSan       1 min
#|   make check-qtest          the patched QEMU on a model of the kernel              5 min
#|   make check-series         the patches: apply, round trip, style; each prefix
#|                             of the series compiles                                 7 min
#|   make check-objects        what the series touches: four targets, gcc, clang      2 min
#|   make check-sanitizers     the qtests, QEMU with ASan, LSan and UBSan             6 min
#|   make check-lab-sanitizers real Linux, KVM and guests on an emulated Arm host,
#|                             QEMU with ASan and UBSan                               9 min
#|   make check-lab-rest       the cases of the lab that sanitizers say nothing of
#|   make check-fuzz-guest     stored inputs of a guest, and FUZZ_SECONDS=30 of new   2 min
#|
#| Check more, outside CI
#|   make check-scripts        these scripts, in small clones; part of check-series   2 min
#|   make check-lab            all cases of the lab, without sanitizers              15 min
#|   make check-builds         everything linked for four targets, and for Windows;
#|                             check-linux and check-windows are its halves          60 min
#|   make check-lab-kernels    the lab with each Linux of LAB_KERNELS as the host    10 min each
#|   make check-lab-guests     guests with Debian's own kernels, by device tree and
#|                             by ACPI                                               10 min
#|   make check-lab-64k        host and guest with pages of 64K                        9 min
#|   make check-lab-peer       the lab's cases with Debian's QEMU 11.1 in the host    10 min
#|   make soak                 1000 hot-plugs and 100 reboots in the lab; CYCLES=,
#|                             REBOOTS=                                              40 min
#|   make fuzz                 functions that need no QEMU; SECONDS=600
#|   make fuzz-device          what a device and a host say; SECONDS=600
#|   make fuzz-guest           what a guest writes; SECONDS=600
#|
#| Measure
#|   make bench                against the plain way and the unpatched base           3 min
#|   make bench-lab            exits and ioctls of guests in the lab; LAB_PEER=1
#|                             beside Debian's QEMU 11.1                             10 min
#|   make coverage             lines of hw/vfio that the qtests reach
#|
#| Change and export the series
#|   make tree                 bring build/BASE/qemu to what the files say; FORCE=1
#|   make refresh              write the files from the commits in build/BASE/qemu;
#|                             FORCE=1
#|   make series               for `git am`, with a cover letter
#|   make deb-patches          for quilt, with DEP-3 headers
#|   make deb                  Debian packages, built and tried in clean chroots;
#|                             DEB_ARCH=, DEB_SUITE=                                 23 min
#|
#| Clean
#|   make clean                remove what was built; base and applied tree stay
#|   make distclean            remove build/, with the applied tree
#|   make uninstall-deps       remove the packages that were installed for all this
#|
#| The demo takes 3.4 GB in build/. Outside the clone are written
#| ~/.cache/qemu-vpasid, the compiler cache, and Debian packages.
