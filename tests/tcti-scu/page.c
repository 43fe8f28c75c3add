/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define LINE 200
#define DOTS "\xe2\x80\xa6" /* an ellipsis: all values between its two sides */

static FILE *
open_page(void)
{
    const char *top = getenv("top_srcdir");
    char path[1024];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/docs/uart-link.md",
        top != NULL ? top : "..");
    file = fopen(path, "r");
    if (file == NULL)
        fail_msg("%s: cannot be read", path);
    return file;
}

/* Hex octets, anything but digits between them; from end or a NUL on, none. */
static size_t
hex(const char *text, const char *end, uint8_t *out, size_t max)
{
    bool filling = false;
    size_t n = 0;
    char two[3] = "";

    while (text < end && *text != '\0') {
        if (strncmp(text, DOTS, 3) == 0) {
            filling = true;
            text += 3;
            continue;
        }
        if (strspn(text, "0123456789abcdefABCDEF") < 2) {
            text++;
            continue;
        }
        memcpy(two, text, 2);
        text += 2;
        for (unsigned to = (unsigned)strtoul(two, NULL, 16);
            filling && n < max && out[n - 1] + 1U < to; n++)
            out[n] = (uint8_t)(out[n - 1] + 1);
        filling = false;
        assert_true(n < max);
        out[n++] = (uint8_t)strtoul(two, NULL, 16);
    }
    return n;
}

/* "| plain | encoded |"; the plain side may begin with words: no hex. */
static bool
cobs_row(const char *line, struct page_vector *v)
{
    const char *middle = strstr(line, " | ");
    const char *first = strchr(line, '`');

    if (strncmp(line, "| ", 2) != 0 || middle == NULL || first == NULL
        || strchr(middle, '`') == NULL)
        return false;
    v->plain_len = first > middle ? 0
        : hex(first, middle, v->plain, PAGE_MAX);
    v->encoded_len = hex(strchr(middle, '`'), line + LINE, v->encoded,
        PAGE_MAX);
    return v->encoded_len != 0;
}

size_t
page_cobs(struct page_vector *vectors, size_t max)
{
    FILE *file = open_page();
    char line[LINE] = "";
    size_t n = 0;

    while (strcmp(line, "| plain | encoded |\n") != 0)
        if (fgets(line, sizeof(line), file) == NULL)
            fail_msg("the page has no table of COBS");
    while (fgets(line, sizeof(line), file) != NULL && line[0] == '|' && n < max)
        n += cobs_row(line, &vectors[n]);
    (void)fclose(file);
    return n;
}

size_t
page_frame(const char *name, uint8_t *octets, size_t max)
{
    FILE *file = open_page();
    char line[LINE] = "", head[64];
    size_t n = 0;

    (void)snprintf(head, sizeof(head), "%s:\n", name);
    while (strcmp(line, head) != 0)
        if (fgets(line, sizeof(line), file) == NULL)
            fail_msg("the page has no exchange %s", name);
    while (fgets(line, sizeof(line), file) != NULL
        && (line[0] == '\n' || line[0] == ' '))
        n += hex(line, line + LINE, octets + n, max - n);
    (void)fclose(file);
    assert_true(n != 0);
    return n;
}
