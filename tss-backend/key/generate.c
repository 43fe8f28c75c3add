/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/key-private.h"

#include "key/public.h"
#include "key/template.h"
#include "secret.h"

#include <string.h>

struct creation {
    const struct scu_alg *alg;
    const void *password;
    size_t len;
    struct keyfile file;
};

int
key_auth(struct scu_chip *chip, struct bytes password, TPM2B_AUTH *auth)
{
    if (password.len <= CRYPTO_SHA256_SIZE)
        return b2_set(&auth->size, auth->buffer, sizeof(auth->buffer),
            password.data, password.len);
    auth->size = CRYPTO_SHA256_SIZE;
    return crypto_hash(chip->crypto, TPM2_ALG_SHA256, &password, 1,
        auth->buffer);
}

/* TPM2_TestParms: whether a refusal was because of the algorithm. */
static int
diagnose(struct scu_chip *chip, const struct creation *c,
    const TPMT_PUBLIC *template, int rc)
{
    const struct chip_command command = { .code = TPM2_CC_TestParms };
    const TPMT_PUBLIC_PARMS parameters = {
        .type = template->type, .parameters = template->parameters,
    };
    int tested;

    if (rc != SCU_E_CHIP && rc != SCU_E_UNSUPPORTED)
        return rc;
    tested = chip_prepared(Tss2_Sys_TestParms_Prepare(chip->sys, &parameters),
        command.code);
    if (tested == SCU_OK)
        tested = chip_run(chip, &command);
    if (tested == SCU_OK)
        return err_set(rc, "TPM2_Create: the chip did not make the key");
    return err_set(SCU_E_UNSUPPORTED, "the chip has no %s", c->alg->name);
}

/* What came back is the key that was asked for. */
static int
compare(const TPMT_PUBLIC *made, const TPMT_PUBLIC *template)
{
    if (made->type == template->type && made->nameAlg == template->nameAlg &&
        made->objectAttributes == template->objectAttributes &&
        made->authPolicy.size == 0 &&
        alg_of_public(made) == alg_of_public(template) &&
        public_check(made) == SCU_OK)
        return SCU_OK;
    return err_set(SCU_E_CHIP, "TPM2_Create: the chip made another key than "
        "it was asked for");
}

static int
create_run(struct scu_chip *chip, struct creation *c, TPM2_HANDLE parent,
    const TPM2B_SENSITIVE_CREATE *sensitive)
{
    const struct chip_command command = {
        .code = TPM2_CC_Create, .handles = 1, .auths = 1,
        .names = { &chip->storage.name },
    };
    const TPM2B_DATA outside = { 0 };
    const TPML_PCR_SELECTION pcrs = { 0 };
    TPM2B_PUBLIC template;
    TPM2B_CREATION_DATA data = { 0 };
    TPM2B_DIGEST digest = { 0 };
    TPMT_TK_CREATION ticket = { 0 };
    int rc;

    template_key(c->alg, &template);
    memset(&c->file, 0, sizeof(c->file));
    rc = chip_prepared(Tss2_Sys_Create_Prepare(chip->sys, parent, sensitive,
        &template, &outside, &pcrs), command.code);
    if (rc == SCU_OK && (rc = chip_run(chip, &command)) != SCU_OK)
        return diagnose(chip, c, &template.publicArea, rc);
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_Create_Complete(chip->sys,
            &c->file.private, &c->file.public, &data, &digest, &ticket),
            command.code);
    if (rc == SCU_OK)
        rc = compare(&c->file.public.publicArea, &template.publicArea);
    return rc;
}

static int
create(struct scu_chip *chip, void *arg)
{
    struct creation *c = arg;
    TPM2B_SENSITIVE_CREATE sensitive = { 0 };
    TPM2_HANDLE parent = 0;
    int rc;

    rc = key_auth(chip, (struct bytes){ c->password, c->len },
        &sensitive.sensitive.userAuth);
    if (rc == SCU_OK)
        rc = chip_object_use(chip, &chip->storage, &parent);
    if (rc == SCU_OK)
        rc = create_run(chip, c, parent, &sensitive);
    c->file.parent = parent;
    explicit_bzero(&sensitive, sizeof(sensitive));
    return rc;
}

int
scu_key_generate(struct scu_chip *chip, const struct scu_alg *alg,
    const void *password, size_t len, struct scu_key **key)
{
    struct creation c = { .alg = alg, .password = password, .len = len };
    int rc;

    *key = NULL;
    if (chip == NULL || alg == NULL || (password == NULL && len > 0))
        return err_set(SCU_E_ARG, "no chip, no algorithm or no password");
    rc = chip_perform(chip, CHIP_REPEATABLE, create, &c);
    if (rc != SCU_OK)
        return rc;
    c.file.empty_auth = len == 0;
    rc = key_new(chip, &c.file, key);
    if (rc == SCU_OK && len > 0)
        rc = scu_key_set_password(*key, password, len);
    if (rc != SCU_OK)
        scu_key_free(key);
    return rc;
}
