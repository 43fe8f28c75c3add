/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "gpio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CONSUMER "scu"
#define NAME_MAX_LEN 64

/* "gpiochip0:17" as a path and a number. */
static int
parse(const char *name, char path[NAME_MAX_LEN], uint32_t *line)
{
    const char *colon = strrchr(name, ':');
    const char *prefix = "/dev/";
    unsigned long n;
    char *end;
    int len;

    if (colon == NULL || colon == name || colon[1] < '0' || colon[1] > '9')
        return -EINVAL;
    errno = 0;
    n = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || errno != 0 || n > UINT16_MAX)
        return -EINVAL;
    *line = (uint32_t)n;
    if (name[0] == '/')
        prefix = "";
    else if (name[0] >= '0' && name[0] <= '9')
        prefix = "/dev/gpiochip";
    len = snprintf(path, NAME_MAX_LEN, "%s%.*s", prefix, (int)(colon - name),
        name);
    return len < NAME_MAX_LEN ? 0 : -ENAMETOOLONG;
}

static int
request(const char *name, uint64_t flags, int *fd)
{
    struct gpio_v2_line_request line = { .num_lines = 1 };
    char path[NAME_MAX_LEN];
    int chip, rc;

    *fd = -1;
    rc = parse(name, path, &line.offsets[0]);
    if (rc != 0)
        return rc;
    chip = open(path, O_RDWR | O_CLOEXEC);
    if (chip < 0)
        return -errno;
    (void)snprintf(line.consumer, sizeof(line.consumer), CONSUMER);
    line.config.flags = flags;
    if ((flags & GPIO_V2_LINE_FLAG_OUTPUT) != 0) {
        line.config.num_attrs = 1;
        line.config.attrs[0].mask = 1;
        line.config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES;
        line.config.attrs[0].attr.values = 1;
    }
    rc = ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &line) == 0 ? 0 : -errno;
    (void)close(chip);
    if (rc != 0)
        return rc;
    *fd = line.fd;
    /* The kernel gives the descriptor O_CLOEXEC; reading must not block. */
    (void)fcntl(*fd, F_SETFL, O_NONBLOCK);
    return 0;
}

int
gpio_open_output(const char *name, int *fd)
{
    return request(name, GPIO_V2_LINE_FLAG_OUTPUT, fd);
}

int
gpio_open_falling(const char *name, int *fd)
{
    return request(name,
        GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_FALLING, fd);
}

bool
gpio_clear(int fd)
{
    struct gpio_v2_line_event events[16];
    bool fell = false;

    while (read(fd, events, sizeof(events)) > 0)
        fell = true;
    return fell;
}

int
gpio_set(int fd, bool high)
{
    struct gpio_v2_line_values values = { .bits = high, .mask = 1 };

    return ioctl(fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &values) == 0 ? 0 : -errno;
}
