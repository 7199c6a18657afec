/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pasid-testdev in the memory of processes that open a file
 *
 * Copyright (c) qemu-vpasid contributors
 */

#ifndef USER_H
#define USER_H

#include <linux/miscdevice.h>
#include <linux/pci.h>

/**
 * struct pasid_sva - a device
 * @kref: one reference for the driver, one for each user
 * @pdev: the device
 * @bar: its registers
 * @misc: the file that processes open
 * @lock: of @users and @gone
 * @users: those that have the file open
 * @gone: the driver has let go of the device
 * @waiting: how many wait for a late page
 */
struct pasid_sva {
	struct kref kref;
	struct pci_dev *pdev;
	void __iomem *bar;
	struct miscdevice misc;
	struct mutex lock;
	struct list_head users;
	bool gone;
	atomic_t waiting;
};

/**
 * pasid_sva_add - make the file of a device appear
 * @pdev: the device, with a driver
 * @bar: its registers, mapped as long as it has its driver
 *
 * Return: the device, which is its drvdata then, or an error pointer.
 */
struct pasid_sva *pasid_sva_add(struct pci_dev *pdev, void __iomem *bar);

/**
 * pasid_sva_remove - take the file away, and the device from its users
 * @sva: what pasid_sva_add() has returned
 */
void pasid_sva_remove(struct pasid_sva *sva);

/**
 * pasid_sva_come - let all late pages of a device come
 * @sva: the device
 */
void pasid_sva_come(struct pasid_sva *sva);

#endif
