/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "model.h"

#include <errno.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <linux/spi/spidev.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <umockdev.h>

/*
 * One model of a chip for many processes: /dev/spidev0.0 and /dev/i2c-1 of a
 * testbed of umockdev's lead here. It runs with libumockdev-preload.so.0 in
 * LD_PRELOAD, as do programs that are to see the nodes; these also have
 * UMOCKDEV_DIR, the testbed's folder. The environment is model_on_swtpm()'s.
 *
 * Writes a line with that folder first. Then takes lines, and answers each
 * with one:
 *   hold    from now on commands are executed, but do not end
 *   write   the next process that has written a part of a command comes no
 *           further
 *   read    the next process that has read a part of a response comes no
 *           further
 *   go      nothing of that any more
 *   counts  answer: EXECUTED commands, ABORTED ones, and what no driver may
 *           do: FIFO accesses out of turn, broken frames
 * and says, as it happens, "executes CODE" and "stops". Ends with its input.
 */
static struct {
    pthread_mutex_t mutex; /* the testbed calls in a thread of its own */
    struct model chip;
    model_execute execute;
    enum model_state stop; /* where a process is to; MODEL_IDLE: nowhere */
    UMockdevIoctlClient *stopped; /* the last one that was; or NULL */
} mock = { .mutex = PTHREAD_MUTEX_INITIALIZER };

#define HOLD_US 3600000000u

static const char *const nodes[] = { "/dev/spidev0.0", "/dev/i2c-1" };

static const char devices[] =
    "P: /devices/platform/spi0.0\nN: spidev0.0\n"
    "E: DEVNAME=/dev/spidev0.0\nE: SUBSYSTEM=spidev\n\n"
    "P: /devices/platform/i2c-1\nN: i2c-1\n"
    "E: DEVNAME=/dev/i2c-1\nE: SUBSYSTEM=i2c-dev\n\n";

static size_t
execute(void *user, const uint8_t *command, size_t len, uint8_t *response)
{
    if (len >= 10)
        printf("executes %02x%02x\n", command[8], command[9]);
    return mock.execute(user, command, len, response);
}

/* --- the argument, fetched from the process that called ------------------ */

/* What the pointer at an offset leads to; NULL leads nowhere. */
static bool
fetch(UMockdevIoctlData *data, size_t offset, size_t len)
{
    UMockdevIoctlData *there;
    const void *pointer;

    memcpy(&pointer, data->data + offset, sizeof(pointer));
    if (pointer == NULL || len == 0)
        return true;
    there = umockdev_ioctl_data_resolve(data, offset, len, NULL);
    if (there == NULL)
        return false;
    g_object_unref(there); /* data keeps it */
    return true;
}

static bool
fetch_spi(UMockdevIoctlData *data, size_t n)
{
    struct spi_ioc_transfer t;
    bool good = true;
    size_t at;

    for (size_t i = 0; i < n && good; i++) {
        at = i * sizeof(t);
        memcpy(&t, data->data + at, sizeof(t));
        good = fetch(data, at + offsetof(struct spi_ioc_transfer, tx_buf),
                t.len)
            && fetch(data, at + offsetof(struct spi_ioc_transfer, rx_buf),
                t.len);
    }
    return good;
}

static bool
fetch_i2c(UMockdevIoctlData *data)
{
    struct i2c_rdwr_ioctl_data job;
    UMockdevIoctlData *messages;
    struct i2c_msg message;
    bool good = true;

    memcpy(&job, data->data, sizeof(job));
    messages = umockdev_ioctl_data_resolve(data,
        offsetof(struct i2c_rdwr_ioctl_data, msgs),
        job.nmsgs * sizeof(message), NULL);
    if (messages == NULL)
        return false;
    for (size_t i = 0; i < job.nmsgs && good; i++) {
        memcpy(&message, messages->data + i * sizeof(message),
            sizeof(message));
        good = fetch(messages, i * sizeof(message)
            + offsetof(struct i2c_msg, buf), message.len);
    }
    g_object_unref(messages);
    return good;
}

/* i2c-dev's requests are older than the scheme that has their sizes. */
static size_t
size_of(unsigned long request)
{
    if (request == I2C_RDWR)
        return sizeof(struct i2c_rdwr_ioctl_data);
    return request == I2C_FUNCS ? sizeof(unsigned long) : _IOC_SIZE(request);
}

