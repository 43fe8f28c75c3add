/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_PROXY_H
#define TESTS_LIB_PROXY_H

#include <stddef.h>
#include <stdint.h>

/*
 * A man in the middle of the bus
 * ------------------------------
 * Stands between programs and a simulated chip: listens on a UNIX socket,
 * takes one framed command at a time from each of its clients (who may keep
 * their connection or come anew for each), and carries it to the chip's
 * socket over a connection for this exchange only, so that others reach the
 * chip between two commands. LISTEN.ctrl is carried to UPSTREAM.ctrl, octet
 * by octet and also while a command runs, so that cancelling works.
 * The hooks see, count, alter, answer or swallow what passes.
 */
struct proxy;

/* The longest message; buffers given to hooks have this size. */
#define PROXY_FRAME_MAX 4096

/* What becomes of a message after a hook saw it. */
enum proxy_verdict {
    PROXY_PASS,   /* on its way, as data and len now stand */
    PROXY_ANSWER, /* commands only: data is the response; the chip is spared */
    PROXY_DROP,   /* nobody gets it: the client's connection is closed */
};

/* One exchange that is over. */
struct proxy_record {
    uint32_t command;      /* code as the client sent it */
    int answered;          /* whether the chip (or a hook) answered */
    uint32_t rc;           /* response code as the client gets it */
    size_t in, out;        /* octets of command and response */
    unsigned long usec;    /* time the chip took */
};

/*
 * All called from the thread in proxy_run(), all optional. A message has at
 * least its ten octets of header, and its length field is right; a hook that
 * changes *len (up to PROXY_FRAME_MAX) sets the length field as well.
 */
struct proxy_hooks {
    void *user;
    enum proxy_verdict (*command)(void *user, uint8_t *data, size_t *len);
    /* command: as it went to the chip. */
    enum proxy_verdict (*response)(void *user, const uint8_t *command,
        size_t command_len, uint8_t *data, size_t *len);
    /* Before the client gets its answer, so that what it does next finds the
       record written. */
    void (*done)(void *user, const struct proxy_record *record);
};

/*
 * Listens at listen_path and listen_path.ctrl. hooks is borrowed and outlives
 * the proxy; upstream is copied. NULL, with errno set, on failure.
 */
struct proxy *proxy_new(const char *listen_path, const char *upstream,
    const struct proxy_hooks *hooks);

/* Serves until proxy_stop(). 0 or a negative errno value. */
int proxy_run(struct proxy *proxy);

/* Ends proxy_run(). From any thread, and from signal handlers. */
void proxy_stop(struct proxy *proxy);

/*
 * An exchange of the hook's own with the chip, from within a command or
 * response hook. response takes PROXY_FRAME_MAX octets. Length of the
 * response or a negative errno value.
 */
int proxy_inject(struct proxy *proxy, const uint8_t *command, size_t len,
    uint8_t *response);

/* Closes everything, removes the sockets. Takes NULL, nulls the pointer. */
void proxy_free(struct proxy **proxy);

#endif
