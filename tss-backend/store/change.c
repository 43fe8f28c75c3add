/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/change.h"

#include "lockfile.h"
#include "log.h"

#include <string.h>

/* --- in the chip --------------------------------------------------------------- */

struct change {
    struct scu_token *token;
    enum scu_user who;
    struct bytes pin;            /* the new one; NULL: a random authValue */
    const struct secret *secret; /* what the user or the SO unsealed */
    bool reset;                  /* the count too: needs the SO's secret */
    struct pin_auths auths;
    struct chip_object blob;     /* the new one */
};

static struct bytes
part(const struct secret *secret, size_t i)
{
    return (struct bytes){ secret->data + i * PART_SIZE, PART_SIZE };
}

/* The authValue of a helper key: A_u stands second, A_so third. */
static int
helper_auth(const struct change *c, enum scu_user who, struct secret **auth)
{
    size_t i = who == SCU_USER_SO ? 2 : 1;

    *auth = NULL;
    if (c->secret->len < (i + 1) * PART_SIZE)
        return err_set(SCU_E_AUTH_NEEDED, "only the SO can do that");
    *auth = secret_new(part(c->secret, i).data, PART_SIZE);
    return *auth == NULL ? err_memory() : SCU_OK;
}

int
change_seal(struct scu_chip *chip, const struct change_blob *what,
    struct chip_object *blob)
{
    struct policy policy;
    struct secret *data = secret_new(what->secret->data,
        what->who == SCU_USER_SO ? SO_BLOB_SIZE : USER_BLOB_SIZE);
    const struct sealed_creation creation = {
        .attributes = SEALED_BLOB, .auth = what->auths->seal,
        .data = data, .policy = &policy,
    };
    int rc = SCU_E_MEMORY;

    pin_blob_policy(what->index, &policy);
    if (data != NULL)
        rc = sealed_create(chip, &creation, blob);
    else
        rc = err_memory();
    secret_free(&data);
    return rc;
}

static int
seal_new(struct scu_chip *chip, void *arg)
{
    struct change *c = arg;
    int rc = token_ready_vault(chip, c->token);

    if (rc == SCU_OK && c->auths.index == NULL)
        rc = pin_derive(chip->crypto, &c->token->row, c->who, c->pin,
            &c->auths);
    if (rc != SCU_OK)
        return rc;
    const struct change_blob what = {
        .index = &c->token->vault->index[c->who], .who = c->who,
        .auths = &c->auths, .secret = c->secret,
    };
    return change_seal(chip, &what, &c->blob);
}

static int
with_helper(struct scu_chip *chip, struct change *c, enum scu_user who,
    bool reset)
{
    struct chip_object *object = &c->token->vault->helper[who];
    const struct pin_index *index = &c->token->vault->index[c->who];
    struct pin_helper helper = { 0 };
    struct secret *auth = NULL;
    int rc = helper_auth(c, who, &auth);

    helper.auth = auth;
    if (rc == SCU_OK)
        rc = chip_object_use(chip, object, &helper.handle);
    if (rc == SCU_OK)
        rc = reset ?
            pin_index_reset(chip, index, &helper, c->token->row.tries) :
            pin_index_change(chip, index, &helper, c->auths.index);
    if (!chip->faulty)
        chip_object_drop(chip, object);
    secret_free(&auth);
    return rc;
}

static int
set_index(struct scu_chip *chip, void *arg)
{
    struct change *c = arg;
    int rc = token_ready_vault(chip, c->token);

    if (rc == SCU_OK && c->auths.index == NULL) {
        c->auths.index = secret_new(NULL, CRYPTO_SHA256_SIZE);
        rc = c->auths.index == NULL ? err_memory() :
            crypto_random(chip->crypto, c->auths.index->data,
                c->auths.index->len);
    }
    if (rc == SCU_OK)
        rc = with_helper(chip, c, c->who, false);
    if (rc == SCU_OK && c->reset)
        rc = with_helper(chip, c, SCU_USER_SO, true);
    return rc;
}

/* --- in the store --------------------------------------------------------------- */

