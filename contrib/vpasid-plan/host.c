/*
 * Checks of a host and of its devices
 *
 * The files are those of Linux's Documentation/ABI/testing/sysfs-bus-pci,
 * sysfs-kernel-iommu_groups and sysfs-class-iommu.
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#include "host.h"
#include "host-faults.h"
#include "sysfs.h"

#define IOMMUFD     "/dev/iommu"
#define CONFIG_GZ   "/proc/config.gz"
#define OPTION_SVA  "ARM_SMMU_V3_SVA"
/* Class of a bridge, in the file "class" (PCI 3.0, appendix D.7) */
#define CLASS_BRIDGE    "0x06"
/* Linux's name for a host SMMUv3 begins so */
#define SMMUV3_NAME     "smmu3."

/* CONFIG_*; page faults need one more, of which host_faults_check() tells */
static const char *const options[] = {
    "IOMMUFD", "VFIO_PCI", "VFIO_DEVICE_CDEV", "PCI_PASID", "ARM_SMMU_V3",
    "ARM_SMMU_V3_IOMMUFD", "KVM",
};

/*
 * Linux 6.13 has vIOMMUs, which an accelerated SMMUv3 is made of, and from
 * 6.15 on IOMMU_GET_HW_INFO reports PASID. Before 6.19 a device behind a port,
 * where the lines of --args have it, cannot be attached ahead of the guest's
 * tables: its StreamID is not known until the guest numbers the port's bus.
 */
enum {
    LINUX_VIOMMU = 13,
    LINUX_PASID = 15,
    LINUX_PORT = 19,
};
#define USE_LINUX   "use Linux 7.2 or later"

static char *host_path(const char *root, const char *path)
{
    return g_strconcat(root, path, NULL);
}

/* The first line of a file, or NULL */
static char *read_line(const char *dir, const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    char *text;

    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        return NULL;
    }
    text[strcspn(text, "\n")] = '\0';
    return text;
}

/* The last part of where a link leads, or NULL */
static char *link_name(const char *dir, const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autofree char *target = g_file_read_link(path, NULL);

    return target ? g_path_get_basename(target) : NULL;
}

static void check_linux(const char *release, GPtrArray *checks)
{
    unsigned major, minor;

    if (!release || sscanf(release, "%u.%u", &major, &minor) != 2) {
        check_add(checks, "Linux", CHECK_UNKNOWN, NULL,
                  "its version could not be read");
    } else if (major > 6 || (major == 6 && minor >= LINUX_PORT)) {
        check_add(checks, "Linux", CHECK_GOOD, NULL, "%s", release);
    } else if (major == 6 && minor >= LINUX_PASID) {
        check_add(checks, "Linux", CHECK_REFUSED, USE_LINUX,
                  "%s, which refuses a device behind a port", release);
    } else if (major == 6 && minor >= LINUX_VIOMMU) {
        check_add(checks, "Linux", CHECK_BAD, USE_LINUX,
                  "%s, which does not report PASID to QEMU", release);
    } else {
        check_add(checks, "Linux", CHECK_REFUSED, USE_LINUX,
                  "%s, which has no nested translation", release);
    }
}

/*
 * Removes from @left each option that the file says is on. A file that cannot
 * be read to its end says nothing of the others.
 */
static bool read_options(const char *path, GPtrArray *left)
{
    gzFile file = gzopen(path, "rb");
    char line[256];
    int status;

    if (!file) {
        return false;
    }
    while (gzgets(file, line, sizeof(line))) {
        for (unsigned i = 0; i < left->len; i++) {
            const char *option = g_ptr_array_index(left, i);
            size_t length = strlen(option);

            if (g_str_has_prefix(line, "CONFIG_") &&
                !strncmp(line + strlen("CONFIG_"), option, length) &&
                (!strcmp(line + strlen("CONFIG_") + length, "=y\n") ||
                 !strcmp(line + strlen("CONFIG_") + length, "=m\n"))) {
                g_ptr_array_remove_index(left, i);
                break;
            }
        }
    }
    gzerror(file, &status);
    gzclose(file);
    return status == Z_OK || status == Z_STREAM_END;
}

