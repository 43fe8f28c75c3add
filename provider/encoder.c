/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key.h"

#include <openssl/core_names.h>
#include <openssl/encoder.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

/*
 * ENCODER: private keys and text. A key in the chip is written as TSS2 PRIVATE
 * KEY: in PEM, where the label says what it is, whichever structure of private
 * keys was asked for, in DER as what is type-specific. A software key is
 * handed to the default provider's encoders. Public structures are not here:
 * for them OpenSSL finds its own encoders, by way of our export.
 */
#define TYPE_SPECIFIC "type-specific"

struct encoder {
    const char *output;    /* "PEM", "DER", "TEXT" */
    const char *structure; /* NULL for text */
};

struct enc_ctx {
    struct prov_ctx *prov;
    const struct encoder *encoder;
    char cipher[64]; /* to encrypt by, or empty */
};

static void *
newctx(struct prov_ctx *prov, const struct encoder *encoder)
{
    struct enc_ctx *ctx = calloc(1, sizeof(*ctx));

    if (ctx != NULL) {
        ctx->prov = prov_ref(prov);
        ctx->encoder = encoder;
    }
    return ctx;
}

static void
freectx(void *vctx)
{
    struct enc_ctx *ctx = vctx;

    if (ctx != NULL) {
        prov_unref(ctx->prov);
        free(ctx);
    }
}

static const OSSL_PARAM *
settable_ctx_params(void *provctx)
{
    static const OSSL_PARAM settable[] = {
        OSSL_PARAM_utf8_string(OSSL_ENCODER_PARAM_CIPHER, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_ENCODER_PARAM_PROPERTIES, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)provctx;
    return settable;
}

static int
set_ctx_params(void *vctx, const OSSL_PARAM params[])
{
    struct enc_ctx *ctx = vctx;
    char *cipher = ctx->cipher;
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params,
        OSSL_ENCODER_PARAM_CIPHER);

    if (p == NULL)
        return 1;
    ctx->cipher[0] = '\0';
    return p->data == NULL ||
        OSSL_PARAM_get_utf8_string(p, &cipher, sizeof(ctx->cipher));
}

static int
does_private(void *provctx, int selection)
{
    (void)provctx;
    return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0;
}

static int
does_all(void *provctx, int selection)
{
    (void)provctx;
    (void)selection;
    return 1;
}

static bool
write_tss2(struct enc_ctx *ctx, const struct prov_key *key, OSSL_CORE_BIO *out)
{
    uint8_t *der = NULL;
    char *pem = NULL;
    size_t len = 0;
    bool ok = false;
    int rc = 0;

    if (ctx->cipher[0] != '\0') {
        return prov_raise(ctx->prov, SCU_E_UNSUPPORTED,
            "a key in the chip is not encrypted by a passphrase, the chip "
            "has wrapped it: leave the cipher out (-noenc)");
    }
    if (key->login != NULL) {
        return prov_raise(ctx->prov, SCU_E_UNSUPPORTED,
            "a key of a token has no file of its own, its password is the "
            "token's: use its URI");
    }
    /* Others take these octets apart (PKCS#8, PKCS#12) or mistake them. */
    if (strcmp(ctx->encoder->output, "DER") == 0 &&
        strcmp(ctx->encoder->structure, TYPE_SPECIFIC) != 0) {
        return prov_raise(ctx->prov, SCU_E_UNSUPPORTED,
            "a key in the chip has no PKCS#8 form: use its TSS2 PRIVATE KEY "
            "file");
    }
    if (strcmp(ctx->encoder->output, "PEM") == 0) {
        rc = scu_key_to_pem(key->chip, &pem, &len);
        ok = rc == SCU_OK && prov_write(ctx->prov, out, pem, len);
    } else {
        rc = scu_key_to_der(key->chip, &der, &len);
        ok = rc == SCU_OK && prov_write(ctx->prov, out, der, len);
    }
    if (rc != SCU_OK)
        prov_raise_scu(ctx->prov, rc);
    free(der);
    free(pem);
    return ok;
}

struct asker {
    OSSL_PASSPHRASE_CALLBACK *ask;
    void *arg;
};

static bool
write_software(struct enc_ctx *ctx, const struct prov_key *key, int selection,
    const struct asker *asker, OSSL_CORE_BIO *out)
{
    OSSL_ENCODER_CTX *software = OSSL_ENCODER_CTX_new_for_pkey(key->soft,
        selection, ctx->encoder->output, ctx->encoder->structure, NULL);
    unsigned char *data = NULL;
    size_t len = 0;
    bool ok = software != NULL;

    if (ok && ctx->cipher[0] != '\0')
        ok = OSSL_ENCODER_CTX_set_cipher(software, ctx->cipher, NULL) == 1;
    if (ok && asker->ask != NULL) {
        ok = OSSL_ENCODER_CTX_set_passphrase_cb(software, asker->ask,
                 asker->arg) == 1;
    }
    ok = ok && OSSL_ENCODER_to_data(software, &data, &len) == 1 &&
        prov_write(ctx->prov, out, data, len);
    OPENSSL_clear_free(data, len);
    OSSL_ENCODER_CTX_free(software);
    return ok;
}

