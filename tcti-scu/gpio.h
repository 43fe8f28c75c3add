/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_GPIO_H
#define TCTI_SCU_GPIO_H

#include <stdbool.h>

/*
 * One line of a GPIO chip, through the kernel's character device. A line is
 * named CHIP:NUMBER, CHIP being gpiochip0, /dev/gpiochip0 or 0. All return 0
 * or a negative errno value.
 */

/* *fd drives the line, which starts inactive: high. -EINVAL: not a name. */
int gpio_open_output(const char *name, int *fd);

/* *fd is readable once the line has fallen, until gpio_clear(). */
int gpio_open_falling(const char *name, int *fd);
/* Whether it has fallen since the last call. */
bool gpio_clear(int fd);

int gpio_set(int fd, bool high);

#endif
