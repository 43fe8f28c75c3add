/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "conf.h"
#include "io.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_LEN 65536
#define DEFAULT_CHIP "default"

/* Each key of a chip's section. */
static const struct conf_key {
    const char *name;
    bool may_name_code; /* a path before the colon is a library to load */
} conf_keys[] = {
    { .name = "link" },
    { .name = "tcti", .may_name_code = true },
    { .name = "state" },
    { .name = "store" },
    { .name = "spare-token" },
    { .name = "auto-provision" },
    { .name = "startup" },
};

#define N_KEYS (sizeof(conf_keys) / sizeof(conf_keys[0]))

struct chip {
    struct chip *next;
    char *name;
    char *values[N_KEYS];
};

struct conf {
    struct chip *chips;
};

/* One file while it is read. */
struct source {
    const char *path;
    unsigned line;
    bool any_code;     /* may name a library by its path */
    struct chip *chip; /* the section that the line stands in */
    char *why;
    size_t why_size;
};

__attribute__((format(printf, 3, 4))) static int
refuse(const struct source *src, int rc, const char *format, ...)
{
    va_list ap;
    int n;

    if (src->line > 0)
        n = snprintf(src->why, src->why_size, "%s:%u: ", src->path, src->line);
    else
        n = snprintf(src->why, src->why_size, "%s: ", src->path);
    if (n < 0 || (size_t)n >= src->why_size)
        return rc;
    va_start(ap, format);
    (void)vsnprintf(src->why + n, src->why_size - (size_t)n, format, ap);
    va_end(ap);
    return rc;
}

static struct chip *
find_chip(const struct conf *conf, const char *name)
{
    struct chip *c = conf->chips;

    while (c != NULL && strcmp(c->name, name) != 0)
        c = c->next;
    return c;
}

static int
enter_chip(struct conf *conf, struct source *src, const char *name)
{
    struct chip *c = find_chip(conf, name);

    if (c == NULL) {
        c = calloc(1, sizeof(*c));
        if (c == NULL || (c->name = strdup(name)) == NULL) {
            free(c);
            return refuse(src, -ENOMEM, "out of memory");
        }
        c->next = conf->chips;
        conf->chips = c;
    }
    src->chip = c;
    return 0;
}

/* In place, from both ends. */
static char *
trim(char *text)
{
    size_t len;

    while (isspace((unsigned char)*text))
        text++;
    len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
    return text;
}

static bool
is_chip_name(const char *name)
{
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        "0123456789._-") == strlen(name);
}

/* "[chip]" or "[chip NAME]". */
static int
read_section(struct conf *conf, struct source *src, char *line)
{
    size_t len = strlen(line);
    char *inner = line + 1;
    char *name;

    if (line[len - 1] != ']')
        return refuse(src, -EINVAL, "'%s' lacks its closing bracket", line);
    line[len - 1] = '\0';
    inner = trim(inner);
    if (strncmp(inner, "chip", 4) != 0
        || (inner[4] != '\0' && !isspace((unsigned char)inner[4])))
        return refuse(src, -EINVAL,
            "unknown section '%s'; known: [chip], [chip NAME]", inner);
    name = trim(inner + 4);
    if (!is_chip_name(name))
        return refuse(src, -EINVAL, "'%s' is no name of a chip; use letters, "
            "digits, '.', '_' and '-'", name);
    return enter_chip(conf, src, *name == '\0' ? DEFAULT_CHIP : name);
}

static size_t
key_index(const char *name)
{
    size_t i = 0;

    while (i < N_KEYS && strcmp(conf_keys[i].name, name) != 0)
        i++;
    return i;
}

static int
refuse_key(const struct source *src, const char *key)
{
    char known[128] = "";
    size_t at = 0;

    for (size_t i = 0; i < N_KEYS && at < sizeof(known); i++)
        at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s",
            i == 0 ? "" : ", ", conf_keys[i].name);
    return refuse(src, -EINVAL, "unknown key '%s'; known: %s", key, known);
}

static int
set_value(struct source *src, size_t key, const char *value)
{
    char *copy;

    if (conf_keys[key].may_name_code && !src->any_code
        && memchr(value, '/', strcspn(value, ":")) != NULL)
        return refuse(src, -EPERM, "'%s' names a library by its path; only a "
            "file that root owns may do so", conf_keys[key].name);
    copy = strdup(value);
    if (copy == NULL)
        return refuse(src, -ENOMEM, "out of memory");
    free(src->chip->values[key]);
    src->chip->values[key] = copy;
    return 0;
}

static int
read_line(struct conf *conf, struct source *src, char *line)
{
    char *equals;
    char *value;
    size_t key;

    line = trim(line);
    if (*line == '\0' || *line == '#')
        return 0;
    if (*line == '[')
        return read_section(conf, src, line);
    equals = strchr(line, '=');
    if (equals == NULL)
        return refuse(src, -EINVAL, "'%s' is neither 'key = value' nor a "
            "section nor a comment", line);
    *equals = '\0';
    line = trim(line);
    value = trim(equals + 1);
    if (src->chip == NULL)
        return refuse(src, -EINVAL, "key '%s' stands before the first section; "
            "put it below [chip]", line);
    if ((key = key_index(line)) == N_KEYS)
        return refuse_key(src, line);
    if (*value == '\0')
        return refuse(src, -EINVAL, "key '%s' has no value", line);
    return set_value(src, key, value);
}

