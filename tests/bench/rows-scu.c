/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* libscu, by its public functions. */
#include "bench.h"
#include "keyblob.h"
#include "tap.h"

#include "chip/chip.h"

#include <scu/key.h>
#include <stdlib.h>
#include <string.h>

struct scu {
    struct scu_chip *chip;
    struct scu_key *key;
    const struct scu_scheme *scheme;
    uint8_t digest[64];
    size_t digest_len;
};

static void
scu_teardown(void *state)
{
    struct scu *s = state;

    scu_key_free(&s->key);
    scu_chip_free(&s->chip);
    free(s);
}

static enum outcome
random_once(void *state)
{
    struct scu *s = state;
    uint8_t data[32];

    if (scu_chip_random(s->chip, data, sizeof(data)) != SCU_OK)
        return bench_failed("scu_chip_random", scu_error_detail());
    return BENCH_OK;
}

static enum outcome
sign_once(void *state)
{
    struct scu *s = state;
    uint8_t sig[512];
    size_t len = sizeof(sig);

    if (scu_key_sign(s->key, s->scheme, SCU_SALT_DIGEST, s->digest,
            s->digest_len, sig, &len) != SCU_OK)
        return bench_failed("scu_key_sign", scu_error_detail());
    return BENCH_OK;
}

/* The link is there from the first operation on. */
static enum outcome
random_setup(const struct row *row, const struct place *place, void **state)
{
    struct scu *s = calloc(1, sizeof(*s));
    enum outcome rc = BENCH_FAILED;

    if (s == NULL)
        return rc;
    rc = keyblob_chip(place, row->link, &s->chip);
    if (rc == BENCH_OK)
        rc = random_once(s);
    if (rc == BENCH_OK) {
        tap_attach(s->chip->link);
    } else {
        scu_teardown(s);
        s = NULL;
    }
    *state = s;
    return rc;
}

static enum outcome
sign_setup(const struct row *row, const struct place *place, void **state)
{
    enum outcome rc = random_setup(row, place, state);
    struct scu *s = *state;

    if (rc != BENCH_OK)
        return rc;
    rc = keyblob_key(place, s->chip, row->key, &s->key);
    s->scheme = scu_scheme_by_name(row->scheme);
    s->digest_len = strstr(row->scheme, "384") != NULL ? 48 : 32;
    memset(s->digest, 0x5c, s->digest_len);
    if (rc == BENCH_OK && s->scheme == NULL)
        rc = bench_failed(row->scheme, "no such scheme");
    if (rc != BENCH_OK) {
        scu_teardown(s);
        *state = NULL;
    }
    return rc;
}

const struct row_ops scu_sign_ops = {
    .setup = sign_setup, .once = sign_once, .teardown = scu_teardown,
};

const struct row_ops scu_random_ops = {
    .setup = random_setup, .once = random_once, .teardown = scu_teardown,
};
