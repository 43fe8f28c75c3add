/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* EVP_DigestSign() through a provider, in one call and in pieces. */
#include "bench.h"
#include "side.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE 256

struct evp {
    struct side side;
    bool streamed;
    uint8_t message[MESSAGE];
};

static void
evp_teardown(void *state)
{
    struct evp *e = state;

    side_close(&e->side);
    free(e);
}

static enum outcome
evp_setup(const struct row *row, const struct place *place, void **state)
{
    struct evp *e = calloc(1, sizeof(*e));
    enum outcome rc;

    if (e == NULL)
        return BENCH_FAILED;
    e->streamed = row->streamed;
    memset(e->message, 0x5c, sizeof(e->message));
    rc = side_open(&e->side, row, place);
    if (rc != BENCH_OK) {
        evp_teardown(e);
        e = NULL;
    }
    *state = e;
    return rc;
}

static int
sign_streamed(const struct evp *e, EVP_MD_CTX *ctx, uint8_t *sig, size_t *len)
{
    return EVP_DigestSignUpdate(ctx, e->message, sizeof(e->message)) == 1 &&
        EVP_DigestSignUpdate(ctx, e->message, sizeof(e->message)) == 1 &&
        EVP_DigestSignFinal(ctx, sig, len) == 1;
}

static enum outcome
evp_once(void *state)
{
    const struct evp *e = state;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t sig[1024];
    size_t len = sizeof(sig);
    int done = 0;

    if (ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, "SHA2-256",
            e->side.lib, e->side.propq, e->side.key, NULL) == 1)
        done = e->streamed ? sign_streamed(e, ctx, sig, &len) :
            EVP_DigestSign(ctx, sig, &len, e->message,
                sizeof(e->message)) == 1;
    EVP_MD_CTX_free(ctx);
    return done ? BENCH_OK : side_failed("signature");
}

const struct row_ops evp_sign_ops = {
    .setup = evp_setup, .once = evp_once, .teardown = evp_teardown,
};
