/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/pins.h"
#include "key/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[64];
    char path[128];
    struct pins pins;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    *state = f;
    if (f == NULL)
        return -1;
    strcpy(f->folder, "/tmp/scu-pins-XXXXXX");
    if (mkdtemp(f->folder) == NULL)
        return -1;
    (void)snprintf(f->path, sizeof(f->path), "%s/pins", f->folder);
    f->pins.trust = 2;
    f->pins.storage_handle = 0x81000001;
    template_storage_ecc(&f->pins.storage);
    f->pins.storage.publicArea.unique.ecc.x.size = 32;
    f->pins.attestation_handle = 0x81010002;
    template_attestation(&f->pins.attestation);
    f->pins.ek_name.size = 34;
    f->pins.ek_certificate.size = 32;
    f->pins.ek_certificate.name[31] = 7;
    return pins_write(f->folder, &f->pins);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    (void)unlink(f->path);
    (void)rmdir(f->folder);
    free(f);
    return 0;
}

static void
replace(const struct fixture *f, const char *text)
{
    FILE *file = fopen(f->path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static char *
content(const struct fixture *f)
{
    static char text[8192];
    FILE *file = fopen(f->path, "r");
    size_t n;

    assert_non_null(file);
    n = fread(text, 1, sizeof(text) - 1, file);
    text[n] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

static void
pins__round_trip(void **state)
{
    struct fixture *f = *state;
    struct pins back;
    struct stat st;

    assert_int_equal(pins_read(f->folder, &back), SCU_OK);
    assert_true(pins_equal(&f->pins, &back));
    assert_int_equal(back.trust, 2);
    assert_int_equal(back.ek_certificate.name[31], 7);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    back.ek_certificate.name[0] ^= 1;
    assert_false(pins_equal(&f->pins, &back));
}

static void
pins__missing_is_unprovisioned(void **state)
{
    struct fixture *f = *state;
    struct pins back;

    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(pins_read(f->folder, &back), SCU_E_UNPROVISIONED);
    assert_non_null(strstr(scu_error_detail(), "scu provision"));
}

static void
pins__others_could_write(void **state)
{
    struct fixture *f = *state;
    struct pins back;

    assert_int_equal(chmod(f->path, 0664), 0);
    assert_int_equal(pins_read(f->folder, &back), SCU_E_FILE);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(symlink("/etc/hostname", f->path), 0);
    assert_int_equal(pins_read(f->folder, &back), SCU_E_FILE);
}

static void
pins__cut_off_anywhere_is_no_pin(void **state)
{
    struct fixture *f = *state;
    char *text = strdup(content(f));
    size_t len = strlen(text);
    struct pins back;

    /* Lines are needed up to the storage key's; what follows is optional. */
    const char *storage = strstr(text, "storage-public = ");
    size_t needed = (size_t)(strchr(storage, '\n') - text);

    assert_true(needed < len);
    for (size_t i = 0; i < needed; i++) {
        text[i] = '\0';
        replace(f, text);
        assert_int_equal(pins_read(f->folder, &back), SCU_E_FILE);
        strcpy(text, "");
        free(text);
        assert_int_equal(pins_write(f->folder, &f->pins), SCU_OK);
        text = strdup(content(f));
    }
    free(text);
}

static void
pins__damaged_line_is_named(void **state)
{
    static const char *const bad[] = {
        "version = 1\nnonsense\n",
        "version = 1\nstorage-handle = 0x1ffffffff\n",
        "version = 1\nstorage-handle = 12z\n",
        "version = 1\nstorage-public = 00\n",
        "version = 1\nstorage-public = zz\n",
        "version = 1\nek-name = 0\n",
        "version = 1\nunheard-of = 1\n",
    };
    struct fixture *f = *state;
    struct pins back;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        replace(f, bad[i]);
        assert_int_equal(pins_read(f->folder, &back), SCU_E_FILE);
        assert_non_null(strstr(scu_error_detail(), "line 2"));
    }
    replace(f, "version = 2\n");
    assert_int_equal(pins_read(f->folder, &back), SCU_E_FILE);
    assert_non_null(strstr(scu_error_detail(), "version 2"));
}

/* Longer than what they are copied to. */
static void
pins__too_long_a_digest_is_damage(void **state)
{
    static const char *const keys[] = { "ek-name", "ek-certificate" };
    static const size_t limits[] = { 34, 32 };
    struct fixture *f = *state;
    struct pins back;
    char text[256];

    for (size_t i = 0; i < 2; i++) {
        int n = snprintf(text, sizeof(text), "version = 1\n%s = ", keys[i]);

        memset(text + n, 'a', 2 * limits[i] + 2);
        strcpy(text + n + 2 * limits[i] + 2, "\n");
        replace(f, text);
        assert_int_equal(pins_read(f->folder, &back), SCU_E_FILE);
        assert_non_null(strstr(scu_error_detail(), "line 2"));
    }
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pins__round_trip),
        TEST(pins__missing_is_unprovisioned),
        TEST(pins__others_could_write),
        TEST(pins__cut_off_anywhere_is_no_pin),
        TEST(pins__damaged_line_is_named),
        TEST(pins__too_long_a_digest_is_damage),
    };

    return cmocka_run_group_tests_name("pins", tests, NULL, NULL);
}
