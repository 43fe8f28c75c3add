/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tap.h"

#include <stddef.h>
#include <time.h>

static struct {
    TSS2_TCTI_TRANSMIT_FCN transmit;
    TSS2_TCTI_RECEIVE_FCN receive;
    uint64_t ns;
} tap;

static uint64_t
now_ns(void)
{
    struct timespec ts = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static TSS2_RC
timed_transmit(TSS2_TCTI_CONTEXT *context, size_t size, const uint8_t *command)
{
    uint64_t start = now_ns();
    TSS2_RC rc = tap.transmit(context, size, command);

    tap.ns += now_ns() - start;
    return rc;
}

static TSS2_RC
timed_receive(TSS2_TCTI_CONTEXT *context, size_t *size, uint8_t *response,
    int32_t timeout)
{
    uint64_t start = now_ns();
    TSS2_RC rc = tap.receive(context, size, response, timeout);

    tap.ns += now_ns() - start;
    return rc;
}

void
tap_attach(TSS2_TCTI_CONTEXT *tcti)
{
    TSS2_TCTI_CONTEXT_COMMON_V1 *common =
        (TSS2_TCTI_CONTEXT_COMMON_V1 *)(void *)tcti;

    if (common == NULL || common->transmit == timed_transmit)
        return;
    tap.transmit = common->transmit;
    tap.receive = common->receive;
    common->transmit = timed_transmit;
    common->receive = timed_receive;
}

uint64_t
tap_ns(void)
{
    return tap.ns;
}
