/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/key-private.h"

#include "key/pem.h"
#include "key/public.h"
#include "key/sigformat.h"
#include "key/template.h"
#include "secret.h"

#include <stdlib.h>
#include <string.h>

/* Where `scu provision` puts the storage key. */
#define STORAGE_HANDLE 0x81000001U

#define DEFAULT_EXPONENT 65537

/* --- making ---------------------------------------------------------------*/

/*
 * A hierarchy as the parent means the storage key made there from template
 * H-2; that of the owner stands pinned at STORAGE_HANDLE.
 */
static void
set_place(struct scu_key *key)
{
    TPM2_HANDLE handle = key->file.parent;
    bool hierarchy = handle >> TPM2_HR_SHIFT == TPM2_HT_PERMANENT;

    if (key->file.in_chip) {
        key->object.persistent = true;
        key->object.handle = handle;
        return;
    }
    key->object.parent = &key->parent;
    if (handle == STORAGE_HANDLE ||
        (handle == TPM2_RH_OWNER && !key->file.rsa_parent)) {
        key->object.parent = &key->chip->storage;
    } else if (!hierarchy) {
        key->parent.persistent = true;
        key->parent.handle = handle;
    } else {
        key->parent.hierarchy = handle;
        if (key->file.rsa_parent)
            template_storage_rsa(&key->parent.public);
        else
            template_storage_ecc(&key->parent.public);
    }
}

static void
pad(uint8_t *out, size_t size, const TPM2B_ECC_PARAMETER *in)
{
    memset(out, 0, size - in->size);
    memcpy(out + size - in->size, in->buffer, in->size);
}

/* The sizes were checked by public_check(). */
static void
set_public(struct scu_key *key)
{
    const TPMT_PUBLIC *area = &key->object.public.publicArea;
    struct scu_public *public = &key->public;

    if (area->type == TPM2_ALG_RSA) {
        public->kind = SCU_KIND_RSA;
        public->n = area->unique.rsa.buffer;
        public->n_len = area->unique.rsa.size;
        public->e = area->parameters.rsaDetail.exponent;
        if (public->e == 0)
            public->e = DEFAULT_EXPONENT;
        return;
    }
    public->kind = SCU_KIND_EC;
    public->xy_len = key->alg->size;
    pad(key->x, public->xy_len, &area->unique.ecc.x);
    pad(key->y, public->xy_len, &area->unique.ecc.y);
    public->x = key->x;
    public->y = key->y;
}

int
key_new(struct scu_chip *chip, struct keyfile *file, struct scu_key **key)
{
    struct scu_key *k = calloc(1, sizeof(*k));

    *key = NULL;
    if (k == NULL) {
        keyfile_clear(file);
        return err_memory();
    }
    atomic_init(&k->refs, 1);
    k->chip = chip;
    k->file = *file;
    memset(file, 0, sizeof(*file));
    k->object.public = k->file.public;
    k->object.private = k->file.private;
    k->alg = alg_of_public(&k->object.public.publicArea);
    set_place(k);
    set_public(k);
    *key = k;
    return SCU_OK;
}

int
key_from_row(struct scu_chip *chip, const uint8_t *der, size_t len,
    struct scu_key **key)
{
    struct keyfile file;
    int rc = keyfile_read_stored(der, len, &file);

    *key = NULL;
    return rc == SCU_OK ? key_new(chip, &file, key) : rc;
}

int
key_to_row(const struct scu_key *key, uint8_t **out, size_t *len)
{
    return keyfile_write(&key->file, out, len);
}

int
scu_key_from_der(struct scu_chip *chip, const uint8_t *der, size_t len,
    struct scu_key **key)
{
    struct keyfile file;
    int rc;

    *key = NULL;
    if (chip == NULL || der == NULL)
        return err_set(SCU_E_ARG, "no chip or no key file");
    rc = keyfile_read(der, len, &file);
    return rc == SCU_OK ? key_new(chip, &file, key) : rc;
}

int
scu_key_from_pem(struct scu_chip *chip, const char *pem, size_t len,
    struct scu_key **key)
{
    uint8_t *der = NULL;
    size_t der_len = 0;
    int rc;

    *key = NULL;
    if (chip == NULL || pem == NULL)
        return err_set(SCU_E_ARG, "no chip or no key file");
    rc = pem_decode(pem, len, &der, &der_len);
    if (rc == SCU_OK)
        rc = scu_key_from_der(chip, der, der_len, key);
    free(der);
    return rc;
}

