/*
 * Registers, commands, events and table entries of the SMMUv3, for qtests
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Section numbers refer to Arm IHI0070, the SMMUv3 architecture. Nothing here
 * comes from the code under test.
 */

#ifndef TESTS_QTEST_SMMUV3_REGS_H
#define TESTS_QTEST_SMMUV3_REGS_H

/* Registers of -machine virt,iommu=smmuv3; of the first -device arm-smmuv3 */
#define VS_MACHINE_BASE     0x09050000ull
#define VS_BASE             0x0c000000ull

/* Registers (6.2) */
enum {
    VS_IDR0 = 0x00,
    VS_IDR1 = 0x04,
    VS_IDR3 = 0x0c,
    VS_IDR5 = 0x14,
    VS_CR0 = 0x20,
    VS_CR0ACK = 0x24,
    VS_CR2 = 0x2c,
    VS_GBPA = 0x44,
    VS_IRQ_CTRL = 0x50,
    VS_GERROR = 0x60,
    VS_GERRORN = 0x64,
    VS_GERROR_IRQ_CFG0 = 0x68,
    VS_GERROR_IRQ_CFG1 = 0x70,
    VS_STRTAB_BASE = 0x80,
    VS_STRTAB_BASE_CFG = 0x88,
    VS_CMDQ_BASE = 0x90,
    VS_CMDQ_PROD = 0x98,
    VS_CMDQ_CONS = 0x9c,
    VS_EVENTQ_BASE = 0xa0,
    VS_EVENTQ_IRQ_CFG0 = 0xb0,
    VS_EVENTQ_IRQ_CFG1 = 0xb8,
    VS_EVENTQ_PROD = 0x100a8,
    VS_EVENTQ_CONS = 0x100ac,
};

#define VS_IDR0_ATS         (1u << 10)
#define VS_IDR0_STALL_MODEL(v) (((v) >> 24) & 3)
#define VS_STALL_MODEL_BOTH 0
#define VS_STALL_MODEL_NONE 1
#define VS_STALL_MODEL_FORCED 2
#define VS_IDR3_FWB         (1u << 8)
#define VS_IDR5_STALL_MAX(v) ((v) >> 16)
#define VS_CR0_SMMUEN       (1u << 0)
#define VS_CR0_EVENTQEN     (1u << 2)
#define VS_CR0_CMDQEN       (1u << 3)
#define VS_CR2_RECINVSID    (1u << 1)
#define VS_GBPA_UPDATE      (1u << 31)
#define VS_GBPA_ABORT       (1u << 20)
#define VS_IRQ_CTRL_GERROR  (1u << 0)
#define VS_IRQ_CTRL_EVENTQ  (1u << 2)
#define VS_GERROR_CMDQ_ERR  (1u << 0)
#define VS_GERROR_EVENTQ_ABT_ERR (1u << 2)
#define VS_GERROR_MSI_CMDQ_ABT_ERR (1u << 4)
/* STRTAB_BASE_CFG: FMT 1 is a table of two levels (6.3.25) */
#define VS_STRTAB_FMT(n)    ((uint32_t)(n) << 16)
#define VS_STRTAB_SPLIT(n)  ((uint32_t)(n) << 6)
#define VS_CONS_ERR(v)      (((v) >> 24) & 0x7f)
#define VS_CERROR_ILL       1
#define VS_CERROR_ABT       2
#define VS_EVENTQ_OVERFLOW  (1u << 31)

