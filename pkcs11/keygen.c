/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* C_GenerateKeyPair, and random octets. */
#include "crypto.h"
#include "make.h"

#include <openssl/rand.h>
#include <string.h>

/* A key pair on its way. */
struct pair {
    const struct p11_mech *mech;
    const struct scu_alg *alg;
    struct p11_template public, private;
    struct scu_token *token;
    struct scu_object *stored_public, *stored_private;
    struct scu_key *key; /* of a session's key */
};

/* A number in big endian, perhaps with zeros before it. */
static bool
is_65537(const struct scu_attribute *a)
{
    static const uint8_t e[] = { 1, 0, 1 };
    size_t skip = 0;

    while (skip < a->len && a->value[skip] == 0)
        skip++;
    return a->len - skip == sizeof(e) &&
        memcmp(a->value + skip, e, sizeof(e)) == 0;
}

/* The exponent may be left out; 65537 is what chips have. */
static CK_RV
find_rsa(struct pair *pair)
{
    const struct scu_attribute *bits = attrs_find(&pair->public.attrs,
        CKA_MODULUS_BITS);
    const struct scu_attribute *e = attrs_find(&pair->public.attrs,
        CKA_PUBLIC_EXPONENT);
    CK_ULONG size;

    if (bits == NULL || !p11_ulong_decode(bits->value, bits->len, &size))
        return CKR_TEMPLATE_INCOMPLETE;
    if (e != NULL && !is_65537(e))
        return p11_refuse(CKR_ATTRIBUTE_VALUE_INVALID,
            "C_GenerateKeyPair: the public exponent has to be 65537");
    pair->alg = p11_rsa_alg(size);
    return pair->alg != NULL ? CKR_OK : p11_refuse(CKR_KEY_SIZE_RANGE,
        "C_GenerateKeyPair: no RSA keys of %lu bits", size);
}

static CK_RV
find_alg(struct pair *pair)
{
    const struct scu_attribute *params = attrs_find(&pair->public.attrs,
        CKA_EC_PARAMS);

    if (pair->mech->kind == SCU_KIND_RSA)
        return find_rsa(pair);
    if (params == NULL)
        return CKR_TEMPLATE_INCOMPLETE;
    pair->alg = keyattrs_curve(params->value, params->len);
    return pair->alg != NULL ? CKR_OK : p11_refuse(CKR_CURVE_NOT_SUPPORTED,
        "C_GenerateKeyPair: the chip's curves are P-256 and P-384");
}

/* What every door writes down of a key pair; see keyattrs.h. */
static CK_RV
set_common(struct pair *pair)
{
    struct attrs *public = &pair->public.attrs;
    struct attrs *private = &pair->private.attrs;
    int rc = keyattrs_set_id(public, private);

    if (rc == SCU_OK)
        rc = keyattrs_set_origin(public, ATTR_CLASS_PUBLIC_KEY,
            pair->mech->kind, KEYATTRS_GENERATED);
    if (rc == SCU_OK)
        rc = keyattrs_set_origin(private, ATTR_CLASS_PRIVATE_KEY,
            pair->mech->kind, KEYATTRS_GENERATED);
    return rc == SCU_OK ? CKR_OK : p11_rv(rc);
}

/* Everything that can be refused without the chip. */
static CK_RV
prepare(struct pair *pair, const struct p11_session *session)
{
    CK_RV rv = find_alg(pair);

    if (rv == CKR_OK && !pair->private.private)
        rv = p11_refuse(CKR_TEMPLATE_INCONSISTENT,
            "C_GenerateKeyPair: CKA_PRIVATE of a private key is true");
    if (rv == CKR_OK)
        rv = p11_may_make(session, &pair->public);
    if (rv == CKR_OK)
        rv = p11_may_make(session, &pair->private);
    if (rv == CKR_OK)
        rv = set_common(pair);
    if (rv == CKR_OK)
        rv = p11_slot_token(session->slot, &pair->token);
    return rv;
}

/*
 * The private key. A session's lives in this process only; its authorisation
 * is random, so that nobody else on the bus can use it while it is loaded.
 */
static int
make_private(struct pair *pair, struct scu_chip *chip, struct scu_key **key)
{
    uint8_t password[32];
    int rc;

    if (pair->private.token) {
        rc = scu_object_generate(pair->token, pair->alg,
            pair->private.attrs.item, pair->private.attrs.count,
            &pair->stored_private);
        return rc == SCU_OK ? scu_object_key(pair->stored_private, key) : rc;
    }
    if (RAND_priv_bytes_ex(p11_libctx(), password, sizeof(password), 0) != 1)
        return SCU_E_INTERNAL;
    rc = scu_key_generate(chip, pair->alg, password, sizeof(password), key);
    explicit_bzero(password, sizeof(password));
    if (rc == SCU_OK)
        pair->key = scu_key_ref(*key);
    return rc;
}

