# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Functions of the shell tests. A test is a bash script of TESTS:
#
#     #!/bin/bash
#     . "$top_srcdir/tests/lib/lib.sh"
#     sim_start
#     mark
#     expect_ok "openssl signs" run_foreign openssl dgst ...
#     expect_commands "$top_srcdir/tests/apps/x.golden"
#     chip_is_clean
#     finish
#
# SCRATCH   folder of this test, removed at the end
# SIM_TCTI  the chip past the counter, for tpm2-tools of the test itself
# BUS       the counter's socket; SCU_TCTI (exported) leads there
# `make check` sets top_srcdir and top_builddir, absolute, and tests/lib/env.sh.
set -u
: "${top_srcdir:?run this by make check}" "${top_builddir:?}"

FAILED=0
OWN_PIDS=()
SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/scu-test-XXXXXX") || exit 99
SIM_DIR=$SCRATCH/sim
SIM_TCTI=swtpm:path=$SIM_DIR/swtpm.sock
BUS=$SCRATCH/bus.sock
COUNTER_LOG=$SCRATCH/commands.log
MARK=0

# --- results ---------------------------------------------------------------

pass() { printf 'ok - %s\n' "$*"; }
fail() { printf 'not ok - %s\n' "$*"; FAILED=1; }
skip() { printf 'skipped: %s\n' "$*"; exit 77; }
# Something that is no result of the test but makes one impossible.
give_up() { printf 'error: %s\n' "$*"; exit 99; }
finish() { exit "$FAILED"; }

need() {
    local program
    for program; do
        command -v "$program" >/dev/null || skip "$program is not installed"
    done
}

# expect_ok TEXT COMMAND...: its output is in $SCRATCH/out, shown on failure.
expect_ok() {
    local text=$1 rc
    shift
    if "$@" >"$SCRATCH/out" 2>&1; then
        pass "$text"
    else
        rc=$?
        fail "$text (exit code $rc)"
        sed 's/^/    /' "$SCRATCH/out"
    fi
}

# expect_exit CODE TEXT COMMAND...
expect_exit() {
    local code=$1 text=$2 rc=0
    shift 2
    "$@" >"$SCRATCH/out" 2>&1 || rc=$?
    if [ "$rc" -eq "$code" ]; then
        pass "$text"
    else
        fail "$text (exit code $rc, not $code)"
        sed 's/^/    /' "$SCRATCH/out"
    fi
}

# expect_failure TEXT COMMAND...: any exit code but 0, signals too.
expect_failure() {
    local text=$1
    shift
    if "$@" >"$SCRATCH/out" 2>&1; then
        fail "$text (it succeeded)"
        sed 's/^/    /' "$SCRATCH/out"
    else
        pass "$text"
    fi
}

# expect_output REGEXP TEXT: in what the last expect_... ran.
expect_output() {
    if grep -Eq -- "$1" "$SCRATCH/out"; then
        pass "$2"
    else
        fail "$2 (no line matches $1)"
        sed 's/^/    /' "$SCRATCH/out"
    fi
}

# --- processes ---------------------------------------------------------------

# spawn COMMAND...: in the background, gone when this shell is, however that
# ends. Its id is in SPAWNED.
spawn() {
    # Without <&0 the shell would give it an empty standard input.
    setpriv --pdeathsig KILL "$@" <&0 &
    SPAWNED=$!
    OWN_PIDS+=("$SPAWNED")
}

# reap PID [SIGNAL]: ends one that spawn started.
reap() {
    local pid kept=()
    for pid in "${OWN_PIDS[@]}"; do
        [ "$pid" = "$1" ] || kept+=("$pid")
    done
    OWN_PIDS=("${kept[@]}")
    kill "-${2:-TERM}" "$1" 2>/dev/null
    wait "$1" 2>/dev/null
    return 0
}

