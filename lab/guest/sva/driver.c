// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Linux module of the lab's guest: the driver of pasid-testdev
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * A program that reads the file `sva` of the device has it read and write the
 * memory of that very process, by the process' own addresses, and gets one line
 * for the outcome of each step. Processes that want more of the device open its
 * file, see user.c. The registers are those of docs/specs/pasid-testdev.rst.
 */

#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>
#include "pasid-sva.h"
#include "user.h"

/* Not aligned to anything, as what processes have */
#define PLACE	0x123

/* Of whole registers, which take accesses of 32 bits alone */
#define BYTES	24

static const char from_process[BYTES] = "a process wrote this";
static const char from_device[BYTES] = "the device wrote this";

static void get_data(void __iomem *bar, char *data)
{
	for (int i = 0; i < BYTES; i += 4)
		put_unaligned_le32(readl(bar + TESTDEV_DATA + i), data + i);
}

static void set_data(void __iomem *bar, const char *data)
{
	for (int i = 0; i < BYTES; i += 4)
		writel(get_unaligned_le32(data + i), bar + TESTDEV_DATA + i);
}

static u32 transfer(void __iomem *bar, u32 command, u64 address, u32 pasid)
{
	writel(lower_32_bits(address), bar + TESTDEV_ADDR_LO);
	writel(upper_32_bits(address), bar + TESTDEV_ADDR_HI);
	writel(pasid, bar + TESTDEV_PASID);
	writel(BYTES, bar + TESTDEV_LENGTH);
	writel(command, bar + TESTDEV_COMMAND);
	return readl(bar + TESTDEV_STATUS);
}

static const char *name_of(u32 status)
{
	switch (status) {
	case TESTDEV_STATUS_OK:
		return "ok";
	case TESTDEV_STATUS_FAULT:
		return "fault";
	default:
		return "neither ok nor fault";
	}
}

/* The device reads, then it writes: by the SMMU, or by what it has cached */
static ssize_t both_ways(void __iomem *bar, u32 how, const char *name,
			 unsigned long at, u32 pasid, char *out, ssize_t len)
{
	char data[BYTES];
	u32 status;

	if (copy_to_user((void __user *)at, from_process, BYTES))
		return len;
	status = transfer(bar, how | TESTDEV_COMMAND_READ, at, pasid);
	get_data(bar, data);
	len += sysfs_emit_at(out, len, "read%s: %s, %s\n", name,
			     name_of(status), data);

	set_data(bar, from_device);
	status = transfer(bar, how | TESTDEV_COMMAND_WRITE, at, pasid);
	if (copy_from_user(data, (void __user *)at, BYTES))
		data[0] = '\0';
	len += sysfs_emit_at(out, len, "write%s: %s, %s\n", name,
			     name_of(status), data);
	return len;
}

static ssize_t use(struct pci_dev *pdev, struct iommu_sva *bond, char *out)
{
	struct pasid_sva *sva = pci_get_drvdata(pdev);
	void __iomem *bar = sva->bar;
	u32 pasid = TESTDEV_PASID_SEND | iommu_sva_get_pasid(bond);
	bool ats = pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_ATS);
	unsigned long page, at;
	ssize_t len;
	u32 status;

	page = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(page))
		return page;
	at = page + PLACE;

	len = both_ways(bar, 0, "", at, pasid, out, 0);
	if (ats) {
		len = both_ways(bar, TESTDEV_COMMAND_ATS, " by ATS", at, pasid,
				out, len);
		len += sysfs_emit_at(out, len, "cached: %u\n",
				     readl(bar + TESTDEV_ATC_ENTRIES));
	}

	vm_munmap(page, PAGE_SIZE);
	if (ats) {
		len += sysfs_emit_at(out, len, "cached: %u\n",
				     readl(bar + TESTDEV_ATC_ENTRIES));
		status = transfer(bar, TESTDEV_COMMAND_ATS |
				  TESTDEV_COMMAND_READ, at, pasid);
		len += sysfs_emit_at(out, len, "unmapped by ATS: %s\n",
				     name_of(status));
	}
	status = transfer(bar, TESTDEV_COMMAND_READ, at, pasid);
	len += sysfs_emit_at(out, len, "unmapped: %s\n", name_of(status));
	return len;
}

static ssize_t sva_show(struct device *dev, struct device_attribute *attr,
			char *out)
{
	struct iommu_sva *bond = iommu_sva_bind_device(dev, current->mm);
	ssize_t len;

	if (IS_ERR(bond))
		return PTR_ERR(bond);
	len = use(to_pci_dev(dev), bond, out);
	iommu_sva_unbind_device(bond);
	return len;
}
static DEVICE_ATTR_RO(sva);

/* How many wait for a late page; it comes when something is written */
static ssize_t late_show(struct device *dev, struct device_attribute *attr,
			 char *out)
{
	struct pasid_sva *sva = dev_get_drvdata(dev);

	return sysfs_emit(out, "%d\n", atomic_read(&sva->waiting));
}

static ssize_t late_store(struct device *dev, struct device_attribute *attr,
			  const char *in, size_t len)
{
	pasid_sva_come(dev_get_drvdata(dev));
	return len;
}
static DEVICE_ATTR_RW(late);

static struct attribute *pasid_sva_attrs[] = {
	&dev_attr_sva.attr,
	&dev_attr_late.attr,
	NULL
};
ATTRIBUTE_GROUPS(pasid_sva);

static int pasid_sva_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int ret = pcim_enable_device(pdev);
	void __iomem *bar;

	if (ret)
		return ret;
	bar = pcim_iomap_region(pdev, 0, "pasid-sva");
	if (IS_ERR(bar))
		return PTR_ERR(bar);
	pci_set_master(pdev);
	return PTR_ERR_OR_ZERO(pasid_sva_add(pdev, bar));
}

static void pasid_sva_unbind(struct pci_dev *pdev)
{
	pasid_sva_remove(pci_get_drvdata(pdev));
}

static const struct pci_device_id pasid_sva_ids[] = {
	{ PCI_DEVICE(0x1234, 0x7061) },
	{ }
};
MODULE_DEVICE_TABLE(pci, pasid_sva_ids);

static struct pci_driver pasid_sva_driver = {
	.name = "pasid-sva",
	.id_table = pasid_sva_ids,
	.probe = pasid_sva_probe,
	.remove = pasid_sva_unbind,
	.dev_groups = pasid_sva_groups,
};
module_pci_driver(pasid_sva_driver);

MODULE_DESCRIPTION("pasid-testdev in the memory of a process");
MODULE_LICENSE("GPL");
