/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_POOL_PRIVATE_H
#define STORE_POOL_PRIVATE_H

#include "store/pool.h"

/* The folder of prepared tokens and its files: who makes and who takes them. */
#define POOL_PATH_SIZE 4096
#define POOL_NAME_LEN 8
#define POOL_UNFINISHED ".new"

/* That of a file; name and suffix "": of the folder. */
int pool_path(const struct scu_chip *chip, const char *name,
    const char *suffix, char path[POOL_PATH_SIZE]);
int pool_write(const struct pool_pair *pair, const char *path,
    unsigned mode);
/* SCU_E_FILE, noted, where it is no file of ours or damaged. */
int pool_read(struct scu_chip *chip, const char *path,
    struct pool_pair *pair);

/* A name of a pair, and exactly this behind it. */
bool pool_has_suffix(const char *name, const char *suffix);

/* Of root or us: nobody else plants files there but who may take them. */
bool pool_trusts_folder(const char *folder);
/* And the file is too: not planted by another of the group. */
bool pool_trusts(const char *folder, const char *path);

#endif
