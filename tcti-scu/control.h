/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_CONTROL_H
#define TCTI_SCU_CONTROL_H

#include "deadline.h"
#include "endpoint.h"

#include <stdint.h>

/* What swtpm's control channel is asked for. */
enum control_command {
    CONTROL_SET_LOCALITY,
    CONTROL_CANCEL,
};

/*
 * Connects, runs one command and takes its result. The channel serves one
 * client at a time, and none while a TPM command executes: this may wait.
 * value is the locality, or not used. 0; -ENOTCONN where there is no control
 * channel; -EPERM where swtpm refuses; another negative errno value.
 */
int control_run(const struct endpoint *control, enum control_command command,
    uint8_t value, struct deadline deadline);

#endif
