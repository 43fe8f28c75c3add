/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/*
 * The loader of "handle:0x81000002", a key that stands in the chip under a
 * persistent handle, and "handle:0x81000002?pass", one that has a password:
 * nobody can ask a chip whether a key has one, and a wrong guess counts as a
 * wrong try.
 */
#include "key.h"
#include "pin.h"
#include "store.h"

#include <openssl/store.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SCHEME "handle:"
#define WITH_PASSWORD "?pass"
#define FORM "handle:0x81XXXXXX, with " WITH_PASSWORD " behind it where the " \
    "key has a password"

struct handle_ctx {
    struct prov_ctx *prov;
    uint32_t handle;
    bool has_password;
    int expect;
    bool done;
    bool failed; /* the last load: an end would not show that */
};

/* 0x and up to 8 hexadecimal digits, then the end or ?pass. */
static bool
parse(const char *text, struct handle_ctx *ctx)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    size_t len = 0;

    if (strncasecmp(text, SCHEME, strlen(SCHEME)) != 0)
        return false;
    text += strlen(SCHEME);
    if (text[0] != '0' || (text[1] != 'x' && text[1] != 'X'))
        return false;
    text += 2;
    len = strspn(text, digits);
    if (len == 0 || len > 8)
        return false;
    ctx->handle = (uint32_t)strtoul(text, NULL, 16);
    ctx->has_password = strcmp(text + len, WITH_PASSWORD) == 0;
    return ctx->has_password || text[len] == '\0';
}

static int
close_handle(void *vctx)
{
    struct handle_ctx *ctx = vctx;

    if (ctx != NULL)
        prov_unref(ctx->prov);
    free(ctx);
    return 1;
}

static void *
open_handle(void *provctx, const char *text)
{
    struct handle_ctx *ctx = calloc(1, sizeof(*ctx));

    if (ctx == NULL)
        return NULL;
    ctx->prov = prov_ref(provctx);
    if (!parse(text, ctx)) {
        prov_raise(provctx, SCU_E_ARG,
            "%s is no handle of a key: these are written " FORM, text);
        (void)close_handle(ctx);
        ctx = NULL;
    }
    return ctx;
}

static bool
ask_password(const struct handle_ctx *ctx, struct scu_key *key,
    const struct prov_asker *asker)
{
    char info[32];

    if (!ctx->has_password)
        return true;
    (void)snprintf(info, sizeof(info), SCHEME "0x%08x",
        (unsigned)ctx->handle);
    return prov_ask_password(ctx->prov, key, info, asker);
}

/* Whoever expects a public key gets that half. */
static struct prov_key *
make_key(const struct handle_ctx *ctx, struct scu_key **chip)
{
    struct prov_key *key = prov_key_from_chip(ctx->prov, chip);
    struct prov_key *public = NULL;

    if (key == NULL || ctx->expect != OSSL_STORE_INFO_PUBKEY)
        return key;
    public = prov_key_dup(key, OSSL_KEYMGMT_SELECT_PUBLIC_KEY |
        OSSL_KEYMGMT_SELECT_ALL_PARAMETERS);
    prov_key_unref(key);
    return public;
}

static struct prov_key *
obtain_key(const struct handle_ctx *ctx, const struct prov_asker *asker)
{
    struct scu_chip *chip = prov_chip(ctx->prov);
    struct scu_key *found = NULL;
    struct prov_key *key = NULL;
    int rc = SCU_OK;

    if (chip == NULL)
        return NULL;
    rc = scu_key_from_handle(chip, ctx->handle, &found);
    if (rc != SCU_OK) {
        prov_raise_scu(ctx->prov, rc);
        return NULL;
    }
    if (ctx->expect == OSSL_STORE_INFO_PUBKEY ||
        ask_password(ctx, found, asker)) {
        key = make_key(ctx, &found);
    }
    scu_key_free(&found);
    return key;
}

static int
load_once(struct handle_ctx *ctx, OSSL_CALLBACK *callback, void *arg,
    const struct prov_asker *asker)
{
    struct prov_key *key = NULL;
    int ok = 0;

    if (ctx->expect != 0 && ctx->expect != OSSL_STORE_INFO_PKEY &&
        ctx->expect != OSSL_STORE_INFO_PUBKEY) {
        return prov_raise(ctx->prov, SCU_E_NOT_FOUND,
            SCHEME "0x%08x is a key, not what the program looks for",
            (unsigned)ctx->handle);
    }
    key = obtain_key(ctx, asker);
    /* Whoever takes the key nulls our pointer. */
    ok = key != NULL && prov_key_deliver(&key, callback, arg);
    prov_key_unref(key);
    return ok;
}

static int
load(void *vctx, OSSL_CALLBACK *callback, void *arg,
    OSSL_PASSPHRASE_CALLBACK *ask, void *ask_arg)
{
    const struct prov_asker asker = { .ask = ask, .arg = ask_arg };
    struct handle_ctx *ctx = vctx;

    ctx->failed = !ctx->done && !load_once(ctx, callback, arg, &asker);
    ctx->done = true;
    return !ctx->failed;
}

static int
eof(void *vctx)
{
    const struct handle_ctx *ctx = vctx;

    return ctx->done && !ctx->failed;
}

static int
set_ctx_params(void *vctx, const OSSL_PARAM params[])
{
    struct handle_ctx *ctx = vctx;

    return prov_store_get_expect(params, &ctx->expect);
}

static int
export_object(void *vctx, const void *reference, size_t size,
    OSSL_CALLBACK *callback, void *arg)
{
    const struct handle_ctx *ctx = vctx;

    return prov_key_export_object(ctx->prov, reference, size, callback, arg);
}

const OSSL_DISPATCH prov_store_handle[] = {
    PROV_FN(OSSL_FUNC_STORE_OPEN, open_handle),
    PROV_FN(OSSL_FUNC_STORE_SETTABLE_CTX_PARAMS, prov_store_settable),
    PROV_FN(OSSL_FUNC_STORE_SET_CTX_PARAMS, set_ctx_params),
    PROV_FN(OSSL_FUNC_STORE_LOAD, load),
    PROV_FN(OSSL_FUNC_STORE_EOF, eof),
    PROV_FN(OSSL_FUNC_STORE_CLOSE, close_handle),
    PROV_FN(OSSL_FUNC_STORE_EXPORT_OBJECT, export_object),
    { 0, NULL },
};
