/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/*
 * The loader of "pkcs11:" URIs (RFC 7512), on the tokens of the chip's store.
 *
 * It works in stages. Public objects need no login and cost no chip command.
 * Private ones need one, so they are looked for only where the program or the
 * URI can mean them, behind the public ones. Each stage looks at all tokens
 * that the URI allows. A PIN is tried once, with one token: where several are
 * possible, none is. A stage that fails is the last one, so that a program
 * that asks again does not try the PIN again. An object that is not understood
 * does not hide those behind it.
 */
#include "attrs.h"
#include "object.h"
#include "pin.h"
#include "store.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/store.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum stage {
    STAGE_TOKENS,
    STAGE_PUBLIC,
    STAGE_PRIVATE,
    STAGE_END,
};

struct found {
    struct scu_object *object;
    struct prov_login *login; /* borrowed from the loader */
};

struct store_ctx {
    struct prov_ctx *prov;
    struct uri *uri;
    char *name; /* the URI without PIN, for errors */
    int expect; /* OSSL_STORE_INFO_...; 0: anything */
    enum stage stage;
    struct prov_login **logins; /* the tokens that the URI allows */
    size_t n_logins;
    struct found *found;
    size_t n_found, next;
    bool failed; /* the last load: an end would not show that */
    bool told;   /* why there is nothing */
};

/* --- opening -------------------------------------------------------------- */

static int
close_store(void *vctx)
{
    struct store_ctx *ctx = vctx;

    if (ctx == NULL)
        return 1;
    for (size_t i = 0; i < ctx->n_found; i++)
        scu_object_free(&ctx->found[i].object);
    free(ctx->found);
    for (size_t i = 0; i < ctx->n_logins; i++)
        prov_login_unref(ctx->logins[i]);
    free(ctx->logins);
    uri_free(&ctx->uri);
    free(ctx->name);
    prov_unref(ctx->prov);
    free(ctx);
    return 1;
}

/* What cannot be found here, whatever is in the store. */
static bool
check(struct prov_ctx *prov, const struct uri *uri)
{
    if (uri->type == URI_DATA || uri->type == URI_SECRET_KEY) {
        return prov_raise(prov, SCU_E_UNSUPPORTED,
            "OpenSSL takes objects of type=private, type=public and type=cert "
            "from a token, no others");
    }
    if (uri->has_slot_id || uri->slot_description != NULL ||
        uri->slot_manufacturer != NULL) {
        return prov_raise(prov, SCU_E_UNSUPPORTED,
            "OpenSSL's loader has no slots: name the token by token= or "
            "serial= and leave out what begins with slot-");
    }
    return prov_pin_check(prov, uri);
}

static void *
open_store(void *provctx, const char *text)
{
    struct store_ctx *ctx = calloc(1, sizeof(*ctx));
    char why[256];
    int rc = 0;

    if (ctx == NULL)
        return NULL;
    ctx->prov = prov_ref(provctx);
    rc = uri_parse(text, &ctx->uri, why, sizeof(why));
    if (rc != 0) {
        prov_raise(provctx, SCU_E_ARG, "%s", why);
    } else if ((ctx->name = uri_write(ctx->uri)) == NULL) {
        prov_raise(provctx, SCU_E_ARG, "the URI has a value that is too long");
    } else if (check(provctx, ctx->uri)) {
        return ctx;
    }
    (void)close_store(ctx);
    return NULL;
}

/* --- tokens --------------------------------------------------------------- */

static bool
token_matches(const struct uri *uri, const struct scu_token *token)
{
    struct scu_token_info info;

    scu_token_info(token, &info);
    return uri_allows(uri->token, info.label) &&
        uri_allows(uri->serial, info.serial) &&
        uri_allows(uri->model, ATTR_MODEL) &&
        uri_allows(uri->manufacturer, ATTR_MANUFACTURER) &&
        uri_allows(uri->library_manufacturer, ATTR_MANUFACTURER) &&
        uri_allows(uri->library_description, ATTR_LIBRARY);
}

static bool
add_tokens(struct store_ctx *ctx, struct scu_token **tokens, size_t count)
{
    struct prov_login *login = NULL;

    ctx->logins = calloc(count + 1, sizeof(struct prov_login *));
    for (size_t i = 0; ctx->logins != NULL && i < count; i++) {
        if (!token_matches(ctx->uri, tokens[i]))
            continue;
        login = prov_login_get(prov_logins(ctx->prov), tokens[i]);
        if (login == NULL)
            return prov_raise(ctx->prov, SCU_E_MEMORY, "a token");
        ctx->logins[ctx->n_logins++] = login;
    }
    if (ctx->logins == NULL)
        return prov_raise(ctx->prov, SCU_E_MEMORY, "%zu tokens", count);
    return true;
}

