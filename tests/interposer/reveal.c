/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reveal LABEL SO-PIN USER-PIN
 *
 * Prints all that is secret of a token and of its chip, a line each: a name
 * and hexadecimal digits. The link and the state are those of SCU_TCTI and
 * SCU_STATE.
 */
#include "config.h"

#include "chip/authorisations.h"
#include "key/key-private.h"
#include "store/token-private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
print(const char *name, size_t number, const void *data, size_t len)
{
    (void)printf("%s-%zu ", name, number);
    for (size_t i = 0; i < len; i++)
        (void)printf("%02x", ((const uint8_t *)data)[i]);
    (void)printf("\n");
}

static int
failed(int rc, const char *what)
{
    if (rc != SCU_OK)
        (void)fprintf(stderr, "reveal: %s: %s: %s\n", what,
            scu_error_name(rc), scu_error_detail());
    return rc;
}

struct deriving {
    struct scu_token *token;
    const char *pin[TOKEN_USERS];
    struct pin_auths auths[TOKEN_USERS];
};

static int
derive(struct scu_chip *chip, void *arg)
{
    struct deriving *d = arg;
    int rc = SCU_OK;

    for (int i = 0; rc == SCU_OK && i < TOKEN_USERS; i++)
        rc = pin_derive(chip->crypto, &d->token->row, (enum scu_user)i,
            (struct bytes){ d->pin[i], strlen(d->pin[i]) }, &d->auths[i]);
    return rc;
}

static int
reveal_pins(struct scu_chip *chip, struct deriving *d)
{
    int rc = chip_perform(chip, CHIP_OFFLINE, derive, d);

    for (size_t i = 0; rc == SCU_OK && i < TOKEN_USERS; i++) {
        print("pin", i, d->pin[i], strlen(d->pin[i]));
        print("index-auth", i, d->auths[i].index->data,
            d->auths[i].index->len);
        print("seal-auth", i, d->auths[i].seal->data, d->auths[i].seal->len);
        pin_auths_free(&d->auths[i]);
    }
    return failed(rc, "PINs");
}

/* What the blob holds, part by part, and what follows of it. */
static int
reveal_secret(struct scu_token *token, enum scu_user who, const char *pin)
{
    int rc = scu_token_login(token, who, pin, strlen(pin));

    if (rc != SCU_OK)
        return failed(rc, "login");
    for (size_t i = 0; i * PART_SIZE < token->secret->len; i++)
        print(who == SCU_USER_SO ? "sealed-so" : "sealed-user", i,
            token->secret->data + i * PART_SIZE, PART_SIZE);
    print("row-keys", (size_t)who, token->keys->data, token->keys->len);
    return SCU_OK;
}

static int
reveal_objects(struct scu_token *token)
{
    struct scu_object **objects = NULL;
    size_t n = 0, keys = 0;
    int rc = scu_object_list(token, &objects, &n);

    for (size_t i = 0; rc == SCU_OK && i < n; i++) {
        struct scu_key *key = NULL;
        struct secret *auth = NULL;

        if (scu_object_key(objects[i], &key) == SCU_OK &&
            key_copy_password(key, &auth) == SCU_OK && auth != NULL)
            print("key-auth", keys++, auth->data, auth->len);
        secret_free(&auth);
        scu_key_free(&key);
    }
    scu_object_list_free(&objects, n);
    if (rc == SCU_OK && keys == 0)
        rc = SCU_E_NOT_FOUND;
    return failed(rc, "keys");
}

static int
reveal_chip(const struct scu_chip *chip)
{
    struct authorisations files;
    int rc = authorisations_read(chip->state, &files);

    if (rc == SCU_OK && files.owner != NULL && files.lockout != NULL) {
        print("owner", 0, files.owner->data, files.owner->len);
        print("lockout", 0, files.lockout->data, files.lockout->len);
    } else if (rc == SCU_OK) {
        rc = SCU_E_NOT_FOUND;
    }
    authorisations_clear(&files);
    return failed(rc, "authorisations");
}

int
main(int argc, char **argv)
{
    struct deriving d = { .token = NULL };
    struct scu_chip *chip = NULL;
    int rc;

    if (argc != 4)
        return 2;
    d.pin[SCU_USER_SO] = argv[2];
    d.pin[SCU_USER_NORMAL] = argv[3];
    if ((rc = failed(scu_chip_open(NULL, &chip), "chip")) == SCU_OK &&
        (rc = failed(scu_token_find(chip, argv[1], NULL, &d.token),
            "token")) == SCU_OK &&
        (rc = reveal_chip(chip)) == SCU_OK &&
        (rc = reveal_pins(chip, &d)) == SCU_OK &&
        (rc = reveal_secret(d.token, SCU_USER_SO, argv[2])) == SCU_OK &&
        (rc = reveal_secret(d.token, SCU_USER_NORMAL, argv[3])) == SCU_OK)
        rc = reveal_objects(d.token);
    scu_token_free(&d.token);
    scu_chip_free(&chip);
    return rc == SCU_OK ? 0 : 1;
}
