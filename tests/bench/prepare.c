/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bench.h"
#include "keyblob.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <scu/provision.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the chip; the file's name in the table, libscu's algorithm. */
static const struct chip_key {
    const char *file, *alg;
} chip_keys[] = {
    { "p256", "P-256" },
    { "p384", "P-384" },
    { "rsa2048", "RSA-2048" },
    { "rsa3072", "RSA-3072" },
};

static enum outcome
save(const struct place *place, const char *name, const char *suffix,
    const char *text)
{
    char path[BENCH_PATH_MAX];
    FILE *file;
    int failed;

    bench_path(place, name, suffix, path);
    file = fopen(path, "we");
    if (file == NULL)
        return bench_failed(path, "cannot be written");
    failed = fputs(text, file) < 0;
    failed |= fclose(file) != 0;
    return failed ? bench_failed(path, "cannot be written") : BENCH_OK;
}

static enum outcome
make_chip_key(const struct place *place, struct scu_chip *chip,
    const struct chip_key *k)
{
    struct scu_key *key = NULL;
    char *pem = NULL;
    size_t len = 0;
    enum outcome rc;

    if (scu_key_generate(chip, scu_alg_by_name(k->alg), NULL, 0, &key) !=
            SCU_OK || scu_key_to_pem(key, &pem, &len) != SCU_OK)
        rc = bench_failed(k->alg, scu_error_detail());
    else
        rc = save(place, k->file, ".pem", pem);
    free(pem);
    scu_key_free(&key);
    return rc;
}

static enum outcome
make_soft_key(const struct place *place, const char *name, EVP_PKEY *key)
{
    char path[BENCH_PATH_MAX];
    FILE *file;
    int done;

    bench_path(place, name, ".pem", path);
    file = fopen(path, "we");
    done = file != NULL && key != NULL && PEM_write_PrivateKey(file, key,
        NULL, NULL, 0, NULL, NULL) == 1;
    EVP_PKEY_free(key);
    if (file != NULL && fclose(file) != 0)
        done = 0;
    return done ? BENCH_OK : bench_failed(name, "key was not made");
}

static enum outcome
make_keys(const struct place *place, struct scu_chip *chip)
{
    enum outcome rc = BENCH_OK;

    for (size_t i = 0; rc == BENCH_OK &&
        i < sizeof(chip_keys) / sizeof(chip_keys[0]); i++)
        rc = make_chip_key(place, chip, &chip_keys[i]);
    if (rc == BENCH_OK)
        rc = make_soft_key(place, "soft-p256", EVP_EC_gen("P-256"));
    if (rc == BENCH_OK)
        rc = make_soft_key(place, "soft-rsa2048", EVP_RSA_gen(2048));
    return rc;
}

static enum outcome
prepare(const struct place *place)
{
    const struct bench_link link = { "scu:swtpm:path=", ",exclusive" };
    const struct scu_provision_options options = { 0 };
    struct scu_provision_report report;
    struct scu_chip *chip = NULL;
    enum outcome rc;

    rc = keyblob_chip(place, &link, &chip);
    if (rc == BENCH_OK && scu_provision(chip, &options, &report) != SCU_OK)
        rc = bench_failed("provisioning", scu_error_detail());
    if (rc == BENCH_OK)
        rc = make_keys(place, chip);
    if (rc == BENCH_OK)
        rc = save(place, "message", "", "a message to be signed\n");
    scu_chip_free(&chip);
    return rc;
}

enum outcome
bench_prepare(const struct place *place)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit((int)prepare(place));
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return bench_failed("preparation", "did not succeed");
    return BENCH_OK;
}
