#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The manual pages are well-formed.
. "$top_srcdir/tests/lib/lib.sh"
need mandoc

# lint FILE: style remarks of a distribution's own conventions aside.
lint() { mandoc -Tlint -Wwarning "$1"; }

found=0
for page in "$top_srcdir"/docs/*.[1-8] "$top_srcdir"/docs/*/*.[1-8]; do
    [ -e "$page" ] || continue
    found=1
    expect_ok "$(basename "$page") is well-formed" lint "$page"
done
[ "$found" -eq 1 ] || echo "no manual pages yet"

printf '.Dd today\n.Dt X 1\n.Os\n.Sh NAME\n.Nm x\n.Sh OPTIONS\n.It Fl a\n' \
    >"$SCRATCH/x.1"
if lint "$SCRATCH/x.1" >/dev/null; then
    fail "an item without a list is not found"
else
    pass "an item without a list is found"
fi
finish
