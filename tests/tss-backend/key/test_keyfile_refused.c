/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/keyfile.h"
#include "keyfiles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Damaged key files: one mutation each. */

/* Refused with this code, the line names the place; nothing is handed out. */
static void
assert_refused(const struct blob *der, int rc, const char *place)
{
    struct keyfile file, nothing;

    memset(&file, 0x55, sizeof(file));
    memset(&nothing, 0, sizeof(nothing));
    assert_int_equal(keyfile_read(der->data, der->len, &file), rc);
    if (strstr(scu_error_detail(), place) == NULL)
        fail_msg("'%s' is not in '%s'", place, scu_error_detail());
    assert_memory_equal(&file, &nothing, sizeof(file));
}

static void
assert_parts_refused(const struct keyfile_parts *parts, int rc,
    const char *place)
{
    struct blob der;

    assemble(parts, &der);
    assert_refused(&der, rc, place);
}

static void
refused__other_types(void **state)
{
    static const uint8_t importable[] = { 0x67, 0x81, 0x05, 0x0a, 1, 4 };
    static const uint8_t sealed[] = { 0x67, 0x81, 0x05, 0x0a, 1, 5 };
    static const uint8_t later[] = { 0x67, 0x81, 0x05, 0x0a, 1, 6 };
    static const uint8_t longer[] = { 0x67, 0x81, 0x05, 0x0a, 1, 3, 1 };
    struct keyfile_parts parts = keyfile_good;

    (void)state;
    parts.type = (struct element){ importable, 6 };
    assert_parts_refused(&parts, SCU_E_UNSUPPORTED, "importable key");
    parts.type = (struct element){ sealed, 6 };
    assert_parts_refused(&parts, SCU_E_UNSUPPORTED, "sealed data");
    parts.type = (struct element){ later, 6 };
    assert_parts_refused(&parts, SCU_E_UNSUPPORTED, "2.23.133.10.1.6");
    parts.type = (struct element){ later, 5 };
    assert_parts_refused(&parts, SCU_E_KEYFILE, "type");
    parts.type = (struct element){ longer, 7 };
    assert_parts_refused(&parts, SCU_E_KEYFILE, "type");
    parts.type = (struct element){ "", 0 };
    assert_parts_refused(&parts, SCU_E_KEYFILE, "type");
}

static void
refused__no_type(void **state)
{
    struct keyfile_parts parts = keyfile_good;

    (void)state;
    parts.type.data = NULL;
    assert_parts_refused(&parts, SCU_E_KEYFILE, "octet 2, type: another");
}

static void
refused__no_parent(void **state)
{
    struct keyfile_parts parts = keyfile_good;

    (void)state;
    parts.parent.data = NULL;
    assert_parts_refused(&parts, SCU_E_KEYFILE, "parent");
}

static void
refused__no_public(void **state)
{
    struct keyfile_parts parts = keyfile_good;

    (void)state;
    parts.public.data = NULL;
    /* The private part stands in its place, and then there is none. */
    assert_parts_refused(&parts, SCU_E_KEYFILE, "privkey: missing");
}

static void
refused__no_private(void **state)
{
    struct keyfile_parts parts = keyfile_good;

    (void)state;
    parts.private.data = NULL;
    assert_parts_refused(&parts, SCU_E_KEYFILE, "privkey: missing");
}

static void
refused__boolean_of_two_octets(void **state)
{
    struct keyfile_parts parts = keyfile_good;

    (void)state;
    parts.empty_auth.data = "\xff\xff";
    parts.empty_auth.len = 2;
    assert_parts_refused(&parts, SCU_E_KEYFILE, "emptyAuth");
    parts.empty_auth.len = 0;
    assert_parts_refused(&parts, SCU_E_KEYFILE, "emptyAuth");
}

static void
refused__two_elements_in_an_explicit_tag(void **state)
{
    static const uint8_t two[] = { 0x01, 0x01, 0xff, 0x01, 0x01, 0xff };
    struct blob der = { 0 };

    (void)state;
    put(&der, 0x06, keyfile_good.type.data, keyfile_good.type.len);
    put(&der, 0xa0, two, sizeof(two));
    wrap(&der);
    assert_refused(&der, SCU_E_KEYFILE, "octet 15, emptyAuth: more than");
}

