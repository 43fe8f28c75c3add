/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Somebody on the bus who alters what passes: each operation of libscu ends in
 * an error or in the right result, never in a wrong one, never not at all.
 *
 *   test_interposer                 a sample of the cases, for `make check`
 *   test_interposer --complete N    all of them, by N processes, with progress
 *   test_interposer --count         how many that would be
 *   test_interposer SCENE/KIND      all of these
 *   test_interposer SCENE/KIND/NTH/VARIANT   one, to look into
 */
#include "config.h"

#include "tally.h"
#include "world.h"

#include "tests/lib/commands.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <tss2/tss2_tpm2_types.h>
#include <unistd.h>

#define TIMEOUT_S 120
#define JOBS_MAX 64
#define SAMPLE_OF 500 /* one case of a kind in a scene; of more, two */
#define SHOWN_MAX 50

struct suite {
    struct world *world;
    struct transcript before, now;
    struct tally *tally; /* KINDS_MAX */
    unsigned wrong;
    bool complete, quiet, count;
    size_t job, jobs; /* this process does each jobs-th case */
};

static int
new_transcript(struct transcript *t)
{
    t->n = 0;
    t->x = calloc(EXCHANGES_MAX, sizeof(*t->x));
    return t->x == NULL ? -1 : 0;
}

/* --- a victim's life -------------------------------------------------------- */

static void
forget_case(struct shared *s)
{
    s->phase = PHASE_BEFORE;
    s->speed = 1;
    s->pcr_values = 0;
    s->done = s->wrong = false;
    s->rc = SCU_E_INTERNAL;
    s->detail[0] = s->why[0] = '\0';
}

/* In the child: scene NULL prepares the world. */
static void
become_victim(struct world *world, const struct scene *scene, pid_t parent)
{
    struct victim victim;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    /* A connection that is still open here would not end for the chip. */
    wire_close(&world->chip);
    wire_close(&world->other);
    (void)close(world->listen);
    world_victim(world, &victim);
    if (scene != NULL)
        victim_live(&victim, scene);
    _exit(victim_prepare(&victim) == SCU_OK ? 0 : 1);
}

static void
note_end(struct shared *s, bool ended, int status)
{
    if (!ended)
        (void)snprintf(s->why, sizeof(s->why), "it hangs");
    else if (WIFSIGNALED(status))
        (void)snprintf(s->why, sizeof(s->why), "it crashed: signal %d",
            WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0 || !s->done)
        (void)snprintf(s->why, sizeof(s->why), "it ended by code %d",
            WEXITSTATUS(status));
    else
        return;
    s->wrong = true;
}

/* False where no process could be had. */
static bool
run_victim(struct suite *suite, struct bus_run *run,
    const struct scene *scene)
{
    struct world *world = suite->world;
    pid_t pid, parent = getpid();
    int ends[2], status = 0;
    bool ended;

    if (pipe(ends) != 0 || (pid = fork()) < 0) {
        perror("fork");
        return false;
    }
    if (pid == 0) {
        (void)close(ends[0]);
        become_victim(world, scene, parent);
    }
    (void)close(ends[1]);
    ended = bus_serve(run, ends[0], TIMEOUT_S);
    if (!ended)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    (void)close(ends[0]);
    if (scene != NULL)
        note_end(world->shared, ended, status);
    return scene != NULL || (ended && status == 0);
}

/* --- a case ------------------------------------------------------------------ */

/* The session's authorisation was a password: nothing protects the answer. */
static bool
by_password(const struct frame *command)
{
    struct layout l;

    return command_layout(command, &l) && l.area_len >= 4 &&
        get32(command->data + l.area) == TPM2_RH_PW;
}

/*
 * No HMAC covers the handle in an answer; the Name of what stands there is in
 * that of the next command.
 */
static bool
in_handles(const struct bus_run *run)
{
    const struct attack *a = run->attack;

    return a->kind == &kind_flip_response && a->variant >= FRAME_HEADER &&
        a->variant < FRAME_HEADER + response_handles(frame_rc(&run->asked));
}

