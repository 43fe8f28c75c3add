/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_BRIDGECLIENT_H
#define TOOLS_BRIDGECLIENT_H

#include "bridgecontrol.h"
#include "deadline.h"

#include <scu/link.h>
#include <sys/types.h>

/*
 * One connection to the bridge, on either channel. It has one request at a
 * time: what a client sends beyond it stays in its socket. Nothing here waits.
 */
enum client_phase {
    CLIENT_FREE,      /* there is none */
    CLIENT_READING,   /* the next request; idle while nothing of it came */
    CLIENT_WAITING,   /* for its turn */
    CLIENT_RUNNING,   /* the chip has its command */
    CLIENT_ANSWERING, /* the answer is on its way */
    CLIENT_DRAINING,  /* the last answer is given: until the client has gone */
};

struct client {
    int fd;
    bool control; /* which channel */
    pid_t pid;    /* who has connected; 0: not known */
    enum client_phase phase;
    uint8_t data[SCU_LINK_MESSAGE_MAX]; /* request, then answer */
    size_t have, need; /* octets of the request, or sent of the answer */
    struct control_request request; /* of the control channel */
    bool last; /* the answer under way is the last one */
    struct deadline deadline; /* of a request or answer that has begun */
    uint64_t since; /* a number that grows: when it began to wait, or to idle */
};

/* Takes over fd, which does not block. */
void client_start(struct client *c, int fd, bool control);

/* Closes; what it sent is wiped. Nothing where there is none. */
void client_close(struct client *c);

/*
 * Reads on. 1: the request is whole; 0: it is not, yet. Below zero the client
 * is to be closed: -EPIPE (it went between two requests: no fault), another
 * errno value: -ECONNABORTED in the middle of one, -EMSGSIZE its command has
 * an impossible length.
 */
int client_read(struct client *c, int timeout_ms);

/*
 * Gives it an answer, at once as far as the socket takes it. 0, or a negative
 * errno value: to be closed.
 */
int client_answer(struct client *c, const uint8_t *answer, size_t len,
    int timeout_ms);

/* Goes on with that. The same. */
int client_write(struct client *c);

/* Reads away what comes behind the last answer. 0 or negative: to be closed. */
int client_drain(struct client *c);

/* What poll(2) is to look for. */
short client_events(const struct client *c);

/* "a program", or "process 4711", for lines that people read. */
void client_name(const struct client *c, char *name, size_t size);

#endif
