/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/key-private.h"

#include "key/software.h"
#include "secret.h"

#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

/*
 * A private key on its way into the chip (TPM 2.0 Part 1, 23.3): its sensitive
 * area, encrypted and authenticated under keys from a seed that is encrypted
 * to the storage key. There is no inner wrapping.
 */

struct reading {
    struct bytes file, passphrase;
    struct scu_import *import;
};

static int
read_software(struct scu_chip *chip, void *arg)
{
    struct reading *r = arg;

    return software_read(chip->crypto, r->file, r->passphrase, r->import);
}

int
scu_import_read(struct scu_chip *chip, const void *data, size_t len,
    const void *passphrase, size_t passphrase_len, struct scu_import **import)
{
    struct reading r = {
        .file = { data, len }, .passphrase = { passphrase, passphrase_len },
    };
    int rc;

    *import = NULL;
    if (chip == NULL || data == NULL)
        return err_set(SCU_E_ARG, "no chip or no private key");
    r.import = calloc(1, sizeof(*r.import));
    if (r.import == NULL)
        return err_memory();
    rc = chip_perform(chip, CHIP_OFFLINE, read_software, &r);
    if (rc != SCU_OK)
        scu_import_free(&r.import);
    *import = r.import;
    return rc;
}

void
scu_import_free(struct scu_import **import)
{
    if (import == NULL || *import == NULL)
        return;
    software_clear(*import);
    free(*import);
    *import = NULL;
}

const struct scu_alg *
scu_import_alg(const struct scu_import *import)
{
    return import->alg;
}

/* --- wrapping --------------------------------------------------------------*/

#define SEED_KEY_SIZE 16 /* AES-128, as the storage key has it */

struct importing {
    const struct scu_import *import;
    struct bytes password;
    TPM2B_NAME name;
    TPM2B_PRIVATE duplicate;
    TPM2B_ENCRYPTED_SECRET seed;
    struct keyfile file;
};

/* The sensitive area, marshalled; the caller wipes out. */
static int
marshal_sensitive(struct scu_chip *chip, const struct importing *i,
    uint8_t *out, size_t size, size_t *len)
{
    const struct scu_import *import = i->import;
    TPM2B_SENSITIVE whole = { 0 };
    TPMT_SENSITIVE *area = &whole.sensitiveArea;
    TPM2B_PRIVATE_KEY_RSA *rsa = &area->sensitive.rsa;
    TPM2B_ECC_PARAMETER *ecc = &area->sensitive.ecc;
    int rc = key_auth(chip, i->password, &area->authValue);

    area->sensitiveType = import->public.publicArea.type;
    if (rc == SCU_OK && import->alg->kind == SCU_KIND_RSA)
        rc = b2_set(&rsa->size, rsa->buffer, sizeof(rsa->buffer),
            import->private->data, import->private->len);
    else if (rc == SCU_OK)
        rc = b2_set(&ecc->size, ecc->buffer, sizeof(ecc->buffer),
            import->private->data, import->private->len);
    *len = 0;
    if (rc == SCU_OK)
        rc = err_tss(Tss2_MU_TPM2B_SENSITIVE_Marshal(&whole, out, size, len),
            "sensitive area");
    explicit_bzero(&whole, sizeof(whole));
    return rc;
}

/*
 * duplicate := HMAC || encrypted, both sizes in front. data is encrypted in
 * place. Each wrapping has a seed of its own, so the IV is zero.
 */
