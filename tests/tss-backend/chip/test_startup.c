/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Who sends TPM2_Startup: the key "startup" of scu.conf. */
#include "tests/lib/faults.h"
#include "tests/tss-backend/provisioned.h"

#include <fcntl.h>
#include <scu/key.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* scu.conf, in a folder that goes with the simulator. */
static void
configure(const struct provisioned *p, const char *text)
{
    char path[400];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/scu.conf", sim_dir(p->sim));
    (void)unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
    assert_int_equal(setenv("SCU_CONF", path, 1), 0);
}

static int
end(void **state)
{
    (void)unsetenv("SCU_CONF");
    return provisioned_teardown(state);
}

static void
startup__becomes_an_item_of_the_link(void **state)
{
    static const struct {
        const char *conf, *tcti, *becomes;
    } rows[] = {
        { "startup = if-needed", "scu:sim", "scu:sim:startup=if-needed" },
        { "startup = if-needed", "scu:spi:/dev/spidev0.0,hz=1000000",
            "scu:spi:/dev/spidev0.0,hz=1000000,startup=if-needed" },
        { "startup = if-needed", "scu:sim:startup=never",
            "scu:sim:startup=never" },
        { "startup = if-needed", "scu:",
            "scu:device:/dev/tpmrm0,startup=if-needed" },
        { "link = uart:/dev/ttyUSB0\nstartup = if-needed", "scu:",
            "scu:uart:/dev/ttyUSB0,startup=if-needed" },
        { "startup = if-needed", "tabrmd:", "tabrmd:" },
        { "startup = never", "scu:sim", "scu:sim" },
        { "", "scu:", "scu:" },
    };
    char text[200];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct scu_chip_options options = { .tcti = rows[i].tcti };
        struct scu_chip *chip = NULL;

        (void)snprintf(text, sizeof(text), "[chip]\n%s\n", rows[i].conf);
        configure(*state, text);
        assert_int_equal(scu_chip_open(&options, &chip), SCU_OK);
        assert_string_equal(scu_chip_tcti(chip), rows[i].becomes);
        scu_chip_free(&chip);
    }
}

static void
startup__other_words_are_refused(void **state)
{
    struct scu_chip *chip = NULL;

    configure(*state, "[chip]\nstartup = always\n");
    assert_int_equal(scu_chip_open(NULL, &chip), SCU_E_CONF);
    assert_non_null(strstr(scu_error_detail(), "never or if-needed"));
}

static int
sign(struct scu_key *key)
{
    static const uint8_t digest[32] = { 1, 2, 3 };
    uint8_t sig[128];
    size_t len = sizeof(sig);

    return scu_key_sign(key, scu_scheme_by_name("ECDSA-SHA256"), 0, digest,
        sizeof(digest), sig, &len);
}

/* A power cut in mid-run, and nobody else who starts the chip. */
static void
startup__if_needed_goes_on(void **state)
{
    static const struct fault off = {
        .name = "off", .at = "Sign", .events = FAULT_OFF_FOR_GOOD,
    };
    struct provisioned *p = *state;
    struct scu_chip *chip = NULL;
    struct scu_key *key = NULL;
    struct faults *faults;
    char tcti[300];

    configure(p, "[chip]\nstartup = if-needed\n");
    faults = faults_new(p->sim, tcti);
    assert_non_null(faults);
    const struct scu_chip_options options = {
        .tcti = tcti, .state = p->state,
    };
    assert_int_equal(scu_chip_open(&options, &chip), SCU_OK);
    assert_int_equal(scu_key_generate(chip, scu_alg_by_name("P-256"), NULL, 0,
        &key), SCU_OK);
    for (unsigned i = 1; i <= 3; i++) {
        faults_arm(faults, &off);
        assert_int_equal(sign(key), SCU_OK);
        assert_true(faults_happened(faults));
        assert_int_equal(faults_sent(faults, "Startup"), i);
    }
    scu_key_free(&key);
    scu_chip_free(&chip);
    faults_free(&faults);
}

/* A program that meets such a chip does not wait: it says what to do. */
static void
startup__never_is_told_at_once(void **state)
{
    struct provisioned *p = *state;
    struct scu_chip *chip = NULL;
    struct faults *faults;
    uint8_t octets[4];
    char tcti[300];

    configure(p, "[chip]\n");
    faults = faults_new(p->sim, tcti);
    assert_non_null(faults);
    const struct scu_chip_options options = {
        .tcti = tcti, .state = p->state,
    };
    assert_int_equal(scu_chip_open(&options, &chip), SCU_OK);
    faults_now(faults, FAULT_OFF_FOR_GOOD);
    assert_int_equal(scu_chip_random(chip, octets, 4), SCU_E_NOT_STARTED);
    assert_int_equal(faults_all(faults), 1);
    assert_non_null(strstr(scu_error_detail(), "startup = if-needed"));
    scu_chip_free(&chip);
    faults_free(&faults);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(startup__becomes_an_item_of_the_link),
        TEST(startup__other_words_are_refused),
        TEST(startup__if_needed_goes_on),
        TEST(startup__never_is_told_at_once),
    };

    return cmocka_run_group_tests_name("startup", tests, NULL, NULL);
}
