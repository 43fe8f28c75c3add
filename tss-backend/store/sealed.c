/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/sealed.h"

#include <string.h>
#include <tss2/tss2_mu.h>

static int
fill_template(struct crypto *crypto, const struct sealed_creation *what,
    TPM2B_PUBLIC *template)
{
    TPMT_PUBLIC *area = &template->publicArea;

    memset(template, 0, sizeof(*template));
    area->type = TPM2_ALG_KEYEDHASH;
    area->nameAlg = TPM2_ALG_SHA256;
    area->objectAttributes = what->attributes;
    area->parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
    if (what->policy == NULL)
        return SCU_OK;
    return policy_digest(crypto, what->policy, &area->authPolicy);
}

static int
fill_sensitive(const struct sealed_creation *what,
    TPM2B_SENSITIVE_CREATE *out)
{
    TPM2B_AUTH *auth = &out->sensitive.userAuth;
    TPM2B_SENSITIVE_DATA *data = &out->sensitive.data;
    int rc = b2_set(&auth->size, auth->buffer, sizeof(auth->buffer),
        what->auth->data, session_auth_len(what->auth));

    if (rc == SCU_OK)
        rc = b2_set(&data->size, data->buffer, sizeof(data->buffer),
            what->data->data, what->data->len);
    return rc;
}

static int
create(struct scu_chip *chip, const TPM2B_SENSITIVE_CREATE *sensitive,
    const TPM2B_PUBLIC *template, struct chip_object *object)
{
    const struct chip_command command = {
        .code = TPM2_CC_Create, .handles = 1, .auths = 1,
        .names = { &chip->storage.name },
    };
    const TPM2B_DATA outside = { 0 };
    const TPML_PCR_SELECTION pcrs = { 0 };
    TPM2B_CREATION_DATA data = { 0 };
    TPM2B_DIGEST digest = { 0 };
    TPMT_TK_CREATION ticket = { 0 };
    TPM2_HANDLE parent = 0;
    int rc = chip_object_use(chip, &chip->storage, &parent);

    if (rc == SCU_OK)
        rc = chip_prepared(Tss2_Sys_Create_Prepare(chip->sys, parent,
            sensitive, template, &outside, &pcrs), command.code);
    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_Create_Complete(chip->sys,
            &object->private, &object->public, &data, &digest, &ticket),
            command.code);
    return rc;
}

/* What came back is what was asked for: policy and attributes matter. */
static bool
as_asked(const TPMT_PUBLIC *made, const TPMT_PUBLIC *template)
{
    return made->type == template->type &&
        made->nameAlg == template->nameAlg &&
        made->objectAttributes == template->objectAttributes &&
        made->authPolicy.size == template->authPolicy.size &&
        memcmp(made->authPolicy.buffer, template->authPolicy.buffer,
            made->authPolicy.size) == 0;
}

int
sealed_create(struct scu_chip *chip, const struct sealed_creation *what,
    struct chip_object *object)
{
    TPM2B_SENSITIVE_CREATE sensitive = { 0 };
    TPM2B_PUBLIC template;
    int rc = fill_template(chip->crypto, what, &template);

    memset(object, 0, sizeof(*object));
    object->parent = &chip->storage;
    if (rc == SCU_OK)
        rc = fill_sensitive(what, &sensitive);
    if (rc == SCU_OK)
        rc = create(chip, &sensitive, &template, object);
    /* TPM2_Create takes a slot for itself. */
    while (rc == SCU_E_SLOTS && chip_objects_evict(chip))
        rc = create(chip, &sensitive, &template, object);
    explicit_bzero(&sensitive, sizeof(sensitive));
    if (rc == SCU_OK && !as_asked(&object->public.publicArea,
            &template.publicArea))
        rc = err_set(SCU_E_CHIP, "TPM2_Create: the chip made another object "
            "than it was asked for");
    if (rc == SCU_OK)
        rc = crypto_name(chip->crypto, &object->public.publicArea,
            &object->name);
    return rc;
}

/* What came decrypted is not left in the buffer of answers. */
static void
wipe_answer(struct scu_chip *chip)
{
    static const uint8_t nothing[sizeof(TPM2B_SENSITIVE_DATA)];
    const uint8_t *clear = NULL;
    size_t len = 0;

    if (Tss2_Sys_GetEncryptParam(chip->sys, &len, &clear) ==
            TSS2_RC_SUCCESS && len <= sizeof(nothing))
        (void)Tss2_Sys_SetEncryptParam(chip->sys, len, nothing);
}

int
sealed_open(struct scu_chip *chip, const struct chip_object *object,
    struct session *session, const struct secret *auth, struct secret **data)
{
    const struct chip_command command = {
        .code = TPM2_CC_Unseal, .handles = 1, .names = { &object->name },
        .auths = 1,
        .auth = { { .value = auth, .session = session, .last = true } },
    };
    TPM2B_SENSITIVE_DATA out = { 0 };
    int rc = chip_prepared(Tss2_Sys_Unseal_Prepare(chip->sys,
        object->handle), command.code);

    *data = NULL;
    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_Unseal_Complete(chip->sys, &out),
            command.code);
    wipe_answer(chip);
    if (rc == SCU_OK && (*data = secret_new(out.buffer, out.size)) == NULL)
        rc = err_memory();
    explicit_bzero(&out, sizeof(out));
    return rc;
}

int
sealed_encode(const struct chip_object *object, uint8_t *out, size_t *len)
{
    size_t offset = 0;
    int rc = err_tss(Tss2_MU_TPM2B_PUBLIC_Marshal(&object->public, out,
        SEALED_MAX, &offset), "public area");

    if (rc == SCU_OK)
        rc = err_tss(Tss2_MU_TPM2B_PRIVATE_Marshal(&object->private, out,
            SEALED_MAX, &offset), "private area");
    *len = offset;
    return rc;
}

int
sealed_decode(struct scu_chip *chip, struct bytes in,
    struct chip_object *object)
{
    size_t offset = 0;

    memset(object, 0, sizeof(*object));
    object->parent = &chip->storage;
    if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(in.data, in.len, &offset,
            &object->public) != TSS2_RC_SUCCESS ||
        Tss2_MU_TPM2B_PRIVATE_Unmarshal(in.data, in.len, &offset,
            &object->private) != TSS2_RC_SUCCESS || offset != in.len)
        return err_set(SCU_E_STORE, "a sealed object of %zu octets in the "
            "store is damaged: restore the store from a backup", in.len);
    return crypto_name(chip->crypto, &object->public.publicArea,
        &object->name);
}
