/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "login.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct prov_logins {
    pthread_mutex_t mutex;
    atomic_int owner;         /* pid; negative while that child takes over */
    struct prov_login *first; /* those of this process */
};

struct prov_login {
    struct prov_logins *all;
    struct prov_login *next;
    unsigned refs; /* these two belong to the mutex of all */
    struct scu_token *token;
    char serial[17];
    pthread_mutex_t trying; /* one PIN at a time */
};

/* --- the list ------------------------------------------------------------- */

/*
 * In a child, one of its threads makes the mutex anew and leaves the parent's
 * tokens to the keys that refer to them.
 */
static void
enter(struct prov_logins *logins)
{
    int self = (int)getpid();
    int owner = atomic_load(&logins->owner);

    while (owner != self) {
        if (owner != -self &&
            atomic_compare_exchange_strong(&logins->owner, &owner, -self)) {
            (void)pthread_mutex_init(&logins->mutex, NULL);
            logins->first = NULL;
            atomic_store(&logins->owner, self);
            break;
        }
        (void)sched_yield();
        owner = atomic_load(&logins->owner);
    }
    (void)pthread_mutex_lock(&logins->mutex);
}

static void
leave(struct prov_logins *logins)
{
    (void)pthread_mutex_unlock(&logins->mutex);
}

struct prov_logins *
prov_logins_new(void)
{
    struct prov_logins *logins = calloc(1, sizeof(*logins));

    if (logins == NULL || pthread_mutex_init(&logins->mutex, NULL) != 0) {
        free(logins);
        return NULL;
    }
    atomic_init(&logins->owner, (int)getpid());
    return logins;
}

void
prov_logins_free(struct prov_logins **logins)
{
    if (*logins == NULL)
        return;
    (void)pthread_mutex_destroy(&(*logins)->mutex);
    free(*logins);
    *logins = NULL;
}

/* --- a login -------------------------------------------------------------- */

static struct prov_login *
login_new(struct prov_logins *logins, struct scu_token *token,
    const char *serial)
{
    struct prov_login *login = calloc(1, sizeof(*login));

    if (login == NULL || pthread_mutex_init(&login->trying, NULL) != 0) {
        free(login);
        return NULL;
    }
    login->all = logins;
    login->token = scu_token_ref(token);
    memcpy(login->serial, serial, sizeof(login->serial));
    login->next = logins->first;
    logins->first = login;
    return login;
}

struct prov_login *
prov_login_get(struct prov_logins *logins, struct scu_token *token)
{
    struct scu_token_info info;
    struct prov_login *login = NULL;

    scu_token_info(token, &info);
    enter(logins);
    login = logins->first;
    while (login != NULL && strcmp(login->serial, info.serial) != 0)
        login = login->next;
    if (login == NULL)
        login = login_new(logins, token, info.serial);
    if (login != NULL)
        login->refs++;
    leave(logins);
    return login;
}

struct prov_login *
prov_login_ref(struct prov_login *login)
{
    enter(login->all);
    login->refs++;
    leave(login->all);
    return login;
}

/* One that a child inherited is in no list. */
static void
unlist(struct prov_logins *logins, const struct prov_login *login)
{
    struct prov_login **at = &logins->first;

    while (*at != NULL && *at != login)
        at = &(*at)->next;
    if (*at != NULL)
        *at = login->next;
}

void
prov_login_unref(struct prov_login *login)
{
    bool last = false;

    if (login == NULL)
        return;
    enter(login->all);
    last = --login->refs == 0;
    if (last)
        unlist(login->all, login);
    leave(login->all);
    if (!last)
        return;
    scu_token_free(&login->token);
    (void)pthread_mutex_destroy(&login->trying);
    free(login);
}

struct scu_token *
prov_login_token(const struct prov_login *login)
{
    return login->token;
}

bool
prov_login_is_user(const struct prov_login *login)
{
    enum scu_user user = SCU_USER_SO;

    return scu_token_logged_in(login->token, &user) &&
        user == SCU_USER_NORMAL;
}

/*
 * A second login would take the first one's keys out of use. What a login
 * leaves in the chip would stand in the way of forked workers: of three slots
 * a process needs two to load its key, if for one command only.
 */
int
prov_login_try(struct prov_login *login, const void *pin, size_t len)
{
    int rc = SCU_OK;

    (void)pthread_mutex_lock(&login->trying);
    if (!prov_login_is_user(login))
        rc = scu_token_login(login->token, SCU_USER_NORMAL, pin, len);
    if (rc == SCU_OK)
        scu_token_release_slot(login->token);
    (void)pthread_mutex_unlock(&login->trying);
    return rc;
}
