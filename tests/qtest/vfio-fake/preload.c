/*
 * Model of VFIO and iommufd: functions of the C library that it replaces
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Replaced are ioctl() with the uAPI's type, pread(), pwrite() and mmap() of a
 * device file (config space is modelled, other regions are the file's own
 * memory, and can fail), read() of a vEVENTQ or a fault queue, write() to the
 * latter, close() of any of these, and open(), fstat() and realpath() of device
 * files, /dev/iommu and the test's sysfs folder. All other calls go to the C
 * library. A descriptor is recognised by its file, so that descriptors of any
 * origin work.
 *
 * Under ASan the sanitizer's runtime has to come first in the list of loaded
 * objects and this is not: run with ASAN_OPTIONS=verify_asan_link_order=0.
 */

/* Both names of each call are defined here: the headers must not rename any */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#define _LARGEFILE64_SOURCE

#include "fake.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

/* Major number of a VFIO device file in the fake's world */
#define VF_CDEV_MAJOR 511

#define VF_CONFIG_START \
    ((uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << VF_REGION_SHIFT)

typedef enum FdKind {
    FD_OTHER,
    FD_DEVICE,
    FD_CTX,
} FdKind;

static int (*real_ioctl)(int, unsigned long, ...);
static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static int (*real_fstat)(int, struct stat *);
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pread)(int, void *, size_t, off64_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static char *(*real_realpath)(const char *, char *);

/* Calls arrive before any constructor ran: resolve at the first of them */
static void resolve(void)
{
    if (real_ioctl) {
        return;
    }
    real_open = dlsym(RTLD_NEXT, "open64");
    real_close = dlsym(RTLD_NEXT, "close");
    real_fstat = dlsym(RTLD_NEXT, "fstat64");
    real_read = dlsym(RTLD_NEXT, "read");
    real_write = dlsym(RTLD_NEXT, "write");
    real_pread = dlsym(RTLD_NEXT, "pread64");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_realpath = dlsym(RTLD_NEXT, "realpath");
    real_ioctl = dlsym(RTLD_NEXT, "ioctl");
}

int vf_real_close(int fd)
{
    return real_close(fd);
}

long vf_real_read(int fd, void *buf, size_t size)
{
    return real_read(fd, buf, size);
}

int vf_real_fstat(int fd, struct stat *st)
{
    return real_fstat(fd, st);
}

int vf_dup_device(uint32_t dev)
{
    return fcntl(vf->device[dev].file_fd, F_DUPFD_CLOEXEC, 0);
}

static FdKind classify(int fd, uint32_t *unit)
{
    struct stat st;

    if (!vf || fd < 0 || real_fstat(fd, &st)) {
        return FD_OTHER;
    }
    for (uint32_t i = 0; i < VF_MAX_CTX; i++) {
        if (vf->ctx[i].used && vf->ctx[i].st_ino == st.st_ino &&
            vf->ctx[i].st_dev == st.st_dev) {
            *unit = i;
            return FD_CTX;
        }
    }
    for (uint32_t i = 0; i < VF_MAX_DEVICES; i++) {
        if (vf->device[i].present && vf->device[i].st_ino == st.st_ino &&
            vf->device[i].st_dev == st.st_dev) {
            *unit = i;
            return FD_DEVICE;
        }
    }
    return FD_OTHER;
}

static void note_user(VfDevice *d, int fd)
{
    if (d->pid != getpid()) {
        d->other_fd = d->fd;
        d->other_pid = d->pid;
    }
    d->fd = fd;
    d->pid = getpid();
}

/*
 * The kernel closes a device when the last process does that has it. With CPR
 * these are two, until one of them has gone.
 */
static bool used_by_other(VfDevice *d)
{
    if (d->pid == getpid()) {
        d->fd = d->other_fd;
        d->pid = d->other_pid;
    }
    d->other_pid = 0;
    return d->pid && !kill(d->pid, 0);
}

/*
 * A process that makes way for another one by execve() closes what is marked
 * FD_CLOEXEC without a call that could be taken over.
 */
static void close_after_exec(void)
{
    vf_lock();
    for (uint32_t i = 0; i < VF_MAX_DEVICES; i++) {
        VfDevice *d = &vf->device[i];
        uint32_t unit;

        if (d->obj_id && d->pid == getpid() &&
            (classify(d->fd, &unit) != FD_DEVICE || unit != i)) {
            vf_device_closed(i);
        }
    }
    vf_ctx_reap();
    vf_unlock();
}

static __attribute__((constructor)) void vf_start(void)
{
    resolve();
    vf_state_init();
    if (vf) {
        close_after_exec();
    }
}

int vf_ctx_of_fd(int fd)
{
    uint32_t unit;

    return classify(fd, &unit) == FD_CTX ? (int)unit : -1;
}

static long result(long ret)
{
    if (ret < 0) {
        errno = -ret;
        return -1;
    }
    return ret;
}

static void spend(uint32_t ns)
{
    struct timespec start, now;

    if (!ns) {
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - start.tv_sec) * 1000000000ll +
             now.tv_nsec - start.tv_nsec < ns);
}

