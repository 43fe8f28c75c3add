/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/tss-backend/store/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
ok(int rc)
{
    if (rc != SCU_OK)
        (void)fprintf(stderr, "%s: %s\n", scu_error_name(rc),
            scu_error_detail());
    assert_int_equal(rc, SCU_OK);
}

struct scu_token *
token_made(struct provisioned *p, uint32_t tries)
{
    struct scu_token *token = NULL;

    ok(scu_token_init(p->chip, "test", SO_PIN, strlen(SO_PIN), tries,
        &token));
    ok(token_login(token, SCU_USER_SO, SO_PIN));
    ok(scu_token_set_user_pin(token, USER_PIN, strlen(USER_PIN)));
    scu_token_logout(token);
    return token;
}

struct scu_token *
token_only(struct scu_chip *chip)
{
    struct scu_token **all = NULL, *token;
    size_t n = 0;

    ok(scu_token_list(chip, &all, &n));
    assert_int_equal(n, 1);
    token = scu_token_ref(all[0]);
    scu_token_list_free(&all, n);
    return token;
}

int
token_login(struct scu_token *token, enum scu_user user, const char *pin)
{
    return scu_token_login(token, user, pin, strlen(pin));
}

struct scu_object *
token_key(struct scu_token *token, const char *label)
{
    const struct scu_attribute attributes[] = {
        { .type = 3, .value = (const uint8_t *)label, .len = strlen(label) },
    };
    struct scu_object *object = NULL;

    ok(scu_object_generate(token, scu_alg_by_name("P-256"), attributes, 1,
        &object));
    return object;
}

int
token_sign(struct scu_object *object)
{
    static const uint8_t digest[32] = { 1, 2, 3 };
    struct scu_key *key = NULL;
    uint8_t sig[128];
    size_t len = sizeof(sig);
    int rc = scu_object_key(object, &key);

    if (rc == SCU_OK)
        rc = scu_key_sign(key, scu_scheme_by_name("ECDSA-SHA256"), 0, digest,
            sizeof(digest), sig, &len);
    scu_key_free(&key);
    return rc;
}

struct scu_pin_status
token_status(struct scu_token *token)
{
    struct scu_pin_status status;

    ok(scu_token_pin_status(token, &status));
    return status;
}

void
token_reconnect(struct provisioned *p, struct scu_token **token)
{
    scu_token_free(token);
    scu_chip_free(&p->chip);
    p->chip = provisioned_connect(p);
    assert_non_null(p->chip);
    *token = token_only(p->chip);
}

void
token_power_cut(struct provisioned *p)
{
    sim_kill(p->sim);
    assert_int_equal(sim_restart(p->sim), 0);
}

void
token_sql(const struct provisioned *p, const char *sql)
{
    char path[512], *why = NULL;
    sqlite3 *db = NULL;

    (void)snprintf(path, sizeof(path), "%s/store.db", p->state);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, &why), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}
