/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The fake's objects. */
#include "tests/pkcs11/fakescu-private.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROWS 64

/* What an object is at one time: never changed, exchanged by an update. */
struct item {
    atomic_int refs;
    unsigned flags;
    struct scu_attribute *attributes;
    size_t count;
    struct scu_key *key;
};

struct object_row {
    uint64_t id; /* 0: free */
    struct token_row *token;
    struct item *item;
};

struct scu_object {
    atomic_int refs;
    struct scu_token *token;
    struct object_row *row;
    struct item *item;
    uint64_t id;
};

static struct object_row object_rows[MAX_ROWS];

/* --- items ------------------------------------------------------------------- */

static struct item *
ref_item(struct item *item)
{
    (void)atomic_fetch_add(&item->refs, 1);
    return item;
}

static void
free_item(struct item *item)
{
    if (item == NULL || atomic_fetch_sub(&item->refs, 1) != 1)
        return;
    for (size_t i = 0; i < item->count; i++)
        free((void *)(uintptr_t)item->attributes[i].value);
    free(item->attributes);
    scu_key_free(&item->key);
    free(item);
}

static void
set_attribute(struct item *item, const struct scu_attribute *a)
{
    uint8_t *copy = malloc(a->len + 1);
    size_t i = 0;

    memcpy(copy, a->len > 0 ? a->value : (const uint8_t *)"", a->len);
    while (i < item->count && item->attributes[i].type != a->type)
        i++;
    if (i == item->count) {
        item->attributes = reallocarray(item->attributes, ++item->count,
            sizeof(*item->attributes));
    } else
        free((void *)(uintptr_t)item->attributes[i].value);
    item->attributes[i] = (struct scu_attribute){
        .type = a->type, .value = copy, .len = a->len,
    };
}

/* The key is the item's then. */
static struct item *
new_item(unsigned flags, struct scu_key *key,
    const struct scu_attribute *attributes, size_t count)
{
    struct item *item = calloc(1, sizeof(*item));

    atomic_init(&item->refs, 1);
    item->flags = flags;
    item->key = key;
    for (size_t i = 0; i < count; i++)
        set_attribute(item, &attributes[i]);
    return item;
}

/* --- objects ------------------------------------------------------------------ */

static void
clear_row(struct object_row *row)
{
    free_item(row->item);
    *row = (struct object_row){ 0 };
}

void
fake_clear_objects(const struct token_row *token)
{
    for (size_t i = 0; i < MAX_ROWS; i++)
        if (token == NULL || object_rows[i].token == token)
            clear_row(&object_rows[i]);
}

static struct scu_object *
give_object(struct scu_token *token, struct object_row *row)
{
    struct scu_object *object = calloc(1, sizeof(*object));

    atomic_init(&object->refs, 1);
    object->token = scu_token_ref(token);
    object->row = row;
    object->item = ref_item(row->item);
    object->id = row->id;
    (void)atomic_fetch_add(&fake_alive, 1);
    return object;
}

static bool
is_user(const struct scu_token *token)
{
    enum scu_user user;

    return scu_token_logged_in(token, &user) && user == SCU_USER_NORMAL;
}

int
scu_object_list(struct scu_token *token, struct scu_object ***objects,
    size_t *count)
{
    int rc = fake_enter(__func__);

    *objects = NULL;
    *count = 0;
    if (rc != SCU_OK)
        return rc;
    *objects = calloc(MAX_ROWS, sizeof(**objects));
    fake_lock();
    for (size_t i = 0; i < MAX_ROWS; i++)
        if (object_rows[i].id != 0 && object_rows[i].token == token->row &&
            (object_rows[i].item->flags == SCU_OBJECT_PUBLIC ||
                is_user(token)))
            (*objects)[(*count)++] = give_object(token, &object_rows[i]);
    fake_unlock();
    return SCU_OK;
}

void
scu_object_list_free(struct scu_object ***objects, size_t count)
{
    for (size_t i = 0; *objects != NULL && i < count; i++)
        scu_object_free(&(*objects)[i]);
    free(*objects);
    *objects = NULL;
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
    if (*object != NULL && atomic_fetch_sub(&(*object)->refs, 1) == 1) {
        free_item((*object)->item);
        scu_token_free(&(*object)->token);
        free(*object);
        (void)atomic_fetch_sub(&fake_alive, 1);
    }
    *object = NULL;
}

uint64_t
scu_object_id(const struct scu_object *object)
{
    return object->id;
}

bool
scu_object_is_private(const struct scu_object *object)
{
    return (object->item->flags & SCU_OBJECT_PRIVATE) != 0;
}

bool
scu_object_attribute_at(const struct scu_object *object, size_t index,
    struct scu_attribute *attribute)
{
    if (index >= object->item->count)
        return false;
    *attribute = object->item->attributes[index];
    return true;
}

