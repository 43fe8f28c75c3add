/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fail.h"
#include "swtpm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_tcti.h>

#define DEFAULT_HOST "127.0.0.1"
#define DEFAULT_PORT 2321

static TSS2_RC
bad_endpoint(const char *name, int err)
{
    if (err == -ENAMETOOLONG)
        return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
            "the socket's path %s is too long; at most 107 octets", name);
    return tcti_fail(TSS2_TCTI_RC_NO_CONNECTION,
        "the host of %s is not known; check host=", name);
}

char *
swtpm_beside(const char *path, const char *suffix)
{
    char *name;

    return asprintf(&name, "%s%s", path, suffix) < 0 ? NULL : name;
}

TSS2_RC
swtpm_address_unix(struct swtpm *s, const char *path, const char *ctrl)
{
    char *standard;
    int rc;

    (void)snprintf(s->name, sizeof(s->name), "%s", path);
    if ((rc = endpoint_unix(path, &s->data)) != 0)
        return bad_endpoint(path, rc);
    if (ctrl != NULL) {
        rc = endpoint_unix(ctrl, &s->control);
        return rc == 0 ? TSS2_RC_SUCCESS : bad_endpoint(ctrl, rc);
    }
    if ((standard = swtpm_beside(path, ".ctrl")) == NULL)
        return TSS2_TCTI_RC_MEMORY;
    /* Too long a name is as good as none: there is no control channel. */
    (void)endpoint_unix(standard, &s->control);
    free(standard);
    return TSS2_RC_SUCCESS;
}

TSS2_RC
swtpm_address_tcp(struct swtpm *s, const struct options *options)
{
    const char *host = options->host != NULL ? options->host : DEFAULT_HOST;
    uint32_t port = options->port != 0 ? options->port : DEFAULT_PORT;
    uint32_t ctrl = options->ctrl_port != 0 ? options->ctrl_port : port + 1;
    int rc;

    (void)snprintf(s->name, sizeof(s->name), "%s port %u", host, port);
    if ((rc = endpoint_tcp(host, port, &s->data)) != 0)
        return bad_endpoint(s->name, rc);
    if (options->ctrl != NULL)
        rc = endpoint_unix(options->ctrl, &s->control);
    else if (ctrl <= UINT16_MAX)
        (void)endpoint_tcp(host, ctrl, &s->control);
    return rc == 0 ? TSS2_RC_SUCCESS : bad_endpoint(options->ctrl, rc);
}
