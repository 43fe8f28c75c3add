/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/pem.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define LABEL "TSS2 PRIVATE KEY"
#define BEGIN "-----BEGIN " LABEL "-----"

/*
 * The block's first line. What stands before it, other blocks included, is
 * nobody's business here, so a damaged one does no harm.
 */
static const char *
find_block(const char *text, size_t len)
{
    const char *end = text + len;
    const char *p = text;

    while ((p = memmem(p, (size_t)(end - p), BEGIN, strlen(BEGIN))) != NULL) {
        if (p == text || p[-1] == '\n' || p[-1] == '\r')
            return p;
        p += strlen(BEGIN);
    }
    return NULL;
}

static int
copy_out(const uint8_t *data, size_t len, uint8_t **out, size_t *out_len)
{
    *out = malloc(len + 1);
    if (*out == NULL)
        return err_memory();
    memcpy(*out, data, len);
    (*out)[len] = '\0';
    *out_len = len;
    return SCU_OK;
}

/* libcrypto's allocations become the C library's. */
static int
read_block(BIO *bio, uint8_t **der, size_t *der_len)
{
    char *name = NULL, *header = NULL;
    unsigned char *data = NULL;
    const char *reason;
    long len = 0;
    int rc;

    if (PEM_read_bio(bio, &name, &header, &data, &len) != 1) {
        reason = ERR_reason_error_string(ERR_peek_last_error());
        return err_set(SCU_E_KEYFILE, "the PEM block is damaged: %s",
            reason == NULL ? "it ends early" : reason);
    }
    if (header[0] != '\0')
        rc = err_set(SCU_E_KEYFILE, "the PEM block has header lines: these "
            "files have none");
    else
        rc = copy_out(data, (size_t)len, der, der_len);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    return rc;
}

int
pem_decode(const char *text, size_t len, uint8_t **der, size_t *der_len)
{
    const char *block;
    BIO *bio;
    int rc;

    *der = NULL;
    *der_len = 0;
    block = find_block(text, len);
    if (block == NULL)
        return err_set(SCU_E_KEYFILE, "no line " BEGIN);
    len -= (size_t)(block - text);
    bio = BIO_new_mem_buf(block, len > INT_MAX ? INT_MAX : (int)len);
    if (bio == NULL)
        return err_memory();
    (void)ERR_set_mark();
    rc = read_block(bio, der, der_len);
    (void)ERR_pop_to_mark();
    BIO_free(bio);
    return rc;
}

int
pem_encode(const uint8_t *der, size_t der_len, char **text, size_t *len)
{
    uint8_t *copy = NULL;
    char *data = NULL;
    long n;
    BIO *bio;
    int rc = SCU_E_MEMORY;

    *text = NULL;
    *len = 0;
    if (der_len > LONG_MAX)
        return err_set(SCU_E_ARG, "%zu octets are no key file", der_len);
    (void)ERR_set_mark();
    bio = BIO_new(BIO_s_mem());
    if (bio == NULL ||
        PEM_write_bio(bio, LABEL, "", der, (long)der_len) <= 0)
        goto out;
    n = BIO_get_mem_data(bio, &data);
    if (n > 0)
        rc = copy_out((const uint8_t *)data, (size_t)n, &copy, len);
    *text = (char *)copy;
out:
    BIO_free(bio);
    (void)ERR_pop_to_mark();
    return rc == SCU_OK ? SCU_OK : err_memory();
}
