/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_COMMAND_H
#define CHIP_COMMAND_H

#include <stdbool.h>
#include <tss2/tss2_tpm2_types.h>

/* What has to be known of a command besides its parameters. */
struct command_row {
    TPM2_CC code;
    const char *name;
    bool encrypts; /* the first response parameter is a TPM2B */
    bool blind;    /* has an encrypted parameter, and nothing but the session
                      tells whether it came through as it was meant */
};

/* NULL for a command that this stack does not send. */
const struct command_row *command_find(TPM2_CC code);

#endif
