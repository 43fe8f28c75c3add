/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TCTI_SCU_FAKE_H
#define TESTS_TCTI_SCU_FAKE_H

#include "tcti.h"

/* A context on a link that follows a script, for tests of the TCTI. */
#define STEPS_MAX 8
#define COMMAND_LEN 12

/* What the fake link does at one call of receive. */
struct step {
    TSS2_RC rc;
    const uint8_t *data;
    size_t len;
};

/* A link that follows a script, and counts. */
struct fake {
    struct link link;
    struct step steps[STEPS_MAX];
    size_t n_steps;
    size_t at;
    TSS2_RC send_rc;
    TSS2_RC cancel_rc;
    TSS2_RC locality_rc;
    uint8_t locality;
    struct deadline deadline; /* of the last receive */
    int sends;
    int startups; /* of them */
    int ends;
    int unclean_ends;
    int cancels;
    int abandons;
    int *closes;
};

struct fixture {
    struct tcti tcti;
    TSS2_TCTI_CONTEXT *context;
    struct fake *fake;
    int closes;
};

extern const uint8_t command[COMMAND_LEN]; /* TPM2_GetRandom */
extern const uint8_t answer[12];

/* A link without cancel and locality that gives messages, as a device's. */
extern const struct link_ops plain_ops;

/* The fixture of cmocka: a context in the state TRANSMIT. */
int fake_setup(void **state);
int fake_teardown(void **state);

/* Adds a step to what the link will do. */
void will_receive(struct fixture *f, TSS2_RC rc, const uint8_t *data,
    size_t len);

/* Through the context's table, as programs do. */
TSS2_RC transmit(struct fixture *f);
TSS2_RC receive(struct fixture *f, int32_t timeout);

#endif
