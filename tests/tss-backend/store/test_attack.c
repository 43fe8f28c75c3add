/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/*
 * Who wants in without the PIN: somebody with the owner authorisation,
 * somebody on the bus, somebody with the store's file.
 */
#include "chip/authorisations.h"
#include "tests/lib/proxy.h"
#include "tests/tss-backend/chipfix.h"
#include "tests/tss-backend/store/tokens.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- with the owner authorisation --------------------------------------------- */

struct redefinition {
    struct scu_token *token;
    struct secret *owner, *auth;
    TPMA_NV attributes;  /* 0: the same */
    bool again;          /* the old index goes first */
};

static int
redefine(struct scu_chip *chip, void *arg)
{
    struct redefinition *r = arg;
    bool defined = false;
    struct pin_index *index;
    int rc = token_ready_vault(chip, r->token);

    if (rc != SCU_OK)
        return rc;
    index = &r->token->vault->index[SCU_USER_NORMAL];
    if (r->again)
        rc = pin_index_undefine(chip, index, r->owner);
    if (r->attributes != 0)
        index->public.nvPublic.attributes = r->attributes;
    if (rc == SCU_OK)
        rc = pin_index_define(chip, index, r->owner, r->auth, 1000000,
            &defined);
    return rc;
}

/* The authValue that a PIN gives. */
static int
derive(struct scu_chip *chip, void *arg)
{
    struct redefinition *r = arg;
    struct pin_auths auths = { 0 };
    int rc = pin_derive(chip->crypto, &r->token->row, SCU_USER_NORMAL,
        (struct bytes){ "evil-pin", 8 }, &auths);

    r->auth = auths.index;
    secret_free(&auths.seal);
    return rc;
}

/*
 * The index has the same Name and the attacker's PIN: PolicySecret passes,
 * and the blob still wants the authValue of the true PIN.
 */
static void
attack__same_name_with_another_pin(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct authorisations files;
    struct redefinition r = { .token = token, .again = true };

    assert_int_equal(authorisations_read(p->state, &files), SCU_OK);
    r.owner = files.owner;
    assert_int_equal(chip_perform(p->chip, CHIP_OFFLINE, derive, &r),
        SCU_OK);
    assert_int_equal(chip_perform(p->chip, 0, redefine, &r), SCU_OK);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, "evil-pin"),
        SCU_E_AUTH);
    assert_non_null(strstr(scu_error_detail(), "defined anew"));
    assert_false(scu_token_logged_in(token, NULL));
    secret_free(&r.auth);
    authorisations_clear(&files);
    scu_token_free(&token);
}

/* Without it the index can neither be taken away nor defined. */
static void
attack__index_without_the_owner(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct redefinition r = { .token = token, .again = true };

    r.owner = secret_new("guessed", 7);
    r.auth = secret_new("x", 1);
    assert_int_not_equal(chip_perform(p->chip, 0, redefine, &r), SCU_OK);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    secret_free(&r.owner);
    secret_free(&r.auth);
    scu_token_free(&token);
}

/* An index that would lose its count is another one to us: no login by it. */
static void
attack__orderly_index_is_refused(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct authorisations files;
    struct redefinition r = {
        .token = token, .again = true,
        .attributes = PIN_INDEX_ATTRIBUTES | TPMA_NV_ORDERLY,
    };

    assert_int_equal(authorisations_read(p->state, &files), SCU_OK);
    r.owner = files.owner;
    assert_int_equal(chip_perform(p->chip, CHIP_OFFLINE, derive, &r),
        SCU_OK);
    /* The chip takes such an index; its first write fails, as its Name is
     * not the one that is written to. */
    assert_int_not_equal(chip_perform(p->chip, 0, redefine, &r), SCU_OK);
    assert_int_not_equal(token_login(token, SCU_USER_NORMAL, "evil-pin"),
        SCU_OK);
    secret_free(&r.auth);
    authorisations_clear(&files);
    scu_token_free(&token);
}

/* --- on the policy ---------------------------------------------------------------- */

struct policy_try {
    struct scu_token *token;
    struct policy policy;
    TPM2_CC code;
    int satisfied, ran;
};

