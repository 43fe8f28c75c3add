/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "victim.h"

#include <stdio.h>
#include <string.h>

/* Token "t" has a key and both PINs; token "u" is there to be removed. */

static int
login(struct scu_token *token, enum scu_user user, const char *pin)
{
    return scu_token_login(token, user, pin, strlen(pin));
}

static int
sign_by(struct victim *v, struct scu_token *token)
{
    const uint8_t *point = v->shared->facts.token_point;
    struct scu_object **objects = NULL;
    struct scu_key *key = NULL;
    uint8_t sig[128];
    size_t n = 0, len = sizeof(sig);
    int rc = scu_object_list(token, &objects, &n);

    if (rc == SCU_OK && n != 1)
        victim_wrong(v, "the token has %zu objects, not one", n);
    if (rc == SCU_OK && n == 1)
        rc = scu_object_key(objects[0], &key);
    if (rc == SCU_OK && key != NULL)
        rc = scu_key_sign(key, scu_scheme_by_name("ECDSA-SHA256"), 0,
            victim_digest, sizeof(victim_digest), sig, &len);
    if (rc == SCU_OK && key != NULL &&
        !judge_ec(point, victim_digest, sig, len))
        victim_wrong(v, "a token's signature that does not verify");
    scu_key_free(&key);
    scu_object_list_free(&objects, n);
    return rc;
}

/* --- before ---------------------------------------------------------------- */

static int
make_token(struct victim *v, const char *label, struct scu_token **token)
{
    int rc = scu_token_init(v->chip, label, INTERPOSER_SO_PIN,
        strlen(INTERPOSER_SO_PIN), INTERPOSER_TRIES, token);

    if (rc == SCU_OK)
        rc = login(*token, SCU_USER_SO, INTERPOSER_SO_PIN);
    if (rc == SCU_OK)
        rc = scu_token_set_user_pin(*token, INTERPOSER_USER_PIN,
            strlen(INTERPOSER_USER_PIN));
    return rc;
}

int
victim_prepare_tokens(struct victim *v)
{
    struct scu_token *t = NULL, *u = NULL;
    struct scu_object *object = NULL;
    struct scu_key *key = NULL;
    int rc = make_token(v, "t", &t);

    if (rc == SCU_OK)
        rc = login(t, SCU_USER_NORMAL, INTERPOSER_USER_PIN);
    if (rc == SCU_OK)
        rc = scu_object_generate(t, scu_alg_by_name("P-256"), NULL, 0,
            &object);
    if (rc == SCU_OK)
        rc = scu_object_key(object, &key);
    if (rc == SCU_OK && !judge_point(key, v->shared->facts.token_point))
        rc = SCU_E_INTERNAL;
    scu_key_free(&key);
    scu_object_free(&object);
    if (rc == SCU_OK)
        rc = make_token(v, "u", &u);
    scu_token_free(&t);
    scu_token_free(&u);
    return rc;
}

/* --- login ------------------------------------------------------------------ */

int
scene_login(struct victim *v)
{
    struct scu_token *token = NULL;
    int rc = scu_token_find(v->chip, "t", NULL, &token);

    if (rc == SCU_OK)
        rc = login(token, SCU_USER_NORMAL, INTERPOSER_USER_PIN);
    if (rc == SCU_OK)
        rc = sign_by(v, token);
    scu_token_free(&token);
    return rc;
}

/* SCU_E_AUTH is the right result. */
int
scene_wrong(struct victim *v)
{
    struct scu_token *token = NULL;
    int rc = scu_token_find(v->chip, "t", NULL, &token);

    if (rc == SCU_OK)
        rc = login(token, SCU_USER_NORMAL, "wrong-pin");
    if (rc == SCU_OK || (token != NULL && scu_token_logged_in(token, NULL)))
        victim_wrong(v, "a wrong PIN logs in");
    scu_token_free(&token);
    return rc == SCU_E_AUTH ? SCU_OK : rc;
}

int
scene_status(struct victim *v)
{
    struct scu_token *token = NULL;
    struct scu_pin_status status = { 0 };
    int rc = scu_token_find(v->chip, "t", NULL, &token);

    if (rc == SCU_OK)
        rc = scu_token_pin_status(token, &status);
    if (rc == SCU_OK && (status.user_failed != 0 || status.so_failed != 0 ||
            status.user_locked || status.so_locked ||
            status.tries != INTERPOSER_TRIES))
        victim_wrong(v, "%u and %u wrong tries of %u, which were not made",
            status.user_failed, status.so_failed, status.tries);
    scu_token_free(&token);
    return rc;
}

/*
 * One message that was altered or sent twice burns one try at most, beside
 * the one wrong PIN of that scene. What remains is enough for the right PIN.
 */
#define BURNT_MAX 2

static bool
few_burnt(struct victim *v, struct scu_token *token)
{
    struct scu_pin_status status = { 0 };

    if (!victim_must(v, scu_token_pin_status(token, &status), "PIN status"))
        return false;
    if (status.user_failed > BURNT_MAX || status.so_failed > BURNT_MAX)
        victim_wrong(v, "%u tries of the user and %u of the SO are burnt",
            status.user_failed, status.so_failed);
    return true;
}

