/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "conf.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct fixture {
    char dir[32];
    char path[64];
    char user[96];
    struct conf *conf;
    char why[256];
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/scu-conf.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/named.conf", f->dir);
    (void)snprintf(f->user, sizeof(f->user), "%s/scu", f->dir);
    assert_int_equal(mkdir(f->user, 0700), 0);
    (void)strcat(f->user, "/scu.conf");
    assert_int_equal(setenv("XDG_CONFIG_HOME", f->dir, 1), 0);
    assert_int_equal(unsetenv("SCU_CONF"), 0);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    conf_free(&f->conf);
    (void)unlink(f->path);
    (void)unlink(f->user);
    *strrchr(f->user, '/') = '\0';
    (void)rmdir(f->user);
    (void)rmdir(f->dir);
    free(f);
    return 0;
}

static void
put(const char *path, const char *text, size_t len, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static int
load(struct fixture *f, const char *text)
{
    put(f->path, text, strlen(text), 0644);
    return conf_load_file(f->path, &f->conf, f->why, sizeof(f->why));
}

/* The line must be refused by its number, in words that hold part. */
static void
refused(struct fixture *f, const char *text, unsigned line, const char *part)
{
    char place[96];

    assert_int_equal(load(f, text), -EINVAL);
    assert_null(f->conf);
    (void)snprintf(place, sizeof(place), "%s:%u: ", f->path, line);
    assert_ptr_equal(strstr(f->why, place), f->why);
    if (strstr(f->why, part) == NULL)
        fail_msg("'%s' lacks '%s'", f->why, part);
}

static void
conf_load_file__reads_sections(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load(f, "# a comment\n"
        "\n"
        "[chip]\n"
        "link=device:/dev/tpm0\n"
        "  state \t=  /a b/c # d  \r\n"
        "[ chip board-2 ]\n"
        "link = swtpm:path=/x,exclusive"), 0);
    assert_string_equal(conf_get(f->conf, NULL, "link"), "device:/dev/tpm0");
    assert_string_equal(conf_get(f->conf, "default", "state"), "/a b/c # d");
    assert_string_equal(conf_get(f->conf, "board-2", "link"),
        "swtpm:path=/x,exclusive");
    assert_null(conf_get(f->conf, "board-2", "state"));
    assert_null(conf_get(f->conf, "board-3", "link"));
    assert_null(conf_get(f->conf, NULL, "nonsense"));
    assert_string_equal(f->why, "");
}

static void
conf_load_file__last_value_counts(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load(f, "[chip]\nlink = a\n[chip default]\nlink = b\n"),
        0);
    assert_string_equal(conf_get(f->conf, NULL, "link"), "b");
}

static void
conf_load_file__empty(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load(f, ""), 0);
    assert_null(conf_get(f->conf, NULL, "link"));
}

static void
conf_load_file__unknown_key(void **state)
{
    refused(*state, "[chip]\nlink = a\nlinks = b\n", 3,
        "unknown key 'links'; known: link, tcti, state, store, spare-token, "
        "auto-provision");
}

static void
conf_load_file__unknown_section(void **state)
{
    refused(*state, "[chips]\n", 1, "unknown section 'chips'");
}

static void
conf_load_file__no_bracket(void **state)
{
    refused(*state, "\n[chip\n", 2, "closing bracket");
    refused(*state, "[", 1, "closing bracket");
}

static void
conf_load_file__junk_name_of_a_chip(void **state)
{
    refused(*state, "[chip ../x]\n", 1, "'../x' is no name");
}

static void
conf_load_file__no_section(void **state)
{
    refused(*state, "link = a\n", 1, "before the first section");
}

static void
conf_load_file__no_equals_sign(void **state)
{
    refused(*state, "[chip]\nlink device:/dev/tpm0\n", 2, "neither");
}

static void
conf_load_file__no_value(void **state)
{
    refused(*state, "[chip]\nlink =  \n", 2, "no value");
}

static void
conf_load_file__nul_octet(void **state)
{
    struct fixture *f = *state;

    put(f->path, "[chip]\0", 7, 0644);
    assert_int_equal(conf_load_file(f->path, &f->conf, f->why,
        sizeof(f->why)), -EINVAL);
    assert_non_null(strstr(f->why, "NUL"));
}

static void
conf_load_file__too_long(void **state)
{
    struct fixture *f = *state;
    char *text = malloc(65537);

    assert_non_null(text);
    memset(text, '#', 65537);
    put(f->path, text, 65536, 0644);
    assert_int_equal(conf_load_file(f->path, &f->conf, f->why,
        sizeof(f->why)), 0);
    conf_free(&f->conf);
    put(f->path, text, 65537, 0644);
    assert_int_equal(conf_load_file(f->path, &f->conf, f->why,
        sizeof(f->why)), -EFBIG);
    free(text);
}

static void
conf_load_file__missing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(conf_load_file(f->path, &f->conf, f->why,
        sizeof(f->why)), -ENOENT);
    assert_ptr_equal(strstr(f->why, f->path), f->why);
}

static void
conf_load_file__short_space_for_the_reason(void **state)
{
    struct fixture *f = *state;

    put(f->path, "junk", 4, 0644);
    assert_int_equal(conf_load_file(f->path, &f->conf, f->why, 8), -EINVAL);
    assert_int_equal(strlen(f->why), 7);
}

