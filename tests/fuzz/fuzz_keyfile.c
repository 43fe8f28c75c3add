/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fuzz.h"
#include "key/keyfile.h"
#include "key/pem.h"

#include <stdlib.h>
#include <string.h>

/* What can be read is written, and that reads as the same. */
static void
round_trip(const uint8_t *data, size_t size)
{
    struct keyfile file, again;
    uint8_t *der = NULL, *twice = NULL;
    size_t len = 0, twice_len = 0;

    if (keyfile_read(data, size, &file) != SCU_OK)
        return;
    if (keyfile_write(&file, &der, &len) != SCU_OK)
        abort();
    if (keyfile_read(der, len, &again) != SCU_OK)
        abort();
    if (keyfile_write(&again, &twice, &twice_len) != SCU_OK)
        abort();
    if (len != twice_len || memcmp(der, twice, len) != 0)
        abort();
    free(der);
    free(twice);
    keyfile_clear(&file);
    keyfile_clear(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *der = NULL;
    size_t len = 0;

    round_trip(data, size);
    if (pem_decode((const char *)data, size, &der, &len) == SCU_OK)
        round_trip(der, len);
    free(der);
    return 0;
}
