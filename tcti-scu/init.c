/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "conf.h"
#include "fail.h"
#include "tcti.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_CONF "device:/dev/tpmrm0"
#define WHY_SIZE 512
#define EXPORTED __attribute__((visibility("default")))

/* The two symbols of the library; the rest is hidden. */
EXPORTED TSS2_RC Tss2_Tcti_Scu_Init(TSS2_TCTI_CONTEXT *context, size_t *size,
    const char *conf);
EXPORTED const TSS2_TCTI_INFO *Tss2_Tcti_Info(void);

static const TSS2_TCTI_INFO info = {
    .version = 2,
    .name = "tcti-scu",
    .description = "TCTI module for the SCU and other TPM 2.0 chips",
    .config_help = "LINK[:ITEM[,ITEM...]]: device:/dev/tpmrm0, "
        "spi:/dev/spidev0.0, i2c:/dev/i2c-1, uart:/dev/ttyUSB0, "
        "swtpm:path=SOCKET, swtpm:host=HOST,port=PORT or sim[:dir=DIR]; "
        "see tcti-scu(7)",
    .init = Tss2_Tcti_Scu_Init,
};

const TSS2_TCTI_INFO *
Tss2_Tcti_Info(void)
{
    return &info;
}

/* The link of scu.conf, where the caller names none. */
static TSS2_RC
parse_default(struct options *options)
{
    char why[WHY_SIZE];
    struct conf *conf = NULL;
    const char *link;
    TSS2_RC rc;

    if (conf_load(&conf, why, sizeof(why)) != 0)
        return tcti_fail(TSS2_TCTI_RC_BAD_VALUE, "%s", why);
    link = conf_get(conf, NULL, "link");
    rc = options_parse(link != NULL ? link : DEFAULT_CONF, options);
    conf_free(&conf);
    return rc;
}

static TSS2_RC
set_first_locality(struct link *link, uint8_t locality)
{
    TSS2_RC rc = TSS2_TCTI_RC_NOT_IMPLEMENTED;

    if (locality == 0)
        return TSS2_RC_SUCCESS;
    if (link->ops->locality != NULL)
        rc = link->ops->locality(link, locality);
    if (rc == TSS2_TCTI_RC_NOT_IMPLEMENTED)
        return tcti_fail(rc,
            "locality=%u cannot be set: this link has no localities, or no "
            "control channel; leave the key out", locality);
    return rc;
}

/* All or nothing: after a failure the loader does not call finalize. */
static TSS2_RC
init(struct tcti *tcti, const char *conf)
{
    struct options *options = NULL;
    struct trace *trace = NULL;
    struct link *link = NULL;
    TSS2_RC rc;

    options = calloc(1, sizeof(*options));
    if (options == NULL)
        return TSS2_TCTI_RC_MEMORY;
    if (conf != NULL && *conf != '\0')
        rc = options_parse(conf, options);
    else
        rc = parse_default(options);
    if (rc != TSS2_RC_SUCCESS)
        goto out;
    rc = options->type->ops->open(options, &link);
    if (rc != TSS2_RC_SUCCESS)
        goto out;
    rc = set_first_locality(link, (uint8_t)options->locality);
    if (rc != TSS2_RC_SUCCESS)
        goto out;
    if (options->trace != NULL)
        rc = trace_open(options->trace, &trace);
    if (rc != TSS2_RC_SUCCESS)
        goto out;
    tcti_fill(tcti, link, trace, options);
    return TSS2_RC_SUCCESS;
out:
    if (link != NULL)
        link->ops->close(&link);
    options_clear(options);
    free(options);
    return rc;
}

TSS2_RC
Tss2_Tcti_Scu_Init(TSS2_TCTI_CONTEXT *context, size_t *size, const char *conf)
{
    if (size == NULL)
        return context == NULL ? TSS2_TCTI_RC_BAD_VALUE
                               : TSS2_TCTI_RC_BAD_REFERENCE;
    if (context == NULL) {
        *size = sizeof(struct tcti);
        return TSS2_RC_SUCCESS;
    }
    if (*size < sizeof(struct tcti))
        return tcti_fail(TSS2_TCTI_RC_INSUFFICIENT_BUFFER,
            "the TCTI context has %zu octets; ask for its size first", *size);
    return init((struct tcti *)(void *)context, conf);
}
