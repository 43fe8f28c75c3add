/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/tss-backend/attest/ekcert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * By tpm2-tools and openssl(1): nothing of the code under test takes part.
 * Everything runs in the simulator's folder.
 */
static void
run(const struct provisioned *p, const char *command)
{
    char line[2048];
    int n = snprintf(line, sizeof(line),
        "cd '%s' && export TPM2TOOLS_TCTI='swtpm:path=%s' && unset "
        "OPENSSL_CONF && { %s; } >run.log 2>&1 || { cat run.log; false; }",
        sim_dir(p->sim), sim_socket(p->sim), command);

    assert_true(n > 0 && (size_t)n < sizeof(line));
    assert_int_equal(system(line), 0);
}

void
ekcert_install(struct provisioned *p, bool rsa, bool foreign)
{
    char command[1500];

    run(p, rsa ? "tpm2_createek -G rsa -u ek.pem -f pem -c ek.ctx" :
        "tpm2_createek -G ecc -u ek.pem -f pem -c ek.ctx");
    if (foreign)
        run(p, "openssl ecparam -name prime256v1 -genkey -noout -out f.key && "
            "openssl pkey -in f.key -pubout -out ek.pem");
    (void)snprintf(command, sizeof(command),
        "openssl ecparam -name prime256v1 -genkey -noout -out ca.key && "
        "openssl req -new -x509 -key ca.key -subj /CN=maker -out ca.pem && "
        "openssl x509 -new -force_pubkey ek.pem -subj /CN=ek -CA ca.pem "
        "-CAkey ca.key -days 30 -outform der -out ek.der && "
        "tpm2_nvdefine %s -C o -s $(($(stat -c %%s ek.der) + 16)) "
        "-a 'ownerread|authread|ownerwrite|no_da' && "
        "tpm2_nvwrite %s -C o -i ek.der && "
        "head -c 16 /dev/zero >pad && "
        "tpm2_nvwrite %s -C o -i pad --offset $(stat -c %%s ek.der); "
        "tpm2_flushcontext -t",
        rsa ? "0x01c00002" : "0x01c0000a", rsa ? "0x01c00002" : "0x01c0000a",
        rsa ? "0x01c00002" : "0x01c0000a");
    run(p, command);
}

void
ekcert_reserve(struct provisioned *p)
{
    run(p, "tpm2_nvdefine 0x01c0000a -C o -s 400 "
        "-a 'ownerread|authread|ownerwrite|no_da'");
}

void
ekcert_persist_foreign(struct provisioned *p, uint32_t handle)
{
    char command[256];

    (void)snprintf(command, sizeof(command), "tpm2_createprimary -C o -G rsa "
        "-c p.ctx && tpm2_evictcontrol -C o -c p.ctx 0x%08x && "
        "tpm2_flushcontext -t", handle);
    run(p, command);
}

void
provisioned_evict(struct provisioned *p, uint32_t handle, const char *state)
{
    char command[1024];

    (void)snprintf(command, sizeof(command), "tpm2_evictcontrol -C o -P "
        "hex:$(sed -n 's/^owner = //p' '%s/authorisations') -c 0x%08x",
        state, handle);
    run(p, command);
}
