/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Modules of PKCS#11: signatures, in threads too, random octets, logins. */
#include "bench.h"
#include "module.h"

#include <pthread.h>
#include <stdlib.h>

#define RANDOM_OCTETS 32
#define THREADS_MAX 16

struct worker {
    const struct p11 *p;
    CK_SESSION_HANDLE session;
    unsigned signatures;
    CK_RV rv;
};

struct user {
    struct p11 p;
    unsigned threads, each; /* signatures of each thread in once() */
    struct worker worker[THREADS_MAX];
};

static void
user_teardown(void *state)
{
    struct user *u = state;

    if (u->p.call != NULL)
        (void)u->p.call->C_Finalize(NULL);
    free(u);
}

/* Up to an open session. */
static enum outcome
open_user(const struct row *row, const struct place *place, struct user *u)
{
    char path[BENCH_PATH_MAX];
    CK_RV rv;

    if (!module_present(row->module))
        return BENCH_ABSENT;
    module_environment(row->link, place);
    module_path(row->module, path);
    rv = p11_load(&u->p, path);
    if (rv == CKR_OK)
        rv = p11_start(&u->p);
    if (rv == CKR_OK)
        rv = p11_open(&u->p, CK_FALSE, &u->p.session);
    return module_checked(&u->p, rv);
}

static enum outcome
open_workers(const struct row *row, struct user *u)
{
    CK_RV rv = CKR_OK;

    if (row->threads > THREADS_MAX)
        return bench_failed(row->id, "too many threads");
    u->threads = row->threads;
    u->each = row->threads == 0 ? 0 : row->batch / row->threads;
    for (unsigned i = 0; rv == CKR_OK && i < u->threads; i++) {
        u->worker[i] = (struct worker) { &u->p, 0, u->each, CKR_OK };
        rv = p11_open(&u->p, CK_FALSE, &u->worker[i].session);
    }
    return module_checked(&u->p, rv);
}

static enum outcome
sign_open(const struct row *row, const struct place *place, struct user *u)
{
    enum outcome rc = open_user(row, place, u);

    if (rc == BENCH_OK)
        rc = module_checked(&u->p, p11_login(&u->p, CKU_USER, P11_PIN));
    if (rc == BENCH_OK)
        rc = module_checked(&u->p, p11_find(&u->p, row->key, row->scheme));
    if (rc == BENCH_OK)
        rc = open_workers(row, u);
    u->p.step = "C_Sign";
    return rc;
}

static enum outcome
user_setup(const struct row *row, const struct place *place, void **state,
    enum outcome (*open)(const struct row *, const struct place *,
    struct user *))
{
    struct user *u = calloc(1, sizeof(*u));
    enum outcome rc;

    if (u == NULL)
        return BENCH_FAILED;
    rc = open(row, place, u);
    if (rc != BENCH_OK) {
        user_teardown(u);
        u = NULL;
    }
    *state = u;
    return rc;
}

static enum outcome
sign_setup(const struct row *row, const struct place *place, void **state)
{
    return user_setup(row, place, state, sign_open);
}

static enum outcome
plain_setup(const struct row *row, const struct place *place, void **state)
{
    return user_setup(row, place, state, open_user);
}

static enum outcome
sign_once(void *state)
{
    const struct user *u = state;

    return module_checked(&u->p, p11_sign(&u->p, u->p.session));
}

static void *
work(void *arg)
{
    struct worker *w = arg;

    for (unsigned i = 0; w->rv == CKR_OK && i < w->signatures; i++)
        w->rv = p11_sign(w->p, w->session);
    return NULL;
}

static enum outcome
threads_once(void *state)
{
    struct user *u = state;
    pthread_t thread[THREADS_MAX];
    enum outcome rc = BENCH_OK;
    unsigned n = 0;

    while (n < u->threads &&
        pthread_create(&thread[n], NULL, work, &u->worker[n]) == 0)
        n++;
    for (unsigned i = 0; i < n; i++) {
        (void)pthread_join(thread[i], NULL);
        if (rc == BENCH_OK)
            rc = module_checked(&u->p, u->worker[i].rv);
    }
    return n == u->threads ? rc : bench_failed("threads", "were not made");
}

static enum outcome
random_once(void *state)
{
    struct user *u = state;
    CK_BYTE data[RANDOM_OCTETS];

    u->p.step = "C_GenerateRandom";
    return module_checked(&u->p, u->p.call->C_GenerateRandom(u->p.session,
        data, sizeof(data)));
}

static enum outcome
login_once(void *state)
{
    struct user *u = state;

    return module_checked(&u->p, p11_login(&u->p, CKU_USER, P11_PIN));
}

static enum outcome
login_after(void *state)
{
    struct user *u = state;

    u->p.step = "C_Logout";
    return module_checked(&u->p, u->p.call->C_Logout(u->p.session));
}

const struct row_ops p11_sign_ops = {
    .setup = sign_setup, .once = sign_once, .teardown = user_teardown,
};

const struct row_ops p11_threads_ops = {
    .setup = sign_setup, .once = threads_once, .teardown = user_teardown,
};

const struct row_ops p11_random_ops = {
    .setup = plain_setup, .once = random_once, .teardown = user_teardown,
};

const struct row_ops p11_login_ops = {
    .setup = plain_setup, .once = login_once, .after = login_after,
    .teardown = user_teardown,
};
