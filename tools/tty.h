/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_TTY_H
#define TOOLS_TTY_H

#include <stddef.h>

/*
 * Asks "<question>: " on the process's terminal and reads a line without
 * echo into line (size octets, no NUL behind it, without its line feed). A
 * signal that ends or stops the process finds the terminal as it was. 0, or a
 * negative errno value: -ENXIO without a terminal, -EMSGSIZE where the line is
 * longer. The caller wipes line. Not for use by two threads.
 */
int tty_ask(const char *question, char *line, size_t size, size_t *len);

#endif