static void
refused__wrong_element_in_an_explicit_tag(void **state)
{
    struct blob der = { 0 };

    (void)state;
    put(&der, 0x06, keyfile_good.type.data, keyfile_good.type.len);
    put_explicit(&der, 4, 0x13, "printable", 9);
    wrap(&der);
    assert_refused(&der, SCU_E_KEYFILE, "description");
}

static void
refused__options_in_another_order(void **state)
{
    struct blob der = { 0 };

    (void)state;
    put(&der, 0x06, keyfile_good.type.data, keyfile_good.type.len);
    put_explicit(&der, 4, 0x0c, "name", 4);
    put_explicit(&der, 0, 0x01, "\xff", 1);
    wrap(&der);
    assert_refused(&der, SCU_E_KEYFILE, "parent");
}

static void
refused__unknown_option(void **state)
{
    struct blob der = { 0 };

    (void)state;
    put(&der, 0x06, keyfile_good.type.data, keyfile_good.type.len);
    put_explicit(&der, 6, 0x0c, "name", 4);
    wrap(&der);
    assert_refused(&der, SCU_E_KEYFILE, "parent");
}

static void
refused__something_behind_it(void **state)
{
    struct blob der;

    (void)state;
    assemble(&keyfile_good, &der);
    put_raw(&der, "", 1);
    assert_refused(&der, SCU_E_KEYFILE, "something stands behind");
}

static void
refused__something_at_the_end_of_the_sequence(void **state)
{
    struct blob der = { 0 };
    struct blob whole;

    (void)state;
    assemble(&keyfile_good, &whole);
    put_raw(&der, whole.data + 2, whole.len - 2);
    put(&der, 0x05, NULL, 0);
    wrap(&der);
    assert_refused(&der, SCU_E_KEYFILE, "at its end");
}

static void
refused__cut_off_at_each_octet(void **state)
{
    struct keyfile_parts parts;
    struct blob der;
    size_t whole;

    (void)state;
    with_all_options(&parts);
    assemble(&parts, &der);
    whole = der.len;
    for (der.len = 0; der.len < whole; der.len++)
        assert_refused(&der, SCU_E_KEYFILE, "octet");
}

/* Each header's length made too long by one, its frame left as it is. */
static void
refused__each_length_one_too_long(void **state)
{
    struct keyfile_parts parts;
    struct blob good, der;
    struct keyfile file;

    (void)state;
    with_all_options(&parts);
    assemble(&parts, &good);
    for (size_t i = 3; i + 1 < good.len; i += 2 + good.data[i + 1]) {
        der = good;
        der.data[i + 1]++;
        assert_int_equal(keyfile_read(der.data, der.len, &file),
            SCU_E_KEYFILE);
        if (good.data[i + 1] >= 0x80)
            break;
    }
}

static void
refused__indefinite_length(void **state)
{
    struct blob der = { 0 };

    (void)state;
    put_raw(&der, "\x30\x80", 2);
    put(&der, 0x06, keyfile_good.type.data, keyfile_good.type.len);
    put_raw(&der, "\0\0", 2);
    assert_refused(&der, SCU_E_KEYFILE, "indefinite");
}

static void
refused__larger_than_any_key_file(void **state)
{
    static uint8_t large[KEYFILE_MAX + 1];
    struct keyfile file;

    (void)state;
    assert_int_equal(keyfile_read(large, sizeof(large), &file),
        SCU_E_KEYFILE);
    assert_int_equal(keyfile_read(large, 0, &file), SCU_E_KEYFILE);
}

/* --- the chip's structures within -----------------------------------------*/

/* The public area with one octet replaced. */
static void
assert_public_refused(size_t at, uint8_t value, int rc)
{
    struct keyfile_parts parts = keyfile_good;
    uint8_t area[512];

    memcpy(area, parts.public.data, parts.public.len);
    area[at] = value;
    parts.public.data = area;
    assert_parts_refused(&parts, rc, "pubkey");
}

static void
public__size_field(void **state)
{
    (void)state;
    assert_public_refused(1, 0x55, SCU_E_KEYFILE);
    assert_public_refused(1, 0x57, SCU_E_KEYFILE);
    assert_public_refused(0, 0xff, SCU_E_KEYFILE);
}

