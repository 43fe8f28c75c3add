#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Every command and option that --help shows is in its manual page, and every
# option of a page is in a --help.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/tools/tools.sh"
manuals=$top_srcdir/docs/man

# options PAGE: those that have an item of their own.
options() { sed -n 's/^\.It Fl -\([a-z-]*\).*/--\1/p' "$1" | sort -u; }

# check COMMAND...: goes through a command's help and then its commands.
check() {
    local page words=$* word
    try 0 "scu $words --help" scu "$@" --help
    cp "$SCRATCH/stdout" "$SCRATCH/help"
    page=$(sed -n 's/^The manual is \(.*\)(\([1-8]\))\.$/\1.\2/p' \
        "$SCRATCH/help")
    if [ ! -f "$manuals/$page" ]; then
        fail "scu $words: there is no manual page \"$page\""
        return
    fi
    sed -n 's/^  \(--[a-z-]*\).*/\1/p' "$SCRATCH/help" | sort -u \
        >"$SCRATCH/shown"
    options "$manuals/$page" >"$SCRATCH/documented"
    cat "$SCRATCH/shown" >>"$SCRATCH/all-of-$page"
    same "scu $words: options that $page has not" \
        "$(comm -23 "$SCRATCH/shown" "$SCRATCH/documented")" ""
    awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }' \
        "$SCRATCH/help" >"$SCRATCH/commands-of-$*"
    while read -r word; do
        if grep -Eq "^\.It Cm $word\$" "$manuals/$page"; then
            pass "$page has the command $word"
        else
            fail "$page has not the command $word"
        fi
        check "$@" "$word"
    done <"$SCRATCH/commands-of-$*"
}

# What is common to all stands in scu.1 for the other commands.
check
for page in "$SCRATCH"/all-of-*; do
    name=${page##*/all-of-}
    [ "$name" = scu.1 ] && cat "$SCRATCH"/all-of-* >"$SCRATCH/every" &&
        page=$SCRATCH/every
    sort -u "$page" >"$SCRATCH/shown"
    options "$manuals/$name" >"$SCRATCH/documented"
    same "$name: options that no --help has" \
        "$(comm -13 "$SCRATCH/shown" "$SCRATCH/documented")" ""
done

# The exit codes of the list of errors are all in scu(1).
sed -n 's/^    X([A-Z_]*, -[0-9]*, [A-Z_]*, \([0-9]\), .*/\1/p' \
    "$top_srcdir/tss-backend/scu/error.h" | sort -u >"$SCRATCH/codes"
[ -s "$SCRATCH/codes" ] || fail "no exit codes in error.h"
while read -r code; do
    if grep -q "^\.It $code\$" "$manuals/scu.1"; then
        pass "scu.1 has exit code $code"
    else
        fail "scu.1 has not exit code $code"
    fi
done <"$SCRATCH/codes"
finish
