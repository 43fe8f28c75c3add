/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_KEYTOKEN_H
#define TOOLS_KEYTOKEN_H

#include "cmd.h"
#include "keyobj.h"
#include "pinin.h"

/* A token at work for a key command. { .out = out } is one to begin with. */
struct keytoken {
    struct out *out;
    struct scu_chip *chip;
    struct scu_token *token;
    struct scu_token_info info;
    bool label_shared;           /* keytoken_read(): by another token */
    struct scu_object **objects;
    size_t n_objects;
    struct keyobj *list;         /* those of a known class */
    size_t count;
};

/* All record their errors in out. */

/* Opens the chip and finds the token. */
int keytoken_open(struct keytoken *t, const struct scu_chip_options *where,
    const struct tokenpick *pick);

/*
 * Logs in as the user, with a PIN from one of the options, else from pin_file
 * (NULL: none), else from the terminal. A wrong one counts.
 */
int keytoken_login(struct keytoken *t, const struct pinin_from *from,
    const char *pin_file);

/* Reads what is to be seen: without a login public objects only. */
int keytoken_read(struct keytoken *t);

/* Whether another object of the same class has the same label. */
bool keytoken_shares_label(const struct keytoken *t, const struct keyobj *o);

/* Logs out, frees. */
void keytoken_close(struct keytoken *t);

/* A secret beside the PIN: the passphrase of a file, the password of a key.
 * name: of the options; what: "passphrase of x.pem". The caller frees it. */
int keytoken_secret(struct keytoken *t, const char *name, const char *what,
    const struct pinin_from *from, struct secret **secret);

/* The members of the group "scu key". */
extern const struct cmd cmd_key_gen;
extern const struct cmd cmd_key_import;
extern const struct cmd cmd_key_adopt;
extern const struct cmd cmd_key_export;
extern const struct cmd cmd_key_remove;

#endif
