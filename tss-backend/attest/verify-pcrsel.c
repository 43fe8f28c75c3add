/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attest/verify-pcrsel.h"

#include <string.h>

#define SELECT_SIZE (VERIFY_PCRS / 8)

static int
refuse(const char *text, const char *at)
{
    return err_set(SCU_E_ARG, "PCR selection \"%.80s\": not understood at "
        "\"%.20s\": write it like sha256:0-7,14+sha1:4", text, at);
}

/* One or two digits, at most 23. NULL where there is none. */
static const char *
read_number(const char *p, unsigned *number)
{
    size_t n = strspn(p, "0123456789");

    if (n < 1 || n > 2)
        return NULL;
    *number = 0;
    for (size_t i = 0; i < n; i++)
        *number = *number * 10 + (unsigned)(p[i] - '0');
    return *number < VERIFY_PCRS ? p + n : NULL;
}

/* Sets the bits of a range. NULL where it is none, or has a bit set before. */
static const char *
read_range(const char *p, TPMS_PCR_SELECTION *bank)
{
    unsigned first = 0, last = 0;

    p = read_number(p, &first);
    last = first;
    if (p != NULL && *p == '-')
        p = read_number(p + 1, &last);
    if (p == NULL || last < first)
        return NULL;
    for (unsigned i = first; i <= last; i++) {
        if (pcrsel_has(bank, i))
            return NULL;
        bank->pcrSelect[i / 8] |= (BYTE)(1u << i % 8);
    }
    return p;
}

static const struct verify_bank *
read_bank(const char **p, const TPML_PCR_SELECTION *selection)
{
    size_t n = strcspn(*p, ":");
    const struct verify_bank *bank = verify_bank_named(*p, n);

    if (bank == NULL || (*p)[n] != ':')
        return NULL;
    for (uint32_t i = 0; i < selection->count; i++)
        if (selection->pcrSelections[i].hash == bank->alg)
            return NULL;
    *p += n + 1;
    return bank;
}

int
pcrsel_read(const char *text, TPML_PCR_SELECTION *selection)
{
    const struct verify_bank *bank;
    TPMS_PCR_SELECTION *into;
    const char *p = text, *next;

    memset(selection, 0, sizeof(*selection));
    for (;;) {
        /* No bank twice, so that the list never fills. */
        bank = read_bank(&p, selection);
        if (bank == NULL)
            return refuse(text, p);
        into = &selection->pcrSelections[selection->count++];
        into->hash = bank->alg;
        into->sizeofSelect = SELECT_SIZE;
        for (;; p = next + 1) {
            next = read_range(p, into);
            if (next == NULL)
                return refuse(text, p);
            if (*next != ',')
                break;
        }
        if (*next == '\0')
            return SCU_OK;
        if (*next != '+')
            return refuse(text, next);
        p = next + 1;
    }
}

bool
pcrsel_has(const TPMS_PCR_SELECTION *bank, unsigned index)
{
    return index / 8 < bank->sizeofSelect &&
        index / 8 < sizeof(bank->pcrSelect) &&
        (bank->pcrSelect[index / 8] & 1u << index % 8) != 0;
}

bool
pcrsel_any(const TPMS_PCR_SELECTION *bank)
{
    for (unsigned i = 0; i < 8 * sizeof(bank->pcrSelect); i++)
        if (pcrsel_has(bank, i))
            return true;
    return false;
}
