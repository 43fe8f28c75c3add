/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_KERNEL_DEVICE_FIXTURE_H
#define TESTS_KERNEL_DEVICE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_tcti.h>

/*
 * Contexts of the link "device" on the nodes of a chip that is the kernel's
 * tpm0. Run by guest.sh, as root, in a machine that is the test's alone.
 */
struct node {
    const char *conf;
    bool shared; /* may be opened more than once */
};

struct fixture {
    const struct node *node;
    TSS2_TCTI_CONTEXT *context;
};

extern const struct node nodes_tpmrm0, nodes_tpm0;

#define RC_SUCCESS 0
#define A_MINUTE 60000

/* Commands: a quick one; one of some 0.1 s, which makes an RSA-2048 key. */
#define HIERARCHY_AT 13
extern const uint8_t get_random[12], slow[67];

/* The state is a node first, then the fixture. */
int device_setup(void **state);
int device_teardown(void **state);

/* A context; NULL where that fails. */
TSS2_RC init(TSS2_TCTI_CONTEXT **context, const char *conf);
void end(TSS2_TCTI_CONTEXT **context);

/* A whole exchange, without assertions: also for children of a test. */
TSS2_RC talk(TSS2_TCTI_CONTEXT *context, const uint8_t *command, size_t len,
    uint8_t *response, size_t *size);
/* The quick one. *code is the chip's, or UINT32_MAX. */
TSS2_RC exchange(TSS2_TCTI_CONTEXT *context, uint32_t *code);
/* An exchange that must go well. */
void works(TSS2_TCTI_CONTEXT *context);

void transmit_slow(TSS2_TCTI_CONTEXT *context);
/* What is left of a response, whole. */
TSS2_RC receive(TSS2_TCTI_CONTEXT *context, int32_t timeout);
/* The answer to the slow one, which must come; its key does not stay. */
void take_slow(TSS2_TCTI_CONTEXT *context, int32_t timeout);

/* Rows of a test table. */
#define ON(TEST, NODE) \
    { #TEST "__" #NODE, TEST, device_setup, device_teardown, \
        (void *)(uintptr_t)&nodes_##NODE }
#define BOTH(TEST) ON(TEST, tpmrm0), ON(TEST, tpm0)

#endif
