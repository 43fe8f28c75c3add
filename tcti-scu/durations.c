/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "durations.h"

#include <stddef.h>
#include <tss2/tss2_tpm2_types.h>

#define MEDIUM 750
#define LONG 2000
#define KEY_MAKING 300000
#define OTHER 120000

/* The bounds that the Linux kernel keeps; see tcti-scu(7). */
static const struct {
    uint32_t code;
    int32_t ms;
} durations[] = {
    { TPM2_CC_Startup, MEDIUM },
    { TPM2_CC_GetCapability, MEDIUM },
    { TPM2_CC_PCR_Extend, MEDIUM },
    { TPM2_CC_HashSequenceStart, MEDIUM },
    { TPM2_CC_SequenceUpdate, MEDIUM },
    { TPM2_CC_SequenceComplete, MEDIUM },
    { TPM2_CC_EventSequenceComplete, MEDIUM },
    { TPM2_CC_SelfTest, LONG },
    { TPM2_CC_IncrementalSelfTest, LONG },
    { TPM2_CC_GetRandom, LONG },
    { TPM2_CC_NV_Read, LONG },
    { TPM2_CC_HierarchyControl, LONG },
    { TPM2_CC_HierarchyChangeAuth, LONG },
    { TPM2_CC_Create, KEY_MAKING },
    { TPM2_CC_CreatePrimary, KEY_MAKING },
    { TPM2_CC_CreateLoaded, KEY_MAKING },
    { TPM2_CC_VerifySignature, KEY_MAKING },
};

int32_t
duration_of(uint32_t command_code)
{
    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++)
        if (durations[i].code == command_code)
            return durations[i].ms;
    return OTHER;
}
