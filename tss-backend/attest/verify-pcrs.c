/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attest/verify-pcrsel.h"
#include "attest/verify.h"

#include <openssl/crypto.h>
#include <string.h>

/* The PCRs in one octet string, as TPM2_Quote hashes them. */
#define CONCATENATED_MAX (VERIFY_BANKS * VERIFY_PCRS * VERIFY_MAX_DIGEST)

static const TPML_PCR_SELECTION *
quoted(const struct verify *v)
{
    return &v->attest.attested.quote.pcrSelect;
}

static bool
bank_has_values(const struct verify *v, const struct verify_bank *bank)
{
    for (size_t i = 0; i < v->evidence->n_values; i++)
        if (v->evidence->values[i].bank == bank)
            return true;
    return false;
}

static bool
bank_shown(struct verify *v, const TPMS_PCR_SELECTION *selection)
{
    const struct verify_bank *bank = verify_bank_of(selection->hash);

    if (!pcrsel_any(selection))
        return true;
    if (bank == NULL || !bank_has_values(v, bank))
        return verify_refuse(v, SCU_VERDICT_HIDDEN_BANK,
            "the quote covers a bank of PCRs (%s, hash 0x%04x) of which no "
            "value is shown", bank == NULL ? "unknown" : bank->name,
            selection->hash);
    for (unsigned i = 0; i < 8 * sizeof(selection->pcrSelect); i++)
        if (pcrsel_has(selection, i) &&
            verify_value_of(v->evidence, bank, i) == NULL)
            return verify_refuse(v, SCU_VERDICT_SELECTION,
                "the quote covers PCR %u of %s, but its value is missing", i,
                bank->name);
    return true;
}

/* The entry of a bank; NULL where it has none or the bank is unknown. */
static const TPMS_PCR_SELECTION *
entry_of(const TPML_PCR_SELECTION *list, TPMI_ALG_HASH alg)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->pcrSelections[i].hash == alg)
            return &list->pcrSelections[i];
    return NULL;
}

bool
verify_pcrs_shown(struct verify *v)
{
    const TPML_PCR_SELECTION *list = quoted(v);
    bool any = false;

    for (uint32_t i = 0; i < list->count; i++) {
        const TPMS_PCR_SELECTION *bank = &list->pcrSelections[i];

        /* A second entry would be hashed again, and hide behind the first. */
        if (entry_of(list, bank->hash) != bank)
            return verify_refuse(v, SCU_VERDICT_SELECTION,
                "the quote names the bank 0x%04x twice", bank->hash);
        if (!bank_shown(v, bank))
            return false;
        any |= pcrsel_any(bank);
    }
    return any || verify_refuse(v, SCU_VERDICT_SELECTION,
        "the quote covers no PCR at all");
}

bool
verify_pcrs_selected(struct verify *v)
{
    const TPMS_PCR_SELECTION *bank;

    for (size_t i = 0; i < v->evidence->n_values; i++) {
        const struct verify_value *value = &v->evidence->values[i];

        bank = entry_of(quoted(v), value->bank->alg);
        if (bank == NULL || !pcrsel_has(bank, value->index))
            return verify_refuse(v, SCU_VERDICT_EXTRA_VALUE,
                "the value of PCR %u of %s is shown, but the quote does not "
                "cover it", value->index, value->bank->name);
    }
    return true;
}

/* In the order of the selection, within a bank upwards (Part 3, 18.4). */
static size_t
concatenate(const struct verify *v, uint8_t *all)
{
    const TPML_PCR_SELECTION *list = quoted(v);
    size_t len = 0;

    for (uint32_t i = 0; i < list->count; i++) {
        const TPMS_PCR_SELECTION *selection = &list->pcrSelections[i];
        const struct verify_bank *bank = verify_bank_of(selection->hash);

        for (unsigned n = 0; bank != NULL && n < VERIFY_PCRS; n++) {
            const struct verify_value *value = pcrsel_has(selection, n) ?
                verify_value_of(v->evidence, bank, n) : NULL;

            /* Each bank once, each PCR once: all is not overrun. */
            if (value == NULL || bank->size > CONCATENATED_MAX - len)
                continue;
            memcpy(all + len, value->value, bank->size);
            len += bank->size;
        }
    }
    return len;
}

bool
verify_pcrs_digest(struct verify *v)
{
    const TPM2B_DIGEST *said = &v->attest.attested.quote.pcrDigest;
    /* The hash of the signature is that of the digest. */
    const struct verify_bank *hash =
        verify_bank_of(v->signature.signature.any.hashAlg);
    uint8_t all[CONCATENATED_MAX], digest[VERIFY_MAX_DIGEST];
    struct bytes part = { all, concatenate(v, all) };

    v->rc = verify_hash(v->lib, hash, &part, 1, digest);
    if (v->rc != SCU_OK)
        return false;
    if (said->size != hash->size ||
        CRYPTO_memcmp(said->buffer, digest, hash->size) != 0)
        return verify_refuse(v, SCU_VERDICT_DIGEST,
            "the values shown are not those that were quoted");
    return true;
}

bool
verify_pcrs_covered(struct verify *v)
{
    const TPMS_PCR_SELECTION *asked, *bank;
    TPML_PCR_SELECTION wanted;

    if (v->expected->pcrs == NULL)
        return true;
    v->rc = pcrsel_read(v->expected->pcrs, &wanted);
    if (v->rc != SCU_OK)
        return false;
    for (uint32_t i = 0; i < wanted.count; i++) {
        asked = &wanted.pcrSelections[i];
        bank = entry_of(quoted(v), asked->hash);
        for (unsigned n = 0; n < VERIFY_PCRS; n++)
            if (pcrsel_has(asked, n) &&
                (bank == NULL || !pcrsel_has(bank, n)))
                return verify_refuse(v, SCU_VERDICT_NOT_COVERED,
                    "the quote does not cover PCR %u of %s, which was asked "
                    "for", n, verify_bank_of(asked->hash)->name);
    }
    return true;
}
