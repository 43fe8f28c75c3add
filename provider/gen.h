/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROVIDER_GEN_H
#define PROVIDER_GEN_H

#include "key.h"

/*
 * KEYMGMT: making keys. Key pairs are made in the chip; a curve by itself
 * (EVP_PKEY_paramgen) and the ephemeral keys of TLS are a matter of software.
 * Parameters: "group" or "bits", and "password" for the key's authValue. What
 * each function is to do stands in provider-keymgmt(7).
 */
void *prov_gen_init_rsa(void *provctx, int selection,
    const OSSL_PARAM params[]);
void *prov_gen_init_ec(void *provctx, int selection,
    const OSSL_PARAM params[]);
const OSSL_PARAM *prov_gen_settable_rsa(void *genctx, void *provctx);
const OSSL_PARAM *prov_gen_settable_ec(void *genctx, void *provctx);
int prov_gen_set_params(void *genctx, const OSSL_PARAM params[]);
int prov_gen_set_template(void *genctx, void *keydata);
void *prov_gen(void *genctx, OSSL_CALLBACK *progress, void *arg);
void prov_gen_cleanup(void *genctx);

#endif
