/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key.h"
#include "pin.h"

#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

/*
 * DECODER: TSS2 PRIVATE KEY files. The first step takes PEM or DER and gives
 * DER that is marked as ours, the second gives the key. The chip is not asked:
 * whether it takes the key shows when the key is first used.
 *
 * Every PEM and DER that a program reads comes by here, so what is not ours
 * is left as soon as that is seen, by returning 1 ("nothing found, go on").
 * Once it is certain that the input is a TSS2 key, what is wrong with it is an
 * error, and 0 ends the search. That is the first step's business: OSSL_STORE
 * drops the errors of what comes behind it.
 */
#define STRUCTURE "TSS2"
#define PEM_BEGIN "-----BEGIN "
#define PEM_NAME "TSS2 PRIVATE KEY"
#define PEM_BEGIN_OURS PEM_BEGIN PEM_NAME "-----"
#define PEM_END_OURS "-----END " PEM_NAME "-----"
#define MAX_LINE 1024
#define MAX_FILE 65536

/* OBJECT IDENTIFIER 2.23.133.10.1.x, TCG's TPM key files, but for the x. */
static const uint8_t key_oid[] = {
    0x06, 0x06, 0x67, 0x81, 0x05, 0x0a, 0x01
};

/*
 * SEQUENCE { that OBJECT IDENTIFIER, ... }: where the identifier begins, 0 if
 * der does not begin like that. The length is short or has one or two octets.
 */
static size_t
find_oid(const uint8_t *der, size_t len)
{
    size_t head = 2;

    if (len < head || der[0] != 0x30 || der[1] > 0x82 || der[1] == 0x80)
        return 0;
    head += der[1] > 0x80 ? der[1] & 0x7fU : 0;
    if (len < head + sizeof(key_oid) ||
        memcmp(der + head, key_oid, sizeof(key_oid)) != 0) {
        return 0;
    }
    return head;
}

/* The context of both decoders is the provider's. */
static void *
newctx(void *provctx)
{
    return prov_ref(provctx);
}

static void
freectx(void *vctx)
{
    prov_unref(vctx);
}

/* --- DER to DER ----------------------------------------------------------- */

/*
 * The whole file at *der (to be freed) where it is a TPM key; NULL, and true,
 * where it is not; false with an error raised where it is a piece of one.
 * Reads no further than it has reason to.
 */
static bool
read_der(struct prov_ctx *prov, OSSL_CORE_BIO *in, uint8_t **der, size_t *len)
{
    uint8_t start[4 + sizeof(key_oid)];
    size_t head = 0, rest = 0, have = 2 + sizeof(key_oid);

    *der = NULL;
    if (!prov_read(prov, in, start, have) || start[0] != 0x30 ||
        start[1] > 0x82) {
        return true;
    }
    if (start[1] > 0x80) {
        if (!prov_read(prov, in, start + have, start[1] & 0x7fU))
            return true;
        have += start[1] & 0x7fU;
    }
    head = find_oid(start, have);
    if (head == 0)
        return true;
    rest = head == 2 ? start[1] : start[2];
    if (head == 4)
        rest = rest << 8 | start[3];
    *len = head + rest;
    if (*len < have)
        return prov_raise(prov, SCU_E_KEYFILE, "the key file is cut short");
    *der = malloc(*len);
    if (*der == NULL)
        return prov_raise(prov, SCU_E_MEMORY, "%zu octets of key file", *len);
    memcpy(*der, start, have);
    if (!prov_read(prov, in, *der + have, *len - have)) {
        free(*der);
        *der = NULL;
        return prov_raise(prov, SCU_E_KEYFILE,
            "the key file ends before the %zu octets that it announces", *len);
    }
    return true;
}

/*
 * Whether it becomes a key at all. The same is done again to load it; but the
 * loaders swallow what is raised there, and the user would not know why.
 */
static bool
is_whole(struct prov_ctx *prov, const uint8_t *der, size_t len)
{
    struct scu_chip *chip = prov_chip(prov);
    struct scu_key *read = NULL;
    struct prov_key *key = NULL;
    int rc;

    if (chip == NULL)
        return false;
    rc = scu_key_from_der(chip, der, len, &read);
    if (rc != SCU_OK)
        return prov_raise_scu(prov, rc);
    key = prov_key_from_chip(prov, &read);
    scu_key_free(&read);
    prov_key_unref(key);
    return key != NULL;
}

