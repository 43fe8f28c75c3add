/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The page of the registry: what is written is read, all else is refused. */
#include "chip/owner.h"
#include "chip/registry.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>


static const TPM2B_NAME name = { .size = 34, .name = { 0, 0x0b, 1, 2, 3 } };

static void
fill(struct registry *r)
{
    memset(r, 0, sizeof(*r));
    r->id = 7;
    r->power = 9;
    r->entry[0] = (struct registry_entry){
        .kind = REGISTRY_OBJECT, .handle = 0x80000001, .used = 5,
        .owner = { .pid = 42, .instance = 1, .start = 99 }, .program = "one",
    };
    registry_set_name(&r->entry[0], &name);
    r->entry[2] = (struct registry_entry){
        .kind = REGISTRY_SESSION, .handle = 0x02000000,
        .owner = { .pid = 43, .instance = 2, .start = 98 }, .program = "two",
    };
    r->entry[REGISTRY_MAX - 1] = (struct registry_entry){
        .kind = REGISTRY_SESSION, .owner = { .pid = 44 }, .program = "three",
    };
}

static void
encode__decodes_to_the_same(void **state)
{
    struct registry in, out;
    uint8_t page[REGISTRY_PAGE], again[REGISTRY_PAGE];

    (void)state;
    fill(&in);
    registry_encode(&in, page);
    assert_null(registry_decode(page, sizeof(page), &out));
    registry_encode(&out, again);
    assert_memory_equal(page, again, sizeof(page));
    assert_int_equal(out.id, 7);
    assert_int_equal(out.power, 9);
    assert_int_equal(out.entry[0].handle, 0x80000001);
    assert_int_equal(out.entry[0].owner.start, 99);
    assert_true(registry_has_name(&out.entry[0], &name));
    assert_int_equal(out.entry[1].kind, REGISTRY_FREE);
    assert_int_equal(out.entry[2].used, 0);
    assert_string_equal(out.entry[2].program, "two");
    assert_int_equal(out.entry[REGISTRY_MAX - 1].handle, 0);
}

static void
decode__another_size_is_refused(void **state)
{
    struct registry in, out;
    uint8_t page[REGISTRY_PAGE + 1] = { 0 };

    (void)state;
    fill(&in);
    registry_encode(&in, page);
    assert_non_null(registry_decode(page, 0, &out));
    assert_non_null(registry_decode(page, REGISTRY_PAGE - 1, &out));
    assert_non_null(registry_decode(page, REGISTRY_PAGE + 1, &out));
    assert_int_equal(out.id, 0);
}

/* Each octet counts, those of no meaning, too. */
static void
decode__any_changed_octet_is_refused(void **state)
{
    struct registry in, out;
    uint8_t page[REGISTRY_PAGE];

    (void)state;
    fill(&in);
    registry_encode(&in, page);
    for (size_t i = 0; i < sizeof(page); i++) {
        page[i] ^= 1;
        assert_non_null(registry_decode(page, sizeof(page), &out));
        page[i] ^= 1;
    }
    assert_null(registry_decode(page, sizeof(page), &out));
}

/* One who writes on purpose sums up as well: encode() does it for him. */
static const char *
decode_of(const struct registry *in)
{
    uint8_t page[REGISTRY_PAGE];
    struct registry out;

    registry_encode(in, page);
    return registry_decode(page, sizeof(page), &out);
}

static void
decode__hostile_fields_are_refused(void **state)
{
    struct registry r;

    (void)state;
    fill(&r);
    r.id = 0;
    assert_non_null(decode_of(&r));
    fill(&r);
    r.entry[0].kind = (enum registry_kind)3;
    assert_non_null(decode_of(&r));
    fill(&r);
    r.entry[0].handle = 0x81000001; /* persistent */
    assert_non_null(decode_of(&r));
    fill(&r);
    r.entry[0].handle = 0x02000001; /* a session's */
    assert_non_null(decode_of(&r));
    fill(&r);
    r.entry[2].handle = 0x80000000; /* an object's */
    assert_non_null(decode_of(&r));
    fill(&r);
    r.entry[0].name_size = 0;
    assert_non_null(decode_of(&r));
    fill(&r);
    r.entry[0].name_size = sizeof(TPMU_NAME) + 1;
    assert_non_null(decode_of(&r));
    fill(&r);
    r.entry[2].name_size = 34; /* sessions have none */
    assert_non_null(decode_of(&r));
    fill(&r);
    r.entry[0].owner.pid = 0;
    assert_non_null(decode_of(&r));
    fill(&r);
    r.entry[0].owner.pid = UINT32_MAX; /* kill(-1, ...) is everybody */
    assert_non_null(decode_of(&r));
    fill(&r);
    memset(r.entry[0].program, 'x', sizeof(r.entry[0].program));
    assert_non_null(decode_of(&r));
    fill(&r);
    r.entry[0].program[1] = '\033'; /* for the terminal */
    assert_non_null(decode_of(&r));
    fill(&r);
    r.entry[3] = r.entry[2]; /* a handle twice */
    assert_non_null(decode_of(&r));
    fill(&r);
    assert_null(decode_of(&r));
}