static bool
find_tokens(struct store_ctx *ctx)
{
    struct scu_chip *chip = prov_chip(ctx->prov);
    struct scu_token **tokens = NULL;
    size_t count = 0;
    bool ok = false;
    int rc = 0;

    if (chip == NULL)
        return false;
    rc = scu_token_list(chip, &tokens, &count);
    if (rc != SCU_OK)
        return prov_raise_scu(ctx->prov, rc);
    ok = add_tokens(ctx, tokens, count);
    scu_token_list_free(&tokens, count);
    if (ok && ctx->n_logins == 0) {
        return prov_raise(ctx->prov, SCU_E_NOT_FOUND, "%s matches %s",
            count == 0 ? "there are no tokens yet: none" :
            "no token of the store", ctx->name);
    }
    return ok;
}

static bool
is_of_other_chip(const struct prov_login *login, struct scu_token_info *info)
{
    scu_token_info(prov_login_token(login), info);
    return info->other_chip;
}

/*
 * The one token that a PIN is to be tried with: NULL with *fine set where
 * there is a login already, or not set, with an error raised.
 */
static struct prov_login *
choose_token(struct store_ctx *ctx, struct scu_token_info *info, bool *fine)
{
    struct prov_login *chosen = NULL;
    size_t usable = 0;

    *fine = false;
    for (size_t i = 0; i < ctx->n_logins; i++) {
        *fine = *fine || prov_login_is_user(ctx->logins[i]);
        if (!is_of_other_chip(ctx->logins[i], info)) {
            chosen = ctx->logins[i];
            usable++;
        }
    }
    if (*fine)
        return NULL;
    if (usable == 1) {
        (void)is_of_other_chip(chosen, info);
        return chosen;
    }
    if (usable == 0) {
        prov_raise(ctx->prov, SCU_E_OTHER_CHIP,
            "token '%s' was made by another chip", info->label);
    } else {
        prov_raise(ctx->prov, SCU_E_ARG,
            "%zu tokens match %s, and a PIN is tried with one only: name it "
            "by token= or serial=", usable, ctx->name);
    }
    return NULL;
}

static bool
log_in(struct store_ctx *ctx, const struct prov_asker *asker)
{
    struct scu_token_info info;
    struct prov_login *login = NULL;
    struct prov_pin pin;
    bool fine = false;
    int rc = SCU_OK;

    login = choose_token(ctx, &info, &fine);
    if (login == NULL)
        return fine;
    if (!info.user_pin_set) {
        return prov_raise(ctx->prov, SCU_E_PIN_UNSET, "token '%s'",
            info.label);
    }
    fine = prov_pin_get(ctx->prov, ctx->uri, info.label, asker, &pin);
    if (fine)
        rc = prov_login_try(login, pin.text, pin.len);
    explicit_bzero(&pin, sizeof(pin));
    if (rc != SCU_OK)
        return prov_raise_scu(ctx->prov, rc);
    return fine;
}

/* --- objects -------------------------------------------------------------- */

/* The kinds that the URI and the program can mean. */
static unsigned
wanted(const struct store_ctx *ctx)
{
    const struct prov_kind_row *row = NULL;
    unsigned kinds = 0;

    for (size_t i = 0; (row = prov_kind_at(i)) != NULL; i++) {
        if ((ctx->uri->type == URI_ANY || ctx->uri->type == row->type) &&
            (ctx->expect == 0 || ctx->expect == row->info)) {
            kinds |= row->kind;
        }
    }
    return kinds;
}

static bool
add_objects(struct store_ctx *ctx, struct prov_login *login, bool private)
{
    struct scu_object **objects = NULL;
    struct found *longer = NULL;
    unsigned kinds = wanted(ctx);
    size_t count = 0;
    int rc = scu_object_list(prov_login_token(login), &objects, &count);

    if (rc != SCU_OK)
        return prov_raise_scu(ctx->prov, rc);
    longer = reallocarray(ctx->found, ctx->n_found + count + 1,
        sizeof(*longer));
    if (longer != NULL)
        ctx->found = longer;
    for (size_t i = 0; longer != NULL && i < count; i++) {
        if (scu_object_is_private(objects[i]) != private ||
            !prov_object_matches(objects[i], ctx->uri, kinds)) {
            continue;
        }
        longer[ctx->n_found++] = (struct found){
            .object = scu_object_ref(objects[i]),
            .login = login,
        };
    }
    scu_object_list_free(&objects, count);
    return longer != NULL ||
        prov_raise(ctx->prov, SCU_E_MEMORY, "%zu objects", count);
}

static bool
find_public(struct store_ctx *ctx)
{
    bool ok = true;

    if ((wanted(ctx) & ~(unsigned)PROV_KIND_PRIVATE) == 0)
        return true;
    for (size_t i = 0; ok && i < ctx->n_logins; i++)
        ok = add_objects(ctx, ctx->logins[i], false);
    return ok;
}

/* Certificates and public keys can be private, too; who gives a PIN may mean
 * one that does not show without it. */
static bool
needs_private(const struct store_ctx *ctx)
{
    return (wanted(ctx) & PROV_KIND_PRIVATE) != 0 ||
        (ctx->n_found == 0 && prov_pin_is_given(ctx->uri));
}

