/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "commands.h"

#include <stdio.h>
#include <string.h>

/*
 * TPM 2.0 Part 2, 6.5.2 "TPM_CC", by code less FIRST. Holes are codes that
 * the specification reserves. Numbers and not TPM2_CC_ constants, since older
 * headers lack the later ones.
 */
#define FIRST 0x11fu

static const char *const names[] = {
    [0x11fu - FIRST] = "NV_UndefineSpaceSpecial",
    [0x120u - FIRST] = "EvictControl",
    [0x121u - FIRST] = "HierarchyControl",
    [0x122u - FIRST] = "NV_UndefineSpace",
    [0x124u - FIRST] = "ChangeEPS",
    [0x125u - FIRST] = "ChangePPS",
    [0x126u - FIRST] = "Clear",
    [0x127u - FIRST] = "ClearControl",
    [0x128u - FIRST] = "ClockSet",
    [0x129u - FIRST] = "HierarchyChangeAuth",
    [0x12au - FIRST] = "NV_DefineSpace",
    [0x12bu - FIRST] = "PCR_Allocate",
    [0x12cu - FIRST] = "PCR_SetAuthPolicy",
    [0x12du - FIRST] = "PP_Commands",
    [0x12eu - FIRST] = "SetPrimaryPolicy",
    [0x12fu - FIRST] = "FieldUpgradeStart",
    [0x130u - FIRST] = "ClockRateAdjust",
    [0x131u - FIRST] = "CreatePrimary",
    [0x132u - FIRST] = "NV_GlobalWriteLock",
    [0x133u - FIRST] = "GetCommandAuditDigest",
    [0x134u - FIRST] = "NV_Increment",
    [0x135u - FIRST] = "NV_SetBits",
    [0x136u - FIRST] = "NV_Extend",
    [0x137u - FIRST] = "NV_Write",
    [0x138u - FIRST] = "NV_WriteLock",
    [0x139u - FIRST] = "DictionaryAttackLockReset",
    [0x13au - FIRST] = "DictionaryAttackParameters",
    [0x13bu - FIRST] = "NV_ChangeAuth",
    [0x13cu - FIRST] = "PCR_Event",
    [0x13du - FIRST] = "PCR_Reset",
    [0x13eu - FIRST] = "SequenceComplete",
    [0x13fu - FIRST] = "SetAlgorithmSet",
    [0x140u - FIRST] = "SetCommandCodeAuditStatus",
    [0x141u - FIRST] = "FieldUpgradeData",
    [0x142u - FIRST] = "IncrementalSelfTest",
    [0x143u - FIRST] = "SelfTest",
    [0x144u - FIRST] = "Startup",
    [0x145u - FIRST] = "Shutdown",
    [0x146u - FIRST] = "StirRandom",
    [0x147u - FIRST] = "ActivateCredential",
    [0x148u - FIRST] = "Certify",
    [0x149u - FIRST] = "PolicyNV",
    [0x14au - FIRST] = "CertifyCreation",
    [0x14bu - FIRST] = "Duplicate",
    [0x14cu - FIRST] = "GetTime",
    [0x14du - FIRST] = "GetSessionAuditDigest",
    [0x14eu - FIRST] = "NV_Read",
    [0x14fu - FIRST] = "NV_ReadLock",
    [0x150u - FIRST] = "ObjectChangeAuth",
    [0x151u - FIRST] = "PolicySecret",
    [0x152u - FIRST] = "Rewrap",
    [0x153u - FIRST] = "Create",
    [0x154u - FIRST] = "ECDH_ZGen",
    [0x155u - FIRST] = "HMAC",
    [0x156u - FIRST] = "Import",
    [0x157u - FIRST] = "Load",
    [0x158u - FIRST] = "Quote",
    [0x159u - FIRST] = "RSA_Decrypt",
    [0x15bu - FIRST] = "HMAC_Start",
    [0x15cu - FIRST] = "SequenceUpdate",
    [0x15du - FIRST] = "Sign",
    [0x15eu - FIRST] = "Unseal",
    [0x160u - FIRST] = "PolicySigned",
    [0x161u - FIRST] = "ContextLoad",
    [0x162u - FIRST] = "ContextSave",
    [0x163u - FIRST] = "ECDH_KeyGen",
    [0x164u - FIRST] = "EncryptDecrypt",
    [0x165u - FIRST] = "FlushContext",
    [0x167u - FIRST] = "LoadExternal",
    [0x168u - FIRST] = "MakeCredential",
    [0x169u - FIRST] = "NV_ReadPublic",
    [0x16au - FIRST] = "PolicyAuthorize",
    [0x16bu - FIRST] = "PolicyAuthValue",
    [0x16cu - FIRST] = "PolicyCommandCode",
    [0x16du - FIRST] = "PolicyCounterTimer",
    [0x16eu - FIRST] = "PolicyCpHash",
    [0x16fu - FIRST] = "PolicyLocality",
    [0x170u - FIRST] = "PolicyNameHash",
    [0x171u - FIRST] = "PolicyOR",
    [0x172u - FIRST] = "PolicyTicket",
    [0x173u - FIRST] = "ReadPublic",
    [0x174u - FIRST] = "RSA_Encrypt",
    [0x176u - FIRST] = "StartAuthSession",
    [0x177u - FIRST] = "VerifySignature",
    [0x178u - FIRST] = "ECC_Parameters",
    [0x179u - FIRST] = "FirmwareRead",
    [0x17au - FIRST] = "GetCapability",
    [0x17bu - FIRST] = "GetRandom",
    [0x17cu - FIRST] = "GetTestResult",
    [0x17du - FIRST] = "Hash",
    [0x17eu - FIRST] = "PCR_Read",
    [0x17fu - FIRST] = "PolicyPCR",
    [0x180u - FIRST] = "PolicyRestart",
    [0x181u - FIRST] = "ReadClock",
    [0x182u - FIRST] = "PCR_Extend",
    [0x183u - FIRST] = "PCR_SetAuthValue",
    [0x184u - FIRST] = "NV_Certify",
    [0x185u - FIRST] = "EventSequenceComplete",
    [0x186u - FIRST] = "HashSequenceStart",
    [0x187u - FIRST] = "PolicyPhysicalPresence",
    [0x188u - FIRST] = "PolicyDuplicationSelect",
    [0x189u - FIRST] = "PolicyGetDigest",
    [0x18au - FIRST] = "TestParms",
    [0x18bu - FIRST] = "Commit",
    [0x18cu - FIRST] = "PolicyPassword",
    [0x18du - FIRST] = "ZGen_2Phase",
    [0x18eu - FIRST] = "EC_Ephemeral",
    [0x18fu - FIRST] = "PolicyNvWritten",
    [0x190u - FIRST] = "PolicyTemplate",
    [0x191u - FIRST] = "CreateLoaded",
    [0x192u - FIRST] = "PolicyAuthorizeNV",
    [0x193u - FIRST] = "EncryptDecrypt2",
    [0x194u - FIRST] = "AC_GetCapability",
    [0x195u - FIRST] = "AC_Send",
    [0x196u - FIRST] = "Policy_AC_SendSelect",
    [0x197u - FIRST] = "CertifyX509",
    [0x198u - FIRST] = "ACT_SetTimeout",
    [0x199u - FIRST] = "ECC_Encrypt",
    [0x19au - FIRST] = "ECC_Decrypt",
    [0x19bu - FIRST] = "PolicyCapability",
    [0x19cu - FIRST] = "PolicyParameters",
    [0x19du - FIRST] = "NV_DefineSpace2",
    [0x19eu - FIRST] = "NV_ReadPublic2",
    [0x19fu - FIRST] = "SetCapability",
};

const char *
command_name(uint32_t code, char *name)
{
    const char *known = NULL;

    if (code >= FIRST && code - FIRST < sizeof(names) / sizeof(names[0]))
        known = names[code - FIRST];
    if (known != NULL)
        (void)snprintf(name, COMMAND_NAME_MAX, "%s", known);
    else
        (void)snprintf(name, COMMAND_NAME_MAX, "0x%08x", code);
    return name;
}

uint32_t
command_code(const char *name)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i] != NULL && strcmp(names[i], name) == 0)
            return (uint32_t)i + FIRST;
    return 0;
}
