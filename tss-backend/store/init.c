/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/making.h"
#include "store/owner.h"
#include "store/room.h"

#include "lockfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Another store's process may take the same free handle, and prepared pairs
 * may be of no use any more. */
#define PAIR_TRIES 32

/*
 * Making a token. The row stands in the store, not ready, before the chip
 * has an index: what a power cut leaves there is found and taken away by the
 * next who makes a token.
 */
/* --- in the chip --------------------------------------------------------------- */

static int
fill_row(struct scu_chip *chip, void *arg)
{
    struct making *m = arg;
    struct token_row *row = &m->row;
    uint8_t serial[8];
    int rc;

    row->chip = chip->storage.name;
    row->cost = pin_cost;
    if ((rc = crypto_random(chip->crypto, row->salt,
            sizeof(row->salt))) != SCU_OK ||
        (rc = crypto_random(chip->crypto, serial, sizeof(serial))) != SCU_OK)
        return rc;
    hex_encode(serial, sizeof(serial), row->serial);
    m->secret = secret_new(NULL, SO_BLOB_SIZE);
    if (m->secret == NULL)
        return err_memory();
    rc = crypto_random(chip->crypto, m->secret->data, PART_SIZE);
    memcpy(m->secret->data + PART_SIZE, m->pair.auth[SCU_USER_NORMAL]->data,
        PART_SIZE);
    memcpy(m->secret->data + 2 * PART_SIZE, m->pair.auth[SCU_USER_SO]->data,
        PART_SIZE);
    return rc == SCU_OK ? list_empty(&row->list) : rc;
}

static int
define_one(struct scu_chip *chip, struct making *m, enum scu_user who)
{
    struct secret *none = NULL;
    int rc = SCU_OK;

    /* The user's index has an authValue that nobody knows, until the SO sets
     * a PIN. */
    if (who == SCU_USER_NORMAL) {
        none = secret_new(NULL, CRYPTO_SHA256_SIZE);
        rc = none == NULL ? err_memory() :
            crypto_random(chip->crypto, none->data, none->len);
    }
    if (rc == SCU_OK)
        rc = pin_index_define(chip, &m->vault->index[who], m->owner,
            none != NULL ? none : m->auths.index, m->row.tries,
            &m->defined[who]);
    secret_free(&none);
    return rc;
}

/* A prepared pair has its indices already: they change their authValue. */
static int
adopt_one(struct scu_chip *chip, struct making *m, enum scu_user who)
{
    const struct pin_index *index = &m->vault->index[who];
    struct pin_helper helper = { .auth = m->pair.auth[who] };
    struct pin_helper so = { .auth = m->pair.auth[SCU_USER_SO] };
    struct secret *none = NULL;
    int rc = chip_object_use(chip, &m->vault->helper[who], &helper.handle);

    if (rc == SCU_OK && (none = secret_new(NULL, CRYPTO_SHA256_SIZE)) == NULL)
        rc = err_memory();
    if (rc == SCU_OK)
        rc = crypto_random(chip->crypto, none->data, none->len);
    if (rc == SCU_OK)
        rc = pin_index_change(chip, index, &helper,
            who == SCU_USER_SO ? m->auths.index : none);
    if (rc == SCU_OK)
        rc = chip_object_use(chip, &m->vault->helper[SCU_USER_SO],
            &so.handle);
    if (rc == SCU_OK)
        rc = pin_index_reset(chip, index, &so, m->row.tries);
    /* Behind a fault of the link they are dropped with the vault. */
    for (size_t i = 0; !chip->faulty && i < TOKEN_USERS; i++)
        chip_object_drop(chip, &m->vault->helper[i]);
    secret_free(&none);
    return rc;
}

static int
make_indices(struct scu_chip *chip, void *arg)
{
    static const enum scu_user order[] = { SCU_USER_SO, SCU_USER_NORMAL };
    struct making *m = arg;
    int rc = making_derive(chip, m);

    for (size_t i = 0; rc == SCU_OK && i < TOKEN_USERS; i++)
        rc = m->from_pool ? adopt_one(chip, m, order[i]) :
            define_one(chip, m, order[i]);
    return rc;
}

