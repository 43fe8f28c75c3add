/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "uri.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct uri *
parsed(const char *text)
{
    struct uri *uri = NULL;
    char why[256] = "";

    if (uri_parse(text, &uri, why, sizeof(why)) != 0)
        print_error("%s: %s\n", text, why);
    assert_non_null(uri);
    assert_string_equal(why, "");
    return uri;
}

static void
refused(const char *text, const char *expected)
{
    struct uri dummy, *uri = &dummy;
    char why[256] = "";

    assert_int_equal(uri_parse(text, &uri, why, sizeof(why)), -EINVAL);
    assert_null(uri);
    if (strstr(why, expected) == NULL)
        fail_msg("%s: %s", text, why);
}

static void
uri_parse__all_of_it(void **state)
{
    struct uri *uri = parsed("pkcs11:model=M;manufacturer=The%20Makers;"
        "serial=0123456789abcdef;token=my%20token;id=%01%00%ff;"
        "object=a%20key;type=private?pin-value=1%2634&"
        "module-name=scu&module-path=/x.so");

    (void)state;
    assert_string_equal(uri->model, "M");
    assert_string_equal(uri->manufacturer, "The Makers");
    assert_string_equal(uri->serial, "0123456789abcdef");
    assert_string_equal(uri->token, "my token");
    assert_string_equal(uri->object, "a key");
    assert_int_equal(uri->id_len, 3);
    assert_memory_equal(uri->id, "\x01\x00\xff", 3);
    assert_int_equal(uri->type, URI_PRIVATE);
    assert_string_equal(uri->pin_value, "1&34");
    assert_string_equal(uri->module_name, "scu");
    assert_string_equal(uri->module_path, "/x.so");
    assert_null(uri->pin_source);
    uri_free(&uri);
    assert_null(uri);
}

static void
uri_parse__what_is_not_there_is_null(void **state)
{
    struct uri *uri = parsed("pkcs11:");

    (void)state;
    assert_null(uri->token);
    assert_null(uri->serial);
    assert_null(uri->manufacturer);
    assert_null(uri->model);
    assert_null(uri->object);
    assert_null(uri->id);
    assert_null(uri->library_manufacturer);
    assert_null(uri->library_description);
    assert_null(uri->slot_manufacturer);
    assert_null(uri->slot_description);
    assert_null(uri->module_name);
    assert_null(uri->module_path);
    assert_null(uri->pin_value);
    assert_null(uri->pin_source);
    assert_false(uri->has_slot_id);
    assert_int_equal(uri->type, URI_ANY);
    uri_free(&uri);
}

static void
uri_parse__empty_values(void **state)
{
    struct uri *uri = parsed("pkcs11:token=;object=;id=?");

    (void)state;
    assert_string_equal(uri->token, "");
    assert_string_equal(uri->object, "");
    assert_non_null(uri->id);
    assert_int_equal(uri->id_len, 0);
    uri_free(&uri);
}

static void
uri_parse__types(void **state)
{
    static const struct {
        const char *text;
        enum uri_type type;
    } rows[] = {
        { "pkcs11:type=public", URI_PUBLIC },
        { "pkcs11:type=private", URI_PRIVATE },
        { "pkcs11:type=cert", URI_CERT },
        { "pkcs11:type=data", URI_DATA },
        { "pkcs11:type=secret-key", URI_SECRET_KEY },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct uri *uri = parsed(rows[i].text);

        assert_int_equal(uri->type, rows[i].type);
        uri_free(&uri);
    }
}

static void
uri_parse__library_slot_and_source(void **state)
{
    struct uri *uri = parsed("pkcs11:library-description=Lib;"
        "library-manufacturer=Maker;slot-description=Slot;"
        "slot-manufacturer=SlotMaker;slot-id=7?pin-source=file:/a/b");

    (void)state;
    assert_string_equal(uri->library_description, "Lib");
    assert_string_equal(uri->library_manufacturer, "Maker");
    assert_string_equal(uri->slot_description, "Slot");
    assert_string_equal(uri->slot_manufacturer, "SlotMaker");
    assert_true(uri->has_slot_id);
    assert_int_equal(uri->slot_id, 7);
    assert_string_equal(uri->pin_source, "file:/a/b");
    assert_null(uri->pin_value);
    uri_free(&uri);
}

static void
uri_parse__bad_ones(void **state)
{
    (void)state;
    refused("", "does not begin");
    refused("handle:0x81000001", "does not begin");
    refused("pkcs11", "does not begin");
    refused("pkcs11:token", "not of the form");
    refused("pkcs11:token=%zz", "bad %XX");
    refused("pkcs11:id=%1", "bad %XX");
    refused("pkcs11:token=123456789012345678901234567890123", "32 octets");
    refused("pkcs11:serial=12345678901234567", "serial: 16");
    refused("pkcs11:object=a%00b", "zero octet");
    refused("pkcs11:token=a%00b", "zero octet");
    refused("pkcs11:type=nothing", "not known");
    refused("pkcs11:colour=red", "not known");
    refused("pkcs11:library-version=1.0", "library-version");
    refused("pkcs11:library-version=x", "library-version");
}

/* What would be cut, or not be there at all, would mean something else. */
static void
uri_parse__zero_octets(void **state)
{
    (void)state;
    refused("pkcs11:token=%00", "zero octet");
    refused("pkcs11:token=%00abc;object=k", "zero octet");
    refused("pkcs11:serial=%00", "zero octet");
    refused("pkcs11:object=k?pin-value=1234%0056", "zero octet");
    refused("pkcs11:object=k?pin-source=file:/a%00b", "zero octet");
    refused("pkcs11:token=%0 0abc", "%20");
}