static int
insert_blob(struct change *c, int64_t *id)
{
    struct scu_token *token = c->token;
    uint8_t encoded[SEALED_MAX];
    struct bytes blob = { encoded, 0 };
    struct database *database = NULL;
    int rc = sealed_encode(&c->blob, encoded, &blob.len);

    if (rc == SCU_OK)
        rc = database_open(token->chip, DATABASE_WRITE, &database);
    if (rc == SCU_OK)
        rc = token_refresh(token, database);
    if (rc == SCU_OK)
        rc = pin_row_insert(database, token->row.id, c->who, blob, id);
    if (rc == SCU_OK)
        rc = database_commit(database);
    database_close(&database);
    return rc;
}

static int
prune(const struct change *c, int64_t keep)
{
    struct scu_token *token = c->token;
    struct database *database = NULL;
    int rc = database_open(token->chip, DATABASE_WRITE, &database);

    if (rc == SCU_OK)
        rc = pin_rows_prune(database, token->row.id, c->who, keep);
    if (rc == SCU_OK)
        rc = token_refresh(token, database);
    if (rc == SCU_OK)
        rc = database_commit(database);
    database_close(&database);
    return rc;
}

/*
 * First the new blob beside the old one, then the index, then the old blob
 * goes. Power may fail anywhere: the PIN that fits the index opens one of
 * the two. What stays behind goes with the next change.
 */
static int
change_pin(struct change *c)
{
    struct scu_chip *chip = c->token->chip;
    int64_t id = 0;
    int rc = chip_perform(chip, CHIP_REPEATABLE, seal_new, c);

    if (rc == SCU_OK)
        rc = insert_blob(c, &id);
    if (rc == SCU_OK)
        rc = chip_perform(chip, CHIP_REPEATABLE, set_index, c);
    /* The PIN is the new one now, whatever becomes of the old blob. */
    if (rc == SCU_OK && prune(c, id) != SCU_OK)
        log_line(LOG_LEVEL_INFO, "the PIN is changed; its old blob stays for "
            "now: %s", scu_error_detail());
    pin_auths_free(&c->auths);
    return rc;
}

int
change_scramble(struct scu_token *token, const struct secret *secret)
{
    struct change c = {
        .token = token, .who = SCU_USER_NORMAL, .secret = secret,
        .reset = true,
    };
    int rc = chip_perform(token->chip, CHIP_REPEATABLE, set_index, &c);

    pin_auths_free(&c.auths);
    return rc;
}

/* --- the doors ------------------------------------------------------------------- */

int
scu_token_set_user_pin(struct scu_token *token, const void *pin, size_t len)
{
    struct change c = {
        .token = token, .who = SCU_USER_NORMAL, .pin = { pin, len },
        .reset = true,
    };
    struct lockfile *lock = NULL;
    int rc = pin_check_length(pin, len);

    if (rc != SCU_OK)
        return rc;
    token_enter(token);
    if (!token->logged_in || token->user != SCU_USER_SO)
        rc = err_set(SCU_E_AUTH_NEEDED, "the SO sets the user's PIN: log in "
            "as the SO");
    if (rc == SCU_OK)
        rc = store_lock(token->chip, &lock);
    c.secret = token->secret;
    if (rc == SCU_OK)
        rc = change_pin(&c);
    store_unlock(&lock);
    token_leave(token);
    return rc;
}

int
scu_token_change_pin(struct scu_token *token, enum scu_user user,
    const void *old_pin, size_t old_len, const void *new_pin, size_t new_len)
{
    struct change c = {
        .token = token, .who = user, .pin = { new_pin, new_len },
    };
    struct pin_try old = { .who = user, .pin = { old_pin, old_len } };
    struct lockfile *lock = NULL;
    int rc = pin_check_length(new_pin, new_len);

    if (user != SCU_USER_SO && user != SCU_USER_NORMAL)
        rc = err_set(SCU_E_ARG, "user %d", (int)user);
    if (rc != SCU_OK)
        return rc;
    token_enter(token);
    rc = store_lock(token->chip, &lock);
    if (rc == SCU_OK)
        rc = token_try_pin(token, &old);
    c.secret = old.secret;
    /* What the PIN in force does not open is left over from a power cut. */
    if (rc == SCU_OK)
        rc = prune(&c, old.opened);
    if (rc == SCU_OK)
        rc = change_pin(&c);
    store_unlock(&lock);
    secret_free(&old.secret);
    chip_release(token->chip, &token->blob);
    token_leave(token);
    return rc;
}
