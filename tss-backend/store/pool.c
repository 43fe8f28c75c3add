/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/pool-private.h"

#include "io.h"
#include "log.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "pool"
#define FILE_MAX 16384
#define SUFFIX_SIZE 64

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

int
pool_path(const struct scu_chip *chip, const char *name, const char *suffix,
    char path[POOL_PATH_SIZE])
{
    int n = snprintf(path, POOL_PATH_SIZE, "%s/" FOLDER "%s%s%s", chip->state,
        *name == '\0' ? "" : "/", name, suffix);

    return n < 0 || n >= POOL_PATH_SIZE ?
        err_set(SCU_E_FILE, "%s: the path is too long", chip->state) : SCU_OK;
}

int
pool_write(const struct pool_pair *pair, const char *path, unsigned mode)
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
    unsigned long index;
    size_t len = 0;
    int rc;

    if (helper == NULL)
        return SCU_E_FILE;
    index = strtoul(handle, &end, 16);
    pair->index[i] = (TPM2_HANDLE)index;
    pair->auth[i] = secret_new(NULL, PART_SIZE);
    if (pair->auth[i] == NULL)
        return err_memory();
    if (*end != '\0' || index >> TPM2_HR_SHIFT != TPM2_HT_NV_INDEX ||
        hex_decode(auth, pair->auth[i]->data, PART_SIZE,
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

int
pool_read(struct scu_chip *chip, const char *path, struct pool_pair *pair)
{
    struct parsing p = { .pair = pair };
    size_t len = 0;
    int rc = io_read_trusted(path, S_IWGRP | S_IRWXO, FILE_MAX, &p.text,
        &len);

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
    return strlen(name) == POOL_NAME_LEN &&
        strspn(name, "0123456789abcdef") == POOL_NAME_LEN;
}

bool
pool_has_suffix(const char *name, const char *suffix)
{
    return strlen(name) == POOL_NAME_LEN + strlen(suffix) &&
        strspn(name, "0123456789abcdef") >= POOL_NAME_LEN &&
        strcmp(name + POOL_NAME_LEN, suffix) == 0;
}

bool
pool_trusts_folder(const char *folder)
{
    struct stat st;

    return lstat(folder, &st) == 0 && S_ISDIR(st.st_mode) &&
        (st.st_mode & S_IWOTH) == 0 &&
        (st.st_uid == 0 || st.st_uid == geteuid());
}

bool
pool_trusts(const char *folder, const char *path)
{
    struct stat st;

    return pool_trusts_folder(folder) && lstat(path, &st) == 0 &&
        S_ISREG(st.st_mode) && (st.st_mode & (S_IWGRP | S_IRWXO)) == 0 &&
        (st.st_uid == 0 || st.st_uid == geteuid());
}

/* What is taken for this store; the path is hashed (FNV-1a) to make a name. */
static void
taken_suffix(const struct scu_chip *chip, char suffix[SUFFIX_SIZE])
{
    char *path = realpath(chip->store, NULL);
    const char *text = path != NULL ? path : chip->store;
    uint64_t hash = 0xcbf29ce484222325U;

    for (const char *p = text; *p != '\0'; p++)
        hash = (hash ^ (unsigned char)*p) * 0x100000001b3U;
    (void)snprintf(suffix, SUFFIX_SIZE, ".taken-%x-%016llx",
        (unsigned)geteuid(), (unsigned long long)hash);
    free(path);
}

static bool
same_helper(const struct chip_object *helper, const struct octets *stored)
{
    uint8_t encoded[SEALED_MAX];
    size_t len = 0;

    return sealed_encode(helper, encoded, &len) == SCU_OK &&
        len == stored->len && memcmp(encoded, stored->data, len) == 0;
}

/* Whether the store has a token of this pair. */
static int
is_made(struct scu_chip *chip, const struct pool_pair *pair, bool *made)
{
    struct database *database = NULL;
    struct token_row *rows = NULL;
    size_t n = 0;
    int rc = database_open(chip, DATABASE_READ, &database);

    *made = false;
    if (rc == SCU_OK)
        rc = token_rows_read(database, &rows, &n);
    database_close(&database);
    for (size_t i = 0; i < n; i++) {
        *made = *made || same_helper(&pair->helper[SCU_USER_SO],
            &rows[i].helper[SCU_USER_SO]);
        token_row_clear(&rows[i]);
    }
    free(rows);
    return rc == SCU_E_NOT_FOUND ? SCU_OK : rc;
}

/* A file that an earlier process took for this store. */
static int
take_left(struct scu_chip *chip, const char *path, struct pool_pair *pair)
{
    bool made = false;
    int rc = pool_read(chip, path, pair);

    if (rc == SCU_OK)
        rc = is_made(chip, pair, &made);
    if (rc == SCU_OK && made) {
        (void)unlink(path);
        rc = SCU_E_NOT_FOUND;
    }
    if (rc != SCU_OK)
        pool_pair_clear(pair);
    return rc == SCU_E_FILE ? SCU_E_NOT_FOUND : rc;
}

/*
 * After the rename it is nobody else's, also when the power fails: else a
 * second token would be made of it later, and the first one be gone.
 */
static int
take_ready(struct scu_chip *chip, const char *path, const char *mine,
    struct pool_pair *pair)
{
    int rc;

    if (access(path, R_OK) != 0 || rename(path, mine) != 0)
        return SCU_E_NOT_FOUND;
    rc = io_sync_entry(mine);
    if (rc != 0)
        return err_set(SCU_E_FILE, "%s: %s", mine, strerror(-rc));
    rc = pool_read(chip, mine, pair);
    /* Not made by who prepares tokens: not to be used. */
    if (rc == SCU_E_FILE) {
        log_line(LOG_LEVEL_WARN, "%s", scu_error_detail());
        (void)unlink(mine);
        rc = SCU_E_NOT_FOUND;
    }
    return rc;
}

static int
take_one(struct scu_chip *chip, const char *folder, const char *name,
    struct pool_pair *pair)
{
    char suffix[SUFFIX_SIZE], stem[POOL_NAME_LEN + 1];
    char path[POOL_PATH_SIZE], mine[POOL_PATH_SIZE];
    bool left;
    int rc;

    taken_suffix(chip, suffix);
    left = pool_has_suffix(name, suffix);
    if (!left && !is_ready(name))
        return SCU_E_NOT_FOUND;
    (void)snprintf(stem, sizeof(stem), "%.*s", POOL_NAME_LEN, name);
    if ((rc = pool_path(chip, stem, "", path)) != SCU_OK ||
        (rc = pool_path(chip, stem, suffix, mine)) != SCU_OK)
        return rc;
    if (!pool_trusts(folder, left ? mine : path))
        return SCU_E_NOT_FOUND;
    rc = left ? take_left(chip, mine, pair) :
        take_ready(chip, path, mine, pair);
    if (rc == SCU_OK)
        memcpy(pair->name, stem, sizeof(stem));
    return rc;
}

int
pool_take(struct scu_chip *chip, struct pool_pair *pair)
{
    char folder[POOL_PATH_SIZE];
    const struct dirent *entry;
    int rc = pool_path(chip, "", "", folder);
    DIR *dir = NULL;

    if (rc != SCU_OK)
        return rc;
    rc = SCU_E_NOT_FOUND;
    if (pool_trusts_folder(folder))
        dir = opendir(folder);
    while (dir != NULL && rc == SCU_E_NOT_FOUND &&
        (entry = readdir(dir)) != NULL)
        rc = take_one(chip, folder, entry->d_name, pair);
    if (dir != NULL)
        (void)closedir(dir);
    return rc;
}

size_t
scu_token_prepared(const struct scu_chip *chip)
{
    char folder[POOL_PATH_SIZE], path[POOL_PATH_SIZE];
    const struct dirent *entry;
    size_t n = 0;
    DIR *dir = pool_path(chip, "", "", folder) == SCU_OK ? opendir(folder) :
        NULL;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (is_ready(entry->d_name) &&
            pool_path(chip, entry->d_name, "", path) == SCU_OK &&
            pool_trusts(folder, path) && access(path, R_OK) == 0)
            n++;
    if (dir != NULL)
        (void)closedir(dir);
    return n;
}

void
pool_done(struct scu_chip *chip, const struct pool_pair *pair)
{
    char suffix[SUFFIX_SIZE], mine[POOL_PATH_SIZE];

    taken_suffix(chip, suffix);
    if (pool_path(chip, pair->name, suffix, mine) == SCU_OK)
        (void)unlink(mine);
}

void
pool_put(struct scu_chip *chip, const struct pool_pair *pair, bool usable)
{
    char suffix[SUFFIX_SIZE], mine[POOL_PATH_SIZE], path[POOL_PATH_SIZE];

    taken_suffix(chip, suffix);
    if (pool_path(chip, pair->name, suffix, mine) == SCU_OK &&
        pool_path(chip, pair->name, usable ? "" : POOL_UNFINISHED, path) == SCU_OK)
        (void)rename(mine, path);
}
