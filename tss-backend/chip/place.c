/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/place.h"

#include "simdir.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWN "scu"
#define OWN_DEFAULT "device:/dev/tpmrm0"
#define LIBRARY "libtss2-tcti-"
#define I2C_DEFAULT 0x2e
#define WRAPPER "pcap:" /* writes down what passes to the link behind it */

/* A link as it is named: "swtpm:path=X,timeout=5". */
struct link_text {
    char name[32];
    const char *conf; /* never NULL */
    const char *run;
};

/* A kind of link: in a tctildr string, behind "scu:", or both. */
struct link_row {
    const char *name;
    int (*find)(const struct link_text *text, struct turn_place *place);
};

/* What an item of n octets gives a key; NULL: it is about something else. */
static const char *
item_value(const char *item, size_t n, const char *key, bool first)
{
    size_t len = strlen(key);

    if (n > len && item[len] == '=' && memcmp(item, key, len) == 0)
        return item + len + 1;
    return first && n > 0 && memchr(item, '=', n) == NULL ? item : NULL;
}

/*
 * The value of a key, or where main is set the first item that has no key.
 * False where it is not there, or too long.
 */
static bool
get(const char *conf, const char *key, bool main, char value[PATH_MAX])
{
    const char *item = conf, *end = NULL, *found = NULL;

    for (;;) {
        end = strchrnul(item, ',');
        found = item_value(item, (size_t)(end - item), key,
            main && item == conf);
        if (found != NULL || *end == '\0')
            break;
        item = end + 1;
    }
    if (found == NULL || end - found >= PATH_MAX)
        return false;
    memcpy(value, found, (size_t)(end - found));
    value[end - found] = '\0';
    return true;
}

/* "/dev/spidev0.0" is RUN/dev-spidev0.0.turn. */
static int
in_run(const char *run, const char *what, struct turn_place *place)
{
    char name[256];
    size_t n = 0;

    for (const char *p = what; *p != '\0' && n + 1 < sizeof(name); p++)
        if (isalnum((unsigned char)*p) || *p == '.' || *p == '_')
            name[n++] = *p;
        else if (n > 0)
            name[n++] = '-';
    name[n] = '\0';
    if (asprintf(&place->file, "%s/%s.turn", run, name) < 0)
        place->file = NULL;
    return place->file == NULL ? -ENOMEM : 0;
}

static int
of_socket(const char *path, struct turn_place *place)
{
    place->kind = PLACE_BARE;
    if ((place->node = realpath(path, NULL)) == NULL)
        return -errno;
    if (asprintf(&place->file, "%s.turn", place->node) < 0)
        place->file = NULL;
    return place->file == NULL ? -ENOMEM : 0;
}

/* extra tells chips on one bus apart; may be empty. */
static int
of_device(const char *path, const char *extra, const char *run,
    struct turn_place *place)
{
    char *node = realpath(path, NULL);
    char *what = NULL;
    int rc = -ENOMEM;

    if (node == NULL && (node = strdup(path)) == NULL)
        return -ENOMEM;
    if (strncmp(basename(node), "tpmrm", 5) == 0) {
        place->kind = PLACE_MANAGED;
        free(node);
        return 0;
    }
    place->kind = PLACE_BARE;
    place->node = node;
    if (asprintf(&what, "%s%s%s", node, extra[0] != '\0' ? "-" : "",
            extra) < 0)
        return rc;
    rc = in_run(run, what, place);
    free(what);
    return rc;
}

static int
find_managed(const struct link_text *text, struct turn_place *place)
{
    (void)text;
    place->kind = PLACE_MANAGED;
    return 0;
}

/* Where none is named, the TCTI takes the first that is there. */
static int
find_device(const struct link_text *text, struct turn_place *place)
{
    static const char *const standard[] = {
        "/dev/tpmrm0", "/dev/tpm0", "/dev/tcm0",
    };
    char path[PATH_MAX];

    if (get(text->conf, "path", true, path))
        return of_device(path, "", text->run, place);
    for (size_t i = 0; i < sizeof(standard) / sizeof(standard[0]); i++)
        if (access(standard[i], F_OK) == 0)
            return of_device(standard[i], "", text->run, place);
    return 0;
}

static int
find_i2c(const struct link_text *text, struct turn_place *place)
{
    char path[PATH_MAX], value[PATH_MAX];
    unsigned long address = I2C_DEFAULT;

    if (!get(text->conf, "path", true, path))
        return 0;
    if (get(text->conf, "addr", false, value))
        address = strtoul(value, NULL, 0);
    (void)snprintf(value, sizeof(value), "%lu", address);
    return of_device(path, value, text->run, place);
}

/* A line of its own may choose between chips at one node. */
static int
find_spi(const struct link_text *text, struct turn_place *place)
{
    char path[PATH_MAX], select[PATH_MAX] = "";

    if (!get(text->conf, "path", true, path))
        return 0;
    (void)get(text->conf, "cs-gpio", false, select);
    return of_device(path, select, text->run, place);
}

