/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attest/fixture.h"

#include "key/template.h"

#include <string.h>

const struct fixture fixture_storage = {
    .handle = 0x81000001,
    .hierarchy = TPM2_RH_OWNER,
    .template = template_storage_ecc,
    .what = "the storage key",
};

const struct fixture fixture_attestation = {
    .handle = 0x81010002,
    .hierarchy = TPM2_RH_ENDORSEMENT,
    .template = template_attestation,
    .what = "the attestation key",
};

/* Whether a public area is what the template gives, but for the key itself. */
static int
check(struct scu_chip *chip, const struct fixture *fixture,
    const TPM2B_PUBLIC *public, const TPM2B_NAME *name)
{
    TPM2B_PUBLIC template;
    TPM2B_NAME expected = { 0 };

    fixture->template(&template);
    template.publicArea.unique = public->publicArea.unique;
    if (template.publicArea.type == public->publicArea.type &&
        crypto_name(chip->crypto, &template.publicArea, &expected) ==
            SCU_OK &&
        expected.size == name->size &&
        memcmp(expected.name, name->name, name->size) == 0)
        return SCU_OK;
    return err_set(SCU_E_EXISTS, "another key stands where %s belongs, at "
        "0x%08x: evict it by `tpm2_evictcontrol -c 0x%08x` if nobody needs "
        "it", fixture->what, fixture->handle, fixture->handle);
}

int
fixture_find(struct scu_chip *chip, const struct fixture *fixture,
    TPM2B_PUBLIC *public)
{
    TPM2B_NAME name = { 0 };
    int rc = chip_read_public(chip, fixture->handle, false, public, &name);

    return rc == SCU_OK ? check(chip, fixture, public, &name) : rc;
}

static int
make_persistent(struct scu_chip *chip, const struct fixture *fixture,
    const struct secret *owner, const struct chip_primary *primary)
{
    TPM2B_NAME hierarchy;
    const struct chip_command command = {
        .code = TPM2_CC_EvictControl, .handles = 2,
        .names = { &hierarchy, &primary->name },
        .auths = 1, .auth = { { .value = owner } },
    };
    int rc;

    chip_handle_name(TPM2_RH_OWNER, &hierarchy);
    rc = chip_prepared(Tss2_Sys_EvictControl_Prepare(chip->sys, TPM2_RH_OWNER,
        primary->handle, fixture->handle), command.code);
    return rc == SCU_OK ? chip_run(chip, &command) : rc;
}

int
fixture_create(struct scu_chip *chip, const struct fixture *fixture,
    const struct secret *owner, TPM2B_PUBLIC *public)
{
    TPM2B_PUBLIC template;
    struct chip_primary primary = {
        .hierarchy = fixture->hierarchy, .template = &template,
    };
    int rc;

    fixture->template(&template);
    if (fixture->hierarchy == TPM2_RH_OWNER)
        primary.auth.value = owner;
    rc = chip_create_primary(chip, &primary);
    if (rc != SCU_OK)
        return rc;
    *public = primary.public;
    rc = make_persistent(chip, fixture, owner, &primary);
    (void)chip_flush(chip, primary.handle);
    return rc;
}
