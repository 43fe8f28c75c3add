/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TCTI_LINE_H
#define TESTS_TCTI_LINE_H

#include "connector.h"

/*
 * A serial line that is as bad as a test wants it, with a connector at its
 * far end: a pty, of which a thread holds the master. The thread does nothing
 * else, so that what a test reads and sets under line_lock() stands still.
 */

/* What happens by chance in one direction, per million frames or octets. */
struct line_faults {
    unsigned lose_frames, double_frames, late_frames;
    unsigned lose_octets, flip_octets, add_octets;
};

/* What happens to the next frames of a type. */
struct line_plan {
    unsigned lose;    /* so many */
    unsigned twice;
    unsigned late_ms; /* one comes late, others may overtake it */
};

struct line_counts {
    uint64_t octets_to_chip, octets_to_host;
    unsigned lost, twice, late, damaged;
};

struct line; /* opaque; what a test may touch under the lock: */

struct line_view {
    struct connector chip;
    struct line_faults to_chip, to_host;
    struct line_plan plan[256]; /* by type */
    unsigned baud;              /* 0: as quick as it goes */
    unsigned delay_ms;          /* each frame, each way */
    bool noisy;                 /* octets for the host without end */
    int wait_fd;                /* watched for the TPM; -1: none */
    struct line_counts counts;
};

/* Plugged in, with a name below the folder dir. NULL: it cannot be made. */
struct line *line_new(const char *dir, const struct connector_tpm *tpm,
    void *user);
void line_free(struct line **line);

/* A symbolic link to the pty, as those in /dev/serial/by-id. */
const char *line_path(const struct line *line);

struct line_view *line_lock(struct line *line);
void line_unlock(struct line *line);

/* Pulls the connector out (its chip keeps its state), and plugs it in. */
void line_unplug(struct line *line);
void line_plug(struct line *line);

/* Octets for the host that are no frame. */
void line_noise(struct line *line, const uint8_t *octets, size_t len);

#endif
