# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What the tests of scu have in common. Sourced behind tests/lib/lib.sh.
: "${SCRATCH:?}"
PATH=$top_builddir/tests/tools:$PATH
export HOME=$SCRATCH/home SCU_STATE=$SCRATCH/state
unset XDG_RUNTIME_DIR XDG_STATE_HOME
mkdir -p "$HOME"

# Simulators run in the background: none outlives the test.
stop_simulators() {
    local file pid
    for file in "$SCRATCH"/*/swtpm.pid "$SCRATCH"/home/*/*/*/*/swtpm.pid; do
        [ -e "$file" ] || continue
        pid=$(cat "$file")
        if [ -n "$pid" ] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null |
            grep -q "^swtpm .*$SCRATCH/"; then
            kill -KILL "$pid"
        fi
    done
}
trap 'stop_simulators; clean_up' EXIT

# same TEXT A B
same() {
    if [ "$2" = "$3" ]; then
        pass "$1"
    else
        fail "$1 (\"$2\" is not \"$3\")"
    fi
}

# get KEY...: of the JSON object that try or the last expect_... left.
get() { json-get "$@" <"$SCRATCH/stdout"; }

# try CODE TEXT COMMAND...: like expect_exit, but with standard output and
# error apart, in $SCRATCH/stdout and $SCRATCH/stderr.
try() {
    local code=$1 text=$2 rc=0
    shift 2
    "$@" >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" || rc=$?
    if [ "$rc" -eq "$code" ]; then
        pass "$text"
    else
        fail "$text (exit code $rc, not $code)"
        sed 's/^/    /' "$SCRATCH/stdout" "$SCRATCH/stderr"
    fi
}

# says REGEXP TEXT: one line on standard error, which matches.
says() {
    if [ "$(wc -l <"$SCRATCH/stderr")" -eq 1 ] &&
        grep -Eq -- "^scu: .*($1)" "$SCRATCH/stderr"; then
        pass "$2"
    else
        fail "$2 (not one line that matches $1)"
        sed 's/^/    /' "$SCRATCH/stderr"
    fi
}

# silent: nothing on standard error.
silent() { same "$1: nothing for people" "$(cat "$SCRATCH/stderr")" ""; }

# prints REGEXP TEXT: a line of standard output.
prints() {
    if grep -Eq -- "$1" "$SCRATCH/stdout"; then
        pass "$2"
    else
        fail "$2 (no line matches $1)"
        sed 's/^/    /' "$SCRATCH/stdout"
    fi
}

# no_data TEXT
no_data() { same "$1: no data" "$(cat "$SCRATCH/stdout")" ""; }
