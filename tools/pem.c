/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "pem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE 48 /* octets that make 64 characters */

/* --- base 64 (RFC 4648) -------------------------------------------------------- */

/* text has room for four characters for each three octets. */
static size_t
encode(const uint8_t *data, size_t len, char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        "abcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = 0;

    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)data[i] << 16;

        if (n > 1)
            bits |= (uint32_t)data[i + 1] << 8;
        if (n > 2)
            bits |= data[i + 2];
        for (size_t k = 0; k < 4; k++)
            text[at++] = k <= n ? digits[bits >> (18 - 6 * k) & 63] : '=';
    }
    return at;
}

char *
pem_write(const char *label, const uint8_t *data, size_t len)
{
    size_t at, room = 64 + 2 * strlen(label) + len / 3 * 4 + 4 + len / LINE;
    char *text = malloc(room);

    if (text == NULL)
        return NULL;
    at = (size_t)snprintf(text, room, "-----BEGIN %s-----\n", label);
    for (size_t i = 0; i < len; i += LINE) {
        at += encode(data + i, len - i < LINE ? len - i : LINE, text + at);
        text[at++] = '\n';
    }
    (void)snprintf(text + at, room - at, "-----END %s-----\n", label);
    return text;
}

/* --- OpenSSH -------------------------------------------------------------------- */

/* Of 8192 bits there are no keys here; what does not fit is noted. */
struct blob {
    uint8_t data[1200];
    size_t len;
    bool full;
};

static void
put(struct blob *b, const void *data, size_t len)
{
    if (len > sizeof(b->data) - b->len) {
        b->full = true;
        return;
    }
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
}

static void
put_size(struct blob *b, size_t len)
{
    const uint8_t size[4] = {
        (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
        (uint8_t)len,
    };

    put(b, size, sizeof(size));
}

static void
put_string(struct blob *b, const void *data, size_t len)
{
    put_size(b, len);
    put(b, data, len);
}

/* An unsigned number: no leading zeros, but one before a set first bit. */
static void
put_number(struct blob *b, const uint8_t *data, size_t len)
{
    static const uint8_t zero;

    while (len > 0 && data[0] == 0) {
        data++;
        len--;
    }
    put_size(b, len + (len > 0 && data[0] >= 0x80));
    if (len > 0 && data[0] >= 0x80)
        put(b, &zero, 1);
    put(b, data, len);
}

static const struct ssh_curve {
    const char *alg, *type, *curve;
} curves[] = {
    { "P-256", "ecdsa-sha2-nistp256", "nistp256" },
    { "P-384", "ecdsa-sha2-nistp384", "nistp384" },
};

/* The type's name, or NULL where OpenSSH has no such key. */
static const char *
put_ec(struct blob *b, const struct keyattrs_parts *parts)
{
    const struct scu_alg *alg = keyattrs_curve(parts->params,
        parts->params_len);
    size_t len = 0;
    const uint8_t *point = keyattrs_point(parts, &len);

    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        const struct ssh_curve *c = &curves[i];

        if (alg == NULL || point == NULL ||
            strcmp(c->alg, scu_alg_name(alg)) != 0)
            continue;
        put_string(b, c->type, strlen(c->type));
        put_string(b, c->curve, strlen(c->curve));
        put_string(b, point, len);
        return c->type;
    }
    return NULL;
}

static const char *
put_rsa(struct blob *b, const struct keyattrs_parts *parts)
{
    static const char type[] = "ssh-rsa";

    if (parts->modulus_len == 0 || parts->exponent_len == 0)
        return NULL;
    put_string(b, type, strlen(type));
    put_number(b, parts->exponent, parts->exponent_len);
    put_number(b, parts->modulus, parts->modulus_len);
    return type;
}

char *
pem_write_ssh(const struct keyattrs_parts *parts, const char *comment,
    bool *unfit)
{
    struct blob b = { .len = 0 };
    const char *type = parts->kind == SCU_KIND_EC ? put_ec(&b, parts) :
        put_rsa(&b, parts);
    char encoded[sizeof(b.data) / 3 * 4 + 5], *text = NULL;

    *unfit = type == NULL || b.full;
    if (*unfit)
        return NULL;
    encoded[encode(b.data, b.len, encoded)] = '\0';
    if (asprintf(&text, "%s %s%s%s\n", type, encoded,
        comment[0] != '\0' ? " " : "", comment) < 0)
        text = NULL;
    return text;
}
