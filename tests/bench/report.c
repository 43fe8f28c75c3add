/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "report.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define LINE_WIDTH 79
#define BENCH_ROWS_MAX 100

/* Results of a finding's or a ratio's two rows, or false: not both ran. */
static bool
pair(const struct report *r, const char *left, const char *right,
    struct comparison *c)
{
    size_t a = figures_row_index(left), b = figures_row_index(right);

    if (a >= bench_row_count || b >= bench_row_count)
        return false;
    c->left = &r->results[a];
    c->right = &r->results[b];
    return c->left->wanted && c->right->wanted &&
        c->left->outcome == BENCH_OK && c->right->outcome == BENCH_OK;
}

static bool
floor_ratio(const struct report *r, const struct row *row, double *ratio)
{
    struct comparison c = {
        .left_figure = FIGURE_RATE, .right_figure = FIGURE_RATE,
        .relation = RELATION_RATIO,
    };

    if (!pair(r, row->id, row->floor, &c))
        return false;
    *ratio = figures_compare(&c, r->rounds);
    return true;
}

static bool
finding_value(const struct report *r, const struct finding *f, double *value)
{
    struct comparison c = {
        .left_figure = f->left_figure, .right_figure = f->right_figure,
        .relation = f->relation,
    };

    if (!pair(r, f->left, f->right, &c))
        return false;
    *value = figures_compare(&c, r->rounds);
    return true;
}

/* How far the rounds of a row lie apart, in the middle of all rows. */
static double
noise(const struct report *r)
{
    double values[BENCH_ROWS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < bench_row_count && n < BENCH_ROWS_MAX; i++)
        if (r->results[i].wanted && r->results[i].outcome == BENCH_OK)
            values[n++] = figures_spread(&r->results[i], r->rounds);
    return figures_median(values, n);
}

static const char *
mark(bool pass)
{
    return pass ? "pass" : "MISS";
}

/* --- for people ----------------------------------------------------------- */

/* A number in a column, or a dash. */
static void
cell(int width, int digits, bool there, double value)
{
    if (there)
        (void)printf(" %*.*f", width, digits, value);
    else
        (void)printf(" %*s", width, "-");
}

static void
print_row(const struct report *r, size_t i)
{
    const struct row *row = &bench_rows[i];
    const struct result *result = &r->results[i];
    bool tapped = result->round[0].link_ns > 0;
    double ratio = 0;
    bool has_ratio;

    (void)printf("%-33s", row->title);
    if (result->outcome != BENCH_OK) {
        (void)printf(" %s\n", result->outcome == BENCH_ABSENT ?
            "not installed" : "FAILED, see above");
        return;
    }
    has_ratio = floor_ratio(r, row, &ratio);
    cell(6, 0, true, figures_row(result, r->rounds, FIGURE_RATE));
    cell(6, 3, has_ratio, ratio);
    cell(5, 0, tapped, figures_row(result, r->rounds, FIGURE_LINK));
    cell(5, 0, tapped, figures_row(result, r->rounds, FIGURE_HOST));
    cell(5, 0, !row->ops->elsewhere,
        figures_row(result, r->rounds, FIGURE_CPU));
    cell(4, 1, result->commands >= 0, result->commands);
    if (row->goal > 0 && has_ratio)
        (void)printf(" %s %.2f", mark(figures_pass(ratio, row->goal, 0)),
            row->goal);
    (void)printf("\n");
}

static void
print_finding(const struct report *r, const struct finding *f)
{
    double value = 0;

    if (!finding_value(r, f, &value))
        return;
    (void)printf("%-50s %8.2f %-8s", f->title, value, f->unit);
    if (f->at_most > 0 || f->at_least > 0)
        (void)printf(" %s %s %.2f",
            mark(figures_pass(value, f->at_least, f->at_most)),
            f->at_most > 0 ? "<=" : ">=",
            f->at_most > 0 ? f->at_most : f->at_least);
    (void)printf("\n");
}

