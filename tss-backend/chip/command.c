/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/command.h"

#include <stddef.h>

#define ROW(NAME, ENCRYPTS)                                                   \
    { .code = TPM2_CC_##NAME, .name = #NAME, .encrypts = (ENCRYPTS) }
#define BLIND(NAME, ENCRYPTS)                                                 \
    { .code = TPM2_CC_##NAME, .name = #NAME, .encrypts = (ENCRYPTS),          \
        .blind = true }

static const struct command_row commands[] = {
    ROW(Clear, false),
    BLIND(Create, true),
    ROW(CreatePrimary, true),
    BLIND(ECDH_ZGen, true),
    ROW(EvictControl, false),
    ROW(FlushContext, false),
    ROW(GetCapability, false),
    ROW(GetRandom, true),
    BLIND(HierarchyChangeAuth, false),
    BLIND(Import, true),
    ROW(Load, true),
    BLIND(NV_ChangeAuth, false),
    BLIND(NV_DefineSpace, false),
    ROW(NV_Read, true),
    ROW(NV_ReadPublic, true),
    ROW(NV_UndefineSpace, false),
    BLIND(NV_Write, false),
    ROW(PCR_Extend, false),
    ROW(PCR_Read, false),
    ROW(PolicyAuthValue, false),
    ROW(PolicyCommandCode, false),
    ROW(PolicyGetDigest, true),
    ROW(PolicyNvWritten, false),
    ROW(PolicyOR, false),
    /* Its first answer is a TPM2B, but always empty here. */
    ROW(PolicySecret, false),
    ROW(Quote, true),
    BLIND(RSA_Decrypt, true),
    ROW(ReadClock, false),
    ROW(ReadPublic, true),
    ROW(Shutdown, false),
    BLIND(Sign, false),
    ROW(StartAuthSession, false),
    ROW(Startup, false),
    ROW(TestParms, false),
    ROW(Unseal, true),
};

const struct command_row *
command_find(TPM2_CC code)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (commands[i].code == code)
            return &commands[i];
    return NULL;
}
