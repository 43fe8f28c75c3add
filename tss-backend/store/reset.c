/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/making.h"
#include "store/owner.h"

#include "lockfile.h"

#include <string.h>

static int
new_secret(struct scu_chip *chip, void *arg)
{
    struct making *m = arg;
    int rc = crypto_random(chip->crypto, m->secret->data, PART_SIZE);

    return rc == SCU_OK ? making_derive(chip, m) : rc;
}

/*
 * A new T: who knew the old one knows nothing any more. The store changes at
 * once, and before the chip: wherever this is interrupted, the token is
 * either as it was or made anew. Last goes the user's old PIN, which opens
 * nothing any more but what somebody kept a copy of.
 */
static int
reinit(struct scu_token *token, struct making *m)
{
    struct scu_chip *chip = token->chip;
    struct pin_try attempt = { .who = SCU_USER_SO, .pin = m->pin };
    struct token_row row;
    int rc;

    rc = token_try_pin(token, &attempt);
    m->secret = attempt.secret;
    if (rc != SCU_OK)
        return rc;
    row = token->row;
    memcpy(row.label, m->row.label, sizeof(row.label));
    m->row = row;
    memset(&m->row.list, 0, sizeof(m->row.list));
    rc = list_empty(&m->row.list);
    if (rc == SCU_OK)
        rc = chip_perform(chip, CHIP_REPEATABLE, new_secret, m);
    if (rc == SCU_OK)
        rc = chip_perform(chip, CHIP_REPEATABLE, making_blob, m);
    if (rc == SCU_OK)
        rc = making_finish(chip, &m->row, m->secret, &m->blob);
    /* The helpers' octets are the token's. */
    memset(m->row.helper, 0, sizeof(m->row.helper));
    if (rc != SCU_OK)
        return rc;
    memcpy(token->row.label, m->row.label, sizeof(token->row.label));
    token->row.pin_set[SCU_USER_NORMAL] = false;
    return change_scramble(token, m->secret);
}

int
scu_token_reinit(struct scu_token *token, const char *label,
    const void *so_pin, size_t so_pin_len)
{
    struct making m = { .pin = { so_pin, so_pin_len } };
    struct lockfile *lock = NULL;
    int rc = making_label(m.row.label, label);

    if (rc != SCU_OK)
        return rc;
    token_enter(token);
    token_forget(token);
    rc = store_lock(token->chip, &lock);
    if (rc == SCU_OK)
        rc = reinit(token, &m);
    store_unlock(&lock);
    vault_free(token->chip, &m.vault);
    pin_auths_free(&m.auths);
    secret_free(&m.secret);
    token_row_clear(&m.row);
    token_leave(token);
    return rc;
}

/* Of another chip's token only what is here can go. */
static int
remove_token(struct scu_token *token)
{
    struct scu_chip *chip = token->chip;
    struct making m = { .row = token->row };
    struct database *database = NULL;
    int rc = SCU_OK;

    if (!token->other_chip) {
        rc = owner_find(chip, &m.owner);
        if (rc == SCU_OK)
            rc = chip_perform(chip, CHIP_REPEATABLE, making_undefine, &m);
    }
    secret_free(&m.owner);
    vault_free(chip, &m.vault);
    if (rc == SCU_OK)
        rc = database_open(chip, DATABASE_WRITE, &database);
    if (rc == SCU_OK)
        rc = token_row_delete(database, token->row.id);
    if (rc == SCU_OK)
        rc = database_commit(database);
    database_close(&database);
    return rc;
}

int
scu_token_remove(struct scu_token *token)
{
    struct lockfile *lock = NULL;
    int rc;

    token_enter(token);
    token_forget(token);
    rc = store_lock(token->chip, &lock);
    if (rc == SCU_OK)
        rc = remove_token(token);
    store_unlock(&lock);
    token_leave(token);
    return rc;
}
