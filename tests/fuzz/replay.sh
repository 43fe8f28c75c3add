# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
# Sourced by replay_*.sh: each input of the corpus once, and in a build with
# the address sanitizer then inputs that are changed at random, for
# FUZZ_SECONDS, by default 5. What made the program fail stays in a file.
set -eu
: "${top_srcdir:?}" "${top_builddir:?}"

# replay NAME [FOLDER...]
replay() {
    name=$1
    program=$top_builddir/tests/fuzz/fuzz_$name
    failed=$top_builddir/tests/fuzz/$name.failed
    shift
    set -- "$top_srcdir/tests/fuzz/corpus/$name" "$@"
    if [ -z "${FUZZ_SECONDS:-}" ]; then
        FUZZ_SECONDS=0
        grep -q '^SCU_SANITIZE = .*address' "$top_builddir/Makefile" &&
            FUZZ_SECONDS=5
    fi
    if [ "$FUZZ_SECONDS" -eq 0 ]; then
        "$program" "$@"
    elif ! "$program" -m "$FUZZ_SECONDS" "$failed" "$@"; then
        [ ! -e "$failed" ] ||
            echo "the input: $failed; eight octets of length, then it" >&2
        return 1
    fi
}