static int
undo_indices(struct scu_chip *chip, void *arg)
{
    struct making *m = arg;
    int rc = SCU_OK;

    for (size_t i = 0; rc == SCU_OK && i < TOKEN_USERS; i++)
        if (m->defined[i])
            rc = pin_index_undefine(chip, &m->vault->index[i], m->owner);
    return rc;
}

/* --- in the store --------------------------------------------------------------- */

/* Of a prepared pair the pool keeps the record: here it is only tried whether
 * the store can be written. */
static int
insert_row(struct scu_chip *chip, struct making *m)
{
    struct database *database = NULL;
    int rc = database_open(chip, DATABASE_WRITE, &database);

    if (rc == SCU_OK)
        rc = token_row_insert(database, &m->row);
    if (rc == SCU_OK && !m->from_pool)
        rc = database_commit(database);
    database_close(&database);
    if (m->from_pool)
        m->row.id = 0;
    return rc;
}

static void
delete_row(struct scu_chip *chip, int64_t id)
{
    struct database *database = NULL;

    if (database_open(chip, DATABASE_WRITE, &database) == SCU_OK &&
        token_row_delete(database, id) == SCU_OK)
        (void)database_commit(database);
    database_close(&database);
}

/* --- leftovers -------------------------------------------------------------------- */

/* Rows that were never ready, of this chip. The store's lock is held. */
static int
sweep(struct scu_chip *chip, const struct secret *owner)
{
    struct database *database = NULL;
    struct token_row *rows = NULL;
    TPM2B_NAME name = { 0 };
    size_t count = 0;
    int rc = token_chip_name(chip, &name);

    if (rc == SCU_OK)
        rc = database_open(chip, DATABASE_READ, &database);
    if (rc == SCU_OK)
        rc = token_rows_read(database, &rows, &count);
    database_close(&database);
    for (size_t i = 0; i < count; i++) {
        struct making m = { .row = rows[i] };

        memcpy(&m.owner, &owner, sizeof(m.owner));
        if (!rows[i].ready && rows[i].chip.size == name.size &&
            memcmp(rows[i].chip.name, name.name, name.size) == 0 &&
            chip_perform(chip, CHIP_REPEATABLE, making_undefine, &m) == SCU_OK)
            delete_row(chip, rows[i].id);
        vault_free(chip, &m.vault);
        token_row_clear(&rows[i]);
    }
    free(rows);
    return rc == SCU_E_NOT_FOUND ? SCU_OK : rc;
}

/* --- init ------------------------------------------------------------------------- */

static int
take_pair(struct scu_chip *chip, struct making *m)
{
    int rc = pool_take(chip, &m->pair);

    m->from_pool = rc == SCU_OK;
    if (rc != SCU_E_NOT_FOUND)
        return rc;
    return m->full ? room_full(chip) :
        err_set(SCU_E_AUTH_NEEDED, "making a token needs the chip's "
            "owner authorisation, which %s/authorisations does not give you, "
            "or a token that the administrator prepared by `scu provision "
            "--tokens N`, of which none is left", chip->state);
}

/* A pair for the token: made now with the owner's word, else a prepared one. */
static int
find_pair(struct scu_chip *chip, struct making *m)
{
    int rc = owner_find(chip, &m->owner);

    if (rc == SCU_E_AUTH_NEEDED || (rc == SCU_OK && m->full))
        return take_pair(chip, m);
    if (rc == SCU_OK)
        rc = sweep(chip, m->owner);
    return rc == SCU_OK ? pool_new_pair(chip, &m->pair) : rc;
}

static int
copy_pair(struct making *m)
{
    uint8_t encoded[SEALED_MAX];
    struct bytes octets = { encoded, 0 };
    int rc = SCU_OK;

    for (size_t i = 0; rc == SCU_OK && i < TOKEN_USERS; i++) {
        m->row.index[i] = m->pair.index[i];
        rc = sealed_encode(&m->pair.helper[i], encoded, &octets.len);
        if (rc == SCU_OK)
            rc = octets_set(&m->row.helper[i], octets);
    }
    return rc;
}

