/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_TOKENCMD_H
#define TOOLS_TOKENCMD_H

#include "cmd.h"

/* Members of the group "scu token" that stand in files of their own. */
extern const struct cmd cmd_token_init;
extern const struct cmd cmd_token_pin;
extern const struct cmd cmd_token_unlock;

#endif
