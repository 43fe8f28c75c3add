/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <json-c/json.h>

/* What out_finish() wrote to standard output, and what it returned. */
struct result {
    char text[2048];
    int exit_code;
};

/* Frees out. */
static void
finish(struct out *out, int rc, struct result *result)
{
    FILE *file = tmpfile();
    int saved = dup(STDOUT_FILENO);
    size_t n;

    assert_non_null(file);
    assert_true(saved >= 0);
    (void)fflush(stdout);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    result->exit_code = out_finish(out, rc);
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    (void)close(saved);
    rewind(file);
    n = fread(result->text, 1, sizeof(result->text) - 1, file);
    result->text[n] = '\0';
    (void)fclose(file);
    out_free(&out);
    assert_null(out);
}

static struct json_object *
parsed(const struct result *result)
{
    struct json_object *object = json_tokener_parse(result->text);
    const char *line_feed = strchr(result->text, '\n');

    assert_non_null(object);
    assert_non_null(line_feed); /* one line, nothing behind it */
    assert_int_equal(line_feed[1], '\0');
    return object;
}

static struct json_object *
member(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;

    assert_true(json_object_object_get_ex(object, key, &value));
    return value;
}

static void
fill(struct out *out)
{
    out_set_command(out, "sim start");
    out_string(out, "path", "path", "/a\"b");
    out_number(out, "count", "number of them", 7);
    out_bool(out, "yes", "is it", true);
    out_null(out, "unknown");
    out_begin(out, "inner");
    out_number(out, "deep", NULL, 1);
    out_end(out);
    out_number(out, "last", NULL, 2);
    out_text(out, "only text", "%d of %d", 1, 2);
}

static void
out_finish__text_is_a_table(void **state)
{
    struct out *out = out_new(false);
    struct result result;

    (void)state;
    fill(out);
    finish(out, SCU_OK, &result);
    assert_int_equal(result.exit_code, 0);
    assert_string_equal(result.text,
        "path            /a\"b\n"
        "number of them  7\n"
        "is it           yes\n"
        "only text       1 of 2\n");
}

static void
out_finish__json_is_one_object(void **state)
{
    struct out *out = out_new(true);
    struct json_object *object;
    struct result result;

    (void)state;
    fill(out);
    finish(out, SCU_OK, &result);
    object = parsed(&result);
    assert_int_equal(json_object_object_length(object), 7);
    assert_string_equal(json_object_get_string(member(object, "schema")),
        "scu.sim-start/1");
    assert_string_equal(json_object_get_string(member(object, "path")),
        "/a\"b");
    assert_int_equal(json_object_get_int(member(object, "count")), 7);
    assert_true(json_object_get_boolean(member(object, "yes")));
    assert_null(member(object, "unknown"));
    assert_int_equal(json_object_get_int(
        member(member(object, "inner"), "deep")), 1);
    assert_int_equal(json_object_get_int(member(object, "last")), 2);
    json_object_put(object);
}

