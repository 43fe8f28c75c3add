/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_OUT_H
#define TOOLS_OUT_H

#include <scu/error.h>

#include <stddef.h>
#include <stdint.h>

/*
 * What a command says
 * -------------------
 * One description makes both outputs: each value has a key (its name in the
 * JSON object, NULL: not there) and a label (the head of its line in the text
 * table, NULL: not there). Nothing reaches standard output before
 * out_finish(), so that a run that fails half-way prints no half truth: with
 * --json it is exactly one object, the error's or the result's.
 * Standard error is for people: notes, and the one line of an error.
 * Want of memory is kept in mind and reported by out_finish().
 */
struct out;

/* NULL when memory is short. The caller frees it by out_free(). */
struct out *out_new(bool json);
void out_free(struct out **out);

/* JSON from now on, too. */
void out_set_json(struct out *out);

/* The command in use: "sim start" makes the schema "scu.sim-start/1". */
void out_set_command(struct out *out, const char *command);

void out_string(struct out *out, const char *key, const char *label,
    const char *value);
void out_number(struct out *out, const char *key, const char *label,
    uint64_t value);
/* In text "yes" or "no". */
void out_bool(struct out *out, const char *key, const char *label, bool value);
/* JSON only: not known. */
void out_null(struct out *out, const char *key);

/*
 * The values up to out_end() stand in an object of their own; JSON only. In a
 * list key is NULL.
 */
void out_begin(struct out *out, const char *key);
/* What follows up to out_end() are the elements of a list; JSON only. */
void out_begin_list(struct out *out, const char *key);
void out_end(struct out *out);

/* A line of the table, text only. */
void out_text(struct out *out, const char *label, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A whole line as it is, before the table; text only. */
void out_line(struct out *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The run's whole output, in either mode, in place of table and object: a file
 * that has a format of its own. One line; copied.
 */
void out_document(struct out *out, const char *text);

/* "scu: text" on standard error, at once, in either mode. */
void out_note(struct out *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Records an error of the tool's own, with cause and remedy; the first one
 * counts. Returns rc.
 */
int out_error(struct out *out, int rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Records what libscu's last call said, before another call. Returns rc. */
int out_error_scu(struct out *out, int rc);

/*
 * Prints the values now: of a command that goes on, and says so when it is
 * ready. There is no more for standard output afterwards, out_finish() only
 * has the line of an error. SCU_OK, SCU_E_MEMORY, SCU_E_FILE: recorded.
 */
int out_announce(struct out *out);

/*
 * Prints the error that was recorded, or the values, and returns the exit
 * code: scu_error_exit() of a negative rc, else rc itself; 1 where standard
 * output does not take it.
 */
int out_finish(struct out *out, int rc);

/*
 * The line for people of an error of libscu: detail, and behind it the
 * remedy that the code's text has after its colon, unless the detail has the
 * remedy's first word ("run", "check") and so says by itself what to do.
 * Writes to line.
 */
void out_error_line(int rc, const char *detail, char *line, size_t size);

#endif
