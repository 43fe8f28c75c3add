/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Objects, and who alters their rows from outside. */
#include "tests/tss-backend/store/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct scu_object *
public_object(struct scu_token *token, const char *label)
{
    const struct scu_attribute attributes[] = {
        { .type = 0, .value = (const uint8_t *)"\0", .len = 1 },
        { .type = 3, .value = (const uint8_t *)label, .len = strlen(label) },
    };
    struct scu_object *object = NULL;

    if (scu_object_create(token, SCU_OBJECT_PUBLIC, attributes, 2, &object) !=
        SCU_OK)
        fail_msg("%s", scu_error_detail());
    return object;
}

static void
check_label(const struct scu_object *object, const char *label)
{
    size_t len = 0;
    const uint8_t *value = scu_object_attribute(object, 3, &len);

    assert_int_equal(len, strlen(label));
    assert_memory_equal(value, label, len);
}

static void
object__create_update_delete(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct scu_object *object, **list = NULL;
    struct scu_attribute one;
    const struct scu_attribute change[] = {
        { .type = 3, .value = (const uint8_t *)"new", .len = 3 },
        { .type = 0, .value = NULL, .len = 0 },
        { .type = 0x80000001, .value = (const uint8_t *)"v", .len = 1 },
    };
    size_t n = 0;
    uint64_t id;

    assert_int_equal(scu_object_create(token, SCU_OBJECT_PUBLIC, change, 1,
        &object), SCU_E_AUTH_NEEDED);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    object = public_object(token, "old");
    id = scu_object_id(object);
    assert_false(scu_object_is_private(object));
    assert_int_equal(scu_object_update(object, change, 3), SCU_OK);
    check_label(object, "new");
    assert_null(scu_object_attribute(object, 0, &n));
    assert_true(scu_object_attribute_at(object, 1, &one));
    assert_int_equal(one.type, 0x80000001);
    assert_false(scu_object_attribute_at(object, 2, &one));
    assert_int_equal(token_sign(object), SCU_E_USAGE);
    scu_object_free(&object);
    scu_token_logout(token);
    assert_int_equal(scu_object_list(token, &list, &n), SCU_OK);
    assert_int_equal(n, 1);
    assert_int_equal(scu_object_id(list[0]), id);
    check_label(list[0], "new");
    assert_int_equal(scu_object_delete(list[0]), SCU_E_AUTH_NEEDED);
    assert_int_equal(token_login(token, SCU_USER_SO, SO_PIN), SCU_OK);
    assert_int_equal(scu_object_delete(list[0]), SCU_OK);
    assert_int_equal(scu_object_delete(list[0]), SCU_E_NOT_FOUND);
    scu_object_list_free(&list, n);
    /* Its number is not used again. */
    object = public_object(token, "next");
    assert_true(scu_object_id(object) > id);
    scu_object_free(&object);
    scu_token_free(&token);
}

static void
object__private_is_not_in_the_file(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    const char *secret = "a-private-value-to-look-for";
    const struct scu_attribute attributes[] = {
        { .type = 3, .value = (const uint8_t *)secret,
            .len = strlen(secret) },
    };
    struct scu_object *object = NULL, *open;
    char path[512];
    uint8_t data[65536];
    size_t len, n;
    FILE *file;

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    assert_int_equal(scu_object_create(token, SCU_OBJECT_PRIVATE, attributes,
        1, &object), SCU_OK);
    check_label(object, secret);
    open = public_object(token, "a-public-value");
    (void)snprintf(path, sizeof(path), "%s/store.db", p->state);
    file = fopen(path, "r");
    assert_non_null(file);
    len = fread(data, 1, sizeof(data), file);
    assert_int_equal(fclose(file), 0);
    assert_null(memmem(data, len, secret, strlen(secret)));
    assert_non_null(memmem(data, len, "a-public-value", 14));
    for (n = 0; n < 2; n++)
        assert_null(memmem(data, len, n == 0 ? SO_PIN : USER_PIN,
            strlen(n == 0 ? SO_PIN : USER_PIN)));
    scu_object_free(&open);
    scu_object_free(&object);
    scu_token_free(&token);
}

static void
object__adopted_key_with_password(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct scu_object *object = NULL, **list = NULL;
    struct scu_key *key = NULL;
    size_t n = 0;

    assert_int_equal(scu_key_generate(p->chip, scu_alg_by_name("P-256"),
        "its-password", 12, &key), SCU_OK);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    assert_int_equal(scu_object_adopt(token, key, NULL, 0, &object), SCU_OK);
    scu_key_free(&key);
    assert_int_equal(token_sign(object), SCU_OK);
    scu_object_free(&object);
    token_reconnect(p, &token);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    assert_int_equal(scu_object_list(token, &list, &n), SCU_OK);
    assert_int_equal(n, 1);
    assert_int_equal(token_sign(list[0]), SCU_OK);
    scu_object_list_free(&list, n);
    scu_token_free(&token);
}

/* A key that the program still holds is of no use after the logout. */
static void
logout__takes_the_keys_back(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    static const uint8_t digest[32];
    struct scu_object *object;
    struct scu_key *key = NULL;
    uint8_t sig[128];
    size_t len = sizeof(sig);

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    object = token_key(token, "k");
    assert_int_equal(scu_object_key(object, &key), SCU_OK);
    assert_int_equal(scu_key_sign(key, scu_scheme_by_name("ECDSA-SHA256"), 0,
        digest, sizeof(digest), sig, &len), SCU_OK);
    scu_token_logout(token);
    assert_int_equal(provisioned_count(p, CHIP_TRANSIENT_FIRST), 0);
    len = sizeof(sig);
    assert_int_equal(scu_key_sign(key, scu_scheme_by_name("ECDSA-SHA256"), 0,
        digest, sizeof(digest), sig, &len), SCU_E_AUTH_NEEDED);
    scu_key_free(&key);
    scu_object_free(&object);
    scu_token_free(&token);
}

