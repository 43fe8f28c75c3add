/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* What must not be seen: on the bus, in files, in buffers. And who takes over
 * a session there. */
#include "chip/authorisations.h"
#include "io.h"
#include "tests/lib/proxy.h"
#include "tests/tss-backend/store/tokens.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- on the bus ------------------------------------------------------------------- */

#define TRACE_MAX (1024 * 1024)

struct bus {
    struct proxy *proxy;
    pthread_t thread;
    uint8_t *trace;
    size_t len;
    bool hijack;       /* calls Unseal before the program does */
    uint32_t hijacked; /* what the chip answered */
    unsigned unsalted;
};

static uint32_t
u32_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
        p[3];
}

static void
keep(struct bus *bus, const uint8_t *data, size_t len)
{
    if (len <= TRACE_MAX - bus->len) {
        memcpy(bus->trace + bus->len, data, len);
        bus->len += len;
    }
}

/*
 * The program is about to unseal: its policy session is satisfied. The
 * attacker uses that session's handle with an HMAC of no octets, as an
 * unsalted session would have it, and wants the answer in the clear.
 */
static void
hijack(struct bus *bus, const uint8_t *command)
{
    uint8_t mine[] = {
        0x80, 0x02, 0, 0, 0, 27, 0, 0, 0x01, 0x5e, /* Unseal */
        0, 0, 0, 0, 0, 0, 0, 9,                    /* object, area */
        0, 0, 0, 0, 0, 0, 1, 0, 0,                 /* session */
    };
    uint8_t answer[PROXY_FRAME_MAX];

    memcpy(mine + 10, command + 10, 4);
    memcpy(mine + 18, command + 18, 4);
    if (proxy_inject(bus->proxy, mine, sizeof(mine), answer) >= 10)
        bus->hijacked = u32_at(answer + 6);
}

static enum proxy_verdict
on_command(void *user, uint8_t *data, size_t *len)
{
    struct bus *bus = user;
    uint32_t code = u32_at(data + 6);

    keep(bus, data, *len);
    /* tpmKey RH_NULL: no salt. */
    if (code == TPM2_CC_StartAuthSession && *len > 14 &&
        u32_at(data + 10) == TPM2_RH_NULL)
        bus->unsalted++;
    if (code == TPM2_CC_Unseal && bus->hijack && *len > 22)
        hijack(bus, data);
    return PROXY_PASS;
}

static enum proxy_verdict
on_response(void *user, const uint8_t *command, size_t command_len,
    uint8_t *data, size_t *len)
{
    (void)command;
    (void)command_len;
    keep(user, data, *len);
    return PROXY_PASS;
}

static void *
serve(void *arg)
{
    (void)proxy_run(arg);
    return NULL;
}

static struct bus *
bus_between(struct provisioned *p)
{
    struct bus *bus = calloc(1, sizeof(*bus));
    static struct proxy_hooks hooks;
    char path[300], tcti[400];
    const struct scu_chip_options options = {
        .tcti = tcti, .state = p->state,
    };

    assert_non_null(bus);
    bus->trace = malloc(TRACE_MAX);
    assert_non_null(bus->trace);
    hooks = (struct proxy_hooks){
        .user = bus, .command = on_command, .response = on_response,
    };
    (void)snprintf(path, sizeof(path), "%s/bus", sim_dir(p->sim));
    (void)snprintf(tcti, sizeof(tcti), "scu:swtpm:path=%s", path);
    bus->proxy = proxy_new(path, sim_socket(p->sim), &hooks);
    assert_non_null(bus->proxy);
    assert_int_equal(pthread_create(&bus->thread, NULL, serve, bus->proxy),
        0);
    scu_chip_free(&p->chip);
    assert_int_equal(scu_chip_open(&options, &p->chip), SCU_OK);
    return bus;
}

static void
bus_end(struct provisioned *p, struct bus *bus)
{
    scu_chip_free(&p->chip);
    proxy_stop(bus->proxy);
    assert_int_equal(pthread_join(bus->thread, NULL), 0);
    proxy_free(&bus->proxy);
    free(bus->trace);
    free(bus);
}

static bool
seen(const struct bus *bus, const void *data, size_t len)
{
    return len > 0 && memmem(bus->trace, bus->len, data, len) != NULL;
}

static void
attack__session_of_another(void **state)
{
    struct provisioned *p = *state;
    struct bus *bus = bus_between(p);
    struct scu_token *token = token_made(p, 3);

    bus->hijack = true;
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    /* It was tried, and refused: TPM_RC_AUTH_FAIL or BAD_AUTH, session 1. */
    assert_int_not_equal(bus->hijacked, 0);
    assert_true(err_of_tss(bus->hijacked) == SCU_E_AUTH);
    assert_int_equal(bus->unsalted, 0);
    scu_token_free(&token);
    bus_end(p, bus);
}

/* --- secrets -------------------------------------------------------------------------- */

struct secrets {
    struct scu_token *token;
    struct bus *bus;
    struct pin_auths so, user;
};

static int
derive_all(struct scu_chip *chip, void *arg)
{
    struct secrets *s = arg;
    int rc = pin_derive(chip->crypto, &s->token->row, SCU_USER_SO,
        (struct bytes){ SO_PIN, strlen(SO_PIN) }, &s->so);

    return rc == SCU_OK ? pin_derive(chip->crypto, &s->token->row,
        SCU_USER_NORMAL, (struct bytes){ USER_PIN, strlen(USER_PIN) },
        &s->user) : rc;
}

