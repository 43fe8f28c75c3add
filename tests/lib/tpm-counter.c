/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tpm-counter: counts commands outside the code under test.
 *
 *   tpm-counter --listen SOCKET --upstream SOCKET --log FILE
 *       stands between programs and a simulated chip and appends a line per
 *       exchange to FILE, before the program gets its answer:
 *           NAME RC IN OUT USEC
 *       command name, response code in hexadecimal ("lost" where none came),
 *       octets of command and response, microseconds that the chip took.
 *       Until SIGTERM or SIGINT.
 *   tpm-counter --wait SOCKET...
 *       returns as soon as somebody listens at each, or fails in 10 seconds.
 */
#include "config.h"

#include "commands.h"
#include "proxy.h"
#include "unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 10000

static struct proxy *proxy;

static void
on_signal(int number)
{
    (void)number;
    proxy_stop(proxy);
}

/* One write(2) on a file opened for appending: lines never mix. */
static void
write_line(void *user, const struct proxy_record *record)
{
    const int *log = user;
    char name[COMMAND_NAME_MAX], rc[16], line[128];
    int len;

    if (record->answered)
        (void)snprintf(rc, sizeof(rc), "%08x", record->rc);
    else
        (void)snprintf(rc, sizeof(rc), "lost");
    len = snprintf(line, sizeof(line), "%s %s %zu %zu %lu\n",
        command_name(record->command, name), rc, record->in, record->out,
        record->usec);
    if (write(*log, line, (size_t)len) != len)
        perror("tpm-counter: log");
}

static int
wait_for(char *const *paths)
{
    for (; *paths != NULL; paths++) {
        int rc = unixsock_wait(*paths, WAIT_MS);

        if (rc != 0) {
            (void)fprintf(stderr, "tpm-counter: nobody listens at %s: %s\n",
                *paths, strerror(-rc));
            return 1;
        }
    }
    return 0;
}

static int
serve(const char *listen_path, const char *upstream, const char *log_path)
{
    struct sigaction action = { .sa_handler = on_signal };
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const struct proxy_hooks hooks = { .user = &log, .done = write_line };
    int rc;

    if (log < 0) {
        perror(log_path);
        return 1;
    }
    if ((proxy = proxy_new(listen_path, upstream, &hooks)) == NULL) {
        perror(listen_path);
        (void)close(log);
        return 1;
    }
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    rc = proxy_run(proxy);
    if (rc != 0)
        (void)fprintf(stderr, "tpm-counter: %s\n", strerror(-rc));
    proxy_free(&proxy);
    (void)close(log);
    return rc == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        { "listen", required_argument, NULL, 'l' },
        { "upstream", required_argument, NULL, 'u' },
        { "log", required_argument, NULL, 'f' },
        { "wait", no_argument, NULL, 'w' },
        { NULL, 0, NULL, 0 },
    };
    const char *listen_path = NULL, *upstream = NULL, *log_path = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'l')
            listen_path = optarg;
        else if (option == 'u')
            upstream = optarg;
        else if (option == 'f')
            log_path = optarg;
        else if (option == 'w')
            return wait_for(argv + optind);
        else
            return 2;
    }
    if (listen_path == NULL || upstream == NULL || log_path == NULL) {
        (void)fprintf(stderr, "usage: tpm-counter --listen SOCKET --upstream "
            "SOCKET --log FILE | --wait SOCKET...\n");
        return 2;
    }
    return serve(listen_path, upstream, log_path);
}
