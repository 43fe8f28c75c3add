/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/session.h"

#include "base/error.h"

#include <endian.h>
#include <string.h>

#define MAX_AUTH CRYPTO_MAX_DIGEST
#define CFB_KEY 16
#define CFB_IV 16

static struct bytes
nonce_bytes(const TPM2B_NONCE *nonce)
{
    return (struct bytes){ nonce->buffer, nonce->size };
}

size_t
session_auth_len(const struct secret *auth)
{
    size_t len = auth == NULL ? 0 : auth->len;

    while (len > 0 && auth->data[len - 1] == 0)
        len--;
    return len;
}

int
session_make_key(struct crypto *crypto, struct session *session,
    struct bytes salt)
{
    int rc = crypto_kdfa(crypto, salt, "ATH", nonce_bytes(&session->tpm),
        nonce_bytes(&session->caller), 8 * sizeof(session->key),
        session->key);

    session->key_len = rc == SCU_OK ? sizeof(session->key) : 0;
    return rc;
}

void
session_clear(struct session *session)
{
    explicit_bzero(session, sizeof(*session));
}

int
session_cp_hash(struct crypto *crypto, TPM2_CC code,
    const TPM2B_NAME *const *names, size_t n, struct bytes parameters,
    uint8_t *out)
{
    uint32_t cc = htobe32(code);
    struct bytes parts[5] = { { &cc, sizeof(cc) } };
    size_t count = 1;

    if (n > 3)
        return err_set(SCU_E_INTERNAL, "a command with %zu handles", n);
    for (size_t i = 0; i < n; i++)
        parts[count++] = (struct bytes){ names[i]->name, names[i]->size };
    parts[count++] = parameters;
    return crypto_hash(crypto, TPM2_ALG_SHA256, parts, count, out);
}

int
session_rp_hash(struct crypto *crypto, TPM2_CC code, struct bytes parameters,
    uint8_t *out)
{
    uint32_t rc = 0;
    uint32_t cc = htobe32(code);
    const struct bytes parts[] = {
        { &rc, sizeof(rc) },
        { &cc, sizeof(cc) },
        parameters,
    };

    return crypto_hash(crypto, TPM2_ALG_SHA256, parts, 3, out);
}

/* sessionKey || authValue; the room is for both at their longest. */
static int
join_key(const struct session *session, const struct secret *auth,
    uint8_t key[CRYPTO_SHA256_SIZE + MAX_AUTH], size_t *len)
{
    size_t auth_len = session_auth_len(auth);

    if (auth_len > MAX_AUTH)
        return err_set(SCU_E_ARG, "an authorisation value of more than %d "
            "octets", MAX_AUTH);
    memcpy(key, session->key, session->key_len);
    if (auth_len > 0)
        memcpy(key + session->key_len, auth->data, auth_len);
    *len = session->key_len + auth_len;
    return SCU_OK;
}

int
session_hmac(struct crypto *crypto, const struct session *session,
    const struct secret *auth, const struct session_mac *mac,
    TPM2B_DIGEST *out)
{
    uint8_t key[CRYPTO_SHA256_SIZE + MAX_AUTH] = { 0 };
    uint8_t attributes = (uint8_t)mac->attributes;
    const struct bytes parts[] = {
        { mac->hash, CRYPTO_SHA256_SIZE },
        nonce_bytes(mac->newer),
        nonce_bytes(mac->older),
        mac->decrypt,
        mac->encrypt,
        { &attributes, sizeof(attributes) },
    };
    bool covers_auth =
        session->type == TPM2_SE_HMAC || session->with_auth_value;
    size_t len = 0;
    int rc;

    out->size = 0;
    rc = join_key(session, covers_auth ? auth : NULL, key, &len);
    if (rc == SCU_OK)
        rc = crypto_hmac(crypto, (struct bytes){ key, len }, parts, 6,
            out->buffer);
    if (rc == SCU_OK)
        out->size = CRYPTO_SHA256_SIZE;
    explicit_bzero(key, sizeof(key));
    return rc;
}

int
session_crypt(struct crypto *crypto, const struct session *session,
    const struct secret *auth, const struct session_param *param)
{
    uint8_t key[CRYPTO_SHA256_SIZE + MAX_AUTH] = { 0 };
    uint8_t cfb[CFB_KEY + CFB_IV] = { 0 };
    size_t len = 0;
    int rc;

    /* Policy sessions encrypt with the authValue too, always. */
    rc = join_key(session, auth, key, &len);
    if (rc == SCU_OK)
        rc = crypto_kdfa(crypto, (struct bytes){ key, len }, "CFB",
            nonce_bytes(param->newer), nonce_bytes(param->older),
            8 * sizeof(cfb), cfb);
    if (rc == SCU_OK)
        rc = crypto_cfb(crypto, cfb, cfb + CFB_KEY, param->encrypt,
            param->data, param->len);
    explicit_bzero(key, sizeof(key));
    explicit_bzero(cfb, sizeof(cfb));
    return rc;
}
