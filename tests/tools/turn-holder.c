/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/chip.h"

#include <scu/key.h>
#include <stdio.h>
#include <string.h>

/*
 * turn-holder [--turn]: has a key and a session in the chip, or with --turn
 * the turn; prints "ready", and ends in good order when it gets a line.
 */

static int
sign(struct scu_chip *chip, struct scu_key **key)
{
    static const uint8_t digest[32] = { 1 };
    uint8_t sig[128];
    size_t len = sizeof(sig);
    int rc = scu_key_generate(chip, scu_alg_by_name("P-256"), NULL, 0, key);

    return rc != SCU_OK ? rc : scu_key_sign(*key,
        scu_scheme_by_name("ECDSA-SHA256"), 0, digest, sizeof(digest), sig,
        &len);
}

int
main(int argc, char **argv)
{
    bool turn = argc > 1 && strcmp(argv[1], "--turn") == 0;
    struct scu_chip *chip = NULL;
    struct scu_key *key = NULL;
    int rc = scu_chip_open(NULL, &chip);

    if (rc == SCU_OK)
        rc = turn ? turn_begin(chip, 1000) : sign(chip, &key);
    if (rc != SCU_OK) {
        (void)fprintf(stderr, "turn-holder: %s\n", scu_error_detail());
        return 1;
    }
    (void)printf("ready\n");
    (void)fflush(stdout);
    (void)getchar();
    if (turn)
        turn_end(chip);
    scu_key_free(&key);
    scu_chip_free(&chip);
    return 0;
}