/* Marked, where it is a key that libscu can read. */
static int
pass_on_der(struct prov_ctx *prov, unsigned char *der, size_t len,
    OSSL_CALLBACK *callback, void *arg)
{
    static char structure[] = STRUCTURE;
    int type = OSSL_OBJECT_PKEY;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type),
        OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_STRUCTURE,
            structure, 0),
        OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA, der, len),
        OSSL_PARAM_construct_end(),
    };

    return is_whole(prov, der, len) && callback(params, arg);
}

static int
der_to_der(void *vctx, OSSL_CORE_BIO *in, int selection,
    OSSL_CALLBACK *callback, void *arg, OSSL_PASSPHRASE_CALLBACK *ask,
    void *ask_arg)
{
    struct prov_ctx *prov = vctx;
    uint8_t *der = NULL;
    size_t len = 0;
    int ok = 0;

    (void)selection;
    (void)ask;
    (void)ask_arg;
    if (read_der(prov, in, &der, &len))
        ok = der == NULL || pass_on_der(prov, der, len, callback, arg);
    free(der);
    return ok;
}

/* --- PEM to DER ----------------------------------------------------------- */

struct text {
    char *data;
    size_t len;
};

static bool
append(struct text *text, const char *line, size_t len)
{
    char *longer = NULL;

    if (len > MAX_FILE - text->len)
        return false;
    longer = realloc(text->data, text->len + len);
    if (longer == NULL)
        return false;
    memcpy(longer + text->len, line, len);
    text->data = longer;
    text->len += len;
    return true;
}

/*
 * Goes to the next PEM block. True where it is ours, with its first line in
 * line; otherwise some other PEM, or none, or what is not text at all.
 */
static bool
find_block(struct prov_ctx *prov, OSSL_CORE_BIO *in, char *line, size_t *len)
{
    while ((*len = prov_gets(prov, in, line, MAX_LINE)) > 0) {
        if (strncmp(line, PEM_BEGIN, strlen(PEM_BEGIN)) == 0)
            return strncmp(line, PEM_BEGIN_OURS, strlen(PEM_BEGIN_OURS)) == 0;
        if (memchr(line, '\0', *len) != NULL)
            return false;
    }
    return false;
}

static bool
read_block(struct prov_ctx *prov, OSSL_CORE_BIO *in, char *line, size_t len,
    struct text *text)
{
    do {
        if (!append(text, line, len)) {
            return prov_raise(prov, SCU_E_KEYFILE,
                "the " PEM_NAME " block is longer than %d octets", MAX_FILE);
        }
        if (strncmp(line, PEM_END_OURS, strlen(PEM_END_OURS)) == 0)
            return true;
        len = prov_gets(prov, in, line, MAX_LINE);
    } while (len > 0);
    return prov_raise(prov, SCU_E_KEYFILE,
        "the file ends before the line " PEM_END_OURS);
}

/* What is between the lines, to be freed by OPENSSL_free(). */
static bool
decode_block(struct prov_ctx *prov, const struct text *text,
    unsigned char **der, long *len)
{
    BIO *bio = BIO_new_mem_buf(text->data, (int)text->len);
    char *name = NULL, *header = NULL;
    bool ok = bio != NULL && PEM_read_bio(bio, &name, &header, der, len) == 1;

    OPENSSL_free(name);
    OPENSSL_free(header);
    BIO_free(bio);
    return ok ||
        prov_raise(prov, SCU_E_KEYFILE,
            "the " PEM_NAME " block is not base64 text: it was damaged");
}

static int
pem_to_der(void *vctx, OSSL_CORE_BIO *in, int selection,
    OSSL_CALLBACK *callback, void *arg, OSSL_PASSPHRASE_CALLBACK *ask,
    void *ask_arg)
{
    struct prov_ctx *prov = vctx;
    struct text text = { 0 };
    char line[MAX_LINE];
    unsigned char *der = NULL;
    size_t line_len = 0;
    long len = 0;
    int ok = 0;

    (void)selection;
    (void)ask;
    (void)ask_arg;
    if (!find_block(prov, in, line, &line_len))
        return 1;
    if (read_block(prov, in, line, line_len, &text) &&
        decode_block(prov, &text, &der, &len) && len > 0) {
        ok = pass_on_der(prov, der, (size_t)len, callback, arg);
    }
    OPENSSL_free(der);
    free(text.data);
    return ok;
}

/* --- DER to key ----------------------------------------------------------- */

/* True with *key NULL where it is of the other kind. */
static bool
key_from_der(struct prov_ctx *prov, const uint8_t *der, size_t len,
    enum scu_kind kind, const struct prov_asker *asker, struct prov_key **key)
{
    struct scu_chip *chip = prov_chip(prov);
    struct scu_key *loaded = NULL;
    struct scu_public public = { 0 };
    bool ok = false;
    int rc = 0;

