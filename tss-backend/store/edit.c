/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/object.h"

#include <string.h>

/*
 * One change of a token's objects: a transaction. All rows are verified
 * before the MACs are made anew, so that no alteration gets a good one.
 */
struct edit {
    struct scu_token *token;
    struct database *database;
    struct object_row *rows;
    size_t count;
    struct object_row row; /* what is written */
    bool remove;
    struct octets clear;   /* its attributes */
};

/* Writing takes T; a private object, the user. */
static int
permitted(const struct scu_token *token, unsigned flags)
{
    if (!token->logged_in)
        return err_set(SCU_E_AUTH_NEEDED, "token '%s' is written after a "
            "login only", token->row.label);
    if (flags == SCU_OBJECT_PRIVATE && token->user != SCU_USER_NORMAL)
        return err_set(SCU_E_AUTH_NEEDED, "private objects are the user's: "
            "log in as the user");
    return SCU_OK;
}

static int
authenticate(struct scu_chip *chip, void *arg)
{
    struct edit *e = arg;
    struct scu_token *token = e->token;
    struct object_row *row = &e->row;
    int rc = authentic_check(chip->crypto, token->keys, &token->row, e->rows,
        e->count);

    if (rc != SCU_OK)
        return rc;
    if (e->remove) {
        rc = list_remove(&token->row.list, row->id);
    } else {
        rc = list_put(&token->row.list, row->id, &row->generation);
        if (rc == SCU_OK && row->flags == SCU_OBJECT_PRIVATE)
            rc = private_seal(chip->crypto, token->keys,
                octets_bytes(&e->clear), &row->attributes);
        else if (rc == SCU_OK)
            rc = octets_set(&row->attributes, octets_bytes(&e->clear));
        if (rc == SCU_OK)
            rc = authentic_object(chip->crypto, token->keys,
                token->row.serial, row);
    }
    if (rc == SCU_OK)
        rc = authentic_token(chip->crypto, token->keys, &token->row);
    return rc;
}

static int
write_rows(struct edit *e)
{
    int rc = e->remove ? object_row_delete(e->database, e->row.id) :
        object_row_write(e->database, &e->row);

    if (rc == SCU_OK)
        rc = token_row_update(e->database, &e->token->row);
    if (rc == SCU_OK)
        rc = database_commit(e->database);
    return rc;
}

/* row.id 0: a new object. */
static int
run(struct edit *e)
{
    struct scu_token *token = e->token;
    int rc = permitted(token, e->row.flags);

    if (rc == SCU_OK)
        rc = database_open(token->chip, DATABASE_WRITE, &e->database);
    if (rc == SCU_OK)
        rc = token_refresh(token, e->database);
    if (rc == SCU_OK)
        rc = object_rows_read(e->database, token->row.id, &e->rows,
            &e->count);
    if (rc == SCU_OK && e->row.id == 0)
        rc = object_row_reserve(e->database, token->row.id, &e->row.id);
    if (rc == SCU_OK)
        rc = token_verdict(token,
            chip_perform(token->chip, CHIP_OFFLINE, authenticate, e));
    if (rc == SCU_OK)
        rc = write_rows(e);
    database_close(&e->database);
    object_rows_free(&e->rows, e->count);
    return rc;
}

/* Stores it, and gives a reference to it as it is then. */
static int
store(struct edit *e, struct attributes *attributes,
    struct scu_object **object)
{
    struct token_item *item = NULL;
    int rc;

    e->clear = attributes->octets;
    rc = run(e);
    if (rc == SCU_OK)
        rc = objects_load(e->token);
    if (rc == SCU_OK)
        rc = object_find_item(e->token, e->row.id, &item);
    if (rc == SCU_OK && object != NULL)
        rc = object_new(e->token, item, object);
    return rc;
}

int
scu_object_create(struct scu_token *token, unsigned flags,
    const struct scu_attribute *attributes, size_t count,
    struct scu_object **object)
{
    struct edit e = { .token = token, .row.flags = flags };
    struct attributes set = { 0 };
    int rc;

    *object = NULL;
    if (flags > SCU_OBJECT_PRIVATE)
        return err_set(SCU_E_ARG, "object flags 0x%x", flags);
    rc = attributes_merge(NULL, attributes, count, &set);
    if (rc != SCU_OK)
        return rc;
    token_enter(token);
    rc = store(&e, &set, object);
    token_leave(token);
    object_row_clear(&e.row);
    attributes_clear(&set);
    return rc;
}

