/*
 * Test library: a vfio-user server
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"

#include <linux/vfio.h>
#include <poll.h>
#include <sys/un.h>

#include "hw/vfio-user/protocol.h"
#include "vfio-user.h"

#define CONFIG_SIZE 4096
#define MAX_MESSAGE 65536

#define NO_CAPABILITIES "{\"capabilities\": {}}"

struct VuServer {
    GThread *thread;
    gchar *path;
    int listener;
    int fd;                     /* of its client */
    size_t part;                /* of a request that was sent in part */
    const VuDevice *device;
    unsigned int seen[VU_MAX_CHANGES];
    uint8_t *rest;              /* of a message that was sent by halves */
    size_t rest_size;
};

/* Any message that is looked at or made here */
typedef union Message {
    VFIOUserHdr hdr;
    VFIOUserVersion version;
    VFIOUserDeviceInfo info;
    VFIOUserRegionInfo region;
    VFIOUserIRQInfo irq;
    VFIOUserRegionRW rw;
    uint8_t bytes[MAX_MESSAGE];
} Message;

static bool receive(int fd, void *buf, size_t len)
{
    /* Descriptors that come along are dropped by not asking for them */
    return !len || recv(fd, buf, len, MSG_WAITALL) == len;
}

/* Config space is all there is; the rest reads zero and ignores writes */
static void access_config(VuServer *s, Message *m, bool write)
{
    uint64_t offset = m->rw.offset;
    uint32_t count = m->rw.count;

    if (m->rw.region != VFIO_PCI_CONFIG_REGION_INDEX ||
        offset > CONFIG_SIZE || count > CONFIG_SIZE - offset) {
        memset(m->rw.data, 0, MIN(count, CONFIG_SIZE));
    } else if (write) {
        memcpy(s->device->config + offset, m->rw.data, count);
    } else {
        memcpy(m->rw.data, s->device->config + offset, count);
    }
    m->hdr.size = sizeof(m->rw) + (write ? 0 : MIN(count, CONFIG_SIZE));
}

static void answer(VuServer *s, Message *m)
{
    const char *capabilities;

    if (m->hdr.command == s->device->fails) {
        m->hdr.flags = VFIO_USER_REPLY | VFIO_USER_ERROR;
        m->hdr.error_reply = EIO;
        m->hdr.size = sizeof(m->hdr);
        return;
    }
    switch (m->hdr.command) {
    case VFIO_USER_VERSION:
        m->version.major = VFIO_USER_MAJOR_VER;
        m->version.minor = VFIO_USER_MINOR_VER;
        capabilities = s->device->capabilities ?: NO_CAPABILITIES;
        strcpy(m->version.capabilities, capabilities);
        m->hdr.size = sizeof(m->version) + strlen(capabilities) + 1;
        break;
    case VFIO_USER_DEVICE_GET_INFO:
        m->info.argsz = sizeof(struct vfio_device_info);
        m->info.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
        m->info.num_regions = VFIO_PCI_NUM_REGIONS;
        m->info.num_irqs = VFIO_PCI_NUM_IRQS;
        m->hdr.size = sizeof(m->info);
        break;
    case VFIO_USER_DEVICE_GET_REGION_INFO:
        m->region.argsz = sizeof(struct vfio_region_info);
        m->region.cap_offset = 0;
        m->region.offset = 0;
        m->region.size = 0;
        m->region.flags = 0;
        if (m->region.index == VFIO_PCI_CONFIG_REGION_INDEX) {
            m->region.size = s->device->config_size ?: CONFIG_SIZE;
            m->region.flags = VFIO_REGION_INFO_FLAG_READ |
                              VFIO_REGION_INFO_FLAG_WRITE;
        } else if (m->region.index == VFIO_PCI_BAR0_REGION_INDEX) {
            m->region.size = s->device->bar0;
            m->region.flags = VFIO_REGION_INFO_FLAG_READ |
                              VFIO_REGION_INFO_FLAG_WRITE;
        }
        m->hdr.size = sizeof(m->region);
        break;
    case VFIO_USER_DEVICE_GET_IRQ_INFO:
        m->irq.argsz = sizeof(struct vfio_irq_info);
        m->irq.flags = VFIO_IRQ_INFO_EVENTFD;
        /* Or else QEMU warns that errors cannot be reported */
        m->irq.count = m->irq.index == VFIO_PCI_ERR_IRQ_INDEX;
        m->hdr.size = sizeof(m->irq);
        break;
    case VFIO_USER_REGION_READ:
        access_config(s, m, false);
        break;
    case VFIO_USER_REGION_WRITE:
        access_config(s, m, true);
        break;
    default:
        m->hdr.size = MIN(m->hdr.size, sizeof(m->region));
        break;
    }
    m->hdr.flags = VFIO_USER_REPLY;
}