/*
 * Removes from @left each option of the kernel that is on. Returns the file
 * that says so, freed by the caller, or NULL if there is none.
 */
static char *find_options(const char *root, const char *release,
                          GPtrArray *left)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(paths, host_path(root, CONFIG_GZ));
    if (release) {
        g_ptr_array_add(paths, g_strconcat(root, "/boot/config-", release,
                                           NULL));
        g_ptr_array_add(paths, g_strconcat(root, "/lib/modules/", release,
                                           "/config", NULL));
    }
    for (unsigned i = 0; i < paths->len; i++) {
        if (read_options(g_ptr_array_index(paths, i), left)) {
            return g_strdup(g_ptr_array_index(paths, i));
        }
    }
    return NULL;
}

static void check_options(const char *root, const char *release,
                          GPtrArray *checks)
{
    g_autoptr(GPtrArray) left = g_ptr_array_new();
    g_autofree char *path = NULL;

    for (unsigned i = 0; i < G_N_ELEMENTS(options); i++) {
        g_ptr_array_add(left, (void *)options[i]);
    }
    path = find_options(root, release, left);
    if (!path) {
        check_add(checks, "kernel options", CHECK_UNKNOWN, NULL,
                  "%s" CONFIG_GZ " cannot be read, and there is none in /boot",
                  root);
    } else if (!left->len) {
        check_add(checks, "kernel options", CHECK_GOOD, NULL,
                  "all are on in %s", path);
    } else {
        g_autofree char *names = NULL;

        g_ptr_array_add(left, NULL);
        names = g_strjoinv(" CONFIG_", (char **)left->pdata);
        check_add(checks, "kernel options", CHECK_BAD,
                  "use a kernel that is built with them; Debian's are not",
                  "off in %s: CONFIG_%s", path, names);
    }
}

/* Remedy for a file or a call that fails with an errno */
static const char *remedy_for(int error, const char *absent, const char *busy)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENODEV:
    case ENXIO:
        return absent;
    case EBUSY:
    case EINVAL:
        return busy;
    case EACCES:
    case EPERM:
        return "run as root, or give QEMU's user read and write access to it";
    case ENOTTY:
        return USE_LINUX;
    default:
        return "look into the kernel's log (dmesg)";
    }
}

/* Returns the descriptor of a device file, or -1 with a check that says why */
static int open_device(const char *root, const char *file, const char *name,
                       const char *absent, GPtrArray *checks)
{
    g_autofree char *path = host_path(root, file);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int error = errno;

    if (fd < 0) {
        check_add(checks, name, CHECK_BAD,
                  remedy_for(error, absent, "end the program that uses it"),
                  "%s: %s", path, g_strerror(error));
    }
    return fd;
}

/* Returns a descriptor of iommufd, or -1 */
static int open_iommufd(const char *root, GPtrArray *checks)
{
    return open_device(root, IOMMUFD, "iommufd", "load the module iommufd; "
                       "without it the kernel lacks CONFIG_IOMMUFD", checks);
}

/* CAP_IPC_LOCK is effective, which is what the kernel asks for */
static bool locks_without_limit(void)
{
    struct __user_cap_header_struct header = {
        .version = _LINUX_CAPABILITY_VERSION_3,
    };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { };

    return !syscall(SYS_capget, &header, data) &&
           (data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective &
            CAP_TO_MASK(CAP_IPC_LOCK));
}

/*
 * iommufd counts pinned memory of a guest, which is all of it, and sums up what
 * all processes of a user pin.
 */