/* Without the mutex: RSA keys take a chip long. */
static CK_RV
generate(struct pair *pair, struct scu_chip *chip)
{
    static const char function[] = "C_GenerateKeyPair";
    struct scu_key *key = NULL;
    CK_RV rv = p11_token_failed(function, make_private(pair, chip, &key));

    if (rv == CKR_OK)
        rv = p11_public_attrs(key, &pair->public.attrs);
    if (rv == CKR_OK && pair->public.token)
        rv = p11_token_failed(function, scu_object_create(pair->token,
            pair->public.private ? SCU_OBJECT_PRIVATE : SCU_OBJECT_PUBLIC,
            pair->public.attrs.item, pair->public.attrs.count,
            &pair->stored_public));
    scu_key_free(&key);
    /* Half a pair is of no use to anybody; its own failure only is noted. */
    if (rv != CKR_OK && pair->stored_private != NULL)
        (void)p11_failed(function, scu_object_delete(pair->stored_private));
    return rv;
}

static CK_RV
enlist(struct pair *pair, CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE *public,
    CK_OBJECT_HANDLE *private)
{
    struct p11_session *session;
    struct scu_key *key = pair->key;
    CK_RV rv = p11_session_enter(handle, &session);

    if (rv != CKR_OK)
        return rv;
    rv = pair->stored_public != NULL ?
        p11_object_add_stored(session->slot, pair->stored_public, public) :
        p11_object_add_own(session, &pair->public, NULL, public);
    if (rv == CKR_OK && pair->stored_private != NULL)
        rv = p11_object_add_stored(session->slot, pair->stored_private,
            private);
    else if (rv == CKR_OK) {
        pair->key = NULL;
        rv = p11_object_add_own(session, &pair->private, key, private);
    }
    p11_leave();
    return rv;
}

static void
clear(struct pair *pair)
{
    p11_template_clear(&pair->public);
    p11_template_clear(&pair->private);
    scu_key_free(&pair->key);
    scu_object_free(&pair->stored_public);
    scu_object_free(&pair->stored_private);
    scu_token_free(&pair->token);
}

CK_RV
C_GenerateKeyPair(CK_SESSION_HANDLE handle, CK_MECHANISM_PTR mechanism,
    CK_ATTRIBUTE_PTR public, CK_ULONG public_count, CK_ATTRIBUTE_PTR private,
    CK_ULONG private_count, CK_OBJECT_HANDLE_PTR public_handle,
    CK_OBJECT_HANDLE_PTR private_handle)
{
    struct pair pair = { .private = { .private = true } };
    struct scu_chip *chip = NULL;
    struct p11_session *session;
    struct p11_way way;
    CK_RV rv = p11_session_enter(handle, &session);

    if (rv != CKR_OK)
        return rv;
    rv = public_handle == NULL || private_handle == NULL ? CKR_ARGUMENTS_BAD :
        p11_way_read(mechanism, CKF_GENERATE_KEY_PAIR, &way);
    if (rv == CKR_OK) {
        pair.mech = way.mech;
        pair.public.kind = way.mech->kind == SCU_KIND_EC ? P11_EC_PUBLIC :
            P11_RSA_PUBLIC;
        pair.private.kind = way.mech->kind == SCU_KIND_EC ? P11_EC_PRIVATE :
            P11_RSA_PRIVATE;
        rv = p11_template_read(&pair.public, P11_GENERATE, public,
            public_count);
    }
    if (rv == CKR_OK)
        rv = p11_template_read(&pair.private, P11_GENERATE, private,
            private_count);
    if (rv == CKR_OK)
        rv = prepare(&pair, session);
    chip = p11_chip();
    p11_leave();
    if (rv == CKR_OK)
        rv = generate(&pair, chip);
    if (rv == CKR_OK)
        rv = enlist(&pair, handle, public_handle, private_handle);
    clear(&pair);
    return rv;
}

/* --- random octets -------------------------------------------------------- */

CK_RV
C_GenerateRandom(CK_SESSION_HANDLE handle, CK_BYTE_PTR data, CK_ULONG len)
{
    struct p11_session *session;
    struct scu_chip *chip;
    CK_RV rv = p11_session_enter(handle, &session);

    if (rv != CKR_OK)
        return rv;
    chip = p11_chip();
    p11_leave();
    if (data == NULL || len == 0)
        return len == 0 ? CKR_OK : CKR_ARGUMENTS_BAD;
    return p11_failed("C_GenerateRandom", scu_chip_random(chip, data, len));
}

CK_RV
C_SeedRandom(CK_SESSION_HANDLE handle, CK_BYTE_PTR seed, CK_ULONG len)
{
    struct p11_session *session;
    CK_RV rv = p11_session_enter(handle, &session);

    (void)seed;
    (void)len;
    if (rv != CKR_OK)
        return rv;
    p11_leave();
    return CKR_RANDOM_SEED_NOT_SUPPORTED;
}
