/*
 * QTest of the emulated Arm SMMUv3: a device whose backend keeps translations
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The test is the backend of a vhost-user device. Such a backend is told which
 * address of the device is where, and when to forget that.
 */

#include "qemu/osdep.h"

#include <sys/socket.h>

#include "pasid-testdev.h"
#include "smmuv3-emulated.h"
#include "standard-headers/linux/vhost_types.h"
#include "standard-headers/linux/virtio_config.h"
#include "standard-headers/linux/virtio_pci.h"

#define STRTAB              (PTD_RAM + 0x100000)
#define STRTAB_LOG2         12

/* The device's queue */
#define QUEUE               (PTD_RAM + 0x300000)
#define USED                (QUEUE + 0x2000)

/* The bus behind the root port, device 1 of bus 0 */
#define PORT_DEVFN          (1 << 3)
#define BUS                 1
#define OTHER_BUS           3
#define CONFIG(offset)      (PTD_ECAM + (BUS << 20) + (offset))
#define PORT_CONFIG(offset) (PTD_ECAM + (PORT_DEVFN << 12) + (offset))

/* Requests of the vhost-user protocol, and their header */
enum {
    GET_FEATURES = 1,
    GET_VRING_BASE = 11,
    GET_PROTOCOL_FEATURES = 15,
    IOTLB_MSG = 22,
};
#define FLAGS_REPLY         (1u | 1u << 2)
#define FLAG_NEED_REPLY     (1u << 3)
#define FDS_MAX             8
#define F_PROTOCOL_FEATURES (1ull << 30)
#define PROTOCOL_F_REPLY_ACK    (1ull << 3)
#define PROTOCOL_F_BACKEND_REQ  (1ull << 5)

typedef struct Header {
    uint32_t request;
    uint32_t flags;
    uint32_t size;
} Header;

typedef union Payload {
    uint64_t u64;
    struct vhost_iotlb_msg iotlb;
    uint8_t bytes[1024];
} Payload;

typedef struct Backend {
    int fd;
    GArray *fds;                /* that came along: QEMU minds if they close */
    GThread *thread;
    unsigned int updates;       /* translations that it was given */
    unsigned int forgotten;     /* times that it was to forget @USED */
} Backend;

static bool receive(Backend *b, void *buf, size_t size)
{
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(FDS_MAX * sizeof(int))];
    } control;
    struct iovec iov = { .iov_base = buf, .iov_len = size };
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    struct cmsghdr *cmsg;

    if (size && recvmsg(b->fd, &msg, MSG_WAITALL | MSG_CMSG_CLOEXEC) != size) {
        return false;
    }
    for (cmsg = size ? CMSG_FIRSTHDR(&msg) : NULL; cmsg;
         cmsg = CMSG_NXTHDR(&msg, cmsg)) {
        if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS) {
            g_array_append_vals(b->fds, CMSG_DATA(cmsg),
                                (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        }
    }
    return true;
}

static bool answer(int fd, const Header *request, const Payload *payload)
{
    const Header header = {
        .request = request->request,
        .flags = FLAGS_REPLY,
        .size = sizeof(payload->u64),
    };

    return send(fd, &header, sizeof(header), MSG_NOSIGNAL) == sizeof(header) &&
           send(fd, payload, header.size, MSG_NOSIGNAL) == header.size;
}

static void note_iotlb(Backend *b, const struct vhost_iotlb_msg *iotlb)
{
    if (iotlb->type == VHOST_IOTLB_UPDATE) {
        qatomic_inc(&b->updates);
    } else if (iotlb->type == VHOST_IOTLB_INVALIDATE &&
               /* The size of the whole address space is told as 0 */
               iotlb->iova <= USED && USED - iotlb->iova <= iotlb->size - 1) {
        qatomic_inc(&b->forgotten);
    }
}

/* QEMU goes on when it has the answer: what it said before was noted then */
static void *serve(void *opaque)
{
    Backend *b = opaque;
    Header header;
    Payload payload;

    while (receive(b, &header, sizeof(header))) {
        bool reply = header.flags & FLAG_NEED_REPLY;

        g_assert_cmpuint(header.size, <=, sizeof(payload));
        if (!receive(b, &payload, header.size)) {
            break;
        }
        switch (header.request) {
        case GET_FEATURES:
            payload.u64 = F_PROTOCOL_FEATURES | 1ull << VIRTIO_F_VERSION_1 |
                          1ull << VIRTIO_F_ACCESS_PLATFORM;
            reply = true;
            break;
        case GET_PROTOCOL_FEATURES:
            payload.u64 = PROTOCOL_F_REPLY_ACK | PROTOCOL_F_BACKEND_REQ;
            reply = true;
            break;
        case GET_VRING_BASE:
            /* Of the queue that it names, which is where it began */
            reply = true;
            break;
        case IOTLB_MSG:
            note_iotlb(b, &payload.iotlb);
            payload.u64 = 0;
            break;
        default:
            payload.u64 = 0;
            break;
        }
        if (reply && !answer(b->fd, &header, &payload)) {
            break;
        }
    }
    return NULL;
}

