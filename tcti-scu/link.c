/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "link.h"

const struct link_type *const link_types[] = {
    &link_type_device,
    &link_type_spi,
    &link_type_i2c,
    &link_type_uart,
    &link_type_swtpm,
    &link_type_sim,
};

const size_t n_link_types = sizeof(link_types) / sizeof(link_types[0]);