int
scu_key_to_der(const struct scu_key *key, uint8_t **out, size_t *len)
{
    *out = NULL;
    *len = 0;
    if (key->file.in_chip)
        return err_set(SCU_E_UNSUPPORTED, "the key stands in the chip at "
            "0x%08x: there is no file of it", key->file.parent);
    return keyfile_write(&key->file, out, len);
}

int
scu_key_to_pem(const struct scu_key *key, char **out, size_t *len)
{
    uint8_t *der = NULL;
    size_t der_len = 0;
    int rc;

    *out = NULL;
    *len = 0;
    rc = scu_key_to_der(key, &der, &der_len);
    if (rc == SCU_OK)
        rc = pem_encode(der, der_len, out, len);
    free(der);
    return rc;
}

/* --- life -----------------------------------------------------------------*/

struct scu_key *
scu_key_ref(struct scu_key *key)
{
    (void)atomic_fetch_add(&key->refs, 1);
    return key;
}

void
scu_key_free(struct scu_key **key)
{
    struct scu_key *k = key == NULL ? NULL : *key;
    struct secret *fresh;

    if (k == NULL)
        return;
    *key = NULL;
    if (atomic_fetch_sub(&k->refs, 1) != 1)
        return;
    chip_release(k->chip, &k->object);
    chip_release(k->chip, &k->parent);
    fresh = atomic_exchange(&k->fresh, NULL);
    secret_free(&fresh);
    secret_free(&k->password);
    keyfile_clear(&k->file);
    free(k);
}

/* --- what it is -----------------------------------------------------------*/

const struct scu_alg *
scu_key_alg(const struct scu_key *key)
{
    return key->alg;
}

void
scu_key_public(const struct scu_key *key, struct scu_public *out)
{
    *out = key->public;
}

static bool
has(const struct scu_key *key, TPMA_OBJECT attributes)
{
    return (key->object.public.publicArea.objectAttributes & attributes) ==
        attributes;
}

bool
scu_key_can_sign(const struct scu_key *key)
{
    return has(key, TPMA_OBJECT_SIGN_ENCRYPT);
}

bool
scu_key_can_decrypt(const struct scu_key *key)
{
    return has(key, TPMA_OBJECT_DECRYPT);
}

bool
scu_key_is_native(const struct scu_key *key)
{
    return has(key, TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
        TPMA_OBJECT_SENSITIVEDATAORIGIN);
}

bool
scu_key_is_restricted(const struct scu_key *key)
{
    return has(key, TPMA_OBJECT_RESTRICTED);
}

size_t
scu_key_signature_size(const struct scu_key *key)
{
    if (key->public.kind == SCU_KIND_RSA)
        return key->public.n_len;
    return sigformat_ecdsa_size(key->public.xy_len);
}

int
key_permits(const struct scu_key *key, TPMA_OBJECT attributes)
{
    if (!has(key, TPMA_OBJECT_USERWITHAUTH))
        return err_set(SCU_E_UNSUPPORTED, "the key is used by its policy "
            "only (userWithAuth is clear): policies are not supported yet");
    if (!has(key, attributes))
        return err_set(SCU_E_USAGE, "the key was made without the attribute "
            "\"%s\"", (attributes & TPMA_OBJECT_DECRYPT) != 0 ? "decrypt" :
            "sign");
    if (has(key, TPMA_OBJECT_RESTRICTED))
        return err_set(SCU_E_USAGE, "the key is restricted: it works on what "
            "the chip itself made, not on the host's data");
    return SCU_OK;
}

/* --- password -------------------------------------------------------------*/

bool
scu_key_needs_password(const struct scu_key *key)
{
    return !key->file.empty_auth;
}

int
scu_key_set_password(struct scu_key *key, const void *password, size_t len)
{
    struct secret *fresh;

    if (password == NULL && len > 0)
        return err_set(SCU_E_ARG, "no password");
    fresh = secret_new(password, len);
    if (fresh == NULL)
        return err_memory();
    /* One that no operation took yet is nobody else's. */
    fresh = atomic_exchange(&key->fresh, fresh);
    secret_free(&fresh);
    return SCU_OK;
}

