/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded, after the sanitizers' runtimes, into programs of others. With a
 * preloaded libasan 12 on glibc 2.36 a newlocale() in a library's constructor
 * (libp11-kit's, which curl and tpm2-tools load) leaves glibc's locale lock
 * unbalanced, and the program's next setlocale(), or its exit, waits for ever.
 * A program gets along without a locale object.
 */
#include "config.h"

#include <errno.h>
#include <locale.h>
#include <stddef.h>

__attribute__((visibility("default"))) locale_t
newlocale(int mask, const char *name, locale_t base)
{
    (void)mask;
    (void)name;
    (void)base;
    errno = ENOMEM;
    return NULL;
}

__attribute__((visibility("default"))) void
freelocale(locale_t locale)
{
    (void)locale;
}
