/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/pool.h"

#include "store/owner.h"
#include "store/room.h"

#include "io.h"
#include "lockfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "pool"
#define FILE_MAX 16384
#define PATH_SIZE 4096
/* While its indices are being defined. */
#define UNFINISHED ".new"

/* --- a pair --------------------------------------------------------------------- */

void
pool_pair_clear(struct pool_pair *pair)
{
    for (size_t i = 0; i < TOKEN_USERS; i++)
        secret_free(&pair->auth[i]);
    memset(pair, 0, sizeof(*pair));
}

static int
make_helper(struct scu_chip *chip, struct chip_object *helper,
    struct secret **auth)
{
    /* The data is never looked at: only the authValue is. */
    struct secret *data = secret_new(NULL, 1);
    int rc = SCU_E_MEMORY;

    secret_free(auth);
    *auth = secret_new(NULL, PART_SIZE);
    const struct sealed_creation what = {
        .attributes = SEALED_HELPER, .auth = *auth, .data = data,
    };
    if (*auth == NULL || data == NULL)
        rc = err_memory();
    else
        rc = crypto_random(chip->crypto, (*auth)->data, PART_SIZE);
    if (rc == SCU_OK)
        rc = sealed_create(chip, &what, helper);
    secret_free(&data);
    return rc;
}

static int
make_pair(struct scu_chip *chip, void *arg)
{
    struct pool_pair *pair = arg;
    int rc = SCU_OK;

    for (size_t i = 0; rc == SCU_OK && i < TOKEN_USERS; i++)
        rc = make_helper(chip, &pair->helper[i], &pair->auth[i]);
    return rc == SCU_OK ? pin_index_free_handles(chip, 0, pair->index) : rc;
}

int
pool_new_pair(struct scu_chip *chip, struct pool_pair *pair)
{
    return chip_perform(chip, CHIP_REPEATABLE, make_pair, pair);
}

/* --- its file ------------------------------------------------------------------- */

static int
path_of(const struct scu_chip *chip, const char *name, const char *suffix,
    char path[PATH_SIZE])
{
    int n = snprintf(path, PATH_SIZE, "%s/" FOLDER "%s%s%s", chip->state,
        *name == '\0' ? "" : "/", name, suffix);

    return n < 0 || n >= PATH_SIZE ?
        err_set(SCU_E_FILE, "%s: the path is too long", chip->state) : SCU_OK;
}

static int
write_pair(const struct pool_pair *pair, const char *path, unsigned mode)
{
    char *text = calloc(1, FILE_MAX);
    uint8_t encoded[SEALED_MAX];
    char hex[2 * SEALED_MAX + 1];
    char auth[2 * PART_SIZE + 1];
    size_t len = 0, at = 0;
    int rc = text == NULL ? err_memory() : SCU_OK;

    for (size_t i = 0; rc == SCU_OK && i < TOKEN_USERS; i++) {
        rc = sealed_encode(&pair->helper[i], encoded, &len);
        if (rc != SCU_OK)
            break;
        hex_encode(encoded, len, hex);
        hex_encode(pair->auth[i]->data, PART_SIZE, auth);
        at += (size_t)snprintf(text + at, FILE_MAX - at, "%08x %s %s\n",
            pair->index[i], auth, hex);
    }
    if (rc == SCU_OK && (rc = io_replace_file(path, text, at, mode)) != 0)
        rc = err_set(rc == -ENOSPC ? SCU_E_DISK_FULL : SCU_E_FILE, "%s: %s",
            path, strerror(-rc));
    explicit_bzero(auth, sizeof(auth));
    if (text != NULL)
        explicit_bzero(text, FILE_MAX);
    free(text);
    return rc;
}

static int
parse_line(struct scu_chip *chip, char *line, struct pool_pair *pair,
    size_t i)
{
    char *save = NULL, *end = NULL;
    const char *handle = strtok_r(line, " ", &save);
    const char *auth = strtok_r(NULL, " ", &save);
    const char *helper = strtok_r(NULL, " ", &save);
    uint8_t octets[SEALED_MAX];
    size_t len = 0;
    int rc;

    if (helper == NULL)
        return SCU_E_FILE;
    pair->index[i] = (TPM2_HANDLE)strtoul(handle, &end, 16);
    pair->auth[i] = secret_new(NULL, PART_SIZE);
    if (pair->auth[i] == NULL)
        return err_memory();
    if (*end != '\0' || hex_decode(auth, pair->auth[i]->data, PART_SIZE,
            &len) != SCU_OK || len != PART_SIZE ||
        hex_decode(helper, octets, sizeof(octets), &len) != SCU_OK)
        return SCU_E_FILE;
    rc = sealed_decode(chip, (struct bytes){ octets, len },
        &pair->helper[i]);
    return rc == SCU_E_STORE ? SCU_E_FILE : rc;
}

