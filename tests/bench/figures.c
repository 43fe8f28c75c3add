/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "figures.h"

#include <stdlib.h>
#include <string.h>

const struct finding bench_findings[] = {
    { .id = "session-cpu", .title = "session CPU per command, libscu",
        .unit = "us", .left = "scu-random", .right = "sys-random",
        .left_figure = FIGURE_CPU, .right_figure = FIGURE_CPU,
        .relation = RELATION_DIFFERENCE, .at_most = 40 },
    { .id = "session-cpu-esys", .title = "session CPU per command, ESYS",
        .unit = "us", .left = "esys-random", .right = "sys-random",
        .left_figure = FIGURE_CPU, .right_figure = FIGURE_CPU,
        .relation = RELATION_DIFFERENCE },
    { .id = "session-host", .title = "session host time per command, libscu",
        .unit = "us", .left = "scu-random", .right = "sys-random",
        .left_figure = FIGURE_HOST, .right_figure = FIGURE_HOST,
        .relation = RELATION_DIFFERENCE },
    { .id = "session-chip", .unit = "us",
        .title = "session's share of chip and link, P-256, libscu",
        .left = "scu-p256", .right = "esys-p256",
        .left_figure = FIGURE_LINK, .right_figure = FIGURE_LINK,
        .relation = RELATION_DIFFERENCE },
    { .id = "session-chip-esys", .unit = "us",
        .title = "session's share of chip and link, P-256, ESYS",
        .left = "esys-p256-hmac", .right = "esys-p256",
        .left_figure = FIGURE_LINK, .right_figure = FIGURE_LINK,
        .relation = RELATION_DIFFERENCE },
    { .id = "ceiling-p256", .unit = "x floor",
        .title = "P-256 with protection and no host at all",
        .left = "esys-p256", .right = "scu-p256",
        .left_figure = FIGURE_WALL, .right_figure = FIGURE_LINK,
        .relation = RELATION_RATIO },
    { .id = "ceiling-rsa2048", .unit = "x floor",
        .title = "RSA-2048 with protection and no host at all",
        .left = "esys-rsa2048", .right = "scu-rsa2048",
        .left_figure = FIGURE_WALL, .right_figure = FIGURE_LINK,
        .relation = RELATION_RATIO },
    { .id = "shared-debian-p256", .unit = "x",
        .title = "P-256, libscu shared : ESYS, tpm2-tss' TCTI",
        .left = "scu-p256-shared", .right = "esys-p256-debian",
        .left_figure = FIGURE_RATE, .right_figure = FIGURE_RATE,
        .relation = RELATION_RATIO, .at_least = 0.85 },
    { .id = "provider-cost", .unit = "us",
        .title = "provider and EVP above libscu, P-256 one-shot",
        .left = "prov-p256", .right = "scu-p256",
        .left_figure = FIGURE_WALL, .right_figure = FIGURE_WALL,
        .relation = RELATION_DIFFERENCE },
    { .id = "p11-cost", .unit = "us",
        .title = "PKCS#11 above libscu, P-256",
        .left = "p11-p256", .right = "scu-p256",
        .left_figure = FIGURE_WALL, .right_figure = FIGURE_WALL,
        .relation = RELATION_DIFFERENCE },
    { .id = "p11-peer-p256", .unit = "x",
        .title = "P-256 by PKCS#11, ours shared : tpm2-pkcs11",
        .left = "p11-p256-shared", .right = "peer11-p256",
        .left_figure = FIGURE_RATE, .right_figure = FIGURE_RATE,
        .relation = RELATION_RATIO, .at_least = 5 },
    { .id = "p11-peer-rsa2048", .unit = "x",
        .title = "RSA-2048 by PKCS#11, ours : tpm2-pkcs11 shared",
        .left = "p11-rsa2048", .right = "peer11-rsa2048",
        .left_figure = FIGURE_RATE, .right_figure = FIGURE_RATE,
        .relation = RELATION_RATIO },
    { .id = "p11-threads", .unit = "x",
        .title = "P-256 by PKCS#11, 4 threads : 1",
        .left = "p11-p256-4", .right = "p11-p256",
        .left_figure = FIGURE_RATE, .right_figure = FIGURE_RATE,
        .relation = RELATION_RATIO, .at_least = 0.80 },
    { .id = "p11-first-us", .unit = "us",
        .title = "load of scu-pkcs11.so to first signature",
        .left = "p11-first", .right = "p11-first",
        .left_figure = FIGURE_WALL, .relation = RELATION_NONE,
        .at_most = 8000 },
    { .id = "p11-first-shared-us", .unit = "us",
        .title = "  over the shared link",
        .left = "p11-first-shared", .right = "p11-first-shared",
        .left_figure = FIGURE_WALL, .relation = RELATION_NONE,
        .at_most = 8000 },
    { .id = "p11-first-commands", .unit = "commands",
        .title = "  commands",
        .left = "p11-first", .right = "p11-first",
        .left_figure = FIGURE_COMMANDS, .relation = RELATION_NONE,
        .at_most = 9 },
    { .id = "p11-first-peer", .unit = "x",
        .title = "  time of tpm2-pkcs11 : ours, both shared",
        .left = "peer11-first", .right = "p11-first-shared",
        .left_figure = FIGURE_WALL, .right_figure = FIGURE_WALL,
        .relation = RELATION_RATIO, .at_least = 3.07 },
    { .id = "p11-login-commands", .unit = "commands",
        .title = "login on a token that is known",
        .left = "p11-login", .right = "p11-login",
        .left_figure = FIGURE_COMMANDS, .relation = RELATION_NONE,
        .at_most = 6 },
};
const size_t bench_finding_count =
    sizeof(bench_findings) / sizeof(bench_findings[0]);

