/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "simdir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

char *
sim_dir_default(void)
{
    static const struct {
        const char *variable;
        const char *below;
    } places[] = {
        { "XDG_RUNTIME_DIR", "scu-sim" },
        { "HOME", ".local/state/scu/sim" },
    };
    const char *base;
    char *dir;

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        base = secure_getenv(places[i].variable);
        if (base == NULL || base[0] != '/')
            continue;
        if (asprintf(&dir, "%s/%s", base, places[i].below) >= 0)
            return dir;
        errno = ENOMEM;
        return NULL;
    }
    errno = ENOENT;
    return NULL;
}
