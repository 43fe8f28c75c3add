/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fifo.h"

#include <errno.h>

static const struct {
    int err;
    const char *text;
} reasons[] = {
    { -ENODEV, "nobody answers; check wiring, power, address and, on SPI, hz= "
        "and mode=" },
    { -ENXIO, "it does not acknowledge; check wiring, power and addr=" },
    { -EREMOTEIO, "it does not acknowledge; check wiring, power and addr=" },
    { -EBUSY, "another program or driver holds or took its locality; end "
        "that, or unbind the kernel's driver" },
    { -ETIME, "it takes longer than the TCG's profile allows; repeat the "
        "operation, then check supply and clock" },
    { -EBADMSG, "its response was damaged on every try; check the bus, or "
        "lower its speed" },
    { -EILSEQ, "the command was damaged on every try; check the bus, or lower "
        "its speed" },
    { -EPROTO, "it was reset meanwhile; repeat the operation" },
    { -EINPROGRESS, "the bus failed as the command was started; repeat the "
        "operation" },
    { -ENOTTY, "that is no device; name the device node of the bus" },
    { -ENOENT, "no such device; is the bus enabled, and its driver loaded?" },
    { -EACCES, "permission denied; add the user to the group that owns the "
        "device" },
    { -EOPNOTSUPP, "the adapter cannot do plain I2C transfers; use another" },
    { -EINVAL, "the controller refuses the set-up; check hz=, mode=, cs-gpio= "
        "and reset=" },
};

const char *
fifo_reason(int err)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].err == err)
            return reasons[i].text;
    return NULL;
}
