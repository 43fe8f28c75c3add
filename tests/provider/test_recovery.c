/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The provider's door: what happens to chip and bus in mid-signing. */
#include "ossl.h"

#include "tests/lib/faults.h"

#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SIGNATURES 2000

static struct faults *faults;

static int
group_setup(void **state)
{
    struct ossl *o;
    char tcti[300];

    if (ossl_group_setup(state) != 0)
        return -1;
    o = *state;
    if ((faults = faults_new(o->sim, tcti)) == NULL)
        return -1;
    return setenv("SCU_TCTI", tcti, 1);
}

static int
group_teardown(void **state)
{
    faults_free(&faults);
    return ossl_group_teardown(state);
}

static void
must_sign(const struct ossl *o, EVP_PKEY *key, unsigned number,
    const char *after)
{
    unsigned char message[4] = {
        (unsigned char)number, (unsigned char)(number >> 8),
    };
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char sig[512];
    size_t len = sizeof(sig);

    assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", o->libctx,
        NULL, key, NULL), 1);
    if (EVP_DigestSign(ctx, sig, &len, message, sizeof(message)) != 1) {
        ERR_print_errors_fp(stderr);
        fail_msg("signature %u, %s", number, after);
    }
    EVP_MD_CTX_reset(ctx);
    assert_int_equal(EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", o->libctx,
        NULL, key, NULL), 1);
    assert_int_equal(EVP_DigestVerify(ctx, sig, len, message,
        sizeof(message)), 1);
    EVP_MD_CTX_free(ctx);
}

static void
sign__goes_on_whatever_happens(void **state)
{
    const struct ossl *o = *state;
    const unsigned step = SIGNATURES / ((unsigned)fault_row_count + 1);
    EVP_PKEY *key = ossl_chip_ec(o, "P-256");
    const char *after = "nothing";
    size_t next = 0;

    for (unsigned i = 0; i < SIGNATURES; i++) {
        bool now = i > 0 && i % step == 0 && next < fault_row_count;

        if (now) {
            after = fault_rows[next].name;
            faults_arm(faults, &fault_rows[next++]);
        }
        must_sign(o, key, i, after);
        if (now && !faults_happened(faults))
            fail_msg("%s did not happen", after);
    }
    assert_int_equal(next, fault_row_count);
    /* What was recovered from leaves no error behind. */
    assert_int_equal(ERR_peek_error(), 0);
    EVP_PKEY_free(key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        OSSL_ROW("sign__goes_on_whatever_happens",
            sign__goes_on_whatever_happens, ossl_default_first),
    };

    return cmocka_run_group_tests_name("recovery through the provider",
        tests, group_setup, group_teardown);
}