static void
out_begin_list__holds_objects_in_their_order(void **state)
{
    struct out *out = out_new(true);
    struct json_object *object, *list;
    struct result result;

    (void)state;
    out_begin_list(out, "all");
    for (uint64_t i = 0; i < 3; i++) {
        out_begin(out, NULL);
        out_number(out, "n", NULL, i);
        out_end(out);
    }
    out_end(out);
    out_begin_list(out, "none");
    out_end(out);
    out_bool(out, "behind", NULL, true);
    finish(out, SCU_OK, &result);
    object = parsed(&result);
    list = member(object, "all");
    assert_int_equal(json_object_array_length(list), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(json_object_get_int(
            member(json_object_array_get_idx(list, i), "n")), i);
    assert_int_equal(json_object_array_length(member(object, "none")), 0);
    assert_true(json_object_get_boolean(member(object, "behind")));
    json_object_put(object);
}

static void
out_finish__error_in_json_replaces_values(void **state)
{
    struct out *out = out_new(true);
    struct json_object *object, *error;
    struct result result;

    (void)state;
    fill(out);
    out_begin(out, "half");
    assert_int_equal(out_error(out, SCU_E_LOCKED, "first %d", 1),
        SCU_E_LOCKED);
    (void)out_error(out, SCU_E_ARG, "second");
    finish(out, SCU_E_LOCKED, &result);
    assert_int_equal(result.exit_code, 6);
    object = parsed(&result);
    assert_int_equal(json_object_object_length(object), 2);
    assert_string_equal(json_object_get_string(member(object, "schema")),
        "scu.sim-start/1");
    error = member(object, "error");
    assert_string_equal(json_object_get_string(member(error, "name")),
        "SCU_E_LOCKED");
    assert_int_equal(json_object_get_int(member(error, "code")),
        SCU_E_LOCKED);
    assert_string_equal(json_object_get_string(member(error, "text")),
        scu_error_text(SCU_E_LOCKED));
    assert_string_equal(json_object_get_string(member(error, "detail")),
        "first 1");
    json_object_put(object);
}

static void
out_finish__error_in_text_prints_no_values(void **state)
{
    struct out *out = out_new(false);
    struct result result;

    (void)state;
    fill(out);
    (void)out_error(out, SCU_E_TAMPERED, "x");
    finish(out, SCU_E_TAMPERED, &result);
    assert_int_equal(result.exit_code, 3);
    assert_string_equal(result.text, "");
}

static void
out_finish__verdict_prints_values(void **state)
{
    struct out *out = out_new(false);
    struct result result;

    (void)state;
    out_line(out, "a line");
    finish(out, 1, &result);
    assert_int_equal(result.exit_code, 1);
    assert_string_equal(result.text, "a line\n");
}

static void
out_finish__junk_of_a_chip_is_harmless(void **state)
{
    struct json_object *object;
    struct result result;
    struct out *out = out_new(false);

    (void)state;
    out_string(out, "v", "v", "\x1b[2J\xff");
    finish(out, SCU_OK, &result);
    assert_string_equal(result.text, "v  ?[2J?\n");
    out = out_new(true);
    out_string(out, "v", "v", "\x1b[2J\xff");
    finish(out, SCU_OK, &result);
    object = parsed(&result);
    assert_string_equal(json_object_get_string(member(object, "v")),
        "\x1b[2J?");
    json_object_put(object);
}

static void
out_error_line__adds_remedy_that_is_missing(void **state)
{
    char line[512];

    (void)state;
    out_error_line(SCU_E_UNPROVISIONED, "no pins", line, sizeof(line));
    assert_string_equal(line, "no pins; run `scu provision`");
    out_error_line(SCU_E_UNPROVISIONED, "no pins: run it", line,
        sizeof(line));
    assert_string_equal(line, "no pins: run it");
    out_error_line(SCU_E_AUTH, "wrong", line, sizeof(line));
    assert_string_equal(line, "wrong");
    out_error_line(SCU_E_AUTH, "", line, sizeof(line));
    assert_string_equal(line, scu_error_text(SCU_E_AUTH));
}

static void
document__replaces_table_and_object(void **state)
{
    struct result result;

    (void)state;
    for (int json = 0; json < 2; json++) {
        struct out *out = out_new(json == 1);

        out_string(out, "key", "label", "value");
        out_document(out, "another");
        out_document(out, "a document");
        finish(out, 0, &result);
        assert_string_equal(result.text, "a document\n");
        assert_int_equal(result.exit_code, 0);
    }
}

static void
document__is_not_printed_with_an_error(void **state)
{
    struct out *out = out_new(false);
    struct result result;

    (void)state;
    out_document(out, "a document");
    finish(out, out_error(out, SCU_E_FILE, "no"), &result);
    assert_string_equal(result.text, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_finish__text_is_a_table),
        cmocka_unit_test(out_finish__json_is_one_object),
        cmocka_unit_test(out_begin_list__holds_objects_in_their_order),
        cmocka_unit_test(out_finish__error_in_json_replaces_values),
        cmocka_unit_test(out_finish__error_in_text_prints_no_values),
        cmocka_unit_test(out_finish__verdict_prints_values),
        cmocka_unit_test(out_finish__junk_of_a_chip_is_harmless),
        cmocka_unit_test(out_error_line__adds_remedy_that_is_missing),
        cmocka_unit_test(document__replaces_table_and_object),
        cmocka_unit_test(document__is_not_printed_with_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
