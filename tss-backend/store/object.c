/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/object.h"

#include <stdlib.h>
#include <string.h>

/* --- in memory -------------------------------------------------------------------- */

struct token_item *
item_ref(struct token_item *item)
{
    (void)atomic_fetch_add(&item->refs, 1);
    return item;
}

void
item_free(struct token_item **item)
{
    struct token_item *i = *item;

    *item = NULL;
    if (i == NULL || atomic_fetch_sub(&i->refs, 1) != 1)
        return;
    scu_key_free(&i->key);
    attributes_clear(&i->attributes);
    octets_clear(&i->der);
    octets_clear(&i->tag);
    free(i);
}

/* Whoever still holds the key finds it without its password. */
static void
forget_key(struct token_item *item)
{
    if (item->key == NULL)
        return;
    key_forget_password(item->key);
    scu_key_free(&item->key);
}

void
token_drop_items(struct scu_token *token)
{
    for (size_t i = 0; i < token->count; i++) {
        forget_key(token->items[i]);
        item_free(&token->items[i]);
    }
    free(token->items);
    token->items = NULL;
    token->count = 0;
    token->read.proof = false;
}

/* Within an operation, as private rows are decrypted. The row is taken over. */
static int
make_item(struct scu_chip *chip, const struct secret *keys,
    struct object_row *row, struct token_item **item)
{
    struct token_item *i = calloc(1, sizeof(*i));
    struct octets clear = { 0 };
    int rc = SCU_OK;

    *item = NULL;
    if (i == NULL)
        return err_memory();
    if (row->flags == SCU_OBJECT_PRIVATE) {
        rc = private_open(chip->crypto, keys, octets_bytes(&row->attributes),
            &clear);
    } else {
        clear = row->attributes;
        memset(&row->attributes, 0, sizeof(row->attributes));
    }
    if (rc == SCU_OK)
        rc = attributes_read(&clear, &i->attributes);
    if (rc != SCU_OK) {
        free(i);
        return rc;
    }
    atomic_init(&i->refs, 1);
    i->id = row->id;
    i->generation = row->generation;
    i->flags = row->flags;
    i->kind = row->kind;
    i->der = row->key;
    i->tag = row->tag;
    memset(&row->key, 0, sizeof(row->key));
    memset(&row->tag, 0, sizeof(row->tag));
    *item = i;
    return SCU_OK;
}

/* --- reading ------------------------------------------------------------------------ */

static struct token_item *
find_item(const struct scu_token *token, uint64_t id)
{
    for (size_t i = 0; i < token->count; i++)
        if (token->items[i]->id == id)
            return token->items[i];
    return NULL;
}

struct loading {
    struct scu_token *token;
    struct object_row *rows;
    size_t count;
    struct token_item **items;
    size_t made;
};

static bool
visible(const struct scu_token *token, unsigned flags)
{
    return flags != SCU_OBJECT_PRIVATE ||
        (token->logged_in && token->user == SCU_USER_NORMAL);
}

static int
load_one(struct scu_chip *chip, struct loading *l, struct object_row *row)
{
    struct scu_token *token = l->token;
    struct token_item *known = find_item(token, row->id);
    struct token_item **item = &l->items[l->made];
    int rc;

    if (!visible(token, row->flags))
        return SCU_OK;
    if (known != NULL && known->generation == row->generation &&
        known->flags == row->flags) {
        *item = item_ref(known);
        l->made++;
        return SCU_OK;
    }
    rc = make_item(chip, token->keys, row, item);
    if (rc != SCU_OK)
        return rc;
    l->made++;
    /* A key is not loaded anew since its object has another label now. */
    if (known != NULL && known->der.len == (*item)->der.len &&
        memcmp(known->der.data, (*item)->der.data, known->der.len) == 0) {
        (*item)->key = known->key;
        known->key = NULL;
    }
    return SCU_OK;
}

static int
load_rows(struct scu_chip *chip, void *arg)
{
    struct loading *l = arg;
    const struct scu_token *token = l->token;
    int rc = SCU_OK;

    if (token->logged_in)
        rc = authentic_check(chip->crypto, token->keys, &token->row, l->rows,
            l->count);
    for (size_t i = 0; rc == SCU_OK && i < l->count; i++)
        rc = load_one(chip, l, &l->rows[i]);
    return rc;
}

/* Exchanges what is in memory; keys of objects that are gone are forgotten. */
static void
take_items(struct scu_token *token, struct loading *l)
{
    struct token_item **old = token->items;
    size_t n = token->count;

    token->items = l->items;
    token->count = l->made;
    for (size_t i = 0; i < n; i++) {
        if (find_item(token, old[i]->id) == NULL)
            forget_key(old[i]);
        item_free(&old[i]);
    }
    free(old);
}

