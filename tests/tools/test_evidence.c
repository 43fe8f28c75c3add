/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The reader takes parts as they are: what is in them is the verifier's. */
#define SCHEMA "\"schema\": \"scu.evidence/1\""
#define PARTS "\"attest\": \"ff54\", \"signature\": \"\", \"key\": \"00AbcD\""
#define SHA1_VALUE "\"00112233445566778899aabbccddeeff00112233\""
#define GOOD                                                                  \
    "{ " SCHEMA ", " PARTS ", \"pcrs\": { \"sha1\": { \"4\": " SHA1_VALUE     \
    ", \"23\": " SHA1_VALUE " }, \"sha256\": {} } }"

static int
read_text(const char *text, size_t len, struct scu_evidence **evidence,
    char why[160])
{
    int rc = evidence_read(text, len, evidence, why, 160);

    assert_true((rc == SCU_OK) == (*evidence != NULL));
    assert_true(rc == SCU_OK || why[0] != '\0');
    return rc;
}

/* Refused, with a line that has the word. */
static void
refused(const char *text, const char *word)
{
    struct scu_evidence *evidence = NULL;
    char why[160] = "";

    if (read_text(text, strlen(text), &evidence, why) != SCU_E_ARG ||
        strstr(why, word) == NULL)
        fail_msg("%s: \"%s\"", text, why);
}

