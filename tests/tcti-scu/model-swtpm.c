/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "model.h"
#include "model-knobs.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A chip's inside: swtpm executes what the model got. */
static int
connect_chip(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *path = getenv("SCU_MODEL_CHIP");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
        path != NULL ? path : "");
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address,
        sizeof(address)) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

/* All that comes until the header's size is reached. */
static size_t
read_response(int fd, uint8_t *response)
{
    size_t len = 0, size = 10;
    ssize_t n;

    while (len < size && size <= MODEL_BUFFER) {
        n = read(fd, response + len, size - len);
        if (n <= 0)
            return 0;
        len += (size_t)n;
        if (len == 10)
            size = (size_t)response[2] << 24 | (size_t)response[3] << 16
                | (size_t)response[4] << 8 | response[5];
    }
    return len;
}

static size_t
execute(void *user, const uint8_t *command, size_t len, uint8_t *response)
{
    int fd = connect_chip();
    size_t got = 0;

    (void)user;
    if (fd >= 0 && send(fd, command, len, MSG_NOSIGNAL) == (ssize_t)len)
        got = read_response(fd, response);
    if (fd >= 0)
        (void)close(fd);
    return got;
}

static unsigned
number(const char *name)
{
    const char *value = getenv(name);

    return value != NULL ? (unsigned)strtoul(value, NULL, 10) : 0;
}

void
model_on_swtpm(struct model *m)
{
    m->execute = execute;
    m->knobs.waits = number("SCU_MODEL_WAITS");
    m->knobs.burst = number("SCU_MODEL_BURST");
    model_reset(m);
    model_knobs_from_environment(&m->knobs);
}
