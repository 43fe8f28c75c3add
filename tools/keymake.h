/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_KEYMAKE_H
#define TOOLS_KEYMAKE_H

#include "keyattrs.h"
#include "keytoken.h"

/* A key pair on its way into a token: what all ways have in common. */
struct keypair {
    const char *cmd; /* for errors: "key gen" */
    const char *label, *id; /* as given; the label is needed */
    enum scu_kind kind;
    enum keyattrs_origin origin;
    bool no_sign;           /* of a restricted key */
    struct attrs public, private;
    struct scu_object *public_object, *private_object;
};

/*
 * What can be refused before anybody is asked for a PIN: no label, or an id
 * that is none. SCU_E_ARG, recorded.
 */
int keypair_check(const struct keypair *pair, struct out *out);

/*
 * Puts the attributes together. SCU_E_EXISTS where the token has a key with
 * this label or id: two of one name cannot be told apart. After the login.
 */
int keypair_compose(struct keypair *pair, struct keytoken *t);

/*
 * Stores the public half of private_object, and says what there is now. When
 * that fails the private half goes, too.
 */
int keypair_complete(struct keypair *pair, struct keytoken *t);

void keypair_clear(struct keypair *pair);

#endif
