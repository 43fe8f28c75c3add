/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/object.h"

#include <string.h>

/* --- the PIN ------------------------------------------------------------------ */

struct attempt {
    struct scu_token *token;
    struct pin_try *try;
    struct pin_row blobs[PIN_ROWS_MAX];
    size_t n;
    struct pin_auths auths;
    int derived; /* what became of auths */
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
    const char *whose = a->try->who == SCU_USER_SO ? "SO" : "user";

    switch (rc) {
    case SCU_E_AUTH:
        return err_set(SCU_E_AUTH, "the %s PIN of token '%s' is wrong", whose,
            a->token->row.label);
    case SCU_E_LOCKED:
        return err_set(SCU_E_PIN_LOCKED, "the %s PIN of token '%s' is locked "
            "after %u wrong tries%s", whose, a->token->row.label,
            a->token->row.tries, a->try->who == SCU_USER_SO ? "" :
            ": the SO unlocks it by setting a new one");
    case SCU_E_NOT_FOUND:
        return err_set(SCU_E_FOREIGN_KEY, "the chip has no PIN index 0x%08x "
            "any more: the chip's owner removed it, and with it token '%s'",
            a->token->row.index[a->try->who], a->token->row.label);
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
    const struct pin_index *index = &a->token->vault->index[a->try->who];
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
            &a->try->secret);
        a->try->opened = a->blobs[i].id;
        if (rc != SCU_E_AUTH)
            return rc;
    }
    return err_set(SCU_E_AUTH, "the PIN fits the chip's index 0x%08x, but not "
        "what is sealed in the store: the index was defined anew, or the "
        "store is an old one", index->handle);
}

static void
derive(struct scu_chip *chip, void *arg)
{
    struct attempt *a = arg;

    a->derived = pin_derive(chip->crypto, &a->token->row, a->try->who,
        a->try->pin, &a->auths);
}

static int
try_pin(struct scu_chip *chip, void *arg)
{
    struct attempt *a = arg;
    struct session session = { 0 };
    int rc = token_ready_vault(chip, a->token);

    if (rc == SCU_OK && a->auths.index == NULL)
        chip_meanwhile(chip, derive, a);
    if (rc == SCU_OK)
        rc = policy_start(chip, &session);
    if (rc == SCU_OK)
        rc = a->derived;
    if (rc == SCU_OK)
        rc = load_blob(chip, a, 0);
    if (rc == SCU_OK)
        rc = open_blobs(chip, a, &session);
    policy_end(chip, &session);
    return rc;
}

/* The PIN's rows, and those of the objects: all of one moment. */
static int
read_rows(struct attempt *a)
{
    struct scu_token *token = a->token;
    struct pin_try *t = a->try;
    struct database *database = NULL;
    int rc = database_open(token->chip, DATABASE_READ, &database);

    if (rc == SCU_E_NOT_FOUND)
        rc = err_set(rc, "the store in %s is gone", token->chip->store);
    if (rc == SCU_OK)
        rc = token_refresh(token, database);
    if (rc == SCU_OK)
        rc = pin_rows_read(database, token->row.id, t->who, a->blobs, &a->n);
    if (rc == SCU_OK && t->with_objects)
        rc = object_rows_read(database, token->row.id, &t->rows, &t->count);
    if (rc == SCU_OK)
        database_stamp(database, &t->read);
    database_close(&database);
    if (rc != SCU_OK || a->n > 0)
        return rc;
    return err_set(SCU_E_PIN_UNSET, "token '%s' has no %s PIN yet: the SO "
        "sets it", token->row.label,
        t->who == SCU_USER_SO ? "SO" : "user");
}

int
token_try_pin(struct scu_token *token, struct pin_try *t)
{
    struct attempt a = { .token = token, .try = t };
    size_t size = t->who == SCU_USER_SO ? SO_BLOB_SIZE : USER_BLOB_SIZE;
    int rc = pin_check_length(t->pin.data, t->pin.len);

    if (rc == SCU_OK && token->other_chip)
        rc = err_set(SCU_E_OTHER_CHIP, "token '%s' was made by another chip",
            token->row.label);
    if (rc == SCU_OK)
        rc = read_rows(&a);
    if (rc == SCU_OK)
        rc = chip_perform(token->chip, CHIP_REPEATABLE, try_pin, &a);
    if (rc == SCU_OK && t->secret->len != size)
        rc = err_set(SCU_E_STORE, "what is sealed for token '%s' has %zu "
            "octets", token->row.label, t->secret->len);
    pin_auths_free(&a.auths);
    pin_rows_clear(a.blobs);
    if (rc != SCU_OK) {
        secret_free(&t->secret);
        object_rows_free(&t->rows, t->count);
        t->count = 0;
        chip_release(token->chip, &token->blob);
    }
    return rc;
}

/* --- login -------------------------------------------------------------------- */

struct opening {
    const struct secret *secret;
    struct secret *keys;
};

static int
make_keys(struct scu_chip *chip, void *arg)
{
    struct opening *o = arg;

    return authentic_keys(chip->crypto,
        (struct bytes){ o->secret->data, PART_SIZE }, &o->keys);
}

/* What was read before the login is verified now, as it was read with it. */
static int
take_over(struct scu_token *token, struct pin_try *tried)
{
    struct opening opening = { .secret = tried->secret };
    int rc = chip_perform(token->chip, CHIP_OFFLINE, make_keys, &opening);

    token_drop_items(token);
    token->secret = tried->secret;
    token->keys = opening.keys;
    token->opened = tried->opened;
    token->user = tried->who;
    token->logged_in = true;
    if (rc == SCU_OK)
        rc = objects_take(token, tried->rows, tried->count);
    if (rc == SCU_OK)
        token->read = tried->read;
    else
        token_forget(token);
    return rc;
}

static int
login(struct scu_token *token, enum scu_user user, struct bytes pin)
{
    struct pin_try attempt = { .who = user, .pin = pin, .with_objects = true };
    int rc;

    token_forget(token);
    rc = token_try_pin(token, &attempt);
    if (rc == SCU_OK)
        rc = take_over(token, &attempt);
    object_rows_free(&attempt.rows, attempt.count);
    return rc;
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

    for (size_t i = 0; rc == SCU_OK && i < TOKEN_USERS; i++) {
        rc = pin_index_read(chip, &s->token->vault->index[i], &s->counts[i]);
        /* No HMAC covers the cipher: see whether it came through as meant. */
        if (rc == SCU_OK && s->counts[i].limit != s->token->row.tries)
            rc = err_set(SCU_E_TAMPERED, "the PIN index 0x%08x has another "
                "limit than the token: somebody alters the bus or the store",
                s->token->row.index[i]);
    }
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
