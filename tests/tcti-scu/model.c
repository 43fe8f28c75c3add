/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "model-private.h"

#include <string.h>

static const uint8_t canceled[] = {
    0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x09, 0x09,
};

static void
enter(struct model *m, enum model_state state)
{
    m->state = state;
    m->sts_reads = 0;
    m->burst_used = 0;
    if (state == MODEL_COMPLETION)
        m->int_status |= 0x01;
    if (state == MODEL_READY)
        m->int_status |= 0x80;
    model_line(m);
}

void
model_reset(struct model *m)
{
    enter(m, MODEL_IDLE);
    m->active = -1;
    m->requests = m->seized = 0;
    m->stuck = false;
    m->in_len = m->out_len = m->out_at = 0;
    m->access_seen = 0;
    m->sums = false;
    m->locality = 0;
    m->int_enable = 0x88; /* a polarity, and what is of no use to anybody */
    m->int_status = 0;
}

/* --- the state machine --------------------------------------------------- */

static bool
expects_more(const struct model *m)
{
    size_t size;

    if (m->state != MODEL_RECEPTION)
        return false;
    if (m->in_len < 6)
        return true;
    size = (size_t)m->in[2] << 24 | (size_t)m->in[3] << 16
        | (size_t)m->in[4] << 8 | m->in[5];
    return m->in_len < size;
}

static void
command_ready(struct model *m)
{
    if (m->state == MODEL_RECEPTION)
        m->counts.aborted++;
    m->stuck = false;
    if (m->state == MODEL_COMPLETION && !m->knobs.rests_ready)
        enter(m, MODEL_IDLE);
    else
        enter(m, MODEL_READY);
    m->in_len = m->out_len = m->out_at = 0;
}

static void
go(struct model *m)
{
    if (m->state != MODEL_RECEPTION || expects_more(m))
        return;
    if (m->knobs.reset_at_go) {
        m->knobs.reset_at_go = false;
        model_reset(m);
        return;
    }
    m->counts.executed++;
    if ((m->int_enable & 0x80000000u) != 0)
        m->counts.armed++;
    m->out_len = m->execute(m->user, m->in, m->in_len, m->out);
    m->out_at = 0;
    m->started_us = model_now_us();
    enter(m, MODEL_EXECUTION);
}

static void
cancel(struct model *m)
{
    if (m->state != MODEL_EXECUTION || m->knobs.deaf_to_cancel)
        return;
    m->counts.cancelled++;
    memcpy(m->out, canceled, sizeof(canceled));
    m->out_len = sizeof(canceled);
    m->out_at = 0;
    enter(m, MODEL_COMPLETION);
}

/* Time goes by as STS is read, and by the clock. */
static void
make_progress(struct model *m)
{
    if (m->state != MODEL_EXECUTION)
        return;
    if (m->knobs.reset_in_execution) {
        m->knobs.reset_in_execution = false;
        model_reset(m);
        return;
    }
    if (m->sts_reads <= m->knobs.execution_reads
        || model_now_us() - m->started_us < m->knobs.execution_us)
        return;
    enter(m, MODEL_COMPLETION);
    m->sts_reads = 1; /* this one */
}

void
model_get_on(struct model *m)
{
    make_progress(m);
    if (m->knobs.noisy_line)
        model_line(m);
}

static uint32_t
burst(const struct model *m)
{
    unsigned full = m->knobs.burst != 0 ? m->knobs.burst : 64;

    if (m->knobs.burst_stuck || m->state == MODEL_EXECUTION
        || m->state == MODEL_IDLE
        || (m->state == MODEL_RECEPTION && m->in_len == sizeof(m->in)))
        return 0;
    if (m->knobs.burst_left)
        full -= m->burst_used % full;
    return full;
}

