/*
 * Test library: QEMU with fake VFIO devices on the Arm virt machine
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_QTEST_VFIO_GUEST_GUEST_H
#define TESTS_QTEST_VFIO_GUEST_GUEST_H

#include "../libqtest.h"
#include "client.h"

/* Machine options that every test starts with; RAM starts at VG_RAM */
#define VG_MACHINE "-M virt,highmem-ecam=off%s -cpu cortex-a57 -m 128M " \
                   "-nodefaults "
#define VG_RAM     0x40000000ull
#define VG_ECAM    0x3f000000ull

/* Options of the iommufd of client @c; the object is called i0 */
#define VG_IOMMUFD "-object iommufd,id=i0,fd=%d "
/* Options of a guest that a new QEMU can take over, see vg_exec() */
#define VG_SHARED_RAM \
    "-object memory-backend-memfd,id=m0,size=128M,share=on " \
    "-machine aux-ram-share=on,memory-backend=m0 "
/* A root port on the root bus: number n is rp<n>, its bus n + 1 */
#define VG_PORT(n) "-device pcie-root-port,id=rp" #n ",chassis=" #n ",slot=" \
                   #n ",bus=pcie.0,addr=" #n ",io-reserve=0 "

typedef struct VfGuest {
    VfClient *c;
    QTestState *qts;
    gchar *stderr_path;
    gchar *options;             /* as QEMU was started */
    unsigned int ports;
    uint32_t cmdq_prod;         /* of the first SMMUv3, see smmu.h */
} VfGuest;

/**
 * vg_start: start QEMU with the model loaded
 *
 * @c: the client, with all devices described
 * @fmt: options of QEMU, as for printf
 *
 * Asserts when QEMU does not come up.
 *
 * Returns: the guest; end it with vg_quit().
 */