/* A password longer than the nameAlg's hash is none that a chip takes. */
static int
take_password(struct scu_chip *chip, struct scu_key *key)
{
    TPMI_ALG_HASH hash = key->object.public.publicArea.nameAlg;
    struct secret *fresh = atomic_exchange(&key->fresh, NULL);
    struct secret *short_one;
    struct bytes part;
    int rc;

    if (fresh == NULL)
        return SCU_OK;
    if (fresh->len > crypto_hash_size(hash)) {
        part = (struct bytes){ fresh->data, fresh->len };
        short_one = secret_new(NULL, crypto_hash_size(hash));
        rc = short_one == NULL ? err_memory() :
            crypto_hash(chip->crypto, hash, &part, 1, short_one->data);
        secret_free(&fresh);
        fresh = short_one;
        if (rc != SCU_OK) {
            secret_free(&fresh);
            return rc;
        }
    }
    secret_free(&key->password);
    key->password = fresh;
    return SCU_OK;
}

struct copying {
    struct scu_key *key;
    struct secret **copy;
};

static int
copy_password(struct scu_chip *chip, void *arg)
{
    struct copying *c = arg;
    int rc = take_password(chip, c->key);

    if (rc != SCU_OK || c->key->password == NULL)
        return rc;
    *c->copy = secret_new(c->key->password->data, c->key->password->len);
    return *c->copy == NULL ? err_memory() : SCU_OK;
}

int
key_copy_password(const struct scu_key *key, struct secret **copy)
{
    struct copying c = { .copy = copy };

    /* What changes in it, the caller does not see. */
    memcpy(&c.key, &key, sizeof(c.key));
    *copy = NULL;
    return chip_perform(key->chip, CHIP_OFFLINE, copy_password, &c);
}

static int
forget_password(struct scu_chip *chip, void *arg)
{
    struct scu_key *key = arg;
    struct secret *fresh = atomic_exchange(&key->fresh, NULL);

    (void)chip;
    secret_free(&fresh);
    secret_free(&key->password);
    return SCU_OK;
}

void
key_forget_password(struct scu_key *key)
{
    (void)chip_perform(key->chip, CHIP_OFFLINE, forget_password, key);
    chip_release(key->chip, &key->object);
}

/* --- use ------------------------------------------------------------------*/

int
key_ready(struct scu_chip *chip, struct scu_key *key, TPM2_HANDLE *handle)
{
    struct chip_object *object = &key->object;
    int rc;

    if ((rc = take_password(chip, key)) != SCU_OK)
        return rc;
    if (key->password == NULL && !key->file.empty_auth)
        return err_set(SCU_E_AUTH_NEEDED, "the key file says that the key has "
            "a password, and none was given (where it has none, give the "
            "empty one)");
    if (object->name.size == 0 && (rc = crypto_name(chip->crypto,
            &object->public.publicArea, &object->name)) != SCU_OK)
        return rc;
    rc = chip_object_use(chip, object, handle);
    if (rc == SCU_E_FOREIGN_KEY)
        return err_prefix(rc, "the chip does not take the key below its "
            "parent 0x%08x: ", key->file.parent);
    return rc;
}

/* A loaded key can be loaded anew, one that was to stand there for good not. */
static int
gone(const struct scu_key *key, TPM2_HANDLE handle, const char *instead)
{
    return err_set(key->file.in_chip ? SCU_E_FOREIGN_KEY : SCU_E_LOST,
        "the key is not in the chip any more: %s has its handle 0x%08x now",
        instead, handle);
}

/*
 * The chip says that the authorisation is wrong. It says the same where, after
 * a reset, the handles of session and key are somebody else's. So the session
 * and the Name behind the handle are proven first.
 */
static int
confirm_refusal(struct scu_chip *chip, struct scu_key *key,
    TPM2_HANDLE handle)
{
    TPM2B_PUBLIC public = { 0 };
    TPM2B_NAME name = { 0 };
    int rc = chip_read_public(chip, handle, false, &public, &name);

    if (rc == SCU_E_NOT_FOUND)
        return gone(key, handle, "nothing");
    if (rc != SCU_OK)
        return rc;
    chip->doubted = false;
    if (name.size != key->object.name.size ||
        memcmp(name.name, key->object.name.name, name.size) != 0)
        return gone(key, handle, "another key");
    return err_set(SCU_E_AUTH, "the password of the key is wrong");
}

int
key_run(struct scu_chip *chip, struct scu_key *key, TPM2_HANDLE handle,
    TPM2_CC code)
{
    const struct chip_command command = {
        .code = code,
        .handles = 1,
        .names = { &key->object.name },
        .auths = 1,
        .auth = { { .value = key->password } },
    };
    int rc;

    chip->doubted = false;
    rc = chip_run(chip, &command);
    if (rc == SCU_E_AUTH || chip->doubted)
        return confirm_refusal(chip, key, handle);
    return rc == SCU_E_NOT_FOUND && key->file.in_chip ?
        gone(key, handle, "nothing") : rc;
}