static uint32_t
status(struct model *m)
{
    uint32_t sts = 1u << 26 | m->knobs.sts_bits;

    m->sts_reads++;
    make_progress(m);
    if (m->sts_reads <= m->knobs.invalid_reads || m->stuck)
        return sts;
    sts |= burst(m) << 8;
    if (m->state >= MODEL_RECEPTION)
        sts |= 0x80; /* it is about Expect and dataAvail alone */
    if (m->state == MODEL_READY)
        sts |= 0x40;
    if (m->state == MODEL_COMPLETION && m->out_at < m->out_len)
        sts |= 0x10;
    if (expects_more(m) && !m->knobs.no_expect)
        sts |= 0x08;
    return sts;
}

/* More than one order at once is none. */
static void
write_status(struct model *m, uint32_t value)
{
    if ((value & 0x01000000) != 0)
        cancel(m);
    value &= 0x62;
    if (value == 0x40)
        command_ready(m);
    else if (value == 0x20)
        go(m);
    else if (value == 0x02 && m->state == MODEL_COMPLETION)
        m->out_at = 0;
}

/* --- FIFO ---------------------------------------------------------------- */

/* The bus damages an octet now and then. */
static uint8_t
damaged(struct model *m, uint8_t octet)
{
    m->fifo_octets++;
    if (m->knobs.flips == 0 || m->fifo_octets <= m->knobs.flip_after)
        return octet;
    m->knobs.flips--;
    m->fifo_octets = 0;
    return octet ^ (m->knobs.flip_by != 0 ? m->knobs.flip_by : 0x10);
}

static void
fifo_in(struct model *m, uint8_t octet)
{
    if (m->state == MODEL_READY) {
        enter(m, MODEL_RECEPTION);
        m->in_len = 0;
        m->stuck = m->knobs.stuck_status > 0;
        m->knobs.stuck_status -= m->stuck;
    }
    if (m->state != MODEL_RECEPTION) {
        m->counts.early_fifo++;
        return;
    }
    if (!expects_more(m) || m->in_len == sizeof(m->in))
        return;
    if (m->knobs.lost > 0 && m->in_len >= 10) {
        m->knobs.lost--;
        return;
    }
    m->in[m->in_len++] = damaged(m, octet);
    m->burst_used++;
    m->sts_reads = 0;
}

static uint8_t
fifo_out(struct model *m)
{
    if (m->state != MODEL_COMPLETION)
        m->counts.early_fifo++;
    if (m->state != MODEL_COMPLETION || m->out_at == m->out_len)
        return 0xff;
    m->burst_used++;
    return damaged(m, m->out[m->out_at++]);
}

/* --- interrupts ---------------------------------------------------------- */

static void
write_interrupts(struct model *m, unsigned offset, uint32_t value)
{
    m->counts.int_writes++;
    if (offset == INT_ENABLE)
        m->int_enable = value;
    else
        m->int_status &= ~value;
    model_line(m);
}

/* --- registers ----------------------------------------------------------- */

void
model_put_number(uint8_t *data, size_t len, uint32_t value)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i < 4 ? value >> 8 * i : 0xff);
}

/* What the chip takes or gives of the FIFO in one access. */
static size_t
at_once(const struct model *m, size_t len)
{
    return m->knobs.access_max != 0 && len > m->knobs.access_max ?
        m->knobs.access_max : len;
}

/* Something befalls the chip between two accesses. */
static void
note_access(struct model *m)
{
    m->counts.accesses++;
    if (m->knobs.reset_after > 0 && --m->knobs.reset_after == 0)
        model_reset(m);
    if (m->knobs.seize_after > 0 && --m->knobs.seize_after == 0) {
        (void)model_ask_access(m, MODEL_LOCALITIES - 1, 0x08);
        enter(m, MODEL_IDLE);
    }
}