VfGuest *vg_start(VfClient *c, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* Variable that names a QEMU without the series, for vg_start_as() */
#define VG_BASE "BASE_QEMU_BINARY"

/**
 * vg_has_base: tell whether VG_BASE names a QEMU
 *
 * Returns: true if it does; otherwise the test is marked as skipped.
 */
bool vg_has_base(void);

/* vg_start() with the QEMU that the environment variable @var names */
VfGuest *vg_start_as(VfClient *c, const char *var, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);

/**
 * vg_quit: end QEMU
 *
 * @g: the guest
 *
 * Asserts that it was alive and ends without error. Frees @g, but not its
 * client.
 *
 * Returns: the standard error of QEMU; the caller frees it.
 */
gchar *vg_quit(VfGuest *g);

/* vg_quit(), and asserts that nothing was written to standard error */
void vg_quit_silent(VfGuest *g);

/* vg_quit(), and frees the client, too */
gchar *vg_end(VfGuest *g);

/* vg_end(), and asserts that nothing was written to standard error */
void vg_end_silent(VfGuest *g);

/*
 * vg_end(), and asserts that nothing was written but that a pxb-pcie has no
 * device tree
 */
void vg_end_pxb(VfGuest *g);

/* Returns: the standard error of QEMU so far, for g_free() */
gchar *vg_stderr(VfGuest *g);

/* Returns: how many file descriptors QEMU has open */
unsigned int vg_open_files(VfGuest *g);

/**
 * vg_refused: start QEMU with options that it has to refuse
 *
 * @c: the client
 * @fmt: options of QEMU, as for printf
 *
 * Asserts that QEMU ends by itself with status 1.
 *
 * Returns: its standard error; the caller frees it.
 */
gchar *vg_refused(VfClient *c, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* Options that QEMU has to refuse, as a row of a table */
typedef struct VgRefused {
    const char *name;
    const char *options;
    const char *said[4];        /* each has to be in the message */
} VgRefused;

/**
 * vg_test_refused: test that QEMU refuses the options of a row
 *
 * @row: a VgRefused; its options come after VG_MACHINE
 *
 * There is no host device. For vg_add_test().
 */
void vg_test_refused(const void *row);

/**
 * vg_try: start QEMU with options that it may refuse
 *
 * @c: the client
 * @look: called once while QEMU is up
 * @options: options of QEMU
 * @up: set to whether it came up
 *
 * Asserts that QEMU ends by itself with status 1, or comes up and then ends
 * with status 0 when it is told to.
 *
 * Returns: its standard error; the caller frees it.
 */
gchar *vg_try(VfClient *c, void (*look)(VfClient *), const char *options,
              bool *up);

/**
 * vg_exec: have a new QEMU take the guest over (CPR, mode cpr-exec)
 *
 * The new one is the same program with the same options.
 *
 * @g: the guest; its RAM is a shared memory backend, and aux-ram-share is on
 * @program: another program to run, or NULL for the same one
 *
 * Asserts that the new QEMU comes up and the guest runs on, if it ran; with
 * @program, which must not exist, that the old one goes on with it.
 */
void vg_exec(VfGuest *g, const char *program);

/**
 * struct VgNext - differences of the QEMU that takes a guest over
 *
 * @var: environment variable that names it, or NULL for the same program
 * @from: text in its options that is replaced, or NULL
 * @to: replacement for @from
 * @look: called with the new QEMU as @g, before it reads the state; NULL for
 *        nothing. For vg_transfer_to() only.
 */
typedef struct VgNext {
    const char *var;
    const char *from;
    const char *to;
    void (*look)(VfGuest *g);
} VgNext;

/* vg_exec() with another QEMU; with NULL it is the same */
void vg_exec_to(VfGuest *g, const VgNext *next);

/**
 * vg_exec_lost: have a QEMU take the guest over that cannot
 *
 * @g: the guest, as for vg_exec(); end it with vg_quit()
 * @next: the difference that makes it fail
 *
 * Asserts that the new QEMU ends with status 1.
 */
void vg_exec_lost(VfGuest *g, const VgNext *next);

/**
 * vg_transfer: have another QEMU take the guest over (CPR, mode cpr-transfer)
 *
 * Both are there at the same time. The new one has the same options.
 *
 * @g: the guest, as for vg_exec()
 *
 * Asserts that the guest runs on in the new QEMU, and that the old one ends
 * well.
 */
void vg_transfer(VfGuest *g);

/* vg_transfer() to another QEMU; with NULL it is the same */
void vg_transfer_to(VfGuest *g, const VgNext *next);

/**
 * vg_transfer_refused: have another QEMU refuse to take the guest over
 *
 * @g: the guest, as for vg_exec()
 * @options: of the other QEMU, not those of the guest
 *
 * Asserts that the other QEMU ends with an error, and that the guest runs on
 * in the old one.
 */
void vg_transfer_refused(VfGuest *g, const char *options);

/**
 * vg_ports: give the root ports of a guest their bus numbers
 *
 * @g: the guest
 * @count: number of VG_PORT()s; port n, counted from 1, gets bus n
 */
void vg_ports(VfGuest *g, unsigned int count);

uint32_t vg_config_readl(VfGuest *g, uint8_t bus, uint8_t devfn,
                         uint16_t offset);
uint16_t vg_config_readw(VfGuest *g, uint8_t bus, uint8_t devfn,
                         uint16_t offset);
void vg_config_writel(VfGuest *g, uint8_t bus, uint8_t devfn, uint16_t offset,
                      uint32_t value);
void vg_config_writew(VfGuest *g, uint8_t bus, uint8_t devfn, uint16_t offset,
                      uint16_t value);

/* Returns: offset of the capability in the standard list, 0 without */
uint8_t vg_find_cap(VfGuest *g, uint8_t bus, uint8_t devfn, uint8_t id);

/**
 * vg_find_ext_cap: look for an extended capability
 *
 * @g: the guest
 * @bus, @devfn: of the function
 * @id: capability
 * @count: how many there are, may be NULL
 *
 * Asserts that the list ascends and ends.
 *
 * Returns: offset of the first of them, 0 without.
 */
uint16_t vg_find_ext_cap(VfGuest *g, uint8_t bus, uint8_t devfn, uint16_t id,
                         unsigned int *count);

/**
 * vg_plug: hot-plug a device of any kind
 *
 * @g: the guest
 * @port: number of the root port above it, from 1
 * @args: arguments of device_add but for the bus; taken over
 *
 * The guest powers the slot on.
 *
 * Returns: NULL on success, otherwise the error text for g_free().
 */
gchar *vg_plug(VfGuest *g, unsigned int port, QDict *args);

/**
 * vg_device_add: hot-plug a fake device, by QMP and a passed descriptor
 *
 * @g: the guest
 * @dev: number of the device
 * @id: name for it
 * @port: number of the root port above it, from 1
 * @options: further properties as ",name=value", or ""; numbers and true are
 *           not strings
 *
 * The guest powers the slot on.
 *
 * Returns: NULL on success, otherwise the error text for g_free().
 */
gchar *vg_device_add(VfGuest *g, unsigned int dev, const char *id,
                     unsigned int port, const char *options);

/* vg_device_add() into a root port that is not on bus 0 but at @bus, @devfn */
gchar *vg_device_add_at(VfGuest *g, unsigned int dev, const char *id,
                        unsigned int port, uint8_t bus, uint8_t devfn,
                        const char *options);

/**
 * vg_device_del: unplug a device, with the guest's consent
 *
 * @g: the guest
 * @id: its name
 * @port: number of the root port above it, from 1
 */
void vg_device_del(VfGuest *g, const char *id, unsigned int port);

/**
 * vg_device_del_at_once: unplug a device, and look at nothing that follows
 *
 * The device is out of its slot when this returns. QEMU has yet to free it,
 * and its DEVICE_DELETED event has yet to be read.
 *
 * @g: the guest
 * @id: its name
 * @bus, @devfn: of the root port above it
 */
void vg_device_del_at_once(VfGuest *g, const char *id, uint8_t bus,
                           uint8_t devfn);

/* Returns: value of a string property, for g_free() */
gchar *vg_qom_get_str(VfGuest *g, const char *path, const char *property);

/* Returns: value of a property that is a struct, for qobject_unref() */
QDict *vg_qom_get_struct(VfGuest *g, const char *path, const char *property);

/**
 * vg_pasid_state: read x-vpasid-state of a device
 *
 * @g: the guest
 * @id: of the device
 * @text: set to the sentence for people, for g_free(); may be NULL
 *
 * Asserts that there is no field that is not known here, and that there is a
 * reason if there is no capability.
 *
 * Returns: the other fields as "name=value name=value", in the order of the
 * schema and with offset in hexadecimal; for g_free().
 */
gchar *vg_pasid_state(VfGuest *g, const char *id, gchar **text);

/* Restart the machine; waits until it has been done */
void vg_system_reset(VfGuest *g);

/**
 * vg_add_test: register a test that runs on one row of a table
 *
 * @group: path of the tests of the table, without a slash at its end
 * @name: of the row
 * @row: handed to @run; has to stay as long as tests run
 * @run: the test
 */
void vg_add_test(const char *group, const char *name, const void *row,
                 void (*run)(const void *));

/* Asserts that @text contains @part, and shows both if not */
void vg_assert_has(const char *text, const char *part);

/* Let QEMU's main loop handle all pending events */
void vg_settle(VfGuest *g);

#endif /* TESTS_QTEST_VFIO_GUEST_GUEST_H */
