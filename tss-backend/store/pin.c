/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/token-private.h"

#include <string.h>

/*
 * Cheap on purpose (256 KiB, half a millisecond): there is nothing that a PIN
 * could be tried against without the chip, and the chip counts. The cost only
 * matters to who has the owner authorisation and defines the index anew: he is
 * held up by one command of the chip for each guess, which takes longer still.
 * Each login pays it, and devices with little memory as well.
 */
const struct crypto_cost pin_cost = { .n = 256, .r = 8, .p = 1 };

int
pin_check_length(const void *pin, size_t len)
{
    if (pin == NULL || len < SCU_PIN_MIN || len > SCU_PIN_MAX)
        return err_set(SCU_E_PIN_LENGTH, "a PIN has %d to %d octets",
            SCU_PIN_MIN, SCU_PIN_MAX);
    return SCU_OK;
}

int
pin_derive(struct crypto *crypto, const struct token_row *row,
    enum scu_user who, struct bytes pin, struct pin_auths *auths)
{
    const struct bytes salt = { row->salt[who], TOKEN_SALT_SIZE };
    struct secret *root = secret_new(NULL, CRYPTO_SHA256_SIZE);
    struct bytes key = { NULL, 0 };
    int rc = SCU_E_MEMORY;

    auths->index = secret_new(NULL, CRYPTO_SHA256_SIZE);
    auths->seal = secret_new(NULL, CRYPTO_SHA256_SIZE);
    if (root == NULL || auths->index == NULL || auths->seal == NULL) {
        rc = err_memory();
        goto out;
    }
    key = (struct bytes){ root->data, root->len };
    if ((rc = crypto_scrypt(crypto, pin, salt, &row->cost, root->data,
            root->len)) != SCU_OK ||
        (rc = crypto_hkdf(crypto, key, "idx", auths->index->data)) !=
            SCU_OK ||
        (rc = crypto_hkdf(crypto, key, "seal", auths->seal->data)) != SCU_OK)
        goto out;
out:
    secret_free(&root);
    if (rc != SCU_OK)
        pin_auths_free(auths);
    return rc;
}

void
pin_auths_free(struct pin_auths *auths)
{
    secret_free(&auths->index);
    secret_free(&auths->seal);
}

/*
 * PolicyAuthValue, since who has the owner authorisation can define an index
 * of the same Name with an authValue of his own: then it is the blob's own
 * that still needs the PIN.
 */
void
pin_blob_policy(const struct pin_index *index, struct policy *policy)
{
    *policy = (struct policy){ .n = 2, .step = {
        { .kind = POLICY_SECRET, .name = index->name },
        { .kind = POLICY_AUTH_VALUE },
    } };
}