clean_up() {
    local pid
    for pid in "${OWN_PIDS[@]}"; do
        reap "$pid" KILL
    done
    rm -rf "$SCRATCH"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# --- the chip and the counter -------------------------------------------------

# sim_power_on: the chip alone, on the state that it has.
sim_power_on() {
    mkdir -p "$SIM_DIR"
    rm -f "$SIM_DIR/swtpm.sock" "$SIM_DIR/swtpm.sock.ctrl"
    spawn "${SWTPM:-swtpm}" socket --tpm2 --tpmstate "dir=$SIM_DIR" \
        --server "type=unixio,path=$SIM_DIR/swtpm.sock" \
        --ctrl "type=unixio,path=$SIM_DIR/swtpm.sock.ctrl" \
        --flags not-need-init,startup-clear >>"$SCRATCH/swtpm.log" 2>&1
    SIM_PID=$SPAWNED
    tpm-counter --wait "$SIM_DIR/swtpm.sock.ctrl" "$SIM_DIR/swtpm.sock" ||
        give_up "swtpm does not answer: $(cat "$SCRATCH/swtpm.log")"
}

# sim_power_cut: no goodbye. NV stays.
sim_power_cut() { reap "$SIM_PID" KILL; }

# count_to SOCKET: the counter before another chip than sim_power_on's.
count_to() {
    spawn tpm-counter --listen "$BUS" --upstream "$1" --log "$COUNTER_LOG"
    tpm-counter --wait "$BUS" || give_up "the counter does not answer"
    : >>"$COUNTER_LOG"
}

# sim_start: chip and counter, and SCU_TCTI, SCU_STATE that lead there.
sim_start() {
    need "${SWTPM:-swtpm}" setpriv
    sim_power_on
    count_to "$SIM_DIR/swtpm.sock"
    export SCU_TCTI=scu:swtpm:path=$BUS SCU_STATE=$SCRATCH/state
}

# mark: commands are counted from here.
mark() { MARK=$(wc -l <"$COUNTER_LOG"); }

# commands: their names since the mark, a line each.
commands() { tail -n "+$((MARK + 1))" "$COUNTER_LOG" | awk '{ print $1 }'; }

# expect_commands GOLDEN [TEXT]: exactly those, in that order. GOLDEN has a
# name per line; lines that begin with # are comment.
expect_commands() {
    local text=${2:-commands are those of $(basename "$1")}
    grep -v '^#' "$1" >"$SCRATCH/golden"
    commands >"$SCRATCH/counted"
    if diff -u --label golden --label counted "$SCRATCH/golden" \
        "$SCRATCH/counted" >"$SCRATCH/diff"; then
        pass "$text: $(wc -l <"$SCRATCH/counted")"
    else
        fail "$text"
        sed 's/^/    /' "$SCRATCH/diff"
    fi
}

# chip_is_clean: no transient object, no session, loaded or saved.
chip_is_clean() {
    local what found dirty=0
    for what in handles-transient handles-loaded-session \
        handles-saved-session; do
        found=$(tpm2_getcap -T "$SIM_TCTI" "$what" 2>&1) ||
            give_up "tpm2_getcap $what: $found"
        [ -z "$found" ] && continue
        fail "left in the chip, $what: ${found//$'\n'/ }"
        dirty=1
    done
    [ "$dirty" -eq 0 ] && pass "nothing is left in the chip"
}

# --- programs of others ---------------------------------------------------------

# What a program must load first so that it can load libraries of a sanitizer
# build (see also tests/lib/locale.c); nothing for other builds.
sanitizer_runtimes() {
    local lib=$top_builddir/tcti-scu/.libs/libtss2-tcti-scu.so.0 runtime
    [ -e "$lib" ] || lib=$top_builddir/tss-backend/.libs/libscu.so
    nm -D --undefined-only "$lib" 2>/dev/null | grep -q __asan_init || return 0
    # gcc links its runtimes to libraries, clang leaves it to the program.
    runtime=$(ldd "$lib" | awk '$1 ~ /^lib(asan|ubsan)\.so/ { print $3 }' |
        sort | paste -sd ' ')
    [ -n "$runtime" ] || runtime=$(${CC:-clang} -print-file-name="$(
        printf 'libclang_rt.asan-%s.so' "$(uname -m)")")
    printf '%s %s' "$runtime" "$top_builddir/tests/lib/.libs/locale.so"
}

# FOREIGN: what stands before a command of others; run_foreign COMMAND...: such
# a command, openssl, curl, tpm2-tools ... with our libraries. Leaks are theirs
# and not looked for; other errors end the program.
FOREIGN=(env)
preload=$(sanitizer_runtimes)
[ -z "$preload" ] || FOREIGN+=("LD_PRELOAD=$preload"
    "ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS:-}")
run_foreign() { "${FOREIGN[@]}" "$@"; }