/*
 * A protected answer that was altered and says success is taken by nobody; who
 * goes on well has asked again.
 */
static bool
took_altered(const struct bus_run *run, const struct shared *s)
{
    return (run->attack->kind->flags & ATTACK_ANSWER) != 0 &&
        s->rc == SCU_OK && !run->again && !run->attack->harmless &&
        frame_tag(&run->asked) == TAG_SESSIONS && !in_handles(run) &&
        !by_password(&run->asked) &&
        run->delivered.len >= FRAME_HEADER &&
        get32(run->delivered.data + 2) == run->delivered.len &&
        frame_rc(&run->delivered) == 0;
}

static void
judge(struct suite *suite, struct bus_run *run, struct tally *tally)
{
    struct shared *s = suite->world->shared;
    const char *why = NULL;

    if (s->wrong)
        why = s->why;
    else if (!run->hit)
        why = "the case did not happen";
    else if (run->attack->won != NULL)
        why = run->attack->won;
    else if (took_altered(run, s))
        why = "an altered answer was taken";
    tally->cases++;
    if (why != NULL)
        tally->wrong++;
    else if (s->rc == SCU_OK)
        tally->right++;
    else
        tally->refused++;
    if (why != s->why && why != NULL)
        (void)snprintf(s->why, sizeof(s->why), "%s", why);
    s->wrong = why != NULL;
}

static void
show(const struct suite *suite, const struct scene *scene,
    const struct attack *a)
{
    const struct shared *s = suite->world->shared;
    char name[COMMAND_NAME_MAX];

    if (suite->quiet && (!s->wrong || suite->wrong > SHOWN_MAX))
        return;
    (void)printf("%s %s/%s/%zu/%zu (%s): %s%s%s\n", s->wrong ? "not ok" :
        "ok", scene->name, a->kind->name, a->nth, a->variant,
        command_name(suite->before.x[a->nth].code, name),
        s->wrong ? s->why : scu_error_name(s->rc),
        s->detail[0] == '\0' ? "" : ": ", s->detail);
    (void)fflush(stdout);
}

static bool
run_case(struct suite *suite, const struct scene *scene, size_t kind,
    size_t nth, size_t variant)
{
    struct world *world = suite->world;
    struct attack a = {
        .kind = attack_kinds[kind], .nth = nth, .variant = variant,
        .chip = &world->chip, .other = &world->other,
        .before = &suite->before, .now = &suite->now,
        .power_cut = world_power_cut, .user = world,
    };
    struct bus_run run = {
        .world = world, .attack = &a, .record = &suite->now,
    };

    if (!world_set_back(world, scene->fresh ? &world->fresh :
            &world->ready))
        return false;
    forget_case(world->shared);
    suite->now.n = 0;
    if (!run_victim(suite, &run, scene))
        return false;
    judge(suite, &run, &suite->tally[kind]);
    suite->wrong += world->shared->wrong;
    show(suite, scene, &a);
    return true;
}

/* --- a scene ----------------------------------------------------------------- */

/* Nobody attacks: it must be right, and shows where there is what to attack. */
static bool
learn(struct suite *suite, const struct scene *scene)
{
    struct world *world = suite->world;
    struct shared *s = world->shared;
    struct bus_run run = { .world = world, .record = &suite->before };

    if (!world_set_back(world, scene->fresh ? &world->fresh :
            &world->ready))
        return false;
    forget_case(s);
    suite->before.n = 0;
    if (!run_victim(suite, &run, scene))
        return false;
    if (!s->wrong && s->rc == SCU_OK && suite->before.n > 0)
        return true;
    (void)printf("not ok %s, which nobody attacks: %s: %s: %s\n",
        scene->name, s->why, scu_error_name(s->rc), s->detail);
    suite->wrong++;
    return true;
}

