/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recorder --listen SOCKET --upstream SOCKET --out FILE
 *
 * Stands between programs and a simulated chip and appends each command and
 * each response to FILE, as they are, before they go on. Until SIGTERM.
 */
#include "config.h"

#include "tests/lib/proxy.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct proxy *proxy;

static void
on_signal(int number)
{
    (void)number;
    proxy_stop(proxy);
}

static void
keep(int fd, const uint8_t *data, size_t len)
{
    if (write(fd, data, len) != (ssize_t)len)
        perror("recorder");
}

static enum proxy_verdict
on_command(void *user, uint8_t *data, size_t *len)
{
    keep(*(const int *)user, data, *len);
    return PROXY_PASS;
}

static enum proxy_verdict
on_response(void *user, const uint8_t *command, size_t command_len,
    uint8_t *data, size_t *len)
{
    (void)command;
    (void)command_len;
    keep(*(const int *)user, data, *len);
    return PROXY_PASS;
}

static int
serve(const char *listen_path, const char *upstream, const char *out)
{
    struct sigaction action = { .sa_handler = on_signal };
    int fd = open(out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const struct proxy_hooks hooks = {
        .user = &fd, .command = on_command, .response = on_response,
    };
    int rc;

    if (fd < 0 || (proxy = proxy_new(listen_path, upstream, &hooks)) == NULL) {
        perror(fd < 0 ? out : listen_path);
        return 1;
    }
    (void)sigaction(SIGTERM, &action, NULL);
    rc = proxy_run(proxy);
    if (rc != 0)
        (void)fprintf(stderr, "recorder: %s\n", strerror(-rc));
    proxy_free(&proxy);
    (void)close(fd);
    return rc == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        { "listen", required_argument, NULL, 'l' },
        { "upstream", required_argument, NULL, 'u' },
        { "out", required_argument, NULL, 'o' },
        { NULL, 0, NULL, 0 },
    };
    const char *listen_path = NULL, *upstream = NULL, *out = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'l')
            listen_path = optarg;
        else if (option == 'u')
            upstream = optarg;
        else if (option == 'o')
            out = optarg;
        else
            return 2;
    }
    if (listen_path == NULL || upstream == NULL || out == NULL) {
        (void)fprintf(stderr, "usage: recorder --listen SOCKET --upstream "
            "SOCKET --out FILE\n");
        return 2;
    }
    return serve(listen_path, upstream, out);
}
