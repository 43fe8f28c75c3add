/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/settings.h"

#include "chip/chip.h"
#include "conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_NAME "default"
/* An empty conf: the TCTI asks scu.conf for its link. */
#define DEFAULT_TCTI "scu:"
#define STARTUP "startup"
/* What it then takes, where scu.conf names none. */
#define DEFAULT_LINK "device:/dev/tpmrm0"

/* The first that is given, copied. */
static char *
first(const char *a, const char *b, const char *c, const char *d)
{
    const char *all[] = { a, b, c, d };

    for (size_t i = 0; i < 4; i++)
        if (all[i] != NULL && all[i][0] != '\0')
            return strdup(all[i]);
    return NULL;
}

/* The user's folder; NULL where there is no home. */
static char *
user_state(const char *name)
{
    const char *base = secure_getenv("XDG_STATE_HOME");
    const char *home = secure_getenv("HOME");
    char *path = NULL;
    int n = -1;

    if (base != NULL && base[0] == '/')
        n = asprintf(&path, "%s/scu/%s", base, name);
    else if (home != NULL && home[0] == '/')
        n = asprintf(&path, "%s/.local/state/scu/%s", home, name);
    return n < 0 ? NULL : path;
}

static bool
has_pins(const char *folder)
{
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/pins", folder);

    return n > 0 && (size_t)n < sizeof(path) && access(path, F_OK) == 0;
}

/*
 * root: the system's. Others: their own, but where only the system has pins
 * (a service that runs without rights on a machine that root provisioned),
 * the system's.
 */
static char *
default_state(const char *name)
{
    char *user = geteuid() == 0 ? NULL : user_state(name);
    char *system = NULL;

    if (asprintf(&system, "%s/%s", SCU_STATEDIR, name) < 0)
        system = NULL;
    if (user == NULL)
        return system;
    if (system != NULL && !has_pins(user) && has_pins(system)) {
        free(user);
        return system;
    }
    free(system);
    return user;
}

/*
 * The store is beside the pins, but where these are somebody else's (the
 * system's): then each user has one of his own.
 */
static char *
default_store(const char *name, const char *state)
{
    struct stat st;
    char *user = NULL;

    if (stat(state, &st) == 0 && st.st_uid != geteuid())
        user = user_state(name);
    return user != NULL ? user : strdup(state);
}

/* A key that says "yes" or "no"; "no" where it is not there. */
static int
resolve_flag(const struct conf *conf, const char *name, const char *key,
    bool *flag)
{
    const char *value = conf_get(conf, name, key);

    *flag = value != NULL && strcmp(value, "yes") == 0;
    if (value == NULL || *flag || strcmp(value, "no") == 0)
        return SCU_OK;
    return err_set(SCU_E_CONF, "%s = %s: it takes yes or no", key, value);
}

/*
 * TPM2_Startup is tcti-scu's to send: it is told so in its string, unless that
 * says itself who does it.
 */
static int
add_startup(struct scu_chip *chip, const char *value)
{
    const char *link = chip->tcti + strlen(DEFAULT_TCTI);
    char *longer = NULL;

    if (strncmp(chip->tcti, DEFAULT_TCTI, strlen(DEFAULT_TCTI)) != 0)
        return SCU_OK;
    if (link[0] == '\0')
        link = chip->link_text != NULL ? chip->link_text : DEFAULT_LINK;
    if (strstr(link, STARTUP "=") != NULL)
        return SCU_OK;
    if (asprintf(&longer, DEFAULT_TCTI "%s%c" STARTUP "=%s", link,
            strchr(link, ':') != NULL ? ',' : ':', value) < 0)
        return err_memory();
    free(chip->tcti);
    chip->tcti = longer;
    return SCU_OK;
}

static int
resolve_startup(const struct conf *conf, struct scu_chip *chip)
{
    const char *value = conf_get(conf, chip->name, STARTUP);

    if (value == NULL || strcmp(value, "never") == 0)
        return SCU_OK;
    if (strcmp(value, "if-needed") == 0)
        return add_startup(chip, value);
    return err_set(SCU_E_CONF, STARTUP " = %s: it takes never or if-needed",
        value);
}

static int
resolve(const struct scu_chip_options *o, const struct conf *conf,
    struct scu_chip *chip)
{
    int rc;

    chip->name = first(o->name, DEFAULT_NAME, NULL, NULL);
    if (chip->name == NULL)
        return err_memory();
    if (strchr(chip->name, '/') != NULL || chip->name[0] == '.')
        return err_set(SCU_E_CONF, "'%s' is no name of a chip", chip->name);
    chip->tcti = first(o->tcti, secure_getenv("SCU_TCTI"),
        conf_get(conf, chip->name, "tcti"), DEFAULT_TCTI);
    chip->state = first(o->state, secure_getenv("SCU_STATE"),
        conf_get(conf, chip->name, "state"), NULL);
    chip->link_text = first(conf_get(conf, NULL, "link"), NULL, NULL, NULL);
    if (chip->state == NULL)
        chip->state = default_state(chip->name);
    chip->store = first(secure_getenv("SCU_STORE"),
        conf_get(conf, chip->name, "store"), NULL, NULL);
    if (chip->tcti == NULL || chip->state == NULL)
        return err_memory();
    if (chip->store == NULL)
        chip->store = default_store(chip->name, chip->state);
    if (chip->store == NULL)
        return err_memory();
    if (chip->state[0] != '/')
        return err_set(SCU_E_CONF, "state folder '%s' is not an absolute "
            "path", chip->state);
    if (chip->store[0] != '/')
        return err_set(SCU_E_CONF, "store folder '%s' is not an absolute "
            "path", chip->store);
    rc = resolve_startup(conf, chip);
    if (rc == SCU_OK)
        rc = resolve_flag(conf, chip->name, "spare-token",
            &chip->spare_token);
    return rc != SCU_OK ? rc : resolve_flag(conf, chip->name,
        "auto-provision", &chip->auto_provision);
}

int
settings_resolve(const struct scu_chip_options *options, struct scu_chip *chip)
{
    struct conf *conf = NULL;
    char why[512];
    int rc;

    if (conf_load(&conf, why, sizeof(why)) != 0)
        return err_set(SCU_E_CONF, "%s", why);
    rc = resolve(options, conf, chip);
    conf_free(&conf);
    return rc;
}

const char *
scu_chip_tcti(const struct scu_chip *chip)
{
    return chip->tcti;
}

const char *
scu_chip_state(const struct scu_chip *chip)
{
    return chip->state;
}

bool
scu_chip_spare_token(const struct scu_chip *chip)
{
    return chip->spare_token;
}
