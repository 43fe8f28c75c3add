/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROVIDER_LOGIN_H
#define PROVIDER_LOGIN_H

#include "prov.h"

#include <scu/token.h>

/*
 * Tokens that this process is logged in to
 * ----------------------------------------
 * A login is shared by all who open the token's URIs while it lasts, and it
 * lasts as long as somebody has a reference: a key of the token, or a loader.
 * With the last one the token is logged out.
 *
 * A child of fork(2) goes on using the keys that it inherited; what it opens
 * itself it logs in to anew, since libscu logs an inherited token out, and its
 * keys with it, as soon as it is touched. Any thread.
 */
struct prov_logins;
struct prov_login;

/* NULL when memory is short. prov_logins_free() takes NULL; there must be no
 * references any more. */
struct prov_logins *prov_logins_new(void);
void prov_logins_free(struct prov_logins **logins);

/*
 * The login of a token: the shared one where somebody has the same token, or
 * a new one, not logged in, which takes a reference to token. NULL when memory
 * is short. The caller gives it back by prov_login_unref().
 */
struct prov_login *prov_login_get(struct prov_logins *logins,
    struct scu_token *token);
struct prov_login *prov_login_ref(struct prov_login *login);
void prov_login_unref(struct prov_login *login); /* takes NULL */

/* Borrowed: as long as the login. */
struct scu_token *prov_login_token(const struct prov_login *login);

bool prov_login_is_user(const struct prov_login *login);

/*
 * Logs the user in where nobody did meanwhile, in six commands. The PIN is
 * tried once. As scu_token_login().
 */
int prov_login_try(struct prov_login *login, const void *pin, size_t len);

#endif
