/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_INTERPOSER_WIRE_H
#define TESTS_INTERPOSER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The attacker's own connection to a simulated chip, and messages as octets. */

#define FRAME_MAX 4096
#define FRAME_HEADER 10

#define TAG_NO_SESSIONS 0x8001u
#define TAG_SESSIONS 0x8002u

struct frame {
    size_t len;
    uint8_t data[FRAME_MAX];
};

/* Numbers in it; the caller knows that they are there. */
uint16_t get16(const uint8_t *p);
uint32_t get32(const uint8_t *p);
void put16(uint8_t *p, uint16_t value);
void put32(uint8_t *p, uint32_t value);

/* Building: a header first; what is appended is cut at FRAME_MAX. */
void frame_begin(struct frame *f, uint16_t tag, uint32_t code);
void frame_u8(struct frame *f, uint8_t value);
void frame_u16(struct frame *f, uint16_t value);
void frame_u32(struct frame *f, uint32_t value);
void frame_add(struct frame *f, const void *data, size_t len);
/* Appends an authorisation area of one empty password. */
void frame_password(struct frame *f);
/* Sets the header's length to what is there. */
void frame_end(struct frame *f);

uint16_t frame_tag(const struct frame *f);
/* Command code or response code. */
uint32_t frame_rc(const struct frame *f);

/*
 * Octets of handles in front of the authorisation area, or of the parameters,
 * of a command; of its successful response.
 */
size_t command_handles(uint32_t code);
size_t response_handles(uint32_t code);

/*
 * Where things are in a command or a successful response with sessions. False
 * where the octets do not fit.
 */
struct layout {
    size_t area;       /* authorisation area: its first session or answer */
    size_t area_len;
    size_t params;
    size_t params_len;
};
bool command_layout(const struct frame *f, struct layout *out);
bool response_layout(const struct frame *f, uint32_t code,
    struct layout *out);

struct wire {
    char path[300];
    int fd; /* -1: not connected */
};

void wire_init(struct wire *w, const char *path);
void wire_close(struct wire *w);

/*
 * One exchange. A command whose header does not fit its length gets little
 * time, since the chip waits for the rest of it. 0 or a negative errno value;
 * -ETIMEDOUT: no answer.
 */
int wire_exchange(struct wire *w, const struct frame *command,
    struct frame *response);

/* Handles of a kind, as many as fit into max; their number or -1. */
int wire_handles(struct wire *w, uint32_t first, uint32_t *handles, int max);
/* Flushes all objects and loaded sessions. */
void wire_flush_all(struct wire *w);
/* Of the SHA-256 bank. False on failure. */
bool wire_pcr_read(struct wire *w, unsigned pcr, uint8_t value[32]);
bool wire_pcr_extend(struct wire *w, unsigned pcr, const uint8_t digest[32]);
bool wire_pcr_reset(struct wire *w, unsigned pcr);

/* The command itself, as firmware would send it. */
void frame_pcr_extend(struct frame *f, unsigned pcr,
    const uint8_t digest[32]);

#endif
