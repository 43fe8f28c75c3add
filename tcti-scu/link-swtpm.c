/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "control.h"
#include "fail.h"
#include "io.h"
#include "lockfile.h"
#include "simdir.h"
#include "swtpm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_tcti.h>
#include <unistd.h>

/*
 * swtpm's sockets: commands and responses pass as they are over the data
 * socket, which serves one client at a time. So that programs can share it,
 * each exchange has a connection of its own, and the exchange lock says who
 * is next; with "exclusive" both are kept.
 *
 * The locality of swtpm holds for all its clients. A context with a locality
 * of its own therefore sets it in each exchange and sets 0 afterwards.
 */
static struct swtpm *
swtpm_of(struct link *link)
{
    return (struct swtpm *)(void *)link;
}

static TSS2_RC
refuse_connection(const struct swtpm *s, int rc)
{
    if (rc == -ENOENT || rc == -ECONNREFUSED || rc == -ENOTDIR)
        return tcti_fail(TSS2_TCTI_RC_NO_CONNECTION,
            "no simulated chip at %s: %s; %s", s->name, strerror(-rc),
            s->remedy);
    return tcti_fail(TSS2_TCTI_RC_NO_CONNECTION,
        "cannot connect to the simulated chip at %s: %s; check that it runs "
        "and that you may use it", s->name, strerror(-rc));
}

static TSS2_RC
lock_exchange(struct swtpm *s, struct deadline deadline)
{
    int rc = exchange_enter(&s->exchange, deadline);

    if (rc == 0)
        return TSS2_RC_SUCCESS;
    if (rc == -ETIMEDOUT)
        return TSS2_TCTI_RC_IO_ERROR;
    if (rc == -ENOENT || rc == -ENOTDIR) /* with the folder of the socket */
        return refuse_connection(s, rc);
    return tcti_fail(TSS2_TCTI_RC_IO_ERROR,
        "cannot lock %s: %s; make its folder writable, or name another file "
        "by lock=", s->lock_path, strerror(-rc));
}

static TSS2_RC
connect_data(struct swtpm *s, struct deadline deadline)
{
    int rc;

    if (s->fd >= 0)
        return TSS2_RC_SUCCESS;
    rc = endpoint_connect(&s->data, deadline, &s->fd);
    return rc == 0 ? TSS2_RC_SUCCESS : refuse_connection(s, rc);
}

static void
disconnect(struct swtpm *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
}

/* No control channel is for the caller to judge; a failure is logged. */
static TSS2_RC
control(struct swtpm *s, enum control_command command, uint8_t value)
{
    int rc = control_run(&s->control, command, value,
        deadline_in(s->timeout_ms));

    if (rc == 0)
        return TSS2_RC_SUCCESS;
    if (rc == -ENOTCONN)
        return TSS2_TCTI_RC_NOT_IMPLEMENTED;
    return tcti_fail(TSS2_TCTI_RC_IO_ERROR,
        "the control channel of the simulated chip at %s failed: %s; restart "
        "the simulator if this goes on", s->name, strerror(-rc));
}

static TSS2_RC
enter_locality(struct swtpm *s)
{
    TSS2_RC rc;

    if (s->locality == 0)
        return TSS2_RC_SUCCESS;
    rc = control(s, CONTROL_SET_LOCALITY, s->locality);
    if (rc == TSS2_TCTI_RC_NOT_IMPLEMENTED)
        return tcti_fail(TSS2_TCTI_RC_IO_ERROR,
            "locality %u cannot be set: the control channel of the simulated "
            "chip at %s is gone; restart the simulator", s->locality, s->name);
    s->locality_is_set = rc == TSS2_RC_SUCCESS;
    return rc;
}

static void
leave_locality(struct swtpm *s)
{
    if (s->locality_is_set)
        (void)control(s, CONTROL_SET_LOCALITY, 0);
    s->locality_is_set = false;
}

/*
 * The connection goes before the locality: swtpm is then done with the
 * command, or will drop its answer.
 */
static void
swtpm_end(struct link *link, bool clean)
{
    struct swtpm *s = swtpm_of(link);

    if (!clean || !s->exclusive)
        disconnect(s);
    leave_locality(s);
    exchange_leave(&s->exchange);
}

static void
swtpm_abandon(struct link *link)
{
    struct swtpm *s = swtpm_of(link);

    disconnect(s);
    s->locality_is_set = false;
    exchange_abandon(&s->exchange);
}

static TSS2_RC
start_exchange(struct swtpm *s, struct deadline deadline)
{
    TSS2_RC rc;

    rc = lock_exchange(s, deadline);
    if (rc == TSS2_RC_SUCCESS)
        rc = enter_locality(s);
    if (rc == TSS2_RC_SUCCESS)
        rc = connect_data(s, deadline);
    return rc;
}