void
after_login(struct victim *v)
{
    struct scu_token *token = NULL;

    if (!victim_must(v, scu_token_find(v->chip, "t", NULL, &token), "token"))
        return;
    if (few_burnt(v, token) && victim_must(v, login(token, SCU_USER_NORMAL,
            INTERPOSER_USER_PIN), "login"))
        (void)victim_must(v, sign_by(v, token), "signature");
    scu_token_free(&token);
    (void)victim_must(v, scene_status(v), "PIN status after the login");
}

/* --- change ------------------------------------------------------------------ */

int
scene_change(struct victim *v)
{
    struct scu_token *token = NULL;
    int rc = scu_token_find(v->chip, "t", NULL, &token);

    if (rc == SCU_OK)
        rc = scu_token_change_pin(token, SCU_USER_NORMAL,
            INTERPOSER_USER_PIN, strlen(INTERPOSER_USER_PIN),
            INTERPOSER_NEW_PIN, strlen(INTERPOSER_NEW_PIN));
    scu_token_free(&token);
    return rc;
}

/* The new one after success; else one of both, and never both. */
static void
one_opens(struct victim *v, struct scu_token *token)
{
    int fresh = login(token, SCU_USER_NORMAL, INTERPOSER_NEW_PIN);
    int old;

    if (fresh != SCU_OK && (v->rc == SCU_OK || fresh != SCU_E_AUTH)) {
        (void)victim_must(v, fresh, "login by the new PIN");
        return;
    }
    old = login(token, SCU_USER_NORMAL, INTERPOSER_USER_PIN);
    if (fresh == SCU_OK && old == SCU_OK)
        victim_wrong(v, "both PINs log in");
    else if (fresh != SCU_OK && !victim_must(v, old, "login by either PIN"))
        return;
    if (fresh == SCU_OK)
        old = login(token, SCU_USER_NORMAL, INTERPOSER_NEW_PIN);
    if (victim_must(v, old, "login"))
        (void)victim_must(v, sign_by(v, token), "signature");
}

void
after_change(struct victim *v)
{
    struct scu_token *token = NULL;

    if (!victim_must(v, scu_token_find(v->chip, "t", NULL, &token), "token"))
        return;
    if (few_burnt(v, token))
        one_opens(v, token);
    scu_token_free(&token);
}

int
scene_unlock(struct victim *v)
{
    struct scu_token *token = NULL;
    int rc = scu_token_find(v->chip, "t", NULL, &token);

    if (rc == SCU_OK)
        rc = login(token, SCU_USER_SO, INTERPOSER_SO_PIN);
    if (rc == SCU_OK)
        rc = scu_token_set_user_pin(token, INTERPOSER_NEW_PIN,
            strlen(INTERPOSER_NEW_PIN));
    scu_token_free(&token);
    return rc;
}

/* The SO can always do it again. */
void
after_unlock(struct victim *v)
{
    struct scu_token *token = NULL;

    if (!victim_must(v, scu_token_find(v->chip, "t", NULL, &token), "token"))
        return;
    if (few_burnt(v, token) &&
        (v->rc == SCU_OK || victim_must(v, scene_unlock(v), "again"))) {
        v->rc = SCU_OK;
        one_opens(v, token);
    }
    scu_token_free(&token);
}

/* --- tokens come and go ------------------------------------------------------- */

int
scene_init(struct victim *v)
{
    struct scu_token *token = NULL;
    int rc = scu_token_init(v->chip, "new", INTERPOSER_SO_PIN,
        strlen(INTERPOSER_SO_PIN), INTERPOSER_TRIES, &token);

    scu_token_free(&token);
    return rc;
}

/* As many indices as tokens want, and each token can be used. */
static void
nothing_left(struct victim *v, unsigned tokens)
{
    struct scu_token **all = NULL;
    struct scu_chip_info info;
    size_t n = 0;

    if (!victim_must(v, scu_chip_info(v->chip, &info), "info") ||
        !victim_must(v, scu_token_list(v->chip, &all, &n), "list"))
        return;
    if (n != tokens)
        victim_wrong(v, "%zu tokens instead of %u", n, tokens);
    if (info.nv_indices != 2 * tokens)
        victim_wrong(v, "%u indices in the chip for %u tokens",
            info.nv_indices, tokens);
    for (size_t i = 0; i < n; i++)
        (void)victim_must(v, login(all[i], SCU_USER_SO, INTERPOSER_SO_PIN),
            "SO login");
    scu_token_list_free(&all, n);
}

/* A further token sweeps away what was left of one that did not come about. */
void
after_init(struct victim *v)
{
    unsigned tokens = v->rc == SCU_OK ? 3 : 2;

    if (v->rc == SCU_OK ||
        victim_must(v, scene_init(v), "making one again"))
        nothing_left(v, v->rc == SCU_OK ? tokens : tokens + 1);
}

int
scene_remove(struct victim *v)
{
    struct scu_token *token = NULL;
    int rc = scu_token_find(v->chip, "u", NULL, &token);

    if (rc == SCU_OK)
        rc = scu_token_remove(token);
    scu_token_free(&token);
    return rc;
}

void
after_remove(struct victim *v)
{
    if (v->rc == SCU_OK || victim_must(v, scene_remove(v), "removing again"))
        nothing_left(v, 1);
}
