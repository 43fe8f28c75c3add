/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_PLACE_H
#define CHIP_PLACE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Where the processes that share a chip meet
 * ------------------------------------------
 * What the tctildr string says of the link:
 *
 *   a resource manager   tabrmd; a device named tpmrm*: each process has slots
 *                        of its own, there is nothing to share
 *   a bare chip          sockets of simulators, other devices, SPI, I2C, UART
 *   anything else        not known
 *
 * For a bare chip that is a UNIX socket the file is beside it (SOCKET.turn);
 * for all others in /run/scu, named after the device. That folder is made by
 * the system (conf/tmpfiles.d/scu.conf), never by a program.
 */
#define PLACE_RUN "/run/scu"

enum place_kind {
    PLACE_UNKNOWN,
    PLACE_MANAGED,
    PLACE_BARE,
};

struct turn_place {
    enum place_kind kind;
    char *file; /* of a bare chip: where the turn's file is */
    char *node; /* its socket or device; NULL: over a network */
};

/*
 * Reads the string; link is what scu.conf says for an empty "scu:" (NULL:
 * nothing). Paths become absolute, symbolic links are followed; so a socket
 * must be there. run is PLACE_RUN but in tests. 0, -ENOMEM, or a negative errno
 * value of a bare chip's socket that is not there.
 */
int place_find(const char *tcti, const char *link, const char *run,
    struct turn_place *place);

void place_clear(struct turn_place *place);

/*
 * Why the file may not be there, or NULL: its folder is missing, or all
 * users can write to it.
 */
const char *place_objection(const struct turn_place *place);

/*
 * A number that changes when the chip surely lost power: a simulator's with its
 * socket. (Where a device's chip loses it with the host, /run is empty.) It may
 * stay the same when the chip did.
 */
uint64_t place_power(const struct turn_place *place);

#endif
