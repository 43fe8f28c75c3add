/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "uris.h"

#include <openssl/err.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static int
answer(char *buf, int size, int writing, void *arg)
{
    struct uris_user *user = arg;

    (void)writing;
    if (user == NULL)
        return -1;
    user->asked++;
    if (user->pin == NULL || strlen(user->pin) > (size_t)size)
        return -1;
    memcpy(buf, user->pin, strlen(user->pin));
    return (int)strlen(user->pin);
}

/* NULL where it does not open. expect: OSSL_STORE_INFO_..., 0 for all. */
static OSSL_STORE_CTX *
open_uri(const struct ossl *o, const char *uri, int expect,
    struct uris_user *user, UI_METHOD *method)
{
    OSSL_STORE_CTX *store = OSSL_STORE_open_ex(uri, o->libctx, NULL, method,
        user, NULL, NULL, NULL);

    if (store != NULL && expect != 0)
        assert_int_equal(OSSL_STORE_expect(store, expect), 1);
    return store;
}

static void
take(struct uris_given *given, OSSL_STORE_INFO *info)
{
    switch (OSSL_STORE_INFO_get_type(info)) {
    case OSSL_STORE_INFO_CERT:
        given->certs++;
        break;
    case OSSL_STORE_INFO_PUBKEY:
        given->publics++;
        if (given->key == NULL)
            given->key = OSSL_STORE_INFO_get1_PUBKEY(info);
        break;
    case OSSL_STORE_INFO_PKEY:
        given->privates++;
        if (given->key == NULL)
            given->key = OSSL_STORE_INFO_get1_PKEY(info);
        break;
    default:
        given->others++;
        break;
    }
    OSSL_STORE_INFO_free(info);
}

struct uris_given
uris_load_all(const struct ossl *o, const char *uri, int expect,
    struct uris_user *user)
{
    UI_METHOD *method = UI_UTIL_wrap_read_pem_callback(answer, 0);
    OSSL_STORE_CTX *store = open_uri(o, uri, expect, user, method);
    OSSL_STORE_INFO *info = NULL;
    struct uris_given given = { .errors = store == NULL };

    for (int i = 0; store != NULL && !OSSL_STORE_eof(store); i++) {
        assert_true(i < 100);
        info = OSSL_STORE_load(store);
        if (info != NULL)
            take(&given, info);
        else if (OSSL_STORE_error(store))
            given.errors++;
    }
    OSSL_STORE_close(store);
    UI_destroy_method(method);
    return given;
}

EVP_PKEY *
uris_load_key(const struct ossl *o, const char *uri, struct uris_user *user)
{
    struct uris_given given = uris_load_all(o, uri, OSSL_STORE_INFO_PKEY, user);

    if (given.key == NULL)
        ERR_print_errors_fp(stderr);
    assert_non_null(given.key);
    return given.key;
}

bool
uris_raised(int reason)
{
    bool seen = false;

    for (unsigned long e; (e = ERR_get_error()) != 0;)
        seen = seen || (!ERR_SYSTEM_ERROR(e) && ERR_GET_REASON(e) == -reason);
    return seen;
}

void
uris_refused(const struct ossl *o, const char *uri, int expect,
    struct uris_user *user, int reason)
{
    struct uris_given given = uris_load_all(o, uri, expect, user);

    assert_null(given.key);
    assert_int_equal(given.certs + given.publics + given.privates, 0);
    assert_int_not_equal(given.errors, 0);
    if (!uris_raised(reason))
        fail_msg("%s is not refused for reason %d", uri, -reason);
}

int
uris_group_setup(void **state)
{
    static const unsigned char nothing[1];
    struct scu_attribute value = { .type = CKA_VALUE }, good;
    X509 *crt = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    unsigned char *der = NULL;

    if (ossl_group_setup(state) != 0)
        return -1;
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(crt), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(crt), 3600));
    assert_int_equal(X509_set_pubkey(crt, key), 1);
    assert_true(X509_sign(crt, key, EVP_sha256()) > 0);
    value.len = (size_t)i2d_X509(crt, &der);
    value.value = der;
    good = value;
    tokens_make("one", true);
    tokens_add_key("one", "P-256", "ec", 1, true);
    tokens_add_key("one", "RSA-2048", "rsa", 2, true);
    tokens_add_key("one", "P-256", "lone", 3, false);
    tokens_add_object("one", false, CKO_CERTIFICATE, "crt", &value);
    tokens_add_object("one", true, CKO_CERTIFICATE, "hidden", &value);
    tokens_make("two", true);
    tokens_add_key("two", "P-256", "ec", 1, true);
    tokens_make("bare", false);
    tokens_make(URIS_ESCAPE, false);
    tokens_make("odd", true);
    value.value = nothing;
    value.len = sizeof(nothing);
    tokens_add_object("odd", false, CKO_DATA, "data", &value);
    tokens_add_object("odd", false, CKO_CERTIFICATE, "crt", &value);
    value.type = CKA_EC_POINT;
    tokens_add_object("odd", false, CKO_PUBLIC_KEY, "point", &value);
    tokens_add_object("odd", false, CKO_CERTIFICATE, "none", NULL);
    tokens_add_object("odd", false, CKO_CERTIFICATE, "good", &good);
    OPENSSL_free(der);
    X509_free(crt);
    EVP_PKEY_free(key);
    return 0;
}
