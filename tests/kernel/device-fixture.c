/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "device-fixture.h"
#include "response.h"
#include "tcti.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

TSS2_RC Tss2_Tcti_Scu_Init(TSS2_TCTI_CONTEXT *context, size_t *size,
    const char *conf);

const struct node nodes_tpmrm0 = { "device:/dev/tpmrm0", true };
const struct node nodes_tpm0 = { "device:/dev/tpm0", false };

const uint8_t get_random[12] = {
    0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8,
};

/* TPM2_CreatePrimary of a storage key of the owner's. */
const uint8_t slow[67] = {
    0x80, 0x02, 0, 0, 0, 67, 0, 0, 0x01, 0x31, 0x40, 0, 0, 0x01,
    0, 0, 0, 9, 0x40, 0, 0, 0x09, 0, 0, 0, 0, 0,
    0, 4, 0, 0, 0, 0,
    0, 26, 0, 0x01, 0, 0x0b, 0, 0x03, 0, 0x72, 0, 0,
    0, 0x06, 0, 0x80, 0, 0x43, 0, 0x10, 0x08, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0,
};

/* --- contexts ------------------------------------------------------------ */

TSS2_RC
init(TSS2_TCTI_CONTEXT **context, const char *conf)
{
    size_t size = 0;
    TSS2_RC rc = Tss2_Tcti_Scu_Init(NULL, &size, NULL);

    *context = calloc(1, size);
    if (rc == TSS2_RC_SUCCESS && *context == NULL)
        rc = TSS2_TCTI_RC_MEMORY;
    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_Tcti_Scu_Init(*context, &size, conf);
    if (rc != TSS2_RC_SUCCESS) {
        free(*context);
        *context = NULL;
    }
    return rc;
}

void
end(TSS2_TCTI_CONTEXT **context)
{
    if (*context != NULL)
        Tss2_Tcti_Finalize(*context);
    free(*context);
    *context = NULL;
}

int
device_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->node = *state;
    assert_int_equal(init(&f->context, f->node->conf), TSS2_RC_SUCCESS);
    *state = f;
    return 0;
}

int
device_teardown(void **state)
{
    struct fixture *f = *state;

    end(&f->context);
    free(f);
    return 0;
}

/* --- exchanges ----------------------------------------------------------- */

TSS2_RC
talk(TSS2_TCTI_CONTEXT *context, const uint8_t *command, size_t len,
    uint8_t *response, size_t *size)
{
    TSS2_RC rc = Tss2_Tcti_Transmit(context, len, command);

    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_Tcti_Receive(context, size, response,
            TSS2_TCTI_TIMEOUT_BLOCK);
    return rc;
}

TSS2_RC
exchange(TSS2_TCTI_CONTEXT *context, uint32_t *code)
{
    uint8_t data[TPM_MESSAGE_MAX];
    size_t size = sizeof(data);
    TSS2_RC rc = talk(context, get_random, sizeof(get_random), data, &size);

    *code = rc == TSS2_RC_SUCCESS ? be32_read(data + 6) : UINT32_MAX;
    return rc;
}

void
works(TSS2_TCTI_CONTEXT *context)
{
    uint32_t code;

    assert_int_equal(exchange(context, &code), TSS2_RC_SUCCESS);
    assert_int_equal(code, RC_SUCCESS);
}

void
transmit_slow(TSS2_TCTI_CONTEXT *context)
{
    assert_int_equal(Tss2_Tcti_Transmit(context, sizeof(slow), slow),
        TSS2_RC_SUCCESS);
}

TSS2_RC
receive(TSS2_TCTI_CONTEXT *context, int32_t timeout)
{
    uint8_t data[TPM_MESSAGE_MAX];
    size_t size = sizeof(data);

    return Tss2_Tcti_Receive(context, &size, data, timeout);
}

void
take_slow(TSS2_TCTI_CONTEXT *context, int32_t timeout)
{
    uint8_t flush[14] = { 0x80, 0x01, 0, 0, 0, 14, 0, 0, 0x01, 0x65 };
    uint8_t data[TPM_MESSAGE_MAX];
    size_t size = sizeof(data);

    assert_int_equal(Tss2_Tcti_Receive(context, &size, data, timeout),
        TSS2_RC_SUCCESS);
    assert_int_equal(be32_read(data + 6), RC_SUCCESS);
    assert_true(size > 300);
    memcpy(flush + 10, data + 10, 4);
    size = sizeof(data);
    assert_int_equal(talk(context, flush, sizeof(flush), data, &size),
        TSS2_RC_SUCCESS);
    assert_int_equal(be32_read(data + 6), RC_SUCCESS);
}
