/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "trace.h"
#include "fail.h"
#include "io.h"
#include "log.h"
#include "response.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tss2/tss2_tcti.h>
#include <unistd.h>

/* pcapng, in the byte order of the file's own magic: ours is little endian. */
#define BLOCK_SECTION 0x0a0d0d0a
#define BLOCK_INTERFACE 1
#define BLOCK_PACKET 6
#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define LINKTYPE_RAW 101 /* a packet starts with its IP header */
#define OPTION_TSRESOL 9
#define TSRESOL_NANOSECONDS 9

#define PACKET_FIXED 28 /* before the data */
#define BLOCK_TAIL 4
#define IP_LEN 20
#define TCP_LEN 20
#define IP_PROTOCOL_TCP 6
#define TCP_PUSH_ACK 0x18
#define PORT_HOST 50000
#define PORT_CHIP 2321 /* the one that Wireshark takes for a TPM's */

struct trace {
    int fd;
    char *pattern;
    char *name;
    bool broken;
    uint32_t sent[2]; /* octets so far, by direction: TCP's numbers */
};

/* Appends to a block; the caller made room. */
struct cursor {
    uint8_t *at;
};

static void
put(struct cursor *c, uint64_t value, size_t len, bool big)
{
    for (size_t i = 0; i < len; i++)
        c->at[big ? len - 1 - i : i] = (uint8_t)(value >> (8 * i));
    c->at += len;
}

static void
le(struct cursor *c, uint64_t value, size_t len)
{
    put(c, value, len, false);
}

static void
be(struct cursor *c, uint64_t value, size_t len)
{
    put(c, value, len, true);
}

/* The checksum of IP and TCP (RFC 1071) over data, on top of start. */
static uint16_t
checksum(const uint8_t *data, size_t len, uint32_t start)
{
    uint32_t sum = start;

    for (size_t i = 0; i < len; i++)
        sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void
set_be16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint32_t
address_of(bool chip)
{
    return chip ? 0x7f000002 : 0x7f000001;
}

static void
put_ip(struct cursor *c, bool to_chip, size_t payload)
{
    uint8_t *start = c->at;

    be(c, 0x4500, 2);                       /* version 4, 5 words */
    be(c, IP_LEN + TCP_LEN + payload, 2);
    be(c, 0x00004000, 4);                   /* no id, not to be split */
    be(c, 64, 1);                           /* time to live */
    be(c, IP_PROTOCOL_TCP, 1);
    be(c, 0, 2);
    be(c, address_of(!to_chip), 4);
    be(c, address_of(to_chip), 4);
    set_be16(start + 10, checksum(start, IP_LEN, 0));
}

static void
put_tcp(struct cursor *c, bool to_chip, uint32_t seq, uint32_t ack,
    const uint8_t *data, size_t len)
{
    uint8_t *start = c->at;
    uint32_t pseudo = 0x7f00 + 0x0001 + 0x7f00 + 0x0002 + IP_PROTOCOL_TCP
        + TCP_LEN + (uint32_t)len;

    be(c, to_chip ? PORT_HOST : PORT_CHIP, 2);
    be(c, to_chip ? PORT_CHIP : PORT_HOST, 2);
    be(c, seq + 1, 4);
    be(c, ack + 1, 4);
    be(c, 5 << 4, 1);
    be(c, TCP_PUSH_ACK, 1);
    be(c, 65535, 2);
    be(c, 0, 4);
    memcpy(c->at, data, len);
    c->at += len;
    set_be16(start + 16, checksum(start, TCP_LEN + len, pseudo));
}

static int
write_head(int fd)
{
    uint8_t head[28 + 32];
    struct cursor c = { .at = head };

    le(&c, BLOCK_SECTION, 4);
    le(&c, 28, 4);
    le(&c, BYTE_ORDER_MAGIC, 4);
    le(&c, 1, 2);
    le(&c, 0, 2);
    le(&c, UINT64_MAX, 8); /* length of the section: not known */
    le(&c, 28, 4);

    le(&c, BLOCK_INTERFACE, 4);
    le(&c, 32, 4);
    le(&c, LINKTYPE_RAW, 2);
    le(&c, 0, 2);
    le(&c, 0, 4); /* no limit of length */
    le(&c, OPTION_TSRESOL, 2);
    le(&c, 1, 2);
    le(&c, TSRESOL_NANOSECONDS, 4);
    le(&c, 0, 4); /* end of options */
    le(&c, 32, 4);
    return io_write(fd, head, sizeof(head), deadline_in(-1));
}

/* NULL where memory is short or the pattern holds another %. */
static char *
expand(const char *pattern)
{
    size_t size = strlen(pattern) * 11 + 1; /* digits of a pid, at most */
    char *name = malloc(size);
    char *at = name;

    for (; name != NULL && *pattern != '\0'; pattern++) {
        if (*pattern != '%') {
            *at++ = *pattern;
        } else if (*++pattern == '%') {
            *at++ = '%';
        } else if (*pattern == 'p') {
            at += snprintf(at, size - (size_t)(at - name), "%ld",
                (long)getpid());
        } else {
            free(name);
            errno = EINVAL;
            return NULL;
        }
    }
    if (name != NULL)
        *at = '\0';
    return name;
}

static TSS2_RC
create(struct trace *trace)
{
    int rc;

    trace->fd = open(trace->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
        | O_CLOEXEC | O_APPEND, 0600);
    if (trace->fd < 0 && errno == EEXIST)
        return tcti_fail(TSS2_TCTI_RC_IO_ERROR,
            "the trace file %s exists; remove it, or put %%p (the process id) "
            "into the name", trace->name);
    rc = trace->fd < 0 ? -errno : write_head(trace->fd);
    if (rc != 0)
        return tcti_fail(TSS2_TCTI_RC_IO_ERROR,
            "the trace file %s cannot be made: %s; name another", trace->name,
            strerror(-rc));
    return TSS2_RC_SUCCESS;
}

TSS2_RC
trace_open(const char *pattern, struct trace **trace)
{
    struct trace *t = calloc(1, sizeof(*t));
    TSS2_RC rc = TSS2_TCTI_RC_MEMORY;

    *trace = NULL;
    if (t == NULL)
        return rc;
    t->fd = -1;
    t->pattern = strdup(pattern);
    t->name = expand(pattern);
    if (t->name == NULL && errno == EINVAL)
        rc = tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
            "trace=%s: only %%p (the process id) and %%%% may follow a percent "
            "sign", pattern);
    else if (t->name != NULL && t->pattern != NULL)
        rc = create(t);
    if (rc == TSS2_RC_SUCCESS)
        *trace = t;
    else
        trace_close(&t);
    return rc;
}

