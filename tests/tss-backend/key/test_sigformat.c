/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/sigformat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>

static void
set(TPM2B_ECC_PARAMETER *p, size_t size, uint8_t first, uint8_t rest)
{
    p->size = (uint16_t)size;
    memset(p->buffer, rest, size);
    p->buffer[0] = first;
}

/* libcrypto reads the same numbers back, and writes the same octets. */
static void
assert_agrees(const TPMS_SIGNATURE_ECC *in, size_t coordinate)
{
    uint8_t out[128], r[48], s[48], padded[48] = { 0 };
    unsigned char *again = NULL;
    const unsigned char *p = out;
    size_t len = sizeof(out);
    ECDSA_SIG *sig;

    assert_int_equal(sigformat_ecdsa(in, coordinate, out, &len), SCU_OK);
    assert_true(len <= sigformat_ecdsa_size(coordinate));
    sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
    assert_non_null(sig);
    assert_ptr_equal(p, out + len);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), r, 48), 48);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), s, 48), 48);
    memcpy(padded + 48 - in->signatureR.size, in->signatureR.buffer,
        in->signatureR.size);
    assert_memory_equal(r, padded, 48);
    memset(padded, 0, 48);
    memcpy(padded + 48 - in->signatureS.size, in->signatureS.buffer,
        in->signatureS.size);
    assert_memory_equal(s, padded, 48);
    assert_int_equal(i2d_ECDSA_SIG(sig, &again), (int)len);
    assert_memory_equal(again, out, len);
    OPENSSL_free(again);
    ECDSA_SIG_free(sig);
}

static void
ecdsa__high_bit_takes_an_octet_more(void **state)
{
    TPMS_SIGNATURE_ECC in = { 0 };
    uint8_t out[72];
    size_t len = sizeof(out);

    (void)state;
    set(&in.signatureR, 32, 0xff, 0x11);
    set(&in.signatureS, 32, 0x80, 0x22);
    assert_agrees(&in, 32);
    assert_int_equal(sigformat_ecdsa(&in, 32, out, &len), SCU_OK);
    assert_int_equal(len, 72);
}

static void
ecdsa__low_bit_takes_none(void **state)
{
    TPMS_SIGNATURE_ECC in = { 0 };
    uint8_t out[70];
    size_t len = sizeof(out);

    (void)state;
    set(&in.signatureR, 32, 0x7f, 0xff);
    set(&in.signatureS, 32, 0x01, 0xff);
    assert_agrees(&in, 32);
    assert_int_equal(sigformat_ecdsa(&in, 32, out, &len), SCU_OK);
    assert_int_equal(len, 70);
}

static void
ecdsa__leading_zeros_are_dropped(void **state)
{
    TPMS_SIGNATURE_ECC in = { 0 };

    (void)state;
    set(&in.signatureR, 32, 0x00, 0x00);
    in.signatureR.buffer[31] = 1;
    set(&in.signatureS, 32, 0x00, 0x81);
    assert_agrees(&in, 32);
}

static void
ecdsa__short_numbers(void **state)
{
    TPMS_SIGNATURE_ECC in = { 0 };

    (void)state;
    set(&in.signatureR, 1, 0x01, 0);
    set(&in.signatureS, 1, 0x80, 0);
    assert_agrees(&in, 32);
    assert_agrees(&in, 48);
}

static void
ecdsa__p384_at_its_longest(void **state)
{
    TPMS_SIGNATURE_ECC in = { 0 };
    uint8_t out[128];
    size_t len = sizeof(out);

    (void)state;
    set(&in.signatureR, 48, 0xff, 0xff);
    set(&in.signatureS, 48, 0xff, 0xff);
    assert_agrees(&in, 48);
    assert_int_equal(sigformat_ecdsa(&in, 48, out, &len), SCU_OK);
    assert_int_equal(len, sigformat_ecdsa_size(48));
}

static void
ecdsa_size__holds_the_longest(void **state)
{
    (void)state;
    assert_int_equal(sigformat_ecdsa_size(32), 72);
    assert_int_equal(sigformat_ecdsa_size(48), 104);
    assert_int_equal(sigformat_ecdsa_size(66), 141);
}