static int
compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double
figures_median(double *values, size_t n)
{
    if (n == 0)
        return 0;
    qsort(values, n, sizeof(*values), compare_doubles);
    return n % 2 == 1 ? values[n / 2] :
        (values[n / 2 - 1] + values[n / 2]) / 2;
}

double
figures_of(const struct sample *s, enum figure figure)
{
    if (s->ops == 0 || s->op_ns == 0)
        return 0;
    const double values[] = {
        [FIGURE_RATE] = 1e9 / (double)s->op_ns,
        [FIGURE_WALL] = (double)s->op_ns / 1e3,
        [FIGURE_LINK] = (double)s->link_ns / 1e3,
        [FIGURE_HOST] = (double)s->host_ns / 1e3,
        [FIGURE_CPU] = (double)s->cpu_ns / 1e3 / (double)s->ops,
        [FIGURE_COMMANDS] = (double)s->commands / (double)s->ops,
    };
    return values[figure];
}

double
figures_row(const struct result *result, size_t rounds, enum figure figure)
{
    double values[BENCH_ROUNDS_MAX];

    if (figure == FIGURE_COMMANDS)
        return result->commands;
    for (size_t i = 0; i < rounds; i++)
        values[i] = figures_of(&result->round[i], figure);
    return figures_median(values, rounds);
}

double
figures_spread(const struct result *result, size_t rounds)
{
    double values[BENCH_ROUNDS_MAX];
    double median;

    for (size_t i = 0; i < rounds; i++)
        values[i] = figures_of(&result->round[i], FIGURE_RATE);
    median = figures_median(values, rounds);
    return median > 0 ?
        (values[(3 * rounds - 1) / 4] - values[rounds / 4]) / median : 0;
}

double
figures_compare(const struct comparison *c, size_t rounds)
{
    double values[BENCH_ROUNDS_MAX];

    if (c->relation == RELATION_NONE)
        return figures_row(c->left, rounds, c->left_figure);
    for (size_t i = 0; i < rounds; i++) {
        double left = figures_of(&c->left->round[i], c->left_figure);
        double right = figures_of(&c->right->round[i], c->right_figure);

        if (c->relation == RELATION_DIFFERENCE)
            values[i] = left - right;
        else
            values[i] = right > 0 ? left / right : 0;
    }
    return figures_median(values, rounds);
}

bool
figures_pass(double value, double at_least, double at_most)
{
    return (at_least <= 0 || value >= at_least) &&
        (at_most <= 0 || value <= at_most);
}

size_t
figures_row_index(const char *id)
{
    size_t i = 0;

    while (i < bench_row_count && strcmp(bench_rows[i].id, id) != 0)
        i++;
    return i;
}