/* NULL: the caller went away, or never gave it. To be unreferenced. */
static UMockdevIoctlData *
argument_of(UMockdevIoctlClient *client, unsigned long request)
{
    UMockdevIoctlData *data;
    bool good = true;

    data = umockdev_ioctl_data_resolve(umockdev_ioctl_client_get_arg(client),
        0, size_of(request), NULL);
    if (data == NULL)
        return NULL;
    if (request == I2C_RDWR)
        good = fetch_i2c(data);
    else if (_IOC_TYPE(request) == SPI_IOC_MAGIC && _IOC_NR(request) == 0)
        good = fetch_spi(data,
            _IOC_SIZE(request) / sizeof(struct spi_ioc_transfer));
    if (!good)
        g_clear_object(&data);
    return data;
}

/* --- requests ------------------------------------------------------------ */

/* Whether the caller is to stay in its ioctl(2) until it dies. */
static bool
stops(UMockdevIoctlClient *client)
{
    if (mock.stop == MODEL_IDLE || mock.chip.state != mock.stop
        || (mock.stop == MODEL_COMPLETION && mock.chip.out_at == 0))
        return false;
    mock.stop = MODEL_IDLE;
    g_clear_object(&mock.stopped);
    mock.stopped = g_object_ref(client);
    printf("stops\n");
    return true;
}

static gboolean
on_ioctl(UMockdevIoctlBase *handler, UMockdevIoctlClient *client,
    gpointer user)
{
    unsigned long request = umockdev_ioctl_client_get_request(client);
    UMockdevIoctlData *data = NULL;
    bool stopped;
    int rc;

    (void)handler;
    (void)user;
    if (model_serves(request))
        data = argument_of(client, request);
    if (data == NULL) {
        umockdev_ioctl_client_complete(client, -1, ENOTTY);
        return TRUE;
    }
    (void)pthread_mutex_lock(&mock.mutex);
    rc = model_ioctl(&mock.chip, request, data->data);
    stopped = stops(client);
    (void)pthread_mutex_unlock(&mock.mutex);
    if (!stopped)
        umockdev_ioctl_client_complete(client, rc, rc < 0 ? errno : 0);
    g_object_unref(data);
    return TRUE;
}

/* --- what the test wants ------------------------------------------------- */

static const struct {
    const char *line;
    unsigned execution_us;
    enum model_state stop;
} orders[] = {
    { "hold\n", HOLD_US, MODEL_IDLE },
    { "write\n", 0, MODEL_RECEPTION },
    { "read\n", 0, MODEL_COMPLETION },
    { "go\n", 0, MODEL_IDLE },
};

static void
obey(const char *line)
{
    const struct model_counts *counts = &mock.chip.counts;

    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (strcmp(line, orders[i].line) != 0)
            continue;
        mock.chip.knobs.execution_us = orders[i].execution_us;
        mock.stop = orders[i].stop;
        printf("ok\n");
        return;
    }
    printf("%u %u %u\n", counts->executed, counts->aborted,
        counts->early_fifo + counts->broken_frames);
}

static int
serve(UMockdevTestbed *testbed, UMockdevIoctlBase *handler)
{
    char line[32];
    gchar *dir;

    if (!umockdev_testbed_add_from_string(testbed, devices, NULL))
        return 1;
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
        if (!umockdev_testbed_attach_ioctl(testbed, nodes[i], handler, NULL))
            return 1;
    dir = umockdev_testbed_get_root_dir(testbed);
    printf("%s\n", dir);
    g_free(dir);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        (void)pthread_mutex_lock(&mock.mutex);
        obey(line);
        (void)pthread_mutex_unlock(&mock.mutex);
    }
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
        (void)umockdev_testbed_detach_ioctl(testbed, nodes[i], NULL);
    return 0;
}

int
main(void)
{
    UMockdevTestbed *testbed;
    UMockdevIoctlBase *handler;
    int rc;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    model_on_swtpm(&mock.chip);
    mock.execute = mock.chip.execute;
    mock.chip.execute = execute;
    testbed = umockdev_testbed_new();
    handler = umockdev_ioctl_base_new();
    (void)g_signal_connect(handler, "handle-ioctl", G_CALLBACK(on_ioctl),
        NULL);
    rc = serve(testbed, handler);
    g_clear_object(&mock.stopped);
    g_object_unref(handler);
    g_object_unref(testbed);
    return rc;
}