static TSS2_RC
swtpm_send(struct link *link, const uint8_t *command, size_t len)
{
    struct swtpm *s = swtpm_of(link);
    struct deadline deadline = deadline_in(s->timeout_ms);
    TSS2_RC rc;
    int err;

    rc = start_exchange(s, deadline);
    if (rc != TSS2_RC_SUCCESS)
        goto out;
    err = io_write(s->fd, command, len, deadline);
    if (err != 0)
        rc = tcti_fail(TSS2_TCTI_RC_IO_ERROR,
            "the simulated chip at %s did not take the command: %s; repeat "
            "the operation", s->name, strerror(-err));
out:
    if (rc != TSS2_RC_SUCCESS)
        swtpm_end(link, false);
    return rc;
}

static TSS2_RC
swtpm_receive(struct link *link, uint8_t *data, size_t max, size_t *got,
    struct deadline deadline)
{
    struct swtpm *s = swtpm_of(link);
    int rc = io_read_some(s->fd, data, max, got, deadline);

    if (rc == 0)
        return TSS2_RC_SUCCESS;
    if (rc == -ETIMEDOUT)
        return TSS2_TCTI_RC_TRY_AGAIN;
    return tcti_fail(TSS2_TCTI_RC_IO_ERROR,
        "the simulated chip at %s gave no whole response: %s; check that it "
        "runs, then repeat the operation", s->name,
        rc == -EPIPE ? "it closed the connection" : strerror(-rc));
}

static TSS2_RC
swtpm_cancel(struct link *link)
{
    return control(swtpm_of(link), CONTROL_CANCEL, 0);
}

/* Tried at once, so that a refusal shows here and not in a command. */
static TSS2_RC
swtpm_locality(struct link *link, uint8_t locality)
{
    struct swtpm *s = swtpm_of(link);
    TSS2_RC rc;

    rc = lock_exchange(s, deadline_in(s->timeout_ms));
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    rc = control(s, CONTROL_SET_LOCALITY, locality);
    if (rc == TSS2_RC_SUCCESS) {
        s->locality_is_set = locality != 0;
        s->locality = locality;
    }
    leave_locality(s);
    exchange_leave(&s->exchange);
    return rc;
}

static int
swtpm_fd(const struct link *link)
{
    return ((const struct swtpm *)(const void *)link)->fd;
}

static void
swtpm_close(struct link **link)
{
    struct swtpm *s = swtpm_of(*link);

    swtpm_end(*link, false);
    exchange_leave(&s->exchange);
    exchange_close(&s->exchange);
    free(s->lock_path);
    free(s);
    *link = NULL;
}

/* Beside a UNIX socket; for TCP only where lock= names a file. */
static TSS2_RC
set_lock(struct swtpm *s, const struct options *options, const char *path)
{
    int rc;

    if (options->lock != NULL)
        s->lock_path = strdup(options->lock);
    else if (path != NULL)
        s->lock_path = swtpm_beside(path, ".lock");
    else
        return TSS2_RC_SUCCESS;
    if (s->lock_path == NULL)
        return TSS2_TCTI_RC_MEMORY;
    s->exchange.chip = s->name;
    rc = lockfile_open(s->lock_path, &s->exchange.lock);
    if (rc == 0)
        return TSS2_RC_SUCCESS;
    return tcti_fail(TSS2_TCTI_RC_NO_CONNECTION,
        "cannot make the lock %s: %s; make its folder writable, or name "
        "another file by lock=", s->lock_path, strerror(-rc));
}

/*
 * Shows that somebody listens. With "exclusive" the connection stays;
 * otherwise a UNIX socket with a full queue is proof enough: the waiting is
 * left to the exchanges.
 */
static TSS2_RC
probe(struct swtpm *s)
{
    bool wait = s->exclusive || s->data.address.ss_family != AF_UNIX;
    int rc;

    rc = endpoint_connect(&s->data, deadline_in(wait ? s->timeout_ms : 0),
        &s->fd);
    if (!s->exclusive)
        disconnect(s);
    if (rc == 0 || (rc == -ETIMEDOUT && !wait))
        return TSS2_RC_SUCCESS;
    return refuse_connection(s, rc);
}

/* path is NULL for TCP; remedy is what to do where nobody listens. */
static TSS2_RC
open_at(const struct options *options, const char *path, const char *remedy,
    struct link **link)
{
    struct swtpm *s = calloc(1, sizeof(*s));
    TSS2_RC rc;

