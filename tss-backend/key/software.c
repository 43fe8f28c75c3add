/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/software.h"

#include "base/error.h"
#include "key/template.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#define FILE_MAX 65536
#define EXPONENT 65537

/* --- the file --------------------------------------------------------------*/

struct asking {
    struct bytes passphrase;
    bool asked;
};

static int
give_passphrase(char *out, size_t size, size_t *len,
    const OSSL_PARAM params[], void *arg)
{
    struct asking *a = arg;

    (void)params;
    *len = 0;
    a->asked = true;
    if (a->passphrase.data == NULL || a->passphrase.len > size)
        return 0;
    memcpy(out, a->passphrase.data, a->passphrase.len);
    *len = a->passphrase.len;
    return 1;
}

static EVP_PKEY *
decode(struct crypto *crypto, struct bytes file, struct asking *asking)
{
    const unsigned char *p = file.data;
    size_t len = file.len;
    EVP_PKEY *key = NULL;
    OSSL_DECODER_CTX *ctx = OSSL_DECODER_CTX_new_for_pkey(&key, NULL, NULL,
        NULL, EVP_PKEY_KEYPAIR, crypto_lib(crypto), NULL);

    if (ctx == NULL ||
        OSSL_DECODER_CTX_set_passphrase_cb(ctx, give_passphrase, asking) !=
        1 || OSSL_DECODER_from_data(ctx, &p, &len) != 1) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    OSSL_DECODER_CTX_free(ctx);
    return key;
}

/* What is in the file, where it is something else; else NULL. */
static const char *
recognise(struct bytes file)
{
    static const struct {
        const char *begin, *what;
    } blocks[] = {
        { "-----BEGIN TSS2 PRIVATE KEY", "a key file of a chip: `scu key "
            "adopt` takes it" },
        { "-----BEGIN OPENSSH PRIVATE KEY", "in OpenSSH's own format: "
            "`ssh-keygen -p -m PKCS8 -f FILE` changes it" },
        { "-----BEGIN PUBLIC KEY", "a public key" },
        { "-----BEGIN CERTIFICATE", "a certificate" },
    };

    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
        if (memmem(file.data, file.len, blocks[i].begin,
            strlen(blocks[i].begin)) != NULL)
            return blocks[i].what;
    return NULL;
}

static int
explain(struct bytes file, const struct asking *asking)
{
    const char *what = recognise(file);

    if (asking->asked && asking->passphrase.data == NULL)
        return err_set(SCU_E_AUTH_NEEDED, "the private key is encrypted: its "
            "passphrase is needed");
    if (asking->asked)
        return err_set(SCU_E_AUTH, "the passphrase of the private key is "
            "wrong, or the file is damaged");
    if (what != NULL)
        return err_set(SCU_E_KEYFILE, "not a private key in software but %s",
            what);
    return err_set(SCU_E_KEYFILE, "not a private key: PEM or DER of PKCS#8, "
        "or the traditional form of an RSA or EC key, is needed");
}

/* --- the key ---------------------------------------------------------------*/

/* A number of the key's, padded to len octets; false where it is longer. */
static bool
take_number(const EVP_PKEY *key, const char *name, uint8_t *out, size_t len)
{
    BIGNUM *number = NULL;
    bool ok = EVP_PKEY_get_bn_param(key, name, &number) == 1 &&
        BN_bn2binpad(number, out, (int)len) == (int)len;

    BN_clear_free(number);
    return ok;
}

static bool
has_number(const EVP_PKEY *key, const char *name)
{
    BIGNUM *number = NULL;
    bool ok = EVP_PKEY_get_bn_param(key, name, &number) == 1;

    BN_clear_free(number);
    return ok;
}

static int
no_private(void)
{
    return err_set(SCU_E_KEYFILE, "the file has a public key only");
}

static int
take_ec(const EVP_PKEY *key, struct scu_import *import)
{
    TPMS_ECC_POINT *point = &import->public.publicArea.unique.ecc;
    size_t size = import->alg->size;

    point->x.size = point->y.size = (uint16_t)size;
    if (!has_number(key, OSSL_PKEY_PARAM_PRIV_KEY))
        return no_private();
    if (!take_number(key, OSSL_PKEY_PARAM_PRIV_KEY, import->private->data,
            size) ||
        !take_number(key, OSSL_PKEY_PARAM_EC_PUB_X, point->x.buffer, size) ||
        !take_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, point->y.buffer, size))
        return err_set(SCU_E_KEYFILE, "the numbers of the EC key do not fit "
            "its curve");
    return SCU_OK;
}

