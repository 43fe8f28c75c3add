/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "side.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum outcome
side_failed(const char *what)
{
    const char *data = "", *reason;
    int flags = 0;
    /* The first of the queue is the cause of the others. */
    unsigned long code = ERR_peek_error_all(NULL, NULL, NULL, &data, &flags);
    char text[512];

    reason = ERR_reason_error_string(code);
    (void)snprintf(text, sizeof(text), "%s%s%s",
        reason != NULL ? reason : "no reason given",
        (flags & ERR_TXT_STRING) != 0 ? ": " : "",
        (flags & ERR_TXT_STRING) != 0 ? data : "");
    return bench_failed(what, text);
}

bool
side_present(const struct door *door)
{
    char path[BENCH_PATH_MAX];

    if (door == NULL || door->ours)
        return true;
    (void)snprintf(path, sizeof(path), "%s/%s.so",
        OPENSSL_info(OPENSSL_INFO_MODULES_DIR), door->name);
    return access(path, R_OK) == 0;
}

void
side_environment(const struct row *row, const struct place *place)
{
    char tcti[BENCH_PATH_MAX];

    bench_tcti(place, row->link, tcti);
    (void)setenv("SCU_TCTI", tcti, 1);
    (void)setenv("SCU_STATE", place->state, 1);
    (void)setenv("TPM2OPENSSL_TCTI", tcti, 1);
    if (row->door != NULL && row->door->ours && place->modules != NULL)
        (void)setenv("OPENSSL_MODULES", place->modules, 1);
    else
        (void)unsetenv("OPENSSL_MODULES");
}

static enum outcome
load_providers(struct side *side, const struct door *door,
    const struct place *place)
{
    if (door != NULL && door->ours && place->modules != NULL &&
        OSSL_PROVIDER_set_default_search_path(side->lib, place->modules) != 1)
        return side_failed(place->modules);
    side->standard = OSSL_PROVIDER_load(side->lib, "default");
    if (side->standard == NULL)
        return side_failed("provider default");
    if (door == NULL)
        return BENCH_OK;
    side->propq = door->propq;
    side->provider = OSSL_PROVIDER_load(side->lib, door->name);
    return side->provider != NULL ? BENCH_OK : side_failed(door->name);
}

enum outcome
side_open(struct side *side, const struct row *row, const struct place *place)
{
    char path[BENCH_PATH_MAX];
    BIO *file = NULL;
    enum outcome rc;

    *side = (struct side) { 0 };
    if (!side_present(row->door))
        return BENCH_ABSENT;
    side_environment(row, place);
    side->lib = OSSL_LIB_CTX_new();
    if (side->lib == NULL)
        return side_failed("library context");
    rc = load_providers(side, row->door, place);
    if (rc != BENCH_OK)
        return rc;
    bench_path(place, row->key, ".pem", path);
    file = BIO_new_file(path, "r");
    if (file != NULL)
        side->key = PEM_read_bio_PrivateKey_ex(file, NULL, NULL, NULL,
            side->lib, side->propq);
    BIO_free(file);
    return side->key != NULL ? BENCH_OK : side_failed(path);
}

void
side_close(struct side *side)
{
    EVP_PKEY_free(side->key);
    if (side->provider != NULL)
        (void)OSSL_PROVIDER_unload(side->provider);
    if (side->standard != NULL)
        (void)OSSL_PROVIDER_unload(side->standard);
    OSSL_LIB_CTX_free(side->lib);
}