/* Find the buffer that an answer points to; returns its size */
static uint32_t behind_answer(unsigned long nr, void *arg, void **behind)
{
    if (nr == IOMMU_IOAS_IOVA_RANGES) {
        struct iommu_ioas_iova_ranges *cmd = arg;

        *behind = (void *)(uintptr_t)cmd->allowed_iovas;
        return cmd->num_iovas * sizeof(struct iommu_iova_range);
    }
    if (nr == IOMMU_GET_HW_INFO) {
        struct iommu_hw_info *cmd = arg;

        *behind = (void *)(uintptr_t)cmd->data_uptr;
        return cmd->data_len;
    }
    *behind = NULL;
    return 0;
}

/* Does the call take a structure with its size in front? */
static bool has_answer(VfOp op, unsigned long nr)
{
    return op != VF_OP_RESET && op != VF_OP_DEVICE_OTHER && op != VF_OP_GROUP &&
           (op != VF_OP_CONTAINER || nr == VFIO_IOMMU_GET_INFO);
}

VF_PUBLIC int ioctl(int fd, unsigned long nr, ...)
{
    uint32_t room = 0, behind_room = 0;
    void *behind = NULL;
    unsigned long arg;
    uint32_t unit = 0;
    FdKind kind;
    VfLog *log;
    va_list ap;
    int ret;

    va_start(ap, nr);
    arg = va_arg(ap, unsigned long);
    va_end(ap);
    resolve();
    if (!vf || _IOC_TYPE(nr) != VFIO_TYPE) {
        return real_ioctl(fd, nr, arg);
    }
    kind = classify(fd, &unit);
    if (kind == FD_OTHER && vf_group_op(fd) == VF_OP_NONE) {
        return real_ioctl(fd, nr, arg);
    }
    vf_lock();
    if (arg && has_answer(kind == FD_CTX ? vf_iommufd_op(nr) :
                   kind == FD_DEVICE ? vf_device_op(nr) : vf_group_op(fd),
                   nr)) {
        room = *(uint32_t *)arg;
        behind_room = behind_answer(nr, (void *)arg, &behind);
    }
    if (kind == FD_CTX) {
        log = vf_log(vf_iommufd_op(nr), unit, nr);
        ret = vf_iommufd_ioctl(unit, nr, (void *)arg, log);
    } else if (kind == FD_DEVICE) {
        log = vf_log(vf_device_op(nr), unit, nr);
        note_user(&vf->device[unit], fd);
        ret = vf_device_ioctl(unit, fd, nr, (void *)arg, log);
    } else {
        log = vf_log(vf_group_op(fd), 0, nr);
        ret = vf_group_ioctl(fd, nr, arg);
    }
    /* With these the kernel has written to the structure */
    if (room && (ret >= 0 || ret == -EMSGSIZE || ret == -ENOSPC)) {
        ret = vf_change_answer(log, (void *)arg, room, behind, behind_room,
                               ret);
    }
    log->err = ret < 0 ? -ret : 0;
    vf_unlock();
    spend(vf->ioctl_ns);
    return result(ret);
}

static int open_iommufd(void)
{
    int fd = memfd_create("iommu", MFD_CLOEXEC);
    struct stat st;

    if (fd < 0 || real_fstat(fd, &st)) {
        return -EMFILE;
    }
    for (int i = 0; i < VF_MAX_CTX; i++) {
        if (!vf->ctx[i].used) {
            vf->ctx[i].used = 1;
            vf->ctx[i].by_path = 1;
            vf->ctx[i].closed = 0;
            vf->ctx[i].st_dev = st.st_dev;
            vf->ctx[i].st_ino = st.st_ino;
            return fd;
        }
    }
    real_close(fd);
    return -EMFILE;
}

static int open_device(unsigned int minor)
{
    for (uint32_t i = 0; i < VF_MAX_DEVICES; i++) {
        if (vf->device[i].present && vf->device[i].minor == minor) {
            return vf_dup_device(i);
        }
    }
    return -ENOENT;
}