void
trace_packet(struct trace *trace, enum trace_direction direction,
    const uint8_t *data, size_t len)
{
    uint8_t block[PACKET_FIXED + IP_LEN + TCP_LEN + TPM_MESSAGE_MAX + 3
        + BLOCK_TAIL];
    struct cursor c = { .at = block };
    bool to_chip = direction == TRACE_COMMAND;
    size_t packet = IP_LEN + TCP_LEN + len;
    size_t padding = (4 - packet % 4) % 4;
    size_t size = PACKET_FIXED + packet + padding + BLOCK_TAIL;
    struct timespec ts;
    uint64_t ns;
    int rc;

    if (trace == NULL || trace->broken || len > TPM_MESSAGE_MAX)
        return;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
    le(&c, BLOCK_PACKET, 4);
    le(&c, size, 4);
    le(&c, 0, 4); /* the interface */
    le(&c, ns >> 32, 4);
    le(&c, ns & UINT32_MAX, 4);
    le(&c, packet, 4);
    le(&c, packet, 4);
    put_ip(&c, to_chip, len);
    put_tcp(&c, to_chip, trace->sent[direction], trace->sent[!direction],
        data, len);
    le(&c, 0, padding);
    le(&c, size, 4);
    trace->sent[direction] += (uint32_t)len;
    rc = io_write(trace->fd, block, size, deadline_in(-1));
    explicit_bzero(block, size);
    if (rc != 0) {
        trace->broken = true;
        log_line(LOG_LEVEL_WARN, "the trace file %s ends here: %s; make room "
            "and start again", trace->name, strerror(-rc));
    }
}

void
trace_inherited(struct trace **trace)
{
    struct trace *parents = *trace;

    *trace = NULL;
    if (parents == NULL)
        return;
    if (strstr(parents->pattern, "%p") != NULL)
        (void)trace_open(parents->pattern, trace);
    else
        log_line(LOG_LEVEL_WARN, "process %ld is not in the trace %s of its "
            "parent; put %%p (the process id) into the name",
            (long)getpid(), parents->name);
    trace_close(&parents);
}

void
trace_close(struct trace **trace)
{
    if (*trace == NULL)
        return;
    if ((*trace)->fd >= 0)
        (void)close((*trace)->fd);
    free((*trace)->pattern);
    free((*trace)->name);
    free(*trace);
    *trace = NULL;
}
