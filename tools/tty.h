/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_TTY_H
#define TOOLS_TTY_H

#include <stddef.h>

/*
 * Asks "<question>: " on the process's terminal and reads a line, shown as it
 * is typed or not, into line (size octets, no NUL behind it, without its line
 * feed). A signal that ends or stops the process finds the terminal as it
 * was. 0, or a negative errno value: -ENXIO without a terminal, -EMSGSIZE
 * where the line is longer. The caller wipes line. Not for use by two threads.
 */
enum tty_echo {
    TTY_HIDDEN,
    TTY_SHOWN,
};
int tty_ask(const char *question, enum tty_echo echo, char *line, size_t size,
    size_t *len);

#endif
