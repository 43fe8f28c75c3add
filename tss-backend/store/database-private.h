/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_DATABASE_PRIVATE_H
#define STORE_DATABASE_PRIVATE_H

#include "store/database.h"

#define PATH_SIZE 4096

struct database {
    sqlite3 *db;
    bool begun;
    char folder[PATH_SIZE];
    char path[PATH_SIZE + 16];
};

/* SQLite's code of the last failure as one of ours, noted. */
int database_failed(const struct database *database, int code);

#endif
