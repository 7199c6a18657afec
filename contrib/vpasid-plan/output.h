/*
 * Output of plans
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef VPASID_PLAN_OUTPUT_H
#define VPASID_PLAN_OUTPUT_H

#include "plan.h"

/**
 * output_line: show a plan as one line
 *
 * @plan: the plan.
 *
 * @out: the line is added to it, with its end.
 */
void output_line(const Plan *plan, GString *out);

/**
 * output_map: draw the configuration space and the place in it
 *
 * @plan: the plan.
 *
 * @out: some lines are added to it.
 */
void output_map(const Plan *plan, GString *out);

/**
 * output_json: show a plan as a JSON object (RFC 8259)
 *
 * @plan: the plan.
 *
 * @out: the object is added to it, without a line end.
 */
void output_json(const Plan *plan, GString *out);

/**
 * output_text: show text from outside on one line
 *
 * @text: the text, of any bytes.
 *
 * @out: the text is added to it, with escapes in place of what does not print.
 */
void output_text(const char *text, GString *out);

/**
 * output_json_string: show text as a JSON string (RFC 8259, section 7)
 *
 * @text: the text.
 *
 * @out: the string is added to it, with its quotes.
 */
void output_json_string(const char *text, GString *out);

#endif /* VPASID_PLAN_OUTPUT_H */