/* Commands (4.1.1) */
#define VS_CMD_SIZE         16
enum {
    VS_CMD_ILLEGAL = 0x00,
    VS_CMD_PREFETCH_CONFIG = 0x01,
    VS_CMD_CFGI_STE = 0x03,
    VS_CMD_CFGI_STE_RANGE = 0x04,
    VS_CMD_CFGI_CD = 0x05,
    VS_CMD_CFGI_CD_ALL = 0x06,
    VS_CMD_TLBI_NH_ALL = 0x10,
    VS_CMD_TLBI_NH_ASID = 0x11,
    VS_CMD_TLBI_NH_VA = 0x12,
    VS_CMD_TLBI_NH_VAA = 0x13,
    VS_CMD_TLBI_NSNH_ALL = 0x30,
    VS_CMD_ATC_INV = 0x40,
    VS_CMD_RESUME = 0x44,
    VS_CMD_STALL_TERM = 0x45,
    VS_CMD_SYNC = 0x46,
};
#define VS_SYNC_IRQ (1ull << 12)
/* CMD_SYNC.MSIData; MSIAddress is the other word (4.7.3) */
#define VS_SYNC_DATA(n) ((uint64_t)(n) << 32)
/* Word 1 of CFGI_STE_RANGE; 31 makes it CFGI_ALL */
#define VS_RANGE(n) ((uint64_t)(n))
#define VS_RANGE_ALL 31
/* Word 0 of commands that name a substream, and of ATC_INV (4.3, 4.5) */
#define VS_CMD_GLOBAL       (1u << 9)
#define VS_CMD_SSV          (1u << 11)
#define VS_CMD_SSID(ssid)   ((uint32_t)(ssid) << 12)
/* Word 0 of CMD_RESUME and CMD_STALL_TERM (4.6); word 1 is the STAG */
#define VS_CMD_SSEC         (1u << 10)
#define VS_RESUME_RETRY     (1u << 12)
#define VS_RESUME_ABORT     (1u << 13)
/* Word 1 of ATC_INV: the whole address space */
#define VS_ATC_SIZE_ALL     52
/* Word 0 of TLBI commands (4.4), word 1 of theirs and of CFGI commands */
#define VS_ASID(n)  ((uint64_t)(n) << 48)
#define VS_LEAF     1ull

/* Events (7.3) */
#define VS_EVENT_SIZE       32
enum {
    VS_EVT_F_UUT = 0x01,
    VS_EVT_C_BAD_STREAMID = 0x02,
    VS_EVT_F_STE_FETCH = 0x03,
    VS_EVT_C_BAD_STE = 0x04,
    VS_EVT_F_STREAM_DISABLED = 0x06,
    VS_EVT_C_BAD_SUBSTREAMID = 0x08,
    VS_EVT_F_CD_FETCH = 0x09,
    VS_EVT_C_BAD_CD = 0x0a,
    VS_EVT_F_WALK_EABT = 0x0b,
    VS_EVT_F_TRANSLATION = 0x10,
    VS_EVT_F_ACCESS = 0x12,
    VS_EVT_F_PERMISSION = 0x13,
};
/* Word 0, with the type in bits 7:0, and word 2 of 32 bits (7.3.13) */
#define VS_EVT0_SSV         (1u << 11)
#define VS_EVT0_SSID(ssid)  ((uint32_t)(ssid) << 12)
#define VS_EVT2_STALL       (1u << 31)
#define VS_EVT2_STAG(v)     ((v) & 0xffff)
/* Word 3 of 32 bits: privileged, an instruction, a read, in stage 2, of the */
/* input address (7.3.16) */
#define VS_EVT3_PNU         (1u << 1)
#define VS_EVT3_IND         (1u << 2)
#define VS_EVT3_RNW         (1u << 3)
#define VS_EVT3_S2          (1u << 7)
#define VS_EVT3_CLASS_IN    (2u << 8)

