/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TCTI_MODEL_PRIVATE_H
#define TESTS_TCTI_MODEL_PRIVATE_H

#include "model.h"

/* What the files of the model share; see model.h. */

/* Offsets of the registers on SPI, without the locality. */
#define ACCESS 0x000u
#define INT_ENABLE 0x008u
#define INT_STATUS 0x010u
#define INTF_CAPABILITY 0x014u
#define STS 0x018u
#define DATA_FIFO 0x024u
#define DID_VID 0xf00u

int64_t model_now_us(void);

/* A register as the octets of a read. */
void model_put_number(uint8_t *data, size_t len, uint32_t value);

struct gpio_v2_line_request;
struct gpio_v2_line_values;

/* Time goes by; a command may come to its end. */
void model_get_on(struct model *model);

/* A message comes: may it already? SPI: does the chip sleep on it? */
void model_note_time(struct model *model);
bool model_asleep(struct model *model);

/* ioctl(2) on a GPIO chip, and on a line of it. */
int model_gpio_request(struct model *model,
    struct gpio_v2_line_request *request);
int model_gpio_set(struct model *model, int fd,
    const struct gpio_v2_line_values *values);

/* The interrupt line goes with what the chip has to say. */
void model_line(struct model *model);

#endif
