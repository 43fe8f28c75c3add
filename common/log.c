/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "log.h"
#include "nosigpipe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_LEN 1024

static const char *const level_names[] = {
    [LOG_LEVEL_NONE] = "none",
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

#define N_LEVELS (sizeof(level_names) / sizeof(level_names[0]))

static enum log_level
shown_level(void)
{
    const char *name = secure_getenv("SCU_LOG");

    for (size_t i = 0; name != NULL && i < N_LEVELS; i++)
        if (strcmp(name, level_names[i]) == 0)
            return (enum log_level)i;
    return LOG_LEVEL_ERROR;
}

/* Text of files and wires ends up in lines: it must not make new ones. */
static void
disarm(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
}

void
log_vline(enum log_level level, const char *format, va_list ap)
{
    char line[LINE_MAX_LEN] = "scu: ";
    const size_t prefix = strlen(line);
    int saved = errno;
    size_t len;
    int n;

    if (level == LOG_LEVEL_NONE || level > shown_level())
        goto out;
    n = vsnprintf(line + prefix, sizeof(line) - prefix - 1, format, ap);
    if (n < 0)
        goto out;
    len = strlen(line);
    disarm(line, len);
    line[len++] = '\n';
    while (nosigpipe_write(STDERR_FILENO, line, len) < 0 && errno == EINTR)
        continue;
out:
    errno = saved;
}

void
log_line(enum log_level level, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    log_vline(level, format, ap);
    va_end(ap);
}
