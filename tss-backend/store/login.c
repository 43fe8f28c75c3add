/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/token-private.h"

#include <string.h>

/* --- the PIN ------------------------------------------------------------------ */

struct attempt {
    struct scu_token *token;
    enum scu_user who;
    struct bytes pin;
    struct pin_row blobs[PIN_ROWS_MAX];
    size_t n;
    struct pin_auths auths;
    struct secret *secret;
    int64_t opened;
};

/* Always TPM2_Load: it proves that the session is ours, at no cost. */
static int
load_blob(struct scu_chip *chip, struct attempt *a, size_t i)
{
    struct chip_object *blob = &a->token->blob;
    TPM2_HANDLE handle = 0;
    int rc;

    chip_object_drop(chip, blob);
    rc = sealed_decode(chip, octets_bytes(&a->blobs[i].blob), blob);
    return rc == SCU_OK ? chip_object_use(chip, blob, &handle) : rc;
}

static int
pin_refused(const struct attempt *a, int rc)
{
    const char *whose = a->who == SCU_USER_SO ? "SO" : "user";

    switch (rc) {
    case SCU_E_AUTH:
        return err_set(SCU_E_AUTH, "the %s PIN of token '%s' is wrong", whose,
            a->token->row.label);
    case SCU_E_LOCKED:
        return err_set(SCU_E_PIN_LOCKED, "the %s PIN of token '%s' is locked "
            "after %u wrong tries%s", whose, a->token->row.label,
            a->token->row.tries, a->who == SCU_USER_SO ? "" :
            ": the SO unlocks it by setting a new one");
    case SCU_E_NOT_FOUND:
        return err_set(SCU_E_FOREIGN_KEY, "the chip has no PIN index 0x%08x "
            "any more: the chip's owner removed it, and with it token '%s'",
            a->token->row.index[a->who], a->token->row.label);
    default:
        return rc;
    }
}

/*
 * From here on nothing is repeated. Two blobs stand there where power failed
 * within a change of the PIN: the one that the PIN opens is the right one. A
 * refused Unseal leaves the policy session usable.
 */
static int
open_blobs(struct scu_chip *chip, struct attempt *a, struct session *session)
{
    struct policy policy;
    const struct pin_index *index = &a->token->vault->index[a->who];
    const struct policy_choice choice = {
        .handle = index->handle, .secret = a->auths.index,
    };
    int rc;

    pin_blob_policy(index, &policy);
    chip_commit(chip);
    rc = policy_satisfy(chip, session, &policy, &choice);
    if (rc != SCU_OK)
        return pin_refused(a, rc);
    for (size_t i = 0; i < a->n; i++) {
        if (i > 0 && (rc = load_blob(chip, a, i)) != SCU_OK)
            return rc;
        rc = sealed_open(chip, &a->token->blob, session, a->auths.seal,
            &a->secret);
        a->opened = a->blobs[i].id;
        if (rc != SCU_E_AUTH)
            return rc;
    }
    return err_set(SCU_E_AUTH, "the PIN fits the chip's index 0x%08x, but not "
        "what is sealed in the store: the index was defined anew, or the "
        "store is an old one", index->handle);
}

static int
try_pin(struct scu_chip *chip, void *arg)
{
    struct attempt *a = arg;
    struct session session = { 0 };
    int rc = token_ready_vault(chip, a->token);

    if (rc == SCU_OK && a->auths.index == NULL)
        rc = pin_derive(chip->crypto, &a->token->row, a->who, a->pin,
            &a->auths);
    if (rc == SCU_OK)
        rc = policy_start(chip, &session);
    if (rc == SCU_OK)
        rc = load_blob(chip, a, 0);
    if (rc == SCU_OK)
        rc = open_blobs(chip, a, &session);
    policy_end(chip, &session);
    return rc;
}

static int
read_blobs(struct attempt *a)
{
    struct scu_token *token = a->token;
    struct database *database = NULL;
    int rc = database_open(token->chip, DATABASE_READ, &database);

    if (rc == SCU_E_NOT_FOUND)
        rc = err_set(rc, "the store in %s is gone", token->chip->store);
    if (rc == SCU_OK)
        rc = token_refresh(token, database);
    if (rc == SCU_OK)
        rc = pin_rows_read(database, token->row.id, a->who, a->blobs, &a->n);
    database_close(&database);
    if (rc != SCU_OK || a->n > 0)
        return rc;
    return err_set(SCU_E_PIN_UNSET, "token '%s' has no %s PIN yet: the SO "
        "sets it", token->row.label,
        a->who == SCU_USER_SO ? "SO" : "user");
}

int
token_try_pin(struct scu_token *token, enum scu_user who, struct bytes pin,
    struct secret **secret, int64_t *opened)
{
    struct attempt a = { .token = token, .who = who, .pin = pin };
    size_t size = who == SCU_USER_SO ? SO_BLOB_SIZE : USER_BLOB_SIZE;
    int rc = pin_check_length(pin.data, pin.len);

    *secret = NULL;
    if (rc == SCU_OK && token->other_chip)
        rc = err_set(SCU_E_OTHER_CHIP, "token '%s' was made by another chip",
            token->row.label);
    if (rc == SCU_OK)
        rc = read_blobs(&a);
    if (rc == SCU_OK)
        rc = chip_perform(token->chip, CHIP_REPEATABLE, try_pin, &a);
    if (rc == SCU_OK && a.secret->len != size)
        rc = err_set(SCU_E_STORE, "what is sealed for token '%s' has %zu "
            "octets", token->row.label, a.secret->len);
    pin_auths_free(&a.auths);
    pin_rows_clear(a.blobs);
    if (rc != SCU_OK) {
        secret_free(&a.secret);
        chip_release(token->chip, &token->blob);
        return rc;
    }
    *secret = a.secret;
    *opened = a.opened;
    return SCU_OK;
}

