/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "judge.h"
#include "tests/tss-backend/chipfix.h"

#include "io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/x509.h>

/*
 * Key files to and from tpm2-openssl and tpm2-tools, on the same chip. The
 * owner authorisation is empty, as these expect it.
 */

/* Runs a shell command as a user of these programs would, in the folder of
 * the simulator. */
static int
shell(const struct chipfix *fix, const char *command)
{
    char line[2048];
    int n = snprintf(line, sizeof(line), "cd '%s' && exec 2>>peers.log && "
        "unset OPENSSL_MODULES LD_LIBRARY_PATH && "
        "export TPM2TOOLS_TCTI='swtpm:path=%s' "
        "TPM2OPENSSL_TCTI='swtpm:path=%s' && %s", sim_dir(fix->sim),
        sim_socket(fix->sim), sim_socket(fix->sim), command);

    assert_true(n > 0 && (size_t)n < sizeof(line));
    return system(line);
}

static void
need(const struct chipfix *fix, const char *program)
{
    if (shell(fix, program) != 0) {
        print_message("not installed: %s\n", program);
        skip();
    }
}

#define TPM2_OPENSSL "openssl list -provider tpm2 -providers >/dev/null"
#define TPM2_TOOLS "command -v tpm2_create tpm2_encodeobject >/dev/null"

static void
path_of(const struct chipfix *fix, const char *name, char path[512])
{
    (void)snprintf(path, 512, "%s/%s", sim_dir(fix->sim), name);
}

static struct scu_key *
read_key(const struct chipfix *fix, const char *name)
{
    struct scu_key *key = NULL;
    char path[512], *pem = NULL;
    size_t len = 0;

    path_of(fix, name, path);
    assert_int_equal(io_read_file(path, 65536, &pem, &len), 0);
    if (scu_key_from_pem(fix->chip, pem, len, &key) != SCU_OK)
        fail_msg("%s", scu_error_detail());
    free(pem);
    return key;
}

static void
assert_signs(struct scu_key *key, const char *name)
{
    static const uint8_t digest[32] = { 0x5c, 1, 2, 3 };
    const struct scu_scheme *scheme = scu_scheme_by_name(name);
    uint8_t sig[512];
    size_t len = sizeof(sig);

    if (scu_key_sign(key, scheme, SCU_SALT_DIGEST, digest, sizeof(digest),
            sig, &len) != SCU_OK)
        fail_msg("%s", scu_error_detail());
    assert_true(judge_verifies(key, scheme, 32, digest, sizeof(digest), sig,
        len));
}

#define GENPKEY "openssl genpkey -provider tpm2 -provider default "

/* Parent 0x40000001 in these files; under the pinned key without making it. */
static void
tpm2_openssl__ec_key_signs(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key;

    need(fix, TPM2_OPENSSL);
    assert_int_equal(shell(fix, GENPKEY "-algorithm EC -pkeyopt group:P-256 "
        "-out ec.pem"), 0);
    key = read_key(fix, "ec.pem");
    assert_false(scu_key_needs_password(key));
    chipfix_count(fix);
    assert_signs(key, "ECDSA-SHA256");
    assert_null(strstr(chipfix_commands(fix), "CreatePrimary"));
    assert_non_null(strstr(chipfix_commands(fix), "Load Sign"));
    scu_key_free(&key);
}

static void
tpm2_openssl__rsa_key_signs(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key;

    need(fix, TPM2_OPENSSL);
    assert_int_equal(shell(fix, GENPKEY "-algorithm RSA -pkeyopt bits:2048 "
        "-out rsa.pem"), 0);
    key = read_key(fix, "rsa.pem");
    assert_signs(key, "RSASSA-SHA256");
    assert_signs(key, "RSAPSS-SHA256");
    scu_key_free(&key);
}

static void
tpm2_openssl__key_with_password(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key;

    need(fix, TPM2_OPENSSL);
    assert_int_equal(shell(fix, GENPKEY "-algorithm EC -pkeyopt group:P-384 "
        "-pkeyopt user-auth:secret -out pass.pem"), 0);
    key = read_key(fix, "pass.pem");
    assert_true(scu_key_needs_password(key));
    assert_int_equal(scu_key_set_password(key, "secret", 6), SCU_OK);
    assert_signs(key, "ECDSA-SHA256");
    scu_key_free(&key);
}

static void
tpm2_tools__encoded_key_signs(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key;

    need(fix, TPM2_TOOLS);
    assert_int_equal(shell(fix, "tpm2_create -Q -C 0x81000001 -G ecc256 "
        "-u t.pub -r t.priv -p secret && tpm2_flushcontext -t && "
        "tpm2_encodeobject -C 0x81000001 -u t.pub -r t.priv -p -o t.pem && "
        "tpm2_flushcontext -t"), 0);
    key = read_key(fix, "t.pem");
    assert_int_equal(scu_key_set_password(key, "secret", 6), SCU_OK);
    assert_signs(key, "ECDSA-SHA256");
    scu_key_free(&key);
}

/* And what is written here works there. */
static void
assert_tpm2_openssl_signs(struct chipfix *fix, const char *alg)
{
    struct scu_key *key = NULL;
    char path[512], *pem = NULL;
    unsigned char *der = NULL;
    size_t len = 0;
    EVP_PKEY *public;
    int n;

    if (scu_key_generate(fix->chip, scu_alg_by_name(alg), NULL, 0, &key)
        != SCU_OK)
        fail_msg("%s", scu_error_detail());
    assert_int_equal(scu_key_to_pem(key, &pem, &len), SCU_OK);
    path_of(fix, "ours.pem", path);
    assert_int_equal(io_replace_file(path, pem, len, 0600), 0);
    free(pem);
    public = judge_public(key);
    n = i2d_PUBKEY(public, &der);
    assert_true(n > 0);
    path_of(fix, "ours.pub", path);
    assert_int_equal(io_replace_file(path, der, (size_t)n, 0600), 0);
    OPENSSL_free(der);
    EVP_PKEY_free(public);
    assert_int_equal(shell(fix, "echo hello >data && openssl dgst "
        "-provider tpm2 -provider default -propquery '?provider=tpm2' "
        "-sha256 -sign ours.pem -out sig data && openssl dgst -sha256 -verify ours.pub -keyform DER "
        "-signature sig data >/dev/null"), 0);
    scu_key_free(&key);
}

static void
written__tpm2_openssl_signs_with_it(void **state)
{
    struct chipfix *fix = *state;

    need(fix, TPM2_OPENSSL);
    assert_tpm2_openssl_signs(fix, "P-256");
    assert_tpm2_openssl_signs(fix, "RSA-2048");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tpm2_openssl__ec_key_signs),
        cmocka_unit_test(tpm2_openssl__rsa_key_signs),
        cmocka_unit_test(tpm2_openssl__key_with_password),
        cmocka_unit_test(tpm2_tools__encoded_key_signs),
        cmocka_unit_test(written__tpm2_openssl_signs_with_it),
    };

    return cmocka_run_group_tests(tests, chipfix_setup, chipfix_teardown);
}
