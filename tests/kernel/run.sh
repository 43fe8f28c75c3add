#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs the tests of this folder, one after the other, for `make check-kernel`.
# Nothing is installed; a test that lacks packages names them, and is skipped.
: "${top_srcdir:?run this by make check-kernel}" "${top_builddir:?}"
passed=0 failed=0 skipped=0
start=$SECONDS

# one COMMAND...
one() {
    local rc=0
    echo "== $(basename "$1")"
    "$@" || rc=$?
    case $rc in
    0) passed=$((passed + 1)) ;;
    77) skipped=$((skipped + 1)) ;;
    *) failed=$((failed + 1)) ;;
    esac
}

one "$top_builddir/tests/kernel/test_tis"
one "$top_builddir/tests/kernel/test_tis_driver"
one "$top_srcdir/tests/kernel/boot.sh"
echo "== done in $((SECONDS - start)) s"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
