/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "server.h"
#include "unixsock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

TSS2_RC Tss2_Tcti_Scu_Init(TSS2_TCTI_CONTEXT *context, size_t *size,
    const char *conf);

const uint8_t command[12] = {
    0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8,
};
const uint8_t answer[12] = {
    0x80, 0x01, 0, 0, 0, 12, 0, 0, 0, 0, 0xab, 0xcd,
};

TSS2_RC
init(struct tcti *tcti, const char *conf)
{
    size_t size = sizeof(*tcti);

    memset(tcti, 0, sizeof(*tcti));
    return Tss2_Tcti_Scu_Init((TSS2_TCTI_CONTEXT *)(void *)tcti, &size, conf);
}

void
start(struct fixture *f, const char *more)
{
    (void)snprintf(f->conf, sizeof(f->conf), "swtpm:path=%s,timeout=50%s",
        f->path, more);
    assert_int_equal(init(&f->tcti, f->conf), TSS2_RC_SUCCESS);
    f->context = (TSS2_TCTI_CONTEXT *)(void *)&f->tcti;
}

void
accept_client(struct fixture *f)
{
    if (f->client >= 0)
        (void)close(f->client);
    f->client = accept4(f->server, NULL, NULL, SOCK_CLOEXEC);
    assert_true(f->client >= 0);
}

void
skip_probe(struct fixture *f)
{
    uint8_t data[1];

    accept_client(f);
    assert_int_equal(read(f->client, data, 1), 0);
}

int
server_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/scu-link.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/swtpm.sock", f->dir);
    f->client = -1;
    f->server = unixsock_listen(f->path);
    assert_true(f->server >= 0);
    *state = f;
    return 0;
}

int
server_teardown(void **state)
{
    struct fixture *f = *state;
    char lock[80];

    if (f->context != NULL)
        Tss2_Tcti_Finalize(f->context);
    if (f->client >= 0)
        (void)close(f->client);
    if (f->server >= 0)
        (void)close(f->server);
    (void)snprintf(lock, sizeof(lock), "%s.lock", f->path);
    (void)unlink(lock);
    (void)unlink(f->path);
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
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

void
send_command(struct fixture *f)
{
    uint8_t data[64];

    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    accept_client(f);
    assert_int_equal(unixsock_recv_frame(f->client, data, sizeof(data)),
        sizeof(command));
    assert_memory_equal(data, command, sizeof(command));
}

void
give(struct fixture *f, const uint8_t *data, size_t len)
{
    assert_int_equal(unixsock_send(f->client, data, len), 0);
}

void
good_exchange(struct fixture *f)
{
    send_command(f);
    give(f, answer, sizeof(answer));
    assert_int_equal(receive(f, -1), TSS2_RC_SUCCESS);
}

void
refused(const char *conf, TSS2_RC rc, const char *part)
{
    struct tcti tcti;

    capture_start();
    assert_int_equal(init(&tcti, conf), rc);
    capture_expect(part);
}