struct parsing {
    char *text;
    struct pool_pair *pair;
};

static int
parse(struct scu_chip *chip, void *arg)
{
    struct parsing *p = arg;
    char *save = NULL;
    char *line = strtok_r(p->text, "\n", &save);
    int rc = SCU_OK;

    for (size_t i = 0; rc == SCU_OK && i < TOKEN_USERS; i++) {
        rc = line == NULL ? SCU_E_FILE : parse_line(chip, line, p->pair, i);
        line = strtok_r(NULL, "\n", &save);
    }
    return rc;
}

static int
read_pair(struct scu_chip *chip, const char *path, struct pool_pair *pair)
{
    struct parsing p = { .pair = pair };
    size_t len = 0;
    int rc = io_read_file(path, FILE_MAX, &p.text, &len);

    if (rc != 0)
        return err_set(SCU_E_FILE, "%s: %s", path, strerror(-rc));
    rc = chip_perform(chip, CHIP_OFFLINE, parse, &p);
    explicit_bzero(p.text, len);
    free(p.text);
    if (rc == SCU_E_FILE)
        rc = err_set(rc, "%s is damaged: remove it", path);
    if (rc != SCU_OK)
        pool_pair_clear(pair);
    return rc;
}

/* --- taking ---------------------------------------------------------------------- */

static bool
is_ready(const char *name)
{
    return strlen(name) == 8 && strspn(name, "0123456789abcdef") == 8;
}

/* Made by who owns the folder, or by us: not planted by another of the
 * group. */
static bool
trusted(const char *folder, const char *path)
{
    struct stat of_folder, st;

    return stat(folder, &of_folder) == 0 && lstat(path, &st) == 0 &&
        S_ISREG(st.st_mode) && (st.st_mode & S_IRWXO) == 0 &&
        (of_folder.st_mode & S_IWOTH) == 0 &&
        (st.st_uid == of_folder.st_uid || st.st_uid == geteuid()) &&
        (of_folder.st_uid == 0 || of_folder.st_uid == geteuid());
}

static int
take_one(struct scu_chip *chip, const char *name, struct pool_pair *pair)
{
    char folder[PATH_SIZE], path[PATH_SIZE], mine[PATH_SIZE];
    char suffix[32];
    int rc;

    (void)snprintf(suffix, sizeof(suffix), ".taken-%d", (int)getpid());
    if ((rc = path_of(chip, "", "", folder)) != SCU_OK ||
        (rc = path_of(chip, name, "", path)) != SCU_OK ||
        (rc = path_of(chip, name, suffix, mine)) != SCU_OK)
        return rc;
    if (!trusted(folder, path) || access(path, R_OK) != 0 ||
        rename(path, mine) != 0)
        return SCU_E_NOT_FOUND;
    rc = read_pair(chip, mine, pair);
    (void)unlink(mine);
    return rc;
}

int
pool_take(struct scu_chip *chip, struct pool_pair *pair)
{
    char folder[PATH_SIZE];
    const struct dirent *entry;
    int rc = path_of(chip, "", "", folder);
    DIR *dir = rc == SCU_OK ? opendir(folder) : NULL;

    if (rc != SCU_OK)
        return rc;
    rc = SCU_E_NOT_FOUND;
    while (dir != NULL && rc != SCU_OK && (entry = readdir(dir)) != NULL)
        if (is_ready(entry->d_name))
            rc = take_one(chip, entry->d_name, pair);
    if (dir != NULL)
        (void)closedir(dir);
    return rc;
}