static void
public__type(void **state)
{
    (void)state;
    assert_public_refused(3, 0x08, SCU_E_KEYFILE);
    assert_public_refused(3, 0x99, SCU_E_KEYFILE);
}

static void
public__name_alg(void **state)
{
    (void)state;
    assert_public_refused(5, 0x10, SCU_E_UNSUPPORTED);
    assert_public_refused(5, 0x77, SCU_E_UNSUPPORTED);
}

static void
public__curve(void **state)
{
    (void)state;
    assert_public_refused(17, 0x10, SCU_E_UNSUPPORTED);
    assert_public_refused(17, 0x00, SCU_E_UNSUPPORTED);
}

static void
public__coordinates(void **state)
{
    (void)state;
    assert_public_refused(21, 0x21, SCU_E_KEYFILE); /* x a size more */
    assert_public_refused(21, 0x1f, SCU_E_KEYFILE);
    assert_public_refused(20, 0xff, SCU_E_KEYFILE);
    assert_public_refused(55, 0x21, SCU_E_KEYFILE); /* y */
    assert_public_refused(55, 0x00, SCU_E_KEYFILE);
}

static void
public__empty_point(void **state)
{
    static const uint8_t area[] = {
        0x00, 0x16, 0x00, 0x23, 0x00, 0x0b, 0x00, 0x06, 0x00, 0x72, 0x00,
        0x00, 0x00, 0x10, 0x00, 0x10, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00,
        0x00, 0x00,
    };
    struct keyfile_parts parts = keyfile_good;

    (void)state;
    parts.public = (struct element){ area, sizeof(area) };
    assert_parts_refused(&parts, SCU_E_KEYFILE, "pubkey: the EC point");
}

static void
public__cut_off_at_each_octet(void **state)
{
    struct keyfile_parts parts = keyfile_good;

    (void)state;
    for (parts.public.len = 0; parts.public.len < keyfile_good.public.len;
        parts.public.len++)
        assert_parts_refused(&parts, SCU_E_KEYFILE, "pubkey");
}

static void
private__sizes(void **state)
{
    static const uint8_t huge[2002] = { 0x07, 0xd0 };
    struct keyfile_parts parts = keyfile_good;

    (void)state;
    parts.private = (struct element){ "\0\0", 2 };
    assert_parts_refused(&parts, SCU_E_KEYFILE, "privkey");
    parts.private = (struct element){ "\0\2a", 3 };
    assert_parts_refused(&parts, SCU_E_KEYFILE, "privkey");
    parts.private = (struct element){ "\0\2abc", 5 };
    assert_parts_refused(&parts, SCU_E_KEYFILE, "privkey");
    parts.private = (struct element){ "", 0 };
    assert_parts_refused(&parts, SCU_E_KEYFILE, "privkey");
    assert_true(sizeof(huge) - 2 > sizeof(((TPM2B_PRIVATE *)NULL)->buffer));
    parts.private = (struct element){ huge, sizeof(huge) };
    assert_parts_refused(&parts, SCU_E_KEYFILE, "privkey");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused__other_types),
        cmocka_unit_test(refused__no_type),
        cmocka_unit_test(refused__no_parent),
        cmocka_unit_test(refused__no_public),
        cmocka_unit_test(refused__no_private),
        cmocka_unit_test(refused__boolean_of_two_octets),
        cmocka_unit_test(refused__two_elements_in_an_explicit_tag),
        cmocka_unit_test(refused__wrong_element_in_an_explicit_tag),
        cmocka_unit_test(refused__options_in_another_order),
        cmocka_unit_test(refused__unknown_option),
        cmocka_unit_test(refused__something_behind_it),
        cmocka_unit_test(refused__something_at_the_end_of_the_sequence),
        cmocka_unit_test(refused__cut_off_at_each_octet),
        cmocka_unit_test(refused__each_length_one_too_long),
        cmocka_unit_test(refused__indefinite_length),
        cmocka_unit_test(refused__larger_than_any_key_file),
        cmocka_unit_test(public__size_field),
        cmocka_unit_test(public__type),
        cmocka_unit_test(public__name_alg),
        cmocka_unit_test(public__curve),
        cmocka_unit_test(public__coordinates),
        cmocka_unit_test(public__empty_point),
        cmocka_unit_test(public__cut_off_at_each_octet),
        cmocka_unit_test(private__sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
