/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/token-private.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- threads and forks ------------------------------------------------------ */

/*
 * In a child: logged out. What is in the chip is the parent's. Another thread
 * may have been at work on the token at the fork: then what it points to may
 * be half made or half freed, and is given up.
 */
static void
after_fork(struct scu_token *token)
{
    if (pthread_mutex_trylock(&token->mutex) != 0) {
        token->items = NULL;
        token->count = 0;
        token->secret = token->keys = NULL;
        token->vault = NULL;
        memset(token->row.helper, 0, sizeof(token->row.helper));
        memset(&token->row.list, 0, sizeof(token->row.list));
    }
    (void)pthread_mutex_init(&token->mutex, NULL);
    token_forget(token);
}

void
token_enter(struct scu_token *token)
{
    int self = (int)getpid();
    int owner = atomic_load(&token->owner);

    while (owner != self) {
        /* As in the chip's: one of the child's threads, the others wait. */
        if (owner != -self &&
            atomic_compare_exchange_strong(&token->owner, &owner, -self)) {
            after_fork(token);
            atomic_store(&token->owner, self);
            break;
        }
        (void)sched_yield();
        owner = atomic_load(&token->owner);
    }
    (void)pthread_mutex_lock(&token->mutex);
}

void
token_leave(struct scu_token *token)
{
    (void)pthread_mutex_unlock(&token->mutex);
}

/* --- what the chip has of it ------------------------------------------------ */

int
vault_make(struct scu_chip *chip, const struct token_row *row,
    struct vault **vault)
{
    struct vault *v = calloc(1, sizeof(*v));
    int rc = SCU_OK;

    *vault = NULL;
    if (v == NULL)
        return err_memory();
    for (size_t i = 0; rc == SCU_OK && i < TOKEN_USERS; i++)
        rc = sealed_decode(chip, octets_bytes(&row->helper[i]),
            &v->helper[i]);
    for (size_t i = 0; rc == SCU_OK && i < TOKEN_USERS; i++)
        rc = pin_index_init(chip->crypto, &v->index[i], row->index[i],
            &v->helper[i].name, &v->helper[SCU_USER_SO].name);
    if (rc != SCU_OK) {
        free(v);
        return rc;
    }
    *vault = v;
    return SCU_OK;
}

void
vault_free(struct scu_chip *chip, struct vault **vault)
{
    if (*vault == NULL)
        return;
    for (size_t i = 0; i < TOKEN_USERS; i++)
        chip_release(chip, &(*vault)->helper[i]);
    free(*vault);
    *vault = NULL;
}

int
token_ready_vault(struct scu_chip *chip, struct scu_token *token)
{
    if (token->vault != NULL)
        return SCU_OK;
    return vault_make(chip, &token->row, &token->vault);
}

/* --- making ------------------------------------------------------------------ */

struct name_job {
    const TPM2B_PUBLIC *public;
    TPM2B_NAME *name;
};

static int
compute_name(struct scu_chip *chip, void *arg)
{
    struct name_job *job = arg;

    return crypto_name(chip->crypto, &job->public->publicArea, job->name);
}

int
token_chip_name(struct scu_chip *chip, TPM2B_NAME *name)
{
    struct pins pins;
    struct name_job job = { .public = &pins.storage, .name = name };
    int rc = pins_read(chip->state, &pins);

    name->size = 0;
    if (rc == SCU_E_UNPROVISIONED)
        return SCU_OK;
    return rc == SCU_OK ?
        chip_perform(chip, CHIP_OFFLINE, compute_name, &job) : rc;
}

int
token_new(struct scu_chip *chip, struct token_row *row,
    const TPM2B_NAME *chip_name, struct scu_token **token)
{
    struct scu_token *t = calloc(1, sizeof(*t));

    *token = NULL;
    if (t == NULL) {
        token_row_clear(row);
        return err_memory();
    }
    atomic_init(&t->refs, 1);
    atomic_init(&t->owner, (int)getpid());
    (void)pthread_mutex_init(&t->mutex, NULL);
    t->chip = chip;
    t->row = *row;
    memset(row, 0, sizeof(*row));
    t->other_chip = t->row.chip.size != chip_name->size ||
        memcmp(t->row.chip.name, chip_name->name, chip_name->size) != 0;
    *token = t;
    return SCU_OK;
}

struct scu_token *
scu_token_ref(struct scu_token *token)
{
    (void)atomic_fetch_add(&token->refs, 1);
    return token;
}

