/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "wire.h"

#include "tests/lib/unixsock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <tss2/tss2_tpm2_types.h>
#include <unistd.h>

#define PATIENCE_MS 60000
#define PATIENCE_BROKEN_MS 150 /* with half a command */

uint16_t
get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t
get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
        p[3];
}

void
put16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

void
put32(uint8_t *p, uint32_t value)
{
    put16(p, (uint16_t)(value >> 16));
    put16(p + 2, (uint16_t)value);
}

/* --- building ------------------------------------------------------------- */

void
frame_add(struct frame *f, const void *data, size_t len)
{
    if (len > FRAME_MAX - f->len)
        len = FRAME_MAX - f->len;
    if (len > 0)
        memcpy(f->data + f->len, data, len);
    f->len += len;
}

void
frame_u8(struct frame *f, uint8_t value)
{
    frame_add(f, &value, 1);
}

void
frame_u16(struct frame *f, uint16_t value)
{
    uint8_t octets[2];

    put16(octets, value);
    frame_add(f, octets, sizeof(octets));
}

void
frame_u32(struct frame *f, uint32_t value)
{
    uint8_t octets[4];

    put32(octets, value);
    frame_add(f, octets, sizeof(octets));
}

void
frame_begin(struct frame *f, uint16_t tag, uint32_t code)
{
    f->len = 0;
    frame_u16(f, tag);
    frame_u32(f, 0);
    frame_u32(f, code);
}

void
frame_password(struct frame *f)
{
    frame_u32(f, 9);
    frame_u32(f, TPM2_RH_PW);
    frame_u16(f, 0);
    frame_u8(f, 0);
    frame_u16(f, 0);
}

void
frame_end(struct frame *f)
{
    put32(f->data + 2, (uint32_t)f->len);
}

uint16_t
frame_tag(const struct frame *f)
{
    return get16(f->data);
}

uint32_t
frame_rc(const struct frame *f)
{
    return get32(f->data + 6);
}

/* --- layout --------------------------------------------------------------- */

/* Of the commands that libscu sends. */
static const struct handles_row {
    uint32_t code;
    unsigned in, out;
} handles[] = {
    { TPM2_CC_Create, 1, 0 },
    { TPM2_CC_CreatePrimary, 1, 1 },
    { TPM2_CC_ECDH_ZGen, 1, 0 },
    { TPM2_CC_EvictControl, 2, 0 },
    { TPM2_CC_HierarchyChangeAuth, 1, 0 },
    { TPM2_CC_Import, 1, 0 },
    { TPM2_CC_Load, 1, 1 },
    { TPM2_CC_NV_ChangeAuth, 1, 0 },
    { TPM2_CC_NV_DefineSpace, 1, 0 },
    { TPM2_CC_NV_Read, 2, 0 },
    { TPM2_CC_NV_ReadPublic, 1, 0 },
    { TPM2_CC_NV_UndefineSpace, 2, 0 },
    { TPM2_CC_NV_Write, 2, 0 },
    { TPM2_CC_PCR_Extend, 1, 0 },
    { TPM2_CC_PolicyAuthValue, 1, 0 },
    { TPM2_CC_PolicyCommandCode, 1, 0 },
    { TPM2_CC_PolicyGetDigest, 1, 0 },
    { TPM2_CC_PolicyNvWritten, 1, 0 },
    { TPM2_CC_PolicyOR, 1, 0 },
    { TPM2_CC_PolicySecret, 2, 0 },
    { TPM2_CC_Quote, 1, 0 },
    { TPM2_CC_ReadPublic, 1, 0 },
    { TPM2_CC_RSA_Decrypt, 1, 0 },
    { TPM2_CC_Sign, 1, 0 },
    { TPM2_CC_StartAuthSession, 2, 1 },
    { TPM2_CC_Unseal, 1, 0 },
};

static const struct handles_row *
find_row(uint32_t code)
{
    for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
        if (handles[i].code == code)
            return &handles[i];
    return NULL;
}

size_t
command_handles(uint32_t code)
{
    const struct handles_row *row = find_row(code);

    return row == NULL ? 0 : 4 * row->in;
}

size_t
response_handles(uint32_t code)
{
    const struct handles_row *row = find_row(code);

    return row == NULL ? 0 : 4 * row->out;
}

bool
command_layout(const struct frame *f, struct layout *out)
{
    size_t at = FRAME_HEADER;

    memset(out, 0, sizeof(*out));
    if (f->len < at)
        return false;
    at += command_handles(frame_rc(f));
    if (frame_tag(f) == TAG_SESSIONS) {
        if (f->len < at + 4 || get32(f->data + at) > f->len - at - 4)
            return false;
        out->area = at + 4;
        out->area_len = get32(f->data + at);
        at = out->area + out->area_len;
    }
    if (at > f->len)
        return false;
    out->params = at;
    out->params_len = f->len - at;
    return true;
}