void
model_read(struct model *m, unsigned locality, unsigned offset, uint8_t *data,
    size_t len)
{
    memset(data, 0xff, len);
    note_access(m);
    if (m->knobs.dead)
        memset(data, 0, len);
    else if (offset == ACCESS)
        model_put_number(data, len, model_access(m, locality));
    else if (offset == DID_VID)
        model_put_number(data, len, m->knobs.did_vid != 0 ?
            m->knobs.did_vid : 0x001b15d1);
    else if (offset == INTF_CAPABILITY)
        model_put_number(data, len, m->knobs.no_interrupts ? 0x30000610 :
            0x30000697);
    else if (m->active != (int)locality)
        return;
    else if (offset == INT_ENABLE)
        model_put_number(data, len, m->int_enable);
    else if (offset == INT_STATUS)
        model_put_number(data, len, m->int_status);
    else if (offset == STS)
        model_put_number(data, len, status(m));
    else if (offset == DATA_FIFO)
        for (size_t i = 0; i < at_once(m, len); i++)
            data[i] = fifo_out(m);
}

void
model_write(struct model *m, unsigned locality, unsigned offset,
    const uint8_t *data, size_t len)
{
    uint32_t value = 0;

    note_access(m);
    if (m->knobs.dead || len == 0)
        return;
    for (size_t i = 0; i < len && i < 4; i++)
        value |= (uint32_t)data[i] << 8 * i;
    if (offset == ACCESS) {
        if (model_ask_access(m, locality, data[0]))
            enter(m, MODEL_IDLE);
    } else if (m->active != (int)locality)
        return;
    else if (offset == INT_ENABLE || offset == INT_STATUS)
        write_interrupts(m, offset, value);
    else if (offset == STS)
        write_status(m, value);
    else if (offset == DATA_FIFO)
        for (size_t i = 0; i < at_once(m, len); i++)
            fifo_in(m, data[i]);
}

/* --- SPI ----------------------------------------------------------------- */

static bool
is_read(const struct model *m)
{
    return (m->header[0] & 0x80) != 0;
}

static size_t
frame_size(const struct model *m)
{
    return (size_t)(m->header[0] & 0x3f) + 1;
}

static unsigned
frame_offset(const struct model *m)
{
    return (unsigned)(m->header[2] & 0x0f) << 8 | m->header[3];
}

static unsigned
frame_locality(const struct model *m)
{
    return (unsigned)(m->header[2] >> 4 & 0x07);
}

static void
begin_frame(struct model *m)
{
    m->frames++;
    m->frame_len = 0;
    m->frame_waits = m->knobs.waits;
    if (m->knobs.waits_change != 0
        && m->frames % m->knobs.waits_change == 0)
        m->frame_waits++;
}

/* FIFO octets go out as they are clocked; other registers stand still. */
static uint8_t
data_octet(struct model *m, uint8_t out)
{
    size_t at = m->frame_len;

    if (at >= frame_size(m))
        return 0xff;
    m->frame_len++;
    if (!is_read(m)) {
        m->frame_data[at] = out;
        return 0;
    }
    if (frame_offset(m) == DATA_FIFO) {
        m->frame_data[at] = 0xff;
        if (at_once(m, at + 1) != at + 1)
            return 0xff;
        if (at != 0)
            m->counts.accesses--; /* one access, octet by octet */
        model_read(m, frame_locality(m), DATA_FIFO, &m->frame_data[at], 1);
    } else if (at == 0) {
        model_read(m, frame_locality(m), frame_offset(m), m->frame_data,
            frame_size(m));
    }
    return m->frame_data[at];
}

uint8_t
model_spi_octet(struct model *m, uint8_t out)
{
    size_t at = m->frame_at++;
    uint8_t in;

    m->counts.octets++;
    if (at < 4)
        m->header[at] = out;
    if (at == 3)
        begin_frame(m);
    if (at < 3)
        in = 0;
    else if (at < 3 + (size_t)m->frame_waits + 1)
        in = at == 3 + (size_t)m->frame_waits;
    else
        in = data_octet(m, out);
    if (m->knobs.dead)
        return 0;
    return m->knobs.floating == 0xff && m->knobs.access_reads == 0 ? 0xff : in;
}

void
model_spi_end(struct model *m)
{
    if (m->frame_at != 0 && m->frame_len == 0)
        m->counts.broken_frames++;
    else if (m->frame_at != 0 && !is_read(m))
        model_write(m, frame_locality(m), frame_offset(m), m->frame_data,
            m->frame_len);
    m->frame_at = m->frame_len = 0;
}
