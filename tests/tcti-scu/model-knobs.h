/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TCTI_MODEL_KNOBS_H
#define TESTS_TCTI_MODEL_KNOBS_H

#include "model.h"

/*
 * What SCU_MODEL_KNOBS says of a chip with faults: NAME=NUMBER, and so on,
 * with commas between; the names are those of rows[]. An unknown one ends the
 * program, since a test would be about nothing.
 */
void model_knobs_from_environment(struct model_knobs *knobs);

#endif
