/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tcti.h"
#include "durations.h"
#include "fail.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <tss2/tss2_tpm2_types.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x7363752d74637469) /* "scu-tcti" */
#define SIZE_OFFSET 2
#define CODE_OFFSET 6
#define LOCALITY_MAX 4

static void
close_ready_fd(struct tcti *tcti)
{
    if (tcti->ready_fd >= 0)
        (void)close(tcti->ready_fd);
    tcti->ready_fd = -1;
}

/* What is kept may hold a password. */
static void
forget_command(struct tcti *tcti)
{
    explicit_bzero(tcti->command, tcti->command_len);
    tcti->command_len = 0;
    tcti->phase = TCTI_PHASE_COMMAND;
}

/*
 * In a child the exchange and the connection are the parent's: it closes its
 * copies of the descriptors and connects anew when it transmits.
 */
static void
start_anew(struct tcti *tcti)
{
    close_ready_fd(tcti);
    tcti->link->ops->abandon(tcti->link);
    trace_inherited(&tcti->trace);
    response_clear(&tcti->response);
    forget_command(tcti);
    tcti->state = TCTI_STATE_TRANSMIT;
    tcti->pid = getpid();
}

/* What each function starts with. *tcti is NULL unless it is success. */
static TSS2_RC
enter(TSS2_TCTI_CONTEXT *context, struct tcti **tcti)
{
    struct tcti *t = (struct tcti *)(void *)context;

    *tcti = NULL;
    if (t == NULL)
        return TSS2_TCTI_RC_BAD_REFERENCE;
    if (t->common.v1.magic != MAGIC)
        return TSS2_TCTI_RC_BAD_CONTEXT;
    if (t->state == TCTI_STATE_FINAL)
        return TSS2_TCTI_RC_BAD_SEQUENCE;
    if (t->pid != getpid())
        start_anew(t);
    *tcti = t;
    return TSS2_RC_SUCCESS;
}

/* Back to TRANSMIT; a link that is not clean drops its connection. */
static void
give_up(struct tcti *tcti)
{
    tcti->link->ops->end(tcti->link, false);
    response_clear(&tcti->response);
    forget_command(tcti);
    close_ready_fd(tcti);
    tcti->state = TCTI_STATE_TRANSMIT;
}

static TSS2_RC
check_command(size_t size, const uint8_t *command)
{
    if (command == NULL)
        return TSS2_TCTI_RC_BAD_REFERENCE;
    if (size < TPM_HEADER_LEN || size > TPM_MESSAGE_MAX)
        return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
            "a command of %zu octets was refused; it must have %d to %d", size,
            TPM_HEADER_LEN, TPM_MESSAGE_MAX);
    if (be32_read(command + SIZE_OFFSET) != size)
        return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
            "a command of %zu octets was refused; its header says %u", size,
            be32_read(command + SIZE_OFFSET));
    return TSS2_RC_SUCCESS;
}

static TSS2_RC
send_command(struct tcti *tcti, const uint8_t *command, size_t size)
{
    TSS2_RC rc = tcti->link->ops->send(tcti->link, command, size);

    if (rc != TSS2_RC_SUCCESS)
        return rc;
    trace_packet(tcti->trace, TRACE_COMMAND, command, size);
    tcti->command_code = be32_read(command + CODE_OFFSET);
    stats_sent(&tcti->stats, tcti->command_code, size);
    tcti->execution = deadline_in(duration_of(tcti->command_code)
        + (int32_t)tcti->options->timeout_ms);
    return TSS2_RC_SUCCESS;
}

static void
keep_command(struct tcti *tcti, const uint8_t *command, size_t size)
{
    forget_command(tcti);
    if (tcti->options->startup == STARTUP_NEVER)
        return;
    memcpy(tcti->command, command, size);
    tcti->command_len = size;
}

static TSS2_RC
transmit(TSS2_TCTI_CONTEXT *context, size_t size, const uint8_t *command)
{
    struct tcti *tcti;
    TSS2_RC rc;

    rc = enter(context, &tcti);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    if (tcti->state != TCTI_STATE_TRANSMIT)
        return TSS2_TCTI_RC_BAD_SEQUENCE;
    rc = check_command(size, command);
    if (rc == TSS2_RC_SUCCESS)
        rc = send_command(tcti, command, size);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    keep_command(tcti, command, size);
    tcti->state = TCTI_STATE_RECEIVE;
    return TSS2_RC_SUCCESS;
}

