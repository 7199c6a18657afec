/*
 * Accelerated arm-smmuv3: limits of shared virtual addressing in a Linux guest
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*
 * With SVA the SMMU walks the tables of a process, so Linux wants it to have
 * what the CPUs have that use the same tables (7.3: arm_smmu_sva_supported()).
 * A guest whose SMMU has less finds PASIDs, and no SVA, without a word.
 * Registers and fields are those of Arm IHI0070, 6.3.1 to 6.3.6, and of Arm
 * DDI0487, ID_AA64MMFR0_EL1 to ID_AA64MMFR2_EL1.
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/units.h"
#include "migration/cpr.h"
#include "system/kvm.h"
#include "system/qtest.h"
#include "system/system.h"
#include "target/arm/cpu.h"
#include "target/arm/cpu-features.h"
#include "smmuv3-accel-internal.h"

/* ID_AA64MMFR0_EL1.ASIDBITS: 16 bits */
#define CPU_ASID16      2

/* ID_AA64MMFR1_EL1.HAFDBS: access flag of table descriptors, and IDR0.HTTU */
#define CPU_HAFT        3
#define HTTU_HAFT       3

/* ID_AA64MMFR2_EL1.BBM: no TLB conflict aborts, which IDR3.BBML has as 2 */
#define CPU_BBM3        3
#define BBML_2          2

/*
 * CPUs that Linux takes to have BBM level 3 although ID_AA64MMFR2_EL1 does not
 * say so: fields of MIDR_EL1, with a range of variant and revision
 * (cpu_supports_bbml3() of Linux 7.3).
 */
static const struct Bbm3Cpu {
    uint8_t implementer;
    uint8_t first, last;
    uint16_t part;
} bbm3_cpus[] = {
    { .implementer = 0x41, .part = 0xd82, .first = 0x03, .last = 0x0f },
    { .implementer = 0x41, .part = 0xd83, .first = 0x02, .last = 0x0f },
    { .implementer = 0x41, .part = 0xd84, .first = 0x02, .last = 0x0f },
    { .implementer = 0x41, .part = 0xd4d, .first = 0x00, .last = 0xff },
    { .implementer = 0x41, .part = 0xd87, .first = 0x00, .last = 0xff },
    { .implementer = 0x41, .part = 0xd88, .first = 0x00, .last = 0xff },
    { .implementer = 0x41, .part = 0xd89, .first = 0x00, .last = 0xff },
    { .implementer = 0x41, .part = 0xd8a, .first = 0x00, .last = 0xff },
    { .implementer = 0x41, .part = 0xd8b, .first = 0x00, .last = 0xff },
    { .implementer = 0x41, .part = 0xd8c, .first = 0x11, .last = 0xff },
    { .implementer = 0x41, .part = 0xd8e, .first = 0x00, .last = 0xff },
    { .implementer = 0x41, .part = 0xd90, .first = 0x11, .last = 0xff },
    { .implementer = 0x4e, .part = 0x010, .first = 0x00, .last = 0xff },
    { .implementer = 0xc0, .part = 0xac3, .first = 0x00, .last = 0xff },
    { .implementer = 0xc0, .part = 0xac4, .first = 0x00, .last = 0xff },
};

/* IDR5.VAX: virtual addresses of 52 bits */
#define VAX_52          1

static bool cpu_has_bbm3(const ARMCPU *cpu)
{
    uint32_t revision = FIELD_EX64(cpu->midr, MIDR_EL1, VARIANT) << 4 |
                        FIELD_EX64(cpu->midr, MIDR_EL1, REVISION);

    if (FIELD_EX64_IDREG(&cpu->isar, ID_AA64MMFR2, BBM) >= CPU_BBM3) {
        return true;
    }
    for (int i = 0; i < ARRAY_SIZE(bbm3_cpus); i++) {
        const struct Bbm3Cpu *known = &bbm3_cpus[i];

        if (FIELD_EX64(cpu->midr, MIDR_EL1, IMPLEMENTER) ==
            known->implementer &&
            FIELD_EX64(cpu->midr, MIDR_EL1, PARTNUM) == known->part &&
            revision >= known->first && revision <= known->last) {
            return true;
        }
    }
    return false;
}

static void append_limit(SmmuAccelSvaLimitList ***tail, const char *field,
                         uint32_t offered, uint32_t needed, bool always)
{
    SmmuAccelSvaLimit *limit;

    if (offered < needed) {
        limit = g_new(SmmuAccelSvaLimit, 1);
        *limit = (SmmuAccelSvaLimit) {
            .field = g_strdup(field),
            .offered = offered,
            .needed = needed,
            .always = always,
        };
        QAPI_LIST_APPEND(*tail, limit);
    }
}

/* The CPU that stands for all of the machine, or NULL if it has 32 bits */
static ARMCPU *sva_cpu(void)
{
    ARMCPU *cpu = (ARMCPU *)object_dynamic_cast(OBJECT(first_cpu),
                                                TYPE_ARM_CPU);

    return cpu && arm_feature(&cpu->env, ARM_FEATURE_AARCH64) ? cpu : NULL;
}

