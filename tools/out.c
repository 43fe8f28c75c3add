/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "out.h"
#include "printable.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 4

struct row {
    const char *label; /* NULL: a whole line */
    char *value;
};

struct out {
    bool json;
    bool short_of_memory;
    bool announced; /* standard output has had its part */
    char command[64];
    struct row *rows;
    size_t n_rows;
    struct json_object *objects[DEPTH_MAX]; /* [0] is the result */
    size_t depth;
    char *document;
    int error;
    bool error_is_scu; /* libscu's detail, which the remedy may follow */
    char detail[1024];
};

struct out *
out_new(bool json)
{
    struct out *out = calloc(1, sizeof(*out));

    if (out == NULL)
        return NULL;
    out->json = json;
    out->objects[0] = json_object_new_object();
    if (out->objects[0] == NULL) {
        free(out);
        return NULL;
    }
    return out;
}

void
out_free(struct out **out)
{
    if (out == NULL || *out == NULL)
        return;
    for (size_t i = 0; i < (*out)->n_rows; i++)
        free((*out)->rows[i].value);
    free((*out)->rows);
    free((*out)->document);
    json_object_put((*out)->objects[0]);
    free(*out);
    *out = NULL;
}

void
out_set_json(struct out *out)
{
    out->json = true;
}

void
out_set_command(struct out *out, const char *command)
{
    (void)snprintf(out->command, sizeof(out->command), "%s", command);
    for (char *p = out->command; *p != '\0'; p++)
        if (*p == ' ')
            *p = '-';
}

/* To the innermost object by its key, or to the end of the innermost list. */
static int
add_to_innermost(struct out *out, const char *key, struct json_object *value)
{
    struct json_object *in = out->objects[out->depth];

    return json_object_is_type(in, json_type_array) ?
        json_object_array_add(in, value) :
        json_object_object_add(in, key, value);
}

/* Takes over value, which may be NULL: memory was short. */
static void
add_member(struct out *out, const char *key, struct json_object *value)
{
    if (value == NULL || add_to_innermost(out, key, value) != 0) {
        json_object_put(value);
        out->short_of_memory = true;
    }
}

/* Takes over value, which may be NULL: memory was short. */
static void
add_row(struct out *out, const char *label, char *value)
{
    struct row *rows = NULL;

    if (value != NULL)
        rows = reallocarray(out->rows, out->n_rows + 1, sizeof(*rows));
    if (rows == NULL) {
        free(value);
        out->short_of_memory = true;
        return;
    }
    printable(value, false);
    rows[out->n_rows] = (struct row) { .label = label, .value = value };
    out->rows = rows;
    out->n_rows++;
}

static struct json_object *
new_string(const char *value)
{
    struct json_object *object = NULL;
    char *copy = strdup(value);

    if (copy != NULL) {
        printable(copy, true);
        object = json_object_new_string(copy);
    }
    free(copy);
    return object;
}

void
out_string(struct out *out, const char *key, const char *label,
    const char *value)
{
    if (key != NULL)
        add_member(out, key, new_string(value));
    if (label != NULL)
        add_row(out, label, strdup(value));
}

void
out_number(struct out *out, const char *key, const char *label,
    uint64_t value)
{
    int64_t number = value > INT64_MAX ? INT64_MAX : (int64_t)value;

    if (key != NULL)
        add_member(out, key, json_object_new_int64(number));
    if (label != NULL)
        out_text(out, label, "%llu", (unsigned long long)value);
}

void
out_bool(struct out *out, const char *key, const char *label, bool value)
{
    if (key != NULL)
        add_member(out, key, json_object_new_boolean(value));
    if (label != NULL)
        add_row(out, label, strdup(value ? "yes" : "no"));
}

void
out_null(struct out *out, const char *key)
{
    if (add_to_innermost(out, key, NULL) != 0)
        out->short_of_memory = true;
}

/* Takes over inner, which may be NULL: memory was short. */
static void
go_into(struct out *out, const char *key, struct json_object *inner)
{
    if (inner == NULL || out->depth + 1 == DEPTH_MAX ||
        add_to_innermost(out, key, inner) != 0) {
        json_object_put(inner);
        out->short_of_memory = true;
        return;
    }
    out->objects[++out->depth] = inner;
}

void
out_begin(struct out *out, const char *key)
{
    go_into(out, key, json_object_new_object());
}

void
out_begin_list(struct out *out, const char *key)
{
    go_into(out, key, json_object_new_array());
}

void
out_end(struct out *out)
{
    if (out->depth > 0)
        out->depth--;
}

static char *format_new(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));

static char *
format_new(const char *format, va_list args)
{
    char *text = NULL;

    return vasprintf(&text, format, args) < 0 ? NULL : text;
}

void
out_text(struct out *out, const char *label, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_row(out, label, format_new(format, args));
    va_end(args);
}

void
out_line(struct out *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_row(out, NULL, format_new(format, args));
    va_end(args);
}

