/*
 * Counter of what a guest's SMMUv3s cost QEMU: exits by register, commands of
 * the guest, ioctls
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Preloaded into a QEMU for arm64 with KVM, ours or another, it stands before
 * ioctl() and mmap(). The figures are 64-bit numbers in the file that
 * COUNTER_FILE names, which others may read at any time. They are in the order
 * of the enum below, and counts() of lab/bench/l1.sh has the same names.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/kvm.h>

enum {
    PROD,           /* exits for a write to CMDQ_PROD */
    CONS,           /* exits for a read of CMDQ_CONS */
    OTHER,          /* exits for any other register of an SMMU */
    COMMANDS,       /* commands that the guest put into a queue */
    SYNCS,          /* CMD_SYNCs among them */
    INVALIDATES,    /* calls of IOMMU_HWPT_INVALIDATE */
    ENTRIES,        /* commands that these had */
    IOMMUFD,        /* ioctls on /dev/iommu, those among them */
    VFIO,           /* ioctls on files of VFIO */
    LOST,           /* commands at an address where no memory is known */
    PROD_TICKS,     /* time from an exit for PROD to the next KVM_RUN */
    IOCTL_TICKS,    /* time in IOMMU_HWPT_INVALIDATE */
    TICKS_PER_S,    /* of CNTVCT, which measures both */
    FIGURES
};

/* Where virt has its platform bus, and what an SMMUv3 takes of it */
#define SMMU_FIRST      0x0c000000
#define SMMU_END        0x0e000000
#define SMMU_SIZE       0x20000
#define SMMUS           ((SMMU_END - SMMU_FIRST) / SMMU_SIZE)

/* IHI0070: 6.3 for the registers, 4.1 for the commands */
#define CMDQ_BASE       0x90
#define CMDQ_PROD       0x98
#define CMDQ_CONS       0x9c
#define CMDQ_ADDR       0x000fffffffffffe0ull
#define CMDQ_LOG2SIZE   0x1f
#define COMMAND_SIZE    16
#define CMD_SYNC        0x46

/* VFIO and iommufd share a type of ioctls, and have a part of its numbers */
#define IOMMU_TYPE      ';'
#define IOMMUFD_FIRST   0x80
#define INVALIDATE      0x8d
/* In 32-bit words, where struct iommu_hwpt_invalidate has entry_num */
#define ENTRY_NUM       6

#define VCPUS           16
#define SLOTS           512

static uint64_t *figures;
static struct {
    int fd;
    struct kvm_run *run;
} vcpus[VCPUS];
static int n_vcpus;
static struct kvm_userspace_memory_region slots[SLOTS];
static struct {
    uint64_t base;
    uint32_t prod;
} queues[SMMUS];

/* The vCPU that this thread runs: since when it has been here, and why */
static __thread uint64_t exited;
static __thread bool exited_for_prod;

static void add(int figure, uint64_t count)
{
    __atomic_fetch_add(&figures[figure], count, __ATOMIC_RELAXED);
}

