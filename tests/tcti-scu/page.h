/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TCTI_PAGE_H
#define TESTS_TCTI_PAGE_H

#include <stddef.h>
#include <stdint.h>

/*
 * What docs/uart-link.md gives in hex, read from the page itself, so that it
 * cannot differ from what was tested. Each fails the test if the page has no
 * such thing.
 */
#define PAGE_MAX 600

struct page_vector {
    size_t plain_len, encoded_len;
    uint8_t plain[PAGE_MAX], encoded[PAGE_MAX];
};

/*
 * The rows of the table of COBS, those of 254 and 255 octets written out; as
 * many as were found, max at most.
 */
size_t page_cobs(struct page_vector *vectors, size_t max);

/* The octets below the line "NAME:"; how many. */
size_t page_frame(const char *name, uint8_t *octets, size_t max);

#endif
