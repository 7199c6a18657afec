/*
 * The system's header in place of the one that QEMU has
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <linux/pci_regs.h>
