/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "io.h"
#include "matrix.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

/*
 * Each behaviour on each link, and whether docs/tcti-matrix.md says what was
 * measured. Its table is what this test prints.
 */
#define KINDS 6
#define ROWS_MAX 64
#define LINE_MAX_LEN 256

/* One field of the table, and the test of it. */
struct cell {
    const struct matrix_row *row;
    const struct stand_kind *kind;
    struct stand *stand;
    const char *word; /* NULL: it failed */
    char name[128];
};

static struct cell cells[ROWS_MAX][KINDS];
static size_t n_rows;

/* --- for the rows -------------------------------------------------------------- */

const char *
matrix_word(TSS2_RC rc)
{
    if (rc == TSS2_TCTI_RC_NOT_IMPLEMENTED)
        return MATRIX_NONE;
    assert_int_equal(rc, TSS2_RC_SUCCESS);
    return MATRIX_YES;
}

void
matrix_start_held(struct stand *s)
{
    stand_takes(s, -1);
    stand_start(s);
    assert_int_equal(stand_transmit(s), TSS2_RC_SUCCESS);
}

static unsigned
entries(const char *path)
{
    DIR *dir = opendir(path);
    unsigned n = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    (void)closedir(dir);
    return n;
}

unsigned
matrix_descriptors(void)
{
    return entries("/proc/self/fd");
}

unsigned
matrix_threads(void)
{
    return entries("/proc/self/task");
}

void
matrix_expect_descriptors(unsigned n)
{
    const struct timespec nap = { .tv_nsec = 500000 };
    int64_t end = chip_now_us() + 5000000;

    while (matrix_descriptors() != n && chip_now_us() < end)
        (void)nanosleep(&nap, NULL);
    assert_int_equal(matrix_descriptors(), n);
}

/* --- a test each ---------------------------------------------------------------- */

static int
setup(void **state)
{
    struct cell *cell = *state;

    cell->stand = stand_new(cell->kind);
    return 0;
}

static int
teardown(void **state)
{
    struct cell *cell = *state;

    stand_free(&cell->stand);
    return 0;
}

static void
measure(void **state)
{
    struct cell *cell = *state;

    cell->word = cell->row->measure(cell->stand);
}

/* --- the table -------------------------------------------------------------------- */

static void
add(char *line, const char *text)
{
    size_t len = strlen(line);

    (void)snprintf(line + len, LINE_MAX_LEN - len, "%s |", text);
}

static void
write_row(char *line, size_t row)
{
    (void)snprintf(line, LINE_MAX_LEN, "| %s |", cells[row][0].row->name);
    for (size_t i = 0; i < KINDS; i++) {
        (void)strcat(line, " ");
        add(line, cells[row][i].word != NULL ? cells[row][i].word : "?");
    }
}

static void
write_head(char *line)
{
    (void)snprintf(line, LINE_MAX_LEN, "| |");
    for (size_t i = 0; i < KINDS; i++) {
        (void)strcat(line, " ");
        add(line, stand_kinds[i]->name);
    }
}

/* The line must be the next one of the page's table. */
static bool
expect_line(char **page, const char *line)
{
    char *at = strsep(page, "\n");

    while (at != NULL && at[0] != '|')
        at = strsep(page, "\n");
    if (at != NULL && strcmp(at, line) == 0)
        return true;
    print_error("not in the page: %s\n  but there: %s\n", line,
        at != NULL ? at : "nothing");
    return false;
}

static void
write_line(char *line, size_t i)
{
    static const char rule[] = "|---|---|---|---|---|---|---|";

    if (i == 0)
        write_head(line);
    else if (i == 1)
        (void)snprintf(line, LINE_MAX_LEN, "%s", rule);
    else
        write_row(line, i - 2);
}

static void
table__is_the_published_one(void **state)
{
    const char *top = getenv("top_srcdir");
    char path[512], line[LINE_MAX_LEN];
    char *data = NULL, *page;
    size_t len = 0;
    bool same = true;

    (void)state;
    for (size_t i = 0; i < n_rows + 2; i++) {
        write_line(line, i);
        print_message("%s\n", line);
    }
    assert_non_null(top);
    (void)snprintf(path, sizeof(path), "%s/docs/tcti-matrix.md", top);
    assert_int_equal(io_read_file(path, 1 << 20, &data, &len), 0);
    page = data;
    for (size_t i = 0; i < n_rows + 2 && same; i++) {
        write_line(line, i);
        same = expect_line(&page, line);
    }
    while (same && page != NULL)
        same = strsep(&page, "\n")[0] != '|';
    free(data);
    assert_true(same);
}

/* -------------------------------------------------------------------------------- */

static void
add_rows(const struct matrix_part *part)
{
    for (size_t i = 0; i < part->n && n_rows < ROWS_MAX; i++, n_rows++)
        for (size_t j = 0; j < KINDS; j++) {
            struct cell *cell = &cells[n_rows][j];

            cell->row = &part->rows[i];
            cell->kind = stand_kinds[j];
            (void)snprintf(cell->name, sizeof(cell->name), "%s: %s",
                cell->kind->name, cell->row->name);
        }
}

/* MATRIX, where it is set, is a part of the names of those to be run. */
static size_t
make_tests(struct CMUnitTest *tests)
{
    const char *only = getenv("MATRIX");
    size_t n = 0;

    for (size_t i = 0; i < n_rows; i++)
        for (size_t j = 0; j < KINDS; j++) {
            if (only != NULL && strstr(cells[i][j].name, only) == NULL)
                continue;
            tests[n++] = (struct CMUnitTest) {
                .name = cells[i][j].name,
                .test_func = measure,
                .setup_func = setup,
                .teardown_func = teardown,
                .initial_state = &cells[i][j],
            };
        }
    if (only == NULL)
        tests[n++] = (struct CMUnitTest)
            cmocka_unit_test(table__is_the_published_one);
    return n;
}

int
main(void)
{
    static struct CMUnitTest tests[ROWS_MAX * KINDS + 1];
    size_t n;

    if (n_stand_kinds != KINDS || setenv("SCU_LOG", "none", 1) != 0)
        return 1;
    add_rows(&matrix_states);
    add_rows(&matrix_receive);
    add_rows(&matrix_faults);
    add_rows(&matrix_process);
    n = make_tests(tests);
    return _cmocka_run_group_tests("matrix", tests, n, NULL, NULL);
}