/* With the row in the store. */
static int
make_token(struct scu_chip *chip, struct making *m)
{
    /* Setting a PIN again does no harm; defining an index again does. */
    int rc = chip_perform(chip, m->from_pool ? CHIP_REPEATABLE : 0,
        make_indices, m);

    if (rc == SCU_OK)
        rc = chip_perform(chip, CHIP_REPEATABLE, making_blob, m);
    m->row.ready = true;
    if (rc == SCU_OK)
        rc = making_finish(chip, &m->row, m->secret, &m->blob);
    return rc;
}

/* The owner took its indices away, or it is of another chip. */
static bool
of_no_use(int rc)
{
    return rc == SCU_E_NOT_FOUND || rc == SCU_E_FOREIGN_KEY ||
        rc == SCU_E_AUTH;
}

/* As it was before; what cannot be undone now, the next one will. */
static int
undo(struct scu_chip *chip, struct making *m, int rc)
{
    char why[512];

    (void)snprintf(why, sizeof(why), "%s", scu_error_detail());
    if (m->from_pool)
        pool_put(chip, &m->pair, !of_no_use(rc));
    else if (m->row.id != 0 &&
        chip_perform(chip, 0, undo_indices, m) == SCU_OK)
        delete_row(chip, m->row.id);
    return err_set(rc, "%s", why);
}

static int
make(struct scu_chip *chip, struct making *m, struct scu_token **token)
{
    TPM2B_NAME name = { 0 };
    int rc = find_pair(chip, m);

    if (rc == SCU_OK)
        rc = chip_perform(chip, CHIP_REPEATABLE, fill_row, m);
    if (rc == SCU_OK)
        rc = copy_pair(m);
    if (rc == SCU_OK)
        rc = insert_row(chip, m);
    if (rc == SCU_OK)
        rc = make_token(chip, m);
    if (rc != SCU_OK)
        return undo(chip, m, rc);
    if (m->from_pool)
        pool_done(chip, &m->pair);
    name = m->row.chip;
    m->row.pin_set[SCU_USER_SO] = true;
    return token_new(chip, &m->row, &name, token);
}

static int
init_once(struct scu_chip *chip, struct making *m, struct scu_token **token)
{
    int rc = make(chip, m, token);

    /* There may be another pair that is of use. */
    if (m->from_pool && of_no_use(rc))
        rc = SCU_E_EXISTS;
    vault_free(chip, &m->vault);
    pool_pair_clear(&m->pair);
    pin_auths_free(&m->auths);
    secret_free(&m->secret);
    secret_free(&m->owner);
    token_row_clear(&m->row);
    return rc;
}

/* Full: the chip has no room for another pair, so a prepared one is taken. */
static int
init(struct scu_chip *chip, const struct making *wanted, bool full,
    struct scu_token **token)
{
    int rc = SCU_E_EXISTS;

    for (int i = 0; rc == SCU_E_EXISTS && i < PAIR_TRIES; i++) {
        struct making m = *wanted;

        m.full = full;
        rc = init_once(chip, &m, token);
    }
    return rc;
}

int
scu_token_init(struct scu_chip *chip, const char *label, const void *so_pin,
    size_t so_pin_len, uint32_t tries, struct scu_token **token)
{
    struct making wanted = { .pin = { so_pin, so_pin_len } };
    struct lockfile *lock = NULL;
    int rc = pin_check_length(so_pin, so_pin_len);

    *token = NULL;
    if (rc == SCU_OK)
        rc = making_label(wanted.row.label, label);
    wanted.row.tries = tries == 0 ? SCU_PIN_TRIES_DEFAULT : tries;
    if (rc != SCU_OK || (rc = store_lock(chip, &lock)) != SCU_OK)
        return rc;
    rc = init(chip, &wanted, false, token);
    if (rc == SCU_E_TOKENS_FULL)
        rc = init(chip, &wanted, true, token);
    store_unlock(&lock);
    return rc;
}