/* --- login -------------------------------------------------------------------- */

struct check {
    struct scu_token *token;
    const struct secret *secret;
    struct secret *keys;
    struct object_row *rows;
    size_t count;
};

static int
check_rows(struct scu_chip *chip, void *arg)
{
    struct check *c = arg;
    int rc = authentic_keys(chip->crypto,
        (struct bytes){ c->secret->data, PART_SIZE }, &c->keys);

    if (rc == SCU_OK)
        rc = authentic_check(chip->crypto, c->keys, &c->token->row, c->rows,
            c->count);
    return rc;
}

/* All rows as they stand now. *keys on success. */
static int
verify(struct scu_token *token, const struct secret *secret,
    struct secret **keys)
{
    struct check c = { .token = token, .secret = secret };
    struct database *database = NULL;
    int rc = database_open(token->chip, DATABASE_READ, &database);

    if (rc == SCU_OK)
        rc = token_refresh(token, database);
    if (rc == SCU_OK)
        rc = object_rows_read(database, token->row.id, &c.rows, &c.count);
    database_close(&database);
    if (rc == SCU_OK)
        rc = chip_perform(token->chip, CHIP_OFFLINE, check_rows, &c);
    object_rows_free(&c.rows, c.count);
    if (rc != SCU_OK)
        secret_free(&c.keys);
    *keys = c.keys;
    return rc;
}

static int
login(struct scu_token *token, enum scu_user user, struct bytes pin)
{
    struct secret *secret = NULL, *keys = NULL;
    int64_t opened;
    int rc;

    token_forget(token);
    rc = token_try_pin(token, user, pin, &secret, &opened);
    token->opened = rc == SCU_OK ? opened : 0;
    if (rc == SCU_OK)
        rc = verify(token, secret, &keys);
    /* What the blob held is not the token's any more. */
    if (rc == SCU_E_STORE && token->blob_gone)
        rc = err_set(SCU_E_BUSY, "token '%s' was made anew a moment ago: log "
            "in again", token->row.label);
    if (rc != SCU_OK) {
        token->opened = 0;
        secret_free(&secret);
        return rc;
    }
    /* What was read before it was verified is read again. */
    token_drop_items(token);
    token->secret = secret;
    token->keys = keys;
    token->user = user;
    token->logged_in = true;
    return SCU_OK;
}

int
scu_token_login(struct scu_token *token, enum scu_user user, const void *pin,
    size_t len)
{
    int rc;

    if (user != SCU_USER_SO && user != SCU_USER_NORMAL)
        return err_set(SCU_E_ARG, "user %d", (int)user);
    token_enter(token);
    rc = login(token, user, (struct bytes){ pin, len });
    token_leave(token);
    return rc;
}

void
token_forget(struct scu_token *token)
{
    token->logged_in = false;
    token->opened = 0;
    secret_free(&token->secret);
    secret_free(&token->keys);
    chip_release(token->chip, &token->blob);
    token_drop_items(token);
}

void
scu_token_release_slot(struct scu_token *token)
{
    token_enter(token);
    chip_release(token->chip, &token->blob);
    token_leave(token);
}

void
scu_token_logout(struct scu_token *token)
{
    token_enter(token);
    token_forget(token);
    token_leave(token);
}

/* The mutex changes in it, nothing that the caller sees. */
bool
scu_token_logged_in(const struct scu_token *token, enum scu_user *user)
{
    struct scu_token *t;
    bool in;

    memcpy(&t, &token, sizeof(t));
    token_enter(t);
    in = t->logged_in;
    if (in && user != NULL)
        *user = t->user;
    token_leave(t);
    return in;
}

/* --- status ------------------------------------------------------------------- */

struct status {
    struct scu_token *token;
    struct pin_counts counts[TOKEN_USERS];
};

static int
read_counts(struct scu_chip *chip, void *arg)
{
    struct status *s = arg;
    int rc = token_ready_vault(chip, s->token);

    for (size_t i = 0; rc == SCU_OK && i < TOKEN_USERS; i++)
        rc = pin_index_read(chip, &s->token->vault->index[i], &s->counts[i]);
    return rc;
}

int
scu_token_pin_status(struct scu_token *token, struct scu_pin_status *status)
{
    struct status s = { .token = token };
    const struct pin_counts *so = &s.counts[SCU_USER_SO];
    const struct pin_counts *user = &s.counts[SCU_USER_NORMAL];
    int rc = SCU_OK;

    memset(status, 0, sizeof(*status));
    token_enter(token);
    if (token->other_chip)
        rc = err_set(SCU_E_OTHER_CHIP, "token '%s' was made by another chip",
            token->row.label);
    if (rc == SCU_OK)
        rc = chip_perform(token->chip, CHIP_REPEATABLE, read_counts, &s);
    token_leave(token);
    if (rc != SCU_OK)
        return rc;
    status->user_failed = user->count;
    status->so_failed = so->count;
    status->tries = user->limit;
    status->user_locked = user->count >= user->limit;
    status->so_locked = so->count >= so->limit;
    return SCU_OK;
}
