/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "keyfiles.h"

#include "io.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t type[] = { 0x67, 0x81, 0x05, 0x0a, 0x01, 0x03 };
static const uint8_t yes = 0xff;
static const uint8_t parent[] = { 0x40, 0x00, 0x00, 0x01 };

/* From a key that tpm2-openssl 1.1.1 made. */
static const uint8_t public[] = {
    0x00, 0x56, 0x00, 0x23, 0x00, 0x0b, 0x00, 0x06, 0x00, 0x72, 0x00, 0x00,
    0x00, 0x10, 0x00, 0x10, 0x00, 0x03, 0x00, 0x10, 0x00, 0x20, 0x30, 0x93,
    0xa2, 0xea, 0xb9, 0x22, 0x29, 0xc2, 0x08, 0x34, 0xae, 0xbc, 0x38, 0x47,
    0xc3, 0xd9, 0x84, 0x25, 0xf8, 0x73, 0xa0, 0x99, 0x4b, 0x1d, 0xd6, 0x87,
    0xb6, 0x9d, 0xa6, 0x9c, 0xbe, 0x0b, 0x00, 0x20, 0xd2, 0xbc, 0xd2, 0x63,
    0xa7, 0x7f, 0xcc, 0x90, 0x20, 0x6a, 0x6b, 0xa9, 0x58, 0x7f, 0xe7, 0x89,
    0xdf, 0xc4, 0xe1, 0x27, 0x62, 0xdc, 0x4b, 0x93, 0x43, 0xd2, 0xf9, 0x06,
    0x9c, 0x85, 0xba, 0xc8,
};
static const uint8_t private[] = { 0x00, 0x04, 0xde, 0xad, 0xbe, 0xef };

const struct keyfile_parts keyfile_good = {
    .type = { type, sizeof(type) },
    .empty_auth = { &yes, 1 },
    .parent = { parent, sizeof(parent) },
    .public = { public, sizeof(public) },
    .private = { private, sizeof(private) },
};

/* A TPMPolicy: PolicyAuthValue. */
static const uint8_t policy[] = {
    0x30, 0x0a, 0xa0, 0x04, 0x02, 0x02, 0x01, 0x6b, 0xa1, 0x02, 0x04, 0x00,
};

/* A TPMAuthPolicy of it. */
static const uint8_t auth_policy[] = {
    0x30, 0x16, 0xa0, 0x04, 0x0c, 0x02, 'm', 'e', 0xa1, 0x0e, 0x30, 0x0c,
    0x30, 0x0a, 0xa0, 0x04, 0x02, 0x02, 0x01, 0x6b, 0xa1, 0x02, 0x04, 0x00,
};

void
with_all_options(struct keyfile_parts *parts)
{
    static const uint8_t one = 0x01;

    *parts = keyfile_good;
    parts->empty_auth = (struct element){ &one, 1 };
    parts->policy = (struct element){ policy, sizeof(policy) };
    parts->secret = (struct element){ "\0\0", 2 };
    parts->auth_policy = (struct element){ auth_policy,
        sizeof(auth_policy) };
    parts->description = (struct element){ "for the web server", 18 };
    parts->rsa_parent = (struct element){ &one, 1 };
}

void
put_raw(struct blob *to, const void *data, size_t len)
{
    assert_true(len <= sizeof(to->data) - to->len);
    if (len > 0)
        memcpy(to->data + to->len, data, len);
    to->len += len;
}

void
put(struct blob *to, uint8_t tag, const void *data, size_t len)
{
    const uint8_t small[] = { tag, (uint8_t)len };
    const uint8_t medium[] = { tag, 0x81, (uint8_t)len };
    const uint8_t large[] = { tag, 0x82, (uint8_t)(len >> 8), (uint8_t)len };

    if (len < 0x80)
        put_raw(to, small, sizeof(small));
    else if (len < 0x100)
        put_raw(to, medium, sizeof(medium));
    else
        put_raw(to, large, sizeof(large));
    put_raw(to, data, len);
}

void
put_explicit(struct blob *to, unsigned number, uint8_t tag, const void *data,
    size_t len)
{
    struct blob inner = { 0 };

    put(&inner, tag, data, len);
    put(to, (uint8_t)(0xa0 + number), inner.data, inner.len);
}

void
wrap(struct blob *blob)
{
    struct blob inner = *blob;

    blob->len = 0;
    put(blob, 0x30, inner.data, inner.len);
}

void
assemble(const struct keyfile_parts *p, struct blob *out)
{
    const struct {
        const struct element *element;
        uint8_t tag;
    } optional[] = {
        { &p->empty_auth, 0x01 },
        { &p->policy, 0x30 },
        { &p->secret, 0x04 },
        { &p->auth_policy, 0x30 },
        { &p->description, 0x0c },
        { &p->rsa_parent, 0x01 },
    };

    out->len = 0;
    if (p->type.data != NULL)
        put(out, 0x06, p->type.data, p->type.len);
    for (unsigned i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
        if (optional[i].element->data != NULL)
            put_explicit(out, i, optional[i].tag, optional[i].element->data,
                optional[i].element->len);
    if (p->parent.data != NULL)
        put(out, 0x02, p->parent.data, p->parent.len);
    if (p->public.data != NULL)
        put(out, 0x04, p->public.data, p->public.len);
    if (p->private.data != NULL)
        put(out, 0x04, p->private.data, p->private.len);
    wrap(out);
}

char *
read_data(const char *name, size_t *len)
{
    const char *top = getenv("top_srcdir");
    char path[PATH_MAX];
    char *data = NULL;

    (void)snprintf(path, sizeof(path), "%s/tests/tss-backend/key/data/%s",
        top == NULL ? "." : top, name);
    assert_int_equal(io_read_file(path, 65536, &data, len), 0);
    return data;
}
