/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/chip.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* The commands that the chip layer itself needs. */

void
chip_handle_name(TPM2_HANDLE handle, TPM2B_NAME *name)
{
    uint32_t be = htobe32(handle);

    memcpy(name->name, &be, sizeof(be));
    name->size = sizeof(be);
}

static int
start(struct scu_chip *chip, TPM2_SE type, TPM2_HANDLE salt_handle,
    const TPM2B_ENCRYPTED_SECRET *encrypted, struct session *session)
{
    const struct chip_command command = {
        .code = TPM2_CC_StartAuthSession, .clear = true,
    };
    const TPMT_SYM_DEF symmetric = {
        .algorithm = TPM2_ALG_AES,
        .keyBits.aes = 128,
        .mode.aes = TPM2_ALG_CFB,
    };
    int rc;

    session->tpm.size = 0;
    if ((rc = turn_expect(chip, REGISTRY_SESSION, NULL)) != SCU_OK)
        return rc;
    rc = chip_prepared(Tss2_Sys_StartAuthSession_Prepare(chip->sys,
        salt_handle, TPM2_RH_NULL, &session->caller, encrypted, type,
        &symmetric, TPM2_ALG_SHA256), command.code);
    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_StartAuthSession_Complete(chip->sys,
            &session->handle, &session->tpm), command.code);
    turn_made(chip, rc, session->handle, NULL);
    return rc;
}

static int
start_patiently(struct scu_chip *chip, TPM2_SE type, TPM2_HANDLE salt_handle,
    const TPM2B_ENCRYPTED_SECRET *encrypted, struct session *session)
{
    struct deadline end = deadline_in(CHIP_SLOT_WAIT_MS);
    int rc;

    while ((rc = start(chip, type, salt_handle, encrypted, session)) ==
        SCU_E_SLOTS)
        if (slots_make_room(chip, NULL, end) != SCU_OK)
            break;
    return rc;
}

/* The type of the handle must be what was asked for: it comes unprotected. */
static bool
handle_fits(const struct session *session)
{
    TPM2_HANDLE type = session->handle & TPM2_HR_RANGE_MASK;

    return type == (session->type == TPM2_SE_HMAC ?
        TPM2_HR_HMAC_SESSION : TPM2_HR_POLICY_SESSION);
}

int
chip_session_start(struct scu_chip *chip, TPM2_SE type,
    TPM2_HANDLE salt_handle, const TPMT_PUBLIC *salt_key,
    struct session *session)
{
    uint8_t salt[CRYPTO_MAX_DIGEST] = { 0 };
    size_t salt_len = sizeof(salt);
    TPM2B_ENCRYPTED_SECRET encrypted = { 0 };
    int rc;

    session_clear(session);
    session->type = type;
    session->caller.size = SESSION_NONCE_SIZE;
    if ((rc = crypto_random(chip->crypto, session->caller.buffer,
            SESSION_NONCE_SIZE)) != SCU_OK ||
        (rc = crypto_salt(chip->crypto, salt_key, salt, &salt_len,
            &encrypted)) != SCU_OK ||
        (rc = start_patiently(chip, type, salt_handle, &encrypted,
            session)) != SCU_OK)
        goto out;
    if (!handle_fits(session) || session->tpm.size < SESSION_NONCE_SIZE) {
        rc = err_set(SCU_E_TAMPERED, "TPM2_StartAuthSession: the answer does "
            "not fit the request: somebody alters the bus");
        goto out;
    }
    rc = session_make_key(chip->crypto, session,
        (struct bytes){ salt, salt_len });
out:
    explicit_bzero(salt, sizeof(salt));
    if (rc != SCU_OK)
        session_clear(session);
    return rc;
}

int
chip_flush(struct scu_chip *chip, TPM2_HANDLE handle)
{
    const struct chip_command command = {
        .code = TPM2_CC_FlushContext, .clear = true,
    };
    int rc = chip_prepared(Tss2_Sys_FlushContext_Prepare(chip->sys, handle),
        command.code);

    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    if (rc == SCU_OK || rc == SCU_E_NOT_FOUND)
        turn_gone(chip, handle);
    return rc;
}

void
chip_session_end(struct scu_chip *chip, struct session *session)
{
    if (session->handle != 0)
        (void)chip_flush(chip, session->handle);
    session_clear(session);
}

int
chip_read_public(struct scu_chip *chip, TPM2_HANDLE handle, bool clear,
    TPM2B_PUBLIC *public, TPM2B_NAME *name)
{
    TPM2B_NAME object = { 0 }, said = { 0 }, qualified = { 0 };
    const struct chip_command command = {
        .code = TPM2_CC_ReadPublic, .clear = clear,
        .handles = 1, .names = { &object },
    };
    int rc = SCU_OK;

    /*
     * cpHash covers the object's Name, which is what is asked for. So the
     * first question is in the clear, and the second, through the session
     * with that Name, proves it.
     */
    if (!clear)
        rc = chip_read_public(chip, handle, true, public, &object);
    if (rc == SCU_OK)
        rc = chip_prepared(Tss2_Sys_ReadPublic_Prepare(chip->sys, handle),
            command.code);
    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    public->size = 0;
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_ReadPublic_Complete(chip->sys, public,
            &said, &qualified), command.code);
    if (rc == SCU_OK)
        rc = crypto_name(chip->crypto, &public->publicArea, name);
    if (rc == SCU_OK && (name->size != said.size ||
            memcmp(name->name, said.name, said.size) != 0))
        rc = err_set(SCU_E_TAMPERED, "TPM2_ReadPublic: the Name of 0x%08x is "
            "not that of its public area", handle);
    if (rc == SCU_OK && !clear)
        chip->session.cipher_proven = true;
    return rc;
}

