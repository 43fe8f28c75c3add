/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TCTI_SCU_CAPTURE_H
#define TESTS_TCTI_SCU_CAPTURE_H

/* What the code under test writes to standard error, for a while. */
void capture_start(void);

/*
 * Ends it; the test fails unless exactly one line came, from "scu: ", that
 * holds part, or nothing at all where part is NULL.
 */
void capture_expect(const char *part);

#endif
