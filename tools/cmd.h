/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_CMD_H
#define TOOLS_CMD_H

#include "opt.h"
#include "out.h"

#include <scu/chip.h>

/*
 * A command of scu(1), or a group of them. Each file that implements one
 * exports it as a const object; the groups list them.
 */
struct cmd {
    const char *name;    /* all words behind "scu": "sim start" */
    const char *summary; /* one line, no full stop */
    const char *page;    /* its manual page: "scu-sim(1)" */
    const struct cmd *const *commands; /* of a group, up to NULL */
    const char *operand;       /* the one that it takes, and needs, as the
                                  help shows it: "FILE"; or NULL */
    bool operand_optional;     /* it can do without */
    size_t operand_offset;     /* of its const char * in the options' struct */
    const struct opt *options; /* its own, or NULL */
    size_t options_size;       /* octets of the struct that they fill */
    bool takes_chip;           /* --chip, --tcti, --state */

    /*
     * Does it. options points to the struct that the rows filled. Returns
     * SCU_OK, a negative enum scu_rc that out_error() or out_error_scu() has
     * recorded, or a positive exit code: a negative verdict, not an error.
     */
    int (*run)(struct out *out, const struct scu_chip_options *chip,
        const void *options);
};

extern const struct cmd cmd_sim;
extern const struct cmd cmd_provision;
extern const struct cmd cmd_info;
extern const struct cmd cmd_status;
extern const struct cmd cmd_shutdown;
extern const struct cmd cmd_quote;
extern const struct cmd cmd_token;
extern const struct cmd cmd_key;
extern const struct cmd cmd_verify;
extern const struct cmd cmd_bridge;

#endif
