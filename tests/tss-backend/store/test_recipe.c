/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/*
 * Formats that stores and chips already hold: values that were computed
 * independently, by another program from the specifications.
 */
#include "base/bytes.h"
#include "store/token-private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
check(const void *data, size_t len, const char *hex)
{
    char text[200];

    assert_in_range(len, 1, 80);
    hex_encode(data, len, text);
    assert_string_equal(text, hex);
}

/* scrypt (512, 8, 1), and HKDF with two labels. */
static void
pin__gives_two_auth_values(void **state)
{
    static const char index[] =
        "2cc1d020ca2169be12fbf94a9ea5ca85"
        "15e97b585ad6828661eba8651493dd7a";
    static const char seal[] =
        "96e28c17129243b623cc1222604a0af1"
        "751f8833ca835f579aaf395fe65bb342";
    struct crypto *crypto = crypto_new();
    struct token_row row = { .cost = { .n = 512, .r = 8, .p = 1 } };
    struct pin_auths auths = { 0 };

    (void)state;
    assert_non_null(crypto);
    for (uint8_t i = 0; i < TOKEN_SALT_SIZE; i++)
        row.salt[SCU_USER_NORMAL][i] = i;
    assert_int_equal(pin_derive(crypto, &row, SCU_USER_NORMAL,
        (struct bytes){ "1234", 4 }, &auths), SCU_OK);
    check(auths.index->data, auths.index->len, index);
    check(auths.seal->data, auths.seal->len, seal);
    pin_auths_free(&auths);
    crypto_free(&crypto);
}

static void
fill_name(TPM2B_NAME *name, int octet)
{
    name->size = 34;
    memcpy(name->name, "\x00\x0b", 2);
    memset(name->name + 2, octet, 32);
}

/* PolicyOR of the four branches; 0x02080088, and with WRITTEN 0x22080088. */
static void
index__policy_and_names(void **state)
{
    static const char branches[] =
        "80039593aae9b3c5f901345c591d1a2b"
        "fd6adcb4588bd54d688d2cfac1ff0179";
    static const char fresh[] =
        "000bfbc7e64ab998cf2bfdeec9d0478dda"
        "4775ccaafb7be4b669a45cf9531f13bdbe";
    static const char written[] =
        "000b105d29e8d1cfebfb6761b3470c1b89"
        "9f644febc1734a38fae34fc99943976275";
    static const char blob[] =
        "3962d0d1d5b1bd15bdcc034998dbf8f7"
        "1eedb496280e6d7cb0050630efee2546";
    struct crypto *crypto = crypto_new();
    struct pin_index *i = calloc(1, sizeof(*i));
    TPM2B_DIGEST *policy;
    TPM2B_NAME so, user;
    struct policy sealed;
    TPM2B_DIGEST digest;

    (void)state;
    assert_non_null(crypto);
    assert_non_null(i);
    fill_name(&so, 0x11);
    fill_name(&user, 0x22);
    assert_int_equal(pin_index_init(crypto, i, 0x01800101, &user, &so),
        SCU_OK);
    policy = &i->public.nvPublic.authPolicy;
    check(policy->buffer, policy->size, branches);
    check(i->fresh.name, i->fresh.size, fresh);
    check(i->name.name, i->name.size, written);
    pin_blob_policy(i, &sealed);
    assert_int_equal(policy_digest(crypto, &sealed, &digest), SCU_OK);
    check(digest.buffer, digest.size, blob);
    free(i);
    crypto_free(&crypto);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pin__gives_two_auth_values),
        cmocka_unit_test(index__policy_and_names),
    };

    return cmocka_run_group_tests_name("recipe", tests, NULL, NULL);
}