/* Satisfies a policy of the attacker's, and runs a command on the index. */
static int
try_policy(struct scu_chip *chip, void *arg)
{
    struct policy_try *t = arg;
    struct secret *guess = secret_new("guess", 5);
    const struct pin_index *index;
    struct session session = { 0 };
    const struct policy_choice choice = { 0 };
    struct chip_command command = {
        .code = t->code, .handles = t->code == TPM2_CC_NV_ChangeAuth ? 1 : 2,
        .auths = 1, .companion = true,
    };
    const TPM2B_AUTH auth = { .size = 4, .buffer = "evil" };
    const TPM2B_MAX_NV_BUFFER counts = { .size = 8 };
    TSS2_RC prepared;

    assert_non_null(guess);
    assert_int_equal(token_ready_vault(chip, t->token), SCU_OK);
    index = &t->token->vault->index[SCU_USER_NORMAL];
    assert_int_equal(policy_start(chip, &session), SCU_OK);
    t->satisfied = policy_satisfy(chip, &session, &t->policy, &choice);
    command.auth[0].session = &session;
    command.auth[0].value = guess;
    command.names[0] = command.names[1] = &index->name;
    prepared = t->code == TPM2_CC_NV_ChangeAuth ?
        Tss2_Sys_NV_ChangeAuth_Prepare(chip->sys, index->handle, &auth) :
        Tss2_Sys_NV_Write_Prepare(chip->sys, index->handle, index->handle,
            &counts, 0);
    assert_int_equal(chip_prepared(prepared, t->code), SCU_OK);
    t->ran = chip_run(chip, &command);
    policy_end(chip, &session);
    secret_free(&guess);
    return SCU_OK;
}

/*
 * PolicyAuthValue with NV_ChangeAuth is how one would change one's own PIN;
 * the chip does not count wrong ones there, so no index has that branch.
 */
static void
attack__no_branch_by_auth_value(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct policy_try t = {
        .token = token, .code = TPM2_CC_NV_ChangeAuth,
        .policy = { .n = 2, .step = {
            { .kind = POLICY_AUTH_VALUE },
            { .kind = POLICY_COMMAND_CODE, .code = TPM2_CC_NV_ChangeAuth },
        } },
    };

    assert_int_equal(chip_perform(p->chip, 0, try_policy, &t), SCU_OK);
    assert_int_equal(t.satisfied, SCU_OK);
    assert_int_not_equal(t.ran, SCU_OK);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    for (size_t i = 0; i < PIN_BRANCHES; i++) {
        const struct policy *b =
            &token->vault->index[SCU_USER_NORMAL].branches[i];

        for (size_t k = 0; k < b->n; k++)
            assert_int_not_equal(b->step[k].kind, POLICY_AUTH_VALUE);
        assert_int_equal(b->step[b->n - 1].kind, POLICY_COMMAND_CODE);
    }
    scu_token_free(&token);
}

/* The first write is the first only. */
static void
attack__second_first_write(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct policy_try t = { .token = token, .code = TPM2_CC_NV_Write };

    assert_int_equal(token_login(token, SCU_USER_NORMAL, "wrong"),
        SCU_E_AUTH);
    t.policy = (struct policy){ .n = 1, .step = { {
        .kind = POLICY_COMMAND_CODE, .code = TPM2_CC_NV_Write,
    } } };
    assert_int_equal(chip_perform(p->chip, 0, try_policy, &t), SCU_OK);
    assert_int_not_equal(t.ran, SCU_OK);
    t.policy = (struct policy){ .n = 1, .step = { {
        .kind = POLICY_OR,
        .branches = token->vault->index[SCU_USER_NORMAL].branches +
            PIN_FIRST_WRITE,
        .n_branches = 2,
    } } };
    assert_int_equal(chip_perform(p->chip, 0, try_policy, &t), SCU_OK);
    assert_int_not_equal(t.ran, SCU_OK);
    assert_int_equal(token_status(token).user_failed, 1);
    scu_token_free(&token);
}

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

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(attack__same_name_with_another_pin),
        TEST(attack__index_without_the_owner),
        TEST(attack__orderly_index_is_refused),
        TEST(attack__no_branch_by_auth_value),
        TEST(attack__second_first_write),
        TEST(attack__session_of_another),
        TEST(attack__nothing_secret_on_the_bus),
    };

    return cmocka_run_group_tests_name("attack", tests, NULL, NULL);
}
