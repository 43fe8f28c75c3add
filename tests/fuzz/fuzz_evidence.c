/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

/*
 * Evidence from an enemy. What begins with a brace is a file, for the reader
 * and then the verifier; anything else is cut into parts, so that the
 * verifier's input changes octet by octet:
 *     input = *( kind size octets )
 * kind below 4: the part of that number (0: attest), else a value of the bank
 * kind % 4 of the register that size names, whose octets follow.
 */
static const uint8_t nonce[20] = "twenty octets, fresh";

static void
judge(const struct scu_evidence *evidence)
{
    struct scu_expected expected = {
        .nonce = nonce, .nonce_len = sizeof(nonce),
    };
    struct scu_verdict verdict;
    char *pem = NULL;
    size_t len = 0;

    if (scu_evidence_verify(evidence, &expected, &verdict) != SCU_OK ||
        verdict.reason == SCU_VERDICT_OK)
        abort();
    if (scu_evidence_key_pem(evidence, &pem, &len) != SCU_OK)
        return;
    /* A key that is read is read again. */
    expected.key_pem = pem;
    expected.key_pem_len = len;
    if (scu_evidence_verify(evidence, &expected, &verdict) != SCU_OK ||
        verdict.reason == SCU_VERDICT_OTHER_KEY ||
        verdict.reason == SCU_VERDICT_UNVOUCHED)
        abort();
    free(pem);
}

/* What can be read is written, and that reads as the same. */
static void
read_file(const uint8_t *data, size_t size)
{
    struct scu_evidence *evidence = NULL, *again = NULL;
    char *text = NULL, *twice = NULL;
    char why[160];

    if (evidence_read((const char *)data, size, &evidence, why,
            sizeof(why)) != SCU_OK)
        return;
    text = evidence_write(evidence);
    if (text == NULL || evidence_read(text, strlen(text), &again, why,
            sizeof(why)) != SCU_OK)
        abort();
    twice = evidence_write(again);
    if (twice == NULL || strcmp(text, twice) != 0)
        abort();
    judge(evidence);
    free(text);
    free(twice);
    scu_evidence_free(&evidence);
    scu_evidence_free(&again);
}

static void
read_parts(const uint8_t *data, size_t size)
{
    static const char *const banks[] = {
        "sha1", "sha256", "sha384", "sha512",
    };
    static const size_t sizes[] = { 20, 32, 48, 64 };
    struct scu_evidence *evidence = scu_evidence_new();
    size_t len;

    while (evidence != NULL && size >= 2) {
        unsigned kind = data[0];
        struct scu_pcr pcr = {
            .bank = banks[kind % 4], .index = data[1], .value = data + 2,
            .len = sizes[kind % 4],
        };

        len = kind < 4 ? data[1] : pcr.len;
        data += 2;
        size -= 2;
        if (len > size)
            break;
        if (kind < 4)
            (void)(scu_evidence_set_part(evidence,
                (enum scu_evidence_part)(kind + 1), data, len) == SCU_OK);
        else
            (void)(scu_evidence_add_pcr(evidence, &pcr) == SCU_OK);
        data += len;
        size -= len;
    }
    if (evidence != NULL)
        judge(evidence);
    scu_evidence_free(&evidence);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* mu would tell of each structure that it refuses. */
    (void)setenv("TSS2_LOG", "all+NONE", 0);
    if (size > 0 && data[0] == '{')
        read_file(data, size);
    else
        read_parts(data, size);
    return 0;
}