const uint8_t *
scu_object_attribute(const struct scu_object *object, uint64_t type,
    size_t *len)
{
    struct scu_attribute a;

    *len = 0;
    for (size_t i = 0; scu_object_attribute_at(object, i, &a); i++)
        if (a.type == type) {
            *len = a.len;
            return a.value;
        }
    return NULL;
}

/* --- writing ------------------------------------------------------------------- */

int
fake_add_row(struct scu_token *token, unsigned flags,
    const struct scu_attribute *attributes, size_t count, struct scu_key *key,
    struct scu_object **object)
{
    size_t i = 0;

    fake_lock();
    while (i < MAX_ROWS && object_rows[i].id != 0)
        i++;
    if (i == MAX_ROWS)
        abort();
    object_rows[i] = (struct object_row){
        .id = ++fake_last_id, .token = token->row,
        .item = new_item(flags, key, attributes, count),
    };
    *object = give_object(token, &object_rows[i]);
    fake_unlock();
    return SCU_OK;
}

int
scu_object_create(struct scu_token *token, unsigned flags,
    const struct scu_attribute *attributes, size_t count,
    struct scu_object **object)
{
    int rc = fake_enter(__func__);

    if (rc == SCU_OK && !scu_token_logged_in(token, NULL))
        rc = fake_error(SCU_E_AUTH_NEEDED, "no login");
    return rc != SCU_OK ? rc :
        fake_add_row(token, flags, attributes, count, NULL, object);
}

int
scu_object_update(struct scu_object *object,
    const struct scu_attribute *attributes, size_t count)
{
    const struct item *old = object->item;
    struct item *item;
    int rc = fake_enter(__func__);

    if (rc != SCU_OK)
        return rc;
    item = new_item(old->flags, old->key == NULL ? NULL :
        scu_key_ref(old->key), old->attributes, old->count);
    for (size_t i = 0; i < count; i++)
        set_attribute(item, &attributes[i]);
    fake_lock();
    free_item(object->row->item);
    object->row->item = ref_item(item);
    fake_unlock();
    free_item(object->item);
    object->item = item;
    return SCU_OK;
}

int
scu_object_delete(struct scu_object *object)
{
    int rc = fake_enter(__func__);

    fake_lock();
    if (rc == SCU_OK)
        clear_row(object->row);
    fake_unlock();
    return rc;
}

int
scu_object_generate(struct scu_token *token, const struct scu_alg *alg,
    const struct scu_attribute *attributes, size_t count,
    struct scu_object **object)
{
    struct scu_key *key = NULL;
    int rc = fake_enter(__func__);

    if (rc == SCU_OK && !is_user(token))
        rc = fake_error(SCU_E_AUTH_NEEDED, "no login");
    if (rc == SCU_OK)
        rc = scu_key_generate(NULL, alg, NULL, 0, &key);
    return rc != SCU_OK ? rc : fake_add_row(token, SCU_OBJECT_PRIVATE,
        attributes, count, key, object);
}

/* The real one takes the key's password along, whatever that is. */
int
scu_object_adopt(struct scu_token *token, const struct scu_key *key,
    const struct scu_attribute *attributes, size_t count,
    struct scu_object **object)
{
    int rc = fake_enter(__func__);

    if (rc == SCU_OK && !is_user(token))
        rc = fake_error(SCU_E_AUTH_NEEDED, "no login");
    return rc != SCU_OK ? rc : fake_add_row(token, SCU_OBJECT_PRIVATE,
        attributes, count, scu_key_ref((struct scu_key *)(uintptr_t)key),
        object);
}

int
scu_object_key(struct scu_object *object, struct scu_key **key)
{
    int rc = fake_enter(__func__);

    if (rc != SCU_OK)
        return rc;
    if (!is_user(object->token))
        return fake_error(SCU_E_AUTH_NEEDED, "no login");
    if (object->item->key == NULL)
        return fake_error(SCU_E_USAGE, "no key");
    *key = scu_key_ref(object->item->key);
    return SCU_OK;
}

void
fake_add_bare_key(const char *alg)
{
    const struct scu_attribute label = {
        .type = 3, .value = (const uint8_t *)"bare", .len = 4,
    };
    struct scu_token **tokens = NULL;
    struct scu_object *object = NULL;
    struct scu_key *key = NULL;
    size_t count = 0;

    if (scu_token_list(NULL, &tokens, &count) != SCU_OK || count == 0 ||
        scu_key_generate(NULL, scu_alg_by_name(alg), NULL, 0, &key) != SCU_OK ||
        fake_add_row(tokens[0], SCU_OBJECT_PRIVATE, &label, 1, key,
            &object) != SCU_OK)
        abort();
    scu_object_free(&object);
    scu_token_list_free(&tokens, count);
}
