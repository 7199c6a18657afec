/*
 * Model of VFIO and iommufd: migration of a device
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The device supports stop-copy only. Its state is a few bytes without meaning.
 */

#include "fake.h"

#include <linux/vfio.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static const char device_state[] = "state";

/* The kernel hands out a stream; a file does as well */
static int state_file(bool filled)
{
    int fd = memfd_create("vfio-fake-state", MFD_CLOEXEC);

    if (fd >= 0 && filled &&
        (write(fd, device_state, sizeof(device_state)) < 0 ||
         lseek(fd, 0, SEEK_SET) < 0)) {
        vf_real_close(fd);
        return -EIO;
    }
    return fd < 0 ? -EMFILE : fd;
}

static int set_state(struct vfio_device_feature_mig_state *state)
{
    int fd = -1;

    switch (state->device_state) {
    case VFIO_DEVICE_STATE_STOP_COPY:
    case VFIO_DEVICE_STATE_RESUMING:
        fd = state_file(state->device_state == VFIO_DEVICE_STATE_STOP_COPY);
        if (fd < 0) {
            return fd;
        }
        break;
    case VFIO_DEVICE_STATE_STOP:
    case VFIO_DEVICE_STATE_RUNNING:
        break;
    default:
        return -EINVAL;
    }
    state->data_fd = fd;
    return 0;
}

int vf_device_feature(VfDevice *d, struct vfio_device_feature *feature)
{
    void *data = feature->data;

    if (!d->migration) {
        return -ENOTTY;
    }
    switch (feature->flags) {
    case VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIGRATION:
        ((struct vfio_device_feature_migration *)data)->flags =
            VFIO_MIGRATION_STOP_COPY;
        return 0;
    case VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIG_DATA_SIZE:
        ((struct vfio_device_feature_mig_data_size *)data)->stop_copy_length =
            sizeof(device_state);
        return 0;
    case VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE:
        return set_state(data);
    default:
        return -ENOTTY;
    }
}
