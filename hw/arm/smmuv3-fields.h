/*
 * Arm SMMUv3: fields of table entries and commands
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * smmuv3-internal.h reads a field out of an entry of 32-bit words. The masks
 * here are for code that keeps or drops fields: STEn_ and CMDn_ names belong
 * to doubleword n. Section numbers refer to Arm IHI 0070, SMMUv3.
 */

#ifndef HW_ARM_SMMUV3_FIELDS_H
#define HW_ARM_SMMUV3_FIELDS_H

/* Doubleword @n of an STE, L1CD or command, which have 32-bit words */
#define SMMU_DWORD(x, n)    ((x)->word[2 * (n)] | \
                             (uint64_t)(x)->word[2 * (n) + 1] << 32)

/* Stream table entry (5.2) */
#define STE0_V              MAKE_64BIT_MASK(0, 1)
#define STE0_CONFIG         MAKE_64BIT_MASK(1, 3)
#define   STE_CONFIG_ABORT      0
#define   STE_CONFIG_BYPASS     4
#define STE0_S1FMT          MAKE_64BIT_MASK(4, 2)
#define   S1FMT_LINEAR          0
#define   S1FMT_2LVL_4K         1
#define   S1FMT_2LVL_64K        2
#define   S1FMT_RESERVED        3
#define STE0_S1CTXPTR       MAKE_64BIT_MASK(6, 46)
#define STE0_S1CDMAX        MAKE_64BIT_MASK(59, 5)
#define STE1_S1DSS          MAKE_64BIT_MASK(0, 2)
#define   S1DSS_TERMINATE       0
#define   S1DSS_BYPASS          1
#define   S1DSS_SSID0           2
#define   S1DSS_RESERVED        3
#define STE1_S1CIR          MAKE_64BIT_MASK(2, 2)
#define STE1_S1COR          MAKE_64BIT_MASK(4, 2)
#define STE1_S1CSH          MAKE_64BIT_MASK(6, 2)
#define STE1_S1STALLD       MAKE_64BIT_MASK(27, 1)
#define STE1_EATS           MAKE_64BIT_MASK(28, 2)
#define   EATS_FULL             1

/* Commands (4.3 to 4.5) */
#define CMD0_OPCODE         MAKE_64BIT_MASK(0, 8)
#define CMD0_GLOBAL         MAKE_64BIT_MASK(9, 1)
#define CMD0_SSV            MAKE_64BIT_MASK(11, 1)
#define CMD0_NUM            MAKE_64BIT_MASK(12, 5)
#define CMD0_SSID           MAKE_64BIT_MASK(12, 20)
#define CMD0_SCALE          MAKE_64BIT_MASK(20, 5)
#define CMD0_SID            MAKE_64BIT_MASK(32, 32)
#define CMD0_ASID           MAKE_64BIT_MASK(48, 16)
#define CMD0_ASID_HIGH      MAKE_64BIT_MASK(56, 8)
#define CMD1_LEAF           MAKE_64BIT_MASK(0, 1)
#define CMD1_TTL            MAKE_64BIT_MASK(8, 2)
#define   TTL_LEVEL_1           (1 << 8)
#define CMD1_TG             MAKE_64BIT_MASK(10, 2)
#define   TG_16K                (2 << 10)
#define CMD1_ADDR           MAKE_64BIT_MASK(12, 52)
#define CMD1_ATC_SIZE       MAKE_64BIT_MASK(0, 6)
/* CMD_ATC_INV.Size, log2 of 4 KiB pages: the whole address space (4.5.1) */
#define   ATC_SIZE_ALL          52

#define CMD_SYNC_MSIDATA_SHIFT  32
/* MSIADDRESS of a CMD_SYNC (4.7.3), ADDR of EVENTQ_IRQ_CFG0 and the like */
#define MSI_ADDRESS         MAKE_64BIT_MASK(2, 50)

/* CR2: record transactions whose StreamID is out of range (6.3.12) */
#define CR2_RECINVSID       MAKE_64BIT_MASK(1, 1)

#endif /* HW_ARM_SMMUV3_FIELDS_H */
