/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SCU_LINK_H
#define SCU_LINK_H

#include <scu/chip.h>

/*
 * The bare link
 * -------------
 * Commands as a program has made them, to the chip and back, for what stands
 * between programs and the chip: no session, no encryption, no turn, and
 * nothing of what the chip answers is believed or looked at. Whoever wants a
 * key signed or a secret kept uses a struct scu_chip.
 *
 * One exchange at a time: scu_link_send(), then scu_link_receive() until the
 * response is there. After a failure the link is ready for the next command.
 * Not for two threads at once, nor in a child of fork(2).
 */
struct scu_link;

/* No command and no response is longer, or shorter. */
#define SCU_LINK_MESSAGE_MAX 4096
#define SCU_LINK_MESSAGE_MIN 10

/*
 * Opens the link that the options lead to (options->state is of no use here;
 * options may be NULL). Sends no command. The caller frees *link by
 * scu_link_free(). SCU_E_CONF, SCU_E_NO_CHIP, SCU_E_MEMORY.
 */
SCU_API SCU_MUST_CHECK int scu_link_open(
    const struct scu_chip_options *options, struct scu_link **link);

/*
 * Closes and frees; a command under way is cancelled where the link can.
 * Takes NULL, sets the caller's pointer to NULL.
 */
SCU_API void scu_link_free(struct scu_link **link);

/* The tctildr string in use; lives as long as link. */
SCU_API const char *scu_link_tcti(const struct scu_link *link);

/*
 * Sends one whole command, whose header gives len. On a chip that is shared
 * this waits for others, as long as the link's timeout says. SCU_E_ARG: it is
 * none. SCU_E_IO and others: it was not sent, or it is not known whether it
 * was, and there will be no response. Sends the command that it is given.
 */
SCU_API SCU_MUST_CHECK int scu_link_send(struct scu_link *link,
    const uint8_t *command, size_t len);

/*
 * Waits timeout_ms milliseconds (0: not at all, -1: without end) for the
 * response; *len octets of it came, 0 if it is not there yet. size is at least
 * SCU_LINK_MESSAGE_MAX. SCU_E_IO and others: the exchange is over without one.
 * (A link of others may wait longer than told.)
 */
SCU_API SCU_MUST_CHECK int scu_link_receive(struct scu_link *link,
    int32_t timeout_ms, uint8_t *response, size_t size, size_t *len);

/*
 * Cancels the command under way, whose response is dropped: the exchange is
 * over. SCU_E_UNSUPPORTED: the link cannot, the command goes on.
 */
SCU_API SCU_MUST_CHECK int scu_link_cancel(struct scu_link *link);

/*
 * The locality, 0 to 4, of the commands to come. Not between a command and its
 * response. SCU_E_ARG, SCU_E_UNSUPPORTED: the link has none, SCU_E_IO.
 */
SCU_API SCU_MUST_CHECK int scu_link_set_locality(struct scu_link *link,
    uint8_t locality);

/*
 * A descriptor of the link's own for poll(2): readable when
 * scu_link_receive() with timeout 0 is worth calling; -1 where there is none.
 * To be asked for anew before each poll(2).
 */
SCU_API int scu_link_fd(struct scu_link *link);

#endif
