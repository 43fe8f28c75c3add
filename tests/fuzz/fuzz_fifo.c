/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fuzz.h"
#include "stage.h"

#include <errno.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <linux/spi/spidev.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <tss2/tss2_tcti.h>
#include <unistd.h>

/*
 * The links to bare chips, before a chip, or a bus, that answers as the input
 * has it. For each message on the bus: an octet (0xfe, 0xff: an error), then
 * what is read. When the input is at its end, all reads give its last octet.
 */
#define COMMAND_LEN 70
#define MESSAGE_US 20

static const uint8_t *input;
static size_t left;
static uint8_t last;
static char lock[64];

TSS2_RC Tss2_Tcti_Scu_Init(TSS2_TCTI_CONTEXT *context, size_t *size,
    const char *conf);

int __real_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, void *argument);

static uint8_t
take(void)
{
    if (left > 0) {
        left--;
        last = *input++;
    }
    return last;
}

/* true: the message fails. */
static bool
message_fails(void)
{
    uint8_t how;

    stage_count();
    stage_pass_us(MESSAGE_US);
    if (left == 0)
        return false;
    how = take();
    errno = how == 0xff ? EIO : ENXIO;
    return how >= 0xfe;
}

static void
fill(void *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)data)[i] = take();
}

static int
spi(unsigned long request, const struct spi_ioc_transfer *transfers)
{
    size_t n = _IOC_SIZE(request) / sizeof(*transfers);
    int total = 0;

    if (_IOC_NR(request) != 0)
        return 0;
    if (message_fails())
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (transfers[i].rx_buf != 0)
            fill((void *)(uintptr_t)transfers[i].rx_buf, transfers[i].len);
        total += (int)transfers[i].len;
    }
    return total;
}

static int
i2c(unsigned long request, void *argument)
{
    const struct i2c_rdwr_ioctl_data *job = argument;

    if (request == I2C_FUNCS) {
        *(unsigned long *)argument = I2C_FUNC_I2C;
        return 0;
    }
    if (message_fails())
        return -1;
    for (size_t i = 0; i < job->nmsgs; i++)
        if ((job->msgs[i].flags & I2C_M_RD) != 0)
            fill(job->msgs[i].buf, job->msgs[i].len);
    return (int)job->nmsgs;
}

int
__wrap_ioctl(int fd, unsigned long request, void *argument)
{
    if (stage_is_on() && _IOC_TYPE(request) == SPI_IOC_MAGIC)
        return spi(request, argument);
    if (stage_is_on() && (request == I2C_RDWR || request == I2C_FUNCS))
        return i2c(request, argument);
    return __real_ioctl(fd, request, argument);
}

static void
remove_lock(void)
{
    (void)unlink(lock);
}

static void
run_command(TSS2_TCTI_CONTEXT *context, bool cancel)
{
    uint8_t command[COMMAND_LEN] = { 0x80, 0x01, 0, 0, 0, COMMAND_LEN,
        0, 0, 0x01, 0x7a };
    uint8_t response[4096] = { 0 };
    size_t size = sizeof(response);
    TSS2_RC rc;

    if (Tss2_Tcti_Transmit(context, sizeof(command), command)
        != TSS2_RC_SUCCESS)
        return;
    rc = Tss2_Tcti_Receive(context, &size, response, 0);
    if (rc == TSS2_TCTI_RC_TRY_AGAIN && cancel
        && Tss2_Tcti_Cancel(context) == TSS2_RC_SUCCESS)
        return;
    if (rc == TSS2_TCTI_RC_TRY_AGAIN) {
        size = sizeof(response);
        rc = Tss2_Tcti_Receive(context, &size, response, -1);
    }
    if (rc == TSS2_TCTI_RC_TRY_AGAIN)
        abort();
    if (rc == TSS2_RC_SUCCESS && (size < 10 || size > sizeof(response)
        || (size_t)(response[4] << 8 | response[5]) != size))
        abort();
}

static void
run(uint8_t how)
{
    TSS2_TCTI_CONTEXT *context;
    char conf[128];
    size_t size = 0;

    (void)snprintf(conf, sizeof(conf), "%s:/dev/null,lock=%s,timeout=100",
        (how & 1) != 0 ? "i2c" : "spi", lock);
    (void)Tss2_Tcti_Scu_Init(NULL, &size, NULL);
    context = calloc(1, size);
    if (context == NULL)
        return;
    if (Tss2_Tcti_Scu_Init(context, &size, conf) == TSS2_RC_SUCCESS) {
        run_command(context, false);
        run_command(context, (how & 2) != 0);
        if ((how & 4) != 0)
            (void)Tss2_Tcti_SetLocality(context, how >> 5);
        run_command(context, (how & 8) != 0);
        Tss2_Tcti_Finalize(context);
    }
    free(context);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (lock[0] == '\0') {
        (void)snprintf(lock, sizeof(lock), "/tmp/scu-fuzz.%ld",
            (long)getpid());
        (void)atexit(remove_lock);
    }
    input = data;
    left = size;
    last = 0;
    stage_enter();
    run(take());
    stage_leave();
    return 0;
}
