/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_RESPONSE_H
#define TCTI_SCU_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_common.h>

/* A header is tag (2), size (4), code (4), big endian. */
#define TPM_HEADER_LEN 10
#define TPM_MESSAGE_MAX 4096

/* A response while it comes in. size is 0 until the header says it. */
struct response {
    size_t have;
    size_t size;
    uint8_t data[TPM_MESSAGE_MAX];
};

/*
 * Takes note of got octets that were written behind response->have (at most
 * what response_room() says). MALFORMED_RESPONSE, logged, when the header
 * gives a size out of bounds or when more came than it says.
 */
TSS2_RC response_grow(struct response *response, size_t got);

/* How many octets may still come: exactly what lacks, once that is known. */
size_t response_room(const struct response *response);

bool response_complete(const struct response *response);

void response_clear(struct response *response);

uint32_t be32_read(const uint8_t *data);

#endif
