/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "secret.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t
mapping_size(size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t need = sizeof(struct secret) + len;

    return (need + page - 1) / page * page;
}

struct secret *
secret_new(const void *data, size_t len)
{
    struct secret *s;
    size_t size;

    if (len > SIZE_MAX / 2)
        return NULL;
    size = mapping_size(len);
    s = mmap(NULL, size, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED)
        return NULL;
    /* Both may be refused (limits, containers): the secret still works. */
    (void)mlock(s, size);
    (void)madvise(s, size, MADV_DONTDUMP);
    s->len = len;
    s->data = (uint8_t *)(s + 1);
    if (data != NULL && len > 0)
        memcpy(s->data, data, len);
    return s;
}

void
secret_free(struct secret **secret)
{
    size_t size;

    if (secret == NULL || *secret == NULL)
        return;
    size = mapping_size((*secret)->len);
    explicit_bzero(*secret, size);
    (void)munmap(*secret, size);
    *secret = NULL;
}

bool
secret_equal(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *x = a;
    const volatile uint8_t *y = b;
    uint8_t diff = 0;

    for (size_t i = 0; i < len; i++)
        diff = (uint8_t)(diff | (x[i] ^ y[i]));
    return diff == 0;
}