/* One step; TRY_AGAIN only where the caller's time is up, not the chip's. */
static TSS2_RC
receive_part(struct tcti *tcti, struct deadline deadline)
{
    struct response *rsp = &tcti->response;
    const struct link_ops *ops = tcti->link->ops;
    size_t got = 0;
    TSS2_RC rc;

    rc = ops->receive(tcti->link, rsp->data + rsp->have, response_room(rsp),
        &got, deadline);
    if (rc == TSS2_TCTI_RC_TRY_AGAIN && deadline_past(tcti->execution))
        return tcti_fail(TSS2_TCTI_RC_IO_ERROR,
            "the chip did not answer command 0x%x in time; check the link, or "
            "raise timeout= if others keep the chip busy", tcti->command_code);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    rc = response_grow(rsp, got);
    if (rc == TSS2_RC_SUCCESS && ops->whole && !response_complete(rsp))
        return tcti_fail(TSS2_TCTI_RC_MALFORMED_RESPONSE,
            "the chip's response ends after %zu octets; check the link, then "
            "repeat the operation", rsp->have);
    return rc;
}

/* Until the whole response is here; then the link is free for others. */
static TSS2_RC
collect_one(struct tcti *tcti, struct deadline deadline)
{
    TSS2_RC rc;

    deadline = deadline_earlier(deadline, tcti->execution);
    do {
        rc = receive_part(tcti, deadline);
    } while (rc == TSS2_RC_SUCCESS && !response_complete(&tcti->response));
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    tcti->link->ops->end(tcti->link, true);
    stats_received(&tcti->stats, tcti->response.size);
    trace_packet(tcti->trace, TRACE_RESPONSE, tcti->response.data,
        tcti->response.size);
    return TSS2_RC_SUCCESS;
}

/*
 * Whether something is to be sent before there is an answer for the caller:
 * TPM2_Startup, or after it the command again. What another program did
 * meanwhile shows in the answer to that.
 */
static TSS2_RC
next_phase(struct tcti *tcti, bool *more)
{
    static const uint8_t startup[] = {
        0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x44, 0, 0,
    };
    uint32_t code = be32_read(tcti->response.data + CODE_OFFSET);

    *more = tcti->phase == TCTI_PHASE_STARTUP
        || (tcti->phase == TCTI_PHASE_COMMAND && tcti->command_len > 0
        && code == TPM2_RC_INITIALIZE
        && tcti->command_code != TPM2_CC_Startup);
    if (!*more)
        return TSS2_RC_SUCCESS;
    response_clear(&tcti->response);
    if (tcti->phase++ == TCTI_PHASE_COMMAND)
        return send_command(tcti, startup, sizeof(startup));
    return send_command(tcti, tcti->command, tcti->command_len);
}

/* Programs show a number, and what it means for the chip is easily missed. */
static void
tell_failure_mode(struct tcti *tcti)
{
    if (be32_read(tcti->response.data + CODE_OFFSET) != TPM2_RC_FAILURE
        || tcti->told_failure)
        return;
    tcti->told_failure = true;
    (void)tcti_fail(TSS2_RC_SUCCESS, "the chip is in failure mode: it has "
        "found itself broken and executes nothing; take its power away and "
        "back, and if that does not help, replace it");
}

static TSS2_RC
collect(struct tcti *tcti, int32_t timeout)
{
    struct deadline deadline = deadline_in(timeout);
    bool more = true;
    TSS2_RC rc = TSS2_RC_SUCCESS;

    if (response_complete(&tcti->response))
        return TSS2_RC_SUCCESS;
    while (rc == TSS2_RC_SUCCESS && more) {
        rc = collect_one(tcti, deadline);
        if (rc == TSS2_RC_SUCCESS)
            rc = next_phase(tcti, &more);
    }
    if (rc == TSS2_RC_SUCCESS) {
        tell_failure_mode(tcti);
        forget_command(tcti);
    } else if (rc != TSS2_TCTI_RC_TRY_AGAIN) {
        give_up(tcti);
    }
    return rc;
}

static TSS2_RC
deliver(struct tcti *tcti, size_t *size, uint8_t *response)
{
    size_t room = *size;

    *size = tcti->response.size;
    if (response == NULL)
        return TSS2_RC_SUCCESS;
    if (room < tcti->response.size)
        return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
    memcpy(response, tcti->response.data, tcti->response.size);
    response_clear(&tcti->response);
    close_ready_fd(tcti);
    tcti->state = TCTI_STATE_TRANSMIT;
    return TSS2_RC_SUCCESS;
}

static TSS2_RC
receive(TSS2_TCTI_CONTEXT *context, size_t *size, uint8_t *response,
    int32_t timeout)
{
    struct tcti *tcti;
    TSS2_RC rc;

    rc = enter(context, &tcti);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    if (tcti->state != TCTI_STATE_RECEIVE)
        return TSS2_TCTI_RC_BAD_SEQUENCE;
    if (size == NULL)
        return TSS2_TCTI_RC_BAD_REFERENCE;
    if (timeout < TSS2_TCTI_TIMEOUT_BLOCK)
        return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
            "timeout %d was refused; give -1, 0 or milliseconds", timeout);
    rc = collect(tcti, timeout);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    return deliver(tcti, size, response);
}

