/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_BENCH_MODULE_H
#define TESTS_BENCH_MODULE_H

#include "bench.h"
#include "p11.h"

/* For dlopen(). */
void module_path(const struct module *module, char path[BENCH_PATH_MAX]);

/* Whether it can be loaded; loads it. Ours must be there. */
bool module_present(const struct module *module);

/*
 * Tells modules by the environment where chip and store are: SCU_TCTI,
 * SCU_STATE, SCU_STORE, TPM2_PKCS11_TCTI, TPM2_PKCS11_STORE, SOFTHSM2_CONF.
 */
void module_environment(const struct bench_link *link,
    const struct place *place);

/* BENCH_OK, or bench_failed() with the last step and the module's code. */
enum outcome module_checked(const struct p11 *p, CK_RV rv);

#endif