/* Stream table entry, 64-bit words (5.2); level 1 descriptor (5.1) */
#define VS_STE_SIZE         64
#define VS_STE0_V           1ull
#define VS_STE0_CONFIG(n)   ((uint64_t)(n) << 1)
#define VS_CONFIG_ABORT     0
#define VS_CONFIG_BYPASS    4
#define VS_CONFIG_S1        5
#define VS_CONFIG_S2        6
#define VS_CONFIG_NESTED    7
#define VS_STE0_ABORT       VS_STE0_CONFIG(VS_CONFIG_ABORT)
#define VS_STE0_BYPASS      VS_STE0_CONFIG(VS_CONFIG_BYPASS)
#define VS_STE0_S1          VS_STE0_CONFIG(VS_CONFIG_S1)
#define VS_STE0_S2          VS_STE0_CONFIG(VS_CONFIG_S2)
#define VS_STE0_NESTED      VS_STE0_CONFIG(VS_CONFIG_NESTED)
#define VS_STE0_S1FMT(f)    ((uint64_t)(f) << 4)
#define VS_S1FMT_LINEAR     0
#define VS_S1FMT_4K         1
#define VS_S1FMT_64K        2
#define VS_STE0_S1CDMAX(n)  ((uint64_t)(n) << 59)
#define VS_STE1_S1DSS(n)    ((uint64_t)(n))
#define VS_S1DSS_TERMINATE  0
#define VS_S1DSS_BYPASS     1
#define VS_S1DSS_SSID0      2
#define VS_STE1_S1CIR(n)    ((uint64_t)(n) << 2)
#define VS_STE1_S1COR(n)    ((uint64_t)(n) << 4)
#define VS_STE1_S1CSH(n)    ((uint64_t)(n) << 6)
#define VS_STE1_S2FWB       (1ull << 25)
#define VS_STE1_S1STALLD    (1ull << 27)
#define VS_STE1_EATS(n)     ((uint64_t)(n) << 28)
#define VS_EATS_FULL        1
#define VS_STE1_SHCFG_IN    (1ull << 44)
/* Stage 2: bits of IPA, S2TG and S2SL0; 44 bits out */
#define VS_STE2_S2(ipa, tg, sl0) \
    (((64ull - (ipa)) | (sl0) << 6 | (tg) << 14 | 4ull << 16) << 32)
#define VS_S2TG_4K          0
#define VS_S2TG_64K         1
#define VS_S2TG_16K         2
#define VS_STE2_S2AA64      (1ull << 51)
#define VS_STE2_S2S         (1ull << 57)
#define VS_STE2_S2R         (1ull << 58)
/* The stage 2 of most tests: 39 bits of IPA, 4K granule, start at level 1 */
#define VS_STE2_S2_39       (VS_STE2_S2(39, VS_S2TG_4K, 1) | VS_STE2_S2AA64)
#define VS_L1STD_SPAN(n)    (n)

/* Context descriptor (5.4): 39 bits of input, 4K granule, no TTB1 */
#define VS_CD_SIZE          64
#define VS_CD0(asid, ips)   (25u | 1u << 30 | 1u << 31 | \
                             ((ips) | 1ull << 9 | 1ull << 13 | 1ull << 14 | \
                              (uint64_t)(asid) << 16) << 32)
#define VS_CD0_S            (1ull << 44)
#define VS_CD0_R            (1ull << 45)
#define VS_CD_IPS_44        4
#define VS_CD_IPS_MAX       7

/* Descriptors of VMSAv8-64: AF is set; stage 1 at EL0; stage 2 */
#define VS_PTE_TABLE        3
#define VS_PTE_BLOCK_S1     0x441
#define VS_PTE_BLOCK_S2AP(ap) (0x401 | (ap) << 6)
#define VS_S2AP_RO          1
#define VS_S2AP_WO          2
#define VS_S2AP_RW          3
#define VS_PTE_BLOCK_S2     VS_PTE_BLOCK_S2AP(VS_S2AP_RW)
#define VS_PTE_BLOCK_S2_RO  VS_PTE_BLOCK_S2AP(VS_S2AP_RO)
#define VS_PTE_PAGE_S1      0x443
#define VS_PTE_PAGE_S1_RO   0x4c3
#define VS_PTE_AF           0x400

#endif /* TESTS_QTEST_SMMUV3_REGS_H */