bool
response_layout(const struct frame *f, uint32_t code, struct layout *out)
{
    size_t at = FRAME_HEADER + response_handles(code);

    memset(out, 0, sizeof(*out));
    if (f->len < at || frame_rc(f) != 0)
        return false;
    out->params = at;
    out->params_len = f->len - at;
    if (frame_tag(f) != TAG_SESSIONS)
        return true;
    if (f->len < at + 4 || get32(f->data + at) > f->len - at - 4)
        return false;
    out->params = at + 4;
    out->params_len = get32(f->data + at);
    out->area = out->params + out->params_len;
    out->area_len = f->len - out->area;
    return true;
}

/* --- the connection ------------------------------------------------------- */

void
wire_init(struct wire *w, const char *path)
{
    (void)snprintf(w->path, sizeof(w->path), "%s", path);
    w->fd = -1;
}

void
wire_close(struct wire *w)
{
    if (w->fd >= 0)
        (void)close(w->fd);
    w->fd = -1;
}

static int
receive(struct wire *w, bool broken, struct frame *response)
{
    struct pollfd p = { .fd = w->fd, .events = POLLIN };
    int n = poll(&p, 1, broken ? PATIENCE_BROKEN_MS : PATIENCE_MS);
    int len;

    response->len = 0;
    if (n == 0)
        return -ETIMEDOUT;
    if (n < 0)
        return -errno;
    len = unixsock_recv_frame(w->fd, response->data, FRAME_MAX);
    if (len < 0)
        return len;
    response->len = (size_t)len;
    return 0;
}

int
wire_exchange(struct wire *w, const struct frame *command,
    struct frame *response)
{
    bool broken = command->len < FRAME_HEADER ||
        frame_length(command->data) != command->len;
    int rc;

    if (w->fd < 0 && (w->fd = unixsock_connect(w->path)) < 0) {
        rc = w->fd;
        w->fd = -1;
        return rc;
    }
    rc = unixsock_send(w->fd, command->data, command->len);
    if (rc == 0)
        rc = receive(w, broken, response);
    if (rc != 0 || broken)
        wire_close(w);
    return rc;
}

/* --- commands of one's own ------------------------------------------------ */

int
wire_handles(struct wire *w, uint32_t first, uint32_t *list, int max)
{
    struct frame c, r;
    int n;

    frame_begin(&c, TAG_NO_SESSIONS, TPM2_CC_GetCapability);
    frame_u32(&c, TPM2_CAP_HANDLES);
    frame_u32(&c, first);
    frame_u32(&c, (uint32_t)max);
    frame_end(&c);
    if (wire_exchange(w, &c, &r) != 0 || frame_rc(&r) != 0 || r.len < 19)
        return -1;
    n = (int)get32(r.data + 15);
    if (n > max || r.len < 19 + 4 * (size_t)n)
        return -1;
    for (int i = 0; i < n; i++)
        list[i] = get32(r.data + 19 + 4 * i);
    return n;
}

void
wire_flush_all(struct wire *w)
{
    static const uint32_t kinds[] = { 0x80000000u, 0x02000000u };
    uint32_t list[16];
    struct frame c, r;

    for (size_t k = 0; k < 2; k++) {
        int n = wire_handles(w, kinds[k], list, 16);

        for (int i = 0; i < n; i++) {
            frame_begin(&c, TAG_NO_SESSIONS, TPM2_CC_FlushContext);
            frame_u32(&c, list[i]);
            frame_end(&c);
            (void)wire_exchange(w, &c, &r);
        }
    }
}

bool
wire_pcr_read(struct wire *w, unsigned pcr, uint8_t value[32])
{
    uint8_t select[3] = { 0 };
    struct frame c, r;

    select[pcr / 8] = (uint8_t)(1u << pcr % 8);
    frame_begin(&c, TAG_NO_SESSIONS, TPM2_CC_PCR_Read);
    frame_u32(&c, 1);
    frame_u16(&c, TPM2_ALG_SHA256);
    frame_u8(&c, sizeof(select));
    frame_add(&c, select, sizeof(select));
    frame_end(&c);
    if (wire_exchange(w, &c, &r) != 0 || frame_rc(&r) != 0 || r.len < 32)
        return false;
    memcpy(value, r.data + r.len - 32, 32);
    return true;
}

void
frame_pcr_extend(struct frame *f, unsigned pcr, const uint8_t digest[32])
{
    frame_begin(f, TAG_SESSIONS, TPM2_CC_PCR_Extend);
    frame_u32(f, pcr);
    frame_password(f);
    frame_u32(f, 1);
    frame_u16(f, TPM2_ALG_SHA256);
    frame_add(f, digest, 32);
    frame_end(f);
}

bool
wire_pcr_extend(struct wire *w, unsigned pcr, const uint8_t digest[32])
{
    struct frame c, r;

    frame_pcr_extend(&c, pcr, digest);
    return wire_exchange(w, &c, &r) == 0 && frame_rc(&r) == 0;
}

bool
wire_pcr_reset(struct wire *w, unsigned pcr)
{
    struct frame c, r;

    frame_begin(&c, TAG_SESSIONS, TPM2_CC_PCR_Reset);
    frame_u32(&c, pcr);
    frame_password(&c);
    frame_end(&c);
    return wire_exchange(w, &c, &r) == 0 && frame_rc(&r) == 0;
}
