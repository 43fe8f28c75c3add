/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "line.h"
#include "unixsock.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * uart-chip DIR SOCKET: a connector for programs of others, on a pty whose
 * name (in DIR) is printed; its commands go to swtpm at SOCKET. Lines of
 * standard input pull it out and plug it in again, in turn; their end ends it.
 * To be linked with what plays the connector: the page's, not the driver's.
 */
struct chip {
    int fd;
    uint8_t response[WIRE_MESSAGE];
    size_t have;
};

static void
start(void *user, uint8_t locality, const uint8_t *command, size_t len)
{
    struct chip *chip = user;

    (void)locality;
    chip->have = 0;
    (void)unixsock_send(chip->fd, command, len);
}

static size_t
done(void *user, uint8_t *response, size_t max)
{
    struct chip *chip = user;
    ssize_t n = recv(chip->fd, chip->response + chip->have,
        sizeof(chip->response) - chip->have, MSG_DONTWAIT);

    chip->have += n > 0 ? (size_t)n : 0;
    if (chip->have < 10 || chip->have < frame_length(chip->response)
        || chip->have > max)
        return 0;
    memcpy(response, chip->response, chip->have);
    return chip->have;
}

static void
cancel(void *user)
{
    (void)user;
}

static const struct connector_tpm ops = {
    .start = start, .done = done, .cancel = cancel,
};

int
main(int argc, char **argv)
{
    struct chip chip = { .fd = -1 };
    struct line *line = NULL;
    bool plugged = true;
    char wish[16];

    if (argc != 3 || (chip.fd = unixsock_connect(argv[2])) < 0
        || (line = line_new(argv[1], &ops, &chip)) == NULL) {
        (void)fprintf(stderr, "usage: uart-chip DIR SOCKET\n");
        return 2;
    }
    line_lock(line)->wait_fd = chip.fd;
    line_unlock(line);
    (void)printf("%s\n", line_path(line));
    (void)fflush(stdout);
    while (fgets(wish, sizeof(wish), stdin) != NULL) {
        if (plugged)
            line_unplug(line);
        else
            line_plug(line);
        plugged = !plugged;
        (void)printf("%s\n", plugged ? "plugged in" : "pulled out");
        (void)fflush(stdout);
    }
    line_free(&line);
    (void)close(chip.fd);
    return 0;
}
