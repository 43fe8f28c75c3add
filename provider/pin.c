/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Where PINs come from. */
#include "pin.h"
#include "printable.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool
prov_pin_is_given(const struct uri *uri)
{
    return uri->pin_value != NULL || uri->pin_source != NULL;
}

bool
prov_pin_check(struct prov_ctx *prov, const struct uri *uri)
{
    if (uri->pin_value != NULL && uri->pin_source != NULL) {
        return prov_raise(prov, SCU_E_ARG,
            "the URI has both a pin-value and a pin-source: leave one out");
    }
    if (uri->pin_source != NULL && uri_pin_path(uri->pin_source) == NULL) {
        return prov_raise(prov, SCU_E_ARG,
            "the URI's pin-source is no file: a PIN is read from files only, "
            "pin-source=file:/PATH");
    }
    return true;
}

/* --- files ---------------------------------------------------------------- */

static bool
check_file(struct prov_ctx *prov, int fd, const char *path)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        return prov_raise(prov, SCU_E_FILE, "cannot read the PIN in %s: %s",
            path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return prov_raise(prov, SCU_E_FILE,
            "pin-source: %s is not a regular file", path);
    }
    if (st.st_uid != 0 && st.st_uid != geteuid()) {
        return prov_raise(prov, SCU_E_FILE,
            "pin-source: %s holds a PIN but belongs to another user (uid %u): "
            "use a file of your own", path, (unsigned)st.st_uid);
    }
    if ((st.st_mode & 077) != 0) {
        return prov_raise(prov, SCU_E_FILE,
            "pin-source: %s holds a PIN but is open to others (mode %04o): "
            "`chmod 600` it", path, (unsigned)(st.st_mode & 07777));
    }
    return true;
}

static bool
read_file(struct prov_ctx *prov, int fd, const char *path,
    struct prov_pin *pin)
{
    ssize_t n = 1;

    while (n != 0 && pin->len < sizeof(pin->text)) {
        n = read(fd, pin->text + pin->len, sizeof(pin->text) - pin->len);
        if (n < 0 && errno != EINTR) {
            return prov_raise(prov, SCU_E_FILE,
                "cannot read the PIN in %s: %s", path, strerror(errno));
        }
        pin->len += n > 0 ? (size_t)n : 0;
    }
    if (pin->len > 0 && pin->text[pin->len - 1] == '\n')
        pin->len--;
    if (pin->len < SCU_PIN_MIN || pin->len > SCU_PIN_MAX) {
        return prov_raise(prov, SCU_E_PIN_LENGTH,
            "what stands in %s is no PIN", path);
    }
    return true;
}

static bool
get_from_file(struct prov_ctx *prov, const char *path, struct prov_pin *pin)
{
    /* O_NONBLOCK: a FIFO is refused, not waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool ok = false;

    if (fd < 0) {
        return prov_raise(prov, SCU_E_FILE, "pin-source: cannot open %s: %s",
            path, strerror(errno));
    }
    ok = check_file(prov, fd, path) && read_file(prov, fd, path, pin);
    (void)close(fd);
    return ok;
}

/* --- asking --------------------------------------------------------------- */

/* False, with nothing raised, where nobody answers. */
static bool
ask(const struct prov_asker *asker, const char *info, char *secret,
    size_t size, size_t *len)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PASSPHRASE_PARAM_INFO,
            (char *)(uintptr_t)info, 0),
        OSSL_PARAM_construct_end(),
    };

    *len = 0;
    return asker->ask != NULL &&
        asker->ask(secret, size, len, params, asker->arg) == 1 &&
        *len <= size;
}

bool
prov_pin_get(struct prov_ctx *prov, const struct uri *uri, const char *label,
    const struct prov_asker *asker, struct prov_pin *pin)
{
    char info[SCU_TOKEN_LABEL_MAX + 32];
    size_t len = 0;

    pin->len = 0;
    if (uri->pin_source != NULL)
        return get_from_file(prov, uri_pin_path(uri->pin_source), pin);
    if (uri->pin_value != NULL) {
        len = strlen(uri->pin_value);
        if (len > SCU_PIN_MAX)
            return prov_raise(prov, SCU_E_PIN_LENGTH, "the URI's pin-value");
        memcpy(pin->text, uri->pin_value, len);
        pin->len = len;
        return true;
    }
    (void)snprintf(info, sizeof(info), "PIN of token %s", label);
    printable(info, false);
    if (ask(asker, info, pin->text, sizeof(pin->text), &pin->len))
        return true;
    return prov_raise(prov, SCU_E_AUTH_NEEDED,
        "the PIN of token '%s': give it when asked (-passin), or by "
        "?pin-source=file:/PATH behind the URI", label);
}

bool
prov_ask_password(struct prov_ctx *prov, struct scu_key *key,
    const char *info, const struct prov_asker *asker)
{
    char password[PEM_BUFSIZE];
    size_t len = 0;
    int rc = SCU_E_AUTH_NEEDED;

    if (!ask(asker, info, password, sizeof(password), &len)) {
        return prov_raise(prov, SCU_E_AUTH_NEEDED,
            "the key has a password: give it by -passin or when asked");
    }
    rc = scu_key_set_password(key, password, len);
    explicit_bzero(password, sizeof(password));
    return rc == SCU_OK || prov_raise_scu(prov, rc);
}
