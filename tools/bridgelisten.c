/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bridgelisten.h"
#include "bridgesocket.h"
#include "opt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define UNIX_PREFIX "unix:"
#define TCP_PREFIX "tcp:"

/* Two neighbours that are free are found at once unless ports are scarce. */
#define PORT_TRIES 64

/* --- TCP ------------------------------------------------------------------- */

struct tcp_address {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } u;
    socklen_t len;
};

/* Only numbers: what a name leads to is not for a resolver to say. */
static bool
parse_host(const char *host, struct tcp_address *a)
{
    memset(a, 0, sizeof(*a));
    if (inet_pton(AF_INET, host, &a->u.in.sin_addr) == 1) {
        a->u.in.sin_family = AF_INET;
        a->len = sizeof(a->u.in);
        return ntohl(a->u.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (inet_pton(AF_INET6, host, &a->u.in6.sin6_addr) == 1) {
        a->u.in6.sin6_family = AF_INET6;
        a->len = sizeof(a->u.in6);
        return IN6_IS_ADDR_LOOPBACK(&a->u.in6.sin6_addr);
    }
    return false;
}

static void
set_port(struct tcp_address *a, uint16_t port)
{
    if (a->u.any.sa_family == AF_INET)
        a->u.in.sin_port = htons(port);
    else
        a->u.in6.sin6_port = htons(port);
}

/* "127.0.0.1:2321" or "[::1]:2321". */
static int
parse_tcp(const char *text, struct listener *l, struct tcp_address *a,
    struct out *out)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - text);
    unsigned long port = 0;

    if (colon == NULL || opt_number(colon + 1, UINT16_MAX - 1, &port) != 0)
        return out_error(out, SCU_E_ARG, "--listen tcp:%s: no port from 0 to "
            "%d: write tcp:127.0.0.1:2321, or port 0 for any that is free",
            text, UINT16_MAX - 1);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    (void)snprintf(l->host, sizeof(l->host), "%.*s", (int)len, text);
    if (len >= sizeof(l->host) || !parse_host(l->host, a))
        return out_error(out, SCU_E_ARG, "--listen tcp:%s: no loopback address; "
            "whoever reaches the bridge has the chip, so it listens at "
            "127.0.0.1 or [::1] only: go through ssh from other machines",
            text);
    l->port = (uint16_t)port;
    return SCU_OK;
}

/* Both ports. -EADDRINUSE and others; nothing is open then. */
static int
listen_ports(struct listener *l, struct tcp_address *a)
{
    struct tcp_address got = *a;
    int rc;

    set_port(a, l->port);
    if ((rc = bridge_listen(&a->u.any, a->len)) < 0)
        return rc;
    l->data = rc;
    if (getsockname(l->data, &got.u.any, &got.len) != 0)
        rc = -errno;
    else if (ntohs(got.u.in.sin_port) == UINT16_MAX)
        rc = -EADDRINUSE;
    if (rc >= 0) {
        /* The port is at the same place in both kinds of address. */
        set_port(a, (uint16_t)(ntohs(got.u.in.sin_port) + 1));
        rc = bridge_listen(&a->u.any, a->len);
    }
    if (rc < 0) {
        (void)close(l->data);
        l->data = -1;
        return rc;
    }
    l->control = rc;
    l->port = ntohs(got.u.in.sin_port);
    return 0;
}

static int
listen_tcp(struct listener *l, const char *text, struct out *out)
{
    int tries = PORT_TRIES;
    struct tcp_address a;
    int rc;

    if ((rc = parse_tcp(text, l, &a, out)) != SCU_OK)
        return rc;
    l->tcp = true;
    do {
        rc = listen_ports(l, &a);
    } while (rc == -EADDRINUSE && l->port == 0 && --tries > 0);
    if (rc == -EADDRINUSE)
        return out_error(out, SCU_E_EXISTS, "--listen tcp:%s: that port or the "
            "next, which is the control channel's, is in use: choose another, "
            "or 0", text);
    if (rc != 0)
        return out_error(out, SCU_E_FILE, "cannot listen at tcp:%s: %s", text,
            strerror(-rc));
    (void)snprintf(l->tcti, sizeof(l->tcti), "swtpm:host=%s,port=%u", l->host,
        (unsigned)l->port);
    return SCU_OK;
}

/* --- both ------------------------------------------------------------------ */

int
listener_open(struct listener *l, const char *where, struct out *out)
{
    memset(l, 0, sizeof(*l));
    l->data = l->control = -1;
    if (strncmp(where, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
        return bridge_listen_unix(l, where + strlen(UNIX_PREFIX), out);
    if (strncmp(where, TCP_PREFIX, strlen(TCP_PREFIX)) == 0)
        return listen_tcp(l, where + strlen(TCP_PREFIX), out);
    return out_error(out, SCU_E_ARG, "--listen %s: write unix:PATH or "
        "tcp:127.0.0.1:PORT", where);
}

void
listener_close(struct listener *l)
{
    bridge_remove_unix(l);
    if (l->data >= 0)
        (void)close(l->data);
    if (l->control >= 0)
        (void)close(l->control);
    l->data = l->control = -1;
}
