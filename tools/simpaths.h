/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_SIMPATHS_H
#define TOOLS_SIMPATHS_H

#include "out.h"

/* As long as sun_path in <sys/un.h>; all paths below are shorter. */
#define SIM_PATH_MAX 108

/* The simulator's folder and what stands in it; all paths are absolute. */
struct sim_paths {
    char dir[SIM_PATH_MAX];
    char state[SIM_PATH_MAX];   /* the chip's non-volatile memory, a folder */
    char socket[SIM_PATH_MAX];
    char control[SIM_PATH_MAX];
    char log[SIM_PATH_MAX];
    char pid[SIM_PATH_MAX];
    char lock[SIM_PATH_MAX];
    char tcti[SIM_PATH_MAX + 16];
};

/*
 * Fills paths; makes nothing. dir NULL: the default of sim_dir_default().
 * SCU_E_ARG, recorded in out, where the path is too long for a socket or holds
 * a character that TCTI strings cannot carry; SCU_E_CONF where there is no
 * default; SCU_E_MEMORY.
 */
int sim_paths_set(struct sim_paths *paths, const char *dir, struct out *out);

/*
 * Makes the folder and its state folder (0700, parents too) where missing.
 * SCU_E_FILE, recorded in out, where that fails or the folder is not the
 * user's alone.
 */
int sim_paths_make(const struct sim_paths *paths, struct out *out);

#endif
