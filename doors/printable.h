/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DOORS_PRINTABLE_H
#define DOORS_PRINTABLE_H

#include <stdbool.h>

/*
 * Makes text of a chip, a file name or a command line fit to be shown: each
 * octet that is not part of well-formed UTF-8 (RFC 3629) becomes '?'; so does,
 * unless controls are kept, each control character (C0, DEL, C1), which could
 * steer a terminal. Works in place, the length stays.
 */
void printable(char *text, bool keep_controls);

#endif
