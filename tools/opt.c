/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "opt.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define OPT_MAX 16
/* Above any character, so that optopt tells a long option from a short one. */
#define FIRST_VAL 256

struct parser {
    struct option long_options[OPT_MAX + 1];
    const struct opt *rows[OPT_MAX];
    void *values[OPT_MAX];
    int n;
};

static int
add_rows(struct parser *p, const struct opt_set *set)
{
    const struct opt *row = set->rows;

    for (; row != NULL && row->name != NULL; row++) {
        if (p->n == OPT_MAX)
            return -1;
        p->long_options[p->n] = (struct option) {
            .name = row->name,
            .has_arg = row->arg != NULL ? required_argument : no_argument,
            .val = FIRST_VAL + p->n,
        };
        p->rows[p->n] = row;
        p->values[p->n] = set->values;
        p->n++;
    }
    return 0;
}

static void
store(const struct parser *p, int which, const char *value)
{
    unsigned char *into = p->values[which];
    const struct opt *row = p->rows[which];
    const bool on = true;

    /* The table knows the member's type; memcpy needs no alignment. */
    if (row->arg == NULL)
        memcpy(into + row->offset, &on, sizeof(on));
    else
        memcpy(into + row->offset, &value, sizeof(value));
}

static void
explain(const struct parser *p, int c, char **argv, char *why, size_t size)
{
    int which = optopt - FIRST_VAL;

    if (c == ':')
        (void)snprintf(why, size, "option --%s needs a value (%s)",
            p->rows[which]->name, p->rows[which]->arg);
    else if (which >= 0 && which < p->n)
        (void)snprintf(why, size, "option --%s takes no value",
            p->rows[which]->name);
    else if (optopt != 0)
        (void)snprintf(why, size, "unknown option -%c", optopt);
    else
        (void)snprintf(why, size, "unknown option %s", argv[optind - 1]);
}

int
opt_parse(const struct opt_set *sets, size_t n_sets, int argc, char **argv,
    char *why, size_t why_size)
{
    struct parser p = { .n = 0 };
    int c;

    for (size_t i = 0; i < n_sets; i++) {
        if (add_rows(&p, &sets[i]) != 0) {
            (void)snprintf(why, why_size, "more than %d options", OPT_MAX);
            return -1;
        }
    }
    opterr = 0;
    optind = 0; /* begins afresh: a command has its own options */
    while ((c = getopt_long(argc, argv, "+:", p.long_options, NULL)) != -1) {
        if (c < FIRST_VAL || c >= FIRST_VAL + p.n) {
            explain(&p, c, argv, why, why_size);
            return -1;
        }
        store(&p, c - FIRST_VAL, optarg);
    }
    return optind;
}

int
opt_number(const char *text, unsigned long max, unsigned long *n)
{
    char *end = NULL;

    *n = 0;
    if (text[0] < '0' || text[0] > '9')
        return -1;
    errno = 0;
    *n = strtoul(text, &end, 10);
    return errno == 0 && *end == '\0' && *n <= max ? 0 : -1;
}

void
opt_print(FILE *to, const struct opt *rows)
{
    char left[32];

    for (; rows != NULL && rows->name != NULL; rows++) {
        (void)snprintf(left, sizeof(left), "--%s%s%s", rows->name,
            rows->arg != NULL ? " " : "", rows->arg != NULL ? rows->arg : "");
        (void)fprintf(to, "  %-22s %s\n", left, rows->help);
    }
}
