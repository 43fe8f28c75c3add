/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The table of attribute rules (PKCS#11 2.40, chapter 4). */
#include "attr.h"

#define CREATE P11_CREATE
#define GEN P11_GENERATE
#define MADE (P11_CREATE | P11_GENERATE | P11_COPY)
#define ANY (MADE | P11_MODIFY)
#define FREE (P11_CREATE | P11_COPY | P11_MODIFY)
#define NEED (P11_CREATE | P11_NEEDED)
/* The key decides; a template may only say the same. */
#define ALWAYS (P11_CREATE | P11_GENERATE | P11_FIXED)
#define WISH (ALWAYS | P11_WISH)
#define COMPUTED P11_COMPUTED

static const struct p11_rule rules[] = {
    /* every object */
    { CKA_CLASS, P11_ALL, P11_ULONG, MADE | COMPUTED, 0 },
    { CKA_TOKEN, P11_ALL, P11_BOOL, MADE | COMPUTED, CK_FALSE },
    { CKA_PRIVATE, P11_ALL, P11_BOOL, MADE | COMPUTED, CK_FALSE },
    { CKA_MODIFIABLE, P11_ALL, P11_BOOL, MADE, CK_TRUE },
    { CKA_COPYABLE, P11_ALL, P11_BOOL, MADE, CK_TRUE },
    { CKA_DESTROYABLE, P11_ALL, P11_BOOL, MADE, CK_TRUE },
    { CKA_LABEL, P11_ALL, P11_OCTETS, ANY, 0 },

    /* data */
    { CKA_APPLICATION, P11_DATA, P11_OCTETS, FREE, 0 },
    { CKA_OBJECT_ID, P11_DATA, P11_OCTETS, FREE, 0 },
    { CKA_VALUE, P11_DATA, P11_OCTETS, FREE, 0 },

    /* certificates; names come from the certificate where they are missing */
    { CKA_CERTIFICATE_TYPE, P11_CERTIFICATE, P11_ULONG, CREATE | COMPUTED, 0 },
    { CKA_TRUSTED, P11_CERTIFICATE, P11_BOOL, WISH, CK_FALSE },
    { CKA_CERTIFICATE_CATEGORY, P11_CERTIFICATE, P11_ULONG, CREATE, 0 },
    { CKA_CHECK_VALUE, P11_CERTIFICATE, P11_OCTETS, CREATE, 0 },
    { CKA_START_DATE, P11_CERTIFICATE | P11_KEYS, P11_DATE, ANY, 0 },
    { CKA_END_DATE, P11_CERTIFICATE | P11_KEYS, P11_DATE, ANY, 0 },
    { CKA_PUBLIC_KEY_INFO, P11_CERTIFICATE, P11_OCTETS, CREATE, 0 },
    { CKA_SUBJECT, P11_CERTIFICATE, P11_OCTETS, CREATE, 0 },
    { CKA_ID, P11_CERTIFICATE | P11_KEYS, P11_OCTETS, ANY, 0 },
    { CKA_ISSUER, P11_CERTIFICATE, P11_OCTETS, FREE, 0 },
    { CKA_SERIAL_NUMBER, P11_CERTIFICATE, P11_OCTETS, FREE, 0 },
    { CKA_VALUE, P11_CERTIFICATE, P11_OCTETS, NEED, 0 },
    { CKA_URL, P11_CERTIFICATE, P11_OCTETS, CREATE, 0 },
    { CKA_HASH_OF_SUBJECT_PUBLIC_KEY, P11_CERTIFICATE, P11_OCTETS, CREATE, 0 },
    { CKA_HASH_OF_ISSUER_PUBLIC_KEY, P11_CERTIFICATE, P11_OCTETS, CREATE, 0 },
    { CKA_JAVA_MIDP_SECURITY_DOMAIN, P11_CERTIFICATE, P11_ULONG, CREATE, 0 },

    /* keys */
    { CKA_KEY_TYPE, P11_KEYS, P11_ULONG, MADE | COMPUTED, 0 },
    { CKA_LOCAL, P11_KEYS, P11_BOOL, 0, CK_FALSE },
    { CKA_KEY_GEN_MECHANISM, P11_KEYS, P11_ULONG, 0,
        CK_UNAVAILABLE_INFORMATION },
    { CKA_DERIVE, P11_KEYS, P11_BOOL, WISH, CK_FALSE },
    { CKA_SUBJECT, P11_KEYS, P11_OCTETS, ANY, 0 },
    { CKA_PUBLIC_KEY_INFO, P11_KEYS, P11_OCTETS, CREATE | COMPUTED, 0 },
    { CKA_MODULUS, P11_RSA_PUBLIC, P11_OCTETS, NEED, 0 },
    { CKA_PUBLIC_EXPONENT, P11_RSA_PUBLIC, P11_OCTETS, NEED | GEN, 0 },
    { CKA_MODULUS_BITS, P11_RSA_PUBLIC, P11_ULONG, GEN | COMPUTED, 0 },
    { CKA_MODULUS, P11_RSA_PRIVATE, P11_OCTETS, COMPUTED, 0 },
    { CKA_PUBLIC_EXPONENT, P11_RSA_PRIVATE, P11_OCTETS, COMPUTED, 0 },
    { CKA_EC_PARAMS, P11_EC_PUBLIC, P11_OCTETS, NEED | GEN, 0 },
    { CKA_EC_POINT, P11_EC_PUBLIC, P11_OCTETS, NEED, 0 },
    { CKA_EC_PARAMS, P11_EC_PRIVATE, P11_OCTETS, COMPUTED, 0 },
    /* not in the standard; several libraries look for the point here */
    { CKA_EC_POINT, P11_EC_PRIVATE, P11_OCTETS, COMPUTED, 0 },

    /* public keys: all but verification is left to the application */
    { CKA_VERIFY, P11_PUBLIC, P11_BOOL, MADE, CK_TRUE },
    { CKA_ENCRYPT, P11_RSA_PUBLIC, P11_BOOL, MADE, CK_FALSE },
    { CKA_ENCRYPT, P11_EC_PUBLIC, P11_BOOL, WISH, CK_FALSE },
    { CKA_VERIFY_RECOVER, P11_PUBLIC, P11_BOOL, WISH, CK_FALSE },
    { CKA_WRAP, P11_PUBLIC, P11_BOOL, WISH, CK_FALSE },
    { CKA_TRUSTED, P11_PUBLIC, P11_BOOL, WISH, CK_FALSE },

    /* private keys: the chip never gives them away; an imported one was
     * somewhere else before, which its row says */
    { CKA_SIGN, P11_PRIVATE, P11_BOOL, GEN, CK_TRUE },
    { CKA_DECRYPT, P11_RSA_PRIVATE, P11_BOOL, GEN, CK_FALSE },
    { CKA_DECRYPT, P11_EC_PRIVATE, P11_BOOL, WISH, CK_FALSE },
    { CKA_SIGN_RECOVER, P11_PRIVATE, P11_BOOL, WISH, CK_FALSE },
    { CKA_UNWRAP, P11_PRIVATE, P11_BOOL, WISH, CK_FALSE },
    { CKA_SENSITIVE, P11_PRIVATE, P11_BOOL, WISH, CK_TRUE },
    { CKA_EXTRACTABLE, P11_PRIVATE, P11_BOOL, ALWAYS, CK_FALSE },
    { CKA_ALWAYS_SENSITIVE, P11_PRIVATE, P11_BOOL, 0, CK_TRUE },
    { CKA_NEVER_EXTRACTABLE, P11_PRIVATE, P11_BOOL, 0, CK_TRUE },
    { CKA_WRAP_WITH_TRUSTED, P11_PRIVATE, P11_BOOL, ALWAYS, CK_FALSE },
    { CKA_ALWAYS_AUTHENTICATE, P11_PRIVATE, P11_BOOL, ALWAYS, CK_FALSE },
    { CKA_VALUE, P11_EC_PRIVATE, P11_OCTETS, P11_SECRET, 0 },
    { CKA_PRIVATE_EXPONENT, P11_RSA_PRIVATE, P11_OCTETS, P11_SECRET, 0 },
    { CKA_PRIME_1, P11_RSA_PRIVATE, P11_OCTETS, P11_SECRET, 0 },
    { CKA_PRIME_2, P11_RSA_PRIVATE, P11_OCTETS, P11_SECRET, 0 },
    { CKA_EXPONENT_1, P11_RSA_PRIVATE, P11_OCTETS, P11_SECRET, 0 },
    { CKA_EXPONENT_2, P11_RSA_PRIVATE, P11_OCTETS, P11_SECRET, 0 },
    { CKA_COEFFICIENT, P11_RSA_PRIVATE, P11_OCTETS, P11_SECRET, 0 },
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

const struct p11_rule *
p11_rule_at(size_t index)
{
    return index < RULES ? &rules[index] : NULL;
}

const struct p11_rule *
p11_rule_find(unsigned kind, CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < RULES; i++)
        if (rules[i].type == type && (rules[i].kinds & kind) != 0)
            return &rules[i];
    return NULL;
}

static const struct {
    unsigned kind;
    CK_OBJECT_CLASS class;
    CK_ULONG type; /* of key or certificate */
} kinds[] = {
    { P11_DATA, CKO_DATA, 0 },
    { P11_CERTIFICATE, CKO_CERTIFICATE, CKC_X_509 },
    { P11_EC_PUBLIC, CKO_PUBLIC_KEY, CKK_EC },
    { P11_RSA_PUBLIC, CKO_PUBLIC_KEY, CKK_RSA },
    { P11_EC_PRIVATE, CKO_PRIVATE_KEY, CKK_EC },
    { P11_RSA_PRIVATE, CKO_PRIVATE_KEY, CKK_RSA },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

unsigned
p11_kind_of(CK_OBJECT_CLASS class, CK_ULONG type)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].class == class &&
            (class == CKO_DATA || kinds[i].type == type))
            return kinds[i].kind;
    return 0;
}

CK_OBJECT_CLASS
p11_kind_class(unsigned kind)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].kind == kind)
            return kinds[i].class;
    return CK_UNAVAILABLE_INFORMATION;
}

CK_ULONG
p11_kind_type(unsigned kind)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].kind == kind)
            return kinds[i].type;
    return CK_UNAVAILABLE_INFORMATION;
}
