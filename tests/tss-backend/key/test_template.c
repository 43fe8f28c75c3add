/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "base/bytes.h"
#include "key/template.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <tss2/tss2_mu.h>

/*
 * Octet by octet as the structures stand in the TPM 2.0 library, part 2: a
 * primary key of another template is another key, and all key files below it
 * are lost.
 */
static void
assert_octets(const TPM2B_PUBLIC *public, const char *expected)
{
    uint8_t octets[256];
    char text[2 * sizeof(octets) + 1];
    size_t len = 0;

    assert_int_equal(Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, octets,
        sizeof(octets), &len), TSS2_RC_SUCCESS);
    hex_encode(octets, len, text);
    assert_string_equal(text, expected);
}

static void
template_storage_ecc__is_h2_storage(void **state)
{
    TPM2B_PUBLIC public;

    (void)state;
    template_storage_ecc(&public);
    assert_octets(&public,
        "0023" "000b" "00030472" "0000" /* ECC, SHA-256, no policy */
        "0006" "0080" "0043"            /* AES-128-CFB */
        "0010" "0003" "0010"            /* no scheme, P-256, no KDF */
        "0000" "0000");                 /* unique: empty x, y */
}

static void
template_storage_rsa__is_h1_storage(void **state)
{
    TPM2B_PUBLIC public;

    (void)state;
    template_storage_rsa(&public);
    assert_octets(&public,
        "0001" "000b" "00030472" "0000"
        "0006" "0080" "0043"
        "0010" "0800" "00000000" /* no scheme, 2048 bits, 2^16 + 1 */
        "0000");
}

static void
template_attestation__is_restricted_ecdsa(void **state)
{
    TPM2B_PUBLIC public;

    (void)state;
    template_attestation(&public);
    assert_octets(&public,
        "0023" "000b" "00050472" "0000"
        "0010"
        "0018" "000b" "0003" "0010" /* ECDSA-SHA256, P-256, no KDF */
        "0000" "0000");
}

static void
template_key__p256(void **state)
{
    TPM2B_PUBLIC public;

    (void)state;
    template_key(scu_alg_by_name("P-256"), &public);
    assert_octets(&public, "0023" "000b" "00060472" "0000" "0010" "0010"
        "0003" "0010" "0000" "0000");
}

static void
template_key__p384(void **state)
{
    TPM2B_PUBLIC public;

    (void)state;
    template_key(scu_alg_by_name("P-384"), &public);
    assert_octets(&public, "0023" "000b" "00060472" "0000" "0010" "0010"
        "0004" "0010" "0000" "0000");
}

static void
template_key__rsa3072(void **state)
{
    TPM2B_PUBLIC public;

    (void)state;
    template_key(scu_alg_by_name("RSA-3072"), &public);
    assert_octets(&public, "0001" "000b" "00060472" "0000" "0010" "0010"
        "0c00" "00000000" "0000");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(template_storage_ecc__is_h2_storage),
        cmocka_unit_test(template_storage_rsa__is_h1_storage),
        cmocka_unit_test(template_attestation__is_restricted_ecdsa),
        cmocka_unit_test(template_key__p256),
        cmocka_unit_test(template_key__p384),
        cmocka_unit_test(template_key__rsa3072),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