static void check_memlock(GPtrArray *checks)
{
    bool unlimited = locks_without_limit();
    struct rlimit limit;

    if (getrlimit(RLIMIT_MEMLOCK, &limit)) {
        check_add(checks, "locked memory", CHECK_UNKNOWN, NULL, "%s",
                  g_strerror(errno));
    } else if (limit.rlim_cur == RLIM_INFINITY || unlimited) {
        check_add(checks, "locked memory", CHECK_GOOD, NULL, "no limit%s",
                  limit.rlim_cur == RLIM_INFINITY ? "" :
                  " with CAP_IPC_LOCK");
    } else {
        check_add(checks, "locked memory", CHECK_UNKNOWN,
                  "raise it with ulimit -l, or LimitMEMLOCK= of the service",
                  "%" PRIu64 " MiB, which has to hold the memory of all guests "
                  "of this user",
                  (uint64_t)limit.rlim_cur >> 20);
    }
}

/* The release that uname has, too, freed by the caller; NULL if not known */
static char *linux_release(const char *root)
{
    g_autofree char *proc = host_path(root, "/proc");
    g_autofree char *version = read_line(proc, "version");
    /* "Linux version 7.3.4 (..." */
    g_auto(GStrv) words = g_strsplit(version ?: "", " ", 4);

    return g_strv_length(words) > 2 ? g_strdup(words[2]) : NULL;
}

static CheckVerdict has_sva(const char *root)
{
    g_autofree char *release = linux_release(root);
    g_autoptr(GPtrArray) left = g_ptr_array_new();
    g_autofree char *path = NULL;

    g_ptr_array_add(left, (void *)OPTION_SVA);
    path = find_options(root, release, left);
    return !path ? CHECK_UNKNOWN : left->len ? CHECK_BAD : CHECK_GOOD;
}

GPtrArray *host_check(const char *root)
{
    g_autofree char *release = linux_release(root);
    GPtrArray *checks = check_list_new();
    int iommufd;

    check_linux(release, checks);
    check_options(root, release, checks);
    iommufd = open_iommufd(root, checks);
    if (iommufd >= 0) {
        check_add(checks, "iommufd", CHECK_GOOD, NULL, "%s" IOMMUFD, root);
        close(iommufd);
    }
    check_memlock(checks);
    return checks;
}

static void check_capability(const Plan *plan, GPtrArray *checks)
{
    if (plan->result == PLAN_UNKNOWN) {
        check_add(checks, "capability", CHECK_UNKNOWN, plan->remedy, "%s",
                  plan->reason);
    } else if (plan->is_bridge) {
        check_add(checks, "capability", CHECK_REFUSED,
                  "name the devices behind it", "%s", plan->reason);
    } else if (plan->result != PLAN_FINE || !plan->has_pasid) {
        check_add(checks, "capability", CHECK_BAD, NULL, "%s", plan->reason);
    } else {
        check_add(checks, "capability", CHECK_GOOD, NULL, "at 0x%x: %s",
                  plan->choice.offset, plan->reason);
    }
}

/* The VFIO device of a device, as in "vfio0"; NULL if it has none */
static char *vfio_device(const char *dir)
{
    g_autofree char *path = g_build_filename(dir, "vfio-dev", NULL);
    g_autoptr(GDir) entries = g_dir_open(path, 0, NULL);
    const char *entry = entries ? g_dir_read_name(entries) : NULL;

    return g_strdup(entry);
}