static void
check_unseen(const struct bus *bus, const void *data, size_t len)
{
    assert_false(seen(bus, data, len));
}

static void
attack__nothing_secret_on_the_bus(void **state)
{
    struct provisioned *p = *state;
    struct bus *bus = bus_between(p);
    struct scu_token *token = token_made(p, 3);
    struct secrets s = { .token = token, .bus = bus };
    struct authorisations files;
    struct scu_object *key;

    assert_int_equal(token_login(token, SCU_USER_NORMAL, "wrong-pin"),
        SCU_E_AUTH);
    assert_int_equal(scu_token_change_pin(token, SCU_USER_SO, SO_PIN,
        strlen(SO_PIN), SO_PIN, strlen(SO_PIN)), SCU_OK);
    assert_int_equal(token_login(token, SCU_USER_SO, SO_PIN), SCU_OK);
    /* T, A_u and A_so. */
    for (size_t i = 0; i < 3; i++)
        check_unseen(bus, token->secret->data + i * PART_SIZE, PART_SIZE);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    key = token_key(token, "k");
    assert_int_equal(token_sign(key), SCU_OK);
    assert_int_equal(chip_perform(p->chip, CHIP_OFFLINE, derive_all, &s),
        SCU_OK);
    assert_int_equal(authorisations_read(p->state, &files), SCU_OK);
    check_unseen(bus, SO_PIN, strlen(SO_PIN));
    check_unseen(bus, USER_PIN, strlen(USER_PIN));
    check_unseen(bus, "wrong-pin", 9);
    check_unseen(bus, s.so.index->data, 32);
    check_unseen(bus, s.so.seal->data, 32);
    check_unseen(bus, s.user.index->data, 32);
    check_unseen(bus, s.user.seal->data, 32);
    check_unseen(bus, files.owner->data, files.owner->len);
    /* What is public is there: the trace is one. */
    assert_true(seen(bus, token->vault->helper[0].public.publicArea.unique
        .keyedHash.buffer, 32));
    assert_int_equal(bus->unsalted, 0);
    authorisations_clear(&files);
    pin_auths_free(&s.so);
    pin_auths_free(&s.user);
    scu_object_free(&key);
    scu_token_free(&token);
    bus_end(p, bus);
}

/* --- in memory and in files ---------------------------------------------------------- */

static bool
in_context(const struct scu_chip *chip, const void *data, size_t len)
{
    return memmem(chip->sys, Tss2_Sys_GetContextSize(0), data, len) != NULL;
}

/* What the chip unsealed is not left in the buffer of its answers. */
static void
secrets__not_in_the_link_buffer(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);

    assert_int_equal(token_login(token, SCU_USER_SO, SO_PIN), SCU_OK);
    /* The context is what is looked at: the answer's tag is in it. */
    assert_true(in_context(p->chip, "\x80\x02", 2));
    for (size_t i = 0; i < 3; i++)
        assert_false(in_context(p->chip, token->secret->data + i * PART_SIZE,
            16));
    scu_token_free(&token);
}

static void
check_file(const char *path, const struct bytes *secrets, size_t n)
{
    char *text = NULL;
    size_t len = 0;

    assert_int_equal(io_read_file(path, 16 * 1024 * 1024, &text, &len), 0);
    for (size_t i = 0; i < n; i++)
        assert_null(memmem(text, len, secrets[i].data, secrets[i].len));
    free(text);
}

/* Neither in the store nor in the journal of a change that is going on. */
static void
secrets__not_in_the_store(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct secrets s = { .token = token };
    struct scu_object *key;
    struct database *database = NULL;
    struct query q;
    char path[512];

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    key = token_key(token, "k");
    scu_object_free(&key);
    assert_int_equal(token_login(token, SCU_USER_SO, SO_PIN), SCU_OK);
    assert_int_equal(chip_perform(p->chip, CHIP_OFFLINE, derive_all, &s),
        SCU_OK);
    const struct bytes secrets[] = {
        { SO_PIN, strlen(SO_PIN) }, { USER_PIN, strlen(USER_PIN) },
        { token->secret->data, PART_SIZE },
        { token->secret->data + PART_SIZE, PART_SIZE },
        { token->secret->data + 2 * PART_SIZE, PART_SIZE },
        { token->keys->data, 32 }, { token->keys->data + 32, 32 },
        { token->keys->data + 64, 32 },
        { s.so.index->data, 32 }, { s.so.seal->data, 32 },
        { s.user.index->data, 32 }, { s.user.seal->data, 32 },
    };
    const size_t n = sizeof(secrets) / sizeof(secrets[0]);

    /* A change of all pages; the journal has what they were. */
    assert_int_equal(database_open(p->chip, DATABASE_WRITE, &database),
        SCU_OK);
    query_begin(&q, database, "UPDATE objects SET flags = flags");
    assert_int_equal(query_run(&q), SCU_OK);
    query_begin(&q, database, "UPDATE pins SET who = who");
    assert_int_equal(query_run(&q), SCU_OK);
    (void)snprintf(path, sizeof(path), "%s/store.db", p->state);
    check_file(path, secrets, n);
    (void)snprintf(path, sizeof(path), "%s/store.db-journal", p->state);
    check_file(path, secrets, n);
    database_close(&database);
    pin_auths_free(&s.so);
    pin_auths_free(&s.user);
    scu_token_free(&token);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(attack__session_of_another),
        TEST(attack__nothing_secret_on_the_bus),
        TEST(secrets__not_in_the_link_buffer),
        TEST(secrets__not_in_the_store),
    };

    return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