    if (chip == NULL)
        return false;
    rc = scu_key_from_der(chip, der, len, &loaded);
    if (rc != SCU_OK)
        return prov_raise_scu(prov, rc);
    scu_key_public(loaded, &public);
    if (public.kind != kind) {
        ok = true;
    } else if (!scu_key_needs_password(loaded) ||
        prov_ask_password(prov, loaded, PEM_NAME, asker)) {
        *key = prov_key_from_chip(prov, &loaded);
        ok = *key != NULL;
    }
    scu_key_free(&loaded);
    return ok;
}

static int
der_to_key(struct prov_ctx *prov, OSSL_CORE_BIO *in, enum scu_kind kind,
    const struct prov_asker *asker, OSSL_CALLBACK *callback, void *arg)
{
    struct prov_key *key = NULL;
    uint8_t *der = NULL;
    size_t len = 0;
    int ok = 0;

    if (!read_der(prov, in, &der, &len))
        return 0;
    ok = der == NULL || key_from_der(prov, der, len, kind, asker, &key);
    free(der);
    if (key != NULL) {
        /* Whoever takes the key nulls our pointer. */
        ok = prov_key_deliver(&key, callback, arg);
        prov_key_unref(key);
    }
    return ok;
}

static int
der_to_rsa(void *vctx, OSSL_CORE_BIO *in, int selection,
    OSSL_CALLBACK *callback, void *arg, OSSL_PASSPHRASE_CALLBACK *ask,
    void *ask_arg)
{
    const struct prov_asker asker = { .ask = ask, .arg = ask_arg };

    (void)selection;
    return der_to_key(vctx, in, SCU_KIND_RSA, &asker, callback, arg);
}

static int
der_to_ec(void *vctx, OSSL_CORE_BIO *in, int selection,
    OSSL_CALLBACK *callback, void *arg, OSSL_PASSPHRASE_CALLBACK *ask,
    void *ask_arg)
{
    const struct prov_asker asker = { .ask = ask, .arg = ask_arg };

    (void)selection;
    return der_to_key(vctx, in, SCU_KIND_EC, &asker, callback, arg);
}

/* 0: whatever it is. Who looks for a public key only does not find ours. */
static int
does_selection(void *provctx, int selection)
{
    (void)provctx;
    return selection == 0 ||
        (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0;
}

static int
export_object(void *vctx, const void *reference, size_t size,
    OSSL_CALLBACK *callback, void *arg)
{
    return prov_key_export_object(vctx, reference, size, callback, arg);
}

static const OSSL_DISPATCH pem_functions[] = {
    PROV_FN(OSSL_FUNC_DECODER_NEWCTX, newctx),
    PROV_FN(OSSL_FUNC_DECODER_FREECTX, freectx),
    PROV_FN(OSSL_FUNC_DECODER_DECODE, pem_to_der),
    { 0, NULL },
};

static const OSSL_DISPATCH der_functions[] = {
    PROV_FN(OSSL_FUNC_DECODER_NEWCTX, newctx),
    PROV_FN(OSSL_FUNC_DECODER_FREECTX, freectx),
    PROV_FN(OSSL_FUNC_DECODER_DECODE, der_to_der),
    { 0, NULL },
};

#define DER_FUNCTIONS                                               \
    PROV_FN(OSSL_FUNC_DECODER_NEWCTX, newctx),                      \
        PROV_FN(OSSL_FUNC_DECODER_FREECTX, freectx),                \
        PROV_FN(OSSL_FUNC_DECODER_DOES_SELECTION, does_selection),  \
        PROV_FN(OSSL_FUNC_DECODER_EXPORT_OBJECT, export_object)

static const OSSL_DISPATCH rsa_functions[] = {
    DER_FUNCTIONS,
    PROV_FN(OSSL_FUNC_DECODER_DECODE, der_to_rsa),
    { 0, NULL },
};

static const OSSL_DISPATCH ec_functions[] = {
    DER_FUNCTIONS,
    PROV_FN(OSSL_FUNC_DECODER_DECODE, der_to_ec),
    { 0, NULL },
};

const OSSL_ALGORITHM prov_decoder[] = {
    { "DER", PROV_PROPERTIES ",input=der", der_functions, PEM_NAME },
    { "DER", PROV_PROPERTIES ",input=pem", pem_functions, PEM_NAME },
    { PROV_NAMES_RSA, PROV_PROPERTIES ",input=der,structure=" STRUCTURE,
        rsa_functions, PEM_NAME },
    { PROV_NAMES_EC, PROV_PROPERTIES ",input=der,structure=" STRUCTURE,
        ec_functions, PEM_NAME },
    { NULL, NULL, NULL, NULL },
};
