/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "response.h"
#include "fail.h"

#include <string.h>
#include <tss2/tss2_tcti.h>

#define SIZE_OFFSET 2

uint32_t
be32_read(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16
        | (uint32_t)data[2] << 8 | (uint32_t)data[3];
}

TSS2_RC
response_grow(struct response *response, size_t got)
{
    uint32_t size;

    response->have += got;
    if (response->size == 0 && response->have >= SIZE_OFFSET + sizeof(size)) {
        size = be32_read(response->data + SIZE_OFFSET);
        if (size < TPM_HEADER_LEN || size > TPM_MESSAGE_MAX)
            return tcti_fail(TSS2_TCTI_RC_MALFORMED_RESPONSE,
                "the chip announces a response of %u octets, which cannot be; "
                "check the link, then repeat the operation", size);
        response->size = size;
    }
    if (response->size != 0 && response->have > response->size)
        return tcti_fail(TSS2_TCTI_RC_MALFORMED_RESPONSE,
            "the chip sent more than the %zu octets that it announced; check "
            "the link, then repeat the operation", response->size);
    return TSS2_RC_SUCCESS;
}

size_t
response_room(const struct response *response)
{
    size_t end = response->size;

    return (end != 0 ? end : sizeof(response->data)) - response->have;
}

bool
response_complete(const struct response *response)
{
    return response->size != 0 && response->have == response->size;
}

void
response_clear(struct response *response)
{
    /* It may hold what a chip told in clear. */
    explicit_bzero(response->data, response->have);
    response->have = 0;
    response->size = 0;
}
