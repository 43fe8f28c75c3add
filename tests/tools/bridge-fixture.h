/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TOOLS_BRIDGE_FIXTURE_H
#define TESTS_TOOLS_BRIDGE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A `scu bridge` as a process, whose chip and clients the test plays step by
 * step: it answers, or not, just when the test says so. All waits are bounded,
 * and fail the test at their end.
 */
struct fixture {
    char dir[32];
    char path[64];    /* of the bridge */
    char chip[64];    /* the chip's socket */
    char log[64];     /* what the bridge says to people */
    int chip_data;    /* the chip's listening sockets */
    int chip_control;
    pid_t bridge;
};

/* Fixtures of cmocka: one with patience, one whose clients must be quick. */
int bridge_setup(void **state);
int bridge_setup_quick(void **state);
int bridge_teardown(void **state);

/* --- the chip --------------------------------------------------------------- */

/* A command of 12 octets that carries a number, and the answer to it. */
void make_command(uint8_t *data, uint16_t number);
void make_answer(uint8_t *data, uint16_t number);

/* The next command that reaches the chip: its connection, its number. */
int chip_take(struct fixture *f, uint16_t *number);

/* The same; it must be this one. */
int chip_expect(struct fixture *f, uint16_t number);

/* Answers, and closes the connection. */
void chip_answer(int fd, uint16_t number);

/* Takes the next request on the chip's control channel, answers result. */
void chip_control_expect(struct fixture *f, const uint8_t *request,
    size_t len, uint32_t result);

/* --- clients ------------------------------------------------------------------ */

int data_client(const struct fixture *f);
int control_client(const struct fixture *f);
void give(int fd, const void *data, size_t len);
void give_command(int fd, uint16_t number);
void expect_octets(int fd, const void *data, size_t len);
void expect_answer(int fd, uint16_t number);
/* TPM_RC_CANCELED. */
void expect_cancelled(int fd);
/* Its connection is closed, nothing came before that. */
void expect_closed(int fd);
/* A result on the control channel. */
void expect_result(int fd, uint32_t result);

/* A client's command goes to the chip and comes back. */
void good_exchange(struct fixture *f, int fd, uint16_t number);

/* Whether the bridge has said that. */
bool said(const struct fixture *f, const char *text);

/* Readable within the bound. */
void await(int fd, short events);

#endif
