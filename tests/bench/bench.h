/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A row of the bench is one operation, measured many times. Each round of a
 * row runs in a process of its own that sets up, warms up, measures and takes
 * down, so that neither libraries' state nor the chip's slots pass from one
 * row to another; only the chip and the key files stay.
 */

enum outcome {
    BENCH_OK,
    BENCH_FAILED, /* with a line on standard error */
    BENCH_ABSENT, /* what the row compares with is not installed */
};

/* Where rows find what was prepared. Borrowed strings, absolute paths. */
struct place {
    const char *socket;  /* the chip's, or that of the counting proxy */
    const char *dir;     /* key files "KEY.pem", the file "message" */
    const char *state;   /* pins of the chip */
    const char *modules; /* folder of the provider that was built */
};

/* A tctildr string around the socket's path. */
struct bench_link {
    const char *before, *after;
};

/* A provider of OpenSSL that keys come from; NULL stands for none: software. */
struct door {
    const char *name;     /* for OSSL_PROVIDER_load() */
    const char *propq;    /* with which its keys can be used at all */
    bool ours;            /* from place.modules, and must be there */
};

/* A module of PKCS#11. Its token has keys "p256" and "rsa2048". */
struct module {
    const char *path;     /* for dlopen(), or from the bench's own folder */
    const char *variable; /* of the environment, names another path */
    bool ours;            /* from the bench's own folder, and must be there */
};

struct row;

struct row_ops {
    /* *state is the row's own, for the others; NULL on failure. */
    enum outcome (*setup)(const struct row *row, const struct place *place,
        void **state);
    enum outcome (*before)(void *state); /* once(), not measured; optional */
    enum outcome (*once)(void *state);
    enum outcome (*after)(void *state);  /* as before() */
    void (*teardown)(void *state);
    bool elsewhere; /* in other processes: their processor time is unknown */
};

struct row {
    const char *id;    /* for BENCH_ROWS and the JSON file */
    const char *title; /* up to 33 characters */
    const struct row_ops *ops;
    const struct bench_link *link;
    const struct door *door;
    const struct module *module;
    const char *key;    /* name of its file without ".pem", or its label */
    const char *scheme; /* libscu's name of how to sign */
    bool protect;       /* ESYS: in an HMAC session with encryption */
    bool streamed;      /* EVP: update and final instead of one-shot */
    unsigned threads;   /* that sign at once; 0: none but the main one */
    unsigned batch;     /* operations in one once(), 0 stands for 1 */
    const char *floor;  /* id of the row that it is held against */
    double goal;        /* least ratio to the floor; 0: none */
};

/* The table, and how many rows it has. */
extern const struct row bench_rows[];
extern const size_t bench_row_count;

extern const struct row_ops esys_sign_ops, esys_random_ops, sys_random_ops;
extern const struct row_ops scu_sign_ops, scu_random_ops;
extern const struct row_ops evp_sign_ops, tls_ops, process_ops;
extern const struct row_ops p11_sign_ops, p11_threads_ops, p11_random_ops;
extern const struct row_ops p11_login_ops, p11_first_ops;

/*
 * What one round of a row came to. Times of an operation are those of the
 * middle one of the round: an operation during which other programs had the
 * processor says nothing about this one.
 */
struct sample {
    uint64_t ops;
    uint64_t wall_ns;  /* of all */
    uint64_t cpu_ns;   /* of all, of the process, in all its threads */
    uint64_t commands; /* of all, where they were counted */
    uint64_t op_ns;    /* of one */
    uint64_t link_ns;  /* of one, inside the TCTI; 0 where it is not tapped */
    uint64_t host_ns;  /* of one, the rest */
};

/* How long: until both are reached. */
struct effort {
    double seconds;
    uint64_t ops;
    const atomic_uint_least64_t *commands; /* running count, or NULL */
};

/* Runs a row in this process. */
enum outcome bench_measure(const struct row *row, const struct place *place,
    const struct effort *effort, struct sample *sample);

/* The same in a child that ends with it; 60 s at most. */
enum outcome bench_measure_apart(const struct row *row,
    const struct place *place, const struct effort *effort,
    struct sample *sample);

/*
 * Makes the chip and the files ready, in a child: provisions, makes the keys
 * of the table (in the chip, and for software rows in files).
 */
enum outcome bench_prepare(const struct place *place);

/*
 * Makes a module's token with its keys, in a child, behind bench_prepare().
 * BENCH_ABSENT where the module is not installed.
 */
enum outcome bench_prepare_token(const struct module *module,
    const struct place *place);

/* One line on standard error; returns BENCH_FAILED. */
enum outcome bench_failed(const char *what, const char *why);

/* PLACE.dir/name.suffix, and the tctildr string of a link; to out. */
#define BENCH_PATH_MAX 4200
void bench_path(const struct place *place, const char *name,
    const char *suffix, char out[BENCH_PATH_MAX]);
void bench_tcti(const struct place *place, const struct bench_link *link,
    char out[BENCH_PATH_MAX]);

#endif
