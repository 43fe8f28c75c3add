/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_SWTPM_H
#define TCTI_SCU_SWTPM_H

#include "endpoint.h"
#include "exchange.h"
#include "link.h"

/* What the files of the links "swtpm" and "sim" share. */
#define SWTPM_TEXT_SIZE 300

struct swtpm {
    struct link link;
    struct endpoint data;
    struct endpoint control;
    char name[SWTPM_TEXT_SIZE];     /* for log lines */
    char remedy[SWTPM_TEXT_SIZE];   /* where nobody listens */
    struct exchange exchange;
    char *lock_path;
    int32_t timeout_ms;
    uint8_t locality;
    bool locality_is_set;
    bool exclusive;
    int fd;                   /* -1: not connected */
};

/*
 * Sets data, control and name. BAD_VALUE or NO_CONNECTION, logged; MEMORY.
 */
TSS2_RC swtpm_address_unix(struct swtpm *swtpm, const char *path,
    const char *ctrl);
TSS2_RC swtpm_address_tcp(struct swtpm *swtpm, const struct options *options);

/* path and suffix in one string, which the caller frees; NULL: no memory. */
char *swtpm_beside(const char *path, const char *suffix);

#endif
