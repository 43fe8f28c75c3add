/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bridgecontrol.h"

#include <string.h>

#define NUMBER_LEN 4
#define LOCALITY_MAX 4

/* Bits of the answer to "what can you do?". */
#define CAN_INIT 0x001
#define CAN_SHUTDOWN 0x002
#define CAN_SET_LOCALITY 0x008
#define CAN_CANCEL 0x020
#define CAN_STOP 0x400

/*
 * Who ends or resets the simulator that he believes to have started is told
 * that it is done, as it was for swtpm: the chip, and who else uses it, is
 * none of his business.
 */
static const struct row {
    uint8_t number;
    uint8_t argument; /* its octets */
    enum control_action action;
    const char *ignored;
    bool capabilities; /* the answer is what can be done, eight octets */
} rows[] = {
    { .number = 1, .capabilities = true },
    { .number = 2, .argument = 4, .ignored = "to reset the chip" },
    { .number = 3, .ignored = "to shut the simulator down" },
    { .number = 5, .argument = 1, .action = CONTROL_LOCALITY },
    { .number = 9, .action = CONTROL_CANCEL },
    { .number = 14, .ignored = "to stop the chip" },
};

uint32_t
wire_get32(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 |
        (uint32_t)data[2] << 8 | data[3];
}

void
wire_put32(uint8_t *data, uint32_t value)
{
    data[0] = (uint8_t)(value >> 24);
    data[1] = (uint8_t)(value >> 16);
    data[2] = (uint8_t)(value >> 8);
    data[3] = (uint8_t)value;
}

void
control_result(struct control_request *request, uint32_t result)
{
    wire_put32(request->answer, result);
    request->answer_len = NUMBER_LEN;
}

static const struct row *
find(uint32_t number)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].number == number)
            return &rows[i];
    return NULL;
}

static void
set_locality(struct control_request *request, uint8_t locality)
{
    if (locality <= LOCALITY_MAX) {
        request->locality = locality;
    } else {
        request->action = CONTROL_SAY;
        control_result(request, CONTROL_BAD_LOCALITY);
    }
}

bool
control_parse(const uint8_t *data, size_t len,
    struct control_request *request)
{
    const struct row *row = NULL;

    memset(request, 0, sizeof(*request));
    request->need = NUMBER_LEN;
    if (len < NUMBER_LEN)
        return false;
    if ((row = find(wire_get32(data))) == NULL) {
        request->last = true;
        control_result(request, CONTROL_UNKNOWN);
        return true;
    }
    request->need += row->argument;
    if (len < request->need)
        return false;
    request->action = row->action;
    request->ignored = row->ignored;
    control_result(request, 0);
    if (row->capabilities) {
        wire_put32(request->answer + NUMBER_LEN, CAN_INIT | CAN_SHUTDOWN |
            CAN_SET_LOCALITY | CAN_CANCEL | CAN_STOP);
        request->answer_len = 2 * NUMBER_LEN;
    }
    if (row->action == CONTROL_LOCALITY)
        set_locality(request, data[NUMBER_LEN]);
    return true;
}