static void
ecdsa__zero_is_no_signature(void **state)
{
    TPMS_SIGNATURE_ECC in = { 0 };
    uint8_t out[72];
    size_t len = sizeof(out);

    (void)state;
    set(&in.signatureR, 32, 0, 0);
    set(&in.signatureS, 32, 1, 1);
    assert_int_equal(sigformat_ecdsa(&in, 32, out, &len), SCU_E_TAMPERED);
    set(&in.signatureR, 32, 1, 1);
    in.signatureS.size = 0;
    assert_int_equal(sigformat_ecdsa(&in, 32, out, &len), SCU_E_TAMPERED);
}

static void
ecdsa__too_long_a_number_is_refused(void **state)
{
    TPMS_SIGNATURE_ECC in = { 0 };
    uint8_t out[200];
    size_t len = sizeof(out);

    (void)state;
    set(&in.signatureR, 32, 1, 1);
    set(&in.signatureS, 33, 1, 1);
    assert_int_equal(sigformat_ecdsa(&in, 32, out, &len), SCU_E_TAMPERED);
    in.signatureS.size = UINT16_MAX;
    assert_int_equal(sigformat_ecdsa(&in, 32, out, &len), SCU_E_TAMPERED);
    set(&in.signatureS, 49, 1, 1);
    assert_int_equal(sigformat_ecdsa(&in, 49, out, &len), SCU_E_TAMPERED);
}

static void
ecdsa__short_room_is_refused(void **state)
{
    TPMS_SIGNATURE_ECC in = { 0 };
    uint8_t out[70];
    size_t len = 69;

    (void)state;
    set(&in.signatureR, 32, 1, 1);
    set(&in.signatureS, 32, 1, 1);
    assert_int_equal(sigformat_ecdsa(&in, 32, out, &len), SCU_E_SIZE);
    assert_int_equal(len, 69);
    len = 70;
    assert_int_equal(sigformat_ecdsa(&in, 32, out, &len), SCU_OK);
}

static void
rsa__is_padded_to_the_modulus(void **state)
{
    const TPM2B_PUBLIC_KEY_RSA in = { .size = 3, .buffer = { 1, 2, 3 } };
    const uint8_t expected[] = { 0, 0, 1, 2, 3 };
    uint8_t out[5] = { 9, 9, 9, 9, 9 };
    size_t len = sizeof(out);

    (void)state;
    assert_int_equal(sigformat_rsa(&in, 5, out, &len), SCU_OK);
    assert_int_equal(len, 5);
    assert_memory_equal(out, expected, 5);
}

static void
rsa__too_long_is_refused(void **state)
{
    TPM2B_PUBLIC_KEY_RSA in = { .size = 6 };
    uint8_t out[8];
    size_t len = sizeof(out);

    (void)state;
    assert_int_equal(sigformat_rsa(&in, 5, out, &len), SCU_E_TAMPERED);
    in.size = 0;
    assert_int_equal(sigformat_rsa(&in, 5, out, &len), SCU_E_TAMPERED);
}

static void
rsa__short_room_is_refused(void **state)
{
    const TPM2B_PUBLIC_KEY_RSA in = { .size = 1, .buffer = { 1 } };
    uint8_t out[4];
    size_t len = sizeof(out);

    (void)state;
    assert_int_equal(sigformat_rsa(&in, 5, out, &len), SCU_E_SIZE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ecdsa__high_bit_takes_an_octet_more),
        cmocka_unit_test(ecdsa__low_bit_takes_none),
        cmocka_unit_test(ecdsa__leading_zeros_are_dropped),
        cmocka_unit_test(ecdsa__short_numbers),
        cmocka_unit_test(ecdsa__p384_at_its_longest),
        cmocka_unit_test(ecdsa_size__holds_the_longest),
        cmocka_unit_test(ecdsa__zero_is_no_signature),
        cmocka_unit_test(ecdsa__too_long_a_number_is_refused),
        cmocka_unit_test(ecdsa__short_room_is_refused),
        cmocka_unit_test(rsa__is_padded_to_the_modulus),
        cmocka_unit_test(rsa__too_long_is_refused),
        cmocka_unit_test(rsa__short_room_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
