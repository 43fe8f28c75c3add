/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "printable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static const char *
cleaned(const char *text, bool keep_controls)
{
    static char copy[64];

    (void)snprintf(copy, sizeof(copy), "%s", text);
    printable(copy, keep_controls);
    return copy;
}

static void
printable__keeps_ascii_and_utf8(void **state)
{
    static const char *const texts[] = {
        "", "plain text ~", "\xc3\xa4", "\xe2\x82\xac", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xf0\x9f\x94\x91", "\xf4\x8f\xbf\xbf", "\xc2\xa0",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_string_equal(cleaned(texts[i], false), texts[i]);
}

static void
printable__replaces_junk_octets(void **state)
{
    (void)state;
    assert_string_equal(cleaned("a\xff" "b", true), "a?b");
    assert_string_equal(cleaned("\x80", true), "?");
    assert_string_equal(cleaned("\xc3", true), "?");
    assert_string_equal(cleaned("\xe2\x82", true), "??");
    assert_string_equal(cleaned("\xe2\x82z", true), "??z");
}

/* Overlong forms, surrogates, above U+10FFFF (RFC 3629, 3). */
static void
printable__replaces_forbidden_forms(void **state)
{
    (void)state;
    assert_string_equal(cleaned("\xc0\xaf", true), "??");
    assert_string_equal(cleaned("\xe0\x9f\xbf", true), "???");
    assert_string_equal(cleaned("\xed\xa0\x80", true), "???");
    assert_string_equal(cleaned("\xf0\x8f\xbf\xbf", true), "????");
    assert_string_equal(cleaned("\xf4\x90\x80\x80", true), "????");
}

static void
printable__replaces_controls_unless_kept(void **state)
{
    (void)state;
    assert_string_equal(cleaned("a\x1b[2J\n", false), "a?[2J?");
    assert_string_equal(cleaned("\x7f\xc2\x9b", false), "???");
    assert_string_equal(cleaned("a\n\xc2\x9b", true), "a\n\xc2\x9b");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printable__keeps_ascii_and_utf8),
        cmocka_unit_test(printable__replaces_junk_octets),
        cmocka_unit_test(printable__replaces_forbidden_forms),
        cmocka_unit_test(printable__replaces_controls_unless_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
