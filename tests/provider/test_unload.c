/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ossl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <scu/chip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/*
 * The module comes and goes. Under the address sanitizer this also shows that
 * nothing is left behind.
 */

static void
module__is_loaded_and_unloaded_again(void **state)
{
    struct ossl *o = *state;

    for (int i = 0; i < 3; i++) {
        void *again = o;
        EVP_PKEY *key = NULL;

        assert_int_equal(ossl_scu_first(&again), 0);
        key = ossl_chip_ec(o, "P-256");
        ossl_sign_and_verify(o, key, "SHA256");
        EVP_PKEY_free(key);
        assert_int_equal(ossl_teardown(&again), 0);
    }
}

static void
key__outlives_the_programs_hold_on_the_module(void **state)
{
    struct ossl *o = *state;
    void *again = o;
    EVP_PKEY *key = NULL;

    assert_int_equal(ossl_scu_first(&again), 0);
    key = ossl_chip_ec(o, "P-256");
    assert_int_equal(OSSL_PROVIDER_unload(o->providers[0]), 1);
    o->providers[0] = NULL;
    EVP_PKEY_free(key);
    assert_int_equal(ossl_teardown(&again), 0);
}

static void
unused_module__asks_nothing_of_the_chip(void **state)
{
    struct ossl *o = *state;
    void *again = o;
    char tcti[256];

    (void)snprintf(tcti, sizeof(tcti), "%s", getenv("SCU_TCTI"));
    setenv("SCU_TCTI", "there-is-no-such-tcti", 1);
    assert_int_equal(ossl_scu_first(&again), 0);
    assert_int_equal(OSSL_PROVIDER_self_test(o->providers[0]), 1);
    assert_string_equal(OSSL_PROVIDER_get0_name(o->providers[0]), "scu");
    assert_int_equal(ossl_teardown(&again), 0);
    setenv("SCU_TCTI", tcti, 1);
}

/* What others see in the chip: keys, and sessions but for the one that asks. */
static void
assert_chip_empty(void)
{
    struct scu_chip_info info;
    struct scu_chip *chip = NULL;

    assert_int_equal(scu_chip_open(NULL, &chip), SCU_OK);
    assert_int_equal(scu_chip_info(chip, &info), SCU_OK);
    scu_chip_free(&chip);
    assert_int_equal(info.objects_loaded, 0);
    assert_int_equal(info.sessions_loaded, 1);
}

/* Asked by the leak checker, where there is one, when a process ends. */
int __lsan_is_turned_off(void) __attribute__((visibility("default")));

static int leaks;

int
__lsan_is_turned_off(void)
{
    return leaks;
}

/* As many programs do: nothing is freed or unloaded, exit() does the rest. */
static void
program__ends_with_keys_in_use(void **state)
{
    struct ossl *o = *state;
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        EVP_PKEY *key = NULL;
        SSL_CTX *ssl = NULL;

        leaks = 1;
        if (OSSL_PROVIDER_load(NULL, "scu") == NULL ||
            OSSL_PROVIDER_load(NULL, "default") == NULL) {
            _exit(1);
        }
        o->libctx = NULL;
        key = ossl_chip_ec(o, "P-256");
        ossl_sign_and_verify(o, key, "SHA256");
        ssl = SSL_CTX_new(TLS_server_method());
        exit(SSL_CTX_use_PrivateKey(ssl, key) == 1 ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_chip_empty();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(module__is_loaded_and_unloaded_again),
        cmocka_unit_test(key__outlives_the_programs_hold_on_the_module),
        cmocka_unit_test(unused_module__asks_nothing_of_the_chip),
        cmocka_unit_test(program__ends_with_keys_in_use),
    };

    return cmocka_run_group_tests(tests, ossl_group_setup,
        ossl_group_teardown);
}
