/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attest/verify-evidence.h"

#include <stdlib.h>
#include <string.h>

const struct verify_bank verify_banks[VERIFY_BANKS] = {
    {
        .name = "sha1", .hash = "SHA1", .alg = TPM2_ALG_SHA1, .size = 20,
        /* Collisions are cheap: a bank may still be shown, nothing signed. */
        .signs = false,
    },
    {
        .name = "sha256", .hash = "SHA2-256", .alg = TPM2_ALG_SHA256,
        .size = 32, .signs = true,
    },
    {
        .name = "sha384", .hash = "SHA2-384", .alg = TPM2_ALG_SHA384,
        .size = 48, .signs = true,
    },
    {
        .name = "sha512", .hash = "SHA2-512", .alg = TPM2_ALG_SHA512,
        .size = 64, .signs = true,
    },
};

const struct verify_bank *
verify_bank_named(const char *name, size_t len)
{
    for (size_t i = 0; i < VERIFY_BANKS; i++)
        if (strlen(verify_banks[i].name) == len &&
            memcmp(verify_banks[i].name, name, len) == 0)
            return &verify_banks[i];
    return NULL;
}

struct scu_evidence *
scu_evidence_new(void)
{
    return calloc(1, sizeof(struct scu_evidence));
}

void
scu_evidence_free(struct scu_evidence **evidence)
{
    if (evidence == NULL)
        return;
    free(*evidence);
    *evidence = NULL;
}

static bool
is_part(enum scu_evidence_part part)
{
    return part >= SCU_PART_ATTEST && part <= SCU_PART_KEY;
}

const uint8_t *
scu_evidence_part(const struct scu_evidence *evidence,
    enum scu_evidence_part part, size_t *len)
{
    const struct verify_part *p;

    *len = 0;
    if (!is_part(part))
        return NULL;
    p = &evidence->parts[part - 1];
    *len = p->len;
    return p->len > 0 ? p->data : NULL;
}

int
scu_evidence_set_part(struct scu_evidence *evidence,
    enum scu_evidence_part part, const uint8_t *data, size_t len)
{
    struct verify_part *p;

    if (!is_part(part))
        return err_set(SCU_E_ARG, "evidence has no part %d", (int)part);
    p = &evidence->parts[part - 1];
    if (len > sizeof(p->data))
        return err_set(SCU_E_ARG, "a part of evidence of %zu octets: none "
            "has more than %zu", len, sizeof(p->data));
    if (len > 0)
        memcpy(p->data, data, len);
    p->len = len;
    return SCU_OK;
}

const struct verify_value *
verify_value_of(const struct scu_evidence *evidence,
    const struct verify_bank *bank, unsigned index)
{
    for (size_t i = 0; i < evidence->n_values; i++)
        if (evidence->values[i].bank == bank &&
            evidence->values[i].index == index)
            return &evidence->values[i];
    return NULL;
}

bool
scu_evidence_pcr_at(const struct scu_evidence *evidence, size_t index,
    struct scu_pcr *pcr)
{
    const struct verify_value *value;

    if (index >= evidence->n_values)
        return false;
    value = &evidence->values[index];
    pcr->bank = value->bank->name;
    pcr->index = value->index;
    pcr->value = value->value;
    pcr->len = value->bank->size;
    return true;
}

int
scu_evidence_add_pcr(struct scu_evidence *evidence, const struct scu_pcr *pcr)
{
    const struct verify_bank *bank = pcr->bank == NULL ? NULL :
        verify_bank_named(pcr->bank, strlen(pcr->bank));
    struct verify_value *value;

    if (bank == NULL)
        return err_set(SCU_E_ARG, "\"%.32s\" is no bank of PCRs",
            pcr->bank == NULL ? "" : pcr->bank);
    if (pcr->index >= VERIFY_PCRS)
        return err_set(SCU_E_ARG, "%s: there is no PCR %u", bank->name,
            pcr->index);
    if (pcr->len != bank->size)
        return err_set(SCU_E_ARG, "%s: PCR %u has %zu octets, not %zu",
            bank->name, pcr->index, bank->size, pcr->len);
    if (verify_value_of(evidence, bank, pcr->index) != NULL)
        return err_set(SCU_E_ARG, "%s: PCR %u is there twice", bank->name,
            pcr->index);
    /* Each at most once: there is room for all. */
    value = &evidence->values[evidence->n_values++];
    value->bank = bank;
    value->index = pcr->index;
    memcpy(value->value, pcr->value, bank->size);
    return SCU_OK;
}
