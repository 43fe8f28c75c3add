/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/key-private.h"

#include <string.h>

struct agreement {
    struct scu_key *key;
    TPM2B_ECC_POINT in, out;
};

static int
agree(struct scu_chip *chip, void *arg)
{
    struct agreement *a = arg;
    TPM2_HANDLE handle = 0;
    int rc;

    rc = key_ready(chip, a->key, &handle);
    if (rc == SCU_OK)
        rc = chip_prepared(Tss2_Sys_ECDH_ZGen_Prepare(chip->sys, handle,
            &a->in), TPM2_CC_ECDH_ZGen);
    if (rc == SCU_OK)
        rc = key_run(chip, a->key, handle, TPM2_CC_ECDH_ZGen);
    a->out.size = 0;
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_ECDH_ZGen_Complete(chip->sys, &a->out),
            TPM2_CC_ECDH_ZGen);
    return rc;
}

static int
set_point(const uint8_t *x, const uint8_t *y, size_t len, TPMS_ECC_POINT *p)
{
    int rc = b2_set(&p->x.size, p->x.buffer, sizeof(p->x.buffer), x, len);

    if (rc == SCU_OK)
        rc = b2_set(&p->y.size, p->y.buffer, sizeof(p->y.buffer), y, len);
    return rc;
}

int
scu_key_ecdh(struct scu_key *key, const uint8_t *x, const uint8_t *y,
    size_t xy_len, uint8_t *out, size_t *out_len)
{
    struct agreement a = { .key = key };
    const TPM2B_ECC_PARAMETER *z = &a.out.point.x;
    size_t size = key->public.xy_len;
    int rc;

    if (key->public.kind != SCU_KIND_EC)
        return err_set(SCU_E_USAGE, "ECDH takes an EC key");
    if ((rc = key_permits(key, TPMA_OBJECT_DECRYPT)) != SCU_OK)
        return rc;
    if (xy_len != size)
        return err_set(SCU_E_ARG, "coordinates of %zu octets, on this curve "
            "they have %zu", xy_len, size);
    if (*out_len < size)
        return err_set(SCU_E_SIZE, "the secret takes %zu octets, there is "
            "room for %zu", size, *out_len);
    rc = set_point(x, y, xy_len, &a.in.point);
    if (rc == SCU_OK)
        rc = chip_perform(key->chip, CHIP_REPEATABLE, agree, &a);
    if (rc == SCU_OK && (z->size == 0 || z->size > size))
        rc = err_set(SCU_E_CHIP, "the chip's secret has %u octets, not %zu",
            z->size, size);
    if (rc == SCU_OK) {
        memset(out, 0, size - z->size);
        memcpy(out + size - z->size, z->buffer, z->size);
        *out_len = size;
    }
    explicit_bzero(&a.out, sizeof(a.out));
    return rc;
}