static int
build_items(struct scu_token *token, struct loading *l)
{
    int rc;

    l->items = calloc(l->count + 1, sizeof(*l->items));
    rc = l->items == NULL ? err_memory() :
        chip_perform(token->chip, CHIP_OFFLINE, load_rows, l);
    if (rc == SCU_OK) {
        take_items(token, l);
        return SCU_OK;
    }
    for (size_t i = 0; i < l->made; i++)
        item_free(&l->items[i]);
    free(l->items);
    return rc;
}

int
objects_take(struct scu_token *token, struct object_row *rows, size_t count)
{
    struct loading l = { .token = token, .rows = rows, .count = count };

    return build_items(token, &l);
}

int
objects_load(struct scu_token *token)
{
    struct loading l = { .token = token };
    struct database_stamp read = { 0 };
    struct database *database = NULL;
    int rc;

    if (database_unchanged(token->chip, &token->read))
        return SCU_OK;
    rc = database_open(token->chip, DATABASE_READ, &database);
    if (rc == SCU_E_NOT_FOUND)
        rc = err_set(rc, "the store in %s is gone", token->chip->store);
    if (rc == SCU_OK)
        rc = token_refresh(token, database);
    if (rc == SCU_OK)
        rc = object_rows_read(database, token->row.id, &l.rows, &l.count);
    if (rc == SCU_OK)
        database_stamp(database, &read);
    database_close(&database);
    if (rc == SCU_OK)
        rc = token_verdict(token, build_items(token, &l));
    object_rows_free(&l.rows, l.count);
    if (rc == SCU_OK)
        token->read = read;
    return rc;
}

int
object_find_item(struct scu_token *token, uint64_t id,
    struct token_item **item)
{
    int rc = SCU_OK;

    *item = find_item(token, id);
    if (*item == NULL)
        rc = objects_load(token);
    if (*item == NULL && rc == SCU_OK)
        *item = find_item(token, id);
    if (*item == NULL && rc == SCU_OK)
        rc = err_set(SCU_E_NOT_FOUND, "object %llu is not there any more",
            (unsigned long long)id);
    return rc;
}

/* --- references ------------------------------------------------------------------- */

int
object_new(struct scu_token *token, struct token_item *item,
    struct scu_object **object)
{
    struct scu_object *o = calloc(1, sizeof(*o));

    *object = NULL;
    if (o == NULL)
        return err_memory();
    atomic_init(&o->refs, 1);
    o->token = scu_token_ref(token);
    o->item = item_ref(item);
    *object = o;
    return SCU_OK;
}

struct scu_object *
scu_object_ref(struct scu_object *object)
{
    (void)atomic_fetch_add(&object->refs, 1);
    return object;
}

void
scu_object_free(struct scu_object **object)
{
    struct scu_object *o = object == NULL ? NULL : *object;

    if (o == NULL)
        return;
    *object = NULL;
    if (atomic_fetch_sub(&o->refs, 1) != 1)
        return;
    item_free(&o->item);
    scu_token_free(&o->token);
    free(o);
}

int
scu_object_list(struct scu_token *token, struct scu_object ***objects,
    size_t *count)
{
    struct scu_object **all = NULL;
    size_t n = 0;
    int rc;

    *objects = NULL;
    *count = 0;
    token_enter(token);
    rc = objects_load(token);
    if (rc == SCU_OK && token->count > 0) {
        all = calloc(token->count, sizeof(*all));
        rc = all == NULL ? err_memory() : SCU_OK;
        while (rc == SCU_OK && n < token->count) {
            rc = object_new(token, token->items[n], &all[n]);
            n += rc == SCU_OK;
        }
    }
    token_leave(token);
    if (rc != SCU_OK) {
        scu_object_list_free(&all, n);
        return rc;
    }
    *objects = all;
    *count = n;
    return SCU_OK;
}

void
scu_object_list_free(struct scu_object ***objects, size_t count)
{
    if (*objects == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        scu_object_free(&(*objects)[i]);
    free(*objects);
    *objects = NULL;
}

/* --- what it is ------------------------------------------------------------------- */

uint64_t
scu_object_id(const struct scu_object *object)
{
    return object->item->id;
}

bool
scu_object_is_private(const struct scu_object *object)
{
    return object->item->flags == SCU_OBJECT_PRIVATE;
}

const uint8_t *
scu_object_attribute(const struct scu_object *object, uint64_t type,
    size_t *len)
{
    const struct scu_attribute *a =
        attributes_find(&object->item->attributes, type);

    *len = a == NULL ? 0 : a->len;
    return a == NULL ? NULL : a->value;
}

bool
scu_object_attribute_at(const struct scu_object *object, size_t index,
    struct scu_attribute *attribute)
{
    const struct attributes *a = &object->item->attributes;

    if (index >= a->count)
        return false;
    *attribute = a->at[index];
    return true;
}
