// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Linux module of the lab's guest: processes that share their memory with
 * pasid-testdev, and are free in what they have it do
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * The process has the device's registers, as those of a real accelerator for
 * shared virtual addresses. What the driver keeps for itself is the end: the
 * SMMU must know no PASID less than the device still uses.
 */

#include <linux/delay.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "pasid-sva.h"
#include "user.h"

/* Time for the kernel to answer requests whose pages it has */
#define DRAIN_MS	10000

enum late { LATE_WAITS, LATE_COMES, LATE_NEVER_COMES };

/**
 * struct pasid_sva_user - an open file
 * @node: in &pasid_sva.users
 * @sva: the device
 * @bond: what the kernel knows it by, NULL when the device is gone
 * @pasid: the PASID, with the flag that has it sent
 * @mapping: what all users have mapped of the file
 * @queue: where a late page is waited for
 * @late: what comes of it
 */
struct pasid_sva_user {
	struct list_head node;
	struct pasid_sva *sva;
	struct iommu_sva *bond;
	u32 pasid;
	struct address_space *mapping;
	wait_queue_head_t queue;
	enum late late;
};

static void pasid_sva_free(struct kref *kref)
{
	struct pasid_sva *sva = container_of(kref, struct pasid_sva, kref);

	kfree(sva->misc.name);
	kfree(sva);
}

static void user_answer(struct pasid_sva_user *user, enum late late)
{
	WRITE_ONCE(user->late, late);
	wake_up_all(&user->queue);
}

/* A device that is not there any more reads as all ones */
static bool channel_is_busy(struct pasid_sva *sva, int n, u32 pasid)
{
	void __iomem *channel = sva->bar + TESTDEV_CHANNEL(n);

	return readl(channel + TESTDEV_STATUS) == TESTDEV_STATUS_BUSY &&
	       readl(channel + TESTDEV_PASID) == pasid;
}

/* Let the transfers of a PASID end, each with the kernel's answer */
static void user_drain(struct pasid_sva_user *user)
{
	struct pasid_sva *sva = user->sva;

	for (int n = 0; n < TESTDEV_CHANNELS; n++) {
		int tries = DRAIN_MS / 10;

		while (channel_is_busy(sva, n, user->pasid) && tries--)
			msleep(10);
		if (!channel_is_busy(sva, n, user->pasid))
			continue;
		dev_err(&sva->pdev->dev, "error: channel %d got no answer\n", n);
		writel(TESTDEV_COMMAND_CANCEL,
		       sva->bar + TESTDEV_CHANNEL(n) + TESTDEV_COMMAND);
	}
}

/* With the lock of the device, when the kernel has answered all requests */
static void user_unbind(struct pasid_sva_user *user)
{
	iommu_sva_unbind_device(user->bond);
	user->bond = NULL;
	list_del(&user->node);
}

/*
 * The kernel may be busy with a request that the device has given up, and does
 * not wait by itself: it frees what it knows of it when the last PASID goes.
 */
static void flush_requests(struct pasid_sva *sva)
{
	struct device *dev = &sva->pdev->dev;

	if (rcu_access_pointer(dev->iommu->fault_param))
		iopf_queue_flush_dev(dev);
}

static int user_open(struct inode *inode, struct file *file)
{
	struct pasid_sva *sva = container_of(file->private_data,
					     struct pasid_sva, misc);
	struct pasid_sva_user *user = kzalloc(sizeof(*user), GFP_KERNEL);
	int ret = 0;

	if (!user)
		return -ENOMEM;
	init_waitqueue_head(&user->queue);
	user->sva = sva;
	user->mapping = file->f_mapping;

	mutex_lock(&sva->lock);
	if (sva->gone) {
		ret = -ENODEV;
	} else {
		user->bond = iommu_sva_bind_device(&sva->pdev->dev,
						   current->mm);
		ret = PTR_ERR_OR_ZERO(user->bond);
	}
	if (!ret) {
		user->pasid = TESTDEV_PASID_SEND |
			      iommu_sva_get_pasid(user->bond);
		list_add(&user->node, &sva->users);
		kref_get(&sva->kref);
		file->private_data = user;
	}
	mutex_unlock(&sva->lock);
	if (ret)
		kfree(user);
	return ret;
}