static uint64_t now(void)
{
    uint64_t ticks;

    asm volatile("isb; mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
}

static void __attribute__((constructor)) start(void)
{
    size_t size = FIGURES * sizeof(*figures);
    const char *name = getenv("COUNTER_FILE");
    int fd = name ? open(name, O_RDWR | O_CREAT | O_TRUNC, 0644) : -1;

    if (fd < 0) {
        return;
    }
    if (!ftruncate(fd, size)) {
        figures = (void *)syscall(SYS_mmap, 0, size, PROT_READ | PROT_WRITE,
                                  MAP_SHARED, fd, 0);
        if (figures == MAP_FAILED) {
            figures = NULL;
        }
    }
    close(fd);
    if (figures) {
        asm volatile("mrs %0, cntfrq_el0" : "=r"(figures[TICKS_PER_S]));
    }
}

/* Where in this process a piece of the guest's memory is */
static uint8_t *guest_memory(uint64_t address, uint64_t size)
{
    for (int i = 0; i < SLOTS; i++) {
        uint64_t offset = address - slots[i].guest_phys_addr;

        if (offset < slots[i].memory_size &&
            size <= slots[i].memory_size - offset) {
            return (uint8_t *)slots[i].userspace_addr + offset;
        }
    }
    return NULL;
}

/* The guest says that its queue goes on up to a new PROD. */
static void take_commands(unsigned smmu, uint32_t prod)
{
    uint64_t base = queues[smmu].base & CMDQ_ADDR;
    uint32_t size = 1u << (queues[smmu].base & CMDQ_LOG2SIZE);
    uint32_t wrap = 2 * size - 1;
    uint32_t at = queues[smmu].prod;

    for (; at != (prod & wrap); at = (at + 1) & wrap) {
        uint64_t offset = (uint64_t)(at & (size - 1)) * COMMAND_SIZE;
        uint8_t *command = guest_memory(base + offset, COMMAND_SIZE);

        add(COMMANDS, 1);
        if (!command) {
            add(LOST, 1);
        } else if (*command == CMD_SYNC) {
            add(SYNCS, 1);
        }
    }
    queues[smmu].prod = at;
}

static void take_exit(const struct kvm_run *run)
{
    uint64_t address = run->mmio.phys_addr;
    unsigned smmu = (address - SMMU_FIRST) / SMMU_SIZE;
    uint64_t value = 0;

    if (run->exit_reason != KVM_EXIT_MMIO ||
        address < SMMU_FIRST || address >= SMMU_END) {
        return;
    }
    memcpy(&value, run->mmio.data, sizeof(value));
    address = (address - SMMU_FIRST) % SMMU_SIZE;
    if (address == CMDQ_PROD && run->mmio.is_write) {
        add(PROD, 1);
        take_commands(smmu, value);
        exited_for_prod = true;
        return;
    }
    if (address == CMDQ_CONS && !run->mmio.is_write) {
        add(CONS, 1);
        return;
    }
    add(OTHER, 1);
    if (!run->mmio.is_write) {
        return;
    }
    /* Linux writes it at once, firmware in halves if at all. */
    if (address == CMDQ_BASE && run->mmio.len == 8) {
        queues[smmu].base = value;
        queues[smmu].prod = 0;
    }
}

static long run_vcpu(int fd, unsigned long request, long argument)
{
    long result;

    if (exited && exited_for_prod) {
        add(PROD_TICKS, now() - exited);
    }
    exited_for_prod = false;
    result = syscall(SYS_ioctl, fd, request, argument);
    for (int i = 0; result >= 0 && i < n_vcpus; i++) {
        if (vcpus[i].fd == fd && vcpus[i].run) {
            take_exit(vcpus[i].run);
        }
    }
    exited = now();
    return result;
}

static void take_slot(const struct kvm_userspace_memory_region *region)
{
    if ((region->slot & 0xffff) < SLOTS) {
        slots[region->slot & 0xffff] = *region;
    }
}

int ioctl(int fd, unsigned long request, ...)
{
    uint8_t type = request >> 8, number = request;
    uint64_t started = 0;
    va_list list;
    long argument, result;

    va_start(list, request);
    argument = va_arg(list, long);
    va_end(list);
    if (!figures) {
        return syscall(SYS_ioctl, fd, request, argument);
    }
    if (request == KVM_RUN) {
        return run_vcpu(fd, request, argument);
    }
    if (type == IOMMU_TYPE) {
        add(number >= IOMMUFD_FIRST ? IOMMUFD : VFIO, 1);
        if (number == INVALIDATE) {
            add(INVALIDATES, 1);
            add(ENTRIES, ((uint32_t *)argument)[ENTRY_NUM]);
            started = now();
        }
    }
    result = syscall(SYS_ioctl, fd, request, argument);
    if (started) {
        int error = errno;

        add(IOCTL_TICKS, now() - started);
        errno = error;
    }
    if (result < 0) {
        return result;
    }
    if (request == KVM_CREATE_VCPU && n_vcpus < VCPUS) {
        vcpus[n_vcpus++].fd = result;
    } else if (type == KVMIO &&
               (number == (uint8_t)KVM_SET_USER_MEMORY_REGION ||
                number == 0x49 /* the same with more behind it */)) {
        take_slot((void *)argument);
    }
    return result;
}

static void *map(void *address, size_t length, int protection, int flags,
                 int fd, off_t offset)
{
    void *result = (void *)syscall(SYS_mmap, address, length, protection,
                                   flags, fd, offset);

    for (int i = 0; result != MAP_FAILED && i < n_vcpus; i++) {
        if (vcpus[i].fd == fd && !offset && !vcpus[i].run) {
            vcpus[i].run = result;
        }
    }
    return result;
}

void *mmap(void *address, size_t length, int protection, int flags, int fd,
           off_t offset)
{
    return map(address, length, protection, flags, fd, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd,
             off_t offset)
{
    return map(address, length, protection, flags, fd, offset);
}