/* Returns the path of the device's file below /dev, or NULL */
static char *check_driver(const char *dir, const char *name, bool managed,
                          GPtrArray *checks)
{
    g_autofree char *driver = link_name(dir, "driver");
    g_autofree char *vfio = vfio_device(dir);
    g_autofree char *number = vfio ?
        g_build_filename(dir, "vfio-dev", vfio, "dev", NULL) : NULL;

    if (vfio && g_file_test(number, G_FILE_TEST_EXISTS)) {
        check_add(checks, "driver", CHECK_GOOD, NULL, "%s",
                  driver ?: "a VFIO driver");
        return g_build_filename("/dev/vfio/devices", vfio, NULL);
    }
    if (vfio) {
        check_add(checks, "driver", CHECK_BAD, "use a kernel that is built "
                  "with CONFIG_VFIO_DEVICE_CDEV",
                  "%s, but %s has no device number",
                  driver ?: "a VFIO driver", vfio);
    } else if (managed) {
        check_add(checks, "driver", CHECK_GOOD, NULL, "bound by libvirt");
    } else if (driver && strstr(driver, "vfio")) {
        check_add(checks, "driver", CHECK_BAD,
                  "look into the kernel's log (dmesg)",
                  "%s has made no VFIO device", driver);
    } else {
        g_autofree char *remedy = g_strdup_printf(
            "driverctl set-override %s vfio-pci", name);

        check_add(checks, "driver", CHECK_BAD, remedy, "%s",
                  driver ?: "none is bound");
    }
    return NULL;
}

static void check_group(const char *dir, const char *name, GPtrArray *checks)
{
    g_autofree char *members = g_build_filename(dir, "iommu_group", "devices",
                                                NULL);
    g_autoptr(GDir) entries = g_dir_open(members, 0, NULL);
    g_autoptr(GString) others = g_string_new(NULL);
    const char *entry;

    if (!entries) {
        check_add(checks, "IOMMU group", CHECK_REFUSED,
                  "enable the IOMMU in the firmware and the kernel",
                  "none: there is no IOMMU in front of the device");
        return;
    }
    while ((entry = g_dir_read_name(entries))) {
        if (strcmp(entry, name)) {
            g_autofree char *other = g_build_filename(members, entry, NULL);
            g_autofree char *class = read_line(other, "class");

            g_string_append_printf(others, " %s%s", entry, class &&
                                   g_str_has_prefix(class, CLASS_BRIDGE) ?
                                   " (a bridge)" : "");
        }
    }
    if (others->len) {
        check_add(checks, "IOMMU group", CHECK_REFUSED, "behind an accelerated "
                  "SMMUv3 a device has to be alone in its group: use a slot "
                  "below a port with ACS", "shared with%s", others->str);
    } else {
        check_add(checks, "IOMMU group", CHECK_GOOD, NULL,
                  "the device is alone in it");
    }
}

/* Linux gives no device to user space whose pages need an identity mapping */
static void check_reserved(const char *dir, GPtrArray *checks)
{
    g_autofree char *path = g_build_filename(dir, "iommu_group",
                                             "reserved_regions", NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        return;
    }
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (g_str_has_suffix(*line, " direct")) {
            check_add(checks, "reserved regions", CHECK_REFUSED, "ask the "
                      "vendor for firmware without it: VFIO refuses such a "
                      "device", "the firmware asks for an identity mapping "
                      "of %s", *line);
            return;
        }
    }
    check_add(checks, "reserved regions", CHECK_GOOD, NULL,
              "none needs an identity mapping");
}

static void check_smmu(const char *dir, HostDevice *device)
{
    device->smmu = link_name(dir, "iommu");
    if (device->smmu && g_str_has_prefix(device->smmu, SMMUV3_NAME)) {
        check_add(device->checks, "host IOMMU", CHECK_GOOD, NULL, "%s",
                  device->smmu);
        return;
    }
    check_add(device->checks, "host IOMMU", CHECK_REFUSED,
              "use a device behind an Arm SMMUv3", "%s%s",
              device->smmu ?: "none",
              device->smmu ? " is no Arm SMMUv3" : "");
    g_free(g_steal_pointer(&device->smmu));
}

