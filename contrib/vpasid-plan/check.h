/*
 * Results of checks of a host
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef VPASID_PLAN_CHECK_H
#define VPASID_PLAN_CHECK_H

/**
 * enum CheckVerdict - what a check comes to, the worst last
 *
 * @CHECK_GOOD: it is as a guest with PASID needs it.
 *
 * @CHECK_UNKNOWN: it could not be found out.
 *
 * @CHECK_BAD: such a guest cannot be had as it is.
 *
 * @CHECK_REFUSED: the device cannot be given to any guest with an accelerated
 *                 SMMUv3: QEMU or Linux refuses it.
 */
typedef enum CheckVerdict {
    CHECK_GOOD,
    CHECK_UNKNOWN,
    CHECK_BAD,
    CHECK_REFUSED,
} CheckVerdict;

/**
 * struct Check - one thing that was looked at
 *
 * @name: name of the check, a constant string without a colon.
 *
 * @verdict: the result.
 *
 * @found: the state that was seen, in words.
 *
 * @remedy: way out in words, NULL where there is none.
 */
typedef struct Check {
    const char *name;
    CheckVerdict verdict;
    char *found;
    char *remedy;
} Check;

/**
 * check_list_new: make an empty list of checks
 *
 * Returns: an array of #Check that owns them.
 */
GPtrArray *check_list_new(void);

/**
 * check_add: note what came of a check
 *
 * @checks: of #Check, to which it is added.
 *
 * @name: as in #Check.
 *
 * @verdict: as in #Check.
 *
 * @remedy: as in #Check, copied.
 *
 * @format: of what was found, with its arguments.
 */
void check_add(GPtrArray *checks, const char *name, CheckVerdict verdict,
               const char *remedy, const char *format, ...)
    G_GNUC_PRINTF(5, 6);

/**
 * check_worst: tell what a list of checks comes to
 *
 * @checks: of #Check.
 *
 * Returns: the worst of their verdicts, #CHECK_GOOD if there is none.
 */
CheckVerdict check_worst(const GPtrArray *checks);

#endif /* VPASID_PLAN_CHECK_H */