static int user_release(struct inode *inode, struct file *file)
{
	struct pasid_sva_user *user = file->private_data;
	struct pasid_sva *sva = user->sva;

	mutex_lock(&sva->lock);
	if (user->bond) {
		/* A late page would have kept the file open */
		user_drain(user);
		/* One that waits for a late page belongs to somebody else */
		if (!atomic_read(&sva->waiting))
			flush_requests(sva);
		user_unbind(user);
	}
	mutex_unlock(&sva->lock);
	kref_put(&sva->kref, pasid_sva_free);
	kfree(user);
	return 0;
}

static long user_ioctl(struct file *file, unsigned int request,
		       unsigned long arg)
{
	struct pasid_sva_user *user = file->private_data;

	if (request != SVA_GET_PASID)
		return -ENOTTY;
	return put_user(user->pasid & ~TESTDEV_PASID_SEND, (u32 __user *)arg);
}

/* The same for the process, for its kernel, and for the device */
static vm_fault_t late_fault(struct vm_fault *vmf)
{
	struct pasid_sva_user *user = vmf->vma->vm_private_data;

	atomic_inc(&user->sva->waiting);
	wait_event(user->queue, READ_ONCE(user->late) != LATE_WAITS);
	atomic_dec(&user->sva->waiting);
	if (READ_ONCE(user->late) != LATE_COMES)
		return VM_FAULT_SIGBUS;
	vmf->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	return vmf->page ? 0 : VM_FAULT_OOM;
}

static const struct vm_operations_struct late_ops = {
	.fault = late_fault,
};

static int user_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct pasid_sva_user *user = file->private_data;
	struct pasid_sva *sva = user->sva;

	if (vma->vm_end - vma->vm_start != PAGE_SIZE || READ_ONCE(sva->gone))
		return -EINVAL;
	vma->vm_private_data = user;
	switch (vma->vm_pgoff << PAGE_SHIFT) {
	case SVA_OFFSET_REGISTERS:
		vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
		return io_remap_pfn_range(vma, vma->vm_start,
					  PHYS_PFN(pci_resource_start(sva->pdev, 0)),
					  PAGE_SIZE, vma->vm_page_prot);
	case SVA_OFFSET_LATE:
		vma->vm_ops = &late_ops;
		return 0;
	default:
		return -EINVAL;
	}
}

static const struct file_operations user_ops = {
	.owner = THIS_MODULE,
	.open = user_open,
	.release = user_release,
	.unlocked_ioctl = user_ioctl,
	.mmap = user_mmap,
};

void pasid_sva_come(struct pasid_sva *sva)
{
	struct pasid_sva_user *user;

	mutex_lock(&sva->lock);
	list_for_each_entry(user, &sva->users, node)
		user_answer(user, LATE_COMES);
	mutex_unlock(&sva->lock);
}

struct pasid_sva *pasid_sva_add(struct pci_dev *pdev, void __iomem *bar)
{
	struct pasid_sva *sva = kzalloc(sizeof(*sva), GFP_KERNEL);
	int ret = -ENOMEM;

	if (!sva)
		return ERR_PTR(ret);
	kref_init(&sva->kref);
	mutex_init(&sva->lock);
	INIT_LIST_HEAD(&sva->users);
	sva->pdev = pdev;
	sva->bar = bar;
	sva->misc.minor = MISC_DYNAMIC_MINOR;
	sva->misc.fops = &user_ops;
	sva->misc.name = kasprintf(GFP_KERNEL, "sva-%s", pci_name(pdev));
	if (sva->misc.name)
		ret = misc_register(&sva->misc);
	if (ret) {
		kref_put(&sva->kref, pasid_sva_free);
		return ERR_PTR(ret);
	}
	pci_set_drvdata(pdev, sva);
	return sva;
}

void pasid_sva_remove(struct pasid_sva *sva)
{
	struct pasid_sva_user *user, *next;

	misc_deregister(&sva->misc);
	mutex_lock(&sva->lock);
	WRITE_ONCE(sva->gone, true);
	/* All users have mapped parts of one file */
	user = list_first_entry_or_null(&sva->users, struct pasid_sva_user,
					node);
	if (user)
		unmap_mapping_range(user->mapping, SVA_OFFSET_REGISTERS,
				    PAGE_SIZE, 1);
	list_for_each_entry(user, &sva->users, node)
		user_answer(user, LATE_NEVER_COMES);
	list_for_each_entry(user, &sva->users, node)
		user_drain(user);
	flush_requests(sva);
	list_for_each_entry_safe(user, next, &sva->users, node)
		user_unbind(user);
	mutex_unlock(&sva->lock);
	kref_put(&sva->kref, pasid_sva_free);
}
