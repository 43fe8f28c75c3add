/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "io.h"
#include "opt.h"
#include "printable.h"
#include "secretin.h"
#include "tty.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
too_long(const char *what, struct out *out)
{
    return out_error(out, SCU_E_ARG, "%s is longer than %d octets", what,
        SECRETIN_MAX);
}

/* Bounds and copies. The caller wipes text. */
static int
take(const char *what, const char *text, size_t len, struct secret **secret,
    struct out *out)
{
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (len == 0)
        return out_error(out, SCU_E_ARG, "%s is empty", what);
    if (len > SECRETIN_MAX)
        return too_long(what, out);
    if ((*secret = secret_new(text, len)) == NULL)
        return out_error(out, SCU_E_MEMORY, "out of memory on the host");
    return SCU_OK;
}

int
secretin_fd(int fd, const char *what, struct secret **secret, struct out *out)
{
    char *text = NULL;
    size_t len = 0;
    int rc;

    *secret = NULL;
    rc = io_read_all(fd, SECRETIN_MAX + 1, &text, &len);
    if (rc == -EFBIG)
        return too_long(what, out);
    if (rc == -ENOMEM)
        return out_error(out, SCU_E_MEMORY, "out of memory on the host");
    if (rc != 0)
        return out_error(out, SCU_E_FILE, "cannot read %s: %s", what,
            strerror(-rc));
    rc = take(what, text, len, secret, out);
    explicit_bzero(text, len);
    free(text);
    return rc;
}

int
secretin_fd_option(const char *option, const char *text, const char *what,
    struct secret **secret, struct out *out)
{
    unsigned long fd;

    *secret = NULL;
    if (opt_number(text, INT_MAX, &fd) != 0)
        return out_error(out, SCU_E_ARG, "%s%s: not a number of a descriptor",
            option, text);
    return secretin_fd((int)fd, what, secret, out);
}

static int
check_private(int fd, const char *path, struct out *out)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return out_error(out, SCU_E_FILE, "cannot read %s: %s", path,
            strerror(errno));
    if (!S_ISREG(st.st_mode))
        return out_error(out, SCU_E_FILE, "%s is not a file: pipes are read as "
            "descriptors (fd)", path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return out_error(out, SCU_E_FILE, "%s holds a secret but belongs to "
            "another user (uid %u): use a file of your own", path,
            (unsigned)st.st_uid);
    if ((st.st_mode & 077) != 0)
        return out_error(out, SCU_E_FILE, "%s holds a secret but is open to "
            "others (mode %04o): `chmod 600` it", path,
            (unsigned)(st.st_mode & 07777));
    return SCU_OK;
}

int
secretin_file(const char *path, struct secret **secret, struct out *out)
{
    int fd, rc;

    *secret = NULL;
    /* O_NONBLOCK: a FIFO is refused, not waited for. */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return out_error(out, SCU_E_FILE, "cannot open %s: %s", path,
            strerror(errno));
    if ((rc = check_private(fd, path, out)) == SCU_OK)
        rc = secretin_fd(fd, path, secret, out);
    (void)close(fd);
    return rc;
}

static int
ask_once(const struct secretin_question *question, const char *before,
    char line[SECRETIN_MAX + 2], size_t *len)
{
    char text[128];

    (void)snprintf(text, sizeof(text), "%s%s", before, question->what);
    text[0] = (char)toupper((unsigned char)text[0]);
    printable(text, false);
    return tty_ask(text, TTY_HIDDEN, line, SECRETIN_MAX + 2, len);
}

int
secretin_tty(const struct secretin_question *question,
    struct secret **secret, struct out *out)
{
    char first[SECRETIN_MAX + 2] = "", second[SECRETIN_MAX + 2] = "";
    size_t first_len = 0, second_len = 0;
    int rc;

    *secret = NULL;
    rc = ask_once(question, question->fresh ? "new " : "", first, &first_len);
    if (rc == 0 && question->fresh)
        rc = ask_once(question, "repeat ", second, &second_len);
    if (rc == -EMSGSIZE)
        rc = too_long(question->what, out);
    else if (rc != 0)
        rc = out_error(out, SCU_E_CONF, "no terminal to ask on for the %s "
            "(%s): %s", question->what, strerror(-rc), question->otherwise);
    else if (question->fresh && (first_len != second_len ||
        !secret_equal(first, second, first_len)))
        rc = out_error(out, SCU_E_ARG, "the two entries differ: repeat");
    else
        rc = take(question->what, first, first_len, secret, out);
    explicit_bzero(first, sizeof(first));
    explicit_bzero(second, sizeof(second));
    return rc;
}
