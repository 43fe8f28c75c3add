/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bench-links.h"
#include "line.h"
#include "../lib/swtpm.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tss2/tss2_tcti.h>
#include <unistd.h>

/*
 * The link on a UART, on a line that takes its time, and the ways to a swtpm:
 * ours, and tpm2-tss' own beside it. Figures of swtpm are medians, taken in
 * turn, with what swtpm itself takes; its share is the same for all.
 */
#define ROUNDS 2001
#define UART_ROUNDS 41
#define UART_COMMAND 1024
#define UART_GOAL 0.85
#define BITS_PER_OCTET 10

TSS2_RC Tss2_Tcti_Scu_Init(TSS2_TCTI_CONTEXT *context, size_t *size,
    const char *conf);

typedef TSS2_RC (*init_function)(TSS2_TCTI_CONTEXT *context, size_t *size,
    const char *conf);

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

static TSS2_TCTI_CONTEXT *
open_context(init_function init, const char *conf)
{
    TSS2_TCTI_CONTEXT *context;
    size_t size = 0;

    if (init(NULL, &size, NULL) != TSS2_RC_SUCCESS)
        return NULL;
    context = calloc(1, size);
    if (context != NULL && init(context, &size, conf) != TSS2_RC_SUCCESS) {
        free(context);
        context = NULL;
    }
    return context;
}

static void
close_context(TSS2_TCTI_CONTEXT **context)
{
    if (*context != NULL)
        Tss2_Tcti_Finalize(*context);
    free(*context);
    *context = NULL;
}

static int
exchange(TSS2_TCTI_CONTEXT *context, const uint8_t *command, size_t len)
{
    uint8_t response[4096];
    size_t size = sizeof(response);

    return Tss2_Tcti_Transmit(context, len, command) == TSS2_RC_SUCCESS
        && Tss2_Tcti_Receive(context, &size, response, -1) == TSS2_RC_SUCCESS
        ? 0 : 1;
}

/* --- the connector on a UART ----------------------------------------------------- */

static size_t answer_len;

static void
tpm_start(void *user, uint8_t locality, const uint8_t *command, size_t len)
{
    (void)user;
    (void)locality;
    (void)command;
    (void)len;
}

static size_t
tpm_done(void *user, uint8_t *response, size_t max)
{
    (void)user;
    (void)max;
    memset(response, 0x5a, answer_len);
    memcpy(response, (const uint8_t[10]) { 0x80, 0x01, 0, 0,
        (uint8_t)(answer_len >> 8), (uint8_t)answer_len }, 10);
    return answer_len;
}

static void
tpm_cancel(void *user)
{
    (void)user;
}

static const struct connector_tpm tpm = {
    .start = tpm_start, .done = tpm_done, .cancel = tpm_cancel,
};

static uint64_t
octets_so_far(struct line *line)
{
    struct line_view *view = line_lock(line);
    uint64_t octets = view->counts.octets_to_chip
        + view->counts.octets_to_host;

    line_unlock(line);
    return octets;
}

static int
uart_row(struct line *line, unsigned baud, size_t len, size_t rsp)
{
    uint8_t command[4096] = { 0x80, 0x01, 0, 0, (uint8_t)(len >> 8),
        (uint8_t)len, 0, 0, 0x01, 0x7b };
    double us[UART_ROUNDS], start, line_us, share;
    TSS2_TCTI_CONTEXT *context;
    uint64_t octets = 0;
    char conf[160];
    int rc = 1;

    line_lock(line)->baud = baud;
    answer_len = rsp;
    line_unlock(line);
    (void)snprintf(conf, sizeof(conf), "uart:%s,baud=%u", line_path(line),
        baud);
    context = open_context(Tss2_Tcti_Scu_Init, conf);
    if (context == NULL || exchange(context, command, len) != 0)
        goto out;
    for (size_t i = 0; i < UART_ROUNDS; i++) {
        octets = octets_so_far(line);
        start = now_us();
        if (exchange(context, command, len) != 0)
            goto out;
        us[i] = now_us() - start;
        octets = octets_so_far(line) - octets;
    }
    qsort(us, UART_ROUNDS, sizeof(us[0]), compare);
    line_us = (double)octets * BITS_PER_OCTET * 1e6 / baud;
    share = line_us / us[UART_ROUNDS / 2];
    printf("%7u baud, %4zu octets, %4zu back %8.0f %8.0f %8.0f %8.1f %%  %s\n",
        baud, len, rsp, us[UART_ROUNDS / 2],
        us[UART_ROUNDS * 99 / 100], line_us, 100 * share,
        len < UART_COMMAND ? "" : share >= UART_GOAL ? "ok" : "MISS");
    rc = 0;
out:
    close_context(&context);
    return rc;
}

