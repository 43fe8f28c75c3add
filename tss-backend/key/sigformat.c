/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/sigformat.h"

#include "key/alg.h"
#include "key/der.h"

#include <stdbool.h>
#include <string.h>

/* SEQUENCE of two INTEGERs, each of up to one octet more for the sign. */
#define ECDSA_MAX (4 + 2 * (3 + KEY_MAX_COORDINATE))

size_t
sigformat_ecdsa_size(size_t coordinate)
{
    size_t body = 2 * (2 + 1 + coordinate);

    return body + (body < 0x80 ? 2 : 3);
}

static bool
plausible(const TPM2B_ECC_PARAMETER *number, size_t coordinate)
{
    uint8_t any = 0;

    if (number->size > coordinate)
        return false;
    for (size_t i = 0; i < number->size; i++)
        any |= number->buffer[i];
    return any != 0;
}

int
sigformat_ecdsa(const TPMS_SIGNATURE_ECC *in, size_t coordinate,
    uint8_t *out, size_t *len)
{
    const TPM2B_ECC_PARAMETER *r = &in->signatureR;
    const TPM2B_ECC_PARAMETER *s = &in->signatureS;
    uint8_t room[ECDSA_MAX];
    struct der_out der = { .start = room, .p = room + sizeof(room) };
    size_t n;

    if (coordinate > KEY_MAX_COORDINATE || !plausible(r, coordinate) ||
        !plausible(s, coordinate))
        return err_set(SCU_E_TAMPERED, "the chip's signature has %u and %u "
            "octets where %zu are right", r->size, s->size, coordinate);
    der_put_unsigned(&der, s->buffer, s->size);
    der_put_unsigned(&der, r->buffer, r->size);
    n = (size_t)(room + sizeof(room) - der.p);
    der_put_header(&der, DER_SEQUENCE, n);
    n = (size_t)(room + sizeof(room) - der.p);
    if (der.overflow)
        return err_set(SCU_E_INTERNAL, "a signature did not fit");
    if (n > *len)
        return err_set(SCU_E_SIZE, "the signature takes %zu octets, there is "
            "room for %zu", n, *len);
    memcpy(out, der.p, n);
    *len = n;
    return SCU_OK;
}

int
sigformat_rsa(const TPM2B_PUBLIC_KEY_RSA *in, size_t modulus, uint8_t *out,
    size_t *len)
{
    size_t pad;

    if (in->size == 0 || in->size > modulus)
        return err_set(SCU_E_TAMPERED, "the chip's signature has %u octets "
            "where the modulus has %zu", in->size, modulus);
    if (modulus > *len)
        return err_set(SCU_E_SIZE, "the signature takes %zu octets, there is "
            "room for %zu", modulus, *len);
    pad = modulus - in->size;
    memset(out, 0, pad);
    memcpy(out + pad, in->buffer, in->size);
    *len = modulus;
    return SCU_OK;
}