/* Returns: a descriptor, a negative errno, or INT_MIN for a path of others */
static int open_fake(const char *path)
{
    unsigned int number;
    int ret = INT_MIN;
    char end;

    if (!vf || strncmp(path, "/dev/", 5)) {
        return INT_MIN;
    }
    vf_lock();
    if (!strcmp(path, "/dev/iommu")) {
        ret = vf->no_cdev ? -ENOENT : open_iommufd();
    } else if (!strcmp(path, "/dev/vfio/vfio")) {
        ret = vf_container_open();
    } else if (sscanf(path, "/dev/vfio/devices/vfio%u%c", &number,
                      &end) == 1) {
        ret = vf->no_cdev ? -ENOENT : open_device(number);
    } else if (sscanf(path, "/dev/vfio/%u%c", &number, &end) == 1) {
        ret = vf_group_open(number);
    }
    if (ret != INT_MIN) {
        VfLog *log = vf_log(VF_OP_OPEN, 0, 0);
        int err = vf_should_fail(VF_OP_OPEN, NULL);

        if (err && ret >= 0) {
            real_close(ret);
            ret = err;
        }
        log->err = ret < 0 ? -ret : 0;
    }
    vf_unlock();
    return ret;
}

static int open_any(const char *path, int flags, mode_t mode)
{
    int fd = open_fake(path);

    resolve();
    return fd != INT_MIN ? result(fd) : real_open(path, flags, mode);
}

#define OPEN(name)                                      \
    VF_PUBLIC int name(const char *path, int flags, ...)\
    {                                                   \
        mode_t mode = 0;                                \
        va_list ap;                                     \
                                                        \
        if (flags & (O_CREAT | __O_TMPFILE)) {          \
            va_start(ap, flags);                        \
            mode = va_arg(ap, mode_t);                  \
            va_end(ap);                                 \
        }                                               \
        return open_any(path, flags, mode);             \
    }

OPEN(open)
OPEN(open64)

/* Called by fortified code that passes no mode */
VF_PUBLIC int __open_2(const char *path, int flags)
{
    return open_any(path, flags, 0);
}

VF_PUBLIC int __open64_2(const char *path, int flags)
{
    return open_any(path, flags, 0);
}

VF_PUBLIC int close(int fd)
{
    uint32_t unit = 0;
    FdKind kind;
    int ret;

    resolve();
    if (!vf || fd < 0) {
        return real_close(fd);
    }
    kind = classify(fd, &unit);
    if (kind != FD_OTHER || vf_is_group_fd(fd) || vf_queue_of_fd(fd) >= 0) {
        vf_lock();
        vf_log(VF_OP_CLOSE, unit, 0)->arg[0] = kind;
        vf->calls[VF_OP_CLOSE]++;
        if (kind == FD_DEVICE) {
            if (!used_by_other(&vf->device[unit])) {
                vf_device_closed(unit);
            }
        } else if (kind == FD_CTX && vf->ctx[unit].by_path) {
            vf->ctx[unit].closed = 1;
        }
        vf_queue_closed(fd);
        vf_group_closed(fd);
        ret = real_close(fd) ? -errno : 0;
        vf_ctx_reap();
        vf_unlock();
        return result(ret);
    }
    return real_close(fd);
}

static int fstat_any(int fd, struct stat *st)
{
    uint32_t unit;
    int ret;

    resolve();
    ret = real_fstat(fd, st);
    if (!ret && vf && classify(fd, &unit) == FD_DEVICE) {
        st->st_mode = S_IFCHR | 0600;
        st->st_rdev = makedev(VF_CDEV_MAJOR, vf->device[unit].minor);
    }
    return ret;
}

VF_PUBLIC int fstat(int fd, struct stat *st)
{
    return fstat_any(fd, st);
}

/* On every 64-bit Linux both structures are the same */
VF_PUBLIC int fstat64(int fd, struct stat64 *st)
{
    return fstat_any(fd, (struct stat *)st);
}

VF_PUBLIC ssize_t read(int fd, void *buf, size_t size)
{
    VfRule *rule = NULL;
    int queue;
    long ret;
    VfOp op;

    resolve();
    queue = vf ? vf_queue_of_fd(fd) : -1;
    if (queue < 0) {
        return real_read(fd, buf, size);
    }
    vf_lock();
    op = vf->eventq[queue].faults ? VF_OP_FAULT_READ : VF_OP_EVENT_READ;
    ret = vf_should_fail(op, &rule);
    if (!ret) {
        ret = op == VF_OP_EVENT_READ ? vf_veventq_read(queue, buf, size) :
              vf_fault_read(queue, buf, size, rule ? rule->done : size);
        if (rule && ret > (long)rule->done) {
            ret = rule->done;
        }
    }
    vf_log(op, queue, 0)->err = ret < 0 ? -ret : 0;
    vf_unlock();
    return result(ret);
}