static int
find_uart(const struct link_text *text, struct turn_place *place)
{
    char path[PATH_MAX];

    return get(text->conf, "path", true, path) ?
        of_device(path, "", text->run, place) : 0;
}

static int
find_socket(const struct link_text *text, struct turn_place *place)
{
    char path[PATH_MAX], host[PATH_MAX] = "localhost";
    char port[PATH_MAX] = "2321";
    char *what = NULL;
    int rc;

    if (get(text->conf, "path", false, path))
        return of_socket(path, place);
    place->kind = PLACE_BARE;
    (void)get(text->conf, "host", false, host);
    (void)get(text->conf, "port", false, port);
    if (asprintf(&what, "tcp-%s-%s", host, port) < 0)
        return -ENOMEM;
    rc = in_run(text->run, what, place);
    free(what);
    return rc;
}

static int
find_sim(const struct link_text *text, struct turn_place *place)
{
    char dir[PATH_MAX], path[PATH_MAX + sizeof(SIM_SOCKET) + 1];
    char *standard = NULL;

    if (!get(text->conf, "dir", true, dir)) {
        if ((standard = sim_dir_default()) == NULL)
            return errno == ENOMEM ? -ENOMEM : 0;
        (void)snprintf(dir, sizeof(dir), "%s", standard);
        free(standard);
    }
    (void)snprintf(path, sizeof(path), "%s/%s", dir, SIM_SOCKET);
    return of_socket(path, place);
}

static const struct link_row foreign[] = {
    { "device", find_device },
    { "mssim", find_socket },
    { "swtpm", find_socket },
    { "tabrmd", find_managed },
};

static const struct link_row own[] = {
    { "device", find_device },
    { "i2c", find_i2c },
    { "sim", find_sim },
    { "spi", find_spi },
    { "swtpm", find_socket },
    { "uart", find_uart },
};

/* Splits "NAME:CONF"; a NAME that is a library's is that of its TCTI. */
static void
split(const char *string, struct link_text *text)
{
    const char *colon = strchrnul(string, ':');
    size_t n = (size_t)(colon - string);
    const char *end;

    text->conf = *colon == ':' ? colon + 1 : colon;
    if (strncmp(string, LIBRARY, strlen(LIBRARY)) == 0 &&
        (end = strstr(string, ".so")) != NULL && end < colon) {
        string += strlen(LIBRARY);
        n = (size_t)(end - string);
    }
    if (n >= sizeof(text->name))
        n = 0;
    memcpy(text->name, string, n);
    text->name[n] = '\0';
}

static int
look_up(const struct link_row *rows, size_t n, const struct link_text *text,
    struct turn_place *place)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, text->name) == 0)
            return rows[i].find(text, place);
    return 0;
}

int
place_find(const char *tcti, const char *link, const char *run,
    struct turn_place *place)
{
    struct link_text text = { .run = run };
    int rc;

    memset(place, 0, sizeof(*place));
    while (strncmp(tcti, WRAPPER, strlen(WRAPPER)) == 0)
        tcti += strlen(WRAPPER);
    split(tcti, &text);
    if (strcmp(text.name, OWN) == 0) {
        if (text.conf[0] == '\0')
            text.conf = link != NULL ? link : OWN_DEFAULT;
        split(text.conf, &text);
        rc = look_up(own, sizeof(own) / sizeof(own[0]), &text, place);
    } else {
        rc = look_up(foreign, sizeof(foreign) / sizeof(foreign[0]), &text,
            place);
    }
    if (rc != 0)
        place_clear(place);
    return rc;
}

void
place_clear(struct turn_place *place)
{
    free(place->file);
    free(place->node);
    memset(place, 0, sizeof(*place));
}

const char *
place_objection(const struct turn_place *place)
{
    const char *slash = strrchr(place->file, '/');
    struct stat st;
    char *folder;
    int rc;

    folder = strndup(place->file, slash == place->file ? 1 :
        (size_t)(slash - place->file));
    if (folder == NULL)
        return "memory is short";
    rc = lstat(folder, &st);
    free(folder);
    if (rc != 0)
        return "its folder is not there";
    if (!S_ISDIR(st.st_mode))
        return "its folder is none";
    if ((st.st_mode & S_IWOTH) != 0)
        return "all users can write to its folder";
    return NULL;
}

/* FNV-1a. */
static uint64_t
mix(uint64_t sum, const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++)
        sum = (sum ^ p[i]) * UINT64_C(0x100000001b3);
    return sum;
}

uint64_t
place_power(const struct turn_place *place)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    struct stat st;

    /* A device's times change when it is used, a socket's do not. */
    if (place->node == NULL || stat(place->node, &st) != 0 ||
        !S_ISSOCK(st.st_mode))
        return 0;
    sum = mix(sum, &st.st_dev, sizeof(st.st_dev));
    sum = mix(sum, &st.st_ino, sizeof(st.st_ino));
    sum = mix(sum, &st.st_mtim.tv_sec, sizeof(st.st_mtim.tv_sec));
    return mix(sum, &st.st_mtim.tv_nsec, sizeof(st.st_mtim.tv_nsec));
}