static int
update(struct scu_object *object, const struct scu_attribute *attributes,
    size_t count)
{
    struct scu_token *token = object->token;
    struct edit e = { .token = token };
    struct attributes set = { 0 };
    struct token_item *item = NULL;
    int rc = permitted(token, object->item->flags);

    /* As it stands in the store: another process may have changed it. */
    if (rc == SCU_OK)
        rc = objects_load(token);
    if (rc == SCU_OK)
        rc = object_find_item(token, object->item->id, &item);
    if (rc == SCU_OK)
        rc = attributes_merge(&item->attributes, attributes, count, &set);
    if (rc != SCU_OK)
        return rc;
    e.row.id = item->id;
    e.row.flags = item->flags;
    e.row.kind = item->kind;
    if ((rc = octets_set(&e.row.key, octets_bytes(&item->der))) != SCU_OK ||
        (rc = octets_set(&e.row.tag, octets_bytes(&item->tag))) != SCU_OK ||
        (rc = store(&e, &set, NULL)) != SCU_OK ||
        (rc = object_find_item(token, e.row.id, &item)) != SCU_OK)
        goto out;
    item = item_ref(item);
    item_free(&object->item);
    object->item = item;
out:
    object_row_clear(&e.row);
    attributes_clear(&set);
    return rc;
}

int
scu_object_update(struct scu_object *object,
    const struct scu_attribute *attributes, size_t count)
{
    int rc;

    token_enter(object->token);
    rc = update(object, attributes, count);
    token_leave(object->token);
    return rc;
}

int
scu_object_delete(struct scu_object *object)
{
    struct scu_token *token = object->token;
    struct edit e = {
        .token = token, .remove = true,
        .row = { .id = object->item->id, .flags = object->item->flags },
    };
    int rc;

    token_enter(token);
    rc = run(&e);
    if (rc == SCU_OK)
        rc = objects_load(token);
    token_leave(token);
    return rc;
}

/* --- keys ------------------------------------------------------------------------- */

#define NUMBER_SIZE 16

struct key_auth {
    struct scu_token *token;
    enum object_kind kind;
    struct octets *tag;
    struct secret *auth; /* NULL: none */
};

static int
number_key(struct scu_chip *chip, void *arg)
{
    struct octets *tag = arg;
    uint8_t number[NUMBER_SIZE];
    int rc = crypto_random(chip->crypto, number, sizeof(number));

    return rc == SCU_OK ?
        octets_set(tag, (struct bytes){ number, sizeof(number) }) : rc;
}

/* The authValue of a key, from T, or from where it is kept encrypted. */
static int
derive_auth(struct scu_chip *chip, void *arg)
{
    struct key_auth *k = arg;
    struct octets clear = { 0 };
    int rc;

    if (k->kind == OBJECT_KEY)
        return authentic_key_auth(chip->crypto, k->token->keys,
            octets_bytes(k->tag), &k->auth);
    if (k->tag->len == 0)
        return SCU_OK;
    rc = private_open(chip->crypto, k->token->keys, octets_bytes(k->tag),
        &clear);
    if (rc == SCU_OK && (k->auth = secret_new(clear.data, clear.len)) == NULL)
        rc = err_memory();
    octets_clear(&clear);
    return rc;
}

static int
seal_auth(struct scu_chip *chip, void *arg)
{
    struct key_auth *k = arg;

    return private_seal(chip->crypto, k->token->keys,
        (struct bytes){ k->auth->data, k->auth->len }, k->tag);
}

/* Stores a key as a private object. */
static int
store_key(struct edit *e, const struct scu_key *key,
    struct attributes *attributes, struct scu_object **object)
{
    struct octets der = { 0 };
    int rc = key_to_row(key, &der.data, &der.len);

    if (rc != SCU_OK)
        return rc;
    e->row.key = der;
    return store(e, attributes, object);
}

/* Where a new object's key comes from: one of these. */
struct source {
    const struct scu_alg *alg;
    const struct scu_import *import;
    const struct scu_key *adopted;
};

/* A key of the token's own: its authValue is derived. */
static int
make_own(struct edit *e, const struct source *source,
    struct attributes *attributes, struct scu_object **object)
{
    struct scu_token *token = e->token;
    struct key_auth k = {
        .token = token, .kind = OBJECT_KEY, .tag = &e->row.tag,
    };
    struct scu_key *key = NULL;
    int rc = permitted(token, SCU_OBJECT_PRIVATE);

    if (rc == SCU_OK)
        rc = chip_perform(token->chip, CHIP_OFFLINE, number_key, k.tag);
    if (rc == SCU_OK)
        rc = chip_perform(token->chip, CHIP_OFFLINE, derive_auth, &k);
    if (rc == SCU_OK && source->import != NULL)
        rc = scu_key_import(token->chip, source->import, k.auth->data,
            k.auth->len, &key);
    else if (rc == SCU_OK)
        rc = scu_key_generate(token->chip, source->alg, k.auth->data,
            k.auth->len, &key);
    if (rc == SCU_OK)
        rc = store_key(e, key, attributes, object);
    secret_free(&k.auth);
    scu_key_free(&key);
    return rc;
}

