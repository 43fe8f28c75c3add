/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "keyblob.h"

#include "key/key-private.h"

#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX 16384

enum outcome
keyblob_chip(const struct place *place, const struct bench_link *link,
    struct scu_chip **chip)
{
    char tcti[BENCH_PATH_MAX];
    const struct scu_chip_options options = {
        .tcti = tcti, .state = place->state,
    };

    bench_tcti(place, link, tcti);
    if (scu_chip_open(&options, chip) != SCU_OK)
        return bench_failed("libscu", scu_error_detail());
    return BENCH_OK;
}

enum outcome
keyblob_file(const char *path, char **text, size_t *len)
{
    FILE *file = fopen(path, "re");
    enum outcome rc = BENCH_FAILED;

    *text = calloc(1, FILE_MAX);
    *len = 0;
    if (file != NULL && *text != NULL) {
        *len = fread(*text, 1, FILE_MAX - 1, file);
        rc = ferror(file) == 0 && *len > 0 ? BENCH_OK : BENCH_FAILED;
    }
    if (file != NULL)
        (void)fclose(file);
    if (rc == BENCH_OK)
        return rc;
    free(*text);
    *text = NULL;
    return bench_failed(path, "cannot be read");
}

enum outcome
keyblob_key(const struct place *place, struct scu_chip *chip,
    const char *name, struct scu_key **key)
{
    char path[BENCH_PATH_MAX];
    char *text = NULL;
    size_t len = 0;
    enum outcome rc;

    bench_path(place, name, ".pem", path);
    rc = keyblob_file(path, &text, &len);
    if (rc == BENCH_OK && scu_key_from_pem(chip, text, len, key) != SCU_OK)
        rc = bench_failed(path, scu_error_detail());
    free(text);
    return rc;
}

enum outcome
keyblob_read(const struct place *place, const char *name,
    TPM2B_PUBLIC *public, TPM2B_PRIVATE *private)
{
    const struct bench_link nowhere = { "scu:swtpm:path=", "" };
    struct scu_chip *chip = NULL;
    struct scu_key *key = NULL;
    enum outcome rc;

    rc = keyblob_chip(place, &nowhere, &chip);
    if (rc == BENCH_OK)
        rc = keyblob_key(place, chip, name, &key);
    if (rc == BENCH_OK) {
        *public = key->object.public;
        *private = key->object.private;
    }
    scu_key_free(&key);
    scu_chip_free(&chip);
    return rc;
}
