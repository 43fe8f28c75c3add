/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The fake's objects. */
#include "tests/pkcs11/fakescu-private.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ROWS 64

struct object_row {
    uint64_t id; /* 0: free */
    struct token_row *token;
    unsigned flags;
    struct scu_attribute *attributes;
    size_t count;
    struct scu_key *key;
};

struct scu_object {
    int refs;
    struct scu_token *token;
    struct object_row *row;
    uint64_t id;
};

static struct object_row object_rows[MAX_ROWS];

static void
clear_row(struct object_row *row)
{
    for (size_t i = 0; i < row->count; i++)
        free((void *)(uintptr_t)row->attributes[i].value);
    free(row->attributes);
    scu_key_free(&row->key);
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

    object->refs = 1;
    object->token = scu_token_ref(token);
    object->row = row;
    object->id = row->id;
    fake_alive++;
    return object;
}

static bool
is_user(const struct scu_token *token)
{
    return token->logged_in && token->user == SCU_USER_NORMAL;
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
    for (size_t i = 0; i < MAX_ROWS; i++)
        if (object_rows[i].id != 0 && object_rows[i].token == token->row &&
            (object_rows[i].flags == SCU_OBJECT_PUBLIC || is_user(token)))
            (*objects)[(*count)++] = give_object(token, &object_rows[i]);
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
    object->refs++;
    return object;
}

void
scu_object_free(struct scu_object **object)
{
    if (*object != NULL && --(*object)->refs == 0) {
        scu_token_free(&(*object)->token);
        free(*object);
        fake_alive--;
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
    return (object->row->flags & SCU_OBJECT_PRIVATE) != 0;
}

bool
scu_object_attribute_at(const struct scu_object *object, size_t index,
    struct scu_attribute *attribute)
{
    if (index >= object->row->count)
        return false;
    *attribute = object->row->attributes[index];
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

static void
set_attribute(struct object_row *row, const struct scu_attribute *a)
{
    uint8_t *copy = malloc(a->len + 1);
    size_t i = 0;

    memcpy(copy, a->len > 0 ? a->value : (const uint8_t *)"", a->len);
    while (i < row->count && row->attributes[i].type != a->type)
        i++;
    if (i == row->count) {
        row->attributes = reallocarray(row->attributes, ++row->count,
            sizeof(*row->attributes));
    } else
        free((void *)(uintptr_t)row->attributes[i].value);
    row->attributes[i] = (struct scu_attribute){
        .type = a->type, .value = copy, .len = a->len,
    };
}

int
fake_add_row(struct scu_token *token, unsigned flags,
    const struct scu_attribute *attributes, size_t count, struct scu_key *key,
    struct scu_object **object)
{
    size_t i = 0;

    while (i < MAX_ROWS && object_rows[i].id != 0)
        i++;
    if (i == MAX_ROWS)
        abort();
    object_rows[i] = (struct object_row){
        .id = ++fake_last_id, .token = token->row, .flags = flags, .key = key,
    };
    for (size_t k = 0; k < count; k++)
        set_attribute(&object_rows[i], &attributes[k]);
    *object = give_object(token, &object_rows[i]);
    return SCU_OK;
}

int
scu_object_create(struct scu_token *token, unsigned flags,
    const struct scu_attribute *attributes, size_t count,
    struct scu_object **object)
{
    int rc = fake_enter(__func__);

    if (rc == SCU_OK && !token->logged_in)
        rc = fake_error(SCU_E_AUTH_NEEDED, "no login");
    return rc != SCU_OK ? rc :
        fake_add_row(token, flags, attributes, count, NULL, object);
}

int
scu_object_update(struct scu_object *object,
    const struct scu_attribute *attributes, size_t count)
{
    int rc = fake_enter(__func__);

    for (size_t i = 0; rc == SCU_OK && i < count; i++)
        set_attribute(object->row, &attributes[i]);
    return rc;
}

int
scu_object_delete(struct scu_object *object)
{
    int rc = fake_enter(__func__);

    if (rc == SCU_OK)
        clear_row(object->row);
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

int
scu_object_key(struct scu_object *object, struct scu_key **key)
{
    int rc = fake_enter(__func__);

    if (rc != SCU_OK)
        return rc;
    if (!is_user(object->token))
        return fake_error(SCU_E_AUTH_NEEDED, "no login");
    if (object->row->key == NULL)
        return fake_error(SCU_E_USAGE, "no key");
    *key = scu_key_ref(object->row->key);
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
