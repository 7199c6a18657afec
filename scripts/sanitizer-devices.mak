# SPDX-License-Identifier: GPL-2.0-or-later
# Device models that the tests of the series need, for the build with
# sanitizers: every model more is compiled for nothing.
CONFIG_ARM_VIRT=y
CONFIG_ARM_SMMUV3_ACCEL=y
CONFIG_PCIE_PORT=y
# The Express bridge uses functions of the other one.
CONFIG_PCI_BRIDGE=y
CONFIG_PCIE_PCI_BRIDGE=y
CONFIG_XIO3130=y
CONFIG_VFIO_PCI=y
CONFIG_VFIO_PCI_PASID=y
CONFIG_VFIO_USER=y
CONFIG_IOMMUFD=y
CONFIG_PASID_TESTDEV=y
CONFIG_PCI_TESTDEV=y
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_RNG=y
CONFIG_VIRTIO_BLK=y
CONFIG_VHOST_USER_RNG=y
CONFIG_VIRTIO_IOMMU=y
# PXB does not link without CXL, nor CXL without its memory device.
CONFIG_PXB=y
CONFIG_CXL=y
CONFIG_CXL_MEM_DEVICE=y