/* --- alterations ------------------------------------------------------------------ */

/*
 * Two public objects (1, 2) and two keys (3, 4); then the SQL; then a login
 * that must not pass, and name what was altered.
 */
static void
check_altered(struct provisioned *p, const char *sql, const char *what)
{
    struct scu_token *token = token_made(p, 3);
    struct scu_object *object[4];

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    object[0] = public_object(token, "one");
    object[1] = public_object(token, "two");
    object[2] = token_key(token, "three");
    object[3] = token_key(token, "four");
    for (size_t i = 0; i < 4; i++)
        scu_object_free(&object[i]);
    token_reconnect(p, &token);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    token_sql(p, sql);
    token_reconnect(p, &token);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
        SCU_E_STORE);
    if (strstr(scu_error_detail(), what) == NULL)
        fail_msg("'%s' does not name '%s'", scu_error_detail(), what);
    assert_false(scu_token_logged_in(token, NULL));
    scu_token_free(&token);
}

static void
altered__edited_attribute(void **state)
{
    check_altered(*state, "UPDATE objects SET attributes = "
        "(SELECT attributes FROM objects WHERE id = 1) WHERE id = 2",
        "object 2 of token 'test' was altered");
}

static void
altered__edited_key(void **state)
{
    check_altered(*state, "UPDATE objects SET key = (SELECT key FROM objects "
        "WHERE id = 3) WHERE id = 4", "object 4 of token 'test' was altered");
}

static void
altered__swapped_rows(void **state)
{
    check_altered(*state, "UPDATE objects SET id = 9 WHERE id = 1;"
        "UPDATE objects SET id = 1 WHERE id = 2;"
        "UPDATE objects SET id = 2 WHERE id = 9;",
        "object 1 of token 'test' was altered");
}

static void
altered__deleted_row(void **state)
{
    check_altered(*state, "DELETE FROM objects WHERE id = 3",
        "object 3 of token 'test' was deleted");
}

static void
altered__added_row(void **state)
{
    check_altered(*state, "INSERT INTO objects (token, flags, kind, "
        "generation, attributes, key, tag, mac) SELECT token, flags, kind, "
        "generation, attributes, key, tag, mac FROM objects WHERE id = 1",
        "object 5 of token 'test' was added");
}

static void
altered__made_public(void **state)
{
    check_altered(*state, "UPDATE objects SET flags = 0 WHERE id = 3",
        "object 3 of token 'test' was altered");
}

static void
altered__label_of_the_token(void **state)
{
    check_altered(*state, "UPDATE tokens SET label = 'other'",
        "the row of token 'other' was altered");
}

static void
altered__limit_of_the_token(void **state)
{
    check_altered(*state, "UPDATE tokens SET tries = 1000",
        "the row of token 'test' was altered");
}

static void
altered__helper_keys_exchanged(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);

    /* Other helper keys give other Names of the indices. */
    token_sql(p, "UPDATE tokens SET so_helper = user_helper");
    token_reconnect(p, &token);
    assert_int_not_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
        SCU_OK);
    scu_token_free(&token);
}

/* One row, with its good MAC, from an earlier day. */
static void
altered__older_row(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    const struct scu_attribute change[] = {
        { .type = 3, .value = (const uint8_t *)"new", .len = 3 },
    };
    struct scu_object *object;

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    object = public_object(token, "old");
    token_sql(p, "CREATE TABLE kept AS SELECT * FROM objects");
    assert_int_equal(scu_object_update(object, change, 1), SCU_OK);
    scu_object_free(&object);
    token_sql(p, "DELETE FROM objects; INSERT INTO objects SELECT * FROM "
        "kept; DROP TABLE kept;");
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
        SCU_E_STORE);
    assert_non_null(strstr(scu_error_detail(), "older"));
    scu_token_free(&token);
}

/* What is altered while somebody is logged in gets no good MAC. */
static void
altered__is_not_blessed_by_a_write(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    const struct scu_attribute attribute = {
        .type = 3, .value = (const uint8_t *)"x", .len = 1,
    };
    struct scu_object *object, *other = NULL, **list = NULL;
    size_t n;

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    object = public_object(token, "one");
    scu_object_free(&object);
    token_sql(p, "UPDATE objects SET flags = 1");
    assert_int_equal(scu_object_create(token, SCU_OBJECT_PUBLIC, &attribute,
        1, &other), SCU_E_STORE);
    assert_null(other);
    assert_int_equal(scu_object_list(token, &list, &n), SCU_E_STORE);
    scu_token_free(&token);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(object__create_update_delete),
        TEST(object__private_is_not_in_the_file),
        TEST(object__adopted_key_with_password),
        TEST(logout__takes_the_keys_back),
        TEST(altered__edited_attribute),
        TEST(altered__edited_key),
        TEST(altered__swapped_rows),
        TEST(altered__deleted_row),
        TEST(altered__added_row),
        TEST(altered__made_public),
        TEST(altered__label_of_the_token),
        TEST(altered__limit_of_the_token),
        TEST(altered__helper_keys_exchanged),
        TEST(altered__older_row),
        TEST(altered__is_not_blessed_by_a_write),
    };

    return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
