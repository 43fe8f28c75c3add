/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bench-links.h"
#include "model.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tss2/tss2_tcti.h>
#include <unistd.h>

/*
 * make bench-tcti: what the links to bare chips cost, on a model of the chip
 * in this process, so without the bus's own time; then the others, in
 * bench-links.c. Figures are medians.
 */
#define ROUNDS 2001
#define COMMAND_LEN 12
#define RESPONSE_LEN 28

struct row {
    const char *name, *conf;
    struct model_knobs knobs;
    double goal_us; /* 0: none */
    double upstream_us;
};

static const struct row rows[] = {
    { "spi, no wait states", "spi:/dev/null", { .burst = 64 }, 5, 2.4 },
    { "same, exclusive", "spi:/dev/null,exclusive", { .burst = 64 }, 5, 2.4 },
    { "spi, 2 wait states", "spi:/dev/null", { .waits = 2, .burst = 64 }, 20,
        14100 },
    { "spi, 4 wait states", "spi:/dev/null", { .waits = 4, .burst = 64 }, 20,
        42700 },
    { "spi, 2 wait states, now and then 3", "spi:/dev/null",
        { .waits = 2, .waits_change = 7, .burst = 64 }, 0, 14100 },
    { "spi, the chip takes 350 us", "spi:/dev/null",
        { .execution_us = 350, .burst = 64 }, 600, 8500 },
    { "i2c", "i2c:/dev/null", { .burst = 256 }, 0, 0 },
    { "i2c, guard time 50 us", "i2c:/dev/null",
        { .burst = 256, .guard_us = 50 }, 0, 0 },
};

TSS2_RC Tss2_Tcti_Scu_Init(TSS2_TCTI_CONTEXT *context, size_t *size,
    const char *conf);

static const uint8_t command[COMMAND_LEN] = {
    0x80, 0x01, 0, 0, 0, COMMAND_LEN, 0, 0, 0x01, 0x7b, 0, 16,
};

static size_t
answer(void *user, const uint8_t *in, size_t len, uint8_t *out)
{
    (void)user;
    (void)in;
    (void)len;
    memset(out, 0x5a, RESPONSE_LEN);
    memcpy(out, (const uint8_t[10]) { 0x80, 0x01, 0, 0, 0, RESPONSE_LEN }, 10);
    return RESPONSE_LEN;
}

static double
now_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static TSS2_RC
exchange(TSS2_TCTI_CONTEXT *context)
{
    uint8_t response[4096];
    size_t size = sizeof(response);
    TSS2_RC rc = Tss2_Tcti_Transmit(context, sizeof(command), command);

    return rc == TSS2_RC_SUCCESS ?
        Tss2_Tcti_Receive(context, &size, response, -1) : rc;
}

static int
measure(const struct row *row, TSS2_TCTI_CONTEXT *context, struct model *model)
{
    static double us[ROUNDS];
    struct model_counts before;
    size_t rounds = row->knobs.execution_us != 0 ? ROUNDS / 4 : ROUNDS;

    for (int i = 0; i < 50; i++)
        if (exchange(context) != TSS2_RC_SUCCESS)
            return 1;
    before = model->counts;
    for (size_t i = 0; i < rounds; i++) {
        double start = now_us();

        if (exchange(context) != TSS2_RC_SUCCESS)
            return 1;
        us[i] = now_us() - start;
    }
    qsort(us, rounds, sizeof(us[0]), compare);
    printf("%-36s %8.1f %8.1f %8.0f %9.1f %8.1f %8.1f  %s\n", row->name,
        us[rounds / 2], us[rounds * 99 / 100], row->upstream_us,
        (double)(model->counts.accesses - before.accesses) / (double)rounds,
        (double)(model->counts.messages - before.messages) / (double)rounds,
        (double)(model->counts.octets - before.octets) / (double)rounds,
        row->goal_us == 0 ? "" :
        us[rounds / 2] <= row->goal_us ? "ok" : "MISS");
    return 0;
}

static int
run(const struct row *row, const char *lock)
{
    struct model model = { .knobs = row->knobs, .execute = answer };
    TSS2_TCTI_CONTEXT *context;
    char conf[128];
    size_t size = 0;
    int rc = 1;

    model_reset(&model);
    model_attached = &model;
    (void)snprintf(conf, sizeof(conf), "%s,lock=%s", row->conf, lock);
    if (Tss2_Tcti_Scu_Init(NULL, &size, conf) != TSS2_RC_SUCCESS)
        return 1;
    context = calloc(1, size);
    if (context != NULL
        && Tss2_Tcti_Scu_Init(context, &size, conf) == TSS2_RC_SUCCESS) {
        rc = measure(row, context, &model);
        Tss2_Tcti_Finalize(context);
    }
    free(context);
    return rc;
}

int
main(void)
{
    char lock[] = "/tmp/scu-bench-XXXXXX";
    int fd = mkstemp(lock);
    int rc = 0;

    if (fd < 0)
        return 1;
    (void)close(fd);
    printf("%-36s %8s %8s %8s %9s %8s %8s\n", "GetRandom of 16 octets", "us",
        "99 %", "upstream", "accesses", "ioctls", "octets");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        rc |= run(&rows[i], lock);
    (void)unlink(lock);
    model_attached = NULL;
    rc |= bench_uart();
    rc |= bench_swtpm();
    return rc;
}
