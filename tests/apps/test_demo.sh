#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The demo runs, and fails when a step fails.
. "$top_srcdir/tests/lib/lib.sh"
need curl openssl tpm2 scu
export TMPDIR=$SCRATCH
expect_ok "the demo runs to its end" \
    "$top_srcdir/demo/demo.sh" "$top_builddir"
expect_output 'all +ok ' "its table says so"
sed -nE 's/^( ?[0-9]+  .{45}) ok .*/\1/p' "$SCRATCH/out" >"$SCRATCH/steps"
sed -nE 's/^    ( ?[0-9]+  .{45}) ok .*/\1/p' "$top_srcdir/README.md" \
    >"$SCRATCH/readme"
expect_ok "it has steps" test -s "$SCRATCH/steps"
expect_ok "README shows them" diff -u "$SCRATCH/readme" "$SCRATCH/steps"
expect_ok "it leaves nothing behind" \
    test -z "$(find "$SCRATCH" -mindepth 1 -name 'scu-test-*')"

mkdir "$SCRATCH/bin"
printf '#!/bin/sh\nexit 7\n' >"$SCRATCH/bin/curl"
chmod +x "$SCRATCH/bin/curl"
expect_exit 1 "it fails when a step fails" \
    env PATH="$SCRATCH/bin:$PATH" "$top_srcdir/demo/demo.sh" "$top_builddir"
expect_output 'Fetch a page.* FAILED ' "the table names the step"
expect_output 'all +FAILED ' "and says so of all"
finish