/* Offset in the BAR of a structure of the device (virtio 1.2, 4.1.4) */
static uint64_t find_structure(QTestState *qts, uint8_t type)
{
    uint8_t pos = qtest_readb(qts, CONFIG(PCI_CAPABILITY_LIST));

    while (pos) {
        if (qtest_readb(qts, CONFIG(pos)) == PCI_CAP_ID_VNDR &&
            qtest_readb(qts, CONFIG(pos + VIRTIO_PCI_CAP_CFG_TYPE)) == type) {
            return PTD_BAR + qtest_readl(qts,
                                         CONFIG(pos + VIRTIO_PCI_CAP_OFFSET));
        }
        pos = qtest_readb(qts, CONFIG(pos + PCI_CAP_LIST_NEXT));
    }
    g_assert_not_reached();
}

static void number(QTestState *qts, uint8_t bus)
{
    qtest_writel(qts, PORT_CONFIG(PCI_PRIMARY_BUS), bus << 8 | bus << 16);
}

static void open_port(QTestState *qts)
{
    number(qts, BUS);
    qtest_writew(qts, PORT_CONFIG(PCI_MEMORY_BASE), PTD_BAR >> 16);
    qtest_writew(qts, PORT_CONFIG(PCI_MEMORY_LIMIT), PTD_BAR >> 16);
    /* The BAR may be one that can be prefetched */
    qtest_writew(qts, PORT_CONFIG(PCI_PREF_MEMORY_BASE), PTD_BAR >> 16);
    qtest_writew(qts, PORT_CONFIG(PCI_PREF_MEMORY_LIMIT), PTD_BAR >> 16);
    qtest_writew(qts, PORT_CONFIG(PCI_COMMAND),
                 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void start_device(QTestState *qts)
{
    uint8_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
    uint64_t common;

    qtest_writel(qts, CONFIG(PCI_BASE_ADDRESS_4), PTD_BAR);
    qtest_writel(qts, CONFIG(PCI_BASE_ADDRESS_5), 0);
    qtest_writew(qts, CONFIG(PCI_COMMAND),
                 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    common = find_structure(qts, VIRTIO_PCI_CAP_COMMON_CFG);
    qtest_writeb(qts, common + VIRTIO_PCI_COMMON_STATUS, status);
    qtest_writel(qts, common + VIRTIO_PCI_COMMON_GFSELECT, 1);
    qtest_writel(qts, common + VIRTIO_PCI_COMMON_GF,
                 1u << (VIRTIO_F_VERSION_1 - 32) |
                 1u << (VIRTIO_F_ACCESS_PLATFORM - 32));
    status |= VIRTIO_CONFIG_S_FEATURES_OK;
    qtest_writeb(qts, common + VIRTIO_PCI_COMMON_STATUS, status);
    g_assert_cmphex(qtest_readb(qts, common + VIRTIO_PCI_COMMON_STATUS), ==,
                    status);
    qtest_writew(qts, common + VIRTIO_PCI_COMMON_Q_SELECT, 0);
    qtest_writel(qts, common + VIRTIO_PCI_COMMON_Q_DESCLO, QUEUE);
    qtest_writel(qts, common + VIRTIO_PCI_COMMON_Q_AVAILLO, QUEUE + 0x1000);
    qtest_writel(qts, common + VIRTIO_PCI_COMMON_Q_USEDLO, USED);
    qtest_writew(qts, common + VIRTIO_PCI_COMMON_Q_ENABLE, 1);
    status |= VIRTIO_CONFIG_S_DRIVER_OK;
    qtest_writeb(qts, common + VIRTIO_PCI_COMMON_STATUS, status);
}

/* With another StreamID the device has other translations, or none */
static void test_renumber(void)
{
    Backend b = { 0 };
    QTestState *qts;
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
    g_assert_cmpint(fcntl(fds[0], F_SETFD, FD_CLOEXEC), ==, 0);
    b.fd = fds[0];
    b.fds = g_array_new(false, false, sizeof(int));
    b.thread = g_thread_new("vhost-user", serve, &b);
    qts = qtest_initf(PTD_MACHINE ",iommu=smmuv3,memory-backend=m0 -m 128M "
                      "-object memory-backend-memfd,id=m0,size=128M,share=on "
                      "-device pcie-root-port,id=rp1,bus=pcie.0,addr=1.0,"
                      "chassis=1 -chardev socket,id=c0,fd=%d "
                      "-device vhost-user-rng-pci,chardev=c0,bus=rp1,"
                      "iommu_platform=on", fds[1]);
    close(fds[1]);
    qtest_writel(qts, STRTAB + (BUS << 8) * VS_STE_SIZE,
                 VS_STE0_V | VS_STE0_BYPASS);
    smmu_writeq(qts, VS_STRTAB_BASE, STRTAB);
    smmu_writel(qts, VS_STRTAB_BASE_CFG, STRTAB_LOG2);
    smmu_writel(qts, VS_CR0, VS_CR0_SMMUEN);
    open_port(qts);
    start_device(qts);
    /* Where the used ring is */
    g_assert_cmpuint(qatomic_read(&b.updates), ==, 1);
    g_assert_cmpuint(qatomic_read(&b.forgotten), ==, 0);

    number(qts, OTHER_BUS);
    g_assert_cmpuint(qatomic_read(&b.forgotten), >, 0);
    g_assert_cmpuint(qatomic_read(&b.updates), ==, 1);
    number(qts, BUS);
    qtest_quit(qts);
    g_thread_join(b.thread);
    for (int i = 0; i < b.fds->len; i++) {
        close(g_array_index(b.fds, int, i));
    }
    g_array_unref(b.fds);
    close(b.fd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("smmuv3-vhost/renumber", test_renumber);
    return g_test_run();
}