static void check_nesting(const Plan *plan, const Probe *probe,
                          GPtrArray *checks)
{
    /* A Linux before 7.0 does not tell that there is none */
    bool ats = probe->ats && (!plan->extended ||
                              pcie_ecap_find(&plan->own, PCI_EXT_CAP_ID_ATS));

    if (probe->nesting) {
        check_add(checks, "nesting", CHECK_GOOD, NULL,
                  "a vIOMMU can be made, %s ATS", ats ? "with" : "without");
    } else if (probe->error && probe->error != EOPNOTSUPP &&
               probe->error != EINVAL && probe->error != ENOTTY) {
        check_add(checks, "nesting", CHECK_UNKNOWN,
                  remedy_for(probe->error, NULL, "end the program that uses "
                             "the device"), "%s", probe->problem);
    } else {
        check_add(checks, "nesting", CHECK_REFUSED, "it takes Linux 6.13, "
                  "both stages of translation, and FWB or a coherent root "
                  "complex", "%s",
                  probe->problem ?: "the IOMMU is no Arm SMMUv3");
    }
}

static void check_probe(const Plan *plan, const Probe *probe,
                        GPtrArray *checks)
{
    /* iommufd_device_bind() in 7.3; who may open the file was asked before */
    static const char isolated[] =
        "use a host whose interrupt controller keeps apart the messages of "
        "devices, such as one with an ITS, or trust the guest and set "
        "allow_unsafe_interrupts of the module iommufd";

    if (!probe->answered) {
        check_add(checks, "host's PASID", probe->error == ENOTTY ? CHECK_BAD :
                  CHECK_UNKNOWN,
                  probe->error == EPERM ? isolated :
                  remedy_for(probe->error, "bind the device to its VFIO driver "
                             "again", "end the program that uses the device, "
                             "such as a running guest"), "%s",
                  probe->problem);
        return;
    }
    if (probe->pasid_width && plan->has_pasid && !plan->is_on) {
        /* Linux has warned of it */
        check_add(checks, "host's PASID", CHECK_BAD, "use another slot: each "
                  "port above the device needs TLP prefixes and ACS",
                  "%u bits are reported, but PASID is off in the device",
                  probe->pasid_width);
    } else if (probe->pasid_width) {
        check_add(checks, "host's PASID", CHECK_GOOD, NULL,
                  "%u bits, exec %d, priv %d", probe->pasid_width,
                  probe->exec, probe->priv);
    } else {
        check_add(checks, "host's PASID", CHECK_BAD, "look at TLP prefixes "
                  "and ACS of the ports above the device, and at the bits "
                  "for substreams of the SMMU", "Linux has not enabled it");
    }
    check_nesting(plan, probe, checks);
}

/* Asks iommufd; where it cannot be opened, host_check() says so */
static void ask_device(const char *root, const char *dir, const char *cdev,
                       HostDevice *device)
{
    g_autoptr(GPtrArray) of_host = check_list_new();
    int fd = open_device(root, cdev, "device file", "have udev make it, and "
                         "give it to the container if this is one",
                         device->checks);
    int iommufd = open_iommufd(root, of_host);

    if (fd >= 0 && iommufd >= 0) {
        probe_device(iommufd, fd, &device->probe);
        check_probe(device->plan, &device->probe, device->checks);
        if (device->probe.answered) {
            host_faults_check(dir, device->plan->dev, &device->probe,
                              has_sva(root), device->checks);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    if (iommufd >= 0) {
        close(iommufd);
    }
}

HostDevice *host_device_new(const char *root, const Plan *plan, bool managed)
{
    HostDevice *device = g_new0(HostDevice, 1);
    const char *name = plan->dev->name;
    g_autofree char *dir = g_strconcat(root, SYSFS_PCI_DEVICES "/", name,
                                       NULL);
    g_autofree char *cdev = NULL;

    device->plan = plan;
    device->checks = check_list_new();
    check_capability(plan, device->checks);
    check_smmu(dir, device);
    check_group(dir, name, device->checks);
    check_reserved(dir, device->checks);
    cdev = check_driver(dir, name, managed, device->checks);
    if (cdev) {
        ask_device(root, dir, cdev, device);
    }
    return device;
}

void host_device_free(void *data)
{
    HostDevice *device = data;

    g_ptr_array_unref(device->checks);
    g_free(device->smmu);
    g_free(device->probe.problem);
    g_free(device);
}