static int
read_text(struct conf *conf, struct source *src, char *text, size_t len)
{
    char *line = text;
    char *next;
    int rc = 0;

    if (memchr(text, '\0', len) != NULL)
        return refuse(src, -EINVAL, "holds a NUL octet: this is no text file");
    while (line != NULL && rc == 0) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        src->line++;
        rc = read_line(conf, src, line);
        line = next;
    }
    return rc;
}

static int
check_owner(struct source *src, int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return refuse(src, -errno, "%s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return refuse(src, -EINVAL, "is no regular file");
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return refuse(src, -EPERM, "belongs to user %u; only root's files and "
            "your own are read", (unsigned)st.st_uid);
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return refuse(src, -EPERM, "others can write it; chmod go-w it");
    src->any_code = st.st_uid == 0;
    return 0;
}

/* A missing file gives -ENOENT; the caller knows whether that matters. */
static int
read_source(struct conf *conf, struct source *src, bool trusted)
{
    char *text = NULL;
    size_t len = 0;
    int rc;
    int fd;

    fd = open(src->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return refuse(src, -errno, "%s", strerror(errno));
    if (trusted)
        src->any_code = true;
    else if ((rc = check_owner(src, fd)) != 0)
        goto out;
    rc = io_read_all(fd, FILE_MAX_LEN, &text, &len);
    if (rc != 0)
        rc = refuse(src, rc, "%s", strerror(-rc));
    else
        rc = read_text(conf, src, text, len);
out:
    free(text);
    (void)close(fd);
    return rc;
}

static int
read_if_there(struct conf *conf, const char *path, char *why, size_t why_size)
{
    struct source src = { .path = path, .why = why, .why_size = why_size };
    int rc = read_source(conf, &src, false);

    if (rc == -ENOENT || rc == -ENOTDIR) {
        (void)snprintf(why, why_size, "%s", "");
        return 0;
    }
    return rc;
}

/* NULL where the environment gives no place, or memory is short. */
static char *
user_file(void)
{
    const char *base = secure_getenv("XDG_CONFIG_HOME");
    const char *between = "";
    char *path;

    if (base == NULL || base[0] != '/') {
        base = secure_getenv("HOME");
        between = "/.config";
    }
    if (base == NULL || base[0] != '/'
        || asprintf(&path, "%s%s/scu/scu.conf", base, between) < 0)
        return NULL;
    return path;
}

static int
read_all(struct conf *conf, char *why, size_t why_size)
{
    struct source named = { .why = why, .why_size = why_size };
    char *user = NULL;
    int rc;

    rc = read_if_there(conf, SCU_SYSCONFDIR "/scu/scu.conf", why, why_size);
    if (rc != 0 || getauxval(AT_SECURE) != 0)
        return rc;
    if ((user = user_file()) != NULL)
        rc = read_if_there(conf, user, why, why_size);
    free(user);
    if (rc != 0)
        return rc;
    named.path = secure_getenv("SCU_CONF");
    if (named.path == NULL || *named.path == '\0')
        return 0;
    return read_source(conf, &named, false);
}

int
conf_load(struct conf **conf, char *why, size_t why_size)
{
    int rc;

    (void)snprintf(why, why_size, "out of memory");
    *conf = calloc(1, sizeof(**conf));
    if (*conf == NULL)
        return -ENOMEM;
    (void)snprintf(why, why_size, "%s", "");
    rc = read_all(*conf, why, why_size);
    if (rc != 0)
        conf_free(conf);
    return rc;
}

int
conf_load_file(const char *path, struct conf **conf, char *why,
    size_t why_size)
{
    struct source src = { .path = path, .why = why, .why_size = why_size };
    int rc;

    (void)snprintf(why, why_size, "out of memory");
    *conf = calloc(1, sizeof(**conf));
    if (*conf == NULL)
        return -ENOMEM;
    (void)snprintf(why, why_size, "%s", "");
    rc = read_source(*conf, &src, true);
    if (rc != 0)
        conf_free(conf);
    return rc;
}

const char *
conf_get(const struct conf *conf, const char *chip, const char *key)
{
    const struct chip *c = find_chip(conf, chip != NULL ? chip : DEFAULT_CHIP);
    size_t i = key_index(key);

    return c == NULL || i == N_KEYS ? NULL : c->values[i];
}

void
conf_free(struct conf **conf)
{
    struct chip *c;

    if (conf == NULL || *conf == NULL)
        return;
    while ((c = (*conf)->chips) != NULL) {
        (*conf)->chips = c->next;
        for (size_t i = 0; i < N_KEYS; i++)
            free(c->values[i]);
        free(c->name);
        free(c);
    }
    free(*conf);
    *conf = NULL;
}
