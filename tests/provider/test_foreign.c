/* SPDX-License-Identifier: BSD-2-Clause */
#define OPENSSL_SUPPRESS_DEPRECATED /* keys of the old interface */
#include "config.h"

#include "ossl.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* Keys that are no business of the chip work as without us, in each order. */

static void
legacy_ec_key__signs(void **state)
{
    EC_KEY *ec = EC_KEY_new_by_curve_name(NID_secp521r1);
    EVP_PKEY *key = EVP_PKEY_new();
    EVP_PKEY *plain = NULL;

    assert_int_equal(EC_KEY_generate_key(ec), 1);
    assert_int_equal(EVP_PKEY_assign_EC_KEY(key, ec), 1);
    assert_string_equal(ossl_holder(key), "");
    ossl_sign_and_verify(*state, key, "SHA512");
    plain = ossl_import(*state, key, EVP_PKEY_KEYPAIR);
    assert_int_equal(EVP_PKEY_eq(key, plain), 1);
    EVP_PKEY_free(plain);
    EVP_PKEY_free(key);
}

static void
legacy_rsa_key__signs(void **state)
{
    RSA *rsa = RSA_new();
    BIGNUM *e = BN_new();
    EVP_PKEY *key = EVP_PKEY_new();

    assert_int_equal(BN_set_word(e, RSA_F4), 1);
    assert_int_equal(RSA_generate_key_ex(rsa, 2048, e, NULL), 1);
    assert_int_equal(EVP_PKEY_assign_RSA(key, rsa), 1);
    ossl_sign_and_verify(*state, key, "SHA256");
    BN_free(e);
    EVP_PKEY_free(key);
}

static void
software_keys__sign_after_import(void **state)
{
    static const struct {
        const char *type, *group, *digest;
    } rows[] = {
        { "EC", "P-256", "SHA256" },
        { "EC", "P-256", NULL },
        { "EC", "P-521", "SHA3-512" },
        { "EC", "secp256k1", "SHA256" },
        { "RSA", NULL, "SHA384" },
        { "RSA", NULL, "SHA512-256" },
        { "RSA", NULL, NULL },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        EVP_PKEY *key = ossl_software(rows[i].type, rows[i].group);
        EVP_PKEY *copy = ossl_import(*state, key, EVP_PKEY_KEYPAIR);

        ossl_sign_and_verify(*state, copy, rows[i].digest);
        assert_int_equal(EVP_PKEY_eq(key, copy), 1);
        assert_int_equal(EVP_PKEY_eq(copy, key), 1);
        EVP_PKEY_free(copy);
        EVP_PKEY_free(key);
    }
}

static void
ed25519__is_not_ours(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(o->libctx, NULL, "ED25519");

    assert_non_null(key);
    assert_string_equal(ossl_holder(key), "default");
    EVP_PKEY_free(key);
}

static void
public_key__has_no_private_half(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *key = ossl_software("EC", "P-256");
    EVP_PKEY *copy = ossl_import(o, key, EVP_PKEY_PUBLIC_KEY);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    OSSL_PARAM *params = NULL;
    unsigned char sig[128];
    size_t len = sizeof(sig);

    assert_int_equal(EVP_PKEY_todata(copy, EVP_PKEY_PUBLIC_KEY, &params), 1);
    assert_null(OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_PRIV_KEY));
    if (EVP_DigestSignInit_ex(ctx, NULL, "SHA256", o->libctx, NULL, copy,
            NULL) == 1) {
        assert_int_not_equal(
            EVP_DigestSign(ctx, sig, &len, (const unsigned char *)"x", 1), 1);
    }
    OSSL_PARAM_free(params);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(copy);
    EVP_PKEY_free(key);
}

static void
software_key__copies(void **state)
{
    EVP_PKEY *key = ossl_software("EC", "P-384");
    EVP_PKEY *copy = ossl_import(*state, key, EVP_PKEY_KEYPAIR);
    EVP_PKEY *again = EVP_PKEY_dup(copy);

    assert_non_null(again);
    assert_int_equal(EVP_PKEY_eq(copy, again), 1);
    EVP_PKEY_free(copy);
    ossl_sign_and_verify(*state, again, "SHA384");
    EVP_PKEY_free(again);
    EVP_PKEY_free(key);
}

