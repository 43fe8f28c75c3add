/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

const uint8_t command[COMMAND_LEN] = {
    0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8,
};
const uint8_t answer[12] = {
    0x80, 0x01, 0, 0, 0, 12, 0, 0, 0, 0, 0xab, 0xcd,
};

static struct fake *
fake_of(struct link *link)
{
    return (struct fake *)(void *)link;
}

static TSS2_RC
fake_send(struct link *link, const uint8_t *data, size_t len)
{
    static const uint8_t startup[] = {
        0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x44, 0, 0,
    };

    if (memcmp(data, startup, sizeof(startup)) == 0)
        fake_of(link)->startups++;
    else
        assert_memory_equal(data, command, len);
    fake_of(link)->sends++;
    return fake_of(link)->send_rc;
}

static TSS2_RC
fake_receive(struct link *link, uint8_t *data, size_t max, size_t *got,
    struct deadline deadline)
{
    struct fake *f = fake_of(link);
    const struct step *step = &f->steps[f->at];

    f->deadline = deadline;
    assert_false(deadline.forever);
    *got = 0;
    if (f->at == f->n_steps)
        return TSS2_TCTI_RC_TRY_AGAIN;
    f->at++;
    if (step->rc != TSS2_RC_SUCCESS)
        return step->rc;
    *got = step->len < max ? step->len : max;
    memcpy(data, step->data, *got);
    return TSS2_RC_SUCCESS;
}

static void
fake_end(struct link *link, bool clean)
{
    fake_of(link)->ends++;
    fake_of(link)->unclean_ends += !clean;
}

static TSS2_RC
fake_cancel(struct link *link)
{
    fake_of(link)->cancels++;
    return fake_of(link)->cancel_rc;
}

static TSS2_RC
fake_locality(struct link *link, uint8_t locality)
{
    fake_of(link)->locality = locality;
    return fake_of(link)->locality_rc;
}

static int
fake_fd(const struct link *link)
{
    (void)link;
    return 77;
}

static void
fake_abandon(struct link *link)
{
    fake_of(link)->abandons++;
}

static void
fake_close(struct link **link)
{
    (*fake_of(*link)->closes)++;
    free(*link);
    *link = NULL;
}

static const struct link_ops fake_ops = {
    .send = fake_send,
    .receive = fake_receive,
    .end = fake_end,
    .cancel = fake_cancel,
    .locality = fake_locality,
    .fd = fake_fd,
    .abandon = fake_abandon,
    .close = fake_close,
};

const struct link_ops plain_ops = { /* as a kernel's device */
    .whole = true,
    .send = fake_send,
    .receive = fake_receive,
    .end = fake_end,
    .fd = fake_fd,
    .abandon = fake_abandon,
    .close = fake_close,
};

int
fake_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct options *options = calloc(1, sizeof(*options));

    assert_non_null(f);
    assert_non_null(options);
    options->timeout_ms = 1000;
    f->fake = calloc(1, sizeof(*f->fake));
    assert_non_null(f->fake);
    f->fake->link.ops = &fake_ops;
    f->fake->closes = &f->closes;
    f->context = (TSS2_TCTI_CONTEXT *)(void *)&f->tcti;
    tcti_fill(&f->tcti, &f->fake->link, NULL, options);
    *state = f;
    return 0;
}

int
fake_teardown(void **state)
{
    struct fixture *f = *state;

    Tss2_Tcti_Finalize(f->context);
    assert_int_equal(f->closes, 1);
    free(f);
    return 0;
}

void
will_receive(struct fixture *f, TSS2_RC rc, const uint8_t *data, size_t len)
{
    assert_true(f->fake->n_steps < STEPS_MAX);
    f->fake->steps[f->fake->n_steps++] = (struct step) {
        .rc = rc, .data = data, .len = len,
    };
}

TSS2_RC
transmit(struct fixture *f)
{
    return Tss2_Tcti_Transmit(f->context, sizeof(command), command);
}

TSS2_RC
receive(struct fixture *f, int32_t timeout)
{
    uint8_t data[TPM_MESSAGE_MAX];
    size_t size = sizeof(data);

    return Tss2_Tcti_Receive(f->context, &size, data, timeout);
}
