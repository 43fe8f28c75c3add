/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bridgelisten.h"
#include "bridgeserve.h"
#include "cmd.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_DEFAULT_MS 5000
#define TIMEOUT_MAX_MS 3600000

struct bridge_options {
    const char *listen;
    const char *client_timeout;
};

static const struct opt options[] = {
    {
        .name = "listen",
        .arg = "WHERE",
        .help = "unix:PATH or tcp:127.0.0.1:PORT",
        .offset = offsetof(struct bridge_options, listen),
    },
    {
        .name = "client-timeout",
        .arg = "MS",
        .help = "how long a client may take to send a command",
        .offset = offsetof(struct bridge_options, client_timeout),
    },
    { 0 },
};

/* --- the end ------------------------------------------------------------------ */

static volatile sig_atomic_t stop;

static const int ends[] = { SIGTERM, SIGINT, SIGHUP };

static void
on_end(int number)
{
    stop = number;
}

/*
 * Ends are seen between two steps of the loop only. *mask is what to wait
 * with, *before what was. One that is ignored, as by nohup(1), stays so.
 */
static int
arrange_end(sigset_t *mask, sigset_t *before, struct out *out)
{
    const struct sigaction action = { .sa_handler = on_end };
    struct sigaction old;
    sigset_t block;

    (void)sigemptyset(&block);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        (void)sigaddset(&block, ends[i]);
    if (sigprocmask(SIG_BLOCK, &block, before) != 0)
        return out_error(out, SCU_E_INTERNAL, "cannot block signals: %s",
            strerror(errno));
    *mask = *before;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (sigaction(ends[i], NULL, &old) == 0 &&
            old.sa_handler == SIG_IGN)
            continue;
        (void)sigaction(ends[i], &action, NULL);
        (void)sigdelset(mask, ends[i]);
    }
    return SCU_OK;
}

/* --- the command ---------------------------------------------------------------- */

static int
read_options(const struct bridge_options *given, int *timeout_ms,
    struct out *out)
{
    unsigned long ms = TIMEOUT_DEFAULT_MS;

    if (given->listen == NULL)
        return out_error(out, SCU_E_ARG, "bridge: --listen is missing: "
            "`scu bridge --help` shows the usage");
    if (given->client_timeout != NULL &&
        (opt_number(given->client_timeout, TIMEOUT_MAX_MS, &ms) != 0 ||
        ms == 0))
        return out_error(out, SCU_E_ARG, "bridge: --client-timeout \"%s\": a "
            "number of milliseconds from 1 to %d", given->client_timeout,
            TIMEOUT_MAX_MS);
    *timeout_ms = (int)ms;
    return SCU_OK;
}

/* What programs are to be told, as soon as they may come. */
static int
announce(struct out *out, const struct listener *l,
    const struct scu_link *link)
{
    out_line(out, "%s", l->tcti);
    out_string(out, "tcti", NULL, l->tcti);
    out_string(out, "link", NULL, scu_link_tcti(link));
    if (l->tcp) {
        out_string(out, "host", NULL, l->host);
        out_number(out, "port", NULL, l->port);
    } else {
        out_string(out, "path", NULL, l->path);
    }
    out_number(out, "pid", NULL, (uint64_t)getpid());
    return out_announce(out);
}

static int
serve(struct out *out, const struct bridge_plan *plan)
{
    int rc = bridge_serve(plan);

    if (rc == -ENOMEM)
        return out_error(out, SCU_E_MEMORY, "out of memory on the host");
    return rc == 0 ? SCU_OK : out_error(out, SCU_E_INTERNAL,
        "the bridge cannot wait for its clients: %s", strerror(-rc));
}

static int
run(struct out *out, const struct scu_chip_options *chip, const void *values)
{
    struct listener listener = { .data = -1, .control = -1 };
    struct scu_link *link = NULL;
    sigset_t mask, before;
    struct bridge_plan plan = {
        .listener = &listener, .mask = &mask, .stop = &stop };
    int rc;

    if ((rc = read_options(values, &plan.client_timeout_ms, out)) != SCU_OK ||
        (rc = arrange_end(&mask, &before, out)) != SCU_OK)
        return rc;
    if ((rc = scu_link_open(chip, &link)) != SCU_OK) {
        rc = out_error_scu(out, rc);
        goto out;
    }
    plan.link = link;
    rc = listener_open(&listener, ((const struct bridge_options *)values)
        ->listen, out);
    if (rc == SCU_OK)
        rc = announce(out, &listener, link);
    if (rc == SCU_OK)
        rc = serve(out, &plan);
out:
    listener_close(&listener);
    scu_link_free(&link);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return rc;
}

const struct cmd cmd_bridge = {
    .name = "bridge",
    .summary = "serve the chip as swtpm's sockets, for programs that know no "
        "others",
    .page = "scu-bridge(1)",
    .options = options,
    .options_size = sizeof(struct bridge_options),
    .takes_chip = true,
    .run = run,
};
