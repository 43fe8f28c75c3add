/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signer PROVIDER...: a program that uses keys through OpenSSL, one step at a
 * time, so that the chip commands of each step can be counted. It knows
 * nothing of this project. Reads a step per line from standard input, answers
 * each with a line, "done" or "failed" (errors go to standard error):
 *
 *   load FILE         a private key; what was loaded before goes
 *   open URI          the same by URI, or, where it gives none, a public key
 *   oneshot DIGEST    a signature by EVP_DigestSign
 *   streamed DIGEST   the same by EVP_DigestSignUpdate, in pieces
 *   raw DIGEST        EVP_PKEY_sign of a digest made here
 *   free              gives the key back
 *
 * Each signature is verified with the public half, in a library context that
 * has OpenSSL's own provider only. Ends at end of input.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/store.h>

#define PROVIDERS 4

struct signer {
    OSSL_LIB_CTX *plain; /* for verification, without the chip */
    EVP_PKEY *key, *public;
};

static const uint8_t message[] = "Signed by a key that never left its chip.";

/* The public half as somebody else would read it. */
static EVP_PKEY *
public_half(struct signer *s, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    EVP_PKEY *public = NULL;

    if (bio != NULL && PEM_write_bio_PUBKEY(bio, key) == 1)
        public = PEM_read_bio_PUBKEY_ex(bio, NULL, NULL, NULL, s->plain,
            NULL);
    BIO_free(bio);
    return public;
}

static void
forget(struct signer *s)
{
    EVP_PKEY_free(s->key);
    EVP_PKEY_free(s->public);
    s->key = s->public = NULL;
}

static bool
load(struct signer *s, const char *path)
{
    BIO *bio = BIO_new_file(path, "r");

    forget(s);
    if (bio == NULL)
        return false;
    s->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (s->key != NULL)
        s->public = public_half(s, s->key);
    return s->public != NULL;
}

/* The first key that the URI gives; what stands behind it is not looked at. */
static bool
open_uri(struct signer *s, const char *uri)
{
    OSSL_STORE_CTX *store = OSSL_STORE_open(uri, NULL, NULL, NULL, NULL);
    OSSL_STORE_INFO *info = NULL;

    forget(s);
    while (store != NULL && s->key == NULL && !OSSL_STORE_eof(store)) {
        info = OSSL_STORE_load(store);
        if (info != NULL && OSSL_STORE_INFO_get_type(info) ==
            OSSL_STORE_INFO_PKEY)
            s->key = OSSL_STORE_INFO_get1_PKEY(info);
        else if (info != NULL && OSSL_STORE_INFO_get_type(info) ==
            OSSL_STORE_INFO_PUBKEY)
            s->key = OSSL_STORE_INFO_get1_PUBKEY(info);
        OSSL_STORE_INFO_free(info);
    }
    OSSL_STORE_close(store);
    if (s->key != NULL)
        s->public = public_half(s, s->key);
    return s->public != NULL;
}

static bool
release(struct signer *s, const char *argument)
{
    (void)argument;
    forget(s);
    return true;
}

static bool
verify(struct signer *s, const char *digest, const uint8_t *sig, size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL &&
        EVP_DigestVerifyInit_ex(ctx, NULL, digest, s->plain, NULL, s->public,
            NULL) == 1 &&
        EVP_DigestVerify(ctx, sig, len, message, sizeof(message)) == 1;

    EVP_MD_CTX_free(ctx);
    return good;
}

static bool
oneshot(struct signer *s, const char *digest)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t sig[1024];
    size_t len = sizeof(sig);
    bool good = ctx != NULL &&
        EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, s->key,
            NULL) == 1 &&
        EVP_DigestSign(ctx, sig, &len, message, sizeof(message)) == 1 &&
        verify(s, digest, sig, len);

    EVP_MD_CTX_free(ctx);
    return good;
}

/* In pieces, and with the question for the length that many programs ask. */
static bool
streamed(struct signer *s, const char *digest)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t sig[1024];
    size_t len = 0;
    bool good = ctx != NULL &&
        EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, s->key,
            NULL) == 1;

    for (size_t i = 0; good && i < sizeof(message); i++)
        good = EVP_DigestSignUpdate(ctx, message + i, 1) == 1;
    good = good && EVP_DigestSignFinal(ctx, NULL, &len) == 1 &&
        len <= sizeof(sig) && EVP_DigestSignFinal(ctx, sig, &len) == 1 &&
        verify(s, digest, sig, len);
    EVP_MD_CTX_free(ctx);
    return good;
}

static bool
raw(struct signer *s, const char *digest)
{
    const EVP_MD *md = EVP_get_digestbyname(digest);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, s->key, NULL);
    uint8_t sig[1024], hash[EVP_MAX_MD_SIZE];
    size_t len = sizeof(sig);
    unsigned hash_len = 0;
    bool good = ctx != NULL && md != NULL &&
        EVP_Digest(message, sizeof(message), hash, &hash_len, md, NULL) == 1 &&
        EVP_PKEY_sign_init(ctx) == 1 &&
        EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
        EVP_PKEY_sign(ctx, sig, &len, hash, hash_len) == 1 &&
        verify(s, digest, sig, len);

    EVP_PKEY_CTX_free(ctx);
    return good;
}

static const struct {
    const char *name;
    bool needs_key;
    bool (*run)(struct signer *s, const char *argument);
} steps[] = {
    { "load", false, load },
    { "open", false, open_uri },
    { "oneshot", true, oneshot },
    { "streamed", true, streamed },
    { "raw", true, raw },
    { "free", false, release },
};

static bool
run_step(struct signer *s, char *line)
{
    char *argument = strchr(line, ' ');

    if (argument != NULL)
        *argument++ = '\0';
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (strcmp(steps[i].name, line) != 0)
            continue;
        if (steps[i].needs_key && (s->key == NULL || argument == NULL))
            return false;
        return steps[i].run(s, argument != NULL ? argument : "");
    }
    return false;
}

int
main(int argc, char **argv)
{
    OSSL_PROVIDER *providers[PROVIDERS] = { NULL };
    struct signer s = { .plain = OSSL_LIB_CTX_new() };
    char line[4200];
    int rc = 1;

    if (argc - 1 > PROVIDERS)
        return 2;
    for (int i = 1; i < argc; i++)
        if ((providers[i - 1] = OSSL_PROVIDER_load(NULL, argv[i])) == NULL)
            goto out;
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        (void)puts(run_step(&s, line) ? "done" : "failed");
        (void)fflush(stdout);
        ERR_print_errors_fp(stderr);
    }
    rc = 0;
out:
    ERR_print_errors_fp(stderr);
    forget(&s);
    OSSL_LIB_CTX_free(s.plain);
    for (int i = PROVIDERS; i > 0; i--)
        if (providers[i - 1] != NULL)
            (void)OSSL_PROVIDER_unload(providers[i - 1]);
    return rc;
}