static bool
find_private(struct store_ctx *ctx, const struct prov_asker *asker)
{
    bool ok = log_in(ctx, asker);

    for (size_t i = 0; ok && i < ctx->n_logins; i++) {
        if (prov_login_is_user(ctx->logins[i]))
            ok = add_objects(ctx, ctx->logins[i], true);
    }
    return ok;
}

/* One stage further. */
static bool
go_on(struct store_ctx *ctx, const struct prov_asker *asker)
{
    bool ok = false;

    switch (ctx->stage) {
    case STAGE_TOKENS:
        ctx->stage = STAGE_PUBLIC;
        return find_tokens(ctx);
    case STAGE_PUBLIC:
        ok = find_public(ctx);
        ctx->stage = needs_private(ctx) ? STAGE_PRIVATE : STAGE_END;
        return ok;
    default:
        ctx->stage = STAGE_END;
        return find_private(ctx, asker);
    }
}

/* "certificate, public key or private key" */
static int
raise_not_found(struct store_ctx *ctx)
{
    const struct prov_kind_row *row = NULL;
    unsigned kinds = wanted(ctx), left = kinds;
    char names[64] = "";
    size_t len = 0;

    if (kinds == 0) {
        return prov_raise(ctx->prov, SCU_E_NOT_FOUND,
            "%s is not of the type that the program looks for", ctx->name);
    }
    for (size_t i = 0; (row = prov_kind_at(i)) != NULL; i++) {
        if ((kinds & row->kind) == 0)
            continue;
        left &= ~(unsigned)row->kind;
        len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
            len == 0 ? "" : left == 0 ? " or " : ", ", row->name);
    }
    return prov_raise(ctx->prov, SCU_E_NOT_FOUND, "no %s matches %s", names,
        ctx->name);
}

/* The next load says that nothing follows. */
static int
give_up(struct store_ctx *ctx)
{
    ctx->stage = STAGE_END;
    ctx->next = ctx->n_found;
    ctx->failed = ctx->told = true;
    return 0;
}

static int
load(void *vctx, OSSL_CALLBACK *callback, void *arg,
    OSSL_PASSPHRASE_CALLBACK *ask, void *ask_arg)
{
    const struct prov_asker asker = { .ask = ask, .arg = ask_arg };
    struct store_ctx *ctx = vctx;
    struct found *found = NULL;

    ctx->failed = false;
    while (ctx->next == ctx->n_found && ctx->stage != STAGE_END) {
        if (!go_on(ctx, &asker))
            return give_up(ctx);
    }
    if (ctx->n_found == 0 && !ctx->told) {
        (void)raise_not_found(ctx);
        return give_up(ctx);
    }
    if (ctx->next == ctx->n_found)
        return 1;
    found = &ctx->found[ctx->next++];
    ctx->failed = !prov_object_deliver(ctx->prov, found->object,
        found->login, callback, arg);
    return !ctx->failed;
}

static int
eof(void *vctx)
{
    const struct store_ctx *ctx = vctx;

    return ctx->stage == STAGE_END && ctx->next == ctx->n_found &&
        !ctx->failed;
}

/* --- the loader ----------------------------------------------------------- */

const OSSL_PARAM *
prov_store_settable(void *provctx)
{
    static const OSSL_PARAM settable[] = {
        OSSL_PARAM_int(OSSL_STORE_PARAM_EXPECT, NULL),
        OSSL_PARAM_END,
    };

    (void)provctx;
    return settable;
}

int
prov_store_get_expect(const OSSL_PARAM params[], int *expect)
{
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params,
        OSSL_STORE_PARAM_EXPECT);

    return p == NULL || OSSL_PARAM_get_int(p, expect);
}

static int
set_ctx_params(void *vctx, const OSSL_PARAM params[])
{
    struct store_ctx *ctx = vctx;

    return prov_store_get_expect(params, &ctx->expect);
}

static int
export_object(void *vctx, const void *reference, size_t size,
    OSSL_CALLBACK *callback, void *arg)
{
    const struct store_ctx *ctx = vctx;

    return prov_key_export_object(ctx->prov, reference, size, callback, arg);
}

static const OSSL_DISPATCH functions[] = {
    PROV_FN(OSSL_FUNC_STORE_OPEN, open_store),
    PROV_FN(OSSL_FUNC_STORE_SETTABLE_CTX_PARAMS, prov_store_settable),
    PROV_FN(OSSL_FUNC_STORE_SET_CTX_PARAMS, set_ctx_params),
    PROV_FN(OSSL_FUNC_STORE_LOAD, load),
    PROV_FN(OSSL_FUNC_STORE_EOF, eof),
    PROV_FN(OSSL_FUNC_STORE_CLOSE, close_store),
    PROV_FN(OSSL_FUNC_STORE_EXPORT_OBJECT, export_object),
    { 0, NULL },
};

const OSSL_ALGORITHM prov_store[] = {
    { "pkcs11", PROV_PROPERTIES, functions, "objects of tokens" },
    { "handle", PROV_PROPERTIES, prov_store_handle, "persistent keys" },
    { NULL, NULL, NULL, NULL },
};
