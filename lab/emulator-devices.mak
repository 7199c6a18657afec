# SPDX-License-Identifier: GPL-2.0-or-later
# Device models of the QEMU that emulates the host (L0): those that lab/run
# names, and what these need to be linked.
CONFIG_ARM_VIRT=y
CONFIG_PCIE_PORT=y
CONFIG_NVME_PCI=y
CONFIG_SPDM_SOCKET=y
CONFIG_PASID_TESTDEV=y
CONFIG_PXB=y
CONFIG_CXL=y
CONFIG_CXL_MEM_DEVICE=y