int
bench_uart(void)
{
    char dir[] = "/tmp/scu-bench.XXXXXX";
    struct line *line;
    int rc = 1;

    if (mkdtemp(dir) == NULL)
        return 1;
    printf("\n%-36s %8s %8s %8s %10s\n", "uart, commands and responses", "us",
        "99 %", "on line", "of rate");
    line = line_new(dir, &tpm, NULL);
    if (line != NULL)
        rc = uart_row(line, 115200, 12, 28)
            | uart_row(line, 115200, UART_COMMAND, 28)
            | uart_row(line, 921600, 12, 28)
            | uart_row(line, 921600, UART_COMMAND, 28)
            | uart_row(line, 921600, UART_COMMAND, 1024)
            | uart_row(line, 921600, 4096, 4096);
    line_free(&line);
    (void)rmdir(dir);
    return rc;
}

/* --- swtpm ------------------------------------------------------------------------- */

enum { OURS_KEPT, OURS, THEIRS, WAYS };

static struct way {
    const char *name;
    const char *before, *behind; /* the socket, in the configuration */
    double goal_us;
    init_function init;
    TSS2_TCTI_CONTEXT *context;
    double us[ROUNDS];
} ways[WAYS] = {
    { .name = "scu:swtpm, exclusive", .before = "swtpm:path=",
        .behind = ",exclusive", .goal_us = 20 },
    { .name = "scu:swtpm, shared", .before = "swtpm:path=", .behind = "",
        .goal_us = 45 },
    { .name = "tpm2-tss' swtpm", .before = "path=", .behind = "" },
};

static int
run_way(struct way *way, const struct sim *sim)
{
    static const uint8_t command[12] = {
        0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 16,
    };
    char conf[256];
    double start;
    int rc = 0;

    (void)snprintf(conf, sizeof(conf), "%s%s%s", way->before, sim_socket(sim),
        way->behind);
    way->context = open_context(way->init, conf);
    if (way->context == NULL)
        return 1;
    for (size_t i = 0; i < ROUNDS && rc == 0; i++) {
        start = now_us();
        rc = exchange(way->context, command, sizeof(command));
        way->us[i] = now_us() - start;
    }
    close_context(&way->context);
    qsort(way->us, ROUNDS, sizeof(way->us[0]), compare);
    return rc;
}

static void
print_way(const struct way *way)
{
    double middle = way->us[ROUNDS / 2];

    printf("%-36s %8.1f %8.1f %8.2f  %s\n", way->name, middle,
        way->us[ROUNDS * 99 / 100], middle / ways[THEIRS].us[ROUNDS / 2],
        way->goal_us == 0 ? "" : middle <= way->goal_us ? "ok" : "MISS");
}

int
bench_swtpm(void)
{
    void *library = dlopen("libtss2-tcti-swtpm.so.0", RTLD_NOW);
    struct sim *sim = sim_new();
    int rc = sim == NULL;

    ways[OURS_KEPT].init = ways[OURS].init = Tss2_Tcti_Scu_Init;
    if (library != NULL)
        *(void **)&ways[THEIRS].init = dlsym(library, "Tss2_Tcti_Swtpm_Init");
    printf("\n%-36s %8s %8s %8s\n", "GetRandom of 16 octets, swtpm", "us",
        "99 %", "of tss");
    for (size_t i = 0; i < WAYS && rc == 0; i++)
        if (ways[i].init != NULL)
            rc = run_way(&ways[i], sim);
    for (size_t i = 0; i < WAYS && rc == 0; i++)
        if (ways[i].init != NULL)
            print_way(&ways[i]);
    sim_free(&sim);
    if (library != NULL)
        (void)dlclose(library);
    return rc;
}