/* The case of that number among all of a kind in this scene. */
static bool
run_numbered(struct suite *suite, const struct scene *scene, size_t kind,
    size_t number)
{
    for (size_t nth = 0; nth < suite->before.n; nth++) {
        size_t n = attack_kinds[kind]->variants(&suite->before, nth);

        if (number < n)
            return run_case(suite, scene, kind, nth, number);
        number -= n;
    }
    return true;
}

static size_t
count(const struct suite *suite, size_t kind)
{
    size_t n = 0;

    for (size_t nth = 0; nth < suite->before.n; nth++)
        n += attack_kinds[kind]->variants(&suite->before, nth);
    return n;
}

/* What was wrong once is always looked at: a variant at the first such command
 * of a scene. */
static const struct found {
    const char *scene;
    const struct attack_kind *kind;
    uint32_t code;
    size_t variant;
} found[] = {
    /* The session was out of step for the operation after. */
    { "ec", &kind_error, TPM2_CC_Load, 73 },
    { "pin-status", &kind_error, TPM2_CC_NV_Read, 15 },
    { "pin-status", &kind_session, TPM2_CC_StartAuthSession, 32 },
    /* Another cipher than was asked for, and an authentic answer. */
    { "pin-status", &kind_session, TPM2_CC_StartAuthSession, 19 },
    { "pin-status", &kind_session, TPM2_CC_StartAuthSession, 20 },
    { "generate", &kind_session, TPM2_CC_StartAuthSession, 19 },
    /* What the chip had done or not was taken from an error. */
    { "init", &kind_error, TPM2_CC_NV_DefineSpace, 91 },
    { "init", &kind_error, TPM2_CC_NV_DefineSpace, 23 },
    { "remove", &kind_error, TPM2_CC_NV_UndefineSpace, 28 },
    { "remove", &kind_other_chip, TPM2_CC_NV_UndefineSpace, 0 },
    /* A no that nobody signed. */
    { "info", &kind_error, TPM2_CC_TestParms, 32 },
};

static bool
run_found(struct suite *suite, const struct scene *scene,
    const struct found *f)
{
    size_t kind = 0, nth = 0;

    if (strcmp(f->scene, scene->name) != 0)
        return true;
    while (attack_kinds[kind] != f->kind)
        kind++;
    while (nth < suite->before.n && suite->before.x[nth].code != f->code)
        nth++;
    return run_case(suite, scene, kind, nth, f->variant);
}

/* All, or some that are spread over them, another place in each scene. */
static bool
run_kind(struct suite *suite, const struct scene *scene, size_t kind)
{
    const struct attack_kind *k = attack_kinds[kind];
    size_t all = count(suite, kind), want = all, from = 0;
    size_t first = suite->job, step = suite->jobs;

    if (scene->fresh && (k->flags & ATTACK_NOT_FIRST) != 0)
        return true;
    if (suite->count) {
        suite->tally[kind].cases += (unsigned)all;
        return true;
    }
    if (!suite->complete) {
        want = all == 0 ? 0 : all < SAMPLE_OF ? 1 : 2;
        from = (size_t)(scene - scenes) * 7919 + kind * 104729;
    }
    for (size_t i = first; i < want; i += step)
        if (!run_numbered(suite, scene, kind, (from + i * all / want) % all))
            return false;
    if (suite->complete && all > 0) {
        (void)printf("# %zu: %s/%s: %zu cases, %u wrong so far\n",
            suite->job + 1, scene->name, k->name, (all + step - 1 - first) /
            step, suite->wrong);
        (void)fflush(stdout);
    }
    return true;
}

/* --- what is asked for --------------------------------------------------------- */

struct wanted {
    char scene[32], kind[32];
    size_t nth, variant;
    int given; /* how many of them */
};