void
out_document(struct out *out, const char *text)
{
    free(out->document);
    out->document = strdup(text);
    if (out->document == NULL)
        out->short_of_memory = true;
}

void
out_note(struct out *out, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = format_new(format, args);
    va_end(args);
    if (text == NULL) {
        out->short_of_memory = true;
        return;
    }
    printable(text, false);
    (void)fprintf(stderr, "scu: %s\n", text);
    free(text);
}

int
out_error(struct out *out, int rc, const char *format, ...)
{
    va_list args;

    if (out->error != SCU_OK)
        return rc;
    va_start(args, format);
    (void)vsnprintf(out->detail, sizeof(out->detail), format, args);
    va_end(args);
    out->error = rc;
    return rc;
}

int
out_error_scu(struct out *out, int rc)
{
    if (out->error == SCU_OK)
        out->error_is_scu = true;
    return out_error(out, rc, "%s", scu_error_detail());
}

/* Whether the detail has the word that the remedy begins with. */
static bool
has_remedy(const char *detail, const char *remedy)
{
    char word[32] = "";

    (void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(remedy, " "),
        remedy);
    return strstr(detail, word) != NULL;
}

void
out_error_line(int rc, const char *detail, char *line, size_t size)
{
    const char *text = scu_error_text(rc);
    const char *colon = strstr(text, ": ");

    if (detail[0] == '\0')
        (void)snprintf(line, size, "%s", text);
    else if (colon == NULL || has_remedy(detail, colon + 2))
        (void)snprintf(line, size, "%s", detail);
    else
        (void)snprintf(line, size, "%s; %s", detail, colon + 2);
}

/* 0, or -1 when memory is short. */
static int
print_json(struct out *out)
{
    struct json_object *whole = json_object_new_object();
    char schema[96];
    const char *text = NULL;

    (void)snprintf(schema, sizeof(schema), "scu%s%s/1",
        out->command[0] != '\0' ? "." : "", out->command);
    if (whole != NULL &&
        json_object_object_add(whole, "schema", new_string(schema)) == 0) {
        /* The schema comes first; the result's members keep their order. */
        json_object_object_foreach(out->objects[0], key, value)
            (void)json_object_object_add(whole, key, json_object_get(value));
        text = json_object_to_json_string_ext(whole,
            JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
    }
    if (text != NULL)
        (void)printf("%s\n", text);
    json_object_put(whole);
    return text != NULL ? 0 : -1;
}

static void
print_text(const struct out *out)
{
    size_t width = 0;

    for (size_t i = 0; i < out->n_rows; i++)
        if (out->rows[i].label != NULL && strlen(out->rows[i].label) > width)
            width = strlen(out->rows[i].label);
    for (size_t i = 0; i < out->n_rows; i++) {
        if (out->rows[i].label == NULL)
            (void)printf("%s\n", out->rows[i].value);
        else
            (void)printf("%-*s  %s\n", (int)width, out->rows[i].label,
                out->rows[i].value);
    }
}

static void
print_error(struct out *out, int rc)
{
    char line[sizeof(out->detail) + 256];

    if (out->error_is_scu || out->detail[0] == '\0')
        out_error_line(rc, out->detail, line, sizeof(line));
    else
        (void)snprintf(line, sizeof(line), "%s", out->detail);
    printable(line, false);
    (void)fprintf(stderr, "scu: %s\n", line);
    if (!out->json || out->announced)
        return;
    json_object_put(out->objects[0]);
    out->objects[0] = json_object_new_object();
    out->depth = 0;
    if (out->objects[0] == NULL)
        return;
    out_begin(out, "error");
    out_string(out, "name", NULL, scu_error_name(rc));
    add_member(out, "code", json_object_new_int(rc));
    out_string(out, "text", NULL, scu_error_text(rc));
    out_string(out, "detail", NULL, out->detail);
    out_end(out);
    (void)print_json(out);
}

/* Returns rc, or what went wrong. */
static int
print_values(struct out *out, int rc)
{
    if (out->short_of_memory)
        return out_error(out, SCU_E_MEMORY, "out of memory on the host");
    if (out->document != NULL)
        (void)printf("%s\n", out->document);
    else if (out->json && print_json(out) != 0)
        return SCU_E_MEMORY;
    else if (!out->json)
        print_text(out);
    return rc;
}

int
out_announce(struct out *out)
{
    int rc = print_values(out, SCU_OK);

    out->announced = rc == SCU_OK;
    if (rc == SCU_OK && (fflush(stdout) != 0 || ferror(stdout)))
        rc = out_error(out, SCU_E_FILE, "cannot write to standard output: %s",
            strerror(errno));
    return rc;
}

int
out_finish(struct out *out, int rc)
{
    if (rc >= 0 && !out->announced)
        rc = print_values(out, rc);
    if (rc < 0)
        print_error(out, rc);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (!out->announced)
            (void)fprintf(stderr, "scu: cannot write to standard output: %s\n",
                strerror(errno));
        return 1;
    }
    return rc < 0 ? scu_error_exit(rc) : rc;
}
