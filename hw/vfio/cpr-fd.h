/*
 * VFIO: file descriptors of devices in the CPR state
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_VFIO_CPR_FD_H
#define HW_VFIO_CPR_FD_H

#include "hw/vfio/vfio-device.h"

/**
 * vfio_cpr_prepare_fd: make room for a descriptor that a device is passed
 *
 * A descriptor that the device was passed before and never used is given up.
 *
 * @vbasedev: the device
 * @fdname: name by which it is passed, a number or the name of a getfd
 * @errp: set when the device is in use and its descriptor has to stay
 *
 * Returns: whether the device can take the descriptor.
 */
bool vfio_cpr_prepare_fd(VFIODevice *vbasedev, const char *fdname,
                         Error **errp);

/**
 * vfio_cpr_give_up_fd: have CPR forget a device that will not come, or is gone
 *
 * The descriptor of a device that is attached stays open until it is detached.
 * If it is not, a descriptor is closed that was passed by the name of a getfd;
 * who passed it by number can do so again.
 *
 * @vbasedev: the device; it may have no descriptor
 */
void vfio_cpr_give_up_fd(VFIODevice *vbasedev);

/**
 * vfio_cpr_close_fd: close the descriptor of a device, and have CPR forget it
 *
 * @vbasedev: the device, which is not attached any more; it may have no
 *            descriptor
 */
void vfio_cpr_close_fd(VFIODevice *vbasedev);

#endif /* HW_VFIO_CPR_FD_H */
