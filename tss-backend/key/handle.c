/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/key-private.h"

#include "key/public.h"

#include <string.h>

/* Keys that stand in the chip under a persistent handle: not loaded by us,
 * and so never flushed. */

/*
 * The key of another program may be anything. One that only decrypts for the
 * chip itself, a storage key, does nothing for the host.
 */
static int
check(uint32_t handle, const TPMT_PUBLIC *public)
{
    TPMA_OBJECT attributes = public->objectAttributes;
    int rc = public_check(public);

    if (rc == SCU_E_KEYFILE) /* of a file it would be the file's fault */
        return err_set(SCU_E_CHIP, "the chip's answer about the key at "
            "0x%08x does not fit itself", handle);
    if (rc != SCU_OK)
        return err_prefix(rc, "the object at 0x%08x: ", handle);
    if ((attributes & TPMA_OBJECT_SIGN_ENCRYPT) == 0)
        return err_set(SCU_E_USAGE, "the key at 0x%08x does not sign: it is "
            "a %s key", handle, (attributes & TPMA_OBJECT_RESTRICTED) != 0 ?
            "storage" : "decryption");
    if ((attributes & TPMA_OBJECT_USERWITHAUTH) == 0)
        return err_set(SCU_E_UNSUPPORTED, "the key at 0x%08x is used by its "
            "policy only (userWithAuth is clear): policies are not supported "
            "yet", handle);
    return SCU_OK;
}

struct meeting {
    uint32_t handle;
    struct keyfile file;
};

static int
meet(struct scu_chip *chip, void *arg)
{
    struct meeting *m = arg;
    TPM2B_NAME name = { 0 };
    int rc = chip_read_public(chip, m->handle, false, &m->file.public, &name);

    if (rc == SCU_E_NOT_FOUND)
        return err_set(rc, "the chip has no key at 0x%08x: "
            "`tpm2_getcap handles-persistent` lists what it has", m->handle);
    return rc == SCU_OK ? check(m->handle, &m->file.public.publicArea) : rc;
}

int
scu_key_from_handle(struct scu_chip *chip, uint32_t handle,
    struct scu_key **key)
{
    struct meeting m = { .handle = handle };
    int rc;

    *key = NULL;
    if (chip == NULL)
        return err_set(SCU_E_ARG, "no chip");
    if (handle >> TPM2_HR_SHIFT != TPM2_HT_PERSISTENT)
        return err_set(SCU_E_ARG, "0x%08x is no persistent handle: these are "
            "0x81000000 to 0x81ffffff", handle);
    rc = chip_perform(chip, CHIP_REPEATABLE, meet, &m);
    if (rc != SCU_OK)
        return rc;
    m.file.parent = handle;
    m.file.in_chip = true;
    /* Nobody can ask the chip. With a wrong guess the first use says so. */
    m.file.empty_auth = true;
    return key_new(chip, &m.file, key);
}

bool
scu_key_handle(const struct scu_key *key, uint32_t *handle)
{
    *handle = key->file.in_chip ? key->file.parent : 0;
    return key->file.in_chip;
}