/* Returns: how much of the message to send at first */
static size_t change(VuServer *s, Message *m)
{
    uint16_t command = m->hdr.command;
    size_t size = m->hdr.size;
    size_t half = size;

    for (int i = 0; i < VU_MAX_CHANGES; i++) {
        const VuChange *c = &s->device->change[i];

        if (!c->command || c->command != command ||
            (c->nth && c->nth != ++s->seen[i])) {
            continue;
        }
        for (uint32_t b = 0; b < c->size && c->offset + b < size; b++) {
            m->bytes[c->offset + b] = c->value >> (8 * b);
        }
        if (c->half) {
            half = MIN(half, c->half);
        }
    }
    return MIN(half, m->hdr.size);
}

/* Send bytes, and a descriptor that comes with the first of them */
static bool send_fd(int fd, const void *buf, size_t size)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { };
    struct iovec iov = { .iov_base = (void *)buf, .iov_len = size };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1,
        .msg_control = &control, .msg_controllen = sizeof(control),
    };
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    bool ok;

    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(cmsg), &null, sizeof(int));
    ok = sendmsg(fd, &msg, MSG_NOSIGNAL) >= 0;
    close(null);
    return ok;
}

static bool reply(VuServer *s, int fd, Message *m)
{
    uint16_t command = m->hdr.command;
    size_t first = change(s, m);
    size_t size = m->hdr.size;

    if (first < size && size <= sizeof(*m)) {
        s->rest_size = size - first;
        s->rest = g_memdup2(m->bytes + first, s->rest_size);
    }
    if (s->device->sends_fd && s->device->sends_fd == command) {
        return send_fd(fd, m, first);
    }
    return send(fd, m, first, MSG_NOSIGNAL) >= 0;
}

static bool send_rest(VuServer *s, int fd)
{
    g_autofree uint8_t *rest = g_steal_pointer(&s->rest);

    return !rest || send(fd, rest, s->rest_size, MSG_NOSIGNAL) >= 0;
}

static void *serve(void *opaque)
{
    VuServer *s = opaque;
    g_autofree Message *m = g_new0(Message, 1);
    int fd = accept(s->listener, NULL, NULL);

    s->fd = fd;
    while (fd >= 0 && receive(fd, &m->hdr, sizeof(m->hdr))) {
        bool quiet = m->hdr.flags & VFIO_USER_NO_REPLY;

        /* It never asks for one */
        g_assert_cmphex(m->hdr.flags & VFIO_USER_TYPE, !=, VFIO_USER_REPLY);
        if (m->hdr.size < sizeof(m->hdr) || m->hdr.size > sizeof(*m) ||
            !receive(fd, m->bytes + sizeof(m->hdr),
                     m->hdr.size - sizeof(m->hdr)) || !send_rest(s, fd)) {
            break;
        }
        if (s->device->before) {
            s->device->before(s, m->hdr.command, s->device->opaque);
        }
        answer(s, m);
        if (!quiet && !reply(s, fd, m)) {
            break;
        }
    }
    g_free(s->rest);
    /* It is closed later: others may send to it */
    shutdown(fd, SHUT_RDWR);
    return NULL;
}

unsigned int vu_server_request(VuServer *s, unsigned int count, int patience)
{
    enum { BURST = 64 };
    VFIOUserDMARW request[BURST] = { };
    size_t size = sizeof(request[0]);
    size_t left = count * size - s->part;
    struct pollfd room = { .fd = s->fd, .events = POLLOUT };

    for (int i = 0; i < BURST; i++) {
        request[i].hdr.command = VFIO_USER_DMA_WRITE;
        request[i].hdr.size = size;
        request[i].hdr.flags = VFIO_USER_REQUEST | VFIO_USER_NO_REPLY;
        request[i].count = s->device->claims;
    }
    while (left && poll(&room, 1, patience) == 1) {
        size_t some = MIN(left, sizeof(request) - s->part);
        ssize_t sent = send(s->fd, (uint8_t *)request + s->part, some,
                            MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && errno != EAGAIN) {
            break;
        }
        sent = MAX(sent, 0);
        left -= sent;
        s->part = (s->part + sent) % size;
    }
    return count - DIV_ROUND_UP(left, size);
}

VuServer *vu_server_start(const char *path, const VuDevice *device)
{
    VuServer *s = g_new0(VuServer, 1);
    struct sockaddr_un addr = { .sun_family = AF_UNIX };

    s->device = device;
    s->path = g_strdup(path);
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(s->listener, >=, 0);
    g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
    g_assert_cmpint(bind(s->listener, (struct sockaddr *)&addr, sizeof(addr)),
                    ==, 0);
    g_assert_cmpint(listen(s->listener, 1), ==, 0);
    s->thread = g_thread_new("vfio-user", serve, s);
    return s;
}

void vu_server_end(VuServer *s)
{
    /* There may have been no client */
    shutdown(s->listener, SHUT_RDWR);
    g_thread_join(s->thread);
    close(s->fd);
    close(s->listener);
    unlink(s->path);
    g_free(s->path);
    g_free(s);
}