    if (s == NULL)
        return TSS2_TCTI_RC_MEMORY;
    s->link.ops = options->type->ops;
    s->fd = -1;
    s->timeout_ms = (int32_t)options->timeout_ms;
    s->exclusive = s->exchange.keep = options->exclusive;
    (void)snprintf(s->remedy, sizeof(s->remedy), "%s", remedy);
    *link = &s->link;
    if (path != NULL)
        rc = swtpm_address_unix(s, path, options->ctrl);
    else
        rc = swtpm_address_tcp(s, options);
    if (rc == TSS2_RC_SUCCESS)
        rc = probe(s);
    if (rc == TSS2_RC_SUCCESS)
        rc = set_lock(s, options, path);
    if (rc == TSS2_RC_SUCCESS && s->exclusive)
        rc = lock_exchange(s, deadline_in(s->timeout_ms));
    if (rc != TSS2_RC_SUCCESS)
        swtpm_close(link);
    return rc;
}

static TSS2_RC
swtpm_open(const struct options *options, struct link **link)
{
    const char *remedy = "start swtpm there, or name the socket of one that "
        "runs";
    bool tcp = options->host != NULL || options->port != 0;

    if (options->path == NULL && !tcp)
        return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
            "link swtpm lacks its address; give path=SOCKET, or host=HOST and "
            "port=PORT");
    if (options->path != NULL && (tcp || options->ctrl_port != 0))
        return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
            "link swtpm has two addresses; give path= or else host= and port=");
    return open_at(options, options->path, remedy, link);
}

static TSS2_RC
sim_open(const struct options *options, struct link **link)
{
    char *standard = options->dir == NULL ? sim_dir_default() : NULL;
    const char *dir = options->dir != NULL ? options->dir : standard;
    char *remedy = NULL;
    char *path = NULL;
    TSS2_RC rc = TSS2_TCTI_RC_MEMORY;

    if (dir == NULL) {
        rc = tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
            "the folder of the simulated chip is not known, for neither "
            "XDG_RUNTIME_DIR nor HOME is set; give sim:dir=DIR");
        goto out;
    }
    path = swtpm_beside(dir, "/" SIM_SOCKET);
    remedy = swtpm_beside("start it: scu sim start --dir ", dir);
    if (path != NULL && remedy != NULL)
        rc = open_at(options, path, remedy, link);
out:
    free(path);
    free(remedy);
    free(standard);
    return rc;
}

static const struct link_ops swtpm_ops = {
    .open = swtpm_open,
    .send = swtpm_send,
    .receive = swtpm_receive,
    .end = swtpm_end,
    .cancel = swtpm_cancel,
    .locality = swtpm_locality,
    .fd = swtpm_fd,
    .abandon = swtpm_abandon,
    .close = swtpm_close,
};

static const struct link_ops sim_ops = {
    .open = sim_open,
    .send = swtpm_send,
    .receive = swtpm_receive,
    .end = swtpm_end,
    .cancel = swtpm_cancel,
    .locality = swtpm_locality,
    .fd = swtpm_fd,
    .abandon = swtpm_abandon,
    .close = swtpm_close,
};

#define SOCKET_KEYS \
    { .name = "exclusive", .kind = OPTION_FLAG, \
        .offset = offsetof(struct options, exclusive) }, \
    { .name = "lock", .kind = OPTION_STRING, \
        .offset = offsetof(struct options, lock) }, \
    OPTION_KEYS_SHARED

static const struct option_key swtpm_keys[] = {
    { .name = "path", .kind = OPTION_STRING,
        .offset = offsetof(struct options, path) },
    { .name = "ctrl", .kind = OPTION_STRING,
        .offset = offsetof(struct options, ctrl) },
    { .name = "host", .kind = OPTION_STRING,
        .offset = offsetof(struct options, host) },
    { .name = "port", .kind = OPTION_NUMBER, .min = 1, .max = UINT16_MAX,
        .offset = offsetof(struct options, port) },
    { .name = "ctrl-port", .kind = OPTION_NUMBER, .min = 1, .max = UINT16_MAX,
        .offset = offsetof(struct options, ctrl_port) },
    SOCKET_KEYS,
};

static const struct option_key sim_keys[] = {
    { .name = "dir", .kind = OPTION_STRING,
        .offset = offsetof(struct options, dir) },
    SOCKET_KEYS,
};

const struct link_type link_type_swtpm = {
    .name = "swtpm",
    .ops = &swtpm_ops,
    .keys = swtpm_keys,
    .n_keys = sizeof(swtpm_keys) / sizeof(swtpm_keys[0]),
};

const struct link_type link_type_sim = {
    .name = "sim",
    .ops = &sim_ops,
    .keys = sim_keys,
    .n_keys = sizeof(sim_keys) / sizeof(sim_keys[0]),
};
