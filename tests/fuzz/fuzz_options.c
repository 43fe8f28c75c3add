/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fuzz.h"
#include "link.h"
#include "stage.h"

#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_tcti.h>

/* The configuration string of the TCTI. */

#define TEXT_MAX 4096 /* PATH_MAX, as the loader has it */

static void
check_string(const struct options *options, const char *field, size_t size)
{
    const char *text;

    memcpy(&text, field, sizeof(text));
    if (text != NULL && (text < options->text || *text == '\0'
        || text + strlen(text) > options->text + size))
        abort();
}

/* A number that was not given may be below its key's least: "not set". */
static void
check_number(const struct option_key *key, const char *field)
{
    uint32_t number;

    memcpy(&number, field, sizeof(number));
    if (number != 0 && number > key->max)
        abort();
}

/* Numbers are within the bounds of their keys, strings within the text. */
static void
check(const struct options *options, size_t size)
{
    const struct link_type *type = options->type;

    for (size_t i = 0; i < type->n_keys; i++) {
        const struct option_key *key = &type->keys[i];
        const char *field = (const char *)options + key->offset;

        if (key->kind == OPTION_STRING)
            check_string(options, field, size);
        else if (key->kind == OPTION_NUMBER)
            check_number(key, field);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct options options;
    char text[TEXT_MAX + 1];
    TSS2_RC rc;

    if (size > TEXT_MAX)
        size = TEXT_MAX;
    memcpy(text, data, size);
    text[size] = '\0';
    stage_enter();
    rc = options_parse(text, &options);
    if (rc == TSS2_RC_SUCCESS)
        check(&options, strlen(text));
    else if (rc != TSS2_TCTI_RC_BAD_VALUE && rc != TSS2_TCTI_RC_MEMORY)
        abort();
    if (stage_lines() != (rc == TSS2_TCTI_RC_BAD_VALUE))
        abort();
    if (rc == TSS2_RC_SUCCESS)
        options_clear(&options);
    stage_leave();
    return 0;
}
