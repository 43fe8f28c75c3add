/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Where processes meet, by the text that names their chip. */
#include "chip/place.h"
#include "simdir.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define RUN "/run/x"

struct row {
    const char *tcti;
    const char *link;
    enum place_kind kind;
    const char *file; /* NULL: none */
};

/* Devices that no test machine has: their names count. */
static const struct row rows[] = {
    { "tabrmd", NULL, PLACE_MANAGED, NULL },
    { "tabrmd:bus_name=x", NULL, PLACE_MANAGED, NULL },
    { "libtss2-tcti-tabrmd.so.0:", NULL, PLACE_MANAGED, NULL },
    { "scu:device:/dev/tpmrm7", NULL, PLACE_MANAGED, NULL },
    { "scu:device:path=/dev/tpmrm7,timeout=5", NULL, PLACE_MANAGED, NULL },
    { "scu:", NULL, PLACE_MANAGED, NULL },
    { "scu", NULL, PLACE_MANAGED, NULL },
    { "scu:", "device:/dev/tpm7", PLACE_BARE, RUN "/dev-tpm7.turn" },
    { "scu:device:/dev/tpm7", "tabrmd", PLACE_BARE, RUN "/dev-tpm7.turn" },
    { "scu:device:timeout=5,path=/dev/tpm7", NULL, PLACE_BARE,
        RUN "/dev-tpm7.turn" },
    { "device:/dev/tpm7", NULL, PLACE_BARE, RUN "/dev-tpm7.turn" },
    { "pcap:device:/dev/tpm7", NULL, PLACE_BARE, RUN "/dev-tpm7.turn" },
    { "libtss2-tcti-device.so.0:/dev/tpm7", NULL, PLACE_BARE,
        RUN "/dev-tpm7.turn" },
    { "scu:spi:/dev/spidev9.0,hz=10000000", NULL, PLACE_BARE,
        RUN "/dev-spidev9.0.turn" },
    { "scu:i2c:/dev/i2c-9,addr=0x2e", NULL, PLACE_BARE,
        RUN "/dev-i2c-9-46.turn" },
    { "scu:i2c:/dev/i2c-9", NULL, PLACE_BARE, RUN "/dev-i2c-9-46.turn" },
    { "scu:i2c:/dev/i2c-9,addr=0x2f", NULL, PLACE_BARE,
        RUN "/dev-i2c-9-47.turn" },
    { "scu:spi:/dev/spidev9.0,cs-gpio=gpiochip0:8", NULL, PLACE_BARE,
        RUN "/dev-spidev9.0-gpiochip0-8.turn" },
    { "scu:uart:/dev/ttyS99,baud=921600", NULL, PLACE_BARE,
        RUN "/dev-ttyS99.turn" },
    { "swtpm:host=h,port=99", NULL, PLACE_BARE, RUN "/tcp-h-99.turn" },
    { "scu:swtpm:host=../h,port=99", NULL, PLACE_BARE,
        RUN "/tcp-..-h-99.turn" },
    { "mssim", NULL, PLACE_BARE, RUN "/tcp-localhost-2321.turn" },
    { "cmd:tpm2-something", NULL, PLACE_UNKNOWN, NULL },
    { "/usr/lib/x.so:conf", NULL, PLACE_UNKNOWN, NULL },
    { "", NULL, PLACE_UNKNOWN, NULL },
    { "scu:unheard:/dev/x", NULL, PLACE_UNKNOWN, NULL },
    { "averyveryveryveryverylongnameofatcti:x", NULL, PLACE_UNKNOWN, NULL },
};

static void
find__by_text(void **state)
{
    struct turn_place place;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];

        assert_int_equal(place_find(row->tcti, row->link, RUN, &place), 0);
        if (place.kind != row->kind || (place.file == NULL) !=
            (row->file == NULL) || (row->file != NULL &&
            strcmp(place.file, row->file) != 0))
            fail_msg("%s: kind %d, %s", row->tcti, (int)place.kind,
                place.file == NULL ? "no file" : place.file);
        place_clear(&place);
    }
}