/* The answer is dropped, with the connection where need be. */
static TSS2_RC
cancel(TSS2_TCTI_CONTEXT *context)
{
    struct tcti *tcti;
    TSS2_RC rc;

    rc = enter(context, &tcti);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    if (tcti->state != TCTI_STATE_RECEIVE)
        return TSS2_TCTI_RC_BAD_SEQUENCE;
    if (tcti->link->ops->cancel == NULL)
        return TSS2_TCTI_RC_NOT_IMPLEMENTED;
    if (!response_complete(&tcti->response))
        rc = tcti->link->ops->cancel(tcti->link);
    if (rc == TSS2_RC_SUCCESS)
        give_up(tcti);
    return rc;
}

/*
 * Once the response is in our own buffer the link shows nothing more, so
 * whoever polls gets a descriptor that is always readable.
 */
static int
poll_fd(struct tcti *tcti)
{
    if (tcti->state != TCTI_STATE_RECEIVE
        || !response_complete(&tcti->response))
        return tcti->link->ops->fd(tcti->link);
    if (tcti->ready_fd < 0)
        tcti->ready_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    return tcti->ready_fd;
}

static TSS2_RC
get_poll_handles(TSS2_TCTI_CONTEXT *context, TSS2_TCTI_POLL_HANDLE *handles,
    size_t *num_handles)
{
    struct tcti *tcti;
    size_t room;
    TSS2_RC rc;

    rc = enter(context, &tcti);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    if (num_handles == NULL)
        return TSS2_TCTI_RC_BAD_REFERENCE;
    room = *num_handles;
    *num_handles = 1;
    if (handles == NULL)
        return TSS2_RC_SUCCESS;
    if (room < 1)
        return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
    /* poll(2) passes over -1: between exchanges there may be nothing. */
    handles[0] = (TSS2_TCTI_POLL_HANDLE) {
        .fd = poll_fd(tcti),
        .events = POLLIN,
    };
    return TSS2_RC_SUCCESS;
}

static TSS2_RC
set_locality(TSS2_TCTI_CONTEXT *context, uint8_t locality)
{
    struct tcti *tcti;
    TSS2_RC rc;

    rc = enter(context, &tcti);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    if (tcti->state != TCTI_STATE_TRANSMIT)
        return TSS2_TCTI_RC_BAD_SEQUENCE;
    if (locality > LOCALITY_MAX)
        return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
            "locality %u was refused; give 0 to %d", locality, LOCALITY_MAX);
    if (tcti->link->ops->locality == NULL)
        return TSS2_TCTI_RC_NOT_IMPLEMENTED;
    return tcti->link->ops->locality(tcti->link, locality);
}

static TSS2_RC
make_sticky(TSS2_TCTI_CONTEXT *context, TPM2_HANDLE *handle, uint8_t sticky)
{
    struct tcti *tcti;
    TSS2_RC rc = enter(context, &tcti);

    (void)handle;
    (void)sticky;
    return rc == TSS2_RC_SUCCESS ? TSS2_TCTI_RC_NOT_IMPLEMENTED : rc;
}

static void
show_stats(const struct tcti *tcti)
{
    const struct options *o = tcti->options;
    const char *name = o->path != NULL ? o->path
        : o->dir != NULL ? o->dir : o->host;

    if (tcti->link->ops->counts)
        return;
    if (name == NULL && o->type != NULL)
        name = o->type->name;
    stats_show(&tcti->stats, name != NULL ? name : "chip");
}

static void
finalize(TSS2_TCTI_CONTEXT *context)
{
    struct tcti *tcti;

    if (enter(context, &tcti) != TSS2_RC_SUCCESS)
        return;
    close_ready_fd(tcti);
    show_stats(tcti);
    tcti->link->ops->close(&tcti->link);
    trace_close(&tcti->trace);
    options_clear(tcti->options);
    free(tcti->options);
    tcti->options = NULL;
    response_clear(&tcti->response);
    forget_command(tcti);
    tcti->state = TCTI_STATE_FINAL;
}

static const TSS2_TCTI_CONTEXT_COMMON_V2 vtable = {
    .v1 = {
        .magic = MAGIC,
        .version = 2,
        .transmit = transmit,
        .receive = receive,
        .finalize = finalize,
        .cancel = cancel,
        .getPollHandles = get_poll_handles,
        .setLocality = set_locality,
    },
    .makeSticky = make_sticky,
};

void
tcti_fill(struct tcti *tcti, struct link *link, struct trace *trace,
    struct options *options)
{
    tcti->common = vtable;
    tcti->state = TCTI_STATE_TRANSMIT;
    tcti->pid = getpid();
    tcti->link = link;
    tcti->trace = trace;
    tcti->options = options;
    tcti->ready_fd = -1;
    tcti->phase = TCTI_PHASE_COMMAND;
    tcti->command_len = 0;
    tcti->told_failure = false;
    tcti->stats = (struct stats){ 0 };
    tcti->response.have = 0;
    tcti->response.size = 0;
}