size_t
scu_token_prepared(const struct scu_chip *chip)
{
    char folder[PATH_SIZE], path[PATH_SIZE];
    const struct dirent *entry;
    size_t n = 0;
    DIR *dir = path_of(chip, "", "", folder) == SCU_OK ? opendir(folder) :
        NULL;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (is_ready(entry->d_name) &&
            path_of(chip, entry->d_name, "", path) == SCU_OK &&
            trusted(folder, path) && access(path, R_OK) == 0)
            n++;
    if (dir != NULL)
        (void)closedir(dir);
    return n;
}

/* For the group, where the folder is the group's. */
static unsigned
file_mode(const char *folder)
{
    struct stat st;

    return stat(folder, &st) == 0 ? 0600 | (st.st_mode & S_IRGRP) : 0600;
}

int
pool_put(struct scu_chip *chip, const struct pool_pair *pair)
{
    char name[9], folder[PATH_SIZE], path[PATH_SIZE];
    int rc;

    (void)snprintf(name, sizeof(name), "%08x", pair->index[0]);
    if ((rc = path_of(chip, "", "", folder)) != SCU_OK ||
        (rc = path_of(chip, name, "", path)) != SCU_OK)
        return rc;
    return write_pair(pair, path, file_mode(folder));
}

/* --- preparing ------------------------------------------------------------------- */

struct preparing {
    struct pool_pair *pair;
    struct pin_index index[TOKEN_USERS];
    const struct secret *owner;
    bool defined[TOKEN_USERS];
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
        if (p->defined[i])
            (void)pin_index_undefine(chip, &p->index[i], p->owner);
    secret_free(&none);
    return rc;
}

/* The file comes first, so that after a power cut it is known what is there. */
static int
prepare_one(struct scu_chip *chip, const struct secret *owner)
{
    struct pool_pair pair = { 0 };
    struct preparing p = { .pair = &pair, .owner = owner };
    char name[9], folder[PATH_SIZE], path[PATH_SIZE], unfinished[PATH_SIZE];
    int rc = pool_new_pair(chip, &pair);

    (void)snprintf(name, sizeof(name), "%08x", pair.index[0]);
    if (rc != SCU_OK ||
        (rc = path_of(chip, "", "", folder)) != SCU_OK ||
        (rc = path_of(chip, name, "", path)) != SCU_OK ||
        (rc = path_of(chip, name, UNFINISHED, unfinished)) != SCU_OK ||
        (rc = write_pair(&pair, unfinished, file_mode(folder))) != SCU_OK)
        goto out;
    rc = chip_perform(chip, 0, define_pair, &p);
    if (rc == SCU_OK && rename(unfinished, path) != 0)
        rc = err_set(SCU_E_FILE, "%s: %s", path, strerror(errno));
    if (rc == SCU_E_TOKENS_FULL || rc == SCU_E_EXISTS)
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
    char path[PATH_SIZE];
    DIR *dir = opendir(folder);

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);
        struct pool_pair pair = { 0 };
        struct preparing p = { .pair = &pair, .owner = owner };

        if (len != 12 || strcmp(entry->d_name + 8, UNFINISHED) != 0 ||
            path_of(chip, entry->d_name, "", path) != SCU_OK ||
            !trusted(folder, path))
            continue;
        if (read_pair(chip, path, &pair) == SCU_OK &&
            chip_perform(chip, CHIP_REPEATABLE, undefine_pair, &p) == SCU_OK)
            (void)unlink(path);
        pool_pair_clear(&pair);
    }
    if (dir != NULL)
        (void)closedir(dir);
}

static int
owner_given(struct scu_chip *chip, struct bytes given, struct secret **owner)
{
    if (given.data == NULL)
        return owner_find(chip, owner);
    *owner = secret_new(given.data, given.len);
    return *owner == NULL ? err_memory() : SCU_OK;
}

/* With the pool's lock, and the owner's word. */
static int
prepare(struct scu_chip *chip, const struct secret *owner, size_t count)
{
    char folder[PATH_SIZE];
    int rc = path_of(chip, "", "", folder);

    if (rc == SCU_OK && mkdir(folder, 0700) != 0 && errno != EEXIST)
        rc = err_set(SCU_E_FILE, "%s: %s", folder, strerror(errno));
    if (rc == SCU_OK)
        sweep(chip, folder, owner);
    for (size_t n = scu_token_prepared(chip); rc == SCU_OK && n < count; n++)
        rc = prepare_one(chip, owner);
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
