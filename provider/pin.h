/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROVIDER_PIN_H
#define PROVIDER_PIN_H

#include "prov.h"
#include "uri.h"

#include <scu/key.h>
#include <scu/token.h>

/* Whom to ask for a secret, as OpenSSL gives it to loaders and decoders. */
struct prov_asker {
    OSSL_PASSPHRASE_CALLBACK *ask;
    void *arg;
};

/* The caller wipes it, also after a failure. */
struct prov_pin {
    char text[SCU_PIN_MAX + 2];
    size_t len;
};

/* Whether the URI itself says what the PIN is, or where. */
bool prov_pin_is_given(const struct uri *uri);

/*
 * Refuses, with an error raised, what can be seen to be wrong without opening
 * a file: pin-value beside pin-source, a pin-source that is no "file:/...".
 */
bool prov_pin_check(struct prov_ctx *prov, const struct uri *uri);

/*
 * The PIN of the token with that label: of the URI's pin-value, of the file
 * that its pin-source names, or else by asking. The file is a regular one of
 * root or the effective user, and open to nobody else. A line feed at its end
 * is not part of the PIN. False with an error raised.
 */
bool prov_pin_get(struct prov_ctx *prov, const struct uri *uri,
    const char *label, const struct prov_asker *asker, struct prov_pin *pin);

/* Asks for the password of a key, "for info". False with an error raised. */
bool prov_ask_password(struct prov_ctx *prov, struct scu_key *key,
    const char *info, const struct prov_asker *asker);

#endif