static int
encode_private(void *vctx, OSSL_CORE_BIO *out, const void *object,
    const OSSL_PARAM abstract[], int selection, OSSL_PASSPHRASE_CALLBACK *ask,
    void *ask_arg)
{
    const struct asker asker = { .ask = ask, .arg = ask_arg };
    const struct prov_key *key = object;

    if (abstract != NULL || key == NULL || key->soft == NULL)
        return 0;
    if (key->chip != NULL)
        return write_tss2(vctx, key, out);
    return write_software(vctx, key, selection, &asker, out);
}

static int
encode_text(void *vctx, OSSL_CORE_BIO *out, const void *object,
    const OSSL_PARAM abstract[], int selection, OSSL_PASSPHRASE_CALLBACK *ask,
    void *ask_arg)
{
    static const char note[] = "Private-Key: in the SCU chip\n";
    const struct asker asker = { .ask = ask, .arg = ask_arg };
    const struct prov_key *key = object;
    struct enc_ctx *ctx = vctx;

    if (abstract != NULL || key == NULL || key->soft == NULL)
        return 0;
    if (key->chip != NULL &&
        (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0) {
        selection &= ~OSSL_KEYMGMT_SELECT_PRIVATE_KEY;
        selection |= OSSL_KEYMGMT_SELECT_PUBLIC_KEY;
        if (!prov_write(ctx->prov, out, note, sizeof(note) - 1))
            return 0;
    }
    return write_software(ctx, key, selection, &asker, out);
}

/* One `newctx` per encoder is all that OpenSSL lets us tell them apart by. */
#define ENCODER(id, output_type, structure_name, encode, does)              \
    static void *new_##id(void *provctx)                                    \
    {                                                                       \
        static const struct encoder encoder = {                             \
            .output = (output_type),                                        \
            .structure = (structure_name),                                  \
        };                                                                  \
                                                                            \
        return newctx(provctx, &encoder);                                   \
    }                                                                       \
    static const OSSL_DISPATCH id##_functions[] = {                         \
        PROV_FN(OSSL_FUNC_ENCODER_NEWCTX, new_##id),                        \
        PROV_FN(OSSL_FUNC_ENCODER_FREECTX, freectx),                        \
        PROV_FN(OSSL_FUNC_ENCODER_SETTABLE_CTX_PARAMS,                      \
            settable_ctx_params),                                           \
        PROV_FN(OSSL_FUNC_ENCODER_SET_CTX_PARAMS, set_ctx_params),          \
        PROV_FN(OSSL_FUNC_ENCODER_DOES_SELECTION, does),                    \
        PROV_FN(OSSL_FUNC_ENCODER_ENCODE, encode),                          \
        { 0, NULL },                                                        \
    }

ENCODER(pem_info, "PEM", "PrivateKeyInfo", encode_private, does_private);
ENCODER(der_info, "DER", "PrivateKeyInfo", encode_private, does_private);
ENCODER(pem_encrypted, "PEM", "EncryptedPrivateKeyInfo", encode_private,
    does_private);
ENCODER(der_encrypted, "DER", "EncryptedPrivateKeyInfo", encode_private,
    does_private);
ENCODER(pem_specific, "PEM", TYPE_SPECIFIC, encode_private, does_private);
ENCODER(der_specific, "DER", TYPE_SPECIFIC, encode_private, does_private);
ENCODER(text, "TEXT", NULL, encode_text, does_all);

#define ROW(names, output, structure, functions)                            \
    {                                                                       \
        .algorithm_names = (names),                                         \
        .property_definition =                                              \
            PROV_PROPERTIES ",output=" output ",structure=" structure,      \
        .implementation = (functions),                                      \
    }
/* Where no structure is asked for, OpenSSL takes the last one that fits. */
#define ROWS(names)                                                         \
    ROW(names, "der", "EncryptedPrivateKeyInfo",                            \
        der_encrypted_functions),                                           \
        ROW(names, "pem", "EncryptedPrivateKeyInfo",                        \
            pem_encrypted_functions),                                       \
        ROW(names, "der", "PrivateKeyInfo", der_info_functions),            \
        ROW(names, "pem", "PrivateKeyInfo", pem_info_functions),            \
        ROW(names, "der", TYPE_SPECIFIC, der_specific_functions),           \
        ROW(names, "pem", TYPE_SPECIFIC, pem_specific_functions),           \
        {                                                                   \
            .algorithm_names = (names),                                     \
            .property_definition = PROV_PROPERTIES ",output=text",          \
            .implementation = text_functions,                               \
        }

const OSSL_ALGORITHM prov_encoder[] = {
    ROWS(PROV_NAMES_RSA),
    ROWS(PROV_NAMES_EC),
    { NULL, NULL, NULL, NULL },
};