static void
software_key__answers_questions(void **state)
{
    EVP_PKEY *ec = ossl_software("EC", "P-256");
    EVP_PKEY *rsa = ossl_software("RSA", NULL);
    EVP_PKEY *ec2 = ossl_import(*state, ec, EVP_PKEY_KEYPAIR);
    EVP_PKEY *rsa2 = ossl_import(*state, rsa, EVP_PKEY_KEYPAIR);
    char text[64] = "";
    BIGNUM *number = NULL, *same = NULL;
    size_t len = 0;

    assert_int_equal(EVP_PKEY_get_bits(ec2), 256);
    assert_int_equal(EVP_PKEY_get_security_bits(ec2), 128);
    assert_int_equal(EVP_PKEY_get_size(ec2), EVP_PKEY_get_size(ec));
    assert_int_equal(EVP_PKEY_get_size(rsa2), 256);
    assert_int_equal(EVP_PKEY_get_group_name(ec2, text, sizeof(text), &len), 1);
    assert_string_equal(text, "prime256v1");
    assert_true(EVP_PKEY_get_default_digest_name(rsa2, text, sizeof(text)) > 0);
    assert_string_equal(text, "SHA256");
    assert_int_equal(EVP_PKEY_get_bn_param(rsa, "d", &number), 1);
    assert_int_equal(EVP_PKEY_get_bn_param(rsa2, "d", &same), 1);
    assert_int_equal(BN_cmp(number, same), 0);
    BN_clear_free(number);
    BN_clear_free(same);
    EVP_PKEY_free(ec2);
    EVP_PKEY_free(rsa2);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
}

static void
software_keys__are_checked(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *keys[] = {
        ossl_software("EC", "P-256"),
        ossl_software("RSA", NULL),
    };

    for (size_t i = 0; i < 2; i++) {
        EVP_PKEY *copy = ossl_import(o, keys[i], EVP_PKEY_KEYPAIR);
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(o->libctx, copy, NULL);

        assert_int_equal(EVP_PKEY_check(ctx), 1);
        assert_int_equal(EVP_PKEY_public_check(ctx), 1);
        assert_int_equal(EVP_PKEY_pairwise_check(ctx), 1);
        EVP_PKEY_CTX_free(ctx);
        EVP_PKEY_free(copy);
        EVP_PKEY_free(keys[i]);
    }
}

static EVP_PKEY *
curve(const struct ossl *o, const char *group)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(o->libctx, "EC", NULL);
    EVP_PKEY *params = NULL;

    assert_int_equal(EVP_PKEY_paramgen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_group_name(ctx, group), 1);
    assert_int_equal(EVP_PKEY_paramgen(ctx, &params), 1);
    EVP_PKEY_CTX_free(ctx);
    return params;
}

/* As libssl does with the peer's share. */
static void
curve__takes_a_public_point(void **state)
{
    EVP_PKEY *key = ossl_software("EC", "P-521");
    EVP_PKEY *params = curve(*state, "P-521"), *peer = EVP_PKEY_new();
    unsigned char *point = NULL, *back = NULL;
    size_t len = EVP_PKEY_get1_encoded_public_key(key, &point);

    assert_true(len > 0);
    assert_int_equal(EVP_PKEY_copy_parameters(peer, params), 1);
    assert_int_equal(EVP_PKEY_parameters_eq(peer, params), 1);
    assert_int_equal(EVP_PKEY_missing_parameters(peer), 0);
    assert_int_equal(EVP_PKEY_set1_encoded_public_key(peer, point, len), 1);
    assert_int_equal(EVP_PKEY_get1_encoded_public_key(peer, &back), len);
    assert_memory_equal(point, back, len);
    assert_int_equal(EVP_PKEY_eq(peer, key), 1);
    OPENSSL_free(back);
    OPENSSL_free(point);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(params);
    EVP_PKEY_free(key);
}

static size_t
derive(const struct ossl *o, EVP_PKEY *key, EVP_PKEY *peer, bool kdf,
    unsigned char *out, size_t size)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(o->libctx, key, NULL);
    unsigned char *ukm = OPENSSL_memdup("ukm", 3);
    size_t len = size;

    assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
    if (kdf) {
        assert_true(
            EVP_PKEY_CTX_set_ecdh_kdf_type(ctx, EVP_PKEY_ECDH_KDF_X9_63) > 0);
        assert_true(EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, EVP_sha256()) > 0);
        assert_true(EVP_PKEY_CTX_set_ecdh_kdf_outlen(ctx, 20) > 0);
        assert_true(EVP_PKEY_CTX_set0_ecdh_kdf_ukm(ctx, ukm, 3) > 0);
    } else {
        OPENSSL_free(ukm);
    }
    assert_int_equal(EVP_PKEY_derive_set_peer(ctx, peer), 1);
    assert_int_equal(EVP_PKEY_derive(ctx, out, &len), 1);
    EVP_PKEY_CTX_free(ctx);
    return len;
}