static void
conf_load__user_then_named(void **state)
{
    struct fixture *f = *state;

    put(f->user, "[chip]\nlink = user\nstate = user\n", 32, 0644);
    assert_int_equal(conf_load(&f->conf, f->why, sizeof(f->why)), 0);
    assert_string_equal(conf_get(f->conf, NULL, "link"), "user");
    conf_free(&f->conf);
    put(f->path, "[chip]\nlink = named\n", 20, 0600);
    assert_int_equal(setenv("SCU_CONF", f->path, 1), 0);
    assert_int_equal(conf_load(&f->conf, f->why, sizeof(f->why)), 0);
    assert_string_equal(conf_get(f->conf, NULL, "link"), "named");
    assert_string_equal(conf_get(f->conf, NULL, "state"), "user");
}

static void
conf_load__home_without_xdg(void **state)
{
    struct fixture *f = *state;
    char below[64];
    char moved[80];

    *strrchr(f->user, '/') = '\0';
    (void)snprintf(below, sizeof(below), "%s/.config", f->dir);
    (void)snprintf(moved, sizeof(moved), "%s/scu", below);
    assert_int_equal(mkdir(below, 0700), 0);
    assert_int_equal(rename(f->user, moved), 0);
    (void)strcat(moved, "/scu.conf");
    put(moved, "[chip]\nlink = home\n", 19, 0600);
    assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
    assert_int_equal(setenv("HOME", f->dir, 1), 0);
    assert_int_equal(conf_load(&f->conf, f->why, sizeof(f->why)), 0);
    assert_string_equal(conf_get(f->conf, NULL, "link"), "home");
    (void)unlink(moved);
    *strrchr(moved, '/') = '\0';
    assert_int_equal(rename(moved, f->user), 0);
    (void)strcat(f->user, "/scu.conf");
    (void)rmdir(below);
}

static void
conf_load__named_file_is_missing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(setenv("SCU_CONF", f->path, 1), 0);
    assert_int_equal(conf_load(&f->conf, f->why, sizeof(f->why)), -ENOENT);
    assert_non_null(strstr(f->why, f->path));
}

static void
conf_load__others_can_write(void **state)
{
    struct fixture *f = *state;

    put(f->user, "[chip]\n", 7, 0620);
    assert_int_equal(conf_load(&f->conf, f->why, sizeof(f->why)), -EPERM);
    assert_non_null(strstr(f->why, "chmod go-w"));
    put(f->user, "[chip]\n", 7, 0602);
    assert_int_equal(conf_load(&f->conf, f->why, sizeof(f->why)), -EPERM);
}

static void
conf_load__is_a_folder(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(setenv("SCU_CONF", f->dir, 1), 0);
    assert_int_equal(conf_load(&f->conf, f->why, sizeof(f->why)), -EINVAL);
    assert_non_null(strstr(f->why, "regular"));
}

static void
conf_load__of_another_owner(void **state)
{
    struct fixture *f = *state;

    put(f->user, "[chip]\n", 7, 0600);
    if (chown(f->user, 12345, (gid_t)-1) != 0)
        skip(); /* only root can give files away */
    assert_int_equal(conf_load(&f->conf, f->why, sizeof(f->why)), -EPERM);
    assert_non_null(strstr(f->why, "belongs to user 12345"));
}

/* Root's file may name a library by path, a user's may not. */
static void
conf_load__path_of_a_library(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "[chip]\ntcti = /x/lib.so:/dev/tpm0\n";
    static const char name[] = "[chip]\ntcti = device:/dev/tpm0\n";

    put(f->user, name, sizeof(name) - 1, 0600);
    assert_int_equal(conf_load(&f->conf, f->why, sizeof(f->why)), 0);
    conf_free(&f->conf);
    put(f->user, text, sizeof(text) - 1, 0600);
    assert_int_equal(conf_load(&f->conf, f->why, sizeof(f->why)),
        geteuid() == 0 ? 0 : -EPERM);
    conf_free(&f->conf);
    if (geteuid() != 0)
        return;
    assert_int_equal(chown(f->user, 12345, (gid_t)-1), 0);
    assert_int_equal(chmod(f->dir, 0755), 0);
    *strrchr(f->user, '/') = '\0';
    assert_int_equal(chmod(f->user, 0755), 0);
    f->user[strlen(f->user)] = '/';
    assert_int_equal(seteuid(12345), 0);
    assert_int_equal(conf_load(&f->conf, f->why, sizeof(f->why)), -EPERM);
    assert_int_equal(seteuid(0), 0);
    assert_non_null(strstr(f->why, "names a library by its path"));
}

#define CONF_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CONF_TEST(conf_load_file__reads_sections),
        CONF_TEST(conf_load_file__last_value_counts),
        CONF_TEST(conf_load_file__empty),
        CONF_TEST(conf_load_file__unknown_key),
        CONF_TEST(conf_load_file__unknown_section),
        CONF_TEST(conf_load_file__no_bracket),
        CONF_TEST(conf_load_file__junk_name_of_a_chip),
        CONF_TEST(conf_load_file__no_section),
        CONF_TEST(conf_load_file__no_equals_sign),
        CONF_TEST(conf_load_file__no_value),
        CONF_TEST(conf_load_file__nul_octet),
        CONF_TEST(conf_load_file__too_long),
        CONF_TEST(conf_load_file__missing),
        CONF_TEST(conf_load_file__short_space_for_the_reason),
        CONF_TEST(conf_load__user_then_named),
        CONF_TEST(conf_load__home_without_xdg),
        CONF_TEST(conf_load__named_file_is_missing),
        CONF_TEST(conf_load__others_can_write),
        CONF_TEST(conf_load__is_a_folder),
        CONF_TEST(conf_load__of_another_owner),
        CONF_TEST(conf_load__path_of_a_library),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
