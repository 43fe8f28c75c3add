/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scu-bench: what the layers cost, on a simulated chip of its own.
 *
 *   scu-bench [--json FILE] [--list]
 *       runs the table's rows in turn, round by round, and prints medians.
 *       Fails where a row could not run, not where a goal is missed.
 *   BENCH_ROUNDS   rounds, 1 to 99 (31)
 *   BENCH_SECONDS  of measuring, per row and round (0.03)
 *   BENCH_ROWS     ids of rows separated by commas, or beginnings of ids with
 *                  "*"; all
 */
#include "config.h"

#include "bench.h"
#include "counting.h"
#include "report.h"
#include "tests/lib/swtpm.h"

#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 31
#define SECONDS 0.03

struct bench {
    struct sim *sim;
    struct place place;
    char state[BENCH_PATH_MAX];
    struct result *results;
    size_t rounds;
    double seconds;
    double load[2];
};

static bool
is_wanted(const char *id)
{
    const char *list = getenv("BENCH_ROWS");
    char *copy, *save = NULL;
    bool found = false;

    if (list == NULL || list[0] == '\0')
        return true;
    copy = strdup(list);
    if (copy == NULL)
        return false;
    for (char *word = strtok_r(copy, ", ", &save); word != NULL;
        word = strtok_r(NULL, ", ", &save))
        found = found || fnmatch(word, id, 0) == 0;
    free(copy);
    return found;
}

/* A positive number from the environment; fallback where there is none. */
static double
setting(const char *name, double fallback, double most)
{
    const char *text = getenv(name);
    char *end = NULL;
    double value;

    if (text == NULL || text[0] == '\0')
        return fallback;
    value = strtod(text, &end);
    if (*end == '\0' && value > 0 && value <= most)
        return value;
    (void)fprintf(stderr, "bench: %s=%s is not a number above 0 and up to "
        "%.0f; taking %g\n", name, text, most, fallback);
    return fallback;
}

static double
load_now(void)
{
    double load = 0;

    return getloadavg(&load, 1) == 1 ? load : -1;
}

/*
 * Tokens of the modules of rows that are wanted. Where one cannot be made, the
 * rows say so.
 */
static void
make_tokens(const struct bench *b)
{
    for (size_t i = 0; i < bench_row_count; i++) {
        const struct module *module = bench_rows[i].module;
        bool done = module == NULL || !b->results[i].wanted;

        for (size_t k = 0; !done && k < i; k++)
            done = b->results[k].wanted && bench_rows[k].module == module;
        if (!done && bench_prepare_token(module, &b->place) == BENCH_FAILED)
            (void)sim_restart(b->sim);
    }
}

static enum outcome
start(struct bench *b)
{
    size_t wanted = 0;
    enum outcome rc;

    b->rounds = (size_t)setting("BENCH_ROUNDS", ROUNDS, BENCH_ROUNDS_MAX);
    b->rounds = b->rounds == 0 ? 1 : b->rounds;
    b->seconds = setting("BENCH_SECONDS", SECONDS, 60);
    b->results = calloc(bench_row_count, sizeof(*b->results));
    if (b->results == NULL)
        return bench_failed("results", "out of memory");
    for (size_t i = 0; i < bench_row_count; i++) {
        b->results[i].wanted = is_wanted(bench_rows[i].id);
        b->results[i].commands = -1;
        wanted += b->results[i].wanted;
    }
    if (wanted == 0)
        return bench_failed("BENCH_ROWS", "names no row; see --list");
    b->sim = sim_new();
    if (b->sim == NULL)
        return BENCH_FAILED;
    (void)snprintf(b->state, sizeof(b->state), "%s/pinned", sim_dir(b->sim));
    b->place = (struct place) {
        .socket = sim_socket(b->sim),
        .dir = sim_dir(b->sim),
        .state = b->state,
        .modules = getenv("OPENSSL_MODULES"),
    };
    rc = bench_prepare(&b->place);
    if (rc == BENCH_OK)
        make_tokens(b);
    return rc;
}

/*
 * Notes how a row went. One that failed may have left something in the chip,
 * which the next must not find.
 */
static void
note(struct bench *b, struct result *result, enum outcome rc)
{
    if (rc != BENCH_OK && result->outcome == BENCH_OK)
        result->outcome = rc;
    if (rc == BENCH_FAILED)
        (void)sim_restart(b->sim);
}

static void
count_commands(struct bench *b)
{
    struct counting *counting = counting_new(&b->place);

    for (size_t i = 0; i < bench_row_count; i++) {
        struct result *result = &b->results[i];
        enum outcome rc = BENCH_FAILED;

        if (!result->wanted)
            continue;
        if (counting != NULL)
            rc = counting_row(counting, &bench_rows[i], &result->commands);
        note(b, result, rc);
    }
    counting_free(&counting);
}

static void
run_rounds(struct bench *b)
{
    const struct effort effort = { .seconds = b->seconds, .ops = 1 };

    for (size_t k = 0; k < b->rounds; k++) {
        for (size_t i = 0; i < bench_row_count; i++) {
            struct result *result = &b->results[i];

            if (!result->wanted || result->outcome != BENCH_OK)
                continue;
            note(b, result, bench_measure_apart(&bench_rows[i], &b->place,
                &effort, &result->round[k]));
        }
        (void)fprintf(stderr, "%s%zu%s", k == 0 ? "bench: round " : " ",
            k + 1, k + 1 == b->rounds ? "\n" : "");
    }
}

static int
finish(const struct bench *b, const char *json)
{
    const struct report report = {
        .results = b->results, .rounds = b->rounds, .seconds = b->seconds,
        .load = { b->load[0], b->load[1] },
    };
    int rc = 0;

    report_table(&report);
    if (json != NULL && report_json(&report, json) != BENCH_OK)
        rc = 1;
    for (size_t i = 0; i < bench_row_count; i++)
        if (b->results[i].outcome == BENCH_FAILED)
            rc = 1;
    return rc;
}

static int
list(void)
{
    for (size_t i = 0; i < bench_row_count; i++)
        (void)printf("%-20s %s\n", bench_rows[i].id, bench_rows[i].title);
    return 0;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        { "json", required_argument, NULL, 'j' },
        { "list", no_argument, NULL, 'l' },
        { NULL, 0, NULL, 0 },
    };
    struct bench b = { 0 };
    const char *json = NULL;
    int option, rc = 1;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'l')
            return list();
        if (option != 'j')
            return 2;
        json = optarg;
    }
    b.load[0] = load_now();
    if (start(&b) == BENCH_OK) {
        count_commands(&b);
        run_rounds(&b);
        b.load[1] = load_now();
        rc = finish(&b, json);
    }
    sim_free(&b.sim);
    free(b.results);
    return rc;
}
