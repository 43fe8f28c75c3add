/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "link.h"
#include "options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <tss2/tss2_tcti.h>
#include <cmocka.h>

/* Refused, in one line that holds part. */
static void
refused(const char *conf, const char *part)
{
    struct options options;

    capture_start();
    assert_int_equal(options_parse(conf, &options), TSS2_TCTI_RC_BAD_VALUE);
    assert_null(options.text);
    capture_expect(part);
}

static void
link_types__are_well_formed(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_link_types; i++) {
        const struct link_type *t = link_types[i];
        size_t main_keys = 0;

        assert_non_null(t->ops->open);
        assert_non_null(t->ops->abandon);
        assert_in_range(t->n_keys, 1, 32);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(t->name, link_types[j]->name);
        for (size_t j = 0; j < t->n_keys; j++) {
            if (t->main_key != NULL
                && strcmp(t->main_key, t->keys[j].name) == 0)
                main_keys++;
            for (size_t k = 0; k < j; k++)
                assert_string_not_equal(t->keys[j].name, t->keys[k].name);
        }
        assert_int_equal(main_keys, t->main_key != NULL);
    }
}

static void
options_parse__link_alone(void **state)
{
    struct options o;

    (void)state;
    assert_int_equal(options_parse("sim", &o), TSS2_RC_SUCCESS);
    assert_ptr_equal(o.type, &link_type_sim);
    assert_null(o.dir);
    assert_null(o.trace);
    assert_false(o.exclusive);
    assert_int_equal(o.timeout_ms, OPTION_TIMEOUT_DEFAULT_MS);
    options_clear(&o);
    assert_int_equal(options_parse("device:", &o), TSS2_RC_SUCCESS);
    assert_null(o.path);
    options_clear(&o);
    options_clear(&o);
}

static void
options_parse__main_key(void **state)
{
    struct options o;

    (void)state;
    assert_int_equal(options_parse("device:/dev/tpm0,timeout=0", &o),
        TSS2_RC_SUCCESS);
    assert_string_equal(o.path, "/dev/tpm0");
    assert_int_equal(o.timeout_ms, 0);
    options_clear(&o);
    assert_int_equal(options_parse("device:timeout=1,path=/dev/tpm0", &o),
        TSS2_RC_SUCCESS);
    assert_string_equal(o.path, "/dev/tpm0");
    options_clear(&o);
}

static void
options_parse__all_keys_of_swtpm(void **state)
{
    struct options o;

    (void)state;
    assert_int_equal(options_parse("swtpm:path=/a:b,ctrl=/c,host=::1,port=1,"
        "ctrl-port=65535,exclusive,lock=/l,timeout=3600000,locality=4,"
        "trace=/t=%p", &o), TSS2_RC_SUCCESS);
    assert_string_equal(o.path, "/a:b");
    assert_string_equal(o.ctrl, "/c");
    assert_string_equal(o.host, "::1");
    assert_int_equal(o.port, 1);
    assert_int_equal(o.ctrl_port, 65535);
    assert_true(o.exclusive);
    assert_string_equal(o.lock, "/l");
    assert_int_equal(o.timeout_ms, 3600000);
    assert_int_equal(o.locality, 4);
    assert_string_equal(o.trace, "/t=%p");
    options_clear(&o);
}

static void
options_parse__unknown_link(void **state)
{
    (void)state;
    refused("spy:/dev/x", "unknown link 'spy' in the TCTI configuration; "
        "known: device, spi, i2c, uart, swtpm, sim");
    refused("", "unknown link ''");
    refused(":path=/x", "unknown link ''");
    refused("Sim", "unknown link 'Sim'");
}

static void
options_parse__unknown_key(void **state)
{
    (void)state;
    refused("swtpm:path=/x,colour=red", "link swtpm has no key 'colour'; "
        "known: path, ctrl, host, port, ctrl-port, exclusive, lock, timeout, "
        "locality, startup, trace");
    refused("sim:path=/x", "link sim has no key 'path'");
    refused("swtpm:/x", "link swtpm has no key '/x'");
    refused("device:/dev/tpm0,/dev/tpm1", "has no key '/dev/tpm1'");
    refused("device:=x", "has no key ''");
}

static void
options_parse__empty_item(void **state)
{
    (void)state;
    refused("sim:dir=/x,", "has no key ''");
    refused("device:,timeout=1", "has no key ''");
}

static void
options_parse__key_twice(void **state)
{
    (void)state;
    refused("sim:dir=/x,dir=/y", "key 'dir' stands twice");
    refused("sim:exclusive,exclusive", "key 'exclusive' stands twice");
    refused("device:/dev/tpm0,path=/dev/tpm0", "key 'path' stands twice");
}

static void
options_parse__no_value(void **state)
{
    (void)state;
    refused("sim:dir", "key 'dir' of the TCTI configuration needs a value");
    refused("sim:dir=", "key 'dir' of the TCTI configuration needs a value");
    refused("sim:timeout=", "key 'timeout'");
}

static void
options_parse__flag_with_value(void **state)
{
    (void)state;
    refused("sim:exclusive=yes", "'exclusive' of the TCTI configuration takes "
        "no value");
}

static void
options_parse__junk_number(void **state)
{
    static const char *const junk[] = {
        "x", "-1", "+1", " 1", "1 ", "0x", "0xg", "1.5", "3600001",
        "99999999999999999999999", "4294967296",
    };
    char conf[64];

    (void)state;
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
        (void)snprintf(conf, sizeof(conf), "sim:timeout=%s", junk[i]);
        refused(conf, "give a number from 0 to 3600000");
    }
    refused("sim:startup=perhaps", "startup=perhaps in the TCTI "
        "configuration: give one of never, if-needed");
    refused("sim:locality=5", "locality=5 in the TCTI configuration: give a "
        "number from 0 to 4");
    refused("swtpm:port=0", "port=0");
    refused("swtpm:port=65536", "port=65536");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(link_types__are_well_formed),
        cmocka_unit_test(options_parse__link_alone),
        cmocka_unit_test(options_parse__main_key),
        cmocka_unit_test(options_parse__all_keys_of_swtpm),
        cmocka_unit_test(options_parse__unknown_link),
        cmocka_unit_test(options_parse__unknown_key),
        cmocka_unit_test(options_parse__empty_item),
        cmocka_unit_test(options_parse__key_twice),
        cmocka_unit_test(options_parse__no_value),
        cmocka_unit_test(options_parse__flag_with_value),
        cmocka_unit_test(options_parse__junk_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