void
report_table(const struct report *r)
{
    char rule[LINE_WIDTH + 1];

    memset(rule, '-', LINE_WIDTH);
    rule[LINE_WIDTH] = '\0';
    (void)printf("Simulated chip, OpenSSL %s; all rows over "
        "scu:swtpm:path=...,exclusive\nunless said otherwise. xfloor: rate "
        "to that of the floor, Esys_Sign with the\npassword in clear, same "
        "key and link. link: inside the TCTI, chip included;\nhost: the "
        "rest.\n\n", OpenSSL_version(OPENSSL_VERSION_STRING));
    (void)printf("%-33s %6s %6s %5s %5s %5s %4s %s\n", "median of the rounds",
        "ops/s", "xfloor", "link", "host", "CPU", "cmds", "goal");
    (void)printf("%-46s  %5s %5s %5s\n%s\n", "", "us", "us", "us", rule);
    for (size_t i = 0; i < bench_row_count; i++)
        if (r->results[i].wanted)
            print_row(r, i);
    (void)printf("%s\n", rule);
    for (size_t i = 0; i < bench_finding_count; i++)
        print_finding(r, &bench_findings[i]);
    (void)printf("%zu rounds of %.2f s for each row, in turn; load of the "
        "machine %.2f before, %.2f after;\nhalf of a row's rounds lie within "
        "%.0f %% of its rate (median of the rows)\n", r->rounds, r->seconds,
        r->load[0], r->load[1], 100 * noise(r));
}

/* --- for programs --------------------------------------------------------- */

static void
json_row(FILE *out, const struct report *r, size_t i)
{
    static const char *const outcomes[] = {
        [BENCH_OK] = "ok", [BENCH_FAILED] = "failed",
        [BENCH_ABSENT] = "absent",
    };
    const struct row *row = &bench_rows[i];
    const struct result *result = &r->results[i];
    double ratio = 0;

    (void)fprintf(out, "    { \"id\": \"%s\", \"outcome\": \"%s\"", row->id,
        outcomes[result->outcome]);
    if (result->outcome == BENCH_OK) {
        (void)fprintf(out, ", \"per_second\": %.2f, \"wall_us\": %.2f, "
            "\"link_us\": %.2f, \"cpu_us\": %.2f",
            figures_row(result, r->rounds, FIGURE_RATE),
            figures_row(result, r->rounds, FIGURE_WALL),
            figures_row(result, r->rounds, FIGURE_LINK),
            figures_row(result, r->rounds, FIGURE_CPU));
        if (floor_ratio(r, row, &ratio))
            (void)fprintf(out, ", \"floor\": \"%s\", \"ratio\": %.4f",
                row->floor, ratio);
        if (row->goal > 0)
            (void)fprintf(out, ", \"goal\": %.2f", row->goal);
        if (result->commands >= 0)
            (void)fprintf(out, ", \"commands\": %.2f", result->commands);
        (void)fprintf(out, ", \"rounds_per_second\": [");
        for (size_t k = 0; k < r->rounds; k++)
            (void)fprintf(out, "%s%.2f", k == 0 ? "" : ", ",
                figures_of(&result->round[k], FIGURE_RATE));
        (void)fprintf(out, "]");
    }
    (void)fprintf(out, " }");
}

static void
json_finding(FILE *out, const struct report *r, const struct finding *f)
{
    double value = 0;

    (void)fprintf(out, "    { \"id\": \"%s\", \"unit\": \"%s\"", f->id,
        f->unit);
    if (finding_value(r, f, &value))
        (void)fprintf(out, ", \"value\": %.4f", value);
    if (f->at_least > 0)
        (void)fprintf(out, ", \"at_least\": %.2f", f->at_least);
    if (f->at_most > 0)
        (void)fprintf(out, ", \"at_most\": %.2f", f->at_most);
    (void)fprintf(out, " }");
}

enum outcome
report_json(const struct report *r, const char *path)
{
    FILE *out = fopen(path, "we");
    const char *comma = "";
    bool bad;

    if (out == NULL)
        return bench_failed(path, "cannot be written");
    (void)fprintf(out, "{\n  \"rounds\": %zu, \"seconds\": %.3f,\n"
        "  \"load\": [%.2f, %.2f], \"noise\": %.4f,\n  \"rows\": [",
        r->rounds, r->seconds, r->load[0], r->load[1], noise(r));
    for (size_t i = 0; i < bench_row_count; i++) {
        if (!r->results[i].wanted)
            continue;
        (void)fprintf(out, "%s\n", comma);
        json_row(out, r, i);
        comma = ",";
    }
    (void)fprintf(out, "\n  ],\n  \"findings\": [");
    for (size_t i = 0; i < bench_finding_count; i++) {
        (void)fprintf(out, "%s\n", i == 0 ? "" : ",");
        json_finding(out, r, &bench_findings[i]);
    }
    (void)fprintf(out, "\n  ]\n}\n");
    bad = ferror(out) != 0;
    bad |= fclose(out) != 0;
    return bad ? bench_failed(path, "cannot be written") : BENCH_OK;
}
