/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/*
 * TLS 1.3 handshakes of a server with the row's key and a client without
 * any provider but OpenSSL's own, in one process, over memory.
 */
#include "bench.h"
#include "side.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>

#define STEPS 10
#define DAY 86400L

struct tls {
    struct side side;
    OSSL_LIB_CTX *plain;
    SSL_CTX *server, *client;
};

static void
tls_teardown(void *state)
{
    struct tls *t = state;

    SSL_CTX_free(t->server);
    SSL_CTX_free(t->client);
    side_close(&t->side);
    OSSL_LIB_CTX_free(t->plain);
    free(t);
}

/*
 * The peer's public RSA keys do not say how strong they are, and libssl then
 * refuses the certificate: so it is read anew, by OpenSSL's own decoders.
 */
static X509 *
read_anew(X509 *cert, OSSL_LIB_CTX *lib)
{
    X509 *copy = X509_new_ex(lib, NULL);
    unsigned char *der = NULL;
    const unsigned char *p;
    int len = i2d_X509(cert, &der);

    p = der;
    if (copy != NULL && len > 0)
        (void)d2i_X509(&copy, &p, len); /* frees and nulls it on failure */
    OPENSSL_free(der);
    X509_free(cert);
    return copy;
}

/* Signed by the key itself: the client takes it as it comes. */
static X509 *
make_certificate(const struct side *side)
{
    X509 *cert = X509_new_ex(side->lib, side->propq);
    X509_NAME *name = cert == NULL ? NULL : X509_get_subject_name(cert);

    if (name != NULL && X509_set_version(cert, X509_VERSION_3) == 1 &&
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(cert), 0) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(cert), DAY) != NULL &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
            (const unsigned char *)"bench", -1, -1, 0) == 1 &&
        X509_set_issuer_name(cert, name) == 1 &&
        X509_set_pubkey(cert, side->key) == 1 &&
        X509_sign(cert, side->key, EVP_sha256()) > 0)
        return read_anew(cert, side->lib);
    X509_free(cert);
    return NULL;
}

static enum outcome
make_contexts(struct tls *t)
{
    X509 *cert = make_certificate(&t->side);
    enum outcome rc = BENCH_FAILED;

    if (cert == NULL)
        return side_failed("certificate");
    t->plain = OSSL_LIB_CTX_new();
    t->server = SSL_CTX_new_ex(t->side.lib, t->side.propq,
        TLS_server_method());
    if (t->plain != NULL)
        t->client = SSL_CTX_new_ex(t->plain, NULL, TLS_client_method());
    if (t->server != NULL && t->client != NULL &&
        SSL_CTX_set_min_proto_version(t->server, TLS1_3_VERSION) == 1 &&
        SSL_CTX_use_certificate(t->server, cert) == 1 &&
        SSL_CTX_use_PrivateKey(t->server, t->side.key) == 1)
        rc = BENCH_OK;
    X509_free(cert);
    return rc == BENCH_OK ? rc : side_failed("TLS contexts");
}

static enum outcome
tls_setup(const struct row *row, const struct place *place, void **state)
{
    struct tls *t = calloc(1, sizeof(*t));
    enum outcome rc;

    if (t == NULL)
        return BENCH_FAILED;
    rc = side_open(&t->side, row, place);
    if (rc == BENCH_OK)
        rc = make_contexts(t);
    if (rc != BENCH_OK) {
        tls_teardown(t);
        t = NULL;
    }
    *state = t;
    return rc;
}

/* As far as it can go without the other. */
static bool
advance(SSL *ssl)
{
    int rc = SSL_do_handshake(ssl);

    return rc == 1 || SSL_get_error(ssl, rc) == SSL_ERROR_WANT_READ;
}

static bool
handshake(SSL *server, SSL *client)
{
    for (int i = 0; i < STEPS; i++) {
        if (!advance(client) || !advance(server))
            return false;
        if (SSL_is_init_finished(client) && SSL_is_init_finished(server))
            return SSL_version(client) == TLS1_3_VERSION;
    }
    return false;
}

static enum outcome
tls_once(void *state)
{
    const struct tls *t = state;
    SSL *server = SSL_new(t->server);
    SSL *client = SSL_new(t->client);
    BIO *a = NULL, *b = NULL;
    bool done = false;

    if (server != NULL && client != NULL &&
        BIO_new_bio_pair(&a, 0, &b, 0) == 1) {
        SSL_set_bio(server, a, a);
        SSL_set_bio(client, b, b);
        SSL_set_accept_state(server);
        SSL_set_connect_state(client);
        done = handshake(server, client);
    }
    SSL_free(client);
    SSL_free(server);
    return done ? BENCH_OK : side_failed("handshake");
}

const struct row_ops tls_ops = {
    .setup = tls_setup, .once = tls_once, .teardown = tls_teardown,
};