static bool
run_scene(struct suite *suite, const struct scene *scene,
    const struct wanted *w)
{
    if (w->given > 0 && strcmp(w->scene, scene->name) != 0)
        return true;
    if (!learn(suite, scene))
        return false;
    for (size_t k = 0; k < attack_kinds_n; k++) {
        if (w->given > 1 && strcmp(w->kind, attack_kinds[k]->name) != 0)
            continue;
        if (w->given == 4 ?
            !run_case(suite, scene, k, w->nth, w->variant) :
            !run_kind(suite, scene, k))
            return false;
    }
    for (size_t i = 0; w->given == 0 && !suite->count && !suite->complete &&
        i < sizeof(found) / sizeof(found[0]); i++)
        if (!run_found(suite, scene, &found[i]))
            return false;
    return true;
}

/* Both chips as they come, then the one as its owner leaves it. */
static bool
prepare(struct suite *suite)
{
    struct world *world = suite->world;
    struct bus_run run = { .world = world };
    uint8_t value[32];

    /* A chip that answers has written its file. */
    if (!wire_pcr_read(&world->chip, 16, value) ||
        !world_save(world, "fresh", &world->fresh) ||
        !run_victim(suite, &run, NULL) ||
        !world_save(world, "ready", &world->ready))
        return false;
    wire_flush_all(&world->chip);
    return true;
}

/* In a process of its own, with a world of its own: its exit code. */
static int
work(struct suite *suite, const struct wanted *wanted)
{
    bool ok = new_transcript(&suite->before) == 0 &&
        new_transcript(&suite->now) == 0;

    suite->world = ok ? world_new() : NULL;
    ok = suite->world != NULL && prepare(suite);
    for (size_t i = 0; ok && i < scenes_n; i++)
        ok = run_scene(suite, &scenes[i], wanted);
    if (!ok)
        (void)fprintf(stderr, "the suite cannot go on\n");
    world_free(&suite->world);
    free(suite->before.x);
    free(suite->now.x);
    return !ok ? 99 : suite->wrong == 0 ? 0 : 1;
}

static int
work_by_all(struct suite *suite, const struct wanted *wanted)
{
    pid_t parent = getpid();
    int worst = 0, status = 0;

    for (size_t j = 0; j < suite->jobs; j++) {
        pid_t pid = fork();

        if (pid < 0)
            return 99;
        if (pid > 0)
            continue;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(99);
        suite->job = j;
        suite->tally += j * KINDS_MAX;
        _exit(work(suite, wanted));
    }
    while (wait(&status) > 0) {
        int code = WIFEXITED(status) ? WEXITSTATUS(status) : 99;

        worst = code > worst ? code : worst;
    }
    return worst;
}

static bool
parse(int argc, char **argv, struct suite *suite, struct wanted *wanted)
{
    if (argc < 2)
        return true;
    if (strcmp(argv[1], "--count") == 0) {
        suite->count = true;
    } else if (strcmp(argv[1], "--complete") == 0) {
        suite->complete = true;
        suite->jobs = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    } else {
        wanted->given = sscanf(argv[1], "%31[^/]/%31[^/]/%zu/%zu",
            wanted->scene, wanted->kind, &wanted->nth, &wanted->variant);
        suite->complete = true;
        suite->quiet = wanted->given < 4;
    }
    return suite->jobs > 0 && suite->jobs <= JOBS_MAX;
}

int
main(int argc, char **argv)
{
    const size_t size = JOBS_MAX * KINDS_MAX * sizeof(struct tally);
    struct suite suite = { .quiet = true, .jobs = 1 };
    struct wanted wanted = { .given = 0 };
    struct tally *tallies;
    int code;

    if (!parse(argc, argv, &suite, &wanted))
        return 2;
    tallies = suite.tally = mmap(NULL, size, PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tallies == MAP_FAILED)
        return 99;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setenv("SCU_LOG", "none", 0);
    (void)setenv("TSS2_LOG", "all+none", 0);
    code = work_by_all(&suite, &wanted);
    if (tally_report(tallies, suite.jobs) > 0 && code == 0)
        code = 1;
    (void)munmap(tallies, size);
    return code;
}
