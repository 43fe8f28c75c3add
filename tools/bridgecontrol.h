/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_BRIDGECONTROL_H
#define TOOLS_BRIDGECONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * swtpm's control channel, as far as a chip that is nobody's simulator can
 * answer it. A request is a number, big endian in four octets, and an argument
 * whose length goes with the number; the answer is a result in four octets
 * (0: done) and what the request asks for.
 */
#define CONTROL_REQUEST_MAX 8
#define CONTROL_ANSWER_MAX 8

/* Results that are not 0. */
#define CONTROL_FAILED 0x09
#define CONTROL_UNKNOWN 0x0a
#define CONTROL_BAD_LOCALITY 0x3d

enum control_action {
    CONTROL_SAY,      /* answer is all there is to do */
    CONTROL_LOCALITY, /* set the locality, then answer */
    CONTROL_CANCEL,   /* cancel a command, then answer */
};

struct control_request {
    size_t need; /* octets of the request as far as it can be told */
    enum control_action action;
    uint8_t locality; /* 0 to 4 */
    const char *ignored; /* what was asked for that is not done; or NULL */
    bool last; /* where the next one begins, nobody knows */
    uint8_t answer[CONTROL_ANSWER_MAX];
    size_t answer_len;
};

/*
 * Reads len octets of a request. Whether it is whole: otherwise need says how
 * many octets to come back with, at most CONTROL_REQUEST_MAX, and nothing else
 * is set.
 */
bool control_parse(const uint8_t *data, size_t len,
    struct control_request *request);

/* A result and nothing more, in place of the answer. */
void control_result(struct control_request *request, uint32_t result);

/* Numbers as they go over sockets. */
uint32_t wire_get32(const uint8_t *data);
void wire_put32(uint8_t *data, uint32_t value);

#endif
