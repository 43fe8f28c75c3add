#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# make fuzz: libFuzzer on each harness, FUZZ_TIME seconds (600) one after the
# other; FUZZERS names some of them. They are built by clang in a folder of
# their own, with the sanitizers. What is new stays in fuzz/NAME, what fails in
# fuzz/NAME-crash-*; the closing lines are in fuzz/NAME.log.
set -eu
: "${top_srcdir:?}" "${top_builddir:?}"
seconds=${FUZZ_TIME:-600}
read -ra names <<<"${FUZZERS:-options fifo uart registry keyfile evidence}"
dir=$top_builddir/fuzz
top_srcdir=$(cd "$top_srcdir" && pwd)
flags='-g -O1 -fsanitize=fuzzer-no-link -fno-omit-frame-pointer'

command -v clang >/dev/null || {
    echo "fuzz.sh: clang is not installed, and libFuzzer comes with it" >&2
    exit 1
}
mkdir -p "$dir"
cd "$dir"
[ -e config.status ] ||
    "$top_srcdir/configure" --quiet --enable-asan CC=clang CFLAGS="$flags" \
        >configure.log
make -s -j"$(nproc)" "${names[@]/#/tests/fuzz/engine_}" >make.log 2>&1 || {
    tail -n 40 make.log >&2
    exit 1
}
failed=0
for name in "${names[@]}"; do
    mkdir -p "$name"
    rc=0
    "tests/fuzz/engine_$name" -max_total_time="$seconds" -timeout=20 \
        -print_final_stats=1 -artifact_prefix="$name-" -max_len=16384 \
        "$name" "$top_srcdir/tests/fuzz/corpus/$name" >"$name.log" 2>&1 || rc=$?
    grep -E '^stat::number_of_executed|cov: .* ft: ' "$name.log" | tail -n 2 |
        sed "s/^/$name: /"
    [ "$rc" -eq 0 ] && continue
    failed=1
    echo "$name: failed; see $dir/$name.log"
    tail -n 40 "$name.log"
done
exit "$failed"
