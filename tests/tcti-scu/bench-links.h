/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TCTI_BENCH_LINKS_H
#define TESTS_TCTI_BENCH_LINKS_H

/* Prints the rows of the links that are no bus. 0, or 1: a row did not run. */
int bench_uart(void);
int bench_swtpm(void);

#endif
