# SPDX-License-Identifier: GPL-2.0-or-later
# Device models of the QEMU that runs inside the emulated host (L1).
# Only what a guest with an assigned PCI device needs: it is cross-built for
# every change of the series, so each model costs build time.
CONFIG_ARM_VIRT=y
CONFIG_PCIE_PORT=y
CONFIG_XIO3130=y
CONFIG_VFIO_PCI=y
CONFIG_VFIO_PCI_PASID=y
CONFIG_IOMMUFD=y
CONFIG_ARM_SMMUV3_ACCEL=y
# Root complexes beside the first, each with an SMMUv3 of its own; PXB does not
# link without CXL, nor CXL without its memory device.
CONFIG_PXB=y
CONFIG_CXL=y
CONFIG_CXL_MEM_DEVICE=y
# Emulated devices beside it.
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_BLK=y
CONFIG_VIRTIO_NET=y
CONFIG_USB_XHCI_PCI=y
CONFIG_PASID_TESTDEV=y
