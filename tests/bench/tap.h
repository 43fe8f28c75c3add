/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_BENCH_TAP_H
#define TESTS_BENCH_TAP_H

#include <stdint.h>
#include <tss2/tss2_tcti.h>

/*
 * Times what passes through a TCTI context, by putting itself into the
 * context's table of functions: time from transmit to response, with the
 * link's own work, without the caller's. One context per process.
 */
void tap_attach(TSS2_TCTI_CONTEXT *tcti);

/* Nanoseconds spent in it so far; 0 without a context. */
uint64_t tap_ns(void);

#endif
