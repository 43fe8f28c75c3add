/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "keyattrs.h"

#include <string.h>

/* Public keys as attributes and as SubjectPublicKeyInfo. */

#define DER_INTEGER 0x02
#define DER_BIT_STRING 0x03
#define DER_OCTET_STRING 0x04
#define DER_SEQUENCE 0x30

static const struct {
    const char *alg;
    uint8_t params[10];
    size_t len;
} curves[] = {
    /* 1.2.840.10045.3.1.7 */
    { "P-256", { 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 }, 10 },
    /* 1.3.132.0.34 */
    { "P-384", { 6, 5, 0x2b, 0x81, 0x04, 0x00, 0x22 }, 7 },
};
#define CURVES (sizeof(curves) / sizeof(curves[0]))

/* AlgorithmIdentifier without its head: OID, for RSA with parameters NULL. */
static const uint8_t id_ec[] = {
    6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1,
};
static const uint8_t id_rsa[] = {
    6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0,
};

const struct scu_alg *
keyattrs_curve(const uint8_t *params, size_t len)
{
    for (size_t i = 0; i < CURVES; i++)
        if (len == curves[i].len && memcmp(params, curves[i].params, len) == 0)
            return scu_alg_by_name(curves[i].alg);
    return NULL;
}

/* --- a writer of DER, from the end to the beginning --------------------------- */

struct writer {
    uint8_t *start, *at;
    bool full;
};

static void
put(struct writer *w, const void *data, size_t len)
{
    if (len > (size_t)(w->at - w->start)) {
        w->full = true;
        return;
    }
    if (len > 0) {
        w->at -= len;
        memcpy(w->at, data, len);
    }
}

static void
put_octet(struct writer *w, uint8_t octet)
{
    put(w, &octet, 1);
}

/* Tag and length of what stands from w->at to end. */
static void
put_head(struct writer *w, uint8_t tag, const uint8_t *end)
{
    size_t len = (size_t)(end - w->at);

    put_octet(w, (uint8_t)len);
    if (len > 0xff)
        put_octet(w, (uint8_t)(len >> 8));
    if (len > 0x7f)
        put_octet(w, len > 0xff ? 0x82 : 0x81);
    put_octet(w, tag);
}

/* An unsigned number. */
static void
put_integer(struct writer *w, const uint8_t *data, size_t len)
{
    const uint8_t *end = w->at;

    while (len > 0 && data[0] == 0) {
        data++;
        len--;
    }
    put(w, data, len);
    if (len == 0 || data[0] >= 0x80)
        put_octet(w, 0);
    put_head(w, DER_INTEGER, end);
}

const uint8_t *
keyattrs_point(const struct keyattrs_parts *parts, size_t *len)
{
    const uint8_t *p = parts->point;
    size_t head = parts->point_len > 2 && p[1] == 0x81 ? 3 : 2;

    if (parts->point_len <= head || p[0] != DER_OCTET_STRING ||
        p[head - 1] >= (head == 2 ? 0x80 : 0xff) ||
        p[head - 1] != parts->point_len - head)
        return NULL;
    *len = parts->point_len - head;
    return p + head;
}

static bool
put_ec(struct writer *w, const struct keyattrs_parts *parts)
{
    const uint8_t *end = w->at, *point;
    size_t len;

    point = keyattrs_point(parts, &len);
    if (point == NULL || parts->params_len == 0)
        return false;
    put(w, point, len);
    put_octet(w, 0); /* no unused bits */
    put_head(w, DER_BIT_STRING, end);
    end = w->at;
    put(w, parts->params, parts->params_len);
    put(w, id_ec, sizeof(id_ec));
    put_head(w, DER_SEQUENCE, end);
    return true;
}

static bool
put_rsa(struct writer *w, const struct keyattrs_parts *parts)
{
    const uint8_t *end = w->at;

    if (parts->modulus_len == 0 || parts->exponent_len == 0)
        return false;
    put_integer(w, parts->exponent, parts->exponent_len);
    put_integer(w, parts->modulus, parts->modulus_len);
    put_head(w, DER_SEQUENCE, end);
    put_octet(w, 0); /* no unused bits */
    put_head(w, DER_BIT_STRING, end);
    end = w->at;
    put(w, id_rsa, sizeof(id_rsa));
    put_head(w, DER_SEQUENCE, end);
    return true;
}

size_t
keyattrs_spki(const struct keyattrs_parts *parts, uint8_t *out, size_t size)
{
    struct writer w = { .start = out, .at = out + size };
    size_t len;

    if (!(parts->kind == SCU_KIND_EC ? put_ec : put_rsa)(&w, parts))
        return 0;
    put_head(&w, DER_SEQUENCE, out + size);
    len = (size_t)(out + size - w.at);
    if (w.full)
        return 0;
    memmove(out, w.at, len);
    return len;
}

/* --- of a key of libscu -------------------------------------------------------- */

static int
ec_attrs(const struct scu_alg *alg, const struct scu_public *public,
    struct attrs *attrs)
{
    uint8_t point[3 + 1 + 2 * 66];
    struct writer w = { .start = point, .at = point + sizeof(point) };
    size_t i = 0;
    int rc;

    while (i < CURVES && strcmp(curves[i].alg, scu_alg_name(alg)) != 0)
        i++;
    if (i == CURVES)
        return SCU_E_UNSUPPORTED;
    rc = attrs_set(attrs, ATTR_EC_PARAMS, curves[i].params, curves[i].len);
    if (rc != SCU_OK)
        return rc;
    put(&w, public->y, public->xy_len);
    put(&w, public->x, public->xy_len);
    put_octet(&w, 4); /* uncompressed */
    put_head(&w, DER_OCTET_STRING, point + sizeof(point));
    if (w.full)
        return SCU_E_UNSUPPORTED;
    return attrs_set(attrs, ATTR_EC_POINT, w.at,
        (size_t)(point + sizeof(point) - w.at));
}

static int
rsa_attrs(const struct scu_public *public, struct attrs *attrs)
{
    const uint8_t e[4] = {
        (uint8_t)(public->e >> 24), (uint8_t)(public->e >> 16),
        (uint8_t)(public->e >> 8), (uint8_t)public->e,
    };
    size_t skip = 0;
    int rc;

    while (skip < 3 && e[skip] == 0)
        skip++;
    rc = attrs_set(attrs, ATTR_MODULUS, public->n, public->n_len);
    if (rc == SCU_OK)
        rc = attrs_set_number(attrs, ATTR_MODULUS_BITS, 8 * public->n_len);
    if (rc == SCU_OK)
        rc = attrs_set(attrs, ATTR_PUBLIC_EXPONENT, e + skip, 4 - skip);
    return rc;
}

int
keyattrs_set_public(struct attrs *attrs, const struct scu_key *key)
{
    const struct scu_alg *alg = scu_key_alg(key);
    struct scu_public public;

    scu_key_public(key, &public);
    if (public.kind == SCU_KIND_RSA)
        return rsa_attrs(&public, attrs);
    if (alg == NULL)
        return SCU_E_UNSUPPORTED;
    return ec_attrs(alg, &public, attrs);
}