VF_PUBLIC ssize_t write(int fd, const void *buf, size_t size)
{
    VfLog *log;
    int queue;
    long ret;

    resolve();
    queue = vf ? vf_queue_of_fd(fd) : -1;
    if (queue < 0) {
        return real_write(fd, buf, size);
    }
    vf_lock();
    log = vf_log(VF_OP_FAULT_WRITE, queue, 0);
    ret = vf_should_fail(VF_OP_FAULT_WRITE, NULL);
    if (!ret) {
        /* A vEVENTQ cannot be written */
        ret = vf->eventq[queue].faults ?
              vf_fault_write(queue, buf, size, log) : -EINVAL;
    }
    log->err = ret < 0 ? -ret : 0;
    vf_unlock();
    return result(ret);
}

/* Called by fortified code that knows the size of its buffer */
VF_PUBLIC ssize_t __read_chk(int fd, void *buf, size_t size, size_t room)
{
    return read(fd, buf, size);
}

static bool is_config(off64_t offset)
{
    return (uint64_t)offset >= VF_CONFIG_START &&
           (uint64_t)offset < VF_CONFIG_START + (1ull << VF_REGION_SHIFT);
}

static ssize_t config_any(uint32_t dev, VfDirection direction, off64_t offset,
                          void *buf, size_t size)
{
    long ret;

    vf_lock();
    ret = vf_config_access(dev, direction, offset - VF_CONFIG_START, buf,
                           size);
    vf_unlock();
    return result(ret);
}

/* Returns: 0, or the negative errno that an access to a region fails with */
static int region_any(VfOp op, uint32_t dev, off64_t offset, size_t size)
{
    VfLog *log;
    int ret;

    vf_lock();
    log = vf_log(op, dev, 0);
    log->arg[0] = offset;
    log->arg[1] = size;
    ret = vf_should_fail(op, NULL);
    log->err = -ret;
    vf_unlock();
    return ret;
}

VF_PUBLIC ssize_t pread64(int fd, void *buf, size_t size, off64_t offset)
{
    uint32_t dev;
    int ret;

    resolve();
    if (classify(fd, &dev) != FD_DEVICE) {
        return real_pread(fd, buf, size, offset);
    }
    if (is_config(offset)) {
        return config_any(dev, VF_READ, offset, buf, size);
    }
    ret = region_any(VF_OP_REGION_READ, dev, offset, size);
    return ret ? result(ret) : real_pread(fd, buf, size, offset);
}

VF_PUBLIC ssize_t pread(int fd, void *buf, size_t size, off_t offset)
{
    return pread64(fd, buf, size, offset);
}

VF_PUBLIC ssize_t __pread64_chk(int fd, void *buf, size_t size, off64_t offset,
                                size_t room)
{
    return pread64(fd, buf, size, offset);
}

VF_PUBLIC ssize_t pwrite64(int fd, const void *buf, size_t size,
                           off64_t offset)
{
    uint32_t dev;
    int ret;

    resolve();
    if (classify(fd, &dev) != FD_DEVICE) {
        return real_pwrite(fd, buf, size, offset);
    }
    if (is_config(offset)) {
        return config_any(dev, VF_WRITE, offset, (void *)buf, size);
    }
    ret = region_any(VF_OP_REGION_WRITE, dev, offset, size);
    return ret ? result(ret) : real_pwrite(fd, buf, size, offset);
}

VF_PUBLIC ssize_t pwrite(int fd, const void *buf, size_t size, off_t offset)
{
    return pwrite64(fd, buf, size, offset);
}

/* By system call: dlsym() for the next mmap() would allocate memory itself */
static void *mmap_any(void *addr, size_t size, int prot, int flags, int fd,
                      off64_t offset)
{
    uint32_t dev;
    int ret;

    if (!(flags & MAP_ANONYMOUS) && classify(fd, &dev) == FD_DEVICE) {
        ret = region_any(VF_OP_MMAP, dev, offset, size);
        if (ret) {
            errno = -ret;
            return MAP_FAILED;
        }
    }
    return (void *)syscall(SYS_mmap, addr, size, prot, flags, fd, offset);
}

VF_PUBLIC void *mmap(void *addr, size_t size, int prot, int flags, int fd,
                     off_t offset)
{
    return mmap_any(addr, size, prot, flags, fd, offset);
}

VF_PUBLIC void *mmap64(void *addr, size_t size, int prot, int flags, int fd,
                       off64_t offset)
{
    return mmap_any(addr, size, prot, flags, fd, offset);
}

/* The test's sysfs may name folders that only a real sysfs has */
VF_PUBLIC char *realpath(const char *path, char *resolved)
{
    char target[PATH_MAX];
    char *ret;
    ssize_t len;

    resolve();
    ret = real_realpath(path, resolved);
    if (ret || !vf || !vf->sysfs[0] ||
        strncmp(path, vf->sysfs, strlen(vf->sysfs))) {
        return ret;
    }
    len = readlink(path, target, sizeof(target) - 1);
    if (len < 0) {
        return NULL;
    }
    target[len] = '\0';
    return resolved ? strcpy(resolved, target) : strdup(target);
}