static void
find__unfinished_entries_have_no_handle(void **state)
{
    struct registry r;

    (void)state;
    fill(&r);
    assert_ptr_equal(registry_find(&r, 0x80000001), &r.entry[0]);
    assert_null(registry_find(&r, 0x80000002));
    assert_null(registry_find(&r, 0));
}

static void
has_name__compares_all(void **state)
{
    static const TPM2B_NAME none = { 0 };
    TPM2B_NAME other = name;
    struct registry r;

    (void)state;
    fill(&r);
    assert_true(registry_has_name(&r.entry[0], &name));
    other.name[33] ^= 1;
    assert_false(registry_has_name(&r.entry[0], &other));
    other = name;
    other.size--;
    assert_false(registry_has_name(&r.entry[0], &other));
    assert_false(registry_has_name(&r.entry[0], &none));
    registry_set_name(&r.entry[0], &none);
    assert_false(registry_has_name(&r.entry[0], &none));
}

static void
free_entry__none_when_full(void **state)
{
    struct registry r;

    (void)state;
    fill(&r);
    assert_ptr_equal(registry_free_entry(&r), &r.entry[1]);
    for (size_t i = 0; i < REGISTRY_MAX; i++)
        r.entry[i].kind = REGISTRY_SESSION;
    assert_null(registry_free_entry(&r));
}

/* --- owners --------------------------------------------------------------- */

static void
parse_stat__names_may_be_anything(void **state)
{
    static const char good[] = "7 (a) b (c)) S 1 7 7 0 -1 4194560 1 2 3 4 5 "
        "6 7 8 20 0 1 0 123456 99 0\n";
    uint64_t start = 0;
    char text[sizeof(good)], state_letter = 0;

    (void)state;
    assert_true(owner_parse_stat(good, &state_letter, &start));
    assert_int_equal(start, 123456);
    assert_int_equal(state_letter, 'S');
    for (size_t cut = 0; cut < strlen(good) - 12; cut++) {
        memcpy(text, good, sizeof(text));
        text[cut] = '\0';
        assert_false(owner_parse_stat(text, &state_letter, &start));
    }
    assert_false(owner_parse_stat("", &state_letter, &start));
    assert_false(owner_parse_stat("7 (a) ", &state_letter, &start));
}

static void
is_alive__this_process_but_not_its_predecessor(void **state)
{
    char program[REGISTRY_PROGRAM_MAX];
    struct registry_owner me, again;

    (void)state;
    owner_of_self(&me, program);
    assert_string_equal(program, "test_registry");
    assert_true(owner_is_alive(&me));
    owner_of_self(&again, program);
    assert_false(registry_same_owner(&me, &again));
    again.instance = me.instance;
    assert_true(registry_same_owner(&me, &again));
    /* The same id, given to a process before. */
    me.start--;
    assert_false(owner_is_alive(&me));
    me.start = 0;
    assert_true(owner_is_alive(&me));
}

/* As nginx does, to tell its processes apart in ps(1). */
static void
of_self__program_that_overwrote_its_arguments(void **state)
{
    char program[REGISTRY_PROGRAM_MAX];
    char *first = program_invocation_short_name;
    char kept = first[0];
    struct registry_owner me;

    (void)state;
    first[0] = ':';
    owner_of_self(&me, program);
    first[0] = kept;
    assert_string_equal(program, "test_registry");
}

static void
is_alive__not_when_it_ended(void **state)
{
    char program[REGISTRY_PROGRAM_MAX];
    struct registry_owner child = { 0 };
    int end[2];
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(end), 0);
    if ((pid = fork()) == 0) {
        owner_of_self(&child, program);
        (void)!write(end[1], &child, sizeof(child));
        (void)close(end[1]);
        (void)pause();
        _exit(0);
    }
    (void)close(end[1]);
    assert_int_equal(read(end[0], &child, sizeof(child)), sizeof(child));
    assert_true(owner_is_alive(&child));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT), 0);
    assert_false(owner_is_alive(&child));
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_false(owner_is_alive(&child));
    (void)close(end[0]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode__decodes_to_the_same),
        cmocka_unit_test(decode__another_size_is_refused),
        cmocka_unit_test(decode__any_changed_octet_is_refused),
        cmocka_unit_test(decode__hostile_fields_are_refused),
        cmocka_unit_test(find__unfinished_entries_have_no_handle),
        cmocka_unit_test(has_name__compares_all),
        cmocka_unit_test(free_entry__none_when_full),
        cmocka_unit_test(parse_stat__names_may_be_anything),
        cmocka_unit_test(is_alive__this_process_but_not_its_predecessor),
        cmocka_unit_test(of_self__program_that_overwrote_its_arguments),
        cmocka_unit_test(is_alive__not_when_it_ended),
    };

    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
