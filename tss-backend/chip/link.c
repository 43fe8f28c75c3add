/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/link.h"

#include "base/error.h"

#include <scu/link.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_tctildr.h>

/* How tctildr is told to take tcti-scu. */
#define OWN_TCTI "scu:"
#define OWN_LIBRARY "libtss2-tcti-scu.so.0"

#define HANDLES_MAX 8

struct scu_link {
    struct scu_chip *chip; /* for its settings alone: it sends no command */
    TSS2_TCTI_CONTEXT *tcti; /* NULL: to be opened by the next command */
    bool own;
    uint8_t locality;
};

bool
link_is_own(const char *tcti)
{
    return strncmp(tcti, OWN_TCTI, strlen(OWN_TCTI)) == 0;
}

/*
 * Ours by the library's whole name: tctildr would first look for one that is
 * called "scu", in all folders where libraries are.
 */
static TSS2_RC
initialize(const char *tcti, TSS2_TCTI_CONTEXT **context)
{
    if (link_is_own(tcti))
        return Tss2_TctiLdr_Initialize_Ex(OWN_LIBRARY,
            tcti + strlen(OWN_TCTI), context);
    return Tss2_TctiLdr_Initialize(tcti, context);
}

int
link_load(const char *tcti, TSS2_TCTI_CONTEXT **context)
{
    TSS2_RC rc = initialize(tcti, context);

    if (rc == TSS2_RC_SUCCESS)
        return SCU_OK;
    *context = NULL;
    if (err_of_tss(rc) == SCU_E_CONF)
        return err_set(SCU_E_CONF, "'%s' is no valid link to a chip: "
            "correct it in SCU_TCTI, scu.conf or openssl.cnf, or install "
            "the TCTI library that it names", tcti);
    return err_set(SCU_E_NO_CHIP, "no link to the chip by '%s': check "
        "SCU_TCTI or scu.conf, and that the chip (or `scu sim start`) is "
        "there", tcti);
}

int
scu_link_open(const struct scu_chip_options *options, struct scu_link **link)
{
    struct scu_link *l = calloc(1, sizeof(*l));
    int rc;

    *link = NULL;
    if (l == NULL)
        return err_memory();
    rc = scu_chip_open(options, &l->chip);
    if (rc == SCU_OK) {
        l->own = link_is_own(scu_chip_tcti(l->chip));
        rc = link_load(scu_chip_tcti(l->chip), &l->tcti);
    }
    if (rc != SCU_OK) {
        scu_link_free(&l);
        return rc;
    }
    *link = l;
    return SCU_OK;
}

void
scu_link_free(struct scu_link **link)
{
    struct scu_link *l = link == NULL ? NULL : *link;

    if (l == NULL)
        return;
    Tss2_TctiLdr_Finalize(&l->tcti);
    scu_chip_free(&l->chip);
    free(l);
    *link = NULL;
}

const char *
scu_link_tcti(const struct scu_link *link)
{
    return scu_chip_tcti(link->chip);
}

/* Ours recovers by itself; others are made anew by the next command. */
static int
failure(struct scu_link *link, TSS2_RC rc, const char *what)
{
    if (!link->own)
        Tss2_TctiLdr_Finalize(&link->tcti);
    return err_tss(rc, what);
}

static int
reopen(struct scu_link *link)
{
    int rc;

    if (link->tcti != NULL)
        return SCU_OK;
    rc = link_load(scu_chip_tcti(link->chip), &link->tcti);
    if (rc == SCU_OK && link->locality != 0)
        rc = scu_link_set_locality(link, link->locality);
    return rc;
}

int
scu_link_send(struct scu_link *link, const uint8_t *command, size_t len)
{
    TSS2_RC tss;
    int rc;

    if (len < SCU_LINK_MESSAGE_MIN || len > SCU_LINK_MESSAGE_MAX)
        return err_set(SCU_E_ARG, "a command of %zu octets: it has %d to %d",
            len, SCU_LINK_MESSAGE_MIN, SCU_LINK_MESSAGE_MAX);
    if ((rc = reopen(link)) != SCU_OK)
        return rc;
    tss = Tss2_Tcti_Transmit(link->tcti, len, command);
    return tss == TSS2_RC_SUCCESS ? SCU_OK :
        failure(link, tss, "sending a command");
}

int
scu_link_receive(struct scu_link *link, int32_t timeout_ms, uint8_t *response,
    size_t size, size_t *len)
{
    size_t got = size;
    TSS2_RC rc;

    *len = 0;
    if (size < SCU_LINK_MESSAGE_MAX || link->tcti == NULL)
        return err_set(SCU_E_ARG, "no response to receive, or no room for it");
    rc = Tss2_Tcti_Receive(link->tcti, &got, response, timeout_ms);
    if (rc == TSS2_TCTI_RC_TRY_AGAIN)
        return SCU_OK;
    if (rc == TSS2_RC_SUCCESS && (got < SCU_LINK_MESSAGE_MIN || got > size))
        rc = TSS2_TCTI_RC_MALFORMED_RESPONSE;
    if (rc != TSS2_RC_SUCCESS)
        return failure(link, rc, "receiving a response");
    *len = got;
    return SCU_OK;
}

/* After a cancel some links of others hand its answer to the next command. */
int
scu_link_cancel(struct scu_link *link)
{
    TSS2_RC rc = TSS2_TCTI_RC_NOT_IMPLEMENTED;

    if (link->own)
        rc = Tss2_Tcti_Cancel(link->tcti);
    if (rc == TSS2_TCTI_RC_NOT_IMPLEMENTED)
        return err_set(SCU_E_UNSUPPORTED, "the link cannot cancel a command");
    return err_tss(rc, "cancelling a command");
}

int
scu_link_set_locality(struct scu_link *link, uint8_t locality)
{
    TSS2_RC rc;

    if (link->tcti == NULL && link_load(scu_chip_tcti(link->chip),
        &link->tcti) != SCU_OK)
        return SCU_E_NO_CHIP;
    rc = Tss2_Tcti_SetLocality(link->tcti, locality);
    if (rc == TSS2_TCTI_RC_NOT_IMPLEMENTED)
        return err_set(SCU_E_UNSUPPORTED, "the link has no localities");
    if (rc == TSS2_RC_SUCCESS)
        link->locality = locality;
    return err_tss(rc, "setting the locality");
}

int
scu_link_fd(struct scu_link *link)
{
    TSS2_TCTI_POLL_HANDLE handles[HANDLES_MAX];
    size_t n = 0;

    if (link->tcti == NULL || Tss2_Tcti_GetPollHandles(link->tcti, NULL, &n)
        != TSS2_RC_SUCCESS || n < 1 || n > HANDLES_MAX ||
        Tss2_Tcti_GetPollHandles(link->tcti, handles, &n) != TSS2_RC_SUCCESS)
        return -1;
    return handles[0].fd;
}