static int
read_storage(struct scu_chip *chip)
{
    const struct chip_command command = {
        .code = TPM2_CC_ReadPublic, .handles = 1,
        .names = { &chip->storage.name },
    };
    TPM2B_PUBLIC public = { 0 };
    TPM2B_NAME said = { 0 }, qualified = { 0 }, name = { 0 };
    int rc = chip_prepared(Tss2_Sys_ReadPublic_Prepare(chip->sys,
        chip->storage.handle), command.code);

    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    if (rc != SCU_OK)
        return rc;
    if (Tss2_Sys_ReadPublic_Complete(chip->sys, &public, &said, &qualified) ==
            TSS2_RC_SUCCESS &&
        crypto_name(chip->crypto, &public.publicArea, &name) == SCU_OK &&
        name.size == chip->storage.name.size &&
        memcmp(name.name, chip->storage.name.name, name.size) == 0) {
        chip->session.cipher_proven = true;
        return SCU_OK;
    }
    chip->stale_session = chip->session.handle;
    session_clear(&chip->session);
    return err_set(SCU_E_TAMPERED, "the chip encrypts in another way than it "
        "was asked to: somebody alters the bus");
}

int
chip_prove_cipher(struct scu_chip *chip)
{
    TSS2_ABI_VERSION abi = TSS2_ABI_VERSION_CURRENT;
    TSS2_SYS_CONTEXT *prepared = chip->sys;
    size_t size = Tss2_Sys_GetContextSize(0);
    int rc;

    chip->sys = calloc(1, size);
    if (chip->sys == NULL) {
        chip->sys = prepared;
        return err_memory();
    }
    rc = err_tss(Tss2_Sys_Initialize(chip->sys, size, chip->link, &abi),
        "TPM library");
    if (rc == SCU_OK) {
        rc = read_storage(chip);
        Tss2_Sys_Finalize(chip->sys);
    }
    free(chip->sys);
    chip->sys = prepared;
    return rc;
}

int
chip_create_primary(struct scu_chip *chip, struct chip_primary *primary)
{
    TPM2B_NAME hierarchy;
    const struct chip_command command = {
        .code = TPM2_CC_CreatePrimary, .handles = 1, .names = { &hierarchy },
        .auths = 1, .auth = { primary->auth },
    };
    const TPM2B_SENSITIVE_CREATE sensitive = { 0 };
    const TPM2B_DATA outside = { 0 };
    const TPML_PCR_SELECTION pcrs = { 0 };
    TPM2B_CREATION_DATA data = { 0 };
    TPM2B_DIGEST digest = { 0 };
    TPMT_TK_CREATION ticket = { 0 };
    TPM2B_NAME said = { 0 };
    int rc;

    chip_handle_name(primary->hierarchy, &hierarchy);
    memset(&primary->public, 0, sizeof(primary->public));
    if ((rc = turn_expect(chip, REGISTRY_OBJECT, NULL)) != SCU_OK)
        return rc;
    rc = chip_prepared(Tss2_Sys_CreatePrimary_Prepare(chip->sys,
        primary->hierarchy, &sensitive, primary->template, &outside, &pcrs),
        command.code);
    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_CreatePrimary_Complete(chip->sys,
            &primary->handle, &primary->public, &data, &digest, &ticket,
            &said), command.code);
    if (rc == SCU_OK)
        rc = crypto_name(chip->crypto, &primary->public.publicArea,
            &primary->name);
    if (rc == SCU_OK && (primary->name.size != said.size ||
            memcmp(primary->name.name, said.name, said.size) != 0))
        rc = err_set(SCU_E_TAMPERED, "TPM2_CreatePrimary: the Name is not that "
            "of the public area");
    if (rc == SCU_OK && !primary->auth.password)
        chip->session.cipher_proven = true;
    turn_made(chip, rc, primary->handle, &primary->name);
    return rc;
}

int
chip_capability(struct scu_chip *chip, bool clear, TPM2_CAP capability,
    uint32_t property, uint32_t count, TPMS_CAPABILITY_DATA *data)
{
    const struct chip_command command = {
        .code = TPM2_CC_GetCapability, .clear = clear,
    };
    TPMI_YES_NO more = 0;
    int rc;

    memset(data, 0, sizeof(*data));
    rc = chip_prepared(Tss2_Sys_GetCapability_Prepare(chip->sys, capability,
        property, count), command.code);
    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_GetCapability_Complete(chip->sys, &more,
            data), command.code);
    if (rc == SCU_OK && data->capability != capability)
        rc = err_set(SCU_E_CHIP, "TPM2_GetCapability: an answer to another "
            "question");
    return rc;
}
