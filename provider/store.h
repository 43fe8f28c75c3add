/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROVIDER_STORE_H
#define PROVIDER_STORE_H

#include "prov.h"

/*
 * STORE: what a program opens by URI. A loader a scheme, each in a file of its
 * own: "pkcs11:" (store.c) and "handle:" (handle.c). What both have in common:
 */
extern const OSSL_DISPATCH prov_store_handle[];

/* What a program expects: OSSL_STORE_INFO_...; the only parameter. */
OSSL_FUNC_store_settable_ctx_params_fn prov_store_settable;
int prov_store_get_expect(const OSSL_PARAM params[], int *expect);

#endif