static void
uri_parse__empty_parts(void **state)
{
    (void)state;
    refused("pkcs11:;token=a", "empty");
    refused("pkcs11:object=k;;token=a", "empty");
    refused("pkcs11:object=k;", "empty");
    refused("pkcs11:object=k?pin-value=1234&", "empty");
    refused("pkcs11:object=k?&pin-value=1234", "empty");
}

static void
uri_parse__twice_the_same(void **state)
{
    (void)state;
    refused("pkcs11:token=a;token=b", "twice");
    refused("pkcs11:id=%01;object=k;id=%02", "twice");
    refused("pkcs11:type=cert;object-type=private", "twice");
    refused("pkcs11:token=a?pin-value=1234&pin-value=5678", "twice");
    refused("pkcs11:token=a?pin-source=file:/a&pin-source=file:/b", "twice");
}

static void
uri_parse__what_no_query_has(void **state)
{
    (void)state;
    refused("pkcs11:object=k?token=b", "not known");
    refused("pkcs11:object=k?pin-soure=file:/a", "not known");
}

static void
uri_parse__blanks(void **state)
{
    (void)state;
    refused("pkcs11:token=my token", "%20");
    refused("pkcs11:token=a\n", "%20");
}

/* The URI may hold a PIN: no message shows any of it. */
static void
uri_parse__a_refusal_shows_no_pin(void **state)
{
    struct uri *uri = NULL;
    char why[256];

    (void)state;
    assert_int_equal(uri_parse("pkcs11:colour=red?pin-value=verysecret", &uri,
        why, sizeof(why)), -EINVAL);
    assert_null(strstr(why, "verysecret"));
    assert_null(strstr(why, "red"));
}

static void
uri_parse__a_short_buffer_is_terminated(void **state)
{
    char why[8] = "xxxxxxx";
    struct uri *uri = NULL;

    (void)state;
    assert_int_equal(uri_parse("x:", &uri, why, sizeof(why)), -EINVAL);
    assert_int_equal(strlen(why), 7);
}

static void
uri_is__by_its_scheme(void **state)
{
    (void)state;
    assert_true(uri_is("pkcs11:"));
    assert_true(uri_is("PKCS11:token=x"));
    assert_false(uri_is("pkcs1"));
    assert_false(uri_is("./pkcs11:"));
    assert_false(uri_is(NULL));
}

static void
uri_write__is_read_again(void **state)
{
    static char token[] = "my; token/?", object[] = "k&y \xc3\xa4";
    static char serial[] = "0123456789abcdef", maker[] = "scu", model[] = "m";
    static uint8_t id[] = { 0, 1, 0xfe };
    const struct uri from = {
        .token = token,
        .serial = serial,
        .manufacturer = maker,
        .model = model,
        .object = object,
        .id = id,
        .id_len = sizeof(id),
        .type = URI_CERT,
        .pin_value = token,
    };
    char *text = uri_write(&from);
    struct uri *uri;

    (void)state;
    assert_non_null(text);
    uri = parsed(text);
    assert_string_equal(uri->token, token);
    assert_string_equal(uri->serial, serial);
    assert_string_equal(uri->manufacturer, maker);
    assert_string_equal(uri->model, model);
    assert_string_equal(uri->object, object);
    assert_int_equal(uri->id_len, sizeof(id));
    assert_memory_equal(uri->id, id, sizeof(id));
    assert_int_equal(uri->type, URI_CERT);
    assert_null(uri->pin_value);
    uri_free(&uri);
    free(text);
}

static void
uri_write__what_does_not_fit(void **state)
{
    static char token[] = "123456789012345678901234567890123";
    const struct uri from = { .token = token };

    (void)state;
    assert_null(uri_write(&from));
}

static void
uri_allows__padding_does_not_count(void **state)
{
    (void)state;
    assert_true(uri_allows(NULL, "anything"));
    assert_true(uri_allows("abc", "abc"));
    assert_true(uri_allows("abc", "abc   "));
    assert_true(uri_allows("", ""));
    assert_false(uri_allows("", "abc"));
    assert_false(uri_allows("abc", "ab"));
    assert_false(uri_allows("ab", "abc"));
    assert_false(uri_allows("abc", "abd"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uri_parse__all_of_it),
        cmocka_unit_test(uri_parse__what_is_not_there_is_null),
        cmocka_unit_test(uri_parse__empty_values),
        cmocka_unit_test(uri_parse__types),
        cmocka_unit_test(uri_parse__library_slot_and_source),
        cmocka_unit_test(uri_parse__bad_ones),
        cmocka_unit_test(uri_parse__zero_octets),
        cmocka_unit_test(uri_parse__empty_parts),
        cmocka_unit_test(uri_parse__twice_the_same),
        cmocka_unit_test(uri_parse__what_no_query_has),
        cmocka_unit_test(uri_parse__blanks),
        cmocka_unit_test(uri_parse__a_refusal_shows_no_pin),
        cmocka_unit_test(uri_parse__a_short_buffer_is_terminated),
        cmocka_unit_test(uri_is__by_its_scheme),
        cmocka_unit_test(uri_write__is_read_again),
        cmocka_unit_test(uri_write__what_does_not_fit),
        cmocka_unit_test(uri_allows__padding_does_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
