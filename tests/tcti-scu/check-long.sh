#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# make check-long: what takes minutes. Prints its figures; fails when one of
# its parts does. LONG_PARTS names some of: lossy level valgrind tsan.
: "${top_srcdir:?}" "${top_builddir:?}"
. "$top_srcdir/tests/lib/env.sh"
tests=$top_builddir/tests/tcti-scu
failed=0

# part NAME COMMAND...: its output is shown by the filter, or whole if it fails.
part() {
    local name=$1 log=$tests/long-$1.log start=$SECONDS
    shift
    [[ " ${LONG_PARTS:-lossy level valgrind tsan} " == *" $name "* ]] || return
    echo "== $name"
    if "$@" >"$log" 2>&1; then
        grep -E '^(# |[a-z0-9]+ +[0-9]+ |[0-9]+ commands|ALL|All)' "$log"
        echo "== $name: good, in $((SECONDS - start)) s"
    else
        tail -n 40 "$log"
        echo "== $name: failed, see $log"
        failed=1
    fi
}

# 10 000 commands at 1 % loss, none lost, none twice.
lossy() { LOSSY_COMMANDS=10000 "$tests/test_link_uart_lossy"; }

# 10 000 contexts and 100 000 commands on each link.
level() { "$tests/long"; }

# The tests of the TCTI; those are left out whose subject is time.
valgrind_tests() {
    local test rc=0
    for test in options response tcti_receive tcti_startup tcti_states trace \
        link_open link_swtpm link_device link_fifo link_fifo_faults link_uart \
        matrix; do
        echo "# valgrind test_$test"
        "$top_builddir/libtool" --mode=execute valgrind --quiet \
            --error-exitcode=99 --leak-check=full --fair-sched=yes \
            --show-leak-kinds=definite --errors-for-leak-kinds=definite \
            --keep-debuginfo=yes \
            "$tests/test_$test" || { echo "# test_$test failed"; rc=1; }
    done
    return "$rc"
}
valgrind_or_not() {
    command -v valgrind >/dev/null || {
        echo "# skipped: valgrind is not installed"
        return 0
    }
    valgrind_tests
}

# The tests of threads and links, built for it in a folder of their own.
tsan() (
    programs=(tests/common/test_lockfile_threads
        tests/tcti-scu/test_{loader,matrix,tcti_states,trace,link_open}
        tests/tcti-scu/test_link_{device,fifo,fifo_faults,swtpm,uart}
        tests/tcti-scu/test_link_uart_{faults,hostile,lossy,swtpm,users})
    top_srcdir=$(cd "$top_srcdir" && pwd)
    mkdir -p "$top_builddir/tsan" && cd "$top_builddir/tsan" || exit
    [ -e config.status ] ||
        "$top_srcdir/configure" --quiet --enable-tsan || exit
    make -s -j"$(nproc)" tcti-scu/libtss2-tcti-scu.la "${programs[@]}" || exit
    top_builddir=$PWD
    . "$top_srcdir/tests/lib/env.sh"
    rc=0
    for program in "${programs[@]}"; do
        echo "# $program with the thread sanitizer"
        "$program" || { echo "# $program failed"; rc=1; }
    done
    exit "$rc"
)

part lossy lossy
part level level
part valgrind valgrind_or_not
part tsan tsan
exit "$failed"