/* A chip takes keys of two primes, each half as long as the modulus. */
static int
take_rsa(const EVP_PKEY *key, struct scu_import *import)
{
    TPM2B_PUBLIC_KEY_RSA *n = &import->public.publicArea.unique.rsa;
    BIGNUM *e = NULL;
    bool usual;

    if (!has_number(key, OSSL_PKEY_PARAM_RSA_D))
        return no_private();
    usual = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
        BN_is_word(e, EXPONENT) == 1;
    BN_free(e);
    if (!usual)
        return err_set(SCU_E_UNSUPPORTED, "the public exponent of the RSA key "
            "is not %d", EXPONENT);
    n->size = import->alg->size;
    if (has_number(key, OSSL_PKEY_PARAM_RSA_FACTOR3) ||
        !take_number(key, OSSL_PKEY_PARAM_RSA_N, n->buffer, n->size) ||
        !take_number(key, OSSL_PKEY_PARAM_RSA_FACTOR1, import->private->data,
            import->private->len) || import->private->data[0] < 0x80)
        return err_set(SCU_E_UNSUPPORTED, "the RSA key is not of two primes "
            "that are half as long as the modulus");
    return SCU_OK;
}

static const struct scu_alg *
find_alg(const EVP_PKEY *key)
{
    bool rsa = EVP_PKEY_is_a(key, "RSA") == 1;
    const struct scu_alg *alg;
    char group[64] = "";

    if (!rsa && (EVP_PKEY_is_a(key, "EC") != 1 ||
        EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1))
        return NULL;
    for (size_t i = 0; (alg = scu_alg_at(i)) != NULL; i++)
        if (rsa ? alg->kind == SCU_KIND_RSA &&
            alg->bits == EVP_PKEY_get_bits(key) :
            alg->kind == SCU_KIND_EC && strcmp(alg->group, group) == 0)
            return alg;
    return NULL;
}

/* The halves belong together; the chip would not say clearly that not. */
static int
check_pair(struct crypto *crypto, EVP_PKEY *key)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(crypto_lib(crypto), key,
        NULL);
    int rc = SCU_OK;

    if (ctx == NULL)
        rc = err_memory();
    else if (EVP_PKEY_pairwise_check(ctx) != 1)
        rc = err_set(SCU_E_KEYFILE, "the private key and its public half do "
            "not belong together: the file is damaged");
    EVP_PKEY_CTX_free(ctx);
    return rc;
}

static int
no_alg(const EVP_PKEY *key)
{
    static const char *const ours =
        "the chip's are P-256, P-384, RSA-2048 and RSA-3072";
    const char *type = EVP_PKEY_get0_type_name(key);
    char group[64] = "";

    if (EVP_PKEY_is_a(key, "EC") == 1 &&
        EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1)
        return err_set(SCU_E_UNSUPPORTED, "an EC key on curve %s: %s", group,
            ours);
    return err_set(SCU_E_UNSUPPORTED, "a key of type %s with %d bits: %s",
        type == NULL ? "unknown" : type, EVP_PKEY_get_bits(key), ours);
}

static int
take(struct crypto *crypto, EVP_PKEY *key, struct scu_import *import)
{
    bool rsa;
    int rc;

    import->alg = find_alg(key);
    if (import->alg == NULL)
        return no_alg(key);
    rsa = import->alg->kind == SCU_KIND_RSA;
    template_imported(import->alg, &import->public);
    import->private = secret_new(NULL,
        rsa ? import->alg->size / 2U : import->alg->size);
    if (import->private == NULL)
        return err_memory();
    rc = rsa ? take_rsa(key, import) : take_ec(key, import);
    return rc == SCU_OK ? check_pair(crypto, key) : rc;
}

int
software_read(struct crypto *crypto, struct bytes file,
    struct bytes passphrase, struct scu_import *import)
{
    struct asking asking = { .passphrase = passphrase };
    EVP_PKEY *key;
    int rc;

    memset(import, 0, sizeof(*import));
    if (file.len == 0 || file.len > FILE_MAX)
        return err_set(SCU_E_KEYFILE, "a private key has 1 to %d octets, not "
            "%zu", FILE_MAX, file.len);
    (void)ERR_set_mark();
    key = decode(crypto, file, &asking);
    rc = key == NULL ? explain(file, &asking) : take(crypto, key, import);
    EVP_PKEY_free(key);
    (void)ERR_pop_to_mark();
    return rc;
}

void
software_clear(struct scu_import *import)
{
    secret_free(&import->private);
    memset(import, 0, sizeof(*import));
}
