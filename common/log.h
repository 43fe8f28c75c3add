/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdarg.h>

/*
 * One line per event on standard error, "scu: text". What is shown is set by
 * SCU_LOG (none, error, warn, info, debug), "error" without it; a set-id
 * program ignores the variable. Control characters in the text become '?', and
a line of more than a kilobyte is cut. A line is written by one write(2), so that
 * lines of several threads and processes do not mix. Never pass a secret, nor
 * the length of a PIN.
 */
enum log_level {
    LOG_LEVEL_NONE,
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

/* Writes one line if the level is shown. errno is kept. Thread-safe. */
void log_line(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same with the arguments in a list. */
void log_vline(enum log_level level, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

#endif
