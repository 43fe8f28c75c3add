/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/*
 * TLS groups. libssl uses a group only where the provider that offers it is
 * also the one that it gets keys of this algorithm from. So where we stand
 * first, the default provider's elliptic curves would vanish from TLS; and if
 * we offered them as they are, each handshake would have the chip make a key.
 * Hence we offer those curves again, with internal names by which gen.c knows
 * that the key is one of TLS. Where we stand behind, libssl ignores ours.
 */
#define MAX_PARAMS 16

struct offer {
    OSSL_CALLBACK *callback;
    void *arg;
};

/* The text of one of the parameters, or "". */
static const char *
text_of(const OSSL_PARAM params[], const char *name)
{
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, name);
    const char *text = NULL;

    return p != NULL && OSSL_PARAM_get_utf8_string_ptr(p, &text) ? text : "";
}

static int
offer_group(const OSSL_PARAM params[], void *arg)
{
    const struct offer *offer = arg;
    OSSL_PARAM ours[MAX_PARAMS + 1];
    char name[128];
    OSSL_PARAM *p = NULL;
    size_t n = 0;
    int len = 0;

    while (params[n].key != NULL && n < MAX_PARAMS) {
        ours[n] = params[n];
        n++;
    }
    ours[n] = OSSL_PARAM_construct_end();
    p = OSSL_PARAM_locate(ours, OSSL_CAPABILITY_TLS_GROUP_NAME_INTERNAL);
    if (params[n].key != NULL || p == NULL ||
        strcmp(text_of(params, OSSL_CAPABILITY_TLS_GROUP_ALG),
            prov_key_ec.name) != 0) {
        return 1;
    }
    len = snprintf(name, sizeof(name), PROV_GROUP_EPHEMERAL "%s",
        text_of(params, OSSL_CAPABILITY_TLS_GROUP_NAME_INTERNAL));
    if (len < 0 || (size_t)len >= sizeof(name))
        return 1;
    /* libssl takes the terminator with it. */
    *p = OSSL_PARAM_construct_utf8_string(p->key, name, (size_t)len + 1);
    return offer->callback(ours, offer->arg);
}

int
prov_get_capabilities(void *provctx, const char *capability,
    OSSL_CALLBACK *callback, void *arg)
{
    struct offer offer = { .callback = callback, .arg = arg };
    OSSL_PROVIDER *software = NULL;

    if (strcasecmp(capability, "TLS-GROUP") != 0)
        return 1;
    software = prov_software(provctx);
    return software != NULL &&
        OSSL_PROVIDER_get_capabilities(software, capability, offer_group,
            &offer);
}