void
scu_token_free(struct scu_token **token)
{
    struct scu_token *t = token == NULL ? NULL : *token;

    if (t == NULL)
        return;
    *token = NULL;
    if (atomic_fetch_sub(&t->refs, 1) != 1)
        return;
    token_enter(t);
    token_forget(t);
    token_drop_items(t);
    token_leave(t);
    vault_free(t->chip, &t->vault);
    token_row_clear(&t->row);
    (void)pthread_mutex_destroy(&t->mutex);
    free(t);
}

/* --- the list ---------------------------------------------------------------- */

static int
read_rows(struct scu_chip *chip, struct token_row **rows, size_t *count)
{
    struct database *database = NULL;
    int rc = database_open(chip, DATABASE_READ, &database);

    *rows = NULL;
    *count = 0;
    if (rc == SCU_OK)
        rc = token_rows_read(database, rows, count);
    database_close(&database);
    return rc == SCU_E_NOT_FOUND ? SCU_OK : rc;
}

int
scu_token_list(struct scu_chip *chip, struct scu_token ***tokens,
    size_t *count)
{
    struct token_row *rows = NULL;
    struct scu_token **all = NULL;
    TPM2B_NAME name = { 0 };
    size_t n = 0, made = 0;
    int rc = read_rows(chip, &rows, &n);

    *tokens = NULL;
    *count = 0;
    if (rc != SCU_OK || n == 0)
        return rc;
    rc = token_chip_name(chip, &name);
    all = calloc(n, sizeof(*all));
    if (all == NULL)
        rc = err_memory();
    /* One that is being made is none yet. */
    for (size_t i = 0; rc == SCU_OK && i < n; i++)
        if (rows[i].ready)
            rc = token_new(chip, &rows[i], &name, &all[made++]);
    for (size_t i = 0; i < n; i++)
        token_row_clear(&rows[i]);
    free(rows);
    if (rc != SCU_OK) {
        scu_token_list_free(&all, made);
        return rc;
    }
    *tokens = all;
    *count = made;
    return SCU_OK;
}

void
scu_token_list_free(struct scu_token ***tokens, size_t count)
{
    if (*tokens == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        scu_token_free(&(*tokens)[i]);
    free(*tokens);
    *tokens = NULL;
}

int
scu_token_find(struct scu_chip *chip, const char *label, const char *serial,
    struct scu_token **token)
{
    struct scu_token **all = NULL;
    size_t n = 0;
    int rc;

    *token = NULL;
    if (label == NULL && serial == NULL)
        return err_set(SCU_E_ARG, "neither label nor serial");
    rc = scu_token_list(chip, &all, &n);
    for (size_t i = 0; rc == SCU_OK && i < n && *token == NULL; i++)
        if (serial != NULL ? strcmp(serial, all[i]->row.serial) == 0 :
                strcmp(label, all[i]->row.label) == 0)
            *token = scu_token_ref(all[i]);
    scu_token_list_free(&all, n);
    if (rc == SCU_OK && *token == NULL)
        rc = err_set(SCU_E_NOT_FOUND, "the store in %s has no token '%s'",
            chip->store, serial != NULL ? serial : label);
    return rc;
}

void
scu_token_info(const struct scu_token *token, struct scu_token_info *info)
{
    struct scu_token *t;

    /* Its mutex is all that changes. */
    memcpy(&t, &token, sizeof(t));
    memset(info, 0, sizeof(*info));
    token_enter(t);
    memcpy(info->label, t->row.label, sizeof(info->label));
    memcpy(info->serial, t->row.serial, sizeof(info->serial));
    info->user_pin_set = t->row.pin_set[SCU_USER_NORMAL];
    info->tries = t->row.tries;
    info->other_chip = t->other_chip;
    token_leave(t);
}

int
token_refresh(struct scu_token *token, struct database *database)
{
    struct token_row row;
    int rc = token_row_read(database, token->row.id, &row);

    if (rc != SCU_OK)
        return rc;
    if (strcmp(row.serial, token->row.serial) != 0) {
        token_row_clear(&row);
        return err_set(SCU_E_NOT_FOUND, "another store is there now: its row "
            "%lld is another token", (long long)token->row.id);
    }
    token_row_clear(&token->row);
    token->row = row;
    token->blob_gone = false;
    return token->opened == 0 ? SCU_OK :
        pin_row_gone(database, token->opened, &token->blob_gone);
}

int
token_verdict(const struct scu_token *token, int rc)
{
    return rc != SCU_E_STORE || !token->blob_gone ? rc :
        err_set(SCU_E_AUTH_NEEDED, "token '%s' was made anew since the "
            "login: log in again", token->row.label);
}
