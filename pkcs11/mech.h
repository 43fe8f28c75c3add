/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKCS11_MECH_H
#define PKCS11_MECH_H

#include "p11.h"

/* A hash, a row of a const table. */
struct p11_hash {
    CK_MECHANISM_TYPE type;   /* as it stands in parameters: CKM_SHA256 */
    CK_RSA_PKCS_MGF_TYPE mgf; /* MGF1 with it */
    const char *name;         /* OpenSSL's name */
    const char *pss;          /* libscu's scheme */
    size_t size;
};

/* A mechanism, a row of a const table. Only what works has one. */
struct p11_mech {
    CK_MECHANISM_TYPE type;
    enum scu_kind kind;          /* of the key; 0 without one */
    CK_FLAGS flags;              /* CKF_SIGN and so on */
    const struct p11_hash *hash; /* data is hashed with it; else taken as is */
    const char *scheme;          /* libscu's; NULL: the parameter says it */
    bool pss;                    /* wants CK_RSA_PKCS_PSS_PARAMS */
};

/* NULL where there is none. */
const struct p11_mech *p11_mech_find(CK_MECHANISM_TYPE type);
/* In turn; NULL behind the last. */
const struct p11_mech *p11_mech_at(size_t index);
const struct p11_hash *p11_hash_find(CK_MECHANISM_TYPE type);

/* What C_GetMechanismInfo tells of it. */
void p11_mech_info(const struct p11_mech *mech, CK_MECHANISM_INFO *info);

/* A mechanism with its parameter, checked. */
struct p11_way {
    const struct p11_mech *mech;
    const struct p11_hash *hash;     /* the mechanism's or the parameter's */
    const struct scu_scheme *scheme; /* of signatures */
    int salt;                        /* octets, PSS */
};

/*
 * Reads what an application passes to an ..Init function that wants one of
 * flags. CKR_ARGUMENTS_BAD, CKR_MECHANISM_INVALID,
 * CKR_MECHANISM_PARAM_INVALID.
 */
CK_RV p11_way_read(const CK_MECHANISM *mechanism, CK_FLAGS flags,
    struct p11_way *way);

#endif