static int
seal(struct crypto *crypto, struct importing *i, struct bytes seed,
    uint8_t *data, size_t len)
{
    static const uint8_t iv[16];
    const struct bytes none = { NULL, 0 };
    const struct bytes name = { i->name.name, i->name.size };
    const struct bytes parts[] = { { data, len }, name };
    uint8_t key[SEED_KEY_SIZE], mac_key[CRYPTO_SHA256_SIZE];
    TPM2B_DIGEST mac = { .size = CRYPTO_SHA256_SIZE };
    size_t at = 0;
    int rc;

    if ((rc = crypto_kdfa(crypto, seed, "STORAGE", name, none,
            8 * sizeof(key), key)) != SCU_OK ||
        (rc = crypto_cfb(crypto, key, iv, true, data, len)) != SCU_OK ||
        (rc = crypto_kdfa(crypto, seed, "INTEGRITY", none, none,
            8 * sizeof(mac_key), mac_key)) != SCU_OK ||
        (rc = crypto_hmac(crypto, (struct bytes){ mac_key, sizeof(mac_key) },
            parts, 2, mac.buffer)) != SCU_OK ||
        (rc = err_tss(Tss2_MU_TPM2B_DIGEST_Marshal(&mac,
            i->duplicate.buffer, sizeof(i->duplicate.buffer), &at),
            "integrity")) != SCU_OK)
        goto out;
    if (len > sizeof(i->duplicate.buffer) - at) {
        rc = err_set(SCU_E_INTERNAL, "a sensitive area of %zu octets", len);
        goto out;
    }
    memcpy(i->duplicate.buffer + at, data, len);
    i->duplicate.size = (uint16_t)(at + len);
out:
    explicit_bzero(key, sizeof(key));
    explicit_bzero(mac_key, sizeof(mac_key));
    return rc;
}

static int
wrap(struct scu_chip *chip, struct importing *i)
{
    uint8_t seed[CRYPTO_MAX_DIGEST], data[sizeof(TPM2B_SENSITIVE)];
    size_t seed_len = sizeof(seed), len = 0;
    int rc;

    memset(&i->seed, 0, sizeof(i->seed));
    if ((rc = crypto_name(chip->crypto, &i->import->public.publicArea,
            &i->name)) != SCU_OK ||
        (rc = crypto_seed(chip->crypto, &chip->storage.public.publicArea,
            seed, &seed_len, &i->seed)) != SCU_OK ||
        (rc = marshal_sensitive(chip, i, data, sizeof(data), &len)) != SCU_OK)
        goto out;
    rc = seal(chip->crypto, i, (struct bytes){ seed, seed_len }, data, len);
out:
    explicit_bzero(seed, sizeof(seed));
    explicit_bzero(data, sizeof(data));
    return rc;
}

/* --- the command -----------------------------------------------------------*/

static int
import_run(struct scu_chip *chip, struct importing *i, TPM2_HANDLE parent)
{
    const struct chip_command command = {
        .code = TPM2_CC_Import, .handles = 1, .auths = 1,
        .names = { &chip->storage.name },
    };
    const TPM2B_DATA no_key = { 0 };
    const TPMT_SYM_DEF_OBJECT no_wrapping = { .algorithm = TPM2_ALG_NULL };
    int rc;

    memset(&i->file, 0, sizeof(i->file));
    rc = chip_prepared(Tss2_Sys_Import_Prepare(chip->sys, parent, &no_key,
        &i->import->public, &i->duplicate, &i->seed, &no_wrapping),
        command.code);
    if (rc == SCU_OK && (rc = chip_run(chip, &command)) == SCU_E_UNSUPPORTED)
        return err_prefix(rc, "a key %s: ", i->import->alg->name);
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_Import_Complete(chip->sys,
            &i->file.private), command.code);
    return rc;
}

static int
import(struct scu_chip *chip, void *arg)
{
    struct importing *i = arg;
    TPM2_HANDLE parent = 0;
    int rc = chip_object_use(chip, &chip->storage, &parent);

    if (rc == SCU_OK)
        rc = wrap(chip, i);
    if (rc == SCU_OK)
        rc = import_run(chip, i, parent);
    i->file.parent = parent;
    i->file.public = i->import->public;
    return rc;
}

int
scu_key_import(struct scu_chip *chip, const struct scu_import *software,
    const void *password, size_t len, struct scu_key **key)
{
    struct importing i = {
        .import = software, .password = { password, len },
    };
    int rc;

    *key = NULL;
    if (chip == NULL || software == NULL || (password == NULL && len > 0))
        return err_set(SCU_E_ARG, "no chip, no private key or no password");
    rc = chip_perform(chip, CHIP_REPEATABLE, import, &i);
    if (rc != SCU_OK)
        return rc;
    i.file.empty_auth = len == 0;
    rc = key_new(chip, &i.file, key);
    if (rc == SCU_OK && len > 0)
        rc = scu_key_set_password(*key, password, len);
    if (rc != SCU_OK)
        scu_key_free(key);
    return rc;
}