static SmmuAccelSvaLimitList *sva_limits(const uint32_t *idr, ARMCPU *cpu)
{
    SmmuAccelSvaLimitList *list = NULL, **tail = &list;
    const ARMISARegisters *isar = &cpu->isar;

    append_limit(&tail, "IDR5.OAS",
                 smmuv3_props_oas_bits(FIELD_EX32(idr[5], IDR5, OAS)),
                 smmuv3_props_oas_bits(FIELD_EX64_IDREG(isar, ID_AA64MMFR0,
                                                        PARANGE)), true);
    append_limit(&tail, "IDR0.ASID16", FIELD_EX32(idr[0], IDR0, ASID16),
                 FIELD_EX64_IDREG(isar, ID_AA64MMFR0, ASIDBITS) >= CPU_ASID16,
                 true);
    append_limit(&tail, "IDR0.HTTU", FIELD_EX32(idr[0], IDR0, HTTU),
                 FIELD_EX64_IDREG(isar, ID_AA64MMFR1, HAFDBS) >= CPU_HAFT ?
                 HTTU_HAFT : 0, false);
    append_limit(&tail, "IDR3.BBML", FIELD_EX32(idr[3], IDR3, BBML),
                 cpu_has_bbm3(cpu) ? BBML_2 : 0, true);
    append_limit(&tail, "IDR5.VAX", FIELD_EX32(idr[5], IDR5, VAX),
                 FIELD_EX64_IDREG(isar, ID_AA64MMFR2, VARANGE) ? VAX_52 : 0,
                 false);
    append_limit(&tail, "IDR5.GRAN4K", FIELD_EX32(idr[5], IDR5, GRAN4K),
                 isar_feature_aa64_tgran4(isar), false);
    append_limit(&tail, "IDR5.GRAN16K", FIELD_EX32(idr[5], IDR5, GRAN16K),
                 isar_feature_aa64_tgran16(isar), false);
    append_limit(&tail, "IDR5.GRAN64K", FIELD_EX32(idr[5], IDR5, GRAN64K),
                 isar_feature_aa64_tgran64(isar), false);
    return list;
}

SmmuAccelSvaLimitList *smmuv3_accel_sva_limits(const SMMUv3AccelState *a)
{
    ARMCPU *cpu = sva_cpu();

    return cpu && a->smmu->ssidsize ? sva_limits(a->smmu->idr, cpu) : NULL;
}

/* Can the SMMU have pages of the size that the host's kernel has? */
static bool sva_has_granule(const uint32_t *idr)
{
    switch (qemu_real_host_page_size()) {
    case 64 * KiB:
        return FIELD_EX32(idr[5], IDR5, GRAN64K);
    case 16 * KiB:
        return FIELD_EX32(idr[5], IDR5, GRAN16K);
    default:
        return FIELD_EX32(idr[5], IDR5, GRAN4K);
    }
}

SMMUv3AccelSva smmuv3_accel_sva_of_host(const SMMUv3AccelIdr *host,
                                        Error **errp)
{
    g_autoptr(SmmuAccelSvaLimitList) list = NULL;
    const SmmuAccelSvaLimitList *entry;
    ARMCPU *cpu = sva_cpu();

    /* The CPU of a qtest is that of the modelled host */
    if (!cpu || !(kvm_enabled() || qtest_enabled())) {
        error_setg(errp, "the CPUs of the host are not known without KVM");
        return SVA_UNKNOWN;
    }
    if (!FIELD_EX32(host->reg[0], IDR0, COHACC) ||
        !sva_has_granule(host->reg)) {
        error_setg(errp, "Linux has no SVA on the host SMMUv3, which is not"
                   " coherent or does not have the page size of its CPUs");
        return SVA_NO;
    }
    list = sva_limits(host->reg, cpu);
    for (entry = list; entry; entry = entry->next) {
        if (entry->value->always) {
            error_setg(errp, "Linux has no SVA on the host SMMUv3, whose %s is"
                       " %u where its CPUs need %u", entry->value->field,
                       entry->value->offered, entry->value->needed);
            return SVA_NO;
        }
    }
    /* That depends on what the kernel makes of these features of the CPUs */
    for (entry = list; entry; entry = entry->next) {
        if (!g_str_has_prefix(entry->value->field, "IDR5.GRAN")) {
            error_setg(errp, "the host SMMUv3 has less than its CPUs in %s",
                       entry->value->field);
            return SVA_UNKNOWN;
        }
    }
    if (isar_feature_aa64_tgran4_lpa2(&cpu->isar) &&
        qemu_real_host_page_size() < 64 * KiB) {
        error_setg(errp, "the CPUs of the host have 52 address bits with small"
                   " pages, which Linux may use");
        return SVA_UNKNOWN;
    }
    return SVA_YES;
}

/* A user who gives a number of substreams needs them */
static void smmuv3_accel_sva_machine_done(Notifier *n, void *unused)
{
    SMMUv3AccelState *a = container_of(n, SMMUv3AccelState, machine_done);
    g_autoptr(SmmuAccelSvaLimitList) list = smmuv3_accel_sva_limits(a);
    const SmmuAccelSvaLimitList *entry;

    if (a->smmu->props.ssidsize == SMMUV3_AUTO || cpr_is_incoming()) {
        return;
    }
    for (entry = list; entry; entry = entry->next) {
        const SmmuAccelSvaLimit *limit = entry->value;

        if (limit->always) {
            warn_report("arm-smmuv3: a Linux guest will use PASIDs, but not"
                        " for SVA: %s is %u, its CPUs need %u", limit->field,
                        limit->offered, limit->needed);
            return;
        }
    }
}

void smmuv3_accel_sva_init(SMMUv3AccelState *a)
{
    a->machine_done.notify = smmuv3_accel_sva_machine_done;
    qemu_add_machine_init_done_notifier(&a->machine_done);
}
