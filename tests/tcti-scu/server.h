/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TCTI_SCU_SERVER_H
#define TESTS_TCTI_SCU_SERVER_H

#include "tcti.h"

/*
 * A socket of the test plays the simulator: step by step in the test's own
 * thread, so that it answers, or not, just when the test says so.
 */
struct fixture {
    char dir[32];
    char path[64];
    char conf[160];
    int server;
    int client; /* the connection under way, on the server's side */
    struct tcti tcti;
    TSS2_TCTI_CONTEXT *context;
};

extern const uint8_t command[12]; /* TPM2_GetRandom */
extern const uint8_t answer[12];

/* The fixture of cmocka: somebody listens, nobody is connected. */
int server_setup(void **state);
int server_teardown(void **state);

/* Tss2_Tcti_Scu_Init on a block of the test. */
TSS2_RC init(struct tcti *tcti, const char *conf);

/* Init must fail with rc, in one line that holds part. */
void refused(const char *conf, TSS2_RC rc, const char *part);

/* Opens the fixture's context; more is added to the configuration. */
void start(struct fixture *f, const char *more);

/* Takes the next connection. */
void accept_client(struct fixture *f);

/* Takes the one by which Init saw that somebody listens. */
void skip_probe(struct fixture *f);

TSS2_RC transmit(struct fixture *f);
TSS2_RC receive(struct fixture *f, int32_t timeout);

/* Transmits, and takes the command on the other side. */
void send_command(struct fixture *f);

/* The server's octets, on the connection under way. */
void give(struct fixture *f, const uint8_t *data, size_t len);

/* A whole exchange that goes well. */
void good_exchange(struct fixture *f);

#endif