static void
ecdh__agrees(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *ours = ossl_software("EC", "P-256");
    EVP_PKEY *mine = ossl_import(o, ours, EVP_PKEY_KEYPAIR);
    EVP_PKEY *chip = ossl_chip_ec(o, "P-256");
    EVP_PKEY *public = ossl_import(o, ours, EVP_PKEY_PUBLIC_KEY);
    EVP_PKEY *chip_public = ossl_import(o, chip, EVP_PKEY_PUBLIC_KEY);
    unsigned char a[80], b[80];

    for (int kdf = 0; kdf < 2; kdf++) {
        size_t len = derive(o, chip, public, kdf != 0, a, sizeof(a));

        assert_int_equal(len, kdf != 0 ? 20 : 32);
        assert_int_equal(
            derive(o, mine, chip_public, kdf != 0, b, sizeof(b)), len);
        assert_memory_equal(a, b, len);
    }
    EVP_PKEY_free(chip_public);
    EVP_PKEY_free(public);
    EVP_PKEY_free(chip);
    EVP_PKEY_free(mine);
    EVP_PKEY_free(ours);
}

static void
rsa__encrypts_and_decrypts(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *ours = ossl_software("RSA", NULL);
    EVP_PKEY *key = ossl_import(o, ours, EVP_PKEY_KEYPAIR);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(o->libctx, key, NULL);
    unsigned char boxed[256], plain[256];
    size_t boxed_len = sizeof(boxed), len = sizeof(plain);

    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
    assert_int_equal(EVP_PKEY_encrypt(ctx, boxed, &boxed_len,
                         (const unsigned char *)"secret", 6),
        1);
    assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
    assert_int_equal(
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
    assert_int_equal(EVP_PKEY_decrypt(ctx, plain, &len, boxed, boxed_len), 1);
    assert_int_equal(len, 6);
    assert_memory_equal(plain, "secret", 6);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ours);
}

static void
rsa_signature__gives_its_digest_back(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *ours = ossl_software("RSA", NULL);
    EVP_PKEY *key = ossl_import(o, ours, EVP_PKEY_KEYPAIR);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(o->libctx, key, NULL);
    unsigned char digest[32] = { 7 }, sig[256], back[256];
    size_t sig_len = sizeof(sig), len = sizeof(back);

    assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()), 1);
    assert_int_equal(
        EVP_PKEY_sign(ctx, sig, &sig_len, digest, sizeof(digest)), 1);
    assert_int_equal(EVP_PKEY_verify_recover_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()), 1);
    assert_int_equal(EVP_PKEY_verify_recover(ctx, back, &len, sig, sig_len), 1);
    assert_int_equal(len, sizeof(digest));
    assert_memory_equal(back, digest, len);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ours);
}

static void
software_key__is_written_and_read(void **state)
{
    static const char *const heads[] = {
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----",
    };
    const struct ossl *o = *state;
    EVP_PKEY *ours = ossl_software("EC", "P-256");
    EVP_PKEY *key = ossl_import(o, ours, EVP_PKEY_KEYPAIR);
    char password[] = "password";

    for (int encrypted = 0; encrypted < 2; encrypted++) {
        BIO *bio = BIO_new(BIO_s_mem());
        EVP_PKEY *back = NULL;
        char *text = NULL;

        assert_int_equal(
            PEM_write_bio_PrivateKey_ex(bio, key,
                encrypted != 0 ? EVP_aes_256_cbc() : NULL, NULL, 0, NULL,
                encrypted != 0 ? password : NULL, o->libctx, NULL),
            1);
        assert_true(BIO_get_mem_data(bio, &text) > 0);
        assert_memory_equal(text, heads[encrypted], strlen(heads[encrypted]));
        back = PEM_read_bio_PrivateKey_ex(bio, NULL, NULL, password, o->libctx,
            NULL);
        assert_non_null(back);
        assert_int_equal(EVP_PKEY_eq(back, key), 1);
        EVP_PKEY_free(back);
        BIO_free(bio);
    }
    EVP_PKEY_free(key);
    EVP_PKEY_free(ours);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        OSSL_BOTH(legacy_ec_key__signs),
        OSSL_BOTH(legacy_rsa_key__signs),
        OSSL_BOTH(software_keys__sign_after_import),
        OSSL_BOTH(ed25519__is_not_ours),
        OSSL_BOTH(public_key__has_no_private_half),
        OSSL_BOTH(software_key__copies),
        OSSL_BOTH(software_key__answers_questions),
        OSSL_BOTH(software_keys__are_checked),
        OSSL_BOTH(curve__takes_a_public_point),
        OSSL_BOTH(ecdh__agrees),
        OSSL_BOTH(rsa__encrypts_and_decrypts),
        OSSL_BOTH(rsa_signature__gives_its_digest_back),
        OSSL_BOTH(software_key__is_written_and_read),
    };

    return cmocka_run_group_tests(tests, ossl_group_setup,
        ossl_group_teardown);
}