static void
read__good(void **state)
{
    struct scu_evidence *evidence = NULL;
    char why[160] = "";
    struct scu_pcr pcr;
    const uint8_t *part;
    size_t len = 0;

    (void)state;
    assert_int_equal(read_text(GOOD "\n \n", strlen(GOOD) + 3, &evidence,
        why), SCU_OK);
    part = scu_evidence_part(evidence, SCU_PART_ATTEST, &len);
    assert_int_equal(len, 2);
    assert_memory_equal(part, "\xff\x54", 2);
    assert_null(scu_evidence_part(evidence, SCU_PART_SIGNATURE, &len));
    part = scu_evidence_part(evidence, SCU_PART_KEY, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(part, "\x00\xab\xcd", 3);
    assert_true(scu_evidence_pcr_at(evidence, 1, &pcr));
    assert_string_equal(pcr.bank, "sha1");
    assert_int_equal(pcr.index, 23);
    assert_int_equal(pcr.len, 20);
    assert_int_equal(pcr.value[1], 0x11);
    assert_false(scu_evidence_pcr_at(evidence, 2, &pcr));
    scu_evidence_free(&evidence);
}

static void
write__reads_as_the_same(void **state)
{
    struct scu_evidence *evidence = NULL, *again = NULL;
    char why[160] = "";
    char *text, *twice;

    (void)state;
    assert_int_equal(read_text(GOOD, strlen(GOOD), &evidence, why), SCU_OK);
    text = evidence_write(evidence);
    assert_non_null(text);
    assert_null(strchr(text, '\n'));
    assert_int_equal(read_text(text, strlen(text), &again, why), SCU_OK);
    twice = evidence_write(again);
    assert_string_equal(text, twice);
    free(text);
    free(twice);
    scu_evidence_free(&evidence);
    scu_evidence_free(&again);
}

/* The longest that there can be is below the limit of the reader. */
static void
write__longest_is_read(void **state)
{
    static const struct {
        const char *name;
        size_t size;
    } banks[] = {
        { "sha1", 20 }, { "sha256", 32 }, { "sha384", 48 }, { "sha512", 64 },
    };
    struct scu_evidence *evidence = scu_evidence_new(), *again = NULL;
    static const uint8_t zeros[4096];
    char why[160] = "";
    size_t longest = sizeof(zeros);
    char *text;

    (void)state;
    for (size_t b = 0; b < 4; b++)
        for (unsigned i = 0; i < 24; i++) {
            const struct scu_pcr pcr = {
                .bank = banks[b].name, .index = i, .value = zeros,
                .len = banks[b].size,
            };

            assert_int_equal(scu_evidence_add_pcr(evidence, &pcr), SCU_OK);
        }
    while (scu_evidence_set_part(evidence, SCU_PART_ATTEST, zeros,
            longest) != SCU_OK)
        longest--;
    assert_int_equal(scu_evidence_set_part(evidence, SCU_PART_KEY, zeros,
        longest), SCU_OK);
    assert_int_equal(scu_evidence_set_part(evidence, SCU_PART_SIGNATURE,
        zeros, longest), SCU_OK);
    text = evidence_write(evidence);
    assert_non_null(text);
    assert_true(strlen(text) < EVIDENCE_FILE_MAX / 2);
    assert_int_equal(read_text(text, strlen(text), &again, why), SCU_OK);
    free(text);
    scu_evidence_free(&evidence);
    scu_evidence_free(&again);
}

static void
read__truncated_at_every_character(void **state)
{
    struct scu_evidence *evidence = NULL;
    char why[160] = "";

    (void)state;
    for (size_t n = 0; n < strlen(GOOD); n++)
        assert_int_equal(read_text(GOOD, n, &evidence, why), SCU_E_ARG);
}

static void
read__no_json(void **state)
{
    (void)state;
    refused("", "well-formed");
    refused(" ", "well-formed");
    refused("null", "JSON");
    refused("1", "well-formed");
    refused("\"x\"", "no JSON object");
    refused("\"" SCHEMA "\"", "well-formed");
    refused(GOOD ",", "well-formed");
    refused(GOOD GOOD, "well-formed");
    refused("/* */" GOOD, "character");
    refused("// x\n" GOOD, "well-formed");
    refused("{ 'schema': \"scu.evidence/1\" }", "character");
    refused("{ " SCHEMA ", " PARTS ", \"pcrs\": {}, }", "well-formed");
    refused("{ " SCHEMA ", " PARTS ", \"pcrs\": {} } x", "well-formed");
}

static void
read__deep(void **state)
{
    (void)state;
    refused("{ " SCHEMA ", " PARTS ", \"pcrs\": { \"sha1\": { \"1\": "
        "{ \"x\": { \"y\": {} } } } } }", "well-formed");
    refused("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{",
        "well-formed");
}

static void
read__too_long(void **state)
{
    size_t len = EVIDENCE_FILE_MAX + 1;
    char *text = malloc(len);
    struct scu_evidence *evidence = NULL;
    char why[160] = "";

    (void)state;
    assert_non_null(text);
    memset(text, ' ', len);
    memcpy(text, GOOD, strlen(GOOD));
    assert_int_equal(read_text(text, len, &evidence, why), SCU_E_ARG);
    assert_int_equal(read_text(text, len - 1, &evidence, why), SCU_OK);
    free(text);
    scu_evidence_free(&evidence);
}

static void
read__other_schema(void **state)
{
    (void)state;
    refused("{}", "schema");
    refused("{ " PARTS ", \"pcrs\": {} }", "schema");
    refused("{ \"schema\": \"scu.evidence/2\", \"new\": 1 }", "schema");
    refused("{ \"schema\": 1, " PARTS ", \"pcrs\": {} }", "schema");
    refused("{ \"schema\": null, " PARTS ", \"pcrs\": {} }", "schema");
    refused("{ \"schema\": \"scu.evidence/1\\u0000\", " PARTS
        ", \"pcrs\": {} }", "character");
}

static void
read__members(void **state)
{
    (void)state;
    refused("{ " SCHEMA ", " PARTS " }", "missing");
    refused("{ " SCHEMA ", \"pcrs\": {} }", "missing");
    refused("{ " SCHEMA ", " PARTS ", \"pcrs\": {}, \"more\": \"\" }",
        "unknown member \"more\"");
    refused("{ " SCHEMA ", " PARTS ", \"pcrs\": {}, \"\": \"\" }",
        "unknown member");
}

static void
read__twice(void **state)
{
    (void)state;
    refused("{ " SCHEMA ", \"attest\": \"00\", " PARTS ", \"pcrs\": {} }",
        "twice");
    refused("{ " SCHEMA ", " SCHEMA ", " PARTS ", \"pcrs\": {} }", "twice");
    refused("{ \"schema\": \"x\", " SCHEMA ", " PARTS ", \"pcrs\": {} }",
        "twice");
    refused("{ " SCHEMA ", " PARTS ", \"pcrs\": { \"sha1\": {} }, "
        "\"pcrs\": {} }", "twice");
    refused("{ " SCHEMA ", " PARTS ", \"pcrs\": { \"sha1\": {}, \"sha1\": {} "
        "} }", "twice");
    refused("{ " SCHEMA ", " PARTS ", \"pcrs\": { \"sha1\": { \"4\": "
        SHA1_VALUE ", \"4\": " SHA1_VALUE " } } }", "twice");
    /* Names that are the same only once they are read. */
    refused("{ " SCHEMA ", " PARTS ", \"\\u006bey\": \"00\", \"pcrs\": {} }",
        "character");
}

static void
read__hexadecimal(void **state)
{
    static const char *const bad[] = {
        "\"0\"", "\"0g\"", "\"0x00\"", "\" 00\"", "\"00 \"", "\"00:0\"",
        "1", "null", "{}", "true",
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(text, sizeof(text), "{ " SCHEMA ", \"attest\": %s, "
            "\"signature\": \"\", \"key\": \"\", \"pcrs\": {} }", bad[i]);
        refused(text, "\"attest\" is no string of hexadecimal");
        (void)snprintf(text, sizeof(text), "{ " SCHEMA ", " PARTS
            ", \"pcrs\": { \"sha256\": { \"0\": %s } } }", bad[i]);
        refused(text, "\"0\" is no string of hexadecimal");
    }
}

static void
read__part_too_long(void **state)
{
    char digits[2 * 4096 + 3], text[sizeof(digits) + 256];

    (void)state;
    memset(digits, '0', sizeof(digits) - 1);
    for (size_t n = sizeof(digits) - 1; n > 8000; n -= 190) {
        digits[n & ~(size_t)1] = '\0';
        (void)snprintf(text, sizeof(text), "{ " SCHEMA ", \"attest\": \"%s\","
            "\"signature\": \"\", \"key\": \"\", \"pcrs\": {} }", digits);
        refused(text, "attest");
    }
}

static void
read__pcrs(void **state)
{
    static const char *const names[] = {
        "", "x", "-1", "04", "00", "024", "1 ", " 1", "1x", "100", "+1",
        "1.0", "\\u0000", "1\\u0000",
    };
    char text[512];

    (void)state;
    refused("{ " SCHEMA ", " PARTS ", \"pcrs\": 1 }", "pcrs");
    refused("{ " SCHEMA ", " PARTS ", \"pcrs\": null }", "pcrs");
    refused("{ " SCHEMA ", " PARTS ", \"pcrs\": { \"sha1\": 1 } }", "sha1");
    refused("{ " SCHEMA ", " PARTS ", \"pcrs\": { \"sha9\": { \"0\": \"\" } "
        "} }", "bank");
    refused("{ " SCHEMA ", " PARTS ", \"pcrs\": { \"sha1\": { \"24\": "
        SHA1_VALUE " } } }", "PCR 24");
    refused("{ " SCHEMA ", " PARTS ", \"pcrs\": { \"sha256\": { \"1\": "
        SHA1_VALUE " } } }", "32 octets");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(text, sizeof(text), "{ " SCHEMA ", " PARTS
            ", \"pcrs\": { \"sha1\": { \"%s\": " SHA1_VALUE " } } }",
            names[i]);
        refused(text, "");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read__good),
        cmocka_unit_test(write__reads_as_the_same),
        cmocka_unit_test(write__longest_is_read),
        cmocka_unit_test(read__truncated_at_every_character),
        cmocka_unit_test(read__no_json),
        cmocka_unit_test(read__deep),
        cmocka_unit_test(read__too_long),
        cmocka_unit_test(read__other_schema),
        cmocka_unit_test(read__members),
        cmocka_unit_test(read__twice),
        cmocka_unit_test(read__hexadecimal),
        cmocka_unit_test(read__part_too_long),
        cmocka_unit_test(read__pcrs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
