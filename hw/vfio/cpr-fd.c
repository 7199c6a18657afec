/*
 * VFIO: file descriptors of devices in the CPR state
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * CPR knows a passed descriptor from the time that the property is set, which
 * is before anything can fail. An entry that outlives its descriptor makes the
 * next cpr-exec abort; one that outlives its device keeps the device from
 * everybody else.
 */

#include "qemu/osdep.h"

#include "cpr-fd.h"
#include "hw/vfio/vfio-cpr.h"
#include "migration/cpr.h"
#include "qapi/error.h"
#include "qemu/ctype.h"

bool vfio_cpr_prepare_fd(VFIODevice *vbasedev, const char *fdname,
                         Error **errp)
{
    if (vbasedev->bcontainer) {
        error_setg(errp, "vfio %s: fd cannot be changed to %s while the "
                   "device is in use; unplug the device first",
                   vbasedev->name, fdname);
        return false;
    }
    vfio_cpr_give_up_fd(vbasedev);
    /* The monitor has no name for it any more */
    vbasedev->cpr.fd_is_ours = cpr_is_incoming() || !qemu_isdigit(*fdname);
    return true;
}

void vfio_cpr_give_up_fd(VFIODevice *vbasedev)
{
    const char *id = vbasedev->dev->id;

    if (vbasedev->bcontainer) {
        vfio_iommufd_cpr_unregister_device(vbasedev);
        return;
    }
    if (vbasedev->fd >= 0 && vbasedev->cpr.fd_is_ours) {
        vfio_cpr_close_fd(vbasedev);
        return;
    }
    /* The user who passed it by number may pass it again */
    if (vbasedev->fd >= 0 && id && cpr_find_fd(id, 0) == vbasedev->fd) {
        cpr_delete_fd(id, 0);
    }
    vbasedev->fd = -1;
}

void vfio_cpr_close_fd(VFIODevice *vbasedev)
{
    if (vbasedev->fd >= 0) {
        cpr_forget_fd(vbasedev->fd);
        close(vbasedev->fd);
        vbasedev->fd = -1;
    }
}
