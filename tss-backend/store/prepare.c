/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/owner.h"
#include "store/pool-private.h"
#include "store/room.h"

#include "lockfile.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Another program may take the same free handle. */
#define HANDLE_TRIES 5

struct preparing {
    struct pool_pair *pair;
    struct pin_index index[TOKEN_USERS];
    const struct secret *owner;
    bool defined[TOKEN_USERS];
    bool left; /* of it something may still be in the chip */
};

static int
init_indices(struct scu_chip *chip, struct preparing *p)
{
    int rc = SCU_OK;

    for (size_t i = 0; rc == SCU_OK && i < TOKEN_USERS; i++)
        rc = pin_index_init(chip->crypto, &p->index[i], p->pair->index[i],
            &p->pair->helper[i].name, &p->pair->helper[SCU_USER_SO].name);
    return rc;
}

static int
undefine_pair(struct scu_chip *chip, void *arg)
{
    struct preparing *p = arg;
    int rc = init_indices(chip, p);

    for (size_t i = 0; rc == SCU_OK && i < TOKEN_USERS; i++)
        rc = pin_index_undefine(chip, &p->index[i], p->owner);
    return rc;
}

static int
define_pair(struct scu_chip *chip, void *arg)
{
    struct preparing *p = arg;
    struct secret *none = secret_new(NULL, CRYPTO_SHA256_SIZE);
    int rc = none == NULL ? err_memory() : init_indices(chip, p);

    for (size_t i = 0; rc == SCU_OK && i < TOKEN_USERS; i++) {
        rc = crypto_random(chip->crypto, none->data, none->len);
        if (rc == SCU_OK)
            rc = pin_index_define(chip, &p->index[i], p->owner, none,
                SCU_PIN_TRIES_DEFAULT, &p->defined[i]);
    }
    for (size_t i = 0; rc != SCU_OK && i < TOKEN_USERS; i++)
        if (p->defined[i] &&
            pin_index_undefine(chip, &p->index[i], p->owner) != SCU_OK)
            p->left = true;
    secret_free(&none);
    return rc;
}

/* For the group, where the folder is the group's. */
static unsigned
file_mode(const char *folder)
{
    struct stat st;

    return stat(folder, &st) == 0 ? 0600 | (st.st_mode & S_IRGRP) : 0600;
}

/* The file comes first, so that after a power cut it is known what is there. */
static int
prepare_one(struct scu_chip *chip, const struct secret *owner)
{
    struct pool_pair pair = { 0 };
    struct preparing p = { .pair = &pair, .owner = owner };
    char name[9], folder[POOL_PATH_SIZE], path[POOL_PATH_SIZE], unfinished[POOL_PATH_SIZE];
    int rc = pool_new_pair(chip, &pair);

    (void)snprintf(name, sizeof(name), "%08x", pair.index[0]);
    if (rc != SCU_OK ||
        (rc = pool_path(chip, "", "", folder)) != SCU_OK ||
        (rc = pool_path(chip, name, "", path)) != SCU_OK ||
        (rc = pool_path(chip, name, POOL_UNFINISHED, unfinished)) != SCU_OK ||
        (rc = pool_write(&pair, unfinished, file_mode(folder))) != SCU_OK)
        goto out;
    rc = chip_perform(chip, 0, define_pair, &p);
    if (rc == SCU_OK && rename(unfinished, path) != 0)
        rc = err_set(SCU_E_FILE, "%s: %s", path, strerror(errno));
    if (!p.left && (rc == SCU_E_TOKENS_FULL || rc == SCU_E_EXISTS))
        (void)unlink(unfinished);
out:
    pool_pair_clear(&pair);
    return rc;
}

/* What a power cut left. */
static void
sweep(struct scu_chip *chip, const char *folder, const struct secret *owner)
{
    const struct dirent *entry;
    char path[POOL_PATH_SIZE];
    DIR *dir = opendir(folder);

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct pool_pair pair = { 0 };
        struct preparing p = { .pair = &pair, .owner = owner };

        if (!pool_has_suffix(entry->d_name, POOL_UNFINISHED) ||
            pool_path(chip, entry->d_name, "", path) != SCU_OK ||
            !pool_trusts(folder, path))
            continue;
        if (pool_read(chip, path, &pair) == SCU_OK &&
            chip_perform(chip, CHIP_REPEATABLE, undefine_pair, &p) == SCU_OK)
            (void)unlink(path);
        pool_pair_clear(&pair);
    }
    if (dir != NULL)
        (void)closedir(dir);
}

static int
ready_folder(const char *folder)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return err_set(SCU_E_FILE, "%s: %s", folder, strerror(errno));
    if (!pool_trusts_folder(folder))
        return err_set(SCU_E_FILE, "%s is no folder of yours or root's, or "
            "all can write it: remove it, or correct its rights", folder);
    return SCU_OK;
}

static int
owner_given(struct scu_chip *chip, struct bytes given, struct secret **owner)
{
    if (given.data == NULL)
        return owner_find(chip, owner);
    *owner = secret_new(given.data, given.len);
    return *owner == NULL ? err_memory() : SCU_OK;
}

/*
 * With the pool's lock, since another one's unfinished files look like
 * leftovers; and the owner's word.
 */
static int
prepare(struct scu_chip *chip, const struct secret *owner, size_t count)
{
    char folder[POOL_PATH_SIZE];
    size_t n = scu_token_prepared(chip);
    int tries = 0;
    int rc = pool_path(chip, "", "", folder);

    if (rc == SCU_OK)
        rc = ready_folder(folder);
    if (rc == SCU_OK)
        sweep(chip, folder, owner);
    while (rc == SCU_OK && n < count) {
        rc = prepare_one(chip, owner);
        n += rc == SCU_OK;
        if (rc == SCU_E_EXISTS && ++tries < HANDLE_TRIES)
            rc = SCU_OK;
    }
    return rc == SCU_E_TOKENS_FULL ? room_full(chip) : rc;
}

int
scu_token_prepare(struct scu_chip *chip, const void *owner, size_t owner_len,
    size_t count, size_t *prepared)
{
    const struct bytes given = { owner, owner_len };
    struct secret *secret = NULL;
    struct lockfile *lock = NULL;
    int rc = owner_given(chip, given, &secret);

    if (rc == SCU_OK)
        rc = pool_lock(chip, &lock);
    if (rc == SCU_OK)
        rc = prepare(chip, secret, count);
    store_unlock(&lock);
    secret_free(&secret);
    *prepared = scu_token_prepared(chip);
    return rc;
}