struct fixture {
    char dir[64];
    char socket[96];
};

static void
make_socket(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0 && strlen(path) < sizeof(address.sun_path));
    (void)unlink(path);
    strcpy(address.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
        0);
    (void)close(fd);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    strcpy(f->dir, "/tmp/scu-place.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->socket, sizeof(f->socket), "%s/%s", f->dir, SIM_SOCKET);
    make_socket(f->socket);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    (void)unlink(f->socket);
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
}

static void
expect_file(const char *tcti, const char *file)
{
    struct turn_place place;

    assert_int_equal(place_find(tcti, NULL, RUN, &place), 0);
    assert_int_equal(place.kind, PLACE_BARE);
    assert_string_equal(place.file, file);
    place_clear(&place);
}

/* All names of one socket lead to one file. */
static void
find__beside_the_socket(void **state)
{
    struct fixture *f = *state;
    char tcti[256], file[128], link[96];

    (void)snprintf(file, sizeof(file), "%s.turn", f->socket);
    (void)snprintf(tcti, sizeof(tcti), "scu:swtpm:path=%s", f->socket);
    expect_file(tcti, file);
    (void)snprintf(tcti, sizeof(tcti), "swtpm:path=%s", f->socket);
    expect_file(tcti, file);
    (void)snprintf(tcti, sizeof(tcti), "scu:sim:dir=%s", f->dir);
    expect_file(tcti, file);
    (void)snprintf(tcti, sizeof(tcti), "scu:sim:%s,timeout=9", f->dir);
    expect_file(tcti, file);
    (void)snprintf(link, sizeof(link), "%s/other", f->dir);
    assert_int_equal(symlink(f->socket, link), 0);
    (void)snprintf(tcti, sizeof(tcti), "pcap:scu:swtpm:timeout=1,path=%s",
        link);
    expect_file(tcti, file);
    assert_int_equal(unlink(link), 0);
}

static void
find__no_socket_yet(void **state)
{
    struct fixture *f = *state;
    struct turn_place place;
    char tcti[256];

    (void)snprintf(tcti, sizeof(tcti), "scu:swtpm:path=%s/none", f->dir);
    assert_int_equal(place_find(tcti, NULL, RUN, &place), -ENOENT);
    assert_null(place.file);
}

static void
objection__never_where_all_can_write(void **state)
{
    struct fixture *f = *state;
    struct turn_place place;
    char tcti[256];

    (void)snprintf(tcti, sizeof(tcti), "swtpm:path=%s", f->socket);
    assert_int_equal(place_find(tcti, NULL, RUN, &place), 0);
    assert_null(place_objection(&place));
    assert_int_equal(chmod(f->dir, 01777), 0);
    assert_non_null(place_objection(&place));
    assert_int_equal(chmod(f->dir, 0700), 0);
    place_clear(&place);
    assert_int_equal(place_find("device:/dev/tpm7", NULL, "/nowhere/at/all",
        &place), 0);
    assert_string_equal(place_objection(&place), "its folder is not there");
    place_clear(&place);
}

static void
power__changes_with_the_socket(void **state)
{
    struct fixture *f = *state;
    struct turn_place place;
    char tcti[256];
    uint64_t before;

    (void)snprintf(tcti, sizeof(tcti), "swtpm:path=%s", f->socket);
    assert_int_equal(place_find(tcti, NULL, RUN, &place), 0);
    before = place_power(&place);
    assert_true(before == place_power(&place));
    assert_int_equal(chmod(f->socket, 0600), 0);
    assert_true(before == place_power(&place));
    make_socket(f->socket);
    assert_true(before != place_power(&place));
    place_clear(&place);
}

#define PLACE_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find__by_text),
        PLACE_TEST(find__beside_the_socket),
        PLACE_TEST(find__no_socket_yet),
        PLACE_TEST(objection__never_where_all_can_write),
        PLACE_TEST(power__changes_with_the_socket),
    };

    return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
