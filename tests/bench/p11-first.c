/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-first MODULE KEY SCHEME: a program that loads a module, logs in and
 * signs once. Writes an octet when it is there, begins when it reads one,
 * writes another when it has signed, and goes its way (C_Finalize, exit) when
 * its input ends. Nothing but libc is in the process before.
 */
#include "config.h"

#include "p11.h"

#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
    struct p11 p = { 0 };
    char octet = 0;
    CK_RV rv;

    if (argc != 4 || write(STDOUT_FILENO, &octet, 1) != 1 ||
        read(STDIN_FILENO, &octet, 1) != 1)
        return 2;
    rv = p11_first(&p, argv[1], argv[2], argv[3]);
    if (rv != CKR_OK) {
        const char *why = dlerror();

        (void)fprintf(stderr, "p11-first: %s: %s: 0x%lx%s%s\n", argv[1],
            p.step, rv, why != NULL ? " " : "", why != NULL ? why : "");
        return 1;
    }
    if (write(STDOUT_FILENO, &octet, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &octet, 1) == 1)
        continue;
    return p.call->C_Finalize(NULL) == CKR_OK ? 0 : 1;
}
