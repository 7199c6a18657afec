/*
 * vfio-user: limits on the requests of a server
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Requests of the server wait in a queue for the main loop, which holds the
 * BQL for them. A server that sends without end is stopped by the socket: QEMU
 * reads no more than it has room for, and does a little at a time.
 *
 * While QEMU waits for a reply, the BQL is taken and no request is done, but
 * the reply is behind what the server has sent before it. QEMU has to read on
 * then, and ends the connection where that is too much for any server.
 */

#ifndef HW_VFIO_USER_FLOW_H
#define HW_VFIO_USER_FLOW_H

#include "hw/vfio-user/protocol.h"
#include "qemu/units.h"

enum {
    /* Messages that are read, or done, before others have their turn */
    VFIO_USER_FLOW_BATCH = 64,
    /* The least that a message counts, since it costs time, too */
    VFIO_USER_FLOW_MESSAGE = 4 * KiB,
    /* Cost of a descriptor: they are scarce, and no request has any */
    VFIO_USER_FLOW_FD = 1 * MiB,
    /* Data that a batch moves at most, if it is not one message */
    VFIO_USER_FLOW_DATA = VFIO_USER_FLOW_BATCH * VFIO_USER_FLOW_MESSAGE,
    /* Reading stops, or doing requests where it is replies that queue up */
    VFIO_USER_FLOW_HIGH = 16 * MiB,
    /* Reading goes on */
    VFIO_USER_FLOW_LOW = VFIO_USER_FLOW_HIGH / 2,
    /* The connection ends */
    VFIO_USER_FLOW_MAX = 256 * MiB,
};

/**
 * struct VFIOUserFlow - what is under way, protected by the lock of the proxy
 *
 * @in: what the requests count that were read and are not taken yet
 * @out: what the replies count that the server has no room for
 * @waiters: callers that wait for a reply
 * @paused: nothing is read
 */
typedef struct VFIOUserFlow {
    uint64_t in;
    uint64_t out;
    unsigned int waiters;
    bool paused;
} VFIOUserFlow;

/* Returns: what a message counts that comes with @fds descriptors */
static inline uint64_t vfio_user_flow_cost(const VFIOUserHdr *hdr, int fds)
{
    return MAX(hdr->size, VFIO_USER_FLOW_MESSAGE) +
           (uint64_t)fds * VFIO_USER_FLOW_FD;
}

/* Returns: what doing a request counts, with the reply that it asks for */
static inline uint64_t vfio_user_flow_work(const VFIOUserHdr *hdr)
{
    uint64_t cost = vfio_user_flow_cost(hdr, 0);

    if (hdr->command == VFIO_USER_DMA_READ &&
        hdr->size >= sizeof(VFIOUserDMARW)) {
        cost = MAX(cost, ((const VFIOUserDMARW *)hdr)->count);
    }
    return cost;
}

/* Returns: what a message counts that is sent, nothing if it is no reply */
static inline uint64_t vfio_user_flow_reply(const VFIOUserHdr *hdr)
{
    return (hdr->flags & VFIO_USER_TYPE) == VFIO_USER_REPLY ?
           vfio_user_flow_cost(hdr, 0) : 0;
}

/* Returns: whether nothing is to be read now */
static inline bool vfio_user_flow_full(const VFIOUserFlow *f)
{
    if (f->waiters) {
        return f->in >= VFIO_USER_FLOW_MAX;
    }
    return f->in >= (f->paused ? VFIO_USER_FLOW_LOW : VFIO_USER_FLOW_HIGH);
}

#endif /* HW_VFIO_USER_FLOW_H */