static int
adopt(struct edit *e, const struct source *source,
    struct attributes *attributes, struct scu_object **object)
{
    struct scu_token *token = e->token;
    const struct scu_key *key = source->adopted;
    struct key_auth k = { .token = token, .tag = &e->row.tag };
    int rc = permitted(token, SCU_OBJECT_PRIVATE);

    if (rc == SCU_OK)
        rc = key_copy_password(key, &k.auth);
    if (rc == SCU_OK && k.auth == NULL && scu_key_needs_password(key))
        rc = err_set(SCU_E_AUTH_NEEDED, "the key has a password: give it, so "
            "that the token can keep it");
    if (rc == SCU_OK && k.auth != NULL)
        rc = chip_perform(token->chip, CHIP_OFFLINE, seal_auth, &k);
    if (rc == SCU_OK)
        rc = store_key(e, key, attributes, object);
    secret_free(&k.auth);
    return rc;
}

static int
make(struct scu_token *token, const struct source *source,
    const struct scu_attribute *attributes, size_t count,
    struct scu_object **object)
{
    struct edit e = { .token = token, .row.flags = SCU_OBJECT_PRIVATE };
    struct attributes set = { 0 };
    int rc = attributes_merge(NULL, attributes, count, &set);

    if (rc != SCU_OK)
        return rc;
    e.row.kind = source->adopted != NULL ? OBJECT_ADOPTED : OBJECT_KEY;
    token_enter(token);
    rc = source->adopted != NULL ? adopt(&e, source, &set, object) :
        make_own(&e, source, &set, object);
    token_leave(token);
    object_row_clear(&e.row);
    attributes_clear(&set);
    return rc;
}

int
scu_object_generate(struct scu_token *token, const struct scu_alg *alg,
    const struct scu_attribute *attributes, size_t count,
    struct scu_object **object)
{
    const struct source source = { .alg = alg };

    *object = NULL;
    if (alg == NULL)
        return err_set(SCU_E_ARG, "no algorithm");
    return make(token, &source, attributes, count, object);
}

int
scu_object_import(struct scu_token *token, const struct scu_import *import,
    const struct scu_attribute *attributes, size_t count,
    struct scu_object **object)
{
    const struct source source = { .import = import };

    *object = NULL;
    if (import == NULL)
        return err_set(SCU_E_ARG, "no private key");
    return make(token, &source, attributes, count, object);
}

int
scu_object_adopt(struct scu_token *token, const struct scu_key *key,
    const struct scu_attribute *attributes, size_t count,
    struct scu_object **object)
{
    const struct source source = { .adopted = key };

    *object = NULL;
    if (key == NULL)
        return err_set(SCU_E_ARG, "no key");
    return make(token, &source, attributes, count, object);
}

static int
make_key(struct scu_token *token, struct token_item *item)
{
    struct key_auth k = {
        .token = token, .kind = item->kind, .tag = &item->tag,
    };
    int rc = key_from_row(token->chip, item->der.data, item->der.len,
        &item->key);

    if (rc == SCU_OK)
        rc = chip_perform(token->chip, CHIP_OFFLINE, derive_auth, &k);
    if (rc == SCU_OK && k.auth != NULL)
        rc = scu_key_set_password(item->key, k.auth->data, k.auth->len);
    if (rc != SCU_OK)
        scu_key_free(&item->key);
    secret_free(&k.auth);
    return rc;
}

static int
find_key(struct scu_object *object, struct scu_key **key)
{
    struct scu_token *token = object->token;
    struct token_item *item = NULL;
    int rc = SCU_OK;

    if (object->item->kind == OBJECT_PLAIN)
        return err_set(SCU_E_USAGE, "object %llu has no key",
            (unsigned long long)object->item->id);
    if (!token->logged_in || token->user != SCU_USER_NORMAL)
        return err_set(SCU_E_AUTH_NEEDED, "the keys of token '%s' are used "
            "after the user's login", token->row.label);
    rc = object_find_item(token, object->item->id, &item);
    if (rc == SCU_OK && item->key == NULL)
        rc = make_key(token, item);
    if (rc == SCU_OK)
        *key = scu_key_ref(item->key);
    return rc;
}

int
scu_object_key(struct scu_object *object, struct scu_key **key)
{
    int rc;

    *key = NULL;
    token_enter(object->token);
    rc = find_key(object, key);
    token_leave(object->token);
    return rc;
}
